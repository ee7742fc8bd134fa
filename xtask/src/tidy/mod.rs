//! `cargo xtask tidy`: repository rules that no compiler checks, as code.

mod arrows;
mod code;
mod dialects;
mod words;

use std::{fmt, fs, path::Path, process::Command, process::ExitCode};

use anyhow::{Context, ensure};

/// A rule that a line does not keep.
#[derive(Debug, PartialEq)]
struct Breach {
    file: String,
    /// Counted from one.
    line: usize,
    what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, what } = self;
        write!(f, "{file}:{line}: {what}")
    }
}

/// Prints every breach; exits with 1 when there is one.
pub(crate) fn main() -> anyhow::Result<ExitCode> {
    // Asked of git, not of the build: one program may serve several checkouts.
    let root = git(Path::new("."), &["rev-parse", "--show-toplevel"])?;
    let root = Path::new(root.trim_end());
    let files = tracked(root)?;
    let dialects = dialects::names(&files);
    let mut breaches = Vec::new();
    for file in &files {
        let path = Path::new(file);
        let is_manifest = path.file_name().is_some_and(|name| name == "Cargo.toml");
        if !is_manifest && path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        // A tracked file that is being removed has nothing left to breach.
        let Ok(text) = fs::read_to_string(root.join(path)) else {
            continue;
        };
        if is_manifest {
            breaches.extend(arrows::check(file, &text));
        } else {
            let code = code::only(&text);
            breaches.extend(words::check(file, &code));
            breaches.extend(dialects::check(file, &code, &dialects));
        }
    }
    for breach in &breaches {
        println!("{breach}");
    }
    Ok(if breaches.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The files that git knows, with `/` between folders.
fn tracked(root: &Path) -> anyhow::Result<Vec<String>> {
    let names = git(root, &["ls-files", "-z"])?;
    Ok(names.split_terminator('\0').map(str::to_owned).collect())
}

fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let done = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()?;
    ensure!(
        done.status.success(),
        "git: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).context("a file name that is not UTF-8")
}
