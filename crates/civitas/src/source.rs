//! Where the data is: from flags, environment or configuration to an open store.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use civitas_directory::{Directory, Limits, Scope, Store, Tenant, Timestamp, admission::Patience};
use civitas_store::{
    DataFolder, Options, PostgresOptions, PostgresStore, PostgresUrl, SqliteStore,
};
use tokio::task::spawn_blocking;

use crate::{
    cli::{Place, Source},
    config,
    failure::Failure,
};

pub(crate) const DEFAULT_FOLDER: &str = "civitas-data";

/// Where the data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// The data folder of the embedded store.
    Folder(PathBuf),
    /// A database that several nodes share.
    Database(Box<PostgresUrl>, Connections),
}

/// How a node uses the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Connections {
    /// Most connections.
    pub(crate) most: usize,
    /// How long a statement may take.
    pub(crate) statement_timeout: Duration,
}

impl Default for Connections {
    fn default() -> Self {
        let options = PostgresOptions::default();
        Self {
            most: options.connections,
            statement_timeout: options.patience,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "sqlite:{}", folder.display()),
            Self::Database(url, _) => url.fmt(f),
        }
    }
}

/// A store's URL as it may be shown: that of a database holds a password.
pub(crate) fn shown(url: &str) -> &str {
    if url.starts_with("postgres") {
        "postgres://…"
    } else {
        url
    }
}

impl Location {
    /// Reads `sqlite:PATH`, where a relative path starts at `folder`, or `postgres://…`. The
    /// error says what is wrong.
    pub(crate) fn parse(url: &str, folder: &Path) -> Result<Self, String> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let url: PostgresUrl = url.parse()?;
            return Ok(Self::Database(Box::new(url), Connections::default()));
        }
        match url.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(Self::Folder(folder.join(path))),
            _ => Err("neither of the form sqlite:PATH nor postgres://HOST/DATABASE".into()),
        }
    }

    /// Opens the store; makes folder and file, or tables, when they are not there.
    pub(crate) async fn open(&self, options: &Options) -> Result<Arc<dyn Store>, Failure> {
        let failed = |error: &dyn fmt::Display| Failure::other(format!("{self}: {error}"));
        match self {
            Self::Folder(folder) => {
                make(folder)?;
                let (folder, options) = (folder.clone(), options.clone());
                let open = move || SqliteStore::open_with(&folder, &options);
                let store = spawn_blocking(open).await;
                let store = store.map_err(|error| failed(&error))?;
                Ok(Arc::new(store.map_err(|error| failed(&error))?))
            }
            Self::Database(url, connections) => {
                let options = PostgresOptions {
                    connections: connections.most,
                    patience: connections.statement_timeout,
                    queue: options.queue,
                    waiting_searches: options.waiting_searches,
                    ..PostgresOptions::default()
                };
                let store = PostgresStore::open_with(url, &options).await;
                Ok(Arc::new(store.map_err(|error| failed(&error))?))
            }
        }
    }

    /// The data folder, made when it is not there. A database has none.
    pub(crate) fn prepared_folder(&self) -> Result<Option<&Path>, Failure> {
        match self {
            Self::Folder(folder) => {
                make(folder)?;
                Ok(Some(folder))
            }
            Self::Database(..) => Ok(None),
        }
    }

    /// Opens a store that must be there already.
    pub(crate) async fn open_existing(&self) -> Result<Arc<dyn Store>, Failure> {
        match self {
            Self::Folder(folder) if !folder.join(DataFolder::DATABASE).exists() => {
                Err(Failure::other(format!(
                    "there is no database in {}; `civitas serve` makes one, or name it with --data",
                    folder.display()
                )))
            }
            _ => self.open(&Options::default()).await,
        }
    }
}

fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| {
        Failure::other(format!(
            "cannot use the data folder {}: {error}",
            folder.display()
        ))
    })
}

