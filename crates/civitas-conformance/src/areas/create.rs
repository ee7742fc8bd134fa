//! Create (RFC 7644 §3.3).

use serde_json::{Value, json};

use crate::case::{Case, Entry};
use crate::session::{Session, has_members, path_of, selects};
use crate::urn;
use crate::verdict::{Verdict, ensure, fail, lists, same, text, within};
use crate::wire::Request;

const CASES: &[Entry] = &[
    (
        &[
            "T-WRITE-01",
            "S-7644-3.3-04",
            "S-7644-3.3-05",
            "S-7644-3.3-06",
            "S-7643-3.1-04",
            "S-7643-3.1-12",
            "I-OKTA-02",
            "S-7643-2.1-01",
            "S-7643-3.1-02",
            "S-7644-3.1-02",
        ],
        "create a user from as little as possible",
        minimal,
    ),
    (
        &["T-WRITE-02", "S-7643-2.1-02", "S-7643-2.1-06"],
        "attribute names ignore case",
        spelling,
    ),
    (
        &[
            "T-WRITE-03",
            "S-7644-3.3-08",
            "S-7643-4.1.1-01",
            "X-TOP-15",
            "I-ENTRA-19",
            "I-OKTA-03",
            "I-SUM-05",
            "S-7644-3.3-09",
        ],
        "a taken userName, in any case",
        taken,
    ),
    (
        &["T-WRITE-04", "S-7644-3.6-04"],
        "the userName of a deleted user is free",
        freed,
    ),
    (
        &["T-WRITE-05", "S-7644-3.3-11", "I-OKTA-11"],
        "of parallel creates one succeeds",
        parallel,
    ),
    (
        &[
            "T-WRITE-06",
            "S-7644-3.3-01",
            "S-7643-3.1-05",
            "S-7643-3.1-11",
            "S-7643-4.1.2-06",
            "X-TOP-14",
            "I-SAILPOINT-01",
            "S-7643-3.1-02",
            "S-7643-7-06",
        ],
        "readOnly attributes are ignored on create",
        read_only_ignored,
    ),
    (
        &["T-WRITE-08", "S-7643-3-01", "S-7644-3.3-10"],
        "a body that is no resource",
        not_a_resource,
    ),
    (
        &["T-WRITE-09", "S-7643-2.1-05", "S-7644-3.8-06"],
        "a member given twice",
        twice,
    ),
    (
        &[
            "T-WRITE-10",
            "I-ENTRA-10",
            "I-TOL-09",
            "S-7643-3-03",
            "S-7643-2.5-01",
        ],
        "nulls, empty lists and foreign schemas leave no trace",
        no_trace,
    ),
    (
        &[
            "T-WRITE-11",
            "S-7643-3-04",
            "S-7643-3.3-04",
            "S-7643-3.3-01",
        ],
        "an extension not listed in schemas",
        unlisted_extension,
    ),
    (
        &["T-WRITE-13", "I-TOL-01", "X-TOP-03", "S-7643-2.3.2-01"],
        "active as a string",
        string_boolean,
    ),
    (
        &["T-WRITE-13", "H-7240-4.4-01"],
        "active as a string under strict handling",
        strict_boolean,
    ),
    (
        &["S-7644-3.1-04", "I-TOL-10", "H-7240-4.4-01"],
        "unknown attributes: ignored, or refused under strict handling",
        unknown_attributes,
    ),
    (
        &["T-WRITE-16", "S-7643-2.3.7-04"],
        "a group with an unknown member",
        unknown_member,
    ),
    (
        &[
            "T-WRITE-17",
            "S-7643-4.1.1-05",
            "S-7644-3.3-13",
            "S-7644-3.9-09",
            "S-7643-7-06",
        ],
        "a password is never shown",
        password,
    ),
    (
        &["S-7643-3.1-10", "S-7643-3.1-08", "S-7643-7-05"],
        "externalId is kept as sent and need not be unique",
        external_id,
    ),
    (
        &["T-WRITE-07", "S-7644-3.3-10"],
        "userName missing",
        |session| {
            session
                .post("/Users", &json!({ "schemas": [urn::USER] }))?
                .refused(400, "invalidValue")
        },
    ),
    (
        &["T-WRITE-15", "S-7643-4.2-01", "X-TOP-24"],
        "a group without displayName",
        |session| {
            for body in [
                json!({ "schemas": [urn::GROUP] }),
                json!({ "schemas": [urn::GROUP], "displayName": "" }),
                json!({ "schemas": [urn::GROUP], "displayName": null }),
            ] {
                session
                    .post("/Groups", &body)?
                    .refused(400, "invalidValue")?;
            }
            Ok(())
        },
    ),
];

