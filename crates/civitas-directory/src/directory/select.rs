//! Searches by conditions that a dialect has made of its own query language.

use civitas_scim::Invalid;

use super::Directory;
use crate::{
    cursor::{Bound, Walk},
    error::Error,
    scope::Scope,
    store::{FoundPage, Page, Query, Selection, Want},
};

impl Directory {
    /// The resources of one type that meet a condition, a page of them.
    pub async fn select(
        &self,
        scope: &Scope,
        selection: Selection,
        page: Page,
        want: Want,
    ) -> Result<FoundPage, Error> {
        let query = self.query(selection, page, want);
        Ok(self.store.search(scope.partition, query).await?)
    }

    /// The same without their total, which costs less where there are many.
    pub async fn select_uncounted(
        &self,
        scope: &Scope,
        selection: Selection,
        page: Page,
        want: Want,
    ) -> Result<FoundPage, Error> {
        let query = Query {
            counted: false,
            ..self.query(selection, page, want)
        };
        Ok(self.store.search(scope.partition, query).await?)
    }

    fn query(&self, selection: Selection, page: Page, want: Want) -> Query {
        Query {
            selections: vec![selection],
            page,
            want,
            max_examined: self.limits.max_examined,
            counted: true,
        }
    }

    /// The text by which a caller goes on with a walk through what a query, told in whatever
    /// words, finds.
    pub fn close_walk(&self, scope: &Scope, query: &str, walk: &Walk) -> Result<String, Error> {
        Bound::to(&self.seal, scope, query.to_owned()).close(walk, scope.now)
    }

    /// A secret of the tenant, such as one that its configuration refers to, in the form in
    /// which it may be kept and copied: it opens in this installation and tenant only, and
    /// under that name.
    pub fn close_secret(&self, scope: &Scope, name: &str, secret: &[u8]) -> Result<String, Error> {
        let partition = scope.partition.raw().to_string();
        let closed = self.seal.close(&["secret", &partition, name], secret);
        closed.map_err(Error::Unavailable)
    }

    /// The secret that such a text holds; `None` of one that was closed for something else.
    pub fn open_secret(&self, scope: &Scope, name: &str, text: &str) -> Option<Vec<u8>> {
        let partition = scope.partition.raw().to_string();
        self.seal.open(&["secret", &partition, name], text)
    }

    /// The walk that such a text goes on with.
    ///
    /// # Errors
    /// `invalidCursor` for what was not issued to this caller for this query, and
    /// `expiredCursor` for what is older than [`Limits::cursor_seconds`](crate::Limits).
    pub fn open_walk(&self, scope: &Scope, query: &str, text: &str) -> Result<Walk, Invalid> {
        let seconds = self.limits.cursor_seconds;
        Bound::to(&self.seal, scope, query.to_owned()).open(text, scope.now, seconds)
    }
}
