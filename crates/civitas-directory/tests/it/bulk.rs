//! Bulk jobs where no client can look.

use std::sync::Arc;

use civitas_directory::{
    Catalogue, Directory, Error, Limits, Scope, Step, Store, Timestamp,
    admission::Patience,
    store::{Want, memory::MemoryStore},
};
use civitas_scim::{
    bulk::Job,
    messages::urn::BULK_REQUEST,
    schema::urn::{SCHEMA, USER},
    tolerance::Tolerance,
};
use serde_json::{Value, json};

/// A job that creates users.
fn creates(names: &[&str]) -> Job {
    let operations: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let data = json!({ "schemas": [USER], "userName": name });
            json!({ "method": "POST", "path": "/Users", "bulkId": index.to_string(), "data": data })
        })
        .collect();
    let body = json!({ "schemas": [BULK_REQUEST], "Operations": operations });
    Job::parse(body, &Tolerance::generic()).unwrap()
}

/// An empty directory, and a request to it.
async fn directory() -> (Directory, Scope) {
    let store = Arc::new(MemoryStore::new());
    let tenant = store.create_tenant("default", &[]).await.unwrap();
    let directory = Directory::open(store, Limits::default()).await.unwrap();
    let scope = Scope {
        partition: tenant.partition,
        catalogue: Catalogue::standard(),
        require_preconditions: false,
        password_policy: None,
        actor: "client:test".into(),
        request_id: "r".into(),
        now: Timestamp(0),
        ids: civitas_directory::Ids::Random,
        base: "https://id.example.com/scim/v2".into(),
        patience: Patience::Long,
    };
    (directory, scope)
}

/// Runs a job of creates in an empty directory.
async fn run(names: &[&str], go_on: &(dyn Fn(usize) -> bool + Sync)) -> Vec<Step> {
    let (directory, scope) = directory().await;
    let tolerance = Tolerance::generic();
    let steps = directory.bulk(&scope, creates(names), &tolerance, go_on, None);
    steps.await.unwrap()
}

#[tokio::test]
async fn a_job_that_is_told_to_stop_tells_what_it_did_not_begin() {
    let steps = run(&["a", "a", "b", "c", "d"], &|begun| begun < 3).await;
    let failed = |step: &Step| step.done.clone().err();
    assert_eq!(steps.iter().filter(|it| failed(it).is_none()).count(), 2);
    assert_eq!(failed(&steps[3]), Some(Error::NotBegun));
    assert_eq!(failed(&steps[4]), Some(Error::NotBegun));
}

#[tokio::test]
async fn creates_that_a_change_of_definitions_overtakes_are_computed_once_more() {
    let (directory, scope) = directory().await;
    let schema = json!({
        "schemas": [SCHEMA],
        "id": "urn:example:scim:schemas:extension:2.0:Badge",
        "attributes": [{ "name": "code", "type": "string" }],
    });
    directory.define_schema(&scope, &schema).await.unwrap();
    // The scope has the catalogue of before: both were under way when it changed.
    let tolerance = Tolerance::generic();
    let kind = scope.catalogue.resource_type("User").unwrap();
    let body = json!({ "schemas": [USER], "userName": "alone" });
    let created = directory.create(&scope, kind, Ok(body), &tolerance, Want::default());
    assert_eq!(created.await.unwrap().record.version.0, 1);
    let job = directory.bulk(&scope, creates(&["a", "b"]), &tolerance, &|_| true, None);
    let steps = job.await.unwrap();
    assert!(steps.iter().all(|step| step.done.is_ok()), "{steps:?}");
}
