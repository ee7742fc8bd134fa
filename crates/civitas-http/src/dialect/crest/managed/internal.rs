//! Internal roles (`/openidm/internal/role`): what callers may do in the service itself. Those
//! that the service has from the beginning are there though nothing is kept of them; the first
//! write that concerns internal roles keeps them, like roles that clients make.

use std::borrow::Cow;

use civitas_directory::{
    Catalogue, Error, Found, Outcome, Record, Role, Timestamp, Version,
    relationship::Side,
    store::{FoundPage, Position, Want},
};
use civitas_scim::{condition::Condition, tolerance::Tolerance};
use serde_json::{Value, json};

use super::{
    kind::{Collection, Kind},
    policy::Policy,
    property::{Home, Property, Shape},
    relation::Relation,
    user::relationship,
    view,
};
use crate::{
    dialect::crest::{
        call::Call,
        fault::{Failure, Fault},
        request::Verb,
    },
    own_type,
};

/// The collection, as in paths.
pub(in super::super) const COLLECTION: &str = "internal/role";

/// The schema of the resource type.
pub(super) const SCHEMA: &str = "urn:ietf:params:scim:schemas:extension:crest:2.0:InternalRole";

/// The relationship of users to such roles.
pub(super) const GRANTED: &str = "user.authzRoles";

/// Both ends of that relationship, as objects have it.
const GRANTS: [&str; 2] = ["authzRoles", "authzMembers"];

/// The role of those who may do everything.
const ADMINISTRATOR: &str = "openidm-admin";

/// The roles that are there from the beginning, and what they are for.
const BUILT_IN: [(&str, &str); 7] = [
    (ADMINISTRATOR, "Administrative access"),
    ("openidm-authorized", "Basic minimum user"),
    ("openidm-reg", "Anonymous access"),
    ("openidm-cert", "Authenticated via certificate"),
    (
        "openidm-tasks-manager",
        "Allowed to reassign workflow tasks",
    ),
    ("openidm-prometheus", "Prometheus access"),
    ("platform-provisioning", "Platform provisioning access"),
];

/// The properties, in the order of the schema.
pub(super) fn properties() -> &'static [Property] {
    const fn text(name: &'static str) -> Property {
        Property::new(name, Shape::Text, Home::Attribute(Cow::Borrowed(name)))
    }
    const fn list(name: &'static str) -> Property {
        let home = Home::Json {
            uri: None,
            attribute: name,
        };
        Property::new(name, Shape::List, home)
    }
    const ALL: &[Property] = &[
        text("name").required(),
        text("description"),
        text("condition").under(&[Policy::QueryFilter]),
        list("privileges"),
        list("temporalConstraints"),
        relationship("authzMembers"),
    ];
    ALL
}

/// The resource type and its schema.
pub(super) fn types() -> (Value, Value) {
    let text = |name: &str| json!({ "name": name, "type": "string" });
    let many = |name: &str| json!({ "name": name, "type": "string", "multiValued": true });
    let attributes = [
        json!({ "name": "name", "type": "string", "required": true }),
        text("description"),
        text("condition"),
        many("privileges"),
        many("temporalConstraints"),
    ];
    let about = "What a caller may do in the service";
    own_type::definition("InternalRole", SCHEMA, about, &attributes, &["name"])
}

/// Refuses to take away what the service has by itself, to limit it in time, and to let
/// anybody decide who may do what but administrators.
pub(super) fn check(call: &Call<'_>, collection: &str, id: Option<&str>) -> Result<(), Fault> {
    if call.request.verb.reads() {
        return Ok(());
    }
    let is_role = collection == COLLECTION;
    let concerns = is_role || is_named(&call.request.body);
    if concerns && !call.caller.roles.allow(Role::Administer) {
        return Err(Fault::forbidden());
    }
    let is_built_in = is_role && id.is_some_and(|id| built_in(id).is_some());
    let constraints = call.request.body.get("temporalConstraints");
    let limits = constraints.is_some_and(|it| it.as_array().is_none_or(|all| !all.is_empty()));
    if is_built_in && (limits || call.request.verb == Verb::Delete) {
        return Err(Fault::new(
            Outcome::NotAllowed,
            "A role that the service has by itself is neither deleted nor limited in time",
        ));
    }
    Ok(())
}

