//! Objects as text of JSON, straight from the documents that are stored.
//!
//! The usual answer shows every property of a type, and most of them have no value: values are
//! copied as they are stored, and no object is built in between. What is written here is what
//! [`object::whole`] shows.

use std::{borrow::Cow, fmt};

use civitas_directory::{Found, Record};
use civitas_scim::value::is_present;
use serde::{Deserialize, Deserializer, de};
use serde_json::{Value, value::RawValue};

use super::{
    kind::{Collection, Kind},
    object::{self, Object},
    property::{Home, Property, Shape},
};

/// What an answer shows of a record; `derived` has the values of what is worked out.
pub(super) fn whole(collection: &Collection<'_>, found: &Found, derived: &Object) -> String {
    if let Some(document) = Document::of(&found.record) {
        return written(collection, document, derived);
    }
    let mut object = object::whole(collection, found);
    object.extend(derived.clone());
    Value::Object(object).to_string()
}

fn written<'c>(
    collection: &'c Collection<'_>,
    mut document: Document<'_, 'c>,
    derived: &Object,
) -> String {
    let record = document.record;
    let id = match collection.kind {
        Kind::Group => Cow::Owned(object::id(collection, record, &record.attributes()).into()),
        _ => collection.object_id(&record.id),
    };
    let mut text = String::with_capacity(record.document.len() + 4_096);
    text.push_str("{\"_id\":");
    text.push_str(&Value::from(id.as_ref()).to_string());
    text.push_str(",\"_rev\":\"");
    text.push_str(&object::revision(record));
    text.push('"');
    let shows_unset = collection.kind.shows_unset();
    for property in collection.properties().filter(|it| it.is_shown()) {
        let value = match property.home {
            Home::Derived => derived
                .get(property.name.as_ref())
                .map(|it| it.to_string().into()),
            _ => document.value(property),
        };
        let is_told = shows_unset || property.home == Home::Derived;
        let unset = || is_told.then(|| Cow::Borrowed(unset(property.shape)));
        if let Some(value) = value.or_else(unset) {
            // Names of attributes have nothing that is escaped (RFC 7643 §2.1).
            text.push_str(",\"");
            text.push_str(&property.name);
            text.push_str("\":");
            text.push_str(&value);
        }
    }
    text.push('}');
    text
}

const fn unset(shape: Shape) -> &'static str {
    if shape.is_list() { "[]" } else { "null" }
}

/// A stored document, opened as far as somebody has looked.
struct Document<'d, 'c> {
    record: &'d Record,
    members: Members<'d>,
    /// Attributes that were looked into: the members of their value, or of the element that
    /// stands for it.
    opened: Vec<(&'c str, Option<Members<'d>>)>,
}

impl<'d, 'c> Document<'d, 'c> {
    fn of(record: &'d Record) -> Option<Self> {
        let members = serde_json::from_str(&record.document).ok()?;
        Some(Self {
            record,
            members,
            opened: Vec::new(),
        })
    }

    /// The text of a property's value; `None` where there is none.
    fn value(&mut self, property: &'c Property) -> Option<Cow<'d, str>> {
        let stored = match &property.home {
            Home::Attribute(name) => self.members.get(name)?,
            Home::Part(name, part) => self.within(name, object_of)?.get(part)?,
            Home::Leading(name, part) => self.within(name, leading)?.get(part)?,
            Home::Extension { uri, attribute } => self.within(uri, object_of)?.get(attribute)?,
            Home::Status => {
                let inactive = self.members.get("active") == Some("false");
                let status = if inactive {
                    "\"inactive\""
                } else {
                    "\"active\""
                };
                return Some(status.into());
            }
            Home::Json { uri, attribute } => {
                match uri {
                    Some(uri) => self.within(uri, object_of)?.get(attribute)?,
                    None => self.members.get(attribute)?,
                };
                return self.read(property);
            }
            Home::Boxed(name) => {
                self.members.get(name)?;
                return self.read(property);
            }
            Home::Password | Home::Manager | Home::Relationship | Home::Derived => return None,
        };
        is_stored(stored).then_some(Cow::Borrowed(stored))
    }

    /// The value of a property that is not stored as it is shown.
    fn read(&self, property: &Property) -> Option<Cow<'d, str>> {
        let value = property.value(&self.record.attributes())?;
        Some(value.to_string().into())
    }

    /// The members of an attribute's value, or of the part of it that is picked.
    fn within(
        &mut self,
        name: &'c str,
        pick: fn(&'d str) -> Option<Members<'d>>,
    ) -> Option<&Members<'d>> {
        let known = self.opened.iter().position(|(it, _)| *it == name);
        let at = known.unwrap_or_else(|| {
            let members = self.members.get(name).and_then(pick);
            self.opened.push((name, members));
            self.opened.len() - 1
        });
        self.opened[at].1.as_ref()
    }
}

