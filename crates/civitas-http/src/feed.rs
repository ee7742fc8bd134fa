//! The event feed: streams of security event tokens (RFC 8417, RFC 9967), set up by
//! administrators, polled by their receivers (RFC 8936) or pushed to them (RFC 8935). Names of
//! members are those of the `OpenID` Shared Signals Framework.

mod manage;
mod poll;
mod push;
mod receiver;

use civitas_directory::{Caller, Role, Tenant};
use http::{HeaderValue, Method, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::{
    admin,
    app::preflight,
    door::Arrival,
    negotiation::{check_accepts_json, check_json_content},
    refusal::Refusal,
    reply::Reply,
    router::Stream,
};

pub(crate) use push::run as push;
pub use receiver::check_authorities;

/// Path of streams on the tenant's host.
const PATH: &str = "/civitas/v1/streams";

/// Path of the keys that tokens are verified with.
const KEYS: &str = "/.well-known/jwks.json";

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Answers a request about streams.
pub(crate) async fn answer(mut arrival: Arrival<'_>, route: Stream<'_>) -> Result<Reply, Refusal> {
    let method = &arrival.parts.method;
    if let Some(reply) = preflight(route.methods(), method, admin::PATCHES)? {
        return Ok(reply);
    }
    let tenant = arrival.tenant().await?;
    let writes = !matches!(*method, Method::GET | Method::HEAD);
    if let Stream::Events(_) = route {
        arrival.check_served(&tenant, writes)?;
    } else if writes {
        arrival.check_primary()?;
    }
    let caller = arrival.caller(&tenant).await?;
    check_accepts_json(&arrival.parts.headers)?;
    let arrival = &mut arrival;
    match (route, method) {
        (Stream::All, &Method::POST) => manage::create(arrival, &tenant, &caller).await,
        (Stream::All, _) => manage::list(arrival, &tenant, &caller).await,
        (Stream::One(id), &Method::PATCH) => manage::change(arrival, &tenant, &caller, id).await,
        (Stream::One(id), &Method::DELETE) => manage::delete(arrival, &tenant, &caller, id).await,
        (Stream::One(id), _) => manage::show(arrival, &tenant, &caller, id).await,
        (Stream::Verification(id), _) => manage::verify(arrival, &tenant, &caller, id).await,
        (Stream::Events(id), _) => poll::answer(arrival, &tenant, &caller, id).await,
    }
}

/// `GET /.well-known/jwks.json`: public, as what is public about the keys is all there is.
pub(crate) async fn keys(arrival: &Arrival<'_>) -> Result<Reply, Refusal> {
    let tenant = arrival.tenant().await?;
    let keys = arrival
        .app
        .directory
        .event_keys(&tenant, arrival.now(&tenant))
        .await?;
    let media = HeaderValue::from_static("application/jwk-set+json");
    let kept = HeaderValue::from_static("public, max-age=300");
    let reply = Reply::new(StatusCode::OK, media, keys.to_string());
    Ok(reply.with(header::CACHE_CONTROL, kept))
}

/// Whose streams the caller may see: `None` for all, else those of its client.
fn of(caller: &Caller) -> Result<Option<&str>, Refusal> {
    if caller.roles.allow(Role::Administer) {
        return Ok(None);
    }
    // A user that acts through a client is not its receiver.
    if caller.user.is_some() {
        return Err(Refusal::Forbidden {
            needs: Role::Administer,
        });
    }
    if !caller.roles.allow(Role::Read) {
        return Err(Refusal::Forbidden { needs: Role::Read });
    }
    Ok(Some(&caller.client_id))
}

fn check_administers(caller: &Caller) -> Result<(), Refusal> {
    if caller.roles.allow(Role::Administer) {
        Ok(())
    } else {
        Err(Refusal::Forbidden {
            needs: Role::Administer,
        })
    }
}

/// The body as a JSON object; none will do where all members are optional.
async fn read<T: DeserializeOwned>(arrival: &mut Arrival<'_>) -> Result<T, Refusal> {
    use civitas_scim::{Invalid, json};
    let body = arrival.body.read().await?;
    if body.is_empty() {
        let empty = serde_json::from_str("{}");
        return Ok(empty.map_err(|error| Invalid::value(error.to_string()))?);
    }
    check_json_content(&arrival.parts.headers)?;
    let value = json::parse(&body, &json::Limits::default())?;
    if !value.is_object() {
        return Err(Invalid::syntax("the body must be a JSON object").into());
    }
    Ok(serde_json::from_value(value).map_err(|error| Invalid::value(error.to_string()))?)
}

/// The origin that URLs of the tenant begin with.
fn origin(arrival: &Arrival<'_>, tenant: &Tenant) -> String {
    let base = arrival.scim_base(tenant);
    base.strip_suffix(crate::call::BASE)
        .unwrap_or(&base)
        .to_owned()
}
