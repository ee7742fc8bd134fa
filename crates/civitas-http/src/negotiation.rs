//! Which media types go out and come in (RFC 9110 §12.5.1, §8.3; RFC 7644 §3.8).

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{ACCEPT, CONTENT_TYPE},
};

use civitas_scim::tolerance::{Switch, Tolerance};

use crate::{admin, coding::Sent, refusal::Refusal};

/// A representation of SCIM messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Media {
    /// `application/scim+json`, what is sent unless the other is preferred.
    #[default]
    ScimJson,
    /// `application/json`.
    Json,
}

/// The media types that are offered and accepted, as a header value.
pub(crate) const SCIM_TYPES: &str = "application/scim+json, application/json";

impl Media {
    /// The `Content-Type`.
    pub(crate) const fn content_type(self) -> HeaderValue {
        match self {
            Self::ScimJson => HeaderValue::from_static("application/scim+json"),
            Self::Json => HeaderValue::from_static("application/json"),
        }
    }

    /// The representation that `Accept` prefers; `None` when it takes neither.
    pub(crate) fn preferred(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(ACCEPT).iter();
        match (values.next(), values.next()) {
            (None, _) => return Some(Self::ScimJson),
            // What most clients send needs no reading.
            (Some(value), None) if *value == Self::ScimJson.content_type() => {
                return Some(Self::ScimJson);
            }
            _ => {}
        }
        let scim = weight(headers, "application", "scim+json");
        let json = weight(headers, "application", "json");
        match (scim, json) {
            (0, 0) => None,
            (scim, json) if json > scim => Some(Self::Json),
            _ => Some(Self::ScimJson),
        }
    }
}

/// The weight, in thousandths, that `Accept` gives a media type.
fn weight(headers: &HeaderMap, kind: &str, subtype: &str) -> u16 {
    weighted(headers, &ACCEPT, |range| covers(range, kind, subtype)).unwrap_or(0)
}

/// Whether `Accept` takes a media type.
pub(crate) fn accepts(headers: &HeaderMap, kind: &str, subtype: &str) -> bool {
    !headers.contains_key(ACCEPT) || weight(headers, kind, subtype) > 0
}

/// How specific a media range is for the type: 3 by its name, 2 by `type/*`, 1 by `*/*`;
/// `None` when it does not cover the type.
fn covers(range: &str, kind: &str, subtype: &str) -> Option<u8> {
    match range.split_once('/')? {
        ("*", "*") => Some(1),
        (it, "*") if it.eq_ignore_ascii_case(kind) => Some(2),
        (it, sub) if it.eq_ignore_ascii_case(kind) && sub.eq_ignore_ascii_case(subtype) => Some(3),
        _ => None,
    }
}

/// The weight, in thousandths, that a field of weighted members gives to something: that of
/// the member most specific for it, as `covers` tells; `None` when none covers it. Malformed
/// members are passed over (RFC 9110 §12.4.2).
pub(crate) fn weighted(
    headers: &HeaderMap,
    field: &HeaderName,
    covers: impl Fn(&str) -> Option<u8>,
) -> Option<u16> {
    let values = headers.get_all(field).iter();
    let members = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    members
        .filter_map(|member| {
            let mut parts = member.split(';').map(str::trim);
            let specificity = covers(parts.next()?)?;
            let weight = parts
                .filter_map(|parameter| parameter.split_once('='))
                .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
                .map_or(Some(1_000), |(_, value)| thousandths(value.trim()))?;
            Some((specificity, weight))
        })
        .max()
        .map(|(_, weight)| weight)
}

/// A weight of at most three decimals (RFC 9110 §12.4.2).
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    let fraction: u16 = format!("{decimals:0<3}").parse().ok().filter(|_| digits)?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1_000),
        _ => None,
    }
}

/// Checks that a request body is SCIM in UTF-8, plain or as gzip; as far as it is tolerated,
/// plain JSON, or without `Content-Type`.
pub(crate) fn check_scim_content(
    headers: &HeaderMap,
    tolerance: &Tolerance,
) -> Result<(), Refusal> {
    const SCIM: &str = "application/scim+json";
    let content_type = headers.get(CONTENT_TYPE);
    let is_exact = content_type.is_some_and(|value| value == SCIM);
    let is_readable = || {
        content_type.is_none_or(|value| {
            value.to_str().is_ok_and(|text| {
                let (media, parameters) = media_type(text);
                let is = |it: &str| it.eq_ignore_ascii_case(media);
                (is(SCIM) || is("application/json")) && is_utf8(parameters)
            })
        })
    };
    if is_exact || (is_readable() && tolerance.takes(Switch::MediaType)) {
        check_coding(headers)
    } else {
        Err(Refusal::UnsupportedMediaType {
            accepted: SCIM_TYPES,
        })
    }
}

