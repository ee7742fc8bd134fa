//! Bulk jobs (RFC 7644 §3.7). Each operation is one of the use cases, refused or done by
//! itself. Creates run side by side, so that the store commits many at once; anything else
//! runs alone in its place, so that the outcome is that of one operation after the other.

mod run;

use std::collections::HashMap;

use civitas_scim::{
    bulk::{self, Job, Operation, References, Target},
    schema::ResourceType,
    tolerance::Tolerance,
};
use serde_json::Value;
use tokio::sync::SemaphorePermit;

use self::run::Run;
use super::{Directory, Replay};
use crate::{admission::Patience, error::Error, id, record::Version, scope::Scope};

/// Bulk requests that are carried out at a time, and that may wait in a burst. Of each the
/// operations wait as long as they must.
pub(super) const REQUESTS_AT_A_TIME: usize = 8;
pub(super) const REQUESTS_IN_A_BURST: usize = 32;

/// Creates of all jobs that run side by side.
pub(super) const CREATES_AT_A_TIME: usize = 512;

/// What became of one operation: the state it made, if it left one.
pub type Done = Result<Option<Version>, Error>;

/// One operation of a job that was attempted.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The operation, without its body; references to resources of the job are their ids.
    pub operation: Operation,
    /// Path of the resource below the base, such as `/Users/7`; of a POST that failed, of
    /// the endpoint.
    pub path: String,
    /// What became of it.
    pub done: Done,
}

impl Directory {
    /// Waits until a bulk request may be carried out: few are at a time.
    pub async fn bulk_turn(&self, scope: &Scope) -> Result<SemaphorePermit<'_>, Error> {
        let turn = self.bulk_requests.turn(scope.patience).await;
        turn.map_err(|_| Error::Overloaded)
    }

    /// Does the operations of a job and gives those that were attempted, in the order of the
    /// request. `go_on` is asked before each with how many came before it; once it says no,
    /// the rest is not begun. With a `replay` the operations are steps of a stored job: what
    /// it did before is not done again.
    pub async fn bulk(
        &self,
        scope: &Scope,
        job: Job,
        tolerance: &Tolerance,
        go_on: &(dyn Fn(usize) -> bool + Sync),
        replay: Option<&Replay>,
    ) -> Result<Vec<Step>, Error> {
        let limit = self.limits.max_bulk_operations;
        if job.operations.len() > limit {
            return Err(Error::TooManyOperations { limit });
        }
        let _turn = self.bulk_turn(scope).await?;
        let types = scope.catalogue.resource_types();
        let mut operations = job.operations;
        let ids = (0..operations.len()).map(|index| match replay {
            Some(replay) => id::of_step(&replay.job, index, scope.now),
            None => scope.ids.issue(scope.now),
        });
        let ids: Vec<String> = ids.collect();
        let references = bulk::resolve(&mut operations, types, &ids);
        let order = bulk::units(&edges(&operations, types, &references));
        let mut bodies: Vec<Option<Value>> = operations
            .iter_mut()
            .map(|operation| operation.data.take())
            .collect();
        let plan = run::Plan {
            operations: &operations,
            types,
            ids: &ids,
            references: &references,
            replay,
            most_errors: job.fail_on_errors.unwrap_or(usize::MAX),
        };
        let scope = Scope {
            patience: Patience::Long,
            ..scope.clone()
        };
        let run = Run::new(self, &scope, tolerance, &plan);
        let done = run.all(order, &mut bodies, go_on).await;
        Ok(steps(operations, types, &ids, done))
    }
}

/// What an operation waits for: those that it refers to, and the one before it that is about
/// the same resource.
fn edges(
    operations: &[Operation],
    types: &[ResourceType],
    references: &[References],
) -> Vec<Vec<usize>> {
    let mut last = HashMap::new();
    let mut edges = Vec::with_capacity(operations.len());
    for (index, (operation, references)) in operations.iter().zip(references).enumerate() {
        let mut before = references.clone().unwrap_or_default();
        if let Ok(Target::Existing(kind, id)) = Target::of(operation, types) {
            before.extend(last.insert((kind.name.as_str(), id), index));
        }
        edges.push(before);
    }
    edges
}

fn steps(
    operations: Vec<Operation>,
    types: &[ResourceType],
    ids: &[String],
    done: Vec<Option<Done>>,
) -> Vec<Step> {
    let mut steps = Vec::with_capacity(operations.len());
    for ((operation, id), done) in operations.into_iter().zip(ids).zip(done) {
        let Some(done) = done else { continue };
        let path = match Target::of(&operation, types) {
            Ok(Target::New(kind)) if done.is_ok() => format!("{}/{id}", kind.endpoint),
            _ => operation.path.clone(),
        };
        steps.push(Step {
            operation,
            path,
            done,
        });
    }
    steps
}
