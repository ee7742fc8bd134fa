//! The types of managed objects, and the collections that their names stand for.

use std::{borrow::Cow, fmt::Write as _, sync::LazyLock};

use civitas_directory::{
    Catalogue, Timestamp, Version,
    catalogue::{Defined, Definitions},
    relationship,
};
use civitas_scim::{
    definition::{self, TypeDefinition},
    schema::{ResourceType, Schema, Uniqueness},
};
use serde_json::Value;

use super::{
    custom, group, internal,
    property::{self, Property},
    role, user,
};
use crate::dialect::crest::realm;

/// A type of managed objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
    Role,
    Assignment,
    Organization,
    /// One that a client has added; what it is, its collection tells.
    Custom,
    /// Of the service itself, in no realm.
    InternalRole,
}

/// The resource types of this dialect, for tenants to which nobody added them yet: nothing is
/// kept there.
static SHIPPED: LazyLock<Catalogue> = LazyLock::new(|| {
    let mut definitions = Definitions::default();
    for (resource_type, schema) in role::types().into_iter().chain([internal::types()]) {
        let read = (
            TypeDefinition::read(&resource_type),
            definition::read_schema(&schema),
        );
        if let (Ok(resource_type), Ok(schema)) = read {
            definitions.types.push(first(resource_type));
            definitions.schemas.push(first(schema));
        }
    }
    Catalogue::new(Version(0), definitions, Vec::new())
});

fn first<T>(value: T) -> Defined<T> {
    Defined {
        value,
        created: Timestamp(0),
        modified: Timestamp(0),
        version: Version(0),
    }
}

/// A collection of managed objects, as a tenant has it.
pub(super) struct Collection<'c> {
    /// As in paths: `alpha_user`.
    pub(super) name: Cow<'c, str>,
    pub(super) kind: Kind,
    pub(super) resource_type: &'c ResourceType,
    /// What administrators have added.
    custom: Vec<Property>,
}

impl Kind {
    /// Those that every tenant has.
    pub(super) const SHIPPED: [Self; 5] = [
        Self::User,
        Self::Group,
        Self::Role,
        Self::Assignment,
        Self::Organization,
    ];

    /// The type that the name of a collection stands for, with the realm in front of it.
    pub(super) fn of(collection: &str) -> Option<(&str, Self)> {
        if collection == internal::COLLECTION {
            return Some((realm::ALPHA, Self::InternalRole));
        }
        let (realm, name) = realm::split(collection)?;
        let kind = Self::SHIPPED.into_iter().find(|it| it.name() == name)?;
        Some((realm, kind))
    }

    /// As in the names of collections, after the realm.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
            Self::Assignment => "assignment",
            Self::Organization => "organization",
            Self::Custom => "",
            Self::InternalRole => "internal",
        }
    }

    /// The resource type in which such objects are kept.
    pub(super) const fn resource_type(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::Role => "Role",
            Self::Assignment => "Assignment",
            Self::Organization => "Organization",
            Self::Custom => "",
            Self::InternalRole => "InternalRole",
        }
    }

    fn properties(self) -> &'static [Property] {
        match self {
            Self::User => user::properties(),
            Self::Group => group::properties(),
            Self::Role => role::roles(),
            Self::Assignment => role::assignments(),
            Self::Organization => role::organizations(),
            Self::Custom => &[],
            Self::InternalRole => internal::properties(),
        }
    }

    /// The schema to which administrators add properties.
    const fn own_schema(self) -> &'static str {
        match self {
            Self::User => user::OWN,
            Self::Group => group::OWN,
            Self::Role => role::ROLE,
            Self::Assignment => role::ASSIGNMENT,
            Self::Organization => role::ORGANIZATION,
            Self::Custom => "",
            Self::InternalRole => internal::SCHEMA,
        }
    }

    /// Whether it is a type of RFC 7643 with an extension.
    const fn extends_core(self) -> bool {
        matches!(self, Self::User | Self::Group)
    }

    /// Whether answers show properties that have no value.
    pub(super) const fn shows_unset(self) -> bool {
        self.extends_core() || matches!(self, Self::InternalRole)
    }

    /// The property of which every object has another value; told as a policy. Of a type that a
    /// client has added its schema tells.
    pub(super) const fn unique(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::User => Some(("userName", "VALID_USERNAME")),
            Self::Role => Some(("name", "UNIQUE")),
            Self::Group
            | Self::Assignment
            | Self::Organization
            | Self::Custom
            | Self::InternalRole => None,
        }
    }

    /// The identifier of the record that keeps the object with an identifier, but of a group,
    /// which is looked up, and of a type that a client has added.
    pub(super) fn record_id(self, id: &str) -> String {
        if self == Self::User {
            return id.to_ascii_lowercase();
        }
        record_id(self.name(), id)
    }

    /// The identifier of the object that a record keeps, but of a group, and of a type that a
    /// client has added.
    pub(super) fn object_id(self, record: &str) -> Cow<'_, str> {
        object_id(self.name(), record)
    }
}

