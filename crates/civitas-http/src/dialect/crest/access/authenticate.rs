//! `POST …/authenticate`: name and password are asked for as callbacks, or shown in header
//! fields, and become a session. What is wrong with them is counted where every logon is, and
//! not told.

use civitas_directory::{Caller, Outcome, Tenant, Timestamp, credential::Verdict};
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ALPHA, COOKIE, Checked, Endpoint, answer, session};
use crate::{
    dialect::crest::{
        fault::{Failure, Fault},
        version::{Asked, Version},
    },
    door::Arrival,
    form,
    reply::Reply,
};

const AUTHENTICATE: Endpoint = Endpoint {
    allow: "POST, OPTIONS",
    served: &[Version::new(1, 1), Version::new(2, 1)],
};

/// The one journey that there is.
const JOURNEY: &str = "Login";

/// How long callbacks may be answered.
const ANSWER_MS: i64 = 5 * 60 * 1_000;

/// What callbacks are sealed for.
const PURPOSE: &str = "authenticate";

/// What is sent back with the answers to callbacks.
#[derive(Serialize, Deserialize)]
struct Asking {
    realm: String,
    since: i64,
}

/// Name and password as somebody shows them.
struct Shown {
    name: String,
    password: String,
}

/// Answers a request to sign in to a realm.
pub(in super::super) async fn authenticate(
    arrival: Arrival<'_>,
    tenant: &Tenant,
    realm: &str,
) -> Result<Reply, Failure> {
    let asked = match AUTHENTICATE.check(&arrival, tenant)? {
        Checked::Asked(asked) => asked,
        Checked::Answered(reply) => return Ok(reply),
    };
    match signed_in(arrival, tenant, realm).await {
        Err(Failure::Fault(fault)) if is_first(asked) => {
            let body = json!({ "errorMessage": fault.message });
            Ok(answer(fault.outcome, &body))
        }
        answered => answered,
    }
}

/// Whether refusals are to be told as the first version of the resource told them.
fn is_first(asked: Asked) -> bool {
    asked.resource.is_some_and(|it| it.major < 2)
}

async fn signed_in(arrival: Arrival<'_>, tenant: &Tenant, realm: &str) -> Result<Reply, Failure> {
    let headers = &arrival.parts.headers;
    let query = arrival.parts.uri.query().unwrap_or_default();
    let pairs = form::pairs(query).unwrap_or_default();
    let parameter = |name: &str| {
        let mut found = pairs.iter().filter(|(it, _)| it == name);
        found.next().map(|(_, value)| value.as_ref())
    };
    let body = body(arrival.body.read().await?.as_ref(), headers)?;
    let journey = parameter("authIndexValue");
    let is_known = parameter("authIndexType").is_none_or(|it| it == "service")
        && journey.is_none_or(|it| it == JOURNEY);
    if !is_known {
        return Err(Fault::invalid("No Configuration found").into());
    }
    let scope = arrival.scope(tenant, &Caller::nobody());
    let directory = &arrival.app.directory;
    let shown = match in_fields(headers) {
        Some(shown) => shown,
        None if body["authId"].is_null() => {
            let asking = Asking {
                realm: realm.to_owned(),
                since: scope.now.0,
            };
            // Writing a text and a number as JSON cannot fail.
            let text = serde_json::to_vec(&asking).unwrap_or_default();
            let sealed = directory.close_secret(&scope, PURPOSE, &text)?;
            return Ok(answer(Outcome::Answered, &callbacks(&sealed)));
        }
        None => {
            let sealed = body["authId"].as_str().unwrap_or_default();
            let opened = directory.open_secret(&scope, PURPOSE, sealed);
            check_asking(opened, realm, scope.now)?;
            in_callbacks(&body)
        }
    };
    directory.check_room_for_logon()?;
    let user = match realm {
        ALPHA => {
            directory
                .identify(&scope, &shown.name, &["userName"])
                .await?
        }
        // The tenant's administrators are clients, who have secrets.
        _ => None,
    };
    let id = user.as_ref().map(|it| it.record.id.as_str());
    let verdict = directory.log_on(&scope, id, &shown.password).await?;
    let accepted = user.filter(|it| verdict == Verdict::Accepted && it.record.is_active());
    let Some(user) = accepted else {
        return Err(Fault::new(Outcome::Unauthenticated, "Login failure").into());
    };
    let url = format!("/enduser/?realm={realm}");
    if parameter("noSession") == Some("true") {
        let told = json!({
            "message": "Authentication Successful", "successUrl": url, "realm": realm,
        });
        return Ok(answer(Outcome::Answered, &told));
    }
    let token = session::begin(&arrival, tenant, &user.record.id).await?;
    let told = json!({ "tokenId": token, "successUrl": url, "realm": realm });
    let cookie = format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=none");
    let reply = answer(Outcome::Answered, &told);
    Ok(match HeaderValue::try_from(cookie) {
        Ok(cookie) => reply.with(header::SET_COOKIE, cookie),
        Err(_) => reply,
    })
}

