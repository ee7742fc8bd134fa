//! `cargo xtask bench-overload`: many times the work that the release server can do, for a
//! minute: what becomes of the requests that it takes, and of those that it refuses.

use std::{
    cell::RefCell,
    path::Path,
    process::ExitCode,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use tokio::task::LocalSet;

use super::{
    bulk,
    ground::{self, Ground, in_release},
    http::{Connection, percent_encoded, write_request},
    seconds,
    server::Server,
    setup,
    site::{CLIENT_ID, Site, Target},
    users::Person,
};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// Requests one after the other that tell what is usual without load.
const ALONE: usize = 200;
/// Connections that find out what is sustainable: enough to keep the server busy.
const SUSTAINED_CONNECTIONS: usize = 4;
/// How long that is tried.
const SUSTAINED: Duration = Duration::from_secs(5);
/// Pause between two looks at which requests are due.
const TICK: Duration = Duration::from_millis(1);
/// How long answers may stay out after the load.
const GRACE: Duration = Duration::from_secs(30);
/// Members of each group that is created.
const MEMBERS: usize = 100;

/// How much longer accepted requests may take than without load, and how long a refusal may.
const MOST_TIMES: f64 = 4.0;
const REFUSED_WITHIN: Duration = Duration::from_millis(50);

/// What is measured, and how hard.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Users that there are.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    users: u64,
    /// Length of the load, in seconds.
    #[arg(long, default_value = "60", value_parser = seconds)]
    seconds: Duration,
    /// The load, in multiples of what is sustainable.
    #[arg(long, default_value_t = 10.0)]
    times: f64,
    /// Only loads whose name contains this: secrets, searches, writes.
    #[arg(long)]
    only: Option<String>,
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
    let server = setup::serve(program, folder).await?;
    let site = Site::sign_in(server.address).await?;
    bulk::load_users(&site, options.users).await?;
    let targets = site.targets(options.users).await?;
    let scene = Rc::new(Scene { site, targets });
    for load in [Load::Secrets, Load::Searches, Load::Writes] {
        let wanted = options.only.as_deref().unwrap_or_default();
        if load.name().contains(wanted) {
            overload(options, &server, &scene, load).await?;
        }
    }
    Ok(())
}

/// Kinds of work that cost far more than to refuse them.
#[derive(Clone, Copy)]
enum Load {
    /// Client secrets that are shown for the first time, and are wrong.
    Secrets,
    /// Filters that look at every value of an index.
    Searches,
    /// Groups with many members.
    Writes,
}

impl Load {
    const fn name(self) -> &'static str {
        match self {
            Self::Secrets => "secrets",
            Self::Searches => "searches",
            Self::Writes => "writes",
        }
    }

    /// The status of a request that is carried out.
    const fn accepted(self) -> u16 {
        match self {
            Self::Secrets => 401,
            Self::Searches => 200,
            Self::Writes => 201,
        }
    }
}

/// Where requests go, and what they are about.
struct Scene {
    site: Site,
    targets: Vec<Target>,
}

