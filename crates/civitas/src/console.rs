//! Words for the person at the terminal. A terminal that is gone is no failure.

use std::io::{Write, stderr, stdout};

/// A line of result, on standard output.
pub(crate) fn say(line: &str) {
    let _ = writeln!(stdout(), "{line}");
}

/// A line about a failure, on standard error.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(stderr(), "civitas: {line}");
}
