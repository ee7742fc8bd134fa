//! Nothing of one tenant reaches another.

use serde_json::json;

use crate::server::{Client, GROUP, Server, USER, run};

fn tenant(server: &Server, name: &str) -> Client {
    let data = server.data.to_str().unwrap();
    let host = format!("{name}.example");
    let created = run(&["tenant", "create", name, "--host", &host, "--data", data]);
    assert!(
        created.status.success(),
        "{}",
        String::from_utf8_lossy(&created.stderr)
    );
    let created = run(&[
        "client", "create", "app", "--tenant", name, "--role", "write", "--data", data,
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
