//! What partitions serve beyond the standard, and how that changes under resources.
//!
//! Whether resources contradict a new definition is looked at twice: all of them on a
//! connection that reads, which may take its time, and then, in the transaction that commits,
//! those that were written since. From the commit on, change sets that were computed by older
//! definitions are refused.

use std::sync::Arc;

use civitas_directory::{
    catalogue::{Build, Catalogue, Definitions},
    record::Version,
    redefinition::{IndexOf, Redefinition, Refused, TypeClaim},
    store::RegistryError,
    tenant::Partition,
};
use civitas_scim::{Attributes, definition::Claim, index, schema::ResourceType};
use memchr::memmem::Finder;
use rusqlite::{Connection, OptionalExtension, Result, Transaction, TransactionBehavior};

use super::{
    apply::sql,
    census,
    error::RegistryFault,
    schema::{kind_of, last_of, rid},
};

/// Most resources that are looked at in the transaction that commits; if more were written
/// since all were looked at, all are looked at again.
const MOST_WRITTEN: i64 = 500;

/// What the partition serves.
pub(super) fn catalogue(
    connection: &Connection,
    partition: i64,
) -> Result<Arc<Catalogue>, RegistryFault> {
    let found: Option<(i64, String)> = connection
        .prepare_cached("SELECT p.catalogue, c.definitions FROM partition p JOIN catalogue c ON c.partition = p.id
             WHERE p.id = ?1")?
        .query_row([partition], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((version, text)) = found else {
        return Ok(Catalogue::standard());
    };
    let definitions =
        Definitions::parse(&text).map_err(|error| RegistryError::Unavailable(error.to_string()))?;
    let builds = builds(connection, partition)?;
    Ok(Arc::new(Catalogue::new(
        Version(version),
        definitions,
        builds,
    )))
}

fn builds(connection: &Connection, partition: i64) -> Result<Vec<Build>> {
    connection
        .prepare_cached(
            "SELECT k.id, k.type, a.path, b.examined
             FROM build b JOIN attribute a ON a.id = b.attribute JOIN kind k ON k.id = a.kind
             WHERE k.partition = ?1 ORDER BY a.id",
        )?
        .query_map([partition], |row| {
            Ok(Build {
                resource_type: row.get(1)?,
                path: row.get(2)?,
                examined: row.get::<_, i64>(3)?.cast_unsigned(),
                total: census::total(connection, row.get(0)?)?,
            })
        })?
        .collect()
}

/// The number of a resource type of a partition; `None` while it never had a resource.
pub(super) fn kind(connection: &Connection, partition: i64, name: &str) -> Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM kind WHERE partition = ?1 AND type = ?2")?
        .query_row((partition, name), |row| row.get(0))
        .optional()
}

/// The number of the last event of the partition.
pub(super) fn last_event(connection: &Connection, partition: i64) -> Result<i64> {
    let last = connection
        .prepare_cached("SELECT last FROM partition WHERE id = ?1")?
        .query_row([partition], |row| row.get(0))
        .optional()?;
    Ok(last.unwrap_or_default())
}

/// Whether the partition is still in the generation that is named.
pub(super) fn is_current(connection: &Connection, partition: Partition) -> Result<bool> {
    let generation: Option<i64> = connection
        .prepare_cached("SELECT generation FROM partition WHERE id = ?1")?
        .query_row([partition.raw()], |row| row.get(0))
        .optional()?;
    Ok(generation.unwrap_or_default() == partition.generation())
}

/// The first claim that a resource contradicts, with the resource's id. Reads every resource
/// of the types that the claims are about.
pub(super) fn contradiction(
    connection: &Connection,
    partition: i64,
    claims: &[TypeClaim],
) -> Result<Option<(usize, String)>> {
    for (number, asked) in claims.iter().enumerate() {
        let Some(kind) = kind(connection, partition, &asked.resource_type)? else {
            continue;
        };
        let found = match &asked.claim {
            Claim::Distinct { path } => doubled(connection, kind, path)?,
            claim => contradicting(connection, kind, claim)?,
        };
        if let Some(id) = found {
            return Ok(Some((number, id)));
        }
    }
    Ok(None)
}

fn contradicting(connection: &Connection, kind: i64, claim: &Claim) -> Result<Option<String>> {
    let needle = claim.needle().map(|name| format!("\"{name}\""));
    let needle = needle.as_deref().map(Finder::new);
    let mut statement = connection
        .prepare_cached("SELECT id, document FROM resource WHERE rid BETWEEN ?1 AND ?2")?;
    let mut rows = statement.query([rid(kind, 0), last_of(kind)])?;
    while let Some(row) = rows.next()? {
        let document = row.get_ref(1)?.as_bytes().unwrap_or_default();
        let may = needle.as_ref().is_none_or(|it| it.find(document).is_some());
        if may && claim.is_broken_by(&attributes(document)) {
            return row.get(0).map(Some);
        }
    }
    Ok(None)
}

/// A resource of which another has a value of the attribute.
fn doubled(connection: &Connection, kind: i64, path: &str) -> Result<Option<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT v.rid FROM value v JOIN attribute a ON a.id = v.attribute
         WHERE a.kind = ?1 AND a.path = ?2
         GROUP BY v.key HAVING min(v.rid) <> max(v.rid) LIMIT 1",
    )?;
    let found: Option<i64> = statement
        .query_row((kind, path), |row| row.get(0))
        .optional()?;
    found.map(|rid| id(connection, rid)).transpose()
}

