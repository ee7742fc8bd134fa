//! Creating, replacing, patching and deleting.

use civitas_scim::{
    Attributes, Invalid,
    index::{self, IndexEntry},
    messages::PatchRequest,
    patch::{self, MemberChange, Step},
    resource,
    schema::{ResourceType, Uniqueness},
    tolerance::Tolerance,
};
use serde_json::Value;

use super::{Directory, creation::Draft, read::not_found, relationship};
use crate::{
    change::{
        Change, ChangeSet, Committed, Create, Delete, Difference, Members, Proof, Rejected,
        Replace, Touch, Unique,
    },
    credential::CredentialChange,
    error::Error,
    membership,
    precondition::Expect,
    record::{Found, MemberRef, Record, Timestamp, Version},
    scope::Scope,
    self_service,
    store::{Position, Referent, Want},
};

/// How often a change without a precondition is computed again when parallel changes
/// overtake it. Each round at least one of them succeeds.
const MAX_ATTEMPTS: usize = 100;

impl Directory {
    /// Creates a resource (RFC 7644 §3.3). The body is given as parsed, so that what is
    /// wrong with it is told in its turn.
    pub async fn create(
        &self,
        scope: &Scope,
        resource_type: &ResourceType,
        body: Result<Value, Invalid>,
        tolerance: &Tolerance,
        want: Want,
    ) -> Result<Found, Error> {
        let body = body?;
        let id = scope.ids.issue(scope.now);
        self.create_as(scope, resource_type, id, body, tolerance, want, Vec::new())
            .await
    }

    /// Creates a resource with an `id` that the client chose, and commits changes `beside` it
    /// after it. An `id` that is in use is told as taken.
    #[expect(clippy::too_many_arguments, reason = "what a creation is made of")]
    pub async fn create_as(
        &self,
        scope: &Scope,
        resource_type: &ResourceType,
        id: String,
        body: Value,
        tolerance: &Tolerance,
        want: Want,
        beside: Vec<Change>,
    ) -> Result<Found, Error> {
        let draft = Draft::read(resource_type, id.clone(), body.clone(), tolerance)?;
        let created = self.create_by(scope, draft, want, beside.clone()).await;
        if !matches!(created, Err(Error::Outdated)) {
            return created;
        }
        let scope = self.renewed(scope).await?;
        let draft = Draft::read(current(&scope, resource_type)?, id, body, tolerance)?;
        self.create_by(&scope, draft, want, beside).await
    }

    /// A new resource as changes, to be committed beside others. It has no password.
    pub async fn creation(
        &self,
        scope: &Scope,
        resource_type: &ResourceType,
        id: String,
        body: Value,
        tolerance: &Tolerance,
    ) -> Result<Vec<Change>, Error> {
        let draft = Draft::read(resource_type, id, body, tolerance)?;
        Ok(self.complete(scope, draft, &[]).await?.changes())
    }

    async fn create_by(
        &self,
        scope: &Scope,
        draft: Draft<'_>,
        want: Want,
        beside: Vec<Change>,
    ) -> Result<Found, Error> {
        let new = self.complete(scope, draft, &[]).await?;
        let record = created(&new.create, scope.now);
        let committed = self.store_new(scope, vec![new], beside).await?;
        let committed = committed.map_err(Error::from)?;
        self.answer(scope, committed, record, Some(Vec::new()), want)
            .await
    }

    /// Replaces a resource (RFC 7644 §3.5.1). A precondition that does not hold is told
    /// before anything that is wrong with the body.
    pub async fn replace(&self, scope: &Scope, edit: &Edit<'_>) -> Result<Found, Error> {
        let replaced = self.replace_by(scope, edit).await;
        if !matches!(replaced, Err(Error::Outdated)) {
            return replaced;
        }
        let scope = self.renewed(scope).await?;
        self.replace_by(&scope, &edit.current(&scope)?).await
    }

