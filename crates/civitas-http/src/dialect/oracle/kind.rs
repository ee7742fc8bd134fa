//! The types of resources that are served, and where a tenant keeps what they have beyond SCIM.

use std::{borrow::Cow, sync::LazyLock};

use civitas_directory::Catalogue;
use civitas_scim::schema::{self, Extension, ResourceType, Uniqueness};
use serde_json::{Value, json};

use super::{
    attribute,
    schema::{COMMON, GROUP, Schema, USER, credential},
};
use crate::{attribute::Attribute, own_type};

/// A type of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Group,
    ApiKey,
    AuthToken,
    CustomerSecretKey,
    SmtpCredential,
    OAuth2ClientCredential,
}

static VIEWS: LazyLock<[ResourceType; Kind::ALL.len()]> = LazyLock::new(|| Kind::ALL.map(view));

impl Kind {
    /// In the order of their declaration.
    pub(super) const ALL: [Self; 7] = [
        Self::User,
        Self::Group,
        Self::ApiKey,
        Self::AuthToken,
        Self::CustomerSecretKey,
        Self::SmtpCredential,
        Self::OAuth2ClientCredential,
    ];

    /// Those that SCIM knows, too.
    pub(super) const DIRECTORY: [Self; 2] = [Self::User, Self::Group];

