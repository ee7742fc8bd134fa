//! Jobs from their beginning to their end, and what clients may know of them.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Instant,
};

use tokio::sync::SemaphorePermit;

use super::Directory;
use crate::{
    error::Error,
    id,
    job::{End, Forget, Job, Row},
    record::Timestamp,
    scope::Scope,
    store::{Event, EventKind, JOB_LEASE, JOB_TURN},
    tenant::{Partition, Tenant},
};

/// Jobs that may be open at a time in this process; more are refused as overload.
pub const MAX_OPEN_JOBS: usize = 64;

/// Jobs that run at a time; others wait.
pub(super) const JOBS_AT_A_TIME: usize = 2;

/// Events read at a time to find what an interrupted job has done.
const EVENTS_AT_ONCE: usize = 1_000;

/// A job that this process has in work.
#[derive(Debug, Default)]
pub struct Progress {
    /// Steps begun.
    pub begun: AtomicUsize,
    cancelled: AtomicBool,
    lost: AtomicBool,
}

impl Progress {
    /// Notes how far the job is, and tells whether it is to go on.
    pub fn go_on(&self, begun: usize) -> bool {
        self.begun.store(begun, Relaxed);
        !self.is_cancelled() && !self.is_lost()
    }

    /// Whether another process has the job now, or may have it.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Relaxed)
    }

    /// Whether somebody wants the job to end.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed)
    }
}

/// Jobs in work, by id, and when the store was last asked for them.
#[derive(Debug)]
pub(super) struct OpenJobs {
    in_work: Mutex<HashMap<String, Arc<Progress>>>,
    asked: Mutex<Instant>,
}

impl Default for OpenJobs {
    fn default() -> Self {
        Self {
            in_work: Mutex::default(),
            asked: Mutex::new(Instant::now()),
        }
    }
}

impl OpenJobs {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Progress>>> {
        self.in_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> Instant {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_asked(&self, at: Instant) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}

/// What a job did before it was interrupted: the events of its steps.
#[derive(Debug, Default)]
pub struct Replay {
    /// The job, whose id begins the request ids of its steps.
    pub job: String,
    pub(super) steps: HashMap<usize, Vec<Event>>,
}

impl Replay {
    /// Whether it knows of no step that was done.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether a step was done.
    pub fn is_done(&self, step: usize) -> bool {
        self.steps.contains_key(&step)
    }

    /// What a step that was done made: the id of what it created, or else of what it changed.
    pub fn made(&self, step: usize) -> Option<(EventKind, &str)> {
        let events = self.steps.get(&step)?;
        let created = events.iter().find(|it| it.kind == EventKind::Created);
        let event = created.or_else(|| events.first())?;
        Some((event.kind, &event.id))
    }

    /// The id of what a step creates: the same each time that it is tried.
    pub fn id_of(&self, step: usize, now: Timestamp) -> String {
        id::of_step(&self.job, step, now)
    }

    /// Nothing was done yet.
    pub fn of_new(job: &Job) -> Self {
        Self {
            job: job.id.clone(),
            steps: HashMap::new(),
        }
    }
}

fn no_job(id: &str) -> Error {
    Error::NotFound {
        resource_type: "job".to_owned(),
        id: id.to_owned(),
    }
}

/// A job that is to be stored.
#[derive(Debug)]
pub struct NewJob<'j> {
    /// Its id, if parts were stored under it; a new one without it.
    pub id: Option<String>,
    /// See [`Job::kind`].
    pub kind: &'j str,
    /// See [`Job::input`].
    pub input: String,
    /// See [`Job::steps`].
    pub steps: u64,
}

impl Directory {
    /// Stores a job that is to be done. What is no longer kept of the tenant's jobs is
    /// forgotten.
    pub async fn begin_job(&self, scope: &Scope, new: NewJob<'_>) -> Result<Job, Error> {
        self.check_room_for_job()?;
        let forget = Forget {
            results: self.ago(scope.now, 1),
            jobs: self.ago(scope.now, 2),
        };
        self.store.forget_jobs(scope.partition, forget).await?;
        let reach = self.store.log_reach(scope.partition).await?;
        let job = Job {
            id: new.id.unwrap_or_else(|| id::issue(scope.now)),
            kind: new.kind.to_owned(),
            actor: scope.actor.clone(),
            input: new.input,
            steps: new.steps,
            done: 0,
            created: scope.now,
            since: reach.last,
            cancelled: false,
            end: None,
        };
        self.store.create_job(scope.partition, job.clone()).await?;
        Ok(job)
    }

    /// Takes a job in work, unless it is in work.
    pub fn take_job(&self, job: &Job) -> Option<Arc<Progress>> {
        match self.jobs.all().entry(job.id.clone()) {
            Entry::Occupied(_) => None,
            Entry::Vacant(free) => {
                let progress = Arc::clone(free.insert(Arc::default()));
                progress.cancelled.store(job.cancelled, Relaxed);
                Some(progress)
            }
        }
    }

