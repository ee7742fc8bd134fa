//! Files of jobs.

use civitas_directory::{file::File, record::Timestamp, tenant::Partition};
use tokio_postgres::Row;

use super::{
    error::{Fault, Outcome as Done},
    pool::{Connection, Step},
    record::text,
    registry::Outcome,
};

pub(super) async fn add(
    connection: &Connection,
    partition: Partition,
    file: &File,
    content: &[u8],
) -> Outcome<bool> {
    let added = connection
        .execute(
            "INSERT INTO file (tenant, name, actor, created, size, mark, content)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT DO NOTHING",
            &[
                &partition.raw(),
                &file.name.as_bytes(),
                &file.actor.as_bytes(),
                &file.created.0,
                &(content.len() as i64),
                &file.mark.as_bytes(),
                &content,
            ],
        )
        .await?;
    Ok(added > 0)
}

pub(super) async fn one(
    connection: &Connection,
    partition: Partition,
    name: &str,
) -> Outcome<Option<(File, Vec<u8>)>> {
    let found = connection
        .row(
            "SELECT name, actor, created, size, mark, content FROM file
             WHERE tenant = $1 AND name = $2",
            &[&partition.raw(), &name.as_bytes()],
        )
        .await?;
    let found = found.map(|row| Ok::<_, Fault>((read(&row)?, row.try_get(5)?)));
    Ok(found.transpose()?)
}

pub(super) async fn all(connection: &Connection, partition: Partition) -> Outcome<Vec<File>> {
    let rows = connection
        .query(
            "SELECT name, actor, created, size, mark FROM file WHERE tenant = $1 ORDER BY name",
            &[&partition.raw()],
        )
        .await?;
    Ok(rows.iter().map(read).collect::<Done<_>>()?)
}

pub(super) async fn discard(
    connection: &Connection,
    partition: Partition,
    name: &str,
) -> Outcome<bool> {
    let dropped = connection
        .execute(
            "DELETE FROM file WHERE tenant = $1 AND name = $2",
            &[&partition.raw(), &name.as_bytes()],
        )
        .await?;
    Ok(dropped > 0)
}

pub(super) async fn forget(
    connection: &Connection,
    partition: Partition,
    before: Timestamp,
) -> Outcome<()> {
    connection
        .execute(
            "DELETE FROM file WHERE tenant = $1 AND created < $2",
            &[&partition.raw(), &before.0],
        )
        .await?;
    Ok(())
}

/// Drops the files of a tenant that is reset.
pub(super) fn reset<'s>(tenant: i64) -> Step<'s> {
    Step::new("DELETE FROM file WHERE tenant = $1").with(tenant)
}

fn read(row: &Row) -> Done<File> {
    Ok(File {
        name: text(row, 0)?,
        actor: text(row, 1)?,
        created: Timestamp(row.try_get(2)?),
        size: row.try_get::<_, i64>(3)?.cast_unsigned(),
        mark: text(row, 4)?,
    })
}
