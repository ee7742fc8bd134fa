//! The numbers of kinds and attributes; what is not known is looked up, because another process
//! may have added it.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result};

use crate::catalog::Facts;

/// Numbers of kinds and attributes as far as they were met.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    facts: Facts,
}

impl Catalog {
    /// The kind of a type in a partition; `None` while it never had a resource.
    pub(super) fn kind(
        &self,
        connection: &Connection,
        partition: i64,
        resource_type: &str,
    ) -> Result<Option<i64>> {
        let known = self.facts.kind(partition, resource_type);
        if known.is_some() {
            return Ok(known);
        }
        let found = connection
            .prepare_cached("SELECT id FROM kind WHERE partition = ?1 AND type = ?2")?
            .query_row((partition, resource_type), |row| row.get(0))
            .optional()?;
        if let Some(kind) = found {
            self.learn_kind(partition, resource_type, kind);
        }
        Ok(found)
    }

    /// The name of the type of a kind. A kind that is not there has an empty name: only a
    /// damaged file can show this.
    pub(super) fn type_name(&self, connection: &Connection, kind: i64) -> Result<Arc<str>> {
        if let Some(name) = self.facts.type_name(kind) {
            return Ok(name);
        }
        let found: Option<(i64, String)> = connection
            .prepare_cached("SELECT partition, type FROM kind WHERE id = ?1")?
            .query_row([kind], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(match found {
            Some((partition, name)) => self.learn_kind(partition, &name, kind),
            None => Arc::from(""),
        })
    }

    /// The number of an attribute of a kind; `None` while no resource had a value.
    pub(super) fn attribute(
        &self,
        connection: &Connection,
        kind: i64,
        path: &str,
    ) -> Result<Option<i64>> {
        let known = self.facts.attribute(kind, path);
        if known.is_some() {
            return Ok(known);
        }
        let found = connection
            .prepare_cached("SELECT id FROM attribute WHERE kind = ?1 AND path = ?2")?
            .query_row((kind, path), |row| row.get(0))
            .optional()?;
        if let Some(attribute) = found {
            self.learn_attribute(kind, path, attribute);
        }
        Ok(found)
    }

    /// Keeps a committed kind.
    pub(super) fn learn_kind(&self, partition: i64, resource_type: &str, kind: i64) -> Arc<str> {
        self.facts.learn_kind(partition, resource_type, kind)
    }

    /// Keeps a committed attribute.
    pub(super) fn learn_attribute(&self, kind: i64, path: &str, attribute: i64) {
        self.facts.learn_attribute(kind, path, attribute);
    }
}
