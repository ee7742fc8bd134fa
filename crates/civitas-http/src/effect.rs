//! What may be ordered to happen to a connection while it carries an answer.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::AsyncWrite,
    time::{Instant, Sleep, sleep},
};

use crate::stream::Stream;

/// Bytes that drip at a time.
const DROP_BYTES: usize = 16;

/// What the head of an HTTP/1.1 answer ends with.
const HEAD_END: &[u8; 4] = b"\r\n\r\n";

/// What happens to the connection. Only [`Effect::Drip`] leaves it good for another answer,
/// which then drips too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It is reset; nothing of the answer is sent.
    Reset,
    /// It is closed; nothing of the answer is sent.
    Close,
    /// It is closed after so many bytes of the body.
    Cut {
        /// How many.
        bytes: usize,
    },
    /// The answer is sent in small pieces.
    Drip {
        /// Milliseconds between two of them.
        pause_ms: u64,
    },
}

/// Writes under an effect.
#[derive(Debug)]
pub(crate) struct Spoiled {
    effect: Effect,
    /// Bytes of [`HEAD_END`] that were seen.
    ending: usize,
    body: usize,
    pause: Pin<Box<Sleep>>,
}

impl Spoiled {
    pub(crate) fn new(effect: Effect) -> Self {
        Self {
            effect,
            ending: 0,
            body: 0,
            pause: Box::pin(sleep(Duration::ZERO)),
        }
    }

    /// Writes as much as the effect leaves.
    pub(crate) fn poll_write(
        &mut self,
        stream: &mut Stream,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let most = match self.effect {
            Effect::Reset => {
                stream.set_zero_linger()?;
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            Effect::Close => 0,
            Effect::Cut { bytes } => self.before(buffer, bytes),
            Effect::Drip { .. } => {
                ready!(self.pause.as_mut().poll(context));
                buffer.len().min(DROP_BYTES)
            }
        };
        if most == 0 {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let written = ready!(Pin::new(stream).poll_write(context, &buffer[..most]))?;
        self.pass(&buffer[..written]);
        if let Effect::Drip { pause_ms } = self.effect {
            let next = Instant::now() + Duration::from_millis(pause_ms);
            self.pause.as_mut().reset(next);
        }
        Poll::Ready(Ok(written))
    }

    /// How much of the buffer comes before so many bytes of the body are over.
    fn before(&self, buffer: &[u8], bytes: usize) -> usize {
        let mut ending = self.ending;
        let head = buffer
            .iter()
            .take_while(|byte| {
                let within = ending < HEAD_END.len();
                ending = step(ending, **byte);
                within
            })
            .count();
        buffer.len().min(head + bytes.saturating_sub(self.body))
    }

    fn pass(&mut self, written: &[u8]) {
        for byte in written {
            if self.ending == HEAD_END.len() {
                self.body += 1;
            } else {
                self.ending = step(self.ending, *byte);
            }
        }
    }
}

fn step(ending: usize, byte: u8) -> usize {
    match HEAD_END.get(ending) {
        None => ending,
        Some(next) if *next == byte => ending + 1,
        Some(_) => usize::from(byte == HEAD_END[0]),
    }
}
