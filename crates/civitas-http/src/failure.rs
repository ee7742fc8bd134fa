//! What a vendor's dialect makes of a request that it does not carry out.

use civitas_directory::Error;

use crate::refusal::Refusal;

/// Why a request was not carried out: in the dialect's words, or in nobody's yet.
#[derive(Debug)]
pub(crate) enum Failure<Fault> {
    Fault(Fault),
    Refusal(Refusal),
}

impl<Fault> From<Refusal> for Failure<Fault> {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl<Fault> From<Error> for Failure<Fault> {
    fn from(error: Error) -> Self {
        Self::Refusal(error.into())
    }
}
