//! Change sets that wait are committed together, those of one partition in one transaction of
//! two round trips: the partition's row is locked and all that the guards look at is read; what
//! follows from it is decided here; all of it is written, and the transaction ends with it.
//!
//! The lock on the partition's row makes what was read stay true, whichever nodes write. Change
//! sets of different partitions do not wait for each other.

mod apply;
mod draft;
mod load;
mod slate;
mod write;

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use civitas_directory::{
    change::{ChangeSet, Committed, Rejected},
    tenant::Partition,
};
use tokio::sync::oneshot;

pub(super) use self::load::LOCK;
use self::slate::Slate;
use super::{
    error::{Fault, Outcome},
    pool::Pool,
};
use crate::{catalog::Facts, pace::Pace};

/// How often a transaction is tried that others were in the way of.
const ATTEMPTS: usize = 5;

/// Changes after which no further change set joins a transaction.
const MOST_CHANGES: usize = 2_000;

/// The way to the transactions.
#[derive(Clone)]
pub(super) struct Writer(Arc<Shared>);

struct Shared {
    pool: Arc<Pool>,
    facts: Arc<Facts>,
    /// Change sets that wait, by partition. A partition stands here while it has a task.
    lanes: Mutex<HashMap<i64, VecDeque<Waiting>>>,
    /// Change sets that wait or are being committed.
    waiting: AtomicUsize,
    pace: Pace,
    most_waiting: usize,
    /// Most change sets of a transaction.
    batch: usize,
    commits: AtomicU64,
}

/// A change set on its way, and where the answer goes.
struct Waiting {
    partition: Partition,
    change_set: ChangeSet,
    reply: oneshot::Sender<Result<Committed, Rejected>>,
}

impl Writer {
    pub(super) fn new(
        pool: Arc<Pool>,
        facts: Arc<Facts>,
        most_waiting: usize,
        batch: usize,
    ) -> Self {
        Self(Arc::new(Shared {
            pool,
            facts,
            lanes: Mutex::default(),
            waiting: AtomicUsize::new(0),
            pace: Pace::default(),
            most_waiting,
            batch: batch.max(1),
            commits: AtomicU64::new(0),
        }))
    }

    /// Transactions that changed something.
    pub(super) fn commits(&self) -> u64 {
        self.0.commits.load(Relaxed)
    }

    /// What a change set takes lately. A transaction takes about as long with one as with as
    /// many as may share it.
    pub(super) fn pace(&self) -> Duration {
        self.0.pace.least()
    }

    /// Commits a change set with others that wait.
    pub(super) async fn commit(
        &self,
        partition: Partition,
        change_set: ChangeSet,
    ) -> Result<Committed, Rejected> {
        let (reply, answer) = oneshot::channel();
        if self.0.waiting.fetch_add(1, Relaxed) >= self.0.most_waiting {
            self.0.waiting.fetch_sub(1, Relaxed);
            return Err(Rejected::Overloaded);
        }
        let waiting = Waiting {
            partition,
            change_set,
            reply,
        };
        let is_new = match self.0.lanes().entry(partition.raw()) {
            Entry::Occupied(mut lane) => {
                lane.get_mut().push_back(waiting);
                false
            }
            Entry::Vacant(lane) => {
                lane.insert(VecDeque::from([waiting]));
                true
            }
        };
        if is_new {
            let lane = Lane {
                shared: Arc::clone(&self.0),
                partition: partition.raw(),
                taken: 0,
                ended: false,
            };
            tokio::spawn(lane.run());
        }
        answer
            .await
            .unwrap_or_else(|_| Err(Rejected::Unavailable("the store is closed".into())))
    }
}

impl Shared {
    fn lanes(&self) -> MutexGuard<'_, HashMap<i64, VecDeque<Waiting>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many change sets were answered together, after so long.
    fn done(&self, change_sets: usize, took: Duration) {
        self.waiting.fetch_sub(change_sets, Relaxed);
        self.pace.done(self.batch, took);
    }

