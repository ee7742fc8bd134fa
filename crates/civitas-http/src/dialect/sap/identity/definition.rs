//! Schemas that tenants define: made and deleted, never changed.

use civitas_directory::{
    Edit, Error, Expect, Outcome,
    store::{Page, Selection, Want},
};
use civitas_scim::{
    condition::{Condition, Target},
    definition::TypeDefinition,
    schema::{Attribute, Schema, Type, urn},
    tolerance::Tolerance,
};
use serde_json::{Value, json};

use super::{discovery, schema::CUSTOM, view};
use crate::{
    dialect::sap::{
        call::Call,
        fault::{Failure, Fault},
        kind::Kind,
        status,
    },
    reply::Reply,
};

/// Most schemas of a tenant, attributes of a schema, sub-attributes of an attribute.
const MAX_SCHEMAS: usize = 20;
const MAX_ATTRIBUTES: usize = 20;
/// Longest name, and shortest.
const NAME_LENGTH: std::ops::RangeInclusive<usize> = 2..=20;
/// Longest namespace of a URN.
const MAX_NAMESPACE: usize = 32;

/// How often a deletion is tried again when users get values meanwhile.
const MAX_ATTEMPTS: usize = 10;
/// Users that are cleared of values at a time.
const PAGE: usize = 100;

fn wrong_value(value: &str) -> Fault {
    let detail = format!("The attribute value \"{value}\" has invalid value!");
    Fault::plain(detail)
}

/// Refuses what is no URN.
pub(super) fn check_uri(uri: &str) -> Result<(), Fault> {
    let parts = uri
        .strip_prefix("urn:")
        .and_then(|rest| rest.split_once(':'));
    let is_namespace = |it: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=MAX_NAMESPACE).contains(&it.len()) && it.bytes().all(plain) && !it.starts_with('-')
    };
    let is_plain = |it: &str| {
        !it.is_empty()
            && it
                .chars()
                .all(|it| it.is_ascii_graphic() && !"\"<>".contains(it))
    };
    match parts {
        Some((namespace, rest)) if is_namespace(namespace) && is_plain(rest) => Ok(()),
        _ => Err(wrong_value(uri)),
    }
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    NAME_LENGTH.contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(plain)
}

/// `POST /scim/Schemas`
pub(super) async fn create(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let body = call.object()?;
    let definition = read(&body)?;
    let uri = definition["id"].as_str().unwrap_or_default().to_owned();
    if !view::is_custom(&uri) || call.scope.catalogue.schema(&uri).is_some() {
        return Err(Fault::taken().into());
    }
    if discovery::customs(call).len() >= MAX_SCHEMAS {
        return Err(Fault::value("Custom schema maximum count reached!").into());
    }
    let extensions = [(Kind::User.name(), definition)];
    let adopted = call.directory().adopt(&call.scope, &extensions, &[]);
    call.scope.catalogue = adopted.await?;
    let mut customs = discovery::customs(call).into_iter();
    let created = customs.find(|it| it.value.id == uri);
    let created = created.ok_or(Error::Conflict)?;
    let shown = discovery::described(call, &created.value, Some(created));
    Ok(discovery::answered(Outcome::Created, &shown))
}

/// The definition as the directory takes it.
fn read(body: &Value) -> Result<Value, Fault> {
    let member = |name: &str| {
        let mut members = body.as_object().into_iter().flatten();
        let found = members.find(|(it, _)| it.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value).filter(|it| !it.is_null())
    };
    let schemas = member("schemas").and_then(Value::as_array);
    if schemas.is_none_or(Vec::is_empty) {
        return Err(Fault::value("Schemas cannot be null or empty!"));
    }
    let is_schema = |it: &Value| {
        it.as_str()
            .is_some_and(|it| it.eq_ignore_ascii_case(urn::SCHEMA))
    };
    if !schemas.into_iter().flatten().any(is_schema) {
        return Err(Fault::plain("Invalid core schema"));
    }
    let id = member("id").and_then(Value::as_str).unwrap_or_default();
    let invalid = |fault: Fault| Fault {
        scim_type: Some("invalidValue"),
        ..fault
    };
    check_uri(id).map_err(invalid)?;
    // What begins so is defined by those whose namespace it is.
    if id.starts_with("urn:ietf:params:") && view::predefined(id).is_none() {
        return Err(invalid(wrong_value(id)));
    }
    let last = id.rsplit(':').next().unwrap_or_default();
    if let Some(name) = member("name")
        && name.as_str() != Some(last)
    {
        return Err(Fault::plain("Schema name and id does not match!"));
    }
    if !is_name(last) {
        let detail = "Invalid schema name. Expected format is alphanumeric.";
        return Err(Fault::value(detail));
    }
    let attributes = match member("attributes") {
        None => &[][..],
        Some(Value::Array(attributes)) => attributes,
        Some(_) => return Err(Fault::unreadable()),
    };
    let attributes = definitions(attributes)?;
    let mut definition = json!({
        "schemas": [urn::SCHEMA],
        "id": id,
        "name": last,
        "attributes": attributes,
    });
    if let Some(description) = member("description").and_then(Value::as_str) {
        definition["description"] = description.into();
    }
    // What else is wrong with it the rules of schemas tell.
    let read = civitas_scim::definition::read_schema(&definition);
    read.map_err(|it| Fault::value(it.detail))?;
    Ok(definition)
}

