//! The stage: answers on order, the ledger of requests, clock and resets. Development mode
//! only; without it a [`Surface`](crate::app::Surface) has none of this.

mod admin;
mod ledger;
mod mailbox;
mod rule;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use civitas_directory::{Partition, Tenant};
use civitas_scim::Invalid;
use http::{HeaderValue, StatusCode, header};
use tokio::time::sleep;

pub(crate) use admin::answer as administer;
pub(crate) use ledger::{Exchange, Ledger};

use crate::{
    app::Surface, door::Arrival, effect::Effect, family::Family, ordered::Ordered,
    refusal::Refusal, reply::Reply, router::Route,
};
use rule::{Answer, Facts, Moment, Rule, Rules};

/// The header field that orders the answer of its own request.
const ORDER: &str = "civitas-rehearse";

/// What is staged for tenants.
#[derive(Default)]
pub(crate) struct Stage {
    /// The rules as last read, by tenant. A reset begins another generation, without any.
    rules: Mutex<HashMap<i64, (Partition, Arc<Rules>)>>,
}

impl Stage {
    /// Answers as ordered: by the request's own header field, else by the first rule whose
    /// turn it is, else by doing what the request asks.
    pub(crate) async fn play(
        &self,
        app: &Surface,
        mut arrival: Arrival<'_>,
        route: Result<Route<'_>, Refusal>,
    ) -> (Result<Reply, Refusal>, Option<Answer>) {
        let answer = match self.ordered(app, &mut arrival).await {
            Ok(answer) => answer,
            Err(refusal) => return (Err(refusal), None),
        };
        let Some(answer) = answer else {
            return (app.guarded(arrival, route).await, None);
        };
        let ordered = answer
            .status
            .map(|_| word(&answer, Family::of(arrival.parts.uri.path()), &arrival));
        let outcome = match (answer.when, ordered) {
            (Moment::Before, Some(ordered)) => ordered,
            (Moment::Before, None) if answer.is_silent() => Ok(Reply::empty(StatusCode::OK)),
            (_, ordered) => {
                let done = app.guarded(arrival, route).await;
                ordered.unwrap_or(done)
            }
        };
        sleep(Duration::from_millis(answer.delay_ms)).await;
        (outcome, Some(answer))
    }

    async fn ordered(
        &self,
        app: &Surface,
        arrival: &mut Arrival<'_>,
    ) -> Result<Option<Answer>, Refusal> {
        let family = Family::of(arrival.parts.uri.path());
        if !family.is_staged() {
            return Ok(None);
        }
        if let Some(order) = arrival.parts.headers.get(ORDER) {
            let order = order.to_str().unwrap_or_default();
            let answer = Answer::parse(order)?;
            check(&answer, family)?;
            return Ok(Some(answer));
        }
        let Ok(tenant) = arrival.tenant().await else {
            return Ok(None);
        };
        let rules = self.rules(app, &tenant).await?;
        if rules.is_empty() {
            return Ok(None);
        }
        let client = arrival.caller(&tenant).await.ok().map(|it| it.client_id);
        let body = if rules.read_bodies() {
            arrival.body.read().await.unwrap_or_default()
        } else {
            bytes::Bytes::new()
        };
        Ok(rules.turn(&Facts {
            dialect: family.name(),
            method: arrival.parts.method.as_str(),
            path: arrival.parts.uri.path(),
            client: client.as_deref(),
            body: &body,
        }))
    }

    /// The rules of the tenant.
    async fn rules(&self, app: &Surface, tenant: &Tenant) -> Result<Arc<Rules>, Refusal> {
        let partition = tenant.partition;
        if let Some((read, rules)) = self.known().get(&partition.raw())
            && *read == partition
        {
            return Ok(Arc::clone(rules));
        }
        let text = app.directory.rehearsals(tenant).await?;
        let rules = Arc::new(Rules::read(&text).unwrap_or_default());
        self.known()
            .insert(partition.raw(), (partition, Arc::clone(&rules)));
        Ok(rules)
    }

    /// Sets the rules of the tenant; their counts begin anew.
    async fn set(&self, app: &Surface, tenant: &Tenant, rules: Vec<Rule>) -> Result<(), Refusal> {
        for rule in &rules {
            check(&rule.answer, rule.family())?;
        }
        let rules = Rules::new(rules);
        let text = rules.text();
        app.directory.set_rehearsals(tenant, &text).await?;
        let entry = (tenant.partition, Arc::new(rules));
        self.known().insert(tenant.partition.raw(), entry);
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, HashMap<i64, (Partition, Arc<Rules>)>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses a status that the dialect does not document.
fn check(answer: &Answer, family: Family) -> Result<(), Invalid> {
    let Some(status) = answer.status else {
        return Ok(());
    };
    if documented(answer, family, "", "/").is_some() {
        return Ok(());
    }
    Err(Invalid::value(format!(
        "rehearsal: the dialect {} documents no refusal {status}{}",
        family.name(),
        answer
            .scim_type
            .as_deref()
            .map_or_else(String::new, |keyword| format!(" with scimType {keyword:?}")),
    )))
}

fn word(answer: &Answer, family: Family, arrival: &Arrival<'_>) -> Result<Reply, Refusal> {
    let path = arrival.parts.uri.path();
    documented(answer, family, arrival.request_id, path).unwrap_or(Err(Refusal::UnknownPath))
}

/// The ordered status as the dialect words it.
fn documented(
    answer: &Answer,
    family: Family,
    request_id: &str,
    path: &str,
) -> Option<Result<Reply, Refusal>> {
    family.ordered(Ordered {
        status: answer.status?,
        keyword: answer.scim_type.as_deref(),
        request_id,
        path,
    })
}

impl Answer {
    /// Gives a worded reply what was ordered beside the status.
    pub(crate) fn dress(&self, reply: &mut Reply) -> Option<Effect> {
        if let Some(after) = &self.retry_after
            && let Ok(value) = HeaderValue::try_from(after)
        {
            reply.headers.insert(header::RETRY_AFTER, value);
        }
        self.effect()
    }
}
