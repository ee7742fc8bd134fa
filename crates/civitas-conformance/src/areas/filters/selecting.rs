//! Filters and whom they select.

use super::{Row, citing, row};

pub(super) const SELECTING: &[Row] = &[
    citing(
        &["S-7644-3.4.2.2-01", "S-7644-3.4.2.2-06", "X-TOP-17"],
        row(
            "T-FILTER-01",
            r#"userName eq "BJENSEN-<TAG>""#,
            "A",
            "userName ignores case",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-02", "S-7643-2.1-02", "X-TOP-09"],
        row(
            "T-FILTER-02",
            r#"USERNAME EQ "jsmith-<tag>""#,
            "B",
            "names and operators ignore case",
        ),
    ),
    citing(
        &["X-TOP-17", "S-7643-7-05", "S-7644-3.4.2.2-06"],
        row(
            "T-FILTER-03",
            r#"externalId eq "x1""#,
            "B",
            "externalId heeds case, lower",
        ),
    ),
    citing(
        &["X-TOP-17"],
        row(
            "T-FILTER-04",
            r#"externalId eq "X1""#,
            "A",
            "externalId heeds case, upper",
        ),
    ),
    row(
        "T-FILTER-06",
        r#"id sw "<id start>""#,
        "A",
        "prefix of an id",
    ),
    citing(
        &["S-7644-3.4.2.2-20"],
        row(
            "T-FILTER-07",
            r#"userName gt "c""#,
            "B C",
            "order of folded text",
        ),
    ),
    row(
        "T-FILTER-08",
        r#"externalId gt "a""#,
        "B",
        "order of exact text",
    ),
    citing(
        &["S-7644-3.4.2.2-19"],
        row(
            "T-FILTER-09",
            r#"userName co """#,
            "A B C",
            "an empty operand is in every value",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-27"],
        row(
            "T-FILTER-10",
            r#"displayName eq "\u00c9cole""#,
            "C",
            "JSON escape in a literal",
        ),
    ),
    citing(
        &["S-7644-7.8-01"],
        row(
            "T-FILTER-11",
            r#"displayName eq "école""#,
            "C",
            "case folding beyond ASCII",
        ),
    ),
    citing(
        &["S-7644-7.8-01"],
        row(
            "T-FILTER-12",
            r#"displayName eq "e\u0301cole""#,
            "C",
            "decomposed accent",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-12"],
        row(
            "T-FILTER-13",
            "title pr",
            "A",
            "an empty string is not present",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-12"],
        row(
            "T-FILTER-16",
            r#"title co """#,
            "A",
            "an empty string is no present value",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-16"],
        row(
            "T-FILTER-17",
            "title eq null",
            "B C",
            "eq null means not present",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-16"],
        row("T-FILTER-18", "title ne null", "A", "ne null means present"),
    ),
    citing(
        &["S-7644-3.4.2.2-18"],
        row("T-FILTER-19", "not (title pr)", "B C", "negated presence"),
    ),
    citing(
        &["S-7644-3.4.2.2-07"],
        row(
            "T-FILTER-26",
            r#"userType eq "Employee" or userType eq "Intern" and active eq false"#,
            "A B",
            "and binds tighter than or",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-07"],
        row(
            "T-FILTER-27",
            r#"(userType eq "Employee" or userType eq "Intern") and active eq false"#,
            "B",
            "grouping",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-17"],
        row(
            "T-FILTER-28",
            r#"NOT (userType eq "Intern")"#,
            "A C",
            "not in any case",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-28"],
        row(
            "T-FILTER-29",
            r#"not(userType eq "Intern") AND userName pr"#,
            "A C",
            "no space after not",
        ),
    ),
    row(
        "T-FILTER-31",
        r#"((userName eq "bjensen-<tag>"))"#,
        "A",
        "redundant groups",
    ),
    row(
        "T-FILTER-32",
        "emails pr",
        "A C",
        "presence of a multi-valued attribute",
    ),
    citing(
        &["S-7644-3.4.2.2-21"],
        row(
            "T-FILTER-33",
            r#"emails eq "babs@jensen.org""#,
            "A",
            "multi-valued attribute means its value",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-08"],
        row(
            "T-FILTER-34",
            r#"emails co "EXAMPLE""#,
            "A C",
            "any element may match",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-08"],
        row(
            "T-FILTER-35",
            r#"emails.type eq "home" and emails.value ew "example.com""#,
            "A C",
            "conditions on different elements",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-09"],
        row(
            "T-FILTER-36",
            r#"emails[type eq "home" and value ew "example.com"]"#,
            "C",
            "conditions on one element",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-29"],
        row(
            "T-FILTER-37",
            r#"emails[type eq "work" and (value co "foo" or value co "example")]"#,
            "A C",
            "grouping inside brackets",
        ),
    ),
    row(
        "T-FILTER-38",
        r#"emails[not (type eq "work")]"#,
        "A C",
        "some element is not work",
    ),
    row(
        "T-FILTER-39",
        r#"not (emails[type eq "work"])"#,
        "B",
        "no element is work",
    ),
    row(
        "T-FILTER-40",
        r#"not (emails.type eq "work")"#,
        "B",
        "no element is work, dotted",
    ),
    citing(
        &["S-7644-3.4.2.2-17"],
        row(
            "T-FILTER-41",
            r#"emails.type ne "work""#,
            "A B C",
            "some element differs or none exists",
        ),
    ),
    row(
        "T-FILTER-42",
        r#"emails[type ne "work"]"#,
        "A C",
        "an element must exist",
    ),
    row(
        "T-FILTER-43",
        "emails[primary eq true]",
        "A",
        "primary element",
    ),
    citing(
        &["S-7643-2.4-04"],
        row(
            "T-FILTER-44",
            "emails[primary ne true]",
            "A C",
            "missing primary is not true",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-22", "I-ENTRA-01"],
        row(
            "T-FILTER-45",
            r#"emails[type eq "work"].value eq "MAL@foo.com""#,
            "C",
            "comparison after a value path",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-22"],
        row(
            "T-FILTER-46",
            r#"EMAILS[TYPE EQ "work"].VALUE EQ "mal@foo.com""#,
            "C",
            "comparison after a value path, upper case",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-12"],
        row(
            "T-FILTER-47",
            "name pr",
            "A",
            "complex attribute with a part",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-10"],
        row(
            "T-FILTER-48",
            r#"name.familyName eq "jensen""#,
            "A",
            "sub-attribute",
        ),
    ),
    citing(
        &["S-7644-3.10-03", "I-ENTRA-02"],
        row(
            "T-FILTER-49",
            r#"manager eq "<id>""#,
            "B",
            "unqualified extension attribute",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-24"],
        row(
            "T-FILTER-55",
            r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:USER""#,
            "A B C",
            "schema URIs ignore case",
        ),
    ),
    row(
        "T-FILTER-56",
        r#"meta.resourceType eq "User""#,
        "A B C",
        "resource type",
    ),
    citing(
        &["S-7644-3.4.2.2-24"],
        row(
            "T-FILTER-57",
            r#"meta.resourceType eq "user""#,
            "",
            "resource type heeds case",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-30", "X-TOP-07"],
        row(
            "T-FILTER-58",
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
            "B",
            "core URN as prefix",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-30", "S-7644-3.10-01", "X-TOP-07"],
        row(
            "T-FILTER-59",
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "sales""#,
            "B",
            "extension URN as prefix",
        ),
    ),
    citing(
        &["S-7644-3.10-01"],
        row(
            "T-FILTER-60",
            r#"URN:IETF:params:scim:schemas:extension:enterprise:2.0:user:manager.value eq "<id>""#,
            "B",
            "URN prefix ignores case",
        ),
    ),
    citing(
        &["S-7644-3.10-03"],
        row(
            "T-FILTER-61",
            r#"department eq "sales""#,
            "B",
            "unqualified extension sub-attribute",
        ),
    ),
    row(
        "T-FILTER-62",
        r#"userName eq "bjensen-<tag>" and ( active eq true )"#,
        "A",
        "spaces inside a group",
    ),
    row(
        "S-7644-3.4.2.2-06",
        r#"externalId sw "X" or externalId ew "X1" or externalId co "X""#,
        "A",
        "every operator heeds the case of exact text",
    ),
    citing(
        &["S-7644-3.10-03"],
        row(
            "S-7643-2.1-04",
            "manager.$ref pr",
            "B",
            "the name $ref in a filter",
        ),
    ),
    citing(
        &["I-ENTRA-02"],
        row(
            "S-7644-3.4.2.2-21",
            r#"id eq "<id>" and manager eq "nobody""#,
            "",
            "reference probe without a match",
        ),
    ),
    row(
        "S-7644-3.4.2.2-31",
        r#"userName eq"bjensen-<tag>""#,
        "A",
        "no space before the literal",
    ),
    row(
        "S-7644-3.4.2.2-27",
        "active eq False",
        "B",
        "capitalised boolean literal",
    ),
];

/// Rows about `active`: a server may give C a default (RFC 7644 §3.3).
pub(super) const ABOUT_ACTIVE: &[(Row, &str)] = &[
    (
        row("T-FILTER-20", "active eq true", "A", "boolean true"),
        "A C",
    ),
    (
        row(
            "T-FILTER-21",
            "active eq false",
            "B",
            "unassigned is not false",
        ),
        "B",
    ),
    (
        row("T-FILTER-22", "active ne true", "B C", "ne negates eq"),
        "B",
    ),
    (
        row(
            "T-FILTER-23",
            "not (active eq true)",
            "B C",
            "negated boolean",
        ),
        "B",
    ),
    (
        row("T-FILTER-24", "active pr", "A B", "false is present"),
        "A B C",
    ),
    (
        row(
            "T-FILTER-25",
            r#"active eq "False""#,
            "B",
            "boolean as a string",
        ),
        "B",
    ),
    (
        row(
            "T-FILTER-30",
            r#"not (userType eq "Intern" or active eq true)"#,
            "C",
            "negated disjunction",
        ),
        "",
    ),
];

pub(super) const AT_THE_BASE: &[Row] = &[
    citing(
        &["S-7644-3.4.2.1-01", "S-7644-3.4.2.1-04"],
        row(
            "T-FILTER-93",
            "userName pr",
            "A B C",
            "groups have no userName",
        ),
    ),
    citing(
        &["S-7644-3.4.2.1-04"],
        row(
            "T-FILTER-94",
            "not (userName pr)",
            "G",
            "negation includes the other type",
        ),
    ),
    row(
        "T-FILTER-95",
        r#"meta.resourceType eq "Group" and displayName eq "staff-<tag>""#,
        "G",
        "by resource type",
    ),
    row(
        "T-FILTER-96",
        "members pr or title pr",
        "A",
        "attributes of different types",
    ),
];
