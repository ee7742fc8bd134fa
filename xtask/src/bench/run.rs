//! One run: for each size import, start, rounds of reads, rounds of changes.

use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use anyhow::ensure;

use super::{
    Options,
    job::Job,
    measure::Sample,
    operation::{self, Kind, Operation, Scene},
    report::{self, Row, SizeReport, grouped},
    server::{self, Server},
    setup::{BARE_CONNECTIONS, Bare},
    site::Site,
    sqlite,
};

/// Body of the bare server's answer where no read tells a better one.
const BARE_BYTES: usize = 1_400;
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
pub(super) struct Run<'a> {
    options: &'a Options,
    /// The server's program.
    pub server: &'a Path,
    /// The program that is the bare server, this one.
    pub bare: &'a Path,
    /// Where everything of this size is kept.
    pub folder: &'a Path,
    pub users: u64,
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
        let scene = Scene {
            targets: Arc::new(site.targets(self.users).await?),
            site,
            users: self.users,
            next: Arc::new(AtomicU64::new(self.users)),
            group: None,
            cursors: Arc::default(),
        };
        let answer = scene.rehearse(Kind::GetById).await;
        let bytes = answer.ok().flatten().unwrap_or(BARE_BYTES);
        let bare = self.start_bare(&scene, bytes).await?;

        let mut rows = self
            .rounds(server, &bare, &scene, operation::reads(), false)
            .await?;
        let writes = operation::writes(self.users);
        rows.extend(self.rounds(server, &bare, &scene, writes, true).await?);
        Ok(rows)
    }

    /// Measures `operations` in turn, and so again in every round, each round
    /// beside the ceilings of the same minute.
    async fn rounds(
        &self,
        server: &Server,
        bare: &Bare,
        scene: &Scene,
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
            self.progress(&format!("prepare {}", operation.name));
            jobs.push(Job::prepared(operation, scene.clone()).await);
        }
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let bare_name = if changes { "bare (writes)" } else { "bare" };
        let mut ceilings = vec![Row::new(bare_name, BARE_CONNECTIONS)];
        if changes {
            ceilings.push(Row::new("sqlite, 1 row/commit", 1));
            ceilings.push(Row::new(
                &format!("sqlite, {} rows/commit", sqlite::BATCH),
                1,
            ));
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
                if let Some(mut sample) = job
                    .round(server, self.warm_up(), self.options.seconds, round)
                    .await
                {
                    sample.of_bare = Some(sample.rate / bare_rate);
                    sample.of_raw = raw_rate.map(|raw| sample.rate / raw);
                    job.row.samples.push(sample);
                }
            }
        }
        ceilings.extend(jobs.into_iter().map(|job| job.row));
        Ok(ceilings)
    }

    async fn raw(&self, per_commit: u64) -> anyhow::Result<f64> {
        let (folder, duration) = (self.folder.to_owned(), self.options.seconds);
        let raw = move || sqlite::rows_per_second(&folder, per_commit, duration);
        tokio::task::spawn_blocking(raw).await?
    }

    fn warm_up(&self) -> Duration {
        self.options.seconds / WARM_UP_PART
    }

    fn progress(&self, what: &str) {
        eprintln!("{} users: {what}", grouped(self.users as f64));
    }
}
