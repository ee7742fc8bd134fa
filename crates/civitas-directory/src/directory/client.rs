//! API clients of a tenant, and what they prove themselves by.

use std::sync::Arc;

use super::Directory;
use crate::{
    access::Known,
    admission::Patience,
    client::{Client, ClientChange, DistinguishedName, Drawn, Secret, SecretScopes},
    error::Error,
    record::Timestamp,
    tenant::Tenant,
};

impl Directory {
    /// The client whose id and secret these are.
    pub async fn authenticate(
        &self,
        tenant: &Tenant,
        client_id: &str,
        secret: &str,
        now: Timestamp,
    ) -> Result<Known, Error> {
        self.access.by_secret(tenant, client_id, secret, now).await
    }

    /// The client whose certificates have that subject, if it may call. That the certificate is
    /// good is known by then.
    pub async fn authenticate_certificate(
        &self,
        tenant: &Tenant,
        subject: &DistinguishedName,
    ) -> Result<Option<Arc<Client>>, Error> {
        self.access.by_certificate(tenant, subject).await
    }

    /// The clients of a tenant, by id.
    pub async fn clients(&self, tenant: &Tenant) -> Result<Vec<Client>, Error> {
        Ok(self.store.clients(tenant.partition).await?)
    }

    /// A client of a tenant.
    pub async fn client(&self, tenant: &Tenant, id: &str) -> Result<Client, Error> {
        let found = self.store.client(tenant.partition, id).await?;
        found.ok_or_else(|| Error::NotFound {
            resource_type: "client".into(),
            id: id.to_owned(),
        })
    }

    /// Changes a client. This process knows it at once, others within
    /// [`REGISTRY_STALENESS`](crate::access::REGISTRY_STALENESS).
    pub async fn change_client(
        &self,
        tenant: &Tenant,
        id: &str,
        change: ClientChange,
    ) -> Result<Client, Error> {
        let changed = self.store.change_client(tenant.partition, id, change).await;
        self.access.forget_clients();
        Ok(changed?)
    }

    /// Makes a further secret of a client: what is kept of it, and its text, which nobody can be
    /// told again.
    pub async fn add_secret(
        &self,
        tenant: &Tenant,
        id: &str,
        scopes: SecretScopes,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(Secret, Drawn), Error> {
        // Nothing is hashed for a client that has no room for it.
        let mut client = self.client(tenant, id).await?;
        let drawn = Drawn::draw().map_err(Error::Unavailable)?;
        let planned = drawn.kept(String::new(), scopes, now, expires);
        let planned = ClientChange::AddSecret(planned).apply(&mut client);
        planned.map_err(crate::store::RegistryError::from)?;
        let text = drawn.text().to_owned();
        let hash = self.hasher.hash(text, Patience::Short).await?;
        let secret = drawn.kept(hash, scopes, now, expires);
        let change = ClientChange::AddSecret(secret.clone());
        self.change_client(tenant, id, change).await?;
        Ok((secret, drawn))
    }
}
