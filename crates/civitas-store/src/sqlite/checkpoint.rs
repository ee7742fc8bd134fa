//! Writing the log back into the file beside the writer.
//!
//! Most of a long log is written back on a thread of its own while commits go on. What they
//! add meanwhile is little; the writer writes that back itself, between two batches, because
//! only when nothing is left can the log start anew.

use std::thread::{self, JoinHandle};

use rusqlite::{Connection, Result};

/// A connection that writes back what the writer has logged.
pub(super) struct Checkpointer {
    state: State,
    /// Pages of the log after which it is written back.
    pages: u32,
}

enum State {
    Idle(Connection),
    Busy(JoinHandle<Connection>),
    /// Little is left for the writer, until the log has started anew.
    Done(Connection),
    /// A thread could not be started or ended by a panic: the writer works alone.
    Gone,
}

impl Checkpointer {
    pub(super) fn new(connection: Connection, pages: u32) -> Self {
        Self {
            state: State::Idle(connection),
            pages,
        }
    }

    /// Whether it is the writer's turn to write back what is left, for a log of `logged` pages.
    /// A log that has grown to twice the length waits for the thread.
    pub(super) fn is_writers_turn(&mut self, logged: u32) -> bool {
        let is_long = logged >= self.pages;
        match std::mem::replace(&mut self.state, State::Gone) {
            State::Idle(connection) if is_long => self.start(connection),
            State::Busy(thread) if thread.is_finished() || logged >= self.pages * 2 => {
                self.rest(thread);
            }
            State::Done(connection) if !is_long => self.state = State::Idle(connection),
            unchanged => self.state = unchanged,
        }
        is_long && matches!(self.state, State::Done(_) | State::Gone)
    }

    /// Waits for the thread, if it is at work.
    pub(super) fn finish(&mut self) {
        if let State::Busy(thread) = std::mem::replace(&mut self.state, State::Gone) {
            self.rest(thread);
        }
    }

    fn start(&mut self, connection: Connection) {
        let work = move || {
            write_back(&connection, "PASSIVE");
            connection
        };
        match thread::Builder::new()
            .name("civitas-log".into())
            .spawn(work)
        {
            Ok(thread) => self.state = State::Busy(thread),
            Err(error) => tracing::warn!(%error, "no thread to write the log back"),
        }
    }

    fn rest(&mut self, thread: JoinHandle<Connection>) {
        if let Ok(connection) = thread.join() {
            self.state = State::Done(connection);
        } else {
            tracing::error!("writing the log back caused a panic");
        }
    }
}

/// Writes the log back as far as the mode waits for it.
pub(super) fn write_back(connection: &Connection, mode: &str) {
    let checkpoint = format!("PRAGMA wal_checkpoint({mode})");
    let done: Result<()> = connection.query_row(&checkpoint, [], |_| Ok(()));
    if let Err(error) = done {
        tracing::warn!(%error, "the log was not written back");
    }
}
