//! What the change sets of a transaction look at, read at once under the partition's lock.

use std::collections::{BTreeSet, HashSet};

use civitas_directory::{
    change::{Change, Unique},
    link::LinkChange,
};
use tokio_postgres::Row as SqlRow;

use super::{
    Waiting,
    slate::{Made, Numbers, Redeemable, Row, Slate},
};
use crate::{
    catalog::Facts,
    key,
    postgres::{
        USER,
        catalog::NUMBERS,
        error::{Fault, Outcome},
        pool::{Connection, Step, Transaction},
        record::text,
    },
};

/// Whoever changes what a partition holds does this first. Parameter: the partition.
pub(in crate::postgres) const LOCK: &str =
    "SELECT generation, last, catalogue FROM partition WHERE id = $1 FOR NO KEY UPDATE";

const ROWS: &str = "SELECT r.rid, r.id, r.version, r.modified, k.type
    FROM resource r JOIN kind k ON k.id = r.kind WHERE r.partition = $1 AND r.id = ANY ($2)";

const NEXT: &str = "SELECT id, next FROM kind WHERE partition = $1 AND type = ANY ($2)";

const HOLDERS: &str = "SELECT v.attribute, v.head, v.tail, v.rid
    FROM unnest($1::bigint[], $2::bytea[]) AS u (attribute, head)
    JOIN value v ON v.attribute = u.attribute AND v.head = u.head";

// Both ends are looked up before memberships are: in another order, which a planner without
// statistics may prefer, every member of a group would be read for each of the pairs.
const PAIRS: &str = "WITH pair AS MATERIALIZED (
        SELECT (SELECT rid FROM resource WHERE partition = $1 AND id = p.group_id) AS group_rid,
            (SELECT rid FROM resource WHERE partition = $1 AND id = p.member_id) AS member_rid
        FROM unnest($2::bytea[], $3::bytea[]) AS p (group_id, member_id)
    )
    SELECT m.group_rid, m.member_rid FROM pair p
    JOIN membership m ON m.group_rid = p.group_rid AND m.member_rid = p.member_rid";

const ALL_MEMBERS: &str = "SELECT m.group_rid, m.member_rid
    FROM resource g JOIN membership m ON m.group_rid = g.rid
    WHERE g.partition = $1 AND g.id = ANY ($2)";

const ABOVE: &str = "WITH RECURSIVE above (group_rid, member_rid) AS (
        SELECT m.group_rid, m.member_rid
        FROM resource g JOIN membership m ON m.member_rid = g.rid
        WHERE g.partition = $1 AND g.id = ANY ($2)
        UNION
        SELECT m.group_rid, m.member_rid
        FROM above JOIN membership m ON m.member_rid = above.group_rid
    )
    SELECT group_rid, member_rid FROM above";

const GROUPS: &str = "SELECT m.group_rid, m.member_rid, g.id, g.version, g.modified, k.type
    FROM resource r JOIN membership m ON m.member_rid = r.rid
    JOIN resource g ON g.rid = m.group_rid JOIN kind k ON k.id = g.kind
    WHERE r.partition = $1 AND r.id = ANY ($2)";

const CREDENTIALS: &str = "SELECT c.rid, c.text
    FROM resource r JOIN credential c ON c.rid = r.rid WHERE r.partition = $1 AND r.id = ANY ($2)";

const LINKS: &str = "SELECT id, expires, purpose, subject FROM link
    WHERE tenant = $1 AND id = ANY ($2)";

/// What the change sets look at.
#[derive(Default)]
struct Wanted<'b> {
    /// Resources.
    ids: BTreeSet<&'b str>,
    /// Types of new resources.
    types: BTreeSet<&'b str>,
    /// Types and paths of values that may get into the index.
    paths: HashSet<(&'b str, &'b str)>,
    /// Types and values that must be free.
    unique: Vec<(&'b str, &'b Unique)>,
    /// Groups and members that may come or go.
    pairs: BTreeSet<(&'b str, &'b str)>,
    /// Groups that lose all members.
    cleared: BTreeSet<&'b str>,
    /// Groups that may get groups as members.
    nested: BTreeSet<&'b str>,
    /// Resources that go.
    deleted: BTreeSet<&'b str>,
    /// Resources whose credential may change.
    proving: BTreeSet<&'b str>,
    /// Links that may be redeemed.
    redeemed: BTreeSet<&'b str>,
}

