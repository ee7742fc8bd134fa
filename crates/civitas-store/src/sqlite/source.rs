//! What a search asks, answered by SQLite.

use civitas_directory::{
    record::Found,
    store::{FoundPage, Query, Want},
};
use civitas_scim::condition::Condition;
use rusqlite::{
    Result, Row, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use super::{
    apply::sql,
    census,
    leaf::{Indexes, explain_leaf},
    reader::{BY_RANGE, BY_RID, Reader},
    schema::{last_of, rid},
};
use crate::{
    fault::ReadResult,
    filter::{self, Leaf, Op},
    search::{KeyRef, Kind, Meet, Order, OrderIndex, Part, Source, Visit},
};

/// How SQLite answers the leaves of a condition, a line each step.
pub(super) fn explain(
    reader: Reader<'_>,
    resource_type: &str,
    condition: &Condition,
) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut open = vec![filter::compile(condition, resource_type)];
    while let Some(node) = open.pop() {
        match node.op {
            Op::Leaf(leaf) => lines.extend(explain_leaf(reader, &leaf)?),
            Op::And(nodes) | Op::Or(nodes) => open.extend(nodes),
            Op::Not(inner) => open.push(*inner),
            Op::Constant(_) | Op::Check => {}
        }
    }
    Ok(lines)
}

impl Source for Reader<'_> {
    fn shortcut(&self, query: &Query, cap: usize) -> ReadResult<Option<FoundPage>> {
        self.listing(query, cap)
    }

    fn kind(&self, resource_type: &str) -> ReadResult<Option<i64>> {
        let kind = self
            .catalog
            .kind(self.connection, self.partition, resource_type)?;
        Ok(kind)
    }

    fn total(&self, kind: i64) -> ReadResult<u64> {
        Ok(census::total(self.connection, kind)?)
    }

    fn seek(&self, kind: i64, except: &[i64], offset: u64) -> ReadResult<Option<i64>> {
        Ok(census::seek(self.connection, kind, except, offset)?)
    }

    fn ask(&self, kind: i64, leaf: &Leaf, cap: usize) -> ReadResult<Vec<i64>> {
        let indexes = Indexes {
            reader: *self,
            kind,
            cap,
        };
        indexes.ask(leaf)
    }

    fn found(&self, kind: Kind<'_>, rids: &[i64], want: Want, visit: Visit<'_>) -> ReadResult<()> {
        let mut statement = self.connection.prepare_cached(BY_RID)?;
        let asks_groups = Self::asks_groups(kind.resource_type, want);
        for rid in rids {
            let mut rows = statement.query((asks_groups, rid))?;
            let Some(row) = rows.next()? else {
                continue;
            };
            let found = self.found(row, kind.resource_type, want)?;
            if !visit(*rid, found)? {
                break;
            }
        }
        Ok(())
    }

    fn scan(
        &self,
        kind: Kind<'_>,
        from: i64,
        _expected: usize,
        want: Want,
        visit: Visit<'_>,
    ) -> ReadResult<()> {
        let mut statement = self.connection.prepare_cached(BY_RANGE)?;
        let asks_groups = Self::asks_groups(kind.resource_type, want);
        let mut rows = statement.query((asks_groups, from, last_of(kind.number)))?;
        while let Some(row) = rows.next()? {
            let found: Found = self.found(row, kind.resource_type, want)?;
            if !visit(row.get(0)?, found)? {
                break;
            }
        }
        Ok(())
    }

    fn numbers(&self, kind: i64) -> ReadResult<Vec<i64>> {
        // An index that holds nothing else is read faster than the table.
        let mut statement = self.connection.prepare_cached(
            "SELECT rid FROM resource INDEXED BY resource_created WHERE kind = ?1",
        )?;
        let rids = statement.query_map([kind], |row| row.get(0))?;
        let mut rids = rids.collect::<Result<Vec<i64>>>()?;
        rids.sort_unstable();
        Ok(rids)
    }

    fn numbers_before(
        &self,
        kind: i64,
        last: i64,
        _expected: usize,
        visit: &mut dyn FnMut(i64) -> bool,
    ) -> ReadResult<()> {
        let mut statement = self.connection.prepare_cached(
            "SELECT rid FROM resource WHERE rid BETWEEN ?1 AND ?2 ORDER BY rid DESC",
        )?;
        let mut rows = statement.query([rid(kind, 0), last])?;
        while let Some(row) = rows.next()? {
            if !visit(row.get(0)?) {
                break;
            }
        }
        Ok(())
    }

    fn walk(
        &self,
        kind: i64,
        order: Order<'_>,
        part: Part<'_>,
        _expected: usize,
        meet: Meet<'_>,
    ) -> ReadResult<()> {
        let leading = match order.index {
            OrderIndex::Created | OrderIndex::Modified => Some(kind),
            OrderIndex::Ids => Some(self.partition),
            OrderIndex::Values(path) => self.catalog.attribute(self.connection, kind, path)?,
        };
        let Some(leading) = leading else {
            return Ok(());
        };
        let (first, second) = match part {
            Part::Whole => (None, None),
            Part::Tied(key, rid) => (Some(sql(key)), Some(rid)),
            Part::Beyond(key) => (Some(sql(key)), None),
        };
        let parameters = [leading, rid(kind, 0), last_of(kind)]
            .map(ToSqlOutput::from)
            .into_iter();
        let parameters = parameters.chain(first).chain(second.map(ToSqlOutput::from));
        let mut statement = self.connection.prepare_cached(&walk(order, part))?;
        let mut rows = statement.query(params_from_iter(parameters))?;
        while let Some(row) = rows.next()? {
            if !meet(row.get(0)?, key(row)?)? {
                break;
            }
        }
        Ok(())
    }

    fn listed(&self, kind: i64, path: &str) -> ReadResult<u64> {
        let Some(attribute) = self.catalog.attribute(self.connection, kind, path)? else {
            return Ok(0);
        };
        let listed = self
            .connection
            .prepare_cached("SELECT count(*) FROM value WHERE attribute = ?1 AND element = 0")?
            .query_row([attribute], |row| row.get(0))
            .map(i64::cast_unsigned)?;
        Ok(listed)
    }
}

