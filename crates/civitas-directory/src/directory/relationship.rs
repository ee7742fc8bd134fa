//! Relationships of a kind between two resources, kept as resources of their own: each has an
//! id, a version and properties, neither end's document holds it, and one more costs the same
//! however many an end has. Both ends get a new version with each that comes or goes, which is
//! what keeps a relationship from outliving an end.

use civitas_scim::{
    Attributes, Invalid,
    condition::{Condition, Target},
    filter::Operator,
    index,
    schema::ResourceType,
    value::{Comparison, Key},
};
use serde_json::{Value, json};

use super::{Directory, write};
use crate::{
    change::{Change, Delete, Difference, Touch},
    error::Error,
    record::{Found, Version},
    scope::Scope,
    store::{FoundPage, Page, Query, Selection, Want},
};

/// The name of the resource type.
pub const TYPE: &str = "Relationship";

/// The URI of its schema.
pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:extension:civitas:2.0:Relationship";

/// Relationships that go in one commit, when an end of them is deleted.
const STEP: usize = 500;

/// The attribute that is unique: source, kind and target.
const PAIR: &str = "pair";
/// Target and kind.
const INCOMING: &str = "incoming";

/// One of the two resources of a relationship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Name of its resource type.
    pub resource_type: String,
    /// Its `id`.
    pub id: String,
    /// The version that was read, where the relationship depends on it.
    pub expect: Option<Version>,
}

/// Two resources and what the one is to the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Relationship {
    /// What it is: a word without blanks.
    pub kind: String,
    /// The one that is related to the other.
    pub source: End,
    /// The other.
    pub target: End,
    /// What else is known of it, a JSON object.
    pub properties: Value,
}

