//! The store checked against itself, in one state.

use std::collections::{BTreeMap, HashMap, HashSet};

use civitas_directory::Catalogue;
use civitas_scim::{
    Attributes,
    index::{self, IndexEntry},
    schema::ResourceType,
};

use super::{
    GROUP,
    error::Outcome,
    pool::{Connection, Transaction},
    record::text,
    registry,
};
use crate::{
    key,
    rid::{BLOCK_BITS, kind_of, last_of, ordinal_of, rid},
    structure,
};

/// More findings of one sort say nothing new.
const MOST: usize = 100;

/// Documents read at a time.
const SLICE: i64 = 500;

/// What is wrong, a line each. The transaction is left open.
pub(super) async fn verify(connection: &Connection) -> Outcome<Vec<String>> {
    connection.begin(Transaction::Reading, Vec::new()).await?;
    let mut findings = Vec::new();
    for sql in SPINES {
        report(connection, &mut findings, sql).await?;
    }
    let kinds = connection
        .query("SELECT id, partition, type FROM kind ORDER BY id", &[])
        .await?;
    let mut counts = counts(connection).await?;
    for row in &kinds {
        let (kind, partition): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let name: &str = row.try_get(2)?;
        let Ok(catalogue) = registry::catalogue_of(connection, partition).await else {
            findings.push(format!(
                "partition {partition}: the definitions cannot be read"
            ));
            continue;
        };
        let checked = Checked {
            connection,
            kind,
            known: catalogue.resource_type(name),
            catalogue: &catalogue,
        };
        checked.documents(name, &mut counts, &mut findings).await?;
    }
    let wrong = counts.into_iter().filter(|(_, left)| *left != 0);
    findings.extend(wrong.take(MOST).map(|((bits, kind, block), left)| {
        format!("block {block} of {bits} bits of kind {kind} counts {left} too many")
    }));
    cycles(connection, &mut findings).await?;
    Ok(findings)
}

const SPINES: &[&str] = &[
    "SELECT 'resource ' || convert_from(r.id, 'UTF8') || ': version ' || r.version
         || ' was never given'
     FROM resource r LEFT JOIN partition p ON p.id = r.partition
     WHERE r.version > coalesce(p.last, 0)",
    "SELECT 'resource ' || convert_from(r.id, 'UTF8') || ' is not of the kind its number says'
     FROM resource r LEFT JOIN kind k ON k.id = r.kind
     WHERE r.kind <> r.rid >> 40 OR k.partition IS DISTINCT FROM r.partition",
    "SELECT 'kind ' || k.type || ' of partition ' || k.partition || ' may give a number twice'
     FROM kind k WHERE k.next <=
         (SELECT coalesce(max(r.rid), 0) & ((1::bigint << 40) - 1) FROM resource r
          WHERE r.rid BETWEEN k.id << 40 AND ((k.id + 1) << 40) - 1)",
    "SELECT 'event ' || seq || ' comes after the last one'
     FROM event e LEFT JOIN partition p ON p.id = e.partition WHERE e.seq > coalesce(p.last, 0)",
    "SELECT 'a credential belongs to no resource: number ' || p.rid
     FROM credential p LEFT JOIN resource r ON r.rid = p.rid WHERE r.rid IS NULL",
    "SELECT 'membership of ' || coalesce(convert_from(r.id, 'UTF8'), 'number ' || m.member_rid)
         || ' in ' || coalesce(convert_from(g.id, 'UTF8'), 'number ' || m.group_rid)
         || ' joins what is not there or not of one partition'
     FROM membership m
     LEFT JOIN resource g ON g.rid = m.group_rid
     LEFT JOIN resource r ON r.rid = m.member_rid
     WHERE g.partition IS NULL OR g.partition IS DISTINCT FROM r.partition",
];

/// Runs a query whose rows are findings.
async fn report(connection: &Connection, findings: &mut Vec<String>, sql: &str) -> Outcome<()> {
    let sql = format!("{sql} LIMIT {MOST}");
    for row in connection.query(&sql, &[]).await? {
        findings.push(row.try_get(0)?);
    }
    Ok(())
}

/// Resources counted, by bits, kind and block.
type Counts = HashMap<(u32, i64, i64), i64>;

async fn counts(connection: &Connection) -> Outcome<Counts> {
    let rows = connection
        .query("SELECT bits, kind, block, count FROM census", &[])
        .await?;
    let counts = rows.iter().map(|row| {
        let bits: i32 = row.try_get(0)?;
        let block = (bits.cast_unsigned(), row.try_get(1)?, row.try_get(2)?);
        Ok((block, row.try_get(3)?))
    });
    counts.collect()
}

/// A kind whose resources are looked at.
struct Checked<'c> {
    connection: &'c Connection,
    kind: i64,
    /// Its resource type, if it is served.
    known: Option<&'c ResourceType>,
    catalogue: &'c Catalogue,
}

