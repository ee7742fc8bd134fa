//! Mails: written in the commit of what they tell of, and sent afterwards.
//!
//! A mail is sent at least once. Whoever is about to send one has it for itself until it says
//! what came of it, or until its lease is over; a mail that is sent once more is the same to the
//! letter, with the same `Message-ID` (RFC 5322 §3.6.4), so that it is recognised. What a mail
//! says may hold a secret, such as the token of a link: it is sealed where it waits, and gone when
//! it was sent.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{record::Timestamp, tenant::Partition};

/// How long whoever takes mails has them for itself. It is done with them before.
pub const MAIL_LEASE: Duration = Duration::from_mins(1);

/// How long one attempt to send may take: well within the lease.
pub const SEND_TIME: Duration = Duration::from_secs(30);

/// Mails taken, and sent at the same time.
pub const MAILS_AT_A_TIME: usize = 8;

/// How often a mail is tried at most: for about two days.
pub const MOST_ATTEMPTS: u32 = 56;

/// Most mails of a tenant that the mailbox of development keeps.
pub const MOST_KEPT: usize = 1_000;

const FIRST_RETRY: Duration = Duration::from_secs(10);
const LONGEST_RETRY: Duration = Duration::from_hours(1);

/// A mail as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// What its `Message-ID` is made of, unique in the tenant.
    pub id: String,
    /// A [`Letter`], sealed.
    pub content: String,
    /// When it was written, by the clock of the tenant.
    pub at: Timestamp,
    /// How often it was tried to be sent.
    pub attempts: u32,
}

/// What a mail says, and to whom. It may hold secrets.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Address of the recipient.
    pub to: String,
    /// Subject, one line.
    pub subject: String,
    /// The content for those who read plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Letter(…)")
    }
}

/// What came of an attempt to send a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Somebody else has it now, or it is given up: it goes.
    Done,
    /// It is tried again after a while.
    Later(Duration),
    /// It stays, and is not sent: in the mailbox of development.
    Kept,
}

/// Why a mail was not taken. The text is for the log: it names neither recipient nor content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undelivered {
    /// It may be taken later.
    Later(String),
    /// It never will be.
    Never(String),
}

/// Hands mails on.
#[async_trait]
pub trait Carrier: Send + Sync + 'static {
    /// Hands a mail on. `id` is the same whenever it is the same mail.
    async fn carry(&self, id: &str, letter: &Letter) -> Result<(), Undelivered>;
}

/// How long to wait before the next attempt; `None` after the last one.
pub fn retry(attempts: u32) -> Option<Duration> {
    if attempts >= MOST_ATTEMPTS {
        return None;
    }
    let doubled = 1_u32.checked_shl(attempts.saturating_sub(1).min(16))?;
    Some(FIRST_RETRY.saturating_mul(doubled).min(LONGEST_RETRY))
}

/// What binds the content of a mail to its place.
pub(crate) fn binding<'b>(partition: &'b str, id: &'b str) -> [&'b str; 3] {
    ["mail", partition, id]
}

/// The number of a partition as it stands in a binding.
pub(crate) fn number(partition: Partition) -> String {
    partition.raw().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_ever_later_and_end() {
        let waits: Vec<u64> = (1..12).filter_map(retry).map(|it| it.as_secs()).collect();
        let expected = [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600];
        assert_eq!(waits, expected);
        assert_eq!(retry(MOST_ATTEMPTS), None);
        let all: Duration = (1..MOST_ATTEMPTS).filter_map(retry).sum();
        let days = all.as_secs_f64() / 86_400.0;
        assert!((1.9..2.1).contains(&days), "{days}");
    }

    #[test]
    fn a_letter_is_not_shown() {
        let letter = Letter {
            to: "ann@example.org".into(),
            subject: "s".into(),
            text: "token".into(),
            html: "token".into(),
        };
        let shown = format!("{letter:?}");
        assert!(
            !shown.contains("token") && !shown.contains("ann"),
            "{shown}"
        );
    }
}
