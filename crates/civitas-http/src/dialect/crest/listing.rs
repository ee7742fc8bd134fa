//! Queries over objects that no store searches: which of them, in which order, how many at a
//! time.

use std::cmp::Ordering;

use civitas_directory::{
    Outcome,
    store::{Place, Position},
};
use serde_json::{Map, Value};

use super::{
    call::Call,
    fault::{Failure, Fault},
    managed,
    parameters::{Query, Selector, SortKey},
    pointer::Pointer,
};
use crate::reply::Reply;

type Object = Map<String, Value>;

/// Answers a query that selects among these objects. `counts` says whether the number of all is
/// told though nobody asks.
pub(super) fn answer(
    call: &Call<'_>,
    mut objects: Vec<Object>,
    counts: bool,
) -> Result<Reply, Failure> {
    let Some(query) = &call.request.parameters.query else {
        return Err(Fault::invalid("A query needs a selector").into());
    };
    let ids_only = select(&mut objects, &query.selector)?;
    let total = objects.len() as u64;
    if query.count_only {
        return Ok(managed::counted(call, total));
    }
    if !query.sort.is_empty() {
        objects.sort_by(|one, other| compared(&query.sort, one, other));
    }
    let (rows, cookie) = page(call, query, objects)?;
    let fields = &call.request.parameters.fields;
    let shown = rows.into_iter().map(|mut row| {
        if ids_only {
            row.retain(|name, _| name == "_id" || name == "_rev");
        }
        fields.select(row)
    });
    let query = Query {
        total: query.total || counts,
        ..query.clone()
    };
    let cookie = cookie.as_deref();
    Ok(managed::found(call, &query, shown.collect(), total, cookie))
}

/// Drops what is not selected, and tells whether only identifiers are asked for.
pub(super) fn select(objects: &mut Vec<Object>, selector: &Selector) -> Result<bool, Fault> {
    match selector {
        Selector::Filter(filter) => objects.retain(|it| filter.holds(it)),
        Selector::Id(id) if id == "query-all" => {}
        Selector::Id(id) if id == "query-all-ids" => return Ok(true),
        Selector::Id(id) => {
            return Err(Fault::malformed(format!(
                "The passed query identifier {id} does not match any configured queries."
            )));
        }
        Selector::Expression => {
            let text = "_queryExpression not supported";
            return Err(Fault::new(Outcome::NotBuilt, text));
        }
    }
    Ok(false)
}

/// The part of the rows that is asked for, and where it goes on.
fn page(
    call: &Call<'_>,
    query: &Query,
    rows: Vec<Object>,
) -> Result<(Vec<Object>, Option<String>), Failure> {
    let walk = managed::open(call, query)?;
    // The position in a walk is the number of the row.
    let first = walk.map_or(query.offset, |walk| walk.place.position.0 as u64);
    let first = usize::try_from(first).unwrap_or(usize::MAX);
    let Some(size) = query.page_size else {
        return Ok((rows.into_iter().skip(first).collect(), None));
    };
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let next = first.saturating_add(size);
    let cookie = if next < rows.len() {
        let place = Place {
            resource_type: String::new(),
            position: Position(i64::try_from(next).unwrap_or(i64::MAX)),
            key: None,
        };
        Some(managed::close(call, size, place)?)
    } else {
        None
    };
    Ok((rows.into_iter().skip(first).take(size).collect(), cookie))
}

/// The order of two objects; what lacks a key comes last, whichever the direction.
fn compared(keys: &[SortKey], one: &Object, other: &Object) -> Ordering {
    let mut compared =
        keys.iter().map(
            |key| match (value(one, &key.field), value(other, &key.field)) {
                (Some(one), Some(other)) if key.descending => order(other, one),
                (Some(one), Some(other)) => order(one, other),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            },
        );
    compared.find(|it| it.is_ne()).unwrap_or(Ordering::Equal)
}

fn value<'o>(object: &'o Object, pointer: &Pointer) -> Option<&'o Value> {
    let (first, rest) = pointer.names().split_first()?;
    let within = object.get(first)?;
    let found = rest.iter().try_fold(within, |it, name| it.get(name))?;
    match found {
        Value::Array(elements) => elements.first(),
        Value::Null => None,
        found => Some(found),
    }
}

fn order(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let order = one.as_f64().partial_cmp(&other.as_f64());
            order.unwrap_or(Ordering::Equal)
        }
        (Value::String(one), Value::String(other)) => one.to_lowercase().cmp(&other.to_lowercase()),
        (one, other) => one.to_string().cmp(&other.to_string()),
    }
}
