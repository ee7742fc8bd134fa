//! The form of the tables, which only goes forward. One node at a time changes it.

use super::{
    error::{Fault, OpenPostgresError, Outcome},
    pool::Connection,
};

/// Never edit a step that has been released: add one.
const STEPS: &[(&str, &str)] = &[
    ("directory", include_str!("migrations/0001_directory.sql")),
    (
        "leases of jobs",
        include_str!("migrations/0002_job_lease.sql"),
    ),
    (
        "accounts of clients",
        include_str!("migrations/0003_client_account.sql"),
    ),
    (
        "streams of events, parts of jobs",
        include_str!("migrations/0004_stream.sql"),
    ),
    (
        "credentials",
        include_str!("migrations/0005_credential.sql"),
    ),
    (
        "applications",
        include_str!("migrations/0006_application.sql"),
    ),
    ("groups_of", include_str!("migrations/0007_groups_of.sql")),
    ("retries", include_str!("migrations/0008_retry.sql")),
    (
        "mails, links, texts",
        include_str!("migrations/0009_mail.sql"),
    ),
    (
        "secrets and certificates of clients",
        include_str!("migrations/0010_client_proof.sql"),
    ),
    ("files", include_str!("migrations/0011_file.sql")),
];

/// The lock that whoever changes the form of the tables holds: any number that nobody else
/// uses, and that of the schema.
const LOCK: &str = "SELECT pg_advisory_lock(706943, hashtext(current_schema()))";
const UNLOCK: &str = "SELECT pg_advisory_unlock(706943, hashtext(current_schema()))";

/// Brings the tables to the form of this version. Waits while another node does.
pub(super) async fn migrate(connection: &Connection) -> Result<(), OpenPostgresError> {
    let failed = |fault: Fault| OpenPostgresError::Database(fault.text());
    match done(connection).await.map_err(failed)? {
        done if done == STEPS.len() => return Ok(()),
        done if done > STEPS.len() => return Err(OpenPostgresError::Newer),
        _ => {}
    }
    connection.batch(LOCK).await.map_err(failed)?;
    let result = steps(connection).await;
    connection.batch(UNLOCK).await.map_err(failed)?;
    result
}

async fn steps(connection: &Connection) -> Result<(), OpenPostgresError> {
    let failed = |fault: Fault| OpenPostgresError::Database(fault.text());
    connection
        .batch(
            "CREATE TABLE IF NOT EXISTS migration (
                 number integer PRIMARY KEY,
                 name text NOT NULL,
                 at timestamptz NOT NULL DEFAULT now()
             )",
        )
        .await
        .map_err(failed)?;
    let done = done(connection).await.map_err(failed)?;
    if done > STEPS.len() {
        return Err(OpenPostgresError::Newer);
    }
    for (number, (name, sql)) in STEPS.iter().enumerate().skip(done) {
        tracing::info!(
            step = number + 1,
            of = STEPS.len(),
            name,
            "the form of the data is changed"
        );
        let note = format!(
            "INSERT INTO migration (number, name) VALUES ({}, '{name}')",
            number + 1
        );
        // Statements that are sent together are one transaction.
        let step = format!("{sql};\n{note}");
        connection.batch(&step).await.map_err(failed)?;
    }
    Ok(())
}

/// How many steps were done.
async fn done(connection: &Connection) -> Outcome<usize> {
    let there: Option<bool> = connection
        .value("SELECT to_regclass('migration') IS NOT NULL", &[])
        .await?;
    if there != Some(true) {
        return Ok(0);
    }
    let done: Option<i32> = connection
        .value("SELECT coalesce(max(number), 0) FROM migration", &[])
        .await?;
    Ok(done.unwrap_or_default().cast_unsigned() as usize)
}
