//! Jobs whose input is in parts: one part after the other is done and dropped for what came of
//! its rows. A row's effect is committed with the event that names its step, so that a part that
//! is done again after an interruption does nothing twice.

use std::time::Duration;

use civitas_directory::{
    Error, Replay, Tenant,
    job::{Job, Part, Row},
};
use tokio::time::sleep;

use super::Work;

/// How long a job waits that the store fails.
const REST: Duration = Duration::from_secs(2);

/// Rows of a job that are read at a time.
const ROWS_AT_ONCE: usize = 1_000;

/// Why a part was not done.
pub(crate) enum Halt {
    /// The store fails, or somebody else has the job; it is tried again.
    Wait(Error),
    /// No part can be done: the result of the job.
    End(String),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Wait(error)
    }
}

/// What a kind of job does with its parts.
pub(crate) trait Rows: Sync {
    /// Does the rows of a part that the job's progress lets begin, those that the replay knows
    /// of but in appearance, and gives what came of each. So many rows were begun before.
    fn part(
        &self,
        tenant: &Tenant,
        part: &Part,
        replay: &Replay,
        before: u64,
    ) -> impl Future<Output = Result<Vec<Row>, Halt>> + Send;
}

/// Does a job, or what is left of it, while the store fails again and again. Gives a result if
/// it ended before its time.
pub(crate) async fn all(work: &Work, rows: &impl Rows) -> Option<String> {
    let partition = work.tenant.partition;
    let mut attempt = stored(work, &work.job, &work.replay, rows).await;
    loop {
        match attempt {
            Ok(()) => return None,
            Err(Halt::End(result)) => return Some(result),
            // Whoever has the job now is at it.
            Err(Halt::Wait(_)) if work.progress.is_lost() => return None,
            Err(Halt::Wait(error)) => tracing::warn!(?error, job = work.job.id, "a job waits"),
        }
        sleep(REST).await;
        attempt = match work.directory.resumed(partition, &work.job).await {
            Ok((job, replay)) => stored(work, &job, &replay, rows).await,
            Err(error) => Err(error.into()),
        };
    }
}

async fn stored(work: &Work, job: &Job, replay: &Replay, rows: &impl Rows) -> Result<(), Halt> {
    let directory = &work.directory;
    // Only of the part that an interruption left may steps be done already.
    let fresh = Replay::of_new(job);
    let mut replay = replay;
    let mut done = job.done;
    while !work.progress.is_cancelled() || !replay.is_empty() {
        // Resets, definitions and the clock may have changed since the last part.
        let tenant = directory.tenant_again(&work.tenant).await;
        let tenant = tenant.ok_or(Error::Conflict)?;
        // A reset takes the job back.
        if tenant.partition != work.tenant.partition {
            break;
        }
        let Some(part) = directory.next_job_part(tenant.partition, job).await? else {
            break;
        };
        let told = rows.part(&tenant, &part, replay, done).await?;
        // Rows that were not begun are left to whoever has the job now.
        if work.progress.is_lost() {
            return Err(Error::Overloaded.into());
        }
        done += told.len() as u64;
        directory
            .finish_job_part(tenant.partition, job, part.number, told)
            .await?;
        replay = &fresh;
    }
    Ok(())
}

/// How many rows of a job say what is looked for, and how many do not; tried again while the
/// store fails.
pub(crate) async fn counted(work: &Work, is: impl Fn(&Row) -> bool) -> (u64, u64) {
    loop {
        match count(work, &is).await {
            Ok(counted) => return counted,
            Err(_) if work.progress.is_lost() => return (0, 0),
            Err(error) => tracing::warn!(?error, job = work.job.id, "a job waits"),
        }
        sleep(REST).await;
    }
}

async fn count(work: &Work, is: impl Fn(&Row) -> bool) -> Result<(u64, u64), Error> {
    let (directory, partition) = (&work.directory, work.tenant.partition);
    let (mut those, mut others, mut after) = (0_u64, 0_u64, None);
    loop {
        let rows = directory.job_rows(partition, &work.job, after, ROWS_AT_ONCE);
        let rows = rows.await?;
        let Some(last) = rows.last() else {
            return Ok((those, others));
        };
        after = Some(last.step);
        let counted = rows.iter().filter(|row| is(row)).count() as u64;
        those += counted;
        others += rows.len() as u64 - counted;
    }
}
