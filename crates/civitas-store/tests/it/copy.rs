//! A store that is copied into another is the same store.

use std::path::Path;

use civitas_directory::{
    Catalogue, Partition, Version,
    catalogue::{Defined, Definitions},
    change::{Change, ChangeSet, Create, Proof},
    client::{Account, Application, Client, DistinguishedName, Roles, Secret, SecretScopes},
    clock::Clock,
    credential::{CredentialChange, LockoutChange, Password, PasswordStatus},
    file::File,
    job::{self, Job, Part, PartDone},
    link::{Link, LinkChange, Purpose},
    mail::Mail,
    record::Timestamp,
    redefinition::{IndexOf, Redefinition},
    retry::Attempt,
    settings,
    store::Store,
    stream::{Completion, Delivery, Payload, Position, Receiver, Status, Stream},
    tenant::Stage as Repeatable,
    text::TextSet,
};
use civitas_scim::{
    Attributes,
    definition::{ExtensionUse, TypeDefinition},
    index,
    schema::{Attribute, Index, ResourceType, Schema, Type},
    tolerance::Profile,
};
use civitas_store::{
    PostgresStore, PostgresUrl, SqliteStore,
    cluster::Cluster,
    copy::{self, Copied, CopyError, End, Progress},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::stage::{Stage, create};

const BADGE: &str = "urn:example:scim:schemas:extension:2.0:Badge";

fn defined<T>(value: T) -> Defined<T> {
    Defined {
        value,
        created: Timestamp(1),
        modified: Timestamp(2),
        version: Version(1),
    }
}

/// An index over numbers, and one that is still to be built.
fn badges() -> Definitions {
    let attribute = |name: &str, r#type| Attribute {
        name: name.into(),
        r#type,
        index: Index::Complete,
        ..Attribute::default()
    };
    let badge = Schema {
        id: BADGE.into(),
        name: "Badge".into(),
        description: String::new(),
        attributes: vec![
            attribute("level", Type::Integer),
            attribute("weight", Type::Decimal),
        ],
    };
    let standard = Catalogue::standard();
    let mut users = TypeDefinition::of(standard.resource_type("User").unwrap());
    users.extensions.push(ExtensionUse {
        schema: BADGE.into(),
        required: false,
    });
    Definitions {
        schemas: vec![defined(badge)],
        types: vec![defined(users)],
        ..Definitions::default()
    }
}

/// Users that databases are apt to take differently.
fn odd(users: &ResourceType) -> Vec<Change> {
    let long = "ä".repeat(3_000);
    let mut changes = Vec::new();
    for (number, (name, level)) in [
        ("\u{0}zero", i64::MIN),
        (&*format!("{long}a"), -1),
        (&*format!("{long}b"), (1 << 53) + 1),
        ("\u{10FFFF}", i64::MAX),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("odd{number}");
        let user = json!({
            "id": id, "userName": name,
            BADGE: { "level": level, "weight": 1.5 * number as f64 },
        });
        let Value::Object(attributes) = &user else {
            unreachable!()
        };
        let attributes: &Attributes = attributes;
        let Change::Create(plain) = create("User", user.clone()) else {
            unreachable!()
        };
        changes.push(Change::Create(Create {
            index: index::entries(attributes, users),
            ..plain
        }));
        let password = Password {
            hash: format!("$argon2id${number}"),
            set: Timestamp(number as i64),
            status: PasswordStatus::Enabled,
        };
        changes.push(Change::Credential(Proof {
            id: format!("odd{number}"),
            change: CredentialChange::Password(password),
        }));
    }
    changes
}

/// Events that are pushed to a receiver.
fn stream() -> Stream {
    Stream {
        id: "stream".into(),
        client: "hr".into(),
        issuer: "https://id.example/scim/v2".into(),
        audience: "\u{0}".into(),
        payload: Payload::Full,
        delivery: Delivery::Push(Receiver {
            endpoint: "https://r.example/events".into(),
            authorization: None,
            authorities: None,
        }),
        created: Timestamp(5),
        status: Status::Enabled,
        reason: None,
        verified: true,
        verification: None,
        position: Position::default(),
        rejected: 0,
        completions: vec![Completion {
            job: "done".into(),
            after: Version(1),
            tokens: 1,
            told: std::collections::BTreeSet::default(),
        }],
    }
}

