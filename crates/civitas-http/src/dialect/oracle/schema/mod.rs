//! The schemas of resources, as tables: what an attribute is, who may set it, whether it
//! is shown and searched. A row is all that an attribute needs.

mod common;
pub(super) mod credential;
mod group;
mod user;

use serde_json::{Value, json};

use crate::attribute::Attribute;

pub(super) use common::COMMON;
pub(super) use group::SCHEMAS as GROUP;
pub(super) use user::SCHEMAS as USER;

/// What the URIs of extensions begin with.
macro_rules! extension {
    ($name:literal) => {
        concat!("urn:ietf:params:scim:schemas:oracle:idcs:extension:", $name)
    };
}
pub(super) use extension;

/// Whether a user may be used, and how often somebody failed to.
pub(super) const USER_STATE: &str = extension!("userState:User");
/// What the service knows of a user.
pub(super) const USER_EXTENSION: &str = extension!("user:User");
/// Which credentials a user may have.
pub(super) const CAPABILITIES: &str = extension!("capabilities:User");
/// By which callers say that they mean to change themselves.
pub(super) const SELF_CHANGE: &str = extension!("selfChange:User");
/// What the service knows of a group.
pub(super) const GROUP_EXTENSION: &str = extension!("group:Group");
/// Where the members of a group come from.
pub(super) const DYNAMIC_GROUP: &str = extension!("dynamic:Group");

/// A schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema {
    pub(super) uri: &'static str,
    pub(super) name: &'static str,
    pub(super) attributes: &'static [Attribute],
}

impl Schema {
    /// The attribute of that name, compared without case.
    pub(super) fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes
            .iter()
            .find(|it| it.name.eq_ignore_ascii_case(name))
    }

    /// The definition by which a tenant keeps the extension; `None` if there is nothing to keep.
    pub(super) fn kept(&self) -> Option<Value> {
        let kept = self.attributes.iter().filter(|it| it.is_kept());
        let kept: Vec<Value> = kept.map(Attribute::kept).collect();
        (!kept.is_empty()).then(|| {
            json!({
                "schemas": [civitas_scim::schema::urn::SCHEMA],
                "id": self.uri,
                "name": self.name,
                "attributes": kept,
            })
        })
    }
}
