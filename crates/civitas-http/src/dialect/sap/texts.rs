//! Tenant texts and master data texts: `/service/resource`. What a tenant has in place of the
//! predefined texts, by type and language; the predefined ones are not told.

mod markup;

use civitas_directory::{Outcome, text::MAX_TEXT_BYTES, text::TextSet, wording};
use civitas_scim::json;
use http::{HeaderValue, Method, StatusCode};
use serde_json::Value;

use super::{
    call::Call,
    fault::{Failure, Fault},
    place::Place,
};
use crate::{refusal::Refusal, reply::Reply};

/// What is told of master data that has none.
const NOTHING: &str = "Resource not found for scenario";

/// The only set.
const SET: &str = "SAP_DEFAULT";

/// The media type of all texts.
const MEDIA: &str = "text/html;charset=UTF-8";

/// Most sets in a request.
const MOST_SETS: usize = 64;

const BUNDLE: &str = "RESOURCE_I18N_BUNDLE";

/// Types of master data, by the name of their list.
pub(super) const MASTER: [(&str, &str); 7] = [
    ("RESOURCE_MD_SALUTATIONS", "salutations"),
    ("RESOURCE_MD_FUNCTIONS", "functions"),
    ("RESOURCE_MD_DEPARTMENTS", "departments"),
    ("RESOURCE_MD_RELATIONSHIPS", "relationships"),
    ("RESOURCE_MD_INDUSTRIES", "industries"),
    ("RESOURCE_MD_LANGUAGES", "languages"),
    ("RESOURCE_MD_COUNTRIES", "countries"),
];

const LOCALES: [&str; 45] = [
    "ar", "bg", "ca", "zh_CN", "zh_TW", "hr", "cs", "da", "nl", "en", "en_GB", "en_US", "et", "fi",
    "fr", "fr_CA", "de", "el", "iw", "hu", "it", "ja", "ko", "lv", "lt", "ms", "no", "pl", "pt",
    "pt_BR", "ro", "ru", "sr", "sk", "sl", "es", "es_MX", "sv", "th", "tr", "uk", "vi", "cy", "hi",
    "id",
];

const MASTER_LOCALES: [&str; 15] = [
    "zh_CN", "nl", "en", "fr", "de", "iw", "it", "ja", "ko", "pl", "pt", "ru", "es", "cy", "sv",
];

/// What a request is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Texts,
    Master(&'static str),
}

impl Type {
    fn named(name: &str) -> Option<Self> {
        if name == BUNDLE {
            return Some(Self::Texts);
        }
        let mut known = MASTER.iter();
        known
            .find(|(it, _)| *it == name)
            .map(|(_, list)| Self::Master(list))
    }

    /// The kind of its sets.
    fn kind(self) -> String {
        match self {
            Self::Texts => wording::TEXTS.to_owned(),
            Self::Master(list) => master_kind(list),
        }
    }

    fn has(self, locale: &str) -> bool {
        match self {
            Self::Texts => LOCALES.contains(&locale),
            Self::Master(_) => MASTER_LOCALES.contains(&locale),
        }
    }
}

/// The kind of the sets of a list of master data.
pub(super) fn master_kind(list: &str) -> String {
    format!("master/{list}")
}

pub(super) async fn answer(call: &Call<'_>, place: &Place<'_>) -> Result<Reply, Failure> {
    match place {
        Place::TextSet if *call.method == Method::POST => set(call).await,
        _ => get(call).await,
    }
}

async fn get(call: &Call<'_>) -> Result<Reply, Failure> {
    let given = |name| call.parameter(name).filter(|it| !it.is_empty());
    let kind = given("resourceType").and_then(Type::named);
    let kind = kind.ok_or_else(|| Fault::plain(""))?;
    let locale = given("locale").filter(|it| kind.has(it));
    let locale = locale.ok_or_else(|| Fault::plain(""))?;
    if given("setId").is_some_and(|it| it != SET) {
        return Err(Fault::plain("").into());
    }
    let partition = call.scope.partition;
    let of = kind.kind();
    let found = call.directory().text(partition, &of, locale);
    let Some(found) = found.await? else {
        let detail = match kind {
            Type::Texts => "",
            Type::Master(_) => NOTHING,
        };
        return Err(Fault::new(Outcome::NotFound, detail).into());
    };
    let media = HeaderValue::try_from(&found.media);
    let media = media.unwrap_or(HeaderValue::from_static(MEDIA));
    Ok(Reply::new(StatusCode::OK, media, found.content))
}

async fn set(call: &Call<'_>) -> Result<Reply, Failure> {
    let parsed = json::parse(&call.body, &json::Limits::default());
    let Ok(Value::Array(sent)) = parsed else {
        return Err(Fault::unreadable().into());
    };
    if sent.is_empty() || sent.len() > MOST_SETS {
        return Err(Fault::plain("").into());
    }
    let sets = sent.iter().map(read).collect::<Option<Vec<TextSet>>>();
    let sets = sets.ok_or_else(|| Fault::plain(""))?;
    let directory = call.directory();
    directory.set_texts(call.scope.partition, &sets).await?;
    Ok(Reply::empty(StatusCode::OK))
}

/// A set as it is sent; `None` of what is none.
fn read(sent: &Value) -> Option<TextSet> {
    let text = |name: &str| sent.get(name).and_then(Value::as_str);
    let kind = Type::named(text("resourceType")?)?;
    let locale = text("locale").filter(|it| kind.has(it))?;
    let media = text("contentType").filter(|it| is_html(it))?;
    let data = text("data").filter(|it| it.len() <= MAX_TEXT_BYTES)?;
    let pairs = wording::parse_properties(data).ok()?;
    if !pairs.values().all(|it| markup::is_allowed(it)) {
        return None;
    }
    Some(TextSet {
        kind: kind.kind(),
        locale: locale.to_owned(),
        media: media.to_owned(),
        content: if data.trim().is_empty() {
            String::new()
        } else {
            data.to_owned()
        },
    })
}

/// `text/html;charset=UTF-8`, with whatever blanks and capitals.
fn is_html(media: &str) -> bool {
    let plain: String = media.chars().filter(|it| !it.is_whitespace()).collect();
    plain.eq_ignore_ascii_case(MEDIA) && media.is_ascii()
}

/// The requests of this API that come to nothing before they are read.
pub(super) fn check(method: &Method, headers: &http::HeaderMap) -> Result<(), Refusal> {
    if *method == Method::POST {
        super::media::check_content(headers, "application/json")?;
    }
    Ok(())
}
