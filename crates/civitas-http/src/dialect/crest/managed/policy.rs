//! Policies: what values properties may have. Pure.

use serde_json::{Map, Value, json};

use super::property::{Property, Shape};

/// A rule about the values of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    MinimumLength(usize),
    MaximumLength(usize),
    CannotContain(&'static str),
    EmailFormat,
    PhonePattern,
    OneOf(&'static [&'static str]),
    /// Nobody else's user name: decided where names can be looked up.
    ValidUsername,
    /// The rules of new passwords.
    Password,
    /// A query filter.
    QueryFilter,
}

/// The pattern of telephone numbers.
pub(super) const PHONE: &str = r"^\+?([0-9\- \(\)])*$";

/// Fewest characters of a password.
const MIN_PASSWORD: usize = 8;
/// A password may contain no run of so many characters of these properties, in either
/// direction.
const MATCHED_RUN: usize = 5;
const MATCHED: [&str; 4] = ["mail", "userName", "givenName", "sn"];

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const SPECIALS: &str = "~!@#$%^&*()-_=+[]{}|;:,.<>/?\"'\\`";

/// A policy that a value fails: one requirement of one property.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failed {
    pub(super) property: String,
    requirement: &'static str,
    params: Option<Value>,
}

impl Failed {
    pub(super) fn new(property: &str, requirement: &'static str) -> Self {
        Self {
            property: property.to_owned(),
            requirement,
            params: None,
        }
    }

    /// The identifier is to be the property's value.
    pub(super) fn id_must_equal(property: &str) -> Self {
        let params = json!({ "propertyName": property });
        Self::with("_id", "ID_MUST_EQUAL_PROPERTY", params)
    }

    fn with(property: &str, requirement: &'static str, params: Value) -> Self {
        Self {
            params: Some(params),
            ..Self::new(property, requirement)
        }
    }
}

/// The outcome of an evaluation, as it is told.
pub(super) fn told(failed: &[Failed]) -> Value {
    let each = failed.iter().map(|failed| {
        let mut requirement = Map::new();
        if let Some(params) = &failed.params {
            requirement.insert("params".into(), params.clone());
        }
        let name = Value::from(failed.requirement);
        requirement.insert("policyRequirement".into(), name);
        json!({ "policyRequirements": [requirement], "property": failed.property })
    });
    let each: Vec<Value> = each.collect();
    json!({ "result": each.is_empty(), "failedPolicyRequirements": each })
}

/// Evaluates the policies of properties for an object, all but those that need a look-up.
pub(super) fn evaluate<'p>(
    properties: impl IntoIterator<Item = &'p Property>,
    object: &Map<String, Value>,
) -> Vec<Failed> {
    let mut failed = Vec::new();
    for property in properties {
        check(property, object, &mut failed);
    }
    failed
}

fn check(property: &Property, object: &Map<String, Value>, failed: &mut Vec<Failed>) {
    let name = property.name.as_ref();
    let value = match object.get(name) {
        None if property.required => return failed.push(Failed::new(name, "REQUIRED")),
        Some(Value::Null) if property.required => {
            return failed.push(Failed::new(name, "NOT_NULL"));
        }
        None | Some(Value::Null) => return,
        Some(value) => value,
    };
    let is_empty = match value {
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        _ => false,
    };
    if property.required && is_empty {
        failed.push(Failed::new(name, "REQUIRED"));
    }
    if !fits(property.shape, value) {
        let params = json!({
            "invalidType": type_name(value),
            "validTypes": [property.shape.names()],
        });
        return failed.push(Failed::with(name, "VALID_TYPE", params));
    }
    if property.shape == Shape::Texts
        && let Value::Array(elements) = value
    {
        for (at, element) in elements
            .iter()
            .enumerate()
            .filter(|(_, it)| !it.is_string())
        {
            let params = json!({ "invalidType": type_name(element), "validTypes": ["string"] });
            let element = format!("{name}[{at}]");
            failed.push(Failed::with(&element, "VALID_TYPE", params));
        }
    }
    if let Value::String(text) = value {
        for policy in property.policies {
            policy.check(name, text, object, failed);
        }
    }
}

