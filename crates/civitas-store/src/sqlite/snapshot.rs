//! Keeping states of a tenant, and taking it back to them.
//!
//! A snapshot is a partition that nobody can name: its rows stand in the same tables, under
//! kinds of its own, with the ordinals and versions of the tenant's. Taking one, resetting to
//! one and dropping one are the same work, [`Mirror`]: make one partition hold what another
//! holds. As long as a tenant goes on from the snapshot that it is reset to (its base), only
//! what has a later version, or is gone, needs to be touched.

use civitas_directory::{
    record::{Timestamp, Version},
    store::{MAX_SNAPSHOTS, RegistryError, Snapshot},
    tenant::Partition,
};
use rusqlite::{Connection, OptionalExtension, Result, TransactionBehavior};

use super::{error::RegistryFault, file, job, mail, registry::check_tenant, retry, stream};

type Outcome<T> = std::result::Result<T, RegistryFault>;

/// The partition that holds nothing.
const NOTHING: i64 = 0;

/// Small tables that are taken over whole, and their columns that name the partition.
const WHOLE: [(&str, &str); 6] = [
    ("stage", "partition"),
    ("job", "tenant"),
    ("setting", "tenant"),
    ("catalogue", "partition"),
    ("link", "tenant"),
    ("text_set", "tenant"),
];

pub(super) fn take(
    connection: &mut Connection,
    partition: Partition,
    name: &str,
    at: Timestamp,
) -> Outcome<Snapshot> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    check_tenant(&transaction, partition)?;
    let tenant = partition.raw();
    let id = match find(&transaction, tenant, name)? {
        Some((id, _)) => id,
        None => make(&transaction, tenant, name)?,
    };
    Mirror::new(&transaction, tenant, -id).whole()?;
    // A job in work is no state to go back to: nobody would work on it.
    transaction.execute("DELETE FROM job WHERE tenant = ?1 AND ended IS NULL", [-id])?;
    transaction.execute(
        "UPDATE snapshot SET base = (id = ?2), at = iif(id = ?2, ?3, at) WHERE tenant = ?1",
        (tenant, id, at.0),
    )?;
    let last_event = Version(last(&transaction, tenant)?);
    transaction.commit()?;
    Ok(Snapshot {
        name: name.into(),
        at,
        last_event,
    })
}

pub(super) fn list(connection: &Connection, partition: Partition) -> Outcome<Vec<Snapshot>> {
    check_tenant(connection, partition)?;
    let snapshots = connection
        .prepare_cached(
            "SELECT s.name, s.at, p.last FROM snapshot s JOIN partition p ON p.id = -s.id
             WHERE s.tenant = ?1 ORDER BY s.name",
        )?
        .query_map([partition.raw()], |row| {
            Ok(Snapshot {
                name: row.get(0)?,
                at: Timestamp(row.get(1)?),
                last_event: Version(row.get(2)?),
            })
        })?
        .collect::<Result<_>>()?;
    Ok(snapshots)
}

pub(super) fn discard(
    connection: &mut Connection,
    partition: Partition,
    name: &str,
) -> Outcome<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    check_tenant(&transaction, partition)?;
    let (id, _) = find(&transaction, partition.raw(), name)?.ok_or_else(|| missing(name))?;
    Mirror::new(&transaction, NOTHING, -id).whole()?;
    transaction.execute("DELETE FROM partition WHERE id = ?1", [-id])?;
    transaction.execute("DELETE FROM snapshot WHERE id = ?1", [id])?;
    transaction.commit()?;
    Ok(())
}

