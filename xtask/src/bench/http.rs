//! As little HTTP/1.1 client as a load generator needs: one keep-alive
//! connection, requests as bytes, answers as a status and a skipped body.

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Bytes read at once; the head of an answer must fit.
const BUFFER_BYTES: usize = 64 * 1024;
/// Header fields that one answer may carry.
const MAX_FIELDS: usize = 64;

/// Appends a request with a bearer token and, where not empty, a SCIM body.
pub(super) fn write_request(
    out: &mut Vec<u8>,
    method: &str,
    target: &str,
    token: &str,
    body: &[u8],
) {
    // Writing to a `Vec` cannot fail.
    let _ = write!(
        out,
        "{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\
         accept: application/scim+json\r\n"
    );
    if !body.is_empty() {
        let length = body.len();
        let _ = write!(
            out,
            "content-type: application/scim+json\r\ncontent-length: {length}\r\n"
        );
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
}

/// Writes `text` as the value of a query parameter (RFC 3986 §2.1).
pub(super) fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.push(b"0123456789ABCDEF"[usize::from(digit)] as char);
            }
        }
    }
    out
}

/// Where the body of an answer ends (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq)]
enum Framing {
    Length(usize),
    Chunked,
}

struct Head {
    status: u16,
    framing: Framing,
    close: bool,
}

/// A connection that is opened again when the server has closed it.
pub(super) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        let mut connection = Self {
            address,
            stream: None,
            buffer,
            start: 0,
            end: 0,
        };
        connection.reopen().await?;
        Ok(connection)
    }

    /// Sends `request` and reads the whole answer; its body is dropped.
    pub(super) async fn send(&mut self, request: &[u8]) -> io::Result<u16> {
        self.exchange(request, None).await
    }

    /// Sends `request` and returns the answer with its body.
    pub(super) async fn fetch(&mut self, request: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        let mut body = Vec::new();
        let status = self.exchange(request, Some(&mut body)).await?;
        Ok((status, body))
    }

    async fn exchange(&mut self, request: &[u8], sink: Option<&mut Vec<u8>>) -> io::Result<u16> {
        if self.stream.is_none() {
            self.reopen().await?;
        }
        let answer = self.try_exchange(request, sink).await;
        // After a failure nobody knows where the next answer begins.
        if !matches!(answer, Ok(Head { close: false, .. })) {
            self.stream = None;
        }
        answer.map(|head| head.status)
    }

    async fn try_exchange(
        &mut self,
        request: &[u8],
        mut sink: Option<&mut Vec<u8>>,
    ) -> io::Result<Head> {
        self.stream()?.write_all(request).await?;
        let head = self.head().await?;
        match head.framing {
            Framing::Length(length) => self.body(length, &mut sink).await?,
            Framing::Chunked => loop {
                let length = self.chunk_length().await?;
                self.body(length, &mut sink).await?;
                self.line_end().await?;
                if length == 0 {
                    break;
                }
            },
        }
        Ok(head)
    }

    async fn reopen(&mut self) -> io::Result<()> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        (self.stream, self.start, self.end) = (Some(stream), 0, 0);
        Ok(())
    }

    fn stream(&mut self) -> io::Result<&mut TcpStream> {
        self.stream
            .as_mut()
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    async fn head(&mut self) -> io::Result<Head> {
        loop {
            if let Some((length, head)) = parse_head(&self.buffer[self.start..self.end])? {
                self.start += length;
                return Ok(head);
            }
            self.fill().await?;
        }
    }

    /// Takes `length` bytes of body.
    async fn body(&mut self, length: usize, sink: &mut Option<&mut Vec<u8>>) -> io::Result<()> {
        let mut left = length;
        loop {
            let taken = left.min(self.end - self.start);
            if let Some(sink) = sink {
                sink.extend_from_slice(&self.buffer[self.start..self.start + taken]);
            }
            self.start += taken;
            left -= taken;
            if left == 0 {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    async fn chunk_length(&mut self) -> io::Result<usize> {
        loop {
            match httparse::parse_chunk_size(&self.buffer[self.start..self.end]) {
                Ok(httparse::Status::Complete((taken, length))) => {
                    self.start += taken;
                    return usize::try_from(length).map_err(|_| invalid("chunk too large"));
                }
                Ok(httparse::Status::Partial) => self.fill().await?,
                Err(_) => return Err(invalid("chunk size")),
            }
        }
    }

    /// The line end after a chunk. Trailer fields are not expected.
    async fn line_end(&mut self) -> io::Result<()> {
        while self.end - self.start < 2 {
            self.fill().await?;
        }
        if &self.buffer[self.start..self.start + 2] != b"\r\n" {
            return Err(invalid("chunk end"));
        }
        self.start += 2;
        Ok(())
    }

    async fn fill(&mut self) -> io::Result<()> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            return Err(invalid("head too large"));
        }
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        match stream.read(&mut self.buffer[self.end..]).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.end += read;
                Ok(())
            }
        }
    }
}

