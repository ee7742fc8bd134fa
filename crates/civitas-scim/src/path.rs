//! Attribute paths (RFC 7644 §3.10): as written, and as resolved against a resource type.

use std::fmt;

use crate::{
    Invalid,
    schema::{Attribute, ResourceType},
};

/// Longest path that is read, in bytes.
pub const MAX_PATH: usize = 1_024;

/// An attribute path as written: `[schemaURI ":"] name ["." sub]`, or a bare schema URI.
///
/// The URI cannot be told from the name by syntax alone (`2.0` holds a dot, and the last
/// colon may stand inside an unknown URI), so the text is kept whole until a
/// [`ResourceType`] splits it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttrPath(pub(crate) String);

impl fmt::Display for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path resolved against a resource type: each part is a definition of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved<'t> {
    /// URI of the extension that holds the attribute, in registered spelling; `None` for
    /// core and common attributes.
    pub extension: Option<&'t str>,
    /// The attribute; `None` names the whole extension container.
    pub attribute: Option<&'t Attribute>,
    /// The sub-attribute, where one is named.
    pub sub_attribute: Option<&'t Attribute>,
}

impl AttrPath {
    /// Reads a path: its syntax only, names are not looked up.
    ///
    /// # Errors
    ///
    /// `invalidPath` if the text is empty, longer than [`MAX_PATH`] or no attribute path.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() > MAX_PATH {
            return Err(Invalid::path(format!(
                "an attribute path has at most {MAX_PATH} bytes"
            )));
        }
        let well_formed = if text.contains(':') {
            is_qualified(text)
        } else {
            is_unqualified(text)
        };
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::path(format!(
                "not an attribute path: {}",
                shown(text)
            )))
        }
    }

    /// The path as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Splits the path by the type's schema URIs and finds the definitions.
    ///
    /// The longest registered URI that the text starts with (without case) and that is
    /// followed by `:` or the end is taken off; a core URI leaves a core attribute. An
    /// unqualified name is looked up in the common attributes, the base schema, then in the
    /// extensions when only one of them defines it. `None` when no attribute is named so.
    pub fn resolve<'t>(&self, resource_type: &'t ResourceType) -> Option<Resolved<'t>> {
        match split(&self.0, resource_type) {
            Some((None, rest)) => in_core(rest, resource_type),
            Some((Some(uri), "")) => Some(Resolved {
                extension: Some(uri),
                attribute: None,
                sub_attribute: None,
            }),
            Some((Some(uri), rest)) => in_extension(rest, uri, resource_type),
            None if self.0.contains(':') => None,
            None => in_core(&self.0, resource_type).or_else(|| anywhere(&self.0, resource_type)),
        }
    }
}

/// A name from a client, short enough for an error.
pub(crate) fn shown(name: &str) -> String {
    const MOST: usize = 80;
    let mut shown: String = name.chars().take(MOST).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// Whether the text is a name by the grammar of RFC 7643 §2.1. `$ref`, which the RFC uses
/// against its own grammar, is the one exception.
pub(crate) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    let named = bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'$'));
    named || text.eq_ignore_ascii_case("$ref")
}

fn is_unqualified(text: &str) -> bool {
    match text.split_once('.') {
        Some((name, sub)) => is_name(name) && is_name(sub),
        None => is_name(text),
    }
}

/// Characters of URIs (RFC 3986 §2) but brackets and parentheses, which delimit paths in
/// filters.
fn is_qualified(text: &str) -> bool {
    let is_uri_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&'*+,;=%".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.ends_with(|last: char| last.is_ascii_alphanumeric() || "-_$/".contains(last))
        && text.bytes().all(is_uri_byte)
}

/// Takes the longest registered URI off the text: the extension's URI (`None`: the base
/// schema's) and what follows the colon.
fn split<'t, 's>(text: &'s str, rt: &'t ResourceType) -> Option<(Option<&'t str>, &'s str)> {
    let base = std::iter::once((None, rt.schema.id.as_str()));
    let extensions = rt
        .extensions
        .iter()
        .map(|extension| extension.schema.id.as_str())
        .map(|uri| (Some(uri), uri));
    base.chain(extensions)
        .filter_map(|(extension, uri)| Some((extension, uri.len(), after(text, uri)?)))
        .max_by_key(|(_, length, _)| *length)
        .map(|(extension, _, rest)| (extension, rest))
}

fn after<'s>(text: &'s str, uri: &str) -> Option<&'s str> {
    let (head, tail) = text.split_at_checked(uri.len())?;
    if !head.eq_ignore_ascii_case(uri) {
        return None;
    }
    if tail.is_empty() {
        Some(tail)
    } else {
        tail.strip_prefix(':').filter(|rest| !rest.is_empty())
    }
}

fn in_core<'t>(rest: &str, rt: &'t ResourceType) -> Option<Resolved<'t>> {
    let (name, sub) = parts(rest);
    let attribute = rt
        .common
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
        .or_else(|| rt.schema.attribute(name))?;
    resolved(None, attribute, sub)
}

