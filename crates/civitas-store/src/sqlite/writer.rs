//! The one thread that writes. Change sets that wait are committed together: one transaction
//! and one flush to disk serve them all, and each is refused or applied on its own.

use std::{
    cell::Cell,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use civitas_directory::{
    change::{ChangeSet, Committed, Rejected},
    tenant::Partition,
};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::pace::Pace;

use super::{
    Options,
    apply::{Batch, Ledger},
    catalog::Catalog,
    checkpoint::{self, Checkpointer},
    error::ApplyFault,
    pool::Pool,
};

/// How long the writer waits for change sets that are about to come: those of callers whom it
/// has just answered, while others wait. About what a flush to disk takes, so that a batch that
/// fills pays for the wait; a lone caller never waits.
const GATHER: Duration = Duration::from_micros(500);

/// How long the writer sleeps before it looks again who has come.
const NAP: Duration = Duration::from_micros(50);

/// How long the writer waits for work before it ends reads that nobody uses, so that another
/// process can write the log back.
const IDLE: Duration = Duration::from_secs(1);

thread_local! {
    /// Pages in the log after the last commit: SQLite tells it to a hook only, which runs on
    /// the thread that commits and carries nothing.
    static LOGGED: Cell<u32> = const { Cell::new(0) };
}

/// A change set on its way, and where the answer goes.
struct Commit {
    partition: Partition,
    change_set: ChangeSet,
    reply: oneshot::Sender<Result<Committed, Rejected>>,
}

/// Work on the registry: rare, and in a transaction of its own.
type Chore = Box<dyn FnOnce(&mut Connection, &Pool) + Send>;

enum Job {
    Commit(Commit),
    Chore(Chore),
}

/// Why a job was not accepted.
pub(super) enum Refused {
    Full,
    Closed,
}

/// The way to the writer's thread.
pub(super) struct Writer {
    sender: Mutex<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    commits: Arc<AtomicU64>,
    pace: Arc<Pace>,
}

impl Writer {
    /// Starts the thread; `queue` jobs may wait.
    pub(super) fn start(mut worker: Worker, queue: usize) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(queue.max(1));
        let commits = Arc::clone(&worker.commits);
        let pace = Arc::clone(&worker.pace);
        let thread = thread::Builder::new()
            .name("civitas-writer".into())
            .spawn(move || worker.run(&receiver))?;
        Ok(Self {
            sender: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
            commits,
            pace,
        })
    }

    /// What a change set adds to a transaction lately.
    pub(super) fn pace(&self) -> Duration {
        self.pace.least()
    }

    /// Transactions that changed something.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Commits a change set with others that wait.
    pub(super) async fn commit(
        &self,
        partition: Partition,
        change_set: ChangeSet,
    ) -> Result<Committed, Rejected> {
        let (reply, answer) = oneshot::channel();
        let commit = Commit {
            partition,
            change_set,
            reply,
        };
        self.send(Job::Commit(commit))
            .map_err(|refused| match refused {
                Refused::Full => Rejected::Overloaded,
                Refused::Closed => Rejected::Unavailable(CLOSED.into()),
            })?;
        answer
            .await
            .unwrap_or_else(|_| Err(Rejected::Unavailable(CLOSED.into())))
    }

    /// Runs work on the writer's connection; `None` when the store is closed or overloaded.
    pub(super) async fn chore<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let chore: Chore = Box::new(move |connection, pool| {
            let done = work(connection);
            pool.outdate();
            // Nobody may be waiting any more; the work is done all the same.
            let _ = reply.send(done);
        });
        self.send(Job::Chore(chore)).ok()?;
        answer.await.ok()
    }

    fn send(&self, job: Job) -> Result<(), Refused> {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = sender.as_ref().ok_or(Refused::Closed)?;
        sender.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Refused::Full,
            TrySendError::Disconnected(_) => Refused::Closed,
        })
    }

    /// Finishes what waits, writes the log back into the file, and ends the thread.
    pub(super) fn close(&self) {
        drop(
            self.sender
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's writer ended by a panic");
        }
    }
}

const CLOSED: &str = "the store is closed";

/// Why a batch did not commit.
enum BatchFault {
    /// One of the change sets failed; nothing was committed, and the others may do without it.
    Apply(rusqlite::Error),
    /// The transaction did not begin or end. After a failed end it is unknown what a later
    /// recovery will find, so nothing is tried again.
    Transaction(rusqlite::Error),
}

/// What works on the writer's thread.
pub(super) struct Worker {
    connection: Connection,
    catalog: Arc<Catalog>,
    pool: Arc<Pool>,
    /// Most change sets that commit together.
    batch: usize,
    checkpointer: Checkpointer,
    commits: Arc<AtomicU64>,
    pace: Arc<Pace>,
    /// Jobs that came while the last batch was committed.
    queued: VecDeque<Job>,
    /// How many callers write at a time lately.
    callers: usize,
}

impl Worker {
    /// A worker on its connection. The log starts anew when no read is open that keeps it
    /// from that.
    pub(super) fn new(
        connection: Connection,
        checkpointer: Checkpointer,
        catalog: Arc<Catalog>,
        pool: Arc<Pool>,
        options: &Options,
    ) -> Self {
        connection.wal_hook(Some(|_, pages| {
            LOGGED.set(u32::try_from(pages).unwrap_or(0));
            Ok(())
        }));
        Self {
            connection,
            catalog,
            pool,
            batch: options.batch.max(1),
            checkpointer,
            commits: Arc::new(AtomicU64::new(0)),
            pace: Arc::default(),
            queued: VecDeque::new(),
            callers: 1,
        }
    }

