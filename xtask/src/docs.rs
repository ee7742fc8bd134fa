//! Documents that are made from what the server does: the tests that compare them write them
//! anew when they are told to.

use std::process::{Command, ExitCode};

use anyhow::Context as _;

/// Crate and name of each test that keeps a document.
const TESTS: [(&str, &str); 2] = [
    ("civitas-http", "status_codes::"),
    ("civitas", "conformance::"),
];

/// Runs the tests, in this order: the parity page refers to the status codes.
pub(crate) fn main() -> anyhow::Result<ExitCode> {
    for (package, name) in TESTS {
        let status = Command::new(env!("CARGO"))
            .args([
                "test",
                "--quiet",
                "--package",
                package,
                "--test",
                "it",
                name,
            ])
            .env("CIVITAS_WRITE_DOCS", "1")
            .status()
            .context("cannot run cargo")?;
        if !status.success() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}
