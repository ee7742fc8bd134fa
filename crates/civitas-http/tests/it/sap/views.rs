//! One user, seen by every surface: what one of them writes the others show.

use proptest::{
    prelude::{Strategy, any},
    strategy::ValueTree as _,
    test_runner::TestRunner,
};
use serde_json::{Map, Value, json};

use super::{ENTERPRISE, SAP_USER, USERS, create, path_of, read, sent};
use crate::world::{PATCH_OP, USER, World, ask};

/// Users that are tried.
const USERS_TRIED: usize = 48;

/// What is kept for this surface alone.
const OWN: &[&str] = &[
    "industry",
    "companyRelationship",
    "sapUserName",
    "sourceSystemId",
];

fn text() -> impl Strategy<Value = Value> {
    "[A-Za-zäöüÄßé][A-Za-z0-9 äöüéñ'.-]{0,18}[A-Za-z0-9äé]".prop_map(Value::from)
}

fn maybe(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    proptest::option::of(value).prop_map(|it| it.unwrap_or(Value::Null))
}

fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = Value> {
    proptest::sample::select(values).prop_map(Value::from)
}

/// Attributes that both this surface and SCIM have, some of them.
fn shared() -> impl Strategy<Value = Map<String, Value>> {
    let name = (
        maybe(text()),
        maybe(text()),
        maybe(text()),
        maybe(one_of(&["Ms.", "Mr."])),
    );
    let name = name.prop_map(|(given, family, middle, prefix)| {
        let name = json!({
            "givenName": given, "familyName": family, "middleName": middle,
            "honorificPrefix": prefix,
        });
        without_nulls(name)
    });
    let phones = proptest::collection::vec(
        ("\\+49[0-9]{6,9}", one_of(&["work", "mobile", "fax"])),
        0..3,
    )
    .prop_map(|all| {
        let all = all
            .into_iter()
            .map(|(value, of)| json!({ "value": value, "type": of }));
        Value::Array(all.collect())
    });
    let address = (
        text(),
        text(),
        one_of(&["DE", "FR", "JP"]),
        one_of(&["work", "home"]),
    );
    let addresses = proptest::collection::vec(address, 0..2).prop_map(|all| {
        let all = all.into_iter().map(|(street, locality, country, of)| {
            json!({
                "streetAddress": street, "locality": locality, "country": country, "type": of,
            })
        });
        Value::Array(all.collect())
    });
    let first = (
        name,
        maybe(text()),
        maybe(text()),
        maybe(text()),
        any::<bool>(),
    );
    let second = (
        one_of(&["public", "partner", "customer", "employee", "external"]),
        maybe(one_of(&["de", "en-US", "fr"])),
        maybe(one_of(&["Europe/Berlin", "Asia/Tokyo"])),
        phones,
        addresses,
    );
    let third = (
        maybe(text()),
        maybe(text()),
        maybe(one_of(&["Legal", "Finance/Accounting"])),
    );
    (first, second, third).prop_map(|(first, second, third)| {
        let (name, display, nick, title, active) = first;
        let (of, locale, zone, phones, addresses) = second;
        let (cost, number, department) = third;
        let enterprise =
            json!({ "costCenter": cost, "employeeNumber": number, "department": department });
        let user = json!({
            "name": name, "displayName": display, "nickName": nick, "title": title,
            "active": active, "userType": of, "locale": locale, "timezone": zone,
            "phoneNumbers": phones, "addresses": addresses,
            ENTERPRISE: without_nulls(enterprise),
        });
        match without_nulls(user) {
            Value::Object(user) => user,
            _ => Map::new(),
        }
    })
}

/// The value without members that say nothing.
fn without_nulls(value: Value) -> Value {
    let Value::Object(mut members) = value else {
        return value;
    };
    members.retain(|_, value| {
        let is_empty = value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(Map::is_empty);
        !value.is_null() && !is_empty
    });
    Value::Object(members)
}

fn own() -> impl Strategy<Value = Value> {
    let industries = one_of(&["Banking", "07", "Mining"]);
    let relations = one_of(&["Partner", "01"]);
    (industries, relations, text(), text()).prop_map(|(industry, relation, name, source)| {
        json!({
            "industry": industry, "companyRelationship": relation, "sapUserName": name,
            "sourceSystemId": source,
        })
    })
}

