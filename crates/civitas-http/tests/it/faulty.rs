//! A store that fails on demand: reading `panic`, `down`, `slow` or `full` does what the id
//! says.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use civitas_directory::{
    Catalogue, Change, ChangeSet, Client, Committed, Credential, Found, Partition, Rejected,
    Settings, Stage, Store, Stream, Tenant, Timestamp, Version,
    client::{ClientChange, DistinguishedName},
    credential::{Lockout, LockoutChange, Verdict},
    file::File,
    job::{End, Forget, Job, Part, PartDone, Row},
    link::Link,
    mail::{Mail, Settled},
    redefinition::{Redefinition, Refused},
    retry::{Attempt, Claimed},
    settings,
    store::{
        Changes, ChangesQuery, Event, FoundPage, LogReach, Query, ReadError, Referent,
        RegistryError, Snapshot, Want, memory::MemoryStore,
    },
    stream::StreamChange,
    text::TextSet,
};
use civitas_scim::schema::ResourceType;
use tokio::sync::Notify;

/// The store in memory, with faults.
#[derive(Default)]
pub(crate) struct Faulty(
    MemoryStore,
    pub(crate) Held,
    pub(crate) Mutex<Duration>,
    Mutex<Option<Trouble>>,
);

/// What is wrong with all reads and writes of resources.
#[derive(Clone, Copy)]
pub(crate) enum Trouble {
    /// They fail.
    Away,
    /// They end in a panic.
    Defect,
    /// What creates resources of the type is not written; everything else is.
    Without(&'static str),
}

impl Faulty {
    /// What is wrong, from now on.
    pub(crate) fn trouble(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.3.lock().unwrap()
    }

    fn works(&self) -> Result<(), ReadError> {
        let trouble = *self.trouble();
        match trouble {
            None | Some(Trouble::Without(_)) => Ok(()),
            Some(Trouble::Away) => Err(ReadError::Unavailable("secret path".into())),
            Some(Trouble::Defect) => panic!("secret internals"),
        }
    }
}

/// Reads that do not end until they are let go.
#[derive(Default)]
pub(crate) struct Held {
    /// Told when a read has begun.
    pub(crate) begun: Notify,
    /// Tell it to let one go.
    pub(crate) let_go: Notify,
}

#[async_trait::async_trait]
impl Store for Faulty {
    async fn read(
        &self,
        partition: Partition,
        resource_type: &str,
        id: &str,
        want: Want,
    ) -> Result<Option<Found>, ReadError> {
        match id {
            "panic" => panic!("secret internals"),
            "down" => return Err(ReadError::Unavailable("secret path".into())),
            "full" => return Err(ReadError::Overloaded),
            "slow" => {
                self.1.begun.notify_one();
                self.1.let_go.notified().await;
            }
            _ => {}
        }
        self.works()?;
        self.0.read(partition, resource_type, id, want).await
    }

    async fn referents(
        &self,
        partition: Partition,
        ids: &[String],
    ) -> Result<Vec<Option<Referent>>, ReadError> {
        self.works()?;
        self.0.referents(partition, ids).await
    }

    async fn search(&self, partition: Partition, query: Query) -> Result<FoundPage, ReadError> {
        self.works()?;
        self.0.search(partition, query).await
    }

    async fn credentials(
        &self,
        partition: Partition,
        ids: &[String],
    ) -> Result<Vec<Option<Credential>>, ReadError> {
        self.works()?;
        self.0.credentials(partition, ids).await
    }

    async fn events(
        &self,
        partition: Partition,
        after: Option<Version>,
        limit: usize,
    ) -> Result<Vec<Event>, ReadError> {
        self.0.events(partition, after, limit).await
    }

    async fn changes(
        &self,
        partition: Partition,
        query: ChangesQuery,
    ) -> Result<Option<Changes>, ReadError> {
        self.works()?;
        self.0.changes(partition, query).await
    }

    async fn log_reach(&self, partition: Partition) -> Result<LogReach, ReadError> {
        self.works()?;
        self.0.log_reach(partition).await
    }

    async fn prune_events(
        &self,
        before: Timestamp,
        most: u64,
        step: usize,
    ) -> Result<bool, ReadError> {
        self.0.prune_events(before, most, step).await
    }

