//! What a request makes of a user or a group, computed and checked. Pure but for the URLs that
//! answers show.

use civitas_directory::{
    Change, Expect, Found, Outcome,
    change::Proof,
    credential::{CredentialChange, PasswordStatus},
};
use civitas_scim::{
    Attributes, Invalid, ScimType,
    messages::{PatchRequest, urn::PATCH_OP},
    patch::{self, Op, Operation},
    resource::{self, Accepted},
    schema::Mutability,
    tolerance::Tolerance,
};
use serde_json::{Map, Value, json};

use super::{
    call::{Call, tag},
    condition, credential,
    custom::{self, Custom},
    fault::Fault,
    id,
    kind::Kind,
    object::{self, Object},
    resource::Item,
    rules,
    schema::SELF_CHANGE,
    show, status,
};
use crate::attribute::Attribute;
use crate::difference;

/// What a client sends to change a resource.
pub(super) enum Sent {
    /// PUT
    Whole(Value),
    /// PATCH
    Operations(Vec<Operation>),
    /// Whether an administrator locks a user.
    Lock(bool),
    /// A password that is good until the first logon.
    Password(String),
}

/// What comes of it, in SCIM's words.
pub(super) enum Computed {
    /// A resource as a whole, its members among it.
    Whole(Value),
    /// A new state of what is kept of a user.
    State(Value),
    /// Operations on what is kept of a group.
    Operations {
        on_state: Vec<Value>,
        on_members: Vec<Value>,
    },
}

impl Computed {
    pub(super) fn is_members_only(&self) -> bool {
        match self {
            Self::Operations { on_state, .. } => on_state.is_empty(),
            Self::Whole(_) | Self::State(_) => false,
        }
    }

    /// The body of the request to the directory.
    pub(super) fn body(&self) -> Value {
        match self {
            Self::Whole(body) | Self::State(body) => body.clone(),
            Self::Operations {
                on_state,
                on_members,
            } => {
                let all: Vec<&Value> = on_state.iter().chain(on_members).collect();
                json!({ "schemas": [PATCH_OP], "Operations": all })
            }
        }
    }
}

/// The operations of a patch.
pub(super) fn operations(body: &Value) -> Result<Vec<Operation>, Fault> {
    let operations = PatchRequest::parse(body, &Tolerance::generic()).map_err(worded)?;
    for operation in &operations {
        if operation.op == Op::Remove && operation.path.is_none() {
            let id = "error.common.validation.invalidPatchPath";
            return Err(Fault::invalid(id, "The remove operation needs a path."));
        }
    }
    Ok(operations.into_iter().map(unwrapped).collect())
}

/// An element that is selected may be replaced by an array of one.
fn unwrapped(mut operation: Operation) -> Operation {
    let selects = operation
        .path
        .as_deref()
        .is_some_and(|it| it.ends_with(']'));
    if operation.op == Op::Replace
        && selects
        && let Some(Value::Array(elements)) = &mut operation.value
        && elements.len() == 1
    {
        operation.value = elements.pop();
    }
    operation
}

/// The body with which the directory creates what a client has sent.
pub(super) fn created(
    kind: Kind,
    mut body: Value,
    actor: &str,
    custom: Option<&Custom>,
) -> Result<Value, Fault> {
    let added = custom.and_then(|_| custom::take(&mut body));
    let accepted = accepted(kind, body)?;
    let mut object = accepted.attributes;
    if kind == Kind::User {
        object.entry("active").or_insert(Value::Bool(true));
    }
    rules::complete(kind, &mut object, true);
    rules::check(kind, &Object::new(), &object)?;
    if kind == Kind::User {
        rules::check_emails(object.get("emails"))?;
    }
    let mut kept = kept(kind, &object, actor);
    let password = accepted.secrets.get("password");
    kept.extend(password.map(|it| ("password".to_owned(), it.clone())));
    let members = object.get("members").map(members);
    kept.extend(members.map(|it| ("members".to_owned(), it)));
    custom::set(custom, added, None, &mut kept)?;
    Ok(Value::Object(kept))
}

