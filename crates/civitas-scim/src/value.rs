//! Comparison of values: how text is prepared (RFC 7644 §5, §7.8), how dates become
//! instants, and what counts as present (RFC 7644 §3.4.2.2).
//!
//! Stores index exactly what this module prepares, so that an index and the evaluator
//! cannot disagree.

use std::{borrow::Cow, cmp::Ordering};

use serde_json::Value;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::schema::{Attribute, Format, Type};

/// How the values of an attribute are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// Text, case distinguished: NFC.
    Exact,
    /// Text without case: lower case, then NFC.
    Folded,
    /// Text without case and width, for unique names such as `userName` (RFC 8265 §3.3):
    /// NFKC, lower case, NFC. Names outside the PRECIS identifier class stay usable.
    Username,
    /// `false` before `true`; equality only.
    Boolean,
    /// Numbers without fraction.
    Integer,
    /// Numbers.
    Decimal,
    /// Instants, whatever the offset they were written with.
    DateTime,
    /// Base64 text, equality only.
    Binary,
    /// An object: `pr` only.
    Complex,
}

/// A prepared value: what is compared, indexed and sorted. Ordered as a store orders it:
/// numbers before text, integers and reals by number, text by code point.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// A boolean (0, 1), an integer, or an instant in microseconds since 1970 (UTC).
    Integer(i64),
    /// A number with a fraction.
    Real(f64),
    /// Prepared text.
    Text(String),
}

impl Key {
    /// The key of a number. A number without fraction is an integer however it is written,
    /// so that equal numbers have equal keys.
    pub fn number(number: &serde_json::Number) -> Option<Self> {
        /// 2^63, the first number above the integers.
        const END: f64 = 9_223_372_036_854_775_808.0;

        if let Some(integer) = number.as_i64() {
            return Some(Self::Integer(integer));
        }
        let real = number.as_f64()?;
        if real.fract() == 0.0 && (-END..END).contains(&real) {
            Some(Self::Integer(real as i64))
        } else {
            Some(Self::Real(real))
        }
    }

    /// Total order of keys.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Text(_), _) => Ordering::Greater,
            (_, Self::Text(_)) => Ordering::Less,
            (Self::Integer(a), Self::Real(b)) => order_mixed(*a, *b),
            (Self::Real(a), Self::Integer(b)) => order_mixed(*b, *a).reverse(),
            (Self::Real(a), Self::Real(b)) => a.total_cmp(b),
        }
    }

    /// Whether the value counts as present: everything but the empty string.
    pub fn is_present(&self) -> bool {
        !matches!(self, Self::Text(text) if text.is_empty())
    }
}

/// Exact, where a conversion of the integer would round. A real is cut to the range of
/// integers, which puts one outside beyond all of them but the last, and that one is decided
/// by the fraction or by the sign of what was cut.
fn order_mixed(integer: i64, real: f64) -> Ordering {
    let whole = real.trunc();
    integer
        .cmp(&(whole as i64))
        .then_with(|| (whole as i64 as f64).total_cmp(&real))
}

impl Comparison {
    /// The comparison that a definition asks for.
    pub fn of(attribute: &Attribute) -> Self {
        match attribute.r#type {
            Type::String | Type::Reference if attribute.case_exact => Self::Exact,
            Type::String if attribute.format == Format::UserName => Self::Username,
            Type::String | Type::Reference => Self::Folded,
            Type::Boolean => Self::Boolean,
            Type::Integer => Self::Integer,
            Type::Decimal => Self::Decimal,
            Type::DateTime => Self::DateTime,
            Type::Binary => Self::Binary,
            Type::Complex => Self::Complex,
        }
    }

    /// Whether values are text.
    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Self::Exact | Self::Folded | Self::Username | Self::Binary
        )
    }

    /// Whether letters of both cases are equal.
    pub const fn ignores_case(self) -> bool {
        matches!(self, Self::Folded | Self::Username)
    }

    /// Prepares text for comparison (RFC 7644 §7.8). Prepared text stays as it is when it is
    /// prepared again.
    pub fn prepare(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Folded | Self::Username if text.is_ascii() => {
                if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    Cow::Owned(text.to_ascii_lowercase())
                } else {
                    Cow::Borrowed(text)
                }
            }
            Self::Folded => Cow::Owned(lower(text.nfc())),
            Self::Username => Cow::Owned(lower(text.nfkc())),
            _ if is_nfc_quick(text.chars()) == IsNormalized::Yes => Cow::Borrowed(text),
            _ => Cow::Owned(text.nfc().collect()),
        }
    }

    /// The key of a stored value; `None` for `null`, for an array or object, and for a value
    /// that does not fit (a stored value fits: it was checked when it was written).
    pub fn key(self, value: &Value) -> Option<Key> {
        match (self, value) {
            (_, Value::String(text)) => self.text_key(text),
            (Self::Boolean, Value::Bool(value)) => Some(Key::Integer(i64::from(*value))),
            (Self::Integer | Self::Decimal, Value::Number(number)) => Key::number(number),
            _ => None,
        }
    }

    /// The key of a value that is written as text; `None` if values are not written so, or
    /// the text does not fit.
    pub fn text_key(self, text: &str) -> Option<Key> {
        match self {
            Self::DateTime => parse_instant(text).map(Key::Integer),
            _ if self.is_text() => Some(Key::Text(self.prepare(text).into_owned())),
            _ => None,
        }
    }
}

