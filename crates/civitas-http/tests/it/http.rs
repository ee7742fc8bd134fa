//! The HTTP vectors: negotiation, conditions, preferences.

use serde_json::json;

use crate::world::{PATCH_OP, USER, World, ask};

async fn world_and_user() -> (World, String, String) {
    let world = World::start().await;
    let user = world.user("bjensen").await;
    let path = format!("/scim/v2/Users/{}", user["id"].as_str().unwrap());
    let tag = user["meta"]["version"].as_str().unwrap().to_owned();
    (world, path, tag)
}

#[tokio::test]
async fn a_known_state_is_not_sent_again() {
    let (world, path, tag) = world_and_user().await;
    for known in [
        tag.as_str(),
        tag.trim_start_matches("W/"),
        "*",
        &format!("\"x\", {tag}"),
    ] {
        for method in ["GET", "HEAD"] {
            let ask = ask(method, &path)
                .by("reader")
                .header("If-None-Match", known);
            let answer = world.send(ask).await;
            assert_eq!(answer.status, 304, "{known}");
            assert_eq!(answer.header("etag"), tag);
            assert_eq!(answer.header("cache-control"), "private, no-cache");
            assert!(answer.header("content-location").ends_with(&path));
            assert_eq!(answer.header("vary"), "Accept, Accept-Encoding, Prefer");
            assert!(answer.body.is_empty());
        }
    }
    let other = ask("GET", &path)
        .by("reader")
        .header("If-None-Match", "W/\"0\"");
    assert_eq!(world.send(other).await.status, 200);
    let failed = ask("GET", &path).by("reader").header("If-Match", "W/\"0\"");
    assert_eq!(world.send(failed).await.scim_error(412), "");
}

#[tokio::test]
async fn writes_are_held_to_their_preconditions() {
    let (world, path, tag) = world_and_user().await;
    let body = json!({ "schemas": [USER], "userName": "bjensen", "title": "Dr" });
    let put = |condition: &str, value: &str| {
        ask("PUT", &path)
            .by("writer")
            .json(&body)
            .header(condition, value)
    };
    let current = world
        .send(put("If-Match", &format!("W/\"old\", {tag}")))
        .await;
    assert_eq!(current.status, 200);
    assert_ne!(current.header("etag"), tag);
    assert_eq!(world.send(put("If-Match", &tag)).await.scim_error(412), "");
    assert_eq!(world.send(put("If-Match", "*")).await.status, 200);
    assert_eq!(
        world.send(put("If-None-Match", "*")).await.scim_error(412),
        ""
    );
    for malformed in ["\"open", "*, \"a\"", "\"a\" \"b\""] {
        assert_eq!(
            world.send(put("If-Match", malformed)).await.scim_error(400),
            ""
        );
    }
    let stale = ask("PUT", &path).by("writer").header("If-Match", &tag);
    assert_eq!(
        world
            .send(stale.clone().body("{no json"))
            .await
            .scim_error(412),
        ""
    );
    let unknown = ask("PUT", "/scim/v2/Users/none").by("writer").json(&body);
    assert_eq!(
        world
            .send(unknown.header("If-Match", "*"))
            .await
            .scim_error(404),
        ""
    );
    let reader = ask("PATCH", &path).by("reader").header("If-Match", &tag);
    assert_eq!(world.send(reader).await.scim_error(403), "");
    let delete = ask("DELETE", &path).by("writer").header("If-Match", &tag);
    assert_eq!(world.send(delete).await.scim_error(412), "");
}

#[tokio::test]
async fn accept_chooses_the_representation() {
    let (world, path, _) = world_and_user().await;
    let scim = "application/scim+json";
    let json = "application/json";
    assert_eq!(
        world
            .send(ask("GET", &path).by("reader"))
            .await
            .header("content-type"),
        scim,
        "no Accept"
    );
    for (accept, sent) in [
        ("*/*", scim),
        ("application/*", scim),
        ("application/json, application/scim+json", scim),
        ("application/json", json),
        ("application/scim+json;q=0.1, application/json", json),
        ("application/scim+json;q=0, */*", json),
    ] {
        for target in [
            path.as_str(),
            "/scim/v2/Users",
            "/scim/v2/Schemas",
            "/scim/v2/Foo",
        ] {
            let answer = world
                .send(ask("GET", target).by("reader").header("Accept", accept))
                .await;
            assert_eq!(answer.header("content-type"), sent, "{accept} {target}");
            assert_eq!(answer.header("vary"), "Accept, Accept-Encoding, Prefer");
        }
    }
    let html = world
        .send(ask("GET", &path).by("reader").header("Accept", "text/html"))
        .await;
    assert_eq!(html.scim_error(406), "");
    assert_eq!(html.header("content-type"), scim);
}

#[tokio::test]
async fn content_types_are_checked() {
    let world = World::start().await;
    let post = || ask("POST", "/scim/v2/Users").by("writer");
    let body = |name: &str| json!({ "schemas": [USER], "userName": name }).to_string();
    for refused in [
        "text/plain",
        "application/xml",
        "application/json; charset=iso-8859-1",
    ] {
        let answer = world
            .send(post().header("Content-Type", refused).body(body("a")))
            .await;
        assert_eq!(answer.scim_error(415), "", "{refused}");
        assert_eq!(
            answer.header("accept"),
            "application/scim+json, application/json"
        );
    }
    for (number, accepted) in [
        "APPLICATION/SCIM+JSON; Charset=\"utf-8\"",
        "application/json",
    ]
    .iter()
    .enumerate()
    {
        let body = body(&format!("user{number}"));
        let answer = world
            .send(post().header("Content-Type", accepted).body(body))
            .await;
        assert_eq!(answer.status, 201, "{accepted}");
    }
    assert_eq!(
        world.send(post().body(body("untyped"))).await.status,
        201,
        "no Content-Type"
    );
    let coded = post().header("Content-Encoding", "br").body(body("b"));
    let answer = world.send(coded).await;
    assert_eq!(answer.scim_error(415), "");
    assert_eq!(answer.header("accept-encoding"), "gzip, identity");
}

