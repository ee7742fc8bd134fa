//! The alias of the resource of the user that calls (RFC 7644 §3.11).

use civitas_directory::Role;
use http::{HeaderValue, Method, header};

use super::{render::Renderer, resource};
use crate::{call::Call, refusal::Refusal, reply::Reply};

/// `/Me`. Whatever is answered names the permanent URL of the resource.
pub(super) async fn answer(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let method = &call.parts.method;
    if *method == Method::POST {
        return Err(Refusal::NotBuilt {
            what: "creating the caller's own resource (RFC 7644 §3.11)",
        });
    }
    let id = call.user.clone().ok_or(Refusal::NoUser)?;
    let mut types = call.types().iter();
    let kind = types.find(|it| it.name == "User").ok_or(Refusal::NoUser)?;
    call.self_service = !call.roles.allow(Role::Write);
    match *method {
        Method::PUT => resource::replace(call, kind, &id).await,
        Method::PATCH => resource::patch(call, kind, &id).await,
        Method::DELETE if call.self_service => Err(Refusal::Forbidden { needs: Role::Write }),
        Method::DELETE => {
            let reply = resource::delete(call, kind, &id).await?;
            let location = Renderer::of(call).location(kind, &id);
            Ok(match HeaderValue::try_from(location) {
                Ok(location) => reply.with(header::LOCATION, location),
                Err(_) => reply,
            })
        }
        _ => resource::read(call, kind, &id).await,
    }
}
