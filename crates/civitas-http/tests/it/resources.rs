//! Resources from creation to deletion, lists and discovery.

use civitas_directory::Limits;
use civitas_http::HttpLimits;
use serde_json::{Value, json};

use crate::world::{GROUP, HOST, PATCH_OP, SEARCH, USER, World, ask};

async fn group(world: &World, name: &str, members: &[&Value]) -> Value {
    let members: Vec<Value> = members
        .iter()
        .map(|it| json!({ "value": it["id"] }))
        .collect();
    let body = json!({ "schemas": [GROUP], "displayName": name, "members": members });
    let answer = world
        .send(ask("POST", "/scim/v2/Groups").by("writer").json(&body))
        .await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn patch(operations: &Value) -> Value {
    json!({ "schemas": [PATCH_OP], "Operations": operations })
}

#[tokio::test]
async fn the_life_of_a_user() {
    let world = World::start().await;
    let body = json!({ "schemas": [USER], "userName": "bjensen", "password": "correct horse" });
    let create = ask("POST", "/scim/v2/Users").by("writer").json(&body);
    let created = world.send(create.clone()).await;
    assert_eq!(created.status, 201);
    let user = created.json();
    let location = created.header("location");
    assert!(
        location.starts_with(&format!("http://{HOST}/scim/v2/Users/")),
        "{location}"
    );
    assert_eq!(user["meta"]["location"], location);
    assert_eq!(user["meta"]["resourceType"], "User");
    assert_eq!(user["meta"]["created"], "2026-01-02T03:04:05.678Z");
    assert_eq!(created.header("etag"), user["meta"]["version"]);
    assert_eq!(created.header("cache-control"), "no-store");
    assert!(user.get("password").is_none());
    assert_eq!(world.send(create).await.scim_error(409), "uniqueness");

    let path = format!("/scim/v2/Users/{}", user["id"].as_str().unwrap());
    let read = world.send(ask("GET", &path).by("reader")).await;
    assert_eq!((read.status, read.json()), (200, user.clone()));
    assert_eq!(read.header("location"), location);
    assert_eq!(read.header("content-location"), location);

    let body = json!({ "schemas": [USER], "userName": "bjensen", "title": "Dr" });
    let replaced = world.send(ask("PUT", &path).by("writer").json(&body)).await;
    assert_eq!(
        (replaced.status, &replaced.json()["title"]),
        (200, &json!("Dr"))
    );
    let operations = json!([{ "op": "Replace", "value": { "title": "Prof" } }]);
    let patched = ask("PATCH", &format!("{path}?attributes=title")).by("writer");
    let patched = world.send(patched.json(&patch(&operations))).await;
    let expected = json!({ "schemas": [USER], "id": user["id"], "title": "Prof" });
    assert_eq!((patched.status, patched.json()), (200, expected));

    let deleted = world.send(ask("DELETE", &path).by("writer")).await;
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    for method in ["GET", "DELETE"] {
        assert_eq!(
            world
                .send(ask(method, &path).by("writer"))
                .await
                .scim_error(404),
            ""
        );
    }
}

#[tokio::test]
async fn membership_is_shown_on_both_sides() {
    let world = World::start().await;
    let user = world.user("quoted").await;
    let path = format!("/scim/v2/Users/{}", user["id"].as_str().unwrap());
    let named = json!([{ "op": "add", "path": "displayName", "value": "quote\"user" }]);
    let named = ask("PATCH", &path).by("writer").json(&patch(&named));
    let user = world.send(named).await.json();
    let inner = group(&world, "inner", &[&user]).await;
    let outer = group(&world, "outer", &[&inner]).await;
    let member = json!({
        "value": user["id"],
        "$ref": user["meta"]["location"],
        "display": "quote\"user",
        "type": "User",
    });
    assert_eq!(inner["members"], json!([member]));
    let read = world.send(ask("GET", &path).by("reader")).await.json();
    let groups = json!([
        {
            "value": inner["id"],
            "$ref": inner["meta"]["location"],
            "display": "inner",
            "type": "direct",
        },
        {
            "value": outer["id"],
            "$ref": outer["meta"]["location"],
            "display": "outer",
            "type": "indirect",
        },
    ]);
    assert_eq!(read["groups"], groups);
    // The same by way of a projection.
    let projected = ask("GET", &format!("{path}?attributes=groups")).by("reader");
    assert_eq!(world.send(projected).await.json()["groups"], groups);
    let without = ask("GET", &format!("{path}?excludedAttributes=groups,meta")).by("reader");
    let without = world.send(without).await;
    assert!(without.json().get("groups").is_none() && without.json().get("meta").is_none());
    assert!(!without.header("etag").is_empty());
}

#[tokio::test]
async fn members_are_found_and_removed_by_their_reference() {
    let world = World::start().await;
    let (ann, bea) = (world.user("ann").await, world.user("bea").await);
    let inner = group(&world, "inner", &[]).await;
    let outer = group(&world, "outer", &[&ann, &bea, &inner]).await;
    let location = |of: &Value| of["meta"]["location"].as_str().unwrap().to_owned();
    let found = async |endpoint: &str, filter: String| {
        let filter = filter.replace(' ', "%20").replace('"', "%22");
        let path = format!("/scim/v2/{endpoint}?filter={filter}");
        let answer = world.send(ask("GET", &path).by("reader")).await;
        assert_eq!(answer.status, 200, "{filter}: {answer:?}");
        answer.json()["totalResults"].as_u64().unwrap()
    };
    let elsewhere = location(&ann).replace(HOST, "elsewhere.example.com");
    let as_group = location(&ann).replace("/Users/", "/Groups/");
    for (filter, total) in [
        (format!("members.$ref eq \"{}\"", location(&ann)), 1),
        (format!("members[$ref eq \"{}\"]", location(&inner)), 1),
        (format!("members.$ref eq \"{elsewhere}\""), 0),
        (format!("members.$ref eq \"{as_group}\""), 0),
        ("members.$ref co \"/Groups/\"".into(), 1),
        ("members.$ref pr".into(), 1),
    ] {
        assert_eq!(found("Groups", filter.clone()).await, total, "{filter}");
    }
    let by_group = format!("groups.$ref eq \"{}\"", location(&outer));
    assert_eq!(found("Users", by_group).await, 2);

    let path = format!("/scim/v2/Groups/{}", outer["id"].as_str().unwrap());
    let members = async || {
        let read = world.send(ask("GET", &path).by("reader")).await.json();
        read["members"].as_array().map_or(0, Vec::len)
    };
    for (reference, left) in [
        (&elsewhere, 3),
        (&as_group, 3),
        (&location(&ann), 2),
        (&location(&inner), 1),
    ] {
        let remove =
            json!([{ "op": "remove", "path": format!("members[$ref eq \"{reference}\"]") }]);
        let removed = ask("PATCH", &path).by("writer").json(&patch(&remove));
        assert!(world.send(removed).await.status < 300);
        assert_eq!(members().await, left, "{reference}");
    }
    // Of a client that adds through a filter, the reference says who.
    let by_reference = format!("members[$ref eq \"{}\"].display", location(&ann));
    let add = json!([{ "op": "add", "path": by_reference, "value": "Ann" }]);
    let added = ask("PATCH", &path).by("entra").json(&patch(&add));
    let added = world.send(added).await;
    assert!(added.status < 300, "{added:?}");
    assert_eq!(members().await, 2);
}

#[tokio::test]
async fn managers_are_found_by_their_reference() {
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let world = World::start().await;
    let boss = world.user("boss").await;
    let manager = json!({ "manager": { "value": boss["id"] } });
    let report =
        json!({ "schemas": [USER, ENTERPRISE], "userName": "report", ENTERPRISE: manager });
    let created = ask("POST", "/scim/v2/Users").by("writer").json(&report);
    assert_eq!(world.send(created).await.status, 201);
    let reference = boss["meta"]["location"].as_str().unwrap();
    for (reference, total) in [(reference, 1), ("https://elsewhere.example.com/Users/1", 0)] {
        let path =
            format!("/scim/v2/Users?filter={ENTERPRISE}:manager.$ref%20eq%20%22{reference}%22");
        let answer = world.send(ask("GET", &path).by("reader")).await;
        assert_eq!(answer.json()["totalResults"], total, "{reference}");
    }
}

#[tokio::test]
async fn large_groups_are_not_sent_unasked() {
    let limits = Limits {
        max_members_returned: 102,
        ..Limits::default()
    };
    let world = World::with(HttpLimits::default(), limits).await;
    let mut users = Vec::new();
    for number in 0..103 {
        users.push(world.user(&format!("user{number}")).await);
    }
    let created = group(&world, "large", &users.iter().take(101).collect::<Vec<_>>()).await;
    let path = format!("/scim/v2/Groups/{}", created["id"].as_str().unwrap());
    let rename =
        |name: &str| patch(&json!([{ "op": "replace", "value": { "displayName": name } }]));
    let send = |target: String, body: Value, prefer: &'static str| {
        world.send(
            ask("PATCH", &target)
                .by("writer")
                .json(&body)
                .header("Prefer", prefer),
        )
    };
    let unasked = send(path.clone(), rename("a"), "x").await;
    assert_eq!((unasked.status, unasked.body.len()), (204, 0));
    assert!(!unasked.header("etag").is_empty());
    let asked = send(path.clone(), rename("b"), "return=representation").await;
    assert_eq!(
        (
            asked.status,
            asked.json()["members"].as_array().unwrap().len()
        ),
        (200, 101)
    );
    let named = send(format!("{path}?attributes=displayName"), rename("c"), "x").await;
    assert_eq!(
        (named.status, &named.json()["displayName"]),
        (200, &json!("c"))
    );

    let more: Vec<Value> = users[101..]
        .iter()
        .map(|it| json!({ "value": it["id"] }))
        .collect();
    let add = patch(&json!([{ "op": "add", "path": "members", "value": more }]));
    assert_eq!(
        send(path.clone(), add, "return=representation")
            .await
            .status,
        204,
        "done"
    );
    let whole = world.send(ask("GET", &path).by("reader")).await;
    assert_eq!(whole.scim_error(400), "tooMany");
    let listed = world.send(ask("GET", "/scim/v2/Groups").by("reader")).await;
    assert_eq!(listed.scim_error(400), "tooMany");
    let excluded = ask("GET", &format!("{path}?excludedAttributes=members")).by("reader");
    assert_eq!(world.send(excluded).await.status, 200);
}

