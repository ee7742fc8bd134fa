//! What a password must be, how long it is good, and how often a wrong one may be shown.

use std::{fmt, str::FromStr};

use civitas_scim::Invalid;

use super::{LockRule, MAX_HISTORY};

/// Milliseconds of a minute.
pub const MINUTE_MS: i64 = 60_000;
/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// Milliseconds of a month, as ages of passwords are counted: 30 days.
pub const MONTH_MS: i64 = 30 * DAY_MS;

/// What is asked of a user whose password a policy would no longer take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stricter {
    /// To change it at the logon.
    Change,
    /// To set another by a link.
    Reset,
}

/// The rules for the passwords of a tenant.
///
/// Its text is `standard`, `enterprise`, or `custom` with what differs from the enterprise
/// policy: `custom min_chars=12 history=10 max_age_months=unlimited`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    kind: Kind,
    /// Fewest characters.
    pub min_chars: usize,
    /// Most characters.
    pub max_chars: usize,
    /// How many of four groups of characters it has: a to z, A to Z, 0 to 9, all others.
    pub groups: usize,
    /// When wrong passwords lock, and for how long.
    pub lock: LockRule,
    /// How long a user keeps a password before changing it again.
    pub min_age_ms: i64,
    /// How long a password is good.
    pub max_age_ms: Option<i64>,
    /// How many former passwords may not be used again.
    pub history: usize,
    /// How long a password may be unused.
    pub max_unused_ms: Option<i64>,
    /// How long a password is good that somebody else has set.
    pub initial_ms: i64,
    /// What is asked when the password is weaker than the policy, if anything.
    pub stricter: Option<Stricter>,
}

/// Which of the policies it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Standard,
    Enterprise,
    Custom,
}

impl Policy {
    /// The policy of tenants that have chosen none.
    pub const STANDARD: Self = Self {
        kind: Kind::Standard,
        min_chars: 8,
        max_chars: 255,
        groups: 3,
        lock: LockRule::STANDARD,
        min_age_ms: 0,
        max_age_ms: None,
        history: 0,
        max_unused_ms: None,
        initial_ms: 14 * DAY_MS,
        stricter: None,
    };

    /// The stricter one.
    pub const ENTERPRISE: Self = Self {
        kind: Kind::Enterprise,
        min_age_ms: DAY_MS,
        max_age_ms: Some(6 * MONTH_MS),
        history: 5,
        max_unused_ms: Some(6 * MONTH_MS),
        stricter: Some(Stricter::Change),
        ..Self::STANDARD
    };

    /// The same rules as a custom policy, of which each may be another.
    #[must_use]
    pub const fn customized(mut self) -> Self {
        self.kind = Kind::Custom;
        self
    }

    /// `standard`, `enterprise` or `custom`.
    pub const fn name(&self) -> &'static str {
        match self.kind {
            Kind::Standard => "standard",
            Kind::Enterprise => "enterprise",
            Kind::Custom => "custom",
        }
    }

    /// Whether a password, prepared, may be set.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, password: &str) -> Result<(), TooWeak> {
        let chars = password.chars().count();
        if chars < self.min_chars {
            return Err(TooWeak::Short(self.min_chars));
        }
        if chars > self.max_chars {
            return Err(TooWeak::Long(self.max_chars));
        }
        if groups(password) < self.groups {
            return Err(TooWeak::Groups(self.groups));
        }
        Ok(())
    }
}

/// How many of the four groups of characters a text has.
fn groups(text: &str) -> usize {
    let group = |c: char| match c {
        'a'..='z' => 1_u8,
        'A'..='Z' => 2,
        '0'..='9' => 4,
        _ => 8,
    };
    let all = text.chars().fold(0, |all, c| all | group(c));
    all.count_ones() as usize
}

/// Why a password may not be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooWeak {
    /// It has too few characters.
    #[error("password: at least {0} characters are needed")]
    Short(usize),
    /// It has too many characters.
    #[error("password: at most {0} characters are taken")]
    Long(usize),
    /// It has characters of too few groups.
    #[error(
        "password: characters of {0} of these groups are needed: a to z, A to Z, 0 to 9, others"
    )]
    Groups(usize),
    /// It was used lately.
    #[error("password: the last {0} passwords may not be used again")]
    Used(usize),
}

