//! The configuration file: as written ([`Raw`]), and as meant ([`Config`]). Nothing starts
//! before all of it has been checked.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use civitas_directory::{Limits, settings::is_origin};
use civitas_http::{Http2, Tls};
use civitas_store::Options;
use serde::Deserialize;

use crate::{
    certificate, console,
    failure::Failure,
    mail::{self, Smtp},
    source::{Location, shown},
};

/// Settings by which development mode is told; production refuses to start with them.
const DEVELOPMENT_VARIABLES: [&str; 2] = ["CIVITAS_ADMIN_CLIENT_ID", "CIVITAS_ADMIN_CLIENT_SECRET"];

/// A checked configuration.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) public_base_url: Option<String>,
    pub(crate) standby_of: Option<String>,
    pub(crate) tls: Option<Tls>,
    pub(crate) location: Location,
    pub(crate) limits: Limits,
    pub(crate) store: Options,
    pub(crate) http: Http,
    pub(crate) log: Log,
    /// What takes mails; without it none are written.
    pub(crate) mail: Option<Smtp>,
}

/// Limits of the HTTP surface.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Http {
    pub(crate) max_body_bytes: usize,
    pub(crate) max_bulk_bytes: usize,
    pub(crate) max_import_bytes: usize,
    pub(crate) max_connections: usize,
    pub(crate) max_concurrent_requests: usize,
    pub(crate) request_timeout: Duration,
    pub(crate) header_timeout: Duration,
    pub(crate) http2: Http2,
    /// Requests of each tenant that the ledger keeps; 0 for no ledger.
    pub(crate) ledger_requests: usize,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            ledger_requests: 0,
            max_body_bytes: 1_048_576,
            max_bulk_bytes: 1_048_576,
            max_import_bytes: 1_073_741_824,
            max_connections: 10_000,
            max_concurrent_requests: 512,
            request_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            http2: Http2::default(),
        }
    }
}

