//! The stores as their callers see them.

#![expect(clippy::unwrap_used, reason = "what is not as expected ends the test")]

/// Makes tests of cases, one for each store.
macro_rules! on_each_store {
    ($($case:ident)*) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$case::<civitas_store::SqliteStore>().await;
                }
            )*
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$case::<civitas_store::PostgresStore>().await;
                }
            )*
        }
    };
}

mod copy;
mod durability;
mod paging;
mod plans;
mod postgres;
mod search;
mod stage;
mod suite;
