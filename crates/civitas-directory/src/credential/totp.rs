//! One-time codes by time (RFC 6238): HMAC-SHA-1, steps of 30 seconds, six digits, as the common
//! authenticator applications make them.

use ring::hmac;
use subtle::ConstantTimeEq as _;

use crate::record::Timestamp;

/// Digits of a code.
pub const DIGITS: usize = 6;

/// Milliseconds of a step (RFC 6238 §4, time step X).
pub const STEP_MS: i64 = 30_000;

/// Steps before and after the present one whose codes are taken, for clocks that differ
/// (RFC 6238 §5.2).
pub const DRIFT: u64 = 1;

/// Fewest and most bytes of a shared secret. 16 are what RFC 4226 §4 (R6) requires; many
/// applications make 10.
pub const SECRET_BYTES: std::ops::RangeInclusive<usize> = 10..=64;

/// The step that an instant lies in (RFC 6238 §4.2); none before 1970.
pub fn step(at: Timestamp) -> Option<u64> {
    u64::try_from(at.0.div_euclid(STEP_MS)).ok()
}

/// The code of a step (RFC 4226 §5.3).
pub fn code(secret: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes[bytes.len() - 1] & 0xf);
    let word = bytes[offset..offset + 4]
        .iter()
        .fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
}

/// The step that a code is right for, at an instant or so near to it that clocks may differ.
pub fn matching(secret: &[u8], shown: &str, at: Timestamp) -> Option<u64> {
    let now = step(at)?;
    // Each is looked at, so that the time tells nothing.
    let steps = now.saturating_sub(DRIFT)..=now.saturating_add(DRIFT);
    steps.fold(None, |found, step| {
        let same = code(secret, step).as_bytes().ct_eq(shown.as_bytes());
        if bool::from(same) { Some(step) } else { found }
    })
}

/// Whether a text has the form of a code.
pub fn is_code(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The bytes of a secret as authenticator applications write it: Base32 (RFC 4648 §6), with or
/// without padding, blanks and capitals; `None` of what is not of [`SECRET_BYTES`].
pub fn decode_secret(text: &str) -> Option<Vec<u8>> {
    let letters = text.bytes().filter(|byte| *byte != b' ');
    let letters: Vec<u8> = letters.map(|byte| byte.to_ascii_uppercase()).collect();
    let end = letters.iter().rposition(|byte| *byte != b'=')?;
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for letter in &letters[..=end] {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
            bits &= (1 << held) - 1;
        }
    }
    // What is left over of the last letter is nothing, and less than a letter.
    (held < 5 && bits == 0 && SECRET_BYTES.contains(&bytes.len())).then_some(bytes)
}

/// A secret as authenticator applications take it: Base32 without padding (RFC 4648 §6).
pub fn encode_secret(secret: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(secret.len() * 8 / 5 + 1);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in secret {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(char::from(LETTERS[(bits >> held & 31) as usize]));
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        text.push(char::from(LETTERS[(bits << (5 - held) & 31) as usize]));
    }
    text
}

/// A new secret, as long as RFC 4226 §4 (R6) recommends.
///
/// # Errors
/// The text of the failure, for the log.
pub fn new_secret() -> Result<[u8; 20], String> {
    let mut secret = [0; 20];
    getrandom::fill(&mut secret).map_err(|error| error.to_string())?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, Appendix B.
    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn secrets_are_written_as_they_are_read() {
        assert_eq!(encode_secret(b"12345678901"), "GEZDGNBVGY3TQOJQGE");
        for length in SECRET_BYTES {
            let secret: Vec<u8> = (0..length).map(|it| (it * 37 + length) as u8).collect();
            assert_eq!(decode_secret(&encode_secret(&secret)), Some(secret));
        }
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // Appendix B has eight digits; six are their end.
        for (seconds, expected) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let at = Timestamp(seconds * 1_000);
            let step = step(at).unwrap();
            assert_eq!(code(SECRET, step), &expected[2..], "{seconds}");
            assert_eq!(matching(SECRET, &expected[2..], at), Some(step));
        }
        // RFC 4226, Appendix D.
        let codes = ["755224", "287082", "359152", "969429", "338314"];
        for (step, expected) in (0..).zip(codes) {
            assert_eq!(code(SECRET, step), expected);
        }
    }

    #[test]
    fn clocks_may_differ_by_a_step() {
        let at = |step: i64| Timestamp(step * STEP_MS);
        for (now, found) in [
            (0, None),
            (1, None),
            (2, Some(3)),
            (3, Some(3)),
            (4, Some(3)),
            (5, None),
        ] {
            assert_eq!(matching(SECRET, "969429", at(now)), found, "at step {now}");
        }
        assert_eq!(matching(SECRET, "96942", at(3)), None);
        assert_eq!(matching(SECRET, "9694290", at(3)), None);
        assert_eq!(matching(SECRET, "755224", Timestamp(-1)), None);
    }

    #[test]
    fn secrets_are_written_in_base32() {
        let written = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for written in [
            written.to_owned(),
            written.to_lowercase(),
            format!("{} {}", &written[..4], &written[4..]),
        ] {
            assert_eq!(decode_secret(&written).unwrap(), SECRET, "{written}");
        }
        // RFC 4648, Section 10, made long enough.
        assert_eq!(
            decode_secret("MZXW6YTBOJTG633CME======").unwrap(),
            b"foobarfooba"[..11].to_vec()
        );
        for refused in [
            "",
            "=",
            "MZXW6YTB",
            "MZXW6YTBOI0000AA",
            "GEZDGNBVGY3TQOJQGE1",
            &"A".repeat(200),
        ] {
            assert_eq!(decode_secret(refused), None, "{refused}");
        }
    }
}
