//! Sorting (RFC 7644 §3.4.2.3), where the server offers it.

use serde_json::{Value, json};

use crate::Unmet;
use crate::case::Case;
use crate::session::Session;
use crate::urn;
use crate::verdict::{Verdict, ensure, same, text};
use crate::wire::Request;

/// Sort parameters and the order of the cast, by letter.
struct Row {
    ids: &'static [&'static str],
    name: &'static str,
    query: &'static str,
    order: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        ids: &[
            "S-7644-3.4.2.3-02",
            "S-7644-3.4.2.3-03",
            "S-7644-3.4.2.3-05",
        ],
        name: "ascending unless told",
        query: "sortBy=displayName",
        order: "A B C D",
    },
    Row {
        ids: &["S-7644-3.4.2.3-03"],
        name: "ascending by name",
        query: "sortBy=displayName&sortOrder=ascending",
        order: "A B C D",
    },
    Row {
        ids: &["S-7644-3.4.2.3-03"],
        name: "descending",
        query: "sortBy=displayName&sortOrder=descending",
        order: "D C B A",
    },
    Row {
        ids: &["S-7644-3.4.2.3-04"],
        name: "no value: last when ascending",
        query: "sortBy=title",
        order: "B A D C",
    },
    Row {
        ids: &["S-7644-3.4.2.3-04"],
        name: "no value: first when descending",
        query: "sortBy=title&sortOrder=descending",
        order: "C D A B",
    },
    Row {
        ids: &["S-7644-3.4.2.3-05"],
        name: "exact text heeds case",
        query: "sortBy=externalId",
        order: "B D A C",
    },
    Row {
        ids: &["S-7644-3.4.2.3-02"],
        name: "the primary element decides",
        query: "sortBy=emails",
        order: "C B A D",
    },
    Row {
        ids: &["S-7644-3.4.2.3-02"],
        name: "a sub-attribute",
        query: "sortBy=NAME.familyName",
        order: "D C B A",
    },
    Row {
        ids: &["S-7644-3.10-01"],
        name: "an extension attribute",
        query: "sortBy=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter",
        order: "C A D B",
    },
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = ROWS
        .iter()
        .map(|row| Case::new(row.ids, row.name, move |session| sorted(session, row)))
        .collect();
    cases.extend([
        Case::new(
            &["S-7644-3.4.2.3-06"],
            "parameters that make no sense",
            refused,
        ),
        Case::new(
            &["S-7644-3.4.2.3-06"],
            "sortOrder alone is ignored",
            |session| {
                session.needs("sort")?;
                session.get("/Users?sortOrder=descending&count=0")?.list()?;
                Ok(())
            },
        ),
        Case::new(
            &["S-7644-3.4.2.2-25"],
            "password is no sort key",
            |session| {
                session.needs("sort")?;
                session
                    .get("/Users?sortBy=password")?
                    .refused(400, "invalidValue")
            },
        ),
        Case::new(
            &["S-7644-3.4.2.3-07", "I-OKTA-01"],
            "an unsorted list has a stable order",
            stable,
        ),
    ]);
    cases
}

fn cast(session: &mut Session) -> Result<Vec<(&'static str, Value)>, Unmet> {
    let mut cast = Vec::new();
    // Created out of order, so that the order of creation cannot pass for sorting.
    for (letter, display, title, external, family, cost, emails) in [
        (
            "C",
            "carol",
            None,
            None,
            "Baker",
            "100",
            json!([{ "value": "a@x.org" }]),
        ),
        (
            "A",
            "Adam",
            Some("boss"),
            Some("b"),
            "Dodd",
            "200",
            json!([{ "value": "a@x.org" }, { "value": "m@x.org", "primary": true }]),
        ),
        (
            "D",
            "Dora",
            Some("clerk"),
            Some("a"),
            "abel",
            "300",
            json!([{ "value": "z@x.org" }]),
        ),
        (
            "B",
            "bert",
            Some("Aide"),
            Some("B"),
            "Cole",
            "400",
            json!([{ "value": "b@x.org", "primary": true }, { "value": "y@x.org" }]),
        ),
    ] {
        let body = json!({
            "schemas": [urn::USER, urn::ENTERPRISE],
            "userName": session.name(letter),
            "nickName": session.tag(),
            "displayName": display,
            "title": title,
            "externalId": external,
            "name": { "familyName": family },
            "emails": emails,
            urn::ENTERPRISE: { "costCenter": if letter == "B" { Value::Null } else { json!(cost) } },
        });
        cast.push((letter, session.create("/Users", &body)?));
    }
    Ok(cast)
}

fn sorted(session: &mut Session, row: &Row) -> Verdict {
    session.needs("sort")?;
    let cast = cast(session)?;
    let filter = format!(r#"nickName eq "{}""#, session.tag());
    let answer =
        session.send(Request::get(format!("/Users?{}", row.query)).query("filter", &filter))?;
    let order: Vec<_> = answer
        .list()?
        .ids()
        .iter()
        .map(|id| {
            cast.iter()
                .find(|(_, user)| text(&user["id"]) == *id)
                .map_or("?", |(letter, _)| letter)
        })
        .collect();
    same("order", &json!(row.order), &json!(order.join(" ")))
}

fn refused(session: &mut Session) -> Verdict {
    session.needs("sort")?;
    for query in [
        "sortBy=nosuch",
        "sortBy=name",
        "sortBy=userName&sortOrder=sideways",
    ] {
        session
            .get(format!("/Users?{query}"))?
            .refused(400, "invalidValue")?;
    }
    Ok(())
}

fn stable(session: &mut Session) -> Verdict {
    cast(session)?;
    let filter = format!(r#"nickName eq "{}""#, session.tag());
    let request = Request::get("/Users").query("filter", &filter);
    let first = session.send(request.clone())?;
    ensure(first.list()?.total == 4, "four users", &first)?;
    let again = session.send(request)?;
    same(
        "ids listed",
        &json!(first.list()?.ids()),
        &json!(again.list()?.ids()),
    )
}