    fn run(&mut self, jobs: &Receiver<Job>) {
        loop {
            let job = match self.queued.pop_front() {
                Some(job) => Ok(job),
                None => jobs.recv_timeout(IDLE),
            };
            match job {
                Ok(Job::Chore(chore)) => self.chore(chore),
                Ok(Job::Commit(first)) => {
                    let commits = self.gather(jobs, first);
                    let results = self.commit(&commits);
                    self.count(jobs, commits.len());
                    answer(commits, results);
                }
                Err(RecvTimeoutError::Timeout) => self.pool.release(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.checkpointer.is_writers_turn(LOGGED.get()) {
                LOGGED.set(0);
                self.write_back("PASSIVE");
                self.pool.outdate();
            }
        }
        self.checkpointer.finish();
        self.pool.release();
        self.write_back("TRUNCATE");
    }

    /// The first change set and those that come with it, up to a chore. Sleeps rather than
    /// waits for each: being woken costs both sides more than most change sets.
    fn gather(&mut self, jobs: &Receiver<Job>, first: Commit) -> Vec<Commit> {
        let mut commits = vec![first];
        let until = Instant::now() + GATHER;
        loop {
            self.queued.extend(jobs.try_iter().take(self.batch));
            while let Some(Job::Commit(commit)) = self
                .queued
                .pop_front_if(|job| commits.len() < self.batch && matches!(job, Job::Commit(_)))
            {
                commits.push(commit);
            }
            let full = commits.len() >= self.enough();
            if full || !self.queued.is_empty() || Instant::now() >= until {
                return commits;
            }
            thread::sleep(NAP);
        }
    }

    /// Change sets that are worth a flush: most of the callers'. The others come while these
    /// are committed, so that neither the writer nor the callers stand still.
    fn enough(&self) -> usize {
        (self.callers * 5).div_ceil(8).min(self.batch)
    }

    /// Counts the callers of a batch that is not answered yet, and those who came meanwhile:
    /// nobody is in both. Falls by half a step, so that one short batch does not end the
    /// waiting.
    fn count(&mut self, jobs: &Receiver<Job>, batch: usize) {
        self.queued.extend(jobs.try_iter().take(self.batch));
        let callers = batch + self.queued.len();
        self.callers = callers.max(usize::midpoint(self.callers, callers));
    }

    fn commit(&mut self, commits: &[Commit]) -> Vec<Result<Committed, Rejected>> {
        match self.attempt(commits) {
            Ok(results) => results,
            Err(BatchFault::Transaction(error)) => {
                tracing::error!(%error, "a transaction failed");
                let rejected = Rejected::Unavailable(error.to_string());
                vec![Err(rejected); commits.len()]
            }
            Err(BatchFault::Apply(error)) => {
                tracing::error!(%error, changes = commits.len(), "a change set failed");
                commits.iter().map(|commit| self.alone(commit)).collect()
            }
        }
    }

    /// One change set in a transaction of its own, after its batch failed.
    fn alone(&mut self, commit: &Commit) -> Result<Committed, Rejected> {
        match self.attempt(std::slice::from_ref(commit)) {
            Ok(mut results) => results.remove(0),
            Err(BatchFault::Apply(error) | BatchFault::Transaction(error)) => {
                Err(Rejected::Unavailable(error.to_string()))
            }
        }
    }

    /// Tries a batch; after a failure or a panic nothing of it is left.
    fn attempt(
        &mut self,
        commits: &[Commit],
    ) -> Result<Vec<Result<Committed, Rejected>>, BatchFault> {
        let tried = catch_unwind(AssertUnwindSafe(|| self.transact(commits)));
        let result =
            tried.unwrap_or_else(|_| Err(BatchFault::Apply(rusqlite::Error::UnwindingPanic)));
        if result.is_err()
            && !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction was not rolled back");
        }
        result
    }

    fn transact(&self, commits: &[Commit]) -> Result<Vec<Result<Committed, Rejected>>, BatchFault> {
        let connection = &self.connection;
        let run = |sql| connection.prepare_cached(sql)?.execute([]);
        run("BEGIN IMMEDIATE").map_err(BatchFault::Transaction)?;
        let begun = Instant::now();
        let mut batch = Batch::begin(connection, &self.catalog);
        let mut results = Vec::with_capacity(commits.len());
        for commit in commits {
            results.push(match batch.apply(commit.partition, &commit.change_set) {
                Ok(committed) => Ok(committed),
                Err(ApplyFault::Guard(rejected)) => Err(rejected),
                Err(ApplyFault::Sql(error)) => return Err(BatchFault::Apply(error)),
            });
        }
        let ledger = batch.finish().map_err(BatchFault::Apply)?;
        // The flush does not count: however many wait, they share one.
        self.pace.done(commits.len(), begun.elapsed());
        run("COMMIT").map_err(BatchFault::Transaction)?;
        self.committed(&ledger, &results);
        Ok(results)
    }

    fn committed(&self, ledger: &Ledger, results: &[Result<Committed, Rejected>]) {
        ledger.publish(&self.catalog);
        self.pool.outdate();
        let changed = |result: &Result<Committed, _>| result.as_ref().is_ok_and(|it| it.changed);
        if results.iter().any(changed) {
            self.commits.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn chore(&mut self, chore: Chore) {
        let (connection, pool) = (&mut self.connection, &*self.pool);
        if catch_unwind(AssertUnwindSafe(|| chore(connection, pool))).is_err() {
            tracing::error!("work on the registry caused a panic");
        }
    }

    fn write_back(&self, mode: &str) {
        self.connection.flush_prepared_statement_cache();
        checkpoint::write_back(&self.connection, mode);
    }
}

fn answer(commits: Vec<Commit>, results: Vec<Result<Committed, Rejected>>) {
    for (commit, result) in commits.into_iter().zip(results) {
        // A caller that gave up has dropped its end.
        let _ = commit.reply.send(result);
    }
}
