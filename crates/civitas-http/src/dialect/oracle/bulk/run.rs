//! A bulk request in work. Creates that do not refer to each other run side by side, so that the
//! store commits many at once; anything else runs alone in its place.

use std::collections::HashMap;

use civitas_directory::{Error, Outcome, Replay, Scope};
use civitas_scim::bulk;
use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::Value;

use super::{
    super::{
        act,
        call::Call,
        fault::{Failure, Fault},
        id, needs,
        parameters::Parameters,
        place::{BASE, Place},
        status,
    },
    message::{Message, Operation},
};
use crate::refusal::Refusal;

/// Creates that run side by side.
const WINDOW: usize = 64;

/// What became of an operation.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) status: StatusCode,
    /// Path of the resource below the base; `None` of one that was not created.
    pub(super) path: Option<String>,
    /// The error, of one that failed.
    pub(super) refusal: Option<Value>,
}

pub(super) struct Run<'r, 'c> {
    call: &'r Call<'c>,
    message: &'r Message,
    /// What was done before, where the operations are steps of a job.
    replay: Option<&'r Replay>,
    edges: Vec<Vec<usize>>,
    /// The identifiers of what is created, one for each operation.
    ids: Vec<String>,
    /// The operations that create something, by their `bulkId`.
    creators: HashMap<&'r str, usize>,
    done: Vec<Option<Done>>,
}

impl<'r, 'c> Run<'r, 'c> {
    /// A request of which nothing is done yet.
    pub(super) fn new(
        call: &'r Call<'c>,
        message: &'r Message,
        replay: Option<&'r Replay>,
    ) -> Self {
        let (scope, operations) = (&call.scope, message.operations.iter().enumerate());
        let ids = operations.map(|(index, _)| match replay {
            Some(replay) => replay.id_of(index, scope.now),
            None => scope.ids.issue(scope.now),
        });
        Self {
            call,
            message,
            replay,
            edges: message.edges(),
            ids: ids.collect(),
            creators: message.creators(),
            done: message.operations.iter().map(|_| None).collect(),
        }
    }

    /// Does the operations. `go_on` is asked before each with how many came before it; once it
    /// says no, the rest is not begun and is told so. What comes after the last error that is
    /// allowed is `None`.
    pub(super) async fn all(mut self, go_on: &(dyn Fn(usize) -> bool + Sync)) -> Vec<Option<Done>> {
        let side_by_side = self.message.most_errors == usize::MAX;
        let (mut begun, mut batch) = (0, Vec::new());
        for unit in bulk::units(&self.edges) {
            if self.errors() >= self.message.most_errors {
                return self.done;
            }
            if !go_on(begun) {
                self.together(&mut batch).await;
                self.leave_rest();
                return self.done;
            }
            begun += unit.len();
            let [index] = unit[..] else {
                self.refuse_circle(&unit);
                continue;
            };
            let creates = self.message.operations[index].creates() && side_by_side;
            let waits = self.edges[index].iter().any(|it| batch.contains(it));
            if !creates || waits || batch.len() == WINDOW {
                self.together(&mut batch).await;
            }
            batch.push(index);
            if !creates {
                self.together(&mut batch).await;
            }
        }
        self.together(&mut batch).await;
        self.done
    }

    fn errors(&self) -> usize {
        let failed = self.done.iter().flatten();
        failed.filter(|it| it.refusal.is_some()).count()
    }

    /// Does operations that do not wait for each other.
    async fn together(&mut self, batch: &mut Vec<usize>) {
        let done = join_all(batch.iter().map(|index| self.one(*index))).await;
        for (index, done) in batch.drain(..).zip(done) {
            self.done[index] = Some(done);
        }
    }

    /// Operations that wait for each other cannot be done one after the other.
    fn refuse_circle(&mut self, unit: &[usize]) {
        for index in unit {
            let others = self.edges[*index].iter().copied();
            let other = others.clone().find(|it| unit.contains(it));
            let failed = self.depends_on(other.unwrap_or(*index));
            self.done[*index] = Some(self.failed(*index, &failed.into()));
        }
    }

    fn leave_rest(&mut self) {
        for index in 0..self.done.len() {
            if self.done[index].is_none() {
                self.done[index] = Some(self.failed(index, &Refusal::from(Error::NotBegun).into()));
            }
        }
    }

