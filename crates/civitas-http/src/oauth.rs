//! The token endpoint: OAuth 2.0 client credentials (RFC 6749 §4.4) for clients, and token
//! exchange (RFC 8693) by which an administering client gets a token for a user.

#![deny(clippy::wildcard_enum_match_arm)]

use std::{borrow::Cow, sync::Arc};

use civitas_directory::{
    Client, Error, Outcome, Role, Roles, Subject, Tenant, Timestamp,
    access::Known,
    client::{SecretScope, SecretScopes},
    token::Token,
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::{
    credentials::Credentials,
    dialect::oracle,
    door::Arrival,
    form,
    negotiation::check_form_content,
    refusal::{Refusal, Unauthenticated, Unfit},
    reply::{NO_STORE, Reply},
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The grant type of token exchange (RFC 8693 §2.1).
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// Token types of access tokens, which are JWTs (RFC 8693 §3).
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// Types of subject tokens: the full names of the attributes that users are named by
/// (RFC 7644 §3.10).
const USER_ID: &str = "urn:ietf:params:scim:schemas:core:2.0:User:id";
const USER_NAME: &str = "urn:ietf:params:scim:schemas:core:2.0:User:userName";

const NO_SUCH_USER: Refused = Refused(
    Code::InvalidRequest,
    "subject_token names no user that is active",
);

const NO_TOKENS: Refused = Refused(
    Code::UnauthorizedClient,
    "the secret is not good for tokens (openid)",
);

/// The `error` of RFC 6749 §5.2 and, for what is not the client's fault, §4.1.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    InvalidRequest,
    InvalidClient,
    UnauthorizedClient,
    UnsupportedGrantType,
    InvalidScope,
    ServerError,
    TemporarilyUnavailable,
}

impl Code {
    const fn keyword(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }
}

/// A request that the protocol has its own words for.
struct Refused(Code, &'static str);

/// `POST /oauth2/v1/token`. Whether the scope is told that nobody has asked to change, the
/// dialects differ in (RFC 6749 §5.1).
pub(crate) async fn token(arrival: Arrival<'_>, tells_scope: bool) -> Result<Reply, Refusal> {
    let tenant = arrival.tenant().await?;
    arrival.check_served(&tenant, false)?;
    check_form_content(&arrival.parts.headers)?;
    let body = arrival.body.read().await?;
    let request = match TokenRequest::parse(&body) {
        Ok(request) => request,
        Err(refused) => return Ok(refused.reply()),
    };
    let shown = Credentials::of(&arrival.parts.headers)?;
    let credentials = match request.credentials(shown) {
        Ok(credentials) => credentials,
        Err(refused) => return Ok(refused.reply()),
    };
    let directory = &arrival.app.directory;
    let now = arrival.now(&tenant);
    let client = match shown_client(&arrival, &tenant, &request, credentials, now).await? {
        Ok(client) => client,
        Err(refused) => return Ok(refused.reply()),
    };
    let grant = match request.grant(&client) {
        Ok(grant) => grant,
        Err(refused) => return Ok(refused.reply()),
    };
    match grant {
        Grant::Client(roles) => {
            let token = directory.issue_token(&tenant, &client, roles, now)?;
            Ok(issued(&token, None, tells_scope || request.scope.is_some()))
        }
        Grant::User(subject, roles) => {
            let token = directory.issue_user_token(&tenant, &client, subject, roles, now);
            match token.await {
                Ok(token) => Ok(issued(&token, Some(ACCESS_TOKEN), true)),
                // RFC 8693 §2.2.2.
                Err(Error::NotFound { .. }) => Ok(NO_SUCH_USER.reply()),
                Err(error) => Err(error.into()),
            }
        }
    }
}

/// The client by its id and secret, or else by its certificate and its id (RFC 8705 §2).
async fn shown_client(
    arrival: &Arrival<'_>,
    tenant: &Tenant,
    request: &TokenRequest<'_>,
    credentials: Option<(String, String)>,
    now: Timestamp,
) -> Result<Result<Arc<Client>, Refused>, Refusal> {
    let Some((id, secret)) = credentials else {
        let missing = || Refusal::from(Unauthenticated::Missing);
        let named = request.client_id.as_deref().ok_or_else(missing)?;
        let client = arrival.certified(tenant).await?.ok_or_else(missing)?;
        if client.id != named {
            return Err(Unauthenticated::Certificate(Unfit::Unknown).into());
        }
        return Ok(Ok(client));
    };
    let directory = &arrival.app.directory;
    match directory.authenticate(tenant, &id, &secret, now).await? {
        Known::Client(client, scopes) if may_have_tokens(&client, scopes) => Ok(Ok(client)),
        Known::Client(..) => Ok(Err(NO_TOKENS)),
        Known::Nobody | Known::Locked => Err(Unauthenticated::WrongSecret.into()),
    }
}

/// Whether the secret that was shown is good for tokens; those of applications need not be.
fn may_have_tokens(client: &Client, scopes: SecretScopes) -> bool {
    client.application.is_none() || scopes.include(SecretScope::OpenId)
}

/// RFC 6749 §5.1, RFC 8693 §2.2.1. No scope is told where there is none to tell.
fn issued(token: &Token, token_type: Option<&str>, tells_scope: bool) -> Reply {
    let mut body = json!({
        "access_token": token.access_token,
        "token_type": "Bearer",
        "expires_in": token.expires_in,
    });
    if let Some(token_type) = token_type {
        body["issued_token_type"] = token_type.into();
    }
    if tells_scope && !token.scope.is_empty() {
        body["scope"] = token.scope.as_str().into();
    }
    unkept(Reply::new(StatusCode::OK, JSON, body.to_string()))
}

/// What is asked for, as far as the client may have it.
enum Grant<'r> {
    /// A token of its own.
    Client(Roles),
    /// A token of a user.
    User(Subject<'r>, Roles),
}

/// The parameters of a token request (RFC 6749 §4.4.2). A parameter without value counts as
/// left out (§3.2); unknown ones are passed over.
#[derive(Default)]
struct TokenRequest<'b> {
    grant_type: Option<Cow<'b, str>>,
    scope: Option<Cow<'b, str>>,
    client_id: Option<Cow<'b, str>>,
    client_secret: Option<Cow<'b, str>>,
    subject_token: Option<Cow<'b, str>>,
    subject_token_type: Option<Cow<'b, str>>,
    requested_token_type: Option<Cow<'b, str>>,
    actor_token: Option<Cow<'b, str>>,
}

impl<'b> TokenRequest<'b> {
    fn parse(body: &'b [u8]) -> Result<Self, Refused> {
        let malformed = || Refused(Code::InvalidRequest, "the body is no form in UTF-8");
        let text = std::str::from_utf8(body).map_err(|_| malformed())?;
        let pairs = form::pairs(text).ok_or_else(malformed)?;
        let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        if names.windows(2).any(|two| two[0] == two[1]) {
            return Err(Refused(Code::InvalidRequest, "a parameter is repeated"));
        }
        let mut request = Self::default();
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            match name.as_ref() {
                "grant_type" => request.grant_type = Some(value),
                "scope" => request.scope = Some(value),
                "client_id" => request.client_id = Some(value),
                "client_secret" => request.client_secret = Some(value),
                "subject_token" => request.subject_token = Some(value),
                "subject_token_type" => request.subject_token_type = Some(value),
                "requested_token_type" => request.requested_token_type = Some(value),
                "actor_token" => request.actor_token = Some(value),
                _ => {}
            }
        }
        if request.grant_type.is_none() {
            return Err(Refused(Code::InvalidRequest, "grant_type is missing"));
        }
        Ok(request)
    }

    /// Id and secret of the client, from the header field or the body, not both
    /// (RFC 6749 §2.3).
    fn credentials(
        &self,
        shown: Option<Credentials<'_>>,
    ) -> Result<Option<(String, String)>, Refused> {
        let named = (self.client_id.as_deref(), self.client_secret.as_deref());
        match (shown, named) {
            (Some(Credentials::Bearer(_)), _) => Err(Refused(
                Code::InvalidRequest,
                "clients authenticate here with their secret, not with a token",
            )),
            (Some(basic @ Credentials::Basic { .. }), (id, None)) => match basic.form_decoded() {
                Some(Credentials::Basic { client_id, secret })
                    if id.is_none_or(|id| id == client_id) =>
                {
                    Ok(Some((client_id, secret)))
                }
                Some(Credentials::Basic { .. }) => Err(Refused(
                    Code::InvalidRequest,
                    "client_id is not the client's that authenticates",
                )),
                Some(Credentials::Bearer(_)) | None => Ok(None),
            },
            (Some(Credentials::Basic { .. }), (_, Some(_))) => Err(Refused(
                Code::InvalidRequest,
                "the client authenticates in two ways",
            )),
            (None, (Some(id), Some(secret))) => Ok(Some((id.to_owned(), secret.to_owned()))),
            (None, _) => Ok(None),
        }
    }

    fn grant(&self, client: &Client) -> Result<Grant<'_>, Refused> {
        if client.roles == Roles::NONE {
            return Err(Refused(Code::UnauthorizedClient, "the client has no role"));
        }
        match self.grant_type.as_deref() {
            Some("client_credentials") => Ok(Grant::Client(self.roles(client, client.roles)?)),
            Some(TOKEN_EXCHANGE) => {
                let roles = self.roles(client, Roles::NONE)?;
                Ok(Grant::User(self.subject()?, roles))
            }
            _ => Err(Refused(
                Code::UnsupportedGrantType,
                "the grant type is client_credentials or token exchange",
            )),
        }
    }

    /// The user that a token is wanted for (RFC 8693 §2.1). The client vouches for it, so that
    /// its name is all the proof there is; the type says which attribute the name is.
    fn subject(&self) -> Result<Subject<'_>, Refused> {
        let invalid = |why| Err(Refused(Code::InvalidRequest, why));
        let wanted = self.requested_token_type.as_deref();
        if wanted.is_some_and(|it| it != ACCESS_TOKEN && it != JWT) {
            return invalid("requested_token_type is not that of an access token");
        }
        if self.actor_token.is_some() {
            return invalid("the client is the actor, and shows no actor_token");
        }
        let Some(name) = self.subject_token.as_deref() else {
            return invalid("subject_token is missing");
        };
        match self.subject_token_type.as_deref() {
            Some(USER_ID) => Ok(Subject::Id(name)),
            Some(USER_NAME) => Ok(Subject::UserName(name)),
            _ => invalid("subject_token_type is not the URN of the id or userName of users"),
        }
    }

    /// The roles to grant: those asked for by `scope`, else the usual ones.
    fn roles(&self, client: &Client, usual: Roles) -> Result<Roles, Refused> {
        let Some(scope) = &self.scope else {
            return Ok(usual);
        };
        if scope == oracle::MY_SCOPES {
            return Ok(client.roles);
        }
        scope
            .split(' ')
            .filter(|name| !name.is_empty())
            .map(|name| Role::named(name).filter(|role| client.roles.allow(*role)))
            .collect::<Option<Roles>>()
            .filter(|roles| *roles != Roles::NONE)
            .ok_or(Refused(
                Code::InvalidScope,
                "scope names a role that the client does not have",
            ))
    }
}

