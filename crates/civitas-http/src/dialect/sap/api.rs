//! The APIs of the product. Each has a way of its own to tell what went wrong, and its own kind
//! of callers.

/// An API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    /// Identity Directory SCIM: `/scim`
    Directory,
    /// SCIM as it was before: `/service/scim`
    Legacy,
    /// `/cps/invite`
    Invitation,
    /// User Management: `/service/users`
    Users,
    /// `/service/users/password`
    Password,
    /// `/service/users/forgotPassword`
    ForgotPassword,
    /// `/service/users/otp`
    Otp,
    /// Texts of tenants and of master data: `/service/resource`
    Texts,
    /// Master data: `/md`, `/service/md`
    MasterData,
    /// `/oauth2/token`
    Token,
}

/// Who calls an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Callers {
    /// Technical users, by the roles of administrators.
    Systems,
    /// Applications, by the scopes of their secrets.
    Applications,
    /// Users, by their own passwords.
    EndUsers,
    /// Everybody.
    Anybody,
}

/// How an API tells what went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// An error message of SCIM.
    Scim,
    /// A text.
    Text,
    /// A text, of what there is none; else nothing.
    TextOfNothing,
    /// Nothing but the status and the message code.
    Code,
    /// An error of OAuth.
    OAuth,
}

impl Api {
    /// The API that owns a path, whether or not there is anything at it; `None` for a path that is
    /// not the dialect's. Versions of SCIM's protocol belong to SCIM.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let mut segments = path.split('/').skip(1);
        let (first, second, third) = (segments.next(), segments.next(), segments.next());
        Some(match (first?, second) {
            ("scim", Some(second)) if is_version(second) => return None,
            ("scim", _) => Self::Directory,
            ("service", Some("scim")) => Self::Legacy,
            ("service", Some("resource")) => Self::Texts,
            ("service", Some("md")) | ("md", _) => Self::MasterData,
            ("service", _) => match third {
                Some("password") => Self::Password,
                Some("forgotPassword") => Self::ForgotPassword,
                Some("otp") => Self::Otp,
                _ => Self::Users,
            },
            ("cps", _) => Self::Invitation,
            ("oauth2", Some("token")) => Self::Token,
            _ => return None,
        })
    }

    pub(super) const fn callers(self) -> Callers {
        match self {
            Self::Directory | Self::Legacy | Self::Texts => Callers::Systems,
            Self::Invitation | Self::Users | Self::ForgotPassword | Self::Otp => {
                Callers::Applications
            }
            Self::Password => Callers::EndUsers,
            Self::MasterData | Self::Token => Callers::Anybody,
        }
    }

    pub(super) const fn told(self) -> Told {
        match self {
            Self::Directory => Told::Scim,
            Self::Legacy => Told::Text,
            Self::Texts => Told::TextOfNothing,
            Self::Token => Told::OAuth,
            Self::Invitation
            | Self::Users
            | Self::Password
            | Self::ForgotPassword
            | Self::Otp
            | Self::MasterData => Told::Code,
        }
    }
}

/// `v2`, `v1`: a segment that names a version of SCIM.
fn is_version(segment: &str) -> bool {
    segment
        .strip_prefix('v')
        .is_some_and(|number| number.starts_with(|digit: char| digit.is_ascii_digit()))
}
