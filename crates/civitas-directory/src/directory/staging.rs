//! What makes a tenant's answers repeatable: its clock, its seed, and the states that it can be
//! taken back to.

use super::Directory;
use crate::{
    error::Error,
    id::Ids,
    record::Timestamp,
    store::Snapshot,
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

    /// Keeps the tenant's present state under a name.
    pub async fn take_snapshot(
        &self,
        tenant: &Tenant,
        name: &str,
        now: Timestamp,
    ) -> Result<Snapshot, Error> {
        let taken = self.store.take_snapshot(tenant.partition, name, now);
        Ok(taken.await?)
    }

    /// The tenant's snapshots, by name.
    pub async fn snapshots(&self, tenant: &Tenant) -> Result<Vec<Snapshot>, Error> {
        Ok(self.store.snapshots(tenant.partition).await?)
    }

    /// Drops a snapshot.
    pub async fn drop_snapshot(&self, tenant: &Tenant, name: &str) -> Result<(), Error> {
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

    /// Takes the tenant back to a snapshot, or to nothing. Its access tokens end, and its jobs
    /// that are in work.
    pub async fn reset(&self, tenant: &Tenant, snapshot: Option<&str>) -> Result<Partition, Error> {
        self.drop_jobs(tenant.partition).await?;
        let partition = self.store.reset(tenant.partition, snapshot).await?;
        self.access.forget_tenants();
        Ok(partition)
    }
}
