//! Whole resources from clients: what POST and PUT accept (RFC 7644 §3.3, §3.5.1).

use serde_json::Value;

use crate::{
    Attributes, Invalid, coerce,
    messages::member,
    path::shown,
    schema::{Attribute, Extension, Mutability, ResourceType, Type},
    tolerance::{Switch, Tolerance},
    value::{Comparison, is_present},
};

/// What the provider works out for each representation: it is never taken from a client and
/// never stored with the resource.
const COMPUTED: [&str; 2] = ["meta", "groups"];

/// The attribute that a PUT without it leaves alone: an account must not be enabled again
/// just because a client knows nothing of `active`.
const KEPT_WHEN_OMITTED: &str = "active";

/// A resource as accepted: checked, in registered spelling, nothing unassigned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    /// What may be stored and shown: `schemas`, `id`, core attributes, extension
    /// containers. A group's `members` are among them.
    pub attributes: Attributes,
    /// What no representation may hold, in the same shape: `password`, for example. After a
    /// replace only what is to change; secrets that were not sent keep their value.
    pub secrets: Attributes,
}

/// Accepts the body of a POST for a new resource with the given identifier.
///
/// The body's own `id`, and whatever else is readOnly, is ignored. Unknown attributes and
/// foreign schema URIs are ignored as far as `tolerance` says so.
///
/// # Errors
///
/// `invalidSyntax` if the body is no object or its `schemas` lack the base schema;
/// `invalidValue` if a value does not fit its attribute or a required one is missing.
pub fn create(
    body: Value,
    id: &str,
    resource_type: &ResourceType,
    tolerance: &Tolerance,
) -> Result<Accepted, Invalid> {
    let draft = Draft::read(body, resource_type, tolerance)?;
    draft.check_required(resource_type, true)?;
    Ok(draft.finish(Some(Value::from(id)), resource_type))
}

/// Accepts the body of a PUT that replaces a resource with the stored attributes `old`.
///
/// Attributes that were not sent are cleared, but for `active`, secrets, and those that are
/// immutable or readOnly. A `null` counts as not sent.
///
/// # Errors
///
/// As [`create`]; and `mutability` if an immutable attribute would change.
pub fn replace(
    body: &Value,
    old: &Attributes,
    resource_type: &ResourceType,
    tolerance: &Tolerance,
) -> Result<Accepted, Invalid> {
    let mut draft = Draft::read(body.clone(), resource_type, tolerance)?;
    // Wrong values are reported before forbidden changes (S-7644-3.12-06), but a required
    // attribute may be one that is kept.
    let kept = draft.keep(old, resource_type);
    draft.check_required(resource_type, false)?;
    kept?;
    Ok(draft.finish(old.get("id").cloned(), resource_type))
}

/// Brings `schemas` in line with the rest: the base schema and every extension that is
/// required or has a value, in registered spelling, as the first member. Containers without
/// content are dropped (RFC 7643 §3).
pub fn normalize_schemas(attributes: &mut Attributes, resource_type: &ResourceType) {
    let mut schemas = vec![Value::from(resource_type.schema.id.as_str())];
    for extension in &resource_type.extensions {
        let uri = extension.schema.id.as_str();
        let is_used = attributes
            .get(uri)
            .and_then(Value::as_object)
            .is_some_and(|container| !container.is_empty());
        if !is_used {
            attributes.shift_remove(uri);
        }
        if is_used || extension.required {
            schemas.push(Value::from(uri));
        }
    }
    attributes.shift_insert(0, "schemas".to_owned(), Value::Array(schemas));
}

/// The attributes of one schema that a body brings.
#[derive(Default)]
struct Part {
    /// Prefix of paths in errors: empty, or the extension's URI with a colon.
    prefix: String,
    attributes: Attributes,
    secrets: Attributes,
}

/// A body taken apart by schema.
struct Draft {
    core: Part,
    /// In the order of the type's extensions.
    extensions: Vec<Part>,
}

