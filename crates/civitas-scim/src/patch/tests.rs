use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    schema::Mutability,
    testing::{ENTERPRISE, GROUP, USER, group, user},
    tolerance::Kind,
};

fn entra() -> Tolerance {
    Tolerance::new(Kind::Entra.switches())
}

fn attributes(value: Value) -> Attributes {
    match value {
        Value::Object(attributes) => attributes,
        other => panic!("not an object: {other}"),
    }
}

fn user_u() -> Attributes {
    attributes(json!({
        "schemas": [USER, ENTERPRISE],
        "id": "u",
        "userName": "bj",
        "displayName": "BJ",
        "title": "Guide",
        "active": true,
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        "emails": [
            {"value": "w@x.org", "type": "work", "primary": true},
            {"value": "h@x.org", "type": "home"},
        ],
        ENTERPRISE: {"department": "Sales", "manager": {"value": "m1"}},
        "meta": {"resourceType": "User", "created": "2011-05-13T04:42:34Z"},
    }))
}

fn group_g() -> Attributes {
    attributes(json!({
        "schemas": [GROUP],
        "id": "g",
        "displayName": "G",
        "members": [{"value": "u1"}, {"value": "u2"}, {"value": "u3"}],
    }))
}

/// Operations written as `[op, path or null]` or `[op, path or null, value]`.
fn operations(written: &Value) -> Vec<Operation> {
    let operation = |it: &Value| Operation {
        op: match it[0].as_str() {
            Some("add") => Op::Add,
            Some("remove") => Op::Remove,
            Some("replace") => Op::Replace,
            other => panic!("no operation: {other:?}"),
        },
        path: it[1].as_str().map(|path| path.replace("URN-E", ENTERPRISE)),
        value: it.get(2).cloned(),
    };
    written.as_array().unwrap().iter().map(operation).collect()
}

fn patched(written: &Value, tolerance: &Tolerance) -> Result<Patched, Invalid> {
    patched_as(&user(), written, tolerance)
}

fn patched_as(
    rt: &ResourceType,
    written: &Value,
    tolerance: &Tolerance,
) -> Result<Patched, Invalid> {
    let steps = steps(&operations(written), rt, "u", tolerance)?;
    apply(&user_u(), &steps, rt, tolerance)
}

/// What differs from the user before; the keyword if the operations are refused.
fn effect_with(written: &Value, tolerance: &Tolerance) -> Value {
    effect_as(&user(), written, tolerance)
}

fn effect_as(rt: &ResourceType, written: &Value, tolerance: &Tolerance) -> Value {
    match patched_as(rt, written, tolerance) {
        Ok(patched) => differences(&user_u(), &patched),
        Err(error) => Value::from(error.scim_type.keyword()),
    }
}

fn effect(written: &Value) -> Value {
    effect_with(written, &Tolerance::generic())
}

fn differences(before: &Attributes, patched: &Patched) -> Value {
    let after = &patched.attributes;
    let mut differences = Attributes::new();
    for (name, value) in after {
        if before.get(name) != Some(value) {
            differences.insert(name.replace(ENTERPRISE, "URN-E"), value.clone());
        }
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        differences.insert(name.replace(ENTERPRISE, "URN-E"), Value::Null);
    }
    assert_eq!(
        patched.changed,
        before != after || !patched.secrets.is_empty()
    );
    Value::Object(differences)
}

fn check(id: &str, written: &[Value], expected: &Value) {
    for rt in [user(), crate::core::user()] {
        for written in written {
            let effect = effect_as(&rt, written, &Tolerance::generic());
            assert_eq!(effect, *expected, "{id}: {written}");
        }
    }
}

fn work() -> Value {
    json!({"value": "w@x.org", "type": "work", "primary": true})
}

fn work_no_longer_primary() -> Value {
    json!({"value": "w@x.org", "type": "work", "primary": false})
}

fn home() -> Value {
    json!({"value": "h@x.org", "type": "home"})
}

