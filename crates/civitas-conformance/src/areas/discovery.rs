//! Discovery: `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas`
//! (RFC 7643 §5 to §7, RFC 7644 §4).

use serde_json::{Value, json};

use crate::Unmet;
use crate::case::{Case, Entry};
use crate::session::{Session, path_of};
use crate::urn;
use crate::verdict::{Verdict, ensure, fail, lists, same, text, within};
use crate::wire::{Request, percent_encoded};

const CASES: &[Entry] = &[
    (
        &["S-7644-4-01", "S-7643-5-01", "X-TOP-22"],
        "the configuration is one complete object",
        config,
    ),
    (
        &["S-7643-5-02", "X-TOP-22"],
        "bulk limits are integers even when off",
        bulk_limits,
    ),
    (
        &["S-7643-5-03"],
        "authentication schemes are described",
        schemes,
    ),
    (
        &["S-7643-5-04"],
        "authentication schemes are readable by all",
        public_schemes,
    ),
    (&["S-7643-5-05"], "the configuration has meta", config_meta),
    (
        &["S-7644-4-02", "X-TOP-22"],
        "schemas and resource types are lists",
        listed,
    ),
    (
        &["S-7644-4-02"],
        "each listed document can be read alone",
        alone,
    ),
    (
        &["S-7644-4-03"],
        "query parameters are ignored",
        parameters_ignored,
    ),
    (
        &["S-7644-4-04", "T-HTTP-16"],
        "a filter is forbidden",
        filter_forbidden,
    ),
    (
        &["S-7644-4-05"],
        "each document has schemas and meta",
        own_meta,
    ),
    (
        &["S-7644-4-06"],
        "a schema is found in any case and encoding",
        schema_spelling,
    ),
    (
        &["S-7644-4-06"],
        "an unknown schema or resource type",
        unknown_document,
    ),
    (
        &["S-7644-4-07", "S-7643-7-01", "T-HTTP-13"],
        "discovery cannot be written",
        read_only,
    ),
    (
        &["S-7643-6-01", "S-7643-6-04", "I-SAILPOINT-01"],
        "resource types name their parts",
        resource_types,
    ),
    (
        &["S-7643-6-02"],
        "schemas of resource types exist",
        schemas_exist,
    ),
    (
        &["S-7643-6-04", "S-7644-3.3-07"],
        "resources carry the type's name",
        type_names,
    ),
    (
        &[
            "S-7643-7-02",
            "S-7643-2.2-02",
            "S-7643-7-03",
            "S-7643-7-04",
            "I-ENTRA-04",
            "X-TOP-22",
            "S-7643-2.3.8-02",
        ],
        "every attribute states its characteristics",
        characteristics,
    ),
    (
        &["S-7644-4-08", "X-TOP-24"],
        "published characteristics of well-known attributes",
        well_known,
    ),
    (
        &["S-7644-3.1-01"],
        "message schemas are not listed",
        no_messages,
    ),
    (
        &["S-7643-2.4-02"],
        "the usual sub-attributes have their usual types",
        usual_sub_attributes,
    ),
    (
        &["H-9111-3-01"],
        "discovery may be kept for five minutes by the caller",
        kept_for_a_while,
    ),
    (
        &["S-9865-4-01"],
        "pagination is described when present",
        pagination,
    ),
];

pub(super) fn cases() -> Vec<Case> {
    CASES.iter().map(Case::from).collect()
}

fn config(session: &mut Session) -> Verdict {
    let answer = session.get("/ServiceProviderConfig")?.expect(200)?;
    let body = answer.object()?;
    ensure(
        lists(&body["schemas"], urn::CONFIG),
        "the ServiceProviderConfig URN in schemas",
        &answer,
    )?;
    ensure(
        body.get("Resources").is_none(),
        "one object, no list",
        &answer,
    )?;
    for feature in ["patch", "bulk", "filter", "changePassword", "sort", "etag"] {
        ensure(
            body[feature]["supported"].is_boolean(),
            format!("{feature}.supported as a boolean"),
            &answer,
        )?;
    }
    ensure(
        body["filter"]["maxResults"].is_u64(),
        "filter.maxResults as an integer",
        &answer,
    )?;
    ensure(
        body["authenticationSchemes"].is_array(),
        "authenticationSchemes as an array",
        &answer,
    )
}

