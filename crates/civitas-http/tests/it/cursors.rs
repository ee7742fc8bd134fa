//! Paging by cursor (RFC 9865).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::{Ask, GROUP, SEARCH, World, ask};

fn get(target: &str) -> Ask {
    ask("GET", &format!("/scim/v2{target}")).by("reader")
}

async fn list(world: &World, ask: Ask) -> Value {
    let answer = world.send(ask).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn populated() -> World {
    let world = World::start().await;
    for number in 0..7 {
        world.user(&format!("user{number}")).await;
    }
    for name in ["Alpha", "Beta"] {
        let body = json!({ "schemas": [GROUP], "displayName": name });
        let ask = ask("POST", "/scim/v2/Groups").by("admin").json(&body);
        assert_eq!(world.send(ask).await.status, 201);
    }
    world
}

/// All names of a walk over a target, and the sizes of its pages.
async fn walk(world: &World, target: &str) -> (Vec<String>, Vec<u64>) {
    let (mut names, mut sizes) = (Vec::new(), Vec::new());
    let mut cursor = String::new();
    loop {
        let page = list(world, get(&format!("{target}&cursor={cursor}"))).await;
        assert!(page.get("startIndex").is_none(), "S-9865-2-08: {page}");
        assert!(page.get("previousCursor").is_none(), "S-9865-2-05: {page}");
        let items = page["Resources"].as_array().unwrap();
        assert_eq!(page["itemsPerPage"], items.len());
        sizes.push(items.len() as u64);
        for item in items {
            let name = item.get("userName").or(item.get("displayName")).unwrap();
            names.push(name.as_str().unwrap().to_owned());
        }
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return (names, sizes),
        }
    }
}

#[tokio::test]
async fn t_page_12_a_walk_shows_everyone_once() {
    let world = populated().await;
    let (names, sizes) = walk(&world, "/Users?count=3").await;
    let expected: Vec<_> = (0..7).map(|number| format!("user{number}")).collect();
    assert_eq!((names, sizes), (expected.clone(), vec![3, 3, 1]));
    let (names, _) = walk(
        &world,
        "/Users?count=2&sortBy=userName&sortOrder=descending",
    )
    .await;
    assert_eq!(names, expected.iter().rev().cloned().collect::<Vec<_>>());
    let (names, sizes) = walk(&world, "/?count=4").await;
    assert_eq!(sizes, [4, 4, 1], "the base");
    assert_eq!(names.into_iter().collect::<BTreeSet<_>>().len(), 9);
    let (names, _) = walk(&world, "/Users?count=1&filter=userName%20gt%20%22user4%22").await;
    assert_eq!(names, ["user5", "user6"]);
}

#[tokio::test]
async fn s_9865_2_01_an_empty_cursor_asks_for_the_first_page() {
    let world = populated().await;
    for target in ["/Users?cursor&count=2", "/Users?cursor=&count=2"] {
        let page = list(&world, get(target)).await;
        assert_eq!(page["totalResults"], 7);
        assert!(page["nextCursor"].is_string());
    }
    for nothing in ["/Users?cursor&count=0", "/Users?cursor&count=-3"] {
        let page = list(&world, get(nothing)).await;
        assert_eq!(
            (
                &page["totalResults"],
                page["Resources"].as_array().unwrap().len()
            ),
            (&json!(7), 0)
        );
        assert!(page.get("nextCursor").is_none(), "{page}");
    }
    let by_index = list(&world, get("/Users?count=2")).await;
    assert!(by_index.get("nextCursor").is_none(), "S-9865-2.4-01");
    assert_eq!(by_index["startIndex"], 1);
}

#[tokio::test]
async fn s_9865_3_01_a_search_message_takes_a_cursor() {
    let world = populated().await;
    let search = |cursor: &str| {
        let body = json!({ "schemas": [SEARCH], "count": 5, "cursor": cursor });
        ask("POST", "/scim/v2/.search").by("reader").json(&body)
    };
    let first = list(&world, search("")).await;
    let second = list(&world, search(first["nextCursor"].as_str().unwrap())).await;
    assert_eq!(second["itemsPerPage"], 4);
    assert!(second.get("nextCursor").is_none());
    let both = json!({ "schemas": [SEARCH], "cursor": "", "startIndex": 1 });
    let both = ask("POST", "/scim/v2/.search").by("reader").json(&both);
    assert_eq!(world.send(both).await.scim_error(400), "invalidValue");
}

#[tokio::test]
async fn t_page_13_to_17_cursors_are_bound() {
    let world = populated().await;
    let page = list(&world, get("/Users?cursor&count=2&filter=userName%20pr")).await;
    let cursor = page["nextCursor"].as_str().unwrap();
    let filter = "filter=userName%20pr";
    let mut texts = BTreeSet::new();
    for target in [
        format!("/Users?cursor=%00&count=2&{filter}"),
        format!(
            "/Users?cursor={}&count=2&{filter}",
            &cursor[..cursor.len() - 2]
        ),
        format!("/Users?cursor={cursor}&count=2&filter=id%20pr"),
        format!("/Users?cursor={cursor}&count=2&{filter}&sortBy=id"),
        format!("/Users?cursor={cursor}&count=2&{filter}&attributes=id"),
        format!("/Groups?cursor={cursor}&count=2&{filter}"),
        format!("/?cursor={cursor}&count=2&{filter}"),
    ] {
        let answer = world.send(get(&target)).await;
        assert_eq!(answer.scim_error(400), "invalidCursor", "{target}");
        texts.insert(answer.json()["detail"].to_string());
    }
    let same = format!("/scim/v2/Users?cursor={cursor}&count=2&{filter}");
    let of_another = world.send(ask("GET", &same).by("writer")).await;
    assert_eq!(of_another.scim_error(400), "invalidCursor");
    texts.insert(of_another.json()["detail"].to_string());
    assert_eq!(texts.len(), 1, "S-9865-5.2-04: {texts:?}");
    let count = get(&format!("/Users?cursor={cursor}&count=3&{filter}"));
    assert_eq!(world.send(count).await.scim_error(400), "invalidCount");
    let both = get("/Users?cursor&startIndex=1");
    assert_eq!(world.send(both).await.scim_error(400), "invalidValue");
    assert_eq!(
        list(&world, ask("GET", &same).by("reader")).await["itemsPerPage"],
        2
    );
}

#[tokio::test]
async fn s_9865_2_1_02_a_large_count_is_lowered_and_remembered() {
    let limits = civitas_directory::Limits {
        max_results: 3,
        ..Default::default()
    };
    let world = World::with(civitas_http::HttpLimits::default(), limits).await;
    for number in 0..4 {
        world.user(&format!("user{number}")).await;
    }
    let (_, sizes) = walk(&world, "/Users?count=1000").await;
    assert_eq!(sizes, [3, 1]);
}

#[tokio::test]
async fn s_9865_4_01_cursors_are_advertised() {
    let world = World::start().await;
    let config = list(&world, get("/ServiceProviderConfig")).await;
    let expected = json!({
        "cursor": true,
        "index": true,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 1000,
        "cursorTimeout": 3600,
    });
    assert_eq!(config["pagination"], expected);
}
