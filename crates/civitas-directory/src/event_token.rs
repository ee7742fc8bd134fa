//! Security event tokens (RFC 8417) about resources (RFC 9967), and the key that signs them.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use civitas_scim::{Attributes, schema::ResourceType};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    completion::Completed,
    record::{Found, Timestamp, Version},
    store::{Event, EventKind},
    stream::{Payload, Stream, Verification},
};

/// Event URIs that tokens have, as `securityEvents.eventUris` lists them (RFC 9967 §4).
pub const EVENT_URIS: [&str; 10] = [
    CREATE_NOTICE,
    CREATE_FULL,
    PATCH_NOTICE,
    PATCH_FULL,
    PUT_NOTICE,
    PUT_FULL,
    DELETE,
    ACTIVATE,
    DEACTIVATE,
    COMPLETED,
];

const CREATE_NOTICE: &str = "urn:ietf:params:scim:event:prov:create:notice";
const CREATE_FULL: &str = "urn:ietf:params:scim:event:prov:create:full";
const PATCH_NOTICE: &str = "urn:ietf:params:scim:event:prov:patch:notice";
const PATCH_FULL: &str = "urn:ietf:params:scim:event:prov:patch:full";
const PUT_NOTICE: &str = "urn:ietf:params:scim:event:prov:put:notice";
const PUT_FULL: &str = "urn:ietf:params:scim:event:prov:put:full";
const DELETE: &str = "urn:ietf:params:scim:event:prov:delete";
const ACTIVATE: &str = "urn:ietf:params:scim:event:prov:activate";
const DEACTIVATE: &str = "urn:ietf:params:scim:event:prov:deactivate";

/// That a request is done which was answered before (RFC 9967 §2.5.1.3).
const COMPLETED: &str = "urn:ietf:params:scim:event:misc:asyncresp";

/// What shows that tokens arrive (`OpenID` Shared Signals Framework 1.0 §8.1.4).
const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";

/// What tells that events are missing, of this server's own.
pub const MISSED: &str = "urn:civitas:params:scim:event:feed:missed";

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Signs the tokens of one tenant: ES256 (RFC 7518 §3.4).
pub(crate) struct EventKey {
    pair: EcdsaKeyPair,
    /// Encoded.
    header: String,
    jwk: Value,
}

impl EventKey {
    /// A new key, as PKCS #8.
    ///
    /// # Errors
    /// The text of the failure, for the log.
    pub(crate) fn generate() -> Result<Vec<u8>, String> {
        let key =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let key = key.map_err(|_| "no key for event tokens could be made".to_owned())?;
        Ok(key.as_ref().to_vec())
    }

    /// The key of that PKCS #8.
    ///
    /// # Errors
    /// The text of the failure, for the log.
    pub(crate) fn new(pkcs8: &[u8]) -> Result<Self, String> {
        let pair = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            pkcs8,
            &SystemRandom::new(),
        );
        let pair = pair.map_err(|error| format!("the key for event tokens is bad: {error}"))?;
        // An uncompressed point: a byte, and two coordinates of 32 (SEC 1 §2.3.3).
        let point = pair.public_key().as_ref();
        let (x, y) = (BASE64.encode(&point[1..33]), BASE64.encode(&point[33..65]));
        // The members that RFC 7638 §3.2 digests, in its order.
        let digested = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let kid = BASE64.encode(Sha256::digest(digested));
        let header = json!({ "typ": "secevent+jwt", "alg": "ES256", "kid": kid });
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "x": x, "y": y,
            "use": "sig", "alg": "ES256", "kid": kid,
        });
        Ok(Self {
            pair,
            header: BASE64.encode(header.to_string()),
            jwk,
        })
    }

    /// Its `kid`.
    pub(crate) fn kid(&self) -> String {
        self.jwk["kid"].as_str().unwrap_or_default().to_owned()
    }

    /// The public key (RFC 7517).
    pub(crate) fn public(&self) -> &Value {
        &self.jwk
    }

    /// The claims as a token.
    ///
    /// # Errors
    /// The text of the failure, for the log.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String, String> {
        let mut token = format!("{}.{}", self.header, BASE64.encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), token.as_bytes());
        let signature = signature.map_err(|_| "an event token was not signed".to_owned())?;
        token.push('.');
        BASE64.encode_string(signature, &mut token);
        Ok(token)
    }
}

/// What all tokens of a stream have.
fn envelope(stream: &Stream, jti: &str, now: Timestamp, sub_id: &Value, events: &Value) -> Value {
    json!({
        "iss": stream.issuer,
        "aud": stream.audience,
        "iat": seconds(now),
        "jti": jti,
        "sub_id": sub_id,
        "events": events,
    })
}

fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000)
}

/// A token about a stream itself has it for its subject.
fn about_stream(stream: &Stream, jti: &str, now: Timestamp, events: &Value) -> Value {
    let subject = json!({ "format": "opaque", "id": stream.id });
    envelope(stream, jti, now, &subject, events)
}

/// Claims of a verification.
pub(crate) fn verification(
    stream: &Stream,
    jti: &str,
    now: Timestamp,
    verification: &Verification,
) -> Value {
    let payload = match &verification.state {
        Some(state) => json!({ "state": state }),
        None => json!({}),
    };
    about_stream(stream, jti, now, &json!({ VERIFICATION: payload }))
}

/// Claims of what tells that the log no longer has the events `after` one, up to another.
pub(crate) fn missed(
    stream: &Stream,
    jti: &str,
    now: Timestamp,
    (after, through): (Version, Version),
) -> Value {
    let payload = json!({ "after": after.to_string(), "through": through.to_string() });
    about_stream(stream, jti, now, &json!({ MISSED: payload }))
}

/// Claims of the completion of a request, or of one of its operations.
pub(crate) fn completed(
    stream: &Stream,
    jti: &str,
    now: Timestamp,
    completed: &Completed,
    ended: Timestamp,
) -> Value {
    let Completed { txn, uri, payload } = completed;
    let mut subject = json!({ "format": "scim", "uri": uri });
    if let Some((_, id)) = uri.rsplit_once('/').filter(|(of, _)| !of.is_empty()) {
        subject["id"] = id.into();
    }
    let mut claims = envelope(stream, jti, now, &subject, &json!({ COMPLETED: payload }));
    claims["txn"] = txn.as_str().into();
    claims["toe"] = seconds(ended).into();
    claims
}

/// Claims about an event of the log. `found` is the resource as it is now, if it is there.
pub(crate) fn event(
    stream: &Stream,
    jti: &str,
    now: Timestamp,
    event: &Event,
    (kind, found): (Option<&ResourceType>, Option<&Found>),
) -> Value {
    let events = events(stream.payload, event, found);
    let subject = subject(event, kind, found);
    let mut claims = envelope(stream, jti, now, &subject, &events);
    claims["txn"] = event.request_id.as_str().into();
    claims["toe"] = seconds(event.at).into();
    claims
}

/// The subject (RFC 9967 §2.1), by its path below the base.
fn subject(event: &Event, kind: Option<&ResourceType>, found: Option<&Found>) -> Value {
    let Event {
        resource_type, id, ..
    } = event;
    let uri = match kind {
        Some(kind) => format!("{}/{id}", kind.endpoint),
        None => format!("/{resource_type}/{id}"),
    };
    let mut subject = json!({ "format": "scim", "uri": uri, "id": id });
    let external = found.and_then(|it| it.record.attributes().remove("externalId"));
    if let Some(external) = external {
        subject["externalId"] = external;
    }
    subject
}

fn events(payload: Payload, event: &Event, found: Option<&Found>) -> Value {
    // What the resource is now tells what the change made of it only while no other followed.
    let made = found.filter(|it| payload == Payload::Full && it.record.version == event.version);
    let version = event.version.to_string();
    let told =
        |uri: &str, name: &str, value: Value| json!({ uri: { "version": version, name: value } });
    let difference = event.difference.as_ref();
    match event.kind {
        EventKind::Deleted => json!({ DELETE: {} }),
        EventKind::Created => match made {
            Some(found) => told(CREATE_FULL, "data", Value::Object(found.resource())),
            None => told(CREATE_NOTICE, "attributes", names(found).into()),
        },
        EventKind::Changed => {
            let attributes = match difference {
                Some(difference) => difference.attributes.clone(),
                None if event.resource_type == "Group" => vec!["members".into()],
                None => names(found),
            };
            let whole = difference.is_some_and(|it| it.whole);
            // A password is told by its name alone, and members are too many to be told.
            let is_told = |name: &String| name != "password" && name != "members";
            let made = made.filter(|_| attributes.iter().all(is_told));
            let mut events = match (whole, made) {
                (false, None) => told(PATCH_NOTICE, "attributes", attributes.into()),
                (true, None) => told(PUT_NOTICE, "attributes", attributes.into()),
                (false, Some(found)) => told(PATCH_FULL, "data", patch(&attributes, found)),
                (true, Some(found)) => told(PUT_FULL, "data", Value::Object(found.resource())),
            };
            if let Some(active) = difference.and_then(|it| it.active) {
                events[if active { ACTIVATE } else { DEACTIVATE }] = json!({});
            }
            events
        }
    }
}

