//! Tenants, clients and secrets: rarely read, more rarely written.

use std::sync::Arc;

use civitas_directory::{
    catalogue::{Catalogue, Definitions},
    client::{Client, ClientChange, ClientRefusal, DistinguishedName, Roles},
    clock::Clock,
    credential::{Lockout, LockoutChange, Verdict},
    record::{Timestamp, Version},
    settings::{Change, Settings},
    store::RegistryError,
    tenant::{Partition, Stage, Tenant},
};
use civitas_scim::tolerance::{Kind, Profile};
use tokio_postgres::Row;

use super::{
    catalogue,
    error::{Fault, RegistryFault},
    news,
    pool::{Connection, Parameter, Step, Transaction},
    record::text,
};
use crate::credential;

pub(super) type Outcome<T> = Result<T, RegistryFault>;

/// The number that stands for all tenants in the table of settings.
const SERVER: i64 = 0;

/// A tenant with all that belongs to it, in one row.
const TENANT: &str = "SELECT t.id, t.name,
        ARRAY(SELECT h.name FROM host h WHERE h.tenant = t.id ORDER BY h.name),
        ARRAY(SELECT s.name FROM setting s WHERE s.tenant = t.id ORDER BY s.name),
        ARRAY(SELECT s.value FROM setting s WHERE s.tenant = t.id ORDER BY s.name),
        p.generation, p.last, p.catalogue, c.definitions, g.frozen_at, g.ahead_ms, g.seed
    FROM tenant t JOIN partition p ON p.id = t.id
    LEFT JOIN catalogue c ON c.partition = t.id
    LEFT JOIN stage g ON g.partition = t.id";

pub(super) async fn tenants(connection: &Connection) -> Outcome<Vec<Tenant>> {
    let rows = connection
        .query(&format!("{TENANT} ORDER BY t.name"), &[])
        .await?;
    let mut tenants = Vec::with_capacity(rows.len());
    for row in &rows {
        tenants.push(tenant(connection, row).await?);
    }
    Ok(tenants)
}

pub(super) async fn tenant_by_name(connection: &Connection, name: &str) -> Outcome<Option<Tenant>> {
    let sql = format!("{TENANT} WHERE t.name = $1");
    match connection.row(&sql, &[&name]).await? {
        Some(row) => tenant(connection, &row).await.map(Some),
        None => Ok(None),
    }
}

pub(super) async fn tenant_by_host(connection: &Connection, host: &str) -> Outcome<Option<Tenant>> {
    // No host name holds this character, and a column of text takes none that does.
    if host.contains('\0') {
        return Ok(None);
    }
    let sql = format!("{TENANT} JOIN host h ON h.tenant = t.id WHERE h.name = $1");
    match connection.row(&sql, &[&host]).await? {
        Some(row) => tenant(connection, &row).await.map(Some),
        None => Ok(None),
    }
}

async fn tenant(connection: &Connection, row: &Row) -> Outcome<Tenant> {
    let get = |error: tokio_postgres::Error| Fault::from(error);
    let id: i64 = row.try_get(0).map_err(get)?;
    let names: Vec<&str> = row.try_get(3).map_err(get)?;
    let values: Vec<&str> = row.try_get(4).map_err(get)?;
    let generation = row.try_get(5).map_err(get)?;
    let version = Version(row.try_get(7).map_err(get)?);
    let catalogue = match row.try_get(8).map_err(get)? {
        Some(definitions) => catalogue::of(connection, id, version, definitions).await?,
        None => Catalogue::standard(),
    };
    let frozen_at: Option<i64> = row.try_get(9).map_err(get)?;
    let ahead_ms: Option<i64> = row.try_get(10).map_err(get)?;
    let seed: Option<i64> = row.try_get(11).map_err(get)?;
    Ok(Tenant {
        name: row.try_get(1).map_err(get)?,
        hosts: row.try_get(2).map_err(get)?,
        partition: Partition::from_raw(id).in_generation(generation),
        catalogue,
        settings: Settings::stored(names.into_iter().zip(values)),
        stage: Stage {
            clock: match frozen_at {
                Some(at) => Clock::Frozen { at: Timestamp(at) },
                None => Clock::Running {
                    ahead_ms: ahead_ms.unwrap_or_default(),
                },
            },
            seed: seed.map(i64::cast_unsigned),
        },
        last_event: Version(row.try_get(6).map_err(get)?),
    })
}

