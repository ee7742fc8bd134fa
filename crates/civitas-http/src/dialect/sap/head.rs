//! What every answer of the service carries.

use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::reply::Reply;

/// The header field with the identifier of an answer, by which support finds it.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-ids-id");

/// What a failure is told apart by.
pub(super) const MESSAGE_CODE: HeaderName = HeaderName::from_static("x-message-code");

const FIELDS: [(HeaderName, &str); 13] = [
    (header::CACHE_CONTROL, "private,no-cache,no-store"),
    (
        header::STRICT_TRANSPORT_SECURITY,
        "max-age=63072000; includeSubDomains; preload",
    ),
    (header::CONTENT_SECURITY_POLICY, "script-src 'none';"),
    (header::REFERRER_POLICY, "origin"),
    (header::SERVER, "SAP"),
    (header::VARY, "X-CSP-STRIP"),
    (HeaderName::from_static("x-robots-tag"), "none"),
    (HeaderName::from_static("x-ids-namespace"), "ias"),
    (HeaderName::from_static("x-ids-landscape"), "civitas"),
    (HeaderName::from_static("x-ids-node"), "http-1"),
    (HeaderName::from_static("x-ids-pool"), "a1"),
    (HeaderName::from_static("x-ids-project"), "civitas"),
    (HeaderName::from_static("x-ids-region"), "local"),
];

/// Gives an answer what every answer carries.
pub(crate) fn finish(reply: &mut Reply) {
    for (name, value) in FIELDS {
        reply.headers.insert(name, HeaderValue::from_static(value));
    }
    // The service does not say what it would take.
    reply.headers.remove(header::ACCEPT);
    if reply.status == StatusCode::FORBIDDEN {
        reply.headers.remove(header::WWW_AUTHENTICATE);
    }
}

/// Tells an answer that went out in a coding from the one that did not.
pub(crate) fn coded(reply: &mut Reply) {
    let Some(coding) = reply.headers.get(header::CONTENT_ENCODING) else {
        return;
    };
    let suffix = coding.to_str().unwrap_or_default().to_owned();
    let vary = HeaderValue::from_static("Accept-Encoding,X-CSP-STRIP");
    reply.headers.insert(header::VARY, vary);
    let tag = reply.headers.get(header::ETAG);
    let bare = tag.and_then(|it| it.to_str().ok()?.strip_suffix('"'));
    if let Some(tag) = bare.and_then(|it| HeaderValue::try_from(format!("{it}-{suffix}\"")).ok()) {
        reply.headers.insert(header::ETAG, tag);
    }
}
