//! What one tenant must not see of another (RFC 7644 §6). The cases need a caller of a
//! second tenant.

use serde_json::{Value, json};

use crate::Unmet;
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::{Session, patch_op, path_of, selects};
use crate::urn;
use crate::verdict::{Verdict, ensure, same, text, within};
use crate::wire::{Client, Request};

const CASES: &[Entry] = &[
    (
        &["S-7644-3.4.1-05", "H-9110-15.5.4-01"],
        "an id of another tenant is an unknown id",
        unknown,
    ),
    (
        &["S-7643-3.1-09", "S-7644-6.2-01"],
        "two tenants use one externalId",
        external_id,
    ),
    (
        &["S-7644-6-02", "S-7644-3.4.2-05"],
        "two tenants use one userName, and each finds its own",
        user_name,
    ),
    (
        &["S-7644-6-02", "S-7643-2.3.7-04"],
        "references do not cross tenants",
        references,
    ),
    (
        &["S-7644-6-02", "S-7644-6.1-01"],
        "a credential opens its own tenant only",
        credentials,
    ),
];

pub(super) fn cases() -> Vec<Case> {
    CASES.iter().map(Case::from).collect()
}

/// A user of the other tenant.
fn foreigner(session: &mut Session, other: &Client, body: &Value) -> Result<Value, Unmet> {
    let answer = session.send_as(other, Request::post("/Users", body))?;
    Ok(answer.expect(201)?.object()?.clone())
}

fn unknown(session: &mut Session) -> Verdict {
    let other = session.caller(Role::Other)?;
    let body = session.new_user("u");
    let foreign = foreigner(session, &other, &body)?;
    let path = path_of("/Users", &foreign);
    let message = patch_op(&json!([{ "op": "replace", "path": "title", "value": "x" }]));
    for request in [
        Request::get(&path),
        Request::put(&path, &body),
        Request::patch(&path, &message),
        Request::new("DELETE", &path),
    ] {
        let gone = session.deleted_id()?;
        let foreign_id = text(&foreign["id"]);
        let of_unknown = request.clone().below(&format!("/Users/{gone}"));
        let (refusal, unknown) = (session.send(request)?, session.send(of_unknown)?);
        refusal.refused(404, "")?;
        let plain = |body: &Value, id: &str| json!(body.to_string().replace(id, "ID"));
        same(
            "the error body",
            &plain(unknown.object()?, &gone),
            &plain(refusal.object()?, &foreign_id),
        )?;
    }
    let kept = other.ask(&Request::get(&path))?.expect(200)?;
    same(
        "the other tenant's user, which must be unchanged,",
        &foreign,
        kept.object()?,
    )
}

fn external_id(session: &mut Session) -> Verdict {
    let other = session.caller(Role::Other)?;
    let mut body = session.new_user("u");
    body["externalId"] = json!(session.name("Ext"));
    let own = session.create("/Users", &body)?;
    foreigner(session, &other, &body)?;
    let filter = format!("externalId eq {}", body["externalId"]);
    let answer = session.send(Request::get("/Users").query("filter", &filter))?;
    selects(&answer.list()?, &[&own])
}

fn user_name(session: &mut Session) -> Verdict {
    let other = session.caller(Role::Other)?;
    let body = session.new_user("u");
    let own = session.create("/Users", &body)?;
    let foreign = foreigner(session, &other, &body)?;
    let filter = format!("userName eq {}", body["userName"]);
    let request = Request::get("/Users").query("filter", &filter);
    selects(&session.send(request.clone())?.list()?, &[&own])?;
    selects(&other.ask(&request)?.list()?, &[&foreign])?;
    let message = json!({ "schemas": [urn::SEARCH], "filter": filter });
    let everywhere = session.post("/.search", &message)?;
    within("at the base", selects(&everywhere.list()?, &[&own]))
}

fn references(session: &mut Session) -> Verdict {
    let other = session.caller(Role::Other)?;
    let body = session.new_user("u");
    let foreign = foreigner(session, &other, &body)?;
    let group = session.new_group("g", &[&foreign]);
    session
        .post("/Groups", &group)?
        .refused(400, "invalidValue")?;
    let mut report = session.new_user("report");
    report["schemas"] = json!([urn::USER, urn::ENTERPRISE]);
    report[urn::ENTERPRISE] = json!({ "manager": { "value": foreign["id"] } });
    session
        .post("/Users", &report)?
        .refused(400, "invalidValue")
}

fn credentials(session: &mut Session) -> Verdict {
    let other = session.caller(Role::Other)?;
    let Some(host) = other.host() else {
        return crate::verdict::skip("the other tenant is not chosen by host");
    };
    let request = Request::get("/Users?count=0").header("host", host);
    let answer = session.send(request)?;
    ensure(
        matches!(answer.status, 401 | 403 | 404),
        "status 401, 403 or 404",
        &answer,
    )?;
    answer.refused(answer.status, "")
}
