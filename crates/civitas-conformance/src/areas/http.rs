//! HTTP itself: methods, media types, preferences, limits (RFC 9110, RFC 7240).

use serde_json::{Value, json};

use crate::case::{Case, Entry};
use crate::session::{Session, patch_op, path_of};
use crate::urn;
use crate::verdict::{Verdict, ensure, fail, same, text, within};
use crate::wire::{Answer, Request, SCIM_JSON};

const CASES: &[Entry] = &[
    (
        &["T-HTTP-06", "H-9110-12.5.1-01"],
        "nothing acceptable",
        not_acceptable,
    ),
    (
        &[
            "T-HTTP-07",
            "H-9110-12.5.1-03",
            "S-7644-3.8-02",
            "S-7644-3.8-04",
            "X-TOP-20",
            "I-MISC-03",
        ],
        "scim+json unless asked otherwise",
        default_type,
    ),
    (
        &["T-HTTP-08", "T-HTTP-09", "H-9110-12.5.1-02", "X-TOP-20"],
        "json when preferred",
        plain_json,
    ),
    (
        &["T-HTTP-10", "H-9110-15.5.16-01", "S-7644-3.8-03"],
        "foreign media types and charsets",
        foreign_types,
    ),
    (
        &[
            "T-HTTP-11",
            "S-7644-3.8-03",
            "I-TOL-12",
            "I-ENTRA-07",
            "I-OKTA-10",
            "X-TOP-20",
        ],
        "media types of JSON in every spelling",
        json_types,
    ),
    (&["H-9110-8.4-01"], "an unknown content coding", coding),
    (&["H-9110-8.4-01"], "bodies in gzip and as they are", gzip),
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
        &["T-HTTP-18", "S-7644-3.8-06", "S-7644-3.12-02"],
        "a body over 1 MiB",
        too_large,
    ),
    (
        &["T-HTTP-19", "H-7240-4.2-01", "H-7240-2-03", "H-7240-3-01"],
        "return=minimal on PATCH",
        minimal_patch,
    ),
    (
        &["H-7240-4.2-01", "H-9110-9.3.4-01"],
        "return=minimal on PUT and POST",
        minimal_put_and_post,
    ),
    (
        &["H-7240-4.2-01"],
        "attributes win over return=minimal",
        attributes_win,
    ),
    (
        &["T-HTTP-20", "H-7240-2-01"],
        "unknown preferences are ignored",
        unknown_preference,
    ),
    (
        &["H-7240-2-02"],
        "preference names ignore case",
        preference_case,
    ),
    (&["H-9110-12.5.5-01"], "Vary names Accept", vary),
    (
        &["H-9111-3.5-01", "H-9111-3.5-02"],
        "identity data is not cached freely",
        cache_control,
    ),
    (
        &["S-7644-3.8-06", "S-7644-3.8-01"],
        "invalid UTF-8 and lone surrogates",
        bad_text,
    ),
    (&["S-7644-3.8-06"], "nesting without end", deep_json),
    (
        &["S-7644-3.8-06"],
        "a byte order mark is tolerated",
        byte_order_mark,
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

fn type_of_users(session: &mut Session, accept: Option<&str>) -> Result<Answer, crate::Unmet> {
    let mut request = Request::get("/Users").query("count", "0");
    if let Some(accept) = accept {
        request = request.header("accept", accept);
    }
    session.send(request)
}

fn not_acceptable(session: &mut Session) -> Verdict {
    for accept in [
        "text/html",
        "application/scim+json;q=0, application/json;q=0",
    ] {
        within(
            accept,
            type_of_users(session, Some(accept))?.refused(406, ""),
        )?;
    }
    Ok(())
}

fn default_type(session: &mut Session) -> Verdict {
    for accept in [
        None,
        Some("*/*"),
        Some("application/*"),
        Some("application/json, application/scim+json"),
        Some("application/scim+json"),
        Some("text/html, */*;q=0.1"),
    ] {
        let answer = type_of_users(session, accept)?.expect(200)?;
        let got = answer.header("content-type").unwrap_or_default().to_owned();
        same(
            &format!("Content-Type for Accept {accept:?}"),
            &json!(SCIM_JSON),
            &json!(got),
        )?;
    }
    Ok(())
}

fn plain_json(session: &mut Session) -> Verdict {
    for accept in [
        "application/scim+json;q=0.1, application/json",
        "application/scim+json;q=0, */*",
        "application/json",
    ] {
        let answer = type_of_users(session, Some(accept))?.expect(200)?;
        let wanted = json!("application/json");
        same(
            &format!("media type for Accept {accept}"),
            &wanted,
            &json!(answer.media_type()),
        )?;
    }
    Ok(())
}

fn foreign_types(session: &mut Session) -> Verdict {
    for content_type in [
        "text/plain",
        "application/xml",
        "application/scim+json; charset=iso-8859-1",
    ] {
        let body = session.new_user("u");
        let answer =
            session.send(Request::post("/Users", &body).header("content-type", content_type))?;
        within(content_type, answer.refused(415, ""))?;
        ensure(
            answer.header_list("accept").contains(SCIM_JSON),
            format!("Accept names {SCIM_JSON}"),
            &answer,
        )?;
    }
    Ok(())
}

fn json_types(session: &mut Session) -> Verdict {
    for content_type in [
        "APPLICATION/SCIM+JSON; Charset=\"utf-8\"",
        "application/scim+json; charset=utf-8",
        "application/json",
        "application/json; charset=UTF-8",
    ] {
        let body = session.new_user("u");
        let request = Request::post("/Users", &body).header("content-type", content_type);
        let answer = session.send(request)?;
        within(content_type, answer.expect(201).map(drop))?;
    }
    let body = session.new_user("u");
    let answer = session.send(Request::post("/Users", &body).untyped())?;
    within("no Content-Type", answer.expect(201).map(drop))
}

fn gzip(session: &mut Session) -> Verdict {
    for coding in ["gzip", "GZIP", "identity"] {
        let body = session.new_user("u").to_string().into_bytes();
        let sent = if coding == "identity" {
            body
        } else {
            gzip_stored(&body)
        };
        let request = Request::new("POST", "/Users").bytes(sent);
        let answer = session.send(request.header("content-encoding", coding))?;
        within(coding, answer.expect(201).map(drop))?;
    }
    let cut = gzip_stored(b"{\"schemas\":[]}");
    let request = Request::new("POST", "/Users").bytes(&cut[..cut.len() - 10]);
    session
        .send(request.header("content-encoding", "gzip"))?
        .refused(400, "")
}

/// A gzip member of one stored block (RFC 1951 §3.2.4, RFC 1952 §2.3).
fn gzip_stored(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or_default();
    let crc = !content.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 * (crc & 1))
        })
    });
    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1];
    member.extend(length.to_le_bytes());
    member.extend((!length).to_le_bytes());
    member.extend(content);
    member.extend(crc.to_le_bytes());
    member.extend(u32::from(length).to_le_bytes());
    member
}

