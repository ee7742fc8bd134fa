//! What a query filter means for managed objects: a condition on the resources that they are
//! kept as. Pure.

use civitas_scim::{
    condition::{Condition, Target},
    filter::Operator as Scim,
    schema::{Attribute, ResourceType},
    value::{Comparison, Key},
};
use serde_json::{Number, Value};

use super::{
    kind::{Collection, Kind},
    property::{Home, inactive},
};
use crate::dialect::crest::{
    filter::{Filter, Literal, Operator},
    pointer::Pointer,
};

/// The resources that a filter selects.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Selected {
    All,
    None,
    Those(Condition),
}

impl Selected {
    /// As a condition.
    pub(super) fn condition(self) -> Option<Condition> {
        match self {
            Self::All => None,
            Self::None => Some(Condition::Never),
            Self::Those(condition) => Some(condition),
        }
    }

    fn not(self) -> Self {
        match self {
            Self::All => Self::None,
            Self::None => Self::All,
            Self::Those(condition) => Self::Those(Condition::Not(Box::new(condition))),
        }
    }
}

/// What a filter selects of a collection.
pub(super) fn selected(filter: &Filter, collection: &Collection<'_>) -> Selected {
    match filter {
        Filter::And(parts) => {
            let mut conditions = Vec::new();
            for part in parts {
                match selected(part, collection) {
                    Selected::All => {}
                    Selected::None => return Selected::None,
                    Selected::Those(condition) => conditions.push(condition),
                }
            }
            joined(conditions, Condition::And).unwrap_or(Selected::All)
        }
        Filter::Or(parts) => any(parts.iter().map(|part| selected(part, collection))),
        Filter::Not(inner) => selected(inner, collection).not(),
        Filter::Constant(true) => Selected::All,
        Filter::Constant(false) => Selected::None,
        Filter::Present(pointer) => present(pointer, collection),
        Filter::Compare(pointer, operator, literal) => {
            compared(pointer, *operator, literal, collection)
        }
        Filter::In(pointer, values) => any(values.iter().map(|value| {
            let literal = Literal::Text(value.clone());
            compared(pointer, Operator::Eq, &literal, collection)
        })),
    }
}

fn any(parts: impl Iterator<Item = Selected>) -> Selected {
    let mut conditions = Vec::new();
    for part in parts {
        match part {
            Selected::All => return Selected::All,
            Selected::None => {}
            Selected::Those(condition) => conditions.push(condition),
        }
    }
    joined(conditions, Condition::Or).unwrap_or(Selected::None)
}

fn joined(
    mut conditions: Vec<Condition>,
    many: impl FnOnce(Vec<Condition>) -> Condition,
) -> Option<Selected> {
    match conditions.len() {
        0 => None,
        1 => conditions.pop().map(Selected::Those),
        _ => Some(Selected::Those(many(conditions))),
    }
}

/// What a pointer leads to.
enum Place {
    Target(Target),
    Status(Target),
    /// The identifier of the resource itself.
    Id(Target),
    /// That of a group: the one it was created with, else that of the resource.
    GroupId {
        own: Option<Target>,
        id: Target,
    },
    Revision(Target),
    Nowhere,
}

fn place(pointer: &Pointer, collection: &Collection<'_>) -> Place {
    let resource_type = collection.resource_type;
    let Some((name, within)) = pointer.split_first() else {
        return Place::Nowhere;
    };
    match name {
        "_id" if within.is_empty() => match (common(resource_type, "id", None), collection.kind) {
            (Some(id), Kind::Group) => Place::GroupId {
                own: super::group::id_target(resource_type),
                id,
            },
            (Some(id), _) => Place::Id(id),
            (None, _) => Place::Nowhere,
        },
        "_rev" if within.is_empty() => {
            let version = common(resource_type, "meta", Some("version"));
            version.map_or(Place::Nowhere, Place::Revision)
        }
        _ => {
            let Some(property) = collection.property(name) else {
                return Place::Nowhere;
            };
            match (property.target(within, resource_type), &property.home) {
                (Some(target), Home::Status) => Place::Status(target),
                (Some(target), _) => Place::Target(target),
                (None, _) => Place::Nowhere,
            }
        }
    }
}

fn common(resource_type: &ResourceType, name: &str, part: Option<&str>) -> Option<Target> {
    let attribute: &Attribute = resource_type.base_attribute(name)?;
    let sub = match part {
        Some(part) => Some(attribute.sub_attribute(part)?),
        None => None,
    };
    Some(Target::new(None, attribute, sub))
}

/// What to sort by; `None` where nothing has a value.
pub(super) fn sort_target(pointer: &Pointer, collection: &Collection<'_>) -> Option<Target> {
    match place(pointer, collection) {
        Place::Target(target) | Place::Status(target) | Place::Id(target) => Some(target),
        Place::GroupId { own, id } => own.or(Some(id)),
        Place::Revision(_) | Place::Nowhere => None,
    }
    .filter(|it| it.comparison != Comparison::Complex)
}

fn present(pointer: &Pointer, collection: &Collection<'_>) -> Selected {
    match place(pointer, collection) {
        Place::Target(target) => Selected::Those(Condition::Present(target)),
        Place::Status(_) | Place::Id(_) | Place::GroupId { .. } | Place::Revision(_) => {
            Selected::All
        }
        Place::Nowhere => Selected::None,
    }
}

