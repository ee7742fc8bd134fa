//! Room for requests: how many are in work at a time, and how many of these may write before
//! they would only wait for each other.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use civitas_directory::Directory;
use http::Method;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    dialect::oracle,
    page::Page,
    refusal::Refusal,
    router::{Fixed, Route, Scim},
};

/// The requests in work.
pub(crate) struct Room {
    places: Semaphore,
    size: usize,
    writing: AtomicUsize,
}

impl Room {
    /// Room for so many requests at a time.
    pub(crate) fn new(size: usize) -> Self {
        Self {
            places: Semaphore::new(size),
            size,
            writing: AtomicUsize::new(0),
        }
    }

    /// A place for a request, before its body is read. What operators ask for is answered
    /// under any load, and needs none.
    pub(crate) fn enter(
        &self,
        directory: &Directory,
        route: &Route<'_>,
        method: &Method,
    ) -> Result<Option<Place<'_>>, Refusal> {
        let writes = match route {
            Route::Fixed(Fixed::Live | Fixed::Ready | Fixed::Metrics) => return Ok(None),
            // Bulk requests and files are admitted where they are carried out.
            Route::Scim(Scim::Bulk)
            | Route::Oracle(
                oracle::Place::Bulk
                | oracle::Place::Files
                | oracle::Place::Jobs(_)
                | oracle::Place::Schedule(_),
            )
            | Route::Job(_)
            | Route::JobRows(_)
            | Route::Imports
            | Route::Stream(_)
            | Route::Clients(_)
            | Route::Fixed(Fixed::Token | Fixed::Guide | Fixed::Keys | Fixed::Admin(_)) => false,
            Route::Scim(route) => route.writes(method),
            Route::Crest(place) => place.writes(method),
            Route::Oracle(place) => place.writes(method),
            Route::Sap(place) => place.writes(method),
            Route::Page(_) => Page::writes(method),
        };
        let in_work = self.places.try_acquire().map_err(|_| Refusal::Overloaded)?;
        if !writes {
            return Ok(Some(Place {
                _in_work: in_work,
                writing: None,
            }));
        }
        directory.admit_write(self.writing.load(Relaxed))?;
        self.writing.fetch_add(1, Relaxed);
        Ok(Some(Place {
            _in_work: in_work,
            writing: Some(&self.writing),
        }))
    }

    /// Requests in work.
    pub(crate) fn taken(&self) -> usize {
        self.size.saturating_sub(self.places.available_permits())
    }
}

/// A place of a request, as long as it is in work.
pub(crate) struct Place<'r> {
    _in_work: SemaphorePermit<'r>,
    writing: Option<&'r AtomicUsize>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(writing) = self.writing {
            writing.fetch_sub(1, Relaxed);
        }
    }
}
