//! Polling (RFC 8936): a receiver acknowledges what it has and takes what is next.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::{Directory, Mark, Ready, Word};
use crate::{error::Error, record::Timestamp, stream::WINDOW, tenant::Tenant};

/// Tokens of an answer to a request that names no number.
const DEFAULT_EVENTS: usize = 100;

/// Most polls that wait at a time; others are answered at once.
pub(in crate::directory) const WAITING: usize = 64;

/// How long an event that another process wrote may go unseen by a poll that waits.
const OTHERS: Duration = Duration::from_millis(500);

/// What a receiver asks (RFC 8936 §2.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Poll {
    /// Most tokens to answer with; a default of the server's without it.
    pub max_events: Option<usize>,
    /// Whether to answer although there is nothing.
    pub return_immediately: bool,
    /// `jti` of tokens that the receiver has.
    pub acknowledged: Vec<String>,
    /// Tokens that it will not take.
    pub errors: Vec<SetError>,
}

/// Why a receiver does not take a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetError {
    /// Its `jti`.
    pub jti: String,
    /// A code of RFC 8935 §2.4.
    pub err: String,
    /// What happened.
    pub description: String,
}

/// The answer (RFC 8936 §2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Polled {
    /// Tokens by `jti`, in the order of the log.
    pub sets: Vec<(String, String)>,
    /// Whether there are more.
    pub more: bool,
}

impl Directory {
    /// Takes a receiver's word on tokens and gives those that are due, waiting for some if
    /// there are none, no longer than `within`.
    pub async fn poll(
        &self,
        tenant: &Tenant,
        stream: &str,
        request: &Poll,
        now: impl Fn() -> Timestamp,
        within: Duration,
    ) -> Result<Polled, Error> {
        let words = words(stream, request);
        if !words.is_empty() {
            self.settle(tenant, stream, &words).await?;
        }
        let most = request.max_events.unwrap_or(DEFAULT_EVENTS).min(WINDOW);
        let place = self.polls.try_acquire();
        let until = Instant::now() + within;
        loop {
            let mut changes = self.watch();
            let state = self.stream(tenant, stream, None).await?;
            let Ready { due, more } = self.due(tenant, &state, most, now()).await?;
            let left = until.saturating_duration_since(Instant::now());
            let waits = due.is_empty() && !more && !request.return_immediately && place.is_ok();
            if !waits || left.is_zero() {
                let sets = due.into_iter().map(|due| (due.jti, due.token)).collect();
                return Ok(Polled { sets, more });
            }
            // Whichever comes first, the state is looked at again.
            let _ = timeout(left.min(OTHERS), changes.changed()).await;
        }
    }
}

/// What the receiver says of which tokens; what is no token of the stream is passed over.
fn words(stream: &str, request: &Poll) -> Vec<(Mark, Word)> {
    let taken = request.acknowledged.iter().map(|jti| (jti, Word::Taken));
    let refused = request.errors.iter().map(|it| (&it.jti, Word::Refused));
    let words = taken.chain(refused);
    words
        .filter_map(|(jti, word)| Some((Mark::of(stream, jti)?, word)))
        .collect()
}