/// What a resource has, by name; its `id` of one that is gone.
fn names(found: Option<&Found>) -> Vec<String> {
    let attributes = found.map(|it| it.record.attributes()).unwrap_or_default();
    if attributes.is_empty() {
        return vec!["id".into()];
    }
    let attributes = attributes.into_iter().map(|(name, _)| name);
    attributes.filter(|name| name != "schemas").collect()
}

/// What a PATCH would say that makes the resource what it is (RFC 7644 §3.5.2).
fn patch(attributes: &[String], found: &Found) -> Value {
    let document = found.record.attributes();
    let operations = attributes.iter().map(|path| match value(&document, path) {
        Some(value) => json!({ "op": "replace", "path": path, "value": value }),
        None => json!({ "op": "remove", "path": path }),
    });
    let operations: Vec<Value> = operations.collect();
    json!({ "schemas": [PATCH_OP], "Operations": operations })
}

/// The value at a path that a difference names: an attribute, or `URI:attribute`.
fn value<'d>(document: &'d Attributes, path: &str) -> Option<&'d Value> {
    document.get(path).or_else(|| {
        let (extension, name) = path.rsplit_once(':')?;
        document
            .get(extension)
            .and_then(Value::as_object)
            .and_then(|within: &Map<String, Value>| within.get(name))
    })
}

/// What a token is about, as its `jti` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// An event, in a generation of the tenant.
    Event(i64, Version),
    /// Events that the log no longer has, up to this one.
    Missed(i64, Version),
    /// What came of a request, by its job and a number.
    Completion(String, u64),
    /// A verification, by its id.
    Verification(String),
}

impl Mark {
    /// The `jti` of the token in a stream.
    pub fn jti(&self, stream: &str) -> String {
        match self {
            Self::Event(generation, event) => format!("{stream}.{generation}.{}", event.0),
            Self::Missed(generation, event) => format!("{stream}.{generation}.missed.{}", event.0),
            Self::Completion(job, number) => format!("{stream}.completion.{job}.{number}"),
            Self::Verification(id) => format!("{stream}.verification.{id}"),
        }
    }

