//! Which work is let in when there is more than can be done. A queue is there for bursts: one
//! that stands serves nobody sooner and only adds to everybody's time, so it is kept short and
//! what comes is refused at once.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Semaphore, SemaphorePermit};

/// How long there may be a queue until it counts as one that stands.
pub const BURST: Duration = Duration::from_millis(250);

/// How long there must be none until the next one counts as a burst again.
pub const CALM: Duration = Duration::from_secs(1);

/// Tells a queue that stands from a burst.
#[derive(Debug, Default)]
struct Standing(Mutex<Option<Crowded>>);

/// Since when, and until when, there was a queue.
#[derive(Debug, Clone, Copy)]
struct Crowded {
    since: Instant,
    last: Instant,
}

impl Standing {
    /// Notes whether there is a queue, and tells whether it stands.
    fn note(&self, is_crowded: bool, now: Instant) -> bool {
        let mut crowded = lock(&self.0);
        if !is_crowded && crowded.is_none() {
            return false;
        }
        let since = crowded
            .filter(|it| now.duration_since(it.last) < CALM)
            .map_or(now, |it| it.since);
        if is_crowded {
            *crowded = Some(Crowded { since, last: now });
        }
        is_crowded && now.duration_since(since) > BURST
    }
}

/// Tells whether there is lasting overload: it begins when a queue is too long even for a burst,
/// and ends when none has been long for a while.
#[derive(Debug, Default)]
pub struct Overload(Mutex<Option<Instant>>);

impl Overload {
    /// Whether one more is refused, given whether its queue is long, and whether it may be so in
    /// a burst.
    pub fn refuses(&self, is_long: bool, is_burst: bool, now: Instant) -> bool {
        if !is_long {
            return false;
        }
        let mut last = lock(&self.0);
        let lasts = last.is_some_and(|it| now.duration_since(it) < CALM);
        let refuses = lasts || !is_burst;
        if refuses {
            *last = Some(now);
        }
        refuses
    }
}

/// Whether work waits for its turn for as long as that takes, or is refused when others wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patience {
    /// It is refused: somebody waits for the answer and can ask again.
    #[default]
    Short,
    /// It waits: it is one step of many, with a bound of their own.
    Long,
}

/// There is more work than is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// Work of which a few pieces are done at a time. Of what comes beyond, a burst waits; when
/// the queue stands, half as many wait as are done at a time: enough that a turn is never
/// left out, and whoever is let in is served in less than two.
#[derive(Debug)]
pub struct Admission {
    turns: Semaphore,
    /// Lets what is patient into the queue a few at a time, so that it keeps nobody out.
    patient: Semaphore,
    at_a_time: usize,
    burst: usize,
    waiting: Mutex<usize>,
    standing: Standing,
}

impl Admission {
    /// So many pieces at a time, and so many that may wait in a burst.
    pub fn new(at_a_time: usize, burst: usize) -> Self {
        let at_a_time = at_a_time.max(1);
        Self {
            turns: Semaphore::new(at_a_time),
            patient: Semaphore::new(at_a_time),
            at_a_time,
            burst,
            waiting: Mutex::default(),
            standing: Standing::default(),
        }
    }

