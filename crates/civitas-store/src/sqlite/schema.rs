//! The tables, their history, and how a connection is set up. All tables refer to resources by
//! their rid.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, Result};
use rusqlite_migration::{M, Migrations};

pub(super) use crate::rid::{BLOCK_BITS, kind_of, last_of, ordinal_of, rid};

/// How long a process waits for another that writes to the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Never edit a migration that has been released: add one.
const STEPS: &[M<'_>] = &[
    M::up(include_str!("migrations/0001_directory.sql")),
    M::up(include_str!("migrations/0002_client_profile.sql")),
    M::up(include_str!("migrations/0003_settings.sql")),
    M::up(include_str!("migrations/0004_stage.sql")),
    M::up(include_str!("migrations/0005_feed.sql")),
    M::up(include_str!("migrations/0006_job.sql")),
    M::up(include_str!("migrations/0007_catalogue.sql")),
    M::up(include_str!("migrations/0008_client_account.sql")),
    M::up(include_str!("migrations/0009_stream.sql")),
    M::up(include_str!("migrations/0010_credential.sql")),
    M::up(include_str!("migrations/0011_application.sql")),
    M::up(include_str!("migrations/0012_retry.sql")),
    M::up(include_str!("migrations/0013_mail.sql")),
    M::up(include_str!("migrations/0014_client_proof.sql")),
    M::up(include_str!("migrations/0015_file.sql")),
];
const MIGRATIONS: Migrations<'_> = Migrations::from_slice(STEPS);

/// Opens a connection with what holds for readers and the writer.
pub(super) fn connect(file: &Path, cache_kib: u32) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.pragma_update(None, "cache_size", -i64::from(cache_kib))?;
    connection.pragma_update(None, "temp_store", "memory")?;
    // Consistency is by rid and checked by `verify`; checks per row would cost look-ups.
    connection.pragma_update(None, "foreign_keys", false)?;
    Ok(connection)
}

/// Opens the connection that writes.
pub(super) fn connect_writer(file: &Path, cache_kib: u32, checkpoint: u32) -> Result<Connection> {
    let connection = connect(file, cache_kib)?;
    connection.pragma_update(None, "page_size", 4096)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")?;
    let journal_bytes = i64::from(checkpoint) * 4096 * 2;
    connection.pragma_update_and_check(None, "journal_size_limit", journal_bytes, |_| Ok(()))?;
    Ok(connection)
}

/// Opens a connection that only writes the log back, which needs no page cache.
pub(super) fn connect_checkpointer(file: &Path) -> Result<Connection> {
    let connection = connect(file, 16)?;
    connection.pragma_update(None, "synchronous", "full")?;
    Ok(connection)
}

/// Opens a connection that reads.
pub(super) fn connect_reader(file: &Path, cache_kib: u32) -> Result<Connection> {
    let connection = connect(file, cache_kib)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Brings the tables to the form of this version.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite_migration::Result<()> {
    MIGRATIONS.to_latest(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_apply_to_an_empty_file() {
        MIGRATIONS.validate().unwrap();
    }

    /// Before, a client had one secret, and an application said what it was not good for.
    #[test]
    fn clients_of_before_keep_their_secrets() {
        use civitas_directory::{
            client::{Secret, SecretScopes},
            tenant::Partition,
        };
        let mut connection = Connection::open_in_memory().unwrap();
        // As connections to files are set up.
        connection
            .pragma_update(None, "foreign_keys", false)
            .unwrap();
        MIGRATIONS.to_version(&mut connection, 13).unwrap();
        let application = |manages: bool| format!(r#"{{"name":"A","manages_users":{manages}}}"#);
        for (id, hash, application) in [
            ("a", "$argon2id$a", None),
            ("b", "", None),
            ("c", "$c", Some(application(true))),
            ("d", "$d", Some(application(false))),
        ] {
            let sql = "INSERT INTO client (tenant, id, secret_hash, roles, enabled, application)
                 VALUES (7, ?1, ?2, 'read', 1, ?3)";
            connection.execute(sql, (id, hash, application)).unwrap();
        }
        migrate(&mut connection).unwrap();
        let clients = super::super::registry::clients(&connection, Partition::from_raw(7));
        let clients = clients.unwrap();
        let secrets: Vec<_> = clients.iter().map(|it| it.secrets.as_slice()).collect();
        let lesser = Secret {
            scopes: SecretScopes::parse("application openid").unwrap(),
            ..Secret::plain("$d".into())
        };
        let plain = |hash: &str| Secret::plain(hash.into());
        assert_eq!(
            secrets,
            [&[plain("$argon2id$a")][..], &[], &[plain("$c")], &[lesser],]
        );
        assert_eq!(clients[3].application.as_ref().unwrap().name, "A");
    }

    #[test]
    fn connections_share_no_page_cache_and_count_no_memory() {
        let connection = Connection::open_in_memory().unwrap();
        let mut options = connection.prepare("PRAGMA compile_options").unwrap();
        let options: Vec<String> = options
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_>>()
            .unwrap();
        assert!(
            options.contains(&"DEFAULT_MEMSTATUS=0".into()),
            "{options:?}"
        );
        assert!(
            !options.contains(&"ENABLE_MEMORY_MANAGEMENT".into()),
            "{options:?}"
        );
    }
}
