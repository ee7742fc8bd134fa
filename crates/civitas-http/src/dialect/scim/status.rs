//! The one table from outcomes to SCIM's statuses, and how refusals are worded.

#![deny(clippy::wildcard_enum_match_arm)]

use civitas_directory::{Error, Outcome};
use civitas_scim::{ScimType, messages};
use http::{HeaderMap, StatusCode};

use crate::{
    negotiation::Media,
    outcomes::Documented,
    prefer::{PREFERENCE_APPLIED, Prefer},
    refusal::Refusal,
    reply::Reply,
};

/// The refusal as a SCIM error message (RFC 7644 §3.12), in the representation that
/// `Accept` prefers; an error is sent even to those who take none.
pub(crate) fn word(refusal: &Refusal, headers: &HeaderMap) -> Reply {
    let (status, body) = message(refusal);
    let media = Media::preferred(headers).unwrap_or_default();
    let reply = Reply::new(status, media.content_type(), body);
    // What a preference made of the input led to it (RFC 7240 §3).
    let applied = Prefer::parse(headers).applied(None);
    match applied.filter(|_| status == StatusCode::BAD_REQUEST) {
        Some(applied) => reply.with(PREFERENCE_APPLIED, applied),
        None => reply,
    }
}

/// The refusal as a status code and an error message.
pub(crate) fn message(refusal: &Refusal) -> (StatusCode, String) {
    let status = of(refusal.outcome());
    let body = messages::error(status.as_u16(), keyword(refusal), &refusal.to_string());
    (status, body)
}

/// The status of an outcome.
pub(crate) const fn of(outcome: Outcome) -> StatusCode {
    row(outcome).0
}

/// The status of an outcome, and where it is documented.
pub(crate) fn documented(outcome: Outcome) -> Documented {
    let (status, source) = row(outcome);
    Documented {
        outcome,
        status: status.as_u16(),
        source,
    }
}

#[expect(
    clippy::match_same_arms,
    reason = "an arm for each rule, with its source"
)]
const fn row(outcome: Outcome) -> (StatusCode, &'static str) {
    match outcome {
        Outcome::Answered => (StatusCode::OK, "RFC 7644 §3.4, §3.5"),
        Outcome::Created => (StatusCode::CREATED, "RFC 7644 §3.3"),
        Outcome::Accepted => (StatusCode::ACCEPTED, "RFC 9967 §2.5.1.1"),
        Outcome::Done => (StatusCode::NO_CONTENT, "RFC 7644 §3.5.2, §3.6"),
        Outcome::Unchanged => (StatusCode::NOT_MODIFIED, "RFC 7644 §3.14"),
        Outcome::Canonical => (StatusCode::PERMANENT_REDIRECT, "RFC 7644 §3.11, Table 8"),
        Outcome::Standby => (StatusCode::TEMPORARY_REDIRECT, "RFC 7644 Table 8"),
        Outcome::Moved => (StatusCode::PERMANENT_REDIRECT, "RFC 7644 Table 8"),
        Outcome::Malformed => (StatusCode::BAD_REQUEST, "RFC 9110 §15.5.1"),
        Outcome::Invalid => (StatusCode::BAD_REQUEST, "RFC 7644 Table 9"),
        Outcome::UnsupportedVersion => (StatusCode::BAD_REQUEST, "RFC 7644 §3.13"),
        Outcome::Unauthenticated => (StatusCode::UNAUTHORIZED, "RFC 7644 §2, RFC 6750 §3.1"),
        Outcome::Forbidden => (StatusCode::FORBIDDEN, "RFC 6750 §3.1, RFC 9110 §15.5.4"),
        Outcome::Sensitive => (StatusCode::FORBIDDEN, "RFC 7644 §7.5.2, erratum 6893"),
        Outcome::NotAllowed => (StatusCode::FORBIDDEN, "RFC 7644 §4"),
        Outcome::UnknownHost => (StatusCode::NOT_FOUND, "RFC 9110 §15.5.5"),
        Outcome::UnknownPath => (StatusCode::NOT_FOUND, "RFC 9110 §15.5.5"),
        Outcome::NotFound => (StatusCode::NOT_FOUND, "RFC 7644 §3.4.1, §3.6"),
        Outcome::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "RFC 9110 §15.5.6"),
        Outcome::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, "RFC 9110 §15.5.7"),
        Outcome::ArrivedTooSlowly => (StatusCode::REQUEST_TIMEOUT, "RFC 9110 §15.5.9"),
        Outcome::Taken => (StatusCode::CONFLICT, "RFC 7644 §3.3"),
        Outcome::Overtaken => (StatusCode::CONFLICT, "RFC 7644 Table 8"),
        Outcome::FailedDependency => (StatusCode::CONFLICT, "RFC 7644 §3.7.1"),
        // A deleted resource is one that is not there.
        Outcome::Gone => (StatusCode::NOT_FOUND, "RFC 7644 §3.6"),
        Outcome::Stale => (StatusCode::PRECONDITION_FAILED, "RFC 7644 §3.14"),
        Outcome::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "RFC 7644 §3.7.4"),
        Outcome::UnsupportedMediaType => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "RFC 9110 §15.5.16, §8.4",
        ),
        Outcome::PreconditionRequired => (StatusCode::PRECONDITION_REQUIRED, "RFC 6585 §3"),
        Outcome::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "RFC 6585 §4"),
        Outcome::HeaderTooLarge => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "RFC 6585 §5"),
        Outcome::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "RFC 7644 Table 8"),
        Outcome::NotBuilt => (StatusCode::NOT_IMPLEMENTED, "RFC 7644 Table 8"),
        Outcome::UnknownMethod => (StatusCode::NOT_IMPLEMENTED, "RFC 9110 §15.6.2"),
        Outcome::Overloaded | Outcome::TooSlow | Outcome::Maintenance | Outcome::Unavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, "RFC 9110 §15.6.4")
        }
    }
}

