//! Answers on order, in the words of the service.

use civitas_directory::{Error, Role, outcome::Elsewhere};
use civitas_scim::Invalid;
use http::StatusCode;

use super::status;
use crate::{
    family::Ordered,
    negotiation::SCIM_TYPES,
    oauth,
    refusal::{Refusal, Unauthenticated},
    reply::Reply,
};

/// A documented status other than success, as the table words it, for those who order it;
/// `None` for one that the dialect does not document, and for a keyword, which it has none of.
pub(crate) fn rehearsed(ordered: Ordered<'_>) -> Option<Result<Reply, Refusal>> {
    let Ordered {
        status: wanted,
        keyword: None,
        request_id,
        path,
    } = ordered
    else {
        return None;
    };
    let elsewhere = |why| Refusal::Elsewhere {
        why,
        location: path.to_owned(),
    };
    let refusal = match wanted {
        301 => elsewhere(Elsewhere::Canonical),
        304 => return Some(Ok(Reply::empty(StatusCode::NOT_MODIFIED))),
        307 => elsewhere(Elsewhere::Standby),
        308 => elsewhere(Elsewhere::Moved),
        400 => Refusal::Directory(Error::Invalid(Invalid::value("as ordered"))),
        401 => Unauthenticated::WrongSecret.into(),
        403 => Refusal::Forbidden {
            needs: Role::Administer,
        },
        404 => Refusal::UnknownPath,
        405 => Refusal::MethodNotAllowed { allow: "OPTIONS" },
        406 => Refusal::NotAcceptable {
            offered: SCIM_TYPES,
        },
        408 => Refusal::Timeout,
        409 => Refusal::Directory(Error::Conflict),
        412 => Refusal::Directory(Error::Stale),
        413 => Refusal::TooLarge { limit: 0 },
        415 => Refusal::UnsupportedMediaType {
            accepted: SCIM_TYPES,
        },
        428 => Refusal::Directory(Error::PreconditionRequired),
        429 => Refusal::RateLimited { retry_after: 60 },
        431 => Refusal::HeaderTooLarge { limit: 0 },
        500 => Refusal::Panic {
            request_id: request_id.to_owned(),
        },
        501 => Refusal::NotBuilt { what: "this" },
        503 => Refusal::Overloaded,
        _ => return None,
    };
    // What the table words otherwise is not what was ordered.
    let status = status::of(refusal.outcome());
    if status.as_u16() != wanted {
        return None;
    }
    // OAuth has no words for most of it.
    if super::issues_tokens(path) && oauth::word(&refusal).status != status {
        return Some(Ok(Reply::empty(status)));
    }
    Some(Err(refusal))
}
