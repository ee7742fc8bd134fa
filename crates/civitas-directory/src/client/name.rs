//! Distinguished names: whom a certificate is of.

use std::fmt::{self, Write as _};

use yasna::{ASN1Error, ASN1ErrorKind, BERReader, models::ObjectIdentifier};

/// Longest name, in bytes of its text.
pub const MAX_NAME_BYTES: usize = 1_024;

/// The types of attributes that have a name (RFC 4514 §3, and those that certificates have besides),
/// each by its object identifier. The first name of one is the one that is written.
const TYPES: &[(&str, &str)] = &[
    ("CN", "2.5.4.3"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("S", "2.5.4.8"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("C", "2.5.4.6"),
    ("STREET", "2.5.4.9"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("SN", "2.5.4.4"),
    ("GN", "2.5.4.42"),
    ("title", "2.5.4.12"),
    ("serialNumber", "2.5.4.5"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
    ("E", "1.2.840.113549.1.9.1"),
];

/// A distinguished name as text (RFC 4514), the most specific part first: what
/// `openssl x509 -noout -subject -nameopt RFC2253` prints. Two names are the same if their texts
/// are: values are compared with case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DistinguishedName(String);

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing in it.
    #[error("there is no name in it")]
    Empty,
    /// It is too long.
    #[error("longer than {MAX_NAME_BYTES} bytes")]
    TooLong,
    /// A part is not of the form `CN=value`.
    #[error("{0:?} is not of the form CN=value")]
    Part(String),
    /// A value is written in a way that is not read.
    #[error("{0:?}: quotation marks that do not end, or \\ before what needs none")]
    Escape(String),
}

impl DistinguishedName {
    /// Reads a text such as `CN=shop, O=Acme, C=DE`.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.trim().is_empty() {
            return Err(NameError::Empty);
        }
        let parts = split(text, &[',', ';'])?;
        let parts = parts.into_iter().map(|part| {
            let pairs = split(part, &['+'])?;
            pairs.into_iter().map(pair).collect::<Result<Vec<_>, _>>()
        });
        Self::of(parts.collect::<Result<_, _>>()?)
    }

    /// The name as it is in certificates (RFC 5280 §4.1.2.4): the least specific part first.
    pub(super) fn read(reader: BERReader<'_, '_>) -> Result<Option<Self>, ASN1Error> {
        let mut parts = Vec::new();
        reader.read_sequence_of(|part| {
            let mut pairs = Vec::new();
            part.read_set_of(|pair| {
                pair.read_sequence(|pair| {
                    let kind = named(&pair.next().read_oid()?);
                    let value = pair.next().read_tagged_der()?;
                    let value = text_of(value.tag().tag_number, value.value());
                    let value = value.ok_or(ASN1Error::new(ASN1ErrorKind::Invalid))?;
                    pairs.push((kind, value));
                    Ok(())
                })
            })?;
            parts.push(pairs);
            Ok(())
        })?;
        parts.reverse();
        Ok(Self::of(parts).ok())
    }

    fn of(parts: Vec<Vec<(String, String)>>) -> Result<Self, NameError> {
        let parts = parts.into_iter().map(|pairs| {
            let pairs = pairs.iter();
            let mut pairs: Vec<_> = pairs
                .map(|(kind, value)| format!("{kind}={}", escaped(value)))
                .collect();
            pairs.sort();
            pairs.join("+")
        });
        let text = parts.collect::<Vec<_>>().join(",");
        match text.len() {
            0 => Err(NameError::Empty),
            1..=MAX_NAME_BYTES => Ok(Self(text)),
            _ => Err(NameError::TooLong),
        }
    }

    /// The name of a text that was its before.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A type by its name, or by its numbers if it has none.
fn named(oid: &ObjectIdentifier) -> String {
    let numbers = oid.to_string();
    let found = TYPES.iter().find(|(_, it)| *it == numbers);
    found.map_or(numbers, |(name, _)| (*name).to_owned())
}

/// The text between separators that are neither escaped nor within quotation marks.
fn split<'t>(text: &'t str, separators: &[char]) -> Result<Vec<&'t str>, NameError> {
    let mut parts = Vec::new();
    let (mut begin, mut is_quoted, mut is_escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            c if separators.contains(&c) && !is_quoted => {
                parts.push(&text[begin..at]);
                begin = at + c.len_utf8();
            }
            _ => {}
        }
    }
    if is_quoted || is_escaped {
        return Err(NameError::Escape(text.to_owned()));
    }
    parts.push(&text[begin..]);
    Ok(parts)
}

