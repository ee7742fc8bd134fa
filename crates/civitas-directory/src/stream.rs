//! Streams: the event log on its way to one receiver, as security event tokens (RFC 8417) that
//! the receiver polls for (RFC 8936) or that are pushed to it (RFC 8935). A stream is a value;
//! what happens to it is a [`StreamChange`], which every store applies by the same rules.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::record::{Timestamp, Version};

/// Events beyond the last that is acknowledged without a gap which may be on their way. Those
/// that a receiver never acknowledges hold the stream up there.
pub const WINDOW: usize = 1_000;

/// Completed requests that a stream may have to tell of; of more the oldest are not told.
pub const MAX_COMPLETIONS: usize = 64;

/// Streams that a tenant may have.
pub const MAX_STREAMS: usize = 16;

/// A stream as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Its id, unique in its tenant.
    pub id: String,
    /// The API client that receives it.
    pub client: String,
    /// `iss` of its tokens (RFC 7519 §4.1.1): the URL of the SCIM base, which `sub_id` is
    /// relative to.
    pub issuer: String,
    /// `aud` of its tokens.
    pub audience: String,
    /// What its tokens tell of a change.
    pub payload: Payload,
    /// How its tokens get there.
    pub delivery: Delivery,
    /// When it was created.
    pub created: Timestamp,
    /// Whether tokens are delivered.
    pub status: Status,
    /// Why it has that status, where somebody said so.
    pub reason: Option<String>,
    /// Whether the receiver has taken a verification since it was named. Events are pushed to
    /// none that has not; who polls has shown its credentials.
    pub verified: bool,
    /// A verification that is to be delivered.
    pub verification: Option<Verification>,
    /// What was acknowledged.
    pub position: Position,
    /// Tokens that the receiver refused, and that were not sent again.
    pub rejected: u64,
    /// Requests of its client that were answered before they were done, and are to be told of.
    #[serde(default)]
    pub completions: Vec<Completion>,
}

/// A request that was answered before it was done (RFC 9967 §2.5.1), on its way to being told
/// of as done. What came of it is known of its job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// The id of its job.
    pub job: String,
    /// It is told of after this event, when it had done whatever it did.
    pub after: Version,
    /// Tokens that tell of it.
    pub tokens: u64,
    /// Those that are acknowledged, by number.
    pub told: BTreeSet<u64>,
}

impl Stream {
    /// Whether tokens are to be pushed to its receiver.
    pub fn is_pushed(&self) -> bool {
        self.status == Status::Enabled && matches!(self.delivery, Delivery::Push(_))
    }

    /// Whoever resumed a job notes its completion again.
    fn complete(&mut self, completion: &Completion) {
        self.completions.retain(|it| it.job != completion.job);
        let surplus = (self.completions.len() + 1).saturating_sub(MAX_COMPLETIONS);
        self.completions.drain(..surplus);
        self.completions.push(completion.clone());
    }

    fn tell(&mut self, job: &str, token: u64) {
        if let Some(of) = self.completions.iter_mut().find(|it| it.job == job) {
            of.told.extend((token < of.tokens).then_some(token));
        }
        self.completions.retain(|it| !it.is_told());
    }
}

impl Completion {
    fn is_told(&self) -> bool {
        self.told.len() as u64 == self.tokens
    }
}

/// What the tokens of a stream tell of a change (RFC 9967 §2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Payload {
    /// The names of the attributes that differ.
    Notice,
    /// Their values too, while the resource still has the state that the change made.
    Full,
}

impl Payload {
    /// The name, as in requests and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Full => "full",
        }
    }

    /// The payload of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Notice, Self::Full]
            .into_iter()
            .find(|it| it.name() == name)
    }
}

/// How tokens get to the receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// It asks for them (RFC 8936).
    Poll,
    /// They are sent to it (RFC 8935).
    Push(Receiver),
}

/// Where tokens are pushed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receiver {
    /// URL that takes them.
    pub endpoint: String,
    /// Value of the `Authorization` field that is sent with each.
    pub authorization: Option<Secret>,
    /// Certificates of the authorities that the receiver's is checked against, as PEM; the
    /// public ones without it.
    pub authorities: Option<String>,
}

