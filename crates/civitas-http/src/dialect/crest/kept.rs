//! What the dialect keeps for itself: documents by name, each a resource of the tenant, so that
//! versions, events, snapshots and copies are those of any resource.

use std::sync::Arc;

use civitas_directory::{
    Catalogue, Directory, Edit, Error, Expect, Found, Scope,
    store::{FoundPage, Page, Selection, Want},
};
use civitas_scim::{
    condition::{Condition, Target},
    filter::Operator,
    schema::ResourceType,
    tolerance::Tolerance,
    value::{Comparison, Key},
};
use serde_json::{Map, Value, json};

use super::{
    fault::{Failure, Fault},
    managed,
};
use crate::own_type;

/// What is kept: attributes by name.
pub(super) type Object = Map<String, Value>;

/// A member; `Null` where there is none.
pub(super) fn member<'o>(object: &'o Object, name: &str) -> &'o Value {
    object.get(name).unwrap_or(&Value::Null)
}

/// Most documents of a kind that a tenant has; also the most that are listed.
pub(super) const MAX: usize = 10_000;

/// The attribute by which sessions are found.
const USER: &str = "user";

/// How often a change is computed again when parallel changes overtake it.
const MAX_ATTEMPTS: usize = 100;

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Variable,
    Secret,
    Configuration,
    /// A job of the scheduler.
    Job,
    /// A session of a user who has signed in. Its number is bounded for each user, not for the
    /// tenant.
    Session,
}

impl Kind {
    pub(super) const fn resource_type(self) -> &'static str {
        match self {
            Self::Variable => "EnvironmentVariable",
            Self::Secret => "EnvironmentSecret",
            Self::Configuration => "Configuration",
            Self::Job => "SchedulerJob",
            Self::Session => "AccessSession",
        }
    }

    const fn schema(self) -> &'static str {
        match self {
            Self::Variable => {
                "urn:ietf:params:scim:schemas:extension:crest:2.0:EnvironmentVariable"
            }
            Self::Secret => "urn:ietf:params:scim:schemas:extension:crest:2.0:EnvironmentSecret",
            Self::Configuration => "urn:ietf:params:scim:schemas:extension:crest:2.0:Configuration",
            Self::Job => "urn:ietf:params:scim:schemas:extension:crest:2.0:SchedulerJob",
            Self::Session => "urn:ietf:params:scim:schemas:extension:crest:2.0:AccessSession",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::Variable | Self::Secret => "What the tenant's configuration refers to",
            Self::Configuration => "What clients configure",
            Self::Job => "What clients have scheduled",
            Self::Session => "That a user has signed in",
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Variable => "variable",
            Self::Secret => "secret",
            Self::Configuration => "configuration",
            Self::Job => "job",
            Self::Session => "session",
        }
    }

    /// The `id` of the resource: documents of several kinds may have one name.
    fn record(self, id: &str) -> String {
        format!("{}.{}", self.prefix(), managed::encoded(id))
    }

    /// The name of the document that is kept as a resource with an `id`.
    pub(super) fn name_of(self, record: &str) -> String {
        let encoded = record.strip_prefix(self.prefix());
        let encoded = encoded.and_then(|it| it.strip_prefix('.'));
        managed::decoded(encoded.unwrap_or(record))
    }

    fn attributes(self) -> Vec<Value> {
        let text = |name: &str| json!({ "name": name, "type": "string" });
        let exact = |name: &str| json!({ "name": name, "type": "string", "caseExact": true });
        let flag = |name: &str| json!({ "name": name, "type": "boolean" });
        let date = |name: &str| json!({ "name": name, "type": "dateTime" });
        let mut name = exact("name");
        name["required"] = true.into();
        name["uniqueness"] = "server".into();
        let mut sealed = exact("content");
        sealed["returned"] = "request".into();
        sealed["description"] = "The document as JSON, sealed".into();
        let of_environment = [
            text("description"),
            text("lastChangedBy"),
            date("lastChangeDate"),
            flag("loaded"),
        ];
        let own: Vec<Value> = match self {
            Self::Variable => of_environment
                .into_iter()
                .chain([text("expressionType"), exact("valueBase64")])
                .collect(),
            Self::Secret => of_environment
                .into_iter()
                .chain([
                    text("encoding"),
                    flag("useInPlaceholders"),
                    text("loadedVersion"),
                    json!({
                        "name": "versions", "type": "string", "caseExact": true,
                        "multiValued": true, "returned": "request",
                        "description": "Versions as JSON, their values sealed",
                    }),
                ])
                .collect(),
            Self::Configuration | Self::Job => vec![sealed],
            Self::Session => vec![exact(USER), date("started"), date("expires")],
        };
        std::iter::once(name).chain(own).collect()
    }

    fn definition(self) -> (Value, Value) {
        let (name, uri) = (self.resource_type(), self.schema());
        let indexed: &[&str] = match self {
            Self::Session => &["name", USER],
            _ => &["name"],
        };
        own_type::definition(name, uri, self.description(), &self.attributes(), indexed)
    }

    fn of(self, catalogue: &Catalogue) -> Option<&ResourceType> {
        let known = catalogue.resource_type(self.resource_type());
        known.filter(|it| it.schema.id == self.schema())
    }
}

