//! The token endpoint (RFC 6749).

use crate::world::{Answer, SECRET, World, ask, basic};

const ENCODED: &str = "a+secret%2C%20with%3a+signs";

async fn token(world: &World, form: &str, authorization: Option<&str>) -> Answer {
    let ask = ask("POST", "/oauth2/v1/token").form(form);
    let ask = match authorization {
        Some(shown) => ask.header("Authorization", shown),
        None => ask,
    };
    let answer = world.send(ask).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    assert_eq!(answer.header("content-type"), "application/json");
    answer
}

#[tokio::test]
async fn tokens_are_issued_to_clients() {
    let world = World::start().await;
    let in_body =
        format!("grant_type=client_credentials&client_id=writer&client_secret={ENCODED}&x=1&x2=");
    let by_header = basic("writer", ENCODED);
    for (form, authorization, scope) in [
        (
            "grant_type=client_credentials",
            Some(by_header.as_str()),
            "read write",
        ),
        (
            "grant_type=client_credentials&scope=read",
            Some(&by_header),
            "read",
        ),
        (
            "grant_type=client_credentials&scope=write+read&client_id=writer",
            Some(&by_header),
            "read write",
        ),
        (
            "grant_type=client_credentials&scope=",
            Some(&by_header),
            "read write",
        ),
        (&in_body, None, "read write"),
    ] {
        let answer = token(&world, form, authorization).await;
        assert_eq!(answer.status, 200, "{form}: {answer:?}");
        let body = answer.json();
        assert_eq!(
            (&body["token_type"], &body["scope"]),
            (&"Bearer".into(), &scope.into())
        );
        assert!(body["expires_in"].is_u64());
        let used = ask("GET", "/scim/v2/Users").bearer(body["access_token"].as_str().unwrap());
        assert_eq!(world.send(used).await.status, 200);
    }
}

#[tokio::test]
async fn errors_are_those_of_the_protocol() {
    let world = World::start().await;
    let writer = basic("writer", ENCODED);
    let nobody = basic("nobody", ENCODED);
    let wrong = basic("writer", "wrong");
    let unknown = basic("unknown", "wrong");
    let ok = "grant_type=client_credentials";
    for (form, authorization, status, error) in [
        ("", Some(&writer), 400, "invalid_request"),
        ("grant_type=", Some(&writer), 400, "invalid_request"),
        (
            "grant_type=client_credentials&grant_type=client_credentials",
            Some(&writer),
            400,
            "invalid_request",
        ),
        ("grant_type=%ff", Some(&writer), 400, "invalid_request"),
        (
            "grant_type=client_credentials&client_id=writer&client_secret=x",
            Some(&writer),
            400,
            "invalid_request",
        ),
        (
            "grant_type=client_credentials&client_id=reader",
            Some(&writer),
            400,
            "invalid_request",
        ),
        (
            "grant_type=password",
            Some(&writer),
            400,
            "unsupported_grant_type",
        ),
        (
            "grant_type=client_credentials&scope=administer",
            Some(&writer),
            400,
            "invalid_scope",
        ),
        (
            "grant_type=client_credentials&scope=read+other",
            Some(&writer),
            400,
            "invalid_scope",
        ),
        (ok, Some(&nobody), 400, "unauthorized_client"),
        (ok, None, 401, "invalid_client"),
        (ok, Some(&wrong), 401, "invalid_client"),
        (ok, Some(&unknown), 401, "invalid_client"),
        (
            "grant_type=client_credentials&client_id=writer&client_secret=x",
            None,
            401,
            "invalid_client",
        ),
    ] {
        let answer = token(&world, form, authorization.map(String::as_str)).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (status, &error.into()),
            "{form}"
        );
        let challenged = answer
            .header("www-authenticate")
            .contains("Basic realm=\"civitas\"");
        assert_eq!(challenged, status == 401, "{form}");
    }
    let raw = token(&world, ok, Some(&basic("writer", SECRET))).await;
    assert_eq!(
        raw.status, 200,
        "signs that form decoding leaves alone need no encoding"
    );
}

#[tokio::test]
async fn the_endpoint_takes_forms_by_post() {
    let world = World::start().await;
    let get = world.send(ask("GET", "/oauth2/v1/token")).await;
    assert_eq!(
        (get.status, get.header("allow").as_str()),
        (405, "POST, OPTIONS")
    );
    assert_eq!(get.json()["error"], "invalid_request");
    let json = ask("POST", "/oauth2/v1/token").header("Content-Type", "application/json");
    let answer = world.send(json.body("{}")).await;
    assert_eq!(
        (answer.status, &answer.json()["error"]),
        (400, &"invalid_request".into())
    );
}
