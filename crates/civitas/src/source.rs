//! Where the data is: from flags, environment or configuration to an open store.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use civitas_directory::{Directory, Limits, Scope, Store, Tenant, Timestamp, admission::Patience};
use civitas_store::{Options, SqliteStore};

use crate::{
    cli::{Place, Source},
    config,
    failure::Failure,
};

pub(crate) const DEFAULT_FOLDER: &str = "civitas-data";
const DATABASE_FILE: &str = "civitas.db";

/// The data folder of the embedded store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    folder: PathBuf,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite:{}", self.folder.display())
    }
}

impl Location {
    /// Reads `sqlite:PATH`; a relative path starts at `folder`. The error says what is wrong.
    pub(crate) fn parse(url: &str, folder: &Path) -> Result<Self, String> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Err("this build keeps its data in SQLite only; use sqlite:PATH".into());
        }
        match url.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(Self {
                folder: folder.join(path),
            }),
            _ => Err("not of the form sqlite:PATH".into()),
        }
    }

    /// Opens the store, making folder and file when they are not there.
    pub(crate) fn open(&self, options: &Options) -> Result<SqliteStore, Failure> {
        self.make_folder()?;
        SqliteStore::open_with(&self.folder, options)
            .map_err(|error| Failure::other(format!("{self}: {error}")))
    }

    /// The folder of the data, made when it is not there.
    pub(crate) fn prepared_folder(&self) -> Result<&Path, Failure> {
        self.make_folder()?;
        Ok(&self.folder)
    }

    fn make_folder(&self) -> Result<(), Failure> {
        fs::create_dir_all(&self.folder).map_err(|error| {
            Failure::other(format!(
                "cannot use the data folder {}: {error}",
                self.folder.display()
            ))
        })
    }

    /// Opens a store that must be there already.
    pub(crate) fn open_existing(&self) -> Result<SqliteStore, Failure> {
        if self.folder.join(DATABASE_FILE).exists() {
            return self.open(&Options::default());
        }
        Err(Failure::other(format!(
            "there is no database in {}; `civitas serve` makes one, or name it with --data",
            self.folder.display()
        )))
    }
}

impl Place {
    /// The location that the flags or the environment name, or the default folder.
    pub(crate) fn location(&self) -> Result<Location, Failure> {
        match (&self.store, &self.data) {
            (Some(url), _) => Location::parse(url, Path::new("")).map_err(|why| {
                Failure::configuration(format!("--store (or CIVITAS_STORE) = {url:?}: {why}"))
            }),
            (None, Some(folder)) => Ok(Location {
                folder: folder.clone(),
            }),
            (None, None) => Ok(Location {
                folder: DEFAULT_FOLDER.into(),
            }),
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
        let store = Arc::new(source.location()?.open(&Options::default())?);
        let tenant = find_tenant(store.as_ref(), name).await?;
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
    let tenants = store.tenants().await.map_err(failed)?;
    if let Some(tenant) = tenants.iter().find(|tenant| tenant.name == name) {
        return Ok(tenant.clone());
    }
    if name == crate::development::DEFAULT_TENANT {
        return store.create_tenant(name, &[]).await.map_err(failed);
    }
    let known: Vec<&str> = tenants.iter().map(|tenant| tenant.name.as_str()).collect();
    Err(Failure::other(format!(
        "there is no tenant {name}; there are: {}",
        known.join(", ")
    )))
}
