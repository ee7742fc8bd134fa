//! Variables and secrets of the environment.

use serde_json::{Value, json};

use super::accounts::{account, token};
use crate::world::{Answer, World, ask};

const VARIABLES: &str = "/environment/variables";
const SECRETS: &str = "/environment/secrets";

async fn send(world: &World, method: &str, path: &str, body: Option<Value>) -> Answer {
    let mut ask = ask(method, path)
        .by("admin")
        .header("Accept-API-Version", "protocol=1.0,resource=1.0")
        .header("Content-Type", "application/json");
    if let Some(body) = body {
        ask = ask.body(body.to_string());
    }
    world.send(ask).await
}

async fn good(world: &World, method: &str, path: &str, body: Option<Value>) -> Value {
    let answer = send(world, method, path, body).await;
    assert_eq!(answer.status, 200, "{method} {path}: {answer:?}");
    answer.json()
}

/// Checks that it is refused in the form of the environment, and gives the message.
fn refused(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{answer:?}");
    let body = answer.json();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["code", "message"]);
    assert_eq!(body["code"], status);
    body["message"].as_str().unwrap().to_owned()
}

fn colour(value: &str) -> Value {
    json!({ "valueBase64": value, "description": "a colour", "expressionType": "string" })
}

#[tokio::test]
async fn a_variable_is_kept_and_taken_up() {
    let world = World::start().await;
    let path = format!("{VARIABLES}/esv-colour");
    assert_eq!(good(&world, "GET", VARIABLES, None).await["resultCount"], 0);
    let created = good(&world, "PUT", &path, Some(colour("Ymx1ZQ=="))).await;
    let names: Vec<&String> = created.as_object().unwrap().keys().collect();
    let all = "_id description expressionType lastChangeDate lastChangedBy loaded valueBase64";
    assert_eq!(names, all.split(' ').collect::<Vec<_>>());
    assert_eq!(created["loaded"], false);
    assert_eq!(created["lastChangedBy"], "admin");
    assert_eq!(good(&world, "GET", &path, None).await, created);
    // What is not said again stays.
    let changed = json!({ "valueBase64": "cmVk" });
    let changed = good(&world, "PUT", &path, Some(changed)).await;
    assert_eq!(changed["description"], "a colour");
    assert_eq!(changed["valueBase64"], "cmVk");
    let described = format!("{path}?_action=setDescription");
    let body = json!({ "description": "a shade" });
    let answer = send(&world, "POST", &described, Some(body)).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let pending = good(&world, "GET", "/environment/count?_onlyPending=true", None).await;
    assert_eq!(pending, json!({ "secrets": 0, "variables": 1 }));
    let restart = "/environment/startup?_action=restart";
    let restarted = good(&world, "POST", restart, Some(Value::Null)).await;
    assert_eq!(restarted["restartStatus"], "restarting");
    let status = good(&world, "GET", "/environment/startup", None).await;
    assert_eq!(status["restartStatus"], "ready");
    let loaded = good(&world, "GET", &path, None).await;
    assert_eq!(
        (&loaded["loaded"], &loaded["description"]),
        (&json!(true), &json!("a shade"))
    );
    let pending = good(
        &world,
        "GET",
        &format!("{VARIABLES}?_onlyPending=true"),
        None,
    )
    .await;
    assert_eq!(pending["result"], json!([]));
    let deleted = good(&world, "DELETE", &path, None).await;
    assert_eq!(deleted["_id"], "esv-colour");
    for method in ["GET", "DELETE"] {
        let missing = send(&world, method, &path, None).await;
        assert_eq!(refused(&missing, 404), "The variable does not exist");
    }
}

#[tokio::test]
async fn variables_are_listed_page_by_page() {
    let world = World::start().await;
    for number in 0..5 {
        let path = format!("{VARIABLES}/esv-{number}");
        good(&world, "PUT", &path, Some(colour("cmVk"))).await;
    }
    let (mut seen, mut cookie) = (Vec::new(), String::new());
    loop {
        let path = format!("{VARIABLES}?_pageSize=2&_pagedResultsCookie={cookie}");
        let page = good(&world, "GET", &path, None).await;
        let rows = page["result"].as_array().unwrap();
        assert_eq!(page["resultCount"], rows.len());
        seen.extend(rows.iter().map(|it| it["_id"].as_str().unwrap().to_owned()));
        match page["pagedResultsCookie"].as_str() {
            Some(next) => next.clone_into(&mut cookie),
            None => break,
        }
    }
    assert_eq!(seen, ["esv-0", "esv-1", "esv-2", "esv-3", "esv-4"]);
    for size in ["0", "101", "x"] {
        let wrong = send(
            &world,
            "GET",
            &format!("{VARIABLES}?_pageSize={size}"),
            None,
        )
        .await;
        assert!(refused(&wrong, 400).contains("_pageSize"));
    }
    let wrong = send(
        &world,
        "GET",
        &format!("{VARIABLES}?_pagedResultsCookie=!"),
        None,
    )
    .await;
    refused(&wrong, 400);
}

