//! Schemas and resource types of the operator's own, where the server lets them be defined
//! through its discovery endpoints (RFC 7643 §2, §6, §7).

use serde_json::{Value, json};

use crate::Unmet;
use crate::case::{Case, Entry};
use crate::session::{Session, path_of, selects};
use crate::urn;
use crate::verdict::{Verdict, fail, same, skip, text, within};
use crate::wire::Request;

/// Cases for servers that take POST on `/Schemas` and `/ResourceTypes`.
const OFFERED: &[Entry] = &[
    (
        &[
            "T-WRITE-24",
            "S-7644-3.5.1-06",
            "S-7644-3.5.2-08",
            "S-7643-7-06",
            "X-TOP-14",
        ],
        "an immutable attribute on replace",
        immutable,
    ),
    (
        &["S-7643-2.3.4-01"],
        "integers have neither fraction nor exponent",
        integers,
    ),
    (
        &["S-7643-2.3.5-01", "S-7643-2.3.5-02"],
        "a dateTime has date and time, and comes back in UTC",
        times,
    ),
    (
        &["S-7643-2.2-01"],
        "what a definition leaves out has its default",
        defaults,
    ),
    (
        &["S-7643-2.1-03", "S-7643-2.3.8-02", "S-7643-7-11"],
        "definitions that make no sense",
        senseless,
    ),
    (
        &["S-7643-3.1-03"],
        "a schema does not change the common attributes",
        common_attributes,
    ),
    (
        &["S-7643-6-03"],
        "a required extension is required",
        required_extension,
    ),
    (
        &["S-7643-3.1-01", "S-7643-7-01", "S-7644-4-08"],
        "a new type is served at once, with the common attributes",
        served,
    ),
];

pub(super) fn cases() -> Vec<Case> {
    Case::of(OFFERED, offered).collect()
}

fn offered(session: &mut Session) -> Verdict {
    for path in ["/Schemas", "/ResourceTypes"] {
        if !session.allows("POST", path)? {
            return skip(format!("the server takes no POST on {path}"));
        }
    }
    Ok(())
}

fn schema(uri: &str, attributes: &Value) -> Value {
    json!({
        "schemas": [urn::SCHEMA],
        "id": uri,
        "name": "Thing",
        "description": "A thing to judge with",
        "attributes": attributes,
    })
}

fn attribute(name: &str, more: &Value) -> Value {
    let mut attribute = json!({
        "name": name,
        "type": "string",
        "multiValued": false,
        "description": name,
        "required": false,
        "mutability": "readWrite",
        "returned": "default",
    });
    for (member, value) in more.as_object().into_iter().flatten() {
        attribute[member] = value.clone();
    }
    if attribute["type"] == "string" {
        attribute["caseExact"] = json!(false);
        attribute["uniqueness"] = json!("none");
    }
    attribute
}

/// A resource type of its own, with one schema.
struct Thing {
    schema: String,
    name: String,
    endpoint: String,
}

impl Thing {
    fn new(session: &mut Session, attributes: &Value, extensions: &Value) -> Result<Self, Unmet> {
        let tag = session.tag().to_owned();
        let thing = Self {
            schema: format!("urn:example:{tag}:Thing"),
            name: format!("Thing{tag}"),
            endpoint: format!("/Things{tag}"),
        };
        define(session, &schema(&thing.schema, attributes))?;
        let mut kind = json!({
            "schemas": [urn::RESOURCE_TYPE],
            "name": thing.name,
            "description": "Things to judge with",
            "endpoint": thing.endpoint,
            "schema": thing.schema,
        });
        if !extensions.is_null() {
            kind["schemaExtensions"] = extensions.clone();
        }
        session.post("/ResourceTypes", &kind)?.expect(201)?;
        session.own(&format!("/ResourceTypes/{}", thing.name));
        Ok(thing)
    }

    fn body(&self, members: &Value) -> Value {
        let mut body = json!({ "schemas": [self.schema] });
        for (name, value) in members.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body
    }

    fn create(&self, session: &mut Session, members: &Value) -> Result<Value, Unmet> {
        let answer = session.post(&self.endpoint, &self.body(members))?;
        let thing = answer.expect(201)?.object()?.clone();
        session.own(&path_of(&self.endpoint, &thing));
        Ok(thing)
    }

