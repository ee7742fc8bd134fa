//! The keys that sign the tokens of tenants, one each.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};

use super::{Directory, EventKey};
use crate::{error::Error, tenant::Tenant};

/// Keys by number of the partition, as far as they were needed.
#[derive(Default)]
pub(in crate::directory) struct EventKeys(Mutex<HashMap<i64, Arc<EventKey>>>);

impl Directory {
    /// The public keys that the tokens of a tenant are verified with (RFC 7517 §5).
    pub async fn event_keys(&self, tenant: &Tenant) -> Result<Value, Error> {
        let key = self.event_key(tenant).await?;
        Ok(json!({ "keys": [key.public()] }))
    }

    pub(super) async fn event_key(&self, tenant: &Tenant) -> Result<Arc<EventKey>, Error> {
        let of = tenant.partition.raw();
        let known = self.event_keys.get(of);
        if let Some(key) = known {
            return Ok(key);
        }
        let fresh = EventKey::generate().map_err(Error::Unavailable)?;
        let kept = self
            .store
            .secret(&format!("event-key.{of}"), &fresh)
            .await?;
        let key = Arc::new(EventKey::new(&kept).map_err(Error::Unavailable)?);
        self.event_keys.put(of, Arc::clone(&key));
        Ok(key)
    }
}

impl EventKeys {
    fn get(&self, of: i64) -> Option<Arc<EventKey>> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get(&of).cloned()
    }

    fn put(&self, of: i64, key: Arc<EventKey>) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(of, key);
    }
}
