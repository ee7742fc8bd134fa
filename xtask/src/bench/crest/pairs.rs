//! The same operations through both, in turn.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::json;

use super::{Bench, LEAST, spread, write_json};
use crate::bench::{
    http::{percent_encoded, write_request},
    load::Script,
    measure::{Sample, Spread},
    random::Random,
    site::{PATCH_SCHEMA, Site, Target},
    users::Person,
};

/// An operation that both have.
#[derive(Clone, Copy)]
enum Pair {
    Read,
    Query,
    Create,
    Patch,
}

/// One of the two.
#[derive(Clone, Copy, PartialEq)]
enum Surface {
    Scim,
    Crest,
}

const PAIRS: [(&str, Pair, usize); 4] = [
    ("read by id", Pair::Read, 8),
    ("query by userName", Pair::Query, 8),
    ("create", Pair::Create, 32),
    ("patch", Pair::Patch, 32),
];

/// Measures each and prints what came of it.
pub(super) async fn measure(
    bench: &Bench<'_>,
    site: &Site,
    targets: &Arc<Vec<Target>>,
) -> anyhow::Result<()> {
    println!(
        "{:<20} {:>26} {:>26} {:>22}",
        "", "crest, requests/s", "scim, requests/s", "crest / scim"
    );
    let next = Arc::new(AtomicU64::new(bench.options.users));
    let wanted = |(name, ..): &&(&str, Pair, usize)| bench.options.wants(name);
    for (name, pair, connections) in PAIRS.iter().filter(wanted) {
        let mut samples: [Vec<Sample>; 2] = Default::default();
        for round in 0..=bench.options.rounds {
            eprintln!("{name}: round {round}");
            let site = Site::sign_in(site.address).await?;
            let mut both = [(0, Surface::Crest), (1, Surface::Scim)];
            if round % 2 == 1 {
                both.reverse();
            }
            for (at, surface) in both {
                let script = |connection: usize| {
                    let seed = u64::from(round) << 16 | connection as u64;
                    Caller {
                        surface,
                        site: site.clone(),
                        targets: Arc::clone(targets),
                        next: Arc::clone(&next),
                        random: Random::seeded(seed),
                    }
                    .script(*pair)
                };
                let scripts = (0..*connections).map(script).collect();
                let sample = bench.sample(name, scripts).await?;
                // The first round warms up.
                if round > 0 {
                    samples[at].push(sample);
                }
            }
        }
        print(name, &samples);
    }
    Ok(())
}

fn print(name: &str, [crest, scim]: &[Vec<Sample>; 2]) {
    let rates = |samples: &[Sample]| spread(samples.iter().map(|it| it.rate), 0);
    let ratios = crest
        .iter()
        .zip(scim)
        .map(|(one, other)| one.rate / other.rate);
    let ratios: Vec<f64> = ratios.collect();
    let median = Spread::of(ratios.iter().copied()).map_or(0.0, |it| it.median);
    let verdict = if median >= LEAST { "ok" } else { "MISS" };
    println!(
        "{name:<20} {:>26} {:>26} {:>22}  {verdict}",
        rates(crest),
        rates(scim),
        spread(ratios.into_iter(), 2)
    );
    let costs = |samples: &[Sample]| spread(samples.iter().filter_map(|it| it.cpu_us), 0);
    println!(
        "{:<20} {:>26} {:>26}",
        "  CPU µs per request",
        costs(crest),
        costs(scim)
    );
}

/// One connection.
struct Caller {
    surface: Surface,
    site: Site,
    targets: Arc<Vec<Target>>,
    next: Arc<AtomicU64>,
    random: Random,
}

impl Caller {
    fn script(mut self, pair: Pair) -> Script {
        Box::new(move |out| {
            let target = self.random.below(self.targets.len());
            let target = self.targets[target].clone();
            match pair {
                Pair::Read => self.get(out, &format!("/{}", target.id)),
                Pair::Query => {
                    let name = Person::at(target.index).user_name();
                    let filter = percent_encoded(&format!("userName eq \"{name}\""));
                    let parameter = match self.surface {
                        Surface::Scim => "filter",
                        Surface::Crest => "_queryFilter",
                    };
                    self.get(out, &format!("?{parameter}={filter}"));
                }
                Pair::Create => {
                    let index = self.next.fetch_add(1, Ordering::Relaxed);
                    let body = user(self.surface, index);
                    self.send(out, "POST", "", &body);
                    return &[201];
                }
                Pair::Patch => {
                    let name = format!("Engineer {}", self.random.below(1_000_000));
                    let body = patch(self.surface, &name);
                    self.send(out, "PATCH", &format!("/{}", target.id), &body);
                }
            }
            &[200]
        })
    }

    fn get(&self, out: &mut Vec<u8>, rest: &str) {
        self.send(out, "GET", rest, "");
    }

    fn send(&self, out: &mut Vec<u8>, method: &str, rest: &str, body: &str) {
        let token = &self.site.token;
        match self.surface {
            Surface::Scim => {
                let path = format!("/scim/v2/Users{rest}");
                write_request(out, method, &path, token, body.as_bytes());
            }
            Surface::Crest => {
                let path = format!("/openidm/managed/alpha_user{rest}");
                write_json(out, method, &path, token, body);
            }
        }
    }
}

/// A new user, with the same values in both.
fn user(surface: Surface, index: u64) -> String {
    let person = Person::at(index);
    let (name, shown) = (person.user_name(), person.display_name());
    let (given, family) = shown.split_once(' ').unwrap_or((&shown, "Okoye"));
    let body = match surface {
        Surface::Scim => json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name, "displayName": shown, "active": true,
            "name": { "givenName": given, "familyName": family, "formatted": shown },
            "emails": [{ "value": name, "type": "work", "primary": true }],
            "phoneNumbers": [{ "value": "+1 555 0100", "type": "work", "primary": true }],
            "addresses": [{
                "streetAddress": "1 Mill Lane", "locality": "Portland", "region": "OR",
                "postalCode": "97201", "type": "work", "primary": true,
            }],
        }),
        Surface::Crest => json!({
            "userName": name, "displayName": shown, "accountStatus": "active",
            "givenName": given, "sn": family, "cn": shown, "mail": name,
            "telephoneNumber": "+1 555 0100", "postalAddress": "1 Mill Lane",
            "city": "Portland", "stateProvince": "OR", "postalCode": "97201",
        }),
    };
    body.to_string()
}

/// The same change in both.
fn patch(surface: Surface, name: &str) -> String {
    let body = match surface {
        Surface::Scim => json!({
            "schemas": [PATCH_SCHEMA],
            "Operations": [{ "op": "replace", "path": "displayName", "value": name }],
        }),
        Surface::Crest => {
            json!([{ "operation": "replace", "field": "displayName", "value": name }])
        }
    };
    body.to_string()
}
