//! Several nodes over one PostgreSQL: what one does, the others know; one that dies, or a
//! database that fails over, loses nothing that was acknowledged.

use std::{
    collections::HashSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use civitas_store::cluster::Cluster;
use serde_json::{Value, json};

use crate::{
    crash::{Book, check, found, kills, pairs, write_until},
    feed,
    server::{Client, GROUP, Server, USER},
};

const CLIENTS: usize = 64;

/// How long to wait for what takes a bounded time; far more than that.
const PATIENCE: Duration = Duration::from_mins(1);

fn two() -> [Server; 2] {
    let url = Cluster::shared().schema();
    [Server::node(&url), Server::node(&url)]
}

/// Waits until it is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn parallel_adds_through_two_nodes_all_take_effect() {
    let nodes = two();
    let group = nodes[0].client().group("staff");
    let client = nodes[1].client();
    let users: Vec<String> = (0..CLIENTS)
        .map(|n| client.user(&format!("u{n}")))
        .collect();
    thread::scope(|scope| {
        for (n, user) in users.iter().enumerate() {
            let (client, group) = (nodes[n % 2].client().patient(), &group);
            scope.spawn(move || {
                let add = json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]);
                let answer = client.patch(&format!("/Groups/{group}"), &add);
                assert!(matches!(answer.status, 200 | 204), "{}", answer.text);
            });
        }
    });
    let users: HashSet<String> = users.into_iter().collect();
    for node in &nodes {
        let members: HashSet<String> = node.client().members(&group).into_iter().collect();
        assert_eq!(members, users);
    }
}

#[test]
fn of_parallel_writes_with_one_version_through_two_nodes_one_succeeds() {
    let nodes = two();
    let created = nodes[0].client();
    let created = created.post("/Users", &json!({ "schemas": [USER], "userName": "first" }));
    let body = created.body();
    let tag = body["meta"]["version"].as_str().unwrap();
    let path = format!("/scim/v2/Users/{}", body["id"].as_str().unwrap());
    let statuses: Vec<u16> = thread::scope(|scope| {
        let writers = (0..CLIENTS).map(|n| {
            let (client, path) = (nodes[n % 2].client().patient(), &path);
            let body = json!({ "schemas": [USER], "userName": format!("next{n}") });
            let put = move || client.send_with("PUT", path, &[("If-Match", tag)], Some(&body));
            scope.spawn(move || put().status)
        });
        let writers: Vec<_> = writers.collect();
        let statuses = writers.into_iter().map(|writer| writer.join().unwrap());
        statuses.collect()
    });
    let count = |status| statuses.iter().filter(|it| **it == status).count();
    assert_eq!((count(200), count(412)), (1, CLIENTS - 1), "{statuses:?}");
}

#[test]
fn what_one_node_changes_the_other_shows() {
    let [here, there] = two();
    let (here, there) = (here.client(), there.client());
    for n in 0..20 {
        let id = here.user(&format!("u{n}"));
        let change = json!([{ "op": "replace", "path": "title", "value": "new" }]);
        let changed = there.patch(&format!("/Users/{id}"), &change).body();
        let seen = here.get(&format!("/Users/{id}")).body();
        assert_eq!(seen["meta"]["version"], changed["meta"]["version"]);
        assert_eq!(there.get("/Users?count=0").body()["totalResults"], n + 1);
    }
    let id = here.user("settings");
    let set = json!({ "require_preconditions": true });
    let json = [("Content-Type", "application/json")];
    let body = set.to_string();
    let set = here.try_send(
        "PATCH",
        "/civitas/v1/settings",
        &json,
        Some(body.as_bytes()),
    );
    assert_eq!(set.unwrap().status, 200);
    let change = json!([{ "op": "replace", "path": "title", "value": "new" }]);
    until("the other node follows", || {
        there.patch(&format!("/Users/{id}"), &change).status == 428
    });
}

