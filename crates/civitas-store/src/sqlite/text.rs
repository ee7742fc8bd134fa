//! Texts of tenants.

use civitas_directory::{tenant::Partition, text::TextSet};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior};

use super::error::RegistryFault;

type Outcome<T> = Result<T, RegistryFault>;

const COLUMNS: &str = "kind, locale, media, content";

pub(super) fn one(
    connection: &Connection,
    partition: Partition,
    kind: &str,
    locale: &str,
) -> Outcome<Option<TextSet>> {
    let found = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM text_set WHERE tenant = ?1 AND kind = ?2 AND locale = ?3"
        ))?
        .query_row((partition.raw(), kind, locale), read)
        .optional()?;
    Ok(found)
}

pub(super) fn all(connection: &Connection, partition: Partition) -> Outcome<Vec<TextSet>> {
    let sets = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM text_set WHERE tenant = ?1 ORDER BY kind, locale"
        ))?
        .query_map([partition.raw()], read)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(sets)
}

pub(super) fn set(
    connection: &mut Connection,
    partition: Partition,
    sets: &[TextSet],
) -> Outcome<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for set in sets {
        let key = (partition.raw(), &set.kind, &set.locale);
        transaction.execute(
            "DELETE FROM text_set WHERE tenant = ?1 AND kind = ?2 AND locale = ?3",
            key,
        )?;
        if !set.content.is_empty() {
            let (tenant, kind, locale) = key;
            transaction.execute(
                "INSERT INTO text_set (tenant, kind, locale, media, content)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                (tenant, kind, locale, &set.media, &set.content),
            )?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<TextSet> {
    Ok(TextSet {
        kind: row.get(0)?,
        locale: row.get(1)?,
        media: row.get(2)?,
        content: row.get(3)?,
    })
}
