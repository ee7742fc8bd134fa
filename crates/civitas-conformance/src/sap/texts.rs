//! Tenant texts and master data texts.

use serde_json::{Value, json};

use super::{create, person, post};

use crate::Unmet;
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, same};
use crate::wire::{Answer, Request};

const SET: &str = "/service/resource/SAP_DEFAULT";
const HTML: &str = "text/html;charset=UTF-8";
const BUNDLE: &str = "RESOURCE_I18N_BUNDLE";

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (
        &["SAP-9-01", "SAP-E21"],
        "texts are set, read and taken away",
        tenant_texts,
    ),
    (
        &["SAP-10-01", "SAP-E22"],
        "master data is set, read and taken away",
        master_data,
    ),
    (&["SAP-9-02"], "texts that are none", not_set),
    (&["SAP-9-03"], "reads of texts that are none", not_read),
    (&["SAP-9-04"], "callers, methods and types of texts", shape),
];

fn get(kind: &str, locale: &str) -> Request {
    read("GET", kind, locale)
}

fn read(method: &'static str, kind: &str, locale: &str) -> Request {
    let read = Request::new(method, "/service/resource").query("resourceType", kind);
    read.query("locale", locale)
}

fn set(body: &Value) -> Request {
    let request = Request::new("POST", SET).header("content-type", "application/json");
    request.json(body)
}

fn texts(kind: &str, locale: &str, data: &str) -> Value {
    json!({ "resourceType": kind, "locale": locale, "contentType": HTML, "data": data })
}

fn bare(answer: &Answer, status: u16) -> Verdict {
    ensure(answer.status == status, format!("status {status}"), answer)?;
    ensure(answer.bytes.is_empty(), "no body", answer)
}

fn holds(session: &mut Session, kind: &str, locale: &str, data: &str) -> Verdict {
    let answer = session.send(get(kind, locale))?.expect(200)?;
    let is_html = answer.header("content-type") == Some(HTML);
    ensure(is_html, HTML, &answer)?;
    ensure(answer.bytes == data.as_bytes(), data, &answer)
}

fn tenant_texts(session: &mut Session) -> Verdict {
    let clear = json!([texts(BUNDLE, "th", ""), texts(BUNDLE, "tr", "")]);
    bare(&session.send(set(&clear))?, 200)?;
    bare(&session.send(get(BUNDLE, "th"))?, 404)?;
    let data = "logon.ui.label.user=E-Mail\nlogon.ui.label.password=<b>Kennwort</b>\n";
    let both = json!([texts(BUNDLE, "th", data), texts(BUNDLE, "tr", "a=1")]);
    bare(&session.send(set(&both))?, 200)?;
    holds(session, BUNDLE, "th", data)?;
    bare(&session.send(read("HEAD", BUNDLE, "th"))?, 200)?;
    holds(session, BUNDLE, "tr", "a=1")?;
    bare(
        &session.send(set(&json!([texts(BUNDLE, "th", "b=2\n")])))?,
        200,
    )?;
    holds(session, BUNDLE, "th", "b=2\n")?;
    bare(&session.send(set(&clear))?, 200)?;
    bare(&session.send(get(BUNDLE, "th"))?, 404)
}

fn master_data(session: &mut Session) -> Verdict {
    let kind = "RESOURCE_MD_SALUTATIONS";
    let clear = json!([texts(kind, "cy", "")]);
    bare(&session.send(set(&clear))?, 200)?;
    let nothing = session.send(get(kind, "cy"))?.expect(404)?;
    let is_told = nothing.bytes == b"Resource not found for scenario";
    ensure(is_told, "Resource not found for scenario", &nothing)?;
    let is_text = nothing.header("content-type") == Some("text/plain;charset=UTF-8");
    ensure(is_text, "text/plain;charset=UTF-8", &nothing)?;
    let data = "0001=Dr.\n0002=Prof.\n";
    bare(&session.send(set(&json!([texts(kind, "cy", data)])))?, 200)?;
    holds(session, kind, "cy", data)?;
    let list = session.send(Request::get("/md/salutations?locale=cy").anonymous())?;
    let list = list.expect(200)?;
    let own = json!({ "0001": "Dr.", "0002": "Prof." });
    same("the list", &own, list.object()?)?;
    // What is of the tenant's own is as good as what is predefined.
    let mut user = person(session);
    user["name"]["honorificPrefix"] = "Prof.".into();
    create(session, "Users", &user)?;
    bare(&session.send(set(&clear))?, 200)?;
    let list = session.send(Request::get("/md/salutations?locale=cy").anonymous())?;
    let predefined = json!({ "0001": "Ms.", "0002": "Mr." });
    same("the list", &predefined, list.expect(200)?.object()?)?;
    let mut other = person(session);
    other["name"]["honorificPrefix"] = "Prof.".into();
    session
        .send(post("/scim/Users", &other))?
        .expect(400)
        .map(drop)
}

fn not_set(session: &mut Session) -> Verdict {
    let good = texts(BUNDLE, "sk", "a=1");
    let with = |name: &str, value: Value| {
        let mut set = good.clone();
        set[name] = value;
        json!([set])
    };
    for body in [
        good.clone(),
        json!([]),
        with("resourceType", json!("RESOURCE_OTHER")),
        with("locale", json!("xx")),
        with("locale", Value::Null),
        with("contentType", json!("text/plain")),
        with("data", json!("no pair")),
        with("data", json!("a=<script>alert(1)</script>")),
        with("data", json!("a=<a href=\"javascript:x\">y</a>")),
        with("data", json!("a=<b onclick=\"x\">y</b>")),
        with("data", json!(7)),
        // One that is wrong spoils all.
        json!([good, texts(BUNDLE, "sl", "x")]),
    ] {
        bare(&session.send(set(&body))?, 400)?;
    }
    let broken = Request::new("POST", SET).header("content-type", "application/json");
    bare(&session.send(broken.bytes("[{\"a\":"))?, 400)?;
    bare(&session.send(get(BUNDLE, "sk"))?, 404)
}

fn not_read(session: &mut Session) -> Verdict {
    let path = "/service/resource";
    for request in [
        Request::get(path),
        Request::get(path).query("resourceType", BUNDLE),
        Request::get(path).query("locale", "de"),
        get("RESOURCE_OTHER", "de"),
        get(BUNDLE, "xx"),
        get("RESOURCE_MD_DEPARTMENTS", "th"),
    ] {
        bare(&session.send(request)?, 400)?;
    }
    session
        .send(Request::get("/service/resource/OTHER"))?
        .expect(404)
        .map(drop)
}

fn shape(session: &mut Session) -> Verdict {
    let body = json!([texts(BUNDLE, "de", "a=1")]);
    let gone = session.send(Request::new("DELETE", SET))?.expect(405)?;
    ensure(gone.header("allow").is_some(), "Allow", &gone)?;
    let form =
        Request::new("POST", SET).header("content-type", "application/x-www-form-urlencoded");
    bare(&session.send(form.bytes("a=b"))?, 415)?;
    bare(&session.send(set(&body).anonymous())?, 401)?;
    bare(&session.send(get(BUNDLE, "de").anonymous())?, 401)?;
    let reader: Result<_, Unmet> = session.caller(Role::Read);
    let reader = reader?;
    bare(&session.send_as(&reader, set(&body))?, 403)?;
    bare(&session.send_as(&reader, get(BUNDLE, "de"))?, 403)
}
