//! Tenants and the partitions that keep them apart.

use std::sync::Arc;

use crate::{catalogue::Catalogue, clock::Clock, record::Version, settings::Settings};

/// What a store isolates by. Every verb of a store that touches resources takes one, so that
/// a query across tenants cannot be written.
///
/// It names a generation, which a reset ends: what was computed in one generation is not
/// committed in the next, and what was handed out in one (tokens, cursors) is not good in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    raw: i64,
    generation: i64,
}

impl Partition {
    /// The partition that holds nothing, in every store.
    pub const EMPTY: Self = Self::from_raw(0);

    /// The first generation of the partition that a store knows by that number. For stores
    /// only.
    pub const fn from_raw(raw: i64) -> Self {
        Self { raw, generation: 0 }
    }

    /// The partition in a generation. For stores only.
    #[must_use]
    pub const fn in_generation(self, generation: i64) -> Self {
        Self { generation, ..self }
    }

    /// The store's number of the partition, the same in all generations.
    pub const fn raw(self) -> i64 {
        self.raw
    }

    /// How often the partition had been reset.
    pub const fn generation(self) -> i64 {
        self.generation
    }
}

/// A tenant: a name, the host names it answers to, and its partition.
///
/// A realm is a further partition of a tenant. To a store it is a tenant that no host name
/// leads to, named after the tenant and itself: `acme/bravo`. Clients, settings and clock are
/// the tenant's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Short name, unique, `[a-z0-9-]`; of a realm two of them.
    pub name: String,
    /// Host names (without port, lower case) that lead to the tenant.
    pub hosts: Vec<String>,
    /// Where its resources are.
    pub partition: Partition,
    /// What it serves.
    pub catalogue: Arc<Catalogue>,
    /// What its operator chose.
    pub settings: Settings,
    /// What makes its answers repeatable.
    pub stage: Stage,
    /// Its last event when it was read.
    pub last_event: Version,
}

impl Tenant {
    /// The tenant in a realm to which nothing was ever written.
    #[must_use]
    pub fn in_new_realm(&self, name: String) -> Self {
        Self {
            name,
            partition: Partition::EMPTY,
            catalogue: Catalogue::standard(),
            last_event: Version(0),
            ..self.clone()
        }
    }

    /// What a store calls the realm of that name of the tenant.
    pub fn realm_name(&self, realm: &str) -> String {
        [&self.name, "/", realm].concat()
    }

    /// Whether it is a realm.
    pub fn is_realm(&self) -> bool {
        self.name.contains('/')
    }

    /// Whether it is a realm of that tenant.
    pub fn is_realm_of(&self, tenant: &Self) -> bool {
        let rest = self.name.strip_prefix(&tenant.name);
        rest.is_some_and(|it| it.starts_with('/'))
    }

    /// The tenant with the partition of one of its realms, and what is defined there.
    #[must_use]
    pub fn in_realm(&self, realm: &Self) -> Self {
        Self {
            name: realm.name.clone(),
            partition: realm.partition,
            catalogue: Arc::clone(&realm.catalogue),
            last_event: realm.last_event,
            ..self.clone()
        }
    }
}

/// What makes the answers of a tenant repeatable. By default nothing does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stage {
    /// What time it is.
    pub clock: Clock,
    /// What identifiers of new resources come from; from chance without it.
    pub seed: Option<u64>,
}
