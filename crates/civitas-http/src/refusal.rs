//! Every reason not to do what a request asks. Each is an [`Outcome`], to which every family
//! of answers gives a status: the dialects in their `status.rs`, the token endpoint in
//! [`crate::oauth`], the rest in [`crate::problem`].

use civitas_directory::{Error, Outcome, Role, outcome::Elsewhere};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::coding;

/// Seconds after which a refused request may be tried again (RFC 9110 §10.2.3).
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Why a request is refused. The text is for the caller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The host name leads to no tenant.
    #[error("the host name {host:?} belongs to no tenant of this directory")]
    UnknownHost {
        /// As the client sent it.
        host: String,
    },
    /// The request belongs elsewhere.
    #[error("this is to be asked at {location}")]
    Elsewhere {
        /// Why.
        why: Elsewhere,
        /// The request's URL there.
        location: String,
    },
    /// Service is suspended.
    #[error("the service is down for maintenance; try again in {retry_after} seconds")]
    Maintenance {
        /// Seconds.
        retry_after: u32,
    },
    /// The tenant has asked for more than its rate.
    #[error("the tenant has reached its rate of requests; try again in {retry_after} seconds")]
    RateLimited {
        /// Seconds.
        retry_after: u32,
    },
    /// No route has this path.
    #[error("there is nothing at this path")]
    UnknownPath,
    /// The path names a protocol version that is not spoken.
    #[error("SCIM version {version:?} is not supported; use v2")]
    UnsupportedVersion {
        /// The version segment of the path.
        version: String,
    },
    /// The path exists, the method does not apply to it.
    #[error("the method does not apply to this path; allowed are {allow}")]
    MethodNotAllowed {
        /// The methods that apply.
        allow: &'static str,
    },
    /// No path knows the method.
    #[error("the method is not implemented")]
    UnknownMethod,
    /// The feature is described by the protocol and not offered.
    #[error("{what} is not supported")]
    NotBuilt {
        /// The feature.
        what: &'static str,
    },
    /// A header field does not parse.
    #[error("the header field {name} is malformed")]
    MalformedHeader {
        /// Its name.
        name: HeaderName,
    },
    /// The request target does not decode.
    #[error("the query of the URL is not percent-encoded UTF-8")]
    MalformedQuery,
    /// The header fields are too large.
    #[error("the request line and header fields exceed {limit} bytes")]
    HeaderTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The caller is not known.
    #[error(transparent)]
    Unauthenticated(#[from] Unauthenticated),
    /// The caller is known and lacks a role.
    #[error("this needs the role {}", needs.name())]
    Forbidden {
        /// The role that would be enough.
        needs: Role,
    },
    /// The caller is no user, so there is no resource of its own (RFC 7644 §3.11).
    #[error("the caller is an API client and no user; /Me is for tokens of users")]
    NoUser,
    /// Discovery documents cannot be filtered (RFC 7644 §4).
    #[error("a filter does not apply to discovery documents")]
    FilteredDiscovery,
    /// `Accept` takes none of what is offered.
    #[error("none of the media types in Accept is offered; offered are {offered}")]
    NotAcceptable {
        /// What is offered.
        offered: &'static str,
    },
    /// The body is of another media type or charset than what is read.
    #[error("the body must be {accepted}, in UTF-8")]
    UnsupportedMediaType {
        /// What is read.
        accepted: &'static str,
    },
    /// The body has a content coding that is not understood.
    #[error("the content coding of the body is not supported; use gzip or none")]
    UnsupportedCoding,
    /// The body is too large.
    #[error("the body exceeds {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A bulk request is too large (RFC 7644 §3.7.4).
    #[error("the bulk request exceeds maxPayloadSize, {limit} bytes")]
    BulkTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The body ended before it was complete.
    #[error("the body is incomplete")]
    BodyCutOff,
    /// The body did not arrive in time.
    #[error("the body did not arrive in time")]
    Timeout,
    /// The answer was not ready in time.
    #[error("the request took longer than it may; try again later")]
    TooSlow,
    /// Too many requests are in work.
    #[error("the server has more work than it accepts; try again later")]
    Overloaded,
    /// A defect.
    #[error("the server failed; the request id {request_id} helps its operator to find out why")]
    Panic {
        /// Correlates with the log.
        request_id: String,
    },
    /// The directory refused.
    #[error(transparent)]
    Directory(#[from] Error),
}

/// What is wrong with the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unauthenticated {
    /// There are none of a supported scheme.
    #[error("authenticate with HTTP Basic or a bearer token")]
    Missing,
    /// The client is unknown or disabled, or the secret is wrong.
    #[error("the client id or the secret is wrong")]
    WrongSecret,
    /// So many wrong secrets were shown that none is taken for a while.
    #[error("too many wrong secrets were shown; none is taken for a while")]
    Locked,
    /// The client certificate is no proof.
    #[error("the client certificate is not taken: {0}")]
    Certificate(Unfit),
    /// The token is malformed, expired, revoked or not for this tenant.
    #[error("the access token is not valid")]
    InvalidToken,
}

