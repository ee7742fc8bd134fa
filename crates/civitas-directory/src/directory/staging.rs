//! What makes a tenant's answers repeatable: its clock, its seed, and the states that it can be
//! taken back to.

use super::Directory;
use crate::{
    error::Error,
    id::Ids,
    record::Timestamp,
    store::{RegistryError, Snapshot},
    tenant::{Partition, Stage, Tenant},
};

impl Directory {
    /// Where identifiers of a tenant's new resources come from.
    pub fn ids(&self, tenant: &Tenant) -> Ids {
        self.access.ids(tenant)
    }

    /// Sets clock and seed of a tenant. A sequence of identifiers begins anew when the seed
    /// is another.
    pub async fn set_stage(&self, tenant: &Tenant, stage: Stage) -> Result<(), Error> {
        self.store.set_stage(tenant.partition, stage).await?;
        self.access.forget_tenants();
        Ok(())
    }

    /// Keeps the tenant's present state under a name, and that of its realms, one partition
    /// after the other.
    pub async fn take_snapshot(
        &self,
        tenant: &Tenant,
        name: &str,
        now: Timestamp,
    ) -> Result<Snapshot, Error> {
        let taken = self.store.take_snapshot(tenant.partition, name, now);
        let taken = taken.await?;
        for realm in self.realms(tenant).await? {
            self.store.take_snapshot(realm.partition, name, now).await?;
        }
        Ok(taken)
    }

    /// The tenant's snapshots, by name.
    pub async fn snapshots(&self, tenant: &Tenant) -> Result<Vec<Snapshot>, Error> {
        Ok(self.store.snapshots(tenant.partition).await?)
    }

    /// Drops a snapshot.
    pub async fn drop_snapshot(&self, tenant: &Tenant, name: &str) -> Result<(), Error> {
        for realm in self.realms(tenant).await? {
            match self.store.drop_snapshot(realm.partition, name).await {
                // It is younger than the snapshot.
                Err(RegistryError::Missing(_)) => {}
                dropped => dropped?,
            }
        }
        Ok(self.store.drop_snapshot(tenant.partition, name).await?)
    }

    /// The rehearsals that were set for the tenant.
    pub async fn rehearsals(&self, tenant: &Tenant) -> Result<String, Error> {
        Ok(self.store.rehearsals(tenant.partition).await?)
    }

    /// Sets the rehearsals of the tenant, until it is reset.
    pub async fn set_rehearsals(&self, tenant: &Tenant, text: &str) -> Result<(), Error> {
        Ok(self.store.set_rehearsals(tenant.partition, text).await?)
    }

    /// Takes the tenant back to a snapshot, or to nothing, and then its realms; one that the
    /// snapshot has not holds nothing then. Its access tokens end, and its jobs that are in
    /// work.
    pub async fn reset(&self, tenant: &Tenant, snapshot: Option<&str>) -> Result<Partition, Error> {
        self.drop_jobs(tenant.partition).await?;
        let partition = self.store.reset(tenant.partition, snapshot).await?;
        for realm in self.realms(tenant).await? {
            match self.store.reset(realm.partition, snapshot).await {
                Err(RegistryError::Missing(_)) => self.store.reset(realm.partition, None).await?,
                reset => reset?,
            };
        }
        self.access.forget_tenants();
        Ok(partition)
    }

    async fn realms(&self, tenant: &Tenant) -> Result<Vec<Tenant>, Error> {
        let mut realms = self.store.tenants().await?;
        realms.retain(|it| it.is_realm_of(tenant));
        Ok(realms)
    }
}
