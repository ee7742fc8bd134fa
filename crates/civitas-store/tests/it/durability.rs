//! What is on disk: transactions, reopening, and who may open.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use civitas_directory::{change::Rejected, store::Store};
use civitas_store::{DataFolder, OpenError, Options, SqliteStore};
use serde_json::json;

use crate::stage::{Stage, add, create};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_commits_share_transactions() {
    let stage = Arc::new(Stage::<SqliteStore>::new().await);
    let before = stage.store.commits();
    let mut tasks = Vec::new();
    for number in 0..200 {
        let stage = Arc::clone(&stage);
        tasks.push(tokio::spawn(async move {
            stage.user(&format!("u{number}")).await
        }));
    }
    let mut versions = Vec::new();
    for task in tasks {
        versions.push(task.await.unwrap().version);
    }
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), 200);
    let commits = stage.store.commits() - before;
    assert!(commits <= 50, "200 change sets took {commits} transactions");
    stage.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_change_set_does_not_harm_its_neighbours() {
    let stage = Arc::new(Stage::<SqliteStore>::new().await);
    let mut tasks = Vec::new();
    for number in 0..90 {
        let stage = Arc::clone(&stage);
        // Every third asks for the same name, and in a set with a good change.
        let name = if number % 3 == 0 {
            "same".into()
        } else {
            format!("u{number}")
        };
        tasks.push(tokio::spawn(async move {
            let good = json!({ "id": format!("a{number}"), "userName": format!("a{number}") });
            let bad = json!({ "id": format!("b{number}"), "userName": name });
            stage
                .commit(vec![create("User", good), create("User", bad)])
                .await
        }));
    }
    let mut taken = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => {}
            Err(Rejected::Taken { path }) => {
                assert_eq!(path, "userName");
                taken += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(taken, 29);
    let all = stage
        .search("User", None, None, crate::stage::index_page(0, 1_000))
        .await;
    assert_eq!(all.unwrap().total, 61 * 2);
    stage.verify().await;
}

#[tokio::test]
async fn a_reopened_file_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::of(SqliteStore::open(folder.path()).unwrap()).await;
    let key = stage.store.secret("a", &[7; 32]).await.unwrap();
    stage.user("ann").await;
    stage.group("staff", &["ann"]).await;
    let (user, group) = (
        stage.read("User", "ann").await,
        stage.read("Group", "staff").await,
    );
    drop(stage);
    let log = folder.path().join("civitas.db-wal");
    assert!(
        !log.exists() || log.metadata().unwrap().len() == 0,
        "the log is written back"
    );

    let stage = Stage::of(SqliteStore::open(folder.path()).unwrap()).await;
    assert_eq!(stage.store.secret("a", &[9; 32]).await.unwrap(), key);
    assert_eq!(stage.read("User", "ann").await, user);
    assert_eq!(stage.read("Group", "staff").await, group);
    let last = stage
        .store
        .events(stage.partition, None, 10)
        .await
        .unwrap()
        .pop()
        .unwrap();
    assert!(stage.user("bob").await.version > last.version);
    stage.verify().await;
}

#[tokio::test]
async fn two_stores_on_one_file_write_in_turn() {
    let folder = tempfile::tempdir().unwrap();
    let here = Stage::of(SqliteStore::open(folder.path()).unwrap()).await;
    let there = Stage::of(SqliteStore::open(folder.path()).unwrap()).await;
    for number in 0..10 {
        here.user(&format!("here{number}")).await;
        there.user(&format!("there{number}")).await;
        there
            .group(&format!("g{number}"), &[&format!("here{number}")])
            .await;
        here.add(&format!("g{number}"), &[&format!("there{number}")])
            .await
            .unwrap();
    }
    let found = here.read("User", "there3").await.unwrap();
    assert_eq!(found.groups.unwrap().len(), 1);
    here.verify().await;
    there.verify().await;
}

#[tokio::test]
async fn writes_to_a_closed_store_are_refused() {
    let stage = Stage::<SqliteStore>::new().await;
    stage.user("ann").await;
    stage.store.close();
    let refused = stage.commit(vec![add("staff", &["ann"])]).await;
    assert!(
        matches!(refused, Err(Rejected::Unavailable(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_full_queue_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        queue: 1,
        batch: 1,
        ..Options::default()
    };
    let store = SqliteStore::open_with(folder.path(), &options).unwrap();
    let stage = Arc::new(Stage::of(store).await);
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let stage = Arc::clone(&stage);
            let user = json!({ "id": format!("u{number}"), "userName": format!("u{number}") });
            tokio::spawn(async move { stage.commit(vec![create("User", user)]).await })
        })
        .collect();
    let mut refused = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => {}
            Err(Rejected::Overloaded) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 0);
}

#[test]
fn a_newer_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(folder.path()).unwrap());
    let file = rusqlite::Connection::open(folder.path().join(DataFolder::DATABASE)).unwrap();
    file.pragma_update(None, "user_version", 999).unwrap();
    drop(file);
    let refused = SqliteStore::open(folder.path()).err().unwrap();
    assert!(matches!(refused, OpenError::Newer { .. }), "{refused}");
    assert!(refused.to_string().contains("newer version"), "{refused}");
}

#[test]
fn another_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join(DataFolder::DATABASE),
        "a text, not a database".repeat(99),
    )
    .unwrap();
    let refused = SqliteStore::open(folder.path()).err().unwrap();
    assert!(
        matches!(refused, OpenError::NotADatabase { .. }),
        "{refused}"
    );
}

#[test]
fn a_folder_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = SqliteStore::open(&file.join("data")).err().unwrap();
    assert!(matches!(refused, OpenError::Folder { .. }), "{refused}");
}

/// Reads keep their state open between uses; the log is written back and starts anew all
/// the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn constant_reads_do_not_make_the_log_grow() {
    const PAGES: u32 = 64;
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        checkpoint_pages: PAGES,
        ..Options::default()
    };
    let store = SqliteStore::open_with(folder.path(), &options).unwrap();
    let stage = Arc::new(Stage::of(store).await);
    let stop = Arc::new(AtomicBool::new(false));
    let readers = [(); 3].map(|()| {
        let (stage, stop) = (stage.clone(), stop.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                stage.read("User", "u0").await;
                tokio::task::yield_now().await;
            }
        })
    });
    for number in 0..1_000 {
        let id = format!("u{number}");
        stage.user(&id).await;
        assert!(stage.read("User", &id).await.is_some(), "{id} is seen");
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    let log = folder.path().join("civitas.db-wal");
    let pages = std::fs::metadata(log).unwrap().len() / 4096;
    // How far the log runs ahead of what is written back is the machine's affair; a log that
    // never starts anew has thousands of pages.
    assert!(pages < u64::from(PAGES) * 24, "{pages} pages");
}
