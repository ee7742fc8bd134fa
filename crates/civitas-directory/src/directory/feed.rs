//! The event feed: streams, and the tokens that are due on them.

mod completion;
mod key;
mod poll;

use civitas_scim::Invalid;
use tokio::sync::watch;

pub(super) use key::EventKeys;
pub use key::NextKey;
pub(super) use poll::WAITING;
pub use poll::{Poll, Polled, SetError};

use super::Directory;
use crate::{
    error::Error,
    event_token::{self, EventKey, Mark},
    id,
    record::Timestamp,
    store::{Event, EventKind, LogReach, Want},
    stream::{
        Delivery, Payload, Position, Receiver, Status, Stream, StreamChange, Verification, WINDOW,
    },
    tenant::Tenant,
};

/// Members of a group that a token shows; of one with more it tells by name.
const SHOWN_MEMBERS: usize = 100;

/// What a stream is to be.
#[derive(Debug, Clone)]
pub struct NewStream {
    /// The API client that receives it.
    pub client: String,
    /// URL of the SCIM base.
    pub issuer: String,
    /// `aud`; the client's id without it.
    pub audience: Option<String>,
    /// What tokens tell.
    pub payload: Payload,
    /// How they get there.
    pub delivery: Delivery,
}

/// How a stream is to be otherwise. What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct StreamEdit {
    /// `aud`.
    pub audience: Option<String>,
    /// What tokens tell.
    pub payload: Option<Payload>,
    /// How they get there.
    pub delivery: Option<Delivery>,
    /// Whether they are delivered, and why.
    pub status: Option<(Status, Option<String>)>,
}

/// A token that is due on a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// What it is about.
    pub mark: Mark,
    /// Its `jti`.
    pub jti: String,
    /// The token.
    pub token: String,
}

/// The tokens that are due next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ready {
    /// In the order of the log.
    pub due: Vec<Due>,
    /// Whether there are more.
    pub more: bool,
}

/// A receiver's word on a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It has it.
    Taken,
    /// It will never take it.
    Refused,
}

impl Directory {
    /// Creates a stream of what happens from now on. `on_this_machine` says whether tokens may
    /// be pushed in clear text to the loopback interface.
    pub async fn create_stream(
        &self,
        tenant: &Tenant,
        new: NewStream,
        on_this_machine: bool,
        now: Timestamp,
    ) -> Result<Stream, Error> {
        check_delivery(&new.delivery, on_this_machine)?;
        let client = self.store.client(tenant.partition, &new.client).await?;
        if client.is_none() {
            let named = format!("there is no client {:?} in the tenant", new.client);
            return Err(Invalid::value(named).into());
        }
        let reach = self.store.log_reach(tenant.partition).await?;
        let pushes = matches!(new.delivery, Delivery::Push(_));
        let stream = Stream {
            id: id::issue(now),
            audience: new.audience.unwrap_or_else(|| new.client.clone()),
            client: new.client,
            issuer: new.issuer,
            payload: new.payload,
            delivery: new.delivery,
            created: now,
            status: Status::Enabled,
            reason: None,
            verified: false,
            verification: pushes.then(|| verification(now, None)),
            position: Position::at(reach.last),
            rejected: 0,
            completions: Vec::new(),
        };
        self.store
            .create_stream(tenant.partition, stream.clone())
            .await?;
        self.tell_change();
        Ok(stream)
    }

    /// The streams of a tenant, by id; those of one client if one is named.
    pub async fn streams(
        &self,
        tenant: &Tenant,
        client: Option<&str>,
    ) -> Result<Vec<Stream>, Error> {
        let mut streams = self.store.streams(tenant.partition).await?;
        streams.retain(|stream| client.is_none_or(|it| stream.client == it));
        Ok(streams)
    }

    /// A stream; of one client if one is named.
    pub async fn stream(
        &self,
        tenant: &Tenant,
        id: &str,
        client: Option<&str>,
    ) -> Result<Stream, Error> {
        let found = self.store.stream(tenant.partition, id).await?;
        let found = found.filter(|stream| client.is_none_or(|it| stream.client == it));
        found.ok_or_else(|| Error::NotFound {
            resource_type: "stream".into(),
            id: id.to_owned(),
        })
    }

    /// How far the log of a tenant reaches.
    pub async fn log_reach(&self, tenant: &Tenant) -> Result<LogReach, Error> {
        Ok(self.store.log_reach(tenant.partition).await?)
    }

