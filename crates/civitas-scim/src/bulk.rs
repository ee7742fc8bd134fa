//! Bulk jobs (RFC 7644 §3.7) as values: the message, what its operations are about, how they
//! refer to each other, and in which order that lets them be done.

mod message;
mod order;
mod reference;
mod response;
mod target;

pub use message::{Job, Method, Operation};
pub use order::{Edges, units};
pub use reference::{References, resolve};
pub use response::{Answered, response};
pub use target::{Misdirected, Target};

/// Levels of JSON that a bulk message puts around the body of an operation.
pub const ENVELOPE_DEPTH: usize = 3;

/// What a reference to a resource of the same job starts with (RFC 7644 §3.7.2).
pub const REFERENCE: &str = "bulkId:";
