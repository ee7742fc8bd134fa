//! `civitas tenant`, `civitas client` and `civitas verify`.

use std::path::Path;

use civitas_directory::{
    Client, Roles,
    client::{Account, Application, ClientChange, Secret},
    credential::LockoutChange,
    public_key::PublicKey,
};
use civitas_scim::tolerance::{Kind, Profile, Switch};
use civitas_store::Options;

use crate::{
    cli, console,
    failure::Failure,
    proof::{self, Wanted},
    settings,
    source::find_tenant,
};

/// `civitas tenant …`
pub(crate) async fn tenant(command: cli::Tenant) -> Result<(), Failure> {
    match command {
        cli::Tenant::Create {
            name,
            hosts,
            source,
        } => {
            check_name(&name)?;
            let hosts = hosts
                .iter()
                .map(|host| check_host(host))
                .collect::<Result<Vec<_>, _>>()?;
            let store = source.location()?.open(&Options::default()).await?;
            let tenant = store.create_tenant(&name, &hosts).await.map_err(other)?;
            console::say(&format!(
                "tenant {} created; hosts: {}",
                tenant.name,
                list(&tenant.hosts)
            ));
        }
        cli::Tenant::List { source } => {
            for tenant in source
                .location()?
                .open_existing()
                .await?
                .tenants()
                .await
                .map_err(other)?
            {
                console::say(&format!("{}\t{}", tenant.name, list(&tenant.hosts)));
            }
        }
        cli::Tenant::Set {
            name,
            changes,
            source,
        } => settings::set(&name, &changes, &source).await?,
        cli::Tenant::Move { name, to, source } => {
            settings::relocate(&name, to, &source).await?;
        }
    }
    Ok(())
}

/// `civitas client …`
pub(crate) async fn client(command: cli::Client) -> Result<(), Failure> {
    match command {
        cli::Client::Create {
            id,
            tenant,
            role,
            application,
            secret,
            certificate,
            public_key,
            tolerated,
            source,
        } => {
            let wanted = Wanted::of(secret)?;
            let application = self::application(application)?;
            let roles = match (&role, &application) {
                (None, Some(_)) => Roles::NONE,
                (role, _) => roles(role.as_deref().unwrap_or("read"))?,
            };
            check_client_id(&id)?;
            let profile = profile(&tolerated, Profile::default())?;
            let store = source.location()?.open(&Options::default()).await?;
            let tenant = find_tenant(store.as_ref(), &tenant).await?;
            let client = nothing_shown(id, roles);
            let (client, told) = match (public_key, certificate) {
                (Some(file), _) => signing(client, &file)?,
                (None, Some(file)) => certified(client, &file)?,
                (None, None) => {
                    let (secret, drawn) = wanted.made(&tenant).await?;
                    let told = format!("secret (shown once): {}", drawn.text());
                    let secrets = vec![secret];
                    (Client { secrets, ..client }, told)
                }
            };
            let client = Client {
                profile,
                application,
                ..client
            };
            let id = client.id.clone();
            store
                .create_client(tenant.partition, client)
                .await
                .map_err(other)?;
            console::say(&format!("client {id} of tenant {} created", tenant.name));
            console::say(&told);
        }
        cli::Client::List { tenant, source } => list_clients(&tenant, &source).await?,
        cli::Client::Secret(command) => proof::secret(command).await?,
        cli::Client::Certificate(command) => proof::certificate(command).await?,
        cli::Client::Update {
            id,
            tenant,
            tolerated,
            source,
        } => {
            let change = |client: &Client| {
                let profile = profile(&tolerated, client.profile)?;
                Ok(ClientChange::Tolerate(profile))
            };
            let client = changed(&id, &tenant, &source, change).await?;
            console::say(&format!(
                "client {id} of tenant {tenant}: profile {}",
                client.profile
            ));
        }
        cli::Client::Unlock { id, tenant, source } => {
            let store = source.location()?.open_existing().await?;
            let found = find_tenant(store.as_ref(), &tenant).await?;
            let client = store.client(found.partition, &id).await.map_err(other)?;
            if client.is_none() {
                return Err(Failure::other(format!("there is no client {id}")));
            }
            let clear = LockoutChange::Clear;
            let unlocked = store.change_lockout(found.partition, &id, clear).await;
            unlocked.map_err(other)?;
            console::say(&format!("client {id} of tenant {tenant} unlocked"));
        }
        cli::Client::Disable { id, tenant, source } => {
            let disable = |_: &Client| Ok(ClientChange::Enable(false));
            changed(&id, &tenant, &source, disable).await?;
            console::say(&format!("client {id} of tenant {tenant} disabled"));
        }
    }
    Ok(())
}

