//! Common REST of `PingOne` Advanced Identity Cloud: `/openidm`, `/am` and `/environment`.
//!
//! A request is understood in the order in which that service does it: who calls, which verb,
//! what has no place with it, the body, the parameters, whether the caller may, and only then
//! what is at the path.

mod access;
mod audit;
mod call;
mod config;
mod document;
mod endpoint;
mod environment;
mod fault;
pub(crate) mod fidelity;
mod fields;
mod filter;
mod info;
mod kept;
mod listing;
mod managed;
mod parameters;
mod patch;
mod place;
mod pointer;
mod realm;
pub(crate) mod rehearsal;
mod request;
mod scheduler;
mod scope;
mod server;
pub(crate) mod status;
mod svcacct;
mod token;
mod version;

use managed::internal::COLLECTION as INTERNAL;
pub(crate) use place::{Place, issues_tokens, owns};

use civitas_directory::{Caller, Outcome, Role, Roles, Tenant};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use self::{
    call::Call,
    fault::{Failure, Fault},
    request::{Request, Verb},
};
use crate::{door::Arrival, refusal::Refusal, reply::Reply};

/// The header field in which a client names its request.
pub(crate) const TRANSACTION_ID: HeaderName = HeaderName::from_static("x-forgerock-transactionid");

/// Answers a request.
pub(crate) async fn answer(arrival: Arrival<'_>, place: Place<'_>) -> Result<Reply, Refusal> {
    let path = arrival.parts.uri.path();
    let tenant = &*arrival.tenant().await?;
    match serve(arrival, tenant, &place).await {
        Ok(reply) => Ok(reply),
        Err(Failure::Fault(fault)) => Ok(status::fault(&fault, path)),
        Err(Failure::Refusal(refusal)) => Err(refusal),
    }
}

async fn serve(arrival: Arrival<'_>, tenant: &Tenant, place: &Place<'_>) -> Result<Reply, Failure> {
    match place {
        Place::Token => return token::answer(arrival, tenant).await,
        Place::Authenticate(realm) => return access::authenticate(arrival, tenant, realm).await,
        Place::Sessions => return access::sessions(arrival, tenant).await,
        _ => {}
    }
    let caller = match arrival.caller(tenant).await {
        Err(Refusal::Unauthenticated(_))
            if place.is_public() && arrival.parts.method == Method::GET =>
        {
            Caller::nobody()
        }
        caller => caller?,
    };
    let parts = arrival.parts;
    let path = parts.uri.path().trim_matches('/');
    let path = path.split_once('/').map_or("", |(_, below)| below);
    let scope = arrival.scope(tenant, &caller);
    let origin = arrival.origin(tenant);
    let app = arrival.app;
    let served = arrival.check_served(tenant, false);
    let primary = arrival.check_primary();
    let fidelity = tenant.settings.fidelity;
    let query = parts.uri.query().unwrap_or_default();
    let request =
        Request::read(&parts.method, query, &parts.headers, arrival.body, fidelity).await?;
    let reads = request.verb.reads();
    match served {
        Err(Refusal::Maintenance { .. }) if reads => {}
        Err(Refusal::Maintenance { .. }) => return Err(in_maintenance(&request.verb, path)),
        served => served?,
    }
    if !reads {
        primary?;
    }
    if request.verb == Verb::Options {
        return Ok(options());
    }
    let mut call = Call {
        app,
        tenant,
        scope,
        caller,
        origin,
        path,
        whole_path: parts.uri.path(),
        request,
    };
    admit(&mut call, place).await?;
    if !call.request.asked.fits(place.served()) {
        let outcome = fidelity::resource_version(fidelity);
        let message = format!("Resource '{path}' not found");
        return Err(Fault::new(outcome, message).into());
    }
    if call.request.verb == Verb::Describe {
        return Err(Fault::new(Outcome::NotBuilt, "Not Implemented").into());
    }
    call.enter(place).await?;
    let outcome = carry_out(&mut call, place).await;
    match outcome {
        Err(Failure::Fault(fault)) => {
            let reply = status::fault(&fault, parts.uri.path());
            // Who may not come in is not told in which versions others are answered.
            Ok(match fault.outcome {
                Outcome::Forbidden => reply,
                _ => call.versioned(reply, place.served()),
            })
        }
        outcome => outcome,
    }
}

