//! What a change set does to the tables.
//!
//! A change checks all its guards before it writes, so that one refused leaves nothing
//! behind. Only a set of several changes, of which a later one may be refused, needs a
//! savepoint.

use std::{
    collections::{BTreeMap, HashMap, HashSet, hash_map::Entry},
    sync::LazyLock,
};

use civitas_directory::{
    change::{
        Change, ChangeSet, Committed, Create, Delete, Difference, Members, Proof, Rejected,
        Replace, Unique,
    },
    credential::Verdict,
    record::{Timestamp, Version},
    store::Position,
    tenant::Partition,
};
use civitas_scim::{index::IndexEntry, value::Key};
use rusqlite::{
    Connection, OptionalExtension, Result,
    types::{ToSqlOutput, Value, ValueRef},
};

use super::{
    GROUP, USER,
    catalog::Catalog,
    error::{ApplyFault, ApplyResult},
    mail,
    schema::{BLOCK_BITS, kind_of, ordinal_of, rid},
};
use crate::credential;

/// An event's `what`, as stored.
pub(super) const CREATED: i64 = 0;
pub(super) const CHANGED: i64 = 1;
pub(super) const DELETED: i64 = 2;

/// Rows that one statement enters into the index of values. A user has about so many.
const MOST_ROWS: usize = 8;

/// The statement that enters so many values, [`MOST_ROWS`] at most.
fn insert_values(rows: usize) -> &'static str {
    static STATEMENTS: LazyLock<[String; MOST_ROWS]> = LazyLock::new(|| {
        std::array::from_fn(|more| {
            format!(
                "INSERT OR IGNORE INTO value (attribute, key, rid, element)
                 VALUES (?, ?, ?, ?){}",
                ", (?, ?, ?, ?)".repeat(more)
            )
        })
    });
    &STATEMENTS[rows - 1]
}

/// A key as SQLite is given it.
pub(super) fn sql(key: &Key) -> ToSqlOutput<'_> {
    match key {
        Key::Integer(integer) => ToSqlOutput::Owned(Value::Integer(*integer)),
        Key::Real(real) => ToSqlOutput::Owned(Value::Real(*real)),
        Key::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
    }
}

/// The change sets of one transaction.
pub(super) struct Batch<'w> {
    connection: &'w Connection,
    catalog: &'w Catalog,
    ledger: Ledger,
}

/// Numbers that a transaction hands out and counts, written once at its end.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    /// What is known of the partitions met.
    partitions: HashMap<i64, Numbers>,
    /// Next ordinals of the kinds that got resources.
    next: HashMap<i64, i64>,
    /// Resources gained and lost by kind and finest block.
    counts: BTreeMap<(i64, i64), i64>,
    /// Kinds made: partition, type, number.
    kinds: Vec<(i64, String, i64)>,
    /// Attributes made: kind, path, number.
    attributes: Vec<(i64, String, i64)>,
}

/// Generation, catalogue and last event of a partition.
#[derive(Debug, Clone, Copy, Default)]
struct Numbers {
    generation: i64,
    /// Version of the catalogue in force.
    catalogue: i64,
    last: i64,
    /// The last event when the transaction began.
    was: i64,
}

impl Ledger {
    /// Makes known what was made and is now committed.
    pub(super) fn publish(&self, catalog: &Catalog) {
        for (partition, resource_type, kind) in &self.kinds {
            catalog.learn_kind(*partition, resource_type, *kind);
        }
        for (kind, path, attribute) in &self.attributes {
            catalog.learn_attribute(*kind, path, *attribute);
        }
    }

    fn count(&mut self, rid: i64, change: i64) {
        let block = ordinal_of(rid) >> BLOCK_BITS[BLOCK_BITS.len() - 1];
        *self.counts.entry((kind_of(rid), block)).or_default() += change;
    }
}

