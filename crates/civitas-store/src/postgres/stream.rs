//! Streams of events: few, each a text. Whoever changes one locks its row first.

use civitas_directory::{
    record::Version,
    store::RegistryError,
    stream::{MAX_STREAMS, Stream, StreamChange},
    tenant::Partition,
};
use tokio_postgres::Row;

use super::{
    commit::LOCK,
    error::{Fault, RegistryFault},
    job::Worker,
    pool::{Connection, Step, Transaction},
    registry::Outcome,
};

pub(super) async fn create(
    connection: &Connection,
    partition: Partition,
    stream: &Stream,
) -> Outcome<()> {
    let tenant = partition.raw();
    let count = Step::new("SELECT count(*) FROM stream WHERE tenant = $1").with(tenant);
    let lock = Step::new(LOCK).with(tenant);
    let found = connection
        .begin(Transaction::Writing, vec![lock, count])
        .await?;
    let count: i64 = found[1][0].try_get(0).map_err(Fault::from)?;
    if count >= MAX_STREAMS as i64 {
        connection.roll_back();
        return Err(RegistryError::TooManyStreams(MAX_STREAMS).into());
    }
    let id = stream.id.as_bytes();
    let insert = vec![
        Step::new("INSERT INTO stream (tenant, id, text, pushed) VALUES ($1, $2, $3, $4)")
            .with(tenant)
            .with(id)
            .with(text(stream)?)
            .with(stream.is_pushed()),
        Step::new("INSERT INTO stream_lease (tenant, stream) VALUES ($1, $2)")
            .with(tenant)
            .with(id),
    ];
    Ok(connection.commit(insert).await?)
}

pub(super) async fn one(
    connection: &Connection,
    partition: Partition,
    id: &str,
) -> Outcome<Option<Stream>> {
    let found = connection
        .row(
            "SELECT text FROM stream WHERE tenant = $1 AND id = $2",
            &[&partition.raw(), &id.as_bytes()],
        )
        .await?;
    found.map(|row| read(&row, 0)).transpose()
}

pub(super) async fn all(connection: &Connection, partition: Partition) -> Outcome<Vec<Stream>> {
    let rows = connection
        .query(
            "SELECT text FROM stream WHERE tenant = $1 ORDER BY id",
            &[&partition.raw()],
        )
        .await?;
    rows.iter().map(|row| read(row, 0)).collect()
}

pub(super) async fn of_all(connection: &Connection) -> Outcome<Vec<(Partition, Stream)>> {
    let rows = connection
        .query("SELECT tenant, text FROM stream ORDER BY tenant, id", &[])
        .await?;
    rows.iter().map(owned).collect()
}

/// Takes the streams to push that are the worker's and those whose lease is over.
pub(super) async fn own(
    connection: &Connection,
    worker: Worker,
) -> Outcome<Vec<(Partition, Stream)>> {
    let rows = connection
        .query(
            "UPDATE stream_lease l SET worker = $1,
                 leased_until = clock_timestamp() + $2 * interval '1 millisecond'
             FROM (
                 SELECT l.tenant, l.stream, s.text
                 FROM stream_lease l JOIN stream s ON s.tenant = l.tenant AND s.id = l.stream
                 WHERE s.pushed AND (l.worker = $1 OR l.leased_until < clock_timestamp())
                 ORDER BY l.tenant, l.stream FOR UPDATE OF l SKIP LOCKED
             ) o
             WHERE l.tenant = o.tenant AND l.stream = o.stream RETURNING o.tenant, o.text",
            &[&worker.number, &worker.lease_ms()],
        )
        .await?;
    let mut own = rows.iter().map(owned).collect::<Outcome<Vec<_>>>()?;
    own.sort_by(|(a, one), (b, other)| (a, &one.id).cmp(&(b, &other.id)));
    Ok(own)
}

