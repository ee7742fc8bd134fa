//! Password Service: `POST /service/users/password`.

use civitas_directory::{Caller, Found, Outcome, Tenant, credential::Verdict};
use http::StatusCode;
use serde_json::{Map, Value};

use super::{JSON, JSON_TYPE, LOGON_NAMES, refused, ruled};
use crate::{
    credentials::Credentials,
    dialect::sap::{fault::Failure, media, number},
    door::Arrival,
    refusal::{Refusal, Unauthenticated},
    reply::Reply,
};

/// Answers a user that shows name and password as those of HTTP Basic.
pub(crate) async fn log_on(arrival: Arrival<'_>, tenant: &Tenant) -> Result<Reply, Failure> {
    let headers = &arrival.parts.headers;
    media::check_content(headers, JSON_TYPE)?;
    media::check_accepted(headers, JSON_TYPE)?;
    let Some(Credentials::Basic { client_id, secret }) = Credentials::of(headers)? else {
        return Err(Refusal::from(Unauthenticated::Missing).into());
    };
    let directory = &arrival.app.directory;
    directory.check_room_for_logon()?;
    let scope = ruled(arrival.scope(tenant, &Caller::nobody()));
    let user = directory.identify(&scope, &client_id, &LOGON_NAMES).await?;
    if user.as_ref().is_some_and(|it| !it.record.is_active()) {
        return Err(refused(Outcome::Unauthenticated, "USER_INACTIVE"));
    }
    let id = user.as_ref().map(|it| it.record.id.as_str());
    let verdict = directory.log_on(&scope, id, &secret).await?;
    let code = match (verdict, user) {
        (Verdict::Accepted, Some(user)) => return Ok(profile(&user)),
        (Verdict::Disabled, _) => "PASSWORD_DISABLED",
        (Verdict::Locked, _) => "PASSWORD_LOCKED",
        (Verdict::CodeMissing, _) => "INVALID_AUTHORIZATION_HEADER_LENGTH",
        (Verdict::CodeWrong | Verdict::CodeLocked | Verdict::CodeUsed, _) => "INVALID_OTP_CODE",
        (Verdict::InitialExpired, _) => "INITIAL_PASSWORD_EXPIRED",
        (Verdict::ChangeRequired, _) => "PASSWORD_CHANGE_REQUIRED",
        (Verdict::ResetRequired, _) => "PASSWORD_RESET_REQUIRED",
        (
            Verdict::Wrong
            | Verdict::NoDevice
            | Verdict::Overtaken
            | Verdict::Accepted
            | Verdict::TooManyMails,
            _,
        ) => {
            return Err(Refusal::from(Unauthenticated::WrongSecret).into());
        }
    };
    Err(refused(Outcome::Unauthenticated, code))
}

/// What the service tells of a user, without what there is none of.
fn profile(user: &Found) -> Reply {
    let attributes = user.record.attributes();
    let name = |part: &str| attributes.get("name").and_then(|it| it.get(part)).cloned();
    let kind = attributes.get("userType").cloned();
    let members = [
        ("uid", Some(number::user_id(&user.record).into())),
        ("first_name", name("givenName")),
        ("last_name", name("familyName")),
        ("mail", mail(attributes.get("emails"))),
        ("type", kind.or_else(|| Some("public".into()))),
    ];
    let members = members.into_iter();
    let shown: Map<String, Value> = members
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    Reply::new(StatusCode::OK, JSON, Value::Object(shown).to_string())
}

/// The primary address, or the last one.
fn mail(emails: Option<&Value>) -> Option<Value> {
    let emails = emails?.as_array()?;
    let primary = emails.iter().find(|it| it["primary"] == true);
    primary.or(emails.last())?.get("value").cloned()
}
