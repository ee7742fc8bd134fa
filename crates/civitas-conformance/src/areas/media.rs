//! What bodies are: media types, codings, JSON (RFC 9110 §8, §12; RFC 8259).

use serde_json::json;

use crate::case::{Case, Entry};
use crate::session::Session;
use crate::urn;
use crate::verdict::{Verdict, ensure, same, within};
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
        &["T-HTTP-18", "S-7644-3.8-06", "S-7644-3.12-02"],
        "a body over 1 MiB",
        too_large,
    ),
    (&["H-9110-12.5.5-01"], "Vary names Accept", vary),
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

fn too_large(session: &mut Session) -> Verdict {
    let mut body = session.new_user("u");
    body["title"] = json!("x".repeat((1 << 20) + 64));
    // The server may refuse before it has read the body.
    session
        .send(Request::post("/Users", &body).header("expect", "100-continue"))?
        .refused(413, "")
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
