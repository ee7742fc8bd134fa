//! Reading and searching.

use civitas_scim::{
    Invalid, ScimType,
    condition::Sort,
    filter::{self, Filter},
    messages::SearchRequest,
    schema::ResourceType,
    tolerance::Tolerance,
};

use super::Directory;
use crate::{
    cursor::{Bound, Walk},
    error::Error,
    record::{Found, Version},
    scope::Scope,
    store::{FoundPage, Page, Place, Query, Selection, Want},
};

/// The answer to a search: a page, and how it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// The resources.
    pub page: FoundPage,
    /// How the page was found, and where the next one is.
    pub paging: Paging,
}

/// How the pages of a result are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paging {
    /// By index (RFC 7644 §3.4.2.4).
    Index {
        /// Index of the first resource, counted from 1.
        start: u64,
    },
    /// By cursor (RFC 9865).
    Cursor {
        /// The cursor of the next page, if there is one.
        next: Option<String>,
    },
}

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

    /// Who made the state with this version, as far as the log still tells.
    pub async fn author(&self, scope: &Scope, version: Version) -> Result<Option<String>, Error> {
        let before = Some(Version(version.0 - 1));
        let events = self.store.events(scope.partition, before, 1).await?;
        let mut events = events.into_iter();
        let made = events.find(|it| it.version == version);
        Ok(made.map(|it| it.actor))
    }

    /// The resources of the given types that match, a page of them (RFC 7644 §3.4.2).
    pub async fn search(
        &self,
        scope: &Scope,
        types: &[&ResourceType],
        request: &SearchRequest,
        tolerance: &Tolerance,
        want: Want,
    ) -> Result<Listing, Error> {
        let (page, cursors) = self.page(scope, types, request)?;
        let query = Query {
            selections: selections(scope, types, request, tolerance)?,
            page: page.clone(),
            want,
            max_examined: self.limits.max_examined,
            counted: true,
        };
        let found = self.store.search(scope.partition, query).await?;
        let paging = match (page, cursors) {
            (Page::After { count, .. }, Some(cursors)) => {
                let next = found.next.clone().map(|place| Walk { count, place });
                let next = next.map(|walk| cursors.close(&walk, scope.now));
                Paging::Cursor {
                    next: next.transpose()?,
                }
            }
            _ => Paging::Index {
                start: request.start_index,
            },
        };
        Ok(Listing {
            page: found,
            paging,
        })
    }

    /// The resources of a type in creation order, `count` of them after a place, groups
    /// with their members (for exports).
    pub async fn walk(
        &self,
        scope: &Scope,
        resource_type: &ResourceType,
        place: Option<Place>,
        count: usize,
    ) -> Result<FoundPage, Error> {
        let query = Query {
            selections: vec![Selection {
                resource_type: resource_type.name.clone(),
                condition: None,
                sort: None,
            }],
            page: Page::After { place, count },
            want: Want {
                groups: false,
                members: Some(usize::MAX - 1),
            },
            max_examined: self.limits.max_examined,
            counted: true,
        };
        Ok(self.store.search(scope.partition, query).await?)
    }

    /// Most resources of a page: as asked, within the limits.
    pub(super) fn page_size(&self, request: &SearchRequest) -> usize {
        let asked = request.count.unwrap_or(self.limits.default_results as u64);
        usize::try_from(asked)
            .unwrap_or(usize::MAX)
            .min(self.limits.max_results)
    }

    /// The page that a request asks for, and what its cursors are bound to if it goes by
    /// cursor.
    fn page(
        &self,
        scope: &Scope,
        types: &[&ResourceType],
        request: &SearchRequest,
    ) -> Result<(Page, Option<Bound<'_>>), Invalid> {
        let count = self.page_size(request);
        let Some(cursor) = request.cursor.as_deref() else {
            let offset = request.start_index - 1;
            return Ok((Page::Index { offset, count }, None));
        };
        let cursors = Bound::new(&self.seal, scope, types, request);
        if cursor.is_empty() {
            return Ok((Page::After { place: None, count }, Some(cursors)));
        }
        let asked = request.count.map(|_| count);
        let seconds = self.limits.cursor_seconds;
        let Walk { count, place } = cursors.open(cursor, scope.now, seconds)?;
        if asked.is_some_and(|asked| asked != count) {
            return Err(Invalid::new(
                ScimType::InvalidCount,
                format!("count must be {count}, as on the first page"),
            ));
        }
        let place = Some(place);
        Ok((Page::After { place, count }, Some(cursors)))
    }
}

fn selections(
    scope: &Scope,
    types: &[&ResourceType],
    request: &SearchRequest,
    tolerance: &Tolerance,
) -> Result<Vec<Selection>, Invalid> {
    let filter = request.filter.as_deref().map(parse_filter).transpose()?;
    let select = |it: &&ResourceType| select(scope, it, types, filter.as_ref(), request, tolerance);
    types.iter().map(select).collect()
}

fn parse_filter(text: &str) -> Result<Filter, Invalid> {
    Filter::parse(text, &filter::Limits::default())
}

fn select(
    scope: &Scope,
    resource_type: &ResourceType,
    types: &[&ResourceType],
    filter: Option<&Filter>,
    request: &SearchRequest,
    tolerance: &Tolerance,
) -> Result<Selection, Invalid> {
    let condition = filter
        .map(|filter| filter.resolve(resource_type, types, tolerance))
        .transpose()?
        .map(|condition| condition.dereferenced(resource_type, &scope.references()));
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
