//! What the store costs on this machine: `cargo run --release -p civitas-store --example
//! figures -- [users] [folder]`. CPU is that of the whole process, in microseconds.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use civitas_directory::{
    change::{Change, ChangeSet, Create, Members, NewMember, Unique},
    record::Timestamp,
    store::{Page, Query, Selection, Store, Want},
    tenant::Partition,
};
use civitas_scim::{
    condition::Sort,
    core,
    filter::{Filter, Limits},
    index,
    tolerance::Tolerance,
};
use civitas_store::{DataFolder, SqliteStore};
use serde_json::{Value, json};

const PARALLEL: usize = 16;

/// CPU time of the process, all threads (`utime` and `stime` in ticks of 10 ms).
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = |field: usize| after.split(' ').nth(field).and_then(|it| it.parse().ok());
    Duration::from_millis(10 * (ticks(11).unwrap_or(0u64) + ticks(12).unwrap_or(0)))
}

fn rss_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kib = line
        .and_then(|line| line.split_whitespace().nth(1))
        .and_then(|it| it.parse().ok());
    kib.unwrap_or(0u64) / 1024
}

fn report(what: &str, times: u32, cpu_before: Duration, since: Instant) {
    let (cpu, wall) = (cpu().saturating_sub(cpu_before), since.elapsed());
    println!(
        "{what:<46} {:>9.1?} wall {:>9.1?} cpu",
        wall / times,
        cpu / times
    );
}

fn id(number: u64) -> String {
    format!("0199a1b2-{:04x}-7000-8000-{number:012x}", number >> 8)
}

fn user(number: u64) -> Value {
    // Spread like names, not in order of creation.
    let name = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 24;
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "id": id(number),
        "externalId": format!("{name:x}"),
        "userName": format!("user{name:x}@example.com"),
        "name": { "formatted": format!("Given{number} Family{name}"), "familyName": format!("Family{name}"),
            "givenName": format!("Given{number}") },
        "displayName": format!("Given{name} Family{number}"),
        "title": "Engineer", "locale": "en-GB", "timezone": "Europe/London", "active": true,
        "emails": [{ "value": format!("user{name:x}@example.com"), "type": "work", "primary": true },
            { "value": format!("home{name:x}@mail.example"), "type": "home" }],
        "phoneNumbers": [{ "value": "tel:+44-555-0100", "type": "work" }],
        "addresses": [{ "type": "work", "streetAddress": "100 Universal City Plaza",
            "locality": "Hollywood", "region": "CA", "postalCode": "91608", "country": "US",
            "formatted": "100 Universal City Plaza\nHollywood, CA 91608 USA" }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "employeeNumber": format!("{number}"),
            "costCenter": "4130", "department": "Tour Operations", "division": "Theme Park",
            "manager": { "value": id(number / 10) } }
    })
}

fn create(resource: &Value) -> Change {
    let attributes = resource.as_object().expect("an object");
    let index = index::entries(attributes, &core::user());
    let unique = index.iter().filter(|entry| entry.path == "userName");
    Change::Create(Create {
        resource_type: "User".into(),
        id: resource["id"].as_str().unwrap_or_default().into(),
        document: resource.to_string(),
        display: resource["displayName"].as_str().unwrap_or_default().into(),
        unique: unique
            .map(|entry| Unique {
                path: entry.path.clone(),
                key: entry.key.clone(),
            })
            .collect(),
        index,
    })
}

fn set(changes: Vec<Change>, number: u64) -> ChangeSet {
    ChangeSet {
        catalogue: civitas_directory::Version(0),
        at: Timestamp(1_790_000_000_000 + number.cast_signed()),
        actor: "client:admin".into(),
        request_id: id(number),
        changes,
    }
}