impl<'b> Wanted<'b> {
    fn of(batch: &'b [Waiting]) -> Self {
        let mut wanted = Self::default();
        for change in batch.iter().flat_map(|it| &it.change_set.changes) {
            wanted.look(change);
        }
        wanted
    }

    fn look(&mut self, change: &'b Change) {
        match change {
            Change::Create(create) => {
                let name = create.resource_type.as_str();
                self.ids.insert(&create.id);
                self.types.insert(name);
                self.paths
                    .extend(create.index.iter().map(|it| (name, it.path.as_str())));
                self.unique
                    .extend(create.unique.iter().map(|it| (name, it)));
            }
            Change::Replace(replace) => {
                let name = replace.resource_type.as_str();
                let added = replace.index_added.iter();
                self.ids.insert(&replace.id);
                self.paths.extend(added.map(|it| (name, it.path.as_str())));
                self.unique
                    .extend(replace.unique.iter().map(|it| (name, it)));
            }
            Change::Delete(delete) => {
                self.ids.insert(&delete.id);
                self.deleted.insert(&delete.id);
            }
            Change::Touch(touch) => {
                self.ids.insert(&touch.id);
            }
            Change::Credential(proof) => {
                self.ids.insert(&proof.id);
                self.proving.insert(&proof.id);
            }
            Change::Link(LinkChange::Redeem { id, .. }) => {
                self.redeemed.insert(id);
            }
            Change::Feint | Change::Mail(_) | Change::Link(LinkChange::Issue(_)) => {}
            Change::Members(members) => {
                let group = members.group.as_str();
                self.ids.insert(group);
                let added = members.add.iter().map(|it| it.id.as_str());
                let ids = added.chain(members.remove.iter().map(String::as_str));
                for id in ids {
                    self.ids.insert(id);
                    self.pairs.insert((group, id));
                }
                if members.clear {
                    self.cleared.insert(group);
                }
                let may_be_group = |claimed: &Option<String>| claimed.as_deref() != Some(USER);
                if members.add.iter().any(|it| may_be_group(&it.claimed_type)) {
                    self.nested.insert(group);
                }
            }
        }
    }

    /// Whether some type or path has no number that is known here.
    fn has_unknown(&self, facts: &Facts, partition: i64) -> bool {
        let is_known = |(name, path): &(&str, &str)| {
            let kind = facts.kind(partition, name);
            kind.is_some_and(|kind| facts.attribute(kind, path).is_some())
        };
        let mut types = self.types.iter();
        !types.all(|name| facts.kind(partition, name).is_some()) || !self.paths.iter().all(is_known)
    }
}

impl<'b> Slate<'b> {
    /// Begins a transaction, locks the partition, and reads.
    pub(super) async fn load(
        connection: &Connection,
        facts: &'b Facts,
        batch: &'b [Waiting],
    ) -> Outcome<Self> {
        let partition = batch.first().map_or(0, |it| it.partition.raw());
        let wanted = Wanted::of(batch);
        let lock = Step::new(LOCK).with(partition);
        if !wanted.has_unknown(facts, partition) {
            let blank = Self::blank(facts, partition, Made::default(), Numbers::default());
            let (steps, readers) = blank.questions(&wanted);
            let steps = std::iter::once(lock).chain(steps).collect();
            let mut answers = connection.begin(Transaction::Writing, steps).await?;
            let numbers = numbers(&answers.remove(0))?;
            let slate = Self::blank(facts, partition, Made::default(), numbers);
            return slate.read(&wanted, readers, answers);
        }
        let locked = connection.begin(Transaction::Writing, vec![lock]).await?;
        let numbers = numbers(&locked[0])?;
        let made = make(connection, partition, &wanted).await?;
        let slate = Self::blank(facts, partition, made, numbers);
        let (steps, readers) = slate.questions(&wanted);
        let answers = connection.pipeline(&steps).await?;
        slate.read(&wanted, readers, answers)
    }

