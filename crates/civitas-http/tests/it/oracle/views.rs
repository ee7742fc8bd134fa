//! Users and groups, written here and by SCIM: what one of them writes the other shows.

use proptest::{
    prelude::{Strategy, any},
    sample::select,
    strategy::ValueTree as _,
    test_runner::TestRunner,
};
use serde_json::{Map, Value, json};

use super::{GROUPS, USERS, create, path_of, sent};
use crate::world::{GROUP, PATCH_OP, USER, World, ask};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Users, and groups, that are tried.
const TRIED: usize = 48;

fn text() -> impl Strategy<Value = Value> {
    "[A-Za-zäöüßé][A-Za-z0-9 äöüñ'.-]{0,18}[A-Za-z0-9äé]".prop_map(Value::from)
}

fn maybe(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    proptest::option::of(value).prop_map(|it| it.unwrap_or(Value::Null))
}

fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = Value> {
    select(values).prop_map(Value::from)
}

/// The value without members that say nothing.
fn without_nulls(value: Value) -> Map<String, Value> {
    let Value::Object(mut members) = value else {
        return Map::new();
    };
    members.retain(|_, value| {
        let is_empty = value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(Map::is_empty);
        !value.is_null() && !is_empty
    });
    members
}

/// Attributes that both surfaces have, some of them.
fn shared() -> impl Strategy<Value = Map<String, Value>> {
    let name = (text(), maybe(text()), maybe(text()), maybe(text()));
    let texts = (maybe(text()), maybe(text()), text());
    let words = (
        maybe(one_of(&["Employee", "Contractor", "Intern"])),
        maybe(one_of(&["de", "en", "fr"])),
        maybe(one_of(&["Europe/Berlin", "Asia/Tokyo"])),
        any::<bool>(),
    );
    let phones = proptest::collection::vec(
        ("\\+49[0-9]{6,9}", one_of(&["work", "mobile", "home"])),
        0..3,
    );
    let address = (
        text(),
        text(),
        one_of(&["DE", "FR", "JP"]),
        one_of(&["home", "other"]),
    );
    let addresses = proptest::collection::vec(address, 0..2);
    let enterprise = (maybe(text()), maybe(text()), maybe(text()));
    let all = (name, texts, words, phones, addresses, enterprise);
    all.prop_map(|(name, texts, words, phones, addresses, enterprise)| {
        let name = json!({
            "familyName": name.0, "givenName": name.1, "middleName": name.2,
            "honorificPrefix": name.3,
        });
        let phones = phones.into_iter();
        let phones = phones.map(|(value, of)| json!({ "value": value, "type": of }));
        let addresses = addresses
            .into_iter()
            .map(|(street, locality, country, of)| {
                json!({
                    "streetAddress": street, "locality": locality, "country": country, "type": of,
                })
            });
        let enterprise = json!({
            "costCenter": enterprise.0, "employeeNumber": enterprise.1,
            "department": enterprise.2,
        });
        without_nulls(json!({
            "name": without_nulls(name), "displayName": texts.2,
            "nickName": texts.0, "title": texts.1,
            "userType": words.0, "preferredLanguage": words.1, "timezone": words.2,
            "active": words.3,
            "phoneNumbers": phones.collect::<Vec<_>>(),
            "addresses": addresses.collect::<Vec<_>>(),
            ENTERPRISE: without_nulls(enterprise),
        }))
    })
}

/// Holds that a surface shows all of what was written; it may say more within an attribute.
fn shows(shown: &Value, written: &Value, what: &str) {
    match written {
        Value::Object(members) => {
            for (name, value) in members {
                shows(&shown[name], value, &format!("{what}: {name}"));
            }
        }
        Value::Array(all) => {
            assert_eq!(shown.as_array().map(Vec::len), Some(all.len()), "{what}");
            for (index, value) in all.iter().enumerate() {
                shows(&shown[index], value, what);
            }
        }
        value => assert_eq!(shown, value, "{what}"),
    }
}

/// The operations that make one state of another.
fn operations(was: &Map<String, Value>, is: &Map<String, Value>) -> Value {
    let gone = was.keys();
    let gone = gone.map(|name| json!({ "op": "remove", "path": name }));
    let set = is
        .iter()
        .map(|(name, value)| json!({ "op": "add", "path": name, "value": value }));
    gone.chain(set).collect()
}

fn whole(name: &str, attributes: &Map<String, Value>) -> Value {
    let mut body = json!({
        "schemas": [USER, ENTERPRISE],
        "userName": name,
        "externalId": format!("x-{name}"),
        "emails": [{ "value": format!("{name}@civitas.test"), "type": "work", "primary": true }],
        "tags": [{ "key": "colour", "value": "blue" }],
        "description": "kept here alone",
    });
    let members = attributes.iter();
    let members = members.map(|(name, value)| (name.clone(), value.clone()));
    body.as_object_mut().unwrap().extend(members);
    body
}

