//! The SQL behind each question to an index. Each answers with one array of numbers, which
//! costs a fraction of what as many rows do.

use civitas_scim::value::Key;

use super::{pool::Parameter, source::Session};
use crate::{
    fault::ReadResult,
    filter::{GroupTest, Instant, Leaf, Span},
    key,
    rid::{last_of, rid},
    search::Source as _,
};

/// A statement whose last parameter is the most numbers to answer.
pub(super) struct Question {
    pub(super) sql: String,
    numbers: Vec<i64>,
    texts: Vec<Vec<u8>>,
}

impl Question {
    /// What to ask of an index of values needs the number of the attribute; without one there
    /// is nothing to find.
    pub(super) fn of(
        leaf: &Leaf,
        (partition, kind): (i64, i64),
        attribute: Option<i64>,
        groups: Option<i64>,
    ) -> Option<Self> {
        let question = |select: &str, numbers: Vec<i64>, texts: Vec<Vec<u8>>| Self {
            sql: limited(select, numbers.len() + texts.len() + 1),
            numbers,
            texts,
        };
        Some(match leaf {
            Leaf::Values { span, .. } => Self::values(attribute?, span),
            Leaf::Id(span) => Self::ids(partition, span),
            Leaf::Instant(which, low, high) => {
                question(instants(*which), vec![kind, *low, *high], vec![])
            }
            Leaf::HasMember(id) => {
                question(HAS_MEMBER, vec![partition], vec![id.as_bytes().to_vec()])
            }
            Leaf::HasMembers => question(HAS_MEMBERS, vec![kind], vec![]),
            Leaf::InGroups => question(IN_GROUPS, vec![rid(kind, 0), last_of(kind)], vec![]),
            Leaf::InGroup(test) => {
                let id = test.id()?.as_bytes().to_vec();
                let ends = vec![rid(kind, 0), last_of(kind), groups?, partition];
                question(IN_GROUP, ends, vec![id])
            }
        })
    }

    pub(super) fn parameters(&self) -> Vec<Parameter<'_>> {
        let numbers = self.numbers.iter().map(|it| it as Parameter<'_>);
        numbers
            .chain(self.texts.iter().map(|it| it as Parameter<'_>))
            .collect()
    }

    fn values(attribute: i64, span: &Span) -> Self {
        let mut keys = Vec::new();
        let mut next = |bytes: &[u8]| {
            keys.push(bytes.to_vec());
            format!("${}::bytea", keys.len() + 1)
        };
        // What an index takes of a key decides but for keys that begin alike.
        let condition = match span {
            Span::Is(is) => {
                let bytes = key::encode(is);
                let (head, tail) = key::split(&bytes);
                format!("head = {} AND tail = {}", next(head), next(tail))
            }
            Span::Present => format!("head <> {}", next(key::EMPTY_TEXT)),
            Span::Containing(part) => format!(
                "head > {} AND position({} IN substring(head FROM 2) || tail) > 0",
                next(key::EMPTY_TEXT),
                next(part.as_bytes())
            ),
            Span::Ending(part) => {
                let (start, end) = (next(key::EMPTY_TEXT), next(part.as_bytes()));
                format!(
                    "head > {start} AND length(head) + length(tail) > length({end})
                     AND substring(head || tail
                         FROM length(head) + length(tail) - length({end}) + 1) = {end}"
                )
            }
            Span::Range { low, high } => {
                let mut bound = |bytes: &[u8], operator: &str, included: bool| {
                    let (head, tail) = key::split(bytes);
                    let (head, tail) = (next(head), next(tail));
                    let also = if included { "=" } else { "" };
                    format!(
                        "head {operator}= {head}
                         AND (head {operator} {head} OR tail {operator}{also} {tail})"
                    )
                };
                let is_text = |end: &Option<(Key, bool)>| matches!(end, Some((Key::Text(_), _)));
                // Where one end is open, the border between numbers and text takes its place.
                let low_end = match low {
                    Some((low, included)) => Some((key::encode(low), *included)),
                    None => is_text(high).then(|| (key::EMPTY_TEXT.to_vec(), true)),
                };
                let high_end = match high {
                    Some((high, included)) => Some((key::encode(high), *included)),
                    None => (!is_text(low)).then(|| (key::EMPTY_TEXT.to_vec(), false)),
                };
                let low = low_end.map(|(bytes, included)| bound(&bytes, ">", included));
                let high = high_end.map(|(bytes, included)| bound(&bytes, "<", included));
                let bounds: Vec<String> = low.into_iter().chain(high).collect();
                bounds.join(" AND ")
            }
        };
        let select = format!("SELECT rid FROM value WHERE attribute = $1 AND {condition}");
        Self {
            sql: limited(&select, keys.len() + 2),
            numbers: vec![attribute],
            texts: keys,
        }
    }

    /// Ids are texts, whole in their index.
    fn ids(partition: i64, span: &Span) -> Self {
        let mut keys = Vec::new();
        let mut next = |key: &str| {
            keys.push(key.as_bytes().to_vec());
            format!("${}::bytea", keys.len() + 1)
        };
        let condition = match span {
            Span::Is(Key::Text(id)) => format!("id = {}", next(id)),
            Span::Present => format!("id <> {}", next("")),
            Span::Containing(part) => format!("id <> '' AND position({} IN id) > 0", next(part)),
            Span::Ending(part) => {
                let end = next(part);
                format!(
                    "length(id) > 0 AND length(id) >= length({end})
                     AND substring(id FROM length(id) - length({end}) + 1) = {end}"
                )
            }
            Span::Range { low, high } => {
                let mut conditions = vec!["true".to_owned()];
                for (end, operator) in [(low, ">"), (high, "<")] {
                    match end {
                        Some((Key::Text(id), included)) => {
                            let also = if *included { "=" } else { "" };
                            conditions.push(format!("id {operator}{also} {}", next(id)));
                        }
                        // No text is below or above a number in the way that is asked.
                        Some(_) => conditions.push("false".into()),
                        None => {}
                    }
                }
                conditions.join(" AND ")
            }
            Span::Is(_) => "false".into(),
        };
        let select = format!("SELECT rid FROM resource WHERE partition = $1 AND {condition}");
        Self {
            sql: limited(&select, keys.len() + 2),
            numbers: vec![partition],
            texts: keys,
        }
    }
}

/// As an array, up to the parameter's number.
fn limited(select: &str, parameter: usize) -> String {
    format!("SELECT array_agg(rid) FROM ({select} LIMIT ${parameter}) found (rid)")
}

fn instants(which: Instant) -> &'static str {
    match which {
        Instant::Created => {
            "SELECT rid FROM resource WHERE kind = $1 AND created BETWEEN $2 AND $3"
        }
        Instant::Modified => {
            "SELECT rid FROM resource WHERE kind = $1 AND modified BETWEEN $2 AND $3"
        }
    }
}

const HAS_MEMBER: &str = "SELECT m.group_rid
    FROM resource r JOIN membership m ON m.member_rid = r.rid
    WHERE r.partition = $1 AND r.id = $2";

const HAS_MEMBERS: &str = "SELECT g.rid FROM resource g
    WHERE g.kind = $1 AND EXISTS (SELECT 1 FROM membership m WHERE m.group_rid = g.rid)";

const IN_GROUPS: &str = "SELECT DISTINCT member_rid FROM membership
    WHERE member_rid BETWEEN $1 AND $2";

/// Members of a group and of the groups within. Members of each kind are one range of a
/// group's members, so that only nested groups are followed.
const IN_GROUP: &str = "SELECT m.member_rid FROM (
        WITH RECURSIVE inner_group (rid) AS (
            SELECT rid FROM resource WHERE partition = $4 AND id = $5 AND kind = $3
            UNION
            SELECT m.member_rid FROM inner_group i JOIN membership m ON m.group_rid = i.rid
                AND m.member_rid BETWEEN $3::bigint << 40 AND (($3::bigint + 1) << 40) - 1
        )
        SELECT rid FROM inner_group
    ) g JOIN membership m ON m.group_rid = g.rid AND m.member_rid BETWEEN $1 AND $2";

