//! When two refusals apply, the documented one is told: each row breaks two rules, and hears
//! of the first.

use serde_json::json;

use crate::world::{Ask, USER, World, ask};

const USERS: &str = "/scim/v2/Users";

/// A request, what is wrong with it in the order of the door, and the status of the first.
type Row = (Ask, &'static str, u16);

fn rows_of_the_door() -> Vec<Row> {
    let get = |path: &str| ask("GET", path);
    let post = || ask("POST", USERS);
    let long = "a".repeat(17 * 1024);
    let huge = format!("{{\"userName\":\"{}\"}}", "a".repeat(1024 * 1024));
    vec![
        (
            get("/scim/v2/Nothing/at/all").header("X-Long", &long),
            "path, header size",
            404,
        ),
        (
            get(USERS).header("X-Long", &long).header("Host", "x.test"),
            "header size, host",
            431,
        ),
        (
            get("/scim/v2/Foo").header("Host", "x.test"),
            "host, path",
            404,
        ),
        (ask("PUT", USERS), "method, credentials", 405),
        (ask("BREW", USERS), "method, credentials", 501),
        (
            ask("PUT", USERS).header("If-Match", "\"open"),
            "method, conditions",
            405,
        ),
        (
            get(USERS).header("If-Match", "\"open"),
            "conditions, credentials",
            400,
        ),
        (get("/scim/v2/Users/none"), "credentials, existence", 401),
        (
            get(USERS).header("Accept", "text/html"),
            "credentials, Accept",
            401,
        ),
        (
            post().by("reader").header("Accept", "text/html"),
            "role, Accept",
            403,
        ),
        (
            post()
                .by("reader")
                .header("Content-Type", "text/plain")
                .body("x"),
            "role, Content-Type",
            403,
        ),
        (
            post()
                .by("writer")
                .header("Accept", "text/html")
                .header("Content-Type", "text/plain")
                .body("x"),
            "Accept, Content-Type",
            406,
        ),
        (
            post()
                .by("writer")
                .header("Content-Type", "text/plain")
                .body(huge.clone()),
            "Content-Type, size",
            415,
        ),
        (
            ask("PUT", "/scim/v2/Users/none").by("writer").body(huge),
            "size, existence",
            413,
        ),
        (
            ask("PUT", "/scim/v2/Users/none").by("writer").body("{"),
            "existence, body",
            404,
        ),
    ]
}

/// The same for what the directory checks: existence, condition, body, values.
fn rows_of_the_directory() -> Vec<Row> {
    let stale = |ask: Ask| ask.header("If-Match", "W/\"0\"");
    vec![
        (
            stale(ask("PUT", "/scim/v2/Users/none").by("writer")).json(&json!({})),
            "existence, condition",
            404,
        ),
        (
            stale(ask("PUT", "/scim/v2/Users/ann").by("writer")).body("{"),
            "condition, body",
            412,
        ),
        (
            stale(ask("PATCH", "/scim/v2/Users/ann").by("writer")).json(&json!({})),
            "condition, message",
            412,
        ),
        (
            ask("PUT", "/scim/v2/Users/ann")
                .by("writer")
                .json(&json!({ "schemas": [USER], "userName": "bob", "active": "perhaps" })),
            "value, uniqueness",
            400,
        ),
        (
            ask("PUT", "/scim/v2/Users/ann")
                .by("writer")
                .json(&json!({ "schemas": [USER], "userName": "bob" })),
            "uniqueness",
            409,
        ),
    ]
}

#[tokio::test]
async fn of_two_refusals_the_documented_one_is_told() {
    let world = World::start().await;
    let ann = world.user("ann").await["id"].as_str().unwrap().to_owned();
    world.user("bob").await;
    for (ask, what, status) in rows_of_the_door()
        .into_iter()
        .chain(rows_of_the_directory())
    {
        let answer = world.send(ask.at_id("ann", &ann)).await;
        answer.scim_error_of(status, what);
    }
}

#[tokio::test]
async fn what_suspends_a_tenant_comes_before_its_callers() {
    let world = World::start().await;
    let set = async |settings: serde_json::Value| {
        let change = ask("PATCH", "/civitas/v1/settings")
            .by("admin")
            .header("Content-Type", "application/json")
            .body(settings.to_string());
        assert_eq!(world.send(change).await.status, 200);
    };
    let stranger = || ask("POST", USERS).header("If-Match", "\"open").body("{");
    set(json!({ "maintenance": 5 })).await;
    world
        .send(stranger())
        .await
        .scim_error_of(503, "maintenance");
    world
        .send(ask("PUT", USERS))
        .await
        .scim_error_of(405, "method");
    set(json!({ "moved_to": "https://b.test" })).await;
    world
        .send(stranger())
        .await
        .scim_error_of(308, "move, maintenance");
    let other = ask("GET", USERS).header("Host", "x.test");
    world.send(other).await.scim_error_of(404, "host, move");
    set(json!({ "moved_to": null, "maintenance": null })).await;
    world
        .send(stranger())
        .await
        .scim_error_of(400, "conditions");
}

#[tokio::test]
async fn a_tenant_may_require_preconditions() {
    let world = World::start().await;
    let user = world.user("ann").await;
    let path = format!("/scim/v2/Users/{}", user["id"].as_str().unwrap());
    let change = ask("PATCH", "/civitas/v1/settings")
        .by("admin")
        .header("Content-Type", "application/json")
        .body(r#"{"require_preconditions":true}"#);
    assert_eq!(world.send(change).await.status, 200);
    let body = json!({ "schemas": [USER], "userName": "ann", "title": "Dr" });
    for method in ["PUT", "PATCH", "DELETE"] {
        let bare = ask(method, &path).by("writer").json(&body);
        let answer = world.send(bare).await;
        answer.scim_error_of(428, method);
        assert!(
            answer.json()["detail"]
                .as_str()
                .unwrap()
                .contains("If-Match")
        );
        let unknown = ask(method, "/scim/v2/Users/none").by("writer").json(&body);
        world
            .send(unknown)
            .await
            .scim_error_of(404, "existence, precondition");
    }
    let bulk = ask("POST", "/scim/v2/Bulk").by("writer").json(&json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{ "method": "DELETE", "path": path.trim_start_matches("/scim/v2") }],
    }));
    let job = world.send(bulk).await.json();
    assert_eq!(job["Operations"][0]["status"], "428", "{job}");
    let unread = world.send(ask("GET", &path).by("reader")).await;
    assert_eq!(unread.json(), user, "nothing was changed");
    let version = user["meta"]["version"].as_str().unwrap();
    let stated = ask("PUT", &path).by("writer").header("If-Match", version);
    assert_eq!(world.send(stated.json(&body)).await.status, 200);
    let any = ask("DELETE", &path).by("writer").header("If-Match", "*");
    assert_eq!(world.send(any).await.status, 204);
    world.user("bob").await;
}