/// Writers through both nodes, of which one is killed again and again: nothing that was
/// acknowledged is lost, and the other one serves all the time.
#[test]
fn a_node_that_is_killed_loses_nothing() {
    let url = Cluster::shared().schema();
    let steady = Server::node(&url);
    let group = steady.client().group("staff");
    let book = Mutex::new(Book::default());
    for round in 0..kills() {
        let mut other = Server::node(&url);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for writer in 0..8 {
                let node = if writer % 2 == 0 { &steady } else { &other };
                let (client, book, stop, group) = (node.client(), &book, &stop, &group);
                scope.spawn(move || write_until(stop, &client, book, group, round, writer));
            }
            thread::sleep(Duration::from_millis(100 + (round as u64 * 37) % 180));
            other.kill();
            thread::sleep(Duration::from_millis(50));
            stop.store(true, Relaxed);
        });
        check(&steady.client(), &book.lock().unwrap(), &group);
    }
    assert!(
        book.lock().unwrap().titles.len() > 8,
        "the load wrote something"
    );
}

/// A job goes on at another node when its own is killed.
#[test]
fn a_job_of_a_killed_node_is_done_by_another() {
    for _ in 0..kills().div_ceil(5) {
        a_job_goes_on();
    }
}

fn a_job_goes_on() {
    const PAIRS: usize = 300;
    let [mut begins, ends] = two();
    let json = [
        ("Content-Type", "application/scim+json"),
        ("Prefer", "respond-async"),
    ];
    let body = pairs("later", PAIRS).to_string();
    let accepted = begins
        .client()
        .try_send("POST", "/scim/v2/Bulk", &json, Some(body.as_bytes()))
        .unwrap();
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    thread::sleep(Duration::from_millis(50));
    begins.kill();
    let path = format!("/civitas/v1/jobs/{}", accepted.header("set-txn"));
    let client = ends.client();
    let job = || client.send("GET", &path, None).body();
    until("the job is done", || job()["state"] == "done");
    let job = job();
    let results = job["result"]["Operations"].as_array().unwrap();
    assert_eq!(results.len(), PAIRS * 2);
    let created = |result: &Value| result["status"] == "201";
    assert!(results.iter().all(created), "{job}");
    assert_eq!(found(&client, "later"), (PAIRS, PAIRS));
}

/// Tokens that a node has pushed.
fn pushed(node: &Server) -> usize {
    let metrics = node.client().send("GET", "/metrics", None).text;
    let name = "civitas_event_tokens_total{outcome=\"pushed\"} ";
    let count = metrics.lines().find_map(|line| line.strip_prefix(name));
    count.map_or(0, |it| it.trim().parse().unwrap())
}

/// A stream is pushed by one node, and by the other one when that is killed. What both write is
/// told, each change once as long as no node dies.
#[test]
fn a_stream_of_a_killed_node_is_pushed_by_the_other() {
    let mut nodes = Vec::from(two());
    let folder = tempfile::tempdir().unwrap();
    let (port, delivery) = feed::to_push();
    let receiver = feed::Receiver::start(folder.path(), format!("push {port}"));
    let (group, book) = (nodes[0].client().group("staff"), feed::Book::default());
    let stream = feed::create_stream(&nodes[0].client(), &delivery);
    for n in 0..20 {
        let client = nodes[n % 2].client();
        feed::write(&client, &book, &group, &format!("before-{n}")).unwrap();
    }
    let shown = feed::caught_up(&nodes[0].client(), &stream);
    let events = shown["last"].as_u64().unwrap() as usize - 1;
    assert_eq!(receiver.count(), events, "none came twice");
    // With the verification.
    let mut counts: Vec<usize> = nodes.iter().map(pushed).collect();
    counts.sort_unstable();
    assert_eq!(counts, [0, events + 1], "one node pushes all");

    nodes.sort_by_key(pushed);
    let mut pushes = nodes.pop().unwrap();
    let other = nodes.pop().unwrap();
    thread::scope(|scope| {
        let (client, book, group) = (other.client(), &book, &group);
        scope.spawn(move || {
            for n in 0..100 {
                feed::write(&client, book, group, &format!("after-{n}")).unwrap();
            }
        });
        thread::sleep(Duration::from_millis(100));
        pushes.kill();
    });
    let shown = feed::caught_up(&other.client(), &stream);
    assert!(pushed(&other) > 0, "the other goes on");
    feed::check(&receiver, &book.lock().unwrap(), &shown);
}

