//! Which attributes an answer shows: `attributes`, `attributeSets`, and when an attribute is
//! returned. Pure.

use civitas_scim::{
    condition::Condition,
    filter::{self, Filter},
    path::AttrPath,
    schema::Returned,
    tolerance::Tolerance,
};
use serde_json::{Map, Value};

use super::{
    custom,
    fault::Fault,
    kind::Kind,
    object::Object,
    parameters::{MAX_COUNT, Parameters},
};
use crate::attribute::Attribute;

/// The entry that asks for the number of rows in place of them.
const COUNT: &str = "count(*)";

/// What is shown.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "sets of attributes are asked for in any combination"
)]
pub(super) struct Projection {
    /// Whether anything was asked for at all.
    asked: bool,
    /// Attributes by when they are returned: by default, on request.
    default: bool,
    request: bool,
    names: Vec<Name>,
    /// Names of attributes that administrators have added; an empty one is all of them.
    custom: Vec<String>,
    counts: bool,
}

/// An entry of `attributes`.
#[derive(Debug)]
struct Name {
    /// Of an extension, its URI.
    extension: Option<&'static str>,
    /// `None` for all of an extension.
    attribute: Option<&'static str>,
    sub: Option<&'static str>,
    /// Which elements.
    elements: Elements,
}

/// Which elements of an attribute are shown.
#[derive(Debug)]
enum Elements {
    All,
    Matching(Box<Condition>),
    Page { skip: usize, count: usize },
}

impl Projection {
    pub(super) fn read(kind: Kind, parameters: &Parameters) -> Result<Self, Fault> {
        let mut projection = Self {
            asked: !(parameters.attributes.is_empty() && parameters.sets.is_empty()),
            ..Self::default()
        };
        for set in &parameters.sets {
            match set.to_ascii_lowercase().as_str() {
                "all" => (projection.default, projection.request) = (true, true),
                "default" => projection.default = true,
                "request" => projection.request = true,
                "always" | "never" => {}
                _ => {
                    let id = "error.common.validation.invalidCanonicalValue";
                    let detail = format!("{set} is not an allowed value for attributeSets.");
                    return Err(Fault::invalid(id, detail));
                }
            }
        }
        for entry in &parameters.attributes {
            if entry == COUNT {
                projection.counts = true;
            } else if let Some(name) = custom::named(entry) {
                projection.custom.push(name.to_owned());
            } else {
                projection.names.extend(Name::read(kind, entry)?);
            }
        }
        projection.default |= !projection.asked;
        Ok(projection)
    }

    /// Whether the number of rows is asked for.
    pub(super) const fn counts(&self) -> bool {
        self.counts
    }

    /// Whether an attribute of the base schema is shown, if there is one.
    pub(super) fn shows(&self, attribute: &Attribute) -> bool {
        self.has(attribute.returned) || self.about(None, attribute).next().is_some()
    }

    /// Whether an attribute that an administrator has added is shown.
    pub(super) fn shows_custom(&self, name: &str, returned: Returned) -> bool {
        self.has(returned) || custom::is_asked(&self.custom, name, returned)
    }

    /// What is shown of a resource.
    pub(super) fn apply(&self, kind: Kind, object: Object) -> Object {
        let mut shown = Object::with_capacity(object.len());
        for (name, value) in object {
            if let Some(schema) = kind.extension(&name) {
                let Value::Object(container) = value else {
                    continue;
                };
                let known = container.into_iter().filter_map(|(name, value)| {
                    let attribute = schema.attribute(&name)?;
                    let value = self.show(Some(schema.uri), attribute, value)?;
                    Some((name, value))
                });
                let known: Object = known.collect();
                if !known.is_empty() {
                    shown.insert(name, Value::Object(known));
                }
            } else if let Some(attribute) = kind.attribute(None, &name)
                && let Some(value) = self.show(None, attribute, value)
            {
                shown.insert(name, value);
            }
        }
        shown
    }

    fn has(&self, returned: Returned) -> bool {
        match returned {
            Returned::Always => true,
            Returned::Default => self.default,
            Returned::Request => self.request,
            Returned::Never => false,
        }
    }

