//! The index against the evaluator: on random resources and random filters both must give
//! the same resources.

use civitas_directory::store::{Page, Query, Selection, Store, Want};
use civitas_scim::condition::Condition;
use serde_json::{Value, json};

use crate::stage::{Fresh, Stage, add, condition, create, ids, index_page, resource_type, sort};

on_each_store! {
    index_and_evaluator_agree
    sorting_by_index_and_by_document_agree
    a_query_that_no_index_answers_has_a_limit
    several_types_come_in_creation_order
}

/// A small generator (xorshift), so that a failure is found again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }

    fn text(&mut self) -> String {
        let length = self.roll(4);
        let letters = [
            "a",
            "B",
            "b",
            "é",
            "E\u{301}",
            "ß",
            "\u{10FFFF}",
            "\u{D7FF}",
            "0",
            "%",
            "_",
        ];
        (0..length).map(|_| self.pick(&letters)).collect()
    }
}

fn user(dice: &mut Dice, number: usize) -> Value {
    let mut user = json!({
        "id": format!("u{number:03}"),
        "userName": format!("{}{number}", dice.text()),
    });
    if dice.chance(70) {
        user["displayName"] = dice.text().into();
    }
    if dice.chance(60) {
        user["externalId"] = dice.text().into();
    }
    if dice.chance(60) {
        user["active"] = dice.chance(50).into();
    }
    if dice.chance(60) {
        user["title"] = dice.text().into();
    }
    if dice.chance(50) {
        user["name"] = json!({ "familyName": dice.text() });
    }
    let emails: Vec<Value> = (0..dice.roll(4)).map(|_| email(dice)).collect();
    if !emails.is_empty() {
        user["emails"] = emails.into();
    }
    if dice.chance(30) {
        user["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] =
            json!({ "employeeNumber": dice.text(), "manager": { "value": dice.text() } });
    }
    user
}

fn email(dice: &mut Dice) -> Value {
    let mut email = json!({ "type": dice.pick(&["work", "home"]) });
    if dice.chance(80) {
        email["value"] = format!("{}@{}", dice.text(), dice.text()).into();
    }
    if dice.chance(20) {
        email["primary"] = true.into();
    }
    email
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn leaf(dice: &mut Dice, of: &str) -> String {
    const TEXTS: [&str; 12] = [
        "userName",
        "displayName",
        "externalId",
        "title",
        "name.familyName",
        "emails.value",
        "emails",
        "emails.type",
        "id",
        "groups.display",
        "groups.value",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
    ];
    const GROUP_TEXTS: [&str; 4] = ["displayName", "externalId", "id", "members.value"];
    let texts: &[&str] = if of == "User" { &TEXTS } else { &GROUP_TEXTS };
    let operator = dice.pick(&["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]);
    let instant = 1_000 + dice.roll(400);
    match dice.roll(10) {
        0 if of == "User" => format!("active {} {}", dice.pick(&["eq", "ne"]), dice.chance(50)),
        0 => "members pr".into(),
        1 => format!("{} pr", dice.pick(texts)),
        2 => {
            let path = dice.pick(&["meta.created", "meta.lastModified"]);
            let operator = dice.pick(&["eq", "ne", "gt", "ge", "lt", "le"]);
            format!(
                "{path} {operator} \"1970-01-01T00:00:0{}.{:03}Z\"",
                instant / 1000,
                instant % 1000
            )
        }
        3 if of == "User" => dice
            .pick(&["groups pr", "groups.type eq \"direct\"", "emails pr"])
            .into(),
        3 => format!("members.value eq \"u{:03}\"", dice.roll(120)),
        4 => format!("meta.resourceType {operator} \"User\""),
        _ => {
            let path = dice.pick(texts);
            let operand = match path {
                "id" | "members.value" if dice.chance(80) => format!("u{:03}", dice.roll(120)),
                "groups.value" | "groups.display" if dice.chance(80) => {
                    format!("g{}", dice.roll(8))
                }
                _ => dice.text(),
            };
            format!("{path} {operator} {}", quoted(&operand))
        }
    }
}

fn filter(dice: &mut Dice, of: &str, depth: usize) -> String {
    let inner = |dice: &mut Dice| filter(dice, of, depth - 1);
    match dice.roll(10) {
        0 | 1 if depth > 0 => format!("({} and {})", inner(dice), inner(dice)),
        2 if depth > 0 => format!("({} and {} and {})", inner(dice), inner(dice), inner(dice)),
        3 | 4 if depth > 0 => format!("({} or {})", inner(dice), inner(dice)),
        5 if depth > 0 => format!("not ({})", inner(dice)),
        6 if of == "User" => {
            let operator = dice.pick(&["eq", "ne", "co", "sw", "gt"]);
            let value = format!("value {operator} {}", quoted(&dice.text()));
            let other = dice.pick(&[
                "type eq \"work\"",
                "primary eq true",
                "value pr",
                "not (value pr)",
            ]);
            match dice.roll(3) {
                0 => format!("emails[{value}]"),
                1 => format!("emails[{value} and {other}]"),
                _ => format!("emails[{value} or {other}]"),
            }
        }
        _ => leaf(dice, of),
    }
}

async fn populated<S: Fresh>(dice: &mut Dice) -> Stage<S> {
    let stage = Stage::<S>::new().await;
    for number in 0..8 {
        let group = json!({ "id": format!("g{number}"), "displayName": format!("G{number}{}", dice.text()) });
        stage.create("Group", group).await;
    }
    for number in 0..120 {
        stage.create("User", user(dice, number)).await;
        if dice.chance(40) {
            let group = format!("g{}", dice.roll(6));
            stage
                .add(&group, &[&format!("u{number:03}")])
                .await
                .unwrap();
        }
    }
    for (outer, inner) in [("g7", "g0"), ("g0", "g1"), ("g7", "g2")] {
        stage.commit(vec![add(outer, &[inner])]).await.unwrap();
    }
    for number in (0..120).step_by(17) {
        stage.delete("User", &format!("u{number:03}")).await;
    }
    stage
}

/// All resources of the type as the evaluator sees them, with their ids.
async fn everything<S: Store>(
    stage: &Stage<S>,
    of: &str,
) -> Vec<(String, civitas_scim::Attributes)> {
    let query = query(of, None, 1_000);
    let all = stage.store.search(stage.partition, query).await.unwrap();
    let all = all.items.into_iter();
    all.map(|found| (found.record.id.clone(), found.resource()))
        .collect()
}

fn query(of: &str, condition: Option<Condition>, count: usize) -> Query {
    Query {
        selections: vec![Selection {
            resource_type: of.into(),
            condition,
            sort: None,
        }],
        page: index_page(0, count),
        want: Want {
            groups: of == "User",
            members: (of == "Group").then_some(1_000),
        },
        max_examined: 1_000,
        counted: true,
    }
}

async fn index_and_evaluator_agree<S: Fresh>() {
    for seed in 1..=S::SEEDS {
        let mut dice = Dice(seed * 0x9E37_79B9);
        let stage = populated::<S>(&mut dice).await;
        stage.verify().await;
        for of in ["User", "Group"] {
            let all = everything(&stage, of).await;
            for _ in 0..400 {
                let filter = filter(&mut dice, of, 3);
                let Ok(condition) = civitas_scim::filter::Filter::parse(
                    &filter,
                    &civitas_scim::filter::Limits::default(),
                )
                .unwrap()
                .resolve(
                    &resource_type(of),
                    &[],
                    &civitas_scim::tolerance::Tolerance::generic(),
                ) else {
                    continue;
                };
                let expected: Vec<&str> = all
                    .iter()
                    .filter(|(_, resource)| condition.matches(resource))
                    .map(|(id, _)| id.as_str())
                    .collect();
                let found = stage
                    .store
                    .search(stage.partition, query(of, Some(condition), 1_000));
                let found = found.await.unwrap();
                assert_eq!(ids(&found), expected, "seed {seed}: {filter}");
                assert_eq!(found.total, expected.len() as u64, "seed {seed}: {filter}");
            }
        }
    }
}

async fn sorting_by_index_and_by_document_agree<S: Fresh>() {
    // More than are sorted by their documents, so that the index is walked.
    let stage = Stage::<S>::new().await;
    let mut dice = Dice(0xC1F);
    for batch in 0..13 {
        let users = (0..100).map(|number| create("User", user(&mut dice, batch * 100 + number)));
        stage.commit(users.collect()).await.unwrap();
    }
    let all = everything(&stage, "User").await;
    let all: Vec<_> = match all.len() {
        1_000 => {
            let rest = stage
                .search("User", None, None, index_page(1_000, 1_000))
                .await
                .unwrap();
            let rest = rest
                .items
                .into_iter()
                .map(|it| (it.record.id.clone(), it.resource()));
            all.into_iter().chain(rest).collect()
        }
        _ => all,
    };
    for path in [
        "userName",
        "displayName",
        "externalId",
        "active",
        "emails.value",
        "id",
        "meta.created",
        "meta.lastModified",
        "title",
    ] {
        for descending in [false, true] {
            for filter in [
                None,
                Some("not (displayName eq \"\")"),
                Some("userName gt \"a\""),
            ] {
                let sort = sort("User", path, descending);
                let condition = filter.map(|filter| condition("User", filter));
                let holds = |it: &civitas_scim::Attributes| {
                    condition
                        .as_ref()
                        .is_none_or(|condition| condition.matches(it))
                };
                let mut expected: Vec<_> = all
                    .iter()
                    .filter(|(_, it)| holds(it))
                    .map(|(id, it)| (sort.key(it), id.as_str()))
                    .collect();
                expected.sort_by(|(a, _), (b, _)| {
                    let order = match (a, b) {
                        (Some(a), Some(b)) => a.order(b),
                        (a, b) => b.is_some().cmp(&a.is_some()),
                    };
                    if descending { order.reverse() } else { order }
                });
                for (offset, count) in [(0, 10), (700, 10), (0, 2_000)] {
                    let page = index_page(offset as u64, count);
                    let found = stage.search("User", condition.clone(), Some(sort.clone()), page);
                    let found = found.await.unwrap();
                    let expected: Vec<_> = expected
                        .iter()
                        .skip(offset)
                        .take(count)
                        .map(|(_, id)| *id)
                        .collect();
                    assert_eq!(
                        ids(&found),
                        expected,
                        "{path} {descending} {filter:?} {offset}"
                    );
                }
            }
        }
    }
}

async fn a_query_that_no_index_answers_has_a_limit<S: Fresh>() {
    let stage = Stage::<S>::new().await;
    for number in 0..20 {
        stage.user(&format!("u{number}")).await;
    }
    let ask = async |filter: &str, limit: usize| {
        let query = Query {
            max_examined: limit,
            ..query("User", Some(condition("User", filter)), 100)
        };
        let found = stage.store.search(stage.partition, query).await;
        found
            .map(|page| page.total)
            .map_err(|error| error.to_string())
    };
    assert_eq!(ask("title pr", 20).await, Ok(0));
    assert!(ask("title pr", 19).await.unwrap_err().contains("19"));
    assert_eq!(ask("userName eq \"u3\" and not (title pr)", 1).await, Ok(1));
    assert!(
        ask("userName sw \"u1\" and not (title pr)", 5)
            .await
            .is_err()
    );
    // What the index answers costs nothing.
    assert_eq!(
        ask("userName co \"1\" and userName ew \"1\"", 1).await,
        Ok(2)
    );
}

async fn several_types_come_in_creation_order<S: Fresh>() {
    let stage = Stage::<S>::new().await;
    stage.user("b").await;
    stage.group("c", &["b"]).await;
    stage.user("a").await;
    let selection = |of: &str, path: Option<&str>| Selection {
        resource_type: of.into(),
        condition: None,
        sort: path.map(|path| sort(of, path, true)),
    };
    for (path, offset, expected) in [
        (None, 0, &["b", "c", "a"][..]),
        (None, 1, &["c", "a"]),
        (Some("id"), 0, &["c", "b", "a"]),
    ] {
        let query = Query {
            selections: vec![selection("User", path), selection("Group", path)],
            page: Page::Index { offset, count: 10 },
            want: Want::default(),
            max_examined: 100,
            counted: true,
        };
        let found = stage.store.search(stage.partition, query).await.unwrap();
        assert_eq!((ids(&found).as_slice(), found.total), (expected, 3));
    }
}
