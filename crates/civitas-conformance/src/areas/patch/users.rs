//! Operations on a user.

use super::Effect::{Becomes, Refused, Same};
use super::Row;

pub(super) const ROWS: &[Row] = &[
    Row {
        ids: &[
            "T-PATCH-01",
            "S-7644-3.5.2-03",
            "S-7644-3.5.2.3-02",
            "X-TOP-09",
            "I-TOL-02",
        ],
        name: "replace a simple attribute, in every spelling",
        variants: &[
            r#"[{"op":"replace","path":"title","value":"Boss"}]"#,
            r#"[{"op":"REPLACE","path":"title","value":"Boss"}]"#,
            r#"[{"op":"replace","path":"TITLE","value":"Boss"}]"#,
            r#"[{"op":"replace","path":"<USER>:title","value":"Boss"}]"#,
        ],
        effect: Becomes(r#"{"title":"Boss"}"#),
    },
    Row {
        ids: &["T-PATCH-03", "S-7644-3.5.2.3-09", "X-TOP-11"],
        name: "replace with the same value changes nothing",
        variants: &[r#"[{"op":"replace","path":"title","value":"Guide"}]"#],
        effect: Same,
    },
    Row {
        ids: &["T-PATCH-04", "S-7644-3.5.2-09"],
        name: "wrong type",
        variants: &[r#"[{"op":"replace","path":"title","value":5}]"#],
        effect: Refused(400, "invalidValue"),
    },
    Row {
        ids: &["T-PATCH-05", "S-7644-3.5.2.1-01", "S-7644-3.5.2.3-10"],
        name: "add or replace without value",
        variants: &[
            r#"[{"op":"add","path":"title"}]"#,
            r#"[{"op":"replace","path":"title"}]"#,
        ],
        effect: Refused(400, "invalidValue"),
    },
    Row {
        ids: &["T-PATCH-06", "S-7644-3.5.2.1-09"],
        name: "add of nothing changes nothing",
        variants: &[
            r#"[{"op":"add","path":"title","value":null}]"#,
            r#"[{"op":"add","path":"emails","value":[]}]"#,
        ],
        effect: Same,
    },
    Row {
        ids: &["T-PATCH-07", "S-7644-3.5.2.3-08", "S-7644-3.5.2.2-02"],
        name: "replace with null unassigns, as remove does",
        variants: &[
            r#"[{"op":"replace","path":"title","value":null}]"#,
            r#"[{"op":"remove","path":"title"}]"#,
        ],
        effect: Becomes(r#"{"title":null}"#),
    },
    Row {
        ids: &["T-PATCH-08", "S-7644-3.5.2.2-03"],
        name: "required and readOnly attributes cannot be removed",
        variants: &[
            r#"[{"op":"replace","path":"userName","value":null}]"#,
            r#"[{"op":"remove","path":"userName"}]"#,
            r#"[{"op":"remove","path":"id"}]"#,
        ],
        effect: Refused(400, "mutability"),
    },
    Row {
        ids: &["T-PATCH-09", "S-7643-4.1.1-01"],
        name: "userName cannot be empty",
        variants: &[r#"[{"op":"replace","path":"userName","value":""}]"#],
        effect: Refused(400, "invalidValue"),
    },
    Row {
        ids: &["T-PATCH-10", "S-7644-3.3-09", "X-TOP-15"],
        name: "another user's userName is taken, in any case",
        variants: &[
            r#"[{"op":"replace","path":"userName","value":"<m2 name>"}]"#,
            r#"[{"op":"replace","path":"userName","value":"<M2 NAME>"}]"#,
        ],
        effect: Refused(409, "uniqueness"),
    },
    Row {
        ids: &[
            "T-PATCH-11",
            "S-7644-3.5.2-20",
            "S-7644-3.5.2-08",
            "X-TOP-14",
        ],
        name: "readOnly attributes cannot be replaced",
        variants: &[
            r#"[{"op":"replace","path":"id","value":"other"}]"#,
            r#"[{"op":"replace","path":"meta.created","value":"2001-01-01T00:00:00Z"}]"#,
            r#"[{"op":"add","path":"groups","value":[{"value":"<m2>"}]}]"#,
        ],
        effect: Refused(400, "mutability"),
    },
    Row {
        ids: &["T-PATCH-12", "S-7644-3.5.2.2-01"],
        name: "remove without path",
        variants: &[r#"[{"op":"remove"}]"#],
        effect: Refused(400, "noTarget"),
    },
    Row {
        ids: &[
            "T-PATCH-13",
            "S-7644-3.5.2-16",
            "S-7644-3.5.2-17",
            "X-TOP-12",
        ],
        name: "a path that names no attribute",
        variants: &[
            r#"[{"op":"replace","path":"nosuch","value":"x"}]"#,
            r#"[{"op":"remove","path":"nosuch"}]"#,
            r#"[{"op":"replace","path":"title.x","value":"y"}]"#,
            r#"[{"op":"replace","path":"title[value eq \"a\"]","value":"y"}]"#,
        ],
        effect: Refused(400, "invalidPath"),
    },
    Row {
        ids: &["T-PATCH-14", "S-7644-3.5.2-15", "S-7644-3.5.2-05"],
        name: "a path that does not parse",
        variants: &[
            r#"[{"op":"replace","path":"emails[type eq \"work\"","value":"x"}]"#,
            r#"[{"op":"replace","path":"","value":"x"}]"#,
            r#"[{"op":"replace","path":"a.b.c","value":"x"}]"#,
            r#"[{"op":"replace","path":"emails[0]","value":"x"}]"#,
            r#"[{"op":"replace","path":"/title","value":"x"}]"#,
        ],
        effect: Refused(400, "invalidPath"),
    },
    Row {
        ids: &["T-PATCH-15", "S-7644-3.5.2-17"],
        name: "a bad filter in a path",
        variants: &[
            r#"[{"op":"replace","path":"emails[primary gt true].value","value":"x"}]"#,
            r#"[{"op":"replace","path":"emails[nosuch eq \"a\"].value","value":"x"}]"#,
        ],
        effect: Refused(400, "invalidFilter"),
    },
    Row {
        ids: &[
            "T-PATCH-16",
            "S-7644-3.5.2.1-03",
            "S-7644-3.5.2.1-05",
            "S-7644-3.5.2.1-02",
        ],
        name: "add an element, in a list or alone",
        variants: &[
            r#"[{"op":"add","path":"emails","value":[{"value":"n@x.org","type":"other"}]}]"#,
            r#"[{"op":"add","path":"emails","value":{"value":"n@x.org","type":"other"}}]"#,
            r#"[{"op":"add","value":{"emails":[{"value":"n@x.org","type":"other"}]}}]"#,
        ],
        effect: Becomes(
            r#"{"emails":[{"value":"w@x.org","type":"work","primary":true},
                {"value":"h@x.org","type":"home"},{"value":"n@x.org","type":"other"}]}"#,
        ),
    },
    Row {
        ids: &[
            "T-PATCH-17",
            "S-7644-3.5.2.1-04",
            "S-7644-3.5.2.1-06",
            "X-TOP-11",
        ],
        name: "add an element that is there",
        variants: &[
            r#"[{"op":"add","path":"emails","value":[{"value":"w@x.org","type":"work"}]}]"#,
        ],
        effect: Same,
    },
    Row {
        ids: &["T-PATCH-18", "S-7644-3.5.2-10", "X-TOP-13"],
        name: "a new primary takes the mark from the old",
        variants: &[
            r#"[{"op":"add","path":"emails","value":[{"value":"n@x.org","type":"other","primary":true}]}]"#,
        ],
        effect: Becomes(
            r#"{"emails":[{"value":"w@x.org","type":"work"},{"value":"h@x.org","type":"home"},
                {"value":"n@x.org","type":"other","primary":true}]}"#,
        ),
    },
    Row {
        ids: &["T-PATCH-19", "S-7644-3.5.2-10", "X-TOP-13"],
        name: "primary set through a value path",
        variants: &[r#"[{"op":"replace","path":"emails[type eq \"home\"].primary","value":true}]"#],
        effect: Becomes(
            r#"{"emails":[{"value":"w@x.org","type":"work"},
                {"value":"h@x.org","type":"home","primary":true}]}"#,
        ),
    },
    Row {
        ids: &["T-PATCH-20", "S-7643-2.4-03", "X-TOP-13"],
        name: "two primaries in one value",
        variants: &[
            r#"[{"op":"add","path":"emails","value":[{"value":"a@x.org","type":"other","primary":true},{"value":"b@x.org","primary":true}]}]"#,
        ],
        effect: Refused(400, "invalidValue"),
    },
    Row {
        ids: &["T-PATCH-21", "S-7644-3.5.2.3-05"],
        name: "replace a sub-attribute of a matched element",
        variants: &[
            r#"[{"op":"replace","path":"emails[type eq \"home\"].value","value":"h2@x.org"}]"#,
        ],
        effect: Becomes(
            r#"{"emails":[{"value":"w@x.org","type":"work","primary":true},
                {"value":"h2@x.org","type":"home"}]}"#,
        ),
    },
    Row {
        ids: &["T-PATCH-22", "S-7644-3.5.2.3-07"],
        name: "replace a matched element as a whole",
        variants: &[
            r#"[{"op":"replace","path":"emails[type eq \"home\"]","value":{"value":"h2@x.org"}}]"#,
        ],
        effect: Becomes(
            r#"{"emails":[{"value":"w@x.org","type":"work","primary":true},{"value":"h2@x.org"}]}"#,
        ),
    },
    Row {
        ids: &["T-PATCH-23", "S-7644-3.5.2.1-08", "I-ENTRA-16"],
        name: "add through a value path overwrites",
        variants: &[r#"[{"op":"add","path":"emails[type eq \"work\"].value","value":"w2@x.org"}]"#],
        effect: Becomes(
            r#"{"emails":[{"value":"w2@x.org","type":"work","primary":true},
                {"value":"h@x.org","type":"home"}]}"#,
        ),
    },
    Row {
        ids: &[
            "T-PATCH-24",
            "S-7644-3.5.2.1-08",
            "X-TOP-08",
            "I-TOL-05",
            "I-ENTRA-16",
        ],
        name: "add through a value path creates the element",
        variants: &[r#"[{"op":"add","path":"emails[type eq \"other\"].value","value":"o@x.org"}]"#],
        effect: Becomes(
            r#"{"emails":[{"value":"w@x.org","type":"work","primary":true},
                {"value":"h@x.org","type":"home"},{"value":"o@x.org","type":"other"}]}"#,
        ),
    },
    Row {
        ids: &["T-PATCH-25", "S-7644-3.5.2.1-08"],
        name: "add through a filter that does not describe an element",
        variants: &[r#"[{"op":"add","path":"emails[value co \"q\"].display","value":"x"}]"#],
        effect: Refused(400, "noTarget"),
    },
    Row {
        ids: &["T-PATCH-26", "S-7644-3.5.2.3-06", "X-TOP-08"],
        name: "replace through a value path without match",
        variants: &[
            r#"[{"op":"replace","path":"emails[type eq \"other\"].value","value":"o@x.org"}]"#,
        ],
        effect: Refused(400, "noTarget"),
    },
    Row {
        ids: &["T-PATCH-27", "S-7644-3.5.2-19"],
        name: "replace a sub-attribute of every element",
        variants: &[r#"[{"op":"replace","path":"emails.type","value":"other"}]"#],
        effect: Becomes(
            r#"{"emails":[{"value":"w@x.org","type":"other","primary":true},
                {"value":"h@x.org","type":"other"}]}"#,
        ),
    },
    Row {
        ids: &["T-PATCH-28", "S-7644-3.5.2.3-02"],
        name: "replace the whole list",
        variants: &[
            r#"[{"op":"replace","path":"emails","value":[{"value":"n@x.org"}]}]"#,
            r#"[{"op":"replace","value":{"emails":[{"value":"n@x.org"}]}}]"#,
        ],
        effect: Becomes(r#"{"emails":[{"value":"n@x.org"}]}"#),
    },
    Row {
        ids: &["T-PATCH-29", "S-7644-3.5.2.2-02"],
        name: "remove a matched element",
        variants: &[r#"[{"op":"remove","path":"emails[type eq \"home\"]"}]"#],
        effect: Becomes(r#"{"emails":[{"value":"w@x.org","type":"work","primary":true}]}"#),
    },
    Row {
        ids: &["T-PATCH-30", "S-7644-3.5.2.2-04", "X-TOP-11"],
        name: "remove without match changes nothing",
        variants: &[
            r#"[{"op":"remove","path":"emails[type eq \"other\"]"}]"#,
            r#"[{"op":"remove","path":"nickName"}]"#,
        ],
        effect: Same,
    },
    Row {
        ids: &["T-PATCH-31", "S-7644-3.5.2.3-08", "S-7643-2.5-01"],
        name: "all elements removed, in three forms",
        variants: &[
            r#"[{"op":"remove","path":"emails"}]"#,
            r#"[{"op":"replace","path":"emails","value":[]}]"#,
            r#"[{"op":"replace","path":"emails","value":null}]"#,
        ],
        effect: Becomes(r#"{"emails":null}"#),
    },
    Row {
        ids: &["T-PATCH-32", "S-7644-3.5.2.2-02"],
        name: "remove a sub-attribute of a matched element",
        variants: &[r#"[{"op":"remove","path":"emails[type eq \"work\"].primary"}]"#],
        effect: Becomes(
            r#"{"emails":[{"value":"w@x.org","type":"work"},{"value":"h@x.org","type":"home"}]}"#,
        ),
    },
    Row {
        ids: &[
            "T-PATCH-33",
            "S-7644-3.5.2.3-04",
            "S-7644-3.5.2.3-11",
            "S-7644-3.5.2.1-07",
            "X-TOP-06",
            "I-TOL-03",
        ],
        name: "a complex value is merged",
        variants: &[
            r#"[{"op":"replace","path":"name","value":{"givenName":"Bo"}}]"#,
            r#"[{"op":"add","path":"name","value":{"givenName":"Bo"}}]"#,
            r#"[{"op":"replace","path":"name.givenName","value":"Bo"}]"#,
            r#"[{"op":"replace","value":{"name":{"givenName":"Bo"}}}]"#,
            r#"[{"op":"replace","value":{"name.givenName":"Bo"}}]"#,
        ],
        effect: Becomes(r#"{"name":{"givenName":"Bo"}}"#),
    },
    Row {
        ids: &["T-PATCH-34"],
        name: "a complex attribute without sub-attributes is unassigned",
        variants: &[
            r#"[{"op":"remove","path":"name.familyName"},{"op":"remove","path":"name.givenName"}]"#,
        ],
        effect: Becomes(r#"{"name":null}"#),
    },
    Row {
        ids: &[
            "T-PATCH-35",
            "X-TOP-03",
            "X-TOP-05",
            "I-TOL-01",
            "I-ENTRA-13",
            "I-OKTA-05",
            "S-7644-3.5.2.3-01",
        ],
        name: "deactivation in every form",
        variants: &[
            r#"[{"op":"replace","value":{"active":false}}]"#,
            r#"[{"op":"replace","path":"active","value":false}]"#,
            r#"[{"op":"Replace","path":"active","value":"False"}]"#,
            r#"[{"op":"replace","value":{"active":"False"}}]"#,
        ],
        effect: Becomes(r#"{"active":false}"#),
    },
    Row {
        ids: &["T-PATCH-36", "I-TOL-01", "S-7643-2.3.2-01"],
        name: "a word that is no boolean",
        variants: &[
            r#"[{"op":"replace","path":"active","value":"no"}]"#,
            r#"[{"op":"replace","path":"active","value":1}]"#,
        ],
        effect: Refused(400, "invalidValue"),
    },
    Row {
        ids: &[
            "T-PATCH-37",
            "S-7644-3.5.2.3-11",
            "S-7644-3.5.2-18",
            "X-TOP-06",
            "X-TOP-07",
        ],
        name: "one extension attribute, in every form",
        variants: &[
            r#"[{"op":"replace","value":{"<E>:employeeNumber":"7"}}]"#,
            r#"[{"op":"replace","value":{"<E>":{"employeeNumber":"7"}}}]"#,
            r#"[{"op":"add","path":"<E>:employeeNumber","value":"7"}]"#,
            r#"[{"op":"replace","path":"<E>","value":{"employeeNumber":"7"}}]"#,
            r#"[{"op":"replace","path":"<e>:EMPLOYEENUMBER","value":"7"}]"#,
        ],
        effect: Becomes(r#"{"<E>":{"employeeNumber":"7"}}"#),
    },
    Row {
        ids: &[
            "T-PATCH-38",
            "S-7643-4.3-02",
            "I-TOL-07",
            "I-ENTRA-17",
            "S-7644-3.10-03",
            "S-7644-3.5.2-18",
        ],
        name: "a new manager, in every form",
        variants: &[
            r#"[{"op":"replace","path":"<E>:manager.value","value":"<m2>"}]"#,
            r#"[{"op":"replace","path":"<E>:manager","value":{"value":"<m2>"}}]"#,
            r#"[{"op":"Add","path":"<E>:manager","value":"<m2>"}]"#,
            r#"[{"op":"Replace","path":"manager","value":[{"value":"<m2>"}]}]"#,
        ],
        effect: Becomes(r#"{"<E>":{"manager":{"value":"<m2>"}}}"#),
    },
    Row {
        ids: &["T-PATCH-39", "S-7643-2.3.7-04"],
        name: "a manager that does not exist",
        variants: &[
            r#"[{"op":"replace","path":"<E>:manager","value":{"value":"zz"}}]"#,
            r#"[{"op":"replace","path":"<E>:manager","value":{"value":"<gone>"}}]"#,
        ],
        effect: Refused(400, "invalidValue"),
    },
    Row {
        ids: &["T-PATCH-40", "S-7644-3.5.2-20"],
        name: "the manager's displayName is readOnly",
        variants: &[r#"[{"op":"replace","path":"<E>:manager.displayName","value":"x"}]"#],
        effect: Refused(400, "mutability"),
    },
    Row {
        ids: &["T-PATCH-41", "I-TOL-07"],
        name: "the manager removed, the department kept",
        variants: &[
            r#"[{"op":"remove","path":"<E>:manager"}]"#,
            r#"[{"op":"replace","path":"<E>:manager","value":null}]"#,
            r#"[{"op":"replace","path":"<E>:manager","value":""}]"#,
            r#"[{"op":"replace","path":"<E>:manager","value":{"value":""}}]"#,
        ],
        effect: Becomes(r#"{"<E>":{"manager":null}}"#),
    },
    Row {
        ids: &["T-PATCH-42", "S-7644-3.5.2-14"],
        name: "an extension without attributes disappears",
        variants: &[
            r#"[{"op":"remove","path":"<E>"}]"#,
            r#"[{"op":"remove","path":"<E>:department"},{"op":"remove","path":"<E>:manager"}]"#,
        ],
        effect: Becomes(r#"{"<E>":null,"schemas":["<USER>"]}"#),
    },
    Row {
        ids: &["T-PATCH-43", "S-7644-3.5.2.3-12", "X-TOP-05"],
        name: "the resource's own id in a value is ignored",
        variants: &[r#"[{"op":"replace","value":{"id":"<own>","displayName":"X"}}]"#],
        effect: Becomes(r#"{"displayName":"X"}"#),
    },
    Row {
        ids: &["T-PATCH-44", "S-7644-3.5.2.3-12"],
        name: "another id in a value is refused",
        variants: &[r#"[{"op":"replace","value":{"id":"zz","displayName":"X"}}]"#],
        effect: Refused(400, "mutability"),
    },
    Row {
        ids: &[
            "T-PATCH-45",
            "S-7643-3.1-11",
            "S-7644-3.5.2.3-12",
            "X-TOP-05",
        ],
        name: "groups and meta in a value are ignored",
        variants: &[
            r#"[{"op":"replace","value":{"groups":[{"value":"zz"}],"meta":{"resourceType":"X"},"title":"T"}}]"#,
            r#"[{"op":"replace","value":{"schemas":["<USER>"],"title":"T"}}]"#,
        ],
        effect: Becomes(r#"{"title":"T"}"#),
    },
    Row {
        ids: &["T-PATCH-46", "S-7644-3.1-04", "I-TOL-10"],
        name: "unknown attributes in a value are ignored",
        variants: &[
            r#"[{"op":"replace","value":{"nosuch":1,"title":"T"}}]"#,
            r#"[{"op":"add","value":{"nosuch":{"a":1},"title":"T"}}]"#,
            r#"[{"op":"replace","path":"title","value":"T","name":"x"}]"#,
        ],
        effect: Becomes(r#"{"title":"T"}"#),
    },
    Row {
        ids: &["T-PATCH-47", "S-7644-3.5.2.3-13"],
        name: "a value without usable members changes nothing",
        variants: &[
            r#"[{"op":"replace","value":{"nosuch":1}}]"#,
            r#"[{"op":"replace","value":{}}]"#,
        ],
        effect: Same,
    },
    Row {
        ids: &["T-PATCH-48", "S-7644-3.5.2.3-14"],
        name: "JSON inside a string is not decoded",
        variants: &[r#"[{"op":"replace","value":"{\"title\":\"T\"}"}]"#],
        effect: Refused(400, "invalidValue"),
    },
    Row {
        ids: &["T-PATCH-49", "S-7644-3.5.2-07", "X-TOP-04", "X-TOP-12"],
        name: "one bad operation undoes all",
        variants: &[
            r#"[{"op":"replace","path":"title","value":"T"},{"op":"replace","path":"nosuch","value":"x"}]"#,
        ],
        effect: Refused(400, "invalidPath"),
    },
    Row {
        ids: &["T-PATCH-50", "S-7644-3.5.2-06", "X-TOP-10"],
        name: "remove, then add",
        variants: &[
            r#"[{"op":"remove","path":"emails"},{"op":"add","path":"emails","value":[{"value":"n@x.org"}]}]"#,
        ],
        effect: Becomes(r#"{"emails":[{"value":"n@x.org"}]}"#),
    },
    Row {
        ids: &["T-PATCH-51", "S-7644-3.5.2-06", "X-TOP-10"],
        name: "an operation sees what the one before it did",
        variants: &[
            r#"[{"op":"add","path":"emails","value":[{"value":"o@x.org","type":"other"}]},{"op":"replace","path":"emails[type eq \"other\"].value","value":"p@x.org"}]"#,
        ],
        effect: Becomes(
            r#"{"emails":[{"value":"w@x.org","type":"work","primary":true},
                {"value":"h@x.org","type":"home"},{"value":"p@x.org","type":"other"}]}"#,
        ),
    },
    Row {
        ids: &["S-7644-3.5.2.2-06"],
        name: "an element without sub-attributes disappears",
        variants: &[
            r#"[{"op":"remove","path":"emails[type eq \"home\"].value"},{"op":"remove","path":"emails[type eq \"home\"].type"}]"#,
        ],
        effect: Becomes(r#"{"emails":[{"value":"w@x.org","type":"work","primary":true}]}"#),
    },
    Row {
        ids: &["S-7644-3.5.2.3-03", "S-7644-3.5.2.1-03"],
        name: "replace of what is unassigned adds it",
        variants: &[
            r#"[{"op":"replace","path":"nickName","value":"Babs"}]"#,
            r#"[{"op":"add","path":"nickName","value":"Babs"}]"#,
            r#"[{"op":"replace","value":{"nickName":"Babs"}}]"#,
        ],
        effect: Becomes(r#"{"nickName":"Babs"}"#),
    },
    Row {
        ids: &["S-7644-3.5.2.3-03"],
        name: "replace of an unassigned list adds it",
        variants: &[
            r#"[{"op":"replace","path":"phoneNumbers","value":[{"value":"1","type":"work"}]}]"#,
        ],
        effect: Becomes(r#"{"phoneNumbers":[{"value":"1","type":"work"}]}"#),
    },
    Row {
        ids: &["S-7644-3.5.2-14"],
        name: "an unregistered URN cannot be added",
        variants: &[r#"[{"op":"add","path":"schemas","value":["urn:example:nosuch"]}]"#],
        effect: Refused(400, "invalidValue"),
    },
    Row {
        ids: &["S-7644-3.5.2-19"],
        name: "a sub-attribute of no element",
        variants: &[r#"[{"op":"replace","path":"phoneNumbers.type","value":"work"}]"#],
        effect: Refused(400, "noTarget"),
    },
    Row {
        ids: &["S-7644-3.5.2.2-05"],
        name: "remove with a value takes only the listed elements",
        variants: &[r#"[{"op":"remove","path":"emails","value":[{"value":"h@x.org"}]}]"#],
        effect: Becomes(r#"{"emails":[{"value":"w@x.org","type":"work","primary":true}]}"#),
    },
    Row {
        ids: &["S-7644-3.5.2-14"],
        name: "the base URN cannot be removed",
        variants: &[r#"[{"op":"remove","path":"schemas[value eq \"<USER>\"]"}]"#],
        effect: Refused(400, ""),
    },
    Row {
        ids: &["S-7644-3.5.2-04"],
        name: "a path that is no string",
        variants: &[r#"[{"op":"replace","path":5,"value":"x"}]"#],
        effect: Refused(400, ""),
    },
];
