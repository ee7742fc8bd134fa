//! Identifiers of resources.

use uuid::{NoContext, Uuid};

use crate::record::Timestamp;

/// A new `id`: a UUID (version 7) in lower case. Random enough not to be guessed, ordered by
/// time so that an index of ids grows at its end, and free of what RFC 7644 §3.7.2 reserves
/// (`bulkId`).
pub fn issue(now: Timestamp) -> String {
    let seconds = u64::try_from(now.0.div_euclid(1_000)).unwrap_or_default();
    let nanos = now.0.rem_euclid(1_000) as u32 * 1_000_000;
    Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos)).to_string()
}
