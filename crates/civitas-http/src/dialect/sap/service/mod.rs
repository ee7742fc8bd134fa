//! Services for applications, which manage their own users and have them proven, and for users
//! who show their own passwords.
//!
//! What users prove themselves by is the directory's (`civitas_directory::credential`); here is
//! only which message code tells what.

mod forgot_password;
mod invite;
mod otp;
mod password;
pub(super) mod users;

use civitas_directory::{
    Caller, Found, Outcome, Scope, Tenant, client::SecretScope, credential::Policy,
};
use http::{HeaderValue, Method};
use serde_json::{Map, Value};

pub(super) use invite::is_url;
pub(super) use password::log_on;

use super::{
    call::Call,
    fault::{Failure, Fault},
    media, number,
    place::Place,
};
use crate::{door::Arrival, reply::Reply};

const JSON_TYPE: &str = "application/json";
const FORM_TYPE: &str = "application/x-www-form-urlencoded";
const JSON: HeaderValue = HeaderValue::from_static(JSON_TYPE);

/// The attributes that a user is known by at a logon: login name and address.
const LOGON_NAMES: [&str; 2] = ["userName", "emails.value"];

/// Answers an application.
pub(super) async fn serve(
    arrival: Arrival<'_>,
    tenant: &Tenant,
    place: &Place<'_>,
    caller: Caller,
) -> Result<Reply, Failure> {
    let parts = arrival.parts;
    let (method, headers) = (&parts.method, &parts.headers);
    if caller.application.is_none() || !caller.granted.include(SecretScope::Users) {
        return Err(Fault::forbidden().into());
    }
    match (place, method) {
        (Place::SpUsers, &Method::POST) => media::check_content(headers, FORM_TYPE)?,
        (Place::SpUser(_), &Method::PUT) => users::check_content(headers)?,
        (Place::Otp | Place::ForgotPassword | Place::Invite, _) => {
            media::check_content(headers, JSON_TYPE)?;
        }
        _ => {}
    }
    match (place, method) {
        (Place::SpUser(_), &Method::GET | &Method::HEAD) => users::check_accepted(headers)?,
        // Nothing is in the answer.
        (Place::Invite, _) => {}
        (_, &Method::POST) => media::check_accepted(headers, JSON_TYPE)?,
        _ => {}
    }
    let scope = ruled(arrival.scope(tenant, &caller));
    let mut call = Call::begin(arrival, tenant, caller, scope).await?;
    match place {
        Place::Invite => invite::invite(&call).await,
        Place::Otp => otp::check(&call).await,
        Place::ForgotPassword => forgot_password::ask(&call).await,
        Place::SpUsers if *method == Method::POST => users::register(&mut call).await,
        Place::SpUsers => users::find(&call).await,
        Place::SpUser(id) => users::one(&call, id).await,
        _ => Err(Fault::not_built().into()),
    }
}

/// The scope under the rules for passwords: those of the tenant, or the standard ones.
fn ruled(mut scope: Scope) -> Scope {
    scope.password_policy.get_or_insert(Policy::STANDARD);
    scope
}

/// A refusal with nothing but a code.
fn refused(outcome: Outcome, code: &'static str) -> Failure {
    Fault::new(outcome, "").coded(code).into()
}

/// The body, an object of JSON.
fn object(call: &Call<'_>) -> Result<Map<String, Value>, Failure> {
    match call.object()? {
        Value::Object(body) => Ok(body),
        _ => Err(Fault::unreadable().into()),
    }
}

/// A member of the body, a text that is not empty.
fn text<'b>(body: &'b Map<String, Value>, name: &str) -> Result<&'b str, Failure> {
    let text = body.get(name).and_then(Value::as_str).unwrap_or_default();
    if text.is_empty() {
        return Err(Fault::plain("").into());
    }
    Ok(text)
}

/// The user of a login name, an address, or a User ID.
async fn user(call: &Call<'_>, name: &str) -> Result<Option<Found>, Failure> {
    let (directory, scope) = (call.directory(), &call.scope);
    if let Some(found) = directory.identify(scope, name, &LOGON_NAMES).await? {
        return Ok(Some(found));
    }
    let want = civitas_directory::store::Want::default();
    Ok(number::user(directory, scope, name, want).await?)
}
