//! Searches: a condition's answer as a set of resources, and the page of it that was asked. The
//! same for every store; what a store answers by itself is in [`Source`].

mod sort;
mod source;
mod walk;

use std::collections::HashMap;

use civitas_directory::{
    record::Found,
    store::{FoundPage, Page, Query, Selection, Want},
};
use civitas_scim::condition::Condition;

pub(crate) use self::source::{KeyRef, Kind, Meet, Order, OrderIndex, Part, Source, Visit};
use crate::{
    fault::{ReadFault, ReadResult},
    filter::{self, Node, Op, Residue},
    rid::rid,
    rids::Rids,
};

/// So few candidates are cheaper to look at than another index is to read.
const FEW: usize = 1_000;

/// Candidates and resources of a quick search, at most.
pub(crate) const QUICK: usize = 200;

/// Whether an index answers the search, or tells which few resources to look at: at most
/// [`QUICK`] of them as a rule. Of a range of values, and of the members of a group, that is found
/// out along the index, which ends there.
pub(crate) fn is_quick(query: &Query) -> bool {
    let [selection] = query.selections.as_slice() else {
        return false;
    };
    let count = match query.page {
        Page::Index { count, .. } | Page::After { count, .. } => count,
    };
    let quick = |condition| {
        let node = filter::compile(condition, &selection.resource_type);
        node.rank() <= 1 || node.is_range() || node.is_of_one_group()
    };
    selection.sort.is_none() && count <= QUICK && selection.condition.as_ref().is_none_or(quick)
}

/// A search in one consistent state.
pub(crate) struct Search<'s, S> {
    pub(crate) source: &'s S,
    /// Most documents to examine.
    pub(crate) limit: usize,
    /// Most resources an index may answer.
    pub(crate) cap: usize,
}

/// What a selection matches.
#[derive(Debug)]
struct Matched {
    /// The number of the type's kind; 0, which no kind has, while it has no resource.
    kind: i64,
    resource_type: String,
    rids: Rids,
    total: u64,
}

impl Matched {
    fn kind(&self) -> Kind<'_> {
        Kind {
            number: self.kind,
            resource_type: &self.resource_type,
        }
    }
}

