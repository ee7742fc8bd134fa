//! Answers on order, in the words of the service.

use http::StatusCode;

use super::status;
use crate::{
    oauth,
    ordered::Ordered,
    refusal::{Refusal, Unauthenticated},
    reply::Reply,
};

/// A documented status other than success, as the table words it, for those who order it;
/// `None` for one that the dialect does not document, and for a keyword, which it has none of.
pub(crate) fn rehearsed(ordered: Ordered<'_>) -> Option<Result<Reply, Refusal>> {
    if ordered.keyword.is_some() {
        return None;
    }
    let refusal = match ordered.status {
        304 => return Some(Ok(Reply::empty(StatusCode::NOT_MODIFIED))),
        401 => Unauthenticated::WrongSecret.into(),
        429 => Refusal::RateLimited { retry_after: 60 },
        _ => ordered.refusal()?,
    };
    // What the table words otherwise is not what was ordered.
    let status = status::of(refusal.outcome());
    if status.as_u16() != ordered.status {
        return None;
    }
    // OAuth has no words for most of it.
    if super::issues_tokens(ordered.path) && oauth::word(&refusal).status != status {
        return Some(Ok(Reply::empty(status)));
    }
    Some(Err(refusal))
}
