//! The `Authorization` header field (RFC 6750 §2.1, RFC 7617 §2).

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use http::{HeaderMap, header::AUTHORIZATION};

use crate::{
    form,
    refusal::{Refusal, Unauthenticated},
};

/// Base64 that may lack its padding, as some clients leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Credentials as shown.
#[derive(PartialEq, Eq)]
pub(crate) enum Credentials<'h> {
    /// A bearer token.
    Bearer(&'h str),
    /// Client id and secret.
    Basic {
        /// Before the first colon.
        client_id: String,
        /// After it.
        secret: String,
    },
}

impl<'h> Credentials<'h> {
    /// The credentials; `None` when there are none of a supported scheme.
    ///
    /// # Errors
    /// Several `Authorization` fields, a `Basic` value that does not decode, an empty token.
    pub(crate) fn of(headers: &'h HeaderMap) -> Result<Option<Self>, Refusal> {
        let mut fields = headers.get_all(AUTHORIZATION).iter();
        let Some(field) = fields.next() else {
            return Ok(None);
        };
        if fields.next().is_some() {
            return Err(Refusal::MalformedHeader {
                name: AUTHORIZATION,
            });
        }
        let text = field.to_str().unwrap_or_default();
        let (scheme, shown) = text.split_once(' ').unwrap_or((text, ""));
        let shown = shown.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            let token = Some(shown).filter(|token| !token.is_empty());
            token
                .map(|token| Some(Self::Bearer(token)))
                .ok_or(Unauthenticated::InvalidToken.into())
        } else if scheme.eq_ignore_ascii_case("basic") {
            basic(shown)
                .map(Some)
                .ok_or(Unauthenticated::WrongSecret.into())
        } else {
            Ok(None)
        }
    }

    /// The same with id and secret form-decoded, as the token endpoint gets them
    /// (RFC 6749 §2.3.1); `None` when they do not decode.
    pub(crate) fn form_decoded(self) -> Option<Self> {
        match self {
            Self::Bearer(token) => Some(Self::Bearer(token)),
            Self::Basic { client_id, secret } => Some(Self::Basic {
                client_id: form::decode(&client_id, true)?.into_owned(),
                secret: form::decode(&secret, true)?.into_owned(),
            }),
        }
    }
}

fn basic(encoded: &str) -> Option<Credentials<'static>> {
    let text = String::from_utf8(BASE64.decode(encoded).ok()?).ok()?;
    let (client_id, secret) = text.split_once(':')?;
    let controls = text.chars().any(char::is_control);
    (!controls && !client_id.is_empty()).then(|| Credentials::Basic {
        client_id: client_id.to_owned(),
        secret: secret.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn shown(value: &str) -> Result<Option<(String, String)>, String> {
        let value = HeaderValue::from_str(value).unwrap();
        let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
        match Credentials::of(&headers) {
            Ok(None) => Ok(None),
            Ok(Some(Credentials::Bearer(token))) => Ok(Some(("bearer".into(), token.into()))),
            Ok(Some(Credentials::Basic { client_id, secret })) => Ok(Some((client_id, secret))),
            Err(refusal) => Err(refusal.to_string()),
        }
    }

    #[test]
    fn schemes() {
        for (written, id, secret) in [
            ("Basic dGVzdDoxMjPCow==", "test", "123£"),
            ("bAsIc YWRtaW46YTpi", "admin", "a:b"),
            ("Basic dGVzdDoxMjPCow", "test", "123£"),
            ("BEARER abc", "bearer", "abc"),
        ] {
            assert_eq!(
                shown(written),
                Ok(Some((id.into(), secret.into()))),
                "{written}"
            );
        }
        for refused in [
            "Basic !!!",
            "Basic YWRtaW4=",
            "Basic",
            "Bearer",
            "Basic OmE=",
        ] {
            assert!(shown(refused).is_err(), "{refused}");
        }
        assert_eq!(shown("Digest x=1"), Ok(None));
    }
}
