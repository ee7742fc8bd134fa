//! Schemas and resource types as data (RFC 7643 §2.2, §6, §7).

use serde::{Deserialize, Serialize};

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
    pub indexed: bool,
}

impl Attribute {
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
