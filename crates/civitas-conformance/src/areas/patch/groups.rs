//! Operations on a group and its members.

use super::Effect::{Becomes, Refused, Same};
use super::Row;

pub(super) const ROWS: &[Row] = &[
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
