//! Jobs.

use std::{sync::Arc, time::Duration};

use crate::{
    job::{End, Forget, Job, Part, PartDone, Row},
    record::{Timestamp, Version},
    store::{RegistryError, Store},
};

pub(super) fn job(id: &str) -> Job {
    Job {
        id: id.into(),
        kind: "test".into(),
        actor: "client:a".into(),
        input: "{}".into(),
        steps: 3,
        done: 0,
        created: Timestamp(5),
        since: Version(7),
        cancelled: false,
        end: None,
    }
}

fn end(at: i64) -> End {
    End {
        at: Timestamp(at),
        cancelled: true,
        result: "done".into(),
    }
}

fn is_missing<T>(outcome: &Result<T, RegistryError>) -> bool {
    matches!(outcome, Err(RegistryError::Missing(_)))
}

/// A job is open until it ends, once, and is forgotten after a while, its result first;
/// tenants do not share.
pub async fn jobs_are_kept_to_their_end(store: Arc<dyn Store>) {
    let acme = store.create_tenant("acme", &[]).await.unwrap().partition;
    let zeta = store.create_tenant("zeta", &[]).await.unwrap().partition;
    for id in ["one", "two"] {
        store.create_job(acme, job(id)).await.unwrap();
    }
    assert_eq!(store.job(acme, "one").await.unwrap(), Some(job("one")));
    assert_eq!(store.job(zeta, "one").await.unwrap(), None);
    let open = store.open_jobs().await.unwrap();
    assert_eq!(open, [(acme, job("one")), (acme, job("two"))]);
    assert_eq!(store.own_jobs().await.unwrap(), open);

    for id in ["two", "none"] {
        store.cancel_job(acme, id).await.unwrap();
    }
    let two = Job {
        cancelled: true,
        ..job("two")
    };
    assert_eq!(store.job(acme, "two").await.unwrap(), Some(two.clone()));
    assert_eq!(store.job(acme, "one").await.unwrap(), Some(job("one")));
    store.cancel_job(acme, "one").await.unwrap();
    store.end_job(acme, "one", end(9)).await.unwrap();
    store.cancel_job(acme, "one").await.unwrap();
    assert!(is_missing(&store.end_job(acme, "one", end(9)).await));
    assert!(is_missing(&store.end_job(zeta, "two", end(9)).await));
    let ended = Job {
        input: String::new(),
        end: Some(end(9)),
        ..job("one")
    };
    assert_eq!(store.job(acme, "one").await.unwrap(), Some(ended.clone()));
    assert_eq!(store.open_jobs().await.unwrap(), [(acme, two.clone())]);

    let forget = |results, jobs| Forget {
        results: Timestamp(results),
        jobs: Timestamp(jobs),
    };
    store.forget_jobs(acme, forget(9, 9)).await.unwrap();
    store.forget_jobs(zeta, forget(99, 99)).await.unwrap();
    assert_eq!(store.job(acme, "one").await.unwrap(), Some(ended.clone()));
    store.forget_jobs(acme, forget(10, 9)).await.unwrap();
    let mut bare = ended;
    bare.end = Some(End {
        result: String::new(),
        ..end(9)
    });
    assert_eq!(store.job(acme, "one").await.unwrap(), Some(bare));
    store.forget_jobs(acme, forget(10, 10)).await.unwrap();
    assert_eq!(store.job(acme, "one").await.unwrap(), None);
    assert_eq!(store.open_jobs().await.unwrap(), [(acme, two.clone())]);
}

fn part(number: u64) -> Part {
    Part {
        number,
        content: vec![number as u8, 0, 255],
    }
}

fn row(step: u64) -> Row {
    Row {
        step,
        text: format!("row {step}"),
    }
}