    /// Waits for a turn, which lasts until it is dropped.
    ///
    /// # Errors
    /// [`Full`], at once, when enough others wait.
    pub async fn turn(&self, patience: Patience) -> Result<SemaphorePermit<'_>, Full> {
        if let Ok(turn) = self.turns.try_acquire() {
            self.standing.note(false, Instant::now());
            return Ok(turn);
        }
        match patience {
            Patience::Short => {
                let _waiting = self.wait()?;
                self.turns.acquire().await.map_err(|_| Full)
            }
            Patience::Long => {
                let _patient = self.patient.acquire().await.map_err(|_| Full)?;
                self.turns.acquire().await.map_err(|_| Full)
            }
        }
    }

    /// Whether there is room for one more, so that whoever is refused anyway is refused before
    /// anything is prepared. It is no promise.
    ///
    /// # Errors
    /// [`Full`] as from [`Self::turn`].
    pub fn check_room(&self) -> Result<(), Full> {
        let is_free = self.turns.available_permits() > 0;
        if is_free || *lock(&self.waiting) < self.most_waiting() {
            return Ok(());
        }
        Err(Full)
    }

    /// How many may wait now, while there is a queue.
    fn most_waiting(&self) -> usize {
        if self.standing.note(true, Instant::now()) {
            self.at_a_time.div_ceil(2)
        } else {
            self.burst
        }
    }

    /// A place in the queue; given up also by a caller that goes away.
    fn wait(&self) -> Result<Place<'_>, Full> {
        let mut waiting = lock(&self.waiting);
        if *waiting >= self.most_waiting() {
            return Err(Full);
        }
        *waiting += 1;
        Ok(Place(self))
    }
}

struct Place<'a>(&'a Admission);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *lock(&self.0.waiting) -= 1;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_queue_stands_when_it_does_not_end() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let standing = Standing::default();
        for (ms, is_crowded, stands) in [
            (0, false, false),
            (10, true, false),
            (260, true, false),
            (261, true, true),
            // A moment without a queue is not the end of it.
            (262, false, false),
            (263, true, true),
            (1_263, true, false),
            (1_500, true, false),
            (1_514, true, true),
        ] {
            assert_eq!(standing.note(is_crowded, at(ms)), stands, "after {ms} ms");
        }
    }

    #[test]
    fn overload_lasts_until_it_has_been_calm() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let overload = Overload::default();
        for (ms, is_long, is_burst, refuses) in [
            (0, true, true, false),
            (1, false, false, false),
            (2, true, false, true),
            (3, true, true, true),
            (4, false, true, false),
            (1_002, true, true, true),
            (2_002, true, true, false),
        ] {
            let refused = overload.refuses(is_long, is_burst, at(ms));
            assert_eq!(refused, refuses, "after {ms} ms");
        }
    }

    #[tokio::test]
    async fn a_burst_waits_and_what_comes_beyond_is_refused() {
        let admission = Admission::new(1, 2);
        let running = admission.turn(Patience::Short).await.unwrap();
        let mut first = pin!(admission.turn(Patience::Short));
        let mut second = pin!(admission.turn(Patience::Short));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        assert_eq!(admission.turn(Patience::Short).await.err(), Some(Full));
        assert_eq!(admission.check_room(), Err(Full));
        let mut patient = pin!(admission.turn(Patience::Long));
        assert!(patient.as_mut().now_or_never().is_none());
        drop(running);
        drop(first.await.unwrap());
        drop(second.await.unwrap());
        drop(patient.await.unwrap());
        assert!(admission.turn(Patience::Short).await.is_ok());
        assert_eq!(admission.check_room(), Ok(()));
    }

    #[tokio::test]
    async fn when_the_queue_stands_fewer_wait_than_run() {
        let admission = Admission::new(2, 3);
        let running = admission.turn(Patience::Short).await.unwrap();
        let _other = admission.turn(Patience::Short).await.unwrap();
        let mut first = pin!(admission.turn(Patience::Short));
        assert!(first.as_mut().now_or_never().is_none());
        tokio::time::sleep(BURST + Duration::from_millis(50)).await;
        assert_eq!(admission.turn(Patience::Short).await.err(), Some(Full));
        drop(running);
        drop(first.await.unwrap());
        let turn = admission.turn(Patience::Short).await;
        assert!(turn.is_ok(), "what is free is given");
    }

    #[tokio::test]
    async fn who_goes_away_leaves_the_queue() {
        let admission = Admission::new(1, 1);
        let _running = admission.turn(Patience::Short).await.unwrap();
        {
            let mut gone = pin!(admission.turn(Patience::Short));
            assert!(gone.as_mut().now_or_never().is_none());
        }
        let mut next = pin!(admission.turn(Patience::Short));
        assert!(next.as_mut().now_or_never().is_none());
    }
}
