//! Jobs: rare, and so written outside the batches.

use std::time::Duration;

use civitas_directory::{
    job::{End, Forget, Job, Part, PartDone, Row},
    record::{Timestamp, Version},
    store::RegistryError,
    tenant::Partition,
};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::error::RegistryFault;

type Outcome<T> = Result<T, RegistryFault>;

const COLUMNS: &str =
    "tenant, id, kind, actor, input, steps, done, created, since, ended, cancelled, result";

pub(super) fn create(connection: &mut Connection, partition: Partition, job: &Job) -> Outcome<()> {
    connection.execute(
        "INSERT INTO job (tenant, id, kind, actor, input, steps, created, since)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            partition.raw(),
            &job.id,
            &job.kind,
            &job.actor,
            &job.input,
            job.steps as i64,
            job.created.0,
            job.since.0,
        ),
    )?;
    Ok(())
}

pub(super) fn add_part(
    connection: &mut Connection,
    partition: Partition,
    job: &str,
    part: &Part,
) -> Outcome<()> {
    connection.execute(
        "INSERT OR REPLACE INTO job_part (tenant, job, number, added, content)
         VALUES (?1, ?2, ?3, unixepoch(), ?4)",
        (
            partition.raw(),
            job,
            part.number.cast_signed(),
            &part.content,
        ),
    )?;
    Ok(())
}

pub(super) fn drop_parts(connection: &Connection, partition: Partition, job: &str) -> Outcome<()> {
    connection.execute(
        "DELETE FROM job_part WHERE tenant = ?1 AND job = ?2",
        (partition.raw(), job),
    )?;
    Ok(())
}

pub(super) fn drop_stray_parts(connection: &mut Connection, idle: Duration) -> Outcome<()> {
    let seconds = i64::try_from(idle.as_secs()).unwrap_or(i64::MAX);
    connection.execute(
        "DELETE FROM job_part AS part
         WHERE NOT EXISTS (SELECT 1 FROM job WHERE tenant = part.tenant AND id = part.job)
         AND NOT EXISTS (SELECT 1 FROM job_part
             WHERE tenant = part.tenant AND job = part.job AND added > unixepoch() - ?1)",
        [seconds],
    )?;
    Ok(())
}

pub(super) fn next_part(
    connection: &Connection,
    partition: Partition,
    job: &str,
) -> Outcome<Option<Part>> {
    let part = connection
        .prepare_cached(
            "SELECT number, content FROM job_part WHERE tenant = ?1 AND job = ?2
             ORDER BY number LIMIT 1",
        )?
        .query_row((partition.raw(), job), |row| {
            Ok(Part {
                number: row.get::<_, i64>(0)?.cast_unsigned(),
                content: row.get(1)?,
            })
        })
        .optional()?;
    Ok(part)
}

pub(super) fn finish_part(
    connection: &mut Connection,
    partition: Partition,
    job: &str,
    done: &PartDone,
) -> Outcome<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let updated = transaction.execute(
        "UPDATE job SET done = done + ?3, since = ?4
         WHERE tenant = ?1 AND id = ?2 AND ended IS NULL",
        (partition.raw(), job, done.rows.len() as i64, done.since.0),
    )?;
    check_open(updated, job)?;
    transaction.execute(
        "DELETE FROM job_part WHERE tenant = ?1 AND job = ?2 AND number = ?3",
        (partition.raw(), job, done.number.cast_signed()),
    )?;
    for row in &done.rows {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO job_row (tenant, job, step, text)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((partition.raw(), job, row.step.cast_signed(), &row.text))?;
    }
    transaction.commit()?;
    Ok(())
}

