//! The ledger: the last requests of each tenant with their answers, to look at and to count.
//! Bounded by number and bytes; the oldest go first.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use civitas_directory::{Partition, Timestamp};
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use serde_json::{Value, json};

/// Bytes of bodies and header fields that a tenant's ledger keeps.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Bytes kept of one body.
const MAX_BODY: usize = 64 * 1024;

/// What stands in the place of a secret.
const MASK: &str = "***";

/// Members of JSON bodies and fields of forms that are secrets.
const SECRETS: [&str; 15] = [
    "password",
    "secretKey",
    "totpSecret",
    "otpCode",
    "activationLink",
    "client_secret",
    "secret",
    "access_token",
    "refresh_token",
    "client_assertion",
    "token",
    "assertion",
    "authId",
    "tokenId",
    "valueBase64",
];

/// Header fields of requests that hold nothing but a secret.
const SECRET_FIELDS: [HeaderName; 3] = [
    header::COOKIE,
    HeaderName::from_static("x-openam-password"),
    HeaderName::from_static("civitassession"),
];

/// A request and its answer.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) at: Timestamp,
    pub(crate) took: Duration,
    pub(crate) request_id: String,
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) host: String,
    pub(crate) request_headers: HeaderMap,
    /// `None` where bodies are not kept.
    pub(crate) request_body: Option<Bytes>,
    pub(crate) status: StatusCode,
    pub(crate) response_headers: HeaderMap,
    pub(crate) response_body: Option<Bytes>,
}

/// The last requests of all tenants.
pub(crate) struct Ledger {
    most: usize,
    pub(crate) bodies: bool,
    pages: Mutex<HashMap<i64, Page>>,
}

#[derive(Default)]
struct Page {
    generation: i64,
    first: u64,
    bytes: usize,
    exchanges: VecDeque<Exchange>,
}

/// Which exchanges are asked for.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) method: Option<String>,
    /// Beginning of the target.
    pub(super) path: Option<String>,
    pub(super) status: Option<u16>,
    /// Those after this number.
    pub(super) after: Option<u64>,
}

impl Ledger {
    /// A ledger of the last `most` requests of each tenant, with bodies or without.
    pub(crate) fn new(most: usize, bodies: bool) -> Self {
        Self {
            most: most.max(1),
            bodies,
            pages: Mutex::default(),
        }
    }

    /// Writes an exchange down.
    pub(crate) fn record(&self, partition: Partition, mut exchange: Exchange) {
        exchange.bound();
        let mut pages = self.pages();
        let page = pages.entry(partition.raw()).or_default();
        if page.generation > partition.generation() {
            return;
        }
        page.turn(partition);
        page.bytes += exchange.bytes();
        page.exchanges.push_back(exchange);
        while page.exchanges.len() > self.most || page.bytes > MAX_BYTES {
            let Some(oldest) = page.exchanges.pop_front() else {
                break;
            };
            page.bytes -= oldest.bytes();
            page.first += 1;
        }
    }

    /// What matches, oldest first, as shown by `show`.
    pub(super) fn list<T>(
        &self,
        partition: Partition,
        filter: &Filter,
        show: impl Fn(u64, &Exchange) -> T,
    ) -> Vec<T> {
        let mut pages = self.pages();
        let page = pages.entry(partition.raw()).or_default();
        page.turn(partition);
        let numbered = (page.first + 1..).zip(&page.exchanges);
        numbered
            .filter(|(number, exchange)| filter.holds(*number, exchange))
            .map(|(number, exchange)| show(number, exchange))
            .collect()
    }

    /// Forgets all of a tenant.
    pub(super) fn clear(&self, partition: Partition) {
        self.pages().remove(&partition.raw());
    }

    fn pages(&self) -> MutexGuard<'_, HashMap<i64, Page>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    /// A reset begins a new page.
    fn turn(&mut self, partition: Partition) {
        if self.generation != partition.generation() {
            *self = Self {
                generation: partition.generation(),
                ..Self::default()
            };
        }
    }
}

impl Filter {
    fn holds(&self, number: u64, exchange: &Exchange) -> bool {
        self.after.is_none_or(|after| number > after)
            && self.status.is_none_or(|it| exchange.status.as_u16() == it)
            && self
                .method
                .as_deref()
                .is_none_or(|it| it.eq_ignore_ascii_case(exchange.method.as_str()))
            && self
                .path
                .as_deref()
                .is_none_or(|it| exchange.target.starts_with(it))
    }
}

