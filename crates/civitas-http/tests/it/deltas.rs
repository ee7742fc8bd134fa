//! The delta read: what changed since a token.

use serde_json::{Value, json};

use crate::world::{Answer, Ask, GROUP, PATCH_OP, World, ask};

const REQUEST: &str = "urn:civitas:params:scim:api:messages:1.0:DeltaRequest";

async fn token(world: &World, of: &str) -> String {
    let answer = world
        .send(ask("GET", &format!("/scim/v2{of}/.deltaToken")).by("reader"))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(
        answer.json()["expiry"]
            .as_str()
            .unwrap()
            .starts_with("2026-04-02T03:04:05")
    );
    answer.json()["value"].as_str().unwrap().to_owned()
}

fn changes(of: &str, token: &str, more: &Value) -> Ask {
    changes_by("reader", of, token, more)
}

fn changes_by(client: &str, of: &str, token: &str, more: &Value) -> Ask {
    let mut body = json!({ "schemas": [REQUEST], "deltaToken": token });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    ask("POST", &format!("/scim/v2{of}/.delta"))
        .by(client)
        .json(&body)
}

async fn page(world: &World, ask: Ask) -> Value {
    let answer = world.send(ask).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn told(page: &Value) -> Vec<String> {
    let items = page["Resources"].as_array().unwrap().iter().map(|item| {
        let change = item["changeType"].as_str().unwrap();
        assert_eq!(item.get("data").is_some(), change != "delete", "{item}");
        assert_eq!(
            page["itemsPerPage"],
            page["Resources"].as_array().unwrap().len()
        );
        let name = item["data"]
            .get("userName")
            .or(item["data"].get("displayName"));
        let name = name.and_then(Value::as_str).unwrap_or("?");
        format!("{change} {} {name}", item["resourceType"].as_str().unwrap())
    });
    items.collect()
}

async fn patch_title(world: &World, id: &str, title: &str) -> Answer {
    let replace = json!({ "op": "replace", "path": "title", "value": title });
    let body = json!({ "schemas": [PATCH_OP], "Operations": [replace] });
    world
        .send(
            ask("PATCH", &format!("/scim/v2/Users/{id}"))
                .by("admin")
                .json(&body),
        )
        .await
}

#[tokio::test]
async fn a_client_catches_up_without_a_walk() {
    let world = World::start().await;
    let ids: Vec<String> = {
        let mut ids = Vec::new();
        for name in ["ann", "bob", "cid"] {
            ids.push(world.user(name).await["id"].as_str().unwrap().to_owned());
        }
        ids
    };
    let begin = token(&world, "").await;
    let users = token(&world, "/Users").await;
    let nothing = page(&world, changes("", &begin, &json!({}))).await;
    assert_eq!(told(&nothing), Vec::<String>::new());
    assert_eq!(patch_title(&world, &ids[0], "a").await.status, 200);
    let gone = ask("DELETE", &format!("/scim/v2/Users/{}", ids[1])).by("admin");
    assert_eq!(world.send(gone).await.status, 204);
    let group =
        json!({ "schemas": [GROUP], "displayName": "Staff", "members": [{ "value": ids[2] }] });
    let group = ask("POST", "/scim/v2/Groups").by("admin").json(&group);
    assert_eq!(world.send(group).await.status, 201);
    assert_eq!(patch_title(&world, &ids[0], "b").await.status, 200);
    let expected = ["delete User ?", "create Group Staff", "update User ann"];
    let all = page(&world, changes("", &begin, &json!({}))).await;
    assert_eq!(told(&all), expected);
    assert_eq!(all["Resources"][0]["changedResourceId"], ids[1].as_str());
    assert_eq!(
        all["Resources"][1]["data"]["members"][0]["value"],
        ids[2].as_str()
    );
    assert_eq!(all["Resources"][2]["data"]["title"], "b");
    // Page by page with the token unchanged, until the next token.
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    let next = loop {
        let page = page(
            &world,
            changes("", &begin, &json!({ "count": 1, "cursor": cursor })),
        )
        .await;
        seen.extend(told(&page));
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break page["nextDeltaToken"].as_str().unwrap().to_owned(),
        }
    };
    assert_eq!(seen, expected);
    let later = page(&world, changes("", &next, &json!({}))).await;
    assert_eq!(told(&later), Vec::<String>::new());
    let names = json!({ "attributes": ["userName"] });
    let of_users = page(&world, changes("/Users", &users, &names)).await;
    assert_eq!(told(&of_users), ["delete User ?", "update User ann"]);
    assert!(of_users["Resources"][1]["data"].get("title").is_none());
}

#[tokio::test]
async fn tokens_are_bound_and_requests_checked() {
    let world = World::start().await;
    let begin = token(&world, "").await;
    let of_another = changes_by("writer", "", &begin, &json!({}));
    for (ask, scim_type) in [
        (changes("", "nosuch", &json!({})), "invalidCursor"),
        (changes("/Users", &begin, &json!({})), "invalidCursor"),
        (
            changes("", &begin, &json!({ "cursor": "x" })),
            "invalidCursor",
        ),
        (
            changes("", &begin, &json!({ "cursor": begin })),
            "invalidCursor",
        ),
        (of_another, "invalidCursor"),
        (
            changes("", &begin, &json!({ "filter": "id pr" })),
            "invalidValue",
        ),
        (
            changes("", &begin, &json!({ "count": "x" })),
            "invalidValue",
        ),
    ] {
        assert_eq!(world.send(ask).await.scim_error(400), scim_type);
    }
    let wrong = ask("GET", "/scim/v2/.delta").by("reader");
    let answer = world.send(wrong).await;
    assert_eq!(
        (answer.scim_error(405), answer.header("allow")),
        (String::new(), "POST, OPTIONS".into())
    );
    let stranger = world.send(ask("GET", "/scim/v2/.deltaToken")).await;
    stranger.scim_error(401);
}
