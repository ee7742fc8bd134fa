//! Resources as bytes. Usually the stored document is sent as it is, with what is kept
//! beside it spliced in; only a projection takes it apart.

use std::io::Write as _;

use civitas_directory::{Found, GroupRef, Listing, MemberRef, Paging, store::Want};
use civitas_scim::{messages::urn, projection::Projection, schema::ResourceType};
use memchr::memmem;
use serde_json::Value;

use crate::call::Call;

/// What is shown of the resources of a type.
pub(super) struct View<'k> {
    pub(super) kind: &'k ResourceType,
    projection: Projection,
    /// Whether the stored document is shown as it is.
    whole: bool,
}

impl<'k> View<'k> {
    /// What a projection shows.
    pub(super) fn new(kind: &'k ResourceType, projection: Projection) -> Self {
        let whole = projection.is_default() && kind.splices();
        Self {
            kind,
            projection,
            whole,
        }
    }

    /// Whether the caller asked for no projection.
    pub(super) fn is_default(&self) -> bool {
        self.projection.is_default()
    }

    /// What has to be read beside the records.
    pub(super) fn want(&self, most_members: usize) -> Want {
        let takes = |attribute: &str| {
            self.kind.schema.attribute(attribute).is_some() && self.projection.includes(attribute)
        };
        Want {
            groups: takes("groups"),
            members: takes("members").then_some(most_members),
        }
    }
}

/// Renders with what only the surface knows: where resources are.
pub(super) struct Renderer<'c> {
    base: &'c str,
    types: &'c [ResourceType],
}

impl<'c> Renderer<'c> {
    /// For the answer to a call.
    pub(super) fn of(call: &'c Call<'_>) -> Self {
        Self {
            base: &call.scope.base,
            types: call.types(),
        }
    }

    /// The URL of a resource.
    pub(super) fn location(&self, kind: &ResourceType, id: &str) -> String {
        [self.base, &kind.endpoint, "/", id].concat()
    }

    /// Appends a resource.
    pub(super) fn resource(&self, body: &mut Vec<u8>, found: &Found, view: &View<'_>) {
        let document = found.record.document.trim_end().strip_suffix('}');
        match document.filter(|_| view.whole) {
            Some(document) => self.splice(body, found, view.kind, document),
            None => self.project(body, found, view),
        }
    }

