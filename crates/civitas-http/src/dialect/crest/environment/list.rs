//! Lists of variables and secrets, a page at a time.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use civitas_directory::Outcome;
use serde_json::{Value, json};

use crate::{
    dialect::crest::{
        call::Call,
        fault::{Failure, Fault},
        kept::{Object, member},
    },
    reply::Reply,
};

/// Most rows of a page.
const MAX_PAGE: usize = 100;

/// A parameter of the request.
fn parameter<'c>(call: &'c Call<'_>, name: &str) -> Option<&'c str> {
    let mut extra = call.request.parameters.extra.iter();
    let found = extra.find(|(it, _)| it.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// Those that are asked for: all, or those that the configuration does not see yet.
pub(super) fn asked(call: &Call<'_>, mut all: Vec<Object>) -> Vec<Object> {
    let pending = parameter(call, "_onlyPending");
    if pending.is_some_and(|it| it.eq_ignore_ascii_case("true")) {
        all.retain(|it| *member(it, "loaded") != true);
    }
    all
}

/// A page of objects, in the order of their names.
pub(super) fn page(
    call: &Call<'_>,
    all: Vec<Object>,
    show: fn(&Object) -> Value,
) -> Result<Reply, Failure> {
    let mut all = asked(call, all);
    let size = parameter(call, "_pageSize").filter(|it| !it.is_empty());
    let size = size.map(|text| {
        let size = text.parse::<usize>().ok();
        size.filter(|it| (1..=MAX_PAGE).contains(it))
            .ok_or_else(|| {
                Fault::invalid(format!("_pageSize: {text:?} is not from 1 to {MAX_PAGE}"))
            })
    });
    let size = size.transpose()?;
    let cookie = parameter(call, "_pagedResultsCookie").filter(|it| !it.is_empty());
    if let Some(cookie) = cookie {
        let last = BASE64_URL_SAFE_NO_PAD.decode(cookie).ok();
        let last = last.and_then(|it| String::from_utf8(it).ok());
        let last = last.ok_or_else(|| Fault::malformed("Invalid paged results cookie"))?;
        all.retain(|it| member(it, "name").as_str() > Some(last.as_str()));
    }
    let more = size.is_some_and(|size| all.len() > size);
    all.truncate(size.unwrap_or(usize::MAX));
    let last = all
        .last()
        .filter(|_| more)
        .and_then(|it| member(it, "name").as_str());
    let cookie = last.map(|it| BASE64_URL_SAFE_NO_PAD.encode(it));
    let rows: Vec<Value> = all.iter().map(show).collect();
    let found = json!({
        "pagedResultsCookie": cookie,
        "remainingPagedResults": -1,
        "resultCount": rows.len(),
        "result": rows,
        "totalPagedResults": -1,
        "totalPagedResultsPolicy": "NONE",
    });
    Ok(call.answer(Outcome::Answered, &found))
}
