//! Users of applications as resources of the tenant: a user of the directory, an application, and
//! what the application says of the user.

use std::collections::HashMap;

use civitas_directory::{
    Catalogue, Change, Edit, Error, Expect, Found, Timestamp,
    store::{Page, Selection, Want},
};
use civitas_scim::{
    Attributes,
    filter::{Filter, Limits},
    schema::ResourceType,
    tolerance::Tolerance,
};
use serde_json::{Value, json};

use crate::{
    dialect::sap::{call::Call, fault::Failure, kind::Kind},
    own_type,
};

const TYPE: &str = "SpUser";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:extension:sap.kept:2.0:SpUser";

/// Texts that an application sets as it likes.
pub(super) const CUSTOM: [&str; 5] = [
    "spCustomAttribute1",
    "spCustomAttribute2",
    "spCustomAttribute3",
    "spCustomAttribute4",
    "spCustomAttribute5",
];

/// Texts that are kept as they were sent; those of [`CUSTOM`], too.
const SENT: [&str; 4] = ["language", "login_name", "valid_from", "valid_to"];

/// Whether a text of that name is kept.
pub(super) fn is_known(name: &str) -> bool {
    SENT.contains(&name) || CUSTOM.contains(&name)
}

/// How often a change is computed again when parallel changes overtake it.
const MAX_ATTEMPTS: usize = 100;

/// Whether the user may use the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Not before the user was activated.
    New,
    Active,
    Inactive,
}

impl Status {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
}

/// A user of an application.
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    pub(super) id: String,
    /// The client that is the application.
    pub(super) client: String,
    /// `id` of the user.
    pub(super) user: String,
    /// What the application calls the user.
    pub(super) name_id: Option<String>,
    pub(super) status: Status,
    /// When it was last activated.
    pub(super) activated: Option<Timestamp>,
    /// Texts as they were sent, by name.
    pub(super) fields: Attributes,
}

impl Assignment {
    /// A text that was sent.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        let text = self.fields.get(name)?.as_str()?;
        Some(text.to_owned()).filter(|it| !it.is_empty())
    }

    /// Takes over the texts that are known.
    pub(super) fn take(&mut self, sent: &HashMap<String, String>) {
        for (name, text) in sent.iter().filter(|(name, _)| is_known(name)) {
            self.fields.insert(name.clone(), text.as_str().into());
        }
    }

    /// Lets the user use the application, or not.
    pub(super) fn turn(&mut self, status: Status, now: Timestamp) {
        if status == Status::Active && self.status != Status::Active {
            self.activated = Some(now);
        }
        self.status = status;
    }

    fn of(found: &Found) -> Option<Self> {
        let attributes = found.record.attributes();
        let text = |name: &str| Some(attributes.get(name)?.as_str()?.to_owned());
        Some(Self {
            id: found.record.id.clone(),
            client: text("client")?,
            user: text("user")?,
            name_id: text("nameId"),
            status: match text("status")?.as_str() {
                "active" => Status::Active,
                _ => Status::Inactive,
            },
            activated: text("activated").and_then(|it| Timestamp::parse(&it)),
            fields: serde_json::from_str(&text("fields")?).ok()?,
        })
    }

    fn document(&self) -> Value {
        let mut document = json!({
            "schemas": [SCHEMA],
            "client": self.client,
            "user": self.user,
            "pair": pair(&self.user, &self.client),
            "status": self.status.name(),
            "fields": Value::Object(self.fields.clone()).to_string(),
        });
        if let Some(name) = &self.name_id {
            document["nameId"] = name.as_str().into();
            document["named"] = naming(&self.client, name).into();
        }
        if let Some(at) = self.activated {
            document["activated"] = at.to_string().into();
        }
        document
    }
}

/// What is unique: a user is assigned to an application once. Neither has blanks in it.
fn pair(user: &str, client: &str) -> String {
    format!("{user} {client}")
}

fn naming(client: &str, name: &str) -> String {
    format!("{client} {name}")
}

fn definition() -> (Value, Value) {
    let exact = |name: &str| json!({ "name": name, "type": "string", "caseExact": true });
    let mut attributes: Vec<Value> = ["client", "user", "nameId", "named", "status", "fields"]
        .map(exact)
        .into();
    attributes.push(json!({
        "name": "pair", "type": "string", "required": true, "caseExact": true,
        "uniqueness": "server",
    }));
    attributes.push(json!({ "name": "activated", "type": "dateTime" }));
    let description = "A user of an application";
    own_type::definition(TYPE, SCHEMA, description, &attributes, &["named"])
}

/// The type, once a tenant has any of it.
fn of(catalogue: &Catalogue) -> Option<&ResourceType> {
    let known = catalogue.resource_type(TYPE);
    known.filter(|it| it.schema.id == SCHEMA)
}

/// Sees to it that there is a place for what is written.
pub(super) async fn equip(call: &mut Call<'_>) -> Result<(), Failure> {
    if of(&call.scope.catalogue).is_none() {
        let adopted = call
            .app
            .directory
            .adopt(&call.scope, &[], &[definition()])
            .await?;
        call.scope.catalogue = adopted;
    }
    Ok(())
}

