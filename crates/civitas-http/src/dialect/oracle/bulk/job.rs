//! Bulk requests that go on after their answer.

use civitas_directory::NewJob;
use http::HeaderMap;
use serde_json::{Value, json};

use super::{
    super::{
        call::Call,
        fault::{Failure, Fault},
        job::{Asker, At, accepted},
        status,
    },
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
    let mut input = json!(Asker::of(call));
    input["body"] = String::from_utf8_lossy(&call.body).into();
    let new = NewJob {
        id: None,
        kind: KIND,
        input: input.to_string(),
        steps: message.operations.len() as u64,
    };
    let stored = call.directory.begin_job(&call.scope, new).await?;
    let reply = accepted(call, &stored);
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
    let input: Value = serde_json::from_str(&work.job.input).unwrap_or_default();
    let body = read(input["body"].as_str().unwrap_or_default().as_bytes())?;
    let unreadable = |_| Fault::payload("The stored job cannot be read.");
    let asker: Asker = serde_json::from_value(input).map_err(unreadable)?;
    let message = Message::read(&body)?;
    let headers = HeaderMap::new();
    let mut call = asker.call(At {
        work,
        tenant: &work.tenant,
        headers: &headers,
    });
    call.scope.require_preconditions = work.tenant.settings.require_preconditions;
    call.scope.now = work.job.created;
    prepare(&mut call).await?;
    let go_on = |begun| work.progress.go_on(begun);
    let done = Run::new(&call, &message, Some(&work.replay)).all(&go_on);
    let done = done.await;
    Ok(response(&call, &message, done))
}
