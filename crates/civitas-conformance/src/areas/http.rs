//! HTTP itself: methods, paths, caching, locations (RFC 9110, RFC 9111).

use serde_json::json;

use crate::case::{Case, Entry};
use crate::session::{Session, path_of};
use crate::verdict::{Verdict, ensure, fail, same, text, within};
use crate::wire::{Request, SCIM_JSON};

const CASES: &[Entry] = &[
    (
        &["T-HTTP-12", "H-9110-9.3.2-01"],
        "HEAD is GET without content",
        head,
    ),
    (
        &["T-HTTP-13", "H-9110-15.5.6-01", "S-7644-3.3-12"],
        "a method the path does not know",
        wrong_method,
    ),
    (&["T-HTTP-14", "H-9110-9.3.7-01"], "OPTIONS", options),
    (
        &["T-HTTP-15", "S-7644-3.2-04", "H-9110-15.5.5-01"],
        "unknown paths",
        unknown_paths,
    ),
    (
        &["S-7644-3.2-04"],
        "a trailing slash is accepted",
        trailing_slash,
    ),
    (
        &["H-9111-3.5-01", "H-9111-3.5-02"],
        "identity data is not cached freely",
        cache_control,
    ),
    (
        &["S-7644-3.4.2-01", "I-ENTRA-09"],
        "unknown query parameters are ignored",
        unknown_parameters,
    ),
    (
        &["H-9110-10.2.2-01", "S-7644-1.3-01", "S-7644-7.1-01"],
        "Location is one absolute URI below the base",
        location,
    ),
    (
        &["S-7644-7.5.2-03"],
        "issued URIs hold no personal data",
        issued_uris,
    ),
];

pub(super) fn cases() -> Vec<Case> {
    CASES.iter().map(Case::from).collect()
}

fn head(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    for path in [
        path_of("/Users", &user),
        "/Schemas".to_owned(),
        "/Users?count=0".to_owned(),
    ] {
        let get = session.get(&path)?.expect(200)?;
        let head = session.send(Request::new("HEAD", &path))?.expect(200)?;
        ensure(head.bytes.is_empty(), "no content", &head)?;
        for name in [
            "content-type",
            "etag",
            "location",
            "content-location",
            "vary",
            "cache-control",
        ] {
            same(
                &format!("{name} of HEAD {path}"),
                &json!(get.header(name)),
                &json!(head.header(name)),
            )?;
        }
    }
    session
        .send(Request::new("HEAD", "/Users/nosuch"))?
        .expect(404)?;
    Ok(())
}

fn wrong_method(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let one = path_of("/Users", &user);
    for (method, path, allowed) in [
        ("DELETE", "/Users", "POST"),
        ("PUT", "/Users", "POST"),
        ("POST", one.as_str(), "PATCH"),
        ("POST", "/Schemas", "GET"),
        ("POST", "/ResourceTypes", "GET"),
        ("PATCH", "/Groups", "GET"),
    ] {
        let request = Request::new(method, path);
        // A server may offer more there to who brings a definition.
        let request = match path {
            "/Schemas" | "/ResourceTypes" => request,
            _ => request.json(&session.new_user("u")),
        };
        let answer = session.send(request)?;
        answer.refused(405, "")?;
        let allow = answer.header_list("allow");
        ensure(
            allow.contains(allowed),
            format!("Allow with {allowed}, not {allow:?}"),
            &answer,
        )?;
        let words: Vec<_> = allow.split(',').map(str::trim).collect();
        ensure(
            !words.contains(&method),
            format!("Allow without {method}"),
            &answer,
        )?;
    }
    Ok(())
}

fn options(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let request = Request::new("OPTIONS", path_of("/Users", &user));
    let answer = session.send(request)?.expect_any(&[200, 204])?;
    let allow = answer.header_list("allow");
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        ensure(
            allow.contains(method),
            format!("Allow with {method}, not {allow:?}"),
            &answer,
        )?;
    }
    let patches = answer.header_list("accept-patch");
    ensure(
        patches.contains(SCIM_JSON),
        format!("Accept-Patch names {SCIM_JSON}"),
        &answer,
    )?;
    let answer = session
        .send(Request::new("OPTIONS", "/Users"))?
        .expect_any(&[200, 204])?;
    ensure(
        answer.header_list("allow").contains("POST"),
        "Allow with POST",
        &answer,
    )
}

