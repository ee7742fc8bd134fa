//! `cargo xtask bench-index`: an index that is chosen while the server serves a directory that
//! is already large.

use std::{
    cell::RefCell,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::{
    bulk,
    ground::{self, Ground, in_release},
    http::{Connection, percent_encoded},
    setup,
    site::{PATCH_SCHEMA, Site, Target},
};

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const INDEX: &str = "urn:civitas:scim:schemas:extension:index:1.0:Schema";
const BADGE: &str = "urn:example:scim:schemas:extension:2.0:Badge";

/// What is indexed: every user has one, and many share each.
const ATTRIBUTE: &str = "name.familyName";

/// Pause between two looks at how far the index has come.
const POLL: Duration = Duration::from_millis(100);

/// What is measured.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Users that there are before the index is chosen.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    users: u64,
    /// Length of the measurement before, in seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    #[command(flatten)]
    ground: Ground,
}

/// Loads, measures before and during, and prints both.
pub(crate) fn main(options: &Options) -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        return in_release();
    }
    let server = options.ground.server()?;
    let folder = tempfile::tempdir_in(options.ground.folder()?)?;
    ground::runtime()?.block_on(measure(options, &server, folder.path()))?;
    Ok(ExitCode::SUCCESS)
}

async fn measure(options: &Options, program: &Path, folder: &Path) -> anyhow::Result<()> {
    let server = setup::serve(program, folder).await?;
    let site = Site::sign_in(server.address).await?;
    let took = bulk::load_users(&site, options.users).await?;
    println!(
        "{} users loaded in {:.0} s",
        options.users,
        took.as_secs_f64()
    );
    let targets = site.targets(options.users).await?;
    println!(
        "a schema with an indexed attribute: {}",
        fresh(&site).await?
    );

    let until = Instant::now() + Duration::from_secs(options.seconds);
    let before = load(&site, &targets, async || {
        tokio::time::sleep_until(until.into()).await;
        Ok(())
    });
    before.await?.print("before");
    let asked = Instant::now();
    let during = load(&site, &targets, async || built(&site).await);
    during.await?.print("while the index is built");
    println!(
        "the index of {ATTRIBUTE} is complete after {:.1} s; peak memory {:.0} MB",
        asked.elapsed().as_secs_f64(),
        server.peak_bytes().map_or(f64::NAN, |it| it as f64 / 1e6)
    );
    let filter = percent_encoded(&format!("{ATTRIBUTE} eq \"nobody\""));
    let asked = Instant::now();
    let found = get(&site, &format!("/Users?filter={filter}")).await?;
    ensure!(found["totalResults"] == 0, "a name that nobody has");
    println!("a filter by it: {:.2} ms", ms(asked.elapsed()));
    Ok(())
}

/// Times from the 201 of a schema until a filter by its indexed attribute answers.
async fn fresh(site: &Site) -> anyhow::Result<String> {
    let attributes = json!([{ "name": "code", "type": "string" }]);
    let schema = json!({ "schemas": [SCHEMA, INDEX], "id": BADGE, "attributes": attributes,
        INDEX: { "indexed": ["code"] } });
    send(site, "POST", "/Schemas", &schema).await?;
    let created = Instant::now();
    let mut user = get(site, "/ResourceTypes/User").await?;
    let extensions = user["schemaExtensions"].as_array_mut();
    let extensions = extensions.context("the extensions of users")?;
    extensions.push(json!({ "schema": BADGE, "required": false }));
    let user = json!({ "schemas": [RESOURCE_TYPE], "name": "User", "endpoint": "/Users",
        "schema": USER, "schemaExtensions": user["schemaExtensions"] });
    send(site, "PUT", "/ResourceTypes/User", &user).await?;
    let person = json!({ "schemas": [USER, BADGE], "userName": "badge", BADGE: { "code": "A1" } });
    send(site, "POST", "/Users", &person).await?;
    let filter = percent_encoded(&format!("{BADGE}:code eq \"a1\""));
    let found = get(site, &format!("/Users?filter={filter}")).await?;
    ensure!(found["totalResults"] == 1, "the filter answers: {found}");
    Ok(format!(
        "attached, written and filtered by {:.1} ms after its 201",
        ms(created.elapsed())
    ))
}