async fn read(world: &World, path: &str) -> Value {
    let answer = world.send(ask("GET", path).by("reader")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// The path of the same resource by SCIM.
fn by_scim(collection: &str, resource: &Value) -> String {
    let id: uuid::Uuid = resource["id"].as_str().unwrap().parse().unwrap();
    format!("/scim/v2/{collection}/{id}")
}

async fn changed(world: &World, method: &str, path: &str, body: &Value) -> Value {
    let answer = world.send(sent(method, path, body)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn nothing_of_users_is_lost_between_the_surfaces() {
    let world = World::start().await;
    let mut runner = TestRunner::deterministic();
    let strategy = (shared(), shared(), shared());
    for number in 0..TRIED {
        let (first, second, third) = strategy.new_tree(&mut runner).unwrap().current();
        let name = format!("user{number}");
        let body = whole(&name, &first);
        let user = create(&world, USERS, &body).await;
        let (here, there) = (path_of(USERS, &user), by_scim("Users", &user));
        let first_seen = Value::Object(first.clone());
        shows(&user, &first_seen, "as it was written");
        let scim = read(&world, &there).await;
        shows(&scim, &first_seen, "by SCIM");
        assert_eq!(scim["externalId"], body["externalId"]);
        assert_eq!(scim["emails"][0]["value"], body["emails"][0]["value"]);

        let change = json!({ "schemas": [PATCH_OP], "Operations": operations(&first, &second) });
        changed(&world, "PATCH", &there, &change).await;
        let all = format!("{here}?attributeSets=all");
        let user = read(&world, &all).await;
        shows(&user, &Value::Object(second.clone()), "changed by SCIM");
        for name in first.keys().filter(|it| !second.contains_key(*it)) {
            assert_eq!(user[name], Value::Null, "{name} was taken away");
        }
        for name in ["tags", "description"] {
            shows(&user[name], &body[name], name);
        }

        changed(&world, "PUT", &here, &whole(&name, &third)).await;
        let scim = read(&world, &there).await;
        shows(&scim, &Value::Object(third.clone()), "replaced here");
        for name in second.keys().filter(|it| !third.contains_key(*it)) {
            assert_eq!(scim[name], Value::Null, "{name} was replaced by nothing");
        }
    }
}

#[tokio::test]
async fn nothing_of_groups_is_lost_between_the_surfaces() {
    let world = World::start().await;
    let mut users = Vec::new();
    for number in 0..6 {
        let name = json!({ "name": { "familyName": "Lind" } });
        let body = whole(&format!("member{number}"), name.as_object().unwrap());
        users.push(create(&world, USERS, &body).await);
    }
    let (mut runner, sets) = (TestRunner::deterministic(), any::<[u8; 2]>());
    let chosen = |set: u8| {
        users
            .iter()
            .enumerate()
            .filter(move |(at, _)| set >> at & 1 == 1)
    };
    for number in 0..TRIED {
        let [first, second] = sets.new_tree(&mut runner).unwrap().current();
        let members: Vec<Value> = chosen(first)
            .map(|(_, it)| json!({ "value": it["id"], "type": "User" }))
            .collect();
        let body = json!({
            "schemas": [GROUP], "displayName": format!("group{number}"), "members": members,
        });
        let group = create(&world, GROUPS, &body).await;
        let (here, there) = (path_of(GROUPS, &group), by_scim("Groups", &group));
        let of = |shown: &Value| {
            let members = shown["members"].as_array().cloned().unwrap_or_default();
            let ids = members
                .iter()
                .map(|it| it["value"].as_str().unwrap().replace('-', ""));
            let mut ids: Vec<String> = ids.collect();
            ids.sort();
            ids
        };
        let wanted = |set: u8| {
            let ids = chosen(set).map(|(_, it)| it["id"].as_str().unwrap().to_owned());
            let mut ids: Vec<String> = ids.collect();
            ids.sort();
            ids
        };
        let scim = read(&world, &there).await;
        assert_eq!(of(&scim), wanted(first), "by SCIM");
        assert_eq!(scim["displayName"], body["displayName"]);

        let members: Vec<Value> = chosen(second)
            .map(|(_, it)| {
                let id: uuid::Uuid = it["id"].as_str().unwrap().parse().unwrap();
                json!({ "value": id.to_string() })
            })
            .collect();
        let change = json!({ "schemas": [PATCH_OP], "Operations": [
            { "op": "replace", "path": "members", "value": members },
            { "op": "replace", "path": "displayName", "value": format!("changed{number}") },
        ] });
        changed(&world, "PATCH", &there, &change).await;
        let shown = read(&world, &format!("{here}?attributes=members,displayName")).await;
        assert_eq!(of(&shown), wanted(second), "changed by SCIM");
        assert_eq!(shown["displayName"], format!("changed{number}"));
    }
}
