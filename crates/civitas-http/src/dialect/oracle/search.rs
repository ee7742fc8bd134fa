//! Lists and searches.

use civitas_directory::{
    Outcome,
    store::{Page, Selection},
};
use civitas_scim::messages::urn::LIST_RESPONSE;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::{
    call::Call,
    condition,
    fault::{Failure, Fault},
    kind::Kind,
    parameters::Parameters,
    projection::Projection,
    show::View,
};
use crate::{refusal::Refusal, reply::Reply};

const TOTAL: HeaderName = HeaderName::from_static("opc-total-items");

/// Resources of a type, as the parameters ask for them.
pub(super) async fn list(
    call: &Call<'_>,
    kind: Kind,
    parameters: &Parameters,
) -> Result<Reply, Failure> {
    let kept = kind
        .kept(&call.scope.catalogue)
        .ok_or(Refusal::UnknownPath)?;
    let filter = parameters.filter.as_deref();
    let condition = filter.map(|text| condition::condition(kind, &kept, text));
    let sort = parameters.sort_by.as_deref();
    let sort = sort.map(|path| condition::sort(kind, &kept, path, parameters.descending));
    let selection = Selection {
        resource_type: kind.name().to_owned(),
        condition: condition.transpose()?,
        sort: sort.transpose()?,
    };
    let projection = Projection::read(kind, parameters)?;
    let view = View {
        kind,
        projection: &projection,
        me: false,
    };
    let count = parameters.page_size(call.directory().limits().max_results);
    let page = Page::Index {
        offset: parameters.start() - 1,
        count: if projection.counts() { 0 } else { count },
    };
    let found = call
        .directory()
        .select(&call.scope, selection, page, view.want())
        .await?;
    if projection.counts() {
        let rows = [json!({ "count": found.total })];
        return Ok(answer(&rows, 1, 1, count));
    }
    let rows = view.all(call, &found.items).await?;
    Ok(answer(&rows, found.total, parameters.start(), count))
}

/// Rows as a list, of which a page holds so many.
pub(super) fn answer(rows: &[Value], total: u64, start: u64, count: usize) -> Reply {
    let body = json!({
        "schemas": [LIST_RESPONSE],
        "totalResults": total,
        "Resources": rows,
        "startIndex": start,
        "itemsPerPage": count,
    });
    let reply = Call::answer(Outcome::Answered, &body);
    reply.with(TOTAL, HeaderValue::from(total))
}

/// The parameters of a search message in the body.
pub(super) fn message(call: &Call<'_>) -> Result<Parameters, Fault> {
    Parameters::of_message(&call.object()?)
}
