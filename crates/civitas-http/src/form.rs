//! Percent-encoding and `name=value` lists: queries, forms, path segments (RFC 3986 §2.1).

use std::borrow::Cow;

/// Names and values, decoded.
pub(crate) type Pairs<'t> = Vec<(Cow<'t, str>, Cow<'t, str>)>;

/// The pairs of a query or form, decoded once: `+` and `%20` are blanks. `None` when a part
/// is no UTF-8 or an escape is cut short.
pub(crate) fn pairs(text: &str) -> Option<Pairs<'_>> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name, true)?, decode(value, true)?))
        })
        .collect()
}

/// Decodes percent-encoded text; `plus` reads `+` as a blank. `None` when the text is not
/// UTF-8 or an escape is no two hexadecimal digits.
pub(crate) fn decode(text: &str, plus: bool) -> Option<Cow<'_, str>> {
    let escaped = |byte: &u8| *byte == b'%' || (plus && *byte == b'+');
    if !text.as_bytes().iter().any(escaped) {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            b'+' if plus => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_once() {
        for (written, plus, decoded) in [
            ("a%20b+c", true, Some("a b c")),
            ("a%20b+c", false, Some("a b+c")),
            ("%2541", true, Some("%41")),
            ("%C3%A9", true, Some("é")),
            ("%C3", true, None),
            ("%4", true, None),
            ("%zz", true, None),
            ("plain", true, Some("plain")),
        ] {
            assert_eq!(decode(written, plus).as_deref(), decoded, "{written}");
        }
    }

    #[test]
    fn pairs_keep_order_and_repetition() {
        let found = pairs("filter=userName+eq+%22a%22&count=2&count=3&flag&").unwrap();
        let found: Vec<(&str, &str)> = found.iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(
            found,
            [
                ("filter", "userName eq \"a\""),
                ("count", "2"),
                ("count", "3"),
                ("flag", "")
            ]
        );
    }
}
