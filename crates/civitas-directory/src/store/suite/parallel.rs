//! Many callers at once.

use std::{collections::BTreeSet, sync::Arc};

use tokio::task::JoinSet;

use super::stage::{Stage, add, group, user};
use crate::{
    change::{Change, ChangeSet, Committed, Rejected},
    store::Store,
};

/// How many commit at the same time.
const CALLERS: usize = 64;

/// Commits all sets at once.
async fn commit_all(stage: &Stage, sets: Vec<ChangeSet>) -> Vec<Result<Committed, Rejected>> {
    let mut tasks = JoinSet::new();
    for set in sets {
        let (store, partition) = (Arc::clone(&stage.store), stage.partition);
        tasks.spawn(async move { store.commit(partition, set).await });
    }
    tasks.join_all().await
}

/// Additions commute: none is lost, each makes a version of its own.
pub async fn parallel_members_are_all_added(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    stage.create(&[&group("g1", "Staff")]).await;
    let ids: Vec<String> = (0..CALLERS).map(|number| format!("u{number:02}")).collect();
    let creates = ids.iter().map(|id| Change::Create(user(id, id).create()));
    stage.done(creates.collect()).await;
    let seen = stage.events().await.last().unwrap().version;
    let sets = ids.iter().map(|id| stage.set(vec![add("g1", &[id])]));
    let done = commit_all(&stage, sets.collect()).await;
    let versions: BTreeSet<_> = done.into_iter().map(|it| it.unwrap().version).collect();
    assert_eq!(versions.len(), CALLERS);
    assert_eq!(stage.member_ids("g1").await, ids);
    let events = stage
        .store
        .events(stage.partition, Some(seen), 1_000)
        .await
        .unwrap();
    let told: Vec<_> = events.iter().map(|it| it.version).collect();
    assert_eq!(told, versions.into_iter().collect::<Vec<_>>());
    stage.clean().await;
}

/// Of many changes computed from one version, the first wins and the others hear of it.
pub async fn of_parallel_replaces_one_commits(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let ann = user("u1", "ann");
    stage.create(&[&ann]).await;
    let version = stage.version(&ann).await;
    let sets = (0..CALLERS).map(|number| {
        let new = ann.clone().with("title", format!("title {number}"));
        stage.set(vec![Change::Replace(new.replace(&ann, version))])
    });
    let done = commit_all(&stage, sets.collect()).await;
    let (won, lost): (Vec<_>, Vec<_>) = done.into_iter().partition(Result::is_ok);
    let [Ok(won)] = won[..] else {
        panic!("{} won", won.len());
    };
    assert_eq!(stage.version(&ann).await, won.version);
    let outdated = Err(Rejected::Stale { id: "u1".into() });
    assert_eq!(lost, vec![outdated; CALLERS - 1]);
    assert_eq!(stage.events().await.len(), 2);
    stage.clean().await;
}

/// Of many that ask for one unique value, one gets it; a rejected neighbour harms nobody.
pub async fn parallel_creates_of_one_name_leave_one(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let sets = (0..CALLERS).map(|number| {
        let name = if number % 2 == 0 {
            "ann".into()
        } else {
            format!("user{number}")
        };
        stage.set(vec![Change::Create(
            user(&format!("u{number}"), &name).create(),
        )])
    });
    let done = commit_all(&stage, sets.collect()).await;
    let lost: Vec<_> = done.into_iter().filter_map(Result::err).collect();
    let taken = Rejected::Taken {
        path: "userName".into(),
    };
    assert_eq!(lost, vec![taken; CALLERS / 2 - 1]);
    assert_eq!(stage.select("User", r#"userName eq "ANN""#).await.len(), 1);
    assert_eq!(stage.events().await.len(), CALLERS / 2 + 1);
    stage.clean().await;
}
