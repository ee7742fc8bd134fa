//! Requests under a token.

use civitas_directory::{
    retry::{Attempt, Claimed},
    tenant::Partition,
};
use rusqlite::{Connection, TransactionBehavior};

use super::error::RegistryFault;
use crate::retry::FORGOTTEN_AT_ONCE;

type Outcome<T> = Result<T, RegistryFault>;

pub(super) fn claim(
    connection: &mut Connection,
    partition: Partition,
    attempt: &Attempt,
) -> Outcome<Claimed<String>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (tenant, key) = (partition.raw(), &attempt.key);
    transaction
        .prepare_cached(
            "DELETE FROM retry WHERE tenant = ?1 AND until <= ?2 AND (key = ?3 OR key IN (
                 SELECT key FROM retry WHERE tenant = ?1 AND until <= ?2 LIMIT ?4))",
        )?
        .execute((tenant, attempt.at.0, key, FORGOTTEN_AT_ONCE))?;
    let added = transaction
        .prepare_cached(
            "INSERT INTO retry (tenant, key, content, until) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
        )?
        .execute((tenant, key, &attempt.content, attempt.until().0))?;
    let claim = if added == 1 {
        Claimed::Granted
    } else {
        let (content, answer): (String, Option<String>) = transaction
            .prepare_cached("SELECT content, answer FROM retry WHERE tenant = ?1 AND key = ?2")?
            .query_row((tenant, key), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Claimed::found(attempt, &content, answer)
    };
    transaction.commit()?;
    Ok(claim)
}

pub(super) fn settle(
    connection: &Connection,
    partition: Partition,
    key: &str,
    answer: Option<&str>,
) -> Outcome<()> {
    let tenant = partition.raw();
    match answer {
        Some(answer) => connection
            .prepare_cached(
                "UPDATE retry SET answer = ?3 WHERE tenant = ?1 AND key = ?2 AND answer IS NULL",
            )?
            .execute((tenant, key, answer))?,
        None => connection
            .prepare_cached("DELETE FROM retry WHERE tenant = ?1 AND key = ?2 AND answer IS NULL")?
            .execute((tenant, key))?,
    };
    Ok(())
}

/// A tenant that is reset knows of no requests.
pub(super) fn reset(connection: &Connection, tenant: i64) -> Outcome<()> {
    connection
        .prepare_cached("DELETE FROM retry WHERE tenant = ?1")?
        .execute([tenant])?;
    Ok(())
}