impl Scene {
    /// The request of a turn; no two of a load are the same.
    fn request(&self, load: Load, turn: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let token = &self.site.token;
        match load {
            Load::Secrets => {
                let basic = BASE64_STANDARD.encode(format!("{CLIENT_ID}:wrong {turn}"));
                let head = format!(
                    "GET /scim/v2/Users?count=0 HTTP/1.1\r\nhost: 127.0.0.1\r\n\
                     authorization: Basic {basic}\r\n\r\n"
                );
                out.extend_from_slice(head.as_bytes());
            }
            Load::Searches => {
                // A prime, so that no two are looked for one after the other.
                let person = Person::at(self.targets[turn * 7919 % self.targets.len()].index);
                let filter = format!("displayName co \"{}\"", person.name_part());
                let filter = percent_encoded(&filter);
                let path = format!("/scim/v2/Users?count=1&filter={filter}");
                write_request(&mut out, "GET", &path, token, b"");
            }
            Load::Writes => {
                // Put together from text: the load shares the processors with the server.
                let members = (0..MEMBERS).map(|at| {
                    let target = &self.targets[(turn + at * 31) % self.targets.len()];
                    format!(r#"{{"value":"{}"}}"#, target.id)
                });
                let members = members.collect::<Vec<_>>().join(",");
                let body = format!(
                    r#"{{"schemas":["{GROUP}"],"displayName":"Group {turn}","members":[{members}]}}"#
                );
                let path = "/scim/v2/Groups?attributes=id";
                write_request(&mut out, "POST", path, token, body.as_bytes());
            }
        }
        out
    }
}

/// Times of answers.
#[derive(Default)]
struct Times {
    accepted: Vec<Duration>,
    refused: Vec<Duration>,
    other: Vec<String>,
}

impl Times {
    fn note(&mut self, load: Load, answer: std::io::Result<u16>, took: Duration) {
        match answer {
            Ok(status) if status == load.accepted() => self.accepted.push(took),
            Ok(503) => self.refused.push(took),
            Ok(status) => self.other.push(format!("status {status}")),
            Err(error) => self.other.push(error.to_string()),
        }
    }

    fn check(&self, load: Load) -> anyhow::Result<()> {
        let (name, count) = (load.name(), self.other.len());
        let first = self.other.first();
        ensure!(first.is_none(), "{name}: {count} answers such as {first:?}");
        Ok(())
    }
}

async fn overload(
    options: &Options,
    server: &Server,
    scene: &Rc<Scene>,
    load: Load,
) -> anyhow::Result<()> {
    let name = load.name();
    let mut before = alone(scene, load, 0).await?;
    let rate = sustained(scene, load, 1_000_000).await?;
    let offered = rate * options.times;
    let memory = resident_mb(server);
    println!(
        "{name}: alone p50 {:.1} ms, p99 {:.1} ms; sustainable {rate:.0}/s; {memory:.0} MB",
        ms(percentile(&mut before.accepted, 50)),
        ms(percentile(&mut before.accepted, 99)),
    );
    let peak = Rc::new(RefCell::new(Vec::new()));
    let watched = tokio::task::spawn_local({
        let peak = Rc::clone(&peak);
        let resident = server.resident();
        async move {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                peak.borrow_mut().push(mb(resident()));
            }
        }
    });
    let mut times = offer(scene, load, offered, options.seconds, 10_000_000).await?;
    watched.abort();
    times.check(load)?;
    let accepted = times.accepted.len() as f64 / options.seconds.as_secs_f64();
    let refused = times.refused.len() as f64 / options.seconds.as_secs_f64();
    let (usual, taken) = (
        percentile(&mut before.accepted, 99),
        percentile(&mut times.accepted, 99),
    );
    let ratio = taken.as_secs_f64() / usual.as_secs_f64();
    let refusal = percentile(&mut times.refused, 99);
    println!(
        "{name}: offered {offered:.0}/s for {} s; accepted {accepted:.0}/s, p50 {:.1} ms, p99 {:.1} ms \
         (x{ratio:.1}, {}); refused {refused:.0}/s, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms ({})",
        options.seconds.as_secs(),
        ms(percentile(&mut times.accepted, 50)),
        ms(taken),
        verdict(ratio < MOST_TIMES),
        ms(percentile(&mut times.refused, 50)),
        ms(refusal),
        ms(percentile(&mut times.refused, 100)),
        verdict(refusal < REFUSED_WITHIN),
    );
    let seen = peak.take();
    let half = seen.len() / 2;
    let most = |part: &[f64]| part.iter().copied().fold(0.0, f64::max);
    println!(
        "{name}: memory at most {:.0} MB in the first half, {:.0} MB in the second",
        most(&seen[..half]),
        most(&seen[half..])
    );
    let mut after = alone(scene, load, 90_000_000).await?;
    println!(
        "{name}: afterwards all {ALONE} answered, p99 {:.1} ms; {:.0} MB",
        ms(percentile(&mut after.accepted, 99)),
        resident_mb(server)
    );
    Ok(())
}