    /// What a token of the stream is about; `None` if the text is no `jti` of it.
    pub fn of(stream: &str, jti: &str) -> Option<Self> {
        let rest = jti.strip_prefix(stream)?.strip_prefix('.')?;
        let (first, rest) = rest.split_once('.')?;
        if first == "verification" {
            return Some(Self::Verification(rest.to_owned()));
        }
        if first == "completion" {
            let (job, number) = rest.rsplit_once('.')?;
            return Some(Self::Completion(job.to_owned(), number.parse().ok()?));
        }
        let generation = first.parse().ok()?;
        match rest.strip_prefix("missed.") {
            Some(event) => Some(Self::Missed(generation, Version(event.parse().ok()?))),
            None => Some(Self::Event(generation, Version(rest.parse().ok()?))),
        }
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;
    use crate::{
        change::Difference,
        record::Record,
        stream::{Delivery, Position, Status},
    };

    fn stream(payload: Payload) -> Stream {
        Stream {
            id: "s".into(),
            client: "c".into(),
            issuer: "https://id.example/scim/v2".into(),
            audience: "c".into(),
            payload,
            delivery: Delivery::Poll,
            created: Timestamp(0),
            status: Status::Enabled,
            reason: None,
            verified: false,
            verification: None,
            position: Position::default(),
            rejected: 0,
            completions: Vec::new(),
        }
    }

    fn found(version: i64) -> Found {
        let document = json!({
            "schemas": ["urn:x"], "id": "7", "userName": "bj", "externalId": "e-7",
            "active": false, "urn:e": { "a": 1 },
        });
        Found {
            record: Record {
                resource_type: "User".into(),
                id: "7".into(),
                position: crate::store::Position(1),
                version: Version(version),
                created: Timestamp(1_000),
                modified: Timestamp(2_000),
                document: document.to_string(),
            },
            groups: None,
            members: None,
        }
    }

    fn change(kind: EventKind, difference: Option<Difference>) -> Event {
        Event {
            version: Version(5),
            at: Timestamp(61_500),
            actor: "client:a".into(),
            request_id: "r:1".into(),
            kind,
            resource_type: "User".into(),
            id: "7".into(),
            difference,
        }
    }

    fn differing(whole: bool, names: &[&str], active: Option<bool>) -> Difference {
        Difference {
            whole,
            attributes: names.iter().map(|it| (*it).to_owned()).collect(),
            active,
        }
    }

    /// The event URIs of a token with their payloads.
    fn told(payload: Payload, event: &Event, found: Option<&Found>) -> Value {
        let user = civitas_scim::core::user();
        let claims = super::event(
            &stream(payload),
            "j",
            Timestamp(90_000),
            event,
            (Some(&user), found),
        );
        assert_eq!(claims["iat"], 90);
        assert_eq!(
            (&claims["toe"], &claims["txn"]),
            (&json!(61), &json!("r:1"))
        );
        assert_eq!(claims["sub_id"]["uri"], "/Users/7");
        assert!(claims.get("sub").is_none());
        claims["events"].clone()
    }

    #[test]
    fn a_notice_names_and_a_full_event_shows() {
        let (new, newer) = (found(5), found(6));
        let created = change(EventKind::Created, None);
        let notice = json!({ CREATE_NOTICE: {
            "version": "W/\"5\"",
            "attributes": ["id", "userName", "externalId", "active", "urn:e"],
        }});
        assert_eq!(told(Payload::Notice, &created, Some(&new)), notice);
        assert_eq!(told(Payload::Full, &created, Some(&newer)), notice);
        let full = told(Payload::Full, &created, Some(&new));
        assert_eq!(full[CREATE_FULL]["data"]["userName"], "bj");
        assert!(full[CREATE_FULL].get("attributes").is_none());
        let gone = told(Payload::Full, &created, None);
        assert_eq!(gone[CREATE_NOTICE]["attributes"], json!(["id"]));

        let deleted = change(EventKind::Deleted, None);
        assert_eq!(told(Payload::Full, &deleted, None), json!({ DELETE: {} }));

        let patched = differing(false, &["active", "title", "urn:e:a"], Some(false));
        let patched = change(EventKind::Changed, Some(patched));
        assert_eq!(
            told(Payload::Full, &patched, Some(&new)),
            json!({
                PATCH_FULL: { "version": "W/\"5\"", "data": {
                    "schemas": [PATCH_OP],
                    "Operations": [
                        { "op": "replace", "path": "active", "value": false },
                        { "op": "remove", "path": "title" },
                        { "op": "replace", "path": "urn:e:a", "value": 1 },
                    ],
                }},
                DEACTIVATE: {},
            })
        );
        let put = change(EventKind::Changed, Some(differing(true, &["title"], None)));
        assert!(told(Payload::Full, &put, Some(&new))[PUT_FULL]["data"].is_object());
        let password = differing(true, &["password"], Some(true));
        let password = change(EventKind::Changed, Some(password));
        let password = told(Payload::Full, &password, Some(&new));
        assert_eq!(password[PUT_NOTICE]["attributes"], json!(["password"]));
        assert_eq!(password[ACTIVATE], json!({}));
    }

    #[test]
    fn a_token_is_signed_by_the_published_key() {
        let key = EventKey::new(&EventKey::generate().unwrap()).unwrap();
        let token = key.sign(&json!({ "iss": "x" })).unwrap();
        let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            panic!("{token}")
        };
        let decoded = |part: &str| BASE64.decode(part).unwrap();
        let shown: Value = serde_json::from_slice(&decoded(header)).unwrap();
        assert_eq!(
            (&shown["typ"], &shown["alg"]),
            (&json!("secevent+jwt"), &json!("ES256"))
        );
        let jwk = key.public();
        assert_eq!(shown["kid"], jwk["kid"]);
        let coordinate = |name: &str| decoded(jwk[name].as_str().unwrap());
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        let signed = format!("{header}.{claims}");
        public
            .verify(signed.as_bytes(), &decoded(signature))
            .unwrap();
        assert!(public.verify(b"other", &decoded(signature)).is_err());
    }

    #[test]
    fn a_jti_tells_what_its_token_is_about() {
        for mark in [
            Mark::Event(3, Version(7)),
            Mark::Missed(0, Version(9)),
            Mark::Completion("j.1".into(), 7),
            Mark::Verification("v.1".into()),
        ] {
            assert_eq!(Mark::of("s", &mark.jti("s")), Some(mark.clone()));
            assert_eq!(Mark::of("t", &mark.jti("s")), None);
        }
        for text in ["", "s", "s.", "s.1", "s.1.", "s.x.1", "s.1.x", "s1.1.1"] {
            assert_eq!(Mark::of("s", text), None, "{text}");
        }
    }
}
