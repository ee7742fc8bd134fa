//! What a server does beside answering: it forgets events that are older than they are kept, and
//! links that have expired.

use std::{sync::Arc, time::Duration};

use civitas_directory::{Limits, Store, Timestamp};

use crate::source::now;

/// Events forgotten at a time. The writer serves others between two steps.
const STEP: usize = 1_000;

/// Rest between two steps, so that changes keep most of the writer.
const REST: Duration = Duration::from_millis(50);

/// Time between two rounds.
const ROUND: Duration = Duration::from_mins(1);

/// Time between two rounds over links.
const LINK_ROUND: Duration = Duration::from_hours(1);

const MILLIS_OF_DAY: i64 = 24 * 60 * 60 * 1_000;

/// Forgets events for as long as the server runs.
pub(crate) async fn prune_events(store: Arc<dyn Store>, limits: Limits) {
    loop {
        let kept = i64::from(limits.event_days).saturating_mul(MILLIS_OF_DAY);
        let before = Timestamp(now().0.saturating_sub(kept));
        match store.prune_events(before, limits.max_events, STEP).await {
            Ok(true) => tokio::time::sleep(REST).await,
            Ok(false) => tokio::time::sleep(ROUND).await,
            Err(error) => {
                tracing::warn!(%error, "old events were not forgotten");
                tokio::time::sleep(ROUND).await;
            }
        }
    }
}

/// How long links are kept after they have expired, by the clock of the system: that of a tenant
/// in development may be behind.
const LINK_DAYS: i64 = 30;

/// Forgets links for as long as the server runs.
pub(crate) async fn forget_links(store: Arc<dyn Store>) {
    loop {
        let before = Timestamp(now().0.saturating_sub(LINK_DAYS * MILLIS_OF_DAY));
        if let Err(error) = store.forget_links(before).await {
            tracing::warn!(%error, "old links were not forgotten");
        }
        tokio::time::sleep(LINK_ROUND).await;
    }
}
