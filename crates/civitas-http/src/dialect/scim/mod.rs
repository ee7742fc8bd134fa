//! SCIM 2.0 (RFC 7643, RFC 7644) below `/scim/v2`.

mod bulk;
mod definition;
mod delta;
mod discovery;
pub(crate) mod fidelity;
mod me;
mod openapi;
mod query;
pub(crate) mod rehearsal;
mod render;
mod resource;
mod search;
pub(crate) mod status;

pub(crate) use bulk::{KIND as BULK, carry_out as carry_out_bulk};
use civitas_directory::Role;
use civitas_scim::schema::ResourceType;
use http::{HeaderValue, Method, header};

use crate::{
    app::preflight, call::Call, door::Arrival, negotiation::SCIM_TYPES, prefer::PREFERENCE_APPLIED,
    refusal::Refusal, reply::Reply, router::Scim,
};

/// Answers a request by its path, of which the tenant tells what types it leads to.
pub(crate) async fn answer(arrival: Arrival<'_>, route: Scim<'_, &str>) -> Result<Reply, Refusal> {
    let tenant = &*arrival.tenant().await?;
    let types = tenant.catalogue.resource_types();
    let route = route.bind(types)?;
    let method = &arrival.parts.method;
    if let Some(reply) = preflight(route.methods(), method, SCIM_TYPES)? {
        return Ok(reply);
    }
    let needs = needs(&route, method);
    arrival.check_served(tenant, needs != Role::Read)?;
    // Users need no role to be themselves.
    let needs = Some(needs).filter(|_| route != Scim::Me);
    if route == Scim::ProviderConfig && discovery::is_anonymous(&arrival) {
        return discovery::provider_config_for_strangers(&arrival, tenant);
    }
    let mut call = arrival.authorize(tenant, needs).await?;
    let outcome = carry_out(&mut call, route).await;
    call.tell_tolerances();
    outcome.map(|reply| preferred(&call, reply))
}

/// Tells that `handling` was applied (RFC 7240 §3), unless the answer has told of preferences.
fn preferred(call: &Call<'_>, reply: Reply) -> Reply {
    match call.prefer.applied(None) {
        Some(applied) if !reply.headers.contains_key(PREFERENCE_APPLIED) => {
            reply.with(PREFERENCE_APPLIED, applied)
        }
        _ => reply,
    }
}

/// Changes stand in boxes, so that reads do not carry their room.
async fn carry_out(call: &mut Call<'_>, route: Scim<'_>) -> Result<Reply, Refusal> {
    let method = &call.parts.method;
    let types = call.types();
    match route {
        Scim::Root => search::by_query(call, &every_type(types)).await,
        Scim::RootSearch => search::by_message(call, &every_type(types)).await,
        Scim::Collection(kind) if *method == Method::POST => {
            Box::pin(resource::create(call, kind)).await
        }
        Scim::Collection(kind) => search::by_query(call, &[kind]).await,
        Scim::CollectionSearch(kind) => search::by_message(call, &[kind]).await,
        Scim::Resource(kind, id) => match *method {
            Method::PUT => Box::pin(resource::replace(call, kind, &id)).await,
            Method::PATCH => Box::pin(resource::patch(call, kind, &id)).await,
            Method::DELETE => Box::pin(resource::delete(call, kind, &id)).await,
            _ => resource::read(call, kind, &id).await,
        },
        Scim::DeltaToken(of) => Box::pin(delta::token(call, &types_of(of, types))).await,
        Scim::Delta(of) => Box::pin(delta::changes(call, &types_of(of, types))).await,
        Scim::ProviderConfig => Box::pin(discovery::provider_config(call)).await,
        Scim::Schemas if *method == Method::POST => Box::pin(definition::create_schema(call)).await,
        Scim::Schemas => discovery::schemas(call),
        Scim::Schema(uri) => match *method {
            Method::PUT => Box::pin(definition::replace_schema(call, &uri)).await,
            Method::DELETE => Box::pin(definition::delete_schema(call, &uri)).await,
            _ => discovery::schema(call, &uri),
        },
        Scim::ResourceTypes if *method == Method::POST => {
            Box::pin(definition::create_type(call)).await
        }
        Scim::ResourceTypes => discovery::resource_types(call),
        Scim::ResourceType(name) => match *method {
            Method::PUT => Box::pin(definition::replace_type(call, &name)).await,
            Method::DELETE => Box::pin(definition::delete_type(call, &name)).await,
            _ => discovery::resource_type(call, &name),
        },
        Scim::OpenApi => Ok(openapi::serve(call)),
        Scim::Bulk => Box::pin(bulk::run(call)).await,
        Scim::Me => Box::pin(me::answer(call)).await,
    }
}

/// What a tenant serves is its administrators' to change.
fn needs(route: &Scim<'_>, method: &Method) -> Role {
    match route {
        _ if !route.writes(method) => Role::Read,
        Scim::Schemas | Scim::Schema(_) | Scim::ResourceTypes | Scim::ResourceType(_) => {
            Role::Administer
        }
        _ => Role::Write,
    }
}

/// What every answer of the dialect carries: the request fields that choose between its forms
/// (RFC 9110 §12.5.5, RFC 7240 §2).
pub(crate) fn finish(reply: &mut Reply) {
    reply.headers.insert(
        header::VARY,
        HeaderValue::from_static("Accept, Accept-Encoding, Prefer"),
    );
}

/// The type that a path names, else all.
fn types_of<'t>(one: Option<&'t ResourceType>, all: &'t [ResourceType]) -> Vec<&'t ResourceType> {
    one.map_or_else(|| every_type(all), |one| vec![one])
}

fn every_type(types: &[ResourceType]) -> Vec<&ResourceType> {
    types.iter().collect()
}
