//! The seam between rules and storage: a few reads, and one write.

pub mod memory;
#[cfg(feature = "suite")]
pub mod suite;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use civitas_scim::{
    condition::{Condition, Sort},
    schema::ResourceType,
    value::Key,
};

use crate::{
    catalogue::Catalogue,
    change::{ChangeSet, Committed, Difference, Rejected},
    client::{Client, ClientChange, ClientRefusal, DistinguishedName},
    credential::{Credential, Lockout, LockoutChange, Verdict},
    file::File,
    job::{End, Forget, Job, Part, PartDone, Row},
    link::Link,
    mail::{Mail, Settled},
    record::{Found, Timestamp, Version},
    redefinition::{Redefinition, Refused},
    retry::{Attempt, Claimed},
    settings::{Change, Settings},
    stream::{Stream, StreamChange},
    tenant::{Partition, Stage, Tenant},
    text::TextSet,
};

/// Why a read failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Answering would examine more documents than the query's limit allows.
    #[error("the query would examine more than {limit} resources")]
    TooCostly {
        /// The limit, in documents.
        limit: usize,
    },
    /// Too many searches are running.
    #[error("too many searches are waiting")]
    Overloaded,
    /// The store cannot read now. The text is for the log.
    #[error("the store failed: {0}")]
    Unavailable(String),
}

/// What to read beside a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Want {
    /// The groups of a user, direct and indirect.
    pub groups: bool,
    /// The members of a group, at most this many and one more (see [`Found::members`]).
    pub members: Option<usize>,
}

/// A query over one or several resource types of a partition.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The types to search, each with its own resolution of filter and sort order.
    pub selections: Vec<Selection>,
    /// Which part of the result to return.
    pub page: Page,
    /// What to read beside each record.
    pub want: Want,
    /// Most documents that may be examined where no index answers.
    pub max_examined: usize,
    /// Whether [`FoundPage::total`] is wanted. To count costs more than a page where an index
    /// lists what matches.
    pub counted: bool,
}

/// The resources of one type that a query is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Name of the resource type.
    pub resource_type: String,
    /// Which resources; `None` for all.
    pub condition: Option<Condition>,
    /// The order; `None` for creation order. With several selections all have one or none.
    pub sort: Option<Sort>,
}

/// A part of a result.
#[derive(Debug, Clone, PartialEq)]
pub enum Page {
    /// `count` resources from the zero-based `offset`.
    Index {
        /// How many to skip.
        offset: u64,
        /// How many to return at most.
        count: usize,
    },
    /// `count` resources that come after a place, at a cost that does not depend on where it
    /// is. Without a sort order the types follow one another, each in creation order; with
    /// one, ties are in the order of types and of creation, and a descending order is the
    /// ascending one reversed.
    After {
        /// Where the last page ended; `None` for the start.
        place: Option<Place>,
        /// How many to return at most. Fewer may come although there are more: only
        /// [`FoundPage::next`] tells.
        count: usize,
    },
}

/// A place in the order of [`Page::After`]. It stays valid when resources come and go, the
/// one at the place included.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Name of the resource type of the resource at the place.
    pub resource_type: String,
    /// Its position among those of its type.
    pub position: Position,
    /// What it is sorted by; `None` without a sort order, and without a value.
    pub key: Option<Key>,
}

/// A position in the total and stable creation order of one resource type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub i64);

/// A part of a result and the size of the whole.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundPage {
    /// Resources that match, before paging; where the query does not ask for it, those of the
    /// page at least.
    pub total: u64,
    /// The resources of the page.
    pub items: Vec<Found>,
    /// Where to go on after a page of [`Page::After`]; `None` when it is the last. Always
    /// `None` for pages by index.
    pub next: Option<Place>,
}

/// What a resource is, for those that refer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referent {
    /// The resource's `id`.
    pub id: String,
    /// Its resource type.
    pub resource_type: String,
    /// What it is shown as.
    pub display: String,
}

/// What happened to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// It was created.
    Created,
    /// Its attributes, members or password changed.
    Changed,
    /// It was deleted.
    Deleted,
}

/// One committed change of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Number in commit order, and the version the change made.
    pub version: Version,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// By which request.
    pub request_id: String,
    /// What.
    pub kind: EventKind,
    /// Resource type of the resource.
    pub resource_type: String,
    /// `id` of the resource.
    pub id: String,
    /// What differs, of a change of attributes; `None` of any other, and of a change of a
    /// group's members alone.
    pub difference: Option<Difference>,
}

