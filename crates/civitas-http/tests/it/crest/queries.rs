//! Queries: which objects, in which order, how many at a time.

use serde_json::{Value, json};

use super::{USERS, bare, create, error, person};
use crate::world::World;

async fn people() -> World {
    let world = World::start().await;
    for (name, family, city) in [
        ("amir", "Okoye", Some("Bern")),
        ("zoe", "Ortega", None),
        ("bea", "Braun", Some("Basel")),
        ("carl", "Oz", Some("bern")),
    ] {
        let mut user = person(name);
        user["sn"] = json!(family);
        user["frIndexedInteger1"] = json!(family.len());
        if let Some(city) = city {
            user["city"] = json!(city);
        }
        if name == "bea" {
            user["accountStatus"] = json!("inactive");
        }
        create(&world, &user).await;
    }
    world
}

async fn ask(world: &World, query: &str) -> Value {
    let answer = world.send(bare("GET", &format!("{USERS}?{query}"))).await;
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    answer.json()
}

fn names(result: &Value) -> Vec<&str> {
    let rows = result["result"].as_array().unwrap().iter();
    rows.map(|row| row["userName"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn filters_select() {
    let world = people().await;
    for (filter, expected) in [
        ("true", &["amir", "zoe", "bea", "carl"][..]),
        ("false", &[]),
        ("userName eq \"AMIR\"", &["amir"]),
        ("sn sw 'o'", &["amir", "zoe", "carl"]),
        ("/city eq \"bern\"", &["amir", "carl"]),
        ("city pr", &["amir", "bea", "carl"]),
        ("!(city pr) or userName co \"ea\"", &["zoe", "bea"]),
        ("accountStatus eq \"active\"", &["amir", "zoe", "carl"]),
        ("accountStatus eq \"inactive\"", &["bea"]),
        (
            "accountStatus sw \"in\" or accountStatus pr",
            &["amir", "zoe", "bea", "carl"],
        ),
        ("mail eq \"zoe@example.org\"", &["zoe"]),
        (
            "frIndexedInteger1 ge 5 and frIndexedInteger1 lt 6",
            &["amir", "bea"],
        ),
        ("frIndexedInteger1 eq \"6\"", &["zoe"]),
        ("frIndexedInteger1 eq \"x\"", &[]),
        ("userName in '[\"zoe\",\"carl\"]'", &["zoe", "carl"]),
        ("nope eq \"x\"", &[]),
        ("!(nope eq \"x\")", &["amir", "zoe", "bea", "carl"]),
        ("password pr", &[]),
        ("_rev eq \"x\"", &[]),
        ("effectiveRoles pr", &[]),
    ] {
        let encoded = filter.replace('"', "%22").replace(' ', "+");
        let result = ask(&world, &format!("_queryFilter={encoded}")).await;
        assert_eq!(names(&result), expected, "{filter}");
        assert_eq!(result["resultCount"], expected.len());
    }
    let id = ask(&world, "_queryId=for-userName&uid=zoe").await["result"][0]["_id"].clone();
    let id = id.as_str().unwrap().to_uppercase();
    assert_eq!(
        names(&ask(&world, &format!("_queryFilter=_id+eq+%22{id}%22")).await),
        ["zoe"]
    );
}

#[tokio::test]
async fn an_envelope_tells_of_its_page() {
    let world = people().await;
    let result = ask(
        &world,
        "_queryFilter=sn+sw+%22o%22&_fields=userName,sn&_sortKeys=-userName\
                              &_pageSize=2&_totalPagedResultsPolicy=EXACT",
    )
    .await;
    assert_eq!(names(&result), ["zoe", "carl"]);
    let keys: Vec<&String> = result.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "result",
            "resultCount",
            "pagedResultsCookie",
            "totalPagedResultsPolicy",
            "totalPagedResults",
            "remainingPagedResults",
        ]
    );
    let row: Vec<&String> = result["result"][0].as_object().unwrap().keys().collect();
    assert_eq!(row.len(), 4, "{row:?}");
    assert_eq!(result["totalPagedResults"], 3);
    let cookie = result["pagedResultsCookie"].as_str().unwrap();
    let rest = ask(
        &world,
        &format!(
            "_queryFilter=sn+sw+%22o%22&_fields=userName,sn\
        &_sortKeys=-userName&_pageSize=2&_pagedResultsCookie={cookie}"
        ),
    )
    .await;
    assert_eq!(names(&rest), ["amir"]);
    assert_eq!(rest["pagedResultsCookie"], Value::Null);
    assert_eq!(
        (&rest["totalPagedResultsPolicy"], &rest["totalPagedResults"]),
        (&json!("NONE"), &json!(-1))
    );
    let other = bare(
        "GET",
        &format!("{USERS}?_queryFilter=true&_pageSize=2&_pagedResultsCookie={cookie}"),
    );
    assert_eq!(
        error(&world.send(other).await, 400),
        "Invalid paged results cookie"
    );
    let ids = ask(&world, "_queryId=query-all-ids").await;
    assert_eq!(ids["result"][0].as_object().unwrap().len(), 2);
    let empty = world
        .send(bare("GET", &format!("{USERS}?_queryFilter=false")))
        .await;
    assert_eq!(
        empty.header("content-api-version"),
        "protocol=2.1,resource=1.0"
    );
    let count = bare("GET", &format!("{USERS}?_countOnly=true&_queryFilter=true"))
        .header("Accept-API-Version", "protocol=2.2,resource=1.0");
    let count = world.send(count).await.json();
    assert_eq!(
        (&count["resultCount"], &count["result"]),
        (&json!(4), &json!([]))
    );
}

#[tokio::test]
async fn orders_put_what_has_no_value_last() {
    let world = people().await;
    for (keys, expected) in [
        ("userName", ["amir", "bea", "carl", "zoe"]),
        ("city,userName", ["bea", "amir", "carl", "zoe"]),
        ("-city,userName", ["amir", "carl", "bea", "zoe"]),
        ("-city,-userName", ["carl", "amir", "bea", "zoe"]),
        ("accountStatus,userName", ["amir", "carl", "zoe", "bea"]),
        (
            "-frIndexedInteger1,nope,userName",
            ["zoe", "amir", "bea", "carl"],
        ),
    ] {
        let query = format!("_queryFilter=true&_sortKeys={keys}");
        assert_eq!(names(&ask(&world, &query).await), expected, "{keys}");
        let mut paged = Vec::new();
        let mut cookie = String::new();
        loop {
            let page = format!("{query}&_pageSize=3&_pagedResultsCookie={cookie}");
            let page = ask(&world, &page).await;
            paged.extend(names(&page).into_iter().map(str::to_owned));
            match page["pagedResultsCookie"].as_str() {
                Some(next) => next.clone_into(&mut cookie),
                None => break,
            }
        }
        assert_eq!(paged, expected, "{keys}, by page");
        let offset = format!("{query}&_pageSize=2&_pagedResultsOffset=1");
        assert_eq!(
            names(&ask(&world, &offset).await),
            expected[1..3],
            "{keys}, by offset"
        );
    }
}