fn bulk_limits(session: &mut Session) -> Verdict {
    let answer = session.get("/ServiceProviderConfig")?.expect(200)?;
    let bulk = &answer.object()?["bulk"];
    ensure(
        bulk["maxOperations"].is_u64() && bulk["maxPayloadSize"].is_u64(),
        "bulk.maxOperations and bulk.maxPayloadSize as integers",
        &answer,
    )
}

fn schemes(session: &mut Session) -> Verdict {
    let answer = session.get("/ServiceProviderConfig")?.expect(200)?;
    let schemes = answer.object()?["authenticationSchemes"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    ensure(
        !schemes.is_empty(),
        "at least one authentication scheme",
        &answer,
    )?;
    for scheme in &schemes {
        let kinds = [
            "oauth",
            "oauth2",
            "oauthbearertoken",
            "httpbasic",
            "httpdigest",
        ];
        let kind = text(&scheme["type"]);
        if !kinds.contains(&kind.as_str()) {
            return fail(format!("type one of {kinds:?}"), scheme.to_string());
        }
        if text(&scheme["name"]).is_empty() || text(&scheme["description"]).is_empty() {
            return fail("name and description", scheme.to_string());
        }
        if scheme.get("specURI").is_some() {
            return fail("the spelling specUri", scheme.to_string());
        }
    }
    Ok(())
}

fn public_schemes(session: &mut Session) -> Verdict {
    let answer = session
        .send(Request::get("/ServiceProviderConfig").anonymous())?
        .expect(200)?;
    let body = answer.object()?;
    ensure(
        body["authenticationSchemes"].is_array(),
        "authenticationSchemes",
        &answer,
    )
}

fn config_meta(session: &mut Session) -> Verdict {
    let config = session.read("/ServiceProviderConfig")?;
    same(
        "meta.resourceType",
        &json!("ServiceProviderConfig"),
        &config["meta"]["resourceType"],
    )?;
    let location = text(&config["meta"]["location"]);
    if location.starts_with("http") && location.ends_with("/ServiceProviderConfig") {
        Ok(())
    } else {
        fail("meta.location as an absolute URI of the document", location)
    }
}

fn documents(session: &mut Session, endpoint: &str) -> Result<Vec<Value>, Unmet> {
    let answer = session.get(endpoint)?;
    let list = answer.list()?;
    same(
        "totalResults",
        &json!(list.resources.len()),
        &json!(list.total),
    )?;
    ensure(!list.resources.is_empty(), "at least one document", &answer)?;
    Ok(list.resources.to_vec())
}

fn listed(session: &mut Session) -> Verdict {
    let schemas = documents(session, "/Schemas")?;
    for wanted in [urn::USER, urn::GROUP] {
        if !schemas.iter().any(|schema| schema["id"] == wanted) {
            return fail(format!("/Schemas lists {wanted}"), "not listed");
        }
    }
    let types = documents(session, "/ResourceTypes")?;
    for wanted in ["User", "Group"] {
        if !types.iter().any(|kind| kind["name"] == wanted) {
            return fail(format!("/ResourceTypes lists {wanted}"), "not listed");
        }
    }
    Ok(())
}

fn alone(session: &mut Session) -> Verdict {
    for schema in documents(session, "/Schemas")? {
        let one = session.read(&path_of("/Schemas", &schema))?;
        same("the schema read alone", &schema, &one)?;
    }
    for kind in documents(session, "/ResourceTypes")? {
        let one = session.read(&format!("/ResourceTypes/{}", text(&kind["name"])))?;
        same("the resource type read alone", &kind, &one)?;
    }
    Ok(())
}

fn parameters_ignored(session: &mut Session) -> Verdict {
    for endpoint in ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"] {
        let plain = session.read(endpoint)?;
        for query in [
            "count=0",
            "startIndex=2&count=1",
            "sortBy=id",
            "attributes=id",
        ] {
            let asked = session.read(&format!("{endpoint}?{query}"))?;
            within(query, same(endpoint, &plain, &asked))?;
        }
    }
    Ok(())
}

