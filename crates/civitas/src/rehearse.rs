//! `civitas rehearse`: answers ordered from a running server of development mode.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

use crate::{cli, console, development::Ready, failure::Failure, source::DEFAULT_FOLDER};

const PATH: &str = "/civitas/v1/rehearsals";

/// `civitas rehearse`
pub(crate) fn run(arguments: &cli::Rehearse) -> Result<(), Failure> {
    let folder = arguments.data.as_deref();
    let server = Ready::read(folder.unwrap_or(Path::new(DEFAULT_FOLDER)))?;
    let host = arguments.host.as_deref();
    let shown = match &arguments.answer {
        Some(answer) => {
            let rule = json!({ "match": matches(arguments)?, "answer": answer });
            ask(&server, host, "POST", Some(&rule))?
        }
        None if arguments.clear => ask(&server, host, "DELETE", None)?,
        None => ask(&server, host, "GET", None)?,
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

/// One request over a connection of its own. The server is on this machine and speaks
/// HTTP/1.1 in clear text.
fn ask(
    server: &Ready,
    host: Option<&str>,
    method: &str,
    body: Option<&Value>,
) -> Result<Value, Failure> {
    let address = server.base_url.trim_start_matches("http://");
    let failed = |error: std::io::Error| Failure::other(format!("{}: {error}", server.base_url));
    let credentials = format!("{}:{}", server.client_id, server.client_secret);
    let credentials = BASE64_STANDARD.encode(credentials);
    let host = host.unwrap_or(address);
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut stream = TcpStream::connect(address).map_err(failed)?;
    write!(
        stream,
        "{method} {PATH} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {credentials}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .map_err(failed)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(failed)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    if head.get(9..12) == Some("200") {
        return Ok(body);
    }
    let detail = body["detail"].as_str().unwrap_or(head);
    Err(Failure::other(detail.to_owned()))
}