async fn carry_out(call: &mut Call<'_>, place: &Place<'_>) -> Result<Reply, Failure> {
    match place {
        Place::Collection(kind) => managed::collection(call, kind).await,
        Place::Object(kind, id) => managed::item(call, kind, id).await,
        Place::Related(kind, id, relation) => {
            managed::relationships(call, kind, id, relation, None).await
        }
        Place::Edge(kind, id, relation, edge) => {
            managed::relationships(call, kind, id, relation, Some(edge)).await
        }
        Place::Policy(kind, id) => {
            let whole = match &call.request.verb {
                Verb::Action(action) if action == "validateObject" => true,
                Verb::Action(action) if action == "validateProperty" => false,
                Verb::Action(action) => {
                    let message = format!("Unsupported action: {action}");
                    return Err(Fault::new(Outcome::Failed, message).into());
                }
                _ => return Err(Fault::no_resource(call.path).into()),
            };
            managed::validate(call, kind, id, whole).await
        }
        Place::Configurations => config::collection(call).await,
        Place::Configuration(id) => config::item(call, id).await,
        Place::TypeSchema(kind) => config::schema(call, kind),
        Place::PropertySchema(kind, name) => config::property(call, kind, name).await,
        Place::Systems => config::systems(call),
        Place::Audit(topic) => audit::topic(call, topic).await,
        Place::AuditEntry(topic, id) => audit::entry(call, topic, id).await,
        Place::Jobs => scheduler::jobs(call).await,
        Place::Job(id) => scheduler::job(call, id).await,
        Place::Triggers => scheduler::triggers(call),
        Place::Trigger(_) => scheduler::trigger(call),
        Place::Endpoint(name) => endpoint::answer(call, name).await,
        Place::EnvironmentInfo => config::environment(call),
        Place::Variables => environment::variables(call).await,
        Place::Variable(id) => environment::variable(call, id).await,
        Place::Secrets => environment::secrets(call).await,
        Place::Secret(id) => environment::secret(call, id).await,
        Place::SecretVersions(id) => environment::versions(call, id).await,
        Place::SecretVersion(id, version) => environment::version(call, id, version).await,
        Place::Startup => environment::startup(call).await,
        Place::EnvironmentCount => environment::count(call).await,
        Place::AccountScopes => environment::scopes(call),
        Place::Nowhere if is_environment(call.whole_path) => Err(environment::nothing(call)),
        Place::Ping => info::ping(call),
        Place::ProductVersion => info::version(call),
        Place::Login => info::login(call).await,
        Place::Accounts => svcacct::collection(call).await,
        Place::Account(id) => svcacct::item(call, id).await,
        Place::ServerInfo(realm) => server::info(call, realm),
        Place::ServerVersion => server::version(call),
        Place::Token | Place::Authenticate(_) | Place::Sessions | Place::Nowhere => {
            Err(Fault::no_resource(call.path).into())
        }
    }
}

/// Refuses who may not; a user may as well by an internal role.
async fn admit(call: &mut Call<'_>, place: &Place<'_>) -> Result<(), Failure> {
    let refused = check_access(call, place);
    if let (Err(_), Some(user)) = (&refused, &call.caller.user)
        && managed::internal::is_administrator(call, user).await?
    {
        call.caller.roles = Roles::NONE.with(Role::Administer);
        return Ok(());
    }
    Ok(refused?)
}

/// Reading is open to those who may read, an action on policies too, since it changes nothing.
fn check_access(call: &Call<'_>, place: &Place<'_>) -> Result<(), Fault> {
    let reads = call.request.verb.reads() || matches!(place, Place::Policy(..) | Place::Systems);
    let is_public = place.is_public() && call.request.verb.reads();
    let needs = match place {
        Place::Audit(_)
        | Place::AuditEntry(..)
        | Place::Jobs
        | Place::Job(_)
        | Place::Triggers
        | Place::Trigger(_) => Role::Administer,
        _ if reads => Role::Read,
        Place::Configuration(_)
        | Place::PropertySchema(..)
        | Place::Collection(INTERNAL)
        | Place::Object(INTERNAL, _) => Role::Administer,
        _ => Role::Write,
    };
    let path = call.whole_path;
    if let Some(scopes) = &call.caller.scopes
        && !is_public
        && !scope::open(scopes, path, &call.request.verb)
    {
        return Err(Fault::forbidden());
    }
    // Scopes of the environment give no role in the directory.
    if call.caller.scopes.is_some() && is_environment(path) {
        return Ok(());
    }
    if *place == Place::ServerVersion {
        return Ok(());
    }
    if is_public || call.caller.roles.allow(needs) || is_own(call, place) {
        Ok(())
    } else {
        Err(Fault::forbidden())
    }
}

fn is_environment(path: &str) -> bool {
    path.split('/').nth(1) == Some("environment")
}

/// Whether a user reads or changes itself.
fn is_own(call: &Call<'_>, place: &Place<'_>) -> bool {
    let Some(user) = &call.caller.user else {
        return false;
    };
    match place {
        Place::Object("alpha_user", id) => {
            let may = matches!(call.request.verb, Verb::Read | Verb::Patch);
            may && id.eq_ignore_ascii_case(user)
        }
        Place::Login => true,
        Place::TypeSchema(_) => call.request.verb.reads(),
        Place::Configuration(id) => call.request.verb.reads() && document::is_open(id),
        _ => false,
    }
}

fn in_maintenance(verb: &Verb, path: &str) -> Failure {
    let message = format!("Unable to {} on {path} in maintenance mode.", verb.deed());
    Fault::new(Outcome::Maintenance, message).into()
}

fn options() -> Reply {
    let allow = HeaderValue::from_static(request::OPTIONS);
    Reply::empty(StatusCode::OK).with(header::ALLOW, allow)
}

/// What every answer of the dialect carries.
pub(crate) fn finish(reply: &mut Reply) {
    for (name, value) in [
        (header::PRAGMA, "no-cache"),
        (header::EXPIRES, "0"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none';frame-ancestors 'none';sandbox",
        ),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::VARY, "Origin, Accept-Encoding"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        reply.headers.insert(name, HeaderValue::from_static(value));
    }
}
