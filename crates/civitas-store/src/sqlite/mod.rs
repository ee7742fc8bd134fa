//! The embedded store: one SQLite file, one writer, several readers.
//!
//! Reads run where they are asked for, writes on a thread of their own that commits many at
//! once. Everything is in the file: another process may write to it at the same time, and
//! nothing held in memory here would be wrong after it did.

mod apply;
mod build;
mod catalog;
mod catalogue;
mod census;
mod checkpoint;
pub(crate) mod copy;
mod error;
mod file;
mod job;
mod leaf;
mod listed;
mod lock;
mod log;
mod mail;
mod pool;
mod reader;
mod registry;
mod retry;
mod schema;
mod snapshot;
mod source;
mod stream;
mod text;
mod verify;
mod writer;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use async_trait::async_trait;
use civitas_directory::{
    admission::{Admission, Patience},
    catalogue::Catalogue,
    change::{ChangeSet, Committed, Rejected},
    client::{Client, ClientChange, DistinguishedName},
    credential::{Credential, Lockout, LockoutChange, Verdict},
    file::File,
    job::{End, Forget, Job, Part, PartDone, Row},
    link::Link,
    mail::{Mail, Settled},
    record::{Found, Timestamp, Version},
    redefinition::{Redefinition, Refused},
    retry::{Attempt, Claimed},
    settings::{self, Settings},
    store::{
        Changes, ChangesQuery, Event, FoundPage, LogReach, Query, ReadError, Referent,
        RegistryError, Snapshot, Store, Want,
    },
    stream::{Stream, StreamChange},
    tenant::{Partition, Stage, Tenant},
    text::TextSet,
};
use civitas_scim::{condition::Condition, schema::ResourceType};
use rusqlite::Connection;
use rusqlite_migration::{Error as MigrationError, MigrationDefinitionError};
use tempfile::TempDir;
use tokio::task;

pub use error::OpenError;
pub use lock::{DataFolder, Lock, LockError};

use self::{
    catalog::Catalog,
    catalogue::Redefined,
    checkpoint::Checkpointer,
    error::RegistryFault,
    pool::Pool,
    reader::Reader,
    writer::{Worker, Writer},
};
use crate::{
    credential,
    fault::{ReadFault, ReadResult},
    search::{self, Search},
};

/// The resource type that has members.
const GROUP: &str = "Group";
/// The resource type that shows the groups it is in.
const USER: &str = "User";

/// How often claims on resources are looked at before a change of definitions is given up.
const MOST_CHECKS: usize = 5;

/// How a store is set up. The defaults suit a small server.
#[derive(Debug, Clone)]
pub struct Options {
    /// Writes that may wait; more are refused as overload.
    pub queue: usize,
    /// Most change sets in one transaction.
    pub batch: usize,
    /// Connections that read.
    pub readers: usize,
    /// Searches that run at the same time, each on a thread.
    pub searches: usize,
    /// Most searches that wait for their turn in a burst ([`Admission`]); more are refused as
    /// overload.
    pub waiting_searches: usize,
    /// Page cache of each connection that reads, in KiB.
    pub reader_cache_kib: u32,
    /// Page cache of the writer, in KiB.
    pub writer_cache_kib: u32,
    /// Pages of the log after which it is written back into the file.
    pub checkpoint_pages: u32,
}

impl Default for Options {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(2, usize::from);
        Self {
            queue: 1024,
            batch: 128,
            // One for each thread that serves requests, one for each search.
            readers: cores * 2,
            searches: cores,
            waiting_searches: 32,
            reader_cache_kib: 12 * 1024,
            // A commit that splits a page looks through the whole of it.
            writer_cache_kib: 8 * 1024,
            checkpoint_pages: 16_384,
        }
    }
}

/// A directory in a SQLite file.
pub struct SqliteStore {
    inner: Arc<Inner>,
    writer: Writer,
    /// Removed after everything that uses the file has gone.
    _folder: Option<TempDir>,
}

