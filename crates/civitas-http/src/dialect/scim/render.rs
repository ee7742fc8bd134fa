//! Resources as bytes. Usually the stored document is sent as it is, with what is kept
//! beside it spliced in; only a projection takes it apart.

use std::io::Write as _;

use civitas_directory::{Found, GroupRef, MemberRef, store::FoundPage};
use civitas_scim::{messages::LIST_RESPONSE, projection::Projection, schema::ResourceType};
use serde_json::Value;

use crate::call::Call;

/// Renders with what only the surface knows: where resources are.
pub(super) struct Renderer<'c> {
    base: &'c str,
    types: &'c [ResourceType],
}

impl<'c> Renderer<'c> {
    /// For the answer to a call.
    pub(super) fn of(call: &'c Call<'_>) -> Self {
        Self {
            base: &call.base,
            types: call.app.directory.resource_types(),
        }
    }

    /// The URL of a resource.
    pub(super) fn location(&self, kind: &ResourceType, id: &str) -> String {
        format!("{}{}/{id}", self.base, kind.endpoint)
    }

    /// Appends a resource.
    pub(super) fn resource(
        &self,
        body: &mut Vec<u8>,
        found: &Found,
        kind: &ResourceType,
        projection: &Projection,
    ) {
        let document = found.record.document.trim_end().strip_suffix('}');
        match document.filter(|_| projection.is_default() && kind.splices()) {
            Some(document) => self.splice(body, found, kind, document),
            None => self.project(body, found, kind, projection),
        }
    }

    /// A page of resources as a list response (RFC 7644 §3.4.2).
    pub(super) fn list(
        &self,
        page: &FoundPage,
        start_index: u64,
        kinds: &[(&ResourceType, &Projection)],
    ) -> Vec<u8> {
        let room: usize = page
            .items
            .iter()
            .map(|it| it.record.document.len() + 512)
            .sum();
        let mut body = Vec::with_capacity(room + 256);
        push(
            &mut body,
            &["{\"schemas\":[\"", LIST_RESPONSE, "\"],\"totalResults\":"],
        );
        let (total, count) = (page.total, page.items.len());
        write(
            &mut body,
            format_args!("{total},\"startIndex\":{start_index},"),
        );
        write(
            &mut body,
            format_args!("\"itemsPerPage\":{count},\"Resources\":["),
        );
        let mut first = true;
        for found in &page.items {
            let of_type = |(kind, _): &&(&ResourceType, _)| kind.name == found.record.resource_type;
            if let Some((kind, projection)) = kinds.iter().find(of_type) {
                separate(&mut body, &mut first);
                self.resource(&mut body, found, kind, projection);
            }
        }
        body.extend_from_slice(b"]}");
        body
    }

    /// The document, opened at its end for `groups` or `members` and `meta`.
    fn splice(&self, body: &mut Vec<u8>, found: &Found, kind: &ResourceType, document: &str) {
        let record = &found.record;
        body.extend_from_slice(document.as_bytes());
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
        body.extend_from_slice(b"\",\"display\":");
        text(body, display);
        push(body, &[",\"type\":\"", kind, "\"}"]);
    }

    fn project(
        &self,
        body: &mut Vec<u8>,
        found: &Found,
        kind: &ResourceType,
        projection: &Projection,
    ) {
        let mut resource = found.resource();
        for element in elements(&mut resource, "groups") {
            self.refer(element, |_| "Group");
        }
        for element in elements(&mut resource, "members") {
            self.refer(element, |element| {
                element["type"].as_str().unwrap_or_default()
            });
        }
        if let Some(Value::Object(meta)) = resource.get_mut("meta") {
            let location = self.location(kind, &found.record.id);
            meta.insert("location".into(), Value::from(location));
        }
        let shown = projection.apply(resource, kind);
        // Writing values of JSON to memory cannot fail.
        let _ = serde_json::to_writer(body, &shown);
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
