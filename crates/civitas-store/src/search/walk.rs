//! Pages that go on after a place: each is found where the last one ended, so that the last
//! page costs what the first one costs.

use std::cmp::Ordering;

use civitas_directory::{
    record::Found,
    store::{FoundPage, Place, Position, Query, Want},
};
use civitas_scim::{condition::Sort, value::Key};

use super::{KeyRef, Matched, Order, OrderIndex, Part, Search, Source, sort::FEW};
use crate::{
    fault::ReadResult,
    rid::{last_of, ordinal_of, rid},
    rids::Rids,
};

/// Most documents that one page looks at for those without a value to sort by, which no index
/// lists. A page that finds fewer than asked for among them says where to go on.
const MOST_UNLISTED: usize = 5_000;

/// A resource in the order of the walk.
struct Entry {
    key: Option<Key>,
    /// The place of its type among the types asked for.
    type_order: usize,
    rid: i64,
    /// Whether the walk only came by: what follows it was not looked at.
    is_frontier: bool,
}

/// Where in the order of one type to begin: beyond this key and rid.
#[derive(Clone)]
struct Bound {
    key: Option<Key>,
    rid: i64,
}

impl<S: Source> Search<'_, S> {
    /// The page after a place.
    pub(super) fn after(
        &self,
        matched: &[Matched],
        query: &Query,
        place: Option<&Place>,
        count: usize,
    ) -> ReadResult<FoundPage> {
        let total = matched.iter().map(|matched| matched.total).sum();
        let begin = place.map(|place| {
            let mut types = matched.iter();
            let order = types.position(|it| it.resource_type == place.resource_type);
            (place, order.unwrap_or(usize::MAX))
        });
        let sorts: Option<Vec<_>> = query.selections.iter().map(|it| it.sort.as_ref()).collect();
        let (items, next) = match sorts {
            _ if count == 0 => (Vec::new(), None),
            Some(sorts) => self.after_sorted(matched, &sorts, begin, count, query.want)?,
            None => self.after_created(matched, begin, count, query.want)?,
        };
        Ok(FoundPage { total, items, next })
    }

    /// Type after type, each in creation order. One more than asked for is read, to tell
    /// whether the page is the last.
    fn after_created(
        &self,
        matched: &[Matched],
        begin: Option<(&Place, usize)>,
        count: usize,
        want: Want,
    ) -> ReadResult<(Vec<Found>, Option<Place>)> {
        let (begin, first) = begin.map_or((None, 0), |(place, order)| (Some(place), order));
        let mut found: Vec<(&Matched, i64, Found)> = Vec::new();
        for (order, matched) in matched.iter().enumerate().skip(first) {
            let begin = begin.filter(|_| order == first);
            let from = begin.map_or(0, |place| place.position.0.max(0) + 1);
            let more = count.saturating_add(1) - found.len();
            let part = self.from(matched, rid(matched.kind, from), more, want)?;
            found.extend(part.into_iter().map(|(rid, it)| (matched, rid, it)));
            if found.len() > count {
                break;
            }
        }
        let more = found.len() > count;
        found.truncate(count);
        let next = found.last().filter(|_| more);
        let next = next.map(|(matched, rid, _)| place_of(matched, *rid, None));
        Ok((found.into_iter().map(|(.., found)| found).collect(), next))
    }

    /// Up to `most` resources of a type from one on.
    fn from(
        &self,
        matched: &Matched,
        from: i64,
        most: usize,
        want: Want,
    ) -> ReadResult<Vec<(i64, Found)>> {
        let kind = matched.kind();
        let mut items = Vec::new();
        let mut visit = |rid, found| {
            items.push((rid, found));
            Ok(items.len() < most)
        };
        match &matched.rids {
            Rids::Only(rids) => {
                let rids = &rids[rids.partition_point(|rid| *rid < from)..];
                let rids = &rids[..most.min(rids.len())];
                self.source.found(kind, rids, want, &mut visit)?;
            }
            Rids::Except(except) => {
                self.scan(kind, from, except, most, want, &mut visit)?;
            }
        }
        Ok(items)
    }

    fn after_sorted(
        &self,
        matched: &[Matched],
        sorts: &[&Sort],
        begin: Option<(&Place, usize)>,
        count: usize,
        want: Want,
    ) -> ReadResult<(Vec<Found>, Option<Place>)> {
        let descending = sorts.iter().any(|sort| sort.descending);
        let mut entries = Vec::new();
        for (order, (matched, sort)) in matched.iter().zip(sorts).enumerate() {
            let bound = begin.map(|begin| bound(matched.kind, order, begin));
            entries.extend(self.entries(matched, sort, order, bound, count.saturating_add(1))?);
        }
        entries.sort_by(|a, b| {
            let order = by_key(a.key.as_ref(), b.key.as_ref())
                .then_with(|| (a.type_order, a.rid).cmp(&(b.type_order, b.rid)));
            if descending { order.reverse() } else { order }
        });
        let shown = entries
            .iter()
            .filter(|entry| !entry.is_frontier)
            .take(count);
        let shown = shown.map(|entry| (&matched[entry.type_order], entry.rid));
        let mut found = self.by_rids(shown, want)?;
        let (mut items, mut last, mut next) = (Vec::new(), None, None);
        for entry in entries {
            let matched = &matched[entry.type_order];
            let place = place_of(matched, entry.rid, entry.key);
            if items.len() == count {
                next = last;
                break;
            }
            if entry.is_frontier {
                next = Some(place);
                break;
            }
            items.extend(found.remove(&entry.rid));
            last = Some(place);
        }
        Ok((items, next))
    }

    /// Up to `most` resources of a type beyond the bound, in order.
    fn entries(
        &self,
        matched: &Matched,
        sort: &Sort,
        type_order: usize,
        bound: Option<Bound>,
        most: usize,
    ) -> ReadResult<Vec<Entry>> {
        let entry = |(key, rid)| Entry {
            key,
            type_order,
            rid,
            is_frontier: false,
        };
        let few = matched.total <= FEW.min(self.limit) as u64;
        let Some(index) = OrderIndex::of(&sort.target).filter(|_| !few) else {
            let keyed = self.keyed(matched, sort)?.into_iter();
            let mut keyed: Vec<_> = keyed.map(|keyed| (keyed.key, keyed.rid)).collect();
            let order = |(key, rid): &(Option<Key>, i64), other: (Option<&Key>, i64)| {
                let order = by_key(key.as_ref(), other.0).then(rid.cmp(&other.1));
                if sort.descending {
                    order.reverse()
                } else {
                    order
                }
            };
            if let Some(bound) = &bound {
                keyed.retain(|it| order(it, (bound.key.as_ref(), bound.rid)).is_gt());
            }
            keyed.sort_by(|a, b| order(a, (b.0.as_ref(), b.1)));
            keyed.truncate(most);
            return Ok(keyed.into_iter().map(entry).collect());
        };
        // Those without a value come after all others, and descending before them.
        let begins_without = bound.as_ref().map(|bound| bound.key.is_none());
        let mut entries = Vec::new();
        let unlisted = |entries: &mut Vec<Entry>, bound: Option<i64>| {
            let most = most - entries.len();
            let (rids, frontier) = self.without_value(matched, sort, index, bound, most)?;
            entries.extend(rids.into_iter().map(|rid| entry((None, rid))));
            entries.extend(frontier.map(|rid| Entry {
                is_frontier: true,
                ..entry((None, rid))
            }));
            ReadResult::Ok(frontier.is_some())
        };
        if sort.descending && begins_without != Some(false) {
            let cut_off = unlisted(&mut entries, bound.as_ref().map(|bound| bound.rid))?;
            if cut_off {
                return Ok(entries);
            }
        }
        if sort.descending || begins_without != Some(true) {
            let bound = bound
                .as_ref()
                .and_then(|it| Some((it.key.as_ref()?, it.rid)));
            let most = most - entries.len();
            let listed = self.with_value(matched, sort, index, bound, most)?;
            entries.extend(listed.into_iter().map(|(key, rid)| entry((Some(key), rid))));
        }
        if !sort.descending && entries.len() < most {
            let bound = bound.filter(|bound| bound.key.is_none());
            unlisted(&mut entries, bound.map(|bound| bound.rid))?;
        }
        Ok(entries)
    }

    /// Resources with a value, from the index.
    fn with_value(
        &self,
        matched: &Matched,
        sort: &Sort,
        index: OrderIndex<'_>,
        bound: Option<(&Key, i64)>,
        most: usize,
    ) -> ReadResult<Vec<(Key, i64)>> {
        let order = Order {
            index,
            descending: sort.descending,
        };
        let mut entries = Vec::new();
        match bound {
            None => self.list(matched, order, Part::Whole, most, &mut entries)?,
            Some((key, rid)) => {
                let key = index.stored(key);
                self.list(matched, order, Part::Tied(&key, rid), most, &mut entries)?;
                self.list(matched, order, Part::Beyond(&key), most, &mut entries)?;
            }
        }
        Ok(entries)
    }

    /// A part of an index in order, until there are `most` entries.
    fn list(
        &self,
        matched: &Matched,
        order: Order<'_>,
        part: Part<'_>,
        most: usize,
        entries: &mut Vec<(Key, i64)>,
    ) -> ReadResult<()> {
        if entries.len() >= most {
            return Ok(());
        }
        let expected = most - entries.len();
        let mut meet = |rid, key: KeyRef<'_>| {
            if matched.rids.contains(rid) {
                entries.push((order.index.compared(key), rid));
            }
            Ok(entries.len() < most)
        };
        self.source
            .walk(matched.kind, order, part, expected, &mut meet)
    }

    /// Resources without a value beyond a rid, as their documents tell, and the last one
    /// looked at where there may be more.
    fn without_value(
        &self,
        matched: &Matched,
        sort: &Sort,
        index: OrderIndex<'_>,
        bound: Option<i64>,
        most: usize,
    ) -> ReadResult<(Vec<i64>, Option<i64>)> {
        let mut rids = Vec::new();
        if bound.is_none() && self.all_have_values(matched, index)? {
            return Ok((rids, None));
        }
        let (mut seen, mut frontier) = (0, None);
        let mut look = |rid: i64, found: &Found| {
            seen += 1;
            if sort.key(&found.record.attributes()).is_none() {
                rids.push(rid);
            }
            if rids.len() < most && seen >= MOST_UNLISTED {
                frontier = Some(rid);
            }
            rids.len() < most && seen < MOST_UNLISTED
        };
        let kind = matched.kind();
        let mut visit = |rid, found| Ok(look(rid, &found));
        let mut candidates = match (&matched.rids, sort.descending) {
            (Rids::Only(rids), _) => rids.clone(),
            (Rids::Except(except), false) => {
                let from = bound.map_or(rid(kind.number, 0), |bound| bound + 1);
                self.scan(kind, from, except, most, Want::default(), &mut visit)?;
                return Ok((rids, frontier));
            }
            (Rids::Except(except), true) => self.before(kind.number, bound, except)?,
        };
        candidates.retain(|rid| match bound {
            None => true,
            Some(bound) if sort.descending => *rid < bound,
            Some(bound) => *rid > bound,
        });
        if sort.descending {
            candidates.sort_unstable_by(|a, b| b.cmp(a));
        }
        self.source
            .found(kind, &candidates, Want::default(), &mut visit)?;
        Ok((rids, frontier))
    }

    /// As many resources of the kind as one page looks at, the last ones before a rid.
    fn before(&self, kind: i64, bound: Option<i64>, except: &[i64]) -> ReadResult<Vec<i64>> {
        let last = bound.map_or(last_of(kind), |bound| bound - 1);
        let mut rids = Vec::new();
        let mut visit = |rid| {
            if except.binary_search(&rid).is_err() {
                rids.push(rid);
            }
            rids.len() < MOST_UNLISTED
        };
        self.source
            .numbers_before(kind, last, MOST_UNLISTED, &mut visit)?;
        Ok(rids)
    }

    /// Whether the index lists every resource of the kind.
    fn all_have_values(&self, matched: &Matched, index: OrderIndex<'_>) -> ReadResult<bool> {
        let OrderIndex::Values(path) = index else {
            return Ok(true);
        };
        let listed = self.source.listed(matched.kind, path)?;
        Ok(listed >= self.source.total(matched.kind)?)
    }
}

/// Where a type begins, of which the place may be, or one before or after it.
fn bound(kind: i64, type_order: usize, (place, of): (&Place, usize)) -> Bound {
    let rid = match type_order.cmp(&of) {
        Ordering::Less => last_of(kind),
        Ordering::Equal => rid(kind, place.position.0.max(0)),
        Ordering::Greater => rid(kind, 0),
    };
    Bound {
        key: place.key.clone(),
        rid,
    }
}

fn place_of(matched: &Matched, rid: i64, key: Option<Key>) -> Place {
    Place {
        resource_type: matched.resource_type.clone(),
        position: Position(ordinal_of(rid)),
        key,
    }
}

/// A missing key comes after every other.
fn by_key(a: Option<&Key>, b: Option<&Key>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.order(b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}
