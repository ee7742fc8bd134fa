//! Creating, reading, changing and deleting.

use serde_json::{Value, json};

use super::{USERS, bare, create, error, path_of, person, put};
use crate::world::{World, ask};

#[tokio::test]
async fn a_user_is_the_same_here_and_in_scim() {
    let world = World::start().await;
    let user = create(
        &world,
        &json!({
            "userName": "amir", "givenName": "Amir", "sn": "Okoye", "mail": "amir@example.org",
            "city": "Bern", "country": "Switzerland", "telephoneNumber": "+41 31 000",
            "frIndexedString1": "blue", "frIndexedInteger1": 7, "aliasList": ["a", "b"],
            "preferences": { "updates": true }, "consentedMappings": [[{ "mapping": "m" }]],
            "password": "Blue-Kettle-42",
        }),
    )
    .await;
    for (name, value) in [
        ("cn", json!("Amir Okoye")),
        ("accountStatus", json!("active")),
        ("city", json!("Bern")),
        ("country", json!("Switzerland")),
        ("frIndexedInteger1", json!(7)),
        ("frIndexedString2", json!(null)),
        ("aliasList", json!(["a", "b"])),
        ("preferences", json!({ "updates": true })),
        ("consentedMappings", json!([[{ "mapping": "m" }]])),
        ("effectiveRoles", json!([])),
        ("passwordLastChangedTime", json!("2026-01-02T03:04:05.678Z")),
    ] {
        assert_eq!(user[name], value, "{name}: {user}");
    }
    assert!(user.get("password").is_none(), "{user}");
    let id = user["_id"].as_str().unwrap();
    let scim = world
        .send(ask("GET", &format!("/scim/v2/Users/{id}")).by("reader"))
        .await;
    let seen = scim.json();
    assert_eq!(seen["userName"], "amir");
    assert_eq!(
        seen["name"],
        json!({
            "givenName": "Amir", "familyName": "Okoye", "formatted": "Amir Okoye",
        })
    );
    assert_eq!(seen["emails"][0]["value"], "amir@example.org");
    assert_eq!(seen["active"], true);
    assert_eq!(seen["addresses"][0]["locality"], "Bern");
    let version = format!("W/\"{}\"", user["_rev"].as_str().unwrap());
    assert_eq!(seen["meta"]["version"], version);
    assert_eq!(scim.header("etag"), version);

    let change = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            { "op": "replace", "path": "active", "value": false },
            { "op": "replace", "path": "emails[type eq \"work\"].value", "value": "x@example.org" },
            { "op": "add", "path": "title", "value": "Dr" },
        ],
    });
    let scim = ask("PATCH", &format!("/scim/v2/Users/{id}"))
        .by("writer")
        .json(&change);
    let scim = world.send(scim).await;
    assert_eq!(scim.status, 200, "{scim:?}");
    let read = world.send(bare("GET", &path_of(&user))).await;
    let read_body = read.json();
    assert_eq!(read_body["accountStatus"], "inactive");
    assert_eq!(read_body["mail"], "x@example.org");
    let revision = format!("\"{}\"", read_body["_rev"].as_str().unwrap());
    assert_eq!(read.header("etag"), revision);
    assert_eq!(scim.json()["meta"]["version"], format!("W/{revision}"));

    let replaced = put("PUT", &path_of(&user), &person("amir")).header("If-Match", &revision);
    let replaced = world.send(replaced).await;
    assert_eq!(replaced.status, 200, "{replaced:?}");
    assert_eq!(replaced.json()["city"], Value::Null);
    assert_eq!(
        replaced.json()["accountStatus"],
        "inactive",
        "not by forgetting to say it"
    );
    let kept = world
        .send(ask("GET", &format!("/scim/v2/Users/{id}")).by("reader"))
        .await;
    assert_eq!(kept.json()["title"], "Dr", "what is no property stays");

    let deleted = world.send(bare("DELETE", &path_of(&user))).await;
    assert_eq!(deleted.status, 200);
    assert_eq!(deleted.json(), replaced.json());
    let gone = world.send(bare("GET", &path_of(&user))).await;
    let told = error(&gone, 404);
    assert!(
        told.starts_with("No Such Entry: The search base entry &#39;fr-idm-uuid&#61;"),
        "{told}"
    );
    let gone = world
        .send(ask("GET", &format!("/scim/v2/Users/{id}")).by("reader"))
        .await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn answers_have_the_header_fields_of_the_service() {
    let world = World::start().await;
    let create = put("POST", &format!("{USERS}?_action=create"), &person("amir"))
        .header("X-ForgeRock-TransactionId", "frodo-1");
    let answer = world.send(create).await;
    let body = answer.json();
    let id = body["_id"].as_str().unwrap();
    for (name, value) in [
        ("location", format!("http://id.example.com{USERS}/{id}")),
        ("etag", format!("\"{}\"", body["_rev"].as_str().unwrap())),
        ("x-forgerock-transactionid", "frodo-1".into()),
        ("cache-control", "no-store".into()),
        ("pragma", "no-cache".into()),
        ("x-frame-options", "DENY".into()),
        ("content-api-version", String::new()),
    ] {
        assert!(
            answer.header(name) == value
                || (name == "location" && answer.header(name).ends_with(&format!("{USERS}/{id}"))),
            "{name}: {answer:?}"
        );
    }
    let first: Vec<&String> = body.as_object().unwrap().keys().take(2).collect();
    assert_eq!(first, ["_id", "_rev"]);
    let missing = world.send(bare("GET", &format!("{USERS}/none"))).await;
    assert_eq!(
        missing.header("content-api-version"),
        "protocol=2.1,resource=1.0"
    );
    assert_eq!(missing.header("etag"), "");
    assert!(!missing.header("x-forgerock-transactionid").is_empty());
}

