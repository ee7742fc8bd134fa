//! Pages of results with holes in the order, checked against the whole list.

use civitas_directory::store::Page;
use serde_json::json;

use crate::stage::{Stage, condition, create, ids, index_page};

/// 700 users over several blocks, every seventh gone, and one block all gone.
async fn holed() -> (Stage, Vec<String>) {
    let stage = Stage::new().await;
    let mut left = Vec::new();
    for batch in 0..7 {
        let users = (batch * 100..batch * 100 + 100).map(|number| {
            let id = format!("u{number:04}");
            create("User", json!({ "id": id, "userName": id, "active": number % 2 == 0 }))
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

#[tokio::test]
async fn pages_by_offset_skip_holes() {
    let (stage, left) = holed().await;
    stage.verify().await;
    for offset in (0..left.len() + 10).step_by(13) {
        let page = stage.search("User", None, None, index_page(offset as u64, 5)).await.unwrap();
        assert_eq!(page.total, left.len() as u64);
        let expected: Vec<_> = left.iter().skip(offset).take(5).collect();
        assert_eq!(ids(&page), expected, "offset {offset}");
        assert_eq!(page.next.is_some(), offset + 5 < left.len(), "offset {offset}");
    }
}

#[tokio::test]
async fn pages_of_a_negation_skip_what_it_excludes() {
    let (stage, left) = holed().await;
    let odd: Vec<_> = left.iter().filter(|id| !id.ends_with(['0', '2', '4', '6', '8'])).collect();
    for offset in (0..odd.len() + 10).step_by(11) {
        let not = condition("User", "not (active eq true)");
        let page = index_page(offset as u64, 3);
        let page = stage.search("User", Some(not), None, page).await.unwrap();
        assert_eq!(page.total, odd.len() as u64);
        let expected: Vec<_> = odd.iter().skip(offset).take(3).copied().collect();
        assert_eq!(ids(&page), expected, "offset {offset}");
    }
}

#[tokio::test]
async fn positions_go_through_all() {
    let (stage, left) = holed().await;
    for filter in [None, Some("userName pr"), Some("not (userName sw \"x\")")] {
        let filter = filter.map(|filter| condition("User", filter));
        let (mut position, mut seen) = (None, Vec::new());
        loop {
            let page = Page::After { position, count: 50 };
            let found = stage.search("User", filter.clone(), None, page).await.unwrap();
            assert_eq!(found.total, left.len() as u64);
            seen.extend(ids(&found).into_iter().map(String::from));
            position = found.next;
            if position.is_none() {
                break;
            }
        }
        assert_eq!(seen, left);
    }
}
