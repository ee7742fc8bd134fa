//! A device that makes one-time codes.

use civitas_directory::{
    Change, Error, NewLink, Timestamp,
    credential::{HOUR_MS, totp},
    link::Purpose,
};

use super::{
    Page,
    content::Device,
    form::{Form, Refused},
    picture,
    view::Done,
    visit::Visit,
};
use crate::{qr::escaped, reply::Reply};

/// What names secrets of devices that are not set up yet.
const SECRET: &str = "device";

/// What apps name the account's issuer where there is no application.
const ISSUER: &str = "Civitas";

pub(super) async fn answer(visit: &Visit<'_>) -> Result<Reply, Refused> {
    let about: Device = visit.content()?;
    let directory = &visit.app.directory;
    let opened = directory.open_secret(&visit.scope, SECRET, &about.secret);
    let secret = opened.ok_or_else(|| Error::Unavailable("a secret does not open".into()))?;
    let key = totp::encode_secret(&secret);
    let mut form = Form::new(visit, "device").with(visit, ("code", "code", "one-time-code"), None);
    form.picture = picture::of(&address(&about, &key));
    form.key = Some(spaced(&key));
    let Some(fields) = form.own(visit) else {
        return form.shown(visit);
    };
    let code = fields.get("code").map(|it| it.trim()).unwrap_or_default();
    let user = &visit.link.subject;
    let enrolled = directory.enrol_device(&visit.scope, user, &secret, code, &visit.link);
    match enrolled.await {
        Ok(true) => {}
        Ok(false) => {
            form.mistake(visit, "code", "code", &[]);
            return form.shown(visit);
        }
        Err(Error::NotFound { .. }) => return Err(Refused::Spent),
        Err(error) => return Err(error.into()),
    }
    visit.done(&Done {
        title: visit.wording.line("page.device.title", &[]),
        text: visit.wording.line("page.device.done", &[]),
        target: about.target.as_deref(),
        application: about.application.as_deref(),
        ..Done::default()
    })
}

/// A link that leads to setting up a device, as a change and where it leads, for a user that has
/// none.
pub(super) async fn offer(
    visit: &Visit<'_>,
    user: &str,
    account: &str,
    (application, target): (Option<&str>, Option<&str>),
) -> Result<(Vec<Change>, Option<String>), Refused> {
    let directory = &visit.app.directory;
    let credential = directory.credential(&visit.scope, user).await?;
    if credential.totp.is_some() {
        return Ok((Vec::new(), None));
    }
    let secret = totp::new_secret().map_err(Error::Unavailable)?;
    let about = Device {
        secret: directory.close_secret(&visit.scope, SECRET, &secret)?,
        account: account.to_owned(),
        application: application.map(str::to_owned),
        target: target.map(str::to_owned),
        language: Some(visit.wording.tag()),
    };
    let content = serde_json::to_string(&about);
    let (change, token) = directory.link(NewLink {
        purpose: Purpose::Device,
        subject: user.to_owned(),
        content: content.map_err(|error| Error::Unavailable(error.to_string()))?,
        expires: Timestamp(visit.scope.now.0.saturating_add(HOUR_MS)),
    })?;
    let url = Page::Device.url(&visit.origin, &token);
    Ok((vec![change], Some(url)))
}

/// The address that authenticator apps read.
fn address(about: &Device, key: &str) -> String {
    let issuer = escaped(about.application.as_deref().unwrap_or(ISSUER));
    let account = escaped(&about.account);
    format!("otpauth://totp/{issuer}:{account}?secret={key}&issuer={issuer}")
}

/// Four letters at a time, as people read them.
fn spaced(key: &str) -> String {
    let mut spaced = String::with_capacity(key.len() * 5 / 4);
    for (number, letter) in key.chars().enumerate() {
        if number > 0 && number % 4 == 0 {
            spaced.push(' ');
        }
        spaced.push(letter);
    }
    spaced
}
