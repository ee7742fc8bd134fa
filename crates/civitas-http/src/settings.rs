//! What the surface is told when it is composed.

use std::{net::IpAddr, time::Duration};

use civitas_directory::Timestamp;

use crate::tls::Tls;

/// Settings of the HTTP surface.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Scheme and authority of the URLs that are issued (`Location`, `meta.location`,
    /// `$ref`), such as `https://id.example.com`. `{host}` in it stands for the host name
    /// that the request named, which leads to its tenant. Without it, URLs start with
    /// the scheme that is served and the request's `Host` where that is a host name of the tenant or the
    /// loopback interface, and with the address listened on otherwise: URLs are never
    /// built from a name that nobody vouches for (RFC 9110 §10.2.2).
    pub public_base: Option<String>,
    /// The certificate to speak TLS with; in clear text without it.
    pub tls: Option<Tls>,
    /// Scheme and authority of the server that writes are sent to with 307, when this one
    /// stands by for it; `None` where this one writes.
    pub standby_of: Option<String>,
    /// What a request may cost.
    pub limits: HttpLimits,
    /// The only source of time.
    pub clock: fn() -> Timestamp,
    /// The protection space that challenges name (RFC 9110 §11.5): printable ASCII without
    /// `"` and `\`.
    pub realm: String,
    /// Whether answers can be ordered, clocks set and tenants reset. Never in production.
    pub development: bool,
    /// Requests of each tenant that the ledger keeps; 0 for no ledger. It has bodies in
    /// development alone.
    pub ledger: usize,
}

impl Settings {
    /// Default limits, URLs from the request's host, the realm `civitas`.
    pub fn new(clock: fn() -> Timestamp) -> Self {
        Self {
            public_base: None,
            tls: None,
            standby_of: None,
            limits: HttpLimits::default(),
            clock,
            realm: "civitas".into(),
            development: false,
            ledger: 0,
        }
    }

    /// What the URLs that lead here begin with.
    pub(crate) fn scheme(&self) -> &'static str {
        match self.tls {
            Some(_) => "https",
            None => "http",
        }
    }
}

/// Who may speak HTTP/2. In clear text it is understood by prior knowledge; through TLS it is
/// agreed on (ALPN), from everywhere unless it is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Http2 {
    /// Nobody.
    Off,
    /// In clear text programs on this machine, such as a proxy beside the server.
    #[default]
    Loopback,
    /// Everybody.
    Everywhere,
}

impl Http2 {
    /// Whether it is understood in clear text from an address.
    pub(crate) fn includes(self, peer: IpAddr) -> bool {
        match self {
            Self::Off => false,
            Self::Loopback => peer.to_canonical().is_loopback(),
            Self::Everywhere => true,
        }
    }
}

/// Bounds on what one connection, one request and all of them together may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// Largest request body in bytes; above it 413.
    pub body_bytes: usize,
    /// Largest bulk request in bytes (`maxPayloadSize`, RFC 7643 §5); above it 413.
    pub bulk_bytes: usize,
    /// Largest file that is imported, in bytes; above it 413.
    pub import_bytes: usize,
    /// Largest request line and header fields together, in bytes; above it 431. Four times
    /// as much closes the connection.
    pub header_bytes: usize,
    /// Longest time from the header fields to the answer; then 503.
    pub request_timeout: Duration,
    /// Longest time for a request body to arrive; then 408.
    pub body_read_timeout: Duration,
    /// Longest time from the first byte of a request to the end of its header fields, and
    /// for the handshake of TLS; then the connection is closed.
    pub header_read_timeout: Duration,
    /// Longest time a connection may do nothing, between requests or while it does not take
    /// its answer; then it is closed.
    pub idle_timeout: Duration,
    /// Most requests in work; above it 503 with `Retry-After`.
    pub max_concurrent_requests: usize,
    /// Most open connections; more wait to be accepted.
    pub max_connections: usize,
    /// Most long answers that are compressed at a time; further ones go out as they are.
    pub coding_threads: usize,
    /// Whether HTTP/2 is understood, and in clear text from where (RFC 9113 §3.3).
    pub http2: Http2,
    /// Most requests at a time over one HTTP/2 connection.
    pub max_streams: u32,
    /// Longest time that requests in work are waited for at shutdown.
    pub drain_timeout: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            bulk_bytes: 1024 * 1024,
            import_bytes: 1024 * 1024 * 1024,
            header_bytes: 16 * 1024,
            request_timeout: Duration::from_secs(30),
            body_read_timeout: Duration::from_secs(20),
            header_read_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            max_concurrent_requests: 1_024,
            max_connections: 10_000,
            coding_threads: 2,
            http2: Http2::default(),
            max_streams: 100,
            drain_timeout: Duration::from_secs(20),
        }
    }
}
