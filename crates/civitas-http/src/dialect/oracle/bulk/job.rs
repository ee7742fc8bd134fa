//! Bulk requests that go on after their answer.

use std::time::Duration;

use civitas_directory::{Caller, NewJob, Role, Roles, Scope, admission::Patience};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::{
    super::{call::Call, fault::Failure, history, parameters::Parameters, status},
    message::Message,
    prepare, read, response,
    run::Run,
};
use crate::{
    job::{self, Work},
    reply::Reply,
};

/// The kind of a stored bulk request.
pub(crate) const KIND: &str = "oracle.bulk";

/// Stores the request, to be carried out after the answer.
pub(super) async fn accept(call: &Call<'_>, message: &Message) -> Result<Reply, Failure> {
    let roles: Vec<_> = call.caller.roles.iter().map(Role::name).collect();
    let input = json!({
        "origin": call.origin,
        "base": call.scope.base,
        "client": call.caller.client_id,
        "user": call.caller.user,
        "roles": roles.join(" "),
        "body": String::from_utf8_lossy(&call.body),
    });
    let new = NewJob {
        id: None,
        kind: KIND,
        input: input.to_string(),
        steps: message.operations.len() as u64,
    };
    let stored = call.directory.begin_job(&call.scope, new).await?;
    let reply = history::accepted(call, &stored);
    job::start(call.directory, call.tenant.clone(), stored, call.clock);
    Ok(reply)
}

/// Does a stored request, or what is left of it, and gives the bulk response; an error body if
/// the whole request is refused.
pub(crate) async fn carry_out(work: &Work) -> String {
    let done = carry_out_stored(work).await;
    let done = done.unwrap_or_else(|failure| match failure {
        Failure::Fault(fault) => status::told(&fault).1,
        Failure::Refusal(refusal) => status::told_of(&refusal, "/admin/v1/Bulk", "POST").1,
    });
    done.to_string()
}

async fn carry_out_stored(work: &Work) -> Result<Value, Failure> {
    let (tenant, job) = (&work.tenant, &work.job);
    let input: Value = serde_json::from_str(&job.input).unwrap_or_default();
    let text = |name: &str| input[name].as_str().unwrap_or_default();
    let body = read(text("body").as_bytes())?;
    let message = Message::read(&body)?;
    let headers = HeaderMap::new();
    let mut call = Call {
        directory: &work.directory,
        clock: work.clock,
        request_timeout: Duration::MAX,
        tenant,
        scope: Scope {
            partition: tenant.partition,
            catalogue: tenant.catalogue.clone(),
            require_preconditions: tenant.settings.require_preconditions,
            password_policy: tenant.settings.password_policy,
            actor: job.actor.clone(),
            request_id: job.id.clone(),
            now: job.created,
            ids: work.directory.ids(tenant),
            base: text("base").to_owned(),
            patience: Patience::Long,
        },
        caller: Caller {
            client_id: text("client").to_owned(),
            user: input["user"].as_str().map(str::to_owned),
            roles: Roles::parse(text("roles")).unwrap_or_default(),
            ..Caller::nobody()
        },
        origin: text("origin").to_owned(),
        method: &Method::POST,
        headers: &headers,
        parameters: Parameters::default(),
        body: bytes::Bytes::new(),
        new_id: None,
    };
    prepare(&mut call).await?;
    let go_on = |begun| work.progress.go_on(begun);
    let done = Run::new(&call, &message, Some(&work.replay)).all(&go_on);
    let done = done.await;
    Ok(response(&call, &message, done))
}
