//! The store checked against itself.

use std::collections::{BTreeMap, HashMap, HashSet};

use civitas_directory::Catalogue;
use civitas_scim::{
    Attributes,
    index::{self, IndexEntry},
    schema::ResourceType,
};
use rusqlite::{Connection, Result};

use super::{
    GROUP,
    apply::sql,
    catalogue, census,
    schema::{BLOCK_BITS, kind_of, ordinal_of, rid},
};
use crate::structure;

/// More findings of one sort say nothing new.
const MOST: usize = 100;

/// What is wrong, a line each.
pub(super) fn verify(connection: &Connection) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    file(connection, &mut findings)?;
    spines(connection, &mut findings)?;
    for (kind, partition, name) in kinds(connection)? {
        let Ok(catalogue) = catalogue::catalogue(connection, partition) else {
            findings.push(format!(
                "partition {partition}: the definitions cannot be read"
            ));
            continue;
        };
        match catalogue.resource_type(&name) {
            Some(known) => documents(connection, kind, known, &catalogue, &mut findings)?,
            // One that was removed has no resources.
            None if census::total(connection, kind)? == 0 => {}
            None => findings.push(format!("the resource type {name} is not known")),
        }
    }
    counts(connection, &mut findings)?;
    memberships(connection, &mut findings)?;
    cycles(connection, &mut findings)?;
    Ok(findings)
}

fn file(connection: &Connection, findings: &mut Vec<String>) -> Result<()> {
    let mut check = connection.prepare("PRAGMA quick_check(100)")?;
    let lines = check.query_map([], |row| row.get(0))?;
    for line in lines {
        let line: String = line?;
        if line != "ok" {
            findings.push(format!("file: {line}"));
        }
    }
    Ok(())
}

