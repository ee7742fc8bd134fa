//! What SQLite alone makes durable on this disk: rows of the benchmark's size
//! behind one index, one writer, WAL with `synchronous = FULL`.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::{Connection, params};

use super::users::Person;

/// Rows in one commit of the second ceiling.
pub(super) const BATCH: u64 = 64;

/// Rows per second over `duration` with `per_commit` rows in each commit, in a
/// new database in `folder`.
pub(super) fn rows_per_second(
    folder: &Path,
    per_commit: u64,
    duration: Duration,
) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir_in(folder)?;
    let mut database = Connection::open(folder.path().join("raw.sqlite"))?;
    database.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         CREATE TABLE person (id INTEGER PRIMARY KEY, external TEXT NOT NULL, document BLOB NOT NULL);
         CREATE INDEX person_by_external ON person (external);",
    )?;
    let mut document = Vec::new();
    let mut rows = 0;
    let start = Instant::now();
    while start.elapsed() < duration {
        let commit = database.transaction()?;
        for _ in 0..per_commit {
            let person = Person::at(rows);
            document.clear();
            person.write_json(&mut document);
            commit
                .prepare_cached("INSERT INTO person (external, document) VALUES (?, ?)")?
                .execute(params![person.external_id(), document])?;
            rows += 1;
        }
        commit.commit()?;
    }
    Ok(rows as f64 / start.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ceilings_can_be_measured() {
        let folder = tempfile::tempdir().unwrap();
        for per_commit in [1, BATCH] {
            let rate = rows_per_second(folder.path(), per_commit, Duration::from_millis(20));
            assert!(rate.unwrap() > 0.0);
        }
    }
}
