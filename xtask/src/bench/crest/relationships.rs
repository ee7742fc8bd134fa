//! Relationships of an object that has few and one that has many: adding and ending one, and
//! reading pages of them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Bench, spread, write_json};
use crate::bench::{
    http::Connection,
    load::Script,
    measure::Sample,
    site::{Site, Target},
};

/// How many relationships there are.
const SIZES: [usize; 3] = [100, 10_000, 100_000];
/// Connections that add and end, each of a user of its own, and those that read.
const WRITERS: usize = 16;
const READERS: usize = 4;
/// Connections that fill a role.
const FILLERS: usize = 32;
/// Relationships of a page.
const PAGE: usize = 100;

const ROLES: &str = "/openidm/managed/alpha_role";
const GROUPS: &str = "/openidm/managed/alpha_group";

/// What is done with what has relationships.
#[derive(Clone, Copy)]
enum Deed {
    /// Adds one and ends it, in turn.
    Add,
    First,
    Deep,
    /// The one of them that a filter finds.
    Filtered,
}

const DEEDS: [(&str, Deed, usize); 4] = [
    ("add and end", Deed::Add, WRITERS),
    ("first page", Deed::First, READERS),
    ("page at nine tenths", Deed::Deep, READERS),
    ("filter by userName", Deed::Filtered, READERS),
];

/// Something with relationships.
struct Owner {
    /// `roles` or `groups` of users.
    property: &'static str,
    collection: &'static str,
    id: String,
    size: usize,
    /// Where the last tenth of its pages begins.
    cookie: String,
}

/// Measures each and prints what came of it.
pub(super) async fn measure(
    bench: &Bench<'_>,
    site: &Site,
    targets: &Arc<Vec<Target>>,
) -> anyhow::Result<()> {
    let wanted = |(name, ..): &&(&str, Deed, usize)| bench.options.wants(name);
    let deeds: Vec<_> = DEEDS.iter().filter(wanted).collect();
    if deeds.is_empty() {
        return Ok(());
    }
    let mut owners = Vec::new();
    for size in SIZES {
        let Some(members) = targets
            .get(..size)
            .filter(|_| targets.len() >= size + WRITERS)
        else {
            eprintln!("{size} members: too few users");
            continue;
        };
        eprintln!("{size} members: a role and a group");
        let (role, group) = (format!("bench-{size}"), format!("Bench {size}"));
        fill(site, &role, members).await?;
        site.group(members).await?;
        for (property, collection, name) in [("roles", ROLES, role), ("groups", GROUPS, group)] {
            owners.push(Owner::of(site, property, collection, &name, size).await?);
        }
    }
    println!(
        "\n{:<34} {:>26} {:>26} {:>24}",
        "", "requests/s", "ms, median of the round", "CPU µs per request"
    );
    for (name, deed, connections) in deeds {
        for property in ["roles", "groups"] {
            let mut samples: Vec<Vec<Sample>> = owners.iter().map(|_| Vec::new()).collect();
            for round in 0..=bench.options.rounds {
                let site = Site::sign_in(site.address).await?;
                for (owner, samples) in owners.iter().zip(&mut samples) {
                    if owner.property != property {
                        continue;
                    }
                    let script = |at: usize| owner.script(&site, targets, *deed, at);
                    let scripts = (0..*connections).map(script).collect();
                    let sample = bench.sample(name, scripts).await?;
                    // The first round warms up.
                    if round > 0 {
                        samples.push(sample);
                    }
                }
            }
            for (owner, samples) in owners.iter().zip(&samples) {
                if owner.property == property {
                    print(name, owner, samples);
                }
            }
        }
    }
    Ok(())
}

fn print(name: &str, owner: &Owner, samples: &[Sample]) {
    let of = match owner.property {
        "roles" => "role",
        _ => "group",
    };
    println!(
        "{:<34} {:>26} {:>26} {:>24}",
        format!("{name}, {of} of {}", owner.size),
        spread(samples.iter().map(|it| it.rate), 0),
        spread(samples.iter().filter_map(|it| Some(it.p50_us? / 1e3)), 2),
        spread(samples.iter().filter_map(|it| it.cpu_us), 0)
    );
}

