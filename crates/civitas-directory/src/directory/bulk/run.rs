//! A bulk job in work.

use std::{borrow::Cow, collections::HashSet, future::poll_fn, task::Poll};

use civitas_scim::{
    Invalid,
    bulk::{Method, Misdirected, Operation, References, Target},
    schema::ResourceType,
    tolerance::Tolerance,
};
use futures_util::{
    StreamExt as _,
    future::{BoxFuture, FutureExt as _},
    stream::FuturesUnordered,
};
use serde_json::Value;

use super::Done;
use crate::{
    change::Rejected,
    directory::{
        Directory, Edit, Replay,
        creation::{Draft, New},
        write,
    },
    error::Error,
    precondition::Expect,
    scope::Scope,
    store::{Event, EventKind, Referent, Want},
};

/// Creates of one job that run side by side.
const WINDOW: usize = 256;

/// What is to be done.
pub(super) struct Plan<'r> {
    pub(super) operations: &'r [Operation],
    pub(super) types: &'r [ResourceType],
    /// The ids of what is created, one for each operation.
    pub(super) ids: &'r [String],
    pub(super) references: &'r [References],
    /// What was done before, where the operations are steps of a stored job.
    pub(super) replay: Option<&'r Replay>,
    pub(super) most_errors: usize,
}

/// Creates that were stored, or were not.
struct Stored {
    /// The operations, by index.
    unit: Vec<usize>,
    done: Vec<Done>,
    taken: Vec<String>,
}

/// A job in work.
pub(super) struct Run<'r> {
    directory: &'r Directory,
    scope: &'r Scope,
    tolerance: &'r Tolerance,
    plan: &'r Plan<'r>,
    done: Vec<Option<Done>>,
    errors: usize,
    running: FuturesUnordered<BoxFuture<'r, Stored>>,
    /// Operations in `running`.
    creating: usize,
    /// Unique values of what is in `running`.
    taking: HashSet<String>,
}

impl<'r> Run<'r> {
    /// A job of which nothing is done yet.
    pub(super) fn new(
        directory: &'r Directory,
        scope: &'r Scope,
        tolerance: &'r Tolerance,
        plan: &'r Plan<'r>,
    ) -> Self {
        Self {
            directory,
            scope,
            tolerance,
            plan,
            done: plan.operations.iter().map(|_| None).collect(),
            errors: 0,
            running: FuturesUnordered::new(),
            creating: 0,
            taking: HashSet::new(),
        }
    }

    /// Does the operations, unit after unit. What was not attempted is `None`.
    pub(super) async fn all(
        mut self,
        order: Vec<Vec<usize>>,
        bodies: &mut [Option<Value>],
        go_on: &(dyn Fn(usize) -> bool + Sync),
    ) -> Vec<Option<Done>> {
        let mut begun = 0;
        for unit in order {
            if !self.has_room(unit.len()).await {
                break;
            }
            if !go_on(begun) {
                self.leave_rest().await;
                break;
            }
            begun += unit.len();
            self.unit(unit, bodies).await;
        }
        self.settle_all().await;
        self.done
    }

    /// Waits until so many more may run: even if all that runs fails, no more errors come
    /// about than the job allows. Whether there is any room left.
    async fn has_room(&mut self, operations: usize) -> bool {
        loop {
            let errors_left = self.plan.most_errors.saturating_sub(self.errors);
            if errors_left == 0 {
                return false;
            }
            let room = WINDOW.min(errors_left);
            if self.creating == 0 || self.creating + operations <= room {
                return true;
            }
            self.settle_one().await;
        }
    }

    async fn unit(&mut self, unit: Vec<usize>, bodies: &mut [Option<Value>]) {
        if let Some(events) = self.plan.replay.and_then(|it| it.steps.get(&unit[0])) {
            return self.replay(&unit, events);
        }
        self.await_references(&unit).await;
        let refused: Vec<Option<Error>> = unit.iter().map(|it| self.refusal(*it, &unit)).collect();
        if refused.iter().any(Option::is_some) {
            return self.refuse(&unit, refused);
        }
        let targets: Vec<_> = unit
            .iter()
            .map(|it| Target::of(&self.plan.operations[*it], self.plan.types))
            .collect();
        match targets[..] {
            [Ok(Target::Existing(kind, id))] => {
                self.settle_all().await;
                let index = unit[0];
                let (directory, scope) = (self.directory, self.scope_of(&unit));
                let expect = scope.required(expected(&self.plan.operations[index]));
                let edit = Edit {
                    beside: Vec::new(),
                    resource_type: kind,
                    id,
                    expect: &expect,
                    self_service: false,
                    body: sent(bodies[index].take()),
                    tolerance: self.tolerance,
                    want: Want::default(),
                };
                let method = self.plan.operations[index].method;
                let done = directory.edit(&scope, method, &edit).await;
                self.record(index, done);
            }
            _ => self.create(unit, bodies).await,
        }
    }