impl From<TooWeak> for Invalid {
    fn from(weak: TooWeak) -> Self {
        Self::value(weak.to_string())
    }
}

/// Reads the value of a rule; `None` when it is none.
type Rule = fn(&mut Policy, &str) -> Option<()>;

/// What may be said of a custom policy: the name, and how its value is read.
const RULES: &[(&str, Rule)] = &[
    ("min_chars", |it, value| {
        it.min_chars = within(value, 8, 255)?;
        Some(())
    }),
    ("groups", |it, value| {
        it.groups = within(value, 1, 4)?;
        Some(())
    }),
    ("failures", |it, value| {
        it.lock.failures = u32::try_from(within(value, 1, 6)?).ok()?;
        Some(())
    }),
    ("lock_hours", |it, value| {
        it.lock.lasts_ms = bounded(value, HOUR_MS, 1, 8_760)?;
        Some(())
    }),
    ("lock_minutes", |it, value| {
        it.lock.lasts_ms = Some(bounded(value, MINUTE_MS, 1, 1_440)??);
        Some(())
    }),
    ("min_age_hours", |it, value| {
        it.min_age_ms = bounded(value, HOUR_MS, 0, 48)??;
        Some(())
    }),
    ("max_age_days", |it, value| {
        it.max_age_ms = Some(bounded(value, DAY_MS, 1, 1_080)??);
        Some(())
    }),
    ("max_age_months", |it, value| {
        it.max_age_ms = bounded(value, MONTH_MS, 1, 36)?;
        Some(())
    }),
    ("history", |it, value| {
        it.history = within(value, 0, MAX_HISTORY)?;
        Some(())
    }),
    ("max_unused_months", |it, value| {
        it.max_unused_ms = bounded(value, MONTH_MS, 1, 6)?;
        Some(())
    }),
    ("initial_days", |it, value| {
        it.initial_ms = bounded(value, DAY_MS, 1, 365)??;
        Some(())
    }),
    ("stricter", |it, value| {
        it.stricter = match value {
            "change" => Some(Stricter::Change),
            "reset" => Some(Stricter::Reset),
            "nothing" => None,
            _ => return None,
        };
        Some(())
    }),
];

/// A rule by a unit of time, and its milliseconds.
type Unit = (&'static str, i64);

fn within(value: &str, least: usize, most: usize) -> Option<usize> {
    value.parse().ok().filter(|it| (least..=most).contains(it))
}

/// A number of units in milliseconds; `Some(None)` without end.
fn bounded(value: &str, unit_ms: i64, least: i64, most: i64) -> Option<Option<i64>> {
    if value == "unlimited" {
        return Some(None);
    }
    let number: i64 = value.parse().ok()?;
    (least..=most)
        .contains(&number)
        .then_some(Some(number * unit_ms))
}

impl FromStr for Policy {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split_ascii_whitespace();
        let mut policy = match words.next() {
            Some("standard") => Self::STANDARD,
            Some("enterprise") => Self::ENTERPRISE,
            Some("custom") => Self {
                kind: Kind::Custom,
                ..Self::ENTERPRISE
            },
            _ => return Err(()),
        };
        for word in words {
            let (name, value) = word.split_once('=').ok_or(())?;
            let rule = RULES.iter().find(|(it, _)| *it == name);
            let (_, read) = rule.filter(|_| policy.kind == Kind::Custom).ok_or(())?;
            read(&mut policy, value).ok_or(())?;
        }
        Ok(policy)
    }
}