/// Lower case, composed. Letter by letter, without the rule for a final sigma: what a word
/// starts with must not depend on what follows.
fn lower(text: impl Iterator<Item = char>) -> String {
    let fold = |letter: char| match letter {
        'ς' => 'σ',
        letter => letter,
    };
    text.flat_map(char::to_lowercase).map(fold).nfc().collect()
}

/// Reads an `xsd:dateTime` as microseconds since 1970 (UTC). A date without time is
/// refused; a time without zone is read as UTC (RFC 7643 §2.3.5).
pub fn parse_instant(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let shaped = date.len() >= 10 && time.len() >= 8 && time.as_bytes()[2] == b':';
    if !shaped {
        return None;
    }
    match text.parse::<jiff::Timestamp>() {
        Ok(instant) => Some(instant.as_microsecond()),
        Err(_) if time.contains(['Z', 'z', '+', '-']) => None,
        Err(_) => format!("{text}Z")
            .parse::<jiff::Timestamp>()
            .ok()
            .map(jiff::Timestamp::as_microsecond),
    }
}

/// Whether a JSON value counts as assigned and non-empty (`pr`, RFC 7644 §3.4.2.2).
pub fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => elements.iter().any(is_present),
        Value::Object(members) => members.values().any(is_present),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn s_7644_7_8_01_preparation() {
        for (comparison, written, prepared) in [
            (Comparison::Folded, "BJensen", "bjensen"),
            (Comparison::Folded, "École", "école"),
            (Comparison::Folded, "e\u{301}cole", "école"),
            (Comparison::Folded, "ΟΔΟΣ", "οδοσ"),
            (Comparison::Folded, "οδος", "οδοσ"),
            (Comparison::Folded, "Ａ", "ａ"),
            (Comparison::Username, "Ａ b", "a b"),
            (Comparison::Exact, "E\u{301}", "É"),
        ] {
            assert_eq!(comparison.prepare(written), prepared, "text: {written}");
        }
        assert!(matches!(
            Comparison::Folded.prepare("low"),
            Cow::Borrowed(_)
        ));
        assert!(matches!(
            Comparison::Exact.prepare("Élan"),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn s_7643_2_3_5_instants() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T01:00:00+01:00", Some(0)),
            ("1970-01-01T00:00:00", Some(0)),
            ("1970-01-01T00:00:00.5Z", Some(500_000)),
            ("1970-01-01", None),
            ("1970-01-01T00", None),
            ("1970-13-01T00:00:00Z", None),
            ("yesterday", None),
        ] {
            assert_eq!(parse_instant(text), expected, "text: {text}");
        }
    }

    #[test]
    fn equal_numbers_have_equal_keys() {
        let key = |value: Value| Comparison::Decimal.key(&value).unwrap();
        assert_eq!(key(json!(5)), key(json!(5.0)));
        assert_eq!(key(json!(0)), key(json!(-0.0)));
        assert_eq!(key(json!(5)).order(&key(json!(5.5))), Ordering::Less);
        assert_eq!(key(json!(-5)).order(&key(json!(-5.5))), Ordering::Greater);
        assert_eq!(key(json!(6)).order(&key(json!(5.5))), Ordering::Greater);
        assert_eq!(
            key(json!(i64::MAX)).order(&key(json!(1e300))),
            Ordering::Less
        );
        assert_eq!(
            key(json!(i64::MIN)).order(&key(json!(-1e300))),
            Ordering::Greater
        );
        assert_eq!(
            key(json!(i64::MAX)).order(&key(json!(u64::MAX))),
            Ordering::Less
        );
    }

    proptest! {
        #[test]
        fn prepared_text_stays(text in "\\PC*") {
            for comparison in [Comparison::Exact, Comparison::Folded, Comparison::Username] {
                let once = comparison.prepare(&text);
                let twice = comparison.prepare(&once);
                prop_assert_eq!(&twice, &once);
            }
        }

        #[test]
        fn the_order_is_total(a in any::<f64>(), b in any::<i64>()) {
            prop_assume!(a.is_finite());
            let (a, b) = (Key::Real(a), Key::Integer(b));
            prop_assert_eq!(a.order(&b), b.order(&a).reverse());
        }
    }
}