    async fn replace_by(&self, scope: &Scope, edit: &Edit<'_>) -> Result<Found, Error> {
        let Edit {
            resource_type,
            id,
            tolerance,
            ..
        } = *edit;
        for _ in 0..MAX_ATTEMPTS {
            let old = self.old(scope, edit).await?;
            let body = edit.body.as_ref().map_err(Clone::clone)?;
            let before = old.record.attributes();
            let mut accepted = resource::replace(body, &before, resource_type, tolerance)?;
            if edit.self_service {
                self_service::keep(&before, &mut accepted.attributes, resource_type);
            }
            let members = patch::members(accepted.attributes.shift_remove("members"))?;
            self.fill_manager(scope, &mut accepted.attributes, &[])
                .await?;
            let change = Changed {
                whole: true,
                before,
                after: accepted.attributes,
                password: self.password(scope, Some(id), &accepted.secrets).await?,
                members: has_members(resource_type).then(|| membership::whole(id, members)),
            };
            if let Some(found) = self.store_change(scope, edit, old, change).await? {
                return Ok(found);
            }
        }
        Err(Error::Conflict)
    }

    /// Replaces a state that was read by one that a dialect has computed from it; `None` when
    /// it was overtaken meanwhile and may be computed again. Members stay as they are. `whole`
    /// says whether the client gave the whole resource, for those who follow the changes.
    pub async fn supersede(
        &self,
        scope: &Scope,
        old: Found,
        edit: &Edit<'_>,
        whole: bool,
    ) -> Result<Option<Found>, Error> {
        let superseded = self.supersede_by(scope, old.clone(), edit, whole).await;
        if !matches!(superseded, Err(Error::Outdated)) {
            return superseded;
        }
        let scope = self.renewed(scope).await?;
        let edit = edit.current(&scope)?;
        self.supersede_by(&scope, old, &edit, whole).await
    }

    async fn supersede_by(
        &self,
        scope: &Scope,
        old: Found,
        edit: &Edit<'_>,
        whole: bool,
    ) -> Result<Option<Found>, Error> {
        let body = edit.body.as_ref().map_err(Clone::clone)?;
        let before = old.record.attributes();
        let mut accepted = resource::replace(body, &before, edit.resource_type, edit.tolerance)?;
        accepted.attributes.shift_remove("members");
        self.fill_manager(scope, &mut accepted.attributes, &[])
            .await?;
        let change = Changed {
            whole,
            before,
            after: accepted.attributes,
            password: self
                .password(scope, Some(edit.id), &accepted.secrets)
                .await?,
            members: None,
        };
        self.store_change(scope, edit, old, change).await
    }

    /// Modifies a resource (RFC 7644 §3.5.2), whole or not at all.
    pub async fn patch(&self, scope: &Scope, edit: &Edit<'_>) -> Result<Found, Error> {
        let patched = self.patch_by(scope, edit).await;
        if !matches!(patched, Err(Error::Outdated)) {
            return patched;
        }
        let scope = self.renewed(scope).await?;
        self.patch_by(&scope, &edit.current(&scope)?).await
    }

    async fn patch_by(&self, scope: &Scope, edit: &Edit<'_>) -> Result<Found, Error> {
        let Edit {
            resource_type,
            id,
            tolerance,
            ..
        } = *edit;
        for _ in 0..MAX_ATTEMPTS {
            let old = self.old(scope, edit).await?;
            let body = edit.body.as_ref().map_err(Clone::clone)?;
            let operations = PatchRequest::parse(body, tolerance)?;
            let steps = patch::steps(&operations, resource_type, id, tolerance)?.into_iter();
            let references = scope.references();
            let steps = steps.map(|it| it.dereferenced(resource_type, &references));
            let (on_members, steps) = split(steps.collect(), resource_type);
            let before = old.record.attributes();
            let mut patched = patch::apply(&before, &steps, resource_type, tolerance)?;
            if patched.changed {
                self.fill_manager(scope, &mut patched.attributes, &[])
                    .await?;
            }
            let changes = patch::member_changes(&on_members)?;
            let change = Changed {
                whole: false,
                before,
                after: patched.attributes,
                password: self.password(scope, Some(id), &patched.secrets).await?,
                members: self.folded(scope, resource_type, &old, changes).await?,
            };
            if let Some(found) = self.store_change(scope, edit, old, change).await? {
                return Ok(found);
            }
        }
        Err(Error::Conflict)
    }