impl fmt::Display for Policy {
    /// As it is read, a custom one with all that can be said of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        if self.kind != Kind::Custom {
            return Ok(());
        }
        let units = |ms: Option<i64>, unit: i64| match ms {
            Some(ms) => (ms / unit).to_string(),
            None => "unlimited".to_owned(),
        };
        let stricter = match self.stricter {
            Some(Stricter::Reset) => "reset",
            Some(Stricter::Change) => "change",
            None => "nothing",
        };
        // In the largest unit that tells it whole.
        let told = |ms: Option<i64>, large: Unit, small: Unit| match ms {
            Some(ms) if ms % large.1 != 0 => (small.0, units(ms.into(), small.1)),
            ms => (large.0, units(ms, large.1)),
        };
        let lock = told(
            self.lock.lasts_ms,
            ("lock_hours", HOUR_MS),
            ("lock_minutes", MINUTE_MS),
        );
        let max_age = told(
            self.max_age_ms,
            ("max_age_months", MONTH_MS),
            ("max_age_days", DAY_MS),
        );
        for (name, value) in [
            ("min_chars", self.min_chars.to_string()),
            ("groups", self.groups.to_string()),
            ("failures", self.lock.failures.to_string()),
            lock,
            ("min_age_hours", units(Some(self.min_age_ms), HOUR_MS)),
            max_age,
            ("history", self.history.to_string()),
            ("max_unused_months", units(self.max_unused_ms, MONTH_MS)),
            ("initial_days", units(Some(self.initial_ms), DAY_MS)),
            ("stricter", stricter.to_owned()),
        ] {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_as_it_is_written() {
        for text in ["standard", "enterprise"] {
            assert_eq!(text.parse::<Policy>().unwrap().to_string(), text);
        }
        let whole = "custom min_chars=12 groups=4 failures=3 lock_hours=unlimited min_age_hours=48 \
                     max_age_months=unlimited history=20 max_unused_months=1 initial_days=30 \
                     stricter=reset";
        let policy: Policy = whole.parse().unwrap();
        assert_eq!(policy.to_string(), whole);
        assert_eq!((policy.lock.lasts_ms, policy.max_age_ms), (None, None));
        assert_eq!(policy.max_unused_ms, Some(MONTH_MS));
        let fine = "custom min_chars=8 groups=1 failures=3 lock_minutes=90 min_age_hours=0 \
                    max_age_days=45 history=0 max_unused_months=unlimited initial_days=30 \
                    stricter=nothing";
        let policy: Policy = fine.parse().unwrap();
        assert_eq!(policy.to_string(), fine);
        assert_eq!(policy.max_age_ms, Some(45 * DAY_MS));
        let plain: Policy = "custom".parse().unwrap();
        assert_eq!(plain.history, Policy::ENTERPRISE.history);
        assert_eq!(plain.to_string().parse(), Ok(plain));
        for refused in [
            "",
            "strict",
            "standard groups=1",
            "custom groups",
            "custom groups=5",
            "custom min_chars=7",
            "custom failures=7",
            "custom failures=0",
            "custom lock_hours=0",
            "custom min_age_hours=unlimited",
            "custom max_unused_months=7",
            "custom lock_minutes=unlimited",
            "custom max_age_days=0",
            "custom history=21",
            "custom stricter=ignore",
            "custom speed=1",
        ] {
            assert_eq!(refused.parse::<Policy>(), Err(()), "{refused}");
        }
    }

    #[test]
    fn passwords_are_held_against_it() {
        let four: Policy = "custom groups=4".parse().unwrap();
        for (policy, password, expected) in [
            (Policy::STANDARD, "Blue7Ket", Ok(())),
            (Policy::STANDARD, "Blue7Ke", Err(TooWeak::Short(8))),
            (Policy::STANDARD, "blue7kettle", Err(TooWeak::Groups(3))),
            (Policy::STANDARD, "blue7 kettle", Ok(())),
            (Policy::STANDARD, "BLÜE7KETTLE", Ok(())),
            (four, "Blue7Kettle", Err(TooWeak::Groups(4))),
            (four, "Blue7-Kettle", Ok(())),
        ] {
            assert_eq!(policy.check(password), expected, "{password}");
        }
        let long = "aB3".repeat(85);
        assert_eq!(Policy::STANDARD.check(&long), Ok(()));
        let longer = long + "a";
        assert_eq!(Policy::STANDARD.check(&longer), Err(TooWeak::Long(255)));
    }
}
