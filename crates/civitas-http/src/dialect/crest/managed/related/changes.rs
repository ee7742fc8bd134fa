//! Relationships as they are written: what a request asks of them as changes to commit.

use std::collections::HashSet;

use civitas_directory::{
    Change, Outcome, Version,
    change::{Members, NewMember},
    relationship::{End, Relationship, Side},
};
use serde_json::{Map, Value};

use super::{
    super::{
        internal,
        kind::{Collection, Kind},
        object::Object,
        property::reference_to,
        query,
        relation::{self, Kept, Relation},
    },
    rows::Related,
};
use crate::dialect::crest::{
    call::Call,
    fault::{Failure, Fault},
};

/// Most organizations above one another.
const MAX_LEVELS: usize = 100;

/// What a request asks of a relationship.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum Wanted {
    /// One more; one that is there already stays.
    Add(Value),
    /// One less.
    Remove(Value),
    /// These and no others.
    Set(Vec<Value>),
}

/// A reference that was looked up.
pub(super) struct Reference {
    /// The identifier of the record.
    pub(super) record: String,
    pub(super) id: String,
    pub(super) version: Version,
    pub(super) properties: Map<String, Value>,
}

/// What a whole object asks of its relationships.
pub(in super::super) fn of_object(
    collection: &Collection<'_>,
    object: &Object,
) -> Vec<(&'static Relation, Wanted)> {
    let relations = relation::of(collection.kind).iter();
    let kept = relations.filter(|it| !matches!(it.kept, Kept::Manager | Kept::Reports));
    let wanted = kept.filter_map(|relation| {
        let all = match object.get(relation.property)? {
            Value::Array(all) => all.clone(),
            Value::Null => Vec::new(),
            one => vec![one.clone()],
        };
        Some((relation, Wanted::Set(all)))
    });
    wanted.collect()
}

/// The changes that make the relationships of an object as they are wanted. A `new` object has
/// none yet.
pub(in super::super) async fn planned(
    call: &Call<'_>,
    own: &Collection<'_>,
    id: &str,
    wanted: &[(&'static Relation, Wanted)],
    new: bool,
) -> Result<Vec<Change>, Failure> {
    if !wanted.is_empty() && call.is_self_service() {
        return Err(Fault::forbidden().into());
    }
    let mut changes = Vec::new();
    for (relation, wanted) in wanted {
        internal::check_grant(call, relation)?;
        let target = target(call, own, relation)?;
        let related = Related {
            own,
            id,
            relation,
            target: &target,
        };
        related.plan(call, wanted, new, &mut changes).await?;
    }
    Ok(changes)
}

/// The collection that a relationship leads to.
pub(super) fn target<'c>(
    call: &'c Call<'_>,
    own: &Collection<'c>,
    relation: &Relation,
) -> Result<Collection<'c>, Fault> {
    let target = own.sibling(relation.target, &call.scope.catalogue);
    target.ok_or_else(|| Fault::no_resource(call.path))
}

