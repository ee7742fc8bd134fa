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
    job::{End, Job},
    record::Timestamp,
    scope::Scope,
    store::{Event, JOB_LEASE, JOB_TURN},
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
    /// Nothing was done yet.
    pub fn of_new(job: &Job) -> Self {
        Self {
            job: job.id.clone(),
            steps: HashMap::new(),
        }
    }
}

impl Directory {
    /// Stores a job that is to be done. Jobs that ended `job_seconds` ago are forgotten.
    pub async fn begin_job(
        &self,
        scope: &Scope,
        kind: &str,
        input: String,
        steps: usize,
    ) -> Result<Job, Error> {
        if self.jobs.all().len() >= MAX_OPEN_JOBS {
            return Err(Error::Overloaded);
        }
        let before = self.jobs_kept_since(scope.now);
        self.store.forget_jobs(scope.partition, before).await?;
        let tenants = self.store.tenants().await?;
        let mut tenants = tenants.into_iter();
        let tenant = tenants.find(|it| it.partition.raw() == scope.partition.raw());
        let job = Job {
            id: id::issue(scope.now),
            kind: kind.to_owned(),
            actor: scope.actor.clone(),
            input,
            steps: steps as u64,
            created: scope.now,
            since: tenant.map_or(crate::Version(0), |it| it.last_event),
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
        Ok(self.store.end_job(partition, &job.id, end).await?)
    }

    /// Jobs that ended before this are forgotten.
    fn jobs_kept_since(&self, now: Timestamp) -> Timestamp {
        let kept = i64::try_from(self.limits.job_seconds).unwrap_or(i64::MAX / 1_000);
        Timestamp(now.0.saturating_sub(kept.saturating_mul(1_000)))
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
    pub async fn job(
        &self,
        partition: Partition,
        actor: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<(Job, usize), Error> {
        let found = self.store.job(partition, id).await?;
        let since = self.jobs_kept_since(now);
        let job = found
            .filter(|job| job.actor == actor)
            .filter(|job| job.end.as_ref().is_none_or(|end| end.at >= since))
            .ok_or_else(|| Error::NotFound {
                resource_type: "job".into(),
                id: id.to_owned(),
            })?;
        let progress = self.jobs.all().get(id).cloned();
        let begun = progress.map_or(0, |it| it.begun.load(Relaxed));
        Ok((job, begun))
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
        self.store.cancel_job(partition, id).await?;
        if let Some(progress) = self.jobs.all().get(id) {
            progress.cancelled.store(true, Relaxed);
        }
        Ok(job.end.is_none())
    }

    /// Waits until a job may run: few do at a time.
    pub async fn job_turn(&self) -> Result<SemaphorePermit<'_>, Error> {
        let turn = self.job_turns.acquire().await;
        turn.map_err(|_| Error::Overloaded)
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
