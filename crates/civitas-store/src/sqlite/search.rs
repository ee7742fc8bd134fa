//! Searches: a condition's answer as a set of resources, and the page of it that was asked.

use civitas_directory::{
    record::Found,
    store::{FoundPage, Page, Query, Selection, Want},
};
use civitas_scim::condition::Condition;

use super::{
    census,
    error::{ReadFault, ReadResult},
    leaf::Indexes,
    reader::{BY_RANGE, BY_RID, Reader},
    schema::{last_of, rid},
};
use crate::{
    filter::{self, Node, Op, Residue},
    rids::Rids,
};

/// So few candidates are cheaper to look at than another index is to read.
const FEW: usize = 1_000;

/// Candidates and resources of a search that runs where it stands, at most.
const INLINE: usize = 200;

/// A search in one consistent state.
pub(super) struct Search<'r> {
    pub(super) reader: Reader<'r>,
    /// Most documents to examine.
    pub(super) limit: usize,
    /// Most resources an index may answer.
    pub(super) cap: usize,
}

/// What a selection matches.
#[derive(Debug)]
pub(super) struct Matched {
    /// The number of the type's kind; 0, which no kind has, while it has no resource.
    pub(super) kind: i64,
    pub(super) resource_type: String,
    pub(super) rids: Rids,
    pub(super) total: u64,
}

/// Most resources an index may answer in a search that runs where it stands; `None` when the
/// search belongs on a thread of its own from the start.
pub(super) fn inline_cap(query: &Query) -> Option<usize> {
    let [selection] = query.selections.as_slice() else {
        return None;
    };
    let count = match query.page {
        Page::Index { count, .. } | Page::After { count, .. } => count,
    };
    let quick = |condition| filter::compile(condition, &selection.resource_type).rank() <= 1;
    let short = selection.sort.is_none()
        && count <= INLINE
        && selection.condition.as_ref().is_none_or(quick);
    short.then_some(INLINE)
}

/// How SQLite answers the leaves of a condition, a line each step.
pub(super) fn explain(
    reader: Reader<'_>,
    resource_type: &str,
    condition: &Condition,
) -> rusqlite::Result<Vec<String>> {
    let indexes = Indexes {
        reader,
        kind: 0,
        cap: usize::MAX,
    };
    let mut lines = Vec::new();
    let mut open = vec![filter::compile(condition, resource_type)];
    while let Some(node) = open.pop() {
        match node.op {
            Op::Leaf(leaf) => lines.extend(indexes.explain(&leaf)?),
            Op::And(nodes) | Op::Or(nodes) => open.extend(nodes),
            Op::Not(inner) => open.push(*inner),
            Op::Constant(_) | Op::Check => {}
        }
    }
    Ok(lines)
}

