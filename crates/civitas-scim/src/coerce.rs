//! Values from clients brought to canonical form: checked against the definition of their
//! attribute, names in registered spelling, unassigned parts left out (RFC 7643 §2).
//!
//! What a tolerance lets through leaves here in the standard form, so that nothing behind
//! this module knows of tolerances. Values themselves stay as sent, except for instants.

use std::{collections::HashMap, fmt};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::Value;

use crate::{
    Attributes, Invalid,
    path::shown,
    schema::{Attribute, Format, Mutability, Type},
    tolerance::{Switch, Tolerance},
    value::{Comparison, is_present, parse_instant},
};

/// Longest text of one value, in bytes.
pub const MAX_STRING: usize = 64 * 1024;

/// Most elements of a multi-valued attribute.
pub const MAX_ELEMENTS: usize = 10_000;

/// Most elements of a multi-valued attribute whose elements only refer to something, such
/// as `members`.
pub const MAX_REFERENCES: usize = 100_000;

/// Longest text of a language tag or a time zone name, in bytes.
const MAX_NAME: usize = 128;

/// RFC 4648 §4, with or without padding (RFC 7643 §2.3.6).
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The canonical form of a value for a whole attribute (an array if multi-valued), or for a
/// whole sub-attribute; `None` if it leaves the attribute unassigned (RFC 7643 §2.5).
///
/// Mutability of `attribute` itself is the caller's concern; of its sub-attributes, those
/// that are readOnly are dropped. `at` names the attribute in errors, which never repeat
/// the value.
///
/// # Errors
///
/// `invalidValue` if the value does not fit the definition.
pub fn value(
    attribute: &Attribute,
    value: Value,
    tolerance: &Tolerance,
    at: &str,
) -> Result<Option<Value>, Invalid> {
    Coercion { tolerance }.whole(attribute, value, Place::root(at))
}

/// As [`value`], of a whole attribute whose path is its name after `prefix`: nothing, or the URI
/// of an extension with a colon.
///
/// # Errors
///
/// As [`value`].
pub fn attribute(
    attribute: &Attribute,
    value: Value,
    tolerance: &Tolerance,
    prefix: &str,
) -> Result<Option<Value>, Invalid> {
    let place = Place {
        within: None,
        prefix,
        name: &attribute.name,
    };
    Coercion { tolerance }.whole(attribute, value, place)
}

/// The canonical form of one element of a multi-valued attribute; `None` if nothing of it
/// is assigned. Otherwise as [`value`].
///
/// # Errors
///
/// `invalidValue` if the element does not fit the definition.
pub fn element(
    attribute: &Attribute,
    value: Value,
    tolerance: &Tolerance,
    at: &str,
) -> Result<Option<Value>, Invalid> {
    Coercion { tolerance }.one(attribute, value, Place::root(at))
}

/// The text of an instant in microseconds since 1970: UTC with `Z`, milliseconds at most,
/// and those only when they are not zero (RFC 7643 §2.3.5). `None` for an instant outside
/// the years -9999 to 9999.
pub fn instant_text(microseconds: i64) -> Option<String> {
    let instant = jiff::Timestamp::from_millisecond(microseconds.div_euclid(1_000)).ok()?;
    Some(instant.to_string())
}

/// Where a value stands. Put into words only when something is wrong with it: a group has
/// thousands of values, and mostly no error.
#[derive(Clone, Copy)]
struct Place<'p> {
    within: Option<&'p Place<'p>>,
    prefix: &'p str,
    name: &'p str,
}

impl<'p> Place<'p> {
    fn root(name: &'p str) -> Self {
        Place {
            within: None,
            prefix: "",
            name,
        }
    }

    fn sub(&'p self, name: &'p str) -> Self {
        Place {
            within: Some(self),
            prefix: "",
            name,
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(within) = self.within {
            write!(f, "{within}.")?;
        }
        f.write_str(self.prefix)?;
        f.write_str(self.name)
    }
}

struct Coercion<'t> {
    tolerance: &'t Tolerance,
}