    /// Records what was done before: the events tell, and that it was done at all.
    fn replay(&mut self, unit: &[usize], events: &[Event]) {
        for index in unit {
            let id = match Target::of(&self.plan.operations[*index], self.plan.types) {
                Ok(Target::Existing(_, id)) => id,
                _ => self.plan.ids[*index].as_str(),
            };
            let event = events.iter().rfind(|event| event.id == id);
            let left = event.filter(|event| event.kind != EventKind::Deleted);
            self.record(*index, Ok(left.map(|event| event.version)));
        }
    }

    /// The circumstances of a unit. Steps of a job are told apart by their request ids.
    fn scope_of(&self, unit: &[usize]) -> Cow<'r, Scope> {
        match self.plan.replay {
            None => Cow::Borrowed(self.scope),
            Some(replay) => Cow::Owned(Scope {
                request_id: format!("{}:{}", replay.job, unit[0]),
                ..self.scope.clone()
            }),
        }
    }

    /// Waits for creates that run and that an operation of the unit refers to.
    async fn await_references(&mut self, unit: &[usize]) {
        for index in unit {
            let references = self.plan.references[*index].as_deref().unwrap_or_default();
            for other in references.iter().filter(|it| !unit.contains(it)) {
                while self.done[*other].is_none() && self.creating > 0 {
                    self.settle_one().await;
                }
            }
        }
    }

    /// Why an operation cannot be tried: its path, its references, or one of these failed.
    fn refusal(&self, index: usize, unit: &[usize]) -> Option<Error> {
        let operation = &self.plan.operations[index];
        if let Err(misdirected) = Target::of(operation, self.plan.types) {
            return Some(match misdirected {
                Misdirected::Nowhere => Error::NotFound {
                    resource_type: "endpoint".into(),
                    id: operation.path.clone(),
                },
                Misdirected::Invalid(invalid) => invalid.into(),
            });
        }
        let references = match &self.plan.references[index] {
            Ok(references) => references,
            Err(invalid) => return Some(invalid.clone().into()),
        };
        let failed = references
            .iter()
            .find(|it| !unit.contains(it) && !matches!(self.done[**it], Some(Ok(_))));
        failed.map(|it| self.depends_on(*it))
    }

    fn depends_on(&self, index: usize) -> Error {
        let bulk_id = self.plan.operations[index].bulk_id.clone();
        Error::FailedDependency {
            bulk_id: bulk_id.unwrap_or_default(),
        }
    }

    /// Records a unit of which some operations cannot be tried, and so none is.
    fn refuse(&mut self, unit: &[usize], refused: Vec<Option<Error>>) {
        let culprit = unit.iter().zip(&refused).find(|(_, it)| it.is_some());
        let culprit = culprit.map_or(unit[0], |(index, _)| *index);
        for (index, error) in unit.iter().zip(refused) {
            let error = error.unwrap_or_else(|| self.depends_on(culprit));
            self.record(*index, Err(error));
        }
    }

    /// Starts to create the resources of a unit: one, or several that refer to each other in
    /// a circle and so are stored together.
    async fn create(&mut self, unit: Vec<usize>, bodies: &mut [Option<Value>]) {
        let sent: Vec<Option<Value>> = unit.iter().map(|it| bodies[*it].take()).collect();
        let drafts = unit.iter().zip(&sent);
        let drafts = drafts.map(|(it, body)| self.draft(*it, body.clone()));
        let drafts: Vec<Result<Draft<'_>, Error>> = drafts.collect();
        let companions: Vec<Referent> = match unit.len() {
            1 if self.plan.references[unit[0]] == Ok(vec![]) => Vec::new(),
            _ => drafts.iter().flatten().map(Draft::referent).collect(),
        };
        let mut news = Vec::with_capacity(unit.len());
        let mut refused = Vec::with_capacity(unit.len());
        for draft in drafts {
            let new = match draft {
                Ok(draft) => {
                    self.directory
                        .complete(self.scope, draft, &companions)
                        .await
                }
                Err(error) => Err(error),
            };
            match new {
                Ok(new) => {
                    news.push(new);
                    refused.push(None);
                }
                Err(error) => refused.push(Some(error)),
            }
        }
        if refused.iter().any(Option::is_some) {
            return self.refuse(&unit, refused);
        }
        let taken = unique_values(&news);
        // Of two that claim one value the first has it.
        if taken.iter().any(|value| self.taking.contains(value)) {
            self.settle_all().await;
        }
        self.taking.extend(taken.iter().cloned());
        self.creating += unit.len();
        let (directory, tolerance, plan) = (self.directory, self.tolerance, self.plan);
        let scope = self.scope_of(&unit);
        let dependency = (unit.len() > 1).then(|| {
            let errors = unit.iter().map(|it| self.depends_on(*it));
            errors.collect::<Vec<_>>()
        });
        let stored = async move {
            let _place = directory.bulk_creates.acquire().await;
            let ids: Vec<&str> = unit.iter().map(|it| plan.ids[*it].as_str()).collect();
            let dependency = dependency.as_deref();
            let mut done = directory.store_unit(&scope, news, &ids, dependency).await;
            if let [Err(Error::Outdated), ..] = done[..] {
                let again = directory.drafted_again(&scope, plan, &unit, sent, tolerance);
                done = match again.await {
                    Ok((scope, news)) => directory.store_unit(&scope, news, &ids, dependency).await,
                    Err(error) => vec![Err(error); unit.len()],
                };
            }
            Stored { unit, done, taken }
        };
        self.start(stored.boxed()).await;
    }

    /// Lets creates go as far as the store's queue before the next ones are looked at, so that
    /// they are queued in the order of the request and the store has work meanwhile.
    async fn start(&mut self, mut stored: BoxFuture<'r, Stored>) {
        match poll_fn(|context| Poll::Ready(stored.as_mut().poll(context))).await {
            Poll::Ready(stored) => self.settle(stored),
            Poll::Pending => self.running.push(stored),
        }
    }

    fn draft(&self, index: usize, body: Option<Value>) -> Result<Draft<'r>, Error> {
        let kind = match Target::of(&self.plan.operations[index], self.plan.types) {
            Ok(target) => target.kind(),
            Err(_) => return Err(Error::NotBegun),
        };
        let id = self.plan.ids[index].clone();
        Ok(Draft::read(kind, id, sent(body)?, self.tolerance)?)
    }

    async fn settle_one(&mut self) {
        if let Some(stored) = self.running.next().await {
            self.settle(stored);
        }
    }

    fn settle(&mut self, stored: Stored) {
        self.creating -= stored.unit.len();
        for value in &stored.taken {
            self.taking.remove(value);
        }
        for (index, done) in stored.unit.into_iter().zip(stored.done) {
            self.record(index, done);
        }
    }

    async fn settle_all(&mut self) {
        while !self.running.is_empty() {
            self.settle_one().await;
        }
    }

    fn record(&mut self, index: usize, done: Done) {
        self.errors += usize::from(done.is_err());
        self.done[index] = Some(done);
    }

    /// Tells of all that were not begun that they were not.
    async fn leave_rest(&mut self) {
        self.settle_all().await;
        for done in &mut self.done {
            done.get_or_insert(Err(Error::NotBegun));
        }
    }
}

