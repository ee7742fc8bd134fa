//! The one table from refusals to SCIM's answers.

#![deny(clippy::wildcard_enum_match_arm)]

use civitas_directory::Error;
use civitas_scim::{ScimType, messages};
use http::{HeaderMap, StatusCode};

use crate::{negotiation::Media, refusal::Refusal, reply::Reply};

/// The refusal as a SCIM error message (RFC 7644 §3.12), in the representation that
/// `Accept` prefers; an error is sent even to those who take none.
pub(crate) fn word(refusal: &Refusal, headers: &HeaderMap) -> Reply {
    let (status, body) = message(refusal);
    let media = Media::preferred(headers).unwrap_or_default();
    Reply::new(status, media.content_type(), body)
}

/// The refusal as a status code and an error message.
pub(super) fn message(refusal: &Refusal) -> (StatusCode, String) {
    let (status, scim_type) = answer(refusal);
    let body = messages::error(status.as_u16(), scim_type, &refusal.to_string());
    (status, body)
}

/// Sections without a document of their own are of RFC 7644.
#[expect(
    clippy::match_same_arms,
    reason = "an arm for each rule, with its source"
)]
fn answer(refusal: &Refusal) -> (StatusCode, Option<ScimType>) {
    match refusal {
        // RFC 9110 §15.5.5: a host that nobody answers for, a path that leads nowhere.
        Refusal::UnknownHost { .. } | Refusal::UnknownPath => (StatusCode::NOT_FOUND, None),
        // RFC 9110 §15.4.9, §15.4.8: method and body are kept.
        Refusal::MovedTenant { .. } => (StatusCode::PERMANENT_REDIRECT, None),
        Refusal::Standby { .. } => (StatusCode::TEMPORARY_REDIRECT, None),
        // RFC 6585 §4.
        Refusal::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, None),
        // §3.13.
        Refusal::UnsupportedVersion { .. } => {
            (StatusCode::BAD_REQUEST, Some(ScimType::InvalidVers))
        }
        // RFC 9110 §15.5.6.
        Refusal::MethodNotAllowed { .. } => (StatusCode::METHOD_NOT_ALLOWED, None),
        // RFC 9110 §15.6.2; §3.7, §3.11 for what is described and not offered.
        Refusal::UnknownMethod | Refusal::NotBuilt { .. } => (StatusCode::NOT_IMPLEMENTED, None),
        // RFC 9110 §15.5.1. Table 9 has no keyword for header fields.
        Refusal::MalformedHeader { .. } => (StatusCode::BAD_REQUEST, None),
        // Table 9.
        Refusal::MalformedQuery => (StatusCode::BAD_REQUEST, Some(ScimType::InvalidValue)),
        // RFC 6585 §5.
        Refusal::HeaderTooLarge { .. } => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, None),
        // §2; RFC 6750 §3.1.
        Refusal::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, None),
        // RFC 6750 §3.1, RFC 9110 §15.5.4.
        Refusal::Forbidden { .. } | Refusal::Directory(Error::Forbidden { .. }) => {
            (StatusCode::FORBIDDEN, None)
        }
        // §4.
        Refusal::FilteredDiscovery => (StatusCode::FORBIDDEN, None),
        // RFC 9110 §15.5.7.
        Refusal::NotAcceptable { .. } => (StatusCode::NOT_ACCEPTABLE, None),
        // RFC 9110 §15.5.16, §8.4.
        Refusal::UnsupportedMediaType { .. } | Refusal::UnsupportedCoding => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, None)
        }
        // §3.7.4; RFC 9110 §15.5.14.
        Refusal::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, None),
        // RFC 9112 §8.
        Refusal::BodyCutOff => (StatusCode::BAD_REQUEST, Some(ScimType::InvalidSyntax)),
        // RFC 9110 §15.5.9.
        Refusal::Timeout => (StatusCode::REQUEST_TIMEOUT, None),
        // RFC 9110 §15.6.4.
        Refusal::Maintenance { .. }
        | Refusal::TooSlow
        | Refusal::Overloaded
        | Refusal::Directory(Error::Overloaded | Error::Unavailable(_) | Error::NotBegun) => {
            (StatusCode::SERVICE_UNAVAILABLE, None)
        }
        // §3.12: 500 with what helps to find the cause.
        Refusal::Panic { .. } => (StatusCode::INTERNAL_SERVER_ERROR, None),
        // §3.12, Table 9. Personal data in a URL is 403 (erratum 6893), a clash 409 (§3.3).
        Refusal::Directory(Error::Invalid(invalid)) => match invalid.scim_type {
            ScimType::Sensitive => (StatusCode::FORBIDDEN, Some(ScimType::Sensitive)),
            ScimType::Uniqueness => (StatusCode::CONFLICT, Some(ScimType::Uniqueness)),
            keyword @ (ScimType::InvalidFilter
            | ScimType::TooMany
            | ScimType::Mutability
            | ScimType::InvalidSyntax
            | ScimType::InvalidPath
            | ScimType::NoTarget
            | ScimType::InvalidValue
            | ScimType::InvalidVers
            // RFC 9865 §2.1.
            | ScimType::InvalidCursor
            | ScimType::ExpiredCursor
            | ScimType::InvalidCount) => (StatusCode::BAD_REQUEST, Some(keyword)),
        },
        // §3.4.1, §3.6.
        Refusal::Directory(Error::NotFound { .. }) => (StatusCode::NOT_FOUND, None),
        // §3.7.4.
        Refusal::BulkTooLarge { .. } | Refusal::Directory(Error::TooManyOperations { .. }) => {
            (StatusCode::PAYLOAD_TOO_LARGE, None)
        }
        // §3.7.1, Table 8: what this one needs is not there.
        Refusal::Directory(Error::FailedDependency { .. }) => (StatusCode::CONFLICT, None),
        // §3.14.
        Refusal::Directory(Error::Stale) => (StatusCode::PRECONDITION_FAILED, None),
        // §3.3.
        Refusal::Directory(Error::Taken { .. }) => {
            (StatusCode::CONFLICT, Some(ScimType::Uniqueness))
        }
        // Table 8.
        Refusal::Directory(Error::Conflict) => (StatusCode::CONFLICT, None),
    }
}