pub(super) fn rows(
    connection: &Connection,
    partition: Partition,
    job: &str,
    after: Option<u64>,
    limit: usize,
) -> Outcome<Vec<Row>> {
    let after = after.map_or(-1, u64::cast_signed);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = connection
        .prepare_cached(
            "SELECT step, text FROM job_row WHERE tenant = ?1 AND job = ?2 AND step > ?3
             ORDER BY step LIMIT ?4",
        )?
        .query_map((partition.raw(), job, after, limit), |row| {
            Ok(Row {
                step: row.get::<_, i64>(0)?.cast_unsigned(),
                text: row.get(1)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(rows)
}

pub(super) fn cancel(connection: &mut Connection, partition: Partition, id: &str) -> Outcome<()> {
    connection.execute(
        "UPDATE job SET cancelled = 1 WHERE tenant = ?1 AND id = ?2 AND ended IS NULL",
        (partition.raw(), id),
    )?;
    Ok(())
}

fn check_open(updated: usize, id: &str) -> Outcome<()> {
    if updated == 0 {
        return Err(RegistryError::Missing(format!("open job {id}")).into());
    }
    Ok(())
}

pub(super) fn end(
    connection: &mut Connection,
    partition: Partition,
    id: &str,
    end: &End,
) -> Outcome<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let updated = transaction.execute(
        "UPDATE job SET ended = ?3, cancelled = ?4, result = ?5, input = ''
         WHERE tenant = ?1 AND id = ?2 AND ended IS NULL",
        (partition.raw(), id, end.at.0, end.cancelled, &end.result),
    )?;
    check_open(updated, id)?;
    drop_parts(&transaction, partition, id)?;
    transaction.commit()?;
    Ok(())
}

pub(super) fn one(connection: &Connection, partition: Partition, id: &str) -> Outcome<Option<Job>> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE tenant = ?1 AND id = ?2");
    let found = connection.query_row(&sql, (partition.raw(), id), read);
    Ok(found.optional()?.map(|(_, job)| job))
}

/// Jobs before one, in descending order of their ids.
pub(super) fn page(
    connection: &Connection,
    partition: Partition,
    before: Option<&str>,
    limit: usize,
) -> Outcome<Vec<Job>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = format!(
        "SELECT {COLUMNS} FROM job WHERE tenant = ?1 AND (?2 IS NULL OR id < ?2)
         ORDER BY id DESC LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let jobs = statement.query_map((partition.raw(), before, limit), read)?;
    Ok(jobs
        .map(|it| it.map(|(_, job)| job))
        .collect::<rusqlite::Result<_>>()?)
}

pub(super) fn open(connection: &Connection) -> Outcome<Vec<(Partition, Job)>> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE ended IS NULL ORDER BY tenant, id");
    let mut statement = connection.prepare(&sql)?;
    let jobs = statement.query_map([], read)?;
    Ok(jobs.collect::<rusqlite::Result<_>>()?)
}

/// The jobs of a tenant.
pub(super) fn ids(connection: &Connection, tenant: i64) -> Outcome<Vec<String>> {
    let ids = connection
        .prepare_cached("SELECT id FROM job WHERE tenant = ?1")?
        .query_map([tenant], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(ids)
}

/// Drops what belongs to jobs that a reset has taken back, of those that were there before.
/// Snapshots have no parts, as they have no jobs in work, and no rows, which may be many.
pub(super) fn reset(connection: &Connection, tenant: i64, before: &[String]) -> Outcome<()> {
    connection.execute("DELETE FROM job_part WHERE tenant = ?1", [tenant])?;
    for id in before {
        connection
            .prepare_cached(
                "DELETE FROM job_row WHERE tenant = ?1 AND job = ?2
                 AND NOT EXISTS (SELECT 1 FROM job WHERE tenant = ?1 AND id = ?2)",
            )?
            .execute((tenant, id))?;
    }
    Ok(())
}

pub(super) fn forget(
    connection: &mut Connection,
    partition: Partition,
    forget: Forget,
) -> Outcome<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tenant = partition.raw();
    transaction.execute(
        "DELETE FROM job_row AS row WHERE tenant = ?1 AND EXISTS (
             SELECT 1 FROM job WHERE tenant = ?1 AND id = row.job AND ended < ?2
         )",
        [tenant, forget.results.0],
    )?;
    transaction.execute(
        "UPDATE job SET result = '' WHERE tenant = ?1 AND ended < ?2 AND result <> ''",
        [tenant, forget.results.0],
    )?;
    transaction.execute(
        "DELETE FROM job WHERE tenant = ?1 AND ended < ?2",
        [tenant, forget.jobs.0],
    )?;
    transaction.commit()?;
    Ok(())
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Partition, Job)> {
    let ended: Option<i64> = row.get("ended")?;
    let end = match ended {
        None => None,
        Some(at) => Some(End {
            at: Timestamp(at),
            cancelled: row.get("cancelled")?,
            result: row.get("result")?,
        }),
    };
    let job = Job {
        id: row.get("id")?,
        kind: row.get("kind")?,
        actor: row.get("actor")?,
        input: row.get("input")?,
        steps: row.get::<_, i64>("steps")? as u64,
        done: row.get::<_, i64>("done")? as u64,
        created: Timestamp(row.get("created")?),
        since: Version(row.get("since")?),
        cancelled: end.is_none() && row.get("cancelled")?,
        end,
    };
    Ok((Partition::from_raw(row.get("tenant")?), job))
}
