//! Schemas and resource types as data (RFC 7643 §2.2, §6, §7).

use serde::{Deserialize, Serialize};

use crate::definition;

/// The URIs of the schemas that the RFCs define (RFC 7643 §10.3).
pub mod urn {
    /// The User schema.
    pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
    /// The Group schema.
    pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
    /// The enterprise extension of User.
    pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    /// The schema of the provider's configuration.
    pub const SERVICE_PROVIDER_CONFIG: &str =
        "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
    /// The schema of resource types.
    pub const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
    /// The schema of schemas.
    pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
}

/// Data type of an attribute (RFC 7643 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Type {
    /// UTF-8 text.
    #[default]
    String,
    /// `true` or `false`.
    Boolean,
    /// A number with a fraction.
    Decimal,
    /// A number without fraction or exponent.
    Integer,
    /// An `xsd:dateTime`.
    DateTime,
    /// Base64 text.
    Binary,
    /// A URI.
    Reference,
    /// An object of sub-attributes.
    Complex,
}

/// Who may write an attribute, and when (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    /// Set by the provider only.
    ReadOnly,
    /// Set by the client at any time.
    #[default]
    ReadWrite,
    /// Set by the client once.
    Immutable,
    /// Set by the client, never returned.
    WriteOnly,
}

/// When an attribute stands in a representation (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// In every representation.
    Always,
    /// In none.
    Never,
    /// Unless projected away.
    #[default]
    Default,
    /// Only when named.
    Request,
}

/// Where a value may occur once only (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    /// Anywhere, any number of times.
    #[default]
    None,
    /// Once among the resources of its type and tenant.
    Server,
    /// Once anywhere.
    Global,
}

/// What the text of an attribute must look like beyond its data type. A schema says so in
/// prose only (RFC 7643 §4.1), so this is not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// Anything.
    #[default]
    Free,
    /// `preferredLanguage`: the value of an `Accept-Language` header.
    LanguagePriority,
    /// `locale`: a language tag; `_` is taken for `-`.
    LanguageTag,
    /// `timezone`: the name of an IANA time zone.
    TimeZone,
    /// `addresses.country`: an ISO 3166-1 alpha-2 code.
    Country,
    /// `userName`: compared as user names are (RFC 8265 §3.3).
    UserName,
}

/// Whether stores keep an index of an attribute's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Index {
    /// They do not.
    #[default]
    None,
    /// They do, but values that were written before it was asked for are still missing: no
    /// query may rely on it.
    Building,
    /// They do.
    Complete,
}

/// The definition of an attribute or sub-attribute (RFC 7643 §7).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attribute {
    /// Spelling used in every representation; compared without case.
    pub name: String,
    /// Data type.
    pub r#type: Type,
    /// Definitions of the sub-attributes; empty unless `type` is complex.
    pub sub_attributes: Vec<Attribute>,
    /// Whether the value is an array.
    pub multi_valued: bool,
    /// Text for people.
    pub description: String,
    /// Whether a resource must hold a value.
    pub required: bool,
    /// Suggested values; input is not restricted to them (RFC 7643 §2.3.1).
    pub canonical_values: Vec<String>,
    /// Whether comparison distinguishes case.
    pub case_exact: bool,
    /// Who may write.
    pub mutability: Mutability,
    /// When returned.
    pub returned: Returned,
    /// Where unique.
    pub uniqueness: Uniqueness,
    /// For references: resource type names, `external` or `uri`.
    pub reference_types: Vec<String>,
    /// Form of the text. Not published.
    pub format: Format,
    /// Whether stores keep an index of the values. Not published.
    pub index: Index,
}

impl Attribute {
    /// Whether no representation may hold the attribute, so that it is kept apart from the
    /// rest of a resource: `writeOnly`, or returned `never`.
    pub fn is_secret(&self) -> bool {
        self.mutability == Mutability::WriteOnly || self.returned == Returned::Never
    }

    /// The sub-attribute of that name, compared without case.
    pub fn sub_attribute(&self, name: &str) -> Option<&Attribute> {
        self.sub_attributes
            .iter()
            .find(|sub| sub.name.eq_ignore_ascii_case(name))
    }
}

/// A schema resource (RFC 7643 §7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The schema URI.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Text for people.
    pub description: String,
    /// Definitions of the attributes.
    pub attributes: Vec<Attribute>,
}

impl Schema {
    /// The attribute of that name, compared without case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// The definition at a path such as `badge` or `desk.floor`, compared without case.
    pub fn attribute_mut(&mut self, path: &str) -> Option<&mut Attribute> {
        let (name, sub) = match path.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (path, None),
        };
        let attribute = named(&mut self.attributes, name)?;
        match sub {
            Some(sub) => named(&mut attribute.sub_attributes, sub),
            None => Some(attribute),
        }
    }
}

fn named<'a>(attributes: &'a mut [Attribute], name: &str) -> Option<&'a mut Attribute> {
    let mut attributes = attributes.iter_mut();
    attributes.find(|it| it.name.eq_ignore_ascii_case(name))
}

