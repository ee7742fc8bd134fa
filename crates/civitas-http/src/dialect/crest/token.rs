//! `/am/oauth2/access_token`: tokens of service accounts, for assertions that they sign
//! (RFC 7523 §2.1).

use civitas_directory::{
    Client, Outcome, Tenant,
    assertion::{Assertion, KeySet},
};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;

use super::{fault::Failure, scope, status};
use crate::{
    call::{host, host_name},
    door::Arrival,
    form,
    negotiation::check_form_content,
    refusal::Refusal,
    reply::Reply,
};

/// The client as which service accounts ask.
const CLIENT: &str = "service-account";
/// The grant (RFC 7523 §2.1).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The path of the endpoint, which assertions name as their audience.
const PATH: &str = "/am/oauth2/access_token";
/// Seconds that a token is good for.
const SECONDS: u64 = 899;

/// Why there is no token: status, code, description.
struct Refused(StatusCode, &'static str, String);

impl Refused {
    fn new(code: &'static str, description: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, code, description.into())
    }

    fn grant(description: &str) -> Self {
        Self::new("invalid_grant", description)
    }

    fn reply(&self) -> Reply {
        let Self(status, code, description) = self;
        let body = json!({ "error_description": description, "error": code });
        Reply::new(*status, status::JSON, body.to_string())
    }
}

/// Answers a request.
pub(super) async fn answer(arrival: Arrival<'_>, tenant: &Tenant) -> Result<Reply, Failure> {
    arrival.check_served(tenant, false)?;
    let method = &arrival.parts.method;
    if *method != Method::POST {
        let description = format!("Required Method: POST found: {method}");
        let refused = Refused(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            description,
        );
        let allow = HeaderValue::from_static("POST");
        return Ok(refused.reply().with(header::ALLOW, allow));
    }
    if let Err(Refusal::UnsupportedMediaType { .. }) = check_form_content(&arrival.parts.headers) {
        return Ok(Refused::new("invalid_request", "Invalid Content Type").reply());
    }
    let body = arrival.body.read().await?;
    let named = host(arrival.parts).map(host_name).unwrap_or_default();
    let hosts = tenant.hosts.iter().map(String::as_str).chain([named]);
    let hosts: Vec<&str> = hosts.collect();
    let now = arrival.now(tenant);
    let directory = &arrival.app.directory;
    let request = match Request::read(&body) {
        Ok(request) => request,
        Err(refused) => return Ok(refused.reply()),
    };
    let account = directory.account(tenant, &request.assertion.iss).await?;
    let second = now.0.div_euclid(1_000);
    let scopes = match request.check(account.as_deref(), &hosts, second) {
        Ok(scopes) => scopes,
        Err(refused) => return Ok(refused.reply()),
    };
    let Some(client) = account else {
        return Ok(Refused::grant("Unknown JWT issuer").reply());
    };
    let joined = scopes.join(" ");
    let roles = scope::roles(&scopes);
    let token = directory.issue_scoped_token(tenant, &client, &joined, roles, (now, SECONDS))?;
    let body = json!({
        "access_token": token.access_token,
        "scope": joined,
        "token_type": "Bearer",
        "expires_in": SECONDS,
    });
    let ok = status::of(Outcome::Answered);
    Ok(Reply::new(ok, status::JSON, body.to_string()))
}

/// A request for a token.
struct Request {
    text: String,
    assertion: Assertion,
    scope: String,
}

impl Request {
    fn read(body: &[u8]) -> Result<Self, Refused> {
        let text = std::str::from_utf8(body).ok();
        let pairs = text
            .and_then(form::pairs)
            .ok_or_else(|| Refused::new("invalid_request", "The body is no form in UTF-8"))?;
        let value = |name: &str| {
            let mut found = pairs.iter().filter(|(it, _)| it == name);
            found.next().map(|(_, value)| value.to_string())
        };
        if value("client_id").as_deref() != Some(CLIENT) {
            let status = StatusCode::UNAUTHORIZED;
            let description = "Client authentication failed".to_owned();
            return Err(Refused(status, "invalid_client", description));
        }
        let grant = value("grant_type").unwrap_or_default();
        if grant != JWT_BEARER {
            let description = format!("Grant type is not supported: {grant}");
            return Err(Refused::new("unsupported_grant_type", description));
        }
        let missing = || Refused::new("invalid_request", "Missing parameter, 'assertion'");
        let text = value("assertion").ok_or_else(missing)?;
        let unreadable = || Refused::grant("JWT signature is invalid");
        Ok(Self {
            assertion: Assertion::read(&text).ok_or_else(unreadable)?,
            text,
            scope: value("scope").unwrap_or_default(),
        })
    }

    /// The scopes that are granted to the account that the assertion is of.
    fn check(
        &self,
        client: Option<&Client>,
        hosts: &[&str],
        second: i64,
    ) -> Result<Vec<&str>, Refused> {
        let account = client.and_then(|it| Some((it, it.account.as_ref()?)));
        let Some((client, account)) = account else {
            return Err(Refused::grant("Unknown JWT issuer"));
        };
        let signed =
            KeySet::read(&account.keys).is_some_and(|keys| Assertion::is_signed(&self.text, &keys));
        if !signed {
            return Err(Refused::grant("JWT signature is invalid"));
        }
        if self.assertion.iss != self.assertion.sub {
            return Err(Refused::grant("JWT subject is not its issuer"));
        }
        let mut audiences = self.assertion.audiences().into_iter();
        if !audiences.any(|it| is_here(it, hosts)) {
            return Err(Refused::grant("incorrect audience in JWT"));
        }
        if !self.assertion.is_live(second) {
            return Err(Refused::grant("JWT has expired"));
        }
        if !client.enabled {
            return Err(Refused::grant("The service account is not active"));
        }
        let asked: Vec<&str> = self.scope.split(' ').filter(|it| !it.is_empty()).collect();
        let granted = |it: &&str| account.scopes.iter().any(|scope| scope == it);
        let refused: Vec<&str> = asked.iter().copied().filter(|it| !granted(it)).collect();
        if asked.is_empty() {
            return Err(Refused::new("invalid_scope", "No scope requested"));
        }
        if !refused.is_empty() {
            let list = refused.join(",");
            let description = format!("Unsupported scope for service account: {list}");
            return Err(Refused::new("invalid_scope", description));
        }
        Ok(asked)
    }
}

/// Whether an audience is this endpoint, at one of the hosts. Ports are passed over: a client
/// is known to write that of the host twice.
fn is_here(audience: &str, hosts: &[&str]) -> bool {
    let rest = audience
        .strip_prefix("https://")
        .or_else(|| audience.strip_prefix("http://"));
    let Some((authority, path)) = rest.and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let host = match authority.split_once(']') {
        Some((inner, _)) => format!("{inner}]"),
        None => authority.split(':').next().unwrap_or_default().to_owned(),
    };
    let path = path.trim_end_matches('/');
    path == PATH.trim_start_matches('/') && hosts.iter().any(|it| it.eq_ignore_ascii_case(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_names_the_endpoint() {
        for (audience, is) in [
            ("https://id.example.com:443/am/oauth2/access_token", true),
            ("https://ID.example.com/am/oauth2/access_token/", true),
            (
                "http://id.example.com:8099:8099/am/oauth2/access_token",
                true,
            ),
            ("https://evil.example/am/oauth2/access_token", false),
            ("https://id.example.com/am/oauth2/authorize", false),
            ("id.example.com/am/oauth2/access_token", false),
            (
                "https://id.example.com.evil.example/am/oauth2/access_token",
                false,
            ),
        ] {
            assert_eq!(is_here(audience, &["id.example.com"]), is, "{audience}");
        }
        assert!(is_here(
            "http://[::1]:80/am/oauth2/access_token",
            &["[::1]"]
        ));
    }
}
