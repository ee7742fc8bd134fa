//! One user in every dialect: whichever reads, changes or deletes it, all see the same state and
//! none loses what another does.

use serde_json::{Value, json};

use super::{create, path_of, person, put};
use crate::world::{Answer, Ask, PATCH_OP, World, ask};

const VALUES: &str = "urn:ietf:params:scim:schemas:extension:crest:2.0:UserValues";

#[derive(Debug, Clone, Copy, PartialEq)]
enum Dialect {
    Crest,
    Scim,
    Sap,
    Oracle,
}

const ALL: [Dialect; 4] = [Dialect::Crest, Dialect::Scim, Dialect::Sap, Dialect::Oracle];

impl Dialect {
    fn path(self, id: &str) -> String {
        match self {
            Self::Crest => format!("/openidm/managed/alpha_user/{id}"),
            Self::Scim => format!("/scim/v2/Users/{id}"),
            Self::Sap => format!("/scim/Users/{id}"),
            Self::Oracle => format!("/admin/v1/Users/{}", id.replace('-', "")),
        }
    }

    fn get(self, id: &str) -> Ask {
        ask("GET", &self.path(id)).by("writer")
    }

    /// A change of one attribute that the dialect has.
    fn change(self, id: &str, value: &str) -> Ask {
        let replace = |path: &str| {
            let operation = json!({ "op": "replace", "path": path, "value": value });
            json!({ "schemas": [PATCH_OP], "Operations": [operation] })
        };
        let body = match self {
            Self::Crest => {
                json!([{ "operation": "replace", "field": "/description", "value": value }])
            }
            Self::Scim => replace("nickName"),
            Self::Sap => replace("displayName"),
            Self::Oracle => replace("title"),
        };
        put("PATCH", &self.path(id), &body)
    }

    /// What it says of the state in the body.
    fn version(self, body: &Value) -> Value {
        match self {
            Self::Crest => json!(format!("\"{}\"", body["_rev"].as_str().unwrap())),
            Self::Sap => json!(format!("\"{}\"", body["meta"]["version"].as_str().unwrap())),
            Self::Scim | Self::Oracle => body["meta"]["version"].clone(),
        }
    }
}

/// The entity tag of the user in each dialect, which is the version in the body.
async fn tags(world: &World, id: &str) -> Vec<String> {
    let mut tags = Vec::new();
    for dialect in ALL {
        let answer = world.send(dialect.get(id)).await;
        assert_eq!(answer.status, 200, "{dialect:?}: {answer:?}");
        let tag = answer.header("etag").clone();
        assert_eq!(dialect.version(&answer.json()), tag, "{dialect:?}");
        tags.push(tag);
    }
    tags
}

fn done(answer: &Answer) -> bool {
    [200, 204].contains(&answer.status)
}

#[tokio::test]
async fn a_change_in_one_is_a_new_state_in_all() {
    let world = World::start().await;
    for writer in ALL {
        let user = create(&world, &person(&format!("{writer:?}"))).await;
        let id = user["_id"].as_str().unwrap();
        let before = tags(&world, id).await;
        assert_eq!(
            before[0].trim_matches('"'),
            before[1].trim_matches(['W', '/', '"'])
        );
        assert_eq!(tags(&world, id).await, before, "reading changes nothing");
        let changed = world.send(writer.change(id, "first")).await;
        assert!(done(&changed), "{writer:?}: {changed:?}");
        let after = tags(&world, id).await;
        for (at, dialect) in ALL.into_iter().enumerate() {
            assert_ne!(before[at], after[at], "{dialect:?} after {writer:?}");
            // That service passes conditions over.
            if dialect == Dialect::Sap {
                continue;
            }
            let stale = dialect.change(id, "stale").header("If-Match", &before[at]);
            let refused = world.send(stale).await;
            assert_eq!(
                refused.status, 412,
                "{dialect:?} after {writer:?}: {refused:?}"
            );
        }
        assert_eq!(
            tags(&world, id).await,
            after,
            "what is refused changes nothing"
        );
        for (at, dialect) in ALL.into_iter().enumerate() {
            let now = tags(&world, id).await;
            let fresh = dialect.change(id, "fresh").header("If-Match", &now[at]);
            let changed = world.send(fresh).await;
            assert!(done(&changed), "{dialect:?}: {changed:?}");
        }
        let seen = world.send(Dialect::Scim.get(id)).await.json();
        assert_eq!(
            (&seen["nickName"], &seen["title"]),
            (&json!("fresh"), &json!("fresh"))
        );
        let seen = world.send(Dialect::Crest.get(id)).await.json();
        assert_eq!(
            (&seen["description"], &seen["displayName"]),
            (&json!("fresh"), &json!("fresh"))
        );
        let gone = ask("DELETE", &writer.path(id)).by("writer");
        let gone = world.send(gone).await;
        assert!(done(&gone), "{writer:?}: {gone:?}");
        for dialect in ALL {
            assert_eq!(world.send(dialect.get(id)).await.status, 404, "{dialect:?}");
        }
    }
}

#[tokio::test]
async fn parallel_changes_through_all_lose_nothing() {
    const ROUNDS: usize = 12;
    let world = World::start().await;
    let user = create(&world, &person("amir")).await;
    let id = user["_id"].as_str().unwrap();
    let revision = async || -> i64 {
        let user = world.send(Dialect::Crest.get(id)).await.json();
        user["_rev"].as_str().unwrap().parse().unwrap()
    };
    let first = revision().await;
    let crest = async {
        for round in 0..ROUNDS {
            let value = format!("crest {round}");
            let add = json!([{ "operation": "add", "field": "/frIndexedMultivalued1/-", "value": value }]);
            let answer = world.send(put("PATCH", &path_of(&user), &add)).await;
            assert!(done(&answer), "{answer:?}");
        }
    };
    let scim = async {
        for round in 0..ROUNDS {
            let path = format!("{VALUES}:frIndexedMultivalued1");
            let value = [format!("scim {round}")];
            let operation = json!({ "op": "add", "path": path, "value": value });
            let body = json!({ "schemas": [PATCH_OP], "Operations": [operation] });
            let answer = world
                .send(put("PATCH", &Dialect::Scim.path(id), &body))
                .await;
            assert!(done(&answer), "{answer:?}");
        }
    };
    let other = async |dialect: Dialect| {
        for round in 0..ROUNDS {
            let answer = world.send(dialect.change(id, &format!("{round}"))).await;
            assert!(done(&answer), "{dialect:?}: {answer:?}");
        }
    };
    tokio::join!(crest, scim, other(Dialect::Sap), other(Dialect::Oracle));
    let seen = world.send(Dialect::Crest.get(id)).await.json();
    let mut all: Vec<&str> = seen["frIndexedMultivalued1"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    all.sort_unstable();
    let of = |name: &str| {
        (0..ROUNDS)
            .map(|it| format!("{name} {it}"))
            .collect::<Vec<_>>()
    };
    let mut wanted = [of("crest"), of("scim")].concat();
    wanted.sort_unstable();
    assert_eq!(all, wanted);
    let last = (ROUNDS - 1).to_string();
    assert_eq!(seen["displayName"], last);
    let scim = world.send(Dialect::Scim.get(id)).await.json();
    assert_eq!(scim["title"], last);
    let changes = 4 * i64::try_from(ROUNDS).unwrap();
    assert_eq!(
        revision().await - first,
        changes,
        "each change is a version"
    );
}
