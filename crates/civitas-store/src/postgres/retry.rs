//! Requests under a token. Of several at once the database lets one in.

use civitas_directory::{
    retry::{Attempt, Claimed},
    store::RegistryError,
    tenant::Partition,
};
use tokio_postgres::Row;

use super::{error::Fault, pool::Connection, registry::Outcome};
use crate::retry::FORGOTTEN_AT_ONCE;

pub(super) async fn claim(
    connection: &Connection,
    partition: Partition,
    attempt: &Attempt,
) -> Outcome<Claimed<String>> {
    let (tenant, key) = (partition.raw(), attempt.key.as_bytes());
    connection
        .execute(
            "DELETE FROM retry WHERE tenant = $1 AND until <= $2 AND (key = $3 OR key IN (
                 SELECT key FROM retry WHERE tenant = $1 AND until <= $2 LIMIT $4))",
            &[&tenant, &attempt.at.0, &key, &FORGOTTEN_AT_ONCE],
        )
        .await?;
    let added = connection
        .execute(
            "INSERT INTO retry (tenant, key, content, until) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
            &[
                &tenant,
                &key,
                &attempt.content.as_bytes(),
                &attempt.until().0,
            ],
        )
        .await?;
    if added == 1 {
        return Ok(Claimed::Granted);
    }
    let found = connection
        .row(
            "SELECT content, answer FROM retry WHERE tenant = $1 AND key = $2",
            &[&tenant, &key],
        )
        .await?;
    match found {
        Some(row) => Ok(Claimed::found(attempt, &read(&row)?.0, read(&row)?.1)),
        // Whoever had it has just given it back.
        None => Ok(Claimed::InWork),
    }
}

fn read(row: &Row) -> Outcome<(String, Option<String>)> {
    let content: &[u8] = row.try_get(0).map_err(Fault::from)?;
    let answer: Option<&[u8]> = row.try_get(1).map_err(Fault::from)?;
    let answer = answer.map(text).transpose()?;
    Ok((text(content)?, answer))
}

fn text(bytes: &[u8]) -> Outcome<String> {
    let unreadable = |_| RegistryError::Unavailable("a kept answer is no text".into());
    Ok(String::from_utf8(bytes.to_vec()).map_err(unreadable)?)
}

pub(super) async fn settle(
    connection: &Connection,
    partition: Partition,
    key: &str,
    answer: Option<&str>,
) -> Outcome<()> {
    let (tenant, key) = (partition.raw(), key.as_bytes());
    match answer {
        Some(answer) => {
            connection
                .execute(
                    "UPDATE retry SET answer = $3
                     WHERE tenant = $1 AND key = $2 AND answer IS NULL",
                    &[&tenant, &key, &answer.as_bytes()],
                )
                .await?;
        }
        None => {
            connection
                .execute(
                    "DELETE FROM retry WHERE tenant = $1 AND key = $2 AND answer IS NULL",
                    &[&tenant, &key],
                )
                .await?;
        }
    }
    Ok(())
}
