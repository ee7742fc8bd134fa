//! Every method of every path: what it answers at least, and what is not built.

use super::{USER, subject};
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure};
use crate::wire::Request;

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (&["SAP-1.9-01"], "methods are told", options),
    (
        &["SAP-1.9-02"],
        "what is read is there without its body",
        heads,
    ),
    (&["SAP-1.9-03"], "what is not there", nowhere),
    (
        &["SAP-12.1-01"],
        "a token request that lacks everything",
        token,
    ),
];

/// Every path, by an example.
const PATHS: [&str; 22] = [
    "/scim/Users",
    "/scim/Users/.search",
    "/scim/Users/x",
    "/scim/Users/Me",
    "/scim/Schemas",
    "/scim/Schemas/urn:x:y",
    "/scim/ResourceTypes",
    "/scim/ResourceTypes/User",
    "/scim/ServiceProviderConfig",
    "/scim/Bulk",
    "/service/scim/Users",
    "/service/scim/Users/P000000",
    "/cps/invite",
    "/service/users",
    "/service/users/x",
    "/service/users/password",
    "/service/users/forgotPassword",
    "/service/users/otp",
    "/service/resource",
    "/service/resource/SAP_DEFAULT",
    "/md/salutations",
    "/oauth2/token",
];

fn options(session: &mut Session) -> Verdict {
    for path in PATHS {
        let answer = session.send(Request::new("OPTIONS", path))?.expect(204)?;
        let allow = answer.header("allow").unwrap_or_default();
        ensure(allow.ends_with("OPTIONS"), "Allow", &answer)?;
    }
    Ok(())
}

fn heads(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let schema = format!("/scim/Schemas/{USER}");
    for (path, status) in [
        ("/scim/Users", 200),
        (subject.user.as_str(), 200),
        ("/scim/Schemas", 200),
        (schema.as_str(), 200),
        ("/scim/ResourceTypes", 200),
        ("/scim/ResourceTypes/User", 200),
        ("/scim/ServiceProviderConfig", 200),
        ("/scim/Users/Me", 404),
        ("/md/salutations", 200),
        ("/service/scim/Users", 200),
        ("/service/scim/Users/P999999999", 404),
    ] {
        let answer = session.send(Request::new("HEAD", path))?.expect(status)?;
        ensure(answer.bytes.is_empty(), "no body", &answer)?;
    }
    Ok(())
}

fn nowhere(session: &mut Session) -> Verdict {
    for path in [
        "/cps/invite",
        "/service/resource",
        "/service/resource/SAP_DEFAULT",
    ] {
        session.send(Request::new("PATCH", path))?.expect(405)?;
    }
    session.send(Request::get("/service/other"))?.expect(404)?;
    Ok(())
}

fn token(session: &mut Session) -> Verdict {
    let request = Request::new("POST", "/oauth2/token").anonymous();
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = session
        .send(request.bytes("grant_type=client_credentials"))?
        .expect(401)?;
    let error = &answer.object()?["error"];
    ensure(error == "invalid_client", "invalid_client", &answer)
}
