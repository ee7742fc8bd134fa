//! Relationships as they are read: which objects an object is related to, and by what.

use std::collections::HashMap;

use civitas_directory::{
    Found,
    relationship::{Relationship, Side},
    store::{Page, Place, Want},
};
use civitas_scim::{
    condition::{Condition, Target},
    filter::Operator as Scim,
    schema::ResourceType,
    value::Key,
};
use serde_json::{Map, Value};

use super::super::{
    condition::{self, Selected},
    kind::Collection,
    object::{self, Object},
    query::{self, AT_FIRST, MAX_ROWS},
    relation::{Kept, Relation},
};
use super::filter;
use crate::dialect::crest::{
    call::Call,
    fault::{Failure, Fault},
    fields::Fields,
    filter::{Filter, Literal, Operator},
    parameters::{Query, Selector},
    pointer::Pointer,
};

/// Most objects whose relationships are looked up one by one, where there are too many to look
/// at all at first.
const MAX_LOOKED_UP: usize = 100;

/// Most different things that a filter may come to mean, with the properties of relationships.
const MAX_ALIKE: usize = 64;

/// The object that has a relationship, and the collection of what it leads to.
pub(in super::super) struct Related<'c> {
    pub(in super::super) own: &'c Collection<'c>,
    /// The identifier of its record.
    pub(in super::super) id: &'c str,
    pub(in super::super) relation: &'static Relation,
    pub(in super::super) target: &'c Collection<'c>,
}

/// A relationship of an object.
pub(in super::super) struct Row {
    pub(in super::super) id: String,
    pub(in super::super) revision: String,
    pub(in super::super) properties: Map<String, Value>,
    /// The identifier of the other object.
    pub(in super::super) other: String,
    /// The object, where it was read.
    pub(in super::super) found: Option<Found>,
}

/// A part of the relationships of an object.
pub(in super::super) struct Part {
    pub(in super::super) rows: Vec<Row>,
    pub(in super::super) total: u64,
    pub(in super::super) cookie: Option<String>,
}

/// What identifies the relationship of two records that has no record of its own.
pub(super) fn joined(one: &str, other: &str) -> String {
    format!("{one}.{other}")
}

impl Row {
    /// Of a relationship that is kept as a record.
    pub(super) fn of(target: &Collection<'_>, side: Side<'_>, edge: &Found) -> Option<Self> {
        let stored = Relationship::of(&edge.record.attributes())?;
        let other = match side {
            Side::Of(_) => stored.target.id,
            Side::To(_) => stored.source.id,
        };
        Some(Self {
            id: edge.record.id.clone(),
            revision: object::revision(&edge.record),
            properties: stored.properties.as_object().cloned().unwrap_or_default(),
            other: target.kind.object_id(&other).into_owned(),
            found: None,
        })
    }

    /// The reference, and of the object what is asked for.
    pub(in super::super) fn shown(self, target: &Collection<'_>, fields: &Fields) -> Object {
        let Self {
            id,
            revision,
            properties,
            other,
            found,
        } = self;
        let mut row = Object::new();
        row.insert("_id".into(), Value::from(id.as_str()));
        row.insert("_rev".into(), Value::from(revision.as_str()));
        let found = found.filter(|_| !fields.is_empty());
        if let Some(found) = &found {
            let shown = fields.select(object::whole(target, found)).into_iter();
            row.extend(shown.filter(|(name, _)| name != "_id" && name != "_rev"));
        }
        let collection = target.path();
        row.insert("_ref".into(), format!("{collection}/{other}").into());
        row.insert(
            "_refResourceCollection".into(),
            collection.into_owned().into(),
        );
        row.insert("_refResourceId".into(), other.into());
        if let Some(found) = &found {
            let revision = object::revision(&found.record);
            row.insert("_refResourceRev".into(), revision.into());
        }
        let own = about(id, revision, properties);
        row.insert("_refProperties".into(), Value::Object(own));
        row
    }

    /// What is told of the relationship itself.
    fn properties(&self) -> Map<String, Value> {
        let (id, revision) = (self.id.clone(), self.revision.clone());
        about(id, revision, self.properties.clone())
    }

    /// The reference as a value of the property.
    pub(in super::super) fn value(self, target: &Collection<'_>, fields: &Fields) -> Object {
        let mut row = self.shown(target, fields);
        if fields.is_empty() {
            row.shift_remove("_id");
            row.shift_remove("_rev");
        }
        row
    }
}

fn about(id: String, revision: String, properties: Map<String, Value>) -> Map<String, Value> {
    let mut all = Map::new();
    all.insert("_id".into(), id.into());
    all.insert("_rev".into(), revision.into());
    all.extend(properties);
    all
}