/// A role of these members.
async fn fill(site: &Site, role: &str, members: &[Target]) -> anyhow::Result<()> {
    let mut connection = Connection::open(site.address).await?;
    let body = json!({ "name": role }).to_string();
    send(
        site,
        &mut connection,
        "PUT",
        &format!("{ROLES}/{role}"),
        &body,
    )
    .await?;
    let (next, ids) = (Arc::new(AtomicUsize::new(0)), members.iter());
    let ids: Arc<Vec<String>> = Arc::new(ids.map(|it| it.id.clone()).collect());
    let mut fillers = JoinSet::new();
    for _ in 0..FILLERS {
        let (site, next, ids) = (site.clone(), Arc::clone(&next), Arc::clone(&ids));
        let path = format!("{ROLES}/{role}/members");
        fillers.spawn(async move {
            let mut connection = Connection::open(site.address).await?;
            while let Some(id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
                let body = json!({ "_ref": format!("managed/alpha_user/{id}") }).to_string();
                send(&site, &mut connection, "POST", &path, &body).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(filler) = fillers.join_next().await {
        filler??;
    }
    Ok(())
}

async fn send(
    site: &Site,
    connection: &mut Connection,
    method: &str,
    path: &str,
    body: &str,
) -> anyhow::Result<Value> {
    let mut request = Vec::new();
    write_json(&mut request, method, path, &site.token, body);
    let (status, answer) = connection.fetch(&request).await?;
    let told = String::from_utf8_lossy(&answer);
    ensure!(
        (200..300).contains(&status),
        "{method} {path}: {status}: {told}"
    );
    serde_json::from_slice(&answer).context("an answer that is no JSON")
}

impl Owner {
    /// The object of that name, with a cookie for nine tenths of its relationships.
    async fn of(
        site: &Site,
        property: &'static str,
        collection: &'static str,
        name: &str,
        count: usize,
    ) -> anyhow::Result<Self> {
        let mut connection = Connection::open(site.address).await?;
        let path = format!(
            "{collection}?_queryFilter=name%20eq%20%22{}%22",
            name.replace(' ', "%20")
        );
        let found = send(site, &mut connection, "GET", &path, "").await?;
        let id = found["result"][0]["_id"]
            .as_str()
            .context("no such object")?;
        let mut owner = Self {
            property,
            collection,
            id: id.replace(' ', "%20"),
            size: count,
            cookie: String::new(),
        };
        let mut seen = 0;
        while seen < count / 10 * 9 {
            let page = (count / 10 * 9 - seen).min(9_000);
            let path = format!("{}&_pageSize={page}{}", owner.members(), owner.after());
            let found = send(site, &mut connection, "GET", &path, "").await?;
            let rows = found["result"].as_array().context("no rows")?;
            ensure!(
                rows.len() == page,
                "a page of {} where {page} are",
                rows.len()
            );
            seen += page;
            let cookie = found["pagedResultsCookie"].as_str();
            cookie
                .context("no more pages")?
                .clone_into(&mut owner.cookie);
        }
        Ok(owner)
    }

    fn members(&self) -> String {
        format!("{}/{}/members?_queryFilter=true", self.collection, self.id)
    }

    fn after(&self) -> String {
        if self.cookie.is_empty() {
            return String::new();
        }
        format!("&_pagedResultsCookie={}", self.cookie)
    }

    fn script(&self, site: &Site, targets: &[Target], deed: Deed, at: usize) -> Script {
        let token = Arc::clone(&site.token);
        match deed {
            Deed::Add => {
                // Those at the end are members of nothing.
                let user = &targets[targets.len() - 1 - at].id;
                let path = format!("/openidm/managed/alpha_user/{user}");
                let collection = self.collection.trim_start_matches("/openidm/");
                let id = self.id.replace("%20", " ");
                let reference = json!({ "_ref": format!("{collection}/{id}") });
                let property = self.property;
                let bodies = [
                    json!([{ "operation": "add", "field": format!("/{property}/-"), "value": reference }]),
                    json!([{ "operation": "remove", "field": format!("/{property}"), "value": reference }]),
                ];
                let bodies = bodies.map(|it| it.to_string());
                let mut turn = 0;
                Box::new(move |out| {
                    write_json(out, "PATCH", &path, &token, &bodies[turn % 2]);
                    turn += 1;
                    &[200]
                })
            }
            Deed::First | Deed::Deep | Deed::Filtered => {
                let path = match deed {
                    Deed::Deep => format!("{}&_pageSize={PAGE}{}", self.members(), self.after()),
                    Deed::First => format!("{}&_pageSize={PAGE}", self.members()),
                    _ => {
                        let index = targets[self.size / 2].index;
                        let name = crate::bench::users::Person::at(index).user_name();
                        let filter = format!("userName eq \"{name}\"");
                        let filter = crate::bench::http::percent_encoded(&filter);
                        format!(
                            "{}/{}/members?_queryFilter={filter}",
                            self.collection, self.id
                        )
                    }
                };
                Box::new(move |out| {
                    write_json(out, "GET", &path, &token, "");
                    &[200]
                })
            }
        }
    }
}
