//! Bulk jobs (RFC 7644 §3.7).

use civitas_directory::Limits;
use civitas_http::HttpLimits;
use serde_json::{Value, json};

use crate::world::{Answer, GROUP, PATCH_OP, USER, World, ask};

const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn job(operations: &Value) -> Value {
    json!({ "schemas": [BULK], "Operations": operations })
}

fn create(bulk_id: &str, path: &str, data: &Value) -> Value {
    json!({ "method": "POST", "bulkId": bulk_id, "path": path, "data": data })
}

fn user(bulk_id: &str, name: &str) -> Value {
    create(
        bulk_id,
        "/Users",
        &json!({ "schemas": [USER], "userName": name }),
    )
}

fn group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|it| json!({ "value": it })).collect();
    let data = json!({ "schemas": [GROUP], "displayName": bulk_id, "members": members });
    create(bulk_id, "/Groups", &data)
}

fn patch(path: &str, operations: &Value) -> Value {
    let data = json!({ "schemas": [PATCH_OP], "Operations": operations });
    json!({ "method": "PATCH", "path": path, "data": data })
}

impl World {
    async fn submit(&self, body: &Value) -> Answer {
        self.send(ask("POST", "/scim/v2/Bulk").by("writer").json(body))
            .await
    }

    /// The results of a job that is carried out.
    async fn run(&self, body: &Value) -> Vec<Value> {
        let answer = self.submit(body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        assert_eq!(body["schemas"], json!([RESPONSE]));
        body["Operations"].as_array().unwrap().clone()
    }

    async fn read(&self, location: &Value) -> Value {
        let location = location.as_str().unwrap();
        let path = &location[location.find("/scim").unwrap()..];
        let answer = self.send(ask("GET", path).by("reader")).await;
        assert_eq!(answer.status, 200, "{location}: {answer:?}");
        answer.json()
    }

    async fn names(&self) -> Vec<String> {
        let answer = self
            .send(ask("GET", "/scim/v2/Users?count=1000").by("reader"))
            .await;
        let body = answer.json();
        let users = body["Resources"].as_array().unwrap();
        let names = users.iter().map(|it| it["userName"].as_str().unwrap());
        names.map(str::to_owned).collect()
    }
}

fn statuses(results: &[Value]) -> Vec<&str> {
    let statuses = results.iter().map(|it| it["status"].as_str().unwrap());
    statuses.collect()
}

#[tokio::test]
async fn operations_are_answered_each() {
    let world = World::start().await;
    let kept = world.user("kept").await;
    let gone = world.user("gone").await;
    let path = |user: &Value| format!("/Users/{}", user["id"].as_str().unwrap());
    let put = json!({ "schemas": [USER], "userName": "kept", "title": "Dr" });
    let results = world
        .run(&job(&json!([
            user("q", "new"),
            { "method": "PUT", "path": path(&kept), "bulkId": "p", "data": put },
            patch(&path(&kept), &json!([{ "op": "add", "path": "nickName", "value": "K" }])),
            { "method": "DELETE", "path": path(&gone), "version": gone["meta"]["version"] },
        ])))
        .await;
    assert_eq!(statuses(&results), ["201", "200", "200", "204"]);
    let new = world.read(&results[0]["location"]).await;
    assert_eq!(
        results[0],
        json!({
            "method": "POST",
            "bulkId": "q",
            "location": new["meta"]["location"],
            "version": new["meta"]["version"],
            "status": "201",
        })
    );
    assert_eq!(results[1]["bulkId"], "p");
    assert_eq!(results[1]["location"], kept["meta"]["location"]);
    let now = world.read(&kept["meta"]["location"]).await;
    assert_eq!(results[2]["version"], now["meta"]["version"]);
    assert_eq!(
        (&now["title"], &now["nickName"]),
        (&json!("Dr"), &json!("K"))
    );
    assert_eq!(
        results[3],
        json!({ "method": "DELETE", "location": gone["meta"]["location"], "status": "204" })
    );
    assert_eq!(world.names().await, ["kept", "new"]);
}

#[tokio::test]
async fn t_bulk_01_references_work_in_both_directions() {
    let world = World::start().await;
    for operations in [
        json!([user("q", "one"), group("g", &["bulkId:q"])]),
        json!([group("g", &["bulkId:q"]), user("q", "two")]),
    ] {
        let results = world.run(&job(&operations)).await;
        assert_eq!(statuses(&results), ["201", "201"]);
        let of = |id: &str| results.iter().find(|it| it["bulkId"] == id).unwrap();
        let (user, group) = (
            world.read(&of("q")["location"]).await,
            world.read(&of("g")["location"]).await,
        );
        assert_eq!(group["members"][0]["value"], user["id"]);
        assert_eq!(user["groups"][0]["value"], group["id"]);
        assert_eq!(of("g")["version"], group["meta"]["version"]);
    }
}

#[tokio::test]
async fn resources_may_refer_to_each_other() {
    let world = World::start().await;
    let reports_to = |name: &str, manager: &str| {
        json!({
            "schemas": [USER, ENTERPRISE],
            "userName": name,
            "displayName": name,
            "groups": [{ "value": "bulkId:g" }],
            ENTERPRISE: { "manager": { "value": manager } },
        })
    };
    let results = world
        .run(&job(&json!([
            create("a", "/Users", &reports_to("ada", "bulkId:b")),
            group("g", &["bulkId:a", "bulkId:b"]),
            create("b", "/Users", &reports_to("ben", "bulkId:a")),
            create("c", "/Users", &reports_to("cem", "bulkId:c")),
        ])))
        .await;
    assert_eq!(statuses(&results), ["201", "201", "201", "201"]);
    let ada = world.read(&results[0]["location"]).await;
    let ben = world.read(&results[2]["location"]).await;
    for (result, user, manager) in [(&results[0], &ada, &ben), (&results[2], &ben, &ada)] {
        let shown = &user[ENTERPRISE]["manager"];
        assert_eq!(shown["value"], manager["id"]);
        assert_eq!(shown["displayName"], manager["displayName"]);
        assert_eq!(result["version"], user["meta"]["version"]);
        assert_eq!(user["groups"][0]["display"], "g");
    }
    let cem = world.read(&results[3]["location"]).await;
    assert_eq!(cem[ENTERPRISE]["manager"]["value"], cem["id"]);
}

#[tokio::test]
async fn groups_that_contain_each_other_are_refused() {
    let world = World::start().await;
    let results = world
        .run(&job(&json!([
            group("g", &["bulkId:h"]),
            user("q", "other"),
            group("h", &["bulkId:g"]),
            group("i", &["bulkId:i"]),
        ])))
        .await;
    assert_eq!(statuses(&results), ["409", "201", "400", "400"]);
    assert_eq!(results[2]["response"]["scimType"], "invalidValue");
    let detail = results[0]["response"]["detail"].as_str().unwrap();
    assert!(detail.contains("\"h\""), "{detail}");
    let groups = world.send(ask("GET", "/scim/v2/Groups").by("reader")).await;
    assert_eq!(groups.json()["totalResults"], 0);
}

#[tokio::test]
async fn t_bulk_03_failures_do_not_stop_a_job() {
    let world = World::start().await;
    let operations = json!([
        user("a", "same"),
        user("b", "SAME"),
        user("c", "third"),
        group("g", &["bulkId:b"]),
        group("h", &["bulkId:nosuch"]),
        patch("/Groups/bulkId:g", &json!([{ "op": "remove", "path": "members" }])),
        create("d", "/Users", &json!({ "schemas": [USER] })),
        { "method": "POST", "bulkId": "e", "path": "/Users" },
        create("f", "/Foo", &json!({})),
        create("m", "/Me", &json!({})),
        { "method": "DELETE", "path": "/Users/nosuch" },
        { "method": "DELETE", "path": "/Bulk" },
        { "method": "PUT", "path": "/Users", "data": {} },
    ]);
    let results = world.run(&job(&operations)).await;
    assert_eq!(
        statuses(&results),
        [
            "201", "409", "201", "409", "400", "409", "400", "400", "404", "400", "404", "400",
            "400"
        ]
    );
    let kinds: Vec<&str> = results
        .iter()
        .map(|it| it["response"]["scimType"].as_str().unwrap_or("-"))
        .collect();
    assert_eq!(
        kinds,
        [
            "-",
            "uniqueness",
            "-",
            "-",
            "invalidValue",
            "-",
            "invalidValue",
            "invalidSyntax",
            "-",
            "invalidValue",
            "-",
            "invalidValue",
            "invalidValue"
        ]
    );
    for result in &results {
        let failed = result.get("response").is_some();
        let post = result["method"] == "POST";
        assert_eq!(result.get("location").is_none(), failed && post, "{result}");
        assert_eq!(result.get("version").is_none(), failed, "{result}");
    }
    assert_eq!(world.names().await, ["same", "third"]);
}

#[tokio::test]
async fn t_bulk_04_fail_on_errors_stops_a_job() {
    let world = World::start().await;
    for (most, expected, names) in [
        (1, vec!["201", "409"], vec!["0a"]),
        (2, vec!["201", "409", "201", "409"], vec!["0a", "1a", "1b"]),
        (
            3,
            vec!["201", "409", "201", "409", "201"],
            vec!["0a", "1a", "1b", "2a", "2b", "2c"],
        ),
    ] {
        let name = |it: &str| format!("{}{it}", most - 1);
        let mut body = job(&json!([
            user("1", &name("a")),
            user("2", &name("a")),
            user("3", &name("b")),
            user("4", &name("b")),
            user("5", &name("c")),
        ]));
        body["failOnErrors"] = json!(most);
        assert_eq!(statuses(&world.run(&body).await), expected, "{most}");
        assert_eq!(world.names().await, names, "{most}");
    }
}

#[tokio::test]
async fn t_bulk_05_a_job_in_which_all_fails_is_done() {
    let world = World::start().await;
    let many: Vec<Value> = (0..300)
        .map(|it| json!({ "method": "DELETE", "path": format!("/Users/{it}") }))
        .collect();
    let results = world.run(&job(&json!(many))).await;
    assert_eq!(statuses(&results), vec!["404"; 300]);
}

#[tokio::test]
async fn t_bulk_06_limits_are_named() {
    let http = HttpLimits {
        body_bytes: 100,
        bulk_bytes: 2_000,
        ..HttpLimits::default()
    };
    let limits = Limits {
        max_bulk_operations: 2,
        ..Limits::default()
    };
    let world = World::with(http, limits).await;
    let config = ask("GET", "/scim/v2/ServiceProviderConfig").by("reader");
    assert_eq!(
        world.send(config).await.json()["bulk"],
        json!({ "supported": true, "maxOperations": 2, "maxPayloadSize": 2_000 })
    );
    let two = job(&json!([user("a", "a"), user("b", "b")]));
    assert_eq!(statuses(&world.run(&two).await), ["201", "201"]);
    let three = job(&json!([user("c", "c"), user("d", "d"), user("e", "e")]));
    let padded = |bytes: usize| {
        let text = job(&json!([user("f", "f")])).to_string();
        text + &" ".repeat(bytes - job(&json!([user("f", "f")])).to_string().len())
    };
    let send = |body: String| {
        let bulk = ask("POST", "/scim/v2/Bulk").by("writer");
        world.send(
            bulk.header("Content-Type", "application/scim+json")
                .body(body),
        )
    };
    for (body, named) in [
        (three.to_string(), "maxOperations, 2"),
        (padded(2_001), "maxPayloadSize, 2000"),
    ] {
        let answer = send(body).await;
        assert_eq!(answer.scim_error(413), "");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(named), "{detail}");
    }
    assert_eq!(send(padded(2_000)).await.status, 200);
    assert_eq!(world.names().await, ["a", "b", "f"]);
}

