//! Answers before they become HTTP responses.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

/// `Cache-Control` of what must not be kept: identity data, tokens, refusals.
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// An answer: status, header fields, content.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// An answer without content.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::with_capacity(12),
            body: Bytes::new(),
        }
    }

    /// An answer with content.
    pub(crate) fn new(
        status: StatusCode,
        content_type: HeaderValue,
        body: impl Into<Bytes>,
    ) -> Self {
        let mut reply = Self::empty(status);
        reply.headers.insert(header::CONTENT_TYPE, content_type);
        reply.body = body.into();
        reply
    }

    /// The answer with a header field set.
    #[must_use]
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The response. Nothing may keep it that was not told it may.
    pub(crate) fn into_response(mut self) -> Response<Full<Bytes>> {
        self.headers
            .entry(header::CACHE_CONTROL)
            .or_insert(NO_STORE);
        let nosniff = HeaderValue::from_static("nosniff");
        self.headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
