//! The attribute `schemas` under PATCH (S-7644-3.5.2-13, -14).

use serde_json::Value;

use super::{Op, Step, listed};
use crate::{Attributes, Invalid, path::shown, schema::ResourceType};

/// Applies a step on `schemas`. An extension is taken off with all that it holds; one that
/// is added and never used is not listed in the end.
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