impl Exchange {
    /// Cuts bodies that are too long, and takes secrets out of the header fields.
    fn bound(&mut self) {
        for body in [&mut self.request_body, &mut self.response_body] {
            if let Some(body) = body.as_mut().filter(|body| body.len() > MAX_BODY) {
                // A copy, so that what is cut off is not kept in memory.
                *body = Bytes::copy_from_slice(&body[..MAX_BODY]);
            }
        }
        for name in [header::AUTHORIZATION, header::PROXY_AUTHORIZATION] {
            if let Some(value) = self.request_headers.get_mut(&name) {
                let scheme = value.to_str().unwrap_or_default().split(' ').next();
                let masked = format!("{} {MASK}", scheme.unwrap_or_default());
                *value = masked
                    .try_into()
                    .unwrap_or(http::HeaderValue::from_static(MASK));
            }
        }
        for name in SECRET_FIELDS {
            if self.request_headers.contains_key(&name) {
                let masked = http::HeaderValue::from_static(MASK);
                self.request_headers.insert(name, masked);
            }
        }
        if self.response_headers.contains_key(header::SET_COOKIE) {
            let masked = http::HeaderValue::from_static(MASK);
            self.response_headers.insert(header::SET_COOKIE, masked);
        }
    }

    fn bytes(&self) -> usize {
        let fields = |headers: &HeaderMap| -> usize {
            let lengths = headers
                .iter()
                .map(|(name, value)| name.as_str().len() + value.len());
            lengths.sum()
        };
        let body = |body: &Option<Bytes>| body.as_ref().map_or(0, Bytes::len);
        self.target.len()
            + fields(&self.request_headers)
            + fields(&self.response_headers)
            + body(&self.request_body)
            + body(&self.response_body)
            + size_of::<Self>()
    }

    /// The exchange as JSON.
    pub(super) fn shown(&self, number: u64) -> Value {
        json!({
            "number": number,
            "at": self.at.to_string(),
            "micros": self.took.as_micros() as u64,
            "request_id": self.request_id,
            "method": self.method.as_str(),
            "target": self.target,
            "status": self.status.as_u16(),
            "request": {
                "headers": pairs(&self.request_headers),
                "body": self.request_body.as_ref().map(masked),
            },
            "response": {
                "headers": pairs(&self.response_headers),
                "body": self.response_body.as_ref().map(masked),
            },
        })
    }

    /// The exchange as an entry of a HAR log (version 1.2).
    pub(super) fn har(&self, scheme: &str) -> Value {
        let millis = self.took.as_secs_f64() * 1_000.0;
        let media = |headers: &HeaderMap| {
            let value = headers.get(header::CONTENT_TYPE);
            value
                .and_then(|it| it.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        let text = |body: &Option<Bytes>| body.as_ref().map(masked).unwrap_or_default();
        let size = |body: &Option<Bytes>| body.as_ref().map_or(-1, |it| it.len() as i64);
        let mut request = json!({
            "method": self.method.as_str(),
            "url": format!("{scheme}://{}{}", self.host, self.target),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": pairs(&self.request_headers),
            "queryString": query(&self.target),
            "headersSize": -1,
            "bodySize": size(&self.request_body),
        });
        if self.request_body.as_ref().is_some_and(|it| !it.is_empty()) {
            request["postData"] = json!({
                "mimeType": media(&self.request_headers),
                "text": text(&self.request_body),
            });
        }
        json!({
            "startedDateTime": self.at.to_string(),
            "time": millis,
            "request": request,
            "response": {
                "status": self.status.as_u16(),
                "statusText": self.status.canonical_reason().unwrap_or_default(),
                "httpVersion": "HTTP/1.1",
                "cookies": [],
                "headers": pairs(&self.response_headers),
                "content": {
                    "size": size(&self.response_body).max(0),
                    "mimeType": media(&self.response_headers),
                    "text": text(&self.response_body),
                },
                "redirectURL": "",
                "headersSize": -1,
                "bodySize": size(&self.response_body),
            },
            "cache": {},
            "timings": { "send": 0, "wait": millis, "receive": 0 },
        })
    }
}

fn pairs(headers: &HeaderMap) -> Value {
    let pairs = headers.iter().map(|(name, value)| {
        json!({ "name": name.as_str(), "value": String::from_utf8_lossy(value.as_bytes()) })
    });
    pairs.collect()
}

fn query(target: &str) -> Value {
    let (_, query) = target.split_once('?').unwrap_or_default();
    let pairs = query.split('&').filter(|it| !it.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        json!({ "name": name, "value": value })
    });
    pairs.collect()
}

/// A body as text, its secrets masked. One that may hold secrets and cannot be read is not
/// shown.
fn masked(body: &Bytes) -> String {
    if let Ok(mut value) = serde_json::from_slice::<Value>(body) {
        mask(&mut value);
        return value.to_string();
    }
    let text = String::from_utf8_lossy(body);
    if text.starts_with('{') || text.starts_with('[') {
        let lower = text.to_ascii_lowercase();
        let is_held = |secret: &&str| lower.contains(&secret.to_ascii_lowercase());
        return if SECRETS.iter().any(is_held) {
            MASK.into()
        } else {
            text.into_owned()
        };
    }
    let fields = text.split('&').map(|field| match field.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={MASK}"),
        _ => field.to_owned(),
    });
    fields.collect::<Vec<_>>().join("&")
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            // What an operation of a patch is about, and what a callback asks for.
            let named = ["path", "field"].iter().any(|name| {
                let it = members.get(*name).and_then(Value::as_str);
                it.is_some_and(is_secret)
            });
            let asks = members
                .get("type")
                .is_some_and(|it| it == "PasswordCallback");
            for (name, member) in members.iter_mut() {
                let holds = (named && name == "value") || (asks && name == "input");
                if is_secret(name) || holds {
                    *member = Value::from(MASK);
                } else {
                    mask(member);
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(mask),
        _ => {}
    }
}

/// Whether a name, or the end of a path, is that of a secret.
fn is_secret(name: &str) -> bool {
    let name = name.rsplit([':', '.', '/']).next().unwrap_or(name);
    SECRETS
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(body: &str) -> Exchange {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, "Basic YTpi".parse().unwrap());
        headers.insert(header::COOKIE, "civitasSession=hush".parse().unwrap());
        headers.insert("x-openam-password", "hush".parse().unwrap());
        Exchange {
            at: Timestamp(0),
            took: Duration::from_millis(1),
            request_id: "r".into(),
            method: Method::POST,
            target: "/scim/v2/Users?a=b".into(),
            host: "h".into(),
            request_headers: headers,
            request_body: Some(Bytes::copy_from_slice(body.as_bytes())),
            status: StatusCode::CREATED,
            response_headers: HeaderMap::new(),
            response_body: Some(Bytes::new()),
        }
    }

