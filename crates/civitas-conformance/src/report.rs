//! What a run concluded, as text and as JSON.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::exchange::Exchange;
use crate::tally::Tally;
use crate::verdict::{Unmet, Verdict};

/// The conclusion of one case.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The rules checked.
    pub ids: Vec<&'static str>,
    /// What the case is about.
    pub name: &'static str,
    /// Passed, failed or skipped.
    pub verdict: Verdict,
    /// Wall time of the case, without the removal of what it created.
    pub elapsed: Duration,
    /// Every request of the case with its answer, without the removal of what it created.
    pub exchanges: Vec<Exchange>,
}

impl Outcome {
    fn word(&self) -> &'static str {
        match &self.verdict {
            Ok(()) => "PASS",
            Err(Unmet::Fail { .. }) => "FAIL",
            Err(Unmet::Skip(_)) => "SKIP",
        }
    }

    fn to_json(&self) -> Value {
        let mut object = json!({
            "ids": self.ids,
            "name": self.name,
            "verdict": self.word().to_lowercase(),
            "elapsed_ms": self.elapsed.as_millis() as u64,
        });
        match &self.verdict {
            Ok(()) => {}
            Err(Unmet::Fail { expected, got }) => {
                object["expected"] = json!(expected);
                object["got"] = json!(got);
            }
            Err(Unmet::Skip(reason)) => object["reason"] = json!(reason),
        }
        object
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}  {}", self.word(), self.ids.join(","), self.name)?;
        match &self.verdict {
            Ok(()) => Ok(()),
            Err(Unmet::Fail { expected, got }) => {
                write!(f, "\n     expected: {expected}\n     got:      {got}")
            }
            Err(Unmet::Skip(reason)) => write!(f, "  ({reason})"),
        }
    }
}

/// The outcomes of a run, in the order of the registry.
#[derive(Clone, Debug)]
pub struct Report {
    /// One per case played.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// How many cases passed.
    pub fn passed(&self) -> usize {
        self.count("PASS")
    }

    /// How many cases failed.
    pub fn failed(&self) -> usize {
        self.count("FAIL")
    }

    /// How many cases did not apply.
    pub fn skipped(&self) -> usize {
        self.count("SKIP")
    }

    /// The conclusion for each line of the ledger.
    pub fn tally(&self) -> Tally {
        Tally::of(&self.outcomes)
    }

    /// The whole report as one JSON document.
    pub fn to_json(&self) -> Value {
        json!({
            "passed": self.passed(),
            "failed": self.failed(),
            "skipped": self.skipped(),
            "lines": self.tally().to_json(),
            "outcomes": self.outcomes.iter().map(Outcome::to_json).collect::<Vec<_>>(),
        })
    }

    /// Every exchange with its case and verdict, one JSON object a line.
    pub fn record(&self) -> String {
        let mut lines = String::new();
        for outcome in &self.outcomes {
            for exchange in &outcome.exchanges {
                let mut line = exchange.to_json();
                line["case"] = json!(outcome.name);
                line["ids"] = json!(outcome.ids);
                line["verdict"] = json!(outcome.word().to_lowercase());
                lines.push_str(&line.to_string());
                lines.push('\n');
            }
        }
        lines
    }

    fn count(&self, word: &str) -> usize {
        self.outcomes
            .iter()
            .filter(|outcome| outcome.word() == word)
            .count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for outcome in &self.outcomes {
            writeln!(f, "{outcome}")?;
        }
        writeln!(
            f,
            "{} cases: {} passed, {} failed, {} skipped",
            self.outcomes.len(),
            self.passed(),
            self.failed(),
            self.skipped()
        )?;
        write!(f, "{}", self.tally())
    }
}
