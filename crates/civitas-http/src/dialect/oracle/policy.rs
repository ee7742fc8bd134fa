//! The password policy of a tenant, which is the directory's: its rules as the service names them.

use std::fmt::Write as _;

use civitas_directory::{
    Error, Outcome,
    credential::{DAY_MS, MINUTE_MS, Policy},
    settings::{Change, Key},
};
use civitas_scim::{
    patch::{Op, Operation},
    schema::ResourceType,
};
use http::Method;
use serde_json::{Map, Value, json};

use super::{
    call::Call,
    discovery,
    fault::{Failure, Fault},
    parameters::Parameters,
    write,
};
use crate::reply::Reply;

/// The collection, and the type of what is in it.
pub(super) const POLICIES: &str = "PasswordPolicies";
pub(super) const TYPE: &str = "PasswordPolicy";

const SCHEMA: &str = "urn:ietf:params:scim:schemas:oracle:idcs:PasswordPolicy";

/// The policy of all users for whom there is no other: the only one here.
const DEFAULT: &str = "PasswordPolicy";

/// Hours of a day, in which the directory counts how long a password is kept at least.
const HOURS: i64 = 24;

/// A rule: its name, its value in a policy, where 0 stands for no limit, and the directory's word for
/// a value; `None` where it has none.
struct Rule {
    name: &'static str,
    value: fn(&Policy) -> i64,
    word: fn(i64) -> Option<String>,
}

const RULES: &[Rule] = &[
    Rule {
        name: "minLength",
        value: |it| number(it.min_chars),
        word: |value| Some(format!("min_chars={value}")),
    },
    Rule {
        name: "maxLength",
        value: |it| number(it.max_chars),
        // It is as it is.
        word: |value| (value == number(Policy::STANDARD.max_chars)).then(String::new),
    },
    Rule {
        name: "numPasswordsInHistory",
        value: |it| number(it.history),
        word: |value| Some(format!("history={value}")),
    },
    Rule {
        name: "minPasswordAge",
        value: |it| it.min_age_ms / DAY_MS,
        word: |value| Some(format!("min_age_hours={}", value.checked_mul(HOURS)?)),
    },
    Rule {
        name: "passwordExpiresAfter",
        value: |it| it.max_age_ms.unwrap_or(0) / DAY_MS,
        word: |value| {
            Some(match value {
                0 => "max_age_months=unlimited".to_owned(),
                days => format!("max_age_days={days}"),
            })
        },
    },
    Rule {
        name: "maxIncorrectAttempts",
        value: |it| i64::from(it.lock.failures),
        word: |value| Some(format!("failures={value}")),
    },
    Rule {
        name: "lockoutDuration",
        value: |it| it.lock.lasts_ms.unwrap_or(0) / MINUTE_MS,
        word: |value| {
            Some(match value {
                0 => "lock_hours=unlimited".to_owned(),
                minutes => format!("lock_minutes={minutes}"),
            })
        },
    },
];

