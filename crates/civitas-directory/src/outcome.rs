//! The closed set of ways in which a request can end. A dialect gives each of them a status,
//! exhaustively; what it says besides comes from the [`Error`](crate::Error) or from the
//! surface's own refusal.

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Done, with an answer.
    Answered,
    /// A resource was created.
    Created,
    /// Begun; a job tells how it goes on.
    Accepted,
    /// Done, and there is nothing to say.
    Done,
    /// The caller has the present state already.
    Unchanged,
    /// The resource has another, canonical address.
    Canonical,
    /// Another server carries this out, for now.
    Standby,
    /// The tenant is served elsewhere, for good.
    Moved,
    /// The request cannot be read: a header field, the query, the body.
    Malformed,
    /// The content breaks a rule.
    Invalid,
    /// The protocol's version is not spoken.
    UnsupportedVersion,
    /// The caller is not known.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// Personal data stands where it would be logged.
    Sensitive,
    /// Nobody may do this.
    NotAllowed,
    /// No tenant has the host name.
    UnknownHost,
    /// Nothing is at the path.
    UnknownPath,
    /// There is no such resource.
    NotFound,
    /// The method does not apply to the path.
    MethodNotAllowed,
    /// The caller takes none of the representations there are.
    NotAcceptable,
    /// The request did not arrive in time.
    ArrivedTooSlowly,
    /// Another resource has a value that is to be unique.
    Taken,
    /// Parallel changes kept overtaking this one, or what is there stands against it.
    Overtaken,
    /// What this one builds on failed.
    FailedDependency,
    /// There was such a resource, and it will not come back.
    Gone,
    /// The resource is not in the state that the caller requires.
    Stale,
    /// The content is too large.
    TooLarge,
    /// The content is of a type, charset or coding that is not read.
    UnsupportedMediaType,
    /// The caller must say which state it is about to change.
    PreconditionRequired,
    /// The tenant or the caller asks too often.
    RateLimited,
    /// The header fields are too large.
    HeaderTooLarge,
    /// A defect.
    Failed,
    /// The function is described and not offered.
    NotBuilt,
    /// The method is not known at all.
    UnknownMethod,
    /// There is more work than is accepted.
    Overloaded,
    /// The work took longer than it may.
    TooSlow,
    /// Service is suspended.
    Maintenance,
    /// The store cannot serve.
    Unavailable,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 38] = [
        Self::Answered,
        Self::Created,
        Self::Accepted,
        Self::Done,
        Self::Unchanged,
        Self::Canonical,
        Self::Standby,
        Self::Moved,
        Self::Malformed,
        Self::Invalid,
        Self::UnsupportedVersion,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::Sensitive,
        Self::NotAllowed,
        Self::UnknownHost,
        Self::UnknownPath,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::ArrivedTooSlowly,
        Self::Taken,
        Self::Overtaken,
        Self::FailedDependency,
        Self::Gone,
        Self::Stale,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::PreconditionRequired,
        Self::RateLimited,
        Self::HeaderTooLarge,
        Self::Failed,
        Self::NotBuilt,
        Self::UnknownMethod,
        Self::Overloaded,
        Self::TooSlow,
        Self::Maintenance,
        Self::Unavailable,
    ];
}

/// Why a request belongs elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// [`Outcome::Canonical`]
    Canonical,
    /// [`Outcome::Standby`]
    Standby,
    /// [`Outcome::Moved`]
    Moved,
}

impl Elsewhere {
    /// The outcome.
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Canonical => Outcome::Canonical,
            Self::Standby => Outcome::Standby,
            Self::Moved => Outcome::Moved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_all() {
        for (at, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, at, "{outcome:?}");
        }
        assert_eq!(Outcome::Unavailable as usize + 1, Outcome::ALL.len());
    }
}
