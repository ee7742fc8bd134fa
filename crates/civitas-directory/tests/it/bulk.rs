//! Bulk jobs where no client can look.

use std::sync::Arc;

use civitas_directory::{
    Catalogue, Directory, Error, Limits, Scope, Step, Store, Timestamp, store::memory::MemoryStore,
};
use civitas_scim::{
    bulk::Job, messages::urn::BULK_REQUEST, schema::urn::USER, tolerance::Tolerance,
};
use serde_json::{Value, json};

/// Runs a job of creates in an empty directory.
async fn run(names: &[&str], go_on: &(dyn Fn(usize) -> bool + Sync)) -> Vec<Step> {
    let store = Arc::new(MemoryStore::new());
    let tenant = store.create_tenant("default", &[]).await.unwrap();
    let directory = Directory::open(store, Limits::default()).await.unwrap();
    let operations: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let data = json!({ "schemas": [USER], "userName": name });
            json!({ "method": "POST", "path": "/Users", "bulkId": index.to_string(), "data": data })
        })
        .collect();
    let body = json!({ "schemas": [BULK_REQUEST], "Operations": operations });
    let job = Job::parse(body, &Tolerance::generic()).unwrap();
    let scope = Scope {
        partition: tenant.partition,
        catalogue: Catalogue::standard(),
        require_preconditions: false,
        actor: "client:test".into(),
        request_id: "r".into(),
        now: Timestamp(0),

        ids: civitas_directory::Ids::Random,
    };
    let tolerance = Tolerance::generic();
    let steps = directory.bulk(&scope, job, &tolerance, go_on, None).await;
    steps.unwrap()
}

#[tokio::test]
async fn a_job_that_is_told_to_stop_tells_what_it_did_not_begin() {
    let steps = run(&["a", "a", "b", "c", "d"], &|begun| begun < 3).await;
    let failed = |step: &Step| step.done.clone().err();
    assert_eq!(steps.iter().filter(|it| failed(it).is_none()).count(), 2);
    assert_eq!(failed(&steps[3]), Some(Error::NotBegun));
    assert_eq!(failed(&steps[4]), Some(Error::NotBegun));
}
