//! The certificate that a server shows: from files, or made by development mode for itself.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use civitas_http::{Tls, Unusable};
use jiff::ToSpan as _;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

use crate::failure::Failure;

/// What the certificate of development mode is for.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The key of the configuration that names who vouches for clients.
const OF_AUTHORITIES: &str = "tls.client_authorities";

/// Days that it is good for, which is what clients accept at most, and days until a new one is
/// made in its place.
const GOOD: i32 = 825;
const KEPT: u64 = 800;

/// Reads a certificate and its key, and whom is trusted to vouch for clients. An error is key, file
/// and what is wrong.
pub(crate) fn read(
    certificate: &Path,
    key: &Path,
    authorities: Option<&Path>,
) -> Result<Tls, (&'static str, PathBuf, String)> {
    let of = |what, file: &Path, why| (what, file.to_owned(), why);
    let (of_certificate, of_key) = ("tls.certificate", "tls.key");
    let unread =
        |what, file: &Path, error: io::Error| of(what, file, format!("cannot read it: {error}"));
    let chain = fs::read(certificate).map_err(|it| unread(of_certificate, certificate, it))?;
    let secret = fs::read(key).map_err(|it| unread(of_key, key, it))?;
    let trusted =
        authorities.map(|file| fs::read(file).map_err(|it| unread(OF_AUTHORITIES, file, it)));
    let trusted = trusted.transpose()?;
    Tls::from_pem(&chain, &secret, trusted.as_deref()).map_err(|error| match error {
        Unusable::Certificate(why) => of(of_certificate, certificate, why),
        Unusable::Key(why) => of(of_key, key, why),
        Unusable::Authorities(why) => of(OF_AUTHORITIES, authorities.unwrap_or(certificate), why),
    })
}

/// The certificate of development mode, which vouches for itself.
pub(crate) struct Development {
    /// The file to trust.
    pub(crate) certificate: PathBuf,
    key: PathBuf,
}

impl Development {
    /// That of a data folder, which is made if there is none or it is old.
    pub(crate) fn of(folder: &Path) -> Result<Self, Failure> {
        // Named in full, for programs that are started elsewhere.
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let it = Self {
            certificate: folder.join("development-certificate.pem"),
            key: folder.join("development-key.pem"),
        };
        if !it.is_fresh() {
            it.make()?;
        }
        Ok(it)
    }

    /// What is told where there is no data folder to keep it in.
    pub(crate) fn homeless() -> Failure {
        Failure::configuration(
            "--https keeps its certificate in the data folder, and a store in a database has none: \
             serve with a configuration that names a certificate ([tls])",
        )
    }

    /// The certificate as it is shown, with whom is trusted to vouch for clients.
    pub(crate) fn tls(&self, authorities: Option<&Path>) -> Result<Tls, Failure> {
        read(&self.certificate, &self.key, authorities).map_err(|(key, file, why)| {
            if key == OF_AUTHORITIES {
                let file = file.display();
                return Failure::configuration(format!("--client-authorities {file}: {why}"));
            }
            let text = format!(
                "{}: {why}; without both files new ones are made",
                file.display()
            );
            Failure::other(text)
        })
    }

    fn is_fresh(&self) -> bool {
        let made = fs::metadata(&self.certificate).and_then(|it| it.modified());
        let kept = Duration::from_secs(KEPT * 24 * 60 * 60);
        // One from the future is as good.
        let is_young = made.is_ok_and(|made| made.elapsed().unwrap_or_default() < kept);
        is_young && self.key.exists()
    }

    fn make(&self) -> Result<(), Failure> {
        let failed = |error: rcgen::Error| {
            Failure::other(format!(
                "cannot make a certificate for development: {error}"
            ))
        };
        let mut parameters = CertificateParams::new(NAMES.map(str::to_owned)).map_err(failed)?;
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, "Civitas in development mode");
        parameters.distinguished_name = name;
        let today = jiff::tz::Offset::UTC
            .to_datetime(jiff::Timestamp::now())
            .date();
        let date = |days: i32| {
            let date = today.saturating_add(days.days());
            rcgen::date_time_ymd(date.year().into(), date.month() as u8, date.day() as u8)
        };
        // The other end's clock may be behind.
        (parameters.not_before, parameters.not_after) = (date(-1), date(GOOD - 1));
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = parameters.self_signed(&key).map_err(failed)?;
        write(&self.key, &pem("PRIVATE KEY", &key.serialize_der()))?;
        write(&self.certificate, &pem("CERTIFICATE", certificate.der()))
    }
}

/// The textual encoding of RFC 7468.
fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut lines = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        lines.push_str(&String::from_utf8_lossy(line));
        lines.push('\n');
    }
    lines + &format!("-----END {label}-----\n")
}

/// Writes a file that is its owner's alone.
fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let _ = fs::remove_file(file);
    let mut options = fs::OpenOptions::new();
    let out = options.write(true).create_new(true).mode(0o600).open(file);
    out.and_then(|mut out| out.write_all(text.as_bytes()))
        .map_err(|error| Failure::other(format!("cannot write {}: {error}", file.display())))
}
