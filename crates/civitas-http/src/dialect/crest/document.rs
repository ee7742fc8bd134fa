//! Configurations that clients keep: documents by an identifier, which may have several
//! segments. They have no revision. Nothing here acts on them but on those of custom endpoints.

use civitas_directory::{Error, Outcome, Role};
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};

use super::{
    call::Call,
    fault::{Failure, Fault},
    kept::{self, Kind, member},
    patch,
    place::Place,
    realm,
    request::Verb,
};
use crate::reply::Reply;

type Object = Map<String, Value>;

/// Longest identifier, in bytes.
const MAX_ID: usize = 255;

/// What the rules for passwords of the users of a realm are called, which are the service's own.
const FIELD_POLICY: &str = "fieldPolicy/";

/// What is told of an operation that nobody may do.
pub(super) const CLOSED: &str =
    "This operation is not available in PingOne Advanced Identity Cloud.";

/// Whether everybody may read the configuration of that identifier, signed in or not.
pub(super) fn is_public(id: &str) -> bool {
    id == "ui/themerealm" || id.starts_with("uilocale/")
}

/// The users whose rules for passwords the configuration of that identifier tells.
fn ruled(id: &str) -> Option<&str> {
    let users = id.strip_prefix(FIELD_POLICY)?;
    let (_, rest) = realm::split(users)?;
    (rest == "user").then_some(users)
}

/// Whether whoever is signed in may read the configuration of that identifier.
pub(super) fn is_open(id: &str) -> bool {
    is_public(id) || ruled(id).is_some()
}

/// Answers a request to one of them.
pub(super) async fn item(call: &mut Call<'_>, id: &str) -> Result<Reply, Failure> {
    check_caller(call, id)?;
    let known = match ruled(id) {
        Some(users) => Some(field_policy(users)),
        None => find(call, id).await?,
    };
    let missing = || Failure::from(Fault::new(Outcome::NotFound, "Not Found"));
    match call.request.verb.clone() {
        Verb::Read => Ok(shown(
            call,
            id,
            Outcome::Answered,
            known.ok_or_else(missing)?,
        )),
        Verb::CreateAs if known.is_some() => {
            let text = format!(
                "Can not create a new configuration with ID {id}, as there is one with that ID"
            );
            Err(Fault::precondition(text).into())
        }
        Verb::Update if known.is_none() => Err(missing()),
        Verb::CreateAs | Verb::Update | Verb::Upsert => {
            let sent = call.request.body.as_object().cloned().unwrap_or_default();
            put(call, id, known, content(sent)).await
        }
        Verb::Patch => {
            let mut changed = known.clone().ok_or_else(missing)?;
            for operation in patch::read(&call.request.body)? {
                operation.apply(&mut changed)?;
            }
            put(call, id, known, content(changed)).await
        }
        Verb::Delete => {
            let last = known.ok_or_else(missing)?;
            check_open(id)?;
            check_condition(call)?;
            let deleted = call.shelf().delete(Kind::Configuration, id).await?;
            deleted.ok_or_else(missing)?;
            Ok(shown(call, id, Outcome::Answered, last))
        }
        Verb::Action(action) => {
            Err(Fault::invalid(format!("Action {action} is not supported.")).into())
        }
        verb => {
            let (path, participle) = (call.path, verb.participle());
            let text = format!("The resource instance {path} cannot be {participle}");
            Err(Fault::invalid(text).into())
        }
    }
}

/// Administrators alone see configurations, but for what everybody needs; and what is the
/// service's own is not shown to service accounts.
fn check_caller(call: &Call<'_>, id: &str) -> Result<(), Fault> {
    let reads = call.request.verb.reads() && is_open(id);
    let may = call.caller.roles.allow(Role::Administer) || reads;
    if may && (call.caller.scopes.is_none() || !id.starts_with("fidc/")) {
        Ok(())
    } else {
        Err(Fault::forbidden())
    }
}

/// Refuses to change what is the service's own.
fn check_open(id: &str) -> Result<(), Fault> {
    if ruled(id).is_some() {
        return Err(Fault::new(Outcome::NotAllowed, CLOSED));
    }
    if id.len() > MAX_ID {
        let text = format!("The identifier of a configuration has {MAX_ID} bytes at most");
        return Err(Fault::invalid(text));
    }
    Ok(())
}

/// A configuration has no revision that it could be required to have.
fn check_condition(call: &Call<'_>) -> Result<(), Fault> {
    match call.request.if_match.as_deref() {
        None | Some("*") => Ok(()),
        Some(_) => Err(Fault::precondition("Configurations have no revision")),
    }
}

