//! What `serve --dev` sets up by itself: a tenant, an administrator client, and words that
//! show a first answer.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use civitas_directory::{Client, Role, Roles, Store, store::RegistryError};
use serde::{Deserialize, Serialize};

use crate::{certificate::Development, console, failure::Failure, registry, source::find_tenant};

/// The tenant of a server that nobody configured.
pub(crate) const DEFAULT_TENANT: &str = "default";

const SECRET_BYTES: usize = 24;

/// The administrator client of development mode.
#[derive(Clone)]
pub(crate) struct Administrator {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Administrator {
    /// The id and secret that the environment asks for, else `admin` and a new secret.
    pub(crate) fn choose() -> Result<Self, Failure> {
        let id = variable("CIVITAS_ADMIN_CLIENT_ID").unwrap_or_else(|| "admin".into());
        let secret = match variable("CIVITAS_ADMIN_CLIENT_SECRET") {
            Some(secret) => secret,
            None => generate_secret()?,
        };
        Ok(Self { id, secret })
    }

    /// The client to register, its secret hashed.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        let roles = Roles::NONE.with(Role::Administer);
        registry::hashed(self.id.clone(), &self.secret, roles).await
    }
}

/// What programs are told of a running server of development mode.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) base_url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    /// The file with the certificate to trust, of a server that speaks HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<PathBuf>,
}

/// The file that tells it. Removed when the server stops.
pub(crate) struct ReadyFile(PathBuf);

impl Ready {
    /// Its name in the data folder.
    pub(crate) const FILE: &str = "ready.json";

    pub(crate) fn new(
        base_url: String,
        administrator: &Administrator,
        certificate: Option<&Development>,
    ) -> Self {
        Self {
            base_url,
            client_id: administrator.id.clone(),
            client_secret: administrator.secret.clone(),
            certificate: certificate.map(|it| it.certificate.clone()),
        }
    }

    /// Writes the file, for its owner's eyes only; it appears whole or not at all.
    pub(crate) fn write(&self, file: PathBuf) -> Result<ReadyFile, Failure> {
        let failed =
            |error: io::Error| Failure::other(format!("cannot write {}: {error}", file.display()));
        let text = serde_json::to_string(self).map_err(|error| failed(error.into()))?;
        let draft = file.with_extension("json.new");
        // Left by a server that was killed; its mode could be another.
        let _ = fs::remove_file(&draft);
        let mut options = fs::OpenOptions::new();
        let mut out = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .map_err(failed)?;
        writeln!(out, "{text}").map_err(failed)?;
        fs::rename(&draft, &file).map_err(failed)?;
        Ok(ReadyFile(file))
    }

    /// Reads the file of a data folder.
    pub(crate) fn read(folder: &Path) -> Result<Self, Failure> {
        let file = folder.join(Self::FILE);
        let text = fs::read_to_string(&file).map_err(|error| {
            Failure::other(format!(
                "no server in development mode told of itself in {}: {error}; name its data \
                 folder with --data",
                file.display()
            ))
        })?;
        serde_json::from_str(&text)
            .map_err(|error| Failure::other(format!("{}: {error}", file.display())))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Makes the tenant and the client, or gives an existing client its new secret.
pub(crate) async fn register(store: &dyn Store, client: Client) -> Result<(), Failure> {
    let tenant = find_tenant(store, DEFAULT_TENANT).await?;
    let failed = |error: RegistryError| Failure::other(error.to_string());
    match store.create_client(tenant.partition, client.clone()).await {
        Err(RegistryError::ClientExists(_)) => {
            let known = store.client(tenant.partition, &client.id).await;
            let client = match known.map_err(failed)? {
                Some(known) => succeeded(client, known),
                None => client,
            };
            let replaced = store.replace_client(tenant.partition, client).await;
            replaced.map_err(failed)
        }
        created => created.map_err(failed),
    }
}

/// The client with what it was given while servers ran before.
fn succeeded(client: Client, known: Client) -> Client {
    let mut secrets = client.secrets;
    secrets.extend(known.secrets.into_iter().filter(|it| !it.plain));
    Client {
        secrets,
        profile: known.profile,
        ..client
    }
}

/// A new secret of 192 random bits, safe in URLs and headers.
fn generate_secret() -> Result<String, Failure> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::other(format!("no source of randomness: {error}")))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Prints where the server is and what to try first.
pub(crate) fn welcome(
    base: &str,
    location: &str,
    administrator: &Administrator,
    certificate: Option<&Development>,
) {
    let Administrator { id, secret } = administrator;
    let file = certificate.map(|it| it.certificate.display());
    let trust = file.as_ref().map(|file| format!("\n  trust      {file}\n"));
    let trust = trust.unwrap_or_default();
    let curl = file.map_or("curl".into(), |file| format!("curl --cacert '{file}'"));
    console::say(&format!(
        r#"Civitas in development mode, data in {location}

  SCIM 2.0   {base}/scim/v2
  CREST      {base}/openidm/managed/alpha_user
  SAP        {base}/scim/Users
  Oracle     {base}/admin/v1/Users
  token      {base}/oauth2/v1/token
  settings   {base}/civitas/v1/settings
  health     {base}/health/ready   metrics {base}/metrics

  client     {id}
  secret     {secret}
{trust}
Create a user, then read it back:

  {curl} -u '{id}:{secret}' {base}/scim/v2/Users \
    -H 'Content-Type: application/scim+json' \
    -d '{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bjensen"}}'

  {curl} -u '{id}:{secret}' '{base}/scim/v2/Users?filter=userName%20eq%20%22bjensen%22'
"#
    ));
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
