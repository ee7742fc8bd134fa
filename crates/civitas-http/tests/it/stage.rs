//! Answers on order, clocks, resets and the ledger, through a real socket.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::world::{Answer, Ask, NOW, USER, World, ask};

const USERS: &str = "/scim/v2/Users";

fn post(name: &str) -> Ask {
    ask("POST", USERS)
        .by("writer")
        .json(&json!({ "schemas": [USER], "userName": name }))
}

fn get() -> Ask {
    ask("GET", USERS).by("reader")
}

impl World {
    async fn admin(&self, method: &str, path: &str, body: &Value) -> Answer {
        let target = format!("/civitas/v1/{path}");
        let ask = ask(method, &target)
            .by("admin")
            .header("Content-Type", "application/json");
        let ask = match body {
            Value::Null => ask,
            body => ask.body(body.to_string()),
        };
        self.send(ask).await
    }

    /// An administration that must be done.
    pub(crate) async fn set(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.admin(method, path, &body).await;
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    /// What comes back, to the end of the connection, and how it ended.
    async fn bytes(&self, ask: Ask) -> (Vec<u8>, Option<std::io::ErrorKind>) {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        stream.write_all(&ask.bytes()).await.unwrap();
        let mut all = Vec::new();
        let end = stream.read_to_end(&mut all).await;
        (all, end.err().map(|error| error.kind()))
    }

    async fn total(&self) -> u64 {
        let answer = self.send(get()).await;
        answer.json()["totalResults"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn a_header_field_orders_the_answer_of_its_request() {
    let world = World::staged().await;
    let order = |text: &str| get().header("Civitas-Rehearse", text);
    for status in [
        400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 429, 431, 500, 501, 503,
    ] {
        let answer = world.send(order(&status.to_string())).await;
        answer.scim_error(status);
    }
    for status in [304, 307, 308] {
        let answer = world.send(order(&status.to_string())).await;
        assert_eq!(answer.status, status);
    }
    let answer = world.send(order("503; retry-after=5")).await;
    assert_eq!(answer.header("retry-after"), "5");
    assert!(
        !world
            .send(order("429"))
            .await
            .header("retry-after")
            .is_empty()
    );
    assert!(
        !world
            .send(order("401"))
            .await
            .header("www-authenticate")
            .is_empty()
    );
    let answer = world.send(order("409; scim-type=uniqueness")).await;
    assert_eq!(answer.scim_error(409), "uniqueness");
    let answer = world.send(order("400; scim-type=tooMany")).await;
    assert_eq!(answer.scim_error(400), "tooMany");
    for unknown in [
        "418",
        "200",
        "422",
        "503; scim-type=tooMany",
        "409; scim-type=noTarget",
        "no",
    ] {
        let answer = world.send(order(unknown)).await;
        assert_eq!(answer.scim_error(400), "invalidValue", "{unknown}");
    }
    assert_eq!(world.send(get()).await.status, 200, "its own request alone");
}

#[tokio::test]
async fn rules_answer_the_requests_that_they_match() {
    let world = World::staged().await;
    let rule = json!({
        "match": { "method": "POST", "path": USERS, "client": "writer",
                   "body": { "/userName": "ann" }, "from": 2, "to": 3 },
        "answer": { "status": 503, "retry_after": "7" },
    });
    world.set("POST", "rehearsals", rule).await;
    assert_eq!(world.send(post("bea")).await.status, 201);
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(world.send(post("ann")).await.status);
    }
    assert_eq!(seen, [201, 503, 503, 409]);
    let listed = world.set("GET", "rehearsals", Value::Null).await;
    assert_eq!(listed[0]["matched"], 4);
    let more = json!({ "answer": "429; retry-after=2" });
    world.set("POST", "rehearsals", more).await;
    let answer = world.send(get()).await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (429, "2".into())
    );
    world.set("DELETE", "rehearsals", Value::Null).await;
    assert_eq!(world.send(get()).await.status, 200);
    let token = json!({ "match": { "dialect": "oauth2" }, "answer": "503" });
    world.set("PUT", "rehearsals", token).await;
    let form = "grant_type=client_credentials";
    let answer = world.send(ask("POST", "/oauth2/v1/token").form(form)).await;
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    assert_eq!(world.send(get()).await.status, 200);
    for wrong in [
        json!({ "answer": { "status": 418 } }),
        json!({ "match": { "dialect": "oauth2" }, "answer": "412" }),
        json!({ "match": { "colour": 1 }, "answer": "503" }),
        json!({ "answer": "503; sometimes" }),
        json!("503"),
    ] {
        let answer = world.admin("POST", "rehearsals", &wrong).await;
        assert_eq!(answer.status, 400, "{wrong}: {answer:?}");
    }
}

#[tokio::test]
async fn an_answer_is_lost_cut_off_or_slow() {
    let world = World::staged().await;
    let lost = post("ann").header("Civitas-Rehearse", "after; close");
    assert_eq!(world.bytes(lost).await, (vec![], None));
    assert_eq!(world.total().await, 1, "the work was done");
    let undone = post("bea").header("Civitas-Rehearse", "reset");
    let (bytes, end) = world.bytes(undone).await;
    assert_eq!(
        (bytes.len(), end),
        (0, Some(std::io::ErrorKind::ConnectionReset))
    );
    assert_eq!(world.total().await, 1, "it was not");
    let denied = post("bea").header("Civitas-Rehearse", "after; 500");
    world.send(denied).await.scim_error(500);
    assert_eq!(world.total().await, 2, "done, and answered otherwise");
    let whole = world.send(get()).await;
    let cut = get().header("Civitas-Rehearse", "cut=10");
    let (bytes, _) = world.bytes(cut).await;
    let cut = Answer::parse(&bytes);
    assert_eq!(cut.status, 200);
    assert_eq!(cut.body, whole.body[..10]);
    assert_eq!(cut.header("content-length"), whole.body.len().to_string());
    let slow = get().header("Civitas-Rehearse", "drip=1; delay=1");
    assert_eq!(world.send(slow).await.body, whole.body);
}

#[tokio::test]
async fn a_clock_is_set_and_everything_follows() {
    let world = World::staged().await;
    let clock = world.set("GET", "clock", Value::Null).await;
    assert_eq!(clock["now"], NOW.to_string());
    let set = json!({ "now": "2030-01-01T00:00:00Z", "frozen": true });
    let clock = world.set("PUT", "clock", set).await;
    assert_eq!(
        (&clock["now"], &clock["frozen"]),
        (&json!("2030-01-01T00:00:00.000Z"), &json!(true))
    );
    let user = world.user("ann").await;
    assert_eq!(user["meta"]["created"], "2030-01-01T00:00:00.000Z");
    let token = world.token("reader", "read").await;
    let read = ask("GET", USERS).bearer(&token);
    assert_eq!(world.send(read.clone()).await.status, 200);
    world
        .set("PUT", "clock", json!({ "advance_ms": 3_599_999 }))
        .await;
    assert_eq!(world.send(read.clone()).await.status, 200);
    world.set("PUT", "clock", json!({ "advance_ms": 1 })).await;
    world.send(read).await.scim_error(401);
    world.set("PUT", "clock", json!({ "system": true })).await;
    assert_eq!(world.user("bea").await["meta"]["created"], NOW.to_string());
    for wrong in [json!({ "now": "soon" }), json!({ "freeze": 1 }), json!([])] {
        assert_eq!(
            world.admin("PUT", "clock", &wrong).await.status,
            400,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_reset_ends_what_came_after_and_two_runs_print_the_same() {
    let world = World::staged().await;
    world.user("kept").await;
    let stage = json!({ "now": "2030-01-01T00:00:00Z", "frozen": true, "seed": 42 });
    world.set("PUT", "clock", stage).await;
    world.set("PUT", "snapshots/start", Value::Null).await;
    let run = async || {
        let token = world.token("writer", "write").await;
        let rule = json!({ "match": { "method": "DELETE" }, "answer": "503" });
        world.set("POST", "rehearsals", rule).await;
        let first = world.user("ann").await;
        let second = world.user("bea").await;
        let listed = world.send(get()).await.body;
        (token, [first.to_string(), second.to_string()], listed)
    };
    let (token, users, listed) = run().await;
    world
        .set("POST", "reset", json!({ "snapshot": "start" }))
        .await;
    assert_eq!(world.total().await, 1);
    world
        .send(ask("GET", USERS).bearer(&token))
        .await
        .scim_error(401);
    assert_eq!(world.set("GET", "rehearsals", Value::Null).await, json!([]));
    let count = world.set("GET", "ledger/count", Value::Null).await;
    assert_eq!(count["count"], 2, "what came after the reset");
    let (_, again, listed_again) = run().await;
    assert_eq!(again, users);
    assert_eq!(listed_again, listed);
    world.set("POST", "reset", Value::Null).await;
    assert_eq!(world.total().await, 0);
    let missing = json!({ "snapshot": "nowhere" });
    assert_eq!(world.admin("POST", "reset", &missing).await.status, 404);
    let listed = world.set("GET", "snapshots", Value::Null).await;
    assert_eq!(listed[0]["name"], "start");
    world.set("DELETE", "snapshots/start", Value::Null).await;
    assert_eq!(world.set("GET", "snapshots", Value::Null).await, json!([]));
}

#[tokio::test]
async fn the_ledger_tells_the_last_requests_without_secrets() {
    let world = World::staged().await;
    let body = json!({ "schemas": [USER], "userName": "ann", "password": "correct horse" });
    world
        .send(ask("POST", USERS).by("writer").json(&body))
        .await;
    world.send(get()).await;
    let ledger = world
        .admin("GET", "ledger?method=POST&status=201", &Value::Null)
        .await;
    let text = String::from_utf8(ledger.body.clone()).unwrap();
    assert!(!text.contains("correct horse"), "{text}");
    let told = ledger.json();
    assert_eq!(told.as_array().unwrap().len(), 1, "{text}");
    assert!(told[0]["request"]["body"].as_str().unwrap().contains("ann"));
    assert!(
        told[0]["response"]["body"]
            .as_str()
            .unwrap()
            .contains("userName")
    );
    let count = world
        .set("GET", "ledger/count?path=/scim/v2/Users", Value::Null)
        .await;
    assert_eq!(count["count"], 2);
    let har = world.set("GET", "ledger/har", Value::Null).await;
    assert_eq!(har["log"]["version"], "1.2");
    assert_eq!(har["log"]["entries"][1]["response"]["status"], 200);
    let wrong = world.admin("GET", "ledger?colour=1", &Value::Null).await;
    assert_eq!(wrong.status, 400);
    world.set("DELETE", "ledger", Value::Null).await;
    let count = world.set("GET", "ledger/count", Value::Null).await;
    assert_eq!(count["count"], 0);
}

#[tokio::test]
async fn in_production_there_is_no_stage() {
    let world = World::start().await;
    for path in [
        "clock",
        "snapshots",
        "snapshots/a",
        "reset",
        "rehearsals",
        "ledger",
        "ledger/har",
    ] {
        for method in ["GET", "PUT", "POST", "DELETE"] {
            let answer = world.admin(method, path, &Value::Null).await;
            assert!(
                [404, 405].contains(&answer.status),
                "{method} {path}: {answer:?}"
            );
        }
    }
    let ordered = get().header("Civitas-Rehearse", "503");
    assert_eq!(world.send(ordered).await.status, 200);
    let by_reader = ask("PUT", "/civitas/v1/clock").by("reader");
    let staged = World::staged().await;
    assert_eq!(staged.send(by_reader).await.status, 403);
}
