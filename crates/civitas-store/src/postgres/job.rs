//! Jobs.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use civitas_directory::{
    job::{End, Job},
    record::{Timestamp, Version},
    store::RegistryError,
    tenant::Partition,
};
use tokio_postgres::Row;

use super::{error::Fault, pool::Connection, record::text, registry::Outcome};

const COLUMNS: &str =
    "tenant, id, kind, actor, input, steps, created, since, ended, cancelled, result";

/// Who works on jobs, and for how long they are left to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worker {
    pub(super) number: i64,
    pub(super) lease: Duration,
}

impl Worker {
    /// One that no other is, since it is chosen by chance.
    pub(super) fn new(lease: Duration) -> Self {
        Self {
            number: RandomState::new().hash_one(0).cast_signed(),
            lease,
        }
    }

    fn lease_ms(self) -> f64 {
        self.lease.as_secs_f64() * 1_000.0
    }
}

pub(super) async fn create(
    connection: &Connection,
    partition: Partition,
    job: &Job,
    worker: Worker,
) -> Outcome<()> {
    connection
        .execute(
            "INSERT INTO job (tenant, id, kind, actor, input, steps, created, since, worker,
                 leased_until)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,
                 clock_timestamp() + $10 * interval '1 millisecond')",
            &[
                &partition.raw(),
                &job.id.as_bytes(),
                &job.kind,
                &job.actor.as_bytes(),
                &job.input.as_bytes(),
                &job.steps.cast_signed(),
                &job.created.0,
                &job.since.0,
                &worker.number,
                &worker.lease_ms(),
            ],
        )
        .await?;
    Ok(())
}

pub(super) async fn cancel(connection: &Connection, partition: Partition, id: &str) -> Outcome<()> {
    connection
        .execute(
            "UPDATE job SET cancelled = true WHERE tenant = $1 AND id = $2 AND ended IS NULL",
            &[&partition.raw(), &id.as_bytes()],
        )
        .await?;
    Ok(())
}

pub(super) async fn end(
    connection: &Connection,
    partition: Partition,
    id: &str,
    end: &End,
) -> Outcome<()> {
    let updated = connection
        .execute(
            "UPDATE job SET ended = $3, cancelled = $4, result = $5, input = ''
             WHERE tenant = $1 AND id = $2 AND ended IS NULL",
            &[
                &partition.raw(),
                &id.as_bytes(),
                &end.at.0,
                &end.cancelled,
                &end.result.as_bytes(),
            ],
        )
        .await?;
    if updated == 0 {
        return Err(RegistryError::Missing(format!("open job {id}")).into());
    }
    Ok(())
}

pub(super) async fn one(
    connection: &Connection,
    partition: Partition,
    id: &str,
) -> Outcome<Option<Job>> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE tenant = $1 AND id = $2");
    let found = connection
        .row(&sql, &[&partition.raw(), &id.as_bytes()])
        .await?;
    let found = found.map(|row| read(&row)).transpose()?;
    Ok(found.map(|(_, job)| job))
}

pub(super) async fn open(connection: &Connection) -> Outcome<Vec<(Partition, Job)>> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE ended IS NULL ORDER BY tenant, id");
    let rows = connection.query(&sql, &[]).await?;
    Ok(rows.iter().map(read).collect::<Result<_, Fault>>()?)
}

/// Takes the open jobs that are the worker's and those whose lease is over.
pub(super) async fn own(connection: &Connection, worker: Worker) -> Outcome<Vec<(Partition, Job)>> {
    let columns = COLUMNS.replace(", ", ", j.");
    let sql = format!(
        "UPDATE job j SET worker = $1,
             leased_until = clock_timestamp() + $2 * interval '1 millisecond'
         FROM (
             SELECT tenant, id FROM job
             WHERE ended IS NULL AND (worker = $1 OR leased_until < clock_timestamp())
             ORDER BY tenant, id FOR UPDATE SKIP LOCKED
         ) o
         WHERE j.tenant = o.tenant AND j.id = o.id RETURNING j.{columns}"
    );
    let rows = connection
        .query(&sql, &[&worker.number, &worker.lease_ms()])
        .await?;
    let mut jobs = rows.iter().map(read).collect::<Result<Vec<_>, Fault>>()?;
    jobs.sort_by(|(a, one), (b, other)| (a, &one.id).cmp(&(b, &other.id)));
    Ok(jobs)
}

pub(super) async fn forget(
    connection: &Connection,
    partition: Partition,
    ended_before: Timestamp,
) -> Outcome<()> {
    connection
        .execute(
            "DELETE FROM job WHERE tenant = $1 AND ended < $2",
            &[&partition.raw(), &ended_before.0],
        )
        .await?;
    Ok(())
}

fn read(row: &Row) -> Result<(Partition, Job), Fault> {
    let ended: Option<i64> = row.try_get("ended")?;
    let end = match ended {
        None => None,
        Some(at) => Some(End {
            at: Timestamp(at),
            cancelled: row.try_get("cancelled")?,
            result: text(row, 10)?,
        }),
    };
    let job = Job {
        id: text(row, 1)?,
        kind: row.try_get("kind")?,
        actor: text(row, 3)?,
        input: text(row, 4)?,
        steps: row.try_get::<_, i64>("steps")?.cast_unsigned(),
        created: Timestamp(row.try_get("created")?),
        since: Version(row.try_get("since")?),
        cancelled: end.is_none() && row.try_get("cancelled")?,
        end,
    };
    Ok((Partition::from_raw(row.try_get("tenant")?), job))
}
