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

use super::{
    commit::LOCK,
    error::{Fault, Outcome as Done, RegistryFault},
    file, job, mail, news, part,
    pool::{Connection, Parameter, Step, Transaction},
    record::text,
    registry::{Outcome, check_tenant},
    stream,
};

/// The partition that holds nothing.
const NOTHING: i64 = 0;

/// Small tables that are taken over whole: name, column of the partition, other columns.
const WHOLE: [(&str, &str, &str); 6] = [
    ("stage", "partition", "frozen_at, ahead_ms, seed"),
    (
        "job",
        "tenant",
        "id, kind, actor, input, steps, created, since, ended, cancelled, result, \
         done",
    ),
    ("setting", "tenant", "name, value"),
    ("catalogue", "partition", "definitions"),
    (
        "link",
        "tenant",
        "id, purpose, hash, subject, content, expires",
    ),
    ("text_set", "tenant", "kind, locale, media, content"),
];

/// Numbers for snapshots are given out by one at a time.
const LOCK_NUMBERS: &str = "LOCK TABLE snapshot IN SHARE ROW EXCLUSIVE MODE";

/// Begins a transaction that nobody commits to the tenant beside.
async fn begin(connection: &Connection, partition: Partition) -> Outcome<()> {
    let steps = vec![
        Step::new(LOCK_NUMBERS),
        Step::new(LOCK).with(partition.raw()),
    ];
    connection.begin(Transaction::Writing, steps).await?;
    check_tenant(connection, partition).await
}

pub(super) async fn take(
    connection: &Connection,
    partition: Partition,
    name: &str,
    at: Timestamp,
) -> Outcome<Snapshot> {
    begin(connection, partition).await?;
    let tenant = partition.raw();
    let id = match find(connection, tenant, name).await? {
        Some((id, _)) => id,
        None => make(connection, tenant, name).await?,
    };
    Mirror::new(connection, tenant, -id).whole().await?;
    let last_event = Version(last(connection, tenant).await?);
    let note = Step::new(
        "UPDATE snapshot SET base = (id = $2), at = CASE WHEN id = $2 THEN $3 ELSE at END
         WHERE tenant = $1",
    );
    let note = note.with(tenant).with(id).with(at.0);
    // A job in work is no state to go back to: nobody would work on it.
    let idle = Step::new("DELETE FROM job WHERE tenant = $1 AND ended IS NULL").with(-id);
    connection.commit(vec![idle, note]).await?;
    Ok(Snapshot {
        name: name.into(),
        at,
        last_event,
    })
}

pub(super) async fn list(connection: &Connection, partition: Partition) -> Outcome<Vec<Snapshot>> {
    check_tenant(connection, partition).await?;
    let rows = connection
        .query(
            "SELECT s.name, s.at, p.last FROM snapshot s JOIN partition p ON p.id = -s.id
             WHERE s.tenant = $1 ORDER BY s.name",
            &[&partition.raw()],
        )
        .await?;
    let snapshots = rows.iter().map(|row| {
        Ok(Snapshot {
            name: text(row, 0)?,
            at: Timestamp(row.try_get(1)?),
            last_event: Version(row.try_get(2)?),
        })
    });
    Ok(snapshots.collect::<Done<_>>()?)
}

pub(super) async fn discard(
    connection: &Connection,
    partition: Partition,
    name: &str,
) -> Outcome<()> {
    begin(connection, partition).await?;
    let found = find(connection, partition.raw(), name).await?;
    let (id, _) = found.ok_or_else(|| missing(name))?;
    Mirror::new(connection, NOTHING, -id).whole().await?;
    let last = vec![
        Step::new("DELETE FROM partition WHERE id = $1").with(-id),
        Step::new("DELETE FROM snapshot WHERE id = $1").with(id),
    ];
    Ok(connection.commit(last).await?)
}

