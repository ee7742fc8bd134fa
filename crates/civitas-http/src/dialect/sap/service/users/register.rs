//! `POST /service/users`: a user of the directory, old or new, becomes one of the application's.

use std::collections::HashMap;

use civitas_directory::{Change, Found, Timestamp, link::Purpose, store::Want};
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
        identity,
        master::is_language,
        number,
        service::is_url,
    },
    form,
    letter::{self, Letter, Linked},
    page::Activation,
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
        let mut link = None;
        let user = match known {
            Some(user) if profile_status(&user) == Status::Inactive => {
                return Err(Fault::plain("").into());
            }
            Some(user) => user,
            None => match new_profile(call, &client, &form).await? {
                Some((user, url)) => {
                    link = url;
                    user
                }
                None => continue,
            },
        };
        let assignment = assignment(call, &client, &user, &form);
        if assignment::create(call, &assignment, Vec::new()).await? {
            return Ok(created(call, &assignment, link));
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

/// A user that nobody has activated yet, who is written to or whose link is told; `None` when
/// somebody else was quicker.
async fn new_profile(
    call: &mut Call<'_>,
    client: &str,
    form: &HashMap<String, String>,
) -> Result<Option<(Found, Option<String>)>, Failure> {
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
    if let Some(language) = of("language").filter(|it| is_language(it)) {
        user["locale"] = language.into();
    }
    let id = call.scope.ids.issue(call.scope.now);
    let (beside, link) = invitation(call, client, form, &id).await?;
    let created = identity::register(call, id, user, beside).await?;
    Ok(created.map(|it| (it, link)))
}

/// The link by which a new user begins: in a mail, or as it is told.
async fn invitation(
    call: &Call<'_>,
    client: &str,
    form: &HashMap<String, String>,
    id: &str,
) -> Result<(Vec<Change>, Option<String>), Failure> {
    let of = |name: &str| form.get(name).map(String::as_str);
    let application = call.caller.application.as_ref();
    let home = application.and_then(|it| it.home.as_deref());
    let name = application.map(|it| it.name.as_str());
    let email = of("email").unwrap_or_default();
    let target = of("target_url").filter(|it| is_url(it));
    let about = Activation {
        email: email.to_owned(),
        client: Some(client.to_owned()),
        application: name.map(str::to_owned),
        target: target.or(home).map(str::to_owned),
        language: of("language").map(str::to_owned),
    };
    let linked = Linked {
        purpose: Purpose::Activation,
        subject: id,
        content: &about,
    };
    if !sends_mail(form) {
        let (issued, url) = letter::link(call.desk(), &linked)?;
        return Ok((vec![issued], Some(url)));
    }
    let called = [of("first_name"), of("last_name")];
    let called: Vec<&str> = called.into_iter().flatten().collect();
    let letter = Letter {
        to: email,
        language: of("language"),
        name: called.join(" "),
        application: name.unwrap_or_default(),
        ..Letter::default()
    };
    Ok((letter::write(call.desk(), &linked, &letter).await?, None))
}

/// A user of the directory becomes one of an application's, in one commit with changes `beside` it;
/// `false` if it is one already, and nothing is done.
pub(in crate::dialect::sap) async fn assign(
    call: &mut Call<'_>,
    client: &str,
    user: &str,
    beside: Vec<Change>,
) -> Result<bool, Failure> {
    assignment::equip(call).await?;
    assignment::create(call, &joined(call, client, user), beside).await
}

/// That a user who is about to be created is one of an application's, to be committed with it.
pub(in crate::dialect::sap) async fn assigned(
    call: &mut Call<'_>,
    client: &str,
    user: &str,
) -> Result<Vec<Change>, Failure> {
    assignment::equip(call).await?;
    assignment::creation(call, &joined(call, client, user)).await
}

fn joined(call: &Call<'_>, client: &str, user: &str) -> Assignment {
    Assignment {
        id: call.scope.ids.issue(call.scope.now),
        client: client.to_owned(),
        user: user.to_owned(),
        name_id: None,
        status: Status::Active,
        activated: Some(call.scope.now),
        fields: civitas_scim::Attributes::new(),
    }
}

/// Notes when a user of an application was activated.
pub(in crate::dialect::sap) async fn activate(
    call: &Call<'_>,
    client: &str,
    user: &str,
) -> Result<(), Failure> {
    let Some(own) = assignment::of_user(call, client, user).await? else {
        return Ok(());
    };
    let now = call.scope.now;
    assignment::change(call, &own.id, |it| {
        it.activated.get_or_insert(now);
    })
    .await
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

/// Tells where somebody new is to begin who was not written to.
fn created(call: &Call<'_>, assignment: &Assignment, link: Option<String>) -> Reply {
    let reply = match link {
        Some(link) => {
            let body: Value = json!({ "activationLink": link });
            Reply::new(StatusCode::CREATED, JSON, body.to_string())
        }
        None => Reply::empty(StatusCode::CREATED),
    };
    located(call, reply, &assignment.id)
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
