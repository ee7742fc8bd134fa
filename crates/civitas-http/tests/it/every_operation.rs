//! Every operation in every situation: what `docs/status-codes.md` shows of one request holds
//! for all of them. Each is first carried out, then asked again in each situation; where the
//! situation is none to it (`OPTIONS` asks for no credentials), the answer is as before.

use std::{fmt::Write as _, time::Duration};

use civitas_directory::Limits;
use civitas_http::{
    HttpLimits,
    outcomes::Dialect,
    parity::{Operation, operations},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    faulty::Trouble,
    world::{Answer, Ask, PATCH_OP, SEARCH, USER, World, ask},
};

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const DELTA: &str = "urn:civitas:params:scim:api:messages:1.0:DeltaRequest";
const THING: &str = "urn:example:scim:schemas:2.0:Thing";

pub(crate) const HEAD: &str = "
## Every operation

What each operation answers in each situation, and when it is carried out. A situation that is none
to it is left out: `OPTIONS` asks for no credentials, and what a tenant serves is told without asking
the store. All are asked by a client that administers the tenant.

| operation | answers |
|---|---|
";

/// What a tenant has that operations are about.
struct Scene {
    world: World,
    user: String,
    me: String,
    made: std::cell::Cell<u32>,
}

impl Scene {
    async fn new(world: World) -> Self {
        let user = world.user("ann").await;
        let me = world.user_token(&user, "").await;
        let scene = Self {
            world,
            user: user["id"].as_str().unwrap().to_owned(),
            me,
            made: std::cell::Cell::default(),
        };
        scene.define().await;
        scene
    }

    /// A number that nothing was made of yet.
    fn next(&self) -> u32 {
        self.made.set(self.made.get() + 1);
        self.made.get()
    }

    /// What an operation may have deleted is made again.
    async fn restore(&self, operation: Operation) {
        if operation.method == "DELETE" {
            self.define().await;
        }
    }

    async fn define(&self) {
        for (path, body) in [
            ("Schemas", schema(THING)),
            ("ResourceTypes", kind("Thing", THING)),
        ] {
            let define = ask("POST", &format!("/scim/v2/{path}")).by("admin");
            let defined = self.world.send(define.json(&body)).await;
            assert!([201, 409].contains(&defined.status), "{defined:?}");
        }
    }

    /// The request as it is carried out.
    async fn good(&self, operation: Operation) -> Ask {
        let Operation { template, method } = operation;
        let path = template
            .replace("{type}", "Users")
            .replace("{name}", "Thing");
        let path = match (template, method) {
            ("/scim/v2/Schemas/{urn}", "DELETE") => {
                let urn = format!("urn:example:scim:schemas:2.0:Gone{}", self.next());
                let define = ask("POST", "/scim/v2/Schemas").by("admin");
                self.world.send(define.json(&schema(&urn))).await;
                format!("/scim/v2/Schemas/{urn}")
            }
            ("/scim/v2/{type}/{id}", "DELETE") => {
                let user = self.world.user(&format!("gone{}", self.next())).await;
                format!("/scim/v2/Users/{}", user["id"].as_str().unwrap())
            }
            _ => path.replace("{urn}", THING).replace("{id}", &self.user),
        };
        let ask = ask(method, &path);
        let ask = match (template, method) {
            ("/scim/v2/Me", "DELETE") => {
                let user = self.world.user(&format!("gone{}", self.next())).await;
                ask.bearer(&self.world.user_token(&user, "write").await)
            }
            ("/scim/v2/Me", "GET" | "HEAD" | "PUT" | "PATCH") => ask.bearer(&self.me),
            _ => ask.by("admin"),
        };
        match self.body(operation).await {
            Value::Null => ask,
            body => ask.json(&body),
        }
    }

    async fn body(&self, Operation { template, method }: Operation) -> Value {
        let user = |name: &str| json!({ "schemas": [USER], "userName": name });
        match (template, method) {
            (_, "GET" | "HEAD" | "OPTIONS" | "DELETE") => Value::Null,
            (path, _) if path.ends_with(".search") => json!({ "schemas": [SEARCH] }),
            (path, _) if path.ends_with("/.delta") => {
                let token = path.replace("{type}", "Users") + "Token";
                let token = self.world.send(ask("GET", &token).by("admin")).await;
                json!({ "schemas": [DELTA], "deltaToken": token.json()["value"] })
            }
            ("/scim/v2/Bulk", _) => {
                let data = user(&format!("bulk{}", self.next()));
                let operation =
                    json!({ "method": "POST", "path": "/Users", "bulkId": "1", "data": data });
                json!({ "schemas": [BULK], "Operations": [operation] })
            }
            ("/scim/v2/Schemas", _) => {
                schema(&format!("urn:example:scim:schemas:2.0:New{}", self.next()))
            }
            ("/scim/v2/Schemas/{urn}", _) => schema(THING),
            ("/scim/v2/ResourceTypes", _) => kind(&format!("New{}", self.next()), THING),
            ("/scim/v2/ResourceTypes/{name}", _) => kind("Thing", THING),
            (_, "PATCH") => {
                let operation =
                    json!({ "op": "add", "path": "title", "value": format!("{}", self.next()) });
                json!({ "schemas": [PATCH_OP], "Operations": [operation] })
            }
            (_, "PUT") => user("ann"),
            _ => user(&format!("new{}", self.next())),
        }
    }

