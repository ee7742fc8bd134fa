//! What partitions serve beyond the standard, and how that changes under resources.
//!
//! Whether resources contradict a new definition is looked at twice: all of them in a
//! transaction that reads, which may take its time, and then, under the partition's lock, those
//! that were written since. From the commit on, change sets that were computed by older
//! definitions are refused.

use std::sync::Arc;

use civitas_directory::{
    catalogue::{Build, Catalogue},
    record::Version,
    redefinition::{IndexOf, Redefinition, Refused, TypeClaim},
    tenant::Partition,
};
use civitas_scim::{Attributes, definition::Claim, index, schema::ResourceType};
use memchr::memmem::Finder;
use tokio_postgres::Row;

use super::{
    census,
    commit::LOCK,
    error::{Fault, Outcome, RegistryFault},
    news,
    pool::{Connection, Step, Transaction},
    record::owned,
    registry,
};
use crate::{
    key,
    rid::{BLOCK_BITS, kind_of, last_of, rid},
};

/// Most resources that are looked at in the transaction that commits; if more were written
/// since all were looked at, all are looked at again.
const MOST_WRITTEN: i64 = 500;

/// Documents read at a time.
const SLICE: i64 = 500;

const BUILDS: &str = "SELECT k.id, k.type, a.path, b.examined
    FROM build b JOIN attribute a ON a.id = b.attribute JOIN kind k ON k.id = a.kind
    WHERE k.partition = $1 ORDER BY a.id";

/// The catalogue that definitions make, with the indexes that are being built.
pub(super) async fn of(
    connection: &Connection,
    partition: i64,
    version: Version,
    definitions: &str,
) -> registry::Outcome<Arc<Catalogue>> {
    let definitions = registry::definitions(definitions)?;
    let mut builds = Vec::new();
    for row in connection.query(BUILDS, &[&partition]).await? {
        builds.push(build(connection, &row).await?);
    }
    Ok(Arc::new(Catalogue::new(version, definitions, builds)))
}

async fn build(connection: &Connection, row: &Row) -> Outcome<Build> {
    let kind: i64 = row.try_get(0)?;
    let bits = BLOCK_BITS[0].cast_signed();
    let total: Option<i64> = connection.value(census::TOTAL, &[&kind, &bits]).await?;
    Ok(Build {
        resource_type: row.try_get(1)?,
        path: row.try_get(2)?,
        examined: row.try_get::<_, i64>(3)?.cast_unsigned(),
        total: total.unwrap_or_default().cast_unsigned(),
    })
}

/// The number of a resource type of a partition; `None` while it never had a resource.
pub(super) async fn kind(
    connection: &Connection,
    partition: i64,
    name: &str,
) -> Outcome<Option<i64>> {
    connection
        .value(
            "SELECT id FROM kind WHERE partition = $1 AND type = $2",
            &[&partition, &name],
        )
        .await
}

/// Looks at all resources that claims are about, in one state. Gives the last event that they
/// were looked at after, and the first claim that one contradicts, with its id.
pub(super) async fn check(
    connection: &Connection,
    partition: i64,
    claims: &[TypeClaim],
) -> Outcome<(i64, Option<(usize, String)>)> {
    let last = Step::new("SELECT last FROM partition WHERE id = $1").with(partition);
    let rows = connection.begin(Transaction::Reading, vec![last]).await?;
    let since = match rows[0].first() {
        Some(row) => row.try_get(0)?,
        None => 0,
    };
    let found = contradiction(connection, partition, claims).await?;
    connection.roll_back();
    Ok((since, found))
}

async fn contradiction(
    connection: &Connection,
    partition: i64,
    claims: &[TypeClaim],
) -> Outcome<Option<(usize, String)>> {
    for (number, asked) in claims.iter().enumerate() {
        let Some(kind) = kind(connection, partition, &asked.resource_type).await? else {
            continue;
        };
        let found = match &asked.claim {
            Claim::Distinct { path } => doubled(connection, kind, path).await?,
            claim => contradicting(connection, kind, claim).await?,
        };
        if let Some(id) = found {
            return Ok(Some((number, id)));
        }
    }
    Ok(None)
}

