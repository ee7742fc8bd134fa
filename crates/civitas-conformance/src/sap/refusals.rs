//! What is refused, with which status and in which words.

use serde_json::{Value, json};

use super::{
    CUSTOM, CUSTOM_GROUP, GROUP, NOBODY, SAP_GROUP, SAP_USER, SCHEMA, Situation, USER,
    answers::badge, create, group, patch, person, post, refused, send, situation, subject,
};
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, text};
use crate::wire::{Request, percent_encoded};

pub(super) fn cases() -> Vec<Case> {
    let situations = SITUATIONS.iter().map(Case::from);
    situations.chain(ENTRIES.iter().map(Case::from)).collect()
}

fn raw(body: &str) -> Request {
    Request::new("POST", "/scim/Users")
        .header("content-type", "application/scim+json")
        .bytes(body)
}

/// A new user that something is changed about.
fn changed(body: &Value, change: impl Fn(&mut Value)) -> Request {
    let mut body = body.clone();
    body["userName"] = Value::Null;
    body["emails"][0]["value"] = json!("somebody.else@example.org");
    change(&mut body);
    post("/scim/Users", &body)
}

fn list(query: &str) -> Request {
    Request::get(format!("/scim/Users?{query}"))
}

const INPUT: (u16, &str, &str) = (
    400,
    "invalidValue",
    "One of the request inputs is not valid.",
);
const UNREADABLE: (u16, &str, &str) = (400, "", "Error parsing request body.");

