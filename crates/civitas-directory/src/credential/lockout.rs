//! How often something wrong may be shown before nothing is taken for a while.

use serde::{Deserialize, Serialize};

use super::{Verdict, policy::HOUR_MS};
use crate::record::Timestamp;

/// After how many failures what is shown is locked, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockRule {
    /// The failure that locks.
    pub failures: u32,
    /// Milliseconds that the lock lasts; `None` until somebody unlocks.
    pub lasts_ms: Option<i64>,
}

impl LockRule {
    /// The fifth failure locks for an hour.
    pub const STANDARD: Self = Self {
        failures: 5,
        lasts_ms: Some(HOUR_MS),
    };
}

/// What becomes of the failures of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockoutChange {
    /// A secret is shown.
    Shown {
        /// Whether it is the client's.
        matches: bool,
        /// When.
        at: Timestamp,
    },
    /// Somebody unlocks.
    Clear,
}

impl LockoutChange {
    /// Makes the change, and says what came of what was shown.
    pub fn apply(self, lockout: &mut Lockout) -> Verdict {
        match self {
            Self::Shown { matches, at } => lockout.judge(matches, LockRule::STANDARD, at),
            Self::Clear => {
                *lockout = Lockout::default();
                Verdict::Accepted
            }
        }
    }
}

/// Failures in a row, and the lock that they led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lockout {
    failed: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl Lockout {
    /// So many failures, not locked.
    pub const fn after(failed: u32) -> Self {
        Self {
            failed,
            until: None,
        }
    }

    /// So many failures, locked until then.
    pub const fn until(failed: u32, until: Timestamp) -> Self {
        Self {
            failed,
            until: Some(until),
        }
    }

    /// Whether there is nothing to be known of it.
    pub fn is_clear(&self) -> bool {
        *self == Self::default()
    }

    /// Whether nothing is taken.
    pub fn is_locked(self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// Until when nothing is taken, while it is so.
    pub fn locked_until(self, now: Timestamp) -> Option<Timestamp> {
        self.until.filter(|_| self.is_locked(now))
    }

    /// Failures in a row. A lock that has ended takes them with it.
    pub fn failed(self, now: Timestamp) -> u32 {
        match self.until {
            Some(until) if now >= until => 0,
            _ => self.failed,
        }
    }

    /// Judges something that was compared with what is right.
    pub fn judge(&mut self, matches: bool, rule: LockRule, now: Timestamp) -> Verdict {
        if self.is_locked(now) {
            return Verdict::Locked;
        }
        if matches {
            *self = Self::default();
            return Verdict::Accepted;
        }
        if self.fail(rule, now) {
            Verdict::Locked
        } else {
            Verdict::Wrong
        }
    }

    /// Counts a failure. Returns whether it has led to a lock.
    pub fn fail(&mut self, rule: LockRule, now: Timestamp) -> bool {
        let failed = self.failed(now).saturating_add(1);
        *self = Self::after(failed);
        if failed >= rule.failures {
            let lasts = rule.lasts_ms.unwrap_or(i64::MAX);
            self.until = Some(Timestamp(now.0.saturating_add(lasts)));
        }
        self.until.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_failure_locks_for_an_hour() {
        let at = |ms| Timestamp(1_000 + ms);
        let mut lockout = Lockout::default();
        for failure in 1..5 {
            assert!(!lockout.fail(LockRule::STANDARD, at(0)));
            assert_eq!(lockout.failed(at(0)), failure);
        }
        assert!(!lockout.is_locked(at(0)));
        assert!(lockout.fail(LockRule::STANDARD, at(0)));
        assert!(lockout.is_locked(at(HOUR_MS - 1)));
        assert_eq!(lockout.locked_until(at(5)), Some(at(HOUR_MS)));
        assert_eq!(lockout.failed(at(HOUR_MS - 1)), 5);
        assert!(!lockout.is_locked(at(HOUR_MS)));
        assert_eq!(
            (
                lockout.failed(at(HOUR_MS)),
                lockout.locked_until(at(HOUR_MS))
            ),
            (0, None)
        );
        // What was counted before the lock is not counted again after it.
        assert!(!lockout.fail(LockRule::STANDARD, at(HOUR_MS)));
        assert_eq!(lockout, Lockout::after(1));
    }

    #[test]
    fn a_lock_may_last_until_somebody_unlocks() {
        let rule = LockRule {
            failures: 1,
            lasts_ms: None,
        };
        let mut lockout = Lockout::default();
        assert!(lockout.fail(rule, Timestamp(7)));
        assert!(lockout.is_locked(Timestamp(i64::MAX - 1)));
    }
}