/// Parts of a job are done one after the other, each dropped for the rows of its steps.
pub async fn a_job_is_done_part_by_part(store: Arc<dyn Store>) {
    let acme = store.create_tenant("acme", &[]).await.unwrap().partition;
    let zeta = store.create_tenant("zeta", &[]).await.unwrap().partition;
    for number in [10, 2, 1] {
        store.add_job_part(acme, "one", part(number)).await.unwrap();
    }
    store.add_job_part(zeta, "one", part(7)).await.unwrap();
    store.add_job_part(acme, "stray", part(1)).await.unwrap();
    store.add_job_part(acme, "given up", part(1)).await.unwrap();
    let done = |number, steps: &[u64], since| PartDone {
        number,
        since: Version(since),
        rows: steps.iter().copied().map(row).collect(),
    };
    let early = store.finish_job_part(acme, "one", done(1, &[1], 8)).await;
    assert!(is_missing(&early), "there is no such job yet");
    store.create_job(acme, job("one")).await.unwrap();
    store.drop_job_parts(acme, "given up").await.unwrap();
    assert_eq!(store.next_job_part(acme, "given up").await, Ok(None));
    assert_eq!(store.next_job_part(acme, "stray").await, Ok(Some(part(1))));
    let hour = Duration::from_hours(1);
    store.drop_stray_parts(hour).await.unwrap();
    assert_eq!(store.next_job_part(acme, "stray").await, Ok(Some(part(1))));
    store.drop_stray_parts(Duration::ZERO).await.unwrap();
    assert_eq!(store.next_job_part(acme, "stray").await, Ok(None));
    assert_eq!(store.next_job_part(zeta, "one").await, Ok(None));

    assert_eq!(store.next_job_part(acme, "one").await, Ok(Some(part(1))));
    let first = done(1, &[1, 2], 8);
    store.finish_job_part(acme, "one", first).await.unwrap();
    assert_eq!(store.next_job_part(acme, "one").await, Ok(Some(part(2))));
    let second = done(2, &[3, 20], 9);
    store.finish_job_part(acme, "one", second).await.unwrap();
    let found = store.job(acme, "one").await.unwrap().unwrap();
    assert_eq!((found.done, found.since), (4, Version(9)));
    assert_eq!(store.next_job_part(acme, "one").await, Ok(Some(part(10))));

    let rows = |after, limit| store.job_rows(acme, "one", after, limit);
    assert_eq!(rows(None, 2).await, Ok(vec![row(1), row(2)]));
    assert_eq!(rows(Some(2), 9).await, Ok(vec![row(3), row(20)]));
    assert_eq!(rows(Some(20), 9).await, Ok(vec![]));
    assert_eq!(store.job_rows(zeta, "one", None, 9).await, Ok(vec![]));

    store.end_job(acme, "one", end(9)).await.unwrap();
    assert_eq!(store.next_job_part(acme, "one").await, Ok(None));
    assert_eq!(rows(None, 9).await.unwrap().len(), 4);
    let forget = Forget {
        results: Timestamp(10),
        jobs: Timestamp(0),
    };
    store.forget_jobs(acme, forget).await.unwrap();
    assert_eq!(rows(None, 9).await, Ok(vec![]), "rows go with the result");
}

/// Jobs are listed in descending order of their ids, open or not.
pub async fn jobs_are_listed_from_the_newest(store: Arc<dyn Store>) {
    let acme = store.create_tenant("acme", &[]).await.unwrap().partition;
    let zeta = store.create_tenant("zeta", &[]).await.unwrap().partition;
    for id in ["a", "c", "b"] {
        store.create_job(acme, job(id)).await.unwrap();
    }
    store.create_job(zeta, job("z")).await.unwrap();
    store.end_job(acme, "b", end(9)).await.unwrap();
    let ids = |jobs: Vec<Job>| jobs.into_iter().map(|it| it.id).collect::<Vec<_>>();
    let page = store.jobs(acme, None, 2).await.unwrap();
    assert!(page[1].end.is_some());
    assert_eq!(ids(page), ["c", "b"]);
    assert_eq!(ids(store.jobs(acme, Some("b"), 2).await.unwrap()), ["a"]);
    assert!(store.jobs(acme, Some("a"), 2).await.unwrap().is_empty());
}