fn filter_forbidden(session: &mut Session) -> Verdict {
    for endpoint in ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"] {
        session
            .send(Request::get(endpoint).query("filter", "id pr"))?
            .refused(403, "")?;
    }
    Ok(())
}

fn own_meta(session: &mut Session) -> Verdict {
    for (endpoint, schema, name) in [
        ("/Schemas", urn::SCHEMA, "Schema"),
        ("/ResourceTypes", urn::RESOURCE_TYPE, "ResourceType"),
    ] {
        for document in documents(session, endpoint)? {
            if !lists(&document["schemas"], schema) {
                return fail(
                    format!("{schema} in schemas"),
                    document["schemas"].to_string(),
                );
            }
            same(
                "meta.resourceType",
                &json!(name),
                &document["meta"]["resourceType"],
            )?;
            if !text(&document["meta"]["location"]).starts_with("http") {
                return fail("an absolute meta.location", document["meta"].to_string());
            }
        }
    }
    Ok(())
}

fn schema_spelling(session: &mut Session) -> Verdict {
    for spelling in [
        urn::USER.to_owned(),
        percent_encoded(urn::USER),
        urn::USER.to_uppercase(),
        urn::USER.to_lowercase(),
    ] {
        let schema = session.read(&format!("/Schemas/{spelling}"))?;
        same("id", &json!(urn::USER), &schema["id"])?;
    }
    Ok(())
}

fn unknown_document(session: &mut Session) -> Verdict {
    session
        .get("/Schemas/urn:example:nosuch")?
        .refused(404, "")?;
    session.get("/ResourceTypes/NoSuch")?.refused(404, "")
}

/// What the RFCs define can be read only, by whatever means the rest is defined.
fn read_only(session: &mut Session) -> Verdict {
    for endpoint in ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            // A server may let its schemas be defined there; see `custom`.
            if method == "POST" && session.allows("POST", endpoint)? {
                continue;
            }
            let answer = session.send(Request::new(method, endpoint).json(&json!({})))?;
            // A provider may let its schemas be defined: then this is no definition.
            if method == "POST" && endpoint != "/ServiceProviderConfig" && answer.status == 400 {
                continue;
            }
            answer.refused(405, "")?;
            let allow = answer.header_list("allow");
            ensure(
                allow.contains("GET") && !allow.contains(method),
                format!("Allow with GET and without {method}"),
                &answer,
            )?;
        }
    }
    let core = session.read(&format!("/Schemas/{}", urn::USER))?;
    let mut less = core.clone();
    less["attributes"] = json!([core["attributes"][0]]);
    for (method, path, body) in [
        ("PUT", format!("/Schemas/{}", urn::USER), less),
        ("DELETE", format!("/Schemas/{}", urn::USER), Value::Null),
        ("DELETE", "/ResourceTypes/User".to_owned(), Value::Null),
        ("PUT", "/ServiceProviderConfig".to_owned(), json!({})),
    ] {
        let answer = session.send(Request::new(method, &path).json(&body))?;
        within(
            &format!("{method} {path}"),
            ensure((400..500).contains(&answer.status), "status 4xx", &answer),
        )?;
        answer.refused(answer.status, "")?;
    }
    let after = session.read(&format!("/Schemas/{}", urn::USER))?;
    same("the User schema, which must be unchanged,", &core, &after)
}