impl Refused {
    fn reply(&self) -> Reply {
        error(StatusCode::BAD_REQUEST, self.0, self.1)
    }
}

/// A refusal in OAuth's words.
pub(crate) fn word(refusal: &Refusal) -> Reply {
    let (status, code) = status(refusal.outcome());
    // Only printable ASCII without quotes may stand in a description (RFC 6749 §5.2).
    let mut description = refusal.to_string();
    description.retain(|it| (it.is_ascii_graphic() || it == ' ') && it != '"' && it != '\\');
    error(status, code, &description)
}

/// A documented status, for those who order it.
pub(crate) fn rehearsed(wanted: u16, request_id: &str) -> Option<Refusal> {
    let refusal = match wanted {
        400 => Refusal::MalformedQuery,
        401 => Unauthenticated::WrongSecret.into(),
        429 => Refusal::RateLimited { retry_after: 1 },
        500 => Refusal::Panic {
            request_id: request_id.to_owned(),
        },
        503 => Refusal::Overloaded,
        _ => return None,
    };
    (status(refusal.outcome()).0.as_u16() == wanted).then_some(refusal)
}

fn error(status: StatusCode, code: Code, description: &str) -> Reply {
    let body = json!({ "error": code.keyword(), "error_description": description });
    unkept(Reply::new(status, JSON, body.to_string()))
}

