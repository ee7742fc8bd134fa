//! Pagination by cursor (RFC 9865), where the server offers it.

use std::collections::HashSet;

use serde_json::json;

use super::paging::{CROWD, crowd};
use crate::Unmet;
use crate::case::{Case, Entry};
use crate::session::{Session, path_of};
use crate::urn;
use crate::verdict::{Verdict, ensure, fail, same, skip, text, within};
use crate::wire::{Answer, Request};

/// Cases for servers that advertise `pagination.cursor`.
const OFFERED: &[Entry] = &[
    (
        &[
            "T-PAGE-12",
            "S-9865-2-02",
            "S-9865-2-04",
            "S-9865-2-05",
            "S-9865-2-08",
        ],
        "cursors show everyone once",
        all_pages,
    ),
    (
        &["T-PAGE-13", "S-9865-2.1-01", "S-9865-5.2-04"],
        "cursors that were never issued",
        forged,
    ),
    (
        &["T-PAGE-14", "S-9865-2-06"],
        "a cursor with another query",
        other_query,
    ),
    (
        &["T-PAGE-15", "S-9865-2.1-01"],
        "a cursor with another count",
        other_count,
    ),
    (
        &["T-PAGE-17", "S-9865-2.1-03"],
        "cursor and startIndex",
        both,
    ),
    (
        &["T-PAGE-18", "S-9865-5-01"],
        "changes between pages",
        changes,
    ),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (ids, name, check) in OFFERED {
        cases.push(Case::new(ids, name, move |session| {
            offered(session)?;
            check(session)
        }));
    }
    cases.push(Case::new(
        &["S-9865-3-01"],
        "cursor in a .search",
        |session| {
            offered(session)?;
            let filter = crowd(session)?;
            let body =
                json!({ "schemas": [urn::SEARCH], "filter": filter, "cursor": "", "count": 5 });
            let answer = session.post("/Users/.search", &body)?;
            ensure(
                answer.list()?.body["nextCursor"].is_string(),
                "nextCursor",
                &answer,
            )
        },
    ));
    cases
}

fn offered(session: &Session) -> Verdict {
    if session.config()["pagination"]["cursor"] == true {
        Ok(())
    } else {
        skip("the server does not advertise pagination.cursor")
    }
}

fn page(session: &mut Session, filter: &str, cursor: &str, more: &str) -> Result<Answer, Unmet> {
    let request = Request::get(format!("/Users?{more}"));
    session.send(request.query("filter", filter).query("cursor", cursor))
}

fn next_cursor(answer: &Answer) -> Result<String, Unmet> {
    let cursor = text(&answer.list()?.body["nextCursor"]);
    let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    ensure(
        !cursor.is_empty() && cursor.chars().all(unreserved),
        "a nextCursor of unreserved characters",
        answer,
    )?;
    Ok(cursor)
}

fn all_pages(session: &mut Session) -> Verdict {
    let filter = crowd(session)?;
    let mut seen = HashSet::new();
    let mut cursor = String::new();
    for (number, items) in [5, 5, 2].into_iter().enumerate() {
        let answer = page(session, &filter, &cursor, "count=5")?.expect(200)?;
        let list = answer.list()?;
        same("items", &json!(items), &json!(list.resources.len()))?;
        same("totalResults", &json!(CROWD), &json!(list.total))?;
        ensure(
            list.body.get("startIndex").is_none(),
            "no startIndex",
            &answer,
        )?;
        let first = number == 0;
        ensure(
            !first || list.body.get("previousCursor").is_none(),
            "no previousCursor",
            &answer,
        )?;
        seen.extend(list.ids());
        if number < 2 {
            cursor = next_cursor(&answer)?;
        } else {
            ensure(
                list.body.get("nextCursor").is_none(),
                "no nextCursor on the last page",
                &answer,
            )?;
        }
    }
    same("distinct users", &json!(CROWD), &json!(seen.len()))
}

fn forged(session: &mut Session) -> Verdict {
    let filter = crowd(session)?;
    let cursor = next_cursor(&page(session, &filter, "", "count=5")?)?;
    let cut = cursor
        .get(..cursor.len() / 2)
        .unwrap_or_default()
        .to_owned();
    for forged in ["\0", cut.as_str(), "nosuch"] {
        let answer = page(session, &filter, forged, "count=5")?;
        within(&format!("{forged:?}"), answer.refused(400, "invalidCursor"))?;
    }
    Ok(())
}

fn other_query(session: &mut Session) -> Verdict {
    let filter = crowd(session)?;
    let cursor = next_cursor(&page(session, &filter, "", "count=5")?)?;
    page(session, "userName pr", &cursor, "count=5")?.refused(400, "invalidCursor")?;
    page(session, &filter, &cursor, "count=5&sortBy=title")?.refused(400, "invalidCursor")
}

fn other_count(session: &mut Session) -> Verdict {
    let filter = crowd(session)?;
    let cursor = next_cursor(&page(session, &filter, "", "count=5")?)?;
    page(session, &filter, &cursor, "count=6")?.refused(400, "invalidCount")
}

fn both(session: &mut Session) -> Verdict {
    page(session, "userName pr", "", "startIndex=1")?.refused(400, "invalidValue")
}

fn changes(session: &mut Session) -> Verdict {
    let filter = crowd(session)?;
    let first = page(session, &filter, "", "count=5")?.expect(200)?;
    let cursor = next_cursor(&first)?;
    let mut seen: HashSet<_> = first.list()?.ids().into_iter().collect();
    session
        .delete(&path_of("/Users", &first.list()?.resources[0]))?
        .expect(204)?;
    let mut late = session.new_user("crowd");
    late["nickName"] = json!(session.tag());
    session.create("/Users", &late)?;
    let mut cursor = Some(cursor);
    while let Some(next) = cursor.take() {
        let answer = page(session, &filter, &next, "count=5")?.expect(200)?;
        let list = answer.list()?;
        for id in list.ids() {
            if !seen.insert(id.clone()) {
                return fail("no user twice", id);
            }
        }
        cursor = list.body["nextCursor"].as_str().map(str::to_owned);
    }
    // The newcomer may or may not be seen; the dozen must be.
    ensure(
        seen.len() as u64 >= CROWD,
        "no unchanged user missed",
        &first,
    )
}