/// What a client has sent for a new resource, with all that it must have.
pub(super) fn accepted(kind: Kind, body: Value) -> Result<Accepted, Fault> {
    let body = prepared(kind, body)?;
    let accepted = resource::create(body, "", kind.view(), &Tolerance::generic());
    let mut accepted = accepted.map_err(worded)?;
    accepted.attributes.shift_remove("ocid");
    rules::check_required(kind, &accepted.attributes, true)?;
    Ok(accepted)
}

/// What is kept of a new resource, with who made it.
pub(super) fn kept(kind: Kind, object: &Object, actor: &str) -> Attributes {
    let mut kept = object::changed(kind, Attributes::new(), &Object::new(), object);
    object::sign(kind, &mut kept, actor);
    kept.insert("schemas".into(), json!([kind.schemas()[0].uri]));
    kept
}

/// What a request makes of the state that was read.
pub(super) fn computed(
    call: &Call<'_>,
    item: &Item<'_>,
    old: &Found,
    sent: &Sent,
    custom: Option<&Custom>,
) -> Result<Computed, Fault> {
    let kept = old.record.attributes();
    let mut before = object::of(item.kind, &kept);
    let ocid = id::ocid(item.kind.name(), &old.record.id);
    before.insert("ocid".to_owned(), ocid.into());
    match sent {
        Sent::Password(password) => {
            let mut state = kept;
            state.insert("password".to_owned(), password.as_str().into());
            Ok(Computed::State(Value::Object(state)))
        }
        Sent::Lock(locked) => Ok(Computed::State(Value::Object(object::locked(
            kept,
            *locked,
            call.scope.now,
        )))),
        Sent::Whole(body) => {
            let mut body = body.clone();
            let added = custom.and_then(|_| custom::take(&mut body));
            let had = kept.clone();
            let mut state = replaced(call, item, old, kept, &before, body)?;
            custom::set(custom, added, Some(&had), &mut state)?;
            Ok(Computed::Whole(Value::Object(state)))
        }
        Sent::Operations(operations) if item.kind == Kind::Group => {
            patched_group(kept, &before, operations.clone())
        }
        Sent::Operations(operations) => {
            let (added, operations) = match custom {
                Some(_) => custom::split(operations),
                None => (Vec::new(), operations.clone()),
            };
            let patched = applied(item.kind, &before, &operations)?;
            if item.kind.is_credential() {
                let said = says_self_change(&patched.secrets);
                credential::check_self_change(call, item, &kept, said)?;
            } else {
                check_self_change(call, item, &patched.secrets)?;
            }
            let mut state = state(item.kind, kept, &before, &patched)?;
            if let Some(custom) = custom.filter(|_| !added.is_empty()) {
                custom::patch(custom, &added, &mut state)?;
            }
            Ok(Computed::State(Value::Object(state)))
        }
    }
}

fn state(
    kind: Kind,
    kept: Attributes,
    before: &Object,
    patched: &patch::Patched,
) -> Result<Attributes, Fault> {
    rules::check_required(kind, &patched.attributes, false)?;
    rules::check(kind, before, &patched.attributes)?;
    let mut state = object::changed(kind, kept, before, &patched.attributes);
    let password = patched.secrets.get("password");
    state.extend(password.map(|it| ("password".to_owned(), it.clone())));
    Ok(state)
}

fn replaced(
    call: &Call<'_>,
    item: &Item<'_>,
    old: &Found,
    kept: Attributes,
    before: &Object,
    body: Value,
) -> Result<Attributes, Fault> {
    let kind = item.kind;
    let body = prepared(kind, body)?;
    let now = show::whole(call, kind, old, None, item.me);
    check_read_only(kind, &body, &now)?;
    let accepted = resource::replace(&body, before, kind.view(), &Tolerance::generic());
    let accepted = accepted.map_err(worded)?;
    check_self_change(call, item, &accepted.secrets)?;
    let mut object = accepted.attributes;
    drop_shown(&mut object, before, &now);
    rules::check_required(kind, &object, false)?;
    let has_other_emails = object.get("emails") != before.get("emails");
    rules::complete(kind, &mut object, has_other_emails);
    rules::check(kind, before, &object)?;
    let mut state = object::changed(kind, kept, before, &object);
    let password = accepted.secrets.get("password");
    state.extend(password.map(|it| ("password".to_owned(), it.clone())));
    if kind == Kind::Group {
        let members = object.get("members").map_or_else(|| json!([]), members);
        state.insert("members".to_owned(), members);
    }
    Ok(state)
}

