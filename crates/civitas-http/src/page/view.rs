//! Pages as HTML, with what every page tells browsers.

use civitas_directory::{Error, wording::Wording};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::json;

use super::form::Form;
use crate::{refusal::Refusal, reply::Reply};

const SOURCES: [(&str, &str); 3] = [
    ("frame.html", include_str!("frame.html")),
    ("form.html", include_str!("form.html")),
    ("done.html", include_str!("done.html")),
];

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// No scripts, nothing from elsewhere, no frames, and forms to this server alone.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'",
);

/// A form with what it is sent with.
#[derive(Serialize)]
pub(super) struct Asked<'v> {
    pub(super) path: &'static str,
    pub(super) token: &'v str,
    pub(super) form: &'v str,
    #[serde(flatten)]
    pub(super) content: &'v Form,
}

/// What is said when something was done.
#[derive(Serialize, Default)]
pub(super) struct Done<'v> {
    pub(super) title: String,
    pub(super) text: String,
    /// Where one-time codes are set up.
    pub(super) device: Option<String>,
    pub(super) target: Option<&'v str>,
    pub(super) application: Option<&'v str>,
}

pub(super) fn form(
    wording: &Wording,
    page: &Asked<'_>,
    status: StatusCode,
) -> Result<Reply, Refusal> {
    rendered(wording, "form.html", page, status)
}

pub(super) fn done(wording: &Wording, done: &Done<'_>) -> Result<Reply, Refusal> {
    rendered(wording, "done.html", done, StatusCode::OK)
}

/// The page of a link that is no longer good.
pub(super) fn spent(wording: &Wording) -> Result<Reply, Refusal> {
    let about = json!({
        "title": wording.line("page.spent.title", &[]),
        "text": wording.line("page.spent.intro", &[]),
    });
    rendered(wording, "done.html", &about, StatusCode::GONE)
}

fn rendered(
    wording: &Wording,
    name: &str,
    about: &impl Serialize,
    status: StatusCode,
) -> Result<Reply, Refusal> {
    let page = wording.page(&SOURCES, name, about);
    let page = page.map_err(|error| Error::Unavailable(format!("{name}: {error}")))?;
    // The address has the token of the link in it, which is nobody's business.
    let silent = HeaderValue::from_static("no-referrer");
    let none = HeaderValue::from_static("none");
    let deny = HeaderValue::from_static("DENY");
    Ok(Reply::new(status, HTML, page)
        .with(header::CONTENT_SECURITY_POLICY, POLICY)
        .with(header::REFERRER_POLICY, silent)
        .with(header::X_FRAME_OPTIONS, deny)
        .with(HeaderName::from_static("x-robots-tag"), none))
}
