//! Realms of a tenant: kept apart, and snapshot, exported and copied with it.

use std::process::Output;

use serde_json::json;

use crate::server::{Client, Server, run};

pub(crate) fn create(client: &Client, realm: &str, name: &str) {
    let user = json!({
        "userName": name, "givenName": "Amir", "sn": "Okoye", "mail": format!("{name}@example.org"),
    });
    let path = format!("/openidm/managed/{realm}_user?_action=create");
    let body = user.to_string();
    let json = [("Content-Type", "application/json")];
    let made = client.try_send("POST", &path, &json, Some(body.as_bytes()));
    let made = made.unwrap();
    assert_eq!(made.status, 201, "{}", made.text);
}

pub(crate) fn names(client: &Client, realm: &str) -> Vec<String> {
    let path = format!("/openidm/managed/{realm}_user?_queryFilter=true&_fields=userName");
    let found = client.send("GET", &path, None).body();
    let rows = found["result"].as_array().unwrap().iter();
    rows.map(|it| it["userName"].as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn done(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_tenant_is_taken_back_with_its_realms() {
    let server = Server::start();
    let data = server.data.to_str().unwrap();
    let client = server.client();
    assert_eq!(names(&client, "bravo"), [""; 0]);
    create(&client, "alpha", "amir");
    done(&run(&["snapshot", "take", "before", "--data", data]));
    create(&client, "bravo", "amir");
    create(&client, "bravo", "zoe");
    done(&run(&["snapshot", "take", "after", "--data", data]));
    create(&client, "alpha", "late");
    create(&client, "bravo", "late");
    done(&run(&["reset", "after", "--data", data]));
    assert_eq!(names(&client, "alpha"), ["amir"]);
    assert_eq!(names(&client, "bravo"), ["amir", "zoe"]);
    done(&run(&["reset", "before", "--data", data]));
    assert_eq!(names(&client, "alpha"), ["amir"]);
    assert_eq!(names(&client, "bravo"), [""; 0]);
    done(&run(&["snapshot", "drop", "after", "--data", data]));
}
