//! The server to judge, and as whom.

use std::str::FromStr;
use std::time::Duration;

use crate::wire::Credential;

/// The server to judge.
#[derive(Clone, Debug)]
pub struct Target {
    /// The base URL of the SCIM service, such as `https://host/scim/v2`.
    pub base: String,
    /// A credential that may read and write users and groups, and administer if anyone may.
    pub credential: Credential,
    /// Other callers; cases that need one that is not there do not apply.
    pub accounts: Vec<(Role, Account)>,
    /// How long a case may wait for something to expire.
    pub patience: Duration,
    /// How many resources the server examines at most where no index answers, if that is
    /// few enough to exceed.
    pub examines: Option<u32>,
    /// A URL that the credential polls for event tokens (RFC 8936), if there is one.
    pub polls: Option<String>,
}

/// What another caller is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// May only read.
    Read,
    /// Is a user: has a resource of its own, and so a `/Me`.
    User,
    /// May read and write in another tenant.
    Other,
    /// Must send a precondition with every change (RFC 6585 §3).
    Guarded,
    /// Soon meets a limit of its rate (RFC 6585 §4).
    Limited,
    /// Has the habits of Entra ID allowed for.
    Entra,
    /// Calls a tenant whose service is suspended.
    Maintained,
    /// Is an application that manages its users, as SAP Cloud Identity Services have them.
    Application,
    /// Is an application that may not manage users.
    Unscoped,
    /// Is an application that the run may lock.
    Locked,
    /// Is an application whose secret has expired.
    Expired,
    /// Administers a tenant whose passwords may not be changed twice a day.
    Strict,
    /// Is an application of that tenant.
    StrictApplication,
    /// Administers a tenant whose policy for passwords the run may change.
    Reset,
}

impl Role {
    const NAMES: [(&'static str, Self, &'static str); 14] = [
        ("read", Self::Read, "a caller that may only read"),
        ("user", Self::User, "a caller that is a user"),
        ("other", Self::Other, "a caller of another tenant"),
        (
            "guarded",
            Self::Guarded,
            "a caller that must send preconditions",
        ),
        (
            "limited",
            Self::Limited,
            "a caller with a low limit of its rate",
        ),
        ("entra", Self::Entra, "a caller treated as Entra ID"),
        (
            "maintained",
            Self::Maintained,
            "a caller of a tenant in maintenance",
        ),
        (
            "application",
            Self::Application,
            "an application that manages its users",
        ),
        (
            "unscoped",
            Self::Unscoped,
            "an application that may not manage users",
        ),
        ("locked", Self::Locked, "an application that may be locked"),
        (
            "expired",
            Self::Expired,
            "an application whose secret has expired",
        ),
        (
            "strict",
            Self::Strict,
            "an administrator where passwords have a minimum age",
        ),
        (
            "strict-application",
            Self::StrictApplication,
            "an application where passwords have a minimum age",
        ),
        (
            "reset",
            Self::Reset,
            "an administrator of a tenant whose settings may be changed",
        ),
    ];

    /// What a case that needs the role asks for.
    pub(crate) fn need(self) -> String {
        let known = Self::NAMES.iter().find(|(_, role, _)| *role == self);
        known.map_or_else(String::new, |(name, _, meaning)| {
            format!("needs {meaning} (--as {name}=TOKEN)")
        })
    }
}

/// How another caller is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What it shows.
    pub credential: Credential,
    /// The name sent as `Host`, where that chooses a tenant.
    pub host: Option<String>,
}

impl Account {
    /// A caller with a bearer token.
    pub fn bearer(token: impl Into<String>) -> Self {
        Self {
            credential: Credential::Bearer(token.into()),
            host: None,
        }
    }

    /// The same caller with a secret or token that is not its own.
    pub(crate) fn mistaken(&self) -> Self {
        let wrong = "no such secret".to_owned();
        let credential = match &self.credential {
            Credential::Basic(id, _) => Credential::Basic(id.clone(), wrong),
            Credential::Bearer(_) | Credential::None => Credential::Bearer(wrong),
        };
        let host = self.host.clone();
        Self { credential, host }
    }
}

/// `ROLE=TOKEN`, `ROLE=ID:SECRET`, either with `@HOST`, as on the command line.
#[derive(Clone, Debug)]
pub struct As(pub Role, pub Account);

impl FromStr for As {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Role::NAMES.map(|(name, ..)| name).join(", ");
        let (name, token) = text
            .split_once('=')
            .ok_or_else(|| "expected ROLE=TOKEN or ROLE=ID:SECRET".to_owned())?;
        let known = Role::NAMES.iter().find(|(known, ..)| *known == name);
        let (_, role, _) = known.ok_or_else(|| format!("not one of {names}"))?;
        let (token, host) = match token.split_once('@') {
            Some((token, host)) => (token, Some(host.to_owned())),
            None => (token, None),
        };
        // No token has a colon in it (RFC 6750 §2.1).
        let credential = match token.split_once(':') {
            Some((id, secret)) => Credential::Basic(id.to_owned(), secret.to_owned()),
            None => Credential::Bearer(token.to_owned()),
        };
        Ok(Self(*role, Account { credential, host }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_caller_is_named_by_role_token_and_host() {
        let As(role, account) = "other=abc==@b.example".parse().unwrap();
        assert_eq!(role, Role::Other);
        assert_eq!(account.credential, Credential::Bearer("abc==".into()));
        assert_eq!(account.host.as_deref(), Some("b.example"));
        let As(_, account) = "application=shop:abc@b.example".parse().unwrap();
        assert_eq!(
            account.credential,
            Credential::Basic("shop".into(), "abc".into())
        );
        assert!("nosuch=abc".parse::<As>().is_err());
        assert!("read".parse::<As>().is_err());
    }
}
