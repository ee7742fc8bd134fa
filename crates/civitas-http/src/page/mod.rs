//! The pages that links in mails lead to: HTML without scripts, for people.
//!
//! | path | for whom |
//! |---|---|
//! | `/ids/invitation` | who was invited to an application |
//! | `/ids/activation` | who is to confirm an address |
//! | `/ids/password` | who has forgotten a password |
//! | `/ids/device` | who sets up one-time codes |
//! | `/ids/style.css` | nobody: what all look like |
//!
//! A page is opened by the token of a link and changes nothing: programs that look into mails
//! open links, too. Its form is sent with the token, a cookie that other sites cannot have sent,
//! and a text that was given out for both.

mod activation;
mod content;
mod device;
mod form;
mod invitation;
mod password;
mod picture;
mod view;
mod visit;

use http::{HeaderValue, Method, StatusCode, header};

pub(crate) use content::{Activation, Invitation, Reset};
pub(crate) use visit::Visit;

use self::{form::Refused, visit::Opened};
use crate::{door::Arrival, refusal::Refusal, reply::Reply, router::Methods};

const STYLE: &str = include_str!("style.css");
const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");

/// What is at a path of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    Invitation,
    Activation,
    Password,
    Device,
    Style,
}

impl Page {
    /// The page of that name below `/ids`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "invitation" => Self::Invitation,
            "activation" => Self::Activation,
            "password" => Self::Password,
            "device" => Self::Device,
            "style.css" => Self::Style,
            _ => return None,
        })
    }

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Invitation => "/ids/invitation",
            Self::Activation => "/ids/activation",
            Self::Password => "/ids/password",
            Self::Device => "/ids/device",
            Self::Style => "/ids/style.css",
        }
    }

    pub(crate) const fn methods(self) -> Methods {
        Methods::of(match self {
            Self::Style => "GET, HEAD, OPTIONS",
            _ => "GET, HEAD, POST, OPTIONS",
        })
    }

    /// Whether a request with the method may change something.
    pub(crate) fn writes(method: &Method) -> bool {
        *method == Method::POST
    }

    /// Where a link leads to.
    pub(crate) fn url(self, origin: &str, token: &str) -> String {
        format!("{origin}{}?token={token}", self.path())
    }
}

/// Answers a request for a page.
pub(crate) async fn answer(arrival: Arrival<'_>, page: Page) -> Result<Reply, Refusal> {
    if page == Page::Style {
        let public = HeaderValue::from_static("public, max-age=3600");
        return Ok(Reply::new(StatusCode::OK, CSS, STYLE).with(header::CACHE_CONTROL, public));
    }
    let tenant = &*arrival.tenant().await?;
    arrival.check_served(tenant, Page::writes(&arrival.parts.method))?;
    let visit = match Visit::begin(arrival, tenant, page).await? {
        Opened::Visit(visit) => visit,
        Opened::Spent(spent) => return Ok(spent),
    };
    let done = match page {
        Page::Invitation => invitation::answer(&visit).await,
        Page::Activation => activation::answer(&visit).await,
        Page::Password => password::answer(&visit).await,
        Page::Device | Page::Style => device::answer(&visit).await,
    };
    match done {
        Ok(reply) => Ok(reply),
        Err(Refused::Spent) => visit.spent(),
        Err(Refused::Refusal(refusal)) => Err(refusal),
    }
}
