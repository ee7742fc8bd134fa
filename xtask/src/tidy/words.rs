//! Words that must not stand in code: silenced lints, unfinished work, tests
//! that do not run.

use super::Breach;

const FORBIDDEN: &[(&str, &str)] = &[
    (
        "#[allow(",
        "use #[expect(…, reason = \"…\")], which ends with its cause",
    ),
    (
        "#![allow(",
        "use #![expect(…, reason = \"…\")], which ends with its cause",
    ),
    ("todo!(", "unfinished work belongs in no commit"),
    ("unimplemented!(", "unfinished work belongs in no commit"),
    ("#[ignore", "assert what holds today instead, with a note"),
];

/// Checks `code`, which is source without comments and literals.
pub(super) fn check(file: &str, code: &str) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (text, line) in code.lines().zip(1..) {
        for (word, why) in FORBIDDEN {
            if text.contains(word) {
                breaches.push(Breach {
                    file: file.to_owned(),
                    line,
                    what: format!("{word}: {why}"),
                });
            }
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::code;

    #[test]
    fn forbidden_words_are_found_in_code_only() {
        for (source, lines) in [
            ("#![allow(dead_code)]\nfn f() {}", vec![1]),
            ("fn f() {\n    todo!()\n}\n", vec![2]),
            (
                "#[test]\n#[ignore = \"slow\"]\nfn f() { unimplemented!(\"x\") }",
                vec![2, 3],
            ),
            ("// todo!()\nfn f() { g(\"#[allow(x)]\") }", vec![]),
            (
                "#[expect(dead_code, reason = \"not yet\")]\nfn ignore() {}",
                vec![],
            ),
        ] {
            let found: Vec<usize> = check("a.rs", &code::only(source))
                .iter()
                .map(|breach| breach.line)
                .collect();
            assert_eq!(found, lines, "{source}");
        }
    }
}
