//! What comes of a password or code that somebody shows.
//!
//! Comparing costs time, so that it is done before, on what was read of the credential. What is
//! decided here is decided on the credential as it is now: a comparison with something that has
//! been replaced meanwhile counts for nothing, and one that was done while others were counted up
//! to the lock is locked too, right or wrong.

use super::{Credential, LockRule, PasswordStatus, Policy, Stricter, Totp};
use crate::record::Timestamp;

/// How a code compared with the device's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// None was given.
    Missing,
    /// It is that of no step that is near.
    Wrong,
    /// It is the code of this step.
    Right(u64),
}

/// A password that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logon {
    /// When.
    pub at: Timestamp,
    /// The hash that it was compared with.
    pub hash: Option<String>,
    /// Whether it is the password.
    pub matches: bool,
    /// Whether it could be set as a password now.
    pub meets_policy: bool,
    /// The sealed secret that the code was compared with; `None` where there was no device.
    pub secret: Option<String>,
    /// How the code compared.
    pub code: Code,
    /// The rules in force.
    pub policy: Policy,
}

/// A code that was shown, without a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeCheck {
    /// When.
    pub at: Timestamp,
    /// The sealed secret that it was compared with; `None` where there was no device.
    pub secret: Option<String>,
    /// How it compared.
    pub code: Code,
}

/// What came of what was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is right.
    Accepted,
    /// What it was compared with has been replaced; it is to be compared again.
    Overtaken,
    /// There is no password, or no logon by it.
    Disabled,
    /// No password is taken for a while.
    Locked,
    /// The password is wrong.
    Wrong,
    /// The user has no device that makes codes.
    NoDevice,
    /// A code is needed besides.
    CodeMissing,
    /// The code is wrong.
    CodeWrong,
    /// No code is taken for a while.
    CodeLocked,
    /// The code was used before.
    CodeUsed,
    /// The password was set by somebody else too long ago.
    InitialExpired,
    /// The password must be changed first.
    ChangeRequired,
    /// Another password must be set by a link first.
    ResetRequired,
    /// The user was sent as many mails as it may be for now. Nothing is committed.
    TooManyMails,
}

impl Logon {
    /// Decides, and counts.
    pub fn judge(&self, credential: &mut Credential) -> Verdict {
        let Some(password) = &credential.password else {
            return match self.hash {
                Some(_) => Verdict::Overtaken,
                None => Verdict::Disabled,
            };
        };
        if password.status == PasswordStatus::Disabled {
            return Verdict::Disabled;
        }
        if credential.is_locked(self.at) {
            return Verdict::Locked;
        }
        if self.hash.as_ref() != Some(&password.hash) {
            return Verdict::Overtaken;
        }
        if !self.matches {
            return if credential.attempts.fail(self.policy.lock, self.at) {
                Verdict::Locked
            } else {
                Verdict::Wrong
            };
        }
        let coded = judge_code(
            credential.totp.as_mut(),
            self.secret.as_deref(),
            (self.code, self.at),
        );
        if !matches!(coded, Verdict::Accepted | Verdict::NoDevice) {
            return coded;
        }
        if let Some(obstacle) = self.obstacle(credential) {
            return obstacle;
        }
        self.accept(credential);
        Verdict::Accepted
    }

    /// What stands between the right password and the logon.
    fn obstacle(&self, credential: &Credential) -> Option<Verdict> {
        let password = credential.password.as_ref()?;
        let age = self.at.0.saturating_sub(password.set.0);
        let is_initial = password.status == PasswordStatus::Initial;
        let is_over = |most: Option<i64>, ms: i64| most.is_some_and(|most| ms > most);
        let weak = !self.meets_policy;
        if is_initial && age > self.policy.initial_ms {
            return Some(Verdict::InitialExpired);
        }
        let used = credential
            .last_logon
            .map_or(password.set, |it| it.max(password.set));
        let unused = self.at.0.saturating_sub(used.0);
        let change = is_initial
            || is_over(self.policy.max_age_ms, age)
            || (weak
                && password.status == PasswordStatus::Enabled
                && self.policy.stricter == Some(Stricter::Change));
        let reset = password.status == PasswordStatus::ResetRequired
            || is_over(self.policy.max_unused_ms, unused)
            || (weak
                && (password.status == PasswordStatus::Imported
                    || self.policy.stricter == Some(Stricter::Reset)));
        match (change, reset) {
            (true, _) => Some(Verdict::ChangeRequired),
            (_, true) => Some(Verdict::ResetRequired),
            _ => None,
        }
    }

    fn accept(&self, credential: &mut Credential) {
        credential.attempts = super::Lockout::default();
        credential.last_logon = Some(self.at);
        if let Some(password) = &mut credential.password
            && password.status == PasswordStatus::Imported
        {
            password.status = PasswordStatus::Enabled;
        }
    }
}

impl CodeCheck {
    /// Decides, and counts.
    pub fn judge(&self, credential: &mut Credential) -> Verdict {
        let compared = (self.code, self.at);
        judge_code(credential.totp.as_mut(), self.secret.as_deref(), compared)
    }
}