impl Related<'_> {
    /// The side that the object is on, and the kind, where relationships are records.
    pub(super) fn side(&self) -> Option<(Side<'_>, &'static str)> {
        match self.relation.kept {
            Kept::Source(kind) => Some((Side::Of(self.id), kind)),
            Kept::Target { kind, .. } => Some((Side::To(self.id), kind)),
            Kept::Groups | Kept::Members | Kept::Manager | Kept::Reports => None,
        }
    }

    /// A row of an object that was found by the relationship.
    pub(super) fn row(&self, found: Found) -> Row {
        let attributes = found.record.attributes();
        let other = object::id(self.target, &found.record, &attributes).into_owned();
        let (one, two) = (self.id, found.record.id.as_str());
        let id = match self.relation.kept {
            Kept::Groups | Kept::Manager => joined(one, two),
            _ => joined(two, one),
        };
        Row {
            id,
            revision: "1".into(),
            properties: Map::new(),
            other,
            found: Some(found),
        }
    }

    /// The relationships that are records, all of them.
    pub(super) async fn edges(&self, call: &Call<'_>) -> Result<Vec<Found>, Failure> {
        let Some((side, kind)) = self.side() else {
            return Ok(Vec::new());
        };
        let edges = first_edges(call, side, kind, MAX_ROWS + 1).await?;
        if edges.len() > MAX_ROWS {
            return Err(query::too_many().into());
        }
        Ok(edges)
    }

    /// The relationships that a query selects, a page of them.
    pub(super) async fn queried(
        &self,
        call: &Call<'_>,
        asked: &Query,
        fields: &Fields,
    ) -> Result<Part, Failure> {
        let everything = Filter::Constant(true);
        let filter = match &asked.selector {
            Selector::Filter(filter) => filter,
            Selector::Id(id) if id == "query-all" || id == "query-all-ids" => &everything,
            Selector::Id(_) => {
                let text = "Invalid _queryId: only query-all and query-all-ids supported";
                return Err(Fault::invalid(text).into());
            }
            Selector::Expression => {
                return Err(Fault::invalid("_queryExpression not supported").into());
            }
        };
        if let Some((side, kind)) = self.side()
            && *filter == everything
            && asked.sort.is_empty()
        {
            return self.paged(call, asked, fields, side, kind).await;
        }
        self.found(call, asked, filter).await
    }

    /// A page of all relationships that are records, in the order in which they were made.
    async fn paged(
        &self,
        call: &Call<'_>,
        asked: &Query,
        fields: &Fields,
        side: Side<'_>,
        kind: &'static str,
    ) -> Result<Part, Failure> {
        let count = match asked.page_size {
            Some(asked) => usize::try_from(asked).unwrap_or(MAX_ROWS).min(MAX_ROWS),
            None => MAX_ROWS + 1,
        };
        let walk = query::open(call, asked)?;
        let page = if asked.count_only || asked.offset > 0 {
            Page::Index {
                offset: asked.offset,
                count: if asked.count_only { 0 } else { count },
            }
        } else {
            let place: Option<Place> = walk.map(|it| it.place);
            Page::After { place, count }
        };
        let directory = call.directory();
        let counted = asked.total || asked.count_only;
        let found = directory
            .relationships(&call.scope, side, kind, page, counted)
            .await?;
        if asked.page_size.is_none() && found.items.len() > MAX_ROWS {
            return Err(query::too_many().into());
        }
        let next = found.next.filter(|_| asked.page_size.is_some());
        let cookie = next.map(|place| query::close(call, count, place));
        let rows = found.items.iter();
        let rows = rows.filter_map(|it| Row::of(self.target, side, it));
        let mut rows: Vec<Row> = rows.collect();
        if !fields.is_empty() {
            self.fill(call, &mut rows).await?;
        }
        Ok(Part {
            rows,
            total: found.total,
            cookie: cookie.transpose()?,
        })
    }

    /// Reads the objects of rows.
    async fn fill(&self, call: &Call<'_>, rows: &mut [Row]) -> Result<(), Failure> {
        let ids = rows.iter();
        let ids: Vec<String> = ids
            .map(|it| self.target.kind.record_id(&it.other))
            .collect();
        let found = by_ids(call, self.target, &ids).await?;
        let mut found: HashMap<String, Found> = found
            .into_iter()
            .map(|it| (it.record.id.clone(), it))
            .collect();
        for (row, id) in rows.iter_mut().zip(ids) {
            row.found = found.remove(&id);
        }
        Ok(())
    }

    /// The relationships to objects that are searched for.
    async fn found(
        &self,
        call: &Call<'_>,
        asked: &Query,
        filter: &Filter,
    ) -> Result<Part, Failure> {
        let mut edges: HashMap<String, Row> = HashMap::new();
        let condition = if self.side().is_none() && !filter::is_about_relationships(filter) {
            let own = self.condition(call).await?;
            match self.selected(filter, &Map::new()).condition() {
                Some(also) => Condition::And(vec![own, also]),
                None => own,
            }
        } else {
            edges = self.rows(call, filter).await?;
            self.any_of(&edges, filter)?
        };
        if asked.count_only {
            let page = Page::Index {
                offset: 0,
                count: 0,
            };
            let found = query::search(call, self.target, Some(condition), None, page, true).await?;
            return Ok(Part {
                rows: Vec::new(),
                total: found.total,
                cookie: None,
            });
        }
        let found = query::rows(call, self.target, asked, Some(condition)).await?;
        let rows = found
            .items
            .into_iter()
            .map(|it| match edges.remove(&it.record.id) {
                Some(row) => Row {
                    found: Some(it),
                    ..row
                },
                None => self.row(it),
            });
        Ok(Part {
            rows: rows.collect(),
            total: found.total,
            cookie: found.cookie,
        })
    }

    /// What a filter selects of the objects that relationships of these properties lead to.
    fn selected(&self, filter: &Filter, properties: &Map<String, Value>) -> Selected {
        let path = format!("managed/{}", self.target.name);
        let of_object = filter::of_object(filter, &path, properties);
        condition::selected(&of_object, self.target)
    }

    /// The relationships among which a filter selects, by the records that they lead to.
    async fn rows(
        &self,
        call: &Call<'_>,
        filter: &Filter,
    ) -> Result<HashMap<String, Row>, Failure> {
        let Some((side, kind)) = self.side() else {
            let page = Page::Index {
                offset: 0,
                count: MAX_ROWS + 1,
            };
            let own = Some(self.condition(call).await?);
            let found = query::search(call, self.target, own, None, page, false).await?;
            if found.items.len() > MAX_ROWS {
                return Err(query::too_many().into());
            }
            let rows = found.items.into_iter();
            return Ok(rows
                .map(|it| (it.record.id.clone(), self.row(it)))
                .collect());
        };
        let mut edges = first_edges(call, side, kind, AT_FIRST).await?;
        if edges.len() >= AT_FIRST {
            edges = match self.edges_to_few(call, filter).await? {
                Some(edges) => edges,
                None => self.edges(call).await?,
            };
        }
        let rows = edges.iter();
        let rows = rows.filter_map(|it| Row::of(self.target, side, it));
        Ok(rows
            .map(|row| (self.target.kind.record_id(&row.other), row))
            .collect())
    }

    /// Of many relationships those that lead to the few objects that a filter selects; `None` if
    /// it selects more, or does not tell which without the relationships.
    async fn edges_to_few(
        &self,
        call: &Call<'_>,
        filter: &Filter,
    ) -> Result<Option<Vec<Found>>, Failure> {
        let selected = self.selected(filter, &Map::new());
        let Some((side, kind)) = self.side() else {
            return Ok(None);
        };
        if filter::is_about_relationships(filter) || selected == Selected::All {
            return Ok(None);
        }
        let page = Page::Index {
            offset: 0,
            count: MAX_LOOKED_UP + 1,
        };
        let condition = selected.condition();
        let found = query::search(call, self.target, condition, None, page, false).await?;
        if found.items.len() > MAX_LOOKED_UP {
            return Ok(None);
        }
        let mut edges = Vec::new();
        for Found { record, .. } in &found.items {
            let (source, target) = match side {
                Side::Of(id) => (id, record.id.as_str()),
                Side::To(id) => (record.id.as_str(), id),
            };
            let directory = call.directory();
            let edge = directory.relationship(&call.scope, kind, source, target);
            edges.extend(edge.await?);
        }
        Ok(Some(edges))
    }

    /// That a resource is one that one of the relationships leads to, and the filter selects.
    fn any_of(&self, rows: &HashMap<String, Row>, filter: &Filter) -> Result<Condition, Fault> {
        let mut alike: Vec<(Selected, Vec<&String>)> = Vec::new();
        let is_about = filter::is_about_relationships(filter);
        for (record, row) in rows {
            let mut properties = Map::new();
            if is_about {
                properties = row.properties();
            } else if let Some((_, records)) = alike.first_mut() {
                records.push(record);
                continue;
            }
            let selected = self.selected(filter, &properties);
            match alike.iter().position(|(it, _)| *it == selected) {
                Some(at) => alike[at].1.push(record),
                None if alike.len() == MAX_ALIKE => {
                    let text = "The filter asks for too many things of the relationships at once";
                    return Err(Fault::invalid(text));
                }
                None => alike.push((selected, vec![record])),
            }
        }
        let conditions = alike.into_iter().filter(|(it, _)| *it != Selected::None);
        let mut conditions: Vec<Condition> = conditions
            .map(|(selected, records)| {
                let one = one_of(self.target.resource_type, records.into_iter());
                match selected.condition() {
                    Some(also) => Condition::And(vec![one, also]),
                    None => one,
                }
            })
            .collect();
        Ok(match conditions.len() {
            0 => Condition::Never,
            1 => conditions.swap_remove(0),
            _ => Condition::Or(conditions),
        })
    }

    /// What holds of the objects that it leads to, where relationships are no records.
    async fn condition(&self, call: &Call<'_>) -> Result<Condition, Failure> {
        let of = self.target.resource_type;
        let is = |name: &str, sub: &str| {
            let key = Key::Text(self.id.to_owned());
            let target = target(of, name, sub);
            target.map_or(Condition::Never, |it| Condition::Compare(it, Scim::Eq, key))
        };
        Ok(match self.relation.kept {
            Kept::Members => is("groups", "value"),
            Kept::Reports => self.managed(),
            Kept::Groups => {
                let own = self.record(call).await?;
                let groups = own.groups.unwrap_or_default();
                one_of(of, groups.iter().map(|it| &it.id))
            }
            Kept::Manager => {
                let own = self.record(call).await?;
                let own = object::of(self.own, &own.record.attributes());
                let manager = own
                    .get("manager")
                    .and_then(|it| it["_refResourceId"].as_str());
                one_of(of, manager.map(str::to_owned).iter())
            }
            Kept::Source(_) | Kept::Target { .. } => Condition::Never,
        })
    }

    /// That the object is the manager.
    fn managed(&self) -> Condition {
        let pointer = Pointer::parse("manager/_refResourceId").unwrap_or_default();
        let literal = Literal::Text(self.id.to_owned());
        let filter = Filter::Compare(pointer, Operator::Eq, literal);
        let selected = condition::selected(&filter, self.target);
        selected.condition().unwrap_or(Condition::Never)
    }

    pub(super) async fn record(&self, call: &Call<'_>) -> Result<Found, Failure> {
        let want = Want {
            groups: self.relation.kept == Kept::Groups,
            members: None,
        };
        let own = call
            .directory()
            .get(&call.scope, self.own.resource_type, self.id, want);
        Ok(own.await?)
    }

    /// All relationships of the object, with the objects where fields of them are asked for.
    pub(in super::super) async fn all(
        &self,
        call: &Call<'_>,
        fields: &Fields,
    ) -> Result<Vec<Row>, Failure> {
        let everything = Query::of(Selector::Filter(Filter::Constant(true)));
        Ok(self.queried(call, &everything, fields).await?.rows)
    }
}

