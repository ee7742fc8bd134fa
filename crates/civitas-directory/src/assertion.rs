//! Assertions by which a client proves itself (RFC 7523): tokens that it signs with a key of its
//! own, of which the directory knows the public half.

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{Jwk, JwkSet},
};
use serde::Deserialize;
use serde_json::Value;

/// Longest key set, in bytes.
pub const MAX_KEYS_BYTES: usize = 16 * 1024;

/// Most keys of a set.
pub const MAX_KEYS: usize = 10;

/// The algorithms that are accepted: those of RSA keys.
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// What an assertion says (RFC 7523 §3). Nothing of it is true before its signature is checked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Assertion {
    /// Who issued it.
    pub iss: String,
    /// Whom it is about.
    pub sub: String,
    /// Whom it is for: one, or a list.
    #[serde(default)]
    aud: Value,
    /// The second since 1970 (UTC) from which on it is no longer good.
    pub exp: i64,
    /// The second before which it is not good.
    nbf: Option<i64>,
}

impl Assertion {
    /// What an assertion says, unchecked; `None` if it is none.
    pub fn read(text: &str) -> Option<Self> {
        let mut unchecked = validation();
        unchecked.insecure_disable_signature_validation();
        decode(text, &DecodingKey::from_secret(&[]), &unchecked)
    }

    /// Whether one of the keys has signed it.
    pub fn is_signed(text: &str, keys: &KeySet) -> bool {
        let keys = keys.0.keys.iter().filter_map(rsa);
        keys.into_iter()
            .any(|key| decode(text, &key, &validation()).is_some())
    }

    /// Whom it is for.
    pub fn audiences(&self) -> Vec<&str> {
        match &self.aud {
            Value::String(one) => vec![one],
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether it is good at an instant, in seconds since 1970 (UTC).
    pub fn is_live(&self, second: i64) -> bool {
        self.exp > second && self.nbf.is_none_or(|from| from <= second)
    }
}

/// Public keys (RFC 7517 §5).
pub struct KeySet(JwkSet);

impl KeySet {
    /// Reads a set; `None` if it is none, is too large, or has a key that is not RSA's.
    pub fn read(text: &str) -> Option<Self> {
        let set: JwkSet = serde_json::from_str(text)
            .ok()
            .filter(|_| text.len() <= MAX_KEYS_BYTES)?;
        let fits = (1..=MAX_KEYS).contains(&set.keys.len());
        (fits && set.keys.iter().all(|key| rsa(key).is_some())).then_some(Self(set))
    }
}

fn rsa(key: &Jwk) -> Option<DecodingKey> {
    use jsonwebtoken::jwk::AlgorithmParameters::RSA;
    match &key.algorithm {
        RSA(it) => DecodingKey::from_rsa_components(&it.n, &it.e).ok(),
        _ => None,
    }
}

fn decode(text: &str, key: &DecodingKey, validation: &Validation) -> Option<Assertion> {
    let data = jsonwebtoken::decode(text, key, validation).ok()?;
    Some(data.claims)
}

/// Signature and algorithm only: the rest is compared with the request's clock and address.
fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.algorithms = ALGORITHMS.to_vec();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}
