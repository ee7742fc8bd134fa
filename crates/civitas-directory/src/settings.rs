//! What an operator chooses for one tenant, or for the whole server. Each setting has a name
//! and a textual form, by which it is stored, set on the command line, and shown.

use std::num::NonZeroU32;

use crate::credential::Policy;

/// Which of two answers a dialect gives where a published description of a service and the
/// behaviour of the service differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fidelity {
    /// As published.
    #[default]
    Documented,
    /// As large services and clients were seen to do.
    Observed,
}

impl Fidelity {
    const fn name(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Observed => "observed",
        }
    }
}

/// A time without service that somebody announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maintenance {
    /// When to try again, in seconds from the refusal.
    pub retry_after: u32,
}

/// The settings of a tenant. Those of the server know only `maintenance`, which then holds
/// for every tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Published or observed answers, where they differ.
    pub fidelity: Fidelity,
    /// Whether a change or removal of a resource must name the state it is about
    /// (RFC 6585 §3).
    pub require_preconditions: bool,
    /// Whether users must have a login name where a dialect lets them be without.
    pub login_name_required: bool,
    /// Whether service is suspended.
    pub maintenance: Option<Maintenance>,
    /// Scheme and authority, such as `https://id.example.com`, where the tenant is served
    /// now.
    pub moved_to: Option<String>,
    /// Most requests that the tenant is served in a second.
    pub requests_per_second: Option<NonZeroU32>,
    /// Requests in a minute that a dialect serves at once whose service is limited so.
    pub requests_per_minute: Option<NonZeroU32>,
    /// The rules for passwords; without them each surface has its own.
    pub password_policy: Option<Policy>,
    /// Hours that links are good for by which people begin; [`INVITATION_LINK_HOURS`] without it.
    pub invitation_link_hours: Option<LinkHours>,
    /// Hours that links are good for by which passwords are set anew; [`RESET_LINK_HOURS`]
    /// without it.
    pub reset_link_hours: Option<LinkHours>,
}

/// Hours that links of invitations and activations are good for, where nothing is set.
pub const INVITATION_LINK_HOURS: u32 = 14 * 24;

/// Hours that links are good for by which a password is set anew, where nothing is set.
pub const RESET_LINK_HOURS: u32 = 2;

/// Most hours that a link may be good for.
const MOST_LINK_HOURS: u32 = 30 * 24;

/// For how many hours a link is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkHours(u32);

impl std::str::FromStr for LinkHours {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let hours = text.parse().map_err(|_| ())?;
        let fits = (1..=MOST_LINK_HOURS).contains(&hours);
        fits.then_some(Self(hours)).ok_or(())
    }
}

impl Settings {
    /// For how many hours links of invitations and activations are good.
    pub fn invitation_link_hours(&self) -> u32 {
        self.invitation_link_hours
            .map_or(INVITATION_LINK_HOURS, |it| it.0)
    }

    /// For how many hours links are good by which a password is set anew.
    pub fn reset_link_hours(&self) -> u32 {
        self.reset_link_hours.map_or(RESET_LINK_HOURS, |it| it.0)
    }
}

/// The name of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// [`Settings::fidelity`]
    Fidelity,
    /// [`Settings::require_preconditions`]
    RequirePreconditions,
    /// [`Settings::login_name_required`]
    LoginNameRequired,
    /// [`Settings::maintenance`]
    Maintenance,
    /// [`Settings::moved_to`]
    MovedTo,
    /// [`Settings::requests_per_second`]
    RequestsPerSecond,
    /// [`Settings::requests_per_minute`]
    RequestsPerMinute,
    /// [`Settings::password_policy`]
    PasswordPolicy,
    /// [`Settings::invitation_link_hours`]
    InvitationLinkHours,
    /// [`Settings::reset_link_hours`]
    ResetLinkHours,
}

impl Key {
    /// All settings.
    pub const ALL: [Self; 10] = [
        Self::Fidelity,
        Self::RequirePreconditions,
        Self::LoginNameRequired,
        Self::Maintenance,
        Self::MovedTo,
        Self::RequestsPerSecond,
        Self::RequestsPerMinute,
        Self::PasswordPolicy,
        Self::InvitationLinkHours,
        Self::ResetLinkHours,
    ];