    /// Deletes a resource (RFC 7644 §3.6) with everything that refers to it.
    pub async fn delete(
        &self,
        scope: &Scope,
        resource_type: &ResourceType,
        id: &str,
        expect: &Expect,
    ) -> Result<(), Error> {
        let deleted = self.delete_by(scope, resource_type, id, expect).await;
        if !matches!(deleted, Err(Error::Outdated)) {
            return deleted;
        }
        let scope = self.renewed(scope).await?;
        let resource_type = current(&scope, resource_type)?;
        self.delete_by(&scope, resource_type, id, expect).await
    }

    async fn delete_by(
        &self,
        scope: &Scope,
        resource_type: &ResourceType,
        id: &str,
        expect: &Expect,
    ) -> Result<(), Error> {
        for _ in 0..MAX_ATTEMPTS {
            let old = self.get(scope, resource_type, id, Want::default()).await?;
            expect.check(&old.record)?;
            let parting = self.parting(scope, id).await?;
            let belongings = self.belongings(scope, id).await?;
            let mut changes = vec![Change::Delete(Delete {
                resource_type: resource_type.name.clone(),
                id: id.to_owned(),
                expect: old.record.version,
                index: index::entries(&old.record.attributes(), resource_type),
            })];
            if resource_type.name == "User" {
                changes.extend(self.report_changes(scope, resource_type, id, None).await?);
            }
            changes.extend(parting);
            changes.extend(belongings);
            match self.commit(scope, changes).await {
                Ok(_) => return Ok(()),
                Err(Rejected::Missing { id: gone }) if gone == id => {
                    return Err(not_found(resource_type, id));
                }
                // A relationship, or what belongs to it, went or changed meanwhile.
                Err(Rejected::Missing { .. }) => {}
                Err(Rejected::Stale { id: stale }) if stale != id || expect.may_retry() => {}
                Err(rejected) => return Err(rejected.into()),
            }
        }
        Err(Error::Conflict)
    }

    /// The scope with the catalogue that is in force now: the change of a definition
    /// overtook the request, which is computed once more.
    pub(super) async fn renewed(&self, scope: &Scope) -> Result<Scope, Error> {
        Ok(Scope {
            catalogue: self.store.catalogue(scope.partition).await?,
            ..scope.clone()
        })
    }

    /// The resource as it is, once the precondition holds. Groups do not depend on what is
    /// about to change; members do.
    async fn old(&self, scope: &Scope, edit: &Edit<'_>) -> Result<Found, Error> {
        let want = Want {
            members: None,
            ..edit.want
        };
        relationship::refuse(edit.resource_type)?;
        let old = self.get(scope, edit.resource_type, edit.id, want).await?;
        edit.expect.check(&old.record)?;
        Ok(old)
    }

    /// Commits what differs and gives the new state; `None` when it was overtaken and may
    /// be computed again.
    async fn store_change(
        &self,
        scope: &Scope,
        edit: &Edit<'_>,
        old: Found,
        change: Changed,
    ) -> Result<Option<Found>, Error> {
        let Edit {
            resource_type,
            expect,
            want,
            ..
        } = *edit;
        if edit.self_service {
            self_service::check(&change.before, &change.after)?;
        }
        let Found {
            mut record, groups, ..
        } = old;
        let mut changes = self
            .changes(scope, resource_type, &mut record, change, expect)
            .await?;
        if !edit.beside.is_empty() {
            // The version that is told is that of the resource.
            changes.push(Change::Touch(Touch {
                resource_type: resource_type.name.clone(),
                id: record.id.clone(),
                expect: Some(record.version),
            }));
            changes.extend(edit.beside.iter().cloned());
        }
        if changes.is_empty() {
            let unchanged = Committed {
                position: record.position,
                version: record.version,
                modified: record.modified,
                changed: false,
                verdict: None,
            };
            return self
                .answer(scope, unchanged, record, groups, want)
                .await
                .map(Some);
        }
        match self.commit(scope, changes).await {
            Ok(committed) => self
                .answer(scope, committed, record, groups, want)
                .await
                .map(Some),
            Err(Rejected::Missing { id }) if id == record.id => {
                Err(not_found(resource_type, &record.id))
            }
            Err(Rejected::Stale { .. }) if expect.may_retry() => Ok(None),
            Err(rejected) => Err(rejected.into()),
        }
    }

