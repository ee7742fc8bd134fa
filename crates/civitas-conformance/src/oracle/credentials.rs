//! What users prove themselves by beside passwords.

use serde_json::{Value, json};

use super::{EXTENSION, SEARCH, Subject, json_request, patch, post, refused, subject};
use crate::Unmet;
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, same, text};
use crate::wire::{Answer, Request, percent_encoded};

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (
        &["O-6.6-01", "O-12.201-01", "O-12.204-02"],
        "an API key has a fingerprint",
        api_key,
    ),
    (
        &["O-6.6-01", "O-12.400-08"],
        "a user has three API keys",
        quota,
    ),
    (
        &["O-6.6-01", "O-12.400-08", "O-12.400-05", "O-12.405-01"],
        "API keys that are none",
        wrong_keys,
    ),
    (&["O-6.6-02"], "a secret is shown once", secrets),
    (&["O-6.6-02"], "a secret is made anew", reset),
    (
        &["O-6.6-03"],
        "credentials that a user may not have",
        incapable,
    ),
    (&["O-6.6-03"], "credentials end with their user", ended),
    (&["O-6.6-04"], "credentials of the caller", own),
    (
        &["O-6.6-04", "O-12.403-01"],
        "credentials of others",
        others,
    ),
];

const KEYS: [&str; 4] = [
    include_str!("keys/1.pem"),
    include_str!("keys/2.pem"),
    include_str!("keys/3.pem"),
    include_str!("keys/4.pem"),
];

/// The fingerprint of the first key, as `openssl rsa -pubin -outform DER | openssl md5 -c` has it.
const FINGERPRINT: &str = "9c:67:28:c6:eb:4e:63:7b:54:3f:2d:be:12:ae:b0:e2";

/// Collections, the last parts of their schemas, how many a user has, and where the secret is.
const SECRETS: [(&str, &str, usize, &str); 4] = [
    ("AuthTokens", "authToken", 2, "token"),
    ("CustomerSecretKeys", "customerSecretKey", 2, "secretKey"),
    ("SmtpCredentials", "smtpCredential", 2, "password"),
    (
        "OAuth2ClientCredentials",
        "oauth2ClientCredential",
        10,
        "secret",
    ),
];

fn schema(name: &str) -> String {
    format!("urn:ietf:params:scim:schemas:oracle:idcs:{name}")
}

fn key_of(user: &str, key: &str) -> Value {
    json!({ "schemas": [schema("apikey")], "key": key, "user": { "value": user } })
}

fn credential_of(user: &str, name: &str) -> Value {
    let mut body = json!({
        "schemas": [schema(name)],
        "description": "for tests",
        "user": { "value": user },
    });
    if name == "oauth2ClientCredential" {
        body["name"] = "tests".into();
        body["scopes"] = json!([{ "audience": "urn:x", "scope": "read" }]);
    }
    body
}

/// Makes a credential and gives it with its path.
fn made(session: &mut Session, path: &str, body: &Value) -> Result<(String, Answer), Unmet> {
    let answer = session.send(post(path, body))?.expect(201)?;
    let object = answer.object()?;
    let path = format!("{path}/{}", text(&object["id"]));
    let location = text(&object["meta"]["location"]);
    let is_told = answer.header("location") == Some(location.as_str());
    ensure(
        is_told && location.ends_with(&path),
        "meta.location as Location",
        &answer,
    )?;
    let version = text(&object["meta"]["version"]);
    let is_tagged = answer.header("etag") == Some(version.as_str());
    ensure(is_tagged, "the version as ETag", &answer)?;
    Ok((path, answer))
}

fn api_key(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let (path, answer) = made(session, "/ApiKeys", &key_of(&subject.id, KEYS[0]))?;
    let key = answer.object()?.clone();
    same("fingerprint", &json!(FINGERPRINT), &key["fingerprint"])?;
    same("schemas", &json!([schema("apikey")]), &key["schemas"])?;
    same("user.value", &json!(subject.id), &key["user"]["value"])?;
    let user = session.send(Request::get(&subject.path))?.expect(200)?;
    same("user.ocid", &user.object()?["ocid"], &key["user"]["ocid"])?;
    same(
        "user.name",
        &user.object()?["userName"],
        &key["user"]["name"],
    )?;
    let read = session.send(Request::get(&path))?.expect(200)?;
    same("key", &json!(KEYS[0].trim()), &read.object()?["key"])?;
    for filter in [
        format!("user.value eq \"{}\"", subject.id),
        format!("user.value eq \"{}\" and fingerprint pr", subject.id),
        format!("id eq \"{}\"", text(&key["id"])),
    ] {
        let query = format!("/ApiKeys?filter={}", percent_encoded(&filter));
        let listed = session.send(Request::get(query))?.expect(200)?;
        same("totalResults", &json!(1), &listed.object()?["totalResults"])?;
        let search = json!({ "schemas": [SEARCH], "filter": filter });
        let found = session.send(post("/ApiKeys/.search", &search))?;
        let found = found.expect(200)?;
        same("id", &key["id"], &found.object()?["Resources"][0]["id"])?;
    }
    let operation = json!({ "op": "REPLACE", "path": "description", "value": "mine" });
    let patched = session.send(patch(&path, &operation))?.expect(200)?;
    let shown = patched.object()?;
    same("description", &json!("mine"), &shown["description"])?;
    same("fingerprint", &json!(FINGERPRINT), &shown["fingerprint"])?;
    session.send(Request::new("DELETE", &path))?.expect(204)?;
    let again = session.send(Request::new("DELETE", &path))?;
    refused(&again, 404, "resourceNotFound")
}

