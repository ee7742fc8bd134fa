//! The repository's own tasks: whatever a check or a measurement needs that is
//! more than one command. It imports none of the workspace's crates, so that it
//! judges the server from outside and builds without it.

mod bare;
mod bench;
mod docs;
mod tidy;

use std::process::ExitCode;

use clap::Parser;

/// Tasks of this repository.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Task {
    /// Measure the release server against the ceilings of this machine.
    Bench(bench::Options),
    /// Load the release server through bulk jobs alone.
    BenchBulk(bench::bulk::Options),
    /// Compare the same operations through Common REST and SCIM, and relationships by number.
    BenchCrest(bench::crest::Options),
    /// Build an index over many users while the release server serves them.
    BenchIndex(bench::index::Options),
    /// Compare the release server with one that is built without rehearsals.
    BenchRehearsal(bench::rehearsal::Options),
    /// Compare the release server over PostgreSQL with what pgbench gets from the database.
    BenchPostgres(bench::postgres::Options),
    /// Ask the release server for many times what it can do.
    BenchOverload(bench::overload::Options),
    /// Have many users log on to the release server at the same time.
    BenchPasswords(bench::passwords::Options),
    /// Answer every request with one fixed body: the ceiling of `bench`.
    #[command(hide = true)]
    Bare(bare::Options),
    /// Write the documents anew that are made from what the server does.
    Docs,
    /// Check the repository rules that no compiler checks.
    Tidy,
}

fn main() -> anyhow::Result<ExitCode> {
    match Task::parse() {
        Task::Bench(options) => bench::main(&options),
        Task::BenchBulk(options) => bench::bulk::main(&options),
        Task::BenchCrest(options) => bench::crest::main(&options),
        Task::BenchIndex(options) => bench::index::main(&options),
        Task::BenchRehearsal(options) => bench::rehearsal::main(&options),
        Task::BenchPostgres(options) => bench::postgres::main(&options),
        Task::BenchOverload(options) => bench::overload::main(&options),
        Task::BenchPasswords(options) => bench::passwords::main(&options),
        Task::Bare(options) => bare::main(&options).map(|()| ExitCode::SUCCESS),
        Task::Docs => docs::main(),
        Task::Tidy => tidy::main(),
    }
}
