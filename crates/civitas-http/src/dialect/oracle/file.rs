//! `/storage/v1/Files`: files that imports read and exports write.

use std::convert::Infallible;

use civitas_directory::{
    Error, Outcome,
    file::{File, MAX_FILE, MAX_FILE_NAME},
    import,
};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};

use super::{
    call::Call,
    fault::{Failure, Fault},
    job::{is_secret, stamp},
    search, status,
};
use crate::{refusal::Refusal, reply::Reply};

/// Largest body: a file, and what stands around it.
pub(super) const MAX_BODY: usize = MAX_FILE + 64 * 1024;

/// What files are.
const CSV: HeaderValue = HeaderValue::from_static("text/csv");

const TYPE: &str = "File";

/// Answers a request.
pub(super) async fn answer(call: &Call<'_>) -> Result<Reply, Failure> {
    match (call.method, call.parameters.file_name.clone()) {
        (&Method::POST, _) => upload(call).await,
        (&Method::DELETE, None) => Err(Fault::missing(&["fileName".to_owned()]).into()),
        (&Method::DELETE, Some(name)) => {
            let dropped = call.directory().drop_file(&call.scope, &name).await;
            dropped.map_err(|error| told(error, &name))?;
            Ok(Reply::empty(status::of(Outcome::Done)))
        }
        (_, None) => {
            let files = call.directory().files(&call.scope).await?;
            let files: Vec<Value> = files.iter().map(|it| shown(call, it)).collect();
            let total = files.len();
            Ok(search::answer(&files, total as u64, 1, total, None))
        }
        (_, Some(name)) => {
            // Few at a time are held in memory to be sent.
            let _turn = call.directory().bulk_turn(&call.scope).await?;
            let found = call.directory().file(&call.scope, &name).await;
            let (_, content) = found.map_err(|error| told(error, &name))?;
            Ok(Reply::new(status::of(Outcome::Answered), CSV, content))
        }
    }
}

fn told(error: Error, name: &str) -> Failure {
    match error {
        Error::NotFound { .. } => Fault::no_such(TYPE, name).into(),
        other => other.into(),
    }
}

/// The URL of a file.
pub(super) fn url(origin: &str, name: &str) -> String {
    let mut url = format!("{origin}/storage/v1/Files?fileName=");
    for byte in name.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        if is_plain {
            url.push(char::from(byte));
        } else {
            url.extend(format!("%{byte:02X}").chars());
        }
    }
    url
}

fn shown(call: &Call<'_>, file: &File) -> Value {
    json!({
        "fileName": file.name,
        "fileUrl": url(&call.origin, &file.name),
        "contentType": "text/csv",
        "size": file.size,
        "isPublic": false,
        "created": file.created.to_string(),
    })
}

/// What a client sends.
#[derive(Default)]
struct Sent {
    name: Option<String>,
    content: Option<bytes::Bytes>,
    is_public: bool,
}

async fn upload(call: &Call<'_>) -> Result<Reply, Failure> {
    let sent = read(call).await?;
    if sent.is_public {
        // What is imported is nobody else's to read.
        let detail = "Files cannot be public: isPublic must be false.";
        return Err(invalid(detail).into());
    }
    let missing = |name: &str| Fault::missing(&[name.to_owned()]);
    let content = sent.content.ok_or_else(|| missing("file"))?;
    let name = sent.name.ok_or_else(|| missing("fileName"))?;
    check_name(&name)?;
    if content.len() > MAX_FILE {
        return Err(Refusal::TooLarge { limit: MAX_FILE }.into());
    }
    if heads(&content).iter().any(|it| is_secret(it)) {
        let detail = "The file has a column of passwords, which would be kept in clear.";
        return Err(invalid(detail).into());
    }
    call.directory().check_room_for_file(&call.scope).await?;
    let name = format!("{}{name}", stamp(call.scope.now));
    // Whoever sends the same file again means the newer one.
    match call.directory().drop_file(&call.scope, &name).await {
        Ok(()) | Err(Error::NotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let kept = call
        .directory()
        .keep_file(&call.scope, &name, String::new(), content.to_vec());
    let file = kept.await?;
    let reply = Call::answer(Outcome::Created, &shown(call, &file));
    Ok(match HeaderValue::try_from(url(&call.origin, &file.name)) {
        Ok(location) => reply.with(header::LOCATION, location),
        Err(_) => reply,
    })
}

/// A file comes in a form.
pub(super) fn check_content(headers: &HeaderMap) -> Result<(), Refusal> {
    if boundary(headers).is_ok() {
        return Ok(());
    }
    Err(Refusal::UnsupportedMediaType {
        accepted: "multipart/form-data",
    })
}

fn boundary(headers: &HeaderMap) -> Result<String, multer::Error> {
    let field = headers.get(header::CONTENT_TYPE);
    multer::parse_boundary(field.and_then(|it| it.to_str().ok()).unwrap_or_default())
}

fn invalid(detail: &str) -> Fault {
    Fault::invalid("error.common.validation.invalidValue", detail)
}

/// A name is one segment of a path.
fn check_name(name: &str) -> Result<(), Fault> {
    let is_plain = |it: char| !it.is_control() && !['/', '\\'].contains(&it);
    if name.is_empty() || name.len() > MAX_FILE_NAME / 2 || !name.chars().all(is_plain) {
        return Err(invalid("The fileName is no name of a file."));
    }
    Ok(())
}

/// The cells of the first row, if there is one that can be read.
fn heads(content: &[u8]) -> Vec<String> {
    import::first(content).unwrap_or_default()
}

/// The parts of a form (RFC 7578).
async fn read(call: &Call<'_>) -> Result<Sent, Fault> {
    let malformed =
        |error: multer::Error| Fault::payload(format!("The form is malformed: {error}."));
    let boundary = boundary(call.headers).map_err(malformed)?;
    let body = stream::iter([Ok::<_, Infallible>(call.body.clone())]);
    let mut form = multer::Multipart::new(body, boundary);
    let mut sent = Sent::default();
    while let Some(part) = form.next_field().await.map_err(malformed)? {
        let file_name = part.file_name().map(str::to_owned);
        match part.name().unwrap_or_default() {
            "file" => {
                sent.name = sent.name.or(file_name);
                sent.content = Some(part.bytes().await.map_err(malformed)?);
            }
            "fileName" => sent.name = Some(part.text().await.map_err(malformed)?),
            "isPublic" => {
                let text = part.text().await.map_err(malformed)?;
                sent.is_public = text.trim().eq_ignore_ascii_case("true");
            }
            _ => {}
        }
    }
    Ok(sent)
}