fn id(connection: &Connection, rid: i64) -> Result<String> {
    connection
        .prepare_cached("SELECT id FROM resource WHERE rid = ?1")?
        .query_row([rid], |row| row.get(0))
}

fn attributes(document: &[u8]) -> Attributes {
    serde_json::from_slice(document).unwrap_or_default()
}

/// How a commit went.
pub(super) enum Redefined {
    /// It is done.
    Done,
    /// Too much was written since the claims were checked.
    Overtaken,
}

/// Commits the redefinition, of which every claim held at the event `since`.
pub(super) fn redefine(
    connection: &mut Connection,
    partition: Partition,
    asked: &Redefinition,
    since: i64,
) -> Result<Redefined, RedefineFault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let is_current = is_current(&transaction, partition)?;
    let partition = partition.raw();
    let old = catalogue(&transaction, partition)?;
    if !is_current || old.version() != asked.expect {
        return Err(Refused::Outdated.into());
    }
    if !asked.claims.is_empty() {
        let Some(written) = written(&transaction, partition, since)? else {
            return Ok(Redefined::Overtaken);
        };
        for id in written {
            check_written(&transaction, (partition, &id), &old, &asked.claims)?;
        }
    }
    transaction.execute(
        "INSERT OR REPLACE INTO catalogue (partition, definitions) VALUES (?1, ?2)",
        (partition, asked.definitions.to_text()),
    )?;
    transaction.execute(
        "INSERT INTO partition (id, generation, last, catalogue) VALUES (?1, 0, 0, ?2)
         ON CONFLICT DO UPDATE SET catalogue = excluded.catalogue",
        [partition, asked.expect.0 + 1],
    )?;
    // Indexes differ from those of a snapshot now, though no resource has a later version.
    transaction.execute(
        "UPDATE snapshot SET base = 0 WHERE tenant = ?1",
        [partition],
    )?;
    for index in &asked.dropped {
        forget(&transaction, partition, index)?;
    }
    for index in &asked.indexes {
        begin(&transaction, partition, index, asked.expect.0 + 1)?;
    }
    transaction.commit()?;
    Ok(Redefined::Done)
}

/// The ids of the resources that were written after the event, if they are few.
fn written(connection: &Connection, partition: i64, since: i64) -> Result<Option<Vec<String>>> {
    let ids: Vec<String> = connection
        .prepare_cached("SELECT DISTINCT id FROM event WHERE partition = ?1 AND seq > ?2 LIMIT ?3")?
        .query_map((partition, since, MOST_WRITTEN + 1), |row| row.get(0))?
        .collect::<Result<_>>()?;
    Ok((ids.len() as i64 <= MOST_WRITTEN).then_some(ids))
}