/// Type and value of a text such as `CN=shop`.
fn pair(text: &str) -> Result<(String, String), NameError> {
    let refused = || NameError::Part(text.trim().to_owned());
    let (kind, value) = text.split_once('=').ok_or_else(refused)?;
    let kind = kind.trim();
    let numbers = kind.strip_prefix("OID.").unwrap_or(kind);
    let found = TYPES
        .iter()
        .find(|(name, oid)| name.eq_ignore_ascii_case(kind) || *oid == numbers);
    let is_numbers = numbers.split('.').count() > 1
        && numbers
            .split('.')
            .all(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()));
    let kind = match found {
        Some((_, oid)) => TYPES.iter().find(|it| it.1 == *oid).map(|it| it.0),
        None => is_numbers.then_some(numbers),
    };
    let value = unescaped(value)?;
    if value.is_empty() {
        return Err(refused());
    }
    Ok((kind.ok_or_else(refused)?.to_owned(), value))
}

/// A value without what protects its characters (RFC 4514 §3, and the quotation marks of those
/// before it).
fn unescaped(text: &str) -> Result<String, NameError> {
    let refused = || NameError::Escape(text.trim().to_owned());
    let text = text.trim_start();
    if text.starts_with('#') {
        return Err(refused());
    }
    let mut value = Vec::new();
    // Blanks at the end are none of the value, unless they are protected.
    let mut kept = 0;
    let mut is_quoted = false;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => is_quoted = !is_quoted,
            '\\' => {
                let escaped = rest.next().ok_or_else(refused)?;
                if escaped.is_ascii_hexdigit() {
                    let pair = [Some(escaped), rest.next()];
                    let pair: Option<String> = pair.into_iter().collect();
                    let byte = pair.and_then(|it| u8::from_str_radix(&it, 16).ok());
                    value.push(byte.ok_or_else(refused)?);
                } else {
                    value.extend(escaped.encode_utf8(&mut [0; 4]).bytes());
                }
                kept = value.len();
                continue;
            }
            c => value.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
        if is_quoted || c != ' ' {
            kept = value.len();
        }
    }
    value.truncate(kept);
    String::from_utf8(value).map_err(|_| refused())
}

/// A value with what protects its characters (RFC 4514 §2.4); nothing but ASCII.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let last = value.len().saturating_sub(1);
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' => text.extend(['\\', byte as char]),
            b' ' if at == 0 || at == last => text.push_str("\\ "),
            b'#' if at == 0 => text.push_str("\\#"),
            b' '..=b'~' => text.push(byte as char),
            // Writing to a text cannot fail.
            _ => write!(text, "\\{byte:02X}").unwrap_or_default(),
        }
    }
    text
}

/// The text of a value, by the number of its type (X.680): a `DirectoryString`, or one of those
/// that attributes of certificates have besides.
fn text_of(number: u64, bytes: &[u8]) -> Option<String> {
    match number {
        // UTF8String, NumericString, PrintableString, IA5String
        12 | 18 | 19 | 22 => String::from_utf8(bytes.to_vec()).ok(),
        // TeletexString, as everybody uses it
        20 => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
        // BMPString
        30 => {
            let (pairs, rest) = bytes.as_chunks();
            let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
            let text = char::decode_utf16(units).collect::<Result<_, _>>().ok();
            text.filter(|_: &String| rest.is_empty())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_text() {
        for (text, canonical) in [
            ("CN=shop,O=Acme,C=DE", "CN=shop,O=Acme,C=DE"),
            (" cn = shop , o=Acme ;C=DE ", "CN=shop,O=Acme,C=DE"),
            ("2.5.4.3=shop", "CN=shop"),
            ("OID.1.3.6.1.4.1.99=x", "1.3.6.1.4.1.99=x"),
            ("S=Hesse", "ST=Hesse"),
            ("E=a@b.example", "emailAddress=a@b.example"),
            ("CN=a\\,b", "CN=a\\,b"),
            ("CN=\"a, b\",O=c", "CN=a\\, b,O=c"),
            ("CN=Müller", "CN=M\\C3\\BCller"),
            ("CN=M\\C3\\BCller", "CN=M\\C3\\BCller"),
            ("CN=a\\ ", "CN=a\\ "),
            ("CN=\\ a", "CN=\\ a"),
            ("CN=\\#a", "CN=\\#a"),
            ("CN=a=b", "CN=a=b"),
            ("CN=x+OU=y", "CN=x+OU=y"),
            ("OU=y+CN=x", "CN=x+OU=y"),
            ("CN=a\\00b", "CN=a\\00b"),
        ] {
            let name = DistinguishedName::parse(text).unwrap();
            assert_eq!(name.as_str(), canonical, "{text}");
            assert_eq!(DistinguishedName::parse(canonical), Ok(name), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = format!("CN={}", "x".repeat(MAX_NAME_BYTES));
        for text in [
            "", " ", "shop", "CN=", "CN=a,", ",CN=a", "XX=a", "CN=#04", "CN=\"a", "CN=a\\",
            "CN=a\\f", "CN=\\FF", "1..2=a", "=a", &long,
        ] {
            assert!(DistinguishedName::parse(text).is_err(), "{text}");
        }
    }
}
