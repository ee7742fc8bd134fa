//! Service accounts, which sign their assertions, and what their tokens open.

use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    rsa::{KeyPair, PublicKeyComponents},
    signature::RSA_PKCS1_SHA256,
};
use serde_json::{Value, json};

use super::{USERS, json_request, refused};
use crate::account::Account;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Unmet, Verdict, ensure, fail, same, text};
use crate::wire::{Answer, Client, Request};

const ACCOUNTS: &str = "/openidm/managed/svcacct";
const TOKEN: &str = "/am/oauth2/access_token";

/// An RSA key (PKCS #1) of accounts that cases make, which opens nothing else.
const KEY: &str = include_str!("account.key");

/// Seconds that an assertion is good for.
const LIFE: i64 = 180;

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (
        &["C-5.200-13", "C-6.1-01"],
        "a signed assertion becomes a token",
        signed_in,
    ),
    (
        &["C-5.400-24", "C-6.1-02"],
        "a scope that an account was not given",
        ungranted,
    ),
    (
        &["C-5.403-01"],
        "an account sees no other than itself",
        itself,
    ),
    (
        &["C-5.403-07"],
        "who may read variables does not write them",
        reading,
    ),
];

fn key() -> Result<KeyPair, Unmet> {
    let text: String = KEY.split_ascii_whitespace().collect();
    let der = BASE64_STANDARD.decode(text).unwrap_or_default();
    match KeyPair::from_der(&der) {
        Ok(key) => Ok(key),
        Err(error) => fail("a key that reads", error.to_string()),
    }
}

/// A new account of which this is the key: its identifier.
fn account(session: &mut Session, scopes: &[&str]) -> Result<String, Unmet> {
    let key = key()?;
    let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let public: PublicKeyComponents<Vec<u8>> = key.public().into();
    let keys = json!({ "keys": [{
        "kty": "RSA",
        "n": part(&public.n),
        "e": part(&public.e),
    }] });
    let body = json!({
        "name": session.name("account"), "jwks": keys.to_string(), "scopes": scopes,
    });
    let request = json_request("POST", &format!("{ACCOUNTS}?_action=create"), &body);
    let created = session.send(request)?.expect(201)?;
    Ok(text(&created.object()?["_id"]))
}

/// An assertion that the account signs.
fn assertion(session: &Session, id: &str) -> Result<String, Unmet> {
    let now = jiff::Timestamp::now().as_second();
    let audience = format!("{}{TOKEN}", session.client().base());
    let claims = json!({ "iss": id, "sub": id, "aud": audience, "exp": now + LIFE });
    let part = |it: &Value| BASE64_URL_SAFE_NO_PAD.encode(it.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "RS256" })), part(&claims));
    let key = key()?;
    let mut signature = vec![0; key.public().modulus_len()];
    let random = SystemRandom::new();
    if key
        .sign(
            &RSA_PKCS1_SHA256,
            &random,
            signed.as_bytes(),
            &mut signature,
        )
        .is_err()
    {
        return fail("a signature", "none");
    }
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
    Ok(format!("{signed}.{signature}"))
}

fn grant(session: &mut Session, id: &str, scope: &str) -> Result<Answer, Unmet> {
    let assertion = assertion(session, id)?;
    let scope = scope.replace(':', "%3A").replace(' ', "%20");
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    let form =
        format!("client_id=service-account&grant_type={kind}&assertion={assertion}&scope={scope}");
    let request = Request::new("POST", TOKEN)
        .header("content-type", "application/x-www-form-urlencoded")
        .bytes(form);
    session.send(request.anonymous())
}

/// Somebody who calls with a token of the account.
fn caller(session: &mut Session, id: &str, scope: &str) -> Result<Client, Unmet> {
    let answer = grant(session, id, scope)?.expect(200)?;
    let token = text(&answer.object()?["access_token"]);
    Ok(session.client().with(&Account::bearer(token)))
}

fn signed_in(session: &mut Session) -> Verdict {
    let id = account(session, &["fr:idm:*"])?;
    let answer = grant(session, &id, "fr:idm:*")?.expect(200)?;
    let body = answer.object()?;
    same("the scope", &json!("fr:idm:*"), &body["scope"])?;
    same("the type", &json!("Bearer"), &body["token_type"])?;
    let lasts = body["expires_in"]
        .as_u64()
        .is_some_and(|it| (1..=899).contains(&it));
    ensure(lasts, "expires_in", &answer)?;
    let account = caller(session, &id, "fr:idm:*")?;
    let query = Request::get(USERS).query("_queryFilter", "false");
    session.send_as(&account, query)?.expect(200).map(drop)
}

fn ungranted(session: &mut Session) -> Verdict {
    let id = account(session, &["fr:idm:*"])?;
    let answer = grant(session, &id, "fr:idm:* fr:iga:*")?.expect(400)?;
    let body = answer.object()?;
    same("the error", &json!("invalid_scope"), &body["error"])?;
    let told = "Unsupported scope for service account: fr:iga:*";
    same("the description", &json!(told), &body["error_description"])
}

fn itself(session: &mut Session) -> Verdict {
    let id = account(session, &["fr:idm:*"])?;
    let account = caller(session, &id, "fr:idm:*")?;
    let own = Request::get(format!("{ACCOUNTS}/{id}"));
    session.send_as(&account, own)?.expect(200)?;
    let all = Request::get(ACCOUNTS).query("_queryFilter", "true");
    refused(&session.send_as(&account, all)?, 403, "Access denied")?;
    let other = Request::get(format!("{ACCOUNTS}/other"));
    refused(&session.send_as(&account, other)?, 403, "Access denied")?;
    // Without the scope of identities it sees nothing else below there either.
    let id = self::account(session, &["fr:am:*"])?;
    let outside = caller(session, &id, "fr:am:*")?;
    let query = Request::get(USERS).query("_queryFilter", "true");
    refused(&session.send_as(&outside, query)?, 403, "Access denied")
}

fn reading(session: &mut Session) -> Verdict {
    let id = account(session, &["fr:idc:esv:read"])?;
    let account = caller(session, &id, "fr:idc:esv:read")?;
    let variables = "/environment/variables";
    session
        .send_as(&account, Request::get(variables))?
        .expect(200)?;
    let body = json!({ "valueBase64": "Ymx1ZQ==", "expressionType": "string" });
    let put = json_request("PUT", &format!("{variables}/esv-a"), &body);
    let answer = session.send_as(&account, put)?.expect(403)?;
    same("the code", &json!(403), &answer.object()?["code"])
}
