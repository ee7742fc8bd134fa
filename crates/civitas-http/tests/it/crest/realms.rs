//! Two realms of a tenant: each has objects, types and names of its own.

use serde_json::{Value, json};

use super::{USERS, bare, error, person, put};
use crate::world::{Ask, World, ask};

const BRAVO: &str = "/openidm/managed/bravo_user";

async fn made(world: &World, collection: &str, body: &Value) -> Value {
    let path = format!("/openidm/managed/{collection}?_action=create");
    let answer = world.send(put("POST", &path, body)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

async fn get(world: &World, path: &str) -> Value {
    let answer = world.send(bare("GET", path)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn admin(method: &str, path: &str, body: &Value) -> Ask {
    put(method, path, body).without("Authorization").by("admin")
}

async fn names(world: &World, path: &str) -> Vec<String> {
    let found = get(world, &format!("{path}?_queryFilter=true&_fields=userName")).await;
    let rows = found["result"].as_array().unwrap().iter();
    rows.map(|it| it["userName"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_name_is_taken_in_one_realm_only() {
    let world = World::start().await;
    assert_eq!(
        names(&world, BRAVO).await,
        [""; 0],
        "nothing was written yet"
    );
    let one = made(&world, "alpha_user", &person("amir")).await;
    let other = made(&world, "bravo_user", &person("amir")).await;
    assert_ne!(one["_id"], other["_id"]);
    made(&world, "bravo_user", &person("zoe")).await;
    assert_eq!(names(&world, USERS).await, ["amir"]);
    assert_eq!(names(&world, BRAVO).await, ["amir", "zoe"]);
    let again = put("POST", BRAVO, &person("amir"));
    error(&world.send(again).await, 403);

    let id = other["_id"].as_str().unwrap();
    let told = error(
        &world.send(bare("GET", &format!("{USERS}/{id}"))).await,
        404,
    );
    assert!(told.contains("o&#61;alpha"), "{told}");
    let scim = ask("GET", &format!("/scim/v2/Users/{id}")).by("writer");
    assert_eq!(world.send(scim).await.status, 404);
    let change = json!([{ "operation": "replace", "field": "sn", "value": "Ortega" }]);
    let patched = world
        .send(put("PATCH", &format!("{BRAVO}/{id}"), &change))
        .await;
    assert_eq!(patched.json()["sn"], "Ortega", "{patched:?}");
    let gone = world.send(bare("DELETE", &format!("{BRAVO}/{id}"))).await;
    assert_eq!(gone.status, 200);
    let told = error(
        &world.send(bare("GET", &format!("{BRAVO}/{id}"))).await,
        404,
    );
    assert!(told.contains("o&#61;bravo"), "{told}");
    assert_eq!(names(&world, USERS).await, ["amir"]);
    assert_eq!(names(&world, BRAVO).await, ["zoe"]);
}

#[tokio::test]
async fn one_identifier_may_stand_in_both() {
    let world = World::start().await;
    let id = "0f2c6a0e-2c57-4b6e-9a2b-6f1d2f0f8f11";
    for (collection, name) in [(USERS, "amir"), (BRAVO, "zoe")] {
        let path = format!("{collection}/{id}");
        let create = put("PUT", &path, &person(name)).header("If-None-Match", "*");
        let answer = world.send(create).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let location = answer.header("location");
        assert!(location.ends_with(&path), "{location}");
    }
    assert_eq!(
        get(&world, &format!("{USERS}/{id}")).await["userName"],
        "amir"
    );
    assert_eq!(
        get(&world, &format!("{BRAVO}/{id}")).await["userName"],
        "zoe"
    );
}

#[tokio::test]
async fn relationships_stay_within_a_realm() {
    let world = World::start().await;
    let mut ids = Vec::new();
    for realm in ["alpha", "bravo"] {
        let user = made(&world, &format!("{realm}_user"), &person("amir")).await;
        let group = json!({ "name": "staff" });
        made(&world, &format!("{realm}_group"), &group).await;
        for (kind, body) in [
            ("role", json!({ "_id": "auditor", "name": "auditor" })),
            ("organization", json!({ "_id": "north", "name": "north" })),
            (
                "assignment",
                json!({ "_id": "mail", "name": "mail", "description": "d", "mapping": "m" }),
            ),
        ] {
            made(&world, &format!("{realm}_{kind}"), &body).await;
        }
        ids.push(user["_id"].as_str().unwrap().to_owned());
    }
    for (realm, id) in [("alpha", &ids[0]), ("bravo", &ids[1])] {
        let user = format!("/openidm/managed/{realm}_user/{id}");
        for (relation, target) in [
            ("roles", format!("{realm}_role/auditor")),
            ("groups", format!("{realm}_group/staff")),
            ("memberOfOrg", format!("{realm}_organization/north")),
            ("assignments", format!("{realm}_assignment/mail")),
        ] {
            let reference = json!({ "_ref": format!("managed/{target}") });
            let add = put("POST", &format!("{user}/{relation}"), &reference);
            let answer = world.send(add).await;
            assert_eq!(answer.status, 201, "{target}: {answer:?}");
            assert_eq!(answer.json()["_ref"], format!("managed/{target}"));
            let other = if realm == "alpha" { "bravo" } else { "alpha" };
            let across = target.replacen(realm, other, 1);
            let reference = json!({ "_ref": format!("managed/{across}") });
            let add = put("POST", &format!("{user}/{relation}"), &reference);
            let told = error(&world.send(add).await, 400);
            let why = "is invalid as a relationship reference";
            assert!(told.contains(why) && told.contains(&across), "{told}");
        }
        let members = format!("/openidm/managed/{realm}_role/auditor/members?_queryFilter=true");
        let members = get(&world, &members).await;
        assert_eq!(members["resultCount"], 1);
        assert_eq!(members["result"][0]["_refResourceId"], **id);
        let seen = get(&world, &user).await;
        let role = format!("managed/{realm}_role/auditor");
        assert_eq!(seen["effectiveRoles"][0]["_ref"], role);
    }
    // The same identifier in the other realm is another user.
    let (alpha, bravo) = (&ids[0], &ids[1]);
    let twin = put("PUT", &format!("{BRAVO}/{alpha}"), &person("twin"));
    assert_eq!(world.send(twin).await.status, 201);
    let manager = json!({ "_ref": format!("managed/alpha_user/{alpha}") });
    let set = put("PUT", &format!("{BRAVO}/{bravo}/manager"), &manager);
    error(&world.send(set).await, 400);
    let patch = json!([{ "operation": "replace", "field": "manager", "value": manager }]);
    let set = put("PATCH", &format!("{BRAVO}/{bravo}"), &patch);
    error(&world.send(set).await, 400);
    let reports = format!("{BRAVO}/{alpha}/reports?_queryFilter=true");
    assert_eq!(get(&world, &reports).await["resultCount"], 0);
}

/// A property that is added to a type of one realm is none of the other.
#[tokio::test]
async fn types_are_a_realms_own() {
    let world = World::start().await;
    let property = "/openidm/schema/managed/bravo_user/properties/custom_badge";
    let body = json!({ "title": "Badge", "type": "string" });
    assert_eq!(world.send(admin("PUT", property, &body)).await.status, 201);
    let mut user = person("amir");
    user["custom_badge"] = "blue".into();
    let told = error(&world.send(put("POST", USERS, &user)).await, 400);
    assert!(told.contains("undeclared attributes"), "{told}");
    let made = made(&world, "bravo_user", &user).await;
    assert_eq!(made["custom_badge"], "blue");
    let schema = get(&world, "/openidm/schema/managed/bravo_user").await;
    assert_eq!(schema["title"], "Bravo realm - User");
    let config = get(&world, "/openidm/config/managed").await;
    let has = |name: &str| {
        let objects = config["objects"].as_array().unwrap();
        let object = objects.iter().find(|it| it["name"] == name).unwrap();
        object["schema"]["properties"].get("custom_badge").is_some()
    };
    assert_eq!((has("alpha_user"), has("bravo_user")), (false, true));
    let again = admin("PUT", "/openidm/config/managed", &config);
    assert_eq!(world.send(again).await.json(), config);
    let policy = "/openidm/policy/managed/bravo_user/*?_action=validateObject";
    let judged = world.send(put("POST", policy, &json!({}))).await.json();
    assert_eq!(judged["result"], false);
}

/// Snapshots and resets are of all realms.
#[tokio::test]
async fn a_reset_takes_both_realms_back() {
    let world = World::staged().await;
    made(&world, "alpha_user", &person("amir")).await;
    let empty = ask("PUT", "/civitas/v1/snapshots/before").by("admin");
    assert!(world.send(empty).await.status < 300);
    made(&world, "bravo_user", &person("zoe")).await;
    let full = ask("PUT", "/civitas/v1/snapshots/after").by("admin");
    assert!(world.send(full).await.status < 300);
    for (snapshot, there) in [("before", vec![]), ("after", vec!["zoe"])] {
        made(&world, "alpha_user", &person("late")).await;
        made(&world, "bravo_user", &person("late")).await;
        let order = json!({ "snapshot": snapshot });
        let answer = world.send(admin("POST", "/civitas/v1/reset", &order)).await;
        assert!(answer.status < 300, "{answer:?}");
        assert_eq!(names(&world, USERS).await, ["amir"], "{snapshot}");
        assert_eq!(names(&world, BRAVO).await, there, "{snapshot}");
    }
}
