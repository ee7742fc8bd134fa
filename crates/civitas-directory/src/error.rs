//! What the directory refuses, and why. Each reason is one of the [`Outcome`]s that a dialect
//! words.

use civitas_scim::{Invalid, ScimType};

use crate::{
    change::Rejected,
    client::{ClientRefusal, Role},
    outcome::Outcome,
    store::{ReadError, RegistryError},
};

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The content is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// No such resource in the tenant.
    #[error("there is no {resource_type} {id}")]
    NotFound {
        /// Name of the resource type.
        resource_type: String,
        /// The `id` asked for.
        id: String,
    },
    /// The resource has expired or was purged, and will not come back.
    #[error("the {resource_type} {id} has expired or was purged")]
    Gone {
        /// Name of the resource type.
        resource_type: String,
        /// The `id` asked for.
        id: String,
    },
    /// The tenant requires a precondition, and there is none (RFC 6585 §3).
    #[error(
        "a change must name the state it is about: read the resource and repeat the request \
         with its entity tag in If-Match"
    )]
    PreconditionRequired,
    /// The precondition (`If-Match`) does not hold.
    #[error("the resource has another version than the one required")]
    Stale,
    /// Another resource has the value.
    #[error("another resource has this {path}")]
    Taken {
        /// Canonical path of the attribute.
        path: String,
    },
    /// A resource would refer to one that is not there.
    #[error("{attribute}: there is no user or group {id}")]
    NoReferent {
        /// Canonical path of the attribute.
        attribute: String,
        /// The `id` that it names.
        id: String,
    },
    /// Parallel changes kept overtaking this one, or a reset did; trying again may help.
    #[error("parallel changes to the same resource kept overtaking this one")]
    Conflict,
    /// A bulk job has more operations than it may.
    #[error("the job has more operations than maxOperations, {limit}")]
    TooManyOperations {
        /// The limit.
        limit: usize,
    },
    /// An operation of a bulk job refers to one that failed.
    #[error("the operation with the bulkId {bulk_id:?}, which this one refers to, failed")]
    FailedDependency {
        /// The `bulkId` of the one that failed.
        bulk_id: String,
    },
    /// The time of a bulk job was over before its turn.
    #[error("the job took longer than it may; this operation was not begun")]
    NotBegun,
    /// The user may not change this of itself.
    #[error("users may not change {path} of themselves")]
    NotSelfService {
        /// The attribute, or the URI of the extension.
        path: String,
    },
    /// The schemas were changed while the request was carried out; trying again will help.
    #[error("the schemas were changed meanwhile; try again")]
    Outdated,
    /// What would change is in use, or clashes with something that is there.
    #[error("{0}")]
    InUse(String),
    /// The caller lacks a role.
    #[error("this needs the role {}", .needs.name())]
    Forbidden {
        /// The role that would be enough.
        needs: Role,
    },
    /// A link was followed before, was ended by another, or has expired.
    #[error("the link is no longer good")]
    Spent,
    /// The user was sent as many mails as it may be for now.
    #[error("the user was sent as many mails as it may be for now")]
    TooManyMails,
    /// Nothing is configured that mails could be sent by.
    #[error("this server sends no mail: its configuration has no [mail]")]
    NoMail,
    /// A queue is full.
    #[error("the server has more work waiting than it accepts")]
    Overloaded,
    /// The store cannot serve now; the text is for the log, not for the caller.
    #[error("the store cannot serve now")]
    Unavailable(String),
}

impl Error {
    /// The outcome.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Invalid(invalid) => match invalid.scim_type {
                ScimType::Sensitive => Outcome::Sensitive,
                ScimType::Uniqueness => Outcome::Taken,
                _ => Outcome::Invalid,
            },
            Self::NoReferent { .. } => Outcome::Invalid,
            Self::NotFound { .. } => Outcome::NotFound,
            Self::Gone { .. } | Self::Spent => Outcome::Gone,
            Self::PreconditionRequired => Outcome::PreconditionRequired,
            Self::Stale => Outcome::Stale,
            Self::Taken { .. } => Outcome::Taken,
            Self::Conflict | Self::InUse(_) => Outcome::Overtaken,
            Self::TooManyOperations { .. } => Outcome::TooLarge,
            Self::FailedDependency { .. } => Outcome::FailedDependency,
            Self::NotBegun => Outcome::TooSlow,
            Self::NotSelfService { .. } | Self::Forbidden { .. } => Outcome::Forbidden,
            Self::TooManyMails => Outcome::RateLimited,
            Self::NoMail => Outcome::NotBuilt,
            Self::Overloaded => Outcome::Overloaded,
            Self::Unavailable(_) | Self::Outdated => Outcome::Unavailable,
        }
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::TooCostly { limit } => Self::Invalid(Invalid::new(
                civitas_scim::ScimType::TooMany,
                format!(
                    "no index answers this query and more than {limit} resources would have to \
                     be examined; narrow the filter by an indexed attribute"
                ),
            )),
            ReadError::Overloaded => Self::Overloaded,
            ReadError::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

impl From<RegistryError> for Error {
    fn from(error: RegistryError) -> Self {
        match &error {
            RegistryError::Missing(what) => {
                let (resource_type, id) = what.split_once(' ').unwrap_or((what, ""));
                Self::NotFound {
                    resource_type: resource_type.to_owned(),
                    id: id.to_owned(),
                }
            }
            RegistryError::Reset => Self::Conflict,
            RegistryError::Client(refusal) => refused(refusal),
            RegistryError::TooManySnapshots(_) | RegistryError::TooManyStreams(_) => {
                Self::Invalid(Invalid::value(error.to_string()))
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// Why a client was not changed.
fn refused(refusal: &ClientRefusal) -> Error {
    let missing = |resource_type: &str, id: &str| Error::NotFound {
        resource_type: resource_type.to_owned(),
        id: id.to_owned(),
    };
    match refusal {
        ClientRefusal::NoSecret(id) => missing("secret", id),
        ClientRefusal::NoCertificate(subject) => missing("certificate", subject.as_str()),
        ClientRefusal::Bound(_) | ClientRefusal::TwoKinds => Error::InUse(refusal.to_string()),
        ClientRefusal::TooManySecrets(_)
        | ClientRefusal::TooManyCertificates(_)
        | ClientRefusal::HasKeys => Error::Invalid(Invalid::value(refusal.to_string())),
    }
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Missing { id } => Self::NotFound {
                resource_type: "resource".into(),
                id,
            },
            Rejected::Stale { .. } => Self::Stale,
            Rejected::Outdated => Self::Outdated,
            Rejected::Exists { .. } => Self::Taken { path: "id".into() },
            Rejected::Taken { path } => Self::Taken { path },
            Rejected::NoSuchMember { id } => Self::NoReferent {
                attribute: "members".into(),
                id,
            },
            Rejected::MemberType { .. } | Rejected::Cycle { .. } => {
                Self::Invalid(Invalid::value(format!("members: {rejected}")))
            }
            Rejected::Spent => Self::Spent,
            Rejected::TooManyMails => Self::TooManyMails,
            Rejected::Reset => Self::Conflict,
            Rejected::Overloaded => Self::Overloaded,
            Rejected::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}
