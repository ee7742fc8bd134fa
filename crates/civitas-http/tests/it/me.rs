//! Tokens of users (RFC 8693), and `/Me` (RFC 7644 §3.11).

use serde_json::{Value, json};

use crate::world::{Answer, PATCH_OP, USER, World, ask, basic};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ENCODED: &str = "a+secret%2C%20with%3a+signs";
const EXCHANGE: &str = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange";
const BY_ID: &str = "urn:ietf:params:scim:schemas:core:2.0:User:id";
const BY_NAME: &str = "urn:ietf:params:scim:schemas:core:2.0:User:userName";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

impl World {
    async fn exchange(&self, client: &str, form: &str) -> Answer {
        let form = format!("{EXCHANGE}&{form}");
        let ask = ask("POST", "/oauth2/v1/token").form(&form);
        self.send(ask.header("Authorization", &basic(client, ENCODED)))
            .await
    }

    /// A token of a user, with roles besides.
    pub(crate) async fn user_token(&self, user: &Value, scope: &str) -> String {
        let id = user["id"].as_str().unwrap();
        let form = format!("subject_token={id}&subject_token_type={BY_ID}&scope={scope}");
        let answer = self.exchange("admin", &form).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    async fn me(&self, token: &str, method: &str, body: Option<&Value>) -> Answer {
        let ask = ask(method, "/scim/v2/Me").bearer(token);
        match body {
            Some(body) => self.send(ask.json(body)).await,
            None => self.send(ask).await,
        }
    }
}

fn patch(operations: &Value) -> Value {
    json!({ "schemas": [PATCH_OP], "Operations": operations })
}

#[tokio::test]
async fn an_administering_client_gets_tokens_for_users() {
    let world = World::start().await;
    let user = world.user("Björn +1").await;
    let id = user["id"].as_str().unwrap();
    let by_id = format!("subject_token={id}&subject_token_type={BY_ID}");
    let by_name = format!("subject_token=bj%C3%B6rn+%2B1&subject_token_type={BY_NAME}");
    for form in [
        by_id.clone(),
        by_name,
        format!("{by_id}&requested_token_type={ACCESS_TOKEN}"),
    ] {
        let answer = world.exchange("admin", &form).await;
        assert_eq!(answer.status, 200, "{form}: {answer:?}");
        assert_eq!(answer.header("cache-control"), "no-store");
        let body = answer.json();
        assert_eq!(body["issued_token_type"], ACCESS_TOKEN);
        assert_eq!(body["token_type"], "Bearer");
        assert!(body.get("scope").is_none(), "{body}");
        let token = body["access_token"].as_str().unwrap();
        let me = world.me(token, "GET", None).await;
        assert_eq!((me.status, me.json()), (200, user.clone()));
        for name in ["location", "content-location"] {
            assert_eq!(me.header(name), user["meta"]["location"].as_str().unwrap());
        }
        let head = world.me(token, "HEAD", None).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
    }
    let invalid = "invalid_request";
    for (client, form, error) in [
        ("writer", by_id.as_str(), "unauthorized_client"),
        ("nobody", &by_id, "unauthorized_client"),
        ("admin", "", invalid),
        ("admin", &format!("subject_token={id}"), invalid),
        (
            "admin",
            &format!("{by_id}&requested_token_type=urn:x"),
            invalid,
        ),
        ("admin", &format!("{by_id}&actor_token=x"), invalid),
        (
            "admin",
            &format!("{by_id}&scope=everything"),
            "invalid_scope",
        ),
        (
            "admin",
            &format!("subject_token=nosuch&subject_token_type={BY_ID}"),
            invalid,
        ),
        (
            "admin",
            &format!("subject_token=nosuch&subject_token_type={BY_NAME}"),
            invalid,
        ),
        (
            "admin",
            &format!("subject_token={id}&subject_token_type=urn:x"),
            invalid,
        ),
    ] {
        let answer = world.exchange(client, form).await;
        assert_eq!(answer.status, 400, "{client} {form}");
        assert_eq!(answer.json()["error"], error, "{client} {form}");
    }
}

#[tokio::test]
async fn users_act_on_themselves_alone() {
    let world = World::start().await;
    let (user, other) = (world.user("one").await, world.user("two").await);
    let token = world.user_token(&user, "").await;
    let location = user["meta"]["location"].as_str().unwrap();
    let title = json!([{ "op": "add", "path": "title", "value": "Dr" }]);
    let patched = world.me(&token, "PATCH", Some(&patch(&title))).await;
    assert_eq!(
        (patched.status, &patched.json()["title"]),
        (200, &json!("Dr"))
    );
    assert_eq!(patched.header("location"), location);
    let body = json!({ "schemas": [USER], "userName": "one", "nickName": "O" });
    let put = world.me(&token, "PUT", Some(&body)).await;
    assert_eq!(
        (put.status, put.header("location").as_str()),
        (200, location)
    );
    assert_eq!(put.json()["meta"]["location"], location);
    assert!(put.json().get("title").is_none());
    let stale = ask("PATCH", "/scim/v2/Me").bearer(&token);
    let stale = stale.header("If-Match", "W/\"0\"").json(&patch(&title));
    assert_eq!(world.send(stale).await.scim_error(412), "");

    for (method, path) in [
        ("GET", "/scim/v2/Users".to_owned()),
        (
            "GET",
            format!("/scim/v2/Users/{}", user["id"].as_str().unwrap()),
        ),
        (
            "DELETE",
            format!("/scim/v2/Users/{}", other["id"].as_str().unwrap()),
        ),
        ("GET", "/scim/v2/Schemas".to_owned()),
        ("DELETE", "/scim/v2/Me".to_owned()),
    ] {
        let answer = world.send(ask(method, &path).bearer(&token)).await;
        assert_eq!(answer.scim_error(403), "", "{method} {path}");
    }
    assert_eq!(
        world.me(&token, "POST", Some(&body)).await.scim_error(501),
        ""
    );
}

#[tokio::test]
async fn users_do_not_change_what_others_decide() {
    let world = World::start().await;
    let body = json!({
        "schemas": [USER, ENTERPRISE],
        "userName": "one",
        "externalId": "x1",
        "roles": [{ "value": "auditor" }],
        ENTERPRISE: { "employeeNumber": "7" },
    });
    let create = ask("POST", "/scim/v2/Users").by("admin").json(&body);
    let user = world.send(create).await.json();
    let token = world.user_token(&user, "").await;
    for path in ["userName", "externalId", "emails[type eq \"work\"].value"] {
        let operations = json!([{ "op": "add", "path": path, "value": "x2" }]);
        let answer = world.me(&token, "PATCH", Some(&patch(&operations))).await;
        assert_eq!(answer.scim_error(403), "", "{path}");
    }
    let remove = json!([{ "op": "remove", "path": ENTERPRISE }]);
    let answer = world.me(&token, "PATCH", Some(&patch(&remove))).await;
    assert_eq!(answer.scim_error(403), "");
    let renamed = json!({ "schemas": [USER], "userName": "other" });
    assert_eq!(
        world
            .me(&token, "PUT", Some(&renamed))
            .await
            .scim_error(403),
        ""
    );
    assert_eq!(world.me(&token, "GET", None).await.json(), user);

    let kept = json!({ "schemas": [USER], "userName": "one", "password": "correct horse" });
    let put = world.me(&token, "PUT", Some(&kept)).await;
    assert_eq!(put.status, 200, "{put:?}");
    for name in ["externalId", "roles", ENTERPRISE, "schemas"] {
        assert_eq!(put.json()[name], user[name], "{name}");
    }
    // With the role to change others, users change themselves as they would these.
    let token = world.user_token(&user, "write").await;
    let operations = json!([{ "op": "replace", "path": "userName", "value": "two" }]);
    assert_eq!(
        world
            .me(&token, "PATCH", Some(&patch(&operations)))
            .await
            .status,
        200
    );
    let deleted = world.me(&token, "DELETE", None).await;
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    assert_eq!(
        deleted.header("location"),
        user["meta"]["location"].as_str().unwrap()
    );
    assert_eq!(world.me(&token, "GET", None).await.scim_error(401), "");
}

#[tokio::test]
async fn a_token_is_as_good_as_its_user() {
    let world = World::start().await;
    let user = world.user("one").await;
    let token = world.user_token(&user, "read").await;
    let list = || ask("GET", "/scim/v2/Users").bearer(&token);
    assert_eq!(world.send(list()).await.status, 200);
    let path = format!("/scim/v2/Users/{}", user["id"].as_str().unwrap());
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    let off = ask("PATCH", &path).by("admin").json(&patch(&off));
    assert_eq!(world.send(off).await.status, 200);
    assert_eq!(world.send(list()).await.scim_error(401), "");
    let form = format!("subject_token=one&subject_token_type={BY_NAME}");
    assert_eq!(world.exchange("admin", &form).await.status, 400);
}

#[tokio::test]
async fn others_have_no_resource_of_their_own() {
    let world = World::start().await;
    let token = world.token("writer", "write").await;
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let body = json!({});
        let answer = world.me(&token, method, Some(&body)).await;
        assert_eq!(answer.scim_error(404), "", "{method}");
    }
    let post = world.me(&token, "POST", Some(&json!({}))).await;
    assert_eq!(post.scim_error(501), "");
    assert_eq!(
        world.send(ask("GET", "/scim/v2/Me")).await.scim_error(401),
        ""
    );
}