impl Receiver {
    /// Checks what was named as a receiver. `on_this_machine` says whether clear text to the
    /// loopback interface will do; RFC 8935 §5.2 wants TLS.
    ///
    /// # Errors
    /// What is wrong, for whoever named it.
    pub fn check(&self, on_this_machine: bool) -> Result<(), String> {
        let endpoint = &self.endpoint;
        let (clear, rest) = match endpoint.split_once("://") {
            Some(("https", rest)) => (false, rest),
            Some(("http", rest)) => (true, rest),
            _ => return Err(format!("{endpoint:?} is not an https URL")),
        };
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
        if authority.is_empty() || !authority.bytes().all(plain) {
            return Err(format!(
                "{endpoint:?} has no host name, or more than host and port before its path"
            ));
        }
        if !rest.bytes().all(|it| it.is_ascii_graphic() && it != b'#') {
            return Err(format!(
                "{endpoint:?} has characters that no URL to send to has"
            ));
        }
        if clear && !(on_this_machine && is_loopback(authority)) {
            return Err(format!("{endpoint:?} is not an https URL (RFC 8935 §5.2)"));
        }
        let sendable = |it: &Secret| {
            it.reveal()
                .bytes()
                .all(|byte| (b' '..=b'~').contains(&byte))
        };
        if !self.authorization.as_ref().is_none_or(sendable) {
            return Err("the authorization has characters that no header field has".into());
        }
        Ok(())
    }
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        _ => authority,
    };
    ["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

/// A text that is neither shown nor logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whom it is meant for.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Whether tokens are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// They are.
    Enabled,
    /// They wait.
    Paused,
    /// They are not, and what happens meanwhile is not told later.
    Disabled,
}

impl Status {
    /// The name, as in requests and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    /// The status of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Enabled, Self::Paused, Self::Disabled]
            .into_iter()
            .find(|it| it.name() == name)
    }
}

/// A token that only shows that tokens arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Unique in the tenant.
    pub id: String,
    /// What whoever asked for it will know it by.
    pub state: Option<String>,
}

/// What a receiver has acknowledged of the log. Numbers of a tenant's events have no gaps.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Position {
    /// Every event up to this one.
    pub through: Version,
    /// Events after it, within [`WINDOW`].
    pub ahead: BTreeSet<Version>,
}

impl Position {
    /// Everything up to an event, and nothing after it.
    pub fn at(through: Version) -> Self {
        Self {
            through,
            ahead: BTreeSet::new(),
        }
    }

    /// Whether an event is acknowledged.
    pub fn includes(&self, event: Version) -> bool {
        event <= self.through || self.ahead.contains(&event)
    }

    /// Whether an event is near enough to be on its way.
    pub fn reaches(&self, event: Version) -> bool {
        event.0 <= self.through.0.saturating_add(WINDOW as i64)
    }

    fn acknowledge(&mut self, event: Version) {
        if !self.includes(event) && self.reaches(event) {
            self.ahead.insert(event);
            self.close_up();
        }
    }

    fn pass(&mut self, through: Version) {
        if through > self.through {
            self.through = through;
            self.ahead = self.ahead.split_off(&Version(through.0 + 1));
            self.close_up();
        }
    }

    fn close_up(&mut self) {
        while self.ahead.remove(&Version(self.through.0 + 1)) {
            self.through.0 += 1;
        }
    }
}

/// What happens to a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamChange {
    /// Somebody sets it up otherwise. A receiver that is named must be verified.
    Configured {
        /// `aud`.
        audience: Option<String>,
        /// What tokens tell.
        payload: Option<Payload>,
        /// How they get there.
        delivery: Option<Delivery>,
        /// For a receiver that is named.
        verification: Verification,
    },
    /// It is to deliver, or not to.
    Status {
        /// Which.
        status: Status,
        /// Why.
        reason: Option<String>,
        /// Where it begins anew, if it does.
        from: Option<Version>,
    },
    /// The receiver is done with events: it has them, or refuses them for good.
    Acknowledged {
        /// The events.
        events: Vec<Version>,
        /// How many of them it refused.
        rejected: u64,
    },
    /// The receiver knows that it missed the events up to this one.
    Missed(Version),
    /// A request of its client is done, as far as the store knows yet.
    Completed(Completion),
    /// The receiver is done with tokens of a completed request, by job and number.
    Told {
        /// The tokens.
        tokens: Vec<(String, u64)>,
        /// How many of them it refused.
        rejected: u64,
    },
    /// What came of a request is not known any more, by its job.
    Forgotten(String),
    /// A verification is asked for.
    Challenged(Verification),
    /// The verification with that id was taken.
    Verified(String),
    /// The log was taken back to an event. For stores only.
    Reset(Version),
}

