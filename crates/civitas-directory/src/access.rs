//! Who calls: tenants by host name, API clients by secret or token.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use civitas_scim::tolerance::Profile;
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use crate::{
    client::{Application, Client, DistinguishedName, Roles, Secret, SecretScopes},
    credential::{Lockout, LockoutChange, Verdict},
    error::Error,
    id::{Ids, Seeded},
    password::Hasher,
    record::Timestamp,
    store::{RegistryError, Store, Want},
    tenant::{Partition, Tenant},
    token::{Claims, Holder, Signer, Token},
};

/// How long a tenant or client that was read is used without reading it again, and so how
/// long a change made by another process may go unseen.
pub const REGISTRY_STALENESS: Duration = Duration::from_secs(1);

/// How long a verified secret is accepted without hashing it again. A changed secret is
/// refused at once: the hash is part of what is remembered.
const VERIFIED_SECRET: Duration = Duration::from_mins(5);

const CACHED_ENTRIES: u64 = 10_000;

/// The caller of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The API client.
    pub client_id: String,
    /// `id` of the user that acts through the client, where it is one.
    pub user: Option<String>,
    /// What it may do in this request.
    pub roles: Roles,
    /// How tolerant to be towards what it sends.
    pub profile: Profile,
    /// What its token allows in the words of a dialect; `None` where its roles say everything.
    pub scopes: Option<String>,
    /// What is known of the client as an application, where it has proven itself as one.
    pub application: Option<Application>,
    /// What it has proven itself for, as an application.
    pub granted: SecretScopes,
}

impl Caller {
    /// A client that acts for itself, and has proven itself for these.
    pub fn client(client: &Client, granted: SecretScopes) -> Self {
        Self {
            client_id: client.id.clone(),
            roles: client.roles,
            profile: client.profile,
            application: client.application.clone(),
            granted,
            ..Self::nobody()
        }
    }

    /// Somebody who has shown nothing, and may do nothing by a role.
    pub fn nobody() -> Self {
        Self {
            client_id: String::new(),
            user: None,
            roles: Roles::NONE,
            profile: Profile::default(),
            scopes: None,
            application: None,
            granted: SecretScopes::NONE,
        }
    }

    /// Who acts, as the event log names it.
    pub fn actor(&self) -> String {
        match &self.user {
            Some(user) => ["user:", user].concat(),
            None => ["client:", &self.client_id].concat(),
        }
    }
}

/// Who shows an id and a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// This client, and what the secret is good for.
    Client(Arc<Client>, SecretScopes),
    /// Nobody: there is no such client, or it has no such secret, or no longer.
    Nobody,
    /// An application of which no secret is taken for a while.
    Locked,
}

/// Finds tenants and clients, and checks what they show.
pub struct Access {
    store: Arc<dyn Store>,
    hasher: Hasher,
    signer: Signer,
    tenants: Cache<String, Option<Arc<Tenant>>>,
    /// By what a store calls them.
    realms: Cache<String, Arc<Tenant>>,
    clients: Cache<(i64, String), Option<Arc<Client>>>,
    /// By the subjects of their certificates.
    certified: Cache<(i64, DistinguishedName), Option<Arc<Client>>>,
    verified: Cache<[u8; 32], ()>,
    /// Secrets that are being verified: who shows the same one at the same time shares the work.
    verifying: Mutex<HashMap<[u8; 32], Arc<OnceCell<bool>>>>,
    /// What good tokens say, by tenant and digest.
    tokens: Cache<(Partition, [u8; 32]), Arc<Claims>>,
    /// The sequences of tenants that have a seed, by number of the partition.
    sequences: Mutex<HashMap<i64, Sequence>>,
}

/// Identifiers in issue, and what they are good for.
struct Sequence {
    partition: Partition,
    seed: u64,
    ids: Arc<Seeded>,
}