pub(super) async fn reset(
    connection: &Connection,
    partition: Partition,
    name: Option<&str>,
) -> Outcome<Partition> {
    begin(connection, partition).await?;
    let tenant = partition.raw();
    let (id, base) = match name {
        None => (NOTHING, false),
        Some(name) => find(connection, tenant, name)
            .await?
            .ok_or_else(|| missing(name))?,
    };
    let jobs = job::ids(connection, tenant).await?;
    let mirror = Mirror::new(connection, -id, tenant);
    if base {
        mirror.since(last(connection, -id).await?).await?;
    } else {
        mirror.whole().await?;
    }
    let generation: Option<i64> = connection
        .value(
            "UPDATE partition SET generation = generation + 1 WHERE id = $1 RETURNING generation",
            &[&tenant],
        )
        .await?;
    let generation = generation.ok_or_else(|| Fault::Refused("no such partition".into()))?;
    part::reset(connection, tenant, &jobs).await?;
    stream::reset(connection, tenant, last(connection, tenant).await?).await?;
    let last = vec![
        Step::new("UPDATE snapshot SET base = (id = $2) WHERE tenant = $1")
            .with(tenant)
            .with(id),
        Step::new("DELETE FROM rehearsal WHERE tenant = $1").with(tenant),
        Step::new("DELETE FROM retry WHERE tenant = $1").with(tenant),
        mail::discard(tenant),
        file::reset(tenant),
        news::tell(),
    ];
    connection.commit(last).await?;
    Ok(partition.in_generation(generation))
}

/// The snapshot of that name, and whether it is the base.
async fn find(connection: &Connection, tenant: i64, name: &str) -> Done<Option<(i64, bool)>> {
    let found = connection
        .row(
            "SELECT id, base FROM snapshot WHERE tenant = $1 AND name = $2",
            &[&tenant, &name.as_bytes()],
        )
        .await?;
    let found = found.map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    found.transpose()
}

/// A place for a snapshot. Places of dropped ones are taken first, with the kinds that they
/// had, because numbers of kinds are never given back.
async fn make(connection: &Connection, tenant: i64, name: &str) -> Outcome<i64> {
    let count: Option<i64> = connection
        .value(
            "SELECT count(*) FROM snapshot WHERE tenant = $1",
            &[&tenant],
        )
        .await?;
    if count.unwrap_or_default() >= MAX_SNAPSHOTS as i64 {
        return Err(RegistryError::TooManySnapshots(MAX_SNAPSHOTS).into());
    }
    let made: Result<Option<i64>, RegistryFault> = connection
        .value(
            "INSERT INTO snapshot (id, tenant, name, at, base)
             SELECT min(taken.id) + 1, $1::bigint, $2::bytea, 0, false
             FROM (SELECT 0 AS id UNION ALL SELECT id FROM snapshot) taken
             WHERE NOT EXISTS (SELECT 1 FROM snapshot s WHERE s.id = taken.id + 1)
             RETURNING id",
            &[&tenant, &name.as_bytes()],
        )
        .await
        .map_err(RegistryFault::from);
    Ok(made?.unwrap_or_default())
}

async fn last(connection: &Connection, partition: i64) -> Done<i64> {
    let last: Option<i64> = connection
        .value("SELECT last FROM partition WHERE id = $1", &[&partition])
        .await?;
    Ok(last.unwrap_or_default())
}

fn missing(name: &str) -> RegistryError {
    RegistryError::Missing(format!("snapshot {name}"))
}

/// Makes one partition hold what another holds.
struct Mirror<'c> {
    connection: &'c Connection,
    source: i64,
    target: i64,
}

/// In the statements below `pair` has the kinds of the source beside those of the target
/// (null where the source has no such type), and `touched` the numbers, in the target, of the
/// resources that are to be taken over. Both are gone with the transaction.
impl<'c> Mirror<'c> {
    const fn new(connection: &'c Connection, source: i64, target: i64) -> Self {
        Self {
            connection,
            source,
            target,
        }
    }

    /// Whatever the target held.
    async fn whole(&self) -> Done<()> {
        self.pair_kinds().await?;
        self.run(
            "INSERT INTO touched SELECT r.rid FROM pair JOIN resource r
             ON r.rid BETWEEN pair.target << 40 AND ((pair.target + 1) << 40) - 1",
        )
        .await?;
        self.run(
            "INSERT INTO touched
             SELECT pair.target << 40 | (r.rid & ((1::bigint << 40) - 1))
             FROM pair JOIN resource r
             ON r.rid BETWEEN pair.source << 40 AND ((pair.source + 1) << 40) - 1
             ON CONFLICT DO NOTHING",
        )
        .await?;
        self.take_over().await?;
        self.execute("DELETE FROM event WHERE partition = $1", &[&self.target])
            .await?;
        self.rows("pruned", "partition", "seq").await?;
        self.execute(
            "INSERT INTO event
                 (partition, seq, at, actor, request, what, kind, id, whole, changed, active)
             SELECT $2::bigint, e.seq, e.at, e.actor, e.request, e.what, pair.target, e.id,
                    e.whole, e.changed, e.active
             FROM event e JOIN pair ON pair.source = e.kind WHERE e.partition = $1",
            &[&self.source, &self.target],
        )
        .await
    }

