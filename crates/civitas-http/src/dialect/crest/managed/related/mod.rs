//! `/openidm/managed/{type}/{id}/{relationship}`: what an object is related to, a page at a
//! time, and the relationships one by one.

pub(super) mod changes;
mod filter;
pub(super) mod rows;

use civitas_directory::{
    Change, Error, Found, Outcome, Version,
    change::Members,
    relationship::{Relationship, Side, TYPE},
    store::Want,
};
use http::header;
use serde_json::{Value, json};

use self::{
    changes::{Wanted, properties, target},
    rows::{Related, Row, by_ids},
};
use super::{
    kind::{Collection, Equipment},
    object, query,
    relation::{self, Kept, Relation},
    segment, write,
};
use crate::{
    dialect::crest::{
        call::{Call, tagged},
        fault::{Failure, Fault},
        fields::Fields,
        patch::{Action, Operation},
        pointer::Pointer,
        request::Verb,
    },
    reply::Reply,
};

/// What is below an object.
pub(super) struct Below<'r> {
    pub(super) id: &'r str,
    pub(super) relation: &'r str,
    pub(super) edge: Option<&'r str>,
}

/// Sees to it that relationships have a place in the schemas of the tenant.
pub(super) async fn equip(call: &mut Call<'_>) -> Result<(), Failure> {
    if let Some(lacking) = Equipment::of_relationships(&call.scope.catalogue) {
        let directory = &call.app.directory;
        let adopted = directory.adopt(&call.scope, &lacking.extensions, &lacking.types);
        call.scope.catalogue = adopted.await?;
    }
    Ok(())
}

/// Answers a request to the relationships of an object.
pub(super) async fn answer(
    call: &Call<'_>,
    own: &Collection<'_>,
    below: &Below<'_>,
) -> Result<Reply, Failure> {
    let Some(relation) = relation::named(own.kind, below.relation) else {
        return Err(Fault::no_resource(call.path).into());
    };
    let found = super::get(call, own, below.id).await?;
    let target = target(call, own, relation)?;
    let related = Related {
        own,
        id: &found.record.id,
        relation,
        target: &target,
    };
    match below.edge {
        Some(edge) => related.one(call, edge).await,
        None if relation.many => related.many(call, below).await,
        None => related.single(call, below).await,
    }
}