fn resource_types(session: &mut Session) -> Verdict {
    for (name, endpoint, schema) in [
        ("User", "/Users", urn::USER),
        ("Group", "/Groups", urn::GROUP),
    ] {
        let kind = session.read(&format!("/ResourceTypes/{name}"))?;
        same("name", &json!(name), &kind["name"])?;
        same("endpoint", &json!(endpoint), &kind["endpoint"])?;
        same("schema", &json!(schema), &kind["schema"])?;
    }
    Ok(())
}

fn schemas_exist(session: &mut Session) -> Verdict {
    for kind in documents(session, "/ResourceTypes")? {
        session.read(&format!("/Schemas/{}", text(&kind["schema"])))?;
        let extensions = kind["schemaExtensions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        for extension in extensions {
            if !extension["required"].is_boolean() {
                return fail(
                    "schemaExtensions.required as a boolean",
                    extension.to_string(),
                );
            }
            session.read(&format!("/Schemas/{}", text(&extension["schema"])))?;
        }
    }
    Ok(())
}

fn type_names(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    same(
        "meta.resourceType",
        &json!("User"),
        &user["meta"]["resourceType"],
    )?;
    let group = session.group("g", &[])?;
    same(
        "meta.resourceType",
        &json!("Group"),
        &group["meta"]["resourceType"],
    )
}

const TYPES: [&str; 8] = [
    "string",
    "boolean",
    "decimal",
    "integer",
    "dateTime",
    "binary",
    "reference",
    "complex",
];

fn characteristics(session: &mut Session) -> Verdict {
    for schema in documents(session, "/Schemas")? {
        let attributes = schema["attributes"].as_array().cloned().unwrap_or_default();
        if attributes.is_empty() && schema["id"] != urn::SCHEMA {
            return fail("attributes", schema["id"].to_string());
        }
        for attribute in &attributes {
            // The Schema schema itself may nest a third level (RFC 7643 §7).
            let deeper = schema["id"] == urn::SCHEMA;
            let what = format!("{} {}", text(&schema["id"]), text(&attribute["name"]));
            within(&what, stated(attribute, true, deeper))?;
        }
    }
    Ok(())
}

