//! The event feed: streams, polling and pushing.

use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    receiver::{Pushed, Receiver},
    world::{Answer, GROUP, HOST, PATCH_OP, USER, World, ask},
};

const STREAMS: &str = "/civitas/v1/streams";
const PROV: &str = "urn:ietf:params:scim:event:prov";
const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";

fn polled() -> Value {
    json!({ "client_id": "reader", "delivery": { "method": "urn:ietf:rfc:8936" } })
}

fn pushed_to(endpoint: &str) -> Value {
    json!({ "client_id": "reader", "delivery": {
        "method": "urn:ietf:rfc:8935",
        "endpoint_url": endpoint,
        "authorization_header": "Bearer of-the-receiver",
    }})
}

impl World {
    async fn streams(&self, method: &str, path: &str, by: &str, body: &Value) -> Answer {
        let ask = ask(method, &format!("{STREAMS}{path}")).by(by);
        let ask = ask.header("Content-Type", "application/json");
        match body {
            Value::Null => self.send(ask).await,
            body => self.send(ask.body(body.to_string())).await,
        }
    }

    /// A new stream, by its id.
    async fn stream(&self, asked: &Value) -> String {
        let created = self.streams("POST", "", "admin", asked).await;
        assert_eq!(created.status, 201, "{created:?}");
        let id = created.json()["stream_id"].as_str().unwrap().to_owned();
        let location = format!("http://{HOST}{STREAMS}/{id}");
        assert_eq!(created.header("location"), location);
        id
    }

    async fn shown(&self, id: &str) -> Value {
        let path = format!("/{id}");
        let shown = self.streams("GET", &path, "reader", &Value::Null).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        shown.json()
    }

    async fn poll(&self, id: &str, request: &Value) -> Answer {
        let path = format!("/{id}/events");
        self.streams("POST", &path, "reader", request).await
    }

    /// What is due, acknowledging those; claims in their order, and whether there is more.
    async fn next(&self, id: &str, acknowledged: &[Value]) -> (Vec<Value>, bool) {
        self.next_of("reader", id, acknowledged).await
    }

