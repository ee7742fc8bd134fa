//! One-time codes (RFC 6238), as a device makes them.

use ring::hmac;

/// Seconds of a step.
const STEP: i64 = 30;

/// The code of a secret, so many steps from now.
pub(crate) fn code(secret: &[u8], steps: i64) -> String {
    let step = jiff::Timestamp::now().as_second() / STEP + steps;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let offset = usize::from(tag.as_ref()[19] & 0xf);
    let bytes = tag.as_ref()[offset..offset + 4].iter();
    let word = bytes.fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
}

/// A code that is right at no time near.
pub(crate) fn wrong_code(secret: &[u8]) -> String {
    let near: Vec<String> = (-3..=3).map(|it| code(secret, it)).collect();
    let all = (0..10).map(|digit| digit.to_string().repeat(6));
    let mut others = all.filter(|it| !near.contains(it));
    others.next().unwrap_or_default()
}
