//! What is particular to the store over PostgreSQL: several nodes, lost connections, and values
//! that no index takes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use civitas_directory::{
    change::{Change, ChangeSet, Rejected},
    job::{Job, Part, PartDone},
    mail::{Mail, Settled},
    record::{Timestamp, Version},
    store::{ReadError, RegistryError, Store as _},
    stream::{Delivery, Payload, Position, Receiver, Status, Stream, StreamChange},
    tenant::Partition,
};
use civitas_store::{
    OpenPostgresError, PostgresOptions, PostgresStore, PostgresUrl, cluster::Cluster,
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::stage::{Stage, condition, create, ids, index_page, sort};

/// A store of its own, empty.
pub(crate) async fn store() -> PostgresStore {
    open(&Cluster::shared().schema()).await.unwrap()
}

async fn open(url: &str) -> Result<PostgresStore, OpenPostgresError> {
    PostgresStore::open(&url.parse::<PostgresUrl>().unwrap()).await
}

/// Two nodes over one database.
async fn two() -> [Arc<Stage<PostgresStore>>; 2] {
    let url = Cluster::shared().schema();
    let here = Stage::of(open(&url).await.unwrap()).await;
    let there = Stage::of(open(&url).await.unwrap()).await;
    assert_eq!(here.partition, there.partition);
    [Arc::new(here), Arc::new(there)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_add_members_to_one_group_and_none_is_lost() {
    let nodes = two().await;
    nodes[0].group("staff", &[]).await;
    let mut names: Vec<String> = (0..64).map(|number| format!("u{number:02}")).collect();
    let users = names
        .iter()
        .map(|id| create("User", json!({ "id": id, "userName": id })));
    nodes[1].commit(users.collect()).await.unwrap();
    let mut tasks = JoinSet::new();
    for (number, name) in names.iter().cloned().enumerate() {
        let node = Arc::clone(&nodes[number % 2]);
        tasks.spawn(async move { node.add("staff", &[&name]).await.unwrap().version });
    }
    let mut versions = tasks.join_all().await;
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), 64);
    for node in &nodes {
        let members = node.read("Group", "staff").await.unwrap().members.unwrap();
        let mut members: Vec<String> = members.into_iter().map(|it| it.id).collect();
        members.sort_unstable();
        names.sort_unstable();
        assert_eq!(members, names);
    }
    nodes[0].verify().await;
}

/// If each of them made the database read all members that there are, it would give up.
#[tokio::test]
async fn thousands_of_members_are_added_to_a_large_group() {
    let stage = Stage::of(store().await).await;
    stage.group("staff", &[]).await;
    let names: Vec<String> = (0..4_000).map(|number| format!("u{number:04}")).collect();
    let users = names.iter();
    let users = users.map(|id| create("User", json!({ "id": id, "userName": id })));
    stage.commit(users.collect()).await.unwrap();
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(stage.add("staff", &members).await.unwrap().changed);
    assert!(!stage.add("staff", &members).await.unwrap().changed);
    stage.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_one_name_asked_for_through_two_new_nodes_one_is_created() {
    let nodes = two().await;
    let mut tasks = JoinSet::new();
    for number in 0..32 {
        let node = Arc::clone(&nodes[number % 2]);
        let user = json!({ "id": format!("u{number}"), "userName": "ann" });
        tasks.spawn(async move { node.commit(vec![create("User", user)]).await });
    }
    let results = tasks.join_all().await;
    let taken = Rejected::Taken {
        path: "userName".into(),
    };
    assert_eq!(results.iter().filter(|it| it.is_ok()).count(), 1);
    assert_eq!(
        results
            .iter()
            .filter(|it| **it == Err(taken.clone()))
            .count(),
        31
    );
    nodes[1].verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_reads_at_once_what_another_has_committed() {
    let [here, there] = two().await;
    for number in 0..20 {
        let name = format!("u{number}");
        let committed = here.user(&name).await;
        let found = there.read("User", &name).await.unwrap();
        assert_eq!(found.record.version, committed.version);
        let page = there.search("User", None, None, index_page(0, 1)).await;
        assert_eq!(page.unwrap().total, number + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_connections_are_replaced() {
    let cluster = Cluster::start();
    let stage = Stage::of(open(&cluster.schema()).await.unwrap()).await;
    stage.user("ann").await;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE application_name = 'civitas'";
    for round in 0..5 {
        cluster.psql(end).unwrap();
        // What was on its way may fail, and says so; what comes then does not.
        let name = format!("u{round}");
        let user = || create("User", json!({ "id": name, "userName": name }));
        let outcome = stage.commit(vec![user()]).await;
        assert!(
            matches!(outcome, Ok(_) | Err(Rejected::Unavailable(_))),
            "{outcome:?}"
        );
        if outcome.is_err() {
            let again = stage.commit(vec![user()]).await;
            assert!(
                matches!(again, Ok(_) | Err(Rejected::Exists { .. })),
                "{again:?}"
            );
        }
        assert!(stage.read("User", &name).await.is_some());
        assert_eq!(stage.store.ready().await, Ok(()));
    }
    drop(cluster);
    let lost = stage.store.ready().await;
    assert!(matches!(lost, Err(ReadError::Unavailable(_))), "{lost:?}");
}

/// Keys that begin alike for longer than an index takes are told apart, and sorted, by what
/// follows.
#[tokio::test]
async fn values_longer_than_an_index_takes_are_told_apart() {
    let stage = Stage::<PostgresStore>::new().await;
    let long = "x".repeat(5_000);
    let names = ["b", "a", "c", "", "aa"].map(|end| format!("{long}{end}"));
    for (number, name) in names.iter().enumerate() {
        let user = json!({ "id": format!("u{number}"), "userName": name, "displayName": name });
        stage.create("User", user).await;
    }
    let again = json!({ "id": "other", "userName": names[0] });
    let refused = stage.commit(vec![create("User", again)]).await;
    assert!(
        matches!(refused, Err(Rejected::Taken { .. })),
        "{refused:?}"
    );
    let eq = condition("User", &format!("userName eq \"{}\"", names[1]));
    let found = stage
        .search("User", Some(eq), None, index_page(0, 10))
        .await;
    assert_eq!(ids(&found.unwrap()), ["u1"]);
    for (filter, expected) in [
        (format!("userName sw \"{long}a\""), &["u1", "u4"][..]),
        (format!("userName gt \"{long}a\""), &["u0", "u2", "u4"]),
        (format!("userName le \"{long}a\""), &["u1", "u3"]),
        ("userName ew \"xaa\"".into(), &["u4"]),
        ("userName co \"xc\"".into(), &["u2"]),
    ] {
        let filter = condition("User", &filter);
        let found = stage
            .search("User", Some(filter), None, index_page(0, 10))
            .await;
        assert_eq!(ids(&found.unwrap()), expected);
    }
    let order = sort("User", "displayName", false);
    let found = stage
        .search("User", None, Some(order), index_page(0, 10))
        .await;
    assert_eq!(ids(&found.unwrap()), ["u3", "u1", "u4", "u0", "u2"]);
    stage.verify().await;
}

#[tokio::test]
async fn data_of_a_newer_version_is_refused() {
    let cluster = Cluster::shared();
    let url = cluster.schema();
    open(&url).await.unwrap().close();
    let (_, schema) = url.rsplit_once("%3D").unwrap();
    let newer = format!("INSERT INTO {schema}.migration (number, name) VALUES (1000, 'new')");
    cluster.psql(&newer).unwrap();
    let refused = open(&url).await.err().unwrap();
    assert!(matches!(refused, OpenPostgresError::Newer), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_make_the_tables_once() {
    let url = Cluster::shared().schema();
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let url = url.clone();
        tasks.spawn(async move { open(&url).await.map(drop) });
    }
    for opened in tasks.join_all().await {
        opened.unwrap();
    }
}

/// How long jobs and streams are left to nodes that lend them briefly.
const LEASE: Duration = Duration::from_millis(600);

/// Two nodes that lend jobs and streams briefly, over a database with one tenant.
async fn two_that_lend() -> (PostgresStore, PostgresStore, Partition) {
    let url = Cluster::shared().schema();
    let node = async || {
        let options = PostgresOptions {
            job_lease: LEASE,
            mail_lease: LEASE * 10,
            ..PostgresOptions::default()
        };
        let url = url.parse::<PostgresUrl>().unwrap();
        PostgresStore::open_with(&url, &options).await.unwrap()
    };
    let (here, there) = (node().await, node().await);
    let acme = here.create_tenant("acme", &[]).await.unwrap().partition;
    (here, there, acme)
}

/// Waits until something is there.
async fn until<T>(what: &str, mut is_there: impl AsyncFnMut() -> Vec<T>) -> Vec<T> {
    let begun = Instant::now();
    loop {
        let found = is_there().await;
        if !found.is_empty() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(LEASE / 10).await;
    }
}

fn job() -> Job {
    Job {
        id: "job".into(),
        kind: "test".into(),
        actor: "client:a".into(),
        input: "{}".into(),
        steps: 1,
        done: 0,
        created: Timestamp(1),
        since: Version(0),
        cancelled: false,
        end: None,
    }
}

/// A mail is sent by one node at a time, and by another when the one that took it is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_is_taken_by_one_node_at_a_time() {
    let (here, there, acme) = two_that_lend().await;
    let mails = (0..40).map(|number| {
        Change::Mail(Mail {
            id: format!("mail-{number:02}"),
            content: "sealed".into(),
            at: Timestamp(1),
            attempts: 0,
        })
    });
    let set = ChangeSet {
        at: Timestamp(1),
        catalogue: Version(0),
        actor: "test".into(),
        request_id: "r".into(),
        changes: mails.collect(),
    };
    here.commit(acme, set).await.unwrap();
    let take = async |node: &PostgresStore| {
        let taken = node.take_mails(8).await.unwrap().into_iter();
        taken.map(|(_, mail)| mail.id).collect::<Vec<_>>()
    };
    let mut taken = Vec::new();
    while taken.len() < 40 {
        let (one, other) = tokio::join!(take(&here), take(&there));
        taken.extend([one, other].concat());
    }
    taken.sort();
    let all: Vec<String> = (0..40).map(|it| format!("mail-{it:02}")).collect();
    assert_eq!(taken, all, "each once");
    for id in &all[1..] {
        here.settle_mail(acme, id, Settled::Done).await.unwrap();
    }
    let left = until("the lease ends", async || take(&there).await).await;
    assert_eq!(left, all[..1]);
    assert_eq!(take(&here).await, [""; 0]);
}

/// Jobs are their node's for as long as it asks for them, and another's soon after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_a_node_that_is_gone_are_taken_up() {
    let (here, there, acme) = two_that_lend().await;
    let (job, lease) = (job(), LEASE);
    here.create_job(acme, job.clone()).await.unwrap();
    for _ in 0..8 {
        assert_eq!(there.own_jobs().await.unwrap(), []);
        assert_eq!(here.own_jobs().await.unwrap(), [(acme, job.clone())]);
        tokio::time::sleep(lease / 4).await;
    }
    until("nobody has the job", async || {
        there.own_jobs().await.unwrap()
    })
    .await;
    assert_eq!(here.own_jobs().await.unwrap(), [], "it is another's now");
}

/// Who lost a job does not finish parts of it; parts that a node receives are left by others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_of_jobs_are_those_of_one_node() {
    let (here, there, acme) = two_that_lend().await;
    let part = |number| Part {
        number,
        content: vec![1],
    };
    let done = |number| PartDone {
        number,
        since: Version(0),
        rows: Vec::new(),
    };
    here.add_job_part(acme, "job", part(0)).await.unwrap();
    let idle = Duration::from_mins(1);
    there.drop_stray_parts(idle).await.unwrap();
    assert_eq!(here.next_job_part(acme, "job").await, Ok(Some(part(0))));
    here.add_job_part(acme, "job", part(1)).await.unwrap();
    here.create_job(acme, job()).await.unwrap();
    let strange = there.finish_job_part(acme, "job", done(0)).await;
    assert!(matches!(strange, Err(RegistryError::Missing(_))));
    here.finish_job_part(acme, "job", done(0)).await.unwrap();
    until("nobody has the job", async || {
        there.own_jobs().await.unwrap()
    })
    .await;
    let lost = here.finish_job_part(acme, "job", done(1)).await;
    assert!(matches!(lost, Err(RegistryError::Missing(_))));
    assert_eq!(here.next_job_part(acme, "job").await, Ok(Some(part(1))));
    there.finish_job_part(acme, "job", done(1)).await.unwrap();
    assert_eq!(here.next_job_part(acme, "job").await, Ok(None));
}

/// A stream is pushed by one node at a time, by the same one for as long as it asks, and by
/// another soon after. One that nobody is to push is nobody's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_a_node_that_is_gone_are_taken_up() {
    let (here, there, acme) = two_that_lend().await;
    let receiver = Receiver {
        endpoint: "https://r.example/events".into(),
        authorization: None,
        authorities: None,
    };
    for (id, delivery) in [
        ("polled", Delivery::Poll),
        ("pushed", Delivery::Push(receiver)),
    ] {
        let stream = Stream {
            id: id.into(),
            client: "sync".into(),
            issuer: "https://id.example/scim/v2".into(),
            audience: "sync".into(),
            payload: Payload::Notice,
            delivery,
            created: Timestamp(1),
            status: Status::Enabled,
            reason: None,
            verified: false,
            verification: None,
            position: Position::default(),
            rejected: 0,
            completions: Vec::new(),
        };
        here.create_stream(acme, stream).await.unwrap();
    }
    let ids = |own: Vec<(Partition, Stream)>| {
        let ids = own.into_iter().map(|(of, stream)| (of, stream.id));
        ids.collect::<Vec<_>>()
    };
    let pushed = [(acme, "pushed".to_owned())];
    assert_eq!(ids(there.own_streams().await.unwrap()), pushed);
    for _ in 0..8 {
        assert_eq!(here.own_streams().await, Ok(vec![]));
        assert_eq!(ids(there.own_streams().await.unwrap()), pushed);
        tokio::time::sleep(LEASE / 4).await;
    }
    let taken = until("nobody has the stream", async || {
        here.own_streams().await.unwrap()
    });
    assert_eq!(ids(taken.await), pushed);
    assert_eq!(there.own_streams().await, Ok(vec![]));

    let status = |status| StreamChange::Status {
        status,
        reason: None,
        from: None,
    };
    let change = async |to| there.change_stream(acme, "pushed", status(to)).await;
    change(Status::Paused).await.unwrap();
    assert_eq!(here.own_streams().await, Ok(vec![]));
    change(Status::Enabled).await.unwrap();
    assert_eq!(ids(here.own_streams().await.unwrap()), pushed);
    there.drop_stream(acme, "pushed").await.unwrap();
    assert_eq!(here.own_streams().await, Ok(vec![]));
}

/// What one node changes of the registry the others are told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_the_registry_are_told_to_other_nodes() {
    let [here, there] = two().await;
    let told = async {
        // The first times may be those at which the node begins to listen.
        for number in 0..3 {
            let changed = there.store.registry_changed();
            let change = async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                let name = format!("tenant{number}");
                here.store.create_tenant(&name, &[]).await.unwrap();
            };
            tokio::join!(changed, change);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), told)
        .await
        .unwrap();
}

/// A connection is encrypted for whoever trusts the server's certificate and calls it by its
/// name; nobody else gets one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_encrypted_to_servers_that_are_trusted() {
    let (cluster, port, certificate) = Cluster::encrypted();
    let file = certificate.to_str().unwrap().replace('/', "%2F");
    let url = |host: &str, more: &str| {
        format!("postgres://postgres@{host}:{port}/postgres?sslrootcert={file}&{more}")
    };
    let store = open(&url("localhost", "sslmode=verify-full"))
        .await
        .unwrap();
    assert_eq!(store.ready().await, Ok(()));
    let of_store = "FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                    WHERE application_name = 'civitas'";
    let clear = cluster.psql(&format!("SELECT count(*) {of_store} AND NOT ssl"));
    assert_eq!(clear.unwrap().trim(), "0");
    let encrypted = cluster.psql(&format!("SELECT count(*) > 0 {of_store} AND ssl"));
    assert_eq!(encrypted.unwrap().trim(), "t");

    let by_another_name = open(&url("127.0.0.1", "sslmode=require")).await;
    let refused = by_another_name.err().unwrap().to_string();
    assert!(refused.contains("TLS"), "{refused}");
    let (_stranger, _, theirs) = Cluster::encrypted();
    let theirs = theirs.to_str().unwrap().replace('/', "%2F");
    let trusting_another = url("localhost", "sslmode=require").replace(&file, &theirs);
    let refused = open(&trusting_another).await.err().unwrap().to_string();
    assert!(refused.contains("TLS"), "{refused}");
}
