//! What users prove themselves by, and the users of applications: passwords, codes, locks and the
//! clock that ends them.

use std::sync::Arc;

use civitas_directory::{
    Client, Roles, Store as _, Timestamp,
    client::Application,
    credential::{CredentialChange, PasswordStatus, totp},
    settings::{Change, Key},
};
use civitas_scim::tolerance::Profile;
use futures_util::future;
use serde_json::{Value, json};

use crate::world::{Answer, Ask, HOST, NOW, PATCH_OP, SECRET, USER, World, ask, basic, hashed};

const PASSWORD: &str = "Blue7Kettle";
const XML: &str = "application/vnd.sap-id-service.sp-user-id+xml";
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A world with two applications, of which one may not manage users.
async fn world() -> World {
    let world = World::staged().await;
    for (id, manages_users) in [("shop", true), ("viewer", false)] {
        let client = Client {
            id: id.to_owned(),
            secret_hash: hashed(SECRET),
            roles: Roles::NONE,
            enabled: true,
            profile: Profile::default(),
            account: None,
            application: Some(Application {
                name: "shop.example".to_owned(),
                home: None,
                manages_users,
            }),
        };
        let tenant = world.tenant().await;
        world
            .store
            .create_client(tenant.partition, client)
            .await
            .unwrap();
    }
    world
}

async fn advance(world: &World, ms: i64) {
    let body = json!({ "advance_ms": ms });
    let ask = ask("PUT", "/civitas/v1/clock").by("admin");
    let ask = ask.header("Content-Type", "application/json");
    let answer = world.send(ask.body(body.to_string())).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// A user with a password, created through SCIM.
async fn user(world: &World, name: &str) -> String {
    let body = json!({
        "schemas": [USER], "userName": name, "password": PASSWORD, "active": true,
        "name": { "givenName": "Dora", "familyName": "Finch" },
        "emails": [{ "value": format!("{name}@example.org"), "primary": true }],
    });
    let answer = world
        .send(ask("POST", "/scim/v2/Users").by("admin").json(&body))
        .await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn logon(name: &str, password: &str) -> Ask {
    ask("POST", "/service/users/password")
        .header("Authorization", &basic(name, password))
        .header("Content-Type", "application/json")
}

/// The status and message code of a logon.
async fn told(world: &World, name: &str, password: &str) -> (u16, String) {
    code(&world.send(logon(name, password)).await)
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.header("x-message-code"))
}

fn refused(code: &str) -> (u16, String) {
    (401, code.to_owned())
}

fn accepted() -> (u16, String) {
    (200, String::new())
}

fn app(method: &str, path: &str, body: &Value) -> Ask {
    ask(method, path)
        .by("shop")
        .header("Content-Type", "application/json")
        .body(body.to_string())
}

#[tokio::test]
async fn a_password_is_proven_by_login_name_and_address() {
    let world = world().await;
    let id = user(&world, "dora").await;
    let before = world
        .send(ask("GET", &format!("/scim/v2/Users/{id}")).by("reader"))
        .await;
    for name in ["dora", "DORA", "dora@example.org"] {
        let answer = world.send(logon(name, PASSWORD)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("content-type"), "application/json");
        let body = String::from_utf8(answer.body).unwrap();
        assert_eq!(
            body,
            r#"{"uid":"P000000","first_name":"Dora","last_name":"Finch","mail":"dora@example.org","type":"public"}"#
        );
    }
    // Neither a logon nor a failure is a change of the user.
    assert_eq!(told(&world, "dora", "wrong").await, refused(""));
    let after = world
        .send(ask("GET", &format!("/scim/v2/Users/{id}")).by("reader"))
        .await;
    assert_eq!(before.body, after.body);
    // Who has shown nothing is asked to.
    let nothing = ask("POST", "/service/users/password");
    let answer = world.send(nothing.clone()).await;
    assert_eq!((code(&answer), answer.body.len()), (refused(""), 0));
    assert_eq!(
        answer.header("www-authenticate"),
        format!("Basic realm=\"{HOST}\"")
    );
    for (ask, status) in [
        (nothing.clone().method("GET"), 405),
        (
            logon("dora", PASSWORD).header("Accept", "application/xml"),
            406,
        ),
        (
            logon("dora", PASSWORD)
                .without("Content-Type")
                .header("Content-Type", "text/plain")
                .body("x"),
            415,
        ),
    ] {
        let answer = world.send(ask).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("allow").is_empty(), status != 405);
    }
}

