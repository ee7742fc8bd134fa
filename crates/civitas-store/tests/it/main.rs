//! The SQLite store as its callers see it.

#![expect(clippy::unwrap_used, reason = "what is not as expected ends the test")]

mod durability;
mod paging;
mod plans;
mod search;
mod stage;
mod suite;