    /// The name, as stored, typed and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fidelity => "fidelity",
            Self::RequirePreconditions => "require_preconditions",
            Self::LoginNameRequired => "login_name_required",
            Self::Maintenance => "maintenance",
            Self::MovedTo => "moved_to",
            Self::RequestsPerSecond => "requests_per_second",
            Self::RequestsPerMinute => "requests_per_minute",
            Self::PasswordPolicy => "password_policy",
            Self::InvitationLinkHours => "invitation_link_hours",
            Self::ResetLinkHours => "reset_link_hours",
        }
    }

    /// The setting of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// What a value may be.
    const fn form(self) -> &'static str {
        match self {
            Self::Fidelity => "documented or observed",
            Self::RequirePreconditions | Self::LoginNameRequired => "true or false",
            Self::Maintenance => "the seconds after which to try again",
            Self::MovedTo => "an http or https URL without path, such as https://id.example.com",
            Self::RequestsPerSecond | Self::RequestsPerMinute => "a number of requests, at least 1",
            Self::PasswordPolicy => "standard, enterprise, or custom with its rules",
            Self::InvitationLinkHours | Self::ResetLinkHours => "a number of hours, 1 to 720",
        }
    }
}

/// Why a setting is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsettable {
    /// No setting has the name.
    #[error("there is no setting {0:?}; there are: {names}", names = names())]
    UnknownKey(String),
    /// The setting has no such value.
    #[error("{} = {value:?}: not {}", .key.name(), .key.form())]
    Value {
        /// The setting.
        key: Key,
        /// What it was to be.
        value: String,
    },
}

fn names() -> String {
    Key::ALL.map(Key::name).join(", ")
}

/// One setting and what to make of it; `None` for its default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    key: Key,
    value: Option<String>,
}

impl Change {
    /// A checked change.
    pub fn new(key: Key, value: Option<String>) -> Result<Self, Unsettable> {
        let change = Self { key, value };
        Settings::default().apply(&change)?;
        Ok(change)
    }

    /// The same by the setting's name.
    pub fn named(name: &str, value: Option<String>) -> Result<Self, Unsettable> {
        let key = Key::named(name).ok_or_else(|| Unsettable::UnknownKey(name.to_owned()))?;
        Self::new(key, value)
    }

    /// The setting.
    pub const fn key(&self) -> Key {
        self.key
    }

    /// Its new value; `None` for the default.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }
}

impl Settings {
    /// The settings with stored values. What this version does not know or understand is
    /// passed over.
    pub fn stored<'s>(values: impl IntoIterator<Item = (&'s str, &'s str)>) -> Self {
        let mut settings = Self::default();
        for (name, value) in values {
            if let Ok(change) = Change::named(name, Some(value.to_owned())) {
                // It was applied to the defaults a moment ago.
                let _ = settings.apply(&change);
            }
        }
        settings
    }

    /// Makes a change.
    pub fn apply(&mut self, change: &Change) -> Result<(), Unsettable> {
        let Change { key, value } = change;
        let value = value.as_deref();
        let read = match key {
            Key::Fidelity => fidelity(value).map(|it| self.fidelity = it),
            Key::RequirePreconditions => truth(value).map(|it| self.require_preconditions = it),
            Key::LoginNameRequired => truth(value).map(|it| self.login_name_required = it),
            Key::Maintenance => parsed(value)
                .map(|it| self.maintenance = it.map(|retry_after| Maintenance { retry_after })),
            Key::MovedTo => origin(value).map(|it| self.moved_to = it),
            Key::RequestsPerSecond => parsed(value).map(|it| self.requests_per_second = it),
            Key::RequestsPerMinute => parsed(value).map(|it| self.requests_per_minute = it),
            Key::PasswordPolicy => parsed(value).map(|it| self.password_policy = it),
            Key::InvitationLinkHours => parsed(value).map(|it| self.invitation_link_hours = it),
            Key::ResetLinkHours => parsed(value).map(|it| self.reset_link_hours = it),
        };
        read.ok_or_else(|| Unsettable::Value {
            key: *key,
            value: value.unwrap_or_default().to_owned(),
        })
    }

    /// The value of a setting; `None` where nothing is set and nothing is meant.
    pub fn value(&self, key: Key) -> Option<String> {
        match key {
            Key::Fidelity => Some(self.fidelity.name().to_owned()),
            Key::RequirePreconditions => Some(self.require_preconditions.to_string()),
            Key::LoginNameRequired => Some(self.login_name_required.to_string()),
            Key::Maintenance => self.maintenance.map(|it| it.retry_after.to_string()),
            Key::MovedTo => self.moved_to.clone(),
            Key::RequestsPerSecond => self.requests_per_second.map(|it| it.to_string()),
            Key::RequestsPerMinute => self.requests_per_minute.map(|it| it.to_string()),
            Key::PasswordPolicy => self.password_policy.map(|it| it.to_string()),
            Key::InvitationLinkHours => self.invitation_link_hours.map(|it| it.0.to_string()),
            Key::ResetLinkHours => self.reset_link_hours.map(|it| it.0.to_string()),
        }
    }
}