/// The keyword of Table 9 that says more than the status.
fn keyword(refusal: &Refusal) -> Option<ScimType> {
    match refusal {
        Refusal::UnsupportedVersion { .. } => Some(ScimType::InvalidVers),
        Refusal::MalformedQuery => Some(ScimType::InvalidValue),
        Refusal::BodyCutOff => Some(ScimType::InvalidSyntax),
        Refusal::Directory(error) => match error {
            Error::Invalid(invalid) => Some(invalid.scim_type),
            Error::NoReferent { .. } => Some(ScimType::InvalidValue),
            Error::Taken { .. } => Some(ScimType::Uniqueness),
            Error::NotFound { .. }
            | Error::Gone { .. }
            | Error::Stale
            | Error::PreconditionRequired
            | Error::Conflict
            | Error::TooManyOperations { .. }
            | Error::FailedDependency { .. }
            | Error::NotBegun
            | Error::NotSelfService { .. }
            | Error::Outdated
            | Error::InUse(_)
            | Error::Forbidden { .. }
            | Error::Spent
            | Error::TooManyMails
            | Error::NoMail
            | Error::Overloaded
            | Error::Unavailable(_) => None,
        },
        Refusal::UnknownHost { .. }
        | Refusal::Elsewhere { .. }
        | Refusal::Maintenance { .. }
        | Refusal::RateLimited { .. }
        | Refusal::UnknownPath
        | Refusal::MethodNotAllowed { .. }
        | Refusal::UnknownMethod
        | Refusal::NotBuilt { .. }
        | Refusal::MalformedHeader { .. }
        | Refusal::HeaderTooLarge { .. }
        | Refusal::Unauthenticated(_)
        | Refusal::Forbidden { .. }
        | Refusal::NoUser
        | Refusal::FilteredDiscovery
        | Refusal::NotAcceptable { .. }
        | Refusal::UnsupportedMediaType { .. }
        | Refusal::UnsupportedCoding
        | Refusal::TooLarge { .. }
        | Refusal::BulkTooLarge { .. }
        | Refusal::Timeout
        | Refusal::TooSlow
        | Refusal::Overloaded
        | Refusal::Panic { .. } => None,
    }
}
