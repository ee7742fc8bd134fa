//! A proxy that sends each request to the next node.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

/// The longest head of a request that is looked through for its end.
const MOST_HEAD: usize = 256 * 1024;

/// A proxy that listens until the test has ended.
pub(crate) struct Balancer {
    pub(crate) address: SocketAddr,
    relayed: Arc<AtomicUsize>,
}

impl Balancer {
    pub(crate) fn over(nodes: &[SocketAddr]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let nodes: Arc<[SocketAddr]> = nodes.into();
        let relayed = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&relayed);
        thread::spawn(move || {
            let connections = listener.incoming().map_while(Result::ok);
            for (near, node) in connections.zip((0..nodes.len()).cycle()) {
                let node = nodes[node];
                count.fetch_add(1, Relaxed);
                thread::spawn(move || relay(near, node));
            }
        });
        Self { address, relayed }
    }

    /// How many connections were relayed, each with one request.
    pub(crate) fn relayed(&self) -> usize {
        self.relayed.load(Relaxed)
    }
}

/// One connection, which the node is told to close after one answer, so that the next request
/// comes on another.
fn relay(mut near: TcpStream, node: SocketAddr) {
    let Ok(mut far) = TcpStream::connect(node) else {
        return;
    };
    let head = head(&mut near);
    if far.write_all(&head).is_err() {
        return;
    }
    let (mut near_in, mut far_out) = (near.try_clone().unwrap(), far.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut near_in, &mut far_out);
        let _ = far_out.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut far, &mut near);
    let _ = near.shutdown(Shutdown::Both);
}

/// What came up to the end of the head, with the wish to close added.
fn head(near: &mut TcpStream) -> Vec<u8> {
    let (mut head, mut bytes) = (Vec::new(), [0; 16 * 1024]);
    while head.len() < MOST_HEAD {
        match near.read(&mut bytes) {
            Ok(count @ 1..) => head.extend(&bytes[..count]),
            _ => return head,
        }
        if let Some(end) = head.windows(4).position(|it| it == b"\r\n\r\n") {
            // HTTP/2 shares one connection.
            if !head.starts_with(b"PRI ") {
                head.splice(end + 2..end + 2, *b"Connection: close\r\n");
            }
            return head;
        }
    }
    head
}