async fn put(
    call: &mut Call<'_>,
    id: &str,
    known: Option<Object>,
    document: Object,
) -> Result<Reply, Failure> {
    check_condition(call)?;
    // Clients that write everything back write this back, too.
    if known.as_ref() == Some(&document) {
        return Ok(shown(call, id, Outcome::Answered, document));
    }
    check_open(id)?;
    kept::equip(&call.app.directory, &mut call.scope, Kind::Configuration).await?;
    let shelf = call.shelf();
    let is_new = known.is_none();
    let stored = shelf.put(Kind::Configuration, id, &document, is_new);
    if !stored.await? {
        // Another request created or deleted it in between.
        return Err(Error::Conflict.into());
    }
    let outcome = if is_new {
        Outcome::Created
    } else {
        Outcome::Answered
    };
    Ok(shown(call, id, outcome, document))
}

async fn find(call: &Call<'_>, id: &str) -> Result<Option<Object>, Failure> {
    let shelf = call.shelf();
    match shelf.find(Kind::Configuration, id).await? {
        Some(kept) => shelf.opened(Kind::Configuration, &kept.object()).map(Some),
        None => Ok(None),
    }
}

/// The configuration of a custom endpoint.
pub(super) async fn endpoint(call: &Call<'_>, name: &str) -> Result<Option<Object>, Failure> {
    find(call, &format!("endpoint/{name}")).await
}

/// All that the caller sees, with their identifiers.
pub(super) async fn all(call: &Call<'_>) -> Result<Vec<Object>, Failure> {
    let rules = realm::ALL.map(|realm| {
        let users = format!("{realm}_user");
        identified(&format!("{FIELD_POLICY}{users}"), field_policy(&users))
    });
    let mut all: Vec<Object> = rules.into();
    if !call.caller.roles.allow(Role::Administer) {
        return Ok(all);
    }
    let shelf = call.shelf();
    for kept in shelf.all(Kind::Configuration).await? {
        let id = member(&kept, "name").as_str().unwrap_or_default();
        if check_caller(call, id).is_ok() {
            all.push(identified(id, shelf.opened(Kind::Configuration, &kept)?));
        }
    }
    Ok(all)
}

/// What is kept of what is sent: all but what is about the document itself, and nulls.
fn content(mut sent: Object) -> Object {
    sent.retain(|name, _| name != "_id" && name != "_rev");
    sent
}

fn identified(id: &str, document: Object) -> Object {
    let mut object = Object::new();
    object.insert("_id".into(), id.into());
    object.extend(document);
    object
}

fn shown(call: &Call<'_>, id: &str, outcome: Outcome, document: Object) -> Reply {
    let object = identified(id, document);
    let object = call.request.parameters.fields.select(object);
    let reply = call.answer(outcome, &Value::Object(object));
    let reply = call.versioned(reply, Place::Configurations.served());
    if outcome != Outcome::Created {
        return reply;
    }
    // As the service builds it: what collects the last segment, and the whole identifier.
    let collection = call.whole_path.rsplit_once('/').map_or("", |(it, _)| it);
    let location = format!("{}{collection}/{id}", call.origin);
    match HeaderValue::try_from(location) {
        Ok(location) => reply.with(header::LOCATION, location),
        Err(_) => reply,
    }
}

/// The rules that passwords of users obey that are set here.
fn field_policy(users: &str) -> Object {
    let validator = |name: &str, kind: &str, rules: Value| {
        let mut validator = json!({
            "_id": format!("{users}PasswordPolicy-{name}-password-validator"),
            "enabled": true,
            "type": kind,
        });
        for (name, value) in rules.as_object().into_iter().flatten() {
            validator[name] = value.clone();
        }
        validator
    };
    let length = json!({ "maxPasswordLength": 0, "minPasswordLength": 8 });
    let attributes = json!({
        "checkSubstrings": true,
        "matchAttribute": ["mail", "userName", "givenName", "sn"],
        "minSubstringLength": 5,
        "testReversedPassword": true,
    });
    let sets = json!({
        "allowUnclassifiedCharacters": true,
        "characterSet": [
            "1:abcdefghijklmnopqrstuvwxyz",
            "1:ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "1:0123456789",
            "1:~!@#$%^&*()-_=+[]{}|;:,.<>/?\"'\\`",
        ],
    });
    let policy = json!({
        "passwordAttribute": "password",
        "resourceCollection": format!("managed/{users}"),
        "type": "password-policy",
        "validator": [
            validator("length-based", "length-based", length),
            validator("attribute-value", "attribute-value", attributes),
            validator("character-set", "character-set", sets),
        ],
    });
    policy.as_object().cloned().unwrap_or_default()
}