/// Objects of several types may have one identifier, records may not: what is no UUID gets the
/// name of its type in front.
fn record_id(name: &str, id: &str) -> String {
    if is_uuid(id) {
        return id.to_ascii_lowercase();
    }
    format!("{name}.{}", encoded(id))
}

/// The identifier that a record's was made of.
fn object_id<'r>(name: &str, record: &'r str) -> Cow<'r, str> {
    let named = record.strip_prefix(name);
    match named.and_then(|it| it.strip_prefix('.')) {
        Some(encoded) => Cow::Owned(decoded(encoded)),
        None => Cow::Borrowed(record),
    }
}

/// A name that a client has chosen, of letters that the identifier of a record may have.
pub(in super::super) fn encoded(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to memory cannot fail.
            let _ = write!(encoded, "={byte:02X}");
        }
    }
    encoded
}

/// The name that was so encoded.
pub(in super::super) fn decoded(encoded: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(encoded.len()), encoded.bytes());
    while let Some(byte) = rest.next() {
        let digits = (byte == b'=').then(|| [rest.next(), rest.next()]);
        let value = digits.and_then(|it| {
            let [high, low] = it.map(|it| char::from(it.unwrap_or(b'0')).to_digit(16));
            u8::try_from(high? * 16 + low?).ok()
        });
        bytes.push(value.unwrap_or(byte));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// 36 characters: five groups of hexadecimal digits.
pub(super) fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths = groups.iter().map(|group| group.len());
    let hexadecimal = |group: &&str| group.bytes().all(|it| it.is_ascii_hexdigit());
    lengths.eq([8, 4, 4, 4, 12]) && groups.iter().all(hexadecimal)
}

impl<'c> Collection<'c> {
    /// The collection of that name; `None` if there is none.
    pub(super) fn named(name: impl Into<Cow<'c, str>>, catalogue: &'c Catalogue) -> Option<Self> {
        let name = name.into();
        let Some((_, kind)) = Kind::of(&name) else {
            return Self::added(name, catalogue);
        };
        let uri = kind.own_schema();
        let is_own = |it: &&ResourceType| kind.extends_core() || it.schema.id == uri;
        let resource_type = match catalogue.resource_type(kind.resource_type()) {
            Some(known) => Some(known).filter(is_own),
            None => SHIPPED.resource_type(kind.resource_type()),
        }?;
        let extension = resource_type.extension(uri).map(|it| &it.schema);
        let base = Some(&resource_type.schema).filter(|it| it.id == uri);
        let own = extension.or(base);
        let added = own.into_iter().flat_map(|it| &it.attributes);
        let added = added.filter(|it| it.name.starts_with("custom_"));
        let of = extension.map(|_| uri);
        let custom = added.map(|it| property::custom(of, it)).collect();
        Some(Self {
            name,
            kind,
            resource_type,
            custom,
        })
    }

    /// The collection of objects of a type that a client has added.
    fn added(name: Cow<'c, str>, catalogue: &'c Catalogue) -> Option<Self> {
        let resource_type = catalogue
            .resource_type(&name)
            .filter(|it| custom::is_of(it))?;
        let attributes = resource_type.schema.attributes.iter();
        Some(Self {
            name,
            kind: Kind::Custom,
            resource_type,
            custom: attributes.map(|it| property::custom(None, it)).collect(),
        })
    }

    /// The identifier of the record that keeps the object with an identifier, but of a group.
    pub(super) fn record_id(&self, id: &str) -> String {
        match self.kind {
            Kind::Custom => record_id(&self.name, id),
            kind => kind.record_id(id),
        }
    }

