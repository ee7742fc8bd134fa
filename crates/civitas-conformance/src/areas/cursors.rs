//! Pagination by cursor (RFC 9865), where the server offers it.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::paging::{CROWD, crowd};
use crate::Unmet;
use crate::account::Role;
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
    (&["S-9865-3-01"], "cursors in a .search", in_search),
    (
        &["S-9865-2-01"],
        "no cursor yet, written in both ways",
        first_page,
    ),
    (
        &["S-9865-2-03", "S-9865-2-07"],
        "count with cursors",
        counts,
    ),
    (
        &["S-9865-2.1-02", "T-PAGE-13", "T-PAGE-14", "T-PAGE-15"],
        "the same refusals in a .search",
        refused_in_search,
    ),
    (
        &["S-9865-2.1-02"],
        "a count beyond the limit is lowered, and stays so",
        large_count,
    ),
    (&["S-9865-2.2-01"], "sorted across pages", sorted),
    (
        &["S-9865-2.4-01", "S-9865-4-01"],
        "the default method",
        default_method,
    ),
    (
        &["S-9865-5.2-01", "S-9865-5.2-04", "T-PAGE-13", "S-7644-6-02"],
        "a cursor of another caller",
        of_another_caller,
    ),
    (
        &["T-PAGE-16", "S-9865-2.1-01"],
        "a cursor that is too old",
        too_old,
    ),
    (
        &["T-PAGE-18", "S-9865-5-01"],
        "changes between pages",
        changes,
    ),
];

pub(super) fn cases() -> Vec<Case> {
    Case::of(OFFERED, offered).collect()
}

