//! Answers on order: which refusal has the status that somebody wants to see.

use civitas_directory::{Error, Role, outcome::Elsewhere};
use civitas_scim::Invalid;

use crate::{
    negotiation::SCIM_TYPES,
    refusal::{Refusal, Unauthenticated},
};

/// An answer that somebody ordered for a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ordered<'r> {
    /// The status.
    pub(crate) status: u16,
    /// Which of several refusals with that status, where the family has a word for it.
    pub(crate) keyword: Option<&'r str>,
    pub(crate) request_id: &'r str,
    /// The path that is asked.
    pub(crate) path: &'r str,
}

impl Ordered<'_> {
    /// What requests are refused for with the status, unless the dialect has a better word for
    /// it. How it is told, and whether with that status, says the dialect's table.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let elsewhere = |why| Refusal::Elsewhere {
            why,
            location: self.path.to_owned(),
        };
        Some(match self.status {
            301 => elsewhere(Elsewhere::Canonical),
            307 => elsewhere(Elsewhere::Standby),
            308 => elsewhere(Elsewhere::Moved),
            400 => Refusal::Directory(Error::Invalid(Invalid::value("as ordered"))),
            401 => Unauthenticated::InvalidToken.into(),
            403 => Refusal::Forbidden {
                needs: Role::Administer,
            },
            404 => Refusal::UnknownPath,
            405 => Refusal::MethodNotAllowed { allow: "OPTIONS" },
            406 => Refusal::NotAcceptable {
                offered: SCIM_TYPES,
            },
            408 => Refusal::Timeout,
            409 => Refusal::Directory(Error::Conflict),
            412 => Refusal::Directory(Error::Stale),
            413 => Refusal::TooLarge { limit: 0 },
            415 => Refusal::UnsupportedMediaType {
                accepted: SCIM_TYPES,
            },
            428 => Refusal::Directory(Error::PreconditionRequired),
            429 => Refusal::RateLimited { retry_after: 1 },
            431 => Refusal::HeaderTooLarge { limit: 0 },
            500 => Refusal::Panic {
                request_id: self.request_id.to_owned(),
            },
            501 => Refusal::NotBuilt { what: "this" },
            503 => Refusal::Overloaded,
            _ => return None,
        })
    }
}