pub(super) async fn server_settings(connection: &Connection) -> Outcome<Settings> {
    let rows = connection
        .query(
            "SELECT name, value FROM setting WHERE tenant = $1",
            &[&SERVER],
        )
        .await?;
    let mut stored: Vec<(String, String)> = Vec::with_capacity(rows.len());
    for row in &rows {
        let get = |at| row.try_get(at).map_err(Fault::from);
        stored.push((get(0)?, get(1)?));
    }
    let stored = stored.iter();
    Ok(Settings::stored(
        stored.map(|(name, value)| (name.as_str(), value.as_str())),
    ))
}

pub(super) async fn change_settings(
    connection: &Connection,
    of: Option<Partition>,
    changes: &[Change],
) -> Outcome<()> {
    let check = of.map(|partition| Step::new(TENANT_EXISTS).with(partition.raw()));
    let checks = check.into_iter().collect();
    let found = connection.begin(Transaction::Writing, checks).await?;
    if found.first().is_some_and(Vec::is_empty) {
        connection.roll_back();
        return Err(missing_tenant());
    }
    let tenant = of.map_or(SERVER, Partition::raw);
    let steps = changes.iter().map(|change| {
        let name = change.key().name();
        match change.value() {
            Some(value) => Step::new(
                "INSERT INTO setting (tenant, name, value) VALUES ($1, $2, $3)
                 ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value",
            )
            .with(tenant)
            .with(name)
            .with(value),
            None => Step::new("DELETE FROM setting WHERE tenant = $1 AND name = $2")
                .with(tenant)
                .with(name),
        }
    });
    let steps = steps.chain([news::tell()]).collect();
    Ok(connection.commit(steps).await?)
}

pub(super) async fn set_stage(
    connection: &Connection,
    partition: Partition,
    stage: Stage,
) -> Outcome<()> {
    check_tenant(connection, partition).await?;
    let (frozen_at, ahead_ms) = match stage.clock {
        Clock::Frozen { at } => (Some(at.0), 0),
        Clock::Running { ahead_ms } => (None, ahead_ms),
    };
    let seed = stage.seed.map(u64::cast_signed);
    connection
        .execute(
            "INSERT INTO stage (partition, frozen_at, ahead_ms, seed) VALUES ($1, $2, $3, $4)
             ON CONFLICT (partition) DO UPDATE SET frozen_at = excluded.frozen_at,
                 ahead_ms = excluded.ahead_ms, seed = excluded.seed",
            &[&partition.raw(), &frozen_at, &ahead_ms, &seed],
        )
        .await?;
    news::told(connection).await
}

pub(super) async fn rehearsals(connection: &Connection, partition: Partition) -> Outcome<String> {
    check_tenant(connection, partition).await?;
    let found = connection
        .row(
            "SELECT text FROM rehearsal WHERE tenant = $1",
            &[&partition.raw()],
        )
        .await?;
    Ok(found
        .map(|row| text(&row, 0))
        .transpose()?
        .unwrap_or_default())
}

pub(super) async fn set_rehearsals(
    connection: &Connection,
    partition: Partition,
    text: &str,
) -> Outcome<()> {
    check_tenant(connection, partition).await?;
    connection
        .execute(
            "INSERT INTO rehearsal (tenant, text) VALUES ($1, $2)
             ON CONFLICT (tenant) DO UPDATE SET text = excluded.text",
            &[&partition.raw(), &text.as_bytes()],
        )
        .await?;
    Ok(())
}

const TENANT_EXISTS: &str = "SELECT 1 FROM tenant WHERE id = $1";

fn missing_tenant() -> RegistryFault {
    RegistryError::Missing("tenant".into()).into()
}

/// Refuses what is said of a tenant that is not there.
pub(super) async fn check_tenant(connection: &Connection, partition: Partition) -> Outcome<()> {
    match connection.row(TENANT_EXISTS, &[&partition.raw()]).await? {
        Some(_) => Ok(()),
        None => Err(missing_tenant()),
    }
}