/// Takes out what is sent back as it was shown although nobody has set it.
fn drop_shown(object: &mut Object, before: &Object, now: &Object) {
    let is_shown = |name: &str, value: &Value, before: Option<&Object>, now: Option<&Object>| {
        let is_set = before.is_some_and(|it| it.contains_key(name));
        !is_set && now.and_then(|it| it.get(name)) == Some(value)
    };
    object.retain(|name, value| {
        let (was, is) = (before.get(name), now.get(name));
        if let (Value::Object(inner), true) = (&mut *value, name.contains(':')) {
            let (was, is) = (
                was.and_then(Value::as_object),
                is.and_then(Value::as_object),
            );
            inner.retain(|name, value| !is_shown(name, value, was, is));
            return !inner.is_empty();
        }
        !is_shown(name, value, Some(before), Some(now))
    });
}

/// A patch of a group: what it makes of the state, and of the members, which are kept apart.
fn patched_group(
    kept: Attributes,
    before: &Object,
    operations: Vec<Operation>,
) -> Result<Computed, Fault> {
    let (mut on_members, mut others) = (Vec::new(), Vec::new());
    for mut operation in operations {
        match operation.path.as_deref() {
            Some(path) if names_members(path) => on_members.push(on_member(operation)?),
            Some(_) => others.push(operation),
            None => {
                let value = operation.value.as_mut().and_then(Value::as_object_mut);
                let name = value.as_ref().and_then(|it| {
                    let mut names = it.keys();
                    names.find(|it| it.eq_ignore_ascii_case("members")).cloned()
                });
                let members = value
                    .zip(name)
                    .and_then(|(it, name)| it.shift_remove(&name));
                let op = operation.op;
                if let Some(value) = members {
                    on_members.push(on_member(Operation {
                        op,
                        path: Some("members".to_owned()),
                        value: Some(value),
                    })?);
                }
                let is_left = operation.value.as_ref().and_then(Value::as_object);
                if is_left.is_none_or(|it| !it.is_empty()) {
                    others.push(operation);
                }
            }
        }
    }
    if others.is_empty() {
        let on_state = Vec::new();
        return Ok(Computed::Operations {
            on_state,
            on_members,
        });
    }
    let patched = applied(Kind::Group, before, &others)?;
    let was = kept.clone();
    let is = state(Kind::Group, kept, before, &patched)?;
    let on_state = difference::operations(&was, &is);
    Ok(Computed::Operations {
        on_state,
        on_members,
    })
}

/// Whether a path begins with the members of a group.
fn names_members(path: &str) -> bool {
    let head = path.split(['[']).next().unwrap_or_default();
    let name = head.rsplit(':').next().unwrap_or_default();
    let name = name.split('.').next().unwrap_or_default();
    name.eq_ignore_ascii_case("members")
}

fn on_member(operation: Operation) -> Result<Value, Fault> {
    let path = condition::members_path(operation.path.as_deref().unwrap_or_default())?;
    let op = match operation.op {
        Op::Add => "add",
        Op::Remove => "remove",
        Op::Replace => "replace",
    };
    let mut on = json!({ "op": op, "path": path });
    if let Some(value) = operation.value.filter(|it| !it.is_null()) {
        on["value"] = members(&value);
    }
    Ok(on)
}

/// Members as they are kept: by identifier, which an OCID stands for, too.
fn members(value: &Value) -> Value {
    let one = |member: &Value| {
        let named = member.get("value").or_else(|| member.get("ocid"));
        match named.and_then(Value::as_str) {
            Some(text) => {
                let of = member.get("type").cloned();
                let mut kept = json!({ "value": id::kept(text) });
                if let Some(of) = of.filter(|it| !it.is_null()) {
                    kept["type"] = of;
                }
                kept
            }
            None => member.clone(),
        }
    };
    match value {
        Value::Array(all) => all.iter().map(one).collect(),
        member => json!([one(member)]),
    }
}

