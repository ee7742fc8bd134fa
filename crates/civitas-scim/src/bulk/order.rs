//! In which order operations that wait for each other are done (S-7644-3.7.1-02).

use std::collections::BTreeSet;

/// For each operation, those that must be done before it, by index.
pub type Edges = [Vec<usize>];

/// The operations in the order to do them. That is the given order, but an operation comes
/// after all that it waits for. Those that wait for each other in a circle are one unit, which
/// has to be done at once.
pub fn units(before: &Edges) -> Vec<Vec<usize>> {
    let components = components(before);
    let mut unit_of = vec![0; before.len()];
    for (unit, members) in components.iter().enumerate() {
        for member in members {
            unit_of[*member] = unit;
        }
    }
    // The turn of a unit is that of its last member: then all of it was come by.
    let turn = |unit: usize| components[unit].last().copied().unwrap_or_default();
    let mut open = vec![0_usize; components.len()];
    let mut waiting = vec![Vec::new(); components.len()];
    for (operation, earlier) in before.iter().enumerate() {
        let unit = unit_of[operation];
        for other in earlier.iter().map(|it| unit_of[*it]) {
            if other != unit {
                open[unit] += 1;
                waiting[other].push(unit);
            }
        }
    }
    let mut ready: BTreeSet<(usize, usize)> = (0..components.len())
        .filter(|unit| open[*unit] == 0)
        .map(|unit| (turn(unit), unit))
        .collect();
    let mut order = Vec::with_capacity(components.len());
    while let Some((_, unit)) = ready.pop_first() {
        for next in &waiting[unit] {
            open[*next] -= 1;
            if open[*next] == 0 {
                ready.insert((turn(*next), *next));
            }
        }
        order.push(unit);
    }
    let mut components: Vec<Option<Vec<usize>>> = components.into_iter().map(Some).collect();
    order
        .into_iter()
        .filter_map(|unit| components[unit].take())
        .collect()
}

/// The strongly connected components, the members of each in ascending order (Tarjan, without
/// recursion: a stranger chooses the depth).
fn components(before: &Edges) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let mut number = vec![UNSEEN; before.len()];
    let mut lowest = vec![UNSEEN; before.len()];
    let mut is_open = vec![false; before.len()];
    let (mut stack, mut path, mut found) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = 0;
    for root in 0..before.len() {
        if number[root] != UNSEEN {
            continue;
        }
        path.push((root, 0));
        while let Some((at, edge)) = path.last_mut() {
            let at = *at;
            if *edge == 0 {
                (number[at], lowest[at]) = (seen, seen);
                seen += 1;
                stack.push(at);
                is_open[at] = true;
            }
            if let Some(&next) = before[at].get(*edge) {
                *edge += 1;
                if number[next] == UNSEEN {
                    path.push((next, 0));
                } else if is_open[next] {
                    lowest[at] = lowest[at].min(number[next]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                lowest[*parent] = lowest[*parent].min(lowest[at]);
            }
            if lowest[at] == number[at] {
                let start = stack.iter().rposition(|it| *it == at).unwrap_or_default();
                let mut members = stack.split_off(start);
                for member in &members {
                    is_open[*member] = false;
                }
                members.sort_unstable();
                found.push(members);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn operations_wait_for_what_they_refer_to() {
        for (before, order) in [
            (vec![], vec![]),
            (
                vec![vec![], vec![], vec![]],
                vec![vec![0], vec![1], vec![2]],
            ),
            // A forward reference: the rest keeps its order.
            (
                vec![vec![2], vec![], vec![], vec![]],
                vec![vec![1], vec![2], vec![0], vec![3]],
            ),
            // What waits for something that waits.
            (
                vec![vec![1], vec![2], vec![]],
                vec![vec![2], vec![1], vec![0]],
            ),
            // Circles of one, of two, and what waits for one.
            (vec![vec![0]], vec![vec![0]]),
            (vec![vec![2], vec![], vec![0]], vec![vec![1], vec![0, 2]]),
            (
                vec![vec![1], vec![2], vec![3], vec![1], vec![]],
                vec![vec![1, 2, 3], vec![0], vec![4]],
            ),
        ] {
            assert_eq!(units(&before), order, "{before:?}");
        }
    }

    #[test]
    fn long_chains_need_no_deep_recursion() {
        let count = 200_000;
        let chain: Vec<Vec<usize>> = (0..count)
            .map(|it| if it + 1 < count { vec![it + 1] } else { vec![] })
            .collect();
        let order = units(&chain);
        assert_eq!(order.first(), Some(&vec![count - 1]));
        assert_eq!(order.last(), Some(&vec![0]));
    }

    fn any_edges() -> impl Strategy<Value = Vec<Vec<usize>>> {
        (1_usize..12).prop_flat_map(|count| {
            prop::collection::vec(prop::collection::vec(0..count, 0..4), count)
        })
    }

    proptest! {
        #[test]
        fn every_operation_is_done_once_and_after_what_it_waits_for(before in any_edges()) {
            let order = units(&before);
            let mut place = vec![None; before.len()];
            for (at, unit) in order.iter().enumerate() {
                for member in unit {
                    prop_assert_eq!(place[*member].replace(at), None);
                }
            }
            for (operation, earlier) in before.iter().enumerate() {
                prop_assert!(place[operation].is_some());
                for other in earlier {
                    prop_assert!(place[*other] <= place[operation]);
                }
            }
        }
    }
}
