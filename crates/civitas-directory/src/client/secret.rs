//! Secrets by which clients prove themselves, and what each is good for.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{Span, tz::Offset};
use serde::{Deserialize, Serialize};

use crate::record::Timestamp;

/// Random bytes in the text of a secret that is drawn.
const SECRET_BYTES: usize = 24;

/// Ends the identifier in the text of a secret.
const ID_END: char = '.';

/// What a secret of an application is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretScope {
    /// The application itself.
    Application,
    /// Its users, and what they prove themselves by.
    Users,
    /// Tokens.
    OpenId,
}

impl SecretScope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Application, Self::Users, Self::OpenId];

    /// The name in commands and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Users => "users",
            Self::OpenId => "openid",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// What a secret is good for, as text: names with blanks between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct SecretScopes(u8);

impl SecretScopes {
    /// Everything.
    pub const ALL: Self = Self(0b111);
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// Whether it is one of them.
    pub const fn include(self, scope: SecretScope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// Those of a list of names between blanks or commas; `None` on an unknown one, and if
    /// there are none.
    pub fn parse(text: &str) -> Option<Self> {
        let names = text.split([' ', ',']).filter(|name| !name.is_empty());
        let scopes = names.map(SecretScope::named).collect::<Option<Self>>()?;
        (scopes != Self::NONE).then_some(scopes)
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = SecretScope> {
        let all = SecretScope::ALL.into_iter();
        all.filter(move |scope| self.include(*scope))
    }
}

impl Default for SecretScopes {
    fn default() -> Self {
        Self::ALL
    }
}

impl FromIterator<SecretScope> for SecretScopes {
    fn from_iter<I: IntoIterator<Item = SecretScope>>(scopes: I) -> Self {
        let mut all = Self::NONE;
        for scope in scopes {
            all.0 |= 1 << scope as u8;
        }
        all
    }
}

impl From<String> for SecretScopes {
    /// As stored. A scope that this version does not know is no right.
    fn from(text: String) -> Self {
        text.split(' ').filter_map(SecretScope::named).collect()
    }
}

impl From<SecretScopes> for String {
    fn from(scopes: SecretScopes) -> Self {
        let names: Vec<_> = scopes.iter().map(SecretScope::name).collect();
        names.join(" ")
    }
}

/// A secret as it is kept. Its text begins with the identifier, so that one hash is all that is
/// computed for whatever is shown, however many secrets a client has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Tells it from the client's others.
    pub id: String,
    /// PHC string (Argon2id).
    pub hash: String,
    /// Whether its text does not begin with the identifier: somebody chose it. A client has one
    /// such secret at most.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub plain: bool,
    /// What it is good for, where the client is an application.
    #[serde(default)]
    pub scopes: SecretScopes,
    /// When it was made, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// From when on it is not taken; never if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl Secret {
    /// A secret with a text of somebody's choice, good for everything and for ever.
    pub fn plain(hash: String) -> Self {
        Self {
            id: "1".into(),
            hash,
            plain: true,
            scopes: SecretScopes::ALL,
            created: None,
            expires: None,
        }
    }

    /// Whether it is taken.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }

    /// The one of these that a text can be.
    pub(crate) fn meant<'s>(secrets: &'s [Self], text: &str) -> Option<&'s Self> {
        let id = text.split_once(ID_END).map(|(id, _)| id);
        let mut of_id = secrets.iter().filter(|it| !it.plain);
        of_id
            .find(|it| Some(&*it.id) == id)
            .or_else(|| secrets.iter().find(|it| it.plain))
    }
}

/// A secret that was just drawn. Its text is shown once, and kept nowhere.
pub struct Drawn {
    id: String,
    text: String,
}

impl Drawn {
    /// Draws one of 192 random bits, of characters that are safe in URLs and header fields.
    ///
    /// # Errors
    /// The text of the failure: there is no source of randomness.
    pub fn draw() -> Result<Self, String> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret).map_err(|error| error.to_string())?;
        let id = format!(
            "{:08x}",
            getrandom::u32().map_err(|error| error.to_string())?
        );
        let text = format!("{id}{ID_END}{}", BASE64_URL_SAFE_NO_PAD.encode(secret));
        Ok(Self { id, text })
    }

    /// The text to show.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is kept of it.
    pub fn kept(
        &self,
        hash: String,
        scopes: SecretScopes,
        created: Timestamp,
        expires: Option<Timestamp>,
    ) -> Secret {
        Secret {
            id: self.id.clone(),
            hash,
            plain: false,
            scopes,
            created: Some(created),
            expires,
        }
    }
}

