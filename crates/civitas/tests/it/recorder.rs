//! What a client sends to a server, recorded on the way: a relay between the two.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// The bytes of one connection, as sent by the client.
type Sent = Arc<Mutex<Vec<u8>>>;

/// A relay in front of a server. It works until the process ends.
pub(crate) struct Recorder {
    pub(crate) address: SocketAddr,
    connections: Arc<Mutex<Vec<Sent>>>,
}

/// A request as it was sent.
pub(crate) struct Recorded {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Recorder {
    /// A relay to a server.
    pub(crate) fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let recorder = Self {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
        };
        let connections = Arc::clone(&recorder.connections);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let sent = Sent::default();
                connections.lock().unwrap().push(Arc::clone(&sent));
                relay(client, server, sent);
            }
        });
        recorder
    }

    /// The requests so far, connection by connection.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        let connections = self.connections.lock().unwrap();
        let sent = connections.iter().map(|sent| sent.lock().unwrap().clone());
        sent.flat_map(|bytes| requests(&bytes)).collect()
    }
}

fn relay(client: TcpStream, server: SocketAddr, sent: Sent) {
    let Ok(server) = TcpStream::connect(server) else {
        return;
    };
    let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || copy(client, server, |bytes| sent.lock().unwrap().extend(bytes)));
    thread::spawn(move || copy(back.0, back.1, |_| ()));
}

/// Copies until one side has enough; the other hears of it.
fn copy(mut from: TcpStream, mut to: TcpStream, see: impl Fn(&[u8])) {
    let mut part = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut part) {
        see(&part[..length]);
        if to.write_all(&part[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// The requests in what a connection has sent, up to the first that is not understood.
fn requests(mut bytes: &[u8]) -> Vec<Recorded> {
    let mut all = Vec::new();
    while let Some((request, rest)) = request(bytes) {
        all.push(request);
        bytes = rest;
    }
    all
}

fn request(bytes: &[u8]) -> Option<(Recorded, &[u8])> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let mut line = lines.next()?.split(' ');
    let (method, target) = (line.next()?.to_owned(), line.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let value = |wanted: &str| headers.iter().find(|(name, _)| name == wanted);
    if value("transfer-encoding").is_some() {
        return None;
    }
    let length = value("content-length").map_or(Ok(0), |(_, length)| length.parse());
    let rest = &bytes[end + 4..];
    let body = rest.get(..length.ok()?)?;
    let recorded = Recorded {
        method,
        target,
        headers,
        body: body.to_vec(),
    };
    Some((recorded, &rest[body.len()..]))
}
