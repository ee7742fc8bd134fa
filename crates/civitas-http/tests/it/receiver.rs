//! A receiver of pushed event tokens, in clear text or over TLS.

use std::{
    collections::VecDeque,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

/// What a request brought.
#[derive(Debug, Clone)]
pub(crate) struct Pushed {
    pub(crate) head: String,
    pub(crate) token: String,
}

/// Takes what it is sent, and answers as it is told to, else with 202.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    pushed: Arc<Mutex<Vec<Pushed>>>,
    answers: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        Self::serve(None)
    }

    /// With a certificate for `localhost` by the authority of `tls/authority.pem`.
    pub(crate) fn over_tls() -> Self {
        let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/receiver.pem"));
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/receiver.key"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.unwrap()], key.unwrap());
        Self::serve(Some(Arc::new(config.unwrap())))
    }

    fn serve(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            pushed: Arc::default(),
            answers: Arc::default(),
        };
        let (pushed, answers) = (receiver.pushed.clone(), receiver.answers.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let time = Some(Duration::from_secs(5));
                stream.set_read_timeout(time).unwrap();
                match &tls {
                    None => exchange(stream, &pushed, &answers),
                    Some(config) => {
                        let connection = ServerConnection::new(config.clone()).unwrap();
                        let stream = StreamOwned::<_, TcpStream>::new(connection, stream);
                        exchange(stream, &pushed, &answers);
                    }
                }
            }
        });
        receiver
    }

    pub(crate) fn answer_next(&self, answers: &[(u16, &'static str)]) {
        self.answers.lock().unwrap().extend(answers);
    }

    pub(crate) fn pushed(&self) -> Vec<Pushed> {
        self.pushed.lock().unwrap().clone()
    }

    /// What was pushed once there are so many.
    pub(crate) async fn pushes(&self, many: usize) -> Vec<Pushed> {
        for _ in 0..2_000 {
            let pushed = self.pushed();
            if pushed.len() >= many {
                return pushed;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{many} pushes were awaited: {:?}", self.pushed());
    }
}

fn exchange(
    mut stream: impl Read + Write,
    pushed: &Mutex<Vec<Pushed>>,
    answers: &Mutex<VecDeque<(u16, &'static str)>>,
) {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        let mut some = [0; 4096];
        match stream.read(&mut some) {
            Ok(read) if read > 0 => bytes.extend_from_slice(&some[..read]),
            _ => return,
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let head = head.to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap();
    let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
    let mut token = bytes[head_end..].to_vec();
    let have = token.len();
    token.resize(length, 0);
    stream.read_exact(&mut token[have..]).unwrap();
    let token = String::from_utf8(token).unwrap();
    pushed.lock().unwrap().push(Pushed { head, token });
    let next = answers.lock().unwrap().pop_front();
    let (status, body) = next.unwrap_or((202, ""));
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    let _ = stream.write_all(answer.as_bytes());
    let _ = stream.flush();
}