#[tokio::test]
async fn t_bulk_07_malformed_jobs_are_refused_whole() {
    let world = World::start().await;
    let good = user("a", "a");
    for (body, kind) in [
        (json!({ "schemas": [BULK] }), "invalidSyntax"),
        (json!({ "Operations": [good] }), "invalidSyntax"),
        (job(&json!([good, user("a", "b")])), "invalidSyntax"),
        (
            job(&json!([good, { "method": "GET", "path": "/Users" }])),
            "invalidSyntax",
        ),
        (
            job(&json!([good, { "method": "POST", "path": "/Users", "data": {} }])),
            "invalidSyntax",
        ),
        (
            json!({ "schemas": [BULK], "failOnErrors": 0, "Operations": [good] }),
            "invalidValue",
        ),
    ] {
        assert_eq!(world.submit(&body).await.scim_error(400), kind, "{body}");
    }
    let bulk = ask("POST", "/scim/v2/Bulk");
    let body = job(&json!([good]));
    assert_eq!(
        world.send(bulk.clone().json(&body)).await.scim_error(401),
        ""
    );
    assert_eq!(
        world
            .send(bulk.clone().by("reader").json(&body))
            .await
            .scim_error(403),
        ""
    );
    let text = bulk
        .by("writer")
        .header("Content-Type", "text/plain")
        .body("{}");
    assert_eq!(world.send(text).await.scim_error(415), "");
    assert!(world.names().await.is_empty());
}

