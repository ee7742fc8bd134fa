//! Users who sign in at `/am/json`.

use civitas_directory::credential::{CredentialChange, Password, PasswordStatus};
use serde_json::{Value, json};

use super::{bare, create, error, path_of, person, put};
use crate::world::{Answer, Ask, NOW, World, ask, hashed};

const ALPHA: &str = "/am/json/realms/root/realms/alpha";
const PASSWORD: &str = "Blue-Kettle-42";

fn post(path: &str, body: &Value) -> Ask {
    ask("POST", path)
        .header("Content-Type", "application/json")
        .header("Accept-API-Version", "resource=2.0, protocol=1.0")
        .body(body.to_string())
}

async fn user(world: &World, name: &str) -> Value {
    let mut body = person(name);
    body["password"] = json!(PASSWORD);
    create(world, &body).await
}

/// What is asked of who wants to sign in.
async fn callbacks(world: &World) -> Value {
    let asked = ask("POST", &format!("{ALPHA}/authenticate"));
    let answer = world.send(asked).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn filled(mut callbacks: Value, name: &str, password: &str) -> Value {
    callbacks["callbacks"][0]["input"][0]["value"] = json!(name);
    callbacks["callbacks"][1]["input"][0]["value"] = json!(password);
    callbacks
}

async fn sign_in(world: &World, name: &str, password: &str) -> Answer {
    let body = filled(callbacks(world).await, name, password);
    world
        .send(post(&format!("{ALPHA}/authenticate"), &body))
        .await
}

async fn session(world: &World, token: &str, action: &str) -> Answer {
    let ask = ask(
        "POST",
        &format!("/am/json/realms/root/sessions/?_action={action}"),
    )
    .header("Accept-API-Version", "resource=4.0")
    .header("Cookie", &format!("a=b; civitasSession={token}"));
    world.send(ask).await
}

fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["tokenId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_user_signs_in_and_out() {
    let world = World::start().await;
    let user = user(&world, "amir").await;
    let asked = callbacks(&world).await;
    assert_eq!(asked["callbacks"][0]["type"], "NameCallback");
    assert_eq!(asked["callbacks"][1]["input"][0]["name"], "IDToken2");
    let signed_in = sign_in(&world, "amir", PASSWORD).await;
    let id = token(&signed_in);
    let body = signed_in.json();
    assert_eq!(
        (&body["realm"], &body["successUrl"]),
        (&json!("/alpha"), &json!("/enduser/?realm=/alpha"))
    );
    let cookie = format!("civitasSession={id}; Path=/; Secure; HttpOnly; SameSite=none");
    assert_eq!(signed_in.header("set-cookie"), cookie);
    let info = session(&world, &id, "getSessionInfo").await;
    assert_eq!(info.status, 200, "{info:?}");
    let info = info.json();
    assert_eq!(
        (&info["username"], &info["realm"]),
        (&json!("amir"), &json!("/alpha"))
    );
    assert_eq!(info["maxSessionExpirationTime"], "2026-01-02T05:04:05.678Z");
    assert!(
        info["universalId"]
            .as_str()
            .unwrap()
            .contains(user["_id"].as_str().unwrap())
    );
    let entries = bare("GET", "/openidm/audit/authentication?_queryFilter=true");
    let entries = || entries.clone().without("Authorization").by("admin");
    let told = world.send(entries()).await.json();
    assert_eq!(told["result"][0]["eventName"], "LOGIN", "{told}");
    assert_eq!(told["result"][0]["userId"], user["_id"]);
    let out = session(&world, &id, "logout").await;
    assert_eq!(out.json(), json!({ "result": "Successfully logged out" }));
    for action in ["getSessionInfo", "logout"] {
        assert_eq!(
            error(&session(&world, &id, action).await, 401),
            "Access Denied"
        );
    }
    assert_eq!(
        world.send(entries()).await.json()["result"][1]["eventName"],
        "LOGOUT"
    );
    error(&session(&world, &id, "dance").await, 400);
    error(&session(&world, "junk", "getSessionInfo").await, 401);
}

#[tokio::test]
async fn header_fields_sign_in_as_well() {
    let world = World::start().await;
    user(&world, "amir").await;
    let shown = |path: &str, password: &str| {
        ask("POST", path)
            .header("X-OpenAM-Username", "amir")
            .header("X-OpenAM-Password", password)
    };
    let path = format!("{ALPHA}/authenticate");
    token(&world.send(shown(&path, PASSWORD)).await);
    let none = format!("{path}?noSession=true");
    let answer = world.send(shown(&none, PASSWORD)).await;
    assert_eq!(
        (answer.status, &answer.json()["tokenId"]),
        (200, &Value::Null)
    );
    assert_eq!(answer.header("set-cookie"), "");
    assert_eq!(
        error(&world.send(shown(&path, "wrong")).await, 401),
        "Login failure"
    );
    // In the root realm there are no users.
    let root = "/am/json/realms/root/authenticate";
    assert_eq!(
        error(&world.send(shown(root, PASSWORD)).await, 401),
        "Login failure"
    );
    let first = shown(&path, "wrong").header("Accept-API-Version", "resource=1.1");
    let answer = world.send(first).await;
    assert_eq!(
        (answer.status, answer.json()),
        (401, json!({ "errorMessage": "Login failure" }))
    );
}

#[tokio::test]
async fn wrong_passwords_lock_here_as_everywhere() {
    let world = World::start().await;
    let amir = user(&world, "amir").await;
    for (name, password) in [("nobody", PASSWORD), ("amir", "wrong"), ("amir", "")] {
        assert_eq!(
            error(&sign_in(&world, name, password).await, 401),
            "Login failure"
        );
    }
    token(&sign_in(&world, "AMIR", PASSWORD).await);
    for _ in 0..5 {
        error(&sign_in(&world, "amir", "wrong").await, 401);
    }
    assert_eq!(
        error(&sign_in(&world, "amir", PASSWORD).await, 401),
        "Login failure"
    );
    // Another password opens again; what must be changed first does not.
    let anew = |status| {
        CredentialChange::Password(Password {
            hash: hashed(PASSWORD),
            set: NOW,
            status,
        })
    };
    let id = amir["_id"].as_str().unwrap();
    world
        .change_credential(id, &anew(PasswordStatus::Enabled))
        .await;
    let session_id = token(&sign_in(&world, "amir", PASSWORD).await);
    world
        .change_credential(id, &anew(PasswordStatus::ResetRequired))
        .await;
    error(&sign_in(&world, "amir", PASSWORD).await, 401);
    // Who is made inactive has no session.
    assert_eq!(
        session(&world, &session_id, "getSessionInfo").await.status,
        200
    );
    let inactive =
        json!([{ "operation": "replace", "field": "/accountStatus", "value": "inactive" }]);
    assert_eq!(
        world
            .send(put("PATCH", &path_of(&amir), &inactive))
            .await
            .status,
        200
    );
    error(&session(&world, &session_id, "getSessionInfo").await, 401);
    world
        .change_credential(id, &anew(PasswordStatus::Enabled))
        .await;
    assert_eq!(
        error(&sign_in(&world, "amir", PASSWORD).await, 401),
        "Login failure"
    );
}

#[tokio::test]
async fn a_user_has_a_few_sessions_at_a_time() {
    let world = World::start().await;
    user(&world, "amir").await;
    let mut tokens = Vec::new();
    for _ in 0..6 {
        tokens.push(token(&sign_in(&world, "amir", PASSWORD).await));
    }
    for (number, it) in tokens.iter().enumerate() {
        let status = session(&world, it, "getSessionInfo").await.status;
        assert_eq!(status, if number == 0 { 401 } else { 200 }, "{number}");
    }
}

#[tokio::test]
async fn what_is_no_sign_in_is_refused() {
    let world = World::start().await;
    let path = format!("{ALPHA}/authenticate");
    let typed = ask("POST", &path)
        .header("Content-Type", "text/plain")
        .body("x");
    assert_eq!(
        error(&world.send(typed.clone()).await, 415),
        "Unsupported Media Type"
    );
    let first = typed.header("Accept-API-Version", "resource=1.0");
    let answer = world.send(first).await;
    let told = json!({ "errorMessage": "Unsupported Media Type" });
    assert_eq!((answer.status, answer.json()), (415, told));
    for (ask, status, told) in [
        (
            post(&path, &json!({ "authId": "junk" })),
            400,
            "Invalid authId",
        ),
        (
            post(
                &format!("{path}?authIndexType=service&authIndexValue=None"),
                &json!({}),
            ),
            400,
            "No Configuration found",
        ),
        (
            post(&path, &json!({})).rebody("{"),
            400,
            "is not valid JSON",
        ),
        (post(&path, &json!([])), 400, "is not valid JSON"),
        (ask("GET", &path), 405, ""),
        (
            ask("POST", &path).header("Accept-API-Version", "resource=9.0"),
            406,
            "not found",
        ),
        (
            ask("POST", "/am/json/realms/root/realms/gamma/authenticate"),
            401,
            "",
        ),
    ] {
        let message = error(&world.send(ask).await, status);
        assert!(message.contains(told), "{message}");
    }
    // What was asked of one realm answers no other.
    let asked = callbacks(&world).await;
    let root = post("/am/json/realms/root/authenticate", &asked);
    assert_eq!(error(&world.send(root).await, 400), "Invalid authId");
}

#[tokio::test]
async fn time_ends_what_was_asked_and_what_was_begun() {
    let world = World::staged().await;
    user(&world, "amir").await;
    let instant = json!({ "now": "2030-01-01T00:00:00Z", "frozen": true });
    world.set("PUT", "clock", instant).await;
    let pass = async |ms: i64| {
        world.set("PUT", "clock", json!({ "advance_ms": ms })).await;
    };
    let path = format!("{ALPHA}/authenticate");
    let asked = filled(callbacks(&world).await, "amir", PASSWORD);
    pass(5 * 60_000).await;
    let id = token(&world.send(post(&path, &asked)).await);
    pass(1).await;
    let late = world.send(post(&path, &asked)).await;
    assert_eq!(error(&late, 401), "Session has timed out");
    assert_eq!(late.json()["detail"]["errorCode"], "110");
    pass(120 * 60_000 - 2).await;
    assert_eq!(session(&world, &id, "getSessionInfo").await.status, 200);
    pass(1).await;
    assert_eq!(
        error(&session(&world, &id, "getSessionInfo").await, 401),
        "Access Denied"
    );
    // The next sign-in drops what is over.
    let id = token(&sign_in(&world, "amir", PASSWORD).await);
    let kept = ask("GET", "/scim/v2/AccessSessions").by("reader");
    let kept = world.send(kept).await.json();
    assert_eq!(kept["totalResults"], 1, "{kept}");
    assert!(!kept.to_string().contains(&id), "{kept}");
}