/// The relationships of a kind that a resource has, the first `most` of them.
pub(in super::super) async fn first_edges(
    call: &Call<'_>,
    side: Side<'_>,
    kind: &str,
    most: usize,
) -> Result<Vec<Found>, Failure> {
    let (mut edges, mut place, mut count) = (Vec::new(), None, most.min(AT_FIRST));
    loop {
        let page = Page::After { place, count };
        let directory = call.directory();
        let found = directory.relationships(&call.scope, side, kind, page, false);
        let found = found.await?;
        edges.extend(found.items);
        if found.next.is_none() || edges.len() >= most {
            return Ok(edges);
        }
        (place, count) = (found.next, most - edges.len());
    }
}

/// The objects that records of these identifiers keep.
pub(in super::super) async fn by_ids(
    call: &Call<'_>,
    collection: &Collection<'_>,
    ids: &[String],
) -> Result<Vec<Found>, Failure> {
    let mut all = Vec::with_capacity(ids.len());
    for some in ids.chunks(500) {
        let condition = one_of(collection.resource_type, some.iter());
        let page = Page::Index {
            offset: 0,
            count: some.len(),
        };
        let found = query::search(call, collection, Some(condition), None, page, false);
        all.extend(found.await?.items);
    }
    Ok(all)
}

/// That a resource has one of the identifiers.
fn one_of<'i>(resource_type: &ResourceType, ids: impl Iterator<Item = &'i String>) -> Condition {
    let Some(attribute) = resource_type.base_attribute("id") else {
        return Condition::Never;
    };
    let target = Target::new(None, attribute, None);
    let is = |id: &String| Condition::Compare(target.clone(), Scim::Eq, Key::Text(id.clone()));
    let mut all: Vec<Condition> = ids.map(is).collect();
    match all.len() {
        0 => Condition::Never,
        1 => all.swap_remove(0),
        _ => Condition::Or(all),
    }
}

fn target(resource_type: &ResourceType, name: &str, sub: &str) -> Option<Target> {
    let attribute = resource_type.base_attribute(name)?;
    Some(Target::new(
        None,
        attribute,
        Some(attribute.sub_attribute(sub)?),
    ))
}
