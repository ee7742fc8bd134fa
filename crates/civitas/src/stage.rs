//! `civitas clock`, `snapshot`, `reset` and `ledger`: a running server of development mode
//! as a stage.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::{cli, console, failure::Failure, running::Running};

/// `civitas clock`
pub(crate) fn clock(arguments: &cli::Clock) -> Result<(), Failure> {
    let server = Running::find(&arguments.server)?;
    let mut change = Map::new();
    let mut set = |name: &str, value: Value| change.insert(name.to_owned(), value);
    if arguments.system {
        set("system", true.into());
    }
    if let Some(now) = &arguments.now {
        set("now", now.as_str().into());
    }
    if let Some(by) = arguments.advance {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        set("advance_ms", millis.into());
    }
    if arguments.freeze || arguments.run {
        set("frozen", arguments.freeze.into());
    }
    if arguments.seed.is_some() || arguments.no_seed {
        set("seed", arguments.seed.into());
    }
    let clock = if change.is_empty() {
        server.ask("GET", "clock", None)?
    } else {
        server.ask("PUT", "clock", Some(&change.into()))?
    };
    console::say(&clock.to_string());
    Ok(())
}

/// `civitas snapshot`
pub(crate) fn snapshot(command: &cli::Snapshot) -> Result<(), Failure> {
    match command {
        cli::Snapshot::Take { name, server } => {
            let path = format!("snapshots/{name}");
            let taken = Running::find(server)?.ask("PUT", &path, None)?;
            console::say(&taken.to_string());
        }
        cli::Snapshot::List { server } => {
            say_each(&Running::find(server)?.ask("GET", "snapshots", None)?);
        }
        cli::Snapshot::Drop { name, server } => {
            let path = format!("snapshots/{name}");
            Running::find(server)?.ask("DELETE", &path, None)?;
        }
    }
    Ok(())
}

/// `civitas reset`
pub(crate) fn reset(arguments: &cli::Reset) -> Result<(), Failure> {
    let order = match &arguments.snapshot {
        Some(name) => json!({ "snapshot": name }),
        None => json!({}),
    };
    let begun = Running::find(&arguments.server)?.ask("POST", "reset", Some(&order))?;
    console::say(&begun.to_string());
    Ok(())
}

/// `civitas ledger`
pub(crate) fn ledger(arguments: &cli::Ledger) -> Result<(), Failure> {
    let server = Running::find(&arguments.server)?;
    let query = query(arguments);
    if arguments.clear {
        server.ask("DELETE", "ledger", None)?;
    } else if arguments.har {
        let har = server.ask("GET", &format!("ledger/har{query}"), None)?;
        console::say(&har.to_string());
    } else if arguments.count || arguments.expect.is_some() {
        let count = server.ask("GET", &format!("ledger/count{query}"), None)?;
        let count = count["count"].as_u64().unwrap_or_default();
        console::say(&count.to_string());
        if let Some(expected) = arguments.expect.filter(|it| *it != count) {
            let why = format!("{count} requests match; expected were {expected}");
            return Err(Failure::other(why));
        }
    } else {
        say_each(&server.ask("GET", &format!("ledger{query}"), None)?);
    }
    Ok(())
}

fn query(arguments: &cli::Ledger) -> String {
    let (status, after) = (
        arguments.status.map(|it| it.to_string()),
        arguments.after.map(|it| it.to_string()),
    );
    let mut query = String::new();
    for (name, value) in [
        ("method", arguments.method.as_deref()),
        ("path", arguments.path.as_deref()),
        ("status", status.as_deref()),
        ("after", after.as_deref()),
    ] {
        if let Some(value) = value {
            query.push(if query.is_empty() { '?' } else { '&' });
            let _ = write!(query, "{name}={}", percent_encoded(value));
        }
    }
    query
}

/// The value of a query parameter (RFC 3986 §2.1).
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

fn say_each(all: &Value) {
    for one in all.as_array().into_iter().flatten() {
        console::say(&one.to_string());
    }
}
