//! The whole URL map.
//!
//! | Path | Methods | Meaning |
//! |---|---|---|
//! | `/scim/v2` | GET | query over every resource type |
//! | `/scim/v2/.search` | POST | the same, in the body |
//! | `/scim/v2/{type}` | GET, POST | query, create |
//! | `/scim/v2/{type}/.search` | POST | query in the body |
//! | `/scim/v2/{type}/{id}` | GET, PUT, PATCH, DELETE | one resource |
//! | `/scim/v2/ServiceProviderConfig` | GET | what the provider can do |
//! | `/scim/v2/Schemas` | GET, POST | schemas |
//! | `/scim/v2/Schemas/{urn}` | GET, PUT, DELETE | a schema |
//! | `/scim/v2/ResourceTypes` | GET, POST | resource types |
//! | `/scim/v2/ResourceTypes/{name}` | GET, PUT, DELETE | a resource type |
//! | `/scim/v2/openapi.json` | GET | the `OpenAPI` document |
//! | `/scim/v2/.deltaToken`, `/scim/v2/{Users,Groups}/.deltaToken` | GET | where a delta begins |
//! | `/scim/v2/.delta`, `/scim/v2/{Users,Groups}/.delta` | POST | what changed since a token |
//! | `/scim/v2/Bulk` | POST | many operations in one request |
//! | `/scim/v2/Me` | GET, POST, PUT, PATCH, DELETE | the user that calls |
//! | `/openidm`, `/am`, `/environment` and what is below | | [`crate::dialect::crest`] |
//! | `/admin/v1`, `/job/v1`, `/storage/v1` and what is below | | [`crate::dialect::oracle`] |
//! | `/scim` but for its versions, `/service`, `/cps`, `/md`, `/oauth2/token` | | [`crate::dialect::sap`] |
//! | `/oauth2/v1/token` | POST | access tokens |
//! | `/docs/scim` | GET | what is tolerated of which clients |
//! | `/.well-known/jwks.json` | GET | keys that event tokens are verified with |
//! | `/civitas/v1/settings` | GET, PATCH | settings of the tenant |
//! | `/civitas/v1/imports` | POST | resources from a file, as a job |
//! | `/civitas/v1/jobs/{id}`, `…/rows` | GET, DELETE; GET | a job, and what came of its steps |
//! | `/civitas/v1/streams` | GET, POST | streams of events |
//! | `/civitas/v1/streams/{id}` | GET, PATCH, DELETE | a stream |
//! | `/civitas/v1/streams/{id}/events` | POST | polling for events |
//! | `/civitas/v1/streams/{id}/verification` | POST | a verification on the stream |
//! | `/civitas/v1/clients`, `…/{id}` | GET | API clients |
//! | `/civitas/v1/clients/{id}/secrets`, `…/{secret}` | GET, POST; DELETE | their secrets |
//! | `/civitas/v1/clients/{id}/certificates` | GET, POST, DELETE | their certificates |
//! | `/civitas/v1/clock` | GET, PUT | time and seed of the tenant (development) |
//! | `/civitas/v1/snapshots`, `…/{name}` | GET; PUT, DELETE | kept states (development) |
//! | `/civitas/v1/reset` | POST | back to a kept state (development) |
//! | `/civitas/v1/rehearsals` | GET, POST, PUT, DELETE | answers on order (development) |
//! | `/civitas/v1/ledger`, `…/har`, `…/count` | GET, DELETE | the last requests |
//! | `/civitas/v1/mails`, `…/{id}` | GET, DELETE | mails that were written (development) |
//! | `/ids/…` | GET, POST | pages that mails lead to ([`crate::page`]) |
//! | `/health/live`, `/health/ready`, `/metrics` | GET | for operators |
//!
//! `{type}` is the endpoint of a resource type that the tenant serves, such as `Users`.
//! Which version stands where none is named is the provider's choice (RFC 7644 §3.13): there
//! answers [`crate::dialect::sap`].
//!
//! HEAD goes with GET and OPTIONS with everything. A trailing slash changes nothing;
//! segments are compared with case (RFC 3986 §6.2.2.1).

use std::borrow::Cow;

