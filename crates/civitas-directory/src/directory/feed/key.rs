//! The keys that sign the tokens of tenants. One signs at a time; it is published before it
//! does and after it did, so that receivers have it whenever they need it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use civitas_scim::Invalid;

use super::{Directory, EventKey};
use crate::{error::Error, record::Timestamp, tenant::Tenant};

/// How long a key is published before it signs, in milliseconds: longer than receivers keep
/// what was published, and servers what they have read ([`REREAD`]).
const LEAD_MS: i64 = 10 * 60 * 1_000;

/// How long a key is published after it signed for the last time, in milliseconds.
const KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

/// How long a change of keys by another process may go unseen.
const REREAD: Duration = Duration::from_secs(30);

/// How often it is tried to change keys that others change.
const ATTEMPTS: usize = 8;

/// A key that takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextKey {
    /// Its `kid`.
    pub kid: String,
    /// From when on it signs.
    pub from: Timestamp,
    /// Until when the keys before it are published; `None` if they are not any more.
    pub others_until: Option<Timestamp>,
}

/// The keys of a tenant as they are kept.
#[derive(Clone, Serialize, Deserialize)]
struct Ring {
    /// By the time at which they begin to sign.
    keys: Vec<Kept>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    /// PKCS #8.
    key: Vec<u8>,
    /// From when on it signs.
    from: Timestamp,
    /// Until when it is published, once another follows it.
    until: Option<Timestamp>,
}

/// The keys of a tenant as they are used.
struct Keys(Vec<(Kept, Arc<EventKey>)>);

/// Keys by number of the partition, as far as they were needed, and when they were read.
#[derive(Default)]
pub(in crate::directory) struct EventKeys(Mutex<HashMap<i64, (Instant, Arc<Keys>)>>);

impl Directory {
    /// The public keys that the tokens of a tenant are verified with (RFC 7517 §5).
    pub async fn event_keys(&self, tenant: &Tenant, now: Timestamp) -> Result<Value, Error> {
        let keys = self.keys(tenant).await?;
        let published = keys.published(now).map(|key| key.public());
        Ok(json!({ "keys": published.collect::<Vec<_>>() }))
    }

    /// Has another key sign the tokens of a tenant: soon, when receivers have learned of it,
    /// or at once, and then the keys before are not published any more.
    ///
    /// # Errors
    /// A key is about to take over already.
    pub async fn rotate_event_key(
        &self,
        tenant: &Tenant,
        at_once: bool,
        now: Timestamp,
    ) -> Result<NextKey, Error> {
        let of = tenant.partition.raw();
        let fresh = EventKey::generate().map_err(Error::Unavailable)?;
        for _ in 0..ATTEMPTS {
            let stored = self.stored_keys(of).await?;
            let mut ring = Ring::read(&stored)?;
            let next = ring.rotate(fresh.clone(), at_once, now)?;
            let (name, text) = (name(of), ring.text()?);
            if self.store.replace_secret(&name, &stored, &text).await? {
                self.event_keys.forget(of);
                return Ok(next);
            }
        }
        Err(Error::Conflict)
    }

    /// The key that signs the tokens of a tenant.
    pub(super) async fn event_key(
        &self,
        tenant: &Tenant,
        now: Timestamp,
    ) -> Result<Arc<EventKey>, Error> {
        let keys = self.keys(tenant).await?;
        let signs = keys.signs(now);
        signs.ok_or_else(|| Error::Unavailable("there is no key for event tokens".into()))
    }

    async fn keys(&self, tenant: &Tenant) -> Result<Arc<Keys>, Error> {
        let of = tenant.partition.raw();
        if let Some(known) = self.event_keys.get(of) {
            return Ok(known);
        }
        let read = Instant::now();
        let ring = Ring::read(&self.stored_keys(of).await?)?;
        let keys = Arc::new(Keys::of(ring)?);
        self.event_keys.put(of, read, Arc::clone(&keys));
        Ok(keys)
    }

    async fn stored_keys(&self, of: i64) -> Result<Vec<u8>, Error> {
        let first = Ring {
            keys: vec![Kept {
                key: EventKey::generate().map_err(Error::Unavailable)?,
                from: Timestamp(i64::MIN),
                until: None,
            }],
        };
        Ok(self.store.secret(&name(of), &first.text()?).await?)
    }
}

fn name(of: i64) -> String {
    format!("event-keys.{of}")
}

impl Ring {
    /// Without what is wrong, which may hold a key.
    fn read(text: &[u8]) -> Result<Self, Error> {
        let unreadable = |_| Error::Unavailable("the keys for event tokens are damaged".into());
        serde_json::from_slice(text).map_err(unreadable)
    }

