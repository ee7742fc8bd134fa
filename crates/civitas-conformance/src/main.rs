//! `civitas-conformance`: judges the SCIM 2.0 server at a URL.

use std::path::PathBuf;
use std::process::ExitCode;

use civitas_conformance::{Credential, Select, Target, cases, run};
use clap::Parser;

/// Judges a SCIM 2.0 server over HTTP and reports which rules it keeps.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Base URL of the service, such as <https://host/scim/v2>
    #[arg(long, required_unless_present = "list")]
    base: Option<String>,

    /// Bearer token that may read and write
    #[arg(long, conflicts_with = "basic", required_unless_present_any = ["basic", "list"])]
    token: Option<String>,

    /// Client id and secret, separated by a colon
    #[arg(long, value_parser = client_and_secret)]
    basic: Option<(String, String)>,

    /// Bearer token that may only read
    #[arg(long)]
    read_token: Option<String>,

    /// Play only cases with an id that starts with this (repeatable)
    #[arg(long, value_name = "PREFIX")]
    only: Vec<String>,

    /// Report as one JSON document
    #[arg(long)]
    json: bool,

    /// Write each exchange to this file: method, path, status, case, verdict as lines of JSON
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// List the cases and stop
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let select = Select {
        prefixes: arguments.only,
    };
    if arguments.list {
        for case in cases().iter().filter(|case| select.admits(case)) {
            println!("{}  {}", case.ids.join(","), case.name);
        }
        return ExitCode::SUCCESS;
    }
    let credential = match (arguments.token, arguments.basic) {
        (Some(token), _) => Credential::Bearer(token),
        (None, Some((id, secret))) => Credential::Basic(id, secret),
        (None, None) => Credential::None,
    };
    let target = Target {
        base: arguments.base.unwrap_or_default(),
        credential,
        read_token: arguments.read_token,
    };
    let report = run(&target, &select);
    if arguments.json {
        println!("{:#}", report.to_json());
    } else {
        println!("{report}");
    }
    if let Some(file) = arguments.record
        && let Err(error) = std::fs::write(&file, report.record())
    {
        eprintln!("cannot write {}: {error}", file.display());
        return ExitCode::from(2);
    }
    if report.failed() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    }
}

fn client_and_secret(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((id, secret)) => Ok((id.to_owned(), secret.to_owned())),
        None => Err("expected id:secret".to_owned()),
    }
}