/// What searches on other threads share.
struct Inner {
    pool: Arc<Pool>,
    catalog: Arc<Catalog>,
    searches: Admission,
}

impl SqliteStore {
    /// Opens the store of a data folder, and makes both if they are not there.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        Self::open_with(folder, &Options::default())
    }

    /// Opens the store of a data folder, set up as asked.
    pub fn open_with(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        let refused = |source| OpenError::Folder {
            folder: folder.into(),
            source,
        };
        fs::create_dir_all(folder).map_err(refused)?;
        Self::open_file(&folder.join(DataFolder::DATABASE), options, None)
    }

    /// A store in a folder that goes when the store does.
    pub fn temporary() -> Result<Self, OpenError> {
        let folder = tempfile::Builder::new()
            .prefix("civitas-")
            .tempdir()
            .map_err(|source| OpenError::Folder {
                folder: std::env::temp_dir(),
                source,
            })?;
        let file = folder.path().join(DataFolder::DATABASE);
        Self::open_file(&file, &Options::default(), Some(folder))
    }

    fn open_file(
        file: &Path,
        options: &Options,
        folder: Option<TempDir>,
    ) -> Result<Self, OpenError> {
        let failed = |source| OpenError::database(PathBuf::from(file), source);
        let writer = open_writer(file, options)?;
        let readers = (0..options.readers.max(options.searches + 1))
            .map(|_| schema::connect_reader(file, options.reader_cache_kib))
            .collect::<rusqlite::Result<Vec<Connection>>>()
            .map_err(failed)?;
        let catalog = Arc::new(Catalog::default());
        let pool = Arc::new(Pool::new(readers));
        let checkpointer = schema::connect_checkpointer(file)
            .map(|connection| Checkpointer::new(connection, options.checkpoint_pages))
            .map_err(failed)?;
        let worker = Worker::new(
            writer,
            checkpointer,
            Arc::clone(&catalog),
            Arc::clone(&pool),
            options,
        );
        let writer = Writer::start(worker, options.queue).map_err(OpenError::Thread)?;
        Ok(Self {
            inner: Arc::new(Inner {
                pool,
                catalog,
                searches: Admission::new(options.searches, options.waiting_searches),
            }),
            writer,
            _folder: folder,
        })
    }

    /// How SQLite answers the indexed parts of a condition, a line each step. For tests.
    #[doc(hidden)]
    pub fn explain(
        &self,
        partition: Partition,
        resource_type: &str,
        condition: &Condition,
    ) -> Result<Vec<String>, ReadError> {
        self.reading(partition, |reader| {
            source::explain(reader, resource_type, condition)
        })
        .map_err(unavailable)
    }

    /// Runs on a reader, where it stands.
    fn reading<T, E: From<rusqlite::Error>>(
        &self,
        partition: Partition,
        read: impl FnOnce(Reader<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.inner.reading(partition, read)
    }

    async fn chore<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, RegistryFault> + Send + 'static,
    ) -> Result<T, RegistryError> {
        match self.writer.chore(work).await {
            Some(done) => Ok(done?),
            None => Err(RegistryError::Unavailable(
                "the writer is not available".into(),
            )),
        }
    }

    /// Looks at all resources that claims are about. Gives the last event that they were
    /// looked at after.
    async fn check_claims(
        &self,
        partition: Partition,
        asked: Arc<Redefinition>,
    ) -> Result<i64, Refused> {
        if asked.claims.is_empty() {
            return Ok(0);
        }
        let checked = Arc::clone(&self.inner).queued(move |inner| {
            let connection = inner.pool.lease().map_err(unavailable)?;
            let since = catalogue::last_event(&connection, partition.raw()).map_err(unavailable)?;
            let found = catalogue::contradiction(&connection, partition.raw(), &asked.claims);
            Ok((since, found.map_err(unavailable)?))
        });
        match checked.await {
            Ok((since, None)) => Ok(since),
            Ok((_, Some((claim, id)))) => Err(Refused::Broken { claim, id }),
            Err(ReadError::Unavailable(cause)) => Err(Refused::Unavailable(cause)),
            Err(_) => Err(Refused::Overloaded),
        }
    }

    fn look_up<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, RegistryFault>,
    ) -> Result<T, RegistryError> {
        let connection = self.inner.pool.lease().map_err(RegistryFault::from)?;
        Ok(read(&connection)?)
    }
}

