//! The SQL behind each question to an index.

use std::fmt::Write;

use civitas_scim::value::Key;
use memchr::memmem::Finder;
use rusqlite::{Params, Result, params_from_iter, types::ToSqlOutput};

use super::{
    GROUP,
    apply::sql,
    reader::Reader,
    schema::{kind_of, last_of, rid},
};
use crate::{
    fault::{ReadFault, ReadResult},
    filter::{GroupTest, Instant, Leaf, Span},
};

/// Asks the indexes about resources of one kind.
pub(super) struct Indexes<'r> {
    pub(super) reader: Reader<'r>,
    pub(super) kind: i64,
    /// Most resources an answer may have.
    pub(super) cap: usize,
}

impl Indexes<'_> {
    /// The resources of which the leaf holds, in any order.
    pub(super) fn ask(&self, leaf: &Leaf) -> ReadResult<Vec<i64>> {
        match leaf {
            Leaf::Values { path, span } => self.values(path, span),
            Leaf::Id(span) => self.ids(span),
            Leaf::Instant(which, low, high) => {
                self.rids(instants(*which), [self.kind, *low, *high])
            }
            Leaf::HasMember(id) => self.rids(HAS_MEMBER, (self.reader.partition, id)),
            Leaf::HasMembers => self.rids(HAS_MEMBERS, [self.kind]),
            Leaf::InGroup(test) => self.in_group(test),
            Leaf::InGroups => self.rids(IN_GROUPS, [rid(self.kind, 0), last_of(self.kind)]),
        }
    }

    fn values(&self, path: &str, span: &Span) -> ReadResult<Vec<i64>> {
        let Reader {
            connection,
            catalog,
            ..
        } = self.reader;
        match catalog.attribute(connection, self.kind, path)? {
            Some(attribute) => self.spanned(VALUES, attribute, span),
            None => Ok(Vec::new()),
        }
    }

    fn ids(&self, span: &Span) -> ReadResult<Vec<i64>> {
        self.spanned(IDS, self.reader.partition, span)
    }

    fn spanned(&self, index: Index, prefix: i64, span: &Span) -> ReadResult<Vec<i64>> {
        let (statement, keys) = index.query(span);
        let prefix = ToSqlOutput::from(prefix);
        let parameters = std::iter::once(prefix).chain(keys.into_iter().map(sql));
        match span {
            Span::Containing(part) => {
                // Both are UTF-8, so that bytes match only at character boundaries.
                let part = Finder::new(part);
                self.tested(&statement, parameters, |text| part.find(text).is_some())
            }
            Span::Ending(part) => self.tested(&statement, parameters, |text| {
                text.ends_with(part.as_bytes())
            }),
            _ => self.rids(&statement, params_from_iter(parameters)),
        }
    }

    fn rids(&self, statement: &str, parameters: impl Params) -> ReadResult<Vec<i64>> {
        let mut statement = self.reader.connection.prepare_cached(statement)?;
        let mut rows = statement.query(parameters)?;
        let mut rids = Vec::new();
        while let Some(row) = rows.next()? {
            self.keep(row.get(0)?, &mut rids)?;
        }
        Ok(rids)
    }

    /// The resources of the rows whose text passes the test.
    fn tested<'k>(
        &self,
        statement: &str,
        parameters: impl Iterator<Item = ToSqlOutput<'k>>,
        test: impl Fn(&[u8]) -> bool,
    ) -> ReadResult<Vec<i64>> {
        let mut statement = self.reader.connection.prepare_cached(statement)?;
        let mut rows = statement.query(params_from_iter(parameters))?;
        let mut rids = Vec::new();
        while let Some(row) = rows.next()? {
            if row.get_ref(1)?.as_bytes().is_ok_and(&test) {
                self.keep(row.get(0)?, &mut rids)?;
            }
        }
        Ok(rids)
    }

    fn keep(&self, rid: i64, rids: &mut Vec<i64>) -> ReadResult<()> {
        if kind_of(rid) != self.kind {
            return Ok(());
        }
        if rids.len() >= self.cap {
            return Err(ReadFault::Slow);
        }
        rids.push(rid);
        Ok(())
    }

    /// Members of the groups and of the groups within. Members of each kind are one range of
    /// a group's members, so that only nested groups are followed.
    fn in_group(&self, test: &GroupTest) -> ReadResult<Vec<i64>> {
        let Reader {
            connection,
            catalog,
            partition,
        } = self.reader;
        let Some(groups) = catalog.kind(connection, partition, GROUP)? else {
            return Ok(Vec::new());
        };
        let mut open = self.groups(groups, test)?;
        let mut seen: std::collections::HashSet<i64> = open.iter().copied().collect();
        let mut members = Vec::new();
        while let Some(group) = open.pop() {
            members.extend(self.rids(MEMBERS, [group, rid(self.kind, 0), last_of(self.kind)])?);
            let mut statement = connection.prepare_cached(MEMBERS)?;
            let nested = statement
                .query_map([group, rid(groups, 0), last_of(groups)], |row| row.get(0))?
                .collect::<Result<Vec<i64>>>()?;
            open.extend(nested.into_iter().filter(|group| seen.insert(*group)));
        }
        Ok(members)
    }

    /// The groups of which the test holds.
    fn groups(&self, groups: i64, test: &GroupTest) -> ReadResult<Vec<i64>> {
        let Reader {
            connection,
            partition,
            ..
        } = self.reader;
        let mut found = Vec::new();
        if let Some(id) = test.id() {
            let mut statement = connection.prepare_cached(
                "SELECT rid FROM resource WHERE partition = ?1 AND id = ?2 AND kind = ?3",
            )?;
            let mut rows = statement.query((partition, id, groups))?;
            while let Some(row) = rows.next()? {
                found.push(row.get(0)?);
            }
            return Ok(found);
        }
        let mut statement = connection
            .prepare_cached("SELECT rid, id, display FROM resource WHERE rid BETWEEN ?1 AND ?2")?;
        let mut rows = statement.query([rid(groups, 0), last_of(groups)])?;
        while let Some(row) = rows.next()? {
            let (id, display) = (row.get_ref(1)?, row.get_ref(2)?);
            let owned = |it: rusqlite::types::ValueRef<'_>| it.as_str().unwrap_or("").to_owned();
            if test.holds(&owned(id), &owned(display)) {
                found.push(row.get(0)?);
            }
        }
        Ok(found)
    }
}