/// How far the event log of a partition reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogReach {
    /// Events up to this one are no longer kept; 0 while all are.
    pub pruned: Version,
    /// The last event; 0 while there is none.
    pub last: Version,
}

/// What changed after an event: which part of the log to look at, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangesQuery {
    /// Names of the resource types to look at.
    pub types: Vec<String>,
    /// The last event that is known.
    pub after: Version,
    /// Most resources to return.
    pub count: usize,
    /// Most events to look at. Fewer resources than `count` may come of it.
    pub max_events: usize,
    /// What to read beside each record.
    pub want: Want,
}

/// The newest states of what changed after an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Each changed resource once, in the order of its newest event.
    pub items: Vec<Newest>,
    /// The last event that was looked at: where to go on.
    pub seen: Version,
    /// Whether there are events after it.
    pub more: bool,
}

/// The newest state of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Newest {
    /// It is there.
    Present {
        /// Whether its creation is the last that happened to it.
        is_new: bool,
        /// The state.
        found: Found,
    },
    /// It was deleted.
    Gone {
        /// Its resource type.
        resource_type: String,
        /// Its `id`.
        id: String,
        /// When.
        at: Timestamp,
        /// The version that its deletion made.
        version: Version,
    },
}

/// Why a tenant or client was not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The tenant's name is in use.
    #[error("a tenant named {0} exists")]
    TenantExists(String),
    /// The host name leads to a tenant already.
    #[error("the host name {0} belongs to another tenant")]
    HostTaken(String),
    /// The client id is in use in the tenant.
    #[error("a client {0} exists")]
    ClientExists(String),
    /// No tenant, client or snapshot of that name.
    #[error("there is no {0}")]
    Missing(String),
    /// The client may not become what was asked for.
    #[error(transparent)]
    Client(#[from] ClientRefusal),
    /// The tenant has as many snapshots as it may have.
    #[error("there are {0} snapshots already; drop one first")]
    TooManySnapshots(usize),
    /// The tenant has as many streams as it may have.
    #[error("there are {0} streams already; delete one first")]
    TooManyStreams(usize),
    /// The tenant was reset meanwhile.
    #[error("the tenant was reset meanwhile")]
    Reset,
    /// The store cannot answer now.
    #[error("the store failed: {0}")]
    Unavailable(String),
}

/// How often a process asks for the jobs that are its to do, and the streams to push.
pub const JOB_TURN: Duration = Duration::from_secs(2);

/// How long the jobs of a process, and the streams that it pushes, are left to it after it has
/// asked for them.
pub const JOB_LEASE: Duration = Duration::from_secs(10);

/// Most snapshots that a tenant may have.
pub const MAX_SNAPSHOTS: usize = 16;

/// A state of a tenant that it can be taken back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name, unique in the tenant.
    pub name: String,
    /// When it was taken, by the tenant's clock.
    pub at: Timestamp,
    /// The tenant's last event then.
    pub last_event: Version,
}