const SITUATIONS: &[Situation] = &[
    situation(&["SAP-2.8-01"], "a body of null", INPUT, |_| raw("null")),
    situation(&["SAP-2.8-01"], "no body", INPUT, |_| {
        Request::new("POST", "/scim/Users").header("content-type", "application/scim+json")
    }),
    situation(
        &["SAP-2.8-02"],
        "a body that breaks off",
        UNREADABLE,
        |_| raw("{\"schemas\":"),
    ),
    situation(&["SAP-2.8-02"], "a key twice", UNREADABLE, |_| {
        raw("{\"userName\":\"a\",\"USERNAME\":\"b\"}")
    }),
    situation(
        &["SAP-2.8-03"],
        "a text where an object belongs",
        UNREADABLE,
        |it| changed(&it.body, |body| body["name"] = json!("Ada")),
    ),
    situation(
        &["SAP-2.8-04"],
        "a user without schemas",
        (400, "invalidValue", "Schemas cannot be null or empty!"),
        |it| changed(&it.body, |body| body["schemas"] = json!([])),
    ),
    situation(
        &["SAP-2.8-05"],
        "a user without its core schema",
        (400, "", "Invalid core schema"),
        |it| changed(&it.body, |body| body["schemas"] = json!([SAP_USER])),
    ),
    situation(
        &["SAP-2.5-03"],
        "a user without address",
        (400, "invalidValue", "…"),
        |it| changed(&it.body, |body| body["emails"] = json!([])),
    ),
    situation(
        &["SAP-2.5-04"],
        "an address that is none",
        (400, "invalidValue", "…"),
        |it| {
            changed(&it.body, |body| {
                body["emails"][0]["value"] = json!("a..b@example.org");
            })
        },
    ),
    situation(
        &["SAP-2.5-05"],
        "an empty status",
        (
            400,
            "invalidValue",
            "Provided value is not part of 'status' canonical values",
        ),
        |it| {
            changed(&it.body, |body| {
                body["schemas"] = json!([USER, SAP_USER]);
                body[SAP_USER] = json!({ "status": "" });
            })
        },
    ),
    situation(
        &["SAP-2.5-06"],
        "a type of users that there is not",
        (
            400,
            "invalidValue",
            "Provided value is not part of 'userType' canonical values",
        ),
        |it| changed(&it.body, |body| body["userType"] = json!("boss")),
    ),
    situation(
        &["SAP-2.5-07"],
        "active and new",
        (400, "invalidValue", "…"),
        |it| {
            changed(&it.body, |body| {
                body["schemas"] = json!([USER, SAP_USER]);
                body["active"] = json!(true);
                body[SAP_USER] = json!({ "status": "new" });
            })
        },
    ),
    situation(
        &["SAP-2.5-08"],
        "a name with what no name has",
        (400, "invalidValue", "…"),
        |it| changed(&it.body, |body| body["displayName"] = json!("a<b")),
    ),
    situation(
        &["SAP-2.5-09"],
        "a department that there is not",
        (
            400,
            "invalidValue",
            "Value not supported for attribute department.…",
        ),
        |it| {
            changed(&it.body, |body| {
                let uri = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
                body["schemas"] = json!([USER, uri]);
                body[uri] = json!({ "department": "Moon base" });
            })
        },
    ),
    situation(
        &["SAP-2.5-10"],
        "a password that is too simple",
        (400, "invalidValue", "…"),
        |it| changed(&it.body, |body| body["password"] = json!("kettle")),
    ),
    situation(
        &["SAP-2.4-02"],
        "an extension that is not listed",
        (
            400,
            "",
            "Invalid user attribute: urn:ietf:params:scim:schemas:extension:sap:2.0:User",
        ),
        |it| changed(&it.body, |body| body[SAP_USER] = json!({ "status": "new" })),
    ),
    situation(
        &["SAP-2.8-06"],
        "data of a schema that there is not",
        (
            400,
            "invalidSyntax",
            "Schema 'urn:sap:none' does not exist.",
        ),
        |it| {
            changed(&it.body, |body| {
                body["schemas"] = json!([USER, "urn:sap:none"]);
                body["urn:sap:none"] = json!({ "a": 1 });
            })
        },
    ),
    situation(
        &["SAP-2.8-07"],
        "an attribute that the extension has not",
        (
            400,
            "invalidSyntax",
            "Provided attribute with name 'shoe' does not exist according to the schema",
        ),
        |it| {
            changed(&it.body, |body| {
                body["schemas"] = json!([USER, SAP_USER]);
                body[SAP_USER] = json!({ "shoe": 43 });
            })
        },
    ),
    situation(
        &["SAP-2.8-08"],
        "a text where a number belongs",
        (400, "invalidValue", "The value data type is not correct"),
        |it| {
            changed(&it.body, |body| {
                body["schemas"] = json!([USER, SAP_USER]);
                body[SAP_USER] = json!({ "sourceSystem": "39" });
            })
        },
    ),
    situation(
        &["SAP-2.9-02"],
        "a group without name",
        (
            400,
            "invalidValue",
            "Attribute with name displayName is required.",
        ),
        |_| post("/scim/Groups", &json!({ "schemas": [GROUP] })),
    ),
    situation(
        &["SAP-2.9-03"],
        "a member without value",
        (
            400,
            "invalidValue",
            "Attribute with name value is required.",
        ),
        |_| {
            let body = json!({
                "schemas": [GROUP], "displayName": "g", "members": [{ "type": "User" }],
            });
            post("/scim/Groups", &body)
        },
    ),
    situation(
        &["SAP-2.9-04"],
        "a name that is put anew",
        (
            400,
            "mutability",
            "Attribute with name 'name' cannot be modified because it is immutable",
        ),
        |it| {
            let body = json!({
                "schemas": [GROUP, CUSTOM_GROUP],
                "displayName": "g",
                CUSTOM_GROUP: { "name": "another" },
            });
            send("PUT", &it.group, &body)
        },
    ),
    situation(
        &["SAP-2.9-04"],
        "a name that is patched",
        (
            400,
            "mutability",
            "Attribute with name 'name' cannot be modified because it is immutable",
        ),
        |it| {
            let path = format!("{CUSTOM_GROUP}:name");
            patch(
                &it.group,
                &json!([{ "op": "replace", "path": path, "value": "another" }]),
            )
        },
    ),
    situation(&["SAP-2.7-04"], "a patch of null", INPUT, |it| {
        Request::new("PATCH", it.user.as_str())
            .header("content-type", "application/scim+json")
            .bytes("null")
    }),
    situation(
        &["SAP-2.7-05"],
        "a patch without its schema",
        (
            400,
            "invalidSyntax",
            "Schema with name: urn:ietf:params:scim:api:messages:2.0:PatchOp is required!",
        ),
        |it| send("PATCH", &it.user, &json!({ "Operations": [] })),
    ),
    situation(
        &["SAP-2.7-06"],
        "a patch without operations",
        (400, "invalidSyntax", "At least one operation is required"),
        |it| patch(&it.user, &json!([])),
    ),
    situation(
        &["SAP-2.7-07"],
        "an operation that there is not",
        (
            400,
            "invalidValue",
            "The operation type is invalid. It must be one of the following: add, replace, remove",
        ),
        |it| {
            patch(
                &it.user,
                &json!([{ "op": "move", "path": "title", "value": "x" }]),
            )
        },
    ),
    situation(
        &["SAP-2.7-08"],
        "a removal of nothing in particular",
        (
            400,
            "noTarget",
            "Attribute 'path' is required for operation type remove",
        ),
        |it| patch(&it.user, &json!([{ "op": "remove" }])),
    ),
    situation(
        &["SAP-2.7-09"],
        "an addition of nothing",
        (
            400,
            "invalidSyntax",
            "Attribute 'value' is required for operation types: add, replace",
        ),
        |it| patch(&it.user, &json!([{ "op": "add", "path": "title" }])),
    ),
    situation(
        &["SAP-2.7-10"],
        "a path into a schema that there is not",
        (
            400,
            "invalidValue",
            "Resource schema does not exist or is not permitted",
        ),
        |it| {
            patch(
                &it.user,
                &json!([{ "op": "add", "path": "urn:none:x", "value": "x" }]),
            )
        },
    ),
    situation(
        &["SAP-2.7-11"],
        "a path to nothing",
        (
            400,
            "invalidPath",
            "Attribute with name 'nonsense' does not exist",
        ),
        |it| {
            patch(
                &it.user,
                &json!([{ "op": "add", "path": "nonsense", "value": "x" }]),
            )
        },
    ),
    situation(
        &["SAP-2.7-12"],
        "a path with a filter that is none",
        (400, "invalidPath", "The specified 'valuePath' is not valid"),
        |it| {
            let path = "emails[type zz \"work\"].value";
            patch(
                &it.user,
                &json!([{ "op": "replace", "path": path, "value": "x" }]),
            )
        },
    ),
    situation(
        &["SAP-2.7-13"],
        "groups are written at the group",
        (
            400,
            "mutability",
            "Attribute with name 'groups' cannot be modified",
        ),
        |it| {
            patch(
                &it.user,
                &json!([{ "op": "add", "path": "groups", "value": [{ "value": "x" }] }]),
            )
        },
    ),
    situation(
        &["SAP-2.7-13"],
        "the User ID is written",
        (
            400,
            "mutability",
            "Attribute with name 'userId' cannot be modified",
        ),
        |it| {
            let path = format!("{SAP_USER}:userId");
            patch(
                &it.user,
                &json!([{ "op": "replace", "path": path, "value": "P9" }]),
            )
        },
    ),
    situation(
        &["SAP-2.7-14"],
        "the login name is removed",
        (
            400,
            "invalidValue",
            "Attribute with name userName is required and cannot not be removed",
        ),
        |it| patch(&it.user, &json!([{ "op": "remove", "path": "userName" }])),
    ),
    situation(
        &["SAP-2.7-14"],
        "the name of a group is removed",
        (
            400,
            "invalidValue",
            "Attribute with name displayName is required and cannot not be removed",
        ),
        |it| {
            patch(
                &it.group,
                &json!([{ "op": "remove", "path": "displayName" }]),
            )
        },
    ),
    situation(
        &["SAP-2.7-15"],
        "an extension that every user has is removed",
        (
            400,
            "invalidValue",
            "Schema urn:ietf:params:scim:schemas:extension:sap:2.0:User is required for resource \
             type User",
        ),
        |it| patch(&it.user, &json!([{ "op": "remove", "path": SAP_USER }])),
    ),
    situation(
        &["SAP-2.7-16"],
        "a number where a text belongs",
        (400, "invalidValue", "The value data type is not correct"),
        |it| {
            patch(
                &it.user,
                &json!([{ "op": "replace", "path": "title", "value": 7 }]),
            )
        },
    ),
    situation(
        &["SAP-2.7-17"],
        "a key that the extension has not",
        (
            400,
            "invalidPath",
            "Provided attribute with name 'shoe' does not exist according to the schema",
        ),
        |it| {
            patch(
                &it.user,
                &json!([{ "op": "add", "path": SAP_USER, "value": { "shoe": 1 } }]),
            )
        },
    ),
    situation(
        &["SAP-2.7-18"],
        "a status that there is not",
        (
            400,
            "invalidValue",
            "Provided value is not part of 'status' canonical values",
        ),
        |it| {
            let path = format!("{SAP_USER}:status");
            patch(
                &it.user,
                &json!([{ "op": "replace", "path": path, "value": "odd" }]),
            )
        },
    ),
    situation(
        &["SAP-2.7-19"],
        "fifty-one members are removed",
        (400, "invalidValue", "…"),
        |it| {
            let members: Vec<Value> = (0..51)
                .map(|at| json!({ "value": format!("m{at}") }))
                .collect();
            patch(
                &it.group,
                &json!([{ "op": "remove", "path": "members", "value": members }]),
            )
        },
    ),
    situation(
        &["SAP-2.7-20"],
        "a wrong patch of nobody",
        (400, "invalidSyntax", "At least one operation is required"),
        |_| patch(&format!("/scim/Users/{NOBODY}"), &json!([])),
    ),
    situation(
        &["SAP-2.8-09"],
        "a count that is no number",
        (
            400,
            "invalidValue",
            "Count is not a numeric value or is out of range.",
        ),
        |_| list("count=abc"),
    ),
    situation(
        &["SAP-2.8-10"],
        "an index out of range",
        (
            400,
            "invalidValue",
            "StartIndex is not a numeric value or is out of range.",
        ),
        |_| list("startIndex=3000000000"),
    ),
    situation(
        &["SAP-2.8-11"],
        "a place that is none",
        (400, "", "\"!\" is not a valid startId!"),
        |_| list("startId=!"),
    ),
    situation(
        &["SAP-2.3-03"],
        "a filter that does not parse",
        (400, "invalidFilter", "Invalid filter"),
        |_| list(&format!("filter={}", percent_encoded("userName zz \"a\""))),
    ),
    situation(
        &["SAP-2.3-03"],
        "a filter on nothing",
        (400, "invalidFilter", "Invalid filter"),
        |_| list(&format!("filter={}", percent_encoded("shoeSize eq 43"))),
    ),
    situation(
        &["SAP-2.2-06"],
        "groups of groups in a list",
        (
            400,
            "invalidValue",
            "urn:ietf:params:scim:schemas:extension:sap:2.0:Group:children is only supported for \
             retrieving a single group.",
        ),
        |_| Request::get(format!("/scim/Groups?attributes={SAP_GROUP}:children")),
    ),
    situation(
        &["SAP-2.8-12"],
        "an identifier that is none is put",
        (400, "invalidValue", "…"),
        |it| send("PUT", "/scim/Users/%23", &it.body),
    ),
    situation(
        &["SAP-2.8-13"],
        "an identifier that is none is read",
        (404, "", "User # not found"),
        |_| Request::get("/scim/Users/%23"),
    ),
    situation(
        &["SAP-2.8-14"],
        "nobody is replaced",
        (
            404,
            "",
            "User 00000000-1111-4222-8333-444444444444 not found",
        ),
        |it| send("PUT", &format!("/scim/Users/{NOBODY}"), &it.body),
    ),
    situation(
        &["SAP-2.8-14"],
        "nobody is patched",
        (
            404,
            "",
            "User 00000000-1111-4222-8333-444444444444 not found",
        ),
        |_| {
            let to = json!([{ "op": "replace", "path": "title", "value": "x" }]);
            patch(&format!("/scim/Users/{NOBODY}"), &to)
        },
    ),
    situation(
        &["SAP-2.8-14"],
        "nobody is deleted",
        (
            404,
            "",
            "User 00000000-1111-4222-8333-444444444444 not found",
        ),
        |_| Request::new("DELETE", format!("/scim/Users/{NOBODY}")),
    ),
    situation(
        &["SAP-2.8-14"],
        "no group is read",
        (
            404,
            "",
            "Group 00000000-1111-4222-8333-444444444444 not found",
        ),
        |_| Request::get(format!("/scim/Groups/{NOBODY}")),
    ),
    situation(
        &["SAP-2.8-15"],
        "a path to nowhere",
        (404, "", "HTTP 404 Not Found"),
        |_| Request::get("/scim/Nonsense"),
    ),
    situation(
        &["SAP-2.9-05"],
        "a member that there is not",
        (
            404,
            "",
            "User 00000000-1111-4222-8333-444444444444 not found",
        ),
        |_| {
            let body = json!({
                "schemas": [GROUP], "displayName": "g", "members": [{ "value": NOBODY }],
            });
            post("/scim/Groups", &body)
        },
    ),
    situation(
        &["SAP-2.8-16"],
        "all users are deleted",
        (405, "", "HTTP 405 Method Not Allowed"),
        |_| Request::new("DELETE", "/scim/Users"),
    ),
    situation(
        &["SAP-2.8-16"],
        "a schema is patched",
        (405, "", "HTTP 405 Method Not Allowed"),
        |_| patch(&format!("/scim/Schemas/{USER}"), &json!([])),
    ),
    situation(
        &["SAP-2.8-16"],
        "bulk is read",
        (405, "", "HTTP 405 Method Not Allowed"),
        |_| Request::get("/scim/Bulk"),
    ),
    situation(
        &["SAP-2.8-17"],
        "a page is asked for",
        (406, "", "HTTP 406 Not Acceptable"),
        |_| Request::get("/scim/Users").header("accept", "text/html"),
    ),
    situation(
        &["SAP-2.8-18"],
        "a body of text",
        (415, "", "HTTP 415 Unsupported Media Type"),
        |_| {
            Request::new("POST", "/scim/Users")
                .header("content-type", "text/plain")
                .bytes("{}")
        },
    ),
    situation(
        &["SAP-2.5-11"],
        "a login name that is taken",
        (409, "uniqueness", "Resource already exists"),
        |it| {
            let name = text(&it.body["userName"]).to_uppercase();
            changed(&it.body, |body| body["userName"] = json!(name))
        },
    ),
    situation(
        &["SAP-2.5-11"],
        "an address that is taken",
        (409, "uniqueness", "Resource already exists"),
        |it| {
            let taken = it.body["emails"].clone();
            changed(&it.body, |body| body["emails"] = taken.clone())
        },
    ),
    situation(
        &["SAP-2.5-11"],
        "a login name that is the address of another",
        (409, "uniqueness", "Resource already exists"),
        |it| {
            let taken = it.body["emails"][0]["value"].clone();
            changed(&it.body, |body| body["userName"] = taken.clone())
        },
    ),
    situation(
        &["SAP-2.5-11"],
        "a login name that is a User ID",
        (409, "uniqueness", "Resource already exists"),
        |it| changed(&it.body, |body| body["userName"] = json!("P000000")),
    ),
    situation(
        &["SAP-2.9-06"],
        "a name of a group that is taken",
        (409, "uniqueness", "Resource already exists"),
        |it| {
            let taken = it.group.rsplit('/').next().unwrap_or_default();
            let body = json!({
                "schemas": [GROUP, CUSTOM_GROUP],
                "displayName": "g",
                CUSTOM_GROUP: { "name": taken },
            });
            post("/scim/Groups", &body)
        },
    ),
    situation(
        &["SAP-2.10-03"],
        "a schema that is predefined",
        (409, "uniqueness", "Resource already exists"),
        |_| {
            let body =
                json!({ "schemas": [SCHEMA], "id": format!("{CUSTOM}User"), "name": "User" });
            post("/scim/Schemas", &body)
        },
    ),
    situation(
        &["SAP-2.10-04"],
        "a predefined schema is deleted",
        (
            400,
            "invalidValue",
            "Invalid schema name. Expected an extension schema name…",
        ),
        |_| Request::new("DELETE", format!("/scim/Schemas/{SAP_USER}")),
    ),
    situation(
        &["SAP-2.10-05"],
        "a schema that there is not",
        (404, "", "Schema urn:sap:none not found"),
        |_| Request::get("/scim/Schemas/urn:sap:none"),
    ),
    situation(
        &["SAP-2.10-05"],
        "a schema that there is not is deleted",
        (404, "", "Schema urn:sap:none not found"),
        |_| Request::new("DELETE", "/scim/Schemas/urn:sap:none"),
    ),
    situation(
        &["SAP-2.10-06"],
        "a schema of no URN",
        (400, "", "The attribute value \"x\" has invalid value!"),
        |_| Request::get("/scim/Schemas/x"),
    ),
    situation(
        &["SAP-2.10-07"],
        "a schema with too many attributes",
        (400, "", "Invalid schema definition"),
        |_| {
            let attributes: Vec<Value> = (0..21)
                .map(|at| json!({ "name": format!("a{at}"), "type": "string" }))
                .collect();
            let id = format!("{CUSTOM}TooMany");
            post(
                "/scim/Schemas",
                &json!({ "schemas": [SCHEMA], "id": id, "attributes": attributes }),
            )
        },
    ),
    situation(
        &["SAP-2.10-08"],
        "a schema with a name that is too long",
        (
            400,
            "invalidValue",
            "Invalid schema name. Expected format is alphanumeric.",
        ),
        |_| {
            let id = format!("{CUSTOM}{}", "a".repeat(21));
            post("/scim/Schemas", &json!({ "schemas": [SCHEMA], "id": id }))
        },
    ),
    situation(
        &["SAP-2.10-08"],
        "an attribute with a name that is too long",
        (
            400,
            "invalidValue",
            "Invalid attribute name. Expected format is alphanumeric.",
        ),
        |_| {
            let attributes = json!([{ "name": "a".repeat(21), "type": "string" }]);
            let id = format!("{CUSTOM}Long");
            post(
                "/scim/Schemas",
                &json!({ "schemas": [SCHEMA], "id": id, "attributes": attributes }),
            )
        },
    ),
    situation(
        &["SAP-2.10-09"],
        "a schema with the name of another",
        (400, "", "Schema name and id does not match!"),
        |_| {
            let body = json!({ "schemas": [SCHEMA], "id": format!("{CUSTOM}One"), "name": "Two" });
            post("/scim/Schemas", &body)
        },
    ),
    situation(
        &["SAP-2.12-04"],
        "a hundred and one operations",
        (
            413,
            "tooMany",
            "Bulk operations count exceeded the maximum value supported.",
        ),
        |_| {
            let one = json!({ "method": "DELETE", "path": format!("/Users/{NOBODY}") });
            let body = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": vec![one; 101],
            });
            post("/scim/Bulk", &body)
        },
    ),
    situation(
        &["SAP-2.12-05"],
        "operations of null",
        (
            400,
            "invalidValue",
            "One of the request inputs is not valid!",
        ),
        |_| {
            Request::new("POST", "/scim/Bulk")
                .header("content-type", "application/scim+json")
                .bytes("null")
        },
    ),
    situation(
        &["SAP-2.12-06"],
        "no failure is allowed",
        (
            400,
            "invalidValue",
            "The attribute failOnErrors must be greater or equal to 1!",
        ),
        |_| {
            let body = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "failOnErrors": 0,
                "Operations": [],
            });
            post("/scim/Bulk", &body)
        },
    ),
];

