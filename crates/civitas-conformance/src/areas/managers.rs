//! The manager of the enterprise extension (RFC 7643 §4.3).

use serde_json::{Value, json};

use crate::Unmet;
use crate::case::Case;
use crate::session::{Session, path_of};
use crate::urn;
use crate::verdict::{Verdict, same, within};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            &["S-7643-4.3-01"],
            "a manager carries $ref and displayName",
            filled,
        ),
        Case::new(
            &["S-7643-4.3-02", "I-TOL-07", "I-GEN-01"],
            "every form of a manager reads back alike",
            forms,
        ),
        Case::new(
            &["S-7643-4.3-02", "I-TOL-07"],
            "every form of no manager",
            unassigned,
        ),
        Case::new(&["S-7643-2.3.7-04"], "a manager must exist", unknown),
        Case::new(&["S-7643-4.3-03"], "a loop of managers is no error", looped),
        Case::new(
            &["S-7644-3.5.1-07"],
            "the manager's displayName is ignored on replace",
            read_only_name,
        ),
    ]
}

fn managed(session: &mut Session, manager: &Value) -> Value {
    json!({
        "schemas": [urn::USER, urn::ENTERPRISE],
        "userName": session.name("report"),
        urn::ENTERPRISE: { "department": "Sales", "manager": manager },
    })
}

fn boss(session: &mut Session) -> Result<Value, Unmet> {
    let mut body = session.new_user("boss");
    body["displayName"] = json!("The Boss");
    session.create("/Users", &body)
}

fn filled(session: &mut Session) -> Verdict {
    let boss = boss(session)?;
    let body = managed(session, &json!({ "value": boss["id"] }));
    let manager = &session.create("/Users", &body)?[urn::ENTERPRISE]["manager"];
    same("manager.value", &boss["id"], &manager["value"])?;
    same(
        "manager.displayName",
        &boss["displayName"],
        &manager["displayName"],
    )?;
    same("manager.$ref", &boss["meta"]["location"], &manager["$ref"])
}

fn forms(session: &mut Session) -> Verdict {
    let boss = boss(session)?;
    let body = managed(session, &json!({ "value": boss["id"] }));
    let standard = session.create("/Users", &body)?;
    for form in [
        json!(boss["id"]),
        json!([{ "value": boss["id"] }]),
        json!({ "$ref": null, "value": boss["id"] }),
    ] {
        let body = managed(session, &form);
        let user = session.create("/Users", &body)?;
        let what = form.to_string();
        within(
            &what,
            same(
                "the extension",
                &standard[urn::ENTERPRISE],
                &user[urn::ENTERPRISE],
            ),
        )?;
    }
    Ok(())
}

fn unassigned(session: &mut Session) -> Verdict {
    for form in [Value::Null, json!(""), json!([]), json!({ "value": "" })] {
        let body = managed(session, &form);
        let user = session.create("/Users", &body)?;
        let what = form.to_string();
        within(
            &what,
            same("manager", &Value::Null, &user[urn::ENTERPRISE]["manager"]),
        )?;
    }
    Ok(())
}

fn unknown(session: &mut Session) -> Verdict {
    let gone = session.deleted_id()?;
    let body = managed(session, &json!({ "value": gone }));
    session.post("/Users", &body)?.refused(400, "invalidValue")
}

fn looped(session: &mut Session) -> Verdict {
    let first = session.user("a")?;
    let body = managed(session, &json!({ "value": first["id"] }));
    let second = session.create("/Users", &body)?;
    let path = path_of("/Users", &first);
    let operations = json!([
        { "op": "add", "path": format!("{}:manager", urn::ENTERPRISE), "value": { "value": second["id"] } },
    ]);
    session.patch(&path, &operations)?.expect_any(&[200, 204])?;
    let first = session.read(&path)?;
    same(
        "manager.value",
        &second["id"],
        &first[urn::ENTERPRISE]["manager"]["value"],
    )
}

fn read_only_name(session: &mut Session) -> Verdict {
    let boss = boss(session)?;
    let body = managed(
        session,
        &json!({ "value": boss["id"], "displayName": "Someone" }),
    );
    let user = session.create("/Users", &body)?;
    same(
        "manager.displayName",
        &boss["displayName"],
        &user[urn::ENTERPRISE]["manager"]["displayName"],
    )?;
    let path = path_of("/Users", &user);
    let mut body = user.clone();
    body[urn::ENTERPRISE]["manager"]["displayName"] = json!("Someone");
    session.put(&path, &body)?.expect(200)?;
    same(
        "the resource, which must be unchanged,",
        &user,
        &session.read(&path)?,
    )
}