    /// A page of resources as a list response (RFC 7644 §3.4.2, RFC 9865 §2).
    pub(super) fn list(&self, listing: &Listing, views: &[View<'_>]) -> Vec<u8> {
        let page = &listing.page;
        let room: usize = page
            .items
            .iter()
            .map(|it| it.record.document.len() + 512)
            .sum();
        let mut body = Vec::with_capacity(room + 256);
        let (total, count) = (page.total, page.items.len());
        push(
            &mut body,
            &[
                "{\"schemas\":[\"",
                urn::LIST_RESPONSE,
                "\"],\"totalResults\":",
            ],
        );
        write(&mut body, format_args!("{total},"));
        match &listing.paging {
            Paging::Index { start } => write(&mut body, format_args!("\"startIndex\":{start},")),
            Paging::Cursor { next: Some(next) } => {
                push(&mut body, &["\"nextCursor\":\"", next, "\","]);
            }
            Paging::Cursor { next: None } => {}
        }
        write(
            &mut body,
            format_args!("\"itemsPerPage\":{count},\"Resources\":["),
        );
        let mut first = true;
        for found in &page.items {
            let shows = |view: &&View<'_>| view.kind.name == found.record.resource_type;
            if let Some(view) = views.iter().find(shows) {
                separate(&mut body, &mut first);
                self.resource(&mut body, found, view);
            }
        }
        body.extend_from_slice(b"]}");
        body
    }

    /// The document, opened at its end for `groups` or `members` and `meta`.
    fn splice(&self, body: &mut Vec<u8>, found: &Found, kind: &ResourceType, document: &str) {
        let record = &found.record;
        self.document(body, document);
        if let Some(groups) = found.groups.as_deref().filter(|it| !it.is_empty()) {
            self.groups(body, groups);
        }
        if let Some(members) = found.members.as_deref().filter(|it| !it.is_empty()) {
            self.members(body, members);
        }
        push(
            body,
            &[",\"meta\":{\"resourceType\":\"", &record.resource_type],
        );
        write(body, format_args!("\",\"created\":\"{}\"", record.created));
        write(
            body,
            format_args!(",\"lastModified\":\"{}\"", record.modified),
        );
        push(
            body,
            &[
                ",\"location\":\"",
                self.base,
                &kind.endpoint,
                "/",
                &record.id,
            ],
        );
        write(
            body,
            format_args!("\",\"version\":\"W/\\\"{}\\\"\"}}}}", record.version.0),
        );
    }

    /// A stored document. The references in it are relative to the base; what opens one
    /// here is no part of a text, because quotes within texts are escaped.
    fn document(&self, body: &mut Vec<u8>, document: &str) {
        const REFERENCE: &str = "\"$ref\":\"";
        let mut done = 0;
        for at in memmem::find_iter(document.as_bytes(), REFERENCE) {
            let value = at + REFERENCE.len();
            push(body, &[&document[done..value], self.base, "/"]);
            done = value;
        }
        push(body, &[&document[done..]]);
    }

    fn groups(&self, body: &mut Vec<u8>, groups: &[GroupRef]) {
        let endpoint = self.endpoint("Group");
        body.extend_from_slice(b",\"groups\":[");
        let mut first = true;
        for group in groups {
            separate(body, &mut first);
            let how = if group.direct { "direct" } else { "indirect" };
            self.reference(body, endpoint, &group.id, &group.display, how);
        }
        body.push(b']');
    }

    fn members(&self, body: &mut Vec<u8>, members: &[MemberRef]) {
        body.reserve(members.len() * (self.base.len() + 160));
        body.extend_from_slice(b",\"members\":[");
        let mut first = true;
        for member in members {
            separate(body, &mut first);
            let kind = member.resource_type.as_str();
            self.reference(body, self.endpoint(kind), &member.id, &member.display, kind);
        }
        body.push(b']');
    }

    /// An element of `groups` or `members`.
    fn reference(&self, body: &mut Vec<u8>, endpoint: &str, id: &str, display: &str, kind: &str) {
        push(
            body,
            &[
                "{\"value\":\"",
                id,
                "\",\"$ref\":\"",
                self.base,
                endpoint,
                "/",
                id,
            ],
        );
        body.push(b'"');
        if !display.is_empty() {
            body.extend_from_slice(b",\"display\":");
            text(body, display);
        }
        push(body, &[",\"type\":\"", kind, "\"}"]);
    }

    fn project(&self, body: &mut Vec<u8>, found: &Found, view: &View<'_>) {
        let mut resource = found.resource();
        for value in resource.values_mut() {
            self.resolve(value);
        }
        for element in elements(&mut resource, "groups") {
            self.refer(element, |_| "Group");
        }
        for element in elements(&mut resource, "members") {
            self.refer(element, |element| {
                element["type"].as_str().unwrap_or_default()
            });
        }
        if let Some(Value::Object(meta)) = resource.get_mut("meta") {
            let location = self.location(view.kind, &found.record.id);
            meta.insert("location".into(), Value::from(location));
        }
        let shown = view.projection.apply(resource, view.kind);
        // Writing values of JSON to memory cannot fail.
        let _ = serde_json::to_writer(body, &shown);
    }

    /// Makes the references within a stored value absolute.
    fn resolve(&self, value: &mut Value) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(|value| self.resolve(value)),
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get_mut("$ref") {
                    *reference = format!("{}/{reference}", self.base);
                }
                members.values_mut().for_each(|value| self.resolve(value));
            }
            _ => {}
        }
    }

    /// Adds `$ref` to an element that refers to a resource of the type.
    fn refer(&self, element: &mut Value, kind: impl Fn(&Value) -> &str) {
        let id = element["value"].as_str().unwrap_or_default();
        let location = format!("{}{}/{id}", self.base, self.endpoint(kind(element)));
        if let Value::Object(element) = element {
            element.insert("$ref".into(), Value::from(location));
        }
    }

    /// The path of a resource type.
    fn endpoint(&self, name: &str) -> &'c str {
        self.types
            .iter()
            .find(|kind| kind.name == name)
            .map_or("", |kind| &kind.endpoint)
    }
}

fn elements<'r>(
    resource: &'r mut civitas_scim::Attributes,
    attribute: &str,
) -> impl Iterator<Item = &'r mut Value> {
    resource
        .get_mut(attribute)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

fn separate(body: &mut Vec<u8>, first: &mut bool) {
    if !std::mem::take(first) {
        body.push(b',');
    }
}

fn push(body: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        body.extend_from_slice(part.as_bytes());
    }
}

fn write(body: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    // Writing to memory cannot fail.
    let _ = body.write_fmt(arguments);
}

/// A JSON string.
fn text(body: &mut Vec<u8>, value: &str) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if value.bytes().all(plain) {
        body.push(b'"');
        body.extend_from_slice(value.as_bytes());
        body.push(b'"');
    } else {
        // Writing text to memory cannot fail.
        let _ = serde_json::to_writer(body, value);
    }
}
