//! Which crate may name which: one table for the crates of the workspace, one
//! for dependencies that belong behind some of them.

use super::Breach;

/// Each crate with those of the workspace it may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "civitas",
        &[
            "civitas-http",
            "civitas-store",
            "civitas-directory",
            "civitas-scim",
        ],
    ),
    ("civitas-http", &["civitas-directory", "civitas-scim"]),
    ("civitas-store", &["civitas-directory", "civitas-scim"]),
    ("civitas-directory", &["civitas-scim"]),
    ("civitas-scim", &[]),
    ("civitas-conformance", &[]),
    ("civitas-fuzz", &["civitas-scim"]),
    ("xtask", &[]),
];

/// Arrows that only tests may add.
const TEST_ARROWS: &[(&str, &str)] = &[
    ("civitas", "civitas-conformance"),
    // Its own tests need the suite, a feature.
    ("civitas-directory", "civitas-directory"),
    // Its own tests need clusters, a feature.
    ("civitas-store", "civitas-store"),
];

/// Dependencies that only the named crates may have.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("rusqlite", &["civitas-store", "xtask"]),
    ("tokio-postgres", &["civitas-store", "xtask"]),
];

/// Dependencies that the named crates must not have.
const NOT_IN: &[(&[&str], &[&str])] = &[(
    &[
        "axum",
        "hyper",
        "hyper-util",
        "http",
        "http-body",
        "http-body-util",
        "tower",
        "tower-http",
    ],
    &["civitas-scim", "civitas-directory", "civitas-store"],
)];

/// A dependency as a manifest names it.
struct Dependency<'a> {
    line: usize,
    name: &'a str,
    tests_only: bool,
}

/// Checks the manifest of one crate; the root's has no package and is skipped.
pub(super) fn check(file: &str, manifest: &str) -> Vec<Breach> {
    let Some((line, package)) = package(manifest) else {
        return Vec::new();
    };
    let breach = |line, what| Breach {
        file: file.to_owned(),
        line,
        what,
    };
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package) else {
        return vec![breach(
            line,
            format!("{package} has no place among the crate arrows"),
        )];
    };
    let mut breaches = Vec::new();
    for Dependency {
        line,
        name,
        tests_only,
    } in dependencies(manifest)
    {
        let in_workspace = ARROWS.iter().any(|(known, _)| *known == name);
        let for_tests = tests_only && TEST_ARROWS.contains(&(package, name));
        if in_workspace && !allowed.contains(&name) && !for_tests {
            breaches.push(breach(line, format!("{package} must not depend on {name}")));
        }
        for (_, owners) in ONLY_IN.iter().filter(|(kept, _)| *kept == name) {
            if !owners.contains(&package) {
                let owners = owners.join(", ");
                breaches.push(breach(line, format!("{name} belongs below {owners} only")));
            }
        }
        if NOT_IN
            .iter()
            .any(|(kept, from)| kept.contains(&name) && from.contains(&package))
        {
            breaches.push(breach(
                line,
                format!("{package} must not know HTTP: {name}"),
            ));
        }
    }
    breaches
}

fn package(manifest: &str) -> Option<(usize, &str)> {
    let mut section = "";
    for (number, line) in numbered(manifest) {
        if let Some(name) = section_name(line) {
            section = name;
        } else if section == "package"
            && let Some(("name", value)) = assignment(line)
        {
            return Some((number, value.trim_matches('"')));
        }
    }
    None
}

