//! Setting streams up, and looking at them.

use civitas_directory::{
    Caller, NewStream, StreamEdit, Tenant,
    event_token::EVENT_URIS,
    store::LogReach,
    stream::{Delivery, Payload, Receiver, Secret, Status, Stream},
};
use civitas_scim::Invalid;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{JSON, KEYS, PATH, check_administers, check_authorities, of, origin, read};
use crate::{door::Arrival, refusal::Refusal, reply::Reply};

/// RFC 8936 and RFC 8935 by name.
const POLL: &str = "urn:ietf:rfc:8936";
const PUSH: &str = "urn:ietf:rfc:8935";

/// A stream as asked for.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    client_id: Option<String>,
    aud: Option<String>,
    payload: Option<String>,
    delivery: Option<AskedDelivery>,
    status: Option<String>,
    reason: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct AskedDelivery {
    method: Option<String>,
    endpoint_url: Option<String>,
    authorization_header: Option<String>,
    authorities: Option<String>,
}

/// `POST /civitas/v1/streams`
pub(super) async fn create(
    arrival: &mut Arrival<'_>,
    tenant: &Tenant,
    caller: &Caller,
) -> Result<Reply, Refusal> {
    check_administers(caller)?;
    let asked: Asked = read(arrival).await?;
    if asked.status.is_some() || asked.reason.is_some() {
        return Err(Invalid::value("status: a stream is enabled when it is created").into());
    }
    let required = |name: &str| Invalid::value(format!("{name} is missing"));
    let new = NewStream {
        client: asked.client_id.ok_or_else(|| required("client_id"))?,
        issuer: arrival.scim_base(tenant),
        audience: asked.aud,
        payload: payload(asked.payload)?.unwrap_or(Payload::Notice),
        delivery: delivery(asked.delivery.ok_or_else(|| required("delivery"))?)?,
    };
    let (here, now) = (arrival.app.settings.development, arrival.now(tenant));
    let directory = &arrival.app.directory;
    let stream = directory.create_stream(tenant, new, here, now).await?;
    let location = format!("{}{PATH}/{}", origin(arrival, tenant), stream.id);
    let mut reply = shown(arrival, tenant, &stream, StatusCode::CREATED).await?;
    if let Ok(location) = HeaderValue::try_from(location) {
        reply.headers.insert(header::LOCATION, location);
    }
    Ok(reply)
}

/// `GET /civitas/v1/streams`
pub(super) async fn list(
    arrival: &Arrival<'_>,
    tenant: &Tenant,
    caller: &Caller,
) -> Result<Reply, Refusal> {
    let directory = &arrival.app.directory;
    let streams = directory.streams(tenant, of(caller)?).await?;
    let reach = directory.log_reach(tenant).await?;
    let origin = origin(arrival, tenant);
    let shown = streams.iter().map(|it| document(it, reach, &origin));
    let body = json!({ "streams": shown.collect::<Vec<_>>() });
    Ok(Reply::new(StatusCode::OK, JSON, body.to_string()))
}

/// `GET /civitas/v1/streams/{id}`
pub(super) async fn show(
    arrival: &Arrival<'_>,
    tenant: &Tenant,
    caller: &Caller,
    id: &str,
) -> Result<Reply, Refusal> {
    let directory = &arrival.app.directory;
    let stream = directory.stream(tenant, id, of(caller)?).await?;
    shown(arrival, tenant, &stream, StatusCode::OK).await
}

/// `PATCH /civitas/v1/streams/{id}`: what is named is changed.
pub(super) async fn change(
    arrival: &mut Arrival<'_>,
    tenant: &Tenant,
    caller: &Caller,
    id: &str,
) -> Result<Reply, Refusal> {
    check_administers(caller)?;
    let asked: Asked = read(arrival).await?;
    if asked.client_id.is_some() {
        return Err(Invalid::value("client_id: a stream stays that of its client").into());
    }
    let status = asked.status.map(|name| {
        Status::named(&name).ok_or_else(|| {
            Invalid::value(format!(
                "status: {name:?} is none of enabled, paused, disabled"
            ))
        })
    });
    let edit = StreamEdit {
        audience: asked.aud,
        payload: payload(asked.payload)?,
        delivery: asked.delivery.map(delivery).transpose()?,
        status: status.transpose()?.map(|it| (it, asked.reason)),
    };
    let (here, now) = (arrival.app.settings.development, arrival.now(tenant));
    let directory = &arrival.app.directory;
    let stream = directory.change_stream(tenant, id, edit, here, now).await?;
    shown(arrival, tenant, &stream, StatusCode::OK).await
}