impl Coercion<'_> {
    fn whole(
        &self,
        attribute: &Attribute,
        value: Value,
        place: Place<'_>,
    ) -> Result<Option<Value>, Invalid> {
        match value {
            Value::Null => Ok(None),
            Value::Array(elements) if attribute.multi_valued => {
                self.list(attribute, elements, place)
            }
            _ if attribute.multi_valued => Err(wrong(place, "an array", &value)),
            _ => self.singular(attribute, value, place),
        }
    }

    fn list(
        &self,
        attribute: &Attribute,
        elements: Vec<Value>,
        place: Place<'_>,
    ) -> Result<Option<Value>, Invalid> {
        let most = max_elements(attribute);
        if elements.len() > most {
            return Err(Invalid::value(format!(
                "{place} has {} elements; at most {most} are accepted",
                elements.len()
            )));
        }
        let mut kept = Vec::with_capacity(elements.len());
        for element in elements {
            kept.extend(self.one(attribute, element, place)?);
        }
        one_primary(attribute, &kept, place)?;
        let kept = without_repeats(attribute, kept);
        Ok((!kept.is_empty()).then_some(Value::Array(kept)))
    }

    fn singular(
        &self,
        attribute: &Attribute,
        value: Value,
        place: Place<'_>,
    ) -> Result<Option<Value>, Invalid> {
        // Both kinds of leniency for a singular attribute concern `manager` in the first
        // place: whatever is like it, complex and known by its `value`, is treated like it.
        let like_manager = attribute.sub_attribute("value").is_some();
        let unwraps = || {
            like_manager && self.tolerance.takes(Switch::ManagerForms)
                || self.tolerance.takes(Switch::UnwrapSingular)
        };
        let value = match value {
            Value::Array(elements) if elements.iter().all(Value::is_null) => return Ok(None),
            Value::Array(mut elements) if elements.len() == 1 && unwraps() => {
                let element = elements.pop().unwrap_or_default();
                match element {
                    Value::Object(mut members) if attribute.r#type != Type::Complex => {
                        members.remove("value").unwrap_or_default()
                    }
                    element => element,
                }
            }
            other => other,
        };
        let is_form = like_manager && is_form_of_reference(&value);
        if is_form && self.tolerance.takes(Switch::ManagerForms) {
            let Value::String(text) = value else {
                return Ok(None);
            };
            if text.is_empty() {
                return Ok(None);
            }
            return self.one(attribute, serde_json::json!({ "value": text }), place);
        }
        self.one(attribute, value, place)
    }

    fn one(
        &self,
        attribute: &Attribute,
        value: Value,
        place: Place<'_>,
    ) -> Result<Option<Value>, Invalid> {
        match (attribute.r#type, value) {
            (_, Value::Null) => Ok(None),
            (Type::Complex, Value::Object(members)) => {
                let object = self.object(attribute, members, place)?;
                Ok((!object.is_empty()).then_some(Value::Object(object)))
            }
            (Type::Complex, other) => Err(wrong(place, "an object", &other)),
            (_, value) => self.simple(attribute, value, place).map(Some),
        }
    }

    fn object(
        &self,
        attribute: &Attribute,
        members: Attributes,
        place: Place<'_>,
    ) -> Result<Attributes, Invalid> {
        let mut object = self.members(attribute, members, place)?;
        if attribute.name == "roles"
            && let Some(plain) = unpacked(&object)
            && self.tolerance.takes(Switch::JsonStringRoles)
        {
            object.extend(plain);
        }
        if !object.is_empty() {
            complete(attribute, &object, place)?;
        }
        Ok(object)
    }

    /// The members where they stand, as long as their names are spelled as registered: an
    /// object made anew would hash each name again.
    fn members(
        &self,
        attribute: &Attribute,
        mut members: Attributes,
        place: Place<'_>,
    ) -> Result<Attributes, Invalid> {
        let (mut drops, mut renames) = (false, false);
        for (name, value) in &mut members {
            let sub = attribute.sub_attribute(name);
            renames |= sub.is_some_and(|sub| sub.name != *name);
            *value = self.member(sub, name, value.take(), place)?;
            drops |= value.is_null();
        }
        if drops {
            members.retain(|_, value| !value.is_null());
        }
        if renames {
            let registered = |name: String| match attribute.sub_attribute(&name) {
                Some(sub) => sub.name.clone(),
                None => name,
            };
            let members = members.into_iter();
            return Ok(members
                .map(|(name, value)| (registered(name), value))
                .collect());
        }
        Ok(members)
    }

    /// The canonical form of a member of an object; null if it is left out.
    fn member(
        &self,
        sub: Option<&Attribute>,
        name: &str,
        value: Value,
        place: Place<'_>,
    ) -> Result<Value, Invalid> {
        match sub {
            Some(sub) if sub.mutability == Mutability::ReadOnly => Ok(Value::Null),
            Some(sub) => {
                let value = self.whole(sub, value, place.sub(&sub.name))?;
                Ok(value.unwrap_or_default())
            }
            None if self.tolerance.takes(Switch::UnknownIgnored) => Ok(Value::Null),
            None => Err(Invalid::value(format!(
                "{place} has no sub-attribute of that name: {}",
                shown(name)
            ))),
        }
    }

    fn simple(
        &self,
        attribute: &Attribute,
        value: Value,
        place: Place<'_>,
    ) -> Result<Value, Invalid> {
        match (attribute.r#type, value) {
            (Type::Boolean, Value::String(text)) => match boolean(&text) {
                Some(value) if self.tolerance.takes(Switch::BoolStrings) => Ok(Value::Bool(value)),
                _ => Err(wrong(place, expected(Type::Boolean), &Value::String(text))),
            },
            (Type::Boolean, value @ Value::Bool(_)) | (Type::Decimal, value @ Value::Number(_)) => {
                Ok(value)
            }
            (Type::Integer, value @ Value::Number(_)) if value.is_i64() => Ok(value),
            (Type::String, Value::String(text)) => self.text(attribute, text, place),
            (Type::DateTime, Value::String(text)) => instant(&text, place),
            (Type::Binary, Value::String(text)) => binary(text, place),
            (Type::Reference, Value::String(text)) => reference(text, place),
            (r#type, value) => Err(wrong(place, expected(r#type), &value)),
        }
    }

    fn text(
        &self,
        attribute: &Attribute,
        text: String,
        place: Place<'_>,
    ) -> Result<Value, Invalid> {
        not_too_long(&text, place)?;
        if text.is_empty() && attribute.required {
            return Err(Invalid::value(format!("{place} must not be empty")));
        }
        let fits = text.is_empty()
            || match attribute.format {
                Format::Free | Format::UserName => true,
                Format::LanguagePriority => is_named_with(&text, b"-_,;=.* "),
                Format::LanguageTag => is_named_with(&text, b"-_"),
                Format::TimeZone => is_named_with(&text, b"/_+-:"),
                Format::Country => is_country(&text) || self.tolerance.takes(Switch::CountryFree),
            };
        if fits {
            Ok(Value::String(text))
        } else {
            let form = form(attribute.format);
            Err(Invalid::value(format!("{place} must be {form}")))
        }
    }
}