pub(super) fn reset(
    connection: &mut Connection,
    partition: Partition,
    name: Option<&str>,
) -> Outcome<Partition> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    check_tenant(&transaction, partition)?;
    let tenant = partition.raw();
    let (id, base) = match name {
        None => (NOTHING, false),
        Some(name) => find(&transaction, tenant, name)?.ok_or_else(|| missing(name))?,
    };
    let mirror = Mirror::new(&transaction, -id, tenant);
    let jobs = job::ids(&transaction, tenant)?;
    if base {
        mirror.since(last(&transaction, -id)?)?;
    } else {
        mirror.whole()?;
    }
    transaction
        .prepare_cached("UPDATE snapshot SET base = (id = ?2) WHERE tenant = ?1")?
        .execute([tenant, id])?;
    transaction
        .prepare_cached("DELETE FROM rehearsal WHERE tenant = ?1")?
        .execute([tenant])?;
    let generation = transaction
        .prepare_cached(
            "UPDATE partition SET generation = generation + 1 WHERE id = ?1 RETURNING generation",
        )?
        .query_row([tenant], |row| row.get(0))?;
    job::reset(&transaction, tenant, &jobs)?;
    retry::reset(&transaction, tenant)?;
    file::reset(&transaction, tenant)?;
    mail::discard(&transaction, tenant)?;
    stream::reset(&transaction, partition, last(&transaction, tenant)?)?;
    transaction.commit()?;
    Ok(partition.in_generation(generation))
}