#[tokio::test]
async fn what_is_wrong_with_a_variable_is_told() {
    let world = World::start().await;
    good(
        &world,
        "PUT",
        &format!("{VARIABLES}/esv-a"),
        Some(colour("cmVk")),
    )
    .await;
    for (id, body, told) in [
        (
            "esv-b",
            json!({ "valueBase64": "cmVk" }),
            "Variable type required",
        ),
        (
            "esv-b",
            json!({ "valueBase64": "cmVk", "expressionType": "" }),
            "Variable type required",
        ),
        (
            "esv-b",
            json!({ "expressionType": "string" }),
            "valueBase64",
        ),
        (
            "esv-b",
            json!({ "valueBase64": "?", "expressionType": "string" }),
            "valueBase64",
        ),
        (
            "esv-b",
            json!({ "valueBase64": 1, "expressionType": "string" }),
            "valueBase64",
        ),
        (
            "esv-b",
            json!({ "valueBase64": "cmVk", "expressionType": "text" }),
            "expressionType",
        ),
        ("esv-B", colour("cmVk"), "pattern"),
        ("esv-", colour("cmVk"), "pattern"),
        ("colour", colour("cmVk"), "pattern"),
        (
            "esv-a",
            json!({ "valueBase64": "cmVk", "expressionType": "int" }),
            "Changing the type of an existing variable is not permitted",
        ),
    ] {
        let answer = send(
            &world,
            "PUT",
            &format!("{VARIABLES}/{id}"),
            Some(body.clone()),
        )
        .await;
        let message = refused(&answer, 400);
        assert!(message.contains(told), "{body}: {message}");
    }
    let long = "x".repeat(1_025);
    let body = json!({ "valueBase64": "cmVk", "expressionType": "string", "description": long });
    let answer = send(&world, "PUT", &format!("{VARIABLES}/esv-b"), Some(body)).await;
    assert!(refused(&answer, 400).contains("description"));
    assert_eq!(good(&world, "GET", VARIABLES, None).await["resultCount"], 1);
    let patch = send(
        &world,
        "PATCH",
        &format!("{VARIABLES}/esv-a"),
        Some(json!([])),
    )
    .await;
    assert_eq!(refused(&patch, 405), "Method Not Allowed");
    let nothing = send(&world, "GET", "/environment/x", None).await;
    assert_eq!(refused(&nothing, 404), "path /environment/x was not found");
}

#[tokio::test]
async fn secrets_have_versions_and_are_never_shown() {
    let world = World::start().await;
    let path = format!("{SECRETS}/esv-key");
    let value = |text: &str| Some(json!({ "valueBase64": text, "encoding": "generic" }));
    let created = good(&world, "PUT", &path, value("dG9wc2VjcmV0")).await;
    assert_eq!(
        (&created["activeVersion"], &created["loadedVersion"]),
        (&json!("1"), &json!(""))
    );
    let again = send(&world, "PUT", &path, value("dG9wc2VjcmV0")).await;
    let told = "Failed to create secret, the secret already exists";
    assert_eq!(refused(&again, 400), told);
    let versions = format!("{path}/versions");
    let create = format!("{versions}?_action=create");
    let second = good(&world, "POST", &create, value("dG9wc2VjcmV0")).await;
    assert_eq!(
        (&second["version"], &second["status"]),
        (&json!("2"), &json!("ENABLED"))
    );
    let restart = "/environment/startup?_action=restart";
    good(&world, "POST", restart, Some(Value::Null)).await;
    let secret = good(&world, "GET", &path, None).await;
    assert_eq!(
        (&secret["loaded"], &secret["loadedVersion"]),
        (&json!(true), &json!("2"))
    );
    let status = |version: &str, status: &str| {
        let path = format!("{versions}/{version}?_action=changestatus");
        (path, Some(json!({ "status": status })))
    };
    let (latest, body) = status("2", "DISABLED");
    let kept = send(&world, "POST", &latest, body).await;
    assert_eq!(refused(&kept, 400), "Cannot disable latest secret version");
    let (first, body) = status("1", "DISABLED");
    assert_eq!(
        good(&world, "POST", &first, body).await["status"],
        "DISABLED"
    );
    let (first, body) = status("1", "BROKEN");
    assert!(refused(&send(&world, "POST", &first, body).await, 400).contains("status"));
    let first = format!("{versions}/1");
    assert_eq!(
        good(&world, "DELETE", &first, None).await["status"],
        "DESTROYED"
    );
    assert_eq!(
        good(&world, "GET", &first, None).await["status"],
        "DESTROYED"
    );
    let list = good(&world, "GET", &versions, None).await;
    assert_eq!(list.as_array().unwrap().len(), 2);
    for (method, path, body, told) in [
        (
            "GET",
            format!("{versions}/9"),
            None,
            "Failed to get secret version",
        ),
        (
            "GET",
            format!("{SECRETS}/esv-none/versions/1"),
            None,
            "Failed to get secret version",
        ),
        (
            "POST",
            format!("{SECRETS}/esv-none/versions?_action=create"),
            value("cmVk"),
            "Failed to create secret version",
        ),
        (
            "GET",
            format!("{SECRETS}/esv-none"),
            None,
            "The secret does not exist or does not have a version",
        ),
    ] {
        assert_eq!(
            refused(&send(&world, method, &path, body).await, 404),
            told,
            "{path}"
        );
    }
    assert_eq!(good(&world, "DELETE", &path, None).await["_id"], "esv-key");
    assert_eq!(good(&world, "GET", SECRETS, None).await["resultCount"], 0);
}

