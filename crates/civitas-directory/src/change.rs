//! Writes as values: what a store commits, whole or not at all.

use civitas_scim::{Attributes, index::IndexEntry};
use serde_json::Value;

use crate::{
    credential::{CredentialChange, Verdict},
    link::LinkChange,
    mail::Mail,
    record::{Timestamp, Version},
    store::Position,
};

/// Changes that commit together or not at all, with their circumstances.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeSet {
    /// `meta.lastModified` of what changes; `meta.created` of what is new.
    pub at: Timestamp,
    /// The catalogue that the changes were computed by. Guard: it is the one in force.
    pub catalogue: Version,
    /// Who acts.
    pub actor: String,
    /// The request that asked.
    pub request_id: String,
    /// The changes in order. Those on one resource make one new version of it.
    pub changes: Vec<Change>,
}

/// One guarded change of one resource.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Guard: no resource has the id; no other resource of the type has a unique value.
    Create(Create),
    /// Guard: the version is the one read; no other resource has a unique value.
    Replace(Replace),
    /// Guard: the version is the one read. The resource leaves every group, and each of
    /// these groups gets a new version; a group takes its memberships with it.
    Delete(Delete),
    /// Guard: the group exists (and has the version, where one is given); every added member
    /// exists and is of the claimed type; no group comes to contain itself. Membership that
    /// is already as asked is no change: when nothing changes there is no new version.
    Members(Members),
    /// Guard: the resource exists (and has the version, where one is given). It gets a new
    /// version: something that is kept beside it changes.
    Touch(Touch),
    /// Guard: the resource exists. Its credential changes, which gives it no version and is no
    /// event: where that is wanted, it is touched too.
    Credential(Proof),
    /// Changes nothing, and takes as long as counting a wrong password does, so that nobody can
    /// tell by the time of an answer whether there is a user.
    Feint,
    /// A mail waits to be sent. It is no event.
    Mail(Mail),
    /// A link is issued, or redeemed, which is no event. Guard: one that is redeemed is there
    /// and has not expired.
    Link(LinkChange),
}

/// A change of what a user proves itself by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// `id` of the resource, of whatever type.
    pub id: String,
    /// What becomes of its credential.
    pub change: CredentialChange,
}

/// A value that no other resource of the type may hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Unique {
    /// Canonical path (`userName`).
    pub path: String,
    /// The prepared value, as in the index.
    pub key: civitas_scim::value::Key,
}

/// A new resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Create {
    /// Name of the resource type.
    pub resource_type: String,
    /// Its `id`.
    pub id: String,
    /// See [`crate::Record::document`].
    pub document: String,
    /// Its `displayName`, shown where it is referred to; empty if it has none.
    pub display: String,
    /// Values to index.
    pub index: Vec<IndexEntry>,
    /// Values that must be free.
    pub unique: Vec<Unique>,
}

/// A new state of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Replace {
    /// Name of the resource type.
    pub resource_type: String,
    /// Its `id`.
    pub id: String,
    /// The version that was read.
    pub expect: Version,
    /// See [`crate::Record::document`].
    pub document: String,
    /// Its `displayName`, shown where it is referred to; empty if it has none.
    pub display: String,
    /// Index entries that the new state no longer has.
    pub index_removed: Vec<IndexEntry>,
    /// Index entries that the old state did not have.
    pub index_added: Vec<IndexEntry>,
    /// Unique values that the old state did not have and that must be free.
    pub unique: Vec<Unique>,
    /// What differs, for those who follow the changes.
    pub difference: Difference,
}

/// What a new state of a resource has that the old one had not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Whether the whole resource was given (RFC 7644 §3.5.1), not a modification.
    pub whole: bool,
    /// The attributes whose values differ, by name, those of extensions by path
    /// (RFC 7644 §3.10). A password that was set or cleared is named, never shown.
    pub attributes: Vec<String>,
    /// The value of `active`, where it differs.
    pub active: Option<bool>,
}

impl Difference {
    /// What differs between two states of a resource; `password` says whether one was given.
    pub fn between(before: &Attributes, after: &Attributes, password: bool) -> Self {
        let mut attributes = Vec::new();
        differing(before, after, |name, old, new| match (old, new) {
            (Some(Value::Object(old)), Some(Value::Object(new))) if is_extension(name) => {
                differing(old, new, |within, _, _| {
                    attributes.push(format!("{name}:{within}"));
                });
            }
            (Some(Value::Object(container)), None) | (None, Some(Value::Object(container)))
                if is_extension(name) =>
            {
                attributes.extend(container.keys().map(|within| format!("{name}:{within}")));
            }
            _ => attributes.push(name.to_owned()),
        });
        if password {
            attributes.push("password".into());
        }
        let active = after.get("active").and_then(Value::as_bool);
        Self {
            whole: false,
            active: active.filter(|_| attributes.iter().any(|name| name == "active")),
            attributes,
        }
    }
}

