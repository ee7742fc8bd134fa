//! A store that cannot write: the files of the running server may grow no more, as on a full
//! disk. Every write is refused whole, reads go on, and once there is room again so do writes.
//! Linux, where the limit of a process can be set from outside.

#![cfg(target_os = "linux")]

use std::{process::Command, thread};

use serde_json::{Value, json};

use crate::server::{BULK, Client, Server, USER, run};

/// Longer than no file of the server may become.
const LIMIT: &str = "65536";

fn limit(server: &Server, bytes: &str) {
    let limited = Command::new("prlimit")
        .args(["--pid", &server.pid().to_string()])
        .arg(format!("--fsize={bytes}:"))
        .status();
    assert!(limited.unwrap().success());
}

/// Names and versions of all users.
fn users(client: &Client) -> Vec<(String, String)> {
    let body = client.get("/Users?count=1000").body();
    let users = body["Resources"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut users: Vec<_> = users
        .iter()
        .map(|user| (text(&user["userName"]), text(&user["meta"]["version"])))
        .collect();
    users.sort();
    users
}

#[test]
fn what_cannot_be_written_is_refused_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_limitable(folder.path());
    let client = server.client();
    let first = client.user("first");
    let (group, member) = (client.group("staff"), client.user("member"));
    limit(&server, LIMIT);
    // The log has some room left, or none.
    let new = |name: &str| json!({ "schemas": [USER], "userName": name });
    let mut stored = 0;
    let refused = loop {
        let answer = client.post("/Users", &new(&format!("before{stored}")));
        if answer.status != 201 {
            break answer;
        }
        stored += 1;
        assert!(stored < 1_000, "the limit is met");
    };
    refused.refusal(503);
    assert_eq!(refused.header("retry-after"), "1");
    let before = users(&client);
    assert_eq!(before.len(), stored + 2);

    thread::scope(|scope| {
        for writer in 0..8 {
            let (client, first, group, member) = (server.client(), &first, &group, &member);
            scope.spawn(move || {
                for turn in 0..5 {
                    let name = format!("never{writer}-{turn}");
                    client.post("/Users", &new(&name)).refusal(503);
                    let title = json!([{ "op": "add", "path": "title", "value": name }]);
                    client
                        .patch(&format!("/Users/{first}"), &title)
                        .refusal(503);
                    let add =
                        json!([{ "op": "add", "path": "members", "value": [{ "value": member }] }]);
                    client.patch(&format!("/Groups/{group}"), &add).refusal(503);
                    let gone = client.send("DELETE", &format!("/scim/v2/Users/{member}"), None);
                    gone.refusal(503);
                }
            });
        }
    });
    let operation =
        json!({ "method": "POST", "path": "/Users", "bulkId": "1", "data": new("never") });
    let bulk = client.post(
        "/Bulk",
        &json!({ "schemas": [BULK], "Operations": [operation] }),
    );
    assert_eq!(bulk.status, 200, "{}", bulk.text);
    assert_eq!(bulk.body()["Operations"][0]["status"], "503");
    assert_eq!(
        users(&client),
        before,
        "nothing half-written, and reads go on"
    );
    assert!(client.members(&group).is_empty());

    limit(&server, "unlimited");
    assert_eq!(client.post("/Users", &new("after")).status, 201);
    let title = json!([{ "op": "add", "path": "title", "value": "Dr" }]);
    let patched = client.patch(&format!("/Users/{first}"), &title);
    assert_eq!(patched.status, 200, "{}", patched.text);
    let after = users(&client);
    assert_eq!(after.len(), before.len() + 1);

    assert_eq!(server.terminate(), Some(0));
    let verified = run(&["verify", "--data", server.data.to_str().unwrap()]);
    let complaint = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success(), "{complaint}");
    let server = Server::start_in(folder.path());
    assert_eq!(users(&server.client()), after);
}
