//! Public keys by which whoever calls signs its requests.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rustls_pki_types::{SubjectPublicKeyInfoDer, pem::PemObject as _};

/// Longest text of a key, in bytes.
pub const MAX_PEM_BYTES: usize = 8 * 1024;

/// A public key of RSA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// `SubjectPublicKeyInfo` (RFC 5280 §4.1).
    info: Vec<u8>,
    /// `RSAPublicKey` (RFC 8017 §A.1.1), which is within.
    key: Vec<u8>,
}

impl PublicKey {
    /// The key of a text (`BEGIN PUBLIC KEY`, RFC 7468 §13); `None` if it holds none of RSA.
    pub fn from_pem(text: &str) -> Option<Self> {
        if text.len() > MAX_PEM_BYTES {
            return None;
        }
        let info = SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes()).ok()?;
        let rsa = yasna::models::ObjectIdentifier::from_slice(&[1, 2, 840, 113_549, 1, 1, 1]);
        let key = yasna::parse_der(&info, |info| {
            info.read_sequence(|info| {
                let algorithm = info.next().read_sequence(|algorithm| {
                    let algorithm_id = algorithm.next().read_oid()?;
                    algorithm.next().read_null()?;
                    Ok(algorithm_id)
                })?;
                let (key, _) = info.next().read_bitvec_bytes()?;
                Ok((algorithm == rsa).then_some(key))
            })
        });
        Some(Self {
            key: key.ok()??,
            info: info.to_vec(),
        })
    }

    /// MD5 of the key: 16 pairs of hexadecimal digits between colons. It tells keys apart and
    /// proves nothing.
    pub fn fingerprint(&self) -> String {
        let digest = Md5::digest(&self.info);
        let pairs = digest.iter().map(|byte| format!("{byte:02x}"));
        pairs.collect::<Vec<_>>().join(":")
    }

    /// Whether the holder of the key has signed the message (RSASSA-PKCS1-v1_5 with SHA-256);
    /// the signature is in base64.
    pub fn has_signed(&self, message: &[u8], signature: &str) -> bool {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.key);
        let signature = STANDARD.decode(signature).unwrap_or_default();
        key.verify(message, &signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `openssl genrsa 2048`, `openssl rsa -pubout`, and
    /// `printf message | openssl dgst -sha256 -sign`; the fingerprint with
    /// `openssl rsa -pubin -outform DER | openssl md5 -c`.
    const KEY: &str = include_str!("public_key/key.pem");
    const FINGERPRINT: &str = include_str!("public_key/fingerprint");
    const SIGNATURE: &str = include_str!("public_key/signature");

    #[test]
    fn a_key_tells_who_signed() {
        let key = PublicKey::from_pem(KEY).unwrap();
        assert_eq!(key.fingerprint(), FINGERPRINT.trim());
        assert!(key.has_signed(b"message", SIGNATURE.trim()));
        assert!(!key.has_signed(b"massage", SIGNATURE.trim()));
        assert!(!key.has_signed(b"message", ""));
        assert!(!key.has_signed(b"message", "%"));
    }

    #[test]
    fn what_is_no_key_is_none() {
        let long = format!("{KEY}{}", " ".repeat(MAX_PEM_BYTES));
        for text in [
            "",
            "PUBLIC KEY",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            &KEY.replace("PUBLIC", "PRIVATE"),
            &long,
        ] {
            assert_eq!(PublicKey::from_pem(text), None, "{text}");
        }
    }
}