    /// The identifier of the object that a record keeps, but of a group.
    pub(super) fn object_id<'r>(&self, record: &'r str) -> Cow<'r, str> {
        match self.kind {
            Kind::Custom => object_id(&self.name, record),
            kind => kind.object_id(record),
        }
    }

    /// What the records of objects begin with whose identifier a client has chosen; `None` of
    /// types of which it chooses none, or which keep it otherwise.
    pub(super) fn chosen_prefix(&self) -> Option<String> {
        match self.kind {
            Kind::User | Kind::Group => None,
            Kind::Custom => Some(format!("{}.", self.name)),
            kind => Some(format!("{}.", kind.name())),
        }
    }

    /// The properties of which every object has another value, and how that is told as a policy.
    pub(super) fn unique(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let own = self.kind.unique();
        let added = self.resource_type.schema.attributes.iter();
        let added =
            added.filter(|it| self.kind == Kind::Custom && it.uniqueness != Uniqueness::None);
        own.into_iter()
            .chain(added.map(|it| (it.name.as_str(), "UNIQUE")))
    }

    /// The schema to which properties are added.
    pub(super) fn own_schema(&self) -> &Schema {
        if self.kind == Kind::Custom {
            return &self.resource_type.schema;
        }
        let extension = self.resource_type.extension(self.kind.own_schema());
        extension.map_or(&self.resource_type.schema, |it| &it.schema)
    }

    /// All properties, in the order of the schema.
    pub(super) fn properties(&self) -> impl Iterator<Item = &Property> {
        self.kind.properties().iter().chain(&self.custom)
    }

    /// The property of that name.
    pub(super) fn property(&self, name: &str) -> Option<&Property> {
        self.properties().find(|it| it.name == name)
    }

    /// The realm that the collection is of.
    pub(super) fn realm(&self) -> &str {
        match self.kind {
            Kind::InternalRole => realm::ALPHA,
            _ => self.name.split('_').next().unwrap_or_default(),
        }
    }

    /// The path below `/openidm`, as references have it.
    pub(super) fn path(&self) -> Cow<'_, str> {
        match self.kind {
            Kind::InternalRole => Cow::Borrowed(&self.name),
            _ => Cow::Owned(format!("managed/{}", self.name)),
        }
    }

    /// The collection of another type in the same realm.
    pub(super) fn sibling(&self, kind: Kind, catalogue: &'c Catalogue) -> Option<Self> {
        match kind {
            Kind::InternalRole => Self::named(internal::COLLECTION, catalogue),
            _ => Self::named(format!("{}_{}", self.realm(), kind.name()), catalogue),
        }
    }

    /// How the store of the service names an object, as its messages do.
    pub(super) fn entry(&self, id: &str) -> String {
        let realm = self.realm();
        let of = |attribute: &str, unit: &str| {
            format!("{attribute}={id},ou={unit},o={realm},o=root,ou=identities")
        };
        match self.kind {
            Kind::User => of("fr-idm-uuid", "user"),
            Kind::Group => of("cn", "groups"),
            Kind::Role => of("uid", "role"),
            Kind::Organization => of("uid", "organization"),
            Kind::InternalRole => {
                format!("cn={id},ou=roles,ou=internal,dc=openidm,dc=example,dc=com")
            }
            Kind::Assignment | Kind::Custom => {
                let name = &self.name;
                format!("uid={id},ou={name},ou=managed,dc=openidm,dc=example,dc=com")
            }
        }
    }
}

/// What a tenant must have for objects of a type to be written: extensions by the name of their
/// resource type, and resource types with their schemas.
pub(super) struct Equipment {
    pub(super) extensions: Vec<(&'static str, Value)>,
    pub(super) types: Vec<(Value, Value)>,
}

impl Equipment {
    /// What the tenant lacks to keep objects of the type.
    pub(super) fn lacking(kind: Kind, catalogue: &Catalogue) -> Option<Self> {
        let uri = kind.own_schema();
        let known = catalogue.resource_type(kind.resource_type());
        let none = Self {
            extensions: Vec::new(),
            types: Vec::new(),
        };
        match kind {
            Kind::User | Kind::Group if known.is_some_and(|it| it.extension(uri).is_some()) => None,
            Kind::User => Some(Self {
                extensions: user::schemas().map(|it| ("User", it)).into(),
                ..none
            }),
            Kind::Group => Some(Self {
                extensions: group::schemas().map(|it| ("Group", it)).into(),
                ..none
            }),
            Kind::Role | Kind::Assignment | Kind::Organization | Kind::InternalRole
                if known.is_some() =>
            {
                None
            }
            Kind::InternalRole => Some(Self {
                types: vec![internal::types()],
                ..none
            }),
            Kind::Role | Kind::Assignment | Kind::Organization => Some(Self {
                types: role::types().into(),
                ..none
            }),
            Kind::Custom => None,
        }
    }

    /// What the tenant lacks to keep relationships.
    pub(super) fn of_relationships(catalogue: &Catalogue) -> Option<Self> {
        let known = catalogue.resource_type(relationship::TYPE);
        known.is_none().then(|| Self {
            extensions: Vec::new(),
            types: vec![(relationship::resource_type(), relationship::schema())],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_objects_and_records_lead_to_each_other() {
        let uuid = "0f2c6a0e-2c57-4b6e-9a2b-6f1d2f0f8f11";
        for (kind, id, record) in [
            (Kind::User, uuid, uuid),
            (Kind::Role, uuid, uuid),
            (Kind::Role, "auditor", "role.auditor"),
            (Kind::Assignment, "auditor", "assignment.auditor"),
            (Kind::Role, "a b/ü=%", "role.a=20b=2F=C3=BC=3D=25"),
        ] {
            assert_eq!(kind.record_id(id), record, "{id}");
            assert_eq!(kind.object_id(record), id, "{record}");
        }
    }
}