impl<'w> Batch<'w> {
    /// Starts in a transaction that has begun.
    pub(super) fn begin(connection: &'w Connection, catalog: &'w Catalog) -> Self {
        Self {
            connection,
            catalog,
            ledger: Ledger::default(),
        }
    }

    /// Applies a change set, or refuses it and leaves nothing of it. After an error of the
    /// database the transaction has to be rolled back.
    pub(super) fn apply(
        &mut self,
        partition: Partition,
        change_set: &ChangeSet,
    ) -> ApplyResult<Committed> {
        let numbers = *self.numbers(partition.raw())?;
        if numbers.generation != partition.generation() {
            return Err(Rejected::Reset.into());
        }
        if numbers.catalogue != change_set.catalogue.0 {
            return Err(Rejected::Outdated.into());
        }
        let partition = partition.raw();
        if change_set.changes.len() <= 1 {
            return Applying::new(self, partition, change_set).run();
        }
        let before = self.ledger.clone();
        self.execute("SAVEPOINT change_set")?;
        let result = Applying::new(self, partition, change_set).run();
        if let Err(ApplyFault::Guard(_)) = result {
            self.execute("ROLLBACK TO change_set")?;
            self.ledger = before;
        }
        self.execute("RELEASE change_set")?;
        result
    }

    /// Writes down what was handed out and counted.
    pub(super) fn finish(self) -> Result<Ledger> {
        let Self {
            connection, ledger, ..
        } = self;
        for (partition, numbers) in &ledger.partitions {
            if numbers.last != numbers.was {
                connection
                    .prepare_cached(
                        "INSERT INTO partition (id, generation, last) VALUES (?1, 0, ?2)
                         ON CONFLICT DO UPDATE SET last = excluded.last",
                    )?
                    .execute([*partition, numbers.last])?;
            }
        }
        for (kind, next) in &ledger.next {
            connection
                .prepare_cached("UPDATE kind SET next = ?2 WHERE id = ?1")?
                .execute([kind, next])?;
        }
        for ((kind, block), change) in &ledger.counts {
            for bits in BLOCK_BITS {
                let block = block >> (bits - BLOCK_BITS[BLOCK_BITS.len() - 1]);
                connection
                    .prepare_cached(
                        "INSERT INTO census (kind, bits, block, count) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT DO UPDATE SET count = count + excluded.count",
                    )?
                    .execute((kind, bits, block, change))?;
            }
        }
        Ok(ledger)
    }

    fn execute(&self, sql: &str) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    /// What the partition has come to.
    fn numbers(&mut self, partition: i64) -> Result<&mut Numbers> {
        match self.ledger.partitions.entry(partition) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => {
                let numbers = self
                    .connection
                    .prepare_cached(
                        "SELECT generation, last, catalogue FROM partition WHERE id = ?1",
                    )?
                    .query_row([partition], |row| {
                        let last = row.get(1)?;
                        Ok(Numbers {
                            generation: row.get(0)?,
                            catalogue: row.get(2)?,
                            last,
                            was: last,
                        })
                    })
                    .optional()?;
                Ok(unknown.insert(numbers.unwrap_or_default()))
            }
        }
    }

    /// The kind, if it ever had a resource. What this transaction made is looked for here
    /// first, because the catalog may only learn what is committed.
    fn kind(&self, partition: i64, resource_type: &str) -> Result<Option<i64>> {
        let made = self.ledger.kinds.iter();
        let mut made = made.filter(|(of, name, _)| *of == partition && name == resource_type);
        match made.next() {
            Some((_, _, kind)) => Ok(Some(*kind)),
            None => self.catalog.kind(self.connection, partition, resource_type),
        }
    }

    fn make_kind(&mut self, partition: i64, resource_type: &str) -> Result<i64> {
        if let Some(kind) = self.kind(partition, resource_type)? {
            return Ok(kind);
        }
        let kind = self
            .connection
            .prepare_cached("INSERT INTO kind (partition, type, next) VALUES (?1, ?2, 1)")?
            .insert((partition, resource_type))?;
        self.ledger
            .kinds
            .push((partition, resource_type.into(), kind));
        Ok(kind)
    }

    fn attribute(&self, kind: i64, path: &str) -> Result<Option<i64>> {
        let made = self.ledger.attributes.iter();
        let mut made = made.filter(|(of, name, _)| *of == kind && name == path);
        match made.next() {
            Some((_, _, attribute)) => Ok(Some(*attribute)),
            None => self.catalog.attribute(self.connection, kind, path),
        }
    }

    fn make_attribute(&mut self, kind: i64, path: &str) -> Result<i64> {
        if let Some(attribute) = self.attribute(kind, path)? {
            return Ok(attribute);
        }
        let attribute = self
            .connection
            .prepare_cached("INSERT INTO attribute (kind, path) VALUES (?1, ?2)")?
            .insert((kind, path))?;
        self.ledger.attributes.push((kind, path.into(), attribute));
        Ok(attribute)
    }

    /// A rid that no resource ever had.
    fn next_rid(&mut self, kind: i64) -> Result<i64> {
        let next = match self.ledger.next.get(&kind) {
            Some(next) => *next,
            None => self
                .connection
                .prepare_cached("SELECT next FROM kind WHERE id = ?1")?
                .query_row([kind], |row| row.get(0))?,
        };
        self.ledger.next.insert(kind, next + 1);
        Ok(rid(kind, next))
    }
}

