//! Two nodes over a database that is not there for a while, answers late, or loses connections:
//! waiting is bounded, refusals are the documented one, nothing that was acknowledged is lost,
//! and what clients see is one history.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use civitas_store::cluster::Cluster;
use serde_json::json;

use crate::{
    history::{self, Operation, Outcome, What},
    link::Link,
    nodes::until,
    server::{Answer, Client, Server, USER},
};

const WRITERS: usize = 16;

/// Connections of a node: for requests, for what takes its time, to listen.
const CONNECTIONS: usize = 10 + 2 + 1;

/// A number that a long run sets.
fn set(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok().and_then(|it| it.parse().ok());
    set.unwrap_or(default)
}

/// What writers heard.
#[derive(Default)]
struct Heard {
    created: Vec<String>,
    refused: usize,
    longest: Duration,
}

/// Creates users until it is to stop.
fn create_until(stop: &AtomicBool, client: &Client, heard: &Mutex<Heard>, name: &str) {
    let json = [("Content-Type", "application/scim+json")];
    for n in 0.. {
        if stop.load(Relaxed) {
            return;
        }
        let user = json!({ "schemas": [USER], "userName": format!("{name}-{n}") }).to_string();
        let asked = Instant::now();
        let answer = client.try_send("POST", "/scim/v2/Users", &json, Some(user.as_bytes()));
        let answer = answer.expect("every request is answered");
        let mut heard = heard.lock().unwrap();
        heard.longest = heard.longest.max(asked.elapsed());
        if answer.status == 201 {
            let id = answer.body()["id"].as_str().unwrap().to_owned();
            heard.created.push(id);
            continue;
        }
        documented(&answer);
        heard.refused += 1;
        drop(heard);
        thread::sleep(Duration::from_millis(20));
    }
}

/// A refusal for want of the database.
fn documented(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(!answer.header("retry-after").is_empty());
}

/// Writes through two nodes while something is the matter, and after that.
fn under_load(what: &str, matter: impl FnOnce(&[Link; 2])) {
    let cluster = Cluster::start();
    let direct = cluster.schema();
    let links = [Link::to(&cluster), Link::to(&cluster)];
    let nodes = links
        .each_ref()
        .map(|link| Server::node(&link.url(&direct)));
    let (stop, heard) = (AtomicBool::new(false), Mutex::new(Heard::default()));
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (client, stop, heard) = (nodes[writer % 2].client(), &stop, &heard);
            scope.spawn(move || create_until(stop, &client, heard, &format!("{writer}")));
        }
        thread::sleep(Duration::from_millis(300));
        matter(&links);
        let created = || {
            let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.created.len()
        };
        let before = created();
        until("writes go on", || created() > before + WRITERS * 4);
        stop.store(true, Relaxed);
    });
    let heard = heard.into_inner().unwrap();
    println!(
        "{what}: {} created, {} refused, the longest answer after {:?}",
        heard.created.len(),
        heard.refused,
        heard.longest
    );
    let [one, other] = nodes.each_ref().map(Server::client);
    for (n, id) in heard.created.iter().enumerate() {
        let client = [&one, &other][n % 2];
        assert_eq!(
            client.get(&format!("/Users/{id}")).status,
            200,
            "{id} is gone"
        );
    }
    let open = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'civitas'";
    until("no more connections are open than there may be", || {
        let open: usize = cluster.psql(open).unwrap().trim().parse().unwrap();
        open <= CONNECTIONS * 2
    });
}

#[test]
fn a_network_that_is_cut_is_outlived() {
    let time = Duration::from_secs(set("CIVITAS_CUT_SECONDS", 2));
    under_load("cut off from the database", |links| {
        links.iter().for_each(Link::cut);
        thread::sleep(time);
        links.iter().for_each(Link::mend);
    });
}

#[test]
fn a_database_that_is_slow_is_outlived() {
    let time = Duration::from_secs(set("CIVITAS_CUT_SECONDS", 2));
    let delay = Duration::from_millis(set("CIVITAS_SLOW_MS", 200));
    under_load("the database is slow", |links| {
        for link in links {
            link.delay(delay);
        }
        thread::sleep(time);
        for link in links {
            link.delay(Duration::ZERO);
        }
    });
}

const CLIENTS: usize = 8;
const RESOURCES: usize = 2;

/// What clients did to each resource.
type Histories = Vec<Mutex<Vec<Operation>>>;

/// A client that reads through one node and writes what it read of through either.
struct Observer<'o> {
    number: usize,
    nodes: &'o [RwLock<Client>; 2],
    ids: &'o [String],
    histories: &'o Histories,
    since: Instant,
}

