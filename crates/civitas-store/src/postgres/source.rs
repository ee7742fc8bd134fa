//! What a search asks, answered by PostgreSQL.
//!
//! A search runs on a thread for blocking work, in one transaction that reads one state: each
//! question is a round trip, and the first one begins the transaction with it. Whoever is told
//! of rows as they come is sent as many at a time as are expected to be looked at.

use std::cell::Cell;

use civitas_directory::{
    record::Found,
    store::{FoundPage, Query, Want},
};
use civitas_scim::value::Key;
use tokio::runtime::Handle;
use tokio_postgres::Row;

use super::{
    catalog, census,
    error::Outcome,
    leaf::Question,
    pool::{Lease, Parameter, Step, Transaction},
    record::{self, Beside},
};
use crate::{
    catalog::Facts,
    fault::{ReadFault, ReadResult},
    filter::Leaf,
    key,
    rid::{BLOCK_BITS, last_of, ordinal_of, rid},
    search::{KeyRef, Kind, Meet, Order, OrderIndex, Part, Source, Visit},
};

/// Rows that are asked for at a time, at least and at most.
const ROWS: std::ops::RangeInclusive<usize> = 16..=1_000;

/// A connection in one state of one partition.
pub(super) struct Session<'s> {
    lease: Lease,
    facts: &'s Facts,
    partition: i64,
    runtime: Handle,
    begun: Cell<bool>,
}

impl<'s> Session<'s> {
    pub(super) fn new(lease: Lease, facts: &'s Facts, partition: i64, runtime: Handle) -> Self {
        Self {
            lease,
            facts,
            partition,
            runtime,
            begun: Cell::new(false),
        }
    }

    pub(super) const fn partition(&self) -> i64 {
        self.partition
    }

    /// Ends the transaction.
    pub(super) fn end(self) {
        if self.begun.get() {
            self.lease.roll_back();
        }
    }

    fn wait<T>(&self, work: impl Future<Output = Outcome<T>>) -> ReadResult<T> {
        let done = self.runtime.block_on(async {
            if !self.begun.replace(true) {
                self.lease.begin(Transaction::Reading, Vec::new()).await?;
            }
            work.await
        });
        Ok(done?)
    }