    /// The jobs of the tenant that are yet to be done, whoever asked for them.
    pub async fn open_jobs(&self, scope: &Scope) -> Result<Vec<Job>, Error> {
        let open = self.store.open_jobs().await?.into_iter();
        let own = open.filter(|(of, _)| of.raw() == scope.partition.raw());
        Ok(own.map(|(_, job)| job).collect())
    }

    /// Refuses a job when too many are open.
    pub fn check_room_for_job(&self) -> Result<(), Error> {
        if self.jobs.all().len() >= MAX_OPEN_JOBS {
            return Err(Error::Overloaded);
        }
        Ok(())
    }

    /// So many times as long ago as ended jobs are kept.
    pub(super) fn ago(&self, now: Timestamp, times: i64) -> Timestamp {
        let kept = i64::try_from(self.limits.job_seconds).unwrap_or(i64::MAX);
        let millis = kept.saturating_mul(1_000).saturating_mul(times);
        Timestamp(now.0.saturating_sub(millis))
    }

    /// Stores how a job ended, at the instant of its tenant's clock. There is nothing to store
    /// when a reset has taken the job back.
    pub async fn end_job(
        &self,
        partition: Partition,
        job: &Job,
        result: String,
        system: Timestamp,
    ) -> Result<(), Error> {
        let progress = self.jobs.all().remove(&job.id);
        let tenants = self.store.tenants().await?;
        let mut tenants = tenants.into_iter();
        let Some(tenant) = tenants.find(|it| it.partition == partition) else {
            return Ok(());
        };
        let end = End {
            at: tenant.stage.clock.at(system),
            cancelled: progress.is_some_and(|it| it.is_cancelled()),
            result,
        };
        self.note_completion(partition, job, &end.result).await?;
        self.store.end_job(partition, &job.id, end).await?;
        self.tell_change();
        Ok(())
    }

    /// Ends the jobs in work of a tenant that is reset: what they write from now on is refused.
    pub(super) async fn drop_jobs(&self, partition: Partition) -> Result<(), Error> {
        let open = self.store.open_jobs().await?;
        let own = open.iter().filter(|(of, _)| of.raw() == partition.raw());
        let mut in_work = self.jobs.all();
        for (_, job) in own {
            if let Some(progress) = in_work.remove(&job.id) {
                progress.cancelled.store(true, Relaxed);
            }
        }
        Ok(())
    }

    /// A job of the caller, and how many of its steps were begun.
    ///
    /// # Errors
    /// [`Error::Gone`] for as long after the time that its result is kept as that is, then
    /// [`Error::NotFound`].
    pub async fn job(
        &self,
        partition: Partition,
        actor: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<(Job, usize), Error> {
        let (job, begun) = self.job_of_anyone(partition, id, now).await?;
        if job.actor != actor {
            return Err(no_job(id));
        }
        Ok((job, begun))
    }

    /// A job of the tenant, whoever asked for it, and how many of its steps were begun.
    ///
    /// # Errors
    /// As [`Self::job`].
    pub async fn job_of_anyone(
        &self,
        partition: Partition,
        id: &str,
        now: Timestamp,
    ) -> Result<(Job, usize), Error> {
        let found = self.store.job(partition, id).await?;
        let ended = |job: &Job| job.end.as_ref().map_or(now, |end| end.at);
        match found {
            Some(job) if ended(&job) >= self.ago(now, 1) => {
                let begun = self.begun(partition, &job).await?;
                Ok((job, begun))
            }
            Some(job) if ended(&job) >= self.ago(now, 2) => Err(Error::Gone {
                resource_type: "job".to_owned(),
                id: id.to_owned(),
            }),
            _ => Err(no_job(id)),
        }
    }

    async fn begun(&self, partition: Partition, job: &Job) -> Result<usize, Error> {
        let progress = self.jobs.all().get(&job.id).cloned();
        match progress {
            Some(progress) => Ok(progress.begun.load(Relaxed)),
            None if job.end.is_some() => Ok(0),
            // Another process has it in work: its events tell.
            None => {
                let replay = self.replay(partition, job).await?;
                Ok(usize::try_from(job.done).unwrap_or(usize::MAX) + replay.steps.len())
            }
        }
    }

    /// Jobs of the tenant whose ids come before one, the newest first, at most `limit`: open ones
    /// and those whose results are kept. Also the id before which the rest is, if there is more.
    pub async fn jobs(
        &self,
        partition: Partition,
        before: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<Job>, Option<String>), Error> {
        let mut jobs = self.store.jobs(partition, before, limit).await?;
        let last = jobs.last().filter(|_| jobs.len() == limit);
        let next = last.map(|it| it.id.clone());
        let kept = self.ago(now, 1);
        jobs.retain(|job| job.end.as_ref().is_none_or(|end| end.at >= kept));
        Ok((jobs, next))
    }

    /// Asks a job of the caller to end: steps that were begun are finished, others left.
    /// Whether it had not ended yet.
    pub async fn cancel_job(
        &self,
        partition: Partition,
        actor: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let (job, _) = self.job(partition, actor, id, now).await?;
        self.stop_job(partition, &job).await
    }

    /// Asks a job to end, whoever asked for it. Whether it had not ended yet.
    pub async fn stop_job(&self, partition: Partition, job: &Job) -> Result<bool, Error> {
        if job.end.is_some() {
            return Ok(false);
        }
        self.store.cancel_job(partition, &job.id).await?;
        if let Some(progress) = self.jobs.all().get(&job.id) {
            progress.cancelled.store(true, Relaxed);
        }
        Ok(true)
    }

    /// What came of the steps of a job of the caller after one, at most `limit`.
    pub async fn job_rows(
        &self,
        partition: Partition,
        job: &Job,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        let rows = self.store.job_rows(partition, &job.id, after, limit);
        Ok(rows.await?)
    }

    /// Waits until a job may run: few do at a time.
    pub async fn job_turn(&self) -> Result<SemaphorePermit<'_>, Error> {
        let turn = self.job_turns.acquire().await;
        turn.map_err(|_| Error::Overloaded)
    }

