//! `civitas-conformance`: judges the server at a URL.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use civitas_conformance::{As, Credential, Select, Suite, Target, cases, judge, lines};
use clap::Parser;

/// Judges a SCIM 2.0 server over HTTP and reports which rules it keeps.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// What is judged: scim, crest (Common REST, with the host's URL as base), oracle (identity
    /// domains, with `/admin/v1` at the end of the base), or sap (with the host's URL as base)
    #[arg(long, default_value = "scim")]
    suite: Suite,

    /// Base URL of the service, such as <https://host/scim/v2>
    #[arg(long, required_unless_present_any = ["list", "lines"])]
    base: Option<String>,

    /// Bearer token that may read and write
    #[arg(long, conflicts_with = "basic", required_unless_present_any = ["basic", "list", "lines"])]
    token: Option<String>,

    /// Client id and secret, separated by a colon
    #[arg(long, value_parser = client_and_secret)]
    basic: Option<(String, String)>,

    /// Another caller by bearer token, or by id and secret; roles: read, user, other, guarded,
    /// limited, entra, maintained, application, unscoped, locked, expired, strict,
    /// strict-application, reset (repeatable)
    #[arg(long = "as", value_name = "ROLE=TOKEN|ID:SECRET[@HOST]")]
    others: Vec<As>,

    /// Seconds a case may wait for something to expire
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    patience: u64,

    /// How many resources the server examines at most where no index answers
    #[arg(long, value_name = "N")]
    examines: Option<u32>,

    /// URL to poll for event tokens with the same credential (RFC 8936)
    #[arg(long, value_name = "URL")]
    polls: Option<String>,

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

    /// List the lines a server is held to, with their cases, and stop
    #[arg(long)]
    lines: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let select = Select {
        prefixes: arguments.only,
    };
    if arguments.list {
        let cases = arguments.suite.cases();
        for case in cases.iter().filter(|case| select.admits(case)) {
            println!("{}  {}", case.ids.join(","), case.name);
        }
        return ExitCode::SUCCESS;
    }
    if arguments.lines {
        list_lines();
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
        patience: Duration::from_secs(arguments.patience),
        examines: arguments.examines,
        polls: arguments.polls,
        accounts: arguments
            .others
            .into_iter()
            .map(|As(role, account)| (role, account))
            .collect(),
    };
    let report = judge(arguments.suite, &target, &select);
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

fn list_lines() {
    let cases = cases();
    for line in lines() {
        println!("{} [{}]  {}", line.id, line.level.mark(), line.title);
        for case in cases.iter().filter(|case| case.ids.contains(&line.id)) {
            println!("    {}", case.name);
        }
        if let Some(reason) = line.unseen {
            println!("    not testable from outside: {reason}");
        }
    }
}

fn client_and_secret(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((id, secret)) => Ok((id.to_owned(), secret.to_owned())),
        None => Err("expected id:secret".to_owned()),
    }
}
