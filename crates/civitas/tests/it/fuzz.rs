//! Requests of the judge's cases and others, spoilt at random, against a running server: every answer has its family's body and a status
//! of the parity page, none is 500, and none fails to come. The long form:
//! `CIVITAS_FUZZ_REQUESTS=100000 CIVITAS_FUZZ_SEED=1 cargo test -p civitas --test it fuzz::`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::{Read, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use civitas_conformance::{Credential, Select, Target, run};
use civitas_http::{outcomes::Dialect, parity::template};
use serde_json::Value;

use crate::{
    recorder::{Recorded, Recorder},
    server::{SECRET, Server},
};

/// Longer than any request may take; beyond it the server hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// Requests of the short form.
const SHORT: u64 = 2_000;

/// Bytes of the longest body that is recorded.
const LONGEST: usize = 16 * 1024;

/// What may follow one another on a connection.
const REQUESTS_PER_CONNECTION: u64 = 50;

const METHODS: [&str; 12] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get", "QUERY",
    "SEARCH",
];

const SEGMENTS: [&str; 16] = [
    "Users",
    "Groups",
    ".search",
    "Bulk",
    "Me",
    "Schemas",
    "ResourceTypes",
    "ServiceProviderConfig",
    "v1",
    "v2",
    "%ff",
    "%2e%2e",
    "",
    "x",
    "users",
    "urn:ietf:params:scim:schemas:core:2.0:User",
];

const QUERIES: [&str; 14] = [
    "filter=userName%20eq%20%22a%22",
    "filter=",
    "filter=((((",
    "filter=a%20eq%20",
    "count=-1",
    "count=x",
    "startIndex=99999999999999999999",
    "attributes=userName,nope,,",
    "excludedAttributes=meta",
    "sortBy=name.familyName&sortOrder=sideways",
    "cursor=x",
    "cursor",
    "filter=emails%5Btype%20eq%20%22w%22%5D%20pr",
    "%zz=%ff",
];

const HEADERS: [(&str, &str); 16] = [
    ("Accept", "text/html"),
    ("Accept", "application/json;q=0.1, */*"),
    ("Accept", ";;;"),
    ("If-Match", "*"),
    ("If-Match", "W/\"1\""),
    ("If-None-Match", "\"open"),
    ("If-Modified-Since", "yesterday"),
    ("Content-Type", "text/plain"),
    ("Content-Type", ""),
    ("Content-Encoding", "gzip"),
    ("Content-Encoding", "br"),
    ("Prefer", "return=minimal, x=\"y"),
    ("Prefer", "handling=strict"),
    ("X-Request-Id", "{{{}}}"),
    ("Accept-Encoding", "gzip;q=2"),
    ("Authorization", "Bearer abc"),
];

const SCRAPS: [&str; 14] = [
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "1e999",
    "-0",
    "\"\\ud800\"",
    "{\"value\":1}",
    "[[[[]]]]",
    "\"password\"",
    "\"members[value eq \\\"1\\\"]\"",
    "99999999999999999999",
    "\"2026-02-30T00:00:00Z\"",
];

/// A number generator of one word (SplitMix64): the same requests for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, chance: usize) -> bool {
        self.below(chance) == 0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// A request before it becomes bytes.
#[derive(Clone)]
struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What the judge sends in the cases selected, each request once.
fn of_the_judge(server: &Server, cases: &Select) -> Vec<Request> {
    let recorder = Recorder::before(server.address);
    let target = Target {
        base: format!("http://{}/scim/v2", recorder.address),
        credential: Credential::Basic("admin".into(), SECRET.into()),
        accounts: Vec::new(),
        patience: Duration::ZERO,
        examines: None,
        polls: None,
    };
    let report = run(&target, cases);
    assert_eq!(report.failed(), 0, "{report}");
    let mut known = BTreeSet::new();
    let sent = recorder.requests().into_iter();
    let requests = sent.filter(|it| it.body.len() <= LONGEST).map(Request::of);
    let requests: Vec<Request> = requests
        .filter(|it| {
            known.insert((
                it.method.clone(),
                it.path.clone(),
                it.query.clone(),
                it.body.clone(),
            ))
        })
        .collect();
    assert!(requests.len() > 100, "{} were recorded", requests.len());
    requests
}

