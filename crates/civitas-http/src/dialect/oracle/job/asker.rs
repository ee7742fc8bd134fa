//! Who asked for a job, and where, as its input keeps it: what it does later is done as a request
//! of theirs.

use std::time::Duration;

use civitas_directory::{Caller, Role, Roles, Tenant};
use http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};

use super::super::{call::Call, parameters::Parameters};
use crate::job::Work;

/// Who asked for a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in super::super) struct Asker {
    origin: String,
    base: String,
    client: String,
    user: Option<String>,
    roles: String,
}

/// What calls of a job borrow.
#[derive(Clone, Copy)]
pub(in super::super) struct At<'c> {
    pub(in super::super) work: &'c Work,
    pub(in super::super) tenant: &'c Tenant,
    pub(in super::super) headers: &'c HeaderMap,
}

impl Asker {
    pub(in super::super) fn of(call: &Call<'_>) -> Self {
        let roles: Vec<_> = call.caller.roles.iter().map(Role::name).collect();
        Self {
            origin: call.origin.clone(),
            base: call.scope.base.clone(),
            client: call.caller.client_id.clone(),
            user: call.caller.user.clone(),
            roles: roles.join(" "),
        }
    }

    /// A request of theirs, whose number of steps takes as long as it must.
    pub(in super::super) fn call<'c>(&self, at: At<'c>) -> Call<'c> {
        let At {
            work,
            tenant,
            headers,
        } = at;
        Call {
            directory: &work.directory,
            clock: work.clock,
            request_timeout: Duration::MAX,
            tenant,
            scope: work.scope(tenant, &self.base),
            caller: Caller {
                client_id: self.client.clone(),
                user: self.user.clone(),
                roles: Roles::parse(&self.roles).unwrap_or_default(),
                ..Caller::nobody()
            },
            origin: self.origin.clone(),
            method: &Method::POST,
            headers,
            parameters: Parameters::default(),
            body: bytes::Bytes::new(),
            new_id: None,
        }
    }
}
