use serde_json::{Value, json};

use super::*;
use crate::{
    Attributes,
    schema::{Index, Schema, Type, Uniqueness, urn},
};

const BADGE: &str = "urn:example:scim:schemas:extension:2.0:Badge";

fn body(attributes: &Value) -> Value {
    json!({ "schemas": [urn::SCHEMA], "id": BADGE, "attributes": attributes })
}

fn schema(attributes: &Value) -> Schema {
    read_schema(&body(attributes)).unwrap_or_else(|error| panic!("{attributes}: {error}"))
}

fn attributes(value: Value) -> Attributes {
    let Value::Object(attributes) = value else {
        panic!("no object: {value}")
    };
    attributes
}

#[test]
fn s_7643_2_2_01_what_is_not_said_has_its_default() {
    let read = schema(&json!([{ "name": "code" }, { "NAME": "to", "type": "reference" }]));
    assert_eq!((read.name.as_str(), read.attributes.len()), ("Badge", 2));
    let [code, to] = read.attributes.as_slice() else {
        panic!("two attributes")
    };
    assert_eq!((code.r#type, code.case_exact), (Type::String, false));
    assert_eq!(
        (to.case_exact, to.reference_types.as_slice()),
        (true, &["uri".into()][..])
    );
}

#[test]
fn a_schema_is_read_as_it_is_written() {
    let asked = json!({
        "schemas": [urn::SCHEMA, INDEX_EXTENSION],
        "id": BADGE,
        "attributes": [
            { "name": "code", "type": "string", "uniqueness": "server", "caseExact": true },
            { "name": "desk", "type": "complex", "multiValued": true, "subAttributes": [
                { "name": "floor", "type": "integer" },
                { "name": "seen", "type": "dateTime", "mutability": "immutable" },
            ] },
        ],
        INDEX_EXTENSION: { "indexed": ["DESK.floor"] },
    });
    let read = read_schema(&asked).unwrap();
    assert_eq!(
        indexed(&read),
        ["code", "desk.floor"],
        "what is unique is indexed"
    );
    assert_eq!(read_schema(&schema_document(&read)).unwrap(), read);
}

#[test]
fn s_7643_7_11_definitions_are_checked() {
    let sub = |sub: Value| json!([{ "name": "a", "type": "complex", "subAttributes": [sub] }]);
    for (attributes, words) in [
        (json!([{}]), "attributes[0].name is required"),
        (json!([{ "name": "1st" }]), "is no name"),
        (json!([{ "name": "a b" }]), "is no name"),
        (json!([{ "name": "$ref" }]), "is no name"),
        (
            json!([{ "name": "a" }, { "name": "A" }]),
            "is defined twice",
        ),
        (json!([{ "name": "id" }]), "is reserved"),
        (json!([{ "name": "Password" }]), "is reserved"),
        (
            json!([{ "name": "a", "type": "String" }]),
            "is none of string, boolean",
        ),
        (
            json!([{ "name": "a", "type": 1 }]),
            "is none of string, boolean",
        ),
        (
            json!([{ "name": "a", "required": "true" }]),
            "must be true or false",
        ),
        (
            json!([{ "name": "a", "uniquness": "server" }]),
            "\"uniquness\" is not known",
        ),
        (
            json!([{ "name": "a", "type": "complex" }]),
            "subAttributes are required",
        ),
        (
            json!([{ "name": "a", "subAttributes": [{ "name": "b" }] }]),
            "complex attributes only",
        ),
        (sub(json!({ "name": "b", "type": "complex" })), "cannot be"),
        (
            sub(json!({ "name": "b", "subAttributes": [{ "name": "c" }] })),
            "complex attributes only",
        ),
        (
            json!([{ "name": "a", "type": "boolean", "uniqueness": "server" }]),
            "no meaning",
        ),
        (
            json!([{ "name": "a", "type": "integer", "caseExact": true }]),
            "no meaning",
        ),
        (
            json!([{ "name": "a", "type": "integer", "canonicalValues": ["1"] }]),
            "strings only",
        ),
        (
            json!([{ "name": "a", "referenceTypes": ["User"] }]),
            "references only",
        ),
        (
            json!([{ "name": "a", "type": "reference", "referenceTypes": ["a b"] }]),
            "neither",
        ),
        (
            json!([{ "name": "a", "mutability": "writeOnly" }]),
            "password only",
        ),
        (
            json!([{ "name": "a", "returned": "never" }]),
            "password only",
        ),
        (
            json!([{ "name": "a", "required": true, "mutability": "readOnly" }]),
            "never gets",
        ),
        (json!({ "name": "a" }), "must be an array"),
        (
            Value::from(vec![json!({ "name": "a" }); 201]),
            "200 at most",
        ),
    ] {
        let error = read_schema(&body(&attributes)).unwrap_err();
        assert!(error.detail.contains(words), "{attributes}: {error}");
    }
}

#[test]
fn uris_are_urns_that_nobody_else_owns() {
    for (uri, words) in [
        ("http://example.com/badge", "is no URN"),
        ("urn:x", "is no URN"),
        ("urn:example:a/b", "is no URN"),
        ("urn:example:a%20b", "is no URN"),
        ("urn:example:a:", "is no URN"),
        ("urn:e:a", "is no URN"),
        (urn::USER, "is reserved"),
        (urn::ENTERPRISE_USER, "is reserved"),
        ("urn:ietf:params:scim:api:messages:2.0:Mine", "is reserved"),
        ("URN:IETF:params:scim:schemas:core:2.0:Mine", "is reserved"),
        (INDEX_EXTENSION, "is reserved"),
    ] {
        let asked = json!({ "schemas": [urn::SCHEMA], "id": uri });
        let error = read_schema(&asked).unwrap_err();
        assert!(error.detail.contains(words), "{uri}: {error}");
    }
    for uri in [
        BADGE,
        "urn:ietf:params:scim:schemas:extension:acme:2.0:User",
        "urn:sap:cloud:scim:schemas:extension:custom:2.0:Mine",
    ] {
        let asked = json!({ "schemas": [urn::SCHEMA], "id": uri });
        assert_eq!(read_schema(&asked).map(|it| it.id), Ok(uri.to_owned()));
    }
    let other = json!({ "schemas": [urn::RESOURCE_TYPE], "id": BADGE });
    assert!(read_schema(&other).is_err());
}

#[test]
fn s_7643_6_resource_types_are_checked() {
    let asked = |member: &str, value: Value| {
        let mut body = json!({
            "schemas": [urn::RESOURCE_TYPE],
            "name": "Device",
            "endpoint": "/Devices",
            "schema": BADGE,
            "schemaExtensions": [{ "schema": "urn:example:b", "required": false }],
        });
        body[member] = value;
        body
    };
    let read = TypeDefinition::read(&asked("description", json!("A thing"))).unwrap();
    assert_eq!(TypeDefinition::read(&read.document()), Ok(read));
    for (member, value, words) in [
        ("name", json!("User name"), "is no name"),
        ("name", json!("Schema"), "is reserved"),
        ("id", json!("Other"), "must equal name"),
        ("endpoint", json!("Devices"), "no path"),
        ("endpoint", json!("/a/b"), "no path"),
        ("endpoint", json!("/.search"), "no path"),
        ("endpoint", json!("/schemas"), "is reserved"),
        ("endpoint", json!("/Bulk"), "is reserved"),
        ("schema", Value::Null, "is required"),
        (
            "schemaExtensions",
            json!([{ "schema": "urn:example:b" }]),
            "required is required",
        ),
        (
            "schemaExtensions",
            json!([{ "schema": BADGE, "required": true }]),
            "defined twice",
        ),
        ("schemaExtension", json!([]), "is not known"),
    ] {
        let error = TypeDefinition::read(&asked(member, value.clone())).unwrap_err();
        assert!(error.detail.contains(words), "{member} {value}: {error}");
    }
}

#[test]
fn changes_demand_what_resources_must_be_like() {
    let code = json!({ "name": "code", "type": "string" });
    let with = |more: Value| {
        let mut attribute = code.clone();
        for (name, value) in attributes(more) {
            attribute[name] = value;
        }
        schema(&json!([attribute]))
    };
    let plain = with(json!({}));
    let place = || Place {
        attribute: Some("code".into()),
        ..Place::default()
    };
    let unused = || Claim::Unused(place());
    for (new, claims) in [
        (plain.clone(), vec![]),
        (
            with(json!({ "description": "told", "mutability": "immutable" })),
            vec![],
        ),
        (with(json!({ "type": "integer" })), vec![unused()]),
        (with(json!({ "multiValued": true })), vec![unused()]),
        (with(json!({ "caseExact": true })), vec![unused()]),
        (with(json!({ "name": "Code" })), vec![unused()]),
        (
            with(json!({ "required": true })),
            vec![Claim::Held(place())],
        ),
        (with(json!({ "uniqueness": "server" })), vec![unused()]),
        (schema(&json!([])), vec![unused()]),
        (schema(&json!([code, { "name": "more" }])), vec![]),
    ] {
        let demands = schema_changed(&plain, &new, None);
        let demanded: Vec<Claim> = demands.into_iter().map(|it| it.claim).collect();
        assert_eq!(demanded, claims, "{new:?}");
    }
    let mut indexed = plain.clone();
    indexed.attributes[0].index = Index::Complete;
    let demands = schema_changed(&indexed, &plain, None);
    assert_eq!(demands[0].reason, Reason::Indexed("code".into()));
    let mut unique = indexed.clone();
    unique.attributes[0].uniqueness = Uniqueness::Server;
    let path = "code".to_owned();
    let demands = schema_changed(&indexed, &unique, None);
    assert_eq!(
        demands[0].claim,
        Claim::Distinct { path },
        "the index can tell"
    );
    indexed.attributes[0].index = Index::Building;
    let demands = schema_changed(&indexed, &unique, None);
    assert_eq!(demands[0].reason, Reason::NotIndexed("code".into()));
}

#[test]
fn claims_are_read_off_documents() {
    let document = attributes(json!({
        "plain": "x",
        "empty": "",
        "none": null,
        "list": [{ "value": 1, "label": "a" }, { "value": 2 }],
        BADGE: { "code": "A" },
    }));
    let place = |extension: Option<&str>, attribute: Option<&str>, sub: Option<&str>| Place {
        extension: extension.map(Into::into),
        attribute: attribute.map(Into::into),
        sub_attribute: sub.map(Into::into),
    };
    let own = |name| place(None, Some(name), None);
    for (place, is_used, is_lacking) in [
        (own("plain"), true, false),
        (own("empty"), true, true),
        (own("none"), false, true),
        (own("other"), false, true),
        (place(None, Some("list"), Some("value")), true, false),
        (place(None, Some("list"), Some("label")), true, true),
        (place(None, Some("list"), Some("other")), false, true),
        (place(None, Some("other"), Some("value")), false, false),
        (place(Some(BADGE), None, None), true, false),
        (place(Some(BADGE), Some("code"), None), true, false),
        (place(Some(BADGE), Some("level"), None), false, true),
        (place(Some("urn:example:b"), None, None), false, true),
        (
            place(Some("urn:example:b"), Some("code"), None),
            false,
            false,
        ),
    ] {
        let unused = Claim::Unused(place.clone());
        assert_eq!(unused.is_broken_by(&document), is_used, "{place:?}");
        let text = Value::Object(document.clone()).to_string();
        let needle = unused.needle().unwrap();
        assert!(
            !is_used || text.contains(&format!("\"{needle}\"")),
            "{place:?}"
        );
        let held = Claim::Held(place.clone());
        assert_eq!(held.is_broken_by(&document), is_lacking, "{place:?}");
        let may_skip = held
            .needle()
            .is_some_and(|it| !text.contains(&format!("\"{it}\"")));
        assert!(!(may_skip && is_lacking), "{place:?}");
    }
}
