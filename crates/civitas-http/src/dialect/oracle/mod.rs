//! Oracle identity domains: `/admin/v1`.
//!
//! A resource there and a SCIM resource are two views of one record: [`object`] says what is kept
//! where, [`schema`] which attributes there are.

mod allowed;
mod attribute;
mod bulk;
mod call;
mod changer;
mod condition;
mod credential;
mod custom;
mod discovery;
mod endpoint;
mod factor;
mod fault;
pub(crate) mod fidelity;
mod file;
mod id;
mod job;
mod kind;
mod object;
mod paging;
mod parameters;
mod place;
mod policy;
mod projection;
pub(crate) mod rehearsal;
mod reset;
mod resource;
mod retry;
mod rules;
mod schema;
mod search;
mod show;
mod signature;
pub(crate) mod status;
mod write;

pub(crate) use bulk::{KIND as BULK, carry_out as carry_out_bulk};
pub(crate) use job::{EXPORT, IMPORT, Jobs, carry_out_export, carry_out_import};
pub(crate) use place::{Place, UNBUILT, owns};

use std::sync::Arc;

use bytes::Bytes;
use civitas_directory::{Role, Tenant};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use self::{
    call::Call,
    endpoint::Endpoint,
    fault::{Failure, Fault},
    kind::Kind,
    parameters::Parameters,
    resource::Item,
};
use crate::{
    door::Arrival,
    negotiation::{self, SCIM_TYPES},
    refusal::Refusal,
    reply::Reply,
};

/// The header field in which a client names its request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("opc-request-id");

/// The scope by which a client asks for all that it may have.
pub(crate) const MY_SCOPES: &str = "urn:opc:idm:__myscopes__";

/// Largest body, in bytes (`maxPayload`).
pub(crate) const MAX_PAYLOAD: usize = 1_048_576;

/// The schema versions of endpoints that a client may ask for.
const SCHEMA_VERSIONS: std::ops::RangeInclusive<u32> = 1..=3;
const SCHEMA_VERSION: HeaderName = HeaderName::from_static("resource_type_schema_version");

/// Answers a request.
pub(crate) async fn answer(arrival: Arrival<'_>, place: Place<'_>) -> Result<Reply, Refusal> {
    let headers = &arrival.parts.headers;
    let tenant = arrival.tenant().await?;
    match serve(arrival, &tenant, &place).await {
        Ok(reply) => Ok(reply),
        Err(Failure::Fault(fault)) => Ok(status::fault(&fault, headers)),
        Err(Failure::Refusal(refusal)) => Err(refusal),
    }
}

/// All checks before a use case, in the order in which the service makes them.
async fn serve(
    mut arrival: Arrival<'_>,
    tenant: &Arc<Tenant>,
    place: &Place<'_>,
) -> Result<Reply, Failure> {
    let parts = arrival.parts;
    let (method, headers) = (&parts.method, &parts.headers);
    let is_there = !matches!(place, Place::Nowhere | Place::Unbuilt);
    if *method == Method::OPTIONS && is_there {
        return Ok(options(place));
    }
    arrival.check_open(tenant)?;
    if place.writes(method) {
        arrival.check_primary()?;
    }
    check_length(headers, place.max_body())?;
    arrival.body.set_limit(place.max_body());
    let has_body = has_body(headers);
    let (caller, mut body) = if signature::is_signed(headers) {
        signature::caller(&mut arrival, tenant, has_body).await?
    } else {
        (arrival.caller(tenant).await?, Bytes::new())
    };
    arrival.check_rate(tenant)?;
    match place {
        Place::Nowhere => return Err(Refusal::UnknownPath.into()),
        Place::Unbuilt => return Err(Fault::not_built().into()),
        _ => place.methods().check(method)?,
    }
    let parameters = Parameters::read(parts.uri.query().unwrap_or_default());
    if let Place::SchemaAttributes | Place::AllowedValues = place {
        check_filter(place, parameters.as_ref().ok(), method)?;
    }
    crate::door::acceptable(headers)?;
    if has_body && *method != Method::GET && *method != Method::DELETE {
        check_content(headers, place)?;
    }
    let scope = arrival.scope(tenant, &caller);
    let origin = arrival.origin(tenant);
    let needs = needs(place, method);
    if needs.is_some_and(|it| !caller.roles.allow(it)) {
        return Err(Fault::forbidden(method.as_str(), place.subject()).into());
    }
    check_schema_version(headers)?;
    let _turn = match place {
        // Few files at a time are held in memory.
        Place::Files if has_body => Some(arrival.app.directory.bulk_turn(&scope).await?),
        _ => None,
    };
    if has_body && body.is_empty() {
        body = arrival.body.read().await?;
    }
    let mut call = Call {
        directory: &arrival.app.directory,
        clock: arrival.app.settings.clock,
        request_timeout: arrival.app.settings.limits.request_timeout,
        tenant,
        scope,
        caller,
        origin,
        method,
        headers,
        parameters: parameters?,
        body,
        new_id: None,
    };
    match retry::token(place, method, headers) {
        Some(token) => retry::once(call, tenant, &parts.uri, token).await,
        None => carry_out(&mut call, place).await,
    }
}

