//! No dialect of the HTTP crate names another: each can be read, changed and
//! removed alone.

use super::Breach;

/// Folder of all dialects.
const FOLDER: &str = "crates/civitas-http/src/dialect/";

/// The dialects among `files`: a folder or a file each.
pub(super) fn names(files: &[String]) -> Vec<String> {
    let parts = files.iter().filter_map(|file| file.strip_prefix(FOLDER));
    let mut names: Vec<String> = parts
        .filter_map(|part| part.split('/').next())
        .map(|name| name.strip_suffix(".rs").unwrap_or(name).to_owned())
        .filter(|name| name != "mod")
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Checks `code`, which is source without comments and literals.
pub(super) fn check(file: &str, code: &str, dialects: &[String]) -> Vec<Breach> {
    let Some((own, depth)) = place(file) else {
        return Vec::new();
    };
    let mut breaches = Vec::new();
    for (at, path) in paths_out(code, depth) {
        for other in path {
            if other != own && dialects.iter().any(|name| name == other) {
                breaches.push(Breach {
                    file: file.to_owned(),
                    line: code[..at].matches('\n').count() + 1,
                    what: format!("the dialect {own} must not name the dialect {other}"),
                });
            }
        }
    }
    breaches
}

/// The dialect of a file and how many `super` lead out of it.
fn place(file: &str) -> Option<(&str, usize)> {
    let part = file.strip_prefix(FOLDER)?;
    let path = part.strip_suffix(".rs")?;
    let path = path.strip_suffix("/mod").unwrap_or(path);
    let own = path.split('/').next()?;
    (own != "mod").then(|| (own, path.split('/').count()))
}

/// Each place that leaves the dialect's module, with the names that follow it.
fn paths_out(code: &str, depth: usize) -> Vec<(usize, Vec<&str>)> {
    let up = "super::".repeat(depth);
    let mut found = Vec::new();
    for lead in ["dialect::", up.as_str()] {
        for (at, _) in code.match_indices(lead) {
            let begins = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if begins {
                found.push((at, heads(code[at + lead.len()..].trim_start())));
            }
        }
    }
    found
}

/// The first names of a path or of each branch of a use tree.
fn heads(text: &str) -> Vec<&str> {
    let Some(tree) = text.strip_prefix('{') else {
        return vec![word(text)];
    };
    let mut heads = vec![word(tree.trim_start())];
    let mut depth = 0;
    for (at, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(word(tree[at + 1..].trim_start())),
            _ => {}
        }
    }
    heads
}

fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_folder(file: &str) -> String {
        format!("{FOLDER}{file}")
    }

    #[test]
    fn dialects_are_the_entries_of_the_folder() {
        let files = ["mod.rs", "scim/mod.rs", "scim/status.rs", "crest.rs"].map(in_folder);
        assert_eq!(names(&files), ["crest", "scim"]);
    }

    #[test]
    fn no_dialect_names_another() {
        let dialects = ["crest", "sap", "scim"].map(str::to_owned);
        for (file, code, lines) in [
            ("scim/mod.rs", "use crate::dialect::scim::status;", vec![]),
            ("scim/mod.rs", "\nuse crate::dialect::crest::page;", vec![2]),
            (
                "scim/status.rs",
                "use crate::dialect::{\n    scim::x,\n    sap::{crest, y},\n};",
                vec![1],
            ),
            (
                "scim/status.rs",
                "use super::super::{crest, sap};",
                vec![1, 1],
            ),
            ("scim/status.rs", "use super::crest;", vec![]),
            ("scim/mod.rs", "use super::crest;", vec![1]),
            ("scim/mod.rs", "fn f() { my_dialect::crest() }", vec![]),
            ("crest.rs", "fn f() { crate::dialect::sap::g() }", vec![1]),
            (
                "mod.rs",
                "use self::scim; use crate::dialect::crest;",
                vec![],
            ),
            ("../router.rs", "use crate::dialect::{crest, scim};", vec![]),
        ] {
            let file = in_folder(file).replace("dialect/../", "");
            let found: Vec<usize> = check(&file, code, &dialects)
                .iter()
                .map(|breach| breach.line)
                .collect();
            assert_eq!(found, lines, "{file}: {code}");
        }
    }
}
