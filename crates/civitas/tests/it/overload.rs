//! More work than can be done: what is taken is done, the rest is refused at once, and nothing
//! of it is left afterwards. Figures: `cargo xtask bench-overload`.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    realms,
    server::{Client, GROUP, Server, USER},
};

/// More clients than work and wait in a burst together.
const CLIENTS: usize = 48;

/// Memory that may come on top while so many requests are in work.
const MOST_MORE_KIB: u64 = 128 * 1024;

fn length() -> Duration {
    let seconds = std::env::var("CIVITAS_OVERLOAD_SECONDS").ok();
    Duration::from_secs(seconds.map_or(2, |it| it.parse().unwrap()))
}

/// Secrets that nobody has shown before, each of which takes a hash.
fn secret(client: &Client, turn: usize) -> u16 {
    use base64::Engine as _;
    let shown = base64::prelude::BASE64_STANDARD.encode(format!("admin:wrong {turn}"));
    let client = client.with_authorization(&format!("Basic {shown}"));
    let answer = client.get("/Users?count=0");
    if answer.status == 503 {
        answer.refusal(503);
        assert_eq!(answer.header("retry-after"), "1");
    } else {
        answer.refusal(401);
    }
    answer.status
}

/// A group of users, which takes the writer some time.
fn write(client: &Client, members: &serde_json::Value, turn: usize) -> u16 {
    let group =
        json!({ "schemas": [GROUP], "displayName": format!("g{turn}"), "members": members });
    let answer = client.post("/Groups?attributes=id", &group);
    if answer.status == 503 {
        answer.refusal(503);
        assert_eq!(answer.header("retry-after"), "1");
    } else {
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    answer.status
}

#[test]
fn what_is_too_much_is_refused_and_leaves_nothing_behind() {
    let server = Server::start();
    let client = server.client();
    let members: Vec<_> = (0..300)
        .map(|at| json!({ "value": client.user(&format!("u{at}")) }))
        .collect();
    let members = json!(members);
    let before = server.resident_kib();
    let turns = AtomicUsize::new(0);
    let [heard, refused, written, reads] = [const { AtomicUsize::new(0) }; 4];
    let until = Instant::now() + length();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let client = server.client();
                while Instant::now() < until {
                    let turn = turns.fetch_add(1, Relaxed);
                    let counter = match secret(&client, turn) {
                        503 => &refused,
                        _ => &heard,
                    };
                    counter.fetch_add(1, Relaxed);
                }
            });
        }
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let client = server.client();
                while Instant::now() < until {
                    let turn = turns.fetch_add(1, Relaxed);
                    if write(&client, &members, turn) == 201 {
                        written.fetch_add(1, Relaxed);
                    }
                }
            });
        }
        scope.spawn(|| {
            while Instant::now() < until {
                assert_eq!(client.get("/Users?count=1").status, 200, "reads go on");
                reads.fetch_add(1, Relaxed);
            }
        });
    });
    let [heard, refused, written, reads] =
        [heard, refused, written, reads].map(AtomicUsize::into_inner);
    assert!(heard > 0 && refused > 0 && written > 0 && reads > 0);
    let more = server.resident_kib().saturating_sub(before);
    assert!(more < MOST_MORE_KIB, "{more} KiB more than before");

    let groups = client.get("/Groups?count=0").body()["totalResults"].as_u64();
    assert_eq!(
        groups,
        Some(written as u64),
        "what was acknowledged, and no more"
    );
    // One after the other everything is done again.
    for turn in 0..10 {
        assert_eq!(secret(&client, usize::MAX - turn), 401);
        assert_eq!(write(&client, &members, usize::MAX - turn), 201);
    }
    let answer = client.post("/Users", &json!({ "schemas": [USER], "userName": "after" }));
    assert_eq!(answer.status, 201, "{}", answer.text);
}

/// What an index answers waits for no turn among the searches, also where all that is found is
/// asked for, and where relationships are looked up beside it.
#[test]
fn look_ups_are_never_too_many() {
    let server = Server::start();
    let client = server.client();
    realms::create(&client, "alpha", "amir");
    let json = [("Content-Type", "application/json")];
    let made = |path: &str, body: serde_json::Value| {
        let body = body.to_string();
        let made = client.try_send("POST", path, &json, Some(body.as_bytes()));
        assert_eq!(made.unwrap().status, 201, "{path}");
    };
    let roles = "/openidm/managed/alpha_role";
    let role = json!({ "name": "auditor", "_id": "auditor" });
    made(&format!("{roles}?_action=create"), role);
    let found = "/openidm/managed/alpha_user?_queryFilter=userName+eq+%22amir%22";
    let id = client.send("GET", found, None).body()["result"][0]["_id"].clone();
    let user = format!("/openidm/managed/alpha_user/{}", id.as_str().unwrap());
    let reference = json!({ "_ref": "managed/alpha_role/auditor" });
    made(&format!("{user}/roles"), reference);
    let until = Instant::now() + length();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let client = server.client();
                while Instant::now() < until {
                    for path in [found, &user] {
                        let answer = client.send("GET", path, None);
                        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
                    }
                }
            });
        }
    });
}