impl Draft {
    fn read(
        body: Value,
        resource_type: &ResourceType,
        tolerance: &Tolerance,
    ) -> Result<Self, Invalid> {
        let Value::Object(body) = body else {
            return Err(Invalid::syntax("the body must be a JSON object"));
        };
        check_schemas(&body, resource_type, tolerance)?;
        let mut draft = Self::empty(resource_type);
        // What comes from the body, `schemas` and `id`.
        draft.core.attributes = Attributes::with_capacity(body.len() + 2);
        for (name, value) in body {
            if name.eq_ignore_ascii_case("schemas") {
                continue;
            }
            if let Some(attribute) = resource_type.base_attribute(&name) {
                draft.core.accept(attribute, value, tolerance)?;
            } else if let Some(index) = position(resource_type, &name) {
                let extension = &resource_type.extensions[index];
                draft.extensions[index].accept_container(extension, value, tolerance)?;
            } else {
                refuse_unknown(&name, "", tolerance)?;
            }
        }
        Ok(draft)
    }

    fn empty(resource_type: &ResourceType) -> Self {
        let part = |extension: &Extension| Part {
            prefix: format!("{}:", extension.schema.id),
            ..Part::default()
        };
        Self {
            core: Part::default(),
            extensions: resource_type.extensions.iter().map(part).collect(),
        }
    }

    /// Takes from the stored resource what a PUT does not change.
    fn keep(&mut self, old: &Attributes, resource_type: &ResourceType) -> Result<(), Invalid> {
        let active = resource_type.schema.attribute(KEPT_WHEN_OMITTED);
        if let Some(active) = active.filter(|it| !self.core.attributes.contains_key(&it.name)) {
            self.core.copy(active, old);
        }
        let own = resource_type.common.iter();
        let mut kept = self
            .core
            .keep(own.chain(&resource_type.schema.attributes), old);
        for (part, extension) in self.extensions.iter_mut().zip(&resource_type.extensions) {
            if let Some(Value::Object(container)) = old.get(&extension.schema.id) {
                let of_part = part.keep(extension.schema.attributes.iter(), container);
                kept = kept.and(of_part);
            }
        }
        kept
    }

    fn check_required(&self, resource_type: &ResourceType, is_new: bool) -> Result<(), Invalid> {
        let own = &resource_type.schema.attributes;
        self.core.check_required(own, is_new)?;
        for (part, extension) in self.extensions.iter().zip(&resource_type.extensions) {
            let is_used = !part.attributes.is_empty() || !part.secrets.is_empty();
            // Of a stored resource, what the extension holds may be nothing but secrets.
            let is_kept = !is_new && extension.schema.attributes.iter().any(Attribute::is_secret);
            if extension.required && !is_used && !is_kept {
                let uri = &extension.schema.id;
                return Err(Invalid::value(format!("the extension {uri} is required")));
            }
            if extension.required || is_used {
                part.check_required(&extension.schema.attributes, is_new)?;
            }
        }
        Ok(())
    }

    fn finish(self, id: Option<Value>, resource_type: &ResourceType) -> Accepted {
        let mut attributes = self.core.attributes;
        if let Some(id) = id {
            attributes.shift_insert(0, "id".to_owned(), id);
        }
        let mut secrets = self.core.secrets;
        for (part, extension) in self.extensions.into_iter().zip(&resource_type.extensions) {
            for (into, container) in [
                (&mut attributes, part.attributes),
                (&mut secrets, part.secrets),
            ] {
                if !container.is_empty() {
                    into.insert(extension.schema.id.clone(), Value::Object(container));
                }
            }
        }
        normalize_schemas(&mut attributes, resource_type);
        Accepted {
            attributes,
            secrets,
        }
    }
}

impl Part {
    fn accept(
        &mut self,
        attribute: &Attribute,
        value: Value,
        tolerance: &Tolerance,
    ) -> Result<(), Invalid> {
        if attribute.mutability == Mutability::ReadOnly || value.is_null() {
            return Ok(());
        }
        if let Some(value) = coerce::attribute(attribute, value, tolerance, &self.prefix)? {
            let into = if attribute.is_secret() {
                &mut self.secrets
            } else {
                &mut self.attributes
            };
            into.insert(attribute.name.clone(), value);
        }
        Ok(())
    }

