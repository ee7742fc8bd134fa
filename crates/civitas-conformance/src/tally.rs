//! What a run concluded about each line of the ledger.

use std::fmt;

use serde_json::{Value, json};

use crate::ledger::{Line, lines};
use crate::report::Outcome;
use crate::verdict::Unmet;

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A case that shows it passed, and none failed.
    Passed,
    /// A case that shows it failed.
    Failed,
    /// No case that shows it applied to this server.
    Skipped,
    /// No case can show it.
    Unseen,
}

/// The standing of each line that is due and that the run spoke of.
#[derive(Clone, Debug)]
pub struct Tally {
    /// In the order of the ledger.
    pub lines: Vec<(Line, Standing)>,
}

impl Tally {
    pub(crate) fn of(outcomes: &[Outcome]) -> Self {
        let due = lines().iter().filter(|line| line.is_due());
        let standing = |line: &Line| Some((*line, standing(line, outcomes)?));
        Self {
            lines: due.filter_map(standing).collect(),
        }
    }

    /// How many lines stand so.
    pub fn count(&self, standing: Standing) -> usize {
        self.standing(standing).count()
    }

    fn standing(&self, wanted: Standing) -> impl Iterator<Item = &Line> {
        let those = self
            .lines
            .iter()
            .filter(move |(_, standing)| *standing == wanted);
        those.map(|(line, _)| line)
    }

    pub(crate) fn to_json(&self) -> Value {
        let line = |(line, standing): &(Line, Standing)| {
            let mut object = json!({
                "id": line.id,
                "level": line.level.mark(),
                "title": line.title,
                "standing": standing.word(),
            });
            if let Some(reason) = line.unseen {
                object["reason"] = json!(reason);
            }
            object
        };
        json!({
            "due": self.lines.len(),
            "covered": self.lines.len() - self.count(Standing::Unseen),
            "passed": self.count(Standing::Passed),
            "failed": self.count(Standing::Failed),
            "skipped": self.count(Standing::Skipped),
            "unseen": self.count(Standing::Unseen),
            "lines": self.lines.iter().map(line).collect::<Vec<_>>(),
        })
    }
}

impl Standing {
    fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Unseen => "unseen",
        }
    }
}

/// `None` if no case that shows the line was played.
fn standing(line: &Line, outcomes: &[Outcome]) -> Option<Standing> {
    if line.unseen.is_some() {
        return Some(Standing::Unseen);
    }
    let mut found = None;
    for outcome in outcomes.iter().filter(|one| one.ids.contains(&line.id)) {
        found = match (&outcome.verdict, found) {
            (Err(Unmet::Fail { .. }), _) | (_, Some(Standing::Failed)) => Some(Standing::Failed),
            (Ok(()), _) | (_, Some(Standing::Passed)) => Some(Standing::Passed),
            (Err(Unmet::Skip(_)), _) => Some(Standing::Skipped),
        };
    }
    found
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} lines due: {} covered; {} passed, {} failed, {} skipped; {} not testable from outside",
            self.lines.len(),
            self.lines.len() - self.count(Standing::Unseen),
            self.count(Standing::Passed),
            self.count(Standing::Failed),
            self.count(Standing::Skipped),
            self.count(Standing::Unseen),
        )?;
        for (head, standing) in [
            ("failed", Standing::Failed),
            ("skipped", Standing::Skipped),
            ("not testable from outside", Standing::Unseen),
        ] {
            if self.count(standing) == 0 {
                continue;
            }
            write!(f, "\n{head}:")?;
            for line in self.standing(standing) {
                write!(f, "\n  {}  {}", line.id, line.title)?;
                if let Some(reason) = line.unseen {
                    write!(f, " ({reason})")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Verdict, fail, skip};

    fn standing_after(verdicts: &[Verdict]) -> Option<Standing> {
        let outcomes: Vec<_> = verdicts
            .iter()
            .map(|verdict| Outcome {
                ids: vec!["S-7644-3.5.2-07"],
                name: "x",
                verdict: verdict.clone(),
                elapsed: std::time::Duration::ZERO,
                exchanges: Vec::new(),
            })
            .collect();
        let tally = Tally::of(&outcomes);
        let found = tally
            .lines
            .iter()
            .find(|(line, _)| line.id == "S-7644-3.5.2-07");
        found.map(|(_, standing)| *standing)
    }

    #[test]
    fn one_failure_fails_a_line_and_one_success_outweighs_a_skip() {
        let (skip, fail) = (skip("x"), fail("a", "b"));
        assert_eq!(standing_after(&[]), None);
        assert_eq!(
            standing_after(std::slice::from_ref(&skip)),
            Some(Standing::Skipped)
        );
        assert_eq!(standing_after(&[skip, Ok(())]), Some(Standing::Passed));
        assert_eq!(
            standing_after(&[Ok(()), fail, Ok(())]),
            Some(Standing::Failed)
        );
    }
}
