//! Identifiers of resources.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use sha2::{Digest, Sha256};
use uuid::{Builder, NoContext, Uuid};

use crate::record::{Timestamp, Version};

/// Where the `id`s of a tenant's new resources come from.
#[derive(Debug, Clone, Default)]
pub enum Ids {
    /// From chance: what every tenant does unless it is on a stage.
    #[default]
    Random,
    /// From a seed: the same ones in every run.
    Seeded(Arc<Seeded>),
}

impl Ids {
    /// A new `id`: a UUID in lower case, free of what RFC 7644 §3.7.2 reserves (`bulkId`).
    pub fn issue(&self, now: Timestamp) -> String {
        match self {
            Self::Random => issue(now),
            Self::Seeded(seeded) => seeded.issue(),
        }
    }
}

/// A sequence of identifiers that a seed determines.
#[derive(Debug)]
pub struct Seeded {
    seed: u64,
    after: Version,
    issued: AtomicU64,
}

impl Seeded {
    /// The sequence of a seed that begins when `after` is the tenant's last event. Sequences
    /// that begin after different events share no identifier, so that one begun anew after
    /// a restart repeats none that is in use.
    pub const fn new(seed: u64, after: Version) -> Self {
        Self {
            seed,
            after,
            issued: AtomicU64::new(0),
        }
    }

    /// The next one: a UUID of version 8 (RFC 9562 §5.8), because neither time nor chance
    /// is in it.
    fn issue(&self) -> String {
        let number = self.issued.fetch_add(1, Relaxed);
        let digest = Sha256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(self.after.0.to_be_bytes())
            .chain_update(number.to_be_bytes())
            .finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Builder::from_custom_bytes(bytes).into_uuid().to_string()
    }
}

/// An identifier from time and chance: a UUID of version 7. Random enough not to be guessed,
/// and ordered by time so that an index of ids grows at its end.
pub fn issue(now: Timestamp) -> String {
    let seconds = u64::try_from(now.0.div_euclid(1_000)).unwrap_or_default();
    let nanos = now.0.rem_euclid(1_000) as u32 * 1_000_000;
    Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos)).to_string()
}

/// The identifier of what a step of a job creates: the same however often the job is resumed,
/// and like any other to those who do not know the job's.
pub(crate) fn of_step(job: &str, step: usize, at: Timestamp) -> String {
    let digest = Sha256::new()
        .chain_update(job)
        .chain_update(step.to_be_bytes())
        .finalize();
    let mut random = [0; 10];
    random.copy_from_slice(&digest[..10]);
    let millis = u64::try_from(at.0).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &random)
        .into_uuid()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_determines_its_identifiers() {
        let sequence = |seed, after| {
            let ids = Ids::Seeded(Arc::new(Seeded::new(seed, Version(after))));
            [1, 2, 3].map(|now| ids.issue(Timestamp(now)))
        };
        let first = sequence(42, 0);
        assert_eq!(first, sequence(42, 0));
        assert_eq!(first[0], "8dfbdbf2-7579-8c11-9851-7b36937288b8");
        for other in [sequence(43, 0), sequence(42, 7)] {
            assert!(other.iter().all(|id| !first.contains(id)), "{other:?}");
        }
        assert_ne!(first[0], first[1]);
    }
}
