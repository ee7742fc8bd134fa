//! Schemas and resource types that a tenant defines while it runs.

use serde_json::{Value, json};

use crate::world::{Answer, GROUP, PATCH_OP, USER, World, ask};

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const INDEX: &str = "urn:civitas:scim:schemas:extension:index:1.0:Schema";
const BADGE: &str = "urn:example:scim:schemas:extension:2.0:Badge";
const DEVICE: &str = "urn:example:scim:schemas:2.0:Device";

async fn send(world: &World, method: &str, path: &str, body: &Value) -> Answer {
    let path = format!("/scim/v2{path}");
    let asked = ask(method, &path).by("admin");
    let asked = if body.is_null() {
        asked
    } else {
        asked.json(body)
    };
    world.send(asked).await
}

async fn sent(world: &World, method: &str, path: &str, body: &Value, status: u16) -> Value {
    let answer = send(world, method, path, body).await;
    assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
    if answer.body.is_empty() {
        return Value::Null;
    }
    answer.json()
}

/// The detail of a refusal.
async fn refused(world: &World, method: &str, path: &str, body: &Value, status: u16) -> String {
    let error = sent(world, method, path, body, status).await;
    error["detail"].as_str().unwrap_or_default().to_owned()
}

fn badge(attributes: &Value, indexed: &Value) -> Value {
    json!({
        "schemas": [SCHEMA, INDEX],
        "id": BADGE,
        "name": "Badge",
        "attributes": attributes,
        INDEX: { "indexed": indexed },
    })
}

/// User or Group with extensions.
fn with_extensions(name: &str, schema: &str, extensions: &Value) -> Value {
    json!({
        "schemas": [RESOURCE_TYPE],
        "name": name,
        "endpoint": format!("/{name}s"),
        "schema": schema,
        "schemaExtensions": extensions,
    })
}

async fn attach_badge(world: &World) {
    let extensions = json!([{ "schema": BADGE, "required": false }]);
    let user = with_extensions("User", USER, &extensions);
    sent(world, "PUT", "/ResourceTypes/User", &user, 200).await;
}

fn user(name: &str, badge: &Value) -> Value {
    json!({ "schemas": [USER, BADGE], "userName": name, BADGE: badge })
}

