//! Jobs.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use civitas_directory::{
    job::{End, Forget, Job},
    record::{Timestamp, Version},
    store::RegistryError,
    tenant::Partition,
};
use tokio_postgres::Row;

use super::{
    error::Fault,
    part,
    pool::{Connection, Step, Transaction},
    record::text,
    registry::Outcome,
};

const COLUMNS: &str =
    "tenant, id, kind, actor, input, steps, created, since, ended, cancelled, result, done";

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

    pub(super) fn lease_ms(self) -> f64 {
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
    let update = Step::new(
        "UPDATE job SET ended = $3, cancelled = $4, result = $5, input = ''
         WHERE tenant = $1 AND id = $2 AND ended IS NULL RETURNING id",
    )
    .with(partition.raw())
    .with(id.as_bytes())
    .with(end.at.0)
    .with(end.cancelled)
    .with(end.result.as_bytes());
    let updated = connection.begin(Transaction::Writing, vec![update]).await?;
    if let Err(refused) = check_open(updated[0].len() as u64, id) {
        connection.roll_back();
        return Err(refused);
    }
    Ok(connection
        .commit(vec![part::discard(partition, id)])
        .await?)
}

pub(super) fn check_open(updated: u64, id: &str) -> Outcome<()> {
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

/// Jobs before one, in descending order of their ids.
pub(super) async fn page(
    connection: &Connection,
    partition: Partition,
    before: Option<&str>,
    limit: usize,
) -> Outcome<Vec<Job>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = format!(
        "SELECT {COLUMNS} FROM job WHERE tenant = $1 AND ($2::bytea IS NULL OR id < $2)
         ORDER BY id DESC LIMIT $3"
    );
    let before = before.map(str::as_bytes);
    let rows = connection
        .query(&sql, &[&partition.raw(), &before, &limit])
        .await?;
    let jobs = rows.iter().map(|row| read(row).map(|(_, job)| job));
    Ok(jobs.collect::<Result<_, Fault>>()?)
}

pub(super) async fn open(connection: &Connection) -> Outcome<Vec<(Partition, Job)>> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE ended IS NULL ORDER BY tenant, id");
    let rows = connection.query(&sql, &[]).await?;
    Ok(rows.iter().map(read).collect::<Result<_, Fault>>()?)
}

/// Takes the open jobs that are the worker's and those whose lease is over.
pub(super) async fn own(connection: &Connection, worker: Worker) -> Outcome<Vec<(Partition, Job)>> {
    let columns = COLUMNS.replace(", ", ", j.");
    // A job whose row somebody changes just now keeps its lease, as long as that lasts for a
    // while.
    let sql = format!(
        "WITH taken AS (
             UPDATE job j SET worker = $1,
                 leased_until = clock_timestamp() + $2 * interval '1 millisecond'
             FROM (
                 SELECT tenant, id FROM job
                 WHERE ended IS NULL AND (worker = $1 OR leased_until < clock_timestamp())
                 ORDER BY tenant, id FOR UPDATE SKIP LOCKED
             ) o
             WHERE j.tenant = o.tenant AND j.id = o.id RETURNING j.{columns}
         )
         SELECT {COLUMNS} FROM taken
         UNION ALL
         SELECT {COLUMNS} FROM job WHERE ended IS NULL AND worker = $1
         AND leased_until > clock_timestamp() + $2 / 2 * interval '1 millisecond'
         AND (tenant, id) NOT IN (SELECT tenant, id FROM taken)"
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
    forget: Forget,
) -> Outcome<()> {
    let (tenant, results) = (partition.raw(), forget.results.0);
    let first = vec![
        Step::new(
            "DELETE FROM job_row r USING job j
             WHERE j.tenant = $1 AND j.ended < $2 AND r.tenant = $1 AND r.job = j.id",
        )
        .with(tenant)
        .with(results),
        Step::new("UPDATE job SET result = '' WHERE tenant = $1 AND ended < $2 AND result <> ''")
            .with(tenant)
            .with(results),
    ];
    connection.begin(Transaction::Writing, first).await?;
    let last = Step::new("DELETE FROM job WHERE tenant = $1 AND ended < $2")
        .with(tenant)
        .with(forget.jobs.0);
    Ok(connection.commit(vec![last]).await?)
}

/// The jobs of a tenant.
pub(super) async fn ids(connection: &Connection, tenant: i64) -> Outcome<Vec<Vec<u8>>> {
    let rows = connection
        .query("SELECT id FROM job WHERE tenant = $1", &[&tenant])
        .await?;
    let ids = rows.iter().map(|row| row.try_get(0));
    Ok(ids.collect::<Result<_, _>>().map_err(Fault::from)?)
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
        done: row.try_get::<_, i64>("done")?.cast_unsigned(),
        created: Timestamp(row.try_get("created")?),
        since: Version(row.try_get("since")?),
        cancelled: end.is_none() && row.try_get("cancelled")?,
        end,
    };
    Ok((Partition::from_raw(row.try_get("tenant")?), job))
}
