//! Conditional requests (RFC 9110 §13).

use std::time::UNIX_EPOCH;

use civitas_directory::{Record, Timestamp, Version, precondition::Expect};
use http::{
    HeaderMap, HeaderName,
    header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE},
};

use crate::refusal::Refusal;

/// The entity tags of a conditional header field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    /// `*`.
    Any,
    /// Opaque tags: without quotes, and without the mark of weakness. Comparing weak tags
    /// strongly, as RFC 9110 §13.1.1 asks for `If-Match`, would make every condition on a
    /// SCIM version fail, and RFC 7644 §3.14 uses them so.
    Listed(Vec<String>),
}

/// The conditions of a request. Dates are held against `meta.lastModified`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Preconditions {
    matching: Option<Tags>,
    none_match: Option<Tags>,
    modified_since: Option<Timestamp>,
    unmodified_since: Option<Timestamp>,
}

/// What the conditions of a read come to (RFC 9110 §13.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// Send the representation.
    Send,
    /// 304: the client has this state.
    NotModified,
    /// 412.
    Failed,
}

impl Preconditions {
    /// Reads the header fields; a malformed one is refused.
    pub(crate) fn parse(headers: &HeaderMap) -> Result<Self, Refusal> {
        Ok(Self {
            matching: field(headers, &IF_MATCH)?,
            none_match: field(headers, &IF_NONE_MATCH)?,
            modified_since: date(headers, &IF_MODIFIED_SINCE),
            unmodified_since: date(headers, &IF_UNMODIFIED_SINCE),
        })
    }

    /// What a write requires: the first condition of RFC 9110 §13.2.2 that is given.
    pub(crate) fn of_write(&self) -> Expect {
        match (&self.matching, self.unmodified_since, &self.none_match) {
            (Some(Tags::Any), ..) => Expect::Exists,
            (Some(Tags::Listed(tags)), ..) => Expect::Match(tags.clone()),
            (None, Some(second), _) => Expect::UnmodifiedSince(second),
            (None, None, Some(Tags::Any)) => Expect::Absent,
            (None, None, Some(Tags::Listed(tags))) => Expect::NoneMatch(tags.clone()),
            (None, None, None) => Expect::Any,
        }
    }

    /// What to answer to a read of a resource in this state.
    pub(crate) fn of_read(&self, record: &Record) -> Read {
        let unchanged_since = |second| record.modified.second() <= second;
        let named = |tags: &Tags| tags.name(record.version);
        let met = match &self.matching {
            Some(tags) => named(tags),
            None => self.unmodified_since.is_none_or(unchanged_since),
        };
        let known = match &self.none_match {
            Some(tags) => named(tags),
            None => self.modified_since.is_some_and(unchanged_since),
        };
        match (met, known) {
            (false, _) => Read::Failed,
            (true, true) => Read::NotModified,
            (true, false) => Read::Send,
        }
    }
}

impl Tags {
    fn name(&self, version: Version) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|tag| version.is_tagged(tag)),
        }
    }
}

/// The date of a conditional header field; what is no date counts as absent
/// (RFC 9110 §13.1.3, §13.1.4).
fn date(headers: &HeaderMap, name: &HeaderName) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()?;
    let since = date.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(Timestamp)
}

fn field(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Refusal> {
    let mut values = headers.get_all(name).iter().peekable();
    if values.peek().is_none() {
        return Ok(None);
    }
    let refused = || Refusal::MalformedHeader { name: name.clone() };
    let mut found = Vec::new();
    for value in values {
        let text = value.to_str().map_err(|_| refused())?;
        members(text, &mut found).ok_or_else(refused)?;
    }
    match found.iter().filter(|tag| tag.as_str() == "*").count() {
        0 if found.is_empty() => Err(refused()),
        0 => Ok(Some(Tags::Listed(found.into_iter().map(opaque).collect()))),
        _ if found.len() == 1 => Ok(Some(Tags::Any)),
        _ => Err(refused()),
    }
}

/// Splits a list at the commas outside quotes, leaving out empty members; `None` when a
/// member is no entity tag. A quoted tag keeps its opening quote, so that `"*"` differs
/// from `*`.
fn members(mut rest: &str, found: &mut Vec<String>) -> Option<()> {
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Some(());
        }
        let tag = rest.strip_prefix("W/").unwrap_or(rest);
        let (member, after) = if let Some(quoted) = tag.strip_prefix('"') {
            let end = quoted.find('"')?;
            (&tag[..=end], &quoted[end + 1..])
        } else {
            // A tag without quotes is taken as if quoted.
            tag.split_at(tag.find([',', ' ', '\t']).unwrap_or(tag.len()))
        };
        let ended = after.trim_start_matches([' ', '\t']);
        let unquoted = member.strip_prefix('"').unwrap_or(member);
        if !(ended.is_empty() || ended.starts_with(',')) || unquoted.contains('"') {
            return None;
        }
        found.push(member.to_owned());
        rest = ended;
    }
}

