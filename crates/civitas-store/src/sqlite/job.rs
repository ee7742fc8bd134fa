//! Jobs: rare, and so written outside the batches.

use civitas_directory::{
    job::{End, Job},
    record::{Timestamp, Version},
    store::RegistryError,
    tenant::Partition,
};
use rusqlite::{Connection, OptionalExtension, Row};

use super::error::RegistryFault;

type Outcome<T> = Result<T, RegistryFault>;

const COLUMNS: &str =
    "tenant, id, kind, actor, input, steps, created, since, ended, cancelled, result";

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

pub(super) fn cancel(connection: &mut Connection, partition: Partition, id: &str) -> Outcome<()> {
    connection.execute(
        "UPDATE job SET cancelled = 1 WHERE tenant = ?1 AND id = ?2 AND ended IS NULL",
        (partition.raw(), id),
    )?;
    Ok(())
}

pub(super) fn end(
    connection: &mut Connection,
    partition: Partition,
    id: &str,
    end: &End,
) -> Outcome<()> {
    let updated = connection.execute(
        "UPDATE job SET ended = ?3, cancelled = ?4, result = ?5, input = ''
         WHERE tenant = ?1 AND id = ?2 AND ended IS NULL",
        (partition.raw(), id, end.at.0, end.cancelled, &end.result),
    )?;
    if updated == 0 {
        return Err(RegistryError::Missing(format!("open job {id}")).into());
    }
    Ok(())
}

pub(super) fn one(connection: &Connection, partition: Partition, id: &str) -> Outcome<Option<Job>> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE tenant = ?1 AND id = ?2");
    let found = connection.query_row(&sql, (partition.raw(), id), read);
    Ok(found.optional()?.map(|(_, job)| job))
}

pub(super) fn open(connection: &Connection) -> Outcome<Vec<(Partition, Job)>> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE ended IS NULL ORDER BY tenant, id");
    let mut statement = connection.prepare(&sql)?;
    let jobs = statement.query_map([], read)?;
    Ok(jobs.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn forget(
    connection: &mut Connection,
    partition: Partition,
    ended_before: Timestamp,
) -> Outcome<()> {
    connection.execute(
        "DELETE FROM job WHERE tenant = ?1 AND ended < ?2",
        (partition.raw(), ended_before.0),
    )?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<(Partition, Job)> {
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
        created: Timestamp(row.get("created")?),
        since: Version(row.get("since")?),
        cancelled: end.is_none() && row.get("cancelled")?,
        end,
    };
    Ok((Partition::from_raw(row.get("tenant")?), job))
}
