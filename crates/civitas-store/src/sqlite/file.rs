//! Files of jobs.

use civitas_directory::{file::File, record::Timestamp, tenant::Partition};
use rusqlite::{Connection, OptionalExtension, Row};

use super::error::RegistryFault;

type Outcome<T> = Result<T, RegistryFault>;

pub(super) fn add(
    connection: &Connection,
    partition: Partition,
    file: &File,
    content: &[u8],
) -> Outcome<bool> {
    let added = connection.execute(
        "INSERT OR IGNORE INTO file (tenant, name, actor, created, size, mark, content)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            partition.raw(),
            &file.name,
            &file.actor,
            file.created.0,
            content.len() as i64,
            &file.mark,
            content,
        ),
    )?;
    Ok(added > 0)
}

pub(super) fn one(
    connection: &Connection,
    partition: Partition,
    name: &str,
) -> Outcome<Option<(File, Vec<u8>)>> {
    let found = connection
        .prepare_cached(
            "SELECT name, actor, created, size, mark, content FROM file
             WHERE tenant = ?1 AND name = ?2",
        )?
        .query_row((partition.raw(), name), |row| Ok((read(row)?, row.get(5)?)))
        .optional()?;
    Ok(found)
}

pub(super) fn all(connection: &Connection, partition: Partition) -> Outcome<Vec<File>> {
    let files = connection
        .prepare_cached(
            "SELECT name, actor, created, size, mark FROM file WHERE tenant = ?1 ORDER BY name",
        )?
        .query_map([partition.raw()], read)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(files)
}

pub(super) fn discard(connection: &Connection, partition: Partition, name: &str) -> Outcome<bool> {
    let dropped = connection.execute(
        "DELETE FROM file WHERE tenant = ?1 AND name = ?2",
        (partition.raw(), name),
    )?;
    Ok(dropped > 0)
}

pub(super) fn forget(
    connection: &Connection,
    partition: Partition,
    before: Timestamp,
) -> Outcome<()> {
    connection.execute(
        "DELETE FROM file WHERE tenant = ?1 AND created < ?2",
        [partition.raw(), before.0],
    )?;
    Ok(())
}

/// Drops the files of a tenant that is reset.
pub(super) fn reset(connection: &Connection, tenant: i64) -> Outcome<()> {
    connection.execute("DELETE FROM file WHERE tenant = ?1", [tenant])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<File> {
    Ok(File {
        name: row.get(0)?,
        actor: row.get(1)?,
        created: Timestamp(row.get(2)?),
        size: row.get::<_, i64>(3)?.cast_unsigned(),
        mark: row.get(4)?,
    })
}