/// Attributes or sub-attributes.
fn definitions(sent: &[Value]) -> Result<Vec<Value>, Fault> {
    const KNOWN: [&str; 12] = [
        "name",
        "type",
        "multiValued",
        "description",
        "required",
        "canonicalValues",
        "caseExact",
        "mutability",
        "returned",
        "uniqueness",
        "referenceTypes",
        "subAttributes",
    ];
    if sent.len() > MAX_ATTRIBUTES {
        return Err(Fault::plain("Invalid schema definition"));
    }
    let each = sent.iter().map(|attribute| {
        let members = attribute.as_object().ok_or_else(Fault::unreadable)?;
        let mut read = json!({});
        for (name, value) in members.iter().filter(|(_, it)| !it.is_null()) {
            let known = KNOWN.iter().find(|it| it.eq_ignore_ascii_case(name));
            if let Some(known) = known {
                read[*known] = value.clone();
            }
        }
        let name = read["name"].as_str().unwrap_or_default();
        if !is_name(name) {
            let detail = "Invalid attribute name. Expected format is alphanumeric.";
            return Err(Fault::value(detail));
        }
        if let Some(Value::Array(subs)) = read.get("subAttributes") {
            let subs = definitions(subs)?;
            if subs.is_empty() {
                read.as_object_mut()
                    .map(|it| it.shift_remove("subAttributes"));
            } else {
                read["subAttributes"] = Value::Array(subs);
            }
        }
        Ok(read)
    });
    each.collect()
}

/// `DELETE /scim/Schemas/{urn}`: with all values that users have.
pub(super) async fn delete(call: &mut Call<'_>, uri: &str) -> Result<Reply, Failure> {
    check_uri(uri)?;
    if view::predefined(uri).is_some() {
        let detail = format!(
            "Invalid schema name. Expected an extension schema name starting with the extension \
             schema URN: '{CUSTOM}'"
        );
        return Err(Fault::value(detail).into());
    }
    for _ in 0..MAX_ATTEMPTS {
        let mut customs = discovery::customs(call).into_iter();
        let custom = customs.find(|it| it.value.id.eq_ignore_ascii_case(uri));
        let schema = custom.ok_or_else(|| Fault::no_such("Schema", uri))?;
        let schema = schema.value.clone();
        clear(call, &schema).await?;
        match retire(call, &schema.id).await {
            Ok(()) => return Ok(Reply::empty(status::of(Outcome::Done))),
            // Somebody got a value meanwhile.
            Err(Error::InUse(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Conflict.into())
}

/// Takes the schema from the type that it extends, then away.
async fn retire(call: &mut Call<'_>, uri: &str) -> Result<(), Error> {
    let kind = Kind::User.name();
    let known = call.scope.catalogue.resource_type(kind);
    if let Some(known) = known.filter(|it| it.extension(uri).is_some()) {
        let mut reduced = known.clone();
        reduced.extensions.retain(|it| it.schema.id != uri);
        let body = TypeDefinition::of(&reduced).document();
        let directory = call.directory();
        let redefined = directory.redefine_type(&call.scope, kind, &Expect::Any, &body);
        call.scope.catalogue = redefined.await?;
    }
    let directory = call.directory();
    directory
        .remove_schema(&call.scope, uri, &Expect::Any)
        .await
}

/// Takes all values of a schema from users.
async fn clear(call: &Call<'_>, schema: &Schema) -> Result<(), Failure> {
    let tests = schema
        .attributes
        .iter()
        .flat_map(|it| tests(&schema.id, it));
    let tests: Vec<Condition> = tests.collect();
    if tests.is_empty() {
        return Ok(());
    }
    let Some(kept) = view::kept(Kind::User, &call.scope.catalogue) else {
        return Ok(());
    };
    loop {
        let selection = Selection {
            resource_type: kept.name.clone(),
            condition: Some(Condition::Or(tests.clone())),
            sort: None,
        };
        let page = Page::Index {
            offset: 0,
            count: PAGE,
        };
        let directory = call.directory();
        let found = directory.select(&call.scope, selection, page, Want::default());
        let found = found.await?.items;
        if found.is_empty() {
            return Ok(());
        }
        for user in found {
            let mut attributes = user.record.attributes();
            attributes.shift_remove(&schema.id);
            let id = user.record.id.clone();
            let edit = Edit {
                resource_type: &kept,
                id: &id,
                expect: &Expect::Match(vec![user.record.version.0.to_string()]),
                self_service: false,
                body: Ok(Value::Object(attributes)),
                tolerance: &Tolerance::generic(),
                want: Want::default(),
                beside: Vec::new(),
            };
            // Who was changed meanwhile comes again.
            match directory.supersede(&call.scope, user, &edit, false).await {
                Ok(_) | Err(Error::Stale | Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Whether a user has a value of an attribute, or of one of its parts.
fn tests(uri: &str, attribute: &Attribute) -> Vec<Condition> {
    if attribute.r#type != Type::Complex {
        return vec![Condition::Present(Target::new(Some(uri), attribute, None))];
    }
    let subs = attribute.sub_attributes.iter();
    let subs = subs.map(|sub| Condition::Present(Target::new(Some(uri), attribute, Some(sub))));
    subs.collect()
}