#[tokio::test]
async fn t_bulk_10_versions_are_preconditions() {
    let world = World::start().await;
    let user = world.user("kept").await;
    let path = format!("/Users/{}", user["id"].as_str().unwrap());
    let title = json!([{ "op": "add", "path": "title", "value": "Dr" }]);
    let mut fresh = patch(&path, &title);
    fresh["version"] = user["meta"]["version"].clone();
    let results = world
        .run(&job(&json!([
            { "method": "DELETE", "path": path, "version": "W/\"stale\"" },
            fresh,
            { "method": "DELETE", "path": path, "version": user["meta"]["version"] },
        ])))
        .await;
    assert_eq!(statuses(&results), ["412", "200", "412"]);
    assert_eq!(results[0]["location"], user["meta"]["location"]);
    assert_eq!(world.read(&user["meta"]["location"]).await["title"], "Dr");
}

#[tokio::test]
async fn operations_on_one_resource_keep_their_order() {
    let world = World::start().await;
    let title = |value: &str| json!([{ "op": "replace", "path": "title", "value": value }]);
    let results = world
        .run(&job(&json!([
            // Both refer forward, and so wait for the create.
            patch("/Users/bulkId:q", &title("first")),
            patch("/Users/bulkId:q", &title("second")),
            user("q", "q"),
            // The name is free again once its owner is gone.
            { "method": "POST", "bulkId": "old", "path": "/Users",
              "data": { "schemas": [USER], "userName": "reused" } },
            { "method": "DELETE", "path": "/Users/bulkId:old" },
            user("new", "reused"),
            group("g", &["bulkId:old"]),
        ])))
        .await;
    assert_eq!(
        statuses(&results),
        ["200", "200", "201", "201", "204", "201", "400"]
    );
    let user = world.read(&results[2]["location"]).await;
    assert_eq!(user["title"], "second");
    assert_eq!(results[1]["version"], user["meta"]["version"]);
    assert_eq!(results[0]["location"], user["meta"]["location"]);
}

#[tokio::test]
async fn passwords_of_many_users_are_never_shown() {
    let world = World::start().await;
    let with = |bulk_id: &str, name: &str, password: &str| {
        let data = json!({ "schemas": [USER], "userName": name, "password": password });
        create(bulk_id, "/Users", &data)
    };
    let answer = world
        .submit(&job(&json!([
            with("a", "same", "correct horse"),
            with("b", "same", "wrong horse!"),
            with("c", "short", "pony"),
        ])))
        .await;
    let text = String::from_utf8(answer.body.clone()).unwrap();
    assert!(!text.contains("horse") && !text.contains("pony"), "{text}");
    let body = answer.json();
    let results = body["Operations"].as_array().unwrap();
    assert_eq!(statuses(results), ["201", "409", "400"]);
}
