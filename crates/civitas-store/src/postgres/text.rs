//! Texts of tenants.

use civitas_directory::{tenant::Partition, text::TextSet};
use tokio_postgres::Row;

use super::{
    error::Outcome as Done,
    pool::{Connection, Step, Transaction},
    record::text,
    registry::Outcome,
};

pub(super) async fn one(
    connection: &Connection,
    partition: Partition,
    kind: &str,
    locale: &str,
) -> Outcome<Option<TextSet>> {
    let found = connection
        .row(
            "SELECT kind, locale, media, content FROM text_set
             WHERE tenant = $1 AND kind = $2 AND locale = $3",
            &[&partition.raw(), &kind.as_bytes(), &locale.as_bytes()],
        )
        .await?;
    Ok(found.map(|row| read(&row)).transpose()?)
}

pub(super) async fn all(connection: &Connection, partition: Partition) -> Outcome<Vec<TextSet>> {
    let rows = connection
        .query(
            "SELECT kind, locale, media, content FROM text_set
             WHERE tenant = $1 ORDER BY kind, locale",
            &[&partition.raw()],
        )
        .await?;
    Ok(rows.iter().map(read).collect::<Done<_>>()?)
}

pub(super) async fn set(
    connection: &Connection,
    partition: Partition,
    sets: &[TextSet],
) -> Outcome<()> {
    let tenant = partition.raw();
    connection.begin(Transaction::Writing, Vec::new()).await?;
    let mut steps = Vec::new();
    for set in sets {
        let (kind, locale) = (set.kind.as_bytes(), set.locale.as_bytes());
        steps.push(
            Step::new("DELETE FROM text_set WHERE tenant = $1 AND kind = $2 AND locale = $3")
                .with(tenant)
                .with(kind)
                .with(locale),
        );
        if !set.content.is_empty() {
            steps.push(
                Step::new(
                    "INSERT INTO text_set (tenant, kind, locale, media, content)
                     VALUES ($1, $2, $3, $4, $5)",
                )
                .with(tenant)
                .with(kind)
                .with(locale)
                .with(set.media.as_bytes())
                .with(set.content.as_bytes()),
            );
        }
    }
    Ok(connection.commit(steps).await?)
}

fn read(row: &Row) -> Done<TextSet> {
    Ok(TextSet {
        kind: text(row, 0)?,
        locale: text(row, 1)?,
        media: text(row, 2)?,
        content: text(row, 3)?,
    })
}
