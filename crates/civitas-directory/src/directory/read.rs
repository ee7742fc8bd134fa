//! Reading and searching.

use civitas_scim::{
    Invalid,
    condition::Sort,
    filter::{self, Filter},
    messages::SearchRequest,
    schema::ResourceType,
    tolerance::Tolerance,
};

use super::Directory;
use crate::{
    error::Error,
    record::Found,
    scope::Scope,
    store::{FoundPage, Page, Position, Query, Selection, Want},
};

impl Directory {
    /// One resource.
    pub async fn get(
        &self,
        scope: &Scope,
        resource_type: &ResourceType,
        id: &str,
        want: Want,
    ) -> Result<Found, Error> {
        let found = self
            .store
            .read(scope.partition, &resource_type.name, id, want)
            .await?;
        found.ok_or_else(|| not_found(resource_type, id))
    }

    /// The resources of the given types that match, a page of them (RFC 7644 §3.4.2).
    pub async fn search(
        &self,
        scope: &Scope,
        types: &[&ResourceType],
        request: &SearchRequest,
        tolerance: &Tolerance,
        want: Want,
    ) -> Result<FoundPage, Error> {
        let query = self.query(types, request, tolerance, want)?;
        Ok(self.store.search(scope.partition, query).await?)
    }

    /// The resources of a type in creation order, `count` of them after a position, groups
    /// with their members (for exports).
    pub async fn walk(
        &self,
        scope: &Scope,
        resource_type: &ResourceType,
        position: Option<Position>,
        count: usize,
    ) -> Result<FoundPage, Error> {
        let query = Query {
            selections: vec![Selection {
                resource_type: resource_type.name.clone(),
                condition: None,
                sort: None,
            }],
            page: Page::After { position, count },
            want: Want {
                groups: false,
                members: Some(usize::MAX - 1),
            },
            max_examined: self.limits.max_examined,
        };
        Ok(self.store.search(scope.partition, query).await?)
    }

    fn query(
        &self,
        types: &[&ResourceType],
        request: &SearchRequest,
        tolerance: &Tolerance,
        want: Want,
    ) -> Result<Query, Invalid> {
        let filter = request.filter.as_deref().map(parse_filter).transpose()?;
        let selections = types
            .iter()
            .map(|resource_type| select(resource_type, types, filter.as_ref(), request, tolerance))
            .collect::<Result<_, _>>()?;
        Ok(Query {
            selections,
            page: self.page(request),
            want,
            max_examined: self.limits.max_examined,
        })
    }

    fn page(&self, request: &SearchRequest) -> Page {
        let count = request.count.unwrap_or(self.limits.default_results as u64);
        Page::Index {
            offset: request.start_index - 1,
            count: usize::try_from(count)
                .unwrap_or(usize::MAX)
                .min(self.limits.max_results),
        }
    }
}

fn parse_filter(text: &str) -> Result<Filter, Invalid> {
    Filter::parse(text, &filter::Limits::default())
}

fn select(
    resource_type: &ResourceType,
    types: &[&ResourceType],
    filter: Option<&Filter>,
    request: &SearchRequest,
    tolerance: &Tolerance,
) -> Result<Selection, Invalid> {
    let condition = filter
        .map(|filter| filter.resolve(resource_type, types, tolerance))
        .transpose()?;
    let sort = request
        .sort_by
        .as_deref()
        .map(|path| Sort::resolve(path, request.descending, resource_type))
        .transpose()?;
    Ok(Selection {
        resource_type: resource_type.name.clone(),
        condition,
        sort,
    })
}

pub(super) fn not_found(resource_type: &ResourceType, id: &str) -> Error {
    Error::NotFound {
        resource_type: resource_type.name.clone(),
        id: id.to_owned(),
    }
}
