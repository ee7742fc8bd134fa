//! Objects as answers show them: what their records hold, what follows from their
//! relationships, and the relationships that are asked for.

use std::collections::{BTreeSet, HashMap};

use civitas_directory::{
    Found,
    relationship::{Relationship, Side, TYPE},
};
use serde_json::{Value, json};

use super::{
    kind::{Collection, Kind},
    object::{self, Object},
    raw,
    related::{
        changes::parents,
        rows::{Related, by_ids, first_edges},
    },
    relation,
};
use crate::dialect::crest::{call::Call, fault::Failure};

/// Most relationships that a property is worked out from.
const MOST: usize = 1_000;

/// Most organizations above one that are looked at.
const MAX_LEVELS: usize = 100;

/// The objects that records keep, as the request wants to see them: texts of JSON.
pub(super) async fn objects(
    call: &Call<'_>,
    collection: &Collection<'_>,
    found: &[Found],
) -> Result<Vec<String>, Failure> {
    let fields = &call.request.parameters.fields;
    let mut objects = Vec::with_capacity(found.len());
    let groups = groups(call, collection, found).await?;
    for found in found {
        let mut derived = Object::new();
        if let Some(own) = &found.groups
            && collection.kind == Kind::User
        {
            let own = own.iter().filter_map(|it| groups.get(&it.id).cloned());
            derived.insert("effectiveGroups".into(), own.collect());
        }
        if call.scope.catalogue.resource_type(TYPE).is_some() {
            derive(call, collection, found, &mut derived).await?;
        }
        if fields.is_default() {
            objects.push(raw::whole(collection, found, &derived));
            continue;
        }
        let mut object = object::whole(collection, found);
        object.extend(derived);
        let mut object = fields.select(object);
        attach(call, collection, found, &mut object).await?;
        objects.push(Value::Object(object).to_string());
    }
    Ok(objects)
}

/// The object that a record keeps.
pub(super) async fn one(
    call: &Call<'_>,
    collection: &Collection<'_>,
    found: &Found,
) -> Result<String, Failure> {
    let one = objects(call, collection, std::slice::from_ref(found)).await?;
    Ok(one.into_iter().next().unwrap_or_default())
}

/// References to the groups of users, by the identifiers of their records.
async fn groups(
    call: &Call<'_>,
    collection: &Collection<'_>,
    found: &[Found],
) -> Result<HashMap<String, Value>, Failure> {
    let shows = call.request.parameters.fields.shows("effectiveGroups");
    let ids: BTreeSet<&String> = found
        .iter()
        .filter(|_| shows && collection.kind == Kind::User)
        .flat_map(|it| it.groups.iter().flatten())
        .map(|it| &it.id)
        .collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let Some(groups) = collection.sibling(Kind::Group, &call.scope.catalogue) else {
        return Ok(HashMap::new());
    };
    let ids: Vec<String> = ids.into_iter().cloned().collect();
    let found = by_ids(call, &groups, &ids).await?.into_iter();
    let referred = found.map(|it| {
        let attributes = it.record.attributes();
        let reference = reference(&groups, &object::id(&groups, &it.record, &attributes));
        (it.record.id, reference)
    });
    Ok(referred.collect())
}

fn reference(collection: &Collection<'_>, id: &str) -> Value {
    let collection = collection.path();
    json!({
        "_ref": format!("{collection}/{id}"),
        "_refResourceCollection": collection,
        "_refResourceId": id,
    })
}

