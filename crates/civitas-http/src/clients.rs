//! API clients of a tenant, and what they prove themselves by, for its administrators: JSON, refusals
//! as problem details (RFC 9457). What a secret is, is told by the answer that makes it and by none
//! after it.

use civitas_directory::{
    Client, Role, Tenant,
    client::{
        Certificate, ClientChange, DistinguishedName, Secret, SecretScope, SecretScopes, expiry,
    },
};
use civitas_scim::{Invalid, json};
use http::{HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    admin,
    app::preflight,
    door::Arrival,
    form,
    negotiation::{check_accepts_json, check_json_content},
    refusal::Refusal,
    reply::{NO_STORE, Reply},
    router::Clients,
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The parameter that names a certificate.
const SUBJECT: &str = "subject";

/// Answers a request about clients.
pub(crate) async fn answer(mut arrival: Arrival<'_>, route: Clients<'_>) -> Result<Reply, Refusal> {
    let method = &arrival.parts.method;
    if let Some(reply) = preflight(route.methods(), method, admin::PATCHES)? {
        return Ok(reply);
    }
    let tenant = arrival.tenant().await?;
    if !matches!(*method, Method::GET | Method::HEAD) {
        arrival.check_primary()?;
    }
    arrival.admit(&tenant, Role::Administer).await?;
    check_accepts_json(&arrival.parts.headers)?;
    let arrival = &mut arrival;
    match (route, method) {
        (Clients::All, _) => list(arrival, &tenant).await,
        (Clients::One(id), _) => show(arrival, &tenant, &id).await,
        (Clients::Secrets(id), &Method::POST) => add_secret(arrival, &tenant, &id).await,
        (Clients::Secrets(id), _) => secrets(arrival, &tenant, &id).await,
        (Clients::Secret(id, secret), _) => {
            let change = ClientChange::RemoveSecret(secret.to_owned());
            changed(arrival, &tenant, &id, change).await
        }
        (Clients::Certificates(id), &Method::POST) => bind(arrival, &tenant, &id).await,
        (Clients::Certificates(id), &Method::DELETE) => {
            let change = ClientChange::Unbind(asked_subject(arrival)?);
            changed(arrival, &tenant, &id, change).await
        }
        (Clients::Certificates(id), _) => certificates(arrival, &tenant, &id).await,
    }
}

/// `GET /civitas/v1/clients`
async fn list(arrival: &Arrival<'_>, tenant: &Tenant) -> Result<Reply, Refusal> {
    let clients = arrival.app.directory.clients(tenant).await?;
    let clients: Vec<_> = clients.iter().map(document).collect();
    Ok(told(StatusCode::OK, &json!({ "clients": clients })))
}

/// `GET /civitas/v1/clients/{id}`
async fn show(arrival: &Arrival<'_>, tenant: &Tenant, id: &str) -> Result<Reply, Refusal> {
    let client = arrival.app.directory.client(tenant, id).await?;
    Ok(told(StatusCode::OK, &document(&client)))
}

/// `GET /civitas/v1/clients/{id}/secrets`
async fn secrets(arrival: &Arrival<'_>, tenant: &Tenant, id: &str) -> Result<Reply, Refusal> {
    let client = arrival.app.directory.client(tenant, id).await?;
    let secrets: Vec<_> = client.secrets.iter().map(of_secret).collect();
    Ok(told(StatusCode::OK, &json!({ "secrets": secrets })))
}

/// A secret as asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedSecret {
    scopes: Option<Vec<String>>,
    expires: Option<String>,
}

/// `POST /civitas/v1/clients/{id}/secrets`
async fn add_secret(
    arrival: &mut Arrival<'_>,
    tenant: &Tenant,
    id: &str,
) -> Result<Reply, Refusal> {
    let asked: AskedSecret = read(arrival).await?;
    let scopes = asked.scopes.map_or(Ok(SecretScopes::ALL), |names| {
        SecretScopes::parse(&names.join(" ")).ok_or_else(|| {
            let known = SecretScope::ALL.map(SecretScope::name).join(", ");
            Invalid::value(format!("scopes: some of {known} are needed"))
        })
    });
    let now = arrival.now(tenant);
    let expires = asked.expires.map_or(Ok(None), |text| {
        expiry(&text, now).map_err(|why| Invalid::value(format!("expires: {why}")))
    });
    let directory = &arrival.app.directory;
    let added = directory.add_secret(tenant, id, scopes?, expires?, now);
    let (secret, drawn) = added.await?;
    let mut shown = of_secret(&secret);
    shown["secret"] = drawn.text().into();
    Ok(told(StatusCode::CREATED, &shown))
}

