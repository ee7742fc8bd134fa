//! How a user that is created begins, where the client says so: by a mail, or by a link that it is
//! told.

use civitas_directory::{Change, link::Purpose};
use serde_json::Value;

use super::schema::SAP_USER;
use crate::{
    dialect::sap::{call::Call, fault::Failure, service::is_url},
    letter::{self, Letter, Linked},
    page::Activation,
};

/// The attribute with the link, which is told once.
pub(super) const URL: &str = "activationUrl";

/// What is committed with a new user: a mail where `sendMail` is true; where it is false, and the
/// user is not active, a link that is told.
pub(super) async fn begun(
    call: &Call<'_>,
    id: &str,
    body: &Value,
) -> Result<(Vec<Change>, Option<String>), Failure> {
    let Value::Object(user) = body else {
        return Ok((Vec::new(), None));
    };
    let said = |name: &str| user.get(SAP_USER).and_then(|it| it.get(name));
    let sends = said("sendMail").and_then(Value::as_bool);
    let (Some(sends), Some(email)) = (sends, letter::address(user)) else {
        return Ok((Vec::new(), None));
    };
    let language = letter::language(user);
    let target = said("targetUrl").and_then(Value::as_str);
    let about = Activation {
        email: email.clone(),
        target: target.filter(|it| sends && is_url(it)).map(str::to_owned),
        language: language.clone(),
        ..Activation::default()
    };
    let linked = Linked {
        purpose: Purpose::Activation,
        subject: id,
        content: &about,
    };
    if sends {
        let letter = Letter {
            to: &email,
            language: language.as_deref(),
            name: letter::called(user),
            ..Letter::default()
        };
        return Ok((letter::write(call.desk(), &linked, &letter).await?, None));
    }
    if user.get("active") == Some(&Value::Bool(true)) {
        return Ok((Vec::new(), None));
    }
    let (issued, url) = letter::link(call.desk(), &linked)?;
    Ok((vec![issued], Some(url)))
}
