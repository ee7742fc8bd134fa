//! Access tokens of API clients and users: JWTs (RFC 9068) signed by the installation's own key.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::{client::Roles, error::Error, record::Timestamp, tenant::Tenant};

/// An access token as issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The JWT.
    pub access_token: String,
    /// Seconds it is good for.
    pub expires_in: u64,
    /// What it allows, as a `scope` (RFC 6749 §3.3).
    pub scope: String,
}

/// What a valid token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The client it was issued to.
    pub client_id: String,
    /// `id` of the user whose it is, where it is a user's.
    pub user: Option<String>,
    /// What it allows.
    pub roles: Roles,
    /// What it allows in the words of a dialect, separated by blanks; `None` where its roles say
    /// everything.
    pub scopes: Option<String>,
    /// The second since 1970 (UTC) from which on it is no longer good.
    pub expires: i64,
}

impl Claims {
    /// Whether the token is still good.
    pub fn live(&self, now: Timestamp) -> bool {
        self.expires > now.0.div_euclid(1_000)
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    iss: String,
    aud: String,
    sub: String,
    client_id: String,
    iat: i64,
    exp: i64,
    jti: String,
    scope: String,
    /// The generation of the tenant's partition: a reset ends its tokens.
    #[serde(rename = "gen", default)]
    generation: i64,
    /// Scopes of a dialect, where the token has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<String>,
    /// Who acts for the subject (RFC 8693 §4.1): there in tokens of users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<Actor>,
}

#[derive(Serialize, Deserialize)]
struct Actor {
    sub: String,
}

/// Whose token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder<'h> {
    /// A client's own.
    Client {
        /// Its id.
        id: &'h str,
    },
    /// A user's.
    User {
        /// The user's `id`.
        id: &'h str,
        /// The client that asked for it and will use it.
        by: &'h str,
    },
}

/// Issues and verifies tokens.
pub struct Signer {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    seconds: u64,
}

impl Signer {
    /// A signer with the installation's key whose tokens last `seconds`.
    pub fn new(key: &[u8; 32], seconds: u64) -> Self {
        Self {
            encoding: EncodingKey::from_secret(key),
            decoding: DecodingKey::from_secret(key),
            validation: validation(),
            seconds,
        }
    }

    /// A token for a client or user of the tenant.
    pub fn issue(
        &self,
        tenant: &Tenant,
        holder: Holder<'_>,
        roles: Roles,
        now: Timestamp,
    ) -> Result<Token, Error> {
        self.issue_scoped(tenant, holder, roles, None, (now, self.seconds))
    }

    /// The same for a number of seconds, with scopes of a dialect.
    pub fn issue_scoped(
        &self,
        tenant: &Tenant,
        holder: Holder<'_>,
        roles: Roles,
        scopes: Option<&str>,
        (now, seconds): (Timestamp, u64),
    ) -> Result<Token, Error> {
        let (subject, client_id, actor) = match holder {
            Holder::Client { id } => (id, id, None),
            Holder::User { id, by } => (id, by, Some(Actor { sub: by.to_owned() })),
        };
        let scope = roles
            .iter()
            .map(crate::client::Role::name)
            .collect::<Vec<_>>()
            .join(" ");
        let issued = now.0.div_euclid(1_000);
        let wire = Wire {
            iss: issuer(tenant),
            aud: issuer(tenant),
            sub: subject.to_owned(),
            client_id: client_id.to_owned(),
            iat: issued,
            exp: issued.saturating_add_unsigned(seconds),
            jti: crate::id::issue(now),
            scope: scope.clone(),
            generation: tenant.partition.generation(),
            scopes: scopes.map(str::to_owned),
            act: actor,
        };
        let header = Header {
            typ: Some("at+jwt".into()),
            ..Header::new(Algorithm::HS256)
        };
        let access_token = jsonwebtoken::encode(&header, &wire, &self.encoding)
            .map_err(|error| Error::Unavailable(format!("signing failed: {error}")))?;
        Ok(Token {
            access_token,
            expires_in: seconds,
            scope,
        })
    }

    /// What the token says, if it was issued here for this tenant and is still good
    /// (RFC 9068 §4). Why it is not is never told.
    pub fn verify(&self, tenant: &Tenant, token: &str, now: Timestamp) -> Option<Claims> {
        let data = jsonwebtoken::decode::<Wire>(token, &self.decoding, &self.validation).ok()?;
        let wire = data.claims;
        let here = issuer(tenant);
        let typed = data.header.typ.as_deref() == Some("at+jwt");
        let current = wire.generation == tenant.partition.generation();
        let ours = typed && current && wire.iss == here && wire.aud == here;
        let roles = ours.then(|| Roles::parse(&wire.scope)).flatten()?;
        let claims = Claims {
            client_id: wire.client_id,
            user: wire.act.is_some().then_some(wire.sub),
            roles,
            scopes: wire.scopes,
            expires: wire.exp,
        };
        claims.live(now).then_some(claims)
    }
}

/// Signature and algorithm only: times are checked against the request's clock, issuer and
/// audience against its tenant.
fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}

fn issuer(tenant: &Tenant) -> String {
    format!("urn:civitas:tenant:{}", tenant.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::Role,
        record::Version,
        settings::Settings,
        tenant::{Partition, Stage},
    };

    fn tenant(name: &str) -> Tenant {
        Tenant {
            catalogue: crate::Catalogue::standard(),
            name: name.into(),
            hosts: vec![],
            partition: Partition::from_raw(1),
            settings: Settings::default(),
            stage: Stage::default(),
            last_event: Version(0),
        }
    }

    #[test]
    fn a_token_is_good_for_its_tenant_its_time_and_its_key() {
        let roles = Roles::NONE.with(Role::Write);
        let signer = Signer::new(&[7; 32], 60);
        let now = Timestamp(1_000_000);
        let token = signer
            .issue(&tenant("a"), Holder::Client { id: "c" }, roles, now)
            .unwrap();
        assert_eq!(token.scope, "read write");
        let ok = |signer: &Signer, tenant: &Tenant, at: i64| {
            signer
                .verify(tenant, &token.access_token, Timestamp(at))
                .is_some()
        };
        assert!(ok(&signer, &tenant("a"), 1_000_000));
        assert!(ok(&signer, &tenant("a"), 1_059_999));
        assert!(!ok(&signer, &tenant("a"), 1_060_000), "expired");
        assert!(!ok(&signer, &tenant("b"), 1_000_000), "another tenant");
        let mut reset = tenant("a");
        reset.partition = reset.partition.in_generation(1);
        assert!(!ok(&signer, &reset, 1_000_000), "reset since");
        assert!(
            !ok(&Signer::new(&[8; 32], 60), &tenant("a"), 1_000_000),
            "another key"
        );
        let unsigned = format!(
            "eyJhbGciOiJub25lIn0.{}.",
            token.access_token.split('.').nth(1).unwrap()
        );
        assert!(
            signer.verify(&tenant("a"), &unsigned, now).is_none(),
            "unsigned"
        );
    }
}
