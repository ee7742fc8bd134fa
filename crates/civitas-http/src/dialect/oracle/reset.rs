//! Passwords that are to be set anew: by a letter, by a token that an application hands on, or by a
//! password that is good until the first logon.

use civitas_directory::{
    Change, Error, Found, NewLink, Timestamp, belonging,
    change::Proof,
    credential::{CredentialChange, HOUR_MS, PasswordStatus},
    link::Purpose,
};
use serde_json::{Map, Value, json};

use super::{
    call::Call,
    changer::{self, Changer},
    credential,
    fault::{Failure, Fault},
    id,
    resource::{self, Item},
    write::Sent,
};
use crate::{
    letter::{self, Letter, Linked},
    page::Reset,
    refusal::Refusal,
    reply::Reply,
};

/// `PUT /UserPasswordResetter/{id}`: nobody logs on by the present password any more.
pub(super) async fn begin(
    call: &Call<'_>,
    item: &Item<'_>,
    body: &Map<String, Value>,
) -> Result<Reply, Failure> {
    changer::check_self_change(call, item.id, body)?;
    let said = |name: &str| body.get(name) == Some(&Value::Bool(true));
    let user = credential::user(call, item.id).await?;
    let user = user.ok_or_else(|| Fault::no_such("User", &id::shown(item.id)))?;
    let attributes = user.record.attributes();
    let address = letter::address(&attributes);
    let about = Reset {
        email: address.clone().unwrap_or_default(),
        language: letter::language(&attributes),
    };
    if said("userFlowControlledByExternalClient") {
        let (link, token) = token(call, item.id, &about)?;
        commit(call, item.id, vec![link]).await?;
        let path = token.split('.').next().unwrap_or_default();
        let path = call.url(&format!("UserTokens/{path}"));
        let shown = json!({ "userToken": { "value": token, "$ref": path } });
        return told(call, item.id, body, shown).await;
    }
    let Some(address) = address else {
        return by_password(call, item, body).await;
    };
    let mut letters = Vec::new();
    if !said("bypassNotification") {
        let linked = Linked {
            purpose: Purpose::Reset,
            subject: item.id,
            content: &about,
        };
        let letter = Letter {
            to: &address,
            language: about.language.as_deref(),
            name: letter::called(&attributes),
            ..Letter::default()
        };
        letters = letter::write(call.desk(), &linked, &letter).await?;
    }
    commit(call, item.id, letters).await?;
    told(call, item.id, body, json!({})).await
}

/// The end of the present password, with what is made beside it.
async fn commit(call: &Call<'_>, user: &str, beside: Vec<Change>) -> Result<(), Failure> {
    let mut changes = belonging::made("User", user);
    changes.push(status(user, PasswordStatus::ResetRequired));
    changes.extend(beside);
    match call.directory().commit_beside(&call.scope, changes).await {
        Ok(()) => Ok(()),
        Err(Error::NotFound { .. }) => Err(Fault::no_such("User", &id::shown(user)).into()),
        Err(error) => Err(error.into()),
    }
}

fn status(user: &str, status: PasswordStatus) -> Change {
    Change::Credential(Proof {
        id: user.to_owned(),
        change: CredentialChange::Status(status),
    })
}

/// A link as a change, and its token, for an application that leads the user itself.
fn token(call: &Call<'_>, user: &str, about: &Reset) -> Result<(Change, String), Failure> {
    let hours = call.tenant.settings.reset_link_hours();
    let lasts = i64::from(hours) * HOUR_MS;
    let content = serde_json::to_string(about);
    let link = call.directory().link(NewLink {
        purpose: Purpose::Reset,
        subject: user.to_owned(),
        content: content.map_err(|error| Error::Unavailable(error.to_string()))?,
        expires: Timestamp(call.scope.now.0.saturating_add(lasts)),
    });
    Ok(link?)
}

/// Whom nobody can write to gets a password that is good until the first logon.
async fn by_password(
    call: &Call<'_>,
    item: &Item<'_>,
    body: &Map<String, Value>,
) -> Result<Reply, Failure> {
    let password = credential::new_password()?;
    let found = resource::changed(call, item, &Sent::Password(password.clone())).await?;
    let asked = call
        .parameters
        .attributes
        .iter()
        .chain(&call.parameters.sets);
    let is_asked = |it: &String| {
        ["oneTimePassword", "all", "request"]
            .iter()
            .any(|name| it.eq_ignore_ascii_case(name))
    };
    let shown = if asked.into_iter().any(is_asked) {
        json!({ "oneTimePassword": password })
    } else {
        json!({})
    };
    Ok(answered(call, body, &found, shown))
}

async fn told(
    call: &Call<'_>,
    user: &str,
    body: &Map<String, Value>,
    shown: Value,
) -> Result<Reply, Failure> {
    let found = credential::user(call, user).await?;
    let found = found.ok_or_else(|| Fault::no_such("User", &id::shown(user)))?;
    Ok(answered(call, body, &found, shown))
}

fn answered(call: &Call<'_>, body: &Map<String, Value>, found: &Found, shown: Value) -> Reply {
    changer::told_with(call, Changer::Reset, body, found, shown)
}

/// `POST /MePasswordResetter`: the password that a user has chosen, by the token that it shows.
pub(super) async fn redeem(call: &Call<'_>, body: &Map<String, Value>) -> Result<Reply, Failure> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let (Some(token), Some(password)) = (text("token"), text("password")) else {
        let names = ["token", "password"].into_iter();
        let missing = names.filter(|it| text(it).is_none()).map(str::to_owned);
        return Err(Fault::missing(&missing.collect::<Vec<_>>()).into());
    };
    let directory = call.directory();
    let followed = directory.followed(&call.scope, Purpose::Reset, token);
    let link = followed.await.map_err(worded)?;
    let user = &link.subject;
    let set = directory.choose_password(&call.scope, user, password, &link, Vec::new());
    set.await.map_err(worded)?;
    let found = credential::user(call, user).await?.ok_or_else(spent)?;
    Ok(changer::told(call, Changer::NewPassword, body, &found))
}

fn worded(error: Error) -> Failure {
    match error {
        Error::Spent | Error::NotFound { .. } => spent().into(),
        Error::Invalid(invalid) => changer::too_weak(invalid.detail).into(),
        error => Refusal::from(error).into(),
    }
}

fn spent() -> Fault {
    let id = "error.identity.passwordmgmt.invalidToken";
    Fault::invalid(id, "The token is not good, or no longer.")
}