impl Related<'_> {
    /// Answers a request to a relationship to any number of objects.
    async fn many(&self, call: &Call<'_>, below: &Below<'_>) -> Result<Reply, Failure> {
        match &call.request.verb {
            Verb::Query => self.query(call).await,
            Verb::Create => self.create(call, below).await,
            Verb::Action(_) => Err(Fault::new(Outcome::NotBuilt, "Not Implemented").into()),
            verb => {
                let (path, participle) = (call.path, verb.participle());
                let text = format!("The resource collection {path} cannot be {participle}");
                Err(Fault::invalid(text).into())
            }
        }
    }

    async fn query(&self, call: &Call<'_>) -> Result<Reply, Failure> {
        let Some(asked) = &call.request.parameters.query else {
            return Err(Fault::invalid("A query needs a selector").into());
        };
        let fields = &call.request.parameters.fields;
        let found = self.queried(call, asked, fields).await?;
        if asked.count_only {
            return Ok(query::counted(call, found.total));
        }
        let rows = found.rows.into_iter();
        let shown = rows.map(|row| row.shown(self.target, fields)).collect();
        let cookie = found.cookie.as_deref();
        Ok(query::answer(call, asked, shown, found.total, cookie))
    }

    async fn create(&self, call: &Call<'_>, below: &Below<'_>) -> Result<Reply, Failure> {
        let reference = self.reference(call, &call.request.body).await?;
        let assigned = || {
            let (own, id) = (self.own.path(), below.id);
            let (target, other) = (self.target.path(), &reference.id);
            Fault::precondition(format!(
                "Managed object '{own}/{id}' has already been assigned relationship \
                 '{target}/{other}'."
            ))
        };
        let is_record = self.side().is_some();
        if !is_record && self.has(call, &reference).await? {
            return Err(assigned().into());
        }
        if self.relation.kept == Kept::Reports {
            self.set_manager(call, &reference.id, Some(below.id))
                .await?;
        } else {
            let mut changes = Vec::new();
            self.add(call, &reference, false, &mut changes).await?;
            match call.directory().relate(&call.scope, changes).await {
                Ok(()) => {}
                Err(Error::Taken { path }) if path == "pair" => return Err(assigned().into()),
                Err(error) => return Err(error.into()),
            }
        }
        let row = self.to(call, &reference.record).await?;
        let row = row.ok_or(Error::Conflict)?;
        let location = format!(
            "{}/openidm/{}/{}/{}/{}",
            call.origin,
            self.own.path(),
            segment(below.id),
            self.relation.property,
            segment(&row.id)
        );
        let reply = self.row_reply(call, Outcome::Created, row)?;
        Ok(match http::HeaderValue::try_from(location) {
            Ok(location) => reply.with(header::LOCATION, location),
            Err(_) => reply,
        })
    }

    fn row_reply(&self, call: &Call<'_>, outcome: Outcome, row: Row) -> Result<Reply, Failure> {
        let revision = row.revision.clone();
        let shown = row.shown(self.target, &call.request.parameters.fields);
        call.object(outcome, &revision, shown)
    }

    /// The relationship to the object that a record keeps.
    async fn to(&self, call: &Call<'_>, record: &str) -> Result<Option<Row>, Failure> {
        let found = by_ids(call, self.target, &[record.to_owned()]).await?.pop();
        let Some((side, kind)) = self.side() else {
            return Ok(found.map(|it| self.row(it)));
        };
        let (source, target) = match side {
            Side::Of(id) => (id, record),
            Side::To(id) => (record, id),
        };
        let directory = call.directory();
        let edge = directory.relationship(&call.scope, kind, source, target);
        let row = edge.await?.and_then(|it| Row::of(self.target, side, &it));
        Ok(row.map(|row| Row { found, ..row }))
    }

    /// Answers a request to one relationship.
    async fn one(&self, call: &Call<'_>, edge: &str) -> Result<Reply, Failure> {
        let missing = || Failure::from(Fault::new(Outcome::NotFound, "Not Found"));
        let found = self.edge(call, edge).await?;
        let (row, stored) = found.ok_or_else(missing)?;
        let stale = call.request.if_match.as_deref();
        let stale = stale.is_some_and(|it| it != "*" && it != row.revision);
        let is_write = !call.request.verb.reads();
        if is_write && stale {
            let text = "The relationship is not in the state that the request requires";
            return Err(Fault::precondition(text).into());
        }
        match (&call.request.verb, stored) {
            (Verb::Read, _) if call.request.if_none_match.as_ref() == Some(&row.revision) => {
                let reply = Reply::empty(super::status::of(Outcome::Unchanged));
                Ok(tagged(reply, &row.revision))
            }
            (Verb::Read, _) => self.row_reply(call, Outcome::Answered, row),
            (Verb::Delete, Some(stored)) => {
                let changes = Relationship::ended(&call.scope, &stored)?;
                call.directory().relate(&call.scope, changes).await?;
                self.row_reply(call, Outcome::Answered, row)
            }
            (Verb::Delete, None) => {
                self.part(call, &row).await?;
                self.row_reply(call, Outcome::Answered, row)
            }
            (Verb::Update | Verb::Upsert, Some(stored)) => {
                let reference = self.reference(call, &call.request.body).await?;
                if reference.id != row.other {
                    let text = "A relationship leads to the object that it was made for";
                    return Err(Fault::invalid(text).into());
                }
                let properties = Value::Object(properties(&call.request.body));
                let changes = Relationship::changed(&call.scope, &stored, &properties)?;
                call.directory().relate(&call.scope, changes).await?;
                let row = self.to(call, &reference.record).await?;
                self.row_reply(call, Outcome::Answered, row.ok_or_else(missing)?)
            }
            (Verb::CreateAs, _) => {
                let text = format!("The relationship {edge} is there already");
                Err(Fault::precondition(text).into())
            }
            _ => Err(Fault::new(Outcome::NotBuilt, "Not Implemented").into()),
        }
    }

    /// The relationship of that identifier, with its record where it has one.
    async fn edge(
        &self,
        call: &Call<'_>,
        edge: &str,
    ) -> Result<Option<(Row, Option<Found>)>, Failure> {
        let Some((side, kind)) = self.side() else {
            // Two records' identifiers, this object's among them.
            let other = edge
                .strip_prefix(self.id)
                .and_then(|it| it.strip_prefix('.'))
                .or_else(|| edge.strip_suffix(self.id)?.strip_suffix('.'));
            let Some(other) = other else { return Ok(None) };
            let Some(found) = query::by_record(call, self.target, other).await? else {
                return Ok(None);
            };
            let leads = self.leads_to(call, &found).await?;
            let row = self.row(found);
            return Ok((leads && row.id == edge).then_some((row, None)));
        };
        let Some(resource_type) = call.scope.catalogue.resource_type(TYPE) else {
            return Ok(None);
        };
        let directory = call.directory();
        let stored = directory.get(&call.scope, resource_type, edge, Want::default());
        let stored = match stored.await {
            Err(Error::NotFound { .. }) => return Ok(None),
            stored => stored?,
        };
        let Some(it) = Relationship::of(&stored.record.attributes()) else {
            return Ok(None);
        };
        let (is_own, other) = match side {
            Side::Of(id) => (it.source.id == id, it.target.id),
            Side::To(id) => (it.target.id == id, it.source.id),
        };
        if !is_own || it.kind != kind {
            return Ok(None);
        }
        let Some(row) = Row::of(self.target, side, &stored) else {
            return Ok(None);
        };
        let found = by_ids(call, self.target, &[other]).await?.pop();
        Ok(Some((Row { found, ..row }, Some(stored))))
    }

    /// Whether a relationship that has no record leads to the object.
    pub(super) async fn leads_to(&self, call: &Call<'_>, other: &Found) -> Result<bool, Failure> {
        let is_in = |user: &Found, group: &str| {
            let groups = user.groups.iter().flatten();
            groups.into_iter().any(|it| it.id == group)
        };
        let reports_to = |user: &Found, manager: &str| {
            let object = object::of(self.own, &user.record.attributes());
            let id = object.get("manager").map(|it| &it["_refResourceId"]);
            id.is_some_and(|it| it == manager)
        };
        let other_id = other.record.id.as_str();
        Ok(match self.relation.kept {
            Kept::Members => is_in(other, self.id),
            Kept::Groups => is_in(&self.record(call).await?, other_id),
            Kept::Reports => reports_to(other, self.id),
            Kept::Manager => reports_to(&self.record(call).await?, other_id),
            Kept::Source(_) | Kept::Target { .. } => false,
        })
    }

    /// Ends a relationship that has no record.
    async fn part(&self, call: &Call<'_>, row: &Row) -> Result<(), Failure> {
        let other = row.found.as_ref().map_or("", |it| it.record.id.as_str());
        let (group, member) = match self.relation.kept {
            Kept::Members => (self.id, other),
            Kept::Groups => (other, self.id),
            Kept::Reports => return self.set_manager(call, &row.other, None).await,
            _ => return self.set_manager(call, self.id, None).await,
        };
        let reference = changes::Reference {
            record: other.to_owned(),
            id: row.other.clone(),
            version: Version(0),
            properties: serde_json::Map::new(),
        };
        if !self.has(call, &reference).await? {
            let text = "The user is a member by way of another group";
            return Err(Fault::invalid(text).into());
        }
        let change = Change::Members(Members {
            group: group.to_owned(),
            expect: None,
            clear: false,
            remove: vec![member.to_owned()],
            add: Vec::new(),
        });
        Ok(call.directory().relate(&call.scope, vec![change]).await?)
    }

    /// Gives a user another manager, or none.
    async fn set_manager(
        &self,
        call: &Call<'_>,
        user: &str,
        manager: Option<&str>,
    ) -> Result<(), Failure> {
        let action = match manager {
            Some(id) => {
                let reference = format!("managed/{}/{id}", self.own.name);
                Action::Replace(json!({ "_ref": reference }))
            }
            None => Action::Remove(None),
        };
        let field = Pointer::parse("manager").unwrap_or_default();
        let operation = Operation { action, field };
        write::patched(call, self.target, user, &[operation])
            .await
            .map(drop)
    }

    /// Answers a request to a relationship to one object.
    async fn single(&self, call: &Call<'_>, below: &Below<'_>) -> Result<Reply, Failure> {
        let now = self.all(call, &Fields::id()).await?.pop();
        let missing = || Failure::from(Fault::new(Outcome::NotFound, "Not Found"));
        match &call.request.verb {
            Verb::Query => self.query(call).await,
            Verb::Read => self.row_reply(call, Outcome::Answered, now.ok_or_else(missing)?),
            Verb::Create | Verb::CreateAs | Verb::Update | Verb::Upsert => {
                let reference = self.reference(call, &call.request.body).await?;
                if self.relation.kept == Kept::Manager {
                    self.set_manager(call, below.id, Some(&reference.id))
                        .await?;
                } else {
                    let wanted = Wanted::Set(vec![call.request.body.clone()]);
                    self.relate(call, wanted).await?;
                }
                let row = self.to(call, &reference.record).await?;
                let outcome = match now {
                    Some(_) => Outcome::Answered,
                    None => Outcome::Created,
                };
                self.row_reply(call, outcome, row.ok_or_else(missing)?)
            }
            Verb::Delete => {
                let row = now.ok_or_else(missing)?;
                if self.relation.kept == Kept::Manager {
                    self.set_manager(call, below.id, None).await?;
                } else {
                    self.relate(call, Wanted::Set(Vec::new())).await?;
                }
                self.row_reply(call, Outcome::Answered, row)
            }
            _ => Err(Fault::new(Outcome::NotBuilt, "Not Implemented").into()),
        }
    }

    async fn relate(&self, call: &Call<'_>, wanted: Wanted) -> Result<(), Failure> {
        let wanted: [(&'static Relation, Wanted); 1] = [(self.relation, wanted)];
        let changes = changes::planned(call, self.own, self.id, &wanted, false).await?;
        Ok(call.directory().relate(&call.scope, changes).await?)
    }
}