impl Place {
    /// The location that the flags or the environment name, or the default folder.
    pub(crate) fn location(&self) -> Result<Location, Failure> {
        match (&self.store, &self.data) {
            (Some(url), _) => Location::parse(url, Path::new("")).map_err(|why| {
                let url = shown(url);
                Failure::configuration(format!("--store (or CIVITAS_STORE) = {url:?}: {why}"))
            }),
            (None, Some(folder)) => Ok(Location::Folder(folder.clone())),
            (None, None) => Ok(Location::Folder(DEFAULT_FOLDER.into())),
        }
    }
}

impl Source {
    /// The location that flags, environment or configuration name.
    pub(crate) fn location(&self) -> Result<Location, Failure> {
        match &self.config {
            Some(path) => Ok(config::read(path)?.location),
            None => self.place.location(),
        }
    }
}

/// The instant now. The one clock of the program: everything else is told the time.
pub(crate) fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}

/// A tenant of an open store, for a command that works on it.
pub(crate) struct Opened {
    pub(crate) directory: Arc<Directory>,
    pub(crate) tenant: Tenant,
}

impl Opened {
    /// Opens the store and finds the tenant.
    pub(crate) async fn tenant(source: &Source, name: &str) -> Result<Self, Failure> {
        let store = source.location()?.open(&Options::default()).await?;
        let tenant = find_tenant(store.as_ref(), name).await?;
        Self::of(store, tenant).await
    }

    /// The same of a realm, where the name has two parts: `TENANT/REALM`.
    pub(crate) async fn partition(source: &Source, name: &str) -> Result<Self, Failure> {
        let Some((tenant, _)) = name.split_once('/') else {
            return Self::tenant(source, name).await;
        };
        let store = source.location()?.open(&Options::default()).await?;
        let tenant = find_tenant(store.as_ref(), tenant).await?;
        let realm = store.tenant_by_name(name).await;
        let realm = realm.map_err(|error| Failure::other(error.to_string()))?;
        let realm = realm.ok_or_else(|| {
            Failure::other(format!("there is no {name}: nothing was written there yet"))
        })?;
        Self::of(store, tenant.in_realm(&realm)).await
    }

    async fn of(store: Arc<dyn Store>, tenant: Tenant) -> Result<Self, Failure> {
        let directory = Directory::open(store, Limits::default()).await;
        let directory = directory.map_err(|error| Failure::other(error.to_string()))?;
        Ok(Self {
            directory: Arc::new(directory),
            tenant,
        })
    }

    /// The circumstances of what the command does, for the event log.
    pub(crate) fn scope(&self, command: &str) -> Scope {
        Scope {
            partition: self.tenant.partition,
            catalogue: Arc::clone(&self.tenant.catalogue),
            require_preconditions: false,
            password_policy: None,
            actor: format!("cli:{command}"),
            request_id: format!("cli-{}", std::process::id()),
            now: self.now(),
            ids: self.directory.ids(&self.tenant),
            base: String::new(),
            patience: Patience::Long,
        }
    }

    /// The tenant's instant.
    pub(crate) fn now(&self) -> Timestamp {
        self.tenant.stage.clock.at(now())
    }
}

/// The tenant of that name. `default` is made when it is not there.
pub(crate) async fn find_tenant(store: &dyn Store, name: &str) -> Result<Tenant, Failure> {
    let failed = |error: civitas_directory::store::RegistryError| Failure::other(error.to_string());
    let found = store.tenant_by_name(name).await.map_err(failed)?;
    if let Some(tenant) = found.filter(|it| !it.is_realm()) {
        return Ok(tenant);
    }
    if name == crate::development::DEFAULT_TENANT {
        return store.create_tenant(name, &[]).await.map_err(failed);
    }
    let tenants = store.tenants().await.map_err(failed)?;
    let known = tenants.iter().filter(|tenant| !tenant.is_realm());
    let known: Vec<&str> = known.map(|tenant| tenant.name.as_str()).collect();
    Err(Failure::other(format!(
        "there is no tenant {name}; there are: {}",
        known.join(", ")
    )))
}
