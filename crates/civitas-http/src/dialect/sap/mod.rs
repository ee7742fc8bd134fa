//! SAP Cloud Identity Services: nine APIs over one directory, under paths of their own
//! ([`place`]).
//!
//! A user or group there and a SCIM resource are two views of one record: [`identity`] says what
//! is kept where.

mod api;
mod call;
mod fault;
pub(crate) mod fidelity;
mod guest;
mod head;
mod identity;
mod kind;
mod legacy;
mod master;
mod media;
mod number;
mod place;
pub(crate) mod rehearsal;
mod service;
pub(crate) mod status;
mod texts;

pub(crate) use guest::{Guest, NewUser, Refusing};
pub(crate) use head::{REQUEST_ID, coded, finish};
pub(crate) use place::{Place, issues_tokens, owns};

use std::time::Instant;

use civitas_directory::{Caller, Role, Tenant};
use http::{HeaderValue, Method, StatusCode, header};

use self::{
    api::{Api, Callers},
    call::Call,
    fault::{Failure, Fault},
    kind::Kind,
    master::Data,
};
use crate::{
    call::{host, host_name},
    door::Arrival,
    oauth,
    refusal::Refusal,
    reply::Reply,
};

/// Answers a request.
pub(crate) async fn answer(arrival: Arrival<'_>, place: Place<'_>) -> Result<Reply, Refusal> {
    let api = place.api();
    let host = host(arrival.parts).map_or("", host_name).to_owned();
    let tenant = &*arrival.tenant().await?;
    match serve(arrival, tenant, &place).await {
        Ok(reply) => Ok(reply),
        Err(Failure::Fault(fault)) => Ok(status::fault(&fault, api)),
        Err(Failure::Refusal(Refusal::Unauthenticated(why))) if api != Api::Token => {
            Ok(status::unauthenticated(why, api, &host))
        }
        Err(Failure::Refusal(refusal)) => Err(refusal),
    }
}

/// All checks before a use case, in the order in which the service makes them: rate, credentials,
/// path, method, role, and then what the body is and what is taken for an answer.
async fn serve(arrival: Arrival<'_>, tenant: &Tenant, place: &Place<'_>) -> Result<Reply, Failure> {
    let parts = arrival.parts;
    let method = &parts.method;
    arrival.check_open(tenant)?;
    arrival.check_rate(tenant)?;
    if matches!(place.api(), Api::Directory | Api::Legacy) {
        check_minute(&arrival, tenant).await?;
    }
    if place.writes(method) {
        arrival.check_primary()?;
    }
    let caller = match place.api().callers() {
        Callers::Systems | Callers::Applications => Some(arrival.caller(tenant).await?),
        Callers::EndUsers | Callers::Anybody => None,
    };
    if matches!(place, Place::Nowhere(_)) {
        return Err(Refusal::UnknownPath.into());
    }
    place.methods().check(method)?;
    if *method == Method::OPTIONS {
        return Ok(options(place));
    }
    match (place, caller) {
        (Place::Token, _) => Ok(oauth::token(arrival, false).await?),
        (Place::MasterData(name), _) => match Data::named(name) {
            Some(data) => Ok(data.answer(&arrival, tenant).await?),
            None => Err(Refusal::UnknownPath.into()),
        },
        (Place::Password, _) => service::log_on(arrival, tenant).await,
        (_, Some(caller)) if place.api().callers() == Callers::Applications => {
            service::serve(arrival, tenant, place, caller).await
        }
        (_, Some(caller)) => administered(arrival, tenant, place, caller).await,
        (_, None) => Err(Fault::not_built().into()),
    }
}

/// Takes the request from those of the tenant's minute, and lets it wait if there are many.
async fn check_minute(arrival: &Arrival<'_>, tenant: &Tenant) -> Result<(), Refusal> {
    let Some(at_once) = tenant.settings.requests_per_minute else {
        return Ok(());
    };
    let minutes = &arrival.app.minutes;
    if let Some(time) = minutes.take(tenant.partition, at_once, Instant::now())? {
        tokio::time::sleep(time).await;
    }
    Ok(())
}

/// What technical users ask for.
async fn administered(
    arrival: Arrival<'_>,
    tenant: &Tenant,
    place: &Place<'_>,
    caller: Caller,
) -> Result<Reply, Failure> {
    let parts = arrival.parts;
    let (method, headers) = (&parts.method, &parts.headers);
    check_access(place, method, &caller)?;
    if place.api() == Api::Texts {
        texts::check(method, headers)?;
        let scope = arrival.scope(tenant, &caller);
        let call = Call::begin(arrival, tenant, caller, scope).await?;
        return texts::answer(&call, place).await;
    }
    if media::takes_body(method) {
        let accepted = match place.api() {
            Api::Legacy => media::SCIM_ONLY,
            _ => media::SCIM,
        };
        media::check_content(headers, accepted)?;
    }
    media::check_accepted(headers, media::SCIM)?;
    let scope = arrival.scope(tenant, &caller);
    let mut call = Call::begin(arrival, tenant, caller, scope).await?;
    match place.api() {
        Api::Legacy => legacy::answer(&mut call, place).await,
        _ => identity::answer(&mut call, place).await,
    }
}

/// Refuses callers whose roles do not allow what they ask for. A user may read and change itself.
fn check_access(place: &Place<'_>, method: &Method, caller: &Caller) -> Result<(), Fault> {
    if needs(place, method).is_none_or(|it| caller.roles.allow(it)) {
        return Ok(());
    }
    let is_own = match place {
        Place::Me => caller.user.is_some(),
        Place::Resource(Kind::User, id) => {
            let may = matches!(*method, Method::GET | Method::HEAD | Method::PATCH);
            may && caller.user.as_deref() == Some(&**id)
        }
        _ => false,
    };
    if is_own {
        Ok(())
    } else {
        Err(Fault::forbidden())
    }
}

/// The role that is needed; `None` for what is open to all that are known. Who may read users may
/// not read groups.
fn needs(place: &Place<'_>, method: &Method) -> Option<Role> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match place {
        Place::Collection(Kind::User) | Place::Resource(Kind::User, _) | Place::Me if reads => {
            Some(Role::Read)
        }
        Place::Search(Kind::User) => Some(Role::Read),
        Place::Schemas | Place::Schema(_) if reads => Some(Role::Read),
        Place::ResourceTypes | Place::ResourceType(_) | Place::ProviderConfig => None,
        Place::Texts | Place::TextSet => Some(Role::Administer),
        _ => match place.api() {
            Api::Directory | Api::Legacy => Some(Role::Write),
            _ => None,
        },
    }
}

fn options(place: &Place<'_>) -> Reply {
    let allow = HeaderValue::from_static(place.methods().allow());
    Reply::empty(StatusCode::NO_CONTENT).with(header::ALLOW, allow)
}