fn open_writer(file: &Path, options: &Options) -> Result<Connection, OpenError> {
    let connection = migrated(file, options)?;
    match copy::is_unfinished(&connection) {
        Ok(false) => Ok(connection),
        Ok(true) => Err(OpenError::Unfinished { file: file.into() }),
        Err(error) => Err(OpenError::database(file.into(), error)),
    }
}

/// The connection that writes, to a file whose tables are of this version.
fn migrated(file: &Path, options: &Options) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::database(PathBuf::from(file), source);
    let mut connection =
        schema::connect_writer(file, options.writer_cache_kib, options.checkpoint_pages)
            .map_err(failed)?;
    schema::migrate(&mut connection).map_err(|error| match error {
        MigrationError::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            OpenError::Newer { file: file.into() }
        }
        MigrationError::RusqliteError { err, .. } => failed(err),
        other => OpenError::Folder {
            folder: file.parent().map(PathBuf::from).unwrap_or_default(),
            source: io::Error::other(other.to_string()),
        },
    })?;
    Ok(connection)
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.writer.close();
    }
}

impl Inner {
    fn reading<T, E: From<rusqlite::Error>>(
        &self,
        partition: Partition,
        read: impl FnOnce(Reader<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let connection = self.pool.lease()?;
        read(Reader {
            connection: &connection,
            catalog: &self.catalog,
            partition: partition.raw(),
        })
    }

    fn search(&self, partition: Partition, query: &Query, cap: usize) -> ReadResult<FoundPage> {
        self.reading(partition, |reader| {
            let search = Search {
                source: &reader,
                limit: query.max_examined,
                cap,
            };
            search.run(query)
        })
    }

    /// Runs work on a thread for blocking work, when its turn comes.
    async fn queued<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let turn = self.searches.turn(Patience::Short).await;
        let _turn = turn.map_err(|_| ReadError::Overloaded)?;
        let inner = Arc::clone(&self);
        task::spawn_blocking(move || work(&inner))
            .await
            .unwrap_or_else(|error| Err(ReadError::Unavailable(error.to_string())))
    }
}

fn unavailable(error: rusqlite::Error) -> ReadError {
    ReadFault::from(error).into()
}

#[async_trait]
impl Store for SqliteStore {
    async fn read(
        &self,
        partition: Partition,
        resource_type: &str,
        id: &str,
        want: Want,
    ) -> Result<Option<Found>, ReadError> {
        self.reading(partition, |reader| reader.read(resource_type, id, want))
            .map_err(unavailable)
    }

    async fn referents(
        &self,
        partition: Partition,
        ids: &[String],
    ) -> Result<Vec<Option<Referent>>, ReadError> {
        self.reading(partition, |reader| {
            ids.iter().map(|id| reader.referent(id)).collect()
        })
        .map_err(unavailable)
    }

    async fn search(&self, partition: Partition, query: Query) -> Result<FoundPage, ReadError> {
        if search::is_quick(&query) {
            match self.inner.search(partition, &query, search::QUICK) {
                Err(ReadFault::Slow) => {}
                done => return Ok(done?),
            }
        }
        Arc::clone(&self.inner)
            .queued(move |inner| Ok(inner.search(partition, &query, usize::MAX)?))
            .await
    }