fn number(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Answers a request about all policies.
pub(super) fn list(call: &Call<'_>, parameters: &Parameters) -> Result<Reply, Failure> {
    let document = document(call, call.scope.password_policy.as_ref());
    let rows = document.as_object().cloned().into_iter().collect();
    discovery::listed(rows, &row_type(), parameters)
}

/// Answers a request about one policy.
pub(super) async fn one(call: &Call<'_>, id: &str) -> Result<Reply, Failure> {
    if id != DEFAULT {
        return Err(Fault::no_such(TYPE, id).into());
    }
    let present = call.scope.password_policy.unwrap_or_else(simple);
    let policy = match *call.method {
        Method::DELETE => return Err(Fault::not_supported("DELETE", TYPE, id).into()),
        Method::PUT => {
            let body = call.object()?;
            let Value::Object(body) = body else {
                return Err(Fault::payload("The request body is not a JSON object.").into());
            };
            set(call, simple(), &replaced(&body)?).await?
        }
        Method::PATCH => {
            let operations = write::operations(&call.object()?)?;
            set(call, present, &patched(&operations)?).await?
        }
        _ => {
            let document = document(call, call.scope.password_policy.as_ref());
            return Ok(Call::answer(Outcome::Answered, &document));
        }
    };
    Ok(Call::answer(
        Outcome::Answered,
        &document(call, Some(&policy)),
    ))
}

/// The rules of a tenant that has chosen none: passwords are as long as they must be.
fn simple() -> Policy {
    let mut policy = Policy::STANDARD;
    policy.groups = 1;
    policy
}

/// The policy with other values.
async fn set(call: &Call<'_>, policy: Policy, values: &[(&Rule, i64)]) -> Result<Policy, Failure> {
    let mut text = policy.customized().to_string();
    for (rule, value) in values {
        let word = (rule.word)(*value);
        let word = word.ok_or_else(|| out_of_range(rule.name, *value))?;
        // A text takes whatever is written.
        let _ = write!(text, " {word}");
        if text.parse::<Policy>().is_err() {
            return Err(out_of_range(rule.name, *value).into());
        }
    }
    let policy: Policy = text.parse().map_err(|()| Error::Conflict)?;
    let change = Change::new(Key::PasswordPolicy, Some(policy.to_string()));
    let change = change.map_err(|error| Error::Unavailable(error.to_string()))?;
    let directory = call.directory();
    directory.change_settings(call.tenant, &[change]).await?;
    Ok(policy)
}

fn out_of_range(name: &str, value: i64) -> Fault {
    let id = "error.common.validation.invalidValue";
    Fault::invalid(
        id,
        format!("The value {value} of {name} is not one that can be set."),
    )
}

/// The values of a whole policy.
fn replaced(body: &Map<String, Value>) -> Result<Vec<(&'static Rule, i64)>, Fault> {
    let schemas = body.get("schemas").and_then(Value::as_array);
    let schemas = schemas.ok_or_else(|| Fault::missing(&["schemas".to_owned()]))?;
    let names = |it: &Value| {
        it.as_str()
            .is_some_and(|it| it.eq_ignore_ascii_case(SCHEMA))
    };
    if !schemas.iter().any(names) {
        return Err(Fault::payload(format!(
            "The schemas attribute must hold {SCHEMA}."
        )));
    }
    values(body)
}

/// The values of members that are rules.
fn values(body: &Map<String, Value>) -> Result<Vec<(&'static Rule, i64)>, Fault> {
    // What is told of it and is no rule may be sent back.
    const TOLD: [&str; 9] = [
        "schemas",
        "id",
        "meta",
        "name",
        "description",
        "passwordStrength",
        "domainOcid",
        "compartmentOcid",
        "tenancyOcid",
    ];
    let members = body.iter().filter(|(name, value)| {
        !value.is_null() && !TOLD.iter().any(|it| it.eq_ignore_ascii_case(name))
    });
    members
        .map(|(name, value)| one_value(name, value))
        .collect()
}

fn one_value(name: &str, value: &Value) -> Result<(&'static Rule, i64), Fault> {
    let rule = RULES.iter().find(|it| it.name.eq_ignore_ascii_case(name));
    let rule = rule.ok_or_else(|| {
        let id = "error.common.validation.invalidAttribute";
        Fault::invalid(id, format!("The rule {name} cannot be set."))
    })?;
    let not = || Fault::payload(format!("{name} must be an integer."));
    Ok((rule, value.as_i64().ok_or_else(not)?))
}

/// The values that operations set.
fn patched(operations: &[Operation]) -> Result<Vec<(&'static Rule, i64)>, Fault> {
    let mut set = Vec::new();
    for operation in operations {
        let value = operation.value.as_ref();
        match (operation.path.as_deref(), operation.op) {
            (Some(path), Op::Remove) => set.push(one_value(bare(path), &json!(0))?),
            (Some(path), _) => {
                let value = value.unwrap_or(&Value::Null);
                set.push(one_value(bare(path), value)?);
            }
            (None, _) => {
                let members = value.and_then(Value::as_object);
                let not = || Fault::payload("value must be an object where there is no path.");
                set.extend(values(members.ok_or_else(not)?)?);
            }
        }
    }
    Ok(set)
}

/// The name at the end of a path that may begin with the schema.
fn bare(path: &str) -> &str {
    path.rsplit(':').next().unwrap_or(path)
}

/// The policy as the service shows it; `None` of a tenant that has chosen none.
fn document(call: &Call<'_>, policy: Option<&Policy>) -> Value {
    let strength = match policy.map(Policy::name) {
        None => "Simple",
        Some("standard") => "Standard",
        Some(_) => "Custom",
    };
    let policy = policy.unwrap_or(&Policy::STANDARD);
    let mut document = json!({
        "schemas": [SCHEMA],
        "id": DEFAULT,
        "name": DEFAULT,
        "passwordStrength": strength,
        "meta": {
            "resourceType": TYPE,
            "location": call.url(&format!("{POLICIES}/{DEFAULT}")),
        },
    });
    for rule in RULES {
        match (rule.value)(policy) {
            0 => {}
            value => document[rule.name] = value.into(),
        }
    }
    document
}

fn row_type() -> ResourceType {
    discovery::row_type(POLICIES, SCHEMA, &["id", "name", "passwordStrength"], &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_words() {
        let policy: Policy = "custom min_chars=9 failures=4 lock_minutes=15 max_age_days=10"
            .parse()
            .unwrap();
        for rule in RULES {
            let word = (rule.word)((rule.value)(&policy)).unwrap();
            let text = format!("{policy} {word}");
            assert_eq!(text.parse::<Policy>(), Ok(policy), "{}", rule.name);
        }
    }
}
