//! JSON from strangers, read in one pass into a value that is safe to work on: bounded in
//! depth, and without two members of one object that are the same attribute (RFC 7643 §2.1).

use std::{collections::HashSet, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use crate::{Attributes, Invalid, path::shown};

/// What a body may be at most. Its length is the business of whoever receives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most arrays and objects within each other. More than 127 are never read.
    pub max_depth: usize,
}

impl Default for Limits {
    /// Many times the depth of any SCIM message.
    fn default() -> Self {
        Self { max_depth: 32 }
    }
}

/// Reads a JSON text (RFC 8259), which may begin with a byte order mark.
///
/// # Errors
///
/// `invalidSyntax` with the position for text that is not JSON or not UTF-8, for half of a
/// surrogate pair, a number out of range, nesting beyond the limit, and for an object with
/// two members whose names are equal without case.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Value, Invalid> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let root = Node {
        levels_left: limits.max_depth,
    };
    root.deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| Invalid::syntax(format!("the body cannot be read: {error}")))
}

/// Members that an object is given room for at first: as many as most elements have.
const ROOM: usize = 6;

/// Below how many members an object is searched rather than hashed for repeated names.
const FEW: usize = 16;

#[derive(Clone, Copy)]
struct Node {
    levels_left: usize,
}

impl Node {
    fn inner<E: Error>(self) -> Result<Self, E> {
        match self.levels_left.checked_sub(1) {
            Some(levels_left) => Ok(Self { levels_left }),
            None => Err(E::custom("too many levels of arrays and objects")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut elements = Vec::new();
        while let Some(element) = access.next_element_seed(inner)? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut members = Attributes::with_capacity(ROOM);
        let mut folded = HashSet::new();
        while let Some(name) = access.next_key::<String>()? {
            if is_repeated(&name, &members, &mut folded) {
                let name = shown(&name);
                return Err(A::Error::custom(format!(
                    "an object has two members of one name (case aside): {name}"
                )));
            }
            members.insert(name, access.next_value_seed(inner)?);
        }
        Ok(Value::Object(members))
    }
}

/// Whether a member of that name was read before. `folded` stays empty while there are few.
fn is_repeated(name: &str, members: &Attributes, folded: &mut HashSet<String>) -> bool {
    if members.len() < FEW {
        return members.keys().any(|known| known.eq_ignore_ascii_case(name));
    }
    if folded.is_empty() {
        folded.extend(members.keys().map(|known| known.to_ascii_lowercase()));
    }
    !folded.insert(name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: impl AsRef<[u8]>) -> Result<Value, Invalid> {
        parse(text.as_ref(), &Limits::default())
    }

    #[test]
    fn json_is_read() {
        for (text, value) in [
            (
                &b"\xEF\xBB\xBF {\"a\": [1, -2, 1.5, true, null]}\n"[..],
                json!({"a": [1, -2, 1.5, true, null]}),
            ),
            (br#""\ud83d\ude00""#, json!("😀")),
            (b"18446744073709551615", json!(u64::MAX)),
            (
                br#"{"a": {"b": 1}, "b": {"A": 1}}"#,
                json!({"a": {"b": 1}, "b": {"A": 1}}),
            ),
        ] {
            assert_eq!(read(text).unwrap(), value);
        }
    }

    #[test]
    fn t_write_08_what_is_not_json_is_refused() {
        for text in [
            &b""[..],
            b"{",
            b"{\"a\":1",
            b"{\"a\":1,}",
            b"{} {}",
            b"\xEF\xBB\xBF",
            b"\xEF\xBB\xBF\xEF\xBB\xBF{}",
            b"\"\xFF\"",
            b"\"\xED\xA0\x80\"",
            br#""\ud83d""#,
            br#""\ude00 \ud83d""#,
            b"1e999",
            b"-1e999",
            b"NaN",
            b"'a'",
            b"01",
            b"\"a\tb\"",
        ] {
            let refused = read(text).unwrap_err();
            assert_eq!(refused.scim_type, crate::ScimType::InvalidSyntax);
            assert!(
                refused.detail.contains("line 1 column"),
                "{}",
                refused.detail
            );
        }
    }

    #[test]
    fn s_7643_2_1_05_t_write_09_repeated_members_are_refused() {
        for text in [
            r#"{"a": 1, "a": 1}"#,
            r#"{"userName": "a", "USERNAME": "b"}"#,
            r#"[{"b": {"x": 1, "\u0058": 2}}]"#,
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.detail.contains("two members"), "{}", refused.detail);
        }
        let many = |last: &str| {
            let mut text = String::from("{");
            for n in 0..100 {
                write!(text, "\"name{n}\": {n}, ").unwrap();
            }
            text + &format!("\"{last}\": 0}}")
        };
        assert!(read(many("other")).is_ok());
        for repeated in ["NAME0", "Name15", "Name16", "nAME99"] {
            assert!(read(many(repeated)).is_err(), "{repeated}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_without_deep_recursion() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(read(nested(32)).is_ok());
        assert!(read(nested(33)).unwrap_err().detail.contains("levels"));
        assert!(read(nested(100_000)).is_err());
        assert!(read("{\"a\":".repeat(100_000)).is_err());
        let limits = Limits { max_depth: 100_000 };
        assert!(parse(nested(100_000).as_bytes(), &limits).is_err());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::hash_map("[a-z]{1,6}", inner, 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_the_same(value in any_json()) {
            prop_assert_eq!(read(value.to_string()), Ok(value));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(bytes);
        }
    }
}
