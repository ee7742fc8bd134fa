//! Requests that are answered before they are done (RFC 7240 §4.1).

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    faulty::Held,
    world::{Answer, HOST, NOW, USER, World, ask},
};

const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

fn job(names: &[&str]) -> Value {
    let operations: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let data = json!({ "schemas": [USER], "userName": name });
            json!({ "method": "POST", "path": "/Users", "bulkId": index.to_string(), "data": data })
        })
        .collect();
    json!({ "schemas": [BULK], "Operations": operations })
}

impl World {
    async fn submit_later(&self, body: &Value) -> Answer {
        let bulk = ask("POST", "/scim/v2/Bulk").by("writer").json(body);
        self.send(bulk.header("Prefer", "respond-async")).await
    }

    async fn job(&self, path: &str) -> Value {
        let answer = self.send(ask("GET", path).by("writer")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// The job once it has ended.
    async fn ended(&self, path: &str) -> Value {
        for _ in 0..1_000 {
            let job = self.job(path).await;
            if job["state"] != "open" {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{path} does not end");
    }
}

fn path_of(accepted: &Answer) -> String {
    assert_eq!(
        (accepted.status, accepted.body.len()),
        (202, 0),
        "{accepted:?}"
    );
    let location = accepted.header("location");
    let path = location.strip_prefix(&format!("http://{HOST}")).unwrap();
    path.to_owned()
}

#[tokio::test]
async fn a_bulk_job_is_done_after_its_answer() {
    let world = World::start().await;
    let accepted = world.submit_later(&job(&["a", "A", "b"])).await;
    let path = path_of(&accepted);
    assert_eq!(accepted.header("preference-applied"), "respond-async");
    assert!(path.ends_with(&accepted.header("set-txn")), "{path}");
    let ended = world.ended(&path).await;
    assert_eq!(
        (&ended["state"], &ended["steps"]),
        (&json!("done"), &json!(3))
    );
    assert_eq!(ended["kind"], "scim.bulk");
    let results = ended["result"]["Operations"].as_array().unwrap();
    let statuses: Vec<&Value> = results.iter().map(|it| &it["status"]).collect();
    assert_eq!(statuses, ["201", "409", "201"]);
    let location = results[2]["location"].as_str().unwrap();
    let user = world.send(ask("GET", &location[location.find("/scim").unwrap()..]).by("reader"));
    let user = user.await.json();
    assert_eq!(
        (&user["userName"], &user["meta"]["version"]),
        (&json!("b"), &results[2]["version"])
    );
    let over = world.send(ask("DELETE", &path).by("writer")).await;
    assert_eq!(over.status, 204, "a job that has ended cannot be cancelled");
}

#[tokio::test]
async fn a_job_is_known_to_whoever_began_it() {
    let world = World::start().await;
    let path = path_of(&world.submit_later(&job(&["a"])).await);
    world.ended(&path).await;
    for (client, status) in [("admin", 404), ("reader", 403), ("writer", 200)] {
        let answer = world.send(ask("GET", &path).by(client)).await;
        assert_eq!(answer.status, status, "{client}");
    }
    let answer = world.send(ask("GET", &path)).await;
    assert_eq!(
        (answer.status, answer.header("content-type").as_str()),
        (401, "application/problem+json")
    );
    for (method, status) in [("POST", 405), ("DELETE", 404)] {
        let answer = world.send(ask(method, "/civitas/v1/jobs/nosuch").by("writer"));
        assert_eq!(answer.await.status, status, "{method}");
    }
}

#[tokio::test]
async fn what_cannot_wait_is_answered_at_once() {
    let world = World::start().await;
    let mut with_password = job(&["a"]);
    with_password["Operations"][0]["data"]["password"] = json!("correct horse");
    let answer = world.submit_later(&with_password).await;
    assert_eq!(
        answer.status, 200,
        "a password is not kept to be hashed later"
    );
    let spelled = with_password.to_string();
    let spelled = spelled.replace("password", r"p\u0061ssword");
    let bulk = ask("POST", "/scim/v2/Bulk").by("writer");
    let bulk = bulk.header("Content-Type", "application/scim+json");
    let bulk = bulk.header("Prefer", "respond-async");
    let answer = world.send(bulk.body(spelled)).await;
    assert_eq!(answer.status, 200, "however it is spelled");
    let malformed = json!({ "schemas": [BULK] });
    let answer = world.submit_later(&malformed).await;
    assert_eq!(answer.scim_error(400), "invalidSyntax");
}

#[tokio::test]
async fn a_job_is_kept_by_the_clock_of_its_tenant_and_goes_with_a_reset() {
    let world = World::staged().await;
    let path = path_of(&world.submit_later(&job(&["a"])).await);
    let ended = world.ended(&path).await;
    let now = world.set("GET", "clock", Value::Null).await["now"].clone();
    assert_eq!(ended["ended"], now);
    let kept = 86_400_000;
    world
        .set("PUT", "clock", json!({ "advance_ms": kept }))
        .await;
    world.job(&path).await;
    world.set("PUT", "clock", json!({ "advance_ms": 1 })).await;
    let answer = world.send(ask("GET", &path).by("writer")).await;
    assert_eq!(answer.status, 410, "its time is over: {answer:?}");

    let path = path_of(&world.submit_later(&job(&["b"])).await);
    world.ended(&path).await;
    world.set("PUT", "snapshots/done", Value::Null).await;
    world.set("POST", "reset", Value::Null).await;
    let answer = world.send(ask("GET", &path).by("writer")).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    world
        .set("POST", "reset", json!({ "snapshot": "done" }))
        .await;
    world.job(&path).await;
}

#[tokio::test]
async fn a_bulk_job_is_cancelled_while_it_runs() {
    let world = World::start().await;
    // One patch comes after the other, and the first waits until it is let go.
    let mut slow = job(&[]);
    let operations = slow["Operations"].as_array_mut().unwrap();
    for n in 0..5 {
        let patch =
            json!({ "Operations": [{ "op": "add", "path": "title", "value": n.to_string() }] });
        operations.push(json!({ "method": "PATCH", "path": "/Users/slow", "data": patch }));
    }
    let path = path_of(&world.submit_later(&slow).await);
    let Held { begun, let_go } = &world.store.1;
    begun.notified().await;
    let cancelled = world.send(ask("DELETE", &path).by("writer")).await;
    assert_eq!(cancelled.status, 202);
    assert_eq!(world.job(&path).await["state"], "cancelling");
    let_go.notify_one();
    let ended = loop {
        let job = world.job(&path).await;
        if job.get("ended").is_some() {
            break job;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(ended["state"], "cancelled");
    let results = ended["result"]["Operations"].as_array().unwrap();
    let statuses: Vec<&Value> = results.iter().map(|it| &it["status"]).collect();
    assert_eq!(statuses, ["404", "503", "503", "503", "503"]);
    let again = world.send(ask("DELETE", &path).by("writer")).await;
    assert_eq!(again.status, 204);
}

#[tokio::test]
async fn a_job_is_gone_before_it_is_forgotten() {
    let world = World::staged().await;
    let path = path_of(&world.submit_later(&job(&["a"])).await);
    world.ended(&path).await;
    let day = 86_400_000;
    for (after, status) in [
        (0, 200),
        (day, 200),
        (day + 1, 410),
        (2 * day, 410),
        (2 * day + 1, 404),
    ] {
        let instant = civitas_directory::Timestamp(NOW.0 + after).to_string();
        let clock = ask("PUT", "/civitas/v1/clock").by("admin");
        let clock = clock.header("Content-Type", "application/json");
        let set = world
            .send(clock.body(json!({ "now": instant }).to_string()))
            .await;
        assert_eq!(set.status, 200, "{set:?}");
        for method in ["GET", "DELETE"] {
            let answer = world.send(ask(method, &path).by("writer")).await;
            let expected = if (method, status) == ("DELETE", 200) {
                204
            } else {
                status
            };
            assert_eq!(answer.status, expected, "{method} after {after} ms");
        }
        let rows = world.send(ask("GET", &format!("{path}/rows")).by("writer"));
        assert_eq!(rows.await.status, status, "rows after {after} ms");
        // Whatever is forgotten meanwhile makes no difference.
        path_of(&world.submit_later(&job(&[&format!("n{after}")])).await);
    }
    let others = world.send(ask("GET", &path).by("admin")).await;
    assert_eq!(others.status, 404);
}
