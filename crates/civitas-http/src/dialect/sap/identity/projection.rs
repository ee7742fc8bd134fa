//! Which attributes an answer shows: `attributes` and `excludedAttributes`. Pure.

use civitas_scim::{
    path::AttrPath,
    schema::{ResourceType, Returned},
};
use serde_json::{Map, Value};

use super::object::Object;
use crate::dialect::sap::{fault::Fault, kind::Kind};

/// Groups that belong to a group, shown on request and for one group only.
const CHILDREN: &str = "urn:ietf:params:scim:schemas:extension:sap:2.0:Group:children";

/// What is shown.
#[derive(Debug, Default)]
pub(super) struct Projection {
    /// What alone is shown; `None` for all.
    only: Option<Vec<Name>>,
    /// What is not shown.
    without: Vec<Name>,
    /// Which slice of the members.
    members: Option<Slice>,
}

/// An attribute by its names, in registered spelling.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    extension: Option<String>,
    /// `None` for all of an extension.
    attribute: Option<String>,
    sub: Option<String>,
}

/// A part of the members of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Slice {
    start: usize,
    count: usize,
    /// The member to begin with.
    from: Option<String>,
}

/// Whether one resource or a list of them is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    One,
    List,
}

impl Projection {
    /// Reads both parameters. What names nothing that there is, shows nothing.
    pub(super) fn read(
        view: &ResourceType,
        asked: Asked,
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Result<Self, Fault> {
        let attributes = attributes.map(entries);
        let is_children = |it: &String| it.eq_ignore_ascii_case(CHILDREN);
        if asked == Asked::List && attributes.iter().flatten().any(is_children) {
            let detail = format!("{CHILDREN} is only supported for retrieving a single group.");
            return Err(Fault::value(detail));
        }
        let slice = attributes.iter().flatten().find_map(|it| slice(it));
        let names = |entries: Vec<String>| -> Vec<Name> {
            let read = entries.iter().filter_map(|it| Name::read(view, it));
            read.collect()
        };
        // What is left out says nothing where it is said what is shown.
        let without = match &attributes {
            Some(_) => Vec::new(),
            None => excluded.map(entries).map(names).unwrap_or_default(),
        };
        Ok(Self {
            only: attributes.map(names),
            without,
            members: slice,
        })
    }

    /// Whether an attribute of the base schema is shown.
    pub(super) fn shows(&self, name: &str) -> bool {
        let is = |it: &Name| it.extension.is_none() && it.attribute.as_deref() == Some(name);
        let is_out = |it: &Name| is(it) && it.sub.is_none();
        match &self.only {
            Some(only) => only.iter().any(is),
            None => !self.without.iter().any(is_out),
        }
    }

    /// What is shown of a resource.
    pub(super) fn apply(&self, view: &ResourceType, object: Object) -> Object {
        let mut object = object;
        if let Some(slice) = &self.members {
            slice.take(&mut object);
        }
        if self.only.is_none() && self.without.is_empty() {
            return object;
        }
        let mut shown = Object::with_capacity(object.len());
        for (name, value) in object {
            let extension = view.extensions.iter().find(|it| it.schema.id == name);
            let Some(extension) = extension else {
                let always = view
                    .base_attribute(&name)
                    .is_some_and(|it| it.returned == Returned::Always);
                let value = if always {
                    Some(value)
                } else {
                    self.show(None, &name, value)
                };
                shown.extend(value.map(|it| (name, it)));
                continue;
            };
            let Value::Object(container) = value else {
                continue;
            };
            let uri = extension.schema.id.as_str();
            let inner = container.into_iter().filter_map(|(name, value)| {
                let value = self.show(Some(uri), &name, value)?;
                Some((name, value))
            });
            let inner: Object = inner.collect();
            if !inner.is_empty() {
                shown.insert(name, Value::Object(inner));
            }
        }
        shown
    }

    /// What is shown of an attribute.
    fn show(&self, extension: Option<&str>, name: &str, value: Value) -> Option<Value> {
        let about = |names: &'_ [Name]| -> (bool, Vec<String>) {
            let named = names.iter().filter(|it| {
                let of = it.attribute.as_deref();
                it.extension.as_deref() == extension && of.is_none_or(|it| it == name)
            });
            let mut whole = false;
            let mut subs = Vec::new();
            for it in named {
                match &it.sub {
                    Some(sub) => subs.push(sub.clone()),
                    None => whole = true,
                }
            }
            (whole, subs)
        };
        if let Some(only) = &self.only {
            let (whole, subs) = about(only);
            return match (whole, subs.is_empty()) {
                (true, _) => Some(value),
                (false, true) => None,
                (false, false) => parts(value, |it| subs.iter().any(|sub| sub == it)),
            };
        }
        let (whole, subs) = about(&self.without);
        match (whole, subs.is_empty()) {
            (true, _) => None,
            (false, true) => Some(value),
            (false, false) => parts(value, |it| !subs.iter().any(|sub| sub == it)),
        }
    }
}

