//! A user to try things on.

use std::sync::LazyLock;

use civitas_scim::Attributes;
use serde_json::{Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

static USER: LazyLock<Attributes> = LazyLock::new(|| {
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "id": "u",
        "externalId": "X",
        "userName": "bj",
        "title": "Guide",
        "active": true,
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        "emails": [
            {"value": "w@x.org", "type": "work", "primary": true},
            {"value": "h@x.org", "type": "home"},
        ],
        "addresses": [{"locality": "Bonn", "type": "home"}],
        ENTERPRISE: {"department": "Sales", "manager": {"value": "m1", "$ref": "../Users/m1"}},
        "meta": {"resourceType": "User", "created": "2011-05-13T04:42:34Z"},
    });
    match user {
        Value::Object(user) => user,
        _ => Attributes::new(),
    }
});

/// The user.
pub fn user() -> &'static Attributes {
    &USER
}
