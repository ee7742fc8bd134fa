//! Names that no two users share: what one is called by may be nothing that another is called by.
//!
//! Of two users that get the same login name or the same single address at the same time, the store
//! refuses one. What goes across attributes is looked up before.

use civitas_directory::{
    Error,
    store::{Page, Selection, Want},
};
use civitas_scim::{
    filter::{self, Filter},
    schema::{ResourceType, Uniqueness},
    tolerance::Tolerance,
};
use serde_json::Value;

use super::object::{Object, primary};
use crate::dialect::sap::{
    call::Call,
    fault::{Failure, Fault},
    number,
};

/// The attributes that users are called by.
const IDENTIFIERS: [&str; 3] = ["userName", "emails.value", "displayName"];

/// What a user is newly called by, of what is to be unique: the login name and the primary address.
fn names(object: &Object, before: Option<&Object>) -> Vec<String> {
    let of = |object: &Object| {
        let login = object.get("userName").and_then(Value::as_str);
        let address = primary(object.get("emails")).and_then(|it| it.get("value"));
        [login, address.and_then(Value::as_str)].map(|it| it.map(str::to_lowercase))
    };
    let was = before.map_or([None, None], of);
    let is = of(object).into_iter().zip(was);
    let new = is.filter(|(is, was)| is != was).filter_map(|(is, _)| is);
    new.filter(|it| !it.is_empty()).collect()
}

/// Refuses a user that is to be called what another one, of another identifier, is called.
pub(super) async fn check(
    call: &Call<'_>,
    kept: &ResourceType,
    id: &str,
    object: &Object,
    before: Option<&Object>,
) -> Result<(), Failure> {
    for name in names(object, before) {
        let of_id = number::user(call.directory(), &call.scope, &name, Want::default());
        let is_other = |it: &str| it != id;
        if of_id.await?.is_some_and(|it| is_other(&it.record.id)) {
            return Err(Fault::taken().into());
        }
        let literal = Value::from(name).to_string();
        let tests = IDENTIFIERS.map(|it| format!("{it} eq {literal}"));
        let filter = Filter::parse(&tests.join(" or "), &filter::Limits::default());
        let condition = filter.and_then(|it| it.resolve(kept, &[], &Tolerance::strict()));
        let selection = Selection {
            resource_type: kept.name.clone(),
            condition: Some(condition.map_err(Error::Invalid)?),
            sort: None,
        };
        let page = Page::Index {
            offset: 0,
            count: 2,
        };
        let found = call
            .directory()
            .select(&call.scope, selection, page, Want::default());
        let found = found.await?;
        if found.items.iter().any(|it| is_other(&it.record.id)) {
            return Err(Fault::taken().into());
        }
    }
    Ok(())
}

/// The type by which a user is kept, with what the store is to hold the user against.
pub(super) fn guarded(mut kept: ResourceType, object: &Object) -> ResourceType {
    let emails = object.get("emails").and_then(Value::as_array);
    if emails.is_some_and(|it| it.len() == 1)
        && let Some(address) = kept.attribute_mut("emails.value")
    {
        address.uniqueness = Uniqueness::Server;
    }
    kept
}
