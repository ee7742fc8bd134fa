use serde_json::{Value, json};

use super::*;
use crate::{
    Attributes, Invalid, ScimType, core,
    filter::{Filter, Limits},
    schema::ResourceType,
    testing::{ENTERPRISE, GROUP, USER, group, user},
    tolerance::Tolerance,
};

fn attributes(value: Value) -> Attributes {
    match value {
        Value::Object(attributes) => attributes,
        other => panic!("not an object: {other}"),
    }
}

fn meta(resource_type: &str, last_modified: &str) -> Value {
    json!({"resourceType": resource_type, "lastModified": last_modified})
}

fn user_a() -> Attributes {
    attributes(json!({
        "schemas": [USER],
        "id": "a1",
        "externalId": "X1",
        "userName": "bjensen",
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        "title": "Tour Guide",
        "userType": "Employee",
        "active": true,
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": true},
            {"value": "babs@jensen.org", "type": "home"},
        ],
        "meta": meta("User", "2011-05-13T04:42:34Z"),
    }))
}

fn user_b() -> Attributes {
    attributes(json!({
        "schemas": [USER, ENTERPRISE],
        "id": "b2",
        "externalId": "x1",
        "userName": "JSmith",
        "userType": "Intern",
        "active": false,
        ENTERPRISE: {"department": "Sales", "manager": {"value": "a1"}},
        "meta": meta("User", "2011-05-13T06:42:34+02:00"),
    }))
}

fn user_c() -> Attributes {
    attributes(json!({
        "schemas": [USER],
        "id": "c3",
        "userName": "mallory",
        "displayName": "École",
        "title": "",
        "emails": [
            {"value": "mal@foo.com", "type": "work"},
            {"value": "c@example.com", "type": "home"},
        ],
        "meta": meta("User", "2012-01-01T00:00:00.5Z"),
    }))
}

fn group_g() -> Attributes {
    attributes(json!({
        "schemas": [GROUP],
        "id": "g1",
        "displayName": "Staff",
        "meta": meta("Group", "2012-01-01T00:00:00Z"),
    }))
}

fn resolve(text: &str, rt: &ResourceType, others: &[&ResourceType]) -> Result<Condition, Invalid> {
    Filter::parse(text, &Limits::default())?.resolve(rt, others, &Tolerance::generic())
}

/// The letters of the matching users, or the keyword of the error.
fn on_users(text: &str, rt: &ResourceType) -> String {
    let condition = match resolve(text, rt, &[]) {
        Ok(condition) => condition,
        Err(error) => return error.scim_type.keyword().to_owned(),
    };
    let users = [("A", user_a()), ("B", user_b()), ("C", user_c())];
    let matching = users.iter().filter(|(_, user)| condition.matches(user));
    matching.map(|(letter, _)| *letter).collect()
}

/// The same on the base path, groups included.
fn on_all(text: &str) -> String {
    let (user, group) = (user(), group());
    let condition = resolve(text, &group, &[&user]).map(|it| it.matches(&group_g()));
    let of_users = resolve(text, &user, &[&group]);
    match (of_users, condition) {
        (Ok(of_users), Ok(has_group)) => {
            let users = [("A", user_a()), ("B", user_b()), ("C", user_c())];
            let matching = users.iter().filter(|(_, user)| of_users.matches(user));
            let letters: String = matching.map(|(letter, _)| *letter).collect();
            letters + if has_group { "G" } else { "" }
        }
        (Err(error), Err(_)) => error.scim_type.keyword().to_owned(),
        (of_users, condition) => panic!("types disagree: {of_users:?}, {condition:?}"),
    }
}

const E: &str = "invalidFilter";

