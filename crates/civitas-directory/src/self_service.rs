//! What users may change of themselves (RFC 7644 §3.11, §7.7): how they are shown and
//! reached, not what others know or trust them by.

use civitas_scim::{Attributes, resource, schema::ResourceType};

use crate::error::Error;

/// The attributes of the core schema that are decided by others. So are all extensions.
const DECIDED_BY_OTHERS: [&str; 8] = [
    "userName",
    "externalId",
    "emails",
    "userType",
    "active",
    "entitlements",
    "roles",
    "x509Certificates",
];

fn is_decided_by_others(attribute: &str) -> bool {
    attribute.contains(':') || DECIDED_BY_OTHERS.contains(&attribute)
}

/// Lets a replacement that leaves out what others decide keep it, as it does with read-only
/// attributes (RFC 7644 §3.5.1).
pub(crate) fn keep(before: &Attributes, after: &mut Attributes, user: &ResourceType) {
    for (name, value) in before {
        if is_decided_by_others(name) && !after.contains_key(name) {
            after.insert(name.clone(), value.clone());
        }
    }
    resource::normalize_schemas(after, user);
}

/// Checks that nothing changes that others decide.
pub(crate) fn check(before: &Attributes, after: &Attributes) -> Result<(), Error> {
    let mut names = before.keys().chain(after.keys());
    match names.find(|name| is_decided_by_others(name) && before.get(*name) != after.get(*name)) {
        Some(name) => Err(Error::NotSelfService { path: name.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use civitas_scim::{core, schema::urn::ENTERPRISE_USER};
    use serde_json::{Value, json};

    use super::*;

    fn attributes(value: &Value) -> Attributes {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_others_decide_is_kept_and_guarded() {
        let before = attributes(&json!({
            "schemas": [core::user().schema.id, ENTERPRISE_USER],
            "userName": "a",
            "title": "Dr",
            "roles": [{ "value": "auditor" }],
            ENTERPRISE_USER: { "employeeNumber": "7" },
        }));
        let mut left_out = attributes(&json!({ "userName": "a" }));
        keep(&before, &mut left_out, &core::user());
        assert!(!left_out.contains_key("title"));
        assert_eq!(left_out["roles"], before["roles"]);
        assert_eq!(left_out["schemas"], before["schemas"]);
        assert_eq!(check(&before, &left_out), Ok(()));
        for (name, value) in [
            ("userName", json!("b")),
            ("active", json!(false)),
            ("roles", json!([])),
            (ENTERPRISE_USER, json!({ "employeeNumber": "8" })),
        ] {
            let mut changed = before.clone();
            changed.insert(name.into(), value);
            let refused = Err(Error::NotSelfService { path: name.into() });
            assert_eq!(check(&before, &changed), refused, "{name}");
        }
    }
}
