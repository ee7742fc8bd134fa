//! Building the index of an attribute that had values before it was indexed.
//!
//! Resources are read in slices without a lock. Their entries are sorted by value, because
//! neighbours in the index share a page, and written in small transactions that lock the
//! partition, between those of requests. An entry is written only while its resource has the
//! version that was read; one that was written meanwhile is read again. So the index never
//! holds an entry that is wrong, and whatever is written while it is built keeps it right. A run
//! that is cut off is done again, and two nodes may do the same one.

use civitas_directory::tenant::Partition;
use civitas_scim::{Attributes, index, schema::ResourceType};
use memchr::memmem::Finder;

use super::{
    catalogue::kind,
    commit::LOCK,
    error::Outcome,
    news,
    pool::{Connection, Step, Transaction},
};
use crate::key;

/// Resources read at a time.
const SLICE: i64 = 500;

/// Most entries of a run: what is held in memory at a time.
const RUN: usize = 50_000;

/// Most resources of a run.
const RUN_RESOURCES: i64 = 100_000;

/// Entries of one transaction: a few milliseconds.
const STEP: usize = 500;

/// An index that is being built.
#[derive(Debug, Clone, Copy)]
struct Open {
    partition: Partition,
    attribute: i64,
    through: i64,
    last: i64,
    version: i64,
}

/// A value as it was read.
#[derive(Debug, Clone)]
struct Entry {
    key: Vec<u8>,
    rid: i64,
    element: i32,
    version: i64,
}

/// Goes on by one run. Returns whether the index is complete.
pub(super) async fn build(
    connection: &Connection,
    partition: Partition,
    resource_type: &ResourceType,
    path: &str,
) -> Outcome<bool> {
    let Some(open) = open(connection, partition, &resource_type.name, path).await? else {
        return Ok(true);
    };
    let only = resource_type.indexing_only(path);
    let needle = path.rsplit([':', '.']).next().unwrap_or(path);
    let needle = Finder::new(&format!("\"{needle}\"")).into_owned();
    let (mut entries, mut through, mut examined) = (Vec::new(), open.through, 0);
    while through < open.last && entries.len() < RUN && examined < RUN_RESOURCES {
        let rows = connection
            .query(
                "SELECT rid, version, document FROM resource WHERE rid > $1 AND rid <= $2
                 ORDER BY rid LIMIT $3",
                &[&through, &open.last, &SLICE],
            )
            .await?;
        for row in &rows {
            through = row.try_get(0)?;
            let document: &[u8] = row.try_get(2)?;
            if needle.find(document).is_some() {
                entries.extend(of_document(document, through, row.try_get(1)?, &only));
            }
        }
        examined += rows.len() as i64;
        if (rows.len() as i64) < SLICE {
            through = open.last;
        }
    }
    entries.sort_by(|a, b| (&a.key, a.rid).cmp(&(&b.key, b.rid)));
    for step in entries.chunks(STEP) {
        write(connection, open, step, &only).await?;
    }
    advance(connection, open, through, examined).await?;
    Ok(through >= open.last)
}

async fn open(
    connection: &Connection,
    partition: Partition,
    resource_type: &str,
    path: &str,
) -> Outcome<Option<Open>> {
    let Some(kind) = kind(connection, partition.raw(), resource_type).await? else {
        return Ok(None);
    };
    let found = connection
        .row(
            "SELECT b.attribute, b.through, b.last, b.version
             FROM build b JOIN attribute a ON a.id = b.attribute
             WHERE a.kind = $1 AND a.path = $2",
            &[&kind, &path],
        )
        .await?;
    let open = found.map(|row| -> Outcome<Open> {
        Ok(Open {
            partition,
            attribute: row.try_get(0)?,
            through: row.try_get(1)?,
            last: row.try_get(2)?,
            version: row.try_get(3)?,
        })
    });
    open.transpose()
}