#[test]
fn t_patch_01_03_to_09_simple_attributes() {
    check(
        "T-PATCH-01",
        &[
            json!([["replace", "title", "Boss"]]),
            json!([["replace", "TITLE", "Boss"]]),
            json!([["replace", format!("{USER}:title"), "Boss"]]),
            json!([["add", "title", "Boss"]]),
        ],
        &json!({"title": "Boss"}),
    );
    check(
        "T-PATCH-03",
        &[json!([["replace", "title", "Guide"]])],
        &json!({}),
    );
    check(
        "T-PATCH-04",
        &[json!([["replace", "title", 5]])],
        &json!("invalidValue"),
    );
    check(
        "T-PATCH-05",
        &[
            json!([["add", "title"]]),
            json!([["replace", "title"]]),
            json!([["replace", null]]),
        ],
        &json!("invalidValue"),
    );
    check(
        "T-PATCH-06",
        &[
            json!([["add", "title", null]]),
            json!([["add", "emails", []]]),
        ],
        &json!({}),
    );
    check(
        "T-PATCH-07",
        &[
            json!([["replace", "title", null]]),
            json!([["remove", "title"]]),
        ],
        &json!({"title": null}),
    );
    check(
        "T-PATCH-08",
        &[
            json!([["replace", "userName", null]]),
            json!([["remove", "userName"]]),
            json!([["remove", "id"]]),
        ],
        &json!("mutability"),
    );
    check(
        "T-PATCH-09",
        &[json!([["replace", "userName", ""]])],
        &json!("invalidValue"),
    );
}

#[test]
fn t_patch_11_to_15_refused_targets() {
    check(
        "T-PATCH-11",
        &[
            json!([["replace", "id", "other"]]),
            json!([["replace", "meta.created", "2012-01-01T00:00:00Z"]]),
            json!([["replace", "groups", []]]),
            json!([["add", "groups[value eq \"x\"].display", "y"]]),
        ],
        &json!("mutability"),
    );
    check(
        "S-7644-3.5.2-20",
        &[
            json!([["replace", "id", "u"]]),
            json!([["replace", "meta.created", "2011-05-13T04:42:34Z"]]),
        ],
        &json!({}),
    );
    check(
        "T-PATCH-12",
        &[json!([["remove", null]])],
        &json!("noTarget"),
    );
    check(
        "T-PATCH-13",
        &[
            json!([["replace", "nosuch", "x"]]),
            json!([["remove", "nosuch"]]),
            json!([["replace", "title.x", "y"]]),
            json!([["replace", "title[value eq \"a\"]", "y"]]),
            json!([["replace", "name[givenName eq \"a\"]", {}]]),
            json!([["replace", "emails.value[type eq \"a\"]", "y"]]),
            json!([["replace", "emails[type eq \"a\"].nosuch", "y"]]),
            json!([["replace", "schemas[value eq \"a\"]", "y"]]),
            json!([["remove", "URN-E[value eq \"a\"]"]]),
        ],
        &json!("invalidPath"),
    );
    check(
        "T-PATCH-14",
        &[
            json!([["replace", "emails[type eq \"work\"", {}]]),
            json!([["replace", "", {}]]),
            json!([["replace", "a.b.c", {}]]),
            json!([["replace", "emails[0]", {}]]),
            json!([["replace", "/title", {}]]),
            json!([["replace", "emails[type eq \"work\"] ", {}]]),
        ],
        &json!("invalidPath"),
    );
    check(
        "T-PATCH-15",
        &[
            json!([["replace", "emails[primary gt true]", {}]]),
            json!([["replace", "emails[nosuch eq \"a\"]", {}]]),
        ],
        &json!("invalidFilter"),
    );
}

