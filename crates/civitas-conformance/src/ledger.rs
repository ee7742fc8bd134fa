//! The lines a SCIM server is held to, whether or not a case shows them.

use std::sync::LazyLock;

/// How binding a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The source demands it.
    Must,
    /// The source recommends it.
    Should,
    /// The source permits it.
    May,
    /// It binds the client; a server should survive the contrary.
    Client,
    /// The source leaves a choice, and the judge holds one reading.
    Decided,
    /// A definition.
    Fact,
    /// A worked vector: a request and its answer.
    Vector,
    /// A requirement that many servers break.
    Broken,
}

impl Level {
    const MARKS: [(&'static str, Self); 8] = [
        ("M", Self::Must),
        ("S", Self::Should),
        ("O", Self::May),
        ("C", Self::Client),
        ("D", Self::Decided),
        ("F", Self::Fact),
        ("T", Self::Vector),
        ("X", Self::Broken),
    ];

    /// One letter, as in the ledger.
    pub fn mark(self) -> &'static str {
        let found = Self::MARKS.iter().find(|(_, level)| *level == self);
        found.map_or("", |(mark, _)| mark)
    }

    fn of(mark: &str) -> Option<Self> {
        let found = Self::MARKS.iter().find(|(known, _)| *known == mark);
        found.map(|(_, level)| *level)
    }
}

/// One line of the ledger.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Names the source: `S-7644-3.5.2-07` is the seventh line of RFC 7644 §3.5.2.
    pub id: &'static str,
    /// How binding it is.
    pub level: Level,
    /// What it is about.
    pub title: &'static str,
    /// Why no case can show it from outside, if that is so.
    pub unseen: Option<&'static str>,
}

impl Line {
    /// Whether a case, or a reason for none, is due. Authentication and the habits of clients
    /// (`A-`, `I-`) are listed only as far as cases show them.
    pub fn is_due(&self) -> bool {
        let binding = matches!(
            self.level,
            Level::Must | Level::Decided | Level::Vector | Level::Broken
        );
        binding && !self.id.starts_with("A-") && !self.id.starts_with("I-")
    }
}

/// All lines, in the order of their sources.
pub fn lines() -> &'static [Line] {
    static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| {
        include_str!("ledger.txt")
            .lines()
            .filter(|row| !row.is_empty() && !row.starts_with('#'))
            .filter_map(parse)
            .collect()
    });
    &LINES
}

/// `ID LEVEL title`, or `ID LEVEL title | reason`.
fn parse(row: &'static str) -> Option<Line> {
    let (id, rest) = row.split_once(' ')?;
    let (mark, rest) = rest.split_once(' ')?;
    let (title, unseen) = match rest.split_once(" | ") {
        Some((title, reason)) => (title, Some(reason)),
        None => (rest, None),
    };
    Some(Line {
        id,
        level: Level::of(mark)?,
        title,
        unseen,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::cases;

    fn cited() -> HashSet<&'static str> {
        cases().into_iter().flat_map(|case| case.ids).collect()
    }

    #[test]
    fn every_row_is_a_line() {
        for row in include_str!("ledger.txt").lines() {
            let comment = row.is_empty() || row.starts_with('#');
            assert!(comment || parse(row).is_some(), "{row}");
        }
    }

    #[test]
    fn no_line_is_there_twice() {
        let mut seen = HashSet::new();
        for line in lines() {
            assert!(seen.insert(line.id), "{}", line.id);
        }
    }

    #[test]
    fn every_line_due_has_a_case_or_a_reason_for_none() {
        let cited = cited();
        let missing: Vec<_> = lines()
            .iter()
            .filter(|line| line.is_due())
            .filter(|line| line.unseen.is_none() && !cited.contains(line.id))
            .map(|line| line.id)
            .collect();
        assert!(missing.is_empty(), "{missing:#?}");
    }

    #[test]
    fn no_line_has_both() {
        let cited = cited();
        for line in lines().iter().filter(|line| line.unseen.is_some()) {
            assert!(!cited.contains(line.id), "{}", line.id);
        }
    }

    #[test]
    fn cases_cite_lines_of_the_ledger() {
        let known: HashSet<_> = lines().iter().map(|line| line.id).collect();
        for id in cited() {
            assert!(known.contains(id), "{id}");
        }
    }
}
