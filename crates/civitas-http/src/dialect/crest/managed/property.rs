//! Properties of managed objects: what they hold, and where in a resource it is kept.

use std::borrow::Cow;

use civitas_scim::{
    Attributes,
    condition::{Condition, Target},
    filter::Operator as Scim,
    schema::{Attribute, ResourceType, urn},
    value::{Comparison, Key, is_present},
};
use serde_json::{Value, json};

use super::policy::Policy;
use crate::part::{set, set_within};

/// What values a property takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Number,
    Boolean,
    Object,
    /// An array, whose elements are texts.
    Texts,
    /// An array of whatever.
    List,
}

impl Shape {
    /// The names of the JSON types that are taken.
    pub(super) const fn names(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Object => "object",
            Self::Texts | Self::List => "array",
        }
    }

    pub(super) const fn is_list(self) -> bool {
        matches!(self, Self::Texts | Self::List)
    }

    /// What is shown where there is no value.
    pub(super) const fn unset(self) -> Value {
        if self.is_list() {
            Value::Array(Vec::new())
        } else {
            Value::Null
        }
    }
}

/// Where the value of a property is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Home {
    /// An attribute of the base schema.
    Attribute(Cow<'static, str>),
    /// A sub-attribute.
    Part(&'static str, &'static str),
    /// A sub-attribute of the element that stands for a multi-valued attribute: the primary
    /// one, else the first. A new one is for work.
    Leading(&'static str, &'static str),
    /// `active`: every user is active that was not made inactive.
    Status,
    /// The password, which is never shown.
    Password,
    /// An attribute of an extension of this dialect.
    Extension {
        uri: &'static str,
        attribute: Cow<'static, str>,
    },
    /// An attribute of an extension or of the base schema whose elements are texts of JSON:
    /// what no schema can describe.
    Json {
        uri: Option<&'static str>,
        attribute: &'static str,
    },
    /// An attribute whose values hold a text of JSON: objects of a type that a client has added.
    Boxed(Cow<'static, str>),
    /// The user's manager, a reference.
    Manager,
    /// References to any number of objects, kept beside the resource.
    Relationship,
    /// Worked out from other things; what clients send is passed over.
    Derived,
}

/// A property of a type of managed objects.
#[derive(Debug, Clone)]
pub(super) struct Property {
    pub(super) name: Cow<'static, str>,
    pub(super) shape: Shape,
    pub(super) home: Home,
    pub(super) required: bool,
    pub(super) policies: &'static [Policy],
}

impl Property {
    pub(super) const fn new(name: &'static str, shape: Shape, home: Home) -> Self {
        Self {
            name: Cow::Borrowed(name),
            shape,
            home,
            required: false,
            policies: &[],
        }
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn under(mut self, policies: &'static [Policy]) -> Self {
        self.policies = policies;
        self
    }

    /// Whether an answer shows it unless it is asked for.
    pub(super) fn is_shown(&self) -> bool {
        !matches!(
            self.home,
            Home::Password | Home::Manager | Home::Relationship
        )
    }

    /// The value in a resource; `None` where there is none.
    pub(super) fn value(&self, attributes: &Attributes) -> Option<Value> {
        let found = match &self.home {
            Home::Attribute(name) => attributes.get(name.as_ref()).cloned(),
            Home::Part(name, part) => attributes.get(*name)?.get(part).cloned(),
            Home::Leading(name, part) => leading(attributes, name)?.get(part).cloned(),
            Home::Status => {
                let inactive = attributes.get("active") == Some(&Value::Bool(false));
                Some(Value::from(if inactive { "inactive" } else { "active" }))
            }
            Home::Extension { uri, attribute } => {
                attributes.get(*uri)?.get(attribute.as_ref()).cloned()
            }
            Home::Json { uri, attribute } => {
                let own = match uri {
                    Some(uri) => attributes.get(*uri)?.get(attribute)?,
                    None => attributes.get(*attribute)?,
                };
                let texts = own.as_array()?;
                let read =
                    |it: &Value| -> Option<Value> { serde_json::from_str(it.as_str()?).ok() };
                Some(texts.iter().filter_map(read).collect())
            }
            Home::Boxed(name) => match attributes.get(name.as_ref())? {
                Value::Array(all) => Some(all.iter().filter_map(unboxed).collect()),
                one => unboxed(one),
            },
            Home::Password | Home::Manager | Home::Relationship | Home::Derived => None,
        };
        found.filter(is_present)
    }

    /// Puts a value where it belongs; `None` takes it away.
    pub(super) fn put(&self, attributes: &mut Attributes, value: Option<Value>) {
        match &self.home {
            Home::Attribute(name) => set(attributes, name, value),
            Home::Part(name, part) => set_within(attributes, name, part, value),
            Home::Leading(name, part) => set_leading(attributes, name, part, value),
            Home::Status => {
                let inactive = value
                    .as_ref()
                    .and_then(Value::as_str)
                    .is_some_and(is_inactive);
                set(attributes, "active", Some(Value::Bool(!inactive)));
            }
            Home::Password => set(attributes, "password", value),
            Home::Extension { uri, attribute } => set_within(attributes, uri, attribute, value),
            Home::Json { uri, attribute } => {
                let texts = value.map(|value| match value {
                    Value::Array(elements) => elements
                        .iter()
                        .map(|it| Value::from(it.to_string()))
                        .collect(),
                    other => json!([other.to_string()]),
                });
                match uri {
                    Some(uri) => set_within(attributes, uri, attribute, texts),
                    None => set(attributes, attribute, texts),
                }
            }
            Home::Boxed(name) => {
                let boxed = value.map(|value| match value {
                    Value::Array(all) => all.iter().map(boxed).collect(),
                    one => boxed(&one),
                });
                set(attributes, name, boxed);
            }
            Home::Manager => {
                let id = value.as_ref().and_then(reference_id);
                let manager = id.map(|id| json!({ "value": id }));
                set_within(attributes, urn::ENTERPRISE_USER, "manager", manager);
            }
            Home::Relationship | Home::Derived => {}
        }
    }

    /// What the property, or the part of it that the names lead to, is to a search; `None`
    /// where it can never match.
    pub(super) fn target(&self, within: &[String], resource_type: &ResourceType) -> Option<Target> {
        let of = |extension: Option<&str>, attribute: &Attribute, part: Option<&str>| {
            let sub = match part {
                Some(part) => Some(attribute.sub_attribute(part)?),
                None => None,
            };
            Some(Target::new(extension, attribute, sub))
        };
        let base = |name: &str| resource_type.base_attribute(name);
        match (&self.home, within) {
            (Home::Attribute(name), []) => of(None, base(name)?, None),
            (Home::Part(name, part) | Home::Leading(name, part), []) => {
                of(None, base(name)?, Some(part))
            }
            (Home::Status, []) => of(None, base("active")?, None),
            (Home::Extension { uri, attribute }, [] | [_]) => {
                let extension = resource_type.extension(uri)?;
                let attribute = extension.schema.attribute(attribute)?;
                of(Some(uri), attribute, within.first().map(String::as_str))
            }
            (Home::Manager, [part]) if part == "_refResourceId" => {
                let extension = resource_type.extension(urn::ENTERPRISE_USER)?;
                let manager = extension.schema.attribute("manager")?;
                of(Some(urn::ENTERPRISE_USER), manager, Some("value"))
            }
            _ => None,
        }
    }
}

/// An attribute as a property, of the extension of that schema or of the base: what
/// administrators add to it.
pub(super) fn custom(uri: Option<&'static str>, attribute: &Attribute) -> Property {
    use civitas_scim::schema::Type;
    let shape = match (attribute.multi_valued, attribute.r#type) {
        (true, Type::Complex) => Shape::List,
        (true, _) => Shape::Texts,
        (false, Type::Complex) => Shape::Object,
        (false, Type::Boolean) => Shape::Boolean,
        (false, Type::Integer | Type::Decimal) => Shape::Number,
        (false, _) => Shape::Text,
    };
    Property {
        name: Cow::Owned(attribute.name.clone()),
        shape,
        home: match uri {
            None if attribute.sub_attribute(JSON).is_some() => {
                Home::Boxed(Cow::Owned(attribute.name.clone()))
            }
            Some(uri) => Home::Extension {
                uri,
                attribute: Cow::Owned(attribute.name.clone()),
            },
            None => Home::Attribute(Cow::Owned(attribute.name.clone())),
        },
        required: uri.is_none() && attribute.required,
        policies: &[],
    }
}

/// The sub-attribute that holds a text of JSON.
pub(super) const JSON: &str = "json";

fn boxed(value: &Value) -> Value {
    json!({ JSON: value.to_string() })
}

fn unboxed(value: &Value) -> Option<Value> {
    serde_json::from_str(value.get(JSON)?.as_str()?).ok()
}

/// Whether a status is that of an account that may not be used.
pub(super) fn is_inactive(status: &str) -> bool {
    status.eq_ignore_ascii_case("inactive")
}

/// That `active` is false.
pub(super) fn inactive(target: Target) -> Condition {
    let key = Key::Integer(0);
    debug_assert_eq!(target.comparison, Comparison::Boolean);
    Condition::Compare(target, Scim::Eq, key)
}

/// The id of the object that a reference names.
pub(super) fn reference_id(reference: &Value) -> Option<&str> {
    let named = reference.get("_ref").and_then(Value::as_str);
    let id = named.and_then(|it| it.rsplit('/').next());
    id.or_else(|| reference.get("_refResourceId").and_then(Value::as_str))
}

/// The id of the object that a reference names, if it leads to one of the collection at that
/// path: `managed/alpha_user`.
pub(super) fn reference_to<'v>(reference: &'v Value, path: &str) -> Option<&'v str> {
    if let Some(named) = reference.get("_ref") {
        let id = named.as_str()?.strip_prefix(path)?.strip_prefix('/')?;
        return (!id.is_empty()).then_some(id);
    }
    let named = reference.get("_refResourceCollection")?.as_str()?;
    let id = reference.get("_refResourceId")?.as_str()?;
    (named == path).then_some(id)
}

fn leading<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a Value> {
    let elements = attributes.get(name)?.as_array()?;
    elements.get(place(elements)?)
}

/// The place of the primary element, else of the first.
fn place(elements: &[Value]) -> Option<usize> {
    let is_primary = |it: &Value| it.get("primary") == Some(&Value::Bool(true));
    let primary = elements.iter().position(is_primary);
    primary.or((!elements.is_empty()).then_some(0))
}

fn set_leading(attributes: &mut Attributes, name: &str, part: &str, value: Option<Value>) {
    let list = attributes.entry(name.to_owned()).or_insert(Value::Null);
    if !list.is_array() {
        *list = Value::Array(Vec::new());
    }
    let Value::Array(elements) = list else {
        return;
    };
    match (place(elements), value) {
        (Some(place), value) => {
            if let Some(Value::Object(element)) = elements.get_mut(place) {
                set(element, part, value);
                let is_left = element.keys().any(|it| it != "type" && it != "primary");
                if !is_left {
                    elements.remove(place);
                }
            }
        }
        (None, Some(value)) => {
            elements.push(json!({ "type": "work", "primary": true, part: value }));
        }
        (None, None) => {}
    }
    if elements.is_empty() {
        attributes.shift_remove(name);
    }
}