/// Requests to what is of this server alone.
fn of_the_server(user: &str) -> Vec<Request> {
    let delta = r#"{"schemas":["urn:civitas:params:scim:api:messages:1.0:DeltaRequest"],
        "deltaToken":"x","count":3,"attributes":["userName"]}"#;
    let bulk = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"failOnErrors":1,
        "Operations":[{"method":"POST","path":"/Users","bulkId":"q","data":{"userName":"b"}},
        {"method":"DELETE","path":"/Users/none"}]}"#;
    let exchange = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={user}\
         &subject_token_type=urn:ietf:params:scim:schemas:core:2.0:User:id"
    );
    let rule =
        r#"{"match":{"path":"/scim/v2/None/*","method":"GET","to":2},"answer":"429; delay=1"}"#;
    let (scim, form, json) = (
        "application/scim+json",
        "application/x-www-form-urlencoded",
        "application/json",
    );
    [
        ("GET", "/scim/v2/openapi.json", "", ""),
        ("GET", "/scim/v2/.deltaToken", "", ""),
        ("GET", "/scim/v2/Users/.deltaToken", "", ""),
        ("POST", "/scim/v2/.delta", scim, delta),
        ("POST", "/scim/v2/Users/.delta", scim, delta),
        ("POST", "/scim/v2/Bulk", scim, bulk),
        (
            "POST",
            "/oauth2/v1/token",
            form,
            "grant_type=client_credentials",
        ),
        ("POST", "/oauth2/v1/token", form, exchange.as_str()),
        ("GET", "/docs/scim", "", ""),
        ("GET", "/civitas/v1/jobs/none", "", ""),
        ("GET", "/civitas/v1/settings", "", ""),
        (
            "PATCH",
            "/civitas/v1/settings",
            json,
            r#"{"fidelity":"observed"}"#,
        ),
        ("GET", "/civitas/v1/clock", "", ""),
        (
            "PUT",
            "/civitas/v1/clock",
            json,
            r#"{"advance_ms":5,"frozen":false,"seed":null}"#,
        ),
        ("PUT", "/civitas/v1/snapshots/one", "", ""),
        ("GET", "/civitas/v1/snapshots", "", ""),
        ("POST", "/civitas/v1/reset", json, r#"{"snapshot":"one"}"#),
        ("POST", "/civitas/v1/rehearsals", json, rule),
        ("GET", "/civitas/v1/rehearsals", "", ""),
        ("GET", "/civitas/v1/ledger", "", ""),
        ("GET", "/civitas/v1/ledger/count", "", ""),
        ("GET", "/civitas/v1/ledger/har", "", ""),
        ("GET", "/health/ready", "", ""),
        ("GET", "/metrics", "", ""),
    ]
    .map(|(method, path, kind, body)| Request {
        method: method.into(),
        path: path.into(),
        query: String::new(),
        headers: vec![("Content-Type".into(), kind.into())],
        body: body.into(),
    })
    .into()
}

impl Request {
    /// A recorded request, but for what the client's connection and credentials say.
    fn of(recorded: Recorded) -> Self {
        const KEPT: [&str; 5] = [
            "content-type",
            "accept",
            "prefer",
            "if-match",
            "if-none-match",
        ];
        let (path, query) = recorded
            .target
            .split_once('?')
            .unwrap_or((&recorded.target, ""));
        let headers = recorded.headers.into_iter();
        Self {
            method: recorded.method,
            path: path.into(),
            query: query.into(),
            headers: headers
                .filter(|(name, _)| KEPT.contains(&&**name))
                .collect(),
            body: recorded.body,
        }
    }

    /// The same about a resource that is there, where it is about one.
    fn on(&mut self, user: &str, group: &str) {
        for (endpoint, id) in [("/scim/v2/Users/", user), ("/scim/v2/Groups/", group)] {
            if self.path.starts_with(endpoint) && !self.path.contains("/.") {
                self.path = format!("{endpoint}{id}");
            }
        }
    }
}

