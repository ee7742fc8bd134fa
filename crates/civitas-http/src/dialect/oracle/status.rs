//! The one table from outcomes to the statuses of the service, and how refusals are worded.
//! What its own table does not name, the rules that all of the vendor's REST services share do.

#![deny(clippy::wildcard_enum_match_arm)]

use civitas_directory::{Error, Outcome};
use civitas_scim::{ScimType, messages::urn::ERROR};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use super::fault::Fault;
use crate::{outcomes::Documented, refusal::Refusal, reply::Reply};

/// The representation of what was done.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=utf-8");

/// The representation of refusals.
const PLAIN: HeaderValue = HeaderValue::from_static("application/json");

/// The representation of refusals in those services that are not SCIM.
const RESOURCE: &str = "application/vnd.oracle.resource+json";

/// What a refusal has beyond SCIM.
const EXTENSION: &str = "urn:ietf:params:scim:api:oracle:idcs:extension:messages:Error";

/// Who published the statuses.
const TABLE: &str = "identity domains: Response Codes";
const HOUSE: &str = "Oracle REST: Status Codes";

/// The refusal in the words of the service.
pub(crate) fn word(refusal: &Refusal, headers: &HeaderMap, path: &str, method: &str) -> Reply {
    fault(&worded(refusal, path, method), headers)
}

/// Status and body of a fault, for an operation of a larger request.
pub(super) fn told(fault: &Fault) -> (StatusCode, Value) {
    let status = of(fault.outcome);
    (status, body(status, fault))
}

/// Status and body of a refusal, for an operation of a larger request.
pub(super) fn told_of(refusal: &Refusal, path: &str, method: &str) -> (StatusCode, Value) {
    told(&worded(refusal, path, method))
}

/// The fault as an answer.
pub(super) fn fault(fault: &Fault, headers: &HeaderMap) -> Reply {
    let status = of(fault.outcome);
    let mut reply = if wants_resource(headers) {
        let body = json!({
            "type": "http://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html",
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "detail": fault.detail,
            "o:errorCode": fault.message_id,
        });
        let media = HeaderValue::from_static("application/vnd.oracle.resource+json;type=error");
        Reply::new(status, media, body.to_string())
    } else {
        Reply::new(status, PLAIN, body(status, fault).to_string())
    };
    let version = fault.version.as_ref();
    if let Some(tag) = version.and_then(|it| HeaderValue::try_from(it).ok()) {
        reply.headers.insert(header::ETAG, tag);
    }
    if let Some(allow) = fault.allow {
        let allow = HeaderValue::from_static(allow);
        reply.headers.insert(header::ALLOW, allow);
    }
    reply
}

fn body(status: StatusCode, fault: &Fault) -> Value {
    let mut extension = Map::new();
    extension.insert("messageId".to_owned(), fault.message_id.into());
    if !fault.data.is_empty() {
        let data = fault.data.iter();
        let data: Map<_, _> = data
            .map(|(name, it)| ((*name).to_owned(), it.clone()))
            .collect();
        extension.insert("additionalData".to_owned(), Value::Object(data));
    }
    json!({
        "schemas": [ERROR, EXTENSION],
        "detail": fault.detail,
        "status": status.as_str(),
        EXTENSION: extension,
    })
}

/// Whether a client reads errors of the services that are not SCIM, and no others.
fn wants_resource(headers: &HeaderMap) -> bool {
    let fields = headers.get_all(header::ACCEPT).iter();
    let text: Vec<&str> = fields.filter_map(|it| it.to_str().ok()).collect();
    let text = text.join(",").to_ascii_lowercase();
    let others = [
        "application/json",
        "application/scim+json",
        "*/*",
        "application/*",
    ];
    text.contains(RESOURCE) && !others.iter().any(|it| text.contains(it))
}

