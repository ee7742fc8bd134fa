//! Columns of files: which attribute a head names, and what a cell says of it. Pure.

use civitas_scim::{
    patch::{self, Op, Operation},
    schema::urn,
    tolerance::Tolerance,
};
use serde_json::{Value, json};

use super::{
    super::{fault::Fault, kind::Kind, object::Object, schema},
    cell,
};

/// What separates names in one cell.
const SEPARATOR: char = ';';

/// The lists that have a first element.
const PRIMARIES: [(&str, &str); 3] = [
    ("Primary Email Type", "emails"),
    ("Primary Phone Type", "phoneNumbers"),
    ("Primary Address Type", "addresses"),
];

/// What the cells of a column are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Values of the attribute at a path.
    Path(String),
    /// Which element of a list is the primary one, by its type.
    Primary(&'static str),
    /// The user name of the manager.
    Manager,
    /// The user names of members.
    Members,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) head: String,
    pub(super) target: Target,
}

/// The columns that files of a type have.
pub(super) fn all(kind: Kind) -> Vec<Column> {
    let named = |(head, path): &(&str, &str)| column(head, Target::Path((*path).to_owned()));
    if kind == Kind::Group {
        let mut columns: Vec<Column> = GROUP.iter().map(named).collect();
        columns.push(column("User Members", Target::Members));
        return columns;
    }
    let mut columns: Vec<Column> = USER.iter().map(named).collect();
    for (type_, head) in [("work", "Work"), ("home", "Home"), ("other", "Other")] {
        for (part, name) in ADDRESS {
            let path = format!("addresses[type eq \"{type_}\"].{part}");
            columns.push(column(
                &format!("{head} Address {name}"),
                Target::Path(path),
            ));
        }
    }
    for (head, list) in PRIMARIES {
        columns.push(column(head, Target::Primary(list)));
    }
    columns.push(column("Manager", Target::Manager));
    columns
}

fn column(head: &str, target: Target) -> Column {
    Column {
        head: head.to_owned(),
        target,
    }
}

/// Columns by their heads: those of the type by their names, others by the paths of attributes.
pub(super) fn named(kind: Kind, heads: &[String]) -> Result<Vec<Column>, Fault> {
    let known = all(kind);
    // Spreadsheets begin a file with a mark of its encoding.
    let bare = heads
        .iter()
        .map(|it| it.trim_start_matches('\u{feff}').trim());
    bare.map(|head| of_head(kind, &known, head)).collect()
}

/// The columns of a file with these heads.
pub(super) fn of_heads(kind: Kind, heads: &[String]) -> Result<Vec<Column>, Fault> {
    let columns = named(kind, heads)?;
    if !columns.iter().any(|it| is_key(kind, it)) {
        let known = all(kind);
        let head = known.iter().find(|it| is_key(kind, it));
        let head = head.map_or(key(kind), |it| &it.head);
        return Err(refused(&format!("The file has no column {head}.")));
    }
    for (number, column) in columns.iter().enumerate() {
        if columns[..number]
            .iter()
            .any(|it| it.target == column.target)
        {
            let detail = format!("The column {} is there twice.", column.head);
            return Err(refused(&detail));
        }
    }
    Ok(columns)
}

fn of_head(kind: Kind, known: &[Column], head: &str) -> Result<Column, Fault> {
    if let Some(column) = known.iter().find(|it| it.head.eq_ignore_ascii_case(head)) {
        return Ok(column.clone());
    }
    if is_secret(head) {
        return Err(refused(
            "Passwords are not imported, as the file would hold them in clear.",
        ));
    }
    let refuse = || refused(&format!("The column {head} is unknown."));
    let probe = [set(head, "true".into())];
    let steps = patch::steps(&probe, kind.view(), "", &Tolerance::generic());
    let steps = steps.map_err(|_| refuse())?;
    let is_fixed = steps.iter().any(|step| {
        let known = kind.attribute(step.extension.as_deref(), &step.attribute);
        known.is_none_or(|it| it.mutability == civitas_scim::schema::Mutability::ReadOnly)
    });
    if is_fixed || head.eq_ignore_ascii_case("members") {
        return Err(refuse());
    }
    Ok(column(head, Target::Path(head.to_owned())))
}