pub(super) async fn create_tenant(
    connection: &Connection,
    name: &str,
    hosts: &[String],
) -> Outcome<Tenant> {
    let insert = Step::new("INSERT INTO tenant (name) VALUES ($1) RETURNING id").with(name);
    let inserted = connection.begin(Transaction::Writing, vec![insert]).await;
    let inserted = inserted.map_err(|fault| taken(fault, name))?;
    let id: i64 = inserted[0][0].try_get(0).map_err(Fault::from)?;
    connection
        .execute("INSERT INTO partition (id) VALUES ($1)", &[&id])
        .await?;
    for host in hosts {
        let inserted = connection
            .execute(
                "INSERT INTO host (name, tenant) VALUES ($1, $2)",
                &[host, &id],
            )
            .await;
        inserted.map_err(|fault| taken(fault, host))?;
    }
    connection.commit(vec![news::tell()]).await?;
    Ok(Tenant {
        name: name.into(),
        hosts: {
            let mut hosts = hosts.to_vec();
            hosts.sort();
            hosts
        },
        partition: Partition::from_raw(id),
        catalogue: Catalogue::standard(),
        settings: Settings::default(),
        stage: Stage::default(),
        last_event: Version(0),
    })
}

/// What a value that is not unique is to whoever gave it.
fn taken(fault: Fault, value: &str) -> RegistryFault {
    let value = value.to_owned();
    match fault {
        Fault::Taken(constraint) => match constraint.as_str() {
            "tenant_name" => RegistryError::TenantExists(value).into(),
            "host_name" => RegistryError::HostTaken(value).into(),
            "client_id" => RegistryError::ClientExists(value).into(),
            _ => Fault::Taken(constraint).into(),
        },
        fault => fault.into(),
    }
}

/// A client, in the order in which [`client_of`] takes it.
const CLIENT: &str = "SELECT id, secrets, roles, enabled, profile, account, application,
    ARRAY(SELECT subject FROM client_certificate
          WHERE tenant = client.tenant AND client = client.id ORDER BY subject)
    FROM client";

pub(super) async fn client(
    connection: &Connection,
    partition: Partition,
    id: &str,
) -> Outcome<Option<Client>> {
    let found = connection
        .row(
            &format!("{CLIENT} WHERE tenant = $1 AND id = $2"),
            &[&partition.raw(), &id.as_bytes()],
        )
        .await?;
    Ok(found.map(|row| client_of(&row)).transpose()?)
}

pub(super) async fn clients(connection: &Connection, partition: Partition) -> Outcome<Vec<Client>> {
    let rows = connection
        .query(
            &format!("{CLIENT} WHERE tenant = $1 ORDER BY id"),
            &[&partition.raw()],
        )
        .await?;
    Ok(rows.iter().map(client_of).collect::<Result<_, _>>()?)
}

pub(super) async fn client_by_certificate(
    connection: &Connection,
    partition: Partition,
    subject: &DistinguishedName,
) -> Outcome<Option<Client>> {
    let found = connection
        .row(
            &format!(
                "{CLIENT} WHERE tenant = $1 AND id = (
                     SELECT client FROM client_certificate WHERE tenant = $1 AND subject = $2)"
            ),
            &[&partition.raw(), &subject.as_str()],
        )
        .await?;
    Ok(found.map(|row| client_of(&row)).transpose()?)
}

fn client_of(row: &Row) -> Result<Client, Fault> {
    let secrets: &str = row.try_get(1)?;
    let roles: &str = row.try_get(2)?;
    let profile: &str = row.try_get(4)?;
    let account: Option<&str> = row.try_get(5)?;
    let application: Option<&str> = row.try_get(6)?;
    let certificates: Vec<String> = row.try_get(7)?;
    let certificates = certificates.into_iter();
    Ok(Client {
        id: text(row, 0)?,
        // Secrets that this version does not understand prove nothing.
        secrets: serde_json::from_str(secrets).unwrap_or_default(),
        certificates: certificates.map(DistinguishedName::stored).collect(),
        // A role that this version does not know is no right.
        roles: Roles::parse(roles).unwrap_or_default(),
        enabled: row.try_get(3)?,
        // Nothing is tolerated by a name that this version does not know.
        profile: Profile::parse(profile).unwrap_or(Profile::of(Kind::Strict)),
        // An account that this version does not understand proves nothing.
        account: account.and_then(|it| serde_json::from_str(it).ok()),
        application: application.and_then(|it| serde_json::from_str(it).ok()),
    })
}

fn names(roles: Roles) -> String {
    let names: Vec<&str> = roles.iter().map(civitas_directory::Role::name).collect();
    names.join(" ")
}