/// The length and meaning of a complete head, `None` while it is not complete.
fn parse_head(bytes: &[u8]) -> io::Result<Option<(usize, Head)>> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    };
    let status = response.code.ok_or_else(|| invalid("no status"))?;
    let mut framing = matches!(status, 204 | 304).then_some(Framing::Length(0));
    let mut close = false;
    for field in response.headers.iter() {
        if field.name.eq_ignore_ascii_case("content-length") && framing.is_none() {
            let text = str::from_utf8(field.value).map_err(|_| invalid("content-length"))?;
            let length = text.trim().parse().map_err(|_| invalid("content-length"))?;
            framing = Some(Framing::Length(length));
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") && framing.is_none() {
            framing = Some(Framing::Chunked);
        } else if field.name.eq_ignore_ascii_case("connection") {
            close = field.value.eq_ignore_ascii_case(b"close");
        }
    }
    let framing = framing.ok_or_else(|| invalid("an answer without a length"))?;
    Ok(Some((
        length,
        Head {
            status,
            framing,
            close,
        },
    )))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Accepts one connection per script and writes it in pieces of `piece` bytes.
    async fn scripted(answers: Vec<&'static str>, piece: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut request = [0; 1024];
                assert_ne!(stream.read(&mut request).await.unwrap(), 0);
                for part in answer.as_bytes().chunks(piece) {
                    stream.write_all(part).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        address
    }

    #[tokio::test]
    async fn bodies_end_where_the_framing_says() {
        for (answer, expected) in [
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
                Some((200, "hello")),
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
                Some((200, "hello")),
            ),
            ("HTTP/1.1 204 No Content\r\n\r\n", Some((204, ""))),
            (
                "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
                Some((404, "")),
            ),
            ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello", None),
            ("HTTP/1.1 200 OK\r\n\r\nhello", None),
        ] {
            for piece in [1, 7, 1024] {
                let address = scripted(vec![answer], piece).await;
                let mut connection = Connection::open(address).await.unwrap();
                let got = connection.fetch(b"GET / HTTP/1.1\r\n\r\n").await.ok();
                let got = got.map(|(status, body)| (status, String::from_utf8(body).unwrap()));
                let got = got.as_ref().map(|(status, body)| (*status, body.as_str()));
                assert_eq!(got, expected, "{answer:?} in pieces of {piece}");
            }
        }
    }

    #[tokio::test]
    async fn a_closed_connection_is_opened_again() {
        let close = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
        let address = scripted(vec![close, close], 1024).await;
        let mut connection = Connection::open(address).await.unwrap();
        for _ in 0..2 {
            assert_eq!(
                connection.send(b"GET / HTTP/1.1\r\n\r\n").await.unwrap(),
                200
            );
        }
    }

    #[test]
    fn filters_are_percent_encoded() {
        assert_eq!(
            percent_encoded(r#"userName eq "a@b""#),
            "userName%20eq%20%22a%40b%22"
        );
    }
}
