//! The figures of a run, as a table to read and as JSON to keep.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::{Value, json};

use super::{
    budget,
    measure::{Sample, Spread},
};

const MIB: f64 = 1024.0 * 1024.0;

/// One operation at one size, over all rounds.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub name: String,
    pub connections: usize,
    /// Length of the body of one answer, where the operation reads.
    pub answer_bytes: Option<usize>,
    pub samples: Vec<Sample>,
    pub failures: BTreeMap<String, u64>,
}

impl Row {
    pub(super) fn new(name: &str, connections: usize) -> Self {
        Self {
            name: name.to_owned(),
            connections,
            ..Self::default()
        }
    }

    pub(super) fn rate(&self) -> Option<Spread> {
        Spread::of(self.samples.iter().map(|sample| sample.rate))
    }

    pub(super) fn cpu_us(&self) -> Option<Spread> {
        self.over(|sample| sample.cpu_us)
    }

    pub(super) fn per_commit(&self) -> Option<Spread> {
        self.over(|sample| sample.per_commit)
    }

    pub(super) fn of_bare(&self) -> Option<Spread> {
        self.over(|sample| sample.of_bare)
    }

    pub(super) fn of_raw(&self) -> Option<Spread> {
        self.over(|sample| sample.of_raw)
    }

    fn over(&self, figure: impl Fn(&Sample) -> Option<f64>) -> Option<Spread> {
        Spread::of(self.samples.iter().filter_map(figure))
    }
}

/// Everything measured with one number of users; zero is the empty directory.
#[derive(Clone, Debug, Default)]
pub(super) struct SizeReport {
    pub users: u64,
    /// Users per second.
    pub import_rate: Option<f64>,
    pub start_ms: Vec<f64>,
    pub resident_started: Option<u64>,
    pub resident_loaded: Option<u64>,
    pub disk_per_user: Option<f64>,
    pub rows: Vec<Row>,
}

impl SizeReport {
    pub(super) fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// Everything that went wrong, one line each.
    pub(super) fn failures(&self) -> Vec<String> {
        let of_row = |row: &Row| {
            let name = row.name.clone();
            row.failures
                .clone()
                .into_iter()
                .map(move |(what, n)| format!("{name}: {n} × {what}"))
        };
        self.rows.iter().flat_map(of_row).collect()
    }
}

/// The table of one size.
pub(super) fn table(report: &SizeReport) -> String {
    let mut out = String::new();
    // Writing to a `String` cannot fail.
    let _ = writeln!(out, "\n{} users", grouped(report.users as f64));
    let mut facts = Vec::new();
    if let Some(rate) = report.import_rate {
        facts.push(format!("import {} users/s", grouped(rate)));
    }
    if let Some(start) = Spread::of(report.start_ms.iter().copied()) {
        facts.push(format!(
            "start {:.1} ms ({:.1}..{:.1})",
            start.median, start.min, start.max
        ));
    }
    for (bytes, when) in [
        (report.resident_started, "started"),
        (report.resident_loaded, "loaded"),
    ] {
        if let Some(bytes) = bytes {
            facts.push(format!("memory {when} {:.1} MiB", bytes as f64 / MIB));
        }
    }
    if let Some(bytes) = report.disk_per_user {
        facts.push(format!("disk {} B/user", grouped(bytes)));
    }
    let _ = writeln!(
        out,
        "  {}; budget: {}",
        facts.join(", "),
        budget::size(report)
    );
    if report.rows.is_empty() {
        return out;
    }
    let mut lines = vec![
        [
            "operation",
            "conn",
            "requests/s",
            "min..max",
            "p50 µs",
            "p99 µs",
            "CPU µs",
        ]
        .map(String::from)
        .to_vec(),
    ];
    lines[0].extend(["req/commit", "×bare", "×raw", "answer B", "budget"].map(String::from));
    lines.extend(report.rows.iter().map(|row| cells(row, &report.rows)));
    out.push_str(&aligned(&lines));
    for failure in report.failures() {
        let _ = writeln!(out, "  ERROR {failure}");
    }
    out
}

fn cells(row: &Row, rows: &[Row]) -> Vec<String> {
    let whole = |spread: Option<Spread>| cell(spread, grouped);
    let fine = |spread: Option<Spread>| cell(spread, |value| format!("{value:.2}"));
    let rate = row.rate();
    let verdict = budget::operation(row, rows).to_string();
    let range = rate.map(|rate| format!("{}..{}", grouped(rate.min), grouped(rate.max)));
    vec![
        row.name.clone(),
        row.connections.to_string(),
        whole(rate),
        range.unwrap_or_else(absent),
        whole(row.over(|sample| sample.p50_us)),
        whole(row.over(|sample| sample.p99_us)),
        cell(row.cpu_us(), |value| format!("{value:.1}")),
        cell(row.per_commit(), |value| format!("{value:.1}")),
        fine(row.of_bare()),
        fine(row.of_raw()),
        row.answer_bytes
            .map_or_else(absent, |bytes| grouped(bytes as f64)),
        if row.failures.is_empty() {
            verdict
        } else {
            format!("FAILED; {verdict}")
        },
    ]
}

