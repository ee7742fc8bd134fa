//! Streams of events: few, each a text.

use civitas_directory::{
    record::Version,
    store::RegistryError,
    stream::{MAX_STREAMS, Stream, StreamChange},
    tenant::Partition,
};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::error::RegistryFault;

type Outcome<T> = Result<T, RegistryFault>;

pub(super) fn create(
    connection: &mut Connection,
    partition: Partition,
    stream: &Stream,
) -> Outcome<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if all(&transaction, partition)?.len() >= MAX_STREAMS {
        return Err(RegistryError::TooManyStreams(MAX_STREAMS).into());
    }
    transaction.execute(
        "INSERT INTO stream (tenant, id, text) VALUES (?1, ?2, ?3)",
        (partition.raw(), &stream.id, text(stream)?),
    )?;
    transaction.commit()?;
    Ok(())
}

pub(super) fn one(
    connection: &Connection,
    partition: Partition,
    id: &str,
) -> Outcome<Option<Stream>> {
    let text: Option<String> = connection
        .prepare_cached("SELECT text FROM stream WHERE tenant = ?1 AND id = ?2")?
        .query_row((partition.raw(), id), |row| row.get(0))
        .optional()?;
    text.as_deref().map(read).transpose()
}

pub(super) fn all(connection: &Connection, partition: Partition) -> Outcome<Vec<Stream>> {
    let texts: Vec<String> = connection
        .prepare_cached("SELECT text FROM stream WHERE tenant = ?1 ORDER BY id")?
        .query_map([partition.raw()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    texts.iter().map(|text| read(text)).collect()
}

pub(super) fn of_all(connection: &Connection) -> Outcome<Vec<(Partition, Stream)>> {
    let texts: Vec<(i64, String)> = connection
        .prepare_cached("SELECT tenant, text FROM stream ORDER BY tenant, id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let streams = texts.iter();
    streams
        .map(|(tenant, text)| Ok((Partition::from_raw(*tenant), read(text)?)))
        .collect()
}

pub(super) fn change(
    connection: &mut Connection,
    partition: Partition,
    id: &str,
    change: &StreamChange,
) -> Outcome<Stream> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let generation: Option<i64> = transaction
        .prepare_cached("SELECT generation FROM partition WHERE id = ?1")?
        .query_row([partition.raw()], |row| row.get(0))
        .optional()?;
    if generation.unwrap_or_default() != partition.generation() {
        return Err(RegistryError::Reset.into());
    }
    let found = one(&transaction, partition, id)?;
    let mut stream = found.ok_or_else(|| missing(id))?;
    change.apply(&mut stream);
    store(&transaction, partition, &stream)?;
    transaction.commit()?;
    Ok(stream)
}

/// Takes the streams of a tenant back with its log, of which an event is now the last.
pub(super) fn reset(connection: &Connection, partition: Partition, last: i64) -> Outcome<()> {
    for mut stream in all(connection, partition)? {
        StreamChange::Reset(Version(last)).apply(&mut stream);
        store(connection, partition, &stream)?;
    }
    Ok(())
}

pub(super) fn discard(connection: &mut Connection, partition: Partition, id: &str) -> Outcome<()> {
    let gone = connection.execute(
        "DELETE FROM stream WHERE tenant = ?1 AND id = ?2",
        (partition.raw(), id),
    )?;
    if gone == 0 {
        return Err(missing(id).into());
    }
    Ok(())
}

fn store(connection: &Connection, partition: Partition, stream: &Stream) -> Outcome<()> {
    connection
        .prepare_cached("UPDATE stream SET text = ?3 WHERE tenant = ?1 AND id = ?2")?
        .execute((partition.raw(), &stream.id, text(stream)?))?;
    Ok(())
}

fn text(stream: &Stream) -> Outcome<String> {
    Ok(serde_json::to_string(stream).map_err(|error| unreadable(&error))?)
}

fn read(text: &str) -> Outcome<Stream> {
    Ok(serde_json::from_str(text).map_err(|error| unreadable(&error))?)
}

/// Without the text, which may hold a secret.
fn unreadable(error: &serde_json::Error) -> RegistryError {
    let place = format!("line {} column {}", error.line(), error.column());
    RegistryError::Unavailable(format!("a stored stream is not readable at {place}"))
}

fn missing(id: &str) -> RegistryError {
    RegistryError::Missing(format!("stream {id}"))
}
