//! What the server promises to cost. Only medians are judged.

use std::fmt;

use super::measure::Spread;
use super::report::{Row, SizeReport};

const MIB: f64 = 1024.0 * 1024.0;

/// A figure of one operation that a budget bounds.
#[derive(Clone, Copy)]
enum Figure {
    /// Rate, by the bare server's.
    OfBare,
    /// Rate, by that of raw SQLite with one row per commit.
    OfRaw,
    /// Processor time per request, in microseconds.
    Cpu,
    /// Requests per commit.
    PerCommit,
    /// Processor time per request, by that of the named operation.
    CpuOf(&'static str),
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}
use Bound::{AtLeast, AtMost};

/// Operations, by the beginning of their names, and what is asked of each.
const OPERATIONS: &[(&str, Figure, Bound)] = &[
    ("get-by-id", Figure::OfBare, AtLeast(0.45)),
    ("get-by-id", Figure::Cpu, AtMost(50.0)),
    ("username-eq", Figure::OfBare, AtLeast(0.45)),
    ("username-eq", Figure::Cpu, AtMost(50.0)),
    ("externalid-eq", Figure::OfBare, AtLeast(0.45)),
    ("externalid-eq", Figure::Cpu, AtMost(50.0)),
    ("emails-sw", Figure::Cpu, AtMost(1_000.0)),
    ("emails-co", Figure::Cpu, AtMost(30_000.0)),
    ("displayname-co", Figure::Cpu, AtMost(30_000.0)),
    ("list-first", Figure::Cpu, AtMost(1_000.0)),
    ("list-deep", Figure::CpuOf("list-first"), AtMost(2.0)),
    // 50,000 users per CPU-second, in pages of 1,000.
    ("walk-cursor", Figure::Cpu, AtMost(20_000.0)),
    ("create-", Figure::Cpu, AtMost(150.0)),
    ("create-", Figure::PerCommit, AtLeast(8.0)),
    ("create-", Figure::OfRaw, AtLeast(1.0)),
    ("patch-title-", Figure::Cpu, AtMost(150.0)),
    ("patch-title-", Figure::PerCommit, AtLeast(8.0)),
    ("patch-title-", Figure::OfRaw, AtLeast(1.0)),
    ("member-", Figure::Cpu, AtMost(300.0)),
    ("member-", Figure::CpuOf("member-100"), AtMost(1.3)),
];

/// Up to so many users, the server starts within so many milliseconds.
const START_MS: &[(u64, f64)] = &[(0, 50.0), (1_000_000, 500.0)];
/// Up to so many users, the server holds so many bytes of memory after all loads.
const MEMORY: &[(u64, f64)] = &[
    (0, 25.0 * MIB),
    (100_000, 120.0 * MIB),
    (1_000_000, 200.0 * MIB),
];
/// Bytes on disk per user after the import.
const DISK_PER_USER: f64 = 4_000.0;
/// Users from which on the disk is judged: fewer do not outweigh an empty database.
const DISK_FROM: u64 = 1_000;
/// Least rate of `get-by-id` at the largest size, by that at the smallest.
const GROWTH: f64 = 0.8;

/// `ok`, or what was missed, or nothing where nothing was asked.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Verdict {
    judged: bool,
    /// Each budget that was missed, with the figure.
    pub misses: Vec<String>,
    /// Figures that a budget needs and the run could not tell.
    unknown: Vec<&'static str>,
}

impl Verdict {
    fn judge(&mut self, what: &'static str, value: Option<f64>, bound: Bound) {
        let Some(value) = value else {
            self.unknown.push(what);
            return;
        };
        self.judged = true;
        let (kept, sign, limit) = match bound {
            AtLeast(limit) => (value >= limit, '<', limit),
            AtMost(limit) => (value <= limit, '>', limit),
        };
        if !kept {
            self.misses
                .push(format!("{what} {} {sign} {}", short(value), short(limit)));
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.judged, self.misses.is_empty()) {
            (false, _) => f.write_str("-")?,
            (true, true) => f.write_str("ok")?,
            (true, false) => write!(f, "MISS {}", self.misses.join(", "))?,
        }
        if !self.unknown.is_empty() {
            write!(f, " (unknown: {})", self.unknown.join(", "))?;
        }
        Ok(())
    }
}

