//! A server of mail, over SMTP (RFC 5321).

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use civitas_directory::mail::{Carrier, Letter, SEND_TIME, Undelivered};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    address::Address,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};
use serde::Deserialize;

/// The variable of the environment with the password.
const PASSWORD: &str = "CIVITAS_MAIL_PASSWORD";

/// Longest file with a password.
const MAX_PASSWORD_FILE: usize = 4_096;

/// Replies that are about how the server is asked, not about the mail: it may be taken once the
/// configuration is right (RFC 4954 §6).
const ABOUT_THE_CALLER: [u16; 5] = [530, 534, 535, 538, 554];

/// `[mail]` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Raw {
    host: String,
    port: Option<u16>,
    security: Option<String>,
    authorities: Option<PathBuf>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    from: String,
}

/// A server of mail, and how it is asked.
#[derive(Clone)]
pub(crate) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    place: String,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Smtp({})", self.place)
    }
}

impl std::fmt::Display for Smtp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.place)
    }
}

/// Key, value and what is wrong.
type Bad = (&'static str, String, String);

/// How a connection is protected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Security {
    /// TLS from the first octet (RFC 8314).
    Tls,
    /// TLS after STARTTLS (RFC 3207), which must be offered.
    StartTls,
    /// None: for a relay on this machine.
    None,
}

impl Security {
    fn named(name: Option<&str>) -> Option<Self> {
        match name {
            None | Some("starttls") => Some(Self::StartTls),
            Some("tls") => Some(Self::Tls),
            Some("none") => Some(Self::None),
            Some(_) => None,
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Tls => 465,
            Self::StartTls => 587,
            Self::None => 25,
        }
    }
}

impl Smtp {
    /// The server that is configured. Paths start at a folder.
    pub(crate) fn new(raw: &Raw, folder: &Path) -> Result<Self, Bad> {
        let bad = |key, value: &str, why: &str| (key, value.to_owned(), why.to_owned());
        let is_name = |it: u8| it.is_ascii_alphanumeric() || b"-.:[]".contains(&it);
        if raw.host.is_empty() || !raw.host.bytes().all(is_name) {
            return Err(bad("mail.host", &raw.host, "not a host name or address"));
        }
        let security = Security::named(raw.security.as_deref()).ok_or_else(|| {
            let value = raw.security.as_deref().unwrap_or_default();
            bad("mail.security", value, "not one of starttls, tls, none")
        })?;
        let from: Mailbox = raw.from.parse().map_err(|_| {
            let why = "not an address such as Civitas <no-reply@example.com>";
            bad("mail.from", &raw.from, why)
        })?;
        let port = raw.port.unwrap_or(security.port());
        let tls = raw.tls(security, folder)?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&raw.host)
            .port(port)
            .tls(tls)
            .timeout(Some(SEND_TIME));
        if let Some(credentials) = raw.credentials(folder)? {
            if security == Security::None {
                let why = "the password would be sent in clear text: use starttls or tls";
                return Err(bad("mail.security", "none", why));
            }
            builder = builder.credentials(credentials);
        }
        Ok(Self {
            transport: builder.build(),
            from,
            place: format!("{}:{port}", raw.host),
        })
    }

    fn message(&self, id: &str, letter: &Letter) -> Result<Message, String> {
        let to: Address = letter.to.parse().map_err(|_| "the address is none")?;
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(&letter.subject)
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
        let parts = MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone());
        builder.multipart(parts).map_err(|error| error.to_string())
    }
}

impl Raw {
    fn tls(&self, security: Security, folder: &Path) -> Result<Tls, Bad> {
        if security == Security::None {
            return Ok(Tls::None);
        }
        let mut parameters = TlsParameters::builder(self.host.clone());
        if let Some(file) = &self.authorities {
            let file = folder.join(file);
            let bad = |why: String| ("mail.authorities", file.display().to_string(), why);
            let pem = std::fs::read(&file).map_err(|error| bad(error.to_string()))?;
            let certificate =
                Certificate::from_pem(&pem).map_err(|error| bad(error.to_string()))?;
            parameters = parameters
                .certificate_store(CertificateStore::None)
                .add_root_certificate(certificate);
        }
        let parameters = parameters
            .build()
            .map_err(|error| ("mail.host", self.host.clone(), error.to_string()))?;
        Ok(match security {
            Security::Tls => Tls::Wrapper(parameters),
            _ => Tls::Required(parameters),
        })
    }

    fn credentials(&self, folder: &Path) -> Result<Option<Credentials>, Bad> {
        let variable = std::env::var(PASSWORD).ok().filter(|it| !it.is_empty());
        let password = match (&self.password_file, variable) {
            (Some(file), _) => {
                let file = folder.join(file);
                let bad = |why: &str| {
                    let file = file.display().to_string();
                    ("mail.password_file", file, why.to_owned())
                };
                let text = std::fs::read_to_string(&file);
                let text = text.map_err(|error| bad(&error.to_string()))?;
                let text = text.trim_end_matches(['\r', '\n']);
                if text.is_empty() || text.len() > MAX_PASSWORD_FILE {
                    return Err(bad("there is no password in it"));
                }
                Some(text.to_owned())
            }
            (None, variable) => variable,
        };
        match (&self.user, password) {
            (Some(user), Some(password)) => Ok(Some(Credentials::new(user.clone(), password))),
            (Some(user), None) => {
                let why = format!("has no password: set password_file, or {PASSWORD}");
                Err(("mail.user", user.clone(), why))
            }
            (None, Some(_)) if self.password_file.is_some() => {
                let why = "there is a password, and no user".to_owned();
                Err(("mail.user", String::new(), why))
            }
            (None, _) => Ok(None),
        }
    }
}

#[async_trait]
impl Carrier for Smtp {
    async fn carry(&self, id: &str, letter: &Letter) -> Result<(), Undelivered> {
        let message = self.message(id, letter).map_err(Undelivered::Never)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(undelivered(&error)),
        }
    }
}

/// What is told of a failure: never what the server said, which may repeat the mail.
fn undelivered(error: &Error) -> Undelivered {
    let code = error.status().map(u16::from);
    let why = match code {
        Some(code) => format!("the server of mail replied {code}"),
        None if error.is_timeout() => "the server of mail did not reply in time".to_owned(),
        None if error.is_tls() => "there is no TLS with the server of mail".to_owned(),
        None => "the server of mail cannot be reached".to_owned(),
    };
    let is_final = error.is_permanent() && code.is_some_and(|it| !ABOUT_THE_CALLER.contains(&it));
    if is_final {
        Undelivered::Never(why)
    } else {
        Undelivered::Later(why)
    }
}
