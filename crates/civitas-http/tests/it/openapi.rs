//! The `OpenAPI` document as served.

use std::{fs, path::Path};

use crate::world::{World, ask};

/// The document for the standard types is kept for readers. After a change it is written
/// anew by `CIVITAS_UPDATE=1 cargo test -p civitas-http --test it openapi`.
#[tokio::test]
async fn the_document_is_the_one_that_is_kept() {
    let world = World::start().await;
    let served = world
        .send(ask("GET", "/scim/v2/openapi.json").by("reader"))
        .await;
    assert_eq!(served.status, 200);
    assert_eq!(served.header("content-type"), "application/json");
    let served = serde_json::to_string_pretty(&served.json()).unwrap() + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var_os("CIVITAS_UPDATE").is_some() {
        fs::write(&file, &served).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap();
    let differs = served
        .lines()
        .zip(kept.lines())
        .find(|(one, other)| one != other);
    assert!(served == kept, "docs/openapi.json is stale: {differs:?}");
}

#[tokio::test]
async fn the_document_is_for_callers_of_the_tenant() {
    let world = World::start().await;
    let stranger = world.send(ask("GET", "/scim/v2/openapi.json")).await;
    stranger.scim_error(401);
    let post = ask("POST", "/scim/v2/openapi.json").by("writer");
    assert_eq!(world.send(post).await.scim_error(405), "");
}
