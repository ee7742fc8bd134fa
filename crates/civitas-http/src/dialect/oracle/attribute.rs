//! Definitions of attributes as the service publishes them: those of RFC 7643 §7 and what goes
//! beyond, above all whether an attribute may be searched.

use civitas_scim::schema::{self, Mutability, Returned, Type, Uniqueness};
use serde_json::{Map, Value, json};

/// The definition of an attribute or sub-attribute.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a characteristic of its own, as published"
)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) kind: Type,
    pub(super) many: bool,
    pub(super) required: bool,
    pub(super) searchable: bool,
    pub(super) case_exact: bool,
    pub(super) mutability: Mutability,
    pub(super) returned: Returned,
    pub(super) uniqueness: Uniqueness,
    /// The values that are taken; empty for any.
    pub(super) values: &'static [&'static str],
    /// The sub-attributes whose values, taken together, no two elements share.
    pub(super) key: &'static [&'static str],
    pub(super) subs: &'static [Attribute],
}

pub(super) const fn text(name: &'static str) -> Attribute {
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
        values: &[],
        key: &[],
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

/// A URL of a resource, which the service fills.
pub(super) const fn reference() -> Attribute {
    text("$ref").typed(Type::Reference).exact().read_only()
}

pub(super) const fn complex(name: &'static str, subs: &'static [Attribute]) -> Attribute {
    let mut attribute = text(name).typed(Type::Complex);
    attribute.subs = subs;
    attribute
}

/// Elements of which no two share the values of the sub-attributes of the key.
pub(super) const fn list(
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

    pub(super) const fn many(mut self) -> Self {
        self.many = true;
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn searchable(mut self) -> Self {
        self.searchable = true;
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
        self.never()
    }

    pub(super) const fn always(mut self) -> Self {
        self.returned = Returned::Always;
        self
    }

    pub(super) const fn on_request(mut self) -> Self {
        self.returned = Returned::Request;
        self
    }

    pub(super) const fn never(mut self) -> Self {
        self.returned = Returned::Never;
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

    /// The sub-attribute of that name, compared without case.
    pub(super) fn sub(&self, name: &str) -> Option<&'static Attribute> {
        self.subs
            .iter()
            .find(|it| it.name.eq_ignore_ascii_case(name))
    }

    /// Whether clients set it and it is shown to them, so that it has to be kept.
    pub(super) fn is_kept(&self) -> bool {
        let is_set = matches!(
            self.mutability,
            Mutability::ReadWrite | Mutability::Immutable
        );
        is_set && self.returned != Returned::Never
    }

    /// Whether it is set and then never shown.
    pub(super) fn is_secret(&self) -> bool {
        self.mutability == Mutability::WriteOnly || self.returned == Returned::Never
    }

    /// The definition as the rules of SCIM take it.
    pub(super) fn scim(&self) -> schema::Attribute {
        schema::Attribute {
            name: self.name.to_owned(),
            r#type: self.kind,
            sub_attributes: self.subs.iter().map(Self::scim).collect(),
            multi_valued: self.many,
            // Which are missing is told all at once, before.
            required: false,
            case_exact: self.case_exact,
            mutability: self.mutability,
            returned: self.returned,
            ..schema::Attribute::default()
        }
    }

    /// The definition by which the directory keeps it: what is shown to whom is decided here,
    /// not there.
    pub(super) fn kept(&self) -> Value {
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

    /// The definition as it is published.
    pub(super) fn published(&self) -> Map<String, Value> {
        let mut shown = Map::new();
        let mut put = |name: &str, value: Value| {
            shown.insert(name.to_owned(), value);
        };
        put("name", self.name.into());
        put("type", json!(self.kind));
        put("multiValued", self.many.into());
        put("required", self.required.into());
        put("caseExact", self.case_exact.into());
        put("mutability", json!(self.mutability));
        put("returned", json!(self.returned));
        put("uniqueness", json!(self.uniqueness));
        put("idcsSearchable", self.searchable.into());
        if !self.values.is_empty() {
            put("canonicalValues", json!(self.values));
        }
        if !self.key.is_empty() {
            put("idcsCompositeKey", json!(self.key));
        }
        if !self.subs.is_empty() {
            let subs = self.subs.iter().map(|it| Value::Object(it.published()));
            put("subAttributes", subs.collect());
        }
        shown
    }
}
