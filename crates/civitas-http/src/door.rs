//! The door: every check between the header fields of a request and its use case, in one
//! order. The first that fails decides what a caller hears, and what a stranger learns.
//!
//! 1. a path that leads nowhere for any tenant: 404 ([`crate::router`])
//! 2. size of the header fields, and the one `Host`: 431, 400
//! 3. room for one more request: 503
//! 4. the tenant of the host name: 404
//! 5. path and method, as the tenant has them: 404, 405, 501
//! 6. whether the tenant is served, here and now: 308, 503, 429; for writes 307
//! 7. syntax of the conditions: 400
//! 8. who calls: 401; what they may do: 403
//! 9. `Accept`: 406
//! 10. as the body is read, `Content-Type`, size and time: 415, 413, 408
//!
//! What exists, whether preconditions hold and what the body says come after, in the
//! directory.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use civitas_directory::{
    Caller, Client, Role, Scope, Tenant, Timestamp, access::Known, admission::Patience,
    client::SecretScopes, outcome::Elsewhere,
};
use civitas_scim::tolerance::Tolerance;
use http::{HeaderMap, Version, header, request::Parts};

use crate::{
    app::Surface,
    body::Body,
    call::{BASE, Call, host, host_name, origin},
    conditional::Preconditions,
    credentials::Credentials,
    negotiation::{Media, SCIM_TYPES},
    peer::Peer,
    prefer::Prefer,
    refusal::{Refusal, Unauthenticated, Unfit},
};

/// A request in its circumstances, before anything of it was checked.
pub(crate) struct Arrival<'r> {
    pub(crate) app: &'r Surface,
    pub(crate) parts: &'r Parts,
    pub(crate) body: &'r mut Body,
    pub(crate) request_id: &'r str,
    /// The system's instant.
    pub(crate) system: Timestamp,
    /// The address the connection was accepted on.
    pub(crate) local: SocketAddr,
}

