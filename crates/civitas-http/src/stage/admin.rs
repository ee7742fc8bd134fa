//! The stage's part of the administration API.

use civitas_directory::{Stage as Staging, Tenant, Timestamp, store::Snapshot};
use civitas_scim::{Invalid, json as scim_json};
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ledger::Filter, mailbox, rule};
use crate::{
    door::Arrival, form, negotiation::check_json_content, refusal::Refusal, reply::Reply,
    router::Admin,
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Answers an administrator of the tenant.
pub(crate) async fn answer(
    mut arrival: Arrival<'_>,
    tenant: &Tenant,
    route: Admin,
) -> Result<Reply, Refusal> {
    let method = &arrival.parts.method;
    match (route, method) {
        (Admin::Ledger | Admin::LedgerHar | Admin::LedgerCount, _) => {
            ledger(&arrival, tenant, route)
        }
        (Admin::Clock, &Method::PUT) => set_clock(&mut arrival, tenant).await,
        (Admin::Clock, _) => Ok(clock(&arrival, tenant, tenant.stage)),
        (Admin::Snapshots, _) => snapshots(&arrival, tenant).await,
        (Admin::Snapshot, &Method::PUT) => take(&arrival, tenant).await,
        (Admin::Snapshot, _) => discard(&arrival, tenant).await,
        (Admin::Reset, _) => reset(&mut arrival, tenant).await,
        (Admin::Rehearsals, &Method::PUT | &Method::POST | &Method::DELETE) => {
            set_rules(&mut arrival, tenant).await
        }
        (Admin::Rehearsals, _) => rules(&arrival, tenant).await,
        (Admin::Mails, &Method::DELETE) => mailbox::empty(&arrival, tenant).await,
        (Admin::Mails, _) => mailbox::list(&arrival, tenant).await,
        (Admin::Mail, _) => mailbox::one(&arrival, tenant, name(&arrival)?).await,
        (Admin::Settings, _) => Err(Refusal::UnknownPath),
    }
}

/// `PUT /civitas/v1/clock`: what of it is sent is changed, in this order.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ClockChange {
    /// True: as the system's.
    system: bool,
    /// The instant (RFC 3339).
    now: Option<String>,
    advance_ms: Option<i64>,
    frozen: Option<bool>,
    /// Of identifiers; null for chance.
    #[serde(deserialize_with = "present")]
    seed: Option<Option<u64>>,
}

/// Tells null from what is not there.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(from).map(Some)
}

async fn set_clock(arrival: &mut Arrival<'_>, tenant: &Tenant) -> Result<Reply, Refusal> {
    let change: ClockChange = read(arrival).await?;
    let mut staging = tenant.stage;
    if change.system {
        staging.clock = civitas_directory::Clock::SYSTEM;
    }
    if let Some(now) = &change.now {
        staging.clock = staging.clock.set(instant(now)?, arrival.system);
    }
    if let Some(by) = change.advance_ms {
        staging.clock = staging.clock.advanced(by);
    }
    match change.frozen {
        Some(true) => staging.clock = staging.clock.frozen(arrival.system),
        Some(false) => staging.clock = staging.clock.running(arrival.system),
        None => {}
    }
    if let Some(seed) = change.seed {
        staging.seed = seed;
    }
    arrival.app.directory.set_stage(tenant, staging).await?;
    Ok(clock(arrival, tenant, staging))
}

fn instant(text: &str) -> Result<Timestamp, Invalid> {
    Timestamp::parse(text).ok_or_else(|| {
        Invalid::value(format!(
            "now: {text:?} is no instant such as 2026-01-02T03:04:05Z"
        ))
    })
}

fn clock(arrival: &Arrival<'_>, _tenant: &Tenant, staging: Staging) -> Reply {
    let frozen = matches!(staging.clock, civitas_directory::Clock::Frozen { .. });
    shown(&json!({
        "now": staging.clock.at(arrival.system).to_string(),
        "frozen": frozen,
        "seed": staging.seed,
    }))
}

async fn snapshots(arrival: &Arrival<'_>, tenant: &Tenant) -> Result<Reply, Refusal> {
    let snapshots = arrival.app.directory.snapshots(tenant).await?;
    Ok(shown(&snapshots.iter().map(described).collect()))
}

fn described(snapshot: &Snapshot) -> Value {
    json!({
        "name": snapshot.name,
        "at": snapshot.at.to_string(),
        "events": snapshot.last_event.0,
    })
}

/// The last segment of the path.
fn name<'r>(arrival: &Arrival<'r>) -> Result<&'r str, Refusal> {
    let path = arrival.parts.uri.path().trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or_default();
    let shaped = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(shaped) {
        return Ok(name);
    }
    Err(Invalid::value("a snapshot's name is 1 to 64 of A-Z a-z 0-9 - _ .").into())
}