/// A client with all that there may be of one.
fn client() -> Client {
    Client {
        id: "hr".into(),
        secrets: vec![Secret {
            scopes: SecretScopes::parse("users").unwrap(),
            expires: Some(Timestamp(7)),
            ..Secret::plain("$argon2id$".into())
        }],
        certificates: Vec::new(),
        roles: Roles::parse("write").unwrap(),
        enabled: false,
        profile: Profile::default(),
        account: Some(Account {
            signing_keys: vec!["PEM".into()],
            name: "payroll".into(),
            description: "\u{0}".into(),
            keys: "[]".into(),
            scopes: vec!["fr:idm:*".into()],
        }),
        application: Some(Application {
            name: "\u{0}".into(),
            home: None,
        }),
    }
}

/// Something in every table.
async fn fill<S: Store>(store: S) {
    let host = ["acme.example.com".into()];
    let tenant = store.create_tenant("acme", &host).await.unwrap();
    let partition = tenant.partition;
    let stage = Stage::of(store).await;
    for number in 0..60 {
        stage.user(&format!("user{number}")).await;
    }
    stage.group("staff", &["user3", "user5"]).await;
    stage.delete("User", "user7").await;
    let store = &stage.store;

    let redefinition = Redefinition {
        expect: Version(0),
        definitions: badges(),
        claims: vec![],
        indexes: vec![IndexOf {
            resource_type: "User".into(),
            path: format!("{BADGE}:weight"),
        }],
        dropped: vec![],
    };
    store.redefine(partition, redefinition).await.unwrap();
    let catalogue = store.catalogue(partition).await.unwrap();
    let users = catalogue.resource_type("User").unwrap();
    let set = ChangeSet {
        catalogue: catalogue.version(),
        ..stage.set(odd(users))
    };
    store.commit(partition, set).await.unwrap();

    store.create_client(partition, client()).await.unwrap();
    let certified = Client {
        id: "certified".into(),
        certificates: vec![DistinguishedName::parse("CN=a\\00b").unwrap()],
        account: None,
        application: None,
        ..client()
    };
    store.create_client(partition, certified).await.unwrap();
    let wrong = LockoutChange::Shown {
        matches: false,
        at: Timestamp(5),
    };
    store.change_lockout(partition, "hr", wrong).await.unwrap();
    store.secret("key", &[7; 32]).await.unwrap();
    let rate = settings::Key::RequestsPerSecond;
    let set = settings::Change::new(rate, Some("100".into())).unwrap();
    store
        .change_settings(Some(partition), &[set])
        .await
        .unwrap();
    let repeatable = Repeatable {
        clock: Clock::Frozen { at: Timestamp(77) },
        seed: Some(u64::MAX),
    };
    store.set_stage(partition, repeatable).await.unwrap();
    let at = Timestamp(9);
    store.take_snapshot(partition, "kept", at).await.unwrap();
    store.set_rehearsals(partition, "[\u{0}]").await.unwrap();
    store
        .prune_events(Timestamp(1_010), 1_000, 5)
        .await
        .unwrap();
    fill_work(store, partition).await;
    store.create_stream(partition, stream()).await.unwrap();
    for (token, answer) in [("a", Some("\u{0}")), ("b", None)] {
        let attempt = Attempt::new(&[token], b"", Timestamp(5));
        store.claim_retry(partition, &attempt).await.unwrap();
        if answer.is_some() {
            let settled = store.settle_retry(partition, &attempt.key, answer);
            settled.await.unwrap();
        }
    }
    fill_mails(&stage, catalogue.version()).await;
}

/// A job, and a file for one.
async fn fill_work(store: &impl Store, partition: Partition) {
    let job = Job {
        id: "job".into(),
        kind: "test".into(),
        actor: "client:hr".into(),
        input: "{\u{0}}".into(),
        steps: 3,
        done: 0,
        created: Timestamp(5),
        since: Version(7),
        cancelled: false,
        end: None,
    };
    store.create_job(partition, job).await.unwrap();
    for number in [1, 2] {
        let content = vec![0, 255, b'\\'];
        let part = Part { number, content };
        store.add_job_part(partition, "job", part).await.unwrap();
    }
    let done = PartDone {
        number: 1,
        since: Version(7),
        rows: vec![job::Row {
            step: 1,
            text: "\u{0}".into(),
        }],
    };
    store.finish_job_part(partition, "job", done).await.unwrap();
    let file = File {
        name: "f\u{0}".into(),
        actor: "client:hr".into(),
        created: Timestamp(5),
        size: 2,
        mark: "{}".into(),
    };
    store.add_file(partition, file, vec![0, 255]).await.unwrap();
}