/// Those that a filter selects, two at most.
async fn select(call: &Call<'_>, filter: &str) -> Result<Vec<Found>, Failure> {
    let Some(own) = of(&call.scope.catalogue) else {
        return Ok(Vec::new());
    };
    let filter = Filter::parse(filter, &Limits::default()).map_err(Error::from)?;
    let condition = filter.resolve(own, &[], &Tolerance::generic());
    let selection = Selection {
        resource_type: TYPE.to_owned(),
        condition: Some(condition.map_err(Error::from)?),
        sort: None,
    };
    let page = Page::Index {
        offset: 0,
        count: 2,
    };
    let directory = call.directory();
    let found = directory.select(&call.scope, selection, page, Want::default());
    Ok(found.await?.items)
}

/// The user that the application calls by a name.
pub(super) async fn named(
    call: &Call<'_>,
    client: &str,
    name: &str,
) -> Result<Option<Assignment>, Failure> {
    let key = Value::from(naming(client, name));
    let found = select(call, &format!("named eq {key}")).await?;
    present(call, found.first()).await
}

/// The assignment of a user of the directory.
pub(super) async fn of_user(
    call: &Call<'_>,
    client: &str,
    user: &str,
) -> Result<Option<Assignment>, Failure> {
    let key = Value::from(pair(user, client));
    let found = select(call, &format!("pair eq {key}")).await?;
    present(call, found.first()).await
}

/// Whether a user is assigned to no application.
pub(super) async fn is_without(call: &Call<'_>, user: &str) -> Result<bool, Failure> {
    let key = Value::from(format!("{user} "));
    Ok(select(call, &format!("pair sw {key}")).await?.is_empty())
}

/// An assignment whose user is still there.
async fn present(call: &Call<'_>, found: Option<&Found>) -> Result<Option<Assignment>, Failure> {
    let assignment = found.and_then(Assignment::of);
    let Some(assignment) = assignment else {
        return Ok(None);
    };
    let user = user(call, &assignment).await?;
    Ok(user.map(|_| assignment))
}

/// The user of the directory; the assignment of one that is gone ends.
async fn user(call: &Call<'_>, assignment: &Assignment) -> Result<Option<Found>, Failure> {
    let name = Kind::User.name();
    let users = call.scope.catalogue.resource_type(name);
    let users = users.ok_or(Error::Outdated)?;
    let directory = call.directory();
    let found = directory.get(&call.scope, users, &assignment.user, Want::default());
    match found.await {
        Ok(user) => Ok(Some(user)),
        Err(Error::NotFound { .. }) => {
            delete(call, &assignment.id).await?;
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The one of that identifier, if it is the application's, with the user of the directory.
pub(super) async fn read(
    call: &Call<'_>,
    client: &str,
    id: &str,
) -> Result<Option<(Assignment, Found)>, Failure> {
    let Some((found, _)) = kept(call, id).await? else {
        return Ok(None);
    };
    let assignment = Assignment::of(&found);
    let Some(assignment) = assignment.filter(|it| it.client == client) else {
        return Ok(None);
    };
    let user = user(call, &assignment).await?;
    Ok(user.map(|user| (assignment, user)))
}

async fn kept<'c>(
    call: &'c Call<'_>,
    id: &str,
) -> Result<Option<(Found, &'c ResourceType)>, Failure> {
    let Some(own) = of(&call.scope.catalogue) else {
        return Ok(None);
    };
    let found = call.directory().get(&call.scope, own, id, Want::default());
    match found.await {
        Ok(found) => Ok(Some((found, own))),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Keeps a new one, and commits changes `beside` it; `false` where the user is assigned to the
/// application already, and nothing is done.
pub(super) async fn create(
    call: &Call<'_>,
    new: &Assignment,
    beside: Vec<Change>,
) -> Result<bool, Failure> {
    let own = of(&call.scope.catalogue).ok_or(Error::Conflict)?;
    let tolerance = Tolerance::generic();
    let created = call.directory().create_as(
        &call.scope,
        own,
        new.id.clone(),
        new.document(),
        &tolerance,
        Want::default(),
        beside,
    );
    match created.await {
        Ok(_) => Ok(true),
        Err(Error::Taken { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A new one as changes, to be committed with the user.
pub(super) async fn creation(call: &Call<'_>, new: &Assignment) -> Result<Vec<Change>, Failure> {
    let own = of(&call.scope.catalogue).ok_or(Error::Conflict)?;
    let (id, tolerance) = (new.id.clone(), Tolerance::generic());
    let directory = call.directory();
    let creation = directory.creation(&call.scope, own, id, new.document(), &tolerance);
    Ok(creation.await?)
}

/// Commits what `compute` makes of one, computed again while others overtake it.
pub(super) async fn change(
    call: &Call<'_>,
    id: &str,
    compute: impl Fn(&mut Assignment),
) -> Result<(), Failure> {
    for _ in 0..MAX_ATTEMPTS {
        let (found, own) = kept(call, id).await?.ok_or_else(super::nothing)?;
        let mut assignment = Assignment::of(&found).ok_or_else(super::nothing)?;
        compute(&mut assignment);
        let edit = Edit {
            resource_type: own,
            id,
            expect: &Expect::Any,
            self_service: false,
            body: Ok(assignment.document()),
            tolerance: &Tolerance::generic(),
            want: Want::default(),
            beside: Vec::new(),
        };
        let replaced = call.directory().supersede(&call.scope, found, &edit, true);
        if replaced.await?.is_some() {
            return Ok(());
        }
    }
    Err(Error::Conflict.into())
}

/// Ends one, if it is there.
pub(super) async fn delete(call: &Call<'_>, id: &str) -> Result<(), Failure> {
    let Some(own) = of(&call.scope.catalogue) else {
        return Ok(());
    };
    match call
        .directory()
        .delete(&call.scope, own, id, &Expect::Any)
        .await
    {
        Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
