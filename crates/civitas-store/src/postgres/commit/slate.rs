//! What a transaction knows of its partition: what was read under the lock, and what its change
//! sets have made of it so far.

use std::collections::{BTreeSet, HashMap};

use super::draft::{Draft, Value};
use crate::catalog::Facts;

/// Generation, catalogue and last event of the partition.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Numbers {
    pub(super) generation: i64,
    pub(super) catalogue: i64,
    pub(super) last: i64,
}

/// A resource as guards look at it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) rid: i64,
    pub(super) resource_type: String,
    pub(super) version: i64,
    pub(super) modified: i64,
}

/// A link as guards look at it.
#[derive(Debug, Clone)]
pub(super) struct Redeemable {
    pub(super) expires: i64,
    pub(super) purpose: String,
    pub(super) subject: String,
}

/// Kinds and attributes that this transaction knows and others may not.
#[derive(Debug, Clone, Default)]
pub(super) struct Made {
    /// By partition and type.
    pub(super) kinds: HashMap<(i64, String), i64>,
    /// By kind and path.
    pub(super) attributes: HashMap<(i64, String), i64>,
}

impl Made {
    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.attributes.is_empty()
    }

    /// Makes known what is now committed.
    pub(super) fn publish(&self, facts: &Facts) {
        for ((partition, name), kind) in &self.kinds {
            facts.learn_kind(*partition, name, *kind);
        }
        for ((kind, path), attribute) in &self.attributes {
            facts.learn_attribute(*kind, path, *attribute);
        }
    }
}

/// What is known of the partition.
#[derive(Clone)]
pub(super) struct Slate<'b> {
    pub(super) facts: &'b Facts,
    pub(super) partition: i64,
    pub(super) numbers: Numbers,
    /// The last event when the transaction began.
    pub(super) was: i64,
    pub(super) made: Made,
    /// Resources by id.
    pub(super) rows: HashMap<String, Row>,
    /// Ids of resources.
    pub(super) ids: HashMap<i64, String>,
    /// Memberships, by group and by member: all that a change set of this transaction looks at.
    members: BTreeSet<(i64, i64)>,
    groups: BTreeSet<(i64, i64)>,
    /// Who holds the values that must be free.
    pub(super) holders: HashMap<(i64, Vec<u8>), Vec<i64>>,
    /// Next ordinals of the kinds that get resources.
    pub(super) next: HashMap<i64, i64>,
    /// Credentials that may change, as they were kept.
    pub(super) credentials: HashMap<i64, String>,
    /// The links that may be redeemed, by id.
    pub(super) links: HashMap<String, Redeemable>,
    pub(super) draft: Draft<'b>,
}

impl<'b> Slate<'b> {
    pub(super) fn blank(facts: &'b Facts, partition: i64, made: Made, numbers: Numbers) -> Self {
        Self {
            facts,
            partition,
            numbers,
            was: numbers.last,
            made,
            rows: HashMap::new(),
            ids: HashMap::new(),
            members: BTreeSet::new(),
            groups: BTreeSet::new(),
            holders: HashMap::new(),
            next: HashMap::new(),
            credentials: HashMap::new(),
            links: HashMap::new(),
            draft: Draft::default(),
        }
    }

    /// The kinds and attributes that this transaction made.
    pub(super) fn made(&self) -> Made {
        self.made.clone()
    }

    /// The kind of a type, if it ever had a resource.
    pub(super) fn kind(&self, resource_type: &str) -> Option<i64> {
        let made = (self.partition, resource_type.to_owned());
        let known = self.facts.kind(self.partition, resource_type);
        known.or_else(|| self.made.kinds.get(&made).copied())
    }

    /// The number of an attribute, if a resource ever had a value.
    pub(super) fn attribute(&self, kind: i64, path: &str) -> Option<i64> {
        let known = self.facts.attribute(kind, path);
        known.or_else(|| self.made.attributes.get(&(kind, path.to_owned())).copied())
    }

    pub(super) fn know(&mut self, id: String, row: Row) {
        self.ids.insert(row.rid, id.clone());
        self.rows.insert(id, row);
    }

    pub(super) fn forget(&mut self, id: &str) {
        if let Some(row) = self.rows.remove(id) {
            self.ids.remove(&row.rid);
            for member in self.members_of(row.rid) {
                self.part(row.rid, member);
            }
            for group in self.groups_of(row.rid) {
                self.part(group, row.rid);
            }
        }
    }

    /// Notes a membership; whether it was not known.
    pub(super) fn join(&mut self, group: i64, member: i64) -> bool {
        self.groups.insert((member, group));
        self.members.insert((group, member))
    }

    /// Ends a membership; whether it was known.
    pub(super) fn part(&mut self, group: i64, member: i64) -> bool {
        self.groups.remove(&(member, group));
        self.members.remove(&(group, member))
    }

    pub(super) fn members_of(&self, group: i64) -> Vec<i64> {
        let range = self.members.range((group, i64::MIN)..=(group, i64::MAX));
        range.map(|(_, member)| *member).collect()
    }

    pub(super) fn groups_of(&self, member: i64) -> Vec<i64> {
        let range = self.groups.range((member, i64::MIN)..=(member, i64::MAX));
        range.map(|(_, group)| *group).collect()
    }

    /// The group and all that contain it.
    pub(super) fn above(&self, group: i64) -> BTreeSet<i64> {
        let mut above = BTreeSet::from([group]);
        let mut open = vec![group];
        while let Some(group) = open.pop() {
            open.extend(
                self.groups_of(group)
                    .into_iter()
                    .filter(|it| above.insert(*it)),
            );
        }
        above
    }

    /// An entry of the index of values comes or goes.
    pub(super) fn enter(&mut self, value: Value, comes: bool) {
        if let Some(holders) = self.holders.get_mut(&(value.attribute, value.key.clone())) {
            if comes {
                holders.push(value.rid);
            } else if let Some(at) = holders.iter().position(|it| *it == value.rid) {
                holders.swap_remove(at);
            }
        }
        self.draft.enter(value, comes);
    }
}
