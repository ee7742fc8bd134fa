//! Sets of resources, by their numbers. A set is either listed or everything but a list, so
//! that a negation costs nothing and "all" needs no list.

/// Numbers of resources, ascending, each once.
pub(crate) type Sorted = Vec<i64>;

/// A set of resources of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rids {
    /// These.
    Only(Sorted),
    /// All of the kind but these, which are all of the kind.
    Except(Sorted),
}

impl Rids {
    /// Every resource of the kind.
    pub(crate) const ALL: Self = Self::Except(Vec::new());
    /// None.
    pub(crate) const NONE: Self = Self::Only(Vec::new());

    /// The set of what an index returned, in any order and possibly repeated.
    pub(crate) fn collect(mut rids: Vec<i64>) -> Self {
        if !rids.is_sorted() {
            rids.sort_unstable();
        }
        rids.dedup();
        Self::Only(rids)
    }

    /// How many stand in the list, of a set that is listed.
    pub(crate) fn listed(&self) -> Option<usize> {
        match self {
            Self::Only(rids) => Some(rids.len()),
            Self::Except(_) => None,
        }
    }

    /// Whether the resource belongs to the set.
    pub(crate) fn contains(&self, rid: i64) -> bool {
        match self {
            Self::Only(rids) => rids.binary_search(&rid).is_ok(),
            Self::Except(rids) => rids.binary_search(&rid).is_err(),
        }
    }

    /// All that do not belong to the set.
    pub(crate) fn complement(self) -> Self {
        match self {
            Self::Only(rids) => Self::Except(rids),
            Self::Except(rids) => Self::Only(rids),
        }
    }

    /// What belongs to both.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Only(a), Self::Only(b)) => Self::Only(intersection(&a, &b)),
            (Self::Only(a), Self::Except(b)) | (Self::Except(b), Self::Only(a)) => {
                Self::Only(difference(&a, &b))
            }
            (Self::Except(a), Self::Except(b)) => Self::Except(union(&a, &b)),
        }
    }

    /// What belongs to either.
    pub(crate) fn or(self, other: Self) -> Self {
        self.complement().and(other.complement()).complement()
    }
}

fn intersection(a: &[i64], b: &[i64]) -> Sorted {
    let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    // A short list against a long one is looked up rather than merged.
    if few.len() < many.len() / 16 {
        return few
            .iter()
            .copied()
            .filter(|rid| many.binary_search(rid).is_ok())
            .collect();
    }
    merge(a, b, |in_a, in_b| in_a && in_b)
}

fn difference(a: &[i64], b: &[i64]) -> Sorted {
    merge(a, b, |in_a, in_b| in_a && !in_b)
}

fn union(a: &[i64], b: &[i64]) -> Sorted {
    merge(a, b, |in_a, in_b| in_a || in_b)
}

/// Walks both lists in order and keeps what `keep` says of (is in `a`, is in `b`).
fn merge(a: &[i64], b: &[i64], keep: impl Fn(bool, bool) -> bool) -> Sorted {
    let mut kept = Vec::with_capacity(a.len().max(b.len()));
    let (mut a, mut b) = (a.iter().copied().peekable(), b.iter().copied().peekable());
    loop {
        let next = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) => *x.min(y),
            (Some(x), None) => *x,
            (None, Some(y)) => *y,
            (None, None) => return kept,
        };
        let in_a = a.next_if_eq(&next).is_some();
        let in_b = b.next_if_eq(&next).is_some();
        if keep(in_a, in_b) {
            kept.push(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(set: &Rids) -> Vec<i64> {
        (0..10).filter(|rid| set.contains(*rid)).collect()
    }

    #[test]
    fn algebra_agrees_with_membership() {
        let lists = [vec![], vec![3], vec![1, 3, 5], vec![0, 1, 2, 3, 4, 9], (0..10).collect()];
        let sets: Vec<Rids> = lists
            .iter()
            .flat_map(|list: &Vec<i64>| [Rids::Only(list.clone()), Rids::Except(list.clone())])
            .collect();
        for a in &sets {
            for b in &sets {
                let both = (0..10).filter(|r| a.contains(*r) && b.contains(*r));
                let either = (0..10).filter(|r| a.contains(*r) || b.contains(*r));
                assert_eq!(members(&a.clone().and(b.clone())), both.collect::<Vec<_>>());
                assert_eq!(members(&a.clone().or(b.clone())), either.collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn collects_in_order_and_once() {
        assert_eq!(Rids::collect(vec![3, 1, 3, 2]), Rids::Only(vec![1, 2, 3]));
    }
}
