//! A running `civitas serve --dev`, and a client that speaks to it.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use civitas_store::cluster::Cluster;
use serde_json::{Value, json};

pub(crate) const SECRET: &str = "a secret for tests alone";
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

pub(crate) const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

const START: Duration = Duration::from_secs(20);

/// The program under test.
pub(crate) fn civitas() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_civitas"));
    command
        .env_remove("CIVITAS_STORE")
        .env_remove("CIVITAS_ADMIN_CLIENT_SECRET");
    command
}

/// Commands that find a running server by what it wrote into a folder.
const OF_RUNNING: [&str; 5] = ["rehearse", "clock", "snapshot", "reset", "ledger"];

/// Runs the program to its end. A data folder may stand for a database: see [`place`].
pub(crate) fn run(arguments: &[&str]) -> Output {
    let mut command = civitas();
    if arguments.first().is_some_and(|it| OF_RUNNING.contains(it)) {
        return command.args(arguments).output().unwrap();
    }
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match (*argument, arguments.as_slice()) {
            ("--data", [data, ..]) => {
                arguments.next();
                command.args(place(Path::new(data)));
            }
            _ => {
                command.arg(argument);
            }
        }
    }
    command.output().unwrap()
}

/// Says which store the tests run over: `postgres`, or without it the embedded one.
pub(crate) const STORE: &str = "CIVITAS_TEST_STORE";

fn is_over_postgres() -> bool {
    std::env::var_os(STORE).is_some_and(|it| it == "postgres")
}

/// The arguments that say where the data is: the folder, or over PostgreSQL the schema that
/// stands for it.
fn place(data: &Path) -> [String; 2] {
    static SCHEMAS: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());
    if !is_over_postgres() {
        return ["--data".into(), data.to_str().unwrap().into()];
    }
    let mut schemas = SCHEMAS.lock().unwrap();
    let schema = schemas.entry(data.to_owned());
    let url = schema.or_insert_with(|| Cluster::shared().schema());
    ["--store".into(), url.clone()]
}

/// A server in development mode. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    is_https: bool,
    folder: Option<tempfile::TempDir>,
    pub(crate) data: PathBuf,
}

