//! PATCH (RFC 7644 §3.5.2). Each row starts from the same user or group and
//! states how its representation changes, written as a JSON merge patch.

use serde_json::{Map, Value, json};

use crate::Unmet;
use crate::case::Case;
use crate::session::{Session, has_members, patch_op, path_of};
use crate::urn;
use crate::verdict::{Verdict, ensure, fail, same, skip, text, within};
use crate::wire::Request;

/// What becomes of the resource.
enum Effect {
    /// Succeeds and changes nothing, version and `lastModified` included.
    Same,
    /// Succeeds; the representation differs by this merge patch (RFC 7396).
    Becomes(&'static str),
    /// Refused with this status and `scimType`; nothing changes.
    Refused(u16, &'static str),
}

use Effect::{Becomes, Refused, Same};

/// Lists of operations that all have one effect. Names in angle brackets stand
/// for ids and URNs of the run; see [`Stage`].
struct Row {
    ids: &'static [&'static str],
    name: &'static str,
    variants: &'static [&'static str],
    effect: Effect,
}

const USER_ROWS: &[Row] = &[
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
        ids: &["T-PATCH-16", "S-7644-3.5.2.1-03", "S-7644-3.5.2.1-05"],
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
        ids: &["T-PATCH-36", "I-TOL-01"],
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

const GROUP_ROWS: &[Row] = &[
    Row {
        ids: &["T-PATCH-55", "S-7643-4.2-02", "I-OKTA-08"],
        name: "add a member",
        variants: &[
            r#"[{"op":"add","path":"members","value":[{"value":"<u4>"}]}]"#,
            r#"[{"op":"Add","path":"members","value":{"value":"<u4>"}}]"#,
            r#"[{"op":"add","path":"members","value":[{"value":"<u4>","display":"name"}]}]"#,
            r#"[{"op":"add","path":"members","value":[{"value":"<u4>","$ref":null,"type":"User"}]}]"#,
        ],
        effect: Becomes(
            r#"{"members":[{"value":"<u1>"},{"value":"<u2>"},{"value":"<u3>"},{"value":"<u4>"}]}"#,
        ),
    },
    Row {
        ids: &["T-PATCH-56", "S-7644-3.5.2.1-06", "X-TOP-11"],
        name: "add a member that is there",
        variants: &[
            r#"[{"op":"add","path":"members","value":[{"value":"<u2>"}]}]"#,
            r#"[{"op":"add","path":"members","value":[{"value":"<u2>"},{"value":"<u2>"}]}]"#,
        ],
        effect: Same,
    },
    Row {
        ids: &["T-PATCH-57", "S-7643-2.3.7-04", "X-TOP-04", "X-TOP-12"],
        name: "one unknown member refuses all",
        variants: &[
            r#"[{"op":"add","path":"members","value":[{"value":"<u4>"},{"value":"zz"}]}]"#,
            r#"[{"op":"add","path":"members","value":[{"value":"<u4>"},{"value":"<gone>"}]}]"#,
        ],
        effect: Refused(400, "invalidValue"),
    },
    Row {
        ids: &["T-PATCH-58"],
        name: "a member that is a bare string",
        variants: &[r#"[{"op":"add","path":"members","value":["<u4>"]}]"#],
        effect: Refused(400, "invalidValue"),
    },
    Row {
        ids: &["T-PATCH-59", "S-7644-3.5.2.1-02"],
        name: "add a member without path",
        variants: &[r#"[{"op":"add","value":{"members":[{"value":"<u4>"}]}}]"#],
        effect: Becomes(
            r#"{"members":[{"value":"<u1>"},{"value":"<u2>"},{"value":"<u3>"},{"value":"<u4>"}]}"#,
        ),
    },
    Row {
        ids: &["T-PATCH-60", "X-TOP-02", "I-OKTA-08"],
        name: "remove a member by value path",
        variants: &[
            r#"[{"op":"remove","path":"members[value eq \"<u2>\"]"}]"#,
            r#"[{"op":"Remove","path":"MEMBERS[VALUE EQ \"<u2>\"]"}]"#,
        ],
        effect: Becomes(r#"{"members":[{"value":"<u1>"},{"value":"<u3>"}]}"#),
    },
    Row {
        ids: &["T-PATCH-61"],
        name: "member ids heed case",
        variants: &[r#"[{"op":"remove","path":"members[value eq \"<U2>\"]"}]"#],
        effect: Same,
    },
    Row {
        ids: &["T-PATCH-62"],
        name: "remove members by a disjunction",
        variants: &[
            r#"[{"op":"remove","path":"members[value eq \"<u1>\" or value eq \"<u2>\"]"}]"#,
        ],
        effect: Becomes(r#"{"members":[{"value":"<u3>"}]}"#),
    },
    Row {
        ids: &[
            "T-PATCH-63",
            "S-7644-3.5.2.2-05",
            "X-TOP-01",
            "I-ENTRA-14",
            "I-TOL-04",
        ],
        name: "remove listed members only",
        variants: &[
            r#"[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"<u2>"}]}]"#,
            r#"[{"op":"Remove","path":"members","value":{"value":"<u2>"}}]"#,
        ],
        effect: Becomes(r#"{"members":[{"value":"<u1>"},{"value":"<u3>"}]}"#),
    },
    Row {
        ids: &["T-PATCH-64", "S-7644-3.5.2.2-05", "X-TOP-01", "I-SUM-02"],
        name: "remove of nobody listed changes nothing",
        variants: &[
            r#"[{"op":"Remove","path":"members","value":[{"value":"zz"}]}]"#,
            r#"[{"op":"remove","path":"members","value":[]}]"#,
        ],
        effect: Same,
    },
    Row {
        ids: &["T-PATCH-65", "S-7644-3.5.2.2-02", "S-7644-3.5.2.2-05"],
        name: "remove all members",
        variants: &[
            r#"[{"op":"remove","path":"members"}]"#,
            r#"[{"op":"remove","path":"members","value":null}]"#,
            r#"[{"op":"replace","path":"members","value":[]}]"#,
        ],
        effect: Becomes(r#"{"members":null}"#),
    },
    Row {
        ids: &["T-PATCH-66", "S-7643-4.2-02", "S-7644-3.5.2.3-02"],
        name: "replace all members",
        variants: &[
            r#"[{"op":"replace","path":"members","value":[{"value":"<u4>"}]}]"#,
            r#"[{"op":"replace","value":{"members":[{"value":"<u4>"}]}}]"#,
        ],
        effect: Becomes(r#"{"members":[{"value":"<u4>"}]}"#),
    },
    Row {
        ids: &["T-PATCH-67", "S-7643-4.2-02", "X-TOP-14"],
        name: "a member's value is immutable",
        variants: &[
            r#"[{"op":"replace","path":"members[value eq \"<u1>\"].value","value":"<u4>"}]"#,
        ],
        effect: Refused(400, "mutability"),
    },
    Row {
        ids: &["T-PATCH-68", "I-OKTA-07", "X-TOP-05"],
        name: "rename with the group's own id",
        variants: &[r#"[{"op":"replace","value":{"id":"<own>","displayName":"<tag> new"}}]"#],
        effect: Becomes(r#"{"displayName":"<tag> new"}"#),
    },
    Row {
        ids: &["T-PATCH-69", "S-7644-3.5.2.2-03"],
        name: "displayName cannot be removed",
        variants: &[
            r#"[{"op":"remove","path":"displayName"}]"#,
            r#"[{"op":"replace","path":"displayName","value":null}]"#,
        ],
        effect: Refused(400, "mutability"),
    },
    Row {
        ids: &["S-7643-4.2-04"],
        name: "a type that contradicts the member",
        variants: &[r#"[{"op":"add","path":"members","value":[{"value":"<u4>","type":"Group"}]}]"#],
        effect: Refused(400, "invalidValue"),
    },
    Row {
        ids: &["I-ENTRA-18"],
        name: "several operations on members in one request",
        variants: &[
            r#"[{"op":"Add","path":"members","value":[{"value":"<u4>"}]},{"op":"Remove","path":"members","value":[{"value":"<u1>"}]},{"op":"Remove","path":"members","value":[{"value":"<u2>"}]}]"#,
        ],
        effect: Becomes(r#"{"members":[{"value":"<u3>"},{"value":"<u4>"}]}"#),
    },
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for row in USER_ROWS {
        cases.push(Case::new(row.ids, row.name, |session| {
            play(session, row, Stage::user)
        }));
    }
    for row in GROUP_ROWS {
        cases.push(Case::new(row.ids, row.name, |session| {
            play(session, row, Stage::group)
        }));
    }
    cases.extend([
        Case::new(
            &[
                "T-PATCH-02",
                "S-7644-3.5.2-01",
                "S-7644-3.5.2-02",
                "S-7644-3.5.2-03",
            ],
            "a malformed message",
            malformed,
        ),
        Case::new(
            &["T-PATCH-46", "H-7240-4.4-01"],
            "unknown attributes are refused under strict handling",
            strict_unknown,
        ),
        Case::new(
            &["T-PATCH-35", "H-7240-4.4-01"],
            "a boolean as a string under strict handling",
            |s| strict(s, r#"[{"op":"replace","path":"active","value":"False"}]"#),
        ),
        Case::new(
            &["T-PATCH-33", "H-7240-4.4-01"],
            "a dotted key under strict handling",
            |s| strict(s, r#"[{"op":"replace","value":{"name.givenName":"Bo"}}]"#),
        ),
        Case::new(
            &["T-PATCH-38", "S-7643-4.3-01"],
            "the manager's displayName is filled in",
            manager_name,
        ),
        Case::new(
            &["T-PATCH-52", "S-7643-4.1.1-05"],
            "a changed password is not shown",
            password,
        ),
        Case::new(
            &["T-PATCH-53", "S-7644-3.5.2-11", "X-TOP-21"],
            "the answer is projected",
            projected,
        ),
        Case::new(
            &["T-PATCH-54", "S-7644-3.14-03", "X-TOP-23"],
            "a stale If-Match",
            stale,
        ),
        Case::new(
            &["T-PATCH-70", "S-7644-3.5.2-21"],
            "parallel adds both take effect",
            parallel,
        ),
        Case::new(
            &["S-7643-3.1-12", "S-7644-3.5.2-07"],
            "lastModified moves forward, created stays",
            moves,
        ),
        Case::new(&["S-7644-3.2-01"], "PATCH of an unknown id", unknown_id),
        Case::new(
            &["S-7643-2.1-07"],
            "the member names of the message ignore case",
            message_case,
        ),
    ]);
    cases
}

/// The resource a row starts from, and the ids its operations speak of:
///
/// * user: `<own>` has manager `<m1>`; `<m2>` is another user, `<m2 name>` its name
/// * group: members `<u1>`, `<u2>`, `<u3>`; `<u4>` is another user; `<U2>` is `<u2>` in capitals
/// * `<gone>` is the id of a deleted user, `<E>` the enterprise URN, `<USER>` the core one
struct Stage {
    path: String,
    before: Value,
    names: Vec<(&'static str, String)>,
}

impl Stage {
    fn user(session: &mut Session, row: &str) -> Result<Self, Unmet> {
        let boss = session.user("m1")?;
        let body = json!({
            "schemas": [urn::USER, urn::ENTERPRISE],
            "userName": session.name("bj"),
            "displayName": "BJ",
            "title": "Guide",
            "active": true,
            "name": { "givenName": "Barbara", "familyName": "Jensen" },
            "emails": [
                { "value": "w@x.org", "type": "work", "primary": true },
                { "value": "h@x.org", "type": "home" },
            ],
            urn::ENTERPRISE: { "department": "Sales", "manager": { "value": boss["id"] } },
        });
        let before = session.create("/Users", &body)?;
        let mut names = vec![("<m1>", text(&boss["id"]))];
        if row.contains("m2") || row.contains("M2") {
            let other = session.user("m2")?;
            let name = text(&other["userName"]);
            names.push(("<m2>", text(&other["id"])));
            names.push(("<M2 NAME>", name.to_uppercase()));
            names.push(("<m2 name>", name));
        }
        Self::finish(session, "/Users", before, names, row)
    }

    fn group(session: &mut Session, row: &str) -> Result<Self, Unmet> {
        let mut users = Vec::new();
        let mut names = Vec::new();
        for name in ["<u1>", "<u2>", "<u3>"] {
            let user = session.user("u")?;
            names.push((name, text(&user["id"])));
            users.push(user);
        }
        names.push(("<U2>", text(&users[1]["id"]).to_uppercase()));
        if row.contains("<u4>") {
            names.push(("<u4>", text(&session.user("u4")?["id"])));
        }
        let group = session.group("g", &users.iter().collect::<Vec<_>>())?;
        Self::finish(session, "/Groups", group, names, row)
    }

    fn finish(
        session: &mut Session,
        endpoint: &str,
        before: Value,
        mut names: Vec<(&'static str, String)>,
        row: &str,
    ) -> Result<Self, Unmet> {
        names.push(("<own>", text(&before["id"])));
        names.push(("<tag>", session.tag().to_owned()));
        names.push(("<E>", urn::ENTERPRISE.to_owned()));
        names.push(("<e>", urn::ENTERPRISE.to_uppercase()));
        names.push(("<USER>", urn::USER.to_owned()));
        if row.contains("<gone>") {
            names.push(("<gone>", session.deleted_id()?));
        }
        Ok(Self {
            path: path_of(endpoint, &before),
            before,
            names,
        })
    }

    /// JSON text with this run's names put in.
    fn fill(&self, json: &str) -> Value {
        let mut filled = json.to_owned();
        for (name, meaning) in &self.names {
            filled = filled.replace(name, meaning);
        }
        serde_json::from_str(&filled).unwrap_or_else(|_| Value::String(filled))
    }

    fn named(&self, name: &str) -> String {
        let found = self.names.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, meaning)| meaning.clone())
            .unwrap_or_default()
    }
}

fn play(
    session: &mut Session,
    row: &Row,
    stage: fn(&mut Session, &str) -> Result<Stage, Unmet>,
) -> Verdict {
    for variant in row.variants {
        let effect_text = if let Becomes(change) = row.effect {
            change
        } else {
            ""
        };
        let stage = stage(session, &format!("{variant}{effect_text}"))?;
        if variant.contains("<U2>") && stage.named("<U2>") == stage.named("<u2>") {
            return skip("ids have no letters in lower case");
        }
        within(variant, perform(session, row, &stage, variant))?;
    }
    Ok(())
}

fn perform(session: &mut Session, row: &Row, stage: &Stage, operations: &str) -> Verdict {
    let answer = session.patch(&stage.path, &stage.fill(operations))?;
    match &row.effect {
        Refused(status, scim_type) => {
            answer.refused(*status, scim_type)?;
            let after = session.read(&stage.path)?;
            same(
                "the resource, which must be unchanged,",
                &stage.before,
                &after,
            )
        }
        Same => {
            let answer = answer.expect_any(&[200, 204])?;
            if answer.status == 200 {
                same(
                    "the answer",
                    &comparable(&stage.before),
                    &comparable(answer.object()?),
                )?;
            }
            let after = session.read(&stage.path)?;
            same(
                "the resource, which must be unchanged,",
                &stage.before,
                &after,
            )
        }
        Becomes(change) => {
            let answer = answer.expect_any(&[200, 204])?;
            let after = session.read(&stage.path)?;
            let mut expected = stage.before.clone();
            merge(&mut expected, &stage.fill(change));
            same("the resource", &comparable(&expected), &comparable(&after))?;
            if answer.status == 200 {
                same("the answer", &after, answer.object()?)?;
            }
            let versioned = stage.before["meta"]["version"].is_string();
            ensure(
                !versioned || stage.before["meta"]["version"] != after["meta"]["version"],
                "a new meta.version",
                &answer,
            )
        }
    }
}

/// Applies a merge patch (RFC 7396).
fn merge(target: &mut Value, change: &Value) {
    let Value::Object(members) = change else {
        *target = change.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (name, value) in members {
        if value.is_null() {
            if let Some(object) = target.as_object_mut() {
                object.remove(name);
            }
        } else {
            merge(&mut target[name], value);
        }
    }
}

/// A representation without what a server may add or order freely: `meta`,
/// values derived from a reference, unset marks and empty lists.
pub(super) fn comparable(resource: &Value) -> Value {
    let mut plain = resource.clone();
    let Some(members) = plain.as_object_mut() else {
        return plain;
    };
    members.remove("meta");
    members.retain(|_, value| *value != json!([]) && !value.is_null());
    if let Some(manager) = members
        .get_mut(urn::ENTERPRISE)
        .and_then(|extension| extension.get_mut("manager"))
        .and_then(Value::as_object_mut)
    {
        manager.retain(|name, _| name == "value");
    }
    if let Some(name) = members.get_mut("name").and_then(Value::as_object_mut) {
        // A server may compose it from the parts.
        name.remove("formatted");
    }
    for (attribute, value) in members.iter_mut() {
        let Some(elements) = value.as_array_mut() else {
            continue;
        };
        for element in elements.iter_mut().filter_map(Value::as_object_mut) {
            element.retain(|name, value| match attribute.as_str() {
                "members" => name == "value",
                _ => !(name == "primary" && *value == false),
            });
            element.sort_keys();
        }
        elements.sort_by_key(Value::to_string);
    }
    plain.sort_all_objects();
    plain
}

fn malformed(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let operation = json!({ "op": "replace", "path": "title", "value": "x" });
    for (variant, message) in [
        (
            "op move",
            patch_op(&json!([{ "op": "move", "path": "title", "value": "x" }])),
        ),
        (
            "no op",
            patch_op(&json!([{ "path": "title", "value": "x" }])),
        ),
        ("no operations", patch_op(&json!([]))),
        ("Operations missing", json!({ "schemas": [urn::PATCH] })),
        (
            "PatchOp URN missing",
            json!({ "schemas": [urn::USER], "Operations": [operation] }),
        ),
        ("schemas missing", json!({ "Operations": [operation] })),
        ("Operations an object", patch_op(&operation)),
    ] {
        let answer = session.send(Request::patch(&path, &message))?;
        within(variant, answer.refused(400, "invalidSyntax"))?;
    }
    same(
        "the resource, which must be unchanged,",
        &user,
        &session.read(&path)?,
    )
}

fn strict(session: &mut Session, operations: &str) -> Verdict {
    let stage = Stage::user(session, operations)?;
    let message = patch_op(&stage.fill(operations));
    session
        .send(Request::patch(&stage.path, &message).header("prefer", "handling=strict"))?
        .refused(400, "")?;
    same(
        "the resource, which must be unchanged,",
        &stage.before,
        &session.read(&stage.path)?,
    )
}

fn strict_unknown(session: &mut Session) -> Verdict {
    let stage = Stage::user(session, "")?;
    let message = patch_op(&json!([{ "op": "replace", "value": { "nosuch": 1, "title": "T" } }]));
    session
        .send(Request::patch(&stage.path, &message).header("prefer", "handling=strict"))?
        .refused(400, "invalidValue")?;
    same(
        "the resource, which must be unchanged,",
        &stage.before,
        &session.read(&stage.path)?,
    )
}

fn manager_name(session: &mut Session) -> Verdict {
    let mut body = session.new_user("boss");
    body["displayName"] = json!("The Boss");
    let boss = session.create("/Users", &body)?;
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let operations = json!([{ "op": "add", "path": format!("{}:manager", urn::ENTERPRISE), "value": boss["id"] }]);
    session.patch(&path, &operations)?.expect_any(&[200, 204])?;
    let manager = &session.read(&path)?[urn::ENTERPRISE]["manager"];
    same("manager.value", &boss["id"], &manager["value"])?;
    same(
        "manager.displayName",
        &json!("The Boss"),
        &manager["displayName"],
    )
}

fn password(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let secret = format!("Correct-Horse-9-{}", session.tag());
    let operations = json!([{ "op": "replace", "path": "password", "value": secret }]);
    let answer = session.patch(&path, &operations)?.expect_any(&[200, 204])?;
    let shown = String::from_utf8_lossy(&answer.bytes).contains(&secret);
    ensure(
        !shown
            && answer
                .json()
                .is_none_or(|body| body.get("password").is_none()),
        "no password",
        &answer,
    )?;
    let answer = session.get(&path)?.expect(200)?;
    ensure(
        answer.object()?.get("password").is_none(),
        "no password",
        &answer,
    )
}

fn projected(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let operations = json!([{ "op": "replace", "path": "title", "value": "x" }]);
    let answer = session
        .patch(&format!("{path}?attributes=userName"), &operations)?
        .expect(200)?;
    let mut names: Vec<_> = answer
        .object()?
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .cloned()
        .collect();
    names.sort();
    same(
        "members of the answer",
        &json!(["id", "schemas", "userName"]),
        &json!(names),
    )?;
    let group = session.group("g", &[])?;
    let path = format!("{}?attributes=displayName", path_of("/Groups", &group));
    let operations = json!([{ "op": "replace", "path": "externalId", "value": "x" }]);
    let answer = session.patch(&path, &operations)?.expect(200)?;
    ensure(
        answer.object()?["displayName"] == group["displayName"],
        "the displayName",
        &answer,
    )
}

fn stale(session: &mut Session) -> Verdict {
    session.needs("etag")?;
    let stage = Stage::user(session, "")?;
    let old = text(&stage.before["meta"]["version"]);
    let first = json!([{ "op": "replace", "path": "title", "value": "First" }]);
    session
        .patch(&stage.path, &first)?
        .expect_any(&[200, 204])?;
    let second = patch_op(&json!([{ "op": "replace", "path": "title", "value": "Second" }]));
    session
        .send(Request::patch(&stage.path, &second).header("if-match", old))?
        .refused(412, "")?;
    same(
        "title",
        &json!("First"),
        &session.read(&stage.path)?["title"],
    )
}

fn parallel(session: &mut Session) -> Verdict {
    let users = [
        session.user("u")?,
        session.user("u")?,
        session.user("u")?,
        session.user("u4")?,
        session.user("m1")?,
    ];
    let group = session.group("g", &[&users[0], &users[1], &users[2]])?;
    let path = path_of("/Groups", &group);
    let client = session.client();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = users[3..]
            .iter()
            .map(|user| {
                let value = json!([{ "value": user["id"] }]);
                let message =
                    patch_op(&json!([{ "op": "add", "path": "members", "value": value }]));
                let request = Request::patch(&path, &message);
                scope.spawn(move || client.send(&request))
            })
            .collect();
        running
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect()
    });
    for answer in answers {
        match answer {
            Ok(Ok(answer)) => answer.expect_any(&[200, 204])?,
            _ => return fail("an answer to each parallel PATCH", "none"),
        };
    }
    has_members(&session.read(&path)?, &users.iter().collect::<Vec<_>>())
}

fn moves(session: &mut Session) -> Verdict {
    let before = session.user("u")?;
    same(
        "lastModified of a new user",
        &before["meta"]["created"],
        &before["meta"]["lastModified"],
    )?;
    // Longer than the coarsest resolution a dateTime usually has.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let path = path_of("/Users", &before);
    let operations = json!([{ "op": "replace", "path": "title", "value": "x" }]);
    let answer = session.patch(&path, &operations)?.expect_any(&[200, 204])?;
    let after = session.read(&path)?;
    same(
        "meta.created",
        &before["meta"]["created"],
        &after["meta"]["created"],
    )?;
    let time = |user: &Value| {
        text(&user["meta"]["lastModified"])
            .parse::<jiff::Timestamp>()
            .ok()
    };
    ensure(
        time(&after) > time(&before),
        "a later meta.lastModified",
        &answer,
    )
}

fn unknown_id(session: &mut Session) -> Verdict {
    let gone = session.deleted_id()?;
    let operations = json!([{ "op": "replace", "path": "title", "value": "x" }]);
    session
        .patch(&format!("/Users/{gone}"), &operations)?
        .refused(404, "")
}

fn message_case(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    for spelling in ["operations", "OPERATIONS"] {
        let message = json!({
            "schemas": [urn::PATCH],
            spelling: [{ "op": "replace", "path": "title", "value": spelling }],
        });
        session
            .send(Request::patch(&path, &message))?
            .expect_any(&[200, 204])?;
        same("title", &json!(spelling), &session.read(&path)?["title"])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_json_once_its_names_are_filled_in() {
        let names = [
            "<own>",
            "<m1>",
            "<m2>",
            "<m2 name>",
            "<M2 NAME>",
            "<gone>",
            "<E>",
            "<e>",
        ];
        let more = ["<USER>", "<u1>", "<u2>", "<u3>", "<u4>", "<U2>", "<tag>"];
        let names = names
            .iter()
            .chain(&more)
            .map(|name| (*name, "x".to_owned()))
            .collect();
        let stage = Stage {
            path: String::new(),
            before: Value::Null,
            names,
        };
        for row in USER_ROWS.iter().chain(GROUP_ROWS) {
            for variant in row.variants {
                assert!(stage.fill(variant).is_array(), "{variant}");
                assert!(!stage.fill(variant).to_string().contains('<'), "{variant}");
            }
            if let Becomes(change) = row.effect {
                assert!(stage.fill(change).is_object(), "{change}");
            }
        }
    }

    #[test]
    fn a_merge_keeps_what_it_does_not_name() {
        let mut value = json!({ "a": { "b": 1, "c": 2 }, "d": [1] });
        merge(&mut value, &json!({ "a": { "b": null }, "d": [2] }));
        assert_eq!(value, json!({ "a": { "c": 2 }, "d": [2] }));
    }

    #[test]
    fn order_of_elements_does_not_count() {
        let one = json!({ "emails": [{ "value": "a" }, { "primary": false, "value": "b" }] });
        let other = json!({ "emails": [{ "value": "b" }, { "value": "a" }], "members": [] });
        assert_eq!(comparable(&one), comparable(&other));
    }
}
