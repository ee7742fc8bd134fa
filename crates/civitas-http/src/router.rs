//! The whole URL map.
//!
//! | Path | Methods | Meaning |
//! |---|---|---|
//! | `/scim/v2` | GET | query over every resource type |
//! | `/scim/v2/.search` | POST | the same, in the body |
//! | `/scim/v2/{Users,Groups}` | GET, POST | query, create |
//! | `/scim/v2/{Users,Groups}/.search` | POST | query in the body |
//! | `/scim/v2/{Users,Groups}/{id}` | GET, PUT, PATCH, DELETE | one resource |
//! | `/scim/v2/ServiceProviderConfig` | GET | what the provider can do |
//! | `/scim/v2/Schemas`, `…/{urn}` | GET | schemas |
//! | `/scim/v2/ResourceTypes`, `…/{name}` | GET | resource types |
//! | `/scim/v2/Bulk` | POST | not supported |
//! | `/scim/v2/Me` | GET, POST, PUT, PATCH, DELETE | not supported |
//! | `/oauth2/v1/token` | POST | access tokens |
//! | `/health/live`, `/health/ready`, `/metrics` | GET | for operators |
//!
//! HEAD goes with GET and OPTIONS with everything. A trailing slash changes nothing;
//! segments are compared with case (RFC 3986 §6.2.2.1).

use std::borrow::Cow;

use civitas_scim::schema::ResourceType;
use http::Method;

use crate::{form::decode, refusal::Refusal};

/// Whose words refusals are given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// SCIM error messages.
    Scim,
    /// OAuth error responses.
    OAuth,
    /// Problem details.
    Problem,
}

impl Family {
    /// All families, in the order of their numbers.
    pub(crate) const ALL: [Self; 3] = [Self::Scim, Self::OAuth, Self::Problem];

    /// The family that owns a path, whether or not there is anything at it.
    pub(crate) fn of(path: &str) -> Self {
        match path.split('/').nth(1) {
            Some("scim") => Self::Scim,
            Some("oauth2") => Self::OAuth,
            _ => Self::Problem,
        }
    }

    /// The name in metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Scim => "scim",
            Self::OAuth => "oauth2",
            Self::Problem => "operations",
        }
    }
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route<'r> {
    /// Below `/scim/v2`.
    Scim(Scim<'r>),
    /// `/oauth2/v1/token`.
    Token,
    /// `/health/live`.
    Live,
    /// `/health/ready`.
    Ready,
    /// `/metrics`.
    Metrics,
}

