//! HTTP/2 in clear text, by prior knowledge.

use std::time::Duration;

use bytes::Bytes;
use civitas_directory::Limits;
use civitas_http::{Http2, HttpLimits};
use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};

use crate::world::{HOST, SECRET, USER, World, ask, basic};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

type Sender = http2::SendRequest<Full<Bytes>>;

async fn connect(world: &World) -> (Sender, JoinHandle<bool>) {
    let stream = TcpStream::connect(world.addr).await.unwrap();
    let io = TokioIo::new(stream);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    (
        sender,
        tokio::spawn(async move { connection.await.is_ok() }),
    )
}

fn request(method: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(format!("http://{HOST}{path}"))
        .header("authorization", basic("writer", SECRET))
        .header("content-type", "application/scim+json")
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap()
}

async fn json_of(answer: Response<Incoming>) -> Value {
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn many_requests_share_a_connection() {
    let world = World::start().await;
    let (sender, _connection) = connect(&world).await;
    let mut created = Vec::new();
    for number in 0..20 {
        let body = json!({ "schemas": [USER], "userName": format!("user{number}") });
        let mut sender = sender.clone();
        created.push(tokio::spawn(async move {
            let post = request("POST", "/scim/v2/Users", &body.to_string());
            sender.send_request(post).await.unwrap()
        }));
    }
    for answer in created {
        let answer = answer.await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.version()),
            (201, Version::HTTP_2)
        );
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        assert!(location.starts_with(&format!("http://{HOST}/scim/v2/Users/")));
    }
    let mut sender = sender;
    let page = sender
        .send_request(request("GET", "/scim/v2/Users", ""))
        .await;
    assert_eq!(json_of(page.unwrap()).await["totalResults"], 20);
    let missing = sender.send_request(request("GET", "/scim/v2/Users/x", ""));
    let missing = missing.await.unwrap();
    assert_eq!(missing.status(), 404);
    assert_eq!(json_of(missing).await["status"], "404");
}

#[tokio::test]
async fn requests_keep_their_limits() {
    let limits = HttpLimits {
        body_bytes: 1_000,
        ..HttpLimits::default()
    };
    let world = World::with(limits, Limits::default()).await;
    let (mut sender, _connection) = connect(&world).await;
    let long = request("POST", "/scim/v2/Users", &"x".repeat(200_000));
    let refused = sender.send_request(long).await.unwrap();
    assert_eq!(refused.status(), 413);
    for length in [20_000, 100_000] {
        let mut heavy = request("GET", "/scim/v2/Users", "");
        let value = "x".repeat(length).parse().unwrap();
        heavy.headers_mut().insert("x-heavy", value);
        let refused = sender.send_request(heavy).await.unwrap();
        assert_eq!(refused.status(), 431, "{length}");
    }
    let good = sender.send_request(request("GET", "/scim/v2/Users", ""));
    assert_eq!(good.await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_protocol_is_seen_however_its_first_bytes_come() {
    let world = World::start().await;
    for cut in 1..PREFACE.len() {
        let mut stream = TcpStream::connect(world.addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(&PREFACE[..cut]).await.unwrap();
        tokio::task::yield_now().await;
        stream.write_all(&PREFACE[cut..]).await.unwrap();
        // An empty SETTINGS frame.
        stream
            .write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0])
            .await
            .unwrap();
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).await.unwrap();
        assert_eq!(frame[3], 4, "SETTINGS first, cut at {cut}");
    }
    let get = ask("GET", "/health/live").bytes();
    for cut in 1..6 {
        let mut stream = TcpStream::connect(world.addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(&get[..cut]).await.unwrap();
        tokio::task::yield_now().await;
        stream.write_all(&get[cut..]).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{cut}");
    }
    let odd = world.raw(b"PROPFIND / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(odd.await.status, 404);
}

#[tokio::test]
async fn idle_connections_end_and_stopping_ends_them_all() {
    let limits = HttpLimits {
        idle_timeout: Duration::from_millis(200),
        ..HttpLimits::default()
    };
    let world = World::with(limits, Limits::default()).await;
    let (mut sender, connection) = connect(&world).await;
    let answer = sender.send_request(request("GET", "/scim/v2/Users", ""));
    assert_eq!(answer.await.unwrap().status(), 200);
    let ended = timeout(Duration::from_secs(10), connection).await;
    ended.expect("idle connections are closed").unwrap();

    let world = World::start().await;
    let (mut sender, connection) = connect(&world).await;
    let answer = sender.send_request(request("GET", "/health/live", ""));
    assert_eq!(answer.await.unwrap().status(), 200);
    world.stop().await;
    assert!(connection.await.unwrap(), "closed in good order");
}

#[tokio::test]
async fn it_can_be_off() {
    let limits = HttpLimits {
        http2: Http2::Off,
        ..HttpLimits::default()
    };
    let world = World::with(limits, Limits::default()).await;
    let mut stream = TcpStream::connect(world.addr).await.unwrap();
    stream.write_all(PREFACE).await.unwrap();
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    let _ = read.expect("the connection is closed");
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
        "{answer:?}"
    );
    assert_eq!(world.send(ask("GET", "/health/live")).await.status, 200);
}
