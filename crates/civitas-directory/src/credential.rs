//! What a user proves itself by: a password, one-time codes, and how often others were shown.
//!
//! None of it is part of the resource: a logon gives the user no new version. A store keeps a
//! [`Credential`] beside its resource as text that it does not read, and changes it by
//! [`CredentialChange::apply`] alone, in the transaction of a [`ChangeSet`](crate::ChangeSet).
//! What is decided about a logon is decided there, once every attempt before it was counted, so
//! that no number of attempts at the same time, at whatever servers, gets more than one in turn
//! would.

mod lockout;
mod logon;
mod policy;
pub mod totp;

use serde::{Deserialize, Serialize};

pub use self::{
    lockout::{LockRule, Lockout, LockoutChange},
    logon::{Code, CodeCheck, Logon, Verdict},
    policy::{DAY_MS, HOUR_MS, MINUTE_MS, MONTH_MS, Policy, Stricter, TooWeak},
};
use crate::record::Timestamp;

/// Most hashes of former passwords that are kept of a user.
pub const MAX_HISTORY: usize = 20;

/// Most mails about its credential that a user is written in a day.
pub const MAX_MAILS: usize = 3;

/// What is kept of a user beside its resource.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Credential {
    /// The password, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// PHC strings of former passwords, the newest first; at most [`MAX_HISTORY`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<String>,
    /// Wrong passwords.
    #[serde(default, skip_serializing_if = "Lockout::is_clear")]
    pub attempts: Lockout,
    /// Whether an administrator has locked the user, until one unlocks it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub barred: bool,
    /// The device that makes one-time codes, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp: Option<Totp>,
    /// The last logon that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_logon: Option<Timestamp>,
    /// When the last mails about it were written, the newest last; at most [`MAX_MAILS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mails: Vec<Timestamp>,
}

/// A password as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Password {
    /// PHC string (Argon2id).
    pub hash: String,
    /// When it was set.
    pub set: Timestamp,
    /// What may be done with it.
    pub status: PasswordStatus,
}

/// What may be done with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordStatus {
    /// The user logs on with it.
    Enabled,
    /// Somebody else has set it, and the user is to change it at the first logon.
    Initial,
    /// It came from elsewhere, and becomes enabled when it is seen to meet the policy.
    Imported,
    /// The user is to set another by a link before any logon.
    ResetRequired,
    /// The user does not log on by password.
    Disabled,
}

/// A device that makes one-time codes (RFC 6238).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totp {
    /// The secret that it shares with the directory, sealed.
    pub secret: String,
    /// The step of the last code that was accepted. Neither it nor an earlier one is good again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<u64>,
    /// Wrong codes.
    #[serde(default, skip_serializing_if = "Lockout::is_clear")]
    pub attempts: Lockout,
}

/// What becomes of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialChange {
    /// A password comes in place of the one that is there. Attempts are counted anew.
    Password(Password),
    /// There is no password any more.
    NoPassword,
    /// The password, if there is one, may be used otherwise.
    Status(PasswordStatus),
    /// An administrator locks the user. Whoever unlocks it forgets wrong passwords, too.
    Bar(bool),
    /// So many wrong passwords were shown, and none is locked for it.
    Failed(u32),
    /// A device makes codes from now on, or none does.
    Totp(Option<Totp>),
    /// The device is no longer locked.
    UnlockTotp,
    /// Somebody shows a password.
    Logon(Logon),
    /// Somebody shows a code.
    Code(CodeCheck),
    /// A mail about it is written then. Guard: not too many were in the day before.
    Mail(Timestamp),
}

impl CredentialChange {
    /// Makes the change, and says what came of it where something was shown.
    pub fn apply(&self, credential: &mut Credential) -> Option<Verdict> {
        match self {
            Self::Password(password) => {
                credential.remember();
                credential.password = Some(password.clone());
                credential.attempts = Lockout::default();
            }
            Self::NoPassword => {
                credential.remember();
                credential.attempts = Lockout::default();
            }
            Self::Status(status) => {
                if let Some(password) = &mut credential.password {
                    password.status = *status;
                }
            }
            Self::Bar(barred) => {
                credential.barred = *barred;
                if !barred {
                    credential.attempts = Lockout::default();
                }
            }
            Self::Failed(failed) => credential.attempts = Lockout::after(*failed),
            Self::Totp(totp) => credential.totp.clone_from(totp),
            Self::UnlockTotp => {
                if let Some(totp) = &mut credential.totp {
                    totp.attempts = Lockout::default();
                }
            }
            Self::Logon(logon) => return Some(logon.judge(credential)),
            Self::Code(check) => return Some(check.judge(credential)),
            Self::Mail(at) => return credential.count_mail(*at),
        }
        None
    }
}

