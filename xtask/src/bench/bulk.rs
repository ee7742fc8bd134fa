//! `cargo xtask bench-bulk`: a directory loaded through bulk jobs alone (RFC 7644 §3.7).

use std::{
    cell::RefCell,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::{
    ground::{self, Ground, in_release},
    http::Connection,
    questions,
    report::grouped,
    server::{Server, folder_bytes},
    setup,
    site::{PATCH_SCHEMA, Site},
    sqlite,
    users::Person,
};

const BULK_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const GROUP_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// Members of every group but the one that has all users.
const MEMBERS: usize = 20;

/// Members that one operation adds to the group of all users.
const MEMBERS_AT_ONCE: usize = 10_000;

/// Length of one measurement of raw SQLite.
const CEILING: Duration = Duration::from_secs(3);

/// What is loaded.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Users.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    users: u64,
    /// Groups, of which the first gets every user as a member.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    groups: u64,
    /// Jobs at a time.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// An empty database in place of a file, as `postgres://USER@HOST/DATABASE`.
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    #[command(flatten)]
    ground: Ground,
}

/// Loads, and prints what it took. Any operation that fails ends the run.
pub(crate) fn main(options: &Options) -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        return in_release();
    }
    let server = options.ground.server()?;
    let folder = tempfile::tempdir_in(options.ground.folder()?)?;
    ground::runtime()?.block_on(load(options, &server, folder.path()))?;
    Ok(ExitCode::SUCCESS)
}

/// Loads users through jobs, two at a time.
pub(super) async fn load_users(site: &Site, users: u64) -> anyhow::Result<Duration> {
    let loader = Loader {
        site,
        limits: Limits::of(site).await?,
        jobs: 2,
        ids: RefCell::new(vec![String::new(); users as usize]),
    };
    loader.users(users).await
}

async fn load(options: &Options, program: &Path, folder: &Path) -> anyhow::Result<()> {
    let server = match &options.store {
        None => setup::serve(program, folder).await?,
        Some(store) => setup::serve_over(program, folder, store).await?,
    };
    let site = Site::sign_in(server.address).await?;
    let limits = Limits::of(&site).await?;
    let loader = Loader {
        site: &site,
        limits,
        jobs: options.jobs,
        ids: RefCell::new(vec![String::new(); options.users as usize]),
    };
    println!(
        "{} users, {} groups; jobs of at most {} operations and {} bytes, {} at a time",
        options.users, options.groups, limits.operations, limits.bytes, options.jobs
    );
    let raw = sqlite::rows_per_second(folder, sqlite::BATCH, CEILING)?;
    let users = loader.users(options.users).await?;
    phase("users", &server, &site, options.users, users).await;
    let groups = loader.groups(options.groups).await?;
    phase("groups", &server, &site, options.groups, groups).await;
    let members = loader.members().await?;
    phase(
        "members of one group",
        &server,
        &site,
        options.users,
        members,
    )
    .await;
    let ids = loader.ids.take();
    questions::ask(&site, &ids).await?;
    questions::catch_up(&site, &ids).await?;
    phase(
        "all",
        &server,
        &site,
        options.users,
        users + groups + members,
    )
    .await;
    let raw_after = sqlite::rows_per_second(folder, sqlite::BATCH, CEILING)?;
    let ceiling = f64::midpoint(raw, raw_after);
    let rate = options.users as f64 / users.as_secs_f64();
    println!(
        "raw SQLite, {} rows per commit: {} rows/s before, {} after; users by bulk: {:.2} of it",
        sqlite::BATCH,
        grouped(raw),
        grouped(raw_after),
        rate / ceiling
    );
    if options.store.is_some() {
        return Ok(());
    }
    let bytes = folder_bytes(&setup::data(folder))? as f64 / options.users as f64;
    println!(
        "disk: {} bytes per user, groups and members included",
        grouped(bytes)
    );
    Ok(())
}

async fn phase(name: &str, server: &Server, site: &Site, count: u64, took: Duration) {
    let peak = server.peak_bytes().map_or(f64::NAN, |it| it as f64 / 1e6);
    let commits = site.commits().await.unwrap_or(f64::NAN);
    println!(
        "{name}: {} in {:.1} s, {}/s; {} commits so far, peak memory {peak:.0} MB",
        grouped(count as f64),
        took.as_secs_f64(),
        grouped(count as f64 / took.as_secs_f64()),
        grouped(commits)
    );
}

/// What the server accepts in one job.
#[derive(Clone, Copy)]
struct Limits {
    operations: usize,
    bytes: usize,
}

impl Limits {
    async fn of(site: &Site) -> anyhow::Result<Self> {
        let config = site.call("GET", "/scim/v2/ServiceProviderConfig", b"");
        let config: Value = serde_json::from_slice(&config.await?)?;
        let limit = |name: &str| {
            let value = config["bulk"][name].as_u64();
            value
                .map(|it| it as usize)
                .with_context(|| format!("no bulk.{name}"))
        };
        Ok(Self {
            operations: limit("maxOperations")?,
            bytes: limit("maxPayloadSize")?,
        })
    }
}

struct Loader<'l> {
    site: &'l Site,
    limits: Limits,
    jobs: u16,
    /// The id of each user, by its index.
    ids: RefCell<Vec<String>>,
}

/// A job as it is filled.
struct Body {
    text: Vec<u8>,
    operations: usize,
}

impl Body {
    fn new() -> Self {
        let head = format!("{{\"schemas\":[\"{BULK_SCHEMA}\"],\"Operations\":[");
        Self {
            text: head.into_bytes(),
            operations: 0,
        }
    }

