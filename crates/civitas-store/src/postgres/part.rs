//! Parts of jobs, and what came of their steps.

use std::{collections::BTreeMap, time::Duration};

use civitas_directory::{
    job::{Part, PartDone, Row},
    tenant::Partition,
};

use super::{
    error::{Fault, Outcome as Done},
    job::{Worker, check_open},
    pool::{Connection, Step, Transaction},
    record::text,
    registry::Outcome,
};

pub(super) async fn add(
    connection: &Connection,
    partition: Partition,
    job: &str,
    part: &Part,
) -> Outcome<()> {
    connection
        .execute(
            "INSERT INTO job_part (tenant, job, number, content) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant, job, number) DO UPDATE
             SET content = excluded.content, added = excluded.added",
            &[
                &partition.raw(),
                &job.as_bytes(),
                &part.number.cast_signed(),
                &part.content,
            ],
        )
        .await?;
    Ok(())
}

/// Drops all parts of a job.
pub(super) fn discard(partition: Partition, job: &str) -> Step<'_> {
    Step::new("DELETE FROM job_part WHERE tenant = $1 AND job = $2")
        .with(partition.raw())
        .with(job.as_bytes())
}

pub(super) async fn discard_stray(connection: &Connection, idle: Duration) -> Outcome<()> {
    let idle_ms = idle.as_secs_f64() * 1_000.0;
    connection
        .execute(
            "DELETE FROM job_part p
             WHERE NOT EXISTS (SELECT 1 FROM job j WHERE j.tenant = p.tenant AND j.id = p.job)
             AND NOT EXISTS (
                 SELECT 1 FROM job_part o WHERE o.tenant = p.tenant AND o.job = p.job
                 AND o.added > clock_timestamp() - $1 * interval '1 millisecond'
             )",
            &[&idle_ms],
        )
        .await?;
    Ok(())
}

pub(super) async fn next(
    connection: &Connection,
    partition: Partition,
    job: &str,
) -> Outcome<Option<Part>> {
    let found = connection
        .row(
            "SELECT number, content FROM job_part WHERE tenant = $1 AND job = $2
             ORDER BY number LIMIT 1",
            &[&partition.raw(), &job.as_bytes()],
        )
        .await?;
    let part = found.map(|row| {
        Ok::<_, Fault>(Part {
            number: row.try_get::<_, i64>(0)?.cast_unsigned(),
            content: row.try_get(1)?,
        })
    });
    Ok(part.transpose()?)
}

/// Refused to whoever has not the job in work any more.
pub(super) async fn finish(
    connection: &Connection,
    partition: Partition,
    job: &str,
    done: &PartDone,
    worker: Worker,
) -> Outcome<()> {
    let (tenant, key) = (partition.raw(), job.as_bytes());
    let update = Step::new(
        "UPDATE job SET done = done + $3, since = $4
         WHERE tenant = $1 AND id = $2 AND ended IS NULL AND worker = $5 RETURNING id",
    )
    .with(tenant)
    .with(key)
    .with(done.rows.len() as i64)
    .with(done.since.0)
    .with(worker.number);
    let updated = connection.begin(Transaction::Writing, vec![update]).await?;
    if let Err(refused) = check_open(updated[0].len() as u64, job) {
        connection.roll_back();
        return Err(refused);
    }
    // The last of those of one step: a statement cannot write a row twice.
    let rows = done.rows.iter();
    let rows: BTreeMap<i64, &[u8]> = rows
        .map(|row| (row.step.cast_signed(), row.text.as_bytes()))
        .collect();
    let (steps, texts): (Vec<i64>, Vec<&[u8]>) = rows.into_iter().unzip();
    let last = vec![
        Step::new("DELETE FROM job_part WHERE tenant = $1 AND job = $2 AND number = $3")
            .with(tenant)
            .with(key)
            .with(done.number.cast_signed()),
        Step::new(
            "INSERT INTO job_row (tenant, job, step, text)
             SELECT $1::bigint, $2::bytea, step, text
             FROM unnest($3::bigint[], $4::bytea[]) AS done (step, text)
             ON CONFLICT (tenant, job, step) DO UPDATE SET text = excluded.text",
        )
        .with(tenant)
        .with(key)
        .with(steps)
        .with(texts),
    ];
    Ok(connection.commit(last).await?)
}

pub(super) async fn rows(
    connection: &Connection,
    partition: Partition,
    job: &str,
    after: Option<u64>,
    limit: usize,
) -> Outcome<Vec<Row>> {
    let after = after.map_or(-1, u64::cast_signed);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = connection
        .query(
            "SELECT step, text FROM job_row WHERE tenant = $1 AND job = $2 AND step > $3
             ORDER BY step LIMIT $4",
            &[&partition.raw(), &job.as_bytes(), &after, &limit],
        )
        .await?;
    let rows = rows.iter().map(|row| {
        Ok(Row {
            step: row.try_get::<_, i64>(0)?.cast_unsigned(),
            text: text(row, 1)?,
        })
    });
    Ok(rows.collect::<Done<_>>()?)
}

/// Drops what belongs to jobs that a reset has taken back, of those that were there before.
/// Snapshots have no parts, as they have no jobs in work, and no rows, which may be many.
pub(super) async fn reset(connection: &Connection, tenant: i64, before: &[Vec<u8>]) -> Outcome<()> {
    let steps = [
        Step::new("DELETE FROM job_part WHERE tenant = $1").with(tenant),
        Step::new(
            "DELETE FROM job_row r WHERE r.tenant = $1 AND r.job = ANY ($2)
             AND NOT EXISTS (SELECT 1 FROM job j WHERE j.tenant = $1 AND j.id = r.job)",
        )
        .with(tenant)
        .with(before),
    ];
    connection.pipeline(&steps).await?;
    Ok(())
}
