//! The clock of a tenant. Normally that of the system; on a stage it can be set, advanced and
//! stopped, and everything that expires follows.

use crate::record::Timestamp;

/// What time it is for a tenant, given the time of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Clock {
    /// Runs this many milliseconds ahead of the system (behind it when negative).
    Running {
        /// The difference.
        ahead_ms: i64,
    },
    /// Stands still.
    Frozen {
        /// At this instant.
        at: Timestamp,
    },
}

impl Default for Clock {
    fn default() -> Self {
        Self::SYSTEM
    }
}

impl Clock {
    /// The system's clock.
    pub const SYSTEM: Self = Self::Running { ahead_ms: 0 };

    /// The tenant's instant when the system's is `system`.
    #[must_use]
    pub const fn at(self, system: Timestamp) -> Timestamp {
        match self {
            Self::Running { ahead_ms } => Timestamp(system.0.saturating_add(ahead_ms)),
            Self::Frozen { at } => at,
        }
    }

    /// The clock that shows `instant` when the system's shows `system`, running or not as
    /// this one does.
    #[must_use]
    pub const fn set(self, instant: Timestamp, system: Timestamp) -> Self {
        match self {
            Self::Running { .. } => Self::Running {
                ahead_ms: instant.0.saturating_sub(system.0),
            },
            Self::Frozen { .. } => Self::Frozen { at: instant },
        }
    }

    /// The clock moved on (back when negative).
    #[must_use]
    pub const fn advanced(self, by_ms: i64) -> Self {
        match self {
            Self::Running { ahead_ms } => Self::Running {
                ahead_ms: ahead_ms.saturating_add(by_ms),
            },
            Self::Frozen { at } => Self::Frozen {
                at: Timestamp(at.0.saturating_add(by_ms)),
            },
        }
    }

    /// The clock stopped at the instant it shows.
    #[must_use]
    pub const fn frozen(self, system: Timestamp) -> Self {
        Self::Frozen {
            at: self.at(system),
        }
    }

    /// The clock going on from the instant it shows.
    #[must_use]
    pub const fn running(self, system: Timestamp) -> Self {
        Self::Running {
            ahead_ms: self.at(system).0.saturating_sub(system.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_set_advanced_stopped_and_started() {
        let (one, two) = (Timestamp(1_000), Timestamp(5_000));
        assert_eq!(Clock::SYSTEM.at(one), one);
        let set = Clock::SYSTEM.set(Timestamp(100_000), one);
        assert_eq!(set.at(one), Timestamp(100_000));
        assert_eq!(set.at(two), Timestamp(104_000), "it runs");
        assert_eq!(set.advanced(-50_000).at(two), Timestamp(54_000));
        let frozen = set.frozen(one);
        assert_eq!(frozen.at(two), Timestamp(100_000), "it stands");
        assert_eq!(frozen.advanced(7).at(two), Timestamp(100_007));
        assert_eq!(frozen.set(Timestamp(3), two).at(one), Timestamp(3));
        let going = frozen.running(two);
        assert_eq!(going.at(two), Timestamp(100_000), "it goes on from there");
        assert_eq!(going.at(Timestamp(5_001)), Timestamp(100_001));
    }
}
