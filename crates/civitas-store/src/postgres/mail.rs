//! Mails that wait, and links. Several nodes send; of each mail one at a time.

use std::time::Duration;

use civitas_directory::{
    link::{Link, Purpose},
    mail::{MOST_KEPT, Mail, Settled},
    record::Timestamp,
    tenant::Partition,
};
use tokio_postgres::Row;

use super::{
    error::{Fault, Outcome as Done},
    pool::{Connection, Step},
    record::text,
    registry::Outcome,
};

/// Takes mails that are due and that nobody is about to send. A row that is locked is being
/// taken or settled just now.
pub(super) async fn take(
    connection: &Connection,
    most: usize,
    lease: Duration,
) -> Outcome<Vec<(Partition, Mail)>> {
    let rows = connection
        .query(
            "UPDATE mail m SET leased_until = clock_timestamp() + $2 * interval '1 millisecond'
             FROM (
                 SELECT tenant, id FROM mail
                 WHERE due <= (extract(epoch FROM clock_timestamp()) * 1000)::bigint
                     AND leased_until < clock_timestamp()
                 ORDER BY due LIMIT $1 FOR UPDATE SKIP LOCKED
             ) o
             WHERE m.tenant = o.tenant AND m.id = o.id
             RETURNING m.id, m.content, m.at, m.attempts, m.tenant",
            &[&(most as i64), &millis(lease)],
        )
        .await?;
    let taken = rows.iter().map(|row| {
        let partition = Partition::from_raw(row.try_get(4)?);
        Ok((partition, mail(row)?))
    });
    Ok(taken.collect::<Done<_>>()?)
}

pub(super) async fn settle(
    connection: &Connection,
    partition: Partition,
    id: &str,
    settled: Settled,
) -> Outcome<()> {
    let (tenant, id) = (partition.raw(), id.as_bytes());
    match settled {
        Settled::Done => {
            let sql = "DELETE FROM mail WHERE tenant = $1 AND id = $2";
            connection.execute(sql, &[&tenant, &id]).await?;
        }
        Settled::Later(after) => {
            let sql = "UPDATE mail SET attempts = attempts + 1, leased_until = '-infinity',
                           due = (extract(epoch FROM clock_timestamp()) * 1000 + $3::bigint)::bigint
                       WHERE tenant = $1 AND id = $2";
            let after = after.as_millis() as i64;
            connection.execute(sql, &[&tenant, &id, &after]).await?;
        }
        Settled::Kept => {
            let sql = "UPDATE mail SET attempts = attempts + 1, due = NULL
                       WHERE tenant = $1 AND id = $2";
            connection.execute(sql, &[&tenant, &id]).await?;
            let sql = "DELETE FROM mail WHERE tenant = $1 AND due IS NULL AND id NOT IN (
                           SELECT id FROM mail WHERE tenant = $1 AND due IS NULL
                           ORDER BY at DESC, id DESC LIMIT $2)";
            let most = MOST_KEPT as i64;
            connection.execute(sql, &[&tenant, &most]).await?;
        }
    }
    Ok(())
}

pub(super) async fn all(connection: &Connection, partition: Partition) -> Outcome<Vec<Mail>> {
    let rows = connection
        .query(
            "SELECT id, content, at, attempts FROM mail WHERE tenant = $1
             ORDER BY at DESC, id DESC LIMIT $2",
            &[&partition.raw(), &(MOST_KEPT as i64)],
        )
        .await?;
    Ok(rows.iter().map(mail).collect::<Done<_>>()?)
}

/// Drops the mails of a tenant.
pub(super) fn discard(tenant: i64) -> Step<'static> {
    Step::new("DELETE FROM mail WHERE tenant = $1").with(tenant)
}

pub(super) async fn link(
    connection: &Connection,
    partition: Partition,
    id: &str,
) -> Outcome<Option<Link>> {
    let found = connection
        .row(
            "SELECT purpose, hash, subject, content, expires FROM link
             WHERE tenant = $1 AND id = $2",
            &[&partition.raw(), &id.as_bytes()],
        )
        .await?;
    let link = found.map(|row| {
        let purpose: String = row.try_get(0)?;
        let unknown = || Fault::Refused(format!("a link for {purpose}"));
        Ok(Link {
            id: id.to_owned(),
            purpose: Purpose::named(&purpose).ok_or_else(unknown)?,
            hash: row.try_get(1)?,
            subject: text(&row, 2)?,
            content: text(&row, 3)?,
            expires: Timestamp(row.try_get(4)?),
        })
    });
    Ok(link.transpose().map_err(|fault: Fault| fault)?)
}

pub(super) async fn forget_links(connection: &Connection, before: Timestamp) -> Outcome<()> {
    let sql = "DELETE FROM link WHERE expires < $1";
    connection.execute(sql, &[&before.0]).await?;
    Ok(())
}

fn mail(row: &Row) -> Done<Mail> {
    let attempts: i64 = row.try_get(3)?;
    Ok(Mail {
        id: text(row, 0)?,
        content: text(row, 1)?,
        at: Timestamp(row.try_get(2)?),
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
    })
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
