//! `POST /service/users`: a user of the directory, old or new, becomes one of the application's.

use std::collections::HashMap;

use civitas_directory::{Found, Outcome, Timestamp, store::Want};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::{
    assignment::{self, Assignment, Status},
    located, nothing,
    xml::{SAP_USER, profile_status},
};
use crate::{
    dialect::sap::{
        call::Call,
        fault::{Failure, Fault},
        identity, number,
    },
    form,
    reply::Reply,
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Most characters of names.
const MOST_CHARS: [(&str, usize); 2] = [("last_name", 64), ("first_name", 32)];

/// How often it is tried while others register or delete the same user.
const ATTEMPTS: usize = 5;

pub(crate) async fn register(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let form = read(call)?;
    let query = call.parameter("applicationId").map(str::to_owned);
    let named = form.get("applicationId").or(query.as_ref());
    let client = super::application(call, named.map(String::as_str))?.to_owned();
    for name in ["valid_from", "valid_to"] {
        if form.get(name).is_some_and(|it| !is_instant(it)) {
            return Err(Fault::plain("").into());
        }
    }
    assignment::equip(call).await?;
    for _ in 0..ATTEMPTS {
        let known = known(call, &form).await?;
        let is_new = known.is_none();
        let user = match known {
            Some(user) if profile_status(&user) == Status::Inactive => {
                return Err(Fault::plain("").into());
            }
            Some(user) => user,
            // Who is new is written to, which is not built.
            None if sends_mail(&form) => {
                return Err(Fault::new(Outcome::NotBuilt, "Mail is not built yet.").into());
            }
            None => match new_profile(call, &form).await? {
                Some(user) => user,
                None => continue,
            },
        };
        let assignment = assignment(call, &client, &user, &form);
        if assignment::create(call, &assignment).await? {
            return created(call, &assignment, is_new);
        }
        if let Some(there) = assignment::of_user(call, &client, &user.record.id).await? {
            let conflict = Reply::empty(StatusCode::CONFLICT);
            return Ok(located(call, conflict, &there.id));
        }
    }
    Err(civitas_directory::Error::Conflict.into())
}

/// The fields of the form that have a value. Of several with a name the last one counts.
fn read(call: &Call<'_>) -> Result<HashMap<String, String>, Failure> {
    let text = std::str::from_utf8(&call.body).ok();
    let pairs = text.and_then(form::pairs).ok_or_else(Fault::unreadable)?;
    let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    let form: HashMap<String, String> = pairs
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    for required in ["email", "last_name"] {
        if !form.contains_key(required) {
            return Err(Fault::plain("").into());
        }
    }
    for (name, most) in MOST_CHARS {
        if form.get(name).is_some_and(|it| it.chars().count() > most) {
            return Err(Fault::plain("").into());
        }
    }
    Ok(form)
}

/// `20110901120000Z`
fn is_instant(text: &str) -> bool {
    let digits = text.strip_suffix('Z').unwrap_or_default();
    if digits.len() != 14 || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return false;
    }
    let part = |range: std::ops::Range<usize>| &digits[range];
    let [year, month, day] = [part(0..4), part(4..6), part(6..8)];
    let [hour, minute, second] = [part(8..10), part(10..12), part(12..14)];
    Timestamp::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).is_some()
}

fn sends_mail(form: &HashMap<String, String>) -> bool {
    form.get("send_email").is_none_or(|it| it != "false")
}

/// The user that the form is about, if there is one: that of the User ID, or of the address.
async fn known(call: &Call<'_>, form: &HashMap<String, String>) -> Result<Option<Found>, Failure> {
    let (directory, scope) = (call.directory(), &call.scope);
    if let Some(id) = form.get("user_profile_id") {
        let user = number::user(directory, scope, id, Want::default()).await?;
        return user.map(Some).ok_or_else(|| nothing().into());
    }
    let email = form.get("email").map(String::as_str).unwrap_or_default();
    Ok(directory.identify(scope, email, &["emails.value"]).await?)
}

/// A user that nobody has activated yet; `None` when somebody else was quicker.
async fn new_profile(
    call: &mut Call<'_>,
    form: &HashMap<String, String>,
) -> Result<Option<Found>, Failure> {
    let of = |name: &str| form.get(name).map(String::as_str);
    let mut user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", SAP_USER],
        "name": { "familyName": of("last_name") },
        "emails": [{ "value": of("email"), "primary": true }],
        SAP_USER: { "status": Status::New.name() },
    });
    if let Some(first_name) = of("first_name") {
        user["name"]["givenName"] = first_name.into();
    }
    if let Some(login_name) = of("login_name") {
        user["userName"] = login_name.into();
    }
    identity::register(call, user).await
}

fn assignment(
    call: &Call<'_>,
    client: &str,
    user: &Found,
    form: &HashMap<String, String>,
) -> Assignment {
    let mut new = Assignment {
        id: call.scope.ids.issue(call.scope.now),
        client: client.to_owned(),
        user: user.record.id.clone(),
        name_id: form.get("name_id").cloned(),
        status: Status::Active,
        activated: (profile_status(user) == Status::Active).then_some(call.scope.now),
        fields: civitas_scim::Attributes::new(),
    };
    new.take(form);
    new
}

/// Tells who is new, and nobody else, where to begin.
fn created(call: &Call<'_>, assignment: &Assignment, is_new: bool) -> Result<Reply, Failure> {
    let reply = if is_new {
        let content = json!({ "user": assignment.user, "at": call.scope.now.0 }).to_string();
        let (directory, scope) = (call.directory(), &call.scope);
        let token = directory.close_secret(scope, "activation", content.as_bytes())?;
        let link = format!("{}/ids/activation?token={token}", call.origin);
        let body: Value = json!({ "activationLink": link });
        Reply::new(StatusCode::CREATED, JSON, body.to_string())
    } else {
        Reply::empty(StatusCode::CREATED)
    };
    Ok(located(call, reply, &assignment.id))
}

#[cfg(test)]
mod tests {
    use super::is_instant;

    #[test]
    fn instants_are_fourteen_digits() {
        for (text, is) in [
            ("20110901120000Z", true),
            ("20110901120000", false),
            ("20111301120000Z", false),
            ("20110901126100Z", false),
            ("2011090112000Z", false),
            ("2011-09-01T12Z", false),
            ("", false),
        ] {
            assert_eq!(is_instant(text), is, "{text}");
        }
    }
}