/// Commits that many change sets from parallel tasks, one at a time each.
async fn parallel(store: &Arc<SqliteStore>, partition: Partition, sets: Vec<ChangeSet>) {
    let mut tasks = Vec::new();
    let mut lots: Vec<Vec<ChangeSet>> = (0..PARALLEL).map(|_| Vec::new()).collect();
    for (number, set) in sets.into_iter().enumerate() {
        lots[number % PARALLEL].push(set);
    }
    for lot in lots {
        let store = Arc::clone(store);
        tasks.push(tokio::spawn(async move {
            for set in lot {
                store.commit(partition, set).await.expect("committed");
            }
        }));
    }
    for task in tasks {
        task.await.expect("done");
    }
}

fn query(
    filter: Option<&str>,
    sort: Option<&str>,
    offset: u64,
    count: usize,
    groups: bool,
) -> Query {
    let condition = filter.map(|filter| {
        let filter = Filter::parse(filter, &Limits::default()).expect("a filter");
        filter
            .resolve(&core::user(), &[], &Tolerance::generic())
            .expect("a condition")
    });
    Query {
        selections: vec![Selection {
            resource_type: "User".into(),
            condition,
            sort: sort.map(|path| {
                let (path, descending) = path
                    .strip_prefix('-')
                    .map_or((path, false), |it| (it, true));
                Sort::resolve(path, descending, &core::user()).expect("an order")
            }),
        }],
        page: Page::Index { offset, count },
        want: Want {
            groups,
            members: None,
        },
        max_examined: 20_000,
        counted: true,
    }
}

