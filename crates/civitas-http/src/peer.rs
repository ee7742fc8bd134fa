//! What a client shows of itself in TLS. Certificates are taken from whoever has the key to one,
//! and judged when a request comes that shows nothing else: whoever is not known hears so in HTTP,
//! in the words of the API that is called, and whoever proves itself otherwise is served whatever
//! certificate its program sends along. With TLS 1.3 the alternative, an alert, would reach a client
//! that believes its connection to be open (RFC 8446 §4.4.2.4), as a connection that ends.

use std::{sync::Arc, time::Duration};

use civitas_directory::{
    Timestamp,
    client::{Certificate, DistinguishedName},
};
use tokio_rustls::rustls::{
    DigitallySignedStruct, DistinguishedName as AuthorityName, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    pki_types::{CertificateDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use crate::refusal::Unfit;

/// Asks for certificates, and takes any whose key the client has.
#[derive(Debug)]
pub(crate) struct Asking(pub(crate) Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Asking {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[AuthorityName] {
        self.0.root_hint_subjects()
    }

    /// Decided on later: see [`Peer`].
    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// What the client at the other end of a connection has shown, and has the key to.
#[derive(Debug)]
pub(crate) struct Peer {
    /// `None` if it cannot be read.
    certificate: Option<Certificate>,
    /// Whether somebody who is trusted vouches for it.
    is_vouched_for: bool,
}

impl Peer {
    /// Judges the certificates that were shown: the client's own, then those that lead to whom it is
    /// vouched for by; `None` if there are none.
    pub(crate) fn of(
        shown: Option<&[CertificateDer<'static>]>,
        verifier: &dyn ClientCertVerifier,
        now: Timestamp,
    ) -> Option<Self> {
        let (own, others) = shown?.split_first()?;
        let certificate = Certificate::from_der(own);
        // When it is valid is looked at with each request, by the clock of its tenant.
        let at = match &certificate {
            Some(it) => now.0.clamp(it.begins.0, it.ends.0.max(it.begins.0)),
            None => now.0,
        };
        let at = Duration::from_millis(at.max(0).cast_unsigned());
        let at = UnixTime::since_unix_epoch(at);
        let judged = verifier.verify_client_cert(own, others, at);
        if let Err(error) = &judged {
            tracing::debug!(%error, "nobody vouches for the certificate of a client");
        }
        Some(Self {
            certificate,
            is_vouched_for: judged.is_ok(),
        })
    }

    /// Whose certificate it is, if it is good at the instant.
    pub(crate) fn subject(&self, at: Timestamp) -> Result<&DistinguishedName, Unfit> {
        match &self.certificate {
            Some(certificate) if self.is_vouched_for => {
                if !certificate.is_valid(at) {
                    return Err(Unfit::Outdated);
                }
                certificate.subject.as_ref().ok_or(Unfit::Unknown)
            }
            _ => Err(Unfit::Untrusted),
        }
    }
}
