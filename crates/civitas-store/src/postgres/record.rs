//! Resources as rows, and what is read beside them in the same statement.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use civitas_directory::{
    record::{Found, GroupRef, MemberRef, Record, Timestamp, Version},
    store::{Position, Want},
};
use tokio_postgres::Row;

use super::{
    GROUP, USER, catalog,
    error::{Fault, Outcome},
    pool::Connection,
};
use crate::{
    catalog::Facts,
    rid::{kind_of, ordinal_of},
};

/// Columns of a resource `r`.
const RECORD: &str = "r.rid, r.id, r.version, r.created, r.modified, r.document";

/// The groups of a user `r`, if it has any, as one array (migration 7).
const GROUPS: &str = "CASE WHEN EXISTS (SELECT 1 FROM membership m WHERE m.member_rid = r.rid)
        THEN groups_of(r.rid) END";

/// The members of a group `r`, as many as the last parameter says.
const MEMBERS: &str = "SELECT array_agg(l.rid ORDER BY l.rid), array_agg(l.id ORDER BY l.rid),
        array_agg(l.display ORDER BY l.rid)
    FROM (
        SELECT t.rid, t.id, coalesce(nullif(t.display, ''), m.display, '') AS display
        FROM membership m JOIN resource t ON t.rid = m.member_rid
        WHERE m.group_rid = r.rid ORDER BY m.member_rid LIMIT ";

/// What is read beside the resources of a type.
#[derive(Debug, Clone, Copy)]
pub(super) enum Beside {
    Nothing,
    Groups,
    /// At most this many.
    Members(i64),
}

impl Beside {
    /// What of the wish resources of the type have.
    pub(super) fn of(want: Want, resource_type: &str) -> Self {
        match want {
            Want { groups: true, .. } if resource_type == USER => Self::Groups,
            Want {
                members: Some(limit),
                ..
            } if resource_type == GROUP => {
                let limit = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
                Self::Members(limit)
            }
            _ => Self::Nothing,
        }
    }

    /// A statement over resources `r`. Of members, the limit is the parameter of that number.
    pub(super) fn select(self, from: &str, parameter: usize) -> String {
        match self {
            Self::Nothing => format!("SELECT {RECORD} FROM {from}"),
            Self::Groups => format!("SELECT {RECORD}, {GROUPS} FROM {from}"),
            Self::Members(_) => {
                let (tables, rest) = from.split_once(" WHERE ").unwrap_or((from, "true"));
                format!(
                    "SELECT {RECORD}, b.a, b.b, b.c
                     FROM {tables} CROSS JOIN LATERAL ({MEMBERS}${parameter}) l) AS b (a, b, c)
                     WHERE {rest}"
                )
            }
        }
    }

    /// The limit, where there is one.
    pub(super) fn limit(&self) -> Option<&i64> {
        match self {
            Self::Members(limit) => Some(limit),
            _ => None,
        }
    }
}

/// Text that is kept as bytes.
pub(super) fn text(row: &Row, column: usize) -> Outcome<String> {
    owned(row.try_get(column)?)
}

pub(super) fn owned(bytes: &[u8]) -> Outcome<String> {
    String::from_utf8(bytes.to_vec()).map_err(|error| Fault::Refused(error.to_string()))
}

/// The resources of rows, each with its number.
pub(super) async fn all(
    rows: Vec<Row>,
    connection: &Connection,
    facts: &Facts,
    (partition, resource_type): (i64, &str),
    beside: Beside,
) -> Outcome<Vec<(i64, Found)>> {
    let mut names = HashMap::new();
    if let Beside::Members(_) = beside {
        for row in &rows {
            for rid in row.try_get::<_, Option<Vec<i64>>>(6)?.unwrap_or_default() {
                let kind = kind_of(rid);
                if let Entry::Vacant(unknown) = names.entry(kind) {
                    unknown.insert(catalog::type_name(connection, facts, partition, kind).await?);
                }
            }
        }
    }
    let found = rows.iter();
    found
        .map(|row| {
            Ok((
                row.try_get(0)?,
                found_of(row, resource_type, beside, &names)?,
            ))
        })
        .collect()
}

fn found_of(
    row: &Row,
    resource_type: &str,
    beside: Beside,
    names: &HashMap<i64, Arc<str>>,
) -> Outcome<Found> {
    let (groups, members) = match beside {
        Beside::Nothing => (None, None),
        Beside::Groups => (Some(groups(row)?), None),
        Beside::Members(_) => (None, Some(members(row, names)?)),
    };
    Ok(Found {
        record: Record {
            resource_type: resource_type.into(),
            id: text(row, 1)?,
            position: Position(ordinal_of(row.try_get(0)?)),
            version: Version(row.try_get(2)?),
            created: Timestamp(row.try_get(3)?),
            modified: Timestamp(row.try_get(4)?),
            document: text(row, 5)?,
        },
        groups,
        members,
    })
}

/// A column of arrays; without rows the aggregate is null.
fn array<'r, T: tokio_postgres::types::FromSql<'r>>(
    row: &'r Row,
    column: usize,
) -> Outcome<Vec<T>> {
    Ok(row
        .try_get::<_, Option<Vec<T>>>(column)?
        .unwrap_or_default())
}

fn groups(row: &Row) -> Outcome<Vec<GroupRef>> {
    let all = array::<&[u8]>(row, 6)?;
    let (ids, rest) = all.split_at(all.len() / 3);
    let (displays, direct) = rest.split_at(ids.len());
    let groups = ids.iter().zip(displays).zip(direct);
    groups
        .map(|((id, display), direct)| {
            Ok(GroupRef {
                id: owned(id)?,
                display: owned(display)?,
                direct: *direct == [1],
            })
        })
        .collect()
}

fn members(row: &Row, names: &HashMap<i64, Arc<str>>) -> Outcome<Vec<MemberRef>> {
    let (ids, displays) = (array::<&[u8]>(row, 7)?, array::<&[u8]>(row, 8)?);
    let members = array::<i64>(row, 6)?.into_iter().zip(ids).zip(displays);
    members
        .map(|((rid, id), display)| {
            Ok(MemberRef {
                id: owned(id)?,
                resource_type: names.get(&kind_of(rid)).map_or("", |it| it).to_owned(),
                display: owned(display)?,
            })
        })
        .collect()
}
