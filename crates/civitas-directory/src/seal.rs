//! Texts that the directory hands out and takes back: cursors and tokens of the change feed.
//! Nothing is kept of them here. They are sealed, since they end up in URLs (RFC 7644 §7.5.2)
//! and may hold a value that was sorted by: nobody else can read them, and none opens unless
//! it was issued here, for what it is shown for, and to whom.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};

/// Seals such texts with a key derived from the installation's.
pub struct Seal {
    key: LessSafeKey,
}

impl Seal {
    /// A seal with a key of its own, so that nothing else that is made with the
    /// installation's key passes for one of its texts.
    ///
    /// # Errors
    /// The text of the failure, for the log.
    pub fn derive(installation: &[u8; 32]) -> Result<Self, String> {
        let parent = hmac::Key::new(hmac::HMAC_SHA256, installation);
        let derived = hmac::sign(&parent, b"civitas:seal:1");
        let key = UnboundKey::new(&CHACHA20_POLY1305, derived.as_ref())
            .map_err(|_| "no key for sealing could be derived".to_owned())?;
        Ok(Self {
            key: LessSafeKey::new(key),
        })
    }

    /// The content as a text of unreserved URI characters (RFC 3986 §2.3) that opens only
    /// with the same binding: purpose, partition, caller, query.
    ///
    /// # Errors
    /// The text of the failure, for the log.
    pub fn close(&self, binding: &[&str], content: &[u8]) -> Result<String, String> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|error| error.to_string())?;
        let mut content = content.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(unique, Aad::from(joined(binding)), &mut content)
            .map_err(|_| "a text could not be sealed".to_owned())?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode([&nonce[..], &content].concat()))
    }

    /// The content of a text that was closed here with this binding.
    pub fn open(&self, binding: &[&str], text: &str) -> Option<Vec<u8>> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, content) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut content = content.to_vec();
        let opened = self
            .key
            .open_in_place(nonce, Aad::from(joined(binding)), &mut content);
        opened.ok().map(|opened| opened.to_vec())
    }
}

/// Each part with its length, so that no two bindings run together.
fn joined(binding: &[&str]) -> Vec<u8> {
    let mut joined = Vec::new();
    for part in binding {
        joined.extend_from_slice(&(part.len() as u64).to_be_bytes());
        joined.extend_from_slice(part.as_bytes());
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_what_it_closed_for_the_same_binding() {
        let seal = Seal::derive(&[7; 32]).unwrap();
        let text = seal.close(&["a", "bc"], b"content").unwrap();
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        assert!(text.chars().all(unreserved), "S-9865-2-02: {text}");
        assert_eq!(seal.open(&["a", "bc"], &text).unwrap(), b"content");
        for binding in [&["ab", "c"][..], &["a"], &["a", "bc", ""], &["A", "bc"]] {
            assert_eq!(seal.open(binding, &text), None, "{binding:?}");
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&text).unwrap();
        assert!(!bytes.windows(7).any(|part| part == b"content"));
        let other = Seal::derive(&[8; 32]).unwrap();
        assert_eq!(other.open(&["a", "bc"], &text), None);
        for length in 0..text.len() {
            assert_eq!(seal.open(&["a", "bc"], &text[..length]), None);
        }
    }
}