pub(super) fn cases() -> Vec<Case> {
    CASES
        .iter()
        .map(Case::from)
        .chain(invalid_values())
        .collect()
}

/// Members of a new user that must be refused as they stand.
fn invalid_values() -> Vec<Case> {
    let mut cases = Vec::new();
    for (ids, name, member, value) in [
        (
            &["T-WRITE-07", "S-7643-4.1.1-01"],
            "userName empty",
            "userName",
            json!(""),
        ),
        (
            &["T-WRITE-07", "S-7644-3.3-10"],
            "userName null",
            "userName",
            Value::Null,
        ),
        (
            &["T-WRITE-14", "I-TOL-01"],
            "a word for a boolean",
            "active",
            json!("no"),
        ),
        (
            &["T-WRITE-14", "S-7643-2.4-01"],
            "a string for a list of objects",
            "emails",
            json!("a@b"),
        ),
        (
            &["T-WRITE-14", "S-7644-3.3-10"],
            "a number for a string",
            "userName",
            json!(5),
        ),
        (
            &["S-7643-2.3-02", "S-7644-3.3-10"],
            "an object for a string",
            "title",
            json!({ "a": "b" }),
        ),
        (
            &["S-7643-2.3.7-01", "S-7644-3.3-10"],
            "a reference that is no URI",
            "profileUrl",
            json!("http://[no uri"),
        ),
        (
            &["S-7643-2.3.6-01", "S-7643-4.1.2-09"],
            "base64 that does not decode",
            "x509Certificates",
            json!([{ "value": "%%%" }]),
        ),
        (
            &["T-WRITE-12", "S-7643-2.4-03"],
            "two primaries",
            "emails",
            json!([{ "value": "a@x.org", "primary": true }, { "value": "b@x.org", "primary": true }]),
        ),
    ] {
        cases.push(Case::new(ids, name, move |session| {
            let mut body = session.new_user("u");
            body[member] = value.clone();
            session.post("/Users", &body)?.refused(400, "invalidValue")
        }));
    }
    cases
}

fn minimal(session: &mut Session) -> Verdict {
    let body = session.new_user("u");
    let answer = session.post("/Users", &body)?.expect(201)?;
    let user = answer.object()?;
    let id = text(&user["id"]);
    ensure(
        !id.is_empty() && !id.to_lowercase().contains("bulkid"),
        "an id",
        &answer,
    )?;
    same("userName", &body["userName"], &user["userName"])?;
    same(
        "Location",
        &user["meta"]["location"],
        &json!(answer.header("location")),
    )?;
    let location = text(&user["meta"]["location"]);
    ensure(
        location.starts_with("http") && location.ends_with(&format!("/Users/{id}")),
        "an absolute location that ends in the id",
        &answer,
    )?;
    if session.needs("etag").is_ok() {
        same(
            "ETag",
            &user["meta"]["version"],
            &json!(answer.header("etag")),
        )?;
    }
    same(
        "lastModified",
        &user["meta"]["created"],
        &user["meta"]["lastModified"],
    )?;
    ensure(
        lists(&user["schemas"], urn::USER),
        "the User URN in schemas",
        &answer,
    )?;
    same(
        "the user as read",
        user,
        &session.read(&format!("/Users/{id}"))?,
    )
}