/// What a canonical path names within the extension of that schema.
fn within<'p>(path: &'p str, extension: &Schema) -> Option<&'p str> {
    let within = path
        .strip_prefix(extension.id.as_str())?
        .strip_prefix(':')?;
    (!within.contains(':')).then_some(within)
}

/// An extension of a resource type (RFC 7643 §6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// The extension's schema.
    pub schema: Schema,
    /// Whether every resource of the type must carry it.
    pub required: bool,
}

/// A resource type with its schemas in hand (RFC 7643 §6): everything needed to check,
/// filter, patch and project a resource of the type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceType {
    /// `name` and `id`; equals `meta.resourceType` of the resources.
    pub name: String,
    /// Path below the service root, such as `/Users`.
    pub endpoint: String,
    /// Text for people.
    pub description: String,
    /// The base schema.
    pub schema: Schema,
    /// The extensions.
    pub extensions: Vec<Extension>,
    /// `schemas`, `id`, `externalId`, `meta` (RFC 7643 §3.1), which no schema lists.
    pub common: Vec<Attribute>,
}

impl ResourceType {
    /// The common or base attribute of that name, compared without case. Common attributes
    /// win over a schema that lists them (RFC 7643 §3.1).
    pub fn base_attribute(&self, name: &str) -> Option<&Attribute> {
        self.common
            .iter()
            .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
            .or_else(|| self.schema.attribute(name))
    }

    /// The base schema and those of the extensions.
    pub fn schemas(&self) -> impl Iterator<Item = &Schema> {
        let extensions = self.extensions.iter().map(|it| &it.schema);
        std::iter::once(&self.schema).chain(extensions)
    }

    /// The extension with that schema URI, compared without case.
    pub fn extension(&self, uri: &str) -> Option<&Extension> {
        self.extensions
            .iter()
            .find(|extension| extension.schema.id.eq_ignore_ascii_case(uri))
    }

    /// Where the values of a canonical path (see [`crate::condition::Target::path`]) are
    /// unique.
    pub fn uniqueness(&self, path: &str) -> Uniqueness {
        let mut extensions = self.extensions.iter();
        let within = extensions.find_map(|it| Some((&it.schema, within(path, &it.schema)?)));
        let (schema, within) = within.unwrap_or((&self.schema, path));
        let found = match within.split_once('.') {
            Some((name, sub)) => schema.attribute(name).and_then(|it| it.sub_attribute(sub)),
            None => schema.attribute(within),
        };
        found.map_or(Uniqueness::None, |it| it.uniqueness)
    }

    /// The definition at a canonical path of the base schema or an extension.
    pub fn attribute_mut(&mut self, path: &str) -> Option<&mut Attribute> {
        let mut extensions = self.extensions.iter_mut();
        let within = extensions.find_map(|it| {
            let within = within(path, &it.schema)?;
            Some((&mut it.schema, within))
        });
        let (schema, within) = within.unwrap_or((&mut self.schema, path));
        schema.attribute_mut(within)
    }

    /// The canonical paths of the base schema and the extensions that are indexed, be the
    /// index complete or not.
    pub fn indexed_paths(&self) -> Vec<String> {
        let mut paths = definition::indexed(&self.schema);
        for extension in &self.extensions {
            let uri = &extension.schema.id;
            let within = definition::indexed(&extension.schema).into_iter();
            paths.extend(within.map(|path| format!("{uri}:{path}")));
        }
        paths
    }

    /// The type with no other index than that of the path.
    #[must_use]
    pub fn indexing_only(&self, path: &str) -> Self {
        let mut only = self.clone();
        let extensions = only.extensions.iter_mut();
        let extended = extensions.flat_map(|it| &mut it.schema.attributes);
        for attribute in only
            .common
            .iter_mut()
            .chain(&mut only.schema.attributes)
            .chain(extended)
        {
            attribute.index = Index::None;
            for sub in &mut attribute.sub_attributes {
                sub.index = Index::None;
            }
        }
        if let Some(attribute) = only.attribute_mut(path) {
            attribute.index = Index::Complete;
        }
        only
    }

    /// All attributes in the order of a representation: common, base, then extension ones
    /// with their extension.
    pub fn attributes(&self) -> impl Iterator<Item = (Option<&Extension>, &Attribute)> {
        let own = self.common.iter().chain(&self.schema.attributes);
        let extended = self.extensions.iter().flat_map(|extension| {
            let attributes = extension.schema.attributes.iter();
            attributes.map(move |attribute| (Some(extension), attribute))
        });
        own.map(|attribute| (None, attribute)).chain(extended)
    }

    /// Whether a stored resource, its secrets being kept apart, may be sent as it is when
    /// the caller asks for no projection: nothing in it is returned `never` or on `request`.
    pub fn splices(&self) -> bool {
        let hidden = |attribute: &Attribute| {
            attribute.is_secret() || attribute.returned == Returned::Request
        };
        self.attributes()
            .filter(|(_, attribute)| !attribute.is_secret())
            .all(|(_, attribute)| {
                !hidden(attribute) && !attribute.sub_attributes.iter().any(hidden)
            })
    }
}