    /// The entries that name an attribute.
    fn about<'n>(
        &'n self,
        extension: Option<&'n str>,
        attribute: &'n Attribute,
    ) -> impl Iterator<Item = &'n Name> {
        let is_whole = move |it: &Name| {
            it.attribute.is_none()
                && matches!(attribute.returned, Returned::Default | Returned::Always)
        };
        self.names.iter().filter(move |it| {
            let is_named = it.attribute == Some(attribute.name);
            it.extension == extension && (is_named || is_whole(it))
        })
    }

    fn show(
        &self,
        extension: Option<&str>,
        attribute: &'static Attribute,
        value: Value,
    ) -> Option<Value> {
        if attribute.is_secret() {
            return None;
        }
        let named: Vec<&Name> = self.about(extension, attribute).collect();
        let whole = self.has(attribute.returned) || named.iter().any(|it| it.sub.is_none());
        if !whole && named.is_empty() {
            return None;
        }
        if attribute.subs.is_empty() {
            return Some(value);
        }
        let is_shown = |sub: &Attribute| {
            let by_default = match sub.returned {
                Returned::Default => whole,
                Returned::Always => true,
                Returned::Request => whole && self.request,
                Returned::Never => false,
            };
            by_default || named.iter().any(|it| it.sub == Some(sub.name))
        };
        let reduce = |element: Value| -> Option<Value> {
            let Value::Object(members) = element else {
                return Some(element);
            };
            let known = members.into_iter().filter(|(name, _)| {
                let sub = attribute.subs.iter().find(|it| it.name == name);
                sub.is_some_and(is_shown)
            });
            let known: Map<String, Value> = known.collect();
            (!known.is_empty()).then_some(Value::Object(known))
        };
        match value {
            Value::Array(elements) => {
                let chosen = chosen(elements, &named);
                Some(chosen.into_iter().filter_map(reduce).collect())
            }
            one => reduce(one),
        }
    }
}

/// The elements that the entries about an attribute choose.
fn chosen(elements: Vec<Value>, named: &[&Name]) -> Vec<Value> {
    let choice = named.iter().map(|it| &it.elements);
    let mut narrowing = choice.filter(|it| !matches!(it, Elements::All));
    match narrowing.next() {
        None | Some(Elements::All) => elements,
        Some(Elements::Matching(condition)) => {
            let elements = elements.into_iter();
            elements
                .filter(|it| condition.matches_element(it))
                .collect()
        }
        Some(Elements::Page { skip, count }) => {
            elements.into_iter().skip(*skip).take(*count).collect()
        }
    }
}

impl Name {
    /// The entry, if it names something that there is.
    fn read(kind: Kind, entry: &str) -> Result<Option<Self>, Fault> {
        let (path, brackets, rest) = match entry.split_once('[') {
            None => (entry.to_owned(), None, ""),
            Some((path, rest)) => {
                let (within, rest) = rest.rsplit_once(']').ok_or_else(|| malformed(entry))?;
                (path.to_owned(), Some(within), rest)
            }
        };
        let Ok(parsed) = AttrPath::parse(&format!("{path}{rest}")) else {
            return Ok(None);
        };
        let Some(found) = parsed.resolve(kind.view()) else {
            return Ok(None);
        };
        let extension = found.extension.and_then(|uri| kind.extension(uri));
        let uri = extension.map(|it| it.uri);
        let Some(attribute) = found.attribute else {
            return Ok(Some(Self {
                extension: uri,
                attribute: None,
                sub: None,
                elements: Elements::All,
            }));
        };
        let Some(known) = kind.attribute(uri, &attribute.name) else {
            return Ok(None);
        };
        let elements = match brackets {
            None => Elements::All,
            Some(text) => {
                let elements = page(text).or_else(|| matching(attribute, uri, text));
                elements.ok_or_else(|| malformed(entry))?
            }
        };
        let sub = found.sub_attribute.and_then(|sub| known.sub(&sub.name));
        Ok(Some(Self {
            extension: uri,
            attribute: Some(known.name),
            sub: sub.map(|it| it.name),
            elements,
        }))
    }
}

