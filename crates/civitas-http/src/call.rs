//! What a dialect is told of a request that may proceed: who calls, for which tenant, under
//! which conditions.

use std::net::SocketAddr;

use bytes::Bytes;
use civitas_directory::{Roles, Scope, Tenant, precondition::Expect};
use civitas_scim::{schema::ResourceType, tolerance::Tolerance};
use http::{HeaderMap, header, request::Parts};

use crate::{
    app::Surface,
    body::Body,
    conditional::Preconditions,
    negotiation::{Media, check_scim_content},
    prefer::{Prefer, Return},
    refusal::Refusal,
};

/// Path of the SCIM base.
pub(crate) const BASE: &str = "/scim/v2";

/// A request that may proceed.
pub(crate) struct Call<'r> {
    pub(crate) app: &'r Surface,
    /// The tenant that is called.
    pub(crate) tenant: &'r Tenant,
    /// For the directory: partition, actor, request id, instant, base of URLs.
    pub(crate) scope: Scope,
    /// The representation to answer in.
    pub(crate) media: Media,
    /// The conditions.
    pub(crate) conditions: Preconditions,
    pub(crate) prefer: Prefer,
    pub(crate) roles: Roles,
    /// `id` of the user that calls, where it is one.
    pub(crate) user: Option<String>,
    /// Whether the user changes itself, with no role to change others.
    pub(crate) self_service: bool,
    pub(crate) tolerance: Tolerance,
    pub(crate) parts: &'r Parts,
    pub(crate) body: &'r mut Body,
}

impl<'r> Call<'r> {
    /// The resource types that the tenant serves.
    pub(crate) fn types(&self) -> &'r [ResourceType] {
        self.tenant.catalogue.resource_types()
    }

    /// The body, after its type and size were checked.
    pub(crate) async fn body(&mut self) -> Result<Bytes, Refusal> {
        check_scim_content(&self.parts.headers, &self.tolerance)?;
        self.body.read().await
    }

    /// The body of a bulk request, which has a limit of its own (RFC 7644 §3.7.4).
    pub(crate) async fn bulk_body(&mut self) -> Result<Bytes, Refusal> {
        self.body.set_limit(self.app.settings.limits.bulk_bytes);
        self.body().await.map_err(|refusal| match refusal {
            Refusal::TooLarge { limit } => Refusal::BulkTooLarge { limit },
            other => other,
        })
    }

    /// What a write requires of the resource.
    pub(crate) fn expect(&self) -> Expect {
        self.scope.required(self.conditions.of_write())
    }

    /// How tolerant to be towards what was sent.
    pub(crate) fn tolerance(&self) -> &Tolerance {
        &self.tolerance
    }

    /// Tells of the tolerances without which the request would have been read otherwise: which
    /// they were, never what was sent.
    pub(crate) fn tell_tolerances(&self) {
        let acted = self.tolerance.acted();
        if !acted.is_empty() {
            self.app.metrics.tolerated(acted);
            let (client, request_id) = (&self.scope.actor, &self.scope.request_id);
            tracing::info!(request_id, client, switches = %acted, "tolerated");
        }
    }

    /// Whether the caller prefers an answer without content.
    pub(crate) fn prefers_minimal(&self) -> bool {
        self.prefer.answer == Some(Return::Minimal)
    }
}

/// The authority that the request names, in the request target or in `Host`.
pub(crate) fn host(parts: &Parts) -> Option<&str> {
    let target = parts.uri.authority().map(http::uri::Authority::as_str);
    target.or_else(|| single(&parts.headers))
}

fn single(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

/// A host without port; brackets of an IPv6 address stay.
pub(crate) fn host_name(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

pub(crate) fn origin(
    public_base: Option<&str>,
    scheme: &str,
    host: Option<&str>,
    tenant: &Tenant,
    local: SocketAddr,
) -> String {
    let vouched = host.filter(|host| {
        let name = host_name(host);
        tenant.hosts.iter().any(|it| it.eq_ignore_ascii_case(name)) || is_loopback(name)
    });
    match (public_base, vouched) {
        (Some(base), vouched) => {
            let named = vouched
                .map(host_name)
                .or(tenant.hosts.first().map(String::as_str));
            let base = base.trim_end_matches('/');
            named.map_or_else(|| base.to_owned(), |name| base.replace("{host}", name))
        }
        (None, Some(host)) => [scheme, "://", host].concat(),
        (None, None) => format!("{scheme}://{local}"),
    }
}

fn is_loopback(name: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .any(|it| it.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use civitas_directory::{Partition, Settings, Stage, Version};

    use super::*;

    #[test]
    fn urls_start_with_a_name_somebody_vouches_for() {
        let tenant = Tenant {
            name: "t".into(),
            hosts: vec!["id.example.com".into()],
            partition: Partition::from_raw(1),
            stage: Stage::default(),
            last_event: Version(0),
            catalogue: civitas_directory::Catalogue::standard(),
            settings: Settings::default(),
        };
        let local = SocketAddr::from(([10, 0, 0, 1], 8080));
        for (base, host, expected) in [
            (
                None,
                Some("ID.example.com:8443"),
                "http://ID.example.com:8443",
            ),
            (None, Some("localhost:8080"), "http://localhost:8080"),
            (None, Some("[::1]:8080"), "http://[::1]:8080"),
            (None, Some("evil.example"), "http://10.0.0.1:8080"),
            (None, Some("id.example.com:x@evil"), "http://10.0.0.1:8080"),
            (None, None, "http://10.0.0.1:8080"),
            (
                Some("https://a.example/"),
                Some("evil.example"),
                "https://a.example",
            ),
            (
                Some("https://{host}"),
                Some("id.example.com:80"),
                "https://id.example.com",
            ),
            (
                Some("https://{host}"),
                Some("evil.example"),
                "https://id.example.com",
            ),
        ] {
            assert_eq!(
                origin(base, "http", host, &tenant, local),
                expected,
                "{base:?} {host:?}"
            );
        }
        assert_eq!(
            origin(None, "https", None, &tenant, local),
            "https://10.0.0.1:8080"
        );
    }
}
