//! The numbers of kinds and attributes. Once committed they never change, so they are kept in
//! memory; what is not known here is looked up, because another node may have added it.

use std::sync::Arc;

use super::{error::Outcome, pool::Connection};
use crate::catalog::Facts;

/// The numbers of a partition's kinds, and of their attributes.
pub(super) const NUMBERS: &str = "SELECT k.id, k.type, a.id, a.path
    FROM kind k LEFT JOIN attribute a ON a.kind = k.id WHERE k.partition = $1";

/// Learns what a partition has of kinds and attributes.
pub(super) async fn learn(connection: &Connection, facts: &Facts, partition: i64) -> Outcome<()> {
    for row in connection.query(NUMBERS, &[&partition]).await? {
        let kind = row.try_get(0)?;
        facts.learn_kind(partition, row.try_get(1)?, kind);
        if let Some(attribute) = row.try_get::<_, Option<i64>>(2)? {
            facts.learn_attribute(kind, row.try_get(3)?, attribute);
        }
    }
    Ok(())
}

/// The kind of a type; `None` while it never had a resource.
pub(super) async fn kind(
    connection: &Connection,
    facts: &Facts,
    partition: i64,
    resource_type: &str,
) -> Outcome<Option<i64>> {
    let known = facts.kind(partition, resource_type);
    if known.is_some() {
        return Ok(known);
    }
    learn(connection, facts, partition).await?;
    Ok(facts.kind(partition, resource_type))
}

/// The number of an attribute of a kind; `None` while no resource had a value.
pub(super) async fn attribute(
    connection: &Connection,
    facts: &Facts,
    (partition, kind): (i64, i64),
    path: &str,
) -> Outcome<Option<i64>> {
    let known = facts.attribute(kind, path);
    if known.is_some() {
        return Ok(known);
    }
    learn(connection, facts, partition).await?;
    Ok(facts.attribute(kind, path))
}

/// The name of the type of a kind. A kind that is not there has an empty name: only a damaged
/// database can show this.
pub(super) async fn type_name(
    connection: &Connection,
    facts: &Facts,
    partition: i64,
    kind: i64,
) -> Outcome<Arc<str>> {
    if let Some(name) = facts.type_name(kind) {
        return Ok(name);
    }
    learn(connection, facts, partition).await?;
    Ok(facts.type_name(kind).unwrap_or_else(|| Arc::from("")))
}
