//! No change is lost on its way to a receiver, whoever is killed: the server, a receiver that
//! polls, a receiver that is pushed to. Receivers are processes: this program, told by its
//! environment to be one.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::server::{Client, PATCH, SECRET, Server, USER, run};

/// Tells a receiver what to do: `poll PATH-OF-STREAM` or `push PORT`.
const ROLE: &str = "CIVITAS_TEST_RECEIVER";
/// The folder with the receiver's journal and the server's address.
const FOLDER: &str = "CIVITAS_TEST_FOLDER";

const WRITERS: usize = 4;

/// How long a receiver may take to get everything after the last kill.
const CATCH_UP: Duration = Duration::from_mins(2);

/// Kills of the short form; `CIVITAS_KILLS` sets the number of a long run.
fn kills() -> usize {
    let asked = env::var("CIVITAS_KILLS").ok();
    asked.and_then(|it| it.parse().ok()).unwrap_or(6)
}

/// What a receiver keeps of a token: the number of the event, and the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Taken {
    number: i64,
    resource: String,
}

/// What a receiver has. It answers for nothing that is not in here.
struct Journal(fs::File);

impl Journal {
    fn path(folder: &Path, role: &str) -> PathBuf {
        folder.join(format!("journal-{}", role.split(' ').next().unwrap()))
    }

    /// Opens it without the line that a kill cut off.
    fn open(path: &Path) -> Self {
        let text = fs::read(path).unwrap_or_default();
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let mut options = fs::OpenOptions::new();
        let file = options.create(true).append(true).open(path).unwrap();
        file.set_len(whole as u64).unwrap();
        Self(file)
    }

    /// Keeps tokens on disk.
    fn keep<'t>(&mut self, tokens: impl Iterator<Item = &'t str>) {
        let mut lines = String::new();
        for token in tokens {
            let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap());
            let claims: Value = serde_json::from_slice(&claims.unwrap()).unwrap();
            let jti = claims["jti"].as_str().unwrap();
            let number = jti.rsplit('.').next().unwrap();
            // Others are about the stream.
            if let Some(uri) = claims["sub_id"]["uri"].as_str() {
                lines.extend([number, " ", uri, "\n"]);
            }
        }
        self.0.write_all(lines.as_bytes()).unwrap();
        self.0.sync_data().unwrap();
    }

    fn read(path: &Path) -> Vec<Taken> {
        let text = fs::read_to_string(path).unwrap_or_default();
        let whole = &text[..text.rfind('\n').map_or(0, |at| at + 1)];
        let taken = whole.lines().map(|line| {
            let (number, resource) = line.split_once(' ').unwrap();
            Taken {
                number: number.parse().unwrap(),
                resource: resource.to_owned(),
            }
        });
        taken.collect()
    }
}

