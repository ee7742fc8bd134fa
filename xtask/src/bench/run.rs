//! One run: for each size import, start, rounds of reads, rounds of changes.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};

use super::{
    Options,
    http::write_request,
    load::Script,
    measure::{self, Sample},
    operation::{self, Kind, Operation, Scene},
    report::{self, Row, SizeReport, grouped},
    server::{self, Server, free_port},
    site::{CLIENT_ID, CLIENT_SECRET, Site},
    sqlite,
    users::Person,
};

/// Connections to the bare server, as many as the quickest reads use.
const BARE_CONNECTIONS: usize = 8;
/// Body of the bare server's answer where no read tells a better one.
const BARE_BYTES: usize = 1_400;
/// How long an import may take.
const IMPORT_LIMIT: Duration = Duration::from_mins(30);
/// Part of the length of a measurement that each operation is loaded before the
/// first round, uncounted.
const WARM_UP_PART: u32 = 5;

/// Measures the empty directory and each size, and prints each as it is done.
pub(super) async fn sizes(
    options: &Options,
    server: &Path,
    bare: &Path,
    folder: &Path,
) -> anyhow::Result<Vec<SizeReport>> {
    let mut reports = Vec::new();
    for users in [0].into_iter().chain(options.users.iter().copied()) {
        let folder = tempfile::Builder::new()
            .prefix("bench-")
            .tempdir_in(folder)?;
        let run = Run {
            options,
            server,
            bare,
            folder: folder.path(),
            users,
        };
        let report = run.size().await?;
        print!("{}", report::table(&report));
        reports.push(report);
    }
    ensure!(
        reports.iter().any(|report| !report.rows.is_empty()),
        "no operation has that name"
    );
    Ok(reports)
}

/// One size.
struct Run<'a> {
    options: &'a Options,
    server: &'a Path,
    bare: &'a Path,
    folder: &'a Path,
    users: u64,
}

/// The bare server and what it does with one request.
struct Bare {
    server: Server,
    /// Any valid request of the usual length.
    request: Arc<[u8]>,
}

