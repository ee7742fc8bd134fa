//! A history of one resource, as several clients saw it, judged: is there an order of all that
//! happened, each at a moment between question and answer, in which every answer is right?
//!
//! Versions make the question easy. A write names the version that it follows, so that writes
//! that took effect form a chain; what remains is that nobody sees the chain run backwards.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// What one client asked and heard. Times are since the beginning of the history.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) began: Duration,
    pub(crate) ended: Duration,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    /// This version was there, with this value.
    Read { version: u64, value: String },
    /// A value that nobody else writes was to replace a version.
    Write {
        from: u64,
        value: String,
        outcome: Outcome,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did, and made this version.
    Made(u64),
    /// It did not: the version was no longer there.
    Refused,
    /// It may have.
    Unknown,
}

/// A write that took effect.
#[derive(Debug, Clone, Copy)]
struct Taken {
    began: Duration,
    /// The version that it replaced.
    from: u64,
}

/// How many versions the resource went through, or what cannot be.
pub(crate) fn check(history: &[Operation]) -> Result<usize, String> {
    let values = values(history)?;
    let taken = taken(history, &values)?;
    let mut next: BTreeMap<u64, u64> = BTreeMap::new();
    for (version, write) in &taken {
        if let Some(other) = next.insert(write.from, *version) {
            return Err(format!(
                "version {} was replaced by {other} and by {version}",
                write.from
            ));
        }
    }
    runs_forward(history, &taken)?;
    refusals(history, &taken, &next)?;
    Ok(values.len())
}

/// The value of each version that anybody saw.
fn values(history: &[Operation]) -> Result<BTreeMap<u64, &str>, String> {
    let mut values = BTreeMap::new();
    for operation in history {
        let (version, value) = match &operation.what {
            What::Read { version, value }
            | What::Write {
                value,
                outcome: Outcome::Made(version),
                ..
            } => (*version, value.as_str()),
            What::Write { .. } => continue,
        };
        let before = values.insert(version, value);
        if before.is_some_and(|before| before != value) {
            return Err(format!("version {version} is {before:?} and {value:?}"));
        }
    }
    Ok(values)
}

/// The write that made each version but the first.
fn taken(
    history: &[Operation],
    values: &BTreeMap<u64, &str>,
) -> Result<BTreeMap<u64, Taken>, String> {
    let writes: HashMap<&str, (&Operation, u64, Outcome)> = history
        .iter()
        .filter_map(|operation| match &operation.what {
            What::Write {
                from,
                value,
                outcome,
            } => Some((value.as_str(), (operation, *from, *outcome))),
            What::Read { .. } => None,
        })
        .collect();
    let mut taken = BTreeMap::new();
    for (version, value) in values.iter().skip(1) {
        let Some((operation, from, outcome)) = writes.get(value) else {
            return Err(format!("nobody wrote {value:?}, version {version}"));
        };
        if *outcome != Outcome::Made(*version) && *outcome != Outcome::Unknown {
            return Err(format!("{value:?} is version {version}: {operation:?}"));
        }
        if from >= version || !values.contains_key(from) {
            return Err(format!("version {version} follows {from}"));
        }
        let began = operation.began;
        taken.insert(*version, Taken { began, from: *from });
    }
    Ok(taken)
}

/// What was seen by an answer is there for every question after it, and nothing is seen before
/// it was asked for.
fn runs_forward(history: &[Operation], taken: &BTreeMap<u64, Taken>) -> Result<(), String> {
    // By the end of each answer: the greatest version seen until then.
    let mut seen: Vec<(Duration, u64)> = history
        .iter()
        .filter_map(|operation| match operation.what {
            What::Read { version, .. }
            | What::Write {
                outcome: Outcome::Made(version),
                ..
            } => Some((operation.ended, version)),
            What::Write { .. } => None,
        })
        .collect();
    seen.sort_unstable();
    let mut greatest = 0;
    for (_, version) in &mut seen {
        greatest = greatest.max(*version);
        *version = greatest;
    }
    let before = |at: Duration| {
        let count = seen.partition_point(|(ended, _)| *ended < at);
        count.checked_sub(1).map_or(0, |last| seen[last].1)
    };
    for operation in history {
        let least = before(operation.began);
        if let What::Read { version, .. } = operation.what {
            if version < least {
                return Err(format!("{least} was seen before {operation:?}"));
            }
            let write = taken.get(&version);
            if write.is_some_and(|write| operation.ended < write.began) {
                return Err(format!("not yet written: {operation:?}"));
            }
        }
    }
    for (version, write) in taken {
        let least = before(write.began);
        if write.from < least {
            let from = write.from;
            return Err(format!("{least} was seen before {version} replaced {from}"));
        }
    }
    Ok(())
}

