//! What a run starts before it measures: the import, the server, the bare server.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};

use super::{
    http::write_request,
    load::Script,
    measure::{self, Sample},
    operation::Scene,
    run::Run,
    server::{self, Server, free_port},
    site::{CLIENT_ID, CLIENT_SECRET},
    users::Person,
};

/// Connections to the bare server, as many as the quickest reads use.
pub(super) const BARE_CONNECTIONS: usize = 8;
/// How long an import may take.
const IMPORT_LIMIT: Duration = Duration::from_mins(30);

/// The bare server and what it does with one request.
pub(super) struct Bare {
    server: Server,
    /// Any valid request of the usual length.
    request: Arc<[u8]>,
}

impl Run<'_> {
    pub(super) async fn start(&self) -> anyhow::Result<Server> {
        serve(self.server, self.folder).await
    }

    pub(super) async fn start_bare(&self, scene: &Scene, bytes: usize) -> anyhow::Result<Bare> {
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

    pub(super) async fn import(&self) -> anyhow::Result<Duration> {
        import(self.server, self.folder, self.users).await
    }

    pub(super) fn data(&self) -> PathBuf {
        data(self.folder)
    }
}

impl Bare {
    /// Loads the bare server once.
    pub(super) async fn sample(&self, duration: Duration) -> anyhow::Result<Sample> {
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

/// Writes the users to a file and lets the server's own command load it.
pub(super) async fn import(server: &Path, folder: &Path, users: u64) -> anyhow::Result<Duration> {
    let (file, log) = (folder.join("users.jsonl"), folder.join("import.log"));
    write_users(&file, users)?;
    let out = File::create(&log)?;
    let start = Instant::now();
    let mut child = Command::new(server)
        .env_remove("CIVITAS_STORE")
        .args(["import", "--data"])
        .arg(data(folder))
        .arg(&file)
        .stdin(Stdio::null())
        .stderr(out.try_clone()?)
        .stdout(out)
        .spawn()
        .with_context(|| format!("cannot start {}", server.display()))?;
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

/// Starts the server over the data in `folder`, as in production: development keeps what it
/// was asked, which costs. The first start makes the client that asks.
pub(super) async fn serve(server: &Path, folder: &Path) -> anyhow::Result<Server> {
    serve_over(server, folder, &embedded(folder)).await
}

/// The same over the store of that URL. Of its own it has a configuration in `folder`.
pub(super) async fn serve_over(
    server: &Path,
    folder: &Path,
    store: &str,
) -> anyhow::Result<Server> {
    let config = folder.join("civitas.toml");
    if !config.exists() {
        drop(develop_over(server, folder, store).await?);
        File::create(&config)?;
    }
    let mut production = Command::new(server);
    production.args(["serve", "--config"]).arg(config);
    listening(&mut production, folder, store).await
}

/// Starts the server over the data in `folder` in development mode.
pub(super) async fn serve_development(server: &Path, folder: &Path) -> anyhow::Result<Server> {
    develop_over(server, folder, &embedded(folder)).await
}

async fn develop_over(server: &Path, folder: &Path, store: &str) -> anyhow::Result<Server> {
    let mut development = Command::new(server);
    development
        .args(["serve", "--dev"])
        .env("CIVITAS_ADMIN_CLIENT_ID", CLIENT_ID)
        .env("CIVITAS_ADMIN_CLIENT_SECRET", CLIENT_SECRET);
    listening(&mut development, folder, store).await
}

/// The URL of the embedded store in `folder`.
fn embedded(folder: &Path) -> String {
    format!("sqlite:{}", data(folder).display())
}

async fn listening(command: &mut Command, folder: &Path, store: &str) -> anyhow::Result<Server> {
    let port = free_port()?;
    command.args(["--listen", &format!("127.0.0.1:{port}"), "--store", store]);
    Server::start(command, port, &folder.join("serve.log")).await
}

/// Where the server keeps its data.
pub(super) fn data(folder: &Path) -> PathBuf {
    folder.join("data")
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
