//! `docs/parity/*.md`: which statuses each operation answers, and the case that shows it.
//! Made from the routes, the exchanges of the judge's passing cases, the situations of
//! `docs/status-codes.md`, which has a test of its own, and what a server in development mode
//! answers on order. Written anew with `CIVITAS_WRITE_DOCS=1`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use civitas_http::{
    outcomes::{Dialect, differences, documented},
    parity::{Operation, operations, template, unbuilt},
};
use serde_json::Value;

use crate::server::{Server, USER};

const PAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/parity");
const STATUS_CODES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/status-codes.md");

const HEAD: &str = "
Which statuses each operation answers. *Real* ones arise from what is stored and asked; each names a
case of `civitas-conformance` that shows it, or a situation of [status-codes.md](../status-codes.md).
*Rehearsed* are those that no state leads to there, and that development mode answers on order
([rehearsal.md](../rehearsal.md)). *Absent* are the other documented ones. What the dialect does not
document it never answers.

Written by `cargo xtask docs` from the routes and from exchanges over a socket; a test compares it,
and fails for a route without a row, a status that is not documented, and a documented one that
nothing shows.
";

/// For each operation (template and method) and status, the cases that showed it.
type Shown = BTreeMap<(String, String), BTreeMap<u16, BTreeSet<String>>>;

/// The statuses that each operation answers on order.
type Rehearsed = BTreeMap<Operation, BTreeSet<u16>>;

/// The page of a dialect.
pub(crate) fn file(dialect: Dialect) -> String {
    format!("{PAGES}/{}.md", dialect.name())
}

/// Checks the page of a dialect against the judge's record, whose paths are below a base.
pub(crate) fn check(dialect: Dialect, base: &str, record: &str) {
    let file = file(dialect);
    let mut shown = Shown::new();
    for line in record.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["verdict"] == "pass" {
            let text = |member: &str| line[member].as_str().unwrap().to_owned();
            // Below the base, unless it is a whole path of the dialect.
            let path = Some(text("path")).filter(|it| template(dialect, it).is_some());
            let path = path.unwrap_or_else(|| format!("{base}{}", text("path")));
            let status = line["status"].as_u64().unwrap() as u16;
            let asked = (text("method"), path);
            show(&mut shown, dialect, &asked, status, &text("case"));
        }
    }
    for (name, method, path, status) in situations() {
        let link = format!("[{name}](../status-codes.md#{})", name.replace(' ', "-"));
        let link = link.to_lowercase();
        show(&mut shown, dialect, &(method, path), status, &link);
    }
    let tabled = of_every_operation().into_iter();
    let of_scim = tabled.filter(|_| dialect == Dialect::Scim);
    for (name, method, template, status) in of_scim {
        let link = format!("[{name}](../status-codes.md#every-operation)");
        let cases = shown.entry((template, method)).or_default();
        cases.entry(status).or_default().insert(link);
    }
    let before = std::fs::read_to_string(&file).unwrap_or_default();
    let missing = codes(dialect).into_iter().find(|code| {
        let mut real = shown.values();
        dialect == Dialect::Scim && !real.any(|cases| cases.contains_key(code))
    });
    assert_eq!(missing, None, "nothing shows it");
    let page = page(dialect, &shown, &rehearsed(dialect), &before);
    if std::env::var_os("CIVITAS_WRITE_DOCS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    let name = dialect.name();
    for (at, (now, written)) in page.lines().zip(written.lines()).enumerate() {
        assert_eq!(
            written,
            now,
            "docs/parity/{name}.md:{}: `cargo xtask docs`",
            at + 1
        );
    }
    assert!(
        page == written,
        "docs/parity/{name}.md is not whole: `cargo xtask docs`"
    );
}

fn show(
    shown: &mut Shown,
    dialect: Dialect,
    (method, path): &(String, String),
    status: u16,
    case: &str,
) {
    let path = path.split('?').next().unwrap();
    let Some(template) = template(dialect, path) else {
        return;
    };
    let operation = (template.to_owned(), method.to_owned());
    let cases = shown.entry(operation).or_default();
    cases.entry(status).or_default().insert(case.to_owned());
}

