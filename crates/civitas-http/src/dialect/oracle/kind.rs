//! The types of resources that are served, and where a tenant keeps what they have beyond SCIM.

use std::sync::LazyLock;

use civitas_directory::Catalogue;
use civitas_scim::schema::{self, Extension, ResourceType, Uniqueness};
use serde_json::{Value, json};

use super::{
    attribute,
    schema::{COMMON, GROUP, Schema, USER},
};
use crate::attribute::Attribute;

/// A type of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
}

static USER_VIEW: LazyLock<ResourceType> = LazyLock::new(|| view(Kind::User));
static GROUP_VIEW: LazyLock<ResourceType> = LazyLock::new(|| view(Kind::Group));

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::User, Self::Group];

    /// The type at an endpoint, such as `Users`.
    pub(super) fn at(endpoint: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.endpoint() == endpoint)
    }

    /// The name, which is that of the resource type that keeps it, too.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The collection in paths.
    pub(super) const fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }

    /// The base schema, then the extensions.
    pub(super) const fn schemas(self) -> &'static [Schema] {
        match self {
            Self::User => USER,
            Self::Group => GROUP,
        }
    }

    /// The extension that keeps what the service has in the base schema and SCIM has not.
    pub(super) const fn own(self) -> &'static str {
        match self {
            Self::User => "urn:ietf:params:scim:schemas:extension:oracle:2.0:User",
            Self::Group => "urn:ietf:params:scim:schemas:extension:oracle:2.0:Group",
        }
    }

    /// Attributes of the base schema that the own extension keeps under the same name.
    pub(super) const fn moved(self) -> &'static [&'static str] {
        match self {
            Self::User => &["description", "tags"],
            Self::Group => &["nonUniqueDisplayName", "tags"],
        }
    }

    /// The resource as the service shows it, by whose rules requests are read.
    pub(super) fn view(self) -> &'static ResourceType {
        match self {
            Self::User => &USER_VIEW,
            Self::Group => &GROUP_VIEW,
        }
    }

    /// The definition of an attribute, of an extension if its URI is given.
    pub(super) fn attribute(
        self,
        extension: Option<&str>,
        name: &str,
    ) -> Option<&'static Attribute> {
        match extension {
            None => {
                let mut common = COMMON.iter();
                let common = common.find(|it| it.name.eq_ignore_ascii_case(name));
                common.or_else(|| self.schemas().first()?.attribute(name))
            }
            Some(uri) => self.extension(uri)?.attribute(name),
        }
    }

    /// The extension with that URI, compared without case.
    pub(super) fn extension(self, uri: &str) -> Option<&'static Schema> {
        let mut extensions = self.schemas().iter().skip(1);
        extensions.find(|it| it.uri.eq_ignore_ascii_case(uri))
    }

    /// The attributes that no extension holds.
    pub(super) fn base(self) -> impl Iterator<Item = &'static Attribute> {
        let own = self.schemas().first().map_or(&[][..], |it| it.attributes);
        COMMON.iter().chain(own)
    }

    /// The extensions by which a tenant keeps such resources, as far as it lacks them.
    pub(super) fn lacking(self, catalogue: &Catalogue) -> Vec<(&'static str, Value)> {
        let known = catalogue.resource_type(self.name());
        let lacks = |uri: &str| known.is_none_or(|it| it.extension(uri).is_none());
        let extensions = self.schemas().iter().skip(1);
        let adopted = extensions.filter(|it| it.uri != schema::urn::ENTERPRISE_USER);
        let adopted = adopted.filter_map(|it| Some((it.uri, it.kept()?)));
        let own = (self.own(), self.own_schema());
        adopted
            .chain([own])
            .filter(|(uri, _)| lacks(uri))
            .map(|(_, schema)| (self.name(), schema))
            .collect()
    }

    fn own_schema(self) -> Value {
        let text = |name: &str| json!({ "name": name, "type": "string" });
        let exact = |name: &str| json!({ "name": name, "type": "string", "caseExact": true });
        let flag = |name: &str| json!({ "name": name, "type": "boolean" });
        let tags = json!({
            "name": "tags",
            "type": "complex",
            "multiValued": true,
            "subAttributes": [text("key"), text("value")],
        });
        let created_by = json!({
            "name": "createdBy",
            "type": "complex",
            "mutability": "immutable",
            "subAttributes": [exact("value"), text("type")],
        });
        let attributes = match self {
            Self::User => json!([
                text("description"),
                tags,
                created_by,
                {
                    "name": "emailFlags",
                    "type": "complex",
                    "multiValued": true,
                    "subAttributes": [text("value"), text("type"), flag("secondary"), flag("verified")],
                },
            ]),
            Self::Group => json!([text("nonUniqueDisplayName"), tags, created_by]),
        };
        json!({
            "schemas": [schema::urn::SCHEMA],
            "id": self.own(),
            "name": self.name(),
            "attributes": attributes,
        })
    }

    /// The type that keeps such resources, with what the tenant lacks of it, and with the names
    /// that no two resources share.
    pub(super) fn kept(self, catalogue: &Catalogue) -> Option<ResourceType> {
        let mut kept = catalogue.resource_type(self.name())?.clone();
        for (_, body) in self.lacking(catalogue) {
            // Definitions of this dialect: a test reads them all.
            if let Ok(schema) = civitas_scim::definition::read_schema(&body) {
                let required = false;
                kept.extensions.push(Extension { schema, required });
            }
        }
        if let (Self::Group, Some(name)) = (self, kept.attribute_mut("displayName")) {
            name.uniqueness = Uniqueness::Server;
        }
        Some(kept)
    }
}

fn view(kind: Kind) -> ResourceType {
    let mut schemas = kind.schemas().iter().map(|it| schema::Schema {
        id: it.uri.to_owned(),
        name: it.name.to_owned(),
        description: String::new(),
        attributes: it.attributes.iter().map(attribute::scim).collect(),
    });
    let base = schemas.next().unwrap_or_else(|| schema::Schema {
        id: String::new(),
        name: String::new(),
        description: String::new(),
        attributes: Vec::new(),
    });
    let extension = |schema| Extension {
        schema,
        required: false,
    };
    ResourceType {
        name: kind.name().to_owned(),
        endpoint: format!("/{}", kind.endpoint()),
        description: String::new(),
        schema: base,
        extensions: schemas.map(extension).collect(),
        common: COMMON.iter().map(attribute::scim).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_can_be_adopted() {
        let catalogue = Catalogue::standard();
        for kind in Kind::ALL {
            let lacking = kind.lacking(&catalogue);
            assert!(lacking.len() > 5, "{kind:?}");
            for (_, body) in &lacking {
                let read = civitas_scim::definition::read_schema(body);
                assert!(read.is_ok(), "{read:?} {body}");
            }
            let kept = kind.kept(&catalogue).unwrap();
            assert!(kept.extensions.len() >= lacking.len());
        }
    }
}