fn of_document(document: &[u8], rid: i64, version: i64, only: &ResourceType) -> Vec<Entry> {
    let attributes: Attributes = serde_json::from_slice(document).unwrap_or_default();
    let entries = index::entries(&attributes, only).into_iter();
    entries
        .map(|it| Entry {
            key: key::encode(&it.key),
            rid,
            element: it.element.cast_signed(),
            version,
        })
        .collect()
}

/// Begins a transaction that holds the partition, if the index is still asked for.
async fn locked(connection: &Connection, open: Open) -> Outcome<bool> {
    let steps = vec![
        Step::new(LOCK).with(open.partition.raw()),
        Step::new("SELECT 1 FROM build WHERE attribute = $1 AND version = $2")
            .with(open.attribute)
            .with(open.version),
    ];
    let answers = connection.begin(Transaction::Writing, steps).await?;
    let generation: Option<i64> = answers[0].first().map(|row| row.try_get(0)).transpose()?;
    let is_asked = !answers[1].is_empty();
    Ok(is_asked && generation == Some(open.partition.generation()))
}

/// Writes entries, those of resources that were written meanwhile as they are now.
async fn write(
    connection: &Connection,
    open: Open,
    step: &[Entry],
    only: &ResourceType,
) -> Outcome<()> {
    if !locked(connection, open).await? {
        connection.roll_back();
        return Ok(());
    }
    let mut rids: Vec<i64> = step.iter().map(|it| it.rid).collect();
    rids.sort_unstable();
    rids.dedup();
    let versions: Vec<i64> = rids
        .iter()
        .map(|rid| {
            step.iter()
                .find(|it| it.rid == *rid)
                .map_or(0, |it| it.version)
        })
        .collect();
    // Only a document that has changed is sent again.
    let rows = connection
        .query(
            "SELECT r.rid, r.version,
                    CASE WHEN r.version <> u.version THEN r.document END
             FROM unnest($1::bigint[], $2::bigint[]) AS u (rid, version)
             JOIN resource r ON r.rid = u.rid",
            &[&rids, &versions],
        )
        .await?;
    let mut entries: Vec<Entry> = Vec::with_capacity(step.len());
    for row in &rows {
        let rid: i64 = row.try_get(0)?;
        match row.try_get::<_, Option<&[u8]>>(2)? {
            Some(now) => entries.extend(of_document(now, rid, row.try_get(1)?, only)),
            None => entries.extend(step.iter().filter(|it| it.rid == rid).cloned()),
        }
    }
    let (mut heads, mut tails) = (Vec::new(), Vec::new());
    for entry in &entries {
        let (head, tail) = key::split(&entry.key);
        heads.push(head);
        tails.push(tail);
    }
    let rids: Vec<i64> = entries.iter().map(|it| it.rid).collect();
    let elements: Vec<i32> = entries.iter().map(|it| it.element).collect();
    let insert = Step::new(
        "INSERT INTO value (attribute, head, tail, rid, element)
         SELECT $1::bigint, u.* FROM unnest($2::bytea[], $3::bytea[], $4::bigint[], $5::int[]) AS u
         ON CONFLICT DO NOTHING",
    );
    let insert = insert.with(open.attribute).with(heads).with(tails);
    connection
        .commit(vec![insert.with(rids).with(elements)])
        .await
}

/// Writes down how far the index has come; nothing when it is complete.
async fn advance(connection: &Connection, open: Open, through: i64, examined: i64) -> Outcome<()> {
    if !locked(connection, open).await? {
        connection.roll_back();
        return Ok(());
    }
    let step = if through >= open.last {
        Step::new("DELETE FROM build WHERE attribute = $1").with(open.attribute)
    } else {
        Step::new("UPDATE build SET through = $2, examined = examined + $3 WHERE attribute = $1")
            .with(open.attribute)
            .with(through)
            .with(examined)
    };
    connection.commit(vec![step, news::tell()]).await
}
