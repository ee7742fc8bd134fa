//! Resources as a store keeps and returns them.

use std::fmt;

use civitas_scim::Attributes;
use serde_json::{Value, json};

use crate::store::Position;

/// An instant in milliseconds since 1970 (UTC).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The second that the instant lies in: dates of HTTP know no fractions.
    #[must_use]
    pub const fn second(self) -> Self {
        Self(self.0 - self.0.rem_euclid(1_000))
    }
}

impl Timestamp {
    /// Reads `2026-01-02T03:04:05.678Z` (RFC 3339), of whatever offset.
    pub fn parse(text: &str) -> Option<Self> {
        let instant: jiff::Timestamp = text.parse().ok()?;
        Some(Self(instant.as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    /// `2026-01-02T03:04:05.678Z` (RFC 7643 §2.3.5).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant:.3}"),
            Err(_) => f.write_str("1970-01-01T00:00:00.000Z"),
        }
    }
}

/// State of a resource: the number, in its partition, of the event that made it, so no two
/// states of a tenant's resources share one. A reset takes numbers back together with the
/// states. Opaque to clients.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Version(pub i64);

impl Version {
    /// Whether the opaque part of an entity tag (no quotes, no `W/`) names this state.
    pub fn is_tagged(self, tag: &str) -> bool {
        tag == self.0.to_string()
    }
}

impl fmt::Display for Version {
    /// The entity tag, weak because it names the state and not the bytes: `W/"7"`
    /// (RFC 7644 §3.14).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "W/\"{}\"", self.0)
    }
}

/// A stored resource: the spine that rules and stores look at, and the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Name of the resource type (`User`, `Group`).
    pub resource_type: String,
    /// The resource's `id`.
    pub id: String,
    /// Its place in creation order among those of its type, which is never another's.
    pub position: Position,
    /// The state.
    pub version: Version,
    /// `meta.created`.
    pub created: Timestamp,
    /// `meta.lastModified`.
    pub modified: Timestamp,
    /// JSON object: `schemas`, `id` and all attributes but `meta`, secrets, and what is
    /// derived from membership (`User.groups`, `Group.members`).
    pub document: String,
}

/// A group that a user belongs to (`User.groups`, RFC 7643 §4.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRef {
    /// The group's `id`.
    pub id: String,
    /// The group's `displayName`.
    pub display: String,
    /// Own membership, not by way of a nested group.
    pub direct: bool,
}

/// A member of a group (`Group.members`, RFC 7643 §4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRef {
    /// The member's `id`.
    pub id: String,
    /// The member's resource type (`User`, `Group`).
    pub resource_type: String,
    /// The member's `displayName`, else what the client called it when it was added; empty if
    /// neither is known.
    pub display: String,
}

/// A record with what was asked to be read beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The resource.
    pub record: Record,
    /// Groups of a user, direct ones first, each once; `None` when not asked for.
    pub groups: Option<Vec<GroupRef>>,
    /// Members of a group, those of one type in creation order; `None` when not asked for.
    /// One more than the asked limit says that there are more.
    pub members: Option<Vec<MemberRef>>,
}

impl Record {
    /// The document's attributes. A document that is no JSON object reads as empty: what was
    /// committed was one, so that only a damaged store can show this (`verify` finds it).
    pub fn attributes(&self) -> Attributes {
        serde_json::from_str(&self.document).unwrap_or_default()
    }

    /// Whether a user is one that may act: `active` is not false (RFC 7643 §4.1.1).
    pub fn is_active(&self) -> bool {
        self.attributes().get("active") != Some(&Value::Bool(false))
    }

    /// The `meta` attribute but for `location`, which only the surface knows (RFC 7643 §3.1).
    pub fn meta(&self) -> Attributes {
        let mut meta = Attributes::with_capacity(5);
        meta.insert(
            "resourceType".into(),
            Value::from(self.resource_type.as_str()),
        );
        meta.insert("created".into(), Value::from(self.created.to_string()));
        meta.insert(
            "lastModified".into(),
            Value::from(self.modified.to_string()),
        );
        meta.insert("version".into(), Value::from(self.version.to_string()));
        meta
    }
}

impl Found {
    /// The whole resource as filters see it: document, `groups` or `members` as far as they
    /// were read, and `meta` without `location`.
    pub fn resource(&self) -> Attributes {
        let mut resource = self.record.attributes();
        if let Some(groups) = self.groups.as_deref().filter(|groups| !groups.is_empty()) {
            resource.insert(
                "groups".into(),
                groups.iter().map(GroupRef::to_value).collect(),
            );
        }
        if let Some(members) = self
            .members
            .as_deref()
            .filter(|members| !members.is_empty())
        {
            resource.insert(
                "members".into(),
                members.iter().map(MemberRef::to_value).collect(),
            );
        }
        resource.insert("meta".into(), Value::Object(self.record.meta()));
        resource
    }
}

impl GroupRef {
    /// The element of `User.groups`, without `$ref`.
    pub fn to_value(&self) -> Value {
        let kind = if self.direct { "direct" } else { "indirect" };
        json!({ "value": self.id, "display": self.display, "type": kind })
    }
}

impl MemberRef {
    /// The element of `Group.members`, without `$ref`.
    pub fn to_value(&self) -> Value {
        let mut element = json!({ "value": self.id, "type": self.resource_type });
        if !self.display.is_empty() {
            element["display"] = Value::from(self.display.as_str());
        }
        element
    }
}