/// Refuses to let anybody decide who has internal roles but administrators, however the
/// relationship was named in what was sent.
pub(super) fn check_grant(call: &Call<'_>, relation: &Relation) -> Result<(), Fault> {
    let grants = GRANTS.contains(&relation.property);
    if grants && !call.caller.roles.allow(Role::Administer) {
        return Err(Fault::forbidden());
    }
    Ok(())
}

/// Whether what is sent for an object speaks of internal roles.
fn is_named(body: &Value) -> bool {
    let holds = |it: &Value| {
        let field = it["field"].as_str().unwrap_or_default();
        GRANTS.iter().any(|name| field.contains(name))
    };
    match body {
        Value::Object(object) => GRANTS.iter().any(|name| object.contains_key(*name)),
        Value::Array(operations) => operations.iter().any(holds),
        _ => false,
    }
}

/// Keeps the roles of the service, if a write concerns internal roles. The tenant has the type.
pub(super) async fn keep(call: &Call<'_>) -> Result<(), Failure> {
    let Some(collection) = Collection::named(COLLECTION, &call.scope.catalogue) else {
        return Ok(());
    };
    for (id, _) in BUILT_IN {
        if stored(call, &collection, id).await?.is_some() {
            continue;
        }
        let Some(role) = built_in(id) else { continue };
        let tolerance = Tolerance::generic();
        let created = call.directory().create_as(
            &call.scope,
            collection.resource_type,
            role.record.id.clone(),
            Value::Object(role.record.attributes()),
            &tolerance,
            Want::default(),
            Vec::new(),
        );
        match created.await {
            Ok(_) | Err(Error::Taken { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether the write concerns internal roles.
pub(super) fn is_concerned(call: &Call<'_>, collection: &str, relation: Option<&str>) -> bool {
    collection == COLLECTION || relation == Some("authzRoles") || is_named(&call.request.body)
}

/// The role of that identifier that the service has by itself, as long as nothing is kept of it.
pub(super) fn built_in(id: &str) -> Option<Found> {
    let mut all = BUILT_IN.iter();
    let (id, description) = all.find(|(it, _)| *it == id)?;
    let record_id = Kind::InternalRole.record_id(id);
    let document = json!({
        "schemas": [SCHEMA], "id": record_id, "name": id, "description": description,
    });
    Some(Found {
        record: Record {
            resource_type: Kind::InternalRole.resource_type().to_owned(),
            id: record_id,
            position: Position(-1),
            version: Version(0),
            created: Timestamp(0),
            modified: Timestamp(0),
            document: document.to_string(),
        },
        groups: None,
        members: None,
    })
}

/// Adds to what was found the roles of the service that meet the condition, too, and of which
/// nothing is kept yet.
pub(super) async fn complete(
    call: &Call<'_>,
    collection: &Collection<'_>,
    condition: Option<&Condition>,
    found: &mut FoundPage,
) -> Result<(), Failure> {
    for (id, _) in BUILT_IN {
        let Some(role) = built_in(id) else { continue };
        let meets = condition.is_none_or(|it| it.matches(&role.resource()));
        if meets && stored(call, collection, id).await?.is_none() {
            found.items.push(role);
            found.total += 1;
        }
    }
    Ok(())
}

async fn stored(
    call: &Call<'_>,
    collection: &Collection<'_>,
    id: &str,
) -> Result<Option<Found>, Failure> {
    let record = Kind::InternalRole.record_id(id);
    let found = call.directory().get(
        &call.scope,
        collection.resource_type,
        &record,
        Want::default(),
    );
    match found.await {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The identifiers of the internal roles that a user has.
pub(in super::super) async fn of_user(call: &Call<'_>, id: &str) -> Result<Vec<String>, Failure> {
    if !is_kept(&call.scope.catalogue) {
        return Ok(Vec::new());
    }
    let granted = view::others(call, Side::Of(id), GRANTED).await?;
    let ids = granted.iter().map(|it| Kind::InternalRole.object_id(it));
    Ok(ids.map(Cow::into_owned).collect())
}

fn is_kept(catalogue: &Catalogue) -> bool {
    let known = catalogue.resource_type(Kind::InternalRole.resource_type());
    known.is_some_and(|it| it.schema.id == SCHEMA)
}

/// Whether a user may do everything, by an internal role that it has.
pub(in super::super) async fn is_administrator(
    call: &Call<'_>,
    user: &str,
) -> Result<bool, Failure> {
    let roles = of_user(call, user).await?;
    Ok(roles.iter().any(|it| it == ADMINISTRATOR))
}
