//! Exchanges with the service as its clients know them, replayed: statuses, header fields, and
//! which members the bodies have.

use serde_json::{Value, json};

use super::{USERS, accounts, bare, create, path_of, person, put};
use crate::world::{Answer, World, ask};

/// The members of a body, in their order.
fn members(body: &Value) -> Vec<&str> {
    let members = body.as_object().into_iter().flatten();
    members.map(|(name, _)| name.as_str()).collect()
}

/// Checks the members of an object that is shown whole: the identifier and the revision come
/// first, the rest in any order.
fn check_members(body: &Value, expected: &[&str]) {
    let mut names = members(body);
    assert_eq!(names[..2], ["_id", "_rev"]);
    names.sort_unstable();
    let mut expected: Vec<&str> = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

fn check_revision(answer: &Answer) {
    let revision = answer.json()["_rev"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("etag"), format!("\"{revision}\""));
}

/// Every property of a user that a read shows.
fn shown() -> Vec<String> {
    let mut names: Vec<String> = [
        "_id",
        "_rev",
        "userName",
        "givenName",
        "sn",
        "cn",
        "mail",
        "accountStatus",
        "description",
        "telephoneNumber",
        "postalAddress",
        "city",
        "postalCode",
        "country",
        "stateProvince",
        "displayName",
        "profileImage",
        "preferences",
        "kbaInfo",
        "aliasList",
        "consentedMappings",
        "effectiveRoles",
        "effectiveAssignments",
        "effectiveGroups",
        "effectiveApplications",
        "memberOfOrgIDs",
        "assignedDashboard",
        "devicePrintProfiles",
        "deviceProfiles",
        "oathDeviceProfiles",
        "pushDeviceProfiles",
        "webauthnDeviceProfiles",
        "passwordLastChangedTime",
        "passwordExpirationTime",
    ]
    .map(str::to_owned)
    .into();
    for (family, count) in [
        ("frIndexedString", 20),
        ("frUnindexedString", 5),
        ("frIndexedMultivalued", 5),
        ("frUnindexedMultivalued", 5),
        ("frIndexedDate", 5),
        ("frUnindexedDate", 5),
        ("frIndexedInteger", 5),
        ("frUnindexedInteger", 5),
    ] {
        names.extend((1..=count).map(|number| format!("{family}{number}")));
    }
    names
}

async fn amir(world: &World) -> Value {
    let body = json!({
        "userName": "amir", "givenName": "Amir", "sn": "Okoye", "mail": "amir@example.org",
        "password": "Blue-Kettle-42",
    });
    let answer = world
        .send(put("POST", &format!("{USERS}?_action=create"), &body))
        .await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let user = answer.json();
    let names = shown();
    check_members(&user, &names.iter().map(String::as_str).collect::<Vec<_>>());
    check_revision(&answer);
    assert!(answer.header("location").ends_with(&path_of(&user)));
    assert!(answer.header("location").starts_with("http://"));
    for (name, value) in [
        ("cn", json!("Amir Okoye")),
        ("accountStatus", json!("active")),
        ("description", json!(null)),
        ("kbaInfo", json!([])),
        ("effectiveRoles", json!([])),
        ("frIndexedString1", json!(null)),
        ("frUnindexedMultivalued5", json!([])),
    ] {
        assert_eq!(user[name], value, "{name}");
    }
    user
}

#[tokio::test]
async fn signing_in() {
    let world = World::start().await;
    let id = accounts::account(&world, &["fr:idm:*"]).await;
    let assertion = accounts::signed(&accounts::claims(&id));
    let refused = accounts::grant(&world, &assertion, "fr:idm:* fr:iga:*").await;
    assert_eq!(refused.status, 400);
    let told = json!({
        "error_description": "Unsupported scope for service account: fr:iga:*",
        "error": "invalid_scope",
    });
    assert_eq!(refused.json(), told);
    assert_eq!(members(&refused.json()), ["error_description", "error"]);
    let granted = accounts::grant(&world, &assertion, "fr:idm:*").await;
    assert_eq!(granted.status, 200, "the same assertion is used again");
    assert_eq!(
        members(&granted.json()),
        ["access_token", "scope", "token_type", "expires_in"]
    );
}

#[tokio::test]
async fn creating_and_being_refused_by_policy() {
    let world = World::start().await;
    amir(&world).await;
    let again = json!({ "userName": "amir", "givenName": "Amir", "mail": "nowhere" });
    let answer = world
        .send(put("POST", &format!("{USERS}?_action=create"), &again))
        .await;
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(
        answer.header("content-api-version"),
        "protocol=2.1,resource=1.0"
    );
    let failed = |requirement: &str, property: &str| {
        json!({
            "policyRequirements": [{ "policyRequirement": requirement }], "property": property,
        })
    };
    let told = json!({
        "code": 403, "reason": "Forbidden", "message": "Policy validation failed",
        "detail": {
            "result": false,
            "failedPolicyRequirements": [
                failed("VALID_USERNAME", "userName"),
                failed("REQUIRED", "sn"),
                failed("VALID_EMAIL_ADDRESS_FORMAT", "mail"),
            ],
        },
    });
    assert_eq!(answer.json().to_string(), told.to_string());
}

#[tokio::test]
async fn conditions_and_patches() {
    let world = World::start().await;
    let user = amir(&world).await;
    let path = path_of(&user);
    let revision = user["_rev"].as_str().unwrap();

    let known = bare("GET", &path).header("If-None-Match", &format!("\"{revision}\""));
    let known = world.send(known).await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    assert_eq!(known.header("etag"), format!("\"{revision}\""));

    let bern = json!([{ "operation": "replace", "field": "/city", "value": "Bern" }]);
    let stale = world
        .send(put("PATCH", &path, &bern).header("If-Match", "\"0\""))
        .await;
    assert_eq!(stale.status, 412);
    assert_eq!(members(&stale.json()), ["code", "reason", "message"]);
    let told = stale.json()["message"].as_str().unwrap().to_owned();
    let entry = format!(
        "Assertion Failed: Entry fr-idm-uuid&#61;{},ou&#61;user,o&#61;alpha,o&#61;root,\
         ou&#61;identities cannot be modified because ",
        user["_id"].as_str().unwrap()
    );
    assert!(told.starts_with(&entry), "{told}");

    let both = json!([
        { "operation": "add", "field": "/frIndexedMultivalued1/-", "value": "blue" },
        { "operation": "remove", "field": "/city" },
    ]);
    let patched = world.send(put("PATCH", &path, &both)).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(patched.json()["frIndexedMultivalued1"], json!(["blue"]));
    assert_ne!(patched.json()["_rev"], revision);
    check_revision(&patched);
    assert_eq!(patched.header("x-not-modified"), "");
    assert_eq!(patched.header("content-api-version"), "");

    let none = json!([{ "operation": "remove", "field": "/city" }]);
    let unchanged = world.send(put("PATCH", &path, &none)).await;
    assert_eq!(unchanged.status, 200);
    assert_eq!(unchanged.header("x-not-modified"), "true");
    assert_eq!(unchanged.header("etag"), patched.header("etag"));

    let null = json!([{ "operation": "replace", "field": "/city", "value": null }]);
    let refused = world.send(put("PATCH", &path, &null)).await;
    let told = json!({
        "code": 400, "reason": "Bad Request",
        "message": "The request could not be processed because the provided content is not a \
                    valid JSON patch: No value field provided for &#39;replace&#39; operation",
    });
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json().to_string(), told.to_string());
}

