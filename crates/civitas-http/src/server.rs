//! Connections: accepting them within a bound, closing the ones that do nothing, and
//! draining them at shutdown.

use std::{
    convert::Infallible,
    future::Future,
    io,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use http::Request;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, watch},
    time::timeout,
};

use crate::{
    app::{App, Surface},
    feed, job,
    peer::Peer,
    settings::HttpLimits,
    stream::{Protocol, Stream},
    tls::Acceptor,
    watched::{Phase, Watched},
};

/// How long to wait before accepting again when the system is out of file descriptors or
/// memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Bytes of a request body that may come before they are read, of one HTTP/2 stream and of
/// all streams of a connection; bytes of an answer that are held for a slow reader.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
const SEND_BUFFER: usize = 64 * 1024;

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
    let limits = app.settings.limits;
    let tls = app.settings.tls.as_ref();
    let tls = tls.map(|it| it.acceptor(limits.http2));
    let (stop, stopped) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    let jobs = tokio::spawn(job::resume(app.clone()));
    let push = tokio::spawn(feed::push(app.clone()));
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            (stream, permit) = accept(&listener, &app) => {
                let tls = tls.clone();
                tokio::spawn(connection(app.clone(), stream, tls, permit, stopped.clone()));
            }
        }
    }
    drop(listener);
    drop(stop);
    app.stop();
    jobs.abort();
    push.abort();
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
    tls: Option<Acceptor>,
    permit: OwnedSemaphorePermit,
    mut stopped: watch::Receiver<()>,
) {
    let (Ok(local), Ok(peer), Ok(())) = (
        stream.local_addr(),
        stream.peer_addr(),
        stream.set_nodelay(true),
    ) else {
        return;
    };
    let limits = app.settings.limits;
    let phase = Arc::new(Phase::default());
    let opening = async {
        let acceptor = tls.as_ref().map(|it| &it.tls);
        let stream = Stream::open(stream, acceptor, limits.header_read_timeout).await?;
        let clients = tls.as_ref().and_then(|it| it.clients.as_ref());
        let now = (app.settings.clock)();
        let shown = clients.and_then(|it| Peer::of(stream.shown(), it.as_ref(), now));
        let protocol = stream.protocol();
        let mut stream = Watched::new(stream, phase.clone(), &limits);
        let http2 = match protocol {
            Protocol::Opening => limits.http2.includes(peer.ip()) && stream.opens_http2().await?,
            Protocol::Http1 => false,
            Protocol::Http2 => {
                stream.multiplex();
                true
            }
        };
        Ok((stream, http2, shown.map(Arc::new)))
    };
    let opened: io::Result<(Watched, bool, Option<Arc<Peer>>)> = tokio::select! {
        opened = opening => opened,
        _ = stopped.changed() => return,
    };
    let (stream, http2, shown) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            tracing::debug!(%error, "a connection was not opened");
            return;
        }
    };
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (app, phase) = (app.clone(), phase.clone());
        if let Some(peer) = &shown {
            request.extensions_mut().insert(Arc::clone(peer));
        }
        // Boxed, so that an idle connection does not hold the space of a busy one.
        Box::pin(async move {
            let _work = phase.work();
            let response = app.answer(request, local).await;
            if let Some(effect) = response.extensions().get() {
                phase.order(*effect);
            }
            Ok::<_, Infallible>(response)
        })
    });
    let io = TokioIo::new;
    let outcome = if http2 {
        let connection = http2_builder(&limits).serve_connection(io(stream), service);
        drained(connection, http2::Connection::graceful_shutdown, stopped).await
    } else {
        let connection = http1_builder(&limits).serve_connection(io(stream), service);
        drained(connection, http1::Connection::graceful_shutdown, stopped).await
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(permit);
}

/// A connection to its end, which `shutdown` brings near when the server stops.
async fn drained<C: Future>(
    connection: C,
    shutdown: fn(Pin<&mut C>),
    mut stopped: watch::Receiver<()>,
) -> C::Output {
    let mut connection = pin!(connection);
    tokio::select! {
        outcome = connection.as_mut() => outcome,
        _ = stopped.changed() => {
            shutdown(connection.as_mut());
            connection.await
        }
    }
}

fn http1_builder(limits: &HttpLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .header_read_timeout(None)
        .max_buf_size((limits.header_bytes * 4).max(MIN_BUFFER));
    builder
}

/// Bounds on what one HTTP/2 connection may hold beside those on each request: streams, the
/// bytes of header lists, and the bytes on their way in and out.
fn http2_builder(limits: &HttpLimits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .max_concurrent_streams(limits.max_streams)
        .max_header_list_size(u32::try_from(limits.header_bytes * 4).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER);
    builder
}
