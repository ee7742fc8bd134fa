//! What is refused, why, and what first.

use serde_json::{Value, json};

use super::{USERS, bare, create, error, path_of, person, put};
use crate::world::{Ask, World, ask};

/// A request, the status of its refusal, and words of it.
type Row = (Ask, u16, &'static str);

/// What the path and the parameters do not allow.
fn rows_of_paths(path: &str) -> Vec<Row> {
    let get = |query: &str| bare("GET", &format!("{USERS}?{query}"));
    vec![
        (
            bare("GET", USERS),
            400,
            "The resource collection managed/alpha_user cannot be read",
        ),
        (
            bare("DELETE", USERS),
            400,
            "The resource collection managed/alpha_user cannot be deleted",
        ),
        (
            bare("GET", &format!("{path}?_queryFilter=true")),
            400,
            "cannot be queried",
        ),
        (
            put("POST", &format!("{path}?_action=create"), &json!({})),
            400,
            "cannot be created",
        ),
        (
            bare("POST", &format!("{path}?_action=nope")),
            400,
            "Action nope is not supported.",
        ),
        (
            get("_queryFilter=userName+xx"),
            400,
            "A value could not be parsed as a valid query filter",
        ),
        (
            get("_queryFilter=a+ne+1"),
            400,
            "unsupported filter operator &#39;ne&#39;",
        ),
        (get("_queryExpression=x"), 501, "not supported"),
        (get("_crestapi"), 501, "Not Implemented"),
        (
            get("_queryId=none"),
            400,
            "does not match any configured queries",
        ),
        (
            bare("GET", "/openidm/managed/nothing?_queryFilter=true"),
            404,
            "Resource &#39;managed/nothing&#39; not found",
        ),
        (
            bare("GET", "/openidm/elsewhere"),
            404,
            "Resource &#39;elsewhere&#39; not found",
        ),
        (bare("LINK", path), 405, "the method does not apply"),
    ]
}

/// What header fields do not allow.
fn rows_of_header_fields(path: &str, revision: &str) -> Vec<Row> {
    let get = |query: &str| bare("GET", &format!("{USERS}?{query}"));
    let patching = |operations: Value| put("PATCH", path, &operations);
    let post = |body: &str| {
        bare("POST", USERS)
            .header("Content-Type", "application/json")
            .body(body)
    };
    vec![
        (
            bare("GET", path).header("Accept-API-Version", "banana"),
            400,
            "invalid format: banana",
        ),
        (
            bare("GET", path).header("Accept-API-Version", "protocol=9.0"),
            406,
            "Unsupported major version: 9.0",
        ),
        (
            bare("GET", path).header("Accept-API-Version", "resource=99.0"),
            406,
            "not found",
        ),
        (
            bare("GET", path).header("If-Modified-Since", "x"),
            409,
            "Header If-Modified-Since not supported",
        ),
        (
            bare("GET", path).header("If-Match", revision),
            412,
            "If-Match not supported for GET requests",
        ),
        (
            bare("GET", path).header("If-None-Match", "*"),
            412,
            "If-None-Match * not appropriate",
        ),
        (
            get("_queryFilter=true").header("If-None-Match", "x"),
            412,
            "If-None-Match not supported for GET",
        ),
        (
            post("{}").header("If-Match", "x"),
            412,
            "If-Match not supported for POST requests",
        ),
        (
            post("{}")
                .header("If-None-Match", "x")
                .header("If-Match", "x"),
            412,
            "If-None-Match not supported for POST",
        ),
        (
            patching(json!([])).header("If-None-Match", "*"),
            412,
            "Use of If-None-Match not supported for PATCH",
        ),
        (
            bare("DELETE", path).header("If-None-Match", "*"),
            412,
            "not supported for DELETE",
        ),
        (
            put("PUT", path, &json!({})).header("If-None-Match", revision),
            400,
            "is not a supported value for If-None-Match on PUT",
        ),
        (
            put("PUT", path, &json!({}))
                .header("If-None-Match", "*")
                .header("If-Match", "x"),
            412,
            "Simultaneous use",
        ),
        (
            bare("PUT", &format!("{USERS}/{}", "0".repeat(36)))
                .header("If-Match", "*")
                .header("Content-Type", "application/json")
                .body("{}"),
            404,
            "No Such Entry",
        ),
    ]
}

/// What is wrong with bodies.
fn rows_of_bodies(path: &str) -> Vec<Row> {
    let patching = |operations: Value| put("PATCH", path, &operations);
    let post = |body: &str| {
        bare("POST", USERS)
            .header("Content-Type", "application/json")
            .body(body)
    };
    vec![
        (
            bare("POST", USERS)
                .header("Content-Type", "text/plain")
                .body("x"),
            415,
            "&#39;text/plain&#39;",
        ),
        (
            bare("POST", USERS).body("{}"),
            400,
            "because the  content-type was not specified",
        ),
        (post("{"), 400, "is not valid JSON"),
        (post("{} x"), 400, "trailing data"),
        (post(" "), 400, "did not contain any JSON content"),
        (post("[]"), 400, "is not a JSON object"),
        (
            patching(json!({})),
            400,
            "is not a JSON array of patch operations",
        ),
        (
            patching(json!([{ "operation": "zap", "field": "/x" }])),
            400,
            "Invalid patch operation type zap",
        ),
        (
            patching(json!([{ "operation": "increment", "field": "/sn", "value": 1 }])),
            400,
            "The field &#39;/sn&#39; is not a number",
        ),
        (
            patching(json!([{ "operation": "remove", "field": "/roles" }])),
            400,
            "Cannot delete collection: /roles",
        ),
        (
            patching(json!([{ "operation": "add", "field": "/foo", "value": 1 }])),
            400,
            "undeclared attributes: [\"foo\"]",
        ),
        (
            post("{\"foo\":1,\"bar\":2}"),
            400,
            "undeclared attributes: [\"foo\",\"bar\"]",
        ),
        (
            patching(
                json!([{ "operation": "add", "field": "/applications", "value": [{ "_ref": "managed/alpha_application/x" }] }]),
            ),
            501,
            "The relationship applications is not supported",
        ),
    ]
}

#[tokio::test]
async fn each_refusal_has_its_status_and_words() {
    let world = World::start().await;
    let user = create(&world, &person("amir")).await;
    let path = path_of(&user);
    let revision = user["_rev"].as_str().unwrap();
    let mut rows = rows_of_paths(&path);
    rows.extend(rows_of_header_fields(&path, revision));
    rows.extend(rows_of_bodies(&path));
    for (ask, status, words) in rows {
        let line = ask.line();
        let answer = world.send(ask).await;
        let told = error(&answer, status);
        assert!(told.contains(words), "{line}: {told}");
    }
    let broken = world
        .send(
            bare("POST", USERS)
                .header("Content-Type", "application/json")
                .body("{"),
        )
        .await;
    assert!(broken.json()["detail"].is_string(), "{broken:?}");
    let head = world.send(bare("HEAD", &path)).await;
    assert_eq!(head.status, 501);
    let options = world.send(bare("OPTIONS", &path)).await;
    assert_eq!(
        (options.status, options.header("allow")),
        (200, "DELETE, GET, HEAD, PATCH, PUT, OPTIONS, TRACE".into())
    );
    let same = bare("GET", &path).header("If-None-Match", &format!("\"{revision}\""));
    let same = world.send(same).await;
    assert_eq!(
        (same.status, same.body.len(), same.header("etag")),
        (304, 0, format!("\"{revision}\""))
    );
}

#[tokio::test]
async fn policies_are_told_one_by_one() {
    let world = World::start().await;
    let user = create(&world, &person("amir")).await;
    let requirements = |answer: &crate::world::Answer| {
        error(answer, 403);
        let body = answer.json();
        assert_eq!(body["detail"]["result"], false);
        let failed = body["detail"]["failedPolicyRequirements"]
            .as_array()
            .unwrap()
            .iter();
        let failed = failed.map(|it| {
            format!(
                "{} {}",
                it["property"].as_str().unwrap(),
                it["policyRequirements"][0]["policyRequirement"]
                    .as_str()
                    .unwrap()
            )
        });
        failed.collect::<Vec<_>>().join(", ")
    };
    let refused = world
        .send(put(
            "POST",
            USERS,
            &json!({
                "userName": "AMIR", "givenName": "Amir", "mail": "nowhere",
            }),
        ))
        .await;
    assert_eq!(
        requirements(&refused),
        "userName VALID_USERNAME, sn REQUIRED, mail VALID_EMAIL_ADDRESS_FORMAT"
    );
    assert_eq!(refused.json()["message"], "Policy validation failed");
    let taken = world.send(put("POST", USERS, &person("amir"))).await;
    assert_eq!(requirements(&taken), "userName VALID_USERNAME");
    let mut weak = person("zoe");
    weak["password"] = json!("short");
    let weak = world.send(put("POST", USERS, &weak)).await;
    assert_eq!(
        requirements(&weak),
        "password LENGTH_BASED, password CHARACTER_SET"
    );
    let zoe = create(&world, &person("zoe")).await;
    for (operations, expected) in [
        (
            json!([{ "operation": "remove", "field": "/sn" }]),
            "sn REQUIRED",
        ),
        (
            json!([{ "operation": "add", "field": "/roles", "value": {} }]),
            "roles VALID_TYPE",
        ),
        (
            json!([{ "operation": "replace", "field": "/userName", "value": "amir" }]),
            "userName VALID_USERNAME",
        ),
    ] {
        let patched = world.send(put("PATCH", &path_of(&zoe), &operations)).await;
        assert_eq!(requirements(&patched), expected, "{operations}");
        assert_eq!(patched.json()["message"], "Failed policy validation");
    }
    let validate = async |id: &str, action: &str, body: Value| {
        let path = format!("/openidm/policy/managed/alpha_user/{id}?_action={action}");
        let answer = world.send(put("POST", &path, &body)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["result"].clone()
    };
    let own = user["_id"].as_str().unwrap();
    assert_eq!(
        validate("*", "validateObject", json!({ "userName": "new" })).await,
        false
    );
    assert_eq!(validate("*", "validateObject", person("new")).await, true);
    assert_eq!(
        validate("*", "validateProperty", json!({ "userName": "amir" })).await,
        false
    );
    assert_eq!(
        validate(
            own,
            "validateProperty",
            json!({ "userName": "amir", "x": 1 })
        )
        .await,
        true
    );
    let dropped = json!({ "userName": "zoe", "givenName": "Zoe", "mail": "zoe@example.org" });
    let dropped = world.send(put("PUT", &path_of(&zoe), &dropped)).await;
    assert_eq!(
        (dropped.status, dropped.json()["sn"].clone()),
        (200, Value::Null)
    );
    let mut null = person("zoe");
    null["sn"] = Value::Null;
    let null = world.send(put("PUT", &path_of(&zoe), &null)).await;
    assert_eq!(requirements(&null), "sn NOT_NULL");
}

#[tokio::test]
async fn of_two_refusals_the_first_in_order_is_told() {
    let world = World::start().await;
    for (ask, what, status) in [
        (ask("LINK", "/openidm/nothing"), "credentials, method", 401),
        (ask("GET", USERS).bearer("junk"), "credentials, verb", 401),
        (
            bare("LINK", USERS).header("Accept-API-Version", "banana"),
            "method, version",
            405,
        ),
        (
            bare("POST", USERS)
                .header("Accept-API-Version", "banana")
                .header("Content-Type", "text/plain")
                .body("x"),
            "version, content type",
            400,
        ),
        (
            bare("POST", USERS)
                .header("Content-Type", "text/plain")
                .header("If-Modified-Since", "x")
                .body("x"),
            "content type, dates",
            415,
        ),
        (
            bare("GET", USERS)
                .header("If-Modified-Since", "x")
                .header("If-Match", "x"),
            "dates, conditions",
            409,
        ),
        (
            put(
                "POST",
                &format!("{USERS}?_prettyPrint=1&_prettyPrint=2"),
                &json!([]),
            ),
            "body, parameters",
            400,
        ),
        (
            ask("POST", USERS)
                .by("reader")
                .header("Content-Type", "application/json")
                .body("["),
            "body, access",
            400,
        ),
        (
            ask("POST", "/openidm/managed/none")
                .by("reader")
                .header("Content-Type", "application/json")
                .body("{}"),
            "access, path",
            403,
        ),
        (
            ask("GET", "/openidm/managed/none")
                .by("reader")
                .header("Accept-API-Version", "resource=7.0"),
            "version, path",
            406,
        ),
    ] {
        let answer = world.send(ask).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        error(&answer, status);
    }
    assert_eq!(
        world.send(ask("GET", "/openidm/info/ping")).await.json()["state"],
        "ACTIVE_READY"
    );
    let stranger = world.send(ask("GET", USERS)).await;
    assert_eq!(
        stranger.json(),
        json!({"code": 401, "reason": "Unauthorized", "message": "Access Denied"})
    );
}

#[tokio::test]
async fn what_was_observed_may_be_answered_instead() {
    let world = World::start().await;
    let audit = |topic: &str| {
        let ask = bare("GET", &format!("/openidm/audit/{topic}"));
        ask.without("Authorization").by("admin")
    };
    set(&world, &json!({ "fidelity": "observed" })).await;
    for (ask, status) in [
        (
            bare("GET", USERS).header("Accept-API-Version", "protocol=9.0"),
            400,
        ),
        (
            bare("GET", USERS).header("Accept-API-Version", "resource=9.0"),
            404,
        ),
        (
            bare("POST", USERS)
                .header("Content-Type", "text/plain")
                .body("x"),
            400,
        ),
        (bare("LINK", USERS), 501),
        (ask("GET", "/am/json/authenticate"), 501),
        (audit("activity?_queryFilter=true"), 501),
        (audit("config/1"), 501),
    ] {
        let line = ask.line();
        assert_eq!(world.send(ask).await.status, status, "{line}");
    }
}

#[tokio::test]
async fn in_maintenance_reads_go_on() {
    let world = World::start().await;
    let user = create(&world, &person("amir")).await;
    set(&world, &json!({ "maintenance": 5 })).await;
    assert_eq!(world.send(bare("GET", &path_of(&user))).await.status, 200);
    let write = world.send(put("POST", USERS, &person("zoe"))).await;
    assert_eq!(
        error(&write, 503),
        "Unable to create on managed/alpha_user in maintenance mode."
    );
    set(
        &world,
        &json!({ "maintenance": null, "require_preconditions": true }),
    )
    .await;
    let bare_patch = put("PATCH", &path_of(&user), &json!([]));
    assert_eq!(
        error(&world.send(bare_patch).await, 428),
        "Precondition Required"
    );
}

async fn set(world: &World, settings: &Value) {
    let change = ask("PATCH", "/civitas/v1/settings")
        .by("admin")
        .header("Content-Type", "application/json")
        .body(settings.to_string());
    assert_eq!(world.send(change).await.status, 200);
}