#[test]
fn t_patch_16_to_25_adding_elements() {
    let other = json!({"value": "n@x.org", "type": "other"});
    check(
        "T-PATCH-16",
        &[
            json!([["add", "emails", [other]]]),
            json!([["add", "emails", other]]),
        ],
        &json!({"emails": [work(), home(), other]}),
    );
    let there = json!({"value": "W@x.org", "type": "work"});
    check(
        "T-PATCH-17",
        &[json!([["add", "emails", [there]]])],
        &json!({}),
    );
    let shown = json!({"value": "h@x.org", "type": "home", "display": "H"});
    check(
        "S-7644-3.5.2.1-06",
        &[json!([["add", "emails", [shown]]])],
        &json!({"emails": [work(), shown]}),
    );
    let primary = json!({"value": "n@x.org", "type": "other", "primary": true});
    check(
        "T-PATCH-18",
        &[json!([["add", "emails", [primary]]])],
        &json!({"emails": [work_no_longer_primary(), home(), primary]}),
    );
    let home_primary = json!({"value": "h@x.org", "type": "home", "primary": true});
    check(
        "T-PATCH-19",
        &[json!([[
            "replace",
            "emails[type eq \"home\"].primary",
            true
        ]])],
        &json!({"emails": [work_no_longer_primary(), home_primary]}),
    );
    check(
        "T-PATCH-20",
        &[
            json!([["add", "emails", [
                {"value": "1@x", "primary": true}, {"value": "2@x", "primary": true}
            ]]]),
            json!([["replace", "emails.primary", true]]),
        ],
        &json!("invalidValue"),
    );
    let moved = json!({"value": "h2@x.org", "type": "home"});
    check(
        "T-PATCH-21",
        &[json!([[
            "replace",
            "emails[type eq \"home\"].value",
            "h2@x.org"
        ]])],
        &json!({"emails": [work(), moved]}),
    );
    check(
        "T-PATCH-22",
        &[json!([["replace", "emails[type eq \"home\"]", {"value": "h2@x.org"}]])],
        &json!({"emails": [work(), {"value": "h2@x.org"}]}),
    );
    check(
        "T-PATCH-23",
        &[json!([[
            "add",
            "emails[type eq \"work\"].value",
            "w2@x.org"
        ]])],
        &json!({"emails": [{"value": "w2@x.org", "type": "work", "primary": true}, home()]}),
    );
    check(
        "T-PATCH-24",
        &[
            json!([["add", "emails[type eq \"other\"].value", "n@x.org"]]),
            json!([["add", "emails[type eq \"other\"]", {"value": "n@x.org"}]]),
            json!([[
                "add",
                "emails[type eq \"other\" and value eq \"n@x.org\"].type",
                "other"
            ]]),
            json!([["add", null, {"emails[type eq \"other\"].value": "n@x.org"}]]),
        ],
        &json!({"emails": [work(), home(), other]}),
    );
    check(
        "T-PATCH-25",
        &[
            json!([["add", "emails[value co \"q\"].display", "x"]]),
            json!([[
                "add",
                "emails[type eq \"a\" and type eq \"b\"].display",
                "x"
            ]]),
            json!([["add", "roles.display", "x"]]),
        ],
        &json!("noTarget"),
    );
}

#[test]
fn t_patch_26_to_32_replacing_and_removing_elements() {
    let upsert = json!([["replace", "emails[type eq \"other\"].value", "o@x.org"]]);
    assert_eq!(effect(&upsert), "noTarget", "T-PATCH-26");
    let created = json!({"type": "other", "value": "o@x.org"});
    assert_eq!(
        effect_with(&upsert, &entra()),
        json!({"emails": [work(), home(), created]}),
        "T-PATCH-26"
    );
    check(
        "T-PATCH-27",
        &[json!([["replace", "emails.type", "other"]])],
        &json!({"emails": [
            {"value": "w@x.org", "type": "other", "primary": true},
            {"value": "h@x.org", "type": "other"},
        ]}),
    );
    check(
        "T-PATCH-28",
        &[
            json!([["replace", "emails", [{"value": "n@x.org"}]]]),
            json!([["replace", null, {"emails": [{"value": "n@x.org"}]}]]),
        ],
        &json!({"emails": [{"value": "n@x.org"}]}),
    );
    check(
        "T-PATCH-29",
        &[
            json!([["remove", "emails[type eq \"home\"]"]]),
            json!([["remove", "emails", [{"value": "H@x.org"}]]]),
            json!([["remove", "emails", {"type": "HOME"}]]),
            json!([["replace", "emails[type eq \"home\"]", null]]),
        ],
        &json!({"emails": [work()]}),
    );
    check(
        "T-PATCH-30",
        &[
            json!([["remove", "emails[type eq \"other\"]"]]),
            json!([["remove", "roles"]]),
            json!([["remove", "roles.display"]]),
            json!([["remove", "emails", []]]),
            json!([["remove", "emails", [{"value": "zz"}]]]),
        ],
        &json!({}),
    );
    check(
        "T-PATCH-31",
        &[
            json!([["remove", "emails"]]),
            json!([["remove", "emails", null]]),
            json!([["replace", "emails", []]]),
            json!([["replace", "emails", null]]),
            json!([["remove", "emails[value pr]"]]),
        ],
        &json!({"emails": null}),
    );
    check(
        "T-PATCH-32",
        &[json!([["remove", "emails[type eq \"work\"].primary"]])],
        &json!({"emails": [{"value": "w@x.org", "type": "work"}, home()]}),
    );
    check(
        "S-7644-3.5.2.2-06",
        &[json!([
            ["remove", "emails[type eq \"home\"].value"],
            ["remove", "emails[type eq \"home\"].type"]
        ])],
        &json!({"emails": [work()]}),
    );
}

