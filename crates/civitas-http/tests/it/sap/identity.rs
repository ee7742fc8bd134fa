//! The Identity Directory.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{SAP_USER, USERS, create, path_of, person, read, sent};
use crate::faulty::Trouble;
use crate::world::{GROUP, PATCH_OP, SECRET, World, ask};

const GROUPS: &str = "/scim/Groups";

#[tokio::test]
async fn users_that_are_created_at_once_have_user_ids_of_their_own() {
    let world = World::start().await;
    create(&world, USERS, &person("first")).await;
    let names: Vec<String> = (0..24).map(|number| format!("user{number}")).collect();
    let asks = names.iter().map(|name| {
        let ask = sent("POST", USERS, &person(name));
        world.send(ask)
    });
    let answers = futures_util::future::join_all(asks).await;
    let mut numbers = HashSet::new();
    for answer in answers {
        assert_eq!(answer.status, 201, "{answer:?}");
        let user = answer.json();
        let number = user[SAP_USER]["userId"].as_str().unwrap().to_owned();
        let filter = format!("{USERS}?filter={SAP_USER}:userId+eq+%22{number}%22");
        let found = read(&world, &filter).await;
        assert_eq!(found["totalResults"], 1, "{number}");
        assert_eq!(found["Resources"][0]["id"], user["id"]);
        assert!(numbers.insert(number));
    }
    assert_eq!(numbers.len(), names.len());
}

#[tokio::test]
async fn whoever_is_made_elsewhere_has_a_user_id_too() {
    let world = World::start().await;
    let plain = world.user("plain").await;
    let path = path_of(USERS, &plain);
    let user = read(&world, &path).await;
    assert_eq!(user[SAP_USER]["userId"], "P000000");
    assert_eq!(user[SAP_USER]["status"], "active");
    assert_eq!(user["active"], true);
    // It has no address, and is not asked for one until it is to have some.
    let title = json!({ "op": "add", "path": "title", "value": "x" });
    let body = json!({ "schemas": [PATCH_OP], "Operations": [title] });
    let answer = world.send(sent("PATCH", &path, &body)).await;
    assert_eq!(answer.status, 204, "{answer:?}");
}

#[tokio::test]
async fn a_single_address_is_given_once() {
    let world = World::start().await;
    let asks = (0..16).map(|number| {
        let mut body = person("mara");
        body["userName"] = json!(format!("mara{number}"));
        world.send(sent("POST", USERS, &body))
    });
    let answers = futures_util::future::join_all(asks).await;
    let mut statuses: Vec<u16> = answers.iter().map(|it| it.status).collect();
    statuses.sort_unstable();
    let mut expected = vec![409; 16];
    expected[0] = 201;
    assert_eq!(statuses, expected);
}

#[tokio::test]
async fn members_that_come_at_once_all_come() {
    let world = World::start().await;
    let group = json!({ "schemas": [GROUP], "displayName": "Couriers" });
    let path = path_of(GROUPS, &create(&world, GROUPS, &group).await);
    let mut users = Vec::new();
    for number in 0..12 {
        users.push(create(&world, USERS, &person(&format!("u{number}"))).await);
    }
    let asks = users.iter().map(|user| {
        let member = json!([{ "value": user["id"], "type": "User" }]);
        let add = json!({ "op": "add", "path": "members", "value": member });
        let body = json!({ "schemas": [PATCH_OP], "Operations": [add] });
        world.send(sent("PATCH", &path, &body))
    });
    for answer in futures_util::future::join_all(asks).await {
        assert_eq!(answer.status, 204, "{answer:?}");
    }
    let members = read(&world, &path).await["members"].clone();
    assert_eq!(members.as_array().map(Vec::len), Some(users.len()));
}

