//! Hostile input: clear errors or time-outs, bounded memory, and the server keeps serving.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::server::{Client, Server, USER, raw};

const JSON: [(&str, &str); 1] = [("Content-Type", "application/scim+json")];

fn post(client: &Client, body: &[u8]) -> crate::server::Answer {
    client
        .try_send("POST", "/scim/v2/Users", &JSON, Some(body))
        .expect("an answer")
}

#[test]
fn hostile_bodies_get_clear_errors() {
    let server = Server::start();
    let client = server.client();
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let user = |rest: &str| format!(r#"{{"schemas":["{USER}"],"userName":"x"{rest}}}"#);
    for (what, body) in [
        (
            "arrays nested deeper than allowed",
            nested(100_000).into_bytes(),
        ),
        (
            "objects nested deeper than allowed",
            "{\"a\":".repeat(100_000).into_bytes(),
        ),
        ("invalid UTF-8", b"{\"userName\":\"\xff\xfe\"}".to_vec()),
        ("a lone surrogate", br#"{"userName":"\ud800"}"#.to_vec()),
        (
            "a member twice",
            user(r#","title":"a","title":"b""#).into_bytes(),
        ),
        (
            "a member twice in other case",
            user(r#","TITLE":"a","title":"b""#).into_bytes(),
        ),
        (
            "a number out of range",
            user(&format!(r#","x":1e{}"#, "9".repeat(400))).into_bytes(),
        ),
        ("truncated JSON", br#"{"schemas":["#.to_vec()),
        ("nothing", b" ".to_vec()),
    ] {
        let answer = post(&client, &body);
        answer.refusal(400);
        assert_eq!(
            answer.body()["scimType"],
            "invalidSyntax",
            "{what}: {}",
            answer.text
        );
    }
    assert_eq!(client.get("/Users").body()["totalResults"], 0);
}

#[test]
fn a_body_over_the_limit_is_refused_however_it_is_sent() {
    let server = Server::start();
    let client = server.client();
    let large = format!(
        r#"{{"schemas":["{USER}"],"userName":"{}"}}"#,
        "x".repeat(10_000_000)
    );
    // The answer may come before the whole body has been sent, and the rest be refused.
    if let Some(answer) = client.try_send("POST", "/scim/v2/Users", &JSON, Some(large.as_bytes())) {
        answer.refusal(413);
    }
    let credentials = "Authorization: Basic YWRtaW46YSBzZWNyZXQgZm9yIHRlc3RzIGFsb25l\r\n";
    let head = format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\n{credentials}Content-Type: application/scim+json\r\n"
    );
    let announced = format!("{head}Content-Length: 10000000\r\n\r\n{{");
    assert!(
        raw(server.address, announced.as_bytes())
            .unwrap()
            .contains("413")
    );
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let chunked = format!(
        "{head}Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        chunk.repeat(20)
    );
    assert!(
        raw(server.address, chunked.as_bytes())
            .unwrap()
            .contains("413")
    );
    assert_eq!(client.status("GET", "/health/live"), Some(200));
}

#[test]
fn hostile_filters_get_clear_errors() {
    let server = Server::start();
    let client = server.client();
    client.user("bj");
    let search = |filter: &str| {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
            "filter": filter,
        });
        client.post("/Users/.search", &body)
    };
    for filter in [
        "userName eq \"".to_owned() + &"x".repeat(900_000) + "\"",
        "(".repeat(4_000) + "title pr" + &")".repeat(4_000),
        "not (".repeat(1_000) + "title pr" + &")".repeat(1_000),
        vec!["title pr"; 500].join(" or "),
        "userName".into(),
        "userName eq".into(),
        "userName regex \"x\"".into(),
        "nosuch eq \"x\"".into(),
        "password eq \"x\"".into(),
        String::new(),
    ] {
        let answer = search(&filter);
        answer.refusal(400);
        assert_eq!(
            answer.body()["scimType"],
            "invalidFilter",
            "{}",
            answer.text
        );
    }
    let long = "x".repeat(1_000_000);
    let line = format!("GET /scim/v2/Users?filter={long} HTTP/1.1\r\nHost: x\r\n\r\n");
    let status = raw(server.address, line.as_bytes()).unwrap_or_default();
    assert!(
        status.contains(" 414 ") || status.contains(" 431 ") || status.contains(" 400 "),
        "{status:?}"
    );
    assert_eq!(client.get("/Users").body()["totalResults"], 1);
}

/// Idle connections of the short form; `CIVITAS_IDLE` sets the number of a long run.
fn idle() -> usize {
    std::env::var("CIVITAS_IDLE")
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or(1_000)
}

#[test]
fn connections_that_do_nothing_cost_little_and_end() {
    let server = Server::start();
    let before = server.resident_kib();
    let idle: Vec<TcpStream> = (0..idle())
        .map(|_| TcpStream::connect(server.address).unwrap())
        .collect();
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.write_all(b"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\n")
        .unwrap();
    let client = server.client();
    client.user("bj");
    assert_eq!(client.get("/Users").status, 200);
    let grown = server.resident_kib().saturating_sub(before);
    // The first search and the first hash take their own part; a connection takes little.
    let most = 40 * 1_024 + idle.len() as u64 * 16;
    assert!(grown < most, "{grown} KiB more");
    slow.set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let started = Instant::now();
    let mut rest = Vec::new();
    // A reset is as good an end as a close.
    let _ = slow.read_to_end(&mut rest);
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "the half-sent head was waited for"
    );
    drop(idle);
    assert_eq!(client.get("/Users").status, 200);
}
