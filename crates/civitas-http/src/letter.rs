//! Letters with links, as mails that are committed with what they tell of.

use civitas_directory::{
    Change, Directory, Error, NewLink, Scope, Tenant, Timestamp, credential::HOUR_MS, link::Purpose,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::page::Page;

/// Hours after which they are told as days.
const HOURS_OF_DAYS: u32 = 48;

/// For whom letters are written: the circumstances of a request.
#[derive(Clone, Copy)]
pub(crate) struct Desk<'d> {
    pub(crate) directory: &'d Directory,
    pub(crate) tenant: &'d Tenant,
    pub(crate) scope: &'d Scope,
    /// Scheme and authority of URLs that are issued.
    pub(crate) origin: &'d str,
}

/// What a letter says besides its link.
#[derive(Default)]
pub(crate) struct Letter<'l> {
    pub(crate) to: &'l str,
    pub(crate) language: Option<&'l str>,
    /// Whom it is written to.
    pub(crate) name: String,
    pub(crate) inviter: &'l str,
    pub(crate) application: &'l str,
    /// A page about the application.
    pub(crate) source: Option<&'l str>,
    pub(crate) header: Option<&'l str>,
    pub(crate) footer: Option<&'l str>,
}

/// A link of a purpose: whom it is about, and what its page is to know.
pub(crate) struct Linked<'l, C> {
    pub(crate) purpose: Purpose,
    pub(crate) subject: &'l str,
    pub(crate) content: &'l C,
}

/// A link as a change, and where it leads.
pub(crate) fn link<C: Serialize>(
    desk: Desk<'_>,
    linked: &Linked<'_, C>,
) -> Result<(Change, String), Error> {
    let hours = hours(desk, linked.purpose);
    let lasts = i64::from(hours) * HOUR_MS;
    let content = serde_json::to_string(linked.content);
    let (change, token) = desk.directory.link(NewLink {
        purpose: linked.purpose,
        subject: linked.subject.to_owned(),
        content: content.map_err(|error| Error::Unavailable(error.to_string()))?,
        expires: Timestamp(desk.scope.now.0.saturating_add(lasts)),
    })?;
    let page = match linked.purpose {
        Purpose::Invitation => Page::Invitation,
        Purpose::Activation => Page::Activation,
        Purpose::Reset => Page::Password,
        Purpose::Device => Page::Device,
    };
    Ok((change, page.url(desk.origin, &token)))
}

/// A link and the letter that tells it.
pub(crate) async fn write<C: Serialize>(
    desk: Desk<'_>,
    linked: &Linked<'_, C>,
    letter: &Letter<'_>,
) -> Result<Vec<Change>, Error> {
    let directory = desk.directory;
    directory.check_mail()?;
    let (issued, url) = link(desk, linked)?;
    let hours = hours(desk, linked.purpose);
    let days = (hours >= HOURS_OF_DAYS).then_some(hours / 24);
    let wording = directory.wording(desk.scope, letter.language).await?;
    let words = [
        ("inviter", letter.inviter),
        ("application", letter.application),
        ("name", letter.name.as_str()),
    ];
    let about = json!({
        "purpose": linked.purpose.name(),
        "link": url,
        "name": letter.name,
        "inviter": letter.inviter,
        "application": letter.application,
        "source": letter.source,
        "header": letter.header,
        "footer": letter.footer,
        "hours": hours,
        "days": days,
    });
    let written = wording.letter(linked.purpose, letter.to, &words, &about);
    let written = written.map_err(|error| Error::Unavailable(format!("a letter: {error}")))?;
    Ok(vec![issued, directory.mail(desk.scope, &written)?])
}

/// For how many hours a link is good.
fn hours(desk: Desk<'_>, purpose: Purpose) -> u32 {
    let settings = &desk.tenant.settings;
    match purpose {
        Purpose::Invitation | Purpose::Activation => settings.invitation_link_hours(),
        Purpose::Reset => settings.reset_link_hours(),
        Purpose::Device => 1,
    }
}

/// What a user is called in a letter.
pub(crate) fn called(user: &civitas_scim::Attributes) -> String {
    let part = |name: &str| user.get("name").and_then(|it| it.get(name)?.as_str());
    let name = [part("givenName"), part("familyName")];
    let name: Vec<&str> = name.into_iter().flatten().collect();
    name.join(" ")
}

/// The primary address of a user.
pub(crate) fn address(user: &civitas_scim::Attributes) -> Option<String> {
    let emails = user.get("emails")?.as_array()?;
    let primary = emails.iter().find(|it| it["primary"] == true);
    let value = primary
        .or(emails.last())?
        .get("value")
        .and_then(Value::as_str);
    value.filter(|it| !it.is_empty()).map(str::to_owned)
}

/// The language that a user is written to in.
pub(crate) fn language(user: &civitas_scim::Attributes) -> Option<String> {
    let names = ["locale", "preferredLanguage"].iter();
    let mut texts = names.filter_map(|it| user.get(*it).and_then(Value::as_str));
    texts.next().map(str::to_owned)
}