/// How to log.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) level: String,
    pub(crate) json: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    server: RawServer,
    tls: Option<RawTls>,
    store: RawStore,
    limits: RawLimits,
    log: RawLog,
    mail: Option<mail::Raw>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawServer {
    listen: Option<String>,
    public_base_url: Option<String>,
    standby_of: Option<String>,
    max_connections: Option<usize>,
    max_concurrent_requests: Option<usize>,
    request_timeout_ms: Option<u64>,
    header_timeout_ms: Option<u64>,
    http2: Option<String>,
    ledger_requests: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTls {
    certificate: PathBuf,
    key: PathBuf,
    client_authorities: Option<PathBuf>,
}

impl RawTls {
    /// The certificate, from files whose paths start at a folder. An error is key, file and what
    /// is wrong.
    fn read(&self, folder: &Path) -> Result<Tls, (&'static str, PathBuf, String)> {
        let authorities = self.client_authorities.as_ref().map(|it| folder.join(it));
        certificate::read(
            &folder.join(&self.certificate),
            &folder.join(&self.key),
            authorities.as_deref(),
        )
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawStore {
    url: Option<String>,
    connections: Option<usize>,
    statement_timeout_ms: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawLimits {
    max_body_bytes: Option<usize>,
    max_bulk_bytes: Option<usize>,
    max_import_bytes: Option<usize>,
    max_bulk_operations: Option<usize>,
    job_seconds: Option<u64>,
    max_results: Option<usize>,
    default_results: Option<usize>,
    max_members_returned: Option<usize>,
    max_examined: Option<usize>,
    hashing_threads: Option<usize>,
    waiting_hashes: Option<usize>,
    waiting_searches: Option<usize>,
    waiting_writes: Option<usize>,
    write_wait_ms: Option<u64>,
    write_burst: Option<usize>,
    token_seconds: Option<u64>,
    cursor_seconds: Option<u64>,
    event_days: Option<u32>,
    max_events: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawLog {
    level: Option<String>,
    format: Option<String>,
}

/// Reads and checks a configuration file.
pub(crate) fn read(path: &Path) -> Result<Config, Failure> {
    let source = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::configuration(format!("cannot read the configuration {source}: {error}"))
    })?;
    let raw: Raw = toml::from_str(&text)
        .map_err(|error| Failure::configuration(format!("{source}: {error}")))?;
    refuse_development_settings()?;
    Config::from_raw(raw, &source, &folder_of(path))
}

/// `civitas check`.
pub(crate) fn check(path: &Path) -> Result<(), Failure> {
    let config = read(path)?;
    let mail = config.mail.map(|it| format!(", sending mail by {it}"));
    console::say(&format!(
        "{}: good; would listen on {}{} over {}{}",
        path.display(),
        config.listen,
        if config.tls.is_some() { " (HTTPS)" } else { "" },
        config.location,
        mail.unwrap_or_default()
    ));
    Ok(())
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or_else(|| Path::new(".")).to_owned()
}

fn refuse_development_settings() -> Result<(), Failure> {
    match DEVELOPMENT_VARIABLES
        .into_iter()
        .find(|name| std::env::var_os(name).is_some())
    {
        None => Ok(()),
        Some(name) => Err(Failure::configuration(format!(
            "{name} is set in the environment, but it is a setting of `serve --dev`; unset it, \
             and create clients with `civitas client create`"
        ))),
    }
}

impl Config {
    fn from_raw(raw: Raw, source: &str, folder: &Path) -> Result<Self, Failure> {
        let bad = |key: &str, value: &str, why: &str| {
            Failure::configuration(format!("{source}: {key} = {value:?}: {why}"))
        };
        let listen = raw.server.listen.as_deref().unwrap_or("127.0.0.1:8080");
        let listen = listen.parse().map_err(|_| {
            bad(
                "server.listen",
                listen,
                "not an address with a port, such as 127.0.0.1:8080",
            )
        })?;
        if let Some(url) = raw
            .server
            .public_base_url
            .as_deref()
            .filter(|url| !is_base_url(url))
        {
            return Err(bad(
                "server.public_base_url",
                url,
                "not an http or https URL without user, query and fragment",
            ));
        }
        let standby_of = raw.server.standby_of.clone();
        if let Some(url) = standby_of.as_deref().filter(|url| !is_origin(url)) {
            return Err(bad(
                "server.standby_of",
                url,
                "not scheme and authority of the server that writes, such as \
                 https://id.example.com",
            ));
        }
        let tls = raw.tls.map(|tls| tls.read(folder)).transpose();
        let tls = tls.map_err(|(key, file, why)| bad(key, &file.display().to_string(), &why))?;
        let location =
            location(&raw.store, folder).map_err(|(key, value, why)| bad(key, &value, &why))?;
        let log = Log::from_raw(raw.log).map_err(|(key, value, why)| bad(key, &value, why))?;
        let mail = raw.mail.map(|mail| Smtp::new(&mail, folder)).transpose();
        let mail = mail.map_err(|(key, value, why)| bad(key, &value, &why))?;
        let limits = limits(&raw.limits);
        let store = store(&raw.limits);
        let http2 =
            http2(raw.server.http2.as_deref()).map_err(|(key, value, why)| bad(key, value, why))?;
        let http = http(&raw.server, &raw.limits, http2);
        for (key, value) in [
            ("limits.max_body_bytes", http.max_body_bytes),
            ("limits.max_bulk_bytes", http.max_bulk_bytes),
            ("limits.max_import_bytes", http.max_import_bytes),
            ("limits.max_bulk_operations", limits.max_bulk_operations),
            ("limits.job_seconds", limits.job_seconds as usize),
            ("limits.max_results", limits.max_results),
            ("limits.default_results", limits.default_results),
            ("limits.max_members_returned", limits.max_members_returned),
            ("limits.max_examined", limits.max_examined),
            ("limits.hashing_threads", limits.hashing_threads),
            ("limits.waiting_hashes", limits.waiting_hashes),
            ("limits.waiting_searches", store.waiting_searches),
            ("limits.waiting_writes", store.queue),
            ("limits.write_wait_ms", limits.write_wait_ms as usize),
            ("limits.write_burst", limits.write_burst),
            ("limits.token_seconds", limits.token_seconds as usize),
            ("limits.cursor_seconds", limits.cursor_seconds as usize),
            ("limits.event_days", limits.event_days as usize),
            ("limits.max_events", limits.max_events as usize),
            ("server.max_connections", http.max_connections),
            (
                "server.max_concurrent_requests",
                http.max_concurrent_requests,
            ),
            (
                "server.request_timeout_ms",
                http.request_timeout.as_millis() as usize,
            ),
            (
                "server.header_timeout_ms",
                http.header_timeout.as_millis() as usize,
            ),
        ] {
            if value == 0 {
                return Err(bad(key, "0", "must be at least 1"));
            }
        }
        let public_base_url = raw
            .server
            .public_base_url
            .map(|url| url.trim_end_matches('/').to_owned());
        Ok(Self {
            listen,
            public_base_url,
            standby_of,
            tls,
            location,
            limits,
            store,
            http,
            log,
            mail,
        })
    }
}

/// Who may speak HTTP/2. An error is key, value and what is wrong.
fn http2(raw: Option<&str>) -> Result<Http2, (&'static str, &str, &'static str)> {
    match raw {
        None | Some("loopback") => Ok(Http2::Loopback),
        Some("off") => Ok(Http2::Off),
        Some("everywhere") => Ok(Http2::Everywhere),
        Some(other) => Err((
            "server.http2",
            other,
            "not one of off, loopback, everywhere",
        )),
    }
}

/// Where the data is, and how a database is used: an embedded store has no connections. An error
/// is key, value and what is wrong.
fn location(raw: &RawStore, folder: &Path) -> Result<Location, (&'static str, String, String)> {
    let url = raw.url.as_deref().unwrap_or("sqlite:civitas-data");
    let location = Location::parse(url, folder);
    let mut location = location.map_err(|why| ("store.url", shown(url).to_owned(), why))?;
    let most = raw.connections.map(|it| ("store.connections", it as u64));
    let timeout = raw.statement_timeout_ms;
    let timeout = timeout.map(|it| ("store.statement_timeout_ms", it));
    let is_database = matches!(location, Location::Database(..));
    let mut given = most.iter().chain(&timeout);
    if let Some((key, value)) = given.find(|(_, value)| *value == 0 || !is_database) {
        let why = "must be at least 1, and the store a database".to_owned();
        return Err((key, value.to_string(), why));
    }
    if let Location::Database(_, connections) = &mut location {
        connections.most = raw.connections.unwrap_or(connections.most);
        if let Some((_, millis)) = timeout {
            connections.statement_timeout = Duration::from_millis(millis);
        }
    }
    Ok(location)
}

impl Log {
    fn from_raw(raw: RawLog) -> Result<Self, (&'static str, String, &'static str)> {
        let level = raw.level.unwrap_or_else(|| "info".into());
        if !["error", "warn", "info", "debug", "trace"].contains(&level.as_str()) {
            return Err((
                "log.level",
                level,
                "not one of error, warn, info, debug, trace",
            ));
        }
        match raw.format.as_deref() {
            None | Some("json") => Ok(Self { level, json: true }),
            Some("text") => Ok(Self { level, json: false }),
            Some(other) => Err(("log.format", other.to_owned(), "not one of json, text")),
        }
    }
}

fn limits(raw: &RawLimits) -> Limits {
    let standard = Limits::default();
    Limits {
        max_results: raw.max_results.unwrap_or(standard.max_results),
        default_results: raw.default_results.unwrap_or(standard.default_results),
        max_members_returned: raw
            .max_members_returned
            .unwrap_or(standard.max_members_returned),
        max_examined: raw.max_examined.unwrap_or(standard.max_examined),
        max_bulk_operations: raw
            .max_bulk_operations
            .unwrap_or(standard.max_bulk_operations),
        job_seconds: raw.job_seconds.unwrap_or(standard.job_seconds),
        hashing_threads: raw.hashing_threads.unwrap_or(standard.hashing_threads),
        waiting_hashes: raw.waiting_hashes.unwrap_or(standard.waiting_hashes),
        write_wait_ms: raw.write_wait_ms.unwrap_or(standard.write_wait_ms),
        write_burst: raw.write_burst.unwrap_or(standard.write_burst),
        token_seconds: raw.token_seconds.unwrap_or(standard.token_seconds),
        cursor_seconds: raw.cursor_seconds.unwrap_or(standard.cursor_seconds),
        event_days: raw.event_days.unwrap_or(standard.event_days),
        max_events: raw.max_events.unwrap_or(standard.max_events),
    }
}

fn store(raw: &RawLimits) -> Options {
    let standard = Options::default();
    Options {
        queue: raw.waiting_writes.unwrap_or(standard.queue),
        waiting_searches: raw.waiting_searches.unwrap_or(standard.waiting_searches),
        ..standard
    }
}

fn http(server: &RawServer, limits: &RawLimits, http2: Http2) -> Http {
    let standard = Http::default();
    let millis = |value: Option<u64>, standard| value.map_or(standard, Duration::from_millis);
    Http {
        ledger_requests: server.ledger_requests.unwrap_or(standard.ledger_requests),
        max_body_bytes: limits.max_body_bytes.unwrap_or(standard.max_body_bytes),
        max_bulk_bytes: limits.max_bulk_bytes.unwrap_or(standard.max_bulk_bytes),
        max_import_bytes: limits.max_import_bytes.unwrap_or(standard.max_import_bytes),
        max_connections: server.max_connections.unwrap_or(standard.max_connections),
        max_concurrent_requests: server
            .max_concurrent_requests
            .unwrap_or(standard.max_concurrent_requests),
        request_timeout: millis(server.request_timeout_ms, standard.request_timeout),
        header_timeout: millis(server.header_timeout_ms, standard.header_timeout),
        http2,
    }
}

fn is_base_url(url: &str) -> bool {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && rest
                .chars()
                .all(|c| c.is_ascii_graphic() && !matches!(c, '@' | '?' | '#' | '"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        let raw = toml::from_str(text).map_err(|error| error.to_string())?;
        Config::from_raw(raw, "civitas.toml", Path::new("/etc")).map_err(|it| it.to_string())
    }

    #[test]
    fn an_empty_file_means_the_defaults() {
        let config = parse("").unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.limits, Limits::default());
    }

    #[test]
    fn a_mistake_names_key_value_and_source() {
        for (text, expected) in [
            (
                "[server]\nlisten = \"8080\"",
                "civitas.toml: server.listen = \"8080\"",
            ),
            (
                "[store]\nurl = \"mysql:x\"",
                "civitas.toml: store.url = \"mysql:x\"",
            ),
            (
                "[store]\nurl = \"postgres://a:b@h/d?sslmode=require\"",
                "civitas.toml: store.url = \"postgres://…\": sslmode",
            ),
            (
                "[store]\nconnections = 4",
                "civitas.toml: store.connections = \"4\"",
            ),
            (
                "[limits]\nmax_results = 0",
                "civitas.toml: limits.max_results = \"0\"",
            ),
            (
                "[log]\nlevel = \"loud\"",
                "civitas.toml: log.level = \"loud\"",
            ),
            (
                "[server]\npublic_base_url = \"ftp://x\"",
                "server.public_base_url = \"ftp://x\"",
            ),
            (
                "[server]\nstandby_of = \"id.example.com\"",
                "server.standby_of = \"id.example.com\"",
            ),
            (
                "[server]\nhttp2 = \"always\"",
                "civitas.toml: server.http2 = \"always\"",
            ),
            (
                "[mail]\nhost = \"m\"\nfrom = \"x\"",
                "civitas.toml: mail.from = \"x\"",
            ),
            (
                "[mail]\nhost = \"a b\"\nfrom = \"a@b.example\"",
                "mail.host = \"a b\"",
            ),
            (
                "[mail]\nhost = \"m\"\nfrom = \"a@b.example\"\nsecurity = \"ssl\"",
                "mail.security = \"ssl\"",
            ),
            (
                "[mail]\nhost = \"m\"\nfrom = \"a@b.example\"\nuser = \"u\"",
                "mail.user = \"u\": has no password",
            ),
            (
                "[mail]\nhost = \"m\"\nfrom = \"a@b.example\"\nuser = \"u\"\n\
                 password_file = \"/nowhere/p\"",
                "mail.password_file = \"/nowhere/p\"",
            ),
            ("[mail]\nhost = \"m\"", "missing field `from`"),
            ("[limits]\nmax_result = 1", "unknown field `max_result`"),
            ("[limits]\nmax_results = \"many\"", "invalid type"),
        ] {
            let error = parse(text).map(|_| ()).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