    /// The type at an endpoint, such as `Users`.
    pub(super) fn at(endpoint: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.endpoint() == endpoint)
    }

    /// The name, which is that of the resource type that keeps it, too.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::ApiKey => "ApiKey",
            Self::AuthToken => "AuthToken",
            Self::CustomerSecretKey => "CustomerSecretKey",
            Self::SmtpCredential => "SmtpCredential",
            Self::OAuth2ClientCredential => "OAuth2ClientCredential",
        }
    }

    /// The collection in paths.
    pub(super) const fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
            Self::ApiKey => "ApiKeys",
            Self::AuthToken => "AuthTokens",
            Self::CustomerSecretKey => "CustomerSecretKeys",
            Self::SmtpCredential => "SmtpCredentials",
            Self::OAuth2ClientCredential => "OAuth2ClientCredentials",
        }
    }

    /// The name and the collection by which it is seen, by callers who see what is their `own`, too.
    pub(super) fn seen_as(self, own: bool) -> (Cow<'static, str>, Cow<'static, str>) {
        let (name, endpoint) = (self.name(), self.endpoint());
        match self {
            _ if !own => (name.into(), endpoint.into()),
            Self::User => ("Me".into(), "Me".into()),
            _ => (format!("My{name}").into(), format!("My{endpoint}").into()),
        }
    }

    /// The base schema, then the extensions.
    pub(super) const fn schemas(self) -> &'static [Schema] {
        match self {
            Self::User => USER,
            Self::Group => GROUP,
            Self::ApiKey => credential::API_KEY,
            Self::AuthToken => credential::AUTH_TOKEN,
            Self::CustomerSecretKey => credential::CUSTOMER_SECRET_KEY,
            Self::SmtpCredential => credential::SMTP_CREDENTIAL,
            Self::OAuth2ClientCredential => credential::OAUTH2_CLIENT_CREDENTIAL,
        }
    }

    /// Whether it is something that a user proves itself by: it belongs to a user and ends with it.
    pub(super) const fn is_credential(self) -> bool {
        matches!(
            self,
            Self::ApiKey
                | Self::AuthToken
                | Self::CustomerSecretKey
                | Self::SmtpCredential
                | Self::OAuth2ClientCredential
        )
    }

    /// The extension that keeps what the service has in the base schema and SCIM has not; `None`
    /// of types that SCIM has not: their base schema keeps everything.
    pub(super) const fn own(self) -> Option<&'static str> {
        match self {
            Self::User => Some("urn:ietf:params:scim:schemas:extension:oracle:2.0:User"),
            Self::Group => Some("urn:ietf:params:scim:schemas:extension:oracle:2.0:Group"),
            _ => None,
        }
    }

    /// Attributes of the base schema that the own extension keeps under the same name.
    pub(super) const fn moved(self) -> &'static [&'static str] {
        match self {
            Self::User => &["description", "tags"],
            Self::Group => &["nonUniqueDisplayName", "tags"],
            _ => &[],
        }
    }

    /// The resource as the service shows it, by whose rules requests are read.
    pub(super) fn view(self) -> &'static ResourceType {
        &VIEWS[self as usize]
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
        let Some(own) = self.own() else {
            return Vec::new();
        };
        let known = catalogue.resource_type(self.name());
        let lacks = |uri: &str| known.is_none_or(|it| it.extension(uri).is_none());
        let extensions = self.schemas().iter().skip(1);
        let adopted = extensions.filter(|it| it.uri != schema::urn::ENTERPRISE_USER);
        let adopted = adopted.filter_map(|it| Some((it.uri, it.kept()?)));
        adopted
            .chain([(own, self.own_schema())])
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
            _ => json!([tags, created_by]),
        };
        json!({
            "schemas": [schema::urn::SCHEMA],
            "id": self.own().unwrap_or(self.schemas()[0].uri),
            "name": self.name(),
            "attributes": attributes,
        })
    }

    /// The type by which a tenant keeps such resources with its schema, if it lacks it.
    pub(super) fn lacking_type(self, catalogue: &Catalogue) -> Option<(Value, Value)> {
        let known = catalogue.resource_type(self.name());
        let is_own = self.own().is_none() && !known.is_some_and(|it| self.is(it));
        is_own.then(|| self.own_type())
    }

    /// Whether the type of a tenant is this one.
    fn is(self, known: &ResourceType) -> bool {
        known.schema.id.eq_ignore_ascii_case(self.schemas()[0].uri)
    }

    fn own_type(self) -> (Value, Value) {
        let base = self.schemas()[0];
        let (mut attributes, indexed) = credential::kept();
        let own = self.own_schema();
        attributes.extend(own["attributes"].as_array().cloned().unwrap_or_default());
        let kept = base.attributes.iter().filter(|it| it.is_kept());
        attributes.extend(kept.filter(|it| it.name != "user").map(Attribute::kept));
        own_type::definition(self.name(), base.uri, self.name(), &attributes, indexed)
    }

    /// The type that keeps such resources, with what the tenant lacks of it, and with the names
    /// that no two resources share.
    pub(super) fn kept(self, catalogue: &Catalogue) -> Option<ResourceType> {
        if self.own().is_none() {
            let known = catalogue.resource_type(self.name());
            return match known {
                Some(known) => self.is(known).then(|| known.clone()),
                None => self.unadopted(),
            };
        }
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

    /// The type that a tenant will have, of which there is nothing yet.
    fn unadopted(self) -> Option<ResourceType> {
        let (_, schema) = self.own_type();
        Some(ResourceType {
            name: self.name().to_owned(),
            endpoint: format!("/{}", self.endpoint()),
            description: String::new(),
            schema: civitas_scim::definition::read_schema(&schema).ok()?,
            extensions: Vec::new(),
            common: civitas_scim::core::common(),
        })
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
        for kind in Kind::DIRECTORY {
            let lacking = kind.lacking(&catalogue);
            assert!(lacking.len() > 5, "{kind:?}");
            for (_, body) in &lacking {
                let read = civitas_scim::definition::read_schema(body);
                assert!(read.is_ok(), "{read:?} {body}");
            }
            let kept = kind.kept(&catalogue).unwrap();
            assert!(kept.extensions.len() >= lacking.len());
        }
        for kind in Kind::ALL.iter().filter(|it| it.own().is_none()) {
            assert!(kind.lacking(&catalogue).is_empty());
            let (of, schema) = kind.lacking_type(&catalogue).unwrap();
            assert_eq!(of["name"], kind.name());
            let read = civitas_scim::definition::read_schema(&schema);
            assert!(read.is_ok(), "{read:?} {schema}");
            assert!(kind.kept(&catalogue).is_some());
        }
    }

    #[test]
    fn kinds_stand_in_their_order() {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
            assert_eq!(kind.view().name, kind.name());
        }
    }
}
