//! `POST /civitas/v1/imports?type=User`: resources from a file, as JSON lines or as
//! comma-separated values. The file is cut into parts as it arrives, each stored before more is
//! read; when it has arrived whole, a job creates the resources part by part.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use civitas_directory::{
    Error, Imported, NewJob, Partition, Replay, Role, Scope, Tenant,
    admission::Patience,
    import::{self, Cut, Format, Heads, Row, Splitter, Unreadable},
    job::{self as jobs, Part},
};
use civitas_scim::{Invalid, schema::ResourceType};
use http::{HeaderMap, header};
use serde_json::{Value, json};

use crate::{
    app::preflight,
    call::BASE,
    dialect::scim,
    door::Arrival,
    form,
    job::{
        self, Work,
        parts::{self, Halt, Rows},
    },
    refusal::Refusal,
    reply::Reply,
    router::IMPORTS_METHODS,
};

/// The kind of a stored import.
pub(crate) const KIND: &str = "import";

/// Longest time for a file to arrive.
pub(crate) const TIME: Duration = Duration::from_mins(30);

/// How long after its last part was stored it is certain that a file arrives no more.
pub(crate) const STRAY: Duration = Duration::from_hours(1);

/// What files are.
const MEDIA: &str = "application/x-ndjson, application/jsonl, text/csv";

/// Answers the request.
pub(crate) async fn answer(arrival: Arrival<'_>) -> Result<Reply, Refusal> {
    let method = &arrival.parts.method;
    if let Some(reply) = preflight(IMPORTS_METHODS, method, "")? {
        return Ok(reply);
    }
    let tenant = arrival.tenant().await?;
    arrival.check_primary()?;
    let caller = arrival.admit(&tenant, Role::Administer).await?;
    let format = format(&arrival.parts.headers)?;
    let kind = kind(&arrival, tenant.catalogue.resource_types())?;
    let directory = &arrival.app.directory;
    directory.check_room_for_job()?;
    let scope = Scope {
        partition: tenant.partition,
        catalogue: Arc::clone(&tenant.catalogue),
        require_preconditions: false,
        password_policy: tenant.settings.password_policy,
        actor: caller.actor(),
        request_id: arrival.request_id.to_owned(),
        now: arrival.now(&tenant),
        ids: directory.ids(&tenant),
        base: arrival.scim_base(&tenant),
        patience: Patience::Long,
    };
    let base = scope.base.clone();
    let clock = arrival.app.settings.clock;
    let directory = Arc::clone(directory);
    let id = civitas_directory::id::issue(scope.now);
    let received = Receiving {
        arrival,
        partition: tenant.partition,
        job: &id,
        kind,
        splitter: Splitter::new(format),
        is_table: format == Format::Csv,
        heads: None,
        parts: 0,
        rows: 0,
    };
    let stored = match received.all().await {
        // A reset has taken back what was received.
        Ok(_) if !directory.is_current(tenant.partition).await? => Err(Error::Conflict.into()),
        Ok((rows, heads)) => {
            let input = json!({
                "base": base,
                "type": kind.name,
                "heads": heads.as_ref().map(Heads::paths),
            });
            let new = NewJob {
                id: Some(id.clone()),
                kind: KIND,
                input: input.to_string(),
                steps: rows,
            };
            directory.begin_job(&scope, new).await.map_err(Into::into)
        }
        Err(refusal) => Err(refusal),
    };
    let stored = match stored {
        Ok(stored) => stored,
        Err(refusal) => {
            directory.drop_job_parts(tenant.partition, &id).await?;
            return Err(refusal);
        }
    };
    let origin = base.strip_suffix(BASE).unwrap_or(&base);
    let reply = job::accepted(&stored, origin);
    job::start(&directory, tenant.as_ref().clone(), stored, clock);
    Ok(reply)
}

fn format(headers: &HeaderMap) -> Result<Format, Refusal> {
    let text = headers.get(header::CONTENT_TYPE);
    let text = text
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media = text.split(';').next().unwrap_or_default().trim();
    let is = |name: &str| media.eq_ignore_ascii_case(name);
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Refusal::UnsupportedCoding);
    }
    if is("text/csv") {
        Ok(Format::Csv)
    } else if [
        "application/x-ndjson",
        "application/jsonl",
        "application/ndjson",
    ]
    .map(is)
    .contains(&true)
    {
        Ok(Format::Lines)
    } else {
        Err(Refusal::UnsupportedMediaType { accepted: MEDIA })
    }
}

