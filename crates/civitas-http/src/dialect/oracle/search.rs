//! Lists and searches.

use civitas_directory::{
    Outcome, belonging,
    store::{Page, Selection, Want},
};
use civitas_scim::{condition::Condition, messages::urn::LIST_RESPONSE};
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::{
    call::Call,
    condition,
    endpoint::Endpoint,
    fault::{Failure, Fault},
    paging,
    parameters::{DEFAULT_COUNT, Parameters},
    projection::Projection,
    resource,
    show::View,
};
use crate::{refusal::Refusal, reply::Reply};

const TOTAL: HeaderName = HeaderName::from_static("opc-total-items");
const NEXT_PAGE: HeaderName = HeaderName::from_static("opc-next-page");

/// Resources of a collection, as the parameters ask for them.
pub(super) async fn list(
    call: &Call<'_>,
    endpoint: Endpoint,
    parameters: &Parameters,
) -> Result<Reply, Failure> {
    let Endpoint { kind, own } = endpoint;
    let kept = kind
        .kept(&call.scope.catalogue)
        .ok_or(Refusal::UnknownPath)?;
    let filter = parameters.filter.as_deref();
    let condition = filter.map(|text| condition::condition(kind, &kept, text));
    let mut condition = condition.transpose()?;
    if own {
        let mine = belonging::belongs_to(&resource::caller(call)?);
        condition = Some(match condition {
            Some(asked) => Condition::And(vec![mine, asked]),
            None => mine,
        });
    }
    let sort = parameters.sort_by.as_deref();
    let sort = sort.map(|path| condition::sort(kind, &kept, path, parameters.descending));
    let selection = Selection {
        resource_type: kind.name().to_owned(),
        condition,
        sort: sort.transpose()?,
    };
    let projection = Projection::read(kind, parameters)?;
    let view = View {
        kind,
        projection: &projection,
        me: own,
    };
    if projection.counts() {
        let page = Page::Index {
            offset: 0,
            count: 0,
        };
        let select = call
            .directory()
            .select(&call.scope, selection, page, Want::default());
        let rows = [json!({ "count": select.await?.total })];
        let count = parameters.page_size(DEFAULT_COUNT, usize::MAX);
        return Ok(answer(&rows, 1, 1, count, None));
    }
    let found = paging::rows(call, parameters, selection, view.want()).await?;
    let rows = view.all(call, &found.items).await?;
    Ok(answer(
        &rows,
        found.total,
        found.start,
        found.count,
        found.next,
    ))
}

/// Rows as a list, of which a page holds so many, and what leads to the next page.
pub(super) fn answer(
    rows: &[Value],
    total: u64,
    start: u64,
    count: usize,
    next: Option<String>,
) -> Reply {
    let body = json!({
        "schemas": [LIST_RESPONSE],
        "totalResults": total,
        "Resources": rows,
        "startIndex": start,
        "itemsPerPage": count,
    });
    let reply = Call::answer(Outcome::Answered, &body);
    let reply = reply.with(TOTAL, HeaderValue::from(total));
    match next.and_then(|it| HeaderValue::try_from(it).ok()) {
        Some(next) => reply.with(NEXT_PAGE, next),
        None => reply,
    }
}

/// The parameters of a search message in the body, and those of the query that go with it.
pub(super) fn message(call: &Call<'_>) -> Result<Parameters, Fault> {
    let message = Parameters::of_message(&call.object()?)?;
    Ok(message.paged_by(&call.parameters))
}
