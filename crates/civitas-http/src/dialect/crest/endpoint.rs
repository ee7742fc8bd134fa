//! `/openidm/endpoint/{name}`: endpoints that clients configure (`config/endpoint/{name}`) with a
//! script that answers. No scripts are run here; one that says nothing has nothing to answer.

use civitas_directory::Outcome;

use super::{
    call::Call,
    document,
    fault::{Failure, Fault},
    request::Verb,
    status,
};
use crate::reply::Reply;

/// Answers a request to an endpoint.
pub(super) async fn answer(call: &Call<'_>, name: &str) -> Result<Reply, Failure> {
    let configured = document::endpoint(call, name).await?;
    let configured = configured.ok_or_else(|| Fault::no_resource(call.path))?;
    let source = configured.get("source").and_then(|it| it.as_str());
    let says_nothing = source.is_some_and(|it| it.trim().is_empty());
    if says_nothing && matches!(call.request.verb, Verb::Action(_)) {
        return Ok(Reply::empty(status::of(Outcome::Done)));
    }
    let text = "Scripts of custom endpoints are not run here";
    Err(Fault::new(Outcome::NotBuilt, text).into())
}
