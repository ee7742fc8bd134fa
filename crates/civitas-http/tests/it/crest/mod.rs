//! Common REST: users and groups as managed objects.

mod accounts;
mod audit;
mod configuration;
mod dialects;
mod differential;
mod environment;
mod exchanges;
mod internal;
mod objects;
mod queries;
mod realms;
mod refusals;
mod relationships;
mod scheduler;
mod sessions;
mod types;

use serde_json::{Value, json};

use crate::world::{Answer, Ask, World, ask};

pub(super) const USERS: &str = "/openidm/managed/alpha_user";

/// A request with a JSON body by somebody who may write.
pub(super) fn put(method: &str, path: &str, body: &Value) -> Ask {
    bare(method, path)
        .header("Content-Type", "application/json")
        .body(body.to_string())
}

/// A request with a JSON body by an administrator.
pub(super) fn admin(method: &str, path: &str, body: &Value) -> Ask {
    put(method, path, body).without("Authorization").by("admin")
}

/// A request without body by somebody who may write.
pub(super) fn bare(method: &str, path: &str) -> Ask {
    ask(method, path).by("writer")
}

/// A user that policies have nothing against.
pub(super) fn person(name: &str) -> Value {
    json!({
        "userName": name, "givenName": "Amir", "sn": "Okoye", "mail": format!("{name}@example.org"),
    })
}

/// Creates a user, and gives it as it was answered.
pub(super) async fn create(world: &World, user: &Value) -> Value {
    let answer = world
        .send(put("POST", &format!("{USERS}?_action=create"), user))
        .await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

pub(super) fn path_of(user: &Value) -> String {
    format!("{USERS}/{}", user["_id"].as_str().unwrap())
}

/// Checks that this is an error of the status, and gives its message.
pub(super) fn error(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{answer:?}");
    let body = answer.json();
    assert_eq!(body["code"], status, "{body}");
    assert!(body["reason"].is_string(), "{body}");
    assert_eq!(
        answer.header("content-type"),
        "application/json;charset=utf-8"
    );
    body["message"].as_str().unwrap().to_owned()
}