    fn accept_container(
        &mut self,
        extension: &Extension,
        container: Value,
        tolerance: &Tolerance,
    ) -> Result<(), Invalid> {
        let members = match container {
            Value::Object(members) => members,
            Value::Null => return Ok(()),
            Value::Array(elements) if elements.is_empty() => return Ok(()),
            _ => {
                let uri = &extension.schema.id;
                return Err(Invalid::value(format!("{uri} must be an object")));
            }
        };
        for (name, value) in members {
            match extension.schema.attribute(&name) {
                Some(attribute) => self.accept(attribute, value, tolerance)?,
                None => refuse_unknown(&name, &self.prefix, tolerance)?,
            }
        }
        Ok(())
    }

    fn path(&self, attribute: &Attribute) -> String {
        format!("{}{}", self.prefix, attribute.name)
    }

    fn copy(&mut self, attribute: &Attribute, old: &Attributes) {
        if let Some(value) = old.get(&attribute.name) {
            self.attributes
                .insert(attribute.name.clone(), value.clone());
        }
    }

    /// Takes over what is readOnly or immutable. All of it, even after an error.
    fn keep<'a>(
        &mut self,
        definitions: impl Iterator<Item = &'a Attribute>,
        old: &Attributes,
    ) -> Result<(), Invalid> {
        let mut kept = Ok(());
        for attribute in definitions.filter(|it| !it.is_secret()) {
            let Some(before) = old.get(&attribute.name) else {
                continue;
            };
            let matches = match attribute.mutability {
                Mutability::ReadOnly if is_computed(attribute) => true,
                Mutability::ReadOnly => {
                    self.copy(attribute, old);
                    true
                }
                Mutability::Immutable => {
                    let now = self.attributes.get(&attribute.name);
                    let matches = now.is_none_or(|now| is_same(attribute, before, now));
                    self.copy(attribute, old);
                    matches
                }
                _ => self.keep_parts(attribute, before),
            };
            if !matches {
                kept = kept.and(Err(immutable(&self.path(attribute))));
            }
        }
        kept
    }

    /// As `keep`, for the sub-attributes of a singular attribute that is still there; says
    /// whether all match. Elements of a multi-valued attribute do not change: they come and
    /// go (S-7643-4.2-02).
    fn keep_parts(&mut self, attribute: &Attribute, before: &Value) -> bool {
        let now = self.attributes.get_mut(&attribute.name);
        let (Some(Value::Object(now)), Value::Object(before)) = (now, before) else {
            return true;
        };
        let mut matches = true;
        for sub in &attribute.sub_attributes {
            let (Mutability::Immutable, Some(before)) = (sub.mutability, before.get(&sub.name))
            else {
                continue;
            };
            let value = now.get(&sub.name);
            matches &= value.is_none_or(|value| is_same(sub, before, value));
            now.insert(sub.name.clone(), before.clone());
        }
        matches
    }

    fn check_required(&self, definitions: &[Attribute], is_new: bool) -> Result<(), Invalid> {
        let is_missing = |attribute: &&Attribute| {
            let values = if attribute.is_secret() {
                &self.secrets
            } else {
                &self.attributes
            };
            attribute.required
                && attribute.mutability != Mutability::ReadOnly
                // A stored secret is kept, and is not seen here.
                && (is_new || !attribute.is_secret())
                && !values.get(&attribute.name).is_some_and(is_present)
        };
        match definitions.iter().find(is_missing) {
            Some(attribute) => {
                let path = self.path(attribute);
                Err(Invalid::value(format!("{path} is required")))
            }
            None => Ok(()),
        }
    }
}

