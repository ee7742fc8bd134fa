//! How many requests a tenant is served in a second.

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
}
