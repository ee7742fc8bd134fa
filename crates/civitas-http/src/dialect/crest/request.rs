//! From an HTTP request to a verb of Common REST: which one it is, and what of the request
//! has no place with it.

use civitas_directory::{Fidelity, Outcome};
use http::{HeaderMap, HeaderName, Method, header};

use super::{
    fault::{Failure, Fault},
    fidelity,
    parameters::{Parameters, Sent},
    version::{Asked, Version},
};
use crate::{body::Body, refusal::Refusal};
use civitas_scim::json;
use serde_json::Value;

/// The methods that reach a resource, for `Allow`.
pub(super) const METHODS: &str = "GET, POST, PUT, PATCH, DELETE, OPTIONS";

/// What OPTIONS answers.
pub(super) const OPTIONS: &str = "DELETE, GET, HEAD, PATCH, PUT, OPTIONS, TRACE";

const OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verb {
    Read,
    Query,
    /// A description of the interface.
    Describe,
    /// POST: the collection names the new object.
    Create,
    /// PUT: the path does.
    CreateAs,
    Update,
    /// PUT that creates or updates.
    Upsert,
    Delete,
    Patch,
    Action(String),
    Options,
}

/// A request as it was understood.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) verb: Verb,
    pub(super) asked: Asked,
    /// The state that is asked for with `If-Match`, `*` being any.
    pub(super) if_match: Option<String>,
    /// The state that the caller has already.
    pub(super) if_none_match: Option<String>,
    pub(super) parameters: Parameters,
    /// `Null` where there is none.
    pub(super) body: Value,
}

impl Request {
    /// Reads a request; the first thing that is wrong with it is told, in the order of the
    /// checks.
    pub(super) async fn read(
        method: &Method,
        query: &str,
        headers: &HeaderMap,
        body: &mut Body,
        fidelity: Fidelity,
    ) -> Result<Self, Failure> {
        let sent = Sent::read(query)?;
        let method = effective(method, headers)?;
        check_method(&method, fidelity)?;
        let conditions = Conditions::of(headers);
        let action = match method {
            Method::POST => sent.action()?,
            _ => None,
        };
        let asked = Asked::read(headers, fidelity)?;
        let verb = verb(&method, &sent, action, asked.protocol, &conditions)?;
        let typed = check_content_type(&method, headers, fidelity)?;
        check_dates(headers)?;
        conditions.check(&verb)?;
        let needs_body = verb.needs_body();
        if needs_body && !typed {
            return Err(Fault::malformed(
                "The request could not be processed because the  content-type was not specified \
                 and is required",
            )
            .into());
        }
        let body = match verb {
            _ if needs_body => parsed(&body.read().await?)?,
            Verb::Action(_) => {
                let bytes = body.read().await?;
                if bytes.is_empty() {
                    Value::Null
                } else {
                    parsed(&bytes)?
                }
            }
            _ => Value::Null,
        };
        check_shape(&verb, &body)?;
        let parameters = sent.parameters(verb == Verb::Query, asked.protocol)?;
        Ok(Self {
            verb,
            asked,
            if_match: conditions.matching,
            if_none_match: conditions.none_match,
            parameters,
            body,
        })
    }
}

impl Verb {
    /// Whether it leaves everything as it is.
    pub(super) fn reads(&self) -> bool {
        matches!(
            self,
            Self::Read | Self::Query | Self::Describe | Self::Options
        )
    }

    fn needs_body(&self) -> bool {
        matches!(
            self,
            Self::Create | Self::CreateAs | Self::Update | Self::Upsert | Self::Patch
        )
    }

    /// What is done, in the words of the refusal of writes in maintenance.
    pub(super) fn deed(&self) -> &'static str {
        match self {
            Self::Create | Self::CreateAs => "create",
            Self::Update | Self::Upsert => "update",
            Self::Delete => "delete",
            Self::Patch => "patch",
            Self::Action(_) => "perform action",
            Self::Read | Self::Query | Self::Describe | Self::Options => "read",
        }
    }

    /// What cannot be done with what is at the path, as a participle.
    pub(super) fn participle(&self) -> &'static str {
        match self {
            Self::Create | Self::CreateAs => "created",
            Self::Read | Self::Describe | Self::Options => "read",
            Self::Update | Self::Upsert => "updated",
            Self::Delete => "deleted",
            Self::Patch => "patched",
            Self::Query => "queried",
            Self::Action(_) => "acted upon",
        }
    }
}

/// The method that is meant: that of the header field, where the request is a POST.
fn effective(method: &Method, headers: &HeaderMap) -> Result<Method, Fault> {
    match headers.get(OVERRIDE) {
        Some(named) if *method == Method::POST => Method::from_bytes(named.as_bytes())
            .map_err(|_| Fault::malformed("X-HTTP-Method-Override names no method")),
        _ => Ok(method.clone()),
    }
}

fn check_method(method: &Method, fidelity: Fidelity) -> Result<(), Failure> {
    if METHODS.split(", ").any(|it| it == method.as_str()) {
        return Ok(());
    }
    let outcome = match *method {
        Method::HEAD => Outcome::UnknownMethod,
        _ => fidelity::method(fidelity),
    };
    if outcome == Outcome::MethodNotAllowed {
        return Err(Refusal::MethodNotAllowed { allow: METHODS }.into());
    }
    Err(Fault::new(outcome, format!("Method {method} not supported")).into())
}

