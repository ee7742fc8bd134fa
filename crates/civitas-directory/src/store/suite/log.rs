//! The event log: what changed since an event, what a change tells, and pruning.

use std::sync::Arc;

use super::{
    job::job,
    stage::{BARE, START, Stage, add, group, user},
};
use crate::{
    change::Difference,
    job::{End, Job},
    record::{Timestamp, Version},
    store::{Changes, ChangesQuery, LogReach, Newest, Store, Want},
};

fn since(after: Version, count: usize) -> ChangesQuery {
    ChangesQuery {
        types: vec!["User".into(), "Group".into()],
        after,
        count,
        max_events: 1_000,
        want: BARE,
    }
}

async fn changes(stage: &Stage, query: ChangesQuery) -> Option<Changes> {
    let changes = stage.store.changes(stage.partition, query).await;
    changes.unwrap()
}

async fn reach(stage: &Stage) -> LogReach {
    stage.store.log_reach(stage.partition).await.unwrap()
}

/// `+id` of a creation, `=id` of another change, `-id` of a deletion.
fn told(changes: &Changes) -> Vec<String> {
    let items = changes.items.iter().map(|newest| match newest {
        Newest::Present {
            is_new: true,
            found,
        } => format!("+{}", found.record.id),
        Newest::Present { found, .. } => format!("={}", found.record.id),
        Newest::Gone { id, .. } => format!("-{id}"),
    });
    items.collect()
}

/// What changed after an event: every resource once, in its newest state, the deleted ones
/// included; nothing of another tenant.
pub async fn changes_show_each_resource_once_in_its_newest_state(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let other = stage.beside("umbra").await;
    let nothing = LogReach::default();
    assert_eq!(reach(&stage).await, nothing);
    let (ann, bob, cid) = (user("u1", "ann"), user("u2", "bob"), user("u3", "cid"));
    stage.create(&[&ann, &bob]).await;
    let begin = reach(&stage).await.last;
    assert_eq!(
        told(&changes(&stage, since(begin, 10)).await.unwrap()),
        Vec::<String>::new()
    );
    other.create(&[&user("u9", "zoe")]).await;
    stage.create(&[&cid]).await;
    let ann_now = ann.clone().with("title", "Chief");
    stage.replace(&ann, &ann_now).await;
    stage.create(&[&group("g1", "Staff")]).await;
    stage.done(vec![add("g1", &["u1", "u2"])]).await;
    stage.delete(&bob).await;
    stage.create(&[&user("u4", "dee")]).await;
    stage.delete(&user("u4", "dee")).await;
    let found = changes(&stage, since(begin, 10)).await.unwrap();
    assert_eq!(told(&found), ["+u3", "=u1", "-u2", "=g1", "-u4"]);
    assert_eq!((found.seen, found.more), (reach(&stage).await.last, false));
    let Newest::Present { found: shown, .. } = &found.items[1] else {
        panic!("{found:?}");
    };
    let bare = stage.store.read(stage.partition, "User", "u1", BARE).await;
    assert_eq!(Some(shown), bare.unwrap().as_ref());
    let groups = ChangesQuery {
        types: vec!["Group".into()],
        want: Want {
            groups: false,
            members: Some(10),
        },
        ..since(begin, 10)
    };
    let found = changes(&stage, groups).await.unwrap();
    let [Newest::Present { found: shown, .. }] = &found.items[..] else {
        panic!("{found:?}");
    };
    assert_eq!(shown.members.as_ref().map(Vec::len), Some(1));
    let all = changes(&stage, since(Version(0), 10)).await.unwrap();
    assert_eq!(told(&all), ["+u3", "=u1", "-u2", "=g1", "-u4"]);
}

