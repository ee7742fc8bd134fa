//! Building indexes of attributes that had values before they were indexed.

use civitas_scim::schema::ResourceType;

use super::Directory;
use crate::{catalogue::Build, error::Error, tenant::Partition};

impl Directory {
    /// Builds every index that is asked for, now and whenever another is, until the store
    /// fails; to be run beside the requests. What a stop leaves undone is gone on with by the
    /// next run.
    pub async fn build_indexes(&self) -> Result<(), Error> {
        loop {
            let redefined = self.redefined.notified();
            while self.build_some().await? {}
            redefined.await;
        }
    }

    /// Takes each index that is being built a step further. Whether there was any.
    async fn build_some(&self) -> Result<bool, Error> {
        let mut any = false;
        for tenant in self.store.tenants().await? {
            for build in tenant.catalogue.builds() {
                let resource_type = tenant.catalogue.resource_type(&build.resource_type);
                if let Some(resource_type) = resource_type {
                    any = true;
                    self.build(tenant.partition, &tenant.name, resource_type, build)
                        .await?;
                }
            }
        }
        Ok(any)
    }

    async fn build(
        &self,
        partition: Partition,
        tenant: &str,
        resource_type: &ResourceType,
        build: &Build,
    ) -> Result<(), Error> {
        let Build {
            path,
            examined,
            total,
            ..
        } = build;
        let kind = &resource_type.name;
        tracing::info!(
            tenant,
            kind,
            path,
            examined,
            total,
            "an index is being built"
        );
        let complete = self
            .store
            .build_index(partition, resource_type, path)
            .await?;
        if complete {
            tracing::info!(tenant, kind, path, "an index is complete");
        }
        self.access.forget_tenants();
        Ok(())
    }
}
