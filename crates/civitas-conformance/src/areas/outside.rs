//! What is beside the SCIM base on the same server (RFC 9457).

use serde_json::json;

use crate::Unmet;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::urn;
use crate::verdict::{Verdict, ensure, lists, same, skip};
use crate::wire::{Answer, Request};

const CASES: &[Entry] = &[
    (
        &["H-9457-3-01"],
        "an error outside SCIM is a problem",
        problem,
    ),
    (
        &["H-9457-1-01"],
        "families of errors are not mixed",
        families,
    ),
];

pub(super) fn cases() -> Vec<Case> {
    CASES.iter().map(Case::from).collect()
}

/// The answer at a path that nothing is at, outside the SCIM base.
fn lost(session: &mut Session) -> Result<Answer, Unmet> {
    let base = session.client().base().to_owned();
    let host = base.find("://").map_or(0, |at| at + 3);
    let Some(end) = base[host..].find('/') else {
        return skip("SCIM is at the root of the server");
    };
    let origin = session.client().outside(&base[..host + end]);
    origin.ask(&Request::get(format!("/nosuch-{}", session.tag())))
}

fn problem(session: &mut Session) -> Verdict {
    let answer = lost(session)?.expect(404)?;
    same(
        "media type",
        &json!("application/problem+json"),
        &json!(answer.media_type()),
    )?;
    let body = answer.object()?;
    let or_absent = |name: &str, met: bool| {
        ensure(
            met || body.get(name).is_none(),
            format!("{name} of the right type, or absent"),
            &answer,
        )
    };
    or_absent("type", body["type"].is_string())?;
    or_absent("title", body["title"].is_string())?;
    or_absent("status", body["status"] == 404)?;
    or_absent("detail", body["detail"].is_string())?;
    or_absent("instance", body["instance"].is_string())
}

fn families(session: &mut Session) -> Verdict {
    let inside = session.get(format!("/nosuch-{}", session.tag()))?;
    inside.refused(404, "")?;
    ensure(
        inside.object()?.get("title").is_none() && inside.object()?.get("error").is_none(),
        "no members of other families",
        &inside,
    )?;
    let outside = lost(session)?;
    let scim = outside
        .json()
        .is_some_and(|body| lists(&body["schemas"], urn::ERROR));
    ensure(!scim, "no SCIM error outside SCIM", &outside)
}
