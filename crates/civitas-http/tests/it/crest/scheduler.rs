//! Jobs at `/openidm/scheduler`.

use serde_json::{Value, json};

use super::{admin, bare, error, put};
use crate::{
    faulty::Held,
    world::{Ask, World, ask},
};

const JOBS: &str = "/openidm/scheduler/job";

fn get(path: &str) -> Ask {
    bare("GET", path).without("Authorization").by("admin")
}

fn job() -> Value {
    json!({
        "enabled": false, "type": "cron", "schedule": "0 0/1 * * * ?", "invokeService": "script",
        "invokeContext": { "script": { "type": "text/javascript", "source": "1" } },
    })
}

#[tokio::test]
async fn jobs_are_kept_disabled() {
    let world = World::start().await;
    let path = format!("{JOBS}/nightly");
    let made = world.send(admin("PUT", &path, &job())).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.header("location").ends_with(&path), "{made:?}");
    let kept = made.json();
    let names: Vec<&String> = kept.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "_id",
            "enabled",
            "persisted",
            "recoverable",
            "misfirePolicy",
            "schedule",
            "repeatInterval",
            "repeatCount",
            "type",
            "invokeService",
            "invokeContext",
            "invokeLogLevel",
            "startTime",
            "endTime",
            "concurrentExecution",
            "triggers",
            "previousRunDate",
            "nextRunDate",
        ]
    );
    assert_eq!(kept["invokeService"], "org.forgerock.openidm.script");
    assert_eq!(
        (&kept["persisted"], &kept["triggers"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(world.send(get(&path)).await.json(), kept);
    // As it is shown it can be written.
    let again = world.send(admin("PUT", &path, &kept)).await;
    assert_eq!((again.status, again.json()), (200, kept));
    let second = world
        .send(admin("POST", &format!("{JOBS}?_action=create"), &job()))
        .await;
    assert_eq!(second.status, 201, "{second:?}");
    let query = format!("{JOBS}?_queryFilter=true&_fields=_id,enabled,nextRunDate");
    let all = world.send(get(&query)).await.json();
    assert_eq!(all["resultCount"], 2, "{all}");
    assert_eq!(
        all["result"][1],
        json!({ "_id": "nightly", "enabled": false, "nextRunDate": null })
    );
    let triggers = get("/openidm/scheduler/trigger?_queryFilter=(nodeId+pr)");
    assert_eq!(world.send(triggers).await.json()["resultCount"], 0);
    error(&world.send(get("/openidm/scheduler/trigger/x")).await, 404);
    for ask in [
        bare("GET", &path),
        put("PUT", &path, &job()),
        bare("GET", &query),
    ] {
        error(&world.send(ask).await, 403);
    }
    let deleted = world.send(admin("DELETE", &path, &json!({}))).await;
    assert_eq!(
        (deleted.status, &deleted.json()["_id"]),
        (200, &json!("nightly"))
    );
    for method in ["GET", "DELETE"] {
        let answer = world.send(admin(method, &path, &json!({}))).await;
        assert_eq!(error(&answer, 404), "Not Found");
    }
}

#[tokio::test]
async fn what_is_not_run_is_not_promised() {
    let world = World::start().await;
    let with = |name: &str, value: Value| {
        let mut job = job();
        job[name] = value;
        admin("POST", JOBS, &job)
    };
    for (ask, status, told) in [
        (
            with("enabled", json!(true)),
            501,
            "The service script is not here",
        ),
        (
            with("enabled", json!("yes")),
            400,
            "enabled must be a boolean",
        ),
        (
            with("schedule", json!("soon")),
            400,
            "schedule is no cron expression",
        ),
        (
            with("invokeService", json!("coffee")),
            400,
            "invokeService must be one of",
        ),
        (
            with("repeatCount", json!("two")),
            400,
            "repeatCount must be an integer",
        ),
        (
            with("startTime", json!("soon")),
            400,
            "startTime must be a date",
        ),
        (
            with("misfirePolicy", json!("cry")),
            400,
            "misfirePolicy must be one of",
        ),
    ] {
        let message = error(&world.send(ask).await, status);
        assert!(message.contains(told), "{message}");
    }
    let path = format!("{JOBS}/nightly");
    world.send(admin("PUT", &path, &job())).await;
    let act = |action: &str| admin("POST", &format!("{path}?_action={action}"), &json!({}));
    for action in ["pause", "resume"] {
        assert_eq!(
            world.send(act(action)).await.json(),
            json!({ "success": true })
        );
    }
    assert!(error(&world.send(act("trigger")).await, 400).contains("not enabled"));
    let first = act("pause").header("Accept-API-Version", "resource=1.0");
    assert_eq!(
        error(&world.send(first).await, 400),
        "Action pause is not supported."
    );
    let on_all =
        |action: &str, body: &Value| admin("POST", &format!("{JOBS}?_action={action}"), body);
    for action in ["pauseJobs", "resumeJobs"] {
        let answer = world.send(on_all(action, &json!({}))).await;
        assert_eq!(answer.json(), json!({ "success": true }));
    }
    for (expression, valid) in [("0 0/1 * * * ?", true), ("0 0/1 * * *", false)] {
        let body = json!({ "cronExpression": expression });
        let answer = world
            .send(on_all("validateQuartzCronExpression", &body))
            .await;
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({ "valid": valid }))
        );
    }
    let running = world
        .send(on_all("listCurrentlyExecutingJobs", &json!({})))
        .await;
    assert_eq!((running.status, running.json()), (200, json!([])));
}

#[tokio::test]
async fn jobs_of_the_directory_are_shown_and_ended() {
    let world = World::start().await;
    // The first change waits until it is let go.
    let change = |n: usize| {
        let data =
            json!({ "Operations": [{ "op": "add", "path": "title", "value": n.to_string() }] });
        json!({ "method": "PATCH", "path": "/Users/slow", "data": data })
    };
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [change(1), change(2)],
    });
    let submit = ask("POST", "/scim/v2/Bulk").by("admin").json(&bulk);
    let accepted = world.send(submit.header("Prefer", "respond-async")).await;
    let location = accepted.header("location");
    let id = location.rsplit('/').next().unwrap();
    let Held { begun, let_go } = &world.store.1;
    begun.notified().await;
    let running = admin(
        "POST",
        &format!("{JOBS}?_action=listCurrentlyExecutingJobs"),
        &json!({}),
    );
    let running = world.send(running).await.json();
    assert_eq!(
        (&running[0]["_id"], &running[0]["enabled"]),
        (&json!(id), &json!(true))
    );
    assert_eq!(running[0]["startTime"], "2026-01-02T03:04:05.678Z");
    let path = format!("{JOBS}/{id}");
    assert_eq!(world.send(get(&path)).await.json(), running[0]);
    let all = get(&format!("{JOBS}?_queryFilter=true"));
    assert_eq!(world.send(all).await.json()["resultCount"], 1);
    let ended = world.send(admin("DELETE", &path, &json!({}))).await;
    assert_eq!(ended.status, 200, "{ended:?}");
    let_go.notify_one();
    loop {
        let job = world.send(get(&path)).await.json();
        if job["enabled"] == false {
            assert!(job["endTime"].is_string(), "{job}");
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    error(&world.send(admin("DELETE", &path, &json!({}))).await, 501);
}
