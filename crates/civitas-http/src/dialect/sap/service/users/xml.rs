//! The form in which a user of an application is sent and shown.

use std::collections::HashMap;

use civitas_directory::{Found, Timestamp};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use quick_xml::{Reader, escape, events::Event};
use serde_json::Value;

use super::assignment::{Assignment, Status};
use crate::{
    dialect::sap::{call::Call, media, number},
    refusal::Refusal,
    reply::Reply,
};

const TYPE: &str = "application/vnd.sap-id-service.sp-user-id+xml";
const SHOWN: HeaderValue =
    HeaderValue::from_static("application/vnd.sap-id-service.sp-user-id+xml; version=1.0");

/// The version that there is.
const VERSION: &str = "1.0";

/// Elements that one message may have.
const MOST_ELEMENTS: usize = 100;

/// The attributes of a product's extension, where it says what SCIM does not.
pub(super) const SAP_USER: &str = "urn:ietf:params:scim:schemas:extension:sap:2.0:User";

/// Refuses a body of another type, or version.
pub(crate) fn check_content(headers: &HeaderMap) -> Result<(), Refusal> {
    media::check_content(headers, TYPE)?;
    let sent = headers.get(header::CONTENT_TYPE);
    let sent = sent.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let mut parameters = sent.split(';').skip(1).filter_map(|it| it.split_once('='));
    let version = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("version"));
    match version.map(|(_, value)| value.trim().trim_matches('"')) {
        Some(other) if other != VERSION => Err(Refusal::UnsupportedVersion {
            version: other.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Refuses callers that take another type only.
pub(crate) fn check_accepted(headers: &HeaderMap) -> Result<(), Refusal> {
    media::check_accepted(headers, TYPE)
}

/// The texts of the elements below `user`, by name; `None` of what is not well-formed or has
/// another root.
pub(super) fn read(body: &[u8]) -> Option<HashMap<String, String>> {
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = Reader::from_str(text);
    let mut elements = HashMap::new();
    let mut open: Vec<String> = Vec::new();
    let mut has_root = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                let name = start.name().as_ref().to_owned();
                enter(&name, &open, &mut has_root, &mut elements)?;
                open.push(name);
            }
            Event::Empty(empty) => {
                let name = empty.name().as_ref().to_owned();
                enter(&name, &open, &mut has_root, &mut elements)?;
            }
            Event::End(_) => {
                open.pop()?;
            }
            Event::Text(piece) => add(&piece.xml10_content(), &open, &mut elements)?,
            Event::CData(piece) => add(&piece.xml10_content(), &open, &mut elements)?,
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content();
                let written = match reference.resolve_char_ref().ok()? {
                    Some(letter) => letter.to_string(),
                    None => escape::resolve_predefined_entity(&name)?.to_owned(),
                };
                add(&written, &open, &mut elements)?;
            }
            // A definition of a type may define anything.
            Event::DocType(_) => return None,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
        if elements.len() > MOST_ELEMENTS {
            return None;
        }
    }
    let texts = elements.into_iter();
    let trimmed = texts.map(|(name, text): (String, String)| (name, text.trim().to_owned()));
    (has_root && open.is_empty()).then(|| trimmed.collect())
}

/// An element begins: the one root, or one below it.
fn enter(
    name: &str,
    open: &[String],
    has_root: &mut bool,
    elements: &mut HashMap<String, String>,
) -> Option<()> {
    match open.len() {
        0 if *has_root || name != "user" => return None,
        0 => *has_root = true,
        1 => {
            elements.insert(name.to_owned(), String::new());
        }
        _ => {}
    }
    Some(())
}

/// Text stands in an element below the root; between elements are blanks alone.
fn add(piece: &str, open: &[String], elements: &mut HashMap<String, String>) -> Option<()> {
    match open {
        [_, name] => elements.get_mut(name)?.push_str(piece),
        [] | [_] if !piece.trim().is_empty() => return None,
        _ => {}
    }
    Some(())
}