#[test]
fn t_patch_33_to_36_objects_and_booleans() {
    check(
        "T-PATCH-33",
        &[
            json!([["replace", "name", {"givenName": "Bo"}]]),
            json!([["add", "name", {"GIVENNAME": "Bo"}]]),
            json!([["replace", null, {"name": {"givenName": "Bo"}}]]),
            json!([["replace", null, {"name.givenName": "Bo"}]]),
        ],
        &json!({"name": {"givenName": "Bo", "familyName": "Jensen"}}),
    );
    check(
        "T-PATCH-34",
        &[
            json!([["remove", "name.familyName"], ["remove", "name.givenName"]]),
            json!([["replace", "name", {"familyName": null, "givenName": null}]]),
            json!([["replace", "name", null]]),
            json!([["remove", "name"]]),
        ],
        &json!({"name": null}),
    );
    check(
        "T-PATCH-35",
        &[
            json!([["replace", null, {"active": false}]]),
            json!([["replace", "active", false]]),
            json!([["replace", "active", "False"]]),
        ],
        &json!({"active": false}),
    );
    check(
        "T-PATCH-36",
        &[json!([["replace", "active", "no"]])],
        &json!("invalidValue"),
    );
    check(
        "objects",
        &[json!([["replace", "name", "Bo"]])],
        &json!("invalidValue"),
    );
}

#[test]
fn t_patch_37_to_42_extensions() {
    check(
        "T-PATCH-37",
        &[
            json!([["replace", null, {format!("{ENTERPRISE}:employeeNumber"): "7"}]]),
            json!([["replace", null, {ENTERPRISE: {"employeeNumber": "7"}}]]),
            json!([["replace", null, {ENTERPRISE.to_lowercase(): {"EMPLOYEENUMBER": "7"}}]]),
            json!([["add", "URN-E", {"employeeNumber": "7"}]]),
            json!([["add", "employeeNumber", "7"]]),
        ],
        &json!({"URN-E": {
            "department": "Sales", "manager": {"value": "m1"}, "employeeNumber": "7"
        }}),
    );
    check(
        "T-PATCH-38",
        &[
            json!([["replace", "URN-E:manager.value", "m2"]]),
            json!([["replace", "URN-E:manager", {"value": "m2", "displayName": "ignored"}]]),
            json!([["add", "URN-E:manager", "m2"]]),
            json!([["replace", "manager", [{"value": "m2"}]]]),
            json!([["replace", null, {ENTERPRISE: {"manager": "m2"}}]]),
            json!([["replace", null, {ENTERPRISE: {"manager.value": "m2"}}]]),
        ],
        &json!({"URN-E": {"department": "Sales", "manager": {"value": "m2"}}}),
    );
    check(
        "T-PATCH-40",
        &[json!([["replace", "URN-E:manager.displayName", "x"]])],
        &json!("mutability"),
    );
    check(
        "T-PATCH-41",
        &[
            json!([["remove", "URN-E:manager"]]),
            json!([["replace", "URN-E:manager", null]]),
            json!([["replace", "URN-E:manager", ""]]),
            json!([["replace", "URN-E:manager", []]]),
            json!([["replace", "URN-E:manager", {"value": ""}]]),
        ],
        &json!({"URN-E": {"department": "Sales"}}),
    );
    check(
        "T-PATCH-42",
        &[
            json!([["remove", "URN-E"]]),
            json!([["replace", "URN-E", null]]),
            json!([["replace", null, {ENTERPRISE: null}]]),
            json!([["remove", "URN-E:manager"], ["remove", "URN-E:department"]]),
            json!([["remove", "schemas", [ENTERPRISE]]]),
        ],
        &json!({"URN-E": null, "schemas": [USER]}),
    );
}

#[test]
fn s_7644_3_5_2_13_and_14_schemas() {
    let rt = user();
    let mut plain = user_u();
    plain.shift_remove(ENTERPRISE);
    plain.insert("schemas".to_owned(), json!([USER]));
    let operations = operations(&json!([["add", "URN-E:department", "IT"]]));
    let steps = steps(&operations, &rt, "u", &Tolerance::generic()).unwrap();
    let patched = apply(&plain, &steps, &rt, &Tolerance::generic()).unwrap();
    assert_eq!(patched.attributes["schemas"], json!([USER, ENTERPRISE]));
    assert_eq!(patched.attributes[ENTERPRISE], json!({"department": "IT"}));
    check(
        "S-7644-3.5.2-14",
        &[
            json!([["remove", "schemas", [USER]]]),
            json!([["remove", "schemas"]]),
            json!([["add", "schemas", ["urn:example:unknown"]]]),
            json!([["replace", "schemas", [ENTERPRISE]]]),
            json!([["add", "schemas", [1]]]),
        ],
        &json!("invalidValue"),
    );
    check(
        "S-7644-3.5.2-13",
        &[
            json!([["add", "schemas", [ENTERPRISE]]]),
            json!([["remove", "schemas", []]]),
            json!([["replace", null, {"schemas": [USER]}]]),
        ],
        &json!({}),
    );
}