    /// One transaction. After a failure nothing of it is kept.
    async fn attempt(&self, batch: &[Waiting]) -> Outcome<Vec<Result<Committed, Rejected>>> {
        let connection = self.pool.lease().await?;
        let mut slate = Slate::load(&connection, &self.facts, batch).await?;
        let results = batch
            .iter()
            .map(|it| slate.apply(it.partition, &it.change_set))
            .collect();
        let made = slate.made();
        let steps = slate.into_steps();
        if steps.is_empty() && made.is_empty() {
            connection.roll_back();
            return Ok(results);
        }
        connection.commit(steps).await?;
        made.publish(&self.facts);
        self.commits.fetch_add(1, Relaxed);
        Ok(results)
    }

    async fn commit(&self, batch: &[Waiting]) -> Vec<Result<Committed, Rejected>> {
        let mut fault = Fault::Overloaded;
        for _ in 0..ATTEMPTS {
            match self.attempt(batch).await {
                Ok(results) => return results,
                Err(Fault::Again(text)) => fault = Fault::Again(text),
                Err(failed) => {
                    fault = failed;
                    break;
                }
            }
        }
        if let (Fault::Refused(_) | Fault::Taken(_), [_, _, ..]) = (&fault, batch) {
            // One of them cannot be committed; the others may do without it.
            tracing::error!(?fault, change_sets = batch.len(), "a change set failed");
            let mut results = Vec::with_capacity(batch.len());
            for alone in batch {
                let done = self.attempt(std::slice::from_ref(alone)).await;
                results.push(match done {
                    Ok(mut one) => one.remove(0),
                    Err(fault) => Err(fault.into()),
                });
            }
            return results;
        }
        tracing::error!(?fault, "a transaction failed");
        let rejected = Rejected::from(fault);
        vec![Err(rejected); batch.len()]
    }
}

/// What commits the change sets of a partition, for as long as some wait.
struct Lane {
    shared: Arc<Shared>,
    partition: i64,
    /// Change sets being committed.
    taken: usize,
    /// Whether it found nothing left to do. What stands at its place then is another's.
    ended: bool,
}

impl Lane {
    async fn run(mut self) {
        while let Some(batch) = self.next() {
            let begun = Instant::now();
            let results = self.shared.commit(&batch).await;
            self.shared.done(batch.len(), begun.elapsed());
            self.taken = 0;
            for (waiting, result) in batch.into_iter().zip(results) {
                // A caller that gave up has dropped its end.
                let _ = waiting.reply.send(result);
            }
        }
    }

    fn next(&mut self) -> Option<Vec<Waiting>> {
        let mut lanes = self.shared.lanes();
        let lane = lanes.get_mut(&self.partition)?;
        let mut changes = 0;
        let mut batch = Vec::new();
        while batch.len() < self.shared.batch && changes < MOST_CHANGES {
            let Some(waiting) = lane.pop_front() else {
                break;
            };
            changes += waiting.change_set.changes.len();
            batch.push(waiting);
        }
        if batch.is_empty() {
            lanes.remove(&self.partition);
            self.ended = true;
            return None;
        }
        self.taken = batch.len();
        Some(batch)
    }
}

impl Drop for Lane {
    /// After a panic those who wait are told, and the next one begins anew.
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let left = self.shared.lanes().remove(&self.partition);
        let left = left.map_or(0, |left| left.len());
        self.shared.waiting.fetch_sub(self.taken + left, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::connect::Connector, *};

    /// A writer whose database does not answer.
    fn writer() -> Writer {
        let url = "postgres://nobody@127.0.0.1:1/none".parse().unwrap();
        let patience = Duration::from_secs(1);
        let connector = Connector::new(&url, patience).unwrap();
        let pool = Arc::new(Pool::new(connector, 1, 1, patience));
        Writer::new(pool, Arc::new(Facts::default()), 8, 8)
    }

    fn lane(writer: &Writer) -> Lane {
        writer.0.lanes().insert(1, VecDeque::new());
        Lane {
            shared: Arc::clone(&writer.0),
            partition: 1,
            taken: 0,
            ended: false,
        }
    }

    #[test]
    fn the_end_of_a_lane_leaves_the_next_one_alone() {
        let writer = writer();
        let mut old = lane(&writer);
        assert!(old.next().is_none());
        let _new = lane(&writer);
        drop(old);
        assert!(writer.0.lanes().contains_key(&1));
    }
}
