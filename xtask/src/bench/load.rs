//! A closed loop: each connection sends its next request as soon as it has the
//! answer to the last one, until the time is over.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::{sync::Barrier, task::JoinSet};

use super::http::Connection;

/// How long answers may still take once the time is over.
const GRACE: Duration = Duration::from_mins(1);
/// Failures on one connection after which it stops.
const MAX_FAILURES: u64 = 100;

/// Appends the next request of one connection to an empty buffer and says which
/// statuses answer it well.
pub(super) type Script = Box<dyn FnMut(&mut Vec<u8>) -> &'static [u16] + Send>;

/// What a load came to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Time of each answer of an expected status, in nanoseconds, unordered.
    pub latencies_ns: Vec<u64>,
    /// Answers of other statuses and broken exchanges, by what they were.
    pub failures: BTreeMap<String, u64>,
    /// From the first request to the last answer.
    pub elapsed: Duration,
}

impl Tally {
    fn fail(&mut self, what: String) {
        *self.failures.entry(what).or_default() += 1;
    }

    fn merge(&mut self, other: Self) {
        self.latencies_ns.extend(other.latencies_ns);
        for (what, count) in other.failures {
            *self.failures.entry(what).or_default() += count;
        }
        self.elapsed = self.elapsed.max(other.elapsed);
    }
}

/// Runs one connection per script for `duration`. `started` is called once all
/// are open, before the first request.
pub(super) async fn run(
    address: SocketAddr,
    scripts: Vec<Script>,
    duration: Duration,
    started: impl AsyncFnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Tally> {
    // One more than the connections: this task, which opens the gate.
    let gate = Arc::new(Barrier::new(scripts.len() + 1));
    let mut tasks = JoinSet::new();
    for script in scripts {
        let connection = Connection::open(address).await.context("cannot connect")?;
        let gate = Arc::clone(&gate);
        tasks.spawn(async move {
            gate.wait().await;
            drive(connection, script, duration).await
        });
    }
    started().await?;
    gate.wait().await;
    let mut total = Tally::default();
    let all = async {
        while let Some(tally) = tasks.join_next().await {
            total.merge(tally?);
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(duration + GRACE, all)
        .await
        .context("an answer stays out after the end of the load")??;
    Ok(total)
}

async fn drive(mut connection: Connection, mut script: Script, duration: Duration) -> Tally {
    let mut tally = Tally::default();
    let mut request = Vec::with_capacity(2048);
    let start = Instant::now();
    let mut failures = 0;
    let mut before = start;
    while before - start < duration && failures < MAX_FAILURES {
        request.clear();
        let expected = script(&mut request);
        let answer = connection.send(&request).await;
        let after = Instant::now();
        match answer {
            Ok(status) if expected.contains(&status) => {
                tally.latencies_ns.push((after - before).as_nanos() as u64);
            }
            Ok(status) => {
                failures += 1;
                tally.fail(format!("status {status}"));
            }
            Err(error) => {
                failures += 1;
                tally.fail(error.to_string());
            }
        }
        before = after;
    }
    tally.elapsed = start.elapsed();
    tally
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bare, bench::http::write_request};

    async fn bare_server(bytes: usize) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, bare::router(bytes)).await });
        address
    }

    fn script(expected: &'static [u16]) -> Script {
        Box::new(move |out| {
            write_request(out, "GET", "/any", "token", b"");
            expected
        })
    }

    #[tokio::test]
    async fn every_connection_works_until_the_end() {
        let address = bare_server(200_000).await;
        let scripts = (0..3).map(|_| script(&[200])).collect();
        let duration = Duration::from_millis(50);
        let tally = run(address, scripts, duration, async || Ok(()))
            .await
            .unwrap();
        assert!(tally.failures.is_empty(), "{:?}", tally.failures);
        assert!(tally.latencies_ns.len() >= 3);
        assert!(tally.elapsed >= duration);
    }

    #[tokio::test]
    async fn other_statuses_are_counted_and_end_the_loop() {
        let address = bare_server(10).await;
        let scripts = vec![script(&[201])];
        let tally = run(address, scripts, Duration::from_mins(1), async || Ok(()))
            .await
            .unwrap();
        assert_eq!(tally.failures.get("status 200"), Some(&MAX_FAILURES));
        assert!(tally.latencies_ns.is_empty());
    }
}
