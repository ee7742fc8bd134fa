//! Answers on order, in the words of the service.

use http::StatusCode;

use super::status;
use crate::{ordered::Ordered, refusal::Refusal, reply::Reply};

/// A documented status other than success, as the table words it, for those who order it;
/// `None` for one that the dialect does not document, and for a keyword, which it has none of.
pub(crate) fn rehearsed(ordered: Ordered<'_>) -> Option<Result<Reply, Refusal>> {
    if ordered.keyword.is_some() {
        return None;
    }
    let refusal = match ordered.status {
        304 => return Some(Ok(Reply::empty(StatusCode::NOT_MODIFIED))),
        413 => Refusal::TooLarge {
            limit: super::MAX_PAYLOAD,
        },
        _ => ordered.refusal()?,
    };
    // What the table words otherwise is not what was ordered.
    (status::of(refusal.outcome()).as_u16() == ordered.status).then_some(Err(refusal))
}