fn offered(session: &mut Session) -> Verdict {
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
    let mut details = HashSet::new();
    for forged in ["\0", cut.as_str(), "nosuch"] {
        let answer = page(session, &filter, forged, "count=5")?;
        within(&format!("{forged:?}"), answer.refused(400, "invalidCursor"))?;
        details.insert(text(&answer.object()?["detail"]));
    }
    same("different explanations", &json!(1), &json!(details.len()))
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

fn search(filter: &str, cursor: &str, count: u64) -> Value {
    json!({ "schemas": [urn::SEARCH], "filter": filter, "cursor": cursor, "count": count })
}

fn in_search(session: &mut Session) -> Verdict {
    let filter = crowd(session)?;
    let mut seen = HashSet::new();
    let mut cursor = Some(String::new());
    while let Some(next) = cursor.take() {
        let answer = session.post("/Users/.search", &search(&filter, &next, 5))?;
        let list = answer.list()?;
        let before = seen.len();
        seen.extend(list.ids());
        ensure(
            seen.len() == before + list.resources.len(),
            "no user twice",
            &answer,
        )?;
        ensure(seen.len() > before, "a page that is not empty", &answer)?;
        cursor = list.body["nextCursor"].as_str().map(str::to_owned);
    }
    same("distinct users", &json!(CROWD), &json!(seen.len()))
}

fn first_page(session: &mut Session) -> Verdict {
    let filter = crowd(session)?;
    for spelling in ["cursor", "cursor="] {
        let request = Request::get(format!("/Users?{spelling}&count=5"));
        let answer = session.send(request.query("filter", &filter))?;
        within(spelling, next_cursor(&answer).map(drop))?;
    }
    Ok(())
}

fn counts(session: &mut Session) -> Verdict {
    let filter = crowd(session)?;
    for (count, items) in [("0", 0), ("-1", 0), ("7", 7)] {
        let answer = page(session, &filter, "", &format!("count={count}"))?;
        let list = answer.list()?;
        within(
            count,
            same("items", &json!(items), &json!(list.resources.len())),
        )?;
        within(
            count,
            same("totalResults", &json!(CROWD), &json!(list.total)),
        )?;
        within(
            count,
            same("itemsPerPage", &json!(items), &list.body["itemsPerPage"]),
        )?;
    }
    Ok(())
}

fn refused_in_search(session: &mut Session) -> Verdict {
    let filter = crowd(session)?;
    let first = session.post("/Users/.search", &search(&filter, "", 5))?;
    let cursor = next_cursor(&first)?;
    let mut both = search(&filter, "", 5);
    both["startIndex"] = json!(1);
    for (variant, body, keyword) in [
        ("forged", search(&filter, "nosuch", 5), "invalidCursor"),
        (
            "another filter",
            search("userName pr", &cursor, 5),
            "invalidCursor",
        ),
        ("another count", search(&filter, &cursor, 6), "invalidCount"),
        ("with startIndex", both, "invalidValue"),
    ] {
        let answer = session.post("/Users/.search", &body)?;
        within(variant, answer.refused(400, keyword))?;
    }
    Ok(())
}

fn large_count(session: &mut Session) -> Verdict {
    let filter = crowd(session)?;
    let answer = page(session, &filter, "", "count=100000000")?;
    let most = session.config()["pagination"]["maxPageSize"].as_u64();
    let items = most.map_or(CROWD, |most| most.min(CROWD));
    let length = |answer: &Answer| Ok::<_, Unmet>(answer.list()?.resources.len());
    same("items", &json!(items), &json!(length(&answer)?))?;
    if items < CROWD {
        let cursor = next_cursor(&answer)?;
        let rest = page(session, &filter, &cursor, "count=100000000")?;
        same("items", &json!(CROWD - items), &json!(length(&rest)?))?;
    }
    Ok(())
}

fn sorted(session: &mut Session) -> Verdict {
    session.needs("sort")?;
    let filter = crowd(session)?;
    let mut titles = Vec::new();
    let mut cursor = Some(String::new());
    let sort = "count=5&sortBy=title&sortOrder=descending";
    while let Some(next) = cursor.take() {
        let answer = page(session, &filter, &next, sort)?.expect(200)?;
        let list = answer.list()?;
        titles.extend(list.resources.iter().map(|user| text(&user["title"])));
        cursor = list.body["nextCursor"].as_str().map(str::to_owned);
    }
    let wanted: Vec<_> = (0..CROWD).rev().map(|n| format!("Guide {n:02}")).collect();
    same("titles in order", &json!(wanted), &json!(titles))
}

/// A request that names neither method is answered by the one the server calls default.
fn default_method(session: &mut Session) -> Verdict {
    let pagination = session.config()["pagination"].clone();
    let default = text(&pagination["defaultPaginationMethod"]);
    if pagination["index"] != true {
        return skip("the server has cursors only");
    }
    if !["index", "cursor"].contains(&default.as_str()) {
        return fail(
            "defaultPaginationMethod index or cursor",
            pagination.to_string(),
        );
    }
    let filter = crowd(session)?;
    let request = Request::get("/Users?count=5").query("filter", &filter);
    let answer = session.send(request)?;
    let by_cursor = answer.list()?.body["nextCursor"].is_string();
    ensure(
        by_cursor == (default == "cursor"),
        format!("a page by {default}"),
        &answer,
    )
}

/// Whoever holds a cursor, it opens nothing: not to another caller, nor in another tenant.
fn of_another_caller(session: &mut Session) -> Verdict {
    let filter = crowd(session)?;
    let cursor = next_cursor(&page(session, &filter, "", "count=5")?)?;
    let callers = [Role::Read, Role::Other].map(|role| session.caller(role));
    if callers.iter().all(Result::is_err) {
        return skip("needs another caller (--as read=TOKEN or --as other=TOKEN)");
    }
    for caller in callers.into_iter().flatten() {
        let request = Request::get("/Users?count=5").query("filter", &filter);
        let answer = caller.ask(&request.query("cursor", &cursor))?;
        answer.refused(400, "invalidCursor")?;
    }
    Ok(())
}

fn too_old(session: &mut Session) -> Verdict {
    let Some(life) = session.config()["pagination"]["cursorTimeout"].as_u64() else {
        return skip("the server states no cursorTimeout");
    };
    session.may_wait(Duration::from_secs(life))?;
    let filter = crowd(session)?;
    let cursor = next_cursor(&page(session, &filter, "", "count=5")?)?;
    std::thread::sleep(Duration::from_secs(life + 1));
    page(session, &filter, &cursor, "count=5")?.refused(400, "expiredCursor")
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
