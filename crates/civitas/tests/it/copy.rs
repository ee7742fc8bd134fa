//! A store moved to another with `civitas copy`, killed on its way.

use std::{path::Path, process::Output, thread, time::Instant};

use civitas_store::cluster::Cluster;
use serde_json::{Value, json};

use crate::{
    crash::kills,
    realms::{create, done, names},
    server::{Answer, Server, USER, civitas, run},
};

const USERS: usize = 300;
const DELTA: &str = "urn:civitas:params:scim:api:messages:1.0:DeltaRequest";

/// What clients see of a directory, whichever store it is in.
struct Seen {
    users: Vec<String>,
    group: String,
    bearer: String,
    cursor: String,
    delta: String,
}

fn ok(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body()
}

fn fill(server: &Server) -> Seen {
    let client = server.client();
    let user = |n: usize| {
        let body = json!({
            "schemas": [USER], "userName": format!("user{n}"), "password": "correct horse 7",
            "emails": [{ "value": format!("user{n}@example.com"), "primary": true }],
        });
        let created = client.post("/Users", &body);
        assert_eq!(created.status, 201, "{}", created.text);
        created.body()["id"].as_str().unwrap().to_owned()
    };
    // Each password costs a hash.
    let mut users: Vec<String> = (0..3).map(user).collect();
    users.extend((3..USERS).map(|n| client.user(&format!("user{n}"))));
    let group = client.group("staff");
    let members: Vec<Value> = users.iter().map(|id| json!({ "value": id })).collect();
    let add = json!([{ "op": "add", "path": "members", "value": members }]);
    client.patch(&format!("/Groups/{group}"), &add);
    client.send(
        "DELETE",
        &format!("/scim/v2/Users/{}", users.pop().unwrap()),
        None,
    );
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let grant = b"grant_type=client_credentials".as_slice();
    let token = client.try_send("POST", "/oauth2/v1/token", &form, Some(grant));
    let token = ok(&token.unwrap());
    let page = ok(&client.get("/Users?cursor&count=10"));
    let delta = ok(&client.get("/.deltaToken"));
    client.send(
        "DELETE",
        &format!("/scim/v2/Users/{}", users.remove(9)),
        None,
    );
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Seen {
        bearer: format!("Bearer {}", text(&token["access_token"])),
        cursor: text(&page["nextCursor"]),
        delta: text(&delta["value"]),
        users,
        group,
    }
}

impl Seen {
    /// What is answered now, as text.
    fn through(&self, server: &Server) -> Vec<String> {
        let client = server.client();
        let bearer = client.with_authorization(&self.bearer);
        let mut answers: Vec<String> = Vec::new();
        for id in &self.users {
            let answer = client.get(&format!("/Users/{id}"));
            answers.push(format!("{} {}", answer.header("etag"), answer.text));
        }
        let path = format!("/Groups/{}", self.group);
        let delta = json!({ "schemas": [DELTA], "deltaToken": self.delta });
        let lists = [
            client.get(&format!("/Users?count=10&cursor={}", self.cursor)),
            client.get("/Users?filter=emails.value%20eq%20%22USER1@example.com%22"),
            client.get("/Users?sortBy=userName&count=20"),
            client.post("/.delta", &delta),
        ];
        for list in lists {
            let found = ok(&list)["Resources"].clone();
            assert_ne!(found, json!([]), "{}", list.text);
            answers.push(found.to_string());
        }
        answers.push(ok(&bearer.get(&path)).to_string());
        // Answers name the server that gave them.
        let address = server.address.to_string();
        let answers = answers.iter().map(|it| it.replace(&address, "server"));
        answers.collect()
    }
}

fn same(now: &[String], before: &[String]) {
    assert_eq!(now.len(), before.len());
    for (now, before) in now.iter().zip(before) {
        assert_eq!(now, before);
    }
}

fn copy(from: &str, to: &str) -> Output {
    run(&["copy", "--from", from, "--to", to])
}

/// The hash that a copy says the stores have.
fn hash(done: &Output) -> String {
    let said = String::from_utf8_lossy(&done.stdout);
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{complaint}");
    let line = said.lines().find(|line| line.starts_with("sha256 "));
    line.unwrap().to_owned()
}

