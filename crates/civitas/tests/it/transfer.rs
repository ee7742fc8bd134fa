//! Import and export of users.

use serde_json::{Value, json};

use crate::server::{Server, USER, run};

#[test]
fn what_is_imported_is_served_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let line = |n: u32| json!({ "schemas": [USER], "userName": format!("user{n}") }).to_string();
    let lines: Vec<String> = (0..300).map(line).collect();
    std::fs::write(
        path("users.jsonl"),
        lines.join("\n") + "\n{bad\n" + &line(5),
    )
    .unwrap();
    let csv = "userName,active,\"emails[type eq \"\"work\"\"].value\"\ncarla,false,c@x.example\n";
    std::fs::write(path("users.csv"), csv).unwrap();
    let data = path("data");

    let imported = run(&["import", &path("users.jsonl"), "--data", &data]);
    let complaints = String::from_utf8(imported.stderr).unwrap();
    assert_eq!(imported.status.code(), Some(1), "{complaints}");
    assert!(complaints.contains("line 301"), "{complaints}");
    assert!(complaints.contains("line 302"), "{complaints}");
    assert!(
        String::from_utf8(imported.stdout)
            .unwrap()
            .contains("300 resources created, 2 failed")
    );
    let imported = run(&["import", &path("users.csv"), "--data", &data]);
    assert!(
        imported.status.success(),
        "{}",
        String::from_utf8_lossy(&imported.stderr)
    );

    let server = Server::start_in(folder.path());
    let client = server.client();
    assert_eq!(client.get("/Users?count=0").body()["totalResults"], 301);
    let found = client
        .get("/Users?filter=userName%20eq%20%22CARLA%22")
        .body();
    assert_eq!(found["Resources"][0]["active"], false);
    assert_eq!(found["Resources"][0]["emails"][0]["type"], "work");

    let exported = run(&["export", "--data", &data]);
    let text = String::from_utf8(exported.stdout).unwrap();
    let mut names: Vec<String> = text
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["userName"]
                .as_str()
                .unwrap()
                .into()
        })
        .collect();
    assert_eq!(names.len(), 301);
    assert_eq!(names.pop().unwrap(), "carla");
    let mut imported: Vec<String> = (0..300).map(|n| format!("user{n}")).collect();
    names.sort();
    imported.sort();
    assert_eq!(names, imported);
}
