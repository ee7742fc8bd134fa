//! What may be said of an attribute that administrators add. Pure.

use civitas_scim::{
    definition::INDEX_EXTENSION,
    filter::{self, Filter, Literal, Operator},
    patch::{Op, Operation},
    schema::urn,
};
use serde_json::{Map, Value, json};

use super::{super::fault::Fault, URI};

/// Longest value that an attribute may be defined with, in characters.
const MOST: u64 = 4_000;
/// The same of one that says nothing else; values that are longer are kept in another column there.
const SHORT: u64 = 40;

/// A definition as it is published.
type Definition = Map<String, Value>;

fn text<'d>(definition: &'d Definition, name: &str) -> Option<&'d str> {
    definition.get(name).and_then(Value::as_str)
}

fn name_of(definition: &Definition) -> &str {
    text(definition, "name").unwrap_or_default()
}

fn is_named(definition: &Definition, name: &str) -> bool {
    name_of(definition).eq_ignore_ascii_case(name)
}

/// Names with their shortest and longest values.
pub(super) fn lengths(definitions: &[Definition]) -> Vec<(String, usize, usize)> {
    let length = |it: &Definition, name: &str| {
        let value = it.get(name).and_then(Value::as_u64);
        value.and_then(|it| usize::try_from(it).ok())
    };
    let all = definitions.iter().map(|it| {
        let least = length(it, "idcsMinLength").unwrap_or(0);
        let most = length(it, "idcsMaxLength").unwrap_or(usize::MAX);
        (name_of(it).to_owned(), least, most)
    });
    all.collect()
}

/// What operations make of the definitions.
pub(super) fn patched(
    mut definitions: Vec<Definition>,
    operations: &[Operation],
) -> Result<Vec<Definition>, Fault> {
    for operation in operations {
        let path = operation.path.as_deref().unwrap_or("attributes");
        let value = operation.value.as_ref();
        let is_whole = path.eq_ignore_ascii_case("attributes");
        match operation.op {
            Op::Add | Op::Replace if is_whole => {
                let value = value.map(|it| it.get("attributes").unwrap_or(it));
                for given in listed(value)? {
                    put(&mut definitions, &given, operation.op == Op::Replace)?;
                }
            }
            Op::Remove if !is_whole => {
                let name = selected(path).ok_or_else(|| invalid_path(path))?;
                definitions.retain(|it| !is_named(it, &name));
            }
            _ => return Err(invalid_path(path)),
        }
    }
    Ok(definitions)
}

/// The definitions of a whole schema.
pub(super) fn replaced(old: &[Definition], body: &Value) -> Result<Vec<Definition>, Fault> {
    let mut definitions = Vec::new();
    for given in listed(body.get("attributes"))? {
        let known = old.iter().find(|it| is_named(it, name_of(&given)));
        definitions.extend(known.cloned());
        put(&mut definitions, &given, false)?;
    }
    Ok(definitions)
}

fn listed(value: Option<&Value>) -> Result<Vec<Definition>, Fault> {
    let elements = match value {
        Some(Value::Array(elements)) => elements.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => {
            return Err(Fault::payload(
                "attributes must be an array of definitions.",
            ));
        }
    };
    let objects = elements.iter().map(|it| it.as_object().cloned());
    let objects: Option<Vec<_>> = objects.collect();
    objects.ok_or_else(|| Fault::payload("A definition must be an object."))
}

fn invalid_path(path: &str) -> Fault {
    let id = "error.common.validation.invalidPatchPath";
    Fault::invalid(id, format!("The path {path} is invalid."))
}

/// The name that `attributes[name eq "x"]` selects.
fn selected(path: &str) -> Option<String> {
    let parsed = Filter::parse(path, &filter::Limits::default()).ok()?;
    let Filter::Element(attribute, inner) = parsed else {
        return None;
    };
    match *inner {
        Filter::Compare(of, Operator::Eq, Literal::String(name))
            if attribute.as_str().eq_ignore_ascii_case("attributes")
                && of.as_str().eq_ignore_ascii_case("name") =>
        {
            Some(name)
        }
        _ => None,
    }
}

