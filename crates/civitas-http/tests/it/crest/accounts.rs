//! Service accounts: tokens for signed assertions, and what they open.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::{USERS, error};
use crate::world::{Answer, HOST, NOW, World, ask};

const ACCOUNTS: &str = "/openidm/managed/svcacct";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An RSA key made for these tests (PKCS #1, in base64), which opens nothing else.
const KEY: &[&str] = &[
    "MIIEogIBAAKCAQEAjqZHNOdRNOElXC9kAaHN49EZgRMp9ALpuxBXdCfL5iFMk8KFaPML+dq/73zm+Eu6Mcak4ndmK8e3",
    "LsE9VAobanxHTuXcvHhMXWQhzKwkd812M0oAH17whHzTjZF5IOg3pYcfKxTySf31NsbHmMMrxD/vOOP3ESLgveeoj3k1",
    "AxX6Pu8Iyt4WSr11H1Ni0jcW5V8MUq9GTvegCNIQiYfcGdnG6peoBxxRZB7NRh1UXiTzJY4Yy7swK7+I/kDHjtzih9RO",
    "Jo7yLCBicttmG56Y0LGXd7rGYOoFeYT7KmgQBUQBXKPA/oDkrRJ2rnW3t5tWHKTt0AAj+eTEylnGP2iPSwIDAQABAoIB",
    "AA6kHWHeLhUN2L5N9Oc/+rhbwVDgrSko1WGIS1mWLhTYLRprWDMN4xhJbfLAMJqidyFdwJWn6JosvO31EnzaLrcuu0jr",
    "Sc0kUb4yJU/zCSkssumPulR985S9lR8OI88PVorMRBQxaa7TfIQbQeg5e/gAEecWasjc+hEzwja7m4fN5e9lIgOn7uU7",
    "qqx+p51Wq+0RB3k/HY/VoKDJkrTbATArmvxs+hxe6mfTrJ84kKBl0vDyKFEdHNDIe2U7bkJdNpqY9FK8UsX7S95jV3dd",
    "KBbAAHCKlppYVP7SJWnKCpqRmvb98BkO9UbNPVWIHp2EX6POQZSX0xK0oDTI8ikC/zUCgYEAwET2zcU5u8gb455ln5nn",
    "MrN74i2xscmNbwI/bSwutq7g9qbJ9U5BvhYm4p6OypUKaTebfxkMy/kzw9663CSPU1dvBzcxzxTOwt9mSLWmc3XiWGYm",
    "vlN4t9PsdqrDG/g47sNQlF6gn/TClmQ4rBUGsplIBDUri7i/Ik2qFSWJSncCgYEAve7Q4bAbkdJmM2XlD+OQaMzmqhr/",
    "L5eUm+p/P2NL3LNZDq3zKk61NeZjrlX9j3oKBw4pDU8kYA2UdaYkc8lRHneZyB361PIOltDH1yJ30JBpUZUbazddze+d",
    "MJns6CdLrPDwaMany8eI5smkC4QFJwlGhPvrzdbv+ccHE3b1As0CgYAEX81JoyoMFqJjzE+9kM/MvH6eB7IaPF6mXuO4",
    "hR/O8i2WDvdbSFuAipp532eaPkfNWwGDo7tBzLqbwy53IbHNEJkrDdtpPazyjAiUsOVHjTAIGNLa06VUcVLY5EuqEDyj",
    "Wfg0V+7JlNT0fPU5HQVY/NnBlsAV3q8ihafP8VmtQwKBgGHBgAsY/Ceile2QXUQ/SP1XsMUOnhcdumRBXnr+nXYbbRPs",
    "HgLBfe0fBmEdayMkmfKlrCVofX1en/GpsItTq4e14RWpsIdXioC/NowY9ngHS92sk+8sEQDEejAgmVmnmACMBgC3dneg",
    "3GqEkAVJTumXkY8yplxMazkw4gh3qoVlAoGAQDONE7eUJLS7GmgG6MSiICuG65QSahzBRbFcOsOaMZ7BIW8LOlqIjZik",
    "QwERRvIrrgu4W7GweWkUuYgc2zaK1/gMUYU/Ubf94PMYz6pZoY7DilW0lcX+Tvm36/JE9KFJ3LNe16KbYq1Tqg/ZmxIf",
    "vo9TDJSVSNNWIJwv5ve1Y08=",
];

/// The modulus of its public half.
const MODULUS: &[&str] = &[
    "jqZHNOdRNOElXC9kAaHN49EZgRMp9ALpuxBXdCfL5iFMk8KFaPML-dq_73zm-Eu6Mcak4ndmK8e3LsE9VAobanxHTuXc",
    "vHhMXWQhzKwkd812M0oAH17whHzTjZF5IOg3pYcfKxTySf31NsbHmMMrxD_vOOP3ESLgveeoj3k1AxX6Pu8Iyt4WSr11",
    "H1Ni0jcW5V8MUq9GTvegCNIQiYfcGdnG6peoBxxRZB7NRh1UXiTzJY4Yy7swK7-I_kDHjtzih9ROJo7yLCBicttmG56Y",
    "0LGXd7rGYOoFeYT7KmgQBUQBXKPA_oDkrRJ2rnW3t5tWHKTt0AAj-eTEylnGP2iPSw",
];

fn keys() -> Value {
    json!({ "keys": [{ "kty": "RSA", "n": MODULUS.concat(), "e": "AQAB" }] })
}

pub(super) fn signed(claims: &Value) -> String {
    let der = BASE64_STANDARD.decode(KEY.concat()).unwrap();
    let header = Header::new(Algorithm::RS256);
    encode(&header, claims, &EncodingKey::from_rsa_der(&der)).unwrap()
}

/// The claims of a good assertion.
pub(super) fn claims(id: &str) -> Value {
    json!({
        "iss": id, "sub": id, "jti": "1", "exp": NOW.0 / 1_000 + 180,
        "aud": format!("http://{HOST}:80:80/am/oauth2/access_token"),
    })
}

pub(super) async fn account(world: &World, scopes: &[&str]) -> String {
    let body = json!({ "name": "frodo", "jwks": keys().to_string(), "scopes": scopes });
    let create = ask("POST", &format!("{ACCOUNTS}?_action=create"))
        .by("admin")
        .header("Content-Type", "application/json")
        .body(body.to_string());
    let answer = world.send(create).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let id = answer.json()["_id"].as_str().unwrap().to_owned();
    assert!(
        answer
            .header("location")
            .ends_with(&format!("{ACCOUNTS}/{id}"))
    );
    id
}

/// Asks for a token, in a form that is not encoded, as clients do.
pub(super) async fn grant(world: &World, assertion: &str, scope: &str) -> Answer {
    let form =
        format!("assertion={assertion}&client_id=service-account&grant_type={GRANT}&scope={scope}");
    world
        .send(ask("POST", "/am/oauth2/access_token").form(&form))
        .await
}

pub(super) async fn token(world: &World, id: &str, scope: &str) -> String {
    let answer = grant(world, &signed(&claims(id)), scope).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    assert_eq!(
        (&body["scope"], &body["expires_in"]),
        (&json!(scope), &json!(899))
    );
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["access_token", "scope", "token_type", "expires_in"]);
    body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_account_signs_in_and_manages_users() {
    let world = World::start().await;
    let id = account(&world, &["fr:am:*", "fr:idm:*"]).await;
    let token = token(&world, &id, "fr:am:* fr:idm:*").await;
    let by = |method: &str, path: &str| ask(method, path).bearer(&token);
    let version = world.send(by("GET", "/am/json/serverinfo/version")).await;
    assert_eq!(
        version.json()["version"]
            .as_str()
            .unwrap()
            .split('.')
            .count(),
        3
    );
    let own = world
        .send(by("GET", &format!("{ACCOUNTS}/{id}?_fields=*")))
        .await;
    assert_eq!(own.json()["name"], "frodo", "{own:?}");
    assert_eq!(own.json()["maxSessionTime"], "15");
    let create = by("POST", USERS)
        .header("Content-Type", "application/json")
        .body(super::person("amir").to_string());
    assert_eq!(world.send(create).await.status, 201);
    let count = by(
        "GET",
        &format!("{USERS}?_queryFilter=true&_pageSize=1000&_fields="),
    );
    assert_eq!(world.send(count).await.json()["resultCount"], 1);
    let login = world.send(by("GET", "/openidm/info/login")).await.json();
    assert_eq!(login["authorization"]["id"], id);
    assert_eq!(login["authorization"]["component"], "managed/svcacct");
    for (method, path) in [("GET", ACCOUNTS), ("GET", &format!("{ACCOUNTS}/other"))] {
        let path = format!("{path}?_queryFilter=true");
        let path = if path.contains("/other") {
            path.replace("?_queryFilter=true", "")
        } else {
            path
        };
        assert_eq!(
            error(&world.send(by(method, &path)).await, 403),
            "Access denied"
        );
    }
    let scim = world.send(by("GET", "/scim/v2/Users")).await;
    assert_eq!(
        scim.status, 200,
        "the scope of identities opens them in every view"
    );
}

#[tokio::test]
async fn a_token_opens_what_its_scopes_say() {
    let world = World::start().await;
    let id = account(&world, &["fr:am:*", "fr:idm:*", "fr:iga:*"]).await;
    let access = token(&world, &id, "fr:am:*").await;
    let get = |path: &str, token: &str| ask("GET", path).bearer(token);
    let users = format!("{USERS}?_queryFilter=true");
    assert_eq!(
        error(&world.send(get(&users, &access)).await, 403),
        "Access denied"
    );
    assert_eq!(world.send(get("/scim/v2/Users", &access)).await.status, 403);
    assert_eq!(
        world
            .send(get("/civitas/v1/settings", &access))
            .await
            .status,
        403
    );
    let identity = token(&world, &id, "fr:idm:*").await;
    assert_eq!(world.send(get(&users, &identity)).await.status, 200);
    let version = get("/am/json/serverinfo/version", &identity);
    assert_eq!(error(&world.send(version).await, 403), "Access denied");
    let public = world.send(ask("GET", "/am/json/serverinfo/*")).await;
    assert_eq!((public.status, &public.json()["realm"]), (200, &json!("/")));
    assert_eq!(
        public.header("content-type"),
        "application/json;charset=utf-8"
    );
    let newer = ask("GET", "/am/json/serverinfo/*").header("Accept-API-Version", "resource=1.1");
    assert_eq!(world.send(newer).await.status, 200);
    let basic = ask("GET", &users).by("reader");
    assert_eq!(
        world.send(basic).await.status,
        200,
        "clients with secrets go on"
    );
}

#[tokio::test]
async fn what_is_no_grant_says_why() {
    let world = World::start().await;
    let id = account(&world, &["fr:idm:*"]).await;
    let refused = |answer: &Answer, status: u16, code: &str, description: &str| {
        assert_eq!(answer.status, status, "{answer:?}");
        let body = json!({ "error_description": description, "error": code });
        assert_eq!(answer.json(), body);
        assert_eq!(answer.header("cache-control"), "no-store");
    };
    let scopes = grant(
        &world,
        &signed(&claims(&id)),
        "fr:idc:ws:admin fr:idm:* fr:iga:*",
    )
    .await;
    let told = "Unsupported scope for service account: fr:idc:ws:admin,fr:iga:*";
    refused(&scopes, 400, "invalid_scope", told);
    let with = |name: &str, value: Value| {
        let mut claims = claims(&id);
        claims[name] = value;
        signed(&claims)
    };
    let mut forged = signed(&claims(&id));
    forged.truncate(forged.len() - 8);
    forged.push_str("AAAAAAAA");
    for (assertion, told) in [
        (forged, "JWT signature is invalid"),
        ("junk".to_owned(), "JWT signature is invalid"),
        (
            with("aud", json!("https://evil.example/am/oauth2/access_token")),
            "incorrect audience in JWT",
        ),
        (with("exp", json!(NOW.0 / 1_000)), "JWT has expired"),
        (with("iss", json!("nobody")), "Unknown JWT issuer"),
        (with("iss", json!("admin")), "Unknown JWT issuer"),
        (
            with("sub", json!("nobody")),
            "JWT subject is not its issuer",
        ),
    ] {
        refused(
            &grant(&world, &assertion, "fr:idm:*").await,
            400,
            "invalid_grant",
            told,
        );
    }
    let form = async |form: &str| {
        world
            .send(ask("POST", "/am/oauth2/access_token").form(form))
            .await
    };
    refused(
        &form("client_id=x").await,
        401,
        "invalid_client",
        "Client authentication failed",
    );
    refused(
        &form("client_id=service-account&grant_type=password").await,
        400,
        "unsupported_grant_type",
        "Grant type is not supported: password",
    );
    refused(
        &form(&format!("client_id=service-account&grant_type={GRANT}")).await,
        400,
        "invalid_request",
        "Missing parameter, 'assertion'",
    );
    let typed = ask("POST", "/am/oauth2/access_token")
        .header("Content-Type", "text/plain")
        .body("x");
    refused(
        &world.send(typed).await,
        400,
        "invalid_request",
        "Invalid Content Type",
    );
    let get = world.send(ask("GET", "/am/oauth2/access_token")).await;
    refused(
        &get,
        405,
        "method_not_allowed",
        "Required Method: POST found: GET",
    );
}

#[tokio::test]
async fn administrators_alone_make_accounts_and_whole_ones() {
    let world = World::start().await;
    let by_role = ask("POST", ACCOUNTS)
        .by("writer")
        .header("Content-Type", "application/json")
        .body(json!({ "name": "x", "jwks": keys(), "scopes": ["fr:idm:*"] }).to_string());
    assert_eq!(error(&world.send(by_role).await, 403), "Access denied");
    for (body, property) in [
        (json!({ "jwks": keys(), "scopes": ["fr:idm:*"] }), "name"),
        (json!({ "name": "x", "scopes": ["fr:idm:*"] }), "jwks"),
        (
            json!({ "name": "x", "jwks": { "keys": [] }, "scopes": ["fr:idm:*"] }),
            "jwks",
        ),
        (
            json!({ "name": "x", "jwks": keys(), "scopes": ["fr:everything"] }),
            "scopes",
        ),
    ] {
        let create = ask("POST", ACCOUNTS)
            .by("admin")
            .header("Content-Type", "application/json")
            .body(body.to_string());
        let answer = world.send(create).await;
        error(&answer, 403);
        let failed = &answer.json()["detail"]["failedPolicyRequirements"][0];
        assert_eq!(failed["property"], property);
    }
}