fn judge_code(
    totp: Option<&mut Totp>,
    compared_with: Option<&str>,
    (code, at): (Code, Timestamp),
) -> Verdict {
    let Some(totp) = totp else {
        return match compared_with {
            Some(_) => Verdict::Overtaken,
            None => Verdict::NoDevice,
        };
    };
    if code == Code::Missing && compared_with.is_some() {
        return Verdict::CodeMissing;
    }
    if totp.attempts.is_locked(at) {
        return Verdict::CodeLocked;
    }
    if compared_with != Some(totp.secret.as_str()) {
        return Verdict::Overtaken;
    }
    match code {
        Code::Right(step) if totp.spent.is_some_and(|spent| step <= spent) => Verdict::CodeUsed,
        Code::Right(step) => {
            totp.spent = Some(step);
            totp.attempts = super::Lockout::default();
            Verdict::Accepted
        }
        _ if totp.attempts.fail(LockRule::STANDARD, at) => Verdict::CodeLocked,
        _ => Verdict::CodeWrong,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{CredentialChange, DAY_MS, HOUR_MS, MONTH_MS, Password},
        *,
    };

    const SET: Timestamp = Timestamp(1_000);

    fn credential(status: PasswordStatus) -> Credential {
        let mut credential = Credential::default();
        let password = Password {
            hash: "$right".into(),
            set: SET,
            status,
        };
        CredentialChange::Password(password).apply(&mut credential);
        credential
    }

    fn device() -> Totp {
        Totp {
            secret: "sealed".into(),
            spent: None,
            attempts: super::super::Lockout::default(),
        }
    }

    fn right(ms: i64) -> Logon {
        Logon {
            at: Timestamp(SET.0 + ms),
            hash: Some("$right".into()),
            matches: true,
            meets_policy: true,
            secret: None,
            code: Code::Missing,
            policy: Policy::STANDARD,
        }
    }

    fn wrong(ms: i64) -> Logon {
        Logon {
            matches: false,
            ..right(ms)
        }
    }

    #[test]
    fn the_right_password_is_accepted_and_noted() {
        let mut it = credential(PasswordStatus::Enabled);
        assert_eq!(wrong(0).judge(&mut it), Verdict::Wrong);
        assert_eq!(right(1).judge(&mut it), Verdict::Accepted);
        assert!(it.attempts.is_clear());
        assert_eq!(it.last_logon, Some(Timestamp(1_001)));
    }

    #[test]
    fn the_fifth_wrong_password_locks_and_then_even_the_right_one_is() {
        let mut it = credential(PasswordStatus::Enabled);
        for _ in 0..4 {
            assert_eq!(wrong(0).judge(&mut it), Verdict::Wrong);
        }
        assert_eq!(wrong(0).judge(&mut it), Verdict::Locked);
        let locked = it.clone();
        assert_eq!(right(HOUR_MS - 1).judge(&mut it), Verdict::Locked);
        assert_eq!(wrong(HOUR_MS - 1).judge(&mut it), Verdict::Locked);
        assert_eq!(it, locked, "what is locked is not counted");
        assert_eq!(right(HOUR_MS).judge(&mut it), Verdict::Accepted);
    }

    #[test]
    fn what_was_compared_with_another_password_counts_for_nothing() {
        let before = credential(PasswordStatus::Enabled);
        for logon in [right(0), wrong(0)] {
            let mut it = before.clone();
            let old = Logon {
                hash: Some("$old".into()),
                ..logon
            };
            assert_eq!(old.judge(&mut it), Verdict::Overtaken);
            assert_eq!(it, before);
        }
        let mut none = Credential::default();
        assert_eq!(right(0).judge(&mut none), Verdict::Overtaken);
        let unknown = Logon {
            hash: None,
            ..wrong(0)
        };
        assert_eq!(unknown.judge(&mut none), Verdict::Disabled);
    }

    #[test]
    fn a_disabled_password_comes_before_all_else() {
        let mut it = credential(PasswordStatus::Disabled);
        assert_eq!(right(0).judge(&mut it), Verdict::Disabled);
        assert_eq!(wrong(0).judge(&mut it), Verdict::Disabled);
        assert!(it.attempts.is_clear());
    }

    #[test]
    fn a_code_is_needed_where_there_is_a_device() {
        let mut it = credential(PasswordStatus::Enabled);
        it.totp = Some(device());
        let with = |code| Logon {
            secret: Some("sealed".into()),
            code,
            ..right(0)
        };
        assert_eq!(
            right(0).judge(&mut it),
            Verdict::Overtaken,
            "it came meanwhile"
        );
        assert_eq!(with(Code::Missing).judge(&mut it), Verdict::CodeMissing);
        assert_eq!(with(Code::Wrong).judge(&mut it), Verdict::CodeWrong);
        assert_eq!(with(Code::Right(5)).judge(&mut it), Verdict::Accepted);
        assert_eq!(with(Code::Right(5)).judge(&mut it), Verdict::CodeUsed);
        assert_eq!(with(Code::Right(4)).judge(&mut it), Verdict::CodeUsed);
        assert_eq!(with(Code::Right(6)).judge(&mut it), Verdict::Accepted);
        // With a wrong password nothing is told of the code, nor counted.
        let both = Logon {
            matches: false,
            ..with(Code::Wrong)
        };
        assert_eq!(both.judge(&mut it), Verdict::Wrong);
        assert!(it.totp.unwrap().attempts.is_clear());
    }

    #[test]
    fn the_fifth_wrong_code_locks_codes_for_an_hour() {
        let mut it = Credential {
            totp: Some(device()),
            ..Credential::default()
        };
        let check = |ms, code| CodeCheck {
            at: Timestamp(ms),
            secret: Some("sealed".into()),
            code,
        };
        for _ in 0..4 {
            assert_eq!(check(0, Code::Wrong).judge(&mut it), Verdict::CodeWrong);
        }
        assert_eq!(check(0, Code::Wrong).judge(&mut it), Verdict::CodeLocked);
        assert_eq!(
            check(HOUR_MS - 1, Code::Right(9)).judge(&mut it),
            Verdict::CodeLocked
        );
        assert_eq!(
            check(HOUR_MS, Code::Right(9)).judge(&mut it),
            Verdict::Accepted
        );
        let other = CodeCheck {
            secret: Some("other".into()),
            ..check(HOUR_MS, Code::Right(10))
        };
        assert_eq!(other.judge(&mut it), Verdict::Overtaken);
        let none = CodeCheck {
            secret: None,
            ..check(0, Code::Wrong)
        };
        assert_eq!(none.judge(&mut Credential::default()), Verdict::NoDevice);
        assert_eq!(
            check(0, Code::Wrong).judge(&mut Credential::default()),
            Verdict::Overtaken
        );
    }

    #[test]
    fn obstacles_are_told_in_their_order() {
        use PasswordStatus as S;
        let enterprise = Policy::ENTERPRISE;
        let mut reset = enterprise;
        reset.stricter = Some(Stricter::Reset);
        let (days, months) = (|n| n * DAY_MS, |n| n * MONTH_MS);
        for (status, ms, policy, meets_policy, expected) in [
            (
                S::Initial,
                days(14),
                Policy::STANDARD,
                true,
                Verdict::ChangeRequired,
            ),
            (
                S::Initial,
                days(14) + 1,
                Policy::STANDARD,
                true,
                Verdict::InitialExpired,
            ),
            (
                S::Enabled,
                months(100),
                Policy::STANDARD,
                true,
                Verdict::Accepted,
            ),
            (S::Enabled, months(6), enterprise, true, Verdict::Accepted),
            (
                S::Enabled,
                months(6) + 1,
                enterprise,
                true,
                Verdict::ChangeRequired,
            ),
            (S::Enabled, 0, enterprise, false, Verdict::ChangeRequired),
            (S::Enabled, 0, Policy::STANDARD, false, Verdict::Accepted),
            (S::Enabled, 0, reset, false, Verdict::ResetRequired),
            (
                S::Imported,
                0,
                Policy::STANDARD,
                false,
                Verdict::ResetRequired,
            ),
            (S::Imported, 0, Policy::STANDARD, true, Verdict::Accepted),
            (
                S::ResetRequired,
                0,
                Policy::STANDARD,
                true,
                Verdict::ResetRequired,
            ),
        ] {
            let mut it = credential(status);
            let logon = Logon {
                meets_policy,
                policy,
                ..right(ms)
            };
            assert_eq!(logon.judge(&mut it), expected, "{status:?} after {ms} ms");
            let accepted = expected == Verdict::Accepted;
            assert_eq!(it.last_logon.is_some(), accepted, "{status:?}");
            if accepted {
                assert_eq!(it.password.unwrap().status, S::Enabled);
            }
        }
        // Unused for too long, though not too old.
        let lasting: Policy = "custom max_age_months=unlimited".parse().unwrap();
        let mut it = credential(S::Enabled);
        let logon = |ms| Logon {
            policy: lasting,
            ..right(ms)
        };
        assert_eq!(logon(months(5)).judge(&mut it), Verdict::Accepted);
        assert_eq!(logon(months(11)).judge(&mut it), Verdict::Accepted);
        assert_eq!(logon(months(17) + 1).judge(&mut it), Verdict::ResetRequired);
    }

    /// Whatever the order in which attempts at the same time are counted, no more than the
    /// limit tell anything of the password.
    #[test]
    fn many_attempts_at_once_get_no_more_than_in_turn() {
        let mut it = credential(PasswordStatus::Enabled);
        let mut told = 0;
        for number in 0..32 {
            let logon = if number == 20 { right(0) } else { wrong(0) };
            match logon.judge(&mut it) {
                Verdict::Wrong => told += 1,
                verdict => assert_eq!(verdict, Verdict::Locked),
            }
        }
        assert_eq!(told, 4);
    }
}
