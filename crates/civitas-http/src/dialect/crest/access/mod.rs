//! `/am/json`: how users sign in with name and password, and the sessions that come of it.

mod authenticate;
mod session;

pub(super) use authenticate::authenticate;
pub(super) use session::sessions;

use civitas_directory::{Caller, Outcome, Tenant};
use http::Method;
use serde_json::Value;

use super::{
    fault::{Failure, Fault},
    fidelity, options, status,
    version::{Asked, Version},
};
use crate::{door::Arrival, refusal::Refusal, reply::Reply};

/// The name of the cookie that holds the token of a session.
pub(super) const COOKIE: &str = "civitasSession";

/// The realm of the tenant's users.
pub(super) const ALPHA: &str = "/alpha";

/// What a path answers.
struct Endpoint {
    allow: &'static str,
    served: &'static [Version],
}

impl Endpoint {
    /// The version that is asked for; an answer where the request is none to it.
    fn check(&self, arrival: &Arrival<'_>, tenant: &Tenant) -> Result<Checked, Failure> {
        arrival.check_served(tenant, true)?;
        let fidelity = tenant.settings.fidelity;
        let method = &arrival.parts.method;
        if *method == Method::OPTIONS {
            return Ok(Checked::Answered(options()));
        }
        if *method != Method::POST {
            let outcome = fidelity::method(fidelity);
            if outcome == Outcome::MethodNotAllowed {
                return Err(Refusal::MethodNotAllowed { allow: self.allow }.into());
            }
            return Err(Fault::new(outcome, format!("Method {method} not supported")).into());
        }
        let asked = Asked::read(&arrival.parts.headers, fidelity)?;
        if !asked.fits(self.served) {
            let outcome = fidelity::resource_version(fidelity);
            return Err(Fault::new(outcome, "Resource '' not found").into());
        }
        Ok(Checked::Asked(asked))
    }
}

/// What comes of the checks before a body is read.
enum Checked {
    Asked(Asked),
    Answered(Reply),
}

fn answer(outcome: Outcome, value: &Value) -> Reply {
    Reply::new(status::of(outcome), status::JSON, value.to_string())
}

/// Somebody who acts as a user.
fn acting(user: &str) -> Caller {
    Caller {
        user: Some(user.to_owned()),
        ..Caller::nobody()
    }
}
