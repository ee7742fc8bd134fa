//! The connections that read. A read takes one, uses it where it stands, and gives it back:
//! handing the work to another thread would cost as much as most reads.
//!
//! A lease sees one consistent state. That state stays open on the connection for the reads
//! that follow, because opening and closing it costs system calls that are dearer than most
//! reads; it ends with the next commit, of which the writer tells, and soon in any case.

use std::{
    ops::Deref,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, Result};

/// How long a state is used, and so how long a commit of another process may go unseen.
const MAX_AGE: Duration = Duration::from_millis(50);

/// A fixed number of connections.
pub(super) struct Pool {
    shelf: Mutex<Shelf>,
    returned: Condvar,
    /// Counts the commits that reads must see.
    epoch: AtomicU64,
}

struct Shelf {
    /// The one used last is taken first: its page cache is warm.
    idle: Vec<Reading>,
    /// Threads that wait. Waking nobody would be a system call all the same.
    waiting: usize,
}

/// A connection, and the state that is open on it.
struct Reading {
    connection: Connection,
    open: Option<Opened>,
}

#[derive(Clone, Copy)]
struct Opened {
    epoch: u64,
    at: Instant,
}

/// A connection on loan, in one consistent state.
pub(super) struct Lease<'p> {
    pool: &'p Pool,
    reading: Option<Reading>,
}

impl Pool {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let idle = connections.into_iter().map(|connection| Reading {
            connection,
            open: None,
        });
        Self {
            shelf: Mutex::new(Shelf {
                idle: idle.collect(),
                waiting: 0,
            }),
            returned: Condvar::new(),
            epoch: AtomicU64::new(0),
        }
    }

    /// A connection that sees every commit told of; waits for one when all are lent.
    pub(super) fn lease(&self) -> Result<Lease<'_>> {
        let mut lease = Lease {
            pool: self,
            reading: Some(self.take()),
        };
        if let Some(reading) = &mut lease.reading {
            reading.renew(self.epoch.load(Ordering::Acquire))?;
        }
        Ok(lease)
    }

    /// Something was committed: reads that begin from now on see it.
    pub(super) fn outdate(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
        self.release();
    }

    /// Ends the states that nobody uses. While one is open, the log cannot start anew.
    pub(super) fn release(&self) {
        for reading in &mut self.shelf().idle {
            reading.end();
        }
    }

    fn take(&self) -> Reading {
        let mut guard = self.shelf();
        loop {
            if let Some(reading) = guard.idle.pop() {
                return reading;
            }
            guard.waiting += 1;
            guard = self
                .returned
                .wait(guard)
                .unwrap_or_else(PoisonError::into_inner);
            guard.waiting -= 1;
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    /// Opens a new state unless the one that is open may still be used. The epoch is read
    /// before the state is taken, so that it never claims more than it sees.
    fn renew(&mut self, epoch: u64) -> Result<()> {
        // An error within a state may have ended it.
        let usable = |open: Opened| {
            open.epoch == epoch && open.at.elapsed() < MAX_AGE && !self.connection.is_autocommit()
        };
        if self.open.is_some_and(usable) {
            return Ok(());
        }
        self.end();
        self.connection.prepare_cached("BEGIN")?.execute([])?;
        self.open = Some(Opened {
            epoch,
            at: Instant::now(),
        });
        Ok(())
    }

    fn end(&mut self) {
        if self.open.take().is_none() || self.connection.is_autocommit() {
            return;
        }
        let ended = self
            .connection
            .prepare_cached("COMMIT")
            .and_then(|mut end| end.execute([]));
        if let Err(error) = ended {
            tracing::warn!(%error, "a read did not end");
        }
    }
}

impl Deref for Lease<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.reading {
            Some(reading) => &reading.connection,
            None => unreachable!("given back only when dropped"),
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let Some(mut reading) = self.reading.take() else {
            return;
        };
        let mut guard = self.pool.shelf();
        let epoch = self.pool.epoch.load(Ordering::Acquire);
        if reading.open.is_some_and(|open| open.epoch != epoch) {
            reading.end();
        }
        guard.idle.push(reading);
        let awaited = guard.waiting > 0;
        drop(guard);
        if awaited {
            self.pool.returned.notify_one();
        }
    }
}
