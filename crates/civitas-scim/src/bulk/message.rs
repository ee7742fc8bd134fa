//! The bulk request as it stands on the wire (RFC 7644 §3.7.3).

use std::collections::HashSet;

use serde_json::Value;

use crate::{
    Attributes, Invalid,
    messages::{owned_message, urn},
    path::shown,
    tolerance::{Switch, Tolerance},
};

/// A bulk request.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Errors after which nothing more is done (`failOnErrors`, at least 1); `None` for no
    /// such number.
    pub fail_on_errors: Option<usize>,
    /// What is to be done, in the order of the request; never empty.
    pub operations: Vec<Operation>,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Create.
    Post,
    /// Replace.
    Put,
    /// Modify.
    Patch,
    /// Delete.
    Delete,
}

/// One operation of a bulk request, its parts not looked at beyond their type.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What it does.
    pub method: Method,
    /// What other operations call the resource it creates. There for POST, and unique among
    /// all operations.
    pub bulk_id: Option<String>,
    /// The endpoint or resource, relative to the base; empty if it was left out.
    pub path: String,
    /// The state that the resource must have: the opaque part of an entity tag.
    pub version: Option<String>,
    /// The body that a request of its own would have.
    pub data: Option<Value>,
}

impl Method {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Post, Self::Put, Self::Patch, Self::Delete]
            .into_iter()
            .find(|it| it.name() == name)
    }
}

impl Job {
    /// Reads a bulk message. What is wrong with a body or a path is told when its operation is
    /// done (S-7644-3.7-10).
    ///
    /// # Errors
    ///
    /// `invalidSyntax` if it is no `BulkRequest`, and for an operation without a known method
    /// or, being a POST, a `bulkId`, or with the `bulkId` of another one; unknown members are
    /// such an error unless they are tolerated. `invalidValue` for a `failOnErrors` that is
    /// no integer of at least 1.
    pub fn parse(body: Value, tolerance: &Tolerance) -> Result<Self, Invalid> {
        let members = owned_message(body, urn::BULK_REQUEST)?;
        let mut operations = None;
        let mut fail_on_errors = None;
        for (name, value) in members {
            match name.to_ascii_lowercase().as_str() {
                "operations" => operations = Some(value),
                "failonerrors" if !value.is_null() => {
                    fail_on_errors = Some(error_count(&value, tolerance)?);
                }
                "schemas" | "failonerrors" => {}
                _ if tolerance.takes(Switch::UnknownIgnored) => {}
                _ => return Err(Invalid::syntax(format!("unknown member: {}", shown(&name)))),
            }
        }
        let operations = match operations {
            Some(Value::Array(operations)) if !operations.is_empty() => operations,
            _ => {
                return Err(Invalid::syntax(
                    "Operations must be an array that is not empty",
                ));
            }
        };
        let operations = operations
            .into_iter()
            .enumerate()
            .map(|(index, operation)| {
                Operation::parse(operation, tolerance)
                    .map_err(|what| Invalid::syntax(format!("operation {}: {what}", index + 1)))
            })
            .collect::<Result<Vec<_>, _>>()?;
        refuse_repeated(&operations)?;
        Ok(Self {
            fail_on_errors,
            operations,
        })
    }
}

impl Operation {
    fn parse(written: Value, tolerance: &Tolerance) -> Result<Self, String> {
        let Value::Object(members) = written else {
            return Err("it must be an object".to_owned());
        };
        let mut method = None;
        let mut operation = Self {
            method: Method::Delete,
            bulk_id: None,
            path: String::new(),
            version: None,
            data: None,
        };
        for (name, value) in members {
            match name.to_ascii_lowercase().as_str() {
                "method" => method = value.as_str().and_then(Method::named),
                "bulkid" => operation.bulk_id = text("bulkId", value)?,
                "path" => operation.path = text("path", value)?.unwrap_or_default(),
                "version" => {
                    let version = text("version", value)?;
                    operation.version = version.map(|tag| opaque(&tag).to_owned());
                }
                "data" => operation.data = Some(value).filter(|data| !data.is_null()),
                _ if tolerance.takes(Switch::UnknownIgnored) => {}
                _ => return Err(format!("unknown member: {}", shown(&name))),
            }
        }
        operation.method = method.ok_or("method must be POST, PUT, PATCH or DELETE")?;
        match (operation.method, operation.bulk_id.as_deref()) {
            (Method::Post, None) => Err("POST needs a bulkId".to_owned()),
            (_, Some("")) => Err("bulkId must not be empty".to_owned()),
            _ => Ok(operation.with_patch_schema()),
        }
    }

    /// The body of a PATCH may leave its `schemas` out: its method says what it is
    /// (S-7644-3.7-12).
    fn with_patch_schema(mut self) -> Self {
        if self.method == Method::Patch
            && let Some(Value::Object(data)) = &mut self.data
            && !data.keys().any(|it| it.eq_ignore_ascii_case("schemas"))
        {
            data.insert("schemas".into(), Value::from(vec![urn::PATCH_OP]));
        }
        self
    }
}