impl StreamChange {
    /// Makes the change.
    pub fn apply(&self, stream: &mut Stream) {
        match self {
            Self::Configured {
                audience,
                payload,
                delivery,
                verification,
            } => {
                if let Some(audience) = audience {
                    stream.audience.clone_from(audience);
                }
                if let Some(payload) = payload {
                    stream.payload = *payload;
                }
                if let Some(delivery) = delivery {
                    stream.delivery = delivery.clone();
                    stream.verified = false;
                    stream.verification = Some(verification.clone());
                }
            }
            Self::Status {
                status,
                reason,
                from,
            } => {
                stream.status = *status;
                stream.reason.clone_from(reason);
                if let Some(from) = from {
                    stream.position = Position::at(*from);
                    stream.completions.clear();
                }
            }
            Self::Acknowledged { events, rejected } => {
                for event in events {
                    stream.position.acknowledge(*event);
                }
                stream.rejected += rejected;
            }
            Self::Completed(completion) => stream.complete(completion),
            Self::Told { tokens, rejected } => {
                for (job, token) in tokens {
                    stream.tell(job, *token);
                }
                stream.rejected += rejected;
            }
            Self::Forgotten(job) => stream.completions.retain(|it| it.job != *job),
            Self::Missed(through) => stream.position.pass(*through),
            Self::Challenged(verification) => stream.verification = Some(verification.clone()),
            Self::Verified(id) => {
                if stream.verification.as_ref().is_some_and(|it| it.id == *id) {
                    stream.verification = None;
                    stream.verified = true;
                }
            }
            Self::Reset(last) => {
                let through = stream.position.through.min(*last);
                stream.position = Position::at(through);
                stream.completions.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(numbers: &[i64]) -> Vec<Version> {
        numbers.iter().copied().map(Version).collect()
    }

    #[test]
    fn a_position_closes_up_when_gaps_are_filled() {
        let mut position = Position::at(Version(10));
        for (event, through, ahead) in [
            (12, 10, &[12][..]),
            (14, 10, &[12, 14]),
            (9, 10, &[12, 14]),
            (12, 10, &[12, 14]),
            (11, 12, &[14]),
            (10 + WINDOW as i64 + 5, 12, &[14]),
            (13, 14, &[]),
        ] {
            position.acknowledge(Version(event));
            let ahead = versions(ahead);
            assert_eq!(position.through, Version(through), "{event}");
            assert!(position.ahead.iter().eq(&ahead), "{event}: {position:?}");
        }
        position.acknowledge(Version(17));
        position.pass(Version(16));
        assert_eq!(position, Position::at(Version(17)));
        position.pass(Version(3));
        assert_eq!(position, Position::at(Version(17)), "never back");
    }

    #[test]
    fn completions_are_told_once_and_bounded() {
        let mut stream: Stream = serde_json::from_value(serde_json::json!({
            "id": "s", "client": "c", "issuer": "i", "audience": "a", "payload": "notice",
            "delivery": "poll", "created": 0, "status": "enabled", "reason": null,
            "verified": false, "verification": null, "rejected": 0,
            "position": { "through": 0, "ahead": [] },
        }))
        .unwrap();
        let completed = |job: &str| {
            StreamChange::Completed(Completion {
                job: job.into(),
                after: Version(3),
                tokens: 2,
                told: BTreeSet::new(),
            })
        };
        let told = |job: &str, tokens: &[u64]| StreamChange::Told {
            tokens: tokens.iter().map(|it| (job.to_owned(), *it)).collect(),
            rejected: 1,
        };
        completed("a").apply(&mut stream);
        completed("a").apply(&mut stream);
        completed("b").apply(&mut stream);
        told("a", &[1, 1, 7]).apply(&mut stream);
        assert_eq!(stream.completions[0].told, BTreeSet::from([1]));
        told("a", &[0]).apply(&mut stream);
        let left = |stream: &Stream| {
            let jobs = stream.completions.iter().map(|it| it.job.clone());
            jobs.collect::<Vec<_>>()
        };
        assert_eq!((left(&stream), stream.rejected), (vec!["b".into()], 2));
        StreamChange::Forgotten("b".into()).apply(&mut stream);
        assert!(left(&stream).is_empty());
        for number in 0..=MAX_COMPLETIONS {
            completed(&number.to_string()).apply(&mut stream);
        }
        assert_eq!(stream.completions.len(), MAX_COMPLETIONS);
        assert_eq!(stream.completions[0].job, "1");
        StreamChange::Reset(Version(9)).apply(&mut stream);
        assert!(left(&stream).is_empty());
    }

    #[test]
    fn receivers_are_reached_over_tls_or_on_this_machine() {
        let check = |endpoint: &str, here| {
            let receiver = Receiver {
                endpoint: endpoint.into(),
                authorization: None,
                authorities: None,
            };
            receiver.check(here).is_ok()
        };
        for (endpoint, elsewhere, here) in [
            ("https://r.example/events?x=1", true, true),
            ("https://r.example:8443", true, true),
            ("http://127.0.0.1:99/x", false, true),
            ("http://localhost", false, true),
            ("http://[::1]:99/x", false, true),
            ("http://r.example/", false, false),
            ("http://127.0.0.1@r.example/", false, false),
            ("http://127.0.0.1.r.example/", false, false),
            ("https://u:p@r.example/", false, false),
            ("https:///x", false, false),
            ("https://r.example/#x", false, false),
            ("https://r.example/\r\nX: y", false, false),
            ("ftp://r.example/", false, false),
            ("r.example", false, false),
        ] {
            assert_eq!(check(endpoint, false), elsewhere, "{endpoint}");
            assert_eq!(check(endpoint, true), here, "{endpoint}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
    }
}