#[test]
fn the_description_of_a_manager_goes_with_its_value() {
    let rt = user();
    let mut described = user_u();
    described[ENTERPRISE]["manager"] =
        json!({"value": "m1", "$ref": "../Users/m1", "displayName": "M"});
    for (value, expected) in [
        (
            json!({"value": "m1"}),
            described[ENTERPRISE]["manager"].clone(),
        ),
        (json!({"value": "m2"}), json!({"value": "m2"})),
        (
            json!({"value": "m2", "$ref": "../Users/m2"}),
            json!({"value": "m2", "$ref": "../Users/m2"}),
        ),
    ] {
        let operations = operations(&json!([["replace", "manager", value]]));
        let steps = steps(&operations, &rt, "u", &Tolerance::generic()).unwrap();
        let patched = apply(&described, &steps, &rt, &Tolerance::generic()).unwrap();
        assert_eq!(patched.attributes[ENTERPRISE]["manager"], expected);
    }
}

#[test]
fn t_patch_43_to_51_values_without_path_and_sequences() {
    check(
        "T-PATCH-43",
        &[json!([["replace", null, {"id": "u", "displayName": "X"}]])],
        &json!({"displayName": "X"}),
    );
    check(
        "T-PATCH-44",
        &[json!([["replace", null, {"id": "zz", "displayName": "X"}]])],
        &json!("mutability"),
    );
    let extra = json!({"groups": [{"value": "g"}], "meta": {"x": 1}, "title": "T"});
    check(
        "T-PATCH-45",
        &[json!([["replace", null, extra]])],
        &json!({"title": "T"}),
    );
    let unknown = json!([["replace", null, {"nosuch": 1, "title": "T"}]]);
    check(
        "T-PATCH-46",
        std::slice::from_ref(&unknown),
        &json!({"title": "T"}),
    );
    let strict = effect_with(&unknown, &Tolerance::strict());
    assert_eq!(strict, "invalidValue", "T-PATCH-46");
    check(
        "T-PATCH-47",
        &[
            json!([["replace", null, {"nosuch": 1}]]),
            json!([["replace", null, {"a b": 1, "urn:x:y": 2, "name.nosuch": 3}]]),
            json!([["replace", null, {}]]),
        ],
        &json!({}),
    );
    check(
        "T-PATCH-48",
        &[json!([["replace", null, "{\"title\":\"T\"}"]])],
        &json!("invalidValue"),
    );
    check(
        "T-PATCH-49",
        &[json!([
            ["replace", "title", "T"],
            ["replace", "nosuch", "x"]
        ])],
        &json!("invalidPath"),
    );
    check(
        "T-PATCH-50",
        &[json!([["remove", "emails"], ["add", "emails", {"value": "n@x.org"}]])],
        &json!({"emails": [{"value": "n@x.org"}]}),
    );
    check(
        "T-PATCH-51",
        &[json!([
            ["add", "emails", [{"value": "o@x.org", "type": "other"}]],
            ["replace", "emails[type eq \"other\"].value", "p@x.org"]
        ])],
        &json!({"emails": [work(), home(), {"value": "p@x.org", "type": "other"}]}),
    );
    check(
        "back again",
        &[json!([["remove", "title"], ["add", "title", "Guide"]])],
        &json!({}),
    );
}

#[test]
fn strict_handling_takes_no_dotted_keys() {
    for key in [
        "name.givenName",
        "emails[type eq \"work\"].value",
        "department",
    ] {
        let written = json!([["replace", null, {key: "x"}]]);
        assert_eq!(
            effect_with(&written, &Tolerance::strict()),
            "invalidValue",
            "{key}"
        );
    }
    let container = json!([["replace", null, {ENTERPRISE: {"department": "Sales"}}]]);
    assert_eq!(effect_with(&container, &Tolerance::strict()), json!({}));
}

