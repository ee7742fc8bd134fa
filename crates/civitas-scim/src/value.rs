//! Comparison of values: how text is prepared (RFC 7644 §5, §7.8), how dates become
//! instants, and what counts as present (RFC 7644 §3.4.2.2).
//!
//! Stores index exactly what this module prepares, so that an index and the evaluator
//! cannot disagree.

use std::{borrow::Cow, cmp::Ordering};

use serde_json::Value;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::schema::{Attribute, Type, Uniqueness};

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
    /// Total order of keys.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Text(_), _) => Ordering::Greater,
            (_, Self::Text(_)) => Ordering::Less,
            (Self::Integer(a), Self::Real(b)) => (*a as f64).total_cmp(b),
            (Self::Real(a), Self::Integer(b)) => a.total_cmp(&(*b as f64)),
            (Self::Real(a), Self::Real(b)) => a.total_cmp(b),
        }
    }

    /// Whether the value counts as present: everything but the empty string.
    pub fn is_present(&self) -> bool {
        !matches!(self, Self::Text(text) if text.is_empty())
    }
}

impl Comparison {
    /// The comparison that a definition asks for.
    pub fn of(attribute: &Attribute) -> Self {
        match attribute.r#type {
            Type::String if attribute.case_exact => Self::Exact,
            Type::String if attribute.uniqueness == Uniqueness::None => Self::Folded,
            Type::String => Self::Username,
            // `schemas` is the one reference that is compared without case.
            Type::Reference if attribute.case_exact => Self::Exact,
            Type::Reference => Self::Folded,
            Type::Boolean => Self::Boolean,
            Type::Integer => Self::Integer,
            Type::Decimal => Self::Decimal,
            Type::DateTime => Self::DateTime,
            Type::Binary => Self::Binary,
            Type::Complex => Self::Complex,
        }
    }

    /// Prepares text for comparison.
    pub fn prepare<'v>(self, text: &'v str) -> Cow<'v, str> {
        match self {
            Self::Folded | Self::Username if text.is_ascii() => {
                if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    Cow::Owned(text.to_ascii_lowercase())
                } else {
                    Cow::Borrowed(text)
                }
            }
            Self::Folded => Cow::Owned(text.to_lowercase().nfc().collect()),
            Self::Username => {
                let narrow: String = text.nfkc().collect();
                Cow::Owned(narrow.to_lowercase().nfc().collect())
            }
            _ if is_nfc_quick(text.chars()) == IsNormalized::Yes => Cow::Borrowed(text),
            _ => Cow::Owned(text.nfc().collect()),
        }
    }

    /// The key of a stored value; `None` for `null`, for an array or object, and for a value
    /// that does not fit (a stored value fits: it was checked when it was written).
    pub fn key(self, value: &Value) -> Option<Key> {
        match (self, value) {
            (Self::Exact | Self::Folded | Self::Username | Self::Binary, Value::String(text)) => {
                Some(Key::Text(self.prepare(text).into_owned()))
            }
            (Self::Boolean, Value::Bool(value)) => Some(Key::Integer(i64::from(*value))),
            (Self::Integer | Self::Decimal, Value::Number(number)) => match number.as_i64() {
                Some(integer) => Some(Key::Integer(integer)),
                None => number.as_f64().map(Key::Real),
            },
            (Self::DateTime, Value::String(text)) => parse_instant(text).map(Key::Integer),
            _ => None,
        }
    }
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
            .map(|it| it.as_microsecond()),
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