    async fn changes(
        &self,
        scope: &Scope,
        resource_type: &ResourceType,
        record: &mut Record,
        change: Changed,
        expect: &Expect,
    ) -> Result<Vec<Change>, Error> {
        let mut changes = Vec::new();
        if change.before != change.after || change.password.is_some() {
            let entries = index::entries(&change.before, resource_type);
            let mut replace = replacement(record, &entries, &change.after, resource_type)?;
            let has_password = change.password.is_some();
            replace.difference = Difference {
                whole: change.whole,
                ..Difference::between(&change.before, &change.after, has_password)
            };
            let members = change.members.as_ref();
            if members.is_some_and(|members| !members.is_empty()) {
                replace.difference.attributes.push("members".into());
            }
            record.document.clone_from(&replace.document);
            let shown = replace.display.clone();
            changes.push(Change::Replace(replace));
            changes.extend(change.password.map(|change| proof(&record.id, change)));
            if resource_type.name == "User" && shown != display(&change.before) {
                let referent = Referent {
                    id: record.id.clone(),
                    resource_type: resource_type.name.clone(),
                    display: shown,
                };
                let reports =
                    self.report_changes(scope, resource_type, &record.id, Some(&referent));
                changes.extend(reports.await?);
            }
        }
        if let Some(members) = change.members.filter(|members| !members.is_empty()) {
            let expected = members
                .expect
                .or((!expect.may_retry()).then_some(record.version));
            // The replacement above has checked the version already.
            let expected = expected.filter(|_| changes.is_empty());
            changes.push(Change::Members(members.expecting(expected)));
        }
        Ok(changes)
    }

    async fn folded(
        &self,
        scope: &Scope,
        resource_type: &ResourceType,
        old: &Found,
        changes: Vec<MemberChange>,
    ) -> Result<Option<Members>, Error> {
        if changes.is_empty() {
            return Ok(None);
        }
        let id = &old.record.id;
        if !membership::needs_current(&changes) {
            return Ok(Some(membership::fold(id, changes, &[])));
        }
        let limit = self.limits.max_members_returned;
        let want = Want {
            groups: false,
            members: Some(limit),
        };
        let now = self.get(scope, resource_type, id, want).await?;
        let current = now.members.unwrap_or_default();
        refuse_over(limit, &current)?;
        let members = membership::fold(id, changes, &current);
        Ok(Some(members.expecting(Some(now.record.version))))
    }

    pub(super) async fn commit(
        &self,
        scope: &Scope,
        changes: Vec<Change>,
    ) -> Result<Committed, Rejected> {
        let has_mail = changes.iter().any(|it| matches!(it, Change::Mail(_)));
        let change_set = ChangeSet {
            at: scope.now,
            catalogue: scope.catalogue.version(),
            actor: scope.actor.clone(),
            request_id: scope.request_id.clone(),
            changes,
        };
        let committed = self.store.commit(scope.partition, change_set).await;
        if committed.as_ref().is_ok_and(|it| it.changed) {
            self.tell_change();
        }
        if has_mail && committed.is_ok() {
            self.mailed.notify_one();
        }
        committed
    }

    /// The new state as the caller wants to see it.
    async fn answer(
        &self,
        scope: &Scope,
        committed: Committed,
        record: Record,
        groups: Option<Vec<crate::record::GroupRef>>,
        want: Want,
    ) -> Result<Found, Error> {
        if want.members.is_some() && record.resource_type == "Group" {
            let read = self
                .store
                .read(scope.partition, &record.resource_type, &record.id, want);
            return read.await?.ok_or(Error::Conflict);
        }
        let record = Record {
            position: committed.position,
            version: committed.version,
            modified: committed.modified,
            ..record
        };
        Ok(Found {
            record,
            groups: groups.filter(|_| want.groups),
            members: None,
        })
    }
}

/// A change of one resource as a request states it.
#[derive(Debug, Clone)]
pub struct Edit<'r> {
    /// Type of the resource.
    pub resource_type: &'r ResourceType,
    /// The resource's `id`.
    pub id: &'r str,
    /// What is required of its state.
    pub expect: &'r Expect,
    /// Whether users change themselves, and so nothing that others decide.
    pub self_service: bool,
    /// The body as parsed: a whole resource to `replace`, operations to `patch`.
    pub body: Result<Value, Invalid>,
    /// How tolerant to be towards the body.
    pub tolerance: &'r Tolerance,
    /// What to show of the new state.
    pub want: Want,
    /// Changes of what is kept beside the resource, to be committed with it.
    pub beside: Vec<Change>,
}

