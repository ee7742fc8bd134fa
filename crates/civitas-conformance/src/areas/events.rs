//! Asynchronous requests and event tokens (RFC 9967), where the server offers them.

use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::Unmet;
use crate::case::{Case, Entry};
use crate::session::{Session, path_of};
use crate::urn;
use crate::verdict::{Verdict, ensure, fail, same, skip, text};
use crate::wire::{Answer, Client, Request};

const CASES: &[Entry] = &[
    (
        &["S-9967-4-01"],
        "events in the configuration",
        configuration,
    ),
    (
        &[
            "S-9967-2.5.1.1-01",
            "S-9967-3-01",
            "S-9967-5-01",
            "H-7240-4.1-01",
        ],
        "a bulk request that is answered later",
        later,
    ),
    (
        &[
            "S-8417-2.2-01",
            "S-8417-2.2-02",
            "S-8417-2.3-01",
            "S-9967-2.1-01",
            "S-9967-2.1-02",
            "S-9967-2.2-01",
            "S-9967-2.2-02",
            "S-9967-2.2-03",
            "S-9967-2.4-01",
            "S-9967-2.4.4-01",
        ],
        "tokens of what happened to a user",
        tokens,
    ),
    (
        &[
            "S-8936-2.2-01",
            "S-8936-2.3-01",
            "S-8936-2.4-01",
            "S-8936-2.4-02",
            "S-8936-2.4-03",
        ],
        "what is acknowledged is not due again",
        acknowledged,
    ),
    (
        &["S-9967-2.5.1.2-01", "S-9967-2.5.1.3-01"],
        "completion events of a bulk request",
        completed,
    ),
    (&["S-8936-2.5.1-01"], "a malformed poll", malformed),
];

const PROV: &str = "urn:ietf:params:scim:event:prov:";

const ASYNCRESP: &str = "urn:ietf:params:scim:event:misc:asyncresp";

/// How long a token may take to be due.
const SOON: Duration = Duration::from_secs(5);

pub(super) fn cases() -> Vec<Case> {
    CASES.iter().map(Case::from).collect()
}

fn configuration(session: &mut Session) -> Verdict {
    let config = session.get("/ServiceProviderConfig")?.expect(200)?;
    let events = &config.object()?["securityEvents"];
    if events.is_null() {
        return skip("the server does not advertise securityEvents");
    }
    let requests = text(&events["asyncRequest"]).to_lowercase();
    ensure(
        ["none", "long", "request"].contains(&requests.as_str()),
        "asyncRequest as none, long or request",
        &config,
    )?;
    let uris = events["eventUris"].as_array();
    let are_uris = uris.is_some_and(|uris| {
        let mut uris = uris.iter();
        uris.all(|uri| uri.as_str().is_some_and(|uri| uri.contains(':')))
    });
    ensure(are_uris, "eventUris as an array of URIs", &config)
}

