//! `POST /civitas/v1/streams/{id}/events`: a receiver polls (RFC 8936).

use std::time::Duration;

use civitas_directory::{Caller, Poll, Polled, Role, SetError, Tenant, event_token::Mark};
use civitas_scim::{Invalid, json};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::JSON;
use crate::{
    door::Arrival, metrics::Feed, negotiation::check_json_content, refusal::Refusal, reply::Reply,
};

/// Longest time that a poll waits for events.
const WAIT: Duration = Duration::from_secs(20);

pub(super) async fn answer(
    arrival: &mut Arrival<'_>,
    tenant: &Tenant,
    caller: &Caller,
    id: &str,
) -> Result<Reply, Refusal> {
    // Not even an administrator takes what is for another.
    let client = match (&caller.user, caller.roles.allow(Role::Read)) {
        (None, true) => &caller.client_id,
        _ => return Err(Refusal::Forbidden { needs: Role::Read }),
    };
    let directory = &arrival.app.directory;
    let stream = directory.stream(tenant, id, Some(client)).await?;
    check_json_content(&arrival.parts.headers)?;
    let body = json::parse(&arrival.body.read().await?, &json::Limits::default())?;
    let request = read(&body)?;
    let metrics = &arrival.app.metrics;
    for error in &request.errors {
        let SetError {
            jti,
            err,
            description,
        } = error;
        tracing::warn!(
            stream = stream.id,
            ?jti,
            ?err,
            ?description,
            "a receiver refused an event token"
        );
    }
    metrics.fed(Feed::Refused, request.errors.len());
    let settings = &arrival.app.settings;
    let clock = settings.clock;
    let now = || tenant.stage.clock.at(clock());
    let within = WAIT.min(settings.limits.request_timeout / 2);
    let mut stopping = arrival.app.stopping();
    let polled = tokio::select! {
        polled = directory.poll(tenant, id, &request, now, within) => polled?,
        // The receiver comes again, to this server or another.
        _ = stopping.wait_for(|stopping| *stopping) => Polled::default(),
    };
    metrics.fed(Feed::Polled, polled.sets.len());
    let missed = |jti: &str| matches!(Mark::of(id, jti), Some(Mark::Missed(..)));
    let missed = polled.sets.iter().filter(|(jti, _)| missed(jti)).count();
    metrics.fed(Feed::Missed, missed);
    Ok(Reply::new(StatusCode::OK, JSON, worded(polled)))
}

/// Tokens in the order of the log.
fn worded(polled: Polled) -> String {
    let sets = polled.sets.into_iter();
    let sets: Map<String, Value> = sets.map(|(jti, set)| (jti, set.into())).collect();
    let mut body = json!({ "sets": sets });
    if polled.more {
        body["moreAvailable"] = true.into();
    }
    body.to_string()
}

/// Reads a request (RFC 8936 §2.2). Members that it does not define are passed over.
fn read(body: &Value) -> Result<Poll, Invalid> {
    if !body.is_object() {
        return Err(Invalid::syntax("the body must be a JSON object"));
    }
    let wrong = |name: &str, form: &str| Invalid::value(format!("{name}: not {form}"));
    let max_events = match &body["maxEvents"] {
        Value::Null => None,
        number => {
            let number = number.as_u64().and_then(|it| usize::try_from(it).ok());
            Some(number.ok_or_else(|| wrong("maxEvents", "an integer from 0 on"))?)
        }
    };
    let return_immediately = match &body["returnImmediately"] {
        Value::Null => false,
        Value::Bool(at_once) => *at_once,
        _ => return Err(wrong("returnImmediately", "true or false")),
    };
    let acknowledged = match &body["ack"] {
        Value::Null => Vec::new(),
        Value::Array(all) => {
            let all = all.iter().map(|it| it.as_str().map(str::to_owned));
            let all: Option<Vec<String>> = all.collect();
            all.ok_or_else(|| wrong("ack", "an array of strings"))?
        }
        _ => return Err(wrong("ack", "an array of strings")),
    };
    let errors = match &body["setErrs"] {
        Value::Null => Vec::new(),
        Value::Object(all) => all.iter().map(refused).collect::<Result<_, _>>()?,
        _ => return Err(wrong("setErrs", "an object of errors by jti")),
    };
    Ok(Poll {
        max_events,
        return_immediately,
        acknowledged,
        errors,
    })
}

fn refused((jti, error): (&String, &Value)) -> Result<SetError, Invalid> {
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    if !error.is_object() {
        return Err(Invalid::value(format!("setErrs: {jti:?} has no object")));
    }
    Ok(SetError {
        jti: jti.clone(),
        err: text("err"),
        description: text("description"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_strictly() {
        let poll = read(&json!({
            "maxEvents": 3, "returnImmediately": true, "ack": ["a"], "x": 1,
            "setErrs": { "b": { "err": "invalid_key", "description": "d" } },
        }));
        let poll = poll.unwrap();
        assert_eq!((poll.max_events, poll.return_immediately), (Some(3), true));
        assert_eq!(poll.acknowledged, ["a"]);
        assert_eq!(poll.errors[0].err, "invalid_key");
        assert_eq!(read(&json!({})), Ok(Poll::default()));
        for wrong in [
            json!([]),
            json!({ "maxEvents": -1 }),
            json!({ "maxEvents": 1.5 }),
            json!({ "maxEvents": "1" }),
            json!({ "returnImmediately": "yes" }),
            json!({ "ack": "a" }),
            json!({ "ack": [1] }),
            json!({ "setErrs": [] }),
            json!({ "setErrs": { "a": "b" } }),
        ] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
    }
}
