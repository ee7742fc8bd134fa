//! The change of a catalogue as a value: what a store commits, whole or not at all.

use civitas_scim::definition::Claim;

use crate::{catalogue::Definitions, record::Version};

/// New definitions, with the guards under which they hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Redefinition {
    /// The catalogue that was read. Guard: it is still the one in force. The new one has the
    /// next version, and from its commit on no change set is accepted that was computed by
    /// another.
    pub expect: Version,
    /// What is defined from now on.
    pub definitions: Definitions,
    /// Guard: these hold of all resources, those included that are written at this moment.
    pub claims: Vec<TypeClaim>,
    /// Indexes that are to be kept from now on, of attributes that resources may have values
    /// of already. Those of attributes without values need no mention.
    pub indexes: Vec<IndexOf>,
    /// Indexes that are kept no longer. No resource has a value in them.
    pub dropped: Vec<IndexOf>,
}

/// A claim about the resources of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeClaim {
    /// Name of the resource type.
    pub resource_type: String,
    /// What must hold.
    pub claim: Claim,
}

/// The index of an attribute of a resource type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexOf {
    /// Name of the resource type.
    pub resource_type: String,
    /// Canonical path of the attribute.
    pub path: String,
}

/// Why definitions were not changed. Nothing was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The catalogue is another than the one that was read.
    #[error("the definitions have changed since they were read")]
    Outdated,
    /// A claim does not hold.
    #[error("{id} contradicts claim {claim}")]
    Broken {
        /// Which one, counted from zero.
        claim: usize,
        /// `id` of a resource that contradicts it.
        id: String,
    },
    /// Too much waits, or is written at the same time.
    #[error("too much is waiting")]
    Overloaded,
    /// The store cannot commit now. The text is for the log.
    #[error("the store failed: {0}")]
    Unavailable(String),
}