fn refuse_repeated(operations: &[Operation]) -> Result<(), Invalid> {
    let mut known = HashSet::with_capacity(operations.len());
    let mut ids = operations.iter().filter_map(|it| it.bulk_id.as_deref());
    match ids.find(|id| !known.insert(*id)) {
        Some(id) => Err(Invalid::syntax(format!(
            "two operations have the bulkId {}",
            shown(id)
        ))),
        None => Ok(()),
    }
}

fn text(name: &str, value: Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(format!("{name} must be a string")),
    }
}

fn error_count(value: &Value, tolerance: &Tolerance) -> Result<usize, Invalid> {
    let count = match value {
        Value::String(text) if tolerance.takes(Switch::NumberStrings) => text.parse().ok(),
        value => value.as_u64(),
    };
    count
        .and_then(|count| usize::try_from(count).ok())
        .filter(|count| *count > 0)
        .ok_or_else(|| Invalid::value("failOnErrors must be an integer of at least 1"))
}

/// The opaque part of an entity tag: quotes and the mark of weakness have no say
/// (S-7644-3.14-04).
fn opaque(tag: &str) -> &str {
    let tag = tag.trim();
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    let quoted = tag.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    quoted.unwrap_or(tag)
}

/// The members of an operation's body, as far as it has any.
pub(super) fn members(data: &mut Option<Value>) -> Option<&mut Attributes> {
    data.as_mut().and_then(Value::as_object_mut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(body: Value) -> Result<Job, Invalid> {
        Job::parse(body, &Tolerance::generic())
    }

    fn job(operations: &Value) -> Value {
        json!({ "schemas": [urn::BULK_REQUEST], "Operations": operations })
    }

    #[test]
    fn s_7644_3_7_03_operations_are_read() {
        let read = parse(json!({
            "schemas": [urn::BULK_REQUEST],
            "failOnErrors": 2,
            "operations": [
                { "method": "POST", "bulkId": "q", "path": "/Users", "data": { "a": 1 } },
                { "Method": "PATCH", "path": "/Users/7", "version": "W/\"3\"", "data": {} },
                { "method": "DELETE", "bulkId": "d", "path": "/Users/8", "version": "3", "data": null },
            ],
        }))
        .unwrap();
        assert_eq!(read.fail_on_errors, Some(2));
        let [post, patch, delete] = &read.operations[..] else {
            panic!("{read:?}");
        };
        assert_eq!(
            (post.method, post.bulk_id.as_deref()),
            (Method::Post, Some("q"))
        );
        assert_eq!(post.data, Some(json!({ "a": 1 })));
        assert_eq!(
            (patch.method, patch.version.as_deref()),
            (Method::Patch, Some("3"))
        );
        assert_eq!(patch.data, Some(json!({ "schemas": [urn::PATCH_OP] })));
        assert_eq!(
            (delete.version.as_deref(), &delete.data),
            (Some("3"), &None)
        );
    }

    #[test]
    fn t_bulk_07_malformed_jobs_are_refused() {
        let post = json!({ "method": "POST", "bulkId": "q", "path": "/Users", "data": {} });
        for body in [
            json!([]),
            json!({ "Operations": [post] }),
            json!({ "schemas": [urn::BULK_REQUEST] }),
            job(&json!([])),
            job(&json!({})),
            job(&json!(["POST"])),
            job(&json!([post, post])),
            job(&json!([post, { "method": "DELETE", "bulkId": "q", "path": "/Users/1" }])),
            job(&json!([{ "method": "POST", "path": "/Users", "data": {} }])),
            job(&json!([{ "method": "POST", "bulkId": "", "path": "/Users" }])),
            job(&json!([{ "method": "GET", "path": "/Users/1" }])),
            job(&json!([{ "path": "/Users/1" }])),
            job(&json!([{ "method": "DELETE", "path": 1 }])),
        ] {
            let refused = parse(body.clone()).unwrap_err();
            assert_eq!(refused.scim_type, crate::ScimType::InvalidSyntax, "{body}");
        }
    }

    #[test]
    fn s_7644_3_7_11_fail_on_errors_is_a_positive_integer() {
        for (written, read) in [
            (json!(1), Some(Some(1))),
            (json!("3"), Some(Some(3))),
            (json!(null), Some(None)),
            (json!(0), None),
            (json!(-1), None),
            (json!(1.5), None),
            (json!("many"), None),
            (json!(true), None),
        ] {
            let mut body = job(&json!([{ "method": "DELETE", "path": "/Users/1" }]));
            body["failOnErrors"] = written.clone();
            match parse(body) {
                Ok(job) => assert_eq!(Some(job.fail_on_errors), read, "{written}"),
                Err(refused) => {
                    assert_eq!(read, None, "{written}");
                    assert_eq!(refused.scim_type, crate::ScimType::InvalidValue);
                }
            }
        }
    }
}
