//! The two views of one directory agree: random filters select the same users, random patches
//! leave the same user, whichever surface they come through.

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use super::{USERS, bare, create, path_of, person, put};
use crate::world::{World, ask};

const OWN: &str = "urn:ietf:params:scim:schemas:extension:crest:2.0:User";
const STRINGS: &str = "urn:ietf:params:scim:schemas:extension:crest:2.0:UserStrings";
const VALUES: &str = "urn:ietf:params:scim:schemas:extension:crest:2.0:UserValues";

fn runner() -> TestRunner {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    TestRunner::new_with_rng(Config::default(), rng)
}

/// A property and the path of its attribute.
fn properties() -> Vec<(&'static str, String)> {
    vec![
        ("userName", "userName".into()),
        ("sn", "name.familyName".into()),
        ("givenName", "name.givenName".into()),
        ("cn", "name.formatted".into()),
        ("mail", "emails.value".into()),
        ("city", "addresses.locality".into()),
        ("telephoneNumber", "phoneNumbers.value".into()),
        ("description", format!("{OWN}:description")),
        ("country", format!("{OWN}:country")),
        ("aliasList", format!("{OWN}:aliasList")),
        ("frIndexedString1", format!("{STRINGS}:frIndexedString1")),
        (
            "frUnindexedString1",
            format!("{STRINGS}:frUnindexedString1"),
        ),
        (
            "frIndexedMultivalued1",
            format!("{VALUES}:frIndexedMultivalued1"),
        ),
    ]
}

const WORDS: [&str; 6] = ["a", "B", "ab", "Ba", "bAb", "c"];

/// A filter in both languages.
type Both = (String, String);

fn leaf() -> impl Strategy<Value = Both> {
    let texts = (0..properties().len(), 0..7_usize, 0..WORDS.len()).prop_map(|(at, op, word)| {
        let (name, path) = &properties()[at];
        let op = ["eq", "co", "sw", "lt", "le", "gt", "ge"][op];
        let word = WORDS[word];
        (
            format!("{name} {op} \"{word}\""),
            format!("{path} {op} \"{word}\""),
        )
    });
    let numbers = (0..5_usize, 0..4_i64).prop_map(|(op, number)| {
        let op = ["eq", "lt", "le", "gt", "ge"][op];
        let number = format!("{op} {number}");
        (
            format!("frIndexedInteger1 {number}"),
            format!("{VALUES}:frIndexedInteger1 {number}"),
        )
    });
    let presence = (0..properties().len()).prop_map(|at| {
        let (name, path) = &properties()[at];
        (format!("{name} pr"), format!("{path} pr"))
    });
    let status = any::<bool>().prop_map(|active| {
        if active {
            (
                "accountStatus eq \"active\"".into(),
                "not (active eq false)".into(),
            )
        } else {
            (
                "accountStatus eq \"inactive\"".into(),
                "active eq false".into(),
            )
        }
    });
    let constants = any::<bool>().prop_map(|all| {
        if all {
            ("true".into(), "id pr".into())
        } else {
            ("false".into(), "not (id pr)".into())
        }
    });
    prop_oneof![6 => texts, 2 => numbers, 2 => presence, 1 => status, 1 => constants]
}

fn filter() -> impl Strategy<Value = Both> {
    let joined = |word: &'static str| {
        move |parts: Vec<Both>| {
            let (here, there): (Vec<String>, Vec<String>) = parts
                .into_iter()
                .map(|(here, there)| (format!("({here})"), format!("({there})")))
                .unzip();
            (here.join(word), there.join(word))
        }
    };
    leaf().prop_recursive(3, 8, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(joined(" and ")),
            prop::collection::vec(inner.clone(), 2..4).prop_map(joined(" or ")),
            inner.prop_map(|(here, there)| (format!("!({here})"), format!("not ({there})"))),
        ]
    })
}

/// A user of random words.
fn user() -> impl Strategy<Value = Value> {
    let word = || (0..WORDS.len()).prop_map(|at| WORDS[at]);
    let maybe = move || prop::option::of(word());
    (
        (word(), word(), maybe(), maybe(), maybe(), any::<bool>()),
        (maybe(), maybe(), prop::option::of(0..4_i64)),
        prop::collection::hash_set(word(), 0..3),
    )
        .prop_map(|(texts, more, aliases)| {
            let (given, family, city, description, country, active) = texts;
            let (indexed, unindexed, number) = more;
            let aliases: Vec<&str> = aliases.into_iter().collect();
            json!({
                "givenName": given, "sn": family, "city": city, "description": description,
                "country": country, "accountStatus": if active { "active" } else { "inactive" },
                "frIndexedString1": indexed, "frUnindexedString1": unindexed,
                "frIndexedInteger1": number, "aliasList": aliases,
                "frIndexedMultivalued1": aliases,
            })
        })
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let escape = |byte: u8| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(escape).collect()
}