#[tokio::test]
async fn put_creates_updates_or_does_either() {
    let world = World::start().await;
    let id = "0F2C6A0E-2c57-4b6e-9a2b-6f1d2f0f8f11";
    let path = format!("{USERS}/{id}");
    let send = async |body: &Value, name: &str, value: &str| {
        let ask = put("PUT", &path, body);
        let ask = if name.is_empty() {
            ask
        } else {
            ask.header(name, value)
        };
        world.send(ask).await
    };
    let mut body = person("amir");
    body["cn"] = json!("A. Okoye");
    error(&send(&body, "If-Match", "*").await, 404);
    let created = send(&body, "If-None-Match", "*").await;
    assert_eq!(created.status, 201, "{created:?}");
    let created = created.json();
    assert_eq!(created["_id"], id.to_lowercase());
    let again = error(&send(&body, "If-None-Match", "*").await, 412);
    assert!(again.starts_with("Entry Already Exists"), "{again}");
    let same = send(&body, "", "").await;
    assert_eq!(
        (same.status, same.header("x-not-modified")),
        (200, "true".into()),
        "{same:?}"
    );
    assert_eq!(same.json()["_rev"], created["_rev"]);
    let revision = created["_rev"].as_str().unwrap();
    let mut moved = body.clone();
    moved["city"] = json!("Bern");
    moved["_id"] = json!(id);
    moved["effectiveRoles"] = json!([]);
    let moved_once = send(&moved, "If-Match", revision).await;
    assert_eq!(moved_once.status, 200, "{moved_once:?}");
    assert_eq!(moved_once.header("x-not-modified"), "");
    error(
        &send(&moved, "If-Match", &format!("\"{revision}\"")).await,
        412,
    );
    assert_eq!(send(&moved, "If-Match", "*").await.status, 200);
    moved["_id"] = json!("other");
    assert!(error(&send(&moved, "", "").await, 400).starts_with("Not Allowed on RDN"));
    let upsert = put(
        "PUT",
        &format!("{USERS}/{}", id.replace("0F", "1F")),
        &person("zoe"),
    );
    assert_eq!(world.send(upsert).await.status, 201);
    let named = put("PUT", &format!("{USERS}/bob"), &person("bob"));
    assert!(error(&world.send(named).await, 400).starts_with("Invalid Attribute Syntax"));
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let world = World::start().await;
    let user = create(&world, &person("amir")).await;
    let path = path_of(&user);
    let patched = async |operations: Value| world.send(put("PATCH", &path, &operations)).await;
    let city = json!([{ "operation": "replace", "field": "/city", "value": "Bern" }]);
    let first = patched(city.clone()).await;
    assert_eq!(
        (first.status, first.json()["city"].clone()),
        (200, json!("Bern"))
    );
    let second = patched(city).await;
    assert_eq!(second.header("x-not-modified"), "true");
    assert_eq!(second.header("etag"), first.header("etag"));
    let many = patched(json!([
        { "operation": "add", "field": "/frIndexedMultivalued1/-", "value": "blue" },
        { "operation": "remove", "field": "/city" },
        { "operation": "add", "field": "frUnindexedInteger1", "value": 1 },
        { "operation": "increment", "field": "frUnindexedInteger1", "value": 2 },
        { "operation": "copy", "from": "/sn", "field": "/description" },
        { "operation": "replace", "field": "/accountStatus", "value": "inactive" },
        { "operation": "add", "field": "/preferences/marketing", "value": true },
    ]))
    .await;
    assert_eq!(many.status, 200, "{many:?}");
    let body = many.json();
    for (name, value) in [
        ("frIndexedMultivalued1", json!(["blue"])),
        ("city", json!(null)),
        ("frUnindexedInteger1", json!(3)),
        ("description", json!("Okoye")),
        ("accountStatus", json!("inactive")),
        ("preferences", json!({ "marketing": true })),
    ] {
        assert_eq!(body[name], value, "{name}");
    }
    let by_action = put(
        "POST",
        &format!("{path}?_action=patch"),
        &json!([
            { "operation": "remove", "field": "/description" },
        ]),
    );
    assert_eq!(
        world.send(by_action).await.json()["description"],
        Value::Null
    );
    let by_query = |filter: &str| {
        put(
            "POST",
            &format!("{USERS}?_action=patch&_queryFilter={filter}"),
            &json!([{ "operation": "add", "field": "/city", "value": "Basel" }]),
        )
    };
    let found = world.send(by_query("userName+eq+%22amir%22")).await;
    assert_eq!(found.json()["city"], "Basel", "{found:?}");
    error(&world.send(by_query("userName+eq+%22none%22")).await, 404);
    create(&world, &person("zoe")).await;
    error(&world.send(by_query("true")).await, 500);
    let stale = put("PATCH", &path, &json!([])).header("If-Match", "\"0\"");
    error(&world.send(stale).await, 412);
}

