//! Definitions of attributes as the service publishes them (RFC 7643 §7), as rows of tables.

use civitas_scim::schema::{self, Mutability, Returned, Type, Uniqueness};
use serde_json::{Map, Value, json};

/// The definition of an attribute or sub-attribute.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    kind: Type,
    many: bool,
    required: bool,
    case_exact: bool,
    mutability: Mutability,
    returned: Returned,
    uniqueness: Uniqueness,
    /// The values that are taken; empty for any.
    values: &'static [&'static str],
    /// What a reference leads to.
    refers: &'static [&'static str],
    subs: &'static [Attribute],
}

pub(super) const fn text(name: &'static str) -> Attribute {
    Attribute {
        name,
        kind: Type::String,
        many: false,
        required: false,
        case_exact: false,
        mutability: Mutability::ReadWrite,
        returned: Returned::Default,
        uniqueness: Uniqueness::None,
        values: &[],
        refers: &[],
        subs: &[],
    }
}

pub(super) const fn boolean(name: &'static str) -> Attribute {
    text(name).typed(Type::Boolean)
}

pub(super) const fn integer(name: &'static str) -> Attribute {
    text(name).typed(Type::Integer)
}

pub(super) const fn instant(name: &'static str) -> Attribute {
    text(name).typed(Type::DateTime)
}

pub(super) const fn reference(name: &'static str) -> Attribute {
    text(name).typed(Type::Reference)
}

pub(super) const fn binary(name: &'static str) -> Attribute {
    text(name).typed(Type::Binary)
}

pub(super) const fn complex(name: &'static str, subs: &'static [Attribute]) -> Attribute {
    let mut attribute = text(name).typed(Type::Complex);
    attribute.subs = subs;
    attribute
}

impl Attribute {
    const fn typed(mut self, kind: Type) -> Self {
        self.kind = kind;
        self
    }

    pub(super) const fn many(mut self) -> Self {
        self.many = true;
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    pub(super) const fn read_only(mut self) -> Self {
        self.mutability = Mutability::ReadOnly;
        self
    }

    pub(super) const fn immutable(mut self) -> Self {
        self.mutability = Mutability::Immutable;
        self
    }

    pub(super) const fn write_only(mut self) -> Self {
        self.mutability = Mutability::WriteOnly;
        self
    }

    pub(super) const fn never(mut self) -> Self {
        self.returned = Returned::Never;
        self
    }

    pub(super) const fn always(mut self) -> Self {
        self.returned = Returned::Always;
        self
    }

    pub(super) const fn unique(mut self, where_: Uniqueness) -> Self {
        self.uniqueness = where_;
        self
    }

    pub(super) const fn of(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self
    }

    pub(super) const fn to(mut self, refers: &'static [&'static str]) -> Self {
        self.refers = refers;
        self
    }

    /// Whether every resource has it.
    pub(super) const fn is_required(&self) -> bool {
        self.required
    }

    /// Whether clients set it and it is shown to them, so that it has to be kept.
    pub(super) fn is_kept(&self) -> bool {
        let is_set = matches!(
            self.mutability,
            Mutability::ReadWrite | Mutability::Immutable
        );
        is_set && self.returned != Returned::Never
    }

    /// The definition as the rules of SCIM take it.
    pub(super) fn scim(&self) -> schema::Attribute {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        schema::Attribute {
            name: self.name.to_owned(),
            r#type: self.kind,
            sub_attributes: self.subs.iter().map(Self::scim).collect(),
            multi_valued: self.many,
            required: self.required,
            case_exact: self.case_exact,
            mutability: self.mutability,
            returned: self.returned,
            uniqueness: self.uniqueness,
            canonical_values: owned(self.values),
            reference_types: owned(self.refers),
            ..schema::Attribute::default()
        }
    }

    /// The definition by which the directory keeps it: what is shown to whom is decided here,
    /// not there.
    pub(super) fn kept(&self) -> Value {
        let mut kept = json!({ "name": self.name, "type": self.kind, "multiValued": self.many });
        if self.case_exact && self.kind == Type::String {
            kept["caseExact"] = Value::Bool(true);
        }
        if self.uniqueness != Uniqueness::None {
            kept["uniqueness"] = json!(Uniqueness::Server);
        }
        if self.kind == Type::Complex {
            let subs = self.subs.iter().filter(|it| it.is_kept());
            kept["subAttributes"] = subs.map(Self::kept).collect();
        }
        kept
    }
}

/// The definition as the service publishes it.
pub(super) fn published(attribute: &schema::Attribute) -> Value {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    put("name", attribute.name.as_str().into());
    put("type", json!(attribute.r#type));
    put("multiValued", attribute.multi_valued.into());
    if !attribute.description.is_empty() {
        put("description", attribute.description.as_str().into());
    }
    put("required", attribute.required.into());
    if !attribute.canonical_values.is_empty() {
        put("canonicalValues", json!(attribute.canonical_values));
    }
    put("caseExact", attribute.case_exact.into());
    put("mutability", json!(attribute.mutability));
    put("returned", json!(attribute.returned));
    put("uniqueness", json!(attribute.uniqueness));
    if !attribute.reference_types.is_empty() {
        put("referenceTypes", json!(attribute.reference_types));
    }
    if !attribute.sub_attributes.is_empty() {
        let subs = attribute.sub_attributes.iter().map(published);
        put("subAttributes", subs.collect());
    }
    Value::Object(shown)
}
