//! The registry of cases and the order in which they are played.

use std::fmt;
use std::str::FromStr;
use std::time::Instant;

use serde_json::Value;

use crate::account::Target;
use crate::areas;
use crate::crest;
use crate::exchange::Log;
use crate::oracle;
use crate::report::{Outcome, Report};
use crate::sap;
use crate::session::Session;
use crate::verdict::Verdict;
use crate::wire::{Client, Request};

/// Which cases to play.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// Cases with an id that starts with one of these; all cases if empty.
    pub prefixes: Vec<String>,
}

impl Select {
    /// Whether the case is to be played.
    pub fn admits(&self, case: &Case) -> bool {
        self.prefixes.is_empty()
            || self
                .prefixes
                .iter()
                .any(|prefix| case.ids.iter().any(|id| id.starts_with(prefix)))
    }
}

/// A row of a table of cases: ids, name, check.
pub(crate) type Entry = (
    &'static [&'static str],
    &'static str,
    fn(&mut Session) -> Verdict,
);

type Check = dyn Fn(&mut Session) -> Verdict + Send + Sync;

/// One thing a server must do.
pub struct Case {
    /// The rules checked, named by source and section.
    pub ids: Vec<&'static str>,
    /// A short description.
    pub name: &'static str,
    check: Box<Check>,
}

impl Case {
    /// The cases of a table, skipped unless `applies` holds.
    pub(crate) fn of(
        table: &'static [Entry],
        applies: fn(&mut Session) -> Verdict,
    ) -> impl Iterator<Item = Self> {
        table.iter().map(move |(ids, name, check)| {
            Self::new(ids, name, move |session| {
                applies(session)?;
                check(session)
            })
        })
    }

    pub(crate) fn new(
        ids: &[&'static str],
        name: &'static str,
        check: impl Fn(&mut Session) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        Self {
            ids: ids.to_vec(),
            name,
            check: Box::new(check),
        }
    }
}

impl From<&'static Entry> for Case {
    fn from((ids, name, check): &'static Entry) -> Self {
        Self::new(ids, name, check)
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("ids", &self.ids)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Suite {
    /// SCIM 2.0; the base URL is that of the service.
    #[default]
    Scim,
    /// Common REST over managed objects; the base URL is that of the host.
    Crest,
    /// Oracle identity domains; the base URL is that of the service.
    Oracle,
    /// SAP Cloud Identity Services; the base URL is that of the host.
    Sap,
}

impl Suite {
    /// Its cases, in the order of the report.
    pub fn cases(self) -> Vec<Case> {
        match self {
            Self::Scim => areas::all(),
            Self::Crest => crest::cases(),
            Self::Oracle => oracle::cases(),
            Self::Sap => sap::cases(),
        }
    }
}

impl FromStr for Suite {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "scim" => Ok(Self::Scim),
            "crest" => Ok(Self::Crest),
            "oracle" => Ok(Self::Oracle),
            "sap" => Ok(Self::Sap),
            _ => Err("not one of scim, crest, oracle, sap".to_owned()),
        }
    }
}

/// All cases about SCIM, in the order of the report.
pub fn cases() -> Vec<Case> {
    Suite::Scim.cases()
}

/// Plays the selected cases about SCIM one after another.
pub fn run(target: &Target, select: &Select) -> Report {
    judge(Suite::Scim, target, select)
}

/// Plays the selected cases of a suite one after another.
pub fn judge(suite: Suite, target: &Target, select: &Select) -> Report {
    let config = match suite {
        Suite::Scim => provider_config(target),
        Suite::Crest | Suite::Oracle | Suite::Sap => Value::Null,
    };
    let run = random_word();
    let outcomes = suite
        .cases()
        .into_iter()
        .filter(|case| select.admits(case))
        .enumerate()
        .map(|(number, case)| {
            let started = Instant::now();
            let mut session = Session::new(target, config.clone(), format!("{run}{number:03}"));
            let verdict = (case.check)(&mut session);
            let elapsed = started.elapsed();
            let exchanges = session.take_exchanges();
            session.clean();
            Outcome {
                ids: case.ids,
                name: case.name,
                verdict,
                elapsed,
                exchanges,
            }
        })
        .collect();
    Report { outcomes }
}

fn provider_config(target: &Target) -> Value {
    Client::new(&target.base, &target.credential, Log::default())
        .send(&Request::get("/ServiceProviderConfig"))
        .ok()
        .filter(|answer| answer.status == 200)
        .and_then(|answer| answer.json().cloned())
        .unwrap_or_default()
}

/// A word that differs between runs, also between those that start at once. It
/// starts with a letter and has no upper case, so that it can stand in any name.
fn random_word() -> String {
    let chance = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
    format!("c{chance:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn every() -> Vec<Case> {
        [Suite::Scim, Suite::Crest, Suite::Oracle]
            .into_iter()
            .flat_map(Suite::cases)
            .collect()
    }

    #[test]
    fn ids_are_well_formed() {
        for case in every() {
            assert!(!case.ids.is_empty(), "no id: {}", case.name);
            for id in &case.ids {
                let (family, rest) = id.split_once('-').unwrap();
                assert!(
                    matches!(family, "S" | "T" | "H" | "A" | "I" | "X" | "C" | "O"),
                    "{id}"
                );
                assert!(
                    rest.chars()
                        .all(|c| c.is_ascii_alphanumeric() || "-.".contains(c)),
                    "{id}"
                );
                let number = id.rsplit('-').next().unwrap();
                assert!(
                    number.len() == 2 && number.chars().all(|c| c.is_ascii_digit()),
                    "{id}"
                );
            }
        }
    }

    #[test]
    fn no_two_cases_are_named_alike() {
        let mut seen = HashSet::new();
        for case in every() {
            assert!(seen.insert((case.ids[0], case.name)), "{case:?}");
        }
    }

    #[test]
    fn a_prefix_selects_by_any_id() {
        let case = Case::new(&["T-PATCH-01", "X-TOP-09"], "x", |_| Ok(()));
        let select = |prefix: &str| Select {
            prefixes: vec![prefix.to_owned()],
        };
        assert!(select("X-TOP").admits(&case));
        assert!(!select("S-").admits(&case));
        assert!(Select::default().admits(&case));
    }
}
