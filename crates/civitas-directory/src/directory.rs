//! The use cases: read, decide by pure rules, commit one change set.

mod account;
pub mod belonging;
mod build;
mod bulk;
mod client;
mod creation;
mod credential;
mod define;
mod delta;
mod feed;
mod file;
mod import;
mod job;
mod link;
mod mail;
mod read;
mod reference;
pub mod relationship;
mod retry;
mod select;
mod staging;
mod subject;
mod text;
mod write;

pub use bulk::{Done, Step};
pub use define::{MAX_SCHEMAS, MAX_TYPES};
pub use delta::{Delta, DeltaToken, NextDelta};
pub use feed::{Due, NewStream, NextKey, Poll, Polled, Ready, SetError, StreamEdit, Word};
pub use import::Imported;
pub use job::{MAX_OPEN_JOBS, NewJob, Progress, Replay};
pub use link::NewLink;
pub use mail::Kept;
pub use read::{Listing, Paging};
pub use subject::Subject;
pub use write::Edit;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Notify, Semaphore, watch};

use crate::{
    access::{Access, Caller},
    admission::{Admission, BURST, Overload},
    client::{Client, Roles},
    error::Error,
    limits::Limits,
    password::Hasher,
    record::Timestamp,
    seal::Seal,
    settings::{self, Settings},
    store::Store,
    tenant::Tenant,
    token::{Holder, Signer, Token},
};

/// The directory over a store. Shared by all requests.
pub struct Directory {
    store: Arc<dyn Store>,
    hasher: Hasher,
    access: Access,
    /// Told when definitions change.
    redefined: Notify,
    limits: Limits,
    seal: Seal,
    bulk_requests: Admission,
    /// Places for the creates of bulk jobs, so that all of them together leave room in the
    /// store's queue for other writes.
    bulk_creates: Semaphore,
    /// Whether writes have waited long for a while.
    writes: Overload,
    jobs: job::OpenJobs,
    job_turns: Semaphore,
    event_keys: feed::EventKeys,
    /// Places for polls that wait.
    polls: Semaphore,
    post: mail::Post,
    /// Told when a mail was written.
    mailed: Notify,
    /// Told what [`Directory::watch`] tells.
    changed: watch::Sender<()>,
}

impl Directory {
    /// A directory over a store.
    ///
    /// # Errors
    /// The store cannot give the signing key, or there is no source of randomness for one.
    pub async fn open(store: Arc<dyn Store>, limits: Limits) -> Result<Self, Error> {
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).map_err(|error| Error::Unavailable(error.to_string()))?;
        let key = store.secret("signing-key", &fresh).await?;
        let key = <[u8; 32]>::try_from(key)
            .map_err(|_| Error::Unavailable("the signing key is not of 32 bytes".into()))?;
        let hasher = Hasher::new(limits.hashing_threads, limits.waiting_hashes);
        let signer = Signer::new(&key, limits.token_seconds);
        let seal = Seal::derive(&key).map_err(Error::Unavailable)?;
        let access = Access::new(store.clone(), hasher.clone(), signer);
        Ok(Self {
            store,
            hasher,
            access,
            redefined: Notify::new(),
            limits,
            seal,
            bulk_requests: Admission::new(bulk::REQUESTS_AT_A_TIME, bulk::REQUESTS_IN_A_BURST),
            bulk_creates: Semaphore::new(bulk::CREATES_AT_A_TIME),
            writes: Overload::default(),
            jobs: job::OpenJobs::default(),
            job_turns: Semaphore::new(job::JOBS_AT_A_TIME),
            event_keys: feed::EventKeys::default(),
            polls: Semaphore::new(feed::WAITING),
            post: mail::Post::default(),
            mailed: Notify::new(),
            changed: watch::Sender::new(()),
        })
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether requests can be served.
    pub async fn ready(&self) -> Result<(), Error> {
        Ok(self.store.ready().await?)
    }

    /// Whether one more request that writes is let in, while so many are in work. Many may wait
    /// in a burst, for what waits together is committed together; when there are more than that,
    /// only as many as are done soon, until it has been calm for a while. One is always prepared
    /// while another is committed.
    ///
    /// # Errors
    /// [`Error::Overloaded`]
    pub fn admit_write(&self, in_work: usize) -> Result<(), Error> {
        let ahead = u32::try_from(in_work).unwrap_or(u32::MAX);
        let wait = self.store.write_pace().saturating_mul(ahead);
        let is_long = in_work > 1 && wait > Duration::from_millis(self.limits.write_wait_ms);
        let is_burst = wait <= BURST && in_work < self.limits.write_burst;
        if self.writes.refuses(is_long, is_burst, Instant::now()) {
            return Err(Error::Overloaded);
        }
        Ok(())
    }

    /// Commits of the store so far.
    pub fn commits(&self) -> u64 {
        self.store.commits()
    }

    /// The tenant that a host name (without port) leads to; a tenant that is alone answers
    /// to every name, and to none.
    pub async fn tenant(&self, host: Option<&str>) -> Result<Option<Arc<Tenant>>, Error> {
        self.access.tenant(host.unwrap_or_default()).await
    }

    /// The tenant in the partition of one of its realms. One to which nothing was written yet
    /// is made for a caller that is about to, and is an empty one for others. Nothing of one
    /// partition is in another.
    pub async fn realm(&self, tenant: &Tenant, realm: &str, make: bool) -> Result<Tenant, Error> {
        self.access.realm(tenant, realm, make).await
    }

    /// Follows what other processes change of tenants and clients, for as long as it is
    /// awaited. Without it they are known within
    /// [`REGISTRY_STALENESS`](crate::access::REGISTRY_STALENESS).
    pub async fn follow(&self) {
        loop {
            self.store.registry_changed().await;
            self.access.forget_registry();
        }
    }

    /// The settings of a tenant as stored.
    pub async fn settings(&self, tenant: &Tenant) -> Result<Settings, Error> {
        let found = self.store.tenant_by_name(&tenant.name).await?;
        Ok(found.map(|it| it.settings).unwrap_or_default())
    }

    /// Changes settings of a tenant. This process knows them at once, others within
    /// [`REGISTRY_STALENESS`](crate::access::REGISTRY_STALENESS).
    pub async fn change_settings(
        &self,
        tenant: &Tenant,
        changes: &[settings::Change],
    ) -> Result<(), Error> {
        let partition = Some(tenant.partition);
        self.store.change_settings(partition, changes).await?;
        self.access.forget_tenants();
        Ok(())
    }

    /// The settings that hold for every tenant.
    pub async fn server_settings(&self) -> Result<Settings, Error> {
        Ok(self.store.server_settings().await?)
    }

    /// An access token for a client; `roles` it does not have are left out.
    pub fn issue_token(
        &self,
        tenant: &Tenant,
        client: &Client,
        roles: Roles,
        now: Timestamp,
    ) -> Result<Token, Error> {
        let holder = Holder::Client { id: &client.id };
        let roles = roles.intersect(client.roles);
        self.access.issue(tenant, holder, roles, now)
    }

    /// The caller that a bearer token names, if the token is good.
    pub async fn verify_token(
        &self,
        tenant: &Tenant,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Caller>, Error> {
        self.access.by_token(tenant, token, now).await
    }
}
