//! PostgreSQL clusters of one's own, for tests and measurements: in a temporary folder, run by
//! an unprivileged user, reached by a socket in the folder, gone with the process that started
//! them, however that ends.

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "support for tests: a panic is how they fail"
)]

use std::{
    ffi::OsStr,
    fs,
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// The user that owns the data.
const SUPERUSER: &str = "postgres";

/// Starts the server, and ends it when nobody holds the other end of standard input.
const WATCH: &str = r#"
"$0" "$@" >"$FOLDER/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT $server 2>/dev/null
wait $server
rm -rf "$FOLDER"
"#;

/// The port that a socket is named by.
const SOCKET_PORT: u16 = 5432;

/// What a certificate of its own says of a server.
const CERTIFICATE: &str = "[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = localhost
[extensions]
subjectAltName = DNS:localhost
basicConstraints = critical, CA:FALSE
";

const PATIENCE: Duration = Duration::from_secs(30);

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    watch: Child,
}

impl Cluster {
    /// The one that all tests of a process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A new cluster.
    pub fn start() -> Self {
        let owner = Owner::find();
        Self::serve(make(&owner), &owner, SOCKET_PORT, &[])
    }

    /// A new cluster that is reached by TLS at `localhost` besides. Gives the port, and the file
    /// with the certificate to trust.
    pub fn encrypted() -> (Self, u16, PathBuf) {
        let owner = Owner::find();
        let folder = make(&owner);
        let file = |name: &str| folder.join("data").join(name);
        fs::write(folder.join("certificate.cnf"), CERTIFICATE).unwrap();
        let mut openssl = Command::new("openssl");
        owner.run_as(&mut openssl);
        openssl
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
            ])
            .arg("-config")
            .arg(folder.join("certificate.cnf"))
            .arg("-keyout")
            .arg(file("server.key"))
            .arg("-out")
            .arg(file("server.crt"));
        done(&mut openssl);
        // Free once the listener is gone, which is at once.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let port = port.unwrap().port();
        let certificate = file("server.crt");
        let options = ["-c", "listen_addresses=127.0.0.1", "-c", "ssl=on"];
        let cluster = Self::serve(folder, &owner, port, &options);
        (cluster, port, certificate)
    }

    /// A standby of this cluster, in a folder that is not there or a new one. From now on
    /// commits wait for it.
    #[must_use]
    pub fn standby(&self, folder: Option<PathBuf>) -> Self {
        let (folder, owner) = (folder.unwrap_or_else(new_folder), Owner::find());
        fs::create_dir_all(&folder).unwrap();
        owner.own(&folder);
        let of = format!("host={} user={SUPERUSER}", self.folder.display());
        let mut copy = owner.command("pg_basebackup");
        copy.arg("--pgdata")
            .arg(folder.join("data"))
            .args(["--dbname", &of, "--write-recovery-conf", "--no-sync"])
            .args(["--checkpoint", "fast"]);
        done(&mut copy);
        let standby = Self::serve(folder, &owner, SOCKET_PORT, &[]);
        self.psql("ALTER SYSTEM SET synchronous_standby_names = '*'")
            .unwrap();
        self.psql("SELECT pg_reload_conf()").unwrap();
        let started = Instant::now();
        let state = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while self.psql(state).unwrap().trim() != "1" {
            assert!(started.elapsed() < PATIENCE, "the standby does not follow");
            thread::sleep(Duration::from_millis(20));
        }
        standby
    }

    /// Makes the standby the primary, which waits for no other.
    pub fn promote(&self) {
        self.psql("SELECT pg_promote()").unwrap();
        self.psql("ALTER SYSTEM SET synchronous_standby_names = ''")
            .unwrap();
        self.psql("SELECT pg_reload_conf()").unwrap();
    }

    /// Ends the server as a power failure would.
    pub fn kill(&mut self) {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let pid = file.lines().next().unwrap();
        done(Command::new("kill").args(["-KILL", pid]));
    }

    fn serve(folder: PathBuf, owner: &Owner, port: u16, options: &[&str]) -> Self {
        let mut watch = Command::new("sh");
        owner.run_as(&mut watch);
        let watch = watch
            .arg("-c")
            .arg(WATCH)
            .arg(program("postgres"))
            .arg("-D")
            .arg(folder.join("data"))
            .arg("-k")
            .arg(&folder)
            .args(["-p", &port.to_string()])
            .args(["-c", "listen_addresses=", "-c", "max_connections=200"])
            .args(options)
            .env("FOLDER", &folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let cluster = Self {
            folder,
            port,
            watch,
        };
        cluster.wait_until_ready();
        cluster
    }

    fn wait_until_ready(&self) {
        let started = Instant::now();
        while self.psql("SELECT 1").is_err() {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(
                started.elapsed() < PATIENCE,
                "PostgreSQL did not start: {log}"
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The connection string of an empty schema that nobody else uses.
    pub fn schema(&self) -> String {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let schema = format!("s{}_{number}", std::process::id());
        self.psql(&format!("CREATE SCHEMA {schema}")).unwrap();
        self.url(&schema)
    }

    /// The connection string of a schema.
    pub fn url(&self, schema: &str) -> String {
        Self::url_of(&[self], schema)
    }

    /// The connection string of a schema in whichever of the clusters takes writes.
    pub fn url_of(clusters: &[&Self], schema: &str) -> String {
        let folders = clusters.iter().map(|it| it.folder.to_str().unwrap());
        let folders: Vec<String> = folders.map(|it| it.replace('/', "%2F")).collect();
        let hosts = folders.join(",");
        format!("postgres://{SUPERUSER}@{hosts}/{SUPERUSER}?options=-csearch_path%3D{schema}")
    }

    /// The folder of the socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a statement, and gives what it answers or complains of.
    pub fn psql(&self, sql: &str) -> Result<String, String> {
        let done = Command::new(program("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .args(["-U", SUPERUSER, "-d", SUPERUSER, "-c", sql, "-h"])
            .arg(&self.folder)
            .args(["-p", &self.port.to_string()])
            .output()
            .unwrap();
        if done.status.success() {
            return Ok(String::from_utf8(done.stdout).unwrap());
        }
        Err(String::from_utf8_lossy(&done.stderr).into_owned())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        let _ = self.watch.wait();
    }
}

/// The data of a new cluster, in a folder of its own.
fn make(owner: &Owner) -> PathBuf {
    let folder = new_folder();
    owner.own(&folder);
    let mut initdb = owner.command("initdb");
    initdb
        .arg("--pgdata")
        .arg(folder.join("data"))
        .args(["--username", SUPERUSER, "--auth", "trust", "--no-sync"])
        .args(["--encoding", "UTF8", "--locale", "C"]);
    done(&mut initdb);
    folder
}

fn new_folder() -> PathBuf {
    let folder = tempfile::Builder::new().prefix("civitas-pg-").tempdir();
    folder.unwrap().keep()
}

fn done(command: &mut Command) {
    let done = command.output().unwrap();
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {complaint}");
}

/// Who runs the server, which refuses to be run by root.
struct Owner(Option<(u32, u32)>);

impl Owner {
    fn find() -> Self {
        if number(&["-u"]) != Some(0) {
            return Self(None);
        }
        let named = |name: &str| Some((number(&["-u", name])?, number(&["-g", name])?));
        Self(named(SUPERUSER).or_else(|| named("nobody")))
    }

    fn own(&self, folder: &Path) {
        if let Some((user, group)) = self.0 {
            chown(folder, Some(user), Some(group)).unwrap();
        }
    }

    fn run_as(&self, command: &mut Command) {
        command.current_dir("/");
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name));
        self.run_as(&mut command);
        command
    }
}

fn number(arguments: &[&str]) -> Option<u32> {
    let said = Command::new("id").args(arguments).output().ok()?;
    let said = said.status.success().then_some(said.stdout)?;
    String::from_utf8(said).ok()?.trim().parse().ok()
}

/// A program of PostgreSQL: Debian keeps those of servers by version, out of the way.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(name)))
        .filter(|path| path.exists())
        .max_by_key(|path| {
            let version = path.components().nth(4).map(|it| it.as_os_str().to_owned());
            let version = version.as_deref().and_then(OsStr::to_str);
            version.and_then(|it| it.parse::<u32>().ok())
        });
    newest.unwrap_or_else(|| name.into())
}
