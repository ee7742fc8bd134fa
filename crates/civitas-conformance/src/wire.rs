//! Requests and answers as they cross the network. Knows HTTP and JSON, but
//! not what a SCIM server ought to answer.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ureq::config::AutoHeaderValue;
use ureq::http;

use crate::account::Account;
use crate::exchange::{Exchange, Log, template};

/// The media type of every SCIM message (RFC 7644 §8.1).
pub(crate) const SCIM_JSON: &str = "application/scim+json";

/// How a request identifies its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// No `Authorization` header at all.
    None,
    /// A bearer token (RFC 6750 §2.1).
    Bearer(String),
    /// A client id and secret (RFC 7617).
    Basic(String, String),
}

impl Credential {
    fn header(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Bearer(token) => Some(format!("Bearer {token}")),
            Self::Basic(id, secret) => Some(format!(
                "Basic {}",
                STANDARD.encode(format!("{id}:{secret}"))
            )),
        }
    }
}

/// One request, relative to the base URL. The caller's usual credential is sent
/// unless the request carries its own `Authorization` or is anonymous.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
    anonymous: bool,
}

impl Request {
    pub(crate) fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: None,
            anonymous: false,
        }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn post(path: impl Into<String>, body: &Value) -> Self {
        Self::new("POST", path).json(body)
    }

    pub(crate) fn put(path: impl Into<String>, body: &Value) -> Self {
        Self::new("PUT", path).json(body)
    }

    /// A PATCH whose body is already a complete `PatchOp` message.
    pub(crate) fn patch(path: impl Into<String>, message: &Value) -> Self {
        Self::new("PATCH", path).json(message)
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string())
    }

    pub(crate) fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        if self
            .headers
            .iter()
            .all(|(name, _)| !name.eq_ignore_ascii_case("content-type"))
        {
            self.headers.push(("content-type", SCIM_JSON.to_owned()));
        }
        self
    }

    /// The request with a form of these fields.
    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Self {
        let pairs = fields.iter();
        let pairs = pairs.map(|(name, value)| format!("{name}={}", percent_encoded(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        self.header("content-type", "application/x-www-form-urlencoded")
            .bytes(body)
    }

    /// The request without a `Content-Type`.
    pub(crate) fn untyped(mut self) -> Self {
        self.headers
            .retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        self
    }

    /// Adds a query parameter, percent-encoding its value.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.path
            .push(if self.path.contains('?') { '&' } else { '?' });
        self.path.push_str(name);
        self.path.push('=');
        self.path.push_str(&percent_encoded(value));
        self
    }

    /// The same request to another path.
    pub(crate) fn below(self, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            ..self
        }
    }

    pub(crate) fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    pub(crate) fn method(&self) -> &'static str {
        self.method
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    fn describe(&self) -> String {
        let mut text = format!("{} {}", self.method, self.path);
        if let Some(body) = &self.body {
            text.push(' ');
            text.push_str(&excerpt(&String::from_utf8_lossy(body)));
        }
        text
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) bytes: Vec<u8>,
    pub(crate) request: String,
    headers: http::HeaderMap,
    json: Option<Value>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// All fields of that name, joined as RFC 9110 §5.3 allows.
    pub(crate) fn header_list(&self, name: &str) -> String {
        let fields: Vec<_> = self
            .headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        fields.join(", ")
    }

    pub(crate) fn json(&self) -> Option<&Value> {
        self.json.as_ref()
    }

    /// The media type without its parameters.
    pub(crate) fn media_type(&self) -> &str {
        let full = self.header("content-type").unwrap_or_default();
        full.split(';').next().unwrap_or_default().trim()
    }

    /// The answer as a line of a report: status, `scimType` or the start of the body.
    pub(crate) fn describe(&self) -> String {
        format!(
            "{} {} (after {})",
            self.status,
            excerpt(&String::from_utf8_lossy(&self.bytes)),
            self.request
        )
    }
}

/// Sends requests to one server. Cheap to clone, and usable from several threads.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    agent: ureq::Agent,
    base: String,
    authorization: Option<String>,
    host: Option<String>,
    log: Log,
}

