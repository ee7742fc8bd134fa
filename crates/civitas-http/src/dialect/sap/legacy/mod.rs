//! SCIM as the product had it before: `/service/scim`. The same users and groups as the Identity
//! Directory has, under other identifiers and, in part, other names; what a request makes of them
//! goes by the same rules.

mod group;
mod list;
mod user;

use civitas_directory::{Error, Found, Outcome, store::Want};
use civitas_scim::schema::ResourceType;
use http::{HeaderValue, Method, header};
use serde_json::Value;

use super::{
    call::Call,
    fault::{Failure, Fault},
    identity::{
        self,
        resource::{self, everything},
    },
    kind::Kind,
    number,
    place::Place,
    status,
};
use crate::reply::Reply;

/// What is told of a group that is put under another identifier than its own.
const MISMATCH: &str = "Mismatched group id";

/// Answers a request of the older API.
pub(super) async fn answer(call: &mut Call<'_>, place: &Place<'_>) -> Result<Reply, Failure> {
    match place {
        Place::LegacyCollection(kind) if *call.method == Method::POST => create(call, *kind).await,
        Place::LegacyCollection(kind) => list::answer(call, *kind).await,
        Place::LegacyResource(kind, id) => one(call, *kind, id).await,
        _ => Err(Fault::not_built().into()),
    }
}

async fn create(call: &mut Call<'_>, kind: Kind) -> Result<Reply, Failure> {
    let body = call.object()?;
    identity::equip(call, kind).await?;
    let of = identity::types(call, kind)?;
    let object = match kind {
        Kind::User => {
            let manager = manager(call, &body).await?;
            user::created(&body, manager)?
        }
        Kind::Group => group::created(call, &body).await?,
    };
    let found = resource::create_from(call, &of, object).await?;
    let shown = show(call, kind, &of.view, &found).await?;
    let reply = Call::answer(Outcome::Created, &shown);
    let location = shown["meta"]["location"].as_str().unwrap_or_default();
    Ok(match HeaderValue::try_from(location) {
        Ok(location) => reply.with(header::LOCATION, location),
        Err(_) => reply,
    })
}

async fn one(call: &mut Call<'_>, kind: Kind, id: &str) -> Result<Reply, Failure> {
    let body = match *call.method {
        Method::PUT => {
            let body = call.object()?;
            identity::equip(call, kind).await?;
            body
        }
        _ => Value::Null,
    };
    let of = identity::types(call, kind)?;
    let found = find(call, kind, id).await?;
    let own = found.record.id.clone();
    match *call.method {
        Method::DELETE => {
            resource::delete(call, &of, &own).await?;
            Ok(Reply::empty(status::of(Outcome::Done)))
        }
        Method::PUT => {
            let named = body.get("id").and_then(Value::as_str);
            let is_same = named.is_some_and(|it| it.eq_ignore_ascii_case(id));
            let found = match kind {
                Kind::User if !is_same => {
                    let detail = "The id in the request body must be that of the user.";
                    return Err(Fault::value(detail).into());
                }
                Kind::User => {
                    let manager = manager(call, &body).await?;
                    let compute = |before: &_| user::changed(before, &body, manager.clone());
                    resource::replace_by(call, &of, &own, compute).await?
                }
                Kind::Group if !is_same => {
                    return Err(Fault::value(MISMATCH).coded(MISMATCH).into());
                }
                Kind::Group => {
                    let after = group::replaced(call, &found, &body).await?;
                    let compute = |before: &_| group::changed(before, &body, after.clone());
                    resource::replace_by(call, &of, &own, compute).await?
                }
            };
            let shown = show(call, kind, &of.view, &found).await?;
            Ok(Call::answer(Outcome::Answered, &shown))
        }
        _ => {
            let shown = show(call, kind, &of.view, &found).await?;
            Ok(Call::answer(Outcome::Answered, &shown))
        }
    }
}

/// The resource under an identifier of this API, with what is shown of it.
async fn find(call: &Call<'_>, kind: Kind, id: &str) -> Result<Found, Failure> {
    let (directory, scope) = (call.directory(), &call.scope);
    let found = match kind {
        Kind::User => number::user(directory, scope, id, everything(kind)).await?,
        Kind::Group => number::group(directory, scope, id, everything(kind)).await?,
    };
    found.ok_or_else(|| Fault::no_such(kind.name(), id).into())
}

/// The resource as this API shows it.
async fn show(
    call: &Call<'_>,
    kind: Kind,
    view: &ResourceType,
    found: &Found,
) -> Result<Value, Failure> {
    match kind {
        Kind::User => user::show(call, view, found).await,
        Kind::Group => group::show(call, view, found).await,
    }
}

/// The identifier of the manager that a body names by User ID; `None` if it names none.
async fn manager(call: &Call<'_>, body: &Value) -> Result<Option<String>, Failure> {
    let enterprise = body.get(civitas_scim::schema::urn::ENTERPRISE_USER);
    let named = enterprise.and_then(|it| it.get("manager")?.get("value")?.as_str());
    let Some(named) = named.filter(|it| !it.is_empty()) else {
        return Ok(None);
    };
    let found = number::user(call.directory(), &call.scope, named, Want::default()).await?;
    let found = found.ok_or_else(|| Fault::value(format!("Manager {named} does not exist.")))?;
    Ok(Some(found.record.id))
}

/// A resource by the identifier by which it is kept; `None` if it is gone.
async fn kept(call: &Call<'_>, kind: Kind, id: &str) -> Result<Option<Found>, Failure> {
    let Some(known) = call.scope.catalogue.resource_type(kind.name()) else {
        return Ok(None);
    };
    let want = Want {
        groups: kind == Kind::User,
        members: None,
    };
    match call.directory().get(&call.scope, known, id, want).await {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The URL of something below `/service/scim`.
fn url(call: &Call<'_>, kind: Kind, id: &str) -> String {
    format!("{}/service/scim/{}/{id}", call.origin, kind.endpoint())
}