fn check_written(
    connection: &Connection,
    (partition, id): (i64, &str),
    catalogue: &Catalogue,
    claims: &[TypeClaim],
) -> Result<(), RedefineFault> {
    let found: Option<(i64, String)> = connection
        .prepare_cached("SELECT rid, document FROM resource WHERE partition = ?1 AND id = ?2")?
        .query_row((partition, id), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((rid, document)) = found else {
        return Ok(());
    };
    let attributes = attributes(document.as_bytes());
    for (number, asked) in claims.iter().enumerate() {
        let kind = kind(connection, partition, &asked.resource_type)?;
        if kind != Some(kind_of(rid)) {
            continue;
        }
        let resource_type = catalogue.resource_type(&asked.resource_type);
        let broken = match (&asked.claim, resource_type) {
            (Claim::Distinct { path }, Some(resource_type)) => {
                is_doubled(connection, rid, &attributes, resource_type, path)?
            }
            (claim, _) => claim.is_broken_by(&attributes),
        };
        if broken {
            let id = id.to_owned();
            return Err(Refused::Broken { claim: number, id }.into());
        }
    }
    Ok(())
}

fn is_doubled(
    connection: &Connection,
    rid: i64,
    attributes: &Attributes,
    resource_type: &ResourceType,
    path: &str,
) -> Result<bool> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM value v JOIN attribute a ON a.id = v.attribute
         WHERE a.kind = ?1 AND a.path = ?2 AND v.key = ?3 AND v.rid <> ?4 LIMIT 1",
    )?;
    for entry in index::entries(attributes, resource_type) {
        if entry.path == path && statement.exists((kind_of(rid), path, sql(&entry.key), rid))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Asks for an index to be built. Without resources it is complete as it is.
fn begin(
    transaction: &Transaction<'_>,
    partition: i64,
    index: &IndexOf,
    version: i64,
) -> Result<()> {
    let Some(kind) = kind(transaction, partition, &index.resource_type)? else {
        return Ok(());
    };
    let last: Option<i64> = transaction.query_row(
        "SELECT max(rid) FROM resource WHERE rid BETWEEN ?1 AND ?2",
        [rid(kind, 0), last_of(kind)],
        |row| row.get(0),
    )?;
    let Some(last) = last else {
        return Ok(());
    };
    transaction.execute(
        "INSERT OR IGNORE INTO attribute (kind, path) VALUES (?1, ?2)",
        (kind, &index.path),
    )?;
    transaction.execute(
        "INSERT OR REPLACE INTO build (attribute, through, last, version, examined)
         SELECT id, ?3, ?4, ?5, 0 FROM attribute WHERE kind = ?1 AND path = ?2",
        (kind, &index.path, rid(kind, 0), last, version),
    )?;
    Ok(())
}

fn forget(transaction: &Transaction<'_>, partition: i64, index: &IndexOf) -> Result<()> {
    transaction
        .execute(
            "DELETE FROM build WHERE attribute IN (
                 SELECT a.id FROM attribute a JOIN kind k ON k.id = a.kind
                 WHERE k.partition = ?1 AND k.type = ?2 AND a.path = ?3)",
            (partition, &index.resource_type, &index.path),
        )
        .map(drop)
}

/// Why definitions were not changed, inside the store.
#[derive(Debug)]
pub(super) struct RedefineFault(pub(super) Refused);

impl From<Refused> for RedefineFault {
    fn from(refused: Refused) -> Self {
        Self(refused)
    }
}

impl From<rusqlite::Error> for RedefineFault {
    fn from(error: rusqlite::Error) -> Self {
        Self(Refused::Unavailable(error.to_string()))
    }
}

impl From<RegistryFault> for RedefineFault {
    fn from(fault: RegistryFault) -> Self {
        Self(Refused::Unavailable(RegistryError::from(fault).to_string()))
    }
}