/// `type eq "work"`
fn matching(
    attribute: &civitas_scim::schema::Attribute,
    uri: Option<&str>,
    text: &str,
) -> Option<Elements> {
    let parsed = Filter::parse(&format!("x[{text}]"), &filter::Limits::default());
    let Ok(Filter::Element(_, inner)) = parsed else {
        return None;
    };
    let resolved = inner.resolve_in(attribute, uri, &Tolerance::generic());
    Some(Elements::Matching(Box::new(resolved.ok()?)))
}

/// `startIndex=1&count=10`
fn page(text: &str) -> Option<Elements> {
    let (mut start, mut count, mut is_page) = (1_usize, MAX_COUNT, false);
    for pair in text.split('&') {
        let (name, value) = pair.split_once('=')?;
        match name.trim() {
            "startIndex" => start = value.trim().parse().ok()?,
            "count" => count = value.trim().parse().ok()?,
            _ => return None,
        }
        is_page = true;
    }
    let skip = start.max(1) - 1;
    is_page.then_some(Elements::Page { skip, count })
}

fn malformed(entry: &str) -> Fault {
    let id = "error.common.validation.invalidAttribute";
    Fault::invalid(id, format!("The attribute {entry} cannot be read."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(query: &str) -> Value {
        let object = json!({
            "schemas": ["u"],
            "id": "7",
            "userName": "mara",
            "displayName": "Mara",
            "emails": [
                { "value": "a@x", "type": "work", "primary": true },
                { "value": "b@x", "type": "home", "primary": false },
            ],
            "groups": [{ "value": "g", "type": "direct", "display": "G" }],
            "tags": [{ "key": "k", "value": "v" }],
            "urn:ietf:params:scim:schemas:oracle:idcs:extension:posix:User":
                { "gecos": "g", "loginShell": "sh" },
        });
        let Value::Object(object) = object else {
            unreachable!()
        };
        let parameters = Parameters::read(query).unwrap();
        let projection = Projection::read(Kind::User, &parameters).unwrap();
        let mut shown = projection.apply(Kind::User, object);
        shown.sort_keys();
        Value::Object(shown)
    }

    #[test]
    fn what_is_asked_for_is_shown() {
        let posix = "urn:ietf:params:scim:schemas:oracle:idcs:extension:posix:User";
        for (query, names) in [
            (
                "",
                vec!["displayName", "emails", "id", "schemas", posix, "userName"],
            ),
            (
                "attributes=displayName",
                vec!["displayName", "id", "userName"],
            ),
            (
                "attributes=DISPLAYNAME,unknown",
                vec!["displayName", "id", "userName"],
            ),
            ("attributes=tags", vec!["id", "tags", "userName"]),
            ("attributes=password", vec!["id", "userName"]),
            ("attributeSets=always", vec!["id", "userName"]),
            (
                "attributeSets=request",
                vec!["groups", "id", "tags", posix, "userName"],
            ),
            (
                "attributeSets=all&attributeSets=request",
                vec![
                    "displayName",
                    "emails",
                    "groups",
                    "id",
                    "schemas",
                    "tags",
                    posix,
                    "userName",
                ],
            ),
        ] {
            let mut names = names.clone();
            names.sort_unstable();
            let found = shown(query);
            let found: Vec<&String> = found.as_object().unwrap().keys().collect();
            assert_eq!(found, names, "{query}");
        }
        assert_eq!(
            shown(&format!("attributes={posix}"))[posix],
            json!({ "gecos": "g" })
        );
        let one = shown(&format!("attributes={posix}:loginShell"));
        assert_eq!(one[posix], json!({ "loginShell": "sh" }));
    }

    #[test]
    fn elements_are_chosen() {
        let second = shown("attributes=emails[startIndex=2%26count=1]");
        assert_eq!(second["emails"][0]["value"], "b@x");
        let work = shown("attributes=emails[type+eq+%22work%22].value");
        assert_eq!(work["emails"], json!([{ "value": "a@x" }]));
        let values = shown("attributes=emails.value");
        assert_eq!(
            values["emails"],
            json!([{ "value": "a@x" }, { "value": "b@x" }])
        );
        assert_eq!(
            shown("attributes=groups")["groups"],
            json!([{ "value": "g", "display": "G" }])
        );
        let whole = shown("attributeSets=all");
        assert_eq!(whole["groups"][0]["type"], "direct");
    }
}