fn fidelity(value: Option<&str>) -> Option<Fidelity> {
    match value {
        None | Some("documented") => Some(Fidelity::Documented),
        Some("observed") => Some(Fidelity::Observed),
        Some(_) => None,
    }
}

fn truth(value: Option<&str>) -> Option<bool> {
    value.map_or(Some(false), |value| value.parse().ok())
}

fn parsed<T: std::str::FromStr>(value: Option<&str>) -> Option<Option<T>> {
    value
        .map(|value| value.parse().ok())
        .map_or(Some(None), |it| it.map(Some))
}

/// `Some(Some(_))` for scheme and authority, a slash at the end taken off.
fn origin(value: Option<&str>) -> Option<Option<String>> {
    let Some(value) = value else {
        return Some(None);
    };
    let value = value.strip_suffix('/').unwrap_or(value);
    is_origin(value).then(|| Some(value.to_owned()))
}

/// Whether the text is `http://` or `https://` and an authority without user, and no more.
pub fn is_origin(text: &str) -> bool {
    let authority = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    authority.is_some_and(|authority| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
        !authority.is_empty() && authority.bytes().all(plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_is_read_as_it_is_shown() {
        for (name, value) in [
            ("fidelity", "observed"),
            ("require_preconditions", "true"),
            ("login_name_required", "true"),
            ("maintenance", "120"),
            ("moved_to", "https://id.example.com:8443"),
            ("requests_per_second", "50"),
            ("requests_per_minute", "200"),
            ("password_policy", "enterprise"),
            ("invitation_link_hours", "48"),
            ("reset_link_hours", "1"),
        ] {
            let settings = Settings::stored([(name, value)]);
            let key = Key::named(name).unwrap();
            assert_eq!(settings.value(key).as_deref(), Some(value), "{name}");
            assert_ne!(settings, Settings::default(), "{name}");
            let mut back = settings;
            back.apply(&Change::new(key, None).unwrap()).unwrap();
            assert_eq!(back, Settings::default(), "{name}");
        }
    }

    #[test]
    fn what_is_no_setting_is_named() {
        for (name, value, expected) in [
            ("speed", "1", "\"speed\""),
            ("fidelity", "exact", "documented or observed"),
            ("require_preconditions", "yes", "true or false"),
            ("maintenance", "-1", "seconds"),
            ("maintenance", "soon", "seconds"),
            ("moved_to", "id.example.com", "https://"),
            ("moved_to", "https://id.example.com/x", "without path"),
            ("moved_to", "https://a@b", "without path"),
            ("requests_per_second", "0", "at least 1"),
            ("password_policy", "weak", "standard, enterprise"),
            ("reset_link_hours", "721", "1 to 720"),
            ("invitation_link_hours", "0", "1 to 720"),
        ] {
            let refused = Change::named(name, Some(value.into())).unwrap_err();
            let told = refused.to_string();
            assert!(told.contains(expected), "{name}={value}: {told}");
            assert_eq!(Settings::stored([(name, value)]), Settings::default());
        }
    }
}
