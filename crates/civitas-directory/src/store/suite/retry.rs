//! Requests under a token.

use std::sync::Arc;

use crate::{
    record::Timestamp,
    retry::{Attempt, Claimed, KEPT_MS},
    store::Store,
};

fn attempt(token: &str, content: &str, at: i64) -> Attempt {
    Attempt::new(&["client:a", token], content.as_bytes(), Timestamp(at))
}

/// The first claims the token, the others hear of it, of a tenant's own requests only, until it
/// is given back, or is over.
pub async fn a_token_is_claimed_once(store: Arc<dyn Store>) {
    let acme = store.create_tenant("acme", &[]).await.unwrap().partition;
    let zeta = store.create_tenant("zeta", &[]).await.unwrap().partition;
    let claim = |partition, attempt: Attempt| {
        let store = Arc::clone(&store);
        async move { store.claim_retry(partition, &attempt).await.unwrap() }
    };
    let first = attempt("t", "x", 10);
    assert_eq!(claim(acme, first.clone()).await, Claimed::Granted);
    assert_eq!(claim(acme, first.clone()).await, Claimed::InWork);
    assert_eq!(claim(acme, attempt("t", "y", 11)).await, Claimed::Another);
    assert_eq!(claim(acme, attempt("u", "x", 11)).await, Claimed::Granted);
    assert_eq!(claim(zeta, first.clone()).await, Claimed::Granted);

    store.settle_retry(acme, &first.key, None).await.unwrap();
    assert_eq!(claim(acme, first.clone()).await, Claimed::Granted);
    for answer in [Some("done"), Some("late"), None] {
        store.settle_retry(acme, &first.key, answer).await.unwrap();
    }
    let answered = Claimed::Answered("done".to_owned());
    let last = attempt("t", "x", 9 + KEPT_MS);
    assert_eq!(claim(acme, last.clone()).await, answered);
    assert_eq!(claim(acme, attempt("t", "y", 12)).await, Claimed::Another);
    assert_eq!(claim(zeta, last).await, Claimed::InWork);

    // What was begun ends, too: nobody may come back to it.
    let next_day = 11 + KEPT_MS;
    assert_eq!(
        claim(acme, attempt("t", "x", next_day)).await,
        Claimed::Granted
    );
    assert_eq!(
        claim(acme, attempt("u", "z", next_day)).await,
        Claimed::Granted
    );
    store.settle_retry(acme, "nobody", Some("x")).await.unwrap();
}

/// Of many at once, one claims the token.
pub async fn of_parallel_claims_one_is_granted(store: Arc<dyn Store>) {
    let acme = store.create_tenant("acme", &[]).await.unwrap().partition;
    let claims = (0..32).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.claim_retry(acme, &attempt("t", "x", 10)).await })
    });
    let mut granted = 0;
    for claim in claims.collect::<Vec<_>>() {
        match claim.await.unwrap().unwrap() {
            Claimed::Granted => granted += 1,
            claim => assert_eq!(claim, Claimed::InWork),
        }
    }
    assert_eq!(granted, 1);
}

/// A reset tenant knows of no requests, and its neighbour of all its own.
pub async fn a_reset_forgets_tokens(store: Arc<dyn Store>) {
    let acme = store.create_tenant("acme", &[]).await.unwrap().partition;
    let zeta = store.create_tenant("zeta", &[]).await.unwrap().partition;
    let request = attempt("t", "x", 10);
    for partition in [acme, zeta] {
        store.claim_retry(partition, &request).await.unwrap();
    }
    let acme = store.reset(acme, None).await.unwrap();
    let claimed = store.claim_retry(acme, &request).await;
    assert_eq!(claimed, Ok(Claimed::Granted));
    let claimed = store.claim_retry(zeta, &request).await;
    assert_eq!(claimed, Ok(Claimed::InWork));
}
