//! References between resources that are kept in documents: a user's `manager`
//! (RFC 7643 §4.3). The display name of the manager is the server's to fill, so it follows
//! when the manager is renamed, and the reference goes when the manager is deleted.

use civitas_scim::{
    Attributes,
    condition::{Condition, Target},
    filter::Operator,
    index, resource,
    schema::{ResourceType, urn::ENTERPRISE_USER},
    value::{Comparison, Key},
};
use serde_json::{Map, Value};

use super::{Directory, write};
use crate::{
    change::{Change, Difference},
    error::Error,
    record::Found,
    scope::Scope,
    store::{Page, Place, Query, Referent, Selection, Want},
};

/// Reports read at a time when a manager is renamed or deleted: as many as a store reads without
/// a turn among the searches.
const REPORTS_PAGE: usize = 200;

impl Directory {
    /// Checks that the manager exists, or is among the `companions` that are created with the
    /// resource, and fills what the server knows of it.
    pub(super) async fn fill_manager(
        &self,
        scope: &Scope,
        attributes: &mut Attributes,
        companions: &[Referent],
    ) -> Result<(), Error> {
        let Some(id) = manager_id(attributes) else {
            return Ok(());
        };
        let ids = [id];
        let referent = match companions.iter().find(|it| it.id == ids[0]) {
            Some(companion) => Some(companion.clone()),
            None => self
                .store
                .referents(scope.partition, &ids)
                .await?
                .pop()
                .flatten(),
        };
        let [id] = ids;
        let manager = referent
            .filter(|it| it.resource_type == "User")
            .ok_or_else(|| Error::NoReferent {
                attribute: format!("{ENTERPRISE_USER}:manager"),
                id,
            })?;
        set_manager(attributes, &manager);
        Ok(())
    }

    /// The changes of the reports of a manager that is renamed (`Some`) or deleted.
    pub(super) async fn report_changes(
        &self,
        scope: &Scope,
        user: &ResourceType,
        manager: &str,
        renamed: Option<&Referent>,
    ) -> Result<Vec<Change>, Error> {
        let mut changes = Vec::new();
        let mut place = None;
        loop {
            let page = self
                .store
                .search(scope.partition, reports(manager, place))
                .await?;
            for report in page
                .items
                .iter()
                .filter(|report| report.record.id != manager)
            {
                changes.push(with_manager(report, user, renamed)?);
            }
            place = page.next;
            if place.is_none() {
                return Ok(changes);
            }
        }
    }
}

fn with_manager(
    report: &Found,
    user: &ResourceType,
    renamed: Option<&Referent>,
) -> Result<Change, Error> {
    let old = report.record.attributes();
    let mut new = old.clone();
    match renamed {
        Some(manager) => set_manager(&mut new, manager),
        None => unset_manager(&mut new, user),
    }
    let entries = index::entries(&old, user);
    let mut replace = write::replacement(&report.record, &entries, &new, user)?;
    replace.difference = Difference::between(&old, &new, false);
    Ok(Change::Replace(replace))
}

fn reports(manager: &str, place: Option<Place>) -> Query {
    let target = Target {
        path: format!("{ENTERPRISE_USER}:manager.value"),
        extension: Some(ENTERPRISE_USER.into()),
        attribute: "manager".into(),
        sub_attribute: Some("value".into()),
        multi_valued: false,
        comparison: Comparison::Exact,
        indexed: true,
    };
    let condition = Condition::Compare(target, Operator::Eq, Key::Text(manager.into()));
    Query {
        selections: vec![Selection {
            resource_type: "User".into(),
            condition: Some(condition),
            sort: None,
        }],
        page: Page::After {
            place,
            count: REPORTS_PAGE,
        },
        want: Want::default(),
        max_examined: usize::MAX,
        counted: true,
    }
}

fn manager_id(attributes: &Attributes) -> Option<String> {
    let manager = attributes.get(ENTERPRISE_USER)?.get("manager")?;
    manager.get("value")?.as_str().map(str::to_owned)
}

fn set_manager(attributes: &mut Attributes, manager: &Referent) {
    let mut value = Map::new();
    value.insert("value".into(), Value::from(manager.id.as_str()));
    value.insert("$ref".into(), Value::from(format!("Users/{}", manager.id)));
    if !manager.display.is_empty() {
        value.insert("displayName".into(), Value::from(manager.display.as_str()));
    }
    if let Some(extension) = attributes
        .get_mut(ENTERPRISE_USER)
        .and_then(Value::as_object_mut)
    {
        extension.insert("manager".into(), Value::Object(value));
    }
}

fn unset_manager(attributes: &mut Attributes, user: &ResourceType) {
    if let Some(extension) = attributes
        .get_mut(ENTERPRISE_USER)
        .and_then(Value::as_object_mut)
    {
        extension.shift_remove("manager");
        if extension.is_empty() {
            attributes.shift_remove(ENTERPRISE_USER);
        }
    }
    resource::normalize_schemas(attributes, user);
}