impl Access {
    /// Access over a store, with the installation's signing key.
    pub fn new(store: Arc<dyn Store>, hasher: Hasher, signer: Signer) -> Self {
        let short = || Cache::builder().max_capacity(CACHED_ENTRIES);
        Self {
            store,
            hasher,
            signer,
            tenants: short().time_to_live(REGISTRY_STALENESS).build(),
            realms: Cache::builder()
                .max_capacity(CACHED_ENTRIES)
                .time_to_live(REGISTRY_STALENESS)
                .build(),
            clients: Cache::builder()
                .max_capacity(CACHED_ENTRIES)
                .time_to_live(REGISTRY_STALENESS)
                .build(),
            certified: Cache::builder()
                .max_capacity(CACHED_ENTRIES)
                .time_to_live(REGISTRY_STALENESS)
                .build(),
            verified: Cache::builder()
                .max_capacity(CACHED_ENTRIES)
                .time_to_live(VERIFIED_SECRET)
                .build(),
            verifying: Mutex::default(),
            tokens: Cache::builder().max_capacity(CACHED_ENTRIES).build(),
            sequences: Mutex::default(),
        }
    }

    /// The tenant that a host name (without port) leads to. A tenant that is alone answers
    /// to every name.
    pub async fn tenant(&self, host: &str) -> Result<Option<Arc<Tenant>>, Error> {
        if let Some(known) = self.tenants.get(host) {
            return Ok(known);
        }
        let found = match self.store.tenant_by_host(host).await? {
            Some(tenant) => Some(tenant),
            None => only(self.store.tenants().await?),
        };
        let found = match found {
            Some(tenant) => Some(Arc::new(self.governed(tenant).await?)),
            None => None,
        };
        self.tenants.insert(host.to_owned(), found.clone());
        Ok(found)
    }

    /// The tenant in the partition of one of its realms. One to which nothing was written yet
    /// is made, or else is an empty one.
    pub async fn realm(&self, tenant: &Tenant, realm: &str, make: bool) -> Result<Tenant, Error> {
        let name = tenant.realm_name(realm);
        if let Some(known) = self.realms.get(&name) {
            return Ok(tenant.in_realm(&known));
        }
        let found = match self.store.tenant_by_name(&name).await? {
            Some(found) => found,
            None if make => self.make_realm(&name).await?,
            None => return Ok(tenant.in_new_realm(name)),
        };
        let found = Arc::new(found);
        self.realms.insert(name, Arc::clone(&found));
        Ok(tenant.in_realm(&found))
    }

    async fn make_realm(&self, name: &str) -> Result<Tenant, Error> {
        match self.store.create_tenant(name, &[]).await {
            // Somebody else was faster.
            Err(RegistryError::TenantExists(_)) => {
                let found = self.store.tenant_by_name(name).await?;
                Ok(found.ok_or_else(|| RegistryError::Missing(name.to_owned()))?)
            }
            made => Ok(made?),
        }
    }

    /// The tenant under what holds for the whole server.
    async fn governed(&self, mut tenant: Tenant) -> Result<Tenant, Error> {
        let server = self.store.server_settings().await?;
        tenant.settings.maintenance = server.maintenance.or(tenant.settings.maintenance);
        Ok(tenant)
    }

    /// Reads every tenant again that is asked for from now on.
    pub fn forget_tenants(&self) {
        self.tenants.invalidate_all();
        self.realms.invalidate_all();
    }

    /// Reads every tenant and client again that is asked for from now on.
    pub fn forget_registry(&self) {
        self.forget_tenants();
        self.forget_clients();
    }

    /// Reads every client again that is asked for from now on.
    pub(crate) fn forget_clients(&self) {
        self.clients.invalidate_all();
        self.certified.invalidate_all();
    }

