//! What a handler is told of a request that may proceed.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use civitas_directory::{Caller, Directory, Outcome, Role, Scope, Tenant, precondition::Expect};
use http::{HeaderValue, header};
use serde_json::{Map, Value};

use super::{
    fault::{Failure, Fault},
    kept::Shelf,
    request::Request,
    status,
    version::{CONTENT, Version},
};
use crate::{app::Surface, reply::Reply};

/// A request that may proceed.
pub(super) struct Call<'r> {
    pub(super) app: &'r Surface,
    pub(super) tenant: &'r Tenant,
    pub(super) scope: Scope,
    pub(super) caller: Caller,
    /// Scheme and authority of URLs that are issued.
    pub(super) origin: String,
    /// The path below `/openidm`, without a slash in front.
    pub(super) path: &'r str,
    /// The whole path.
    pub(super) whole_path: &'r str,
    pub(super) request: Request,
}

impl Call<'_> {
    pub(super) fn directory(&self) -> &Directory {
        &self.app.directory
    }

    /// Where documents of the tenant are kept.
    pub(super) fn shelf(&self) -> Shelf<'_> {
        Shelf {
            directory: &self.app.directory,
            scope: &self.scope,
        }
    }

    /// Whether a user changes itself, with no role to change others.
    pub(super) fn is_self_service(&self) -> bool {
        self.caller.user.is_some() && !self.caller.roles.allow(Role::Write)
    }

    /// What a write requires of the object.
    pub(super) fn expect(&self) -> Expect {
        let stated = match self.request.if_match.as_deref() {
            None => Expect::Any,
            Some("*") => Expect::Exists,
            Some(tag) => Expect::Match(vec![tag.to_owned()]),
        };
        self.scope.required(stated)
    }

    /// A value as an answer.
    pub(super) fn answer(&self, outcome: Outcome, value: &Value) -> Reply {
        self.json(outcome, value.to_string())
    }

    /// A text of JSON as an answer.
    pub(super) fn json(&self, outcome: Outcome, text: String) -> Reply {
        let text = if self.request.parameters.pretty {
            indented(&text).unwrap_or(text)
        } else {
            text
        };
        Reply::new(status::of(outcome), status::JSON, text.into_bytes())
    }

    /// An object as an answer, with its revision.
    pub(super) fn object(
        &self,
        outcome: Outcome,
        revision: &str,
        object: Map<String, Value>,
    ) -> Result<Reply, Failure> {
        self.written(outcome, revision, Value::Object(object).to_string())
    }

    /// The text of an object as an answer, with its revision.
    pub(super) fn written(
        &self,
        outcome: Outcome,
        revision: &str,
        object: String,
    ) -> Result<Reply, Failure> {
        let reply = match &self.request.parameters.mime_type {
            Some(media) => {
                let object = serde_json::from_str(&object).unwrap_or_default();
                self.field(media, &object)?
            }
            None => self.json(outcome, object),
        };
        Ok(tagged(reply, revision))
    }

    /// The one field that is asked for, as content of its own.
    fn field(&self, media: &str, object: &Map<String, Value>) -> Result<Reply, Failure> {
        let only = self.request.parameters.fields.only();
        let names = only.map(super::pointer::Pointer::names).unwrap_or_default();
        let first = names.split_first().and_then(|(first, rest)| {
            let value = object.get(first)?;
            rest.iter().try_fold(value, |value, name| value.get(name))
        });
        let value = first.filter(|it| !it.is_null());
        let value = value.ok_or_else(|| Fault::new(Outcome::NotFound, "Not Found"))?;
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let bytes = if media.eq_ignore_ascii_case("text/plain") {
            text.into_bytes()
        } else {
            let decoded = BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
            decoded.map_err(|_| Fault::invalid("The field is not base64url-encoded"))?
        };
        let media = HeaderValue::try_from(media).map_err(|_| Fault::invalid("Bad media type"))?;
        Ok(Reply::new(status::of(Outcome::Answered), media, bytes))
    }

    /// The answer with the versions that it was made in.
    pub(super) fn versioned(&self, reply: Reply, served: &[Version]) -> Reply {
        match self.request.asked.content(served) {
            Some(value) => reply.with(CONTENT, value),
            None => reply,
        }
    }
}

fn indented(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    serde_json::to_string_pretty(&value).ok()
}

/// The answer with the revision of what it shows.
pub(super) fn tagged(reply: Reply, revision: &str) -> Reply {
    match HeaderValue::try_from(format!("\"{revision}\"")) {
        Ok(tag) => reply.with(header::ETAG, tag),
        Err(_) => reply,
    }
}
