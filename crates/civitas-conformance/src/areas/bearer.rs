//! Who may call at all: bearer tokens and their refusal (RFC 6750, RFC 7644 §2).

use serde_json::json;

use crate::account::{Account, Role};
use crate::case::Case;
use crate::session::{Session, patch_op, path_of};
use crate::verdict::{Verdict, ensure, same, skip};
use crate::wire::{Client, Request};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            &["T-HTTP-17", "A-6750-3-01", "S-7644-2-01", "A-6750-3-03"],
            "no credentials: a challenge without error code",
            no_token,
        ),
        Case::new(
            &["T-HTTP-17", "A-6750-3.1-01", "A-6750-3-03"],
            "a bad token: invalid_token",
            bad_token,
        ),
        Case::new(
            &["T-HTTP-17", "A-6750-3.1-02", "S-7644-2-02", "S-7644-2.1-01"],
            "a token that may only read: insufficient_scope",
            read_only_token,
        ),
        Case::new(
            &["A-6750-2.1-01"],
            "the scheme name ignores case",
            scheme_case,
        ),
        Case::new(
            &["A-6750-2.1-01"],
            "a token in the query is no credential",
            token_in_query,
        ),
        Case::new(
            &["H-ORDER-02"],
            "without credentials known and unknown ids look alike",
            alike,
        ),
        Case::new(
            &["A-6750-3-02"],
            "a challenge names each parameter once",
            once,
        ),
        Case::new(
            &["T-HTTP-05", "H-ORDER-01"],
            "missing rights come before preconditions",
            forbidden_first,
        ),
    ]
}

fn no_token(session: &mut Session) -> Verdict {
    let answer = session.send(Request::get("/Users").anonymous())?;
    answer.refused(401, "")?;
    let challenge = answer.header_list("www-authenticate");
    ensure(!challenge.is_empty(), "WWW-Authenticate", &answer)?;
    ensure(
        !challenge.contains("error="),
        format!("no error code in {challenge}"),
        &answer,
    )
}

fn bad_token(session: &mut Session) -> Verdict {
    let request = Request::get("/Users").header("authorization", "Bearer not-a-token");
    let answer = session.send(request)?;
    answer.refused(401, "")?;
    let challenge = answer.header_list("www-authenticate");
    ensure(
        challenge.contains("Bearer") && challenge.contains("error=\"invalid_token\""),
        format!("a Bearer challenge with error=\"invalid_token\", not {challenge:?}"),
        &answer,
    )
}

fn read_only_token(session: &mut Session) -> Verdict {
    let reader = session.caller(Role::Read)?;
    reader.ask(&Request::get("/Users?count=0"))?.list()?;
    let body = session.new_user("u");
    let answer = session.send_as(&reader, Request::post("/Users", &body))?;
    answer.refused(403, "")?;
    let challenge = answer.header_list("www-authenticate");
    ensure(
        challenge.contains("error=\"insufficient_scope\""),
        format!("error=\"insufficient_scope\" in {challenge:?}"),
        &answer,
    )
}

/// The usual bearer token under another spelling of the scheme.
fn scheme_case(session: &mut Session) -> Verdict {
    let Some(token) = session.token() else {
        return skip("needs a bearer token");
    };
    for scheme in ["bearer", "BEARER"] {
        let request = Request::get("/Users").query("count", "0");
        session
            .send(request.header("authorization", format!("{scheme} {token}")))?
            .expect(200)?;
    }
    Ok(())
}

fn token_in_query(session: &mut Session) -> Verdict {
    let Some(token) = session.token() else {
        return skip("needs a bearer token");
    };
    let request = Request::get("/Users")
        .query("access_token", &token)
        .anonymous();
    session.send(request)?.refused(401, "")
}

fn alike(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let gone = session.deleted_id()?;
    let known = session.send(Request::get(path_of("/Users", &user)).anonymous())?;
    let unknown = session.send(Request::get(format!("/Users/{gone}")).anonymous())?;
    known.refused(401, "")?;
    unknown.refused(401, "")?;
    same("the error body", known.object()?, unknown.object()?)
}

fn once(session: &mut Session) -> Verdict {
    let answer = session.send(Request::get("/Users").header("authorization", "Bearer x.y.z"))?;
    let challenge = answer
        .expect(401)?
        .header("www-authenticate")
        .unwrap_or_default()
        .to_owned();
    for parameter in ["realm=", "error=", "error_description=", "scope="] {
        let count = challenge.matches(&format!(" {parameter}")).count();
        same(
            &format!("occurrences of {parameter} in {challenge:?}, at most 1"),
            &json!(true),
            &json!(count <= 1),
        )?;
    }
    Ok(())
}

fn forbidden_first(session: &mut Session) -> Verdict {
    let reader = session.caller(Role::Read)?;
    let user = session.user("u")?;
    let message = patch_op(&json!([{ "op": "replace", "path": "title", "value": "x" }]));
    let request =
        Request::patch(path_of("/Users", &user), &message).header("if-match", "W/\"stale\"");
    reader.ask(&request)?.refused(403, "")
}

/// A client whose token was never issued, for cases of other areas.
pub(super) fn stranger(session: &Session) -> Client {
    session.client().with(&Account::bearer("never-issued"))
}
