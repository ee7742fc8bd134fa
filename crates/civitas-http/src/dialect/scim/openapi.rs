//! The `OpenAPI` 3.1 document of the dialect, made from the routes and from the schemas of the
//! tenant.
//!
//! What requests may hold is described as widely as it is taken from a tolerant client: a
//! request that does not fit the document is refused. Answers are described exactly.

mod answers;
mod operation;
mod shapes;

use civitas_scim::schema::ResourceType;
use http::Method;
use serde_json::{Map, Value, json};

use self::operation::operation;
use crate::{
    call::{BASE, Call},
    negotiation::Media,
    reply::Reply,
    router::Scim,
};

const INTRODUCTION: &str = "SCIM 2.0 (RFC 7643, RFC 7644). Every path that takes GET takes HEAD, \
which is answered alike without content, and OPTIONS, which names the methods in Allow. Changes of \
one resource honour If-Match; a version that is not the current one is refused with 412, before \
the body is read. /Me is an alias of /Users/{id} for a token of that user (RFC 7644 section 3.11).";

/// `GET /openapi.json`.
pub(super) fn serve(call: &Call<'_>) -> Reply {
    let document = document(call.types()).to_string();
    super::discovery::reply(Media::Json, document.into_bytes())
}

/// The document for a tenant that serves these types.
fn document(types: &[ResourceType]) -> Value {
    let mut paths = Map::new();
    for route in Scim::every(types) {
        let mut item = Map::new();
        for method in offered(&route) {
            if let Some(operation) = operation(&route, &method) {
                item.insert(method.as_str().to_ascii_lowercase(), operation);
            }
        }
        if !item.is_empty() {
            paths.insert(path(&route), Value::Object(item));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Civitas SCIM 2.0",
            "version": env!("CARGO_PKG_VERSION"),
            "description": INTRODUCTION,
            "license": { "name": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": BASE }],
        "security": [{ "bearer": [] }, { "basic": [] }],
        "paths": paths,
        "components": {
            "schemas": shapes::all(types),
            "responses": answers::refusals(),
            "headers": answers::headers(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "basic": { "type": "http", "scheme": "basic" },
            },
        },
    })
}

/// The methods that a document describes one by one. `/Me` is told of as an alias.
fn offered(route: &Scim<'_>) -> impl Iterator<Item = Method> {
    let methods = route.methods();
    let described = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    let is_alias = *route == Scim::Me;
    let offers = move |method: &Method| !is_alias && methods.include(method);
    described.into_iter().filter(offers)
}

/// The path of a route below the base, its variable parts named in braces.
fn path(route: &Scim<'_>) -> String {
    let template = route.template();
    let path = template.strip_prefix(BASE).unwrap_or(template);
    match route.kind() {
        Some(kind) => path.replacen("/{type}", &kind.endpoint, 1),
        None if path.is_empty() => "/".to_owned(),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_and_method_has_an_operation() {
        let types = [civitas_scim::core::user(), civitas_scim::core::group()];
        for route in Scim::every(&types) {
            for method in offered(&route) {
                assert!(
                    operation(&route, &method).is_some(),
                    "{method} {} is not described",
                    path(&route)
                );
            }
        }
    }

    #[test]
    fn references_lead_somewhere_and_names_are_unique() {
        let types = [civitas_scim::core::user(), civitas_scim::core::group()];
        let document = document(&types);
        let mut names = Vec::new();
        walk(&document, &mut |key, value| match (key, value) {
            ("$ref", Value::String(reference)) => {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
            ("operationId", Value::String(name)) => names.push(name.clone()),
            _ => {}
        });
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    fn walk(value: &Value, visit: &mut impl FnMut(&str, &Value)) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    visit(key, value);
                    walk(value, visit);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| walk(value, visit)),
            _ => {}
        }
    }
}