async fn carry_out(call: &mut Call<'_>, place: &Place<'_>) -> Result<Reply, Failure> {
    match place {
        Place::Collection(endpoint) if *call.method == Method::GET => {
            search::list(call, *endpoint, &call.parameters).await
        }
        Place::Search(endpoint) => {
            let parameters = search::message(call)?;
            search::list(call, *endpoint, &parameters).await
        }
        Place::Collection(_) | Place::Resource(..) => act(call, place).await,
        Place::Me => {
            let id = resource::caller(call)?;
            let item = Item {
                kind: Kind::User,
                id: &id,
                me: true,
            };
            one(call, &item).await
        }
        Place::Changer(changer, user) => {
            equip(call, Kind::User).await?;
            changer::answer(call, *changer, user.as_deref()).await
        }
        Place::Policies if *call.method == Method::GET => policy::list(call, &call.parameters),
        // The directory has one for each tenant.
        Place::Policies => Err(Fault::not_built().into()),
        Place::PoliciesSearch => policy::list(call, &search::message(call)?),
        Place::Policy(id) => policy::one(call, id).await,
        Place::Factor(factor, own) => factor::answer(call, *factor, *own).await,
        Place::Barred => {
            let name = "EncryptionKeys";
            Err(Fault::not_supported(call.method.as_str(), name, name).into())
        }
        Place::Bulk => bulk::answer(call).await,
        Place::Job(id) => job::answer_one(call, id).await,
        Place::Schedule(id) => job::answer_schedule(call, id).await,
        Place::Jobs(jobs) => job::answer(call, *jobs).await,
        Place::Files => file::answer(call).await,
        Place::Schemas => discovery::all_schemas(call).await,
        Place::Schema(urn) if custom::named(urn) == Some("") => match *call.method {
            Method::GET => custom::answer(call).await,
            _ => custom::change(call).await,
        },
        Place::Schema(urn) if *call.method == Method::GET => discovery::schema(call, urn),
        Place::Schema(urn) => discovery::change_schema(call, urn),
        Place::ResourceTypes => Ok(discovery::resource_types(call)?),
        Place::ResourceType(name) => discovery::resource_type(call, name),
        Place::ProviderConfig => Ok(discovery::provider_config(call)),
        Place::SchemaAttributes => discovery::schema_attributes(call, &call.parameters).await,
        Place::SchemaAttributesSearch => {
            let parameters = search::message(call)?;
            check_filter(place, Some(&parameters), call.method)?;
            discovery::schema_attributes(call, &parameters).await
        }
        Place::AllowedValues => allowed::answer(call, &call.parameters),
        Place::AllowedValuesSearch => {
            let parameters = search::message(call)?;
            check_filter(place, Some(&parameters), call.method)?;
            allowed::answer(call, &parameters)
        }
        Place::Unbuilt | Place::Nowhere => Err(Refusal::UnknownPath.into()),
    }
}

/// Creates a resource, or carries out what is asked of one.
async fn act(call: &mut Call<'_>, place: &Place<'_>) -> Result<Reply, Failure> {
    match place {
        Place::Collection(Endpoint { kind, own }) => {
            equip(call, *kind).await?;
            if kind.is_credential() {
                return credential::create(call, *kind, *own).await;
            }
            resource::create(call, *kind).await
        }
        Place::Resource(Endpoint { kind, own }, id) => {
            let id = id::kept(id);
            let item = Item {
                kind: *kind,
                id: &id,
                me: *own,
            };
            one(call, &item).await
        }
        _ => Err(Fault::not_built().into()),
    }
}

async fn one(call: &mut Call<'_>, item: &Item<'_>) -> Result<Reply, Failure> {
    match *call.method {
        Method::PUT | Method::PATCH => {
            equip(call, item.kind).await?;
            if *call.method == Method::PUT {
                resource::replace(call, item).await
            } else {
                resource::patch(call, item).await
            }
        }
        Method::DELETE => resource::delete(call, item).await,
        // Whoever registers itself needs a profile of such registrations.
        Method::POST => Err(Fault::not_built().into()),
        _ => resource::read(call, item).await,
    }
}

