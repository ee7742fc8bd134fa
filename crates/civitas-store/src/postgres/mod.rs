//! The store for several nodes: one PostgreSQL, or a relative that speaks its protocol.
//!
//! Nothing that one node needs is kept by another: what is held in memory here are numbers that
//! never change once they are committed. Text that clients write is kept as bytes, so that it is
//! compared as everywhere else, whatever the encoding and collation of the database.

mod build;
mod catalog;
mod catalogue;
mod census;
mod commit;
mod connect;
pub(crate) mod copy;
mod error;
mod file;
mod job;
mod leaf;
mod listed;
mod log;
mod mail;
mod migrate;
mod news;
mod part;
mod pool;
mod record;
mod registry;
mod retry;
mod snapshot;
mod source;
mod stream;
mod text;
mod tls;
mod verify;

use std::{collections::HashMap, sync::Arc, time::Duration};

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
    mail::{MAIL_LEASE, Mail, Settled},
    record::{Found, Timestamp, Version},
    redefinition::{Redefinition, Refused},
    retry::{Attempt, Claimed},
    settings::{self, Settings},
    store::{
        Changes, ChangesQuery, Event, FoundPage, JOB_LEASE, LogReach, Query, ReadError, Referent,
        RegistryError, Snapshot, Store, Want,
    },
    stream::{Stream, StreamChange},
    tenant::{Partition, Stage, Tenant},
    text::TextSet,
};
use civitas_scim::schema::ResourceType;
use tokio::{
    runtime::Handle,
    sync::Notify,
    task::{self, AbortHandle},
};

use self::{
    catalogue::Redefined,
    commit::Writer,
    connect::Connector,
    error::{Fault, Outcome, RegistryFault},
    job::Worker,
    pool::{Lease, Parameter, Pool},
    record::Beside,
    source::Session,
};
pub use self::{connect::PostgresUrl, error::OpenPostgresError};
use crate::{
    catalog::Facts,
    credential,
    fault::{ReadFault, ReadResult},
    rid::kind_of,
    search::{self, Search},
};

/// The resource type that has members.
const GROUP: &str = "Group";
/// The resource type that shows the groups it is in.
const USER: &str = "User";

/// How often claims on resources are looked at before a change of definitions is given up.
const MOST_CHECKS: usize = 5;

/// How long work may take that looks at all resources or changes the form of the tables.
const LONG: Duration = Duration::from_hours(1);

/// How a store is set up. The defaults suit a small server.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// Most connections to the database.
    pub connections: usize,
    /// Requests that may wait for a connection; more are refused as overload.
    pub waiting: usize,
    /// Most searches that no index answers at once that wait for their turn in a burst
    /// ([`Admission`]); more are refused as overload.
    pub waiting_searches: usize,
    /// Writes that may wait; more are refused as overload.
    pub queue: usize,
    /// Most change sets in one transaction.
    pub batch: usize,
    /// How long a statement may take, and how long one waits for a connection.
    pub patience: Duration,
    /// How long jobs, and streams to push, are left to this process after it has asked for
    /// them.
    pub job_lease: Duration,
    /// How long a mail is left to this process after it has taken it.
    pub mail_lease: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            connections: 10,
            waiting: 1024,
            waiting_searches: 32,
            queue: 1024,
            batch: 128,
            patience: Duration::from_secs(10),
            job_lease: JOB_LEASE,
            mail_lease: MAIL_LEASE,
        }
    }
}