/// All dependencies: for running, building and tests, on any target.
fn dependencies(manifest: &str) -> Vec<Dependency<'_>> {
    let mut section = "";
    let mut found: Vec<Dependency<'_>> = Vec::new();
    for (line, text) in numbered(manifest) {
        if let Some(name) = section_name(text) {
            section = name;
            // `[dependencies.name]`
            if let Some((table, name)) = name.rsplit_once('.')
                && is_dependencies(table)
            {
                found.push(Dependency {
                    line,
                    name: name.trim_matches('"'),
                    tests_only: is_tests(table),
                });
            }
            continue;
        }
        let Some((key, value)) = assignment(text) else {
            continue;
        };
        if is_dependencies(section) {
            // `name = …`, `name.workspace = true`; a renamed one counts by its package.
            let key = key.split('.').next().unwrap_or(key).trim_matches('"');
            let name = renamed(value).unwrap_or(key);
            found.push(Dependency {
                line,
                name,
                tests_only: is_tests(section),
            });
        } else if key == "package"
            && section
                .rsplit_once('.')
                .is_some_and(|(table, _)| is_dependencies(table))
            && let Some(last) = found.last_mut()
        {
            last.name = value.trim_matches('"');
        }
    }
    found
}

/// The real name in `{ package = "real", … }`.
fn renamed(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("package")?;
    rest.trim_start().strip_prefix('=')?.split('"').nth(1)
}

fn is_dependencies(section: &str) -> bool {
    let last = section.rsplit('.').next().unwrap_or(section);
    matches!(
        last,
        "dependencies" | "dev-dependencies" | "build-dependencies"
    )
}

fn is_tests(section: &str) -> bool {
    section.ends_with("dev-dependencies")
}

fn section_name(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']').map(str::trim)
}

fn assignment(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    Some((key.trim(), value.trim()))
}

/// Lines without comments and edges, counted from one.
fn numbered(manifest: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = manifest.lines().zip(1..);
    let bare = lines.map(|(line, n)| (n, line.split(" #").next().unwrap_or(line).trim()));
    bare.filter(|(_, line)| !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_one_way() {
        for (name, dependencies, breaches) in [
            (
                "civitas",
                "[dependencies]\ncivitas-http.workspace = true",
                vec![],
            ),
            (
                "civitas",
                "[dev-dependencies]\ncivitas-conformance.workspace = true",
                vec![],
            ),
            (
                "civitas",
                "[dependencies]\ncivitas-conformance.workspace = true",
                vec!["4: civitas must not depend on civitas-conformance"],
            ),
            (
                "civitas-http",
                "[dependencies]\nserde = \"1\"\n[dev-dependencies]\ncivitas-store = { workspace = true }",
                vec!["6: civitas-http must not depend on civitas-store"],
            ),
            (
                "civitas-scim",
                "[target.'cfg(unix)'.dependencies]\nweb = { package = \"axum\", version = \"0.8\" }",
                vec!["4: civitas-scim must not know HTTP: axum"],
            ),
            (
                "civitas-directory",
                "[dependencies.db]\npackage = \"rusqlite\"\nversion = \"0.43\"",
                vec!["3: rusqlite belongs below civitas-store, xtask only"],
            ),
            (
                "civitas-store",
                "[dependencies]\nrusqlite.workspace = true # local\nhttp = \"1\"\n# axum = \"1\"",
                vec!["5: civitas-store must not know HTTP: http"],
            ),
            (
                "xtask",
                "[dependencies]\naxum.workspace = true\nrusqlite.workspace = true",
                vec![],
            ),
            (
                "xtask",
                "[build-dependencies]\ncivitas-scim.workspace = true",
                vec!["4: xtask must not depend on civitas-scim"],
            ),
            (
                "civitas-ui",
                "[dependencies]",
                vec!["2: civitas-ui has no place among the crate arrows"],
            ),
        ] {
            let manifest = format!("[package]\nname = \"{name}\"\n{dependencies}\n");
            let found: Vec<String> = check("Cargo.toml", &manifest)
                .into_iter()
                .map(|breach| format!("{}: {}", breach.line, breach.what))
                .collect();
            assert_eq!(found, breaches, "{manifest}");
        }
    }

    #[test]
    fn the_root_manifest_is_free() {
        let root = "[workspace]\nmembers = []\n[workspace.dependencies]\nrusqlite = \"1\"\n";
        assert_eq!(check("Cargo.toml", root), []);
    }
}
