//! The delta read: what changed since a token, each resource once in its newest state, from
//! the event log.

use civitas_scim::{Invalid, ScimType, delta::DeltaRequest, schema::ResourceType};
use serde_json::json;

use super::Directory;
use crate::{
    error::Error,
    record::{Timestamp, Version},
    scope::Scope,
    store::{Changes, ChangesQuery, Event, Newest, Want},
};

/// Most events that one page looks at. Resources that changed often are passed over but for
/// their newest event, so that a page may hold few of them.
const MAX_EVENTS: usize = 10_000;

const MILLIS_OF_DAY: i64 = 24 * 60 * 60 * 1_000;

/// Where a client that has everything begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeltaToken {
    /// The token.
    pub value: String,
    /// Until when the log is meant to reach back to it.
    pub expiry: Timestamp,
}

/// A page of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    /// The newest states of what changed.
    pub items: Vec<Newest>,
    /// How to go on.
    pub next: NextDelta,
}

/// How to go on after a page of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextDelta {
    /// There are more: the cursor to ask with the same token.
    Page(String),
    /// That was all: the token to ask with next time.
    Token(String),
}

impl Directory {
    /// A token for changes of the types from now on.
    pub async fn delta_token(
        &self,
        scope: &Scope,
        types: &[&ResourceType],
    ) -> Result<DeltaToken, Error> {
        let reach = self.store.log_reach(scope.partition).await?;
        let kept = i64::from(self.limits.event_days).saturating_mul(MILLIS_OF_DAY);
        Ok(DeltaToken {
            value: self.close_token(scope, types, reach.last)?,
            expiry: Timestamp(scope.now.0.saturating_add(kept)),
        })
    }

    /// What changed since a token.
    ///
    /// # Errors
    /// `invalidCursor` for a token or cursor that was not issued to this caller for these
    /// types, `expiredCursor` when the log no longer reaches back to it.
    pub async fn delta(
        &self,
        scope: &Scope,
        types: &[&ResourceType],
        request: &DeltaRequest,
        want: Want,
    ) -> Result<Delta, Error> {
        let begin = self.opened(&token_binding(scope, types), &request.token)?;
        let page_binding = page_binding(scope, types, request);
        let after = match request.search.cursor.as_deref() {
            None | Some("") => begin,
            Some(cursor) => self.opened(&page_binding, cursor)?,
        };
        let query = ChangesQuery {
            types: types.iter().map(|it| it.name.clone()).collect(),
            after,
            count: self.page_size(&request.search),
            max_events: MAX_EVENTS,
            want,
        };
        let Changes { items, seen, more } = self
            .store
            .changes(scope.partition, query)
            .await?
            .ok_or_else(expired)?;
        let next = if more {
            NextDelta::Page(self.close(&page_binding, seen)?)
        } else {
            NextDelta::Token(self.close_token(scope, types, seen)?)
        };
        Ok(Delta { items, next })
    }

    /// Events of the tenant after one, in the order of the log, at most `limit`.
    pub async fn history(
        &self,
        scope: &Scope,
        after: Version,
        limit: usize,
    ) -> Result<Vec<Event>, Error> {
        let events = self.store.events(scope.partition, Some(after), limit);
        Ok(events.await?)
    }

    fn close_token(
        &self,
        scope: &Scope,
        types: &[&ResourceType],
        event: Version,
    ) -> Result<String, Error> {
        self.close(&token_binding(scope, types), event)
    }

    fn close(&self, binding: &[String], event: Version) -> Result<String, Error> {
        let binding: Vec<&str> = binding.iter().map(String::as_str).collect();
        let event = event.0.to_string();
        self.seal
            .close(&binding, event.as_bytes())
            .map_err(Error::Unavailable)
    }

    fn opened(&self, binding: &[String], text: &str) -> Result<Version, Invalid> {
        let binding: Vec<&str> = binding.iter().map(String::as_str).collect();
        let content = self.seal.open(&binding, text);
        let event = content.and_then(|it| String::from_utf8(it).ok()?.parse().ok());
        event.map(Version).ok_or_else(|| {
            Invalid::new(
                ScimType::InvalidCursor,
                "the delta token or cursor was not issued for this request; .deltaToken gives one",
            )
        })
    }
}

fn token_binding(scope: &Scope, types: &[&ResourceType]) -> Vec<String> {
    binding("delta", scope, types)
}

fn page_binding(scope: &Scope, types: &[&ResourceType], request: &DeltaRequest) -> Vec<String> {
    let search = &request.search;
    let projection = json!([search.attributes, search.excluded_attributes]);
    let mut binding = binding("delta-page", scope, types);
    binding.extend([request.token.clone(), projection.to_string()]);
    binding
}

fn binding(purpose: &str, scope: &Scope, types: &[&ResourceType]) -> Vec<String> {
    let types: Vec<&str> = types.iter().map(|it| it.name.as_str()).collect();
    vec![
        purpose.to_owned(),
        // A reset ends tokens, because it takes back the numbers that they hold.
        format!("{}.{}", scope.partition.raw(), scope.partition.generation()),
        scope.actor.clone(),
        json!(types).to_string(),
    ]
}

fn expired() -> Invalid {
    Invalid::new(
        ScimType::ExpiredCursor,
        "the event log no longer reaches back to this token; take a new one and read everything",
    )
}
