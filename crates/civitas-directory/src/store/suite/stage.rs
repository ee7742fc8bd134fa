//! What the cases are played on: a tenant, resources with their index entries, and queries.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicI64, Ordering},
};

use civitas_scim::{
    Attributes,
    condition::{Condition, Sort},
    core,
    filter::{Filter, Limits},
    index::{self, IndexEntry},
    schema::ResourceType,
    tolerance::Tolerance,
};
use serde_json::{Value, json};

use crate::{
    change::{
        Change, ChangeSet, Committed, Create, Delete, Difference, Members, NewMember, Rejected,
        Replace, Unique,
    },
    record::{Found, Timestamp, Version},
    store::{Event, FoundPage, Page, Query, Selection, Store, Want},
    tenant::Partition,
};

/// Enough for every query of the suite.
pub(super) const MAX_EXAMINED: usize = 1_000_000;
/// More members than any group of the suite has.
const MAX_MEMBERS: usize = 10_000;
/// `at` of a stage's first commit: 2026-01-01T00:00:00Z. Each next one is a second later.
pub(super) const START: i64 = 1_767_225_600_000;
/// URI of the enterprise extension (RFC 7643 §4.3).
pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Everything that can be read beside a record.
pub(super) const WHOLE: Want = Want {
    groups: true,
    members: Some(MAX_MEMBERS),
};
/// The record alone.
pub(super) const BARE: Want = Want {
    groups: false,
    members: None,
};

/// The types that the suite's resources are of, in the order searches name them.
static TYPES: LazyLock<[ResourceType; 2]> = LazyLock::new(|| [core::user(), core::group()]);

/// The types that the suite's resources are of.
pub(super) fn types() -> &'static [ResourceType] {
    &*TYPES
}

fn type_of(name: &str) -> &'static ResourceType {
    types().iter().find(|it| it.name == name).unwrap()
}

/// The filter as resolved against the type, in a query over all types.
pub(super) fn condition(resource_type: &str, filter: &str) -> Condition {
    let others: Vec<_> = types()
        .iter()
        .filter(|it| it.name != resource_type)
        .collect();
    Filter::parse(filter, &Limits::default())
        .and_then(|it| it.resolve(type_of(resource_type), &others, &Tolerance::generic()))
        .unwrap_or_else(|error| panic!("{filter}: {error}"))
}

/// The order by the attribute.
pub(super) fn sort(resource_type: &str, path: &str, descending: bool) -> Sort {
    Sort::resolve(path, descending, type_of(resource_type))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The resources of a type that a filter selects, in creation order.
pub(super) fn select(resource_type: &str, filter: Option<&str>) -> Selection {
    Selection {
        resource_type: resource_type.into(),
        condition: filter.map(|filter| condition(resource_type, filter)),
        sort: None,
    }
}

/// A query for everything beside the records.
pub(super) fn query(selections: Vec<Selection>, page: Page) -> Query {
    Query {
        selections,
        page,
        want: WHOLE,
        max_examined: MAX_EXAMINED,
        counted: true,
    }
}

/// A page that holds every result of the suite.
pub(super) const ALL: Page = Page::Index {
    offset: 0,
    count: 10_000,
};

/// The ids of what was found, in order.
pub(super) fn ids(found: &[Found]) -> Vec<String> {
    found.iter().map(|it| it.record.id.clone()).collect()
}

/// A resource to be stored: its type and document, and what follows from them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Resource {
    pub(super) resource_type: &'static str,
    pub(super) attributes: Attributes,
}

/// A user with nothing but a name.
pub(super) fn user(id: &str, user_name: &str) -> Resource {
    let schemas = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]);
    let document = json!({ "schemas": schemas, "id": id, "userName": user_name });
    Resource::new("User", document)
}

/// A group without members.
pub(super) fn group(id: &str, display: &str) -> Resource {
    let schemas = json!(["urn:ietf:params:scim:schemas:core:2.0:Group"]);
    let document = json!({ "schemas": schemas, "id": id, "displayName": display });
    Resource::new("Group", document)
}

