//! Searches: which resources match, in which order, and which part of them is returned.

use std::sync::Arc;

use serde_json::json;

use super::stage::{
    ALL, BARE, ENTERPRISE, MAX_EXAMINED, Resource, Stage, add, group, ids, query, remove, select,
    sort, user,
};
use crate::store::{FoundPage, Page, Place, Query, Selection, Store, Want};

/// Sees that each filter selects exactly these resources, written as `u1 u2`.
async fn check(stage: &Stage, resource_type: &str, table: &[(&str, &str)]) {
    for (filter, expected) in table {
        let expected: Vec<_> = expected.split_whitespace().collect();
        assert_eq!(
            stage.select(resource_type, filter).await,
            expected,
            "{filter}"
        );
        let found = stage
            .select(resource_type, &format!("not ({filter})"))
            .await;
        let all = ids(&stage.search(whole(resource_type, ALL)).await.items);
        let others: Vec<_> = all
            .iter()
            .filter(|id| !expected.contains(&id.as_str()))
            .collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), others, "not ({filter})");
    }
}

fn whole(resource_type: &str, page: Page) -> Query {
    query(vec![select(resource_type, None)], page)
}

/// A stage with four users who have little in common, `u1` to `u4`.
async fn peopled(store: Arc<dyn Store>) -> Stage {
    let stage = Stage::new(store).await;
    let ann = user("u1", "Ann")
        .with("displayName", "Ann Arbor")
        .with("title", "Boss")
        .with("nickName", "")
        .with("externalId", "X-1")
        .with("active", true)
        .with("name", json!({ "familyName": "Arbor", "givenName": "Ann" }))
        .with(
            "emails",
            json!([
                { "value": "ann@x.org", "type": "work", "primary": true },
                { "value": "ann@home.org", "type": "home" },
            ]),
        );
    let bob = user("u2", "bob")
        .with("displayName", "Bob Bach")
        .with("title", "clerk")
        .with("externalId", "x-1")
        .with("active", false)
        .with("emails", json!([{ "value": "bob@x.org", "type": "home" }]));
    let cid = user("u3", "cid")
        .with("title", "Clerk")
        .with("nickName", "C")
        .with("active", true)
        .with("emails", json!([{ "value": "cid@home.org" }]));
    let work =
        json!({ "employeeNumber": "7", "department": "Tools", "manager": { "value": "u1" } });
    let dee = user("u4", "dee")
        .with("displayName", "ann arbor")
        .with(ENTERPRISE, work);
    stage.create(&[&ann, &bob, &cid, &dee]).await;
    stage
}

