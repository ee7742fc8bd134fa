//! The event log as a whole: what changed since, how far it reaches, and its pruning.

use civitas_directory::{
    record::{Found, Timestamp, Version},
    store::{Changes, ChangesQuery, LogReach, Newest, Want},
};
use rusqlite::{Connection, OptionalExtension, Result, TransactionBehavior};

use super::{
    apply::{CREATED, DELETED},
    reader::{BY_ID, Reader},
    schema::kind_of,
};

/// How far the log of a partition reaches.
pub(super) fn reach(reader: Reader<'_>) -> Result<LogReach> {
    let number = |sql: &str| -> Result<i64> {
        let mut statement = reader.connection.prepare_cached(sql)?;
        statement.query_row([reader.partition], |row| row.get(0))
    };
    let pruned = number("SELECT coalesce(max(seq), 0) FROM pruned WHERE partition = ?1")?;
    let last = number("SELECT coalesce(max(seq), 0) FROM event WHERE partition = ?1")?;
    Ok(LogReach {
        pruned: Version(pruned),
        last: Version(last.max(pruned)),
    })
}

/// The newest states of what changed after an event; `None` when the log does not reach back
/// to it.
pub(super) fn changes(reader: Reader<'_>, query: &ChangesQuery) -> Result<Option<Changes>> {
    let LogReach { pruned, last } = reach(reader)?;
    // After a reset an event may be known that never happened.
    if !(pruned..=last).contains(&query.after) {
        return Ok(None);
    }
    let mut kinds = Vec::with_capacity(query.types.len());
    for name in &query.types {
        let kind = reader
            .catalog
            .kind(reader.connection, reader.partition, name)?;
        kinds.extend(kind.map(|kind| (kind, name.as_str())));
    }
    let mut statement = reader.connection.prepare_cached(
        "SELECT seq, what, kind, id, at FROM event
         WHERE partition = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    )?;
    // One more than is looked at, to tell whether more follow.
    let limit = query.max_events.saturating_add(1);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query([reader.partition, query.after.0, limit])?;
    let mut changes = Changes {
        items: Vec::new(),
        seen: query.after,
        more: false,
    };
    for looked_at in 0.. {
        let Some(row) = rows.next()? else {
            break;
        };
        if changes.items.len() == query.count || looked_at == query.max_events {
            changes.more = true;
            break;
        }
        let (version, what, kind): (_, i64, i64) = (Version(row.get(0)?), row.get(1)?, row.get(2)?);
        changes.seen = version;
        let Some((_, name)) = kinds.iter().find(|(it, _)| *it == kind) else {
            continue;
        };
        let id = row.get_ref(3)?.as_str()?;
        match newest(reader, (kind, name), id, version, query.want)? {
            State::Made(found) => changes.items.push(Newest::Present {
                is_new: what == CREATED,
                found: *found,
            }),
            State::Absent if what == DELETED => changes.items.push(Newest::Gone {
                resource_type: (*name).to_owned(),
                id: id.to_owned(),
                at: Timestamp(row.get(4)?),
                version,
            }),
            State::Absent | State::Overtaken => {}
        }
    }
    Ok(Some(changes))
}

/// What became of the state that an event made.
enum State {
    /// It still is the newest.
    Made(Box<Found>),
    /// Something has happened since.
    Overtaken,
    /// The resource is gone.
    Absent,
}

fn newest(
    reader: Reader<'_>,
    (kind, name): (i64, &str),
    id: &str,
    version: Version,
    want: Want,
) -> Result<State> {
    let mut statement = reader.connection.prepare_cached(BY_ID)?;
    let asks_groups = Reader::asks_groups(name, want);
    let mut rows = statement.query((asks_groups, reader.partition, id))?;
    let Some(row) = rows.next()? else {
        return Ok(State::Absent);
    };
    if kind_of(row.get(0)?) != kind || row.get::<_, i64>(2)? != version.0 {
        return Ok(State::Overtaken);
    }
    let found = reader.found(row, name, want)?;
    Ok(State::Made(Box::new(found)))
}

/// Forgets the oldest events of each partition, at most `step` in all; whether more are left
/// to forget. Snapshots keep theirs.
pub(super) fn prune(
    connection: &mut Connection,
    before: Timestamp,
    most: u64,
    step: usize,
) -> Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut left = step;
    for partition in partitions(&transaction)? {
        let last: i64 = transaction
            .prepare_cached("SELECT max(seq) FROM event WHERE partition = ?1")?
            .query_row([partition], |row| row.get(0))?;
        let kept_from = last.saturating_sub_unsigned(most);
        let until = transaction
            .prepare_cached(
                "SELECT max(seq) FROM (
                     SELECT seq, at FROM event WHERE partition = ?1 ORDER BY seq LIMIT ?2
                 ) WHERE (at < ?3 OR seq <= ?4) AND seq <= ?5",
            )?
            .query_row(
                (
                    partition,
                    left as i64,
                    before.0,
                    kept_from,
                    free_of_jobs(&transaction, partition)?,
                ),
                |row| row.get::<_, Option<i64>>(0),
            )?;
        let Some(until) = until else {
            continue;
        };
        transaction.execute(
            "INSERT INTO pruned (partition, seq) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET seq = excluded.seq",
            (partition, until),
        )?;
        let gone = transaction.execute(
            "DELETE FROM event WHERE partition = ?1 AND seq <= ?2",
            (partition, until),
        )?;
        left = left.saturating_sub(gone);
        if left == 0 {
            break;
        }
    }
    transaction.commit()?;
    Ok(left == 0)
}

/// The last event that no open job needs to find out what it has done.
fn free_of_jobs(connection: &Connection, partition: i64) -> Result<i64> {
    connection
        .prepare_cached("SELECT min(since) FROM job WHERE tenant = ?1 AND ended IS NULL")?
        .query_row([partition], |row| row.get::<_, Option<i64>>(0))
        .map(|since| since.unwrap_or(i64::MAX))
}

/// The partitions that have events, each found by one step in the table.
fn partitions(connection: &Connection) -> Result<Vec<i64>> {
    let mut next = connection.prepare_cached(
        "SELECT partition FROM event WHERE partition > ?1 ORDER BY partition LIMIT 1",
    )?;
    let mut partitions = Vec::new();
    // Snapshots are partitions below zero.
    let mut last = 0;
    while let Some(partition) = next.query_row([last], |row| row.get(0)).optional()? {
        partitions.push(partition);
        last = partition;
    }
    Ok(partitions)
}
