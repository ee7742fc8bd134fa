//! The stage from the command line: answers on order, clock, snapshots, resets and the ledger
//! of a running server.

use std::process::Output;

use serde_json::{Value, json};

use crate::server::{Client, Server, USER, run};

impl Server {
    /// Runs a command that finds this server by its data folder.
    fn command(&self, arguments: &[&str]) -> Output {
        let data = self.data.to_str().unwrap();
        run(&[arguments, &["--data", data]].concat())
    }

    /// The lines that a command prints, each as JSON.
    fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.command(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

#[test]
fn answers_are_ordered_listed_and_ended() {
    let server = Server::start();
    let client = server.client();
    let path = "/scim/v2/Users";
    let order = [
        "rehearse",
        "503; retry-after=7",
        "--method",
        "POST",
        "--path",
        path,
        "--to",
        "1",
        "--body",
        "/userName=\"ann\"",
    ];
    assert_eq!(server.lines(&order).len(), 1);
    let ann = json!({ "schemas": [USER], "userName": "ann" });
    let refused = client.post("/Users", &ann);
    refused.refusal(503);
    assert_eq!(refused.header("retry-after"), "7");
    assert_eq!(client.post("/Users", &ann).status, 201);
    let rules = server.lines(&["rehearse", "--list"]);
    assert_eq!(rules[0]["matched"], 2);
    assert!(server.lines(&["rehearse", "--clear"]).is_empty());
    let wrong = server.command(&["rehearse", "418"]);
    assert_eq!(wrong.status.code(), Some(1));
    let why = String::from_utf8(wrong.stderr).unwrap();
    assert!(why.contains("documents no refusal 418"), "{why}");
}

#[test]
fn the_clock_is_set_frozen_and_moved() {
    let server = Server::start();
    let set = [
        "clock",
        "--now",
        "2030-01-01T00:00:00Z",
        "--freeze",
        "--seed",
        "42",
    ];
    let clock = server.lines(&set).remove(0);
    assert_eq!(
        clock,
        json!({ "now": "2030-01-01T00:00:00.000Z", "frozen": true, "seed": 42 })
    );
    let moved = server.lines(&["clock", "--advance", "1d 90m"]).remove(0);
    assert_eq!(moved["now"], "2030-01-02T01:30:00.000Z");
    let back = server.lines(&["clock", "--advance", "-90m"]).remove(0);
    assert_eq!(back["now"], "2030-01-02T00:00:00.000Z");
    assert_eq!(server.lines(&["clock"]), [back]);
    let system = server.lines(&["clock", "--system", "--no-seed"]).remove(0);
    assert_eq!(
        (&system["frozen"], &system["seed"]),
        (&json!(false), &Value::Null)
    );
    for wrong in [
        &["clock", "--now", "soon"][..],
        &["clock", "--advance", "soon"],
        &["clock", "--freeze", "--run"],
    ] {
        assert_ne!(server.command(wrong).status.code(), Some(0), "{wrong:?}");
    }
}

#[test]
fn states_are_kept_and_taken_back_to() {
    let server = Server::start();
    let client = server.client();
    let total = || client.get("/Users?count=0").body()["totalResults"].clone();
    client.user("kept");
    let taken = server.lines(&["snapshot", "take", "start"]);
    assert_eq!(taken[0]["name"], "start");
    client.user("more");
    server.lines(&["reset", "start"]);
    assert_eq!(total(), 1);
    assert_eq!(server.lines(&["snapshot", "list"]), taken);
    server.lines(&["reset"]);
    assert_eq!(total(), 0);
    assert!(server.lines(&["snapshot", "drop", "start"]).is_empty());
    let gone = server.command(&["reset", "start"]);
    assert_eq!(gone.status.code(), Some(1));
    let why = String::from_utf8(gone.stderr).unwrap();
    assert!(why.contains("snapshot start"), "{why}");
}

#[test]
fn the_ledger_is_printed_counted_and_cleared() {
    let server = Server::start();
    let client = server.client();
    server.lines(&["ledger", "--clear"]);
    client.user("ann");
    client.get("/Users?filter=userName%20eq%20%22ann%22");
    let posts = server.lines(&["ledger", "--method", "POST", "--status", "201"]);
    assert_eq!(posts.len(), 1);
    let number = posts[0]["number"].to_string();
    let after = [
        "ledger",
        "--path",
        "/scim/v2/Users",
        "--after",
        &number,
        "--count",
    ];
    assert_eq!(server.lines(&after), [json!(1)]);
    let har = server.lines(&["ledger", "--har", "--path", "/scim/v2/Users"]);
    assert_eq!(har[0]["log"]["entries"].as_array().unwrap().len(), 2);
    let expected = ["ledger", "--path", "/scim/v2/Users", "--expect"];
    server.lines(&[&expected[..], &["2"]].concat());
    let other = server.command(&[&expected[..], &["3"]].concat());
    assert_eq!(other.status.code(), Some(1), "another number");
    server.lines(&["ledger", "--clear"]);
    let gone = ["ledger", "--path", "/scim/v2/Users", "--count"];
    assert_eq!(server.lines(&gone), [json!(0)]);
}

#[test]
fn a_server_is_found_wherever_else_it_told_of_itself() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("told.json");
    let mut server = Server::start_telling(folder.path(), &told);
    let elsewhere: Value = serde_json::from_slice(&std::fs::read(&told).unwrap()).unwrap();
    let base = format!("http://{}", server.address);
    assert_eq!(elsewhere["base_url"], base);
    assert_eq!(server.lines(&["clock"])[0]["frozen"], false);
    assert_eq!(server.terminate(), Some(0));
    assert!(!told.exists() && !server.data.join("ready.json").exists());
    let output = server.command(&["clock"]);
    let why = String::from_utf8(output.stderr).unwrap();
    assert!(why.contains("no server in development mode"), "{why}");
}

#[test]
fn a_tenant_is_named_by_its_host() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    for name in ["default", "acme"] {
        let host = format!("{name}.example.com");
        let output = run(&["tenant", "create", name, "--host", &host, "--data", data]);
        assert!(output.status.success());
    }
    let server = Server::start_in(folder.path());
    let host = |name: &'static str| ["clock", "--host", name];
    server.lines(&[&host("default.example.com")[..], &["--freeze"]].concat());
    assert_eq!(
        server.lines(&host("default.example.com"))[0]["frozen"],
        true
    );
    let denied = server.command(&host("acme.example.com"));
    assert_eq!(
        denied.status.code(),
        Some(1),
        "the client is another tenant's"
    );
}