/// When a secret that is made now expires: `never`, an instant (RFC 3339), or a time from now such
/// as `1y`. `None` within if never.
///
/// # Errors
/// Says what is wrong.
pub fn expiry(text: &str, now: Timestamp) -> Result<Option<Timestamp>, String> {
    if text == "never" {
        return Ok(None);
    }
    let expires = Timestamp::parse(text).or_else(|| {
        let span: Span = text.parse().ok()?;
        let now = jiff::Timestamp::from_millisecond(now.0).ok()?;
        let then = Offset::UTC.to_datetime(now).checked_add(span).ok()?;
        let then = Offset::UTC.to_timestamp(then).ok()?;
        Some(Timestamp(then.as_millisecond()))
    });
    match expires {
        None => Err(format!(
            "{text:?} is none of `never`, an instant such as 2030-01-01T00:00:00Z, and a time \
             such as 1y"
        )),
        Some(expires) if expires <= now => Err(format!("{text:?} is not in the future")),
        expires => Ok(expires),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(id: &str) -> Secret {
        Secret {
            id: id.into(),
            plain: false,
            ..Secret::plain(format!("${id}"))
        }
    }

    #[test]
    fn a_text_can_be_one_secret_alone() {
        let secrets = [named("aa"), Secret::plain("$p".into()), named("bb")];
        for (text, hash) in [
            ("aa.x", "$aa"),
            ("bb.x.y", "$bb"),
            ("cc.x", "$p"),
            ("aa", "$p"),
            ("", "$p"),
        ] {
            let meant = Secret::meant(&secrets, text).unwrap();
            assert_eq!(meant.hash, hash, "{text}");
        }
        assert_eq!(Secret::meant(&secrets[..1], "cc.x"), None);
        let drawn = Drawn::draw().unwrap();
        let kept = drawn.kept("$d".into(), SecretScopes::ALL, Timestamp(0), None);
        let secrets = [Secret::plain("$p".into()), kept.clone()];
        assert_eq!(Secret::meant(&secrets, drawn.text()), Some(&kept));
    }

    #[test]
    fn scopes_are_kept_by_name() {
        for (text, kept) in [
            ("users", "users"),
            ("openid,application", "application openid"),
            ("application users openid", "application users openid"),
        ] {
            let scopes = SecretScopes::parse(text).unwrap();
            assert_eq!(String::from(scopes), kept);
            assert_eq!(SecretScopes::from(kept.to_owned()), scopes);
        }
        for text in ["", ",", "users,x", "Users"] {
            assert_eq!(SecretScopes::parse(text), None, "{text}");
        }
        let stored = r#"{"id":"1","hash":"$"}"#;
        let secret: Secret = serde_json::from_str(stored).unwrap();
        assert_eq!(secret.scopes, SecretScopes::ALL);
    }

    #[test]
    fn what_expires_does_so_in_the_future() {
        let now = Timestamp::parse("2026-02-28T10:00:00Z").unwrap();
        for (text, expected) in [
            ("never", None),
            ("1y", Some("2027-02-28T10:00:00.000Z")),
            ("2 years", Some("2028-02-28T10:00:00.000Z")),
            ("P90D", Some("2026-05-29T10:00:00.000Z")),
            (
                "2026-03-01T01:00:00+01:00",
                Some("2026-03-01T00:00:00.000Z"),
            ),
        ] {
            let expires = expiry(text, now).unwrap().map(|it| it.to_string());
            assert_eq!(expires.as_deref(), expected, "{text}");
        }
        for text in ["", "soon", "-1y", "2026-02-28T10:00:00Z", "99999y", "1"] {
            assert!(expiry(text, now).is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_is_taken_until_it_expires() {
        let secret = Secret {
            expires: Some(Timestamp(5)),
            ..named("a")
        };
        assert!(secret.is_valid(Timestamp(4)));
        assert!(!secret.is_valid(Timestamp(5)));
        assert!(named("a").is_valid(Timestamp(i64::MAX)));
    }
}