/// Without a role this checks the journal; with one it is a receiver, until it is killed.
#[test]
fn a_receiver_keeps_what_it_answers_for() {
    if let (Ok(role), Ok(folder)) = (env::var(ROLE), env::var(FOLDER)) {
        let folder = PathBuf::from(folder);
        let journal = Journal::open(&Journal::path(&folder, &role));
        match role.split_once(' ') {
            Some(("poll", stream)) => poll(&folder, stream, journal),
            Some(("push", port)) => take_pushes(port.parse().unwrap(), journal),
            _ => panic!("{role}"),
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let claims = |n: i64| {
        let claims = json!({ "jti": format!("s.0.{n}"), "sub_id": { "uri": "/Users/7" } });
        format!("x.{}.x", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
    };
    Journal::open(&path).keep([claims(1), claims(2)].iter().map(String::as_str));
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"3 /Users").unwrap();
    Journal::open(&path).keep([claims(4)].iter().map(String::as_str));
    let numbers: Vec<i64> = Journal::read(&path).iter().map(|it| it.number).collect();
    assert_eq!(numbers, [1, 2, 4]);
}

/// Polls wherever the server is.
fn poll(folder: &Path, stream: &str, mut journal: Journal) -> ! {
    let mut kept: Vec<String> = Vec::new();
    loop {
        let address = fs::read_to_string(folder.join("address")).unwrap_or_default();
        let Ok(address) = address.parse() else {
            thread::sleep(Duration::from_millis(5));
            continue;
        };
        let client = Client::new(address, &format!("admin:{SECRET}"));
        let request = json!({ "maxEvents": 50, "ack": kept }).to_string();
        let json = [("Content-Type", "application/json")];
        let answer = client.try_send("POST", stream, &json, Some(request.as_bytes()));
        match answer.filter(|it| it.status == 200) {
            Some(answer) => {
                let body = answer.body();
                let sets = body["sets"].as_object().unwrap();
                journal.keep(sets.values().map(|token| token.as_str().unwrap()));
                kept = sets.keys().cloned().collect();
            }
            None => thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Takes what is pushed.
fn take_pushes(port: u16, mut journal: Journal) -> ! {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    loop {
        let (stream, _) = listener.accept().unwrap();
        // A sender that is killed leaves its connection.
        let _ = take_from(stream, &mut journal);
    }
}

fn take_from(stream: TcpStream, journal: &mut Journal) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut token = vec![0; length];
    reader.read_exact(&mut token)?;
    journal.keep(std::iter::once(std::str::from_utf8(&token).unwrap()));
    let answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    reader.get_mut().write_all(answer)
}

/// A receiver as a process. Killed when dropped.
pub(crate) struct Receiver {
    child: Child,
    role: String,
    folder: PathBuf,
}

impl Receiver {
    pub(crate) fn start(folder: &Path, role: String) -> Self {
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "feed::a_receiver_keeps_what_it_answers_for"])
            .env(ROLE, &role)
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            role,
            folder: folder.to_owned(),
        }
    }

    fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        *self = Self::start(&self.folder, self.role.clone());
    }

    /// How many tokens it has taken, those that came again among them.
    pub(crate) fn count(&self) -> usize {
        self.taken().len()
    }

    fn taken(&self) -> Vec<Taken> {
        Journal::read(&Journal::path(&self.folder, &self.role))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn create_stream(client: &Client, delivery: &Value) -> String {
    let asked = json!({ "client_id": "admin", "delivery": delivery });
    let json = [("Content-Type", "application/json")];
    let body = asked.to_string();
    let created = client.try_send("POST", "/civitas/v1/streams", &json, Some(body.as_bytes()));
    let created = created.unwrap();
    assert_eq!(created.status, 201, "{}", created.text);
    let id = created.body()["stream_id"].as_str().unwrap().to_owned();
    format!("/civitas/v1/streams/{id}")
}

/// A free port, and the delivery to it.
pub(crate) fn to_push() -> (u16, Value) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}/events");
    let delivery = json!({ "method": "urn:ietf:rfc:8935", "endpoint_url": endpoint });
    (port, delivery)
}

fn announce(folder: &Path, server: &Server) {
    let next = folder.join("address.next");
    fs::write(&next, server.address.to_string()).unwrap();
    fs::rename(next, folder.join("address")).unwrap();
}

/// Versions that were acknowledged, by resource.
pub(crate) type Book = Mutex<HashMap<String, BTreeSet<i64>>>;

