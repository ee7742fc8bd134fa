//! `cargo xtask bench-passwords`: a thousand users who log on at the same time: how many are
//! served beside what Argon2id allows at most, what becomes of other requests meanwhile, and
//! whether the time of an answer tells who there is.

use std::{
    cell::RefCell,
    path::Path,
    process::ExitCode,
    rc::Rc,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio::task::LocalSet;

use super::{
    ground::{self, Ground, in_release},
    http::{Connection, write_request},
    seconds,
    site::Site,
};

const PASSWORD: &str = "Blue7Kettle";

/// Threads that hash, as the server has them unless it is configured otherwise.
const THREADS: usize = 2;
/// How long the ceiling is measured.
const CEILING: Duration = Duration::from_secs(5);
/// Users; of each, few enough wrong passwords are shown that it is not locked.
const USERS: usize = 200;
/// Requests of each kind whose times are compared, one after the other.
const COMPARED: usize = 400;
/// Time between two requests to another endpoint.
const PACE: Duration = Duration::from_millis(5);
/// What a refused caller waits, as the refusal says.
const RETRY: Duration = Duration::from_secs(1);

/// What is to be reached.
const OF_CEILING: f64 = 0.9;
const MOST_TIMES: f64 = 3.0;

/// How many log on, and how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Callers at the same time.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=5_000))]
    callers: u16,
    /// Length of the load, in seconds.
    #[arg(long, default_value = "20", value_parser = seconds)]
    seconds: Duration,
    #[command(flatten)]
    ground: Ground,
}

/// Exits with 1 when an answer was neither good nor a refusal.
pub(crate) fn main(options: &Options) -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        return in_release();
    }
    let server = options.ground.server()?;
    let folder = tempfile::tempdir_in(options.ground.folder()?)?;
    let all = measure(options, &server, folder.path());
    ground::runtime()?.block_on(LocalSet::new().run_until(all))?;
    Ok(ExitCode::SUCCESS)
}

async fn measure(options: &Options, program: &Path, folder: &Path) -> anyhow::Result<()> {
    let server = super::setup::serve(program, folder).await?;
    let site = Site::sign_in(server.address).await?;
    let users = create(&site).await?;
    compare(&site).await?;
    let mut alone = probe(&site, &users, Duration::from_secs(5)).await?;
    let ceiling = ceiling()?;
    let begin = Instant::now();
    let tally = Rc::new(RefCell::new(Tally::default()));
    let loops = (0..usize::from(options.callers)).map(|caller| {
        let (site, tally) = (site.clone(), Rc::clone(&tally));
        let until = begin + options.seconds;
        tokio::task::spawn_local(async move { log_on(&site, caller, until, &tally).await })
    });
    let loops: Vec<_> = loops.collect();
    let mut beside = probe(&site, &users, options.seconds).await?;
    for done in loops {
        done.await??;
    }
    let tally = tally.take();
    ensure!(
        tally.other.is_empty(),
        "answers such as {:?}",
        tally.other.first()
    );
    let rate = tally.good as f64 / options.seconds.as_secs_f64();
    let of_ceiling = rate / ceiling;
    println!(
        "{} callers for {} s: {rate:.1} verifications/s; Argon2id on {THREADS} threads at most \
         {ceiling:.1}/s; x{of_ceiling:.2} ({}); {:.0} refusals/s",
        options.callers,
        options.seconds.as_secs(),
        verdict(of_ceiling >= OF_CEILING),
        tally.refused as f64 / options.seconds.as_secs_f64(),
    );
    let (usual, loaded) = (percentile(&mut alone, 99), percentile(&mut beside, 99));
    let times = loaded.as_secs_f64() / usual.as_secs_f64();
    println!(
        "a read by id: alone p50 {:.2} ms, p99 {:.2} ms; meanwhile p50 {:.2} ms, p99 {:.2} ms; \
         x{times:.1} ({})",
        ms(percentile(&mut alone, 50)),
        ms(usual),
        ms(percentile(&mut beside, 50)),
        ms(loaded),
        verdict(times <= MOST_TIMES),
    );
    Ok(())
}

/// What came of logons.
#[derive(Default)]
struct Tally {
    good: u64,
    refused: u64,
    other: Vec<String>,
}

fn name(index: usize) -> String {
    format!("logon{index}")
}