    pub(super) fn rows(&self, sql: &str, parameters: &[Parameter<'_>]) -> ReadResult<Vec<Row>> {
        if self.begun.get() {
            return self.wait(self.lease.query(sql, parameters));
        }
        self.begun.set(true);
        let step = parameters
            .iter()
            .fold(Step::new(sql), |step, parameter| step.lent(*parameter));
        let rows = self
            .runtime
            .block_on(self.lease.begin(Transaction::Reading, vec![step]));
        Ok(rows?.pop().unwrap_or_default())
    }

    pub(super) fn value<T>(&self, sql: &str, parameters: &[Parameter<'_>]) -> ReadResult<Option<T>>
    where
        T: for<'r> tokio_postgres::types::FromSql<'r>,
    {
        let mut rows = self.rows(sql, parameters)?;
        rows.pop().map(|row| column(&row, 0)).transpose()
    }

    pub(super) fn attribute(&self, kind: i64, path: &str) -> ReadResult<Option<i64>> {
        if let Some(known) = self.facts.attribute(kind, path) {
            return Ok(Some(known));
        }
        let of = (self.partition, kind);
        self.wait(catalog::attribute(&self.lease, self.facts, of, path))
    }

    pub(super) fn records(
        &self,
        rows: Vec<Row>,
        kind: Kind<'_>,
        beside: Beside,
    ) -> ReadResult<Vec<(i64, Found)>> {
        let of = (self.partition, kind.resource_type);
        self.wait(record::all(rows, &self.lease, self.facts, of, beside))
    }

    /// The answer of one statement to a leaf: an array of numbers.
    fn answer(&self, kind: i64, leaf: &Leaf, cap: usize) -> ReadResult<Vec<i64>> {
        let attribute = match leaf {
            Leaf::Values { path, .. } => self.attribute(kind, path)?,
            _ => None,
        };
        let groups = self.kind(super::GROUP)?;
        let limit = i64::try_from(cap).unwrap_or(i64::MAX).saturating_add(1);
        let Some(question) = Question::of(leaf, (self.partition, kind), attribute, groups) else {
            return Ok(Vec::new());
        };
        let mut parameters = question.parameters();
        parameters.push(&limit);
        let rids: Option<Option<Vec<i64>>> = self.value(&question.sql, &parameters)?;
        Ok(rids.flatten().unwrap_or_default())
    }
}

pub(super) fn column<'r, T: tokio_postgres::types::FromSql<'r>>(
    row: &'r Row,
    at: usize,
) -> ReadResult<T> {
    row.try_get(at)
        .map_err(|error| ReadFault::Unavailable(error.to_string()))
}

/// How many rows to ask for when so many are expected to be looked at.
fn at_once(expected: usize) -> i64 {
    expected.clamp(*ROWS.start(), *ROWS.end()) as i64
}

impl Source for Session<'_> {
    fn shortcut(&self, query: &Query, _cap: usize) -> ReadResult<Option<FoundPage>> {
        self.listing(query)
    }

    fn kind(&self, resource_type: &str) -> ReadResult<Option<i64>> {
        if let Some(known) = self.facts.kind(self.partition, resource_type) {
            return Ok(Some(known));
        }
        let of = self.partition;
        self.wait(catalog::kind(&self.lease, self.facts, of, resource_type))
    }

    fn total(&self, kind: i64) -> ReadResult<u64> {
        let bits = BLOCK_BITS[0] as i32;
        let total: Option<i64> = self.value(census::TOTAL, &[&kind, &bits])?;
        Ok(total.unwrap_or_default().cast_unsigned())
    }

    fn seek(&self, kind: i64, except: &[i64], offset: u64) -> ReadResult<Option<i64>> {
        let mut left = offset.cast_signed();
        let (mut first, mut last) = (rid(kind, 0), last_of(kind));
        for bits in BLOCK_BITS {
            let (from, to) = (ordinal_of(first) >> bits, ordinal_of(last) >> bits);
            let rows = self.rows(census::BLOCKS, &[&kind, &(bits as i32), &from, &to])?;
            let blocks = rows
                .iter()
                .map(|row| ReadResult::Ok((column(row, 0)?, column(row, 1)?)));
            let Some(block) = crate::census::find(kind, bits, blocks, except, &mut left)? else {
                return Ok(None);
            };
            first = rid(kind, block << bits);
            last = rid(kind, (block + 1) << bits) - 1;
        }
        let rows = self.rows(
            "SELECT rid FROM resource WHERE rid BETWEEN $1 AND $2 ORDER BY rid",
            &[&first, &last],
        )?;
        for row in &rows {
            let rid = column(row, 0)?;
            if except.binary_search(&rid).is_err() {
                if left == 0 {
                    return Ok(Some(rid));
                }
                left -= 1;
            }
        }
        Ok(None)
    }

    fn ask(&self, kind: i64, leaf: &Leaf, cap: usize) -> ReadResult<Vec<i64>> {
        let mut rids = match leaf {
            Leaf::InGroup(test) if test.id().is_none() => {
                let tops = self.groups_by(test)?;
                self.members_of(kind, &tops, cap)?
            }
            leaf => self.answer(kind, leaf, cap)?,
        };
        if rids.len() > cap {
            return Err(ReadFault::Slow);
        }
        rids.retain(|rid| crate::rid::kind_of(*rid) == kind);
        Ok(rids)
    }

    fn found(&self, kind: Kind<'_>, rids: &[i64], want: Want, visit: Visit<'_>) -> ReadResult<()> {
        let beside = Beside::of(want, kind.resource_type);
        let from = "unnest($1::bigint[]) WITH ORDINALITY AS u (rid, place) \
                    JOIN resource r ON r.rid = u.rid";
        let sql = format!("{} ORDER BY u.place", beside.select(from, 2));
        for rids in rids.chunks(*ROWS.end()) {
            let mut parameters: Vec<Parameter<'_>> = vec![&rids];
            parameters.extend(beside.limit().map(|it| it as Parameter<'_>));
            let rows = self.rows(&sql, &parameters)?;
            for (rid, found) in self.records(rows, kind, beside)? {
                if !visit(rid, found)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn scan(
        &self,
        kind: Kind<'_>,
        from: i64,
        expected: usize,
        want: Want,
        visit: Visit<'_>,
    ) -> ReadResult<()> {
        let beside = Beside::of(want, kind.resource_type);
        let source = "resource r WHERE r.rid BETWEEN $1 AND $2";
        let sql = format!("{} ORDER BY r.rid LIMIT $3", beside.select(source, 4));
        let (mut from, last, limit) = (from, last_of(kind.number), at_once(expected));
        loop {
            let mut parameters: Vec<Parameter<'_>> = vec![&from, &last, &limit];
            parameters.extend(beside.limit().map(|it| it as Parameter<'_>));
            let rows = self.rows(&sql, &parameters)?;
            let is_last = (rows.len() as i64) < limit;
            let mut next = from;
            for (rid, found) in self.records(rows, kind, beside)? {
                next = rid + 1;
                if !visit(rid, found)? {
                    return Ok(());
                }
            }
            if is_last {
                return Ok(());
            }
            from = next;
        }
    }

    fn numbers(&self, kind: i64) -> ReadResult<Vec<i64>> {
        // An index that holds nothing else is read faster than the table.
        let rids: Option<Option<Vec<i64>>> = self.value(
            "SELECT array_agg(rid) FROM resource WHERE kind = $1",
            &[&kind],
        )?;
        let mut rids = rids.flatten().unwrap_or_default();
        rids.sort_unstable();
        Ok(rids)
    }

    fn numbers_before(
        &self,
        kind: i64,
        last: i64,
        expected: usize,
        visit: &mut dyn FnMut(i64) -> bool,
    ) -> ReadResult<()> {
        let sql = "SELECT rid FROM resource WHERE rid BETWEEN $1 AND $2
                   ORDER BY rid DESC LIMIT $3";
        let (first, mut last, limit) = (rid(kind, 0), last, at_once(expected));
        loop {
            let rows = self.rows(sql, &[&first, &last, &limit])?;
            for row in &rows {
                let rid = column(row, 0)?;
                last = rid - 1;
                if !visit(rid) {
                    return Ok(());
                }
            }
            if (rows.len() as i64) < limit {
                return Ok(());
            }
        }
    }

    fn walk(
        &self,
        kind: i64,
        order: Order<'_>,
        part: Part<'_>,
        expected: usize,
        meet: Meet<'_>,
    ) -> ReadResult<()> {
        let leading = match order.index {
            OrderIndex::Created | OrderIndex::Modified => Some(kind),
            OrderIndex::Ids => Some(self.partition),
            OrderIndex::Values(path) => self.attribute(kind, path)?,
        };
        let Some(leading) = leading else {
            return Ok(());
        };
        let steps = Steps {
            session: self,
            order,
            leading,
            ends: (rid(kind, 0), last_of(kind)),
            limit: at_once(expected),
        };
        steps.walk(part, meet)
    }

    fn listed(&self, kind: i64, path: &str) -> ReadResult<u64> {
        let Some(attribute) = self.attribute(kind, path)? else {
            return Ok(0);
        };
        let listed: Option<i64> = self.value(
            "SELECT count(*) FROM value WHERE attribute = $1 AND element = 0",
            &[&attribute],
        )?;
        Ok(listed.unwrap_or_default().cast_unsigned())
    }
}

/// A walk of an index, some rows at a time.
struct Steps<'w> {
    session: &'w Session<'w>,
    order: Order<'w>,
    leading: i64,
    ends: (i64, i64),
    limit: i64,
}

/// The last entry of the rows that came.
struct Last {
    key: Key,
    rid: i64,
}

impl Steps<'_> {
    /// Where the rows of one step end, the next one goes on: with the rest of a tie, then with
    /// the keys beyond.
    fn walk(&self, part: Part<'_>, meet: Meet<'_>) -> ReadResult<()> {
        let mut last = match self.step(part, meet)? {
            Walked::On(last) => last,
            Walked::ToTheEnd | Walked::Stopped => return Ok(()),
        };
        let within = matches!(part, Part::Tied(..));
        loop {
            match self.step(Part::Tied(&last.key, last.rid), meet)? {
                Walked::On(next) => {
                    last = next;
                    continue;
                }
                Walked::Stopped => return Ok(()),
                Walked::ToTheEnd if within => return Ok(()),
                Walked::ToTheEnd => {}
            }
            match self.step(Part::Beyond(&last.key), meet)? {
                Walked::On(next) => last = next,
                Walked::ToTheEnd | Walked::Stopped => return Ok(()),
            }
        }
    }

    fn step(&self, part: Part<'_>, meet: Meet<'_>) -> ReadResult<Walked> {
        let bytes = match part {
            Part::Whole => Vec::new(),
            Part::Tied(key, _) | Part::Beyond(key) => self.bytes(key),
        };
        let (head, tail) = match self.order.index {
            OrderIndex::Values(_) => key::split(&bytes),
            _ => (&bytes[..], &[][..]),
        };
        let number = match part {
            Part::Tied(Key::Integer(number), _) | Part::Beyond(Key::Integer(number)) => *number,
            _ => 0,
        };
        let is_number = matches!(self.order.index, OrderIndex::Created | OrderIndex::Modified);
        let mut parameters: Vec<Parameter<'_>> =
            vec![&self.leading, &self.ends.0, &self.ends.1, &self.limit];
        match part {
            Part::Whole => {}
            _ if is_number => parameters.push(&number),
            _ if matches!(self.order.index, OrderIndex::Values(_)) => {
                parameters.extend([&head as Parameter<'_>, &tail]);
            }
            _ => parameters.push(&head),
        }
        if let Part::Tied(_, rid) = &part {
            parameters.push(rid);
        }
        let rows = self
            .session
            .rows(&statement(self.order, part), &parameters)?;
        let mut last = None;
        for row in &rows {
            let rid = column(row, 0)?;
            let joined;
            let key = match self.order.index {
                OrderIndex::Created | OrderIndex::Modified => KeyRef::Integer(column(row, 1)?),
                OrderIndex::Ids => {
                    KeyRef::Text(std::str::from_utf8(column(row, 1)?).unwrap_or_default())
                }
                OrderIndex::Values(_) => match column::<&[u8]>(row, 2)? {
                    [] => key::decode(column(row, 1)?),
                    tail => {
                        joined = [column::<&[u8]>(row, 1)?, tail].concat();
                        key::decode(&joined)
                    }
                },
            };
            if !meet(rid, key)? {
                return Ok(Walked::Stopped);
            }
            last = Some((key.to_key(), rid));
        }
        Ok(match last {
            Some((key, rid)) if rows.len() as i64 == self.limit => Walked::On(Last { key, rid }),
            _ => Walked::ToTheEnd,
        })
    }

    fn bytes(&self, key: &Key) -> Vec<u8> {
        match (self.order.index, key) {
            (OrderIndex::Ids, Key::Text(id)) => id.as_bytes().to_vec(),
            _ => key::encode(key),
        }
    }
}

/// How a step of a walk ended.
enum Walked {
    /// There may be more after this.
    On(Last),
    ToTheEnd,
    /// Whoever is told has enough.
    Stopped,
}

/// The statement that walks a part of an index.
pub(super) fn statement(order: Order<'_>, part: Part<'_>) -> String {
    let (table, leading, key, also) = match order.index {
        OrderIndex::Created => ("resource", "kind", "created", ""),
        OrderIndex::Modified => ("resource", "kind", "modified", ""),
        OrderIndex::Ids => ("resource", "partition", "id", ""),
        OrderIndex::Values(_) => ("value", "attribute", "head", " AND element = 0"),
    };
    let has_tail = matches!(order.index, OrderIndex::Values(_));
    let (beyond, direction) = if order.descending {
        ("<", " DESC")
    } else {
        (">", "")
    };
    let tail = if has_tail { ", tail" } else { "" };
    let part = match (part, has_tail) {
        (Part::Whole, _) => String::new(),
        (Part::Tied(..), false) => format!(" AND {key} = $5 AND rid {beyond} $6"),
        (Part::Tied(..), true) => format!(" AND {key} = $5 AND tail = $6 AND rid {beyond} $7"),
        (Part::Beyond(_), false) => format!(" AND {key} {beyond} $5"),
        (Part::Beyond(_), true) => {
            format!(" AND {key} {beyond}= $5 AND ({key} {beyond} $5 OR tail {beyond} $6)")
        }
    };
    let by_tail = if has_tail {
        format!(", tail{direction}")
    } else {
        String::new()
    };
    // The addition keeps the table's own order from being an offer.
    format!(
        "SELECT rid, {key}{tail} FROM {table}
         WHERE {leading} = $1 AND rid + 0 BETWEEN $2 AND $3{also}{part}
         ORDER BY {key}{direction}{by_tail}, rid{direction} LIMIT $4"
    )
}