/// The user as the application is shown it: elements that have a value, in the order documented.
pub(super) fn shown(call: &Call<'_>, assignment: &Assignment, user: &Found) -> Reply {
    let attributes = user.record.attributes();
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let name = |part: &str| text(attributes.get("name").and_then(|it| it.get(part)));
    let address = |of: &str, part: &str| {
        let all = attributes.get("addresses")?.as_array()?;
        text(all.iter().find(|it| it["type"] == of)?.get(part))
    };
    let emails = attributes.get("emails").and_then(Value::as_array);
    let emails = emails.map(Vec::as_slice).unwrap_or_default();
    let primary = emails.iter().find(|it| it["primary"] == true);
    let email = text(primary.or(emails.last()).and_then(|it| it.get("value")));
    let product = attributes.get(SAP_USER);
    let uuid = text(product.and_then(|it| it.get("userUuid")));
    let login_name = text(attributes.get("userName")).filter(|it| *it != user.record.id);
    let is_new = profile_status(user) == Status::New;
    let status = if is_new && assignment.status == Status::Active {
        Status::New
    } else {
        assignment.status
    };
    let application = call.caller.application.as_ref().map(|it| it.name.clone());
    let elements = [
        ("user_profile_id", Some(number::user_id(&user.record))),
        ("name_id", assignment.name_id.clone()),
        ("status", Some(status.name().to_owned())),
        (
            "profile_status",
            Some(profile_status(user).name().to_owned()),
        ),
        ("valid_from", assignment.field("valid_from")),
        ("valid_to", assignment.field("valid_to")),
        ("activation_time", assignment.activated.map(stamp)),
        ("email", email),
        ("language", assignment.field("language")),
        ("first_name", name("givenName")),
        ("last_name", name("familyName")),
        ("sp_name", application),
        ("login_name", assignment.field("login_name").or(login_name)),
        ("country", address("home", "country")),
        ("city", address("home", "locality")),
        ("company_city", address("work", "locality")),
    ];
    let custom = super::assignment::CUSTOM.map(|name| (name, assignment.field(name)));
    let last = [("user_uuid", uuid.or_else(|| Some(user.record.id.clone())))];
    let mut body = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#.to_owned();
    body.push_str("\n<user>");
    for (name, value) in elements.into_iter().chain(custom).chain(last) {
        if let Some(value) = value.filter(|it| !it.is_empty()) {
            let value = escape::escape(clean(&value));
            body.extend(["<", name, ">", &*value, "</", name, ">"]);
        }
    }
    body.push_str("</user>");
    Reply::new(StatusCode::OK, SHOWN, body)
}

/// The text without characters that XML has no way to write.
fn clean(text: &str) -> String {
    let is_written = |c: &char| {
        matches!(*c, '\t' | '\n' | '\r') || *c >= ' ' && !matches!(*c, '\u{fffe}' | '\u{ffff}')
    };
    text.chars().filter(is_written).collect()
}

/// Whether a user is active, was never, or is no longer.
pub(super) fn profile_status(user: &Found) -> Status {
    let attributes = user.record.attributes();
    let product = attributes.get(SAP_USER);
    let status = product.and_then(|it| it.get("status"));
    if user.record.is_active() {
        Status::Active
    } else if status.is_some_and(|it| it == "new") {
        Status::New
    } else {
        Status::Inactive
    }
}

/// `20110901120000Z`
fn stamp(at: Timestamp) -> String {
    let text = at.second().to_string();
    let digits: String = text.chars().take(19).filter(char::is_ascii_digit).collect();
    digits + "Z"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read() {
        let read = |text: &str| {
            let mut read: Vec<(String, String)> = read(text.as_bytes())?.into_iter().collect();
            read.sort();
            Some(read)
        };
        let of = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            Some(
                pairs
                    .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                    .collect::<Vec<_>>(),
            )
        };
        for (text, expected) in [
            (
                "<user><status>inactive</status></user>",
                of(&[("status", "inactive")]),
            ),
            (
                "<?xml version=\"1.0\"?>\n<user>\n <language> de </language><!-- x -->\n <status/></user>",
                of(&[("language", "de"), ("status", "")]),
            ),
            (
                "<user><a>&lt;&#65;&#x42;&amp;</a><b><c>deep</c></b></user>",
                of(&[("a", "<AB&"), ("b", "")]),
            ),
            (
                "<user><![CDATA[ ]]><a><![CDATA[<x>]]></a></user>",
                of(&[("a", "<x>")]),
            ),
            ("<user/>", of(&[])),
            ("", None),
            ("status", None),
            ("<user>", None),
            ("<user><status>inactive</user>", None),
            ("<user></user><user></user>", None),
            ("<user>inactive</user>", None),
            ("<person><status>inactive</status></person>", None),
            (
                "<!DOCTYPE user [<!ENTITY a \"b\">]><user><status>&a;</status></user>",
                None,
            ),
            ("<user><status>&a;</status></user>", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        let many: Vec<String> = (0..200).map(|n| format!("<a{n}/>")).collect();
        let many = many.concat();
        assert_eq!(read(&format!("<user>{many}</user>")), None);
    }

    #[test]
    fn instants_are_written_as_digits() {
        let at = Timestamp::parse("2011-09-01T12:00:00.789Z").unwrap();
        assert_eq!(stamp(at), "20110901120000Z");
    }
}