impl<S: Source> Search<'_, S> {
    /// The page and the total.
    pub(crate) fn run(&self, query: &Query) -> ReadResult<FoundPage> {
        if let Some(page) = self.source.shortcut(query, self.cap)? {
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
        let resource_type = selection.resource_type.as_str();
        let mut matched = Matched {
            kind: 0,
            resource_type: resource_type.into(),
            rids: Rids::NONE,
            total: 0,
        };
        let Some(kind) = self.source.kind(resource_type)? else {
            return Ok(matched);
        };
        matched.kind = kind;
        matched.rids = match &selection.condition {
            Some(condition) => self.answer(matched.kind(), condition)?,
            None => Rids::ALL,
        };
        matched.total = self.size(kind, &matched.rids)?;
        Ok(matched)
    }

    /// The resources that match the condition, exactly.
    fn answer(&self, kind: Kind<'_>, condition: &Condition) -> ReadResult<Rids> {
        let node = filter::compile(condition, kind.resource_type);
        let (candidates, residue) = self.candidates(kind.number, &node, false)?;
        if residue.is_empty() || candidates == Rids::NONE {
            return Ok(candidates);
        }
        self.check(kind, &candidates, &residue)
    }

    /// A set that holds all matches, and what its documents still have to tell. `strict`:
    /// documents may not be asked what an index can answer.
    fn candidates<'c>(
        &self,
        kind: i64,
        node: &Node<'c>,
        strict: bool,
    ) -> ReadResult<(Rids, Residue<'c>)> {
        let mut residue = Residue::default();
        let rids = match &node.op {
            Op::Constant(true) => Rids::ALL,
            Op::Constant(false) => Rids::NONE,
            Op::Leaf(leaf) => Rids::collect(self.source.ask(kind, leaf, self.cap)?),
            Op::And(nodes) => return self.all_of(kind, nodes, strict),
            Op::Or(nodes) => {
                let mut union = Rids::NONE;
                for inner in nodes {
                    let (rids, left) = self.candidates(kind, inner, true)?;
                    union = union.or(rids);
                    if !left.is_empty() {
                        residue.push(node.condition);
                    }
                }
                union
            }
            Op::Not(inner) => match self.candidates(kind, inner, true)? {
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
        kind: i64,
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
            let (inner, left) = self.candidates(kind, node, strict)?;
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
    fn check(&self, kind: Kind<'_>, candidates: &Rids, residue: &Residue<'_>) -> ReadResult<Rids> {
        let mut examined = 0;
        let mut matches = Vec::new();
        let want = Want {
            groups: residue.mentions("groups"),
            members: residue.mentions("members").then_some(self.limit),
        };
        self.require_affordable(self.size(kind.number, candidates)?)?;
        self.each(kind, candidates, want, |rid, found| {
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

    fn require_affordable(&self, documents: u64) -> ReadResult<()> {
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
            Rids::Except(rids) => self.source.total(kind)?.saturating_sub(rids.len() as u64),
        })
    }

    /// Every resource of the set in creation order.
    fn each(
        &self,
        kind: Kind<'_>,
        rids: &Rids,
        want: Want,
        mut visit: impl FnMut(i64, Found) -> ReadResult<()>,
    ) -> ReadResult<()> {
        let mut visit = |rid, found| visit(rid, found).map(|()| true);
        match rids {
            Rids::Only(rids) => self.source.found(kind, rids, want, &mut visit),
            Rids::Except(except) => {
                let from = rid(kind.number, 0);
                self.scan(kind, from, except, usize::MAX, want, &mut visit)
            }
        }
    }

    /// Resources of the kind from one on, but for `except`, until `visit` says no.
    fn scan(
        &self,
        kind: Kind<'_>,
        from: i64,
        except: &[i64],
        expected: usize,
        want: Want,
        visit: Visit<'_>,
    ) -> ReadResult<()> {
        let mut visit = |rid, found| match except.binary_search(&rid) {
            Ok(_) => Ok(true),
            Err(_) => visit(rid, found),
        };
        self.source.scan(kind, from, expected, want, &mut visit)
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
        let kind = matched.kind();
        match &matched.rids {
            Rids::Only(rids) => {
                let rids = &rids[offset as usize..];
                let rids = &rids[..count.min(rids.len())];
                self.source.found(kind, rids, want, &mut |_, found| {
                    items.push(found);
                    Ok(true)
                })?;
            }
            Rids::Except(except) => {
                let from = match offset {
                    0 => Some(rid(kind.number, 0)),
                    _ => self.source.seek(kind.number, except, offset)?,
                };
                let Some(from) = from else {
                    return Ok(items);
                };
                let mut visit = |_, found| {
                    items.push(found);
                    Ok(items.len() < count)
                };
                self.scan(kind, from, except, count, want, &mut visit)?;
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
        let rids: Vec<i64> = parts.iter().map(|(_, rid)| *rid).collect();
        let mut found = self.by_rids(parts.iter().map(|(matched, rid)| (*matched, *rid)), want)?;
        Ok(FoundPage {
            total,
            items: rids.iter().filter_map(|rid| found.remove(rid)).collect(),
            next: None,
        })
    }

    /// Resources of several types by their numbers.
    fn by_rids<'m>(
        &self,
        parts: impl Iterator<Item = (&'m Matched, i64)>,
        want: Want,
    ) -> ReadResult<HashMap<i64, Found>> {
        let mut kinds: Vec<(&Matched, Vec<i64>)> = Vec::new();
        for (matched, rid) in parts {
            match kinds.iter_mut().find(|(it, _)| it.kind == matched.kind) {
                Some((_, rids)) => rids.push(rid),
                None => kinds.push((matched, vec![rid])),
            }
        }
        let mut all = HashMap::new();
        for (matched, rids) in kinds {
            let mut visit = |rid, found| {
                all.insert(rid, found);
                Ok(true)
            };
            self.source.found(matched.kind(), &rids, want, &mut visit)?;
        }
        Ok(all)
    }
}
