//! Mails that wait, and links. One process sends what is in the file, so that none needs a lease.

use civitas_directory::{
    change::Rejected,
    link::{Link, LinkChange, Purpose},
    mail::{MOST_KEPT, Mail, Settled},
    record::Timestamp,
    store::RegistryError,
    tenant::Partition,
};
use rusqlite::{Connection, OptionalExtension, Row};

use super::error::{ApplyResult, RegistryFault};

type Outcome<T> = Result<T, RegistryFault>;

const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// Enters a mail, in the transaction of a change set.
pub(super) fn enter(connection: &Connection, tenant: i64, mail: &Mail) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&format!(
            "INSERT INTO mail (tenant, id, content, at, due) VALUES (?1, ?2, ?3, ?4, {NOW})"
        ))?
        .execute((tenant, &mail.id, &mail.content, mail.at.0))
        .map(drop)
}

/// Changes a link, in the transaction of a change set.
pub(super) fn change(connection: &Connection, tenant: i64, change: &LinkChange) -> ApplyResult<()> {
    match change {
        LinkChange::Issue(link) => {
            connection
                .prepare_cached(
                    "DELETE FROM link WHERE tenant = ?1 AND subject = ?2 AND purpose = ?3",
                )?
                .execute((tenant, &link.subject, link.purpose.name()))?;
            connection
                .prepare_cached(
                    "INSERT INTO link (tenant, id, purpose, hash, subject, content, expires)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute((
                    tenant,
                    &link.id,
                    link.purpose.name(),
                    &link.hash,
                    &link.subject,
                    &link.content,
                    link.expires.0,
                ))?;
        }
        LinkChange::Redeem { id, at } => {
            let redeemed = connection
                .prepare_cached("DELETE FROM link WHERE tenant = ?1 AND id = ?2 AND expires > ?3")?
                .execute((tenant, id, at.0))?;
            if redeemed == 0 {
                return Err(Rejected::Spent.into());
            }
        }
    }
    Ok(())
}

pub(super) fn due(connection: &Connection, most: usize) -> Outcome<Vec<(Partition, Mail)>> {
    let mails = connection
        .prepare_cached(&format!(
            "SELECT id, content, at, attempts, tenant FROM mail
             WHERE due <= {NOW} ORDER BY due LIMIT ?1"
        ))?
        .query_map([most as i64], |row| {
            Ok((Partition::from_raw(row.get(4)?), mail(row)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(mails)
}

pub(super) fn settle(
    connection: &Connection,
    partition: Partition,
    id: &str,
    settled: Settled,
) -> Outcome<()> {
    let tenant = partition.raw();
    match settled {
        Settled::Done => {
            let sql = "DELETE FROM mail WHERE tenant = ?1 AND id = ?2";
            connection.execute(sql, (tenant, id))?;
        }
        Settled::Later(after) => {
            let sql = format!(
                "UPDATE mail SET attempts = attempts + 1, due = {NOW} + ?3
                 WHERE tenant = ?1 AND id = ?2"
            );
            connection.execute(&sql, (tenant, id, after.as_millis() as i64))?;
        }
        Settled::Kept => {
            let sql = "UPDATE mail SET attempts = attempts + 1, due = NULL
                       WHERE tenant = ?1 AND id = ?2";
            connection.execute(sql, (tenant, id))?;
            let sql = "DELETE FROM mail WHERE tenant = ?1 AND due IS NULL AND id NOT IN (
                           SELECT id FROM mail WHERE tenant = ?1 AND due IS NULL
                           ORDER BY at DESC, id DESC LIMIT ?2)";
            connection.execute(sql, (tenant, MOST_KEPT as i64))?;
        }
    }
    Ok(())
}

pub(super) fn all(connection: &Connection, partition: Partition) -> Outcome<Vec<Mail>> {
    let mails = connection
        .prepare_cached(
            "SELECT id, content, at, attempts FROM mail WHERE tenant = ?1
             ORDER BY at DESC, id DESC LIMIT ?2",
        )?
        .query_map((partition.raw(), MOST_KEPT as i64), mail)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(mails)
}

/// Drops the mails of a tenant.
pub(super) fn discard(connection: &Connection, tenant: i64) -> rusqlite::Result<()> {
    connection
        .execute("DELETE FROM mail WHERE tenant = ?1", [tenant])
        .map(drop)
}

pub(super) fn link(
    connection: &Connection,
    partition: Partition,
    id: &str,
) -> Outcome<Option<Link>> {
    let found = connection
        .prepare_cached(
            "SELECT purpose, hash, subject, content, expires FROM link
             WHERE tenant = ?1 AND id = ?2",
        )?
        .query_row((partition.raw(), id), |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })
        .optional()?;
    let Some((purpose, hash, subject, content, expires)) = found else {
        return Ok(None);
    };
    let unknown = || RegistryError::Unavailable(format!("a link for {purpose}"));
    Ok(Some(Link {
        id: id.to_owned(),
        purpose: Purpose::named(&purpose).ok_or_else(unknown)?,
        hash,
        subject,
        content,
        expires: Timestamp(expires),
    }))
}

pub(super) fn forget_links(connection: &Connection, before: Timestamp) -> Outcome<()> {
    connection.execute("DELETE FROM link WHERE expires < ?1", [before.0])?;
    Ok(())
}

fn mail(row: &Row<'_>) -> rusqlite::Result<Mail> {
    Ok(Mail {
        id: row.get(0)?,
        content: row.get(1)?,
        at: Timestamp(row.get(2)?),
        attempts: row.get(3)?,
    })
}
