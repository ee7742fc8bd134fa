//! The one table from outcomes to the statuses of the service, and how refusals are worded.

#![deny(clippy::wildcard_enum_match_arm)]

use civitas_directory::{Error, Outcome};
use civitas_scim::messages::urn::ERROR;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::{
    api::{Api, Callers, Told},
    fault::Fault,
    head::MESSAGE_CODE,
};
use crate::{
    oauth,
    outcomes::Documented,
    refusal::{Refusal, Unauthenticated},
    reply::Reply,
};

/// The representation of all that SCIM answers.
pub(super) const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");

/// Texts, as errors and as masters of data.
pub(super) const TEXT: HeaderValue = HeaderValue::from_static("text/plain;charset=UTF-8");

/// The code of every refusal of SCIM.
const GENERIC: &str = "IDS_EXCEPTION";

/// Who published the statuses.
pub(crate) const TABLE: &str = "General Error Codes; Error and Success Codes";

/// The refusal in the words of the API at the path.
pub(crate) fn word(refusal: &Refusal, path: &str) -> Reply {
    let api = Api::of(path).unwrap_or(Api::Directory);
    if api.told() == Told::OAuth {
        return oauth::word(refusal);
    }
    fault(&worded(refusal), api)
}

/// The fault as an answer of an API.
pub(super) fn fault(fault: &Fault, api: Api) -> Reply {
    let status = of(fault.outcome);
    let says = !fault.detail.is_empty() && fault.outcome != Outcome::Unauthenticated;
    let reply = match api.told() {
        Told::Scim => {
            let mut body = json!({
                "schemas": [ERROR],
                "status": status.as_str(),
                "detail": fault.detail,
            });
            if let Some(scim_type) = fault.scim_type {
                body["scimType"] = scim_type.into();
            }
            Reply::new(status, SCIM_JSON, body.to_string())
        }
        // What is not built says so, whatever the API does otherwise.
        Told::Code if fault.outcome == Outcome::NotBuilt => text(status, &fault.detail),
        Told::Text if says => text(status, &fault.detail),
        Told::TextOfNothing
            if matches!(fault.outcome, Outcome::NotFound | Outcome::NotBuilt) && says =>
        {
            text(status, &fault.detail)
        }
        Told::Text | Told::TextOfNothing | Told::Code | Told::OAuth => Reply::empty(status),
    };
    let generic = (api.told() == Told::Scim).then_some(GENERIC);
    match fault.code.or(generic) {
        Some(code) => reply.with(MESSAGE_CODE, HeaderValue::from_static(code)),
        None => reply,
    }
}

fn text(status: StatusCode, detail: &str) -> Reply {
    Reply::new(status, TEXT, detail.to_owned())
}

/// The answer to credentials that are none, with the challenge to show better ones.
pub(super) fn unauthenticated(why: Unauthenticated, api: Api, host: &str) -> Reply {
    let code = match (why, api) {
        (Unauthenticated::Locked, _) if api.callers() == Callers::Applications => {
            Some("PASSWORD_LOCKED")
        }
        (_, Api::Otp) => Some("BAD_CREDENTIALS"),
        _ => None,
    };
    let refused = Fault {
        code,
        ..Fault::new(Outcome::Unauthenticated, "HTTP 401 Unauthorized")
    };
    challenged(fault(&refused, api), why, host)
}

/// The answer with the challenge that fits what was wrong.
pub(super) fn challenged(reply: Reply, why: Unauthenticated, host: &str) -> Reply {
    let challenge = match why {
        Unauthenticated::InvalidToken => "Bearer".to_owned(),
        Unauthenticated::Missing
        | Unauthenticated::WrongSecret
        | Unauthenticated::Locked
        | Unauthenticated::Certificate(_) => {
            format!("Basic realm=\"{host}\"")
        }
    };
    match HeaderValue::try_from(challenge) {
        Ok(challenge) => reply.with(header::WWW_AUTHENTICATE, challenge),
        Err(_) => reply,
    }
}

