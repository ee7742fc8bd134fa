//! What a handler is told of a request that may proceed.

use std::{collections::HashMap, sync::Arc, time::Duration};

use civitas_directory::{
    Caller, Directory, Expect, Outcome, Role, Scope, Tenant, Timestamp, Version,
};
use civitas_scim::json;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;

use super::{
    fault::{Failure, Fault},
    parameters::Parameters,
    status,
};
use crate::{letter::Desk, reply::Reply};

/// A request that may proceed.
pub(super) struct Call<'r> {
    pub(super) directory: &'r Arc<Directory>,
    /// What time it is.
    pub(super) clock: fn() -> Timestamp,
    /// How long a request may take.
    pub(super) request_timeout: Duration,
    pub(super) tenant: &'r Tenant,
    pub(super) scope: Scope,
    pub(super) caller: Caller,
    /// Scheme and authority of URLs that are issued.
    pub(super) origin: String,
    pub(super) method: &'r Method,
    pub(super) headers: &'r HeaderMap,
    pub(super) parameters: Parameters,
    /// Empty where there is none.
    pub(super) body: bytes::Bytes,
    /// The identifier of what is created, where it is known before.
    pub(super) new_id: Option<String>,
}

impl Call<'_> {
    pub(super) fn directory(&self) -> &Directory {
        self.directory
    }

    /// Whether a user changes itself, with no role to change others.
    pub(super) fn is_self_service(&self) -> bool {
        self.caller.user.is_some() && !self.caller.roles.allow(Role::Write)
    }

    /// The body, an object of JSON.
    pub(super) fn object(&self) -> Result<Value, Fault> {
        let parsed = json::parse(&self.body, &json::Limits::default());
        match parsed {
            Ok(body @ Value::Object(_)) => Ok(body),
            Ok(_) => Err(Fault::payload("The request body is not a JSON object.")),
            Err(_) => Err(Fault::payload("The request body is not valid JSON.")),
        }
    }

    /// What a write requires of the resource. Tags are taken bare, in quotes and as weak ones.
    pub(super) fn expect(&self) -> Expect {
        let fields = self.headers.get_all(header::IF_MATCH).iter();
        let fields: Vec<&str> = fields.filter_map(|it| it.to_str().ok()).collect();
        let tags = fields.iter().flat_map(|it| it.split(',')).map(str::trim);
        let tags: Vec<&str> = tags.filter(|it| !it.is_empty()).collect();
        let stated = match tags.as_slice() {
            [] => Expect::Any,
            tags if tags.contains(&"*") => Expect::Exists,
            tags => Expect::Match(tags.iter().map(|it| untagged(it)).collect()),
        };
        self.scope.required(stated)
    }

    /// Where letters are written.
    pub(super) fn desk(&self) -> Desk<'_> {
        Desk {
            directory: self.directory(),
            tenant: self.tenant,
            scope: &self.scope,
            origin: &self.origin,
        }
    }

    /// The URL of something below the base.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/admin/v1/{path}", self.origin)
    }

    /// A value as an answer.
    pub(super) fn answer(outcome: Outcome, value: &Value) -> Reply {
        Reply::new(status::of(outcome), status::JSON, value.to_string())
    }

    /// Who made the states of resources, as far as the log still tells.
    pub(super) async fn authors(
        &self,
        versions: impl Iterator<Item = Version>,
    ) -> Result<HashMap<Version, String>, Failure> {
        let mut authors = HashMap::new();
        for version in versions {
            let author = self.directory().author(&self.scope, version).await?;
            authors.extend(author.map(|it| (version, it)));
        }
        Ok(authors)
    }
}

/// The version of a resource as the service shows it.
pub(super) fn tag(version: Version) -> String {
    format!("{:032x}", version.0)
}

/// The version that a tag names, as the directory writes it.
fn untagged(tag: &str) -> String {
    let bare = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
    match i64::from_str_radix(bare, 16) {
        Ok(number) if tag_is_whole(bare) => number.to_string(),
        // No version is written so.
        _ => "-".to_owned(),
    }
}

fn tag_is_whole(bare: &str) -> bool {
    bare.len() == 32 && bare.bytes().all(|it| it.is_ascii_hexdigit())
}

/// The answer with the version of what it shows.
pub(super) fn tagged(mut reply: Reply, version: Version) -> Reply {
    if let Ok(tag) = HeaderValue::try_from(tag(version)) {
        reply.headers.insert(header::ETAG, tag);
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_name_versions() {
        let bare = tag(Version(26));
        assert_eq!(bare, "0000000000000000000000000000001a");
        for written in [bare.clone(), format!("\"{bare}\""), format!("W/\"{bare}\"")] {
            assert_eq!(untagged(&written), "26", "{written}");
        }
        for written in ["1a", "x", "", "-0000000000000000000000000000001"] {
            assert_eq!(untagged(written), "-", "{written}");
        }
    }
}