fn later(session: &mut Session) -> Verdict {
    session.needs("bulk")?;
    let new = session.new_user("u");
    let create = json!({ "method": "POST", "bulkId": "a", "path": "/Users", "data": new });
    let job = json!({ "schemas": [urn::BULK], "Operations": [create] });
    let at_once = session.post("/Bulk", &job)?.expect(200)?;
    own_results(session, at_once.object()?);
    ensure(
        at_once.header("set-txn").is_none(),
        "no Set-Txn with 200",
        &at_once,
    )?;

    let mut job = job;
    job["Operations"][0]["data"] = session.new_user("u");
    let request = Request::post("/Bulk", &job).header("prefer", "respond-async");
    let accepted = session.send(request)?.expect_any(&[200, 202])?;
    if accepted.status == 200 {
        own_results(session, accepted.object()?);
        return ensure(
            accepted.header("set-txn").is_none(),
            "no Set-Txn with 200",
            &accepted,
        );
    }
    ensure(accepted.bytes.is_empty(), "no content", &accepted)?;
    ensure(accepted.header("set-txn").is_some(), "Set-Txn", &accepted)?;
    let applied = accepted.header_list("preference-applied").to_lowercase();
    ensure(
        applied.contains("respond-async"),
        "Preference-Applied",
        &accepted,
    )?;
    let Some(location) = accepted.header("location") else {
        return fail("Location", accepted.describe());
    };
    let status = session.client().outside(location);
    let stranger = status.ask(&Request::get("").anonymous())?;
    stranger.expect_any(&[401, 403, 404])?;
    let name = text(&job["Operations"][0]["data"]["userName"]);
    let filter = format!("userName eq \"{name}\"");
    let started = Instant::now();
    loop {
        let found = session.send(Request::get("/Users").query("filter", &filter))?;
        if let [user] = found.list()?.resources {
            session.own(&path_of("/Users", user));
            return status.ask(&Request::get(""))?.expect(200).map(drop);
        }
        if started.elapsed() > SOON {
            return fail("a user that is created soon", found.describe());
        }
        sleep(Duration::from_millis(50));
    }
}

/// Notes what a job created, so that it is deleted.
fn own_results(session: &mut Session, results: &Value) {
    for result in results["Operations"].as_array().into_iter().flatten() {
        let location = text(&result["location"]);
        if let Some(at) = location.find("/Users/") {
            session.own(&location[at..]);
        }
    }
}

/// A token that is due.
struct Token {
    jti: String,
    header: Value,
    claims: Value,
    signature: String,
}

/// Polls for what is due, acknowledging tokens.
fn poll(receiver: &Client, acknowledged: &[String]) -> Result<Vec<Token>, Unmet> {
    let asked = json!({ "returnImmediately": true, "maxEvents": 100, "ack": acknowledged });
    let answer = ask(receiver, &asked)?.expect(200)?;
    let body = answer.object()?;
    ensure(
        matches!(&body["moreAvailable"], Value::Null | Value::Bool(_)),
        "moreAvailable as true, false or absent",
        &answer,
    )?;
    let Some(sets) = body["sets"].as_object() else {
        return fail("sets as an object", answer.describe());
    };
    let mut tokens = Vec::new();
    for (jti, token) in sets {
        let token = text(token);
        let parts: Vec<&str> = token.split('.').collect();
        let decoded = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
            serde_json::from_slice::<Value>(&bytes).ok()
        };
        let [header, claims, signature] = parts[..] else {
            return fail("a token of three parts", token);
        };
        let (Some(header), Some(claims)) = (decoded(header), decoded(claims)) else {
            return fail("a token of JSON objects", token);
        };
        tokens.push(Token {
            jti: jti.clone(),
            header,
            claims,
            signature: signature.to_owned(),
        });
    }
    Ok(tokens)
}

fn ask(receiver: &Client, body: &Value) -> Result<Answer, Unmet> {
    let request = Request::new("POST", "")
        .header("content-type", "application/json")
        .json(body);
    receiver.ask(&request)
}

/// Acknowledges everything that is due.
fn drain(receiver: &Client) -> Verdict {
    let mut acknowledged = Vec::new();
    loop {
        let due = poll(receiver, &acknowledged)?;
        if due.is_empty() {
            return Ok(());
        }
        acknowledged = due.into_iter().map(|it| it.jti).collect();
    }
}

/// Tokens about a resource, once there are so many. They are not acknowledged.
fn about(receiver: &Client, path: &str, many: usize) -> Result<Vec<Token>, Unmet> {
    let started = Instant::now();
    loop {
        let mut due = poll(receiver, &[])?;
        due.retain(|token| token.claims["sub_id"]["uri"] == path);
        if due.len() >= many {
            return Ok(due);
        }
        if started.elapsed() > SOON {
            return fail(
                format!("{many} tokens about {path}"),
                format!("{}", due.len()),
            );
        }
        sleep(Duration::from_millis(50));
    }
}

