//! Texts that the directory hands out and takes back unread: cursors and tokens of the change
//! feed. Nothing is kept of them here; a signature shows that they were issued, for what, and
//! to whom.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};

/// Signs such texts with a key derived from the installation's.
pub struct Seal {
    sign: EncodingKey,
    check: DecodingKey,
}

impl Seal {
    /// A seal with a key of its own, so that no other signature of the installation passes
    /// for one of its.
    ///
    /// # Errors
    /// The text of the failure, for the log.
    pub fn derive(installation: &[u8; 32]) -> Result<Self, String> {
        let parent = EncodingKey::from_secret(installation);
        let derived = crypto::sign(b"civitas:seal:1", &parent, Algorithm::HS256)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            sign: EncodingKey::from_secret(derived.as_bytes()),
            check: DecodingKey::from_secret(derived.as_bytes()),
        })
    }

    /// The content as a text of unreserved URI characters (RFC 3986 §2.3) that opens only
    /// with the same binding: purpose, partition, caller, query.
    ///
    /// # Errors
    /// The text of the failure, for the log.
    pub fn close(&self, binding: &[&str], content: &[u8]) -> Result<String, String> {
        let mut text = BASE64_URL_SAFE_NO_PAD.encode(content);
        let signature = crypto::sign(&message(binding, &text), &self.sign, Algorithm::HS256)
            .map_err(|error| error.to_string())?;
        text.push('.');
        text.push_str(&signature);
        Ok(text)
    }

    /// The content of a text that was closed here with this binding.
    pub fn open(&self, binding: &[&str], text: &str) -> Option<Vec<u8>> {
        let (content, signature) = text.split_once('.')?;
        let message = message(binding, content);
        let is_ours = crypto::verify(signature, &message, &self.check, Algorithm::HS256);
        is_ours
            .is_ok_and(|is_ours| is_ours)
            .then(|| BASE64_URL_SAFE_NO_PAD.decode(content).ok())
            .flatten()
    }
}

/// What is signed: each part with its length, so that no two bindings run together.
fn message(binding: &[&str], content: &str) -> Vec<u8> {
    let mut message = Vec::new();
    for part in binding.iter().chain([&content]) {
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part.as_bytes());
    }
    message
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
        let other = Seal::derive(&[8; 32]).unwrap();
        assert_eq!(other.open(&["a", "bc"], &text), None);
        for length in 0..text.len() {
            assert_eq!(seal.open(&["a", "bc"], &text[..length]), None);
        }
    }
}