/// Mails, links and texts.
async fn fill_mails<S: Store>(stage: &Stage<S>, catalogue: Version) {
    let (store, partition) = (&stage.store, stage.partition);
    let changes = vec![
        Change::Mail(Mail {
            id: "mail".into(),
            content: "sealed\u{0}".into(),
            at: Timestamp(5),
            attempts: 0,
        }),
        Change::Link(LinkChange::Issue(Link {
            id: "link".into(),
            purpose: Purpose::Reset,
            hash: "h".into(),
            subject: "user3".into(),
            content: "{}".into(),
            expires: Timestamp(9),
        })),
    ];
    let set = ChangeSet {
        catalogue,
        ..stage.set(changes)
    };
    store.commit(partition, set).await.unwrap();
    let texts = TextSet {
        kind: "texts".into(),
        locale: "de".into(),
        media: "text/html".into(),
        content: "a=ä".into(),
    };
    store.set_texts(partition, &[texts]).await.unwrap();
}

fn folder(path: &Path) -> End {
    End::Folder(path.to_owned())
}

fn database(url: &str) -> (End, PostgresUrl) {
    let url: PostgresUrl = url.parse().unwrap();
    (End::Database(Box::new(url.clone())), url)
}

async fn copied(from: &End, to: &End) -> Result<Copied, CopyError> {
    copy::copy(from, to, false, &mut |_| {}).await
}

