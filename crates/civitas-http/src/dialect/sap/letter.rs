//! Letters with links, as mails that are committed with what they tell of.

use civitas_directory::{Change, Error, NewLink, Timestamp, credential::HOUR_MS, link::Purpose};
use serde::Serialize;
use serde_json::{Value, json};

use super::{call::Call, fault::Failure, identity::object};
use crate::page::Page;

/// Hours after which they are told as days.
const HOURS_OF_DAYS: u32 = 48;

/// What a letter says besides its link.
#[derive(Default)]
pub(super) struct Letter<'l> {
    pub(super) to: &'l str,
    pub(super) language: Option<&'l str>,
    /// Whom it is written to.
    pub(super) name: String,
    pub(super) inviter: &'l str,
    pub(super) application: &'l str,
    /// A page about the application.
    pub(super) source: Option<&'l str>,
    pub(super) header: Option<&'l str>,
    pub(super) footer: Option<&'l str>,
}

/// A link of a purpose: whom it is about, and what its page is to know.
pub(super) struct Linked<'l, C> {
    pub(super) purpose: Purpose,
    pub(super) subject: &'l str,
    pub(super) content: &'l C,
}

/// A link as a change, and where it leads.
pub(super) fn link<C: Serialize>(
    call: &Call<'_>,
    linked: &Linked<'_, C>,
) -> Result<(Change, String), Failure> {
    let hours = hours(call, linked.purpose);
    let lasts = i64::from(hours) * HOUR_MS;
    let content = serde_json::to_string(linked.content);
    let (change, token) = call.directory().link(NewLink {
        purpose: linked.purpose,
        subject: linked.subject.to_owned(),
        content: content.map_err(|error| Error::Unavailable(error.to_string()))?,
        expires: Timestamp(call.scope.now.0.saturating_add(lasts)),
    })?;
    let page = match linked.purpose {
        Purpose::Invitation => Page::Invitation,
        Purpose::Activation => Page::Activation,
        Purpose::Reset => Page::Password,
        Purpose::Device => Page::Device,
    };
    Ok((change, page.url(&call.origin, &token)))
}

/// A link and the letter that tells it.
pub(super) async fn write<C: Serialize>(
    call: &Call<'_>,
    linked: &Linked<'_, C>,
    letter: &Letter<'_>,
) -> Result<Vec<Change>, Failure> {
    let directory = call.directory();
    directory.check_mail()?;
    let (issued, url) = link(call, linked)?;
    let hours = hours(call, linked.purpose);
    let days = (hours >= HOURS_OF_DAYS).then_some(hours / 24);
    let wording = directory.wording(&call.scope, letter.language).await?;
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
    Ok(vec![issued, directory.mail(&call.scope, &written)?])
}

/// For how many hours a link is good.
fn hours(call: &Call<'_>, purpose: Purpose) -> u32 {
    let settings = &call.tenant.settings;
    match purpose {
        Purpose::Invitation | Purpose::Activation => settings.invitation_link_hours(),
        Purpose::Reset => settings.reset_link_hours(),
        Purpose::Device => 1,
    }
}

/// What a user is called in a letter.
pub(super) fn called(user: &civitas_scim::Attributes) -> String {
    let part = |name: &str| user.get("name").and_then(|it| it.get(name)?.as_str());
    let name = [part("givenName"), part("familyName")];
    let name: Vec<&str> = name.into_iter().flatten().collect();
    name.join(" ")
}

/// The primary address of a user.
pub(super) fn address(user: &civitas_scim::Attributes) -> Option<String> {
    let emails = user.get("emails");
    let primary = object::primary(emails);
    let last = emails.and_then(|it| it.as_array()?.last());
    let value = primary.or(last)?.get("value").and_then(Value::as_str);
    value.filter(|it| !it.is_empty()).map(str::to_owned)
}

/// The language that a user is written to in.
pub(super) fn language(user: &civitas_scim::Attributes) -> Option<String> {
    let names = ["locale", "preferredLanguage"].iter();
    let mut texts = names.filter_map(|it| user.get(*it).and_then(Value::as_str));
    texts.next().map(str::to_owned)
}
