//! Pagination by index (RFC 7644 §3.4.2.4), over a dozen users of the case's own.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::Unmet;
use crate::case::Case;
use crate::session::Session;
use crate::verdict::{Verdict, ensure, fail, same, within};
use crate::wire::{Answer, Request};

/// How many users match.
pub(super) const CROWD: u64 = 12;

/// A query and what its page looks like: first index, number of items.
struct Row {
    ids: &'static [&'static str],
    name: &'static str,
    queries: &'static [&'static str],
    start: u64,
    items: u64,
}

const ROWS: &[Row] = &[
    Row {
        ids: &[
            "T-PAGE-01",
            "S-7644-3.4.2.4-05",
            "S-7644-3.4.2.4-06",
            "S-7644-3.4.2-02",
            "S-7644-3.4.2-04",
            "X-TOP-18",
        ],
        name: "no parameters: the first page",
        queries: &["", "startIndex=1"],
        start: 1,
        items: CROWD,
    },
    Row {
        ids: &["T-PAGE-02", "S-7644-3.4.2.4-01", "X-TOP-19"],
        name: "a startIndex below 1 counts as 1",
        queries: &["startIndex=0", "startIndex=-5"],
        start: 1,
        items: CROWD,
    },
    Row {
        ids: &["T-PAGE-03", "S-7644-3.4.2.4-03", "X-TOP-19"],
        name: "count 0 only counts",
        queries: &["count=0"],
        start: 1,
        items: 0,
    },
    Row {
        ids: &["T-PAGE-04", "S-7644-3.4.2.4-02", "X-TOP-19"],
        name: "a negative count is 0",
        queries: &["count=-1"],
        start: 1,
        items: 0,
    },
    Row {
        ids: &["T-PAGE-05", "S-7644-3.4.2.4-08"],
        name: "a large count is lowered",
        queries: &["count=100000000"],
        start: 1,
        items: CROWD,
    },
    Row {
        ids: &[
            "T-PAGE-06",
            "S-7644-3.4.2.4-04",
            "S-7644-3.4.2.4-07",
            "X-TOP-18",
        ],
        name: "a page in the middle",
        queries: &["startIndex=3&count=5"],
        start: 3,
        items: 5,
    },
    Row {
        ids: &["T-PAGE-07", "S-7644-3.4.2.4-07"],
        name: "the last page",
        queries: &["startIndex=9&count=10"],
        start: 9,
        items: 4,
    },
    Row {
        ids: &["T-PAGE-08", "S-7644-3.4.2.4-07"],
        name: "beyond the end",
        queries: &["startIndex=13"],
        start: 13,
        items: 0,
    },
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = ROWS
        .iter()
        .map(|row| Case::new(row.ids, row.name, move |session| page(session, row)))
        .collect();
    cases.extend([
        Case::new(
            &["T-PAGE-09", "S-7644-3.4.2.4-08"],
            "counters that are no integers",
            no_integers,
        ),
        Case::new(
            &["T-PAGE-10"],
            "the largest startIndex does not overflow",
            largest,
        ),
        Case::new(
            &["T-PAGE-11", "S-7644-3.4.2-03", "X-TOP-19"],
            "no match",
            |session| {
                let filter = format!(r#"userName eq "{}""#, session.name("none"));
                let answer = session.send(Request::get("/Users").query("filter", &filter))?;
                let list = answer.list()?;
                ensure(
                    list.total == 0 && list.body["Resources"] == json!([]),
                    "an empty list",
                    &answer,
                )
            },
        ),
        Case::new(
            &["S-7644-3.4.2.3-07", "S-7644-3.4.2-05", "I-OKTA-01"],
            "pages in turn show everyone once",
            in_turn,
        ),
    ]);
    cases
}

/// Creates the users and returns the filter that selects them.
pub(super) fn crowd(session: &mut Session) -> Result<String, Unmet> {
    for number in 0..CROWD {
        let mut body = session.new_user("crowd");
        body["nickName"] = json!(session.tag());
        body["title"] = json!(format!("Guide {number:02}"));
        session.post("/Users", &body)?.expect(201)?;
    }
    Ok(format!(r#"nickName eq "{}""#, session.tag()))
}

fn ask(session: &mut Session, query: &str, filter: &str) -> Result<Answer, Unmet> {
    session.send(Request::get(format!("/Users?{query}")).query("filter", filter))
}

fn page(session: &mut Session, row: &Row) -> Verdict {
    let filter = crowd(session)?;
    let most = session.config()["filter"]["maxResults"]
        .as_u64()
        .filter(|most| *most > 0);
    let items = most.map_or(row.items, |most| row.items.min(most));
    let whole = whole(session, &filter)?;
    for query in row.queries {
        let answer = ask(session, query, &filter)?.expect(200)?;
        within(query, shows(&answer, row.start, items))?;
        let wanted: Vec<_> = whole
            .iter()
            .skip(usize::try_from(row.start - 1).unwrap_or_default())
            .take(usize::try_from(items).unwrap_or_default())
            .collect();
        within(
            query,
            same("ids listed", &json!(wanted), &json!(answer.list()?.ids())),
        )?;
    }
    Ok(())
}

/// All ids in order, page by page.
fn whole(session: &mut Session, filter: &str) -> Result<Vec<String>, Unmet> {
    let mut ids = Vec::new();
    for start in [1, 4, 7, 10] {
        let query = format!("startIndex={start}&count=3");
        ids.extend(ask(session, &query, filter)?.list()?.ids());
    }
    Ok(ids)
}

fn shows(answer: &Answer, start: u64, items: u64) -> Verdict {
    let list = answer.list()?;
    let got = json!({
        "totalResults": list.total,
        "startIndex": list.body["startIndex"],
        "itemsPerPage": list.body["itemsPerPage"],
        "items": list.resources.len(),
    });
    let wanted = json!({ "totalResults": CROWD, "startIndex": start, "itemsPerPage": items, "items": items });
    same("the page", &wanted, &got)?;
    ensure(
        list.body["Resources"].is_array(),
        "Resources as an array",
        answer,
    )
}

fn no_integers(session: &mut Session) -> Verdict {
    for query in ["startIndex=abc", "count=1.5", "count="] {
        within(
            query,
            session
                .get(format!("/Users?{query}"))?
                .refused(400, "invalidValue"),
        )?;
    }
    Ok(())
}

fn largest(session: &mut Session) -> Verdict {
    let filter = crowd(session)?;
    let answer = ask(session, "startIndex=9223372036854775807", &filter)?.expect(200)?;
    let list = answer.list()?;
    ensure(
        list.resources.is_empty() && list.total == CROWD,
        "no items, true totalResults",
        &answer,
    )?;
    ask(session, "startIndex=99999999999999999999", &filter)?.refused(400, "invalidValue")
}

fn in_turn(session: &mut Session) -> Verdict {
    let filter = crowd(session)?;
    let mut seen = HashSet::new();
    for start in [1, 6, 11] {
        let answer = ask(session, &format!("startIndex={start}&count=5"), &filter)?.expect(200)?;
        for id in answer.list()?.ids() {
            if !seen.insert(id.clone()) {
                return fail("each user on one page", format!("{id} twice"));
            }
        }
    }
    same("users seen", &Value::from(CROWD), &json!(seen.len()))
}