    async fn credentials(
        &self,
        partition: Partition,
        ids: &[String],
    ) -> Result<Vec<Option<Credential>>, ReadError> {
        let texts: Vec<Option<String>> = self
            .reading(partition, |reader| {
                ids.iter().map(|id| reader.credential(id)).collect()
            })
            .map_err(unavailable)?;
        let texts = texts.iter().map(Option::as_deref);
        texts.map(credential::read).collect()
    }

    async fn events(
        &self,
        partition: Partition,
        after: Option<Version>,
        limit: usize,
    ) -> Result<Vec<Event>, ReadError> {
        let after = after.map_or(0, |version| version.0);
        self.reading(partition, |reader| reader.events(after, limit))
            .map_err(unavailable)
    }

    async fn changes(
        &self,
        partition: Partition,
        query: ChangesQuery,
    ) -> Result<Option<Changes>, ReadError> {
        Arc::clone(&self.inner)
            .queued(move |inner| {
                let changes = inner.reading(partition, |reader| log::changes(reader, &query));
                changes.map_err(unavailable)
            })
            .await
    }

    async fn log_reach(&self, partition: Partition) -> Result<LogReach, ReadError> {
        self.reading(partition, log::reach).map_err(unavailable)
    }

    async fn prune_events(
        &self,
        before: Timestamp,
        most: u64,
        step: usize,
    ) -> Result<bool, ReadError> {
        let pruned = self
            .writer
            .chore(move |connection| log::prune(connection, before, most, step))
            .await;
        let closed = || ReadError::Unavailable("the writer is not available".into());
        pruned.ok_or_else(closed)?.map_err(unavailable)
    }

