//! One resource: created, read, replaced, deleted, and the events of it.

use std::sync::Arc;

use super::stage::{BARE, Resource, START, Stage, add, group, members, user};
use crate::{
    change::{Change, Create, Delete, Members, Rejected, Replace, Touch, Unique},
    record::{Record, Timestamp, Version},
    store::{EventKind, Referent, Store},
};

/// What a first version is replaced by, where the content does not matter.
fn changed(resource: &Resource) -> Resource {
    resource.clone().with("title", "Changed")
}

fn stale(resource: &Resource) -> Rejected {
    Rejected::Stale {
        id: resource.id().into(),
    }
}

fn missing(id: &str) -> Rejected {
    Rejected::Missing { id: id.into() }
}

fn taken(path: &str) -> Rejected {
    Rejected::Taken { path: path.into() }
}

/// A created resource reads as it was given, with version and times of its commit.
pub async fn create_then_read(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let ann = user("u1", "ann").with("displayName", "Änn\u{1F600}\"\\ Arbor");
    let committed = stage.done(vec![Change::Create(ann.create())]).await;
    assert!(committed.changed);
    assert_eq!(committed.modified, Timestamp(START));
    let found = stage.found("User", "u1").await.unwrap();
    assert_eq!(
        found.record,
        Record {
            resource_type: "User".into(),
            id: "u1".into(),
            position: committed.position,
            version: committed.version,
            created: Timestamp(START),
            modified: Timestamp(START),
            document: ann.document(),
        }
    );
    assert_eq!(found.groups, Some(vec![]));
    let read = stage.store.read(stage.partition, "User", "u1", BARE).await;
    let bare = read.unwrap().unwrap();
    assert_eq!((bare.groups, bare.members), (None, None));
    assert_eq!(stage.found("User", "u2").await, None);
    stage.clean().await;
}