fn opaque(member: String) -> String {
    match member.strip_prefix('"') {
        Some(tag) => tag.to_owned(),
        None => member,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn parse(value: &str) -> Option<Tags> {
        let value = HeaderValue::from_str(value).unwrap();
        field(&HeaderMap::from_iter([(IF_MATCH, value)]), &IF_MATCH)
            .ok()
            .flatten()
    }

    #[test]
    fn lists_of_tags() {
        let listed =
            |tags: &[&str]| Some(Tags::Listed(tags.iter().map(ToString::to_string).collect()));
        for (written, tags) in [
            ("*", Some(Tags::Any)),
            (" * ", Some(Tags::Any)),
            (r#"W/"7""#, listed(&["7"])),
            (r#""7""#, listed(&["7"])),
            ("7", listed(&["7"])),
            ("W/7", listed(&["7"])),
            (r#"W/"6", "7" ,8"#, listed(&["6", "7", "8"])),
            (r#", "a,b",,"c""#, listed(&["a,b", "c"])),
            (r#""*""#, listed(&["*"])),
            (r#""""#, listed(&[""])),
            (r#"*, "7""#, None),
            ("*, *", None),
            (r#""7"#, None),
            (r#""7" "8""#, None),
            (r#""7"x"#, None),
            (r#"7"8"#, None),
            ("", None),
            (",", None),
        ] {
            assert_eq!(parse(written), tags, "If-Match: {written}");
        }
    }

    #[test]
    fn fields_are_evaluated_in_their_order() {
        let of = |matching: Option<&str>, none_match: Option<&str>| Preconditions {
            matching: matching.and_then(parse),
            none_match: none_match.and_then(parse),
            ..Preconditions::default()
        };
        let record = record();
        for (conditions, read) in [
            (of(None, None), Read::Send),
            (of(None, Some("W/\"7\"")), Read::NotModified),
            (of(None, Some("\"7\"")), Read::NotModified),
            (of(None, Some("*")), Read::NotModified),
            (of(None, Some("\"6\"")), Read::Send),
            (of(Some("\"6\""), None), Read::Failed),
            (of(Some("\"6\""), Some("\"7\"")), Read::Failed),
            (of(Some("\"7\""), Some("\"7\"")), Read::NotModified),
            (of(Some("*"), None), Read::Send),
        ] {
            assert_eq!(conditions.of_read(&record), read, "{conditions:?}");
        }
        assert_eq!(of(Some("*"), Some("*")).of_write(), Expect::Exists);
        assert_eq!(of(None, Some("*")).of_write(), Expect::Absent);
        assert_eq!(of(None, None).of_write(), Expect::Any);
    }

    #[test]
    fn dates_count_where_no_tags_are_given() {
        let at = |name: HeaderName, date: &'static str| (name, HeaderValue::from_static(date));
        let of = |fields: Vec<(HeaderName, HeaderValue)>| {
            Preconditions::parse(&HeaderMap::from_iter(fields))
                .ok()
                .unwrap()
        };
        let (before, same) = (
            "Thu, 01 Jan 1970 00:00:04 GMT",
            "Thu, 01 Jan 1970 00:00:05 GMT",
        );
        let tag = || at(IF_NONE_MATCH, "\"6\"");
        for (conditions, read) in [
            (of(vec![at(IF_MODIFIED_SINCE, before)]), Read::Send),
            (of(vec![at(IF_MODIFIED_SINCE, same)]), Read::NotModified),
            (of(vec![at(IF_MODIFIED_SINCE, same), tag()]), Read::Send),
            (of(vec![at(IF_MODIFIED_SINCE, "yesterday")]), Read::Send),
            (of(vec![at(IF_UNMODIFIED_SINCE, before)]), Read::Failed),
            (of(vec![at(IF_UNMODIFIED_SINCE, same)]), Read::Send),
            (of(vec![at(IF_UNMODIFIED_SINCE, "soon")]), Read::Send),
        ] {
            assert_eq!(conditions.of_read(&record()), read, "{conditions:?}");
        }
        let written = of(vec![at(IF_UNMODIFIED_SINCE, same), tag()]).of_write();
        assert_eq!(written, Expect::UnmodifiedSince(Timestamp(5_000)));
    }

    fn record() -> Record {
        Record {
            resource_type: "User".into(),
            id: "u".into(),
            position: civitas_directory::store::Position(1),
            version: Version(7),
            created: Timestamp(0),
            modified: Timestamp(5_900),
            document: "{}".into(),
        }
    }
}
