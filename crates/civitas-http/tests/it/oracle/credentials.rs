//! Credentials of users: what only a world of one's own shows.

use serde_json::{Value, json};

use super::{SELF_CHANGE, USERS, create, hyphened, person, sent};
use crate::world::{World, ask};

const KEYS: &str = "/admin/v1/ApiKeys";
const KEY: &str = include_str!("../../../../civitas-directory/src/public_key/key.pem");

fn key_of(user: &Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:oracle:idcs:apikey"],
        "key": KEY, "user": { "value": user["id"] },
    })
}

#[tokio::test]
async fn whoever_gives_itself_a_key_as_others_do_says_so() {
    let world = World::start().await;
    let user = create(&world, USERS, &person("mara")).await;
    let scim = json!({ "id": hyphened(user["id"].as_str().unwrap()) });
    let token = world.user_token(&scim, "write").await;
    let asked = |method: &str, path: &str, body: &Value| {
        let ask = ask(method, path).bearer(&token);
        ask.header("Content-Type", "application/json")
            .body(body.to_string())
    };
    let mut body = key_of(&user);
    let refused = world.send(asked("POST", KEYS, &body)).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    body[SELF_CHANGE] = json!({ "allowSelfChange": true });
    let made = world.send(asked("POST", KEYS, &body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("{KEYS}/{}", made.json()["id"].as_str().unwrap());
    let refused = world.send(asked("DELETE", &path, &json!({}))).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    let said = format!("{path}?allowSelfChange=true");
    let deleted = world.send(asked("DELETE", &said, &json!({}))).await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
}

#[tokio::test]
async fn credentials_end_with_a_user_that_another_surface_deletes() {
    let world = World::start().await;
    let user = create(&world, USERS, &person("mara")).await;
    let key = create(&world, KEYS, &key_of(&user)).await;
    // Another user may have the same key.
    let other = create(&world, USERS, &person("ivo")).await;
    let theirs = create(&world, KEYS, &key_of(&other)).await;
    let path = format!("/scim/v2/Users/{}", hyphened(user["id"].as_str().unwrap()));
    let deleted = world.send(ask("DELETE", &path).by("writer")).await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    for (key, status) in [(key, 404), (theirs, 200)] {
        let path = format!("{KEYS}/{}", key["id"].as_str().unwrap());
        let read = world.send(ask("GET", &path).by("reader")).await;
        assert_eq!(read.status, status, "{read:?}");
    }
}

#[tokio::test]
async fn as_many_at_once_as_one_after_the_other() {
    let world = World::start().await;
    let user = create(&world, USERS, &person("mara")).await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:oracle:idcs:authToken"],
        "user": { "value": user["id"] },
    });
    let ask = || sent("POST", "/admin/v1/AuthTokens", &body);
    let all = futures_util::future::join_all((0..8).map(|_| world.send(ask()))).await;
    let made = all.iter().filter(|it| it.status == 201).count();
    let refused = all.iter().filter(|it| it.status == 400).count();
    assert_eq!((made, refused), (2, 6), "{all:?}");
}

#[tokio::test]
async fn whom_nobody_can_write_to_gets_a_password_for_the_first_logon() {
    let world = World::start().await;
    let plain = world.user("plain").await;
    let id = plain["id"].as_str().unwrap().replace('-', "");
    let path = format!("/admin/v1/UserPasswordResetter/{id}");
    let body =
        json!({ "schemas": ["urn:ietf:params:scim:schemas:oracle:idcs:UserPasswordResetter"] });
    let quiet = world.send(sent("PUT", &path, &body)).await;
    assert_eq!(quiet.status, 200, "{quiet:?}");
    assert_eq!(quiet.json()["oneTimePassword"], Value::Null);
    let asked = format!("{path}?attributes=oneTimePassword");
    let told = world.send(sent("PUT", &asked, &body)).await.json();
    let password = told["oneTimePassword"].as_str().unwrap();
    // It is good to set another one.
    let token = world.user_token(&plain, "read").await;
    let change = json!({
        "schemas": ["urn:ietf:params:scim:schemas:oracle:idcs:MePasswordChanger"],
        "oldPassword": password, "password": "Blue-Kettle-7",
    });
    let ask = ask("PUT", "/admin/v1/MePasswordChanger").bearer(&token);
    let ask = ask.header("Content-Type", "application/json");
    let changed = world.send(ask.body(change.to_string())).await;
    assert_eq!(changed.status, 200, "{changed:?}");
}

#[tokio::test]
async fn a_user_that_is_reset_is_written_to() {
    let world = World::staged().await;
    let user = create(&world, USERS, &person("mara")).await;
    let id = user["id"].as_str().unwrap();
    let path = format!("/admin/v1/UserPasswordResetter/{id}");
    let body =
        json!({ "schemas": ["urn:ietf:params:scim:schemas:oracle:idcs:UserPasswordResetter"] });
    let reset = world.send(sent("PUT", &path, &body)).await;
    assert_eq!(reset.status, 200, "{reset:?}");
    let mails = world
        .send(ask("GET", "/civitas/v1/mails").by("admin"))
        .await;
    let text = mails.json().to_string();
    assert!(text.contains("mara@civitas.test"), "{text}");
    assert!(text.contains("/ids/password"), "{text}");
}