#[test]
fn every_change_reaches_its_receivers_in_order_through_kills() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut server = Server::start_in(folder);
    announce(folder, &server);
    let client = server.client();
    let group = client.group("staff");
    let polled = create_stream(&client, &json!({ "method": "urn:ietf:rfc:8936" }));
    let (port, push) = to_push();
    let pushed = create_stream(&client, &push);
    let mut receivers = [
        Receiver::start(folder, format!("poll {polled}/events")),
        Receiver::start(folder, format!("push {port}")),
    ];
    let book = Book::default();
    for round in 0..kills() {
        let stop = AtomicBool::new(false);
        let client = server.client();
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (client, book, stop, group) = (&client, &book, &stop, &group);
                scope.spawn(move || {
                    for n in 0.. {
                        let name = format!("{round}-{writer}-{n}");
                        let stopped = stop.load(Ordering::Relaxed);
                        if stopped || write(client, book, group, &name).is_none() {
                            return;
                        }
                    }
                });
            }
            thread::sleep(Duration::from_millis(20 + (round as u64 * 53) % 170));
            // One after the other, and now and then two at once.
            match round % 5 {
                0 | 3 => server.kill(),
                1 => receivers[0].kill_and_restart(),
                2 => receivers[1].kill_and_restart(),
                _ => {
                    server.kill();
                    receivers[round / 5 % 2].kill_and_restart();
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
        if !server.is_running() {
            server = Server::start_in(folder);
            announce(folder, &server);
        }
    }
    let client = server.client();
    for (receiver, stream) in receivers.iter().zip([&polled, &pushed]) {
        let shown = caught_up(&client, stream);
        check(receiver, &book.lock().unwrap(), &shown);
    }
    drop(receivers);
    server.kill();
    let verified = run(&["verify", "--data", server.data.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success(), "{said}");
}

/// The stream once everything that happened is acknowledged.
pub(crate) fn caught_up(client: &Client, stream: &str) -> Value {
    let started = Instant::now();
    loop {
        let shown = client.send("GET", stream, None).body();
        if shown["acknowledged"] == shown["last"] {
            return shown;
        }
        assert!(started.elapsed() < CATCH_UP, "{shown}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Creates a user, adds it to the group, changes it, and now and then deletes it. Asks again
/// when there is too much to do. `None` when a connection broke.
pub(crate) fn write(client: &Client, book: &Book, group: &str, name: &str) -> Option<()> {
    let json = [("Content-Type", "application/scim+json")];
    let send = |method: &str, path: &str, body: &Value| {
        let body = body.to_string();
        loop {
            let answer = client.try_send(method, path, &json, Some(body.as_bytes()))?;
            if answer.status != 503 {
                assert!(answer.status < 300, "{}", answer.text);
                return Some(answer);
            }
            thread::sleep(Duration::from_millis(20));
        }
    };
    let note = |resource: &Value, path: &str| {
        let version = resource["meta"]["version"].as_str().unwrap();
        let version = version.trim_matches(|it: char| !it.is_ascii_digit());
        let mut book = book.lock().unwrap();
        let versions = book.entry(path.to_owned()).or_default();
        versions.insert(version.parse().unwrap());
    };
    let user = json!({ "schemas": [USER], "userName": name });
    let user = send("POST", "/scim/v2/Users", &user)?.body();
    let id = user["id"].as_str().unwrap();
    let path = format!("/Users/{id}");
    note(&user, &path);
    let add = |path: &str, value: Value| {
        let operation = json!({ "op": "add", "value": value });
        let body = json!({ "schemas": [PATCH], "Operations": [operation] });
        send("PATCH", &format!("/scim/v2{path}"), &body)
    };
    add(
        &format!("/Groups/{group}"),
        json!({ "members": [{ "value": id }] }),
    )?;
    for title in ["a", "b"] {
        let changed = add(&path, json!({ "title": title, "active": title == "b" }))?;
        note(&changed.body(), &path);
    }
    if name.ends_with('3') {
        let deleted = client.try_send("DELETE", &format!("/scim/v2{path}"), &[], None)?;
        assert_eq!(deleted.status, 204, "{}", deleted.text);
    }
    Some(())
}

/// Every event arrived, among them every change that was acknowledged to its writer, and those
/// of a resource came for the first time in their order.
pub(crate) fn check(receiver: &Receiver, book: &HashMap<String, BTreeSet<i64>>, stream: &Value) {
    let role = &receiver.role;
    let taken = receiver.taken();
    let mut arrived: BTreeMap<i64, &str> = BTreeMap::new();
    let mut newest: HashMap<&str, i64> = HashMap::new();
    for Taken { number, resource } in &taken {
        if arrived.insert(*number, resource).is_some() {
            continue;
        }
        let before = newest.insert(resource, *number).unwrap_or(0);
        assert!(
            before < *number,
            "{role}: {resource} had {before} before {number}"
        );
    }
    // The group was created before the stream.
    let last = stream["last"].as_i64().unwrap();
    let missing: Vec<i64> = (2..=last).filter(|it| !arrived.contains_key(it)).collect();
    assert!(
        missing.is_empty(),
        "{role}: {missing:?} of {last} are missing"
    );
    assert_eq!(arrived.len() as i64, last - 1, "{role}");
    for (resource, versions) in book {
        for version in versions {
            assert_eq!(
                arrived.get(version),
                Some(&resource.as_str()),
                "{role}: {version}"
            );
        }
    }
    assert!(!book.is_empty(), "the writers wrote something");
    let group = arrived
        .values()
        .filter(|it| it.starts_with("/Groups/"))
        .count();
    assert!(group > 0 && stream["rejected"] == 0, "{role}: {stream}");
}