    #[test]
    fn the_oldest_go_first_and_numbers_stay() {
        let ledger = Ledger::new(3, true);
        let here = Partition::from_raw(1);
        for _ in 0..5 {
            ledger.record(here, exchange("{}"));
        }
        ledger.record(Partition::from_raw(2), exchange("{}"));
        let numbers = |filter: &Filter| ledger.list(here, filter, |number, _| number);
        assert_eq!(numbers(&Filter::default()), [3, 4, 5]);
        let after = Filter {
            after: Some(4),
            ..Filter::default()
        };
        assert_eq!(numbers(&after), [5]);
        let reset = here.in_generation(1);
        assert!(
            ledger
                .list(reset, &Filter::default(), |it, _| it)
                .is_empty()
        );
        let large = "x".repeat(MAX_BODY * 2);
        let ledger = Ledger::new(1_000, true);
        for _ in 0..200 {
            ledger.record(here, exchange(&large));
        }
        let kept = ledger.list(here, &Filter::default(), |_, it| it.bytes());
        assert!(kept.iter().sum::<usize>() <= MAX_BYTES, "{}", kept.len());
        assert!(kept.len() > 100);
    }

    #[test]
    fn secrets_are_masked() {
        for body in [
            r#"{"userName":"a","password":"hush"}"#,
            r#"{"Operations":[{"op":"replace","path":"password","value":"hush"}]}"#,
            r#"{"Operations":[{"op":"replace","value":{"password":"hush"}}]}"#,
            r#"[{"operation":"add","field":"/password","value":"hush"}]"#,
            r#"{"callbacks":[{"type":"PasswordCallback","input":[{"name":"x","value":"hush"}]}]}"#,
            r#"{"tokenId":"hush"}"#,
            r#"{"valueBase64":"hush"}"#,
            r#"{"password":"hush", broken"#,
            "grant_type=client_credentials&client_secret=hush",
        ] {
            let ledger = Ledger::new(1, true);
            let here = Partition::from_raw(1);
            ledger.record(here, exchange(body));
            for shown in ledger.list(here, &Filter::default(), |n, it| {
                format!("{} {}", it.shown(n), it.har("http"))
            }) {
                assert!(
                    !shown.contains("hush") && !shown.contains("YTpi"),
                    "{shown}"
                );
            }
        }
    }
}