/// The same of several groups.
const IN_THESE: &str = "SELECT array_agg(rid) FROM (SELECT m.member_rid FROM (
        WITH RECURSIVE inner_group (rid) AS (
            SELECT unnest($4::bigint[])
            UNION
            SELECT m.member_rid FROM inner_group i JOIN membership m ON m.group_rid = i.rid
                AND m.member_rid BETWEEN $3::bigint << 40 AND (($3::bigint + 1) << 40) - 1
        )
        SELECT rid FROM inner_group
    ) g JOIN membership m ON m.group_rid = g.rid AND m.member_rid BETWEEN $1 AND $2
    LIMIT $5) found (rid)";

impl Session<'_> {
    /// The groups of which the test holds.
    pub(super) fn groups_by(&self, test: &GroupTest) -> ReadResult<Vec<i64>> {
        let Some(groups) = self.kind(super::GROUP)? else {
            return Ok(Vec::new());
        };
        let rows = self.rows(
            "SELECT rid, id, display FROM resource WHERE rid BETWEEN $1 AND $2",
            &[&rid(groups, 0), &last_of(groups)],
        )?;
        let mut found = Vec::new();
        for row in &rows {
            let written = |at| {
                let bytes: &[u8] = super::source::column(row, at)?;
                ReadResult::Ok(std::str::from_utf8(bytes).unwrap_or_default())
            };
            if test.holds(written(1)?, written(2)?) {
                found.push(super::source::column(row, 0)?);
            }
        }
        Ok(found)
    }

    /// Members of the groups and of the groups within.
    pub(super) fn members_of(&self, kind: i64, tops: &[i64], cap: usize) -> ReadResult<Vec<i64>> {
        let Some(groups) = self.kind(super::GROUP)? else {
            return Ok(Vec::new());
        };
        let limit = i64::try_from(cap).unwrap_or(i64::MAX).saturating_add(1);
        let rids: Option<Option<Vec<i64>>> = self.value(
            IN_THESE,
            &[&rid(kind, 0), &last_of(kind), &groups, &tops, &limit],
        )?;
        Ok(rids.flatten().unwrap_or_default())
    }
}
