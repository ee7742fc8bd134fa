//! What people do by the links that they were sent, on pages: a call of somebody who has no
//! credentials yet.

use civitas_directory::{Caller, Directory, Found, Outcome, Scope, Tenant, link::Link};
use civitas_scim::schema::urn;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::{
    call::Call,
    fault::{Failure, Fault},
    identity::{self, schema::SAP_USER},
    service::users,
};
use crate::{
    app::Surface,
    page::{Activation, Invitation, Visit},
    refusal::Refusal,
};

/// Somebody who has followed a link.
pub(crate) struct Guest<'r> {
    app: &'r Surface,
    tenant: &'r Tenant,
    scope: &'r Scope,
    origin: &'r str,
    method: &'r Method,
    headers: &'r HeaderMap,
}

/// What somebody says of oneself.
pub(crate) struct NewUser {
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) password: String,
}

/// Why something is not done.
#[derive(Debug)]
pub(crate) enum Refusing {
    /// The password does not keep the rules.
    Weak,
    Refusal(Refusal),
}

impl From<Failure> for Refusing {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refusal(Refusal::Directory(civitas_directory::Error::Invalid(_))) => {
                Self::Weak
            }
            Failure::Refusal(refusal) => Self::Refusal(refusal),
            Failure::Fault(fault) => Self::Refusal(told(&fault)),
        }
    }
}

/// The fault as a refusal that pages are told.
fn told(fault: &Fault) -> Refusal {
    match fault.outcome {
        Outcome::NotFound => civitas_directory::Error::NotFound {
            resource_type: "User".into(),
            id: String::new(),
        }
        .into(),
        _ => civitas_scim::Invalid::value(fault.detail.clone()).into(),
    }
}

impl<'r> Guest<'r> {
    /// Whoever visits a page.
    pub(crate) fn of(visit: &'r Visit<'_>) -> Self {
        Self {
            app: visit.app,
            tenant: visit.tenant,
            scope: &visit.scope,
            origin: &visit.origin,
            method: visit.method,
            headers: visit.headers,
        }
    }

    fn call(&self) -> Call<'_> {
        Call {
            app: self.app,
            tenant: self.tenant,
            scope: self.scope.clone(),
            caller: Caller::nobody(),
            origin: self.origin.to_owned(),
            method: self.method,
            headers: self.headers,
            query: Vec::new(),
            body: bytes::Bytes::new(),
        }
    }

    /// The user who has an address.
    pub(crate) async fn known(&self, email: &str) -> Result<Option<String>, Refusal> {
        let directory = &self.app.directory;
        let found = directory.identify(self.scope, email, &["emails.value"]);
        Ok(found.await?.map(|it: Found| it.record.id))
    }

    /// A user of the directory becomes one of the application's, in the commit that redeems the
    /// link.
    pub(crate) async fn join(
        &self,
        user: &str,
        about: &Invitation,
        link: &Link,
    ) -> Result<(), Refusal> {
        let mut call = self.call();
        let redeemed = vec![Directory::redemption(self.scope, link)];
        let joined = users::assign(&mut call, &about.client, user, redeemed.clone()).await;
        let joined = joined.map_err(|failure| match Refusing::from(failure) {
            Refusing::Refusal(refusal) => refusal,
            Refusing::Weak => civitas_directory::Error::Conflict.into(),
        });
        if !joined? {
            let directory = &self.app.directory;
            directory.commit_beside(&call.scope, redeemed).await?;
        }
        Ok(())
    }

    /// Who was invited becomes a user of the directory and one of the application's, in the commit
    /// that redeems the link.
    pub(crate) async fn register(
        &self,
        new: &NewUser,
        about: &Invitation,
        link: &Link,
    ) -> Result<String, Refusing> {
        let mut call = self.call();
        let mut body = json!({
            "schemas": [urn::USER, SAP_USER],
            "name": { "familyName": new.last_name },
            "emails": [{ "value": about.email, "primary": true }],
            "active": true,
            "password": new.password,
            SAP_USER: {
                "status": "active",
                "emails": [{ "value": about.email, "verified": true, "primary": true }],
                "passwordDetails": { "status": "enabled" },
            },
        });
        if !new.first_name.is_empty() {
            body["name"]["givenName"] = new.first_name.as_str().into();
        }
        if let Some(language) = &about.language {
            body["locale"] = language.as_str().into();
        }
        let id = call.scope.ids.issue(call.scope.now);
        let mut beside = users::assigned(&mut call, &about.client, &id).await?;
        beside.push(Directory::redemption(self.scope, link));
        let created = identity::register(&mut call, id.clone(), body, beside).await?;
        if created.is_none() {
            // Somebody else has taken the address since the form was given out.
            return Err(Refusing::Refusal(civitas_directory::Error::Conflict.into()));
        }
        Ok(id)
    }

    /// A user becomes active, with the address confirmed, and the password that it has chosen.
    pub(crate) async fn activate(
        &self,
        user: &str,
        about: &Activation,
        password: Option<&str>,
        beside: Vec<civitas_directory::Change>,
    ) -> Result<(), Refusing> {
        let mut call = self.call();
        identity::activate(&mut call, user, password, beside, |object| {
            object.insert("active".into(), true.into());
            confirm(object, &about.email);
        })
        .await?;
        if let Some(client) = &about.client {
            users::activate(&call, client, user).await?;
        }
        Ok(())
    }
}

/// Notes that an address is the user's.
fn confirm(object: &mut serde_json::Map<String, Value>, email: &str) {
    let extension = object.entry(SAP_USER).or_insert_with(|| json!({}));
    extension["status"] = "active".into();
    let Some(Value::Array(emails)) = extension.get_mut("emails") else {
        return;
    };
    let is = |it: &&mut Value| {
        let value = it["value"].as_str();
        value.is_some_and(|it| it.eq_ignore_ascii_case(email))
    };
    if let Some(own) = emails.iter_mut().find(is) {
        own["verified"] = true.into();
    }
}
