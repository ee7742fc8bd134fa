//! Membership of groups as changes (RFC 7643 §4.2): what a request asks of `members`, folded
//! into one [`Members`] change without reading the members.

use civitas_scim::{
    condition::Condition,
    patch::{Member, MemberChange},
};

use crate::{
    change::{Members, NewMember},
    record::{MemberRef, Version},
};

/// The changes of one request, in order, as one change of the group. `current` are the
/// members now; it is looked at by a removal that depends on more than ids, and only then
/// does the result depend on the version that was read.
pub fn fold(group: &str, changes: Vec<MemberChange>, current: &[MemberRef]) -> Members {
    let mut members = none(group);
    for change in changes {
        match change {
            MemberChange::Add(added) => add(&mut members, added),
            MemberChange::Remove(ids) => ids.into_iter().for_each(|id| remove(&mut members, id)),
            MemberChange::RemoveWhere(condition) => {
                for id in matching(&condition, current, &members) {
                    remove(&mut members, id);
                }
            }
            MemberChange::Clear => clear(&mut members),
            MemberChange::Set(all) => {
                clear(&mut members);
                add(&mut members, all);
            }
        }
    }
    members
}

/// Whether folding the changes needs the current members.
pub fn needs_current(changes: &[MemberChange]) -> bool {
    changes
        .iter()
        .any(|change| matches!(change, MemberChange::RemoveWhere(_)))
}

/// The whole list, as POST and PUT give it.
pub fn whole(group: &str, all: Vec<Member>) -> Members {
    fold(group, vec![MemberChange::Set(all)], &[])
}

impl Members {
    /// Ties the change to the version that was read.
    #[must_use]
    pub fn expecting(self, version: Option<Version>) -> Self {
        Self {
            expect: version,
            ..self
        }
    }

    /// Whether it can change anything.
    pub fn is_empty(&self) -> bool {
        !self.clear && self.add.is_empty() && self.remove.is_empty()
    }
}

fn none(group: &str) -> Members {
    Members {
        group: group.to_owned(),
        expect: None,
        clear: false,
        remove: Vec::new(),
        add: Vec::new(),
    }
}

fn add(members: &mut Members, added: Vec<Member>) {
    let mut known: std::collections::HashSet<String> =
        members.add.iter().map(|member| member.id.clone()).collect();
    let removed: std::collections::HashSet<&str> =
        added.iter().map(|member| member.value.as_str()).collect();
    members.remove.retain(|id| !removed.contains(id.as_str()));
    for member in added {
        if known.insert(member.value.clone()) {
            members.add.push(NewMember {
                id: member.value,
                claimed_type: member.claimed_type,
                display: member.display,
            });
        }
    }
}

fn remove(members: &mut Members, id: String) {
    members.add.retain(|member| member.id != id);
    if !members.clear && !members.remove.contains(&id) {
        members.remove.push(id);
    }
}

fn clear(members: &mut Members) {
    members.clear = true;
    members.add.clear();
    members.remove.clear();
}

fn matching(condition: &Condition, current: &[MemberRef], members: &Members) -> Vec<String> {
    let kept = current
        .iter()
        .filter(|member| !members.clear && !members.remove.contains(&member.id));
    kept.filter(|member| condition.matches_element(&member.to_value()))
        .map(|member| member.id.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: &str) -> Member {
        Member {
            value: id.into(),
            claimed_type: None,
            display: None,
        }
    }

    fn ids(members: &Members) -> (bool, Vec<&str>, Vec<&str>) {
        let add = members
            .add
            .iter()
            .map(|member| member.id.as_str())
            .collect();
        (
            members.clear,
            members.remove.iter().map(String::as_str).collect(),
            add,
        )
    }

    #[test]
    fn later_changes_see_earlier_ones() {
        use MemberChange::{Add, Clear, Remove, Set};
        for (changes, expected) in [
            (
                vec![Add(vec![member("a"), member("a")])],
                (false, vec![], vec!["a"]),
            ),
            (
                vec![Add(vec![member("a")]), Remove(vec!["a".into()])],
                (false, vec!["a"], vec![]),
            ),
            (
                vec![Remove(vec!["a".into()]), Add(vec![member("a")])],
                (false, vec![], vec!["a"]),
            ),
            (vec![Add(vec![member("a")]), Clear], (true, vec![], vec![])),
            (
                vec![Clear, Remove(vec!["a".into()])],
                (true, vec![], vec![]),
            ),
            (
                vec![Set(vec![member("a"), member("b")])],
                (true, vec![], vec!["a", "b"]),
            ),
        ] {
            let folded = fold("g", changes.clone(), &[]);
            assert_eq!(ids(&folded), expected, "{changes:?}");
        }
    }
}