/// A page by offset is cut from the whole, whose size it tells.
pub async fn index_pages_cut_the_whole(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let page = |offset, count| whole("User", Page::Index { offset, count });
    assert_eq!(stage.search(page(0, 10)).await, empty(0));
    for number in 1..=5 {
        let name = format!("user{number}");
        stage.create(&[&user(&format!("u{number}"), &name)]).await;
    }
    let all = ["u1", "u2", "u3", "u4", "u5"];
    for (offset, count, expected) in [
        (0, 10, &all[..]),
        (0, 5, &all[..]),
        (0, 2, &all[..2]),
        (2, 2, &all[2..4]),
        (4, 2, &all[4..]),
        (0, 0, &all[..0]),
        (5, 2, &all[..0]),
        (9, 2, &all[..0]),
        (u64::MAX, 2, &all[..0]),
    ] {
        let found = stage.search(page(offset, count)).await;
        assert_eq!(ids(&found.items), expected, "{offset}, {count}");
        assert_eq!((found.total, found.next), (5, None));
    }
    let filtered = Query {
        selections: vec![select("User", Some(r#"not (userName eq "user2")"#))],
        ..page(1, 2)
    };
    let found = stage.search(filtered).await;
    assert_eq!(
        (ids(&found.items), found.total),
        (vec!["u3".into(), "u4".into()], 4)
    );
    assert_eq!(stage.search(whole("Group", ALL)).await, empty(0));
    assert_eq!(
        stage
            .search(query(vec![select("User", Some(r#"id eq "u9""#))], ALL))
            .await,
        empty(0)
    );
}

fn empty(total: u64) -> FoundPage {
    FoundPage {
        total,
        items: vec![],
        next: None,
    }
}

async fn after(stage: &Stage, place: Option<Place>, count: usize) -> FoundPage {
    let page = Page::After { place, count };
    let selection = select("User", Some(r#"not (title eq "skipped")"#));
    stage.search(query(vec![selection], page)).await
}

/// Going on after a place shows each untouched resource once, whatever comes and goes
/// between the pages, the resource at the place included.
pub async fn pages_after_a_place_are_stable(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let users: Vec<Resource> = (0..8)
        .map(|number| user(&format!("u{number}"), &format!("user{number}")))
        .collect();
    stage.create(&users.iter().collect::<Vec<_>>()).await;
    let first = after(&stage, None, 3).await;
    assert_eq!(
        (ids(&first.items), first.total),
        (owned(&["u0", "u1", "u2"]), 8)
    );
    // The one at the place goes, an earlier one changes, one is added, one is skipped.
    stage.delete(&users[2]).await;
    stage
        .replace(&users[0], &users[0].clone().with("title", "changed"))
        .await;
    stage.create(&[&user("a8", "user8")]).await;
    stage
        .replace(&users[4], &users[4].clone().with("title", "skipped"))
        .await;
    let second = after(&stage, first.next.clone(), 3).await;
    assert_eq!(
        (ids(&second.items), second.total),
        (owned(&["u3", "u5", "u6"]), 7)
    );
    stage.delete(&users[3]).await;
    stage.create(&[&user("u2", "user2")]).await;
    let third = after(&stage, second.next.clone(), 3).await;
    assert_eq!(
        (ids(&third.items), third.total),
        (owned(&["u7", "a8", "u2"]), 7)
    );
    assert_eq!(third.next, None);
    // An earlier place still says the same.
    let again = after(&stage, first.next.clone(), 10).await;
    assert_eq!(ids(&again.items), ["u5", "u6", "u7", "a8", "u2"]);
    assert_eq!(again.next, None);
    let none = after(&stage, None, 0).await;
    assert_eq!((none.items.len(), none.total, none.next), (0, 7, None));
    stage.delete(&user("u2", "user2")).await;
    stage.delete(&user("a8", "user8")).await;
    stage.delete(&users[7]).await;
    assert_eq!(after(&stage, second.next, 3).await, empty(4));
}

/// The ids of a whole walk, by pages of `count`.
async fn walked(stage: &Stage, selections: &[Selection], count: usize) -> Vec<String> {
    let (mut place, mut seen) = (None, Vec::new());
    loop {
        let page = Page::After { place, count };
        let found = stage.search(query(selections.to_vec(), page)).await;
        assert!(found.items.len() <= count);
        seen.extend(ids(&found.items));
        place = found.next;
        if place.is_none() {
            return seen;
        }
    }
}

/// A walk may follow a sort order and go over several types: ties in the order of types and
/// of creation, and all of it reversed when descending.
pub async fn walks_follow_a_sort_order(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let named = |id: &str, name: &str, display: &str| user(id, name).with("displayName", display);
    stage
        .create(&[
            &named("u1", "ann", "Mia"),
            &user("u2", "bob"),
            &named("u3", "cid", "mia"),
            &named("u4", "dee", "Zoe"),
            &user("u5", "eve"),
        ])
        .await;
    stage
        .create(&[&group("g1", "MIA"), &group("g2", "Alpha")])
        .await;
    let by = |descending| {
        ["User", "Group"].map(|name| Selection {
            sort: Some(sort(name, "displayName", descending)),
            ..select(name, None)
        })
    };
    let unsorted = ["User", "Group"].map(|name| select(name, None));
    for count in 1..9 {
        let users = walked(&stage, &by(false)[..1], count).await;
        assert_eq!(users, ["u1", "u3", "u4", "u2", "u5"], "{count}");
        let both = walked(&stage, &by(false), count).await;
        assert_eq!(both, ["g2", "u1", "u3", "g1", "u4", "u2", "u5"], "{count}");
        let reversed = walked(&stage, &by(true), count).await;
        assert_eq!(
            reversed,
            ["u5", "u2", "u4", "g1", "u3", "u1", "g2"],
            "{count}"
        );
        let created = walked(&stage, &unsorted, count).await;
        assert_eq!(
            created,
            ["u1", "u2", "u3", "u4", "u5", "g1", "g2"],
            "{count}"
        );
        let filtered = unsorted.clone().map(|it| Selection {
            condition: select(&it.resource_type, Some(r#"displayName eq "mia""#)).condition,
            ..it
        });
        assert_eq!(walked(&stage, &filtered, count).await, ["u1", "u3", "g1"]);
    }
}

fn owned(ids: &[&str]) -> Vec<String> {
    super::stage::owned(ids)
}

/// Each operator on attributes with an index and without, of core and extension, and logic.
pub async fn conditions_by_every_operator(store: Arc<dyn Store>) {
    let stage = peopled(store).await;
    check(&stage, "User", UNIQUE_NAME).await;
    check(&stage, "User", INDEXED).await;
    check(&stage, "User", UNINDEXED).await;
    check(&stage, "User", EXACT).await;
    check(&stage, "User", LOGIC).await;
    let department = |test: &str| format!("{ENTERPRISE}:{test}");
    for (test, expected) in [
        (r#"department eq "TOOLS""#, "u4"),
        (r#"department ne "tools""#, "u1 u2 u3"),
        (r#"manager.value eq "u1""#, "u4"),
        (r#"manager.value eq "U1""#, ""),
        (r#"manager.value sw "u""#, "u4"),
        ("manager pr", "u4"),
    ] {
        check(&stage, "User", &[(&department(test), expected)]).await;
    }
}

const UNIQUE_NAME: &[(&str, &str)] = &[
    (r#"userName eq "ANN""#, "u1"),
    (r#"userName ne "ann""#, "u2 u3 u4"),
    (r#"userName co "E""#, "u4"),
    (r#"userName sw "B""#, "u2"),
    (r#"userName ew "D""#, "u3"),
    (r#"userName gt "BOB""#, "u3 u4"),
    (r#"userName ge "bob""#, "u2 u3 u4"),
    (r#"userName lt "bob""#, "u1"),
    (r#"userName le "bob""#, "u1 u2"),
    ("userName pr", "u1 u2 u3 u4"),
];

const INDEXED: &[(&str, &str)] = &[
    (r#"displayName eq "ANN arbor""#, "u1 u4"),
    (r#"displayName ne "ann arbor""#, "u2 u3"),
    (r#"displayName co "B BA""#, "u2"),
    (r#"displayName sw "Ann""#, "u1 u4"),
    (r#"displayName ew "H""#, "u2"),
    (r#"displayName gt "ann arbor""#, "u2"),
    (r#"displayName ge "ann arbor""#, "u1 u2 u4"),
    (r#"displayName lt "bob""#, "u1 u4"),
    (r#"displayName le "bob bach""#, "u1 u2 u4"),
    ("displayName pr", "u1 u2 u4"),
    (r#"displayName eq """#, ""),
    (r#"displayName ne """#, "u1 u2 u3 u4"),
    (r#"displayName sw """#, "u1 u2 u4"),
    ("displayName eq null", "u3"),
    ("displayName ne null", "u1 u2 u4"),
];

const UNINDEXED: &[(&str, &str)] = &[
    (r#"title eq "CLERK""#, "u2 u3"),
    (r#"title ne "clerk""#, "u1 u4"),
    (r#"title co "O""#, "u1"),
    (r#"title sw "cl""#, "u2 u3"),
    (r#"title ew "SS""#, "u1"),
    (r#"title gt "boss""#, "u2 u3"),
    (r#"title ge "boss""#, "u1 u2 u3"),
    (r#"title lt "clerk""#, "u1"),
    (r#"title le "clerk""#, "u1 u2 u3"),
    ("title pr", "u1 u2 u3"),
    ("nickName pr", "u3"),
    (r#"nickName eq """#, "u1"),
    (r#"nickName co """#, "u3"),
    (r#"nickName ne "c""#, "u1 u2 u4"),
    (r#"name.familyName eq "arbor""#, "u1"),
    (r#"name.familyName ne "arbor""#, "u2 u3 u4"),
    ("name pr", "u1"),
    (r#"meta.resourceType eq "User""#, "u1 u2 u3 u4"),
    (
        r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#,
        "u1 u2 u3 u4",
    ),
];

const EXACT: &[(&str, &str)] = &[
    (r#"externalId eq "X-1""#, "u1"),
    (r#"externalId eq "x-1""#, "u2"),
    (r#"externalId ne "X-1""#, "u2 u3 u4"),
    (r#"externalId sw "x""#, "u2"),
    (r#"externalId ew "-1""#, "u1 u2"),
    (r#"externalId gt "X-1""#, "u2"),
    (r#"id eq "u3""#, "u3"),
    (r#"id eq "U3""#, ""),
    (r#"id ne "u3""#, "u1 u2 u4"),
    (r#"id gt "u2""#, "u3 u4"),
    (r#"id le "u2""#, "u1 u2"),
    (r#"id co "3""#, "u3"),
    ("id pr", "u1 u2 u3 u4"),
];

const LOGIC: &[(&str, &str)] = &[
    (r#"title eq "clerk" and not (active eq true)"#, "u2"),
    (
        r#"userName eq "ann" or displayName eq "bob bach" and active eq true"#,
        "u1",
    ),
    (
        r#"(userName eq "ann" or title pr) and not (displayName pr)"#,
        "u3",
    ),
    (r#"userName eq "ann" or userName eq "bob""#, "u1 u2"),
    (r#"userName eq "dee" or title eq "boss""#, "u1 u4"),
    (
        r#"userName eq "dee" or not (title pr) or id eq "u2""#,
        "u2 u4",
    ),
    (r#"not (not (userName eq "cid"))"#, "u3"),
    (
        r#"userName pr and userName eq "ann" and userName eq "bob""#,
        "",
    ),
];

/// Multi-valued attributes: some element, and one element for a whole value path.
pub async fn conditions_on_elements(store: Arc<dyn Store>) {
    let stage = peopled(store).await;
    check(
        &stage,
        "User",
        &[
            (r#"emails.value eq "ANN@home.org""#, "u1"),
            (r#"emails eq "ann@x.org""#, "u1"),
            (r#"emails co "home.org""#, "u1 u3"),
            (r#"emails.value ne "bob@x.org""#, "u1 u3 u4"),
            (r#"emails.value lt "b""#, "u1"),
            (r#"emails.type eq "work""#, "u1"),
            (r#"emails.type ne "home""#, "u1 u3 u4"),
            (r#"emails.type ne "work""#, "u1 u2 u3 u4"),
            ("emails.primary eq true", "u1"),
            ("emails pr", "u1 u2 u3"),
            ("emails.type pr", "u1 u2"),
            (r#"emails[type eq "work" and value co "home"]"#, ""),
            (r#"emails[type eq "home" and value co "home"]"#, "u1"),
            (r#"emails[type eq "home" or value sw "cid"]"#, "u1 u2 u3"),
            (r#"emails[type ne "home"]"#, "u1 u3"),
            ("emails[not (type pr)]", "u3"),
            ("emails[primary eq true]", "u1"),
            ("emails[not (primary eq true)]", "u1 u2 u3"),
            ("emails[value pr]", "u1 u2 u3"),
            (r#"emails[type eq "home"] and emails[type eq "work"]"#, "u1"),
            (r#"emails[type eq "work"].value eq "ann@home.org""#, ""),
            (r#"emails[type eq "work"].value eq "ann@x.org""#, "u1"),
        ],
    )
    .await;
}

/// Instants compare by time and not by text, booleans by value; both may be absent.
pub async fn conditions_on_instants_and_booleans(store: Arc<dyn Store>) {
    let stage = peopled(store).await;
    stage.done(vec![]).await;
    let dee = user("u4", "dee");
    let version = stage.version(&dee).await;
    let old = stage.found("User", "u4").await.unwrap().record;
    let old = Resource {
        resource_type: "User",
        attributes: old.attributes(),
    };
    let changed = crate::change::Change::Replace(dee.replace(&old, version));
    stage.done(vec![changed]).await;
    check(
        &stage,
        "User",
        &[
            (r#"meta.created gt "2026-01-01T00:00:01Z""#, "u3 u4"),
            (r#"meta.created ge "2026-01-01T01:00:01+01:00""#, "u2 u3 u4"),
            (r#"meta.created lt "2026-01-01T00:00:00.001Z""#, "u1"),
            (r#"meta.created le "2026-01-01T00:00:01.000Z""#, "u1 u2"),
            (r#"meta.created eq "2025-12-31T23:00:01-01:00""#, "u2"),
            (r#"meta.created ne "2026-01-01T00:00:01Z""#, "u1 u3 u4"),
            ("meta.created pr", "u1 u2 u3 u4"),
            (
                r#"meta.lastModified gt "2026-01-01T00:00:03.999999Z""#,
                "u4",
            ),
            (
                r#"meta.lastModified le "2026-01-01T00:00:02.0005Z""#,
                "u1 u2 u3",
            ),
            (r#"meta.lastModified eq "2026-01-01T00:00:00""#, "u1"),
            ("active eq true", "u1 u3"),
            ("active ne true", "u2 u4"),
            ("active eq false", "u2"),
            ("active ne false", "u1 u3 u4"),
            (r#"active eq "True""#, "u1 u3"),
            ("active pr", "u1 u2 u3"),
        ],
    )
    .await;
}

/// Membership is searched from both ends; a user is in a group by way of another too.
pub async fn conditions_on_membership(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let bob = user("u2", "bob").with("displayName", "Bob");
    stage
        .create(&[&user("u1", "ann"), &bob, &user("u3", "cid")])
        .await;
    stage
        .create(&[
            &group("g1", "Outer"),
            &group("g2", "Inner"),
            &group("g3", "Empty"),
        ])
        .await;
    stage
        .done(vec![add("g1", &["g2", "u2"]), add("g2", &["u1"])])
        .await;
    check(
        &stage,
        "User",
        &[
            (r#"groups.value eq "g2""#, "u1"),
            (r#"groups.value eq "g1""#, "u1 u2"),
            (r#"groups.value eq "g3""#, ""),
            (r#"groups.value eq "G1""#, ""),
            (r#"groups.value ne "g1""#, "u1 u3"),
            (r#"groups eq "g2""#, "u1"),
            (r#"groups.value eq "g1" and userName eq "ann""#, "u1"),
            (r#"groups.display eq "OUTER""#, "u1 u2"),
            (r#"groups.display sw "in""#, "u1"),
            (r#"groups.type eq "indirect""#, "u1"),
            (r#"groups[value eq "g1" and type eq "direct"]"#, "u2"),
            (r#"groups[value eq "g2" or display eq "outer"]"#, "u1 u2"),
            ("groups pr", "u1 u2"),
        ],
    )
    .await;
    check(
        &stage,
        "Group",
        &[
            (r#"members.value eq "u1""#, "g2"),
            (r#"members.value eq "U1""#, ""),
            (r#"members eq "g2""#, "g1"),
            (r#"members.value ne "u1""#, "g1 g3"),
            (r#"members.type eq "Group""#, "g1"),
            (r#"members[type eq "User" and display eq "BOB"]"#, "g1"),
            (r#"members[type eq "Group" and value eq "u2"]"#, ""),
            ("members pr", "g1 g2"),
            (r#"members.value eq "u2" and displayName co "out""#, "g1"),
        ],
    )
    .await;
    stage.done(vec![remove("g1", &["g2"])]).await;
    check(&stage, "User", &[(r#"groups.value eq "g1""#, "u2")]).await;
    check(&stage, "Group", &[("members pr", "g1 g2")]).await;
}

/// Case, normal forms and width are those of the attribute; no character is a wildcard.
pub async fn conditions_on_text_beyond_ascii(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let zoe = user("u1", "Zoe\u{308}")
        .with("displayName", "ÄRA Straße")
        .with("title", "Ärztin")
        .with("externalId", "Zoë");
    let wide = user("u2", "ｂｏｂ")
        .with("displayName", "50%_off")
        .with("title", "100%")
        .with("externalId", "e\\'\"");
    let plain = user("u3", "cid")
        .with("displayName", "50xyoff")
        .with("title", "[a*b?]")
        .with("externalId", "日本語\u{1F600}");
    stage.create(&[&zoe, &wide, &plain]).await;
    check(
        &stage,
        "User",
        &[
            (r#"userName eq "ZOË""#, "u1"),
            (r#"userName eq "bob""#, "u2"),
            (r#"userName sw "ZO""#, "u1"),
            (r#"displayName eq "ära straße""#, "u1"),
            (r#"displayName sw "a\u0308""#, "u1"),
            (r#"displayName eq "ara strasse""#, ""),
            (r#"displayName ew "STRASSE""#, ""),
            (r#"title co "ÄRZ""#, "u1"),
            (r#"displayName sw "50%_""#, "u2"),
            (r#"displayName co "%""#, "u2"),
            (r#"displayName co "_""#, "u2"),
            (r#"title ew "%""#, "u2"),
            (r#"title co "*""#, "u3"),
            (r#"title sw "[A""#, "u3"),
            (r#"externalId eq "Zoe\u0308""#, "u1"),
            (r#"externalId eq "zoë""#, ""),
            (r#"externalId eq "e\\'\"""#, "u2"),
            (r#"externalId co "本""#, "u3"),
            (r#"externalId ew "\ud83d\ude00""#, "u3"),
            (r#"externalId gt "日""#, "u3"),
        ],
    )
    .await;
}

async fn sorted(stage: &Stage, path: &str, descending: bool) -> String {
    let selection = Selection {
        sort: Some(sort("User", path, descending)),
        ..select("User", None)
    };
    let found = stage.search(query(vec![selection], ALL)).await;
    assert_eq!(found.next, None, "{path}");
    ids(&found.items).join(" ")
}

/// Ascending and descending, resources without a value at the far end, equal ones in creation
/// order both ways.
pub async fn sorted_with_gaps_and_ties(store: Arc<dyn Store>) {
    let stage = peopled(store).await;
    for (path, ascending, descending) in [
        ("userName", "u1 u2 u3 u4", "u4 u3 u2 u1"),
        ("displayName", "u1 u4 u2 u3", "u3 u2 u1 u4"),
        ("title", "u1 u2 u3 u4", "u4 u2 u3 u1"),
        ("externalId", "u1 u2 u3 u4", "u3 u4 u2 u1"),
        ("active", "u2 u1 u3 u4", "u4 u1 u3 u2"),
        ("name.familyName", "u1 u2 u3 u4", "u2 u3 u4 u1"),
        ("id", "u1 u2 u3 u4", "u4 u3 u2 u1"),
        ("meta.created", "u1 u2 u3 u4", "u4 u3 u2 u1"),
        ("meta.lastModified", "u1 u2 u3 u4", "u4 u3 u2 u1"),
        ("meta.resourceType", "u1 u2 u3 u4", "u1 u2 u3 u4"),
        (
            &format!("{ENTERPRISE}:department"),
            "u4 u1 u2 u3",
            "u1 u2 u3 u4",
        ),
        (
            &format!("{ENTERPRISE}:manager.value"),
            "u4 u1 u2 u3",
            "u1 u2 u3 u4",
        ),
    ] {
        assert_eq!(sorted(&stage, path, false).await, ascending, "{path}");
        assert_eq!(
            sorted(&stage, path, true).await,
            descending,
            "{path}, descending"
        );
    }
    let selection = Selection {
        sort: Some(sort("User", "displayName", true)),
        ..select("User", Some("emails pr"))
    };
    for (offset, count, expected) in [
        (0, 10, &["u3", "u2", "u1"][..]),
        (1, 1, &["u2"][..]),
        (2, 5, &["u1"][..]),
        (3, 5, &[][..]),
    ] {
        let page = Page::Index { offset, count };
        let found = stage.search(query(vec![selection.clone()], page)).await;
        assert_eq!((ids(&found.items), found.total), (owned(expected), 3));
        assert_eq!(found.next, None);
    }
}

/// A multi-valued attribute sorts by its primary element, else its first.
pub async fn sorted_by_the_primary_element(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let primary_last = json!([
        { "value": "a@x.org", "type": "work" },
        { "value": "y@x.org", "type": "home", "primary": true },
    ]);
    let none_primary = json!([{ "value": "M@x.org", "type": "z" }, { "value": "b@x.org" }]);
    let only = json!([{ "value": "c@x.org", "type": "y", "primary": false }]);
    stage
        .create(&[
            &user("u1", "ann").with("emails", primary_last),
            &user("u2", "bob").with("emails", none_primary),
            &user("u3", "cid"),
            &user("u4", "dee").with("emails", only),
        ])
        .await;
    for path in ["emails.value", "emails"] {
        assert_eq!(sorted(&stage, path, false).await, "u4 u2 u1 u3", "{path}");
        assert_eq!(sorted(&stage, path, true).await, "u3 u1 u2 u4", "{path}");
    }
    assert_eq!(sorted(&stage, "emails.type", false).await, "u1 u4 u2 u3");
}

/// Several types in one result: creation order or sort order across them, each by its own
/// condition.
pub async fn several_types_at_once(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let (first, staff) = (
        user("u1", "ann").with("displayName", "Mia"),
        group("g1", "Staff"),
    );
    let last = user("u3", "cid").with("displayName", "Staff");
    stage.create(&[&first, &staff]).await;
    // At one instant: users before groups, as the query names them.
    let instant = [&group("g2", "Alpha"), &user("u2", "bob")];
    let creates = instant.map(|it| crate::change::Change::Create(it.create()));
    stage.done(creates.into()).await;
    stage.create(&[&last]).await;
    let both = |filter: Option<&str>, page| {
        query(vec![select("User", filter), select("Group", filter)], page)
    };
    let found = stage.search(both(None, ALL)).await;
    assert_eq!(ids(&found.items), ["u1", "g1", "u2", "g2", "u3"]);
    assert_eq!((found.total, found.next), (5, None));
    let page = Page::Index {
        offset: 1,
        count: 2,
    };
    let found = stage.search(both(None, page)).await;
    assert_eq!(ids(&found.items), ["g1", "u2"]);
    assert_eq!((found.total, found.next), (5, None));
    for (filter, expected) in [
        (r#"displayName eq "staff""#, &["g1", "u3"][..]),
        ("userName pr", &["u1", "u2", "u3"][..]),
        (r#"userName ne "ann""#, &["g1", "u2", "g2", "u3"][..]),
        (r#"meta.resourceType eq "Group""#, &["g1", "g2"][..]),
        (r#"id eq "g2" or userName eq "ann""#, &["u1", "g2"][..]),
        (
            r#"meta.created gt "2026-01-01T00:00:01Z""#,
            &["u2", "g2", "u3"][..],
        ),
    ] {
        let found = stage.search(both(Some(filter), ALL)).await;
        assert_eq!(ids(&found.items), expected, "{filter}");
        assert_eq!(found.total, expected.len() as u64, "{filter}");
    }
    sorted_across_types(&stage).await;
}

async fn sorted_across_types(stage: &Stage) {
    let ordered = |descending| {
        let of_type = |name| Selection {
            sort: Some(sort(name, "displayName", descending)),
            ..select(name, None)
        };
        vec![of_type("User"), of_type("Group")]
    };
    let found = stage.search(query(ordered(false), ALL)).await;
    assert_eq!(ids(&found.items), ["g2", "u1", "g1", "u3", "u2"]);
    let found = stage.search(query(ordered(true), ALL)).await;
    assert_eq!(ids(&found.items), ["u2", "g1", "u3", "u1", "g2"]);
    assert_eq!((found.total, found.next), (5, None));
    let page = Page::Index {
        offset: 3,
        count: 1,
    };
    let found = stage.search(query(ordered(true), page)).await;
    assert_eq!(ids(&found.items), ["u1"]);
}

/// Beside a record stands what was asked for, and what a condition looked at is no more.
pub async fn a_search_reads_what_is_wanted(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    stage
        .create(&[&user("u1", "ann"), &user("u2", "bob")])
        .await;
    stage
        .create(&[&group("g1", "Staff"), &group("g2", "All")])
        .await;
    stage
        .done(vec![add("g1", &["u1", "u2"]), add("g2", &["g1"])])
        .await;
    let asking = |resource_type: &str, filter: &str, want: Want| Query {
        selections: vec![select(resource_type, Some(filter))],
        page: ALL,
        want,
        max_examined: MAX_EXAMINED,
        counted: true,
    };
    let found = stage.search(asking("User", "groups pr", BARE)).await;
    assert_eq!(ids(&found.items), ["u1", "u2"]);
    assert!(found.items.iter().all(|it| it.groups.is_none()));
    let found = stage.search(asking("Group", "members pr", BARE)).await;
    assert!(found.items.iter().all(|it| it.members.is_none()));
    let want = Want {
        groups: true,
        members: Some(1),
    };
    let found = stage.search(asking("User", "userName pr", want)).await;
    for user in &found.items {
        let groups = user.groups.as_ref().unwrap();
        let groups: Vec<_> = groups
            .iter()
            .map(|it| (it.id.as_str(), it.direct))
            .collect();
        assert_eq!(groups, [("g1", true), ("g2", false)]);
    }
    let found = stage.search(asking("Group", "displayName pr", want)).await;
    let seen = found
        .items
        .iter()
        .map(|it| it.members.as_ref().unwrap().len());
    assert_eq!(seen.collect::<Vec<_>>(), [2, 1]);
    let read = stage.found("Group", "g1").await.unwrap();
    assert_eq!(found.items[0].members, read.members);
}

/// What one index lists is cut into pages as everything is, counted or not.
pub async fn pages_of_what_an_index_lists(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let id = |number: usize| format!("u{number:02}");
    for number in 0..30 {
        let id = id(number);
        let mail = json!({ "value": "all@example.org" });
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": id, "userName": id,
            "displayName": if number % 3 == 0 { "Third" } else { "Other" },
            // Some have the value twice.
            "emails": vec![mail; 1 + number % 2],
        });
        stage.create(&[&Resource::user(user)]).await;
    }
    stage
        .create(&[
            &group("plain", "P"),
            &group("outer", "O"),
            &group("none", "N"),
        ])
        .await;
    let even: Vec<String> = (0..30).step_by(2).map(id).collect();
    let even: Vec<&str> = even.iter().map(String::as_str).collect();
    stage
        .done(vec![add("plain", &even), add("outer", &["plain", "u01"])])
        .await;
    // Members are read beside the groups that an index lists.
    let plain = query(vec![select("Group", Some("displayName eq \"p\""))], ALL);
    let plain = stage.search(plain).await.items.remove(0);
    assert_eq!(plain.members.unwrap().len(), 15);
    for (filter, expected) in [
        ("displayName eq \"third\"", 10),
        ("emails.value eq \"all@example.org\"", 30),
        ("groups.value eq \"plain\"", 15),
        ("groups.value eq \"outer\"", 16),
        ("groups.value eq \"none\"", 0),
        ("groups.value eq \"nobody\"", 0),
    ] {
        let paged = |page, counted| Query {
            counted,
            ..query(vec![select("User", Some(filter))], page)
        };
        let whole = stage.search(paged(ALL, true)).await;
        let whole = ids(&whole.items);
        assert_eq!(whole.len(), expected, "{filter}");
        let mut ordered = whole.clone();
        ordered.sort();
        assert_eq!(whole, ordered, "{filter}: in the order of creation");
        for counted in [true, false] {
            for offset in 0..expected + 2 {
                for count in [0, 1, 4, 7, 40] {
                    let page = Page::Index {
                        offset: offset as u64,
                        count,
                    };
                    let found = stage.search(paged(page, counted)).await;
                    let cut = whole.iter().skip(offset).take(count);
                    let cut: Vec<String> = cut.cloned().collect();
                    assert_eq!(ids(&found.items), cut, "{filter} {offset} {count}");
                    assert!(found.next.is_none());
                    let (total, shown) = (found.total, found.items.len() as u64);
                    let is_right = total == expected as u64;
                    assert!(
                        is_right || (!counted && total >= shown),
                        "{filter}: {total}"
                    );
                }
            }
            let (mut place, mut seen) = (None, Vec::new());
            loop {
                let page = Page::After { place, count: 7 };
                let found = stage.search(paged(page, counted)).await;
                assert!(!counted || found.total == expected as u64, "{filter}");
                seen.extend(ids(&found.items));
                place = found.next;
                if place.is_none() {
                    break;
                }
            }
            assert_eq!(seen, whole, "{filter}");
        }
    }
}