    fn text(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|error| Error::Unavailable(error.to_string()))
    }

    /// Adds a key and drops those that are not published any more.
    fn rotate(&mut self, key: Vec<u8>, at_once: bool, now: Timestamp) -> Result<NextKey, Error> {
        let pending = self.keys.iter().find(|it| it.from > now);
        if let (Some(pending), false) = (pending, at_once) {
            let why = format!("another key signs from {} on", pending.from);
            return Err(Invalid::value(why).into());
        }
        let from = if at_once {
            self.keys.clear();
            now
        } else {
            Timestamp(now.0.saturating_add(LEAD_MS))
        };
        let until = Timestamp(from.0.saturating_add(KEPT_MS));
        self.keys.retain(|it| it.is_published(now));
        for before in &mut self.keys {
            before.until.get_or_insert(until);
        }
        let others_until = (!self.keys.is_empty()).then_some(until);
        let kid = EventKey::new(&key).map_err(Error::Unavailable)?.kid();
        self.keys.push(Kept {
            key,
            from,
            until: None,
        });
        Ok(NextKey {
            kid,
            from,
            others_until,
        })
    }
}

impl Kept {
    fn is_published(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Keys {
    fn of(ring: Ring) -> Result<Self, Error> {
        let keys = ring.keys.into_iter().map(|kept| {
            let key = EventKey::new(&kept.key).map_err(Error::Unavailable)?;
            Ok((kept, Arc::new(key)))
        });
        Ok(Self(keys.collect::<Result<_, Error>>()?))
    }

    fn published(&self, now: Timestamp) -> impl Iterator<Item = &Arc<EventKey>> {
        let published = self.0.iter().filter(move |(it, _)| it.is_published(now));
        published.map(|(_, key)| key)
    }

    /// The last that has begun to; the first where a clock was set back before it.
    fn signs(&self, now: Timestamp) -> Option<Arc<EventKey>> {
        let begun = self.0.iter().rev().find(|(it, _)| it.from <= now);
        let signs = begun.or_else(|| self.0.first());
        signs.map(|(_, key)| Arc::clone(key))
    }
}

impl EventKeys {
    fn get(&self, of: i64) -> Option<Arc<Keys>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, keys) = all.get(&of)?;
        (read.elapsed() < REREAD).then(|| Arc::clone(keys))
    }

    fn put(&self, of: i64, read: Instant, keys: Arc<Keys>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(of, (read, keys));
    }

    fn forget(&self, of: i64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Vec<u8> {
        EventKey::generate().unwrap()
    }

    fn kids(ring: &Ring, now: i64) -> (Vec<String>, String) {
        let keys = Keys::of(ring.clone()).unwrap();
        let now = Timestamp(now);
        let published = keys.published(now).map(|it| it.kid()).collect();
        (published, keys.signs(now).unwrap().kid())
    }

    #[test]
    fn keys_are_published_before_they_sign_and_after() {
        let mut ring = Ring {
            keys: vec![Kept {
                key: key(),
                from: Timestamp(i64::MIN),
                until: None,
            }],
        };
        let first = kids(&ring, 0).1;
        let next = ring.rotate(key(), false, Timestamp(0)).unwrap();
        assert_eq!(next.from, Timestamp(LEAD_MS));
        assert_eq!(next.others_until, Some(Timestamp(LEAD_MS + KEPT_MS)));
        let both = vec![first.clone(), next.kid.clone()];
        assert_eq!(kids(&ring, 0), (both.clone(), first.clone()));
        assert_eq!(kids(&ring, LEAD_MS - 1), (both.clone(), first));
        assert_eq!(kids(&ring, LEAD_MS), (both.clone(), next.kid.clone()));
        let end = LEAD_MS + KEPT_MS;
        assert_eq!(kids(&ring, end - 1).0, both);
        let alone = (vec![next.kid.clone()], next.kid.clone());
        assert_eq!(kids(&ring, end), alone);

        assert!(ring.rotate(key(), false, Timestamp(LEAD_MS - 1)).is_err());
        let third = ring.rotate(key(), false, Timestamp(LEAD_MS)).unwrap();
        assert_eq!(kids(&ring, LEAD_MS).0.len(), 3);
        let at_once = ring.rotate(key(), true, Timestamp(LEAD_MS + 1)).unwrap();
        assert_ne!(at_once.kid, third.kid);
        let alone = (vec![at_once.kid.clone()], at_once.kid);
        assert_eq!(kids(&ring, LEAD_MS + 1), alone);
        assert_eq!(at_once.others_until, None);
    }
}
