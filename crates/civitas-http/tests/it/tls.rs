//! HTTPS: what is agreed on, and what is not TLS.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use civitas_http::{Http2, HttpLimits, Tls, Unusable};
use http::{Request, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::world::{HOST, SECRET, World, ask, basic};

const CHAIN: &[u8] = include_bytes!("tls/receiver.pem");
const KEY: &[u8] = include_bytes!("tls/receiver.key");

async fn connect(world: &World, offered: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
    let authority = CertificateDer::from_pem_slice(include_bytes!("tls/authority.pem"));
    let mut roots = RootCertStore::empty();
    roots.add(authority.unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = offered.iter().map(|it| it.to_vec()).collect();
    let stream = TcpStream::connect(world.addr).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

fn request(uri: &str) -> Request<Empty<Bytes>> {
    let builder = Request::builder().uri(uri);
    let builder = builder.header("authorization", basic("reader", SECRET));
    let builder = if uri.starts_with('/') {
        builder.header("host", HOST)
    } else {
        builder
    };
    builder.body(Empty::new()).unwrap()
}

async fn location(answer: http::Response<hyper::body::Incoming>) -> String {
    assert_eq!(answer.status(), 200);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    body["meta"]["location"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn clients_choose_between_http1_and_http2() {
    let world = World::over_tls(HttpLimits::default()).await;
    let path = "/scim/v2/ServiceProviderConfig";
    let url = format!("https://{HOST}{path}");
    for offered in [&[b"http/1.1".as_slice()][..], &[]] {
        let io = TokioIo::new(connect(&world, offered).await.unwrap());
        let (mut sender, connection) = http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        let answer = sender.send_request(request(path)).await.unwrap();
        assert_eq!(answer.version(), Version::HTTP_11);
        assert_eq!(location(answer).await, url);
    }
    let stream = connect(&world, &[b"h2", b"http/1.1"]).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    for _ in 0..3 {
        let mut sender = sender.clone();
        let answer = sender.send_request(request(&url)).await.unwrap();
        assert_eq!(answer.version(), Version::HTTP_2);
        assert_eq!(location(answer).await, url);
    }
}

#[tokio::test]
async fn http2_can_be_turned_off() {
    let http2 = Http2::Off;
    let world = World::over_tls(HttpLimits {
        http2,
        ..HttpLimits::default()
    })
    .await;
    let stream = connect(&world, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(
        stream.get_ref().1.alpn_protocol(),
        Some(b"http/1.1".as_slice())
    );
    assert!(connect(&world, &[b"h2"]).await.is_err());
}

#[tokio::test]
async fn clear_text_is_told_where_it_is() {
    let world = World::over_tls(HttpLimits::default()).await;
    let long = ask("POST", "/scim/v2/Users")
        .by("writer")
        .body(vec![b' '; 100_000]);
    for ask in [ask("GET", "/health/live"), long] {
        let answer = world.send(ask).await;
        assert_eq!(answer.status, 400);
        let text = String::from_utf8(answer.body).unwrap();
        assert!(text.contains("HTTPS"), "{text}");
    }
    // The next one is served.
    connect(&world, &[]).await.unwrap();
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_cut_off() {
    let header_read_timeout = Duration::from_millis(150);
    let limits = HttpLimits {
        header_read_timeout,
        ..HttpLimits::default()
    };
    let world = World::over_tls(limits).await;
    // Nothing; the head of a record of which nothing more comes; no TLS at all.
    for begun in [&[][..], &[22, 3, 1, 2, 0, 1], &[0; 64]] {
        let mut stream = TcpStream::connect(world.addr).await.unwrap();
        let started = Instant::now();
        stream.write_all(begun).await.unwrap();
        let mut rest = Vec::new();
        let ended = timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
        let _ = ended.expect("closed in time");
        assert!(begun.len() == 64 || started.elapsed() >= header_read_timeout);
    }
}

#[tokio::test]
async fn a_handshake_that_is_not_over_does_not_hold_up_the_end() {
    let world = World::over_tls(HttpLimits::default()).await;
    let _silent = TcpStream::connect(world.addr).await.unwrap();
    let stopped = timeout(Duration::from_secs(5), world.stop()).await;
    stopped.expect("stopped in time");
}

#[test]
fn what_cannot_be_used_is_told_apart() {
    let told = |chain: &[u8], key: &[u8]| match Tls::from_pem(chain, key, None) {
        Ok(_) => "usable".to_owned(),
        Err(Unusable::Certificate(why)) => format!("certificate: {why}"),
        Err(Unusable::Key(why)) => format!("key: {why}"),
        Err(Unusable::Authorities(why)) => format!("authorities: {why}"),
    };
    let other = other_key();
    for (chain, key, expected) in [
        (CHAIN, KEY, "usable"),
        (KEY, KEY, "certificate: there is no certificate"),
        (b"".as_slice(), KEY, "certificate: there is no certificate"),
        (CHAIN, CHAIN, "key: there is no private key"),
        (
            CHAIN,
            other.as_bytes(),
            "key: it is not the key of the certificate",
        ),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            KEY,
            "certificate: ",
        ),
        (
            b"-----BEGIN CERTIFICATE-----\n!\n",
            KEY,
            "certificate: not PEM",
        ),
        (
            CHAIN,
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "key: ",
        ),
    ] {
        let told = told(chain, key);
        assert!(told.starts_with(expected), "{told}, not {expected}");
    }
}

/// A key in PEM that is not that of the certificate.
fn other_key() -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
    let random = ring::rand::SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
    let text = BASE64_STANDARD.encode(key.as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}