/// RFC 6749 §5.1.
fn unkept(reply: Reply) -> Reply {
    reply
        .with(header::CACHE_CONTROL, NO_STORE)
        .with(header::PRAGMA, HeaderValue::from_static("no-cache"))
}

/// RFC 6749 §5.2 for what concerns the client; RFC 9110 §15 and RFC 6585 for what happens
/// before OAuth begins.
const fn status(outcome: Outcome) -> (StatusCode, Code) {
    match outcome {
        // The endpoint answers a token itself and does none of these.
        Outcome::Answered
        | Outcome::Created
        | Outcome::Accepted
        | Outcome::Done
        | Outcome::Unchanged => (StatusCode::OK, Code::InvalidRequest),
        // The client, and whether it is one at all.
        Outcome::Unauthenticated => (StatusCode::UNAUTHORIZED, Code::InvalidClient),
        Outcome::Forbidden => (StatusCode::BAD_REQUEST, Code::UnauthorizedClient),
        // "malformed" has one code and one status.
        Outcome::Malformed
        | Outcome::Invalid
        | Outcome::UnsupportedVersion
        | Outcome::Sensitive
        | Outcome::NotAllowed
        | Outcome::Taken
        | Outcome::Gone
        | Outcome::Stale
        | Outcome::PreconditionRequired
        | Outcome::UnsupportedMediaType => (StatusCode::BAD_REQUEST, Code::InvalidRequest),
        Outcome::UnknownHost | Outcome::UnknownPath | Outcome::NotFound => {
            (StatusCode::NOT_FOUND, Code::InvalidRequest)
        }
        Outcome::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, Code::InvalidRequest),
        Outcome::NotBuilt | Outcome::UnknownMethod => {
            (StatusCode::NOT_IMPLEMENTED, Code::InvalidRequest)
        }
        Outcome::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, Code::InvalidRequest),
        Outcome::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, Code::InvalidRequest),
        Outcome::HeaderTooLarge => (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Code::InvalidRequest,
        ),
        Outcome::ArrivedTooSlowly => (StatusCode::REQUEST_TIMEOUT, Code::InvalidRequest),
        Outcome::Canonical | Outcome::Moved => {
            (StatusCode::PERMANENT_REDIRECT, Code::TemporarilyUnavailable)
        }
        Outcome::Standby => (StatusCode::TEMPORARY_REDIRECT, Code::TemporarilyUnavailable),
        Outcome::RateLimited => (StatusCode::TOO_MANY_REQUESTS, Code::TemporarilyUnavailable),
        Outcome::Overloaded
        | Outcome::TooSlow
        | Outcome::Maintenance
        | Outcome::Unavailable
        | Outcome::Overtaken
        | Outcome::FailedDependency => (
            StatusCode::SERVICE_UNAVAILABLE,
            Code::TemporarilyUnavailable,
        ),
        Outcome::Failed => (StatusCode::INTERNAL_SERVER_ERROR, Code::ServerError),
    }
}
