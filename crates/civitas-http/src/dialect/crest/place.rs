//! What is at a path of the dialect.

use std::borrow::Cow;

use http::Method;

use super::{
    access, document, managed::internal::COLLECTION as INTERNAL, request, version::Version,
};
use crate::{form::decode, router::Methods};

/// What is at a path. Whether it is there, the request hears when its turn comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place<'r> {
    /// `/openidm/managed/{type}`
    Collection(&'r str),
    /// `/openidm/managed/{type}/{id}`
    Object(&'r str, Cow<'r, str>),
    /// `/openidm/managed/{type}/{id}/{relationship}`
    Related(&'r str, Cow<'r, str>, &'r str),
    /// `/openidm/managed/{type}/{id}/{relationship}/{edge}`
    Edge(&'r str, Cow<'r, str>, &'r str, Cow<'r, str>),
    /// `/openidm/policy/managed/{type}/{id}`
    Policy(&'r str, Cow<'r, str>),
    /// `/openidm/config`
    Configurations,
    /// `/openidm/config/{id}`, where the identifier may have several segments
    Configuration(Cow<'r, str>),
    /// `/openidm/schema/managed/{type}`
    TypeSchema(&'r str),
    /// `/openidm/schema/managed/{type}/properties/{property}`
    PropertySchema(&'r str, &'r str),
    /// `/openidm/system`
    Systems,
    /// `/openidm/audit/{topic}`
    Audit(&'r str),
    /// `/openidm/audit/{topic}/{id}`
    AuditEntry(&'r str, Cow<'r, str>),
    /// `/openidm/scheduler/job`
    Jobs,
    /// `/openidm/scheduler/job/{id}`
    Job(Cow<'r, str>),
    /// `/openidm/scheduler/trigger`
    Triggers,
    /// `/openidm/scheduler/trigger/{id}`
    Trigger(Cow<'r, str>),
    /// `/openidm/endpoint/{name}`
    Endpoint(Cow<'r, str>),
    /// `/environment/info`
    EnvironmentInfo,
    /// `/environment/variables`
    Variables,
    /// `/environment/variables/{id}`
    Variable(Cow<'r, str>),
    /// `/environment/secrets`
    Secrets,
    /// `/environment/secrets/{id}`
    Secret(Cow<'r, str>),
    /// `/environment/secrets/{id}/versions`
    SecretVersions(Cow<'r, str>),
    /// `/environment/secrets/{id}/versions/{version}`
    SecretVersion(Cow<'r, str>, Cow<'r, str>),
    /// `/environment/startup`
    Startup,
    /// `/environment/count`
    EnvironmentCount,
    /// `/environment/scopes/service-accounts`
    AccountScopes,
    /// `/openidm/info/ping`
    Ping,
    /// `/openidm/info/version`
    ProductVersion,
    /// `/openidm/info/login`
    Login,
    /// `/openidm/managed/svcacct`
    Accounts,
    /// `/openidm/managed/svcacct/{id}`
    Account(Cow<'r, str>),
    /// `/am/oauth2/access_token`
    Token,
    /// `/am/json/serverinfo/*`, of the root realm or another
    ServerInfo(&'static str),
    /// `/am/json/authenticate`, of the root realm or another
    Authenticate(&'static str),
    /// `/am/json/sessions`, of whatever realm
    Sessions,
    /// `/am/json/serverinfo/version`
    ServerVersion,
    /// Below one of the bases, where nothing is.
    Nowhere,
}

/// The first segments of the paths of the dialect.
const BASES: [&str; 3] = ["openidm", "am", "environment"];

/// The versions in which resources are served.
const FIRST: [Version; 1] = [Version::new(1, 0)];
const SECOND: [Version; 1] = [Version::new(1, 1)];
const TWICE: [Version; 2] = [Version::new(1, 0), Version::new(2, 0)];

/// Whether paths that begin with the segment are the dialect's.
pub(crate) fn owns(first: &str) -> bool {
    BASES.contains(&first)
}

/// Whether answers at the path hold tokens.
pub(crate) fn issues_tokens(path: &str) -> bool {
    let signs_in = matches!(
        Place::at(path),
        Some(Place::Authenticate(_) | Place::Sessions)
    );
    signs_in || path.starts_with("/am/oauth2")
}

/// Every place, with names for the variable parts.
const EVERY: [Place<'static>; 42] = [
    Place::Collection("{type}"),
    Place::Object("{type}", Cow::Borrowed("{id}")),
    Place::Related("{type}", Cow::Borrowed("{id}"), "{relationship}"),
    Place::Edge(
        "{type}",
        Cow::Borrowed("{id}"),
        "{relationship}",
        Cow::Borrowed("{edge}"),
    ),
    Place::Collection(INTERNAL),
    Place::Object(INTERNAL, Cow::Borrowed("{id}")),
    Place::Related(INTERNAL, Cow::Borrowed("{id}"), "{relationship}"),
    Place::Edge(
        INTERNAL,
        Cow::Borrowed("{id}"),
        "{relationship}",
        Cow::Borrowed("{edge}"),
    ),
    Place::Policy("{type}", Cow::Borrowed("{id}")),
    Place::Configurations,
    Place::Configuration(Cow::Borrowed("{id}")),
    Place::TypeSchema("{type}"),
    Place::PropertySchema("{type}", "{property}"),
    Place::Systems,
    Place::Audit("{topic}"),
    Place::AuditEntry("{topic}", Cow::Borrowed("{id}")),
    Place::Jobs,
    Place::Job(Cow::Borrowed("{id}")),
    Place::Triggers,
    Place::Trigger(Cow::Borrowed("{id}")),
    Place::Endpoint(Cow::Borrowed("{name}")),
    Place::EnvironmentInfo,
    Place::Variables,
    Place::Variable(Cow::Borrowed("{id}")),
    Place::Secrets,
    Place::Secret(Cow::Borrowed("{id}")),
    Place::SecretVersions(Cow::Borrowed("{id}")),
    Place::SecretVersion(Cow::Borrowed("{id}"), Cow::Borrowed("{version}")),
    Place::Startup,
    Place::EnvironmentCount,
    Place::AccountScopes,
    Place::Ping,
    Place::ProductVersion,
    Place::Login,
    Place::Accounts,
    Place::Account(Cow::Borrowed("{id}")),
    Place::Token,
    Place::ServerInfo("/"),
    Place::Authenticate("/"),
    Place::Sessions,
    Place::ServerVersion,
    Place::Nowhere,
];

impl<'r> Place<'r> {
    /// The place at a path; `None` for a path that is not the dialect's.
    pub(crate) fn at(path: &'r str) -> Option<Self> {
        let mut segments = path.strip_prefix('/')?.split('/');
        let first = segments.next().filter(|first| owns(first))?;
        let rest: Vec<&str> = segments.take(8).collect();
        let named = |text: &'r str| decode(text, false).filter(|it| !it.is_empty());
        let place = match (first, rest.as_slice()) {
            ("openidm", ["managed", "svcacct"]) => Some(Self::Accounts),
            ("openidm", ["managed", "svcacct", id]) => named(id).map(Self::Account),
            ("am", ["oauth2", "access_token"]) => Some(Self::Token),
            ("am", ["json", "serverinfo", "version"]) => Some(Self::ServerVersion),
            ("am", ["json", "realms", "root", "realms", "alpha", below @ ..]) => {
                Self::in_realm(access::ALPHA, below)
            }
            ("am", ["json", "realms", "root", below @ ..] | ["json", below @ ..]) => {
                Self::in_realm("/", below)
            }
            ("openidm", ["managed", kind]) if !kind.is_empty() => Some(Self::Collection(kind)),
            ("openidm", ["managed", kind, id]) => named(id).map(|id| Self::Object(kind, id)),
            ("openidm", ["managed", kind, id, relation]) => {
                named(id).map(|id| Self::Related(kind, id, relation))
            }
            ("openidm", ["managed", kind, id, relation, edge]) => named(id)
                .zip(named(edge))
                .map(|(id, edge)| Self::Edge(kind, id, relation, edge)),
            ("openidm", ["internal", "role", below @ ..]) => Self::internal_role(below),
            ("openidm", ["policy", "managed", kind, id]) => {
                named(id).map(|id| Self::Policy(kind, id))
            }
            ("openidm", ["config"]) => Some(Self::Configurations),
            ("openidm", ["config", id @ ..]) => named(&path["/openidm/config/".len()..])
                .filter(|_| id.len() < 8)
                .map(Self::Configuration),
            ("openidm", ["schema", "managed", kind]) => Some(Self::TypeSchema(kind)),
            ("openidm", ["schema", "managed", kind, "properties", property]) => {
                Some(Self::PropertySchema(kind, property))
            }
            ("openidm", ["system"]) => Some(Self::Systems),
            ("openidm", ["audit", topic]) if !topic.is_empty() => Some(Self::Audit(topic)),
            ("openidm", ["audit", topic, id]) => named(id).map(|id| Self::AuditEntry(topic, id)),
            ("openidm", ["scheduler", "job"]) => Some(Self::Jobs),
            ("openidm", ["scheduler", "job", id]) => named(id).map(Self::Job),
            ("openidm", ["scheduler", "trigger"]) => Some(Self::Triggers),
            ("openidm", ["scheduler", "trigger", id]) => named(id).map(Self::Trigger),
            ("openidm", ["endpoint", name]) => named(name).map(Self::Endpoint),
            ("environment", within) => Self::in_environment(within),
            ("openidm", ["info", "ping"]) => Some(Self::Ping),
            ("openidm", ["info", "version"]) => Some(Self::ProductVersion),
            ("openidm", ["info", "login"]) => Some(Self::Login),
            _ => None,
        };
        Some(place.unwrap_or(Self::Nowhere))
    }

    fn in_realm(realm: &'static str, below: &[&str]) -> Option<Self> {
        match below {
            ["serverinfo", "*" | "%2A"] => Some(Self::ServerInfo(realm)),
            ["authenticate"] => Some(Self::Authenticate(realm)),
            ["sessions"] | ["sessions", ""] => Some(Self::Sessions),
            _ => None,
        }
    }

    /// Internal roles are objects like managed ones.
    fn internal_role(below: &[&'r str]) -> Option<Self> {
        let named = |text: &'r str| decode(text, false).filter(|it| !it.is_empty());
        match *below {
            [] => Some(Self::Collection(INTERNAL)),
            [id] => named(id).map(|id| Self::Object(INTERNAL, id)),
            [id, relation] => named(id).map(|id| Self::Related(INTERNAL, id, relation)),
            [id, relation, edge] => named(id)
                .zip(named(edge))
                .map(|(id, edge)| Self::Edge(INTERNAL, id, relation, edge)),
            _ => None,
        }
    }

    fn in_environment(within: &[&'r str]) -> Option<Self> {
        let named = |text: &'r str| decode(text, false).filter(|it| !it.is_empty());
        match *within {
            ["info"] => Some(Self::EnvironmentInfo),
            ["variables"] => Some(Self::Variables),
            ["variables", id] => named(id).map(Self::Variable),
            ["secrets"] => Some(Self::Secrets),
            ["secrets", id] => named(id).map(Self::Secret),
            ["secrets", id, "versions"] => named(id).map(Self::SecretVersions),
            ["secrets", id, "versions", version] => named(id)
                .zip(named(version))
                .map(|(id, version)| Self::SecretVersion(id, version)),
            ["startup"] => Some(Self::Startup),
            ["count"] => Some(Self::EnvironmentCount),
            ["scopes", "service-accounts"] => Some(Self::AccountScopes),
            _ => None,
        }
    }

    /// The path with its variable parts named.
    pub(crate) fn template(&self) -> &'static str {
        match self {
            Self::Collection(INTERNAL) => "/openidm/internal/role",
            Self::Object(INTERNAL, _) => "/openidm/internal/role/{id}",
            Self::Related(INTERNAL, ..) => "/openidm/internal/role/{id}/{relationship}",
            Self::Edge(INTERNAL, ..) => "/openidm/internal/role/{id}/{relationship}/{edge}",
            Self::Collection(_) => "/openidm/managed/{type}",
            Self::Object(..) => "/openidm/managed/{type}/{id}",
            Self::Related(..) => "/openidm/managed/{type}/{id}/{relationship}",
            Self::Edge(..) => "/openidm/managed/{type}/{id}/{relationship}/{edge}",
            Self::Policy(..) => "/openidm/policy/managed/{type}/{id}",
            Self::Configurations => "/openidm/config",
            Self::Configuration(_) => "/openidm/config/{id}",
            Self::TypeSchema(_) => "/openidm/schema/managed/{type}",
            Self::PropertySchema(..) => "/openidm/schema/managed/{type}/properties/{property}",
            Self::Systems => "/openidm/system",
            Self::Audit(_) => "/openidm/audit/{topic}",
            Self::AuditEntry(..) => "/openidm/audit/{topic}/{id}",
            Self::Jobs => "/openidm/scheduler/job",
            Self::Job(_) => "/openidm/scheduler/job/{id}",
            Self::Triggers => "/openidm/scheduler/trigger",
            Self::Trigger(_) => "/openidm/scheduler/trigger/{id}",
            Self::Endpoint(_) => "/openidm/endpoint/{name}",
            Self::EnvironmentInfo => "/environment/info",
            Self::Variables => "/environment/variables",
            Self::Variable(_) => "/environment/variables/{id}",
            Self::Secrets => "/environment/secrets",
            Self::Secret(_) => "/environment/secrets/{id}",
            Self::SecretVersions(_) => "/environment/secrets/{id}/versions",
            Self::SecretVersion(..) => "/environment/secrets/{id}/versions/{version}",
            Self::Startup => "/environment/startup",
            Self::EnvironmentCount => "/environment/count",
            Self::AccountScopes => "/environment/scopes/service-accounts",
            Self::Ping => "/openidm/info/ping",
            Self::ProductVersion => "/openidm/info/version",
            Self::Login => "/openidm/info/login",
            Self::Accounts => "/openidm/managed/svcacct",
            Self::Account(_) => "/openidm/managed/svcacct/{id}",
            Self::Token => "/am/oauth2/access_token",
            Self::ServerInfo(_) => "/am/json/serverinfo/*",
            Self::Authenticate(_) => "/am/json/authenticate",
            Self::Sessions => "/am/json/sessions",
            Self::ServerVersion => "/am/json/serverinfo/version",
            Self::Nowhere => "/openidm/{path}",
        }
    }

    /// The methods that reach what is there.
    pub(crate) const fn methods(&self) -> Methods {
        match self {
            Self::Collection(_)
            | Self::Accounts
            | Self::Audit(_)
            | Self::Jobs
            | Self::Endpoint(_)
            | Self::SecretVersions(_)
            | Self::Startup => Methods::of("GET, POST, OPTIONS"),
            Self::Variable(_) | Self::Secret(_) | Self::Job(_) => {
                Methods::of("GET, PUT, POST, DELETE, OPTIONS")
            }
            Self::SecretVersion(..) => Methods::of("GET, POST, DELETE, OPTIONS"),
            Self::Token => Methods::of("POST"),
            Self::Object(..) | Self::Related(..) | Self::Edge(..) => Methods::of(request::METHODS),
            Self::Configuration(_) => Methods::of("GET, PUT, PATCH, DELETE, OPTIONS"),
            Self::PropertySchema(..) => Methods::of("GET, PUT, DELETE, OPTIONS"),
            Self::Policy(..) | Self::Systems | Self::Authenticate(_) | Self::Sessions => {
                Methods::of("POST, OPTIONS")
            }
            Self::Configurations
            | Self::TypeSchema(_)
            | Self::AuditEntry(..)
            | Self::Triggers
            | Self::Trigger(_)
            | Self::EnvironmentInfo
            | Self::Variables
            | Self::Secrets
            | Self::EnvironmentCount
            | Self::AccountScopes
            | Self::Ping
            | Self::ProductVersion
            | Self::Login
            | Self::Account(_)
            | Self::ServerInfo(_)
            | Self::ServerVersion
            | Self::Nowhere => Methods::of("GET, OPTIONS"),
        }
    }

    /// Whether a request with the method may change something there.
    pub(crate) fn writes(&self, method: &Method) -> bool {
        let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        !reads
            && matches!(
                self,
                Self::Collection(_)
                    | Self::Object(..)
                    | Self::Related(..)
                    | Self::Edge(..)
                    | Self::Configuration(_)
                    | Self::Jobs
                    | Self::Job(_)
                    | Self::PropertySchema(..)
                    | Self::Accounts
                    | Self::Variable(_)
                    | Self::Secret(_)
                    | Self::SecretVersions(_)
                    | Self::SecretVersion(..)
                    | Self::Startup
                    | Self::Authenticate(_)
                    | Self::Sessions
            )
    }

    /// The versions in which it is served.
    pub(super) const fn served(&self) -> &'static [Version] {
        match self {
            Self::ServerInfo(_) => &SECOND,
            Self::TypeSchema(_)
            | Self::PropertySchema(..)
            | Self::Jobs
            | Self::Job(_)
            | Self::Triggers
            | Self::Trigger(_) => &TWICE,
            _ => &FIRST,
        }
    }

    /// Every template with its methods.
    pub(crate) fn templates() -> impl Iterator<Item = (&'static str, Methods)> {
        EVERY.iter().map(|it| (it.template(), it.methods()))
    }

    /// Whether nobody needs to be known to read there.
    pub(super) fn is_public(&self) -> bool {
        match self {
            Self::Ping | Self::ProductVersion | Self::ServerInfo(_) => true,
            Self::Configuration(id) => document::is_public(id),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_places() {
        for (path, place) in [
            (
                "/openidm/managed/alpha_user",
                Some(Place::Collection("alpha_user")),
            ),
            (
                "/openidm/managed/alpha_group/a%20b",
                Some(Place::Object("alpha_group", "a b".into())),
            ),
            (
                "/openidm/policy/managed/alpha_user/*",
                Some(Place::Policy("alpha_user", "*".into())),
            ),
            ("/openidm/info/ping", Some(Place::Ping)),
            (
                "/environment/secrets/esv-a/versions/1",
                Some(Place::SecretVersion("esv-a".into(), "1".into())),
            ),
            ("/environment/secrets/esv-a/x", Some(Place::Nowhere)),
            ("/openidm/managed/alpha_user/%ff", Some(Place::Nowhere)),
            ("/openidm/managed/alpha_user//", Some(Place::Nowhere)),
            ("/openidm", Some(Place::Nowhere)),
            ("/am/x", Some(Place::Nowhere)),
            ("/scim/v2", None),
            ("/openidms/managed", None),
        ] {
            assert_eq!(Place::at(path), place, "{path}");
        }
    }
}