#[tokio::test]
async fn a_client_gets_a_token_by_its_secret() {
    let world = World::start().await;
    let secret = SECRET
        .replace(' ', "+")
        .replace(',', "%2C")
        .replace(':', "%3A");
    let form = format!("grant_type=client_credentials&client_id=writer&client_secret={secret}");
    let answer = world.send(ask("POST", "/oauth2/token").form(&form)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let token = answer.json();
    let names: Vec<&String> = token.as_object().unwrap().keys().collect();
    assert_eq!(names, ["access_token", "token_type", "expires_in"]);
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(token["expires_in"], 3_600);
    let bearer = token["access_token"].as_str().unwrap();
    let answer = world.send(ask("GET", USERS).bearer(bearer)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn credentials_may_lack_their_padding() {
    let world = World::start().await;
    let padded = crate::world::basic("reader", SECRET);
    let bare = padded.trim_end_matches('=');
    assert_ne!(padded, bare);
    let answer = world
        .send(ask("GET", USERS).header("Authorization", bare))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn nobody_without_a_role_sees_anything() {
    let world = World::start().await;
    for path in [USERS, GROUPS, "/scim/Schemas"] {
        let answer = world.send(ask("GET", path).by("nobody")).await;
        assert_eq!(answer.status, 403, "{path}: {answer:?}");
    }
    let answer = world
        .send(ask("GET", "/scim/ServiceProviderConfig").by("nobody"))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn a_store_that_fails_is_told_in_the_words_of_the_service() {
    let world = World::start().await;
    create(&world, USERS, &person("mara")).await;
    for (trouble, status, detail) in [
        (Trouble::Away, 503, "HTTP 503 Service Unavailable"),
        (Trouble::Defect, 500, "An internal error occurred."),
    ] {
        *world.store.trouble() = Some(trouble);
        let answer = world.send(ask("GET", USERS).by("writer")).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.json()["detail"], detail);
        assert_eq!(answer.header("x-message-code"), "IDS_EXCEPTION");
    }
}

#[tokio::test]
async fn what_is_sent_in_a_coding_says_so_in_its_tag() {
    let world = World::start().await;
    let user = create(&world, USERS, &person("mara")).await;
    let body = json!({
        "schemas": [PATCH_OP],
        "Operations": [{ "op": "add", "path": "title", "value": "x".repeat(4_096) }],
    });
    let path = path_of(USERS, &user);
    let answer = world.send(sent("PATCH", &path, &body)).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    let plain = world.send(ask("GET", &path).by("writer")).await;
    assert_eq!(plain.header("vary"), "X-CSP-STRIP");
    let coded = ask("GET", &path)
        .by("writer")
        .header("Accept-Encoding", "gzip");
    let coded = world.send(coded).await;
    assert_eq!(coded.header("vary"), "Accept-Encoding,X-CSP-STRIP");
    let tag = plain.header("etag");
    let tag = tag.trim_matches('"');
    assert_eq!(coded.header("etag"), format!("\"{tag}-gzip\""));
}

#[tokio::test]
async fn tenants_see_nothing_of_each_other() {
    let world = World::start().await;
    let user = create(&world, USERS, &person("mara")).await;
    let there = ask("GET", &path_of(USERS, &user)).by("writer");
    let answer = world.send(there.header("Host", "other.example.com")).await;
    // The client is unknown there.
    assert_eq!(answer.status, 401, "{answer:?}");
    assert_eq!(
        answer.header("www-authenticate"),
        "Basic realm=\"other.example.com\""
    );
}

#[tokio::test]
async fn a_replacement_does_not_lose_what_it_does_not_know() {
    let world = World::start().await;
    let user = create(&world, USERS, &person("mara")).await;
    let there = json!([{ "operation": "add", "field": "/frIndexedString1", "value": "kept" }]);
    let crest = format!(
        "/openidm/managed/alpha_user/{}",
        user["id"].as_str().unwrap()
    );
    let ask = ask("PATCH", &crest).by("writer").body(there.to_string());
    let answer = world
        .send(ask.header("Content-Type", "application/json"))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = world
        .send(sent("PUT", &path_of(USERS, &user), &person("mara")))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let kept = read(&world, &crest).await;
    assert_eq!(kept["frIndexedString1"], "kept");
    assert_eq!(answer.json()["title"], Value::Null);
}

#[tokio::test]
async fn a_tenant_may_ask_for_login_names() {
    let world = World::start().await;
    let mut body = person("mara");
    body["userName"] = Value::Null;
    let nameless = create(&world, USERS, &body).await;
    let set = ask("PATCH", "/civitas/v1/settings").by("admin");
    let set = set.header("Content-Type", "application/json");
    let answer = world
        .send(set.body(r#"{"login_name_required":true}"#))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    body["emails"][0]["value"] = json!("other@example.org");
    let answer = world.send(sent("POST", USERS, &body)).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.json()["scimType"], "invalidValue");
    assert_eq!(
        answer.json()["detail"],
        "Attribute with name userName is required."
    );
    // Who had none before is changed as before.
    let title = json!({ "op": "add", "path": "title", "value": "x" });
    let patch = json!({ "schemas": [PATCH_OP], "Operations": [title] });
    let answer = world
        .send(sent("PATCH", &path_of(USERS, &nameless), &patch))
        .await;
    assert_eq!(answer.status, 204, "{answer:?}");
}

#[tokio::test]
async fn whoever_asks_too_often_in_a_minute_waits_for_the_next() {
    let world = World::start().await;
    let set = ask("PATCH", "/civitas/v1/settings").by("admin");
    let set = set.header("Content-Type", "application/json");
    let answer = world.send(set.body(r#"{"requests_per_minute":3}"#)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // Three at once, and one that waits.
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let answer = world.send(ask("GET", USERS).by("writer")).await;
        statuses.push(answer.status);
        if answer.status == 429 {
            let seconds: u32 = answer.header("retry-after").parse().unwrap();
            assert!((1..=60).contains(&seconds), "{seconds}");
            assert_eq!(answer.json()["detail"], "HTTP 429 Too Many Requests");
        }
    }
    assert_eq!(statuses, [200, 200, 200, 200, 429, 429]);
    let older = world
        .send(ask("GET", "/service/scim/Users").by("writer"))
        .await;
    assert_eq!(older.status, 429, "{older:?}");
    let others = world.send(ask("GET", "/scim/v2/Users").by("writer")).await;
    assert_eq!(others.status, 200, "{others:?}");
}
