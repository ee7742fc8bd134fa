//! What a directory that was loaded is asked: every query that an index must answer, and what
//! changed since a client was here.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::{
    http::{Connection, percent_encoded},
    site::{PATCH_SCHEMA, Site},
    users::Person,
};

const DELTA: &str = "urn:civitas:params:scim:api:messages:1.0:DeltaRequest";

/// How often each query is asked, of another user each time.
const TIMES: u64 = 100;

/// Users that change while a client is away.
const CHANGED: u64 = 1_000;

/// The filter of a query about a user, given its id.
type Query<'q> = &'q dyn Fn(&Person, &str) -> String;

/// Asks the queries about some of the users, whose ids are given by index, and prints the times
/// of the answers. Each answer must have at least one hit.
pub(super) async fn ask(site: &Site, ids: &[String]) -> anyhow::Result<()> {
    let now = newest(site).await?;
    let queries: [(&str, Query<'_>); 6] = [
        ("Users", &|it, _| {
            format!("userName eq \"{}\"", it.user_name())
        }),
        ("Users", &|it, _| {
            format!("externalId eq \"{}\"", it.external_id())
        }),
        ("Users", &|it, _| {
            format!("emails.value eq \"{}\"", it.user_name())
        }),
        ("Users", &|it, _| {
            format!("displayName sw \"{}\"", it.display_name())
        }),
        ("Users", &|_, _| format!("meta.lastModified ge \"{now}\"")),
        ("Groups", &|_, id| format!("members.value eq \"{id}\"")),
    ];
    for (endpoint, query) in queries {
        let mut connection = Connection::open(site.address).await?;
        let mut times = Vec::new();
        for turn in 0..TIMES {
            // A prime, so that no two are neighbours.
            let index = turn * 7_919 % ids.len() as u64;
            let filter = query(&Person::at(index), &ids[index as usize]);
            let path = format!(
                "/scim/v2/{endpoint}?count=10&attributes=id&filter={}",
                percent_encoded(&filter)
            );
            let begun = Instant::now();
            let answer = site.call_on(&mut connection, "GET", &path, b"").await?;
            times.push(begun.elapsed());
            let answer: Value = serde_json::from_slice(&answer)?;
            ensure!(
                answer["totalResults"].as_u64() > Some(0),
                "none has {filter}"
            );
        }
        times.sort_unstable();
        let name = query(&Person::at(0), &ids[0]);
        let name = name.rsplit_once(" \"").map_or("", |it| it.0);
        println!(
            "query {name}: p50 {:.2} ms, longest {:.2} ms",
            ms(times[times.len() / 2]),
            ms(times[times.len() - 1])
        );
    }
    Ok(())
}

/// When the last user was changed.
async fn newest(site: &Site) -> anyhow::Result<String> {
    let path = "/scim/v2/Users?count=1&sortBy=meta.lastModified&sortOrder=descending";
    let list: Value = serde_json::from_slice(&site.call("GET", path, b"").await?)?;
    let newest = list["Resources"][0]["meta"]["lastModified"].as_str();
    Ok(newest.context("no user")?.to_owned())
}

/// Changes some users after a client has been there, and catches up; prints what that took.
pub(super) async fn catch_up(site: &Site, ids: &[String]) -> anyhow::Result<()> {
    let token = site.call("GET", "/scim/v2/Users/.deltaToken", b"").await?;
    let token: Value = serde_json::from_slice(&token)?;
    let changed = CHANGED.min(ids.len() as u64 - 1);
    let mut connection = Connection::open(site.address).await?;
    let replace = json!({ "op": "replace", "path": "title", "value": "changed" });
    let change = json!({ "schemas": [PATCH_SCHEMA], "Operations": [replace] }).to_string();
    for turn in 0..changed {
        let id = &ids[turn as usize];
        let path = format!("/scim/v2/Users/{id}?attributes=id");
        site.call_on(&mut connection, "PATCH", &path, change.as_bytes())
            .await?;
    }
    let gone = format!("/scim/v2/Users/{}", ids[changed as usize]);
    site.call("DELETE", &gone, b"").await?;
    let begun = Instant::now();
    let (mut told, mut pages, mut cursor) = (0, 0, Value::Null);
    loop {
        let mut ask = json!({ "schemas": [DELTA], "deltaToken": token["value"], "count": 500 });
        if cursor.is_string() {
            ask["cursor"] = cursor;
        }
        let ask = ask.to_string();
        let page = site.call_on(
            &mut connection,
            "POST",
            "/scim/v2/Users/.delta",
            ask.as_bytes(),
        );
        let page: Value = serde_json::from_slice(&page.await?)?;
        told += page["Resources"].as_array().map_or(0, Vec::len) as u64;
        pages += 1;
        cursor = page["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    ensure!(told == changed + 1, "{told} changes were told");
    println!(
        "delta: {told} changes in {pages} pages, {:.1} ms",
        ms(begun.elapsed())
    );
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
