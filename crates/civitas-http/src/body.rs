//! Reading request bodies within bounds.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;

use civitas_scim::Invalid;

use crate::{
    coding::{Sent, inflated},
    refusal::Refusal,
};

/// How long and how much a refused request may still send before the connection is closed.
/// Closing at once would make the client's system drop the refusal unread.
const LINGER: Duration = Duration::from_millis(500);
const LINGER_BYTES: usize = 4 * 1024 * 1024;

/// The body of a request and what reading it may cost.
pub(crate) struct Body {
    incoming: Incoming,
    limit: usize,
    within: Duration,
    invited: bool,
    coded: bool,
    /// Whether what is read is kept for those who read after, and what was read.
    keeps: bool,
    kept: Option<Bytes>,
}

impl Body {
    /// A body of at most `limit` bytes that arrives `within` a time. A client that expects
    /// something sends it only when told to go on (RFC 9110 §10.1.1).
    pub(crate) fn new(
        incoming: Incoming,
        headers: &HeaderMap,
        limit: usize,
        within: Duration,
    ) -> Self {
        Self {
            incoming,
            limit,
            within,
            invited: !headers.contains_key(header::EXPECT),
            coded: Sent::of(headers) == Sent::Gzip,
            keeps: false,
            kept: None,
        }
    }

    /// The same body with another limit.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Keeps what is read.
    pub(crate) fn keep(&mut self) {
        self.keeps = true;
    }

    /// What was read and kept.
    pub(crate) fn kept(&self) -> Option<&Bytes> {
        self.kept.as_ref()
    }

    /// The next bytes of a body that is taken as it comes, with a time for each of them; `None`
    /// at its end. Neither limit nor coding applies.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        self.invited = true;
        loop {
            match timeout(self.within, self.incoming.frame()).await {
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) => return Err(Refusal::BodyCutOff),
                Err(_) => return Err(Refusal::Timeout),
            }
        }
    }

    /// The whole body, decoded. The limit holds before and after.
    pub(crate) async fn read(&mut self) -> Result<Bytes, Refusal> {
        if let Some(kept) = &self.kept {
            return Ok(kept.clone());
        }
        let body = self.decoded().await?;
        if self.keeps {
            self.kept = Some(body.clone());
        }
        Ok(body)
    }

    async fn decoded(&mut self) -> Result<Bytes, Refusal> {
        let body = self.received().await?;
        if !self.coded {
            return Ok(body);
        }
        match inflated(&body, self.limit) {
            Ok(Some(body)) => Ok(body),
            Ok(None) => Err(Refusal::TooLarge { limit: self.limit }),
            Err(_) => Err(Invalid::syntax("the body is not the gzip stream that it claims").into()),
        }
    }

    async fn received(&mut self) -> Result<Bytes, Refusal> {
        let too_large = Refusal::TooLarge { limit: self.limit };
        if self.incoming.size_hint().lower() > self.limit as u64 {
            return Err(too_large);
        }
        if self.incoming.is_end_stream() {
            return Ok(Bytes::new());
        }
        self.invited = true;
        let all = collect(&mut self.incoming, self.limit);
        match timeout(self.within, all).await {
            Ok(Ok(Some(bytes))) => Ok(bytes),
            Ok(Ok(None)) => Err(too_large),
            Ok(Err(_)) => Err(Refusal::BodyCutOff),
            Err(_) => Err(Refusal::Timeout),
        }
    }

    /// Takes in, within bounds, what was not read.
    pub(crate) async fn discard(&mut self) {
        if self.invited && !self.incoming.is_end_stream() {
            let all = skip(&mut self.incoming, LINGER_BYTES);
            let _ = timeout(LINGER, all).await;
        }
    }
}

/// The frames as one; `None` when they exceed the limit.
async fn collect(incoming: &mut Incoming, limit: usize) -> Result<Option<Bytes>, hyper::Error> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        if first.len().max(rest.len()) + data.len() > limit {
            return Ok(None);
        }
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(Some(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    }))
}

async fn skip(incoming: &mut Incoming, limit: usize) {
    let mut skipped = 0;
    while let Some(Ok(frame)) = incoming.frame().await {
        skipped += frame.data_ref().map_or(0, Bytes::len);
        if skipped > limit {
            return;
        }
    }
}
