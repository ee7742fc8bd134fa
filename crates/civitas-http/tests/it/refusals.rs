//! Every refusal: status, header fields, body.

use std::time::Duration;

use civitas_directory::{Limits, admission::CALM};
use civitas_http::HttpLimits;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::faulty::Held;
use crate::world::{Answer, SEARCH, USER, World, ask, basic};

#[tokio::test]
async fn paths_that_lead_nowhere_are_worded_by_their_family() {
    let world = World::start().await;
    for path in [
        "/scim/v2/Foo",
        "/scim/v2/Foo",
        "/scim/v2/users",
        "/scim/v2/Users/a/b",
    ] {
        assert_eq!(
            world.send(ask("GET", path)).await.scim_error(404),
            "",
            "{path}"
        );
    }
    let version = world.send(ask("GET", "/scim/v1/Users")).await;
    assert_eq!(version.scim_error(400), "invalidVers");
    for path in ["/", "/favicon.ico", "/health"] {
        let answer = world.send(ask("GET", path)).await;
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{path}"
        );
        let body = answer.json();
        assert_eq!((answer.status, &body["status"]), (404, &json!(404)));
        assert_eq!(body["title"], "Not Found");
    }
    let oauth = world.send(ask("GET", "/oauth2/v1/authorize")).await;
    assert_eq!(
        (oauth.status, oauth.json()["error"].as_str()),
        (404, Some("invalid_request"))
    );
}

#[tokio::test]
async fn a_host_of_no_tenant_is_named() {
    let world = World::start().await;
    let answer = world.send(
        ask("GET", "/scim/v2/Users")
            .by("admin")
            .header("Host", "x.example:1"),
    );
    let answer = answer.await;
    assert_eq!(answer.scim_error(404), "");
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains("x.example") && detail.contains("no tenant"),
        "{detail}"
    );
    for hosts in ["", "Host: a\r\nHost: b\r\n"] {
        let bytes = format!("GET /scim/v2 HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        assert_eq!(
            world.raw(bytes.as_bytes()).await.scim_error(400),
            "",
            "{hosts:?}"
        );
    }
    let elsewhere = ask("GET", "/scim/v2/Users")
        .by("admin")
        .header("Host", "other.example.com");
    assert_eq!(
        world.send(elsewhere).await.status,
        401,
        "another tenant's client"
    );
}

#[tokio::test]
async fn credentials_that_are_no_good() {
    let world = World::start().await;
    let token = world.token("reader", "read").await;
    let get = || ask("GET", "/scim/v2/Users");
    for (shown, error) in [
        (basic("admin", "wrong"), None),
        (basic("unknown", "wrong"), None),
        (basic("gone", crate::world::SECRET), None),
        ("Basic !!!".to_owned(), None),
        ("Digest realm=x".to_owned(), None),
        ("Bearer abc".to_owned(), Some("invalid_token")),
        (format!("Bearer {token}x"), Some("invalid_token")),
        ("Bearer".to_owned(), Some("invalid_token")),
    ] {
        let answer = world.send(get().header("Authorization", &shown)).await;
        assert_eq!(answer.scim_error(401), "", "{shown}");
        let challenges = answer.header("www-authenticate");
        assert_eq!(
            challenges.contains("error="),
            error.is_some(),
            "{shown}: {challenges}"
        );
        assert!(
            challenges.contains(error.unwrap_or_default()),
            "{challenges}"
        );
    }
    let twice = get().by("admin").bearer(&token);
    let answer = world.send(twice).await;
    assert_eq!(answer.scim_error(400), "");
    assert!(
        answer
            .header("www-authenticate")
            .contains("error=\"invalid_request\"")
    );
    assert_eq!(world.send(get().bearer(&token)).await.status, 200);
    let create = ask("POST", "/scim/v2/Users")
        .bearer(&token)
        .json(&json!({}));
    let answer = world.send(create).await;
    assert_eq!(answer.scim_error(403), "");
    assert!(
        answer
            .header("www-authenticate")
            .contains("error=\"insufficient_scope\"")
    );
}

