//! Types of managed objects that clients add.

use serde_json::{Value, json};

use super::{bare, error, person, put};
use crate::world::{Answer, Ask, World, ask};

const MANAGED: &str = "/openidm/config/managed";
const DEVICES: &str = "/openidm/managed/alpha_device";

fn admin(ask: Ask) -> Ask {
    ask.without("Authorization").by("admin")
}

async fn get(world: &World, path: &str) -> Value {
    let answer = world.send(admin(bare("GET", path))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn configure(world: &World, body: &Value) -> Answer {
    world.send(admin(put("PUT", MANAGED, body))).await
}

fn devices() -> Value {
    json!({
        "name": "alpha_device",
        "schema": {
            "title": "Device", "type": "object", "required": ["serial"],
            "order": ["_id", "serial"],
            "properties": {
                "_id": { "type": "string" },
                "serial": {
                    "title": "Serial number", "type": "string", "searchable": true,
                    "policies": [{ "policyId": "unique" }],
                },
                "name": { "type": "string" },
                "weight": { "type": "number", "searchable": true },
                "ports": { "type": "integer" },
                "lent": { "type": "boolean" },
                "tags": { "type": "array", "items": { "type": "string" } },
                "place": { "type": "object" },
                "repairs": { "type": "array", "items": { "type": "object" } },
            },
        },
    })
}

/// Adds the type to what is configured.
async fn added(world: &World) -> Value {
    let mut managed = get(world, MANAGED).await;
    let objects = managed["objects"].as_array_mut().unwrap();
    objects.push(devices());
    let answer = configure(world, &managed).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn found(world: &World, filter: &str) -> Vec<String> {
    let filter = filter.replace(' ', "%20").replace('"', "%22");
    let found = get(world, &format!("{DEVICES}?_queryFilter={filter}")).await;
    let rows = found["result"].as_array().unwrap().iter();
    rows.map(|it| it["serial"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_type_is_added_and_its_objects_are_like_others() {
    let world = World::start().await;
    error(&world.send(bare("GET", &format!("{DEVICES}/a"))).await, 404);
    let managed = added(&world).await;
    assert_eq!(
        configure(&world, &managed).await.json(),
        managed,
        "taken back as told"
    );
    let schema = get(&world, "/openidm/schema/managed/alpha_device").await;
    assert_eq!(schema["title"], "Device");
    assert_eq!(schema["required"], json!(["serial"]));
    let serial = &schema["properties"]["serial"];
    assert_eq!(
        (&serial["title"], &serial["type"]),
        (&json!("Serial number"), &json!("string"))
    );
    assert_eq!(schema["properties"]["repairs"]["items"]["type"], "object");
    assert_eq!(schema["properties"]["ports"]["type"], "integer");

    let first = json!({
        "serial": "A1", "name": "Loom", "weight": 2.5, "ports": 3, "lent": false,
        "tags": ["blue", "old"], "place": { "floor": 2 }, "repairs": [{ "at": "May" }, { "at": "June" }],
    });
    let path = format!("{DEVICES}/loom");
    let made = world
        .send(put("PUT", &path, &first).header("If-None-Match", "*"))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    assert_eq!(made["_id"], "loom");
    for (name, value) in first.as_object().unwrap() {
        assert_eq!(made[name], *value, "{name}");
    }
    let second = json!({ "serial": "B2", "name": "Mill", "weight": 10 });
    let made = world.send(put("POST", DEVICES, &second)).await;
    assert_eq!(made.status, 201, "{made:?}");
    for (filter, expected) in [
        ("true", "A1 B2"),
        ("serial eq \"a1\"", "A1"),
        ("weight gt 3", "B2"),
        ("tags eq \"blue\"", "A1"),
        ("lent eq false", "A1"),
        ("_id eq \"loom\"", "A1"),
        ("_id sw \"lo\"", "A1"),
        ("!(name co \"oo\")", "B2"),
        ("ports pr", "A1"),
    ] {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        assert_eq!(found(&world, filter).await, expected, "{filter}");
    }
    let operations = json!([
        { "operation": "increment", "field": "ports", "value": 1 },
        { "operation": "add", "field": "/tags/-", "value": "lent" },
        { "operation": "remove", "field": "/place" },
    ]);
    let patched = world.send(put("PATCH", &path, &operations)).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    let patched = patched.json();
    assert_eq!(patched["ports"], 4);
    assert_eq!(patched["tags"], json!(["blue", "old", "lent"]));
    assert!(patched.get("place").is_none(), "{patched}");
    let shown = ask("GET", "/scim/v2/alpha_device").by("reader");
    assert_eq!(world.send(shown).await.json()["totalResults"], 2);
    let gone = world.send(bare("DELETE", &path)).await;
    assert_eq!(gone.json()["serial"], "A1");
    error(&world.send(bare("GET", &path)).await, 404);
}

#[tokio::test]
async fn policies_of_added_types_hold() {
    let world = World::start().await;
    added(&world).await;
    let made = world
        .send(put("POST", DEVICES, &json!({ "serial": "A1" })))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    for (body, property, requirement) in [
        (json!({ "name": "x" }), "serial", "REQUIRED"),
        (json!({ "serial": "a1" }), "serial", "UNIQUE"),
        (
            json!({ "serial": "B", "weight": "heavy" }),
            "weight",
            "VALID_TYPE",
        ),
        (
            json!({ "serial": "B", "tags": "blue" }),
            "tags",
            "VALID_TYPE",
        ),
    ] {
        let refused = world.send(put("POST", DEVICES, &body)).await;
        assert_eq!(error(&refused, 403), "Policy validation failed", "{body}");
        let failed = &refused.json()["detail"]["failedPolicyRequirements"][0];
        assert_eq!(failed["property"], property, "{body}");
        let told = &failed["policyRequirements"][0]["policyRequirement"];
        assert_eq!(told, requirement, "{body}");
    }
    let told = error(
        &world
            .send(put(
                "POST",
                DEVICES,
                &json!({ "serial": "B", "colour": "x" }),
            ))
            .await,
        400,
    );
    assert!(told.contains("undeclared attributes"), "{told}");
    let path = "/openidm/policy/managed/alpha_device/*?_action=validateObject";
    let judged = world
        .send(put("POST", path, &json!({ "serial": "a1" })))
        .await
        .json();
    assert_eq!(judged["result"], false);
}

#[tokio::test]
async fn an_added_type_changes_and_goes_when_it_is_empty() {
    let world = World::start().await;
    added(&world).await;
    let made = world.send(put(
        "PUT",
        &format!("{DEVICES}/a"),
        &json!({ "serial": "A1", "name": "x" }),
    ));
    assert_eq!(made.await.status, 201);
    let colour = "/openidm/schema/managed/alpha_device/properties/colour";
    let definition = json!({ "title": "Colour", "type": "string" });
    let answer = world.send(admin(put("PUT", colour, &definition))).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let patch = json!([{ "operation": "add", "field": "/colour", "value": "blue" }]);
    let patched = world
        .send(put("PATCH", &format!("{DEVICES}/a"), &patch))
        .await;
    assert_eq!(patched.json()["colour"], "blue", "{patched:?}");
    error(&world.send(admin(bare("DELETE", colour))).await, 409);

    let whole = get(&world, MANAGED).await;
    let without = |whole: &Value| {
        let mut whole = whole.clone();
        let objects = whole["objects"].as_array_mut().unwrap();
        objects.retain(|it| it["name"] != "alpha_device");
        whole
    };
    error(&configure(&world, &without(&whole)).await, 409);
    assert_eq!(get(&world, MANAGED).await, whole, "nothing changed");
    let gone = world.send(bare("DELETE", &format!("{DEVICES}/a"))).await;
    assert_eq!(gone.status, 200);
    let removed = configure(&world, &without(&whole)).await;
    assert_eq!((removed.status, removed.json()), (200, without(&whole)));
    error(&world.send(bare("GET", &format!("{DEVICES}/a"))).await, 404);
    let schemas = ask("GET", "/scim/v2/Schemas").by("reader");
    let schemas = world.send(schemas).await;
    assert!(!schemas.json().to_string().contains("alpha_device"));
    added(&world).await;
}

#[tokio::test]
async fn types_are_added_by_patches_and_refused_whole() {
    let world = World::start().await;
    let mut bravo = devices();
    bravo["name"] = "bravo_device".into();
    let add = json!([{ "operation": "add", "field": "/objects/-", "value": bravo }]);
    let patched = world.send(admin(put("PATCH", MANAGED, &add))).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    let made = put(
        "POST",
        "/openidm/managed/bravo_device",
        &json!({ "serial": "A1" }),
    );
    assert_eq!(world.send(made).await.status, 201);
    error(
        &world
            .send(bare("GET", &format!("{DEVICES}?_queryFilter=true")))
            .await,
        404,
    );

    let managed = get(&world, MANAGED).await;
    let changed = |name: &str, path: &str, value: Value| {
        let mut definition = devices();
        definition["name"] = name.into();
        *definition.pointer_mut(path).unwrap() = value;
        let mut managed = managed.clone();
        managed["objects"].as_array_mut().unwrap().push(definition);
        managed
    };
    let relationship = json!({ "type": "relationship" });
    let pattern = json!([{ "policyId": "valid-phone-format" }]);
    let serial = "/schema/properties/serial";
    for (name, path, value, status, told) in [
        ("device", "/name", json!("device"), 400, "alpha_…"),
        (
            "charlie_device",
            "/name",
            json!("charlie_device"),
            400,
            "alpha_…",
        ),
        (
            "alpha_device",
            "/schema/properties/name",
            relationship,
            501,
            "relationships",
        ),
        (
            "alpha_device",
            "/schema/properties/serial/policies",
            pattern,
            501,
            "valid-phone-format",
        ),
        (
            "alpha_device",
            serial,
            json!({ "type": "date" }),
            400,
            "the type of a property",
        ),
        (
            "alpha_device",
            "/schema/required",
            json!(["none"]),
            400,
            "required names none",
        ),
    ] {
        let answer = configure(&world, &changed(name, path, value)).await;
        let message = error(&answer, status);
        assert!(message.contains(told), "{message}");
        assert_eq!(get(&world, MANAGED).await, managed, "nothing changed");
    }
    let mut own = managed.clone();
    own["objects"].as_array_mut().unwrap().remove(0);
    error(&configure(&world, &own).await, 501);
    let user = world.send(put("POST", super::USERS, &person("amir"))).await;
    assert_eq!(user.status, 201);
}