    async fn set(&self, settings: Value) {
        let change = ask("PATCH", "/civitas/v1/settings").by("admin");
        let change = change.header("Content-Type", "application/json");
        let changed = self.world.send(change.body(settings.to_string())).await;
        assert_eq!(changed.status, 200, "{changed:?}");
    }
}

fn schema(urn: &str) -> Value {
    let attributes = json!([{ "name": "label", "type": "string" }]);
    json!({ "schemas": [SCHEMA], "id": urn, "name": "Thing", "attributes": attributes })
}

fn kind(name: &str, schema: &str) -> Value {
    json!({ "schemas": [RESOURCE_TYPE], "name": name, "endpoint": format!("/{name}s"), "schema": schema })
}

/// What changes a request, and the status that comes of it where it matters.
type Change = (&'static str, u16, fn(Ask) -> Ask);

const OF_THE_REQUEST: [Change; 12] = [
    ("unknown host", 404, |ask| {
        ask.header("Host", "nowhere.example")
    }),
    ("header too large", 431, |ask| {
        ask.header("X-Long", &"a".repeat(17 * 1024))
    }),
    ("malformed condition", 400, |ask| {
        ask.header("If-Match", "\"open")
    }),
    ("no credentials", 401, |ask| ask.without("Authorization")),
    ("bad token", 401, |ask| {
        ask.without("Authorization").bearer("x")
    }),
    ("role too small", 403, |ask| {
        ask.without("Authorization").by("nobody")
    }),
    ("not acceptable", 406, |ask| {
        ask.header("Accept", "text/html")
    }),
    ("stale", 412, |ask| ask.header("If-Match", "W/\"0\"")),
    ("unsupported media type", 415, |ask| {
        ask.without("Content-Type")
            .header("Content-Type", "text/plain")
    }),
    ("unsupported coding", 415, |ask| {
        ask.header("Content-Encoding", "br")
    }),
    ("not JSON", 400, |ask| ask.rebody("{")),
    ("too large", 413, |ask| {
        ask.rebody(" ".repeat(1024 * 1024 + 1))
    }),
];

/// An operation, the status when it is carried out, and those in situations.
type Line = (Operation, u16, Vec<(u16, &'static str)>);

/// Operations and what they answer.
struct Table {
    lines: Vec<Line>,
}

impl Table {
    /// Notes an answer: the status of the situation, in the dialect's words, or as if there
    /// were none.
    fn note(&mut self, at: usize, situation: &'static str, expected: u16, answer: &Answer) {
        let (operation, good, seen) = &mut self.lines[at];
        if answer.status != expected {
            let as_before = answer.status == *good;
            assert!(as_before, "{operation:?}, {situation}: {answer:?}");
            return;
        }
        let has_content = operation.method != "HEAD" && expected >= 400;
        if has_content {
            let what = format!("{operation:?}, {situation}");
            answer.scim_error_of(expected, &what);
        }
        if expected != *good {
            seen.push((expected, situation));
        }
    }
}

/// The section of the page.
pub(crate) async fn section() -> String {
    let scene = Scene::new(World::start().await).await;
    let mut table = Table { lines: Vec::new() };
    for operation in operations(Dialect::Scim) {
        let answer = scene.world.send(scene.good(operation).await).await;
        scene.restore(operation).await;
        // Nobody creates itself.
        let is_built = operation.template != "/scim/v2/Me" || operation.method != "POST";
        assert_eq!(answer.status < 300, is_built, "{operation:?}: {answer:?}");
        table.lines.push((operation, answer.status, Vec::new()));
    }
    of_the_request(&scene, &mut table).await;
    of_what_is_there(&scene, &mut table).await;
    of_the_tenant(&scene, &mut table).await;
    of_the_store(&scene, &mut table).await;
    of_the_server(&mut table).await;
    let mut text = HEAD.to_owned();
    for (Operation { template, method }, good, mut seen) in table.lines {
        seen.sort_unstable();
        let _ = write!(text, "| `{method} {template}` | {good} carried out");
        for (status, situation) in seen {
            let _ = write!(text, ", {status} {situation}");
        }
        text.push_str(" |\n");
    }
    text
}

async fn of_the_request(scene: &Scene, table: &mut Table) {
    for at in 0..table.lines.len() {
        let operation = table.lines[at].0;
        for (situation, expected, change) in OF_THE_REQUEST {
            // Users need no role to be themselves; a client is none of them.
            let is_me = operation.template == "/scim/v2/Me";
            let (situation, expected) = if is_me && situation == "role too small" {
                ("no user", 404)
            } else {
                (situation, expected)
            };
            let answer = scene.world.send(change(scene.good(operation).await)).await;
            scene.restore(operation).await;
            table.note(at, situation, expected, &answer);
        }
    }
}

/// Nothing is there, it is there already, or the caller knows it.
async fn of_what_is_there(scene: &Scene, table: &mut Table) {
    for at in 0..table.lines.len() {
        let operation = table.lines[at].0;
        let good = scene.good(operation).await;
        if operation.template.contains('{') {
            let nowhere = good.clone().retarget("Users", "Nothings");
            let nowhere = nowhere
                .retarget(THING, "urn:nothing")
                .retarget("/Thing", "/Nothing");
            let nowhere = nowhere.retarget("urn:example:scim:schemas:2.0:Gone", "urn:nothing");
            let answer = scene.world.send(nowhere).await;
            table.note(at, "nothing there", 404, &answer);
        }
        if operation.method == "POST" {
            scene.world.send(good.clone()).await;
            let again = scene.world.send(good.clone()).await;
            table.note(at, "taken", 409, &again);
        }
        if operation.template.ends_with("/Bulk") && operation.method == "POST" {
            let later = scene
                .good(operation)
                .await
                .header("Prefer", "respond-async");
            let later = scene.world.send(later).await;
            table.note(at, "in the background", 202, &later);
        }
        if matches!(operation.method, "GET" | "HEAD") {
            let tag = scene.world.send(good.clone()).await.header("etag");
            let known = good.header("If-None-Match", &tag);
            let answer = scene.world.send(known).await;
            if !tag.is_empty() {
                table.note(at, "known already", 304, &answer);
            }
        }
        scene.restore(operation).await;
    }
}

async fn of_the_tenant(scene: &Scene, table: &mut Table) {
    for (situation, expected, on, off) in [
        (
            "precondition required",
            428,
            json!({ "require_preconditions": true }),
            json!({ "require_preconditions": null }),
        ),
        (
            "maintenance",
            503,
            json!({ "maintenance": 120 }),
            json!({ "maintenance": null }),
        ),
        (
            "moved",
            308,
            json!({ "moved_to": "https://new.example.com" }),
            json!({ "moved_to": null }),
        ),
        (
            "rate limited",
            429,
            json!({ "requests_per_second": 1 }),
            json!({ "requests_per_second": null }),
        ),
    ] {
        for at in 0..table.lines.len() {
            let operation = table.lines[at].0;
            let good = scene.good(operation).await;
            scene.set(on.clone()).await;
            let mut answer = scene.world.send(good.clone()).await;
            if expected == 429 {
                for _ in 0..20 {
                    if answer.status != 429 {
                        answer = scene.world.send(good.clone()).await;
                    }
                }
                // What was carried out twice meanwhile is no answer to this.
                if matches!(answer.status, 404 | 409) {
                    answer.status = table.lines[at].1;
                }
            }
            scene.set(off.clone()).await;
            scene.restore(operation).await;
            table.note(at, situation, expected, &answer);
        }
    }
}

async fn of_the_store(scene: &Scene, table: &mut Table) {
    for (situation, expected, trouble) in [
        ("store away", 503, Trouble::Away),
        ("defect", 500, Trouble::Defect),
    ] {
        for at in 0..table.lines.len() {
            let operation = table.lines[at].0;
            let good = scene.good(operation).await;
            // What is known of the client and the tenant needs no store.
            scene
                .world
                .send(ask("GET", "/scim/v2/Schemas").by("admin"))
                .await;
            *scene.world.store.trouble() = Some(trouble);
            let answer = scene.world.send(good).await;
            *scene.world.store.trouble() = None;
            scene.restore(operation).await;
            table.note(at, situation, expected, &answer);
        }
    }
}

async fn of_the_server(table: &mut Table) {
    let full = HttpLimits {
        max_concurrent_requests: 0,
        ..HttpLimits::default()
    };
    let hurried = HttpLimits {
        body_read_timeout: Duration::from_millis(50),
        ..HttpLimits::default()
    };
    let full = World::with(full, Limits::default()).await;
    let standby = World::standby_of("https://primary.example.com").await;
    let hurried = Scene::new(World::with(hurried, Limits::default()).await).await;
    let somebody = Scene::new(World::start().await).await;
    for at in 0..table.lines.len() {
        let operation = table.lines[at].0;
        // Refused before anybody asks what it is about.
        let any = ask(operation.method, &somebody.good(operation).await.path()).by("admin");
        let answer = full.send(any.clone()).await;
        table.note(at, "overloaded", 503, &answer);
        let answer = standby.send(any).await;
        if answer.status == 307 {
            table.note(at, "standby", 307, &answer);
        }
        let ask = hurried.good(operation).await;
        let bytes = ask.bytes();
        if !bytes.ends_with(b"\r\n\r\n") {
            let mut stream = TcpStream::connect(hurried.world.addr).await.unwrap();
            stream.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            table.note(at, "body too late", 408, &Answer::parse(&answer));
        }
    }
}
