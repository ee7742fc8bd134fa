//! Requests that a client sends again under one `opc-retry-token`: the first is carried out, and
//! the others get its answer.

use std::sync::Arc;

use bytes::Bytes;
use civitas_directory::{
    Caller, Directory, Error, Outcome, Scope, Tenant, Timestamp,
    retry::{Attempt, Claimed},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::{
    call::Call,
    carry_out,
    fault::{Failure, Fault},
    parameters::Parameters,
    place::Place,
    status,
};
use crate::{refusal::Refusal, reply::Reply};

const RETRY_TOKEN: HeaderName = HeaderName::from_static("opc-retry-token");

/// The token of a change; deletions have none.
pub(super) fn token<'r>(
    place: &Place<'_>,
    method: &Method,
    headers: &'r HeaderMap,
) -> Option<&'r str> {
    let token = headers.get(RETRY_TOKEN)?.to_str().ok()?;
    let takes_one = place.writes(method) && *method != Method::DELETE;
    (takes_one && !token.is_empty()).then_some(token)
}

/// Carries a request out, unless that was done or is being done.
pub(super) async fn once(
    call: Call<'_>,
    tenant: &Arc<Tenant>,
    uri: &http::Uri,
    token: &str,
) -> Result<Reply, Failure> {
    let target = uri.path_and_query().map_or("", |it| it.as_str());
    let parts = [&call.scope.actor, call.method.as_str(), target, token];
    let attempt = Attempt::new(&parts, &call.body, call.scope.now);
    match call.directory.claim_retry(&call.scope, &attempt).await? {
        Claimed::Granted => Ok(go_on(Work::of(call, tenant, uri.path()), attempt).await?),
        Claimed::InWork => Err(refused("the first request with it is not done yet").into()),
        Claimed::Another => Err(refused("another request was sent with it").into()),
        Claimed::Answered(kept) => Ok(Kept::reply(&kept).ok_or_else(unreadable)?),
    }
}

fn refused(why: &str) -> Fault {
    let id = "error.common.exception.invalidRetryToken";
    let detail = format!("The retry token cannot be used: {why}.");
    Fault::new(Outcome::Taken, id, detail)
}

fn unreadable() -> Refusal {
    Error::Unavailable("a kept answer is not readable".into()).into()
}

/// Does the work and keeps its answer, also when the caller goes away meanwhile: whoever asks
/// next finds how it ended.
async fn go_on(work: Work, attempt: Attempt) -> Result<Reply, Refusal> {
    let (directory, scope) = (Arc::clone(&work.directory), work.scope.clone());
    let ended = tokio::spawn(async move {
        let panic = Refusal::Panic {
            request_id: scope.request_id.clone(),
        };
        let done = tokio::spawn(work.run()).await.unwrap_or(Err(panic));
        let kept = done.as_ref().ok().and_then(Kept::of);
        let settled = directory.settle_retry(&scope, &attempt, kept.as_deref());
        if let Err(error) = settled.await {
            tracing::error!(%error, request_id = scope.request_id, "an answer was not kept");
        }
        done
    });
    ended.await.unwrap_or_else(|_| Err(unreadable()))
}

/// A call that depends on nobody who waits for it.
struct Work {
    directory: Arc<Directory>,
    clock: fn() -> Timestamp,
    request_timeout: std::time::Duration,
    tenant: Arc<Tenant>,
    scope: Scope,
    caller: Caller,
    origin: String,
    method: Method,
    headers: HeaderMap,
    parameters: Parameters,
    body: Bytes,
    path: String,
}

impl Work {
    fn of(call: Call<'_>, tenant: &Arc<Tenant>, path: &str) -> Self {
        Self {
            directory: Arc::clone(call.directory),
            clock: call.clock,
            request_timeout: call.request_timeout,
            tenant: Arc::clone(tenant),
            scope: call.scope,
            caller: call.caller,
            origin: call.origin,
            method: call.method.clone(),
            headers: call.headers.clone(),
            parameters: call.parameters,
            body: call.body,
            path: path.to_owned(),
        }
    }

    /// The answer; as a refusal what may go another way next time.
    async fn run(self) -> Result<Reply, Refusal> {
        let (method, headers, path) = (&self.method, &self.headers, &self.path);
        let place = Place::at(path).ok_or(Refusal::UnknownPath)?;
        let mut call = Call {
            directory: &self.directory,
            clock: self.clock,
            request_timeout: self.request_timeout,
            tenant: &self.tenant,
            scope: self.scope,
            caller: self.caller,
            origin: self.origin,
            method,
            headers,
            parameters: self.parameters,
            body: self.body,
            new_id: None,
        };
        match carry_out(&mut call, &place).await {
            Ok(reply) => Ok(reply),
            Err(Failure::Fault(fault)) => Ok(status::fault(&fault, headers)),
            Err(Failure::Refusal(refusal)) if status::of(refusal.outcome()).is_server_error() => {
                Err(refusal)
            }
            Err(Failure::Refusal(refusal)) => {
                Ok(status::word(&refusal, headers, path, method.as_str()))
            }
        }
    }
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Kept {
    /// `None` for what is not kept: another try may do better.
    fn of(reply: &Reply) -> Option<Vec<u8>> {
        if reply.status.is_server_error() {
            return None;
        }
        let headers = reply.headers.iter();
        let headers = headers.filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        });
        let kept = Self {
            status: reply.status.as_u16(),
            headers: headers.collect(),
            body: String::from_utf8(reply.body.to_vec()).ok()?,
        };
        serde_json::to_vec(&kept).ok()
    }

    fn reply(kept: &[u8]) -> Option<Reply> {
        let kept: Self = serde_json::from_slice(kept).ok()?;
        let mut reply = Reply::empty(StatusCode::from_u16(kept.status).ok()?);
        for (name, value) in kept.headers {
            let name = HeaderName::try_from(name).ok()?;
            reply
                .headers
                .insert(name, HeaderValue::try_from(value).ok()?);
        }
        reply.body = kept.body.into();
        Some(reply)
    }
}