fn main() {
    let mut arguments = env::args().skip(1);
    let users: u64 = arguments
        .next()
        .and_then(|it| it.parse().ok())
        .unwrap_or(100_000);
    let folder = arguments
        .next()
        .map_or_else(|| PathBuf::from("/tmp/civitas-figures"), PathBuf::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime
        .expect("a runtime")
        .block_on(figures(users, &folder));
}

async fn figures(users: u64, folder: &Path) {
    let exists = folder.join(DataFolder::DATABASE).exists();
    let since = Instant::now();
    let store = Arc::new(SqliteStore::open(folder).expect("opened"));
    println!("open {:?}", since.elapsed());
    if !exists {
        let tenant = store.create_tenant("default", &[]).await.expect("created");
        load(&store, tenant.partition, users).await;
    }
    let partition = store.tenants().await.expect("tenants")[0].partition;
    writes(&store, partition, users).await;
    reads(&store, partition, users).await;
    searches(&store, partition, users).await;
    println!("resident {} MiB", rss_mib());
    let size = fs::metadata(folder.join(DataFolder::DATABASE)).map_or(0, |it| it.len());
    println!("{} bytes on disk per user", size / users);
    let since = Instant::now();
    let findings = store.verify().await.expect("verified");
    println!("verify {:?}: {findings:?}", since.elapsed());
}

async fn load(store: &Arc<SqliteStore>, partition: Partition, users: u64) {
    let (before, since) = (cpu(), Instant::now());
    for start in (0..users).step_by(500) {
        let users = (start..users.min(start + 500)).map(|number| create(&user(number)));
        store
            .commit(partition, set(users.collect(), start))
            .await
            .expect("committed");
    }
    report("load, per user", users as u32, before, since);
    let group = json!({ "id": "staff", "displayName": "Staff" });
    let create = Create {
        resource_type: "Group".into(),
        id: "staff".into(),
        document: group.to_string(),
        display: "Staff".into(),
        index: index::entries(group.as_object().expect("an object"), &core::group()),
        unique: Vec::new(),
    };
    store
        .commit(partition, set(vec![Change::Create(create)], 0))
        .await
        .expect("committed");
    for start in (0..users / 2).step_by(1_000) {
        let members: Vec<String> = (start..start + 1_000).map(id).collect();
        store
            .commit(partition, set(vec![add(&members)], 0))
            .await
            .expect("committed");
    }
}

fn add(members: &[String]) -> Change {
    let member = |id: &String| NewMember {
        id: id.clone(),
        claimed_type: Some("User".into()),
        display: None,
    };
    Change::Members(Members {
        group: "staff".into(),
        expect: None,
        clear: false,
        remove: Vec::new(),
        add: members.iter().map(member).collect(),
    })
}

async fn writes(store: &Arc<SqliteStore>, partition: Partition, users: u64) {
    let fresh = users + u64::from(std::process::id()) * 100_000;
    let sets: Vec<_> = (fresh..fresh + 8_000)
        .map(|n| set(vec![create(&user(n))], n))
        .collect();
    let (commits, before, since) = (store.commits(), cpu(), Instant::now());
    parallel(store, partition, sets).await;
    report("create, 16 callers", 8_000, before, since);
    println!(
        "  {:.1} change sets a commit",
        8_000.0 / (store.commits() - commits) as f64
    );

    let (before, since) = (cpu(), Instant::now());
    for number in fresh + 8_000..fresh + 8_500 {
        let set = set(vec![create(&user(number))], number);
        store.commit(partition, set).await.expect("committed");
    }
    report("create, one caller", 500, before, since);

    let sets: Vec<_> = (fresh..fresh + 8_000)
        .map(|n| set(vec![add(&[id(n)])], n))
        .collect();
    let (before, since) = (cpu(), Instant::now());
    parallel(store, partition, sets).await;
    report("add a member, 16 callers", 8_000, before, since);
}

async fn reads(store: &SqliteStore, partition: Partition, users: u64) {
    for groups in [false, true] {
        let want = Want {
            groups,
            members: None,
        };
        let (before, since) = (cpu(), Instant::now());
        for number in 0..50_000u64 {
            let id = id(number.wrapping_mul(0x9E37_79B9) % users);
            let found = store
                .read(partition, "User", &id, want)
                .await
                .expect("read");
            assert!(found.is_some());
        }
        report(
            &format!("read by id, groups: {groups}"),
            50_000,
            before,
            since,
        );
    }
}

async fn searches(store: &SqliteStore, partition: Partition, users: u64) {
    let one = user(users / 3)["userName"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let eq = format!("userName eq \"{one}\"");
    let cases: [(&str, Query, u32); 14] = [
        ("userName eq", query(Some(&eq), None, 0, 100, true), 5_000),
        ("page of 100", query(None, None, 0, 100, true), 500),
        (
            "page of 100 without groups",
            query(None, None, 0, 100, false),
            500,
        ),
        (
            "page of 100 at 90 %",
            query(None, None, users / 10 * 9, 100, true),
            500,
        ),
        (
            "emails.value co, rare",
            query(Some("emails.value co \"1234a\""), None, 0, 100, true),
            20,
        ),
        (
            "emails.value co, half",
            query(Some("emails.value co \"example.com\""), None, 0, 100, true),
            20,
        ),
        (
            "emails.value ew",
            query(
                Some("emails.value ew \"@mail.example\""),
                None,
                0,
                100,
                true,
            ),
            20,
        ),
        (
            "displayName sw",
            query(Some("displayName sw \"given1234\""), None, 0, 100, true),
            100,
        ),
        (
            "active eq true",
            query(Some("active eq true"), None, 0, 100, true),
            20,
        ),
        (
            "active eq true and userName sw",
            query(
                Some("active eq true and userName sw \"user12\""),
                None,
                0,
                100,
                true,
            ),
            20,
        ),
        (
            "groups.value eq",
            query(Some("groups.value eq \"staff\""), None, 0, 100, true),
            20,
        ),
        (
            "sorted by userName",
            query(None, Some("userName"), 0, 100, true),
            100,
        ),
        (
            "sorted by userName at 90 %",
            query(None, Some("userName"), users / 10 * 9, 100, true),
            20,
        ),
        (
            "sorted by userName, descending",
            query(None, Some("-userName"), 0, 100, true),
            20,
        ),
    ];
    for (what, query, times) in cases {
        let mut total = 0;
        let (before, since) = (cpu(), Instant::now());
        for _ in 0..times {
            total = store
                .search(partition, query.clone())
                .await
                .expect("found")
                .total;
        }
        report(&format!("{what} ({total})"), times, before, since);
    }
}