/// Whether cells under a head would be passwords.
pub(in super::super) fn is_secret(head: &str) -> bool {
    head.to_ascii_lowercase().contains("password")
}

fn refused(detail: &str) -> Fault {
    Fault::invalid("error.job.csv.invalidHeader", detail)
}

/// The attribute by which a row finds its resource.
pub(super) const fn key(kind: Kind) -> &'static str {
    if matches!(kind, Kind::Group) {
        "displayName"
    } else {
        "userName"
    }
}

/// Whether a column has the attribute by which a row finds its resource.
pub(super) fn is_key(kind: Kind, column: &Column) -> bool {
    matches!(&column.target, Target::Path(path) if path.eq_ignore_ascii_case(key(kind)))
}

/// An operation that sets what is at a path.
pub(super) fn set(path: &str, value: Value) -> Operation {
    Operation {
        op: Op::Add,
        path: Some(path.to_owned()),
        value: Some(value),
    }
}

/// The operation by which an element of a list becomes the primary one.
pub(super) fn primary(list: &str, type_: &str) -> Operation {
    let type_ = Value::from(type_.to_ascii_lowercase());
    set(&format!("{list}[type eq {type_}].primary"), true.into())
}

/// Names in a cell.
pub(super) fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(SEPARATOR)
        .map(str::trim)
        .filter(|it| !it.is_empty())
}

/// Names as a cell.
pub(super) fn joined(names: &[String]) -> String {
    names.join(&SEPARATOR.to_string())
}

/// What an object has in a column, but for what names other resources.
pub(super) fn shown(column: &Column, object: &Object) -> String {
    let text = match &column.target {
        Target::Path(path) => at(path, object),
        Target::Primary(list) => {
            let elements = object.get(*list).and_then(Value::as_array);
            let mut elements = elements.into_iter().flatten();
            let first = elements.find(|it| it["primary"] == true);
            first.and_then(|it| plain(&it["type"]))
        }
        Target::Manager | Target::Members => None,
    };
    cell::written(&text.unwrap_or_default()).into_owned()
}