/// Sees to it that what a write may bring has a place in the schemas of the tenant.
async fn equip(call: &mut Call<'_>, kind: Kind) -> Result<(), Failure> {
    let catalogue = &call.scope.catalogue;
    let (lacking, types) = (kind.lacking(catalogue), kind.lacking_type(catalogue));
    if !lacking.is_empty() || types.is_some() {
        let adopted = call
            .directory
            .adopt(&call.scope, &lacking, types.as_slice());
        call.scope.catalogue = adopted.await?;
    }
    Ok(())
}

/// The role that is needed; `None` for what is open to all that are known.
fn needs(place: &Place<'_>, method: &Method) -> Option<Role> {
    match place {
        // Of what is its own the caller needs no role.
        Place::Collection(of) | Place::Resource(of, _) if of.own => None,
        Place::Collection(_) | Place::Resource(..) => {
            let reads = *method == Method::GET;
            Some(if reads { Role::Read } else { Role::Write })
        }
        Place::Search(_) => Some(Role::Read),
        Place::Changer(changer, _) => (!changer.is_own()).then_some(Role::Write),
        Place::Schema(_) | Place::Policy(_) | Place::Policies if *method != Method::GET => {
            Some(Role::Administer)
        }
        Place::Schedule(_) | Place::Jobs(Jobs::Schedules) | Place::Files => Some(Role::Administer),
        Place::Factor(_, own) => (!own).then_some(Role::Write),
        _ => None,
    }
}

fn options(place: &Place<'_>) -> Reply {
    let allow = HeaderValue::from_static(place.options());
    let mut reply = Reply::empty(StatusCode::OK);
    reply.headers.insert(header::ALLOW, allow.clone());
    let cross_origin = header::ACCESS_CONTROL_ALLOW_METHODS;
    reply.with(cross_origin, allow)
}

/// Refuses a body that is too large before anything of it is read.
fn check_length(headers: &HeaderMap, limit: usize) -> Result<(), Refusal> {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|it| it > limit as u64) {
        return Err(Refusal::TooLarge { limit });
    }
    Ok(())
}

fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    headers.contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|it| it != "0")
}

/// A body says what it is, and is JSON, or a form with a file.
fn check_content(headers: &HeaderMap, place: &Place<'_>) -> Result<(), Refusal> {
    if *place == Place::Files {
        return file::check_content(headers);
    }
    if !headers.contains_key(header::CONTENT_TYPE) {
        return Err(Refusal::UnsupportedMediaType {
            accepted: SCIM_TYPES,
        });
    }
    let tolerance = civitas_scim::tolerance::Tolerance::generic();
    negotiation::check_scim_content(headers, &tolerance)
}

fn check_schema_version(headers: &HeaderMap) -> Result<(), Fault> {
    let Some(value) = headers.get(SCHEMA_VERSION) else {
        return Ok(());
    };
    let number = value.to_str().ok().and_then(|it| it.trim().parse().ok());
    if number.is_some_and(|it: u32| SCHEMA_VERSIONS.contains(&it)) {
        return Ok(());
    }
    let detail = "The resource_type_schema_version is not one of those that there are.";
    Err(Fault::payload(detail))
}

/// A list that is not asked for as a whole.
fn check_filter(
    place: &Place<'_>,
    parameters: Option<&Parameters>,
    method: &Method,
) -> Result<(), Failure> {
    if parameters.is_none_or(|it| it.filter.is_some()) {
        return Ok(());
    }
    let of = match place {
        Place::AllowedValues | Place::AllowedValuesSearch => allowed::ALLOWED_VALUES,
        _ => discovery::SCHEMA_ATTRIBUTES,
    };
    Err(Fault::needs_filter(method.as_str(), of).into())
}

/// What every answer of the dialect carries.
pub(crate) fn finish(reply: &mut Reply) {
    for (name, value) in [
        (header::CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
        (header::PRAGMA, "no-cache"),
        (header::EXPIRES, "Sat, 01 Jan 2000 00:00:00 GMT"),
        (header::X_XSS_PROTECTION, "1; mode=block"),
        (header::VARY, "accept-encoding"),
        (HeaderName::from_static("x-oracle-dms-rid"), "0"),
    ] {
        reply.headers.insert(name, HeaderValue::from_static(value));
    }
    // The service writes lists of methods without blanks.
    if let Some(allow) = reply.headers.get(header::ALLOW)
        && let Ok(text) = allow.to_str()
        && let Ok(bare) = HeaderValue::try_from(text.replace(", ", ","))
    {
        reply.headers.insert(header::ALLOW, bare);
    }
}
