//! What the memberships of groups must look like.

use std::collections::HashMap;

/// Tells of groups that contain themselves, of pairs of a group and a group in it. Groups
/// without parents are taken away until none is left; what then remains is a cycle or stands
/// below one.
pub(crate) fn cycles(edges: &[(i64, i64)]) -> Option<String> {
    let mut parents: HashMap<i64, usize> = HashMap::new();
    let mut children: HashMap<i64, Vec<i64>> = HashMap::new();
    for (group, member) in edges {
        parents.entry(*group).or_default();
        *parents.entry(*member).or_default() += 1;
        children.entry(*group).or_default().push(*member);
    }
    let mut free: Vec<i64> = parents
        .iter()
        .filter(|(_, parents)| **parents == 0)
        .map(|(group, _)| *group)
        .collect();
    while let Some(group) = free.pop() {
        for member in children.remove(&group).unwrap_or_default() {
            if let Some(left) = parents.get_mut(&member) {
                *left -= 1;
                if *left == 0 {
                    free.push(member);
                }
            }
        }
    }
    let looped = parents.values().filter(|left| **left > 0).count();
    (looped > 0).then(|| format!("{looped} groups contain themselves or belong to one that does"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loops_are_told_of() {
        assert_eq!(cycles(&[(1, 2), (1, 3), (2, 3), (4, 3)]), None);
        assert!(
            cycles(&[(1, 2), (2, 3), (3, 2)])
                .unwrap()
                .starts_with("2 groups")
        );
    }
}
