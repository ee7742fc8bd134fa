//! Why a request is refused, in the words of Common REST.

use civitas_directory::Outcome;
use civitas_scim::Invalid;
use serde_json::Value;

use crate::failure;

/// A refusal that the dialect words itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    pub(super) outcome: Outcome,
    pub(super) message: String,
    /// More than the message says: an object, or a text.
    pub(super) detail: Option<Value>,
}

impl Fault {
    pub(super) fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self {
            outcome,
            message: message.into(),
            detail: None,
        }
    }

    /// What cannot be read.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(Outcome::Malformed, message)
    }

    /// What can be read and cannot be done.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Outcome::Invalid, message)
    }

    /// A condition that does not hold, or has no place here.
    pub(super) fn precondition(message: impl Into<String>) -> Self {
        Self::new(Outcome::Stale, message)
    }

    /// A caller that may not do this.
    pub(super) fn forbidden() -> Self {
        Self::new(Outcome::Forbidden, "Access denied")
    }

    /// What nothing serves.
    pub(super) fn no_resource(path: &str) -> Self {
        let message = format!("Resource '{path}' not found");
        Self::new(Outcome::UnknownPath, message)
    }

    pub(super) fn with_detail(mut self, detail: Value) -> Self {
        self.detail = Some(detail);
        self
    }
}

/// Why a request was not carried out.
pub(super) type Failure = failure::Failure<Fault>;

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::Refusal(invalid.into())
    }
}