#[tokio::test]
async fn a_body_has_a_size_a_shape_and_an_end() {
    let world = World::start().await;
    let post = || ask("POST", "/scim/v2/Users").by("writer");
    let large = format!("{{\"userName\":\"{}\"}}", "a".repeat(1024 * 1024));
    let answer = world.send(post().body(large.clone())).await;
    assert_eq!(answer.scim_error(413), "", "declared");
    let chunked = format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        crate::world::HOST,
        basic("writer", crate::world::SECRET),
        large.len(),
    );
    assert_eq!(
        world.raw(chunked.as_bytes()).await.scim_error(413),
        "",
        "chunked"
    );
    for (body, keyword) in [
        ("", "invalidSyntax"),
        ("{", "invalidSyntax"),
        ("[]", "invalidSyntax"),
        ("{\"userName\":\"a\",\"userName\":\"b\"}", "invalidSyntax"),
        ("{\"userName\":\"a\"}", "invalidSyntax"),
        (&json!({ "schemas": [USER] }).to_string(), "invalidValue"),
        (
            &json!({ "schemas": [USER], "userName": 1 }).to_string(),
            "invalidValue",
        ),
    ] {
        assert_eq!(
            world.send(post().body(body)).await.scim_error(400),
            keyword,
            "{body}"
        );
    }
    let cut = ask("GET", "/scim/v2/Users?filter=%zz").by("reader");
    assert_eq!(world.send(cut).await.scim_error(400), "invalidValue");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let limits = HttpLimits {
        body_read_timeout: Duration::from_millis(100),
        ..HttpLimits::default()
    };
    let world = World::with(limits, Limits::default()).await;
    let bytes = ask("POST", "/scim/v2/Users")
        .by("writer")
        .body("{}")
        .bytes();
    let mut stream = TcpStream::connect(world.addr).await.unwrap();
    stream.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = Answer::parse(&answer);
    assert_eq!(answer.scim_error(408), "");
    assert_eq!(answer.header("connection"), "close");
}

#[tokio::test]
async fn header_fields_have_a_size() {
    let world = World::start().await;
    let padding = "a".repeat(17 * 1024);
    let large = ask("GET", "/scim/v2/Users")
        .by("admin")
        .header("X-Padding", &padding);
    assert_eq!(world.send(large).await.scim_error(431), "");
    let long = ask("GET", &format!("/scim/v2/Users?filter={padding}")).by("admin");
    assert_eq!(world.send(long).await.scim_error(431), "");
    let huge = ask("GET", "/scim/v2/Users").header("X-Padding", &"a".repeat(300 * 1024));
    assert_eq!(
        world.send(huge).await.status,
        431,
        "refused before it is read"
    );
}

#[tokio::test]
async fn failures_tell_nothing_internal() {
    let world = World::start().await;
    let get = |id: &str| ask("GET", &format!("/scim/v2/Users/{id}")).by("reader");
    let panicked = world
        .send(get("panic").header("X-Request-Id", "trace-7"))
        .await;
    assert_eq!(panicked.scim_error(500), "");
    assert_eq!(panicked.header("x-request-id"), "trace-7");
    let text = String::from_utf8(panicked.body).unwrap();
    assert!(
        text.contains("trace-7") && !text.contains("secret"),
        "{text}"
    );
    for id in ["down", "full"] {
        let answer = world.send(get(id)).await;
        assert_eq!(answer.scim_error(503), "");
        assert_eq!(answer.header("retry-after"), "1");
        assert!(!String::from_utf8(answer.body).unwrap().contains("secret"));
    }
    assert_eq!(world.send(get("none")).await.scim_error(404), "");
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let limits = HttpLimits {
        request_timeout: Duration::from_millis(200),
        ..HttpLimits::default()
    };
    let world = World::with(limits, Limits::default()).await;
    let held = world.send(ask("GET", "/scim/v2/Users/slow").by("reader"));
    assert_eq!(held.await.scim_error(503), "");
}

#[tokio::test]
async fn requests_beyond_those_in_work_are_refused() {
    let limits = HttpLimits {
        max_concurrent_requests: 1,
        ..HttpLimits::default()
    };
    let world = World::with(limits, Limits::default()).await;
    let held = world.send(ask("GET", "/scim/v2/Users/slow").by("reader"));
    let others = async {
        let Held { begun, let_go } = &world.store.1;
        begun.notified().await;
        let refused = world.send(ask("GET", "/scim/v2/Users").by("reader")).await;
        let live = world.send(ask("GET", "/health/live")).await;
        let_go.notify_one();
        (refused, live)
    };
    let (held, (refused, live)) = tokio::join!(held, others);
    assert_eq!(refused.scim_error(503), "");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(live.status, 200, "health is answered under any load");
    assert_eq!(held.scim_error(404), "", "the first was carried out");
    let next = world.send(ask("GET", "/scim/v2/Users").by("reader")).await;
    assert_eq!(next.status, 200);
}

