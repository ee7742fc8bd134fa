//! Definitions in the real file: indexes that are built over users that exist, through kills,
//! and resource types of a tenant's own on the command line.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use crate::server::{BULK, Client, Server, USER, run};

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const INDEX: &str = "urn:civitas:scim:schemas:extension:index:1.0:Schema";
const DEVICE: &str = "urn:example:scim:schemas:2.0:Device";

/// Users of one bulk request, and how many share a title.
const BULK_USERS: usize = 1_000;
const TITLES: usize = 10;

/// Users of the short form; `CIVITAS_INDEX_USERS` sets the number of a long run.
fn users() -> usize {
    let asked = std::env::var("CIVITAS_INDEX_USERS").ok();
    let asked: Option<usize> = asked.and_then(|it| it.parse().ok());
    asked.unwrap_or(3_000).next_multiple_of(BULK_USERS)
}

fn load(client: &Client) {
    for first in (0..users()).step_by(BULK_USERS) {
        let operation = |number: usize| {
            let title = format!("title {}", number % TITLES);
            let user =
                json!({ "schemas": [USER], "userName": format!("u{number}"), "title": title });
            json!({ "method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": user })
        };
        let operations: Vec<Value> = (first..first + BULK_USERS).map(operation).collect();
        let answer = client.post(
            "/Bulk",
            &json!({ "schemas": [BULK], "Operations": operations }),
        );
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

fn count(client: &Client, filter: &str) -> usize {
    let filter = filter.replace(' ', "%20").replace('"', "%22");
    let answer = client.get(&format!("/Users?count=0&filter={filter}"));
    answer.body()["totalResults"].as_u64().unwrap() as usize
}

fn is_building(client: &Client) -> bool {
    let schema = client.get(&format!("/Schemas/{USER}")).body();
    assert_eq!(
        schema[INDEX]["indexed"],
        json!(["title"]),
        "the choice is kept"
    );
    schema[INDEX].get("building").is_some()
}

#[test]
fn an_index_is_built_through_kills() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_in(folder.path());
    load(&server.client());
    let choice = json!({ "schemas": [SCHEMA, INDEX], "id": USER, INDEX: { "indexed": ["title"] } });
    let chosen = server
        .client()
        .send("PUT", &format!("/scim/v2/Schemas/{USER}"), Some(&choice));
    assert_eq!(chosen.status, 200, "{}", chosen.text);
    for round in 0..4 {
        // Whatever has come of the index, the answers are right.
        assert_eq!(
            count(&server.client(), "title eq \"Title 3\""),
            users() / TITLES
        );
        thread::sleep(Duration::from_millis(round * 13));
        server.kill();
        let verified = run(&["verify", "--data", server.data.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&verified.stdout);
        assert!(verified.status.success(), "round {round}: {said}");
        server = Server::start_in(folder.path());
    }
    let client = server.client();
    while is_building(&client) {
        thread::sleep(Duration::from_millis(5));
    }
    for number in 0..TITLES {
        let filter = format!("title eq \"title {number}\"");
        assert_eq!(count(&client, &filter), users() / TITLES, "{filter}");
    }
    server.terminate();
    let verified = run(&["verify", "--data", server.data.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(
        verified.status.success() && !said.contains("built"),
        "{said}"
    );
}

#[test]
fn types_of_a_tenant_are_imported_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_in(folder.path());
    let client = server.client();
    let attributes = json!([{ "name": "serial", "required": true, "uniqueness": "server" }]);
    let schema = json!({ "schemas": [SCHEMA], "id": DEVICE, "attributes": attributes });
    assert_eq!(client.post("/Schemas", &schema).status, 201);
    let devices = json!({ "schemas": [RESOURCE_TYPE], "name": "Device", "endpoint": "/Devices",
        "schema": DEVICE });
    assert_eq!(client.post("/ResourceTypes", &devices).status, 201);
    server.terminate();

    let file = folder.path().join("devices.jsonl");
    let device = |serial: &str| json!({ "schemas": [DEVICE], "serial": serial }).to_string();
    std::fs::write(&file, [device("a"), device("b"), device("A")].join("\n")).unwrap();
    let data = server.data.to_str().unwrap();
    let imported = run(&[
        "import",
        file.to_str().unwrap(),
        "--type",
        "Device",
        "--data",
        data,
    ]);
    let said = String::from_utf8_lossy(&imported.stdout);
    assert!(said.contains("2 resources created, 1 failed"), "{said}");
    let exported = run(&["export", "--type", "Device", "--data", data]);
    assert_eq!(String::from_utf8_lossy(&exported.stdout).lines().count(), 2);
    let verified = run(&["verify", "--data", data]);
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stdout)
    );

    let server = Server::start_in(folder.path());
    assert_eq!(server.client().get("/Devices").body()["totalResults"], 2);
}