pub(super) async fn create_client(
    connection: &Connection,
    partition: Partition,
    client: &Client,
) -> Outcome<()> {
    client.check_certificates().map_err(RegistryError::from)?;
    check_tenant(connection, partition).await?;
    let inserted = connection.begin(Transaction::Writing, vec![insert(partition, client)?]);
    let bound = match inserted.await {
        Ok(_) => rebind(connection, partition, &client.id, &[], &client.certificates).await,
        Err(fault) => Err(taken(fault, &client.id)),
    };
    if bound.is_err() {
        connection.roll_back();
    }
    bound?;
    connection.commit(Vec::new()).await?;
    news::told(connection).await
}

pub(super) async fn replace_client(
    connection: &Connection,
    partition: Partition,
    client: &Client,
) -> Outcome<()> {
    let rows = connection.pipeline(&[update(partition, client)?]).await?;
    if rows[0].is_empty() {
        return Err(RegistryError::Missing(format!("client {}", client.id)).into());
    }
    news::told(connection).await
}

pub(super) async fn change_client(
    connection: &Connection,
    partition: Partition,
    id: &str,
    change: ClientChange,
) -> Outcome<Client> {
    let read = Step::new(format!(
        "{CLIENT} WHERE tenant = $1 AND id = $2 FOR UPDATE OF client"
    ))
    .with(partition.raw())
    .with(id.as_bytes());
    let found = connection.begin(Transaction::Writing, vec![read]).await?;
    let changed = changed(connection, partition, id, found[0].first(), change).await;
    if changed.is_err() {
        connection.roll_back();
    }
    let changed = changed?;
    connection
        .commit(vec![update(partition, &changed)?])
        .await?;
    news::told(connection).await?;
    Ok(changed)
}

/// What comes of a client that was read, with its certificates written.
async fn changed(
    connection: &Connection,
    partition: Partition,
    id: &str,
    row: Option<&Row>,
    change: ClientChange,
) -> Outcome<Client> {
    let before = row.map(client_of).transpose()?;
    let before = before.ok_or_else(|| RegistryError::Missing(format!("client {id}")))?;
    let mut after = before.clone();
    change.apply(&mut after).map_err(RegistryError::from)?;
    let (had, has) = (&before.certificates, &after.certificates);
    rebind(connection, partition, id, had, has).await?;
    Ok(after)
}

/// Has certificates be a client's in place of those that it had, unless they are another's.
async fn rebind(
    connection: &Connection,
    partition: Partition,
    id: &str,
    had: &[DistinguishedName],
    has: &[DistinguishedName],
) -> Outcome<()> {
    for subject in had.iter().filter(|it| !has.contains(it)) {
        let sql = "DELETE FROM client_certificate WHERE tenant = $1 AND subject = $2";
        let parameters: [Parameter<'_>; 2] = [&partition.raw(), &subject.as_str()];
        connection.execute(sql, &parameters).await?;
    }
    for subject in has.iter().filter(|it| !had.contains(it)) {
        // Waits for whoever binds the same one in a transaction that has not ended.
        let sql = "INSERT INTO client_certificate (tenant, subject, client) VALUES ($1, $2, $3)
             ON CONFLICT DO NOTHING";
        let parameters: [Parameter<'_>; 3] = [&partition.raw(), &subject.as_str(), &id.as_bytes()];
        if connection.execute(sql, &parameters).await? == 0 {
            return Err(RegistryError::from(ClientRefusal::Bound(subject.clone())).into());
        }
    }
    Ok(())
}

fn insert(partition: Partition, client: &Client) -> Outcome<Step<'static>> {
    let sql = "INSERT INTO client
             (tenant, id, secrets, roles, enabled, profile, account, application)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    written(sql, partition, client)
}

/// Gives a row if the client is there.
fn update(partition: Partition, client: &Client) -> Outcome<Step<'static>> {
    let sql = "UPDATE client SET secrets = $3, roles = $4, enabled = $5, profile = $6,
             account = $7, application = $8
         WHERE tenant = $1 AND id = $2 RETURNING id";
    written(sql, partition, client)
}