fn kinds(connection: &Connection) -> Result<Vec<(i64, i64, String)>> {
    connection
        .prepare("SELECT id, partition, type FROM kind ORDER BY id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}

/// Runs a query whose rows are findings.
fn report(connection: &Connection, findings: &mut Vec<String>, sql: &str) -> Result<()> {
    let mut statement = connection.prepare(sql)?;
    let lines = statement.query_map([], |row| row.get(0))?;
    for line in lines.take(MOST) {
        findings.push(line?);
    }
    Ok(())
}

fn spines(connection: &Connection, findings: &mut Vec<String>) -> Result<()> {
    for sql in [
        "SELECT 'resource ' || r.id || ': version ' || r.version || ' was never given'
         FROM resource r LEFT JOIN partition p ON p.id = r.partition
         WHERE r.version > coalesce(p.last, 0)",
        "SELECT 'resource ' || r.id || ' is not of the kind its number says'
         FROM resource r LEFT JOIN kind k ON k.id = r.kind
         WHERE r.kind <> r.rid >> 40 OR k.partition IS NOT r.partition",
        "SELECT 'kind ' || k.type || ' of partition ' || k.partition || ' may give a number twice'
         FROM kind k WHERE k.next <=
             (SELECT coalesce(max(r.rid), 0) & ((1 << 40) - 1) FROM resource r
              WHERE r.rid BETWEEN k.id << 40 AND ((k.id + 1) << 40) - 1)",
        "SELECT 'event ' || seq || ' comes after the last one'
         FROM event e LEFT JOIN partition p ON p.id = e.partition
         WHERE e.seq > coalesce(p.last, 0)",
        "SELECT 'a credential belongs to no resource: number ' || p.rid
         FROM credential p LEFT JOIN resource r ON r.rid = p.rid WHERE r.rid IS NULL",
    ] {
        report(connection, findings, sql)?;
    }
    Ok(())
}

/// Every document is an object, and the index holds its entries and no others: all entries
/// are there, and there are as many rows as entries.
fn documents(
    connection: &Connection,
    kind: i64,
    known: &ResourceType,
    catalogue: &Catalogue,
    findings: &mut Vec<String>,
) -> Result<()> {
    let is_built = |path: &str| {
        let mut builds = catalogue.builds().iter();
        builds.any(|it| it.resource_type == known.name && it.path == path)
    };
    let attributes = attributes(connection, kind)?;
    let mut expected: BTreeMap<i64, i64> = attributes.values().map(|id| (*id, 0)).collect();
    let mut statement =
        connection.prepare("SELECT rid, id, document FROM resource WHERE rid BETWEEN ?1 AND ?2")?;
    let mut rows = statement.query([rid(kind, 0), rid(kind + 1, 0) - 1])?;
    while let Some(row) = rows.next()? {
        let (rid, id): (i64, String) = (row.get(0)?, row.get(1)?);
        let document = row.get_ref(2)?.as_bytes().unwrap_or_default();
        let Ok(document) = serde_json::from_slice::<Attributes>(document) else {
            findings.push(format!("resource {id}: the document is not a JSON object"));
            continue;
        };
        if document.get("id").and_then(|it| it.as_str()) != Some(id.as_str()) {
            findings.push(format!("resource {id}: the document has another id"));
        }
        let mut seen = HashSet::new();
        for entry in index::entries(&document, known) {
            let attribute = attributes.get(&entry.path).copied();
            if !seen.insert(format!("{attribute:?} {:?} {}", entry.key, entry.element)) {
                continue;
            }
            match attribute {
                Some(attribute) if is_indexed(connection, attribute, rid, &entry)? => {
                    *expected.entry(attribute).or_default() += 1;
                }
                // An index that is being built may lack entries; it has none that are wrong.
                _ if is_built(&entry.path) => {}
                _ => findings.push(format!("resource {id}: {} is not indexed", entry.path)),
            }
        }
    }
    for (path, attribute) in &attributes {
        let stored: i64 = connection
            .prepare_cached("SELECT count(*) FROM value WHERE attribute = ?1")?
            .query_row([attribute], |row| row.get(0))?;
        let expected = expected.get(attribute).copied().unwrap_or_default();
        if stored != expected {
            findings.push(format!(
                "{} index {path}: {stored} entries stored, {expected} of them of documents",
                known.name
            ));
        }
    }
    Ok(())
}

fn attributes(connection: &Connection, kind: i64) -> Result<HashMap<String, i64>> {
    connection
        .prepare("SELECT path, id FROM attribute WHERE kind = ?1")?
        .query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn is_indexed(
    connection: &Connection,
    attribute: i64,
    rid: i64,
    entry: &IndexEntry,
) -> Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM value
             WHERE attribute = ?1 AND key = ?2 AND rid = ?3 AND element = ?4",
        )?
        .exists((attribute, sql(&entry.key), rid, entry.element))
}

/// Counts agree with what they count.
fn counts(connection: &Connection, findings: &mut Vec<String>) -> Result<()> {
    let mut statement = connection.prepare("SELECT bits, kind, block, count FROM census")?;
    let mut counts: HashMap<(u32, i64, i64), i64> = statement
        .query_map([], |row| {
            Ok(((row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?))
        })?
        .collect::<Result<_>>()?;
    let mut statement = connection.prepare("SELECT rid FROM resource")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let rid = row.get(0)?;
        for bits in BLOCK_BITS {
            let block = ordinal_of(rid) >> bits;
            *counts.entry((bits, kind_of(rid), block)).or_default() -= 1;
        }
    }
    let wrong = counts.into_iter().filter(|(_, left)| *left != 0);
    findings.extend(wrong.take(MOST).map(|((bits, kind, block), left)| {
        format!("block {block} of {bits} bits of kind {kind} counts {left} too many")
    }));
    Ok(())
}

fn memberships(connection: &Connection, findings: &mut Vec<String>) -> Result<()> {
    report(
        connection,
        findings,
        "SELECT 'membership of ' || coalesce(r.id, 'number ' || m.member_rid)
             || ' in ' || coalesce(g.id, 'number ' || m.group_rid)
             || ' joins what is not there or not of one partition'
         FROM membership m
         LEFT JOIN resource g ON g.rid = m.group_rid
         LEFT JOIN resource r ON r.rid = m.member_rid
         WHERE g.partition IS NULL OR g.partition IS NOT r.partition",
    )
}

fn cycles(connection: &Connection, findings: &mut Vec<String>) -> Result<()> {
    let mut statement = connection.prepare(
        "SELECT m.group_rid, m.member_rid FROM membership m
         JOIN kind g ON g.id = m.group_rid >> 40 AND g.type = ?1
         WHERE m.member_rid >> 40 = g.id",
    )?;
    let edges: Vec<(i64, i64)> = statement
        .query_map([GROUP], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    findings.extend(structure::cycles(&edges));
    Ok(())
}
