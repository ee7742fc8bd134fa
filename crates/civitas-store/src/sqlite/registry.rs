//! Tenants, clients and secrets: rarely read, more rarely written.

use civitas_directory::{
    client::{Client, ClientChange, ClientRefusal, DistinguishedName, Roles},
    clock::Clock,
    credential::{Lockout, LockoutChange, Verdict},
    record::{Timestamp, Version},
    settings::{Change, Settings},
    store::RegistryError,
    tenant::{Partition, Stage, Tenant},
};
use civitas_scim::tolerance::{Kind, Profile};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior};

use super::{catalogue, error::RegistryFault};
use crate::credential;

type Outcome<T> = Result<T, RegistryFault>;

pub(super) fn tenants(connection: &Connection) -> Outcome<Vec<Tenant>> {
    let mut statement = connection.prepare_cached("SELECT id, name FROM tenant ORDER BY name")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let tenants: Vec<(i64, String)> = rows.collect::<rusqlite::Result<_>>()?;
    let tenants = tenants.into_iter();
    tenants
        .map(|(id, name)| tenant(connection, id, name))
        .collect()
}

pub(super) fn tenant_by_name(connection: &Connection, name: &str) -> Outcome<Option<Tenant>> {
    let found = connection
        .prepare_cached("SELECT id FROM tenant WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    found
        .map(|id| tenant(connection, id, name.to_owned()))
        .transpose()
}

pub(super) fn tenant_by_host(connection: &Connection, host: &str) -> Outcome<Option<Tenant>> {
    let found = connection
        .prepare_cached(
            "SELECT t.id, t.name FROM host h JOIN tenant t ON t.id = h.tenant WHERE h.name = ?1",
        )?
        .query_row([host], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    found
        .map(|(id, name)| tenant(connection, id, name))
        .transpose()
}

fn tenant(connection: &Connection, id: i64, name: String) -> Outcome<Tenant> {
    let hosts = connection
        .prepare_cached("SELECT name FROM host WHERE tenant = ?1 ORDER BY name")?
        .query_map([id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let (generation, last) = connection
        .prepare_cached("SELECT generation, last FROM partition WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .unwrap_or_default();
    Ok(Tenant {
        name,
        hosts,
        partition: Partition::from_raw(id).in_generation(generation),
        catalogue: catalogue::catalogue(connection, id)?,
        settings: settings(connection, id)?,
        stage: stage(connection, id)?,
        last_event: Version(last),
    })
}

/// The number that stands for all tenants in the table of settings.
const SERVER: i64 = 0;

pub(super) fn server_settings(connection: &Connection) -> Outcome<Settings> {
    settings(connection, SERVER)
}

fn settings(connection: &Connection, tenant: i64) -> Outcome<Settings> {
    let stored: Vec<(String, String)> = connection
        .prepare_cached("SELECT name, value FROM setting WHERE tenant = ?1")?
        .query_map([tenant], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let stored = stored.iter();
    Ok(Settings::stored(
        stored.map(|(name, value)| (name.as_str(), value.as_str())),
    ))
}

pub(super) fn change_settings(
    connection: &mut Connection,
    of: Option<Partition>,
    changes: &[Change],
) -> Outcome<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(partition) = of {
        check_tenant(&transaction, partition)?;
    }
    let tenant = of.map_or(SERVER, Partition::raw);
    for change in changes {
        let name = change.key().name();
        match change.value() {
            Some(value) => transaction.execute(
                "INSERT OR REPLACE INTO setting (tenant, name, value) VALUES (?1, ?2, ?3)",
                (tenant, name, value),
            )?,
            None => transaction.execute(
                "DELETE FROM setting WHERE tenant = ?1 AND name = ?2",
                (tenant, name),
            )?,
        };
    }
    transaction.commit()?;
    Ok(())
}

fn stage(connection: &Connection, partition: i64) -> Outcome<Stage> {
    let stage = connection
        .prepare_cached("SELECT frozen_at, ahead_ms, seed FROM stage WHERE partition = ?1")?
        .query_row([partition], |row| {
            let clock = match row.get(0)? {
                Some(at) => Clock::Frozen { at: Timestamp(at) },
                None => Clock::Running {
                    ahead_ms: row.get(1)?,
                },
            };
            let seed: Option<i64> = row.get(2)?;
            Ok(Stage {
                clock,
                seed: seed.map(i64::cast_unsigned),
            })
        })
        .optional()?;
    Ok(stage.unwrap_or_default())
}

pub(super) fn set_stage(
    connection: &mut Connection,
    partition: Partition,
    stage: Stage,
) -> Outcome<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    check_tenant(&transaction, partition)?;
    let (frozen_at, ahead_ms) = match stage.clock {
        Clock::Frozen { at } => (Some(at.0), 0),
        Clock::Running { ahead_ms } => (None, ahead_ms),
    };
    let seed = stage.seed.map(u64::cast_signed);
    transaction.execute(
        "INSERT OR REPLACE INTO stage (partition, frozen_at, ahead_ms, seed)
         VALUES (?1, ?2, ?3, ?4)",
        (partition.raw(), frozen_at, ahead_ms, seed),
    )?;
    transaction.commit()?;
    Ok(())
}

pub(super) fn rehearsals(connection: &Connection, partition: Partition) -> Outcome<String> {
    check_tenant(connection, partition)?;
    let text = connection
        .prepare_cached("SELECT text FROM rehearsal WHERE tenant = ?1")?
        .query_row([partition.raw()], |row| row.get(0))
        .optional()?;
    Ok(text.unwrap_or_default())
}

pub(super) fn set_rehearsals(
    connection: &mut Connection,
    partition: Partition,
    text: &str,
) -> Outcome<()> {
    check_tenant(connection, partition)?;
    connection.execute(
        "INSERT OR REPLACE INTO rehearsal (tenant, text) VALUES (?1, ?2)",
        (partition.raw(), text),
    )?;
    Ok(())
}

/// Refuses what is said of a tenant that is not there.
pub(super) fn check_tenant(connection: &Connection, partition: Partition) -> Outcome<()> {
    let found = connection
        .prepare_cached("SELECT 1 FROM tenant WHERE id = ?1")?
        .exists([partition.raw()])?;
    if found {
        return Ok(());
    }
    Err(RegistryError::Missing("tenant".into()).into())
}

pub(super) fn create_tenant(
    connection: &mut Connection,
    name: &str,
    hosts: &[String],
) -> Outcome<Tenant> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let inserted =
        transaction.execute("INSERT OR IGNORE INTO tenant (name) VALUES (?1)", [name])?;
    if inserted == 0 {
        return Err(RegistryError::TenantExists(name.into()).into());
    }
    let id = transaction.last_insert_rowid();
    transaction.execute(
        "INSERT INTO partition (id, generation, last) VALUES (?1, 0, 0)",
        [id],
    )?;
    for host in hosts {
        let inserted = transaction.execute(
            "INSERT OR IGNORE INTO host (name, tenant) VALUES (?1, ?2)",
            (host, id),
        )?;
        if inserted == 0 {
            return Err(RegistryError::HostTaken(host.clone()).into());
        }
    }
    let created = tenant(&transaction, id, name.into())?;
    transaction.commit()?;
    Ok(created)
}

/// A client, in the order in which [`client_of`] takes it.
const CLIENT: &str = "SELECT id, secrets, roles, enabled, profile, account, application,
    (SELECT json_group_array(subject ORDER BY subject) FROM client_certificate
     WHERE tenant = client.tenant AND client = client.id)
    FROM client";

pub(super) fn client(
    connection: &Connection,
    partition: Partition,
    id: &str,
) -> Outcome<Option<Client>> {
    let found = connection
        .prepare_cached(&format!("{CLIENT} WHERE tenant = ?1 AND id = ?2"))?
        .query_row((partition.raw(), id), client_of)
        .optional()?;
    Ok(found)
}

pub(super) fn clients(connection: &Connection, partition: Partition) -> Outcome<Vec<Client>> {
    let clients = connection
        .prepare_cached(&format!("{CLIENT} WHERE tenant = ?1 ORDER BY id"))?
        .query_map([partition.raw()], client_of)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(clients)
}

pub(super) fn client_by_certificate(
    connection: &Connection,
    partition: Partition,
    subject: &DistinguishedName,
) -> Outcome<Option<Client>> {
    let found = connection
        .prepare_cached(&format!(
            "{CLIENT} WHERE tenant = ?1 AND id = (
                 SELECT client FROM client_certificate WHERE tenant = ?1 AND subject = ?2)"
        ))?
        .query_row((partition.raw(), subject.as_str()), client_of)
        .optional()?;
    Ok(found)
}

fn client_of(row: &Row<'_>) -> rusqlite::Result<Client> {
    let secrets: String = row.get(1)?;
    let roles: String = row.get(2)?;
    let profile: String = row.get(4)?;
    let account: Option<String> = row.get(5)?;
    let application: Option<String> = row.get(6)?;
    let certificates: String = row.get(7)?;
    let certificates: Vec<String> = serde_json::from_str(&certificates).unwrap_or_default();
    let certificates = certificates.into_iter();
    Ok(Client {
        id: row.get(0)?,
        // Secrets that this version does not understand prove nothing.
        secrets: serde_json::from_str(&secrets).unwrap_or_default(),
        certificates: certificates.map(DistinguishedName::stored).collect(),
        // A role that this version does not know is no right.
        roles: Roles::parse(&roles).unwrap_or_default(),
        enabled: row.get(3)?,
        // Nothing is tolerated by a name that this version does not know.
        profile: Profile::parse(&profile).unwrap_or(Profile::of(Kind::Strict)),
        // An account that this version does not understand proves nothing.
        account: account.and_then(|it| serde_json::from_str(&it).ok()),
        application: application.and_then(|it| serde_json::from_str(&it).ok()),
    })
}

fn account(client: &Client) -> Option<String> {
    let account = client.account.as_ref()?;
    serde_json::to_string(account).ok()
}

fn application(client: &Client) -> Option<String> {
    let application = client.application.as_ref()?;
    serde_json::to_string(application).ok()
}

fn secrets(client: &Client) -> Outcome<String> {
    let text = serde_json::to_string(&client.secrets);
    Ok(text.map_err(|error| RegistryError::Unavailable(error.to_string()))?)
}

fn names(roles: Roles) -> String {
    let names: Vec<&str> = roles.iter().map(civitas_directory::Role::name).collect();
    names.join(" ")
}

pub(super) fn create_client(
    connection: &mut Connection,
    partition: Partition,
    client: &Client,
) -> Outcome<()> {
    client.check_certificates().map_err(RegistryError::from)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    check_tenant(&transaction, partition)?;
    let inserted = transaction.execute(
        "INSERT OR IGNORE INTO client
         (tenant, id, secrets, roles, enabled, profile, account, application)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            partition.raw(),
            &client.id,
            secrets(client)?,
            names(client.roles),
            client.enabled,
            client.profile.to_string(),
            account(client),
            application(client),
        ),
    )?;
    if inserted == 0 {
        return Err(RegistryError::ClientExists(client.id.clone()).into());
    }
    for subject in &client.certificates {
        bind(&transaction, partition, &client.id, subject)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Has certificates of a subject be a client's, unless they are another's.
fn bind(
    connection: &Connection,
    partition: Partition,
    id: &str,
    subject: &DistinguishedName,
) -> Outcome<()> {
    let inserted = connection.execute(
        "INSERT OR IGNORE INTO client_certificate (tenant, subject, client) VALUES (?1, ?2, ?3)",
        (partition.raw(), subject.as_str(), id),
    )?;
    if inserted == 0 {
        return Err(RegistryError::from(ClientRefusal::Bound(subject.clone())).into());
    }
    Ok(())
}

pub(super) fn replace_client(
    connection: &mut Connection,
    partition: Partition,
    client: &Client,
) -> Outcome<()> {
    replace(connection, partition, client)
}

fn replace(connection: &Connection, partition: Partition, client: &Client) -> Outcome<()> {
    let updated = connection.execute(
        "UPDATE client SET secrets = ?3, roles = ?4, enabled = ?5, profile = ?6, account = ?7,
             application = ?8
         WHERE tenant = ?1 AND id = ?2",
        (
            partition.raw(),
            &client.id,
            secrets(client)?,
            names(client.roles),
            client.enabled,
            client.profile.to_string(),
            account(client),
            application(client),
        ),
    )?;
    if updated == 0 {
        return Err(RegistryError::Missing(format!("client {}", client.id)).into());
    }
    Ok(())
}

pub(super) fn change_client(
    connection: &mut Connection,
    partition: Partition,
    id: &str,
    change: ClientChange,
) -> Outcome<Client> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = client(&transaction, partition, id)?;
    let before = before.ok_or_else(|| RegistryError::Missing(format!("client {id}")))?;
    let mut after = before.clone();
    change.apply(&mut after).map_err(RegistryError::from)?;
    replace(&transaction, partition, &after)?;
    for subject in &before.certificates {
        if !after.certificates.contains(subject) {
            transaction.execute(
                "DELETE FROM client_certificate WHERE tenant = ?1 AND subject = ?2",
                (partition.raw(), subject.as_str()),
            )?;
        }
    }
    for subject in &after.certificates {
        if !before.certificates.contains(subject) {
            bind(&transaction, partition, id, subject)?;
        }
    }
    transaction.commit()?;
    Ok(after)
}

/// Replaces a secret that is still `old`; whether it was.
pub(super) fn replace_secret(
    connection: &mut Connection,
    name: &str,
    old: &[u8],
    new: &[u8],
) -> Outcome<bool> {
    let updated = connection.execute(
        "UPDATE secret SET value = ?3 WHERE name = ?1 AND value = ?2",
        (name, old, new),
    )?;
    Ok(updated > 0)
}

/// The secret of that name; the first to come stores its own.
pub(super) fn secret(connection: &mut Connection, name: &str, fresh: &[u8]) -> Outcome<Vec<u8>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "INSERT OR IGNORE INTO secret (name, value) VALUES (?1, ?2)",
        (name, fresh),
    )?;
    let kept =
        transaction.query_row("SELECT value FROM secret WHERE name = ?1", [name], |row| {
            row.get(0)
        })?;
    transaction.commit()?;
    Ok(kept)
}

/// Wrong secrets of a client.
pub(super) fn lockout(connection: &Connection, partition: Partition, id: &str) -> Outcome<Lockout> {
    let text: Option<String> = connection
        .prepare_cached("SELECT text FROM client_lockout WHERE tenant = ?1 AND client = ?2")?
        .query_row((partition.raw(), id), |row| row.get(0))
        .optional()?;
    Ok(credential::lockout(text.as_deref())?)
}

pub(super) fn change_lockout(
    connection: &mut Connection,
    partition: Partition,
    id: &str,
    change: LockoutChange,
) -> Outcome<Verdict> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = lockout(&transaction, partition, id)?;
    let mut after = before;
    let verdict = change.apply(&mut after);
    if after != before {
        transaction.execute(
            "INSERT INTO client_lockout (tenant, client, text) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET text = excluded.text",
            (partition.raw(), id, credential::lockout_text(&after)?),
        )?;
        transaction.commit()?;
    }
    Ok(verdict)
}