    async fn one(&self, index: usize) -> Done {
        match self.attempt(index).await {
            Ok(done) => done,
            Err(failure) => self.failed(index, &failure),
        }
    }

    async fn attempt(&self, index: usize) -> Result<Done, Failure> {
        let operation = &self.message.operations[index];
        for other in &self.edges[index] {
            let is_done = |it: &Done| it.refusal.is_none();
            let refers = self.message.operations[*other].creates();
            if refers && !self.done[*other].as_ref().is_some_and(is_done) {
                return Err(self.depends_on(*other).into());
            }
        }
        let id_of = |name: &str| {
            let index = *self.creators.get(name)?;
            Some(id::shown(&self.ids[index]).into_owned())
        };
        let (path, body) = operation.resolved(&id_of);
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        let method = method(operation, path)?;
        let full = format!("{BASE}/{path}");
        let place = Place::at(&full).unwrap_or(Place::Nowhere);
        match &place {
            Place::Collection(_) | Place::Resource(..) => place.methods().check(&method)?,
            Place::Nowhere => return Err(Refusal::UnknownPath.into()),
            _ => return Err(Fault::not_built().into()),
        }
        if needs(&place, &method).is_some_and(|it| !self.call.caller.roles.allow(it)) {
            return Err(Fault::forbidden(method.as_str(), place.subject()).into());
        }
        let done = Done {
            status: success(&method),
            path: Some(match &place {
                Place::Collection(kind) => format!("{kind}/{}", id::shown(&self.ids[index])),
                _ => path.to_owned(),
            }),
            refusal: None,
        };
        if self.replay.is_some_and(|it| it.is_done(index)) {
            return Ok(done);
        }
        let headers = preconditions(operation);
        let mut call = Call {
            directory: self.call.directory,
            clock: self.call.clock,
            tenant: self.call.tenant,
            scope: self.scope_of(index),
            caller: self.call.caller.clone(),
            origin: self.call.origin.clone(),
            request_timeout: self.call.request_timeout,
            method: &method,
            headers: &headers,
            parameters: parameters(query)?,
            body: body.into(),
            new_id: Some(self.ids[index].clone()),
        };
        act(&mut call, &place).await?;
        Ok(done)
    }

    /// The circumstances of an operation. Steps of a job are told apart by their request ids.
    fn scope_of(&self, index: usize) -> Scope {
        let mut scope = self.call.scope.clone();
        if let Some(replay) = self.replay {
            scope.request_id = format!("{}:{index}", replay.job);
        }
        scope
    }

    fn depends_on(&self, index: usize) -> Refusal {
        let bulk_id = self.message.operations[index].bulk_id.clone();
        let bulk_id = bulk_id.unwrap_or_default();
        Error::FailedDependency { bulk_id }.into()
    }

    /// An operation that failed, and the answer that its own request would have had.
    fn failed(&self, index: usize, failure: &Failure) -> Done {
        let operation = &self.message.operations[index];
        let path = format!("{BASE}/{}", operation.path);
        let (status, body) = match failure {
            Failure::Fault(fault) => status::told(fault),
            Failure::Refusal(refusal) => status::told_of(refusal, &path, &operation.method),
        };
        Done {
            status,
            path: (!operation.creates()).then(|| operation.path.clone()),
            refusal: Some(body),
        }
    }
}

/// The method, which changes something.
fn method(operation: &Operation, path: &str) -> Result<Method, Fault> {
    match operation.method.as_str() {
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        other => {
            let id = "error.common.common.methodNotAllowed";
            let detail = format!("The method {other} is not allowed on {path} in bulk.");
            Err(Fault::new(Outcome::MethodNotAllowed, id, detail))
        }
    }
}

fn success(method: &Method) -> StatusCode {
    status::of(match *method {
        Method::POST => Outcome::Created,
        Method::DELETE => Outcome::Done,
        _ => Outcome::Answered,
    })
}

fn preconditions(operation: &Operation) -> HeaderMap {
    let version = operation.version.as_deref();
    let tag = version.and_then(|it| HeaderValue::try_from(it).ok());
    tag.map(|it| (header::IF_MATCH, it)).into_iter().collect()
}

/// The parameters of an operation. What was made is not shown, so that less of it is read.
fn parameters(query: &str) -> Result<Parameters, Failure> {
    Ok(Parameters {
        attributes: vec!["id".to_owned()],
        sets: Vec::new(),
        ..Parameters::read(query)?
    })
}