/// What operations make of a resource.
fn applied(kind: Kind, before: &Object, operations: &[Operation]) -> Result<patch::Patched, Fault> {
    let view = kind.view();
    let tolerance = Tolerance::generic();
    let steps = patch::steps(operations, view, "", &tolerance).map_err(worded)?;
    for step in &steps {
        let known = kind.attribute(step.extension.as_deref(), &step.attribute);
        let sub = known.zip(step.sub_attribute.as_deref());
        let sub = sub.and_then(|(it, name)| it.sub(name));
        let is_fixed = |it: &Attribute| it.mutability == Mutability::ReadOnly;
        if known.is_some_and(is_fixed) || sub.is_some_and(is_fixed) {
            return Err(Fault::read_only(&path_of(step)));
        }
        if known.is_some_and(|it| it.required) && step.op == Op::Remove {
            return Err(Fault::missing(&[path_of(step)]));
        }
    }
    patch::apply(before, &steps, view, &tolerance).map_err(worded)
}

fn path_of(step: &patch::Step) -> String {
    let mut path = step
        .extension
        .as_ref()
        .map_or_else(String::new, |it| format!("{it}:"));
    path.push_str(&step.attribute);
    if let Some(sub) = &step.sub_attribute {
        path.push('.');
        path.push_str(sub);
    }
    path
}

/// A whole resource with `schemas`, and with attributes of extensions where they belong that
/// stand beside the others under their full names.
fn prepared(kind: Kind, body: Value) -> Result<Value, Fault> {
    let Value::Object(body) = body else {
        return Err(Fault::payload("The request body is not a JSON object."));
    };
    let base = kind.schemas()[0].uri;
    let schemas = body.get("schemas").and_then(Value::as_array);
    if schemas.is_none_or(Vec::is_empty) {
        let mut missing = vec!["schemas".to_owned()];
        let absent = kind
            .base()
            .filter(|it| it.required && !body.contains_key(it.name));
        missing.extend(absent.map(|it| it.name.to_owned()));
        return Err(Fault::missing(&missing));
    }
    let names = |it: &Value| it.as_str().is_some_and(|it| it.eq_ignore_ascii_case(base));
    if !schemas.into_iter().flatten().any(names) {
        return Err(Fault::payload(format!(
            "The schemas attribute must hold {base}."
        )));
    }
    let mut sorted = Map::with_capacity(body.len());
    for (name, value) in body {
        let of = name.rsplit_once(':').and_then(|(uri, name)| {
            let schema = kind.extension(uri)?;
            Some((schema.uri, name))
        });
        let whole = kind.extension(&name).is_some();
        match of.filter(|_| !whole) {
            None => {
                sorted.insert(name, value);
            }
            Some((uri, name)) => {
                let inner = sorted.entry(uri).or_insert_with(|| json!({}));
                if let Value::Object(inner) = inner {
                    inner.insert(name.to_owned(), value);
                }
            }
        }
    }
    trim(&mut sorted);
    // Later, elements that are the same have become one.
    rules::check_elements(kind, &sorted)?;
    Ok(Value::Object(sorted))
}

/// Texts are kept without blanks around them, passwords as they are.
fn trim(object: &mut Map<String, Value>) {
    for (name, value) in object.iter_mut() {
        if !name.eq_ignore_ascii_case("password") {
            trimmed(value);
        }
    }
}

fn trimmed(value: &mut Value) {
    match value {
        Value::String(text) if text.trim().len() < text.len() => *text = text.trim().to_owned(),
        Value::Array(elements) => elements.iter_mut().for_each(trimmed),
        Value::Object(members) => members.values_mut().for_each(trimmed),
        _ => {}
    }
}