/// A refusal that other dialects know, too, in this one's words.
fn worded(refusal: &Refusal, path: &str, method: &str) -> Fault {
    let outcome = refusal.outcome();
    if let Refusal::Directory(Error::Invalid(invalid)) = refusal {
        return Fault::new(
            outcome,
            of_keyword(invalid.scim_type),
            invalid.detail.clone(),
        );
    }
    let (id, detail): (_, String) = match outcome {
        Outcome::Unauthenticated => (
            "error.common.common.accessDenied",
            "You are not authorized to access this resource.".into(),
        ),
        Outcome::Forbidden | Outcome::Sensitive => (
            "error.common.common.insufficientPrivilege",
            format!("You are not authorized to perform {method} on {path}."),
        ),
        Outcome::NotAllowed => (
            "error.common.common.operationNotSupported",
            refusal.to_string(),
        ),
        Outcome::UnknownHost | Outcome::UnknownPath => (
            "error.common.common.uriNotFound",
            format!("The resource URI {path} does not exist."),
        ),
        Outcome::NotFound | Outcome::Gone => (
            "error.common.exception.resourceNotFound",
            refusal.to_string(),
        ),
        Outcome::MethodNotAllowed => (
            "error.common.common.methodNotAllowed",
            format!("The method {method} is not allowed on {path}."),
        ),
        Outcome::NotAcceptable => (
            "error.common.common.notAcceptable",
            "The requested response media type is not supported.".into(),
        ),
        Outcome::Taken => (
            "error.common.exception.duplicateResource",
            refusal.to_string(),
        ),
        Outcome::Overtaken | Outcome::FailedDependency => (
            "error.common.exception.versionMismatch",
            refusal.to_string(),
        ),
        Outcome::Stale | Outcome::PreconditionRequired => (
            "error.common.exception.resourceChanged",
            refusal.to_string(),
        ),
        Outcome::TooLarge => (
            "error.common.bulk.maxPayloadExceeded",
            format!(
                "The maximum payload of {} bytes was exceeded.",
                limit(refusal)
            ),
        ),
        Outcome::UnsupportedMediaType => (
            "error.common.common.unsupportedMediaType",
            format!("The Content-Type is not supported: {refusal}."),
        ),
        Outcome::RateLimited => (
            "error.common.common.tooManyRequests",
            "Too many requests.".into(),
        ),
        Outcome::Failed => (
            "error.common.common.internalError",
            "An internal error occurred.".into(),
        ),
        Outcome::NotBuilt | Outcome::UnknownMethod => (
            "error.common.common.notImplemented",
            "The requested operation is not supported.".into(),
        ),
        Outcome::Overloaded | Outcome::TooSlow | Outcome::Maintenance | Outcome::Unavailable => (
            "error.common.common.serviceUnavailable",
            "The service is temporarily unavailable.".into(),
        ),
        Outcome::Malformed
        | Outcome::Invalid
        | Outcome::UnsupportedVersion
        | Outcome::ArrivedTooSlowly
        | Outcome::HeaderTooLarge
        | Outcome::Answered
        | Outcome::Created
        | Outcome::Accepted
        | Outcome::Done
        | Outcome::Unchanged
        | Outcome::Canonical
        | Outcome::Standby
        | Outcome::Moved => (
            "error.common.validation.invalidPayload",
            refusal.to_string(),
        ),
    };
    let fault = Fault::new(outcome, id, detail);
    if outcome == Outcome::TooLarge {
        return fault.with("maxPayload", limit(refusal).to_string());
    }
    fault
}

fn limit(refusal: &Refusal) -> usize {
    if let Refusal::TooLarge { limit } | Refusal::BulkTooLarge { limit } = refusal {
        return *limit;
    }
    super::MAX_PAYLOAD
}

/// How the service calls what SCIM has a keyword for.
pub(super) const fn of_keyword(keyword: ScimType) -> &'static str {
    match keyword {
        ScimType::InvalidFilter | ScimType::TooMany => "error.common.validation.invalidFilter",
        ScimType::Uniqueness => "error.common.exception.duplicateResource",
        ScimType::Mutability => "error.common.validation.readOnlyAttribute",
        ScimType::InvalidPath | ScimType::NoTarget => "error.common.validation.invalidPatchPath",
        ScimType::InvalidValue => "error.common.validation.invalidValue",
        ScimType::Sensitive => "error.common.common.insufficientPrivilege",
        ScimType::InvalidSyntax
        | ScimType::InvalidVers
        | ScimType::InvalidCursor
        | ScimType::ExpiredCursor
        | ScimType::InvalidCount => "error.common.validation.invalidPayload",
    }
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
        Outcome::Accepted => (StatusCode::ACCEPTED, TABLE),
        Outcome::Done => (StatusCode::NO_CONTENT, TABLE),
        Outcome::Unchanged => (StatusCode::NOT_MODIFIED, "RFC 9110 §15.4.5"),
        Outcome::Canonical => (StatusCode::PERMANENT_REDIRECT, TABLE),
        Outcome::Standby => (StatusCode::TEMPORARY_REDIRECT, TABLE),
        Outcome::Moved => (StatusCode::PERMANENT_REDIRECT, TABLE),
        Outcome::Malformed => (StatusCode::BAD_REQUEST, TABLE),
        Outcome::Invalid => (StatusCode::BAD_REQUEST, TABLE),
        Outcome::UnsupportedVersion => (StatusCode::BAD_REQUEST, TABLE),
        Outcome::Unauthenticated => (StatusCode::UNAUTHORIZED, TABLE),
        Outcome::Forbidden => (StatusCode::FORBIDDEN, HOUSE),
        Outcome::Sensitive => (StatusCode::FORBIDDEN, HOUSE),
        Outcome::NotAllowed => (StatusCode::FORBIDDEN, TABLE),
        Outcome::UnknownHost => (StatusCode::NOT_FOUND, TABLE),
        Outcome::UnknownPath => (StatusCode::NOT_FOUND, TABLE),
        Outcome::NotFound => (StatusCode::NOT_FOUND, TABLE),
        Outcome::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, TABLE),
        Outcome::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, HOUSE),
        Outcome::ArrivedTooSlowly => (StatusCode::REQUEST_TIMEOUT, "RFC 9110 §15.5.9"),
        Outcome::Taken => (StatusCode::CONFLICT, TABLE),
        Outcome::Overtaken => (StatusCode::CONFLICT, TABLE),
        Outcome::FailedDependency => (StatusCode::CONFLICT, HOUSE),
        // A resource that is no longer there is not there.
        Outcome::Gone => (StatusCode::NOT_FOUND, TABLE),
        Outcome::Stale => (StatusCode::PRECONDITION_FAILED, TABLE),
        Outcome::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, TABLE),
        Outcome::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, TABLE),
        Outcome::PreconditionRequired => (StatusCode::PRECONDITION_REQUIRED, "RFC 6585 §3"),
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