    /// Sets a stream up otherwise. One that was disabled begins with what happens from now on.
    pub async fn change_stream(
        &self,
        tenant: &Tenant,
        id: &str,
        edit: StreamEdit,
        on_this_machine: bool,
        now: Timestamp,
    ) -> Result<Stream, Error> {
        let mut stream = self.stream(tenant, id, None).await?;
        if let Some(delivery) = &edit.delivery {
            check_delivery(delivery, on_this_machine)?;
        }
        let mut changes = vec![StreamChange::Configured {
            audience: edit.audience,
            payload: edit.payload,
            delivery: edit.delivery,
            verification: verification(now, None),
        }];
        if let Some((status, reason)) = edit.status {
            let anew = stream.status == Status::Disabled && status != Status::Disabled;
            let reach = self.store.log_reach(tenant.partition).await?;
            changes.push(StreamChange::Status {
                status,
                reason,
                from: anew.then_some(reach.last),
            });
        }
        for change in changes {
            let stored = self.store.change_stream(tenant.partition, id, change);
            stream = stored.await?;
        }
        self.tell_change();
        Ok(stream)
    }

    /// Holds a stream back until somebody enables it.
    pub async fn pause_stream(
        &self,
        tenant: &Tenant,
        id: &str,
        reason: String,
    ) -> Result<(), Error> {
        let pause = StreamChange::Status {
            status: Status::Paused,
            reason: Some(reason),
            from: None,
        };
        let paused = self.store.change_stream(tenant.partition, id, pause);
        Ok(paused.await.map(drop)?)
    }

    /// Ends a stream.
    pub async fn drop_stream(&self, tenant: &Tenant, id: &str) -> Result<(), Error> {
        Ok(self.store.drop_stream(tenant.partition, id).await?)
    }

    /// Has a verification delivered on a stream, in place of one that was not taken yet.
    pub async fn verify_stream(
        &self,
        tenant: &Tenant,
        stream: &Stream,
        state: Option<String>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let challenge = StreamChange::Challenged(verification(now, state));
        let changed = self
            .store
            .change_stream(tenant.partition, &stream.id, challenge);
        changed.await?;
        self.tell_change();
        Ok(())
    }

    /// What is due on a stream, at most `most` tokens: what it is about is not acknowledged,
    /// and comes again until it is.
    pub async fn due(
        &self,
        tenant: &Tenant,
        stream: &Stream,
        most: usize,
        now: Timestamp,
    ) -> Result<Ready, Error> {
        if stream.status != Status::Enabled {
            return Ok(Ready::default());
        }
        let mut marks = Vec::new();
        if let Some(verification) = &stream.verification {
            marks.push(Mark::Verification(verification.id.clone()));
        }
        let unproven = matches!(stream.delivery, Delivery::Push(_)) && !stream.verified;
        let reach = self.store.log_reach(tenant.partition).await?;
        let generation = tenant.partition.generation();
        let mut events = Vec::new();
        if unproven {
            // Nothing but the verification, until it is taken.
        } else if stream.position.through < reach.pruned {
            let (stream, through) = (&stream.id, reach.pruned.0);
            tracing::warn!(
                stream,
                through,
                "a receiver missed events that are forgotten"
            );
            marks.push(Mark::Missed(generation, reach.pruned));
        } else {
            events = self.unacknowledged(tenant, stream, most).await?;
        }
        let mut more = marks.len() + events.len() > most;
        let key = self.event_key(tenant, now).await?;
        let mut due = Vec::with_capacity(most.min(marks.len() + events.len()));
        for mark in marks.into_iter().take(most) {
            let jti = mark.jti(&stream.id);
            let claims = if let (Mark::Verification(_), Some(verification)) =
                (&mark, &stream.verification)
            {
                event_token::verification(stream, &jti, now, verification)
            } else {
                let gap = (stream.position.through, reach.pruned);
                event_token::missed(stream, &jti, now, gap)
            };
            due.push(signed(&key, mark, jti, &claims)?);
        }
        events.truncate(most.saturating_sub(due.len()));
        for event in events {
            let mark = Mark::Event(generation, event.version);
            let jti = mark.jti(&stream.id);
            let claims = self.claims(tenant, stream, &jti, &event, now).await?;
            due.push(signed(&key, mark, jti, &claims)?);
        }
        if !unproven && !stream.completions.is_empty() {
            let room = (&mut due, most);
            more |= self
                .add_completions(tenant, stream, &key, room, now)
                .await?;
        }
        Ok(Ready { due, more })
    }

    /// The first events that are not acknowledged: `most`, and one more to tell that there
    /// are more.
    async fn unacknowledged(
        &self,
        tenant: &Tenant,
        stream: &Stream,
        most: usize,
    ) -> Result<Vec<Event>, Error> {
        let position = &stream.position;
        let limit = (most + position.ahead.len() + 1).min(WINDOW);
        let events = self
            .store
            .events(tenant.partition, Some(position.through), limit);
        let mut events = events.await?;
        events.retain(|it| !position.includes(it.version) && position.reaches(it.version));
        events.truncate(most + 1);
        Ok(events)
    }