fn tokens(session: &mut Session) -> Verdict {
    let receiver = session.receiver()?;
    drain(&receiver)?;
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let secret = "Correct-Horse-7-Battery";
    let changes = json!([
        { "op": "replace", "path": "title", "value": "x" },
        { "op": "replace", "path": "password", "value": secret },
    ]);
    session.patch(&path, &changes)?.expect_any(&[200, 204])?;
    session.delete(&path)?.expect(204)?;
    let due = about(&receiver, &path, 3)?;
    for token in &due {
        well_formed(token)?;
    }
    let told = |at: usize, what: &str| {
        let events = due[at].claims["events"].as_object();
        let found = events.and_then(|events| {
            let mut events = events.iter();
            events.find(|(uri, _)| uri.starts_with(&format!("{PROV}{what}")))
        });
        match found {
            Some((uri, payload)) => Ok((uri.clone(), payload.clone())),
            None => fail(format!("{PROV}{what}"), due[at].claims.to_string()),
        }
    };
    for (at, what) in [(0, "create"), (1, "patch")] {
        let (uri, payload) = told(at, what)?;
        let (attributes, data) = (&payload["attributes"], &payload["data"]);
        let met = match uri.rsplit(':').next() {
            Some("notice") => attributes.is_array() && data.is_null(),
            Some("full") => data.is_object() && attributes.is_null(),
            _ => false,
        };
        if !met {
            return fail(
                "attributes of a notice, data of a full event",
                payload.to_string(),
            );
        }
    }
    let (_, payload) = told(1, "patch")?;
    if let Some(names) = payload["attributes"].as_array() {
        let holds = |name: &str| names.iter().any(|it| text(it).eq_ignore_ascii_case(name));
        if !(holds("title") && holds("password")) {
            return fail("the names of what differs", payload.to_string());
        }
    }
    let (uri, payload) = told(2, "delete")?;
    same("a deletion", &json!(format!("{PROV}delete")), &json!(uri))?;
    same("its payload", &json!({}), &payload)?;
    let all: String = due.iter().map(|it| it.claims.to_string()).collect();
    if all.contains(secret) {
        return fail("no password", "a password in a token");
    }
    drain(&receiver)
}

/// What every token about a resource has.
fn well_formed(token: &Token) -> Verdict {
    let (header, claims) = (&token.header, &token.claims);
    same("jti", &json!(token.jti), &claims["jti"])?;
    same(
        "typ",
        &json!("secevent+jwt"),
        &json!(text(&header["typ"]).to_lowercase()),
    )?;
    let events = claims["events"].as_object();
    let met = claims["iss"].is_string()
        && claims["iat"].is_number()
        && events.is_some_and(|it| !it.is_empty() && it.values().all(Value::is_object))
        && claims["sub_id"]["format"] == "scim"
        && claims.get("sub").is_none();
    let signed = header["alg"] != "none" && !token.signature.is_empty();
    if met && signed {
        return Ok(());
    }
    fail(
        "iss, iat, events, sub_id and a signature",
        format!("{header} {claims}"),
    )
}

fn acknowledged(session: &mut Session) -> Verdict {
    let receiver = session.receiver()?;
    drain(&receiver)?;
    let paths = [session.user("u")?, session.user("u")?].map(|it| path_of("/Users", &it));
    let mut jtis = Vec::new();
    for path in &paths {
        let due = about(&receiver, path, 1)?;
        jtis.push(due[0].jti.clone());
    }
    // The second before the first, and what is no token at all.
    let due = poll(&receiver, &[jtis[1].clone(), "nonsense".into()])?;
    let is_due = |due: &[Token], jti: &str| due.iter().any(|it| it.jti == jti);
    if !is_due(&due, &jtis[0]) || is_due(&due, &jtis[1]) {
        return fail(
            "what is not acknowledged, and nothing else",
            format!("{}", due.len()),
        );
    }
    let alone = json!({ "maxEvents": 0, "returnImmediately": true, "ack": [jtis[0]] });
    let answer = ask(&receiver, &alone)?.expect(200)?;
    same("sets", &json!({}), &answer.object()?["sets"])?;
    let due = poll(&receiver, &[])?;
    if is_due(&due, &jtis[0]) {
        return fail("nothing that is acknowledged", jtis[0].clone());
    }
    drain(&receiver)
}