/// Chooses the index and waits until it is complete.
async fn built(site: &Site) -> anyhow::Result<()> {
    let path = format!("/Schemas/{USER}");
    let choice =
        json!({ "schemas": [SCHEMA, INDEX], "id": USER, INDEX: { "indexed": [ATTRIBUTE] } });
    send(site, "PUT", &path, &choice).await?;
    while get(site, &path).await?[INDEX].get("building").is_some() {
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

async fn get(site: &Site, path: &str) -> anyhow::Result<Value> {
    let answer = site.call("GET", &format!("/scim/v2{path}"), b"").await?;
    Ok(serde_json::from_slice(&answer)?)
}

async fn send(site: &Site, method: &str, path: &str, body: &Value) -> anyhow::Result<()> {
    let path = format!("/scim/v2{path}");
    let body = body.to_string();
    site.call(method, &path, body.as_bytes()).await.map(drop)
}

/// Times of answers by operation.
struct Times {
    reads: RefCell<Vec<Duration>>,
    searches: RefCell<Vec<Duration>>,
    writes: RefCell<Vec<Duration>>,
}

impl Times {
    fn print(self, when: &str) {
        for (what, times) in [
            ("reads by id", self.reads),
            ("filters by userName", self.searches),
            ("changes", self.writes),
        ] {
            let mut times = times.into_inner();
            times.sort_unstable();
            let at = |percent: usize| {
                let place = times.len().saturating_sub(1) * percent / 100;
                times.get(place).copied().map_or(f64::NAN, ms)
            };
            println!(
                "{when}: {} {what}: p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
                times.len(),
                at(50),
                at(99),
                at(100)
            );
        }
    }
}

/// Reads, searches and changes users, each on a connection of its own, one after the other,
/// for as long as the work takes.
async fn load(
    site: &Site,
    targets: &[Target],
    work: impl AsyncFnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Times> {
    let times = Times {
        reads: RefCell::default(),
        searches: RefCell::default(),
        writes: RefCell::default(),
    };
    let read = |turn: usize| ("GET", user(targets, turn), Vec::new());
    let search = |turn: usize| {
        let filter = percent_encoded(&format!("userName eq \"nobody {turn}\""));
        ("GET", format!("/scim/v2/Users?filter={filter}"), Vec::new())
    };
    let write = |turn: usize| {
        let operation = json!({ "op": "replace", "path": "nickName", "value": turn.to_string() });
        let body = json!({ "schemas": [PATCH_SCHEMA], "Operations": [operation] });
        ("PATCH", user(targets, turn), body.to_string().into_bytes())
    };
    tokio::select! {
        worked = work() => worked?,
        failed = repeat(site, read, &times.reads) => failed?,
        failed = repeat(site, search, &times.searches) => failed?,
        failed = repeat(site, write, &times.writes) => failed?,
    }
    Ok(times)
}

fn user(targets: &[Target], turn: usize) -> String {
    // A prime, so that neighbours in time are no neighbours on disk.
    let target = &targets[turn * 7919 % targets.len()];
    format!("/scim/v2/Users/{}", target.id)
}

async fn repeat(
    site: &Site,
    request: impl Fn(usize) -> (&'static str, String, Vec<u8>),
    times: &RefCell<Vec<Duration>>,
) -> anyhow::Result<()> {
    let mut connection = Connection::open(site.address).await?;
    for turn in 0.. {
        let (method, path, body) = request(turn);
        let begin = Instant::now();
        site.call_on(&mut connection, method, &path, &body).await?;
        times.borrow_mut().push(begin.elapsed());
    }
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