    async fn next_of(&self, by: &str, id: &str, acknowledged: &[Value]) -> (Vec<Value>, bool) {
        let jtis: Vec<&Value> = acknowledged.iter().map(|claims| &claims["jti"]).collect();
        let request = json!({ "returnImmediately": true, "ack": jtis });
        let path = format!("/{id}/events");
        let answer = self.streams("POST", &path, by, &request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        let sets = body["sets"].as_object().unwrap();
        let mut all = Vec::new();
        for (jti, token) in sets {
            let claims = self.verified(token.as_str().unwrap()).await;
            assert_eq!(claims["jti"], **jti);
            all.push(claims);
        }
        (all, body["moreAvailable"] == true)
    }

    /// The claims of a token, whose signature is checked by the published key.
    async fn verified(&self, token: &str) -> Value {
        let keys = self.send(ask("GET", "/.well-known/jwks.json")).await;
        assert_eq!(keys.header("content-type"), "application/jwk-set+json");
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let header = token.split('.').next().unwrap();
        let header: Value = serde_json::from_slice(&decode(header)).unwrap();
        let keys = keys.json()["keys"].as_array().unwrap().clone();
        let mut keys = keys.into_iter();
        let jwk = keys.find(|it| it["kid"] == header["kid"]).unwrap();
        let part = |name: &str| decode(jwk[name].as_str().unwrap());
        let point = [vec![4], part("x"), part("y")].concat();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        key.verify(signed.as_bytes(), &decode(signature)).unwrap();
        let (_, claims) = signed.split_once('.').unwrap();
        assert_eq!(header["typ"], "secevent+jwt");
        serde_json::from_slice(&decode(claims)).unwrap()
    }

    async fn pushes(&self, receiver: &Receiver, many: usize) -> Vec<Value> {
        let mut claims = Vec::new();
        for Pushed { token, .. } in receiver.pushes(many).await {
            claims.push(self.verified(&token).await);
        }
        claims
    }

    async fn patch(&self, path: &str, operations: Value) {
        let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
        let ask = ask("PATCH", &format!("/scim/v2{path}"))
            .by("admin")
            .json(&body);
        let answer = self.send(ask).await;
        assert!(answer.status < 300, "{answer:?}");
    }
}

fn uris(claims: &[Value]) -> Vec<Vec<&str>> {
    let events = claims.iter().map(|it| it["events"].as_object().unwrap());
    events
        .map(|events| events.keys().map(String::as_str).collect())
        .collect()
}

fn id_of(resource: &Value) -> &str {
    resource["id"].as_str().unwrap()
}

#[tokio::test]
async fn streams_are_set_up_by_administrators_and_seen_by_their_receivers() {
    let world = World::start().await;
    let refused = [
        (json!({}), "client_id"),
        (json!({ "client_id": "reader" }), "delivery"),
        (
            json!({ "client_id": "nosuch", "delivery": polled()["delivery"] }),
            "nosuch",
        ),
        (json!({ "client_id": "reader", "delivery": {} }), "method"),
        (pushed_to("http://127.0.0.1:1/"), "https"),
        (pushed_to("http://r.example/"), "https"),
        (json!({ "x": 1 }), "x"),
    ];
    for (asked, why) in refused {
        let answer = world.streams("POST", "", "admin", &asked).await;
        assert_eq!(answer.status, 400, "{asked}");
        let detail = answer.json()["detail"].to_string();
        assert!(detail.contains(why), "{asked}: {detail}");
    }
    let answer = world.streams("POST", "", "writer", &polled()).await;
    assert_eq!(answer.status, 403);

    let id = world.stream(&pushed_to("https://r.example/events")).await;
    let shown = world.shown(&id).await;
    assert!(!shown.to_string().contains("of-the-receiver"), "{shown}");
    assert_eq!(shown["delivery"]["authorized"], true);
    assert_eq!(shown["iss"], format!("http://{HOST}/scim/v2"));
    assert_eq!(
        (&shown["aud"], &shown["status"]),
        (&json!("reader"), &json!("enabled"))
    );
    let path = format!("/{id}");
    for (by, status) in [
        ("admin", 200),
        ("reader", 200),
        ("writer", 404),
        ("nobody", 403),
    ] {
        let answer = world.streams("GET", &path, by, &Value::Null).await;
        assert_eq!(answer.status, status, "{by}");
    }
    for (by, many) in [("admin", 1), ("reader", 1), ("writer", 0)] {
        let listed = world.streams("GET", "", by, &Value::Null).await.json();
        assert_eq!(listed["streams"].as_array().unwrap().len(), many, "{by}");
    }
    let edit = json!({ "status": "paused", "reason": "for now", "payload": "full" });
    let denied = world.streams("PATCH", &path, "reader", &edit).await;
    assert_eq!(denied.status, 403);
    let changed = world.streams("PATCH", &path, "admin", &edit).await.json();
    assert_eq!(changed["reason"], "for now");
    assert_eq!(changed["payload"], "full");
    assert_eq!(changed, world.shown(&id).await);
    let wrong = json!({ "status": "off" });
    assert_eq!(
        world.streams("PATCH", &path, "admin", &wrong).await.status,
        400
    );
    assert_eq!(
        world
            .streams("DELETE", &path, "reader", &Value::Null)
            .await
            .status,
        403
    );
    assert_eq!(
        world
            .streams("DELETE", &path, "admin", &Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(
        world
            .streams("GET", &path, "admin", &Value::Null)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_receiver_polls_for_what_happened() {
    let world = World::start().await;
    world.user("before").await;
    let stream = world.stream(&polled()).await;
    let user = world.user("ann").await;
    let path = format!("/Users/{}", id_of(&user));
    world
        .patch(
            &path,
            json!([
                { "op": "add", "value": { "title": "t", "externalId": "e-1" } },
                { "op": "replace", "path": "active", "value": false },
            ]),
        )
        .await;
    let put = json!({ "schemas": [USER], "userName": "anna", "active": true, "externalId": "e-1" });
    let put = ask("PUT", &format!("/scim/v2{path}"))
        .by("admin")
        .json(&put);
    assert_eq!(world.send(put).await.status, 200);
    let group = json!({ "schemas": [GROUP], "displayName": "g" });
    let group = ask("POST", "/scim/v2/Groups").by("admin").json(&group);
    let group = world.send(group).await.json();
    let members = json!([{ "op": "add", "path": "members", "value": [{ "value": id_of(&user) }] }]);
    world
        .patch(&format!("/Groups/{}", id_of(&group)), members)
        .await;
    let delete = ask("DELETE", &format!("/scim/v2{path}")).by("admin");
    assert_eq!(world.send(delete).await.status, 204);

    let (claims, more) = world.next(&stream, &[]).await;
    assert!(!more);
    let named = |what: &str| format!("{PROV}:{what}");
    let (changed, put) = (named("patch:notice"), named("put:notice"));
    let (off, on) = (named("deactivate"), named("activate"));
    let (create, delete) = (named("create:notice"), named("delete"));
    assert_eq!(
        uris(&claims),
        [
            &[create.as_str()][..],
            &[&changed, &off],
            &[&put, &on],
            &[&create],
            &[&changed],
            &[&delete],
            &[&changed],
        ]
    );
    let first = &claims[1];
    assert_eq!(first["sub_id"]["format"], "scim");
    assert_eq!(first["sub_id"]["uri"], path);
    assert!(first.get("sub").is_none());
    assert_eq!(
        (&first["aud"], &first["iss"]),
        (&json!("reader"), &json!(format!("http://{HOST}/scim/v2")))
    );
    let mut attributes: Vec<String> =
        serde_json::from_value(first["events"][&changed]["attributes"].clone()).unwrap();
    attributes.sort();
    assert_eq!(attributes, ["active", "externalId", "title"]);
    assert_eq!(
        claims[4]["events"][&changed]["attributes"],
        json!(["members"])
    );
    assert!(
        claims
            .iter()
            .all(|it| !it["txn"].as_str().unwrap().is_empty())
    );
    assert_eq!(claims[5]["events"][&delete], json!({}));
}

#[tokio::test]
async fn what_a_receiver_acknowledges_is_not_due_again() {
    let world = World::start().await;
    world.user("before").await;
    let stream = world.stream(&polled()).await;
    for name in ["a", "b", "c", "d", "e", "f", "g"] {
        world.user(name).await;
    }
    let (claims, more) = world.next(&stream, &[]).await;
    assert!(!more);
    // Unacknowledged ones come again; acknowledged ones do not, in whatever order.
    assert_eq!(world.next(&stream, &[]).await.0.len(), 7);
    let (rest, _) = world
        .next(&stream, &[claims[2].clone(), claims[0].clone()])
        .await;
    let jtis = |claims: &[Value]| {
        claims
            .iter()
            .map(|it| it["jti"].clone())
            .collect::<Vec<_>>()
    };
    let mut expected = jtis(&claims);
    expected.remove(2);
    expected.remove(0);
    assert_eq!(jtis(&rest), expected);
    assert_eq!(world.shown(&stream).await["acknowledged"], 2);
    let request = json!({ "maxEvents": 2, "ack": ["nonsense", "a.b.c"] });
    let two = world.poll(&stream, &request).await.json();
    assert_eq!(two["sets"].as_object().unwrap().len(), 2);
    assert_eq!(two["moreAvailable"], true);
    let request = json!({ "maxEvents": 0, "returnImmediately": true });
    let none = world.poll(&stream, &request);
    assert_eq!(
        none.await.json(),
        json!({ "sets": {}, "moreAvailable": true })
    );

    // What a receiver refuses is not sent again.
    let errors = json!({ claims[1]["jti"].as_str().unwrap(): { "err": "invalid_request", "description": "?" } });
    let refusing = json!({ "returnImmediately": true, "setErrs": errors });
    assert_eq!(world.poll(&stream, &refusing).await.status, 200);
    let shown = world.shown(&stream).await;
    assert_eq!(
        (&shown["acknowledged"], &shown["rejected"]),
        (&json!(4), &json!(1))
    );
    assert_eq!(world.next(&stream, &rest).await, (vec![], false));
}

#[tokio::test]
async fn polls_that_are_no_polls_are_refused() {
    let world = World::start().await;
    let stream = world.stream(&polled()).await;
    for wrong in [json!({ "maxEvents": -1 }), json!({ "ack": "x" }), json!([])] {
        assert_eq!(world.poll(&stream, &wrong).await.status, 400, "{wrong}");
    }
    let path = format!("/{stream}/events");
    for (by, status) in [("writer", 404), ("admin", 404), ("nobody", 403)] {
        let request = json!({ "returnImmediately": true });
        let answer = world.streams("POST", &path, by, &request).await;
        assert_eq!(answer.status, status, "{by}");
    }
    let get = world.streams("GET", &path, "reader", &Value::Null).await;
    assert_eq!(
        (get.status, get.header("allow")),
        (405, "POST, OPTIONS".into())
    );
    let answer = world.poll("nosuch", &json!({})).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn a_poll_waits_for_what_happens() {
    let world = World::start().await;
    let stream = world.stream(&polled()).await;
    let request = json!({});
    let (answer, _) = tokio::join!(world.poll(&stream, &request), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.user("ann").await
    });
    assert_eq!(answer.json()["sets"].as_object().unwrap().len(), 1);
    assert_eq!(
        world.next(&stream, &[]).await.0.len(),
        1,
        "it was not acknowledged"
    );
}

#[tokio::test]
async fn polls_that_wait_end_with_the_server() {
    let world = World::start().await;
    let stream = world.stream(&polled()).await;
    let mut waiting = tokio::net::TcpStream::connect(world.addr).await.unwrap();
    let request = ask("POST", &format!("{STREAMS}/{stream}/events")).by("reader");
    let request = request
        .header("Content-Type", "application/json")
        .body("{}");
    waiting.write_all(&request.bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let started = Instant::now();
    world.stop().await;
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with(r#"{"sets":{}}"#), "{answer}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_receiver_asks_for_a_verification() {
    let world = World::start().await;
    let stream = world.stream(&polled()).await;
    world.user("ann").await;
    let ask = json!({ "state": "s-1" });
    let path = format!("/{stream}/verification");
    assert_eq!(
        world.streams("POST", &path, "writer", &ask).await.status,
        404
    );
    assert_eq!(
        world.streams("POST", &path, "reader", &ask).await.status,
        204
    );
    let (claims, _) = world.next(&stream, &[]).await;
    assert_eq!(
        claims[0]["events"],
        json!({ VERIFICATION: { "state": "s-1" } })
    );
    assert_eq!(
        claims[0]["sub_id"],
        json!({ "format": "opaque", "id": stream })
    );
    assert_eq!(claims.len(), 2, "beside what happened");
    assert_eq!(world.shown(&stream).await["verified"], false);
    let (rest, _) = world.next(&stream, &claims[..1]).await;
    assert_eq!(rest.len(), 1);
    assert_eq!(world.shown(&stream).await["verified"], true);
}

#[tokio::test]
async fn a_receiver_hears_that_it_missed_events() {
    let world = World::start().await;
    let stream = world.stream(&polled()).await;
    for name in ["a", "b", "c", "d"] {
        world.user(name).await;
    }
    world.forget_events(2).await;
    let (claims, more) = world.next(&stream, &[]).await;
    let missed = "urn:civitas:params:scim:event:feed:missed";
    assert_eq!(uris(&claims), [[missed]]);
    assert_eq!(
        claims[0]["events"][missed],
        json!({ "after": "W/\"0\"", "through": "W/\"2\"" })
    );
    assert!(!more);
    assert_eq!(
        world.next(&stream, &[]).await.0,
        claims,
        "until it is acknowledged"
    );
    let (rest, _) = world.next(&stream, &claims).await;
    assert_eq!(rest.len(), 2);
    let metrics = world.send(ask("GET", "/metrics")).await;
    let metrics = String::from_utf8(metrics.body).unwrap();
    assert!(metrics.contains("civitas_event_tokens_total{outcome=\"missed\"} 2"));
}

#[tokio::test]
async fn what_happens_while_a_stream_is_disabled_is_not_told() {
    let world = World::start().await;
    let stream = world.stream(&polled()).await;
    let path = format!("/{stream}");
    for (status, name, told) in [
        ("paused", "a", 0),
        ("enabled", "b", 2),
        ("disabled", "c", 0),
        ("paused", "d", 0),
        ("enabled", "e", 2),
    ] {
        let edit = json!({ "status": status });
        world.streams("PATCH", &path, "admin", &edit).await;
        world.user(name).await;
        let (claims, _) = world.next(&stream, &[]).await;
        assert_eq!(claims.len(), told, "{status}");
        if name == "b" {
            world.next(&stream, &claims).await;
        }
    }
}

#[tokio::test]
async fn a_reset_takes_streams_back() {
    let world = World::staged().await;
    let stream = world.stream(&polled()).await;
    world.user("kept").await;
    let (before, _) = world.next(&stream, &[]).await;
    world.next(&stream, &before).await;
    let staged = async |method: &str, path: &str, body: &str| {
        let ask = ask(method, &format!("/civitas/v1/{path}")).by("admin");
        let ask = ask.header("Content-Type", "application/json");
        let answer = world.send(ask.body(body)).await;
        assert!(answer.status < 300, "{path}: {answer:?}");
    };
    staged("PUT", "snapshots/s", "").await;
    world.user("lost").await;
    let (lost, _) = world.next(&stream, &[]).await;
    world.next(&stream, &lost).await;
    staged("POST", "reset", r#"{"snapshot":"s"}"#).await;
    world.user("again").await;
    let (again, _) = world.next(&stream, &lost).await;
    assert_eq!(
        again.len(),
        1,
        "the number of an event is used again, its jti is not"
    );
    assert_ne!(again[0]["jti"], lost[0]["jti"]);
    assert_eq!(world.next(&stream, &again).await.0.len(), 0);
}

#[tokio::test]
async fn full_payloads_show_what_the_resource_still_is() {
    let world = World::start().await;
    let mut asked = polled();
    asked["payload"] = json!("full");
    let stream = world.stream(&asked).await;
    let user = world.user("ann").await;
    let path = format!("/Users/{}", id_of(&user));
    let (claims, _) = world.next(&stream, &[]).await;
    let full = &claims[0]["events"][format!("{PROV}:create:full")];
    assert_eq!(full["data"]["userName"], "ann");
    assert_eq!(full["version"], user["meta"]["version"]);
    let secret = json!([{ "op": "add", "value": { "title": "t", "password": "correct horse" } }]);
    world.patch(&path, secret).await;
    world
        .patch(
            &path,
            json!([{ "op": "add", "path": "title", "value": "u" }]),
        )
        .await;
    let (claims, _) = world.next(&stream, &[]).await;
    let (create, notice) = (
        format!("{PROV}:create:notice"),
        format!("{PROV}:patch:notice"),
    );
    let full = format!("{PROV}:patch:full");
    assert_eq!(uris(&claims), [[&create], [&notice], [&full]]);
    assert_eq!(
        claims[1]["events"][&notice]["attributes"],
        json!(["title", "password"])
    );
    let operations = &claims[2]["events"][&full]["data"]["Operations"];
    assert_eq!(
        operations,
        &json!([{ "op": "replace", "path": "title", "value": "u" }])
    );
    assert!(!json!(claims).to_string().contains("correct horse"));
}

#[tokio::test]
async fn events_are_pushed_in_order_until_they_are_taken() {
    let world = World::staged().await;
    let receiver = Receiver::start();
    receiver.answer_next(&[(503, ""), (202, "")]);
    world.user("before").await;
    let stream = world
        .stream(&pushed_to(&format!(
            "http://{}/events?x=1",
            receiver.address
        )))
        .await;
    let first = world.user("ann").await;
    let path = format!("/Users/{}", id_of(&first));
    world
        .patch(
            &path,
            json!([{ "op": "add", "path": "title", "value": "t" }]),
        )
        .await;
    // The verification twice, then the events.
    let claims = world.pushes(&receiver, 4).await;
    assert_eq!(uris(&claims[..2]), [[VERIFICATION], [VERIFICATION]]);
    assert_eq!(claims[0]["jti"], claims[1]["jti"], "the same token again");
    let (create, changed) = (
        format!("{PROV}:create:notice"),
        format!("{PROV}:patch:notice"),
    );
    assert_eq!(uris(&claims[2..]), [[&create], [&changed]]);
    let head = &receiver.pushed()[2].head;
    for field in [
        "post /events?x=1 http/1.1",
        "content-type: application/secevent+jwt",
        "accept: application/json",
        "authorization: bearer of-the-receiver",
    ] {
        assert!(head.contains(field), "{field}: {head}");
    }

    // What it refuses is passed over, what it cannot take now is sent again.
    receiver.answer_next(&[
        (400, r#"{"err":"invalid_request"}"#),
        (500, ""),
        (429, ""),
        (202, ""),
    ]);
    world.user("bea").await;
    world.user("cem").await;
    let claims = world.pushes(&receiver, 8).await;
    let jtis: Vec<&Value> = claims[4..].iter().map(|it| &it["jti"]).collect();
    assert_ne!(jtis[0], jtis[1]);
    assert_eq!((jtis[1], jtis[2]), (jtis[2], jtis[3]));
    let shown = world.acknowledged(&stream, 5).await;
    assert_eq!(
        (&shown["rejected"], &shown["verified"]),
        (&json!(1), &json!(true))
    );

    // What concerns the stream holds it back until somebody enables it.
    receiver.answer_next(&[(401, "")]);
    world.user("dan").await;
    let dan = world.pushes(&receiver, 9).await;
    let paused = world.until(&stream, |it| it["status"] == "paused").await;
    assert!(
        paused["reason"].as_str().unwrap().contains("401"),
        "{paused}"
    );
    world.user("eve").await;
    let enable = json!({ "status": "enabled" });
    world
        .streams("PATCH", &format!("/{stream}"), "admin", &enable)
        .await;
    let claims = world.pushes(&receiver, 11).await;
    assert_eq!(claims[9]["jti"], dan[8]["jti"], "nothing is lost");
    world.acknowledged(&stream, 7).await;
    assert_eq!(receiver.pushed().len(), 11);
    let metrics = world.send(ask("GET", "/metrics")).await;
    let metrics = String::from_utf8(metrics.body).unwrap();
    assert!(
        metrics.contains("civitas_event_tokens_total{outcome=\"refused\"} 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("civitas_event_tokens_total{outcome=\"pushed\"} 6"),
        "{metrics}"
    );
}

impl World {
    async fn until(&self, stream: &str, holds: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..2_000 {
            let shown = self.shown(stream).await;
            if holds(&shown) {
                return shown;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{}", self.shown(stream).await);
    }

    async fn acknowledged(&self, stream: &str, event: u64) -> Value {
        self.until(stream, |it| it["acknowledged"] == event).await
    }
}

#[tokio::test]
async fn the_certificate_of_a_receiver_is_checked() {
    let world = World::start().await;
    let receiver = Receiver::over_tls();
    let endpoint = format!("https://localhost:{}/", receiver.address.port());
    let mut asked = pushed_to(&endpoint);
    asked["delivery"]["authorities"] = json!("x");
    let answer = world.streams("POST", "", "admin", &asked).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    asked["delivery"]["authorities"] = json!(include_str!("tls/other.pem"));
    let stream = world.stream(&asked).await;
    world.user("ann").await;
    let failed = |metrics: &str| !metrics.contains("{outcome=\"failed\"} 0\n");
    let mut metrics = String::new();
    while !failed(&metrics) {
        let answer = world.send(ask("GET", "/metrics")).await;
        metrics = String::from_utf8(answer.body).unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(
        receiver.pushed().is_empty(),
        "it is not the one that was named"
    );
    asked["delivery"]["authorities"] = json!(include_str!("tls/authority.pem"));
    let edit = json!({ "delivery": asked["delivery"] });
    world
        .streams("PATCH", &format!("/{stream}"), "admin", &edit)
        .await;
    let claims = world.pushes(&receiver, 2).await;
    let create = format!("{PROV}:create:notice");
    assert_eq!(uris(&claims), [[VERIFICATION], [&create]]);
    world.acknowledged(&stream, 1).await;
}

#[tokio::test]
async fn a_completed_request_is_told_to_its_client() {
    let world = World::start().await;
    let taken = world.user("taken").await;
    let own = json!({ "client_id": "writer", "delivery": { "method": "urn:ietf:rfc:8936" } });
    let (own, other) = (world.stream(&own).await, world.stream(&polled()).await);
    let create = |name: &str| {
        let data = json!({ "schemas": [USER], "userName": name });
        json!({ "method": "POST", "bulkId": name, "path": "/Users", "data": data })
    };
    let path = format!("/Users/{}", id_of(&taken));
    let change = json!({ "schemas": [PATCH_OP],
        "Operations": [{ "op": "add", "path": "title", "value": "t" }] });
    let change = json!({ "method": "PATCH", "path": path, "data": change });
    let submit = async |operations: Value| {
        let bulk = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
        let body = json!({ "schemas": [bulk], "Operations": operations });
        let ask = ask("POST", "/scim/v2/Bulk").by("writer").json(&body);
        let accepted = world.send(ask.header("Prefer", "respond-async")).await;
        assert_eq!(accepted.status, 202, "{accepted:?}");
        accepted.header("set-txn")
    };
    let txn = submit(json!([create("new"), create("taken"), change])).await;
    // The changes come first, and are acknowledged, before completions are due.
    let (mut changes, started) = (Vec::new(), Instant::now());
    while changes.len() < 2 {
        assert!(started.elapsed() < Duration::from_secs(20));
        changes = world.next_of("writer", &own, &[]).await.0;
    }
    assert!(
        uris(&changes)
            .iter()
            .flatten()
            .all(|it| it.starts_with(PROV))
    );
    let mut done = Vec::new();
    while done.is_empty() {
        assert!(started.elapsed() < Duration::from_secs(20));
        done = world.next_of("writer", &own, &changes).await.0;
    }
    let asyncresp = "urn:ietf:params:scim:event:misc:asyncresp";
    assert_eq!(uris(&done), [[asyncresp], [asyncresp], [asyncresp]]);
    for (number, claims) in done.iter().enumerate() {
        assert_eq!(claims["txn"], format!("{txn}:{number}"));
        assert_eq!(claims["sub_id"]["format"], "scim");
        assert!(claims["events"][asyncresp].get("bulkId").is_none());
    }
    let told = |at: usize, member: &str| done[at]["events"][asyncresp][member].clone();
    let statuses: Vec<Value> = (0..3).map(|at| told(at, "status")).collect();
    assert_eq!(statuses, ["201", "409", "200"]);
    let uri = done[0]["sub_id"]["uri"].as_str().unwrap();
    assert!(told(0, "location").as_str().unwrap().ends_with(uri));
    assert_eq!(done[1]["sub_id"]["uri"], "/Bulk");
    assert_eq!(told(1, "response")["scimType"], "uniqueness");
    assert_eq!(
        (&done[2]["sub_id"]["uri"], told(2, "method")),
        (&json!(path), json!("PATCH"))
    );

    // Each until it is acknowledged, in whatever order; nothing of it to another client.
    let (left, _) = world.next_of("writer", &own, &done[1..2]).await;
    assert_eq!(left, [done[0].clone(), done[2].clone()]);
    assert_eq!(
        world.next_of("writer", &own, &left).await.0,
        [] as [Value; 0]
    );
    let (others, _) = world.next(&other, &[]).await;
    let (others, _) = world.next(&other, &others).await;
    assert_eq!(others, [] as [Value; 0]);
}

#[tokio::test]
async fn keys_take_turns_and_are_published_for_as_long_as_they_are_needed() {
    let world = World::staged().await;
    let stream = world.stream(&polled()).await;
    let kid = |token: &str| {
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap());
        let header: Value = serde_json::from_slice(&header.unwrap()).unwrap();
        header["kid"].as_str().unwrap().to_owned()
    };
    let signs = async || {
        let name = format!("u{:?}", Instant::now());
        world.user(&name).await;
        let polled = world
            .poll(&stream, &json!({ "returnImmediately": true }))
            .await;
        let sets = polled.json()["sets"].as_object().unwrap().clone();
        kid(sets.values().next_back().unwrap().as_str().unwrap())
    };
    let published = async || {
        let keys = world
            .send(ask("GET", "/.well-known/jwks.json"))
            .await
            .json();
        let keys = keys["keys"].as_array().unwrap().iter();
        let kids = keys.map(|key| {
            assert!(key.get("d").is_none(), "no private part is published");
            key["kid"].as_str().unwrap().to_owned()
        });
        kids.collect::<Vec<_>>()
    };
    let advance = async |millis: i64| {
        let advance = json!({ "advance_ms": millis });
        world.set("PUT", "clock", advance).await;
    };
    let first = signs().await;
    assert_eq!(published().await, std::slice::from_ref(&first));
    let next = world.rotate_key(false).await.unwrap();
    assert_eq!(published().await, [first.clone(), next.kid.clone()]);
    assert_eq!(signs().await, first);
    assert!(world.rotate_key(false).await.is_err(), "one at a time");
    advance(10 * 60_000).await;
    assert_eq!(signs().await, next.kid);
    assert_eq!(published().await, [first, next.kid.clone()]);
    advance(86_400_000).await;
    assert_eq!(published().await, [next.kid]);
    let at_once = world.rotate_key(true).await.unwrap();
    assert_eq!(signs().await, at_once.kid);
    assert_eq!(published().await, [at_once.kid]);
}

/// RFC 9967 §4; clients that are strict about RFC 7643 §5 refuse the member.
#[tokio::test]
async fn who_has_no_stream_is_told_nothing_of_events() {
    let world = World::start().await;
    let config = world
        .send(ask("GET", "/scim/v2/ServiceProviderConfig").by("reader"))
        .await
        .json();
    assert_eq!(config["bulk"]["supported"], true);
    assert!(config["securityEvents"].is_null(), "{config}");
}
