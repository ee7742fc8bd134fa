//! What users prove themselves by, and the users of applications: passwords, codes, locks and the
//! clock that ends them.

mod codes;
mod passwords;
mod users;

use civitas_directory::{
    Client, Roles, Store as _,
    client::{Application, Secret, SecretScopes},
};
use civitas_scim::tolerance::Profile;
use serde_json::{Value, json};

use crate::world::{Answer, Ask, SECRET, USER, World, ask, basic, hashed};

const PASSWORD: &str = "Blue7Kettle";
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A world with two applications, of which one may not manage users.
async fn world() -> World {
    let world = World::staged().await;
    for (id, scopes) in [
        ("shop", "application users openid"),
        ("viewer", "application openid"),
    ] {
        let client = Client {
            id: id.to_owned(),
            secrets: vec![Secret {
                scopes: SecretScopes::parse(scopes).unwrap(),
                ..Secret::plain(hashed(SECRET))
            }],
            certificates: Vec::new(),
            roles: Roles::NONE,
            enabled: true,
            profile: Profile::default(),
            account: None,
            application: Some(Application {
                name: "shop.example".to_owned(),
                home: None,
            }),
        };
        let tenant = world.tenant().await;
        world
            .store
            .create_client(tenant.partition, client)
            .await
            .unwrap();
    }
    world
}

async fn advance(world: &World, ms: i64) {
    let body = json!({ "advance_ms": ms });
    let ask = ask("PUT", "/civitas/v1/clock").by("admin");
    let ask = ask.header("Content-Type", "application/json");
    let answer = world.send(ask.body(body.to_string())).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// A user with a password, created through SCIM.
async fn user(world: &World, name: &str) -> String {
    let body = json!({
        "schemas": [USER], "userName": name, "password": PASSWORD, "active": true,
        "name": { "givenName": "Dora", "familyName": "Finch" },
        "emails": [{ "value": format!("{name}@example.org"), "primary": true }],
    });
    let answer = world
        .send(ask("POST", "/scim/v2/Users").by("admin").json(&body))
        .await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn logon(name: &str, password: &str) -> Ask {
    ask("POST", "/service/users/password")
        .header("Authorization", &basic(name, password))
        .header("Content-Type", "application/json")
}

/// The status and message code of a logon.
async fn told(world: &World, name: &str, password: &str) -> (u16, String) {
    code(&world.send(logon(name, password)).await)
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.header("x-message-code"))
}

fn refused(code: &str) -> (u16, String) {
    (401, code.to_owned())
}

fn accepted() -> (u16, String) {
    (200, String::new())
}

fn app(method: &str, path: &str, body: &Value) -> Ask {
    ask(method, path)
        .by("shop")
        .header("Content-Type", "application/json")
        .body(body.to_string())
}
