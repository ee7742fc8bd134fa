//! Connections: kept alive, limited, closed, drained.

use std::time::{Duration, Instant};

use civitas_directory::Limits;
use civitas_http::HttpLimits;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::world::{Answer, World, ask};

const SHORT: Duration = Duration::from_millis(150);

async fn with(limits: HttpLimits) -> World {
    World::with(limits, Limits::default()).await
}

/// Reads an answer with `Content-Length` from a connection that stays open.
async fn answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    loop {
        bytes.push(stream.read_u8().await.unwrap());
        if bytes.ends_with(b"\r\n\r\n") {
            let length: usize = Answer::parse(&bytes)
                .header("content-length")
                .parse()
                .unwrap();
            let head = bytes.len();
            bytes.resize(head + length, 0);
            stream.read_exact(&mut bytes[head..]).await.unwrap();
            return Answer::parse(&bytes);
        }
    }
}

/// How long until the server closes the connection.
async fn closed_after(stream: &mut TcpStream) -> Duration {
    let started = Instant::now();
    let mut rest = Vec::new();
    let closed = timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    let _ = closed.expect("closed in time");
    started.elapsed()
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.addr).await.unwrap();
    for path in [
        "/scim/v2/Users",
        "/scim/v2/none",
        "/scim/v2/Schemas",
        "/health/live",
    ] {
        let ask = ask("GET", path)
            .by("reader")
            .header("Connection", "keep-alive");
        stream.write_all(&ask.bytes()).await.unwrap();
        let status = if path.ends_with("none") { 404 } else { 200 };
        assert_eq!(answer(&mut stream).await.status, status, "{path}");
    }
    let refused = ask("POST", "/scim/v2/Users").header("Connection", "keep-alive");
    stream
        .write_all(&refused.body(vec![b'x'; 100_000]).bytes())
        .await
        .unwrap();
    assert_eq!(
        answer(&mut stream).await.status,
        401,
        "the body is taken in all the same"
    );
    stream
        .write_all(&ask("GET", "/health/live").bytes())
        .await
        .unwrap();
    assert_eq!(answer(&mut stream).await.status, 200);
}

#[tokio::test]
async fn header_fields_that_trickle_in_are_not_waited_for() {
    let world = with(HttpLimits {
        header_read_timeout: SHORT,
        ..HttpLimits::default()
    })
    .await;
    let mut stream = TcpStream::connect(world.addr).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let trickle = tokio::spawn(async move {
        while writing.write_all(b"X: y\r\n").await.is_ok() {
            tokio::time::sleep(SHORT / 5).await;
        }
    });
    let mut rest = Vec::new();
    let closed = timeout(SHORT * 10, reading.read_to_end(&mut rest)).await;
    trickle.abort();
    assert!(closed.is_ok(), "still open");
}

#[tokio::test]
async fn idle_connections_are_closed_in_their_own_time() {
    let limits = HttpLimits {
        idle_timeout: SHORT * 3,
        header_read_timeout: SHORT,
        ..HttpLimits::default()
    };
    let world = with(limits).await;
    let mut fresh = TcpStream::connect(world.addr).await.unwrap();
    let mut used = TcpStream::connect(world.addr).await.unwrap();
    let ask = ask("GET", "/health/live").header("Connection", "keep-alive");
    used.write_all(&ask.bytes()).await.unwrap();
    answer(&mut used).await;
    let (fresh, used) = tokio::join!(closed_after(&mut fresh), closed_after(&mut used));
    for took in [fresh, used] {
        assert!(took > SHORT * 2 && took < SHORT * 8, "{took:?}");
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let world = with(HttpLimits {
        max_connections: 1,
        ..HttpLimits::default()
    })
    .await;
    let first = TcpStream::connect(world.addr).await.unwrap();
    tokio::time::sleep(SHORT / 3).await;
    let second = world.send(ask("GET", "/health/live"));
    let mut second = std::pin::pin!(second);
    assert!(
        timeout(SHORT, second.as_mut()).await.is_err(),
        "served beyond the limit"
    );
    drop(first);
    assert_eq!(second.await.status, 200);
}

#[tokio::test]
async fn shutdown_lets_requests_end_and_closes_idle_connections() {
    let world = World::start().await;
    let addr = world.addr;
    let mut idle = TcpStream::connect(addr).await.unwrap();
    let mut busy = TcpStream::connect(addr).await.unwrap();
    let ask = ask("GET", "/scim/v2/Users/slow")
        .by("reader")
        .header("Connection", "keep-alive");
    busy.write_all(&ask.bytes()).await.unwrap();
    let store = std::sync::Arc::clone(&world.store);
    store.1.begun.notified().await;
    let stopping = tokio::spawn(world.stop());
    closed_after(&mut idle).await;
    store.1.let_go.notify_one();
    assert_eq!(answer(&mut busy).await.scim_error(404), "");
    stopping.await.unwrap();
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn many_idle_connections_do_no_harm() {
    let world = World::start().await;
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(TcpStream::connect(world.addr).await.unwrap());
    }
    assert_eq!(
        world
            .send(ask("GET", "/scim/v2/Users").by("reader"))
            .await
            .status,
        200
    );
}