/// The key in the second column.
fn key<'r>(row: &'r Row<'_>) -> ReadResult<KeyRef<'r>> {
    Ok(match row.get_ref(1)? {
        ValueRef::Integer(integer) => KeyRef::Integer(integer),
        ValueRef::Real(real) => KeyRef::Real(real),
        other => KeyRef::Text(other.as_str().map_err(rusqlite::Error::from)?),
    })
}

/// The statement that walks a part of an index. A tie is walked by itself: only so is it
/// entered at a rid in every index.
fn walk(order: Order<'_>, part: Part<'_>) -> String {
    let (table, leading, key, also) = match order.index {
        OrderIndex::Created => (
            "resource INDEXED BY resource_created",
            "kind",
            "created",
            "",
        ),
        OrderIndex::Modified => (
            "resource INDEXED BY resource_modified",
            "kind",
            "modified",
            "",
        ),
        OrderIndex::Ids => ("resource INDEXED BY resource_id", "partition", "id", ""),
        OrderIndex::Values(_) => ("value", "attribute", "key", " AND element = 0"),
    };
    let (beyond, direction) = if order.descending {
        ("<", " DESC")
    } else {
        (">", "")
    };
    let part = match part {
        Part::Whole => String::new(),
        Part::Tied(..) => format!(" AND {key} = ?4 AND rid {beyond} ?5"),
        Part::Beyond(_) => format!(" AND {key} {beyond} ?4"),
    };
    format!(
        "SELECT rid, {key} FROM {table}
         WHERE {leading} = ?1 AND +rid BETWEEN ?2 AND ?3{also}{part}
         ORDER BY {key}{direction}, rid{direction}"
    )
}

#[cfg(test)]
mod tests {
    use civitas_scim::value::Key;
    use rusqlite::Connection;

    use super::{super::schema, *};

    #[test]
    fn every_walk_follows_an_index_in_its_order() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let key = Key::Integer(1);
        for (index, walked) in [
            (
                OrderIndex::Created,
                ["kind=?", "created=? AND rowid", "created"],
            ),
            (
                OrderIndex::Modified,
                ["kind=?", "modified=? AND rowid", "modified"],
            ),
            (OrderIndex::Ids, ["partition=?", "id=?", "id"]),
            (
                OrderIndex::Values("userName"),
                ["attribute=?", "key=? AND rid", "key"],
            ),
        ] {
            let parts = [Part::Whole, Part::Tied(&key, 1), Part::Beyond(&key)];
            for (part, range) in parts.into_iter().zip(walked) {
                for descending in [false, true] {
                    let statement = walk(Order { index, descending }, part);
                    let mut plan = connection
                        .prepare(&format!("EXPLAIN QUERY PLAN {statement}"))
                        .unwrap();
                    let steps = plan.raw_query().mapped(|row| row.get(3));
                    let steps = steps.collect::<Result<Vec<String>>>().unwrap();
                    let [step] = steps.as_slice() else {
                        panic!("{statement}: {steps:?}");
                    };
                    assert!(step.starts_with("SEARCH"), "{statement}: {step}");
                    assert!(step.contains(range), "{statement}: {step}");
                }
            }
        }
    }
}
