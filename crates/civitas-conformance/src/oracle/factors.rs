//! Devices that make one-time codes, and the rules for passwords.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{NOBODY, SEARCH, json_request, patch, post, refused, subject};
use crate::Unmet;
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::totp;
use crate::verdict::{Verdict, ensure, same, text};
use crate::wire::Request;

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (
        &["O-6.5-01", "O-12.201-04", "O-12.401-04"],
        "a device is enrolled, used and given up",
        device,
    ),
    (
        &["O-6.5-02"],
        "an administrator enrolls a user's device",
        by_administrator,
    ),
    (&["O-6.5-03"], "devices that are none", no_devices),
    (&["O-6.4-01"], "the password policy is told", policy),
    (
        &["O-6.4-02", "O-12.403-01", "O-12.403-02"],
        "password policies that nobody changes so",
        no_policies,
    ),
    (&["O-12.403-02"], "what nobody may use", barred),
];

const ENROLLER: &str = "AuthenticationFactorEnroller";
const VALIDATOR: &str = "AuthenticationFactorValidator";
const REMOVER: &str = "AuthenticationFactorsRemover";
const POLICY: &str = "/PasswordPolicies/PasswordPolicy";

/// A request for an operation, of the caller where `own` is `My`.
fn ask(own: &str, operation: &str, members: &Value) -> Request {
    let schema = format!("urn:ietf:params:scim:schemas:oracle:idcs:{operation}");
    let mut body = json!({ "schemas": [schema] });
    for (name, value) in members.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    post(&format!("/{own}{operation}"), &body)
}

/// A device that is offered.
#[derive(Default)]
struct Offer {
    device: Value,
    request: Value,
    secret: Vec<u8>,
}

impl Offer {
    /// Reads the answer to an enrolment.
    fn of(answer: &Value) -> Option<Self> {
        let content = answer["qrCodeContent"].as_str()?;
        let content = BASE64_STANDARD.decode(content).ok()?;
        let content = String::from_utf8(content).ok()?;
        let secret = content.split("&secret=").nth(1)?.split('&').next()?;
        Some(Self {
            device: answer["deviceId"].clone(),
            request: answer["requestId"].clone(),
            secret: base32(secret)?,
        })
    }

    fn shown(&self, scenario: &str, code: &str) -> Value {
        json!({
            "authFactor": "TOTP",
            "scenario": scenario,
            "deviceId": self.device,
            "requestId": self.request,
            "otpCode": code,
        })
    }
}

/// Base32 without padding (RFC 4648 §6).
fn base32(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5 | u32::from(value)) & 0xffff;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(bytes)
}

fn enrolled(session: &mut Session, own: &str, members: &Value) -> Result<Offer, Unmet> {
    let request = ask(own, ENROLLER, members);
    let answer = if own.is_empty() {
        session.send(request)?
    } else {
        let user = session.caller(Role::User)?;
        session.send_as(&user, request)?
    };
    let answer = answer.expect(201)?;
    let body = answer.object()?;
    same("qrCodeImgType", &json!("PNG"), &body["qrCodeImgType"])?;
    let image = BASE64_STANDARD.decode(text(&body["qrCodeImgContent"]));
    let is_png = image.is_ok_and(|it| it.starts_with(b"\x89PNG\r\n"));
    ensure(is_png, "an image", &answer)?;
    let name = format!("{own}{ENROLLER}");
    same("resourceType", &json!(name), &body["meta"]["resourceType"])?;
    let offer = Offer::of(body);
    ensure(offer.is_some(), "a device", &answer)?;
    Ok(offer.unwrap_or_default())
}