use civitas_scim::schema::ResourceType;
use http::Method;

use crate::{
    dialect::{crest, oracle, sap},
    form::decode,
    page::Page,
    refusal::Refusal,
};

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route<'r> {
    /// Below `/scim/v2`.
    Scim(Scim<'r, &'r str>),
    /// Common REST, which looks at the path in its turn.
    Crest(crest::Place<'r>),
    /// Identity domains, which look at the path in their turn.
    Oracle(oracle::Place<'r>),
    /// SAP Cloud Identity Services, which look at the path in their turn.
    Sap(sap::Place<'r>),
    /// What is the same for every tenant.
    Fixed(Fixed),
    /// `/civitas/v1/jobs/{id}`.
    Job(&'r str),
    /// `/civitas/v1/jobs/{id}/rows`.
    JobRows(&'r str),
    /// `/civitas/v1/imports`.
    Imports,
    /// Below `/civitas/v1/streams`.
    Stream(Stream<'r>),
    /// Below `/civitas/v1/clients`.
    Clients(Clients<'r>),
    /// Below `/ids`.
    Page(Page),
}

/// What is at a path of API clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Clients<'r> {
    /// All of them.
    All,
    /// One by its id.
    One(Cow<'r, str>),
    /// The secrets of one.
    Secrets(Cow<'r, str>),
    /// A secret of one by its id.
    Secret(Cow<'r, str>, &'r str),
    /// The certificates of one.
    Certificates(Cow<'r, str>),
}

/// What is at a path of streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream<'r> {
    /// All of them.
    All,
    /// One by its id.
    One(&'r str),
    /// The events of one.
    Events(&'r str),
    /// The verification of one.
    Verification(&'r str),
}

/// What is at a path that is the same for every tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fixed {
    /// `/oauth2/v1/token`.
    Token,
    /// `/docs/scim`.
    Guide,
    /// `/.well-known/jwks.json`.
    Keys,
    /// Below `/civitas/v1`.
    Admin(Admin),
    /// `/health/live`.
    Live,
    /// `/health/ready`.
    Ready,
    /// `/metrics`.
    Metrics,
}

/// What is at a path below `/scim/v2`. The path alone names the endpoint of a resource type
/// (`K` is `&str`); what the tenant serves tells the type (see [`Scim::bind`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scim<'r, K = &'r ResourceType> {
    /// The base.
    Root,
    /// `.search` of the base.
    RootSearch,
    /// The endpoint of a resource type.
    Collection(K),
    /// `.search` of a resource type.
    CollectionSearch(K),
    /// A resource by its `id`.
    Resource(K, Cow<'r, str>),
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
    /// `openapi.json`.
    OpenApi,
    /// `.deltaToken` of the base or a resource type.
    DeltaToken(Option<K>),
    /// `.delta` of the base or a resource type.
    Delta(Option<K>),
    /// `Bulk`.
    Bulk,
    /// `Me`.
    Me,
}

/// What is at a path below `/civitas/v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admin {
    /// `settings`.
    Settings,
    /// `clock`.
    Clock,
    /// `snapshots`.
    Snapshots,
    /// A snapshot by its name.
    Snapshot,
    /// `reset`.
    Reset,
    /// `rehearsals`.
    Rehearsals,
    /// `ledger`.
    Ledger,
    /// `ledger/har`.
    LedgerHar,
    /// `ledger/count`.
    LedgerCount,
    /// `mails`.
    Mails,
    /// A mail by its id.
    Mail,
}

/// Finds what is at a path.
pub(crate) fn find(path: &str) -> Result<Route<'_>, Refusal> {
    let path = path.strip_suffix('/').unwrap_or(path);
    if let Some(place) = crest::Place::at(path) {
        return Ok(Route::Crest(place));
    }
    if let Some(place) = oracle::Place::at(path) {
        return Ok(Route::Oracle(place));
    }
    if let Some(place) = sap::Place::at(path) {
        return Ok(Route::Sap(place));
    }
    let mut segments = path.split('/').skip(1);
    let (first, second) = (segments.next().unwrap_or_default(), segments.next());
    let rest: (_, _, _) = (segments.next(), segments.next(), segments.next());
    match (first, second, rest) {
        ("scim", Some("v2"), (one, two, None)) => scim(one, two).map(Route::Scim),
        ("scim", Some(version), _) if version != "v2" => Err(Refusal::UnsupportedVersion {
            version: version.to_owned(),
        }),
        ("oauth2", Some("v1"), (Some("token"), None, _)) => Ok(Route::Fixed(Fixed::Token)),
        ("docs", Some("scim"), (None, ..)) => Ok(Route::Fixed(Fixed::Guide)),
        (".well-known", Some("jwks.json"), (None, ..)) => Ok(Route::Fixed(Fixed::Keys)),
        ("civitas", Some("v1"), (Some("imports"), None, _)) => Ok(Route::Imports),
        ("civitas", Some("v1"), (Some("streams"), None, _)) => Ok(Route::Stream(Stream::All)),
        ("civitas", Some("v1"), (Some("clients"), id, within)) => {
            clients(id, within, segments.next(), segments.next()).map(Route::Clients)
        }
        ("civitas", Some("v1"), (Some(what @ ("jobs" | "streams")), Some(id), within))
            if !id.is_empty() && segments.next().is_none() =>
        {
            match (what, within) {
                ("jobs", None) => Ok(Route::Job(id)),
                ("jobs", Some("rows")) => Ok(Route::JobRows(id)),
                ("streams", None) => Ok(Route::Stream(Stream::One(id))),
                ("streams", Some("events")) => Ok(Route::Stream(Stream::Events(id))),
                ("streams", Some("verification")) => Ok(Route::Stream(Stream::Verification(id))),
                _ => Err(Refusal::UnknownPath),
            }
        }
        ("civitas", Some("v1"), (Some(one), two, None)) => {
            admin(one, two).map(|it| Route::Fixed(Fixed::Admin(it)))
        }
        ("ids", Some(name), (None, ..)) => Page::named(name)
            .map(Route::Page)
            .ok_or(Refusal::UnknownPath),
        ("health", Some("live"), (None, ..)) => Ok(Route::Fixed(Fixed::Live)),
        ("health", Some("ready"), (None, ..)) => Ok(Route::Fixed(Fixed::Ready)),
        ("metrics", None, _) => Ok(Route::Fixed(Fixed::Metrics)),
        _ => Err(Refusal::UnknownPath),
    }
}

fn scim<'r>(one: Option<&'r str>, two: Option<&'r str>) -> Result<Scim<'r, &'r str>, Refusal> {
    let named = |segment| decode(segment, false).ok_or(Refusal::UnknownPath);
    match (one, two) {
        (None, _) => Ok(Scim::Root),
        (_, Some("")) => Err(Refusal::UnknownPath),
        (Some(".search"), None) => Ok(Scim::RootSearch),
        (Some("ServiceProviderConfig"), None) => Ok(Scim::ProviderConfig),
        (Some("Schemas"), None) => Ok(Scim::Schemas),
        (Some("Schemas"), Some(urn)) => named(urn).map(Scim::Schema),
        (Some("ResourceTypes"), None) => Ok(Scim::ResourceTypes),
        (Some("ResourceTypes"), Some(name)) => named(name).map(Scim::ResourceType),
        (Some("openapi.json"), None) => Ok(Scim::OpenApi),
        (Some(".deltaToken"), None) => Ok(Scim::DeltaToken(None)),
        (Some(".delta"), None) => Ok(Scim::Delta(None)),
        (Some("Bulk"), None) => Ok(Scim::Bulk),
        (Some("Me"), None) => Ok(Scim::Me),
        (Some(endpoint), None) => Ok(Scim::Collection(endpoint)),
        (Some(endpoint), Some(".search")) => Ok(Scim::CollectionSearch(endpoint)),
        (Some(endpoint), Some(".deltaToken")) => Ok(Scim::DeltaToken(Some(endpoint))),
        (Some(endpoint), Some(".delta")) => Ok(Scim::Delta(Some(endpoint))),
        (Some(endpoint), Some(id)) => Ok(Scim::Resource(endpoint, named(id)?)),
    }
}

impl<'r> Scim<'r, &'r str> {
    /// The route with the resource type at its endpoint, of those that a tenant serves.
    pub(crate) fn bind(self, types: &'r [ResourceType]) -> Result<Scim<'r>, Refusal> {
        self.map(|endpoint| {
            let mut types = types.iter();
            let found = types.find(|it| it.endpoint.strip_prefix('/') == Some(endpoint));
            found.ok_or(Refusal::UnknownPath)
        })
    }
}

impl<'r, K> Scim<'r, K> {
    /// The route with something else for its resource type, if it has one.
    fn map<L, E>(self, kind: impl FnOnce(K) -> Result<L, E>) -> Result<Scim<'r, L>, E> {
        Ok(match self {
            Self::Root => Scim::Root,
            Self::RootSearch => Scim::RootSearch,
            Self::Collection(it) => Scim::Collection(kind(it)?),
            Self::CollectionSearch(it) => Scim::CollectionSearch(kind(it)?),
            Self::Resource(it, id) => Scim::Resource(kind(it)?, id),
            Self::ProviderConfig => Scim::ProviderConfig,
            Self::Schemas => Scim::Schemas,
            Self::Schema(urn) => Scim::Schema(urn),
            Self::ResourceTypes => Scim::ResourceTypes,
            Self::ResourceType(name) => Scim::ResourceType(name),
            Self::OpenApi => Scim::OpenApi,
            Self::DeltaToken(of) => Scim::DeltaToken(of.map(kind).transpose()?),
            Self::Delta(of) => Scim::Delta(of.map(kind).transpose()?),
            Self::Bulk => Scim::Bulk,
            Self::Me => Scim::Me,
        })
    }
}

/// Every route below the SCIM base, with names for the variable parts.
pub(crate) fn scim_routes() -> Vec<Scim<'static, &'static str>> {
    let named = || Cow::Borrowed("{}");
    vec![
        Scim::Root,
        Scim::RootSearch,
        Scim::Collection("{type}"),
        Scim::CollectionSearch("{type}"),
        Scim::Resource("{type}", named()),
        Scim::ProviderConfig,
        Scim::Schemas,
        Scim::Schema(named()),
        Scim::ResourceTypes,
        Scim::ResourceType(named()),
        Scim::OpenApi,
        Scim::DeltaToken(None),
        Scim::DeltaToken(Some("{type}")),
        Scim::Delta(None),
        Scim::Delta(Some("{type}")),
        Scim::Bulk,
        Scim::Me,
    ]
}

fn clients<'r>(
    id: Option<&'r str>,
    within: Option<&'r str>,
    one: Option<&'r str>,
    rest: Option<&'r str>,
) -> Result<Clients<'r>, Refusal> {
    let Some(id) = id else {
        return Ok(Clients::All);
    };
    let id = decode(id, false).filter(|it| !it.is_empty());
    let id = id.ok_or(Refusal::UnknownPath)?;
    match (within, one, rest) {
        (None, ..) => Ok(Clients::One(id)),
        (Some("secrets"), None, _) => Ok(Clients::Secrets(id)),
        (Some("secrets"), Some(secret), None) if !secret.is_empty() => {
            Ok(Clients::Secret(id, secret))
        }
        (Some("certificates"), None, _) => Ok(Clients::Certificates(id)),
        _ => Err(Refusal::UnknownPath),
    }
}

fn admin(one: &str, two: Option<&str>) -> Result<Admin, Refusal> {
    match (one, two) {
        ("settings", None) => Ok(Admin::Settings),
        ("clock", None) => Ok(Admin::Clock),
        ("snapshots", None) => Ok(Admin::Snapshots),
        ("snapshots", Some(_)) => Ok(Admin::Snapshot),
        ("reset", None) => Ok(Admin::Reset),
        ("rehearsals", None) => Ok(Admin::Rehearsals),
        ("ledger", None) => Ok(Admin::Ledger),
        ("ledger", Some("har")) => Ok(Admin::LedgerHar),
        ("ledger", Some("count")) => Ok(Admin::LedgerCount),
        ("mails", None) => Ok(Admin::Mails),
        ("mails", Some(_)) => Ok(Admin::Mail),
        _ => Err(Refusal::UnknownPath),
    }
}

/// The methods that apply to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Methods(&'static str);

impl Methods {
    /// Methods as they stand in `Allow`.
    pub(crate) const fn of(allow: &'static str) -> Self {
        Self(allow)
    }

    /// As in `Allow` (RFC 9110 §10.2.1).
    pub(crate) const fn allow(self) -> &'static str {
        self.0
    }

    /// Whether the method applies.
    pub(crate) fn include(self, method: &Method) -> bool {
        self.0.split(", ").any(|it| it == method.as_str())
    }

    /// Refuses a method that does not apply: with 405 one that is registered for HTTP, with
    /// 501 one that nobody knows (RFC 9110 §15.5.6, §15.6.2).
    pub(crate) fn check(self, method: &Method) -> Result<(), Refusal> {
        const REGISTERED: [&str; 10] = [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY",
        ];
        if self.include(method) {
            Ok(())
        } else if REGISTERED.contains(&method.as_str()) {
            Err(Refusal::MethodNotAllowed { allow: self.0 })
        } else {
            Err(Refusal::UnknownMethod)
        }
    }
}

impl<K> Scim<'_, K> {
    /// Whether the method changes something: reading is GET and HEAD, and the POST of a search
    /// or a delta.
    pub(crate) fn writes(&self, method: &Method) -> bool {
        let unsafe_method = matches!(
            *method,
            Method::POST | Method::PUT | Method::PATCH | Method::DELETE
        );
        let asks = matches!(
            self,
            Self::RootSearch | Self::CollectionSearch(_) | Self::Delta(_)
        );
        unsafe_method && !asks
    }

    /// The methods that apply.
    pub(crate) const fn methods(&self) -> Methods {
        Methods(match self {
            Self::Collection(_) | Self::Schemas | Self::ResourceTypes => "GET, HEAD, POST, OPTIONS",
            Self::Resource(..) => "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
            Self::Me => "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
            Self::RootSearch | Self::CollectionSearch(_) | Self::Delta(_) | Self::Bulk => {
                "POST, OPTIONS"
            }
            Self::Root | Self::DeltaToken(_) | Self::ProviderConfig | Self::OpenApi => {
                "GET, HEAD, OPTIONS"
            }
            Self::Schema(_) | Self::ResourceType(_) => "GET, HEAD, PUT, DELETE, OPTIONS",
        })
    }
}

impl<K> Scim<'_, K> {
    /// The path with its variable parts named, for logs and descriptions.
    pub(crate) const fn template(&self) -> &'static str {
        match self {
            Self::Root => "/scim/v2",
            Self::RootSearch => "/scim/v2/.search",
            Self::Collection(_) => "/scim/v2/{type}",
            Self::CollectionSearch(_) => "/scim/v2/{type}/.search",
            Self::Resource(..) => "/scim/v2/{type}/{id}",
            Self::ProviderConfig => "/scim/v2/ServiceProviderConfig",
            Self::Schemas => "/scim/v2/Schemas",
            Self::Schema(_) => "/scim/v2/Schemas/{urn}",
            Self::ResourceTypes => "/scim/v2/ResourceTypes",
            Self::ResourceType(_) => "/scim/v2/ResourceTypes/{name}",
            Self::OpenApi => "/scim/v2/openapi.json",
            Self::DeltaToken(None) => "/scim/v2/.deltaToken",
            Self::DeltaToken(Some(_)) => "/scim/v2/{type}/.deltaToken",
            Self::Delta(None) => "/scim/v2/.delta",
            Self::Delta(Some(_)) => "/scim/v2/{type}/.delta",
            Self::Bulk => "/scim/v2/Bulk",
            Self::Me => "/scim/v2/Me",
        }
    }
}

