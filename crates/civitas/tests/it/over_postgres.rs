//! The same tests over the other store.

use std::process::Command;

use crate::server::STORE;

/// What is about data folders, and this.
const SKIPPED: [&str; 10] = [
    "command_line",
    "known_by_its_certificate",
    "copy::",
    "full_disk",
    "wherever_else_it_told",
    "over_postgres",
    // Which run over it anyway.
    "nodes::",
    "faults::",
    "history::",
    "over_two_nodes",
];

/// Runs this program again.
#[test]
fn every_test_passes_over_postgres() {
    let run = Command::new(std::env::current_exe().unwrap())
        .args(SKIPPED.iter().flat_map(|name| ["--skip", name]))
        .env(STORE, "postgres")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}");
    assert!(!said.contains(" 0 passed"), "{said}");
}
