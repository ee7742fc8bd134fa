//! From a load to the figures of one round, and from rounds to their spread.

use std::time::Duration;

use super::{
    load::{self, Script, Tally},
    server::Server,
    site::Site,
};

/// The figures of one operation in one round. What could not be read is `None`.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    /// Good answers per second.
    pub rate: f64,
    /// Median time of an answer, in microseconds.
    pub p50_us: Option<f64>,
    /// Time that one answer in a hundred exceeds, in microseconds.
    pub p99_us: Option<f64>,
    /// Processor time of the server per request, in microseconds.
    pub cpu_us: Option<f64>,
    /// Requests that shared one commit of the store.
    pub per_commit: Option<f64>,
    /// The rate, by that of the bare server in the same round.
    pub of_bare: Option<f64>,
    /// The rate, by that of raw SQLite with one row per commit in the same round.
    pub of_raw: Option<f64>,
}

/// Loads `server` and reads its counters around that. Commits are counted where
/// there is a `site` to ask.
pub(super) async fn sample(
    server: &Server,
    site: Option<&Site>,
    scripts: Vec<Script>,
    duration: Duration,
) -> anyhow::Result<(Sample, Tally)> {
    let commits = async || match site {
        Some(site) => site.commits().await,
        None => None,
    };
    let mut before = (None, None);
    let mut tally = load::run(server.address, scripts, duration, async || {
        let commits = commits().await;
        before = (commits, server.cpu_time());
        Ok(())
    })
    .await?;
    let cpu = server.cpu_time();
    let commits = commits().await;

    let good = tally.latencies_ns.len();
    let requests = (good as u64 + tally.failures.values().sum::<u64>()) as f64;
    let spent = before
        .1
        .zip(cpu)
        .map(|(before, after)| after.saturating_sub(before));
    let made = before.0.zip(commits).map(|(before, after)| after - before);
    let sample = Sample {
        rate: good as f64 / tally.elapsed.as_secs_f64(),
        p50_us: percentile_us(&mut tally.latencies_ns, 50),
        p99_us: percentile_us(&mut tally.latencies_ns, 99),
        cpu_us: spent.map(|spent| spent.as_secs_f64() * 1e6 / requests),
        per_commit: made.filter(|made| *made > 0.0).map(|made| requests / made),
        of_bare: None,
        of_raw: None,
    };
    Ok((sample, tally))
}

fn percentile_us(latencies_ns: &mut [u64], percent: usize) -> Option<f64> {
    let last = latencies_ns.len().checked_sub(1)?;
    let (_, value, _) = latencies_ns.select_nth_unstable(last * percent / 100);
    Some(*value as f64 / 1e3)
}

/// One figure over the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub min: f64,
    pub median: f64,
    pub max: f64,
}

impl Spread {
    /// The spread of the values that there are, `None` if there are none.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values
            .into_iter()
            .filter(|value| value.is_finite())
            .collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Some(Self { min, median, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles() {
        for (values, expected) in [
            (vec![], None),
            (vec![3.0], Some((3.0, 3.0, 3.0))),
            (vec![9.0, 1.0, 2.0], Some((1.0, 2.0, 9.0))),
            (vec![4.0, f64::NAN, 1.0, 2.0, 3.0], Some((1.0, 2.5, 4.0))),
        ] {
            let expected = expected.map(|(min, median, max)| Spread { min, median, max });
            assert_eq!(Spread::of(values.clone()), expected, "{values:?}");
        }
        let mut latencies: Vec<u64> = (1..=101).rev().map(|us| us * 1_000).collect();
        assert_eq!(percentile_us(&mut latencies, 50), Some(51.0));
        assert_eq!(percentile_us(&mut latencies, 99), Some(100.0));
        assert_eq!(percentile_us(&mut [], 50), None);
    }
}
