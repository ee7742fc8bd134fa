//! What a filter of relationships asks of the objects that they lead to, and what of the
//! relationships themselves. Pure.

use serde_json::{Map, Value, json};

use crate::dialect::crest::{
    filter::{Filter, Literal, Operator},
    pointer::Pointer,
};

/// The members of a row that are about the relationship, and what of the object they are.
const ID: &str = "_refResourceId";
const REVISION: &str = "_refResourceRev";
const REFERENCE: &str = "_ref";
const COLLECTION: &str = "_refResourceCollection";
const PROPERTIES: &str = "_refProperties";

/// Whether properties of relationships decide.
pub(super) fn is_about_relationships(filter: &Filter) -> bool {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().any(is_about_relationships),
        Filter::Not(inner) => is_about_relationships(inner),
        Filter::Constant(_) => false,
        Filter::Present(pointer) | Filter::Compare(pointer, ..) | Filter::In(pointer, _) => {
            pointer.names().first().is_some_and(|it| it == PROPERTIES)
        }
    }
}

/// The filter of one relationship, of these properties, as one of the object that it leads to,
/// which is in the collection of that path: `managed/alpha_role`.
pub(super) fn of_object(filter: &Filter, path: &str, properties: &Map<String, Value>) -> Filter {
    let all = |parts: &[Filter]| {
        let each = parts.iter().map(|it| of_object(it, path, properties));
        each.collect()
    };
    let property = |name: &str| Pointer::parse(name).unwrap_or_default();
    let (pointer, names) = match filter {
        Filter::And(parts) => return Filter::And(all(parts)),
        Filter::Or(parts) => return Filter::Or(all(parts)),
        Filter::Not(inner) => return Filter::Not(Box::new(of_object(inner, path, properties))),
        Filter::Constant(is) => return Filter::Constant(*is),
        Filter::Present(pointer) | Filter::Compare(pointer, ..) | Filter::In(pointer, _) => {
            (pointer, pointer.names())
        }
    };
    match names.first().map(String::as_str) {
        Some(ID) if names.len() == 1 => about(filter, property("_id")),
        Some(REVISION) if names.len() == 1 => about(filter, property("_rev")),
        Some(REFERENCE) if names.len() == 1 => reference(filter, path),
        Some(COLLECTION | PROPERTIES) => {
            let known = json!({ COLLECTION: path, PROPERTIES: properties });
            let holds = known.as_object().is_some_and(|it| filter.holds(it));
            Filter::Constant(holds)
        }
        _ => about(filter, pointer.clone()),
    }
}

/// The same of another pointer.
fn about(filter: &Filter, pointer: Pointer) -> Filter {
    match filter {
        Filter::Compare(_, operator, literal) => {
            Filter::Compare(pointer, *operator, literal.clone())
        }
        Filter::In(_, values) => Filter::In(pointer, values.clone()),
        _ => Filter::Present(pointer),
    }
}

/// A filter of references as one of identifiers: every reference is the path, a slash and the
/// identifier.
fn reference(filter: &Filter, path: &str) -> Filter {
    let start = format!("{path}/");
    let id = || Pointer::parse("_id").unwrap_or_default();
    let compared =
        |operator, text: &str| Filter::Compare(id(), operator, Literal::Text(text.to_owned()));
    match filter {
        Filter::Compare(_, operator, Literal::Text(text)) => {
            let rest = text.strip_prefix(&start);
            match (operator, rest) {
                (Operator::Co, _) => {
                    // It may begin within the path and end within the identifier.
                    let cuts = text.char_indices().map(|(at, _)| text.split_at(at));
                    let across = cuts.filter(|(head, _)| !head.is_empty() && start.ends_with(head));
                    let across = across.map(|(_, tail)| compared(Operator::Sw, tail));
                    let anywhere = [
                        Filter::Constant(start.contains(text.as_str())),
                        compared(Operator::Co, text),
                    ];
                    Filter::Or(anywhere.into_iter().chain(across).collect())
                }
                (operator, Some(rest)) => compared(*operator, rest),
                (Operator::Sw, None) => Filter::Constant(start.starts_with(text.as_str())),
                (Operator::Eq, None) => Filter::Constant(false),
                (Operator::Lt | Operator::Le, None) => Filter::Constant(start < *text),
                (Operator::Gt | Operator::Ge, None) => Filter::Constant(start > *text),
            }
        }
        Filter::Compare(..) => Filter::Constant(false),
        Filter::In(_, values) => {
            let within = values.iter().filter_map(|it| it.strip_prefix(&start));
            Filter::In(id(), within.map(str::to_owned).collect())
        }
        _ => Filter::Constant(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_of_relationships_become_those_of_objects() {
        let properties = json!({ "_id": "e1", "_grantType": "conditional" });
        let properties = properties.as_object().unwrap();
        for (written, expected) in [
            ("_refResourceId eq \"a\"", "_id eq \"a\""),
            ("_refResourceRev eq \"7\"", "_rev eq \"7\""),
            ("_refResourceCollection eq \"managed/alpha_role\"", "true"),
            ("_refResourceCollection eq \"managed/alpha_user\"", "false"),
            ("_ref eq \"managed/alpha_role/a\"", "_id eq \"a\""),
            ("_ref eq \"managed/alpha_user/a\"", "false"),
            ("_ref sw \"managed/\"", "true"),
            ("_ref sw \"managed/alpha_role/a\"", "_id sw \"a\""),
            ("_ref pr", "true"),
            ("_ref co \"e/a\"", "false or _id co \"e/a\" or _id sw \"a\""),
            ("_refProperties/_grantType eq \"CONDITIONAL\"", "true"),
            (
                "_refProperties/_grantType pr and name eq \"x\"",
                "true and name eq \"x\"",
            ),
            ("!(_refProperties/_id eq \"e2\")", "!(false)"),
            ("_refProperties/other pr", "false"),
            ("name co \"x\"", "name co \"x\""),
        ] {
            let filter = Filter::parse(written).unwrap();
            let found = of_object(&filter, "managed/alpha_role", properties);
            assert_eq!(found, Filter::parse(expected).unwrap(), "{written}");
        }
    }
}
