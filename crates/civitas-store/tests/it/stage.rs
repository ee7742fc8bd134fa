//! A store with a tenant, and short ways to fill it.

use std::sync::atomic::{AtomicU64, Ordering};

use civitas_directory::{
    change::{Change, ChangeSet, Committed, Create, Delete, Members, NewMember, Rejected, Unique},
    record::{Found, Timestamp},
    store::{FoundPage, Page, Query, ReadError, Selection, Store, Want},
    tenant::Partition,
};
use civitas_scim::{
    Attributes,
    condition::{Condition, Sort},
    core,
    filter::{Filter, Limits},
    index,
    schema::ResourceType,
    tolerance::Tolerance,
};
use civitas_store::{PostgresStore, SqliteStore};
use serde_json::{Value, json};

/// A store that can be had anew, and how many random scripts it is worth.
pub(crate) trait Fresh: Store + Sized {
    const SEEDS: u64;

    async fn fresh() -> Self;
}

impl Fresh for SqliteStore {
    const SEEDS: u64 = 4;

    async fn fresh() -> Self {
        Self::temporary().unwrap()
    }
}

impl Fresh for PostgresStore {
    const SEEDS: u64 = 1;

    async fn fresh() -> Self {
        crate::postgres::store().await
    }
}

pub(crate) struct Stage<S = SqliteStore> {
    pub(crate) store: S,
    pub(crate) partition: Partition,
    clock: AtomicU64,
}

pub(crate) fn resource_type(name: &str) -> ResourceType {
    match name {
        "User" => core::user(),
        "Group" => core::group(),
        other => panic!("no type {other}"),
    }
}

pub(crate) fn condition(resource_type: &str, filter: &str) -> Condition {
    Filter::parse(filter, &Limits::default())
        .unwrap()
        .resolve(
            &self::resource_type(resource_type),
            &[],
            &Tolerance::generic(),
        )
        .unwrap()
}

pub(crate) fn sort(resource_type: &str, path: &str, descending: bool) -> Sort {
    Sort::resolve(path, descending, &self::resource_type(resource_type)).unwrap()
}

pub(crate) fn index_page(offset: u64, count: usize) -> Page {
    Page::Index { offset, count }
}

impl<S: Fresh> Stage<S> {
    pub(crate) async fn new() -> Self {
        Self::of(S::fresh().await).await
    }
}

impl<S: Store> Stage<S> {
    pub(crate) async fn of(store: S) -> Self {
        let tenants = store.tenants().await.unwrap();
        let tenant = match tenants.into_iter().next() {
            Some(tenant) => tenant,
            None => store.create_tenant("default", &[]).await.unwrap(),
        };
        Self {
            store,
            partition: tenant.partition,
            clock: AtomicU64::new(1_000),
        }
    }

    pub(crate) fn set(&self, changes: Vec<Change>) -> ChangeSet {
        ChangeSet {
            catalogue: civitas_directory::Version(0),
            at: Timestamp(self.clock.fetch_add(1, Ordering::Relaxed).cast_signed()),
            actor: "client:test".into(),
            request_id: "request".into(),
            changes,
        }
    }

    pub(crate) async fn commit(&self, changes: Vec<Change>) -> Result<Committed, Rejected> {
        self.store.commit(self.partition, self.set(changes)).await
    }

    pub(crate) async fn create(&self, resource_type: &str, resource: Value) -> Committed {
        self.commit(vec![create(resource_type, resource)])
            .await
            .unwrap()
    }

    pub(crate) async fn user(&self, id: &str) -> Committed {
        self.create("User", json!({ "id": id, "userName": id }))
            .await
    }

    pub(crate) async fn group(&self, id: &str, members: &[&str]) -> Committed {
        self.create("Group", json!({ "id": id, "displayName": id }))
            .await;
        self.add(id, members).await.unwrap()
    }

    pub(crate) async fn add(&self, group: &str, members: &[&str]) -> Result<Committed, Rejected> {
        self.commit(vec![add(group, members)]).await
    }

    pub(crate) async fn delete(&self, resource_type: &str, id: &str) {
        let found = self.read(resource_type, id).await.unwrap();
        let delete = Delete {
            resource_type: resource_type.into(),
            id: id.into(),
            expect: found.record.version,
            index: index::entries(
                &found.record.attributes(),
                &self::resource_type(resource_type),
            ),
        };
        self.commit(vec![Change::Delete(delete)]).await.unwrap();
    }

    pub(crate) async fn read(&self, resource_type: &str, id: &str) -> Option<Found> {
        let want = Want {
            groups: resource_type == "User",
            members: (resource_type == "Group").then_some(1_000),
        };
        let found = self
            .store
            .read(self.partition, resource_type, id, want)
            .await;
        found.unwrap()
    }

    pub(crate) async fn search(
        &self,
        resource_type: &str,
        condition: Option<Condition>,
        sort: Option<Sort>,
        page: Page,
    ) -> Result<FoundPage, ReadError> {
        let query = Query {
            selections: vec![Selection {
                resource_type: resource_type.into(),
                condition,
                sort,
            }],
            page,
            want: Want::default(),
            max_examined: 10_000,
            counted: true,
        };
        self.store.search(self.partition, query).await
    }

    pub(crate) async fn verify(&self) {
        let findings = self.store.verify().await.unwrap();
        assert!(findings.is_empty(), "{findings:#?}");
    }
}

pub(crate) fn create(resource_type: &str, resource: Value) -> Change {
    let Value::Object(resource) = resource else {
        panic!("a resource is an object")
    };
    let text = |name: &str| resource.get(name).and_then(Value::as_str);
    let index = index::entries(&resource, &self::resource_type(resource_type));
    let unique = index.iter().filter(|entry| entry.path == "userName");
    Change::Create(Create {
        resource_type: resource_type.into(),
        id: text("id").unwrap().into(),
        document: document(&resource),
        display: text("displayName")
            .or(text("userName"))
            .unwrap_or_default()
            .into(),
        unique: unique
            .map(|entry| Unique {
                path: entry.path.clone(),
                key: entry.key.clone(),
            })
            .collect(),
        index,
    })
}

fn document(resource: &Attributes) -> String {
    serde_json::to_string(resource).unwrap()
}

pub(crate) fn add(group: &str, members: &[&str]) -> Change {
    let member = |id: &&str| NewMember {
        id: (*id).into(),
        claimed_type: None,
        display: None,
    };
    Change::Members(Members {
        group: group.into(),
        expect: None,
        clear: false,
        remove: Vec::new(),
        add: members.iter().map(member).collect(),
    })
}

pub(crate) fn ids(page: &FoundPage) -> Vec<&str> {
    page.items
        .iter()
        .map(|found| found.record.id.as_str())
        .collect()
}
