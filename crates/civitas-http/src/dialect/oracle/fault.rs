//! Why a request is refused, in the words of the service.

use civitas_directory::Outcome;
use serde_json::Value;

use crate::failure;

/// A refusal that the dialect words itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    pub(super) outcome: Outcome,
    /// What clients tell refusals apart by.
    pub(super) message_id: &'static str,
    pub(super) detail: String,
    /// What else is told, by name.
    pub(super) data: Vec<(&'static str, Value)>,
    /// The state that the resource is in, where another was required.
    pub(super) version: Option<String>,
    /// The methods that apply, where another was used.
    pub(super) allow: Option<&'static str>,
}

impl Fault {
    pub(super) fn new(
        outcome: Outcome,
        message_id: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            outcome,
            message_id,
            detail: detail.into(),
            data: Vec::new(),
            version: None,
            allow: None,
        }
    }

    /// What can be read and cannot be done.
    pub(super) fn invalid(message_id: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Outcome::Invalid, message_id, detail)
    }

    /// What cannot be read.
    pub(super) fn payload(detail: impl Into<String>) -> Self {
        let id = "error.common.validation.invalidPayload";
        Self::new(Outcome::Malformed, id, detail)
    }

    /// A page that no answer led to.
    pub(super) fn unknown_page() -> Self {
        Self::payload("The page is unknown or has expired: start again without it.")
    }

    /// Attributes that a resource must have.
    pub(super) fn missing(names: &[String]) -> Self {
        let id = "error.common.validation.missingReqAttributes";
        let detail = format!("Missing required attribute(s): {}.", names.join(","));
        Self::invalid(id, detail)
    }

    pub(super) fn read_only(name: &str) -> Self {
        let id = "error.common.validation.readOnlyAttribute";
        let detail = format!("The attribute {name} is read-only and cannot be updated.");
        Self::invalid(id, detail)
    }

    pub(super) fn immutable(name: &str) -> Self {
        let id = "error.common.validation.immutableAttribute";
        let detail = format!("The attribute {name} is immutable and already has a value.");
        Self::invalid(id, detail)
    }

    /// A filter that is none.
    pub(super) fn filter(text: &str) -> Self {
        let id = "error.common.validation.invalidFilter";
        Self::invalid(id, format!("The filter {text} is invalid."))
    }

    /// An attribute that nothing is searched by.
    pub(super) fn not_searchable(name: &str) -> Self {
        let id = "error.common.validation.notSearchable";
        let detail = format!("The attribute {name} cannot be used in a filter.");
        Self::invalid(id, detail)
    }

    pub(super) fn no_such(resource_type: &str, id: &str) -> Self {
        let detail = format!("{resource_type} with ID {id} does not exist.");
        let message_id = "error.common.exception.resourceNotFound";
        Self::new(Outcome::NotFound, message_id, detail)
    }

    /// What the product has and this server does not.
    pub(super) fn not_built() -> Self {
        let id = "error.common.common.notImplemented";
        let detail = "The requested operation is not supported.";
        Self::new(Outcome::NotBuilt, id, detail)
    }

    /// A list that is asked for by a filter only.
    pub(super) fn needs_filter(method: &str, resource_type: &str) -> Self {
        let id = "error.common.common.filterRequired";
        let detail = format!("The method {method} on {resource_type} requires a filter.");
        Self {
            allow: Some("GET,POST,OPTIONS"),
            ..Self::new(Outcome::MethodNotAllowed, id, detail)
        }
    }

    /// What nobody may do with the resource.
    pub(super) fn not_supported(operation: &str, resource_type: &str, id: &str) -> Self {
        let message_id = "error.common.common.operationNotSupported";
        let detail = format!("The operation {operation} is not supported on {resource_type} {id}.");
        Self::new(Outcome::NotAllowed, message_id, detail)
    }

    /// Somebody who changes itself as an administrator does, and does not say so.
    pub(super) fn self_change() -> Self {
        let id = "error.identity.user.selfChangeNotAllowed";
        let detail = "Set allowSelfChange to true to change your own user.";
        Self::new(Outcome::NotAllowed, id, detail)
    }

    /// What refers to a resource that there is not.
    pub(super) fn no_referent(of: &str, attribute: &str, to: &str, id: &str) -> Self {
        let message_id = "error.common.validation.invalidReferenceResource";
        let detail =
            format!("{of}.{attribute} references a {to} with ID {id} that does not exist.");
        Self::invalid(message_id, detail)
    }

    /// A text that is longer than may be.
    pub(super) fn too_long(attribute: &str, most: usize) -> Self {
        let id = "error.common.validation.stringExceedsMaxLimit";
        let detail = format!("The value of {attribute} is longer than {most} characters.");
        Self::invalid(id, detail)
    }

    /// A value that is none of those that there are.
    pub(super) fn not_allowed_value(text: &str, path: &str) -> Self {
        let id = "error.common.validation.invalidCanonicalValue";
        Self::invalid(id, format!("{text} is not an allowed value for {path}."))
    }

    /// A caller that may not do this.
    pub(super) fn forbidden(operation: &str, resource_type: &str) -> Self {
        let id = "error.common.common.insufficientPrivilege";
        let detail = format!("You are not authorized to perform {operation} on {resource_type}.");
        Self::new(Outcome::Forbidden, id, detail)
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.data.push((name, value.into()));
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
