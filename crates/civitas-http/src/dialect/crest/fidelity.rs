//! Where the published status table and the answers of live services differ. Each difference
//! is one row of [`DIFFERENCES`] and one function that decides.

use civitas_directory::{Fidelity, Outcome};

use crate::outcomes::Difference;

/// All differences.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        situation: "a resource version that does not exist",
        documented: "406",
        observed: "404",
    },
    Difference {
        situation: "a protocol version that is not supported",
        documented: "406",
        observed: "400",
    },
    Difference {
        situation: "a body of another media type",
        documented: "415",
        observed: "400",
    },
    Difference {
        situation: "a method that the path does not have",
        documented: "405 with Allow",
        observed: "501",
    },
    Difference {
        situation: "a paging cookie that has expired",
        documented: "410",
        observed: "400",
    },
    Difference {
        situation: "a read or query of the audit's activity, authentication or config",
        documented: "200",
        observed: "501",
    },
];

/// The outcome of asking for a resource version that does not exist.
pub(super) fn resource_version(fidelity: Fidelity) -> Outcome {
    match fidelity {
        Fidelity::Documented => Outcome::UnsupportedVersion,
        Fidelity::Observed => Outcome::UnknownPath,
    }
}

/// The outcome of asking for a protocol version that is not supported.
pub(super) fn protocol_version(fidelity: Fidelity) -> Outcome {
    match fidelity {
        Fidelity::Documented => Outcome::UnsupportedVersion,
        Fidelity::Observed => Outcome::Malformed,
    }
}

/// The outcome of a body of another media type.
pub(super) fn media_type(fidelity: Fidelity) -> Outcome {
    match fidelity {
        Fidelity::Documented => Outcome::UnsupportedMediaType,
        Fidelity::Observed => Outcome::Malformed,
    }
}

/// The outcome of a method that a path does not have.
pub(super) fn method(fidelity: Fidelity) -> Outcome {
    match fidelity {
        Fidelity::Documented => Outcome::MethodNotAllowed,
        Fidelity::Observed => Outcome::UnknownMethod,
    }
}

/// The outcome of a paging cookie that has expired.
pub(super) fn expired_cookie(fidelity: Fidelity) -> Outcome {
    match fidelity {
        Fidelity::Documented => Outcome::Gone,
        Fidelity::Observed => Outcome::Malformed,
    }
}

/// The outcome of reading what the event log knows, where it may not be read.
pub(super) fn audit(fidelity: Fidelity) -> Option<Outcome> {
    match fidelity {
        Fidelity::Documented => None,
        Fidelity::Observed => Some(Outcome::NotBuilt),
    }
}
