//! Conditional requests (RFC 9110 §13).

use civitas_directory::{Version, precondition::Expect};
use http::{
    HeaderMap, HeaderName,
    header::{IF_MATCH, IF_NONE_MATCH},
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

/// The conditions of a request. Dates are not among them: resources show no
/// `Last-Modified`, so there is nothing to hold against them (RFC 9110 §13.1.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Preconditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
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
            if_match: field(headers, &IF_MATCH)?,
            if_none_match: field(headers, &IF_NONE_MATCH)?,
        })
    }

    /// What a write requires. `If-Match` rules where both fields are given.
    pub(crate) fn of_write(&self) -> Expect {
        match (&self.if_match, &self.if_none_match) {
            (Some(Tags::Any), _) => Expect::Exists,
            (Some(Tags::Listed(tags)), _) => Expect::Match(tags.clone()),
            (None, Some(Tags::Any)) => Expect::Absent,
            (None, Some(Tags::Listed(tags))) => Expect::NoneMatch(tags.clone()),
            (None, None) => Expect::Any,
        }
    }

    /// What to answer to a read of a resource in this state.
    pub(crate) fn of_read(&self, version: Version) -> Read {
        if self
            .if_match
            .as_ref()
            .is_some_and(|tags| !tags.name(version))
        {
            Read::Failed
        } else if self
            .if_none_match
            .as_ref()
            .is_some_and(|tags| tags.name(version))
        {
            Read::NotModified
        } else {
            Read::Send
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
        let of = |if_match: Option<&str>, if_none_match: Option<&str>| Preconditions {
            if_match: if_match.and_then(parse),
            if_none_match: if_none_match.and_then(parse),
        };
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
            assert_eq!(conditions.of_read(Version(7)), read, "{conditions:?}");
        }
        assert_eq!(of(Some("*"), Some("*")).of_write(), Expect::Exists);
        assert_eq!(of(None, Some("*")).of_write(), Expect::Absent);
        assert_eq!(of(None, None).of_write(), Expect::Any);
    }
}
