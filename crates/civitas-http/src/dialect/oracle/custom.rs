//! Attributes of users that administrators add at run time: an extension of the tenant's, changed
//! as a schema. The directory keeps what SCIM says of them; what else the service says of them is
//! kept beside, in a resource of its own.

mod definition;
mod schema;

use civitas_directory::Catalogue;
use civitas_scim::{
    filter::Filter,
    patch::{self, Operation},
    path::AttrPath,
    resource,
    schema::{Extension, Index, ResourceType, Returned, Schema, urn},
    tolerance::Tolerance,
};
use serde_json::{Map, Value, json};

pub(super) use self::schema::{answer, change, rows, shown};

use super::{
    call::Call,
    fault::{Failure, Fault},
    kind::Kind,
    object::Object,
    projection::Projection,
    write::worded,
};

/// The schema of such attributes, which every tenant has.
pub(super) const URI: &str = "urn:ietf:params:scim:schemas:idcs:extension:custom:User";

/// The attributes that a tenant has, and how long their values are.
pub(super) struct Custom {
    view: ResourceType,
    lengths: Vec<(String, usize, usize)>,
}

/// The schema as the tenant has it, once there is an attribute.
fn of(catalogue: &Catalogue) -> Option<&Schema> {
    let users = catalogue.resource_type(Kind::User.name())?;
    users.extension(URI).map(|it| &it.schema)
}

impl Custom {
    /// What a write of a user has to know; `None` where the tenant has no such attributes.
    pub(super) async fn read(call: &Call<'_>, kind: Kind) -> Result<Option<Self>, Failure> {
        let schema = of(&call.scope.catalogue).filter(|_| kind == Kind::User);
        let Some(schema) = schema else {
            return Ok(None);
        };
        let definitions = schema::definitions(call).await?;
        Ok(Some(Self {
            view: view(schema.clone()),
            lengths: definition::lengths(&definitions),
        }))
    }

    /// Values as they are kept, of those that a whole user has.
    fn whole(&self, sent: Option<Object>, before: Option<&Value>) -> Result<Object, Fault> {
        let mut body = json!({ "schemas": [urn::USER] });
        body[URI] = Value::Object(sent.unwrap_or_default());
        let tolerance = Tolerance::generic();
        let accepted = match before {
            None => resource::create(body, "", &self.view, &tolerance),
            Some(before) => {
                let before = kept(Some(before).filter(|it| it.is_object()));
                resource::replace(&body, &before, &self.view, &tolerance)
            }
        };
        let values = within(accepted.map_err(worded)?.attributes);
        self.check(&values)?;
        Ok(values)
    }

    /// What operations make of the values.
    fn patched(&self, before: Option<&Value>, operations: &[Operation]) -> Result<Object, Fault> {
        let tolerance = Tolerance::generic();
        let steps = patch::steps(operations, &self.view, "", &tolerance).map_err(worded)?;
        let before = kept(before);
        let patched = patch::apply(&before, &steps, &self.view, &tolerance);
        let values = within(patched.map_err(worded)?.attributes);
        self.check(&values)?;
        Ok(values)
    }

    fn check(&self, values: &Object) -> Result<(), Fault> {
        for (name, least, most) in &self.lengths {
            let texts = match values.get(name) {
                Some(Value::Array(all)) => all.as_slice(),
                Some(one) => std::slice::from_ref(one),
                None => continue,
            };
            for text in texts.iter().filter_map(Value::as_str) {
                let length = text.chars().count();
                if length > *most {
                    return Err(Fault::too_long(name, *most));
                }
                if length < *least {
                    let id = "error.common.validation.stringBelowMinLimit";
                    let detail = format!("The value of {name} is shorter than {least} characters.");
                    return Err(Fault::invalid(id, detail));
                }
            }
        }
        Ok(())
    }
}

/// Users with nothing but such attributes.
fn view(schema: Schema) -> ResourceType {
    ResourceType {
        name: Kind::User.name().to_owned(),
        endpoint: String::new(),
        description: String::new(),
        schema: Schema {
            id: urn::USER.to_owned(),
            name: String::new(),
            description: String::new(),
            attributes: Vec::new(),
        },
        extensions: vec![Extension {
            schema,
            required: false,
        }],
        common: civitas_scim::core::common(),
    }
}

/// A user that has nothing but such attributes.
fn kept(values: Option<&Value>) -> Object {
    let mut user = Object::new();
    user.insert("schemas".to_owned(), json!([urn::USER]));
    user.extend(values.map(|it| (URI.to_owned(), it.clone())));
    user
}

fn within(mut user: Object) -> Object {
    match user.shift_remove(URI) {
        Some(Value::Object(values)) => values,
        _ => Object::new(),
    }
}

/// Takes the attributes out of a body, and puts what comes of them into what is kept of a user;
/// `before` is what was kept of one that is replaced.
pub(super) fn set(
    custom: Option<&Custom>,
    sent: Option<Object>,
    before: Option<&Object>,
    state: &mut Map<String, Value>,
) -> Result<(), Fault> {
    let Some(custom) = custom else {
        return Ok(());
    };
    let before = before.map(|it| it.get(URI).unwrap_or(&Value::Null));
    put(state, custom.whole(sent, before)?);
    Ok(())
}

