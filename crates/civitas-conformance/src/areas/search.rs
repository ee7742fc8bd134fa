//! Queries by POST (RFC 7644 §3.4.3).

use serde_json::{Value, json};

use super::paging::{CROWD, crowd};
use crate::case::Case;
use crate::session::{Session, selects};
use crate::urn;
use crate::verdict::{Verdict, ensure, same, within};
use crate::wire::Request;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            &["S-7644-3.4.3-01", "S-7644-3.4.3-04"],
            "a search of users, of groups and of all",
            everywhere,
        ),
        Case::new(
            &["S-7644-3.4.3-02", "S-7643-3-01"],
            "the message must name its schema",
            schema,
        ),
        Case::new(
            &["S-7644-3.4.3-03", "S-7644-3.9-01"],
            "every member means what it means in a URL",
            members,
        ),
        Case::new(
            &["S-7644-3.4.3-05", "I-TOL-13"],
            "query parameters are ignored, numeric strings tolerated",
            tolerated,
        ),
        Case::new(&["S-7644-3.4.3-06"], "GET on .search", |session| {
            for path in ["/.search", "/Users/.search"] {
                let answer = session.get(path)?;
                answer.refused(405, "")?;
                ensure(
                    answer.header_list("allow").contains("POST"),
                    "Allow: POST",
                    &answer,
                )?;
            }
            Ok(())
        }),
        Case::new(
            &["S-7644-3.4.3-03"],
            "refusals are those of a query",
            refusals,
        ),
    ]
}

fn search(members: &Value) -> Value {
    let mut body = json!({ "schemas": [urn::SEARCH] });
    for (name, value) in members.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

fn everywhere(session: &mut Session) -> Verdict {
    let mut body = session.new_user("u");
    let name = session.name("Name");
    body["displayName"] = json!(name);
    let user = session.create("/Users", &body)?;
    let group = json!({ "schemas": [urn::GROUP], "displayName": name });
    let group = session.create("/Groups", &group)?;
    let message = search(&json!({ "filter": format!(r#"displayName eq "{name}""#) }));
    for (path, found) in [
        ("/Users/.search", vec![&user]),
        ("/Groups/.search", vec![&group]),
        ("/.search", vec![&user, &group]),
    ] {
        let answer = session.post(path, &message)?.expect(200)?;
        within(path, selects(&answer.list()?, &found))?;
    }
    Ok(())
}

fn schema(session: &mut Session) -> Verdict {
    for body in [
        json!({ "count": 0 }),
        json!({ "schemas": [], "count": 0 }),
        json!({ "schemas": [urn::PATCH], "count": 0 }),
    ] {
        let answer = session.post("/Users/.search", &body)?;
        within(&body.to_string(), answer.refused(400, "invalidSyntax"))?;
    }
    Ok(())
}

fn members(session: &mut Session) -> Verdict {
    let filter = crowd(session)?;
    let message = search(&json!({
        "filter": filter, "startIndex": 3, "count": 5, "attributes": ["title"],
        "sortBy": "title", "sortOrder": "descending",
    }));
    let answer = session.post("/Users/.search", &message)?.expect(200)?;
    let list = answer.list()?;
    same("totalResults", &json!(CROWD), &json!(list.total))?;
    same("startIndex", &json!(3), &list.body["startIndex"])?;
    same("itemsPerPage", &json!(5), &list.body["itemsPerPage"])?;
    let first = list.resources.first().cloned().unwrap_or_default();
    ensure(
        first.get("userName").is_none() && first.get("meta").is_none(),
        "only title",
        &answer,
    )?;
    if session.needs("sort").is_ok() {
        same(
            "title of the third in descending order",
            &json!("Guide 09"),
            &first["title"],
        )?;
    }
    let message = search(&json!({ "filter": filter, "excludedAttributes": ["title"] }));
    let answer = session.post("/Users/.search", &message)?.expect(200)?;
    let list = answer.list()?;
    ensure(
        list.resources
            .iter()
            .all(|user| user.get("title").is_none()),
        "no title",
        &answer,
    )?;
    ensure(
        list.resources
            .iter()
            .all(|user| user.get("userName").is_some()),
        "userName",
        &answer,
    )
}

fn tolerated(session: &mut Session) -> Verdict {
    let filter = crowd(session)?;
    let message = search(&json!({ "filter": filter, "startIndex": "2", "count": "3" }));
    let request = Request::post("/Users/.search", &message).query("count", "1");
    let answer = session.send(request)?.expect(200)?;
    let list = answer.list()?;
    same("startIndex", &json!(2), &list.body["startIndex"])?;
    same("itemsPerPage", &json!(3), &list.body["itemsPerPage"])
}

fn refusals(session: &mut Session) -> Verdict {
    for (members, keyword) in [
        (json!({ "filter": "x" }), "invalidFilter"),
        (json!({ "filter": "" }), "invalidFilter"),
        (json!({ "filter": "password pr" }), "invalidFilter"),
        (json!({ "count": "many" }), "invalidValue"),
        (
            json!({ "attributes": ["id"], "excludedAttributes": ["title"] }),
            "invalidValue",
        ),
    ] {
        let answer = session.post("/Users/.search", &search(&members))?;
        within(&members.to_string(), answer.refused(400, keyword))?;
    }
    Ok(())
}
