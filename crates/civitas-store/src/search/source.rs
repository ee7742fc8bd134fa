//! What a search asks of a store.

use civitas_directory::{
    record::Found,
    store::{FoundPage, Query, Want},
};
use civitas_scim::{
    condition::Target,
    value::{Comparison, Key},
};

use crate::{
    fault::ReadResult,
    filter::{Leaf, has_values},
};

/// Instants are indexed in milliseconds and compared in microseconds.
const MICROS: i64 = 1_000;

/// A kind by number and by the name of its resource type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind<'k> {
    pub(crate) number: i64,
    pub(crate) resource_type: &'k str,
}

/// What is told of each resource; says whether to go on.
pub(crate) type Visit<'v> = &'v mut dyn FnMut(i64, Found) -> ReadResult<bool>;

/// What is told of each entry of an order; says whether to go on.
pub(crate) type Meet<'v> = &'v mut dyn FnMut(i64, KeyRef<'_>) -> ReadResult<bool>;

/// The resources of one partition and their indexes, in one consistent state.
///
/// `expected` is about how many a caller will look at before it says no, so that a store that
/// is far away asks for no more than that at a time.
pub(crate) trait Source {
    /// The page of a query that the store answers in a way of its own, without candidates. Too
    /// slow when there are more than `cap`.
    fn shortcut(&self, _query: &Query, _cap: usize) -> ReadResult<Option<FoundPage>> {
        Ok(None)
    }

    /// The number of a resource type; `None` while it never had a resource.
    fn kind(&self, resource_type: &str) -> ReadResult<Option<i64>>;

    /// How many resources the kind has.
    fn total(&self, kind: i64) -> ReadResult<u64>;

    /// The resource at a zero-based offset in creation order, of all but `except` (ascending).
    fn seek(&self, kind: i64, except: &[i64], offset: u64) -> ReadResult<Option<i64>>;

    /// The resources of the kind of which the leaf holds, in any order and possibly repeated.
    /// Too slow when there are more than `cap`.
    fn ask(&self, kind: i64, leaf: &Leaf, cap: usize) -> ReadResult<Vec<i64>>;

    /// The resources of the kind with these numbers, in their order, as far as there are such.
    fn found(&self, kind: Kind<'_>, rids: &[i64], want: Want, visit: Visit<'_>) -> ReadResult<()>;

    /// The resources of the kind from a number on, in creation order.
    fn scan(
        &self,
        kind: Kind<'_>,
        from: i64,
        expected: usize,
        want: Want,
        visit: Visit<'_>,
    ) -> ReadResult<()>;

    /// The numbers of all resources of the kind, ascending.
    fn numbers(&self, kind: i64) -> ReadResult<Vec<i64>>;

    /// The greatest numbers up to and with `last`, descending.
    fn numbers_before(
        &self,
        kind: i64,
        last: i64,
        expected: usize,
        visit: &mut dyn FnMut(i64) -> bool,
    ) -> ReadResult<()>;

    /// Walks a part of an index in order. Entries of other kinds are passed over.
    fn walk(
        &self,
        kind: i64,
        order: Order<'_>,
        part: Part<'_>,
        expected: usize,
        meet: Meet<'_>,
    ) -> ReadResult<()>;

    /// How many resources of the kind an index of values lists under their leading element.
    fn listed(&self, kind: i64, path: &str) -> ReadResult<u64>;
}

/// The order of an index, and whether it is walked from its end. Ties are in creation order,
/// or descending in the opposite one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order<'t> {
    pub(crate) index: OrderIndex<'t>,
    pub(crate) descending: bool,
}

/// An index that lists the resources of a type in the order of an attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OrderIndex<'t> {
    Created,
    Modified,
    Ids,
    /// The leading values of an attribute, by its path.
    Values(&'t str),
}

/// A part of an index. Keys are as the index has them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part<'k> {
    Whole,
    /// The resources of a key beyond a rid.
    Tied(&'k Key, i64),
    /// The resources of all keys beyond one.
    Beyond(&'k Key),
}

/// A key of an index, where it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum KeyRef<'k> {
    Integer(i64),
    Real(f64),
    Text(&'k str),
}

impl KeyRef<'_> {
    /// The key by itself.
    pub(crate) fn to_key(self) -> Key {
        match self {
            Self::Integer(integer) => Key::Integer(integer),
            Self::Real(real) => Key::Real(real),
            Self::Text(text) => Key::Text(text.to_owned()),
        }
    }
}

impl<'t> OrderIndex<'t> {
    /// The index that has the order of the attribute, if there is one.
    pub(crate) fn of(target: &'t Target) -> Option<Self> {
        match target.path.as_str() {
            "meta.created" => Some(Self::Created),
            "meta.lastModified" => Some(Self::Modified),
            "id" if target.comparison == Comparison::Exact => Some(Self::Ids),
            path if has_values(target) => Some(Self::Values(path)),
            _ => None,
        }
    }

    /// A key as the index has it.
    pub(crate) fn stored(self, key: &Key) -> Key {
        match (self, key) {
            (Self::Created | Self::Modified, Key::Integer(micros)) => {
                Key::Integer(micros.div_euclid(MICROS))
            }
            (_, key) => key.clone(),
        }
    }

    /// A key of the index as it is compared.
    pub(crate) fn compared(self, key: KeyRef<'_>) -> Key {
        match (self, key) {
            (Self::Created | Self::Modified, KeyRef::Integer(millis)) => {
                Key::Integer(millis.saturating_mul(MICROS))
            }
            (_, key) => key.to_key(),
        }
    }
}
