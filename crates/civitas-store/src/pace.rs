//! What change sets take lately, from which it is told how long one more would wait.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Transactions that are looked back on.
const LOOKS_BACK: usize = 16;

/// What each change set took in the last transactions.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<VecDeque<Duration>>);

impl Pace {
    /// So many change sets were done together, in so long.
    pub(crate) fn done(&self, change_sets: usize, took: Duration) {
        let each = took / u32::try_from(change_sets).unwrap_or(u32::MAX).max(1);
        let mut recent = self.recent();
        if recent.len() == LOOKS_BACK {
            recent.pop_front();
        }
        recent.push_back(each);
    }

    /// The least of them: a disk that stalls for a moment makes all wait and changes nothing of
    /// what the next ones take. Zero when nothing is known.
    pub(crate) fn least(&self) -> Duration {
        self.recent().iter().min().copied().unwrap_or_default()
    }

    fn recent(&self) -> MutexGuard<'_, VecDeque<Duration>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_stall_does_not_count_and_slow_work_does() {
        let pace = Pace::default();
        assert_eq!(pace.least(), Duration::ZERO);
        pace.done(8, 8 * MS);
        pace.done(8, 400 * MS);
        assert_eq!(pace.least(), MS, "the second waited for the disk");
        for _ in 0..LOOKS_BACK {
            pace.done(4, 40 * MS);
        }
        assert_eq!(pace.least(), 10 * MS, "what is written now is heavy");
        pace.done(4, 4 * MS);
        assert_eq!(pace.least(), MS, "and is light again at once");
    }
}