/// Most elements that the attribute may hold.
pub(crate) fn max_elements(attribute: &Attribute) -> usize {
    if is_identified_by_value(attribute) {
        MAX_REFERENCES
    } else {
        MAX_ELEMENTS
    }
}

/// Whether an element is nothing but its `value`: as for `members`, whose elements come and
/// go but never change (RFC 7643 §4.2).
pub(crate) fn is_identified_by_value(attribute: &Attribute) -> bool {
    attribute
        .sub_attribute("value")
        .is_some_and(|value| value.mutability == Mutability::Immutable)
}

/// RFC 7643 §2.4.
fn one_primary(attribute: &Attribute, elements: &[Value], place: Place<'_>) -> Result<(), Invalid> {
    if attribute.sub_attribute("primary").is_none() {
        return Ok(());
    }
    let is_primary = |element: &&Value| element["primary"] == Value::Bool(true);
    if elements.iter().filter(is_primary).nth(1).is_some() {
        return Err(Invalid::value(format!(
            "{place} marks more than one element as primary"
        )));
    }
    Ok(())
}

/// The elements with those of equal identity merged into the first of them: the same pair
/// of `type` and `value` is not returned twice (RFC 7643 §2.4), and members are equal by
/// their `value`.
pub(crate) fn without_repeats(attribute: &Attribute, elements: Vec<Value>) -> Vec<Value> {
    if elements.len() < 2 {
        return elements;
    }
    let mut seen = Seen::of(elements.len());
    let mut kept: Vec<Value> = Vec::with_capacity(elements.len());
    for element in elements {
        let Some(identity) = identity(attribute, &element) else {
            kept.push(element);
            continue;
        };
        let first = seen.first(identity, kept.len());
        match (kept.get_mut(first), element) {
            (Some(Value::Object(into)), Value::Object(from)) => into.extend(from),
            (Some(_), _) => {}
            (None, element) => kept.push(element),
        }
    }
    kept
}