/// Pages go on after the last event looked at, however few resources they hold.
pub async fn changes_go_on_page_by_page(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let mut last = user("u0", "user0");
    stage.create(&[&last]).await;
    for number in 1..5 {
        let new = last.clone().with("title", format!("{number}").as_str());
        stage.replace(&last, &new).await;
        last = new;
        stage
            .create(&[&user(&format!("u{number}"), &format!("user{number}"))])
            .await;
    }
    for (count, max_events) in [(1, 100), (2, 100), (100, 2), (100, 100)] {
        let (mut after, mut seen) = (Version(0), Vec::new());
        loop {
            let query = ChangesQuery {
                max_events,
                ..since(after, count)
            };
            let page = changes(&stage, query).await.unwrap();
            assert!(page.items.len() <= count && page.seen > after, "{page:?}");
            seen.extend(told(&page));
            after = page.seen;
            if !page.more {
                break;
            }
        }
        assert_eq!(
            seen,
            ["+u1", "+u2", "+u3", "=u0", "+u4"],
            "{count}, {max_events}"
        );
    }
}

/// An event of a change of attributes says which differ; others say nothing of the kind.
pub async fn events_tell_what_differs(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let ann = user("u1", "ann").with("active", true);
    stage.create(&[&ann, &group("g1", "Staff")]).await;
    stage.done(vec![add("g1", &["u1"])]).await;
    let now = ann.clone().with("active", false).with("title", "Chief");
    stage.replace(&ann, &now).await;
    stage.delete(&now).await;
    let told: Vec<_> = stage
        .events()
        .await
        .into_iter()
        .map(|it| it.difference)
        .collect();
    let difference = Difference {
        whole: false,
        attributes: vec!["active".into(), "title".into()],
        active: Some(false),
    };
    assert_eq!(told, [None, None, None, Some(difference), None, None]);
}

/// The oldest events go first, in steps, by age or by number; the log says how far it
/// reaches, and no longer answers beyond.
pub async fn old_events_are_forgotten(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let other = stage.beside("umbra").await;
    for number in 0..3 {
        stage
            .create(&[&user(&format!("u{number}"), &format!("user{number}"))])
            .await;
    }
    other.create(&[&user("x", "x")]).await;
    let versions: Vec<_> = stage.events().await.iter().map(|it| it.version).collect();
    let prune = |before, most, step| stage.store.prune_events(Timestamp(before), most, step);
    assert!(
        !prune(START, 1_000, 10).await.unwrap(),
        "all are young and few"
    );
    assert_eq!(stage.events().await.len(), 3);
    assert!(
        prune(START + 1_001, 1_000, 1).await.unwrap(),
        "one step of two"
    );
    assert_eq!(reach(&stage).await.pruned, versions[0]);
    assert!(!prune(START + 1_001, 1_000, 10).await.unwrap());
    let left: Vec<_> = stage.events().await.iter().map(|it| it.version).collect();
    assert_eq!(left, versions[2..]);
    assert_eq!(changes(&stage, since(versions[0], 10)).await, None);
    let still = changes(&stage, since(versions[1], 10)).await.unwrap();
    assert_eq!(told(&still), ["+u2"]);
    assert_eq!(other.events().await, []);
    // By number, all of them go.
    assert!(!prune(START, 0, 10).await.unwrap());
    assert_eq!(stage.events().await, []);
    let expected = LogReach {
        pruned: versions[2],
        last: versions[2],
    };
    assert_eq!(reach(&stage).await, expected);
    let none = changes(&stage, since(versions[2], 10)).await.unwrap();
    assert_eq!((told(&none).len(), none.more), (0, false));
    stage.clean().await;
}

/// What an open job may have done is not forgotten before it ends.
pub async fn events_of_open_jobs_stay(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    stage
        .create(&[&user("u1", "ann"), &user("u2", "bea"), &user("u3", "cem")])
        .await;
    let versions: Vec<_> = stage.events().await.iter().map(|it| it.version).collect();
    let job = Job {
        since: versions[0],
        ..job("job")
    };
    stage.store.create_job(stage.partition, job).await.unwrap();
    let prune = || stage.store.prune_events(Timestamp(START), 0, 10);
    prune().await.unwrap();
    assert_eq!(reach(&stage).await.pruned, versions[0]);
    let end = End {
        at: Timestamp(START),
        cancelled: false,
        result: "{}".into(),
    };
    let ended = stage.store.end_job(stage.partition, "job", end).await;
    ended.unwrap();
    prune().await.unwrap();
    assert_eq!(reach(&stage).await.pruned, versions[2]);
}