#[test]
#[rustfmt::skip]
fn t_filter_01_to_92() {
    for (id, filter, expected) in [
        ("T-FILTER-01", r#"userName eq "BJENSEN""#, "A"),
        ("T-FILTER-02", r#"USERNAME EQ "jsmith""#, "B"),
        ("T-FILTER-03", r#"externalId eq "x1""#, "B"),
        ("T-FILTER-04", r#"externalId eq "X1""#, "A"),
        ("T-FILTER-05", r#"id eq "A1""#, ""),
        ("T-FILTER-06", r#"id sw "a""#, "A"),
        ("T-FILTER-07", r#"userName gt "c""#, "BC"),
        ("T-FILTER-08", r#"externalId gt "a""#, "B"),
        ("T-FILTER-09", r#"userName co """#, "ABC"),
        ("T-FILTER-10", r#"displayName eq "\u00c9cole""#, "C"),
        ("T-FILTER-11", r#"displayName eq "école""#, "C"),
        ("T-FILTER-12", r#"displayName eq "e\u0301cole""#, "C"),
        ("T-FILTER-13", r"title pr", "A"),
        ("T-FILTER-14", r#"title eq """#, "C"),
        ("T-FILTER-15", r#"title ne """#, "AB"),
        ("T-FILTER-16", r#"title co """#, "A"),
        ("T-FILTER-17", r"title eq null", "BC"),
        ("T-FILTER-18", r"title ne null", "A"),
        ("T-FILTER-19", r"not (title pr)", "BC"),
        ("T-FILTER-20", r"active eq true", "A"),
        ("T-FILTER-21", r"active eq false", "B"),
        ("T-FILTER-22", r"active ne true", "BC"),
        ("T-FILTER-23", r"not (active eq true)", "BC"),
        ("T-FILTER-24", r"active pr", "AB"),
        ("T-FILTER-25", r#"active eq "False""#, "B"),
        ("T-FILTER-26", r#"userType eq "Employee" or userType eq "Intern" and active eq false"#, "AB"),
        ("T-FILTER-27", r#"(userType eq "Employee" or userType eq "Intern") and active eq false"#, "B"),
        ("T-FILTER-28", r#"NOT (userType eq "Intern")"#, "AC"),
        ("T-FILTER-29", r#"not(userType eq "Intern") AND userName pr"#, "AC"),
        ("T-FILTER-30", r#"not (userType eq "Intern" or active eq true)"#, "C"),
        ("T-FILTER-31", r#"((userName eq "bjensen"))"#, "A"),
        ("T-FILTER-32", r"emails pr", "AC"),
        ("T-FILTER-33", r#"emails eq "babs@jensen.org""#, "A"),
        ("T-FILTER-34", r#"emails co "EXAMPLE""#, "AC"),
        ("T-FILTER-35", r#"emails.type eq "home" and emails.value ew "example.com""#, "AC"),
        ("T-FILTER-36", r#"emails[type eq "home" and value ew "example.com"]"#, "C"),
        ("T-FILTER-37", r#"emails[type eq "work" and (value co "foo" or value co "example")]"#, "AC"),
        ("T-FILTER-38", r#"emails[not (type eq "work")]"#, "AC"),
        ("T-FILTER-39", r#"not (emails[type eq "work"])"#, "B"),
        ("T-FILTER-40", r#"not (emails.type eq "work")"#, "B"),
        ("T-FILTER-41", r#"emails.type ne "work""#, "ABC"),
        ("T-FILTER-42", r#"emails[type ne "work"]"#, "AC"),
        ("T-FILTER-43", r"emails[primary eq true]", "A"),
        ("T-FILTER-44", r"emails[primary ne true]", "AC"),
        ("T-FILTER-45", r#"emails[type eq "work"].value eq "MAL@foo.com""#, "C"),
        ("T-FILTER-46", r#"EMAILS[TYPE EQ "work"].VALUE EQ "mal@foo.com""#, "C"),
        ("T-FILTER-47", r"name pr", "A"),
        ("T-FILTER-48", r#"name.familyName eq "jensen""#, "A"),
        ("T-FILTER-49", r#"manager eq "a1""#, "B"),
        ("T-FILTER-50", r#"meta.lastModified eq "2011-05-13T04:42:34Z""#, "AB"),
        ("T-FILTER-51", r#"meta.lastModified gt "2011-05-13T04:42:34Z""#, "C"),
        ("T-FILTER-52", r#"meta.lastModified ge "2011-05-13T06:42:34+02:00""#, "ABC"),
        ("T-FILTER-53", r#"meta.lastModified lt "2011-05-13T04:42:34.001Z""#, "AB"),
        ("T-FILTER-54", r#"meta.lastModified eq "2012-01-01T00:00:00.500Z""#, "C"),
        ("T-FILTER-55", r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:USER""#, "ABC"),
        ("T-FILTER-56", r#"meta.resourceType eq "User""#, "ABC"),
        ("T-FILTER-57", r#"meta.resourceType eq "user""#, ""),
        ("T-FILTER-58", r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#, "B"),
        ("T-FILTER-59", r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "sales""#, "B"),
        ("T-FILTER-60", r#"URN:IETF:params:scim:schemas:extension:enterprise:2.0:user:manager.value eq "a1""#, "B"),
        ("T-FILTER-61", r#"department eq "sales""#, "B"),
        ("T-FILTER-62", r#"userName eq "bjensen" and ( active eq true )"#, "A"),
        ("T-FILTER-63", r"", E),
        ("T-FILTER-64", r"userName", E),
        ("T-FILTER-65", r"userName eq", E),
        ("T-FILTER-66", r#"userName pr "x""#, E),
        ("T-FILTER-67", r#"userName xx "x""#, E),
        ("T-FILTER-68", r"userName eq bjensen", E),
        ("T-FILTER-69", r"userName eq 'bjensen'", E),
        ("T-FILTER-70", r#"userName eq "bjensen"#, E),
        ("T-FILTER-71", r#"userName eq "a" and"#, E),
        ("T-FILTER-72", r#"userName eq "a" userName eq "b""#, E),
        ("T-FILTER-73", r#"(userName eq "a""#, E),
        ("T-FILTER-74", r#"userName eq "a")"#, E),
        ("T-FILTER-75", r#"not userType eq "Employee""#, E),
        ("T-FILTER-76", r"not (title pr", E),
        ("T-FILTER-77", r"active gt false", E),
        ("T-FILTER-78", r#"active co "t""#, E),
        ("T-FILTER-79", r"userName eq 5", E),
        ("T-FILTER-80", r"userName eq true", E),
        ("T-FILTER-81", r"title gt null", E),
        ("T-FILTER-82", r#"meta.lastModified eq "2011-05-13""#, E),
        ("T-FILTER-83", r#"meta.lastModified sw "2011""#, E),
        ("T-FILTER-84", r#"name eq "Barbara""#, E),
        ("T-FILTER-85", r#"emails[type eq "work""#, E),
        ("T-FILTER-86", r"emails[]", E),
        ("T-FILTER-87", r#"emails[value[type eq "x"]]"#, E),
        ("T-FILTER-88", r#"name[givenName eq "Barbara"]"#, E),
        ("T-FILTER-89", r#"emails.value.x eq "a""#, E),
        ("T-FILTER-90", r#"nosuch eq "x""#, E),
        ("T-FILTER-91", r#"password eq "x""#, E),
        ("T-FILTER-92", r"password pr", E),
    ] {
        for rt in [user(), core::user()] {
            assert_eq!(on_users(filter, &rt), expected, "{id}: {filter}");
        }
    }
}

#[test]
fn t_filter_93_to_97() {
    for (id, filter, expected) in [
        ("T-FILTER-93", "userName pr", "ABC"),
        ("T-FILTER-94", "not (userName pr)", "G"),
        (
            "T-FILTER-95",
            r#"meta.resourceType eq "Group" and displayName eq "staff""#,
            "G",
        ),
        ("T-FILTER-96", "members pr or title pr", "A"),
        ("T-FILTER-97", "nosuch pr", E),
        ("another type's ne", r#"userName ne "bjensen""#, "BCG"),
        ("another type's null", "userName eq null", "G"),
        ("another type's element", "emails[primary eq true]", "A"),
        ("another type's secret", "password pr", E),
        ("another type's literal", "userName eq 5", E),
    ] {
        assert_eq!(on_all(filter), expected, "{id}: {filter}");
    }
}

#[test]
fn further_readings() {
    for (filter, expected) in [
        ("emails eq null", "B"),
        ("name ne null", "A"),
        ("addresses eq \"x\"", E),
        ("addresses pr", ""),
        ("x509Certificates gt \"AA\"", E),
        ("x509Certificates sw \"AA\"", E),
        ("shoeSize co \"4\"", E),
        ("shoeSize ne 4", "ABC"),
        ("schemas[value pr]", E),
        ("emails.value[type pr]", E),
        (
            "title eq \"tour guide\" and not (emails[type eq \"other\"])",
            "A",
        ),
        ("id ne \"a1\"", "BC"),
        ("emails[type eq \"work\"].display eq null", "AC"),
        ("displayName co \"COL\"", "C"),
        ("emails[type eq \"home\"].value ne \"c@example.com\"", "A"),
    ] {
        assert_eq!(on_users(filter, &user()), expected, "{filter}");
    }
    let strict = Tolerance::strict();
    let quoted = Filter::parse("active eq \"true\"", &Limits::default()).unwrap();
    assert!(quoted.resolve(&user(), &[], &strict).is_err());
}

#[test]
fn s_7644_3_4_2_3_sort_keys() {
    let rt = user();
    let key = |by: &str, user: &Attributes| Sort::resolve(by, false, &rt).unwrap().key(user);
    let text = |text: &str| Some(Key::Text(text.to_owned()));
    assert_eq!(key("USERNAME", &user_b()), text("jsmith"));
    assert_eq!(key("emails", &user_a()), text("bjensen@example.com"));
    assert_eq!(key("emails.type", &user_c()), text("work"));
    assert_eq!(key("emails.display", &user_c()), None);
    assert_eq!(key("title", &user_c()), text(""));
    assert_eq!(key("title", &user_b()), None);
    assert_eq!(key("department", &user_b()), text("sales"));
    assert_eq!(key("active", &user_b()), Some(Key::Integer(0)));
    let mut reversed = user_a();
    reversed["emails"].as_array_mut().unwrap().reverse();
    assert_eq!(key("emails", &reversed), text("bjensen@example.com"));
    for by in [
        "nosuch",
        "name",
        "addresses",
        "manager",
        "password",
        ENTERPRISE,
        "",
        "a.b.c",
    ] {
        let error = Sort::resolve(by, true, &rt).unwrap_err();
        assert_eq!(error.scim_type, ScimType::InvalidValue, "sortBy: {by}");
    }
}