/// The body, `{}` where there is none.
fn body(bytes: &[u8], headers: &HeaderMap) -> Result<Value, Fault> {
    if bytes.trim_ascii().is_empty() {
        return Ok(json!({}));
    }
    let media = headers.get(header::CONTENT_TYPE);
    let media = media.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        let text = "Unsupported Media Type";
        return Err(Fault::new(Outcome::UnsupportedMediaType, text));
    }
    let parsed = civitas_scim::json::parse(bytes, &civitas_scim::json::Limits::default());
    let parsed = parsed.ok().filter(Value::is_object);
    parsed.ok_or_else(|| {
        Fault::malformed(
            "The request could not be processed because the provided content is not valid JSON",
        )
    })
}

/// What is shown in header fields.
fn in_fields(headers: &HeaderMap) -> Option<Shown> {
    let field = |name: &str| {
        let text = headers.get(name)?.to_str().ok()?;
        Some(text.to_owned())
    };
    Some(Shown {
        name: field("x-openam-username")?,
        password: field("x-openam-password")?,
    })
}

/// What is filled in where it was asked for.
fn in_callbacks(body: &Value) -> Shown {
    let filled = |kind: &str| {
        let mut all = body["callbacks"].as_array().into_iter().flatten();
        let found = all.find(|it| it["type"] == kind);
        let value = found.and_then(|it| it["input"][0]["value"].as_str());
        value.unwrap_or_default().to_owned()
    };
    Shown {
        name: filled("NameCallback"),
        password: filled("PasswordCallback"),
    }
}

/// Refuses callbacks that were not asked for here, or too long ago.
fn check_asking(opened: Option<Vec<u8>>, realm: &str, now: Timestamp) -> Result<(), Fault> {
    let asking = opened.and_then(|it| serde_json::from_slice::<Asking>(&it).ok());
    let asking = asking.filter(|it| it.realm == realm);
    let asking = asking.ok_or_else(|| Fault::invalid("Invalid authId"))?;
    if now.0.saturating_sub(asking.since) > ANSWER_MS {
        let late = Fault::new(Outcome::Unauthenticated, "Session has timed out");
        return Err(late.with_detail(json!({ "errorCode": "110" })));
    }
    Ok(())
}

fn callbacks(auth_id: &str) -> Value {
    let callback = |number: usize, kind: &str, prompt: &str| {
        json!({
            "type": kind,
            "output": [{ "name": "prompt", "value": prompt }],
            "input": [{ "name": format!("IDToken{}", number + 1), "value": "" }],
            "_id": number,
        })
    };
    json!({
        "authId": auth_id,
        "callbacks": [
            callback(0, "NameCallback", "User Name"),
            callback(1, "PasswordCallback", "Password"),
        ],
        "stage": "UsernamePassword",
        "header": "Sign In",
        "description": "",
    })
}
