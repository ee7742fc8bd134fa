//! Variables and secrets as resources of the tenant.

use std::sync::Arc;

use civitas_directory::{
    Catalogue, Edit, Error, Expect, Found,
    store::{FoundPage, Page, Selection, Want},
};
use civitas_scim::{schema::ResourceType, tolerance::Tolerance};
use serde_json::{Value, json};

use super::{Object, member};
use crate::{
    dialect::crest::{
        call::Call,
        fault::{Failure, Fault},
    },
    own_type,
};

/// Most variables, and most secrets, of a tenant; also the most that are listed.
pub(super) const MAX: usize = 10_000;

/// How often a change is computed again when parallel changes overtake it.
const MAX_ATTEMPTS: usize = 100;

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Variable,
    Secret,
}

impl Kind {
    const fn resource_type(self) -> &'static str {
        match self {
            Self::Variable => "EnvironmentVariable",
            Self::Secret => "EnvironmentSecret",
        }
    }

    const fn schema(self) -> &'static str {
        match self {
            Self::Variable => {
                "urn:ietf:params:scim:schemas:extension:crest:2.0:EnvironmentVariable"
            }
            Self::Secret => "urn:ietf:params:scim:schemas:extension:crest:2.0:EnvironmentSecret",
        }
    }

    /// The `id` of the resource: a variable and a secret may have one name.
    fn record(self, id: &str) -> String {
        match self {
            Self::Variable => format!("variable.{id}"),
            Self::Secret => format!("secret.{id}"),
        }
    }

    fn attributes(self) -> Vec<Value> {
        let text = |name: &str| json!({ "name": name, "type": "string" });
        let exact = |name: &str| json!({ "name": name, "type": "string", "caseExact": true });
        let flag = |name: &str| json!({ "name": name, "type": "boolean" });
        let name = json!({
            "name": "name", "type": "string", "required": true, "caseExact": true,
            "uniqueness": "server",
        });
        let mut all = vec![
            name,
            text("description"),
            text("lastChangedBy"),
            json!({ "name": "lastChangeDate", "type": "dateTime" }),
            flag("loaded"),
        ];
        match self {
            Self::Variable => all.extend([text("expressionType"), exact("valueBase64")]),
            Self::Secret => all.extend([
                text("encoding"),
                flag("useInPlaceholders"),
                text("loadedVersion"),
                json!({
                    "name": "versions", "type": "string", "caseExact": true,
                    "multiValued": true, "returned": "request",
                    "description": "Versions as JSON, their values sealed",
                }),
            ]),
        }
        all
    }

    fn definition(self) -> (Value, Value) {
        let description = "What the tenant's configuration refers to";
        let (name, uri) = (self.resource_type(), self.schema());
        own_type::definition(name, uri, description, &self.attributes(), &["name"])
    }

    fn of(self, catalogue: &Catalogue) -> Option<&ResourceType> {
        let known = catalogue.resource_type(self.resource_type());
        known.filter(|it| it.schema.id == self.schema())
    }
}

/// Sees to it that there is a place for what is written.
pub(super) async fn equip(call: &mut Call<'_>, kind: Kind) -> Result<(), Failure> {
    if kind.of(&call.scope.catalogue).is_none() {
        let directory = &call.app.directory;
        let adopted = directory
            .adopt(&call.scope, &[], &[kind.definition()])
            .await?;
        call.scope.catalogue = adopted;
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
}

/// All of a kind, by name.
pub(super) async fn all(call: &Call<'_>, kind: Kind) -> Result<Vec<Object>, Failure> {
    let found = select(call, kind, MAX).await?;
    let mut all: Vec<Object> = found
        .items
        .iter()
        .map(|it| it.record.attributes())
        .collect();
    all.sort_by(|one, other| {
        member(one, "name")
            .as_str()
            .cmp(&member(other, "name").as_str())
    });
    Ok(all)
}

async fn number(call: &Call<'_>, kind: Kind) -> Result<u64, Failure> {
    Ok(select(call, kind, 0).await?.total)
}

async fn select(call: &Call<'_>, kind: Kind, count: usize) -> Result<FoundPage, Failure> {
    if kind.of(&call.scope.catalogue).is_none() {
        return Ok(FoundPage {
            total: 0,
            items: Vec::new(),
            next: None,
        });
    }
    let selection = Selection {
        resource_type: kind.resource_type().to_owned(),
        condition: None,
        sort: None,
    };
    let page = Page::Index { offset: 0, count };
    let directory = call.directory();
    let found = directory.select(&call.scope, selection, page, Want::default());
    Ok(found.await?)
}

/// The one of that name.
pub(super) async fn find(call: &Call<'_>, kind: Kind, id: &str) -> Result<Option<Kept>, Failure> {
    let catalogue = Arc::clone(&call.scope.catalogue);
    let Some(resource_type) = kind.of(&catalogue) else {
        return Ok(None);
    };
    let record = kind.record(id);
    let found = call
        .directory()
        .get(&call.scope, resource_type, &record, Want::default());
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
    call: &Call<'_>,
    kind: Kind,
    id: &str,
    mut object: Object,
) -> Result<bool, Failure> {
    let catalogue = Arc::clone(&call.scope.catalogue);
    let resource_type = kind.of(&catalogue).ok_or(Error::Conflict)?;
    if number(call, kind).await? >= MAX as u64 {
        let text = format!("There are {MAX} already, which is the most that there may be");
        return Err(Fault::invalid(text).into());
    }
    object.insert("schemas".into(), json!([kind.schema()]));
    object.insert("name".into(), id.into());
    let tolerance = Tolerance::generic();
    let created = call.directory().create_as(
        &call.scope,
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
async fn replace(call: &Call<'_>, kept: Kept, object: Object) -> Result<bool, Failure> {
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
    let replaced = call
        .directory()
        .supersede(&call.scope, kept.found, &edit, true)
        .await?;
    Ok(replaced.is_some())
}

/// Commits what `compute` makes of the one of that name, computed again while others overtake
/// it, and gives it; `None` where there is none.
pub(super) async fn change(
    call: &Call<'_>,
    kind: Kind,
    id: &str,
    compute: impl Fn(&mut Object) -> Result<(), Failure>,
) -> Result<Option<Object>, Failure> {
    for _ in 0..MAX_ATTEMPTS {
        let Some(kept) = find(call, kind, id).await? else {
            return Ok(None);
        };
        let mut object = kept.object();
        compute(&mut object)?;
        if replace(call, kept, object.clone()).await? {
            return Ok(Some(object));
        }
    }
    Err(Error::Conflict.into())
}

/// Drops the one of that name, and gives it.
pub(super) async fn delete(
    call: &Call<'_>,
    kind: Kind,
    id: &str,
) -> Result<Option<Object>, Failure> {
    let Some(kept) = find(call, kind, id).await? else {
        return Ok(None);
    };
    let resource_type = kind.of(&kept.catalogue).ok_or(Error::Conflict)?;
    let record = &kept.found.record.id;
    let deleted = call
        .directory()
        .delete(&call.scope, resource_type, record, &Expect::Any);
    match deleted.await {
        Ok(()) => Ok(Some(kept.object())),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