impl Resource {
    /// A user of that document.
    pub(super) fn user(document: Value) -> Self {
        Self::new("User", document)
    }

    fn new(resource_type: &'static str, document: Value) -> Self {
        let Value::Object(attributes) = document else {
            panic!("a document is an object");
        };
        Self {
            resource_type,
            attributes,
        }
    }

    /// The same with one more attribute, or another value of it.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    pub(super) fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(Value::as_str)
    }

    pub(super) fn document(&self) -> String {
        serde_json::to_string(&self.attributes).unwrap()
    }

    pub(super) fn display(&self) -> String {
        self.text("displayName").unwrap_or_default().into()
    }

    pub(super) fn index(&self) -> Vec<IndexEntry> {
        index::entries(&self.attributes, type_of(self.resource_type))
    }

    /// `userName` as the value that no other user may hold.
    pub(super) fn unique(&self) -> Vec<Unique> {
        let named = self.index().into_iter().filter(|it| it.path == "userName");
        named
            .map(|IndexEntry { path, key, .. }| Unique { path, key })
            .collect()
    }

    pub(super) fn create(&self) -> Create {
        Create {
            resource_type: self.resource_type.into(),
            id: self.id().into(),
            document: self.document(),
            display: self.display(),
            index: self.index(),
            unique: self.unique(),
        }
    }

    /// The change from the old state to this one.
    pub(super) fn replace(&self, old: &Self, expect: Version) -> Replace {
        let (index_removed, index_added) = index::difference(&old.index(), &self.index());
        let held = old.unique();
        let mut unique = self.unique();
        unique.retain(|value| !held.contains(value));
        Replace {
            resource_type: self.resource_type.into(),
            id: self.id().into(),
            expect,
            document: self.document(),
            display: self.display(),
            index_removed,
            index_added,
            unique,
            difference: Difference::between(&old.attributes, &self.attributes, false),
        }
    }

    pub(super) fn delete(&self, expect: Version) -> Delete {
        Delete {
            resource_type: self.resource_type.into(),
            id: self.id().into(),
            expect,
            index: self.index(),
        }
    }
}

/// A change of the group's members that asks for nothing yet.
pub(super) fn members(group: &str) -> Members {
    Members {
        group: group.into(),
        expect: None,
        clear: false,
        remove: Vec::new(),
        add: Vec::new(),
    }
}

/// Members to add, of whatever type.
pub(super) fn news(ids: &[&str]) -> Vec<NewMember> {
    let new = |id: &&str| NewMember {
        id: (*id).into(),
        claimed_type: None,
        display: None,
    };
    ids.iter().map(new).collect()
}

/// The ids as a change holds them.
pub(super) fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).into()).collect()
}

/// The change that adds members.
pub(super) fn add(group: &str, ids: &[&str]) -> Change {
    Change::Members(Members {
        add: news(ids),
        ..members(group)
    })
}

/// The change that removes members.
pub(super) fn remove(group: &str, ids: &[&str]) -> Change {
    Change::Members(Members {
        remove: owned(ids),
        ..members(group)
    })
}

/// All that a partition shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dump {
    pub(super) resources: Vec<Found>,
    pub(super) events: Vec<Event>,
}

/// A tenant of a store under test, and a clock that a commit moves on by a second.
pub(super) struct Stage {
    pub(super) store: Arc<dyn Store>,
    pub(super) partition: Partition,
    commits: AtomicI64,
}

impl Stage {
    /// A first tenant of the store.
    pub(super) async fn new(store: Arc<dyn Store>) -> Self {
        Self::of(store, "acme").await
    }

    /// Another tenant of the same store.
    pub(super) async fn beside(&self, name: &str) -> Self {
        Self::of(Arc::clone(&self.store), name).await
    }

    /// The same tenant in another generation.
    pub(super) fn moved(self, partition: Partition) -> Self {
        Self { partition, ..self }
    }