#[tokio::test]
async fn the_value_of_a_secret_is_nowhere() {
    let world = World::start().await;
    let path = format!("{SECRETS}/esv-key");
    let versions = format!("{path}/versions");
    let body = json!({ "valueBase64": "dG9wc2VjcmV0" });
    good(&world, "PUT", &path, Some(body)).await;
    let shown =
        world.send(ask("GET", "/scim/v2/EnvironmentSecrets?attributes=versions").by("admin"));
    let shown = String::from_utf8(shown.await.body).unwrap();
    assert!(
        shown.contains("sealed") || shown.contains("value"),
        "{shown}"
    );
    for secret in ["dG9wc2VjcmV0", "topsecret"] {
        assert!(!shown.contains(secret), "{shown}");
        for path in [SECRETS, &path, &versions] {
            let answer = send(&world, "GET", path, None).await;
            assert!(
                !String::from_utf8(answer.body).unwrap().contains(secret),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn scopes_open_parts_of_the_environment() {
    let world = World::start().await;
    let path = format!("{VARIABLES}/esv-a");
    let restart = "/environment/startup?_action=restart";
    for (scope, reads, writes, restarts) in [
        ("fr:idm:*", true, true, true),
        ("fr:idc:esv:*", true, true, true),
        ("fr:idc:esv:read", true, false, false),
        ("fr:idc:esv:update", false, true, false),
        ("fr:idc:esv:restart", false, false, true),
        ("fr:am:*", false, false, false),
    ] {
        let id = account(&world, &[scope]).await;
        let token = token(&world, &id, scope).await;
        for (method, path, body, opens) in [
            ("GET", VARIABLES, None, reads),
            ("PUT", &path, Some(colour("cmVk")), writes),
            ("POST", restart, Some(Value::Null), restarts),
        ] {
            let mut ask = ask(method, path).bearer(&token);
            if let Some(body) = body {
                ask = ask
                    .header("Content-Type", "application/json")
                    .body(body.to_string());
            }
            let answer = world.send(ask).await;
            if opens {
                assert_eq!(answer.status, 200, "{scope}: {method} {path}: {answer:?}");
            } else {
                assert_eq!(
                    refused(&answer, 403),
                    "Forbidden",
                    "{scope}: {method} {path}"
                );
            }
        }
        // No scope of the environment opens the directory.
        let users =
            world.send(ask("GET", "/openidm/managed/alpha_user?_queryFilter=true").bearer(&token));
        let opens = if scope == "fr:idm:*" { 200 } else { 403 };
        assert_eq!(users.await.status, opens, "{scope}");
        let told = world.send(ask("GET", "/environment/scopes/service-accounts").bearer(&token));
        let told = told.await.json();
        let esv = told
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["scope"] == "fr:idc:esv:*");
        assert_eq!(esv.unwrap()["childScopes"].as_array().unwrap().len(), 3);
    }
    let nobody = world.send(ask("GET", VARIABLES)).await;
    assert_eq!(refused(&nobody, 401), "Unauthorized");
    let reader = ask("PUT", &path)
        .by("reader")
        .header("Content-Type", "application/json");
    let reader = world.send(reader.body(colour("cmVk").to_string())).await;
    assert_eq!(refused(&reader, 403), "Forbidden");
}

#[tokio::test]
async fn changes_at_the_same_time_lose_nothing() {
    let world = World::start().await;
    let path = format!("{SECRETS}/esv-key");
    let body = json!({ "valueBase64": "cmVk" });
    good(&world, "PUT", &path, Some(body.clone())).await;
    let create = format!("{path}/versions?_action=create");
    let all = (0..8).map(|_| send(&world, "POST", &create, Some(body.clone())));
    for answer in futures_util::future::join_all(all).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let versions = good(&world, "GET", &format!("{path}/versions"), None).await;
    let versions = versions.as_array().unwrap();
    let numbers: Vec<&str> = versions
        .iter()
        .map(|it| it["version"].as_str().unwrap())
        .collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
}

#[tokio::test]
async fn tenants_have_variables_of_their_own() {
    let world = World::start().await;
    good(
        &world,
        "PUT",
        &format!("{VARIABLES}/esv-a"),
        Some(colour("cmVk")),
    )
    .await;
    let elsewhere = ask("GET", &format!("{VARIABLES}/esv-a")).by("admin");
    let elsewhere = elsewhere
        .without("Host")
        .header("Host", "other.example.com");
    assert_eq!(world.send(elsewhere).await.status, 401);
}