    /// Where identifiers of a tenant's new resources come from. A sequence goes on until the
    /// tenant is reset or has another seed.
    pub fn ids(&self, tenant: &Tenant) -> Ids {
        let Some(seed) = tenant.stage.seed else {
            return Ids::Random;
        };
        let Tenant {
            partition,
            last_event,
            ..
        } = *tenant;
        let begin = || Sequence {
            partition,
            seed,
            ids: Arc::new(Seeded::new(seed, last_event)),
        };
        let mut sequences = self
            .sequences
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let sequence = sequences.entry(partition.raw()).or_insert_with(begin);
        if partition < sequence.partition {
            // A request that a reset has overtaken: nothing that it makes will stay.
            return Ids::Random;
        }
        if (sequence.partition, sequence.seed) != (partition, seed) {
            *sequence = begin();
        }
        Ids::Seeded(Arc::clone(&sequence.ids))
    }

    /// The client whose id and secret these are. An unknown client takes as long as a wrong
    /// secret. Wrong secrets of an application are counted, and lock it; one that has expired is
    /// none of those, so that who still shows it does not lock out who shows the next one.
    pub async fn by_secret(
        &self,
        tenant: &Tenant,
        client_id: &str,
        secret: &str,
        now: Timestamp,
    ) -> Result<Known, Error> {
        let client = self
            .client(tenant.partition, client_id)
            .await?
            // An account has no secret: asking with one takes as long as for an unknown client.
            .filter(|it| it.enabled && it.account.is_none());
        let meant = client
            .as_ref()
            .and_then(|client| Secret::meant(&client.secrets, secret));
        let phc = meant.map(|meant| meant.hash.clone());
        let proof = phc.as_deref().map(|phc| proof(phc, secret));
        let is_locking = client.as_ref().is_some_and(|it| it.application.is_some());
        let lockout = if is_locking {
            let lockout = self.store.client_lockout(tenant.partition, client_id);
            lockout.await?
        } else {
            Lockout::default()
        };
        if lockout.is_locked(now) {
            return Ok(Known::Locked);
        }
        let is_verified = proof.is_some_and(|proof| self.verified.contains_key(&proof));
        let verify = || self.hasher.verify(secret.to_owned(), phc);
        let secret_matches = match proof {
            Some(_) if is_verified => true,
            Some(proof) => Verifying::join(self, proof).once(verify).await?,
            None => verify().await?,
        };
        if let Some(proof) = proof.filter(|_| secret_matches) {
            self.verified.insert(proof, ());
        }
        let shown = meant.filter(|_| secret_matches);
        if shown.is_some_and(|it| !it.is_valid(now)) {
            return Ok(Known::Nobody);
        }
        if is_locking && !(secret_matches && is_verified && lockout.is_clear()) {
            let shown = LockoutChange::Shown {
                matches: secret_matches,
                at: now,
            };
            let change = self
                .store
                .change_lockout(tenant.partition, client_id, shown);
            if change.await? == Verdict::Locked {
                return Ok(Known::Locked);
            }
        }
        let scopes = shown.map(|it| it.scopes);
        let known = client.clone().zip(scopes);
        Ok(known.map_or(Known::Nobody, |(client, scopes)| {
            Known::Client(client, scopes)
        }))
    }

    /// The client whose certificates have that subject, if it may call. That the certificate is
    /// good is known by then.
    pub async fn by_certificate(
        &self,
        tenant: &Tenant,
        subject: &DistinguishedName,
    ) -> Result<Option<Arc<Client>>, Error> {
        let partition = tenant.partition;
        let key = (partition.raw(), subject.clone());
        let found = if let Some(known) = self.certified.get(&key) {
            known
        } else {
            let found = self.store.client_by_certificate(partition, subject).await?;
            let found = found.map(Arc::new);
            self.certified.insert(key, found.clone());
            found
        };
        Ok(found.filter(|client| client.enabled))
    }

    /// A token for a client or user of the tenant.
    pub fn issue(
        &self,
        tenant: &Tenant,
        holder: Holder<'_>,
        roles: Roles,
        now: Timestamp,
    ) -> Result<Token, Error> {
        self.signer.issue(tenant, holder, roles, now)
    }