/// A job is followed and ended through any node, not only the one that has it in work.
#[test]
fn a_job_is_cancelled_through_another_node() {
    const PAIRS: usize = 400;
    let [works, other] = two();
    let json = [
        ("Content-Type", "application/scim+json"),
        ("Prefer", "respond-async"),
    ];
    let body = pairs("never", PAIRS).to_string();
    let accepted = works
        .client()
        .try_send("POST", "/scim/v2/Bulk", &json, Some(body.as_bytes()))
        .unwrap();
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    let path = format!("/civitas/v1/jobs/{}", accepted.header("set-txn"));
    let client = other.client();
    let job = || client.send("GET", &path, None).body();
    until("the job goes on", || {
        let job = job();
        job["state"] != "open" || job["begun"].as_u64() > Some(0)
    });
    client.send("DELETE", &path, None);
    until("the job ends", || job()["ended"].is_string());
    let job = job();
    let results = job["result"]["Operations"].as_array().unwrap();
    // It may have been done before the node that has it heard.
    let whole = results.iter().all(|it| it["status"] == "201");
    let (users, groups) = found(&works.client(), "never");
    assert!(job["state"] == "cancelled" || whole, "{job}");
    assert!(groups <= users, "{groups} groups, {users} users");
}

/// One acknowledged user after the other, until it is to stop. Refusals are the documented one.
fn create_until(stop: &AtomicBool, client: &Client, told: &Mutex<Vec<String>>, name: &str) {
    let json = [("Content-Type", "application/scim+json")];
    for n in 0.. {
        if stop.load(Relaxed) {
            return;
        }
        let user = json!({ "schemas": [USER], "userName": format!("{name}-{n}") });
        let answer = client
            .try_send(
                "POST",
                "/scim/v2/Users",
                &json,
                Some(user.to_string().as_bytes()),
            )
            .unwrap();
        if answer.status == 201 {
            let id = answer.body()["id"].as_str().unwrap().to_owned();
            told.lock().unwrap().push(id);
        } else {
            assert_eq!(answer.status, 503, "{}", answer.text);
            assert!(!answer.header("retry-after").is_empty());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Failovers of the short form; `CIVITAS_FAILOVERS` sets the number of a long run.
fn failovers() -> usize {
    let set = std::env::var("CIVITAS_FAILOVERS").ok();
    set.and_then(|it| it.parse().ok()).unwrap_or(2)
}

/// The database's primary is killed under load and its synchronous standby promoted: nodes go
/// on by themselves, and every acknowledged write is there.
#[test]
fn a_failover_loses_nothing() {
    let mut primary = Cluster::start();
    let mut standby = primary.standby(None);
    let url = Cluster::url_of(&[&primary, &standby], "public");
    let nodes = [Server::node(&url), Server::node(&url)];
    nodes[0].client().group("before");
    let told = Mutex::new(Vec::new());
    for round in 0..failovers() {
        let (stop, begun) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|scope| {
            for writer in 0..4 {
                let (client, stop, told) = (nodes[writer % 2].client(), &stop, &told);
                begun.fetch_add(1, Relaxed);
                let name = format!("{round}-{writer}");
                scope.spawn(move || create_until(stop, &client, told, &name));
            }
            thread::sleep(Duration::from_millis(300));
            primary.kill();
            thread::sleep(Duration::from_millis(200));
            standby.promote();
            let before = told.lock().unwrap().len();
            until("writes go on", || told.lock().unwrap().len() > before + 20);
            stop.store(true, Relaxed);
        });
        let told = told.lock().unwrap();
        for (n, id) in told.iter().enumerate() {
            let found = nodes[n % 2].client().get(&format!("/Users/{id}"));
            assert_eq!(
                found.status, 200,
                "an acknowledged user is gone: {}",
                found.text
            );
        }
        // The old one becomes the standby of the new one, where it was.
        let folder = primary.folder().to_owned();
        drop(primary);
        primary = standby;
        standby = primary.standby(Some(folder));
    }
    assert!(told.lock().unwrap().len() > 20);
    let body = nodes[1].client().get("/Groups").body();
    assert_eq!(body["Resources"][0]["schemas"][0], GROUP);
}