pub(super) async fn change(
    connection: &Connection,
    partition: Partition,
    id: &str,
    change: &StreamChange,
) -> Outcome<Stream> {
    // In this order: a reset locks the row too, and what it did is seen after it.
    let steps = vec![
        Step::new("SELECT text FROM stream WHERE tenant = $1 AND id = $2 FOR UPDATE")
            .with(partition.raw())
            .with(id.as_bytes()),
        Step::new("SELECT generation FROM partition WHERE id = $1").with(partition.raw()),
    ];
    let found = connection.begin(Transaction::Writing, steps).await?;
    match changed(&found, partition, id, change) {
        Ok(stream) => {
            let store = store(partition.raw(), &stream)?;
            connection.commit(vec![store]).await?;
            Ok(stream)
        }
        Err(refused) => {
            connection.roll_back();
            Err(refused)
        }
    }
}

fn changed(
    found: &[Vec<Row>],
    partition: Partition,
    id: &str,
    change: &StreamChange,
) -> Outcome<Stream> {
    let generation = found[1].first().map(|row| row.try_get(0));
    let generation: Option<i64> = generation.transpose().map_err(Fault::from)?;
    if generation.unwrap_or_default() != partition.generation() {
        return Err(RegistryError::Reset.into());
    }
    let row = found[0].first().ok_or_else(|| missing(id))?;
    let mut stream = read(row, 0)?;
    change.apply(&mut stream);
    Ok(stream)
}

/// Takes the streams of a tenant back with its log, of which an event is now the last.
pub(super) async fn reset(connection: &Connection, tenant: i64, last: i64) -> Outcome<()> {
    let rows = connection
        .query(
            "SELECT text FROM stream WHERE tenant = $1 ORDER BY id FOR UPDATE",
            &[&tenant],
        )
        .await?;
    let mut steps = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut stream = read(row, 0)?;
        StreamChange::Reset(Version(last)).apply(&mut stream);
        steps.push(store(tenant, &stream)?);
    }
    connection.pipeline(&steps).await?;
    Ok(())
}

pub(super) async fn discard(
    connection: &Connection,
    partition: Partition,
    id: &str,
) -> Outcome<()> {
    let (tenant, key) = (partition.raw(), id.as_bytes());
    let steps = vec![
        Step::new("DELETE FROM stream WHERE tenant = $1 AND id = $2 RETURNING id")
            .with(tenant)
            .with(key),
        Step::new("DELETE FROM stream_lease WHERE tenant = $1 AND stream = $2")
            .with(tenant)
            .with(key),
    ];
    let gone = connection.begin(Transaction::Writing, steps).await?;
    connection.commit(Vec::new()).await?;
    if gone[0].is_empty() {
        return Err(missing(id).into());
    }
    Ok(())
}

fn store(tenant: i64, stream: &Stream) -> Result<Step<'static>, RegistryFault> {
    let update = "UPDATE stream SET text = $3, pushed = $4 WHERE tenant = $1 AND id = $2";
    Ok(Step::new(update)
        .with(tenant)
        .with(stream.id.clone().into_bytes())
        .with(text(stream)?)
        .with(stream.is_pushed()))
}

fn text(stream: &Stream) -> Outcome<Vec<u8>> {
    Ok(serde_json::to_vec(stream).map_err(|error| unreadable(&error))?)
}

fn owned(row: &Row) -> Outcome<(Partition, Stream)> {
    let tenant = row.try_get(0).map_err(Fault::from)?;
    Ok((Partition::from_raw(tenant), read(row, 1)?))
}

fn read(row: &Row, column: usize) -> Outcome<Stream> {
    let text: &[u8] = row.try_get(column).map_err(Fault::from)?;
    Ok(serde_json::from_slice(text).map_err(|error| unreadable(&error))?)
}

/// Without the text, which may hold a secret.
fn unreadable(error: &serde_json::Error) -> RegistryError {
    let place = format!("line {} column {}", error.line(), error.column());
    RegistryError::Unavailable(format!("a stored stream is not readable at {place}"))
}

fn missing(id: &str) -> RegistryError {
    RegistryError::Missing(format!("stream {id}"))
}
