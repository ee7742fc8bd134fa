//! One-time codes, forgotten passwords, and the applications that ask for them.

use civitas_directory::{
    Timestamp,
    credential::{CredentialChange, PasswordStatus, totp},
};
use serde_json::json;

use super::{HOUR_MS, PASSWORD, accepted, advance, app, code, refused, told, user, world};
use crate::world::{NOW, ask, basic};

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
    assert_eq!(world.send(forgot("dora")).await.status, 200);
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