    /// A token with scopes of a dialect, for a number of seconds.
    pub fn issue_scoped(
        &self,
        tenant: &Tenant,
        holder: Holder<'_>,
        roles: Roles,
        scopes: &str,
        life: (Timestamp, u64),
    ) -> Result<Token, Error> {
        self.signer
            .issue_scoped(tenant, holder, roles, Some(scopes), life)
    }

    /// The caller that a bearer token names: a token that is good, of a client that still
    /// exists, is enabled and still has the roles. If it is a user's, the user is still there
    /// and active.
    pub async fn by_token(
        &self,
        tenant: &Tenant,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Caller>, Error> {
        let Some(claims) = self.claims(tenant, token, now) else {
            return Ok(None);
        };
        let client = self.client(tenant.partition, &claims.client_id).await?;
        let Some(client) = client.filter(|client| client.enabled) else {
            return Ok(None);
        };
        if let Some(user) = &claims.user
            && !self.is_active(tenant.partition, user).await?
        {
            return Ok(None);
        }
        Ok(Some(Caller {
            roles: claims.roles.intersect(client.roles),
            client_id: claims.client_id.clone(),
            user: claims.user.clone(),
            profile: client.profile,
            scopes: claims.scopes.clone(),
            application: None,
            granted: SecretScopes::NONE,
        }))
    }

    fn verifying(&self) -> MutexGuard<'_, HashMap<[u8; 32], Arc<OnceCell<bool>>>> {
        self.verifying
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn is_active(&self, partition: Partition, user: &str) -> Result<bool, Error> {
        let found = self.store.read(partition, "User", user, Want::default());
        Ok(found.await?.is_some_and(|it| it.record.is_active()))
    }

    /// What a token says, if it is good. The signature of one that was is not checked again.
    fn claims(&self, tenant: &Tenant, token: &str, now: Timestamp) -> Option<Arc<Claims>> {
        let key = (tenant.partition, Sha256::digest(token).into());
        if let Some(known) = self.tokens.get(&key) {
            return known.live(now).then_some(known);
        }
        let claims = Arc::new(self.signer.verify(tenant, token, now)?);
        self.tokens.insert(key, Arc::clone(&claims));
        Some(claims)
    }

    /// The client of that id, as read at most [`REGISTRY_STALENESS`] ago.
    pub(crate) async fn client(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Option<Arc<Client>>, Error> {
        let key = (partition.raw(), id.to_owned());
        if let Some(known) = self.clients.get(&key) {
            return Ok(known);
        }
        let found = self.store.client(partition, id).await?.map(Arc::new);
        self.clients.insert(key, found.clone());
        Ok(found)
    }
}

/// The verification of a secret that others may wait for too; forgotten when one of them is
/// done or goes away.
struct Verifying<'a> {
    access: &'a Access,
    proof: [u8; 32],
    outcome: Arc<OnceCell<bool>>,
}

impl<'a> Verifying<'a> {
    fn join(access: &'a Access, proof: [u8; 32]) -> Self {
        let outcome = Arc::clone(access.verifying().entry(proof).or_default());
        Self {
            access,
            proof,
            outcome,
        }
    }

    async fn once<F: Future<Output = Result<bool, Error>>>(
        &self,
        verify: impl FnOnce() -> F,
    ) -> Result<bool, Error> {
        self.outcome.get_or_try_init(verify).await.copied()
    }
}

impl Drop for Verifying<'_> {
    fn drop(&mut self) {
        self.access.verifying().remove(&self.proof);
    }
}

fn only(mut tenants: Vec<Tenant>) -> Option<Tenant> {
    tenants.retain(|it| !it.is_realm());
    <[Tenant; 1]>::try_from(tenants).ok().map(|[tenant]| tenant)
}

/// What proves a secret without keeping it: a digest over the stored hash and the secret.
fn proof(phc: &str, secret: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(phc)
        .chain_update([0])
        .chain_update(secret)
        .finalize()
        .into()
}