/// Whoever is renamed may have reports, which are looked up.
#[test]
fn renames_at_once_are_never_too_many() {
    let server = Server::start();
    let client = server.client();
    let users: Vec<String> = (0..16).map(|at| client.user(&format!("u{at}"))).collect();
    let until = Instant::now() + length();
    thread::scope(|scope| {
        for user in &users {
            let client = server.client();
            scope.spawn(move || {
                for turn in 0.. {
                    if Instant::now() > until {
                        return;
                    }
                    let name = json!([{
                        "op": "replace", "path": "displayName", "value": format!("n{turn}"),
                    }]);
                    let answer = client.patch(&format!("/Users/{user}"), &name);
                    assert_eq!(answer.status, 200, "{}", answer.text);
                }
            });
        }
    });
}

/// Of a role that many have, the one with a name is looked up, however many ask; and so are pages
/// of a group.
#[test]
fn members_are_never_too_many() {
    let server = Server::start();
    let client = server.client();
    let json = [("Content-Type", "application/json")];
    let made = |path: &str, body: serde_json::Value| {
        let body = body.to_string();
        let made = client.try_send("POST", path, &json, Some(body.as_bytes()));
        assert_eq!(made.unwrap().status, 201, "{path}");
    };
    let roles = "/openidm/managed/alpha_role";
    let role = json!({ "name": "auditor", "_id": "auditor" });
    made(&format!("{roles}?_action=create"), role);
    let members = format!("{roles}/auditor/members");
    let users: Vec<String> = (0..250).map(|at| client.user(&format!("u{at}"))).collect();
    for user in &users {
        let reference = format!("managed/alpha_user/{user}");
        made(&members, json!({ "_ref": reference }));
    }
    let group = json!({
        "schemas": [GROUP], "displayName": "staff",
        "members": users.iter().map(|it| json!({ "value": it })).collect::<Vec<_>>(),
    });
    let group = client.post("/Groups", &group).body()["id"].clone();
    let page = format!(
        "/openidm/managed/alpha_group/{}/members?_queryFilter=true&_pageSize=100",
        group.as_str().unwrap()
    );
    let until = Instant::now() + length();
    thread::scope(|scope| {
        for at in 0..CLIENTS {
            let (client, members, page) = (server.client(), &members, &page);
            scope.spawn(move || {
                let found = format!("{members}?_queryFilter=userName+eq+%22u{at}%22");
                while Instant::now() < until {
                    let answer = client.send("GET", &found, None);
                    assert_eq!(answer.status, 200, "{}", answer.text);
                    assert_eq!(answer.body()["resultCount"], 1, "{}", answer.text);
                    let answer = client.send("GET", page, None);
                    assert_eq!(answer.status, 200, "{}", answer.text);
                    assert_eq!(answer.body()["resultCount"], 100);
                }
            });
        }
    });
}

/// Whoever is deleted may have credentials, which are looked up.
#[test]
fn deletions_at_once_are_never_too_many() {
    let server = Server::start();
    let client = server.client();
    let owner = client.user("owner");
    let token = json!({
        "schemas": ["urn:ietf:params:scim:schemas:oracle:idcs:authToken"],
        "user": { "value": owner },
    });
    let json = [("Content-Type", "application/scim+json")];
    let body = token.to_string();
    let made = client.try_send("POST", "/admin/v1/AuthTokens", &json, Some(body.as_bytes()));
    assert_eq!(made.unwrap().status, 201);
    let users: Vec<String> = (0..320).map(|at| client.user(&format!("u{at}"))).collect();
    thread::scope(|scope| {
        for users in users.chunks(20) {
            let client = server.client();
            scope.spawn(move || {
                for user in users {
                    let path = format!("/scim/v2/Users/{user}");
                    assert_eq!(client.status("DELETE", &path), Some(204));
                }
            });
        }
    });
}