/// The tables of a data folder with the rows that each has.
fn tables(folder: &Path) -> Vec<(String, i64)> {
    let connection = Connection::open(folder.join("civitas.db")).unwrap();
    let mut names = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .unwrap();
    let names = names.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let count = |name: String| {
        let sql = format!("SELECT count(*) FROM \"{name}\"");
        let count = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        (name, count)
    };
    names.map(|name| count(name.unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_the_same_after_it_was_copied_there_and_back() {
    let root = tempfile::tempdir().unwrap();
    let (old, new) = (root.path().join("old"), root.path().join("new"));
    fill(SqliteStore::open(&old).unwrap()).await;
    let filled = tables(&old);
    // A new table of the store needs something in it here.
    let empty: Vec<_> = filled.iter().filter(|(_, rows)| *rows == 0).collect();
    assert!(empty.is_empty(), "{empty:?}");

    let (there, url) = database(&Cluster::shared().schema());
    let out = copied(&folder(&old), &there).await.unwrap();
    let rows: i64 = filled.iter().map(|(_, rows)| rows).sum();
    assert_eq!((out.tables, out.rows), (filled.len(), rows.cast_unsigned()));
    let back = copied(&there, &folder(&new)).await.unwrap();
    assert_eq!(back, out);
    assert_eq!(tables(&new), filled);

    let over = Stage::of(PostgresStore::open(&url).await.unwrap()).await;
    over.verify().await;
    assert_eq!(over.store.own_streams().await.unwrap().len(), 1);
    assert_eq!(over.store.own_jobs().await.unwrap().len(), 1);
    let embedded = Stage::of(SqliteStore::open(&new).unwrap()).await;
    embedded.verify().await;
    // Numbers go on where they were.
    let create = || vec![create("User", json!({ "id": "new", "userName": "new" }))];
    let changes = |stage: &ChangeSet| ChangeSet {
        catalogue: Version(1),
        ..stage.clone()
    };
    let (here, there) = (over.set(create()), embedded.set(create()));
    assert_eq!(
        over.store.commit(over.partition, changes(&here)).await,
        embedded
            .store
            .commit(embedded.partition, changes(&there))
            .await,
    );
    let next = over.store.create_tenant("next", &[]).await.unwrap();
    let same = embedded.store.create_tenant("next", &[]).await.unwrap();
    assert_eq!(next.partition, same.partition);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_over_postgres_moves_into_a_folder() {
    let root = tempfile::tempdir().unwrap();
    let (from, url) = database(&Cluster::shared().schema());
    fill(PostgresStore::open(&url).await.unwrap()).await;
    let to = folder(root.path());
    let out = copied(&from, &to).await.unwrap();
    let store = Stage::of(SqliteStore::open(root.path()).unwrap()).await;
    store.verify().await;
    drop(store);
    let (again, _) = database(&Cluster::shared().schema());
    assert_eq!(copied(&to, &again).await.unwrap(), out);
    let (third, _) = database(&Cluster::shared().schema());
    assert_eq!(copied(&from, &third).await.unwrap(), out);
}

/// Copies until so many batches were told of, and no further.
async fn cut_off(from: &End, to: &End, batches: usize) -> Option<Copied> {
    let mut told = 0;
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let mut stop = Some(stop);
    let mut watch = |_: Progress| {
        told += 1;
        if told > batches {
            stop.take().map(|stop| stop.send(()));
        }
    };
    let copy = copy::copy(from, to, false, &mut watch);
    tokio::select! {
        biased;
        Ok(()) = stopped => None,
        done = copy => Some(done.unwrap()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_cut_off_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let (old, new) = (root.path().join("old"), root.path().join("new"));
    fill(SqliteStore::open(&old).unwrap()).await;
    let (there, url) = database(&Cluster::shared().schema());
    for (from, to) in [(folder(&old), there.clone()), (there, folder(&new))] {
        let mut runs = 0;
        let whole = loop {
            runs += 1;
            if let Some(whole) = cut_off(&from, &to, runs * 6).await {
                break whole;
            }
            assert!(runs < 1_000, "it ends");
        };
        assert!(runs > 3, "cut off {runs} times");
        let rows: i64 = tables(&old).iter().map(|(_, rows)| rows).sum();
        assert_eq!(whole.rows, rows.cast_unsigned());
    }
    Stage::of(PostgresStore::open(&url).await.unwrap())
        .await
        .verify()
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_a_copy_is_not_served() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    fill(SqliteStore::open(&path("old")).unwrap()).await;
    drop(SqliteStore::open(&path("other")).unwrap());
    let (there, url) = database(&Cluster::shared().schema());
    for to in [there, folder(&path("new"))] {
        assert!(cut_off(&folder(&path("old")), &to, 5).await.is_none());
        let other = copied(&folder(&path("other")), &to).await.unwrap_err();
        assert!(matches!(other, CopyError::OtherSource(_)), "{other}");
        let source = copied(&to, &folder(&path("third"))).await.unwrap_err();
        assert!(source.to_string().contains("unfinished"), "{source}");
    }
    let refused = PostgresStore::open(&url).await.err().unwrap();
    assert!(refused.to_string().contains("unfinished"), "{refused}");
    let refused = SqliteStore::open(&path("new")).err().unwrap();
    assert!(refused.to_string().contains("unfinished"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_holds_data_is_not_written_over() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    for name in ["old", "full"] {
        fill(SqliteStore::open(&path(name)).unwrap()).await;
    }
    let before = tables(&path("full"));
    let (from, to) = (folder(&path("old")), folder(&path("full")));
    for restart in [false, true] {
        let refused = copy::copy(&from, &to, restart, &mut |_| {}).await;
        assert!(matches!(refused, Err(CopyError::NotEmpty)));
    }
    assert_eq!(tables(&path("full")), before);
    let missing = copied(&folder(&path("none")), &to).await.unwrap_err();
    assert!(missing.to_string().contains("no database"), "{missing}");
    assert!(!path("none").exists());
    let same = copied(&from, &from).await.unwrap_err();
    assert!(matches!(same, CopyError::Open(_)), "{same}");
}

/// A source that goes on changing is found out, and a copy of it begun anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_changes_meanwhile_is_found_out() {
    let root = tempfile::tempdir().unwrap();
    let old = root.path().join("old");
    fill(SqliteStore::open(&old).unwrap()).await;
    let (there, _) = database(&Cluster::shared().schema());
    let from = folder(&old);
    // Clients were copied by then, and other tables were not.
    assert!(cut_off(&from, &there, 20).await.is_none());
    let changed = Connection::open(old.join("civitas.db")).unwrap();
    changed
        .execute("UPDATE client SET roles = 'new'", [])
        .unwrap();
    drop(changed);
    let differ = copied(&from, &there).await.unwrap_err();
    let CopyError::Differ { tables } = &differ else {
        panic!("{differ}")
    };
    assert_eq!(tables, "client");
    copy::copy(&from, &there, true, &mut |_| {}).await.unwrap();
}