fn in_extension<'t>(rest: &str, uri: &'t str, rt: &'t ResourceType) -> Option<Resolved<'t>> {
    let (name, sub) = parts(rest);
    let extension = rt.extensions.iter().find(|it| it.schema.id == uri)?;
    resolved(Some(uri), extension.schema.attribute(name)?, sub)
}

fn anywhere<'t>(rest: &str, rt: &'t ResourceType) -> Option<Resolved<'t>> {
    let (name, sub) = parts(rest);
    let mut found = rt.extensions.iter().filter_map(|extension| {
        let attribute = extension.schema.attribute(name)?;
        Some((extension.schema.id.as_str(), attribute))
    });
    let (uri, attribute) = found.next()?;
    match found.next() {
        Some(_) => None,
        None => resolved(Some(uri), attribute, sub),
    }
}

fn parts(rest: &str) -> (&str, Option<&str>) {
    match rest.split_once('.') {
        Some((name, sub)) => (name, Some(sub)),
        None => (rest, None),
    }
}

fn resolved<'t>(
    extension: Option<&'t str>,
    attribute: &'t Attribute,
    sub: Option<&str>,
) -> Option<Resolved<'t>> {
    let sub_attribute = match sub {
        Some(name) => Some(attribute.sub_attribute(name)?),
        None => None,
    };
    Some(Resolved {
        extension,
        attribute: Some(attribute),
        sub_attribute,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ENTERPRISE, user};

    #[test]
    fn syntax() {
        for good in [
            "userName",
            "name.givenName",
            "manager.$ref",
            "$ref",
            "a-b_c$",
            "urn:ietf:params:scim:schemas:core:2.0:User:name.givenName",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            "http://example.com/schema#x:attribute",
        ] {
            assert_eq!(AttrPath::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            " ",
            "a.b.c",
            "emails[0]",
            "/title",
            "1a",
            "a b",
            "a.",
            ".a",
            "a..b",
            "$x",
            "urn:",
            ":a",
            "urn:x:a\"",
            "urn:x:a b",
            "é",
            "urn:é:a",
            "a(b",
            "urn:a:b.",
        ] {
            assert!(AttrPath::parse(bad).is_err(), "path: {bad:?}");
        }
        assert!(AttrPath::parse(&"a".repeat(MAX_PATH + 1)).is_err());
    }

    fn found(path: &str) -> Option<String> {
        let rt = user();
        let path = AttrPath::parse(path).unwrap();
        let found = path.resolve(&rt)?;
        let names = [found.attribute, found.sub_attribute];
        let names: Vec<_> = names.iter().flatten().map(|it| it.name.as_str()).collect();
        let holder = found.extension.map_or("", |_| "E:");
        Some(format!("{holder}{}", names.join(".")))
    }

    #[test]
    fn s_7644_3_4_2_2_30_s_7644_3_10_resolution() {
        let core = "urn:ietf:params:scim:schemas:core:2.0:User";
        for (path, expected) in [
            ("USERNAME", Some("userName")),
            ("Name.GIVENname", Some("name.givenName")),
            ("meta.lastmodified", Some("meta.lastModified")),
            ("ID", Some("id")),
            ("department", Some("E:department")),
            ("manager.$REF", Some("E:manager.$ref")),
            ("nosuch", None),
            ("userName.x", None),
            ("name.nosuch", None),
            (&format!("{core}:name.givenName"), Some("name.givenName")),
            (
                &format!("{}:userName", core.to_uppercase()),
                Some("userName"),
            ),
            (&format!("{core}:meta.created"), Some("meta.created")),
            (&format!("{core}:department"), None),
            (core, None),
            (ENTERPRISE, Some("E:")),
            (&ENTERPRISE.to_lowercase(), Some("E:")),
            (&format!("{ENTERPRISE}:manager"), Some("E:manager")),
            (
                &format!("{ENTERPRISE}:manager.value"),
                Some("E:manager.value"),
            ),
            (&format!("{ENTERPRISE}:manager.value.x"), None),
            (&format!("{ENTERPRISE}:userName"), None),
            (&format!("{ENTERPRISE}x:manager"), None),
            ("urn:other:userName", None),
        ] {
            assert_eq!(found(path).as_deref(), expected, "path: {path}");
        }
    }

    #[test]
    fn s_7644_3_10_03_core_wins_and_ambiguity_fails() {
        let mut rt = user();
        let mut twin = rt.extensions[0].clone();
        twin.schema.id = "urn:example:twin".to_owned();
        let title = rt.schema.attribute("title").unwrap().clone();
        twin.schema.attributes.push(title);
        rt.extensions.push(twin);
        let path = |text: &str| AttrPath::parse(text).unwrap();
        assert!(path("department").resolve(&rt).is_none());
        assert_eq!(path("title").resolve(&rt).unwrap().extension, None);
        let twin = path("urn:example:twin:title");
        assert_eq!(
            twin.resolve(&rt).unwrap().extension,
            Some("urn:example:twin")
        );
    }
}