/// `DELETE /civitas/v1/streams/{id}`
pub(super) async fn delete(
    arrival: &Arrival<'_>,
    tenant: &Tenant,
    caller: &Caller,
    id: &str,
) -> Result<Reply, Refusal> {
    check_administers(caller)?;
    arrival.app.directory.drop_stream(tenant, id).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// What a verification is to show.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Challenge {
    state: Option<String>,
}

/// Longest `state` of a verification, in bytes.
const MAX_STATE: usize = 1_024;

/// `POST /civitas/v1/streams/{id}/verification`
pub(super) async fn verify(
    arrival: &mut Arrival<'_>,
    tenant: &Tenant,
    caller: &Caller,
    id: &str,
) -> Result<Reply, Refusal> {
    let directory = &arrival.app.directory;
    let stream = directory.stream(tenant, id, of(caller)?).await?;
    let Challenge { state } = read(arrival).await?;
    if state.as_ref().is_some_and(|it| it.len() > MAX_STATE) {
        return Err(Invalid::value(format!("state: longer than {MAX_STATE} bytes")).into());
    }
    let now = arrival.now(tenant);
    directory.verify_stream(tenant, &stream, state, now).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn payload(name: Option<String>) -> Result<Option<Payload>, Invalid> {
    let named = name.map(|name| {
        Payload::named(&name)
            .ok_or_else(|| Invalid::value(format!("payload: {name:?} is neither notice nor full")))
    });
    named.transpose()
}

fn delivery(asked: AskedDelivery) -> Result<Delivery, Invalid> {
    let refused = |why: &str| Err(Invalid::value(format!("delivery: {why}")));
    match asked.method.as_deref() {
        Some(POLL) => {
            let named = asked.endpoint_url.is_some()
                || asked.authorization_header.is_some()
                || asked.authorities.is_some();
            if named {
                return refused("a receiver that polls is not named");
            }
            Ok(Delivery::Poll)
        }
        Some(PUSH) => {
            let Some(endpoint) = asked.endpoint_url else {
                return refused("endpoint_url is missing");
            };
            if let Some(authorities) = &asked.authorities
                && let Err(why) = check_authorities(authorities)
            {
                return refused(&format!("authorities: {why}"));
            }
            Ok(Delivery::Push(Receiver {
                endpoint,
                authorization: asked.authorization_header.map(Secret::new),
                authorities: asked.authorities,
            }))
        }
        _ => refused(&format!("method is neither {POLL} nor {PUSH}")),
    }
}

async fn shown(
    arrival: &Arrival<'_>,
    tenant: &Tenant,
    stream: &Stream,
    status: StatusCode,
) -> Result<Reply, Refusal> {
    let reach = arrival.app.directory.log_reach(tenant).await?;
    let document = document(stream, reach, &origin(arrival, tenant));
    Ok(Reply::new(status, JSON, document.to_string()))
}

/// The stream without secrets.
fn document(stream: &Stream, reach: LogReach, origin: &str) -> Value {
    let events = format!("{origin}{PATH}/{}/events", stream.id);
    let delivery = match &stream.delivery {
        Delivery::Poll => json!({ "method": POLL, "endpoint_url": events }),
        Delivery::Push(receiver) => json!({
            "method": PUSH,
            "endpoint_url": receiver.endpoint,
            "authorized": receiver.authorization.is_some(),
            "authorities": receiver.authorities,
        }),
    };
    json!({
        "stream_id": stream.id,
        "client_id": stream.client,
        "iss": stream.issuer,
        "aud": stream.audience,
        "jwks_uri": format!("{origin}{KEYS}"),
        "delivery": delivery,
        "payload": stream.payload.name(),
        "events_delivered": EVENT_URIS,
        "status": stream.status.name(),
        "reason": stream.reason,
        "verified": stream.verified,
        "created": stream.created.to_string(),
        "acknowledged": stream.position.through.0,
        "last": reach.last.0,
        "forgotten": reach.pruned.0,
        "rejected": stream.rejected,
    })
}