fn stated(attribute: &Value, may_be_complex: bool, deeper: bool) -> Verdict {
    let holds = |met: bool, expected: &str| {
        if met {
            Ok(())
        } else {
            fail(expected, attribute.to_string())
        }
    };
    let one_of = |name: &str, allowed: &[&str]| {
        let value = text(&attribute[name]);
        holds(
            allowed.contains(&value.as_str()),
            &format!("{name} one of {allowed:?}"),
        )
    };
    holds(
        attribute
            .as_object()
            .is_some_and(|all| all.values().all(|one| !one.is_null())),
        "no null",
    )?;
    holds(!text(&attribute["name"]).is_empty(), "name")?;
    holds(
        attribute["multiValued"].is_boolean(),
        "multiValued as a boolean",
    )?;
    holds(attribute["required"].is_boolean(), "required as a boolean")?;
    holds(attribute["description"].is_string(), "description")?;
    one_of("type", &TYPES)?;
    one_of(
        "mutability",
        &["readOnly", "readWrite", "immutable", "writeOnly"],
    )?;
    one_of("returned", &["always", "never", "default", "request"])?;
    let kind = text(&attribute["type"]);
    if kind == "string" {
        holds(
            attribute["caseExact"].is_boolean(),
            "caseExact as a boolean",
        )?;
        one_of("uniqueness", &["none", "server", "global"])?;
    }
    if kind == "reference" {
        holds(
            attribute["referenceTypes"].is_array(),
            "referenceTypes as an array",
        )?;
    }
    if kind != "complex" {
        return Ok(());
    }
    holds(may_be_complex, "no third level")?;
    let inner = attribute["subAttributes"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    holds(!inner.is_empty(), "subAttributes")?;
    inner.iter().try_for_each(|sub| stated(sub, deeper, deeper))
}

fn well_known(session: &mut Session) -> Verdict {
    for (schema, path, characteristic, value) in [
        (urn::USER, "userName", "required", json!(true)),
        (urn::USER, "userName", "uniqueness", json!("server")),
        (urn::USER, "userName", "caseExact", json!(false)),
        (urn::USER, "password", "mutability", json!("writeOnly")),
        (urn::USER, "password", "returned", json!("never")),
        (urn::USER, "groups", "mutability", json!("readOnly")),
        (urn::USER, "emails", "multiValued", json!(true)),
        (urn::USER, "active", "type", json!("boolean")),
        (urn::GROUP, "displayName", "required", json!(true)),
        (urn::GROUP, "members", "multiValued", json!(true)),
        (
            urn::GROUP,
            "members.value",
            "mutability",
            json!("immutable"),
        ),
        (
            urn::GROUP,
            "members.display",
            "mutability",
            json!("immutable"),
        ),
        (urn::ENTERPRISE, "manager", "multiValued", json!(false)),
        (
            urn::ENTERPRISE,
            "manager.displayName",
            "mutability",
            json!("readOnly"),
        ),
    ] {
        let document = session.read(&format!("/Schemas/{schema}"))?;
        let mut found = document;
        for (depth, name) in path.split('.').enumerate() {
            let list = if depth == 0 {
                "attributes"
            } else {
                "subAttributes"
            };
            let inner = found[list].as_array().cloned().unwrap_or_default();
            found = inner
                .into_iter()
                .find(|one| one["name"] == name)
                .unwrap_or_default();
        }
        same(
            &format!("{schema} {path} {characteristic}"),
            &value,
            &found[characteristic],
        )?;
    }
    Ok(())
}

fn usual_sub_attributes(session: &mut Session) -> Verdict {
    for schema in documents(session, "/Schemas")? {
        for attribute in schema["attributes"].as_array().into_iter().flatten() {
            if attribute["multiValued"] != true || schema["id"] == urn::SCHEMA {
                continue;
            }
            for sub in attribute["subAttributes"].as_array().into_iter().flatten() {
                let usual = match sub["name"].as_str() {
                    Some("type" | "display") => "string",
                    Some("primary") => "boolean",
                    Some("$ref") => "reference",
                    _ => continue,
                };
                let what = format!("type of {}.{}", attribute["name"], sub["name"]);
                same(&what, &json!(usual), &sub["type"])?;
                same("multiValued", &json!(false), &sub["multiValued"])?;
            }
        }
    }
    Ok(())
}

fn kept_for_a_while(session: &mut Session) -> Verdict {
    for path in ["/Schemas", "/ResourceTypes"] {
        let answer = session.get(path)?.expect(200)?;
        let control = answer.header_list("cache-control").to_lowercase();
        ensure(
            control.contains("private") && control.contains("max-age=300"),
            format!("Cache-Control: private, max-age=300, not {control:?}"),
            &answer,
        )?;
    }
    Ok(())
}

fn no_messages(session: &mut Session) -> Verdict {
    for schema in documents(session, "/Schemas")? {
        let id = text(&schema["id"]);
        if id.to_lowercase().starts_with("urn:ietf:params:scim:api:") {
            return fail("no message schema in /Schemas", id);
        }
    }
    Ok(())
}

fn pagination(session: &mut Session) -> Verdict {
    let answer = session.get("/ServiceProviderConfig")?.expect(200)?;
    let pagination = &answer.object()?["pagination"];
    if pagination.is_null() {
        return crate::verdict::skip("the server does not describe pagination");
    }
    ensure(
        pagination["cursor"].is_boolean() && pagination["index"].is_boolean(),
        "pagination.cursor and pagination.index as booleans",
        &answer,
    )
}
