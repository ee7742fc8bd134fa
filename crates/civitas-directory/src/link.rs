//! Links that are sent to people: each good for one purpose, for a while, and once.
//!
//! The token of a link is told in a mail and nowhere kept: a store has its hash. A link is
//! redeemed in the commit of what it was good for, so that of several who follow it at once one
//! succeeds. A new link for the same purpose of the same subject ends the one before.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::record::Timestamp;

const ID_BYTES: usize = 12;
const SECRET_BYTES: usize = 32;

/// What a link is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Becoming a user of an application that somebody has invited to.
    Invitation,
    /// Confirming an address, and setting the first password.
    Activation,
    /// Setting a new password in place of a forgotten one.
    Reset,
    /// Setting up a device that makes one-time codes.
    Device,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Invitation,
        Self::Activation,
        Self::Reset,
        Self::Device,
    ];

    /// The name, as stored and as part of names of texts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Activation => "activation",
            Self::Reset => "reset",
            Self::Device => "device",
        }
    }

    /// The purpose of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// A link as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it is found by: the first part of its token.
    pub id: String,
    /// What it is good for.
    pub purpose: Purpose,
    /// SHA-256 of the second part of its token (base64url).
    pub hash: String,
    /// Whom it is about: of each purpose one link at a time.
    pub subject: String,
    /// What whoever issued it is to know when it is followed.
    pub content: String,
    /// When it ends, by the clock of the tenant.
    pub expires: Timestamp,
}

/// What becomes of links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkChange {
    /// There is a new one; another for the same purpose of the same subject ends.
    Issue(Link),
    /// Guard: it is there, and has not expired. It ends.
    Redeem {
        /// The link's `id`.
        id: String,
        /// When.
        at: Timestamp,
    },
}

/// A token as it is told once.
pub struct Token {
    /// [`Link::id`]
    pub id: String,
    /// [`Link::hash`]
    pub hash: String,
    /// What stands in the URL: unreserved characters (RFC 3986 §2.3).
    pub text: String,
}

impl Token {
    /// A token from chance.
    ///
    /// # Errors
    /// The text of the failure, for the log.
    pub fn issue() -> Result<Self, String> {
        let mut bytes = [0; ID_BYTES + SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
        let (id, secret) = bytes.split_at(ID_BYTES);
        let id = BASE64_URL_SAFE_NO_PAD.encode(id);
        let secret = BASE64_URL_SAFE_NO_PAD.encode(secret);
        Ok(Self {
            text: format!("{id}.{secret}"),
            hash: hashed(&secret),
            id,
        })
    }
}

/// The parts of a token: what its link is found by, and what it is proven by.
pub fn parts(token: &str) -> Option<(&str, &str)> {
    token.split_once('.')
}

impl Link {
    /// Whether the second part of a token is that of the link's.
    pub fn is_proven_by(&self, secret: &str) -> bool {
        self.hash.as_bytes().ct_eq(hashed(secret).as_bytes()).into()
    }

    /// Whether it is too late to follow it.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        now >= self.expires
    }
}

fn hashed(secret: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_proves_its_link_and_no_other() {
        let (one, other) = (Token::issue().unwrap(), Token::issue().unwrap());
        let link = Link {
            id: one.id.clone(),
            purpose: Purpose::Reset,
            hash: one.hash,
            subject: "u".into(),
            content: String::new(),
            expires: Timestamp(10),
        };
        let (id, secret) = parts(&one.text).unwrap();
        assert_eq!(id, link.id);
        assert!(link.is_proven_by(secret));
        for wrong in [parts(&other.text).unwrap().1, "", &secret[1..], &link.hash] {
            assert!(!link.is_proven_by(wrong), "{wrong}");
        }
        assert!(!link.has_expired(Timestamp(9)));
        assert!(link.has_expired(Timestamp(10)));
        assert_eq!(parts("nodot"), None);
    }

    #[test]
    fn purposes_have_names() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::named(purpose.name()), Some(purpose));
        }
    }
}