const ENTRIES: &[Entry] = &[
    (&["SAP-1.6-02"], "credentials that are none", unknown),
    (&["SAP-1.6-03"], "somebody who may read users", reader),
    (&["SAP-1.6-04"], "a user looks at another", other_user),
    (&["SAP-1.6-05"], "the path before the role", path_first),
    (&["SAP-2.1-04"], "a second deletion", second_deletion),
    (
        &["SAP-2.8-19"],
        "a user's identifier among the groups",
        other_kind,
    ),
    (
        &["SAP-2.7-21"],
        "a patch to a name that is taken",
        patched_to_taken,
    ),
    (&["SAP-2.5-12"], "addresses that are taken at once", at_once),
    (
        &["SAP-2.9-07"],
        "a group that may not be deleted",
        kept_group,
    ),
    (&["SAP-2.9-08"], "a group within itself", circle),
    (&["SAP-2.10-10"], "a schema that there is", schema_twice),
    (
        &["SAP-2.10-11"],
        "the twenty-first schema",
        too_many_schemas,
    ),
    (&["SAP-1.7-01"], "too many requests", limited),
    (&["SAP-1.2-01"], "the service is suspended", maintained),
    (&["SAP-2.8-20"], "methods that apply", allows),
];

fn unknown(session: &mut Session) -> Verdict {
    for shown in [
        "Basic YWRtaW46d3Jvbmc=",
        "Basic bm9ib2R5Om5vdGhpbmc",
        "Basic !!!",
    ] {
        let request = Request::get("/scim/Users")
            .anonymous()
            .header("authorization", shown);
        let answer = session.send(request)?;
        refused(&answer, (401, "", "HTTP 401 Unauthorized"))?;
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        ensure(challenge.starts_with("Basic "), "a challenge", &answer)?;
    }
    let request = Request::get("/scim/Users").anonymous();
    let answer = session.send(request.header("authorization", "Bearer none"))?;
    refused(&answer, (401, "", "HTTP 401 Unauthorized"))?;
    let challenge = answer.header("www-authenticate");
    ensure(
        challenge == Some("Bearer"),
        "WWW-Authenticate: Bearer",
        &answer,
    )
}