/// Puts a definition in the place of the one of its name, or behind the others.
fn put(definitions: &mut Vec<Definition>, given: &Definition, known: bool) -> Result<(), Fault> {
    let name = text(given, "name").filter(|it| !it.is_empty());
    let name = name.ok_or_else(|| Fault::missing(&["name".to_owned()]))?;
    let place = definitions.iter().position(|it| is_named(it, name));
    if place.is_none() && known {
        let id = "error.common.validation.invalidValue";
        let detail = format!("There is no attribute {name} to replace.");
        return Err(Fault::invalid(id, detail));
    }
    let old = place.map(|it| definitions[it].clone());
    let new = defined(given, name, old.as_ref(), definitions)?;
    match place {
        Some(place) => definitions[place] = new,
        None => definitions.push(new),
    }
    Ok(())
}

/// The definition as it is published, of what was given of it.
fn defined(
    given: &Definition,
    name: &str,
    old: Option<&Definition>,
    all: &[Definition],
) -> Result<Definition, Fault> {
    let kept = |member: &str| old.and_then(|it| it.get(member)).cloned();
    let said = |member: &str| given.get(member).filter(|it| !it.is_null()).cloned();
    let display = said("idcsDisplayName").or_else(|| kept("idcsDisplayName"));
    let display = display.unwrap_or_else(|| name.into());
    let others = all.iter().filter(|it| !is_named(it, name));
    if others
        .clone()
        .any(|it| it.get("idcsDisplayName") == Some(&display))
    {
        let id = "error.common.validation.invalidValue";
        let detail = format!("The idcsDisplayName {display} is another attribute's.");
        return Err(Fault::invalid(id, detail));
    }
    if let Some(of) = said("type")
        .filter(|_| old.is_none())
        .filter(|it| *it != "string")
    {
        return Err(Fault::not_allowed_value(&of.to_string(), "type"));
    }
    let one_of = |member: &str, values: &[&str]| {
        let value = said(member).or_else(|| kept(member));
        let value = value.unwrap_or_else(|| values[0].into());
        if values.iter().any(|it| value == *it) {
            return Ok(value);
        }
        Err(Fault::not_allowed_value(&value.to_string(), member))
    };
    let returned = one_of("returned", &["default", "always", "request"])?;
    let mutability = one_of("mutability", &["readWrite", "immutable", "readOnly"])?;
    let was = kept("idcsMaxLength").and_then(|it| it.as_u64());
    let most = length(
        said("idcsMaxLength").as_ref(),
        "idcsMaxLength",
        was.unwrap_or(SHORT),
    )?;
    if most < was.unwrap_or(2) || most > MOST {
        return Err(out_of_range("idcsMaxLength", most));
    }
    let was = kept("idcsMinLength").and_then(|it| it.as_u64());
    let least = length(
        said("idcsMinLength").as_ref(),
        "idcsMinLength",
        was.unwrap_or(1),
    )?;
    if least < 1 || least > most {
        return Err(out_of_range("idcsMinLength", least));
    }
    // What cannot be changed is passed over.
    let fixed = |member: &str| {
        let value = kept(member).or_else(|| said(member));
        value.unwrap_or(Value::Bool(false)) == Value::Bool(true)
    };
    let target = kept("idcsTargetAttributeName").unwrap_or_else(|| target(most, all).into());
    let description = said("description").or_else(|| kept("description"));
    let definition = json!({
        "name": name,
        "idcsDisplayName": display,
        "type": "string",
        "description": description.unwrap_or_else(|| "".into()),
        "multiValued": fixed("multiValued"),
        "required": false,
        "caseExact": true,
        "mutability": mutability,
        "returned": returned,
        "uniqueness": "none",
        "idcsSearchable": fixed("idcsSearchable"),
        "idcsMinLength": least,
        "idcsMaxLength": most,
        "idcsValuePersisted": true,
        "idcsTargetAttributeName": target,
    });
    match definition {
        Value::Object(definition) => Ok(definition),
        _ => Ok(Definition::new()),
    }
}

fn length(said: Option<&Value>, name: &str, default: u64) -> Result<u64, Fault> {
    match said {
        None => Ok(default),
        Some(value) => {
            let not = || Fault::payload(format!("{name} must be a number above 0."));
            value.as_u64().ok_or_else(not)
        }
    }
}

fn out_of_range(name: &str, value: u64) -> Fault {
    let id = "error.common.validation.invalidValue";
    Fault::invalid(
        id,
        format!("The value {value} of {name} is not one that can be set."),
    )
}