#[test]
fn in_production_a_ledger_is_configured_and_keeps_no_bodies() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("civitas.toml");
    let data = folder.path().join("data");
    let command = [
        "client",
        "create",
        "admin",
        "--role",
        "administer",
        "--data",
    ];
    let created = run(&[&command[..], &[data.to_str().unwrap()]].concat());
    let said = String::from_utf8(created.stdout).unwrap();
    let secret = said
        .lines()
        .find_map(|line| line.strip_prefix("secret (shown once): "));
    let credentials = format!("admin:{}", secret.unwrap());
    let ledger = "/civitas/v1/ledger?path=/scim/v2/Users";

    std::fs::write(&file, "").unwrap();
    let server = Server::start_configured(&file, data.clone());
    let client = Client::new(server.address, &credentials);
    client.user("before");
    assert_eq!(client.status("GET", ledger), Some(404));
    drop(server);

    std::fs::write(&file, "[server]\nledger_requests = 3\n").unwrap();
    let server = Server::start_configured(&file, data);
    let client = Client::new(server.address, &credentials);
    for at in 0..5 {
        let user = json!({ "schemas": [USER], "userName": format!("ann{at}"), "password": "correct horse" });
        assert_eq!(client.post("/Users", &user).status, 201);
    }
    let kept = client.send("GET", ledger, None);
    let text = kept.text.clone();
    for hidden in ["correct horse", "ann4", "userName", secret.unwrap()] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
    let kept = kept.body();
    assert_eq!(kept.as_array().unwrap().len(), 3, "{text}");
    assert_eq!(kept[2]["status"], 201, "{text}");
    let asked = client.send_with(
        "GET",
        "/scim/v2/Users",
        &[("Civitas-Rehearse", "503")],
        None,
    );
    assert_eq!(asked.status, 200, "answers are not ordered in production");
    assert_eq!(client.status("GET", "/civitas/v1/clock"), Some(404));
}