impl Search<'_> {
    /// The page and the total.
    pub(super) fn run(&self, query: &Query) -> ReadResult<FoundPage> {
        if let Some(page) = self.by_value(query)? {
            return Ok(page);
        }
        let matched = query
            .selections
            .iter()
            .map(|selection| self.matched(selection))
            .collect::<ReadResult<Vec<_>>>()?;
        let (offset, count) = match &query.page {
            Page::Index { offset, count } => (*offset, *count),
            Page::After { place, count } => {
                return self.after(&matched, query, place.as_ref(), *count);
            }
        };
        match (matched.as_slice(), query.selections.as_slice()) {
            ([matched], [selection]) => self.single(matched, selection, offset, count, query.want),
            _ => self.several(&matched, query, offset, count),
        }
    }

    fn matched(&self, selection: &Selection) -> ReadResult<Matched> {
        let Reader {
            connection,
            catalog,
            partition,
        } = self.reader;
        let resource_type = selection.resource_type.as_str();
        let mut matched = Matched {
            kind: 0,
            resource_type: resource_type.into(),
            rids: Rids::NONE,
            total: 0,
        };
        let Some(kind) = catalog.kind(connection, partition, resource_type)? else {
            return Ok(matched);
        };
        matched.kind = kind;
        matched.rids = match &selection.condition {
            Some(condition) => self.answer(kind, resource_type, condition)?,
            None => Rids::ALL,
        };
        matched.total = self.size(kind, &matched.rids)?;
        Ok(matched)
    }

    /// The resources that match the condition, exactly.
    fn answer(&self, kind: i64, resource_type: &str, condition: &Condition) -> ReadResult<Rids> {
        let node = filter::compile(condition, resource_type);
        let indexes = Indexes {
            reader: self.reader,
            kind,
            cap: self.cap,
        };
        let (candidates, residue) = self.candidates(&indexes, &node, false)?;
        if residue.is_empty() || candidates == Rids::NONE {
            return Ok(candidates);
        }
        self.check(kind, resource_type, &candidates, &residue)
    }

    /// A set that holds all matches, and what its documents still have to tell. `strict`:
    /// documents may not be asked what an index can answer.
    fn candidates<'c>(
        &self,
        indexes: &Indexes<'_>,
        node: &Node<'c>,
        strict: bool,
    ) -> ReadResult<(Rids, Residue<'c>)> {
        let mut residue = Residue::default();
        let rids = match &node.op {
            Op::Constant(true) => Rids::ALL,
            Op::Constant(false) => Rids::NONE,
            Op::Leaf(leaf) => Rids::collect(indexes.ask(leaf)?),
            Op::And(nodes) => return self.all_of(indexes, nodes, strict),
            Op::Or(nodes) => {
                let mut union = Rids::NONE;
                for inner in nodes {
                    let (rids, left) = self.candidates(indexes, inner, true)?;
                    union = union.or(rids);
                    if !left.is_empty() {
                        residue.push(node.condition);
                    }
                }
                union
            }
            Op::Not(inner) => match self.candidates(indexes, inner, true)? {
                (rids, left) if left.is_empty() => rids.complement(),
                _ => {
                    residue.push(node.condition);
                    Rids::ALL
                }
            },
            Op::Check => {
                residue.push(node.condition);
                Rids::ALL
            }
        };
        Ok((rids, residue))
    }

    /// The most selective first; once few are left, the documents tell the rest.
    fn all_of<'c>(
        &self,
        indexes: &Indexes<'_>,
        nodes: &[Node<'c>],
        strict: bool,
    ) -> ReadResult<(Rids, Residue<'c>)> {
        let mut order: Vec<&Node<'c>> = nodes.iter().collect();
        order.sort_by_key(|node| node.rank());
        let few = FEW.min(self.limit);
        let (mut rids, mut residue) = (Rids::ALL, Residue::default());
        for node in order {
            let is_few = rids.listed().is_some_and(|listed| listed <= few);
            if matches!(node.op, Op::Check)
                || (is_few && !strict && node.rank() > 1 && node.is_checkable())
            {
                residue.push(node.condition);
                continue;
            }
            let (inner, left) = self.candidates(indexes, node, strict)?;
            rids = rids.and(inner);
            residue.extend(left);
            if rids == Rids::NONE {
                return Ok((rids, Residue::default()));
            }
        }
        Ok((rids, residue))
    }

    /// Looks at the documents of the candidates. What is read of members counts like
    /// documents, because it costs like them.
    fn check(
        &self,
        kind: i64,
        resource_type: &str,
        candidates: &Rids,
        residue: &Residue<'_>,
    ) -> ReadResult<Rids> {
        let mut examined = 0;
        let mut matches = Vec::new();
        let want = Want {
            groups: residue.mentions("groups"),
            members: residue.mentions("members").then_some(self.limit),
        };
        self.require_affordable(self.size(kind, candidates)?)?;
        self.each(kind, resource_type, candidates, want, |rid, found| {
            examined += 1 + found.members.as_ref().map_or(0, Vec::len);
            if examined > self.limit {
                return Err(self.too_costly());
            }
            if residue.matches(&found.resource()) {
                matches.push(rid);
            }
            Ok(())
        })?;
        Ok(Rids::Only(matches))
    }

    pub(super) fn require_affordable(&self, documents: u64) -> ReadResult<()> {
        if documents > self.limit as u64 {
            return Err(self.too_costly());
        }
        if documents > self.cap as u64 {
            return Err(ReadFault::Slow);
        }
        Ok(())
    }

    fn too_costly(&self) -> ReadFault {
        ReadFault::TooCostly { limit: self.limit }
    }

    fn size(&self, kind: i64, rids: &Rids) -> ReadResult<u64> {
        Ok(match rids {
            Rids::Only(rids) => rids.len() as u64,
            Rids::Except(rids) => {
                census::total(self.reader.connection, kind)?.saturating_sub(rids.len() as u64)
            }
        })
    }

    /// Every resource of the set in creation order.
    pub(super) fn each(
        &self,
        kind: i64,
        resource_type: &str,
        rids: &Rids,
        want: Want,
        mut visit: impl FnMut(i64, Found) -> ReadResult<()>,
    ) -> ReadResult<()> {
        match rids {
            Rids::Only(rids) => {
                for rid in rids {
                    if let Some(found) = self.by_rid(*rid, resource_type, want)? {
                        visit(*rid, found)?;
                    }
                }
                Ok(())
            }
            Rids::Except(except) => {
                let mut visit = |rid, found| visit(rid, found).map(|()| true);
                self.scan(
                    (kind, resource_type),
                    rid(kind, 0),
                    except,
                    want,
                    &mut visit,
                )
            }
        }
    }

    pub(super) fn by_rid(
        &self,
        rid: i64,
        resource_type: &str,
        want: Want,
    ) -> ReadResult<Option<Found>> {
        let mut statement = self.reader.connection.prepare_cached(BY_RID)?;
        let mut rows = statement.query((Reader::asks_groups(resource_type, want), rid))?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        Ok(Some(self.reader.found(row, resource_type, want)?))
    }

    /// Resources of the kind from one on, but for `except`, until `visit` says no.
    pub(super) fn scan(
        &self,
        (kind, resource_type): (i64, &str),
        from: i64,
        except: &[i64],
        want: Want,
        visit: &mut dyn FnMut(i64, Found) -> ReadResult<bool>,
    ) -> ReadResult<()> {
        let mut statement = self.reader.connection.prepare_cached(BY_RANGE)?;
        let asks_groups = Reader::asks_groups(resource_type, want);
        let mut rows = statement.query((asks_groups, from, last_of(kind)))?;
        while let Some(row) = rows.next()? {
            let rid = row.get(0)?;
            if except.binary_search(&rid).is_ok() {
                continue;
            }
            let found = self.reader.found(row, resource_type, want)?;
            if !visit(rid, found)? {
                break;
            }
        }
        Ok(())
    }

    fn single(
        &self,
        matched: &Matched,
        selection: &Selection,
        offset: u64,
        count: usize,
        want: Want,
    ) -> ReadResult<FoundPage> {
        if let Some(sort) = &selection.sort {
            let rids = self.sorted(matched, sort, offset, count)?;
            let parts: Vec<_> = rids.into_iter().map(|rid| (matched, rid)).collect();
            return self.page(matched.total, &parts, want);
        }
        Ok(FoundPage {
            total: matched.total,
            items: self.slice(matched, offset, count, want)?,
            next: None,
        })
    }

    /// The page in creation order.
    fn slice(
        &self,
        matched: &Matched,
        offset: u64,
        count: usize,
        want: Want,
    ) -> ReadResult<Vec<Found>> {
        let mut items = Vec::new();
        if count == 0 || offset >= matched.total {
            return Ok(items);
        }
        let (kind, resource_type) = (matched.kind, matched.resource_type.as_str());
        match &matched.rids {
            Rids::Only(rids) => {
                for rid in rids.iter().skip(offset as usize).take(count) {
                    items.extend(self.by_rid(*rid, resource_type, want)?);
                }
            }
            Rids::Except(except) => {
                let connection = self.reader.connection;
                let from = match offset {
                    0 => Some(rid(kind, 0)),
                    _ => census::seek(connection, kind, except, offset)?,
                };
                let Some(from) = from else {
                    return Ok(items);
                };
                let mut visit = |_, found| {
                    items.push(found);
                    Ok(items.len() < count)
                };
                self.scan((kind, resource_type), from, except, want, &mut visit)?;
            }
        }
        Ok(items)
    }

    /// Resources of several types in one order, that of creation or the one asked for.
    fn several(
        &self,
        matched: &[Matched],
        query: &Query,
        offset: u64,
        count: usize,
    ) -> ReadResult<FoundPage> {
        let total = matched.iter().map(|matched| matched.total).sum();
        let sorts: Option<Vec<_>> = query.selections.iter().map(|it| it.sort.as_ref()).collect();
        let rids = match sorts.filter(|sorts| !sorts.is_empty()) {
            Some(sorts) => self.sorted_together(matched, &sorts, offset, count)?,
            None => self.created_together(matched, offset, count)?,
        };
        self.page(total, &rids, query.want)
    }

    /// The resources of a page whose order is settled.
    fn page(&self, total: u64, parts: &[(&Matched, i64)], want: Want) -> ReadResult<FoundPage> {
        let mut items = Vec::new();
        for (matched, rid) in parts {
            items.extend(self.by_rid(*rid, &matched.resource_type, want)?);
        }
        Ok(FoundPage {
            total,
            items,
            next: None,
        })
    }
}
