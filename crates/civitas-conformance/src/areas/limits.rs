//! Refusals that depend on limits and settings (RFC 6585; RFC 7644 §3.4.2).

use serde_json::json;

use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::{Session, patch_op, path_of};
use crate::verdict::{Verdict, ensure, fail, within};
use crate::wire::Request;

const CASES: &[Entry] = &[
    (
        &["S-7644-3.14-08", "H-6585-3-01", "S-7644-3.12-02"],
        "a change without a precondition where one is required",
        precondition_required,
    ),
    (
        &[
            "T-HTTP-21",
            "H-6585-4-01",
            "H-9110-10.2.3-01",
            "S-7644-3.12-02",
        ],
        "over the rate limit",
        too_many_requests,
    ),
    (&["H-6585-5-01"], "header fields too large", large_header),
    (
        &["H-9110-15.5.6-01"],
        "a method that nobody knows",
        unknown_method,
    ),
    (
        &["S-7644-3.4.2.1-02", "S-7644-3.4.2.1-03"],
        "a query that would examine too much",
        too_many_resources,
    ),
];

pub(super) fn cases() -> Vec<Case> {
    CASES.iter().map(Case::from).collect()
}

fn precondition_required(session: &mut Session) -> Verdict {
    let guarded = session.caller(Role::Guarded)?;
    let body = session.new_user("u");
    let created = guarded.ask(&Request::post("/Users", &body))?.expect(201)?;
    let path = path_of("/Users", created.object()?);
    let message = patch_op(&json!([{ "op": "replace", "path": "title", "value": "x" }]));
    let requests = [
        Request::put(&path, &body),
        Request::patch(&path, &message),
        Request::new("DELETE", &path),
    ];
    let verdict = requests.iter().try_for_each(|request| {
        let answer = guarded.ask(request)?;
        within(request.method(), answer.refused(428, ""))
    });
    for request in requests {
        let answer = guarded.ask(&request.header("if-match", "*"))?;
        answer.expect_any(&[200, 204])?;
    }
    verdict
}

fn too_many_requests(session: &mut Session) -> Verdict {
    const ENOUGH: u32 = 2_000;
    let limited = session.caller(Role::Limited)?;
    for _ in 0..ENOUGH {
        let answer = limited.ask(&Request::get("/Users?count=0"))?;
        if answer.status == 200 {
            continue;
        }
        answer.refused(429, "")?;
        let after = answer.header("retry-after").unwrap_or_default();
        let seconds = after.parse::<u32>().is_ok();
        return ensure(
            seconds || after.ends_with("GMT"),
            "Retry-After in seconds or as a date",
            &answer,
        );
    }
    fail("429", format!("{ENOUGH} requests answered 200"))
}

fn large_header(session: &mut Session) -> Verdict {
    let request = Request::get("/Users?count=0").header("x-filler", "x".repeat(20_000));
    session.send(request)?.refused(431, "")
}

fn unknown_method(session: &mut Session) -> Verdict {
    let answer = session.send(Request::new("FROB", "/Users"))?;
    answer.clone().expect_any(&[405, 501])?;
    answer.refused(answer.status, "")
}

/// `title` stands for an attribute that no index answers.
fn too_many_resources(session: &mut Session) -> Verdict {
    let most = session.examines()?;
    for number in 0..=most {
        let mut body = session.new_user("u");
        body["title"] = json!(format!("Guide {number}"));
        session.post("/Users", &body)?.expect(201)?;
    }
    let paged = session.get("/Users?count=1")?;
    ensure(
        paged.list()?.total > u64::from(most),
        "all of them, by pages",
        &paged,
    )?;
    let request = Request::get("/Users").query("filter", r#"title co "no such guide""#);
    session.send(request)?.refused(400, "tooMany")
}
