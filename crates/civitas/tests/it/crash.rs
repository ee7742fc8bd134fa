//! Nothing that was acknowledged is lost when the server is killed.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::server::{Client, PATCH, Server, USER, run};

const WRITERS: usize = 8;

/// Kills of the short form; `CIVITAS_KILLS` sets the number of a long run.
fn kills() -> usize {
    std::env::var("CIVITAS_KILLS")
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or(5)
}

/// What was acknowledged, and what was asked and may or may not have happened.
#[derive(Default)]
struct Book {
    /// Title by user id, as last acknowledged.
    titles: HashMap<String, String>,
    /// Titles that were asked for without an answer.
    doubtful: HashMap<String, Vec<String>>,
    /// Users whose membership was acknowledged.
    members: Vec<String>,
}

#[test]
fn every_acknowledged_write_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let book = Mutex::new(Book::default());
    let group = Server::start_in(folder.path()).client().group("staff");
    for round in 0..kills() {
        let mut server = Server::start_in(folder.path());
        check(&server.client(), &book.lock().unwrap(), &group);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (client, book, stop, group) = (server.client(), &book, &stop, &group);
                scope.spawn(move || write_until(stop, &client, book, group, round, writer));
            }
            thread::sleep(Duration::from_millis(20 + (round as u64 * 37) % 180));
            server.kill();
            stop.store(true, Ordering::Relaxed);
        });
        let verified = run(&["verify", "--data", server.data.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&verified.stdout);
        assert!(verified.status.success(), "round {round}: {said}");
    }
    let server = Server::start_in(folder.path());
    let book = book.lock().unwrap();
    check(&server.client(), &book, &group);
    assert!(book.titles.len() > WRITERS, "the load wrote something");
}

fn write_until(
    stop: &AtomicBool,
    client: &Client,
    book: &Mutex<Book>,
    group: &str,
    round: usize,
    writer: usize,
) {
    for n in 0.. {
        if stop.load(Ordering::Relaxed)
            || !write(client, book, group, &format!("{round}-{writer}-{n}"))
        {
            return;
        }
    }
}

/// Creates a user, adds it to the group, changes its title. Gives whether all was answered.
fn write(client: &Client, book: &Mutex<Book>, group: &str, name: &str) -> bool {
    let json = [("Content-Type", "application/scim+json")];
    let send = |method: &str, path: &str, body: Value| {
        client.try_send(method, path, &json, Some(body.to_string().as_bytes()))
    };
    let user = json!({ "schemas": [USER], "userName": name, "title": "new" });
    let Some(created) = send("POST", "/scim/v2/Users", user) else {
        return false;
    };
    assert_eq!(created.status, 201, "{}", created.text);
    let id = created.body()["id"].as_str().unwrap().to_owned();
    book.lock().unwrap().titles.insert(id.clone(), "new".into());

    let add = json!({ "op": "add", "path": "members", "value": [{ "value": id }] });
    let add = json!({ "schemas": [PATCH], "Operations": [add] });
    let Some(added) = send("PATCH", &format!("/scim/v2/Groups/{group}"), add) else {
        return false;
    };
    assert!(matches!(added.status, 200 | 204), "{}", added.text);
    book.lock().unwrap().members.push(id.clone());

    let title = format!("title of {name}");
    book.lock()
        .unwrap()
        .doubtful
        .entry(id.clone())
        .or_default()
        .push(title.clone());
    let replace = json!({ "op": "replace", "path": "title", "value": title });
    let replace = json!({ "schemas": [PATCH], "Operations": [replace] });
    let Some(changed) = send("PATCH", &format!("/scim/v2/Users/{id}"), replace) else {
        return false;
    };
    assert_eq!(changed.status, 200, "{}", changed.text);
    let mut book = book.lock().unwrap();
    book.doubtful.remove(&id);
    book.titles.insert(id, title);
    true
}

fn check(client: &Client, book: &Book, group: &str) {
    for (id, title) in &book.titles {
        let answer = client.get(&format!("/Users/{id}?attributes=title"));
        assert_eq!(
            answer.status, 200,
            "an acknowledged user is gone: {}",
            answer.text
        );
        let found = answer.body()["title"].as_str().unwrap().to_owned();
        let doubtful = book
            .doubtful
            .get(id)
            .is_some_and(|titles| titles.contains(&found));
        assert!(
            found == *title || doubtful,
            "{id}: {found:?} is neither {title:?} nor asked for"
        );
    }
    let members = client.members(group);
    for member in &book.members {
        assert!(members.contains(member), "an acknowledged member is gone");
    }
}