#[tokio::test]
async fn nobody_can_tell_an_unknown_user_from_a_wrong_password() {
    let world = world().await;
    user(&world, "dora").await;
    let known = world.send(logon("dora", "Green8Kettle")).await;
    let unknown = world.send(logon("ghost", "Green8Kettle")).await;
    let seen = |answer: &Answer| {
        let differing = ["x-ids-id", "date"];
        let fields = answer.fields();
        let fields = fields.filter(|(name, _)| !differing.contains(name));
        let fields: Vec<(String, String)> = fields
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        (answer.status, fields, answer.body.clone())
    };
    assert_eq!(seen(&known), seen(&unknown));
    // However it is written, it is not a password of more bytes than there can be.
    let long = "x".repeat(2_000);
    assert_eq!(told(&world, "dora", &long).await, refused(""));
}

#[tokio::test]
async fn the_fifth_wrong_password_locks_for_an_hour() {
    let world = world().await;
    user(&world, "dora").await;
    for _ in 0..4 {
        assert_eq!(told(&world, "dora", "wrong").await, refused(""));
    }
    // A logon in between begins anew.
    assert_eq!(told(&world, "dora", PASSWORD).await, accepted());
    for _ in 0..4 {
        assert_eq!(told(&world, "dora", "wrong").await, refused(""));
    }
    assert_eq!(
        told(&world, "dora", "wrong").await,
        refused("PASSWORD_LOCKED")
    );
    assert_eq!(
        told(&world, "dora", PASSWORD).await,
        refused("PASSWORD_LOCKED")
    );
    advance(&world, HOUR_MS - 1).await;
    assert_eq!(
        told(&world, "dora", PASSWORD).await,
        refused("PASSWORD_LOCKED")
    );
    advance(&world, 1).await;
    assert_eq!(told(&world, "dora", PASSWORD).await, accepted());
}

/// However many are shown at once, no more of them tell anything than would in turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_wrong_passwords_at_once_get_no_further_than_the_lock() {
    let world = Arc::new(world().await);
    user(&world, "dora").await;
    let attempts = (0..32).map(|_| told(&world, "dora", "wrong"));
    let answers = future::join_all(attempts).await;
    let of = |code: &str| answers.iter().filter(|it| **it == refused(code)).count();
    // Some may find no room; those that were compared are all counted.
    let (wrong, locked) = (of(""), of("PASSWORD_LOCKED"));
    assert_eq!(wrong, 4, "{answers:?}");
    let busy = answers.iter().filter(|(status, _)| *status == 503).count();
    assert_eq!(wrong + locked + busy, 32, "{answers:?}");
    assert_eq!(
        told(&world, "dora", PASSWORD).await,
        refused("PASSWORD_LOCKED")
    );
}

#[tokio::test]
async fn what_stands_between_a_password_and_a_logon_is_told() {
    let world = world().await;
    let id = user(&world, "dora").await;
    let status = |status| CredentialChange::Status(status);
    // Nothing of the state is told to who does not know the password.
    for (change, ms, right, wrong) in [
        (
            status(PasswordStatus::Initial),
            0,
            "PASSWORD_CHANGE_REQUIRED",
            "",
        ),
        (
            status(PasswordStatus::ResetRequired),
            0,
            "PASSWORD_RESET_REQUIRED",
            "",
        ),
        (
            status(PasswordStatus::Disabled),
            0,
            "PASSWORD_DISABLED",
            "PASSWORD_DISABLED",
        ),
        (
            status(PasswordStatus::Initial),
            14 * DAY_MS + 1,
            "INITIAL_PASSWORD_EXPIRED",
            "",
        ),
    ] {
        world.change_credential(&id, &change).await;
        advance(&world, ms).await;
        assert_eq!(
            told(&world, "dora", "wrong").await,
            refused(wrong),
            "{change:?}"
        );
        assert_eq!(
            told(&world, "dora", PASSWORD).await,
            refused(right),
            "{change:?}"
        );
        world
            .change_credential(&id, &CredentialChange::Failed(0))
            .await;
    }
    world
        .change_credential(&id, &status(PasswordStatus::Enabled))
        .await;
    assert_eq!(told(&world, "dora", PASSWORD).await, accepted());
    world
        .change_credential(&id, &CredentialChange::NoPassword)
        .await;
    assert_eq!(
        told(&world, "dora", PASSWORD).await,
        refused("PASSWORD_DISABLED")
    );
    let path = format!("/scim/v2/Users/{id}");
    let inactive = json!({ "schemas": [PATCH_OP], "Operations": [
        { "op": "replace", "path": "active", "value": false },
    ]});
    let answer = world
        .send(ask("PATCH", &path).by("admin").json(&inactive))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        told(&world, "dora", PASSWORD).await,
        refused("USER_INACTIVE")
    );
}

