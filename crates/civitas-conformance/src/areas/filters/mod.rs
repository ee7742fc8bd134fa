//! Filters (RFC 7644 §3.4.2.2), each asked of the same three users.

mod cast;
mod refused;
mod selecting;

use cast::Cast;
use refused::REFUSED;
use selecting::{ABOUT_ACTIVE, AT_THE_BASE, SELECTING};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::case::{Case, Entry};
use crate::session::{Session, path_of, selects};
use crate::urn;
use crate::verdict::{Verdict, ensure, fail, same, skip, text};
use crate::wire::Request;

/// A filter and whom it selects.
#[derive(Clone, Copy)]
struct Row {
    id: &'static str,
    filter: &'static str,
    selects: &'static str,
    point: &'static str,
    also: &'static [&'static str],
}

const fn row(
    id: &'static str,
    filter: &'static str,
    selects: &'static str,
    point: &'static str,
) -> Row {
    Row {
        id,
        filter,
        selects,
        point,
        also: &[],
    }
}

const fn citing(also: &'static [&'static str], row: Row) -> Row {
    Row { also, ..row }
}

/// Cases that are no row of a table.
const OTHERS: &[Entry] = &[
    (&["T-FILTER-05", "X-TOP-17"], "id heeds case", id_heeds_case),
    (
        &["T-FILTER-14", "S-7643-2.5-03"],
        "an empty string is a value",
        |session| about_empty_title(session, r#"title eq """#, "C"),
    ),
    (
        &["T-FILTER-15", "S-7644-3.4.2.2-17"],
        "ne holds on unassigned",
        |session| about_empty_title(session, r#"title ne """#, "A B"),
    ),
    (
        &["T-FILTER-50", "S-7644-3.4.2.2-15"],
        "an instant in another zone",
        |session| about_time(session, "eq", 2, |stored, asked| stored == asked),
    ),
    (&["T-FILTER-51"], "later than an instant", |session| {
        about_time(session, "gt", 0, |stored, asked| stored > asked)
    }),
    (
        &["T-FILTER-52"],
        "not before an instant in another zone",
        |session| about_time(session, "ge", 2, |stored, asked| stored >= asked),
    ),
    (
        &["T-FILTER-53", "S-7644-3.4.2.2-20"],
        "before an instant, to the millisecond",
        |session| about_time_after(session, 1, "lt", 0, |stored, asked| stored < asked),
    ),
    (
        &["T-FILTER-54"],
        "fractions of a second compare as numbers",
        fractions,
    ),
    (
        &["T-FILTER-97"],
        "attribute of no type, at the base",
        |session| {
            session
                .send(Request::get("/").query("filter", "nosuch pr"))?
                .refused(400, "invalidFilter")
        },
    ),
    (
        &["S-7644-1.2-01"],
        "plus and %20 are spaces in a query",
        spaces,
    ),
    (
        &["S-7644-3.4.2-03", "S-7644-3.4.2-04", "I-ENTRA-03"],
        "no match: an empty list",
        no_match,
    ),
    (
        &["S-7644-3.4.2.2-26"],
        "deep nesting is refused, not a crash",
        deep,
    ),
    (
        &["S-7644-3.4.2.2-26"],
        "a filter beyond 8 KiB is refused",
        |session| {
            let long = format!(r#"userName eq "{}""#, "x".repeat(9_000));
            session
                .send(search_for(&long))?
                .refused(400, "invalidFilter")
        },
    ),
    (
        &["S-7644-3.4.2.2-26"],
        "a filter of hundreds of comparisons is refused",
        many_leaves,
    ),
    (
        &["S-7644-3.4.1-06"],
        "a filter on one resource answers a list",
        on_one_resource,
    ),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |row: &'static Row, check: fn(&mut Session, &'static Row) -> Verdict| {
        let ids: Vec<_> = std::iter::once(row.id)
            .chain(row.also.iter().copied())
            .collect();
        cases.push(Case::new(&ids, row.point, move |session| {
            check(session, row)
        }));
    };
    for row in SELECTING {
        add(row, selecting);
    }
    for row in REFUSED {
        add(row, refused);
    }
    for row in AT_THE_BASE {
        add(row, at_the_base);
    }
    for (row, with_default) in ABOUT_ACTIVE {
        let ids = [row.id, "S-7644-3.4.2.2-11"];
        cases.push(Case::new(&ids, row.point, move |session| {
            about_active(session, row, with_default)
        }));
    }
    cases.extend(OTHERS.iter().map(Case::from));
    cases
}

fn scoped(filter: &str, tag: &str) -> String {
    format!(r#"nickName eq "{tag}" and ({filter})"#)
}

fn selecting(session: &mut Session, row: &Row) -> Verdict {
    let cast = Cast::new(session)?;
    let filter = cast.fill(row.filter, session.tag());
    expect_selected(session, &cast, &filter, row.selects)
}

fn expect_selected(session: &mut Session, cast: &Cast, filter: &str, letters: &str) -> Verdict {
    let filter = scoped(filter, session.tag());
    let answer = session
        .send(Request::get("/Users").query("filter", &filter))?
        .expect(200)?;
    ensure_selected(cast, &answer, letters)
}

/// Reports by letters rather than by ids, so that a failure can be read.
fn ensure_selected(cast: &Cast, answer: &crate::wire::Answer, letters: &str) -> Verdict {
    let list = answer.list()?;
    if selects(&list, &cast.named(letters)).is_ok() {
        return Ok(());
    }
    let got: Vec<_> = list
        .ids()
        .iter()
        .map(|id| {
            let is = |one: &&&str| cast.named(one).iter().any(|resource| resource["id"] == *id);
            ["A", "B", "C", "G"]
                .iter()
                .find(is)
                .copied()
                .unwrap_or("another")
        })
        .collect();
    fail(
        format!("selects [{letters}]"),
        format!(
            "[{}], totalResults {} (after {})",
            got.join(" "),
            list.total,
            answer.request
        ),
    )
}

fn about_active(session: &mut Session, row: &Row, with_default: &str) -> Verdict {
    let cast = Cast::new(session)?;
    let letters = if cast.active_is_defaulted() {
        with_default
    } else {
        row.selects
    };
    expect_selected(session, &cast, row.filter, letters)
}

fn about_empty_title(session: &mut Session, filter: &str, letters: &str) -> Verdict {
    let cast = Cast::new(session)?;
    if !cast.titles_may_be_empty() {
        return skip("the server does not keep an empty string");
    }
    expect_selected(session, &cast, filter, letters)
}

fn id_heeds_case(session: &mut Session) -> Verdict {
    let cast = Cast::new(session)?;
    let id = text(&cast.a["id"]);
    if id == id.to_uppercase() {
        return skip("ids have no letters in lower case");
    }
    let filter = cast.fill(r#"id eq "<ID>""#, session.tag());
    expect_selected(session, &cast, &filter, "")
}

fn last_modified(user: &Value) -> Result<Timestamp, crate::Unmet> {
    let written = text(&user["meta"]["lastModified"]);
    written.parse().or_else(|_| {
        fail(
            "meta.lastModified as a dateTime with a zone",
            format!("{written:?}"),
        )
    })
}

/// Compares with A's own `meta.lastModified`, written with an offset of some hours.
fn about_time(
    session: &mut Session,
    operator: &str,
    offset_hours: i64,
    holds: fn(Timestamp, Timestamp) -> bool,
) -> Verdict {
    about_time_after(session, 0, operator, offset_hours, holds)
}

/// The same with an instant some milliseconds later.
fn about_time_after(
    session: &mut Session,
    millis: i64,
    operator: &str,
    offset_hours: i64,
    holds: fn(Timestamp, Timestamp) -> bool,
) -> Verdict {
    let cast = Cast::new(session)?;
    let asked = last_modified(&cast.a)? + jiff::SignedDuration::from_millis(millis);
    let shifted = asked + jiff::SignedDuration::from_hours(offset_hours);
    let literal = format!(
        "{}+{offset_hours:02}:00",
        shifted.to_string().trim_end_matches('Z')
    );
    let mut letters = Vec::new();
    for (letter, user) in [("A", &cast.a), ("B", &cast.b), ("C", &cast.c)] {
        if holds(last_modified(user)?, asked) {
            letters.push(letter);
        }
    }
    let filter = format!(r#"meta.lastModified {operator} "{literal}""#);
    expect_selected(session, &cast, &filter, &letters.join(" "))
}

/// Trailing zeros after the second do not change an instant.
fn fractions(session: &mut Session) -> Verdict {
    let cast = Cast::new(session)?;
    let asked = last_modified(&cast.a)?;
    let mut letters = Vec::new();
    for (letter, user) in [("A", &cast.a), ("B", &cast.b), ("C", &cast.c)] {
        if last_modified(user)? == asked {
            letters.push(letter);
        }
    }
    let filter = format!(r#"meta.lastModified eq "{asked:.6}""#);
    expect_selected(session, &cast, &filter, &letters.join(" "))
}

fn refused(session: &mut Session, row: &Row) -> Verdict {
    session
        .send(Request::get("/Users").query("filter", row.filter))?
        .refused(400, "invalidFilter")
}

fn at_the_base(session: &mut Session, row: &Row) -> Verdict {
    let cast = Cast::new(session)?;
    let tag = session.tag();
    let filter = format!(
        r#"(nickName eq "{tag}" or displayName eq "Staff-{tag}") and ({})"#,
        cast.fill(row.filter, tag)
    );
    let answer = session
        .send(Request::get("/").query("filter", &filter))?
        .expect(200)?;
    ensure_selected(&cast, &answer, row.selects)
}

fn spaces(session: &mut Session) -> Verdict {
    let user = session.user("space")?;
    let name = text(&user["userName"]);
    for space in ["+", "%20"] {
        let path = format!("/Users?filter=userName{space}eq{space}%22{name}%22");
        selects(&session.get(path)?.expect(200)?.list()?, &[&user])?;
    }
    // Decoded once: what is left of a percent sign is a percent sign.
    let body = session.new_user("per%41cent");
    let odd = session.create("/Users", &body)?;
    let filter = format!("userName eq {}", body["userName"]);
    let answer = session.send(Request::get("/Users").query("filter", &filter))?;
    selects(&answer.list()?, &[&odd])
}

fn no_match(session: &mut Session) -> Verdict {
    let filter = format!(r#"userName eq "{}""#, session.name("nobody"));
    let answer = session
        .send(Request::get("/Users").query("filter", &filter))?
        .expect(200)?;
    let list = answer.list()?;
    same("totalResults", &json!(0), &json!(list.total))?;
    ensure(
        list.body["Resources"] == json!([]),
        "Resources: []",
        &answer,
    )?;
    ensure(
        list.body["startIndex"].is_u64() && list.body["itemsPerPage"] == 0,
        "startIndex and itemsPerPage as integers",
        &answer,
    )
}

/// A filter as a `.search`, where no limit on the length of a URL interferes.
fn search_for(filter: &str) -> Request {
    Request::post(
        "/Users/.search",
        &json!({ "schemas": [urn::SEARCH], "filter": filter }),
    )
}

fn deep(session: &mut Session) -> Verdict {
    let nested = format!("{}userName pr{}", "(".repeat(3_000), ")".repeat(3_000));
    session
        .send(search_for(&nested))?
        .refused(400, "invalidFilter")?;
    let nested = format!("{}userName pr{}", "not (".repeat(40), ")".repeat(40));
    session
        .send(search_for(&nested))?
        .refused(400, "invalidFilter")
}

fn many_leaves(session: &mut Session) -> Verdict {
    let filter = vec!["title pr"; 300].join(" or ");
    session
        .send(search_for(&filter))?
        .refused(400, "invalidFilter")
}

fn on_one_resource(session: &mut Session) -> Verdict {
    let user = session.user("one")?;
    let path = path_of("/Users", &user);
    let hit = session
        .send(Request::get(&path).query("filter", "userName pr"))?
        .expect(200)?;
    selects(&hit.list()?, &[&user])?;
    let miss = session
        .send(Request::get(&path).query("filter", "title pr"))?
        .expect(200)?;
    let list = miss.list()?;
    ensure(list.total == 0, "totalResults 0", &miss)
}