impl Server {
    /// A server over an empty folder.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self::start_in(folder.path());
        server.folder = Some(folder);
        server
    }

    /// A server over a folder that outlives it.
    pub(crate) fn start_in(folder: &Path) -> Self {
        Self::spawn(Self::development(), folder.join("data"))
    }

    /// A server that tells of itself in a file besides.
    pub(crate) fn start_telling(folder: &Path, file: &Path) -> Self {
        let mut command = Self::development();
        command.arg("--ready-file").arg(file);
        Self::spawn(command, folder.join("data"))
    }

    /// A server that speaks HTTPS, with a certificate of its own.
    pub(crate) fn start_https(folder: &Path) -> Self {
        let mut command = Self::development();
        command.arg("--https");
        let data = folder.join("data");
        command.arg("--data").arg(&data);
        Self::run(command, data)
    }

    /// The same, asking clients for certificates by the authorities in a file.
    pub(crate) fn start_asking(folder: &Path, authorities: &Path) -> Self {
        let mut command = Self::development();
        command.arg("--https").arg("--client-authorities");
        command.arg(authorities);
        let data = folder.join("data");
        command.arg("--data").arg(&data);
        Self::run(command, data)
    }

    /// A server that hears of files that are too long as of any other failure, rather than
    /// being ended by the system's signal.
    #[cfg(target_os = "linux")]
    pub(crate) fn start_limitable(folder: &Path) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_civitas"));
        Self::spawn(Self::in_development(command), folder.join("data"))
    }

    /// A node over a database.
    pub(crate) fn node(url: &str) -> Self {
        let mut command = Self::development();
        command.args(["--store", url]);
        Self::run(command, PathBuf::new())
    }

    fn development() -> Command {
        Self::in_development(civitas())
    }

    fn in_development(mut command: Command) -> Command {
        command
            .args(["serve", "--dev"])
            .env_remove("CIVITAS_STORE")
            .env("CIVITAS_ADMIN_CLIENT_SECRET", SECRET);
        command
    }

    /// The id of the process.
    #[cfg(target_os = "linux")]
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A server in production, over the data that its configuration names.
    pub(crate) fn start_configured(file: &Path, data: PathBuf) -> Self {
        let mut command = civitas();
        command.args(["serve", "--config"]).arg(file);
        Self::spawn(command, data)
    }

    /// One of several servers in production over a database.
    pub(crate) fn start_node(file: &Path, url: &str) -> Self {
        let mut command = civitas();
        command.args(["serve", "--config"]).arg(file);
        command.args(["--store", url]);
        Self::run(command, PathBuf::new())
    }

    fn spawn(mut command: Command, data: PathBuf) -> Self {
        if is_over_postgres() && command.get_args().any(|it| it == "--dev") {
            std::fs::create_dir_all(&data).unwrap();
            command.arg("--ready-file").arg(data.join("ready.json"));
        }
        command.args(place(&data));
        Self::run(command, data)
    }

    fn run(mut command: Command, data: PathBuf) -> Self {
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        // Ended with the test that fails from here on, too.
        let mut server = Self {
            child,
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
            is_https: false,
            folder: None,
            data,
        };
        (server.address, server.is_https) = announced(stdout);
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&self) {
        let client = self.client();
        let started = Instant::now();
        while client.status("GET", "/health/ready") != Some(200) {
            assert!(started.elapsed() < START, "the server did not become ready");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A client with the administrator's credentials.
    pub(crate) fn client(&self) -> Client {
        let client = Client::new(self.address, &format!("admin:{SECRET}"));
        if self.is_https {
            client.trusting(&self.data.join("development-certificate.pem"))
        } else {
            client
        }
    }

    /// Ends the server as a power failure would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the server to stop, and gives its exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        self.child.wait().unwrap().code()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

/// The address that a server says it listens on, and whether it speaks HTTPS there.
fn announced(stdout: ChildStdout) -> (SocketAddr, bool) {
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let told = lines.find_map(|line| {
        let clear = line.split_once(" http://");
        let (_, rest) = clear.or_else(|| line.split_once(" https://"))?;
        Some((rest.to_owned(), clear.is_none()))
    });
    let (rest, is_https) = told.expect("the server did not start");
    let end = rest.find(|c: char| c != '.' && c != ':' && !c.is_ascii_digit());
    let address = rest[..end.unwrap_or(rest.len())].parse().unwrap();
    (address, is_https)
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer: status, headers, body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: ureq::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The value of a header field.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Asserts a SCIM error body of that status, and gives its `detail`.
    pub(crate) fn refusal(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text);
        let body = self.body();
        assert_eq!(
            body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error",
            "{body}"
        );
        assert_eq!(body["status"], status.to_string(), "{body}");
        body["detail"].as_str().unwrap().to_owned()
    }
}

/// Speaks HTTP with Basic credentials. Cheap to clone; connections are kept.
#[derive(Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    base: String,
    authorization: Arc<str>,
    host: Option<String>,
    patient: bool,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, credentials: &str) -> Self {
        use base64::Engine;
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_mins(1)))
            .build()
            .new_agent();
        let encoded = base64::prelude::BASE64_STANDARD.encode(credentials);
        Self {
            agent,
            base: format!("http://{address}"),
            authorization: format!("Basic {encoded}").into(),
            host: None,
            patient: false,
        }
    }

    /// One that speaks HTTPS with the server that shows the certificate.
    pub(crate) fn trusting(self, certificate: &Path) -> Self {
        let pem = std::fs::read(certificate).unwrap();
        let certificate = ureq::tls::Certificate::from_pem(&pem).unwrap();
        let tls = ureq::tls::TlsConfig::builder()
            .root_certs(ureq::tls::RootCerts::new_with_certs(&[certificate]))
            .build();
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(1)))
            .tls_config(tls)
            .build();
        Self {
            agent: config.new_agent(),
            base: self.base.replace("http://", "https://"),
            ..self
        }
    }

    /// One that asks again when the server has too much to do.
    pub(crate) fn patient(self) -> Self {
        Self {
            patient: true,
            ..self
        }
    }

    pub(crate) fn with_authorization(&self, value: &str) -> Self {
        Self {
            authorization: value.into(),
            ..self.clone()
        }
    }

    pub(crate) fn with_host(&self, host: &str) -> Self {
        Self {
            host: Some(host.into()),
            ..self.clone()
        }
    }

    /// Sends a request; `None` when the connection broke.
    pub(crate) fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Option<Answer> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if !self.authorization.is_empty() {
            request = request.header("Authorization", &*self.authorization);
        }
        if let Some(host) = &self.host {
            request = request.header("Host", host);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = match body {
            Some(body) => self.agent.run(request.body(body).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut answer = answer.ok()?;
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let text = answer
            .body_mut()
            .with_config()
            .limit(1 << 30)
            .read_to_string()
            .ok()?;
        Some(Answer {
            status,
            headers,
            text,
        })
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.send_with(method, path, &[], body)
    }

    pub(crate) fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let bytes = body.map(|body| body.to_string().into_bytes());
        let json = [("Content-Type", "application/scim+json")];
        let typed: Vec<_> = headers
            .iter()
            .chain(bytes.iter().flat_map(|_| &json))
            .copied()
            .collect();
        loop {
            let answer = self.try_send(method, path, &typed, bytes.as_deref());
            let answer = answer.unwrap_or_else(|| panic!("{method} {path}: no answer"));
            if answer.status != 503 || !self.patient {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn status(&self, method: &str, path: &str) -> Option<u16> {
        self.try_send(method, path, &[], None)
            .map(|answer| answer.status)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", &format!("/scim/v2{path}"), None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", &format!("/scim/v2{path}"), Some(body))
    }

    pub(crate) fn patch(&self, path: &str, operations: &Value) -> Answer {
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        self.send("PATCH", &format!("/scim/v2{path}"), Some(&body))
    }

    /// Creates a user and gives its id.
    pub(crate) fn user(&self, name: &str) -> String {
        let answer = self.post("/Users", &json!({ "schemas": [USER], "userName": name }));
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.body()["id"].as_str().unwrap().to_owned()
    }

    /// Creates a group and gives its id.
    pub(crate) fn group(&self, name: &str) -> String {
        let answer = self.post(
            "/Groups",
            &json!({ "schemas": [GROUP], "displayName": name }),
        );
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.body()["id"].as_str().unwrap().to_owned()
    }

    /// The ids of a group's members.
    pub(crate) fn members(&self, group: &str) -> Vec<String> {
        let body = self.get(&format!("/Groups/{group}")).body();
        let members = body["members"].as_array().cloned().unwrap_or_default();
        members
            .iter()
            .map(|member| member["value"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Sends raw bytes and reads the status line of what comes back; `None` when the connection
/// is closed without an answer.
pub(crate) fn raw(address: SocketAddr, bytes: &[u8]) -> Option<String> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    // The server may answer and close before it has read all.
    let _ = stream.write_all(bytes);
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).ok()?;
    (!line.is_empty()).then_some(line)
}
