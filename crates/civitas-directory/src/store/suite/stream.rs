//! Streams of events.

use std::{collections::BTreeSet, sync::Arc};

use super::stage::{START, Stage, user};
use crate::{
    record::{Timestamp, Version},
    store::{RegistryError, Store},
    stream::{
        Completion, Delivery, MAX_STREAMS, Payload, Position, Receiver, Secret, Status, Stream,
        StreamChange, Verification,
    },
};

fn stream(id: &str) -> Stream {
    Stream {
        id: id.into(),
        client: "sync".into(),
        issuer: "https://id.example/scim/v2".into(),
        audience: "sync".into(),
        payload: Payload::Full,
        delivery: Delivery::Push(Receiver {
            endpoint: "https://r.example/events".into(),
            authorization: Some(Secret::new("Bearer x")),
            authorities: None,
        }),
        created: Timestamp(START),
        status: Status::Enabled,
        reason: None,
        verified: false,
        verification: Some(Verification {
            id: "v".into(),
            state: Some("s".into()),
        }),
        position: Position::default(),
        rejected: 0,
        completions: Vec::new(),
    }
}

fn acknowledged(events: &[i64]) -> StreamChange {
    StreamChange::Acknowledged {
        events: events.iter().copied().map(Version).collect(),
        rejected: 1,
    }
}

/// Streams belong to a tenant, are bounded, change one change at a time, and go.
pub async fn streams_belong_to_a_tenant(store: Arc<dyn Store>) {
    let acme = store.create_tenant("acme", &[]).await.unwrap().partition;
    let zeta = store.create_tenant("zeta", &[]).await.unwrap().partition;
    for id in ["b", "a"] {
        store.create_stream(acme, stream(id)).await.unwrap();
    }
    let pushed = store.own_streams().await.unwrap();
    assert_eq!(pushed, [(acme, stream("a")), (acme, stream("b"))]);
    let both = vec![stream("a"), stream("b")];
    assert_eq!(store.streams(acme).await, Ok(both));
    assert_eq!(store.streams(zeta).await, Ok(vec![]));
    assert_eq!(store.stream(acme, "a").await, Ok(Some(stream("a"))));
    assert_eq!(store.stream(zeta, "a").await, Ok(None));

    let (mut expected, changes) = (
        stream("a"),
        [
            StreamChange::Verified("v".into()),
            acknowledged(&[2, 3]),
            acknowledged(&[1, 9]),
            StreamChange::Completed(Completion {
                job: "j".into(),
                after: Version(2),
                tokens: 3,
                told: BTreeSet::new(),
            }),
            StreamChange::Told {
                tokens: vec![("j".into(), 1)],
                rejected: 0,
            },
            StreamChange::Status {
                status: Status::Paused,
                reason: Some("403".into()),
                from: None,
            },
        ],
    );
    for change in changes {
        change.apply(&mut expected);
        let stored = store.change_stream(acme, "a", change).await;
        assert_eq!(stored, Ok(expected.clone()));
    }
    assert_eq!(expected.position.through, Version(3));
    let pushed = store.own_streams().await.unwrap();
    assert_eq!(pushed, [(acme, stream("b"))], "one that waits is nobody's");
    assert_eq!(store.stream(acme, "a").await, Ok(Some(expected)));
    assert_eq!(store.stream(acme, "b").await, Ok(Some(stream("b"))));
    let missing = store.change_stream(zeta, "a", acknowledged(&[1])).await;
    assert!(matches!(missing, Err(RegistryError::Missing(_))));

    store.drop_stream(acme, "a").await.unwrap();
    assert_eq!(store.stream(acme, "a").await, Ok(None));
    let again = store.drop_stream(acme, "a").await;
    assert!(matches!(again, Err(RegistryError::Missing(_))));
    for n in 1..MAX_STREAMS {
        let id = format!("more-{n}");
        store.create_stream(acme, stream(&id)).await.unwrap();
    }
    let beyond = store.create_stream(acme, stream("beyond")).await;
    assert_eq!(beyond, Err(RegistryError::TooManyStreams(MAX_STREAMS)));
    store.create_stream(zeta, stream("a")).await.unwrap();
    let all = store.all_streams().await.unwrap();
    let of = |partition| all.iter().filter(|(of, _)| *of == partition).count();
    assert_eq!((of(acme), of(zeta), all.len()), (16, 1, 17));
}

/// A reset takes streams back with the log, and what was said of the log before is refused.
pub async fn a_reset_takes_streams_back(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let store = Arc::clone(&stage.store);
    stage
        .create(&[&user("u1", "ann"), &user("u2", "bea")])
        .await;
    let taken = store.take_snapshot(stage.partition, "two", Timestamp(START));
    let last = taken.await.unwrap().last_event;
    assert_eq!(last, Version(2), "the numbers of events have no gaps");
    for id in ["near", "far"] {
        store
            .create_stream(stage.partition, stream(id))
            .await
            .unwrap();
    }
    stage.create(&[&user("u3", "cem")]).await;
    for (id, events) in [("near", &[1][..]), ("far", &[1, 2, 3])] {
        let change = store.change_stream(stage.partition, id, acknowledged(events));
        change.await.unwrap();
    }
    let before = stage.partition;
    let after = store.reset(before, Some("two")).await.unwrap();
    let overtaken = store.change_stream(before, "near", acknowledged(&[2]));
    assert_eq!(overtaken.await, Err(RegistryError::Reset));
    for (id, through) in [("near", 1), ("far", 2)] {
        let position = store.stream(after, id).await.unwrap().unwrap().position;
        assert_eq!(position, Position::at(Version(through)), "{id}");
    }
    let nothing = store.reset(after, None).await.unwrap();
    let position = store.stream(nothing, "far").await.unwrap().unwrap();
    assert_eq!(position.position, Position::default());
}

/// Numbers of a tenant's events have no gaps, whatever is refused between them.
pub async fn events_are_numbered_without_gaps(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let other = stage.beside("other").await;
    for n in 0..3 {
        let id = format!("u{n}");
        stage.create(&[&user(&id, &id)]).await;
        stage
            .refused(vec![crate::Change::Create(user("x", &id).create())])
            .await;
        let both = [user("y", &format!("y{n}")), user("z", &id)];
        let both = both.map(|it| crate::Change::Create(it.create()));
        stage.refused(both.into()).await;
        other.create(&[&user(&id, &id)]).await;
    }
    for stage in [stage, other] {
        let events = stage.events().await;
        let numbers: Vec<i64> = events.iter().map(|it| it.version.0).collect();
        assert_eq!(numbers, [1, 2, 3]);
    }
}