fn roles(text: &str) -> Result<Roles, Failure> {
    let roles = Roles::parse(text).filter(|roles| *roles != Roles::NONE);
    roles.ok_or_else(|| {
        Failure::configuration(format!(
            "--role = {text:?}: not one of read, write, administer"
        ))
    })
}

fn application(of: cli::Application) -> Result<Option<Application>, Failure> {
    let Some(name) = of.name else {
        return Ok(None);
    };
    let is_web = |url: &String| url.starts_with("https://") || url.starts_with("http://");
    if let Some(home) = of.home.as_ref().filter(|it| !is_web(it)) {
        return Err(Failure::configuration(format!(
            "--home = {home:?}: not an http or https URL"
        )));
    }
    Ok(Some(Application {
        name,
        home: of.home,
    }))
}

/// Prints the clients of a tenant.
async fn list_clients(tenant: &str, source: &cli::Source) -> Result<(), Failure> {
    let store = source.location()?.open_existing().await?;
    let tenant = find_tenant(store.as_ref(), tenant).await?;
    for client in store.clients(tenant.partition).await.map_err(other)? {
        let roles: Vec<_> = client
            .roles
            .iter()
            .map(civitas_directory::Role::name)
            .collect();
        let state = if client.enabled {
            "enabled"
        } else {
            "disabled"
        };
        let (id, roles, profile) = (client.id, roles.join(","), client.profile);
        let application = client.application.map(|it| format!("\t{}", it.name));
        let application = application.unwrap_or_default();
        console::say(&format!("{id}\t{roles}\t{state}\t{profile}{application}"));
    }
    Ok(())
}

/// Stores a client with a change.
async fn changed(
    id: &str,
    tenant: &str,
    source: &cli::Source,
    change: impl FnOnce(&Client) -> Result<ClientChange, Failure>,
) -> Result<Client, Failure> {
    let store = source.location()?.open_existing().await?;
    let tenant = find_tenant(store.as_ref(), tenant).await?;
    let client = store.client(tenant.partition, id).await.map_err(other)?;
    let client = client.ok_or_else(|| Failure::other(format!("there is no client {id}")))?;
    let change = change(&client)?;
    let changed = store.change_client(tenant.partition, id, change).await;
    changed.map_err(other)
}

/// The profile that the arguments ask for, of a client that has one.
fn profile(tolerated: &cli::Tolerated, present: Profile) -> Result<Profile, Failure> {
    let profile = match &tolerated.profile {
        None => present,
        Some(name) => Profile::of(Kind::named(name).ok_or_else(|| {
            let known = Kind::ALL.map(Kind::name).join(", ");
            Failure::configuration(format!("--profile = {name:?}: not one of {known}"))
        })?),
    };
    let on = tolerated.on.iter().map(|name| (name, true));
    let off = tolerated.off.iter().map(|name| (name, false));
    on.chain(off).try_fold(profile, |profile, (name, on)| {
        let switch = Switch::named(name).ok_or_else(|| {
            let (option, known) = (
                if on { "--on" } else { "--off" },
                Switch::ALL.map(Switch::name),
            );
            let known = known.join(", ");
            Failure::configuration(format!("{option} = {name:?}: not one of {known}"))
        })?;
        Ok(profile.turned(switch, on))
    })
}