fn compared(
    pointer: &Pointer,
    operator: Operator,
    literal: &Literal,
    collection: &Collection<'_>,
) -> Selected {
    match place(pointer, collection) {
        Place::Target(target) => comparison(target, operator, literal),
        Place::Id(target) if operator == Operator::Sw => beginning(&target, literal, collection),
        Place::Id(target) => {
            let id = match operator {
                Operator::Eq => Literal::Text(collection.record_id(&text(literal))),
                _ => lower(literal),
            };
            comparison(target, operator, &id)
        }
        Place::GroupId { own: None, id } => comparison(id, operator, &lower(literal)),
        Place::GroupId { own: Some(own), id } => {
            let named = comparison(own.clone(), operator, literal);
            let unnamed = comparison(id, operator, &lower(literal));
            let unnamed = match unnamed {
                Selected::Those(condition) => Selected::Those(Condition::And(vec![
                    Condition::Not(Box::new(Condition::Present(own))),
                    condition,
                ])),
                other => other,
            };
            any([named, unnamed].into_iter())
        }
        Place::Revision(target) => {
            let tag = text(literal);
            let tag = tag.parse().map(civitas_directory::Version);
            let quoted = |tag: civitas_directory::Version| Literal::Text(tag.to_string());
            match tag.map(quoted) {
                Ok(tag) if operator == Operator::Eq => comparison(target, operator, &tag),
                _ => Selected::None,
            }
        }
        Place::Status(target) => {
            let holds = |status: &str| operator.holds(status, &text(literal));
            match (holds("active"), holds("inactive")) {
                (true, true) => Selected::All,
                (true, false) => Selected::Those(inactive(target)).not(),
                (false, true) => Selected::Those(inactive(target)),
                (false, false) => Selected::None,
            }
        }
        Place::Nowhere => Selected::None,
    }
}

/// That an identifier begins with a text: one that a client has chosen stands in the record's
/// after the name of the type.
fn beginning(target: &Target, literal: &Literal, collection: &Collection<'_>) -> Selected {
    let sw = |text: String| comparison(target.clone(), Operator::Sw, &Literal::Text(text));
    let given = sw(text(literal).to_ascii_lowercase());
    let (Some(prefix), Selected::Those(given)) = (collection.chosen_prefix(), given.clone()) else {
        return given;
    };
    let chosen = sw(collection.record_id(&text(literal)));
    let is_chosen = sw(prefix).not();
    let given = match is_chosen {
        Selected::Those(not) => Selected::Those(Condition::And(vec![given, not])),
        _ => Selected::Those(given),
    };
    any([given, chosen].into_iter())
}

/// A comparison with a value that fits the attribute; with any other nothing compares.
fn comparison(target: Target, operator: Operator, literal: &Literal) -> Selected {
    let is_number = matches!(target.comparison, Comparison::Integer | Comparison::Decimal);
    let key = match literal {
        Literal::Text(text) if is_number => number(text).and_then(|it| Key::number(&it)),
        Literal::Text(text) if target.comparison == Comparison::Boolean => text
            .parse()
            .ok()
            .map(|it: bool| Key::Integer(i64::from(it))),
        Literal::Number(number) if is_number => Key::number(number),
        Literal::Boolean(value) if target.comparison == Comparison::Boolean => {
            target.comparison.key(&Value::Bool(*value))
        }
        other => target.comparison.text_key(&text(other)),
    };
    let Some(key) = key else {
        return Selected::None;
    };
    let is_text = target.comparison.is_text();
    let fits = match operator {
        Operator::Eq => target.comparison != Comparison::Complex,
        Operator::Co | Operator::Sw => is_text && target.comparison != Comparison::Binary,
        Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge => is_text || is_number,
    };
    if fits {
        Selected::Those(Condition::Compare(target, operator.of_scim(), key))
    } else {
        Selected::None
    }
}

fn number(text: &str) -> Option<Number> {
    let number: Number = serde_json::from_str(text.trim()).ok()?;
    Some(number)
}

fn text(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => text.clone(),
        Literal::Number(number) => number.to_string(),
        Literal::Boolean(value) => value.to_string(),
    }
}

/// Identifiers are kept in lower case.
fn lower(literal: &Literal) -> Literal {
    Literal::Text(text(literal).to_ascii_lowercase())
}

impl Operator {
    const fn of_scim(self) -> Scim {
        match self {
            Self::Eq => Scim::Eq,
            Self::Co => Scim::Co,
            Self::Sw => Scim::Sw,
            Self::Lt => Scim::Lt,
            Self::Le => Scim::Le,
            Self::Gt => Scim::Gt,
            Self::Ge => Scim::Ge,
        }
    }

    /// Whether it holds between a word in lower case and a text.
    fn holds(self, word: &str, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        match self {
            Self::Eq => word == text,
            Self::Co => word.contains(&text),
            Self::Sw => word.starts_with(&text),
            Self::Lt => word < text.as_str(),
            Self::Le => word <= text.as_str(),
            Self::Gt => word > text.as_str(),
            Self::Ge => word >= text.as_str(),
        }
    }
}
