//! `civitas`: the command line, the configuration, and the one place that puts a store and a
//! server together.

mod certificate;
mod cli;
mod config;
mod console;
mod copy;
mod development;
mod failure;
mod mail;
mod proof;
mod registry;
mod rehearse;
mod running;
mod serve;
mod settings;
mod source;
mod stage;
mod stream;
mod text;
mod transfer;
mod upkeep;

use std::{process::ExitCode, time::Duration};

use clap::Parser;

use crate::{cli::Command, failure::Failure};

/// A change is made on one thread and dropped on the writer's, which the system's allocator
/// pays for with a contended lock.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Longest time that work on other threads may take once the command has ended.
const LAST_WORK: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let command = match cli::Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) => return usage(&error),
    };
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console::complain(&failure.to_string());
            failure.exit_code()
        }
    }
}

fn usage(error: &clap::Error) -> ExitCode {
    // Output that cannot be written cannot be complained about either.
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::from(failure::WRONG_USAGE)
    } else {
        ExitCode::SUCCESS
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("cannot start the runtime: {error}")))?;
    let outcome = runtime.block_on(async {
        match command {
            Command::Serve(arguments) => serve::run(arguments).await,
            Command::Check(arguments) => config::check(&arguments.config),
            Command::Tenant(command) => registry::tenant(command).await,
            Command::Maintenance(command) => settings::maintenance(command).await,
            Command::Client(command) => registry::client(command).await,
            Command::Stream(command) => stream::run(command).await,
            Command::Text(command) => text::run(command).await,
            Command::Import(arguments) => transfer::import(arguments).await,
            Command::Export(arguments) => transfer::export(arguments).await,
            Command::Copy(arguments) => copy::copy(arguments).await,
            Command::Verify(arguments) => registry::verify(arguments).await,
            Command::Rehearse(arguments) => rehearse::run(&arguments),
            Command::Clock(arguments) => stage::clock(&arguments),
            Command::Snapshot(command) => stage::snapshot(&command),
            Command::Reset(arguments) => stage::reset(&arguments),
            Command::Ledger(arguments) => stage::ledger(&arguments),
        }
    });
    // Whatever still blocks, such as a receiver that does not answer, is not waited for.
    runtime.shutdown_timeout(LAST_WORK);
    outcome
}
