//! One token on its way to a receiver (RFC 8935 §2).

use std::{sync::Arc, time::Duration};

use civitas_directory::stream::Receiver;
use http::{StatusCode, header};
use serde_json::Value;
use ureq::{
    Agent,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

/// Longest time for a receiver to answer.
const TIME: Duration = Duration::from_secs(15);

/// Longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 16 * 1024;

/// Longest time that a receiver may ask to wait, in seconds.
const MAX_RETRY_AFTER: u64 = 3_600;

/// Errors of RFC 8935 §2.4 that are about the stream and not about one token.
const OF_THE_STREAM: [&str; 5] = [
    "invalid_key",
    "invalid_issuer",
    "invalid_audience",
    "authentication_failed",
    "access_denied",
];

/// What became of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The receiver has it.
    Taken,
    /// It will never take it.
    Refused(String),
    /// It may take it later, not before so many seconds where it says so.
    Later(String, Option<u64>),
    /// It takes nothing as things are.
    Closed(String),
}

/// Speaks to one receiver; connections are kept.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    agent: Agent,
    receiver: Receiver,
}

/// Checks certificates of authorities.
///
/// # Errors
/// There is none, or one cannot be read.
pub fn check_authorities(pem: &str) -> Result<(), String> {
    authorities(pem).map(drop)
}

fn authorities(pem: &str) -> Result<Vec<Certificate<'static>>, String> {
    let mut found = Vec::new();
    for item in parse_pem(pem.as_bytes()) {
        match item.map_err(|error| error.to_string())? {
            PemItem::Certificate(certificate) => found.push(certificate),
            _ => return Err("there is something else than certificates".into()),
        }
    }
    if found.is_empty() {
        return Err("there is no certificate in it".into());
    }
    Ok(found)
}

impl Sender {
    /// To a receiver, whose certificate is checked (RFC 8935 §5.2). Redirections are not
    /// followed: the receiver is the one that was named.
    pub(super) fn new(receiver: &Receiver) -> Result<Self, String> {
        let roots = match &receiver.authorities {
            None => RootCerts::WebPki,
            Some(pem) => RootCerts::Specific(Arc::new(authorities(pem)?)),
        };
        let clear = receiver.endpoint.starts_with("http://");
        let mut config = Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .timeout_global(Some(TIME))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .https_only(!clear)
            .user_agent("civitas");
        if clear {
            config = config.proxy(None);
        }
        Ok(Self {
            agent: config.build().new_agent(),
            receiver: receiver.clone(),
        })
    }

    /// Whether it speaks to that receiver.
    pub(super) fn is_to(&self, receiver: &Receiver) -> bool {
        self.receiver == *receiver
    }

    /// Sends a token. Blocks until it is answered.
    pub(super) fn send(&self, token: &str) -> Answer {
        let mut request = self
            .agent
            .post(&self.receiver.endpoint)
            .header(header::CONTENT_TYPE, "application/secevent+jwt")
            .header(header::ACCEPT, "application/json");
        if let Some(secret) = &self.receiver.authorization {
            request = request.header(header::AUTHORIZATION, secret.reveal());
        }
        let mut answer = match request.send(token) {
            Ok(answer) => answer,
            // Texts of the transport say nothing of what was sent.
            Err(error) => return Answer::Later(error.to_string(), None),
        };
        let wait = answer.headers().get(header::RETRY_AFTER);
        let wait = wait.and_then(|value| value.to_str().ok()?.parse().ok());
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(MAX_ANSWER);
        let body = body.read_to_string().unwrap_or_default();
        judged(status, wait, &body)
    }
}

fn judged(status: StatusCode, wait: Option<u64>, body: &str) -> Answer {
    match status.as_u16() {
        202 => Answer::Taken,
        400 => {
            let body: Value = serde_json::from_str(body).unwrap_or_default();
            let err = body["err"].as_str().unwrap_or_default();
            let description = body["description"].as_str().unwrap_or_default();
            let why = format!("400 {err:?}: {description:?}");
            if OF_THE_STREAM.contains(&err) {
                Answer::Closed(why)
            } else {
                Answer::Refused(why)
            }
        }
        408 | 429 | 500.. => {
            let wait = wait.map(|it| it.min(MAX_RETRY_AFTER));
            Answer::Later(status.to_string(), wait)
        }
        _ => Answer::Closed(format!(
            "the receiver answered {status}, where 202 is what takes a token (RFC 8935 §2.2)"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_tell_what_to_do() {
        let judge = |status: u16, wait, body: &str| {
            judged(StatusCode::from_u16(status).unwrap(), wait, body)
        };
        assert_eq!(judge(202, None, ""), Answer::Taken);
        for (status, wait, kept) in [
            (408, None, None),
            (429, Some(7), Some(7)),
            (500, None, None),
            (503, Some(999_999), Some(MAX_RETRY_AFTER)),
        ] {
            let answer = judge(status, wait, "");
            assert!(
                matches!(answer, Answer::Later(_, it) if it == kept),
                "{status}"
            );
        }
        for status in [200, 204, 301, 401, 403, 404, 413] {
            assert!(
                matches!(judge(status, None, ""), Answer::Closed(_)),
                "{status}"
            );
        }
        for (body, closes) in [
            (r#"{"err":"invalid_request"}"#, false),
            ("", false),
            (r#"{"err":"invalid_key"}"#, true),
            (r#"{"err":"access_denied","description":"x"}"#, true),
        ] {
            let answer = judge(400, None, body);
            assert_eq!(matches!(answer, Answer::Closed(_)), closes, "{body}");
            assert_eq!(matches!(answer, Answer::Refused(_)), !closes, "{body}");
        }
    }

    #[test]
    fn authorities_are_certificates() {
        for text in ["", "x", "-----BEGIN CERTIFICATE-----\nx\n"] {
            assert!(check_authorities(text).is_err(), "{text}");
        }
    }
}