impl Request {
    fn spoil(&mut self, random: &mut Random) {
        match random.below(8) {
            0 => random.of(&METHODS).clone_into(&mut self.method),
            1 => self.spoil_path(random),
            2 => self.query = format!("{}&{}", self.query, random.of(&QUERIES)),
            3 => random.of(&QUERIES).clone_into(&mut self.query),
            4 => {
                let (name, value) = random.of(&HEADERS);
                self.headers.push((name.into(), value.into()));
            }
            5 => self.spoil_bytes(random),
            6 => self.spoil_values(random),
            _ => {
                let end = random.below(self.body.len() + 1);
                self.body.truncate(end);
            }
        }
    }

    fn spoil_path(&mut self, random: &mut Random) {
        let mut segments: Vec<String> = self.path.split('/').map(str::to_owned).collect();
        let at = 1 + random.below(segments.len() - 1);
        match random.below(3) {
            0 => random.of(&SEGMENTS).clone_into(&mut segments[at]),
            1 => segments.insert(at, random.of(&SEGMENTS).to_owned()),
            _ => drop(segments.remove(at)),
        }
        self.path = segments.join("/");
        if !self.path.starts_with('/') {
            self.path.insert(0, '/');
        }
    }

    fn spoil_bytes(&mut self, random: &mut Random) {
        for _ in 0..=random.below(3) {
            if !self.body.is_empty() {
                let at = random.below(self.body.len());
                self.body[at] = random.next() as u8;
            }
        }
    }

    /// Replaces what stands between two signs of JSON.
    fn spoil_values(&mut self, random: &mut Random) {
        let text = String::from_utf8_lossy(&self.body).into_owned();
        let places: Vec<usize> = text.match_indices(':').map(|(at, _)| at + 1).collect();
        if places.is_empty() {
            return;
        }
        let start = random.of(&places);
        let end = text[start..]
            .find([',', '}', ']'])
            .map_or(text.len(), |it| it + start);
        self.body = [&text[..start], random.of(&SCRAPS), &text[end..]]
            .concat()
            .into();
    }

    fn bytes(&self, authorization: Option<&str>) -> Vec<u8> {
        let query = if self.query.is_empty() { "" } else { "?" };
        let mut head = format!(
            "{} {}{query}{} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n",
            self.method,
            self.path,
            self.query,
            self.body.len()
        );
        if let Some(value) = authorization {
            let _ = write!(head, "Authorization: Basic {value}\r\n");
        }
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        [(head + "\r\n").as_bytes(), &self.body].concat()
    }
}

/// An answer as read.
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// A connection that is opened again when the server closes it.
struct Line {
    address: SocketAddr,
    stream: Option<TcpStream>,
    left: u64,
}

impl Line {
    /// The answer to a request; a connection that went while idle is opened anew, once.
    fn ask(&mut self, bytes: &[u8], head: bool) -> Answer {
        for _ in 0..2 {
            let fresh = self.stream.is_none() || self.left == 0;
            if fresh {
                let stream = TcpStream::connect(self.address).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                self.stream = Some(stream);
                self.left = REQUESTS_PER_CONNECTION;
            }
            self.left -= 1;
            let stream = self.stream.as_mut().unwrap();
            // The server may refuse before it has read all.
            let sent = stream.write_all(bytes);
            match read(stream, head) {
                Ok(answer) => {
                    if answer
                        .headers
                        .get("connection")
                        .is_some_and(|it| it == "close")
                    {
                        self.stream = None;
                    }
                    return answer;
                }
                Err(error) => {
                    let shown = String::from_utf8_lossy(bytes);
                    assert!(!fresh, "no answer: {error} {sent:?}\n{shown}");
                    self.stream = None;
                }
            }
        }
        unreachable!("the second attempt answers or fails")
    }
}

fn read(stream: &mut TcpStream, head: bool) -> std::io::Result<Answer> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        more(stream, &mut bytes)?;
    };
    let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = text.lines();
    let status = lines.next().unwrap_or_default();
    let status = status
        .split(' ')
        .nth(1)
        .and_then(|it| it.parse().ok())
        .unwrap_or(0);
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|it| it.parse().ok());
    let length: usize = if head { 0 } else { length.unwrap_or(0) };
    while bytes.len() < end + 4 + length {
        more(stream, &mut bytes)?;
    }
    Ok(Answer {
        status,
        headers,
        body: bytes[end + 4..].to_vec(),
    })
}

fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    let mut part = [0; 16 * 1024];
    match stream.read(&mut part)? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        length => {
            bytes.extend_from_slice(&part[..length]);
            Ok(())
        }
    }
}

/// The statuses that the parity page calls real.
fn statuses_of_the_page() -> BTreeSet<u16> {
    let page = std::fs::read_to_string(crate::parity::file(Dialect::Scim)).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
    let real = rows.filter_map(|row| row.split_once(" | real | "));
    real.filter_map(|(status, _)| status.parse().ok()).collect()
}

/// What is wrong with an answer.
fn fault(request: &Request, answer: &Answer, real: &BTreeSet<u16>) -> Option<String> {
    let status = answer.status;
    if status == 500 || !real.contains(&status) {
        return Some(format!("the status {status}"));
    }
    if status < 400 || request.method == "HEAD" {
        return None;
    }
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
        return Some("no JSON in a refusal".into());
    };
    let kind = answer
        .headers
        .get("content-type")
        .map_or("", String::as_str);
    let told = match request.path.split('/').nth(1) {
        Some("scim") => {
            let told = body["status"].as_str().and_then(|it| it.parse().ok());
            told == Some(status) && kind.ends_with("json")
        }
        Some("oauth2") => body["error"].is_string(),
        _ => body["status"] == status && kind == "application/problem+json",
    };
    (!told).then(|| format!("{status} without its family's body: {kind} {body}"))
}

fn number(name: &str, standard: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(standard, |text| text.parse().unwrap())
}

#[test]
fn random_requests_are_answered_in_words() {
    let (requests, seed) = (
        number("CIVITAS_FUZZ_REQUESTS", SHORT),
        number("CIVITAS_FUZZ_SEED", 1),
    );
    let mut server = Server::start();
    let client = server.client();
    // The long form knows every case.
    let prefixes = [
        "S-7644-3.3",
        "S-7644-3.4.3",
        "S-7644-3.5.1",
        "S-7644-3.5.2",
        "S-7644-3.7",
    ];
    let short = requests == SHORT;
    let cases = Select {
        prefixes: prefixes
            .iter()
            .filter(|_| short)
            .map(ToString::to_string)
            .collect(),
    };
    let (user, group) = (client.user("ann"), client.group("all"));
    let (judged, own) = (of_the_judge(&server, &cases), of_the_server(&user));
    let admin = BASE64_STANDARD.encode(format!("admin:{SECRET}"));
    let mut line = Line {
        address: server.address,
        stream: None,
        left: 0,
    };
    let mut random = Random(seed);
    let mut statuses = BTreeMap::<u16, u64>::new();
    let (mut known, real) = (0, statuses_of_the_page());
    for number in 0..requests {
        let corpus = if random.one_in(8) { &own } else { &judged };
        let mut request = corpus[random.below(corpus.len())].clone();
        if random.one_in(2) && request.method != "DELETE" {
            request.on(&user, &group);
        }
        for _ in 0..random.below(4) {
            request.spoil(&mut random);
        }
        let authorization = (!random.one_in(20)).then_some(admin.as_str());
        let bytes = request.bytes(authorization);
        let answer = line.ask(&bytes, request.method == "HEAD");
        *statuses.entry(answer.status).or_default() += 1;
        known += u64::from(template(Dialect::Scim, &request.path).is_some());
        if let Some(fault) = fault(&request, &answer, &real) {
            let shown = String::from_utf8_lossy(&bytes);
            panic!("request {number} of seed {seed}: {fault}\n{shown}");
        }
    }
    println!("{requests} requests of seed {seed}, {known} to SCIM routes: {statuses:?}");
    assert!(statuses.len() >= 8, "too little was met: {statuses:?}");
    assert!(server.is_running());
    assert_eq!(client.status("GET", "/health/ready"), Some(200));
}