async fn contradicting(
    connection: &Connection,
    kind: i64,
    claim: &Claim,
) -> Outcome<Option<String>> {
    let needle = claim.needle().map(|name| format!("\"{name}\""));
    let needle = needle.as_deref().map(Finder::new);
    let mut from = rid(kind, 0);
    loop {
        let rows = connection
            .query(
                "SELECT rid, id, document FROM resource WHERE rid BETWEEN $1 AND $2
                 ORDER BY rid LIMIT $3",
                &[&from, &last_of(kind), &SLICE],
            )
            .await?;
        for row in &rows {
            let document: &[u8] = row.try_get(2)?;
            let may = needle.as_ref().is_none_or(|it| it.find(document).is_some());
            if may && claim.is_broken_by(&attributes(document)) {
                return owned(row.try_get(1)?).map(Some);
            }
            from = row.try_get::<_, i64>(0)? + 1;
        }
        if (rows.len() as i64) < SLICE {
            return Ok(None);
        }
    }
}

/// A resource of which another has a value of the attribute.
async fn doubled(connection: &Connection, kind: i64, path: &str) -> Outcome<Option<String>> {
    let row = connection
        .row(
            "SELECT r.id FROM (
                 SELECT min(v.rid) AS rid FROM value v JOIN attribute a ON a.id = v.attribute
                 WHERE a.kind = $1 AND a.path = $2
                 GROUP BY v.head, v.tail HAVING min(v.rid) <> max(v.rid) LIMIT 1
             ) d JOIN resource r ON r.rid = d.rid",
            &[&kind, &path],
        )
        .await?;
    row.map(|row| owned(row.try_get(0)?)).transpose()
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

/// Why definitions were not changed, inside the store.
pub(super) struct RedefineFault(pub(super) Refused);

impl From<Fault> for RedefineFault {
    fn from(fault: Fault) -> Self {
        Self(fault.into())
    }
}

impl From<Refused> for RedefineFault {
    fn from(refused: Refused) -> Self {
        Self(refused)
    }
}

impl From<RegistryFault> for RedefineFault {
    fn from(fault: RegistryFault) -> Self {
        let error = civitas_directory::store::RegistryError::from(fault);
        Self(Refused::Unavailable(error.to_string()))
    }
}

/// Commits the redefinition, of which every claim held at the event `since`.
pub(super) async fn redefine(
    connection: &Connection,
    partition: Partition,
    asked: &Redefinition,
    since: i64,
) -> Result<Redefined, RedefineFault> {
    let raw = partition.raw();
    let lock = Step::new(LOCK).with(raw);
    let locked = connection.begin(Transaction::Writing, vec![lock]).await?;
    let generation: i64 = match locked[0].first() {
        Some(row) => row.try_get(0).map_err(Fault::from)?,
        None => return Err(Refused::Outdated.into()),
    };
    let old = registry::catalogue_of(connection, raw).await?;
    if generation != partition.generation() || old.version() != asked.expect {
        return Err(Refused::Outdated.into());
    }
    if !asked.claims.is_empty() {
        let Some(written) = written(connection, raw, since).await? else {
            return Ok(Redefined::Overtaken);
        };
        for row in written {
            check_written(connection, raw, &row, &old, &asked.claims).await?;
        }
    }
    let version = asked.expect.0 + 1;
    let mut steps = vec![
        Step::new(
            "INSERT INTO catalogue (partition, definitions) VALUES ($1, $2)
             ON CONFLICT (partition) DO UPDATE SET definitions = excluded.definitions",
        )
        .with(raw)
        .with(asked.definitions.to_text()),
        Step::new("UPDATE partition SET catalogue = $2 WHERE id = $1")
            .with(raw)
            .with(version),
        // Indexes differ from those of a snapshot now, though no resource has a later version.
        Step::new("UPDATE snapshot SET base = false WHERE tenant = $1").with(raw),
    ];
    steps.extend(asked.dropped.iter().map(|index| forget(raw, index)));
    for index in &asked.indexes {
        begin(connection, raw, index, version, &mut steps).await?;
    }
    steps.push(news::tell());
    connection.commit(steps).await?;
    Ok(Redefined::Done)
}