#[tokio::test]
async fn the_policy_of_the_tenant_rules_ages_and_former_passwords() {
    let world = world().await;
    let policy = Change::new(Key::PasswordPolicy, Some("enterprise".into())).unwrap();
    let partition = world.tenant().await.partition;
    let policy = [policy];
    let set = world.store.change_settings(Some(partition), &policy);
    set.await.unwrap();
    world.forget().await;
    let id = user(&world, "dora").await;
    assert_eq!(told(&world, "dora", PASSWORD).await, accepted());
    advance(&world, 180 * DAY_MS + 1).await;
    assert_eq!(
        told(&world, "dora", PASSWORD).await,
        refused("PASSWORD_CHANGE_REQUIRED")
    );
    let path = format!("/scim/v2/Users/{id}");
    let set = |password: &str| {
        let body = json!({ "schemas": [PATCH_OP], "Operations": [
            { "op": "replace", "path": "password", "value": password },
        ]});
        ask("PATCH", &path).by("admin").json(&body)
    };
    for refused in [PASSWORD, "short", "onlyletters"] {
        let answer = world.send(set(refused)).await;
        assert_eq!(answer.scim_error(400), "invalidValue", "{refused}");
    }
    let answer = world.send(set("Green8Kettle")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(told(&world, "dora", "Green8Kettle").await, accepted());
    // It was used before, though not last.
    assert_eq!(world.send(set(PASSWORD)).await.status, 400);
    // Forgotten within a day of having been set.
    let forgot = || {
        app(
            "POST",
            "/service/users/forgotPassword",
            &json!({ "identifier": "dora" }),
        )
    };
    let answer = world.send(forgot()).await;
    assert_eq!(code(&answer), (400, "PASSWORD_TOO_NEW".into()));
    advance(&world, DAY_MS).await;
    assert_eq!(world.send(forgot()).await.status, 501);
}

#[tokio::test]
async fn a_code_stands_at_the_end_of_the_password() {
    let world = world().await;
    let id = user(&world, "dora").await;
    let secret = b"12345678901234567890";
    world.enrol(&id, secret).await;
    let code = |steps: i64| {
        let at = Timestamp(NOW.0 + steps * totp::STEP_MS);
        totp::code(secret, totp::step(at).unwrap())
    };
    let with = |code: String| format!("{PASSWORD}{code}");
    assert_eq!(
        told(&world, "dora", PASSWORD).await,
        refused("INVALID_AUTHORIZATION_HEADER_LENGTH")
    );
    assert_eq!(
        told(&world, "dora", &with(code(5))).await,
        refused("INVALID_OTP_CODE")
    );
    assert_eq!(told(&world, "dora", &with(code(-1))).await, accepted());
    assert_eq!(
        told(&world, "dora", &with(code(-1))).await,
        refused("INVALID_OTP_CODE")
    );
    assert_eq!(told(&world, "dora", &with(code(0))).await, accepted());
    // A wrong password tells nothing of the code.
    assert_eq!(
        told(&world, "dora", &format!("wrong{}", code(1))).await,
        refused("")
    );
    assert_eq!(told(&world, "dora", &with(code(1))).await, accepted());
}

#[tokio::test]
async fn codes_are_proven_to_applications() {
    let world = world().await;
    let id = user(&world, "dora").await;
    user(&world, "plain").await;
    let secret = b"12345678901234567890";
    world.enrol(&id, secret).await;
    let show = |name: &str, code: &str| {
        let body = json!({ "userName": name, "otpCode": code });
        app("POST", "/service/users/otp", &body)
    };
    let right = totp::code(secret, totp::step(NOW).unwrap());
    let wrong = if right == "000000" {
        "111111"
    } else {
        "000000"
    };
    for (name, shown, expected) in [
        ("dora@example.org", right.as_str(), accepted()),
        ("dora", &right, refused("USED_OTP_CODE")),
        ("P000000", wrong, refused("INVALID_OTP_CODE")),
        ("ghost", wrong, refused("BAD_CREDENTIALS")),
        ("plain", wrong, refused("BAD_CREDENTIALS")),
        ("dora", wrong, refused("INVALID_OTP_CODE")),
        ("dora", wrong, refused("INVALID_OTP_CODE")),
        ("dora", "12", refused("INVALID_OTP_CODE")),
        ("dora", wrong, refused("LOCKED_OTP_CODE")),
        ("dora", &right, refused("LOCKED_OTP_CODE")),
    ] {
        let answer = world.send(show(name, shown)).await;
        assert_eq!(code(&answer), expected, "{name} {shown}");
        assert!(answer.body.is_empty(), "{answer:?}");
    }
    // Only codes are locked.
    assert_eq!(
        told(&world, "dora", PASSWORD).await,
        refused("INVALID_AUTHORIZATION_HEADER_LENGTH")
    );
    advance(&world, HOUR_MS).await;
    let later = totp::step(Timestamp(NOW.0 + HOUR_MS)).unwrap();
    let answer = world.send(show("dora", &totp::code(secret, later))).await;
    assert_eq!(code(&answer), accepted());
    for body in [
        "",
        "{}",
        "[]",
        "{",
        r#"{"userName":"dora"}"#,
        r#"{"userName":1,"otpCode":"1"}"#,
    ] {
        let ask = show("dora", "1").rebody(body);
        assert_eq!(code(&world.send(ask).await), (400, String::new()), "{body}");
    }
    let nobody = show("dora", "1").without("Authorization");
    assert_eq!(code(&world.send(nobody).await), refused("BAD_CREDENTIALS"));
}

#[tokio::test]
async fn a_forgotten_password_is_not_always_reset() {
    let world = world().await;
    let id = user(&world, "dora").await;
    let forgot = |name: &str| {
        app(
            "POST",
            "/service/users/forgotPassword",
            &json!({ "identifier": name }),
        )
    };
    let nobody = world.send(forgot("nobody@example.org")).await;
    assert_eq!((code(&nobody), nobody.body.len()), (accepted(), 0));
    assert_eq!(world.send(forgot("dora")).await.status, 501);
    for (body, status) in [("{}", 400), (r#"{"identifier":""}"#, 400), ("nothing", 400)] {
        assert_eq!(world.send(forgot("x").rebody(body)).await.status, status);
    }
    let disabled = CredentialChange::Status(PasswordStatus::Disabled);
    world.change_credential(&id, &disabled).await;
    let answer = world.send(forgot("P000000")).await;
    assert_eq!(code(&answer), (400, "PASSWORD_DISABLED".into()));
    let form = forgot("dora")
        .without("Content-Type")
        .form("identifier=dora");
    assert_eq!(world.send(form).await.status, 415);
}

#[tokio::test]
async fn wrong_secrets_lock_an_application() {
    let world = world().await;
    let path = "/service/users/7";
    let known = || ask("GET", path).by("shop");
    let wrong = || ask("GET", path).header("Authorization", &basic("shop", "wrong"));
    assert_eq!(world.send(known()).await.status, 404);
    for _ in 0..4 {
        assert_eq!(code(&world.send(wrong()).await), refused(""));
    }
    assert_eq!(world.send(known()).await.status, 404, "which begins anew");
    for _ in 0..4 {
        assert_eq!(code(&world.send(wrong()).await), refused(""));
    }
    for ask in [wrong(), wrong(), known()] {
        assert_eq!(code(&world.send(ask).await), refused("PASSWORD_LOCKED"));
    }
    advance(&world, HOUR_MS).await;
    assert_eq!(world.send(known()).await.status, 404);
    // Clients that are no applications are not locked, and do not manage users.
    for _ in 0..6 {
        let wrong = ask("GET", path).header("Authorization", &basic("admin", "wrong"));
        assert_eq!(code(&world.send(wrong).await), refused(""));
    }
    assert_eq!(world.send(ask("GET", path).by("admin")).await.status, 403);
    assert_eq!(world.send(ask("GET", path).by("viewer")).await.status, 403);
}

/// What the Identity Directory takes and shows of what users prove themselves by.
#[tokio::test]
async fn the_identity_directory_sets_and_shows_the_state_of_a_password() {
    let world = world().await;
    let extension = "urn:ietf:params:scim:schemas:extension:sap:2.0:User";
    let create = |name: &str, product: Value| {
        let body = json!({
            "schemas": [USER, extension], "userName": name, "password": PASSWORD, "active": true,
            "emails": [{ "value": format!("{name}@example.org") }], extension: product,
        });
        ask("POST", "/scim/Users").by("admin").json(&body)
    };
    let made = async |name: &str, product: Value| {
        let answer = world.send(create(name, product)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    };
    let shown = async |id: &str| {
        let read = ask("GET", &format!("/scim/Users/{id}")).by("reader");
        world.send(read).await.json()[extension].clone()
    };
    // A password that somebody else sets is to be changed.
    let dora = made("dora", json!({ "sendMail": false })).await;
    let change = refused("PASSWORD_CHANGE_REQUIRED");
    assert_eq!(told(&world, "dora", PASSWORD).await, change);
    let details = json!({
        "failedLoginAttempts": 0, "setTime": "2026-01-02T03:04:05Z", "status": "initial",
    });
    assert_eq!(shown(&dora).await["passwordDetails"], details);
    let patch = |id: &str, path: &str, value: Value| {
        let path = format!("{extension}:{path}");
        let body = json!({ "schemas": [PATCH_OP], "Operations": [
            { "op": "replace", "path": path, "value": value },
        ]});
        ask("PATCH", &format!("/scim/Users/{id}"))
            .by("admin")
            .json(&body)
    };
    let enabled = patch(&dora, "passwordDetails.status", json!("enabled"));
    assert_eq!(world.send(enabled).await.status, 204);
    assert_eq!(told(&world, "dora", PASSWORD).await, accepted());
    for _ in 0..5 {
        told(&world, "dora", "wrong").await;
    }
    let policy = "https://accounts.sap.com/policy/passwords/sap/web/1.1";
    let product = shown(&dora).await;
    assert_eq!(product["loginTime"], "2026-01-02T03:04:05Z");
    let details = json!({
        "loginTime": "2026-01-02T03:04:05Z", "failedLoginAttempts": 5,
        "setTime": "2026-01-02T03:04:05Z", "passwordLockedTime": "2026-01-02T03:04:05Z",
        "status": "enabled", "policy": policy,
    });
    assert_eq!(product["passwordDetails"], details);
    // An administrator unlocks.
    let unlocked = patch(&dora, "passwordDetails.failedLoginAttempts", json!(0));
    assert_eq!(world.send(unlocked).await.status, 204);
    assert_eq!(told(&world, "dora", PASSWORD).await, accepted());
    for (path, value) in [
        ("passwordDetails.status", "open"),
        ("passwordDetails.policy", "mine"),
    ] {
        let answer = world.send(patch(&dora, path, json!(value))).await;
        assert_eq!(answer.status, 400, "{path}: {answer:?}");
    }
    let enabled = json!({ "passwordDetails": { "status": "enabled" } });
    made("cy", enabled.clone()).await;
    assert_eq!(told(&world, "cy", PASSWORD).await, accepted());
    made("bo", json!({ "passwordDetails": { "status": "disabled" } })).await;
    assert_eq!(
        told(&world, "bo", PASSWORD).await,
        refused("PASSWORD_DISABLED")
    );
    // With a device that was made elsewhere.
    let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let mut with_device = enabled;
    with_device["totpSecret"] = secret.into();
    let ann = made("ann", with_device.clone()).await;
    assert_eq!(shown(&ann).await["totpEnabled"], true);
    let missing = refused("INVALID_AUTHORIZATION_HEADER_LENGTH");
    assert_eq!(told(&world, "ann", PASSWORD).await, missing);
    let code = totp::code(b"12345678901234567890", totp::step(NOW).unwrap());
    assert_eq!(
        told(&world, "ann", &format!("{PASSWORD}{code}")).await,
        accepted()
    );
    with_device["totpSecret"] = "short".into();
    let answer = world.send(create("eve", with_device)).await;
    assert_eq!(
        (answer.status, &answer.json()["scimType"]),
        (400, &json!("invalidValue"))
    );
}

#[tokio::test]
async fn a_new_user_is_registered_and_told_where_to_begin() {
    let world = world().await;
    let form =
        "name_id=finn&email=finn%40example.org&first_name=Finn&last_name=Oak&send_email=false";
    let answer = world.send(register(form)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let link = answer.json()["activationLink"].as_str().unwrap().to_owned();
    assert!(
        link.starts_with(&format!("http://{HOST}/ids/activation?token=")),
        "{link}"
    );
    let location = answer.header("location");
    let path = location
        .strip_prefix(&format!("http://{HOST}"))
        .unwrap()
        .to_owned();
    let shown = String::from_utf8(world.send(ask("GET", &path).by("shop")).await.body).unwrap();
    assert!(
        shown.contains(
            "<name_id>finn</name_id><status>new</status><profile_status>new</profile_status>\
             <email>finn@example.org</email><first_name>Finn</first_name><last_name>Oak</last_name>"
        ),
        "{shown}"
    );
    // It is a user of the directory, whom nobody has activated.
    let filter = "/scim/Users?filter=emails+eq+%22finn@example.org%22";
    let found = world.send(ask("GET", filter).by("reader")).await.json();
    let product = "urn:ietf:params:scim:schemas:extension:sap:2.0:User";
    assert_eq!(found["Resources"][0]["active"], false);
    assert_eq!(found["Resources"][0][product]["status"], "new");
    assert_eq!(
        told(&world, "finn@example.org", PASSWORD).await,
        refused("USER_INACTIVE")
    );
    // By the second time it is known, and not told again where to begin.
    let again = world.send(register(form)).await;
    assert_eq!((again.status, again.body.len()), (409, 0));
    let bad = "email=not-an-address&last_name=Oak&send_email=false";
    assert_eq!(world.send(register(bad)).await.status, 400);
}

fn register(form: &str) -> Ask {
    ask("POST", "/service/users").by("shop").form(form)
}

#[tokio::test]
async fn a_known_user_becomes_one_of_an_application() {
    let world = world().await;
    let id = user(&world, "finn").await;
    let form = "name_id=finn+7&email=finn%40example.org&last_name=Oak&valid_to=20270101000000Z\
                &spCustomAttribute2=%3Cb%3E&send_email=true&other=1";
    let answer = world.send(register(form)).await;
    assert_eq!((answer.status, answer.body.len()), (201, 0), "{answer:?}");
    let location = answer.header("location");
    let path = location
        .strip_prefix(&format!("http://{HOST}"))
        .unwrap()
        .to_owned();
    let again = world.send(register(form)).await;
    assert_eq!(
        (again.status, again.header("location")),
        (409, location.clone())
    );
    for query in [
        "name_id=finn%207",
        "name_id=P000000",
        "name_id=finn",
        "mail=finn@example.org",
    ] {
        let found = world
            .send(ask("GET", &format!("/service/users?{query}")).by("shop"))
            .await;
        assert_eq!(
            (found.status, found.header("location")),
            (301, location.clone()),
            "{query}"
        );
    }
    for (query, status) in [("name_id=nobody", 404), ("", 400), ("name_id=", 400)] {
        let found = world
            .send(ask("GET", &format!("/service/users?{query}")).by("shop"))
            .await;
        assert_eq!(found.status, status, "{query}");
    }
    let read = || ask("GET", &path).by("shop");
    let shown = world.send(read()).await;
    assert_eq!(shown.header("content-type"), format!("{XML}; version=1.0"));
    assert_eq!(shown.header("location"), location);
    assert_eq!(
        String::from_utf8(shown.body).unwrap(),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<user>\
             <user_profile_id>P000000</user_profile_id><name_id>finn 7</name_id>\
             <status>active</status><profile_status>active</profile_status>\
             <valid_to>20270101000000Z</valid_to>\
             <activation_time>20260102030405Z</activation_time>\
             <email>finn@example.org</email><first_name>Dora</first_name>\
             <last_name>Finch</last_name><sp_name>shop.example</sp_name>\
             <login_name>finn</login_name><spCustomAttribute2>&lt;b&gt;</spCustomAttribute2>\
             <user_uuid>{id}</user_uuid></user>"
        )
    );
    assert_eq!(
        world
            .send(read().header("Accept", "application/json"))
            .await
            .status,
        406
    );
    let put = |body: &str| {
        let ask = ask("PUT", &path).by("shop");
        ask.header("Content-Type", &format!("{XML}; version=1.0"))
            .body(body)
    };
    user(&world, "taken").await;
    for (body, status) in [
        ("<user><status>inactive</status></user>", 200),
        ("<user><language>de</language><extra>1</extra></user>", 200),
        ("<user><status>maybe</status></user>", 400),
        ("<user><extra>1</extra></user>", 400),
        ("<user><status>", 400),
        ("", 400),
        ("<user><login_name>taken</login_name></user>", 409),
    ] {
        let answer = world.send(put(body)).await;
        assert_eq!((answer.status, answer.body.len()), (status, 0), "{body}");
    }
    let other = put("<user/>").without("Content-Type");
    for media in [&format!("{XML}; version=2.0"), "application/json"] {
        let answer = world
            .send(other.clone().header("Content-Type", media))
            .await;
        assert_eq!(answer.status, 415, "{media}");
    }
    let shown = String::from_utf8(world.send(read()).await.body).unwrap();
    assert!(shown.contains("<status>inactive</status>"), "{shown}");
    assert!(shown.contains("<language>de</language>"), "{shown}");
    // With the last application that a user of the public has, the user goes.
    let answer = world.send(read().method("DELETE")).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(world.send(read()).await.status, 404);
    assert_eq!(world.send(read().method("DELETE")).await.status, 404);
    let gone = world
        .send(ask("GET", &format!("/scim/v2/Users/{id}")).by("reader"))
        .await;
    assert_eq!(gone.status, 404);
    for (method, path) in [("PATCH", path.as_str()), ("DELETE", "/service/users")] {
        let answer = world.send(ask(method, path).by("shop")).await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(!answer.header("allow").is_empty());
    }
}

#[tokio::test]
async fn an_assignment_ends_with_its_user() {
    let world = world().await;
    let id = user(&world, "finn").await;
    let answer = world
        .send(register("email=finn@example.org&last_name=Oak"))
        .await;
    let location = answer.header("location");
    let path = location.strip_prefix(&format!("http://{HOST}")).unwrap();
    let user_path = format!("/scim/v2/Users/{id}");
    assert_eq!(
        world
            .send(ask("DELETE", &user_path).by("admin"))
            .await
            .status,
        204
    );
    assert_eq!(world.send(ask("GET", path).by("shop")).await.status, 404);
}

#[tokio::test]
async fn registrations_are_checked() {
    let world = world().await;
    let id = user(&world, "finn").await;
    let long = "x".repeat(65);
    for (form, status) in [
        ("last_name=Oak", 400),
        ("email=finn@example.org", 400),
        (&*format!("email=finn@example.org&last_name={long}"), 400),
        ("email=finn@example.org&last_name=Oak&valid_from=2011", 400),
        ("email=finn@example.org&last_name=Oak&first_name=%ff", 400),
        (
            "email=finn@example.org&last_name=Oak&applicationId=other",
            404,
        ),
        (
            "email=finn@example.org&last_name=Oak&user_profile_id=P000009",
            404,
        ),
        // Who is new would be written to.
        ("email=new@example.org&last_name=Oak", 501),
    ] {
        let answer = world.send(register(form)).await;
        assert_eq!(answer.status, status, "{form}: {answer:?}");
    }
    let json = register("").without("Content-Type").json(&json!({}));
    assert_eq!(world.send(json).await.status, 415);
    let inactive = json!({ "schemas": [PATCH_OP], "Operations": [
        { "op": "replace", "path": "active", "value": false },
    ]});
    let path = format!("/scim/v2/Users/{id}");
    world
        .send(ask("PATCH", &path).by("admin").json(&inactive))
        .await;
    let answer = world
        .send(register("email=finn@example.org&last_name=Oak"))
        .await;
    assert_eq!(answer.status, 400, "{answer:?}");
}