/// The same `id` and `userName` live in two tenants, each unknown to the other.
pub async fn tenants_do_see_nothing_of_each_other(store: Arc<dyn Store>) {
    let here = Stage::new(store).await;
    let there = here.beside("umbra").await;
    let ann = user("u1", "ann").with("title", "here");
    here.create(&[&ann, &user("u2", "bob"), &group("g1", "Staff")])
        .await;
    here.done(vec![add("g1", &["u1", "u2"])]).await;
    assert_eq!(there.found("User", "u1").await, None);
    assert!(there.dump().await.resources.is_empty());
    assert!(there.events().await.is_empty());
    assert_eq!(referents(&there, &["u1"]).await, [None]);

    let other = user("u1", "ann").with("title", "there");
    there.create(&[&other, &group("g1", "Staff")]).await;
    let refused = there.refused(vec![add("g1", &["u2"])]).await;
    assert_eq!(refused, Rejected::NoSuchMember { id: "u2".into() });
    assert_eq!(there.group_ids("u1").await, []);
    assert_eq!(
        there.select("User", r#"title eq "here""#).await,
        Vec::<String>::new()
    );

    let before = here.dump().await;
    there.delete(&other).await;
    assert_eq!(here.dump().await, before);
    let refused = there
        .refused(vec![Change::Delete(ann.delete(Version(1)))])
        .await;
    assert_eq!(refused, missing("u1"));
    here.clean().await;
}

/// A read names the type; a resource of another type is none. So with changes.
pub async fn read_by_another_type_finds_nothing(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let ann = user("u1", "ann");
    stage.create(&[&ann, &group("g1", "Staff")]).await;
    assert_eq!(stage.found("Group", "u1").await, None);
    assert_eq!(stage.found("User", "g1").await, None);
    let version = stage.version(&ann).await;
    let replace = Replace {
        resource_type: "Group".into(),
        ..changed(&ann).replace(&ann, version)
    };
    assert_eq!(
        stage.refused(vec![Change::Replace(replace)]).await,
        missing("u1")
    );
    let delete = Delete {
        resource_type: "Group".into(),
        ..ann.delete(version)
    };
    assert_eq!(
        stage.refused(vec![Change::Delete(delete)]).await,
        missing("u1")
    );
}

async fn referents(stage: &Stage, ids: &[&str]) -> Vec<Option<Referent>> {
    let ids: Vec<String> = ids.iter().map(|id| (*id).into()).collect();
    let referents = stage.store.referents(stage.partition, &ids);
    referents.await.unwrap()
}

/// Ids are looked up whatever they belong to; unknown ones and repeated ones keep their place.
pub async fn referents_of_any_type_in_the_order_asked(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let ann = user("u1", "ann").with("displayName", "Ann");
    stage
        .create(&[&ann, &user("u2", "bob"), &group("g1", "Staff")])
        .await;
    let referent = |id: &str, resource_type: &str, display: &str| {
        Some(Referent {
            id: id.into(),
            resource_type: resource_type.into(),
            display: display.into(),
        })
    };
    assert_eq!(
        referents(&stage, &["g1", "u0", "u2", "u1", "g1"]).await,
        [
            referent("g1", "Group", "Staff"),
            None,
            referent("u2", "User", ""),
            referent("u1", "User", "Ann"),
            referent("g1", "Group", "Staff"),
        ]
    );
    assert_eq!(referents(&stage, &[]).await, []);
}

/// An `id` in use is refused to any type, and free again once its resource is deleted.
pub async fn an_id_is_created_once(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let ann = user("u1", "ann");
    stage.create(&[&ann]).await;
    let exists = Rejected::Exists { id: "u1".into() };
    for again in [user("u1", "bob"), user("u1", "ann"), group("u1", "Staff")] {
        let refused = stage.refused(vec![Change::Create(again.create())]).await;
        assert_eq!(refused, exists, "{again:?}");
    }
    let twice = vec![
        Change::Create(user("u2", "bob").create()),
        Change::Create(user("u2", "cid").create()),
    ];
    assert_eq!(
        stage.refused(twice).await,
        Rejected::Exists { id: "u2".into() }
    );
    stage.delete(&ann).await;
    stage.create(&[&group("u1", "Staff")]).await;
    assert_eq!(stage.found("User", "u1").await, None);
    assert!(stage.found("Group", "u1").await.is_some());
    stage.clean().await;
}

/// A unique value belongs to one resource of the type, as compared and not as written.
pub async fn a_unique_value_is_held_once(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let (ann, bob) = (user("u1", "Ann"), user("u2", "bob"));
    stage.create(&[&ann, &bob]).await;
    for name in ["Ann", "ANN", "ａnn"] {
        let refused = stage
            .refused(vec![Change::Create(user("u3", name).create())])
            .await;
        assert_eq!(refused, taken("userName"), "{name}");
    }
    let renamed = user("u2", "aNN");
    let version = stage.version(&bob).await;
    let rename = Change::Replace(renamed.replace(&bob, version));
    assert_eq!(stage.refused(vec![rename]).await, taken("userName"));
    let pair = vec![
        Change::Create(user("u3", "cid").create()),
        Change::Create(user("u4", "CID").create()),
    ];
    assert_eq!(stage.refused(pair).await, taken("userName"));

    // Its own value is no obstacle, and what is given up is free, in the same set too.
    let respelled = user("u1", "ANN");
    let held = Replace {
        unique: respelled.unique(),
        ..respelled.replace(&ann, stage.version(&ann).await)
    };
    stage.done(vec![Change::Replace(held)]).await;
    let free = user("u1", "zoe");
    let version = stage.version(&ann).await;
    stage
        .done(vec![
            Change::Replace(free.replace(&respelled, version)),
            Change::Create(user("u5", "ann").create()),
        ])
        .await;
    stage.delete(&bob).await;
    stage.create(&[&user("u6", "BOB")]).await;
    let successor = user("u7", "zoe");
    let version = stage.version(&free).await;
    let handover = vec![
        Change::Delete(free.delete(version)),
        Change::Create(successor.create()),
    ];
    stage.done(handover).await;
    stage.clean().await;
    another_type_may_hold_it(&stage).await;
}

/// Uniqueness is among resources of one type.
async fn another_type_may_hold_it(stage: &Stage) {
    let named = user("u8", "dee").with("displayName", "Staff");
    stage.create(&[&named]).await;
    let staff = group("g1", "Staff");
    let entry = staff
        .index()
        .into_iter()
        .find(|it| it.path == "displayName");
    let unique = vec![Unique {
        path: "displayName".into(),
        key: entry.expect("displayName of groups is indexed").key,
    }];
    let create = |id: &str| {
        Change::Create(Create {
            unique: unique.clone(),
            ..group(id, "Staff").create()
        })
    };
    stage.done(vec![create("g1")]).await;
    assert_eq!(
        stage.refused(vec![create("g2")]).await,
        taken("displayName")
    );
}

/// A replace names the version that was read.
pub async fn replace_is_guarded(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let ann = user("u1", "ann");
    let first = stage.done(vec![Change::Create(ann.create())]).await.version;
    let new = changed(&ann);
    let ahead = Version(first.0 + 1);
    let early = vec![Change::Replace(new.replace(&ann, ahead))];
    assert_eq!(stage.refused(early).await, stale(&ann));
    let done = stage.replace(&ann, &new).await;
    assert!(done.changed);
    assert!(done.version > first);
    assert_eq!(done.modified, Timestamp(START + 2_000));
    let record = stage.found("User", "u1").await.unwrap().record;
    assert_eq!(record.document, new.document());
    assert_eq!(
        (record.version, record.modified),
        (done.version, done.modified)
    );
    assert_eq!(record.created, Timestamp(START));
    let late = vec![Change::Replace(ann.replace(&new, first))];
    assert_eq!(stage.refused(late).await, stale(&ann));
    let absent = user("u2", "bob");
    let nothing = vec![Change::Replace(changed(&absent).replace(&absent, first))];
    assert_eq!(stage.refused(nothing).await, missing("u2"));
}

/// After a replace the new values are found and the old ones are not.
pub async fn replace_makes_new_index_entries(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let email = |value: &str| serde_json::json!([{ "value": value, "type": "work" }]);
    let old = user("u1", "ann")
        .with("externalId", "e1")
        .with("displayName", "Ann")
        .with("emails", email("ann@x.org"));
    let new = user("u1", "Anna")
        .with("externalId", "E1")
        .with("title", "Boss")
        .with("emails", email("anna@x.org"));
    stage.create(&[&old]).await;
    stage.replace(&old, &new).await;
    for filter in [
        r#"userName eq "anna""#,
        r#"externalId eq "E1""#,
        r#"title eq "boss""#,
        r#"emails.value eq "anna@x.org""#,
        "not (displayName pr)",
    ] {
        assert_eq!(stage.select("User", filter).await, ["u1"], "{filter}");
    }
    for filter in [
        r#"userName eq "ann""#,
        r#"externalId eq "e1""#,
        r#"displayName eq "ann""#,
        r#"emails.value eq "ann@x.org""#,
        r#"emails[type eq "work" and value sw "ann@"]"#,
    ] {
        assert_eq!(
            stage.select("User", filter).await,
            Vec::<String>::new(),
            "{filter}"
        );
    }
    stage.clean().await;
    stage
        .replace(&new, &user("u1", "anna").with("title", "Boss"))
        .await;
    assert_eq!(
        stage.select("User", "emails pr").await,
        Vec::<String>::new()
    );
    assert_eq!(stage.select("User", r#"title co "oss""#).await, ["u1"]);
    stage.clean().await;
}

/// A delete names the version that was read; what is deleted is gone for every read.
pub async fn delete_is_guarded(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let ann = user("u1", "ann");
    stage.create(&[&ann, &user("u2", "bob")]).await;
    let first = stage.version(&ann).await;
    let new = changed(&ann);
    stage.replace(&ann, &new).await;
    let late = vec![Change::Delete(new.delete(first))];
    assert_eq!(stage.refused(late).await, stale(&ann));
    let last = stage.version(&new).await;
    let done = stage.delete(&new).await;
    assert!(done.changed && done.version > last);
    assert_eq!(stage.found("User", "u1").await, None);
    assert_eq!(
        stage.select("User", r#"userName eq "ann""#).await,
        Vec::<String>::new()
    );
    assert_eq!(stage.select("User", "userName pr").await, ["u2"]);
    let again = vec![Change::Delete(new.delete(last))];
    assert_eq!(stage.refused(again).await, missing("u1"));
    stage.clean().await;
}

/// A deleted member leaves its groups: these get a new version, no other group does.
pub async fn delete_leaves_groups(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let (ann, inner) = (user("u1", "ann"), group("g1", "Inner"));
    let (outer, other) = (group("g2", "Outer"), group("g3", "Other"));
    stage
        .create(&[&ann, &user("u2", "bob"), &inner, &outer, &other])
        .await;
    stage
        .done(vec![
            add("g1", &["u1", "u2"]),
            add("g2", &["g1"]),
            add("g3", &["u2"]),
        ])
        .await;
    let before = (stage.version(&outer).await, stage.version(&other).await);
    let seen = stage.events().await.last().unwrap().version;
    let done = stage.delete(&ann).await;
    assert_eq!(stage.member_ids("g1").await, ["u2"]);
    let record = stage.found("Group", "g1").await.unwrap().record;
    assert_eq!(record.modified, done.modified);
    assert!(record.version > seen);
    let after = (stage.version(&outer).await, stage.version(&other).await);
    assert_eq!(after, before);
    let mut news = events_after(&stage, seen).await;
    news.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(
        news,
        [
            (EventKind::Changed, "g1".into(), record.version),
            (EventKind::Deleted, "u1".into(), done.version),
        ]
    );
    stage.clean().await;
}

async fn events_after(stage: &Stage, seen: Version) -> Vec<(EventKind, String, Version)> {
    let events = stage.store.events(stage.partition, Some(seen), 100);
    let events = events.await.unwrap().into_iter();
    events.map(|it| (it.kind, it.id, it.version)).collect()
}

/// A deleted group leaves the groups it was in, and its members have it no more.
pub async fn a_deleted_group_takes_its_memberships(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let (ann, inner) = (user("u1", "ann"), group("g1", "Inner"));
    stage.create(&[&ann, &inner, &group("g2", "Outer")]).await;
    stage
        .done(vec![add("g1", &["u1"]), add("g2", &["g1"])])
        .await;
    let version = stage.version(&ann).await;
    let seen = stage.events().await.last().unwrap().version;
    let done = stage.delete(&inner).await;
    assert_eq!(stage.group_ids("u1").await, []);
    assert_eq!(stage.member_ids("g2").await, Vec::<String>::new());
    assert_eq!(stage.version(&ann).await, version);
    let record = stage.found("Group", "g2").await.unwrap().record;
    assert_eq!(record.modified, done.modified);
    let mut news = events_after(&stage, seen).await;
    news.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(
        news,
        [
            (EventKind::Deleted, "g1".into(), done.version),
            (EventKind::Changed, "g2".into(), record.version),
        ]
    );
    // A new group under the old id starts without members.
    stage.create(&[&inner]).await;
    assert_eq!(stage.member_ids("g1").await, Vec::<String>::new());
    assert_eq!(stage.group_ids("u1").await, []);
    stage.clean().await;
}

/// When one change is rejected, those before it leave no trace; later sets are not harmed.
pub async fn a_change_set_is_whole_or_nothing(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let (ann, bob) = (user("u1", "ann"), user("u2", "bob"));
    let staff = group("g1", "Staff");
    stage.create(&[&ann, &bob, &staff]).await;
    stage.done(vec![add("g1", &["u1"])]).await;
    let version = stage.version(&ann).await;
    let new = user("u1", "zoe").with("title", "Changed");
    let harmless = [
        Change::Create(user("u3", "cid").create()),
        Change::Replace(new.replace(&ann, version)),
        Change::Delete(ann.delete(version)),
        add("g1", &["u2"]),
        Change::Members(Members {
            clear: true,
            ..members("g1")
        }),
    ];
    for first in harmless {
        let bad = Change::Create(user("u4", "BOB").create());
        let refused = stage.refused(vec![first.clone(), bad]).await;
        assert_eq!(refused, taken("userName"), "after {first:?}");
        let bad = add("g1", &["u9"]);
        let refused = stage.refused(vec![first, bad]).await;
        assert_eq!(refused, Rejected::NoSuchMember { id: "u9".into() });
    }
    stage.create(&[&user("u3", "cid")]).await;
    stage.clean().await;
}

/// Several changes of one resource in one set all name the version that was read, and make
/// one new version and one event.
pub async fn changes_of_one_resource_make_one_version(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let (ann, staff) = (user("u1", "ann"), group("g1", "Staff"));
    let made = vec![
        Change::Create(ann.create()),
        Change::Create(staff.create()),
        add("g1", &["u1"]),
    ];
    let done = stage.done(made).await;
    assert_eq!(stage.version(&ann).await, done.version);
    let version = stage.version(&staff).await;
    let renamed = group("g1", "Crew");
    let both = vec![
        Change::Replace(renamed.replace(&staff, version)),
        Change::Members(Members {
            expect: Some(version),
            remove: vec!["u1".into()],
            ..members("g1")
        }),
        add("g1", &["u1"]),
    ];
    let done = stage.done(both).await;
    assert_eq!(stage.version(&staff).await, done.version);
    let kinds: Vec<_> = stage
        .events()
        .await
        .into_iter()
        .map(|it| (it.kind, it.id))
        .collect();
    assert_eq!(
        kinds,
        [
            (EventKind::Created, "u1".into()),
            (EventKind::Created, "g1".into()),
            (EventKind::Changed, "g1".into()),
        ]
    );
    stage.clean().await;
}

/// Versions rise over resources and tenants; each event tells who, when and by which request.
pub async fn versions_rise_and_events_follow(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let other = stage.beside("umbra").await;
    let (ann, bob) = (user("u1", "ann"), user("u2", "bob"));
    stage.create(&[&ann]).await;
    other.create(&[&user("u1", "ann")]).await;
    stage.create(&[&bob]).await;
    let new = changed(&ann);
    stage.replace(&ann, &new).await;
    stage.delete(&bob).await;
    let events = stage.events().await;
    let told: Vec<_> = events
        .iter()
        .map(|it| {
            (
                it.kind,
                it.resource_type.as_str(),
                it.id.as_str(),
                it.at.0 - START,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (EventKind::Created, "User", "u1", 0),
            (EventKind::Created, "User", "u2", 1_000),
            (EventKind::Changed, "User", "u1", 2_000),
            (EventKind::Deleted, "User", "u2", 3_000),
        ]
    );
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event.actor, "client:suite");
        assert_eq!(event.request_id, format!("request-{number}"));
    }
    assert!(events.is_sorted_by(|a, b| a.version < b.version));
    // What other tenants do leaves no gap.
    let first = Version(1);
    assert_eq!((events[0].version, events[3].version), (first, Version(4)));
    assert_eq!(other.events().await[0].version, first);
    for (seen, limit, expected) in [
        (None, 2, &events[..2]),
        (None, 0, &[]),
        (Some(events[0].version), 2, &events[1..3]),
        (Some(first), 100, &events[1..]),
        (Some(events[3].version), 100, &[]),
    ] {
        let read = stage.store.events(stage.partition, seen, limit).await;
        assert_eq!(read.unwrap(), expected, "after {seen:?}, {limit}");
    }
}

/// A resource gets a new version though nothing changes that it holds, once for a change set.
pub async fn a_touch_is_guarded(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let (one, other) = (user("u1", "one"), group("g1", "Group"));
    stage.create(&[&one]).await;
    stage.create(&[&other]).await;
    let touch = |resource_type: &str, id: &str, expect| {
        Change::Touch(Touch {
            resource_type: resource_type.into(),
            id: id.into(),
            expect,
        })
    };
    let before = stage.version(&one).await;
    let document = stage.found("User", "u1").await.unwrap().record.document;
    let done = stage.done(vec![touch("User", "u1", None)]).await;
    assert!(done.changed && done.version > before);
    let found = stage.found("User", "u1").await.unwrap().record;
    assert_eq!((found.version, found.document), (done.version, document));
    let twice = vec![
        touch("User", "u1", Some(done.version)),
        touch("Group", "g1", None),
        touch("User", "u1", None),
    ];
    let twice = stage.done(twice).await;
    assert_eq!(twice.version.0, done.version.0 + 1);
    assert_eq!(stage.version(&other).await.0, twice.version.0 + 1);
    assert_eq!(
        stage.refused(vec![touch("User", "u9", None)]).await,
        missing("u9")
    );
    assert_eq!(
        stage.refused(vec![touch("User", "g1", None)]).await,
        missing("g1")
    );
    let late = vec![
        touch("Group", "g1", None),
        touch("User", "u1", Some(before)),
    ];
    let kept = stage.version(&other).await;
    assert_eq!(
        stage.refused(late).await,
        Rejected::Stale { id: "u1".into() }
    );
    assert_eq!(stage.version(&other).await, kept, "whole or not at all");
    stage.clean().await;
}