/// Keeps resources, tenants and clients. Equal behaviour of all stores is shown by the suite
/// (feature `suite`, macro `store_suite!`).
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// One resource by type and id.
    async fn read(
        &self,
        partition: Partition,
        resource_type: &str,
        id: &str,
        want: Want,
    ) -> Result<Option<Found>, ReadError>;

    /// What the ids refer to, of any type, in the order asked; `None` where nothing has it.
    async fn referents(
        &self,
        partition: Partition,
        ids: &[String],
    ) -> Result<Vec<Option<Referent>>, ReadError>;

    /// The resources that match, a page of them. One consistent state is read.
    async fn search(&self, partition: Partition, query: Query) -> Result<FoundPage, ReadError>;

    /// The credentials of resources, in the order asked; `None` where there is nothing to keep.
    /// What was committed before is seen.
    async fn credentials(
        &self,
        partition: Partition,
        ids: &[String],
    ) -> Result<Vec<Option<Credential>>, ReadError>;

    /// Events after a version, in commit order, at most `limit`.
    async fn events(
        &self,
        partition: Partition,
        after: Option<Version>,
        limit: usize,
    ) -> Result<Vec<Event>, ReadError>;

    /// The newest states of what changed after an event, from one consistent state; `None`
    /// when events after it are no longer kept.
    async fn changes(
        &self,
        partition: Partition,
        query: ChangesQuery,
    ) -> Result<Option<Changes>, ReadError>;

    /// How far the event log reaches.
    async fn log_reach(&self, partition: Partition) -> Result<LogReach, ReadError>;

    /// Forgets the oldest events of each partition: those before an instant, and as many as
    /// there are beyond `most`; at most `step` in all. Those after the beginning of an open
    /// job stay: they tell what it has done. Returns whether more are left to forget.
    async fn prune_events(
        &self,
        before: Timestamp,
        most: u64,
        step: usize,
    ) -> Result<bool, ReadError>;

    /// Commits the change set durably, whole or not at all.
    async fn commit(
        &self,
        partition: Partition,
        change_set: ChangeSet,
    ) -> Result<Committed, Rejected>;

    /// All tenants and their realms, by name.
    async fn tenants(&self) -> Result<Vec<Tenant>, RegistryError>;

    /// The tenant or realm of that name.
    async fn tenant_by_name(&self, name: &str) -> Result<Option<Tenant>, RegistryError>;

    /// The tenant that a host name leads to.
    async fn tenant_by_host(&self, host: &str) -> Result<Option<Tenant>, RegistryError>;

    /// Completes when another process may have changed tenants, clients, settings or
    /// definitions after this was called. It need not be told of a change at all: by default
    /// it never is.
    async fn registry_changed(&self) {
        std::future::pending::<()>().await;
    }

    /// Creates a tenant with a partition of its own.
    async fn create_tenant(&self, name: &str, hosts: &[String]) -> Result<Tenant, RegistryError>;

    /// The settings that hold for every tenant.
    async fn server_settings(&self) -> Result<Settings, RegistryError>;

    /// Changes settings of the tenant with the partition, or of the server without one: all
    /// or none.
    async fn change_settings(
        &self,
        of: Option<Partition>,
        changes: &[Change],
    ) -> Result<(), RegistryError>;
    /// Sets what makes a tenant's answers repeatable.
    async fn set_stage(&self, partition: Partition, stage: Stage) -> Result<(), RegistryError>;

    /// The rehearsals that were set for a tenant, as text of whoever sets them; empty when
    /// there are none.
    async fn rehearsals(&self, partition: Partition) -> Result<String, RegistryError>;

    /// Sets the rehearsals of a tenant. A reset ends them.
    async fn set_rehearsals(&self, partition: Partition, text: &str) -> Result<(), RegistryError>;

    /// Keeps the present state of a tenant under a name, in place of what was kept under it:
    /// resources, members, passwords, events, settings, stage and jobs that have ended. Clients
    /// and host names are no part of it.
    async fn take_snapshot(
        &self,
        partition: Partition,
        name: &str,
        at: Timestamp,
    ) -> Result<Snapshot, RegistryError>;

    /// The snapshots of a tenant, by name.
    async fn snapshots(&self, partition: Partition) -> Result<Vec<Snapshot>, RegistryError>;

    /// Drops a snapshot.
    async fn drop_snapshot(&self, partition: Partition, name: &str) -> Result<(), RegistryError>;

    /// Takes a tenant back to a snapshot, numbers of versions and events included, or to
    /// nothing at all; whole, between two commits. A new generation begins: change sets
    /// that were computed before are rejected with [`Rejected::Reset`]. Costs what has
    /// changed since the snapshot, as long as the tenant was not reset to another one.
    async fn reset(
        &self,
        partition: Partition,
        snapshot: Option<&str>,
    ) -> Result<Partition, RegistryError>;

    /// A client of a tenant.
    async fn client(&self, partition: Partition, id: &str)
    -> Result<Option<Client>, RegistryError>;

    /// The clients of a tenant, by id.
    async fn clients(&self, partition: Partition) -> Result<Vec<Client>, RegistryError>;

    /// Stores a new client.
    async fn create_client(
        &self,
        partition: Partition,
        client: Client,
    ) -> Result<(), RegistryError>;

    /// Replaces a client. Its certificates stay.
    async fn replace_client(
        &self,
        partition: Partition,
        client: Client,
    ) -> Result<(), RegistryError>;

    /// Changes a client as it is in the transaction that does so, and returns what came of it.
    async fn change_client(
        &self,
        partition: Partition,
        id: &str,
        change: ClientChange,
    ) -> Result<Client, RegistryError>;

    /// The client whose certificates have that subject.
    async fn client_by_certificate(
        &self,
        partition: Partition,
        subject: &DistinguishedName,
    ) -> Result<Option<Client>, RegistryError>;

    /// Wrong secrets that were shown as a client's.
    async fn client_lockout(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Lockout, RegistryError>;

    /// Changes what is known of wrong secrets of a client, durably, and says what came of it.
    async fn change_lockout(
        &self,
        partition: Partition,
        id: &str,
        change: LockoutChange,
    ) -> Result<Verdict, RegistryError>;

    /// Stores a new job.
    async fn create_job(&self, partition: Partition, job: Job) -> Result<(), RegistryError>;

    /// A job of a tenant.
    async fn job(&self, partition: Partition, id: &str) -> Result<Option<Job>, RegistryError>;

    /// Keeps a part of a job that is yet to be stored.
    async fn add_job_part(
        &self,
        partition: Partition,
        id: &str,
        part: Part,
    ) -> Result<(), RegistryError>;

    /// Drops the parts of a job that will not be stored after all.
    async fn drop_job_parts(&self, partition: Partition, id: &str) -> Result<(), RegistryError>;

    /// Drops parts of all tenants whose jobs were not stored and to which none was added for
    /// so long: whoever was about to is gone.
    async fn drop_stray_parts(&self, idle: Duration) -> Result<(), RegistryError>;

    /// The first part of a job that is not done.
    async fn next_job_part(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Option<Part>, RegistryError>;

    /// Drops a part of an open job and keeps what came of its steps.
    async fn finish_job_part(
        &self,
        partition: Partition,
        id: &str,
        done: PartDone,
    ) -> Result<(), RegistryError>;

    /// What came of the steps of a job after one, in their order, at most `limit`.
    async fn job_rows(
        &self,
        partition: Partition,
        id: &str,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Row>, RegistryError>;

    /// Notes that an open job is to end before its time, for whoever has it in work. One that
    /// has ended is left as it is.
    async fn cancel_job(&self, partition: Partition, id: &str) -> Result<(), RegistryError>;

    /// Ends an open job and drops its input.
    async fn end_job(&self, partition: Partition, id: &str, end: End) -> Result<(), RegistryError>;

    /// The open jobs of all tenants, by tenant and id.
    async fn open_jobs(&self) -> Result<Vec<(Partition, Job)>, RegistryError>;

    /// The open jobs that are this process's to do, by tenant and id: those that it stored or
    /// was given before, and those of processes that are gone. To be asked every [`JOB_TURN`]:
    /// whoever has not asked for [`JOB_LEASE`] is gone. By default there is one process.
    async fn own_jobs(&self) -> Result<Vec<(Partition, Job)>, RegistryError> {
        self.open_jobs().await
    }

    /// Drops what is no longer kept of the ended jobs of a tenant.
    async fn forget_jobs(&self, partition: Partition, forget: Forget) -> Result<(), RegistryError>;

    /// Jobs of a tenant whose ids come before one, in descending order, at most `limit`.
    async fn jobs(
        &self,
        partition: Partition,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Job>, RegistryError>;

    /// Keeps a file, unless there is one with the same name. Whether there was none. Of its size
    /// the content tells.
    async fn add_file(
        &self,
        partition: Partition,
        file: File,
        content: Vec<u8>,
    ) -> Result<bool, RegistryError>;

    /// A file of a tenant and its content.
    async fn file(
        &self,
        partition: Partition,
        name: &str,
    ) -> Result<Option<(File, Vec<u8>)>, RegistryError>;

    /// The files of a tenant, by name.
    async fn files(&self, partition: Partition) -> Result<Vec<File>, RegistryError>;

    /// Drops a file. Whether there was one.
    async fn drop_file(&self, partition: Partition, name: &str) -> Result<bool, RegistryError>;

    /// Drops the files of a tenant that were made before an instant.
    async fn forget_files(
        &self,
        partition: Partition,
        before: Timestamp,
    ) -> Result<(), RegistryError>;

    /// Claims the token of a request durably. What is no longer kept of the tenant's requests is
    /// dropped, a few at a time.
    async fn claim_retry(
        &self,
        partition: Partition,
        attempt: &Attempt,
    ) -> Result<Claimed<String>, RegistryError>;

    /// Keeps the answer of the request that has claimed a token, or gives the token back. A token
    /// that was answered or that nobody has claimed stays as it is.
    async fn settle_retry(
        &self,
        partition: Partition,
        key: &str,
        answer: Option<&str>,
    ) -> Result<(), RegistryError>;

    /// Stores a new stream, of at most [`MAX_STREAMS`](crate::stream::MAX_STREAMS).
    async fn create_stream(
        &self,
        partition: Partition,
        stream: Stream,
    ) -> Result<(), RegistryError>;

    /// A stream of a tenant.
    async fn stream(&self, partition: Partition, id: &str)
    -> Result<Option<Stream>, RegistryError>;

    /// The streams of a tenant, by id.
    async fn streams(&self, partition: Partition) -> Result<Vec<Stream>, RegistryError>;

    /// The streams of all tenants, by tenant and id. Their generations are not told.
    async fn all_streams(&self) -> Result<Vec<(Partition, Stream)>, RegistryError>;

    /// The streams that are this process's to push ([`Stream::is_pushed`]), by tenant and id:
    /// those that it was given before, and those that nobody pushes. No other process is given
    /// them for [`JOB_LEASE`]. By default there is one process.
    async fn own_streams(&self) -> Result<Vec<(Partition, Stream)>, RegistryError> {
        let mut streams = self.all_streams().await?;
        streams.retain(|(_, stream)| stream.is_pushed());
        Ok(streams)
    }

    /// Changes a stream durably, and gives it. A reset of the tenant takes its streams back
    /// with it, so that what was said of another generation is [`RegistryError::Reset`].
    async fn change_stream(
        &self,
        partition: Partition,
        id: &str,
        change: StreamChange,
    ) -> Result<Stream, RegistryError>;

    /// Drops a stream.
    async fn drop_stream(&self, partition: Partition, id: &str) -> Result<(), RegistryError>;

    /// Takes mails of all tenants that are due, the ones that wait longest first, at most so many.
    /// No other process is given them for [`MAIL_LEASE`](crate::mail::MAIL_LEASE), unless it is
    /// said before what came of them.
    async fn take_mails(&self, most: usize) -> Result<Vec<(Partition, Mail)>, RegistryError>;

    /// Says what came of an attempt to send a mail, which counts it. One that is gone stays gone.
    async fn settle_mail(
        &self,
        partition: Partition,
        id: &str,
        settled: Settled,
    ) -> Result<(), RegistryError>;

    /// The mails of a tenant that were not sent, the newest first, at most
    /// [`MOST_KEPT`](crate::mail::MOST_KEPT).
    async fn mails(&self, partition: Partition) -> Result<Vec<Mail>, RegistryError>;

    /// Drops the mails of a tenant that were not sent.
    async fn drop_mails(&self, partition: Partition) -> Result<(), RegistryError>;

    /// A link of a tenant, which may have expired.
    async fn link(&self, partition: Partition, id: &str) -> Result<Option<Link>, RegistryError>;

    /// Forgets the links of all tenants that had expired then.
    async fn forget_links(&self, before: Timestamp) -> Result<(), RegistryError>;

    /// The texts of a tenant for a kind, in a language.
    async fn text(
        &self,
        partition: Partition,
        kind: &str,
        locale: &str,
    ) -> Result<Option<TextSet>, RegistryError>;

    /// All texts of a tenant, by kind and language.
    async fn texts(&self, partition: Partition) -> Result<Vec<TextSet>, RegistryError>;

    /// Sets texts of a tenant in place of those of the same kinds and languages; those that are
    /// empty go. All of them or none.
    async fn set_texts(&self, partition: Partition, texts: &[TextSet])
    -> Result<(), RegistryError>;

    /// The secret of that name; `fresh` is kept as such when there is none.
    async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, RegistryError>;

    /// Replaces the secret of that name, unless it is another than `old`. Returns whether it
    /// was replaced.
    async fn replace_secret(
        &self,
        name: &str,
        old: &[u8],
        new: &[u8],
    ) -> Result<bool, RegistryError>;

    /// What a partition serves.
    async fn catalogue(&self, partition: Partition) -> Result<Arc<Catalogue>, RegistryError>;

    /// Changes the definitions of a partition, whole or not at all.
    async fn redefine(
        &self,
        partition: Partition,
        redefinition: Redefinition,
    ) -> Result<(), Refused>;

    /// Goes on building an index, by a bounded number of resources, in steps that let other
    /// writes pass. The type tells how values are prepared. Returns whether the index is
    /// complete, which is also so of one that nobody asked for.
    async fn build_index(
        &self,
        partition: Partition,
        resource_type: &ResourceType,
        path: &str,
    ) -> Result<bool, ReadError>;

    /// Whether the store can serve (readiness).
    async fn ready(&self) -> Result<(), ReadError>;

    /// Checks the store against itself: documents parse, every index entry is that of its
    /// document and none is missing, memberships and counts agree. Returns what is wrong, a
    /// line each; empty when clean.
    async fn verify(&self) -> Result<Vec<String>, ReadError>;

    /// What a change set adds to a transaction lately: not what the flush takes that all of them
    /// share. Zero where it means nothing.
    fn write_pace(&self) -> Duration {
        Duration::ZERO
    }

    /// Finishes the writes that wait and lets go of what the store holds. Later requests are
    /// refused. Dropping the store does the same.
    fn close(&self) {}

    /// Commits so far (for metrics: requests per commit). Zero where it means nothing.
    fn commits(&self) -> u64 {
        0
    }
}
