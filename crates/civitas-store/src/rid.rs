//! The numbers of resources. A rid is the number of a kind (a resource type of a partition) and
//! an ordinal that is never used again, so that the resources of a kind are one range, in
//! creation order.

/// Bits of a rid that count resources of a kind.
const ORDINAL_BITS: u32 = 40;

/// The kind and ordinal that make a rid.
pub(crate) const fn rid(kind: i64, ordinal: i64) -> i64 {
    (kind << ORDINAL_BITS) | ordinal
}

/// The kind of a resource.
pub(crate) const fn kind_of(rid: i64) -> i64 {
    rid >> ORDINAL_BITS
}

/// The place of a resource among those of its kind.
pub(crate) const fn ordinal_of(rid: i64) -> i64 {
    rid & ((1 << ORDINAL_BITS) - 1)
}

/// The last rid that a kind can have.
pub(crate) const fn last_of(kind: i64) -> i64 {
    rid(kind + 1, 0) - 1
}

/// Resources are counted in blocks of two sizes, coarse and fine, each given by its bits:
/// a total sums the coarse blocks, and a place in the order is found by walking coarse
/// blocks, fine blocks, and at most one fine block of resources.
pub(crate) const BLOCK_BITS: [u32; 2] = [14, 7];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rid_holds_kind_and_ordinal() {
        let rid = rid(7, 41);
        assert_eq!((kind_of(rid), ordinal_of(rid)), (7, 41));
        assert!(rid < last_of(7) && last_of(7) < super::rid(8, 0));
    }
}
