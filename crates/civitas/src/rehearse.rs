//! `civitas rehearse`: answers ordered from a running server of development mode.

use serde_json::{Map, Value, json};

use crate::{cli, console, failure::Failure, running::Running};

const PATH: &str = "rehearsals";

/// `civitas rehearse`
pub(crate) fn run(arguments: &cli::Rehearse) -> Result<(), Failure> {
    let server = Running::find(&arguments.server)?;
    let shown = match &arguments.answer {
        Some(answer) => {
            let rule = json!({ "match": matches(arguments)?, "answer": answer });
            server.ask("POST", PATH, Some(&rule))?
        }
        None if arguments.clear => server.ask("DELETE", PATH, None)?,
        None => server.ask("GET", PATH, None)?,
    };
    for rule in shown.as_array().into_iter().flatten() {
        console::say(&rule.to_string());
    }
    Ok(())
}

fn matches(arguments: &cli::Rehearse) -> Result<Value, Failure> {
    let mut body = Map::new();
    for pair in &arguments.body {
        let wrong = || Failure::configuration(format!("--body = {pair:?}: not POINTER=JSON"));
        let (pointer, value) = pair.split_once('=').ok_or_else(wrong)?;
        let value = serde_json::from_str(value).map_err(|_| wrong())?;
        body.insert(pointer.to_owned(), value);
    }
    let mut all = json!({
        "dialect": arguments.dialect,
        "method": arguments.method,
        "path": arguments.path,
        "client": arguments.client,
        "body": body,
        "from": arguments.from,
        "to": arguments.to,
        "probability": arguments.probability,
        "seed": arguments.seed,
    });
    if let Some(all) = all.as_object_mut() {
        all.retain(|_, value| !value.is_null());
    }
    Ok(all)
}
