//! The one table from outcomes to the statuses of Common REST, and how refusals are worded.

#![deny(clippy::wildcard_enum_match_arm)]

use civitas_directory::Outcome;
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value};

use super::fault::Fault;
use crate::{outcomes::Documented, refusal::Refusal, reply::Reply};

/// The representation of everything.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=utf-8");

/// Who published the statuses.
const TABLE: &str = "HTTP status codes";

/// The refusal in the words of the part of the service that owns the path.
pub(crate) fn word(refusal: &Refusal, path: &str) -> Reply {
    fault(&Fault::new(refusal.outcome(), message(refusal)), path)
}

/// The fault as an answer.
pub(super) fn fault(fault: &Fault, path: &str) -> Reply {
    let status = of(fault.outcome);
    let body = match Area::of(path) {
        Area::Identity => body(status, &escaped(&fault.message), fault.detail.as_ref()),
        Area::Access => body(status, &fault.message, fault.detail.as_ref()),
        Area::Token => {
            let members = [
                ("error_description", Value::from(fault.message.as_str())),
                ("error", Value::from(code(status))),
            ];
            object(members)
        }
        Area::Environment => {
            let members = [
                ("code", Value::from(status.as_u16())),
                ("message", Value::from(plain(status, &fault.message))),
            ];
            object(members)
        }
    };
    Reply::new(status, JSON, body.to_string())
}

/// Which part of the service owns a path, and so the form of its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Area {
    /// Below `/openidm`, where messages are escaped as in HTML.
    Identity,
    /// Below `/am`.
    Access,
    /// Below `/am/oauth2`, in the words of OAuth (RFC 6749 §5.2).
    Token,
    /// Below `/environment`.
    Environment,
}

impl Area {
    fn of(path: &str) -> Self {
        if path.starts_with("/am/oauth2/") {
            return Self::Token;
        }
        match path.split('/').nth(1) {
            Some("am") => Self::Access,
            Some("environment") => Self::Environment,
            _ => Self::Identity,
        }
    }
}

/// What the environment says of a refusal: of some the status alone.
fn plain(status: StatusCode, message: &str) -> &str {
    match status.as_u16() {
        401 | 403 | 405 => status.canonical_reason().unwrap_or(message),
        _ => message,
    }
}

/// What OAuth calls a refusal with a status.
fn code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "invalid_client",
        405 => "method_not_allowed",
        400..500 => "invalid_request",
        503 => "temporarily_unavailable",
        _ => "server_error",
    }
}

fn body(status: StatusCode, message: &str, detail: Option<&Value>) -> Value {
    let detail = detail.map(|detail| ("detail", detail.clone()));
    let members = [
        ("code", Value::from(status.as_u16())),
        ("reason", Value::from(reason(status))),
        ("message", Value::from(message)),
    ];
    object(members.into_iter().chain(detail))
}

fn object<'n>(members: impl IntoIterator<Item = (&'n str, Value)>) -> Value {
    let members = members.into_iter();
    let members: Map<_, _> = members.map(|(name, it)| (name.to_owned(), it)).collect();
    Value::Object(members)
}

/// What is told of refusals that other dialects know, too. What names an object names it as
/// this dialect does, and is worded where it is found.
fn message(refusal: &Refusal) -> String {
    let outcome = refusal.outcome();
    if outcome == Outcome::Unauthenticated {
        "Access Denied".to_owned()
    } else if outcome == Outcome::Forbidden {
        "Access denied".to_owned()
    } else {
        refusal.to_string()
    }
}

/// The reason phrase that stands in bodies, where it differs from HTTP's.
fn reason(status: StatusCode) -> &'static str {
    match status.as_u16() {
        408 => "Request Time-out",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Large",
        429 | 431 => "Resource Exception",
        504 => "Gateway Time-out",
        _ => status.canonical_reason().unwrap_or("Resource Exception"),
    }
}

/// The message with what could be markup escaped.
fn escaped(message: &str) -> String {
    let mut text = String::with_capacity(message.len() + 16);
    for letter in message.chars() {
        match letter {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '\'' => text.push_str("&#39;"),
            '=' => text.push_str("&#61;"),
            letter => text.push(letter),
        }
    }
    text
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
        Outcome::Unchanged => (StatusCode::NOT_MODIFIED, TABLE),
        Outcome::Canonical => (StatusCode::PERMANENT_REDIRECT, "RFC 9110 §15.4.9"),
        Outcome::Standby => (StatusCode::TEMPORARY_REDIRECT, "RFC 9110 §15.4.8"),
        Outcome::Moved => (StatusCode::PERMANENT_REDIRECT, "RFC 9110 §15.4.9"),
        Outcome::Malformed => (StatusCode::BAD_REQUEST, TABLE),
        Outcome::Invalid => (StatusCode::BAD_REQUEST, TABLE),
        Outcome::UnsupportedVersion => (StatusCode::NOT_ACCEPTABLE, TABLE),
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
        Outcome::Gone => (StatusCode::GONE, TABLE),
        Outcome::Stale => (StatusCode::PRECONDITION_FAILED, TABLE),
        Outcome::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "RFC 9110 §15.5.14"),
        Outcome::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, TABLE),
        Outcome::PreconditionRequired => (StatusCode::PRECONDITION_REQUIRED, TABLE),
        Outcome::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "RFC 6585 §4"),
        Outcome::HeaderTooLarge => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "RFC 6585 §5"),
        Outcome::Failed => (StatusCode::INTERNAL_SERVER_ERROR, TABLE),
        Outcome::NotBuilt => (StatusCode::NOT_IMPLEMENTED, TABLE),
        Outcome::UnknownMethod => (StatusCode::NOT_IMPLEMENTED, TABLE),
        Outcome::Overloaded | Outcome::TooSlow | Outcome::Maintenance | Outcome::Unavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, TABLE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_the_service_has_its_form() {
        let told = Fault::invalid("it's <a=b>").with_detail(Value::from("why"));
        for (path, body) in [
            (
                "/openidm/managed/alpha_user",
                r#"{"code":400,"reason":"Bad Request","message":"it&#39;s &lt;a&#61;b&gt;","detail":"why"}"#,
            ),
            (
                "/am/json/serverinfo/*",
                r#"{"code":400,"reason":"Bad Request","message":"it's <a=b>","detail":"why"}"#,
            ),
            (
                "/environment/variables",
                r#"{"code":400,"message":"it's <a=b>"}"#,
            ),
        ] {
            assert_eq!(fault(&told, path).body, body, "{path}");
        }
    }
}