/// Holds that a surface shows all of what was written.
fn shows(shown: &Value, written: &Map<String, Value>, what: &str) {
    for (name, value) in written {
        if *value != shown[name] {
            // Elements may say more: which is the primary one.
            let (Some(value), Some(shown)) = (value.as_array(), shown[name].as_array()) else {
                panic!("{what}: {name} is {value} and shown as {}", shown[name]);
            };
            assert_eq!(value.len(), shown.len(), "{what}: {name}");
            for (element, shown) in value.iter().zip(shown) {
                for (part, value) in element.as_object().unwrap() {
                    assert_eq!(value, &shown[part], "{what}: {name}.{part}");
                }
            }
        }
    }
}

/// The operations that make one state of another.
fn operations(was: &Map<String, Value>, is: &Map<String, Value>) -> Value {
    let gone = was.keys().filter(|name| !is.contains_key(*name));
    let gone = gone.map(|name| json!({ "op": "remove", "path": name }));
    let set = is.iter().map(|(name, value)| {
        let before = was.get(name).and_then(Value::as_object);
        let lost = before.is_some_and(|it| it.keys().any(|part| value.get(part).is_none()));
        let remove = json!({ "op": "remove", "path": name });
        let replace = json!({ "op": "replace", "path": name, "value": value });
        [Some(remove).filter(|_| lost), Some(replace)]
    });
    gone.chain(set.flatten().flatten()).collect()
}

#[tokio::test]
async fn nothing_is_lost_between_the_surfaces() {
    let world = World::start().await;
    let mut runner = TestRunner::deterministic();
    let strategy = (shared(), shared(), shared(), own());
    for number in 0..USERS_TRIED {
        let tree = strategy.new_tree(&mut runner).unwrap();
        let (first, second, third, own) = tree.current();
        let mut body = json!({
            "schemas": [USER, SAP_USER, ENTERPRISE],
            "userName": format!("user{number}"),
            "externalId": format!("x-{number}"),
            "emails": [{ "value": format!("user{number}@example.org"), "type": "work" }],
            SAP_USER: own,
        });
        body.as_object_mut().unwrap().extend(first.clone());
        let user = create(&world, USERS, &body).await;
        let here = path_of(USERS, &user);
        let there = path_of("/scim/v2/Users", &user);
        shows(&user, &first, "as it was written");

        let scim = read(&world, &there).await;
        shows(&scim, &first, "by SCIM");
        assert_eq!(scim["externalId"], body["externalId"]);
        assert_eq!(scim["emails"][0]["value"], body["emails"][0]["value"]);

        let to = operations(&first, &second);
        let change = json!({ "schemas": [PATCH_OP], "Operations": to });
        let answer = world.send(sent("PATCH", &there, &change)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let user = read(&world, &here).await;
        shows(&user, &second, "changed by SCIM");
        for name in first.keys().filter(|name| !second.contains_key(*name)) {
            assert_eq!(user[name], Value::Null, "{name} was taken away");
        }
        for name in OWN {
            assert_eq!(user[SAP_USER][name], body[SAP_USER][name], "{name}");
        }

        let mut whole = body.clone();
        for name in first.keys() {
            whole.as_object_mut().unwrap().shift_remove(name);
        }
        whole.as_object_mut().unwrap().extend(third.clone());
        let answer = world.send(sent("PUT", &here, &whole)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let scim = read(&world, &there).await;
        shows(&scim, &third, "replaced here");
        for name in second.keys().filter(|name| !third.contains_key(*name)) {
            assert_eq!(scim[name], Value::Null, "{name} was replaced by nothing");
        }
    }
}

#[tokio::test]
async fn every_surface_reads_a_user() {
    let world = World::start().await;
    let body = json!({
        "schemas": [USER],
        "userName": "mara",
        "name": { "givenName": "Mara", "familyName": "Lind" },
        "emails": [{ "value": "mara@example.org", "type": "work" }],
        "active": true,
    });
    let user = create(&world, USERS, &body).await;
    let id = user["id"].as_str().unwrap();
    let scim = read(&world, &format!("/scim/v2/Users/{id}")).await;
    assert_eq!(scim["userName"], "mara");
    let crest = read(&world, &format!("/openidm/managed/alpha_user/{id}")).await;
    assert_eq!(
        (&crest["mail"], &crest["sn"]),
        (&json!("mara@example.org"), &json!("Lind"))
    );
    let oracle = read(&world, &format!("/admin/v1/Users/{}", id.replace('-', ""))).await;
    assert_eq!(oracle["userName"], "mara");
    let found = ask("GET", "/scim/Users?filter=userName+eq+%22mara%22").by("reader");
    assert_eq!(world.send(found).await.json()["totalResults"], 1);
}