/// `GET /civitas/v1/clients/{id}/certificates`
async fn certificates(arrival: &Arrival<'_>, tenant: &Tenant, id: &str) -> Result<Reply, Refusal> {
    let client = arrival.app.directory.client(tenant, id).await?;
    let certificates: Vec<_> = client.certificates.iter().map(of_certificate).collect();
    Ok(told(
        StatusCode::OK,
        &json!({ "certificates": certificates }),
    ))
}

/// Whose certificates are bound: a subject, or that of a certificate.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedCertificate {
    subject: Option<String>,
    certificate: Option<String>,
}

/// `POST /civitas/v1/clients/{id}/certificates`
async fn bind(arrival: &mut Arrival<'_>, tenant: &Tenant, id: &str) -> Result<Reply, Refusal> {
    let asked: AskedCertificate = read(arrival).await?;
    let subject = match (asked.subject, asked.certificate) {
        (Some(text), None) => subject(&text)?,
        (None, Some(pem)) => {
            let certificate = Certificate::from_pem(pem.as_bytes()).and_then(|it| it.subject);
            certificate.ok_or_else(|| {
                Invalid::value("certificate: not a certificate (BEGIN CERTIFICATE) with a subject")
            })?
        }
        _ => return Err(Invalid::value("either subject or certificate is needed").into()),
    };
    let shown = of_certificate(&subject);
    let change = ClientChange::Bind(subject);
    let directory = &arrival.app.directory;
    directory.change_client(tenant, id, change).await?;
    Ok(told(StatusCode::CREATED, &shown))
}

/// The certificate that is meant by the query.
fn asked_subject(arrival: &Arrival<'_>) -> Result<DistinguishedName, Refusal> {
    let query = arrival.parts.uri.query().unwrap_or_default();
    let pairs = form::pairs(query).ok_or(Refusal::MalformedQuery)?;
    let found = pairs.iter().find(|(name, _)| name == SUBJECT);
    let (_, text) = found.ok_or_else(|| Invalid::value("the parameter subject is missing"))?;
    Ok(subject(text)?)
}

fn subject(text: &str) -> Result<DistinguishedName, Invalid> {
    DistinguishedName::parse(text).map_err(|why| Invalid::value(format!("subject: {why}")))
}

async fn changed(
    arrival: &Arrival<'_>,
    tenant: &Tenant,
    id: &str,
    change: ClientChange,
) -> Result<Reply, Refusal> {
    let directory = &arrival.app.directory;
    directory.change_client(tenant, id, change).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// The client without what it proves itself by.
fn document(client: &Client) -> Value {
    let application = client.application.as_ref();
    let roles: Vec<_> = client.roles.iter().map(Role::name).collect();
    json!({
        "id": client.id,
        "enabled": client.enabled,
        "roles": roles,
        "application": application.map(|it| json!({ "name": it.name, "home": it.home })),
        "secrets": client.secrets.iter().map(of_secret).collect::<Vec<_>>(),
        "certificates": client.certificates.iter().map(of_certificate).collect::<Vec<_>>(),
    })
}

fn of_secret(secret: &Secret) -> Value {
    let scopes: Vec<_> = secret.scopes.iter().map(SecretScope::name).collect();
    json!({
        "id": secret.id,
        "scopes": scopes,
        "created": secret.created.map(|it| it.to_string()),
        "expires": secret.expires.map(|it| it.to_string()),
    })
}

fn of_certificate(subject: &DistinguishedName) -> Value {
    json!({ "subject": subject.as_str() })
}

fn told(status: StatusCode, value: &Value) -> Reply {
    Reply::new(status, JSON, value.to_string()).with(header::CACHE_CONTROL, NO_STORE)
}

/// The body, a JSON object.
async fn read<T: DeserializeOwned>(arrival: &mut Arrival<'_>) -> Result<T, Refusal> {
    check_json_content(&arrival.parts.headers)?;
    let value = json::parse(&arrival.body.read().await?, &json::Limits::default())?;
    if !value.is_object() {
        return Err(Invalid::syntax("the body must be a JSON object").into());
    }
    Ok(serde_json::from_value(value).map_err(|error| Invalid::value(error.to_string()))?)
}
