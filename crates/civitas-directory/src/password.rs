//! Hashing of passwords and client secrets: Argon2id (RFC 9106) on a bounded pool, so that
//! hashing never holds up other requests nor memory grows with them.

use std::sync::Arc;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use civitas_scim::Invalid;
use unicode_normalization::UnicodeNormalization;

use crate::{
    admission::{Admission, Patience},
    error::Error,
};

/// Fewest characters of a password.
pub const MIN_PASSWORD_CHARS: usize = 8;

/// Most bytes of a password after preparation; bounds the cost of hashing.
pub const MAX_PASSWORD_BYTES: usize = 1_024;

/// Computes and verifies Argon2id hashes (19 MiB, two passes, one lane; PHC strings).
#[derive(Debug, Clone)]
pub struct Hasher {
    admission: Arc<Admission>,
    dummy: Arc<std::sync::OnceLock<String>>,
}

impl Hasher {
    /// A pool that computes at most `threads` hashes at a time, while so many others may
    /// wait in a burst.
    pub fn new(threads: usize, waiting: usize) -> Self {
        Self {
            admission: Arc::new(Admission::new(threads, waiting)),
            dummy: Arc::default(),
        }
    }

    /// The PHC string of a secret.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when too many others wait, and there is no patience.
    pub async fn hash(&self, secret: String, patience: Patience) -> Result<String, Error> {
        self.run(patience, move || hash(&secret)).await?
    }

    /// Whether the secret is the one hashed. With no hash to compare with, the same time
    /// passes and the answer is no.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when too many others wait.
    pub async fn verify(&self, secret: String, phc: Option<String>) -> Result<bool, Error> {
        let known = phc.is_some();
        let dummy = self.dummy.clone();
        let matches = self
            .run(Patience::Short, move || {
                let phc = phc.as_deref().unwrap_or_else(|| {
                    dummy.get_or_init(|| hash("no client has this secret").unwrap_or_default())
                });
                PasswordHash::new(phc).is_ok_and(|parsed| {
                    Argon2::default()
                        .verify_password(secret.as_bytes(), &parsed)
                        .is_ok()
                })
            })
            .await?;
        Ok(matches && known)
    }

    /// Whether there is room for one more, before anything is read for it.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when too many others wait.
    pub fn check_room(&self) -> Result<(), Error> {
        self.admission.check_room().map_err(|_| Error::Overloaded)
    }

    async fn run<T: Send + 'static>(
        &self,
        patience: Patience,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.admission.turn(patience).await;
        let _turn = turn.map_err(|_| Error::Overloaded)?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Error::Unavailable("hashing did not finish".into()))
    }
}

fn hash(secret: &str) -> Result<String, Error> {
    Argon2::default()
        .hash_password(secret.as_bytes())
        .map(|phc| phc.to_string())
        .map_err(|error| Error::Unavailable(format!("hashing failed: {error}")))
}

/// A password as it is compared: however it was typed, it is the same text.
pub fn normalized(password: &str) -> String {
    let spaced = password
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c });
    spaced.nfc().collect()
}

/// Prepares a password (`OpaqueString`, RFC 8265 §4.2: spaces become U+0020, NFC) and checks
/// its length.
pub fn prepare(password: &str) -> Result<String, Invalid> {
    let prepared = normalized(password);
    if prepared.chars().count() < MIN_PASSWORD_CHARS {
        return Err(Invalid::value(format!(
            "password: at least {MIN_PASSWORD_CHARS} characters are needed"
        )));
    }
    if prepared.len() > MAX_PASSWORD_BYTES {
        return Err(Invalid::value(format!(
            "password: more than {MAX_PASSWORD_BYTES} bytes are not accepted"
        )));
    }
    Ok(prepared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_hashed_secret_alone_is_verified() {
        let hasher = Hasher::new(1, 1);
        let computed = hasher.hash("correct horse".into(), Patience::Short);
        let phc = computed.await.unwrap();
        assert!(phc.starts_with("$argon2id$"));
        assert!(
            hasher
                .verify("correct horse".into(), Some(phc.clone()))
                .await
                .unwrap()
        );
        assert!(
            !hasher
                .verify("correct house".into(), Some(phc))
                .await
                .unwrap()
        );
        assert!(
            !hasher
                .verify("no client has this secret".into(), None)
                .await
                .unwrap()
        );
    }

    #[test]
    fn a_password_is_prepared_and_bounded() {
        assert_eq!(prepare("e\u{301}\u{a0}234567").unwrap(), "é 234567");
        assert!(prepare("1234567").is_err());
        assert!(prepare(&"x".repeat(1_025)).is_err());
    }
}
