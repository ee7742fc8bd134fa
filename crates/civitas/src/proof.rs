//! `civitas client secret` and `civitas client certificate`: what clients prove themselves by.

use std::path::Path;

use civitas_directory::{
    Client, Store, Tenant,
    admission::Patience,
    client::{
        Certificate, ClientChange, DistinguishedName, Drawn, Secret, SecretScope, SecretScopes,
        expiry,
    },
    password::Hasher,
};

use crate::{
    cli, console,
    failure::Failure,
    source::{find_tenant, now},
};

/// A secret to make, as it was asked for.
pub(crate) struct Wanted {
    scopes: SecretScopes,
    expires: String,
}

impl Wanted {
    /// What the arguments ask for.
    pub(crate) fn of(secret: cli::NewSecret) -> Result<Self, Failure> {
        let scopes = secret.scopes.map_or(Ok(SecretScopes::ALL), |text| {
            SecretScopes::parse(&text).ok_or_else(|| {
                let known = SecretScope::ALL.map(SecretScope::name).join(", ");
                Failure::configuration(format!("--scopes = {text:?}: not some of {known}"))
            })
        });
        Ok(Self {
            scopes: scopes?,
            expires: secret.expires,
        })
    }

    /// Makes it, by the clock of the tenant: what is kept of it, and its text.
    pub(crate) async fn made(self, tenant: &Tenant) -> Result<(Secret, Drawn), Failure> {
        let now = tenant.stage.clock.at(now());
        let expires = expiry(&self.expires, now);
        let expires =
            expires.map_err(|why| Failure::configuration(format!("--expires = {why}")))?;
        let drawn = Drawn::draw().map_err(Failure::other)?;
        let hash = hashed(drawn.text()).await?;
        Ok((drawn.kept(hash, self.scopes, now, expires), drawn))
    }
}

/// The hash of a secret.
pub(crate) async fn hashed(secret: &str) -> Result<String, Failure> {
    let hasher = Hasher::new(1, 0);
    let hash = hasher.hash(secret.to_owned(), Patience::Long);
    hash.await.map_err(other)
}

/// `civitas client secret …`
pub(crate) async fn secret(command: cli::ClientSecret) -> Result<(), Failure> {
    match command {
        cli::ClientSecret::Add { secret, of } => {
            let wanted = Wanted::of(secret)?;
            let found = Found::of(&of).await?;
            let (secret, drawn) = wanted.made(&found.tenant).await?;
            let id = secret.id.clone();
            found.change(ClientChange::AddSecret(secret)).await?;
            console::say(&format!("secret {id} of client {} made", of.id));
            console::say(&format!("secret (shown once): {}", drawn.text()));
        }
        cli::ClientSecret::List { of } => {
            for secret in Found::of(&of).await?.client().await?.secrets {
                let expires = secret.expires.map(|it| it.to_string());
                let expires = expires.as_deref().unwrap_or("never");
                let scopes = String::from(secret.scopes).replace(' ', ",");
                console::say(&format!("{}\t{scopes}\texpires {expires}", secret.id));
            }
        }
        cli::ClientSecret::Delete { of, secret } => {
            let change = ClientChange::RemoveSecret(secret.clone());
            Found::of(&of).await?.change(change).await?;
            console::say(&format!("secret {secret} of client {} deleted", of.id));
        }
    }
    Ok(())
}

/// `civitas client certificate …`
pub(crate) async fn certificate(command: cli::ClientCertificate) -> Result<(), Failure> {
    match command {
        cli::ClientCertificate::Add { of, subject } => {
            let subject = meant(subject)?;
            let change = ClientChange::Bind(subject.clone());
            Found::of(&of).await?.change(change).await?;
            let id = of.id;
            console::say(&format!("certificates of {subject} are client {id}'s"));
        }
        cli::ClientCertificate::List { of } => {
            for subject in Found::of(&of).await?.client().await?.certificates {
                console::say(subject.as_str());
            }
        }
        cli::ClientCertificate::Delete { of, subject } => {
            let subject = meant(subject)?;
            let change = ClientChange::Unbind(subject.clone());
            Found::of(&of).await?.change(change).await?;
            let id = of.id;
            console::say(&format!(
                "certificates of {subject} are no longer client {id}'s"
            ));
        }
    }
    Ok(())
}

/// The subject of the certificate in a file.
pub(crate) fn subject(file: &Path) -> Result<DistinguishedName, Failure> {
    let refuse = |why: &str| {
        let file = file.display();
        Failure::configuration(format!("--certificate {file}: {why}"))
    };
    let pem = std::fs::read(file).map_err(|error| refuse(&error.to_string()))?;
    let certificate = Certificate::from_pem(&pem);
    let certificate = certificate.ok_or_else(|| refuse("not a certificate (BEGIN CERTIFICATE)"))?;
    let subject = certificate.subject;
    subject.ok_or_else(|| refuse("its subject is empty or too long to be bound"))
}

fn meant(subject: cli::Subject) -> Result<DistinguishedName, Failure> {
    match (subject.subject, subject.certificate) {
        (Some(text), _) => DistinguishedName::parse(&text)
            .map_err(|why| Failure::configuration(format!("--subject = {text:?}: {why}"))),
        (None, Some(file)) => self::subject(&file),
        (None, None) => Err(Failure::configuration(
            "--subject or --certificate is needed",
        )),
    }
}

/// A client that is looked for, and where.
struct Found<'c> {
    store: std::sync::Arc<dyn Store>,
    tenant: Tenant,
    id: &'c str,
}

impl<'c> Found<'c> {
    async fn of(of: &'c cli::ClientOf) -> Result<Self, Failure> {
        let store = of.source.location()?.open_existing().await?;
        let tenant = find_tenant(store.as_ref(), &of.tenant).await?;
        let id = &of.id;
        Ok(Self { store, tenant, id })
    }

    async fn client(&self) -> Result<Client, Failure> {
        let client = self.store.client(self.tenant.partition, self.id).await;
        let missing = || Failure::other(format!("there is no client {}", self.id));
        client.map_err(other)?.ok_or_else(missing)
    }

    async fn change(&self, change: ClientChange) -> Result<Client, Failure> {
        let partition = self.tenant.partition;
        let changed = self.store.change_client(partition, self.id, change).await;
        changed.map_err(other)
    }
}

fn other(error: impl std::fmt::Display) -> Failure {
    Failure::other(error.to_string())
}
