//! New resources on their way to the store, alone or several that refer to each other.

use civitas_scim::{
    Attributes, Invalid,
    patch::{self, Member},
    resource,
    schema::ResourceType,
    tolerance::Tolerance,
};
use serde_json::Value;

use super::{Directory, relationship, write};
use crate::{
    change::{Change, Committed, Create, Members, Rejected, Unique},
    error::Error,
    membership,
    scope::Scope,
    store::Referent,
};

/// A body that is good in itself: nothing was looked up yet.
pub(super) struct Draft<'t> {
    resource_type: &'t ResourceType,
    id: String,
    attributes: Attributes,
    members: Vec<Member>,
    secrets: Attributes,
}

/// A new resource ready to be stored; only its password is not hashed yet.
pub(super) struct New {
    pub(super) create: Create,
    members: Option<Members>,
    secrets: Attributes,
}

impl<'t> Draft<'t> {
    /// Reads the body of a POST.
    pub(super) fn read(
        resource_type: &'t ResourceType,
        id: String,
        body: Value,
        tolerance: &Tolerance,
    ) -> Result<Self, Invalid> {
        relationship::refuse(resource_type)?;
        let mut accepted = resource::create(body, &id, resource_type, tolerance)?;
        let members = patch::members(accepted.attributes.shift_remove("members"))?;
        Ok(Self {
            resource_type,
            id,
            attributes: accepted.attributes,
            members,
            secrets: accepted.secrets,
        })
    }

    /// What it will be for those that refer to it.
    pub(super) fn referent(&self) -> Referent {
        Referent {
            id: self.id.clone(),
            resource_type: self.resource_type.name.clone(),
            display: write::display(&self.attributes),
        }
    }
}

impl New {
    /// What is committed of it, but for a password.
    pub(super) fn changes(self) -> Vec<Change> {
        let members = self.members.map(Change::Members);
        [Change::Create(self.create)]
            .into_iter()
            .chain(members)
            .collect()
    }

    /// Values that no other resource may hold.
    pub(super) fn unique(&self) -> &[Unique] {
        &self.create.unique
    }

    /// Whether it is a group that is to contain the resource.
    pub(super) fn contains(&self, id: &str) -> bool {
        let members = self.members.as_ref();
        members.is_some_and(|it| it.add.iter().any(|member| member.id == id))
    }
}

impl Directory {
    /// Looks up what the draft refers to. `companions` are created with it.
    pub(super) async fn complete(
        &self,
        scope: &Scope,
        mut draft: Draft<'_>,
        companions: &[Referent],
    ) -> Result<New, Error> {
        self.fill_manager(scope, &mut draft.attributes, companions)
            .await?;
        let members = (!draft.members.is_empty())
            .then(|| membership::whole(&draft.id, std::mem::take(&mut draft.members)));
        Ok(New {
            create: write::creation(draft.id, &draft.attributes, draft.resource_type)?,
            members,
            secrets: draft.secrets,
        })
    }

    /// Stores new resources and makes changes beside them, all or none.
    pub(super) async fn store_new(
        &self,
        scope: &Scope,
        news: Vec<New>,
        beside: Vec<Change>,
    ) -> Result<Result<Committed, Rejected>, Error> {
        let mut creates = Vec::with_capacity(news.len());
        let mut members = Vec::new();
        let mut proofs = Vec::new();
        for new in news {
            let password = self.password(scope, None, &new.secrets).await?;
            proofs.extend(password.map(|it| write::proof(&new.create.id, it)));
            creates.push(Change::Create(new.create));
            members.extend(new.members.map(Change::Members));
        }
        creates.extend(members);
        creates.extend(proofs);
        creates.extend(beside);
        Ok(self.commit(scope, creates).await)
    }
}
