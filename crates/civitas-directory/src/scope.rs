//! Who asks, for which tenant, when: what every use case is told.

use std::sync::Arc;

use civitas_scim::condition::References;

use crate::{
    admission::Patience, catalogue::Catalogue, credential::Policy, id::Ids, precondition::Expect,
    record::Timestamp, tenant::Partition,
};

/// The circumstances of one request. Rules never read a clock or a random source: both come
/// in here.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The tenant's partition.
    pub partition: Partition,
    /// What the tenant serves, as the request found it.
    pub catalogue: Arc<Catalogue>,
    /// Whether a change must name the state it is about
    /// ([`Settings::require_preconditions`](crate::Settings::require_preconditions)).
    pub require_preconditions: bool,
    /// The rules for passwords, where there are any besides their length
    /// ([`Settings::password_policy`](crate::Settings::password_policy)).
    pub password_policy: Option<Policy>,
    /// Who acts, for the event log: `client:admin`.
    pub actor: String,
    /// Correlates log lines, events and answers.
    pub request_id: String,
    /// The instant of the request, by the tenant's clock.
    pub now: Timestamp,
    /// Where identifiers of new resources come from.
    pub ids: Ids,
    /// What URIs of the tenant's resources begin with, as the caller sees them.
    pub base: String,
    /// Whether it waits for its turn where many do.
    pub patience: Patience,
}

impl Scope {
    /// What references to the tenant's resources begin with.
    pub(crate) fn references(&self) -> References<'_> {
        References {
            base: &self.base,
            types: self.catalogue.resource_types(),
        }
    }

    /// The precondition of a change, where one is required.
    pub fn required(&self, expect: Expect) -> Expect {
        match expect {
            Expect::Any if self.require_preconditions => Expect::Unstated,
            expect => expect,
        }
    }
}
