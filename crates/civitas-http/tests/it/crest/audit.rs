//! What happened, as it is read at `/openidm/audit`.

use serde_json::{Value, json};

use super::{admin, bare, create, error, path_of, person, put};
use crate::world::{Ask, World};

const ACTIVITY: &str = "/openidm/audit/activity";

fn get(path: &str) -> Ask {
    bare("GET", path).without("Authorization").by("admin")
}

async fn rows(world: &World, path: &str) -> Vec<Value> {
    let answer = world.send(get(path)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["result"].as_array().cloned().unwrap()
}

#[tokio::test]
async fn changes_are_told_with_who_and_when() {
    let world = World::start().await;
    let user = create(&world, &person("amir")).await;
    let path = path_of(&user);
    let operations =
        json!([{ "operation": "add", "field": "/password", "value": "Blue-Kettle-42" }]);
    let change = put("PATCH", &path, &operations).header("X-ForgeRock-TransactionId", "t-1");
    assert_eq!(world.send(change).await.status, 200);
    assert_eq!(world.send(bare("DELETE", &path)).await.status, 200);
    let id = user["_id"].as_str().unwrap();
    let all = rows(&world, &format!("{ACTIVITY}?_queryFilter=true")).await;
    let told: Vec<_> = all
        .iter()
        .map(|it| it["operation"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["CREATE", "PATCH", "DELETE"]);
    for entry in &all {
        assert_eq!(entry["objectId"], format!("managed/alpha_user/{id}"));
        assert_eq!(entry["userId"], "writer");
        assert_eq!(entry["timestamp"], "2026-01-02T03:04:05.678Z");
        assert_eq!(entry["eventName"], "activity");
    }
    assert_eq!(all[1]["transactionId"], "t-1");
    assert_eq!(
        (&all[0]["passwordChanged"], &all[1]["passwordChanged"]),
        (&json!(false), &json!(true))
    );
    let by_id = format!("{ACTIVITY}/{}", all[1]["_id"].as_str().unwrap());
    let one = world
        .send(get(&format!("{by_id}?_fields=operation,transactionId")))
        .await;
    let expected = json!({
        "_id": all[1]["_id"], "transactionId": "t-1", "operation": "PATCH",
    });
    assert_eq!((one.status, one.json()), (200, expected));
    let filtered = format!("{ACTIVITY}?_queryFilter=transactionId+eq+%22t-1%22&_fields=operation");
    assert_eq!(rows(&world, &filtered).await.len(), 1);
    let newest = format!("{ACTIVITY}?_queryFilter=true&_sortKeys=-revision&_pageSize=1");
    assert_eq!(rows(&world, &newest).await[0]["operation"], "DELETE");
    // The log of one tenant is no other's, and administrators' alone.
    for caller in ["writer", "reader"] {
        let ask = get(ACTIVITY).without("Authorization").by(caller);
        error(
            &world
                .send(ask.retarget(ACTIVITY, &format!("{ACTIVITY}?_queryFilter=true")))
                .await,
            403,
        );
    }
    world.forget_events(1).await;
    assert_eq!(
        error(&world.send(get(&by_id)).await, 410),
        "The log no longer reaches back to this entry"
    );
    for none in ["0", "x", "999999"] {
        error(&world.send(get(&format!("{ACTIVITY}/{none}"))).await, 404);
    }
}

#[tokio::test]
async fn entries_come_in_pages() {
    let world = World::start().await;
    for number in 0..5 {
        create(&world, &person(&format!("user{number}"))).await;
    }
    let page = format!("{ACTIVITY}?_queryFilter=operation+eq+%22create%22&_pageSize=2");
    let (mut seen, mut cookie) = (Vec::new(), String::new());
    loop {
        let path = format!("{page}{cookie}");
        let answer = world.send(get(&path)).await.json();
        seen.extend(answer["result"].as_array().cloned().unwrap());
        assert!(answer["resultCount"].as_u64().unwrap() <= 2, "{answer}");
        match answer["pagedResultsCookie"].as_str() {
            Some(next) => cookie = format!("&_pagedResultsCookie={next}"),
            None => break,
        }
    }
    let mut ids: Vec<_> = seen.iter().map(|it| it["_id"].to_string()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 5, "{seen:?}");
    let counted =
        format!("{ACTIVITY}?_queryFilter=true&_totalPagedResultsPolicy=EXACT&_pageSize=1");
    let counted = world.send(get(&counted)).await.json();
    assert_eq!(
        (&counted["totalPagedResults"], &counted["resultCount"]),
        (&json!(5), &json!(1))
    );
    let stolen = format!("{ACTIVITY}?_queryFilter=true&_pageSize=2{cookie}");
    error(&world.send(get(&stolen)).await, 400);
}

#[tokio::test]
async fn topics_are_those_that_the_log_knows() {
    let world = World::start().await;
    let config = "/openidm/config/endpoint/x";
    world.send(admin("PUT", config, &json!({ "a": 1 }))).await;
    let told = rows(&world, "/openidm/audit/config?_queryFilter=true").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (&told[0]["objectId"], &told[0]["eventName"]),
        (&json!("config/endpoint/x"), &json!("CONFIG"))
    );
    assert_eq!(
        rows(&world, &format!("{ACTIVITY}?_queryFilter=true"))
            .await
            .len(),
        0
    );
    for topic in ["access", "recon", "sync"] {
        let query = get(&format!("/openidm/audit/{topic}?_queryFilter=true"));
        assert_eq!(
            error(&world.send(query).await, 501),
            "Query not supported on stdout"
        );
    }
    error(
        &world
            .send(get("/openidm/audit/none?_queryFilter=true"))
            .await,
        404,
    );
    error(&world.send(get(ACTIVITY)).await, 400);
    let own = admin("POST", ACTIVITY, &json!({ "message": "mine" }));
    error(&world.send(own).await, 501);
}
