//! `/Bulk`: many operations in one request. Each is carried out, and answered for, as the request
//! that it stands for would be.

mod job;
mod message;
mod run;

pub(crate) use job::{KIND, carry_out};

use std::{sync::Arc, time::Instant};

use civitas_directory::{Outcome, Role, admission::Patience};
use civitas_scim::{json, messages::urn::BULK_RESPONSE};
use serde_json::{Map, Value};

use self::{message::Message, run::Run};
use super::{
    call::Call,
    equip,
    fault::{Failure, Fault},
    kind::Kind,
};
use crate::{job::may_hold_password, reply::Reply};

/// Most operations of a request.
pub(super) const MAX_OPERATIONS: usize = 1_000;

/// How deep the message wraps what a single request would have as its body.
const ENVELOPE_DEPTH: usize = 3;

/// `POST /Bulk`.
pub(super) async fn answer(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let body = read(&call.body)?;
    let message = Message::read(&body)?;
    // A password must not wait on the disk to be hashed.
    if call.parameters.detached && !may_hold_password(&body) {
        return job::accept(call, &message).await;
    }
    let directory = Arc::clone(call.directory);
    let _turn = directory.bulk_turn(&call.scope).await?;
    call.scope.patience = Patience::Long;
    prepare(call).await?;
    let (begun, within) = (Instant::now(), call.request_timeout);
    // What has been begun must be answered for before the time of the request is over.
    let go_on = |_| begun.elapsed() < within / 4 * 3;
    let done = Run::new(call, &message, None).all(&go_on).await;
    Ok(Call::answer(
        Outcome::Created,
        &response(call, &message, done),
    ))
}

/// Sees once, for all operations, to what they need.
async fn prepare(call: &mut Call<'_>) -> Result<(), Failure> {
    if call.caller.roles.allow(Role::Write) {
        for kind in Kind::DIRECTORY {
            equip(call, kind).await?;
        }
    }
    Ok(())
}

fn read(body: &[u8]) -> Result<Value, Fault> {
    let own = json::Limits::default();
    let limits = json::Limits {
        max_depth: own.max_depth + ENVELOPE_DEPTH,
    };
    json::parse(body, &limits).map_err(|_| Fault::payload("The request body is not valid JSON."))
}

/// What became of the operations that were attempted, in the order of the request.
fn response(call: &Call<'_>, message: &Message, done: Vec<Option<run::Done>>) -> Value {
    let operations = message.operations.iter().zip(done);
    let operations = operations.filter_map(|(operation, done)| {
        let done = done?;
        let mut answer = Map::new();
        if let Some(path) = &done.path {
            answer.insert("location".to_owned(), call.url(path).into());
        }
        answer.insert("method".to_owned(), operation.method.as_str().into());
        if let Some(bulk_id) = &operation.bulk_id {
            answer.insert("bulkId".to_owned(), bulk_id.as_str().into());
        }
        answer.insert("status".to_owned(), done.status.as_str().into());
        if let Some(refusal) = done.refusal {
            answer.insert("response".to_owned(), refusal);
        }
        Some(Value::Object(answer))
    });
    let operations: Value = operations.collect();
    let members = [
        ("schemas", Value::from(vec![BULK_RESPONSE])),
        ("Operations", operations),
    ];
    let members = members.into_iter();
    members.map(|(name, it)| (name.to_owned(), it)).collect()
}
