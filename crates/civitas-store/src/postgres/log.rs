//! The event log: its events, what changed since one, how far it reaches, and its pruning.

use civitas_directory::{
    change::Difference,
    record::{Timestamp, Version},
    store::{Changes, ChangesQuery, Event, EventKind, LogReach, Newest},
};
use tokio_postgres::Row;

use super::{
    catalog,
    error::Outcome,
    pool::{Connection, Parameter, Step, Transaction},
    record::{self, Beside, text},
};
use crate::{catalog::Facts, rid::kind_of};

/// An event's `what`, as stored.
pub(super) const CREATED: i16 = 0;
pub(super) const CHANGED: i16 = 1;
pub(super) const DELETED: i16 = 2;

const REACH: &str = "SELECT coalesce((SELECT seq FROM pruned WHERE partition = $1), 0),
    coalesce((SELECT max(seq) FROM event WHERE partition = $1), 0)";

/// Events after a version.
pub(super) async fn events(
    connection: &Connection,
    facts: &Facts,
    partition: i64,
    after: i64,
    limit: usize,
) -> Outcome<Vec<Event>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = connection
        .query(
            "SELECT seq, at, actor, request, what, kind, id, whole, changed, active
             FROM event WHERE partition = $1 AND seq > $2 ORDER BY seq LIMIT $3",
            &[&partition, &after, &limit],
        )
        .await?;
    let mut events = Vec::with_capacity(rows.len());
    for row in &rows {
        let name = catalog::type_name(connection, facts, partition, row.try_get(5)?).await?;
        events.push(Event {
            version: Version(row.try_get(0)?),
            at: Timestamp(row.try_get(1)?),
            actor: text(row, 2)?,
            request_id: text(row, 3)?,
            kind: match row.try_get(4)? {
                CREATED => EventKind::Created,
                DELETED => EventKind::Deleted,
                _ => EventKind::Changed,
            },
            resource_type: name.as_ref().into(),
            id: text(row, 6)?,
            difference: difference(row)?,
        });
    }
    Ok(events)
}

/// The last three columns of an event.
fn difference(row: &Row) -> Outcome<Option<Difference>> {
    let Some(whole) = row.try_get(7)? else {
        return Ok(None);
    };
    let names = text(row, 8)?;
    Ok(Some(Difference {
        whole,
        attributes: names.split_whitespace().map(str::to_owned).collect(),
        active: row.try_get(9)?,
    }))
}

/// How far the log of a partition reaches.
pub(super) async fn reach(connection: &Connection, partition: i64) -> Outcome<LogReach> {
    let rows = connection.query(REACH, &[&partition]).await?;
    reach_of(&rows)
}

fn reach_of(rows: &[Row]) -> Outcome<LogReach> {
    let (pruned, last) = match rows.first() {
        Some(row) => (row.try_get(0)?, row.try_get(1)?),
        None => (0, 0),
    };
    Ok(LogReach {
        pruned: Version(pruned),
        last: Version(last.max(pruned)),
    })
}

/// An event and the present state of its resource.
const STATES: &str = "SELECT e.seq, e.what, e.kind, e.id, e.at, r.rid, r.version
    FROM event e LEFT JOIN resource r ON r.partition = e.partition AND r.id = e.id
    WHERE e.partition = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3";

/// The newest states of what changed after an event; `None` when the log does not reach back
/// to it. The transaction is left open.
pub(super) async fn changes(
    connection: &Connection,
    facts: &Facts,
    partition: i64,
    query: &ChangesQuery,
) -> Outcome<Option<Changes>> {
    // One more than is looked at, to tell whether more follow.
    let limit = query.max_events.saturating_add(1);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let steps = vec![
        Step::new(REACH).with(partition),
        Step::new(STATES)
            .with(partition)
            .with(query.after.0)
            .with(limit),
    ];
    let answers = connection.begin(Transaction::Reading, steps).await?;
    let LogReach { pruned, last } = reach_of(&answers[0])?;
    // After a reset an event may be known that never happened.
    if !(pruned..=last).contains(&query.after) {
        return Ok(None);
    }
    let mut changes = Changes {
        items: Vec::new(),
        seen: query.after,
        more: false,
    };
    let mut told = Vec::new();
    for (looked_at, row) in answers[1].iter().enumerate() {
        if told.len() == query.count || looked_at == query.max_events {
            changes.more = true;
            break;
        }
        changes.seen = Version(row.try_get(0)?);
        let name = catalog::type_name(connection, facts, partition, row.try_get(2)?).await?;
        if query.types.iter().any(|it| **it == *name) {
            told.extend(state(row, &name)?);
        }
    }
    let mut present = present(connection, facts, partition, query, &told).await?;
    changes
        .items
        .extend(told.into_iter().filter_map(|it| match it {
            State::Gone(gone) => Some(gone),
            State::Made { rid, is_new, .. } => {
                let at = present.iter().position(|(it, _)| *it == rid)?;
                let (_, found) = present.swap_remove(at);
                Some(Newest::Present { is_new, found })
            }
        }));
    Ok(Some(changes))
}