    /// A thing whose `value` is this JSON text, which need not be what a parser makes of it.
    fn try_raw(&self, session: &mut Session, value: &str) -> Result<crate::wire::Answer, Unmet> {
        let body = format!(r#"{{"schemas":["{}"],"value":{value}}}"#, self.schema);
        let answer = session.send(Request::new("POST", &self.endpoint).bytes(body))?;
        if answer.status == 201 {
            session.own(&path_of(&self.endpoint, answer.object()?));
        }
        Ok(answer)
    }
}

fn define(session: &mut Session, schema: &Value) -> Result<(), Unmet> {
    session.post("/Schemas", schema)?.expect(201)?;
    session.own(&format!("/Schemas/{}", text(&schema["id"])));
    Ok(())
}

fn immutable(session: &mut Session) -> Verdict {
    let attributes = json!([
        attribute("serial", &json!({ "mutability": "immutable" })),
        attribute("label", &json!({})),
    ]);
    let kind = Thing::new(session, &attributes, &Value::Null)?;
    let thing = kind.create(session, &json!({ "serial": "1" }))?;
    let path = path_of(&kind.endpoint, &thing);
    let other = kind.body(&json!({ "serial": "2" }));
    session.put(&path, &other)?.refused(400, "mutability")?;
    let same_value = kind.body(&json!({ "serial": "1", "label": "x" }));
    session.put(&path, &same_value)?.expect(200)?;
    session.put(&path, &kind.body(&json!({})))?.expect(200)?;
    same(
        "serial, which is kept,",
        &json!("1"),
        &session.read(&path)?["serial"],
    )?;
    let replace = json!([{ "op": "replace", "path": "serial", "value": "2" }]);
    session.patch(&path, &replace)?.refused(400, "mutability")?;
    let unset = kind.create(session, &json!({}))?;
    let path = path_of(&kind.endpoint, &unset);
    let first = kind.body(&json!({ "serial": "3" }));
    session.put(&path, &first)?.expect(200)?;
    same("serial", &json!("3"), &session.read(&path)?["serial"])?;
    let unset = kind.create(session, &json!({}))?;
    let path = path_of(&kind.endpoint, &unset);
    let add = json!([{ "op": "add", "path": "serial", "value": "4" }]);
    session.patch(&path, &add)?.expect_any(&[200, 204])?;
    same("serial", &json!("4"), &session.read(&path)?["serial"])
}

fn integers(session: &mut Session) -> Verdict {
    let attributes = json!([attribute("value", &json!({ "type": "integer" }))]);
    let kind = Thing::new(session, &attributes, &Value::Null)?;
    for value in ["5.0", "5e0", "5.5", "\"5\"", "true"] {
        let answer = kind.try_raw(session, value)?;
        within(value, answer.refused(400, "invalidValue"))?;
    }
    for value in ["5", "0", "-7"] {
        let answer = kind.try_raw(session, value)?.expect(201)?;
        let got = answer.object()?["value"].to_string();
        same("value", &json!(value), &json!(got))?;
    }
    Ok(())
}

fn times(session: &mut Session) -> Verdict {
    let attributes = json!([attribute("value", &json!({ "type": "dateTime" }))]);
    let kind = Thing::new(session, &attributes, &Value::Null)?;
    for value in [
        "2011-05-13",
        "12:00:00Z",
        "2011-13-01T00:00:00Z",
        "yesterday",
        "",
    ] {
        let answer = kind.try_raw(session, &json!(value).to_string())?;
        within(value, answer.refused(400, "invalidValue"))?;
    }
    for (value, instant) in [
        ("2011-05-13T04:42:34Z", "2011-05-13T04:42:34Z"),
        ("2011-05-13T06:42:34+02:00", "2011-05-13T04:42:34Z"),
        ("2011-05-13T04:42:34", "2011-05-13T04:42:34Z"),
    ] {
        let answer = kind
            .try_raw(session, &json!(value).to_string())?
            .expect(201)?;
        let got = text(&answer.object()?["value"]);
        let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
        if time(&got) != time(instant) || !got.ends_with('Z') {
            return fail(format!("{instant}, in UTC with Z"), got);
        }
    }
    Ok(())
}

fn defaults(session: &mut Session) -> Verdict {
    let uri = format!("urn:example:{}:Sparse", session.tag());
    define(
        session,
        &schema(&uri, &json!([{ "name": "sparse", "multiValued": false }])),
    )?;
    let published = session.read(&format!("/Schemas/{uri}"))?;
    let attribute = &published["attributes"][0];
    for (characteristic, default) in [
        ("type", json!("string")),
        ("required", json!(false)),
        ("caseExact", json!(false)),
        ("mutability", json!("readWrite")),
        ("returned", json!("default")),
        ("uniqueness", json!("none")),
    ] {
        same(characteristic, &default, &attribute[characteristic])?;
    }
    let none = attribute.get("canonicalValues");
    if none.is_some_and(|values| *values != json!([])) {
        return fail("no canonicalValues", attribute.to_string());
    }
    Ok(())
}

fn senseless(session: &mut Session) -> Verdict {
    let uri = format!("urn:example:{}:Senseless", session.tag());
    let leaf = attribute("leaf", &json!({}));
    let inner = json!({ "type": "complex", "subAttributes": [leaf] });
    let deep = json!({ "type": "complex", "subAttributes": [attribute("inner", &inner)] });
    let mut unique = attribute("a", &inner);
    unique["uniqueness"] = json!("server");
    for (variant, attribute) in [
        (
            "a name that starts with a digit",
            attribute("1a", &json!({})),
        ),
        ("a name with a space", attribute("a b", &json!({}))),
        ("a name with a dot", attribute("a.b", &json!({}))),
        (
            "a name with a letter beyond ASCII",
            attribute("é", &json!({})),
        ),
        ("no name", json!({ "type": "string", "multiValued": false })),
        ("an empty name", attribute("", &json!({}))),
        ("a third level", attribute("a", &deep)),
        (
            "a type in another case",
            attribute("a", &json!({ "type": "String" })),
        ),
        (
            "an unknown type",
            attribute("a", &json!({ "type": "number" })),
        ),
        (
            "an unknown mutability",
            attribute("a", &json!({ "mutability": "readwrite" })),
        ),
        (
            "an unknown return",
            attribute("a", &json!({ "returned": "sometimes" })),
        ),
        (
            "a boolean as a string",
            attribute("a", &json!({ "required": "true" })),
        ),
        (
            "sub-attributes of a string",
            attribute("a", &json!({ "subAttributes": [leaf] })),
        ),
        (
            "reference types of a string",
            attribute("a", &json!({ "referenceTypes": ["User"] })),
        ),
        ("a unique complex attribute", unique),
    ] {
        let answer = session.post("/Schemas", &schema(&uri, &json!([attribute])))?;
        if answer.status == 201 {
            session.own(&format!("/Schemas/{uri}"));
        }
        within(variant, answer.refused(400, ""))?;
    }
    session.get(format!("/Schemas/{uri}"))?.refused(404, "")
}

/// Such a schema is refused, or its listing is without effect.
fn common_attributes(session: &mut Session) -> Verdict {
    let uri = format!("urn:example:{}:Older", session.tag());
    let listed = json!([attribute("id", &json!({})), attribute("label", &json!({}))]);
    let answer = session.post("/Schemas", &schema(&uri, &listed))?;
    if answer.status != 201 {
        return answer.refused(400, "");
    }
    session.delete(&format!("/Schemas/{uri}"))?;
    let kind = Thing::new(session, &listed, &Value::Null)?;
    let thing = kind.create(session, &json!({ "id": "chosen" }))?;
    if thing["id"] == "chosen" {
        return fail("an id of the server's own", thing.to_string());
    }
    Ok(())
}

fn required_extension(session: &mut Session) -> Verdict {
    let uri = format!("urn:example:{}:Needed", session.tag());
    let needed = attribute("needed", &json!({ "required": true }));
    define(session, &schema(&uri, &json!([needed])))?;
    let extensions = json!([{ "schema": uri, "required": true }]);
    let attributes = json!([attribute("label", &json!({}))]);
    let kind = Thing::new(session, &attributes, &extensions)?;
    for members in [
        json!({ "label": "x" }),
        json!({ "label": "x", uri.as_str(): {} }),
    ] {
        let answer = session.post(&kind.endpoint, &kind.body(&members))?;
        within(&members.to_string(), answer.refused(400, "invalidValue"))?;
    }
    let thing = kind.create(session, &json!({ uri.as_str(): { "needed": "x" } }))?;
    same("needed", &json!("x"), &thing[uri.as_str()]["needed"])
}

fn served(session: &mut Session) -> Verdict {
    let attributes = json!([attribute("label", &json!({}))]);
    let kind = Thing::new(session, &attributes, &Value::Null)?;
    let listed = session.get("/ResourceTypes")?;
    if !listed
        .list()?
        .resources
        .iter()
        .any(|one| one["name"] == kind.name.as_str())
    {
        return fail("the new type listed", listed.describe());
    }
    session.read(&format!("/Schemas/{}", kind.schema))?;
    let members = json!({ "label": "Box", "externalId": "X1" });
    let thing = kind.create(session, &members)?;
    same(
        "meta.resourceType",
        &json!(kind.name),
        &thing["meta"]["resourceType"],
    )?;
    same("externalId", &json!("X1"), &thing["externalId"])?;
    kind.create(session, &json!({ "label": "Bag" }))?;
    for filter in [
        r#"label eq "BOX""#,
        r#"externalId eq "X1""#,
        r#"id pr and label sw "bo""#,
    ] {
        let request = Request::get(&kind.endpoint).query("filter", filter);
        let answer = session.send(request)?;
        within(filter, selects(&answer.list()?, &[&thing]))?;
    }
    let path = path_of(&kind.endpoint, &thing);
    let replace = json!([{ "op": "replace", "path": "label", "value": "Crate" }]);
    session.patch(&path, &replace)?.expect_any(&[200, 204])?;
    let after = session.read(&format!("{path}?attributes=label"))?;
    same("label", &json!("Crate"), &after["label"])
}