impl Credential {
    /// Moves the password to the history.
    fn remember(&mut self) {
        if let Some(old) = self.password.take() {
            self.history.insert(0, old.hash);
            self.history.truncate(MAX_HISTORY);
        }
    }

    /// Counts a mail, unless too many were counted in the day before.
    fn count_mail(&mut self, at: Timestamp) -> Option<Verdict> {
        let since = at.0.saturating_sub(DAY_MS);
        let mut counted = self.mails.clone();
        counted.retain(|it| it.0 > since);
        if counted.len() >= MAX_MAILS {
            return Some(Verdict::TooManyMails);
        }
        counted.push(at);
        self.mails = counted;
        None
    }

    /// Whether no password is taken.
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.barred || self.attempts.is_locked(now)
    }

    /// Whether there is nothing to prove oneself by, and nothing to be known of it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The credential as a store keeps it.
    ///
    /// # Errors
    /// The text of the failure, for the log.
    pub fn to_text(&self) -> Result<String, String> {
        serde_json::to_string(self).map_err(|error| error.to_string())
    }

    /// The credential that a store has kept.
    ///
    /// # Errors
    /// Where the text is none, without anything of it: it holds secrets.
    pub fn from_text(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("a stored credential is not readable at line {line} column {column}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(hash: &str) -> CredentialChange {
        CredentialChange::Password(Password {
            hash: hash.into(),
            set: Timestamp(1),
            status: PasswordStatus::Enabled,
        })
    }

    #[test]
    fn former_passwords_are_remembered_up_to_a_number() {
        let mut credential = Credential::default();
        for number in 0..30 {
            assert_eq!(password(&number.to_string()).apply(&mut credential), None);
        }
        assert_eq!(credential.history.len(), MAX_HISTORY);
        assert_eq!(credential.history[0], "28");
        credential.attempts = Lockout::after(3);
        CredentialChange::NoPassword.apply(&mut credential);
        assert_eq!(
            (credential.history[0].as_str(), &credential.password),
            ("29", &None)
        );
        assert!(credential.attempts.is_clear());
        // Without a password there is nothing to remember or to allow.
        let before = credential.clone();
        CredentialChange::NoPassword.apply(&mut credential);
        CredentialChange::Status(PasswordStatus::Initial).apply(&mut credential);
        CredentialChange::UnlockTotp.apply(&mut credential);
        assert_eq!(credential, before);
    }

    #[test]
    fn who_is_barred_is_locked_until_it_is_not() {
        let mut credential = Credential::default();
        password("$h").apply(&mut credential);
        CredentialChange::Bar(true).apply(&mut credential);
        assert!(credential.is_locked(Timestamp(i64::MAX)));
        // What lifts the lock of wrong passwords does not lift this one.
        CredentialChange::Failed(0).apply(&mut credential);
        password("$i").apply(&mut credential);
        assert!(credential.is_locked(Timestamp(0)));
        let text = credential.to_text().unwrap();
        assert!(text.contains(r#""barred":true"#), "{text}");
        credential.attempts = Lockout::until(5, Timestamp(9));
        CredentialChange::Bar(false).apply(&mut credential);
        assert!(!credential.is_locked(Timestamp(0)));
    }

    #[test]
    fn three_mails_are_written_in_a_day() {
        let mut credential = Credential::default();
        let mut mail = |ms| CredentialChange::Mail(Timestamp(ms)).apply(&mut credential);
        for ms in [0, 1, 2] {
            assert_eq!(mail(ms), None);
        }
        assert_eq!(mail(DAY_MS - 1), Some(Verdict::TooManyMails));
        assert_eq!(mail(DAY_MS), None);
        assert_eq!(mail(DAY_MS), Some(Verdict::TooManyMails));
        assert_eq!(credential.mails, [1, 2, DAY_MS].map(Timestamp));
    }

    #[test]
    fn a_credential_is_kept_as_text() {
        let mut credential = Credential::default();
        assert_eq!(credential.to_text().as_deref(), Ok("{}"));
        password("$h").apply(&mut credential);
        let text = credential.to_text().unwrap();
        assert_eq!(
            text,
            r#"{"password":{"hash":"$h","set":1,"status":"enabled"}}"#
        );
        credential.attempts = Lockout::after(2);
        credential.last_logon = Some(Timestamp(7));
        let totp = Totp {
            secret: "sealed".into(),
            spent: Some(3),
            attempts: Lockout::after(1),
        };
        CredentialChange::Totp(Some(totp)).apply(&mut credential);
        let text = credential.to_text().unwrap();
        assert_eq!(Credential::from_text(&text), Ok(credential));
        let refused = Credential::from_text(r#"{"password":{"hash":"$secret"#).unwrap_err();
        assert!(!refused.contains("secret"), "{refused}");
    }
}