#[tokio::test]
async fn head_is_get_without_content() {
    let (world, path, _) = world_and_user().await;
    let get = world.send(ask("GET", &path).by("reader")).await;
    let head = world.send(ask("HEAD", &path).by("reader")).await;
    assert_eq!((get.status, head.status), (200, 200));
    for name in [
        "content-type",
        "content-length",
        "etag",
        "location",
        "content-location",
        "vary",
    ] {
        assert!(!get.header(name).is_empty(), "{name}");
        assert_eq!(get.header(name), head.header(name), "{name}");
    }
    assert!(head.body.is_empty());
    let missing = world
        .send(ask("HEAD", "/scim/v2/Users/none").by("reader"))
        .await;
    assert_eq!((missing.status, missing.body.len()), (404, 0));
}

#[tokio::test]
async fn head_goes_with_every_get() {
    let (world, path, _) = world_and_user().await;
    for target in [
        path.as_str(),
        "/scim/v2",
        "/scim/v2/Users",
        "/scim/v2/ServiceProviderConfig",
        "/scim/v2/Schemas",
        &format!("/scim/v2/Schemas/{USER}"),
        "/scim/v2/ResourceTypes",
        "/scim/v2/ResourceTypes/User",
        "/scim/v2/openapi.json",
        "/docs/scim",
        "/health/live",
    ] {
        let get = world.send(ask("GET", target).by("reader")).await;
        let head = world.send(ask("HEAD", target).by("reader")).await;
        assert_eq!((get.status, head.status), (200, 200), "{target}");
        for name in ["content-type", "content-length", "cache-control", "vary"] {
            assert_eq!(get.header(name), head.header(name), "{target}: {name}");
        }
        assert!(head.body.is_empty() && !get.body.is_empty(), "{target}");
    }
}

#[tokio::test]
async fn the_page_for_people_does_not_ask_for_media_types_of_scim() {
    let world = World::start().await;
    for caller in [None, Some("reader")] {
        let page = ask("GET", "/docs/scim").header("Accept", "text/html");
        let page = match caller {
            Some(client) => page.by(client),
            None => page,
        };
        let page = world.send(page).await;
        assert_eq!(page.status, 200, "{caller:?}: {page:?}");
        let text = String::from_utf8(page.body).unwrap();
        assert_eq!(text.contains("Your client"), caller.is_some());
    }
    let wrong = ask("GET", "/docs/scim").header("Authorization", "Basic !!!");
    assert_eq!(world.send(wrong).await.status, 401);
}

#[tokio::test]
async fn preferences_are_honoured_and_named() {
    let (world, path, _) = world_and_user().await;
    let operations = json!([{ "op": "replace", "path": "title", "value": "Dr" }]);
    let message = json!({ "schemas": [PATCH_OP], "Operations": operations });
    let send = |path: String, prefer: &str| {
        world.send(
            ask("PATCH", &path)
                .by("writer")
                .json(&message)
                .header("Prefer", prefer),
        )
    };
    let minimal = send(path.clone(), "return=minimal").await;
    assert_eq!(minimal.status, 204);
    assert_eq!(minimal.header("preference-applied"), "return=minimal");
    assert_eq!(minimal.header("vary"), "Accept, Accept-Encoding, Prefer");
    assert!(minimal.header("etag").starts_with("W/\""));
    let whole = send(path.clone(), "return=representation").await;
    assert_eq!(whole.status, 200);
    assert_eq!(whole.header("preference-applied"), "return=representation");
    let asked = send(format!("{path}?attributes=title"), "return=minimal").await;
    assert_eq!(
        (asked.status, asked.header("preference-applied").as_str()),
        (200, "")
    );
    let unknown = send(path.clone(), "frobnicate, wait=1").await;
    assert_eq!(
        (
            unknown.status,
            unknown.header("preference-applied").as_str()
        ),
        (200, "")
    );

    let read = ask("GET", &path).by("reader");
    let read = world.send(read.header("Prefer", "handling=lenient")).await;
    assert_eq!(
        (read.status, read.header("preference-applied").as_str()),
        (200, "handling=lenient")
    );

    let body = json!({ "schemas": [USER], "userName": "minimal", "bogus": 1 });
    let post = ask("POST", "/scim/v2/Users").by("writer").json(&body);
    let strict = world
        .send(post.clone().header("Prefer", "handling=strict"))
        .await;
    assert_eq!(strict.scim_error(400), "invalidValue");
    assert_eq!(strict.header("preference-applied"), "handling=strict");
    let absent = ask("GET", "/scim/v2/Users/nosuch").by("reader");
    let absent = world.send(absent.header("Prefer", "handling=strict")).await;
    assert_eq!(
        (absent.status, absent.header("preference-applied").as_str()),
        (404, "")
    );
    let created = world.send(post.header("Prefer", "return=minimal")).await;
    assert_eq!((created.status, created.body.len()), (201, 0));
    assert!(created.header("location").contains("/scim/v2/Users/"));
}
