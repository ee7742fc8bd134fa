//! What links are about, as it is kept with them.

use serde::{Deserialize, Serialize};

/// An invitation to an application.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Invitation {
    /// `id` of the client that is the application.
    pub(crate) client: String,
    /// Its name.
    pub(crate) application: String,
    /// Who invites.
    pub(crate) inviter: String,
    /// Address of who is invited.
    pub(crate) email: String,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    /// Where to go on.
    pub(crate) target: String,
    pub(crate) language: Option<String>,
}

/// An account that is to be activated.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Activation {
    /// Address that is confirmed.
    pub(crate) email: String,
    /// The application that the user was registered for.
    pub(crate) client: Option<String>,
    pub(crate) application: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) language: Option<String>,
}

/// A password that was forgotten.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Reset {
    /// What the user is known by, for programs that keep passwords.
    pub(crate) email: String,
    pub(crate) language: Option<String>,
}

/// A device that is to be set up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Device {
    /// The secret, sealed.
    pub(super) secret: String,
    /// What the account is called in the app.
    pub(super) account: String,
    pub(super) application: Option<String>,
    pub(super) target: Option<String>,
    pub(super) language: Option<String>,
}

/// What is known of every link: in which language its page is.
#[derive(Deserialize)]
pub(super) struct Spoken {
    pub(super) language: Option<String>,
}