async fn found(world: &World, collection: &str, filter: &str) -> Vec<Value> {
    let filter = filter.replace(' ', "%20").replace('"', "%22");
    let path = format!("/{collection}?filter={filter}");
    let list = sent(world, "GET", &path, &Value::Null, 200).await;
    list["Resources"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_extension_of_users_takes_effect_at_once() {
    let world = World::start().await;
    let attributes = json!([
        { "name": "code", "type": "string", "uniqueness": "server" },
        { "name": "level", "type": "integer" },
        { "name": "rooms", "type": "complex", "multiValued": true, "subAttributes": [
            { "name": "value", "type": "string" },
            { "name": "primary", "type": "boolean" },
        ] },
    ]);
    let asked = badge(&attributes, &json!(["level", "rooms.value"]));
    let created = send(&world, "POST", "/Schemas", &asked).await;
    assert_eq!(created.status, 201, "{created:?}");
    let location = created.header("location").clone();
    assert!(
        location.ends_with(&format!("/scim/v2/Schemas/{BADGE}")),
        "{location}"
    );
    let schema = created.json();
    assert_eq!(schema["meta"]["version"], created.header("etag"));
    assert_eq!(schema["attributes"][0]["caseExact"], false, "S-7643-2.2-02");
    assert_eq!(
        schema[INDEX],
        json!({ "indexed": ["code", "level", "rooms.value"] }),
        "what is unique is indexed"
    );
    let published = sent(
        &world,
        "GET",
        &format!("/Schemas/{BADGE}"),
        &Value::Null,
        200,
    )
    .await;
    assert_eq!(published, schema);
    attach_badge(&world).await;

    let one = user(
        "one",
        &json!({ "CODE": "A1", "level": 3, "rooms": [{ "value": "4.12" }] }),
    );
    let one = sent(&world, "POST", "/Users", &one, 201).await;
    assert_eq!(one[BADGE]["code"], "A1");
    let wrong = user("two", &json!({ "level": "high" }));
    let detail = refused(&world, "POST", "/Users", &wrong, 400).await;
    assert!(detail.contains(&format!("{BADGE}:level")), "{detail}");
    let taken = user("two", &json!({ "code": "a1" }));
    let detail = refused(&world, "POST", "/Users", &taken, 409).await;
    assert!(detail.contains(&format!("{BADGE}:code")), "{detail}");
    sent(
        &world,
        "POST",
        "/Users",
        &user("two", &json!({ "level": 7 })),
        201,
    )
    .await;

    for (filter, names) in [
        (format!("{BADGE}:code eq \"a1\""), vec!["one"]),
        (format!("{BADGE}:level gt 3"), vec!["two"]),
        (format!("{BADGE}:rooms[value sw \"4.\"]"), vec!["one"]),
        (
            format!("{BADGE}:code pr or {BADGE}:level pr"),
            vec!["one", "two"],
        ),
    ] {
        let found = found(&world, "Users", &filter).await;
        let mut found: Vec<_> = found
            .iter()
            .map(|it| it["userName"].as_str().unwrap())
            .collect();
        found.sort_unstable();
        assert_eq!(found, names, "{filter}");
    }
    let path = format!(
        "/Users/{}?attributes={BADGE}:level",
        one["id"].as_str().unwrap()
    );
    let operations = json!({ "schemas": [PATCH_OP], "Operations": [
        { "op": "replace", "path": format!("{BADGE}:level"), "value": 4 },
    ] });
    let patched = sent(&world, "PATCH", &path, &operations, 200).await;
    assert_eq!(patched[BADGE], json!({ "level": 4 }));
    world.stop().await;
}

#[tokio::test]
async fn a_resource_type_of_its_own() {
    let world = World::start().await;
    let attributes = json!([
        { "name": "serial", "type": "string", "required": true, "caseExact": true,
          "uniqueness": "global" },
        { "name": "displayName", "type": "string" },
    ]);
    let schema = json!({ "schemas": [SCHEMA], "id": DEVICE, "attributes": attributes });
    let defined = sent(&world, "POST", "/Schemas", &schema, 201).await;
    assert_eq!(defined["name"], "Device", "the last part of the URI");
    let device = json!({
        "schemas": [RESOURCE_TYPE],
        "name": "Device",
        "endpoint": "/Devices",
        "schema": DEVICE,
    });
    let missing = ask("GET", "/scim/v2/Devices").by("reader");
    assert_eq!(world.send(missing.clone()).await.status, 404);
    let created = send(&world, "POST", "/ResourceTypes", &device).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert!(
        created
            .header("location")
            .ends_with("/scim/v2/ResourceTypes/Device")
    );
    assert_eq!(world.send(missing).await.status, 200);

    let lamp = json!({ "schemas": [DEVICE], "serial": "X-1", "displayName": "Lamp" });
    let answer = send(&world, "POST", "/Devices", &lamp).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let made = answer.json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["meta"]["resourceType"], "Device");
    assert_eq!(made["meta"]["version"], answer.header("etag"));
    assert!(
        answer
            .header("location")
            .ends_with(&format!("/scim/v2/Devices/{id}"))
    );
    refused(&world, "POST", "/Devices", &lamp, 409).await;
    refused(
        &world,
        "POST",
        "/Devices",
        &json!({ "schemas": [DEVICE] }),
        400,
    )
    .await;
    refused(&world, "GET", &format!("/Users/{id}"), &Value::Null, 404).await;
    assert_eq!(found(&world, "Devices", "serial eq \"X-1\"").await.len(), 1);
    assert_eq!(found(&world, "Devices", "serial eq \"x-1\"").await.len(), 0);
    let everything = sent(&world, "GET", "", &Value::Null, 200).await;
    assert_eq!(everything["totalResults"], 1);

    // Groups say in their schema of what their members are.
    let group = json!({ "schemas": [GROUP], "displayName": "g", "members": [{ "value": id }] });
    let detail = refused(&world, "POST", "/Groups", &group, 400).await;
    assert!(detail.contains("Device"), "{detail}");

    let in_use = refused(&world, "DELETE", "/ResourceTypes/Device", &Value::Null, 409).await;
    assert!(in_use.contains(id), "{in_use}");
    let path = format!("/Schemas/{DEVICE}");
    let in_use = refused(&world, "DELETE", &path, &Value::Null, 409).await;
    assert!(in_use.contains("Device"), "{in_use}");
    sent(
        &world,
        "DELETE",
        &format!("/Devices/{id}"),
        &Value::Null,
        204,
    )
    .await;
    sent(&world, "DELETE", "/ResourceTypes/Device", &Value::Null, 204).await;
    sent(&world, "DELETE", &path, &Value::Null, 204).await;
    sent(&world, "GET", &path, &Value::Null, 404).await;
    sent(&world, "GET", "/Devices", &Value::Null, 404).await;
    world.stop().await;
}

#[tokio::test]
async fn definitions_change_as_far_as_resources_allow() {
    let world = World::start().await;
    let code = json!({ "name": "code", "type": "string" });
    let level = json!({ "name": "level", "type": "integer" });
    let badge_of = |attributes: &Value| badge(attributes, &json!([]));
    sent(
        &world,
        "POST",
        "/Schemas",
        &badge_of(&json!([code, level])),
        201,
    )
    .await;
    attach_badge(&world).await;
    for name in ["one", "two"] {
        let same = user(name, &json!({ "code": "same" }));
        sent(&world, "POST", "/Users", &same, 201).await;
    }
    let path = format!("/Schemas/{BADGE}");
    for (attributes, words) in [
        (json!([level]), "cannot be removed"),
        (
            json!([{ "name": "code", "type": "integer" }, level]),
            "cannot change its type",
        ),
        (
            json!([{ "name": "code", "multiValued": true }, level]),
            "cannot change its type",
        ),
        (
            json!([{ "name": "code", "caseExact": true }, level]),
            "cannot change its type",
        ),
        (
            json!([code, { "name": "level", "type": "integer", "required": true }]),
            "required",
        ),
        (
            json!([code, { "name": "more", "required": true }]),
            "required",
        ),
        (
            json!([{ "name": "code", "uniqueness": "server" }, level]),
            "let it be indexed first",
        ),
    ] {
        let detail = refused(&world, "PUT", &path, &badge_of(&attributes), 409).await;
        assert!(detail.contains(words), "{attributes}: {detail}");
    }
    // What has no values may go, change and be required.
    let more = json!({ "name": "more", "type": "string", "uniqueness": "server" });
    let changed = badge_of(&json!([code, { "name": "level", "type": "string" }, more]));
    sent(&world, "PUT", &path, &changed, 200).await;
    sent(&world, "PUT", &path, &badge_of(&json!([code])), 200).await;
    let described = json!([{ "name": "code", "description": "told", "required": true }]);
    let described = sent(&world, "PUT", &path, &badge_of(&described), 200).await;
    assert_eq!(described["attributes"][0]["description"], "told");

    let detached = with_extensions("User", USER, &json!([]));
    let detail = refused(&world, "PUT", "/ResourceTypes/User", &detached, 409).await;
    assert!(detail.contains(BADGE), "{detail}");
    let required = json!([{ "schema": BADGE, "required": true }]);
    let required = with_extensions("User", USER, &required);
    sent(&world, "PUT", "/ResourceTypes/User", &required, 200).await;
    let lacking = json!({ "schemas": [USER], "userName": "three" });
    let detail = refused(&world, "POST", "/Users", &lacking, 400).await;
    assert!(detail.contains(BADGE), "S-7643-6-03: {detail}");
    world.stop().await;
}

#[tokio::test]
async fn definitions_have_versions_and_owners() {
    let world = World::start().await;
    let asked = badge(&json!([{ "name": "code" }]), &json!([]));
    for (client, status) in [("reader", 403), ("writer", 403), ("admin", 201)] {
        let ask = ask("POST", "/scim/v2/Schemas").by(client).json(&asked);
        assert_eq!(world.send(ask).await.status, status, "{client}");
    }
    assert_eq!(
        send(&world, "POST", "/Schemas", &asked)
            .await
            .scim_error(409),
        "uniqueness"
    );
    let path = format!("/scim/v2/Schemas/{BADGE}");
    let read = world.send(ask("GET", &path).by("reader")).await;
    let version = read.header("etag").clone();
    let put = |tag: &str| {
        ask("PUT", &path)
            .by("admin")
            .json(&asked)
            .header("If-Match", tag)
    };
    let replaced = world.send(put(&version)).await;
    assert_eq!(replaced.status, 200, "{replaced:?}");
    assert_ne!(replaced.header("etag"), version);
    assert_eq!(world.send(put(&version)).await.status, 412);
    let stale = ask("DELETE", &path)
        .by("admin")
        .header("If-Match", &version);
    assert_eq!(world.send(stale).await.status, 412);
    // Another tenant sees nothing of it.
    let elsewhere = world
        .send(ask("GET", &path).header("Host", "other.example.com"))
        .await;
    assert_eq!(elsewhere.status, 401);
    sent(
        &world,
        "DELETE",
        &format!("/Schemas/{BADGE}"),
        &Value::Null,
        204,
    )
    .await;
    sent(
        &world,
        "DELETE",
        &format!("/Schemas/{BADGE}"),
        &Value::Null,
        404,
    )
    .await;
    world.stop().await;
}

#[tokio::test]
async fn what_the_rfc_defines_stays() {
    let world = World::start().await;
    let path = format!("/Schemas/{USER}");
    let published = sent(&world, "GET", &path, &Value::Null, 200).await;
    let mut indexed = published.clone();
    indexed[INDEX] = json!({ "indexed": ["title", "name.familyName"] });
    let chosen = sent(&world, "PUT", &path, &indexed, 200).await;
    assert_eq!(
        chosen[INDEX]["indexed"],
        json!(["name.familyName", "title"])
    );
    let mut other = published.clone();
    other["attributes"][0]["required"] = json!(false);
    assert_eq!(
        send(&world, "PUT", &path, &other).await.scim_error(400),
        "mutability"
    );
    for wrong in ["password", "members", "name", "nothing", "groups.value"] {
        let mut asked = published.clone();
        asked[INDEX] = json!({ "indexed": [wrong] });
        let answer = send(&world, "PUT", &path, &asked).await;
        assert_eq!(answer.scim_error(400), "invalidValue", "{wrong}");
    }
    for (method, path) in [
        ("DELETE", path.as_str()),
        ("DELETE", "/ResourceTypes/User"),
        ("DELETE", "/ResourceTypes/Group"),
    ] {
        let answer = send(&world, method, path, &Value::Null).await;
        assert_eq!(answer.scim_error(400), "mutability", "{path}");
    }
    let moved = json!({ "schemas": [RESOURCE_TYPE], "name": "User", "endpoint": "/People",
        "schema": USER });
    let answer = send(&world, "PUT", "/ResourceTypes/User", &moved).await;
    assert_eq!(answer.scim_error(400), "mutability");
    world.stop().await;
}

/// RFC 7644 §4 has no POST there.
#[tokio::test]
async fn who_posts_no_definition_is_told_that_discovery_is_read_only() {
    let world = World::start().await;
    for path in ["/scim/v2/Schemas", "/scim/v2/ResourceTypes"] {
        let answer = world.send(ask("POST", path).by("admin")).await;
        assert_eq!(answer.scim_error(405), "");
        assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
    }
}
