//! SAP Cloud Identity Services: what only a world of one's own shows.

mod identity;
mod services;
mod views;

use serde_json::{Value, json};

use crate::world::{Ask, USER, World, ask};

const USERS: &str = "/scim/Users";
const SAP_USER: &str = "urn:ietf:params:scim:schemas:extension:sap:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn sent(method: &str, path: &str, body: &Value) -> Ask {
    ask(method, path).by("writer").json(body)
}

fn person(name: &str) -> Value {
    json!({
        "schemas": [USER],
        "userName": name,
        "emails": [{ "value": format!("{name}@example.org"), "type": "work" }],
    })
}

/// Creates what a body says, and gives it as it was answered.
async fn create(world: &World, collection: &str, body: &Value) -> Value {
    let answer = world.send(sent("POST", collection, body)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn path_of(collection: &str, resource: &Value) -> String {
    format!("{collection}/{}", resource["id"].as_str().unwrap())
}

async fn read(world: &World, path: &str) -> Value {
    let answer = world.send(ask("GET", path).by("writer")).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}