/// What is at a path below `/scim/v2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scim<'r> {
    /// The base.
    Root,
    /// `.search` of the base.
    RootSearch,
    /// The endpoint of a resource type.
    Collection(&'r ResourceType),
    /// `.search` of a resource type.
    CollectionSearch(&'r ResourceType),
    /// A resource by its `id`.
    Resource(&'r ResourceType, Cow<'r, str>),
    /// `ServiceProviderConfig`.
    ProviderConfig,
    /// `Schemas`.
    Schemas,
    /// A schema by its URI.
    Schema(Cow<'r, str>),
    /// `ResourceTypes`.
    ResourceTypes,
    /// A resource type by its name.
    ResourceType(Cow<'r, str>),
    /// `Bulk`.
    Bulk,
    /// `Me`.
    Me,
}

/// Finds what is at a path.
pub(crate) fn find<'r>(path: &'r str, types: &'r [ResourceType]) -> Result<Route<'r>, Refusal> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = path.split('/').skip(1);
    let (first, second) = (segments.next().unwrap_or_default(), segments.next());
    let rest: (_, _, _) = (segments.next(), segments.next(), segments.next());
    match (first, second, rest) {
        ("scim", Some("v2"), (one, two, None)) => scim(one, two, types).map(Route::Scim),
        ("scim", Some(version), _) if version != "v2" && is_version(version) => {
            Err(Refusal::UnsupportedVersion {
                version: version.to_owned(),
            })
        }
        ("oauth2", Some("v1"), (Some("token"), None, _)) => Ok(Route::Token),
        ("health", Some("live"), (None, ..)) => Ok(Route::Live),
        ("health", Some("ready"), (None, ..)) => Ok(Route::Ready),
        ("metrics", None, _) => Ok(Route::Metrics),
        _ => Err(Refusal::UnknownPath),
    }
}

fn scim<'r>(
    one: Option<&'r str>,
    two: Option<&'r str>,
    types: &'r [ResourceType],
) -> Result<Scim<'r>, Refusal> {
    let named = |segment| decode(segment, false).ok_or(Refusal::UnknownPath);
    let collection = |segment: &str| {
        types
            .iter()
            .find(|it| it.endpoint.strip_prefix('/') == Some(segment))
    };
    match (one, two) {
        (None, _) => Ok(Scim::Root),
        (_, Some("")) => Err(Refusal::UnknownPath),
        (Some(".search"), None) => Ok(Scim::RootSearch),
        (Some("ServiceProviderConfig"), None) => Ok(Scim::ProviderConfig),
        (Some("Schemas"), None) => Ok(Scim::Schemas),
        (Some("Schemas"), Some(urn)) => named(urn).map(Scim::Schema),
        (Some("ResourceTypes"), None) => Ok(Scim::ResourceTypes),
        (Some("ResourceTypes"), Some(name)) => named(name).map(Scim::ResourceType),
        (Some("Bulk"), None) => Ok(Scim::Bulk),
        (Some("Me"), None) => Ok(Scim::Me),
        (Some(segment), two) => match (collection(segment).ok_or(Refusal::UnknownPath)?, two) {
            (it, None) => Ok(Scim::Collection(it)),
            (it, Some(".search")) => Ok(Scim::CollectionSearch(it)),
            (it, Some(id)) => Ok(Scim::Resource(it, named(id)?)),
        },
    }
}

/// `v1`, `v3`, `v2.1`: a version segment, of whatever version.
fn is_version(segment: &str) -> bool {
    segment
        .strip_prefix('v')
        .is_some_and(|number| number.starts_with(|digit: char| digit.is_ascii_digit()))
}

