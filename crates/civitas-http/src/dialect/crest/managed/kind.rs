//! The types of managed objects, and the collections that their names stand for.

use std::borrow::Cow;

use civitas_directory::Catalogue;
use civitas_scim::schema::ResourceType;
use serde_json::Value;

use super::{
    group,
    property::{Property, custom},
    user,
};

/// A type of managed objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
}

/// A collection of managed objects, as a tenant has it.
pub(super) struct Collection<'c> {
    /// As in paths: `alpha_user`.
    pub(super) name: &'c str,
    pub(super) kind: Kind,
    pub(super) resource_type: &'c ResourceType,
    /// What administrators have added.
    custom: Vec<Property>,
}

impl Kind {
    /// The resource type in which such objects are kept.
    pub(super) const fn resource_type(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The schemas of the extensions in which the rest of their properties is kept.
    pub(super) fn schemas(self) -> Vec<Value> {
        match self {
            Self::User => user::schemas().into(),
            Self::Group => group::schemas().into(),
        }
    }

    fn properties(self) -> &'static [Property] {
        match self {
            Self::User => user::properties(),
            Self::Group => group::properties(),
        }
    }

    /// The schema to which administrators add properties.
    pub(super) const fn own_schema(self) -> &'static str {
        match self {
            Self::User => user::OWN,
            Self::Group => group::OWN,
        }
    }
}

impl<'c> Collection<'c> {
    /// The collection of that name; `None` if there is none.
    pub(super) fn named(name: &'c str, catalogue: &'c Catalogue) -> Option<Self> {
        let kind = match name {
            "alpha_user" => Kind::User,
            "alpha_group" => Kind::Group,
            _ => return None,
        };
        let resource_type = catalogue.resource_type(kind.resource_type())?;
        let own = resource_type.extension(kind.own_schema());
        let added = own.into_iter().flat_map(|it| &it.schema.attributes);
        let added = added.filter(|it| it.name.starts_with("custom_"));
        let custom = added.map(|it| custom(kind.own_schema(), it)).collect();
        Some(Self {
            name,
            kind,
            resource_type,
            custom,
        })
    }

    /// All properties, in the order of the schema.
    pub(super) fn properties(&self) -> impl Iterator<Item = &Property> {
        self.kind.properties().iter().chain(&self.custom)
    }

    /// The property of that name.
    pub(super) fn property(&self, name: &str) -> Option<&Property> {
        self.properties().find(|it| it.name == name)
    }

    /// Whether the extensions are in force.
    pub(super) fn is_equipped(&self) -> bool {
        self.resource_type
            .extension(self.kind.own_schema())
            .is_some()
    }

    /// How the store of the service names an object, as its messages do.
    pub(super) fn entry(&self, id: &str) -> String {
        let realm = self.name.split('_').next().unwrap_or_default();
        match self.kind {
            Kind::User => format!("fr-idm-uuid={id},ou=user,o={realm},o=root,ou=identities"),
            Kind::Group => format!("cn={id},ou=groups,o={realm},o=root,ou=identities"),
        }
    }
}

/// The identifier as it is kept: letters of both cases are equal.
pub(super) fn folded(id: &str) -> Cow<'_, str> {
    if id.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(id.to_ascii_lowercase())
    } else {
        Cow::Borrowed(id)
    }
}
