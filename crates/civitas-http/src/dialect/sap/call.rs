//! What a handler is told of a request that may proceed.

use civitas_directory::{Caller, Directory, Expect, Outcome, Role, Scope, Tenant};
use civitas_scim::json;
use http::{HeaderMap, Method, header};
use serde_json::Value;

use super::{fault::Fault, media, status};
use crate::{
    app::Surface,
    door::Arrival,
    form::{self, Pairs},
    letter::Desk,
    refusal::Refusal,
    reply::Reply,
};

/// A request that may proceed.
pub(super) struct Call<'r> {
    pub(super) app: &'r Surface,
    pub(super) tenant: &'r Tenant,
    pub(super) scope: Scope,
    pub(super) caller: Caller,
    /// Scheme and authority of URLs that are issued.
    pub(super) origin: String,
    pub(super) method: &'r Method,
    pub(super) headers: &'r HeaderMap,
    /// The query of the URL, decoded.
    pub(super) query: Pairs<'r>,
    /// Empty where there is none.
    pub(super) body: bytes::Bytes,
}

impl<'r> Call<'r> {
    /// Where letters are written.
    pub(super) fn desk(&self) -> Desk<'_> {
        Desk {
            directory: self.directory(),
            tenant: self.tenant,
            scope: &self.scope,
            origin: &self.origin,
        }
    }

    /// The call of a request that may proceed, with its body and its query.
    pub(super) async fn begin(
        arrival: Arrival<'r>,
        tenant: &'r Tenant,
        caller: Caller,
        scope: Scope,
    ) -> Result<Self, Refusal> {
        let (parts, origin) = (arrival.parts, arrival.origin(tenant));
        let body = if media::has_body(&parts.headers) && media::takes_body(&parts.method) {
            arrival.body.read().await?
        } else {
            bytes::Bytes::new()
        };
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self {
            app: arrival.app,
            tenant,
            scope,
            caller,
            origin,
            method: &parts.method,
            headers: &parts.headers,
            query: form::pairs(query).ok_or(Refusal::MalformedQuery)?,
            body,
        })
    }

    pub(super) fn directory(&self) -> &Directory {
        &self.app.directory
    }

    /// Whether a user changes itself, with no role to change others.
    pub(super) fn is_self_service(&self) -> bool {
        self.caller.user.is_some() && !self.caller.roles.allow(Role::Write)
    }

    /// A parameter of the query, as it was given last.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.iter().rev();
        pairs.find(|(it, _)| it == name).map(|(_, value)| &**value)
    }

    /// The body, an object of JSON.
    pub(super) fn object(&self) -> Result<Value, Fault> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Err(Fault::value(NO_INPUT));
        }
        match json::parse(&self.body, &json::Limits::default()) {
            Ok(body @ Value::Object(_)) => Ok(body),
            Ok(Value::Null) => Err(Fault::value(NO_INPUT)),
            Ok(_) | Err(_) => Err(Fault::unreadable()),
        }
    }

    /// What a write requires of the resource: that it is there, of those that say so. Which state
    /// it is in is nothing that the service looks at.
    pub(super) fn expect(&self) -> Expect {
        let stated = if self.headers.contains_key(header::IF_MATCH) {
            Expect::Exists
        } else {
            Expect::Any
        };
        self.scope.required(stated)
    }

    /// The URL of something below `/scim`.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/scim/{path}", self.origin)
    }

    /// A value as an answer of SCIM.
    pub(super) fn answer(outcome: Outcome, value: &Value) -> Reply {
        Reply::new(status::of(outcome), status::SCIM_JSON, value.to_string())
    }
}

/// What is told of a body that is not there.
const NO_INPUT: &str = "One of the request inputs is not valid.";