/// Attributes of extensions stand in an object under the URI of their schema (RFC 7643 §3.3).
fn is_extension(name: &str) -> bool {
    name.starts_with("urn:")
}

/// Tells the names whose values differ, with both values.
fn differing(
    before: &Attributes,
    after: &Attributes,
    mut tell: impl FnMut(&str, Option<&Value>, Option<&Value>),
) {
    for (name, old) in before {
        let new = after.get(name);
        if new != Some(old) {
            tell(name, Some(old), new);
        }
    }
    for (name, new) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        tell(name, None, Some(new));
    }
}

/// The end of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Delete {
    /// Name of the resource type.
    pub resource_type: String,
    /// Its `id`.
    pub id: String,
    /// The version that was read.
    pub expect: Version,
    /// The index entries it had.
    pub index: Vec<IndexEntry>,
}

/// A new version of a resource of which nothing changes that it holds itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// Name of the resource type.
    pub resource_type: String,
    /// Its `id`.
    pub id: String,
    /// The version that was read, where the change depends on what was read. Changes that
    /// commute name none.
    pub expect: Option<Version>,
}

/// A change of a group's members: first `clear`, then `remove`, then `add`. What stands in
/// `add` is kept by `clear`, so that a whole list can be set by its difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Members {
    /// `id` of the group.
    pub group: String,
    /// The version that was read, where the change depends on what was read. Changes that
    /// commute name none.
    pub expect: Option<Version>,
    /// Remove every member that is not in `add`.
    pub clear: bool,
    /// `id`s to remove; an `id` that is no member is no error.
    pub remove: Vec<String>,
    /// Members to add; one that is a member already is no error.
    pub add: Vec<NewMember>,
}

/// A member to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMember {
    /// `id` of a user or group of the partition.
    pub id: String,
    /// The resource type the client named, checked against the member's.
    pub claimed_type: Option<String>,
    /// What the client shows it as. Kept with the membership, and seen while the member has
    /// no `displayName` of its own.
    pub display: Option<String>,
}

/// What a commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Where the resource of the first change stands; see [`crate::Record::position`].
    pub position: Position,
    /// The version of the resource of the first change, new or (nothing changed) as it was.
    pub version: Version,
    /// `meta.lastModified` of that resource after the commit.
    pub modified: Timestamp,
    /// Whether anything changed that has a version.
    pub changed: bool,
    /// What came of what was shown, of the last change that says so.
    pub verdict: Option<Verdict>,
}

/// Why a change set was not committed. Nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The resource to change is not there.
    #[error("no resource {id}")]
    Missing {
        /// Its `id`.
        id: String,
    },
    /// The resource has another version than the one read.
    #[error("{id} has changed since it was read")]
    Stale {
        /// Its `id`.
        id: String,
    },
    /// The catalogue has changed since the change set was computed.
    #[error("the schemas have changed")]
    Outdated,
    /// The id of a new resource is in use.
    #[error("id {id} is in use")]
    Exists {
        /// The `id`.
        id: String,
    },
    /// Another resource has the unique value.
    #[error("the value of {path} is taken")]
    Taken {
        /// Canonical path.
        path: String,
    },
    /// A member to add does not exist.
    #[error("no resource {id} to be a member")]
    NoSuchMember {
        /// The `id`.
        id: String,
    },
    /// A member to add is of another type than claimed.
    #[error("member {id} is a {actual}")]
    MemberType {
        /// The `id`.
        id: String,
        /// Its resource type.
        actual: String,
    },
    /// The group would come to contain itself.
    #[error("group {id} would contain itself")]
    Cycle {
        /// The group that was to be added.
        id: String,
    },
    /// A link to redeem is gone or has expired.
    #[error("the link is no longer good")]
    Spent,
    /// As many mails as may be were sent to the user lately.
    #[error("the user was sent as many mails as it may be for now")]
    TooManyMails,
    /// The partition was reset since the change set was computed.
    #[error("the tenant was reset meanwhile")]
    Reset,
    /// The queue of writes is full.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The store cannot commit now (disk, corruption, connection). The text is for the log.
    #[error("the store failed: {0}")]
    Unavailable(String),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_names_attributes_by_path() {
        let object = |value: Value| value.as_object().cloned().unwrap();
        let before = object(json!({
            "userName": "a", "title": "t", "active": true,
            "urn:x": { "a": 1, "b": 2 }, "urn:y": { "c": 3 },
        }));
        let after = object(json!({
            "userName": "a", "active": false, "emails": [],
            "urn:x": { "a": 1, "b": 3 }, "urn:z": { "d": 4 },
        }));
        let difference = Difference::between(&before, &after, true);
        let mut names = difference.attributes.clone();
        names.sort();
        assert_eq!(
            names,
            [
                "active", "emails", "password", "title", "urn:x:b", "urn:y:c", "urn:z:d"
            ]
        );
        assert_eq!(difference.active, Some(false));
        let none = Difference::between(&after, &after, false);
        assert_eq!(none, Difference::default());
    }
}
