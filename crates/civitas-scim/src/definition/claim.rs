//! What stored resources must be like for a definition to change under them.

use serde_json::Value;

use crate::Attributes;

/// An extension, attribute or sub-attribute in documents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// URI of the extension; `None` for the base schema.
    pub extension: Option<String>,
    /// The attribute; `None` for the extension as a whole.
    pub attribute: Option<String>,
    /// The sub-attribute; `None` for the attribute as a whole.
    pub sub_attribute: Option<String>,
}

/// Something that must hold of all resources of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// There are none.
    Empty,
    /// None has a value there, the empty string included.
    Unused(Place),
    /// Each has a value there, as far as it has what the place is a part of.
    Held(Place),
    /// No two have the same value there. The index of the path is complete.
    Distinct {
        /// Canonical path (see [`crate::condition::Target::path`]).
        path: String,
    },
}

impl Claim {
    /// Whether the resource contradicts the claim by itself.
    pub fn is_broken_by(&self, document: &Attributes) -> bool {
        match self {
            Self::Empty => true,
            Self::Unused(place) => place.values(document).next().is_some(),
            Self::Held(place) => place.is_lacking(document),
            Self::Distinct { .. } => false,
        }
    }

    /// A member name that stands in every document that contradicts the claim: one without
    /// it need not be parsed.
    pub fn needle(&self) -> Option<&str> {
        match self {
            Self::Unused(place) => place
                .sub_attribute
                .as_deref()
                .or(place.attribute.as_deref())
                .or(place.extension.as_deref()),
            Self::Held(place) if place.attribute.is_some() => place.extension.as_deref(),
            Self::Empty | Self::Held(_) | Self::Distinct { .. } => None,
        }
    }
}

impl Place {
    /// The values there.
    fn values<'d>(&self, document: &'d Attributes) -> impl Iterator<Item = &'d Value> {
        let top = self.top(document).into_iter();
        let sub = self.sub_attribute.clone();
        top.flat_map(elements).filter_map(move |value| match &sub {
            Some(sub) => value.get(sub).filter(|it| !it.is_null()),
            None => Some(value),
        })
    }

    /// The value of the attribute, or the extension as a whole.
    fn top<'d>(&self, document: &'d Attributes) -> Option<&'d Value> {
        let holder = match &self.extension {
            Some(uri) => document.get(uri)?.as_object()?,
            None => document,
        };
        match &self.attribute {
            Some(attribute) => holder.get(attribute).filter(|it| !it.is_null()),
            None => document.get(self.extension.as_deref()?),
        }
    }

    fn is_lacking(&self, document: &Attributes) -> bool {
        if self.sub_attribute.is_some() {
            let whole = Self {
                sub_attribute: None,
                ..self.clone()
            };
            let elements = whole.top(document).into_iter().flat_map(elements);
            return elements.count() > self.values(document).filter(|it| is_given(it)).count();
        }
        let applies = match (&self.extension, &self.attribute) {
            (Some(uri), Some(_)) => document.contains_key(uri),
            _ => true,
        };
        applies && !self.values(document).any(is_given)
    }
}

/// The empty string satisfies no requirement (RFC 7643 §2.5).
fn is_given(value: &Value) -> bool {
    value.as_str() != Some("")
}

fn elements(value: &Value) -> std::slice::Iter<'_, Value> {
    match value {
        Value::Array(elements) => elements.iter(),
        singular => std::slice::from_ref(singular).iter(),
    }
}