fn device(session: &mut Session) -> Verdict {
    let user = session.caller(Role::User)?;
    let offer = enrolled(session, "My", &json!({ "authnFactors": ["TOTP"] }))?;
    let show = |scenario: &str, code: &str| ask("My", VALIDATOR, &offer.shown(scenario, code));
    let wrong = totp::wrong_code(&offer.secret);
    // Until its first code is shown it is not the user's.
    let answer = session.send_as(&user, show("AUTHENTICATION", &totp::code(&offer.secret, 0)))?;
    refused(&answer, 401, "invalidPasscode")?;
    let answer = session.send_as(&user, show("ENROLLMENT", &wrong))?;
    refused(&answer, 401, "invalidPasscode")?;
    let right = totp::code(&offer.secret, 0);
    let answer = session.send_as(&user, show("ENROLLMENT", &right))?;
    let answer = answer.expect(201)?;
    let body = answer.object()?;
    for (name, value) in [
        ("status", json!("SUCCESS")),
        ("mfaStatus", json!("ENROLLED")),
        ("mfaPreferredAuthenticationFactor", json!("TOTP")),
        ("mfaPreferredDevice", offer.device.clone()),
    ] {
        same(name, &value, &body[name])?;
    }
    // A code is good once.
    for code in [&right, &wrong] {
        let answer = session.send_as(&user, show("AUTHENTICATION", code))?;
        refused(&answer, 401, "invalidPasscode")?;
    }
    let next = totp::code(&offer.secret, 1);
    let answer = session.send_as(&user, show("AUTHENTICATION", &next))?;
    same(
        "status",
        &json!("SUCCESS"),
        &answer.expect(201)?.object()?["status"],
    )?;
    let remove = ask("My", REMOVER, &json!({ "type": "MFA" }));
    session.send_as(&user, remove)?.expect(201)?;
    let after = totp::code(&offer.secret, 1);
    let answer = session.send_as(&user, show("AUTHENTICATION", &after))?;
    refused(&answer, 401, "invalidPasscode")
}

fn by_administrator(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let user = json!({ "value": subject.id });
    let members = json!({ "user": user, "authnFactors": ["TOTP"] });
    let offer = enrolled(session, "", &members)?;
    let mut shown = offer.shown("ENROLLMENT", &totp::code(&offer.secret, 0));
    shown["user"] = user.clone();
    session.send(ask("", VALIDATOR, &shown))?.expect(201)?;
    let mut shown = offer.shown("AUTHENTICATION", &totp::code(&offer.secret, 1));
    shown["user"] = user.clone();
    session.send(ask("", VALIDATOR, &shown))?.expect(201)?;
    for of in ["KMSI", "ALL"] {
        let members = json!({ "user": user, "type": of });
        session.send(ask("", REMOVER, &members))?.expect(201)?;
    }
    let members = json!({ "user": user, "type": "MFA" });
    let reader = session.caller(Role::Read)?;
    let answer = session.send_as(&reader, ask("", REMOVER, &members))?;
    refused(&answer, 403, "insufficientPrivilege")
}

fn no_devices(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let user = json!({ "value": subject.id });
    let nobody = NOBODY.strip_prefix("/Users/").unwrap_or_default();
    let nobody = json!({ "value": nobody });
    let code = |members: Value| {
        let mut all = json!({
            "user": user, "authFactor": "TOTP", "scenario": "ENROLLMENT", "otpCode": "000000",
        });
        for (name, value) in members.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        ask("", VALIDATOR, &all)
    };
    for (request, status, told) in [
        (
            ask("", ENROLLER, &json!({ "authnFactors": ["TOTP"] })),
            400,
            "missingReqAttributes",
        ),
        (
            ask("", ENROLLER, &json!({ "user": user })),
            400,
            "missingReqAttributes",
        ),
        (
            ask(
                "",
                ENROLLER,
                &json!({ "user": user, "authnFactors": ["SMS"] }),
            ),
            501,
            "notImplemented",
        ),
        (
            ask(
                "",
                ENROLLER,
                &json!({ "user": user, "authnFactors": "TOTP" }),
            ),
            400,
            "missingReqAttributes",
        ),
        (
            ask(
                "",
                ENROLLER,
                &json!({ "user": nobody, "authnFactors": ["TOTP"] }),
            ),
            400,
            "invalidReferenceResource",
        ),
        (
            ask("", REMOVER, &json!({ "user": nobody, "type": "ALL" })),
            400,
            "invalidReferenceResource",
        ),
        (
            ask("", REMOVER, &json!({ "user": user, "type": "SOME" })),
            400,
            "invalidCanonicalValue",
        ),
        (code(json!({})), 400, "missingReqAttributes"),
        (code(json!({ "requestId": "x" })), 400, "invalidRequestId"),
        (
            code(json!({ "scenario": "OTHER" })),
            400,
            "invalidCanonicalValue",
        ),
        (
            code(json!({ "authFactor": "EMAIL" })),
            501,
            "notImplemented",
        ),
        (
            code(json!({ "otpCode": null })),
            400,
            "missingReqAttributes",
        ),
    ] {
        refused(&session.send(request)?, status, told)?;
    }
    // What was offered to one user is no other's.
    let members = json!({ "user": user, "authnFactors": ["TOTP"] });
    let offer = enrolled(session, "", &members)?;
    let other = session.caller(Role::User)?;
    let shown = offer.shown("ENROLLMENT", &totp::code(&offer.secret, 0));
    let answer = session.send_as(&other, ask("My", VALIDATOR, &shown))?;
    refused(&answer, 400, "invalidRequestId")?;
    let answer = session.send(ask("My", ENROLLER, &members))?;
    refused(&answer, 401, "accessDenied")?;
    let answer = session.send(Request::get(format!("/{ENROLLER}")))?;
    refused(&answer, 405, "methodNotAllowed")
}

