//! Filters that make no sense.

use super::{Row, citing, row};

pub(super) const REFUSED: &[Row] = &[
    citing(
        &["S-7644-3.4.2.2-03"],
        row("T-FILTER-63", "", "", "empty filter"),
    ),
    row("T-FILTER-64", "userName", "", "no operator"),
    row("T-FILTER-65", "userName eq", "", "no literal"),
    row(
        "T-FILTER-66",
        r#"userName pr "x""#,
        "",
        "pr takes no operand",
    ),
    citing(
        &["S-7644-3.4.2.2-04"],
        row("T-FILTER-67", r#"userName xx "x""#, "", "unknown operator"),
    ),
    citing(
        &["S-7644-3.4.2.2-27"],
        row("T-FILTER-68", "userName eq bjensen", "", "unquoted word"),
    ),
    citing(
        &["S-7644-3.4.2.2-27"],
        row("T-FILTER-69", "userName eq 'bjensen'", "", "single quotes"),
    ),
    row(
        "T-FILTER-70",
        r#"userName eq "bjensen"#,
        "",
        "unterminated string",
    ),
    row(
        "T-FILTER-71",
        r#"userName eq "a" and"#,
        "",
        "dangling connective",
    ),
    row(
        "T-FILTER-72",
        r#"userName eq "a" userName eq "b""#,
        "",
        "no connective",
    ),
    row("T-FILTER-73", r#"(userName eq "a""#, "", "unclosed group"),
    row("T-FILTER-74", r#"userName eq "a")"#, "", "unopened group"),
    citing(
        &["S-7644-3.4.2.2-28"],
        row(
            "T-FILTER-75",
            r#"not userType eq "Employee""#,
            "",
            "not without a group",
        ),
    ),
    row("T-FILTER-76", "not (title pr", "", "unclosed negation"),
    citing(
        &["S-7644-3.4.2.2-05"],
        row("T-FILTER-77", "active gt false", "", "order of booleans"),
    ),
    row(
        "S-7644-3.4.2.2-05",
        r#"x509Certificates.value gt "YQ==""#,
        "",
        "order of binaries",
    ),
    row(
        "S-7644-3.4.2.2-19",
        r#"x509Certificates.value co "YQ==""#,
        "",
        "part of a binary",
    ),
    citing(
        &["S-7644-3.4.2.2-19"],
        row("T-FILTER-78", r#"active co "t""#, "", "part of a boolean"),
    ),
    citing(
        &["S-7644-3.4.2.2-15"],
        row("T-FILTER-79", "userName eq 5", "", "number for a string"),
    ),
    citing(
        &["S-7644-3.4.2.2-15"],
        row(
            "T-FILTER-80",
            "userName eq true",
            "",
            "boolean for a string",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-16"],
        row("T-FILTER-81", "title gt null", "", "order against null"),
    ),
    citing(
        &["S-7644-3.4.2.2-20", "S-7643-2.3.5-01"],
        row(
            "T-FILTER-82",
            r#"meta.lastModified eq "2011-05-13""#,
            "",
            "date without time",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-19"],
        row(
            "T-FILTER-83",
            r#"meta.lastModified sw "2011""#,
            "",
            "part of a dateTime",
        ),
    ),
    citing(
        &["S-7644-3.4.2.2-21"],
        row(
            "T-FILTER-84",
            r#"name eq "Barbara""#,
            "",
            "complex without sub-attribute",
        ),
    ),
    row(
        "T-FILTER-85",
        r#"emails[type eq "work""#,
        "",
        "unclosed bracket",
    ),
    row("T-FILTER-86", "emails[]", "", "empty bracket"),
    citing(
        &["S-7644-3.4.2.2-29"],
        row(
            "T-FILTER-87",
            r#"emails[value[type eq "x"]]"#,
            "",
            "value path in a value path",
        ),
    ),
    row(
        "T-FILTER-88",
        r#"name[givenName eq "Barbara"]"#,
        "",
        "value path on a singular attribute",
    ),
    row(
        "T-FILTER-89",
        r#"emails.value.x eq "a""#,
        "",
        "three levels",
    ),
    citing(
        &["S-7644-3.4.2.2-23"],
        row("T-FILTER-90", r#"nosuch eq "x""#, "", "unknown attribute"),
    ),
    citing(
        &["S-7644-3.4.2.2-25", "S-7643-4.1.1-08"],
        row("T-FILTER-91", r#"password eq "x""#, "", "password compared"),
    ),
    citing(
        &["S-7644-3.4.2.2-25"],
        row("T-FILTER-92", "password pr", "", "password present"),
    ),
    row(
        "S-7644-3.4.2.2-23",
        "members pr",
        "",
        "attribute of another type",
    ),
];
