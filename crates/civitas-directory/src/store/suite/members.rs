//! Groups: their members, and what membership makes of users.

use std::sync::Arc;

use super::stage::{Stage, WHOLE, add, group, members, news, owned, remove, user};
use crate::{
    change::{Change, Members, NewMember, Rejected},
    record::{GroupRef, MemberRef, Version},
    store::{Store, Want},
};

/// A stage with users `u1` to `u4` and groups `g1` to `g4`, in that order.
async fn peopled(store: Arc<dyn Store>) -> Stage {
    let stage = Stage::new(store).await;
    for number in 1..=4 {
        let name = format!("user{number}");
        stage.create(&[&user(&format!("u{number}"), &name)]).await;
    }
    for number in 1..=4 {
        let name = format!("Group {number}");
        stage.create(&[&group(&format!("g{number}"), &name)]).await;
    }
    stage
}

/// Members come and go; they read in creation order with type and display.
pub async fn members_are_added_and_removed(store: Arc<dyn Store>) {
    let stage = peopled(store).await;
    let g1 = group("g1", "Group 1");
    assert_eq!(stage.member_ids("g1").await, Vec::<String>::new());
    let before = stage.version(&g1).await;
    let done = stage.done(vec![add("g1", &["g2", "u3", "u1", "u3"])]).await;
    assert!(done.changed && done.version > before);
    let found = stage.found("Group", "g1").await.unwrap();
    assert_eq!(found.record.version, done.version);
    assert_eq!(found.record.modified, done.modified);
    let member = |id: &str, resource_type: &str, display: &str| MemberRef {
        id: id.into(),
        resource_type: resource_type.into(),
        display: display.into(),
    };
    assert_eq!(
        found.members,
        Some(vec![
            member("u1", "User", ""),
            member("u3", "User", ""),
            member("g2", "Group", "Group 2"),
        ])
    );
    let later = stage.done(vec![remove("g1", &["u1", "u9", "u4"])]).await;
    assert!(later.changed && later.version > done.version);
    assert_eq!(stage.member_ids("g1").await, ["u3", "g2"]);
    let both = Members {
        remove: owned(&["u3"]),
        add: news(&["u2"]),
        ..members("g1")
    };
    stage.done(vec![Change::Members(both)]).await;
    assert_eq!(stage.member_ids("g1").await, ["u2", "g2"]);
    stage.clean().await;
}

/// `clear` with `add` sets the whole list.
pub async fn members_are_set_by_difference(store: Arc<dyn Store>) {
    let stage = peopled(store).await;
    stage.done(vec![add("g1", &["u1", "u2", "g2"])]).await;
    let set = |ids: &[&str]| {
        Change::Members(Members {
            clear: true,
            add: news(ids),
            ..members("g1")
        })
    };
    stage.done(vec![set(&["u3", "u2"])]).await;
    assert_eq!(stage.member_ids("g1").await, ["u2", "u3"]);
    let before = stage.dump().await;
    let same = stage.done(vec![set(&["u2", "u3"])]).await;
    assert!(!same.changed);
    assert_eq!(stage.dump().await, before);
    assert!(stage.done(vec![set(&[])]).await.changed);
    assert_eq!(stage.member_ids("g1").await, Vec::<String>::new());
    assert!(!stage.done(vec![set(&[])]).await.changed);
    assert_eq!(stage.group_ids("u2").await, []);
    stage.clean().await;
}

/// Asking for what is so already makes no version and no event, and tells the one there is.
pub async fn membership_as_asked_is_no_change(store: Arc<dyn Store>) {
    let stage = peopled(store).await;
    let done = stage.done(vec![add("g1", &["u1", "u2"])]).await;
    let before = stage.dump().await;
    let expecting = Change::Members(Members {
        expect: Some(done.version),
        add: news(&["u1"]),
        ..members("g1")
    });
    for idle in [
        add("g1", &["u1"]),
        add("g1", &["u2", "u1"]),
        add("g1", &[]),
        remove("g1", &["u3"]),
        remove("g1", &["nobody"]),
        expecting,
    ] {
        let same = stage.done(vec![idle.clone()]).await;
        assert!(!same.changed, "{idle:?}");
        assert_eq!((same.version, same.modified), (done.version, done.modified));
        assert_eq!(stage.dump().await, before, "{idle:?}");
    }
    // An idle change first, and one that is none: the version told is of the first.
    let mixed = stage
        .done(vec![add("g1", &["u1"]), add("g2", &["u1"])])
        .await;
    assert!(mixed.changed);
    assert_eq!(
        (mixed.version, mixed.modified),
        (done.version, done.modified)
    );
}

