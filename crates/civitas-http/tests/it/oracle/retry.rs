//! Requests that are sent again under one token.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::{GROUPS, USERS, path_of, person, sent};
use crate::{
    faulty::Trouble,
    world::{Answer, Ask, World, ask},
};

const TOKEN: &str = "QZ0000000000000000000000000001";

fn retried(method: &str, path: &str, body: &Value) -> Ask {
    sent(method, path, body).header("opc-retry-token", TOKEN)
}

fn told(answer: &Answer) -> Value {
    let extension = "urn:ietf:params:scim:api:oracle:idcs:extension:messages:Error";
    answer.json()[extension]["messageId"].clone()
}

async fn count(world: &World, collection: &str) -> Value {
    let list = format!("{collection}?attributes=id");
    world.send(ask("GET", &list).by("reader")).await.json()["totalResults"].clone()
}

#[tokio::test]
async fn of_many_at_once_one_is_carried_out() {
    let world = World::start().await;
    let body = person("mara");
    let all = (0..32).map(|_| world.send(retried("POST", USERS, &body)));
    let mut created = Vec::new();
    for answer in join_all(all).await {
        if answer.status == 201 {
            created.push(answer.json());
        } else {
            assert_eq!(answer.status, 409, "{answer:?}");
            let id = "error.common.exception.invalidRetryToken";
            assert_eq!(told(&answer), id);
        }
    }
    assert_eq!(count(&world, USERS).await, 1);
    let again = world.send(retried("POST", USERS, &body)).await;
    assert_eq!(again.status, 201);
    created.push(again.json());
    let first = created[0].clone();
    assert!(created.iter().all(|it| *it == first), "{created:?}");
    let location = first["meta"]["location"].as_str().unwrap();
    assert_eq!(again.header("location"), location);
    assert_eq!(again.header("etag"), first["meta"]["version"]);
}

#[tokio::test]
async fn a_token_stands_for_one_request_of_one_caller() {
    let world = World::start().await;
    let body = person("mara");
    let user = world.send(retried("POST", USERS, &body)).await.json();
    let other = world.send(retried("POST", USERS, &person("other"))).await;
    assert_eq!(other.status, 409, "{other:?}");
    assert_eq!(told(&other), "error.common.exception.invalidRetryToken");
    assert_eq!(count(&world, USERS).await, 1);
    // Another operation, another caller and another way to ask are other requests.
    let mut changed = body.clone();
    changed["title"] = json!("Keeper");
    let put = world
        .send(retried("PUT", &path_of(USERS, &user), &changed))
        .await;
    assert_eq!(put.status, 200, "{put:?}");
    for ask in [
        retried("POST", USERS, &body)
            .without("Authorization")
            .by("admin"),
        retried("POST", &format!("{USERS}?attributes=userName"), &body),
    ] {
        let answer = world.send(ask).await;
        assert_eq!(told(&answer), "error.common.exception.duplicateResource");
    }
    // What changed meanwhile changes nothing of the first answer.
    let again = world.send(retried("POST", USERS, &body)).await;
    assert_eq!((again.status, again.json()), (201, user));
}

#[tokio::test]
async fn a_refusal_is_kept_and_a_failure_is_not() {
    let world = World::start().await;
    let group = json!({
        "schemas": [crate::world::GROUP], "displayName": "Staff",
    });
    *world.store.trouble() = Some(Trouble::Away);
    let failed = world.send(retried("POST", GROUPS, &group)).await;
    assert!(failed.status >= 500, "{failed:?}");
    *world.store.trouble() = Some(Trouble::Defect);
    let failed = world.send(retried("POST", GROUPS, &group)).await;
    assert_eq!(failed.status, 500, "{failed:?}");
    *world.store.trouble() = None;
    let created = world.send(retried("POST", GROUPS, &group)).await;
    assert_eq!(created.status, 201, "{created:?}");
    let taken = |it: Ask| it.header("opc-retry-token", "another");
    let refused = world.send(taken(sent("POST", GROUPS, &group))).await;
    assert_eq!(refused.status, 409, "{refused:?}");
    let path = path_of(GROUPS, &created.json());
    let deleted = world.send(ask("DELETE", &path).by("writer")).await;
    assert_eq!(deleted.status, 204);
    let again = world.send(taken(sent("POST", GROUPS, &group))).await;
    assert_eq!((again.status, again.json()), (409, refused.json()));
    assert_eq!(count(&world, GROUPS).await, 0);
}

#[tokio::test]
async fn what_was_begun_is_done_when_its_caller_goes_away() {
    let world = World::start().await;
    let body = person("mara");
    let put = || retried("PUT", &format!("{USERS}/slow"), &body);
    let mut gone = TcpStream::connect(world.addr).await.unwrap();
    gone.write_all(&put().bytes()).await.unwrap();
    world.store.1.begun.notified().await;
    let meanwhile = world.send(put()).await;
    assert_eq!(meanwhile.status, 409, "{meanwhile:?}");
    assert_eq!(told(&meanwhile), "error.common.exception.invalidRetryToken");
    drop(gone);
    // The server has seen it go before the work goes on.
    tokio::time::sleep(Duration::from_millis(100)).await;
    world.store.1.let_go.notify_one();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        let answer = world.send(put()).await;
        if answer.status == 404 {
            break;
        }
        assert_eq!(told(&answer), "error.common.exception.invalidRetryToken");
        assert!(tokio::time::Instant::now() < deadline, "it is never done");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_token_is_forgotten_after_a_day() {
    let world = World::staged().await;
    let group = json!({ "schemas": [crate::world::GROUP], "displayName": "Staff" });
    let first = world.send(retried("POST", GROUPS, &group)).await.json();
    let path = path_of(GROUPS, &first);
    world.send(ask("DELETE", &path).by("writer")).await;
    let again = world.send(retried("POST", GROUPS, &group)).await;
    assert_eq!(again.json(), first);
    let day = json!({ "advance_ms": 24 * 60 * 60 * 1_000 });
    let clock = ask("PUT", "/civitas/v1/clock").by("admin");
    let clock = clock.header("Content-Type", "application/json");
    let advanced = world.send(clock.body(day.to_string())).await;
    assert_eq!(advanced.status, 200, "{advanced:?}");
    let anew = world.send(retried("POST", GROUPS, &group)).await;
    assert_eq!(anew.status, 201, "{anew:?}");
    assert_ne!(anew.json()["id"], first["id"]);
}
