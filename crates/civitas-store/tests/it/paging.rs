//! Pages of results with holes in the order, checked against the whole list.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use civitas_directory::store::Page;
use serde_json::json;
use tokio::sync::watch;

use crate::stage::{Fresh, Stage, condition, create, ids, index_page, sort};

on_each_store! {
    pages_by_offset_skip_holes
    pages_of_a_negation_skip_what_it_excludes
    places_go_through_all
    a_sorted_walk_by_an_index_agrees_with_the_whole
    a_walk_sees_each_untouched_user_once_while_others_come_and_go
}

/// 700 users over several blocks, every seventh gone, and one block all gone.
async fn holed<S: Fresh>() -> (Stage<S>, Vec<String>) {
    let stage = Stage::<S>::new().await;
    let mut left = Vec::new();
    for batch in 0..7 {
        let users = (batch * 100..batch * 100 + 100).map(|number| {
            let id = format!("u{number:04}");
            create(
                "User",
                json!({ "id": id, "userName": id, "active": number % 2 == 0 }),
            )
        });
        stage.commit(users.collect()).await.unwrap();
    }
    for number in 0..700 {
        let id = format!("u{number:04}");
        if number % 7 == 0 || (127..=256).contains(&number) {
            stage.delete("User", &id).await;
        } else {
            left.push(id);
        }
    }
    (stage, left)
}

async fn pages_by_offset_skip_holes<S: Fresh>() {
    let (stage, left) = holed::<S>().await;
    stage.verify().await;
    for offset in (0..left.len() + 10).step_by(13) {
        let page = stage
            .search("User", None, None, index_page(offset as u64, 5))
            .await
            .unwrap();
        assert_eq!(page.total, left.len() as u64);
        let expected: Vec<_> = left.iter().skip(offset).take(5).collect();
        assert_eq!(ids(&page), expected, "offset {offset}");
    }
}

async fn pages_of_a_negation_skip_what_it_excludes<S: Fresh>() {
    let (stage, left) = holed::<S>().await;
    let odd: Vec<_> = left
        .iter()
        .filter(|id| !id.ends_with(['0', '2', '4', '6', '8']))
        .collect();
    for offset in (0..odd.len() + 10).step_by(11) {
        let not = condition("User", "not (active eq true)");
        let page = index_page(offset as u64, 3);
        let page = stage.search("User", Some(not), None, page).await.unwrap();
        assert_eq!(page.total, odd.len() as u64);
        let expected: Vec<_> = odd.iter().skip(offset).take(3).copied().collect();
        assert_eq!(ids(&page), expected, "offset {offset}");
    }
}

async fn places_go_through_all<S: Fresh>() {
    let (stage, left) = holed::<S>().await;
    for filter in [None, Some("userName pr"), Some("not (userName sw \"x\")")] {
        let filter = filter.map(|filter| condition("User", filter));
        let (mut place, mut seen) = (None, Vec::new());
        loop {
            let page = Page::After { place, count: 50 };
            let found = stage
                .search("User", filter.clone(), None, page)
                .await
                .unwrap();
            assert_eq!(found.total, left.len() as u64);
            seen.extend(ids(&found).into_iter().map(String::from));
            place = found.next;
            if place.is_none() {
                break;
            }
        }
        assert_eq!(seen, left);
    }
}

/// 7,000 users in 40 blocks of equal titles, by index, of whom every third has no
/// `displayName`: more than one page may look at to find them.
async fn a_sorted_walk_by_an_index_agrees_with_the_whole<S: Fresh>() {
    let stage = Stage::<S>::new().await;
    let numbers: Vec<usize> = (0..7_000).collect();
    for part in numbers.chunks(1_000) {
        let users = part.iter().map(|number| {
            let id = format!("u{number:04}");
            let mut user = json!({ "id": id, "userName": id });
            if number % 3 != 0 {
                user["displayName"] = json!(format!("name {}", number * 7 % 40));
            }
            create("User", user)
        });
        stage.commit(users.collect()).await.unwrap();
    }
    let name = |number: &usize| (!number.is_multiple_of(3)).then(|| number * 7 % 40);
    let key = |number: &usize| name(number).map_or((1, String::new()), |it| (0, format!("{it}")));
    let mut expected = numbers.clone();
    expected.sort_by_key(|number| (key(number), *number));
    for (filter, descending) in [
        (None, false),
        (None, true),
        (Some("userName sw \"u\""), false),
        (Some("userName sw \"u\""), true),
    ] {
        let sort = sort("User", "displayName", descending);
        let filter = filter.map(|filter| condition("User", filter));
        let (mut place, mut seen) = (None, Vec::new());
        loop {
            let page = Page::After { place, count: 900 };
            let found = stage
                .search("User", filter.clone(), Some(sort.clone()), page)
                .await
                .unwrap();
            assert!(found.items.len() <= 900);
            seen.extend(ids(&found).into_iter().map(String::from));
            place = found.next;
            if place.is_none() {
                break;
            }
        }
        if descending {
            seen.reverse();
        }
        let expected = expected.iter().map(|number| format!("u{number:04}"));
        assert_eq!(seen, expected.collect::<Vec<_>>(), "{descending}");
    }
}

/// Users of the short form; `CIVITAS_WALK_USERS` sets the number of a long run.
fn walked() -> usize {
    std::env::var("CIVITAS_WALK_USERS")
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or(2_000)
}

async fn a_walk_sees_each_untouched_user_once_while_others_come_and_go<S: Fresh>() {
    let stage = Arc::new(Stage::<S>::new().await);
    let name = |number: usize| format!("u{number:07}");
    let users: Vec<usize> = (0..walked()).collect();
    for numbers in users.chunks(1_000) {
        let user = |number: &usize| {
            create(
                "User",
                json!({ "id": name(*number), "userName": name(*number) }),
            )
        };
        stage
            .commit(numbers.iter().map(user).collect())
            .await
            .unwrap();
    }
    let (told, mut news) = watch::channel(0);
    let churn = tokio::spawn({
        let stage = stage.clone();
        async move {
            // Every tenth goes, from the front and the back in turns; as many come.
            let mut goes: VecDeque<usize> = (0..walked()).step_by(10).collect();
            let mut changes = 0;
            while told.send(changes).is_ok() {
                let gone = if changes % 2 == 0 {
                    goes.pop_front()
                } else {
                    goes.pop_back()
                };
                if let Some(gone) = gone {
                    stage.delete("User", &name(gone)).await;
                }
                stage.user(&format!("new{changes}")).await;
                changes += 1;
            }
        }
    });
    let (mut place, mut seen) = (None, Vec::new());
    loop {
        let page = Page::After { place, count: 100 };
        let found = stage.search("User", None, None, page).await.unwrap();
        assert!(found.items.len() <= 100);
        seen.extend(ids(&found).into_iter().map(String::from));
        place = found.next;
        // Those who come while the walk goes on would make it follow them for ever.
        let left_behind = seen.last().is_some_and(|id| id.starts_with("new"));
        if place.is_none() || left_behind {
            break;
        }
        news.changed().await.unwrap();
    }
    drop(news);
    churn.await.unwrap();
    let untouched = (0..walked()).filter(|number| number % 10 != 0).map(name);
    let mut times: HashMap<String, usize> = HashMap::new();
    for id in seen {
        *times.entry(id).or_default() += 1;
    }
    assert!(times.values().all(|times| *times == 1), "seen twice");
    let missed: Vec<String> = untouched.filter(|id| !times.contains_key(id)).collect();
    assert!(missed.is_empty(), "{missed:?}");
    stage.verify().await;
}
