//! Certificates by which clients prove themselves: as much of them as is looked at here. Whether
//! anybody vouches for one is checked where connections are opened.

use jiff::{civil::DateTime, tz::Offset};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use yasna::{ASN1Error, ASN1ErrorKind, BERReader, Tag};

use super::name::DistinguishedName;
use crate::record::Timestamp;

/// A certificate (RFC 5280 §4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Whom it is of; `None` if that is longer than names may be, or empty.
    pub subject: Option<DistinguishedName>,
    /// The first instant at which it is valid.
    pub begins: Timestamp,
    /// The last one.
    pub ends: Timestamp,
}

impl Certificate {
    /// Reads a certificate in DER; `None` if it is none.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let certificate = yasna::parse_der(der, |reader| {
            reader.read_sequence(|reader| {
                let certificate = signed(reader.next())?;
                // Algorithm and signature.
                reader.next().read_der()?;
                reader.next().read_der()?;
                Ok(certificate)
            })
        });
        certificate.ok()
    }

    /// Reads the first certificate of a text (`BEGIN CERTIFICATE`, RFC 7468 §5).
    pub fn from_pem(text: &[u8]) -> Option<Self> {
        Self::from_der(&CertificateDer::from_pem_slice(text).ok()?)
    }

    /// Whether it is valid at the instant.
    pub fn is_valid(&self, at: Timestamp) -> bool {
        (self.begins..=self.ends).contains(&at.second())
    }
}

/// `TBSCertificate`: what is signed.
fn signed(reader: BERReader<'_, '_>) -> Result<Certificate, ASN1Error> {
    reader.read_sequence(|reader| {
        let _version = reader.read_optional(|it| it.read_tagged(Tag::context(0), whole))?;
        let _serial_number = reader.next().read_der()?;
        let _algorithm = reader.next().read_der()?;
        let _issuer = reader.next().read_der()?;
        let (begins, ends) = reader
            .next()
            .read_sequence(|times| Ok((time(times.next())?, time(times.next())?)))?;
        let subject = DistinguishedName::read(reader.next())?;
        let _public_key = reader.next().read_der()?;
        // Identifiers of before, and extensions.
        while reader.read_optional(whole)?.is_some() {}
        Ok(Certificate {
            subject,
            begins,
            ends,
        })
    })
}

/// A value that is not looked at.
fn whole(reader: BERReader<'_, '_>) -> Result<Vec<u8>, ASN1Error> {
    reader.read_der()
}

/// `UTCTime` or `GeneralizedTime`, in the only form that certificates may have (RFC 5280
/// §4.1.2.5).
fn time(reader: BERReader<'_, '_>) -> Result<Timestamp, ASN1Error> {
    let value = reader.read_tagged_der()?;
    let text = std::str::from_utf8(value.value()).unwrap_or_default();
    let text = match value.tag().tag_number {
        // Years of two digits are those from 1950 to 2049.
        23 if text < "50" => format!("20{text}"),
        23 => format!("19{text}"),
        _ => text.to_owned(),
    };
    let instant = DateTime::strptime("%Y%m%d%H%M%SZ", &text)
        .and_then(|it| Offset::UTC.to_timestamp(it))
        .map_err(|_| ASN1Error::new(ASN1ErrorKind::Invalid))?;
    Ok(Timestamp(instant.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout
    /// /dev/null -utf8 -subj '/C=DE/O=Acme, Söhne/CN=shop' -days 9000`.
    const PEM: &[u8] = include_bytes!("certificate.pem");

    #[test]
    fn a_certificate_tells_whose_it_is_and_when() {
        let certificate = Certificate::from_pem(PEM).unwrap();
        let subject = certificate.subject.as_ref().unwrap();
        // As openssl x509 -noout -subject -nameopt RFC2253 prints it.
        assert_eq!(subject.as_str(), "CN=shop,O=Acme\\, S\\C3\\B6hne,C=DE");
        assert_eq!(certificate.begins.to_string(), "2026-11-27T21:52:07.000Z");
        assert_eq!(certificate.ends.to_string(), "2051-07-19T21:52:07.000Z");
        for (at, is_valid) in [
            ("2026-11-27T21:52:06.9Z", false),
            ("2026-11-27T21:52:07Z", true),
            ("2051-07-19T21:52:07.9Z", true),
            ("2051-07-19T21:52:08Z", false),
        ] {
            let at = Timestamp::parse(at).unwrap();
            assert_eq!(certificate.is_valid(at), is_valid, "{at}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        let der = CertificateDer::from_pem_slice(PEM).unwrap();
        for end in 0..der.len() {
            assert_eq!(Certificate::from_der(&der[..end]), None, "{end}");
        }
        for text in [
            &b""[..],
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert_eq!(Certificate::from_pem(text), None);
        }
    }
}
