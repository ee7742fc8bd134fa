//! Jobs.

use std::sync::Arc;

use crate::{
    job::{End, Job},
    record::{Timestamp, Version},
    store::{RegistryError, Store},
};

pub(super) fn job(id: &str) -> Job {
    Job {
        id: id.into(),
        kind: "test".into(),
        actor: "client:a".into(),
        input: "{}".into(),
        steps: 3,
        created: Timestamp(5),
        since: Version(7),
        cancelled: false,
        end: None,
    }
}

/// A job is open until it ends, once, and is forgotten after a while; tenants do not share.
pub async fn jobs_are_kept_to_their_end(store: Arc<dyn Store>) {
    let acme = store.create_tenant("acme", &[]).await.unwrap().partition;
    let zeta = store.create_tenant("zeta", &[]).await.unwrap().partition;
    for id in ["one", "two"] {
        store.create_job(acme, job(id)).await.unwrap();
    }
    assert_eq!(store.job(acme, "one").await.unwrap(), Some(job("one")));
    assert_eq!(store.job(zeta, "one").await.unwrap(), None);
    let open = store.open_jobs().await.unwrap();
    assert_eq!(open, [(acme, job("one")), (acme, job("two"))]);
    assert_eq!(store.own_jobs().await.unwrap(), open);

    for id in ["two", "none"] {
        store.cancel_job(acme, id).await.unwrap();
    }
    let two = Job {
        cancelled: true,
        ..job("two")
    };
    assert_eq!(store.job(acme, "two").await.unwrap(), Some(two.clone()));
    assert_eq!(store.job(acme, "one").await.unwrap(), Some(job("one")));
    let end = End {
        at: Timestamp(9),
        cancelled: true,
        result: "done".into(),
    };
    store.cancel_job(acme, "one").await.unwrap();
    store.end_job(acme, "one", end.clone()).await.unwrap();
    store.cancel_job(acme, "one").await.unwrap();
    let again = store.end_job(acme, "one", end.clone()).await;
    assert!(matches!(again, Err(RegistryError::Missing(_))), "{again:?}");
    let elsewhere = store.end_job(zeta, "two", end.clone()).await;
    assert!(matches!(elsewhere, Err(RegistryError::Missing(_))));
    let ended = Job {
        input: String::new(),
        end: Some(end),
        ..job("one")
    };
    assert_eq!(store.job(acme, "one").await.unwrap(), Some(ended.clone()));
    assert_eq!(store.open_jobs().await.unwrap(), [(acme, two.clone())]);

    store.forget_jobs(acme, Timestamp(9)).await.unwrap();
    store.forget_jobs(zeta, Timestamp(10)).await.unwrap();
    assert_eq!(store.job(acme, "one").await.unwrap(), Some(ended));
    store.forget_jobs(acme, Timestamp(10)).await.unwrap();
    assert_eq!(store.job(acme, "one").await.unwrap(), None);
    assert_eq!(store.open_jobs().await.unwrap(), [(acme, two.clone())]);
}
