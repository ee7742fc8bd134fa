//! Preferences (RFC 7240).

use civitas_scim::tolerance::Switches;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The preferences that an answer followed (RFC 7240 §3).
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What to send back after a write (RFC 7240 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Return {
    /// Headers only.
    Minimal,
    /// The resource.
    Representation,
}

/// The preferences that are honoured; the others are passed over, as is one that contradicts
/// itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Prefer {
    /// `return`.
    pub(crate) answer: Option<Return>,
    /// `handling`: whether it is `strict`.
    strict: Option<bool>,
    /// `respond-async`.
    pub(crate) asynchronous: bool,
}

impl Prefer {
    /// Reads the header fields. Nothing in them is an error (RFC 7240 §2).
    pub(crate) fn parse(headers: &HeaderMap) -> Self {
        let mut answer = Choice::Open;
        let mut strict = Choice::Open;
        let mut asynchronous = false;
        for value in headers.get_all("prefer") {
            for preference in members(value.to_str().unwrap_or_default()) {
                asynchronous |= is_bare(preference, "respond-async");
                match named(preference) {
                    Some((name, "minimal")) if is(name, "return") => answer.take(Return::Minimal),
                    Some((name, "representation")) if is(name, "return") => {
                        answer.take(Return::Representation);
                    }
                    Some((name, "strict")) if is(name, "handling") => strict.take(true),
                    Some((name, "lenient")) if is(name, "handling") => strict.take(false),
                    _ => {}
                }
            }
        }
        Self {
            answer: answer.made(),
            strict: strict.made(),
            asynchronous,
        }
    }

    /// The tolerances of a client that are left on for the request.
    pub(crate) fn switches(self, of_client: Switches) -> Switches {
        if self.strict == Some(true) {
            of_client.strict()
        } else {
            of_client
        }
    }

    /// `Preference-Applied` of an answer to which `handling` applied, and `return` as given.
    pub(crate) fn applied(self, answer: Option<Return>) -> Option<HeaderValue> {
        let handling = self.strict.map(|strict| {
            if strict {
                "handling=strict"
            } else {
                "handling=lenient"
            }
        });
        let answer = answer.map(|answer| match answer {
            Return::Minimal => "return=minimal",
            Return::Representation => "return=representation",
        });
        match (answer, handling) {
            (None, None) => None,
            (Some(one), None) | (None, Some(one)) => Some(HeaderValue::from_static(one)),
            (Some(one), Some(other)) => HeaderValue::try_from(format!("{one}, {other}")).ok(),
        }
    }
}

/// A choice between values, of which contradicting ones cancel each other.
enum Choice<T> {
    Open,
    Made(T),
    Contradicted,
}

impl<T: PartialEq> Choice<T> {
    fn take(&mut self, value: T) {
        *self = match self {
            Self::Open => Self::Made(value),
            Self::Made(made) if *made == value => Self::Made(value),
            Self::Made(_) | Self::Contradicted => Self::Contradicted,
        };
    }

    fn made(self) -> Option<T> {
        match self {
            Self::Made(value) => Some(value),
            Self::Open | Self::Contradicted => None,
        }
    }
}

/// The members of a list: what stands between commas that are not within quotes.
fn members(list: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    list.split(move |it| {
        quoted ^= it == '"';
        it == ',' && !quoted
    })
}

/// Name and value of a preference, parameters left out.
fn named(preference: &str) -> Option<(&str, &str)> {
    let (name, value) = preference.split(';').next()?.split_once('=')?;
    Some((name.trim(), value.trim().trim_matches('"')))
}

/// Whether a preference without value, or with an empty one, has the name (RFC 7240 §2).
fn is_bare(preference: &str, expected: &str) -> bool {
    let preference = preference.split(';').next().unwrap_or_default();
    let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
    is(name.trim(), expected) && value.trim().trim_matches('"').is_empty()
}

fn is(name: &str, expected: &str) -> bool {
    name.eq_ignore_ascii_case(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences() {
        use Return::{Minimal, Representation};
        for (written, answer, strict) in [
            ("return=minimal", Some(Minimal), None),
            ("Return=\"representation\"; x=1", Some(Representation), None),
            ("return=Minimal", None, None),
            ("return=minimal, return=representation", None, None),
            ("return=minimal, return=minimal", Some(Minimal), None),
            ("handling=strict, return=minimal", Some(Minimal), Some(true)),
            ("handling=lenient", None, Some(false)),
            ("handling=strict, handling=lenient", None, None),
            ("x=\"a, return=minimal\", handling=strict", None, Some(true)),
            ("", None, None),
        ] {
            let value = HeaderValue::from_str(written).unwrap();
            let mut headers = HeaderMap::new();
            headers.insert("prefer", value);
            assert_eq!(
                Prefer::parse(&headers),
                Prefer {
                    answer,
                    strict,
                    asynchronous: false,
                },
                "Prefer: {written}"
            );
        }
    }

    #[test]
    fn respond_async_has_no_value() {
        for (written, asynchronous) in [
            ("respond-async", true),
            ("wait=10, Respond-Async=\"\"; x=1", true),
            ("respond-async=yes", false),
            ("respond", false),
        ] {
            let value = HeaderValue::from_str(written).unwrap();
            let headers = HeaderMap::from_iter([(http::HeaderName::from_static("prefer"), value)]);
            assert_eq!(
                Prefer::parse(&headers).asynchronous,
                asynchronous,
                "{written}"
            );
        }
    }

    #[test]
    fn applied_preferences_are_named() {
        let strict = Prefer {
            answer: None,
            strict: Some(true),
            asynchronous: false,
        };
        let applied = strict.applied(Some(Return::Minimal)).unwrap();
        assert_eq!(applied, "return=minimal, handling=strict");
        assert_eq!(Prefer::default().applied(None), None);
    }
}