/// Creates the users; gives their paths.
async fn create(site: &Site) -> anyhow::Result<Vec<String>> {
    let mut connection = Connection::open(site.address).await?;
    let mut paths = Vec::with_capacity(USERS);
    for index in 0..USERS {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name(index), "password": PASSWORD,
        });
        let body = body.to_string();
        let path = "/scim/v2/Users";
        let made = site.call_on(&mut connection, "POST", path, body.as_bytes());
        let made: Value = serde_json::from_slice(&made.await?)?;
        let id = made["id"].as_str().context("no id")?;
        paths.push(format!("{path}/{id}"));
    }
    Ok(paths)
}

fn logon(name: &str, password: &str) -> Vec<u8> {
    let shown = BASE64_STANDARD.encode(format!("{name}:{password}"));
    let head = format!(
        "POST /service/users/password HTTP/1.1\r\nhost: 127.0.0.1\r\n\
         authorization: Basic {shown}\r\ncontent-length: 0\r\n\r\n"
    );
    head.into_bytes()
}

/// Shows wrong passwords and names that are nobody's in turn, one after the other.
async fn compare(site: &Site) -> anyhow::Result<()> {
    let mut connection = Connection::open(site.address).await?;
    let (mut wrong, mut nobody) = (Vec::new(), Vec::new());
    for turn in 0..COMPARED {
        let known = logon(&name(turn % USERS), "Green8Kettle");
        let unknown = logon(&format!("nobody{turn}"), "Green8Kettle");
        for (request, times) in [(known, &mut wrong), (unknown, &mut nobody)] {
            let begin = Instant::now();
            let status = connection.send(&request).await?;
            ensure!(status == 401, "status {status}");
            times.push(begin.elapsed());
        }
    }
    for (what, times) in [
        ("a wrong password", &mut wrong),
        ("nobody's name", &mut nobody),
    ] {
        println!(
            "{what}: p10 {:.2} ms, p50 {:.2} ms, p90 {:.2} ms",
            ms(percentile(times, 10)),
            ms(percentile(times, 50)),
            ms(percentile(times, 90)),
        );
    }
    let (wrong, nobody) = (percentile(&mut wrong, 50), percentile(&mut nobody, 50));
    let apart = (wrong.as_secs_f64() - nobody.as_secs_f64()).abs() / wrong.as_secs_f64();
    println!("medians are {:.1} % apart", apart * 100.0);
    Ok(())
}

/// Reads users at a pace, and gives the times of answers.
async fn probe(site: &Site, paths: &[String], duration: Duration) -> anyhow::Result<Vec<Duration>> {
    let mut connection = Connection::open(site.address).await?;
    let mut times = Vec::new();
    let until = Instant::now() + duration;
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut turn = 0;
    while Instant::now() < until {
        pace.tick().await;
        let mut request = Vec::new();
        let path = &paths[turn % paths.len()];
        write_request(&mut request, "GET", path, &site.token, b"");
        let begin = Instant::now();
        let status = connection.send(&request).await?;
        ensure!(status == 200, "status {status}");
        times.push(begin.elapsed());
        turn += 1;
    }
    Ok(times)
}

/// Logs on for as long as the load lasts; a refused caller comes again when it is told to.
async fn log_on(
    site: &Site,
    caller: usize,
    until: Instant,
    tally: &RefCell<Tally>,
) -> anyhow::Result<()> {
    let mut connection = Connection::open(site.address).await?;
    let request = logon(&name(caller % USERS), PASSWORD);
    while Instant::now() < until {
        let answer = connection.send(&request).await;
        let is_late = Instant::now() > until;
        let is_refused = matches!(answer, Ok(503));
        {
            let mut tally = tally.borrow_mut();
            match answer {
                Ok(200) => tally.good += u64::from(!is_late),
                Ok(503) => tally.refused += 1,
                Ok(status) => tally.other.push(format!("status {status}")),
                Err(error) => tally.other.push(error.to_string()),
            }
        }
        if is_refused {
            tokio::time::sleep(RETRY).await;
        }
    }
    Ok(())
}

/// Verifications in a second by as many threads as the server has, and nothing else.
fn ceiling() -> anyhow::Result<f64> {
    let argon2 = Argon2::default();
    let hash = argon2.hash_password(PASSWORD.as_bytes());
    let hash = hash.map_err(|error| anyhow::anyhow!("{error}"))?;
    let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let begin = Instant::now();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let verified = argon2.verify_password(PASSWORD.as_bytes(), &hash);
                    done.fetch_add(u64::from(verified.is_ok()), Ordering::Relaxed);
                }
            });
        }
        thread::sleep(CEILING);
        stop.store(true, Ordering::Relaxed);
    });
    Ok(done.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64())
}

fn verdict(good: bool) -> &'static str {
    if good { "ok" } else { "MISS" }
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times.get(last * percent / 100).copied().unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