fn quota(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let mut paths = Vec::new();
    for key in &KEYS[..3] {
        paths.push(made(session, "/ApiKeys", &key_of(&subject.id, key))?.0);
    }
    let fourth = key_of(&subject.id, KEYS[3]);
    let answer = session.send(post("/ApiKeys", &fourth))?;
    refused(&answer, 400, "maxQuotaLimit")?;
    let detail = text(&answer.object()?["detail"]);
    let is_told = detail.contains("maximum quota limit of 3");
    ensure(is_told, "the limit", &answer)?;
    session
        .send(Request::new("DELETE", &paths[1]))?
        .expect(204)?;
    made(session, "/ApiKeys", &fourth).map(drop)
}

fn wrong_keys(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let (path, _) = made(session, "/ApiKeys", &key_of(&subject.id, KEYS[0]))?;
    let lacking = json!({ "schemas": [schema("apikey")], "user": { "value": subject.id } });
    let nobody = "00000000000040008000000000000000";
    let mut nobodys = key_of(&subject.id, KEYS[1]);
    if let Some(members) = nobodys.as_object_mut() {
        members.remove("user");
    }
    for (body, status, told) in [
        (
            key_of(&subject.id, "no key"),
            400,
            "identity.user.invalidHeaderFooter",
        ),
        (lacking, 400, "missingReqAttributes"),
        (nobodys, 400, "missingReqAttributes"),
        (key_of(&subject.id, KEYS[0]), 409, "duplicateResource"),
        (key_of(nobody, KEYS[1]), 400, "invalidReferenceResource"),
        (
            key_of(&format!("ocid1.user.oc1..{nobody}"), KEYS[1]),
            400,
            "stringExceedsMaxLimit",
        ),
    ] {
        refused(&session.send(post("/ApiKeys", &body))?, status, told)?;
    }
    let operation = json!({ "op": "REPLACE", "path": "key", "value": KEYS[1] });
    let answer = session.send(patch(&path, &operation))?;
    refused(&answer, 400, "immutableAttribute")?;
    let operation = json!({ "op": "REPLACE", "path": "fingerprint", "value": "00" });
    let answer = session.send(patch(&path, &operation))?;
    refused(&answer, 400, "readOnlyAttribute")?;
    let answer = session.send(json_request("PUT", &path, &key_of(&subject.id, KEYS[0])))?;
    refused(&answer, 405, "methodNotAllowed")?;
    let allow = answer.header_list("allow");
    let is_told = allow.contains("PATCH") && !allow.contains("PUT");
    ensure(is_told, "Allow without PUT", &answer)
}

fn secrets(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    for (collection, name, quota, secret) in SECRETS {
        let endpoint = format!("/{collection}");
        let body = credential_of(&subject.id, name);
        let mut seen = Vec::new();
        for _ in 0..quota {
            let (path, answer) = made(session, &endpoint, &body)?;
            let shown = text(&answer.object()?[secret]);
            let is_new = shown.len() >= 16 && !seen.contains(&shown);
            ensure(is_new, "a new secret", &answer)?;
            seen.push(shown.clone());
            let read = format!("{path}?attributeSets=all");
            let read = session.send(Request::get(read))?.expect(200)?;
            ensure(read.object()?.get(secret).is_none(), "no secret", &read)?;
            let all = session.send(Request::get(&endpoint))?.expect(200)?;
            let is_hidden = !all.describe().contains(&shown);
            ensure(is_hidden, "no secret", &all)?;
        }
        let answer = session.send(post(&endpoint, &body))?;
        refused(&answer, 400, "maxQuotaLimit")?;
    }
    Ok(())
}

fn reset(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let body = credential_of(&subject.id, "oauth2ClientCredential");
    let (path, answer) = made(session, "/OAuth2ClientCredentials", &body)?;
    let first = answer.object()?["secret"].clone();
    let operation = json!({ "op": "REPLACE", "path": "isResetSecret", "value": true });
    let patched = session.send(patch(&path, &operation))?.expect(200)?;
    let second = &patched.object()?["secret"];
    let is_new = second.is_string() && *second != first;
    ensure(is_new, "another secret", &patched)?;
    let operation = json!({ "op": "REPLACE", "path": "description", "value": "x" });
    let patched = session.send(patch(&path, &operation))?.expect(200)?;
    let shown = patched.object()?.get("secret");
    ensure(shown.is_none(), "no secret", &patched)
}

