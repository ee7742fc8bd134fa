//! Imports of comma-separated values as a client of identity domains asks for them: no row is
//! done twice and none is missing, however often the server is killed.

use std::{thread, time::Duration};

use civitas_store::cluster::Cluster;
use serde_json::{Value, json};

use crate::{
    crash::kills,
    nodes::until,
    server::{Client, Server},
};

/// Rows of the short form; `CIVITAS_ROWS` sets the number of a long run.
fn rows() -> usize {
    let rows = std::env::var("CIVITAS_ROWS").ok();
    rows.and_then(|it| it.parse().ok()).unwrap_or(3_000)
}

/// What a row of the file is to come to.
fn expected(n: usize) -> &'static str {
    match n % 1_000 {
        // A row without what a new user needs.
        7 => "400",
        // A row about the user of the row before.
        501 => "200",
        _ => "201",
    }
}

fn file(rows: usize) -> String {
    let line = |n: usize| match expected(n) {
        "400" => format!("row-{n},,,\n"),
        "200" => format!("row-{},Row,again,\n", n - 1),
        _ => format!("row-{n},Row,once,row-{n}@civitas.test\n"),
    };
    let heads = "User ID,Last Name,Title,Work Email\n".to_owned();
    std::iter::once(heads).chain((0..rows).map(line)).collect()
}

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

/// Leaves a file, and gives its name.
fn upload(client: &Client, text: &str) -> String {
    let form = format!(
        "--x\r\nContent-Disposition: form-data; name=\"fileName\"\r\n\r\nUsers.csv\r\n\
         --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"Users.csv\"\r\n\
         Content-Type: text/csv\r\n\r\n{text}\r\n--x--\r\n"
    );
    let headers = [("Content-Type", "multipart/form-data; boundary=x")];
    let path = "/storage/v1/Files";
    let kept = client.try_send("POST", path, &headers, Some(form.as_bytes()));
    let kept = kept.unwrap();
    assert_eq!(kept.status, 201, "{}", kept.text);
    kept.body()["fileName"].as_str().unwrap().to_owned()
}

/// Begins an import of users, and gives the path of its job.
fn begin(client: &Client, file: &str) -> String {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:oracle:idcs:JobSchedule"],
        "jobType": "UserImport",
        "runNow": true,
        "parameters": [
            { "name": "fileLocation", "value": file },
            { "name": "fileType", "value": "csv" },
        ],
    });
    let body = body.to_string();
    let begun = client.try_send("POST", "/job/v1/JobSchedules", &JSON, Some(body.as_bytes()));
    let begun = begun.unwrap();
    assert_eq!(begun.status, 201, "{}", begun.text);
    format!(
        "/job/v1/JobHistories/{}",
        begun.body()["id"].as_str().unwrap()
    )
}

/// What is reported of every row, in order.
fn reports(client: &Client, history: &str) -> Vec<Value> {
    let id = history.rsplit('/').next().unwrap();
    let mut reports = Vec::new();
    loop {
        let start = reports.len() + 1;
        let path = format!(
            "/job/v1/UserImportJobReports?filter=historyId%20eq%20%22{id}%22&count=1000&startIndex={start}"
        );
        let page = client.send("GET", &path, None).body();
        let rows = page["Resources"].as_array().unwrap();
        if rows.is_empty() {
            return reports;
        }
        reports.extend(rows.iter().cloned());
    }
}

/// That everything is as the file says, and the report tells it.
fn check(client: &Client, history: &str, rows: usize) {
    let ended = client.send("GET", history, None).body();
    assert_eq!(ended["status"], "succeeded", "{ended}");
    let of = |status: &str| (0..rows).filter(|n| expected(*n) == status).count();
    let (created, failed) = (of("201"), of("400"));
    assert_eq!(ended["successCount"], rows - failed, "{ended}");
    assert_eq!(ended["failureCount"], failed, "{ended}");
    let reports = reports(client, history);
    assert_eq!(reports.len(), rows);
    for (n, report) in reports.iter().enumerate() {
        assert_eq!(report["rowNumber"], n + 1, "each row is told once");
        assert_eq!(report["lineNumber"], n + 2);
        assert_eq!(report["status"], expected(n), "{report}");
        if n % 97 == 1 && expected(n) == "201" {
            let path = format!("/admin/v1/Users/{}", report["id"].as_str().unwrap());
            let user = client.send("GET", &path, None).body();
            assert_eq!(user["userName"], format!("row-{n}"));
            let title = if expected(n + 1) == "200" && n + 1 < rows {
                "again"
            } else {
                "once"
            };
            assert_eq!(user["title"], title, "{user}");
        }
    }
    let users = client.get("/Users?count=0").body();
    assert_eq!(users["totalResults"], created);
}

/// An import that was accepted is done, each row once, however often the server is killed in the
/// middle of it.
#[test]
fn a_csv_import_survives_kills() {
    let (rows, kills) = (rows(), kills());
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_in(folder.path());
    let client = server.client();
    let history = begin(&client, &upload(&client, &file(rows)));
    let mut amidst = 0;
    for round in 1..=kills {
        let client = server.client();
        let share = round * 100 / (kills + 1);
        loop {
            let job = client.send("GET", &history, None).body();
            let is_open = job["completed"] == false;
            if !is_open || job["percentage"].as_u64() >= Some(share as u64) {
                amidst += usize::from(is_open);
                break;
            }
            thread::sleep(Duration::from_millis(2));
        }
        server.kill();
        server = Server::start_in(folder.path());
    }
    assert!(amidst > 0, "some kill was in the middle");
    println!("{rows} rows, {kills} kills, {amidst} of them while rows were left");
    let client = server.client();
    ended(&client, &history);
    check(&client, &history, rows);
}

fn ended(client: &Client, history: &str) {
    let ended = (0..60_000).any(|_| {
        let job = client.send("GET", history, None).body();
        thread::sleep(Duration::from_millis(10));
        job["completed"] == true
    });
    assert!(ended, "the import ends");
}

/// An import goes on at another node when its own is killed.
#[test]
fn a_csv_import_of_a_killed_node_is_done_by_another_over_two_nodes() {
    const ROWS: usize = 3_000;
    let url = Cluster::shared().schema();
    let (mut begins, ends) = (Server::node(&url), Server::node(&url));
    let client = begins.client();
    let history = begin(&client, &upload(&client, &file(ROWS)));
    let other = ends.client();
    until("some rows are done", || {
        let job = other.send("GET", &history, None).body();
        job["completed"] == true || job["percentage"].as_u64() > Some(10)
    });
    begins.kill();
    ended(&other, &history);
    check(&other, &history, ROWS);
}
