//! Invitation: `POST /cps/invite`. Who is invited is written to, and registers by the link.

use civitas_directory::{Outcome, link::Purpose, store::Want};
use http::StatusCode;
use serde_json::{Map, Value};

use super::{object, refused};
use crate::{
    dialect::sap::{call::Call, fault::Failure, identity::rules, number},
    letter::{self, Letter, Linked},
    page::Invitation,
    reply::Reply,
};

/// Most characters of texts that are put into the mail, and of everything else.
const MOST_TEXT: usize = 4_096;
const MOST_CHARS: usize = 1_024;

/// What an invitation is sent with.
const TEXTS: [(&str, usize); 10] = [
    ("inviteeEmail", MOST_CHARS),
    ("inviteeUserId", MOST_CHARS),
    ("inviterName", MOST_CHARS),
    ("targetUrl", MOST_CHARS),
    ("sourceUrl", MOST_CHARS),
    ("inviteeFirstName", MOST_CHARS),
    ("inviteeLastName", MOST_CHARS),
    ("headerText", MOST_TEXT),
    ("footerText", MOST_TEXT),
    ("language", MOST_CHARS),
];

pub(super) async fn invite(call: &Call<'_>) -> Result<Reply, Failure> {
    let body = object(call)?;
    check(&body)?;
    let of = |name: &str| {
        let text = body.get(name).and_then(Value::as_str);
        text.map(str::trim).filter(|it| !it.is_empty())
    };
    let application = call.caller.application.as_ref();
    let home = application.and_then(|it| it.home.as_deref());
    let url = |name: &str| {
        let url = of(name).or(home).filter(|it| is_url(it));
        url.ok_or_else(incorrect)
    };
    let inviter = of("inviterName").ok_or_else(incorrect)?;
    let (target, source) = (url("targetUrl")?, url("sourceUrl")?);
    let email = match (of("inviteeEmail"), of("inviteeUserId")) {
        (Some(email), None) if rules::is_address(email) => email.to_owned(),
        (Some(_), None) => return Err(no_address()),
        (None, Some(id)) => address_of(call, id).await?,
        (Some(_), Some(_)) | (None, None) => return Err(incorrect()),
    };
    let client = &call.caller.client_id;
    let name = application.map_or(client.as_str(), |it| it.name.as_str());
    let invitation = Invitation {
        client: client.clone(),
        application: name.to_owned(),
        inviter: inviter.to_owned(),
        email,
        first_name: of("inviteeFirstName").map(str::to_owned),
        last_name: of("inviteeLastName").map(str::to_owned),
        target: target.to_owned(),
        language: of("language").map(str::to_owned),
    };
    let called = [of("inviteeFirstName"), of("inviteeLastName")];
    let called: Vec<&str> = called.into_iter().flatten().collect();
    // Of an application one at a time, for each address.
    let subject = format!("{client} {}", invitation.email.to_lowercase());
    let linked = Linked {
        purpose: Purpose::Invitation,
        subject: &subject,
        content: &invitation,
    };
    let letter = Letter {
        to: &invitation.email,
        language: of("language"),
        name: called.join(" "),
        inviter,
        application: name,
        source: Some(source),
        header: of("headerText"),
        footer: of("footerText"),
    };
    let written = letter::write(call.desk(), &linked, &letter).await?;
    let directory = call.directory();
    directory.commit_beside(&call.scope, written).await?;
    Ok(Reply::empty(StatusCode::OK))
}

/// All are texts, none too long.
fn check(body: &Map<String, Value>) -> Result<(), Failure> {
    for (name, most) in TEXTS {
        let fits = match body.get(name) {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.chars().count() <= most,
            Some(_) => false,
        };
        if !fits {
            return Err(incorrect());
        }
    }
    Ok(())
}

async fn address_of(call: &Call<'_>, id: &str) -> Result<String, Failure> {
    let user = number::user(call.directory(), &call.scope, id, Want::default()).await?;
    let address = user.and_then(|it| letter::address(&it.record.attributes()));
    address.ok_or_else(no_address)
}

/// An `http` or `https` URL with a host.
pub(in crate::dialect::sap) fn is_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let plain = |it: char| it.is_ascii_graphic() && !"\"<>\\^`{|}".contains(it);
        !host.is_empty() && !host.contains('@') && rest.chars().all(plain)
    })
}

fn incorrect() -> Failure {
    refused(Outcome::Invalid, "INVITATION_API_PARAMETER_INCORRECT")
}

fn no_address() -> Failure {
    refused(Outcome::Invalid, "INVITATION_API_EMAIL_INCORRECT")
}

#[cfg(test)]
mod tests {
    use super::is_url;

    #[test]
    fn urls_are_of_the_web() {
        for (text, is) in [
            ("https://app.example/inside", true),
            ("http://localhost:8080", true),
            ("https://app.example/?a=1#b", true),
            ("javascript:alert(1)", false),
            ("https://", false),
            ("https:///x", false),
            ("https://a@b.example/", false),
            ("https://a.example/\"onclick", false),
            ("app.example", false),
        ] {
            assert_eq!(is_url(text), is, "{text}");
        }
    }
}