fn coding(session: &mut Session) -> Verdict {
    let body = session.new_user("u");
    session
        .send(Request::post("/Users", &body).header("content-encoding", "nosuch"))?
        .refused(415, "")
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
        ("PATCH", "/Groups", "GET"),
    ] {
        if path == "/Schemas" && session.allows(method, path)? {
            continue;
        }
        let body = session.new_user("u");
        let answer = session.send(Request::new(method, path).json(&body))?;
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

fn too_large(session: &mut Session) -> Verdict {
    let mut body = session.new_user("u");
    body["title"] = json!("x".repeat((1 << 20) + 64));
    // The server may refuse before it has read the body.
    session
        .send(Request::post("/Users", &body).header("expect", "100-continue"))?
        .refused(413, "")
}

fn retitle(title: &str) -> Value {
    patch_op(&json!([{ "op": "replace", "path": "title", "value": title }]))
}

fn minimal_patch(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let request = Request::patch(&path, &retitle("x")).header("prefer", "return=minimal");
    let answer = session.send(request)?.expect(204)?;
    ensure(answer.bytes.is_empty(), "no content", &answer)?;
    ensure(answer.header("etag").is_some(), "ETag", &answer)?;
    applied(&answer, "return")?;
    let unasked = session.send(Request::patch(&path, &retitle("x")))?;
    for answer in [&answer, &unasked] {
        let vary = answer.header_list("vary").to_lowercase();
        ensure(
            vary.contains("prefer"),
            format!("Vary: Prefer, not {vary:?}"),
            answer,
        )?;
    }
    same("title", &json!("x"), &session.read(&path)?["title"])
}

fn applied(answer: &Answer, preference: &str) -> Verdict {
    let honoured = answer.header_list("preference-applied");
    ensure(
        honoured.to_lowercase().contains(preference),
        format!("Preference-Applied with {preference}, not {honoured:?}"),
        answer,
    )
}

fn minimal_put_and_post(session: &mut Session) -> Verdict {
    let body = session.new_user("u");
    let request = Request::post("/Users", &body).header("prefer", "return=minimal");
    let created = session.send(request)?.expect(201)?;
    ensure(created.bytes.is_empty(), "no content", &created)?;
    ensure(created.header("etag").is_some(), "ETag", &created)?;
    let location = created.header("location").unwrap_or_default();
    ensure(
        location.contains("/Users/"),
        "Location of the user",
        &created,
    )?;
    let id = location.rsplit('/').next().unwrap_or_default().to_owned();
    let mut changed = body;
    changed["title"] = json!("x");
    let path = format!("/Users/{id}");
    let answer = session.send(Request::put(&path, &changed).header("prefer", "return=minimal"))?;
    let answer = answer.expect(204)?;
    applied(&answer, "return")?;
    same("title", &json!("x"), &session.read(&path)?["title"])
}

fn attributes_win(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let path = format!("{}?attributes=userName", path_of("/Users", &user));
    let request = Request::patch(path, &retitle("x")).header("prefer", "return=minimal");
    let answer = session.send(request)?.expect(200)?;
    same("userName", &user["userName"], &answer.object()?["userName"])
}

fn unknown_preference(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    for preference in ["nosuch=1", "handling=whatever", "return=\"\", foo; bar=1"] {
        let request = Request::patch(path_of("/Users", &user), &retitle(preference));
        let answer = session.send(request.header("prefer", preference))?;
        within(preference, answer.expect_any(&[200, 204]).map(drop))?;
    }
    Ok(())
}

fn preference_case(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let request = Request::patch(path_of("/Users", &user), &retitle("x"));
    session
        .send(request.header("prefer", "foo, RETURN=minimal"))?
        .expect(204)?;
    // The first occurrence counts, an empty value is none, and values heed case.
    for (preference, status) in [
        ("return=minimal, return=minimal; x=1", 204),
        ("foo=\"\", return=\"minimal\"", 204),
        ("return=MINIMAL", 200),
        ("return", 200),
    ] {
        let request = Request::patch(path_of("/Users", &user), &retitle(preference));
        let answer = session.send(request.header("prefer", preference))?;
        within(preference, answer.expect(status).map(drop))?;
    }
    Ok(())
}

fn vary(session: &mut Session) -> Verdict {
    let answer = type_of_users(session, None)?.expect(200)?;
    let fields = answer.header_list("vary").to_lowercase();
    ensure(
        fields.contains("accept"),
        format!("Vary with Accept, not {fields:?}"),
        &answer,
    )
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

fn bad_text(session: &mut Session) -> Verdict {
    let name = session.name("u");
    let start = format!(
        r#"{{"schemas":["{}"],"userName":"{name}","title":""#,
        urn::USER
    );
    let mut invalid = start.clone().into_bytes();
    invalid.extend(b"\xff\xfe\"}");
    session
        .send(Request::new("POST", "/Users").bytes(invalid))?
        .refused(400, "invalidSyntax")?;
    let lone = format!(r#"{start}\ud800"}}"#);
    session
        .send(Request::new("POST", "/Users").bytes(lone))?
        .refused(400, "invalidSyntax")
}

fn deep_json(session: &mut Session) -> Verdict {
    let name = session.name("u");
    for depth in [100, 20_000] {
        let body = format!(
            r#"{{"schemas":["{}"],"userName":"{name}","x":{}{}}}"#,
            urn::USER,
            "[".repeat(depth),
            "]".repeat(depth)
        );
        session
            .send(Request::new("POST", "/Users").bytes(body))?
            .refused(400, "invalidSyntax")?;
    }
    Ok(())
}

fn byte_order_mark(session: &mut Session) -> Verdict {
    let body = format!("\u{feff}{}", session.new_user("u"));
    session
        .send(Request::new("POST", "/Users").bytes(body))?
        .expect(201)?;
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
