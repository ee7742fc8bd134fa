//! TLS as the server speaks it: what it shows of itself, and which protocols it offers. Where a
//! certificate comes from is the business of whoever composes the server.

use std::sync::Arc;

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        Error, InconsistentKeys, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    },
};

use crate::settings::Http2;

/// Protocols by their names in ALPN (RFC 7301, RFC 9113 §3.1), best first.
const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// A certificate with its key: what a server needs to speak TLS.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

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
}

impl Tls {
    /// From PEM: the server's certificate followed by those that vouch for it, and its private
    /// key (PKCS#8, PKCS#1 or SEC 1, not encrypted).
    ///
    /// # Errors
    /// Says which of the two is wrong, and what is.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, Unusable> {
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
        // Clients show no certificates; this is where a verifier of them would go.
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unusable)?;
        Ok(Self(Arc::new(config)))
    }

    /// Takes connections, and offers HTTP/2 where it is spoken at all.
    pub(crate) fn acceptor(&self, http2: Http2) -> TlsAcceptor {
        let mut config = ServerConfig::clone(&self.0);
        config.alpn_protocols = match http2 {
            Http2::Off => vec![HTTP1.to_vec()],
            Http2::Loopback | Http2::Everywhere => vec![HTTP2.to_vec(), HTTP1.to_vec()],
        };
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Whether the protocol that client and server agreed on is HTTP/2.
pub(crate) fn is_http2(agreed: Option<&[u8]>) -> bool {
    agreed == Some(HTTP2)
}