fn kind<'t>(arrival: &Arrival<'_>, types: &'t [ResourceType]) -> Result<&'t ResourceType, Refusal> {
    let query = arrival.parts.uri.query().unwrap_or_default();
    let pairs = form::pairs(query).ok_or(Refusal::MalformedQuery)?;
    let mut asked = "User";
    for (name, value) in &pairs {
        if name != "type" {
            return Err(Invalid::value(format!("there is no parameter {name}")).into());
        }
        asked = value;
    }
    let found = types.iter().find(|it| it.name == asked);
    Ok(
        found
            .ok_or_else(|| Invalid::value(format!("type: there is no resource type {asked:?}")))?,
    )
}

/// A file that arrives.
struct Receiving<'r> {
    arrival: Arrival<'r>,
    partition: Partition,
    job: &'r str,
    kind: &'r ResourceType,
    splitter: Splitter,
    is_table: bool,
    heads: Option<Heads>,
    parts: u64,
    rows: u64,
}

impl Receiving<'_> {
    /// Stores all of it. Gives its rows and its heads.
    async fn all(mut self) -> Result<(u64, Option<Heads>), Refusal> {
        let limit = self.arrival.app.settings.limits.import_bytes;
        let mut received = 0;
        while let Some(bytes) = self.arrival.body.next().await? {
            received += bytes.len();
            if received > limit {
                return Err(Refusal::TooLarge { limit });
            }
            self.take(&bytes).await?;
        }
        let last = self.splitter.finish();
        self.check_heads(true)?;
        self.store(last).await?;
        Ok((self.rows, self.heads))
    }

    async fn take(&mut self, bytes: &Bytes) -> Result<(), Refusal> {
        let cut = self.splitter.push(bytes).map_err(malformed)?;
        self.check_heads(false)?;
        self.store(cut).await
    }

    fn check_heads(&mut self, ended: bool) -> Result<(), Refusal> {
        // None at the end of the file is as good as an empty row.
        let row = self
            .splitter
            .heads()
            .or((ended && self.is_table).then_some(&[][..]));
        if let (None, Some(row)) = (&self.heads, row) {
            let heads = Heads::read(row, self.kind).map_err(malformed)?;
            let secret = |head: &String| head.eq_ignore_ascii_case("password");
            if heads.paths().iter().any(secret) {
                return Err(secret_refused());
            }
            self.heads = Some(heads);
        }
        Ok(())
    }

    async fn store(&mut self, cut: Option<Cut>) -> Result<(), Refusal> {
        let Some(cut) = cut else {
            return Ok(());
        };
        if !self.is_table && names_password(&cut.content) {
            return Err(secret_refused());
        }
        let part = Part {
            number: self.parts,
            content: cut.content,
        };
        self.parts += 1;
        self.rows += cut.rows;
        let directory = &self.arrival.app.directory;
        Ok(directory
            .add_job_part(self.partition, self.job, part)
            .await?)
    }
}

fn malformed(error: Unreadable) -> Refusal {
    Invalid::syntax(error.0).into()
}

/// Whether JSON lines name a password, which must not wait on the disk to be hashed. Looks at
/// the bytes, with letters that are escaped (RFC 8259 §7) put back, so that it also finds the
/// name in lines that are no JSON.
fn names_password(lines: &[u8]) -> bool {
    const NAME: &[u8] = br#""password""#;
    let holds = |bytes: &[u8]| {
        let mut windows = bytes.windows(NAME.len());
        windows.any(|window| window.eq_ignore_ascii_case(NAME))
    };
    holds(lines) || (lines.contains(&b'\\') && holds(&unescaped(lines)))
}

fn unescaped(lines: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(lines.len());
    let mut rest = lines;
    while let [first, after @ ..] = rest {
        let escaped = rest
            .strip_prefix(br"\u00")
            .and_then(|it| it.split_at_checked(2))
            .and_then(|(digits, after)| {
                let digits = std::str::from_utf8(digits).ok()?;
                Some((u8::from_str_radix(digits, 16).ok()?, after))
            });
        let (byte, after) = escaped.unwrap_or((*first, after));
        out.push(byte);
        rest = after;
    }
    out
}

fn secret_refused() -> Refusal {
    let why = "passwords are not imported in the background, as they would be kept in clear until \
               they are; use POST or `civitas import`";
    Invalid::value(why).into()
}