const FORBIDDEN: (u16, &str, &str) = (403, "", "HTTP 403 Forbidden");

fn reader(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let reader = session.caller(Role::Read)?;
    reader.ask(&Request::get("/scim/Users"))?.expect(200)?;
    reader
        .ask(&Request::get(subject.user.as_str()))?
        .expect(200)?;
    let body = person(session);
    for request in [
        post("/scim/Users", &body),
        send("PUT", &subject.user, &subject.body),
        Request::new("DELETE", subject.user.as_str()),
        Request::get("/scim/Groups"),
        Request::get(subject.group.as_str()),
        post("/scim/Bulk", &json!({})),
    ] {
        refused(&reader.ask(&request)?, FORBIDDEN)?;
    }
    Ok(())
}

fn other_user(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let user = session.caller(Role::User)?;
    refused(&user.ask(&Request::get(subject.user.as_str()))?, FORBIDDEN)?;
    refused(&user.ask(&Request::get("/scim/Users"))?, FORBIDDEN)
}

fn path_first(session: &mut Session) -> Verdict {
    let reader = session.caller(Role::Read)?;
    let told = (404, "", "HTTP 404 Not Found");
    refused(&reader.ask(&post("/scim/Nonsense", &json!({})))?, told)?;
    let told = (405, "", "HTTP 405 Method Not Allowed");
    refused(&reader.ask(&Request::new("DELETE", "/scim/Users"))?, told)?;
    // And the role before the body.
    let request = Request::new("POST", "/scim/Users").header("content-type", "text/plain");
    refused(&reader.ask(&request.bytes("{"))?, FORBIDDEN)
}

