//! The mailbox of development: mails that were written, for tests to read as JSON and for people
//! as pages.

use civitas_directory::{Error, Kept, Tenant};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::{door::Arrival, refusal::Refusal, reply::Reply};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// Mails have their styles in their elements.
const POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'");

/// `GET /civitas/v1/mails`: the newest first.
pub(super) async fn list(arrival: &Arrival<'_>, tenant: &Tenant) -> Result<Reply, Refusal> {
    let mails = arrival.app.directory.mailbox(tenant).await?;
    if !wants_page(&arrival.parts.headers) {
        let shown: Vec<Value> = mails.iter().map(shown).collect();
        return Ok(Reply::new(
            StatusCode::OK,
            JSON,
            json!({ "mails": shown }).to_string(),
        ));
    }
    let rows = mails.iter().map(|mail| {
        let (id, at) = (&mail.id, mail.at.to_string());
        let (to, subject) = (escaped(&mail.letter.to), escaped(&mail.letter.subject));
        format!(
            "<tr><td>{at}</td><td>{to}</td>\
             <td><a href=\"/civitas/v1/mails/{id}\">{subject}</a></td></tr>\n"
        )
    });
    let rows: String = rows.collect();
    let body = if rows.is_empty() {
        "<p>There is no mail.</p>".to_owned()
    } else {
        format!("<table><tr><th>at</th><th>to</th><th>subject</th></tr>\n{rows}</table>")
    };
    Ok(page("Mails", &body))
}

/// `GET /civitas/v1/mails/{id}`
pub(super) async fn one(
    arrival: &Arrival<'_>,
    tenant: &Tenant,
    id: &str,
) -> Result<Reply, Refusal> {
    let mails = arrival.app.directory.mailbox(tenant).await?;
    let found = mails.into_iter().find(|it| it.id == id);
    let mail = found.ok_or_else(|| Error::NotFound {
        resource_type: "mail".into(),
        id: id.to_owned(),
    })?;
    if !wants_page(&arrival.parts.headers) {
        return Ok(Reply::new(StatusCode::OK, JSON, shown(&mail).to_string()));
    }
    if arrival.parts.uri.query() == Some("html") {
        let reply = Reply::new(StatusCode::OK, HTML, mail.letter.html);
        return Ok(reply.with(header::CONTENT_SECURITY_POLICY, POLICY));
    }
    let letter = &mail.letter;
    let body = format!(
        "<p><a href=\"/civitas/v1/mails\">All mails</a> \
         <a id=\"html\" href=\"/civitas/v1/mails/{id}?html\">As HTML</a></p>\
         <p>{} to {}</p><pre>{}</pre>",
        mail.at,
        escaped(&letter.to),
        escaped(&letter.text)
    );
    Ok(page(&letter.subject, &body))
}

/// `DELETE /civitas/v1/mails`
pub(super) async fn empty(arrival: &Arrival<'_>, tenant: &Tenant) -> Result<Reply, Refusal> {
    arrival.app.directory.empty_mailbox(tenant).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Whether a browser asks.
fn wants_page(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter();
    accepted.any(|it| it.to_str().is_ok_and(|it| it.contains("text/html")))
}

fn shown(mail: &Kept) -> Value {
    json!({
        "id": mail.id,
        "at": mail.at.to_string(),
        "to": mail.letter.to,
        "subject": mail.letter.subject,
        "text": mail.letter.text,
        "html": mail.letter.html,
    })
}

fn page(title: &str, body: &str) -> Reply {
    let title = escaped(title);
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><style>\
         body{{font:16px/1.5 sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}}\
         td,th{{padding:.3rem .8rem .3rem 0;text-align:left}}pre{{white-space:pre-wrap}}\
         </style><main><h1>{title}</h1>{body}</main></html>"
    );
    Reply::new(StatusCode::OK, HTML, page).with(header::CONTENT_SECURITY_POLICY, POLICY)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
