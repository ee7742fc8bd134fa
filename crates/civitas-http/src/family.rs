//! Families of answers: whose words a refusal is given in, and what else every answer of a
//! family has. Here, and nowhere else in the surface, one is told from another.

use http::{HeaderName, request::Parts};

use crate::{
    dialect, oauth, ordered::Ordered, outcomes::Dialect, problem, refusal::Refusal, reply::Reply,
};

/// Whose words refusals are given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// SCIM error messages.
    Scim,
    /// OAuth error responses.
    OAuth,
    /// Problem details.
    Problem,
    /// Common REST.
    Crest,
    /// Identity domains.
    Oracle,
    /// SAP Cloud Identity Services.
    Sap,
}

impl Family {
    /// All families, in the order of their numbers.
    pub(crate) const ALL: [Self; 6] = [
        Self::Scim,
        Self::OAuth,
        Self::Problem,
        Self::Crest,
        Self::Oracle,
        Self::Sap,
    ];

    /// The family that owns a path, whether or not there is anything at it.
    pub(crate) fn of(path: &str) -> Self {
        match path.split('/').nth(1) {
            _ if dialect::sap::owns(path) => Self::Sap,
            Some("scim") => Self::Scim,
            Some("oauth2") => Self::OAuth,
            Some(first) if dialect::crest::owns(first) => Self::Crest,
            Some(first) if dialect::oracle::owns(first) => Self::Oracle,
            _ => Self::Problem,
        }
    }

    /// The family of that name, where its answers can be ordered.
    pub(crate) fn staged(name: &str) -> Option<Self> {
        let mut families = Self::ALL.into_iter();
        families.find(|it| it.is_staged() && it.name() == name)
    }

    /// Whether answers can be ordered, and exchanges are written down: not those with the
    /// administration, which orders and reads them.
    pub(crate) fn is_staged(self) -> bool {
        self != Self::Problem
    }

    /// The name in metrics and rules.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Scim => Dialect::Scim.name(),
            Self::OAuth => "oauth2",
            Self::Problem => "operations",
            Self::Crest => Dialect::Crest.name(),
            Self::Oracle => Dialect::Oracle.name(),
            Self::Sap => Dialect::Sap.name(),
        }
    }

    /// The header field in which a client names its request, and in which the answer does.
    pub(crate) const fn request_id_field(self) -> HeaderName {
        match self {
            Self::Scim | Self::OAuth | Self::Problem => HeaderName::from_static("x-request-id"),
            Self::Crest => dialect::crest::TRANSACTION_ID,
            Self::Oracle => dialect::oracle::REQUEST_ID,
            Self::Sap => dialect::sap::REQUEST_ID,
        }
    }

    /// Whether answers may be coded. Tokens are not: from the length of coded content much
    /// can be guessed.
    pub(crate) fn is_coded(self, path: &str) -> bool {
        match self {
            // Pages hold tokens of links.
            Self::Problem => !path.starts_with("/ids/"),
            Self::Scim | Self::Oracle => true,
            Self::OAuth => false,
            Self::Sap => !dialect::sap::issues_tokens(path),
            Self::Crest => !dialect::crest::issues_tokens(path),
        }
    }

    /// The refusal in the family's words.
    pub(crate) fn word(self, refusal: &Refusal, parts: &Parts) -> Reply {
        match self {
            Self::Scim => dialect::scim::status::word(refusal, &parts.headers),
            Self::OAuth => oauth::word(refusal),
            Self::Problem => problem::word(refusal),
            Self::Crest => dialect::crest::status::word(refusal, parts.uri.path()),
            Self::Oracle => {
                let (path, method) = (parts.uri.path(), parts.method.as_str());
                dialect::oracle::status::word(refusal, &parts.headers, path, method)
            }
            Self::Sap => dialect::sap::status::word(refusal, parts.uri.path()),
        }
    }

    /// Gives an answer what every answer of the family has.
    pub(crate) fn finish(self, reply: &mut Reply) {
        match self {
            Self::Scim => dialect::scim::finish(reply),
            Self::Crest => dialect::crest::finish(reply),
            Self::Oracle => dialect::oracle::finish(reply),
            Self::Sap => dialect::sap::finish(reply),
            Self::OAuth | Self::Problem => {}
        }
    }

    /// Tells of an answer, once it is in the coding that it goes out in, what the family tells of
    /// codings.
    pub(crate) fn coded(self, reply: &mut Reply) {
        if self == Self::Sap {
            dialect::sap::coded(reply);
        }
    }

    /// The ordered answer as the family words it; `None` for what it does not document.
    pub(crate) fn ordered(self, ordered: Ordered<'_>) -> Option<Result<Reply, Refusal>> {
        match self {
            Self::Scim => dialect::scim::rehearsal::rehearsed(ordered),
            Self::OAuth => oauth::rehearsed(ordered.status, ordered.request_id).map(Err),
            Self::Crest => dialect::crest::rehearsal::rehearsed(ordered),
            Self::Oracle => dialect::oracle::rehearsal::rehearsed(ordered),
            Self::Sap => dialect::sap::rehearsal::rehearsed(ordered),
            Self::Problem => None,
        }
    }
}
