//! TLS as the server speaks it: what it shows of itself, which protocols it offers, and whether it
//! asks clients for certificates. Where a certificate comes from is the business of whoever composes
//! the server; what a client has shown is judged in [`crate::peer`].

use std::sync::Arc;

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        Error, InconsistentKeys, RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
        server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    },
};

use crate::{peer::Asking, settings::Http2};

/// Protocols by their names in ALPN (RFC 7301, RFC 9113 §3.1), best first.
const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// A certificate with its key: what a server needs to speak TLS; and whom it trusts to vouch for
/// clients.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
}

/// Opens connections.
#[derive(Clone)]
pub(crate) struct Acceptor {
    pub(crate) tls: TlsAcceptor,
    /// Checks who vouches for the certificates of clients, where they are asked for.
    pub(crate) clients: Option<Arc<dyn ClientCertVerifier>>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls(…)")
    }
}

/// Why a certificate or its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Something is wrong with the certificate or those that vouch for it.
    #[error("{0}")]
    Certificate(String),
    /// Something is wrong with the key.
    #[error("{0}")]
    Key(String),
    /// Something is wrong with those who vouch for clients.
    #[error("{0}")]
    Authorities(String),
}

impl Tls {
    /// From PEM: the server's certificate followed by those that vouch for it, and its private
    /// key (PKCS#8, PKCS#1 or SEC 1, not encrypted). Clients are asked for certificates if there are
    /// authorities that may vouch for them.
    ///
    /// # Errors
    /// Says which of these is wrong, and what is.
    pub fn from_pem(
        chain: &[u8],
        key: &[u8],
        authorities: Option<&[u8]>,
    ) -> Result<Self, Unusable> {
        let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| Unusable::Certificate(format!("not PEM: {error}")))?;
        if chain.is_empty() {
            let text = "there is no certificate in it (-----BEGIN CERTIFICATE-----)";
            return Err(Unusable::Certificate(text.into()));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
            Unusable::Key(match error {
                pem::Error::NoItemsFound => "there is no private key in it \
                    (-----BEGIN PRIVATE KEY-----); encrypted ones are not read"
                    .into(),
                error => format!("not PEM: {error}"),
            })
        })?;
        let unusable = |error: Error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                Unusable::Key("it is not the key of the certificate".into())
            }
            Error::InvalidCertificate(_) => Unusable::Certificate(error.to_string()),
            error => Unusable::Key(error.to_string()),
        };
        let clients = authorities.map(verifier).transpose()?;
        let asked: Arc<dyn ClientCertVerifier> = match &clients {
            Some(clients) => Arc::new(Asking(Arc::clone(clients))),
            None => WebPkiClientVerifier::no_client_auth(),
        };
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_client_cert_verifier(asked)
            .with_single_cert(chain, key)
            .map_err(unusable)?;
        Ok(Self {
            config: Arc::new(config),
            clients,
        })
    }

    /// Takes connections, and offers HTTP/2 where it is spoken at all.
    pub(crate) fn acceptor(&self, http2: Http2) -> Acceptor {
        let mut config = ServerConfig::clone(&self.config);
        config.alpn_protocols = match http2 {
            Http2::Off => vec![HTTP1.to_vec()],
            Http2::Loopback | Http2::Everywhere => vec![HTTP2.to_vec(), HTTP1.to_vec()],
        };
        Acceptor {
            tls: TlsAcceptor::from(Arc::new(config)),
            clients: self.clients.clone(),
        }
    }
}

/// Checks that one of the authorities vouches for a certificate.
fn verifier(authorities: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, Unusable> {
    let refused = |why: &dyn std::fmt::Display| Unusable::Authorities(why.to_string());
    let mut trusted = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(authorities) {
        let authority = authority.map_err(|error| refused(&format!("not PEM: {error}")))?;
        trusted.add(authority).map_err(|error| refused(&error))?;
    }
    if trusted.is_empty() {
        let text = "there is no certificate in it (-----BEGIN CERTIFICATE-----)";
        return Err(refused(&text));
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(trusted), provider);
    verifier.build().map_err(|error| refused(&error))
}

/// Whether the protocol that client and server agreed on is HTTP/2.
pub(crate) fn is_http2(agreed: Option<&[u8]>) -> bool {
    agreed == Some(HTTP2)
}