fn cell(spread: Option<Spread>, write: impl Fn(f64) -> String) -> String {
    spread.map_or_else(absent, |spread| write(spread.median))
}

fn absent() -> String {
    "-".to_owned()
}

/// Columns as wide as their widest cell: the first and last to the left, figures
/// to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let mut out = String::new();
    for line in lines {
        out.push(' ');
        for (column, cell) in line.iter().enumerate() {
            let padding = " ".repeat(width(column) - cell.chars().count());
            let _ = match column {
                0 => write!(out, " {cell}{padding}"),
                _ if column + 1 == columns => write!(out, "  {cell}"),
                _ => write!(out, "  {padding}{cell}"),
            };
        }
        out.push('\n');
    }
    out
}

/// A whole number with a comma between thousands.
pub(super) fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Every round of every figure.
pub(super) fn json(sizes: &[SizeReport]) -> Value {
    let size = |size: &SizeReport| {
        json!({
            "users": size.users,
            "import_users_per_s": size.import_rate,
            "start_ms": size.start_ms,
            "resident_started_bytes": size.resident_started,
            "resident_loaded_bytes": size.resident_loaded,
            "disk_bytes_per_user": size.disk_per_user,
            "misses": budget::size(size).misses,
            "operations": size.rows.iter().map(|row| json_row(row, &size.rows)).collect::<Vec<_>>(),
        })
    };
    json!({ "sizes": sizes.iter().map(size).collect::<Vec<_>>() })
}

fn json_row(row: &Row, rows: &[Row]) -> Value {
    let round = |sample: &Sample| {
        json!({
            "requests_per_s": sample.rate,
            "p50_us": sample.p50_us,
            "p99_us": sample.p99_us,
            "cpu_us": sample.cpu_us,
            "requests_per_commit": sample.per_commit,
            "of_bare": sample.of_bare,
            "of_raw": sample.of_raw,
        })
    };
    json!({
        "name": row.name,
        "connections": row.connections,
        "answer_bytes": row.answer_bytes,
        "rounds": row.samples.iter().map(round).collect::<Vec<_>>(),
        "failures": row.failures,
        "misses": budget::operation(row, rows).misses,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_one_table() {
        let sample = |rate, cpu_us| Sample {
            rate,
            p50_us: Some(101.6),
            p99_us: Some(1_234.0),
            cpu_us: Some(cpu_us),
            of_bare: Some(0.5),
            ..Sample::default()
        };
        let report = SizeReport {
            users: 100_000,
            import_rate: Some(54_321.0),
            start_ms: vec![31.0, 30.0, 35.5],
            resident_started: Some(20 << 20),
            resident_loaded: Some(130 << 20),
            disk_per_user: Some(2_500.0),
            rows: vec![Row {
                name: "get-by-id".into(),
                connections: 8,
                answer_bytes: Some(1_400),
                samples: vec![sample(20_000.0, 30.0), sample(40_000.0, 20.0)],
                failures: BTreeMap::from([("status 500".into(), 2)]),
            }],
        };
        let expected = "\n100,000 users\n  import 54,321 users/s, start 31.0 ms (30.0..35.5), \
            memory started 20.0 MiB, memory loaded 130.0 MiB, disk 2,500 B/user; \
            budget: MISS memory MiB 130 > 120\n  \
            operation  conn  requests/s        min..max  p50 µs  p99 µs  CPU µs  req/commit  ×bare  ×raw  answer B  budget\n  \
            get-by-id     8      30,000  20,000..40,000     102   1,234    25.0           -   0.50     -     1,400  FAILED; ok\n  \
            ERROR get-by-id: 2 × status 500\n";
        assert_eq!(table(&report), expected);
        assert_eq!(
            json(&[report])["sizes"][0]["operations"][0]["rounds"][1]["cpu_us"],
            20.0
        );
    }

    #[test]
    fn thousands_are_grouped() {
        for (value, text) in [
            (0.0, "0"),
            (999.4, "999"),
            (1_000.0, "1,000"),
            (1e6, "1,000,000"),
        ] {
            assert_eq!(grouped(value), text);
        }
    }
}