/// What tells an element from others: its value and its type.
type Identity = (String, String);

/// The places of elements by their identity. A few are found sooner without hashing.
enum Seen {
    Few(Vec<(Identity, usize)>),
    Many(HashMap<Identity, usize>),
}

impl Seen {
    /// Below how many elements there are few.
    const FEW: usize = 16;

    fn of(elements: usize) -> Self {
        if elements < Self::FEW {
            Self::Few(Vec::with_capacity(elements))
        } else {
            Self::Many(HashMap::with_capacity(elements))
        }
    }

    /// The place of the first element of the identity, which is `here` if none was seen.
    fn first(&mut self, identity: Identity, here: usize) -> usize {
        match self {
            Self::Few(seen) => {
                let known = seen.iter().find(|(it, _)| *it == identity);
                let first = known.map_or(here, |(_, first)| *first);
                if first == here {
                    seen.push((identity, here));
                }
                first
            }
            Self::Many(seen) => *seen.entry(identity).or_insert(here),
        }
    }
}

/// What tells an element from others; `None` if nothing does.
pub(crate) fn identity(attribute: &Attribute, element: &Value) -> Option<Identity> {
    if attribute.r#type != Type::Complex {
        return Some((prepared(attribute, element)?, String::new()));
    }
    let definition = attribute.sub_attribute("value")?;
    let value = prepared(definition, element.get("value")?)?;
    let kind = attribute
        .sub_attribute("type")
        .filter(|_| !is_identified_by_value(attribute))
        .and_then(|kind| prepared(kind, element.get("type")?))
        .unwrap_or_default();
    Some((value, kind))
}

fn prepared(attribute: &Attribute, value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(Comparison::of(attribute).prepare(text).into_owned()),
        Value::Object(_) => None,
        other => Some(other.to_string()),
    }
}

fn complete(attribute: &Attribute, object: &Attributes, place: Place<'_>) -> Result<(), Invalid> {
    let missing = attribute.sub_attributes.iter().find(|sub| {
        sub.required
            && sub.mutability != Mutability::ReadOnly
            && !object.get(&sub.name).is_some_and(is_present)
    });
    match missing {
        Some(sub) => Err(Invalid::value(format!(
            "{} is required",
            place.sub(&sub.name)
        ))),
        None => Ok(()),
    }
}

/// Whether a reference is given as a bare string, or as an object whose `value` is empty,
/// which unassigns the attribute.
fn is_form_of_reference(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Object(members) => is_emptied(members),
        _ => false,
    }
}

/// Whether the `value` of a reference is there and empty.
pub(crate) fn is_emptied(reference: &Attributes) -> bool {
    let is_empty = |value: &Value| value.is_null() || value.as_str() == Some("");
    reference
        .iter()
        .any(|(name, value)| name.eq_ignore_ascii_case("value") && is_empty(value))
}

/// The boolean that a text spells, in any case.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    match text {
        _ if is("true") => Some(true),
        _ if is("false") => Some(false),
        _ => None,
    }
}