impl Checked<'_> {
    /// Every document is an object, and the index holds its entries and no others: all entries
    /// are there, and there are as many rows as entries.
    async fn documents(
        &self,
        name: &str,
        counts: &mut Counts,
        findings: &mut Vec<String>,
    ) -> Outcome<()> {
        let attributes = self.attributes().await?;
        let mut expected: BTreeMap<i64, i64> = attributes.values().map(|id| (*id, 0)).collect();
        let mut from = rid(self.kind, 0);
        loop {
            let rows = self
                .connection
                .query(
                    "SELECT rid, id, document FROM resource WHERE rid BETWEEN $1 AND $2
                     ORDER BY rid LIMIT $3",
                    &[&from, &last_of(self.kind), &SLICE],
                )
                .await?;
            let mut slice = Slice::default();
            for row in &rows {
                let rid: i64 = row.try_get(0)?;
                from = rid + 1;
                for bits in BLOCK_BITS {
                    let block = (bits, kind_of(rid), ordinal_of(rid) >> bits);
                    *counts.entry(block).or_default() -= 1;
                }
                let id = text(row, 1)?;
                match self.known {
                    Some(known) => {
                        let entries = entries(&id, row.try_get(2)?, known, findings);
                        slice.add(rid, &id, entries, &attributes);
                    }
                    None => findings.push(format!("the resource type {name} is not known")),
                }
            }
            self.compare(slice, &mut expected, findings).await?;
            if (rows.len() as i64) < SLICE {
                break;
            }
        }
        for (path, attribute) in &attributes {
            let stored: Option<i64> = self
                .connection
                .value(
                    "SELECT count(*) FROM value WHERE attribute = $1",
                    &[attribute],
                )
                .await?;
            let stored = stored.unwrap_or_default();
            let expected = expected.get(attribute).copied().unwrap_or_default();
            if stored != expected {
                findings.push(format!(
                    "{name} index {path}: {stored} entries stored, {expected} of them of documents",
                ));
            }
        }
        Ok(())
    }

    async fn attributes(&self) -> Outcome<HashMap<String, i64>> {
        let rows = self
            .connection
            .query(
                "SELECT path, id FROM attribute WHERE kind = $1",
                &[&self.kind],
            )
            .await?;
        let attributes = rows.iter();
        attributes
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect()
    }

    /// Counts the entries that are there, and tells of those that are not.
    async fn compare(
        &self,
        slice: Slice,
        expected: &mut BTreeMap<i64, i64>,
        findings: &mut Vec<String>,
    ) -> Outcome<()> {
        let rows = self
            .connection
            .query(
                "SELECT u.place FROM unnest(
                     $1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::int[])
                     WITH ORDINALITY AS u (attribute, head, tail, rid, element, place)
                 JOIN value v ON v.attribute = u.attribute AND v.head = u.head
                     AND v.rid = u.rid AND v.element = u.element AND v.tail = u.tail",
                &[
                    &slice.attributes,
                    &slice.heads,
                    &slice.tails,
                    &slice.rids,
                    &slice.elements,
                ],
            )
            .await?;
        let mut there = HashSet::new();
        for row in &rows {
            there.insert(row.try_get::<_, i64>(0)?);
        }
        // An index that is being built may lack entries; it has none that are wrong.
        let is_built = |path: &str| {
            let mut builds = self.catalogue.builds().iter();
            let of = |name: &str| self.known.is_some_and(|it| it.name == name);
            builds.any(|it| of(&it.resource_type) && it.path == path)
        };
        for (at, (id, path)) in slice.told.iter().enumerate() {
            if there.contains(&(at as i64 + 1)) {
                *expected.entry(slice.attributes[at]).or_default() += 1;
            } else if !is_built(path) {
                findings.push(format!("resource {id}: {path} is not indexed"));
            }
        }
        Ok(())
    }
}

/// Entries that some documents have, in columns.
#[derive(Default)]
struct Slice {
    attributes: Vec<i64>,
    heads: Vec<Vec<u8>>,
    tails: Vec<Vec<u8>>,
    rids: Vec<i64>,
    elements: Vec<i32>,
    /// Whose it is, and what path.
    told: Vec<(String, String)>,
}

impl Slice {
    fn add(
        &mut self,
        rid: i64,
        id: &str,
        entries: Vec<IndexEntry>,
        attributes: &HashMap<String, i64>,
    ) {
        for entry in entries {
            let bytes = key::encode(&entry.key);
            let (head, tail) = key::split(&bytes);
            // What has no number is in no index.
            let attribute = attributes.get(&entry.path).copied().unwrap_or_default();
            self.attributes.push(attribute);
            self.heads.push(head.to_vec());
            self.tails.push(tail.to_vec());
            self.rids.push(rid);
            self.elements.push(entry.element.cast_signed());
            self.told.push((id.to_owned(), entry.path));
        }
    }
}

fn entries(
    id: &str,
    document: &[u8],
    known: &ResourceType,
    findings: &mut Vec<String>,
) -> Vec<IndexEntry> {
    let Ok(document) = serde_json::from_slice::<Attributes>(document) else {
        findings.push(format!("resource {id}: the document is not a JSON object"));
        return Vec::new();
    };
    if document.get("id").and_then(|it| it.as_str()) != Some(id) {
        findings.push(format!("resource {id}: the document has another id"));
    }
    index::entries(&document, known)
}

async fn cycles(connection: &Connection, findings: &mut Vec<String>) -> Outcome<()> {
    let rows = connection
        .query(
            "SELECT m.group_rid, m.member_rid FROM kind g
             JOIN membership m ON m.group_rid BETWEEN g.id << 40 AND ((g.id + 1) << 40) - 1
             WHERE g.type = $1 AND m.member_rid >> 40 = g.id",
            &[&GROUP],
        )
        .await?;
    let edges = rows.iter();
    let edges: Vec<(i64, i64)> = edges
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Outcome<_>>()?;
    findings.extend(structure::cycles(&edges));
    Ok(())
}