/// A refusal that other dialects know, too, in this one's words.
fn worded(refusal: &Refusal) -> Fault {
    let outcome = refusal.outcome();
    if let Refusal::Directory(Error::Invalid(invalid)) = refusal {
        return Fault {
            scim_type: Some(invalid.scim_type.keyword()),
            ..Fault::new(outcome, invalid.detail.clone())
        };
    }
    let status = of(outcome);
    let detail = match outcome {
        Outcome::Unauthenticated
        | Outcome::Forbidden
        | Outcome::UnknownPath
        | Outcome::UnknownHost
        | Outcome::MethodNotAllowed
        | Outcome::NotAcceptable
        | Outcome::UnsupportedMediaType
        | Outcome::UnsupportedVersion
        | Outcome::RateLimited
        | Outcome::Overloaded
        | Outcome::TooSlow
        | Outcome::Maintenance
        | Outcome::Unavailable => {
            let reason = status.canonical_reason().unwrap_or_default();
            format!("HTTP {} {reason}", status.as_u16())
        }
        Outcome::Failed => "An internal error occurred.".to_owned(),
        Outcome::Taken => return Fault::taken(),
        Outcome::Answered
        | Outcome::Created
        | Outcome::Accepted
        | Outcome::Done
        | Outcome::Unchanged
        | Outcome::Canonical
        | Outcome::Standby
        | Outcome::Moved
        | Outcome::Malformed
        | Outcome::Invalid
        | Outcome::Sensitive
        | Outcome::NotAllowed
        | Outcome::NotFound
        | Outcome::ArrivedTooSlowly
        | Outcome::Overtaken
        | Outcome::FailedDependency
        | Outcome::Gone
        | Outcome::Stale
        | Outcome::TooLarge
        | Outcome::PreconditionRequired
        | Outcome::HeaderTooLarge
        | Outcome::NotBuilt
        | Outcome::UnknownMethod => refusal.to_string(),
    };
    Fault::new(outcome, detail)
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
        Outcome::Answered => (StatusCode::OK, TABLE),
        Outcome::Created => (StatusCode::CREATED, TABLE),
        Outcome::Accepted => (StatusCode::ACCEPTED, "RFC 9110 §15.3.3"),
        Outcome::Done => (StatusCode::NO_CONTENT, TABLE),
        Outcome::Unchanged => (StatusCode::NOT_MODIFIED, "RFC 9110 §15.4.5"),
        Outcome::Canonical => (StatusCode::MOVED_PERMANENTLY, TABLE),
        Outcome::Standby => (StatusCode::TEMPORARY_REDIRECT, "RFC 9110 §15.4.8"),
        Outcome::Moved => (StatusCode::PERMANENT_REDIRECT, "RFC 9110 §15.4.9"),
        Outcome::Malformed => (StatusCode::BAD_REQUEST, TABLE),
        Outcome::Invalid => (StatusCode::BAD_REQUEST, TABLE),
        Outcome::UnsupportedVersion => (StatusCode::UNSUPPORTED_MEDIA_TYPE, TABLE),
        Outcome::Unauthenticated => (StatusCode::UNAUTHORIZED, TABLE),
        Outcome::Forbidden => (StatusCode::FORBIDDEN, TABLE),
        Outcome::Sensitive => (StatusCode::FORBIDDEN, TABLE),
        Outcome::NotAllowed => (StatusCode::FORBIDDEN, TABLE),
        Outcome::UnknownHost => (StatusCode::NOT_FOUND, TABLE),
        Outcome::UnknownPath => (StatusCode::NOT_FOUND, TABLE),
        Outcome::NotFound => (StatusCode::NOT_FOUND, TABLE),
        Outcome::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, TABLE),
        Outcome::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, TABLE),
        Outcome::ArrivedTooSlowly => (StatusCode::REQUEST_TIMEOUT, "RFC 9110 §15.5.9"),
        Outcome::Taken => (StatusCode::CONFLICT, TABLE),
        Outcome::Overtaken => (StatusCode::CONFLICT, TABLE),
        Outcome::FailedDependency => (StatusCode::CONFLICT, TABLE),
        // A resource that is no longer there is not there.
        Outcome::Gone => (StatusCode::NOT_FOUND, TABLE),
        Outcome::Stale => (StatusCode::PRECONDITION_FAILED, "RFC 9110 §15.5.13"),
        Outcome::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "RFC 7644 §3.7.4"),
        Outcome::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, TABLE),
        Outcome::PreconditionRequired => (StatusCode::PRECONDITION_REQUIRED, "RFC 6585 §3"),
        Outcome::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "Rate Limiting; RFC 6585 §4"),
        Outcome::HeaderTooLarge => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "RFC 6585 §5"),
        Outcome::Failed => (StatusCode::INTERNAL_SERVER_ERROR, TABLE),
        Outcome::NotBuilt => (StatusCode::NOT_IMPLEMENTED, "RFC 9110 §15.6.2"),
        Outcome::UnknownMethod => (StatusCode::NOT_IMPLEMENTED, "RFC 9110 §15.6.2"),
        Outcome::Overloaded | Outcome::TooSlow | Outcome::Maintenance | Outcome::Unavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, TABLE)
        }
    }
}