/// How SQLite carries out the statement behind a leaf.
pub(super) fn explain_leaf(reader: Reader<'_>, leaf: &Leaf) -> Result<Vec<String>> {
    let statement = match leaf {
        Leaf::Values { span, .. } => VALUES.query(span).0,
        Leaf::Id(span) => IDS.query(span).0,
        Leaf::Instant(which, ..) => instants(*which).into(),
        Leaf::HasMember(_) => HAS_MEMBER.into(),
        Leaf::HasMembers => HAS_MEMBERS.into(),
        Leaf::InGroup(_) => MEMBERS.into(),
        Leaf::InGroups => IN_GROUPS.into(),
    };
    let explain = format!("EXPLAIN QUERY PLAN {statement}");
    let mut explain = reader.connection.prepare(&explain)?;
    explain.raw_query().mapped(|row| row.get(3)).collect()
}

const HAS_MEMBER: &str = "SELECT m.group_rid
    FROM resource r CROSS JOIN membership m ON m.member_rid = r.rid
    WHERE r.partition = ?1 AND r.id = ?2";

const HAS_MEMBERS: &str = "SELECT g.rid FROM resource g INDEXED BY resource_created
    WHERE g.kind = ?1 AND EXISTS (SELECT 1 FROM membership m WHERE m.group_rid = g.rid)";

const IN_GROUPS: &str = "SELECT DISTINCT member_rid FROM membership
    WHERE member_rid BETWEEN ?1 AND ?2";

const MEMBERS: &str = "SELECT member_rid FROM membership
    WHERE group_rid = ?1 AND member_rid BETWEEN ?2 AND ?3";

fn instants(which: Instant) -> &'static str {
    match which {
        Instant::Created => {
            "SELECT rid FROM resource INDEXED BY resource_created
             WHERE kind = ?1 AND created BETWEEN ?2 AND ?3"
        }
        Instant::Modified => {
            "SELECT rid FROM resource INDEXED BY resource_modified
             WHERE kind = ?1 AND modified BETWEEN ?2 AND ?3"
        }
    }
}

/// An index of texts or numbers after a leading column.
#[derive(Clone, Copy)]
struct Index {
    table: &'static str,
    prefix: &'static str,
    key: &'static str,
}

const VALUES: Index = Index {
    table: "value",
    prefix: "attribute",
    key: "key",
};

const IDS: Index = Index {
    table: "resource",
    prefix: "partition",
    key: "id",
};

impl Index {
    /// The statement for a span, and the keys it takes after the leading column.
    fn query(self, span: &Span) -> (String, Vec<&Key>) {
        let Self { table, prefix, key } = self;
        let select = |columns, condition: &str| {
            format!("SELECT {columns} FROM {table} WHERE {prefix} = ?1 AND {condition}")
        };
        match span {
            Span::Is(is) => (select("rid", &format!("{key} = ?2")), vec![is]),
            Span::Present => (select("rid", &format!("{key} <> ''")), Vec::new()),
            Span::Containing(_) | Span::Ending(_) => {
                let columns = format!("rid, {key}");
                let statement =
                    format!("SELECT {columns} FROM {table} WHERE {prefix} = ?1 AND {key} > ''");
                (statement, Vec::new())
            }
            Span::Range { low, high } => {
                let (condition, keys) = self.range(low.as_ref(), high.as_ref());
                (select("rid", &condition), keys)
            }
        }
    }

    /// Where one end is open, the border between numbers and text takes its place.
    fn range<'k>(
        self,
        low: Option<&'k (Key, bool)>,
        high: Option<&'k (Key, bool)>,
    ) -> (String, Vec<&'k Key>) {
        let key = self.key;
        let is_text = |end: Option<&(Key, bool)>| matches!(end, Some((Key::Text(_), _)));
        let (mut condition, mut keys) = (String::new(), Vec::new());
        match low {
            Some((low, included)) => {
                let operator = if *included { ">=" } else { ">" };
                let _ = write!(condition, "{key} {operator} ?2");
                keys.push(low);
            }
            None if is_text(high) => {
                let _ = write!(condition, "{key} >= ''");
            }
            None => {}
        }
        let and = if condition.is_empty() { "" } else { " AND " };
        match high {
            Some((high, included)) => {
                let operator = if *included { "<=" } else { "<" };
                let _ = write!(condition, "{and}{key} {operator} ?{}", keys.len() + 2);
                keys.push(high);
            }
            None if !is_text(low) => {
                let _ = write!(condition, "{and}{key} < ''");
            }
            None => {}
        }
        (condition, keys)
    }
}
