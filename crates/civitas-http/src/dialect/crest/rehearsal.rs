//! Answers on order, in the words of Common REST.

use civitas_directory::Outcome;
use http::StatusCode;

use super::{fault::Fault, status};
use crate::{ordered::Ordered, refusal::Refusal, reply::Reply};

/// A documented status other than success, as the table words it, for those who order it;
/// `None` for one that the dialect does not document, and for a keyword, which it has none of.
pub(crate) fn rehearsed(ordered: Ordered<'_>) -> Option<Result<Reply, Refusal>> {
    if ordered.keyword.is_some() {
        return None;
    }
    let worded = |outcome, message: &str| {
        let fault = Fault::new(outcome, message);
        let is_it = status::of(outcome).as_u16() == ordered.status;
        is_it.then(|| Ok(status::fault(&fault, ordered.path)))
    };
    let refusal = match ordered.status {
        304 => return Some(Ok(Reply::empty(StatusCode::NOT_MODIFIED))),
        400 => return worded(Outcome::Invalid, "Bad Request"),
        404 => return worded(Outcome::NotFound, "Not Found"),
        406 => return worded(Outcome::UnsupportedVersion, "Not Acceptable"),
        409 => return worded(Outcome::Overtaken, "Conflict"),
        410 => return worded(Outcome::Gone, "Gone"),
        415 => return worded(Outcome::UnsupportedMediaType, "Unsupported Media Type"),
        428 => return worded(Outcome::PreconditionRequired, "Precondition Required"),
        501 => return worded(Outcome::NotBuilt, "Not Implemented"),
        _ => ordered.refusal()?,
    };
    // What the table words otherwise is not what was ordered.
    (status::of(refusal.outcome()).as_u16() == ordered.status).then_some(Err(refusal))
}
