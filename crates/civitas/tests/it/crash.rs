//! Nothing that was acknowledged is lost when the server is killed.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::server::{BULK, Client, GROUP, PATCH, Server, USER, run};

const WRITERS: usize = 8;

/// Kills of the short form; `CIVITAS_KILLS` sets the number of a long run.
pub(crate) fn kills() -> usize {
    std::env::var("CIVITAS_KILLS")
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or(5)
}

/// What was acknowledged, and what was asked and may or may not have happened.
#[derive(Default)]
pub(crate) struct Book {
    /// Title by user id, as last acknowledged.
    pub(crate) titles: HashMap<String, String>,
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

pub(crate) fn write_until(
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

pub(crate) fn check(client: &Client, book: &Book, group: &str) {
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

/// What a bulk job in doubt may have left: all, none or some of its creates, each whole.
#[test]
fn a_kill_in_a_bulk_job_leaves_whole_operations() {
    const PAIRS: usize = 50;
    let folder = tempfile::tempdir().unwrap();
    for round in 0..kills() {
        let mut server = Server::start_in(folder.path());
        let client = server.client();
        let answers = thread::scope(|scope| {
            let (first, answered) = mpsc::channel();
            let client = &client;
            let jobs = scope.spawn(move || {
                let send = |n: usize| {
                    let results = bulk(client, &pairs(&format!("{round}-{n}"), PAIRS));
                    // Only the first is waited for.
                    let _ = first.send(());
                    results
                };
                (0..).map_while(send).collect::<Vec<_>>()
            });
            answered.recv().unwrap();
            thread::sleep(Duration::from_millis((round as u64 * 53) % 150));
            server.kill();
            jobs.join().unwrap()
        });
        let verified = run(&["verify", "--data", server.data.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&verified.stdout);
        assert!(verified.status.success(), "round {round}: {said}");
        let server = Server::start_in(folder.path());
        let client = server.client();
        for (n, results) in answers.iter().enumerate() {
            for result in results {
                assert_eq!(result["status"], "201", "{result}");
            }
            let (users, groups) = found(&client, &format!("{round}-{n}"));
            assert_eq!((users, groups), (PAIRS, PAIRS), "an acknowledged job");
        }
        assert!(!answers.is_empty(), "the load wrote something");
        // Of the job that was cut off, a group is there only with the user it refers to.
        let (users, groups) = found(&client, &format!("{round}-{}", answers.len()));
        assert!(groups <= users, "{groups} groups, {users} users");
    }
}

/// A job of users and groups, each group with one of the users.
pub(crate) fn pairs(name: &str, count: usize) -> Value {
    let operations = (0..count).flat_map(|n| {
        let group = json!({
            "schemas": [GROUP],
            "displayName": format!("{name}-{n}"),
            "members": [{ "value": format!("bulkId:u{n}") }],
        });
        let user = json!({ "schemas": [USER], "userName": format!("{name}-{n}"), "displayName": name });
        let post = |id: String, path: &str, data: Value| {
            json!({ "method": "POST", "bulkId": id, "path": path, "data": data })
        };
        [post(format!("g{n}"), "/Groups", group), post(format!("u{n}"), "/Users", user)]
    });
    let operations: Vec<Value> = operations.collect();
    json!({ "schemas": [BULK], "Operations": operations })
}

/// The results of a job; `None` when the connection broke.
fn bulk(client: &Client, job: &Value) -> Option<Vec<Value>> {
    let json = [("Content-Type", "application/scim+json")];
    let body = job.to_string();
    let answer = client.try_send("POST", "/scim/v2/Bulk", &json, Some(body.as_bytes()))?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body()["Operations"].as_array().cloned()
}

/// How many users and groups of a job there are, every group with its one member.
pub(crate) fn found(client: &Client, name: &str) -> (usize, usize) {
    let list = |path: &str, filter: String| {
        let filter = filter.replace(' ', "%20").replace('"', "%22");
        let answer = client.get(&format!("{path}?count=1000&filter={filter}"));
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body()["Resources"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    };
    let users = list("/Users", format!("displayName eq \"{name}\""));
    let groups = list("/Groups", format!("displayName sw \"{name}-\""));
    for group in &groups {
        assert_eq!(
            group["members"].as_array().map(Vec::len),
            Some(1),
            "{group}"
        );
    }
    (users.len(), groups.len())
}

/// A job that was accepted is done, whole and once, however often the server is killed.
#[test]
fn an_accepted_job_survives_kills() {
    const PAIRS: usize = 200;
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_in(folder.path());
    let json = [
        ("Content-Type", "application/scim+json"),
        ("Prefer", "respond-async"),
    ];
    let body = pairs("later", PAIRS).to_string();
    let client = server.client();
    let accepted = client.try_send("POST", "/scim/v2/Bulk", &json, Some(body.as_bytes()));
    let accepted = accepted.unwrap();
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    let path = format!("/civitas/v1/jobs/{}", accepted.header("set-txn"));
    for round in 0..kills() {
        thread::sleep(Duration::from_millis((round as u64 * 37) % 120));
        server.kill();
        server = Server::start_in(folder.path());
    }
    let client = server.client();
    let ended = (0..2_000).find_map(|_| {
        let job = client.send("GET", &path, None).body();
        thread::sleep(Duration::from_millis(5));
        (job["state"] == "done").then_some(job)
    });
    let ended = ended.unwrap();
    let results = ended["result"]["Operations"].as_array().unwrap();
    assert_eq!(results.len(), PAIRS * 2);
    for result in results {
        assert_eq!(result["status"], "201", "{result}");
        let location = result["location"].as_str().unwrap();
        let path = &location[location.find("/scim/v2").unwrap() + "/scim/v2".len()..];
        let found = client.get(path).body();
        assert_eq!(found["meta"]["version"], result["version"], "{found}");
    }
    assert_eq!(found(&client, "later"), (PAIRS, PAIRS));
}

/// So does one of identity domains: each operation is done once, and told so.
#[test]
fn a_detached_bulk_request_survives_kills() {
    const USERS: usize = 1_000;
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_in(folder.path());
    let operation = |n: usize| {
        let data = match n % 100 {
            7 => json!({ "schemas": [USER] }),
            _ => json!({
                "schemas": [USER],
                "userName": format!("row-{n}"),
                "name": { "familyName": "Row" },
                "emails": [{ "value": "row@civitas.test", "type": "work", "primary": true }],
            }),
        };
        json!({ "method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": data })
    };
    let operations: Vec<Value> = (0..USERS).map(operation).collect();
    let request = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
    let body = json!({ "schemas": [request], "Operations": operations }).to_string();
    let json = [("Content-Type", "application/json")];
    let path = "/admin/v1/Bulk?__detached=true";
    let client = server.client();
    let accepted = client.try_send("POST", path, &json, Some(body.as_bytes()));
    let accepted = accepted.unwrap();
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    let id = accepted.body()["id"].as_str().unwrap().to_owned();
    let path = format!("/job/v1/JobHistories/{id}");
    for round in 0..kills() {
        thread::sleep(Duration::from_millis((round as u64 * 37) % 150));
        server.kill();
        server = Server::start_in(folder.path());
    }
    let client = server.client();
    let ended = (0..6_000).find_map(|_| {
        let job = client.send("GET", &path, None).body();
        thread::sleep(Duration::from_millis(10));
        (job["completed"] == true).then_some(job)
    });
    let ended = ended.unwrap();
    assert_eq!(ended["status"], "succeeded", "{ended}");
    let (good, bad) = (&ended["successCount"], &ended["failureCount"]);
    assert_eq!((good, bad), (&json!(USERS - 10), &json!(10)));
    let told = ended["result"]["response"]["Operations"]
        .as_array()
        .unwrap();
    assert_eq!(told.len(), USERS);
    for (n, operation) in told.iter().enumerate() {
        assert_eq!(operation["bulkId"], n.to_string());
        let status = if n % 100 == 7 { "400" } else { "201" };
        assert_eq!(operation["status"], status, "{operation}");
        if n % 97 == 1 {
            let location = operation["location"].as_str().unwrap();
            let path = &location[location.find("/admin/v1").unwrap()..];
            let user = client.send("GET", path, None).body();
            assert_eq!(user["userName"], format!("row-{n}"));
        }
    }
    let users = client.get("/Users?count=0").body();
    assert_eq!(users["totalResults"], USERS - 10);
}

/// An import that was accepted is done, each row once, however often the server is killed.
#[test]
fn an_accepted_import_survives_kills() {
    const ROWS: usize = 3_000;
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_in(folder.path());
    let lines = (0..ROWS).map(|n| match n % 1_000 {
        7 => "{bad\n".into(),
        _ => {
            json!({ "schemas": [USER], "userName": format!("row-{n}"), "displayName": "row" })
                .to_string()
                + "\n"
        }
    });
    let text: String = lines.collect();
    let path = import(&server.client(), &text);
    for round in 0..kills() {
        thread::sleep(Duration::from_millis((round as u64 * 37) % 150));
        server.kill();
        server = Server::start_in(folder.path());
    }
    let client = server.client();
    let ended = ended(&client, &path);
    assert_eq!(ended["state"], "done");
    assert_eq!(ended["result"], json!({ "created": ROWS - 3, "failed": 3 }));
    let (mut rows, mut after) = (Vec::new(), 0);
    loop {
        let page = format!("{path}/rows?count=1000&after={after}");
        let page = client.send("GET", &page, None).body();
        rows.extend(page["rows"].as_array().unwrap().iter().cloned());
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => break,
        }
    }
    let lines: Vec<u64> = rows.iter().map(|it| it["line"].as_u64().unwrap()).collect();
    assert!(
        lines.iter().copied().eq(1..=ROWS as u64),
        "each row is told once"
    );
    let users = client.get("/Users?count=0").body();
    assert_eq!(users["totalResults"], ROWS - 3);
    for row in rows.iter().step_by(97).filter(|it| it["status"] == "201") {
        let location = row["location"].as_str().unwrap();
        let at = location.find("/scim/v2").unwrap() + "/scim/v2".len();
        let user = client.get(&location[at..]).body();
        let line = row["line"].as_u64().unwrap();
        assert_eq!(user["userName"], format!("row-{}", line - 1));
    }
}

/// That an import is to end outlives a kill.
#[test]
fn a_cancelled_import_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_in(folder.path());
    let lines = (0..20_000)
        .map(|n| json!({ "schemas": [USER], "userName": format!("row-{n}") }).to_string() + "\n");
    let text: String = lines.collect();
    let client = server.client();
    let path = import(&client, &text);
    let cancelled = client.send("DELETE", &path, None);
    assert_eq!(cancelled.status, 202, "{}", cancelled.text);
    server.kill();
    server = Server::start_in(folder.path());
    let client = server.client();
    let ended = ended(&client, &path);
    assert_eq!(ended["state"], "cancelled");
    let users = client.get("/Users?count=0").body();
    assert!(users["totalResults"].as_u64().unwrap() < 20_000);
    assert_eq!(users["totalResults"], ended["result"]["created"]);
}

/// Starts an import, and gives the path of its job.
fn import(client: &Client, text: &str) -> String {
    let lines = [("Content-Type", "application/x-ndjson")];
    let path = "/civitas/v1/imports?type=User";
    let accepted = client.try_send("POST", path, &lines, Some(text.as_bytes()));
    let accepted = accepted.unwrap();
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    format!("/civitas/v1/jobs/{}", accepted.header("set-txn"))
}

/// A job once it has ended.
fn ended(client: &Client, path: &str) -> Value {
    let ended = (0..6_000).find_map(|_| {
        let job = client.send("GET", path, None).body();
        thread::sleep(Duration::from_millis(10));
        job.get("ended").is_some().then_some(job)
    });
    ended.unwrap()
}