/// The value and display that an element of `roles` has packed into a text as JSON.
fn unpacked(role: &Attributes) -> Option<Attributes> {
    let text = role.get("value")?.as_str()?;
    let packed: Attributes = text
        .starts_with('{')
        .then(|| serde_json::from_str(text).ok())
        .flatten()?;
    let value = packed.get("value").filter(|it| it.is_string())?;
    let display = packed.get("displayName").filter(|it| it.is_string());
    let mut plain = Attributes::new();
    plain.insert("value".into(), value.clone());
    plain.extend(display.map(|it| ("display".into(), it.clone())));
    Some(plain)
}

fn instant(text: &str, place: Place<'_>) -> Result<Value, Invalid> {
    parse_instant(text)
        .and_then(instant_text)
        .map(Value::String)
        .ok_or_else(|| {
            Invalid::value(format!(
                "{place} must be a date with a time, such as 2011-05-13T04:42:34Z"
            ))
        })
}

fn binary(text: String, place: Place<'_>) -> Result<Value, Invalid> {
    not_too_long(&text, place)?;
    match BASE64.decode(&text) {
        Ok(_) => Ok(Value::String(text)),
        Err(_) => Err(Invalid::value(format!("{place} must be base64 text"))),
    }
}

/// Only what cannot be a URI in any reading is refused: clients keep what they sent.
fn reference(text: String, place: Place<'_>) -> Result<Value, Invalid> {
    not_too_long(&text, place)?;
    if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Invalid::value(format!("{place} must be a URI")));
    }
    Ok(Value::String(text))
}

fn not_too_long(text: &str, place: Place<'_>) -> Result<(), Invalid> {
    if text.len() > MAX_STRING {
        return Err(Invalid::value(format!(
            "{place} is longer than {MAX_STRING} bytes"
        )));
    }
    Ok(())
}

fn is_named_with(text: &str, punctuation: &[u8]) -> bool {
    text.len() <= MAX_NAME
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || punctuation.contains(&byte))
}

/// By its form: the list of assigned codes changes with the world.
fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn form(format: Format) -> &'static str {
    match format {
        Format::Free | Format::UserName => "text",
        Format::LanguagePriority => "a list of languages as in Accept-Language",
        Format::LanguageTag => "a language tag such as en-US",
        Format::TimeZone => "the name of an IANA time zone such as Europe/Berlin",
        Format::Country => "an ISO 3166-1 alpha-2 code such as US",
    }
}

fn expected(r#type: Type) -> &'static str {
    match r#type {
        Type::String | Type::DateTime | Type::Binary | Type::Reference => "a string",
        Type::Boolean => "true or false",
        Type::Decimal => "a number",
        Type::Integer => "an integer without fraction or exponent",
        Type::Complex => "an object",
    }
}

