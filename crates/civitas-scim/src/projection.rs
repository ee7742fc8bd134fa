//! Which attributes a representation shows: the `attributes` and `excludedAttributes`
//! parameters together with the `returned` characteristic (RFC 7644 §3.9).

use serde_json::Value;

use crate::{
    Attributes, Invalid,
    path::AttrPath,
    schema::{Attribute, ResourceType, Returned},
};

/// The names in a parameter's comma-separated list, blanks around them aside.
pub fn names(list: &str) -> Vec<String> {
    list.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What a caller asked to see of the resources of one type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Projection {
    choice: Choice,
    names: Vec<Name>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Choice {
    /// Neither parameter: what is returned by default.
    #[default]
    Default,
    /// The named, among them what is always returned.
    Only,
    /// The defaults without the named.
    Except,
}

/// A resolved name, in registered spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    /// URI of the extension; `None` for core and common attributes.
    extension: Option<String>,
    /// `None` for all of the schema's attributes.
    attribute: Option<String>,
    sub_attribute: Option<String>,
}

/// How much of an attribute is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Nothing,
    /// The sub-attributes that are named, or for [`Choice::Except`] those that are not.
    Some,
    Whole,
}

impl Projection {
    /// Resolves the names of the two parameters against a resource type. Names that the type
    /// does not know are ignored, as is a list without any name in it.
    ///
    /// # Errors
    ///
    /// `invalidValue` if both parameters are there: they exclude each other.
    pub fn parse(
        attributes: Option<&[String]>,
        excluded: Option<&[String]>,
        resource_type: &ResourceType,
    ) -> Result<Self, Invalid> {
        let filled = |list: Option<&[String]>| list.is_some_and(|names| !names.is_empty());
        let (choice, list) = match (filled(attributes), filled(excluded)) {
            (true, true) => {
                return Err(Invalid::value(
                    "attributes and excludedAttributes exclude each other",
                ));
            }
            (true, false) => (Choice::Only, attributes),
            (false, true) => (Choice::Except, excluded),
            (false, false) => return Ok(Self::default()),
        };
        let list = list.unwrap_or_default().iter();
        let mut names: Vec<_> = list
            .filter_map(|name| Name::resolve(name.trim(), resource_type))
            .collect();
        if choice == Choice::Only {
            names.extend(Name::minimum(resource_type));
        }
        Ok(Self { choice, names })
    }

    /// Whether neither parameter was there, so that a stored text may be sent as it is if
    /// [`ResourceType::splices`].
    pub fn is_default(&self) -> bool {
        self.choice == Choice::Default
    }

    /// Whether the parameters leave in, wholly or in part, the core or common attribute of
    /// that name. What is computed for a representation, such as `members`, need not be read
    /// if they do not (S-7644-3.9-13).
    pub fn includes(&self, attribute: &str) -> bool {
        let mut about = self.names.iter().filter(|name| {
            let is_named = |it: &String| it.eq_ignore_ascii_case(attribute);
            name.extension.is_none() && name.attribute.as_ref().is_none_or(is_named)
        });
        match self.choice {
            Choice::Default => true,
            Choice::Only => about.next().is_some(),
            Choice::Except => !about.any(|name| name.sub_attribute.is_none()),
        }
    }

    /// The attributes to show of a resource whose names are in registered spelling. What the
    /// type does not define is not shown.
    pub fn apply(&self, attributes: Attributes, resource_type: &ResourceType) -> Attributes {
        let mut shown = Attributes::with_capacity(attributes.len());
        for (name, value) in attributes {
            let value = if let Some(attribute) = resource_type.base_attribute(&name) {
                self.show(None, attribute, value)
            } else {
                self.show_container(&name, value, resource_type)
            };
            shown.extend(value.map(|value| (name, value)));
        }
        shown
    }

    fn show_container(
        &self,
        uri: &str,
        container: Value,
        resource_type: &ResourceType,
    ) -> Option<Value> {
        let schema = &resource_type.extension(uri)?.schema;
        let Value::Object(members) = container else {
            return None;
        };
        let mut shown = Attributes::new();
        for (name, value) in members {
            let attribute = schema.attribute(&name);
            let value = attribute.and_then(|it| self.show(Some(&schema.id), it, value));
            shown.extend(value.map(|value| (name, value)));
        }
        (!shown.is_empty()).then_some(Value::Object(shown))
    }

    fn show(&self, extension: Option<&str>, attribute: &Attribute, value: Value) -> Option<Value> {
        let part = self.part(extension, attribute);
        if part == Part::Nothing {
            return None;
        }
        let is_shown = |sub: &Attribute| self.shows_sub(extension, attribute, sub, part);
        if attribute.sub_attributes.iter().all(is_shown) {
            return Some(value);
        }
        let reduce = |object: Value| match object {
            Value::Object(mut members) => {
                members.retain(|name, _| attribute.sub_attribute(name).is_some_and(is_shown));
                (!members.is_empty()).then_some(Value::Object(members))
            }
            _ => None,
        };
        match value {
            Value::Array(elements) if !elements.is_empty() => {
                let elements: Vec<_> = elements.into_iter().filter_map(reduce).collect();
                (!elements.is_empty()).then_some(Value::Array(elements))
            }
            Value::Object(_) => reduce(value),
            other => Some(other),
        }
    }