impl Route<'_> {
    /// The methods that apply, as in `Allow` (RFC 9110 §10.2.1).
    pub(crate) const fn allow(&self) -> &'static str {
        match self {
            Self::Scim(Scim::Collection(_)) => "GET, HEAD, POST, OPTIONS",
            Self::Scim(Scim::Resource(..)) => "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
            Self::Scim(Scim::Me) => "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
            Self::Scim(Scim::RootSearch | Scim::CollectionSearch(_) | Scim::Bulk) | Self::Token => {
                "POST, OPTIONS"
            }
            Self::Scim(
                Scim::Root
                | Scim::ProviderConfig
                | Scim::Schemas
                | Scim::Schema(_)
                | Scim::ResourceTypes
                | Scim::ResourceType(_),
            )
            | Self::Live
            | Self::Ready
            | Self::Metrics => "GET, HEAD, OPTIONS",
        }
    }

    /// Whether PATCH applies, and `Accept-Patch` is due (RFC 5789 §3.1).
    pub(crate) const fn patchable(&self) -> bool {
        matches!(self, Self::Scim(Scim::Resource(..) | Scim::Me))
    }

    /// Refuses a method that does not apply: with 405 one that is registered for HTTP, with
    /// 501 one that nobody knows (RFC 9110 §15.5.6, §15.6.2).
    pub(crate) fn check_method(&self, method: &Method) -> Result<(), Refusal> {
        const REGISTERED: [&str; 10] = [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY",
        ];
        let allow = self.allow();
        if allow.split(", ").any(|allowed| allowed == method.as_str()) {
            Ok(())
        } else if REGISTERED.contains(&method.as_str()) {
            Err(Refusal::MethodNotAllowed { allow })
        } else {
            Err(Refusal::UnknownMethod)
        }
    }

    /// The path with its variable parts named, for logs.
    pub(crate) const fn template(&self) -> &'static str {
        match self {
            Self::Scim(Scim::Root) => "/scim/v2",
            Self::Scim(Scim::RootSearch) => "/scim/v2/.search",
            Self::Scim(Scim::Collection(_)) => "/scim/v2/{type}",
            Self::Scim(Scim::CollectionSearch(_)) => "/scim/v2/{type}/.search",
            Self::Scim(Scim::Resource(..)) => "/scim/v2/{type}/{id}",
            Self::Scim(Scim::ProviderConfig) => "/scim/v2/ServiceProviderConfig",
            Self::Scim(Scim::Schemas) => "/scim/v2/Schemas",
            Self::Scim(Scim::Schema(_)) => "/scim/v2/Schemas/{urn}",
            Self::Scim(Scim::ResourceTypes) => "/scim/v2/ResourceTypes",
            Self::Scim(Scim::ResourceType(_)) => "/scim/v2/ResourceTypes/{name}",
            Self::Scim(Scim::Bulk) => "/scim/v2/Bulk",
            Self::Scim(Scim::Me) => "/scim/v2/Me",
            Self::Token => "/oauth2/v1/token",
            Self::Live => "/health/live",
            Self::Ready => "/health/ready",
            Self::Metrics => "/metrics",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types() -> Vec<ResourceType> {
        vec![civitas_scim::core::user(), civitas_scim::core::group()]
    }

    #[test]
    fn paths_lead_to_routes() {
        let types = types();
        for (path, template) in [
            ("/scim/v2", "/scim/v2"),
            ("/scim/v2/", "/scim/v2"),
            ("/scim/v2/.search", "/scim/v2/.search"),
            ("/scim/v2/Users", "/scim/v2/{type}"),
            ("/scim/v2/Groups/", "/scim/v2/{type}"),
            ("/scim/v2/Users/.search", "/scim/v2/{type}/.search"),
            ("/scim/v2/Users/7", "/scim/v2/{type}/{id}"),
            ("/scim/v2/Users/7/", "/scim/v2/{type}/{id}"),
            ("/scim/v2/Schemas/urn:x", "/scim/v2/Schemas/{urn}"),
            (
                "/scim/v2/ResourceTypes/User",
                "/scim/v2/ResourceTypes/{name}",
            ),
            ("/oauth2/v1/token", "/oauth2/v1/token"),
            ("/health/live", "/health/live"),
            ("/metrics", "/metrics"),
        ] {
            let found = find(path, &types).map(|route| route.template());
            assert_eq!(found.ok(), Some(template), "{path}");
        }
    }

    #[test]
    fn other_paths_lead_nowhere() {
        let types = types();
        for path in [
            "",
            "/",
            "/scim",
            "/scim/",
            "/scim/v",
            "/scim/v2//",
            "/scim/v2/users",
            "/scim/v2/Users//",
            "/scim/v2/Users/7/8",
            "/scim/v2/Users/7/8/9",
            "/scim/v2/Users/%ff",
            "/scim/v2/Foo",
            "/scim/v2/Schemas/a/b",
            "/Scim/v2/Users",
            "/oauth2/v1/token/x",
            "/oauth2/v1",
            "/health",
            "/health/live/x",
            "/metrics/x",
        ] {
            assert!(
                matches!(find(path, &types), Err(Refusal::UnknownPath)),
                "{path}"
            );
        }
    }

    #[test]
    fn other_versions_are_named() {
        for path in [
            "/scim/v1/Users",
            "/scim/v3",
            "/scim/v1/a/b/c",
            "/scim/v2.1/Users",
        ] {
            let found = find(path, &[]);
            assert!(
                matches!(found, Err(Refusal::UnsupportedVersion { .. })),
                "{path}"
            );
        }
    }
}