/// The one case to name: that of the page as it is, while it still shows the status, so that
/// new cases leave the page alone; else one of the judge's.
fn chosen<'s>(cases: &'s BTreeSet<String>, line: &str, written: &str) -> &'s str {
    let named = |case: &&String| written.contains(&format!("{line}{}\n", quoted(case)));
    let of_the_judge = || cases.iter().find(|case| !case.starts_with('['));
    let case = cases.iter().find(named).or_else(of_the_judge);
    case.or(cases.first()).map_or("", String::as_str)
}

/// Name, method, path and status of each situation of the other document.
fn situations() -> Vec<(String, String, String, u16)> {
    let text = std::fs::read_to_string(STATUS_CODES).unwrap();
    let mut found = Vec::new();
    let (mut name, mut asked) = (String::new(), (String::new(), String::new()));
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            heading.clone_into(&mut name);
        } else if let Some((method, path)) = line.split_once(" /scim/") {
            asked = (method.to_owned(), format!("/scim/{path}"));
        } else if let Some(status) = line.strip_prefix("HTTP/1.1 ") {
            let (method, path) = asked.clone();
            found.push((name.clone(), method, path, status.parse().unwrap()));
        }
    }
    found
}

/// Situation, method, template and status of each answer in the table of every operation.
fn of_every_operation() -> Vec<(String, String, String, u16)> {
    let text = std::fs::read_to_string(STATUS_CODES).unwrap();
    let mut found = Vec::new();
    for line in text.lines() {
        let Some((operation, answers)) = line
            .strip_prefix("| `")
            .and_then(|line| line.strip_suffix(" |")?.split_once("` | "))
        else {
            continue;
        };
        let (method, template) = operation.split_once(' ').unwrap();
        for answer in answers.split(", ") {
            let (status, situation) = answer.split_once(' ').unwrap();
            let status = status.parse().unwrap();
            found.push((situation.into(), method.into(), template.into(), status));
        }
    }
    assert!(found.len() > 500, "the table of every operation was read");
    found
}

/// Orders every documented status of every operation from a server in development mode.
fn rehearsed(dialect: Dialect) -> Rehearsed {
    let server = Server::start();
    let client = server.client();
    let mut rehearsed = Rehearsed::new();
    for operation in operations(dialect) {
        let kind = if dialect == Dialect::Crest {
            "alpha_user"
        } else {
            "Users"
        };
        let path = operation.template.replace("{type}", kind);
        let path = path.replace("{id}", "1").replace("{urn}", USER);
        let path = path.replace("{name}", "User").replace("{path}", "x");
        let path = path.replace("{unbuilt}", "Apps");
        let path = path.replace("{list}", "salutations");
        let path = path.replace("{nowhere}", "scim/x");
        // The other APIs of that dialect tell most in a head field.
        let has_body = dialect != Dialect::Sap || path.starts_with("/scim/");
        let orders = codes(dialect).into_iter().filter(|code| {
            let order = [("Civitas-Rehearse", &*code.to_string())];
            let answer = client.send_with(operation.method, &path, &order, None);
            if answer.status != *code || answer.text.contains("documents no refusal") {
                assert_eq!(answer.status, 400, "{operation:?}: {code}");
                return false;
            }
            if *code >= 400 && operation.method != "HEAD" && has_body {
                if dialect != Dialect::Crest {
                    answer.refusal(*code);
                } else if path.contains("oauth2") {
                    assert!(answer.body()["error"].is_string(), "{}", answer.text);
                } else {
                    assert_eq!(answer.body()["code"], *code, "{}", answer.text);
                }
            }
            true
        });
        rehearsed.insert(operation, orders.collect());
    }
    rehearsed
}

