//! Problem details (RFC 9457): how refusals are worded outside the dialects.

#![deny(clippy::wildcard_enum_match_arm)]

use civitas_directory::Outcome;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::{refusal::Refusal, reply::Reply};

/// The refusal as `application/problem+json`.
pub(crate) fn word(refusal: &Refusal) -> Reply {
    let status = status(refusal.outcome());
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": refusal.to_string(),
    });
    let media = HeaderValue::from_static("application/problem+json");
    Reply::new(status, media, body.to_string())
}

/// Status codes of RFC 9110 §15, RFC 6585 for 428, 429 and 431.
const fn status(outcome: Outcome) -> StatusCode {
    match outcome {
        Outcome::Answered => StatusCode::OK,
        Outcome::Created => StatusCode::CREATED,
        Outcome::Accepted => StatusCode::ACCEPTED,
        Outcome::Done => StatusCode::NO_CONTENT,
        Outcome::Unchanged => StatusCode::NOT_MODIFIED,
        Outcome::Canonical | Outcome::Moved => StatusCode::PERMANENT_REDIRECT,
        Outcome::Standby => StatusCode::TEMPORARY_REDIRECT,
        Outcome::Malformed | Outcome::Invalid | Outcome::UnsupportedVersion => {
            StatusCode::BAD_REQUEST
        }
        Outcome::Unauthenticated => StatusCode::UNAUTHORIZED,
        Outcome::Forbidden | Outcome::Sensitive | Outcome::NotAllowed => StatusCode::FORBIDDEN,
        Outcome::UnknownHost | Outcome::UnknownPath | Outcome::NotFound => StatusCode::NOT_FOUND,
        Outcome::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Outcome::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Outcome::ArrivedTooSlowly => StatusCode::REQUEST_TIMEOUT,
        Outcome::Taken | Outcome::Overtaken | Outcome::FailedDependency => StatusCode::CONFLICT,
        Outcome::Gone => StatusCode::GONE,
        Outcome::Stale => StatusCode::PRECONDITION_FAILED,
        Outcome::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Outcome::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Outcome::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
        Outcome::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Outcome::HeaderTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Outcome::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        Outcome::NotBuilt | Outcome::UnknownMethod => StatusCode::NOT_IMPLEMENTED,
        Outcome::Overloaded | Outcome::TooSlow | Outcome::Maintenance | Outcome::Unavailable => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}