    fn part(&self, extension: Option<&str>, attribute: &Attribute) -> Part {
        if attribute.is_secret() {
            return Part::Nothing;
        }
        let named = self.named(extension, attribute);
        let (mut whole, mut some) = (false, false);
        for name in named {
            whole |= name.sub_attribute.is_none();
            some |= name.sub_attribute.is_some();
        }
        match self.choice {
            Choice::Only if whole => Part::Whole,
            Choice::Only if some => Part::Some,
            Choice::Only => Part::Nothing,
            _ if attribute.returned == Returned::Always => Part::Whole,
            _ if attribute.returned == Returned::Request || whole => Part::Nothing,
            _ if some => Part::Some,
            _ => Part::Whole,
        }
    }

    fn shows_sub(
        &self,
        extension: Option<&str>,
        attribute: &Attribute,
        sub: &Attribute,
        part: Part,
    ) -> bool {
        let is_named = || {
            let mut named = self.named(extension, attribute);
            named.any(|name| name.sub_attribute.as_ref() == Some(&sub.name))
        };
        match (sub.returned, self.choice) {
            _ if sub.is_secret() => false,
            (Returned::Always, _) | (Returned::Default, Choice::Default) => true,
            (Returned::Request, Choice::Only) => is_named(),
            (Returned::Request | Returned::Never, _) => false,
            (Returned::Default, Choice::Only) => part == Part::Whole || is_named(),
            (Returned::Default, Choice::Except) => part == Part::Whole || !is_named(),
        }
    }

    fn named<'p>(
        &'p self,
        extension: Option<&'p str>,
        attribute: &'p Attribute,
    ) -> impl Iterator<Item = &'p Name> {
        self.names.iter().filter(move |name| {
            let is_meant = |it: &String| *it == attribute.name;
            name.extension.as_deref() == extension && name.attribute.as_ref().is_none_or(is_meant)
        })
    }
}

impl Name {
    fn resolve(written: &str, resource_type: &ResourceType) -> Option<Self> {
        if written.eq_ignore_ascii_case(&resource_type.schema.id) {
            return Some(Self {
                extension: None,
                attribute: None,
                sub_attribute: None,
            });
        }
        let path = AttrPath::parse(written).ok()?;
        let found = path.resolve(resource_type)?;
        let name = |attribute: &Attribute| attribute.name.clone();
        Some(Self {
            extension: found.extension.map(str::to_owned),
            attribute: found.attribute.map(name),
            sub_attribute: found.sub_attribute.map(name),
        })
    }