impl Run<'_> {
    async fn size(&self) -> anyhow::Result<SizeReport> {
        let mut report = SizeReport {
            users: self.users,
            ..SizeReport::default()
        };
        fs::create_dir_all(self.data())?;
        if self.users > 0 {
            self.progress("import");
            report.import_rate = Some(self.users as f64 / self.import().await?.as_secs_f64());
            report.disk_per_user =
                Some(server::folder_bytes(&self.data())? as f64 / self.users as f64);
        }
        let mut server = self.start().await?;
        report.start_ms.push(server.start.as_secs_f64() * 1e3);
        for _ in 1..self.options.rounds {
            drop(server);
            server = self.start().await?;
            report.start_ms.push(server.start.as_secs_f64() * 1e3);
        }
        report.resident_started = server.resident_bytes();
        if self.users > 0 {
            report.rows = self.operations(&server).await?;
            report.resident_loaded = server.resident_bytes();
        }
        Ok(report)
    }

    async fn operations(&self, server: &Server) -> anyhow::Result<Vec<Row>> {
        self.progress("ids");
        let site = Site::sign_in(server.address).await?;
        let mut scene = Scene {
            targets: Arc::new(site.targets(self.users).await?),
            site,
            users: self.users,
            next: Arc::new(AtomicU64::new(self.users)),
            group: None,
        };
        let answer = scene.rehearse(Kind::GetById).await;
        let bytes = answer.ok().flatten().unwrap_or(BARE_BYTES);
        let bare = self.start_bare(&scene, bytes).await?;

        let mut rows = self
            .rounds(server, &bare, &mut scene, operation::reads(), false)
            .await?;
        let writes = operation::writes(self.users);
        rows.extend(self.rounds(server, &bare, &mut scene, writes, true).await?);
        Ok(rows)
    }

    /// Measures `operations` in turn, and so again in every round, each round
    /// beside the ceilings of the same minute.
    async fn rounds(
        &self,
        server: &Server,
        bare: &Bare,
        scene: &mut Scene,
        operations: Vec<Operation>,
        changes: bool,
    ) -> anyhow::Result<Vec<Row>> {
        let wanted = |operation: &Operation| {
            self.options
                .only
                .as_ref()
                .is_none_or(|only| operation.name.contains(only.as_str()))
        };
        let mut jobs = Vec::new();
        for operation in operations.into_iter().filter(wanted) {
            jobs.push(self.job(operation, scene).await);
        }
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let bare_name = if changes { "bare (writes)" } else { "bare" };
        let mut ceilings = vec![row(bare_name, BARE_CONNECTIONS)];
        if changes {
            ceilings.push(row("sqlite, 1 row/commit", 1));
            ceilings.push(row(&format!("sqlite, {} rows/commit", sqlite::BATCH), 1));
        }
        for round in 0..self.options.rounds {
            self.progress(&format!("{bare_name}, round {}", round + 1));
            if round == 0 {
                bare.sample(self.warm_up()).await?;
            }
            let at_most = bare.sample(self.options.seconds).await?;
            let bare_rate = at_most.rate;
            ceilings[0].samples.push(at_most);
            let mut raw_rate = None;
            if changes {
                let one = self.raw(1).await?;
                raw_rate = Some(one);
                for (row, rate) in ceilings[1..]
                    .iter_mut()
                    .zip([one, self.raw(sqlite::BATCH).await?])
                {
                    row.samples.push(Sample {
                        rate,
                        ..Sample::default()
                    });
                }
            }
            for job in &mut jobs {
                self.progress(&format!("{}, round {}", job.row.name, round + 1));
                if let Some(mut sample) = self.measure(server, job, round).await {
                    sample.of_bare = Some(sample.rate / bare_rate);
                    sample.of_raw = raw_rate.map(|raw| sample.rate / raw);
                    job.row.samples.push(sample);
                }
            }
        }
        ceilings.extend(jobs.into_iter().map(|job| job.row));
        Ok(ceilings)
    }

    /// Prepares one operation. What fails is told in its row.
    async fn job(&self, operation: Operation, scene: &Scene) -> Job {
        let mut job = Job {
            row: row(&operation.name, operation.connections),
            scene: scene.clone(),
            operation,
            ready: false,
        };
        self.progress(&format!("prepare {}", job.row.name));
        match job.prepare().await {
            Ok(bytes) => (job.row.answer_bytes, job.ready) = (bytes, true),
            Err(error) => job.fail(&error),
        }
        job
    }

    /// One round of one operation, `None` when it could not be measured.
    async fn measure(&self, server: &Server, job: &mut Job, round: u16) -> Option<Sample> {
        if !job.ready {
            return None;
        }
        if round == 0 && job.load(server, self.warm_up(), 0).await.is_none() {
            job.ready = false;
            return None;
        }
        job.load(server, self.options.seconds, u64::from(round) + 1)
            .await
    }

    async fn raw(&self, per_commit: u64) -> anyhow::Result<f64> {
        let (folder, duration) = (self.folder.to_owned(), self.options.seconds);
        let raw = move || sqlite::rows_per_second(&folder, per_commit, duration);
        tokio::task::spawn_blocking(raw).await?
    }

    fn warm_up(&self) -> Duration {
        self.options.seconds / WARM_UP_PART
    }

    async fn start(&self) -> anyhow::Result<Server> {
        let port = free_port()?;
        let mut command = Command::new(self.server);
        command
            .args([
                "serve",
                "--dev",
                "--listen",
                &format!("127.0.0.1:{port}"),
                "--data",
            ])
            .arg(self.data())
            .env("CIVITAS_ADMIN_CLIENT_ID", CLIENT_ID)
            .env("CIVITAS_ADMIN_CLIENT_SECRET", CLIENT_SECRET);
        Server::start(&mut command, port, &self.folder.join("serve.log")).await
    }

    async fn start_bare(&self, scene: &Scene, bytes: usize) -> anyhow::Result<Bare> {
        let port = free_port()?;
        let mut command = Command::new(self.bare);
        command.args([
            "bare",
            "--port",
            &port.to_string(),
            "--bytes",
            &bytes.to_string(),
        ]);
        let server = Server::start(&mut command, port, &self.folder.join("bare.log")).await?;
        let mut request = Vec::new();
        let id = scene
            .targets
            .first()
            .map_or("none", |target| target.id.as_str());
        let path = format!("/scim/v2/Users/{id}");
        write_request(&mut request, "GET", &path, &scene.site.token, b"");
        Ok(Bare {
            server,
            request: request.into(),
        })
    }

    /// Writes the users to a file and lets the server's own command load it.
    async fn import(&self) -> anyhow::Result<Duration> {
        let (file, log) = (
            self.folder.join("users.jsonl"),
            self.folder.join("import.log"),
        );
        write_users(&file, self.users)?;
        let out = File::create(&log)?;
        let start = Instant::now();
        let mut child = Command::new(self.server)
            .args(["import", "--data"])
            .arg(self.data())
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(out.try_clone()?)
            .stdout(out)
            .spawn()
            .with_context(|| format!("cannot start {}", self.server.display()))?;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if start.elapsed() > IMPORT_LIMIT {
                child.kill()?;
                child.wait()?;
                bail!("the import takes too long:\n{}", server::tail(&log));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        let took = start.elapsed();
        ensure!(
            status.success(),
            "import ended with {status}:\n{}",
            server::tail(&log)
        );
        fs::remove_file(&file)?;
        Ok(took)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn progress(&self, what: &str) {
        eprintln!("{} users: {what}", grouped(self.users as f64));
    }
}

impl Bare {
    async fn sample(&self, duration: Duration) -> anyhow::Result<Sample> {
        let script = |_| -> Script {
            let request = Arc::clone(&self.request);
            Box::new(move |out| {
                out.extend_from_slice(&request);
                &[200]
            })
        };
        let scripts = (0..BARE_CONNECTIONS).map(script).collect();
        let (sample, tally) = measure::sample(&self.server, None, scripts, duration).await?;
        ensure!(
            tally.failures.is_empty(),
            "the bare server fails: {:?}",
            tally.failures
        );
        Ok(sample)
    }
}

/// An operation on its way through the rounds.
struct Job {
    operation: Operation,
    scene: Scene,
    row: Row,
    ready: bool,
}

impl Job {
    async fn prepare(&mut self) -> anyhow::Result<Option<usize>> {
        if let Kind::Member(size) = self.operation.kind {
            self.scene.group = Some(
                self.scene
                    .site
                    .group(self.scene.members(size))
                    .await?
                    .into(),
            );
        }
        self.scene.rehearse(self.operation.kind).await
    }

    /// Loads the server once; failures go to the row.
    async fn load(&mut self, server: &Server, duration: Duration, seed: u64) -> Option<Sample> {
        match self.try_load(server, duration, seed).await {
            Ok(sample) => Some(sample),
            Err(error) => {
                self.fail(&error);
                None
            }
        }
    }

    async fn try_load(
        &mut self,
        server: &Server,
        duration: Duration,
        seed: u64,
    ) -> anyhow::Result<Sample> {
        // A token of its own, lest it expires within a long run.
        self.scene.site = Site::sign_in(server.address).await?;
        let scripts = self.scene.scripts(&self.operation, seed)?;
        let (sample, tally) =
            measure::sample(server, Some(&self.scene.site), scripts, duration).await?;
        for (what, count) in tally.failures {
            *self.row.failures.entry(what).or_default() += count;
        }
        Ok(sample)
    }

    fn fail(&mut self, error: &anyhow::Error) {
        *self.row.failures.entry(format!("{error:#}")).or_default() += 1;
    }
}

fn row(name: &str, connections: usize) -> Row {
    Row {
        name: name.to_owned(),
        connections,
        ..Row::default()
    }
}

fn write_users(path: &Path, users: u64) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut line = Vec::new();
    for index in 0..users {
        line.clear();
        Person::at(index).write_json(&mut line);
        line.push(b'\n');
        file.write_all(&line)?;
    }
    Ok(file.flush()?)
}