    async fn of(store: Arc<dyn Store>, name: &str) -> Self {
        let tenant = store.create_tenant(name, &[]).await.unwrap();
        Self {
            store,
            partition: tenant.partition,
            commits: AtomicI64::new(0),
        }
    }

    /// The changes as one set, made at the next second.
    pub(super) fn set(&self, changes: Vec<Change>) -> ChangeSet {
        let number = self.commits.fetch_add(1, Ordering::SeqCst);
        ChangeSet {
            catalogue: Version(0),
            at: Timestamp(START + number * 1_000),
            actor: "client:suite".into(),
            request_id: format!("request-{number}"),
            changes,
        }
    }

    pub(super) async fn commit(&self, changes: Vec<Change>) -> Result<Committed, Rejected> {
        self.store.commit(self.partition, self.set(changes)).await
    }

    /// Commits what must be accepted.
    pub(super) async fn done(&self, changes: Vec<Change>) -> Committed {
        self.commit(changes).await.unwrap()
    }

    /// Commits what must be rejected, and sees that nothing of it stays.
    pub(super) async fn refused(&self, changes: Vec<Change>) -> Rejected {
        let before = self.dump().await;
        let rejected = self.commit(changes).await.unwrap_err();
        assert_eq!(self.dump().await, before, "after {rejected:?}");
        self.clean().await;
        rejected
    }

    /// Creates the resources, each by a commit of its own.
    pub(super) async fn create(&self, resources: &[&Resource]) {
        for resource in resources {
            self.done(vec![Change::Create(resource.create())]).await;
        }
    }

    /// Brings a resource from the old state to the new.
    pub(super) async fn replace(&self, old: &Resource, new: &Resource) -> Committed {
        let expect = self.version(old).await;
        self.done(vec![Change::Replace(new.replace(old, expect))])
            .await
    }

    pub(super) async fn delete(&self, resource: &Resource) -> Committed {
        let expect = self.version(resource).await;
        self.done(vec![Change::Delete(resource.delete(expect))])
            .await
    }

    /// The resource with all that can be read beside it.
    pub(super) async fn found(&self, resource_type: &str, id: &str) -> Option<Found> {
        let read = self.store.read(self.partition, resource_type, id, WHOLE);
        read.await.unwrap()
    }

    pub(super) async fn version(&self, resource: &Resource) -> Version {
        let found = self.found(resource.resource_type, resource.id()).await;
        found.unwrap().record.version
    }

    /// The ids of the group's members, in order.
    pub(super) async fn member_ids(&self, group: &str) -> Vec<String> {
        let found = self.found("Group", group).await.unwrap();
        let members = found.members.unwrap();
        members.into_iter().map(|member| member.id).collect()
    }

    /// The user's groups in order, and whether each is its own.
    pub(super) async fn group_ids(&self, user: &str) -> Vec<(String, bool)> {
        let found = self.found("User", user).await.unwrap();
        let groups = found.groups.unwrap();
        groups.into_iter().map(|it| (it.id, it.direct)).collect()
    }

    pub(super) async fn search(&self, query: Query) -> FoundPage {
        self.store.search(self.partition, query).await.unwrap()
    }

    /// The ids of the resources of the type that the filter selects, in creation order.
    pub(super) async fn select(&self, resource_type: &str, filter: &str) -> Vec<String> {
        let selection = select(resource_type, Some(filter));
        ids(&self.search(query(vec![selection], ALL)).await.items)
    }

    pub(super) async fn events(&self) -> Vec<Event> {
        let events = self.store.events(self.partition, None, 100_000);
        events.await.unwrap()
    }

    pub(super) async fn dump(&self) -> Dump {
        let mut resources = Vec::new();
        for resource_type in types() {
            let selection = select(&resource_type.name, None);
            resources.extend(self.search(query(vec![selection], ALL)).await.items);
        }
        Dump {
            resources,
            events: self.events().await,
        }
    }

    /// Sees that the store finds nothing wrong with itself.
    pub(super) async fn clean(&self) {
        let faults = self.store.verify().await.unwrap();
        assert_eq!(faults, Vec::<String>::new());
    }
}
