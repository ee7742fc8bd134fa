//! Searches for what one index lists in creation order: the resources that have one value of one
//! attribute, and the members of a group. A page is read along the index, and costs the same
//! however many are listed; the statement that finds a value that identifies reads the resources.

use civitas_directory::store::{FoundPage, Page, Place, Position, Query, Selection};

use super::{GROUP, pool::Parameter, record::Beside, source::Session, source::column};
use crate::{
    fault::ReadResult,
    filter::{self, GroupTest, Leaf, Op, Span},
    key,
    rid::{last_of, ordinal_of, rid},
    search::{Kind, Source as _},
};

/// As many resources as most values that identify have. While there are no more, they need not
/// be counted.
const IDENTIFIED: usize = 4;

/// An entry that an index has, under which resources are listed.
pub(super) enum Entry {
    Value {
        attribute: i64,
        head: Vec<u8>,
        tail: Vec<u8>,
    },
    /// The group, and the range of its members of a kind.
    Group(i64, i64, i64),
}

impl Entry {
    /// The rows, with the parameters of [`Entry::parameters`], after a row and in their order.
    /// Of a value in several elements of a resource there are several entries.
    pub(super) const fn rows(&self) -> &'static str {
        // Lines begin with WHERE: `Beside::select` takes the first one after a blank for its own.
        match self {
            Self::Value { .. } => {
                "SELECT DISTINCT rid FROM value
WHERE attribute = $1 AND head = $2 AND tail = $3 AND rid > $4 ORDER BY rid"
            }
            Self::Group(..) => {
                "SELECT member_rid AS rid FROM membership
WHERE group_rid = $1 AND member_rid BETWEEN $2 AND $3 AND member_rid > $4 ORDER BY member_rid"
            }
        }
    }

    /// How many rows, and the last element among them.
    const fn count(&self) -> &'static str {
        match self {
            Self::Value { .. } => {
                "SELECT count(*), coalesce(max(element), 0)::bigint FROM value
                 WHERE attribute = $1 AND head = $2 AND tail = $3"
            }
            Self::Group(..) => {
                "SELECT count(*), 0::bigint FROM membership
                 WHERE group_rid = $1 AND member_rid BETWEEN $2 AND $3"
            }
        }
    }

    fn parameters(&self) -> Vec<Parameter<'_>> {
        match self {
            Self::Value {
                attribute,
                head,
                tail,
            } => vec![attribute, head, tail],
            Self::Group(group, first, last) => vec![group, first, last],
        }
    }
}

/// The resources `r` of rows, as [`Entry::rows`] has them, up to the fifth parameter.
pub(super) fn page(entry: &Entry, beside: Beside) -> String {
    let from = format!(
        "({}\nLIMIT $5) u JOIN resource r ON r.rid = u.rid",
        entry.rows()
    );
    format!("{} ORDER BY u.rid", beside.select(&from, 6))
}

impl Session<'_> {
    /// The page of a query for what an index lists.
    pub(super) fn listing(&self, query: &Query) -> ReadResult<Option<FoundPage>> {
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
        let Some(number) = self.kind(resource_type)? else {
            return Ok(None);
        };
        let kind = Kind {
            number,
            resource_type,
        };
        let beside = Beside::of(query.want, resource_type);
        let entry = match filter::compile(condition, resource_type).op {
            Op::Leaf(Leaf::Values {
                path,
                span: Span::Is(sought),
            }) => {
                let Some(attribute) = self.attribute(number, &path)? else {
                    return Ok(None);
                };
                let bytes = key::encode(&sought);
                let (head, tail) = key::split(&bytes);
                Entry::Value {
                    attribute,
                    head: head.to_vec(),
                    tail: tail.to_vec(),
                }
            }
            Op::Leaf(Leaf::InGroup(test)) => match self.plain_group(&test)? {
                Some(group) => Entry::Group(group, rid(number, 0), last_of(number)),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let (from, count) = match &query.page {
            Page::Index { offset: 0, count } => (rid(number, 0), *count),
            Page::Index { offset, count } => match self.before(&entry, number, *offset)? {
                Some(from) => (from, *count),
                None => (last_of(number), *count),
            },
            Page::After { place, count } => {
                let is_here = |place: &Place| place.resource_type == *resource_type;
                if *count == 0 || !place.as_ref().is_none_or(is_here) {
                    return Ok(None);
                }
                let from = place.as_ref().map_or(0, |place| place.position.0.max(0));
                (rid(number, from), *count)
            }
        };
        let begins = matches!(query.page, Page::Index { offset: 0, .. });
        // As many as tell whether there are more than identify.
        let most = count.max(if begins { IDENTIFIED } else { 0 });
        let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
        let mut parameters = entry.parameters();
        parameters.extend([&from as Parameter<'_>, &limit]);
        parameters.extend(beside.limit().map(|it| it as Parameter<'_>));
        let rows = self.rows(&page(&entry, beside), &parameters)?;
        let mut found = self.records(rows, kind, beside)?;
        let is_whole = begins && found.len() <= most;
        let mut total = found.len() as u64;
        if query.counted && !is_whole {
            match self.count(&entry)? {
                Some(counted) => total = counted,
                None => return Ok(None),
            }
        }
        let more = found.len() > count;
        found.truncate(count);
        let last = found.last().filter(|_| more).map(|(rid, _)| *rid);
        let next = last.filter(|_| matches!(query.page, Page::After { .. }));
        Ok(Some(FoundPage {
            total,
            items: found.into_iter().map(|(_, found)| found).collect(),
            next: next.map(|rid| Place {
                resource_type: resource_type.clone(),
                position: Position(ordinal_of(rid)),
                key: None,
            }),
        }))
    }

    /// The group of an identifier, if no group is in it: else members are listed in several
    /// places.
    fn plain_group(&self, test: &GroupTest) -> ReadResult<Option<i64>> {
        let (Some(id), Some(groups)) = (test.id(), self.kind(GROUP)?) else {
            return Ok(None);
        };
        let (id, ends) = (id.as_bytes(), (rid(groups, 0), last_of(groups)));
        self.value(
            "SELECT rid FROM resource r WHERE partition = $1 AND id = $2 AND kind = $3
             AND NOT EXISTS (SELECT 1 FROM membership m
                 WHERE m.group_rid = r.rid AND m.member_rid BETWEEN $4 AND $5)",
            &[&self.partition(), &id, &groups, &ends.0, &ends.1],
        )
    }

    /// How many are listed; `None` if the index may list a resource several times.
    fn count(&self, entry: &Entry) -> ReadResult<Option<u64>> {
        let rows = self.rows(entry.count(), &entry.parameters())?;
        let Some(row) = rows.first() else {
            return Ok(Some(0));
        };
        let (total, element): (i64, i64) = (column(row, 0)?, column(row, 1)?);
        Ok((element == 0).then_some(total.cast_unsigned()))
    }

    /// The row right before an offset.
    fn before(&self, entry: &Entry, kind: i64, offset: u64) -> ReadResult<Option<i64>> {
        let (from, skipped) = (rid(kind, 0), i64::try_from(offset).unwrap_or(i64::MAX) - 1);
        let mut parameters = entry.parameters();
        parameters.extend([&from as Parameter<'_>, &skipped]);
        self.value(&format!("{} LIMIT 1 OFFSET $5", entry.rows()), &parameters)
    }
}
