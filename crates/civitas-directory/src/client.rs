//! API clients: the programs that call the directory, and what they may do.

use civitas_scim::tolerance::Profile;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

mod certificate;
mod change;
mod name;
mod secret;

pub use certificate::Certificate;
pub use change::{
    ClientChange, ClientRefusal, MAX_APPLICATION_SECRETS, MAX_CERTIFICATES, MAX_SECRETS,
};
pub use name::{DistinguishedName, MAX_NAME_BYTES, NameError};
pub use secret::{Drawn, Secret, SecretScope, SecretScopes, expiry};

/// What a caller may do. A higher role includes the lower ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Read and search resources.
    Read,
    /// Create, change and delete resources.
    Write,
    /// Manage the tenant: clients, schemas, settings.
    Administer,
}

impl Role {
    /// All roles, lowest first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Administer];

    /// The name in configuration, tokens (`scope`) and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Administer => "administer",
        }
    }

    /// The role of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// The roles of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Roles(u8);

impl Roles {
    /// No role at all.
    pub const NONE: Self = Self(0);

    /// These roles with what they include.
    #[must_use]
    pub fn with(self, role: Role) -> Self {
        Self(self.0 | ((1 << (role as u8 + 1)) - 1))
    }

    /// Whether the role is held or included.
    pub fn allow(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }

    /// What both hold.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The roles held or included, lowest first.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.allow(*role))
    }

    /// From the highest role's name list, separated by blanks or commas; `None` on an
    /// unknown name.
    pub fn parse(text: &str) -> Option<Self> {
        text.split([' ', ','])
            .filter(|name| !name.is_empty())
            .try_fold(Self::NONE, |roles, name| {
                Role::named(name).map(|role| roles.with(role))
            })
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles.into_iter().fold(Self::NONE, Self::with)
    }
}

/// An API client as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Client id, unique in its tenant.
    pub id: String,
    /// Its secrets, in the order in which they were made.
    pub secrets: Vec<Secret>,
    /// The subjects of its certificates, in order. Those of one subject are one client's.
    pub certificates: Vec<DistinguishedName>,
    /// What the client may do.
    pub roles: Roles,
    /// Whether it may authenticate.
    pub enabled: bool,
    /// How tolerant to be towards what it sends.
    pub profile: Profile,
    /// By what it proves itself instead of a secret, where it does.
    pub account: Option<Account>,
    /// What is known of it as an application, where it is one. Wrong secrets lock an application.
    pub application: Option<Application>,
}

/// What is known of a client that is an application users log on to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its name for people.
    pub name: String,
    /// Where its users begin, an http or https URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
}

impl Client {
    /// Whether it proves itself by assertions.
    pub fn asserts(&self) -> bool {
        let account = self.account.as_ref();
        account.is_some_and(|account| !account.keys.is_empty())
    }
}

/// What is known of a client that proves itself by keys: by assertions (RFC 7523), with scopes that
/// it may ask for in the words of a dialect, or by signing its requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name for people.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The public keys of its assertions: a JWK Set (RFC 7517 §5); empty of one that makes none.
    pub keys: String,
    /// The public keys of its requests, each as PEM.
    #[serde(default)]
    pub signing_keys: Vec<String>,
    /// What it may ask for.
    pub scopes: Vec<String>,
}

impl Account {
    /// A text that differs when anything of the account does.
    pub fn revision(&self) -> String {
        // Writing texts to memory cannot fail.
        let text = serde_json::to_string(self).unwrap_or_default();
        let digest = Sha256::digest(text);
        digest[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .concat()
    }
}
