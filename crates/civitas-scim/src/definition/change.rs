//! What a changed definition demands of the resources that are there.

use super::claim::{Claim, Place};
use crate::schema::{Attribute, Index, Schema, Uniqueness};

/// A claim, and why it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// What must hold of all resources of the type.
    pub claim: Claim,
    /// What cannot be done otherwise, for the caller.
    pub reason: Reason,
}

/// Why a change asks something of stored resources.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// What would go has values.
    #[error("{0} cannot be removed: it has values")]
    Removed(String),
    /// What would be of another type or compared otherwise has values.
    #[error(
        "{0} cannot change its type, its plurality, its spelling or its case rule: it has values"
    )]
    Retyped(String),
    /// What would be required is missing somewhere.
    #[error("{0} cannot be required: a resource lacks it")]
    Required(String),
    /// What would be unique is not.
    #[error("{0} cannot be unique: two resources have the same value")]
    NotUnique(String),
    /// What would be unique cannot be checked.
    #[error(
        "{0} cannot be unique yet: it has values and no complete index; let it be indexed first"
    )]
    NotIndexed(String),
    /// What would not be indexed any more has values.
    #[error("{0} stays indexed: it has values")]
    Indexed(String),
    /// A resource type would go that has resources.
    #[error("the resource type {0} cannot be removed: it has resources")]
    InUse(String),
    /// A resource type would have another base schema.
    #[error("the resource type {0} cannot have another schema: it has resources")]
    Rebased(String),
}

/// What the change of a schema demands where it is the base (`extension` is `None`) or an
/// extension of a resource type. `old` has the state of the indexes of that type.
pub fn schema_changed(old: &Schema, new: &Schema, extension: Option<&str>) -> Vec<Demand> {
    let mut demands = Vec::new();
    let place = |attribute: &Attribute| Place {
        extension: extension.map(str::to_owned),
        attribute: Some(attribute.name.clone()),
        sub_attribute: None,
    };
    for was in &old.attributes {
        match new.attribute(&was.name) {
            Some(is) => attribute_changed(was, is, &place(was), &mut demands),
            None => removed(&place(was), &mut demands),
        }
    }
    for is in &new.attributes {
        if is.required && old.attribute(&is.name).is_none() {
            required(&place(is), &mut demands);
        }
    }
    demands
}

/// What becomes of an extension in a resource type: `None` where the type does not have it,
/// else whether it is required.
pub fn extension_changed(uri: &str, was: Option<bool>, is: Option<bool>) -> Option<Demand> {
    let place = Place {
        extension: Some(uri.into()),
        ..Place::default()
    };
    let (claim, reason) = match (was, is) {
        (Some(_), None) => (Claim::Unused(place), Reason::Removed(uri.into())),
        (None | Some(false), Some(true)) => (Claim::Held(place), Reason::Required(uri.into())),
        _ => return None,
    };
    Some(Demand { claim, reason })
}

fn attribute_changed(was: &Attribute, is: &Attribute, place: &Place, demands: &mut Vec<Demand>) {
    if is_other(was, is) {
        let claim = Claim::Unused(place.clone());
        let reason = Reason::Retyped(place.to_string());
        demands.push(Demand { claim, reason });
        return;
    }
    for sub in &was.sub_attributes {
        let within = place.within(sub);
        match is.sub_attribute(&sub.name) {
            Some(now) => attribute_changed(sub, now, &within, demands),
            None => removed(&within, demands),
        }
    }
    for sub in &is.sub_attributes {
        if sub.required && was.sub_attribute(&sub.name).is_none() {
            required(&place.within(sub), demands);
        }
    }
    if is.required && !was.required {
        required(place, demands);
    }
    if was.index != Index::None && is.index == Index::None {
        let claim = Claim::Unused(place.clone());
        let reason = Reason::Indexed(place.to_string());
        demands.push(Demand { claim, reason });
    }
    if is.uniqueness != Uniqueness::None && was.uniqueness == Uniqueness::None {
        demands.push(distinct(was, place));
    }
}

/// Whether stored values would mean something else.
fn is_other(was: &Attribute, is: &Attribute) -> bool {
    was.name != is.name
        || was.r#type != is.r#type
        || was.multi_valued != is.multi_valued
        || was.case_exact != is.case_exact
}

fn removed(place: &Place, demands: &mut Vec<Demand>) {
    demands.push(Demand {
        claim: Claim::Unused(place.clone()),
        reason: Reason::Removed(place.to_string()),
    });
}

fn required(place: &Place, demands: &mut Vec<Demand>) {
    demands.push(Demand {
        claim: Claim::Held(place.clone()),
        reason: Reason::Required(place.to_string()),
    });
}

fn distinct(was: &Attribute, place: &Place) -> Demand {
    let path = place.to_string();
    if was.index == Index::Complete {
        return Demand {
            claim: Claim::Distinct { path: path.clone() },
            reason: Reason::NotUnique(path),
        };
    }
    Demand {
        claim: Claim::Unused(place.clone()),
        reason: Reason::NotIndexed(path),
    }
}

impl Place {
    fn within(&self, sub: &Attribute) -> Self {
        Self {
            sub_attribute: Some(sub.name.clone()),
            ..self.clone()
        }
    }
}

impl std::fmt::Display for Place {
    /// The canonical path, as of [`crate::condition::Target::path`].
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.extension, &self.attribute) {
            (Some(uri), Some(attribute)) => write!(f, "{uri}:{attribute}")?,
            (Some(uri), None) => f.write_str(uri)?,
            (None, Some(attribute)) => f.write_str(attribute)?,
            (None, None) => {}
        }
        match &self.sub_attribute {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}
