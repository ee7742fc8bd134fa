//! Content codings of answers and of request bodies.

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::json;

use crate::world::{Answer, USER, World, ask};

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn decoded(answer: &Answer) -> Vec<u8> {
    let mut plain = Vec::new();
    match answer.header("content-encoding").as_str() {
        "" => plain.clone_from(&answer.body),
        "gzip" => {
            GzDecoder::new(&answer.body[..])
                .read_to_end(&mut plain)
                .unwrap();
        }
        "zstd" => plain = zstd::bulk::decompress(&answer.body, 1 << 20).unwrap(),
        other => panic!("{other}"),
    }
    plain
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let world = World::start().await;
    world.user("bjensen").await;
    let get = |target: &str| ask("GET", target).by("reader");
    let plain = world.send(get("/scim/v2/Schemas")).await;
    assert_eq!(plain.header("content-encoding"), "");
    assert_eq!(plain.header("vary"), "Accept, Accept-Encoding, Prefer");
    for (accept, coding) in [
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("identity", ""),
        ("br", ""),
        ("gzip;q=0", ""),
    ] {
        let asked = get("/scim/v2/Schemas").header("Accept-Encoding", accept);
        let coded = world.send(asked).await;
        assert_eq!(coded.header("content-encoding"), coding, "{accept}");
        assert_eq!(coded.header("content-type"), "application/scim+json");
        assert_eq!(coded.header("content-length"), coded.body.len().to_string());
        assert!(coding.is_empty() || coded.body.len() < plain.body.len() / 4);
        assert_eq!(decoded(&coded), plain.body, "{accept}");
    }
    let head = ask("HEAD", "/scim/v2/Schemas").by("reader");
    let head = world.send(head.header("Accept-Encoding", "gzip")).await;
    assert_eq!(head.header("content-encoding"), "gzip");
    assert!(head.body.is_empty() && head.header("content-length") != "0");
}

#[tokio::test]
async fn short_answers_and_tokens_are_sent_as_they_are() {
    let world = World::start().await;
    world.user("bjensen").await;
    let one = ask("GET", "/scim/v2/Users?attributes=userName").by("reader");
    let short = world
        .send(one.clone().header("Accept-Encoding", "gzip"))
        .await;
    assert_eq!(short.header("content-encoding"), "");
    let only = one.header("Accept-Encoding", "identity;q=0, gzip");
    let coded = world.send(only).await;
    assert_eq!(coded.header("content-encoding"), "gzip");
    assert_eq!(decoded(&coded), short.body);
    let token = ask("POST", "/oauth2/v1/token")
        .header("Accept-Encoding", "identity;q=0, gzip")
        .form("grant_type=none");
    assert_eq!(world.send(token).await.header("content-encoding"), "");
}

#[tokio::test]
async fn a_known_state_is_known_whatever_its_coding() {
    let world = World::start().await;
    let user = world.user("bjensen").await;
    let path = format!("/scim/v2/Users/{}", user["id"].as_str().unwrap());
    let get = || {
        ask("GET", &path)
            .by("reader")
            .header("Accept-Encoding", "gzip, identity;q=0")
    };
    let coded = world.send(get()).await;
    assert_eq!(coded.header("content-encoding"), "gzip");
    let again = get().header("If-None-Match", &coded.header("etag"));
    let again = world.send(again).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("vary"), coded.header("vary"));
    assert_eq!(again.header("content-encoding"), "");
}

#[tokio::test]
async fn bodies_may_come_as_gzip() {
    let world = World::start().await;
    let post = |body: Vec<u8>| {
        let ask = ask("POST", "/scim/v2/Users").by("writer").body(body);
        ask.header("Content-Type", "application/scim+json")
            .header("Content-Encoding", "gzip")
    };
    let user = json!({ "schemas": [USER], "userName": "packed" }).to_string();
    assert_eq!(world.send(post(gzip(user.as_bytes()))).await.status, 201);
    let torn = world.send(post(user.clone().into_bytes())).await;
    assert_eq!(torn.scim_error(400), "invalidSyntax");
    // 4 KiB that would become 4 MiB.
    let bomb = gzip(&vec![b' '; 4 << 20]);
    assert!(bomb.len() < 64 * 1024);
    assert_eq!(world.send(post(bomb)).await.scim_error(413), "");
}