impl Client {
    /// A client whose exchanges are noted in the log.
    pub(crate) fn new(base: &str, credential: &Credential, log: Log) -> Self {
        // Redirects are answers to be judged, and a missing Accept must stay missing.
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            .accept(AutoHeaderValue::None)
            .accept_encoding(AutoHeaderValue::None)
            .user_agent("civitas-conformance")
            .timeout_global(Some(Duration::from_mins(1)))
            .build();
        Self {
            agent: config.new_agent(),
            base: base.trim_end_matches('/').to_owned(),
            authorization: credential.header(),
            host: None,
            log,
        }
    }

    /// The same server seen by another caller.
    pub(crate) fn with(&self, account: &Account) -> Self {
        Self {
            authorization: account.credential.header(),
            host: account.host.clone(),
            ..self.clone()
        }
    }

    /// The same caller below another base URL of the server.
    pub(crate) fn at(&self, base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            ..self.clone()
        }
    }

    /// The same caller outside the SCIM base; its exchanges are not noted.
    pub(crate) fn outside(&self, base: &str) -> Self {
        Self {
            log: Log::default(),
            ..self.at(base)
        }
    }

    /// The name of the tenant's host, if it is not that of the base URL.
    pub(crate) fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Sends the request; `Err` tells why there was no HTTP answer at all.
    pub(crate) fn send(&self, request: &Request) -> Result<Answer, String> {
        let described = request.describe();
        let answer = self
            .exchange(request)
            .map_err(|error| format!("{error} (for {described})"))?;
        let (parts, mut body) = answer.into_parts();
        let bytes = body
            .with_config()
            .limit(64 << 20)
            .read_to_vec()
            .map_err(|error| format!("{error} while reading the body (for {described})"))?;
        let status = parts.status.as_u16();
        let json: Option<Value> = serde_json::from_slice(&bytes).ok();
        let scim_type = json.as_ref().and_then(|body| body["scimType"].as_str());
        self.log.add(Exchange {
            method: request.method,
            path: template(&request.path),
            status,
            scim_type: scim_type.map(str::to_owned),
        });
        Ok(Answer {
            status,
            json,
            bytes,
            request: described,
            headers: parts.headers,
        })
    }

    fn exchange(&self, request: &Request) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let url = format!("{}{}", self.base, request.path);
        let mut builder = http::Request::builder().method(request.method).uri(&url);
        let own = request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if let Some(value) = self
            .authorization
            .as_ref()
            .filter(|_| !own && !request.anonymous)
        {
            builder = builder.header("authorization", value);
        }
        if let Some(host) = &self.host {
            builder = builder.header("host", host);
        }
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        match (&request.body, request.method) {
            (Some(body), "DELETE") => {
                let mut delete = self.agent.delete(&url);
                if let Some(headers) = builder.headers_ref() {
                    for (name, value) in headers {
                        delete = delete.header(name, value);
                    }
                }
                delete.force_send_body().send(body.as_slice())
            }
            (Some(body), _) => self.agent.run(builder.body(body.clone())?),
            (None, "POST" | "PUT" | "PATCH") => self.agent.run(builder.body(Vec::new())?),
            (None, _) => self.agent.run(builder.body(())?),
        }
    }
}

/// Percent-encodes all but the unreserved characters (RFC 3986 §2.3).
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.extend(
                [byte >> 4, byte & 15]
                    .into_iter()
                    .filter_map(|nibble| char::from_digit(u32::from(nibble), 16))
                    .map(|digit| digit.to_ascii_uppercase()),
            );
        }
    }
    encoded
}

/// The start of a text on one line, for reports.
pub(crate) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 360;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_values_are_encoded_once() {
        let request = Request::get("/Users")
            .query("filter", "a eq \"é+\"")
            .query("count", "1");
        assert_eq!(
            request.path(),
            "/Users?filter=a%20eq%20%22%C3%A9%2B%22&count=1"
        );
    }

    #[test]
    fn basic_credentials_use_utf8() {
        let header = Credential::Basic("test".into(), "123£".into()).header();
        assert_eq!(header.as_deref(), Some("Basic dGVzdDoxMjPCow=="));
    }
}
