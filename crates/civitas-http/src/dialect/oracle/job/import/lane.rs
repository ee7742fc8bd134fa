//! Rows about the same resource one after the other, as they stand in the file; others side by
//! side. Pure.

use std::collections::HashMap;

/// What a row is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// The name of its resource; `None` of a row that cannot be read.
    pub(super) own: Option<String>,
    /// A resource that it refers to, which may be one of an earlier row.
    pub(super) other: Option<String>,
}

/// The rows in lanes, each in the order of the file. What a row is about, or refers to, is made
/// by no row of another lane.
pub(super) fn lanes<R>(rows: impl Iterator<Item = R>, names: impl Fn(&R) -> Names) -> Vec<Vec<R>> {
    let mut lanes: Vec<Vec<(usize, R)>> = Vec::new();
    let mut lane_of: HashMap<String, usize> = HashMap::new();
    for (place, row) in rows.enumerate() {
        let Names { own, other } = names(&row);
        let known = |name: &Option<String>| lane_of.get(name.as_ref()?).copied();
        let (first, second) = (known(&own), known(&other));
        let lane = first.or(second).unwrap_or(lanes.len());
        if lane == lanes.len() {
            lanes.push(Vec::new());
        }
        if let Some(merged) = second.filter(|it| *it != lane) {
            let moved = std::mem::take(&mut lanes[merged]);
            lanes[lane].extend(moved);
            for of in lane_of.values_mut().filter(|it| **it == merged) {
                *of = lane;
            }
        }
        lanes[lane].push((place, row));
        lane_of.extend(own.map(|it| (it, lane)));
    }
    let ordered = lanes.into_iter().map(|mut lane| {
        lane.sort_by_key(|(place, _)| *place);
        lane.into_iter().map(|(_, row)| row).collect()
    });
    ordered.filter(|it: &Vec<R>| !it.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_about_one_resource_share_a_lane() {
        let rows = ["a", "b", "c", "a", "d b", "e x", "d a", "g x", ""];
        let names = |row: &&str| {
            let mut names = row.split(' ').filter(|it| !it.is_empty());
            Names {
                own: names.next().map(str::to_owned),
                other: names.next().map(str::to_owned),
            }
        };
        let lanes = lanes(rows.into_iter(), names);
        let mut lanes: Vec<String> = lanes.iter().map(|it| it.join(",")).collect();
        lanes.sort();
        assert_eq!(lanes, ["", "a,b,a,d b,d a", "c", "e x", "g x"]);
    }
}
