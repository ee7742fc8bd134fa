//! Secrets of clients: several, for a time, for some things.

use std::sync::Arc;

use civitas_directory::{Client, Roles, Store as _, client::Application};
use civitas_scim::tolerance::Profile;
use serde_json::{Value, json};

use crate::world::{Answer, Ask, World, ask, basic};

const DAY_MS: i64 = 86_400_000;

/// A world with an application that has no secret yet.
async fn world() -> World {
    let world = World::staged().await;
    let shop = Client {
        id: "shop".to_owned(),
        secrets: Vec::new(),
        certificates: Vec::new(),
        roles: Roles::NONE,
        enabled: true,
        profile: Profile::default(),
        account: None,
        application: Some(Application {
            name: "Shop".to_owned(),
            home: None,
        }),
    };
    let partition = world.tenant().await.partition;
    world.store.create_client(partition, shop).await.unwrap();
    world
}

async fn administered(world: &World, ask: Ask) -> Answer {
    let ask = ask.by("admin").header("Content-Type", "application/json");
    world.send(ask).await
}

async fn add(world: &World, id: &str, body: &Value) -> Answer {
    let path = format!("/civitas/v1/clients/{id}/secrets");
    administered(world, ask("POST", &path).body(body.to_string())).await
}

/// The text of a new secret.
async fn added(world: &World, id: &str, body: Value) -> String {
    let answer = add(world, id, &body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["secret"].as_str().unwrap().to_owned()
}

async fn advance(world: &World, days: i64) {
    let body = json!({ "advance_ms": days * DAY_MS }).to_string();
    let answer = administered(world, ask("PUT", "/civitas/v1/clock").body(body)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// What an application hears that asks for a user whom it does not have: 404 if it may ask.
async fn asked(world: &World, id: &str, secret: &str) -> (u16, String) {
    let ask = ask("GET", "/service/users?name_id=nobody");
    let answer = world
        .send(ask.header("Authorization", &basic(id, secret)))
        .await;
    (answer.status, answer.header("x-message-code"))
}

#[tokio::test]
async fn every_secret_of_a_client_is_taken_until_it_is_deleted() {
    let world = world().await;
    let (first, second) = (
        added(&world, "shop", json!({})).await,
        added(&world, "shop", json!({ "expires": "1y" })).await,
    );
    assert_ne!(first, second);
    for secret in [&first, &second] {
        assert_eq!(asked(&world, "shop", secret).await.0, 404);
    }
    let path = "/civitas/v1/clients/shop";
    let listed = administered(&world, ask("GET", &format!("{path}/secrets"))).await;
    let text = String::from_utf8(listed.body.clone()).unwrap();
    let told = |secret: &str| text.contains(secret.split_once('.').unwrap().1);
    assert!(
        !told(&first) && !told(&second) && !text.contains("argon2"),
        "{text}"
    );
    let secrets = listed.json()["secrets"].clone();
    let all = json!(["application", "users", "openid"]);
    assert_eq!(
        secrets[0],
        json!({
            "id": first.split_once('.').unwrap().0, "scopes": all,
            "created": "2026-01-02T03:04:05.678Z", "expires": null,
        })
    );
    assert_eq!(secrets[1]["expires"], "2027-01-02T03:04:05.678Z");
    let shown = administered(&world, ask("GET", path)).await.json();
    assert_eq!(shown["secrets"], secrets);
    assert_eq!(shown["application"]["name"], "Shop");
    let all = administered(&world, ask("GET", "/civitas/v1/clients"))
        .await
        .json();
    assert!(all["clients"].as_array().unwrap().contains(&shown));

    let one = format!("{path}/secrets/{}", first.split_once('.').unwrap().0);
    assert_eq!(administered(&world, ask("DELETE", &one)).await.status, 204);
    assert_eq!(administered(&world, ask("DELETE", &one)).await.status, 404);
    assert_eq!(asked(&world, "shop", &first).await.0, 401);
    assert_eq!(asked(&world, "shop", &second).await.0, 404);
}

#[tokio::test]
async fn a_secret_expires_by_the_clock_of_the_tenant_and_locks_nobody_out() {
    let world = world().await;
    let (short, long) = (
        added(&world, "shop", json!({ "expires": "1y" })).await,
        added(&world, "shop", json!({ "expires": "2y" })).await,
    );
    advance(&world, 364).await;
    assert_eq!(asked(&world, "shop", &short).await.0, 404);
    advance(&world, 1).await;
    for _ in 0..8 {
        assert_eq!(asked(&world, "shop", &short).await, (401, String::new()));
    }
    assert_eq!(asked(&world, "shop", &long).await.0, 404);
    // A wrong one is counted whatever it begins with.
    let wrong = [&short[..9], "wrong"].concat();
    for _ in 0..4 {
        assert_eq!(asked(&world, "shop", &wrong).await.0, 401);
    }
    let locked = (401, "PASSWORD_LOCKED".to_owned());
    assert_eq!(asked(&world, "shop", &wrong).await, locked);
    assert_eq!(asked(&world, "shop", &long).await, locked);
}

#[tokio::test]
async fn a_secret_is_good_for_its_scopes() {
    let world = world().await;
    for (scopes, status) in [
        (json!(["users"]), 404),
        (json!(["application", "openid"]), 403),
    ] {
        let secret = added(&world, "shop", json!({ "scopes": scopes })).await;
        assert_eq!(asked(&world, "shop", &secret).await.0, status, "{scopes}");
    }
    // Of a client with a role, which is an application besides, tokens want `openid`.
    let partition = world.tenant().await.partition;
    let shop = world
        .store
        .client(partition, "shop")
        .await
        .unwrap()
        .unwrap();
    let both = Client {
        id: "both".to_owned(),
        roles: Roles::parse("read").unwrap(),
        secrets: Vec::new(),
        ..shop
    };
    world.store.create_client(partition, both).await.unwrap();
    for (scopes, status) in [(json!(["users"]), 400), (json!(["openid"]), 200)] {
        let secret = added(&world, "both", json!({ "scopes": scopes })).await;
        let form = format!("grant_type=client_credentials&client_id=both&client_secret={secret}");
        let answer = world.send(ask("POST", "/oauth2/token").form(&form)).await;
        assert_eq!(answer.status, status, "{scopes}: {answer:?}");
    }
}

#[tokio::test]
async fn secrets_are_counted_and_what_is_asked_is_checked() {
    let world = world().await;
    for (id, most) in [("shop", 20), ("reader", 1)] {
        // Whoever asks at once gets no more.
        let world = Arc::new(&world);
        let all = (0..most + 2).map(|_| {
            let world = Arc::clone(&world);
            async move { add(&world, id, &json!({})).await.status }
        });
        let mut all = futures_util::future::join_all(all).await;
        all.sort_unstable();
        let expected = [vec![201; most], vec![400; 2]].concat();
        assert_eq!(all, expected, "{id}");
    }
    for body in [
        json!({ "scopes": [] }),
        json!({ "scopes": ["everything"] }),
        json!({ "expires": "soon" }),
        json!({ "expires": "2026-01-01T00:00:00Z" }),
        json!({ "secret": "of my choice" }),
        json!([]),
    ] {
        let answer = add(&world, "writer", &body).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert_eq!(add(&world, "unknown", &json!({})).await.status, 404);
    // Administrators alone are told of clients.
    let path = "/civitas/v1/clients";
    for (ask, status) in [
        (ask("GET", path), 401),
        (ask("GET", path).by("writer"), 403),
        (
            ask("GET", path)
                .by("admin")
                .header("Host", "other.example.com"),
            401,
        ),
        (ask("PUT", path).by("admin"), 405),
        (
            ask("GET", path).by("admin").header("Accept", "text/html"),
            406,
        ),
        (
            ask("POST", "/civitas/v1/clients/shop/secrets")
                .by("admin")
                .form("a=b"),
            415,
        ),
    ] {
        let line = ask.line();
        assert_eq!(world.send(ask).await.status, status, "{line}");
    }
}