/// A resource as guards look at it.
#[derive(Debug, Clone, Copy)]
struct Row {
    rid: i64,
    version: i64,
    modified: i64,
}

/// A resource that the change set has given a new version.
struct Touched {
    rid: i64,
    /// Its version before; `None` of a new resource.
    before: Option<i64>,
    version: i64,
}

struct Applying<'b, 'w> {
    batch: &'b mut Batch<'w>,
    partition: i64,
    set: &'b ChangeSet,
    touched: Vec<Touched>,
    verdict: Option<Verdict>,
}

impl<'b, 'w> Applying<'b, 'w> {
    fn new(batch: &'b mut Batch<'w>, partition: i64, set: &'b ChangeSet) -> Self {
        Self {
            batch,
            partition,
            set,
            touched: Vec::new(),
            verdict: None,
        }
    }

    fn run(mut self) -> ApplyResult<Committed> {
        let mut first = None;
        for change in &self.set.changes {
            let row = match change {
                Change::Create(create) => self.create(create)?,
                Change::Replace(replace) => self.replace(replace)?,
                Change::Delete(delete) => self.delete(delete)?,
                Change::Members(members) => self.members(members)?,
                Change::Touch(touch) => {
                    let row = self.require(&touch.resource_type, &touch.id, touch.expect)?;
                    self.touch_row(&row, &touch.id)?;
                    row
                }
                Change::Credential(proof) => self.prove(proof)?,
                Change::Feint => {
                    self.feign()?;
                    continue;
                }
                Change::Mail(mail) => {
                    mail::enter(self.batch.connection, self.partition, mail)?;
                    continue;
                }
                Change::Link(change) => {
                    mail::change(self.batch.connection, self.partition, change)?;
                    continue;
                }
            };
            first.get_or_insert(row);
        }
        Ok(self.committed(first))
    }

    /// The state in which all changes left the resource of the first one.
    fn committed(&self, first: Option<Row>) -> Committed {
        let rid = first.map(|row| row.rid);
        let touched = self
            .touched
            .iter()
            .rfind(|touched| Some(touched.rid) == rid);
        let (version, modified) = match (touched, first) {
            (Some(touched), _) => (touched.version, self.set.at.0),
            (None, Some(row)) => (row.version, row.modified),
            (None, None) => (0, self.set.at.0),
        };
        Committed {
            position: Position(rid.map_or(0, ordinal_of)),
            version: Version(version),
            modified: Timestamp(modified),
            changed: !self.touched.is_empty(),
            verdict: self.verdict,
        }
    }