/// Judges one operation; `rows` are all of the same size.
pub(super) fn operation(row: &Row, rows: &[Row]) -> Verdict {
    let mut verdict = Verdict::default();
    for (name, figure, bound) in OPERATIONS {
        if !row.name.starts_with(name) {
            continue;
        }
        let (what, value) = match figure {
            Figure::OfBare => ("×bare", row.of_bare()),
            Figure::OfRaw => ("×raw", row.of_raw()),
            Figure::Cpu => ("CPU µs", row.cpu_us()),
            Figure::PerCommit => ("requests/commit", row.per_commit()),
            Figure::CpuOf(other) => {
                // Not measured in this run, or the same row: nothing to compare.
                let Some(other) = rows.iter().find(|row| row.name == *other) else {
                    continue;
                };
                let pair = row.cpu_us().zip(other.cpu_us());
                let ratio = pair.map(|(own, other)| own.median / other.median);
                ("CPU growth", Spread::of(ratio))
            }
        };
        verdict.judge(what, value.map(|value| value.median), *bound);
    }
    verdict
}

/// Judges what holds for a size as a whole.
pub(super) fn size(report: &SizeReport) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(limit) = step(START_MS, report.users) {
        let start = Spread::of(report.start_ms.iter().copied()).map(|start| start.median);
        verdict.judge("start ms", start, AtMost(limit));
    }
    if let Some(limit) = step(MEMORY, report.users) {
        let bytes = report.resident_loaded.or(report.resident_started);
        verdict.judge(
            "memory MiB",
            bytes.map(|bytes| bytes as f64 / MIB),
            AtMost(limit / MIB),
        );
    }
    if report.users >= DISK_FROM {
        verdict.judge(
            "disk bytes/user",
            report.disk_per_user,
            AtMost(DISK_PER_USER),
        );
    }
    verdict
}

/// How the rate of `get-by-id` at the largest size compares with the smallest.
pub(super) fn growth(sizes: &[SizeReport]) -> Option<(f64, Verdict)> {
    let rate = |size: &SizeReport| size.row("get-by-id")?.rate().map(|rate| rate.median);
    let measured = || sizes.iter().filter(|size| rate(size).is_some());
    let least = measured().min_by_key(|size| size.users)?;
    let most = measured().max_by_key(|size| size.users)?;
    if least.users == most.users {
        return None;
    }
    let ratio = rate(most)? / rate(least)?;
    let mut verdict = Verdict::default();
    verdict.judge("get-by-id growth", Some(ratio), AtLeast(GROWTH));
    Some((ratio, verdict))
}

fn step(steps: &[(u64, f64)], users: u64) -> Option<f64> {
    steps
        .iter()
        .find(|(up_to, _)| users <= *up_to)
        .map(|(_, limit)| *limit)
}

fn short(value: f64) -> String {
    if value >= 10.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::measure::Sample;

    fn row(name: &str, sample: Sample) -> Row {
        Row {
            name: name.into(),
            samples: vec![sample],
            ..Row::default()
        }
    }

    #[test]
    fn budgets_are_judged_by_name() {
        let cpu = |cpu_us| Sample {
            cpu_us: Some(cpu_us),
            ..Sample::default()
        };
        let rows = [
            row(
                "get-by-id",
                Sample {
                    of_bare: Some(0.5),
                    ..cpu(62.4)
                },
            ),
            row("list-first", cpu(400.0)),
            row("list-deep", cpu(900.0)),
            row("member-100", cpu(200.0)),
            row("member-10000", cpu(250.0)),
            row(
                "create-16",
                Sample {
                    of_raw: Some(1.2),
                    ..cpu(90.0)
                },
            ),
            row("emails-co", Sample::default()),
            row("bare", cpu(9.0)),
        ];
        let verdicts: Vec<String> = rows
            .iter()
            .map(|row| operation(row, &rows).to_string())
            .collect();
        assert_eq!(
            verdicts,
            [
                "MISS CPU µs 62 > 50",
                "ok",
                "MISS CPU growth 2.25 > 2.00",
                "ok",
                "ok",
                "ok (unknown: requests/commit)",
                "- (unknown: CPU µs)",
                "-",
            ]
        );
    }

    #[test]
    fn sizes_take_the_limit_of_their_step() {
        assert_eq!(step(MEMORY, 0), Some(25.0 * MIB));
        assert_eq!(step(MEMORY, 1_000), Some(120.0 * MIB));
        assert_eq!(step(START_MS, 1_000_000), Some(500.0));
        assert_eq!(step(START_MS, 2_000_000), None);
    }

    #[test]
    fn growth_compares_the_ends() {
        let size = |users, rate| SizeReport {
            users,
            rows: vec![row(
                "get-by-id",
                Sample {
                    rate,
                    ..Sample::default()
                },
            )],
            ..SizeReport::default()
        };
        let sizes = [
            size(1_000, 100.0),
            size(100_000, 10.0),
            size(1_000_000, 70.0),
        ];
        let (ratio, verdict) = growth(&sizes).unwrap();
        assert!((ratio - 0.7).abs() < 1e-9);
        assert_eq!(verdict.to_string(), "MISS get-by-id growth 0.70 < 0.80");
        assert_eq!(growth(&sizes[..1]), None);
    }
}
