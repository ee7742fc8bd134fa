//! The attribute `schemas` under PATCH (S-7644-3.5.2-13, -14).

use serde_json::Value;

use super::{Op, Step, listed};
use crate::{Attributes, Invalid, coerce::shown, schema::ResourceType, value::is_present};

/// Applies a step on `schemas`. An extension is taken off with all that it holds; one that
/// is added and never used is gone again after [`settle`].
pub(super) fn step(
    attributes: &mut Attributes,
    step: &Step,
    rt: &ResourceType,
) -> Result<(), Invalid> {
    let named = listed(step.value.clone().unwrap_or_default());
    let named = named.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    let lists = |uri: &str| named.iter().any(|it| it.eq_ignore_ascii_case(uri));
    if step.op != Op::Remove
        && let Some(unknown) = named.iter().find(|uri| !is_registered(rt, uri))
    {
        return Err(Invalid::value(format!("unknown schema {}", shown(unknown))));
    }
    let is_gone = |uri: &str| match step.op {
        Op::Add => false,
        Op::Remove => named.is_empty() && is_whole(step) || lists(uri),
        Op::Replace => !lists(uri),
    };
    if is_gone(&rt.schema.id) {
        return Err(Invalid::value("schemas must keep the base schema"));
    }
    for extension in &rt.extensions {
        let uri = &extension.schema.id;
        if is_gone(uri) && attributes.shift_remove(uri).is_some() && extension.required {
            return Err(Invalid::value(format!("schemas must keep {uri}")));
        }
    }
    Ok(())
}

/// Drops empty extensions and lists in `schemas` what is used. The order stays if it lists
/// the same.
pub(super) fn settle(attributes: &mut Attributes, rt: &ResourceType) {
    let mut uris = vec![Value::from(rt.schema.id.as_str())];
    for extension in &rt.extensions {
        let uri = &extension.schema.id;
        let is_used = attributes.get(uri).is_some_and(is_present);
        if !is_used {
            attributes.shift_remove(uri);
        }
        if is_used || extension.required {
            uris.push(Value::from(uri.as_str()));
        }
    }
    let lists_the_same = attributes
        .get("schemas")
        .and_then(Value::as_array)
        .is_some_and(|now| now.len() == uris.len() && uris.iter().all(|uri| now.contains(uri)));
    if !lists_the_same {
        attributes.insert("schemas".to_owned(), Value::Array(uris));
    }
}

/// Whether a removal lists nothing because it has no value, not because its list is empty.
fn is_whole(step: &Step) -> bool {
    step.value.as_ref().is_none_or(Value::is_null)
}

fn text(value: &Value) -> Result<&str, Invalid> {
    value
        .as_str()
        .ok_or_else(|| Invalid::value("schemas holds strings"))
}

fn is_registered(rt: &ResourceType, uri: &str) -> bool {
    let extensions = rt.extensions.iter().map(|it| &it.schema);
    std::iter::once(&rt.schema)
        .chain(extensions)
        .any(|schema| schema.id.eq_ignore_ascii_case(uri))
}
