//! Searches for what one index lists in creation order: the resources that have one value of one
//! attribute, and the members of a group. They need no set of candidates: a page is read along
//! the index, and costs the same however many are listed.

use civitas_directory::store::{FoundPage, Page, Place, Position, Query, Selection, Want};
use civitas_scim::value::Key;
use rusqlite::{OptionalExtension, Statement, ToSql};

use super::{
    GROUP,
    apply::sql,
    reader::{BY_GROUP, BY_VALUE, Reader},
    schema::{last_of, ordinal_of, rid},
};
use crate::{
    fault::{ReadFault, ReadResult},
    filter::{self, GroupTest, Leaf, Op, Span},
};

/// As many resources as most values that identify have. While there are no more, they are read
/// in the statement that finds them.
const IDENTIFIED: usize = 4;

/// How many entries have a value, up to a number, and the last element among them.
const COUNT_OF_VALUE: &str = "SELECT count(*), coalesce(max(element), 0) FROM (
    SELECT element FROM value WHERE attribute = ?1 AND key = ?2 LIMIT ?3
)";
/// How many members of a kind a group has.
const COUNT_OF_GROUP: &str = "SELECT count(*), 0 FROM (
    SELECT 1 FROM membership WHERE group_rid = ?1 AND member_rid BETWEEN ?2 AND ?3 LIMIT ?4
)";

/// The row at an offset among those that have a value.
const NTH_OF_VALUE: &str = "SELECT DISTINCT rid FROM value
    WHERE attribute = ?1 AND key = ?2 ORDER BY rid LIMIT 1 OFFSET ?3";
/// The same among the members of a kind.
const NTH_OF_GROUP: &str = "SELECT member_rid FROM membership
    WHERE group_rid = ?1 AND member_rid BETWEEN ?2 AND ?3 ORDER BY member_rid LIMIT 1 OFFSET ?4";

/// An entry that an index has, under which resources are listed.
enum Entry {
    Value { attribute: i64, key: Key },
    Group(i64),
}

/// What is searched for.
struct Sought<'q> {
    kind: i64,
    entry: Entry,
    resource_type: &'q str,
    want: Want,
}

