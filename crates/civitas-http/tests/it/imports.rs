//! Imports over HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{Answer, HOST, USER, World, ask};

const IMPORTS: &str = "/civitas/v1/imports";
const LINES: &str = "application/x-ndjson";

impl World {
    async fn import(&self, query: &str, media: &str, body: impl Into<Vec<u8>>) -> Answer {
        let ask = ask("POST", &format!("{IMPORTS}{query}")).by("admin");
        self.send(ask.header("Content-Type", media).body(body))
            .await
    }

    async fn as_admin(&self, method: &str, path: &str) -> Answer {
        self.send(ask(method, path).by("admin")).await
    }

    /// The import once it has ended.
    async fn imported(&self, path: &str) -> Value {
        for _ in 0..4_000 {
            let job = self.as_admin("GET", path).await.json();
            if job.get("ended").is_some() {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{path} does not end");
    }

    async fn rows(&self, path: &str, query: &str) -> Value {
        let answer = self.as_admin("GET", &format!("{path}/rows{query}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }
}

fn path_of(accepted: &Answer) -> String {
    assert_eq!(accepted.status, 202, "{accepted:?}");
    assert_eq!(accepted.body.len(), 0);
    let location = accepted.header("location");
    assert!(location.ends_with(&accepted.header("set-txn")));
    let path = location.strip_prefix(&format!("http://{HOST}")).unwrap();
    path.to_owned()
}

#[tokio::test]
async fn json_lines_are_imported_row_by_row() {
    let world = World::start().await;
    let user = |name: &str| json!({ "schemas": [USER], "userName": name }).to_string();
    let lines = [
        user("a"),
        String::new(),
        "{bad".into(),
        user("A"),
        user("b"),
    ];
    let text = lines.join("\n");
    let path = path_of(&world.import("", LINES, text).await);
    let job = world.imported(&path).await;
    assert_eq!(
        (&job["kind"], &job["state"]),
        (&json!("import"), &json!("done"))
    );
    assert_eq!((&job["steps"], &job["begun"]), (&json!(4), &json!(4)));
    let rows = world.rows(&path, "").await;
    let shown = |row: &Value| (row["line"].clone(), row["status"].clone());
    let all = rows["rows"].as_array().unwrap();
    // Two rows of one name run side by side, so that either may be the first.
    let (line, status) = shown(&all[1]);
    assert_eq!((line, status), (json!(3), json!("400")));
    let mut same = [all[0]["status"].clone(), all[2]["status"].clone()];
    same.sort_by_key(ToString::to_string);
    assert_eq!(same, ["201", "409"]);
    let refused = all.iter().find(|row| row["status"] == "409").unwrap();
    assert_eq!(refused["response"]["scimType"], "uniqueness");
    assert_eq!(job["result"], json!({ "created": 2, "failed": 2 }));
    let location = all[3]["location"].as_str().unwrap();
    let user = location.strip_prefix(&format!("http://{HOST}")).unwrap();
    let user = world.send(ask("GET", user).by("reader")).await.json();
    assert_eq!(user["userName"], "b");

    let first = world.rows(&path, "?count=2").await;
    assert_eq!(
        (first["rows"].as_array().unwrap().len(), &first["next"]),
        (2, &json!(3))
    );
    let rest = world.rows(&path, "?after=3&count=2").await;
    assert_eq!(rest["rows"], json!(all[2..]));
    assert!(rest.get("next").is_none());
    let wrong = world.as_admin("GET", &format!("{path}/rows?count=x")).await;
    assert_eq!(wrong.status, 400);
    for (by, status) in [("writer", 404), ("reader", 403)] {
        let answer = world.send(ask("GET", &format!("{path}/rows")).by(by)).await;
        assert_eq!(answer.status, status, "{by}");
    }
}

#[tokio::test]
async fn tables_of_any_type_are_imported() {
    let world = World::start().await;
    let text = "displayName,externalId\nstaff,e1\n\"two\nlines\",e2\n,e3\n";
    let path = path_of(
        &world
            .import("?type=Group", "text/csv; charset=utf-8", text)
            .await,
    );
    let job = world.imported(&path).await;
    assert_eq!(job["result"], json!({ "created": 2, "failed": 1 }));
    let rows = world.rows(&path, "").await;
    let lines: Vec<&Value> = rows["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["line"])
        .collect();
    assert_eq!(lines, [&json!(2), &json!(3), &json!(5)]);
    let groups = world.send(ask("GET", "/scim/v2/Groups").by("reader")).await;
    assert_eq!(groups.json()["totalResults"], 2);
}

#[tokio::test]
async fn files_that_are_none_are_refused_and_leave_nothing() {
    let world = World::start().await;
    let long = format!("{{\"userName\":\"{}\"}}", "x".repeat(1 << 20));
    let table = "text/csv";
    for (query, media, body, status, why) in [
        ("", "application/json", "{}", 415, "ndjson"),
        ("", "", "{}", 415, "ndjson"),
        ("?type=Nosuch", LINES, "{}", 400, "Nosuch"),
        ("?tipe=User", LINES, "{}", 400, "tipe"),
        ("", table, "nosuch\na\n", 400, "nosuch"),
        ("", table, "title\na\n", 400, "userName"),
        ("", table, "", 400, "heads"),
        (
            "",
            table,
            "userName,password\na,correct horse\n",
            400,
            "password",
        ),
        (
            "",
            LINES,
            "{\"userName\":\"a\",\"password\":\"correct horse\"}",
            400,
            "password",
        ),
        (
            "",
            LINES,
            r#"{"userName":"a","pass\u0077ord":"correct horse"}"#,
            400,
            "password",
        ),
        ("", LINES, long.as_str(), 400, "longer"),
    ] {
        let answer = world.import(query, media, body).await;
        assert_eq!(answer.status, status, "{query} {media}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let detail = answer.json()["detail"].to_string();
        assert!(detail.contains(why), "{query} {media}: {detail}");
        assert!(!detail.contains("horse"), "{detail}");
    }
    for (by, status) in [("writer", 403), ("reader", 403)] {
        let ask = ask("POST", IMPORTS)
            .by(by)
            .header("Content-Type", LINES)
            .body("{}");
        assert_eq!(world.send(ask).await.status, status, "{by}");
    }
    let users = world.send(ask("GET", "/scim/v2/Users").by("reader")).await;
    assert_eq!(users.json()["totalResults"], 0);
    let empty = path_of(&world.import("", LINES, "\n\n").await);
    let job = world.imported(&empty).await;
    assert_eq!(
        (&job["steps"], &job["result"]["created"]),
        (&json!(0), &json!(0))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_is_cancelled_while_it_runs() {
    let world = World::start().await;
    let lines: Vec<String> = (0..3_000)
        .map(|n| json!({ "schemas": [USER], "userName": format!("user-{n}") }).to_string())
        .collect();
    let path = path_of(&world.import("", LINES, lines.join("\n")).await);
    let begun = |job: &Value| job["begun"].as_u64().unwrap();
    while begun(&world.as_admin("GET", &path).await.json()) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let cancelled = world.as_admin("DELETE", &path).await;
    assert_eq!(cancelled.status, 202);
    let job = world.imported(&path).await;
    assert_eq!(job["state"], "cancelled");
    let created = job["result"]["created"].as_u64().unwrap();
    assert!(created > 0 && created < 3_000, "{created}");
    let users = world
        .send(ask("GET", "/scim/v2/Users?count=0").by("reader"))
        .await;
    assert_eq!(
        users.json()["totalResults"],
        created,
        "each row that was done is told"
    );
    assert_eq!(world.as_admin("DELETE", &path).await.status, 204);
}