/// S-7643-3-01, S-7643-3-03, S-7644-3.5.1-13.
fn check_schemas(
    body: &Attributes,
    resource_type: &ResourceType,
    tolerance: &Tolerance,
) -> Result<(), Invalid> {
    let base = resource_type.schema.id.as_str();
    let schemas = match member(body, "schemas") {
        Some(Value::Array(schemas)) if !schemas.is_empty() => schemas,
        _ => {
            return Err(Invalid::syntax(format!(
                "schemas must be an array of schema URIs, {base} among them"
            )));
        }
    };
    let mut has_base = false;
    for uri in schemas {
        let Value::String(uri) = uri else {
            return Err(Invalid::syntax("schemas must be an array of strings"));
        };
        let is_base = uri.eq_ignore_ascii_case(base);
        has_base |= is_base;
        let is_known = is_base || resource_type.extension(uri).is_some();
        if !is_known && !tolerance.takes(Switch::ForeignSchemas) {
            let (name, uri) = (&resource_type.name, shown(uri));
            return Err(Invalid::value(format!(
                "schemas: {name} resources have no schema {uri}"
            )));
        }
    }
    if has_base {
        Ok(())
    } else {
        Err(Invalid::syntax(format!("schemas must hold {base}")))
    }
}

fn position(resource_type: &ResourceType, uri: &str) -> Option<usize> {
    resource_type
        .extensions
        .iter()
        .position(|extension| extension.schema.id.eq_ignore_ascii_case(uri))
}

fn refuse_unknown(name: &str, prefix: &str, tolerance: &Tolerance) -> Result<(), Invalid> {
    if tolerance.takes(Switch::UnknownIgnored) {
        return Ok(());
    }
    let name = shown(&format!("{prefix}{name}"));
    Err(Invalid::value(format!("there is no attribute {name}")))
}

fn is_computed(attribute: &Attribute) -> bool {
    COMPUTED.contains(&attribute.name.as_str())
}

fn is_same(attribute: &Attribute, before: &Value, now: &Value) -> bool {
    if before == now {
        return true;
    }
    let comparison = Comparison::of(attribute);
    attribute.r#type != Type::Complex
        && !attribute.multi_valued
        && comparison.key(before).is_some()
        && comparison.key(before) == comparison.key(now)
}