/// Refuses what only the service sets, unless it is sent back as it was read.
fn check_read_only(kind: Kind, body: &Value, now: &Object) -> Result<(), Fault> {
    // What changes with every write is nothing that a client could keep up with.
    const MOVING: [&str; 5] = [
        "meta",
        "idcsLastModifiedBy",
        "schemas",
        "groups",
        "deleteInProgress",
    ];
    let sent = body.as_object().into_iter().flatten();
    for (name, value) in sent.filter(|(_, it)| !it.is_null()) {
        let fixed = kind
            .attribute(None, name)
            .filter(|it| it.mutability == Mutability::ReadOnly);
        if let Some(attribute) = fixed
            && !MOVING.contains(&attribute.name)
            && !agrees(value, now.get(attribute.name))
        {
            return Err(Fault::read_only(attribute.name));
        }
        if let (Some(schema), Value::Object(inner)) = (kind.extension(name), value) {
            for (name, value) in inner {
                let known = schema.attribute(name);
                let fixed = known.filter(|it| it.mutability == Mutability::ReadOnly);
                let of = now.get(schema.uri);
                if let Some(attribute) = fixed
                    && !agrees(value, of.and_then(|it| it.get(attribute.name)))
                {
                    return Err(Fault::read_only(&format!(
                        "{}:{}",
                        schema.uri, attribute.name
                    )));
                }
            }
        }
    }
    let created = |it: &Value| it.get("created").cloned();
    let meta = body.get("meta").and_then(created);
    if meta.is_some_and(|it| Some(it) != now.get("meta").and_then(created)) {
        return Err(Fault::read_only("meta.created"));
    }
    let ids = |it: &Value| -> Vec<String> {
        let elements = it.as_array().into_iter().flatten();
        let ids = elements.filter_map(|it| it.get("value")?.as_str().map(str::to_owned));
        let mut ids: Vec<_> = ids.collect();
        ids.sort();
        ids
    };
    let groups = body.get("groups").filter(|it| !it.is_null());
    let is = now.get("groups").map(ids).unwrap_or_default();
    if groups.is_some_and(|it| ids(it) != is) {
        return Err(Fault::read_only("groups"));
    }
    Ok(())
}

/// Whether all of what is sent is so.
fn agrees(sent: &Value, now: Option<&Value>) -> bool {
    match (sent, now) {
        (Value::Null, _) => true,
        (Value::Object(sent), Some(Value::Object(now))) => sent
            .iter()
            .all(|(name, value)| agrees(value, now.get(name))),
        (sent, Some(now)) => sent == now,
        // Of what is not told nothing is known.
        (_, None) => false,
    }
}

/// Who changes itself as an administrator does must say so.
fn check_self_change(call: &Call<'_>, item: &Item<'_>, secrets: &Attributes) -> Result<(), Fault> {
    let is_self = call.caller.user.as_deref() == Some(item.id);
    if item.me || !is_self || says_self_change(secrets) {
        return Ok(());
    }
    Err(Fault::self_change())
}

/// Whether a body says that its sender means to change itself.
pub(super) fn says_self_change(secrets: &Attributes) -> bool {
    let said = secrets.get(SELF_CHANGE);
    let said = said.and_then(|it| it.get("allowSelfChange"));
    said == Some(&Value::Bool(true))
}

impl Sent {
    /// What changes beside the resource.
    pub(super) fn beside(&self, id: &str) -> Vec<Change> {
        let change = match self {
            Self::Lock(locked) => CredentialChange::Bar(*locked),
            Self::Password(_) => CredentialChange::Status(PasswordStatus::Initial),
            Self::Whole(_) | Self::Operations(_) => return Vec::new(),
        };
        vec![Change::Credential(Proof {
            id: id.to_owned(),
            change,
        })]
    }

    /// Refuses a whole resource that was read in another state, where no header field says
    /// which one is meant.
    pub(super) fn check_version(
        &self,
        item: &Item<'_>,
        old: &Found,
        expect: &Expect,
    ) -> Result<(), Fault> {
        let Self::Whole(body) = self else {
            return Ok(());
        };
        let stated = body.get("meta").and_then(|it| it.get("version"));
        let Some(stated) = stated.and_then(Value::as_str) else {
            return Ok(());
        };
        if *expect != Expect::Any || stated == tag(old.record.version) {
            return Ok(());
        }
        let (name, id) = (item.kind.name(), id::shown(item.id));
        let message_id = "error.common.exception.versionMismatch";
        let detail = format!("The version of {name} {id} does not match.");
        Err(Fault::new(Outcome::Overtaken, message_id, detail))
    }
}

/// What the rules of SCIM refuse, as the service tells it.
pub(super) fn worded(invalid: Invalid) -> Fault {
    if invalid.scim_type == ScimType::Mutability && invalid.detail.contains("immutable") {
        let path = invalid.detail.split(" is immutable").next();
        let path = path
            .and_then(|it| it.rsplit(' ').next())
            .unwrap_or_default();
        return Fault::immutable(path);
    }
    Fault::invalid(status::of_keyword(invalid.scim_type), invalid.detail)
}
