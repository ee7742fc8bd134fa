//! Nothing of one tenant reaches another.

use serde_json::{Value, json};

use crate::server::{Client, GROUP, Server, USER, run};

fn tenant(server: &Server, name: &str) -> Client {
    tenant_with(server, name, "write")
}

/// A tenant, and a client of it with the role.
fn tenant_with(server: &Server, name: &str, role: &str) -> Client {
    let data = server.data.to_str().unwrap();
    let host = format!("{name}.example");
    let created = run(&["tenant", "create", name, "--host", &host, "--data", data]);
    assert!(
        created.status.success(),
        "{}",
        String::from_utf8_lossy(&created.stderr)
    );
    let created = run(&[
        "client", "create", "app", "--tenant", name, "--role", role, "--data", data,
    ]);
    let said = String::from_utf8(created.stdout).unwrap();
    let secret = said
        .lines()
        .find_map(|line| line.strip_prefix("secret (shown once): "))
        .unwrap();
    Client::new(server.address, &format!("app:{secret}")).with_host(&host)
}

#[test]
fn tenants_do_not_see_each_other() {
    let server = Server::start();
    let (a, b) = (tenant(&server, "a"), tenant(&server, "b"));
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let of_a = a.user("bj");
    let of_b = b.user("bj");
    let group = b.group("staff");
    assert_eq!(a.get("/Users").body()["totalResults"], 1);
    a.get(&format!("/Users/{of_b}")).refusal(404);
    a.get("/Users/no-such-id").refusal(404);
    a.patch(
        &format!("/Groups/{group}"),
        &json!([{ "op": "remove", "path": "members" }]),
    )
    .refusal(404);
    assert_eq!(
        a.send("DELETE", &format!("/scim/v2/Users/{of_b}"), None)
            .status,
        404
    );
    let foreign = json!({ "schemas": [GROUP], "displayName": "g", "members": [{ "value": of_b }] });
    a.post("/Groups", &foreign).refusal(400);
    for filter in [
        format!("id%20eq%20%22{of_b}%22"),
        "userName%20eq%20%22bj%22".into(),
    ] {
        let body = a.get(&format!("/Users?filter={filter}")).body();
        let listed = body["Resources"].as_array().cloned().unwrap_or_default();
        assert!(
            listed.iter().all(|user| user["id"] == of_a.as_str()),
            "{body}"
        );
    }
    // The credentials of one are none for the other, and a token is bound to its tenant.
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let grant = Some(&b"grant_type=client_credentials"[..]);
    let token = a
        .try_send("POST", "/oauth2/v1/token", &form, grant)
        .unwrap()
        .body();
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    assert_eq!(a.with_authorization(&bearer).get("/Users").status, 200);
    b.with_authorization(&bearer).get("/Users").refusal(401);
    a.with_host("b.example").get("/Users").refusal(401);
    let detail = a.with_host("c.example").get("/Users").refusal(404);
    assert!(detail.contains("c.example"), "{detail}");
}

/// Administers the stage of the client's tenant.
fn stage(client: &Client, method: &str, path: &str, body: Option<&Value>) -> Value {
    let bytes = body.map(|body| body.to_string().into_bytes());
    let json = [("Content-Type", "application/json")];
    let path = format!("/civitas/v1/{path}");
    let answer = client.try_send(method, &path, &json, bytes.as_deref());
    let answer = answer.unwrap();
    assert!(answer.status < 300, "{method} {path}: {}", answer.text);
    serde_json::from_str(&answer.text).unwrap_or_default()
}

/// A round of a tester who has the tenant to itself: whatever it sees is its own.
fn round(client: &Client, name: &str, token: &Client) {
    stage(
        client,
        "POST",
        "reset",
        Some(&json!({ "snapshot": "start" })),
    );
    let reset_ended = token.get("/Users?count=0");
    reset_ended.refusal(401);
    let clock = json!({ "now": "2030-01-01T00:00:00Z", "frozen": true, "seed": 7 });
    let advance = json!({ "advance_ms": name.len() });
    stage(client, "PUT", "clock", Some(&clock));
    let moved = stage(client, "PUT", "clock", Some(&advance));
    let rule = json!({ "match": { "method": "PUT" }, "answer": "503" });
    stage(client, "POST", "rehearsals", Some(&rule));
    assert_eq!(
        stage(client, "GET", "rehearsals", None)
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let mut ids = Vec::new();
    for at in 0..5 {
        ids.push(client.user(&format!("{name}-{at}")));
    }
    let listed = client.get("/Users").body();
    assert_eq!(listed["totalResults"], 6, "{listed}");
    for user in listed["Resources"].as_array().unwrap() {
        let own = user["userName"].as_str().unwrap();
        assert!(own.starts_with(name), "{own} is not {name}'s");
        if own != name {
            assert_eq!(user["meta"]["created"], moved["now"]);
        }
    }
    let put = client.send("PUT", &format!("/scim/v2/Users/{}", ids[0]), None);
    put.refusal(503);
    let delta = client.send("DELETE", &format!("/scim/v2/Users/{}", ids[1]), None);
    assert_eq!(delta.status, 204);
    let count =
        |query: &str| stage(client, "GET", &format!("ledger/count{query}"), None)["count"].clone();
    assert_eq!(count("?method=POST&status=201"), 5);
    assert_eq!(count("?method=PUT&status=503"), 1);
}

/// The client with a token in place of its secret.
fn with_token(client: &Client) -> Client {
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let grant = Some(&b"grant_type=client_credentials"[..]);
    let answer = client.try_send("POST", "/oauth2/v1/token", &form, grant);
    let token = answer.unwrap().body();
    client.with_authorization(&format!(
        "Bearer {}",
        token["access_token"].as_str().unwrap()
    ))
}

#[test]
fn tenants_that_are_reset_side_by_side_do_not_see_each_other() {
    const ROUNDS: usize = 20;
    let server = Server::start();
    let names = ["left", "right-hand"];
    let testers = names.map(|name| tenant_with(&server, name, "administer"));
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    for (client, name) in testers.iter().zip(names) {
        client.user(name);
        stage(client, "PUT", "snapshots/start", None);
    }
    // Of the same seed come the same ids: it is the tenant that keeps them apart.
    std::thread::scope(|scope| {
        for (client, name) in testers.iter().zip(names) {
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    let token = with_token(client);
                    assert_eq!(token.get("/Users?count=0").status, 200);
                    round(client, name, &token);
                }
            });
        }
    });
}

#[test]
fn a_role_allows_what_it_says() {
    let server = Server::start();
    let data = server.data.to_str().unwrap();
    let created = run(&[
        "client", "create", "reader", "--role", "read", "--data", data,
    ]);
    let said = String::from_utf8(created.stdout).unwrap();
    let secret = said
        .lines()
        .find_map(|line| line.strip_prefix("secret (shown once): "))
        .unwrap();
    let reader = Client::new(server.address, &format!("reader:{secret}"));
    let user = json!({ "schemas": [USER], "userName": "x" });
    assert_eq!(reader.get("/Users").status, 200);
    let detail = reader.post("/Users", &user).refusal(403);
    assert!(detail.contains("write"), "{detail}");
    let detail = reader.with_authorization("").get("/Users").refusal(401);
    assert!(!detail.is_empty());
    let disabled = run(&["client", "disable", "reader", "--data", data]);
    assert!(disabled.status.success());
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    reader.get("/Users").refusal(401);
}