impl Directory {
    /// An operation on an existing resource.
    async fn edit(&self, scope: &Scope, method: Method, edit: &Edit<'_>) -> Done {
        let found = match method {
            Method::Put => self.replace(scope, edit).await?,
            Method::Patch => self.patch(scope, edit).await?,
            Method::Post | Method::Delete => {
                let (kind, id) = (edit.resource_type, edit.id);
                self.delete(scope, kind, id, edit.expect).await?;
                return Ok(None);
            }
        };
        Ok(Some(found.record.version))
    }

    /// The resources of a unit once more, by the catalogue that is in force now: the change of
    /// a definition overtook them.
    async fn drafted_again(
        &self,
        scope: &Scope,
        plan: &Plan<'_>,
        unit: &[usize],
        sent: Vec<Option<Value>>,
        tolerance: &Tolerance,
    ) -> Result<(Scope, Vec<New>), Error> {
        let scope = self.renewed(scope).await?;
        let mut drafts = Vec::with_capacity(unit.len());
        for (index, body) in unit.iter().zip(sent) {
            let target = Target::of(&plan.operations[*index], plan.types);
            let kind = target.map_err(|_| Error::Outdated)?.kind();
            let kind = write::current(&scope, kind)?;
            let (id, body) = (plan.ids[*index].clone(), self::sent(body)?);
            drafts.push(Draft::read(kind, id, body, tolerance)?);
        }
        let companions: Vec<Referent> = drafts.iter().map(Draft::referent).collect();
        let mut news = Vec::with_capacity(unit.len());
        for draft in drafts {
            news.push(self.complete(&scope, draft, &companions).await?);
        }
        Ok((scope, news))
    }