/// The value at one of the paths of columns.
fn at(path: &str, object: &Object) -> Option<String> {
    let (container, path) = match path.rsplit_once(':') {
        Some((uri, name)) => {
            let named = object.iter().find(|(it, _)| it.eq_ignore_ascii_case(uri));
            (named?.1.as_object()?, name)
        }
        None => (object, path),
    };
    let member = |object: &Object, name: &str| {
        let mut members = object.iter();
        let found = members.find(|(it, _)| it.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    };
    let Some((list, rest)) = path.split_once("[type eq \"") else {
        return match path.split_once('.') {
            Some((name, sub)) => plain(&member(member(container, name)?.as_object()?, sub)?),
            None => plain(&member(container, path)?),
        };
    };
    let (type_, sub) = rest.split_once("\"].")?;
    let elements = member(container, list)?;
    let mut elements = elements.as_array()?.iter();
    let of_type = |it: &&Value| {
        let own = it["type"].as_str();
        own.is_some_and(|it| it.eq_ignore_ascii_case(type_))
    };
    plain(&member(elements.find(of_type)?.as_object()?, sub)?)
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// The path of a user's manager.
pub(super) fn manager() -> String {
    format!("{}:manager", urn::ENTERPRISE_USER)
}

/// A reference to a resource.
pub(super) fn reference(id: &str) -> Value {
    json!({ "value": id })
}

/// How a resource was made, as its extension tells.
pub(super) fn imported(kind: Kind) -> Operation {
    let uri = if kind == Kind::Group {
        schema::GROUP_EXTENSION
    } else {
        schema::USER_EXTENSION
    };
    set(&format!("{uri}:creationMechanism"), "import".into())
}

const USER: &[(&str, &str)] = &[
    ("User ID", "userName"),
    ("Last Name", "name.familyName"),
    ("First Name", "name.givenName"),
    ("Middle Name", "name.middleName"),
    ("Honorific Prefix", "name.honorificPrefix"),
    ("Honorific Suffix", "name.honorificSuffix"),
    ("Display Name", "displayName"),
    ("Nick Name", "nickName"),
    ("Profile URL", "profileUrl"),
    ("Title", "title"),
    ("User Type", "userType"),
    ("Description", "description"),
    ("External ID", "externalId"),
    ("Locale", "locale"),
    ("Preferred Language", "preferredLanguage"),
    ("TimeZone", "timezone"),
    ("Active", "active"),
    ("Work Email", r#"emails[type eq "work"].value"#),
    ("Home Email", r#"emails[type eq "home"].value"#),
    ("Other Email", r#"emails[type eq "other"].value"#),
    ("Recovery Email", r#"emails[type eq "recovery"].value"#),
    ("Work Phone", r#"phoneNumbers[type eq "work"].value"#),
    ("Mobile No", r#"phoneNumbers[type eq "mobile"].value"#),
    ("Home Phone", r#"phoneNumbers[type eq "home"].value"#),
    ("Fax", r#"phoneNumbers[type eq "fax"].value"#),
    ("Pager", r#"phoneNumbers[type eq "pager"].value"#),
    ("Other Phone", r#"phoneNumbers[type eq "other"].value"#),
    (
        "Recovery Phone",
        r#"phoneNumbers[type eq "recovery"].value"#,
    ),
    (
        "Employee Number",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
    ),
    (
        "Cost Center",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter",
    ),
    (
        "Organization",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization",
    ),
    (
        "Division",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division",
    ),
    (
        "Department",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    ),
    (
        "Federated",
        "urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User:isFederatedUser",
    ),
];

const ADDRESS: [(&str, &str); 6] = [
    ("formatted", "Formatted"),
    ("streetAddress", "Street"),
    ("locality", "Locality"),
    ("region", "Region"),
    ("postalCode", "Postal Code"),
    ("country", "Country"),
];

const GROUP: &[(&str, &str)] = &[
    ("Display Name", "displayName"),
    (
        "Description",
        "urn:ietf:params:scim:schemas:oracle:idcs:extension:group:Group:description",
    ),
    ("External ID", "externalId"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(names: &[&str]) -> Vec<String> {
        names.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn every_column_is_read_as_it_is_written() {
        for kind in [Kind::User, Kind::Group] {
            let columns = all(kind);
            for column in &columns {
                if let Target::Path(path) = &column.target {
                    let probe = [set(path, "true".into())];
                    let steps = patch::steps(&probe, kind.view(), "", &Tolerance::generic());
                    assert!(steps.is_ok(), "{path}: {steps:?}");
                }
            }
            let names: Vec<String> = columns.iter().map(|it| it.head.clone()).collect();
            assert_eq!(of_heads(kind, &names), Ok(columns));
        }
    }

    #[test]
    fn heads_are_names_or_paths() {
        let read = of_heads(
            Kind::User,
            &heads(&["\u{feff}user id", "nickName", "name.formatted"]),
        );
        let read = read.unwrap();
        assert_eq!(read[0].target, Target::Path("userName".into()));
        assert_eq!(read[2].target, Target::Path("name.formatted".into()));
        for bad in [
            &["Title"][..],
            &["User ID", "Nonsense"],
            &["User ID", "Password"],
            &["User ID", "meta"],
            &["User ID", "groups"],
            &["User ID", "userName"],
        ] {
            assert!(of_heads(Kind::User, &heads(bad)).is_err(), "{bad:?}");
        }
        assert!(of_heads(Kind::Group, &heads(&["Display Name", "members"])).is_err());
    }

    #[test]
    fn objects_are_shown_by_columns() {
        let object = json!({
            "userName": "mara",
            "active": false,
            "name": { "familyName": "Lind" },
            "emails": [{ "value": "=m@x.org", "type": "work", "primary": true }],
            urn::ENTERPRISE_USER: { "division": "North" },
        });
        let object = object.as_object().unwrap();
        let cells: Vec<(String, String)> = all(Kind::User)
            .iter()
            .map(|it| (it.head.clone(), shown(it, object)))
            .filter(|(_, cell)| !cell.is_empty())
            .collect();
        let cells: Vec<(&str, &str)> = cells.iter().map(|(a, b)| (&**a, &**b)).collect();
        let expected = [
            ("User ID", "mara"),
            ("Last Name", "Lind"),
            ("Active", "false"),
            ("Work Email", "'=m@x.org"),
            ("Division", "North"),
            ("Primary Email Type", "work"),
        ];
        assert_eq!(cells, expected);
    }
}