impl<'r> Scim<'r> {
    /// Every route once, by type where there is one for each.
    pub(crate) fn every(types: &'r [ResourceType]) -> Vec<Self> {
        let mut routes = Vec::new();
        let mut next = Some(Scim::<'static, ()>::Root);
        while let Some(route) = next {
            next = route.next();
            match route.clone().map(|()| Err(())) {
                Ok(route) => routes.push(route),
                Err(()) => routes.extend(types.iter().filter_map(|kind| {
                    let route = route.clone().map(|()| Ok::<_, ()>(kind));
                    route.ok()
                })),
            }
        }
        routes
    }

    /// The resource type that the route is about.
    pub(crate) fn kind(&self) -> Option<&'r ResourceType> {
        match self {
            Self::Collection(kind)
            | Self::CollectionSearch(kind)
            | Self::Resource(kind, _)
            | Self::DeltaToken(Some(kind))
            | Self::Delta(Some(kind)) => Some(kind),
            _ => None,
        }
    }
}

impl Scim<'static, ()> {
    /// The route that stands after this one in the table.
    fn next(&self) -> Option<Self> {
        Some(match self {
            Self::Root => Self::RootSearch,
            Self::RootSearch => Self::Collection(()),
            Self::Collection(()) => Self::CollectionSearch(()),
            Self::CollectionSearch(()) => Self::Resource((), "{id}".into()),
            Self::Resource(..) => Self::ProviderConfig,
            Self::ProviderConfig => Self::Schemas,
            Self::Schemas => Self::Schema("{urn}".into()),
            Self::Schema(_) => Self::ResourceTypes,
            Self::ResourceTypes => Self::ResourceType("{name}".into()),
            Self::ResourceType(_) => Self::OpenApi,
            // What is of this server alone is described for people only.
            Self::OpenApi => Self::DeltaToken(None),
            Self::DeltaToken(None) => Self::DeltaToken(Some(())),
            Self::DeltaToken(Some(())) => Self::Delta(None),
            Self::Delta(None) => Self::Delta(Some(())),
            Self::Delta(Some(())) => Self::Bulk,
            Self::Bulk => Self::Me,
            Self::Me => return None,
        })
    }
}