    /// When the target is the source but for what came after the event.
    async fn since(&self, event: i64) -> Done<()> {
        self.pair_kinds().await?;
        self.execute(
            "INSERT INTO touched SELECT r.rid FROM pair JOIN resource r
             ON r.rid BETWEEN pair.target << 40 AND ((pair.target + 1) << 40) - 1
             WHERE r.version > $1",
            &[&event],
        )
        .await?;
        self.run(
            "INSERT INTO touched SELECT mine FROM (
                 SELECT pair.target << 40 | (r.rid & ((1::bigint << 40) - 1))
                 FROM pair JOIN resource r
                 ON r.rid BETWEEN pair.source << 40 AND ((pair.source + 1) << 40) - 1
             ) kept (mine) WHERE NOT EXISTS (SELECT 1 FROM resource WHERE rid = mine)",
        )
        .await?;
        self.execute(
            "INSERT INTO touched SELECT c.rid FROM pair JOIN credential c
             ON c.rid >> 40 = pair.target WHERE c.stamp > $1 ON CONFLICT DO NOTHING",
            &[&event],
        )
        .await?;
        self.take_over().await?;
        self.execute(
            "DELETE FROM event WHERE partition = $1 AND seq > $2",
            &[&self.target, &event],
        )
        .await?;
        self.execute(
            "UPDATE pruned SET seq = least(seq, $2) WHERE partition = $1",
            &[&self.target, &event],
        )
        .await
    }

    /// Fills `pair`, and makes the kinds and attributes that the target lacks.
    async fn pair_kinds(&self) -> Done<()> {
        let both: [Parameter<'_>; 2] = [&self.source, &self.target];
        self.connection
            .batch(
                "CREATE TEMP TABLE IF NOT EXISTS pair (target bigint PRIMARY KEY, source bigint)
                 ON COMMIT DELETE ROWS;
                 CREATE TEMP TABLE IF NOT EXISTS touched (rid bigint PRIMARY KEY)
                 ON COMMIT DELETE ROWS",
            )
            .await?;
        self.execute(
            "INSERT INTO kind (partition, type, next)
             SELECT $2::bigint, type, next FROM kind WHERE partition = $1 ON CONFLICT DO NOTHING",
            &both,
        )
        .await?;
        self.execute(
            "INSERT INTO pair SELECT t.id, s.id FROM kind t
             LEFT JOIN kind s ON s.partition = $1 AND s.type = t.type WHERE t.partition = $2",
            &both,
        )
        .await?;
        self.run(
            "INSERT INTO attribute (kind, path)
             SELECT pair.target, a.path FROM pair JOIN attribute a ON a.kind = pair.source
             ON CONFLICT DO NOTHING",
        )
        .await
    }

    /// Takes over the resources that are touched, and what is small.
    async fn take_over(&self) -> Done<()> {
        let touched = self
            .connection
            .row("SELECT 1 FROM touched LIMIT 1", &[])
            .await?;
        if touched.is_some() {
            self.clear().await?;
            self.copy().await?;
            self.count().await?;
        }
        self.numbers().await?;
        self.builds().await?;
        for (table, partition, columns) in WHOLE {
            self.rows(table, partition, columns).await?;
        }
        Ok(())
    }

    async fn clear(&self) -> Done<()> {
        for sql in [
            "DELETE FROM value v USING pair, attribute a
             WHERE a.kind = pair.target AND v.attribute = a.id
                 AND v.rid IN (SELECT rid FROM touched)",
            "DELETE FROM membership WHERE group_rid IN (SELECT rid FROM touched)",
            "DELETE FROM credential WHERE rid IN (SELECT rid FROM touched)",
            "DELETE FROM resource WHERE rid IN (SELECT rid FROM touched)",
        ] {
            self.run(sql).await?;
        }
        Ok(())
    }

    async fn copy(&self) -> Done<()> {
        self.execute(
            "INSERT INTO resource
                 (rid, kind, partition, id, version, created, modified, display, document)
             SELECT touched.rid, pair.target, $1::bigint, r.id, r.version, r.created, r.modified,
                    r.display, r.document
             FROM touched JOIN pair ON pair.target = touched.rid >> 40
             JOIN resource r ON r.rid = pair.source << 40 | (touched.rid & ((1::bigint << 40) - 1))",
            &[&self.target],
        )
        .await?;
        for sql in [
            "INSERT INTO value (attribute, head, tail, rid, element)
             SELECT mine.id, v.head, v.tail, touched.rid, v.element
             FROM pair JOIN attribute mine ON mine.kind = pair.target
             JOIN attribute a ON a.kind = pair.source AND a.path = mine.path
             JOIN value v ON v.attribute = a.id
             JOIN touched
             ON touched.rid = pair.target << 40 | (v.rid & ((1::bigint << 40) - 1))",
            "INSERT INTO membership (group_rid, member_rid, display)
             SELECT touched.rid, member.target << 40 | (m.member_rid & ((1::bigint << 40) - 1)),
                    m.display
             FROM touched JOIN pair ON pair.target = touched.rid >> 40
             JOIN membership m
             ON m.group_rid = pair.source << 40 | (touched.rid & ((1::bigint << 40) - 1))
             JOIN pair member ON member.source = m.member_rid >> 40",
            "INSERT INTO credential (rid, stamp, text)
             SELECT touched.rid, p.stamp, p.text
             FROM touched JOIN pair ON pair.target = touched.rid >> 40
             JOIN credential p
             ON p.rid = pair.source << 40 | (touched.rid & ((1::bigint << 40) - 1))",
        ] {
            self.run(sql).await?;
        }
        Ok(())
    }

    async fn count(&self) -> Done<()> {
        self.run("DELETE FROM census WHERE kind IN (SELECT target FROM pair)")
            .await?;
        self.run(
            "INSERT INTO census (kind, bits, block, count)
             SELECT pair.target, c.bits, c.block, c.count
             FROM pair JOIN census c ON c.kind = pair.source",
        )
        .await
    }

    /// The next ordinals, the number of the last event and the version of the catalogue.
    async fn numbers(&self) -> Done<()> {
        self.run(
            "UPDATE kind SET next = coalesce(
                 (SELECT s.next FROM pair JOIN kind s ON s.id = pair.source
                  WHERE pair.target = kind.id), 1)
             WHERE id IN (SELECT target FROM pair)",
        )
        .await?;
        self.execute(
            "INSERT INTO partition (id, generation, last, catalogue)
             VALUES ($2, 0, coalesce((SELECT last FROM partition WHERE id = $1), 0),
                     coalesce((SELECT catalogue FROM partition WHERE id = $1), 0))
             ON CONFLICT (id) DO UPDATE
             SET last = excluded.last, catalogue = excluded.catalogue",
            &[&self.source, &self.target],
        )
        .await
    }

    /// How far indexes have come that are being built.
    async fn builds(&self) -> Done<()> {
        self.run(
            "DELETE FROM build WHERE attribute IN
             (SELECT a.id FROM pair JOIN attribute a ON a.kind = pair.target)",
        )
        .await?;
        self.run(
            "INSERT INTO build (attribute, through, last, version, examined)
             SELECT mine.id, pair.target << 40 | (b.through & ((1::bigint << 40) - 1)),
                    pair.target << 40 | (b.last & ((1::bigint << 40) - 1)), b.version, b.examined
             FROM pair JOIN attribute mine ON mine.kind = pair.target
             JOIN attribute a ON a.kind = pair.source AND a.path = mine.path
             JOIN build b ON b.attribute = a.id",
        )
        .await
    }

    /// All rows of a small table.
    async fn rows(&self, table: &str, partition: &str, columns: &str) -> Done<()> {
        self.execute(
            &format!("DELETE FROM {table} WHERE {partition} = $1"),
            &[&self.target],
        )
        .await?;
        self.execute(
            &format!(
                "INSERT INTO {table} ({partition}, {columns})
                 SELECT $2::bigint, {columns} FROM {table} WHERE {partition} = $1"
            ),
            &[&self.source, &self.target],
        )
        .await
    }

    async fn run(&self, sql: &str) -> Done<()> {
        self.execute(sql, &[]).await
    }

    async fn execute(&self, sql: &str, parameters: &[Parameter<'_>]) -> Done<()> {
        self.connection.execute(sql, parameters).await.map(drop)
    }
}