#[tokio::test]
async fn lists_are_paged_sorted_and_projected() {
    let world = World::start().await;
    for name in ["c", "a", "b"] {
        world.user(name).await;
    }
    group(&world, "g", &[]).await;
    let get = |target: &str| world.send(ask("GET", target).by("reader"));
    let page = get("/scim/v2/Users?sortBy=userName&startIndex=2&count=2&attributes=userName").await;
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("etag"), "");
    let page = page.json();
    assert_eq!(
        (
            &page["totalResults"],
            &page["startIndex"],
            &page["itemsPerPage"]
        ),
        (&json!(3), &json!(2), &json!(2))
    );
    assert_eq!(page["Resources"][0]["userName"], "b");
    assert_eq!(page["Resources"][1].as_object().unwrap().len(), 3);

    let message = json!({ "schemas": [SEARCH], "filter": "userName eq \"A\"" });
    let search = ask("POST", "/scim/v2/Users/.search?count=0")
        .by("reader")
        .json(&message);
    let found = world.send(search).await;
    assert_eq!(
        (found.status, &found.json()["Resources"][0]["userName"]),
        (200, &json!("a"))
    );
    let none = get("/scim/v2/Users?filter=userName+eq+%22zz%22").await;
    assert_eq!((none.status, &none.json()["Resources"]), (200, &json!([])));
    let all = get("/scim/v2").await.json();
    assert_eq!(all["totalResults"], 4);

    let id = found.json()["Resources"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for (filter, results) in [("userName+pr", 1), ("title+pr", 0), ("a)+or+(id+pr", -1)] {
        let answer = get(&format!("/scim/v2/Users/{id}?filter={filter}")).await;
        if results < 0 {
            assert_eq!(answer.scim_error(400), "invalidFilter");
        } else {
            assert_eq!(answer.json()["totalResults"], results, "{filter}");
        }
    }
}

