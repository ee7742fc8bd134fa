//! Definitions that change while resources are there, and indexes that are built.

use std::sync::Arc;

use civitas_scim::{
    definition::{Claim, ExtensionUse, Place, TypeDefinition},
    filter::{Filter, Limits},
    index,
    schema::{Attribute, Index, Schema, Type, urn::USER as USER_SCHEMA},
    tolerance::Tolerance,
};
use serde_json::{Value, json};

use super::stage::{ALL, Resource, Stage, add, group, ids, query, user};
use crate::{
    catalogue::{Build, Catalogue, Defined, Definitions},
    change::{Change, ChangeSet, Committed, Create, Delete, Rejected, Replace},
    record::{Timestamp, Version},
    redefinition::{IndexOf, Redefinition, Refused, TypeClaim},
    store::{Selection, Store},
    tenant::Tenant,
};

const BADGE: &str = "urn:example:scim:schemas:extension:2.0:Badge";
const DEVICE: &str = "urn:example:scim:schemas:2.0:Device";

fn defined<T>(value: T, version: i64) -> Defined<T> {
    Defined {
        value,
        created: Timestamp(1),
        modified: Timestamp(2),
        version: Version(version),
    }
}

/// Users with a badge that has a code and a level, the code indexed or not.
fn badges(index: Index) -> Definitions {
    let attribute = |name: &str, r#type, index| Attribute {
        name: name.into(),
        r#type,
        index,
        ..Attribute::default()
    };
    let badge = Schema {
        id: BADGE.into(),
        name: "Badge".into(),
        description: String::new(),
        attributes: vec![
            attribute("code", Type::String, index),
            attribute("level", Type::Integer, Index::None),
        ],
    };
    let standard = Catalogue::standard();
    let mut users = TypeDefinition::of(standard.resource_type("User").unwrap());
    users.extensions.push(ExtensionUse {
        schema: BADGE.into(),
        required: false,
    });
    Definitions {
        schemas: vec![defined(badge, 1)],
        types: vec![defined(users, 1)],
        ..Definitions::default()
    }
}

fn redefinition(expect: i64, definitions: Definitions) -> Redefinition {
    Redefinition {
        expect: Version(expect),
        definitions,
        claims: vec![],
        indexes: vec![],
        dropped: vec![],
    }
}

fn code() -> IndexOf {
    IndexOf {
        resource_type: "User".into(),
        path: format!("{BADGE}:code"),
    }
}

fn place(attribute: &str) -> Place {
    Place {
        extension: Some(BADGE.into()),
        attribute: Some(attribute.into()),
        sub_attribute: None,
    }
}

/// A user with a badge.
fn with_badge(id: &str, badge: Value) -> Resource {
    user(id, id).with(BADGE, badge)
}

/// The creation of a resource by a catalogue, which says what is indexed.
fn creation(catalogue: &Catalogue, resource: &Resource) -> Change {
    let own = catalogue.resource_type(resource.resource_type).unwrap();
    Change::Create(Create {
        index: index::entries(&resource.attributes, own),
        ..resource.create()
    })
}

async fn commit(
    stage: &Stage,
    catalogue: Version,
    changes: Vec<Change>,
) -> Result<Committed, Rejected> {
    let set = ChangeSet {
        catalogue,
        ..stage.set(changes)
    };
    stage.store.commit(stage.partition, set).await
}

async fn redefine(stage: &Stage, asked: Redefinition) -> Result<(), Refused> {
    stage.store.redefine(stage.partition, asked).await
}

async fn catalogue(stage: &Stage) -> Arc<Catalogue> {
    stage.store.catalogue(stage.partition).await.unwrap()
}

/// The ids of the users that a filter selects by the catalogue.
async fn found(stage: &Stage, catalogue: &Catalogue, filter: &str) -> Vec<String> {
    let users = catalogue.resource_type("User").unwrap();
    let filter = Filter::parse(filter, &Limits::default()).unwrap();
    let selection = Selection {
        resource_type: "User".into(),
        condition: Some(filter.resolve(users, &[], &Tolerance::generic()).unwrap()),
        sort: None,
    };
    ids(&stage.search(query(vec![selection], ALL)).await.items)
}

/// Definitions are read as they were written, and a partition has its own.
pub async fn definitions_are_kept_by_partition(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let other = stage.beside("other").await;
    assert_eq!(catalogue(&stage).await, Catalogue::standard());
    let mut definitions = badges(Index::Complete);
    let title = defined(vec!["title".to_owned()], 1);
    definitions.indexes.insert(USER_SCHEMA.into(), title);
    let asked = redefinition(0, definitions.clone());
    assert_eq!(redefine(&stage, asked.clone()).await, Ok(()));
    let now = catalogue(&stage).await;
    assert_eq!(now.version(), Version(1));
    assert_eq!(*now.definitions(), definitions);
    let served = |tenants: &[Tenant], partition| {
        let mut tenants = tenants.iter().filter(|it| it.partition == partition);
        tenants.next().unwrap().catalogue.clone()
    };
    let tenants = stage.store.tenants().await.unwrap();
    assert_eq!(served(&tenants, stage.partition), now);
    assert_eq!(served(&tenants, other.partition), Catalogue::standard());
    assert_eq!(redefine(&stage, asked).await, Err(Refused::Outdated));
    assert_eq!(catalogue(&stage).await, now);
    assert_eq!(catalogue(&other).await, Catalogue::standard());
}