impl Reader<'_> {
    /// The page of a query for what an index lists. Too slow when more entries than `cap` have
    /// to be passed.
    pub(super) fn listing(&self, query: &Query, cap: usize) -> ReadResult<Option<FoundPage>> {
        let Some(sought) = self.sought(query)? else {
            return Ok(None);
        };
        let (from, count) = match &query.page {
            Page::Index { offset, count } => {
                if *offset == 0
                    && let Some(page) = self.identified(&sought, *count)?
                {
                    return Ok(Some(page));
                }
                (self.nth(&sought, *offset, cap)?, *count)
            }
            Page::After { place, count } => {
                let is_here = |place: &Place| place.resource_type == sought.resource_type;
                if *count == 0 || !place.as_ref().is_none_or(is_here) {
                    return Ok(None);
                }
                let from = place.as_ref().map_or(0, |place| place.position.0.max(0));
                (Some(rid(sought.kind, from)), *count)
            }
        };
        let mut total = 0;
        if query.counted {
            match self.count(&sought, cap)? {
                Some(counted) => total = counted,
                None => return Ok(None),
            }
        }
        let mut page = match from {
            Some(from) => self.beyond(&sought, from, count)?,
            None => empty(),
        };
        page.total = page.total.max(total);
        if matches!(query.page, Page::Index { .. }) {
            page.next = None;
        }
        Ok(Some(page))
    }

    fn sought<'q>(&self, query: &'q Query) -> ReadResult<Option<Sought<'q>>> {
        let [
            Selection {
                resource_type,
                condition: Some(condition),
                sort: None,
            },
        ] = query.selections.as_slice()
        else {
            return Ok(None);
        };
        let Reader {
            connection,
            catalog,
            partition,
        } = *self;
        let Some(kind) = catalog.kind(connection, partition, resource_type)? else {
            return Ok(None);
        };
        let entry = match filter::compile(condition, resource_type).op {
            Op::Leaf(Leaf::Values {
                path,
                span: Span::Is(key),
            }) => {
                let attribute = catalog.attribute(connection, kind, &path)?;
                attribute.map(|attribute| Entry::Value { attribute, key })
            }
            Op::Leaf(Leaf::InGroup(test)) => self.plain_group(&test)?.map(Entry::Group),
            _ => None,
        };
        Ok(entry.map(|entry| Sought {
            kind,
            entry,
            resource_type,
            want: query.want,
        }))
    }

    /// The group of an identifier, if no group is in it: else members are listed in several
    /// places.
    fn plain_group(&self, test: &GroupTest) -> ReadResult<Option<i64>> {
        let groups = self.catalog.kind(self.connection, self.partition, GROUP)?;
        let (Some(id), Some(groups)) = (test.id(), groups) else {
            return Ok(None);
        };
        let found = self
            .connection
            .prepare_cached(
                "SELECT rid FROM resource r WHERE partition = ?1 AND id = ?2 AND kind = ?3
                 AND NOT EXISTS (SELECT 1 FROM membership m
                     WHERE m.group_rid = r.rid AND m.member_rid BETWEEN ?4 AND ?5)",
            )?
            .query_row(
                (self.partition, id, groups, rid(groups, 0), last_of(groups)),
                |row| row.get(0),
            )
            .optional()?;
        Ok(found)
    }

    /// The first page, if few resources have the value.
    fn identified(&self, sought: &Sought<'_>, count: usize) -> ReadResult<Option<FoundPage>> {
        if let Entry::Group(_) = sought.entry {
            return Ok(None);
        }
        let page = self.beyond(sought, rid(sought.kind, 0), IDENTIFIED.min(count))?;
        Ok(Some(page).filter(|page| page.next.is_none()))
    }

    /// How many are listed; `None` if the index may list a resource several times.
    fn count(&self, sought: &Sought<'_>, cap: usize) -> ReadResult<Option<u64>> {
        let most = i64::try_from(cap).unwrap_or(i64::MAX);
        let limit = most.saturating_add(1);
        let counted = |statement: &mut Statement<'_>, parameters: &[&dyn ToSql]| {
            statement.query_row(parameters, |row| Ok((row.get(0)?, row.get(1)?)))
        };
        let ends = (rid(sought.kind, 0), last_of(sought.kind));
        let (total, element): (i64, i64) = match &sought.entry {
            Entry::Value { attribute, key } => counted(
                &mut *self.connection.prepare_cached(COUNT_OF_VALUE)?,
                &[attribute, &sql(key), &limit],
            )?,
            Entry::Group(group) => counted(
                &mut *self.connection.prepare_cached(COUNT_OF_GROUP)?,
                &[group, &ends.0, &ends.1, &limit],
            )?,
        };
        if total > most {
            return Err(ReadFault::Slow);
        }
        Ok((element == 0).then_some(total.cast_unsigned()))
    }

    /// Where the rows from an offset on begin: right before them.
    fn nth(&self, sought: &Sought<'_>, offset: u64, cap: usize) -> ReadResult<Option<i64>> {
        if offset == 0 {
            return Ok(Some(rid(sought.kind, 0)));
        }
        if offset > cap as u64 {
            return Err(ReadFault::Slow);
        }
        let offset = i64::try_from(offset).unwrap_or(i64::MAX);
        let ends = (rid(sought.kind, 0), last_of(sought.kind));
        let nth = |statement: &mut Statement<'_>, parameters: &[&dyn ToSql]| {
            let row = statement.query_row(parameters, |row| row.get::<_, i64>(0));
            row.optional()
        };
        let nth = match &sought.entry {
            Entry::Value { attribute, key } => nth(
                &mut *self.connection.prepare_cached(NTH_OF_VALUE)?,
                &[attribute, &sql(key), &offset],
            )?,
            Entry::Group(group) => nth(
                &mut *self.connection.prepare_cached(NTH_OF_GROUP)?,
                &[group, &ends.0, &ends.1, &offset],
            )?,
        };
        Ok(nth.map(|rid| rid - 1))
    }

    /// Up to `most` resources beyond a row; the total is of those only.
    fn beyond(&self, sought: &Sought<'_>, from: i64, most: usize) -> ReadResult<FoundPage> {
        let asks_groups = Reader::asks_groups(sought.resource_type, sought.want);
        let statement = match sought.entry {
            Entry::Value { .. } => BY_VALUE,
            Entry::Group(_) => BY_GROUP,
        };
        let mut statement = self.connection.prepare_cached(statement)?;
        let mut rows = match &sought.entry {
            Entry::Value { attribute, key } => {
                statement.query((asks_groups, attribute, sql(key), from))?
            }
            Entry::Group(group) => {
                statement.query((asks_groups, group, from, last_of(sought.kind)))?
            }
        };
        let (mut page, mut last) = (empty(), None);
        while let Some(row) = rows.next()? {
            let rid: i64 = row.get(0)?;
            if last == Some(rid) {
                continue;
            }
            if page.items.len() == most {
                page.next = Some(Place {
                    resource_type: sought.resource_type.to_owned(),
                    position: Position(last.map_or(0, ordinal_of)),
                    key: None,
                });
                break;
            }
            page.items
                .push(self.found(row, sought.resource_type, sought.want)?);
            last = Some(rid);
        }
        page.total = page.items.len() as u64;
        Ok(page)
    }
}

fn empty() -> FoundPage {
    FoundPage {
        total: 0,
        items: Vec::new(),
        next: None,
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{super::schema, *};

    #[test]
    fn pages_are_read_along_the_index() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        for (statement, along) in [
            (
                BY_VALUE,
                "SEARCH v USING PRIMARY KEY (attribute=? AND key=? AND rid>?)",
            ),
            (
                BY_GROUP,
                "SEARCH m USING PRIMARY KEY (group_rid=? AND member_rid>? AND member_rid<?)",
            ),
            (
                NTH_OF_VALUE,
                "SEARCH value USING PRIMARY KEY (attribute=? AND key=?)",
            ),
            (
                NTH_OF_GROUP,
                "SEARCH membership USING PRIMARY KEY \
                 (group_rid=? AND member_rid>? AND member_rid<?)",
            ),
        ] {
            let plan = format!("EXPLAIN QUERY PLAN {statement}");
            let mut plan = connection.prepare(&plan).unwrap();
            let steps = plan.raw_query().mapped(|row| row.get(3));
            let steps = steps.collect::<rusqlite::Result<Vec<String>>>().unwrap();
            assert_eq!(steps[0], along, "{steps:?}");
            assert!(!steps.iter().any(|it| it.contains("TEMP")), "{steps:?}");
        }
    }
}
