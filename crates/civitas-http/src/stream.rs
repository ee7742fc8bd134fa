//! The bytes of a connection, in clear text or through TLS.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, rustls::pki_types::CertificateDer, server::TlsStream};

use crate::tls;

/// What a client hears that speaks HTTP in clear text where TLS is spoken.
const NOT_CLEAR: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\
    Content-Length: 64\r\nConnection: close\r\n\r\n\
    this port speaks HTTPS: ask again with https:// in place of it\r\n";

/// Bytes of its request that are read so that it sees the answer, and for how long.
const DISCARDED: u64 = 64 * 1024;
const DISCARDING: Duration = Duration::from_secs(1);

/// How the protocol of a connection is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// By what the client sends first.
    Opening,
    /// It was agreed on.
    Http1,
    /// It was agreed on.
    Http2,
}

/// An open connection.
pub(crate) enum Stream {
    Clear(TcpStream),
    // Boxed, for it is much larger.
    Encrypted(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Opens a connection that was accepted, within that time where TLS is spoken.
    pub(crate) async fn open(
        tcp: TcpStream,
        tls: Option<&TlsAcceptor>,
        patience: Duration,
    ) -> io::Result<Self> {
        match tls {
            None => Ok(Self::Clear(tcp)),
            Some(tls) => timeout(patience, Self::encrypt(tcp, tls)).await?,
        }
    }

    async fn encrypt(tcp: TcpStream, tls: &TlsAcceptor) -> io::Result<Self> {
        // TLS begins with the number of a type of records (RFC 8446 §5.1), HTTP with a method.
        let mut first = [0];
        if tcp.peek(&mut first).await? == 1 && first[0].is_ascii_uppercase() {
            refuse_clear_text(tcp).await?;
            let text = "HTTP in clear text where TLS is spoken";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let stream = tls.accept(tcp).await?;
        Ok(Self::Encrypted(Box::new(stream)))
    }

    pub(crate) fn protocol(&self) -> Protocol {
        match self {
            Self::Clear(_) => Protocol::Opening,
            Self::Encrypted(stream) if tls::is_http2(stream.get_ref().1.alpn_protocol()) => {
                Protocol::Http2
            }
            Self::Encrypted(_) => Protocol::Http1,
        }
    }

    /// The certificates that the client has shown: its own, then those that vouch for it.
    pub(crate) fn shown(&self) -> Option<&[CertificateDer<'static>]> {
        match self {
            Self::Clear(_) => None,
            Self::Encrypted(stream) => stream.get_ref().1.peer_certificates(),
        }
    }

    /// Has the connection reset when it is closed.
    pub(crate) fn set_zero_linger(&self) -> io::Result<()> {
        match self {
            Self::Clear(stream) => stream.set_zero_linger(),
            Self::Encrypted(stream) => stream.get_ref().0.set_zero_linger(),
        }
    }
}

/// Says what is wrong, and lets the client read it: closing with unread bytes would reset the
/// connection.
async fn refuse_clear_text(mut tcp: TcpStream) -> io::Result<()> {
    tcp.write_all(NOT_CLEAR).await?;
    tcp.shutdown().await?;
    let mut rest = tcp.take(DISCARDED);
    let _ = timeout(
        DISCARDING,
        tokio::io::copy(&mut rest, &mut tokio::io::sink()),
    )
    .await;
    Ok(())
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Encrypted(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_write(context, buffer),
            Self::Encrypted(stream) => Pin::new(stream).poll_write(context, buffer),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_write_vectored(context, buffers),
            Self::Encrypted(stream) => Pin::new(stream).poll_write_vectored(context, buffers),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Clear(stream) => stream.is_write_vectored(),
            Self::Encrypted(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_flush(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_as_long_as_it_says() {
        let text = std::str::from_utf8(NOT_CLEAR).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
    }
}