impl Admin {
    /// Whether the route is there in development mode alone.
    pub(crate) const fn is_staging(self) -> bool {
        match self {
            Self::Clock
            | Self::Snapshots
            | Self::Snapshot
            | Self::Reset
            | Self::Rehearsals
            | Self::Mails
            | Self::Mail => true,
            Self::Settings | Self::Ledger | Self::LedgerHar | Self::LedgerCount => false,
        }
    }
}

impl Admin {
    /// Whether there is a page of it, besides JSON.
    pub(crate) const fn is_read_by_people(self) -> bool {
        matches!(self, Self::Mails | Self::Mail)
    }
}

impl Fixed {
    /// The methods that apply.
    pub(crate) const fn methods(self) -> Methods {
        Methods(match self {
            Self::Token | Self::Admin(Admin::Reset) => "POST, OPTIONS",
            Self::Admin(Admin::Settings) => "GET, HEAD, PATCH, OPTIONS",
            Self::Admin(Admin::Clock) => "GET, HEAD, PUT, OPTIONS",
            Self::Admin(Admin::Snapshot) => "PUT, DELETE, OPTIONS",
            Self::Admin(Admin::Rehearsals) => "GET, HEAD, POST, PUT, DELETE, OPTIONS",
            Self::Admin(Admin::Ledger | Admin::Mails) => "GET, HEAD, DELETE, OPTIONS",
            Self::Admin(Admin::Snapshots | Admin::LedgerHar | Admin::LedgerCount | Admin::Mail)
            | Self::Guide
            | Self::Keys
            | Self::Live
            | Self::Ready
            | Self::Metrics => "GET, HEAD, OPTIONS",
        })
    }
}