#[tokio::test]
async fn random_filters_select_the_same_users() {
    let world = World::start().await;
    let mut runner = runner();
    for number in 0..24 {
        let mut body = person(&format!("{}{number}", WORDS[number % WORDS.len()]));
        let random = user().new_tree(&mut runner).unwrap().current();
        body.as_object_mut()
            .unwrap()
            .extend(random.as_object().unwrap().clone());
        create(&world, &body).await;
    }
    let mut selected = 0;
    for _ in 0..300 {
        let (here, there) = filter().new_tree(&mut runner).unwrap().current();
        let query = format!("{USERS}?_fields=_id&_queryFilter={}", encoded(&here));
        let answer = world.send(bare("GET", &query)).await;
        assert_eq!(answer.status, 200, "{here}: {answer:?}");
        let body = answer.json();
        let rows = body["result"].as_array().unwrap().iter();
        let mut found: Vec<&str> = rows.map(|row| row["_id"].as_str().unwrap()).collect();
        let query = format!(
            "/scim/v2/Users?attributes=id&count=100&filter={}",
            encoded(&there)
        );
        let answer = world.send(ask("GET", &query).by("reader")).await;
        assert_eq!(answer.status, 200, "{there}: {answer:?}");
        let body = answer.json();
        let rows = body["Resources"].as_array().into_iter().flatten();
        let mut wanted: Vec<&str> = rows.map(|row| row["id"].as_str().unwrap()).collect();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{here} and {there}");
        selected += found.len();
    }
    assert!(
        (1_000..6_200).contains(&selected),
        "{selected}: neither all nor none"
    );
}

/// An operation in both languages.
fn operation() -> impl Strategy<Value = (Value, Value)> {
    let word = || (0..WORDS.len()).prop_map(|at| WORDS[at]);
    let singular = properties()
        .into_iter()
        .filter_map(|(name, path)| match name {
            "userName" | "mail" | "aliasList" | "frIndexedMultivalued1" => None,
            "city" => Some((
                name,
                "addresses[type eq \"work\"].locality".to_owned(),
                true,
            )),
            "telephoneNumber" => Some((
                name,
                "phoneNumbers[type eq \"work\"].value".to_owned(),
                false,
            )),
            "sn" | "givenName" => Some((name, path, false)),
            _ => Some((name, path, true)),
        });
    let singular: Vec<_> = singular.collect();
    let set = (0..singular.len(), word(), 0..3_usize).prop_map(move |(at, word, op)| {
        let (name, path, removable) = &singular[at];
        let op = ["add", "replace", "remove"][if *removable { op } else { op % 2 }];
        // The policy of telephone numbers knows digits only.
        let value = if *name == "telephoneNumber" {
            "7"
        } else {
            word
        };
        let (mut here, mut there) = (
            json!({ "operation": op, "field": name }),
            json!({ "op": op, "path": path }),
        );
        if op != "remove" {
            here["value"] = json!(value);
            there["value"] = json!(value);
        }
        (here, there)
    });
    let list = (prop::collection::vec(word(), 0..3), 0..3_usize).prop_map(|(mut words, how)| {
        let path = format!("{OWN}:aliasList");
        words.sort_unstable();
        words.dedup();
        match how {
            0 => (
                json!({ "operation": "remove", "field": "/aliasList" }),
                json!({ "op": "remove", "path": path }),
            ),
            _ => (
                json!({ "operation": "replace", "field": "/aliasList", "value": words }),
                json!({ "op": "replace", "path": path, "value": words }),
            ),
        }
    });
    let status = any::<bool>().prop_map(|active| {
        let status = if active { "active" } else { "inactive" };
        (
            json!({ "operation": "replace", "field": "/accountStatus", "value": status }),
            json!({ "op": "replace", "path": "active", "value": active }),
        )
    });
    let number = (0..9_i64).prop_map(|number| {
        (
            json!({ "operation": "add", "field": "/frIndexedInteger1", "value": number }),
            json!({ "op": "add", "path": format!("{VALUES}:frIndexedInteger1"), "value": number }),
        )
    });
    prop_oneof![5 => set, 2 => list, 1 => status, 1 => number]
}

#[tokio::test]
async fn random_patches_leave_the_same_user() {
    let world = World::start().await;
    let mut twins = Vec::new();
    for name in ["here", "there"] {
        let mut body = person(name);
        for (property, value) in [
            ("postalAddress", "1 Road"),
            ("telephoneNumber", "1"),
            ("city", "Bern"),
            ("mail", "same@example.org"),
        ] {
            body[property] = json!(value);
        }
        twins.push(create(&world, &body).await);
    }
    let scim = |twin: &Value| format!("/scim/v2/Users/{}", twin["_id"].as_str().unwrap());
    let seen = async |twin: &Value| {
        let answer = world.send(ask("GET", &scim(twin)).by("reader")).await;
        let mut body = answer.json();
        for member in ["id", "meta", "userName"] {
            body.as_object_mut().unwrap().remove(member);
        }
        body
    };
    let mut runner = runner();
    for _ in 0..200 {
        let operations = prop::collection::vec(operation(), 1..4);
        let operations = operations.new_tree(&mut runner).unwrap().current();
        let (here, there): (Vec<Value>, Vec<Value>) = operations.into_iter().unzip();
        let patched = world
            .send(put("PATCH", &path_of(&twins[0]), &json!(here)))
            .await;
        assert_eq!(patched.status, 200, "{here:?}: {patched:?}");
        let message = json!({ "schemas": [crate::world::PATCH_OP], "Operations": there });
        let ask = ask("PATCH", &scim(&twins[1])).by("writer").json(&message);
        let answer = world.send(ask).await;
        assert!([200, 204].contains(&answer.status), "{there:?}: {answer:?}");
        assert_eq!(
            seen(&twins[0]).await,
            seen(&twins[1]).await,
            "{here:?} and {there:?}"
        );
    }
}
