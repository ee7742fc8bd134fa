//! Queries: which objects, in which order, how many at a time.

use std::fmt::Write as _;

use civitas_directory::{
    Error, Found, Outcome, Walk,
    store::{FoundPage, Page, Place, Position, Selection, Want},
};
use civitas_scim::{
    ScimType,
    condition::{Condition, Sort},
    value::Key,
};
use serde_json::{Value, json};

use super::{
    condition::{self, Selected},
    group, internal,
    kind::{Collection, Kind},
    object::{self, Object},
    view,
};
use crate::{
    dialect::crest::{
        call::Call,
        fault::{Failure, Fault},
        fidelity,
        filter::{Filter, Literal, Operator},
        parameters::{Query, Selector},
        pointer::Pointer,
        version::Version,
    },
    reply::Reply,
};

/// Most rows of one answer. A larger page is made smaller; what asks for everything at once
/// and would be more is refused.
pub(super) const MAX_ROWS: usize = 10_000;

/// Rows that are asked for first where all are wanted: most times there are no more, and so few
/// are read at once, without a turn among the searches.
pub(super) const AT_FIRST: usize = 200;

/// The object of that identifier.
pub(super) async fn find(
    call: &Call<'_>,
    collection: &Collection<'_>,
    id: &str,
) -> Result<Option<Found>, Failure> {
    match collection.kind {
        Kind::Group => {
            let named = equal("_id", id, collection);
            Ok(few(call, collection, named).await?.pop())
        }
        Kind::InternalRole => {
            let kept = get(call, collection, &collection.record_id(id)).await?;
            Ok(kept.or_else(|| internal::built_in(id)))
        }
        _ => get(call, collection, &collection.record_id(id)).await,
    }
}

/// What is to be read beside records of the collection.
pub(super) fn want(collection: &Collection<'_>) -> Want {
    Want {
        groups: collection.kind == Kind::User,
        members: None,
    }
}

/// The object that a record keeps.
pub(super) async fn by_record(
    call: &Call<'_>,
    collection: &Collection<'_>,
    id: &str,
) -> Result<Option<Found>, Failure> {
    get(call, collection, id).await
}