    /// Stores the resources of a unit. What the others hear when one of several is refused is
    /// given for each.
    async fn store_unit(
        &self,
        scope: &Scope,
        news: Vec<New>,
        ids: &[&str],
        dependency: Option<&[Error]>,
    ) -> Vec<Done> {
        match dependency {
            None => vec![self.store_one(scope, news).await],
            Some(others) => self.store_circle(scope, news, ids, others).await,
        }
    }

    async fn store_one(&self, scope: &Scope, news: Vec<New>) -> Done {
        let committed = self.store_new(scope, news, Vec::new()).await??;
        Ok(Some(committed.version))
    }

    /// Stores resources that refer to each other. If the store refuses one of them, the others
    /// hear that it failed.
    async fn store_circle(
        &self,
        scope: &Scope,
        news: Vec<New>,
        ids: &[&str],
        others: &[Error],
    ) -> Vec<Done> {
        let containing: Vec<Vec<bool>> = news
            .iter()
            .map(|new| ids.iter().map(|id| new.contains(id)).collect())
            .collect();
        let kinds: Vec<String> = news
            .iter()
            .map(|it| it.create.resource_type.clone())
            .collect();
        let rejected = match self.store_new(scope, news, Vec::new()).await {
            Err(error) => return vec![Err(error); ids.len()],
            Ok(Err(rejected)) => rejected,
            Ok(Ok(_)) => {
                let mut done = Vec::with_capacity(ids.len());
                for (id, kind) in ids.iter().zip(&kinds) {
                    let read = self.store.read(scope.partition, kind, id, Want::default());
                    done.push(match read.await {
                        Ok(found) => Ok(found.map(|it| it.record.version)),
                        Err(error) => Err(error.into()),
                    });
                }
                return done;
            }
        };
        let culprit = closing(&rejected, ids, &containing);
        let error = Error::from(rejected);
        (0..ids.len())
            .map(|index| match culprit {
                Some(culprit) if culprit != index => Err(others[culprit].clone()),
                _ => Err(error.clone()),
            })
            .collect()
    }
}

/// Of groups that were to contain each other, the one that closes the circle: the last that
/// was to contain what the store would not let in.
fn closing(rejected: &Rejected, ids: &[&str], containing: &[Vec<bool>]) -> Option<usize> {
    let Rejected::Cycle { id } = rejected else {
        return None;
    };
    let member = ids.iter().position(|it| it == id)?;
    containing.iter().rposition(|contained| contained[member])
}

fn expected(operation: &Operation) -> Expect {
    match operation.version.as_deref() {
        None => Expect::Any,
        Some("*") => Expect::Exists,
        Some(tag) => Expect::Match(vec![tag.to_owned()]),
    }
}

fn sent(body: Option<Value>) -> Result<Value, Invalid> {
    body.ok_or_else(|| Invalid::syntax("the operation has no data"))
}

fn unique_values(news: &[New]) -> Vec<String> {
    let values = news.iter().flat_map(|new| {
        let kind = new.create.resource_type.as_str();
        let unique = new.unique().iter();
        unique.map(move |it| format!("{kind} {} {:?}", it.path, it.key))
    });
    values.collect()
}