/// The methods of `/civitas/v1/jobs/{id}`.
pub(crate) const JOB_METHODS: Methods = Methods("GET, HEAD, DELETE, OPTIONS");

/// The methods of `/civitas/v1/jobs/{id}/rows`.
pub(crate) const JOB_ROWS_METHODS: Methods = Methods("GET, HEAD, OPTIONS");

/// The methods of `/civitas/v1/imports`.
pub(crate) const IMPORTS_METHODS: Methods = Methods("POST, OPTIONS");

impl Stream<'_> {
    /// The methods that apply.
    pub(crate) const fn methods(self) -> Methods {
        Methods(match self {
            Self::All => "GET, HEAD, POST, OPTIONS",
            Self::One(_) => "GET, HEAD, PATCH, DELETE, OPTIONS",
            Self::Events(_) | Self::Verification(_) => "POST, OPTIONS",
        })
    }
}

impl Clients<'_> {
    /// The methods that apply.
    pub(crate) const fn methods(&self) -> Methods {
        Methods(match self {
            Self::All | Self::One(_) => "GET, HEAD, OPTIONS",
            Self::Secrets(_) => "GET, HEAD, POST, OPTIONS",
            Self::Secret(..) => "DELETE, OPTIONS",
            Self::Certificates(_) => "GET, HEAD, POST, DELETE, OPTIONS",
        })
    }
}

