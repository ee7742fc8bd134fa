//! Content codings (RFC 9110 §8.4, §12.5.3): which one an answer is sent in, and request
//! bodies that come in one.

use std::io::{self, Read as _, Write as _};

use bytes::Bytes;
use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY},
};
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::{negotiation::weighted, reply::Reply};

/// Content shorter than this in bytes fits one packet, and gains nothing.
const SHORTEST: usize = 1_024;

/// Content longer than this in bytes is coded beside the threads that answer requests.
const INLINE: usize = 32 * 1_024;

/// The quickest levels: most of what can be gained, at the least time.
const ZSTD_LEVEL: i32 = 1;
const GZIP_LEVEL: Compression = Compression::fast();

/// A content coding for answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Zstd,
    Gzip,
}

/// Codes answers. Long ones are coded a few at a time; while all places are taken, answers go
/// out as they are.
#[derive(Debug)]
pub(crate) struct Coder {
    places: Semaphore,
}

impl Coder {
    /// A coder of at most so many long answers at a time.
    pub(crate) fn new(places: usize) -> Self {
        Self {
            places: Semaphore::new(places),
        }
    }

    /// The answer in the coding that `Accept-Encoding` prefers. Where it takes none that is
    /// known, not even none at all, the answer goes out as it is (RFC 9110 §12.5.1).
    pub(crate) async fn code(&self, reply: &mut Reply, headers: &HeaderMap) {
        if !reply.headers.contains_key(VARY) {
            let vary = HeaderValue::from_static("Accept-Encoding");
            reply.headers.insert(VARY, vary);
        }
        if reply.body.is_empty() || !headers.contains_key(ACCEPT_ENCODING) {
            return;
        }
        let (coding, plain) = preferred(headers);
        let Some(coding) = coding.filter(|_| !plain || reply.body.len() >= SHORTEST) else {
            return;
        };
        let coded = if reply.body.len() <= INLINE {
            coding.code(&reply.body)
        } else {
            // Where the answer may not go out as it is, it waits for its turn.
            let place = if plain {
                self.places.try_acquire().ok()
            } else {
                self.places.acquire().await.ok()
            };
            let Some(_place) = place else {
                return;
            };
            let body = reply.body.clone();
            let coded = spawn_blocking(move || coding.code(&body)).await;
            coded.unwrap_or_else(|error| Err(io::Error::other(error)))
        };
        match coded {
            Ok(coded) => {
                reply.body = Bytes::from(coded);
                reply.headers.insert(CONTENT_ENCODING, coding.name());
            }
            Err(error) => tracing::warn!(%error, "an answer could not be coded"),
        }
    }
}

impl Coding {
    const fn name(self) -> HeaderValue {
        match self {
            Self::Zstd => HeaderValue::from_static("zstd"),
            Self::Gzip => HeaderValue::from_static("gzip"),
        }
    }

    fn code(self, plain: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Zstd => zstd::bulk::compress(plain, ZSTD_LEVEL),
            Self::Gzip => {
                let into = Vec::with_capacity(plain.len() / 4);
                let mut encoder = GzEncoder::new(into, GZIP_LEVEL);
                encoder.write_all(plain)?;
                encoder.finish()
            }
        }
    }
}

/// The known coding that is preferred to none, if any, and whether none is acceptable
/// (RFC 9110 §12.5.3).
fn preferred(headers: &HeaderMap) -> (Option<Coding>, bool) {
    let weight = |name: &str| {
        weighted(headers, &ACCEPT_ENCODING, |it| {
            if it.eq_ignore_ascii_case(name) {
                Some(2)
            } else {
                (it == "*").then_some(1)
            }
        })
    };
    let gzip = weight("gzip").or_else(|| weight("x-gzip")).unwrap_or(0);
    let zstd = weight("zstd").unwrap_or(0);
    let identity = weight("identity");
    let coding = match (zstd, gzip) {
        (0, 0) => None,
        (zstd, gzip) if zstd >= gzip => Some((Coding::Zstd, zstd)),
        (_, gzip) => Some((Coding::Gzip, gzip)),
    };
    // Named with more weight, none is preferred; unnamed, it is what else is acceptable.
    let named = weighted(headers, &ACCEPT_ENCODING, |it| {
        it.eq_ignore_ascii_case("identity").then_some(1)
    });
    let coding = coding.filter(|(_, weight)| named.is_none_or(|plain| *weight >= plain));
    (coding.map(|(coding, _)| coding), identity != Some(0))
}

/// The coding of a request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    Plain,
    Gzip,
    /// One that is not understood.
    Otherwise,
}

/// The codings that request bodies may have, as a header value.
pub(crate) const ACCEPTED: &str = "gzip, identity";

impl Sent {
    /// What `Content-Encoding` says.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut found = Self::Plain;
        for value in headers.get_all(CONTENT_ENCODING) {
            let is = |name: &[u8]| value.as_bytes().eq_ignore_ascii_case(name);
            found = match found {
                _ if is(b"identity") => found,
                Self::Plain if is(b"gzip") || is(b"x-gzip") => Self::Gzip,
                _ => return Self::Otherwise,
            };
        }
        found
    }
}

/// The content of a gzip body; `None` when it is longer than `limit` bytes.
///
/// # Errors
/// The body is no gzip stream.
pub(crate) fn inflated(body: &[u8], limit: usize) -> io::Result<Option<Bytes>> {
    let mut content = Vec::with_capacity(body.len().saturating_mul(3).min(limit));
    let most = limit as u64 + 1;
    MultiGzDecoder::new(body)
        .take(most)
        .read_to_end(&mut content)?;
    Ok((content.len() <= limit).then(|| Bytes::from(content)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_chosen_by_weight() {
        use Coding::{Gzip, Zstd};
        for (accept, coding, plain) in [
            ("gzip", Some(Gzip), true),
            ("x-gzip", Some(Gzip), true),
            ("gzip, zstd", Some(Zstd), true),
            ("gzip, deflate, br, zstd", Some(Zstd), true),
            ("GZIP;q=0.5, zstd;q=0.4", Some(Gzip), true),
            ("*", Some(Zstd), true),
            ("*;q=0.5, zstd;q=0", Some(Gzip), true),
            ("identity", None, true),
            ("identity, gzip;q=0.5", None, true),
            ("identity;q=0.5, gzip;q=0.5", Some(Gzip), true),
            ("identity;q=0, gzip", Some(Gzip), false),
            ("*;q=0, gzip", Some(Gzip), false),
            ("*;q=0", None, false),
            ("br", None, true),
            ("gzip;q=0", None, true),
            ("gzip;q=2", None, true),
            ("", None, true),
        ] {
            let value = HeaderValue::from_static(accept);
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, value)]);
            assert_eq!(preferred(&headers), (coding, plain), "{accept}");
        }
    }

    #[test]
    fn bodies_are_inflated_up_to_the_limit() {
        let plain = b"{}".repeat(5_000);
        let coded = Coding::Gzip.code(&plain).unwrap();
        assert_eq!(inflated(&coded, 10_000).unwrap().unwrap(), plain);
        assert_eq!(inflated(&coded, 9_999).unwrap(), None);
        assert!(inflated(&plain, 10_000).is_err());
        assert!(inflated(&coded[..coded.len() - 1], 10_000).is_err());
    }
}