async fn take(arrival: &Arrival<'_>, tenant: &Tenant) -> Result<Reply, Refusal> {
    let now = arrival.now(tenant);
    let taken = arrival
        .app
        .directory
        .take_snapshot(tenant, name(arrival)?, now);
    Ok(shown(&described(&taken.await?)))
}

async fn discard(arrival: &Arrival<'_>, tenant: &Tenant) -> Result<Reply, Refusal> {
    arrival
        .app
        .directory
        .drop_snapshot(tenant, name(arrival)?)
        .await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `POST /civitas/v1/reset`
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ResetOrder {
    /// The snapshot; without it nothing is left.
    snapshot: Option<String>,
}

async fn reset(arrival: &mut Arrival<'_>, tenant: &Tenant) -> Result<Reply, Refusal> {
    let order: ResetOrder = read(arrival).await?;
    let directory = &arrival.app.directory;
    let partition = directory.reset(tenant, order.snapshot.as_deref()).await?;
    Ok(shown(&json!({ "generation": partition.generation() })))
}

async fn rules(arrival: &Arrival<'_>, tenant: &Tenant) -> Result<Reply, Refusal> {
    let Some(stage) = arrival.app.stage() else {
        return Err(Refusal::UnknownPath);
    };
    Ok(shown(&stage.rules(arrival.app, tenant).await?.shown()))
}

/// PUT sets all rules, POST adds some, DELETE ends them all.
async fn set_rules(arrival: &mut Arrival<'_>, tenant: &Tenant) -> Result<Reply, Refusal> {
    let Some(stage) = arrival.app.stage() else {
        return Err(Refusal::UnknownPath);
    };
    let method = &arrival.parts.method;
    let mut all = Vec::new();
    if *method == Method::POST {
        all = stage.rules(arrival.app, tenant).await?.rules();
    }
    if *method != Method::DELETE {
        check_json_content(&arrival.parts.headers)?;
        all.extend(rule::parse(&arrival.body.read().await?)?);
    }
    if all.len() > rule::MAX_RULES {
        let most = format!("a tenant has at most {} rehearsals", rule::MAX_RULES);
        return Err(Invalid::value(most).into());
    }
    stage.set(arrival.app, tenant, all).await?;
    rules(arrival, tenant).await
}

fn ledger(arrival: &Arrival<'_>, tenant: &Tenant, route: Admin) -> Result<Reply, Refusal> {
    let Some(ledger) = &arrival.app.ledger else {
        return Err(Refusal::UnknownPath);
    };
    if arrival.parts.method == Method::DELETE {
        ledger.clear(tenant.partition);
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    let filter = filter(arrival.parts.uri.query().unwrap_or_default())?;
    let partition = tenant.partition;
    let scheme = arrival.app.settings.scheme();
    let body = match route {
        Admin::LedgerCount => {
            let count = ledger.list(partition, &filter, |_, _| ()).len();
            json!({ "count": count })
        }
        Admin::LedgerHar => json!({ "log": {
            "version": "1.2",
            "creator": { "name": "civitas", "version": env!("CARGO_PKG_VERSION") },
            "entries": ledger.list(partition, &filter, |_, it| it.har(scheme)),
        } }),
        _ => ledger
            .list(partition, &filter, |number, it| it.shown(number))
            .into(),
    };
    Ok(shown(&body))
}

fn filter(query: &str) -> Result<Filter, Refusal> {
    let mut filter = Filter::default();
    for (name, value) in form::pairs(query).ok_or(Refusal::MalformedQuery)? {
        let wrong = || Invalid::value(format!("{name}={value} is not understood"));
        match name.as_ref() {
            "method" => filter.method = Some(value.into_owned()),
            "path" => filter.path = Some(value.into_owned()),
            "status" => filter.status = Some(value.parse().map_err(|_| wrong())?),
            "after" => filter.after = Some(value.parse().map_err(|_| wrong())?),
            _ => return Err(wrong().into()),
        }
    }
    Ok(filter)
}

/// The body as JSON; an empty one counts as `{}`.
async fn read<T: serde::de::DeserializeOwned + Default>(
    arrival: &mut Arrival<'_>,
) -> Result<T, Refusal> {
    let body = arrival.body.read().await?;
    if body.is_empty() {
        return Ok(T::default());
    }
    check_json_content(&arrival.parts.headers)?;
    let value = scim_json::parse(&body, &scim_json::Limits::default())?;
    if !value.is_object() {
        return Err(Invalid::syntax("the body must be a JSON object").into());
    }
    Ok(serde_json::from_value(value).map_err(|error| Invalid::value(error.to_string()))?)
}

fn shown(value: &Value) -> Reply {
    Reply::new(StatusCode::OK, JSON, value.to_string())
}