fn wrong(place: Place<'_>, expected: &str, found: &Value) -> Invalid {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "another number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    Invalid::value(format!("{place} must be {expected}, not {found}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{core, schema::urn, tolerance::Switches};

    fn definition(path: &str) -> Attribute {
        let user = core::user();
        let group = core::group();
        let (name, sub) = path.split_once('.').unwrap_or((path, ""));
        let attribute = user
            .base_attribute(name)
            .or_else(|| group.base_attribute(name))
            .or_else(|| user.extension(urn::ENTERPRISE_USER)?.schema.attribute(name))
            .unwrap();
        attribute.sub_attribute(sub).unwrap_or(attribute).clone()
    }

    fn generic(path: &str, sent: Value) -> Result<Option<Value>, Invalid> {
        value(&definition(path), sent, &Tolerance::generic(), path)
    }

    fn strict(path: &str, sent: Value) -> Result<Option<Value>, Invalid> {
        value(&definition(path), sent, &Tolerance::strict(), path)
    }

    #[test]
    fn s_7643_2_5_01_what_is_empty_is_unassigned() {
        for (path, sent) in [
            ("title", json!(null)),
            ("title", json!([])),
            ("name", json!({})),
            ("name", json!({"givenName": null, "familyName": []})),
            ("emails", json!([])),
            ("emails", json!([null, {}, {"value": null}])),
            ("manager", json!({"displayName": "set by the provider"})),
        ] {
            assert_eq!(strict(path, sent.clone()), Ok(None), "{path}: {sent}");
        }
    }

    #[test]
    fn s_7643_2_3_values_that_fit_are_kept() {
        for (path, sent, kept) in [
            ("title", json!(""), json!("")),
            ("active", json!(false), json!(false)),
            ("profileUrl", json!("../a?b#c"), json!("../a?b#c")),
            ("x509Certificates.value", json!("AQI"), json!("AQI")),
            ("x509Certificates.value", json!("AQI="), json!("AQI=")),
            (
                "meta.created",
                json!("2011-05-13T04:42:34"),
                json!("2011-05-13T04:42:34Z"),
            ),
            (
                "meta.created",
                json!("2011-05-13T04:42:34.123456+02:00"),
                json!("2011-05-13T02:42:34.123Z"),
            ),
            (
                "name",
                json!({"GIVENNAME": "B", "familyName": null}),
                json!({"givenName": "B"}),
            ),
            ("locale", json!("en_US"), json!("en_US")),
            ("timezone", json!("Etc/GMT+1"), json!("Etc/GMT+1")),
            (
                "preferredLanguage",
                json!("da, en;q=0.8"),
                json!("da, en;q=0.8"),
            ),
            (
                "roles",
                json!([null, {"VALUE": "a", "Primary": true}, {"value": "b"}]),
                json!([{"value": "a", "primary": true}, {"value": "b"}]),
            ),
        ] {
            assert_eq!(strict(path, sent.clone()), Ok(Some(kept)), "{path}: {sent}");
        }
    }

    #[test]
    fn s_7643_2_3_values_that_do_not_fit_are_refused() {
        for (path, sent) in [
            ("userName", json!("")),
            ("userName", json!(5)),
            ("userName", json!({"value": "a"})),
            ("userName", json!(["a"])),
            ("active", json!("no")),
            ("active", json!(1)),
            ("active", json!(" true")),
            ("emails", json!("a@b")),
            ("emails", json!({"value": "a@b"})),
            ("emails", json!(["a@b"])),
            ("emails", json!([{"value": ["a@b"]}])),
            (
                "emails",
                json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]),
            ),
            ("meta.created", json!("2011-05-13")),
            ("meta.created", json!("yesterday")),
            ("meta.created", json!(1)),
            ("profileUrl", json!("")),
            ("profileUrl", json!("a b")),
            ("profileUrl", json!("a\u{7}")),
            ("x509Certificates.value", json!("A-_B")),
            ("x509Certificates.value", json!("AQI=\n")),
            ("locale", json!("en US")),
            ("timezone", json!("Mars!")),
            ("preferredLanguage", json!("dansk\u{e9}")),
            ("title", json!("x".repeat(MAX_STRING + 1))),
            (
                "roles",
                json!(vec![json!({"value": "a"}); MAX_ELEMENTS + 1]),
            ),
        ] {
            let refused = generic(path, sent).unwrap_err();
            assert_eq!(refused.scim_type, crate::ScimType::InvalidValue);
            assert!(
                refused.detail.starts_with(path),
                "{path}: {}",
                refused.detail
            );
        }
    }

    #[test]
    fn s_7643_2_3_4_01_integers_have_neither_fraction_nor_exponent() {
        let of = |r#type| Attribute {
            r#type,
            ..Attribute::default()
        };
        for (written, is_integer) in [
            ("5", true),
            ("-5", true),
            ("9223372036854775807", true),
            ("9223372036854775808", false),
            ("5.0", false),
            ("5e0", false),
        ] {
            let sent: Value = serde_json::from_str(written).unwrap();
            let integer = value(&of(Type::Integer), sent.clone(), &Tolerance::generic(), "n");
            assert_eq!(integer.is_ok(), is_integer, "{written}");
            let decimal = value(&of(Type::Decimal), sent.clone(), &Tolerance::generic(), "n");
            assert_eq!(decimal, Ok(Some(sent)));
        }
    }

    #[test]
    fn i_tol_01_booleans_as_strings() {
        for (sent, kept) in [("true", true), ("False", false), ("TRUE", true)] {
            assert_eq!(generic("active", json!(sent)), Ok(Some(json!(kept))));
            assert!(strict("active", json!(sent)).is_err());
        }
    }

    #[test]
    fn i_tol_07_forms_of_manager() {
        for (sent, kept) in [
            (json!("26"), Some(json!({"value": "26"}))),
            (json!(["26"]), Some(json!({"value": "26"}))),
            (json!([{"value": "26"}]), Some(json!({"value": "26"}))),
            (
                json!({"Value": "26", "displayName": "J"}),
                Some(json!({"value": "26"})),
            ),
            (json!(""), None),
            (json!([""]), None),
            (json!({"value": ""}), None),
            (json!({"value": null, "$ref": "../Users/26"}), None),
        ] {
            assert_eq!(generic("manager", sent.clone()), Ok(kept), "{sent}");
        }
        assert!(strict("manager", json!("26")).is_err());
        assert!(strict("manager", json!([{"value": "26"}])).is_err());
        assert!(generic("manager", json!(["26", "27"])).is_err());
        assert!(generic("name", json!("Barbara")).is_err());
    }

    #[test]
    fn i_tol_08_one_element_arrays_for_singular_attributes() {
        let unwrapping = Tolerance::new(Switches::NONE.with(Switch::UnwrapSingular));
        let title = value(&definition("title"), json!(["x"]), &unwrapping, "title");
        assert_eq!(title, Ok(Some(json!("x"))));
        assert!(value(&definition("title"), json!([["x"]]), &unwrapping, "title").is_err());
        assert!(
            value(
                &definition("title"),
                json!(["x", "y"]),
                &unwrapping,
                "title"
            )
            .is_err()
        );
    }

    #[test]
    fn i_tol_14_countries_are_checked_under_strict_handling_only() {
        let germany = json!([{"country": "Germany"}]);
        assert_eq!(
            generic("addresses", germany.clone()),
            Ok(Some(germany.clone()))
        );
        let refused = strict("addresses", germany).unwrap_err();
        assert!(refused.detail.starts_with("addresses.country"));
        assert!(strict("addresses", json!([{"country": "DE"}])).is_ok());
    }

    #[test]
    fn s_7644_3_1_04_unknown_sub_attributes() {
        let sent = json!({"givenName": "B", "shoeSize": 42});
        assert_eq!(
            generic("name", sent.clone()),
            Ok(Some(json!({"givenName": "B"})))
        );
        assert!(strict("name", sent).is_err());
    }

    #[test]
    fn s_7643_2_4_08_repeated_elements_become_one() {
        for (path, sent, kept) in [
            (
                "emails",
                json!([{"value": "A@b", "type": "work"}, {"value": "a@b", "type": "Work", "primary": true},
                       {"value": "a@b", "type": "home"}]),
                json!([{"value": "a@b", "type": "Work", "primary": true}, {"value": "a@b", "type": "home"}]),
            ),
            (
                "members",
                json!([{"value": "1"}, {"value": "1", "type": "User"}, {"value": "2"}]),
                json!([{"value": "1", "type": "User"}, {"value": "2"}]),
            ),
            (
                "addresses",
                json!([{"region": "a"}, {"region": "a"}]),
                json!([{"region": "a"}, {"region": "a"}]),
            ),
        ] {
            assert_eq!(generic(path, sent), Ok(Some(kept)), "{path}");
        }
    }

    #[test]
    fn one_element_for_a_patch() {
        let emails = definition("emails");
        let sent = json!({"VALUE": "a@b", "type": null});
        let kept = element(&emails, sent, &Tolerance::generic(), "emails");
        assert_eq!(kept, Ok(Some(json!({"value": "a@b"}))));
        assert_eq!(
            element(&emails, json!({}), &Tolerance::generic(), "emails"),
            Ok(None)
        );
        assert!(element(&emails, json!([]), &Tolerance::generic(), "emails").is_err());
    }

    #[test]
    fn s_7643_4_1_1_05_errors_do_not_repeat_values() {
        let sent = json!(["hunter2"]);
        let refused = generic("password", sent).unwrap_err();
        assert!(!refused.detail.contains("hunter2"));
    }
}
