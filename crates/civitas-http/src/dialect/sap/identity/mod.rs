//! Identity Directory SCIM: users, groups and schemas below `/scim`.
//!
//! A resource there and a SCIM resource are two views of one record: [`object`] says what is kept
//! where, [`schema`] which attributes there are.

mod activation;
mod attribute;
mod bulk;
pub(super) mod condition;
mod definition;
mod discovery;
mod group;
mod input;
mod list;
pub(super) mod object;
mod patch;
mod projection;
pub(super) mod proof;
pub(super) mod resource;
pub(super) mod rules;
pub(super) mod schema;
pub(super) mod show;
mod unique;
mod view;

use civitas_directory::Outcome;
use http::Method;

use self::{list::Parameters, resource::Type, schema::SAP_USER};
use super::{
    call::Call,
    fault::{Failure, Fault},
    kind::Kind,
    place::Place,
    status,
};
use crate::{refusal::Refusal, reply::Reply};

/// Most members of one answer.
const MAX_MEMBERS: usize = 20_000;

/// Answers a request of the Identity Directory.
pub(super) async fn answer(call: &mut Call<'_>, place: &Place<'_>) -> Result<Reply, Failure> {
    match place {
        Place::Collection(kind) if *call.method == Method::POST => create(call, *kind).await,
        Place::Collection(kind) => {
            let parameters = Parameters::of_query(call)?;
            list::answer(call, *kind, &parameters).await
        }
        Place::Search(kind) => {
            let parameters = Parameters::of_message(&call.object()?)?;
            list::answer(call, *kind, &parameters).await
        }
        Place::Resource(kind, id) => one(call, *kind, id).await,
        Place::Me => match call.caller.user.clone() {
            Some(id) => one(call, Kind::User, &id).await,
            None => Err(Fault::no_such("User", "Me").into()),
        },
        Place::Schemas if *call.method == Method::POST => definition::create(call).await,
        Place::Schemas => Ok(discovery::schemas(call)),
        Place::Schema(uri) if *call.method == Method::DELETE => definition::delete(call, uri).await,
        Place::Schema(uri) => discovery::schema(call, uri),
        Place::ResourceTypes => Ok(discovery::resource_types(call)),
        Place::ResourceType(name) => discovery::resource_type(call, name),
        Place::ProviderConfig => Ok(discovery::provider_config(call)),
        Place::Bulk => bulk::answer(call).await,
        _ => Err(Refusal::UnknownPath.into()),
    }
}

async fn create(call: &mut Call<'_>, kind: Kind) -> Result<Reply, Failure> {
    let body = call.object()?;
    equip(call, kind).await?;
    let of = types(call, kind)?;
    let id = call.scope.ids.issue(call.scope.now);
    let (beside, url) = match kind {
        Kind::User => activation::begun(call, &id, &body).await?,
        Kind::Group => (Vec::new(), None),
    };
    let created = resource::create_beside(call, &of, id, body, beside).await?;
    let mut object = resource::shown(call, &of, &created).await?;
    if let (Some(url), Some(extension)) = (url, object.get_mut(SAP_USER)) {
        extension[activation::URL] = url.into();
    }
    let outcome = Outcome::Created;
    Ok(resource::answered_with(
        call, &of, outcome, &created, object,
    ))
}

async fn one(call: &mut Call<'_>, kind: Kind, id: &str) -> Result<Reply, Failure> {
    let method = call.method.clone();
    let body = match method {
        Method::PUT | Method::PATCH => {
            let body = call.object()?;
            equip(call, kind).await?;
            body
        }
        _ => serde_json::Value::Null,
    };
    let of = types(call, kind)?;
    match method {
        Method::PUT => {
            let found = resource::replace(call, &of, id, body).await?;
            resource::answered(call, &of, Outcome::Answered, &found, None).await
        }
        Method::PATCH => {
            resource::patch(call, &of, id, &body).await?;
            Ok(Reply::empty(status::of(Outcome::Done)))
        }
        Method::DELETE => {
            resource::delete(call, &of, id).await?;
            Ok(Reply::empty(status::of(Outcome::Done)))
        }
        _ => resource::read(call, &of, id).await,
    }
}

/// Creates a user for another API; `None` where somebody has its name or address.
pub(super) async fn register(
    call: &mut Call<'_>,
    id: String,
    body: serde_json::Value,
    beside: Vec<civitas_directory::Change>,
) -> Result<Option<civitas_directory::Found>, Failure> {
    let kind = Kind::User;
    equip(call, kind).await?;
    let of = types(call, kind)?;
    match resource::create_beside(call, &of, id, body, beside).await {
        Ok(created) => Ok(Some(created)),
        Err(Failure::Fault(fault)) if fault.outcome == Outcome::Taken => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Makes a user active by what is computed of it, with the password that it has chosen, if any.
pub(super) async fn activate(
    call: &mut Call<'_>,
    id: &str,
    password: Option<&str>,
    beside: Vec<civitas_directory::Change>,
    compute: impl Fn(&mut object::Object),
) -> Result<(), Failure> {
    let kind = Kind::User;
    equip(call, kind).await?;
    let of = types(call, kind)?;
    let activated = resource::replace_beside(call, &of, id, beside, |before| {
        let mut after = before.clone();
        compute(&mut after);
        if let Some(password) = password {
            after.insert("password".into(), password.into());
            after[SAP_USER][proof::DETAILS] = serde_json::json!({ "status": "enabled" });
        }
        Ok(after)
    });
    activated.await.map(drop)
}

/// The type as the service shows it, and as it is kept.
pub(super) fn types(call: &Call<'_>, kind: Kind) -> Result<Type, Failure> {
    let catalogue = &call.scope.catalogue;
    Ok(Type {
        kind,
        view: view::of(kind, catalogue),
        kept: view::kept(kind, catalogue).ok_or(Refusal::UnknownPath)?,
    })
}

/// Sees to it that what a write may bring has a place in the schemas of the tenant.
pub(super) async fn equip(call: &mut Call<'_>, kind: Kind) -> Result<(), Failure> {
    let lacking = view::lacking(kind, &call.scope.catalogue);
    if !lacking.is_empty() {
        let adopted = call.app.directory.adopt(&call.scope, &lacking, &[]);
        call.scope.catalogue = adopted.await?;
    }
    Ok(())
}
