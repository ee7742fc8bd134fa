//! Imports as jobs: rows of resources that are received in parts, and created part by part.

use futures_util::{StreamExt as _, stream};

use super::{Directory, Progress, Replay};
use crate::{
    error::Error,
    import,
    job::{Job, Part, PartDone, Row},
    scope::Scope,
    store::{EventKind, Want},
    tenant::Partition,
};
use civitas_scim::{schema::ResourceType, tolerance::Tolerance};
use std::time::Duration;

/// Rows that are created side by side: enough to fill the store's commits.
const ROWS_AT_A_TIME: usize = 128;

/// How often a row is tried that the store has no room for, and how long it waits between.
const ATTEMPTS: usize = 50;
const REST: Duration = Duration::from_millis(100);

/// What came of a row: the `id` of what was created.
pub type Imported = (u64, Result<String, Error>);

impl Directory {
    /// Keeps a part of an import that is being received.
    pub async fn add_job_part(
        &self,
        partition: Partition,
        job: &str,
        part: Part,
    ) -> Result<(), Error> {
        Ok(self.store.add_job_part(partition, job, part).await?)
    }

    /// Drops what was received of an import that will not be one.
    pub async fn drop_job_parts(&self, partition: Partition, job: &str) -> Result<(), Error> {
        Ok(self.store.drop_job_parts(partition, job).await?)
    }

    /// Drops what processes that are gone received of imports and did not begin: nothing was
    /// added to it for so long.
    pub async fn drop_stray_parts(&self, idle: Duration) -> Result<(), Error> {
        Ok(self.store.drop_stray_parts(idle).await?)
    }

    /// The next part of a job.
    pub async fn next_job_part(
        &self,
        partition: Partition,
        job: &Job,
    ) -> Result<Option<Part>, Error> {
        Ok(self.store.next_job_part(partition, &job.id).await?)
    }

    /// Notes that a part of a job is done.
    pub async fn finish_job_part(
        &self,
        partition: Partition,
        job: &Job,
        number: u64,
        rows: Vec<Row>,
    ) -> Result<(), Error> {
        // Read after the part was done: a step of it that came later would be done again.
        let since = self.store.log_reach(partition).await?.last;
        let done = PartDone {
            number,
            since,
            rows,
        };
        Ok(self.store.finish_job_part(partition, &job.id, done).await?)
    }

    /// Creates the rows of a part, those that `progress` lets begin, and gives what came of
    /// each, by line. Each row is a step of the job; those of which the replay has events are
    /// not done again.
    pub async fn import_rows(
        &self,
        scope: &Scope,
        kind: &ResourceType,
        rows: Vec<import::Row>,
        replay: &Replay,
        progress: &Progress,
        before: usize,
    ) -> Vec<Imported> {
        let mut begun = before;
        let wanted = rows.into_iter().filter(|row| {
            // What was done is told although the job is to end.
            let was_done = replay.steps.contains_key(&(row.line as usize));
            let goes_on = was_done || progress.go_on(begun);
            begun += usize::from(goes_on);
            goes_on
        });
        let rows = wanted.map(|row| self.import_row(scope, kind, row, replay));
        let mut done: Vec<Imported> = stream::iter(rows).buffered(ROWS_AT_A_TIME).collect().await;
        done.sort_by_key(|(line, _)| *line);
        done
    }

    async fn import_row(
        &self,
        scope: &Scope,
        kind: &ResourceType,
        row: import::Row,
        replay: &Replay,
    ) -> Imported {
        let import::Row { line, body } = row;
        let created = replay.steps.get(&(line as usize)).and_then(|events| {
            let mut events = events.iter();
            events.find(|event| event.kind == EventKind::Created)
        });
        if let Some(event) = created {
            return (line, Ok(event.id.clone()));
        }
        let scope = Scope {
            request_id: format!("{}:{line}", replay.job),
            ..scope.clone()
        };
        let tolerance = Tolerance::generic();
        for _ in 0..ATTEMPTS {
            let created = self.create(&scope, kind, body.clone(), &tolerance, Want::default());
            match created.await {
                Err(Error::Overloaded) => tokio::time::sleep(REST).await,
                done => return (line, done.map(|found| found.record.id)),
            }
        }
        (line, Err(Error::Overloaded))
    }
}