fn written(sql: &'static str, partition: Partition, client: &Client) -> Outcome<Step<'static>> {
    let account = client.account.as_ref();
    let application = client.application.as_ref();
    let secrets = serde_json::to_string(&client.secrets);
    let secrets = secrets.map_err(|error| RegistryError::Unavailable(error.to_string()))?;
    Ok(Step::new(sql)
        .with(partition.raw())
        .with(client.id.clone().into_bytes())
        .with(secrets)
        .with(names(client.roles))
        .with(client.enabled)
        .with(client.profile.to_string())
        .with(account.and_then(|it| serde_json::to_string(it).ok()))
        .with(application.and_then(|it| serde_json::to_string(it).ok())))
}

/// Replaces a secret that is still `old`; whether it was.
pub(super) async fn replace_secret(
    connection: &Connection,
    name: &str,
    old: &[u8],
    new: &[u8],
) -> Outcome<bool> {
    let updated = connection
        .execute(
            "UPDATE secret SET value = $3 WHERE name = $1 AND value = $2",
            &[&name, &old, &new],
        )
        .await?;
    Ok(updated > 0)
}

/// The stored secret of that name; the first to come stores its own.
pub(super) async fn secret(connection: &Connection, name: &str, fresh: &[u8]) -> Outcome<Vec<u8>> {
    connection
        .execute(
            "INSERT INTO secret (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            &[&name, &fresh],
        )
        .await?;
    let stored: Option<Vec<u8>> = connection
        .value("SELECT value FROM secret WHERE name = $1", &[&name])
        .await?;
    Ok(stored.unwrap_or_default())
}

/// The catalogue of a partition.
pub(super) async fn catalogue_of(
    connection: &Connection,
    partition: i64,
) -> Outcome<Arc<Catalogue>> {
    let found = connection
        .row(
            "SELECT p.catalogue, c.definitions
             FROM partition p JOIN catalogue c ON c.partition = p.id WHERE p.id = $1",
            &[&partition],
        )
        .await?;
    let Some(row) = found else {
        return Ok(Catalogue::standard());
    };
    let version = Version(row.try_get(0).map_err(Fault::from)?);
    let definitions = row.try_get(1).map_err(Fault::from)?;
    catalogue::of(connection, partition, version, definitions).await
}

/// Definitions as they are stored.
pub(super) fn definitions(text: &str) -> Outcome<Definitions> {
    Definitions::parse(text).map_err(|error| RegistryError::Unavailable(error.to_string()).into())
}

const LOCKOUT: &str = "SELECT text FROM client_lockout WHERE tenant = $1 AND client = $2";

/// Wrong secrets of a client.
pub(super) async fn lockout(
    connection: &Connection,
    partition: Partition,
    id: &str,
) -> Outcome<Lockout> {
    let found = connection
        .row(LOCKOUT, &[&partition.raw(), &id.as_bytes()])
        .await?;
    let text = found.map(|row| text(&row, 0)).transpose()?;
    Ok(credential::lockout(text.as_deref())?)
}

pub(super) async fn change_lockout(
    connection: &Connection,
    partition: Partition,
    id: &str,
    change: LockoutChange,
) -> Outcome<Verdict> {
    let (tenant, key) = (partition.raw(), id.as_bytes());
    // The first to come makes the row that all lock.
    let steps = vec![
        Step::new(
            "INSERT INTO client_lockout (tenant, client, text) VALUES ($1, $2, '{\"failed\":0}')
             ON CONFLICT DO NOTHING",
        )
        .with(tenant)
        .with(key),
        Step::new("SELECT text FROM client_lockout WHERE tenant = $1 AND client = $2 FOR UPDATE")
            .with(tenant)
            .with(key),
    ];
    let found = connection.begin(Transaction::Writing, steps).await?;
    let kept = found[1].first().map(|row| text(row, 0)).transpose()?;
    let decided = credential::lockout(kept.as_deref()).and_then(|before| {
        let mut after = before;
        let verdict = change.apply(&mut after);
        Ok((verdict, credential::lockout_text(&after)?))
    });
    let (verdict, text) = match decided {
        Ok(decided) => decided,
        Err(unreadable) => {
            connection.roll_back();
            return Err(unreadable.into());
        }
    };
    let update = Step::new("UPDATE client_lockout SET text = $3 WHERE tenant = $1 AND client = $2")
        .with(tenant)
        .with(key)
        .with(text.into_bytes());
    connection.commit(vec![update]).await?;
    Ok(verdict)
}