impl<'r> Arrival<'r> {
    /// The request as a call, to its tenant, of somebody with the role; of anybody known if
    /// none is needed.
    pub(crate) async fn authorize(
        self,
        tenant: &'r Tenant,
        needs: Option<Role>,
    ) -> Result<Call<'r>, Refusal> {
        let headers = &self.parts.headers;
        let conditions = Preconditions::parse(headers)?;
        let caller = match needs {
            Some(needs) => self.admit(tenant, needs).await?,
            None => self.caller(tenant).await?,
        };
        let media = acceptable(headers)?;
        let prefer = Prefer::parse(headers);
        Ok(Call {
            scope: self.scope(tenant, &caller),
            tenant,
            media,
            conditions,
            roles: caller.roles,
            user: caller.user,
            self_service: false,
            tolerance: Tolerance::new(prefer.switches(caller.profile.switches())),
            prefer,
            app: self.app,
            parts: self.parts,
            body: self.body,
        })
    }

    /// The circumstances of what the caller does, for the directory.
    pub(crate) fn scope(&self, tenant: &Tenant, caller: &Caller) -> Scope {
        Scope {
            partition: tenant.partition,
            catalogue: Arc::clone(&tenant.catalogue),
            require_preconditions: tenant.settings.require_preconditions,
            password_policy: tenant.settings.password_policy,
            actor: caller.actor(),
            request_id: self.request_id.to_owned(),
            now: self.now(tenant),
            ids: self.app.directory.ids(tenant),
            base: self.scim_base(tenant),
            patience: Patience::Short,
        }
    }

    /// Whether the tenant is served, here and now.
    pub(crate) fn check_served(&self, tenant: &Tenant, writes: bool) -> Result<(), Refusal> {
        self.check_open(tenant)?;
        self.check_rate(tenant)?;
        if writes { self.check_primary() } else { Ok(()) }
    }

    /// Whether the tenant is served here, and not suspended.
    pub(crate) fn check_open(&self, tenant: &Tenant) -> Result<(), Refusal> {
        let settings = &tenant.settings;
        if let Some(origin) = &settings.moved_to {
            return Err(self.elsewhere(Elsewhere::Moved, origin));
        }
        if let Some(maintenance) = settings.maintenance {
            return Err(Refusal::Maintenance {
                retry_after: maintenance.retry_after,
            });
        }
        Ok(())
    }

    /// Whether the tenant may ask once more in this second.
    pub(crate) fn check_rate(&self, tenant: &Tenant) -> Result<(), Refusal> {
        if let Some(rate) = tenant.settings.requests_per_second {
            let rates = &self.app.rates;
            rates.take(tenant.partition, rate, Instant::now())?;
        }
        Ok(())
    }

    /// The tenant that the request's host name leads to.
    pub(crate) async fn tenant(&self) -> Result<Arc<Tenant>, Refusal> {
        let host = host(self.parts).map(|it| host_name(it).to_ascii_lowercase());
        let tenant = self.app.directory.tenant(host.as_deref()).await?;
        tenant.ok_or_else(|| Refusal::UnknownHost {
            host: host.unwrap_or_default(),
        })
    }

    /// Sends writes to the server that this one stands by for.
    pub(crate) fn check_primary(&self) -> Result<(), Refusal> {
        match &self.app.settings.standby_of {
            Some(origin) => Err(self.elsewhere(Elsewhere::Standby, origin)),
            None => Ok(()),
        }
    }

    /// The caller, if it is known and has the role.
    pub(crate) async fn admit(&self, tenant: &Tenant, needs: Role) -> Result<Caller, Refusal> {
        let caller = self.caller(tenant).await?;
        if caller.roles.allow(needs) {
            Ok(caller)
        } else {
            Err(Refusal::Forbidden { needs })
        }
    }

    /// The instant of the request, by the tenant's clock.
    pub(crate) fn now(&self, tenant: &Tenant) -> Timestamp {
        tenant.stage.clock.at(self.system)
    }

    /// The base of SCIM URLs of a tenant.
    pub(crate) fn scim_base(&self, tenant: &Tenant) -> String {
        self.origin(tenant) + BASE
    }

    /// Scheme and authority of URLs of a tenant.
    pub(crate) fn origin(&self, tenant: &Tenant) -> String {
        origin(
            self.app.settings.public_base.as_deref(),
            self.app.settings.scheme(),
            host(self.parts),
            tenant,
            self.local,
        )
    }

    /// The same request at another scheme and authority.
    fn elsewhere(&self, why: Elsewhere, origin: &str) -> Refusal {
        let target = self.parts.uri.path_and_query();
        Refusal::Elsewhere {
            why,
            location: format!("{origin}{}", target.map_or("/", |it| it.as_str())),
        }
    }

    /// The caller, whatever it may do. A certificate counts where nothing else is shown.
    pub(crate) async fn caller(&self, tenant: &Tenant) -> Result<Caller, Refusal> {
        let directory = &self.app.directory;
        let now = self.now(tenant);
        match Credentials::of(&self.parts.headers)? {
            None => {
                let client = self.certified(tenant).await?;
                let client = client.ok_or(Unauthenticated::Missing)?;
                Ok(Caller::client(&client, SecretScopes::ALL))
            }
            Some(Credentials::Bearer(token)) => {
                let caller = directory.verify_token(tenant, token, now).await?;
                Ok(caller.ok_or(Unauthenticated::InvalidToken)?)
            }
            Some(Credentials::Basic { client_id, secret }) => {
                let known = directory.authenticate(tenant, &client_id, &secret, now);
                match known.await? {
                    Known::Client(client, scopes) => Ok(Caller::client(&client, scopes)),
                    Known::Nobody => Err(Unauthenticated::WrongSecret.into()),
                    Known::Locked => Err(Unauthenticated::Locked.into()),
                }
            }
        }
    }

    /// The client that the connection's certificate proves; `None` if there is no certificate.
    pub(crate) async fn certified(&self, tenant: &Tenant) -> Result<Option<Arc<Client>>, Refusal> {
        let Some(peer) = self.parts.extensions.get::<Arc<Peer>>() else {
            return Ok(None);
        };
        let refused = |why| Refusal::from(Unauthenticated::Certificate(why));
        let subject = peer.subject(self.now(tenant)).map_err(refused)?;
        let directory = &self.app.directory;
        let client = directory.authenticate_certificate(tenant, subject).await?;
        client.map(Some).ok_or_else(|| refused(Unfit::Unknown))
    }
}

/// The SCIM representation to answer in.
pub(crate) fn acceptable(headers: &HeaderMap) -> Result<Media, Refusal> {
    Media::preferred(headers).ok_or(Refusal::NotAcceptable {
        offered: SCIM_TYPES,
    })
}

/// Bounds of the header fields, and the one `Host` that a request has (RFC 9112 §3.2).
pub(crate) fn check_headers(parts: &Parts, limit: usize) -> Result<(), Refusal> {
    let target = parts.uri.path_and_query().map_or(0, |it| it.as_str().len());
    let fields = parts
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    if fields.sum::<usize>() + target > limit {
        return Err(Refusal::HeaderTooLarge { limit });
    }
    let hosts = parts.headers.get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && parts.version == Version::HTTP_11) {
        return Err(Refusal::MalformedHeader { name: header::HOST });
    }
    Ok(())
}