/// Checks that an answer in plain JSON is acceptable.
pub(crate) fn check_accepts_json(headers: &HeaderMap) -> Result<(), Refusal> {
    if accepts(headers, "application", "json") {
        Ok(())
    } else {
        Err(Refusal::NotAcceptable {
            offered: "application/json",
        })
    }
}

/// Checks that a request body is JSON in UTF-8, plain or as gzip; a merge patch is.
pub(crate) fn check_json_content(headers: &HeaderMap) -> Result<(), Refusal> {
    const JSON: [&str; 2] = ["application/json", "application/merge-patch+json"];
    let text = headers
        .get(CONTENT_TYPE)
        .map_or(Some(JSON[0]), |value| value.to_str().ok());
    let (media, parameters) = media_type(text.unwrap_or_default());
    if JSON.iter().any(|it| it.eq_ignore_ascii_case(media)) && is_utf8(parameters) {
        check_coding(headers)
    } else {
        Err(Refusal::UnsupportedMediaType {
            accepted: admin::PATCHES,
        })
    }
}

/// Checks that a request body is a form in UTF-8, plain or as gzip.
pub(crate) fn check_form_content(headers: &HeaderMap) -> Result<(), Refusal> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let text = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let (media, parameters) = media_type(text.unwrap_or_default());
    if media.eq_ignore_ascii_case(FORM) && is_utf8(parameters) {
        check_coding(headers)
    } else {
        Err(Refusal::UnsupportedMediaType { accepted: FORM })
    }
}

fn check_coding(headers: &HeaderMap) -> Result<(), Refusal> {
    match Sent::of(headers) {
        Sent::Plain | Sent::Gzip => Ok(()),
        Sent::Otherwise => Err(Refusal::UnsupportedCoding),
    }
}

fn media_type(text: &str) -> (&str, &str) {
    let (media, parameters) = text.split_once(';').unwrap_or((text, ""));
    (media.trim(), parameters)
}

/// Whether `charset`, if it is among the parameters, names UTF-8.
fn is_utf8(parameters: &str) -> bool {
    parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .all(|(_, value)| value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn accept_chooses_by_specificity_then_weight() {
        use Media::{Json, ScimJson};
        for (accept, chosen) in [
            ("text/html", None),
            ("*/*", Some(ScimJson)),
            ("application/*", Some(ScimJson)),
            ("application/json, application/scim+json", Some(ScimJson)),
            ("application/json", Some(Json)),
            ("Application/JSON", Some(Json)),
            ("application/scim+json;q=0.1, application/json", Some(Json)),
            ("application/scim+json;q=0, */*", Some(Json)),
            ("application/json;q=0.5, */*;q=0.1", Some(Json)),
            ("*/*, application/json;q=0.999", Some(ScimJson)),
            (
                "application/scim+json; charset=utf-8; q=0.2, text/html",
                Some(ScimJson),
            ),
            ("application/scim+json;q=0, application/json;q=0", None),
            ("application/scim+json;q=1.5", None),
            ("application/scim+json;q=0.1234", None),
            ("", None),
        ] {
            assert_eq!(
                Media::preferred(&with(ACCEPT, accept)),
                chosen,
                "Accept: {accept}"
            );
        }
        assert_eq!(Media::preferred(&HeaderMap::new()), Some(ScimJson));
    }

    #[test]
    fn several_accept_fields_are_one_list() {
        let mut headers = with(ACCEPT, "text/html");
        headers.append(ACCEPT, HeaderValue::from_static("application/json"));
        assert_eq!(Media::preferred(&headers), Some(Media::Json));
    }

    #[test]
    fn content_types_are_json_in_utf_8() {
        for (written, readable) in [
            ("application/scim+json", true),
            ("application/json", true),
            ("APPLICATION/SCIM+JSON; Charset=\"utf-8\"", true),
            ("application/json;charset=UTF-8", true),
            ("application/json; profile=x", true),
            ("text/plain", false),
            ("application/xml", false),
            ("application/json; charset=iso-8859-1", false),
            ("application/json, text/plain", false),
            ("", false),
        ] {
            let outcome = check_scim_content(&with(CONTENT_TYPE, written), &Tolerance::generic());
            assert_eq!(outcome.is_ok(), readable, "Content-Type: {written}");
        }
        assert!(check_scim_content(&HeaderMap::new(), &Tolerance::generic()).is_ok());
    }

    #[test]
    fn codings_but_gzip_are_refused() {
        for (written, readable) in [
            ("Identity", true),
            ("gzip", true),
            ("X-GZIP", true),
            ("gzip, gzip", false),
            ("zstd", false),
            ("", false),
        ] {
            let headers = with(http::header::CONTENT_ENCODING, written);
            let outcome = check_scim_content(&headers, &Tolerance::generic());
            assert_eq!(outcome.is_ok(), readable, "Content-Encoding: {written}");
        }
    }
}