/// A directory in a PostgreSQL database.
pub struct PostgresStore {
    pool: Arc<Pool>,
    /// For what takes its time.
    patient: Arc<Pool>,
    facts: Arc<Facts>,
    writer: Writer,
    searches: Admission,
    worker: Worker,
    mail_lease: Duration,
    /// Told when other nodes have changed the registry.
    news: Arc<Notify>,
    listener: AbortHandle,
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl PostgresStore {
    /// Opens the store of a database, and makes or changes its tables if need be.
    pub async fn open(url: &PostgresUrl) -> Result<Self, OpenPostgresError> {
        Self::open_with(url, &PostgresOptions::default()).await
    }

    /// Opens the store of a database, set up as asked.
    pub async fn open_with(
        url: &PostgresUrl,
        options: &PostgresOptions,
    ) -> Result<Self, OpenPostgresError> {
        let connector = |timeout| Connector::new(url, timeout).map_err(OpenPostgresError::Url);
        let pool = Arc::new(Pool::new(
            connector(options.patience)?,
            options.connections,
            options.waiting,
            options.patience,
        ));
        let patient = Arc::new(Pool::new(connector(LONG)?, 2, options.waiting, LONG));
        let lease = patient.lease().await;
        let lease = lease.map_err(|fault| OpenPostgresError::Database(fault.text()))?;
        migrate::migrate(&lease).await?;
        if copy::is_unfinished(&lease).await? {
            return Err(OpenPostgresError::Unfinished);
        }
        drop(lease);
        let facts = Arc::new(Facts::default());
        let news = Arc::new(Notify::new());
        let listener = news::listen(connector(options.patience)?, Arc::clone(&news));
        Ok(Self {
            worker: Worker::new(options.job_lease),
            mail_lease: options.mail_lease,
            listener: tokio::spawn(listener).abort_handle(),
            news,
            writer: Writer::new(
                Arc::clone(&pool),
                Arc::clone(&facts),
                options.queue,
                options.batch,
            ),
            searches: Admission::new(options.connections / 2, options.waiting_searches),
            pool,
            patient,
            facts,
        })
    }

    async fn lease(&self) -> Outcome<Lease> {
        self.pool.lease().await
    }

    async fn registry(&self) -> Result<Lease, RegistryError> {
        let lease = self.pool.lease().await;
        Ok(lease.map_err(RegistryFault::from)?)
    }

    async fn find(
        &self,
        partition: i64,
        resource_type: &str,
        id: &str,
        want: Want,
    ) -> Outcome<Option<Found>> {
        let lease = self.lease().await?;
        let kind = catalog::kind(&lease, &self.facts, partition, resource_type).await?;
        let Some(kind) = kind else {
            return Ok(None);
        };
        let beside = Beside::of(want, resource_type);
        let from = "resource r WHERE r.partition = $1 AND r.id = $2 AND r.kind = $3";
        let sql = beside.select(from, 4);
        let id = id.as_bytes();
        let mut parameters: Vec<Parameter<'_>> = vec![&partition, &id, &kind];
        parameters.extend(beside.limit().map(|it| it as Parameter<'_>));
        let rows = lease.query(&sql, &parameters).await?;
        let of = (partition, resource_type);
        let mut found = record::all(rows, &lease, &self.facts, of, beside).await?;
        Ok(found.pop().map(|(_, found)| found))
    }

    /// Runs a search of which an index may answer at most `cap` resources.
    async fn searched(
        &self,
        partition: Partition,
        query: &Arc<Query>,
        cap: usize,
    ) -> ReadResult<FoundPage> {
        let lease = self.lease().await?;
        let (facts, runtime) = (Arc::clone(&self.facts), Handle::current());
        let query = Arc::clone(query);
        let search = task::spawn_blocking(move || {
            let session = Session::new(lease, &facts, partition.raw(), runtime);
            let search = Search {
                source: &session,
                limit: query.max_examined,
                cap,
            };
            let found = search.run(&query);
            session.end();
            found
        });
        let ended = search.await;
        ended.unwrap_or_else(|error| Err(ReadFault::Unavailable(error.to_string())))
    }

    async fn find_referents(
        &self,
        partition: i64,
        ids: &[String],
    ) -> Outcome<Vec<Option<Referent>>> {
        let asked: Vec<&[u8]> = ids.iter().map(String::as_bytes).collect();
        let lease = self.lease().await?;
        let rows = lease
            .query(
                "SELECT rid, id, display FROM resource WHERE partition = $1 AND id = ANY ($2)",
                &[&partition, &asked],
            )
            .await?;
        let mut referents = vec![None; ids.len()];
        for row in &rows {
            let kind = kind_of(row.try_get(0)?);
            let name = catalog::type_name(&lease, &self.facts, partition, kind).await?;
            let referent = Referent {
                id: record::text(row, 1)?,
                resource_type: name.as_ref().into(),
                display: record::text(row, 2)?,
            };
            for (place, _) in ids.iter().enumerate().filter(|(_, id)| **id == referent.id) {
                referents[place] = Some(referent.clone());
            }
        }
        Ok(referents)
    }

    async fn find_credentials(
        &self,
        partition: i64,
        ids: &[String],
    ) -> Result<Vec<Option<Credential>>, ReadError> {
        let asked: Vec<&[u8]> = ids.iter().map(String::as_bytes).collect();
        let lease = self.lease().await?;
        let sql = "SELECT r.id, c.text FROM resource r JOIN credential c ON c.rid = r.rid
                   WHERE r.partition = $1 AND r.id = ANY ($2)";
        let rows = lease.query(sql, &[&partition, &asked]).await?;
        let mut found = HashMap::with_capacity(rows.len());
        for row in &rows {
            let [id, text] = [record::text(row, 0)?, record::text(row, 1)?];
            found.insert(id, text);
        }
        let texts = ids.iter().map(|id| found.get(id).map(String::as_str));
        texts.map(credential::read).collect()
    }

    async fn redefine_once(
        &self,
        partition: Partition,
        asked: &Redefinition,
    ) -> Result<Redefined, Refused> {
        let lease = self.patient.lease().await?;
        let since = if asked.claims.is_empty() {
            0
        } else {
            let raw = partition.raw();
            match catalogue::check(&lease, raw, &asked.claims).await? {
                (since, None) => since,
                (_, Some((claim, id))) => return Err(Refused::Broken { claim, id }),
            }
        };
        let done = catalogue::redefine(&lease, partition, asked, since).await;
        done.map_err(|fault| fault.0)
    }
}

/// Does work again that others were in the way of, a bounded number of times. (A function of an
/// asynchronous closure would not be known to be `Send`.)
macro_rules! again {
    ($lease:expr, |$connection:ident| $work:expr) => {{
        let mut left = 3;
        loop {
            left -= 1;
            let $connection = $lease.await.map_err(RegistryFault::from)?;
            match $work.await {
                Err(RegistryFault::Database(Fault::Again(_))) if left > 0 => {}
                done => break Ok(done?),
            }
        }
    }};
}

#[async_trait]
impl Store for PostgresStore {
    async fn read(
        &self,
        partition: Partition,
        resource_type: &str,
        id: &str,
        want: Want,
    ) -> Result<Option<Found>, ReadError> {
        Ok(self.find(partition.raw(), resource_type, id, want).await?)
    }

    async fn referents(
        &self,
        partition: Partition,
        ids: &[String],
    ) -> Result<Vec<Option<Referent>>, ReadError> {
        Ok(self.find_referents(partition.raw(), ids).await?)
    }

    async fn search(&self, partition: Partition, query: Query) -> Result<FoundPage, ReadError> {
        let query = Arc::new(query);
        if search::is_quick(&query) {
            match self.searched(partition, &query, search::QUICK).await {
                Err(ReadFault::Slow) => {}
                done => return Ok(done?),
            }
        }
        // These could take all connections.
        let turn = self.searches.turn(Patience::Short).await;
        let _turn = turn.map_err(|_| ReadError::Overloaded)?;
        Ok(self.searched(partition, &query, usize::MAX).await?)
    }

    async fn credentials(
        &self,
        partition: Partition,
        ids: &[String],
    ) -> Result<Vec<Option<Credential>>, ReadError> {
        self.find_credentials(partition.raw(), ids).await
    }

    async fn events(
        &self,
        partition: Partition,
        after: Option<Version>,
        limit: usize,
    ) -> Result<Vec<Event>, ReadError> {
        let after = after.map_or(0, |version| version.0);
        let lease = self.lease().await?;
        Ok(log::events(&lease, &self.facts, partition.raw(), after, limit).await?)
    }

    async fn changes(
        &self,
        partition: Partition,
        query: ChangesQuery,
    ) -> Result<Option<Changes>, ReadError> {
        let lease = self.lease().await?;
        let changes = log::changes(&lease, &self.facts, partition.raw(), &query).await?;
        lease.roll_back();
        Ok(changes)
    }

    async fn log_reach(&self, partition: Partition) -> Result<LogReach, ReadError> {
        let lease = self.lease().await?;
        Ok(log::reach(&lease, partition.raw()).await?)
    }

    async fn prune_events(
        &self,
        before: Timestamp,
        most: u64,
        step: usize,
    ) -> Result<bool, ReadError> {
        let lease = self.lease().await?;
        Ok(log::prune(&lease, before, most, step).await?)
    }

    async fn commit(
        &self,
        partition: Partition,
        change_set: ChangeSet,
    ) -> Result<Committed, Rejected> {
        self.writer.commit(partition, change_set).await
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, RegistryError> {
        let lease = self.registry().await?;
        Ok(registry::tenants(&lease).await?)
    }

    async fn tenant_by_name(&self, name: &str) -> Result<Option<Tenant>, RegistryError> {
        let lease = self.registry().await?;
        Ok(registry::tenant_by_name(&lease, name).await?)
    }

    async fn tenant_by_host(&self, host: &str) -> Result<Option<Tenant>, RegistryError> {
        let lease = self.registry().await?;
        Ok(registry::tenant_by_host(&lease, host).await?)
    }

    async fn registry_changed(&self) {
        self.news.notified().await;
    }

    async fn create_tenant(&self, name: &str, hosts: &[String]) -> Result<Tenant, RegistryError> {
        again!(self.lease(), |it| registry::create_tenant(&it, name, hosts))
    }

    async fn server_settings(&self) -> Result<Settings, RegistryError> {
        let lease = self.registry().await?;
        Ok(registry::server_settings(&lease).await?)
    }

    async fn change_settings(
        &self,
        of: Option<Partition>,
        changes: &[settings::Change],
    ) -> Result<(), RegistryError> {
        again!(self.lease(), |it| registry::change_settings(
            &it, of, changes
        ))
    }

    async fn set_stage(&self, partition: Partition, stage: Stage) -> Result<(), RegistryError> {
        let lease = self.registry().await?;
        Ok(registry::set_stage(&lease, partition, stage).await?)
    }

    async fn rehearsals(&self, partition: Partition) -> Result<String, RegistryError> {
        let lease = self.registry().await?;
        Ok(registry::rehearsals(&lease, partition).await?)
    }

    async fn set_rehearsals(&self, partition: Partition, text: &str) -> Result<(), RegistryError> {
        let lease = self.registry().await?;
        Ok(registry::set_rehearsals(&lease, partition, text).await?)
    }

    async fn take_snapshot(
        &self,
        partition: Partition,
        name: &str,
        at: Timestamp,
    ) -> Result<Snapshot, RegistryError> {
        let lease = || self.patient.lease();
        again!(lease(), |it| snapshot::take(&it, partition, name, at))
    }

    async fn snapshots(&self, partition: Partition) -> Result<Vec<Snapshot>, RegistryError> {
        let lease = self.registry().await?;
        Ok(snapshot::list(&lease, partition).await?)
    }

    async fn drop_snapshot(&self, partition: Partition, name: &str) -> Result<(), RegistryError> {
        let lease = || self.patient.lease();
        again!(lease(), |it| snapshot::discard(&it, partition, name))
    }

    async fn reset(
        &self,
        partition: Partition,
        snapshot: Option<&str>,
    ) -> Result<Partition, RegistryError> {
        let lease = || self.patient.lease();
        again!(lease(), |it| snapshot::reset(&it, partition, snapshot))
    }

    async fn client(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Option<Client>, RegistryError> {
        let lease = self.registry().await?;
        Ok(registry::client(&lease, partition, id).await?)
    }

    async fn clients(&self, partition: Partition) -> Result<Vec<Client>, RegistryError> {
        let lease = self.registry().await?;
        Ok(registry::clients(&lease, partition).await?)
    }

    async fn create_client(
        &self,
        partition: Partition,
        client: Client,
    ) -> Result<(), RegistryError> {
        again!(self.lease(), |it| registry::create_client(
            &it, partition, &client
        ))
    }

    async fn replace_client(
        &self,
        partition: Partition,
        client: Client,
    ) -> Result<(), RegistryError> {
        let lease = self.registry().await?;
        Ok(registry::replace_client(&lease, partition, &client).await?)
    }

    async fn change_client(
        &self,
        partition: Partition,
        id: &str,
        change: ClientChange,
    ) -> Result<Client, RegistryError> {
        again!(self.lease(), |it| registry::change_client(
            &it,
            partition,
            id,
            change.clone()
        ))
    }

    async fn client_by_certificate(
        &self,
        partition: Partition,
        subject: &DistinguishedName,
    ) -> Result<Option<Client>, RegistryError> {
        let lease = self.registry().await?;
        Ok(registry::client_by_certificate(&lease, partition, subject).await?)
    }

    async fn client_lockout(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Lockout, RegistryError> {
        let lease = self.registry().await?;
        Ok(registry::lockout(&lease, partition, id).await?)
    }

    async fn change_lockout(
        &self,
        partition: Partition,
        id: &str,
        change: LockoutChange,
    ) -> Result<Verdict, RegistryError> {
        again!(self.lease(), |it| registry::change_lockout(
            &it, partition, id, change
        ))
    }

    async fn create_job(&self, partition: Partition, job: Job) -> Result<(), RegistryError> {
        let lease = self.registry().await?;
        Ok(job::create(&lease, partition, &job, self.worker).await?)
    }

    async fn job(&self, partition: Partition, id: &str) -> Result<Option<Job>, RegistryError> {
        let lease = self.registry().await?;
        Ok(job::one(&lease, partition, id).await?)
    }

    async fn cancel_job(&self, partition: Partition, id: &str) -> Result<(), RegistryError> {
        let lease = self.registry().await?;
        Ok(job::cancel(&lease, partition, id).await?)
    }

    async fn end_job(&self, partition: Partition, id: &str, end: End) -> Result<(), RegistryError> {
        let lease = self.registry().await?;
        Ok(job::end(&lease, partition, id, &end).await?)
    }

    async fn open_jobs(&self) -> Result<Vec<(Partition, Job)>, RegistryError> {
        let lease = self.registry().await?;
        Ok(job::open(&lease).await?)
    }

    async fn own_jobs(&self) -> Result<Vec<(Partition, Job)>, RegistryError> {
        let lease = self.registry().await?;
        Ok(job::own(&lease, self.worker).await?)
    }

    async fn add_job_part(
        &self,
        partition: Partition,
        id: &str,
        part: Part,
    ) -> Result<(), RegistryError> {
        let lease = self.registry().await?;
        Ok(part::add(&lease, partition, id, &part).await?)
    }

    async fn drop_job_parts(&self, partition: Partition, id: &str) -> Result<(), RegistryError> {
        let lease = self.registry().await?;
        let dropped = lease.pipeline(&[part::discard(partition, id)]).await;
        Ok(dropped.map(drop).map_err(RegistryFault::from)?)
    }

    async fn drop_stray_parts(&self, idle: Duration) -> Result<(), RegistryError> {
        let lease = self.registry().await?;
        Ok(part::discard_stray(&lease, idle).await?)
    }

    async fn next_job_part(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Option<Part>, RegistryError> {
        let lease = self.registry().await?;
        Ok(part::next(&lease, partition, id).await?)
    }

    async fn finish_job_part(
        &self,
        partition: Partition,
        id: &str,
        done: PartDone,
    ) -> Result<(), RegistryError> {
        let lease = self.registry().await?;
        Ok(part::finish(&lease, partition, id, &done, self.worker).await?)
    }

    async fn job_rows(
        &self,
        partition: Partition,
        id: &str,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Row>, RegistryError> {
        let lease = self.registry().await?;
        Ok(part::rows(&lease, partition, id, after, limit).await?)
    }

    async fn forget_jobs(&self, partition: Partition, forget: Forget) -> Result<(), RegistryError> {
        again!(self.lease(), |it| job::forget(&it, partition, forget))
    }

    async fn jobs(
        &self,
        partition: Partition,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Job>, RegistryError> {
        let lease = self.registry().await?;
        Ok(job::page(&lease, partition, before, limit).await?)
    }

    async fn add_file(
        &self,
        partition: Partition,
        file: File,
        content: Vec<u8>,
    ) -> Result<bool, RegistryError> {
        let lease = self.registry().await?;
        Ok(file::add(&lease, partition, &file, &content).await?)
    }

    async fn file(
        &self,
        partition: Partition,
        name: &str,
    ) -> Result<Option<(File, Vec<u8>)>, RegistryError> {
        let lease = self.registry().await?;
        Ok(file::one(&lease, partition, name).await?)
    }

    async fn files(&self, partition: Partition) -> Result<Vec<File>, RegistryError> {
        let lease = self.registry().await?;
        Ok(file::all(&lease, partition).await?)
    }

    async fn drop_file(&self, partition: Partition, name: &str) -> Result<bool, RegistryError> {
        let lease = self.registry().await?;
        Ok(file::discard(&lease, partition, name).await?)
    }

    async fn forget_files(
        &self,
        partition: Partition,
        before: Timestamp,
    ) -> Result<(), RegistryError> {
        let lease = self.registry().await?;
        Ok(file::forget(&lease, partition, before).await?)
    }

    async fn claim_retry(
        &self,
        partition: Partition,
        attempt: &Attempt,
    ) -> Result<Claimed<String>, RegistryError> {
        let lease = self.registry().await?;
        Ok(retry::claim(&lease, partition, attempt).await?)
    }

    async fn settle_retry(
        &self,
        partition: Partition,
        key: &str,
        answer: Option<&str>,
    ) -> Result<(), RegistryError> {
        again!(self.lease(), |it| retry::settle(
            &it, partition, key, answer
        ))
    }

    async fn create_stream(
        &self,
        partition: Partition,
        stream: Stream,
    ) -> Result<(), RegistryError> {
        let lease = self.registry().await?;
        Ok(stream::create(&lease, partition, &stream).await?)
    }

    async fn stream(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Option<Stream>, RegistryError> {
        let lease = self.registry().await?;
        Ok(stream::one(&lease, partition, id).await?)
    }

    async fn streams(&self, partition: Partition) -> Result<Vec<Stream>, RegistryError> {
        let lease = self.registry().await?;
        Ok(stream::all(&lease, partition).await?)
    }

    async fn all_streams(&self) -> Result<Vec<(Partition, Stream)>, RegistryError> {
        let lease = self.registry().await?;
        Ok(stream::of_all(&lease).await?)
    }

    async fn own_streams(&self) -> Result<Vec<(Partition, Stream)>, RegistryError> {
        let lease = self.registry().await?;
        Ok(stream::own(&lease, self.worker).await?)
    }

    async fn change_stream(
        &self,
        partition: Partition,
        id: &str,
        change: StreamChange,
    ) -> Result<Stream, RegistryError> {
        again!(self.lease(), |it| stream::change(
            &it, partition, id, &change
        ))
    }

    async fn drop_stream(&self, partition: Partition, id: &str) -> Result<(), RegistryError> {
        let lease = self.registry().await?;
        Ok(stream::discard(&lease, partition, id).await?)
    }

    async fn take_mails(&self, most: usize) -> Result<Vec<(Partition, Mail)>, RegistryError> {
        let lease = self.registry().await?;
        Ok(mail::take(&lease, most, self.mail_lease).await?)
    }

    async fn settle_mail(
        &self,
        partition: Partition,
        id: &str,
        settled: Settled,
    ) -> Result<(), RegistryError> {
        let lease = self.registry().await?;
        Ok(mail::settle(&lease, partition, id, settled).await?)
    }

    async fn mails(&self, partition: Partition) -> Result<Vec<Mail>, RegistryError> {
        let lease = self.registry().await?;
        Ok(mail::all(&lease, partition).await?)
    }

    async fn drop_mails(&self, partition: Partition) -> Result<(), RegistryError> {
        let lease = self.registry().await?;
        let dropped = lease.pipeline(&[mail::discard(partition.raw())]).await;
        Ok(dropped.map(drop).map_err(RegistryFault::from)?)
    }

    async fn link(&self, partition: Partition, id: &str) -> Result<Option<Link>, RegistryError> {
        let lease = self.registry().await?;
        Ok(mail::link(&lease, partition, id).await?)
    }

    async fn forget_links(&self, before: Timestamp) -> Result<(), RegistryError> {
        let lease = self.registry().await?;
        Ok(mail::forget_links(&lease, before).await?)
    }

    async fn text(
        &self,
        partition: Partition,
        kind: &str,
        locale: &str,
    ) -> Result<Option<TextSet>, RegistryError> {
        let lease = self.registry().await?;
        Ok(text::one(&lease, partition, kind, locale).await?)
    }

    async fn texts(&self, partition: Partition) -> Result<Vec<TextSet>, RegistryError> {
        let lease = self.registry().await?;
        Ok(text::all(&lease, partition).await?)
    }

    async fn set_texts(
        &self,
        partition: Partition,
        texts: &[TextSet],
    ) -> Result<(), RegistryError> {
        again!(self.lease(), |it| text::set(&it, partition, texts))
    }

    async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, RegistryError> {
        let lease = self.registry().await?;
        Ok(registry::secret(&lease, name, fresh).await?)
    }

    async fn replace_secret(
        &self,
        name: &str,
        old: &[u8],
        new: &[u8],
    ) -> Result<bool, RegistryError> {
        let lease = self.registry().await?;
        Ok(registry::replace_secret(&lease, name, old, new).await?)
    }

    async fn catalogue(&self, partition: Partition) -> Result<Arc<Catalogue>, RegistryError> {
        let lease = self.registry().await?;
        Ok(registry::catalogue_of(&lease, partition.raw()).await?)
    }

    async fn redefine(
        &self,
        partition: Partition,
        redefinition: Redefinition,
    ) -> Result<(), Refused> {
        for _ in 0..MOST_CHECKS {
            if let Redefined::Done = self.redefine_once(partition, &redefinition).await? {
                return Ok(());
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
        let lease = self.patient.lease().await?;
        Ok(build::build(&lease, partition, resource_type, path).await?)
    }

    async fn ready(&self) -> Result<(), ReadError> {
        let lease = self.lease().await?;
        lease.query("SELECT id FROM tenant LIMIT 1", &[]).await?;
        Ok(())
    }

    async fn verify(&self) -> Result<Vec<String>, ReadError> {
        let lease = self.patient.lease().await?;
        let findings = verify::verify(&lease).await?;
        lease.roll_back();
        Ok(findings)
    }

    fn write_pace(&self) -> Duration {
        self.writer.pace()
    }

    fn close(&self) {
        self.listener.abort();
        self.pool.close();
        self.patient.close();
    }

    fn commits(&self) -> u64 {
        self.writer.commits()
    }
}