/// Why a client certificate is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// Nobody who is trusted vouches for it.
    #[error("nobody who is trusted here vouches for it")]
    Untrusted,
    /// It is not valid yet, or no longer.
    #[error("it is not valid now")]
    Outdated,
    /// Its subject is that of no client, or of one that is disabled.
    #[error("its subject is that of no client")]
    Unknown,
}

impl From<civitas_scim::Invalid> for Refusal {
    fn from(invalid: civitas_scim::Invalid) -> Self {
        Self::Directory(Error::Invalid(invalid))
    }
}

impl Refusal {
    /// The outcome.
    pub(crate) const fn outcome(&self) -> Outcome {
        match self {
            Self::UnknownHost { .. } => Outcome::UnknownHost,
            Self::Elsewhere { why, .. } => why.outcome(),
            Self::Maintenance { .. } => Outcome::Maintenance,
            Self::RateLimited { .. } => Outcome::RateLimited,
            Self::UnknownPath => Outcome::UnknownPath,
            Self::UnsupportedVersion { .. } => Outcome::UnsupportedVersion,
            Self::MethodNotAllowed { .. } => Outcome::MethodNotAllowed,
            Self::UnknownMethod => Outcome::UnknownMethod,
            Self::NotBuilt { .. } => Outcome::NotBuilt,
            Self::MalformedHeader { .. } | Self::MalformedQuery | Self::BodyCutOff => {
                Outcome::Malformed
            }
            Self::HeaderTooLarge { .. } => Outcome::HeaderTooLarge,
            Self::Unauthenticated(_) => Outcome::Unauthenticated,
            Self::Forbidden { .. } => Outcome::Forbidden,
            Self::NoUser => Outcome::NotFound,
            Self::FilteredDiscovery => Outcome::NotAllowed,
            Self::NotAcceptable { .. } => Outcome::NotAcceptable,
            Self::UnsupportedMediaType { .. } | Self::UnsupportedCoding => {
                Outcome::UnsupportedMediaType
            }
            Self::TooLarge { .. } | Self::BulkTooLarge { .. } => Outcome::TooLarge,
            Self::Timeout => Outcome::ArrivedTooSlowly,
            Self::TooSlow => Outcome::TooSlow,
            Self::Overloaded => Outcome::Overloaded,
            Self::Panic { .. } => Outcome::Failed,
            Self::Directory(error) => error.outcome(),
        }
    }

    /// Header fields that belong to the refusal, whatever family words it.
    pub(crate) fn header_fields(&self, realm: &str, headers: &mut HeaderMap) {
        match self {
            Self::MethodNotAllowed { allow } => {
                headers.insert(header::ALLOW, HeaderValue::from_static(allow));
            }
            Self::UnsupportedMediaType { accepted } => {
                headers.insert(header::ACCEPT, HeaderValue::from_static(accepted));
            }
            Self::UnsupportedCoding => {
                let accepted = HeaderValue::from_static(coding::ACCEPTED);
                headers.insert(header::ACCEPT_ENCODING, accepted);
            }
            Self::Elsewhere { location, .. } => {
                if let Ok(location) = HeaderValue::try_from(location) {
                    headers.insert(header::LOCATION, location);
                }
            }
            Self::Maintenance { retry_after } | Self::RateLimited { retry_after } => {
                headers.insert(header::RETRY_AFTER, (*retry_after).into());
            }
            Self::Overloaded
            | Self::TooSlow
            | Self::Directory(
                Error::Overloaded | Error::Unavailable(_) | Error::NotBegun | Error::Outdated,
            ) => {
                headers.insert(header::RETRY_AFTER, RETRY_AFTER);
            }
            Self::Timeout => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        for challenge in self.challenges(realm) {
            if let Ok(value) = HeaderValue::try_from(challenge) {
                headers.append(header::WWW_AUTHENTICATE, value);
            }
        }
    }

    /// The challenges of `WWW-Authenticate` (RFC 6750 §3, RFC 7617 §2).
    fn challenges(&self, realm: &str) -> Vec<String> {
        let bearer = format!("Bearer realm=\"{realm}\"");
        let basic = format!("Basic realm=\"{realm}\", charset=\"UTF-8\"");
        match self {
            Self::Unauthenticated(Unauthenticated::InvalidToken) => {
                let error = "error=\"invalid_token\"";
                let why = "error_description=\"the access token is not valid\"";
                vec![format!("{bearer}, {error}, {why}"), basic]
            }
            Self::Unauthenticated(
                Unauthenticated::Missing
                | Unauthenticated::WrongSecret
                | Unauthenticated::Locked
                | Unauthenticated::Certificate(_),
            ) => {
                vec![bearer, basic]
            }
            Self::Forbidden { needs } | Self::Directory(Error::Forbidden { needs }) => {
                let scope = needs.name();
                vec![format!(
                    "{bearer}, error=\"insufficient_scope\", scope=\"{scope}\""
                )]
            }
            Self::MalformedHeader { name } if name == header::AUTHORIZATION => {
                vec![format!("{bearer}, error=\"invalid_request\""), basic]
            }
            _ => Vec::new(),
        }
    }
}
