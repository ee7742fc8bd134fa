//! A running server of development mode, as commands speak to it.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    path::Path,
    sync::Arc,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde_json::Value;

use crate::{cli, development::Ready, failure::Failure, source::DEFAULT_FOLDER};

/// A tenant of a running server.
pub(crate) struct Running {
    server: Ready,
    host: Option<String>,
}

impl Running {
    /// The server that told of itself in its data folder.
    pub(crate) fn find(of: &cli::Running) -> Result<Self, Failure> {
        let folder = of.data.as_deref();
        Ok(Self {
            server: Ready::read(folder.unwrap_or(Path::new(DEFAULT_FOLDER)))?,
            host: of.host.clone(),
        })
    }

    /// One request below `/civitas/v1`, over a connection of its own: the server is on this
    /// machine and speaks HTTP/1.1. The error is the server's `detail`.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let Ready {
            base_url,
            client_id,
            client_secret,
            certificate,
        } = &self.server;
        let address = base_url
            .split_once("://")
            .map_or("", |(_, address)| address);
        let failed = |error: io::Error| Failure::other(format!("{base_url}: {error}"));
        let credentials = BASE64_STANDARD.encode(format!("{client_id}:{client_secret}"));
        let host = self.host.as_deref().unwrap_or(address);
        let body = body.map(Value::to_string).unwrap_or_default();
        let tcp = TcpStream::connect(address).map_err(failed)?;
        let mut stream: Box<dyn Stream> = match certificate {
            None => Box::new(tcp),
            Some(file) => Box::new(encrypted(tcp, file).map_err(failed)?),
        };
        write!(
            stream,
            "{method} /civitas/v1/{path} HTTP/1.1\r\nHost: {host}\r\n\
             Authorization: Basic {credentials}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .map_err(failed)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(failed)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        if head.get(9..10) == Some("2") {
            return Ok(body);
        }
        let detail = body["detail"].as_str().unwrap_or(head);
        Err(Failure::other(detail.to_owned()))
    }
}

trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

/// TLS with a server whose certificate is that of the file.
fn encrypted(
    tcp: TcpStream,
    certificate: &Path,
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let certificate = CertificateDer::from_pem_file(certificate).map_err(io::Error::other)?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // Whatever address it listens on.
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let client = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    Ok(StreamOwned::new(client, tcp))
}