    /// What has to be asked, and who reads each answer.
    fn questions<'w>(&self, wanted: &Wanted<'w>) -> (Vec<Step<'w>>, Vec<Reader<'b>>) {
        let (mut steps, mut readers): (Vec<Step<'w>>, Vec<Reader<'b>>) = Default::default();
        let partition = self.partition;
        let mut ask = |step, reader| {
            steps.push(step);
            readers.push(reader);
        };
        let of = |sql: &'static str, ids: &BTreeSet<&'w str>| {
            let ids: Vec<&'w [u8]> = ids.iter().map(|it| it.as_bytes()).collect();
            Step::new(sql).with(partition).with(ids)
        };
        ask(of(ROWS, &wanted.ids), Self::read_rows);
        if !wanted.types.is_empty() {
            let types: Vec<&'w str> = wanted.types.iter().copied().collect();
            ask(Step::new(NEXT).with(partition).with(types), Self::read_next);
        }
        let keys = self.free(wanted);
        if !keys.is_empty() {
            let attributes: Vec<i64> = keys.iter().map(|(attribute, _)| *attribute).collect();
            let heads = keys.iter().map(|(_, key)| key::split(key).0.to_vec());
            let heads: Vec<Vec<u8>> = heads.collect();
            let step = Step::new(HOLDERS).with(attributes).with(heads);
            ask(step, Self::read_holders);
        }
        if !wanted.pairs.is_empty() {
            let (groups, members): (Vec<&'w str>, Vec<&'w str>) =
                wanted.pairs.iter().copied().unzip();
            let groups: Vec<&'w [u8]> = groups.iter().map(|it| it.as_bytes()).collect();
            let members: Vec<&'w [u8]> = members.iter().map(|it| it.as_bytes()).collect();
            let step = Step::new(PAIRS).with(partition).with(groups).with(members);
            ask(step, Self::read_members);
        }
        if !wanted.cleared.is_empty() {
            ask(of(ALL_MEMBERS, &wanted.cleared), Self::read_members);
        }
        if !wanted.nested.is_empty() {
            ask(of(ABOVE, &wanted.nested), Self::read_members);
        }
        if !wanted.deleted.is_empty() {
            ask(of(GROUPS, &wanted.deleted), Self::read_groups);
        }
        if !wanted.proving.is_empty() {
            ask(of(CREDENTIALS, &wanted.proving), Self::read_credentials);
        }
        if !wanted.redeemed.is_empty() {
            ask(of(LINKS, &wanted.redeemed), Self::read_links);
        }
        (steps, readers)
    }

    fn read(
        mut self,
        wanted: &Wanted<'_>,
        readers: Vec<Reader<'b>>,
        answers: Vec<Vec<SqlRow>>,
    ) -> Outcome<Self> {
        // What nobody holds yet, a change set of this transaction may come to hold.
        for (attribute, key) in self.free(wanted) {
            self.holders.insert((attribute, key), Vec::new());
        }
        for (reader, rows) in readers.into_iter().zip(answers) {
            for row in &rows {
                reader(&mut self, row)?;
            }
        }
        Ok(self)
    }

    /// The values that must be free, each once.
    fn free(&self, wanted: &Wanted<'_>) -> BTreeSet<(i64, Vec<u8>)> {
        let unique = wanted.unique.iter();
        unique
            .filter_map(|(name, unique)| {
                let attribute = self.attribute(self.kind(name)?, &unique.path)?;
                Some((attribute, key::encode(&unique.key)))
            })
            .collect()
    }

    fn read_rows(&mut self, row: &SqlRow) -> Outcome<()> {
        let found = Row {
            rid: row.try_get(0)?,
            version: row.try_get(2)?,
            modified: row.try_get(3)?,
            resource_type: row.try_get(4)?,
        };
        self.know(text(row, 1)?, found);
        Ok(())
    }

    fn read_next(&mut self, row: &SqlRow) -> Outcome<()> {
        self.next.insert(row.try_get(0)?, row.try_get(1)?);
        Ok(())
    }

    fn read_holders(&mut self, row: &SqlRow) -> Outcome<()> {
        let key = [row.try_get::<_, &[u8]>(1)?, row.try_get(2)?].concat();
        let holders = self.holders.entry((row.try_get(0)?, key)).or_default();
        let rid = row.try_get(3)?;
        if !holders.contains(&rid) {
            holders.push(rid);
        }
        Ok(())
    }

    fn read_members(&mut self, row: &SqlRow) -> Outcome<()> {
        self.join(row.try_get(0)?, row.try_get(1)?);
        Ok(())
    }

    fn read_credentials(&mut self, row: &SqlRow) -> Outcome<()> {
        self.credentials.insert(row.try_get(0)?, text(row, 1)?);
        Ok(())
    }

    fn read_links(&mut self, row: &SqlRow) -> Outcome<()> {
        let link = Redeemable {
            expires: row.try_get(1)?,
            purpose: row.try_get(2)?,
            subject: text(row, 3)?,
        };
        self.links.insert(text(row, 0)?, link);
        Ok(())
    }

    fn read_groups(&mut self, row: &SqlRow) -> Outcome<()> {
        self.read_members(row)?;
        let found = Row {
            rid: row.try_get(0)?,
            version: row.try_get(3)?,
            modified: row.try_get(4)?,
            resource_type: row.try_get(5)?,
        };
        self.know(text(row, 2)?, found);
        Ok(())
    }
}