/// Does a stored import, or what is left of it, and words what came of it.
pub(crate) async fn carry_out(work: &Work) -> String {
    let import = Import::of(work);
    if let Some(result) = parts::all(work, &import).await {
        return result;
    }
    let is_created = |row: &jobs::Row| row.text.contains(r#""status":"201""#);
    let (created, failed) = parts::counted(work, is_created).await;
    json!({ "created": created, "failed": failed }).to_string()
}

/// A stored import.
struct Import<'w> {
    work: &'w Work,
    base: String,
    kind: String,
    heads: Option<Heads>,
}

impl<'w> Import<'w> {
    fn of(work: &'w Work) -> Self {
        let input: Value = serde_json::from_str(&work.job.input).unwrap_or_default();
        let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
        let heads = input["heads"].as_array().map(|heads| {
            let heads = heads.iter().filter_map(|it| it.as_str().map(str::to_owned));
            Heads::known(heads.collect())
        });
        Self {
            work,
            base: text("base"),
            kind: text("type"),
            heads,
        }
    }
}

impl Rows for Import<'_> {
    async fn part(
        &self,
        tenant: &Tenant,
        part: &Part,
        replay: &Replay,
        before: u64,
    ) -> Result<Vec<jobs::Row>, Halt> {
        let (work, name) = (self.work, &self.kind);
        let Some(kind) = tenant.catalogue.resource_type(name) else {
            let error = format!("there is no resource type {name}");
            return Err(Halt::End(json!({ "error": error }).to_string()));
        };
        let directory = &work.directory;
        let scope = work.scope(tenant, &self.base);
        let rows = rows(self.heads.as_ref(), &part.content, kind);
        let before = usize::try_from(before).unwrap_or(usize::MAX);
        let imported = directory.import_rows(&scope, kind, rows, replay, &work.progress, before);
        let imported = imported.await;
        if imported.iter().any(|(_, done)| is_down(done)) {
            return Err(Error::Overloaded.into());
        }
        let told = imported.iter().map(|it| told(it, &self.base, kind));
        Ok(told.collect())
    }
}

/// Whether a row was not created for a reason that is not its own.
fn is_down(done: &Result<String, Error>) -> bool {
    matches!(done, Err(Error::Unavailable(_)))
}

/// The rows of a part; what cannot be read is a row that fails.
fn rows(heads: Option<&Heads>, content: &[u8], kind: &ResourceType) -> Vec<Row> {
    let unreadable = |error: Unreadable| Row {
        line: 0,
        body: Err(Invalid::syntax(error.0)),
    };
    match import::part(heads, content, kind) {
        Err(error) => vec![unreadable(error)],
        Ok(rows) => rows
            .map(|row| without_password(row.unwrap_or_else(unreadable)))
            .collect(),
    }
}

/// A password that was spelled so that it got by is not stored.
fn without_password(row: Row) -> Row {
    let holds = |body: &Value| {
        let mut names = body.as_object().into_iter().flatten();
        names.any(|(name, _)| name.eq_ignore_ascii_case("password"))
    };
    match &row.body {
        Ok(body) if holds(body) => Row {
            body: Err(Invalid::value(
                "passwords are not imported in the background",
            )),
            ..row
        },
        _ => row,
    }
}

/// What came of a row, as it is kept and shown.
fn told((line, done): &Imported, base: &str, kind: &ResourceType) -> jobs::Row {
    let text = match done {
        Ok(id) => json!({
            "line": line,
            "status": "201",
            "location": format!("{base}{}/{id}", kind.endpoint),
        }),
        Err(error) => {
            let (status, message) = scim::status::message(&error.clone().into());
            let response: Value = serde_json::from_str(&message).unwrap_or_default();
            json!({ "line": line, "status": status.as_str(), "response": response })
        }
    };
    jobs::Row {
        step: *line,
        text: text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_however_it_is_spelled() {
        for lines in [
            r#"{"userName":"a","PassWord":"secret"}"#,
            r#"{"pass\u0077ord":"secret"}"#,
            r#"{"\u0050\u0041ssword":"secret""#,
        ] {
            assert!(names_password(lines.as_bytes()), "{lines}");
        }
        for lines in [
            r#"{"title":"password manager"}"#,
            r#"{"title":"\u00zzpassword\u0022"}"#,
            r"\u00",
        ] {
            assert!(!names_password(lines.as_bytes()), "{lines}");
        }
    }
}