#[test]
fn t_patch_52_secrets_stay_out_of_the_resource() {
    for (written, secrets) in [
        (
            json!([["replace", "password", "x"]]),
            json!({"password": "x"}),
        ),
        (
            json!([["add", null, {"password": "x"}]]),
            json!({"password": "x"}),
        ),
        (
            json!([["replace", "password", null]]),
            json!({"password": null}),
        ),
        (json!([["remove", "password"]]), json!({"password": null})),
        (json!([["add", "password", null]]), json!({})),
    ] {
        let patched = patched(&written, &Tolerance::generic()).unwrap();
        assert_eq!(patched.attributes, user_u(), "{written}");
        assert_eq!(Value::Object(patched.secrets.clone()), secrets, "{written}");
        assert_eq!(patched.changed, !patched.secrets.is_empty(), "{written}");
    }
}

#[test]
fn s_7644_3_5_2_08_immutable_attributes() {
    assert_eq!(
        effect(&json!([["add", "badge", "1"]])),
        json!({"badge": "1"})
    );
    assert_eq!(
        effect(&json!([["add", "badge", "1"], ["replace", "badge", "1"]]))["badge"],
        "1"
    );
    for second in [
        json!(["replace", "badge", "2"]),
        json!(["remove", "badge"]),
        json!(["replace", "badge", null]),
    ] {
        let written = json!([["add", "badge", "1"], second]);
        assert_eq!(effect(&written), "mutability", "{written}");
    }
}

#[test]
fn errors_name_the_operation_and_no_value() {
    let written = json!([["replace", "title", "T"], ["replace", "active", "s3cret"]]);
    let error = patched(&written, &Tolerance::generic()).unwrap_err();
    assert!(error.detail.starts_with("operation 2: active "), "{error}");
    assert!(!error.detail.contains("s3cret"), "{error}");
}

/// The ids of the members of the group afterwards, by way of its attributes.
fn loaded(rt: &ResourceType, written: &Value) -> String {
    let tolerance = Tolerance::generic();
    let patched = steps(&operations(written), rt, "g", &tolerance)
        .and_then(|steps| apply(&group_g(), &steps, rt, &tolerance));
    let patched = match patched {
        Ok(patched) => patched,
        Err(error) => return error.scim_type.keyword().to_owned(),
    };
    let members = patched.attributes.get("members").and_then(Value::as_array);
    let ids = members
        .into_iter()
        .flatten()
        .map(|it| it["value"].as_str().unwrap());
    ids.collect::<Vec<_>>().join(" ")
}

/// The same, by way of changes to members that are not loaded.
fn unloaded(rt: &ResourceType, written: &Value) -> String {
    let changes = steps(&operations(written), rt, "g", &Tolerance::generic()).and_then(|steps| {
        let is_on_members = |step: &Step| step.attribute_name() == Some("members");
        let (on_members, others): (Vec<_>, Vec<_>) = steps.into_iter().partition(is_on_members);
        apply(&group_g(), &others, rt, &Tolerance::generic())?;
        member_changes(&on_members)
    });
    let changes = match changes {
        Ok(changes) => changes,
        Err(error) => return error.scim_type.keyword().to_owned(),
    };
    let mut ids: Vec<String> = ["u1", "u2", "u3"].map(str::to_owned).into();
    for change in changes {
        let added = match change {
            MemberChange::Add(added) => added,
            MemberChange::Set(added) => {
                ids.clear();
                added
            }
            MemberChange::Remove(gone) => {
                ids.retain(|id| !gone.contains(id));
                continue;
            }
            MemberChange::RemoveWhere(condition) => {
                ids.retain(|id| !condition.matches_element(&json!({"value": id})));
                continue;
            }
            MemberChange::Clear => {
                ids.clear();
                continue;
            }
        };
        for member in added {
            if !ids.contains(&member.value) {
                ids.push(member.value);
            }
        }
    }
    ids.join(" ")
}

