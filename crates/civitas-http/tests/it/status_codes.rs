//! `docs/status-codes.md`: one request in each situation in which it is refused, as it was
//! answered over a socket, and the registry of outcomes. The document is compared with what
//! happens now, and written anew with `CIVITAS_WRITE_DOCS=1`.

use std::{collections::BTreeMap, fmt::Write as _, path::Path, time::Duration};

use civitas_directory::{Limits, Outcome};
use civitas_http::{
    HttpLimits,
    outcomes::{Dialect, documented},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::every_operation;
use crate::world::{Answer, Ask, USER, World, ask};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/status-codes.md");

const HEAD: &str = "# Status codes

The same request, `PUT /scim/v2/Users/{id}` with a good body by a client that may write, in each
situation in which it is not carried out; what differs is said. Then, for every operation, what it
answers in these situations. Every answer below came over a socket. `Date` is left out, `{id}` stands for an identifier. The order in which situations are told
when several apply is that of `crates/civitas-http/src/door.rs`.

Written by `cargo xtask docs`; a test compares it with what happens.

## Situations
";

const REGISTRY: &str = "
## Outcomes

Every way in which a request can end, and the status that each dialect documents for it. The
dialects `sap`, `crest` and `oracle` are those of SAP Cloud Identity Services, PingOne Advanced
Identity Cloud and Oracle identity domains with the rules of Oracle's REST APIs.

";

/// What was seen: a name, what differs, the request line, the answer.
struct Page {
    text: String,
    /// What stands for an identifier.
    id: String,
}

impl Page {
    fn tell(&mut self, name: &str, differs: &str, ask: &Ask, answer: &Answer) {
        let line = ask.line().replace(&self.id, "{id}");
        let head: String = answer
            .fields()
            .filter(|(name, _)| *name != "date" && *name != "connection")
            .fold(String::new(), |mut head, (name, value)| {
                let _ = writeln!(head, "{name}: {value}");
                head
            });
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        let shown = format!("HTTP/1.1 {}\n{head}\n{body}", answer.status);
        let shown = shown.replace(&self.id, "{id}");
        let _ = write!(
            self.text,
            "\n### {name}\n\n{differs}\n\n```http\n{line}\n```\n\n```http\n{}\n```\n",
            shown.trim_end()
        );
    }

    async fn see(&mut self, world: &World, name: &str, differs: &str, ask: Ask) -> Answer {
        let answer = world.send(ask.clone()).await;
        self.tell(name, differs, &ask, &answer);
        answer
    }
}

fn body() -> Value {
    json!({ "schemas": [USER], "userName": "ann" })
}

fn bare(id: &str) -> Ask {
    ask("PUT", &format!("/scim/v2/Users/{id}")).header("X-Request-Id", "a-request")
}

fn put(id: &str) -> Ask {
    bare(id).by("writer").json(&body())
}

async fn page() -> String {
    let world = World::start().await;
    let user = world.user("ann").await;
    world.user("bob").await;
    let id = user["id"].as_str().unwrap().to_owned();
    let mut page = Page {
        text: HEAD.to_owned(),
        id: id.clone(),
    };
    at_the_door(&mut page, &world, &id).await;
    in_the_body(&mut page, &world, &id).await;
    in_the_directory(&mut page, &world, &id).await;
    by_settings(&mut page, &world, &id).await;
    of_the_server(&mut page).await;
    page.text + &every_operation::section().await + REGISTRY + &registry()
}

async fn at_the_door(page: &mut Page, world: &World, id: &str) {
    for (name, differs, ask) in [
        (
            "unknown host",
            "`Host: nowhere.example`.",
            put(id).header("Host", "nowhere.example"),
        ),
        (
            "unknown path",
            "The path has one segment more.",
            put(&format!("{id}/x")),
        ),
        (
            "protocol version",
            "The path begins with `/scim/v1`.",
            put(id).retarget("/scim/v2", "/scim/v1"),
        ),
        (
            "wrong method",
            "The method is POST.",
            put(id).method("POST"),
        ),
        (
            "unknown method",
            "The method is BREW.",
            put(id).method("BREW"),
        ),
        (
            "header too large",
            "A header field of 17 KiB.",
            put(id).header("X-Long", &"a".repeat(17 * 1024)),
        ),
        (
            "malformed condition",
            "`If-Match: \"open`.",
            put(id).header("If-Match", "\"open"),
        ),
        (
            "no credentials",
            "No `Authorization`.",
            bare(id).json(&body()),
        ),
        (
            "wrong secret",
            "Another secret.",
            bare(id)
                .header("Authorization", "Basic d3JpdGVyOndyb25n")
                .json(&body()),
        ),
        (
            "bad token",
            "`Authorization: Bearer x`.",
            bare(id).bearer("x").json(&body()),
        ),
        (
            "role too small",
            "A client that may read.",
            bare(id).by("reader").json(&body()),
        ),
        (
            "not acceptable",
            "`Accept: text/html`.",
            put(id).header("Accept", "text/html"),
        ),
    ] {
        page.see(world, name, differs, ask).await;
    }
}

async fn in_the_body(page: &mut Page, world: &World, id: &str) {
    let typed = |kind: &str| bare(id).by("writer").header("Content-Type", kind);
    let deep = format!("{}1{}", "[".repeat(64), "]".repeat(64));
    for (name, differs, ask) in [
        (
            "unsupported media type",
            "`Content-Type: text/plain`.",
            typed("text/plain").body(body().to_string()),
        ),
        (
            "unsupported coding",
            "`Content-Encoding: br`.",
            put(id).header("Content-Encoding", "br"),
        ),
        (
            "too large",
            "A body of more than 1 MiB.",
            typed("application/scim+json").body(" ".repeat(1024 * 1024 + 1)),
        ),
        (
            "not JSON",
            "The body is `{`.",
            typed("application/scim+json").body("{"),
        ),
        (
            "too deep",
            "The body nests 64 arrays.",
            typed("application/scim+json").body(deep),
        ),
    ] {
        page.see(world, name, differs, ask).await;
    }
    let limits = HttpLimits {
        body_read_timeout: Duration::from_millis(100),
        ..HttpLimits::default()
    };
    let hurried = World::with(limits, Limits::default()).await;
    let ask = put(id);
    let bytes = ask.bytes();
    let mut stream = TcpStream::connect(hurried.addr).await.unwrap();
    stream.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let late = "The last byte of the body does not come.";
    page.tell("body too late", late, &ask, &Answer::parse(&answer));
}

async fn in_the_directory(page: &mut Page, world: &World, id: &str) {
    let with = |value: Value| {
        let mut body = body();
        body.as_object_mut()
            .unwrap()
            .extend(value.as_object().unwrap().clone());
        bare(id).by("writer").json(&body)
    };
    for (name, differs, ask) in [
        ("unknown resource", "Nothing has the `id`.", put("none")),
        (
            "stale",
            "`If-Match: W/\"0\"`, which is not the version.",
            put(id).header("If-Match", "W/\"0\""),
        ),
        (
            "wrong value",
            "`active` is `\"perhaps\"`.",
            with(json!({ "active": "perhaps" })),
        ),
        (
            "taken",
            "`userName` is another user's.",
            with(json!({ "userName": "bob" })),
        ),
    ] {
        page.see(world, name, differs, ask).await;
    }
    let down = "The store cannot be read.";
    page.see(world, "store away", down, put("down")).await;
    let full = "The store's queue is full.";
    page.see(world, "store overloaded", full, put("full")).await;
    let defect = "A defect ends the work.";
    page.see(world, "defect", defect, put("panic")).await;
}

async fn by_settings(page: &mut Page, world: &World, id: &str) {
    let set = async |settings: Value| {
        let change = ask("PATCH", "/civitas/v1/settings")
            .by("admin")
            .header("Content-Type", "application/json")
            .body(settings.to_string());
        assert_eq!(world.send(change).await.status, 200);
    };
    for (name, differs, on, off) in [
        (
            "precondition required",
            "The tenant requires preconditions.",
            json!({ "require_preconditions": true }),
            json!({ "require_preconditions": null }),
        ),
        (
            "maintenance",
            "The tenant is in maintenance.",
            json!({ "maintenance": 120 }),
            json!({ "maintenance": null }),
        ),
        (
            "moved",
            "The tenant has moved to `https://new.example.com`.",
            json!({ "moved_to": "https://new.example.com" }),
            json!({ "moved_to": null }),
        ),
    ] {
        set(on).await;
        page.see(world, name, differs, put(id)).await;
        set(off).await;
    }
    set(json!({ "requests_per_second": 1 })).await;
    let limited = loop {
        let answer = world.send(put(id)).await;
        if answer.status == 429 {
            break answer;
        }
    };
    let rate = "The tenant has a rate and has reached it.";
    page.tell("rate limited", rate, &put(id), &limited);
}

async fn of_the_server(page: &mut Page) {
    let id = page.id.clone();
    let standby = World::standby_of("https://primary.example.com").await;
    let differs = "The server stands by for `https://primary.example.com`.";
    page.see(&standby, "standby", differs, put(&id)).await;
    let full = HttpLimits {
        max_concurrent_requests: 0,
        ..HttpLimits::default()
    };
    let full = World::with(full, Limits::default()).await;
    let differs = "As many requests are in work as may be.";
    page.see(&full, "overloaded", differs, put(&id)).await;
    let short = HttpLimits {
        request_timeout: Duration::from_millis(100),
        ..HttpLimits::default()
    };
    let short = World::with(short, Limits::default()).await;
    let differs = "The work takes longer than a request may.";
    page.see(&short, "too slow", differs, put("slow")).await;
}

fn registry() -> String {
    let mut text = String::from("| outcome |");
    for dialect in Dialect::ALL {
        let _ = write!(text, " {} |", dialect.name());
    }
    text.push_str(" source for `scim` |\n|---|---|---|---|---|---|\n");
    for outcome in Outcome::ALL {
        let _ = write!(text, "| {outcome:?} |");
        for dialect in Dialect::ALL {
            let mut statuses: Vec<u16> = documented(dialect)
                .iter()
                .filter(|row| row.outcome == outcome)
                .map(|row| row.status)
                .collect();
            statuses.dedup();
            let statuses: Vec<_> = statuses.iter().map(u16::to_string).collect();
            let _ = write!(text, " {} |", statuses.join(", "));
        }
        let scim = documented(Dialect::Scim);
        let row = scim.iter().find(|row| row.outcome == outcome).unwrap();
        let _ = writeln!(text, " {} |", row.source);
    }
    text.push_str("\nThe tables that say so:\n\n");
    let mut sources = BTreeMap::new();
    for dialect in [Dialect::Sap, Dialect::Crest, Dialect::Oracle] {
        for row in documented(dialect) {
            sources.insert(row.source, dialect.name());
        }
    }
    for (source, dialect) in sources {
        let _ = writeln!(text, "- `{dialect}`: {source}");
    }
    text
}

#[tokio::test]
async fn the_document_says_what_happens() {
    let seen = page().await;
    if std::env::var_os("CIVITAS_WRITE_DOCS").is_some() {
        std::fs::write(Path::new(PAGE), &seen).unwrap();
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    for (at, (seen, written)) in seen.lines().zip(written.lines()).enumerate() {
        assert_eq!(
            written,
            seen,
            "docs/status-codes.md:{}: `cargo xtask docs`",
            at + 1
        );
    }
    assert!(
        written == seen,
        "docs/status-codes.md is not whole: `cargo xtask docs`"
    );
}