fn object_of(text: &str) -> Option<Members<'_>> {
    serde_json::from_str(text).ok()
}

/// The primary element of a list, else the first.
fn leading(text: &str) -> Option<Members<'_>> {
    let mut elements: Vec<Members<'_>> = serde_json::from_str(text).ok()?;
    let primary = elements
        .iter()
        .position(|it| it.get("primary") == Some("true"));
    let place = primary.unwrap_or(0);
    (place < elements.len()).then(|| elements.swap_remove(place))
}

/// Whether a text of JSON is of a value that counts as assigned.
fn is_stored(text: &str) -> bool {
    match text.as_bytes() {
        b"null" | b"\"\"" => false,
        [b'[' | b'{', ..] => serde_json::from_str(text).is_ok_and(|it| is_present(&it)),
        _ => true,
    }
}

/// The members of an object of JSON, whose values stay text.
struct Members<'d>(Vec<(Cow<'d, str>, &'d str)>);

/// A name, which is copied only if something in it is escaped.
#[derive(Deserialize)]
struct Name<'d>(#[serde(borrow)] Cow<'d, str>);

impl<'d> Members<'d> {
    fn get(&self, name: &str) -> Option<&'d str> {
        let mut members = self.0.iter();
        members.find(|(it, _)| it == name).map(|(_, value)| *value)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(24);
                while let Some((Name(name), value)) =
                    map.next_entry::<Name<'de>, &'de RawValue>()?
                {
                    members.push((name, value.get()));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use civitas_directory::{Catalogue, Timestamp, Version, store::Position};
    use civitas_scim::Attributes;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn found(document: String) -> Found {
        Found {
            record: Record {
                resource_type: "User".into(),
                id: "0f2c6a0e-2c57-4b6e-9a2b-6f1d2f0f8f11".into(),
                position: Position(1),
                version: Version(7),
                created: Timestamp(0),
                modified: Timestamp(0),
                document,
            },
            groups: None,
            members: None,
        }
    }

    fn both(name: &str, found: &Found, derived: &Object) -> (String, String) {
        let catalogue = Catalogue::standard();
        let collection = Collection::named(name, &catalogue).unwrap();
        let mut object = object::whole(&collection, found);
        object.extend(derived.clone());
        let object = Value::Object(object).to_string();
        (whole(&collection, found, derived), object)
    }

    #[test]
    fn odd_documents_are_shown_alike() {
        let derived = json!({ "effectiveRoles": [{ "_ref": "managed/alpha_role/x" }] });
        let derived = derived.as_object().cloned().unwrap();
        for document in [
            "{}",
            "[1]",
            r#"{"userName":"","displayName":null,"active":false}"#,
            r#"{"userNam\u0065":"esc\"aped","name":{"givenName":"Ö"},"name2":1}"#,
            r#"{"name":"no object","emails":{"value":"no list"},"addresses":[]}"#,
            r#"{"emails":[{"value":"a"},{"value":"b","primary":true}],"addresses":[{"region":""}]}"#,
            r#"{"emails":["text"],"phoneNumbers":[{"type":"work"}]}"#,
        ] {
            let (text, object) = both("alpha_user", &found(document.into()), &derived);
            assert_eq!(text, object, "{document}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[ a-z\"\\\\é]{0,4}".prop_map(Value::from),
            proptest::collection::vec("[a-z\"]{0,2}", 0..3).prop_map(Value::from),
            "[a-z]{0,2}".prop_map(|it| json!({ "key": it })),
            "[a-z]{0,2}".prop_map(|it| json!([{ "key": it }, null])),
        ]
    }

    proptest! {
        #[test]
        fn documents_are_shown_as_their_objects(
            values in proptest::collection::vec((any::<prop::sample::Index>(), value()), 0..30),
        ) {
            let catalogue = Catalogue::standard();
            for name in ["alpha_user", "alpha_group", "alpha_role", "alpha_organization"] {
                let collection = Collection::named(name, &catalogue).unwrap();
                let properties: Vec<&Property> = collection.properties().collect();
                let mut attributes = Attributes::new();
                for (at, value) in &values {
                    at.get(&properties).put(&mut attributes, Some(value.clone()));
                }
                let document = Value::Object(attributes).to_string();
                let (text, object) = both(name, &found(document), &Object::new());
                prop_assert_eq!(text, object);
            }
        }
    }
}
