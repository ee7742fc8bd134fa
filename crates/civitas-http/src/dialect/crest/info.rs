//! `/openidm/info`: what a client asks before anything else.

use civitas_directory::{Outcome, Role};
use serde_json::{Value, json};

use super::{call::Call, fault::Failure, managed, request::Verb};
use crate::{dialect::crest::fault::Fault, reply::Reply};

/// `ping`: whether the service is ready. Once it listens, it is.
pub(super) fn ping(call: &Call<'_>) -> Result<Reply, Failure> {
    let ping = json!({
        "_id": "", "_rev": "", "shortDesc": "OpenIDM ready", "state": "ACTIVE_READY",
    });
    read_only(call, &ping)
}

/// `version`: of this program.
pub(super) fn version(call: &Call<'_>) -> Result<Reply, Failure> {
    let version = json!({
        "_id": "version",
        "productVersion": env!("CARGO_PKG_VERSION"),
        "productRevision": "civitas",
    });
    read_only(call, &version)
}

/// `login`: who calls.
pub(super) async fn login(call: &Call<'_>) -> Result<Reply, Failure> {
    let (id, component) = match &call.caller.user {
        Some(user) => (user, "managed/alpha_user"),
        None => (&call.caller.client_id, "managed/svcacct"),
    };
    let mut roles = vec!["internal/role/openidm-authorized".to_owned()];
    if call.caller.roles.allow(Role::Administer) {
        roles.push("internal/role/openidm-admin".to_owned());
    }
    if let Some(user) = &call.caller.user {
        for role in managed::internal::of_user(call, user).await? {
            let role = format!("{}/{role}", managed::internal::COLLECTION);
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
    }
    let login = json!({
        "_id": "login",
        "authorization": { "id": id, "component": component, "roles": roles },
        "authenticationId": id,
    });
    read_only(call, &login)
}

pub(super) fn read_only(call: &Call<'_>, value: &Value) -> Result<Reply, Failure> {
    let path = call.path;
    let refused = match &call.request.verb {
        Verb::Read => return Ok(call.answer(Outcome::Answered, value)),
        Verb::Action(action) => format!("Action {action} is not supported."),
        verb => format!(
            "The singleton resource {path} cannot be {}",
            verb.participle()
        ),
    };
    Err(Fault::invalid(refused).into())
}
