//! Requests that their sender may send again under a token, and that are carried out once.
//!
//! The first of them claims the token, and what became of it is kept under the token for as long
//! as it may be sent again. A process that ends between the two leaves the claim: whether the
//! work was done is then unknown, and doing it twice is what the token is there against.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::record::Timestamp;

/// How long what became of a request is kept, in milliseconds of the tenant's clock.
pub const KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

/// A request under a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What it is known by: a digest of caller, operation and token.
    pub key: String,
    /// A digest of what it says.
    pub content: String,
    /// When it came.
    pub at: Timestamp,
}

impl Attempt {
    /// A request of somebody, told from all others by these parts, with this content.
    pub fn new(parts: &[&str], content: &[u8], at: Timestamp) -> Self {
        let mut key = Sha256::new();
        for part in parts {
            // With its length, so that no two lists run together.
            key.update((part.len() as u64).to_be_bytes());
            key.update(part);
        }
        Self {
            key: BASE64_URL_SAFE_NO_PAD.encode(key.finalize()),
            content: BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(content)),
            at,
        }
    }

    /// When it is forgotten.
    pub fn until(&self) -> Timestamp {
        Timestamp(self.at.0.saturating_add(KEPT_MS))
    }
}

/// What came of claiming a token; `A` is the form in which answers are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed<A> {
    /// It was free: the request is to be carried out.
    Granted,
    /// The first request is not answered yet.
    InWork,
    /// It stands for a request of another content.
    Another,
    /// The first request was answered so.
    Answered(A),
}

impl<A> Claimed<A> {
    /// What a request is told that finds its token claimed for this content, with this answer.
    pub fn found(attempt: &Attempt, content: &str, answer: Option<A>) -> Self {
        match answer {
            _ if content != attempt.content => Self::Another,
            Some(answer) => Self::Answered(answer),
            None => Self::InWork,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let key = |parts: &[&str]| Attempt::new(parts, b"", Timestamp(0)).key;
        assert_eq!(key(&["ab", "c"]), key(&["ab", "c"]));
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_ne!(key(&["ab", "c"]), key(&["abc"]));
    }

    #[test]
    fn another_content_is_told_before_an_answer() {
        let attempt = Attempt::new(&["a"], b"x", Timestamp(0));
        let found = |content: &str, answer| Claimed::found(&attempt, content, answer);
        let same = attempt.content.as_str();
        assert_eq!(found(same, None), Claimed::InWork);
        assert_eq!(found(same, Some(1)), Claimed::Answered(1));
        assert_eq!(found("y", Some(1)), Claimed::Another);
        assert_eq!(found("y", None), Claimed::Another);
    }
}