#[tokio::test]
async fn one_write_is_always_taken_while_another_is_in_work() {
    let world = World::start().await;
    world.user("before").await;
    *world.store.2.lock().unwrap() = Duration::from_mins(1);
    let first = world.send(ask("DELETE", "/scim/v2/Users/slow").by("writer"));
    let second = async {
        let Held { begun, let_go } = &world.store.1;
        begun.notified().await;
        let second = world.send(ask("DELETE", "/scim/v2/Users/x").by("writer"));
        assert_eq!(second.await.scim_error(404), "");
        let_go.notify_one();
    };
    tokio::join!(first, second);
}

#[tokio::test]
async fn writes_that_would_wait_long_are_refused_before_they_are_read() {
    let limits = Limits {
        write_burst: 3,
        write_wait_ms: 8,
        ..Limits::default()
    };
    let world = World::with(HttpLimits::default(), limits).await;
    world.user("before").await;
    let pace = |ms| *world.store.2.lock().unwrap() = Duration::from_millis(ms);
    let slow = || world.send(ask("DELETE", "/scim/v2/Users/slow").by("writer"));
    let write = || async {
        let ask = ask("POST", "/scim/v2/Users").by("writer");
        world.send(ask.body("not even JSON")).await
    };
    let others = async {
        let Held { begun, let_go } = &world.store.1;
        // The first two are in work all the time.
        begun.notified().await;
        begun.notified().await;
        pace(125);
        assert_eq!(write().await.status, 400, "a burst is taken");
        pace(126);
        let refused = write().await;
        assert_eq!(refused.scim_error(503), "");
        assert_eq!(refused.header("retry-after"), "1");
        pace(5);
        assert_eq!(write().await.status, 503, "overload lasts");
        pace(4);
        assert_eq!(write().await.status, 400, "a short wait is none");
        pace(126);
        for reading in [
            ask("GET", "/scim/v2/Users"),
            ask("POST", "/scim/v2/Users/.search").json(&json!({ "schemas": [SEARCH] })),
        ] {
            assert_eq!(world.send(reading.by("reader")).await.status, 200);
        }
        pace(5);
        tokio::time::sleep(CALM).await;
        let third = async {
            begun.notified().await;
            assert_eq!(write().await.status, 503, "more than a burst");
            for _ in 0..3 {
                let_go.notify_one();
            }
        };
        let (third, ()) = tokio::join!(slow(), third);
        assert_eq!(third.scim_error(404), "", "it is calm again");
    };
    let (first, second, ()) = tokio::join!(slow(), slow(), others);
    for carried_out in [first, second] {
        assert_eq!(carried_out.scim_error(404), "");
    }
}

#[tokio::test]
async fn secrets_to_verify_wait_in_a_burst_only() {
    let limits = Limits {
        hashing_threads: 1,
        waiting_hashes: 1,
        ..Limits::default()
    };
    let world = World::with(HttpLimits::default(), limits).await;
    // A client that nobody knows takes as long as a real hash does.
    let wrong = |at: usize| {
        let secret = format!("wrong {at}");
        let ask =
            ask("GET", "/scim/v2/Users").header("Authorization", &basic("nobody knows", &secret));
        world.send(ask)
    };
    let answers = futures_util::future::join_all((0..16).map(wrong)).await;
    let (refused, heard): (Vec<_>, Vec<_>) = answers.iter().partition(|it| it.status == 503);
    assert!(heard.len() >= 2 && !refused.is_empty(), "{answers:?}");
    for answer in &refused {
        assert_eq!(answer.scim_error(503), "");
        assert_eq!(answer.header("retry-after"), "1");
    }
    for answer in &heard {
        assert_eq!(answer.scim_error(401), "");
    }
    assert_eq!(wrong(99).await.status, 401, "and afterwards as before");
}

#[tokio::test]
async fn discovery_is_not_filtered_and_search_is_a_message() {
    let world = World::start().await;
    for path in ["Schemas", "ResourceTypes", "ServiceProviderConfig"] {
        let ask = ask("GET", &format!("/scim/v2/{path}?filter=id%20pr")).by("reader");
        assert_eq!(world.send(ask).await.scim_error(403), "", "{path}");
    }
    for (message, keyword) in [
        (json!({}), "invalidSyntax"),
        (
            json!({ "schemas": [SEARCH], "filter": "nope" }),
            "invalidFilter",
        ),
        (
            json!({ "schemas": [SEARCH], "count": "many" }),
            "invalidValue",
        ),
    ] {
        let ask = ask("POST", "/scim/v2/Users/.search")
            .by("reader")
            .json(&message);
        assert_eq!(world.send(ask).await.scim_error(400), keyword, "{message}");
    }
    let both = ask(
        "GET",
        "/scim/v2/Users?attributes=id&excludedAttributes=name",
    )
    .by("reader");
    assert_eq!(world.send(both).await.scim_error(400), "invalidValue");
}
