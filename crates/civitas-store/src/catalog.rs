//! The numbers of kinds and attributes, as far as they were met. Once committed they never
//! change.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// What is known.
#[derive(Debug, Default)]
pub(crate) struct Facts(RwLock<Tables>);

#[derive(Debug, Default)]
struct Tables {
    kinds: HashMap<i64, Vec<(Arc<str>, i64)>>,
    types: HashMap<i64, Arc<str>>,
    attributes: HashMap<i64, HashMap<Box<str>, i64>>,
}

impl Facts {
    /// The kind of a type in a partition.
    pub(crate) fn kind(&self, partition: i64, resource_type: &str) -> Option<i64> {
        self.read(|tables| {
            let kinds = tables.kinds.get(&partition)?;
            let found = kinds.iter().find(|(name, _)| &**name == resource_type);
            found.map(|(_, kind)| *kind)
        })
    }

    /// The name of the type of a kind.
    pub(crate) fn type_name(&self, kind: i64) -> Option<Arc<str>> {
        self.read(|tables| tables.types.get(&kind).cloned())
    }

    /// The number of an attribute of a kind.
    pub(crate) fn attribute(&self, kind: i64, path: &str) -> Option<i64> {
        self.read(|tables| tables.attributes.get(&kind)?.get(path).copied())
    }

    /// Keeps a committed kind.
    pub(crate) fn learn_kind(&self, partition: i64, resource_type: &str, kind: i64) -> Arc<str> {
        let name: Arc<str> = Arc::from(resource_type);
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if tables.types.insert(kind, Arc::clone(&name)).is_none() {
            let kinds = tables.kinds.entry(partition).or_default();
            kinds.push((Arc::clone(&name), kind));
        }
        name
    }

    /// Keeps a committed attribute.
    pub(crate) fn learn_attribute(&self, kind: i64, path: &str, attribute: i64) {
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let attributes = tables.attributes.entry(kind).or_default();
        attributes.insert(path.into(), attribute);
    }

    fn read<T>(&self, look: impl FnOnce(&Tables) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}
