//! Which media types the APIs take and give.

use http::{HeaderMap, Method, header};

use crate::{negotiation, refusal::Refusal};

/// What SCIM is sent in and taken in, as it stands in refusals.
pub(super) const SCIM: &str = "application/scim+json, application/json";

/// What the older API is sent.
pub(super) const SCIM_ONLY: &str = "application/scim+json";

/// Whether requests with the method have bodies that are looked at.
pub(super) fn takes_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

pub(super) fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    headers.contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|it| it != "0")
}

/// Refuses a body of a type that is not in the list. Parameters of the type are passed over.
pub(super) fn check_content(headers: &HeaderMap, accepted: &'static str) -> Result<(), Refusal> {
    let sent = headers.get(header::CONTENT_TYPE);
    if sent.is_none() && !has_body(headers) {
        return Ok(());
    }
    let sent = sent.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let media = sent.split(';').next().unwrap_or_default().trim();
    let mut known = accepted.split(", ");
    if known.any(|it| it.eq_ignore_ascii_case(media)) {
        Ok(())
    } else {
        Err(Refusal::UnsupportedMediaType { accepted })
    }
}

/// Refuses callers that take none of the types in the list for an answer.
pub(super) fn check_accepted(headers: &HeaderMap, offered: &'static str) -> Result<(), Refusal> {
    let mut types = offered.split(", ").filter_map(|it| it.split_once('/'));
    if types.any(|(kind, subtype)| negotiation::accepts(headers, kind, subtype)) {
        Ok(())
    } else {
        Err(Refusal::NotAcceptable { offered })
    }
}
