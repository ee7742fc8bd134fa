//! `/environment`: variables and secrets that a tenant's configuration refers to, and what
//! takes them up. They are resources of the tenant like any other.

mod list;
mod secret;
mod startup;
mod variable;

pub(super) use secret::{secret, secrets, version, versions};
pub(super) use startup::{count, scopes, startup};
pub(super) use variable::{variable, variables};

use civitas_directory::Outcome;
use serde_json::Value;

use super::{
    call::Call,
    fault::{Failure, Fault},
    kept::{Kind, Object},
    place::Place,
    request::Verb,
};
use crate::{refusal::Refusal, reply::Reply};

/// Longest identifier after `esv-`.
const MAX_NAME: usize = 124;

/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 1_024;

/// What is told where nothing is.
pub(super) fn nothing(call: &Call<'_>) -> Failure {
    let message = format!("path {} was not found", call.whole_path);
    Fault::new(Outcome::UnknownPath, message).into()
}

/// What the path does not do.
fn unsupported(call: &Call<'_>, place: &Place<'_>) -> Failure {
    if let Verb::Action(action) = &call.request.verb {
        return Fault::invalid(format!("Action {action} is not supported.")).into();
    }
    let allow = place.methods().allow();
    Refusal::MethodNotAllowed { allow }.into()
}

/// Refuses an identifier of another form than `^esv-[a-z0-9_-]{1,124}$`.
fn check_id(id: &str) -> Result<(), Fault> {
    let name = id.strip_prefix("esv-").unwrap_or_default();
    let allowed = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"_-".contains(&it);
    if !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(mismatch(
        "_id: string doesn't match the pattern ^esv-[a-z0-9_-]{1,124}$",
    ))
}

fn mismatch(what: &str) -> Fault {
    Fault::invalid(format!(
        "request body has an error: doesn't match schema: {what}"
    ))
}

/// A text of the body; `None` where there is none.
fn text(body: &Value, name: &str) -> Result<Option<String>, Fault> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(mismatch(&format!("{name}: not a string"))),
    }
}

fn description(body: &Value) -> Result<Option<String>, Fault> {
    let text = text(body, "description")?;
    if text
        .as_ref()
        .is_some_and(|it| it.chars().count() > MAX_DESCRIPTION)
    {
        let text = format!("description: longer than {MAX_DESCRIPTION} characters");
        return Err(mismatch(&text));
    }
    Ok(text)
}

/// Answers `setDescription`; `None` where there is nothing of that name.
async fn describe(call: &Call<'_>, kind: Kind, id: &str) -> Result<Option<Reply>, Failure> {
    let description = description(&call.request.body)?;
    let description = description.ok_or_else(|| mismatch("description is missing"))?;
    let changed = call.shelf().change(kind, id, |object| {
        object.insert("description".into(), Value::from(description.as_str()));
        stamp(call, object);
        Ok(())
    });
    Ok(changed.await?.map(|_| empty()))
}

/// The value of the body, which is base64 (RFC 4648 §4).
fn value(body: &Value) -> Result<String, Fault> {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let text = text(body, "valueBase64")?;
    let text = text.ok_or_else(|| mismatch("valueBase64: property is missing"))?;
    match BASE64_STANDARD.decode(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err(mismatch("valueBase64: not base64")),
    }
}

/// Who changes something, and when.
fn stamp(call: &Call<'_>, object: &mut Object) {
    let by = call.caller.user.as_ref().unwrap_or(&call.caller.client_id);
    object.insert("lastChangedBy".into(), Value::from(by.as_str()));
    let at = call.scope.now.to_string();
    object.insert("lastChangeDate".into(), Value::from(at));
}

/// An answer without content, as actions on descriptions have it.
fn empty() -> Reply {
    Reply::empty(super::status::of(Outcome::Answered))
}