/// The value with those of its parts that are shown; `None` if none is.
fn parts(value: Value, is_shown: impl Fn(&str) -> bool) -> Option<Value> {
    let reduce = |element: Value| -> Option<Value> {
        let Value::Object(members) = element else {
            return Some(element);
        };
        let kept: Map<_, _> = members
            .into_iter()
            .filter(|(name, _)| is_shown(name))
            .collect();
        (!kept.is_empty()).then_some(Value::Object(kept))
    };
    match value {
        Value::Array(elements) => {
            let kept: Vec<Value> = elements.into_iter().filter_map(reduce).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        one => reduce(one),
    }
}

impl Name {
    fn read(view: &ResourceType, entry: &str) -> Option<Self> {
        let path = entry.split('[').next().unwrap_or_default();
        let path = AttrPath::parse(path).ok()?;
        // Attributes of extensions are named in full.
        let found = path.resolve(view)?;
        if found.extension.is_some() && !path.as_str().contains(':') {
            return None;
        }
        Some(Self {
            extension: found.extension.map(str::to_owned),
            attribute: found.attribute.map(|it| it.name.clone()),
            sub: found.sub_attribute.map(|it| it.name.clone()),
        })
    }
}

/// `members[startIndex=101&count=100]`, `members[startId=initial&count=100]`
fn slice(entry: &str) -> Option<Slice> {
    let rest = entry.strip_prefix("members[")?;
    let within = rest.strip_suffix(']')?;
    let (mut start, mut count, mut from, mut pages) = (1, usize::MAX, None, false);
    for pair in within.split('&') {
        match pair.split_once('=')? {
            ("startIndex", value) => start = value.parse().ok()?,
            ("count", value) => count = value.parse().ok()?,
            ("startId", value) => from = Some(value.to_owned()),
            _ => continue,
        }
        pages = true;
    }
    pages.then_some(Slice { start, count, from })
}

impl Slice {
    /// Takes the slice, and tells beside it how many there are and which comes next.
    fn take(&self, object: &mut Object) {
        let Some(Value::Array(members)) = object.get_mut("members") else {
            return;
        };
        let total = members.len();
        let begin = match self.from.as_deref() {
            Some(id) if !id.eq_ignore_ascii_case("initial") => {
                let mut at = members.iter();
                at.position(|it| it["value"] == id).unwrap_or(total)
            }
            _ => self.start.max(1) - 1,
        };
        let begin = begin.min(total);
        let end = begin.saturating_add(self.count).min(total);
        let next = members
            .get(end)
            .map_or(Value::from("end"), |it| it["value"].clone());
        let slice = members.drain(begin..end).collect();
        *members = slice;
        if let Some(meta) = object.get_mut("meta") {
            meta["members.cnt"] = total.into();
            if self.from.is_some() {
                meta["members.nextId"] = next;
            }
        }
    }
}

/// Entries of a list with commas, of which those within brackets do not separate.
fn entries(text: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let parts = text.split(|letter: char| {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    parts
        .map(|it| it.trim().to_owned())
        .filter(|it| !it.is_empty())
        .collect()
}

/// What has to be read for the attributes that are shown.
pub(super) fn want(
    kind: Kind,
    projection: &Projection,
    most: usize,
) -> civitas_directory::store::Want {
    civitas_directory::store::Want {
        groups: kind == Kind::User && projection.shows("groups"),
        members: (kind == Kind::Group && projection.shows("members")).then_some(most),
    }
}
