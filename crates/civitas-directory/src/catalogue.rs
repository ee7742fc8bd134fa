//! What a tenant serves: its resource types with their schemas.

use std::sync::{Arc, LazyLock};

use civitas_scim::{core, schema::ResourceType};

/// The resource types of a partition, each with its schemas in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    types: Vec<ResourceType>,
}

impl Catalogue {
    /// What every tenant starts with: User with the enterprise extension, and Group.
    pub fn standard() -> Arc<Self> {
        static STANDARD: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
            Arc::new(Catalogue {
                types: vec![core::user(), core::group()],
            })
        });
        Arc::clone(&STANDARD)
    }

    /// The resource types served, in the order of discovery.
    pub fn resource_types(&self) -> &[ResourceType] {
        &self.types
    }

    /// The resource type of that name.
    pub fn resource_type(&self, name: &str) -> Option<&ResourceType> {
        self.types.iter().find(|it| it.name == name)
    }
}