/// Takes a row of an answer in.
type Reader<'b> = fn(&mut Slate<'b>, &SqlRow) -> Outcome<()>;

fn numbers(rows: &[SqlRow]) -> Outcome<Numbers> {
    let row = rows
        .first()
        .ok_or_else(|| Fault::Refused("the partition is not there".into()))?;
    Ok(Numbers {
        generation: row.try_get(0)?,
        last: row.try_get(1)?,
        catalogue: row.try_get(2)?,
    })
}

/// Gives numbers to the types and paths that have none.
async fn make(connection: &Connection, partition: i64, wanted: &Wanted<'_>) -> Outcome<Made> {
    let mut made = Made::default();
    for row in connection.query(NUMBERS, &[&partition]).await? {
        let kind: i64 = row.try_get(0)?;
        made.kinds.insert((partition, row.try_get(1)?), kind);
        if let Some(attribute) = row.try_get::<_, Option<i64>>(2)? {
            made.attributes.insert((kind, row.try_get(3)?), attribute);
        }
    }
    let is_new = |name: &&&str| !made.kinds.contains_key(&(partition, (**name).to_owned()));
    let types: Vec<&str> = wanted.types.iter().filter(is_new).copied().collect();
    if !types.is_empty() {
        let sql =
            "INSERT INTO kind (partition, type, next) SELECT $1::bigint, unnest($2::text[]), 1
                   RETURNING id, type";
        for row in connection.query(sql, &[&partition, &types]).await? {
            made.kinds
                .insert((partition, row.try_get(1)?), row.try_get(0)?);
        }
    }
    let (mut kinds, mut paths) = (Vec::new(), Vec::new());
    for (name, path) in &wanted.paths {
        let kind = made.kinds.get(&(partition, (*name).to_owned()));
        let Some(kind) = kind else {
            continue;
        };
        if !made.attributes.contains_key(&(*kind, (*path).to_owned())) {
            kinds.push(*kind);
            paths.push(*path);
        }
    }
    if !kinds.is_empty() {
        let sql = "INSERT INTO attribute (kind, path)
                   SELECT * FROM unnest($1::bigint[], $2::text[]) RETURNING id, kind, path";
        for row in connection.query(sql, &[&kinds, &paths]).await? {
            let of = (row.try_get(1)?, row.try_get(2)?);
            made.attributes.insert(of, row.try_get(0)?);
        }
    }
    Ok(made)
}