fn second_deletion(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let request = || Request::new("DELETE", subject.user.as_str());
    session.send(request())?.expect(204)?;
    let told = format!("User {} not found", subject.id);
    refused(&session.send(request())?, (404, "", &told))?;
    let left = session.read(&subject.group)?;
    crate::verdict::same("members", &Value::Null, &left["members"])
}

fn other_kind(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let answer = session.send(Request::get(format!("/scim/Groups/{}", subject.id)))?;
    refused(
        &answer,
        (404, "", &format!("Group {} not found", subject.id)),
    )
}

const TAKEN: (u16, &str, &str) = (409, "uniqueness", "Resource already exists");

fn patched_to_taken(session: &mut Session) -> Verdict {
    let (one, two) = (subject(session)?, subject(session)?);
    for (path, value) in [
        ("userName", &one.body["userName"]),
        ("emails", &one.body["emails"]),
    ] {
        let to = json!([{ "op": "replace", "path": path, "value": value }]);
        refused(&session.send(patch(&two.user, &to))?, TAKEN)?;
    }
    Ok(())
}

fn at_once(session: &mut Session) -> Verdict {
    let mut body = person(session);
    body["userName"] = Value::Null;
    let requests: Vec<Request> = (0..4).map(|_| post("/scim/Users", &body)).collect();
    let answers = session.at_once(&requests)?;
    let mut created = 0;
    for answer in &answers {
        if answer.status == 201 {
            created += 1;
            let id = text(&answer.object()?["id"]);
            session.own(&format!("/scim/Users/{id}"));
        } else {
            refused(answer, TAKEN)?;
        }
    }
    ensure(created == 1, "one user with the address", &answers[0])
}