/// Carries out operations on such attributes on what is kept of a user.
pub(super) fn patch(
    custom: &Custom,
    operations: &[Operation],
    state: &mut Map<String, Value>,
) -> Result<(), Fault> {
    let values = custom.patched(state.get(URI), operations)?;
    put(state, values);
    Ok(())
}

fn put(state: &mut Map<String, Value>, values: Object) {
    state.shift_remove(URI);
    if !values.is_empty() {
        state.insert(URI.to_owned(), Value::Object(values));
    }
}

/// The rest of a name that begins with the URI: empty for the whole, else the attribute.
pub(super) fn named(name: &str) -> Option<&str> {
    let begins = name.get(..URI.len())?.eq_ignore_ascii_case(URI);
    let rest = &name[URI.len()..];
    match rest.strip_prefix(':') {
        _ if !begins => None,
        Some(attribute) => Some(attribute),
        None => rest.is_empty().then_some(rest),
    }
}

/// Takes what a body says of such attributes out of it: below the URI, or each under its full name.
pub(super) fn take(body: &mut Value) -> Option<Object> {
    let body = body.as_object_mut()?;
    let names: Vec<String> = body
        .keys()
        .filter(|it| named(it).is_some())
        .cloned()
        .collect();
    let mut taken = None;
    for name in names {
        let value = body.shift_remove(&name).unwrap_or_default();
        let taken = taken.get_or_insert_with(Object::new);
        match (named(&name), value) {
            (Some(""), Value::Object(values)) => taken.extend(values),
            (Some(attribute), value) if !attribute.is_empty() => {
                taken.insert(attribute.to_owned(), value);
            }
            _ => {}
        }
    }
    taken
}

/// Operations on such attributes, and the others.
pub(super) fn split(operations: &[Operation]) -> (Vec<Operation>, Vec<Operation>) {
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for operation in operations {
        let mut operation = operation.clone();
        match operation.path.as_deref() {
            Some(path) if named(path).is_some() => own.push(operation),
            Some(_) => others.push(operation),
            None => {
                let taken = operation.value.as_mut().and_then(take);
                if let Some(values) = taken {
                    own.push(Operation {
                        op: operation.op,
                        path: None,
                        value: Some(json!({ URI: values })),
                    });
                }
                let is_empty = |it: &Value| it.as_object().is_some_and(Map::is_empty);
                if !operation.value.as_ref().is_some_and(is_empty) || own.is_empty() {
                    others.push(operation);
                }
            }
        }
    }
    (own, others)
}

/// The values of a user that an answer shows.
pub(super) fn visible(call: &Call<'_>, projection: &Projection, values: &Value) -> Option<Value> {
    let schema = of(&call.scope.catalogue)?;
    let values = values.as_object()?.iter().filter(|(name, _)| {
        let attribute = schema.attribute(name);
        attribute.is_some_and(|it| projection.shows_custom(&it.name, it.returned))
    });
    let values: Object = values
        .map(|(name, it)| (name.clone(), it.clone()))
        .collect();
    (!values.is_empty()).then_some(Value::Object(values))
}

/// Whether an attribute that is returned so is shown where the names are asked for.
pub(super) fn is_asked(names: &[String], name: &str, returned: Returned) -> bool {
    names.iter().any(|it| {
        let is_whole = it.is_empty() && matches!(returned, Returned::Default | Returned::Always);
        is_whole || it.eq_ignore_ascii_case(name)
    })
}

/// Refuses to search by attributes that are not searchable.
pub(super) fn check_filter(kept: &ResourceType, filter: &Filter) -> Result<(), Fault> {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => {
            parts.iter().try_for_each(|it| check_filter(kept, it))
        }
        Filter::Not(inner) => check_filter(kept, inner),
        Filter::Present(path)
        | Filter::Compare(path, ..)
        | Filter::Element(path, _)
        | Filter::ElementCompare(path, ..) => check_path(kept, path),
    }
}

/// Refuses an attribute that is not searchable.
pub(super) fn check_path(kept: &ResourceType, path: &AttrPath) -> Result<(), Fault> {
    let Some(name) = named(path.as_str()) else {
        return Ok(());
    };
    let known = kept.extension(URI);
    let known = known.and_then(|it| it.schema.attribute(name));
    match known {
        Some(attribute) if attribute.index != Index::None => Ok(()),
        _ => Err(Fault::not_searchable(path.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_taken_out_of_a_body() {
        let flat = format!("{}:badge", URI.to_uppercase());
        let mut body = json!({ "userName": "m", URI: { "desk": "7" }, flat: "B" });
        let taken = take(&mut body).unwrap();
        assert_eq!(Value::Object(taken), json!({ "desk": "7", "badge": "B" }));
        assert_eq!(body, json!({ "userName": "m" }));
        assert_eq!(take(&mut body), None);
        assert_eq!(named(&format!("{URI}x")), None);
        assert_eq!(named("userName"), None);
    }
}
