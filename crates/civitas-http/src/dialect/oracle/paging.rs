//! Pages of lists: by the number of their first row, and from where an earlier answer ended.

use civitas_directory::{
    Found, Walk,
    store::{Page, Place, Position, Selection, Want},
};
use serde_json::json;

use super::{
    call::Call,
    fault::{Failure, Fault},
    parameters::{DEFAULT_COUNT, Parameters},
};

/// A page of a list.
pub(super) struct Rows {
    pub(super) items: Vec<Found>,
    /// Rows of all pages.
    pub(super) total: u64,
    /// The number of the first row, counted from 1.
    pub(super) start: u64,
    /// Most rows of the page.
    pub(super) count: usize,
    /// What leads to the next page; `None` on the last.
    pub(super) next: Option<String>,
}

/// Where a page begins.
struct Start {
    row: u64,
    count: usize,
    from: From,
}

/// How the first row is found.
enum From {
    /// By its number. Descending lists are walked so: rows that tie stand in another order
    /// after a place than by number.
    Number,
    /// After a place, or at the beginning, at a cost that does not grow with the number.
    Place(Option<Place>),
}

/// The rows that the parameters ask for.
pub(super) async fn rows(
    call: &Call<'_>,
    parameters: &Parameters,
    selection: Selection,
    want: Want,
) -> Result<Rows, Failure> {
    let query = json!([
        &selection.resource_type,
        &parameters.filter,
        &parameters.sort_by,
        parameters.descending,
    ]);
    let start = match &parameters.page {
        Some(token) => opened(call, parameters, &query.to_string(), token)?,
        None => asked(call, parameters),
    };
    let (row, count) = (start.row, start.count);
    let (items, total, place) = match start.from {
        From::Number => by_number(call, selection, row, count, want).await?,
        From::Place(place) => after(call, selection, place, count, want).await?,
    };
    let next = match place {
        Some(place) => {
            let row = row + items.len() as u64;
            let bound = bound(&query.to_string(), row);
            let walk = Walk { count, place };
            let closed = call.directory().close_walk(&call.scope, &bound, &walk)?;
            Some(format!("{row}.{closed}"))
        }
        None => None,
    };
    Ok(Rows {
        items,
        total,
        start: row,
        count,
        next,
    })
}

/// The page that is asked for by number.
fn asked(call: &Call<'_>, parameters: &Parameters) -> Start {
    let row = parameters.start();
    let count = parameters.page_size(DEFAULT_COUNT, call.directory().limits().max_results);
    let by_number = row > 1 || count == 0 || parameters.descending;
    Start {
        row,
        count,
        from: if by_number {
            From::Number
        } else {
            From::Place(None)
        },
    }
}

/// The page that a token leads to.
fn opened(
    call: &Call<'_>,
    parameters: &Parameters,
    query: &str,
    token: &str,
) -> Result<Start, Fault> {
    let directory = call.directory();
    let parts = token.split_once('.');
    let parts = parts.and_then(|(row, closed)| Some((row.parse().ok()?, closed)));
    let walk = parts.and_then(|(row, closed)| {
        let opened = directory.open_walk(&call.scope, &bound(query, row), closed);
        Some((row, opened.ok()?))
    });
    let (row, walk) = walk.ok_or_else(Fault::unknown_page)?;
    Ok(Start {
        row,
        count: parameters.page_size(walk.count, directory.limits().max_results),
        from: if walk.place == unplaced() {
            From::Number
        } else {
            From::Place(Some(walk.place))
        },
    })
}

/// What a token is good for: one query, from one row on.
fn bound(query: &str, row: u64) -> String {
    format!("{query} from {row}")
}

/// What stands for the place in a walk that goes by number.
const fn unplaced() -> Place {
    Place {
        resource_type: String::new(),
        position: Position(0),
        key: None,
    }
}

type Part = (Vec<Found>, u64, Option<Place>);

async fn by_number(
    call: &Call<'_>,
    selection: Selection,
    row: u64,
    count: usize,
    want: Want,
) -> Result<Part, Failure> {
    let offset = row - 1;
    let page = Page::Index { offset, count };
    let select = call.directory().select(&call.scope, selection, page, want);
    let found = select.await?;
    let read = found.items.len() as u64;
    let goes_on = read > 0 && offset + read < found.total;
    Ok((found.items, found.total, goes_on.then(unplaced)))
}

async fn after(
    call: &Call<'_>,
    selection: Selection,
    mut place: Option<Place>,
    count: usize,
    want: Want,
) -> Result<Part, Failure> {
    let mut items = Vec::new();
    // Fewer may come although there are more.
    loop {
        let page = Page::After {
            place,
            count: count - items.len(),
        };
        let select = call
            .directory()
            .select(&call.scope, selection.clone(), page, want);
        let found = select.await?;
        items.extend(found.items);
        place = found.next;
        if place.is_none() || items.len() >= count {
            return Ok((items, found.total, place));
        }
    }
}