/// The snapshot of that name, and whether it is the base.
fn find(connection: &Connection, tenant: i64, name: &str) -> Result<Option<(i64, bool)>> {
    connection
        .prepare_cached("SELECT id, base FROM snapshot WHERE tenant = ?1 AND name = ?2")?
        .query_row((tenant, name), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// A place for a snapshot. Places of dropped ones are taken first, with the kinds that they
/// had, because numbers of kinds are never given back.
fn make(connection: &Connection, tenant: i64, name: &str) -> Outcome<i64> {
    let count: i64 = connection.query_row(
        "SELECT count(*) FROM snapshot WHERE tenant = ?1",
        [tenant],
        |row| row.get(0),
    )?;
    if count >= MAX_SNAPSHOTS as i64 {
        return Err(RegistryError::TooManySnapshots(MAX_SNAPSHOTS).into());
    }
    let id = connection.query_row(
        "SELECT min(id) + 1 FROM (SELECT 0 AS id UNION ALL SELECT id FROM snapshot) taken
         WHERE NOT EXISTS (SELECT 1 FROM snapshot WHERE id = taken.id + 1)",
        [],
        |row| row.get(0),
    )?;
    connection.execute(
        "INSERT INTO snapshot (id, tenant, name, at, base) VALUES (?1, ?2, ?3, 0, 0)",
        (id, tenant, name),
    )?;
    Ok(id)
}

fn last(connection: &Connection, partition: i64) -> Result<i64> {
    let last = connection
        .prepare_cached("SELECT last FROM partition WHERE id = ?1")?
        .query_row([partition], |row| row.get(0))
        .optional()?;
    Ok(last.unwrap_or_default())
}

fn missing(name: &str) -> RegistryError {
    RegistryError::Missing(format!("snapshot {name}"))
}

/// Makes one partition hold what another holds.
struct Mirror<'t> {
    connection: &'t Connection,
    source: i64,
    target: i64,
}

/// In the statements below `pair` has the kinds of the source beside those of the target
/// (null where the source has no such type), and `touched` the numbers, in the target, of the
/// resources that are to be taken over.
impl<'t> Mirror<'t> {
    const fn new(connection: &'t Connection, source: i64, target: i64) -> Self {
        Self {
            connection,
            source,
            target,
        }
    }

    /// Whatever the target held.
    fn whole(&self) -> Result<()> {
        self.pair_kinds()?;
        self.run(
            "INSERT INTO touched SELECT r.rid FROM pair CROSS JOIN resource r
             ON r.rid BETWEEN pair.target << 40 AND ((pair.target + 1) << 40) - 1",
        )?;
        self.run(
            "INSERT OR IGNORE INTO touched
             SELECT pair.target << 40 | (r.rid & ((1 << 40) - 1)) FROM pair CROSS JOIN resource r
             ON r.rid BETWEEN pair.source << 40 AND ((pair.source + 1) << 40) - 1",
        )?;
        self.take_over()?;
        self.execute("DELETE FROM event WHERE partition = ?1", [self.target])?;
        self.rows("pruned", "partition")?;
        self.execute(
            "INSERT INTO event
             (partition, seq, at, actor, request, what, kind, id, whole, changed, active)
             SELECT ?2, e.seq, e.at, e.actor, e.request, e.what, pair.target, e.id,
                    e.whole, e.changed, e.active
             FROM event e JOIN pair ON pair.source = e.kind WHERE e.partition = ?1",
            [self.source, self.target],
        )
    }

    /// When the target is the source but for what came after the event.
    fn since(&self, event: i64) -> Result<()> {
        self.pair_kinds()?;
        self.execute(
            "INSERT INTO touched SELECT r.rid FROM pair CROSS JOIN resource r
             ON r.rid BETWEEN pair.target << 40 AND ((pair.target + 1) << 40) - 1
             WHERE r.version > ?1",
            [event],
        )?;
        self.run(
            "INSERT INTO touched
             SELECT pair.target << 40 | (r.rid & ((1 << 40) - 1)) AS mine
             FROM pair CROSS JOIN resource r
             ON r.rid BETWEEN pair.source << 40 AND ((pair.source + 1) << 40) - 1
             WHERE NOT EXISTS (SELECT 1 FROM resource WHERE rid = mine)",
        )?;
        self.execute(
            "INSERT OR IGNORE INTO touched SELECT c.rid FROM pair CROSS JOIN credential c
             ON c.rid >> 40 = pair.target WHERE c.stamp > ?1",
            [event],
        )?;
        self.take_over()?;
        self.execute(
            "DELETE FROM event WHERE partition = ?1 AND seq > ?2",
            [self.target, event],
        )?;
        self.execute(
            "UPDATE pruned SET seq = min(seq, ?2) WHERE partition = ?1",
            [self.target, event],
        )
    }

    /// Fills `pair`, and makes the kinds and attributes that the target lacks.
    fn pair_kinds(&self) -> Result<()> {
        let both = [self.source, self.target];
        self.connection.execute_batch(
            "CREATE TEMP TABLE IF NOT EXISTS pair (target INTEGER PRIMARY KEY, source INTEGER);
             CREATE TEMP TABLE IF NOT EXISTS touched (rid INTEGER PRIMARY KEY);",
        )?;
        self.run("DELETE FROM pair")?;
        self.run("DELETE FROM touched")?;
        self.execute(
            "INSERT OR IGNORE INTO kind (partition, type, next)
             SELECT ?2, type, next FROM kind WHERE partition = ?1",
            both,
        )?;
        self.execute(
            "INSERT INTO pair SELECT t.id, s.id FROM kind t
             LEFT JOIN kind s ON s.partition = ?1 AND s.type = t.type WHERE t.partition = ?2",
            both,
        )?;
        self.run(
            "INSERT OR IGNORE INTO attribute (kind, path)
             SELECT pair.target, a.path FROM pair JOIN attribute a ON a.kind = pair.source",
        )
    }

    /// Takes over the resources that are touched, and what is small.
    fn take_over(&self) -> Result<()> {
        let touched = self
            .connection
            .prepare_cached("SELECT 1 FROM touched LIMIT 1")?
            .exists([])?;
        if touched {
            self.clear()?;
            self.copy()?;
            self.count()?;
        }
        self.numbers()?;
        self.builds()?;
        for (table, partition) in WHOLE {
            self.rows(table, partition)?;
        }
        Ok(())
    }

    fn clear(&self) -> Result<()> {
        for sql in [
            "DELETE FROM value WHERE rid IN touched AND attribute IN
             (SELECT a.id FROM pair CROSS JOIN attribute a ON a.kind = pair.target)",
            "DELETE FROM membership WHERE group_rid IN touched",
            "DELETE FROM credential WHERE rid IN touched",
            "DELETE FROM resource WHERE rid IN touched",
        ] {
            self.run(sql)?;
        }
        Ok(())
    }

    fn copy(&self) -> Result<()> {
        let copied = self
            .connection
            .prepare_cached(
                "INSERT INTO resource
                 (rid, kind, partition, id, version, created, modified, display, document)
                 SELECT touched.rid, pair.target, ?1, r.id, r.version, r.created, r.modified,
                        r.display, r.document
                 FROM touched CROSS JOIN pair ON pair.target = touched.rid >> 40
                 CROSS JOIN resource r
                 ON r.rid = pair.source << 40 | (touched.rid & ((1 << 40) - 1))",
            )?
            .execute([self.target])?;
        if copied == 0 {
            return Ok(());
        }
        for sql in [
            "INSERT INTO value (attribute, key, rid, element)
             SELECT mine.id, v.key, pair.target << 40 | (v.rid & ((1 << 40) - 1)) AS own, v.element
             FROM pair CROSS JOIN attribute mine ON mine.kind = pair.target
             CROSS JOIN attribute a ON a.kind = pair.source AND a.path = mine.path
             CROSS JOIN value v ON v.attribute = a.id
             WHERE own IN touched",
            "INSERT INTO membership (group_rid, member_rid, display)
             SELECT touched.rid, member.target << 40 | (m.member_rid & ((1 << 40) - 1)), m.display
             FROM touched CROSS JOIN pair ON pair.target = touched.rid >> 40
             CROSS JOIN membership m
             ON m.group_rid = pair.source << 40 | (touched.rid & ((1 << 40) - 1))
             CROSS JOIN pair member ON member.source = m.member_rid >> 40",
            "INSERT INTO credential (rid, stamp, text)
             SELECT touched.rid, p.stamp, p.text
             FROM touched CROSS JOIN pair ON pair.target = touched.rid >> 40
             CROSS JOIN credential p
             ON p.rid = pair.source << 40 | (touched.rid & ((1 << 40) - 1))",
        ] {
            self.run(sql)?;
        }
        Ok(())
    }

    fn count(&self) -> Result<()> {
        self.run("DELETE FROM census WHERE kind IN (SELECT target FROM pair)")?;
        self.run(
            "INSERT INTO census (kind, bits, block, count)
             SELECT pair.target, c.bits, c.block, c.count
             FROM pair JOIN census c ON c.kind = pair.source",
        )
    }

    /// The next ordinals, the number of the last event and the version of the catalogue.
    fn numbers(&self) -> Result<()> {
        self.run(
            "UPDATE kind SET next = coalesce(
                 (SELECT s.next FROM pair JOIN kind s ON s.id = pair.source
                  WHERE pair.target = kind.id), 1)
             WHERE id IN (SELECT target FROM pair)",
        )?;
        self.execute(
            "INSERT INTO partition (id, generation, last, catalogue)
             VALUES (?2, 0, coalesce((SELECT last FROM partition WHERE id = ?1), 0),
                     coalesce((SELECT catalogue FROM partition WHERE id = ?1), 0))
             ON CONFLICT DO UPDATE SET last = excluded.last, catalogue = excluded.catalogue",
            [self.source, self.target],
        )
    }

    /// How far indexes have come that are being built.
    fn builds(&self) -> Result<()> {
        self.run(
            "DELETE FROM build WHERE attribute IN
             (SELECT a.id FROM pair CROSS JOIN attribute a ON a.kind = pair.target)",
        )?;
        self.run(
            "INSERT INTO build (attribute, through, last, version, examined)
             SELECT mine.id, pair.target << 40 | (b.through & ((1 << 40) - 1)),
                    pair.target << 40 | (b.last & ((1 << 40) - 1)), b.version, b.examined
             FROM pair CROSS JOIN attribute mine ON mine.kind = pair.target
             CROSS JOIN attribute a ON a.kind = pair.source AND a.path = mine.path
             CROSS JOIN build b ON b.attribute = a.id",
        )
    }

    /// All rows of a small table.
    fn rows(&self, table: &str, partition: &str) -> Result<()> {
        let columns: Vec<String> = self
            .connection
            .prepare_cached("SELECT name FROM pragma_table_info(?1) WHERE name <> ?2")?
            .query_map([table, partition], |row| row.get(0))?
            .collect::<Result<_>>()?;
        let columns = columns.join(", ");
        self.execute(
            &format!("DELETE FROM {table} WHERE {partition} = ?1"),
            [self.target],
        )?;
        self.execute(
            &format!(
                "INSERT INTO {table} ({partition}, {columns})
                 SELECT ?2, {columns} FROM {table} WHERE {partition} = ?1"
            ),
            [self.source, self.target],
        )
    }

    fn run(&self, sql: &str) -> Result<()> {
        self.execute(sql, [])
    }

    fn execute(&self, sql: &str, numbers: impl rusqlite::Params) -> Result<()> {
        self.connection
            .prepare_cached(sql)?
            .execute(numbers)
            .map(drop)
    }
}