impl Related<'_> {
    async fn plan(
        &self,
        call: &Call<'_>,
        wanted: &Wanted,
        new: bool,
        changes: &mut Vec<Change>,
    ) -> Result<(), Failure> {
        match wanted {
            Wanted::Add(reference) => {
                let reference = self.reference(call, reference).await?;
                if new || !self.has(call, &reference).await? {
                    self.add(call, &reference, new, changes).await?;
                }
            }
            Wanted::Remove(reference) => {
                // What is not there cannot be referred to.
                if let Some(reference) = self.known(call, reference).await? {
                    self.remove(call, &reference, changes).await?;
                }
            }
            Wanted::Set(all) => {
                let mut references = Vec::with_capacity(all.len());
                let mut seen = HashSet::new();
                for one in all {
                    let reference = self.reference(call, one).await?;
                    if !seen.insert(reference.record.clone()) {
                        let text = "Duplicate relationship specified in relationship collection.";
                        return Err(Fault::precondition(text).into());
                    }
                    references.push(reference);
                }
                self.set(call, references, new, changes).await?;
            }
        }
        Ok(())
    }

    /// Looks a reference up; refuses what is none, and what leads nowhere.
    pub(super) async fn reference(
        &self,
        call: &Call<'_>,
        value: &Value,
    ) -> Result<Reference, Failure> {
        if let Some(found) = self.known(call, value).await? {
            return Ok(found);
        }
        let id = self.named(value).unwrap_or_default();
        let reference = format!("{}/{id}", self.target.path());
        let message = format!("The referenced relationship '{reference}', does not exist");
        Err(Fault::invalid(message).into())
    }

    async fn known(&self, call: &Call<'_>, value: &Value) -> Result<Option<Reference>, Failure> {
        let Some(id) = self.named(value) else {
            let message = format!("'{value}' is invalid as a relationship reference");
            return Err(Fault::invalid(message).into());
        };
        let properties = properties(value);
        let grants = properties.get("_temporalConstraints");
        if grants
            .and_then(Value::as_array)
            .is_some_and(|it| it.len() > 1)
        {
            let text = "Only 1 temporal constraint is supported per grant.";
            return Err(Fault::invalid(text).into());
        }
        let found = query::find(call, self.target, id).await?;
        Ok(found.map(|found| Reference {
            version: found.record.version,
            record: found.record.id,
            id: id.to_owned(),
            properties,
        }))
    }

    /// The identifier that a reference names, if it leads to objects of the type.
    fn named<'v>(&self, value: &'v Value) -> Option<&'v str> {
        reference_to(value, &self.target.path())
    }

    /// Whether the object is so related to another already.
    pub(super) async fn has(&self, call: &Call<'_>, other: &Reference) -> Result<bool, Failure> {
        let directory = call.directory();
        if let Some((side, kind)) = self.side() {
            let (source, target) = match side {
                Side::Of(id) => (id, other.record.as_str()),
                Side::To(id) => (other.record.as_str(), id),
            };
            let found = directory.relationship(&call.scope, kind, source, target);
            return Ok(found.await?.is_some());
        }
        if self.relation.kept == Kept::Reports {
            let found = query::by_record(call, self.target, &other.record).await?;
            return match found {
                Some(found) => self.leads_to(call, &found).await,
                None => Ok(false),
            };
        }
        let (user, group) = match self.relation.kept {
            Kept::Groups => (self.id, other.record.as_str()),
            _ => (other.record.as_str(), self.id),
        };
        Ok(self.direct_groups(call, user).await?.contains(group))
    }

    /// The groups that a user is a member of by itself.
    async fn direct_groups(&self, call: &Call<'_>, user: &str) -> Result<HashSet<String>, Failure> {
        let collection = match self.relation.kept {
            Kept::Groups => self.own,
            _ => self.target,
        };
        let found = query::by_record(call, collection, user).await?;
        let groups = found.and_then(|it| it.groups).unwrap_or_default();
        let direct = groups.into_iter().filter(|it| it.direct);
        Ok(direct.map(|it| it.id).collect())
    }

    /// The changes for one more.
    pub(super) async fn add(
        &self,
        call: &Call<'_>,
        other: &Reference,
        new: bool,
        changes: &mut Vec<Change>,
    ) -> Result<String, Failure> {
        match self.relation.kept {
            Kept::Members => changes.push(joins(self.id, &other.record, self.target)),
            Kept::Groups => changes.push(joins(&other.record, self.id, self.own)),
            Kept::Source(kind) | Kept::Target { kind, .. } => {
                let own = End {
                    resource_type: self.own.kind.resource_type().to_owned(),
                    id: self.id.to_owned(),
                    expect: None,
                };
                let mut end = End {
                    resource_type: self.target.kind.resource_type().to_owned(),
                    id: other.record.clone(),
                    expect: None,
                };
                if !self.relation.many && !new {
                    self.end_all(call, self, changes).await?;
                }
                if let Kept::Target { single: true, .. } = self.relation.kept {
                    end.expect = Some(other.version);
                    self.end_others(call, other, changes).await?;
                }
                let (source, target) = match self.relation.kept {
                    Kept::Source(_) => (own, end),
                    _ => (end, own),
                };
                if self.own.kind == Kind::Organization && self.target.kind == self.own.kind {
                    self.check_tree(call, &source.id, &target.id).await?;
                }
                let relationship = Relationship {
                    kind: kind.to_owned(),
                    source,
                    target,
                    properties: Value::Object(other.properties.clone()),
                };
                let id = call.scope.ids.issue(call.scope.now);
                changes.extend(relationship.made(&call.scope, id.clone())?);
                return Ok(id);
            }
            Kept::Manager | Kept::Reports => return Err(at_the_other_end(self.relation).into()),
        }
        Ok(String::new())
    }

    /// Ends what a property that holds one reference held.
    async fn end_all(
        &self,
        call: &Call<'_>,
        of: &Related<'_>,
        changes: &mut Vec<Change>,
    ) -> Result<(), Failure> {
        for edge in of.edges(call).await? {
            changes.extend(Relationship::ended(&call.scope, &edge)?);
        }
        Ok(())
    }

    /// Ends what the other object, which can have but one, had.
    async fn end_others(
        &self,
        call: &Call<'_>,
        other: &Reference,
        changes: &mut Vec<Change>,
    ) -> Result<(), Failure> {
        let reverse = relation::named(self.target.kind, "parent");
        if let Some(relation) = reverse {
            let theirs = Related {
                own: self.target,
                id: &other.record,
                relation,
                target: self.own,
            };
            self.end_all(call, &theirs, changes).await?;
        }
        Ok(())
    }

    /// Refuses to put an organization under itself.
    async fn check_tree(&self, call: &Call<'_>, child: &str, parent: &str) -> Result<(), Failure> {
        let mut above = parent.to_owned();
        for _ in 0..MAX_LEVELS {
            if above == child {
                let text = "An organization cannot stand above itself";
                return Err(Fault::invalid(text).into());
            }
            match parents(call, &above).await?.pop() {
                Some(next) => above = next,
                None => return Ok(()),
            }
        }
        let text = format!("Organizations stand {MAX_LEVELS} levels deep at most");
        Err(Fault::invalid(text).into())
    }

    /// The changes for one less; none where there is none.
    async fn remove(
        &self,
        call: &Call<'_>,
        other: &Reference,
        changes: &mut Vec<Change>,
    ) -> Result<(), Failure> {
        match self.relation.kept {
            Kept::Members => changes.push(leaves(self.id, &other.record)),
            Kept::Groups => changes.push(leaves(&other.record, self.id)),
            Kept::Source(kind) | Kept::Target { kind, .. } => {
                let (source, target) = match self.relation.kept {
                    Kept::Source(_) => (self.id, other.record.as_str()),
                    _ => (other.record.as_str(), self.id),
                };
                let directory = call.directory();
                let edge = directory.relationship(&call.scope, kind, source, target);
                if let Some(edge) = edge.await? {
                    changes.extend(Relationship::ended(&call.scope, &edge)?);
                }
            }
            Kept::Manager | Kept::Reports => return Err(at_the_other_end(self.relation).into()),
        }
        Ok(())
    }

    async fn set(
        &self,
        call: &Call<'_>,
        references: Vec<Reference>,
        new: bool,
        changes: &mut Vec<Change>,
    ) -> Result<(), Failure> {
        let wanted: HashSet<&str> = references.iter().map(|it| it.record.as_str()).collect();
        let mut kept = HashSet::new();
        match self.relation.kept {
            Kept::Members => {
                let add = references.iter().map(|it| member(&it.record, self.target));
                changes.push(Change::Members(Members {
                    clear: true,
                    add: add.collect(),
                    ..no_members(self.id)
                }));
                return Ok(());
            }
            Kept::Groups if new => {}
            Kept::Groups => {
                for group in self.direct_groups(call, self.id).await? {
                    if !wanted.contains(group.as_str()) {
                        changes.push(leaves(&group, self.id));
                    }
                    kept.insert(group);
                }
            }
            _ if new => {}
            _ => {
                for edge in self.edges(call).await? {
                    let stored = Relationship::of(&edge.record.attributes());
                    let ends = stored.map(|it| [it.source.id, it.target.id]);
                    let other = ends.into_iter().flatten().find(|it| it != self.id);
                    let Some(other) = other else { continue };
                    if wanted.contains(other.as_str()) {
                        kept.insert(other);
                    } else {
                        changes.extend(Relationship::ended(&call.scope, &edge)?);
                    }
                }
            }
        }
        if !self.relation.many && references.len() > 1 {
            let text = format!("{} refers to one object", self.relation.property);
            return Err(Fault::invalid(text).into());
        }
        for reference in references.iter().filter(|it| !kept.contains(&it.record)) {
            // What there was is ended above.
            self.add(call, reference, true, changes).await?;
        }
        Ok(())
    }
}