/// Requests one after the other, none of which may be refused.
async fn alone(scene: &Scene, load: Load, from: usize) -> anyhow::Result<Times> {
    let mut connection = Connection::open(scene.site.address).await?;
    let mut times = Times::default();
    for turn in from..from + ALONE {
        let request = scene.request(load, turn);
        let begin = Instant::now();
        let answer = connection.send(&request).await;
        times.note(load, answer, begin.elapsed());
    }
    times.check(load)?;
    let refused = times.refused.len();
    ensure!(refused == 0, "{}: {refused} refused alone", load.name());
    Ok(times)
}

/// Requests in a second that are carried out when as many are sent as are answered.
async fn sustained(scene: &Rc<Scene>, load: Load, from: usize) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let loops = (0..SUSTAINED_CONNECTIONS).map(|first| {
        let scene = Rc::clone(scene);
        async move {
            let mut connection = Connection::open(scene.site.address).await?;
            let mut times = Times::default();
            for turn in (from + first..).step_by(SUSTAINED_CONNECTIONS) {
                if begin.elapsed() > SUSTAINED {
                    break;
                }
                let request = scene.request(load, turn);
                let answer = connection.send(&request).await;
                times.note(load, answer, Duration::ZERO);
            }
            times.check(load)?;
            anyhow::Ok(times.accepted.len())
        }
    });
    let done = futures_util::future::try_join_all(loops).await?;
    Ok(done.iter().sum::<usize>() as f64 / begin.elapsed().as_secs_f64())
}

/// An open loop: requests come at their time, whatever became of those before. Times count
/// from then.
async fn offer(
    scene: &Rc<Scene>,
    load: Load,
    rate: f64,
    duration: Duration,
    from: usize,
) -> anyhow::Result<Times> {
    let times = Rc::new(RefCell::new(Times::default()));
    let idle = Rc::new(RefCell::new(Vec::<Connection>::new()));
    let begin = Instant::now();
    let all = (rate * duration.as_secs_f64()) as usize;
    let mut sent = 0;
    let mut open = Vec::new();
    while sent < all {
        let due = ((begin.elapsed().as_secs_f64() * rate) as usize).min(all);
        for turn in sent..due {
            let (scene, times, idle) = (Rc::clone(scene), Rc::clone(&times), Rc::clone(&idle));
            let at = begin + Duration::from_secs_f64(turn as f64 / rate);
            open.push(tokio::task::spawn_local(async move {
                let request = scene.request(load, from + turn);
                let kept = idle.borrow_mut().pop();
                let answer = async {
                    let mut connection = match kept {
                        Some(connection) => connection,
                        None => Connection::open(scene.site.address).await?,
                    };
                    let status = connection.send(&request).await?;
                    idle.borrow_mut().push(connection);
                    Ok(status)
                };
                let answer = answer.await;
                times.borrow_mut().note(load, answer, at.elapsed());
            }));
        }
        sent = due;
        open.retain(|task| !task.is_finished());
        tokio::time::sleep(TICK).await;
    }
    let rest = futures_util::future::join_all(open);
    let ended = tokio::time::timeout(GRACE, rest).await;
    ensure!(ended.is_ok(), "{}: answers stay out", load.name());
    Ok(times.take())
}

fn verdict(good: bool) -> &'static str {
    if good { "ok" } else { "MISS" }
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times.get(last * percent / 100).copied().unwrap_or_default()
}

fn resident_mb(server: &Server) -> f64 {
    mb(server.resident_bytes())
}

fn mb(bytes: Option<u64>) -> f64 {
    bytes.map_or(f64::NAN, |it| it as f64 / 1e6)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
