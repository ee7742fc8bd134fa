//! The password policy of a tenant, set here.

use serde_json::{Value, json};

use super::{USERS, create, patch, person, sent};
use crate::world::{World, ask};

const POLICY: &str = "/admin/v1/PasswordPolicies/PasswordPolicy";

async fn set(world: &World, method: &str, body: &Value) -> Value {
    let ask = ask(method, POLICY).by("admin");
    let ask = ask.header("Content-Type", "application/json");
    let answer = world.send(ask.body(body.to_string())).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn what_is_set_holds_for_passwords() {
    let world = World::start().await;
    let read = world.send(ask("GET", POLICY).by("reader")).await.json();
    assert_eq!(read["passwordStrength"], "Simple");
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:oracle:idcs:PasswordPolicy"],
        "minLength": 14, "lockoutDuration": 30, "passwordExpiresAfter": 45,
        "numPasswordsInHistory": 2,
    });
    let policy = set(&world, "PUT", &body).await;
    assert_eq!(policy["passwordStrength"], "Custom");
    assert_eq!(policy["minLength"], 14);
    let longer = json!({ "op": "replace", "path": "minLength", "value": 16 });
    let never = json!({ "op": "remove", "path": "passwordExpiresAfter" });
    let operations = json!({ "schemas": [crate::world::PATCH_OP], "Operations": [longer, never] });
    let policy = set(&world, "PATCH", &operations).await;
    assert_eq!(policy["minLength"], 16);
    assert_eq!(policy["lockoutDuration"], 30);
    assert_eq!(policy["passwordExpiresAfter"], Value::Null);
    let user = create(&world, USERS, &person("mara")).await;
    let id = user["id"].as_str().unwrap();
    let path = format!("/admin/v1/UserPasswordChanger/{id}");
    for (password, status) in [("Blue-Kettle-7", 400), ("Blue-Kettle-7-and-more", 200)] {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:oracle:idcs:UserPasswordChanger"],
            "password": password,
        });
        let answer = world.send(sent("PUT", &path, &body)).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    // Whoever may write users does not set rules.
    let body = patch(&json!({ "op": "replace", "path": "minLength", "value": 9 }));
    let refused = world.send(sent("PATCH", POLICY, &body)).await;
    assert_eq!(refused.status, 403, "{refused:?}");
}
