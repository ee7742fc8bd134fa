//! How many requests a tenant is served in a second, and in a minute.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use civitas_directory::Partition;

use crate::refusal::Refusal;

const SECOND: Duration = Duration::from_secs(1);

/// When each limited tenant will have been served all it asked for at its rate: the virtual
/// scheduling of the generic cell rate algorithm (ITU-T I.371 §A). Tenants without a limit do
/// not come here.
#[derive(Debug, Default)]
pub(crate) struct Rates(Mutex<HashMap<Partition, Instant>>);

impl Rates {
    /// Takes one request of a tenant at an instant. A second's worth may come at once.
    pub(crate) fn take(
        &self,
        partition: Partition,
        per_second: NonZeroU32,
        now: Instant,
    ) -> Result<(), Refusal> {
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = due.entry(partition).or_insert(now);
        let next = now.max(*due) + SECOND / per_second.get();
        if let Some(early) = next
            .duration_since(now)
            .checked_sub(SECOND)
            .filter(|it| !it.is_zero())
        {
            return Err(Refusal::RateLimited {
                retry_after: early.as_secs_f64().ceil().max(1.0) as u32,
            });
        }
        *due = next;
        Ok(())
    }
}

const MINUTE: Duration = Duration::from_mins(1);

/// What of a minute's requests is served at once, and what is beyond it served with a delay: two
/// fifths of it.
const DELAYED: (u64, u64) = (2, 5);

/// The requests of tenants in their present minute, of those that have a limit for it.
#[derive(Debug, Default)]
pub(crate) struct Minutes(Mutex<HashMap<Partition, Minute>>);

#[derive(Debug)]
struct Minute {
    begun: Instant,
    asked: u64,
    /// Until when nothing is served.
    closed: Option<Instant>,
}

impl Minutes {
    /// Takes one request of a tenant at an instant, and tells how long it is to wait. Who asks
    /// for more than what is served with a delay is served nothing for a minute.
    pub(crate) fn take(
        &self,
        partition: Partition,
        at_once: NonZeroU32,
        now: Instant,
    ) -> Result<Option<Duration>, Refusal> {
        let refuse = |until: Instant| {
            let left = until.duration_since(now).as_secs_f64().ceil();
            Err(Refusal::RateLimited {
                retry_after: left.max(1.0) as u32,
            })
        };
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Minute {
            begun: now,
            asked: 0,
            closed: None,
        };
        let minute = minutes.entry(partition).or_insert_with(fresh);
        if let Some(until) = minute.closed.filter(|until| *until > now) {
            return refuse(until);
        }
        if minute.closed.is_some() || now.duration_since(minute.begun) >= MINUTE {
            *minute = fresh();
        }
        minute.asked += 1;
        let at_once = u64::from(at_once.get());
        let most = at_once + at_once * DELAYED.0 / DELAYED.1;
        if minute.asked > most {
            let until = now + MINUTE;
            minute.closed = Some(until);
            return refuse(until);
        }
        Ok((minute.asked > at_once).then_some(SECOND))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_s_worth_at_once_then_at_the_rate() {
        let rates = Rates::default();
        let (tenant, rate) = (Partition::from_raw(1), NonZeroU32::new(4).unwrap());
        let start = Instant::now();
        let served = |quarters: u32| {
            let now = start + SECOND * quarters / 4;
            rates.take(tenant, rate, now).is_ok()
        };
        assert_eq!([0; 5].map(served), [true, true, true, true, false]);
        assert_eq!([1; 2].map(served), [true, false]);
        assert_eq!([9; 5].map(served), [true, true, true, true, false]);
        let other = rates.take(Partition::from_raw(2), rate, start);
        assert!(other.is_ok(), "tenants have rates of their own");
    }

    #[test]
    fn a_minute_s_worth_at_once_then_slowly_then_nothing_for_a_minute() {
        let minutes = Minutes::default();
        let (tenant, rate) = (Partition::from_raw(1), NonZeroU32::new(200).unwrap());
        let start = Instant::now();
        let take = |seconds: u32| minutes.take(tenant, rate, start + SECOND * seconds);
        for number in 1..=280 {
            let wait = take(number / 20).unwrap();
            assert_eq!(wait.is_some(), number > 200, "{number}");
        }
        for (seconds, left) in [(14, 60), (15, 59), (73, 1)] {
            let told = take(seconds).unwrap_err();
            let is_told =
                matches!(told, Refusal::RateLimited { retry_after } if retry_after == left);
            assert!(is_told, "{told:?}");
        }
        assert_eq!(take(74).unwrap(), None);
        assert_eq!(take(135).unwrap(), None);
        let other = minutes.take(Partition::from_raw(2), rate, start);
        assert_eq!(other.unwrap(), None, "tenants have minutes of their own");
    }
}