/// The documented statuses.
fn codes(dialect: Dialect) -> BTreeSet<u16> {
    let rows = documented(dialect);
    rows.iter().map(|row| row.status).collect()
}

fn page(dialect: Dialect, shown: &Shown, rehearsed: &Rehearsed, before: &str) -> String {
    let mut text = format!("# Parity: {}\n{HEAD}", dialect.name());
    let codes = codes(dialect);
    statuses(&mut text, shown, rehearsed, &codes, before);
    text.push_str("\n## Differences\n\nBetween the two values of a tenant's `fidelity`.\n\n");
    text.push_str("| situation | documented | observed |\n|---|---|---|\n");
    for row in differences(dialect) {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            row.situation, row.documented, row.observed
        );
    }
    for (template, method) in shown.keys() {
        let mut rows = operations(dialect).into_iter();
        let row = rows.any(|row| row.template == template);
        assert!(row, "{method} {template} has no row");
    }
    let missing = unbuilt(dialect);
    if !missing.is_empty() {
        text.push_str(
            "\n## Not built\n\nWhat the product has and this server answers with 501.\n\n",
        );
        let names: Vec<String> = missing.iter().map(|it| format!("`{it}`")).collect();
        let _ = writeln!(text, "{}", names.join(", "));
    }
    text.push_str("\n## Operations\n");
    for row in operations(dialect) {
        let Operation { template, method } = row;
        let operation = (template.to_owned(), method.to_owned());
        let none = BTreeMap::new();
        let real = shown.get(&operation).unwrap_or(&none);
        let heading = format!("### `{method} {template}`\n");
        let _ = write!(text, "\n{heading}\n");
        let part = before.split(&heading).nth(1).unwrap_or_default();
        let part = part.split("###").next().unwrap_or_default();
        for (status, cases) in real {
            let line = format!("- {status}: ");
            let case = chosen(cases, &line, part);
            assert!(
                codes.contains(status),
                "{method} {template}: {status} by {case} is not documented"
            );
            let _ = writeln!(text, "{line}{}", quoted(case));
        }
        assert!(!real.is_empty(), "nothing shows {method} {template}");
        let rest = codes
            .iter()
            .copied()
            .filter(|code| !real.contains_key(code));
        let (on_order, absent): (Vec<u16>, Vec<u16>) =
            rest.partition(|code| rehearsed[&row].contains(code));
        for (standing, codes) in [("rehearsed", on_order), ("absent", absent)] {
            let codes: Vec<String> = codes.iter().map(u16::to_string).collect();
            if !codes.is_empty() {
                let _ = writeln!(text, "- {standing}: {}", codes.join(", "));
            }
        }
    }
    text
}

/// Each documented status, and one proof.
fn statuses(
    text: &mut String,
    shown: &Shown,
    rehearsed: &Rehearsed,
    codes: &BTreeSet<u16>,
    before: &str,
) {
    text.push_str("\n## Statuses\n\n| status | standing | shown by |\n|---|---|---|\n");
    for code in codes {
        let line = format!("| {code} | real | ");
        let proofs: BTreeSet<String> = shown
            .iter()
            .flat_map(|((template, method), cases)| {
                let cases = cases.get(code).into_iter().flatten();
                cases.map(move |case| format!("`{method} {template}`, {}", quoted(case)))
            })
            .collect();
        let kept = proofs
            .iter()
            .find(|proof| before.contains(&format!("{line}{proof} |\n")));
        let judged = || proofs.iter().find(|proof| !proof.ends_with(')'));
        if let Some(proof) = kept.or_else(judged).or(proofs.first()) {
            let _ = writeln!(text, "{line}{proof} |");
            continue;
        }
        let on_order = rehearsed.values().any(|codes| codes.contains(code));
        let standing = if on_order { "rehearsed" } else { "absent" };
        let _ = writeln!(text, "| {code} | {standing} | – |");
    }
}

fn quoted(case: &str) -> String {
    if case.starts_with('[') {
        case.to_owned()
    } else {
        format!("`{case}`")
    }
}