/// Group and members must be there, and be what they are said to be.
pub async fn members_are_checked(store: Arc<dyn Store>) {
    let stage = peopled(store).await;
    stage.done(vec![add("g1", &["u1"])]).await;
    let missing = |id: &str| Rejected::Missing { id: id.into() };
    assert_eq!(stage.refused(vec![add("g9", &["u1"])]).await, missing("g9"));
    assert_eq!(stage.refused(vec![add("u1", &["u2"])]).await, missing("u1"));
    let unknown = Rejected::NoSuchMember { id: "u9".into() };
    assert_eq!(stage.refused(vec![add("g1", &["u2", "u9"])]).await, unknown);
    let claimed = |id: &str, claimed: &str| {
        let member = NewMember {
            id: id.into(),
            claimed_type: Some(claimed.into()),
            display: None,
        };
        Change::Members(Members {
            add: vec![member],
            ..members("g1")
        })
    };
    for (id, claim, actual) in [
        ("u2", "Group", "User"),
        ("g2", "User", "Group"),
        ("u1", "Group", "User"),
        ("u2", "user", "User"),
    ] {
        let refused = stage.refused(vec![claimed(id, claim)]).await;
        let (id, actual) = (id.into(), actual.into());
        assert_eq!(refused, Rejected::MemberType { id, actual });
    }
    stage
        .done(vec![claimed("u2", "User"), claimed("g2", "Group")])
        .await;
    assert_eq!(stage.member_ids("g1").await, ["u1", "u2", "g2"]);
    stage.clean().await;
}

/// No group contains itself, by however many steps; what is removed first does not count.
pub async fn groups_do_not_contain_themselves(store: Arc<dyn Store>) {
    let stage = peopled(store).await;
    let cycle = |id: &str| Rejected::Cycle { id: id.into() };
    assert_eq!(stage.refused(vec![add("g1", &["g1"])]).await, cycle("g1"));
    stage.done(vec![add("g1", &["g2"])]).await;
    assert_eq!(
        stage.refused(vec![add("g2", &["u1", "g1"])]).await,
        cycle("g1")
    );
    stage.done(vec![add("g2", &["g3"])]).await;
    assert_eq!(stage.refused(vec![add("g3", &["g1"])]).await, cycle("g1"));
    let in_one_set = vec![add("g3", &["g4"]), add("g4", &["g2"])];
    assert_eq!(stage.refused(in_one_set).await, cycle("g2"));
    // Two ways to one group are no cycle.
    stage.done(vec![add("g1", &["g3"])]).await;
    // Turned round: g3 over g2, once g2 has let go.
    stage
        .done(vec![remove("g2", &["g3"]), add("g3", &["g2"])])
        .await;
    assert_eq!(stage.refused(vec![add("g2", &["g1"])]).await, cycle("g1"));
    let kept = Change::Members(Members {
        clear: true,
        add: news(&["g3"]),
        ..members("g2")
    });
    assert_eq!(stage.refused(vec![kept]).await, cycle("g3"));
    stage.clean().await;
}

/// A user's groups are its own first, then those above them; each once.
pub async fn groups_of_a_user_are_direct_or_indirect(store: Arc<dyn Store>) {
    let stage = peopled(store).await;
    // g1 holds g2 and g3, which both hold g4; u1 is in g4 and in g1, u2 in g4.
    stage
        .done(vec![
            add("g1", &["g2", "g3", "u1"]),
            add("g2", &["g4"]),
            add("g3", &["g4"]),
            add("g4", &["u1", "u2"]),
        ])
        .await;
    assert_eq!(
        sorted(&stage, "u1").await,
        [("g1", true), ("g4", true), ("g2", false), ("g3", false)]
    );
    assert_eq!(
        sorted(&stage, "u2").await,
        [("g4", true), ("g1", false), ("g2", false), ("g3", false)]
    );
    assert_eq!(sorted(&stage, "u3").await, []);
    let groups = stage.found("User", "u2").await.unwrap().groups.unwrap();
    let first = GroupRef {
        id: "g4".into(),
        display: "Group 4".into(),
        direct: true,
    };
    assert_eq!(groups[0], first);
    let version = stage.version(&user("u1", "user1")).await;
    stage
        .done(vec![remove("g1", &["u1"]), remove("g2", &["g4"])])
        .await;
    assert_eq!(
        sorted(&stage, "u1").await,
        [("g4", true), ("g1", false), ("g3", false)]
    );
    assert_eq!(stage.version(&user("u1", "user1")).await, version);
    stage.done(vec![remove("g3", &["g4"])]).await;
    assert_eq!(sorted(&stage, "u1").await, [("g4", true)]);
}