fn verb(
    method: &Method,
    sent: &Sent<'_>,
    action: Option<&str>,
    protocol: Version,
    conditions: &Conditions,
) -> Result<Verb, Fault> {
    Ok(match *method {
        Method::GET if sent.selects() => Verb::Query,
        Method::GET if sent.describes() => Verb::Describe,
        Method::PUT => match conditions.none_match.as_deref() {
            Some("*") => Verb::CreateAs,
            Some(other) => {
                let text = "is not a supported value for If-None-Match on PUT";
                return Err(Fault::malformed(format!("\"{other}\" {text}")));
            }
            None if conditions.matching.is_some() || protocol.major < 2 => Verb::Update,
            None => Verb::Upsert,
        },
        Method::PATCH => Verb::Patch,
        Method::DELETE => Verb::Delete,
        Method::OPTIONS => Verb::Options,
        Method::POST => match action {
            Some(action) if action.eq_ignore_ascii_case("create") => Verb::Create,
            Some(action) => Verb::Action(action.to_owned()),
            None if protocol < Version::new(2, 1) => {
                return Err(Fault::malformed(
                    "No values provided for the request parameter '_action'",
                ));
            }
            None => Verb::Create,
        },
        _ => Verb::Read,
    })
}

/// Whether a content type is given; another than those that are read is refused.
fn check_content_type(
    method: &Method,
    headers: &HeaderMap,
    fidelity: Fidelity,
) -> Result<bool, Failure> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(false);
    };
    let text = value.to_str().unwrap_or_default();
    let (media, parameters) = text.split_once(';').unwrap_or((text, ""));
    let charset = parameters.trim().to_ascii_lowercase();
    let plain = matches!(charset.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"");
    let is_json = media.trim().eq_ignore_ascii_case("application/json");
    if *method == Method::GET || (is_json && plain) {
        return Ok(true);
    }
    let message = format!(
        "The request could not be processed because it specified the content-type '{text}' when \
         only the content-type 'application/json' and 'multipart/form-data' are supported"
    );
    Err(Fault::new(fidelity::media_type(fidelity), message).into())
}

fn check_dates(headers: &HeaderMap) -> Result<(), Fault> {
    for (name, shown) in [
        (header::IF_MODIFIED_SINCE, "If-Modified-Since"),
        (header::IF_UNMODIFIED_SINCE, "If-Unmodified-Since"),
    ] {
        if headers.contains_key(name) {
            let message = format!("Header {shown} not supported");
            return Err(Fault::new(Outcome::Overtaken, message));
        }
    }
    Ok(())
}

/// The conditional header fields, quotes taken off.
struct Conditions {
    matching: Option<String>,
    none_match: Option<String>,
}

impl Conditions {
    fn of(headers: &HeaderMap) -> Self {
        Self {
            matching: tag(headers, &header::IF_MATCH),
            none_match: tag(headers, &header::IF_NONE_MATCH),
        }
    }

    /// Refuses those that have no place with the verb.
    fn check(&self, verb: &Verb) -> Result<(), Fault> {
        let refuse = |message: &str| Err(Fault::precondition(message));
        let (matching, none_match) = (&self.matching, &self.none_match);
        match (verb, matching, none_match.as_deref()) {
            (Verb::Read | Verb::Query, Some(_), _) => {
                refuse("If-Match not supported for GET requests")
            }
            (Verb::Read, None, Some("*")) => {
                refuse("If-None-Match * not appropriate for GET requests")
            }
            (Verb::Query, None, Some(_)) => refuse("If-None-Match not supported for GET requests"),
            (Verb::Create | Verb::Action(_), _, Some(_)) => {
                refuse("If-None-Match not supported for POST requests")
            }
            (Verb::Create | Verb::Action(_), Some(_), None) => {
                refuse("If-Match not supported for POST requests")
            }
            (Verb::CreateAs, Some(_), _) => refuse(
                "Simultaneous use of If-Match and If-None-Match not supported for PUT requests",
            ),
            (Verb::Patch, _, Some(_)) => {
                refuse("Use of If-None-Match not supported for PATCH requests")
            }
            (Verb::Delete, _, Some(_)) => refuse("If-None-Match not supported for DELETE requests"),
            _ => Ok(()),
        }
    }
}

/// One pair of quotes is taken off; there are no lists, and no weak tags.
fn tag(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let text = headers.get(name)?.to_str().unwrap_or_default();
    let inner = text.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    Some(inner.unwrap_or(text).to_owned())
}

fn parsed(bytes: &[u8]) -> Result<Value, Fault> {
    if bytes.trim_ascii().is_empty() {
        return Err(Fault::malformed(
            "The request could not be processed because it did not contain any JSON content",
        ));
    }
    json::parse(bytes, &json::Limits::default()).map_err(|invalid| {
        if serde_json::Deserializer::from_slice(bytes)
            .into_iter::<Value>()
            .next()
            .is_some_and(|first| first.is_ok())
            && invalid.detail.contains("trailing characters")
        {
            return Fault::malformed(
                "The request could not be processed because there is trailing data after the \
                 JSON content",
            );
        }
        Fault::malformed(
            "The request could not be processed because the provided content is not valid JSON",
        )
        .with_detail(Value::from(invalid.detail))
    })
}

fn check_shape(verb: &Verb, body: &Value) -> Result<(), Fault> {
    let is_whole = matches!(
        verb,
        Verb::Create | Verb::CreateAs | Verb::Update | Verb::Upsert
    );
    if is_whole && !body.is_object() {
        return Err(Fault::malformed(
            "The request could not be processed because the JSON content is not a JSON object",
        ));
    }
    Ok(())
}
