//! Building the index of an attribute that had values before it was indexed.
//!
//! Resources are read in slices on connections that read. The entries of many are sorted by
//! value, because neighbours in the index share a page, and are then written in small
//! transactions between those of requests. An entry is written only while its resource has
//! the version that was read; one that was written meanwhile is read again. So the index
//! never holds an entry that is wrong, and whatever is written while it is built keeps it
//! right. A run that is cut off is done again.

use civitas_directory::{record::Version, store::ReadError, tenant::Partition};
use civitas_scim::{Attributes, index, schema::ResourceType, value::Key};
use memchr::memmem::Finder;
use rusqlite::{Connection, OptionalExtension, Result, TransactionBehavior};

use super::{
    Inner,
    apply::sql,
    catalogue::{is_current, kind},
    unavailable,
    writer::Writer,
};

/// Resources that one reader looks at before others may read.
const SLICE: i64 = 500;

/// Most entries of a run: what is held in memory at a time.
const RUN: usize = 100_000;

/// Most resources of a run.
const RUN_RESOURCES: i64 = 200_000;

/// Entries of one transaction: a few milliseconds of the writer.
const STEP: usize = 200;

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
    key: Key,
    rid: i64,
    element: u32,
    version: Version,
}

/// Goes on by one run. Returns whether the index is complete.
pub(super) async fn build(
    inner: &std::sync::Arc<Inner>,
    writer: &Writer,
    partition: Partition,
    resource_type: &ResourceType,
    path: &str,
) -> Result<bool, ReadError> {
    let (name, owned) = (resource_type.name.clone(), path.to_owned());
    let open = inner
        .reading(partition, |reader| {
            open(reader.connection, partition, &name, &owned)
        })
        .map_err(unavailable)?;
    let Some(open) = open else {
        return Ok(true);
    };
    let only = std::sync::Arc::new(resource_type.indexing_only(path));
    let needle = path.rsplit([':', '.']).next().unwrap_or(path);
    let needle = std::sync::Arc::new(Finder::new(&format!("\"{needle}\"")).into_owned());
    let (mut entries, mut through, mut examined) = (Vec::new(), open.through, 0);
    while through < open.last && entries.len() < RUN && examined < RUN_RESOURCES {
        let (only, needle) = (only.clone(), needle.clone());
        let slice = inner.clone().queued(move |inner| {
            let read = |reader: super::reader::Reader<'_>| {
                slice(reader.connection, through, open.last, &only, &needle)
            };
            inner.reading(partition, read).map_err(unavailable)
        });
        let slice = slice.await?;
        entries.extend(slice.entries);
        through = slice.through;
        examined += slice.examined;
    }
    entries.sort_by(|a, b| a.key.order(&b.key).then(a.rid.cmp(&b.rid)));
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        let step: Vec<Entry> = entries.by_ref().take(STEP).collect();
        let only = only.clone();
        let written = writer.chore(move |connection| write(connection, open, &step, &only));
        done(written.await)?;
    }
    let advanced = writer.chore(move |connection| advance(connection, open, through, examined));
    done(advanced.await)?;
    Ok(through >= open.last)
}

fn done<T>(outcome: Option<Result<T>>) -> Result<T, ReadError> {
    match outcome {
        Some(done) => done.map_err(unavailable),
        None => Err(ReadError::Overloaded),
    }
}

fn open(
    connection: &Connection,
    partition: Partition,
    resource_type: &str,
    path: &str,
) -> Result<Option<Open>> {
    let Some(kind) = kind(connection, partition.raw(), resource_type)? else {
        return Ok(None);
    };
    connection
        .prepare_cached(
            "SELECT b.attribute, b.through, b.last, b.version
             FROM build b JOIN attribute a ON a.id = b.attribute
             WHERE a.kind = ?1 AND a.path = ?2",
        )?
        .query_row((kind, path), |row| {
            Ok(Open {
                partition,
                attribute: row.get(0)?,
                through: row.get(1)?,
                last: row.get(2)?,
                version: row.get(3)?,
            })
        })
        .optional()
}

struct Slice {
    entries: Vec<Entry>,
    through: i64,
    examined: i64,
}

/// The entries of the next resources.
fn slice(
    connection: &Connection,
    after: i64,
    last: i64,
    only: &ResourceType,
    needle: &Finder<'_>,
) -> Result<Slice> {
    let mut slice = Slice {
        entries: Vec::new(),
        through: last,
        examined: 0,
    };
    let mut statement = connection.prepare_cached(
        "SELECT rid, version, document FROM resource WHERE rid > ?1 AND rid <= ?2
         ORDER BY rid LIMIT ?3",
    )?;
    let mut rows = statement.query((after, last, SLICE))?;
    let mut through = after;
    while let Some(row) = rows.next()? {
        slice.examined += 1;
        through = row.get(0)?;
        let document = row.get_ref(2)?.as_bytes().unwrap_or_default();
        if needle.find(document).is_none() {
            continue;
        }
        let version = Version(row.get(1)?);
        slice
            .entries
            .extend(entries(document, only).map(|it| Entry {
                key: it.key,
                rid: through,
                element: it.element,
                version,
            }));
    }
    if slice.examined == SLICE {
        slice.through = through;
    }
    Ok(slice)
}

fn entries(document: &[u8], only: &ResourceType) -> impl Iterator<Item = index::IndexEntry> {
    let attributes: Attributes = serde_json::from_slice(document).unwrap_or_default();
    index::entries(&attributes, only).into_iter()
}

/// Writes entries, those of resources that were written meanwhile as they are now.
fn write(
    connection: &mut Connection,
    open: Open,
    step: &[Entry],
    only: &ResourceType,
) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let is_asked = transaction
        .prepare_cached("SELECT 1 FROM build WHERE attribute = ?1 AND version = ?2")?
        .exists([open.attribute, open.version])?;
    if !is_asked || !is_current(&transaction, open.partition)? {
        return Ok(());
    }
    {
        let mut state =
            transaction.prepare_cached("SELECT version FROM resource WHERE rid = ?1")?;
        let mut document =
            transaction.prepare_cached("SELECT document FROM resource WHERE rid = ?1")?;
        let mut insert = transaction.prepare_cached(
            "INSERT OR IGNORE INTO value (attribute, key, rid, element) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for entry in step {
            let rid = entry.rid;
            let version: Option<i64> = state.query_row([rid], |row| row.get(0)).optional()?;
            match version {
                None => {}
                Some(version) if version == entry.version.0 => {
                    insert.execute((open.attribute, sql(&entry.key), rid, entry.element))?;
                }
                Some(_) => {
                    let now: String = document.query_row([rid], |row| row.get(0))?;
                    for it in entries(now.as_bytes(), only) {
                        insert.execute((open.attribute, sql(&it.key), rid, it.element))?;
                    }
                }
            }
        }
    }
    transaction.commit()
}

/// Writes down how far the index has come; nothing when it is complete.
fn advance(connection: &mut Connection, open: Open, through: i64, examined: i64) -> Result<usize> {
    if !is_current(connection, open.partition)? {
        return Ok(0);
    }
    if through >= open.last {
        return connection.execute(
            "DELETE FROM build WHERE attribute = ?1 AND version = ?2",
            [open.attribute, open.version],
        );
    }
    connection.execute(
        "UPDATE build SET through = ?2, examined = examined + ?3
         WHERE attribute = ?1 AND version = ?4",
        (open.attribute, through, examined, open.version),
    )
}
