//! Counters and a histogram, kept in atomics and shown as Prometheus text.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use civitas_scim::tolerance::{Switch, Switches};
use http::{Method, StatusCode};

use crate::family::Family;

const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other",
];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Upper bounds of the duration buckets, in microseconds.
const BUCKETS: [u64; 12] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000, 5_000_000,
];

/// What becomes of event tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feed {
    /// Given to a receiver that polled.
    Polled,
    /// Taken by a receiver that they were pushed to.
    Pushed,
    /// Refused by a receiver, for good.
    Refused,
    /// Not pushed, to be tried again.
    Failed,
    /// Told a receiver that it missed events.
    Missed,
}

impl Feed {
    const ALL: [Self; 5] = [
        Self::Polled,
        Self::Pushed,
        Self::Refused,
        Self::Failed,
        Self::Missed,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Polled => "polled",
            Self::Pushed => "pushed",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Missed => "missed",
        }
    }
}

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: [[[AtomicU64; CLASSES.len()]; METHODS.len()]; Family::ALL.len()],
    buckets: [AtomicU64; BUCKETS.len()],
    duration_micros: AtomicU64,
    measured: AtomicU64,
    tolerated: [AtomicU64; Switch::ALL.len()],
    fed: [AtomicU64; Feed::ALL.len()],
}

impl Metrics {
    /// Counts an answered request.
    pub(crate) fn observe(
        &self,
        family: Family,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        let method = METHODS.iter().position(|name| *name == method.as_str());
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        self.requests[family as usize][method.unwrap_or(METHODS.len() - 1)]
            [class.min(CLASSES.len() - 1)]
        .fetch_add(1, Relaxed);
        let micros = took.as_micros() as u64;
        if let Some(bucket) = BUCKETS.iter().position(|bound| micros <= *bound) {
            self.buckets[bucket].fetch_add(1, Relaxed);
        }
        self.duration_micros.fetch_add(micros, Relaxed);
        self.measured.fetch_add(1, Relaxed);
    }

    /// Counts the tolerances that a request needed.
    pub(crate) fn tolerated(&self, switches: Switches) {
        for switch in switches.iter() {
            self.tolerated[switch as usize].fetch_add(1, Relaxed);
        }
    }

    /// Counts event tokens.
    pub(crate) fn fed(&self, what: Feed, tokens: usize) {
        self.fed[what as usize].fetch_add(tokens as u64, Relaxed);
    }

    /// The Prometheus text format, version 0.0.4.
    pub(crate) fn render(&self, in_flight: usize, connections: usize, commits: u64) -> String {
        let mut text = String::with_capacity(4096);
        self.render_requests(&mut text);
        self.render_durations(&mut text);
        self.render_tolerances(&mut text);
        self.render_feed(&mut text);
        for (name, kind, help, value) in [
            (
                "civitas_http_requests_in_flight",
                "gauge",
                "Requests in work.",
                in_flight as u64,
            ),
            (
                "civitas_http_connections",
                "gauge",
                "Open connections.",
                connections as u64,
            ),
            (
                "civitas_store_commits_total",
                "counter",
                "Commits of the store.",
                commits,
            ),
        ] {
            describe(&mut text, name, kind, help);
            let _ = writeln!(text, "{name} {value}");
        }
        text
    }

    fn render_requests(&self, text: &mut String) {
        let name = "civitas_http_requests_total";
        describe(text, name, "counter", "Requests answered.");
        for family in Family::ALL {
            for (method, classes) in METHODS.iter().zip(&self.requests[family as usize]) {
                for (class, count) in CLASSES.iter().zip(classes) {
                    let count = count.load(Relaxed);
                    if count > 0 {
                        let dialect = family.name();
                        let _ = writeln!(
                            text,
                            "{name}{{dialect=\"{dialect}\",method=\"{method}\",\
                             status=\"{class}\"}} {count}"
                        );
                    }
                }
            }
        }
    }

    fn render_tolerances(&self, text: &mut String) {
        let name = "civitas_tolerated_total";
        describe(text, name, "counter", "Requests that needed a tolerance.");
        for switch in Switch::ALL {
            let count = self.tolerated[switch as usize].load(Relaxed);
            let switch = switch.name();
            let _ = writeln!(text, "{name}{{switch=\"{switch}\"}} {count}");
        }
    }

    fn render_feed(&self, text: &mut String) {
        let name = "civitas_event_tokens_total";
        describe(
            text,
            name,
            "counter",
            "Event tokens by what became of them.",
        );
        for what in Feed::ALL {
            let count = self.fed[what as usize].load(Relaxed);
            let what = what.name();
            let _ = writeln!(text, "{name}{{outcome=\"{what}\"}} {count}");
        }
    }

    fn render_durations(&self, text: &mut String) {
        let name = "civitas_http_request_duration_seconds";
        describe(
            text,
            name,
            "histogram",
            "Time from header fields to answer.",
        );
        let mut cumulated = 0;
        for (bound, count) in BUCKETS.iter().zip(&self.buckets) {
            cumulated += count.load(Relaxed);
            let seconds = *bound as f64 / 1e6;
            let _ = writeln!(text, "{name}_bucket{{le=\"{seconds}\"}} {cumulated}");
        }
        let measured = self.measured.load(Relaxed).max(cumulated);
        let seconds = self.duration_micros.load(Relaxed) as f64 / 1e6;
        let _ = writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {measured}");
        let _ = writeln!(text, "{name}_sum {seconds}\n{name}_count {measured}");
    }
}

fn describe(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}
