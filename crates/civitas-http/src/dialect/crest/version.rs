//! Versions of the protocol and of resources (`Accept-API-Version`).

use std::fmt;

use civitas_directory::Fidelity;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{fault::Fault, fidelity};

const ACCEPT: HeaderName = HeaderName::from_static("accept-api-version");
/// The header field of answers.
pub(super) const CONTENT: HeaderName = HeaderName::from_static("content-api-version");

/// `major.minor`
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    pub(super) major: u32,
    pub(super) minor: u32,
}

impl Version {
    pub(super) const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        let number = |it: &str| {
            let digits = !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| it.parse().ok()).flatten()
        };
        Some(Self::new(number(major)?, number(minor)?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The protocol that is spoken unless another is asked for.
const USUAL: Version = Version::new(2, 1);
/// The newest protocol.
const NEWEST: Version = Version::new(2, 2);

/// What a request asks to be spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) protocol: Version,
    /// `None` for the newest.
    pub(super) resource: Option<Version>,
}

impl Asked {
    /// Reads the header field.
    pub(super) fn read(headers: &HeaderMap, fidelity: Fidelity) -> Result<Self, Fault> {
        let mut asked = Self {
            protocol: USUAL,
            resource: None,
        };
        let Some(field) = headers.get(ACCEPT) else {
            return Ok(asked);
        };
        let text = field.to_str().unwrap_or_default();
        let malformed =
            || Fault::malformed(format!("Version string is in an invalid format: {text}"));
        for part in text.split(',') {
            let (name, version) = part.trim().split_once('=').ok_or_else(malformed)?;
            let version = Version::parse(version.trim()).ok_or_else(malformed)?;
            match name.trim() {
                "protocol" => asked.protocol = version,
                "resource" => asked.resource = Some(version),
                _ => return Err(malformed()),
            }
        }
        asked.check(fidelity)?;
        Ok(asked)
    }

    fn check(self, fidelity: Fidelity) -> Result<(), Fault> {
        let protocol = self.protocol;
        let which = match protocol {
            Version { major, .. } if major > NEWEST.major || major == 0 => "major",
            Version { major, minor } if major == NEWEST.major && minor > NEWEST.minor => "minor",
            _ => return Ok(()),
        };
        let message = format!("Unsupported {which} version: {protocol}");
        Err(Fault::new(fidelity::protocol_version(fidelity), message))
    }

    /// Whether a resource that is served in some versions is asked for in one of them.
    pub(super) fn fits(self, served: &[Version]) -> bool {
        self.resource.is_none_or(|asked| {
            let mut served = served.iter();
            served.any(|it| it.major == asked.major && it.minor >= asked.minor)
        })
    }

    /// The header field of answers that tell their versions.
    pub(super) fn content(self, served: &[Version]) -> Option<HeaderValue> {
        let resource = served.iter().max()?;
        HeaderValue::try_from(format!("protocol={},resource={resource}", self.protocol)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, Option<String>), String> {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_str(text).unwrap())]);
        let asked = Asked::read(&headers, Fidelity::Documented);
        asked
            .map(|it| {
                (
                    it.protocol.to_string(),
                    it.resource.map(|it| it.to_string()),
                )
            })
            .map_err(|fault| fault.message)
    }

    #[test]
    fn versions_are_read_in_either_order() {
        let resource = |it: &str| Some(it.to_owned());
        for (text, protocol, resource) in [
            ("protocol=2.1,resource=1.0", "2.1", resource("1.0")),
            ("resource=2.0, protocol=1.0", "1.0", resource("2.0")),
            ("resource=1", "2.1", resource("1.0")),
            ("protocol=2.2", "2.2", None),
        ] {
            assert_eq!(read(text), Ok((protocol.to_owned(), resource)), "{text}");
        }
        for (text, told) in [
            ("banana", "Version string is in an invalid format: banana"),
            (
                "resource=x",
                "Version string is in an invalid format: resource=x",
            ),
            (
                "protocol=1.",
                "Version string is in an invalid format: protocol=1.",
            ),
            ("protocol=9.0", "Unsupported major version: 9.0"),
            ("protocol=2.9", "Unsupported minor version: 2.9"),
        ] {
            assert_eq!(read(text), Err(told.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_resource_fits_a_lower_minor_version() {
        let asked = |major, minor| Asked {
            protocol: USUAL,
            resource: Some(Version::new(major, minor)),
        };
        let served = [Version::new(1, 1)];
        for (major, minor, fits) in [(1, 0, true), (1, 1, true), (1, 2, false), (2, 0, false)] {
            assert_eq!(asked(major, minor).fits(&served), fits, "{major}.{minor}");
        }
    }
}