/// A change set that was computed by other definitions than those in force is refused; in
/// other partitions it is not.
pub async fn change_sets_name_their_catalogue(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let other = stage.beside("other").await;
    stage.create(&[&user("u1", "u1")]).await;
    redefine(&stage, redefinition(0, badges(Index::None)))
        .await
        .unwrap();
    let change = || vec![Change::Create(user("u2", "u2").create())];
    assert_eq!(stage.refused(change()).await, Rejected::Outdated);
    let refused = commit(&stage, Version(2), change()).await;
    assert_eq!(refused, Err(Rejected::Outdated));
    commit(&stage, Version(1), change()).await.unwrap();
    other.create(&[&user("u3", "u3")]).await;
    stage.clean().await;
}

/// A redefinition is refused by a claim that a resource contradicts, and changes nothing.
pub async fn claims_hold_of_all_resources(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    redefine(&stage, redefinition(0, badges(Index::Complete)))
        .await
        .unwrap();
    let before = catalogue(&stage).await;
    for (id, badge) in [
        ("u1", json!({ "code": "Same", "level": 1 })),
        ("u2", json!({ "code": "same" })),
        ("u3", json!({ "code": "other" })),
    ] {
        let change = creation(&before, &with_badge(id, badge));
        commit(&stage, Version(1), vec![change]).await.unwrap();
    }
    let whole = || Place {
        extension: Some(BADGE.into()),
        ..Place::default()
    };
    let mut version = 1;
    for (claim, broken_by) in [
        (Claim::Empty, &["u1", "u2", "u3"][..]),
        (Claim::Unused(whole()), &["u1", "u2", "u3"]),
        (Claim::Unused(place("code")), &["u1", "u2", "u3"]),
        (Claim::Unused(place("level")), &["u1"]),
        (Claim::Unused(place("other")), &[]),
        (Claim::Held(whole()), &[]),
        (Claim::Held(place("code")), &[]),
        (Claim::Held(place("level")), &["u2", "u3"]),
        (Claim::Distinct { path: code().path }, &["u1", "u2"]),
        (
            Claim::Distinct {
                path: "userName".into(),
            },
            &[],
        ),
    ] {
        let of = |resource_type: &str, claim| TypeClaim {
            resource_type: resource_type.into(),
            claim,
        };
        let mut asked = redefinition(version, badges(Index::Complete));
        asked.claims = vec![of("Group", Claim::Empty), of("User", claim.clone())];
        match redefine(&stage, asked).await {
            Ok(()) => {
                assert!(broken_by.is_empty(), "{claim:?}");
                version += 1;
            }
            Err(Refused::Broken { claim: 1, id }) => {
                assert!(broken_by.contains(&id.as_str()), "{claim:?}: {id}");
            }
            other => panic!("{claim:?}: {other:?}"),
        }
        assert_eq!(
            catalogue(&stage).await.version(),
            Version(version),
            "{claim:?}"
        );
    }
    stage.clean().await;
}