/// The organizations right above one: one, or none.
pub(in super::super) async fn parents(
    call: &Call<'_>,
    organization: &str,
) -> Result<Vec<String>, Failure> {
    let page = civitas_directory::store::Page::Index {
        offset: 0,
        count: 1,
    };
    let side = Side::Of(organization);
    let directory = call.directory();
    let found = directory.relationships(&call.scope, side, "organization.parent", page, false);
    let edges = found.await?.items;
    let above = edges.iter().filter_map(|edge| {
        let stored = Relationship::of(&edge.record.attributes())?;
        Some(stored.target.id)
    });
    Ok(above.collect())
}

/// What a request says of a relationship itself.
pub(super) fn properties(reference: &Value) -> Map<String, Value> {
    let sent = reference.get("_refProperties").and_then(Value::as_object);
    let mut properties = sent.cloned().unwrap_or_default();
    properties.shift_remove("_id");
    properties.shift_remove("_rev");
    properties
}

fn at_the_other_end(relation: &Relation) -> Fault {
    let text = format!(
        "The relationship {} is written at its other end",
        relation.property
    );
    Fault::new(Outcome::NotBuilt, text)
}

fn no_members(group: &str) -> Members {
    Members {
        group: group.to_owned(),
        expect: None,
        clear: false,
        remove: Vec::new(),
        add: Vec::new(),
    }
}

fn member(id: &str, of: &Collection<'_>) -> NewMember {
    NewMember {
        id: id.to_owned(),
        claimed_type: Some(of.kind.resource_type().to_owned()),
        display: None,
    }
}

fn joins(group: &str, id: &str, of: &Collection<'_>) -> Change {
    Change::Members(Members {
        add: vec![member(id, of)],
        ..no_members(group)
    })
}

fn leaves(group: &str, id: &str) -> Change {
    Change::Members(Members {
        remove: vec![id.to_owned()],
        ..no_members(group)
    })
}