    async fn commit(
        &self,
        partition: Partition,
        change_set: ChangeSet,
    ) -> Result<Committed, Rejected> {
        self.writer.commit(partition, change_set).await
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, RegistryError> {
        self.look_up(registry::tenants)
    }

    async fn tenant_by_name(&self, name: &str) -> Result<Option<Tenant>, RegistryError> {
        self.look_up(|connection| registry::tenant_by_name(connection, name))
    }

    async fn tenant_by_host(&self, host: &str) -> Result<Option<Tenant>, RegistryError> {
        self.look_up(|connection| registry::tenant_by_host(connection, host))
    }

    async fn create_tenant(&self, name: &str, hosts: &[String]) -> Result<Tenant, RegistryError> {
        let (name, hosts) = (name.to_owned(), hosts.to_vec());
        self.chore(move |connection| registry::create_tenant(connection, &name, &hosts))
            .await
    }

    async fn server_settings(&self) -> Result<Settings, RegistryError> {
        self.look_up(registry::server_settings)
    }

    async fn change_settings(
        &self,
        of: Option<Partition>,
        changes: &[settings::Change],
    ) -> Result<(), RegistryError> {
        let changes = changes.to_vec();
        self.chore(move |connection| registry::change_settings(connection, of, &changes))
            .await
    }

    async fn set_stage(&self, partition: Partition, stage: Stage) -> Result<(), RegistryError> {
        self.chore(move |connection| registry::set_stage(connection, partition, stage))
            .await
    }

    async fn rehearsals(&self, partition: Partition) -> Result<String, RegistryError> {
        self.look_up(|connection| registry::rehearsals(connection, partition))
    }

    async fn set_rehearsals(&self, partition: Partition, text: &str) -> Result<(), RegistryError> {
        let text = text.to_owned();
        self.chore(move |connection| registry::set_rehearsals(connection, partition, &text))
            .await
    }

    async fn take_snapshot(
        &self,
        partition: Partition,
        name: &str,
        at: Timestamp,
    ) -> Result<Snapshot, RegistryError> {
        let name = name.to_owned();
        self.chore(move |connection| snapshot::take(connection, partition, &name, at))
            .await
    }

    async fn snapshots(&self, partition: Partition) -> Result<Vec<Snapshot>, RegistryError> {
        self.look_up(|connection| snapshot::list(connection, partition))
    }

    async fn drop_snapshot(&self, partition: Partition, name: &str) -> Result<(), RegistryError> {
        let name = name.to_owned();
        self.chore(move |connection| snapshot::discard(connection, partition, &name))
            .await
    }

    async fn reset(
        &self,
        partition: Partition,
        snapshot: Option<&str>,
    ) -> Result<Partition, RegistryError> {
        let name = snapshot.map(str::to_owned);
        self.chore(move |connection| snapshot::reset(connection, partition, name.as_deref()))
            .await
    }

    async fn client(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Option<Client>, RegistryError> {
        self.look_up(|connection| registry::client(connection, partition, id))
    }

    async fn clients(&self, partition: Partition) -> Result<Vec<Client>, RegistryError> {
        self.look_up(|connection| registry::clients(connection, partition))
    }

    async fn create_client(
        &self,
        partition: Partition,
        client: Client,
    ) -> Result<(), RegistryError> {
        self.chore(move |connection| registry::create_client(connection, partition, &client))
            .await
    }

    async fn replace_client(
        &self,
        partition: Partition,
        client: Client,
    ) -> Result<(), RegistryError> {
        self.chore(move |connection| registry::replace_client(connection, partition, &client))
            .await
    }

    async fn change_client(
        &self,
        partition: Partition,
        id: &str,
        change: ClientChange,
    ) -> Result<Client, RegistryError> {
        let id = id.to_owned();
        self.chore(move |connection| registry::change_client(connection, partition, &id, change))
            .await
    }

    async fn client_by_certificate(
        &self,
        partition: Partition,
        subject: &DistinguishedName,
    ) -> Result<Option<Client>, RegistryError> {
        self.look_up(|connection| registry::client_by_certificate(connection, partition, subject))
    }

    async fn client_lockout(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Lockout, RegistryError> {
        self.look_up(|connection| registry::lockout(connection, partition, id))
    }

    async fn change_lockout(
        &self,
        partition: Partition,
        id: &str,
        change: LockoutChange,
    ) -> Result<Verdict, RegistryError> {
        let id = id.to_owned();
        self.chore(move |connection| registry::change_lockout(connection, partition, &id, change))
            .await
    }

    async fn create_job(&self, partition: Partition, job: Job) -> Result<(), RegistryError> {
        self.chore(move |connection| job::create(connection, partition, &job))
            .await
    }

    async fn job(&self, partition: Partition, id: &str) -> Result<Option<Job>, RegistryError> {
        self.look_up(|connection| job::one(connection, partition, id))
    }

    async fn add_job_part(
        &self,
        partition: Partition,
        id: &str,
        part: Part,
    ) -> Result<(), RegistryError> {
        let id = id.to_owned();
        self.chore(move |connection| job::add_part(connection, partition, &id, &part))
            .await
    }

    async fn drop_job_parts(&self, partition: Partition, id: &str) -> Result<(), RegistryError> {
        let id = id.to_owned();
        self.chore(move |connection| job::drop_parts(connection, partition, &id))
            .await
    }

    async fn drop_stray_parts(&self, idle: Duration) -> Result<(), RegistryError> {
        self.chore(move |connection| job::drop_stray_parts(connection, idle))
            .await
    }

    async fn next_job_part(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Option<Part>, RegistryError> {
        self.look_up(|connection| job::next_part(connection, partition, id))
    }

    async fn finish_job_part(
        &self,
        partition: Partition,
        id: &str,
        done: PartDone,
    ) -> Result<(), RegistryError> {
        let id = id.to_owned();
        self.chore(move |connection| job::finish_part(connection, partition, &id, &done))
            .await
    }

    async fn job_rows(
        &self,
        partition: Partition,
        id: &str,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Row>, RegistryError> {
        self.look_up(|connection| job::rows(connection, partition, id, after, limit))
    }

    async fn cancel_job(&self, partition: Partition, id: &str) -> Result<(), RegistryError> {
        let id = id.to_owned();
        self.chore(move |connection| job::cancel(connection, partition, &id))
            .await
    }

    async fn end_job(&self, partition: Partition, id: &str, end: End) -> Result<(), RegistryError> {
        let id = id.to_owned();
        self.chore(move |connection| job::end(connection, partition, &id, &end))
            .await
    }

    async fn open_jobs(&self) -> Result<Vec<(Partition, Job)>, RegistryError> {
        self.look_up(job::open)
    }

    async fn forget_jobs(&self, partition: Partition, forget: Forget) -> Result<(), RegistryError> {
        self.chore(move |connection| job::forget(connection, partition, forget))
            .await
    }

    async fn jobs(
        &self,
        partition: Partition,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Job>, RegistryError> {
        self.look_up(|connection| job::page(connection, partition, before, limit))
    }

    async fn add_file(
        &self,
        partition: Partition,
        file: File,
        content: Vec<u8>,
    ) -> Result<bool, RegistryError> {
        self.chore(move |connection| file::add(connection, partition, &file, &content))
            .await
    }

    async fn file(
        &self,
        partition: Partition,
        name: &str,
    ) -> Result<Option<(File, Vec<u8>)>, RegistryError> {
        self.look_up(|connection| file::one(connection, partition, name))
    }

    async fn files(&self, partition: Partition) -> Result<Vec<File>, RegistryError> {
        self.look_up(|connection| file::all(connection, partition))
    }

    async fn drop_file(&self, partition: Partition, name: &str) -> Result<bool, RegistryError> {
        let name = name.to_owned();
        self.chore(move |connection| file::discard(connection, partition, &name))
            .await
    }

    async fn forget_files(
        &self,
        partition: Partition,
        before: Timestamp,
    ) -> Result<(), RegistryError> {
        self.chore(move |connection| file::forget(connection, partition, before))
            .await
    }

    async fn claim_retry(
        &self,
        partition: Partition,
        attempt: &Attempt,
    ) -> Result<Claimed<String>, RegistryError> {
        let attempt = attempt.clone();
        self.chore(move |connection| retry::claim(connection, partition, &attempt))
            .await
    }

    async fn settle_retry(
        &self,
        partition: Partition,
        key: &str,
        answer: Option<&str>,
    ) -> Result<(), RegistryError> {
        let (key, answer) = (key.to_owned(), answer.map(str::to_owned));
        self.chore(move |connection| retry::settle(connection, partition, &key, answer.as_deref()))
            .await
    }

    async fn create_stream(
        &self,
        partition: Partition,
        stream: Stream,
    ) -> Result<(), RegistryError> {
        self.chore(move |connection| stream::create(connection, partition, &stream))
            .await
    }

    async fn stream(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Option<Stream>, RegistryError> {
        self.look_up(|connection| stream::one(connection, partition, id))
    }

    async fn streams(&self, partition: Partition) -> Result<Vec<Stream>, RegistryError> {
        self.look_up(|connection| stream::all(connection, partition))
    }

    async fn all_streams(&self) -> Result<Vec<(Partition, Stream)>, RegistryError> {
        self.look_up(stream::of_all)
    }

    async fn change_stream(
        &self,
        partition: Partition,
        id: &str,
        change: StreamChange,
    ) -> Result<Stream, RegistryError> {
        let id = id.to_owned();
        self.chore(move |connection| stream::change(connection, partition, &id, &change))
            .await
    }

    async fn drop_stream(&self, partition: Partition, id: &str) -> Result<(), RegistryError> {
        let id = id.to_owned();
        self.chore(move |connection| stream::discard(connection, partition, &id))
            .await
    }

    async fn take_mails(&self, most: usize) -> Result<Vec<(Partition, Mail)>, RegistryError> {
        self.look_up(|connection| mail::due(connection, most))
    }

    async fn settle_mail(
        &self,
        partition: Partition,
        id: &str,
        settled: Settled,
    ) -> Result<(), RegistryError> {
        let id = id.to_owned();
        self.chore(move |connection| mail::settle(connection, partition, &id, settled))
            .await
    }

    async fn mails(&self, partition: Partition) -> Result<Vec<Mail>, RegistryError> {
        self.look_up(|connection| mail::all(connection, partition))
    }

    async fn drop_mails(&self, partition: Partition) -> Result<(), RegistryError> {
        self.chore(move |connection| Ok(mail::discard(connection, partition.raw())?))
            .await
    }

    async fn link(&self, partition: Partition, id: &str) -> Result<Option<Link>, RegistryError> {
        self.look_up(|connection| mail::link(connection, partition, id))
    }

    async fn forget_links(&self, before: Timestamp) -> Result<(), RegistryError> {
        self.chore(move |connection| mail::forget_links(connection, before))
            .await
    }

    async fn text(
        &self,
        partition: Partition,
        kind: &str,
        locale: &str,
    ) -> Result<Option<TextSet>, RegistryError> {
        self.look_up(|connection| text::one(connection, partition, kind, locale))
    }

    async fn texts(&self, partition: Partition) -> Result<Vec<TextSet>, RegistryError> {
        self.look_up(|connection| text::all(connection, partition))
    }

    async fn set_texts(
        &self,
        partition: Partition,
        texts: &[TextSet],
    ) -> Result<(), RegistryError> {
        let texts = texts.to_vec();
        self.chore(move |connection| text::set(connection, partition, &texts))
            .await
    }

    async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, RegistryError> {
        let (name, fresh) = (name.to_owned(), fresh.to_vec());
        self.chore(move |connection| registry::secret(connection, &name, &fresh))
            .await
    }

    async fn replace_secret(
        &self,
        name: &str,
        old: &[u8],
        new: &[u8],
    ) -> Result<bool, RegistryError> {
        let (name, old, new) = (name.to_owned(), old.to_vec(), new.to_vec());
        self.chore(move |connection| registry::replace_secret(connection, &name, &old, &new))
            .await
    }

    async fn catalogue(&self, partition: Partition) -> Result<Arc<Catalogue>, RegistryError> {
        self.look_up(|connection| catalogue::catalogue(connection, partition.raw()))
    }

    async fn redefine(
        &self,
        partition: Partition,
        redefinition: Redefinition,
    ) -> Result<(), Refused> {
        let redefinition = Arc::new(redefinition);
        for _ in 0..MOST_CHECKS {
            let since = self
                .check_claims(partition, Arc::clone(&redefinition))
                .await?;
            let asked = Arc::clone(&redefinition);
            let done = self
                .writer
                .chore(move |connection| catalogue::redefine(connection, partition, &asked, since));
            match done.await {
                Some(Ok(Redefined::Done)) => return Ok(()),
                Some(Ok(Redefined::Overtaken)) => {}
                Some(Err(fault)) => return Err(fault.0),
                None => return Err(Refused::Overloaded),
            }
        }
        Err(Refused::Overloaded)
    }

    async fn build_index(
        &self,
        partition: Partition,
        resource_type: &ResourceType,
        path: &str,
    ) -> Result<bool, ReadError> {
        build::build(&self.inner, &self.writer, partition, resource_type, path).await
    }

    async fn ready(&self) -> Result<(), ReadError> {
        let lease = self.inner.pool.lease().map_err(unavailable)?;
        lease
            .prepare_cached("SELECT id FROM tenant LIMIT 1")
            .and_then(|mut any| any.exists([]))
            .map(drop)
            .map_err(unavailable)
    }

    async fn verify(&self) -> Result<Vec<String>, ReadError> {
        Arc::clone(&self.inner)
            .queued(|inner| {
                let connection = inner.pool.lease().map_err(unavailable)?;
                verify::verify(&connection).map_err(unavailable)
            })
            .await
    }

    fn write_pace(&self) -> Duration {
        self.writer.pace()
    }

    fn close(&self) {
        self.writer.close();
    }

    fn commits(&self) -> u64 {
        self.writer.commits()
    }
}
