//! Pointers to a part of an object: names set off by slashes, the first slash optional.

use std::fmt;

use crate::form;

/// Longest pointer, in bytes.
pub(super) const MAX_POINTER: usize = 1_024;

/// A pointer; without names it stands for the whole object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Pointer(Vec<String>);

impl Pointer {
    /// Reads a pointer; `None` if an escape is broken or the text too long.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_POINTER {
            return None;
        }
        let inner = text.strip_prefix('/').unwrap_or(text);
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        if inner.is_empty() {
            return Some(Self::default());
        }
        let names = inner.split('/').map(|token| {
            let token = form::decode(token, false)?;
            Some(token.replace("~1", "/").replace("~0", "~"))
        });
        names.collect::<Option<_>>().map(Self)
    }

    /// The pointer of these names.
    pub(super) fn of(names: &[String]) -> Self {
        Self(names.to_vec())
    }

    /// The names, outermost first.
    pub(super) fn names(&self) -> &[String] {
        &self.0
    }

    /// The first name and those within it.
    pub(super) fn split_first(&self) -> Option<(&str, &[String])> {
        let (first, rest) = self.0.split_first()?;
        Some((first, rest))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("/");
        }
        for name in &self.0 {
            f.write_str("/")?;
            for letter in name.chars() {
                match letter {
                    '~' => f.write_str("~0")?,
                    '/' => f.write_str("~1")?,
                    // Where a pointer would end, or an escape begin.
                    '(' | ')' | '%' => write!(f, "%{:02X}", u32::from(letter))?,
                    blank if blank.is_ascii_whitespace() => {
                        write!(f, "%{:02X}", u32::from(blank))?;
                    }
                    letter => write!(f, "{letter}")?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_read_as_they_are_shown() {
        for (text, names, shown) in [
            ("sn", &["sn"][..], "/sn"),
            ("/sn/", &["sn"], "/sn"),
            ("/", &[], "/"),
            ("", &[], "/"),
            ("name/last", &["name", "last"], "/name/last"),
            ("/a~1b/c%2Fd/-", &["a/b", "c/d", "-"], "/a~1b/c~1d/-"),
            ("a%20b", &["a b"], "/a%20b"),
        ] {
            let pointer = Pointer::parse(text).unwrap();
            assert_eq!(pointer.names(), names, "{text}");
            assert_eq!(pointer.to_string(), shown, "{text}");
            assert_eq!(Pointer::parse(shown), Some(pointer), "{text}");
        }
        assert_eq!(Pointer::parse("/a%zz"), None);
        assert_eq!(Pointer::parse(&"a".repeat(2_000)), None);
    }
}
