//! The types of resources as the service has them, and as a tenant keeps them.

use std::{borrow::Cow, sync::LazyLock};

use civitas_directory::Catalogue;
use civitas_scim::schema::{self, Extension, ResourceType, urn};
use serde_json::{Value, json};

use super::schema::{GROUP, SERVICE, Schema, USER};
use crate::attribute::{Attribute, complex, instant, text};
use crate::dialect::sap::kind::Kind;

/// Attributes that all resources have.
const COMMON: &[Attribute] = &[
    text("schemas").exact().many().always(),
    text("id").exact().read_only().always(),
    text("externalId").exact(),
    complex(
        "meta",
        &[
            text("resourceType").exact(),
            instant("created"),
            instant("lastModified"),
            text("location").exact(),
            text("version").exact(),
        ],
    )
    .read_only(),
];

/// What a user agreed to.
const AGREEMENT: &[Attribute] = &[
    instant("timeOfAcceptance"),
    text("name"),
    text("id"),
    text("locale"),
    text("version"),
];

/// Attributes of users that stand beside those of the base schema and that it does not list.
pub(super) const UNLISTED: &[Attribute] = &[
    complex("termsOfUse", AGREEMENT).many(),
    complex("privacyPolicy", AGREEMENT).many(),
    complex("localeSettings", &[text("currency")]),
];

/// Attributes of groups that the extension has and does not list.
pub(super) const UNLISTED_OF_GROUPS: &[Attribute] = &[
    text("externalName").exact().immutable(),
    text("externalLocation").exact().immutable(),
];

static USER_VIEW: LazyLock<ResourceType> = LazyLock::new(|| view(Kind::User));
static GROUP_VIEW: LazyLock<ResourceType> = LazyLock::new(|| view(Kind::Group));

/// The base schema, then the extensions.
pub(super) const fn schemas(kind: Kind) -> &'static [Schema] {
    match kind {
        Kind::User => USER,
        Kind::Group => GROUP,
    }
}

/// Whether an attribute of the base schema is one that every resource has.
pub(super) fn requires(kind: Kind, name: &str) -> bool {
    let mut base = schemas(kind)[0].attributes.iter();
    base.any(|it| it.name == name && it.required)
}

/// The extension that keeps what the service has beside the attributes of SCIM and of its own
/// schemas.
pub(super) const fn own(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "urn:ietf:params:scim:schemas:extension:sap.kept:2.0:User",
        Kind::Group => "urn:ietf:params:scim:schemas:extension:sap.kept:2.0:Group",
    }
}

/// The resource as the service shows it, by whose rules requests are read: with the extensions
/// that the tenant has defined.
pub(super) fn of(kind: Kind, catalogue: &Catalogue) -> Cow<'static, ResourceType> {
    let predefined: &ResourceType = match kind {
        Kind::User => &USER_VIEW,
        Kind::Group => &GROUP_VIEW,
    };
    let customs = customs(kind, catalogue);
    if customs.is_empty() {
        return Cow::Borrowed(predefined);
    }
    let mut view = predefined.clone();
    view.extensions.extend(customs.into_iter().cloned());
    Cow::Owned(view)
}

/// The extensions that the tenant has defined. Those of other surfaces are not shown.
pub(super) fn customs(kind: Kind, catalogue: &Catalogue) -> Vec<&Extension> {
    let known = catalogue.resource_type(kind.name());
    let extensions = known.map_or(&[][..], |it| &it.extensions);
    let own = extensions.iter().filter(|it| is_custom(&it.schema.id));
    own.collect()
}

/// The predefined schema of that URI, compared without case.
pub(super) fn predefined(uri: &str) -> Option<&'static Schema> {
    let mut schemas = USER.iter().chain(GROUP).chain(SERVICE);
    schemas.find(|it| it.uri.eq_ignore_ascii_case(uri))
}

/// Whether a schema is one that tenants define.
pub(super) fn is_custom(uri: &str) -> bool {
    !uri.starts_with("urn:ietf:params:") && predefined(uri).is_none()
}