fn spelling(session: &mut Session) -> Verdict {
    let name = session.name("u");
    let body = json!({ "SCHEMAS": [urn::USER], "USERNAME": name, "NAME": { "GIVENNAME": "Ada" } });
    let user = session.create("/Users", &body)?;
    same("userName", &json!(name), &user["userName"])?;
    same("name.givenName", &json!("Ada"), &user["name"]["givenName"])
}

fn taken(session: &mut Session) -> Verdict {
    let user = session.user("bjensen")?;
    let mut body = json!({ "schemas": [urn::USER], "userName": user["userName"] });
    session.post("/Users", &body)?.refused(409, "uniqueness")?;
    body["userName"] = json!(text(&user["userName"]).to_uppercase());
    session.post("/Users", &body)?.refused(409, "uniqueness")
}

fn freed(session: &mut Session) -> Verdict {
    let user = session.user("bjensen")?;
    session.delete(&path_of("/Users", &user))?.expect(204)?;
    let body = json!({ "schemas": [urn::USER], "userName": user["userName"] });
    let again = session.create("/Users", &body)?;
    if again["id"] == user["id"] {
        return fail("a new id", text(&again["id"]));
    }
    Ok(())
}

fn parallel(session: &mut Session) -> Verdict {
    let create = Request::post("/Users", &session.new_user("twin"));
    let answers = session.at_once(&vec![create; 4])?;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    same("statuses", &json!([201, 409, 409, 409]), &json!(statuses))
}

fn read_only_ignored(session: &mut Session) -> Verdict {
    let group = session.group("g", &[])?;
    let mut body = session.new_user("u");
    body["id"] = json!("chosen-by-client");
    body["meta"] =
        json!({ "resourceType": "Robot", "created": "2001-01-01T00:00:00Z", "version": "1" });
    body["groups"] = json!([{ "value": group["id"], "display": "x" }]);
    let user = session.create("/Users", &body)?;
    if user["id"] == "chosen-by-client" {
        return fail("an id of the server's own", user.to_string());
    }
    same(
        "meta.resourceType",
        &json!("User"),
        &user["meta"]["resourceType"],
    )?;
    if user["meta"]["created"] == "2001-01-01T00:00:00Z" {
        return fail("created by the server's clock", user["meta"].to_string());
    }
    same(
        "groups",
        &json!([]),
        &json!(user["groups"].as_array().cloned().unwrap_or_default()),
    )?;
    has_members(&session.read(&path_of("/Groups", &group))?, &[])
}