    /// Changes what a user proves itself by.
    fn prove(&mut self, proof: &Proof) -> ApplyResult<Row> {
        let missing = || Rejected::Missing {
            id: proof.id.clone(),
        };
        let row = self.row(&proof.id)?.ok_or_else(missing)?;
        let kept: Option<String> = self
            .batch
            .connection
            .prepare_cached("SELECT text FROM credential WHERE rid = ?1")?
            .query_row([row.rid], |row| row.get(0))
            .optional()?;
        let applied = credential::apply(&proof.change, kept.as_deref());
        let (verdict, text) = applied.map_err(Rejected::Unavailable)?;
        if verdict == Some(Verdict::TooManyMails) {
            return Err(Rejected::TooManyMails.into());
        }
        self.verdict = verdict.or(self.verdict);
        if let Some(text) = text {
            let stamp = self.batch.numbers(self.partition)?.last + 1;
            self.batch
                .connection
                .prepare_cached(
                    "INSERT INTO credential (rid, stamp, text) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET stamp = excluded.stamp, text = excluded.text",
                )?
                .execute((row.rid, stamp, text))?;
        }
        Ok(row)
    }

    /// Writes as much as counting a wrong password does. What would not change would not be written.
    fn feign(&self) -> Result<()> {
        self.batch
            .connection
            .prepare_cached("UPDATE partition SET feints = feints + 1 WHERE id = ?1")?
            .execute([self.partition])
            .map(drop)
    }

