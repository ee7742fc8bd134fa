//! Somebody who has followed a link.

use std::collections::HashMap;

use civitas_directory::{
    Caller, Error, Scope, Tenant,
    credential::Policy,
    link::{Link, Purpose, Token},
    wording::Wording,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::de::DeserializeOwned;

use super::{Page, content::Spoken, form::Refused, view};
use crate::{
    app::Surface, cookie, door::Arrival, form, negotiation::check_form_content, refusal::Refusal,
    reply::Reply,
};

const COOKIE: &str = "civitas_form";

/// Fields of a form by name.
pub(super) type Fields = HashMap<String, String>;

/// A request for a page whose link is good.
pub(crate) struct Visit<'r> {
    pub(crate) app: &'r Surface,
    pub(crate) tenant: &'r Tenant,
    pub(crate) scope: Scope,
    /// Scheme and authority of URLs that are issued.
    pub(crate) origin: String,
    pub(crate) method: &'r Method,
    pub(crate) headers: &'r HeaderMap,
    pub(super) wording: Wording,
    pub(super) link: Link,
    pub(super) token: String,
    /// What was sent; `None` where the page is only opened.
    pub(super) sent: Option<Fields>,
    page: Page,
    cookie: Option<String>,
}

/// What comes of following a link.
pub(super) enum Opened<'r> {
    Visit(Box<Visit<'r>>),
    /// The page that says that the link is no longer good.
    Spent(Reply),
}

impl<'r> Visit<'r> {
    pub(super) async fn begin(
        arrival: Arrival<'r>,
        tenant: &'r Tenant,
        page: Page,
    ) -> Result<Opened<'r>, Refusal> {
        let (app, parts) = (arrival.app, arrival.parts);
        let origin = arrival.origin(tenant);
        let scope = scope(&arrival, tenant, page);
        let sent = if parts.method == Method::POST {
            check_form_content(&parts.headers)?;
            let body = arrival.body.read().await?;
            let text = std::str::from_utf8(&body).ok();
            let pairs = text.and_then(form::pairs).ok_or(Refusal::MalformedQuery)?;
            let pairs = pairs.into_iter();
            let owned = pairs.map(|(name, value)| (name.into_owned(), value.into_owned()));
            Some(owned.collect::<Fields>())
        } else {
            None
        };
        let token = match &sent {
            Some(fields) => fields.get("token").cloned().unwrap_or_default(),
            None => queried(parts.uri.query().unwrap_or_default())?,
        };
        let directory = &app.directory;
        let followed = directory.followed(&scope, purpose(page), &token).await;
        let link = match followed {
            Ok(link) => link,
            Err(Error::Spent) => {
                let asked = preferred(&parts.headers);
                let wording = directory.wording(&scope, asked.as_deref()).await?;
                return Ok(Opened::Spent(view::spent(&wording)?));
            }
            Err(error) => return Err(error.into()),
        };
        let spoken: Option<Spoken> = serde_json::from_str(&link.content).ok();
        let language = spoken.and_then(|it| it.language);
        let language = language.or_else(|| preferred(&parts.headers));
        let wording = directory.wording(&scope, language.as_deref()).await?;
        Ok(Opened::Visit(Box::new(Self {
            cookie: given(&parts.headers),
            method: &parts.method,
            headers: &parts.headers,
            app,
            tenant,
            scope,
            origin,
            wording,
            link,
            token,
            sent,
            page,
        })))
    }

    /// What the link is about.
    pub(super) fn content<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        let content = serde_json::from_str(&self.link.content);
        content
            .map_err(|_| Error::Unavailable("the content of a link is not readable".into()).into())
    }

    /// The path that the form is sent to.
    pub(super) const fn path(&self) -> &'static str {
        self.page.path()
    }

    /// Whether what was sent comes from a form that was given out to the one who sends it.
    pub(super) fn is_own(&self, fields: &Fields) -> bool {
        let (Some(cookie), Some(form)) = (&self.cookie, fields.get("form")) else {
            return false;
        };
        let directory = &self.app.directory;
        directory.is_form(&[cookie, &self.link.id], form)
    }

    /// What the form is to be sent with: the cookie, and the text for it.
    pub(super) fn given_out(&self) -> Result<(String, String), Refused> {
        let cookie = match &self.cookie {
            Some(cookie) => cookie.clone(),
            None => Token::issue().map_err(Error::Unavailable)?.id,
        };
        let form = self.app.directory.seal_form(&[&cookie, &self.link.id])?;
        Ok((cookie, form))
    }

    /// The answer with the cookie, which no other site sends along.
    pub(super) fn with_cookie(&self, reply: Reply, cookie: &str) -> Reply {
        let secure = if self.origin.starts_with("https:") {
            "; Secure"
        } else {
            ""
        };
        let set = format!(
            "{COOKIE}={cookie}; Path=/ids; HttpOnly; SameSite=Strict; Max-Age=3600{secure}"
        );
        match HeaderValue::try_from(set) {
            Ok(set) => reply.with(header::SET_COOKIE, set),
            Err(_) => reply,
        }
    }

    pub(super) fn spent(&self) -> Result<Reply, Refusal> {
        view::spent(&self.wording)
    }

    /// A page of what was done.
    pub(super) fn done(&self, done: &view::Done<'_>) -> Result<Reply, Refused> {
        Ok(view::done(&self.wording, done)?)
    }

    /// The rules for passwords.
    pub(super) fn policy(&self) -> Policy {
        self.scope.password_policy.unwrap_or(Policy::STANDARD)
    }
}

/// Whoever has the link acts by it.
fn scope(arrival: &Arrival<'_>, tenant: &Tenant, page: Page) -> Scope {
    let mut scope = arrival.scope(tenant, &Caller::nobody());
    scope.actor = format!("link:{}", purpose(page).name());
    scope.password_policy.get_or_insert(Policy::STANDARD);
    scope
}

const fn purpose(page: Page) -> Purpose {
    match page {
        Page::Invitation => Purpose::Invitation,
        Page::Activation => Purpose::Activation,
        Page::Password => Purpose::Reset,
        Page::Device | Page::Style => Purpose::Device,
    }
}

fn queried(query: &str) -> Result<String, Refusal> {
    let pairs = form::pairs(query).ok_or(Refusal::MalformedQuery)?;
    let mut pairs = pairs.into_iter();
    let token = pairs.find(|(name, _)| name == "token");
    Ok(token
        .map(|(_, token)| token.into_owned())
        .unwrap_or_default())
}

/// The cookie, if it is of the form that is given out.
fn given(headers: &HeaderMap) -> Option<String> {
    let found = cookie::shown(headers, COOKIE)?;
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"-_".contains(&it);
    let is_sane = (16..=64).contains(&found.len()) && found.bytes().all(is_plain);
    is_sane.then(|| found.to_owned())
}

/// The language that a browser asks for first.
fn preferred(headers: &HeaderMap) -> Option<String> {
    let asked = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let first = asked.split([',', ';']).next()?.trim();
    let parts: Vec<&str> = first.split('-').collect();
    let region = parts.last().filter(|it| parts.len() > 1 && it.len() == 2);
    Some(match (parts.first()?, region) {
        (language, Some(region)) => format!("{language}-{region}"),
        (language, None) => (*language).to_owned(),
    })
}

/// The status of a form that has to be corrected.
pub(super) const CORRECT: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
