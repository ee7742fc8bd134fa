//! What every benchmark stands on: an optimised build, a server and a folder.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, ensure};

/// Which server is measured, and where its data goes.
#[derive(clap::Args)]
pub(super) struct Ground {
    /// Server to measure instead of the release build of this tree.
    #[arg(long)]
    server: Option<PathBuf>,
    /// Folder for the data, on the disk to measure [default: the build folder].
    #[arg(long)]
    folder: Option<PathBuf>,
}

impl Ground {
    /// The server's program; built now unless one was named.
    pub(super) fn server(&self) -> anyhow::Result<PathBuf> {
        match &self.server {
            Some(server) => Ok(server.clone()),
            None => build_server(&env::current_exe()?, &[]),
        }
    }

    /// The folder for the data.
    pub(super) fn folder(&self) -> anyhow::Result<PathBuf> {
        let here = env::current_exe()?;
        let folder = self.folder.as_deref().or(here.parent());
        Ok(folder.context("no folder for the data")?.to_owned())
    }
}

/// A runtime of one thread, which sends and receives, so that the load takes the same share of
/// the machine from whatever it measures.
pub(super) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// Runs the same task built with optimisation: a slow load generator and a slow
/// ceiling would flatter the server.
pub(super) fn in_release() -> anyhow::Result<ExitCode> {
    let status = cargo()
        .args(["run", "--release", "--quiet", "--package", "xtask", "--"])
        .args(env::args_os().skip(1))
        .status()?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Builds the server; cargo puts it beside this program.
pub(super) fn build_server(here: &Path, features: &[&str]) -> anyhow::Result<PathBuf> {
    let status = cargo()
        .args([
            "build",
            "--release",
            "--package",
            "civitas",
            "--bin",
            "civitas",
        ])
        .args(features)
        .status()?;
    ensure!(status.success(), "the server does not build");
    let server = here.with_file_name("civitas");
    ensure!(
        server.exists(),
        "no {}; name the server with --server",
        server.display()
    );
    Ok(server)
}

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
