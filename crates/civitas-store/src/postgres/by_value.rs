//! Searches for one value that identifies: the statement that finds the resources reads them.

use civitas_directory::store::{FoundPage, Page, Query, Selection};

use super::{pool::Parameter, record::Beside, source::Session};
use crate::{
    fault::ReadResult,
    filter::{self, Leaf, Op, Span},
    key,
    search::{Kind, Source as _},
};

/// As many entries as most values that identify have. A value that has more is no such one.
const IDENTIFIED: usize = 4;

impl Session<'_> {
    /// The first page of a query for one value that few resources have.
    pub(super) fn by_value(&self, query: &Query) -> ReadResult<Option<FoundPage>> {
        let (
            [
                Selection {
                    resource_type,
                    condition: Some(condition),
                    sort: None,
                },
            ],
            Page::Index { offset: 0, count },
        ) = (query.selections.as_slice(), &query.page)
        else {
            return Ok(None);
        };
        let Op::Leaf(Leaf::Values {
            path,
            span: Span::Is(sought),
        }) = filter::compile(condition, resource_type).op
        else {
            return Ok(None);
        };
        let Some(number) = self.kind(resource_type)? else {
            return Ok(None);
        };
        let Some(attribute) = self.attribute(number, &path)? else {
            return Ok(None);
        };
        let kind = Kind {
            number,
            resource_type,
        };
        let bytes = key::encode(&sought);
        let (head, tail) = key::split(&bytes);
        let beside = Beside::of(query.want, resource_type);
        let from = "value v JOIN resource r ON r.rid = v.rid \
                    WHERE v.attribute = $1 AND v.head = $2 AND v.tail = $3";
        let sql = format!("{} ORDER BY v.rid LIMIT $4", beside.select(from, 5));
        let limit = IDENTIFIED as i64 + 1;
        let mut parameters: Vec<Parameter<'_>> = vec![&attribute, &head, &tail, &limit];
        parameters.extend(beside.limit().map(|it| it as Parameter<'_>));
        let rows = self.rows(&sql, &parameters)?;
        if rows.len() > IDENTIFIED {
            return Ok(None);
        }
        let mut found = self.records(rows, kind, beside)?;
        // A resource may have the value in several elements.
        found.dedup_by_key(|(rid, _)| *rid);
        if found.len() > *count {
            return Ok(None);
        }
        Ok(Some(FoundPage {
            total: found.len() as u64,
            items: found.into_iter().map(|(_, found)| found).collect(),
            next: None,
        }))
    }
}