fn kept_group(session: &mut Session) -> Verdict {
    let body = json!({
        "schemas": [GROUP, SAP_GROUP],
        "displayName": session.name("group"),
        SAP_GROUP: { "supportedOperations": "membership" },
    });
    let made = session.send(post("/scim/Groups", &body))?.expect(201)?;
    let path = format!("/scim/Groups/{}", text(&made.object()?["id"]));
    refused(
        &session.send(Request::new("DELETE", path.as_str()))?,
        FORBIDDEN,
    )?;
    let to = json!([{ "op": "remove", "path": SAP_GROUP }]);
    session.send(patch(&path, &to))?.expect(204)?;
    session.own(&path);
    Ok(())
}

fn circle(session: &mut Session) -> Verdict {
    let id = text(&group(session, &[])?["id"]);
    let to = json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
    let answer = session.send(patch(&format!("/scim/Groups/{id}"), &to))?;
    refused(&answer, (400, "invalidValue", "…"))
}

fn schema_twice(session: &mut Session) -> Verdict {
    let body = badge(session);
    create(session, "Schemas", &body)?;
    refused(&session.send(post("/scim/Schemas", &body))?, TAKEN)
}

fn too_many_schemas(session: &mut Session) -> Verdict {
    let mut made = 0;
    loop {
        let body = json!({ "schemas": [SCHEMA], "id": format!("{CUSTOM}Many{made}") });
        let answer = session.send(post("/scim/Schemas", &body))?;
        if answer.status != 201 {
            let told = (400, "invalidValue", "Custom schema maximum count reached!");
            refused(&answer, told)?;
            return ensure(made > 0, "some schemas before", &answer);
        }
        session.own(&format!("/scim/Schemas/{CUSTOM}Many{made}"));
        made += 1;
        ensure(made <= 20, "no more than twenty schemas", &answer)?;
    }
}

fn limited(session: &mut Session) -> Verdict {
    let limited = session.caller(Role::Limited)?;
    for _ in 0..20 {
        let answer = limited.ask(&Request::get("/scim/Users"))?;
        if answer.status == 429 {
            let is_told = answer.header("retry-after").is_some();
            ensure(is_told, "Retry-After", &answer)?;
            return refused(&answer, (429, "", "HTTP 429 Too Many Requests"));
        }
    }
    let answer = limited.ask(&Request::get("/scim/Users"))?;
    ensure(false, "429", &answer)
}

fn maintained(session: &mut Session) -> Verdict {
    let maintained = session.caller(Role::Maintained)?;
    let answer = maintained.ask(&Request::get("/scim/Users"))?;
    ensure(
        answer.header("retry-after").is_some(),
        "Retry-After",
        &answer,
    )?;
    refused(&answer, (503, "", "HTTP 503 Service Unavailable"))
}

fn allows(session: &mut Session) -> Verdict {
    let answer = session
        .send(Request::new("DELETE", "/scim/Users"))?
        .expect(405)?;
    let allow = answer.header("allow").unwrap_or_default();
    ensure(allow == "GET, HEAD, POST, OPTIONS", "Allow", &answer)
}
