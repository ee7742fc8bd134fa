//! Why a request is refused, in the words of the service.

use civitas_directory::Outcome;

use crate::failure;

/// A refusal that the dialect words itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) outcome: Outcome,
    /// What SCIM errors are told apart by, where there is a word for it.
    pub(super) scim_type: Option<&'static str>,
    /// Empty where nothing is said.
    pub(super) detail: String,
    /// `X-Message-Code`, where the API has one for the situation.
    pub(super) code: Option<&'static str>,
}

impl Fault {
    pub(super) fn new(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self {
            outcome,
            scim_type: None,
            detail: detail.into(),
            code: None,
        }
    }

    /// What breaks a rule, with SCIM's word for it.
    pub(super) fn invalid(scim_type: &'static str, detail: impl Into<String>) -> Self {
        Self {
            scim_type: Some(scim_type),
            ..Self::new(Outcome::Invalid, detail)
        }
    }

    /// A value that is none of those there are.
    pub(super) fn value(detail: impl Into<String>) -> Self {
        Self::invalid("invalidValue", detail)
    }

    /// What breaks a rule that SCIM has no word for.
    pub(super) fn plain(detail: impl Into<String>) -> Self {
        Self::new(Outcome::Invalid, detail)
    }

    /// A body that cannot be read.
    pub(super) fn unreadable() -> Self {
        Self::new(Outcome::Malformed, "Error parsing request body.")
    }

    /// A caller that may not do this.
    pub(super) fn forbidden() -> Self {
        Self::new(Outcome::Forbidden, "HTTP 403 Forbidden")
    }

    /// `User 7 not found`
    pub(super) fn no_such(what: &str, id: &str) -> Self {
        Self::new(Outcome::NotFound, format!("{what} {id} not found"))
    }

    /// A value that another resource has.
    pub(super) fn taken() -> Self {
        Self {
            scim_type: Some("uniqueness"),
            ..Self::new(Outcome::Taken, "Resource already exists")
        }
    }

    /// What the product has and this server does not.
    pub(super) fn not_built() -> Self {
        Self::new(Outcome::NotBuilt, "This API is not built yet.")
    }

    /// The fault with a message code.
    #[must_use]
    pub(super) fn coded(mut self, code: &'static str) -> Self {
        self.code = Some(code);
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
