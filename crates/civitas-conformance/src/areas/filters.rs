//! Filters (RFC 7644 §3.4.2.2), each asked of the same three users.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::case::Case;
use crate::session::{Session, path_of, selects};
use crate::urn;
use crate::verdict::{Verdict, ensure, fail, same, skip, text};
use crate::wire::Request;

/// Three users, told apart from all others by `nickName`, and a group:
///
/// | | A | B | C |
/// |---|---|---|---|
/// | userName | bjensen… | JSmith… | mallory… |
/// | externalId | X1 | x1 | |
/// | displayName | | | École |
/// | name | Barbara Jensen | | |
/// | title | Tour Guide | | "" |
/// | userType | Employee | Intern | |
/// | active | true | false | |
/// | emails | work primary, home | | work, home |
/// | enterprise | | department, manager A | |
struct Cast {
    a: Value,
    b: Value,
    c: Value,
    group: Value,
}

impl Cast {
    fn new(session: &mut Session) -> Result<Self, crate::Unmet> {
        let tag = session.tag().to_owned();
        let a = session.create(
            "/Users",
            &json!({
                "schemas": [urn::USER],
                "userName": format!("bjensen-{tag}"),
                "nickName": tag,
                "externalId": "X1",
                "name": { "givenName": "Barbara", "familyName": "Jensen" },
                "title": "Tour Guide",
                "userType": "Employee",
                "active": true,
                "emails": [
                    { "value": "bjensen@example.com", "type": "work", "primary": true },
                    { "value": "babs@jensen.org", "type": "home" },
                ],
            }),
        )?;
        let b = session.create(
            "/Users",
            &json!({
                "schemas": [urn::USER, urn::ENTERPRISE],
                "userName": format!("JSmith-{tag}"),
                "nickName": tag,
                "externalId": "x1",
                "userType": "Intern",
                "active": false,
                urn::ENTERPRISE: { "department": "Sales", "manager": { "value": a["id"] } },
            }),
        )?;
        let c = session.create(
            "/Users",
            &json!({
                "schemas": [urn::USER],
                "userName": format!("mallory-{tag}"),
                "nickName": tag,
                "displayName": "École",
                "title": "",
                "emails": [
                    { "value": "mal@foo.com", "type": "work" },
                    { "value": "c@example.com", "type": "home" },
                ],
            }),
        )?;
        let group = session.create(
            "/Groups",
            &json!({ "schemas": [urn::GROUP], "displayName": format!("Staff-{tag}") }),
        )?;
        Ok(Self { a, b, c, group })
    }

    /// The members named by letters, `A B C G`.
    fn named(&self, letters: &str) -> Vec<&Value> {
        letters
            .split_whitespace()
            .filter_map(|letter| match letter {
                "A" => Some(&self.a),
                "B" => Some(&self.b),
                "C" => Some(&self.c),
                "G" => Some(&self.group),
                _ => None,
            })
            .collect()
    }

    /// Puts this run's values in place of the names in angle brackets.
    fn fill(&self, filter: &str, tag: &str) -> String {
        let id = text(&self.a["id"]);
        filter
            .replace("<tag>", tag)
            .replace("<TAG>", &tag.to_uppercase())
            .replace("<id>", &id)
            .replace("<ID>", &id.to_uppercase())
            .replace(
                "<id start>",
                id.get(..id.len().saturating_sub(1)).unwrap_or_default(),
            )
    }

    fn titles_may_be_empty(&self) -> bool {
        self.c["title"] == ""
    }

    fn active_is_defaulted(&self) -> bool {
        self.c["active"] == true
    }
}

/// A filter and whom it selects.
#[derive(Clone, Copy)]
struct Row {
    id: &'static str,
    filter: &'static str,
    selects: &'static str,
    point: &'static str,
    also: &'static [&'static str],
}

const fn row(
    id: &'static str,
    filter: &'static str,
    selects: &'static str,
    point: &'static str,
) -> Row {
    Row {
        id,
        filter,
        selects,
        point,
        also: &[],
    }
}

const fn citing(also: &'static [&'static str], row: Row) -> Row {
    Row { also, ..row }
}

