//! The settings of a tenant, and what they do to its requests.

use serde_json::json;

use crate::world::{Answer, Ask, World, ask};

const SETTINGS: &str = "/civitas/v1/settings";

fn change(settings: &serde_json::Value) -> Ask {
    ask("PATCH", SETTINGS)
        .by("admin")
        .header("Content-Type", "application/merge-patch+json")
        .body(settings.to_string())
}

async fn set(world: &World, settings: serde_json::Value) {
    let answer = world.send(change(&settings)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn problem(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let body = answer.json();
    assert_eq!(body["status"], json!(status));
    body["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn settings_are_shown_changed_and_put_back() {
    let world = World::start().await;
    let standard = json!({
        "fidelity": "documented",
        "require_preconditions": false,
        "login_name_required": false,
        "maintenance": null,
        "moved_to": null,
        "requests_per_second": null,
        "requests_per_minute": null,
        "password_policy": null,
        "invitation_link_hours": null,
        "reset_link_hours": null,
    });
    let get = || ask("GET", SETTINGS).by("admin");
    assert_eq!(world.send(get()).await.json(), standard);
    let changed = world
        .send(change(
            &json!({ "fidelity": "observed", "maintenance": 90 }),
        ))
        .await;
    assert_eq!(changed.json()["fidelity"], "observed");
    assert_eq!(changed.json()["maintenance"], 90);
    assert_eq!(world.send(get()).await.json(), changed.json());
    set(&world, json!({ "fidelity": null, "maintenance": null })).await;
    assert_eq!(world.send(get()).await.json(), standard);
    for (mistake, named) in [
        (json!({ "fidelity": "observed", "speed": 1 }), "speed"),
        (json!({ "maintenance": "soon" }), "maintenance"),
        (json!([]), "object"),
    ] {
        let answer = world.send(change(&mistake)).await;
        assert!(problem(&answer, 400).contains(named), "{mistake}");
        assert_eq!(world.send(get()).await.json(), standard, "{mistake}");
    }
}

#[tokio::test]
async fn settings_are_for_administrators_in_json() {
    let world = World::start().await;
    problem(&world.send(ask("GET", SETTINGS)).await, 401);
    problem(&world.send(ask("GET", SETTINGS).by("writer")).await, 403);
    problem(&world.send(ask("POST", SETTINGS).by("admin")).await, 405);
    problem(
        &world.send(ask("GET", "/civitas/v1/x").by("admin")).await,
        404,
    );
    let html = ask("GET", SETTINGS)
        .by("admin")
        .header("Accept", "text/html");
    problem(&world.send(html).await, 406);
    let form = ask("PATCH", SETTINGS).by("admin").form("fidelity=observed");
    problem(&world.send(form).await, 415);
}

#[tokio::test]
async fn maintenance_suspends_service_and_not_its_administration() {
    let world = World::start().await;
    set(&world, json!({ "maintenance": 120 })).await;
    for refused in [
        ask("GET", "/scim/v2/Users").by("reader"),
        ask("GET", "/scim/v2/Users"),
        ask("GET", "/scim/v2/ServiceProviderConfig"),
    ] {
        let answer = world.send(refused).await;
        assert_eq!(answer.scim_error(503), "");
        assert_eq!(answer.header("retry-after"), "120");
    }
    let token = ask("POST", "/oauth2/v1/token").form("grant_type=client_credentials");
    let answer = world.send(token).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    let neighbour = ask("GET", "/scim/v2/Users").header("Host", "other.example.com");
    assert_eq!(world.send(neighbour).await.status, 401);
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(world.send(ask("GET", path)).await.status, 200, "{path}");
    }
    set(&world, json!({ "maintenance": null })).await;
    let again = world.send(ask("GET", "/scim/v2/Users").by("reader")).await;
    assert_eq!(again.status, 200);
}

#[tokio::test]
async fn maintenance_of_the_server_holds_for_all_tenants_and_readiness() {
    let world = World::start().await;
    world.close_server(45).await;
    for host in [crate::world::HOST, "other.example.com"] {
        let answer = world.send(ask("GET", "/scim/v2/Users").header("Host", host));
        let answer = answer.await;
        assert_eq!(answer.scim_error(503), "", "{host}");
        assert_eq!(answer.header("retry-after"), "45");
    }
    let ready = world.send(ask("GET", "/health/ready")).await;
    problem(&ready, 503);
    assert_eq!(ready.header("retry-after"), "45");
    assert_eq!(world.send(ask("GET", "/health/live")).await.status, 200);
}

#[tokio::test]
async fn a_moved_tenant_sends_everything_on() {
    let world = World::start().await;
    set(&world, json!({ "moved_to": "https://new.example.com/" })).await;
    for (method, target) in [
        ("GET", "/scim/v2/Users?filter=userName%20pr"),
        ("POST", "/scim/v2/Users"),
        ("POST", "/oauth2/v1/token"),
    ] {
        let answer = world.send(ask(method, target).body("{}")).await;
        assert_eq!(answer.status, 308, "{answer:?}");
        let there = format!("https://new.example.com{target}");
        assert_eq!(answer.header("location"), there);
    }
    set(&world, json!({ "moved_to": null })).await;
    let here = world.send(ask("GET", "/scim/v2/Users").by("reader")).await;
    assert_eq!(here.status, 200);
}

#[tokio::test]
async fn a_standby_reads_and_sends_writes_on() {
    let world = World::standby_of("https://primary.example.com").await;
    let read = world.send(ask("GET", "/scim/v2/Users").by("reader")).await;
    assert_eq!(read.status, 200);
    let search = ask("POST", "/scim/v2/Users/.search")
        .by("reader")
        .json(&json!({ "schemas": [crate::world::SEARCH] }));
    assert_eq!(world.send(search).await.status, 200);
    for (method, target) in [
        ("POST", "/scim/v2/Users"),
        ("PUT", "/scim/v2/Users/7?attributes=id"),
        ("DELETE", "/scim/v2/Users/7"),
        ("PATCH", SETTINGS),
    ] {
        let answer = world.send(ask(method, target).by("admin").body("{}")).await;
        assert_eq!(answer.status, 307, "{answer:?}");
        let there = format!("https://primary.example.com{target}");
        assert_eq!(answer.header("location"), there);
    }
    assert_eq!(
        world.send(ask("GET", SETTINGS).by("admin")).await.status,
        200
    );
}

#[tokio::test]
async fn a_tenant_has_a_rate() {
    let world = World::start().await;
    set(&world, json!({ "requests_per_second": 1 })).await;
    let get = || ask("GET", "/scim/v2/Users").by("reader");
    let mut answer = world.send(get()).await;
    assert_eq!(answer.status, 200);
    for _ in 0..50 {
        if answer.status != 200 {
            break;
        }
        answer = world.send(get()).await;
    }
    assert_eq!(answer.scim_error(429), "");
    assert_eq!(answer.header("retry-after"), "1");
    let neighbour = ask("GET", "/scim/v2/Users").header("Host", "other.example.com");
    assert_eq!(world.send(neighbour).await.status, 401);
}

#[tokio::test]
async fn a_group_is_patched_as_documented_or_as_observed() {
    let world = World::start().await;
    let create = ask("POST", "/scim/v2/Groups")
        .by("writer")
        .json(&json!({ "schemas": [crate::world::GROUP], "displayName": "a" }));
    let group = world.send(create).await.json();
    let place = format!("/scim/v2/Groups/{}", group["id"].as_str().unwrap());
    let patch = |query: &str, name: &str| {
        ask("PATCH", &format!("{place}{query}"))
            .by("writer")
            .json(&json!({
                "schemas": [crate::world::PATCH_OP],
                "Operations": [{ "op": "replace", "path": "displayName", "value": name }],
            }))
    };
    for (fidelity, query, status) in [
        ("documented", "", 200),
        ("observed", "", 204),
        ("observed", "?attributes=displayName", 200),
        ("documented", "", 200),
    ] {
        set(&world, json!({ "fidelity": fidelity })).await;
        let answer = world.send(patch(query, fidelity)).await;
        assert_eq!(answer.status, status, "{fidelity} {query}: {answer:?}");
        let read = world.send(ask("GET", &place).by("reader")).await;
        assert_eq!(read.json()["displayName"], fidelity);
    }
}