fn policy(session: &mut Session) -> Verdict {
    let answer = session.send(Request::get(POLICY))?.expect(200)?;
    let policy = answer.object()?.clone();
    same("id", &json!("PasswordPolicy"), &policy["id"])?;
    ensure(policy["minLength"].is_u64(), "a length", &answer)?;
    let listed = Request::get("/PasswordPolicies?count=5");
    let listed = session.send(listed)?.expect(200)?;
    same("the same", &policy, &listed.object()?["Resources"][0])?;
    let filter = "name eq \"PasswordPolicy\"";
    let found = Request::get("/PasswordPolicies").query("filter", filter);
    let found = session.send(found)?.expect(200)?;
    same("totalResults", &json!(1), &found.object()?["totalResults"])?;
    let search = json!({ "schemas": [SEARCH], "filter": "name eq \"other\"" });
    let none = session.send(post("/PasswordPolicies/.search", &search))?;
    let none = none.expect(200)?;
    same("totalResults", &json!(0), &none.object()?["totalResults"])?;
    // All who are known may ask what is asked of them.
    let user = session.caller(Role::User)?;
    session.send_as(&user, Request::get(POLICY))?.expect(200)?;
    let other = session.send(Request::get("/PasswordPolicies/other"))?;
    refused(&other, 404, "resourceNotFound")
}

fn no_policies(session: &mut Session) -> Verdict {
    let schema = "urn:ietf:params:scim:schemas:oracle:idcs:PasswordPolicy";
    let set = |path: &str, value: Value| {
        patch(
            POLICY,
            &json!({ "op": "REPLACE", "path": path, "value": value }),
        )
    };
    let whole = |members: Value| json_request("PUT", POLICY, &members);
    for (request, status, told) in [
        (Request::new("DELETE", POLICY), 403, "operationNotSupported"),
        (set("minLength", json!(3)), 400, "invalidValue"),
        (set("minLength", json!("long")), 400, "invalidPayload"),
        (set("minUpperCase", json!(1)), 400, "invalidAttribute"),
        (
            whole(json!({ "minLength": 9 })),
            400,
            "missingReqAttributes",
        ),
        (
            whole(json!({ "schemas": ["urn:x"], "minLength": 9 })),
            400,
            "invalidPayload",
        ),
        (
            whole(json!({ "schemas": [schema], "maxIncorrectAttempts": 99 })),
            400,
            "invalidValue",
        ),
        (
            post("/PasswordPolicies", &json!({ "schemas": [schema] })),
            501,
            "notImplemented",
        ),
    ] {
        refused(&session.send(request)?, status, told)?;
    }
    let reader = session.caller(Role::Read)?;
    let answer = session.send_as(&reader, set("minLength", json!(9)))?;
    refused(&answer, 403, "insufficientPrivilege")
}

fn barred(session: &mut Session) -> Verdict {
    let answer = session.send(Request::get("/EncryptionKeys"))?;
    refused(&answer, 403, "operationNotSupported")
}
