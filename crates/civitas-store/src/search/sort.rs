//! Sorted pages (RFC 7644 §3.4.2.3).

use std::cmp::Ordering;

use civitas_directory::{record::Timestamp, store::Want};
use civitas_scim::{condition::Sort, value::Key};

use super::{KeyRef, Matched, Order, OrderIndex, Part, Search, Source};
use crate::{fault::ReadResult, rids::Rids};

/// So few resources are sorted by their documents rather than by walking an index.
pub(super) const FEW: usize = 1_000;

/// Resources in sort order as far as an index shows it.
#[derive(Default)]
struct Walk {
    /// Those met that match, ascending by key, then by rid.
    rids: Vec<i64>,
    /// Where in `rids` each run of equal keys starts.
    runs: Vec<usize>,
}

/// A resource with what it is sorted by.
pub(super) struct Keyed {
    pub(super) key: Option<Key>,
    created: Timestamp,
    pub(super) rid: i64,
}

impl<S: Source> Search<'_, S> {
    /// The resources of a page in sort order.
    pub(super) fn sorted(
        &self,
        matched: &Matched,
        sort: &Sort,
        offset: u64,
        count: usize,
    ) -> ReadResult<Vec<i64>> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let few = matched.total <= FEW.min(self.limit) as u64;
        let order = match OrderIndex::of(&sort.target) {
            Some(index) if !few => {
                // Ascending, what comes after the page need not be met.
                let enough = offset.saturating_add(count);
                let enough = if sort.descending { usize::MAX } else { enough };
                let walk = self.walk(matched, index, enough)?;
                self.ordered(matched, walk, sort.descending, enough)?
            }
            _ => self
                .keyed(matched, sort)?
                .into_iter()
                .map(|keyed| keyed.rid)
                .collect(),
        };
        Ok(order.into_iter().skip(offset).take(count).collect())
    }

    /// The resources of a page over several types in one sort order, each with its type.
    pub(super) fn sorted_together<'m>(
        &self,
        matched: &'m [Matched],
        sorts: &[&Sort],
        offset: u64,
        count: usize,
    ) -> ReadResult<Vec<(&'m Matched, i64)>> {
        let total = matched.iter().map(|matched| matched.total).sum();
        self.require_affordable(total)?;
        let descending = sorts.iter().any(|sort| sort.descending);
        let mut all = Vec::new();
        for (matched, sort) in matched.iter().zip(sorts) {
            let keyed = self.keyed(matched, sort)?.into_iter();
            all.extend(keyed.map(|keyed| (keyed, matched)));
        }
        // Stable, so that ties keep the order of types and then of creation.
        all.sort_by(|(a, _), (b, _)| {
            by_key(a.key.as_ref(), b.key.as_ref(), descending).then(a.created.cmp(&b.created))
        });
        let page = page(all, offset, count);
        Ok(page.map(|(keyed, matched)| (matched, keyed.rid)).collect())
    }

    /// The resources of a page over several types in creation order, each with its type.
    pub(super) fn created_together<'m>(
        &self,
        matched: &'m [Matched],
        offset: u64,
        count: usize,
    ) -> ReadResult<Vec<(&'m Matched, i64)>> {
        let enough = usize::try_from(offset).unwrap_or(usize::MAX);
        let enough = enough.saturating_add(count);
        let mut all = Vec::new();
        for matched in matched.iter().filter(|_| enough > 0) {
            let order = ascending(OrderIndex::Created);
            let mut left = enough;
            let mut meet = |rid, created: KeyRef<'_>| {
                if let (KeyRef::Integer(created), true) = (created, matched.rids.contains(rid)) {
                    all.push((created, matched, rid));
                    left -= 1;
                }
                Ok(left > 0)
            };
            self.source
                .walk(matched.kind, order, Part::Whole, enough, &mut meet)?;
        }
        // Stable, so that of one instant the types keep their order.
        all.sort_by_key(|(created, ..)| *created);
        let page = page(all, offset, count);
        Ok(page.map(|(_, matched, rid)| (matched, rid)).collect())
    }

    /// All matches with their keys from their documents, in order.
    pub(super) fn keyed(&self, matched: &Matched, sort: &Sort) -> ReadResult<Vec<Keyed>> {
        self.require_affordable(matched.total)?;
        let is = |attribute| sort.target.extension.is_none() && sort.target.attribute == attribute;
        let want = Want {
            groups: is("groups"),
            members: is("members").then_some(self.limit),
        };
        let mut keyed = Vec::new();
        self.each(matched.kind(), &matched.rids, want, |rid, found| {
            keyed.push(Keyed {
                key: sort.key(&found.resource()),
                created: found.record.created,
                rid,
            });
            Ok(())
        })?;
        keyed.sort_by(|a, b| by_key(a.key.as_ref(), b.key.as_ref(), sort.descending));
        Ok(keyed)
    }

    fn walk(&self, matched: &Matched, index: OrderIndex<'_>, enough: usize) -> ReadResult<Walk> {
        let mut walk = Walk::default();
        let mut last: Option<Key> = None;
        let mut meet = |rid, key: KeyRef<'_>| {
            if !matched.rids.contains(rid) {
                return Ok(true);
            }
            if last.as_ref().is_none_or(|last| !is_same(last, key)) {
                walk.runs.push(walk.rids.len());
                last = Some(key.to_key());
            }
            walk.rids.push(rid);
            Ok(walk.rids.len() < enough)
        };
        let order = ascending(index);
        self.source
            .walk(matched.kind, order, Part::Whole, enough, &mut meet)?;
        Ok(walk)
    }

    /// Places those without a value: last, or first when descending.
    fn ordered(
        &self,
        matched: &Matched,
        walk: Walk,
        descending: bool,
        enough: usize,
    ) -> ReadResult<Vec<i64>> {
        if walk.rids.len() >= enough {
            return Ok(walk.rids);
        }
        let mut order = self.unmet(matched, &walk.rids)?;
        if descending {
            let ends = walk.runs.iter().skip(1).copied().chain([walk.rids.len()]);
            let runs: Vec<(usize, usize)> = walk.runs.iter().copied().zip(ends).collect();
            for (start, end) in runs.into_iter().rev() {
                order.extend_from_slice(&walk.rids[start..end]);
            }
            return Ok(order);
        }
        let mut met = walk.rids;
        met.append(&mut order);
        Ok(met)
    }

    /// Matches that a walk did not meet, in creation order.
    fn unmet(&self, matched: &Matched, met: &[i64]) -> ReadResult<Vec<i64>> {
        if met.len() as u64 == matched.total {
            return Ok(Vec::new());
        }
        let met = Rids::collect(met.to_vec()).complement();
        match matched.rids.clone().and(met) {
            Rids::Only(rids) => Ok(rids),
            Rids::Except(except) => self.listed(matched.kind, &except),
        }
    }

    /// All resources of the kind but some.
    fn listed(&self, kind: i64, except: &[i64]) -> ReadResult<Vec<i64>> {
        let mut rids = self.source.numbers(kind)?;
        rids.retain(|rid| except.binary_search(rid).is_err());
        Ok(rids)
    }
}

fn ascending(index: OrderIndex<'_>) -> Order<'_> {
    Order {
        index,
        descending: false,
    }
}

fn is_same(key: &Key, other: KeyRef<'_>) -> bool {
    match (key, other) {
        (Key::Integer(a), KeyRef::Integer(b)) => *a == b,
        (Key::Real(a), KeyRef::Real(b)) => a.total_cmp(&b).is_eq(),
        (Key::Text(a), KeyRef::Text(b)) => a == b,
        _ => false,
    }
}

fn page<T>(all: Vec<T>, offset: u64, count: usize) -> impl Iterator<Item = T> {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    all.into_iter().skip(offset).take(count)
}

/// Without a value: last when ascending, first when descending. Ties are equal.
fn by_key(a: Option<&Key>, b: Option<&Key>, descending: bool) -> Ordering {
    let order = match (a, b) {
        (Some(a), Some(b)) => a.order(b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    if descending { order.reverse() } else { order }
}