#[tokio::test]
async fn a_manager_is_a_reference() {
    let world = World::start().await;
    let boss = create(&world, &person("boss")).await;
    let user = create(&world, &person("amir")).await;
    let id = boss["_id"].as_str().unwrap();
    let reference = json!({ "_ref": format!("managed/alpha_user/{id}") });
    let set = json!([{ "operation": "replace", "field": "/manager", "value": reference }]);
    let set = world.send(put("PATCH", &path_of(&user), &set)).await;
    assert_eq!(set.status, 200, "{set:?}");
    assert!(set.json().get("manager").is_none(), "shown on request only");
    let read = world
        .send(bare(
            "GET",
            &format!("{}?_fields=manager,sn", path_of(&user)),
        ))
        .await;
    assert_eq!(read.json()["manager"]["_refResourceId"], id, "{read:?}");
    assert_eq!(read.json().as_object().unwrap().len(), 4);
    let query = format!("{USERS}?_queryFilter=/manager/_refResourceId+eq+%22{id}%22");
    assert_eq!(
        world.send(bare("GET", &query)).await.json()["resultCount"],
        1
    );
    let missing = json!([{ "operation": "replace", "field": "/manager",
        "value": { "_ref": "managed/alpha_user/00000000-0000-4000-8000-000000000000" } }]);
    let told = error(
        &world.send(put("PATCH", &path_of(&user), &missing)).await,
        400,
    );
    assert!(told.contains("does not exist"), "{told}");
    let unset = json!([{ "operation": "remove", "field": "/manager" }]);
    assert_eq!(
        world
            .send(put("PATCH", &path_of(&user), &unset))
            .await
            .status,
        200
    );
    assert_eq!(
        world.send(bare("GET", &query)).await.json()["resultCount"],
        0
    );
}

