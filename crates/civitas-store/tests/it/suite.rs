//! The behaviour of every store, and the comparison with the evaluator on random scripts.

use std::sync::Arc;

use civitas_directory::store::{memory::MemoryStore, suite::agree};
use civitas_directory::store_suite;
use civitas_store::SqliteStore;

use crate::postgres::store as postgres_store;

store_suite!(sqlite, SqliteStore::temporary().unwrap());
store_suite!(postgres, postgres_store().await);

/// Steps of the short form; `CIVITAS_AGREE_STEPS` sets the number of a long run.
fn steps() -> usize {
    std::env::var("CIVITAS_AGREE_STEPS")
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or(300)
}

#[tokio::test]
async fn random_scripts_are_answered_as_by_the_evaluator() {
    for seed in 1..=4 {
        let subject = Arc::new(SqliteStore::temporary().unwrap());
        agree(Arc::new(MemoryStore::new()), subject, seed, steps() / 4).await;
        let subject = Arc::new(postgres_store().await);
        agree(Arc::new(MemoryStore::new()), subject, seed, steps() / 4).await;
    }
}