#[test]
#[rustfmt::skip]
fn t_patch_55_to_69_members() {
    let u4 = json!({"value": "u4"});
    let listed = json!({"$ref": null, "value": "u2"});
    for (id, written, expected) in [
        ("T-PATCH-55", json!([["add", "members", [u4]]]), "u1 u2 u3 u4"),
        ("T-PATCH-55", json!([["add", "members", u4]]), "u1 u2 u3 u4"),
        ("T-PATCH-55", json!([["add", "members", [u4, u4]]]), "u1 u2 u3 u4"),
        ("T-PATCH-55", json!([["add", "members[value eq \"u4\"].type", "User"]]), "u1 u2 u3 u4"),
        ("T-PATCH-56", json!([["add", "members", [{"value": "u2"}]]]), "u1 u2 u3"),
        ("T-PATCH-58", json!([["add", "members", ["u4"]]]), "invalidValue"),
        ("T-PATCH-58", json!([["add", "members", "u4"]]), "invalidValue"),
        ("T-PATCH-58", json!([["add", "members", [{"value": 4}]]]), "invalidValue"),
        ("T-PATCH-59", json!([["add", null, {"members": [u4]}]]), "u1 u2 u3 u4"),
        ("T-PATCH-60", json!([["remove", "members[value eq \"u2\"]"]]), "u1 u3"),
        ("T-PATCH-61", json!([["remove", "members[value eq \"U2\"]"]]), "u1 u2 u3"),
        ("T-PATCH-62", json!([["remove", "members[value eq \"u1\" or value eq \"u2\"]"]]), "u3"),
        ("T-PATCH-62", json!([["remove", "members[not (value eq \"u1\")]"]]), "u1"),
        ("T-PATCH-63", json!([["remove", "members", [listed]]]), "u1 u3"),
        ("T-PATCH-63", json!([["remove", "members", listed]]), "u1 u3"),
        ("T-PATCH-64", json!([["remove", "members", [{"value": "zz"}]]]), "u1 u2 u3"),
        ("T-PATCH-64", json!([["remove", "members", []]]), "u1 u2 u3"),
        ("T-PATCH-65", json!([["remove", "members"]]), ""),
        ("T-PATCH-65", json!([["remove", "members", null]]), ""),
        ("T-PATCH-66", json!([["replace", "members", [u4]]]), "u4"),
        ("T-PATCH-66", json!([["replace", null, {"members": [u4]}]]), "u4"),
        ("T-PATCH-66", json!([["replace", "members", []]]), ""),
        ("T-PATCH-66", json!([["replace", "members", null]]), ""),
        ("T-PATCH-66", json!([["add", "members", null]]), "u1 u2 u3"),
        ("T-PATCH-67", json!([["replace", "members[value eq \"u1\"].value", "u4"]]), "mutability"),
        ("T-PATCH-67", json!([["replace", "members[value eq \"u1\"]", u4]]), "mutability"),
        ("T-PATCH-67", json!([["replace", "members.value", "u4"]]), "mutability"),
        ("T-PATCH-68", json!([["replace", null, {"id": "g", "displayName": "G2"}]]), "u1 u2 u3"),
        ("T-PATCH-69", json!([["remove", "displayName"]]), "mutability"),
        ("sequence", json!([["remove", "members"], ["add", "members", [u4]]]), "u4"),
    ] {
        for rt in [group(), crate::core::group()] {
            assert_eq!(loaded(&rt, &written), expected, "{id}, loaded: {written}");
            assert_eq!(unloaded(&rt, &written), expected, "{id}, unloaded: {written}");
        }
    }
}

#[test]
fn t_patch_62_identifiers_are_recognised() {
    let rt = group();
    let change = |filter: &str| {
        let path = format!("members[{filter}]");
        let operations = operations(&json!([["remove", path]]));
        let steps = steps(&operations, &rt, "g", &Tolerance::generic()).unwrap();
        member_changes(&steps).unwrap().remove(0)
    };
    let remove = |ids: &[&str]| MemberChange::Remove(ids.iter().map(|&id| id.to_owned()).collect());
    assert_eq!(change("value eq \"a\""), remove(&["a"]));
    let three = "value eq \"b\" or (value eq \"a\" or value eq \"b\")";
    assert_eq!(change(three), remove(&["b", "a"]));
    for other in [
        "value sw \"a\"",
        "type eq \"User\"",
        "value eq \"a\" and type pr",
    ] {
        assert!(
            matches!(change(other), MemberChange::RemoveWhere(_)),
            "{other}"
        );
    }
}

#[test]
fn s_7643_4_2_07_members_of_a_body() {
    let member = |value: &str, claimed: Option<&str>| Member {
        value: value.to_owned(),
        claimed_type: claimed.map(str::to_owned),
        display: (value == "a").then(|| "A".to_owned()),
    };
    let body = json!([
        {"VALUE": "a", "$ref": null, "display": "A"},
        {"value": "b", "type": "Group"},
        {"value": "a", "type": "User"},
    ]);
    assert_eq!(
        members(Some(body)).unwrap(),
        [member("a", Some("User")), member("b", Some("Group"))]
    );
    for empty in [None, Some(Value::Null), Some(json!([]))] {
        assert_eq!(members(empty).unwrap(), []);
    }
    for bad in [
        json!(["a"]),
        json!([{}]),
        json!([{"value": ""}]),
        json!([[]]),
        json!(5),
    ] {
        assert!(members(Some(bad.clone())).is_err(), "{bad}");
    }
}