fn not_a_resource(session: &mut Session) -> Verdict {
    let name = session.name("u");
    for body in [
        json!({ "userName": name }).to_string(),
        json!({ "schemas": [], "userName": name }).to_string(),
        "[]".to_owned(),
        "\"text\"".to_owned(),
        String::new(),
        format!(r#"{{"schemas":["{}"],"userName":"{name}""#, urn::USER),
    ] {
        let answer = session.send(Request::new("POST", "/Users").bytes(body.clone()))?;
        within(&body, answer.refused(400, "invalidSyntax"))?;
    }
    Ok(())
}

fn twice(session: &mut Session) -> Verdict {
    let name = session.name("u");
    for second in ["title", "TITLE"] {
        let body = format!(
            r#"{{"schemas":["{}"],"userName":"{name}","title":"a","{second}":"b"}}"#,
            urn::USER
        );
        let answer = session.send(Request::new("POST", "/Users").bytes(body))?;
        within(second, answer.refused(400, "invalidSyntax"))?;
    }
    Ok(())
}

fn no_trace(session: &mut Session) -> Verdict {
    let mut body = session.new_user("u");
    body["schemas"] = json!([urn::USER, urn::ENTERPRISE, "urn:example:nosuch:1.0"]);
    body["roles"] = json!([]);
    body["title"] = Value::Null;
    body["name"] = json!({ "givenName": null });
    body["meta"] = json!({ "resourceType": "User" });
    body["department"] = Value::Null;
    body["manager"] = Value::Null;
    let user = session.create("/Users", &body)?;
    for absent in ["roles", "title", "department", "manager", urn::ENTERPRISE] {
        if user
            .get(absent)
            .is_some_and(|value| !value.is_null() && *value != json!([]))
        {
            return fail(format!("no {absent}"), user.to_string());
        }
    }
    same("schemas", &json!([urn::USER]), &user["schemas"])
}

fn unlisted_extension(session: &mut Session) -> Verdict {
    for key in [urn::ENTERPRISE.to_owned(), urn::ENTERPRISE.to_uppercase()] {
        let mut body = session.new_user("u");
        body[&key] = json!({ "department": "Sales" });
        let user = session.create("/Users", &body)?;
        same(
            "department",
            &json!("Sales"),
            &user[urn::ENTERPRISE]["department"],
        )?;
        if !lists(&user["schemas"], urn::ENTERPRISE) {
            return fail("the enterprise URN in schemas", user["schemas"].to_string());
        }
    }
    Ok(())
}

fn string_boolean(session: &mut Session) -> Verdict {
    for (written, meant) in [("False", false), ("True", true), ("FALSE", false)] {
        let mut body = session.new_user("u");
        body["active"] = json!(written);
        let user = session.create("/Users", &body)?;
        within(written, same("active", &json!(meant), &user["active"]))?;
    }
    Ok(())
}

fn strict_boolean(session: &mut Session) -> Verdict {
    let mut body = session.new_user("u");
    body["active"] = json!("False");
    session
        .send(Request::post("/Users", &body).header("prefer", "handling=strict"))?
        .refused(400, "invalidValue")
}

fn unknown_attributes(session: &mut Session) -> Verdict {
    let mut body = session.new_user("u");
    body["nosuch"] = json!({ "a": [1] });
    body["name"] = json!({ "givenName": "Ada", "nosuch": 1 });
    let strict = Request::post("/Users", &body).header("prefer", "handling=strict");
    session.send(strict)?.refused(400, "invalidValue")?;
    let user = session.create("/Users", &body)?;
    same("nosuch", &Value::Null, &user["nosuch"])?;
    same("name.nosuch", &Value::Null, &user["name"]["nosuch"])
}

fn unknown_member(session: &mut Session) -> Verdict {
    let gone = session.deleted_id()?;
    let body = session.new_group("g", &[&json!({ "id": gone })]);
    session
        .post("/Groups", &body)?
        .refused(400, "invalidValue")?;
    let filter = format!("displayName eq {}", body["displayName"]);
    let answer = session.send(Request::get("/Groups").query("filter", &filter))?;
    selects(&answer.list()?, &[])
}

fn password(session: &mut Session) -> Verdict {
    let secret = format!("Correct-Horse-9-{}", session.tag());
    let mut body = session.new_user("u");
    body["password"] = json!(secret);
    let created = session.post("/Users", &body)?.expect(201)?;
    let path = path_of("/Users", created.object()?);
    let filter = format!("userName eq {}", body["userName"]);
    let answers = [
        created,
        session.get(&path)?,
        session.get(format!("{path}?attributes=password"))?,
        session.send(Request::get("/Users").query("filter", &filter))?,
        session.send(Request::get("/Users?attributes=password").query("filter", &filter))?,
    ];
    for answer in answers {
        ensure(answer.status < 300, "success", &answer)?;
        let shown = String::from_utf8_lossy(&answer.bytes).contains("\"password\"");
        ensure(!shown, "no password", &answer)?;
    }
    Ok(())
}

fn external_id(session: &mut Session) -> Verdict {
    for _ in 0..2 {
        let mut body = session.new_user("u");
        body["externalId"] = json!("MiXed-é");
        let user = session.create("/Users", &body)?;
        same("externalId", &json!("MiXed-é"), &user["externalId"])?;
    }
    let plain = session.user("u")?;
    same(
        "externalId, which the server never invents,",
        &Value::Null,
        &plain["externalId"],
    )
}
