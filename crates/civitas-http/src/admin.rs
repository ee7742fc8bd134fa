//! The server's own API for administrators of a tenant: JSON both ways, refusals as problem
//! details (RFC 9457). It is served while the tenant itself is not: during maintenance and
//! after a move.

use civitas_directory::{
    Role, Settings, Tenant,
    settings::{Change, Key},
};
use civitas_scim::{Invalid, json};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Map, Value};

use crate::{
    door::Arrival,
    negotiation::{check_accepts_json, check_json_content},
    refusal::Refusal,
    reply::Reply,
    router::Admin,
    stage,
};

/// The media types of changes, as a header value.
pub(crate) const PATCHES: &str = "application/merge-patch+json, application/json";

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Answers a request whose route and method are known to fit.
pub(crate) async fn answer(arrival: Arrival<'_>, route: Admin) -> Result<Reply, Refusal> {
    if route.is_staging() && arrival.app.stage().is_none() {
        return Err(Refusal::UnknownPath);
    }
    let tenant = arrival.tenant().await?;
    let writes = !matches!(arrival.parts.method, Method::GET | Method::HEAD);
    if writes {
        arrival.check_primary()?;
    }
    arrival.admit(&tenant, Role::Administer).await?;
    if !route.is_read_by_people() {
        check_accepts_json(&arrival.parts.headers)?;
    }
    match route {
        Admin::Settings if writes => change_settings(arrival, &tenant).await,
        Admin::Settings => settings(&arrival, &tenant).await,
        other => stage::administer(arrival, &tenant, other).await,
    }
}

/// `GET /civitas/v1/settings`
async fn settings(arrival: &Arrival<'_>, tenant: &Tenant) -> Result<Reply, Refusal> {
    let settings = arrival.app.directory.settings(tenant).await?;
    Ok(shown(&settings))
}

/// `PATCH /civitas/v1/settings`: a merge patch (RFC 7396), all of it or nothing.
async fn change_settings(arrival: Arrival<'_>, tenant: &Tenant) -> Result<Reply, Refusal> {
    let directory = &arrival.app.directory;
    check_json_content(&arrival.parts.headers)?;
    let body = json::parse(&arrival.body.read().await?, &json::Limits::default())?;
    let Value::Object(asked) = body else {
        return Err(Invalid::syntax("the body must be a JSON object of settings").into());
    };
    let changes = asked.iter().map(change).collect::<Result<Vec<_>, _>>()?;
    directory.change_settings(tenant, &changes).await?;
    let settings = directory.settings(tenant).await?;
    Ok(shown(&settings))
}

fn change((name, value): (&String, &Value)) -> Result<Change, Invalid> {
    let text = match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    Change::named(name, text).map_err(|error| Invalid::value(error.to_string()))
}

fn shown(settings: &Settings) -> Reply {
    let shown = Key::ALL.map(|key| {
        let value = settings.value(key).map_or(Value::Null, in_json);
        (key.name().to_owned(), value)
    });
    let body = Value::Object(Map::from_iter(shown));
    Reply::new(StatusCode::OK, JSON, body.to_string())
}

/// Truth values and numbers as such, everything else as a string.
fn in_json(text: String) -> Value {
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}
