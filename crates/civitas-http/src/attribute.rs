//! Definitions of attributes (RFC 7643 §7) as rows of tables: the schemas of vendors are written so.

use civitas_scim::schema::{self, Mutability, Returned, Type, Uniqueness};
use serde_json::{Value, json};

/// The definition of an attribute or sub-attribute.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a characteristic of its own, as published"
)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) kind: Type,
    pub(crate) many: bool,
    pub(crate) required: bool,
    /// Whether resources may be searched by it, where a vendor says so.
    pub(crate) searchable: bool,
    pub(crate) case_exact: bool,
    pub(crate) mutability: Mutability,
    pub(crate) returned: Returned,
    pub(crate) uniqueness: Uniqueness,
    /// Whether the service makes its value, and keeps it.
    pub(crate) made: bool,
    /// The values that are taken; empty for any.
    pub(crate) values: &'static [&'static str],
    /// What a reference leads to.
    pub(crate) refers: &'static [&'static str],
    /// The sub-attributes whose values, taken together, no two elements share.
    pub(crate) key: &'static [&'static str],
    pub(crate) subs: &'static [Attribute],
}

pub(crate) const fn text(name: &'static str) -> Attribute {
    Attribute {
        name,
        kind: Type::String,
        many: false,
        required: false,
        searchable: false,
        case_exact: false,
        mutability: Mutability::ReadWrite,
        returned: Returned::Default,
        uniqueness: Uniqueness::None,
        made: false,
        values: &[],
        refers: &[],
        key: &[],
        subs: &[],
    }
}

pub(crate) const fn boolean(name: &'static str) -> Attribute {
    text(name).typed(Type::Boolean)
}

pub(crate) const fn integer(name: &'static str) -> Attribute {
    text(name).typed(Type::Integer)
}

pub(crate) const fn instant(name: &'static str) -> Attribute {
    text(name).typed(Type::DateTime)
}

pub(crate) const fn reference(name: &'static str) -> Attribute {
    text(name).typed(Type::Reference)
}

pub(crate) const fn binary(name: &'static str) -> Attribute {
    text(name).typed(Type::Binary)
}

pub(crate) const fn complex(name: &'static str, subs: &'static [Attribute]) -> Attribute {
    let mut attribute = text(name).typed(Type::Complex);
    attribute.subs = subs;
    attribute
}

/// Elements of which no two share the values of the sub-attributes of the key.
pub(crate) const fn list(
    name: &'static str,
    key: &'static [&'static str],
    subs: &'static [Attribute],
) -> Attribute {
    let mut attribute = complex(name, subs).many();
    attribute.key = key;
    attribute
}

impl Attribute {
    const fn typed(mut self, kind: Type) -> Self {
        self.kind = kind;
        self
    }

    pub(crate) const fn many(mut self) -> Self {
        self.many = true;
        self
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn searchable(mut self) -> Self {
        self.searchable = true;
        self
    }

    pub(crate) const fn exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    pub(crate) const fn read_only(mut self) -> Self {
        self.mutability = Mutability::ReadOnly;
        self
    }

    /// Read only, and kept as the service makes it.
    pub(crate) const fn made(mut self) -> Self {
        self.made = true;
        self.read_only()
    }

    pub(crate) const fn immutable(mut self) -> Self {
        self.mutability = Mutability::Immutable;
        self
    }

    pub(crate) const fn write_only(mut self) -> Self {
        self.mutability = Mutability::WriteOnly;
        self
    }

    pub(crate) const fn always(mut self) -> Self {
        self.returned = Returned::Always;
        self
    }

    pub(crate) const fn on_request(mut self) -> Self {
        self.returned = Returned::Request;
        self
    }

    pub(crate) const fn never(mut self) -> Self {
        self.returned = Returned::Never;
        self
    }

    pub(crate) const fn unique(mut self, where_: Uniqueness) -> Self {
        self.uniqueness = where_;
        self
    }

    pub(crate) const fn of(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self
    }

    pub(crate) const fn to(mut self, refers: &'static [&'static str]) -> Self {
        self.refers = refers;
        self
    }

    /// The sub-attribute of that name, compared without case.
    pub(crate) fn sub(&self, name: &str) -> Option<&'static Attribute> {
        self.subs
            .iter()
            .find(|it| it.name.eq_ignore_ascii_case(name))
    }

    /// Whether clients set it, or the service makes it, and it is shown to them, so that it has to
    /// be kept.
    pub(crate) fn is_kept(&self) -> bool {
        let is_set = matches!(
            self.mutability,
            Mutability::ReadWrite | Mutability::Immutable
        );
        (is_set || self.made) && self.returned != Returned::Never
    }

    /// Whether it is set and then never shown.
    pub(crate) fn is_secret(&self) -> bool {
        self.mutability == Mutability::WriteOnly || self.returned == Returned::Never
    }

    /// The definition as the rules of SCIM take it.
    pub(crate) fn scim(&self) -> schema::Attribute {
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

    /// The definition by which the directory keeps it: what is shown to whom the dialect decides.
    pub(crate) fn kept(&self) -> Value {
        let mut kept = json!({ "name": self.name, "type": self.kind, "multiValued": self.many });
        if self.mutability == Mutability::Immutable {
            kept["mutability"] = json!(Mutability::Immutable);
        }
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
