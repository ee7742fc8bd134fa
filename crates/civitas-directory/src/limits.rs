//! What the directory refuses to do without bound. Each limit can be configured.

/// Limits of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most resources that one list answer carries, counted after filtering. A larger
    /// `count` is lowered, not refused (RFC 7644 §3.4.2.4).
    pub max_results: usize,
    /// Resources of a list answer whose request names no `count`.
    pub default_results: usize,
    /// Most members that one answer carries; more are refused with `tooMany`.
    pub max_members_returned: usize,
    /// Most documents that a query without a fitting index may examine.
    pub max_examined: usize,
    /// Most operations of one bulk job (`maxOperations`, RFC 7643 §5).
    pub max_bulk_operations: usize,
    /// Seconds that a job is kept after its end.
    pub job_seconds: u64,
    /// Argon2id computations at a time. Others wait.
    pub hashing_threads: usize,
    /// Most of them that wait in a burst ([`Admission`](crate::admission::Admission)); more
    /// are refused as overload.
    pub waiting_hashes: usize,
    /// Milliseconds of the store's work that may wait before a write under overload, which begins
    /// with more than [`Self::write_burst`] of them, or when there is more work than
    /// [`BURST`](crate::admission::BURST); more are refused.
    pub write_wait_ms: u64,
    /// Writes in work, beyond which there is overload if they would wait long.
    pub write_burst: usize,
    /// Lifetime of an access token in seconds.
    pub token_seconds: u64,
    /// Seconds that a cursor is good for (RFC 9865 §4, `cursorTimeout`).
    pub cursor_seconds: u64,
    /// Days that events are kept, for audit, deltas and feeds.
    pub event_days: u32,
    /// Most events of a tenant that are kept.
    pub max_events: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_results: 1_000,
            default_results: 100,
            max_members_returned: 200_000,
            max_examined: 200_000,
            max_bulk_operations: 1_000,
            job_seconds: 86_400,
            hashing_threads: 2,
            waiting_hashes: 32,
            write_wait_ms: 15,
            write_burst: 128,
            token_seconds: 3_600,
            cursor_seconds: 3_600,
            event_days: 90,
            max_events: 10_000_000,
        }
    }
}