fn disable(session: &mut Session, subject: &Subject, capability: &str) -> Verdict {
    let path = format!("/UserCapabilitiesChanger/{}", subject.id);
    let body = json!({ "schemas": [schema("UserCapabilitiesChanger")], capability: false });
    let answer = session.send(json_request("PUT", &path, &body))?;
    answer.expect(200).map(drop)
}

fn incapable(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    disable(session, &subject, "canUseApiKeys")?;
    let answer = session.send(post("/ApiKeys", &key_of(&subject.id, KEYS[0])))?;
    refused(&answer, 403, "operationNotSupported")?;
    for (collection, name, ..) in SECRETS {
        disable(session, &subject, &format!("canUse{collection}"))?;
        let body = credential_of(&subject.id, name);
        let answer = session.send(post(&format!("/{collection}"), &body))?;
        refused(&answer, 403, "operationNotSupported")?;
    }
    let user = session.send(Request::get(&subject.path))?.expect(200)?;
    let can = &user.object()?[format!("{EXTENSION}:capabilities:User")];
    same(
        "canUseDbCredentials",
        &json!(true),
        &can["canUseDbCredentials"],
    )
}

fn ended(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let (key, _) = made(session, "/ApiKeys", &key_of(&subject.id, KEYS[0]))?;
    let token = credential_of(&subject.id, "authToken");
    let (token, _) = made(session, "/AuthTokens", &token)?;
    let deleted = session.send(Request::new("DELETE", &subject.path))?;
    deleted.expect(204)?;
    for path in [key, token] {
        let answer = session.send(Request::get(path))?;
        refused(&answer, 404, "resourceNotFound")?;
    }
    Ok(())
}

fn own(session: &mut Session) -> Verdict {
    let other = subject(session)?;
    let (others, _) = made(session, "/ApiKeys", &key_of(&other.id, KEYS[0]))?;
    let user = session.caller(Role::User)?;
    // Of a credential of one's own nobody needs to be named, and nobody else is.
    let body = key_of(&other.id, KEYS[1]);
    let answer = session.send_as(&user, post("/MyApiKeys", &body))?;
    let answer = answer.expect(201)?;
    let key = answer.object()?.clone();
    let me = session.send_as(&user, Request::get("/Me"))?.expect(200)?;
    same("user.value", &me.object()?["id"], &key["user"]["value"])?;
    let location = text(&key["meta"]["location"]);
    let path = format!("/MyApiKeys/{}", text(&key["id"]));
    ensure(location.ends_with(&path), "a location of its own", &answer)?;
    same(
        "resourceType",
        &json!("MyApiKey"),
        &key["meta"]["resourceType"],
    )?;
    let listed = session.send_as(&user, Request::get("/MyApiKeys"))?;
    let listed = listed.expect(200)?;
    let rows = listed.object()?["Resources"].as_array().cloned();
    let ids: Vec<_> = rows.iter().flatten().map(|it| it["id"].clone()).collect();
    same("ids", &json!([key["id"]]), &json!(ids))?;
    let filter = percent_encoded(&format!("user.value eq \"{}\"", other.id));
    let none = Request::get(format!("/MyApiKeys?filter={filter}"));
    let none = session.send_as(&user, none)?.expect(200)?;
    same("totalResults", &json!(0), &none.object()?["totalResults"])?;
    let theirs = others.replace("/ApiKeys", "/MyApiKeys");
    for request in [Request::get(&theirs), Request::new("DELETE", &theirs)] {
        refused(&session.send_as(&user, request)?, 404, "resourceNotFound")?;
    }
    let operation = json!({ "op": "ADD", "path": "description", "value": "mine" });
    let patched = session.send_as(&user, patch(&path, &operation))?;
    let patched = patched.expect(200)?;
    same(
        "description",
        &json!("mine"),
        &patched.object()?["description"],
    )?;
    let replaced = json_request("PUT", &path, &body);
    let replaced = session.send_as(&user, replaced)?;
    refused(&replaced, 405, "methodNotAllowed")?;
    let deleted = session.send_as(&user, Request::new("DELETE", &path))?;
    deleted.expect(204)?;
    // A client is nobody who has something of its own.
    for request in [Request::get("/MyApiKeys"), post("/MyApiKeys", &body)] {
        refused(&session.send(request)?, 401, "accessDenied")?;
    }
    Ok(())
}

fn others(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let (path, _) = made(session, "/ApiKeys", &key_of(&subject.id, KEYS[0]))?;
    let body = key_of(&subject.id, KEYS[1]);
    let reader = session.caller(Role::Read)?;
    session.send_as(&reader, Request::get(&path))?.expect(200)?;
    let operation = json!({ "op": "ADD", "path": "description", "value": "x" });
    for request in [
        post("/ApiKeys", &body),
        patch(&path, &operation),
        Request::new("DELETE", &path),
    ] {
        let answer = session.send_as(&reader, request)?;
        refused(&answer, 403, "insufficientPrivilege")?;
    }
    let user = session.caller(Role::User)?;
    for request in [Request::get(&path), post("/ApiKeys", &body)] {
        let answer = session.send_as(&user, request)?;
        refused(&answer, 403, "insufficientPrivilege")?;
    }
    Ok(())
}
