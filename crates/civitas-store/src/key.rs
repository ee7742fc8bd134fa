//! Keys as bytes that the database orders as keys are ordered: numbers before text, numbers by
//! value, text by code point, which is how UTF-8 is ordered.

use civitas_scim::value::Key;

use crate::search::KeyRef;

/// What the bytes of a number begin with.
const NUMBER: u8 = 0;
/// What the bytes of a text begin with.
const TEXT: u8 = 1;

/// The bytes of the empty text, the first of all texts.
pub(crate) const EMPTY_TEXT: &[u8] = &[TEXT];

/// Bytes of a key that an index takes: a row of an index is bounded, a key is not.
pub(crate) const HEAD: usize = 1_024;

/// The bytes of a key.
pub(crate) fn encode(key: &Key) -> Vec<u8> {
    match key {
        Key::Integer(integer) => number(*integer),
        Key::Real(real) => real_and_rest(*real, 0),
        Key::Text(text) => [&[TEXT], text.as_bytes()].concat(),
    }
}

/// What of the bytes stands in an index, and the rest.
pub(crate) fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.len().min(HEAD))
}

/// The key of bytes. Bytes that no key has, which only a damaged database can hold, are read
/// as the empty text.
pub(crate) fn decode(bytes: &[u8]) -> KeyRef<'_> {
    match bytes {
        [NUMBER, real @ .., a, b] if real.len() == 8 => {
            let bits = real
                .iter()
                .fold(0, |bits, byte| bits << 8 | u64::from(*byte));
            let rest = i64::from(u16::from_be_bytes([*a, *b]));
            let real = from_ordered(bits);
            if real.fract() == 0.0 && (-END..END).contains(&real) {
                KeyRef::Integer(real as i64 + rest)
            } else {
                KeyRef::Real(real)
            }
        }
        [TEXT, text @ ..] => KeyRef::Text(std::str::from_utf8(text).unwrap_or_default()),
        _ => KeyRef::Text(""),
    }
}

/// 2^63, the first number above the integers.
const END: f64 = 9_223_372_036_854_775_808.0;

/// The greatest real that is not above the integer, and what the integer has more than it:
/// beyond 2^53 not every integer is a real.
fn number(integer: i64) -> Vec<u8> {
    let mut floor = integer as f64;
    if floor >= END || floor as i64 > integer {
        floor = floor.next_down();
    }
    let rest = integer.wrapping_sub(floor as i64);
    real_and_rest(floor, rest as u16)
}

fn real_and_rest(real: f64, rest: u16) -> Vec<u8> {
    let real = ordered(real).to_be_bytes();
    [&[NUMBER][..], &real, &rest.to_be_bytes()].concat()
}

/// Bits that are ordered, without sign, as reals are.
fn ordered(real: f64) -> u64 {
    let bits = real.to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

fn from_ordered(bits: u64) -> f64 {
    f64::from_bits(if bits >> 63 == 1 {
        bits & !(1 << 63)
    } else {
        !bits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<Key> {
        let integers = [
            0,
            1,
            -1,
            41,
            (1 << 53) - 1,
            1 << 53,
            (1 << 53) + 1,
            -(1 << 53) - 1,
            i64::MAX,
            i64::MAX - 1,
            i64::MAX - 1_023,
            i64::MIN,
            i64::MIN + 1,
        ];
        let reals = [
            0.5,
            -0.5,
            1.5,
            -2.25,
            1e18 + 0.5,
            1e300,
            -1e300,
            f64::MIN_POSITIVE,
        ];
        let texts = [
            "",
            "\0",
            "a",
            "a\0",
            "ab",
            "ä",
            "日本",
            "\u{10FFFF}",
            "\u{1}a",
        ];
        let integers = integers.into_iter().map(Key::Integer);
        // A real without a fraction is an integer where it fits.
        let reals = reals
            .into_iter()
            .filter(|it| it.fract() != 0.0 || it.abs() >= END);
        integers
            .chain(reals.map(Key::Real))
            .chain(texts.into_iter().map(|it| Key::Text(it.into())))
            .collect()
    }

    #[test]
    fn bytes_are_ordered_as_keys_are() {
        for a in keys() {
            for b in keys() {
                assert_eq!(encode(&a).cmp(&encode(&b)), a.order(&b), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn keys_come_back() {
        for key in keys() {
            assert_eq!(decode(&encode(&key)).to_key(), key);
        }
    }
}