/// A version that a write was refused for had been replaced by then, or may have been.
fn refusals(
    history: &[Operation],
    taken: &BTreeMap<u64, Taken>,
    next: &BTreeMap<u64, u64>,
) -> Result<(), String> {
    let mut doubtful: HashMap<u64, Duration> = HashMap::new();
    for operation in history {
        if let What::Write {
            from,
            outcome: Outcome::Unknown,
            ..
        } = operation.what
        {
            let first = doubtful.entry(from).or_insert(operation.began);
            *first = operation.began.min(*first);
        }
    }
    for operation in history {
        let What::Write {
            from,
            outcome: Outcome::Refused,
            ..
        } = operation.what
        else {
            continue;
        };
        let replaced = next.get(&from).map(|version| taken[version].began);
        let mut reasons = replaced.into_iter().chain(doubtful.get(&from).copied());
        if !reasons.any(|began| began <= operation.ended) {
            return Err(format!("nothing had replaced {from}: {operation:?}"));
        }
    }
    Ok(())
}

mod tests {
    use super::{Operation, Outcome::*, What, check};
    use std::time::Duration;

    fn at(began: u64, ended: u64, what: What) -> Operation {
        Operation {
            began: Duration::from_millis(began),
            ended: Duration::from_millis(ended),
            what,
        }
    }

    fn read(began: u64, ended: u64, version: u64, value: &str) -> Operation {
        let value = value.into();
        at(began, ended, What::Read { version, value })
    }

    fn write(began: u64, ended: u64, from: u64, value: &str, outcome: super::Outcome) -> Operation {
        let value = value.into();
        let what = What::Write {
            from,
            value,
            outcome,
        };
        at(began, ended, what)
    }

    #[test]
    fn what_can_be_is_taken() {
        let history = [
            read(0, 1, 1, "first"),
            write(2, 9, 1, "a", Made(3)),
            write(2, 9, 1, "b", Refused),
            // Either state is right while the write is under way.
            read(3, 4, 1, "first"),
            read(5, 6, 3, "a"),
            write(10, 11, 3, "c", Unknown),
            write(12, 13, 3, "d", Refused),
            read(14, 15, 4, "c"),
            write(16, 17, 4, "e", Unknown),
            read(18, 19, 4, "c"),
        ];
        assert_eq!(check(&history), Ok(3));
    }

    #[test]
    fn what_cannot_be_is_found() {
        let first = || read(0, 1, 1, "first");
        for (history, says) in [
            (
                vec![
                    first(),
                    write(2, 3, 1, "a", Made(2)),
                    write(2, 3, 1, "b", Made(3)),
                ],
                "replaced by",
            ),
            (
                vec![
                    first(),
                    write(2, 3, 1, "a", Made(2)),
                    read(4, 5, 1, "first"),
                ],
                "was seen before",
            ),
            (
                vec![first(), read(2, 3, 2, "a"), write(4, 5, 1, "a", Made(2))],
                "not yet written",
            ),
            (
                vec![first(), write(2, 3, 1, "a", Refused)],
                "nothing had replaced",
            ),
            (
                vec![first(), write(2, 3, 1, "a", Refused), read(4, 5, 2, "a")],
                "is version 2",
            ),
            (
                vec![
                    first(),
                    read(2, 3, 2, "a"),
                    read(2, 3, 3, "a"),
                    write(1, 9, 1, "a", Unknown),
                ],
                "replaced by",
            ),
            (vec![first(), read(2, 3, 2, "x")], "nobody wrote"),
            (vec![first(), read(2, 3, 1, "other")], "version 1 is"),
            (
                vec![
                    first(),
                    write(2, 3, 1, "a", Made(2)),
                    write(4, 5, 2, "b", Made(3)),
                    read(6, 9, 2, "a"),
                ],
                "was seen before",
            ),
        ] {
            let found = check(&history).unwrap_err();
            assert!(found.contains(says), "{found}");
        }
    }
}