/// `civitas verify`
pub(crate) async fn verify(source: cli::Source) -> Result<(), Failure> {
    let location = source.location()?;
    let store = location.open_existing().await?;
    let findings = store.verify().await.map_err(other)?;
    for finding in &findings {
        console::say(finding);
    }
    for tenant in store.tenants().await.map_err(other)? {
        for build in tenant.catalogue.builds() {
            console::say(&format!(
                "tenant {}: the index of {} {} is being built; {} of {} resources are in it. A \
                 server goes on with it.",
                tenant.name, build.resource_type, build.path, build.examined, build.total
            ));
        }
    }
    if findings.is_empty() {
        console::say(&format!("{location}: clean"));
        return Ok(());
    }
    Err(Failure::other(format!(
        "{location}: {} findings",
        findings.len()
    )))
}

/// A client as stored, with a secret that was chosen, hashed.
pub(crate) async fn hashed(id: String, secret: &str, roles: Roles) -> Result<Client, Failure> {
    let secrets = vec![Secret::plain(proof::hashed(secret).await?)];
    Ok(Client {
        secrets,
        ..nothing_shown(id, roles)
    })
}

/// A client that has nothing to prove itself by.
fn nothing_shown(id: String, roles: Roles) -> Client {
    Client {
        id,
        secrets: Vec::new(),
        certificates: Vec::new(),
        roles,
        enabled: true,
        profile: Profile::default(),
        account: None,
        application: None,
    }
}

/// A client that proves itself by certificates of the subject of the one in a file, and what is told
/// of it.
fn certified(client: Client, file: &Path) -> Result<(Client, String), Failure> {
    let subject = proof::subject(file)?;
    let told = format!("subject of its certificates: {subject}");
    let certificates = vec![subject];
    let client = Client {
        certificates,
        ..client
    };
    Ok((client, told))
}

/// A client that signs its requests by the key in a file, and what is told of it.
fn signing(client: Client, file: &Path) -> Result<(Client, String), Failure> {
    let refuse = |why: &str| {
        let file = file.display();
        Failure::configuration(format!("--public-key {file}: {why}"))
    };
    let pem = std::fs::read_to_string(file).map_err(|error| refuse(&error.to_string()))?;
    let key = PublicKey::from_pem(&pem);
    let key = key.ok_or_else(|| refuse("not a public key of RSA (BEGIN PUBLIC KEY)"))?;
    let told = format!("fingerprint of its key: {}", key.fingerprint());
    let account = Account {
        name: client.id.clone(),
        description: String::new(),
        keys: String::new(),
        signing_keys: vec![pem],
        scopes: Vec::new(),
    };
    let account = Some(account);
    Ok((Client { account, ..client }, told))
}

fn other(error: impl std::fmt::Display) -> Failure {
    Failure::other(error.to_string())
}

fn list(hosts: &[String]) -> String {
    if hosts.is_empty() {
        "(none)".into()
    } else {
        hosts.join(", ")
    }
}

fn check_name(name: &str) -> Result<(), Failure> {
    let shaped = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.is_empty() && name.len() <= 63 && name.chars().all(shaped) {
        return Ok(());
    }
    Err(Failure::configuration(format!(
        "tenant name {name:?}: only lower-case letters, digits and `-`, at most 63 of them"
    )))
}

fn check_host(host: &str) -> Result<String, Failure> {
    let host = host.to_ascii_lowercase();
    let shaped = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    if !host.is_empty() && host.len() <= 253 && host.chars().all(shaped) {
        return Ok(host);
    }
    Err(Failure::configuration(format!(
        "--host = {host:?}: not a host name (without port)"
    )))
}

fn check_client_id(id: &str) -> Result<(), Failure> {
    let shaped = |c: char| c.is_ascii_graphic() && c != ':';
    if !id.is_empty() && id.len() <= 255 && id.chars().all(shaped) {
        return Ok(());
    }
    Err(Failure::configuration(format!(
        "client id {id:?}: only printable ASCII without blanks and `:` (RFC 7617 §2)"
    )))
}