fn unknown_paths(session: &mut Session) -> Verdict {
    for path in ["/Foo", "/users", "/Users/a/b"] {
        within(path, session.get(path)?.refused(404, ""))?;
    }
    Ok(())
}

fn trailing_slash(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    session
        .get(format!("{}/", path_of("/Users", &user)))?
        .expect(200)?;
    session.get("/Users/?count=0")?.list()?;
    Ok(())
}

fn cache_control(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    for path in [path_of("/Users", &user), "/Users?count=0".to_owned()] {
        let answer = session.get(path)?.expect(200)?;
        let control = answer.header_list("cache-control").to_lowercase();
        ensure(
            control.contains("no-store") || control.contains("private"),
            format!("Cache-Control no-store or private, not {control:?}"),
            &answer,
        )?;
        let shared = ["public", "s-maxage", "must-revalidate"];
        ensure(
            !shared.iter().any(|directive| control.contains(directive)),
            "nothing that lets a shared cache answer",
            &answer,
        )?;
    }
    Ok(())
}

fn unknown_parameters(session: &mut Session) -> Verdict {
    session.get("/Users?count=0&aadOptscim062020")?.list()?;
    session.get("/Users?nosuch=1&count=0")?.list()?;
    Ok(())
}

fn location(session: &mut Session) -> Verdict {
    let base = session.client().base().to_owned();
    let body = session.new_user("u");
    let request = Request::post("/Users", &body)
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example");
    let answer = session.send(request)?.expect(201)?;
    let user = answer.object()?;
    let location = answer.header_list("location");
    same("Location", &user["meta"]["location"], &json!(location))?;
    // The server may be known by another name to itself, but not by another path.
    let path = |uri: &str| uri.splitn(4, '/').nth(3).unwrap_or_default().to_owned();
    let wanted = format!("{}/Users/{}", path(&base), text(&user["id"]));
    same(
        "path of the Location",
        &json!(wanted.trim_start_matches('/')),
        &json!(path(&location)),
    )?;
    let clean = !location.contains(['?', '#', '@', ' ', ',']) && !location.contains("evil");
    ensure(
        clean && location.starts_with("http"),
        "one absolute URI without user, query, fragment, and not of a forwarded host",
        &answer,
    )
}

fn issued_uris(session: &mut Session) -> Verdict {
    let mut body = session.new_user("secretname");
    body["externalId"] = json!(session.name("secretname"));
    body["emails"] = json!([{ "value": format!("secretname@{}.org", session.tag()) }]);
    let user = session.create("/Users", &body)?;
    let group = session.group("g", &[&user])?;
    let user = session.get(path_of("/Users", &user))?.expect(200)?;
    let mut issued = vec![
        user.header_list("location"),
        user.header_list("content-location"),
        text(&user.object()?["meta"]["location"]),
        text(&user.object()?["groups"][0]["$ref"]),
        text(&group["members"][0]["$ref"]),
    ];
    if session.config()["pagination"]["cursor"] == true {
        session.user("secretname")?;
        let page = session.get("/Users?cursor=&count=1&sortBy=userName&sortOrder=descending")?;
        issued.extend(readings(&text(&page.list()?.body["nextCursor"])));
    }
    match issued.iter().find(|uri| uri.contains("secretname")) {
        Some(uri) => fail("no personal data in an issued URI", uri.clone()),
        None => Ok(()),
    }
}

/// A token as it is, and what its parts say as base64.
fn readings(token: &str) -> Vec<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let mut readings = vec![token.to_owned()];
    for part in token.split(['.', '~']) {
        for decoded in [URL_SAFE_NO_PAD.decode(part), STANDARD_NO_PAD.decode(part)] {
            readings.extend(decoded.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    readings
}