    fn create(&mut self, create: &Create) -> ApplyResult<Row> {
        let kind = self
            .batch
            .make_kind(self.partition, &create.resource_type)?;
        if let Err(taken) = self.require_free(kind, &create.unique, 0) {
            // Of two reasons the id comes first.
            self.require_new(&create.id)?;
            return Err(taken);
        }
        let rid = self.batch.next_rid(kind)?;
        let version = self.batch.numbers(self.partition)?.last + 1;
        let at = self.set.at.0;
        let inserted = self
            .batch
            .connection
            .prepare_cached(
                "INSERT OR IGNORE INTO resource
                 (rid, kind, partition, id, version, created, modified, display, document)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8)",
            )?
            .execute((
                rid,
                kind,
                self.partition,
                &create.id,
                version,
                at,
                &create.display,
                &create.document,
            ))?;
        if inserted == 0 {
            let id = create.id.clone();
            return Err(Rejected::Exists { id }.into());
        }
        self.event(kind, &create.id, CREATED, None)?;
        self.touched.push(Touched {
            rid,
            before: None,
            version,
        });
        self.index(kind, rid, &create.index)?;
        self.batch.ledger.count(rid, 1);
        Ok(Row {
            rid,
            version,
            modified: at,
        })
    }

    fn require_new(&self, id: &str) -> ApplyResult<()> {
        match self.rid(id)? {
            Some(_) => Err(Rejected::Exists { id: id.into() }.into()),
            None => Ok(()),
        }
    }

    fn replace(&mut self, replace: &Replace) -> ApplyResult<Row> {
        let row = self.require(&replace.resource_type, &replace.id, Some(replace.expect))?;
        let kind = kind_of(row.rid);
        self.require_free(kind, &replace.unique, row.rid)?;
        let version = self.touch(&row, &replace.id, Some(&replace.difference))?;
        self.batch
            .connection
            .prepare_cached(
                "UPDATE resource SET version = ?2, modified = ?3, display = ?4, document = ?5
                 WHERE rid = ?1",
            )?
            .execute((
                row.rid,
                version,
                self.set.at.0,
                &replace.display,
                &replace.document,
            ))?;
        self.unindex(kind, row.rid, &replace.index_removed)?;
        self.index(kind, row.rid, &replace.index_added)?;
        Ok(row)
    }

    fn delete(&mut self, delete: &Delete) -> ApplyResult<Row> {
        let row = self.require(&delete.resource_type, &delete.id, Some(delete.expect))?;
        let kind = kind_of(row.rid);
        let version = self.event(kind, &delete.id, DELETED, None)?;
        self.touched.push(Touched {
            rid: row.rid,
            before: Some(row.version),
            version,
        });
        self.leave_groups(row.rid)?;
        for sql in [
            "DELETE FROM membership WHERE group_rid = ?1",
            "DELETE FROM membership WHERE member_rid = ?1",
            "DELETE FROM credential WHERE rid = ?1",
            "DELETE FROM resource WHERE rid = ?1",
        ] {
            self.batch
                .connection
                .prepare_cached(sql)?
                .execute([row.rid])?;
        }
        self.unindex(kind, row.rid, &delete.index)?;
        self.batch.ledger.count(row.rid, -1);
        Ok(row)
    }

    /// Gives the groups of a resource that goes a new version each.
    fn leave_groups(&mut self, member: i64) -> ApplyResult<()> {
        let groups: Vec<(Row, String)> = self
            .batch
            .connection
            .prepare_cached(
                "SELECT g.rid, g.version, g.modified, g.id
                 FROM membership m JOIN resource g ON g.rid = m.group_rid
                 WHERE m.member_rid = ?1",
            )?
            .query_map([member], |row| {
                let group = Row {
                    rid: row.get(0)?,
                    version: row.get(1)?,
                    modified: row.get(2)?,
                };
                Ok((group, row.get(3)?))
            })?
            .collect::<Result<_>>()?;
        for (group, id) in &groups {
            self.touch_row(group, id)?;
        }
        Ok(())
    }

    fn members(&mut self, members: &Members) -> ApplyResult<Row> {
        let group = self.require(GROUP, &members.group, members.expect)?;
        let added = self.resolve_members(kind_of(group.rid), &members.add)?;
        self.refuse_cycle(group.rid, members, &added)?;
        let mut changes = 0;
        if members.clear {
            changes += self.clear(group.rid, &added)?;
        }
        for id in &members.remove {
            changes += self.remove(group.rid, id, &added)?;
        }
        let mut add = self.batch.connection.prepare_cached(
            "INSERT OR IGNORE INTO membership (group_rid, member_rid, display)
             VALUES (?1, ?2, ?3)",
        )?;
        for (rid, member) in added.iter().zip(&members.add) {
            changes += add.execute((group.rid, rid, &member.display))?;
        }
        drop(add);
        if changes > 0 {
            self.touch_row(&group, &members.group)?;
        }
        Ok(group)
    }

    /// Members are users and groups, as the schema of groups has it.
    fn resolve_members(
        &self,
        groups: i64,
        members: &[civitas_directory::change::NewMember],
    ) -> ApplyResult<Vec<i64>> {
        let users = self.batch.kind(self.partition, USER)?;
        let mut rids = Vec::with_capacity(members.len());
        for member in members {
            let id = || member.id.clone();
            let Some(rid) = self.rid(&member.id)? else {
                return Err(Rejected::NoSuchMember { id: id() }.into());
            };
            let kind = Some(kind_of(rid));
            let is_claimed = match &member.claimed_type {
                Some(claimed) => kind == self.batch.kind(self.partition, claimed)?,
                None => true,
            };
            if !is_claimed || (kind != users && kind != Some(groups)) {
                let actual = self.type_name(kind_of(rid))?;
                return Err(Rejected::MemberType { id: id(), actual }.into());
            }
            rids.push(rid);
        }
        Ok(rids)
    }

    fn type_name(&self, kind: i64) -> Result<String> {
        let mut made = self.batch.ledger.kinds.iter();
        if let Some((_, name, _)) = made.find(|(_, _, made)| *made == kind) {
            return Ok(name.clone());
        }
        let name = self.batch.catalog.type_name(self.batch.connection, kind)?;
        Ok(name.as_ref().into())
    }

    /// Only a group can contain, so only added groups are looked at: none may stand above
    /// the group, or be it.
    fn refuse_cycle(&self, group: i64, members: &Members, added: &[i64]) -> ApplyResult<()> {
        if !added.iter().any(|rid| kind_of(*rid) == kind_of(group)) {
            return Ok(());
        }
        let above: HashSet<i64> = self
            .batch
            .connection
            .prepare_cached(
                "WITH RECURSIVE above (rid) AS (
                     SELECT ?1
                     UNION
                     SELECT m.group_rid FROM above JOIN membership m ON m.member_rid = above.rid
                 )
                 SELECT rid FROM above",
            )?
            .query_map([group], |row| row.get(0))?
            .collect::<Result<_>>()?;
        let mut pairs = members.add.iter().zip(added);
        match pairs.find(|(_, rid)| above.contains(rid)) {
            Some((member, _)) => Err(Rejected::Cycle {
                id: member.id.clone(),
            }
            .into()),
            None => Ok(()),
        }
    }

    /// Removes every member but those to keep.
    fn clear(&self, group: i64, keep: &[i64]) -> Result<usize> {
        let connection = self.batch.connection;
        if keep.is_empty() {
            return connection
                .prepare_cached("DELETE FROM membership WHERE group_rid = ?1")?
                .execute([group]);
        }
        let keep: HashSet<i64> = keep.iter().copied().collect();
        let members: Vec<i64> = connection
            .prepare_cached("SELECT member_rid FROM membership WHERE group_rid = ?1")?
            .query_map([group], |row| row.get(0))?
            .collect::<Result<_>>()?;
        let mut changes = 0;
        for member in members.iter().filter(|member| !keep.contains(member)) {
            changes += self.remove_rid(group, *member)?;
        }
        Ok(changes)
    }

    /// Removes a member that is not added again in the same change.
    fn remove(&self, group: i64, id: &str, added: &[i64]) -> Result<usize> {
        match self.rid(id)? {
            Some(member) if !added.contains(&member) => self.remove_rid(group, member),
            _ => Ok(0),
        }
    }

    fn remove_rid(&self, group: i64, member: i64) -> Result<usize> {
        self.batch
            .connection
            .prepare_cached("DELETE FROM membership WHERE group_rid = ?1 AND member_rid = ?2")?
            .execute([group, member])
    }

    fn rid(&self, id: &str) -> Result<Option<i64>> {
        self.batch
            .connection
            .prepare_cached("SELECT rid FROM resource WHERE partition = ?1 AND id = ?2")?
            .query_row((self.partition, id), |row| row.get(0))
            .optional()
    }

    fn row(&self, id: &str) -> Result<Option<Row>> {
        self.batch
            .connection
            .prepare_cached(
                "SELECT rid, version, modified FROM resource WHERE partition = ?1 AND id = ?2",
            )?
            .query_row((self.partition, id), |row| {
                Ok(Row {
                    rid: row.get(0)?,
                    version: row.get(1)?,
                    modified: row.get(2)?,
                })
            })
            .optional()
    }

    /// The resource, if it is there and has the version that was read: the stored one, or
    /// the one that an earlier change of the set replaced.
    fn require(&self, resource_type: &str, id: &str, expect: Option<Version>) -> ApplyResult<Row> {
        let row = self.row(id)?;
        let kind = self.batch.kind(self.partition, resource_type)?;
        let Some(row) = row.filter(|row| Some(kind_of(row.rid)) == kind) else {
            return Err(Rejected::Missing { id: id.into() }.into());
        };
        let touched = self.touched.iter().find(|touched| touched.rid == row.rid);
        let read = touched.map_or(Some(row.version), |touched| touched.before);
        match expect {
            Some(expect) if read != Some(expect.0) => Err(Rejected::Stale { id: id.into() }.into()),
            _ => Ok(row),
        }
    }

    fn require_free(&self, kind: i64, unique: &[Unique], own: i64) -> ApplyResult<()> {
        for Unique { path, key } in unique {
            let Some(attribute) = self.batch.attribute(kind, path)? else {
                continue;
            };
            let taken = self
                .batch
                .connection
                .prepare_cached(
                    "SELECT 1 FROM value WHERE attribute = ?1 AND key = ?2 AND rid <> ?3 LIMIT 1",
                )?
                .exists((attribute, sql(key), own))?;
            if taken {
                return Err(Rejected::Taken { path: path.clone() }.into());
            }
        }
        Ok(())
    }

    /// The version that the change set gives the resource, with an event when it is new.
    fn touch(&mut self, row: &Row, id: &str, difference: Option<&Difference>) -> Result<i64> {
        if let Some(touched) = self.touched.iter().find(|touched| touched.rid == row.rid) {
            return Ok(touched.version);
        }
        let version = self.event(kind_of(row.rid), id, CHANGED, difference)?;
        self.touched.push(Touched {
            rid: row.rid,
            before: Some(row.version),
            version,
        });
        Ok(version)
    }

    /// Touches a resource of which nothing else changes.
    fn touch_row(&mut self, row: &Row, id: &str) -> Result<()> {
        let version = self.touch(row, id, None)?;
        self.batch
            .connection
            .prepare_cached("UPDATE resource SET version = ?2, modified = ?3 WHERE rid = ?1")?
            .execute([row.rid, version, self.set.at.0])
            .map(drop)
    }

    fn event(
        &mut self,
        kind: i64,
        id: &str,
        what: i64,
        difference: Option<&Difference>,
    ) -> Result<i64> {
        let numbers = self.batch.numbers(self.partition)?;
        numbers.last += 1;
        let seq = numbers.last;
        self.batch
            .connection
            .prepare_cached(
                "INSERT INTO event
                 (partition, seq, at, actor, request, what, kind, id, whole, changed, active)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute((
                self.partition,
                seq,
                self.set.at.0,
                &self.set.actor,
                &self.set.request_id,
                what,
                kind,
                id,
                difference.map(|it| it.whole),
                difference.map(|it| it.attributes.join(" ")),
                difference.and_then(|it| it.active),
            ))?;
        Ok(seq)
    }

    /// Enters values, as many as one statement takes at a time.
    fn index(&mut self, kind: i64, rid: i64, entries: &[IndexEntry]) -> Result<()> {
        let mut numbered = Vec::with_capacity(entries.len());
        for entry in entries {
            numbered.push((self.batch.make_attribute(kind, &entry.path)?, entry));
        }
        for rows in numbered.chunks(MOST_ROWS) {
            let mut insert = self
                .batch
                .connection
                .prepare_cached(insert_values(rows.len()))?;
            let mut next = 1;
            for (attribute, entry) in rows {
                insert.raw_bind_parameter(next, attribute)?;
                insert.raw_bind_parameter(next + 1, sql(&entry.key))?;
                insert.raw_bind_parameter(next + 2, rid)?;
                insert.raw_bind_parameter(next + 3, entry.element)?;
                next += 4;
            }
            insert.raw_execute()?;
        }
        Ok(())
    }

    fn unindex(&mut self, kind: i64, rid: i64, entries: &[IndexEntry]) -> Result<()> {
        for entry in entries {
            let Some(attribute) = self.batch.attribute(kind, &entry.path)? else {
                continue;
            };
            self.entry(
                "DELETE FROM value
                 WHERE attribute = ?1 AND key = ?2 AND rid = ?3 AND element = ?4",
                attribute,
                rid,
                entry,
            )?;
        }
        Ok(())
    }

    fn entry(&self, statement: &str, attribute: i64, rid: i64, entry: &IndexEntry) -> Result<()> {
        self.batch
            .connection
            .prepare_cached(statement)?
            .execute((attribute, sql(&entry.key), rid, entry.element))
            .map(drop)
    }
}
