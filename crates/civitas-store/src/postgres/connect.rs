//! From a connection string to connections that are set up.

use std::{
    fmt,
    path::PathBuf,
    str::FromStr,
    task::{Context, Poll},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::{
    AsyncMessage, Client, Config, Connection, Error, NoTls,
    config::{Host, SslMode, TargetSessionAttrs},
};

use super::{error::Fault, tls::Tls};

/// How long one server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a transaction may stand still before the database ends it: what a node that was
/// stopped in the middle of one keeps locked.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(10);

/// How long a silent connection may last before its peer is asked for a sign of life.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Where the database is, and how to speak to it: a URL as libpq reads it, with several hosts
/// where there are several, `target_session_attrs`, `sslmode` and `sslrootcert`.
#[derive(Clone)]
pub struct PostgresUrl {
    config: Config,
    trusted: Option<PathBuf>,
}

impl FromStr for PostgresUrl {
    type Err = String;

    /// Reads `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE?KEY=VALUE&…`. The error
    /// says what is wrong and never shows the password.
    fn from_str(url: &str) -> Result<Self, String> {
        let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
        let (mut passed, mut trusted, mut verified) = (Vec::new(), None, false);
        let mut attributes_given = false;
        for parameter in parameters.split('&').filter(|it| !it.is_empty()) {
            match parameter.split_once('=').unwrap_or((parameter, "")) {
                ("sslrootcert", file) => trusted = Some(PathBuf::from(decoded(file)?)),
                ("sslmode", "verify-full") => verified = true,
                ("sslmode", "verify-ca" | "allow") => {
                    return Err("sslmode: one of disable, prefer, require, verify-full".into());
                }
                (key, _) => {
                    attributes_given |= key == "target_session_attrs";
                    passed.push(parameter);
                }
            }
        }
        let url = format!("{address}?{}", passed.join("&"));
        let mut config = Config::from_str(&url).map_err(|error| reason(&error))?;
        if verified {
            config.ssl_mode(SslMode::Require);
        }
        if config.get_ssl_mode() == SslMode::Require && trusted.is_none() {
            return Err(
                "sslmode: to encrypt, sslrootcert must name a file of certificates to trust".into(),
            );
        }
        if config.get_hosts().is_empty() {
            return Err("there is no host".into());
        }
        if !attributes_given {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if config.get_application_name().is_none() {
            config.application_name("civitas");
        }
        config
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_user_timeout(KEEPALIVE)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE)
            .keepalives_retries(2);
        Ok(Self { config, trusted })
    }
}

/// Percent-encoding undone.
fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let byte = after.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        let byte = byte.and_then(|it| u8::from_str_radix(it, 16).ok());
        bytes.push(byte.ok_or_else(|| format!("{text}: % without two digits"))?);
        rest = &after[2..];
    }
    String::from_utf8(bytes).map_err(|_| format!("{text}: not UTF-8"))
}

fn reason(error: &tokio_postgres::Error) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), ToString::to_string)
}

impl fmt::Display for PostgresUrl {
    /// Hosts and database; neither user nor password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        let ports = self.config.get_ports();
        for (number, host) in self.config.get_hosts().iter().enumerate() {
            if number > 0 {
                f.write_str(",")?;
            }
            match host {
                Host::Tcp(name) => f.write_str(name)?,
                Host::Unix(folder) => write!(f, "{}", folder.display())?,
            }
            if let Some(port) = ports.get(number).or(ports.first()) {
                write!(f, ":{port}")?;
            }
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for PostgresUrl {
    fn eq(&self, other: &Self) -> bool {
        self.config == other.config && self.trusted == other.trusted
    }
}

impl Eq for PostgresUrl {}

/// Makes connections.
pub(super) struct Connector {
    config: Config,
    tls: Option<Tls>,
    setup: String,
}

impl Connector {
    /// For connections on which a statement may take so long. The error says what is wrong.
    pub(super) fn new(url: &PostgresUrl, statement_timeout: Duration) -> Result<Self, String> {
        let tls = url.trusted.as_deref().map(Tls::trusting).transpose()?;
        let mut config = url.config.clone();
        if tls.is_none() {
            config.ssl_mode(SslMode::Disable);
        }
        Ok(Self {
            config,
            tls,
            setup: setup(statement_timeout),
        })
    }

    /// A new connection that is as the database makes it, to be polled.
    pub(super) async fn open(&self) -> Result<(Client, Box<dyn Messages>), Fault> {
        Ok(if let Some(tls) = &self.tls {
            let (client, connection) = self.config.connect(tls.clone()).await?;
            (client, Box::new(connection))
        } else {
            let (client, connection) = self.config.connect(NoTls).await?;
            (client, Box::new(connection))
        })
    }

    /// A new connection, set up.
    pub(super) async fn connect(&self) -> Result<Client, Fault> {
        let client = if let Some(tls) = &self.tls {
            let (client, connection) = self.config.connect(tls.clone()).await?;
            tokio::spawn(connection);
            client
        } else {
            let (client, connection) = self.config.connect(NoTls).await?;
            tokio::spawn(connection);
            client
        };
        client.batch_execute(&self.setup).await?;
        Ok(client)
    }
}

/// A connection that is polled for what the database says by itself.
pub(super) trait Messages: Send {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<AsyncMessage, Error>>>;
}

impl<S, T> Messages for Connection<S, T>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<AsyncMessage, Error>>> {
        self.poll_message(context)
    }
}

/// What holds on every connection. Statements look few rows up by an index, whatever the
/// statistics say of the moment, and are planned once. What is acknowledged is on disk, though
/// the server's default may be another.
fn setup(statement_timeout: Duration) -> String {
    let idle = IDLE_IN_TRANSACTION.as_millis();
    let statement = statement_timeout.as_millis();
    format!(
        "SET statement_timeout = {statement};
         SET lock_timeout = {statement};
         SET idle_in_transaction_session_timeout = {idle};
         SET plan_cache_mode = force_generic_plan;
         SET enable_seqscan = off;
         SET enable_hashjoin = off;
         SET enable_mergejoin = off;
         SET enable_bitmapscan = off;
         SET jit = off;
         SET client_min_messages = warning;
         SELECT set_config('synchronous_commit', 'on', false)
         WHERE current_setting('synchronous_commit') = 'off'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        PostgresUrl::from_str(url).unwrap_err()
    }

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        let url = "postgres://ann:se%40cret@db1:5433,db2/directory?sslmode=disable";
        let url = PostgresUrl::from_str(url).unwrap();
        let shown = format!("{url} {url:?}");
        assert!(shown.contains("db1:5433,db2"), "{shown}");
        assert!(!shown.contains("se"), "{shown}");
        assert!(!shown.contains("ann"), "{shown}");
    }

    #[test]
    fn primaries_are_looked_for_unless_something_else_is_asked() {
        let read = |url| PostgresUrl::from_str(url).unwrap().config;
        let attributes = |url| read(url).get_target_session_attrs();
        assert_eq!(attributes("postgres://h/d"), TargetSessionAttrs::ReadWrite);
        let any = "postgres://h/d?target_session_attrs=any";
        assert_eq!(attributes(any), TargetSessionAttrs::Any);
    }

    #[test]
    fn what_is_wrong_is_told() {
        assert!(refused("postgres://h/d?sslmode=require").contains("sslrootcert"));
        assert!(refused("postgres://h/d?sslmode=verify-ca").contains("verify-full"));
        assert!(refused("postgres://h/d?colour=red").contains("colour"));
        assert!(refused("postgres://h:port/d").contains("port"));
        assert!(!refused("postgres://ann:secret@h:port/d").contains("secret"));
    }
}