/// The extensions by which a tenant keeps such resources, as far as it lacks them.
pub(super) fn lacking(kind: Kind, catalogue: &Catalogue) -> Vec<(&'static str, Value)> {
    let known = catalogue.resource_type(kind.name());
    let lacks = |uri: &str| known.is_none_or(|it| it.extension(uri).is_none());
    let extensions = schemas(kind).iter().skip(1);
    let extensions = extensions.filter(|it| it.uri != urn::ENTERPRISE_USER);
    extensions
        .map(|it| (it.uri, it.kept()))
        .chain([(own(kind), own_schema(kind))])
        .filter(|(uri, _)| lacks(uri))
        .map(|(_, schema)| (kind.name(), schema))
        .collect()
}

fn own_schema(kind: Kind) -> Value {
    let flags = |name: &str| {
        json!({
            "name": name,
            "type": "complex",
            "multiValued": true,
            "subAttributes": [
                { "name": "value", "type": "string" },
                { "name": "verified", "type": "boolean" },
                { "name": "verifiedTime", "type": "dateTime" },
            ],
        })
    };
    let unlisted = match kind {
        Kind::User => UNLISTED,
        Kind::Group => UNLISTED_OF_GROUPS,
    };
    let mut attributes: Vec<Value> = unlisted.iter().map(Attribute::kept).collect();
    if kind == Kind::User {
        attributes.extend([flags("emailFlags"), flags("phoneFlags")]);
    }
    json!({
        "schemas": [urn::SCHEMA],
        "id": own(kind),
        "name": kind.name(),
        "attributes": attributes,
    })
}

/// The type that keeps such resources, with what the tenant lacks of it.
pub(super) fn kept(kind: Kind, catalogue: &Catalogue) -> Option<ResourceType> {
    let mut kept = catalogue.resource_type(kind.name())?.clone();
    for (_, body) in lacking(kind, catalogue) {
        // Definitions of this dialect: a test reads them all.
        if let Ok(schema) = civitas_scim::definition::read_schema(&body) {
            let required = false;
            kept.extensions.push(Extension { schema, required });
        }
    }
    Some(kept)
}

fn view(kind: Kind) -> ResourceType {
    let mut read = schemas(kind).iter().map(Schema::scim);
    let mut base = read.next().unwrap_or_else(|| schema::Schema {
        id: String::new(),
        name: String::new(),
        description: String::new(),
        attributes: Vec::new(),
    });
    let extension = |schema| Extension {
        schema,
        required: false,
    };
    let mut extensions: Vec<Extension> = read.map(extension).collect();
    match kind {
        Kind::User => base.attributes.extend(UNLISTED.iter().map(Attribute::scim)),
        Kind::Group => {
            let product = super::schema::SAP_GROUP;
            let of_product = extensions.iter_mut().find(|it| it.schema.id == product);
            if let Some(extension) = of_product {
                let unlisted = UNLISTED_OF_GROUPS.iter().map(Attribute::scim);
                extension.schema.attributes.extend(unlisted);
            }
        }
    }
    // What is missing is told in words of the service, and a login name may be.
    for attribute in &mut base.attributes {
        attribute.required = false;
    }
    let common = COMMON.iter().map(Attribute::scim).collect();
    base.attributes
        .retain(|it| !COMMON.iter().any(|common| common.name == it.name));
    ResourceType {
        name: kind.name().to_owned(),
        endpoint: format!("/{}", kind.endpoint()),
        description: String::new(),
        schema: base,
        extensions,
        common,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_can_be_adopted() {
        let catalogue = Catalogue::standard();
        for kind in Kind::ALL {
            let lacking = lacking(kind, &catalogue);
            assert!(lacking.len() >= 4, "{kind:?}");
            for (_, body) in &lacking {
                let read = civitas_scim::definition::read_schema(body);
                assert!(read.is_ok(), "{read:?} {body}");
            }
            let kept = kept(kind, &catalogue).unwrap();
            assert!(kept.extensions.len() >= lacking.len());
        }
    }
}
