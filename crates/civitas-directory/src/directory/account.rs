//! Clients that prove themselves by keys.

use std::sync::Arc;

use super::Directory;
use crate::{
    client::{Account, Client, Roles},
    error::Error,
    public_key::PublicKey,
    record::Timestamp,
    store::RegistryError,
    tenant::Tenant,
    token::{Holder, Token},
};
use civitas_scim::tolerance::Profile;

impl Directory {
    /// Registers a client with an account.
    pub async fn create_account(
        &self,
        tenant: &Tenant,
        id: String,
        account: Account,
        roles: Roles,
    ) -> Result<Client, Error> {
        let client = Client {
            id,
            secrets: Vec::new(),
            certificates: Vec::new(),
            roles,
            enabled: true,
            profile: Profile::default(),
            account: Some(account),
            application: None,
        };
        let created = self.store.create_client(tenant.partition, client.clone());
        match created.await {
            Ok(()) => Ok(client),
            Err(RegistryError::ClientExists(_)) => Err(Error::Taken { path: "id".into() }),
            Err(error) => Err(error.into()),
        }
    }

    /// The client of that id, if it proves itself by assertions.
    pub async fn account(&self, tenant: &Tenant, id: &str) -> Result<Option<Arc<Client>>, Error> {
        let found = self.access.client(tenant.partition, id).await?;
        Ok(found.filter(|client| client.asserts()))
    }

    /// The clients that prove themselves by assertions, by id.
    pub async fn accounts(&self, tenant: &Tenant) -> Result<Vec<Client>, Error> {
        let mut clients = self.store.clients(tenant.partition).await?;
        clients.retain(Client::asserts);
        Ok(clients)
    }

    /// The client of that id, if it may call, and the key with that fingerprint by which it signs
    /// its requests.
    pub async fn signer(
        &self,
        tenant: &Tenant,
        id: &str,
        fingerprint: &str,
    ) -> Result<Option<(Arc<Client>, PublicKey)>, Error> {
        let found = self.access.client(tenant.partition, id).await?;
        let Some(client) = found.filter(|client| client.enabled) else {
            return Ok(None);
        };
        let keys = client.account.iter().flat_map(|it| &it.signing_keys);
        let mut keys = keys.filter_map(|it| PublicKey::from_pem(it));
        let key = keys.find(|it| it.fingerprint() == fingerprint);
        Ok(key.map(|key| (Arc::clone(&client), key)))
    }

    /// A token with scopes of a dialect, for a number of seconds. It allows the roles, as far as
    /// the client has them.
    pub fn issue_scoped_token(
        &self,
        tenant: &Tenant,
        client: &Client,
        scopes: &str,
        roles: Roles,
        (now, seconds): (Timestamp, u64),
    ) -> Result<Token, Error> {
        let holder = Holder::Client { id: &client.id };
        let roles = roles.intersect(client.roles);
        self.access
            .issue_scoped(tenant, holder, roles, scopes, (now, seconds))
    }
}