/// Copies into new places, each killed at another moment and then gone on with; gives the last.
fn through_kills(from: &str, mut place: impl FnMut() -> String) -> (String, String) {
    let whole = Instant::now();
    let expected = hash(&copy(from, &place()));
    let whole = whole.elapsed();
    let rounds = kills() as u32;
    let (mut last, mut killed) = (String::new(), 0);
    for round in 0..rounds {
        last = place();
        let mut running = civitas()
            .args(["copy", "--from", from, "--to", &last])
            .spawn()
            .unwrap();
        thread::sleep(whole * (round + 1) / (rounds + 1));
        killed += u32::from(running.try_wait().unwrap().is_none());
        running.kill().unwrap();
        running.wait().unwrap();
        // One that was complete by then is refused, since the place is no longer empty.
        let again = copy(from, &last);
        if again.status.success() {
            assert_eq!(hash(&again), expected, "round {round}");
        }
    }
    assert!(killed > 0, "none of {rounds} was killed on its way");
    (last, expected)
}

#[test]
fn a_store_moves_to_postgres_and_back_through_kills() {
    let root = tempfile::tempdir().unwrap();
    let mut server = Server::start_in(root.path());
    let seen = fill(&server);
    let before = seen.through(&server);
    let data = format!("sqlite:{}", root.path().join("data").display());

    let refused = copy(&data, &Cluster::shared().schema());
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(why.contains("in use by process"), "{why}");
    assert_eq!(server.terminate(), Some(0));

    let (there, out) = through_kills(&data, || Cluster::shared().schema());
    let node = Server::node(&there);
    same(&seen.through(&node), &before);
    drop(node);
    let added = run(&["client", "create", "another", "--store", &there]);
    assert!(added.status.success());

    let mut number = 0;
    let place = || {
        number += 1;
        format!(
            "sqlite:{}",
            root.path().join(format!("back{number}/data")).display()
        )
    };
    let (back, changed) = through_kills(&there, place);
    assert_ne!(changed, out, "a client was added");
    let folder = Path::new(back.strip_prefix("sqlite:").unwrap());
    let verified = run(&["verify", "--data", folder.to_str().unwrap()]);
    assert!(verified.status.success());
    let server = Server::start_in(folder.parent().unwrap());
    same(&seen.through(&server), &before);
}

#[test]
fn a_copy_tells_what_it_was_given_wrong() {
    let root = tempfile::tempdir().unwrap();
    let same = format!("sqlite:{}", root.path().display());
    for (from, to, says) in [
        ("mysql:x", "sqlite:y", "--from"),
        ("sqlite:x", "postgres://ann:secret@h:port/d", "--to"),
        (&same, &same, "the same store"),
    ] {
        let done = copy(from, to);
        let why = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{why}");
        assert!(why.contains(says), "{why}");
        assert!(!why.contains("secret"), "{why}");
    }
}

#[test]
fn realms_are_exported_and_copied() {
    let database = Cluster::shared().schema();
    let mut server = Server::start();
    let client = server.client();
    for (realm, name) in [("alpha", "amir"), ("bravo", "amir"), ("bravo", "zoe")] {
        create(&client, realm, name);
    }
    let data = server.data.to_str().unwrap().to_owned();
    assert_eq!(server.terminate(), Some(0));
    let exported = |tenant: &str| {
        let text = done(&run(&["export", "--data", &data, "--tenant", tenant]));
        let user = |line: &str| -> String {
            let user: Value = serde_json::from_str(line).unwrap();
            user["userName"].as_str().unwrap().into()
        };
        text.lines().map(user).collect::<Vec<_>>()
    };
    assert_eq!(exported("default"), ["amir"]);
    assert_eq!(exported("default/bravo"), ["amir", "zoe"]);
    let unknown = run(&["export", "--data", &data, "--tenant", "default/charlie"]);
    let why = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(why.contains("there is no default/charlie"), "{why}");
    let list = [
        "client",
        "list",
        "--tenant",
        "default/bravo",
        "--data",
        &data,
    ];
    let why = String::from_utf8_lossy(&run(&list).stderr).into_owned();
    assert!(why.contains("there is no tenant default/bravo"), "{why}");
    let embedded = format!("sqlite:{data}");
    done(&run(&["copy", "--from", &embedded, "--to", &database]));
    done(&run(&["verify", "--store", &database]));
    let node = Server::node(&database);
    let client = node.client();
    assert_eq!(names(&client, "alpha"), ["amir"]);
    assert_eq!(names(&client, "bravo"), ["amir", "zoe"]);
    create(&client, "bravo", "late");
    assert_eq!(names(&client, "bravo"), ["amir", "zoe", "late"]);
    assert_eq!(names(&client, "alpha"), ["amir"]);
}
