//! Answers on order, in the words of Common REST.

use civitas_directory::{Error, Outcome, Role, outcome::Elsewhere};
use http::StatusCode;

use super::{fault::Fault, status};
use crate::{
    family::Ordered,
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
    let worded = |outcome, message: &str| {
        let fault = Fault::new(outcome, message);
        (status::of(outcome).as_u16() == wanted).then(|| Ok(status::fault(&fault, path)))
    };
    let refusal = match wanted {
        304 => return Some(Ok(Reply::empty(StatusCode::NOT_MODIFIED))),
        307 => Refusal::Elsewhere {
            why: Elsewhere::Standby,
            location: path.to_owned(),
        },
        308 => Refusal::Elsewhere {
            why: Elsewhere::Moved,
            location: path.to_owned(),
        },
        400 => return worded(Outcome::Invalid, "Bad Request"),
        401 => Unauthenticated::InvalidToken.into(),
        403 => Refusal::Forbidden {
            needs: Role::Administer,
        },
        404 => return worded(Outcome::NotFound, "Not Found"),
        405 => Refusal::MethodNotAllowed { allow: "OPTIONS" },
        406 => return worded(Outcome::UnsupportedVersion, "Not Acceptable"),
        408 => Refusal::Timeout,
        409 => return worded(Outcome::Overtaken, "Conflict"),
        410 => return worded(Outcome::Gone, "Gone"),
        412 => Refusal::Directory(Error::Stale),
        413 => Refusal::TooLarge { limit: 0 },
        415 => return worded(Outcome::UnsupportedMediaType, "Unsupported Media Type"),
        428 => return worded(Outcome::PreconditionRequired, "Precondition Required"),
        429 => Refusal::RateLimited { retry_after: 1 },
        431 => Refusal::HeaderTooLarge { limit: 0 },
        500 => Refusal::Panic {
            request_id: request_id.to_owned(),
        },
        501 => return worded(Outcome::NotBuilt, "Not Implemented"),
        503 => Refusal::Overloaded,
        _ => return None,
    };
    // What the table words otherwise is not what was ordered.
    (status::of(refusal.outcome()).as_u16() == wanted).then_some(Err(refusal))
}