/// The user's groups, direct ones first as the store must give them, then by id.
async fn sorted(stage: &Stage, user: &str) -> Vec<(&'static str, bool)> {
    let groups = stage.group_ids(user).await;
    assert!(groups.is_sorted_by_key(|(_, direct)| !direct), "{groups:?}");
    let known = ["g1", "g2", "g3", "g4"];
    let name = |id: &str| known.into_iter().find(|it| *it == id).unwrap();
    let mut groups: Vec<_> = groups
        .iter()
        .map(|(id, direct)| (name(id), *direct))
        .collect();
    groups.sort_by_key(|(id, direct)| (!direct, *id));
    groups
}

/// Members are read up to the limit and one more, which tells that there are more.
pub async fn members_are_read_up_to_a_limit(store: Arc<dyn Store>) {
    let stage = peopled(store).await;
    stage.done(vec![add("g1", &["u4", "u2", "u3"])]).await;
    for (limit, seen) in [(0, 1), (1, 2), (2, 3), (3, 3), (9, 3)] {
        let want = Want {
            members: Some(limit),
            ..WHOLE
        };
        let read = stage.store.read(stage.partition, "Group", "g1", want).await;
        let members = read.unwrap().unwrap().members.unwrap();
        let ids: Vec<_> = members.into_iter().map(|it| it.id).collect();
        assert_eq!(ids, ["u2", "u3", "u4"][..seen], "limit {limit}");
    }
}

/// A change of members may name the version it was computed from.
pub async fn members_may_expect_a_version(store: Arc<dyn Store>) {
    let stage = peopled(store).await;
    let first = stage.done(vec![add("g1", &["u1"])]).await.version;
    let expecting = |version: Version, ids: &[&str]| {
        vec![Change::Members(Members {
            expect: Some(version),
            add: news(ids),
            ..members("g1")
        })]
    };
    let second = stage.done(expecting(first, &["u2"])).await.version;
    let outdated = Rejected::Stale { id: "g1".into() };
    assert_eq!(stage.refused(expecting(first, &["u3"])).await, outdated);
    // Also where nothing would change.
    assert_eq!(stage.refused(expecting(first, &["u2"])).await, outdated);
    stage.done(expecting(second, &["u3"])).await;
    assert_eq!(stage.member_ids("g1").await, ["u1", "u2", "u3"]);
}

/// A member without a name shows as the client called it when it was added.
pub async fn members_keep_the_label_they_came_with(store: Arc<dyn Store>) {
    let stage = peopled(store).await;
    let labelled = |label: &str| {
        let member = NewMember {
            id: "u1".into(),
            claimed_type: None,
            display: Some(label.into()),
        };
        Change::Members(Members {
            add: vec![member],
            ..members("g1")
        })
    };
    stage.done(vec![labelled("Annie")]).await;
    stage.done(vec![labelled("Nan"), add("g2", &["u1"])]).await;
    let shown = async |group: &str| {
        let found = stage.found("Group", group).await.unwrap();
        found.members.unwrap()[0].display.clone()
    };
    assert_eq!(
        (shown("g1").await, shown("g2").await),
        ("Annie".into(), String::new())
    );
    let annie = r#"members.display eq "annie""#;
    assert_eq!(stage.select("Group", annie).await, ["g1"]);
    let named = user("u1", "user1").with("displayName", "Ann");
    stage.replace(&user("u1", "user1"), &named).await;
    assert_eq!(
        (shown("g1").await, shown("g2").await),
        ("Ann".into(), "Ann".into())
    );
    assert_eq!(stage.select("Group", annie).await, Vec::<String>::new());
    stage.replace(&named, &user("u1", "user1")).await;
    stage
        .done(vec![remove("g1", &["u1"]), add("g1", &["u1"])])
        .await;
    assert_eq!(shown("g1").await, "");
    stage.clean().await;
}

/// Members and groups show under the name they have now.
pub async fn displays_follow_the_resource(store: Arc<dyn Store>) {
    let stage = peopled(store).await;
    stage.done(vec![add("g1", &["u1"])]).await;
    let version = stage.version(&group("g1", "Group 1")).await;
    let named = user("u1", "user1").with("displayName", "Ann");
    stage.replace(&user("u1", "user1"), &named).await;
    let found = stage.found("Group", "g1").await.unwrap();
    assert_eq!(found.members.unwrap()[0].display, "Ann");
    assert_eq!(found.record.version, version);
    stage
        .replace(&group("g1", "Group 1"), &group("g1", "Crew"))
        .await;
    let found = stage.found("User", "u1").await.unwrap();
    assert_eq!(found.groups.unwrap()[0].display, "Crew");
    assert_eq!(stage.member_ids("g1").await, ["u1"]);
    assert_eq!(
        stage.select("User", r#"groups.display eq "crew""#).await,
        ["u1"]
    );
    assert_eq!(
        stage.select("User", r#"groups.display eq "group 1""#).await,
        Vec::<String>::new()
    );
    stage.clean().await;
}