async fn get(
    call: &Call<'_>,
    collection: &Collection<'_>,
    id: &str,
) -> Result<Option<Found>, Failure> {
    let resource_type = collection.resource_type;
    let found = call
        .directory()
        .get(&call.scope, resource_type, id, want(collection));
    match found.await {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The object of which a property is this.
pub(super) async fn by_property(
    call: &Call<'_>,
    collection: &Collection<'_>,
    property: &str,
    value: &str,
) -> Result<Option<Found>, Failure> {
    let named = equal(property, value, collection);
    Ok(few(call, collection, named).await?.pop())
}

/// The objects, two at most, that the parameters of an action select.
pub(super) async fn selected_by_extra(
    call: &Call<'_>,
    collection: &Collection<'_>,
) -> Result<Vec<Found>, Failure> {
    let selected = by_extra(call, collection)?.ok_or_else(|| {
        Fault::invalid("A patch of a collection needs a _queryFilter or a _queryId")
    })?;
    few(call, collection, selected).await
}

/// How many objects the parameters of an action select; all, where they do not select.
pub(super) async fn number_by_extra(
    call: &Call<'_>,
    collection: &Collection<'_>,
) -> Result<u64, Failure> {
    let selected = by_extra(call, collection)?.unwrap_or(Selected::All);
    let page = Page::Index {
        offset: 0,
        count: 0,
    };
    let found = search(call, collection, selected.condition(), None, page, true);
    Ok(found.await?.total)
}

/// What the parameters of an action select.
fn by_extra(call: &Call<'_>, collection: &Collection<'_>) -> Result<Option<Selected>, Fault> {
    let named = |name: &str| {
        let mut extra = call.request.parameters.extra.iter();
        let found = extra.find(|(it, _)| it.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    };
    Ok(match (named("_queryFilter"), named("_queryId")) {
        (Some(filter), _) => {
            let filter = Filter::parse(filter).map_err(Fault::from)?;
            Some(condition::selected(&filter, collection))
        }
        (None, Some(id)) => Some(stored(call, collection, id)?),
        (None, None) => None,
    })
}

fn equal(property: &str, value: &str, collection: &Collection<'_>) -> Selected {
    let pointer = Pointer::parse(property).unwrap_or_default();
    let literal = Literal::Text(value.to_owned());
    let filter = Filter::Compare(pointer, Operator::Eq, literal);
    condition::selected(&filter, collection)
}

/// At most two of the selected objects.
async fn few(
    call: &Call<'_>,
    collection: &Collection<'_>,
    selected: Selected,
) -> Result<Vec<Found>, Failure> {
    let page = Page::Index {
        offset: 0,
        count: 2,
    };
    let found = search(call, collection, selected.condition(), None, page, false);
    Ok(found.await?.items)
}

/// A page of what meets a condition; their total where they are to be `counted`.
pub(super) async fn search(
    call: &Call<'_>,
    collection: &Collection<'_>,
    condition: Option<Condition>,
    sort: Option<Sort>,
    page: Page,
    counted: bool,
) -> Result<FoundPage, Failure> {
    let selection = Selection {
        resource_type: collection.resource_type.name.clone(),
        condition: condition.clone(),
        sort,
    };
    let (directory, want) = (call.directory(), want(collection));
    let found = if counted {
        directory.select(&call.scope, selection, page, want).await
    } else {
        let page = directory.select_uncounted(&call.scope, selection, page, want);
        page.await
    };
    let mut found = found?;
    if collection.kind == Kind::InternalRole {
        internal::complete(call, collection, condition.as_ref(), &mut found).await?;
    }
    Ok(found)
}

/// What a stored query selects.
fn stored(call: &Call<'_>, collection: &Collection<'_>, id: &str) -> Result<Selected, Fault> {
    let argument = |name: &str| {
        let mut extra = call.request.parameters.extra.iter();
        let found = extra.find(|(it, _)| it == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    match id {
        "query-all" | "query-all-ids" => Ok(Selected::All),
        "for-userName" => Ok(equal("userName", &argument("uid"), collection)),
        "credential-query" => Ok(equal("userName", &argument("username"), collection)),
        other => Err(Fault::malformed(format!(
            "The passed query identifier {other} does not match any configured queries."
        ))),
    }
}

/// Answers a query.
pub(super) async fn run(call: &Call<'_>, collection: &Collection<'_>) -> Result<Reply, Failure> {
    let Some(query) = &call.request.parameters.query else {
        return Err(Fault::invalid("A query needs a selector").into());
    };
    let (selected, ids_only) = match &query.selector {
        Selector::Filter(filter) => (condition::selected(filter, collection), false),
        Selector::Id(id) => (stored(call, collection, id)?, id == "query-all-ids"),
        Selector::Expression => {
            let message = "_queryExpression not supported";
            return Err(Fault::new(Outcome::NotBuilt, message).into());
        }
    };
    let condition = selected.condition();
    if query.count_only {
        let page = Page::Index {
            offset: 0,
            count: 0,
        };
        let total = search(call, collection, condition, None, page, true)
            .await?
            .total;
        return Ok(counted(call, total));
    }
    let rows = rows(call, collection, query, condition).await?;
    let (total, cookie) = (rows.total, rows.cookie.as_deref());
    if ids_only {
        let about = |found: &Found| object::about(collection, found, &found.record.attributes());
        let objects = rows.items.iter().map(about).collect();
        return Ok(answer(call, query, objects, total, cookie));
    }
    let objects = view::objects(call, collection, &rows.items).await?;
    Ok(written(call, query, &objects, total, cookie))
}

/// The answer to a query that found these objects.
pub(in super::super) fn answer(
    call: &Call<'_>,
    query: &Query,
    objects: Vec<Object>,
    total: u64,
    cookie: Option<&str>,
) -> Reply {
    let objects = objects.into_iter().map(|it| Value::Object(it).to_string());
    written(call, query, &objects.collect::<Vec<_>>(), total, cookie)
}

/// The same, of the texts of objects.
fn written(
    call: &Call<'_>,
    query: &Query,
    objects: &[String],
    total: u64,
    cookie: Option<&str>,
) -> Reply {
    let (count, total) = (objects.len() as u64, query.total.then_some(total));
    let reply = call.json(Outcome::Answered, envelope(objects, count, cookie, total));
    if count == 0 {
        call.versioned(reply, &[Version::new(1, 0)])
    } else {
        reply
    }
}

/// The answer to a query for a number alone.
pub(in super::super) fn counted(call: &Call<'_>, total: u64) -> Reply {
    call.json(Outcome::Answered, envelope(&[], total, None, Some(total)))
}

/// The result of a query; `total` where it is asked for.
fn envelope(result: &[String], count: u64, cookie: Option<&str>, total: Option<u64>) -> String {
    let policy = if total.is_some() { "EXACT" } else { "NONE" };
    let total = total.map_or(-1, |it| it as i64);
    let room: usize = result.iter().map(|it| it.len() + 1).sum();
    let mut text = String::with_capacity(room + 256);
    text.push_str("{\"result\":[");
    for (at, object) in result.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(object);
    }
    // Writing to memory cannot fail.
    let _ = write!(
        text,
        "],\"resultCount\":{count},\"pagedResultsCookie\":{},\
         \"totalPagedResultsPolicy\":\"{policy}\",\"totalPagedResults\":{total},\
         \"remainingPagedResults\":-1}}",
        Value::from(cookie)
    );
    text
}

/// Rows of an answer.
pub(super) struct Rows {
    pub(super) items: Vec<Found>,
    pub(super) total: u64,
    pub(super) cookie: Option<String>,
}

/// The page of a query that a condition stands for.
pub(super) async fn rows(
    call: &Call<'_>,
    collection: &Collection<'_>,
    query: &Query,
    condition: Option<Condition>,
) -> Result<Rows, Failure> {
    let order = order(collection, query);
    let walk = open(call, query)?;
    let count = match query.page_size {
        Some(size) => usize::try_from(size).unwrap_or(MAX_ROWS).min(MAX_ROWS),
        None => MAX_ROWS + 1,
    };
    let rows = if is_sorted_here(collection, &order) {
        sorted_here(call, collection, query, condition, &order, walk, count).await?
    } else {
        let sort = order.into_iter().next();
        sorted_by_store(call, collection, query, condition, sort, walk, count).await?
    };
    if query.page_size.is_none() && rows.items.len() > MAX_ROWS {
        return Err(too_many().into());
    }
    Ok(rows)
}

pub(super) fn too_many() -> Fault {
    Fault::invalid(format!(
        "The query finds more than {MAX_ROWS} objects: ask for pages with _pageSize, by at most \
         one ascending sort key"
    ))
}

async fn sorted_by_store(
    call: &Call<'_>,
    collection: &Collection<'_>,
    query: &Query,
    condition: Option<Condition>,
    sort: Option<Sort>,
    walk: Option<Walk>,
    count: usize,
) -> Result<Rows, Failure> {
    let page = if query.offset > 0 {
        Page::Index {
            offset: query.offset,
            count,
        }
    } else {
        let first = match query.page_size {
            None => count.min(AT_FIRST),
            Some(_) => count,
        };
        Page::After {
            place: walk.map(|walk| walk.place),
            count: first,
        }
    };
    let (of, by) = (condition.clone(), sort.clone());
    let mut found = search(call, collection, of, by, page, query.total).await?;
    // Fewer may come although there are more.
    while let Some(place) = found.next.clone().filter(|_| found.items.len() < count) {
        let page = Page::After {
            place: Some(place),
            count: count - found.items.len(),
        };
        let (of, by) = (condition.clone(), sort.clone());
        let more = search(call, collection, of, by, page, false).await?;
        found.items.extend(more.items);
        found.next = more.next;
    }
    let next = found.next.filter(|_| query.page_size.is_some());
    let next = match next {
        Some(place) => Some(close(call, count, place)?),
        None => None,
    };
    Ok(Rows {
        items: found.items,
        total: found.total,
        cookie: next,
    })
}

/// Orders that the store does not know: by several keys, and descending ones, in which
/// objects without a value come last as in ascending ones.
async fn sorted_here(
    call: &Call<'_>,
    collection: &Collection<'_>,
    query: &Query,
    condition: Option<Condition>,
    order: &[Sort],
    walk: Option<Walk>,
    count: usize,
) -> Result<Rows, Failure> {
    let page = Page::Index {
        offset: 0,
        count: MAX_ROWS + 1,
    };
    let found = search(call, collection, condition, None, page, query.total).await?;
    if found.items.len() > MAX_ROWS {
        return Err(too_many().into());
    }
    let keyed = found.items.into_iter().map(|found| {
        let resource = found.resource();
        let keys: Vec<Option<Key>> = order.iter().map(|sort| sort.key(&resource)).collect();
        (keys, found)
    });
    let mut keyed: Vec<_> = keyed.collect();
    keyed.sort_by(|(one, _), (other, _)| compared(order, one, other));
    // Of rows that are sorted here, the position is the number of the row.
    let first = walk.map_or(query.offset, |walk| walk.place.position.0 as u64);
    let first = usize::try_from(first).unwrap_or(usize::MAX);
    let last = first.saturating_add(count);
    let cookie = if query.page_size.is_some() && last < keyed.len() {
        let place = Place {
            resource_type: collection.resource_type.name.clone(),
            position: Position(last as i64),
            key: None,
        };
        Some(close(call, count, place)?)
    } else {
        None
    };
    let rows = keyed.into_iter().map(|(_, found)| found);
    Ok(Rows {
        items: rows.skip(first).take(count).collect(),
        total: found.total,
        cookie,
    })
}

fn compared(order: &[Sort], one: &[Option<Key>], other: &[Option<Key>]) -> std::cmp::Ordering {
    use std::cmp::Ordering;
    let keys = order.iter().zip(one.iter().zip(other));
    let mut compared = keys.map(|(sort, keys)| match keys {
        (Some(one), Some(other)) if sort.descending => other.order(one),
        (Some(one), Some(other)) => one.order(other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    });
    compared.find(|it| it.is_ne()).unwrap_or(Ordering::Equal)
}

/// The order that is asked for. What nothing has a value of orders nothing.
fn order(collection: &Collection<'_>, query: &Query) -> Vec<Sort> {
    let keys = query.sort.iter().filter_map(|key| {
        let target = condition::sort_target(&key.field, collection)?;
        // Of a status, active comes before inactive.
        let is_status = target.path == "active";
        Some(Sort {
            target,
            descending: key.descending != is_status,
        })
    });
    keys.collect()
}

fn is_sorted_here(collection: &Collection<'_>, order: &[Sort]) -> bool {
    match order {
        _ if collection.kind == Kind::InternalRole => true,
        [] => false,
        [only] => {
            let path = only.target.path.as_str();
            let is_everywhere = match collection.kind {
                Kind::User => ["userName", "id"].contains(&path),
                Kind::Group => path == "displayName",
                Kind::Role | Kind::Assignment | Kind::Organization | Kind::InternalRole => {
                    ["name", "id"].contains(&path)
                }
                Kind::Custom => path == "id",
            };
            let is_own = path.ends_with(group::ID);
            (only.descending && !is_everywhere) || is_own
        }
        _ => true,
    }
}

/// What a walk is bound to: the collection, and all of the query but its page.
fn bound(call: &Call<'_>) -> String {
    let text = call.request.parameters.query.as_ref();
    let query = text.map(|it| format!("{:?} {:?}", it.selector, it.sort));
    json!([call.path, query]).to_string()
}

pub(in super::super) fn close(
    call: &Call<'_>,
    count: usize,
    place: Place,
) -> Result<String, Failure> {
    let walk = Walk { count, place };
    let closed = call
        .directory()
        .close_walk(&call.scope, &bound(call), &walk);
    Ok(closed?)
}

pub(in super::super) fn open(call: &Call<'_>, query: &Query) -> Result<Option<Walk>, Fault> {
    let Some(cookie) = &query.cookie else {
        return Ok(None);
    };
    let opened = call
        .directory()
        .open_walk(&call.scope, &bound(call), cookie);
    opened.map(Some).map_err(|invalid| {
        let outcome = if invalid.scim_type == ScimType::ExpiredCursor {
            fidelity::expired_cookie(call.tenant.settings.fidelity)
        } else {
            Outcome::Malformed
        };
        Fault::new(outcome, "Invalid paged results cookie")
    })
}
