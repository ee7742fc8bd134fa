//! Tokens of users: an administering client vouches for the user, who then acts as itself.

use civitas_scim::{messages::SearchRequest, tolerance::Tolerance};
use serde_json::Value;

use super::Directory;
use crate::{
    admission::Patience,
    client::{Client, Role, Roles},
    error::Error,
    record::{Found, Timestamp},
    scope::Scope,
    store::Want,
    tenant::Tenant,
    token::{Holder, Token},
};

/// How a user is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'s> {
    /// By its `id`.
    Id(&'s str),
    /// By its `userName`.
    UserName(&'s str),
}

impl Directory {
    /// An access token for a user, at the request of a client that administers the tenant.
    /// `roles` are what the token allows besides the user's own resource; those the client
    /// does not have are left out.
    ///
    /// # Errors
    /// The client does not administer the tenant; there is no such user that is active.
    pub async fn issue_user_token(
        &self,
        tenant: &Tenant,
        client: &Client,
        subject: Subject<'_>,
        roles: Roles,
        now: Timestamp,
    ) -> Result<Token, Error> {
        let needs = Role::Administer;
        if !client.roles.allow(needs) {
            return Err(Error::Forbidden { needs });
        }
        let user = self.subject(tenant, subject, now).await?;
        let user = user.filter(|user| user.record.is_active());
        let Some(user) = user else {
            let (Subject::Id(name) | Subject::UserName(name)) = subject;
            return Err(Error::NotFound {
                resource_type: "active User".into(),
                id: name.to_owned(),
            });
        };
        let holder = Holder::User {
            id: &user.record.id,
            by: &client.id,
        };
        self.access
            .issue(tenant, holder, roles.intersect(client.roles), now)
    }

    async fn subject(
        &self,
        tenant: &Tenant,
        subject: Subject<'_>,
        now: Timestamp,
    ) -> Result<Option<Found>, Error> {
        let name = match subject {
            Subject::Id(id) => {
                let read = self
                    .store
                    .read(tenant.partition, "User", id, Want::default());
                return Ok(read.await?);
            }
            Subject::UserName(name) => Value::from(name),
        };
        let scope = Scope {
            partition: tenant.partition,
            catalogue: tenant.catalogue.clone(),
            require_preconditions: false,
            password_policy: None,
            actor: String::new(),
            request_id: String::new(),
            now,
            ids: self.ids(tenant),
            base: String::new(),
            patience: Patience::Short,
        };
        let types = tenant.catalogue.resource_types().iter();
        let types: Vec<_> = types.filter(|it| it.name == "User").collect();
        let request = SearchRequest {
            filter: Some(format!("userName eq {name}")),
            ..SearchRequest::default()
        };
        let tolerance = Tolerance::generic();
        let found = self.search(&scope, &types, &request, &tolerance, Want::default());
        Ok(found.await?.page.items.pop())
    }
}