    async fn claims(
        &self,
        tenant: &Tenant,
        stream: &Stream,
        jti: &str,
        event: &Event,
        now: Timestamp,
    ) -> Result<serde_json::Value, Error> {
        let kind = tenant.catalogue.resource_type(&event.resource_type);
        let found = if event.kind == EventKind::Deleted {
            None
        } else {
            let shows = stream.payload == Payload::Full && event.resource_type == "Group";
            let want = Want {
                groups: false,
                members: shows.then_some(SHOWN_MEMBERS),
            };
            let found = self
                .store
                .read(tenant.partition, &event.resource_type, &event.id, want);
            found.await?
        };
        let many = |found: &crate::Found| {
            let members = found.members.as_ref();
            members.is_some_and(|it| it.len() > SHOWN_MEMBERS)
        };
        // A group with more members than are shown is told by name.
        let told = match &found {
            Some(found) if many(found) => &Stream {
                payload: Payload::Notice,
                ..stream.clone()
            },
            _ => stream,
        };
        Ok(event_token::event(
            told,
            jti,
            now,
            event,
            (kind, found.as_ref()),
        ))
    }

    /// Notes a receiver's word on tokens: none of them is due any more. Tokens that are not of
    /// the stream, or of before a reset, are passed over. Gives the stream as it is then, if
    /// it changed.
    pub async fn settle(
        &self,
        tenant: &Tenant,
        stream: &str,
        words: &[(Mark, Word)],
    ) -> Result<Option<Stream>, Error> {
        let LogReach { pruned, last } = self.store.log_reach(tenant.partition).await?;
        let current = tenant.partition.generation();
        let (mut events, mut rejected) = (Vec::new(), 0);
        let (mut told, mut untold) = (Vec::new(), 0);
        let mut changes = Vec::new();
        for (mark, word) in words {
            match mark {
                Mark::Event(generation, event) if *generation == current && *event <= last => {
                    events.push(*event);
                    rejected += u64::from(*word == Word::Refused);
                }
                Mark::Missed(generation, event) if *generation == current && *event <= pruned => {
                    changes.push(StreamChange::Missed(*event));
                }
                Mark::Completion(job, number) => {
                    told.push((job.clone(), *number));
                    untold += u64::from(*word == Word::Refused);
                }
                Mark::Verification(id) => changes.push(StreamChange::Verified(id.clone())),
                Mark::Event(..) | Mark::Missed(..) => {}
            }
        }
        if !events.is_empty() {
            changes.push(StreamChange::Acknowledged { events, rejected });
        }
        if !told.is_empty() {
            changes.push(StreamChange::Told {
                tokens: told,
                rejected: untold,
            });
        }
        let mut now = None;
        for change in changes {
            let stored = self.store.change_stream(tenant.partition, stream, change);
            now = Some(stored.await?);
        }
        Ok(now)
    }

    /// The streams of all tenants that are this process's to push, by number of the partition
    /// and id: see [`Store::own_streams`](crate::Store::own_streams).
    pub async fn own_streams(&self) -> Result<Vec<(i64, String)>, Error> {
        let own = self.store.own_streams().await?.into_iter();
        Ok(own.map(|(of, stream)| (of.raw(), stream.id)).collect())
    }

    /// A host name that leads to the tenant with that partition.
    pub async fn host_of(&self, partition: i64) -> Result<Option<String>, Error> {
        let tenants = self.store.tenants().await?.into_iter();
        let mut tenants = tenants.filter(|it| it.partition.raw() == partition);
        let found = tenants.next();
        Ok(found.map(|it| it.hosts.into_iter().next().unwrap_or_default()))
    }

    /// Whether the client of a stream may still have it.
    pub async fn may_receive(&self, tenant: &Tenant, stream: &Stream) -> Result<bool, Error> {
        let client = self.store.client(tenant.partition, &stream.client).await?;
        Ok(client.is_some_and(|it| it.enabled && it.roles.allow(crate::Role::Read)))
    }

    /// Tells that something was committed through this directory, or a stream changed.
    pub(super) fn tell_change(&self) {
        self.changed.send_replace(());
    }

    /// Hears of what is committed, or changes of streams, from now on; not of what other
    /// processes do.
    pub fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

fn verification(now: Timestamp, state: Option<String>) -> Verification {
    Verification {
        id: id::issue(now),
        state,
    }
}

fn check_delivery(delivery: &Delivery, on_this_machine: bool) -> Result<(), Invalid> {
    match delivery {
        Delivery::Poll => Ok(()),
        Delivery::Push(receiver) => check_receiver(receiver, on_this_machine),
    }
}

fn check_receiver(receiver: &Receiver, on_this_machine: bool) -> Result<(), Invalid> {
    let checked = receiver.check(on_this_machine);
    checked.map_err(|why| Invalid::value(format!("the receiver of a stream: {why}")))
}

fn signed(
    key: &EventKey,
    mark: Mark,
    jti: String,
    claims: &serde_json::Value,
) -> Result<Due, Error> {
    let token = key.sign(claims).map_err(Error::Unavailable)?;
    Ok(Due { mark, jti, token })
}