#[test]
fn every_refusal_leaves_no_trace_and_every_required_attribute() {
    let rt = user();
    let mut nameless = user_u();
    nameless.shift_remove("userName");
    assert!(apply(&nameless, &[], &rt, &Tolerance::generic()).is_err());
    let same = apply(&user_u(), &[], &rt, &Tolerance::generic()).unwrap();
    assert!(!same.changed);
}

fn operation() -> impl Strategy<Value = Operation> {
    let paths: Vec<String> = [
        "title",
        "name",
        "name.givenName",
        "emails",
        "emails.type",
        "emails[type eq \"home\"]",
        "emails[type eq \"x\"].value",
        "active",
        "tags",
        "manager",
        "addresses",
        "id",
        "groups",
    ]
    .map(str::to_owned)
    .into();
    let value = prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!(true)),
        "[ab]{0,2}".prop_map(Value::from),
        "[ab]{0,2}".prop_map(|it| json!({"value": it, "type": "home", "givenName": it})),
        "[ab]{0,2}".prop_map(|it| json!([{"value": it, "primary": true}, {"type": "x"}])),
        "[ab]{0,2}".prop_map(|it| json!([it])),
    ];
    let op = proptest::sample::select(vec![Op::Add, Op::Remove, Op::Replace]);
    let path = proptest::sample::select(paths);
    (op, path, value).prop_map(|(op, path, value)| Operation {
        op,
        path: Some(path),
        value: Some(value),
    })
}

/// RFC 7643 §2.4: the same pair of `type` and `value` is not returned twice.
#[test]
fn elements_that_become_the_same_become_one() {
    let rt = user();
    let tolerance = Tolerance::generic();
    let same = json!({ "value": "n@x.org", "type": "home" });
    let add =
        json!([{ "value": "a@x.org", "type": "home" }, { "value": "b@x.org", "type": "home" }]);
    for (path, value) in [
        ("emails[type eq \"home\"]", same.clone()),
        ("emails[type eq \"home\"].value", json!("n@x.org")),
    ] {
        let operations = [(Op::Add, "emails", add.clone()), (Op::Replace, path, value)];
        let operations = operations.map(|(op, path, value)| Operation {
            op,
            path: Some(path.to_owned()),
            value: Some(value),
        });
        let steps = steps(&operations, &rt, "u", &tolerance).unwrap();
        let patched = apply(&user_u(), &steps, &rt, &tolerance).unwrap();
        let emails = patched.attributes["emails"].as_array().unwrap();
        let homes: Vec<_> = emails.iter().filter(|it| it["type"] == "home").collect();
        assert_eq!(homes, [&same], "{path}");
    }
}

proptest! {
    #[test]
    fn what_results_is_canonical(operations in proptest::collection::vec(operation(), 0..5)) {
        let rt = user();
        let tolerance = Tolerance::generic();
        let applied = steps(&operations, &rt, "u", &tolerance)
            .and_then(|steps| apply(&user_u(), &steps, &rt, &tolerance));
        let Ok(patched) = applied else { return Ok(()) };
        for attribute in &rt.schema.attributes {
            let Some(value) = patched.attributes.get(&attribute.name) else { continue };
            if attribute.mutability == Mutability::ReadOnly { continue }
            let canonical = crate::coerce::value(attribute, value.clone(), &tolerance, "");
            prop_assert_eq!(canonical, Ok(Some(value.clone())));
        }
    }

    #[test]
    fn a_replace_applied_twice_equals_once(operation in operation()) {
        let operation = Operation { op: Op::Replace, ..operation };
        let rt = user();
        let tolerance = Tolerance::generic();
        let Ok(steps) = steps(&[operation], &rt, "u", &tolerance) else { return Ok(()) };
        let Ok(once) = apply(&user_u(), &steps, &rt, &tolerance) else { return Ok(()) };
        // A filter may select nothing any more; what it selects again is as it was left.
        let Ok(twice) = apply(&once.attributes, &steps, &rt, &tolerance) else { return Ok(()) };
        prop_assert!(!twice.changed);
    }
}
