//! Passwords, and what stands between them and a logon.

use std::sync::Arc;

use civitas_directory::{
    Store as _, Timestamp,
    credential::{CredentialChange, PasswordStatus, totp},
    settings::{Change, Key},
};
use futures_util::future;
use serde_json::{Value, json};

use super::{
    DAY_MS, HOUR_MS, PASSWORD, accepted, advance, app, code, logon, refused, told, user, world,
};
use crate::world::{Answer, HOST, NOW, PATCH_OP, USER, ask};

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
    assert_eq!(world.send(forgot()).await.status, 200);
}

/// A policy that a tenant has chosen holds in place of the standard one, also where it asks less.
#[tokio::test]
async fn the_identity_directory_keeps_the_policy_of_the_tenant() {
    let world = world().await;
    let create = |password: &str| {
        let body = json!({
            "schemas": [USER], "userName": "dora", "password": password,
            "emails": [{ "value": "dora@example.org" }],
        });
        ask("POST", "/scim/Users").by("admin").json(&body)
    };
    assert_eq!(world.send(create("onlyletters")).await.status, 400);
    let policy = Change::new(Key::PasswordPolicy, Some("custom groups=1".into())).unwrap();
    let partition = world.tenant().await.partition;
    let policy = [policy];
    let set = world.store.change_settings(Some(partition), &policy);
    set.await.unwrap();
    world.forget().await;
    assert_eq!(world.send(create("short")).await.status, 400);
    assert_eq!(world.send(create("onlyletters")).await.status, 201);
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