impl Route<'_> {
    /// The path with its variable parts named, for logs.
    pub(crate) fn template(&self) -> &'static str {
        match self {
            Self::Scim(route) => route.template(),
            Self::Crest(place) => place.template(),
            Self::Oracle(place) => place.template(),
            Self::Sap(place) => place.template(),
            Self::Job(_) => "/civitas/v1/jobs/{id}",
            Self::JobRows(_) => "/civitas/v1/jobs/{id}/rows",
            Self::Imports => "/civitas/v1/imports",
            Self::Stream(Stream::All) => "/civitas/v1/streams",
            Self::Stream(Stream::One(_)) => "/civitas/v1/streams/{id}",
            Self::Stream(Stream::Events(_)) => "/civitas/v1/streams/{id}/events",
            Self::Stream(Stream::Verification(_)) => "/civitas/v1/streams/{id}/verification",
            Self::Clients(Clients::All) => "/civitas/v1/clients",
            Self::Clients(Clients::One(_)) => "/civitas/v1/clients/{id}",
            Self::Clients(Clients::Secrets(_)) => "/civitas/v1/clients/{id}/secrets",
            Self::Clients(Clients::Secret(..)) => "/civitas/v1/clients/{id}/secrets/{secret}",
            Self::Clients(Clients::Certificates(_)) => "/civitas/v1/clients/{id}/certificates",
            Self::Fixed(Fixed::Keys) => "/.well-known/jwks.json",
            Self::Fixed(Fixed::Token) => "/oauth2/v1/token",
            Self::Fixed(Fixed::Guide) => "/docs/scim",
            Self::Fixed(Fixed::Admin(Admin::Settings)) => "/civitas/v1/settings",
            Self::Fixed(Fixed::Admin(Admin::Clock)) => "/civitas/v1/clock",
            Self::Fixed(Fixed::Admin(Admin::Snapshots)) => "/civitas/v1/snapshots",
            Self::Fixed(Fixed::Admin(Admin::Snapshot)) => "/civitas/v1/snapshots/{name}",
            Self::Fixed(Fixed::Admin(Admin::Reset)) => "/civitas/v1/reset",
            Self::Fixed(Fixed::Admin(Admin::Rehearsals)) => "/civitas/v1/rehearsals",
            Self::Fixed(Fixed::Admin(Admin::Ledger)) => "/civitas/v1/ledger",
            Self::Fixed(Fixed::Admin(Admin::LedgerHar)) => "/civitas/v1/ledger/har",
            Self::Fixed(Fixed::Admin(Admin::LedgerCount)) => "/civitas/v1/ledger/count",
            Self::Fixed(Fixed::Admin(Admin::Mails)) => "/civitas/v1/mails",
            Self::Fixed(Fixed::Admin(Admin::Mail)) => "/civitas/v1/mails/{id}",
            Self::Page(page) => page.path(),
            Self::Fixed(Fixed::Live) => "/health/live",
            Self::Fixed(Fixed::Ready) => "/health/ready",
            Self::Fixed(Fixed::Metrics) => "/metrics",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The template of the route at a path, of those of a tenant that serves users.
    fn template(path: &str) -> Result<&'static str, Refusal> {
        let types = [civitas_scim::core::user()];
        let route = find(path)?;
        let template = route.template();
        match route {
            Route::Scim(route) => route.bind(&types).map(|_| template),
            _ => Ok(template),
        }
    }

    #[test]
    fn paths_lead_to_routes() {
        for (path, expected) in [
            ("/scim/v2", "/scim/v2"),
            ("/scim/v2/", "/scim/v2"),
            ("/scim/Users/", "/scim/{type}"),
            ("/scim/Users/7", "/scim/{type}/{id}"),
            ("/scim/v2/.search", "/scim/v2/.search"),
            ("/scim/v2/Users", "/scim/v2/{type}"),
            ("/scim/v2/Users/", "/scim/v2/{type}"),
            ("/scim/v2/Users/.search", "/scim/v2/{type}/.search"),
            ("/scim/v2/Users/7", "/scim/v2/{type}/{id}"),
            ("/scim/v2/Users/7/", "/scim/v2/{type}/{id}"),
            ("/scim/v2/.delta", "/scim/v2/.delta"),
            ("/scim/v2/Users/.deltaToken", "/scim/v2/{type}/.deltaToken"),
            ("/scim/v2/Schemas/urn:x", "/scim/v2/Schemas/{urn}"),
            (
                "/scim/v2/ResourceTypes/User",
                "/scim/v2/ResourceTypes/{name}",
            ),
            ("/oauth2/v1/token", "/oauth2/v1/token"),
            ("/docs/scim", "/docs/scim"),
            ("/civitas/v1/settings", "/civitas/v1/settings"),
            ("/civitas/v1/jobs/7/rows", "/civitas/v1/jobs/{id}/rows"),
            ("/civitas/v1/streams/", "/civitas/v1/streams"),
            ("/civitas/v1/streams/7", "/civitas/v1/streams/{id}"),
            (
                "/civitas/v1/streams/7/events",
                "/civitas/v1/streams/{id}/events",
            ),
            ("/civitas/v1/clients", "/civitas/v1/clients"),
            ("/civitas/v1/clients/a%2Fb/", "/civitas/v1/clients/{id}"),
            (
                "/civitas/v1/clients/a/secrets",
                "/civitas/v1/clients/{id}/secrets",
            ),
            (
                "/civitas/v1/clients/a/secrets/7",
                "/civitas/v1/clients/{id}/secrets/{secret}",
            ),
            (
                "/civitas/v1/clients/a/certificates",
                "/civitas/v1/clients/{id}/certificates",
            ),
            ("/.well-known/jwks.json", "/.well-known/jwks.json"),
            ("/health/live", "/health/live"),
            ("/metrics", "/metrics"),
        ] {
            assert_eq!(template(path).ok(), Some(expected), "{path}");
        }
    }

    #[test]
    fn no_resource_type_can_take_a_path_of_ours() {
        for route in Scim::every(&[]) {
            let template = route.template();
            let first = template.split('/').nth(3).unwrap_or_default();
            let reserved = civitas_scim::definition::RESERVED_ENDPOINTS.contains(&first);
            // No name begins with a dot.
            assert!(
                reserved || first.is_empty() || first.starts_with(['.', '{']),
                "{template}"
            );
        }
    }

    #[test]
    fn other_paths_lead_nowhere() {
        for path in [
            "",
            "/",
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
            "/oauth2/tokens",
            "/oauth2/v1",
            "/civitas/v1",
            "/civitas/v1/settings/x",
            "/civitas/v1/streams/7/x",
            "/civitas/v1/streams/7/events/8",
            "/civitas/v1/streams//events",
            "/civitas/v1/imports/x",
            "/civitas/v1/clients/a/x",
            "/civitas/v1/clients//secrets",
            "/civitas/v1/clients/a/secrets/7/8",
            "/civitas/v1/clients/a/certificates/7",
            "/civitas/v1/jobs/7/rows/8",
            "/.well-known",
            "/health",
            "/health/live/x",
            "/metrics/x",
        ] {
            let found = template(path);
            assert!(matches!(found, Err(Refusal::UnknownPath)), "{path}");
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
            let found = find(path);
            assert!(
                matches!(found, Err(Refusal::UnsupportedVersion { .. })),
                "{path}"
            );
        }
    }
}