fn immutable(path: &str) -> Invalid {
    Invalid::mutability(format!("{path} is immutable and already has another value"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        ScimType, core,
        schema::{Schema, urn},
    };

    fn object(value: Value) -> Attributes {
        match value {
            Value::Object(members) => members,
            other => panic!("no object: {other}"),
        }
    }

    fn user(members: Value) -> Value {
        let mut body = object(json!({"schemas": [urn::USER], "userName": "bj"}));
        body.extend(object(members));
        Value::Object(body)
    }

    fn post(body: &Value, tolerance: &Tolerance) -> Result<Accepted, Invalid> {
        create(body.clone(), "1", &core::user(), tolerance)
    }

    fn put(body: &Value, old: Value) -> Result<Accepted, Invalid> {
        replace(body, &object(old), &core::user(), &Tolerance::generic())
    }

    #[test]
    fn t_write_resources_are_accepted_in_canonical_form() {
        let shown = |members: Value| {
            let mut shown = object(json!({"schemas": [urn::USER], "id": "1", "userName": "bj"}));
            shown.extend(object(members));
            Value::Object(shown)
        };
        let enterprise = |container: Value| json!({"schemas": [urn::USER, urn::ENTERPRISE_USER], urn::ENTERPRISE_USER: container});
        for (id, body, accepted) in [
            ("T-WRITE-01", user(json!({})), shown(json!({}))),
            (
                "T-WRITE-02",
                json!({"SCHEMAS": [urn::USER.to_uppercase()], "USERNAME": "bj"}),
                shown(json!({})),
            ),
            (
                "T-WRITE-06",
                user(json!({"id": "9", "meta": {"version": 1}, "groups": "x"})),
                shown(json!({})),
            ),
            (
                "T-WRITE-10",
                user(
                    json!({"schemas": [urn::USER, "urn:x", urn::USER], "title": null, "roles": [],
                    "urn:x": {"a": 1}, "shoeSize": 42, urn::ENTERPRISE_USER: {"department": null}}),
                ),
                shown(json!({})),
            ),
            (
                "T-WRITE-11",
                user(json!({urn::ENTERPRISE_USER.to_lowercase(): {"DEPARTMENT": "d", "x": 1}})),
                shown(enterprise(json!({"department": "d"}))),
            ),
            (
                "S-7643-3-05",
                user(json!({"schemas": [urn::USER, urn::ENTERPRISE_USER]})),
                shown(json!({})),
            ),
            (
                "T-WRITE-13",
                user(json!({"active": "False"})),
                shown(json!({"active": false})),
            ),
            (
                "I-TOL-07",
                user(json!({urn::ENTERPRISE_USER: {"manager": "26"}})),
                shown(enterprise(json!({"manager": {"value": "26"}}))),
            ),
        ] {
            let result = post(&body, &Tolerance::generic()).unwrap();
            assert_eq!(Value::Object(result.attributes), accepted, "{id}");
            assert_eq!(result.secrets, Attributes::new(), "{id}");
        }
    }

    #[test]
    fn members_stand_in_the_order_of_a_representation() {
        let body = user(json!({
            urn::ENTERPRISE_USER: {"department": "d"}, "active": true, "password": "p",
        }));
        let accepted = post(&body, &Tolerance::generic()).unwrap();
        let names: Vec<_> = accepted.attributes.keys().map(String::as_str).collect();
        let expected = ["schemas", "id", "userName", "active", urn::ENTERPRISE_USER];
        assert_eq!(names, expected);
    }

    #[test]
    fn t_write_bodies_are_refused() {
        use ScimType::{InvalidSyntax, InvalidValue};
        let without = json!({"schemas": [urn::USER]});
        let primaries = json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]);
        for (id, body, expected) in [
            ("T-WRITE-07", without, InvalidValue),
            ("T-WRITE-07", user(json!({"userName": ""})), InvalidValue),
            ("T-WRITE-07", user(json!({"userName": null})), InvalidValue),
            ("T-WRITE-08", json!({"userName": "bj"}), InvalidSyntax),
            ("T-WRITE-08", user(json!({"schemas": []})), InvalidSyntax),
            ("T-WRITE-08", user(json!({"schemas": null})), InvalidSyntax),
            (
                "T-WRITE-08",
                user(json!({"schemas": urn::USER})),
                InvalidSyntax,
            ),
            (
                "T-WRITE-08",
                user(json!({"schemas": [1, urn::USER]})),
                InvalidSyntax,
            ),
            ("T-WRITE-08", json!([]), InvalidSyntax),
            ("T-WRITE-08", json!("x"), InvalidSyntax),
            (
                "S-7643-3-03",
                user(json!({"schemas": [urn::ENTERPRISE_USER]})),
                InvalidSyntax,
            ),
            (
                "S-7644-3.5.1-13",
                user(json!({"schemas": [urn::GROUP]})),
                InvalidSyntax,
            ),
            (
                "T-WRITE-12",
                user(json!({"emails": primaries})),
                InvalidValue,
            ),
            ("T-WRITE-14", user(json!({"active": "no"})), InvalidValue),
            ("T-WRITE-14", user(json!({"emails": "a@b"})), InvalidValue),
            ("T-WRITE-14", user(json!({"userName": 5})), InvalidValue),
            (
                "S-7643-3.3-01",
                user(json!({urn::ENTERPRISE_USER: "x"})),
                InvalidValue,
            ),
        ] {
            for refused in [
                post(&body, &Tolerance::generic()),
                put(&body, json!({"id": "1", "userName": "bj"})),
            ] {
                assert_eq!(refused.unwrap_err().scim_type, expected, "{id}: {body}");
            }
        }
    }

    #[test]
    fn strict_handling_refuses_what_is_tolerated_otherwise() {
        for (id, members) in [
            ("T-WRITE-13", json!({"active": "False"})),
            ("I-TOL-09", json!({"schemas": [urn::USER, "urn:x"]})),
            ("I-TOL-10", json!({"shoeSize": 42})),
            ("I-TOL-10", json!({"urn:x": {}})),
            ("I-TOL-10", json!({urn::ENTERPRISE_USER: {"x": 1}})),
        ] {
            let body = user(members);
            assert!(post(&body, &Tolerance::generic()).is_ok(), "{id}: {body}");
            let refused = post(&body, &Tolerance::strict()).unwrap_err();
            assert_eq!(refused.scim_type, ScimType::InvalidValue, "{id}: {body}");
        }
    }

    #[test]
    fn t_write_15_groups_have_names_and_keep_their_members() {
        let group = core::group();
        let body = json!({"schemas": [urn::GROUP], "members": [{"value": "u1"}]});
        assert!(create(body.clone(), "1", &group, &Tolerance::generic()).is_err());
        let body =
            json!({"schemas": [urn::GROUP], "displayName": "G", "members": [{"value": "u1"}]});
        let accepted = create(body.clone(), "1", &group, &Tolerance::generic()).unwrap();
        assert_eq!(accepted.attributes["members"], json!([{"value": "u1"}]));
    }

    #[test]
    fn t_write_17_secrets_stand_apart() {
        let accepted = post(&user(json!({"password": "p"})), &Tolerance::generic()).unwrap();
        assert_eq!(accepted.secrets, object(json!({"password": "p"})));
        assert!(!accepted.attributes.contains_key("password"));
    }

    #[test]
    fn t_write_18_put_clears_what_it_does_not_send_but_active_and_secrets() {
        let old = json!({"id": "1", "userName": "bj", "title": "T", "name": {"givenName": "B"},
            "active": false, urn::ENTERPRISE_USER: {"department": "d"}});
        for sent in [
            json!({}),
            json!({"active": null, "password": null, "title": null}),
        ] {
            let replaced = put(&user(sent), old.clone()).unwrap();
            let expected =
                json!({"schemas": [urn::USER], "id": "1", "userName": "bj", "active": false});
            assert_eq!(Value::Object(replaced.attributes), expected);
            assert_eq!(replaced.secrets, Attributes::new());
        }
        let replaced = put(&user(json!({"active": true})), old).unwrap();
        assert_eq!(replaced.attributes["active"], json!(true));
    }

    #[test]
    fn t_write_19_put_ignores_what_is_read_only() {
        let sent = user(json!({"id": "2", "meta": {"version": "x"}, "groups": [{"value": "g"}]}));
        let replaced = put(&sent, json!({"id": "1", "userName": "bj", "meta": {}})).unwrap();
        let expected = json!({"schemas": [urn::USER], "id": "1", "userName": "bj"});
        assert_eq!(Value::Object(replaced.attributes), expected);
    }

    #[test]
    fn t_write_21_put_of_what_was_read_changes_nothing() {
        let body = user(
            json!({"name": {"givenName": "B"}, "emails": [{"value": "a", "primary": true}],
            urn::ENTERPRISE_USER: {"manager": {"value": "26"}}}),
        );
        let created = post(&body, &Tolerance::generic()).unwrap().attributes;
        let mut read = created.clone();
        read.insert("meta".into(), json!({"resourceType": "User"}));
        let replaced = put(&Value::Object(read), Value::Object(created.clone())).unwrap();
        assert_eq!(replaced.attributes, created);
    }

    fn with_badge(extension_required: bool) -> ResourceType {
        let badge = |name: &str, mutability| Attribute {
            name: name.into(),
            mutability,
            ..Attribute::default()
        };
        let holder = Attribute {
            r#type: Type::Complex,
            sub_attributes: vec![
                badge("first", Mutability::Immutable),
                badge("second", Mutability::ReadWrite),
            ],
            ..badge("holder", Mutability::ReadWrite)
        };
        let mut resource_type = core::user();
        resource_type.extensions = vec![Extension {
            schema: Schema {
                id: "urn:x:Badge".into(),
                name: "Badge".into(),
                description: String::new(),
                attributes: vec![
                    badge("number", Mutability::Immutable),
                    badge("printed", Mutability::ReadOnly),
                    holder,
                ],
            },
            required: extension_required,
        }];
        resource_type
    }

    #[test]
    fn t_write_24_immutable_attributes_are_set_once() {
        let resource_type = with_badge(false);
        let old = object(json!({"id": "1", "userName": "bj",
            "urn:x:Badge": {"number": "N1", "printed": "P", "holder": {"first": "F"}}}));
        let kept = json!({"number": "N1", "printed": "P"});
        for (sent, expected) in [
            (json!({}), Some(kept.clone())),
            (
                json!({"urn:x:Badge": {"number": "N1", "printed": "Q"}}),
                Some(kept.clone()),
            ),
            (json!({"urn:x:Badge": {"number": "n1"}}), Some(kept)),
            (json!({"urn:x:Badge": {"number": "N2"}}), None),
            (
                json!({"urn:x:Badge": {"holder": {"second": "S"}}}),
                Some(
                    json!({"number": "N1", "printed": "P", "holder": {"first": "F", "second": "S"}}),
                ),
            ),
            (json!({"urn:x:Badge": {"holder": {"first": "G"}}}), None),
        ] {
            let result = replace(
                &user(sent.clone()),
                &old,
                &resource_type,
                &Tolerance::generic(),
            );
            if let Some(kept) = expected {
                assert_eq!(result.unwrap().attributes["urn:x:Badge"], kept, "{sent}");
            } else {
                let refused = result.unwrap_err();
                assert_eq!(refused.scim_type, ScimType::Mutability, "{sent}");
            }
        }
        let unset = object(json!({"id": "1", "userName": "bj"}));
        let first = user(json!({"urn:x:Badge": {"number": "N1"}}));
        let set = replace(&first, &unset, &resource_type, &Tolerance::generic()).unwrap();
        assert_eq!(set.attributes["urn:x:Badge"], json!({"number": "N1"}));
    }

    #[test]
    fn s_7643_6_03_required_extensions() {
        let resource_type = with_badge(true);
        let refused = create(user(json!({})), "1", &resource_type, &Tolerance::generic());
        assert_eq!(refused.unwrap_err().scim_type, ScimType::InvalidValue);
        let old = object(json!({"id": "1", "urn:x:Badge": {"holder": {"second": "S"}}}));
        let refused = replace(
            &user(json!({})),
            &old,
            &resource_type,
            &Tolerance::generic(),
        );
        assert_eq!(refused.unwrap_err().scim_type, ScimType::InvalidValue);
        let body = user(json!({"urn:x:Badge": {"number": "N1"}}));
        let accepted = create(body.clone(), "1", &resource_type, &Tolerance::generic()).unwrap();
        assert_eq!(
            accepted.attributes["schemas"],
            json!([urn::USER, "urn:x:Badge"])
        );
    }

    #[test]
    fn s_7644_3_5_2_14_schemas_follow_the_containers() {
        for (before, after) in [
            (
                json!({"userName": "bj"}),
                json!({"schemas": [urn::USER], "userName": "bj"}),
            ),
            (
                json!({"schemas": [urn::USER, urn::ENTERPRISE_USER], urn::ENTERPRISE_USER: {}}),
                json!({"schemas": [urn::USER]}),
            ),
            (
                json!({"userName": "bj", "schemas": [], urn::ENTERPRISE_USER: {"division": "d"}}),
                json!({"schemas": [urn::USER, urn::ENTERPRISE_USER], "userName": "bj",
                    urn::ENTERPRISE_USER: {"division": "d"}}),
            ),
        ] {
            let mut attributes = object(before);
            normalize_schemas(&mut attributes, &core::user());
            assert_eq!(
                attributes.keys().next().map(String::as_str),
                Some("schemas")
            );
            assert_eq!(Value::Object(attributes), after);
        }
    }
}
