use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    condition::Condition,
    filter::{Filter, Limits, Operator},
    testing::{ENTERPRISE, USER, user},
    tolerance::Tolerance,
};

fn attributes(value: Value) -> Attributes {
    match value {
        Value::Object(attributes) => attributes,
        other => panic!("not an object: {other}"),
    }
}

fn shown(entries: &[IndexEntry]) -> Vec<String> {
    let line = |it: &IndexEntry| match &it.key {
        Key::Text(text) => format!("{} {text:?} {}", it.path, it.element),
        Key::Integer(number) => format!("{} {number} {}", it.path, it.element),
        Key::Real(number) => format!("{} {number} {}", it.path, it.element),
    };
    entries.iter().map(line).collect()
}

#[test]
fn entries_of_a_user() {
    let resource = attributes(json!({
        "schemas": [USER, ENTERPRISE],
        "id": "1",
        "externalId": "X",
        "userName": "BJ",
        "title": "",
        "active": true,
        "shoeSize": 42.0,
        "name": {"givenName": "B", "familyName": "J"},
        "emails": [
            {"value": "H@x", "type": "home"},
            {"type": "none"},
            {"value": "w@x", "primary": true},
            {"value": "o@x"},
        ],
        "tags": ["A", "a"],
        ENTERPRISE: {"department": "Sales", "manager": {"value": "M"}},
        "meta": {"created": "2011-05-13T04:42:34Z"},
    }));
    let expected = [
        "externalId \"X\" 0",
        "userName \"bj\" 0",
        "name.familyName \"j\" 0",
        "title \"\" 0",
        "active 1 0",
        "shoeSize 42 0",
        "emails.value \"h@x\" 1",
        "emails.value \"w@x\" 0",
        "emails.value \"o@x\" 3",
        "tags \"a\" 0",
        "tags \"a\" 1",
        &format!("{ENTERPRISE}:department \"sales\" 0"),
        &format!("{ENTERPRISE}:manager.value \"M\" 0"),
    ];
    assert_eq!(shown(&entries(&resource, &user())), expected);
}

#[test]
fn difference_is_what_changes() {
    let entry = |path: &str, key: i64, element| IndexEntry {
        path: path.to_owned(),
        key: Key::Integer(key),
        element,
    };
    let old = [entry("b", 1, 0), entry("a", 1, 0), entry("a", 2, 1)];
    let new = [
        entry("a", 1, 0),
        entry("a", 2, 0),
        entry("c", 1, 0),
        entry("a", 2, 1),
    ];
    let (removed, added) = difference(&old, &new);
    assert_eq!(removed, [entry("b", 1, 0)]);
    assert_eq!(added, [entry("a", 2, 0), entry("c", 1, 0)]);
    assert_eq!(difference(&old, &old), (Vec::new(), Vec::new()));
}

fn word() -> impl Strategy<Value = String> {
    "[aAbéÉ]{0,2}"
}

fn resource() -> impl Strategy<Value = Attributes> {
    let optional = || proptest::option::of(word());
    let emails = proptest::collection::vec((optional(), any::<bool>()), 0..3);
    let size = proptest::option::of((-4i32..4).prop_map(|it| f64::from(it) / 2.0));
    (
        optional(),
        optional(),
        emails,
        size,
        proptest::option::of(any::<bool>()),
    )
        .prop_map(|(title, department, emails, size, active)| {
            let emails = emails.into_iter().map(|(value, primary)| match value {
                Some(value) => json!({"value": value, "primary": primary}),
                None => json!({"type": "work"}),
            });
            let all = json!({
                "userName": "u",
                "title": title,
                "emails": emails.collect::<Vec<_>>(),
                "shoeSize": size,
                "active": active,
                ENTERPRISE: {"department": department},
            });
            attributes(all)
        })
}

fn comparison() -> impl Strategy<Value = String> {
    let text = (
        proptest::sample::select(vec!["title", "emails.value", "department"]),
        proptest::sample::select(vec!["eq", "co", "sw", "ew", "gt", "ge", "lt", "le"]),
        word(),
    );
    let ordered = proptest::sample::select(vec!["eq", "gt", "ge", "lt", "le"]);
    prop_oneof![
        text.prop_map(|(path, operator, word)| format!("{path} {operator} \"{word}\"")),
        (ordered, -4i32..4)
            .prop_map(|(operator, it)| { format!("shoeSize {operator} {}", f64::from(it) / 2.0) }),
        any::<bool>().prop_map(|it| format!("active eq {it}")),
    ]
}

/// What a store does with its index.
fn looked_up(entries: &[IndexEntry], path: &str, operator: Operator, operand: &Key) -> bool {
    entries.iter().any(|entry| {
        let order = entry.key.order(operand);
        entry.path == path
            && match (operator, &entry.key, operand) {
                (Operator::Eq, ..) => order.is_eq(),
                (Operator::Gt, ..) => order.is_gt(),
                (Operator::Ge, ..) => order.is_ge(),
                (Operator::Lt, ..) => order.is_lt(),
                (Operator::Le, ..) => order.is_le(),
                (_, Key::Text(text), _) if text.is_empty() => false,
                (Operator::Co, Key::Text(text), Key::Text(part)) => text.contains(part),
                (Operator::Sw, Key::Text(text), Key::Text(part)) => text.starts_with(part),
                (Operator::Ew, Key::Text(text), Key::Text(part)) => text.ends_with(part),
                _ => false,
            }
    })
}

proptest! {
    #[test]
    fn the_index_agrees_with_the_evaluator(resource in resource(), text in comparison()) {
        let rt = user();
        let filter = Filter::parse(&text, &Limits::default()).unwrap();
        let condition = filter.resolve(&rt, &[], &Tolerance::generic()).unwrap();
        let Condition::Compare(target, operator, key) = &condition else {
            panic!("no comparison: {condition:?}");
        };
        prop_assert!(target.indexed);
        let found = looked_up(&entries(&resource, &rt), &target.path, *operator, key);
        prop_assert_eq!(found, condition.matches(&resource), "{} on {:?}", text, resource);
    }

    #[test]
    fn difference_leads_from_old_to_new(old in resource(), new in resource()) {
        let rt = user();
        let (old, new) = (entries(&old, &rt), entries(&new, &rt));
        let (removed, added) = difference(&old, &new);
        let kept = old.into_iter().filter(|entry| !removed.contains(entry));
        let mut reached: Vec<_> = kept.chain(added).collect();
        reached.sort_by(order);
        let mut wanted = new;
        wanted.sort_by(order);
        prop_assert_eq!(reached, wanted);
    }
}
