//! What a transaction is going to write: the outcome of all its change sets together.

use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry};

use civitas_directory::{change::Difference, link::Link, mail::Mail};

use crate::rid::{BLOCK_BITS, kind_of, ordinal_of};

/// A resource that is new.
#[derive(Debug, Clone)]
pub(super) struct Created<'b> {
    pub(super) id: &'b str,
    pub(super) at: i64,
    pub(super) state: State<'b>,
}

/// What changes of a resource.
#[derive(Debug, Clone)]
pub(super) struct State<'b> {
    pub(super) version: i64,
    pub(super) modified: i64,
    /// What it is shown as and its document, where they change.
    pub(super) content: Option<(&'b str, &'b str)>,
}

/// An event of the log.
#[derive(Debug, Clone)]
pub(super) struct Event<'b> {
    pub(super) seq: i64,
    pub(super) at: i64,
    pub(super) actor: &'b str,
    pub(super) request: &'b str,
    pub(super) what: i16,
    pub(super) kind: i64,
    pub(super) id: String,
    pub(super) difference: Option<&'b Difference>,
}

/// An entry of the index of values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Value {
    pub(super) attribute: i64,
    pub(super) key: Vec<u8>,
    pub(super) rid: i64,
    pub(super) element: i32,
}

/// Everything that is going to be written.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft<'b> {
    pub(super) created: BTreeMap<i64, Created<'b>>,
    pub(super) changed: BTreeMap<i64, State<'b>>,
    pub(super) deleted: BTreeSet<i64>,
    /// Entries that come (`true`) or go.
    pub(super) values: HashMap<Value, bool>,
    /// By group and member, with what the client called the member.
    pub(super) joined: BTreeMap<(i64, i64), Option<&'b str>>,
    pub(super) left: BTreeSet<(i64, i64)>,
    pub(super) events: Vec<Event<'b>>,
    /// New texts, with when they changed.
    pub(super) credentials: BTreeMap<i64, (i64, String)>,
    /// Names shown that are nobody's.
    pub(super) feints: i64,
    /// New mails.
    pub(super) mails: Vec<&'b Mail>,
    /// Links that come, by id.
    pub(super) issued: BTreeMap<&'b str, &'b Link>,
    /// Links that go, if they are there.
    pub(super) redeemed: BTreeSet<&'b str>,
    /// Resources gained and lost by kind, bits and block.
    pub(super) counts: BTreeMap<(i64, u32, i64), i64>,
}

impl<'b> Draft<'b> {
    /// A resource gets a new state, which may be one that is new itself.
    pub(super) fn change(&mut self, rid: i64, state: State<'b>) {
        let created = self.created.get_mut(&rid).map(|it| &mut it.state);
        match created.or_else(|| self.changed.get_mut(&rid)) {
            Some(known) => {
                let content = state.content.or(known.content);
                *known = State { content, ..state };
            }
            None => {
                self.changed.insert(rid, state);
            }
        }
    }

    /// A resource goes, with its memberships and its credential.
    pub(super) fn delete(&mut self, rid: i64) {
        self.credentials.remove(&rid);
        self.changed.remove(&rid);
        self.joined
            .retain(|(group, member), _| *group != rid && *member != rid);
        if self.created.remove(&rid).is_none() {
            self.deleted.insert(rid);
        }
    }

    /// An entry comes or goes; one that does both is not written.
    pub(super) fn enter(&mut self, value: Value, comes: bool) {
        match self.values.entry(value) {
            Entry::Occupied(known) if *known.get() != comes => {
                known.remove();
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(unknown) => {
                unknown.insert(comes);
            }
        }
    }

    pub(super) fn join(&mut self, group: i64, member: i64, display: Option<&'b str>) {
        self.joined.insert((group, member), display);
    }

    pub(super) fn leave(&mut self, group: i64, member: i64) {
        self.joined.remove(&(group, member));
        self.left.insert((group, member));
    }

    /// A link comes, and others for the same purpose of the same subject go.
    pub(super) fn issue(&mut self, link: &'b Link) {
        let is_same = |it: &&Link| it.purpose == link.purpose && it.subject == link.subject;
        self.issued.retain(|_, it| !is_same(it));
        self.issued.insert(&link.id, link);
    }

    /// Counts a resource that comes (1) or goes (-1).
    pub(super) fn count(&mut self, rid: i64, change: i64) {
        for bits in BLOCK_BITS {
            let block = (kind_of(rid), bits, ordinal_of(rid) >> bits);
            *self.counts.entry(block).or_default() += change;
        }
    }
}
