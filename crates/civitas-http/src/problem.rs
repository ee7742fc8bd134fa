//! Problem details (RFC 9457): how refusals are worded outside the dialects.

#![deny(clippy::wildcard_enum_match_arm)]

use civitas_directory::Error;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::{refusal::Refusal, reply::Reply};

/// The refusal as `application/problem+json`.
pub(crate) fn word(refusal: &Refusal) -> Reply {
    let status = status(refusal);
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": refusal.to_string(),
    });
    let media = HeaderValue::from_static("application/problem+json");
    Reply::new(status, media, body.to_string())
}

/// Status codes of RFC 9110 §15, RFC 6585 for 431.
fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::UnknownHost { .. }
        | Refusal::UnknownPath
        | Refusal::Directory(Error::NotFound { .. }) => StatusCode::NOT_FOUND,
        Refusal::MovedTenant { .. } => StatusCode::PERMANENT_REDIRECT,
        Refusal::Standby { .. } => StatusCode::TEMPORARY_REDIRECT,
        Refusal::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Refusal::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
        Refusal::UnknownMethod | Refusal::NotBuilt { .. } => StatusCode::NOT_IMPLEMENTED,
        Refusal::UnsupportedVersion { .. }
        | Refusal::MalformedHeader { .. }
        | Refusal::MalformedQuery
        | Refusal::BodyCutOff
        | Refusal::Directory(Error::Invalid(_)) => StatusCode::BAD_REQUEST,
        Refusal::HeaderTooLarge { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Refusal::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Refusal::Forbidden { .. }
        | Refusal::FilteredDiscovery
        | Refusal::Directory(Error::Forbidden { .. }) => StatusCode::FORBIDDEN,
        Refusal::NotAcceptable { .. } => StatusCode::NOT_ACCEPTABLE,
        Refusal::UnsupportedMediaType { .. } | Refusal::UnsupportedCoding => {
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        }
        Refusal::TooLarge { .. }
        | Refusal::BulkTooLarge { .. }
        | Refusal::Directory(Error::TooManyOperations { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::Timeout => StatusCode::REQUEST_TIMEOUT,
        Refusal::Maintenance { .. }
        | Refusal::TooSlow
        | Refusal::Overloaded
        | Refusal::Directory(Error::Overloaded | Error::Unavailable(_) | Error::NotBegun) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Refusal::Panic { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        Refusal::Directory(Error::Stale) => StatusCode::PRECONDITION_FAILED,
        Refusal::Directory(
            Error::Taken { .. } | Error::Conflict | Error::FailedDependency { .. },
        ) => StatusCode::CONFLICT,
    }
}