/// A name of a column that no other attribute has.
fn target(most: u64, all: &[Definition]) -> String {
    let of = if most > SHORT { "4K" } else { "40" };
    let is_free = |it: &String| {
        let mut others = all.iter();
        others.all(|other| text(other, "idcsTargetAttributeName") != Some(it))
    };
    let names = (1..=all.len() + 1).map(|number| format!("I_VC_{of}_IFLEX_{number}"));
    names.into_iter().find(is_free).unwrap_or_default()
}

/// The schema as the directory takes it: what is searchable has an index.
pub(super) fn kept(definitions: &[Definition]) -> Value {
    let attributes = definitions.iter().map(|it| {
        let mut kept = Definition::new();
        for name in [
            "name",
            "type",
            "description",
            "multiValued",
            "caseExact",
            "mutability",
            "returned",
        ] {
            kept.extend(it.get(name).map(|it| (name.to_owned(), it.clone())));
        }
        Value::Object(kept)
    });
    let is_searchable = |it: &&Definition| it.get("idcsSearchable") == Some(&Value::Bool(true));
    let indexed = definitions.iter().filter(is_searchable).map(name_of);
    json!({
        "schemas": [urn::SCHEMA, INDEX_EXTENSION],
        "id": URI,
        "name": super::schema::NAME,
        "attributes": attributes.collect::<Vec<_>>(),
        INDEX_EXTENSION: { "indexed": indexed.collect::<Vec<_>>() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(op: Op, path: &str, value: Value) -> Operation {
        Operation {
            op,
            path: Some(path.to_owned()),
            value: Some(value),
        }
    }

    #[test]
    fn definitions_follow_their_rules() {
        let add = |value: Value| operation(Op::Add, "attributes", value);
        let badge = json!({
            "name": "badge", "idcsDisplayName": "Badge", "idcsMaxLength": 40, "idcsSearchable": true,
        });
        let one = patched(Vec::new(), &[add(json!([badge]))]).unwrap();
        assert_eq!(one[0]["idcsTargetAttributeName"], "I_VC_40_IFLEX_1");
        assert_eq!(one[0]["caseExact"], true);
        let read = civitas_scim::definition::read_schema(&kept(&one));
        assert!(read.is_ok(), "{read:?}");
        for (given, is_good) in [
            (json!({ "name": "badge", "idcsMaxLength": 50 }), true),
            (json!({ "name": "badge", "idcsMaxLength": 39 }), false),
            (json!({ "name": "desk", "idcsDisplayName": "Badge" }), false),
            (json!({ "name": "desk", "idcsDisplayName": "Desk" }), true),
            (json!({ "name": "desk", "idcsMaxLength": 1 }), false),
            (json!({ "name": "desk", "idcsMinLength": 0 }), false),
            (json!({ "name": "desk", "type": "integer" }), false),
            (json!({ "name": "desk", "returned": "never" }), false),
            (json!({ "name": "desk", "mutability": "often" }), false),
            (json!({ "idcsDisplayName": "Desk" }), false),
        ] {
            let made = patched(one.clone(), &[add(given.clone())]);
            assert_eq!(made.is_ok(), is_good, "{given}");
        }
        // What cannot be changed is passed over.
        let same = json!({ "name": "BADGE", "idcsSearchable": false, "type": "integer" });
        let same = patched(one.clone(), &[add(same)]).unwrap();
        assert_eq!((same.len(), &same[0]["idcsSearchable"]), (1, &json!(true)));
        let desk = operation(Op::Replace, "attributes", json!([{ "name": "desk" }]));
        assert!(patched(one.clone(), &[desk]).is_err());
        let remove = operation(Op::Remove, "attributes[name eq \"badge\"]", Value::Null);
        assert!(patched(one.clone(), &[remove]).unwrap().is_empty());
        let remove = operation(Op::Remove, "attributes", Value::Null);
        assert!(patched(one.clone(), &[remove]).is_err());
        let whole = json!({ "attributes": [{ "name": "desk" }, { "name": "badge" }] });
        let both = replaced(&one, &whole).unwrap();
        assert_eq!(both[1]["idcsDisplayName"], "Badge");
        assert_eq!(both.len(), 2);
    }
}
