//! Searches for one value of one attribute. They need no set of candidates: the index lists what
//! has the value in creation order, and a page is read along it.

use civitas_directory::store::{FoundPage, Page, Place, Position, Query, Selection, Want};
use civitas_scim::value::Key;

use super::{
    apply::sql,
    reader::{BY_VALUE, Reader},
    schema::{ordinal_of, rid},
};
use crate::{
    fault::{ReadFault, ReadResult},
    filter::{self, Leaf, Op, Span},
};

/// As many resources as most values that identify have. While there are no more, they are read
/// in the statement that finds them.
const IDENTIFIED: usize = 4;

/// How many entries have a value, up to a number, and the last element among them.
const COUNT: &str = "SELECT count(*), coalesce(max(element), 0) FROM (
    SELECT element FROM value WHERE attribute = ?1 AND key = ?2 LIMIT ?3
)";

/// A value that is searched for.
struct Sought<'q> {
    kind: i64,
    attribute: i64,
    key: Key,
    resource_type: &'q str,
    want: Want,
}

impl Reader<'_> {
    /// The page of a query that asks for one value and is answered along the index. Too slow
    /// when more entries than `cap` have it.
    pub(super) fn by_value(&self, query: &Query, cap: usize) -> ReadResult<Option<FoundPage>> {
        let Some(sought) = self.sought(query)? else {
            return Ok(None);
        };
        match &query.page {
            Page::Index { offset: 0, count } => self.identified(&sought, *count),
            Page::Index { .. } => Ok(None),
            Page::After { place, count } => self.walk_value(&sought, place.as_ref(), *count, cap),
        }
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
        let Op::Leaf(Leaf::Values {
            path,
            span: Span::Is(key),
        }) = filter::compile(condition, resource_type).op
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
        let attribute = catalog.attribute(connection, kind, &path)?;
        Ok(attribute.map(|attribute| Sought {
            kind,
            attribute,
            key,
            resource_type,
            want: query.want,
        }))
    }

    /// The first page, if few resources have the value.
    fn identified(&self, sought: &Sought<'_>, count: usize) -> ReadResult<Option<FoundPage>> {
        let page = self.beyond(sought, 0, IDENTIFIED.min(count))?;
        Ok(Some(page).filter(|page| page.next.is_none()))
    }

    /// The page after a place, if no resource can have the value twice.
    fn walk_value(
        &self,
        sought: &Sought<'_>,
        place: Option<&Place>,
        count: usize,
        cap: usize,
    ) -> ReadResult<Option<FoundPage>> {
        let is_here = |place: &Place| place.resource_type == sought.resource_type;
        if count == 0 || !place.is_none_or(is_here) {
            return Ok(None);
        }
        let most = i64::try_from(cap).unwrap_or(i64::MAX);
        let (total, element): (i64, i64) = self.connection.prepare_cached(COUNT)?.query_row(
            (sought.attribute, sql(&sought.key), most.saturating_add(1)),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        if total > most {
            return Err(ReadFault::Slow);
        }
        if element > 0 {
            return Ok(None);
        }
        let from = place.map_or(0, |place| rid(sought.kind, place.position.0.max(0)));
        let page = self.beyond(sought, from, count)?;
        Ok(Some(FoundPage {
            total: total.cast_unsigned(),
            ..page
        }))
    }

    /// Up to `most` resources beyond a row; the total is of those only.
    fn beyond(&self, sought: &Sought<'_>, from: i64, most: usize) -> ReadResult<FoundPage> {
        let asks_groups = Reader::asks_groups(sought.resource_type, sought.want);
        let mut statement = self.connection.prepare_cached(BY_VALUE)?;
        let mut rows = statement.query((asks_groups, sought.attribute, sql(&sought.key), from))?;
        let (mut items, mut next, mut last) = (Vec::new(), None, None);
        while let Some(row) = rows.next()? {
            let rid: i64 = row.get(0)?;
            if last == Some(rid) {
                continue;
            }
            if items.len() == most {
                next = Some(Place {
                    resource_type: sought.resource_type.to_owned(),
                    position: Position(last.map_or(0, ordinal_of)),
                    key: None,
                });
                break;
            }
            items.push(self.found(row, sought.resource_type, sought.want)?);
            last = Some(rid);
        }
        Ok(FoundPage {
            total: items.len() as u64,
            items,
            next,
        })
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
        let plan = format!("EXPLAIN QUERY PLAN {BY_VALUE}");
        let mut plan = connection.prepare(&plan).unwrap();
        let steps = plan.raw_query().mapped(|row| row.get(3));
        let steps = steps.collect::<rusqlite::Result<Vec<String>>>().unwrap();
        let along = "SEARCH v USING PRIMARY KEY (attribute=? AND key=? AND rid>?)";
        assert_eq!(steps[0], along, "{steps:?}");
        assert!(!steps.iter().any(|it| it.contains("TEMP")), "{steps:?}");
    }
}
