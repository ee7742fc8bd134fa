//! Files of jobs.

use std::sync::Arc;

use crate::{file::File, record::Timestamp, store::Store};

fn file(name: &str, created: i64) -> File {
    File {
        name: name.into(),
        actor: "client:a".into(),
        created: Timestamp(created),
        size: 3,
        mark: "m\u{0}".into(),
    }
}

/// A file is kept under its name until it is dropped or old; tenants do not share.
pub async fn files_are_kept_by_name(store: Arc<dyn Store>) {
    let acme = store.create_tenant("acme", &[]).await.unwrap().partition;
    let zeta = store.create_tenant("zeta", &[]).await.unwrap().partition;
    for (name, created) in [("b", 5), ("a", 6), ("c", 7)] {
        let added = store.add_file(acme, file(name, created), vec![0, 255, b'x']);
        assert!(added.await.unwrap());
    }
    store
        .add_file(zeta, file("b", 5), vec![7; 3])
        .await
        .unwrap();
    let found = store.file(acme, "b").await.unwrap();
    assert_eq!(found, Some((file("b", 5), vec![0, 255, b'x'])));
    assert_eq!(store.file(acme, "B").await.unwrap(), None);
    let all = store.files(acme).await.unwrap();
    assert_eq!(all, [file("a", 6), file("b", 5), file("c", 7)]);

    let again = store.add_file(acme, file("b", 8), vec![1]);
    assert!(!again.await.unwrap(), "the first one stays");
    let found = store.file(acme, "b").await.unwrap();
    assert_eq!(found, Some((file("b", 5), vec![0, 255, b'x'])));

    assert!(store.drop_file(acme, "c").await.unwrap());
    assert!(!store.drop_file(acme, "c").await.unwrap());
    store.forget_files(acme, Timestamp(6)).await.unwrap();
    let left = store.files(acme).await.unwrap();
    assert_eq!(
        left.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
        ["a"]
    );
    assert_eq!(store.files(zeta).await.unwrap(), [file("b", 5)]);
}

/// Files are no state to go back to: a reset drops those of its tenant.
pub async fn a_reset_drops_files(store: Arc<dyn Store>) {
    let acme = store.create_tenant("acme", &[]).await.unwrap().partition;
    let zeta = store.create_tenant("zeta", &[]).await.unwrap().partition;
    for partition in [acme, zeta] {
        let added = store.add_file(partition, file("a", 5), vec![1, 2, 3]);
        assert!(added.await.unwrap());
    }
    let acme = store.reset(acme, None).await.unwrap();
    assert_eq!(store.files(acme).await.unwrap(), []);
    assert_eq!(store.files(zeta).await.unwrap(), [file("a", 5)]);
}