/// The resources that were written after the event and are still there, if they are few.
async fn written(connection: &Connection, partition: i64, since: i64) -> Outcome<Option<Vec<Row>>> {
    let rows = connection
        .query(
            "SELECT r.rid, e.id, r.document FROM (
                 SELECT DISTINCT id FROM event WHERE partition = $1 AND seq > $2 LIMIT $3
             ) e LEFT JOIN resource r ON r.partition = $1 AND r.id = e.id",
            &[&partition, &since, &(MOST_WRITTEN + 1)],
        )
        .await?;
    Ok((rows.len() as i64 <= MOST_WRITTEN).then_some(rows))
}

async fn check_written(
    connection: &Connection,
    partition: i64,
    row: &Row,
    catalogue: &Catalogue,
    claims: &[TypeClaim],
) -> Result<(), RedefineFault> {
    let Some(rid) = row.try_get::<_, Option<i64>>(0).map_err(Fault::from)? else {
        return Ok(());
    };
    let attributes = attributes(row.try_get(2).map_err(Fault::from)?);
    for (number, asked) in claims.iter().enumerate() {
        let kind = kind(connection, partition, &asked.resource_type).await?;
        if kind != Some(kind_of(rid)) {
            continue;
        }
        let resource_type = catalogue.resource_type(&asked.resource_type);
        let broken = match (&asked.claim, resource_type) {
            (Claim::Distinct { path }, Some(resource_type)) => {
                is_doubled(connection, rid, &attributes, resource_type, path).await?
            }
            (claim, _) => claim.is_broken_by(&attributes),
        };
        if broken {
            let id = owned(row.try_get(1).map_err(Fault::from)?)?;
            return Err(Refused::Broken { claim: number, id }.into());
        }
    }
    Ok(())
}

async fn is_doubled(
    connection: &Connection,
    rid: i64,
    attributes: &Attributes,
    resource_type: &ResourceType,
    path: &str,
) -> Outcome<bool> {
    for entry in index::entries(attributes, resource_type) {
        if entry.path != path {
            continue;
        }
        let bytes = key::encode(&entry.key);
        let (head, tail) = key::split(&bytes);
        let other = connection
            .row(
                "SELECT 1 FROM value v JOIN attribute a ON a.id = v.attribute
                 WHERE a.kind = $1 AND a.path = $2 AND v.head = $3 AND v.tail = $4
                     AND v.rid <> $5 LIMIT 1",
                &[&kind_of(rid), &path, &head, &tail, &rid],
            )
            .await?;
        if other.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Asks for an index to be built. Without resources it is complete as it is.
async fn begin(
    connection: &Connection,
    partition: i64,
    index: &IndexOf,
    version: i64,
    steps: &mut Vec<Step<'_>>,
) -> Outcome<()> {
    let Some(kind) = kind(connection, partition, &index.resource_type).await? else {
        return Ok(());
    };
    let last: Option<Option<i64>> = connection
        .value(
            "SELECT max(rid) FROM resource WHERE rid BETWEEN $1 AND $2",
            &[&rid(kind, 0), &last_of(kind)],
        )
        .await?;
    let Some(last) = last.flatten() else {
        return Ok(());
    };
    let path = index.path.clone();
    steps.push(
        Step::new("INSERT INTO attribute (kind, path) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .with(kind)
            .with(path.clone()),
    );
    steps.push(
        Step::new(
            "INSERT INTO build (attribute, through, last, version, examined)
             SELECT id, $3::bigint, $4::bigint, $5::bigint, 0
             FROM attribute WHERE kind = $1 AND path = $2
             ON CONFLICT (attribute) DO UPDATE SET through = excluded.through,
                 last = excluded.last, version = excluded.version, examined = 0",
        )
        .with(kind)
        .with(path)
        .with(rid(kind, 0))
        .with(last)
        .with(version),
    );
    Ok(())
}

fn forget(partition: i64, index: &IndexOf) -> Step<'_> {
    Step::new(
        "DELETE FROM build WHERE attribute IN (
             SELECT a.id FROM attribute a JOIN kind k ON k.id = a.kind
             WHERE k.partition = $1 AND k.type = $2 AND a.path = $3)",
    )
    .with(partition)
    .with(index.resource_type.as_str())
    .with(index.path.as_str())
}