fn fits(shape: Shape, value: &Value) -> bool {
    match shape {
        Shape::Text => value.is_string(),
        Shape::Number => value.is_number(),
        Shape::Boolean => value.is_boolean(),
        Shape::Object => value.is_object(),
        Shape::Texts | Shape::List => value.is_array(),
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

impl Policy {
    fn check(self, name: &str, text: &str, object: &Map<String, Value>, failed: &mut Vec<Failed>) {
        let length = || text.chars().count();
        let broken = match self {
            Self::MinimumLength(least) if length() < least => {
                Failed::with(name, "MIN_LENGTH", json!({ "minLength": least }))
            }
            Self::MaximumLength(most) if length() > most => {
                Failed::with(name, "MAX_LENGTH", json!({ "maxLength": most }))
            }
            Self::CannotContain(letters) if text.contains(|it| letters.contains(it)) => {
                let params = json!({ "forbiddenChars": spaced(letters) });
                Failed::with(name, "CANNOT_CONTAIN_CHARACTERS", params)
            }
            Self::EmailFormat if !text.is_empty() && !is_address(text) => {
                Failed::new(name, "VALID_EMAIL_ADDRESS_FORMAT")
            }
            Self::PhonePattern if !is_phone(text) => {
                let params = json!({ "regexp": PHONE, "flags": "" });
                Failed::with(name, "MATCH_REGEXP", params)
            }
            Self::OneOf(values) if !values.iter().any(|it| it.eq_ignore_ascii_case(text)) => {
                Failed::with(name, "VALID_ENUM_VALUE", json!({ "enumValues": values }))
            }
            Self::QueryFilter
                if !text.is_empty() && super::super::filter::Filter::parse(text).is_err() =>
            {
                Failed::new(name, "VALID_QUERY_FILTER")
            }
            Self::Password => return password(name, text, object, failed),
            _ => return,
        };
        failed.push(broken);
    }
}

fn spaced(letters: &str) -> String {
    let letters: Vec<String> = letters.chars().map(String::from).collect();
    letters.join(", ")
}

/// Something, an at sign, something with a dot within.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let dotted = domain
        .char_indices()
        .any(|(at, letter)| letter == '.' && at > 0 && at + 1 < domain.len());
    !local.is_empty() && dotted
}

/// Whether [`PHONE`] matches.
fn is_phone(text: &str) -> bool {
    let rest = text.strip_prefix('+').unwrap_or(text);
    rest.bytes()
        .all(|it| it.is_ascii_digit() || b"- ()".contains(&it))
}

fn password(name: &str, text: &str, object: &Map<String, Value>, failed: &mut Vec<Failed>) {
    if text.chars().count() < MIN_PASSWORD {
        let params = json!({ "min-password-length": MIN_PASSWORD, "max-password-length": 0 });
        failed.push(Failed::with(name, "LENGTH_BASED", params));
    }
    let matched = MATCHED.iter().filter_map(|it| object.get(*it)?.as_str());
    if matched.into_iter().any(|value| shares_run(text, value)) {
        let params = json!({
            "match-attributes": MATCHED,
            "test-reversed-password": true,
            "check-substrings": true,
            "min-substring-length": MATCHED_RUN,
        });
        failed.push(Failed::with(name, "ATTRIBUTE_VALUE", params));
    }
    let sets = [LOWER, UPPER, DIGITS, SPECIALS];
    if !sets.iter().all(|set| text.contains(|it| set.contains(it))) {
        let sets: Vec<String> = sets.iter().map(|set| format!("1:{set}")).collect();
        let params = json!({ "character-sets": sets, "allow-unclassified-characters": true });
        failed.push(Failed::with(name, "CHARACTER_SET", params));
    }
}

/// Whether a password contains a run of a value, forwards or backwards, without case.
fn shares_run(password: &str, value: &str) -> bool {
    let password = password.to_lowercase();
    let letters: Vec<char> = value.to_lowercase().chars().collect();
    letters.windows(MATCHED_RUN).any(|run| {
        let forwards: String = run.iter().collect();
        let backwards: String = run.iter().rev().collect();
        password.contains(&forwards) || password.contains(&backwards)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::crest::managed::user;

    fn failures(object: &Value) -> Vec<String> {
        let object = object.as_object().unwrap();
        let failed = evaluate(user::properties(), object);
        let told = failed.iter();
        told.map(|it| format!("{} {}", it.property, it.requirement))
            .collect()
    }

    #[test]
    fn each_policy_is_one_failure() {
        let good = json!({
            "userName": "amir", "givenName": "Amir", "sn": "Okoye", "mail": "amir@example.org",
        });
        assert!(failures(&good).is_empty());
        for (change, expected) in [
            (
                json!({ "mail": "nowhere" }),
                &["mail VALID_EMAIL_ADDRESS_FORMAT"][..],
            ),
            (json!({ "mail": null }), &["mail NOT_NULL"]),
            (json!({ "sn": "" }), &["sn REQUIRED"]),
            (json!({ "city": 7 }), &["city VALID_TYPE"]),
            (json!({ "city": null }), &[]),
            (json!({ "manager": [] }), &["manager VALID_TYPE"]),
            (
                json!({ "aliasList": ["a", 1] }),
                &["aliasList[1] VALID_TYPE"],
            ),
            (
                json!({ "userName": "a/b" }),
                &["userName CANNOT_CONTAIN_CHARACTERS"],
            ),
            (
                json!({ "userName": "" }),
                &["userName REQUIRED", "userName MIN_LENGTH"],
            ),
            (
                json!({ "userName": "a".repeat(256) }),
                &["userName MAX_LENGTH"],
            ),
            (json!({ "telephoneNumber": "+41 (0)31" }), &[]),
            (
                json!({ "telephoneNumber": "phone" }),
                &["telephoneNumber MATCH_REGEXP"],
            ),
            (
                json!({ "accountStatus": "locked" }),
                &["accountStatus VALID_ENUM_VALUE"],
            ),
            (json!({ "password": "Blue-Kettle-42" }), &[]),
            (json!({ "password": "Ab-4" }), &["password LENGTH_BASED"]),
            (
                json!({ "password": "bluekettle" }),
                &["password CHARACTER_SET"],
            ),
            (
                json!({ "password": "Eyoko-1234" }),
                &["password ATTRIBUTE_VALUE"],
            ),
        ] {
            let mut object = good.clone();
            for (name, value) in change.as_object().unwrap() {
                object[name] = value.clone();
            }
            assert_eq!(failures(&object), expected, "{change}");
        }
        let empty = ["userName", "givenName", "sn", "mail"].map(|it| format!("{it} REQUIRED"));
        assert_eq!(failures(&json!({})), empty);
    }

    #[test]
    fn a_failure_is_told_with_its_parameters_first() {
        let object = json!({ "userName": "a", "givenName": 7, "sn": "O", "mail": "a@b.c" });
        let failed = evaluate(user::properties(), object.as_object().unwrap());
        assert_eq!(
            told(&failed).to_string(),
            r#"{"result":false,"failedPolicyRequirements":[{"policyRequirements":[{"params":{"invalidType":"number","validTypes":["string"]},"policyRequirement":"VALID_TYPE"}],"property":"givenName"}]}"#
        );
    }
}
