//! A connection's stream under time limits, and which protocol it opens with.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use crate::{
    effect::{Effect, Spoiled},
    settings::HttpLimits,
    stream::Stream,
};

/// What every HTTP/2 connection begins with (RFC 9113 §3.4), as far as no method of HTTP/1.1
/// does.
const PREFACE: &[u8; 4] = b"PRI ";

/// What a connection is doing, as far as its time limits care.
#[derive(Debug, Default)]
pub(crate) struct Phase {
    /// Whether part of the header fields of a request is there.
    head: AtomicBool,
    /// Requests in work; over HTTP/2 there may be several.
    requests: AtomicU32,
    /// What was ordered to happen to the connection.
    effect: OnceLock<Effect>,
}

impl Phase {
    /// A request is in work until what is returned is dropped.
    pub(crate) fn work(&self) -> Work<'_> {
        self.requests.fetch_add(1, Relaxed);
        self.head.store(false, Relaxed);
        Work(self)
    }

    /// Orders what happens to the connection; the first order holds.
    pub(crate) fn order(&self, effect: Effect) {
        let _ = self.effect.set(effect);
    }

    /// What was ordered; nothing in a program that is built without rehearsals.
    fn ordered(&self) -> Option<Effect> {
        if cfg!(feature = "rehearsal") {
            self.effect.get().copied()
        } else {
            None
        }
    }

    fn now(&self) -> Now {
        if self.requests.load(Relaxed) > 0 {
            Now::Busy
        } else if self.head.load(Relaxed) {
            Now::Head
        } else {
            Now::Idle
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Now {
    /// Nothing: a new request may begin.
    Idle,
    /// Part of the header fields is there.
    Head,
    /// A request is in work, under the limits of its own.
    Busy,
}

/// A request in work: it ends with its answer, or when its stream is reset.
pub(crate) struct Work<'p>(&'p Phase);

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Relaxed);
    }
}

/// A stream that ends with an error when nothing happens for too long. One timer serves it
/// for its whole life; it is set anew only when it goes off or would go off too late.
pub(crate) struct Watched {
    stream: Stream,
    /// The first bytes, taken to see the protocol, and how many of them there are.
    opening: [u8; PREFACE.len()],
    opened: usize,
    multiplexed: bool,
    phase: Arc<Phase>,
    /// The phase when last looked at, and when it or the last progress in it was seen.
    seen: Now,
    since: Instant,
    alarm: Pin<Box<Sleep>>,
    spoiled: Option<Spoiled>,
    header_read_timeout: Duration,
    idle_timeout: Duration,
}

impl Watched {
    pub(crate) fn new(stream: Stream, phase: Arc<Phase>, limits: &HttpLimits) -> Self {
        Self {
            stream,
            opening: [0; PREFACE.len()],
            opened: 0,
            multiplexed: false,
            phase,
            seen: Now::Idle,
            since: Instant::now(),
            alarm: Box::pin(sleep(limits.header_read_timeout.min(limits.idle_timeout))),
            spoiled: None,
            header_read_timeout: limits.header_read_timeout,
            idle_timeout: limits.idle_timeout,
        }
    }

    /// Whether the connection opens as one of HTTP/2. The bytes seen are read again.
    pub(crate) async fn opens_http2(&mut self) -> io::Result<bool> {
        let mut opening = [0; PREFACE.len()];
        let mut opened = 0;
        while opened < PREFACE.len() && opening[..opened] == PREFACE[..opened] {
            let mut buffer = ReadBuf::new(&mut opening[opened..]);
            poll_fn(|context| Pin::new(&mut *self).poll_read(context, &mut buffer)).await?;
            match buffer.filled().len() {
                0 => break,
                more => opened += more,
            }
        }
        (self.opening, self.opened) = (opening, opened);
        if opening == *PREFACE {
            self.multiplex();
        }
        Ok(self.multiplexed)
    }

    /// The connection is one of HTTP/2.
    pub(crate) fn multiplex(&mut self) {
        self.multiplexed = true;
        self.phase.head.store(false, Relaxed);
    }

    /// Gives the first bytes again.
    fn reopen(&mut self, buffer: &mut ReadBuf<'_>) {
        let given = self.opened.min(buffer.remaining());
        buffer.put_slice(&self.opening[..given]);
        self.opening.copy_within(given.., 0);
        self.opened -= given;
    }

    /// Pending until the time of the phase is over, then an error.
    fn poll_alarm<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let now = self.phase.now();
        if now == Now::Busy {
            self.seen = now;
            return Poll::Pending;
        }
        if now != self.seen {
            self.seen = now;
            self.since = Instant::now();
        }
        let head = now == Now::Head;
        let deadline = self.since
            + if head {
                self.header_read_timeout
            } else {
                self.idle_timeout
            };
        if self.alarm.deadline() > deadline {
            self.alarm.as_mut().reset(deadline);
        }
        while self.alarm.as_mut().poll(context).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    fn spoil(
        &mut self,
        effect: Effect,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let spoiled = self.spoiled.get_or_insert_with(|| Spoiled::new(effect));
        spoiled.poll_write(&mut self.stream, context, buffer)
    }

    fn written(
        &mut self,
        outcome: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if outcome.is_pending() {
            return self.poll_alarm(context);
        }
        self.since = Instant::now();
        outcome
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.opened > 0 {
            self.reopen(buffer);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        if outcome.is_pending() {
            return self.poll_alarm(context);
        }
        // Frames of HTTP/2 may come at any time: they are no sign of a request.
        let begins = buffer.filled().len() > before && !self.multiplexed;
        if begins && self.phase.now() == Now::Idle {
            self.phase.head.store(true, Relaxed);
        }
        outcome
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = match self.phase.ordered() {
            None => Pin::new(&mut self.stream).poll_write(context, buffer),
            Some(effect) => self.spoil(effect, context, buffer),
        };
        self.written(outcome, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.phase.ordered().is_some() {
            let first = buffers.iter().find(|it| !it.is_empty());
            return self.poll_write(context, first.map_or(&[], |it| it));
        }
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.written(outcome, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
