//! The page for people that `documentationUri` names (RFC 7643 §5): which forms of input are
//! tolerated of which clients. Written from the tables that are enforced.

use std::fmt::Write as _;

use civitas_directory::Role;
use civitas_scim::tolerance::{Kind, Switch, Switches};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::{door::Arrival, refusal::Refusal, reply::Reply};

/// Where the page is.
pub(crate) const PATH: &str = "/docs/scim";

const POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");

/// `GET /docs/scim`. A client that shows its credentials is told what is tolerated of it.
pub(crate) async fn page(arrival: Arrival<'_>) -> Result<Reply, Refusal> {
    let shows_credentials = arrival.parts.headers.contains_key(header::AUTHORIZATION);
    let own = if shows_credentials {
        let tenant = arrival.tenant().await?;
        let caller = arrival.admit(&tenant, Role::Read).await?;
        Some((caller.actor(), caller.profile))
    } else {
        None
    };
    let mut page = String::with_capacity(8 * 1024);
    page.push_str(HEAD);
    if let Some((actor, profile)) = own {
        let client = escaped(actor.strip_prefix("client:").unwrap_or(&actor));
        let _ = write!(
            page,
            "<h2>Your client</h2><p><code>{client}</code> has the profile \
             <code>{profile}</code>.</p>{}",
            listed(profile.switches()),
        );
    }
    page.push_str(INTRODUCTION);
    page.push_str(&table());
    page.push_str("</main></html>\n");
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    Ok(Reply::new(StatusCode::OK, html, page)
        .with(HeaderName::from_static("content-security-policy"), POLICY))
}

const HEAD: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<title>Civitas: SCIM 2.0</title><style>\
body{font:16px/1.5 sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}\
table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.3rem .5rem;text-align:left}\
</style><main><h1>SCIM 2.0</h1>\
<p>The protocol is that of RFC 7643 and RFC 7644. The machine-readable description is at \
<a href=\"/scim/v2/openapi.json\">/scim/v2/openapi.json</a>.</p>";

const INTRODUCTION: &str = "<h2>Tolerated input</h2>\
<p>Each API client has a profile: the name of a kind of client, which turns on the switches \
below, and single switches that differ. <code>generic</code> is the profile of a client of \
which nothing else was said. A form whose switch is off is refused as the RFCs say. Answers \
never depend on a profile. <code>Prefer: handling=strict</code> turns the switches marked with \
a dagger (&dagger;) off for one request. Whenever a switch acts, the log names it with the \
client, and the metric <code>civitas_tolerated_total</code> counts it.</p>\
<pre>civitas client update CLIENT --tenant TENANT --profile entra --off json-string-roles</pre>";

fn table() -> String {
    let mut table = String::from("<table><tr><th>switch</th><th>accepted</th>");
    for kind in Kind::ALL {
        let _ = write!(table, "<th>{}</th>", kind.name());
    }
    table.push_str("</tr>\n");
    for switch in Switch::ALL {
        let dagger = if switch.yields_to_strict() {
            " &dagger;"
        } else {
            ""
        };
        let (name, meaning) = (switch.name(), escaped(switch.meaning()));
        let _ = write!(
            table,
            "<tr><td><code>{name}</code>{dagger}</td><td>{meaning}</td>"
        );
        for kind in Kind::ALL {
            let mark = if kind.switches().has(switch) {
                "on"
            } else {
                ""
            };
            let _ = write!(table, "<td>{mark}</td>");
        }
        table.push_str("</tr>\n");
    }
    table.push_str("</table>");
    table
}

fn listed(switches: Switches) -> String {
    let mut list = String::from("<ul>");
    for switch in switches.iter() {
        let (name, meaning) = (switch.name(), escaped(switch.meaning()));
        let _ = write!(list, "<li><code>{name}</code>: {meaning}</li>");
    }
    list.push_str("</ul>");
    list
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