/// An index over what is there answers nothing until it is complete, and is right then: also
/// of what was written, changed and deleted while it was built.
pub async fn an_index_is_built_over_what_is_there(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    redefine(&stage, redefinition(0, badges(Index::None)))
        .await
        .unwrap();
    let plain = catalogue(&stage).await;
    let badge = |number: usize| {
        with_badge(
            &format!("u{number}"),
            json!({ "code": format!("c{number}") }),
        )
    };
    for number in 0..6 {
        let change = creation(&plain, &badge(number));
        commit(&stage, Version(1), vec![change]).await.unwrap();
    }
    let mut asked = redefinition(1, badges(Index::Complete));
    asked.indexes = vec![code()];
    redefine(&stage, asked).await.unwrap();
    let building = catalogue(&stage).await;
    let build = Build {
        resource_type: "User".into(),
        path: code().path,
        examined: 0,
        total: 6,
    };
    assert_eq!(building.builds(), [build]);
    stage.clean().await;

    let users = building.resource_type("User").unwrap();
    commit(&stage, Version(2), vec![creation(&building, &badge(6))])
        .await
        .unwrap();
    let (old, new) = (badge(1), badge(1).with(BADGE, json!({ "code": "new" })));
    let entries = |it: &Resource| index::entries(&it.attributes, users);
    let (index_removed, index_added) = index::difference(&entries(&old), &entries(&new));
    let replace = Replace {
        index_removed,
        index_added,
        ..new.replace(&old, stage.version(&old).await)
    };
    commit(&stage, Version(2), vec![Change::Replace(replace)])
        .await
        .unwrap();
    let gone = Delete {
        index: entries(&badge(2)),
        ..badge(2).delete(stage.version(&badge(2)).await)
    };
    commit(&stage, Version(2), vec![Change::Delete(gone)])
        .await
        .unwrap();
    let answers = [
        (format!("{BADGE}:code eq \"C0\""), vec!["u0"]),
        (format!("{BADGE}:code eq \"c1\""), vec![]),
        (format!("{BADGE}:code eq \"new\""), vec!["u1"]),
        (
            format!("{BADGE}:code pr"),
            vec!["u0", "u1", "u3", "u4", "u5", "u6"],
        ),
    ];
    for (filter, expected) in &answers {
        assert_eq!(
            found(&stage, &building, filter).await,
            *expected,
            "{filter}"
        );
    }
    stage.clean().await;

    let mut steps = 0;
    while !stage
        .store
        .build_index(stage.partition, users, &code().path)
        .await
        .unwrap()
    {
        steps += 1;
        assert!(steps < 100, "it ends");
    }
    let complete = catalogue(&stage).await;
    assert_eq!(complete.builds(), []);
    assert_eq!(complete.version(), Version(2), "no definition has changed");
    for (filter, expected) in &answers {
        assert_eq!(
            found(&stage, &complete, filter).await,
            *expected,
            "{filter}"
        );
    }
    stage.clean().await;
    let again = stage
        .store
        .build_index(stage.partition, users, &code().path)
        .await;
    assert_eq!(again, Ok(true));
}

/// Groups have users and groups as members, whatever other types a partition has.
pub async fn members_are_users_and_groups(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let device = Schema {
        id: DEVICE.into(),
        name: "Device".into(),
        description: String::new(),
        attributes: vec![],
    };
    let devices = TypeDefinition {
        name: "Device".into(),
        endpoint: "/Devices".into(),
        description: String::new(),
        schema: DEVICE.into(),
        extensions: vec![],
    };
    let definitions = Definitions {
        schemas: vec![defined(device, 1)],
        types: vec![defined(devices, 1)],
        ..Definitions::default()
    };
    redefine(&stage, redefinition(0, definitions))
        .await
        .unwrap();
    let lamp = Change::Create(Create {
        resource_type: "Device".into(),
        index: vec![],
        unique: vec![],
        ..user("lamp", "lamp").create()
    });
    let team = Change::Create(group("team", "Team").create());
    commit(&stage, Version(1), vec![lamp, team]).await.unwrap();
    let refused = commit(&stage, Version(1), vec![add("team", &["lamp"])]).await;
    let expected = Rejected::MemberType {
        id: "lamp".into(),
        actual: "Device".into(),
    };
    assert_eq!(refused, Err(expected));
    assert_eq!(stage.member_ids("team").await, Vec::<String>::new());
    stage.clean().await;
}

/// A snapshot keeps the definitions and indexes it was taken with, half-built ones too.
pub async fn snapshots_keep_definitions(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let (store, partition) = (&stage.store, stage.partition);
    redefine(&stage, redefinition(0, badges(Index::None)))
        .await
        .unwrap();
    let plain = catalogue(&stage).await;
    let badge = with_badge("u1", json!({ "code": "A" }));
    commit(&stage, Version(1), vec![creation(&plain, &badge)])
        .await
        .unwrap();
    store
        .take_snapshot(partition, "plain", Timestamp(1))
        .await
        .unwrap();
    let mut asked = redefinition(1, badges(Index::Complete));
    asked.indexes = vec![code()];
    redefine(&stage, asked).await.unwrap();
    let building = catalogue(&stage).await;
    store
        .take_snapshot(partition, "building", Timestamp(2))
        .await
        .unwrap();
    let users = building.resource_type("User").unwrap();
    let mut steps = 0;
    while !store
        .build_index(partition, users, &code().path)
        .await
        .unwrap()
    {
        steps += 1;
        assert!(steps < 100, "it ends");
    }
    stage.clean().await;
    let filter = format!("{BADGE}:code eq \"a\"");
    let standard = Catalogue::standard();
    for (snapshot, expected) in [
        (Some("plain"), &plain),
        (Some("building"), &building),
        (Some("plain"), &plain),
        (None, &standard),
    ] {
        let reset = store.reset(partition, snapshot).await.unwrap();
        let now = store.catalogue(reset).await.unwrap();
        assert_eq!(now, *expected, "{snapshot:?}");
        if snapshot.is_some() {
            assert_eq!(found(&stage, &now, &filter).await, ["u1"], "{snapshot:?}");
        }
        stage.clean().await;
    }
}
