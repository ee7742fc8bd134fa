//! The SQLite store as its callers see it.

mod durability;
mod paging;
mod plans;
mod search;
mod stage;
