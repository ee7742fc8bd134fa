//! Tenants and the partitions that keep them apart.

use std::sync::Arc;

use crate::{catalogue::Catalogue, settings::Settings};

/// What a store isolates by. Every verb of a store that touches resources takes one, so that
/// a query across tenants cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition(i64);

impl Partition {
    /// The partition that a store knows by that number. For stores only.
    pub const fn from_raw(raw: i64) -> Self {
        Self(raw)
    }

    /// The store's number of the partition.
    pub const fn raw(self) -> i64 {
        self.0
    }
}

/// A tenant: a name, the host names it answers to, and its partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Short name, unique, `[a-z0-9-]`.
    pub name: String,
    /// Host names (without port, lower case) that lead to the tenant.
    pub hosts: Vec<String>,
    /// Where its resources are.
    pub partition: Partition,
    /// What it serves.
    pub catalogue: Arc<Catalogue>,
    /// What its operator chose.
    pub settings: Settings,
}