#[tokio::test]
async fn a_page_and_the_number_of_all() {
    let world = World::start().await;
    for (name, sn) in [
        ("abe", "Oduya"),
        ("zoe", "Ortega"),
        ("amir", "Okoye"),
        ("kim", "Li"),
    ] {
        let body = json!({
            "userName": name, "givenName": name, "sn": sn, "mail": format!("{name}@example.org"),
        });
        super::create(&world, &body).await;
    }
    let path = format!(
        "{USERS}?_queryFilter=sn%20sw%20%22o%22&_fields=userName,sn&_sortKeys=-userName\
         &_pageSize=2&_totalPagedResultsPolicy=EXACT"
    );
    let page = world.send(bare("GET", &path)).await;
    assert_eq!(page.status, 200);
    let body = page.json();
    assert_eq!(
        members(&body),
        [
            "result",
            "resultCount",
            "pagedResultsCookie",
            "totalPagedResultsPolicy",
            "totalPagedResults",
            "remainingPagedResults",
        ]
    );
    let rows = body["result"].as_array().unwrap();
    let names: Vec<_> = rows
        .iter()
        .map(|row| row["userName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["zoe", "amir"]);
    for row in rows {
        check_members(row, &["_id", "_rev", "userName", "sn"]);
    }
    assert_eq!(body["resultCount"], 2);
    assert_eq!(body["totalPagedResultsPolicy"], "EXACT");
    assert_eq!(body["totalPagedResults"], 3);
    assert_eq!(body["remainingPagedResults"], -1);
    assert!(body["pagedResultsCookie"].is_string());
    assert_eq!(
        (page.header("etag"), page.header("content-api-version")),
        Default::default()
    );
}

#[tokio::test]
async fn nothing_nobody_and_not_for_you() {
    let world = World::start().await;
    let path = format!("{USERS}/00000000-0000-4000-8000-000000000000");
    let told = json!({
        "code": 404, "reason": "Not Found",
        "message": "No Such Entry: The search base entry &#39;fr-idm-uuid&#61;\
                    00000000-0000-4000-8000-000000000000,ou&#61;user,o&#61;alpha,o&#61;root,\
                    ou&#61;identities&#39; does not exist",
    });
    let missing = world.send(bare("GET", &path)).await;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.json().to_string(), told.to_string());
    assert_eq!(
        missing.header("content-api-version"),
        "protocol=2.1,resource=1.0"
    );

    let nobody = world.send(ask("GET", &path)).await;
    assert_eq!(nobody.status, 401);
    let told = r#"{"code":401,"reason":"Unauthorized","message":"Access Denied"}"#;
    assert_eq!(nobody.body, told.as_bytes());
    assert_eq!(nobody.header("content-api-version"), "");

    let id = accounts::account(&world, &["fr:idm:*"]).await;
    let token = accounts::token(&world, &id, "fr:idm:*").await;
    let all = ask("GET", "/openidm/managed/svcacct?_queryFilter=true").bearer(&token);
    let forbidden = world.send(all).await;
    assert_eq!(forbidden.status, 403);
    let told = r#"{"code":403,"reason":"Forbidden","message":"Access denied"}"#;
    assert_eq!(forbidden.body, told.as_bytes());
    assert_eq!(forbidden.header("content-api-version"), "");
}

/// 6.8
#[tokio::test]
async fn roles_of_a_user() {
    let world = World::start().await;
    let user = create(&world, &person("amir")).await;
    let role = json!({ "name": "auditor", "description": "May look" });
    let role = put("PUT", "/openidm/managed/alpha_role/auditor", &role);
    let made = world.send(role.header("If-None-Match", "*")).await;
    assert_eq!(made.status, 201, "{made:?}");
    let roles = format!("{}/roles", path_of(&user));
    let reference = json!({ "_ref": "managed/alpha_role/auditor", "_refProperties": {} });
    let create = put("POST", &format!("{roles}?_action=create"), &reference);
    let granted = world.send(create).await;
    assert_eq!(granted.status, 201, "{granted:?}");
    let edge = granted.json();
    let own = json!({ "_id": edge["_id"], "_rev": edge["_rev"] });
    let expected = json!({
        "_id": edge["_id"],
        "_rev": edge["_rev"],
        "_ref": "managed/alpha_role/auditor",
        "_refResourceCollection": "managed/alpha_role",
        "_refResourceId": "auditor",
        "_refProperties": own,
    });
    assert_eq!(granted.json().to_string(), expected.to_string());
    let query = format!("{roles}?_queryFilter=true&_fields=name");
    let found = world.send(bare("GET", &query)).await.json();
    let row = json!({
        "_id": edge["_id"],
        "_rev": edge["_rev"],
        "name": "auditor",
        "_ref": "managed/alpha_role/auditor",
        "_refResourceCollection": "managed/alpha_role",
        "_refResourceId": "auditor",
        "_refResourceRev": found["result"][0]["_refResourceRev"],
        "_refProperties": own,
    });
    let envelope = json!({
        "result": [row], "resultCount": 1, "pagedResultsCookie": null,
        "totalPagedResultsPolicy": "NONE", "totalPagedResults": -1, "remainingPagedResults": -1,
    });
    assert_eq!(found.to_string(), envelope.to_string());
    let one = format!("{roles}/{}", edge["_id"].as_str().unwrap());
    let ended = world.send(bare("DELETE", &one)).await;
    assert_eq!((ended.status, ended.json()), (200, edge));
}

/// 6.10
#[tokio::test]
async fn a_variable() {
    let world = World::start().await;
    let path = "/environment/variables/esv-colour";
    let mut body = json!({ "valueBase64": "Ymx1ZQ==", "description": "a colour" });
    let refused = world.send(put("PUT", path, &body)).await;
    let told = "Variable type required; expressionType cannot be empty when creating new variables";
    assert_eq!(refused.status, 400, "{refused:?}");
    let expected = json!({ "code": 400, "message": told });
    assert_eq!(refused.json().to_string(), expected.to_string());
    body["expressionType"] = json!("string");
    let made = world.send(put("PUT", path, &body)).await;
    assert_eq!(made.status, 200, "{made:?}");
    let expected = json!({
        "_id": "esv-colour",
        "description": "a colour",
        "expressionType": "string",
        "lastChangeDate": "2026-01-02T03:04:05.678Z",
        "lastChangedBy": "writer",
        "loaded": false,
        "valueBase64": "Ymx1ZQ==",
    });
    assert_eq!(made.json().to_string(), expected.to_string());
}
