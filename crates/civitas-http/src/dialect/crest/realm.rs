//! The realms of a tenant. `alpha` is its own directory, the one that all dialects show; `bravo`
//! is a second partition, with types and objects of its own.

use std::sync::Arc;

use civitas_directory::Catalogue;

use super::{call::Call, fault::Failure, place::Place};

/// The realm that is the tenant's own directory.
pub(super) const ALPHA: &str = "alpha";

/// The other realm.
const BRAVO: &str = "bravo";

/// The realms, in the order in which they are listed.
pub(super) const ALL: [&str; 2] = [ALPHA, BRAVO];

/// The realm and the rest of the name of a collection.
pub(super) fn split(collection: &str) -> Option<(&str, &str)> {
    let (realm, rest) = collection.split_once('_')?;
    ALL.contains(&realm).then_some((realm, rest))
}

/// The realm in which what is at a place is kept.
fn of_place(place: &Place<'_>) -> &'static str {
    match place {
        Place::Collection(name)
        | Place::Object(name, _)
        | Place::Related(name, ..)
        | Place::Edge(name, ..)
        | Place::Policy(name, _)
        | Place::TypeSchema(name)
        | Place::PropertySchema(name, _) => of(name),
        _ => ALPHA,
    }
}

/// The realm of a collection.
fn of(collection: &str) -> &'static str {
    match split(collection) {
        Some((BRAVO, _)) => BRAVO,
        _ => ALPHA,
    }
}

impl Call<'_> {
    /// Goes to the realm of a place.
    pub(super) async fn enter(&mut self, place: &Place<'_>) -> Result<(), Failure> {
        self.enter_realm(of_place(place)).await
    }

    /// Goes to a realm: what is done from then on is done there.
    pub(super) async fn enter_realm(&mut self, realm: &str) -> Result<(), Failure> {
        let directory = &self.app.directory;
        let other;
        let there = if realm == ALPHA {
            self.tenant
        } else {
            let writes = !self.request.verb.reads();
            other = directory.realm(self.tenant, realm, writes).await?;
            &other
        };
        if there.partition != self.scope.partition {
            self.scope.ids = directory.ids(there);
            self.scope.partition = there.partition;
            self.scope.catalogue = Arc::clone(&there.catalogue);
        }
        Ok(())
    }

    /// What is defined in a realm.
    pub(super) async fn catalogue_of(&self, realm: &str) -> Result<Arc<Catalogue>, Failure> {
        let directory = &self.app.directory;
        let there = if realm == ALPHA {
            (self.tenant.partition, Arc::clone(&self.tenant.catalogue))
        } else {
            let there = directory.realm(self.tenant, realm, false).await?;
            (there.partition, there.catalogue)
        };
        let (partition, catalogue) = there;
        Ok(if partition == self.scope.partition {
            Arc::clone(&self.scope.catalogue)
        } else {
            catalogue
        })
    }
}