const SELECTING: &[Row] = &[
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
        &["X-TOP-17"],
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
const ABOUT_ACTIVE: &[(Row, &str)] = &[
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

const REFUSED: &[Row] = &[
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
        &["S-7644-3.4.2.2-20"],
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

const AT_THE_BASE: &[Row] = &[
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

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |row: &'static Row, check: fn(&mut Session, &'static Row) -> Verdict| {
        let ids: Vec<_> = std::iter::once(row.id)
            .chain(row.also.iter().copied())
            .collect();
        cases.push(Case::new(&ids, row.point, move |session| {
            check(session, row)
        }));
    };
    for row in SELECTING {
        add(row, selecting);
    }
    for row in REFUSED {
        add(row, refused);
    }
    for row in AT_THE_BASE {
        add(row, at_the_base);
    }
    for (row, with_default) in ABOUT_ACTIVE {
        cases.push(Case::new(&[row.id], row.point, move |session| {
            about_active(session, row, with_default)
        }));
    }
    cases.extend([
        Case::new(&["T-FILTER-05", "X-TOP-17"], "id heeds case", id_heeds_case),
        Case::new(
            &["T-FILTER-14", "S-7643-2.5-03"],
            "an empty string is a value",
            |session| about_empty_title(session, r#"title eq """#, "C"),
        ),
        Case::new(
            &["T-FILTER-15", "S-7644-3.4.2.2-17"],
            "ne holds on unassigned",
            |session| about_empty_title(session, r#"title ne """#, "A B"),
        ),
        Case::new(
            &["T-FILTER-50", "S-7644-3.4.2.2-15"],
            "an instant in another zone",
            |session| about_time(session, "eq", 2, |stored, asked| stored == asked),
        ),
        Case::new(&["T-FILTER-51"], "later than an instant", |session| {
            about_time(session, "gt", 0, |stored, asked| stored > asked)
        }),
        Case::new(
            &["T-FILTER-52"],
            "not before an instant in another zone",
            |session| about_time(session, "ge", 2, |stored, asked| stored >= asked),
        ),
        Case::new(&["T-FILTER-53"], "before an instant", |session| {
            about_time(session, "lt", 0, |stored, asked| stored < asked)
        }),
        Case::new(
            &["T-FILTER-54"],
            "fractions of a second compare as numbers",
            fractions,
        ),
        Case::new(
            &["T-FILTER-97"],
            "attribute of no type, at the base",
            |session| {
                session
                    .send(Request::get("/").query("filter", "nosuch pr"))?
                    .refused(400, "invalidFilter")
            },
        ),
        Case::new(
            &["S-7644-1.2-01"],
            "plus and %20 are spaces in a query",
            spaces,
        ),
        Case::new(
            &["S-7644-3.4.2-03", "S-7644-3.4.2-04", "I-ENTRA-03"],
            "no match: an empty list",
            no_match,
        ),
        Case::new(
            &["S-7644-3.4.2.2-26"],
            "deep nesting is refused, not a crash",
            deep,
        ),
        Case::new(
            &["S-7644-3.4.2.2-26"],
            "a filter beyond 8 KiB is refused",
            |session| {
                let long = format!(r#"userName eq "{}""#, "x".repeat(9_000));
                session
                    .send(search_for(&long))?
                    .refused(400, "invalidFilter")
            },
        ),
        Case::new(
            &["S-7644-3.4.1-06"],
            "a filter on one resource answers a list",
            on_one_resource,
        ),
    ]);
    cases
}

fn scoped(filter: &str, tag: &str) -> String {
    format!(r#"nickName eq "{tag}" and ({filter})"#)
}

fn selecting(session: &mut Session, row: &Row) -> Verdict {
    let cast = Cast::new(session)?;
    let filter = cast.fill(row.filter, session.tag());
    expect_selected(session, &cast, &filter, row.selects)
}

fn expect_selected(session: &mut Session, cast: &Cast, filter: &str, letters: &str) -> Verdict {
    let filter = scoped(filter, session.tag());
    let answer = session
        .send(Request::get("/Users").query("filter", &filter))?
        .expect(200)?;
    ensure_selected(cast, &answer, letters)
}

/// Reports by letters rather than by ids, so that a failure can be read.
fn ensure_selected(cast: &Cast, answer: &crate::wire::Answer, letters: &str) -> Verdict {
    let list = answer.list()?;
    if selects(&list, &cast.named(letters)).is_ok() {
        return Ok(());
    }
    let got: Vec<_> = list
        .ids()
        .iter()
        .map(|id| {
            let is = |one: &&&str| cast.named(one).iter().any(|resource| resource["id"] == *id);
            ["A", "B", "C", "G"]
                .iter()
                .find(is)
                .copied()
                .unwrap_or("another")
        })
        .collect();
    fail(
        format!("selects [{letters}]"),
        format!(
            "[{}], totalResults {} (after {})",
            got.join(" "),
            list.total,
            answer.request
        ),
    )
}

fn about_active(session: &mut Session, row: &Row, with_default: &str) -> Verdict {
    let cast = Cast::new(session)?;
    let letters = if cast.active_is_defaulted() {
        with_default
    } else {
        row.selects
    };
    expect_selected(session, &cast, row.filter, letters)
}

fn about_empty_title(session: &mut Session, filter: &str, letters: &str) -> Verdict {
    let cast = Cast::new(session)?;
    if !cast.titles_may_be_empty() {
        return skip("the server does not keep an empty string");
    }
    expect_selected(session, &cast, filter, letters)
}

fn id_heeds_case(session: &mut Session) -> Verdict {
    let cast = Cast::new(session)?;
    let id = text(&cast.a["id"]);
    if id == id.to_uppercase() {
        return skip("ids have no letters in lower case");
    }
    let filter = cast.fill(r#"id eq "<ID>""#, session.tag());
    expect_selected(session, &cast, &filter, "")
}

fn last_modified(user: &Value) -> Result<Timestamp, crate::Unmet> {
    let written = text(&user["meta"]["lastModified"]);
    written.parse().or_else(|_| {
        fail(
            "meta.lastModified as a dateTime with a zone",
            format!("{written:?}"),
        )
    })
}

/// Compares with A's own `meta.lastModified`, written with an offset of some hours.
fn about_time(
    session: &mut Session,
    operator: &str,
    offset_hours: i64,
    holds: fn(Timestamp, Timestamp) -> bool,
) -> Verdict {
    let cast = Cast::new(session)?;
    let asked = last_modified(&cast.a)?;
    let shifted = asked + jiff::SignedDuration::from_hours(offset_hours);
    let literal = format!(
        "{}+{offset_hours:02}:00",
        shifted.to_string().trim_end_matches('Z')
    );
    let mut letters = Vec::new();
    for (letter, user) in [("A", &cast.a), ("B", &cast.b), ("C", &cast.c)] {
        if holds(last_modified(user)?, asked) {
            letters.push(letter);
        }
    }
    let filter = format!(r#"meta.lastModified {operator} "{literal}""#);
    expect_selected(session, &cast, &filter, &letters.join(" "))
}

/// Trailing zeros after the second do not change an instant.
fn fractions(session: &mut Session) -> Verdict {
    let cast = Cast::new(session)?;
    let asked = last_modified(&cast.a)?;
    let mut letters = Vec::new();
    for (letter, user) in [("A", &cast.a), ("B", &cast.b), ("C", &cast.c)] {
        if last_modified(user)? == asked {
            letters.push(letter);
        }
    }
    let filter = format!(r#"meta.lastModified eq "{asked:.6}""#);
    expect_selected(session, &cast, &filter, &letters.join(" "))
}

fn refused(session: &mut Session, row: &Row) -> Verdict {
    session
        .send(Request::get("/Users").query("filter", row.filter))?
        .refused(400, "invalidFilter")
}

fn at_the_base(session: &mut Session, row: &Row) -> Verdict {
    let cast = Cast::new(session)?;
    let tag = session.tag();
    let filter = format!(
        r#"(nickName eq "{tag}" or displayName eq "Staff-{tag}") and ({})"#,
        cast.fill(row.filter, tag)
    );
    let answer = session
        .send(Request::get("/").query("filter", &filter))?
        .expect(200)?;
    ensure_selected(&cast, &answer, row.selects)
}

fn spaces(session: &mut Session) -> Verdict {
    let user = session.user("space")?;
    let name = text(&user["userName"]);
    for space in ["+", "%20"] {
        let path = format!("/Users?filter=userName{space}eq{space}%22{name}%22");
        selects(&session.get(path)?.expect(200)?.list()?, &[&user])?;
    }
    Ok(())
}

fn no_match(session: &mut Session) -> Verdict {
    let filter = format!(r#"userName eq "{}""#, session.name("nobody"));
    let answer = session
        .send(Request::get("/Users").query("filter", &filter))?
        .expect(200)?;
    let list = answer.list()?;
    same("totalResults", &json!(0), &json!(list.total))?;
    ensure(
        list.body["Resources"] == json!([]),
        "Resources: []",
        &answer,
    )?;
    ensure(
        list.body["startIndex"].is_u64() && list.body["itemsPerPage"] == 0,
        "startIndex and itemsPerPage as integers",
        &answer,
    )
}

/// A filter as a `.search`, where no limit on the length of a URL interferes.
fn search_for(filter: &str) -> Request {
    Request::post(
        "/Users/.search",
        &json!({ "schemas": [urn::SEARCH], "filter": filter }),
    )
}

fn deep(session: &mut Session) -> Verdict {
    let nested = format!("{}userName pr{}", "(".repeat(3_000), ")".repeat(3_000));
    session
        .send(search_for(&nested))?
        .refused(400, "invalidFilter")?;
    let nested = format!("{}userName pr{}", "not (".repeat(40), ")".repeat(40));
    session
        .send(search_for(&nested))?
        .refused(400, "invalidFilter")
}

fn on_one_resource(session: &mut Session) -> Verdict {
    let user = session.user("one")?;
    let path = path_of("/Users", &user);
    let hit = session
        .send(Request::get(&path).query("filter", "userName pr"))?
        .expect(200)?;
    selects(&hit.list()?, &[&user])?;
    let miss = session
        .send(Request::get(&path).query("filter", "title pr"))?
        .expect(200)?;
    let list = miss.list()?;
    ensure(list.total == 0, "totalResults 0", &miss)
}