    /// What is returned always.
    fn minimum(resource_type: &ResourceType) -> impl Iterator<Item = Self> {
        resource_type
            .attributes()
            .filter(|(_, attribute)| attribute.returned == Returned::Always)
            .map(|(extension, attribute)| Self {
                extension: extension.map(|it| it.schema.id.clone()),
                attribute: Some(attribute.name.clone()),
                sub_attribute: None,
            })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{core, schema::urn::ENTERPRISE_USER as ENTERPRISE};

    fn full() -> Value {
        json!({
            "schemas": ["s"],
            "id": "1",
            "userName": "bj",
            "password": "p",
            "title": "T",
            "name": {"givenName": "B", "familyName": "J"},
            "emails": [{"value": "a@b", "type": "work"}, {"type": "home"}],
            ENTERPRISE: {"department": "d", "manager": {"value": "26"}},
            "meta": {"created": "c", "version": "v"},
        })
    }

    fn only(members: Value) -> Value {
        let mut expected = json!({"schemas": ["s"], "id": "1"});
        let (Value::Object(into), Value::Object(from)) = (&mut expected, members) else {
            panic!("objects");
        };
        into.extend(from);
        expected
    }

    /// Everything, with the members at these JSON pointers taken out.
    fn without(pointers: &[&str]) -> Value {
        let mut expected = full();
        for pointer in [&["/password"], pointers].concat() {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let parent = expected.pointer_mut(parent).unwrap();
            parent.as_object_mut().unwrap().remove(name).unwrap();
        }
        expected
    }

    fn project(attributes: Option<&str>, excluded: Option<&str>, rt: &ResourceType) -> Value {
        let attributes = attributes.map(names);
        let excluded = excluded.map(names);
        let projection = Projection::parse(attributes.as_deref(), excluded.as_deref(), rt).unwrap();
        let Value::Object(full) = full() else {
            panic!("an object");
        };
        Value::Object(projection.apply(full, rt))
    }

    #[test]
    fn t_proj_attributes() {
        let department = format!("{ENTERPRISE}:DEPARTMENT");
        let manager = format!("{}:manager.value", ENTERPRISE.to_uppercase());
        for (id, attributes, expected) in [
            ("T-PROJ-01", "userName", json!({"userName": "bj"})),
            (
                "T-PROJ-02",
                " USERNAME , name.givenName,",
                json!({"userName": "bj", "name": {"givenName": "B"}}),
            ),
            (
                "T-PROJ-03",
                "emails.value",
                json!({"emails": [{"value": "a@b"}]}),
            ),
            (
                "T-PROJ-04",
                &department,
                json!({ENTERPRISE: {"department": "d"}}),
            ),
            (
                "T-PROJ-05",
                ENTERPRISE,
                json!({ENTERPRISE: {"department": "d", "manager": {"value": "26"}}}),
            ),
            ("T-PROJ-06", "password", json!({})),
            ("T-PROJ-07", "nosuch,a.b.c,name.nosuch,urn:x:y", json!({})),
            (
                "S-7644-3.9-07",
                "name,name.givenName",
                json!({"name": {"givenName": "B", "familyName": "J"}}),
            ),
            (
                "S-7644-3.9-10",
                "meta.version",
                json!({"meta": {"version": "v"}}),
            ),
            (
                "S-7644-3.10-01",
                &manager,
                json!({ENTERPRISE: {"manager": {"value": "26"}}}),
            ),
            (
                "S-7644-3.10-03",
                "department",
                json!({ENTERPRISE: {"department": "d"}}),
            ),
            (
                "S-7644-3.10-02",
                "urn:ietf:params:scim:schemas:core:2.0:user:title",
                json!({"title": "T"}),
            ),
        ] {
            let shown = project(Some(attributes), None, &core::user());
            assert_eq!(shown, only(expected), "{id}: {attributes}");
        }
    }

    #[test]
    fn t_proj_excluded_attributes() {
        let container = format!("/{ENTERPRISE}");
        let manager = format!("{container}/manager");
        let both = format!("{ENTERPRISE}:manager,department");
        for (id, excluded, pointers) in [
            ("T-PROJ-08", "id,schemas,title", &["/title"][..]),
            ("T-PROJ-09", &format!("{ENTERPRISE}:manager"), &[&manager]),
            ("S-7644-3.9-11", &both, &[&container]),
            (
                "S-7644-3.9-11",
                &format!("{ENTERPRISE}:manager.value"),
                &[&manager],
            ),
            ("S-7644-3.9-07", ENTERPRISE, &[&container]),
            ("S-7644-3.9-10", "meta", &["/meta"]),
            ("S-7644-3.9-10", "meta.created", &["/meta/created"]),
            ("S-7644-3.9-08", "nosuch", &[]),
        ] {
            let shown = project(None, Some(excluded), &core::user());
            assert_eq!(shown, without(pointers), "{id}: {excluded}");
        }
        let mut expected = without(&[]);
        expected["emails"] = json!([{"value": "a@b"}]);
        let shown = project(None, Some("emails.type"), &core::user());
        assert_eq!(shown, expected, "T-PROJ-10");
    }

    #[test]
    fn without_parameters_the_defaults_are_shown() {
        assert_eq!(project(None, None, &core::user()), without(&[]));
        assert_eq!(project(Some(""), Some(" ,"), &core::user()), without(&[]));
    }

    #[test]
    fn t_proj_11_both_parameters_are_refused() {
        let name = ["title".to_owned()];
        let both = Projection::parse(Some(&name), Some(&name), &core::user());
        assert_eq!(both.unwrap_err().scim_type, crate::ScimType::InvalidValue);
    }

    #[test]
    fn s_7643_7_07_returned_on_request_and_always() {
        let mut rt = core::user();
        for (name, returned) in [("title", Returned::Request), ("userName", Returned::Always)] {
            let mut attributes = rt.schema.attributes.iter_mut();
            attributes.find(|it| it.name == name).unwrap().returned = returned;
        }
        let manager = rt.extensions[0].schema.attributes.last_mut().unwrap();
        manager.returned = Returned::Always;
        let always = json!({"userName": "bj", ENTERPRISE: {"manager": {"value": "26"}}});
        assert_eq!(project(None, None, &rt), without(&["/title"]));
        assert_eq!(project(None, Some("userName"), &rt), without(&["/title"]));
        assert_eq!(project(Some("nosuch"), None, &rt), only(always.clone()));
        let mut named = always;
        named["title"] = json!("T");
        assert_eq!(project(Some("title"), None, &rt), only(named));
    }

    #[test]
    fn t_proj_13_what_is_left_out_need_not_be_read() {
        let rt = core::group();
        let projection = |attributes: &str, excluded: &str| {
            Projection::parse(Some(&names(attributes)), Some(&names(excluded)), &rt).unwrap()
        };
        for (attributes, excluded, is_included) in [
            ("", "", true),
            ("displayName", "", false),
            ("members.value", "", true),
            ("MEMBERS", "", true),
            ("", "members", false),
            ("", "members.display", true),
            ("", "displayName", true),
            (&rt.schema.id, "", true),
            ("", &rt.schema.id, false),
        ] {
            let projection = projection(attributes, excluded);
            assert_eq!(
                projection.includes("members"),
                is_included,
                "attributes={attributes}&excludedAttributes={excluded}"
            );
            assert_eq!(projection.is_default(), attributes == excluded);
            assert!(!excluded.is_empty() || projection.includes("id"));
        }
    }
}