fn completed(session: &mut Session) -> Verdict {
    session.needs("bulk")?;
    let receiver = session.receiver()?;
    let config = session.get("/ServiceProviderConfig")?.expect(200)?;
    let uris = config.object()?["securityEvents"]["eventUris"].clone();
    let mut uris = uris.as_array().into_iter().flatten();
    if !uris.any(|uri| text(uri).eq_ignore_ascii_case(ASYNCRESP)) {
        return skip("the server does not advertise completion events");
    }
    drain(&receiver)?;
    let new = session.new_user("u");
    let job = json!({ "schemas": [urn::BULK], "Operations": [
        { "method": "POST", "bulkId": "a", "path": "/Users", "data": new },
        { "method": "DELETE", "path": "/Users/no-such-user" },
    ]});
    let request = Request::post("/Bulk", &job).header("prefer", "respond-async");
    let accepted = session.send(request)?.expect_any(&[200, 202])?;
    if accepted.status == 200 {
        own_results(session, accepted.object()?);
        return skip("the server answered at once");
    }
    let Some(txn) = accepted.header("set-txn") else {
        return fail("Set-Txn", accepted.describe());
    };
    let payloads = completions(&receiver, txn)?;
    own_results(session, &json!({ "Operations": payloads }));
    let told = |at: usize, member: &str| text(&payloads[at][member]);
    let outcomes = [0, 1].map(|at| (told(at, "method"), told(at, "status")));
    let expected = [("POST", "201"), ("DELETE", "404")].map(|(a, b)| (a.into(), b.into()));
    if outcomes != expected {
        return fail(format!("{expected:?}"), format!("{outcomes:?}"));
    }
    same(
        "status of the response",
        &json!("404"),
        &payloads[1]["response"]["status"],
    )?;
    if payloads.iter().any(|it| it.get("bulkId").is_some()) {
        return fail("no bulkId", json!(payloads).to_string());
    }
    drain(&receiver)
}

/// The payloads of the completion events of a bulk request of two operations, in their order.
fn completions(receiver: &Client, txn: &str) -> Result<[Value; 2], Unmet> {
    let mut found = [Value::Null, Value::Null];
    let mut acknowledged = Vec::new();
    let started = Instant::now();
    loop {
        for token in poll(receiver, &acknowledged)? {
            let of = text(&token.claims["txn"]);
            let number = of.strip_prefix(txn).and_then(|it| it.strip_prefix(':'));
            let payload = &token.claims["events"][ASYNCRESP];
            if let (Some(number), true) = (number, payload.is_object()) {
                well_formed(&token)?;
                match number {
                    "0" => found[0] = payload.clone(),
                    "1" => found[1] = payload.clone(),
                    _ => return fail("operations 0 and 1", number),
                }
            }
            acknowledged.push(token.jti);
        }
        if found.iter().all(Value::is_object) {
            return Ok(found);
        }
        if started.elapsed() > SOON {
            return fail("two completion events", json!(found).to_string());
        }
        sleep(Duration::from_millis(50));
    }
}

fn malformed(session: &mut Session) -> Verdict {
    let receiver = session.receiver()?;
    for body in [
        json!({ "maxEvents": -1 }),
        json!({ "maxEvents": "x" }),
        json!({ "ack": 1 }),
    ] {
        ask(&receiver, &body)?.expect(400)?;
    }
    Ok(())
}