#[tokio::test]
async fn a_group_is_named_by_its_identifier() {
    const GROUPS: &str = "/openidm/managed/alpha_group";
    let world = World::start().await;
    let body = json!({ "name": "Staff & Co", "description": "all" });
    let made = world.send(put("POST", GROUPS, &body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json()["_id"], "Staff & Co");
    assert!(
        made.header("location")
            .ends_with("/alpha_group/Staff%20%26%20Co"),
        "{made:?}"
    );
    let again = error(&world.send(put("POST", GROUPS, &body)).await, 412);
    assert!(
        again.contains("cn&#61;Staff &amp; Co,ou&#61;groups"),
        "{again}"
    );
    let path = format!("{GROUPS}/Staff%20%26%20Co");
    let read = world.send(bare("GET", &path)).await;
    assert_eq!(read.json()["description"], "all");
    let rename = json!([{ "operation": "replace", "field": "/name", "value": "Other" }]);
    let renamed = world.send(put("PATCH", &path, &rename)).await;
    error(&renamed, 403);
    assert_eq!(
        renamed.json()["detail"]["failedPolicyRequirements"][0]["policyRequirements"][0]["policyRequirement"],
        "ID_MUST_EQUAL_PROPERTY"
    );
    let filter = "/scim/v2/Groups?filter=displayName+eq+%22staff+%26+co%22";
    let scim = world.send(ask("GET", filter).by("reader")).await.json();
    assert_eq!(scim["totalResults"], 1, "{scim}");
    let version = scim["Resources"][0]["meta"]["version"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(version, format!("W/{}", read.header("etag")));

    let other = json!({ "schemas": [crate::world::GROUP], "displayName": "Made by SCIM" });
    let other = world
        .send(ask("POST", "/scim/v2/Groups").by("writer").json(&other))
        .await
        .json();
    let path_of_other = format!("{GROUPS}/{}", other["id"].as_str().unwrap());
    let seen = world.send(bare("GET", &path_of_other)).await.json();
    assert_eq!(
        (seen["_id"].clone(), seen["name"].clone()),
        (other["id"].clone(), json!("Made by SCIM"))
    );
    let described = json!([{ "operation": "add", "field": "/description", "value": "d" }]);
    assert_eq!(
        world
            .send(put("PATCH", &path_of_other, &described))
            .await
            .status,
        200
    );
    let gone = world.send(bare("DELETE", &path)).await;
    assert_eq!(gone.json()["_id"], "Staff & Co");
    error(&world.send(bare("GET", &path)).await, 404);
}

#[tokio::test]
async fn a_field_can_be_content_of_its_own() {
    let world = World::start().await;
    let mut user = person("amir");
    user["description"] = json!("aGVsbG8");
    let user = create(&world, &user).await;
    let read = async |query: &str| {
        world
            .send(bare("GET", &format!("{}?{query}", path_of(&user))))
            .await
    };
    let plain = read("_fields=description&_mimeType=text/plain").await;
    assert_eq!(
        (plain.header("content-type"), plain.body),
        ("text/plain".into(), b"aGVsbG8".to_vec())
    );
    let bytes = read("_fields=description&_mimeType=image/png").await;
    assert_eq!(
        (bytes.header("content-type"), bytes.body),
        ("image/png".into(), b"hello".to_vec())
    );
    let pretty = read("_fields=sn&_prettyPrint=true").await;
    assert!(
        String::from_utf8(pretty.body)
            .unwrap()
            .contains("\n  \"sn\": \"Okoye\"")
    );
}

#[tokio::test]
async fn a_synchronization_is_checked_of_one_or_of_many() {
    let world = World::start().await;
    for name in ["amir", "noor", "zoe"] {
        create(&world, &person(name)).await;
    }
    let check = async |parameters: &str| {
        let path = format!("{USERS}?_action=triggerSyncCheck{parameters}");
        let answer = world.send(put("POST", &path, &json!({}))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    assert_eq!(
        check("").await,
        json!({ "status": "OK", "countTriggered": 3 })
    );
    let some = check("&_queryFilter=userName+sw+%22n%22").await;
    assert_eq!(some["countTriggered"], 1);
}
