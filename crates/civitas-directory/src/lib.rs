//! The directory: tenants, users, groups, credentials and API clients, with every rule about
//! them, and the [`Store`] that keeps them.
//!
//! Knows no HTTP and no SQL. Rules are pure functions; a use case reads, computes, and hands
//! the store one [`ChangeSet`].

pub mod access;
pub mod admission;
pub mod assertion;
pub mod catalogue;
pub mod change;
pub mod client;
pub mod clock;
mod completion;
pub mod credential;
mod cursor;
pub mod directory;
pub mod error;
pub mod event_token;
pub mod export;
pub mod file;
pub mod id;
pub mod import;
pub mod job;
pub mod limits;
pub mod link;
pub mod mail;
pub mod membership;
pub mod outcome;
pub mod password;
pub mod precondition;
pub mod public_key;
pub mod record;
pub mod redefinition;
pub mod retry;
pub mod scope;
pub mod seal;
mod self_service;
pub mod settings;
pub mod store;
pub mod stream;
pub mod tenant;
pub mod text;
pub mod token;
pub mod wording;

pub use access::Caller;
pub use catalogue::Catalogue;
pub use change::{Change, ChangeSet, Committed, Rejected};
pub use client::{Client, Role, Roles};
pub use clock::Clock;
pub use credential::Credential;
pub use cursor::Walk;
pub use directory::{
    Delta, DeltaToken, Directory, Done, Due, Edit, Imported, Kept, Listing, NewJob, NewLink,
    NewStream, NextDelta, NextKey, Paging, Poll, Polled, Progress, Ready, Replay, SetError, Step,
    StreamEdit, Subject, Word, belonging, relationship,
};
pub use error::Error;
pub use id::Ids;
pub use limits::Limits;
pub use outcome::Outcome;
pub use precondition::Expect;
pub use record::{Found, GroupRef, MemberRef, Record, Timestamp, Version};
pub use scope::Scope;
pub use settings::{Fidelity, Settings};
pub use store::Store;
pub use stream::Stream;
pub use tenant::{Partition, Stage, Tenant};