    /// Adds an operation, unless the job would then be too large.
    fn push(&mut self, operation: &[u8], limits: Limits) -> bool {
        let bytes = self.text.len() + operation.len() + ",]}".len();
        if self.operations == limits.operations || bytes > limits.bytes {
            return false;
        }
        if self.operations > 0 {
            self.text.push(b',');
        }
        self.text.extend_from_slice(operation);
        self.operations += 1;
        true
    }

    fn finished(mut self) -> Vec<u8> {
        self.text.extend_from_slice(b"]}");
        self.text
    }
}

impl Loader<'_> {
    async fn users(&self, users: u64) -> anyhow::Result<Duration> {
        let next = RefCell::new(0..users);
        let mut person = Vec::new();
        let operation = |index: u64, out: &mut Vec<u8>| {
            person.clear();
            Person::at(index).write_json(&mut person);
            let head = format!(r#"{{"method":"POST","path":"/Users","bulkId":"{index}","data":"#);
            out.extend_from_slice(head.as_bytes());
            out.extend_from_slice(&person);
            out.push(b'}');
        };
        self.all(&next, RefCell::new(operation), |result| {
            let index: usize = result["bulkId"].as_str()?.parse().ok()?;
            let (_, id) = result["location"].as_str()?.rsplit_once('/')?;
            id.clone_into(self.ids.borrow_mut().get_mut(index)?);
            Some(())
        })
        .await
    }

    async fn groups(&self, groups: u64) -> anyhow::Result<Duration> {
        let next = RefCell::new(0..groups);
        let operation = |index: u64, out: &mut Vec<u8>| {
            let ids = self.ids.borrow();
            let first = index as usize * MEMBERS;
            let members: Vec<Value> = (first..first + MEMBERS)
                .filter(|_| index > 0)
                .map(|it| json!({ "value": ids[it % ids.len()] }))
                .collect();
            let data = json!({
                "schemas": [GROUP_SCHEMA],
                "displayName": format!("group {index}"),
                "members": members,
            });
            let operation = json!({
                "method": "POST",
                "path": "/Groups",
                "bulkId": index.to_string(),
                "data": data,
            });
            out.extend_from_slice(operation.to_string().as_bytes());
        };
        self.all(&next, RefCell::new(operation), |_| Some(())).await
    }

    async fn members(&self) -> anyhow::Result<Duration> {
        let filter = "/scim/v2/Groups?filter=displayName%20eq%20%22group%200%22&attributes=id";
        let found: Value = serde_json::from_slice(&self.site.call("GET", filter, b"").await?)?;
        let group = found["Resources"][0]["id"].as_str().context("no group")?;
        let path = format!("/Groups/{group}");
        let steps = self.ids.borrow().len().div_ceil(MEMBERS_AT_ONCE) as u64;
        let next = RefCell::new(0..steps);
        let operation = |step: u64, out: &mut Vec<u8>| {
            let ids = self.ids.borrow();
            let chunk = ids.chunks(MEMBERS_AT_ONCE).nth(step as usize);
            let members: Vec<Value> = chunk
                .into_iter()
                .flatten()
                .map(|id| json!({ "value": id }))
                .collect();
            let add = json!({ "op": "add", "path": "members", "value": members });
            let operation = json!({
                "method": "PATCH",
                "path": path,
                "data": { "schemas": [PATCH_SCHEMA], "Operations": [add] },
            });
            out.extend_from_slice(operation.to_string().as_bytes());
        };
        self.all(&next, RefCell::new(operation), |_| Some(())).await
    }

    /// Sends all operations, packed into jobs, over several connections.
    async fn all(
        &self,
        next: &RefCell<std::ops::Range<u64>>,
        operation: RefCell<impl FnMut(u64, &mut Vec<u8>)>,
        take: impl Fn(&Value) -> Option<()>,
    ) -> anyhow::Result<Duration> {
        let start = Instant::now();
        let workers = (0..self.jobs).map(|_| async {
            let mut connection = Connection::open(self.site.address).await?;
            while let Some(body) = self.fill(next, &operation)? {
                let answer = self
                    .site
                    .call_on(&mut connection, "POST", "/scim/v2/Bulk", &body);
                let answer: Value = serde_json::from_slice(&answer.await?)?;
                for result in answer["Operations"].as_array().context("no results")? {
                    let good = result["status"]
                        .as_str()
                        .is_some_and(|it| it.starts_with('2'));
                    ensure!(
                        good && take(result).is_some(),
                        "an operation failed: {result}"
                    );
                }
            }
            anyhow::Ok(())
        });
        try_join_all(workers).await?;
        Ok(start.elapsed())
    }

    fn fill(
        &self,
        next: &RefCell<std::ops::Range<u64>>,
        operation: &RefCell<impl FnMut(u64, &mut Vec<u8>)>,
    ) -> anyhow::Result<Option<Vec<u8>>> {
        let mut body = Body::new();
        let mut text = Vec::new();
        let mut next = next.borrow_mut();
        while let Some(index) = next.clone().next() {
            text.clear();
            (operation.borrow_mut())(index, &mut text);
            if !body.push(&text, self.limits) {
                break;
            }
            next.next();
        }
        ensure!(
            body.operations > 0 || next.is_empty(),
            "an operation is too large"
        );
        Ok((body.operations > 0).then(|| body.finished()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_filled_to_their_limits() {
        let limits = Limits {
            operations: 3,
            bytes: 200,
        };
        let mut body = Body::new();
        assert!(!body.push(&[b'x'; 200], limits), "too long");
        for _ in 0..3 {
            assert!(body.push(b"{}", limits));
        }
        assert!(!body.push(b"{}", limits), "too many");
        let job: Value = serde_json::from_slice(&body.finished()).unwrap();
        assert_eq!(job["Operations"], json!([{}, {}, {}]));
    }
}