impl Observer<'_> {
    fn run(&self, stop: &AtomicBool) {
        // Every client has its own order of nodes and resources.
        let mut chance = self.number as u64 + 1;
        let mut versions: HashMap<usize, u64> = HashMap::new();
        for n in 0.. {
            if stop.load(Relaxed) {
                return;
            }
            chance = chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let (resource, node) = (
                (chance >> 33) as usize % RESOURCES,
                (chance >> 40) as usize % 2,
            );
            let client = self.nodes[node].read().unwrap().clone();
            // Sometimes a version that may be old by now.
            let known = versions
                .get(&resource)
                .copied()
                .filter(|_| (chance >> 45).is_multiple_of(4));
            let seen = match known {
                Some(version) => Some(version),
                None => self.read(&client, resource),
            };
            let Some(from) = seen else {
                thread::sleep(Duration::from_millis(5));
                continue;
            };
            let client = self.nodes[(chance >> 50) as usize % 2]
                .read()
                .unwrap()
                .clone();
            let made = self.write(&client, resource, from, n);
            versions.insert(resource, made.unwrap_or(from));
        }
    }

    fn note(&self, resource: usize, began: Duration, what: What) {
        let ended = self.since.elapsed();
        let operation = Operation { began, ended, what };
        self.histories[resource].lock().unwrap().push(operation);
    }

    fn read(&self, client: &Client, resource: usize) -> Option<u64> {
        let began = self.since.elapsed();
        let path = format!("/scim/v2/Users/{}", self.ids[resource]);
        let answer = client.try_send("GET", &path, &[], None)?;
        if answer.status != 200 {
            documented(&answer);
            return None;
        }
        let (version, value) = seen(&answer);
        self.note(resource, began, What::Read { version, value });
        Some(version)
    }

    fn write(&self, client: &Client, resource: usize, from: u64, n: usize) -> Option<u64> {
        let id = &self.ids[resource];
        let value = format!("{} of {}", n, self.number);
        let user = json!({ "schemas": [USER], "userName": id, "title": value }).to_string();
        let tag = format!("W/\"{from}\"");
        let fields = [
            ("Content-Type", "application/scim+json"),
            ("If-Match", &tag),
        ];
        let began = self.since.elapsed();
        let path = format!("/scim/v2/Users/{id}");
        let answer = client.try_send("PUT", &path, &fields, Some(user.as_bytes()));
        let outcome = match &answer {
            Some(answer) if answer.status == 200 => Outcome::Made(seen(answer).0),
            Some(answer) if answer.status == 412 => Outcome::Refused,
            Some(answer) => {
                documented(answer);
                Outcome::Unknown
            }
            None => Outcome::Unknown,
        };
        let what = What::Write {
            from,
            value,
            outcome,
        };
        self.note(resource, began, what);
        match outcome {
            Outcome::Made(version) => Some(version),
            Outcome::Refused | Outcome::Unknown => None,
        }
    }
}

/// Version and value of a user as shown.
fn seen(answer: &Answer) -> (u64, String) {
    let body = answer.body();
    let tag = body["meta"]["version"].as_str().unwrap();
    let number = tag.trim_start_matches("W/").trim_matches('"');
    let title = body["title"].as_str().unwrap().to_owned();
    (number.parse().unwrap(), title)
}

/// One run: what was seen of each resource, while connections are lost, networks cut, and a
/// node is killed and started again.
fn observed(time: Duration) -> Vec<Vec<Operation>> {
    let cluster = Cluster::start();
    let direct = cluster.schema();
    let links = [Link::to(&cluster), Link::to(&cluster)];
    let start = |node: usize| Server::node(&links[node].url(&direct));
    let mut servers = [start(0), start(1)];
    let nodes = servers
        .each_ref()
        .map(|server| RwLock::new(server.client()));
    let client = servers[0].client();
    let ids: Vec<String> = (0..RESOURCES)
        .map(|n| client.user(&format!("u{n}")))
        .collect();
    let histories: Histories = ids.iter().map(|_| Mutex::default()).collect();
    let since = Instant::now();
    for (id, history) in ids.iter().zip(&histories) {
        let user = json!({ "schemas": [USER], "userName": id, "title": "first" });
        let put = client.send("PUT", &format!("/scim/v2/Users/{id}"), Some(&user));
        let (version, value) = seen(&put);
        let (began, ended) = (Duration::ZERO, since.elapsed());
        let what = What::Read { version, value };
        history
            .lock()
            .unwrap()
            .push(Operation { began, ended, what });
    }
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let observer = Observer {
                number,
                nodes: &nodes,
                ids: &ids,
                histories: &histories,
                since,
            };
            let stop = &stop;
            scope.spawn(move || observer.run(stop));
        }
        for round in 0.. {
            if since.elapsed() >= time {
                break;
            }
            thread::sleep(Duration::from_millis(400));
            match round % 4 {
                0 => lose_connections(&cluster),
                1 => {
                    links[0].cut();
                    thread::sleep(Duration::from_millis(500));
                    links[0].mend();
                }
                2 => {
                    servers[1].kill();
                    servers[1] = start(1);
                    *nodes[1].write().unwrap() = servers[1].client();
                }
                _ => {
                    links[1].delay(Duration::from_millis(40));
                    thread::sleep(Duration::from_millis(500));
                    links[1].delay(Duration::ZERO);
                }
            }
        }
        stop.store(true, Relaxed);
    });
    let histories = histories.into_iter();
    histories
        .map(|history| history.into_inner().unwrap())
        .collect()
}

fn lose_connections(cluster: &Cluster) {
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE application_name = 'civitas'";
    cluster.psql(end).unwrap();
}

#[test]
fn what_clients_of_two_nodes_see_is_one_history() {
    let time = Duration::from_secs(set("CIVITAS_HISTORY_SECONDS", 5));
    for run in 0..set("CIVITAS_HISTORY_RUNS", 1) {
        for (resource, history) in observed(time).iter().enumerate() {
            let count = |outcome: fn(Outcome) -> bool| {
                let writes = history.iter().filter(|it| match it.what {
                    What::Write { outcome: was, .. } => outcome(was),
                    What::Read { .. } => false,
                });
                writes.count()
            };
            let made = count(|it| matches!(it, Outcome::Made(_)));
            let versions = history::check(history);
            println!(
                "run {run}, resource {resource}: {} answers, {made} writes made, {} refused, {} \
                 unknown: {versions:?} versions",
                history.len(),
                count(|it| it == Outcome::Refused),
                count(|it| it == Outcome::Unknown),
            );
            assert!(versions.unwrap() > 8, "the clients wrote something");
        }
    }
}
