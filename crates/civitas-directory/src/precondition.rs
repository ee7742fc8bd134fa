//! Preconditions of writes (RFC 7644 §3.14, RFC 9110 §13).

use crate::{
    error::Error,
    record::{Record, Timestamp, Version},
};

/// What the caller requires of the resource it changes. Tags are opaque: the text between
/// the quotes, a weakness mark taken off, because a weak tag that never matched would make
/// optimistic locking impossible.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Expect {
    /// Nothing: parallel changes are merged by trying again.
    #[default]
    Any,
    /// A condition, where none was given: no state will do.
    Unstated,
    /// `If-Match`: the state is one of these.
    Match(Vec<String>),
    /// `If-Match: *`: the resource exists.
    Exists,
    /// `If-None-Match`: the state is none of these.
    NoneMatch(Vec<String>),
    /// `If-None-Match: *`: the resource does not exist.
    Absent,
    /// `If-Unmodified-Since`: the resource was not changed after this second.
    UnmodifiedSince(Timestamp),
}

impl Expect {
    /// Checks the precondition against the state of an existing resource.
    pub fn check(&self, record: &Record) -> Result<(), Error> {
        self.check_state(record.version, record.modified)
    }

    /// Checks the precondition against a state of something that exists.
    pub fn check_state(&self, version: Version, modified: Timestamp) -> Result<(), Error> {
        let named = |tags: &[String]| tags.iter().any(|tag| version.is_tagged(tag));
        let holds = match self {
            Self::Unstated => return Err(Error::PreconditionRequired),
            Self::Any | Self::Exists => true,
            Self::Match(tags) => named(tags),
            Self::NoneMatch(tags) => !named(tags),
            Self::Absent => false,
            Self::UnmodifiedSince(second) => modified.second() <= *second,
        };
        if holds { Ok(()) } else { Err(Error::Stale) }
    }

    /// Whether a change that was overtaken may be computed again from the newer state.
    pub const fn may_retry(&self) -> bool {
        matches!(self, Self::Any | Self::Exists)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Version;

    #[test]
    fn a_precondition_holds_for_the_states_it_names() {
        let record = Record {
            resource_type: "User".into(),
            id: "u".into(),
            position: crate::store::Position(1),
            version: Version(7),
            created: Timestamp(0),
            modified: Timestamp(5_900),
            document: "{}".into(),
        };
        let tags = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (expect, holds) in [
            (Expect::Any, true),
            (Expect::Exists, true),
            (Expect::Absent, false),
            (Expect::Match(tags(&["6", "7"])), true),
            (Expect::Match(tags(&["6"])), false),
            (Expect::Match(tags(&["07"])), false),
            (Expect::NoneMatch(tags(&["7"])), false),
            (Expect::NoneMatch(tags(&["6"])), true),
            (Expect::UnmodifiedSince(Timestamp(4_000)), false),
            (Expect::UnmodifiedSince(Timestamp(5_000)), true),
        ] {
            assert_eq!(expect.check(&record).is_ok(), holds, "{expect:?}");
        }
    }
}