/// Sees to it that there is a place for what is written.
pub(super) async fn equip(
    directory: &Directory,
    scope: &mut Scope,
    kind: Kind,
) -> Result<(), Failure> {
    if kind.of(&scope.catalogue).is_none() {
        let adopted = directory.adopt(scope, &[], &[kind.definition()]).await?;
        scope.catalogue = adopted;
    }
    Ok(())
}

/// One that is kept.
pub(super) struct Kept {
    found: Found,
    catalogue: Arc<Catalogue>,
    kind: Kind,
}

impl Kept {
    pub(super) fn object(&self) -> Object {
        self.found.record.attributes()
    }

    /// The version that it has.
    pub(super) fn revision(&self) -> String {
        self.found.record.version.0.to_string()
    }
}

/// Where documents are kept, for a request.
#[derive(Clone, Copy)]
pub(super) struct Shelf<'s> {
    pub(super) directory: &'s Directory,
    pub(super) scope: &'s Scope,
}

impl Shelf<'_> {
    /// All of a kind, by name.
    pub(super) async fn all(self, kind: Kind) -> Result<Vec<Object>, Failure> {
        let found = self.select(kind, None, MAX).await?;
        let mut all: Vec<Object> = found
            .items
            .iter()
            .map(|it| it.record.attributes())
            .collect();
        all.sort_by(|one, other| {
            let name = |it| member(it, "name").as_str();
            name(one).cmp(&name(other))
        });
        Ok(all)
    }

    /// Sessions of a user, the first `count`, in the order in which they began.
    pub(super) async fn sessions(self, user: &str, count: usize) -> Result<Vec<Object>, Failure> {
        let target = Target {
            path: USER.to_owned(),
            extension: None,
            attribute: USER.to_owned(),
            sub_attribute: None,
            multi_valued: false,
            comparison: Comparison::Exact,
            indexed: true,
        };
        let own = Condition::Compare(target, Operator::Eq, Key::Text(user.to_owned()));
        let found = self.select(Kind::Session, Some(own), count).await?;
        let items = found.items.iter();
        Ok(items.map(|it| it.record.attributes()).collect())
    }

    async fn number(self, kind: Kind) -> Result<u64, Failure> {
        Ok(self.select(kind, None, 0).await?.total)
    }

    async fn select(
        self,
        kind: Kind,
        condition: Option<Condition>,
        count: usize,
    ) -> Result<FoundPage, Failure> {
        if kind.of(&self.scope.catalogue).is_none() {
            return Ok(FoundPage {
                total: 0,
                items: Vec::new(),
                next: None,
            });
        }
        let selection = Selection {
            resource_type: kind.resource_type().to_owned(),
            condition,
            sort: None,
        };
        let page = Page::Index { offset: 0, count };
        let found = self
            .directory
            .select(self.scope, selection, page, Want::default());
        Ok(found.await?)
    }

    /// The one of that name.
    pub(super) async fn find(self, kind: Kind, id: &str) -> Result<Option<Kept>, Failure> {
        let catalogue = Arc::clone(&self.scope.catalogue);
        let Some(resource_type) = kind.of(&catalogue) else {
            return Ok(None);
        };
        let record = kind.record(id);
        let found = self
            .directory
            .get(self.scope, resource_type, &record, Want::default());
        match found.await {
            Ok(found) => Ok(Some(Kept {
                found,
                catalogue,
                kind,
            })),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps a new one; `false` where there is one of that name.
    pub(super) async fn create(
        self,
        kind: Kind,
        id: &str,
        mut object: Object,
    ) -> Result<bool, Failure> {
        let catalogue = Arc::clone(&self.scope.catalogue);
        let resource_type = kind.of(&catalogue).ok_or(Error::Conflict)?;
        if kind != Kind::Session && self.number(kind).await? >= MAX as u64 {
            let text = format!("There are {MAX} already, which is the most that there may be");
            return Err(Fault::invalid(text).into());
        }
        object.insert("schemas".into(), json!([kind.schema()]));
        object.insert("name".into(), id.into());
        let tolerance = Tolerance::generic();
        let created = self.directory.create_as(
            self.scope,
            resource_type,
            kind.record(id),
            Value::Object(object),
            &tolerance,
            Want::default(),
            Vec::new(),
        );
        match created.await {
            Ok(_) => Ok(true),
            Err(Error::Taken { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts another state in place of one that was read; `false` when it was overtaken.
    async fn replace(self, kept: Kept, object: Object) -> Result<bool, Failure> {
        let resource_type = kept.kind.of(&kept.catalogue).ok_or(Error::Conflict)?;
        let id = kept.found.record.id.clone();
        let edit = Edit {
            resource_type,
            id: &id,
            expect: &Expect::Any,
            self_service: false,
            body: Ok(Value::Object(object)),
            tolerance: &Tolerance::generic(),
            want: Want::default(),
            beside: Vec::new(),
        };
        let replaced = self
            .directory
            .supersede(self.scope, kept.found, &edit, true)
            .await?;
        Ok(replaced.is_some())
    }

    /// Commits what `compute` makes of the one of that name, computed again while others
    /// overtake it, and gives it; `None` where there is none.
    pub(super) async fn change(
        self,
        kind: Kind,
        id: &str,
        compute: impl Fn(&mut Object) -> Result<(), Failure>,
    ) -> Result<Option<Object>, Failure> {
        for _ in 0..MAX_ATTEMPTS {
            let Some(kept) = self.find(kind, id).await? else {
                return Ok(None);
            };
            let mut object = kept.object();
            compute(&mut object)?;
            if self.replace(kept, object.clone()).await? {
                return Ok(Some(object));
            }
        }
        Err(Error::Conflict.into())
    }

    /// Drops the one of that name, and gives it.
    pub(super) async fn delete(self, kind: Kind, id: &str) -> Result<Option<Object>, Failure> {
        let Some(kept) = self.find(kind, id).await? else {
            return Ok(None);
        };
        let resource_type = kind.of(&kept.catalogue).ok_or(Error::Conflict)?;
        let record = &kept.found.record.id;
        let deleted = self
            .directory
            .delete(self.scope, resource_type, record, &Expect::Any);
        match deleted.await {
            Ok(()) => Ok(Some(kept.object())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps a sealed document, a new one or in place of that of its name; `false` when another
    /// request has created or dropped it in between.
    pub(super) async fn put(
        self,
        kind: Kind,
        id: &str,
        document: &Object,
        is_new: bool,
    ) -> Result<bool, Failure> {
        let sealed = self.sealed(kind, id, document)?;
        if is_new {
            return self.create(kind, id, sealed).await;
        }
        let replaced = self.change(kind, id, |object| {
            object.extend(sealed.clone());
            Ok(())
        });
        Ok(replaced.await?.is_some())
    }

    /// A document in the form in which it is kept.
    fn sealed(self, kind: Kind, id: &str, document: &Object) -> Result<Object, Failure> {
        let text = Value::Object(document.clone()).to_string();
        let (name, bytes) = (kind.record(id), text.as_bytes());
        let content = self.directory.close_secret(self.scope, &name, bytes)?;
        Ok(Object::from_iter([("content".to_owned(), content.into())]))
    }

    /// The document that is kept so.
    pub(super) fn opened(self, kind: Kind, object: &Object) -> Result<Object, Failure> {
        let name = member(object, "name").as_str().unwrap_or_default();
        let content = member(object, "content").as_str().unwrap_or_default();
        let name = kind.record(name);
        let bytes = self.directory.open_secret(self.scope, &name, content);
        let document = bytes.and_then(|it| serde_json::from_slice(&it).ok());
        let lost = || Error::Unavailable(format!("{name} does not open"));
        Ok(document.ok_or_else(lost)?)
    }
}
