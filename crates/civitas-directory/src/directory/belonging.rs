//! Resources that belong to another and end with it. They are resources of a type whose base
//! schema has an indexed attribute [`ATTRIBUTE`], which holds the `id` of the other.
//!
//! Whoever makes one touches the other in the same change set ([`made`]): the other is there then,
//! and whoever deletes it under the version that was read deletes this one, too.

use civitas_scim::{
    condition::{Condition, Target},
    filter::Operator,
    index,
    schema::{Index, ResourceType},
    value::{Comparison, Key},
};

use super::Directory;
use crate::{
    catalogue::Catalogue,
    change::{Change, Delete, Rejected, Touch},
    error::Error,
    record::Found,
    scope::Scope,
    store::{Page, Query, Selection, Want},
};

/// The attribute that holds the `id` of the resource that another belongs to.
pub const ATTRIBUTE: &str = "belongsTo";

/// Resources of a type that go in one commit, when what they belong to is deleted. So few are
/// looked up at once, without a turn among the searches.
const STEP: usize = 200;

/// What is committed beside the creation of a resource that belongs to another. It is refused if
/// the other is not there (as missing).
pub fn made(resource_type: &str, id: &str) -> Vec<Change> {
    vec![Change::Touch(Touch {
        resource_type: resource_type.to_owned(),
        id: id.to_owned(),
        expect: None,
    })]
}

/// The condition that selects what belongs to a resource.
pub fn belongs_to(id: &str) -> Condition {
    named(id, true)
}

fn named(id: &str, indexed: bool) -> Condition {
    let target = Target {
        path: ATTRIBUTE.to_owned(),
        extension: None,
        attribute: ATTRIBUTE.to_owned(),
        sub_attribute: None,
        multi_valued: false,
        comparison: Comparison::Exact,
        indexed,
    };
    Condition::Compare(target, Operator::Eq, Key::Text(id.to_owned()))
}

impl Directory {
    /// Deletes what belongs to a resource but for the last [`STEP`] of each type, and gives the
    /// changes that delete those.
    pub(super) async fn belongings(&self, scope: &Scope, id: &str) -> Result<Vec<Change>, Error> {
        let mut last = Vec::new();
        for (resource_type, index) in types(&scope.catalogue) {
            let selection = Selection {
                resource_type: resource_type.name.clone(),
                condition: Some(named(id, *index == Index::Complete)),
                sort: None,
            };
            loop {
                let (deleted, are_all) = self.first_belongings(scope, selection.clone()).await?;
                if are_all {
                    last.extend(deleted);
                    break;
                }
                match self.commit(scope, deleted).await {
                    Ok(_) | Err(Rejected::Missing { .. } | Rejected::Stale { .. }) => {}
                    Err(rejected) => return Err(rejected.into()),
                }
            }
        }
        Ok(last)
    }

    /// The changes that delete the first [`STEP`] of what is selected, and whether that is all.
    async fn first_belongings(
        &self,
        scope: &Scope,
        selection: Selection,
    ) -> Result<(Vec<Change>, bool), Error> {
        let query = Query {
            selections: vec![selection],
            page: Page::After {
                place: None,
                count: STEP,
            },
            want: Want::default(),
            max_examined: self.limits.max_examined,
            counted: false,
        };
        let found = self.store.search(scope.partition, query).await?;
        let deleted = found.items.iter().map(|it| deletion(scope, it));
        Ok((deleted.collect::<Result<_, _>>()?, found.next.is_none()))
    }
}

/// The types whose resources may belong to others, with the state of the index.
fn types(catalogue: &Catalogue) -> impl Iterator<Item = (&ResourceType, &Index)> {
    let types = catalogue.resource_types().iter();
    types.filter_map(|it| {
        let attribute = it.schema.attribute(ATTRIBUTE);
        let attribute = attribute.filter(|it| it.index != Index::None && it.case_exact);
        attribute.map(|attribute| (it, &attribute.index))
    })
}

fn deletion(scope: &Scope, found: &Found) -> Result<Change, Error> {
    let record = &found.record;
    let resource_type = scope.catalogue.resource_type(&record.resource_type);
    let resource_type = resource_type.ok_or(Error::Outdated)?;
    Ok(Change::Delete(Delete {
        resource_type: record.resource_type.clone(),
        id: record.id.clone(),
        expect: record.version,
        index: index::entries(&record.attributes(), resource_type),
    }))
}