/// Which relationships are searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side<'i> {
    /// Those of which the resource is the source.
    Of(&'i str),
    /// Those of which it is the target.
    To(&'i str),
}

/// The definition of the schema (RFC 7643 §7). Clients of SCIM see relationships and may
/// delete them; they are made at their ends.
pub fn schema() -> Value {
    use civitas_scim::{definition::INDEX_EXTENSION, schema::urn};
    let text = |name: &str| json!({ "name": name, "type": "string", "caseExact": true, "mutability": "readOnly" });
    let mut attributes: Vec<Value> = [
        "kind",
        "source",
        "sourceType",
        "target",
        "targetType",
        INCOMING,
        "properties",
    ]
    .map(text)
    .into();
    let mut pair = text(PAIR);
    pair["uniqueness"] = "server".into();
    attributes.push(pair);
    json!({
        "schemas": [urn::SCHEMA, INDEX_EXTENSION],
        "id": SCHEMA,
        "name": TYPE,
        "description": "What one resource is to another",
        "attributes": attributes,
        INDEX_EXTENSION: { "indexed": [INCOMING] },
    })
}

/// The definition of the resource type (RFC 7643 §6).
pub fn resource_type() -> Value {
    json!({
        "schemas": [civitas_scim::schema::urn::RESOURCE_TYPE],
        "name": TYPE,
        "endpoint": "/Relationships",
        "description": "What one resource is to another",
        "schema": SCHEMA,
    })
}

/// Refuses to write a relationship as a resource.
pub(super) fn refuse(resource_type: &ResourceType) -> Result<(), Invalid> {
    if resource_type.schema.id != SCHEMA {
        return Ok(());
    }
    let text = "relationships are made and changed at the resources that they are between";
    Err(Invalid::mutability(text))
}

impl Relationship {
    /// Reads what is stored of one; `None` of what is none.
    pub fn of(attributes: &Attributes) -> Option<Self> {
        let text = |name: &str| attributes.get(name)?.as_str().map(str::to_owned);
        let end = |id: &str, resource_type: &str| {
            Some(End {
                id: text(id)?,
                resource_type: text(resource_type)?,
                expect: None,
            })
        };
        Some(Self {
            kind: text("kind")?,
            source: end("source", "sourceType")?,
            target: end("target", "targetType")?,
            properties: serde_json::from_str(&text("properties")?).ok()?,
        })
    }

    fn attributes(&self, id: &str) -> Attributes {
        let Self {
            kind,
            source,
            target,
            properties,
        } = self;
        let members = [
            ("schemas", json!([SCHEMA])),
            ("id", id.into()),
            ("kind", kind.as_str().into()),
            ("source", source.id.as_str().into()),
            ("sourceType", source.resource_type.as_str().into()),
            ("target", target.id.as_str().into()),
            ("targetType", target.resource_type.as_str().into()),
            ("properties", properties.to_string().into()),
            (INCOMING, format!("{} {kind}", target.id).into()),
            (PAIR, format!("{} {kind} {}", source.id, target.id).into()),
        ];
        let members = members.into_iter();
        members.map(|(name, it)| (name.to_owned(), it)).collect()
    }

    /// The changes of both ends.
    fn touches(&self) -> [Change; 2] {
        [&self.source, &self.target].map(|end| {
            Change::Touch(Touch {
                resource_type: end.resource_type.clone(),
                id: end.id.clone(),
                expect: end.expect,
            })
        })
    }

    /// The changes that make it, with an identifier for it. Committed, they are refused if an
    /// end is not there (as missing), or the two are so related already (as taken).
    pub fn made(&self, scope: &Scope, id: String) -> Result<Vec<Change>, Error> {
        let attributes = self.attributes(&id);
        let create = write::creation(id, &attributes, own(scope)?)?;
        let [source, target] = self.touches();
        Ok(vec![source, target, Change::Create(create)])
    }

    /// The changes that give a stored one other properties.
    pub fn changed(scope: &Scope, found: &Found, properties: &Value) -> Result<Vec<Change>, Error> {
        let (before, it) = read(found)?;
        let changed = Self {
            properties: properties.clone(),
            ..it
        };
        let after = changed.attributes(&found.record.id);
        let own = own(scope)?;
        let entries = index::entries(&before, own);
        let mut replace = write::replacement(&found.record, &entries, &after, own)?;
        replace.difference = Difference::between(&before, &after, false);
        let [source, target] = changed.touches();
        Ok(vec![source, target, Change::Replace(replace)])
    }

    /// The changes that end a stored one.
    pub fn ended(scope: &Scope, found: &Found) -> Result<Vec<Change>, Error> {
        let (_, it) = read(found)?;
        let [source, target] = it.touches();
        Ok(vec![source, target, deletion(own(scope)?, found)])
    }
}

impl Directory {
    /// The relationships of a kind that a resource has, a page of them in the order in which
    /// they were made. Their total is told where they are to be `counted`.
    pub async fn relationships(
        &self,
        scope: &Scope,
        side: Side<'_>,
        kind: &str,
        page: Page,
        counted: bool,
    ) -> Result<FoundPage, Error> {
        let (path, operator, key) = match side {
            Side::Of(id) => (PAIR, Operator::Sw, format!("{id} {kind} ")),
            Side::To(id) => (INCOMING, Operator::Eq, format!("{id} {kind}")),
        };
        let condition = Condition::Compare(target(path), operator, Key::Text(key));
        self.searched(scope, condition, page, counted).await
    }

    /// The relationship of a kind between two resources.
    pub async fn relationship(
        &self,
        scope: &Scope,
        kind: &str,
        source: &str,
        target_id: &str,
    ) -> Result<Option<Found>, Error> {
        let key = Key::Text(format!("{source} {kind} {target_id}"));
        let condition = Condition::Compare(target(PAIR), Operator::Eq, key);
        let found = self.searched(scope, condition, first(1), false).await?;
        Ok(found.items.into_iter().next())
    }

    /// Commits changes of relationships.
    pub async fn relate(&self, scope: &Scope, changes: Vec<Change>) -> Result<(), Error> {
        let committed = self.commit(scope, changes).await;
        committed.map(drop).map_err(Error::from)
    }

    /// Ends all relationships that a resource has but the last [`STEP`], and gives the changes
    /// that end those. The other ends keep their versions: there may be any number of them.
    pub(super) async fn parting(&self, scope: &Scope, id: &str) -> Result<Vec<Change>, Error> {
        let Some(own) = scope.catalogue.resource_type(TYPE) else {
            return Ok(Vec::new());
        };
        let of = |path| {
            let key = Key::Text(format!("{id} "));
            Condition::Compare(target(path), Operator::Sw, key)
        };
        loop {
            let either = Condition::Or(vec![of(PAIR), of(INCOMING)]);
            let found = self.searched(scope, either, first(STEP), true).await?;
            let ended: Vec<Change> = found.items.iter().map(|it| deletion(own, it)).collect();
            if found.total <= STEP as u64 {
                return Ok(ended);
            }
            match self.commit(scope, ended).await {
                Ok(_)
                | Err(
                    crate::change::Rejected::Missing { .. } | crate::change::Rejected::Stale { .. },
                ) => {}
                Err(rejected) => return Err(rejected.into()),
            }
        }
    }

    async fn searched(
        &self,
        scope: &Scope,
        condition: Condition,
        page: Page,
        counted: bool,
    ) -> Result<FoundPage, Error> {
        let query = Query {
            selections: vec![Selection {
                resource_type: TYPE.to_owned(),
                condition: Some(condition),
                sort: None,
            }],
            page,
            want: Want::default(),
            max_examined: self.limits.max_examined,
            counted,
        };
        Ok(self.store.search(scope.partition, query).await?)
    }
}

fn first(count: usize) -> Page {
    Page::Index { offset: 0, count }
}

fn own(scope: &Scope) -> Result<&ResourceType, Error> {
    scope.catalogue.resource_type(TYPE).ok_or(Error::Outdated)
}

fn read(found: &Found) -> Result<(Attributes, Relationship), Error> {
    let attributes = found.record.attributes();
    let read = Relationship::of(&attributes);
    let id = &found.record.id;
    let it = read.ok_or_else(|| Error::Unavailable(format!("{id} is no relationship")))?;
    Ok((attributes, it))
}

fn deletion(own: &ResourceType, found: &Found) -> Change {
    Change::Delete(Delete {
        resource_type: TYPE.to_owned(),
        id: found.record.id.clone(),
        expect: found.record.version,
        index: index::entries(&found.record.attributes(), own),
    })
}

fn target(path: &str) -> Target {
    Target {
        path: path.to_owned(),
        extension: None,
        attribute: path.to_owned(),
        sub_attribute: None,
        multi_valued: false,
        comparison: Comparison::Exact,
        indexed: true,
    }
}