    async fn commit(
        &self,
        partition: Partition,
        change_set: ChangeSet,
    ) -> Result<Committed, Rejected> {
        self.works()
            .map_err(|error| Rejected::Unavailable(error.to_string()))?;
        let trouble = *self.trouble();
        if let Some(Trouble::Without(kind)) = trouble {
            let creates =
                |it: &Change| matches!(it, Change::Create(it) if it.resource_type == kind);
            if change_set.changes.iter().any(creates) {
                return Err(Rejected::Unavailable(kind.to_owned()));
            }
        }
        self.0.commit(partition, change_set).await
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, RegistryError> {
        self.0.tenants().await
    }

    async fn tenant_by_name(&self, name: &str) -> Result<Option<Tenant>, RegistryError> {
        self.0.tenant_by_name(name).await
    }

    async fn tenant_by_host(&self, host: &str) -> Result<Option<Tenant>, RegistryError> {
        self.0.tenant_by_host(host).await
    }

    async fn create_tenant(&self, name: &str, hosts: &[String]) -> Result<Tenant, RegistryError> {
        self.0.create_tenant(name, hosts).await
    }

    async fn server_settings(&self) -> Result<Settings, RegistryError> {
        self.0.server_settings().await
    }

    async fn change_settings(
        &self,
        of: Option<Partition>,
        changes: &[settings::Change],
    ) -> Result<(), RegistryError> {
        self.0.change_settings(of, changes).await
    }

    async fn set_stage(&self, partition: Partition, stage: Stage) -> Result<(), RegistryError> {
        self.0.set_stage(partition, stage).await
    }

    async fn rehearsals(&self, partition: Partition) -> Result<String, RegistryError> {
        self.0.rehearsals(partition).await
    }

    async fn set_rehearsals(&self, partition: Partition, text: &str) -> Result<(), RegistryError> {
        self.0.set_rehearsals(partition, text).await
    }

    async fn take_snapshot(
        &self,
        partition: Partition,
        name: &str,
        at: Timestamp,
    ) -> Result<Snapshot, RegistryError> {
        self.0.take_snapshot(partition, name, at).await
    }

    async fn snapshots(&self, partition: Partition) -> Result<Vec<Snapshot>, RegistryError> {
        self.0.snapshots(partition).await
    }

    async fn drop_snapshot(&self, partition: Partition, name: &str) -> Result<(), RegistryError> {
        self.0.drop_snapshot(partition, name).await
    }

    async fn reset(
        &self,
        partition: Partition,
        snapshot: Option<&str>,
    ) -> Result<Partition, RegistryError> {
        self.0.reset(partition, snapshot).await
    }

    async fn client(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Option<Client>, RegistryError> {
        self.0.client(partition, id).await
    }

    async fn clients(&self, partition: Partition) -> Result<Vec<Client>, RegistryError> {
        self.0.clients(partition).await
    }

    async fn create_client(
        &self,
        partition: Partition,
        client: Client,
    ) -> Result<(), RegistryError> {
        self.0.create_client(partition, client).await
    }

    async fn replace_client(
        &self,
        partition: Partition,
        client: Client,
    ) -> Result<(), RegistryError> {
        self.0.replace_client(partition, client).await
    }

    async fn change_client(
        &self,
        partition: Partition,
        id: &str,
        change: ClientChange,
    ) -> Result<Client, RegistryError> {
        self.0.change_client(partition, id, change).await
    }

    async fn client_by_certificate(
        &self,
        partition: Partition,
        subject: &DistinguishedName,
    ) -> Result<Option<Client>, RegistryError> {
        self.0.client_by_certificate(partition, subject).await
    }

    async fn client_lockout(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Lockout, RegistryError> {
        self.0.client_lockout(partition, id).await
    }

    async fn change_lockout(
        &self,
        partition: Partition,
        id: &str,
        change: LockoutChange,
    ) -> Result<Verdict, RegistryError> {
        self.0.change_lockout(partition, id, change).await
    }

    async fn create_job(&self, partition: Partition, job: Job) -> Result<(), RegistryError> {
        self.0.create_job(partition, job).await
    }

    async fn job(&self, partition: Partition, id: &str) -> Result<Option<Job>, RegistryError> {
        self.0.job(partition, id).await
    }

    async fn end_job(&self, partition: Partition, id: &str, end: End) -> Result<(), RegistryError> {
        self.0.end_job(partition, id, end).await
    }

    async fn cancel_job(&self, partition: Partition, id: &str) -> Result<(), RegistryError> {
        self.0.cancel_job(partition, id).await
    }

    async fn open_jobs(&self) -> Result<Vec<(Partition, Job)>, RegistryError> {
        self.0.open_jobs().await
    }

    async fn add_job_part(
        &self,
        partition: Partition,
        id: &str,
        part: Part,
    ) -> Result<(), RegistryError> {
        self.0.add_job_part(partition, id, part).await
    }

    async fn drop_job_parts(&self, partition: Partition, id: &str) -> Result<(), RegistryError> {
        self.0.drop_job_parts(partition, id).await
    }

    async fn drop_stray_parts(&self, idle: Duration) -> Result<(), RegistryError> {
        self.0.drop_stray_parts(idle).await
    }

    async fn next_job_part(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Option<Part>, RegistryError> {
        self.0.next_job_part(partition, id).await
    }

    async fn finish_job_part(
        &self,
        partition: Partition,
        id: &str,
        done: PartDone,
    ) -> Result<(), RegistryError> {
        self.0.finish_job_part(partition, id, done).await
    }

    async fn job_rows(
        &self,
        partition: Partition,
        id: &str,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Row>, RegistryError> {
        self.0.job_rows(partition, id, after, limit).await
    }

    async fn jobs(
        &self,
        partition: Partition,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Job>, RegistryError> {
        self.0.jobs(partition, before, limit).await
    }

    async fn add_file(
        &self,
        partition: Partition,
        file: File,
        content: Vec<u8>,
    ) -> Result<bool, RegistryError> {
        self.0.add_file(partition, file, content).await
    }

    async fn file(
        &self,
        partition: Partition,
        name: &str,
    ) -> Result<Option<(File, Vec<u8>)>, RegistryError> {
        self.0.file(partition, name).await
    }

    async fn files(&self, partition: Partition) -> Result<Vec<File>, RegistryError> {
        self.0.files(partition).await
    }

    async fn drop_file(&self, partition: Partition, name: &str) -> Result<bool, RegistryError> {
        self.0.drop_file(partition, name).await
    }

    async fn forget_files(
        &self,
        partition: Partition,
        before: Timestamp,
    ) -> Result<(), RegistryError> {
        self.0.forget_files(partition, before).await
    }

    async fn forget_jobs(&self, partition: Partition, forget: Forget) -> Result<(), RegistryError> {
        self.0.forget_jobs(partition, forget).await
    }

    async fn claim_retry(
        &self,
        partition: Partition,
        attempt: &Attempt,
    ) -> Result<Claimed<String>, RegistryError> {
        self.0.claim_retry(partition, attempt).await
    }

    async fn settle_retry(
        &self,
        partition: Partition,
        key: &str,
        answer: Option<&str>,
    ) -> Result<(), RegistryError> {
        self.0.settle_retry(partition, key, answer).await
    }

    async fn create_stream(
        &self,
        partition: Partition,
        stream: Stream,
    ) -> Result<(), RegistryError> {
        self.0.create_stream(partition, stream).await
    }

    async fn stream(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Option<Stream>, RegistryError> {
        self.0.stream(partition, id).await
    }

    async fn streams(&self, partition: Partition) -> Result<Vec<Stream>, RegistryError> {
        self.0.streams(partition).await
    }

    async fn all_streams(&self) -> Result<Vec<(Partition, Stream)>, RegistryError> {
        self.0.all_streams().await
    }

    async fn own_streams(&self) -> Result<Vec<(Partition, Stream)>, RegistryError> {
        self.0.own_streams().await
    }

    async fn change_stream(
        &self,
        partition: Partition,
        id: &str,
        change: StreamChange,
    ) -> Result<Stream, RegistryError> {
        self.0.change_stream(partition, id, change).await
    }

    async fn drop_stream(&self, partition: Partition, id: &str) -> Result<(), RegistryError> {
        self.0.drop_stream(partition, id).await
    }

    async fn take_mails(&self, most: usize) -> Result<Vec<(Partition, Mail)>, RegistryError> {
        self.0.take_mails(most).await
    }

    async fn settle_mail(
        &self,
        partition: Partition,
        id: &str,
        settled: Settled,
    ) -> Result<(), RegistryError> {
        self.0.settle_mail(partition, id, settled).await
    }

    async fn mails(&self, partition: Partition) -> Result<Vec<Mail>, RegistryError> {
        self.0.mails(partition).await
    }

    async fn drop_mails(&self, partition: Partition) -> Result<(), RegistryError> {
        self.0.drop_mails(partition).await
    }

    async fn link(&self, partition: Partition, id: &str) -> Result<Option<Link>, RegistryError> {
        self.0.link(partition, id).await
    }

    async fn forget_links(&self, before: Timestamp) -> Result<(), RegistryError> {
        self.0.forget_links(before).await
    }

    async fn text(
        &self,
        partition: Partition,
        kind: &str,
        locale: &str,
    ) -> Result<Option<TextSet>, RegistryError> {
        self.0.text(partition, kind, locale).await
    }

    async fn texts(&self, partition: Partition) -> Result<Vec<TextSet>, RegistryError> {
        self.0.texts(partition).await
    }

    async fn set_texts(
        &self,
        partition: Partition,
        texts: &[TextSet],
    ) -> Result<(), RegistryError> {
        self.0.set_texts(partition, texts).await
    }

    async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, RegistryError> {
        self.0.secret(name, fresh).await
    }

    async fn ready(&self) -> Result<(), ReadError> {
        self.0.ready().await
    }

    async fn replace_secret(
        &self,
        name: &str,
        old: &[u8],
        new: &[u8],
    ) -> Result<bool, RegistryError> {
        self.0.replace_secret(name, old, new).await
    }

    async fn catalogue(&self, partition: Partition) -> Result<Arc<Catalogue>, RegistryError> {
        self.0.catalogue(partition).await
    }

    async fn redefine(
        &self,
        partition: Partition,
        redefinition: Redefinition,
    ) -> Result<(), Refused> {
        self.works()
            .map_err(|error| Refused::Unavailable(error.to_string()))?;
        self.0.redefine(partition, redefinition).await
    }

    async fn build_index(
        &self,
        partition: Partition,
        resource_type: &ResourceType,
        path: &str,
    ) -> Result<bool, ReadError> {
        self.0.build_index(partition, resource_type, path).await
    }

    async fn verify(&self) -> Result<Vec<String>, ReadError> {
        self.0.verify().await
    }

    fn write_pace(&self) -> Duration {
        *self.2.lock().unwrap()
    }

    fn commits(&self) -> u64 {
        self.0.commits()
    }
}