impl<'r> Edit<'r> {
    /// The same by the catalogue of a scope.
    fn current(&self, scope: &'r Scope) -> Result<Self, Error> {
        Ok(Self {
            resource_type: current(scope, self.resource_type)?,
            ..self.clone()
        })
    }
}

/// The resource type as the catalogue of the scope has it.
pub(super) fn current<'s>(
    scope: &'s Scope,
    resource_type: &ResourceType,
) -> Result<&'s ResourceType, Error> {
    let current = scope.catalogue.resource_type(&resource_type.name);
    current.ok_or(Error::Outdated)
}

/// What a request makes of a resource.
struct Changed {
    /// Whether the request gave the whole resource.
    whole: bool,
    before: Attributes,
    after: Attributes,
    password: Option<CredentialChange>,
    members: Option<Members>,
}

fn has_members(resource_type: &ResourceType) -> bool {
    resource_type.name == "Group"
}

fn split(steps: Vec<Step>, resource_type: &ResourceType) -> (Vec<Step>, Vec<Step>) {
    steps.into_iter().partition(|step| {
        has_members(resource_type)
            && step.extension.is_none()
            && step.attribute_name() == Some("members")
    })
}

fn refuse_over(limit: usize, members: &[MemberRef]) -> Result<(), Invalid> {
    if members.len() <= limit {
        return Ok(());
    }
    Err(Invalid::new(
        civitas_scim::ScimType::TooMany,
        format!("members: the filter would examine more than {limit} members; name them by value"),
    ))
}

/// A new resource as a change, everything a store needs computed beforehand.
pub(crate) fn creation(
    id: String,
    attributes: &Attributes,
    resource_type: &ResourceType,
) -> Result<Create, Error> {
    let index = index::entries(attributes, resource_type);
    Ok(Create {
        resource_type: resource_type.name.clone(),
        id,
        document: to_document(attributes)?,
        display: display(attributes),
        unique: unique(&index, resource_type),
        index,
    })
}

/// A change of what a user proves itself by.
pub(super) fn proof(id: &str, change: CredentialChange) -> Change {
    let id = id.to_owned();
    Change::Credential(Proof { id, change })
}

/// A new state as a change: the index entries and unique values that differ.
pub(super) fn replacement(
    record: &Record,
    entries: &[IndexEntry],
    attributes: &Attributes,
    resource_type: &ResourceType,
) -> Result<Replace, Error> {
    let (index_removed, index_added) =
        index::difference(entries, &index::entries(attributes, resource_type));
    Ok(Replace {
        resource_type: resource_type.name.clone(),
        id: record.id.clone(),
        expect: record.version,
        document: to_document(attributes)?,
        display: display(attributes),
        unique: unique(&index_added, resource_type),
        index_removed,
        index_added,
        difference: Difference::default(),
    })
}

fn created(create: &Create, now: Timestamp) -> Record {
    Record {
        resource_type: create.resource_type.clone(),
        id: create.id.clone(),
        position: Position(0),
        version: Version(0),
        created: now,
        modified: now,
        document: create.document.clone(),
    }
}

fn unique(entries: &[IndexEntry], resource_type: &ResourceType) -> Vec<Unique> {
    let unique = entries
        .iter()
        .filter(|entry| resource_type.uniqueness(&entry.path) != Uniqueness::None);
    unique
        .map(|entry| Unique {
            path: entry.path.clone(),
            key: entry.key.clone(),
        })
        .collect()
}

/// What a resource is shown as where it is referred to (RFC 7643 §4.3).
pub(super) fn display(attributes: &Attributes) -> String {
    let name = attributes.get("displayName").and_then(Value::as_str);
    name.unwrap_or_default().to_owned()
}

fn to_document(attributes: &Attributes) -> Result<String, Error> {
    serde_json::to_string(attributes)
        .map_err(|error| Error::Unavailable(format!("a document cannot be written: {error}")))
}