#[tokio::test]
async fn discovery() {
    let world = World::start().await;
    let get = |target: &str| world.send(ask("GET", target).by("reader"));
    let config = get("/scim/v2/ServiceProviderConfig").await;
    assert_eq!(config.header("cache-control"), "private, max-age=300");
    assert_eq!(config.json()["patch"]["supported"], true);
    let public = world
        .send(ask("GET", "/scim/v2/ServiceProviderConfig"))
        .await
        .json();
    assert!(public["authenticationSchemes"].is_array() && public.get("patch").is_none());
    let base = format!("http://{HOST}/scim/v2/ServiceProviderConfig");
    assert_eq!(public["meta"]["location"], base);
    for (list, one) in [("Schemas", USER), ("ResourceTypes", "User")] {
        let listed = get(&format!("/scim/v2/{list}")).await.json();
        let total = listed["Resources"].as_array().unwrap().len();
        assert_eq!(listed["totalResults"], total);
        let found = get(&format!("/scim/v2/{list}/{one}")).await;
        assert_eq!((found.status, &found.json()["id"]), (200, &json!(one)));
        assert_eq!(
            get(&format!("/scim/v2/{list}/none")).await.scim_error(404),
            ""
        );
    }
    let escaped = USER
        .replace(':', "%3A")
        .to_lowercase()
        .replace("%3a", "%3A");
    assert_eq!(
        get(&format!("/scim/v2/Schemas/{escaped}")).await.json()["id"],
        USER
    );
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let world = World::start().await;
    world.user("a").await;
    let text = world.send(ask("GET", "/metrics")).await;
    assert_eq!(
        text.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = String::from_utf8(text.body).unwrap();
    let line = "civitas_http_requests_total{dialect=\"scim\",method=\"POST\",status=\"2xx\"} 1\n";
    assert!(text.contains(line), "{text}");
    assert!(
        text.contains("civitas_http_request_duration_seconds_count 1\n"),
        "{text}"
    );
}