    /// Whether a partition is of the present generation of its tenant.
    pub async fn is_current(&self, partition: Partition) -> Result<bool, Error> {
        let tenants = self.store.tenants().await?;
        Ok(tenants.iter().any(|it| it.partition == partition))
    }

    /// A tenant as it is now; `None` if there is no more.
    pub async fn tenant_again(&self, tenant: &Tenant) -> Option<Tenant> {
        let tenants = self.store.tenants().await.ok()?.into_iter();
        let mut tenants = tenants.filter(|it| it.partition.raw() == tenant.partition.raw());
        tenants.next()
    }

    /// Jobs that this process is to take in work, with their tenants. Those in work that are
    /// another's now are left; after a failure for as long as a lease, all of them are.
    pub async fn jobs_to_take(&self) -> Result<Vec<(Tenant, Job)>, Error> {
        let asked = Instant::now();
        let in_work: Vec<String> = self.jobs.all().keys().cloned().collect();
        let own = self.store.own_jobs().await;
        let own = match own {
            Ok(own) => own,
            Err(error) => {
                if self.jobs.asked().elapsed() + JOB_TURN >= JOB_LEASE {
                    self.lose_jobs(|_| true);
                }
                return Err(error.into());
            }
        };
        self.jobs.note_asked(asked);
        for (_, job) in own.iter().filter(|(_, job)| job.cancelled) {
            if let Some(progress) = self.jobs.all().get(&job.id) {
                progress.cancelled.store(true, Relaxed);
            }
        }
        let is_own = |id: &String| own.iter().any(|(_, job)| job.id == *id);
        self.lose_jobs(|id| in_work.contains(id) && !is_own(id));
        let new = own.iter().filter(|(_, job)| !in_work.contains(&job.id));
        let new: Vec<_> = new.collect();
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let tenants = self.store.tenants().await?;
        let with_tenant = new.into_iter().filter_map(|(partition, job)| {
            let mut tenants = tenants.iter();
            let tenant = tenants.find(|it| it.partition.raw() == partition.raw());
            Some((tenant?.clone(), job.clone()))
        });
        Ok(with_tenant.collect())
    }

    /// Leaves jobs in work to others: their steps that were begun are finished.
    fn lose_jobs(&self, is_lost: impl Fn(&String) -> bool) {
        self.jobs.all().retain(|id, progress| {
            let lost = is_lost(id);
            if lost {
                progress.lost.store(true, Relaxed);
            }
            !lost
        });
    }

    /// An open job as it is now, and what was done of its present part.
    pub async fn resumed(&self, partition: Partition, job: &Job) -> Result<(Job, Replay), Error> {
        let found = self.store.job(partition, &job.id).await?;
        let job = found.unwrap_or_else(|| job.clone());
        let replay = self.replay(partition, &job).await?;
        Ok((job, replay))
    }

    /// What was done of a job.
    pub async fn replay(&self, partition: Partition, job: &Job) -> Result<Replay, Error> {
        let mut replay = Replay::of_new(job);
        let mut after = job.since;
        loop {
            let events = self.store.events(partition, Some(after), EVENTS_AT_ONCE);
            let events = events.await?;
            let Some(last) = events.last() else {
                return Ok(replay);
            };
            after = last.version;
            for event in events {
                let step = event.request_id.strip_prefix(&job.id);
                let step = step.and_then(|it| it.strip_prefix(':')?.parse().ok());
                if let Some(step) = step {
                    replay.steps.entry(step).or_default().push(event);
                }
            }
        }
    }
}
