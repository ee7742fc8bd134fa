//! The connections that read. A read takes one, uses it where it stands, and gives it back:
//! handing the work to another thread would cost as much as most reads.

use std::{
    ops::Deref,
    sync::{Condvar, Mutex, PoisonError},
};

use rusqlite::{Connection, Result};

/// A fixed number of connections.
pub(super) struct Pool {
    /// The one used last is taken first: its page cache is warm.
    idle: Mutex<Vec<Connection>>,
    returned: Condvar,
}

/// A connection on loan.
pub(super) struct Lease<'p> {
    pool: &'p Pool,
    connection: Option<Connection>,
}

/// One consistent state, as long as it lives.
pub(super) struct Snapshot<'c>(&'c Connection);

impl Pool {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        Self {
            idle: Mutex::new(connections),
            returned: Condvar::new(),
        }
    }

    /// A connection; waits for one when all are lent.
    pub(super) fn lease(&self) -> Lease<'_> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut idle = self
            .returned
            .wait_while(idle, |idle| idle.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        Lease {
            pool: self,
            connection: idle.pop(),
        }
    }
}

impl Deref for Lease<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("given back only when dropped"),
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.connection.take());
        drop(idle);
        self.pool.returned.notify_one();
    }
}

impl<'c> Snapshot<'c> {
    pub(super) fn begin(connection: &'c Connection) -> Result<Self> {
        connection.prepare_cached("BEGIN")?.execute([])?;
        Ok(Self(connection))
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        let ended = self.0.prepare_cached("COMMIT").and_then(|mut end| end.execute([]));
        if let Err(error) = ended {
            tracing::warn!(%error, "a read did not end");
        }
    }
}