/// The state that an event made, where nothing has happened since.
enum State {
    Made {
        rid: i64,
        resource_type: String,
        is_new: bool,
    },
    Gone(Newest),
}

fn state(row: &Row, resource_type: &str) -> Outcome<Option<State>> {
    let (version, what, kind): (i64, i16, i64) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let now: (Option<i64>, Option<i64>) = (row.try_get(5)?, row.try_get(6)?);
    Ok(match now {
        (Some(rid), Some(now)) if kind_of(rid) == kind && now == version => Some(State::Made {
            rid,
            resource_type: resource_type.to_owned(),
            is_new: what == CREATED,
        }),
        (None, _) if what == DELETED => Some(State::Gone(Newest::Gone {
            resource_type: resource_type.to_owned(),
            id: text(row, 3)?,
            at: Timestamp(row.try_get(4)?),
            version: Version(version),
        })),
        _ => None,
    })
}

async fn present(
    connection: &Connection,
    facts: &Facts,
    partition: i64,
    query: &ChangesQuery,
    told: &[State],
) -> Outcome<Vec<(i64, civitas_directory::record::Found)>> {
    let mut present = Vec::new();
    for name in &query.types {
        let rids = told.iter().filter_map(|it| match it {
            State::Made {
                rid, resource_type, ..
            } if resource_type == name => Some(*rid),
            _ => None,
        });
        let rids: Vec<i64> = rids.collect();
        if rids.is_empty() {
            continue;
        }
        let beside = Beside::of(query.want, name);
        let sql = beside.select("resource r WHERE r.rid = ANY ($1)", 2);
        let mut parameters: Vec<Parameter<'_>> = vec![&rids];
        parameters.extend(beside.limit().map(|it| it as Parameter<'_>));
        let rows = connection.query(&sql, &parameters).await?;
        present.extend(record::all(rows, connection, facts, (partition, name), beside).await?);
    }
    Ok(present)
}

/// The last event of a partition that may be forgotten: parameters partition, most events to
/// forget, the instant they are older than, the last event beyond those that are kept. What
/// open jobs need to find out what they have done stays.
const PRUNABLE: &str = "SELECT max(seq) FROM (
        SELECT seq, at FROM event WHERE partition = $1 ORDER BY seq LIMIT $2
    ) oldest
    WHERE (at < $3 OR seq <= $4) AND seq <= coalesce(
        (SELECT min(since) FROM job WHERE tenant = $1 AND ended IS NULL), 9223372036854775807)";

/// Forgets the oldest events of each partition, at most `step` in all; whether more are left
/// to forget. Snapshots keep theirs.
pub(super) async fn prune(
    connection: &Connection,
    before: Timestamp,
    most: u64,
    step: usize,
) -> Outcome<bool> {
    let mut left = step as i64;
    let partitions = connection
        .query(
            "SELECT id, last FROM partition WHERE id > 0 ORDER BY id",
            &[],
        )
        .await?;
    for row in partitions {
        let (partition, last): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let kept_from = last.saturating_sub_unsigned(most);
        // Most often there is nothing to forget: nobody is locked out to find that out.
        let parameters: [Parameter<'_>; 4] = [&partition, &left, &before.0, &kept_from];
        let until: Option<Option<i64>> = connection.value(PRUNABLE, &parameters).await?;
        if until.flatten().is_none() {
            continue;
        }
        let lock = Step::new(super::commit::LOCK).with(partition);
        connection.begin(Transaction::Writing, vec![lock]).await?;
        let until: Option<Option<i64>> = connection.value(PRUNABLE, &parameters).await?;
        let Some(until) = until.flatten() else {
            connection.roll_back();
            continue;
        };
        let gone = connection
            .execute(
                "DELETE FROM event WHERE partition = $1 AND seq <= $2",
                &[&partition, &until],
            )
            .await?;
        let note = Step::new(
            "INSERT INTO pruned (partition, seq) VALUES ($1, $2)
             ON CONFLICT (partition) DO UPDATE SET seq = excluded.seq",
        );
        connection
            .commit(vec![note.with(partition).with(until)])
            .await?;
        left = left.saturating_sub_unsigned(gone);
        if left <= 0 {
            return Ok(true);
        }
    }
    Ok(left <= 0)
}