/// The properties that follow from relationships.
async fn derive(
    call: &Call<'_>,
    collection: &Collection<'_>,
    found: &Found,
    object: &mut Object,
) -> Result<(), Failure> {
    let fields = &call.request.parameters.fields;
    let id = found.record.id.as_str();
    match collection.kind {
        Kind::User => {
            if fields.shows("effectiveRoles") || fields.shows("effectiveAssignments") {
                granted(call, collection, id, object).await?;
            }
            if fields.shows("memberOfOrgIDs") {
                let mut all = Vec::new();
                for organization in others(call, Side::Of(id), "user.memberOfOrg").await? {
                    let above = above(call, &organization).await?;
                    all.push(organization);
                    all.extend(above);
                }
                let all = all.iter().map(|it| Kind::Organization.object_id(it));
                let all: BTreeSet<_> = all.collect();
                object.insert(
                    "memberOfOrgIDs".into(),
                    all.into_iter().map(Value::from).collect(),
                );
            }
        }
        Kind::Organization => {
            let above = above(call, id).await?;
            let ids = |all: &[String], of: Kind| -> Value {
                all.iter().map(|it| Value::from(of.object_id(it))).collect()
            };
            for (own, inherited, kind) in [
                ("adminIDs", "parentAdminIDs", "user.adminOfOrg"),
                ("ownerIDs", "parentOwnerIDs", "user.ownerOfOrg"),
            ] {
                if fields.shows(own) {
                    let users = others(call, Side::To(id), kind).await?;
                    object.insert(own.into(), ids(&users, Kind::User));
                }
                if fields.shows(inherited) {
                    let mut users = Vec::new();
                    for organization in &above {
                        users.extend(others(call, Side::To(organization), kind).await?);
                    }
                    object.insert(inherited.into(), ids(&users, Kind::User));
                }
            }
            object.insert("parentIDs".into(), ids(&above, Kind::Organization));
        }
        Kind::Group | Kind::Role | Kind::Assignment | Kind::Custom | Kind::InternalRole => {}
    }
    Ok(())
}

/// The roles of a user, and what it is assigned by itself and by them.
async fn granted(
    call: &Call<'_>,
    collection: &Collection<'_>,
    id: &str,
    object: &mut Object,
) -> Result<(), Failure> {
    let catalogue = &call.scope.catalogue;
    let of = |kind| collection.sibling(kind, catalogue);
    let (Some(roles), Some(assignments)) = (of(Kind::Role), of(Kind::Assignment)) else {
        return Ok(());
    };
    let granted = others(call, Side::Of(id), "user.roles").await?;
    let shown = granted.iter();
    let shown = shown.map(|it| reference(&roles, &Kind::Role.object_id(it)));
    object.insert("effectiveRoles".into(), shown.collect());
    let mut assigned: BTreeSet<String> = BTreeSet::new();
    assigned.extend(others(call, Side::Of(id), "user.assignments").await?);
    for role in &granted {
        assigned.extend(others(call, Side::Of(role), "role.assignments").await?);
    }
    let assigned: Vec<String> = assigned.into_iter().collect();
    let found = by_ids(call, &assignments, &assigned).await?;
    let shown = found.iter();
    let shown = shown.map(|it| Value::Object(object::whole(&assignments, it)));
    object.insert("effectiveAssignments".into(), shown.collect());
    Ok(())
}

/// The records at the other ends of relationships of a kind, the first [`MOST`].
pub(super) async fn others(
    call: &Call<'_>,
    side: Side<'_>,
    kind: &str,
) -> Result<Vec<String>, Failure> {
    let edges = first_edges(call, side, kind, MOST).await?;
    let others = edges.iter().filter_map(|edge| {
        let stored = Relationship::of(&edge.record.attributes())?;
        Some(match side {
            Side::Of(_) => stored.target.id,
            Side::To(_) => stored.source.id,
        })
    });
    Ok(others.collect())
}

/// The organizations above one, the nearest first.
async fn above(call: &Call<'_>, organization: &str) -> Result<Vec<String>, Failure> {
    let mut above = Vec::new();
    let mut next = parents(call, organization).await?.pop();
    while let Some(parent) = next.filter(|it| above.len() < MAX_LEVELS && !above.contains(it)) {
        next = parents(call, &parent).await?.pop();
        above.push(parent);
    }
    Ok(above)
}

/// Adds the relationships that are asked for.
async fn attach(
    call: &Call<'_>,
    collection: &Collection<'_>,
    found: &Found,
    object: &mut Object,
) -> Result<(), Failure> {
    let fields = &call.request.parameters.fields;
    if fields.is_empty() {
        return Ok(());
    }
    for relation in relation::of(collection.kind) {
        let Some(within) = fields.within(relation.property) else {
            continue;
        };
        let Some(target) = collection.sibling(relation.target, &call.scope.catalogue) else {
            continue;
        };
        let related = Related {
            own: collection,
            id: &found.record.id,
            relation,
            target: &target,
        };
        let rows = related.all(call, &within).await?.into_iter();
        let mut values = rows.map(|row| Value::Object(row.value(&target, &within)));
        let value = if relation.many {
            values.collect()
        } else {
            values.next().unwrap_or_default()
        };
        object.insert(relation.property.into(), value);
    }
    Ok(())
}
