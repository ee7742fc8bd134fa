//! Identity domains: what only a world of one's own shows.

mod credentials;
mod policies;
mod retry;
mod views;

use serde_json::{Value, json};

use crate::world::{Ask, GROUP, HOST, PATCH_OP, SECRET, USER, World, ask, basic};

const USERS: &str = "/admin/v1/Users";
const GROUPS: &str = "/admin/v1/Groups";
const SELF_CHANGE: &str = "urn:ietf:params:scim:schemas:oracle:idcs:extension:selfChange:User";

fn sent(method: &str, path: &str, body: &Value) -> Ask {
    let ask = ask(method, path).by("writer");
    let ask = ask.header("Content-Type", "application/json");
    ask.body(body.to_string())
}

fn person(name: &str) -> Value {
    json!({
        "schemas": [USER],
        "userName": name,
        "name": { "givenName": "Mara", "familyName": "Lind" },
        "emails": [{ "value": format!("{name}@civitas.test"), "type": "work", "primary": true }],
    })
}

fn patch(operation: &Value) -> Value {
    json!({ "schemas": [PATCH_OP], "Operations": [operation] })
}

/// Creates what a body says, and gives it as it was answered.
async fn create(world: &World, collection: &str, body: &Value) -> Value {
    let answer = world.send(sent("POST", collection, body)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn path_of(collection: &str, resource: &Value) -> String {
    format!("{collection}/{}", resource["id"].as_str().unwrap())
}

#[tokio::test]
async fn both_surfaces_show_one_user() {
    let world = World::start().await;
    let user = create(&world, USERS, &person("mara")).await;
    let filter = "/scim/v2/Users?filter=userName+eq+%22mara%22";
    let found = world.send(ask("GET", filter).by("reader")).await.json();
    let scim = &found["Resources"][0];
    let id = scim["id"].as_str().unwrap();
    assert_eq!(user["id"], id.replace('-', ""));
    for name in ["displayName", "name", "active"] {
        assert_eq!(scim[name], user[name], "{name}");
    }
    assert_eq!(scim["emails"][1]["type"], "recovery");
    // What another surface keeps stays when this one writes.
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let add = json!({ "op": "add", "path": format!("{enterprise}:costCenter"), "value": "7" });
    let path = format!("/scim/v2/Users/{id}");
    let crest = "/openidm/managed/alpha_user";
    let there = json!([{ "operation": "add", "field": "/frIndexedString1", "value": "kept" }]);
    for (path, body) in [
        (path.clone(), patch(&add)),
        (format!("{crest}/{id}"), there),
    ] {
        let answer = world.send(sent("PATCH", &path, &body)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let mut body = person("mara");
    body["title"] = json!("Keeper");
    let answer = world.send(sent("PUT", &path_of(USERS, &user), &body)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()[enterprise], Value::Null);
    let kept = world
        .send(ask("GET", &format!("{crest}/{id}")).by("reader"))
        .await;
    assert_eq!(kept.json()["frIndexedString1"], "kept");
    let scim = world.send(ask("GET", &path).by("reader")).await.json();
    assert_eq!(scim["title"], "Keeper");
}

#[tokio::test]
async fn a_user_made_by_scim_is_a_user_here() {
    let world = World::start().await;
    let plain = world.user("plain").await;
    let id = plain["id"].as_str().unwrap().replace('-', "");
    let path = format!("{USERS}/{id}");
    let read = world.send(ask("GET", &path).by("reader")).await;
    assert_eq!(read.status, 200, "{read:?}");
    let user = read.json();
    assert_eq!(user["active"], true);
    assert_eq!(user["idcsCreatedBy"], Value::Null);
    // It has no address, and is not asked for one until addresses change.
    let title = patch(&json!({ "op": "add", "path": "title", "value": "x" }));
    let answer = world.send(sent("PATCH", &path, &title)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["idcsLastModifiedBy"]["value"], "writer");
}

#[tokio::test]
async fn whoever_changes_itself_as_others_do_says_so() {
    let world = World::start().await;
    let user = create(&world, USERS, &person("mara")).await;
    let scim = json!({ "id": hyphened(user["id"].as_str().unwrap()) });
    let token = world.user_token(&scim, "write").await;
    let path = path_of(USERS, &user);
    let title = json!({ "op": "add", "path": "title", "value": "x" });
    let asked = |operations: Value| {
        let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
        let ask = ask("PATCH", &path).bearer(&token);
        let ask = ask.header("Content-Type", "application/json");
        ask.body(body.to_string())
    };
    let refused = world.send(asked(json!([title]))).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    let said =
        json!({ "op": "add", "path": format!("{SELF_CHANGE}:allowSelfChange"), "value": true });
    let answer = world.send(asked(json!([title, said]))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["idcsLastModifiedBy"]["type"], "User");
    assert!(!answer.json().to_string().contains("allowSelfChange"));
}

fn hyphened(id: &str) -> String {
    let parts = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]];
    parts.join("-")
}

#[tokio::test]
async fn of_groups_with_one_name_there_is_one() {
    let world = World::start().await;
    create(
        &world,
        GROUPS,
        &json!({ "schemas": [GROUP], "displayName": "first" }),
    )
    .await;
    let asks = (0..16).map(|number| {
        let name = if number % 2 == 0 {
            "Couriers"
        } else {
            "COURIERS"
        };
        let body = json!({ "schemas": [GROUP], "displayName": name });
        world.send(sent("POST", GROUPS, &body))
    });
    let mut statuses = Vec::new();
    for ask in futures_all(asks).await {
        statuses.push(ask.status);
    }
    statuses.sort_unstable();
    let mut expected = vec![409; 16];
    expected[0] = 201;
    assert_eq!(statuses, expected);
}

/// All outputs, of futures that run side by side.
async fn futures_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut pinned: Vec<_> = futures.map(|it| (Box::pin(it), None)).collect();
    std::future::poll_fn(|context| {
        for (future, output) in &mut pinned {
            if output.is_none()
                && let std::task::Poll::Ready(done) = future.as_mut().poll(context)
            {
                *output = Some(done);
            }
        }
        if pinned.iter().all(|(_, output)| output.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    pinned
        .into_iter()
        .filter_map(|(_, output)| output)
        .collect()
}

#[tokio::test]
async fn a_client_gets_all_its_roles_by_the_scope_of_the_service() {
    let world = World::start().await;
    let token = world.token("writer", "urn:opc:idm:__myscopes__").await;
    let ask = ask("POST", USERS).bearer(&token);
    let ask = ask.header("Content-Type", "application/scim+json");
    let answer = world.send(ask.body(person("mara").to_string())).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}

#[tokio::test]
async fn a_body_of_unknown_length_is_bounded_too() {
    let world = World::start().await;
    let chunk = "x".repeat(1_048_577);
    let credentials = basic("writer", SECRET);
    let head = format!(
        "POST {USERS} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: {credentials}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\
         Connection: close\r\n\r\n"
    );
    let body = format!("{:x}\r\n{chunk}\r\n0\r\n\r\n", chunk.len());
    let answer = world.raw(format!("{head}{body}").as_bytes()).await;
    assert_eq!(answer.status, 413, "{answer:?}");
}

#[tokio::test]
async fn errors_come_in_the_order_of_the_service() {
    let world = World::start().await;
    let user = create(&world, USERS, &person("mara")).await;
    let path = path_of(USERS, &user);
    // Whatever is wrong besides, the first in the order is told.
    let wrong = |method: &str, path: &str| {
        let ask = ask(method, path).header("Accept", "text/html");
        ask.header("Content-Type", "text/plain").body("{")
    };
    for (ask, status) in [
        (wrong("PUT", "/admin/v1/Userz"), 401),
        (wrong("PUT", "/admin/v1/Userz").by("reader"), 404),
        (wrong("PUT", USERS).by("reader"), 405),
        (wrong("PUT", &path).by("reader"), 406),
        (
            sent("PUT", &path, &json!({}))
                .without("Content-Type")
                .header("Content-Type", "text/plain"),
            415,
        ),
        (
            wrong("PUT", &path)
                .by("reader")
                .without("Accept")
                .without("Content-Type")
                .header("Content-Type", "application/json"),
            403,
        ),
        (
            wrong("PUT", &format!("{USERS}/7"))
                .by("writer")
                .without("Accept")
                .without("Content-Type")
                .header("Content-Type", "application/json"),
            400,
        ),
        (
            sent("PUT", &format!("{USERS}/7"), &json!({})).header("If-Match", "7"),
            404,
        ),
        (sent("PUT", &path, &json!({})).header("If-Match", "7"), 412),
        (sent("PUT", &path, &json!({})), 400),
    ] {
        let line = ask.line();
        let answer = world.send(ask).await;
        assert_eq!(answer.status, status, "{line}: {answer:?}");
    }
}
