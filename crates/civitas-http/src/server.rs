//! Connections: accepting them within a bound, closing the ones that do nothing, and
//! draining them at shutdown.

use std::{
    convert::Infallible,
    future::Future,
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, Sleep, sleep, timeout},
};

use crate::{
    app::{App, Surface},
    settings::HttpLimits,
};

/// How long to wait before accepting again when the system is out of file descriptors or
/// memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The smallest read buffer a connection may be limited to.
const MIN_BUFFER: usize = 8 * 1024;

/// Serves connections until `shutdown` completes, then lets the requests in work end, no
/// longer than [`HttpLimits::drain_timeout`].
///
/// # Errors
/// None today: a connection that cannot be accepted is no reason to stop.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let App(app) = app;
    let (stop, stopped) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            (stream, permit) = accept(&listener, &app) => {
                tokio::spawn(connection(app.clone(), stream, permit, stopped.clone()));
            }
        }
    }
    drop(listener);
    drop(stop);
    let all = u32::try_from(app.settings.limits.max_connections).unwrap_or(u32::MAX);
    let drained = app.connections().acquire_many(all);
    if timeout(app.settings.limits.drain_timeout, drained)
        .await
        .is_err()
    {
        tracing::warn!(
            connections = app.load().1,
            "connections were cut off at shutdown"
        );
    }
    Ok(())
}

/// The next connection, once there is a place for it.
async fn accept(listener: &TcpListener, app: &Surface) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        // The semaphore is never closed.
        let Ok(permit) = app.connections().clone().acquire_owned().await else {
            continue;
        };
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One connection to its end. `stopped` changes (its sender goes) when the server stops.
async fn connection(
    app: Arc<Surface>,
    stream: TcpStream,
    permit: OwnedSemaphorePermit,
    mut stopped: watch::Receiver<()>,
) {
    let (Ok(local), Ok(())) = (stream.local_addr(), stream.set_nodelay(true)) else {
        return;
    };
    let limits = app.settings.limits;
    let phase = Arc::new(Phase::default());
    let io = TokioIo::new(Watched::new(stream, phase.clone(), &limits));
    let service = service_fn(move |request| {
        let (app, phase) = (app.clone(), phase.clone());
        // Boxed, so that an idle connection does not hold the space of a busy one.
        Box::pin(async move {
            phase.set(Phase::BUSY);
            let response = app.answer(request, local).await;
            phase.set(Phase::IDLE);
            Ok::<_, Infallible>(response)
        })
    });
    let mut connection = pin!(
        http1::Builder::new()
            .header_read_timeout(None)
            .max_buf_size((limits.header_bytes * 4).max(MIN_BUFFER))
            .serve_connection(io, service)
    );
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(permit);
}

/// What a connection is doing, as far as its time limits care.
#[derive(Debug, Default)]
struct Phase(AtomicU8);

impl Phase {
    /// Nothing: a new request may begin.
    const IDLE: u8 = 0;
    /// Part of the header fields is there.
    const HEAD: u8 = 1;
    /// A request is in work, under the limits of its own.
    const BUSY: u8 = 2;

    fn set(&self, phase: u8) {
        self.0.store(phase, Relaxed);
    }

    fn get(&self) -> u8 {
        self.0.load(Relaxed)
    }
}

/// A stream that ends with an error when nothing happens for too long. One timer serves it
/// for its whole life; it is set anew only when it goes off or would go off too late.
struct Watched {
    stream: TcpStream,
    phase: Arc<Phase>,
    /// The phase when last looked at, and when it or the last progress in it was seen.
    seen: u8,
    since: Instant,
    alarm: Pin<Box<Sleep>>,
    header_read_timeout: Duration,
    idle_timeout: Duration,
}

impl Watched {
    fn new(stream: TcpStream, phase: Arc<Phase>, limits: &HttpLimits) -> Self {
        Self {
            stream,
            phase,
            seen: Phase::IDLE,
            since: Instant::now(),
            alarm: Box::pin(sleep(limits.header_read_timeout.min(limits.idle_timeout))),
            header_read_timeout: limits.header_read_timeout,
            idle_timeout: limits.idle_timeout,
        }
    }

    /// Pending until the time of the phase is over, then an error.
    fn poll_alarm<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let phase = self.phase.get();
        if phase == Phase::BUSY {
            self.seen = phase;
            return Poll::Pending;
        }
        if phase != self.seen {
            self.seen = phase;
            self.since = Instant::now();
        }
        let head = phase == Phase::HEAD;
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
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        if outcome.is_pending() {
            return self.poll_alarm(context);
        }
        if buffer.filled().len() > before && self.phase.get() == Phase::IDLE {
            self.phase.set(Phase::HEAD);
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
        let outcome = Pin::new(&mut self.stream).poll_write(context, buffer);
        self.written(outcome, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
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
