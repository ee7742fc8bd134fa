//! Changes of a client, made by a store in the transaction that reads it.

use civitas_scim::tolerance::Profile;

use super::{Client, DistinguishedName, Roles, Secret};

/// Most secrets of a client that is no application, and of one that is.
pub const MAX_SECRETS: usize = 2;
/// Most secrets of an application.
pub const MAX_APPLICATION_SECRETS: usize = 20;

/// Most certificates of a client.
pub const MAX_CERTIFICATES: usize = 80;

/// What becomes of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientChange {
    /// It may authenticate, or not.
    Enable(bool),
    /// Something else is tolerated of it.
    Tolerate(Profile),
    /// It has one more secret.
    AddSecret(Secret),
    /// The secret of that id is no longer taken.
    RemoveSecret(String),
    /// Certificates of that subject are its own.
    Bind(DistinguishedName),
    /// They are no longer.
    Unbind(DistinguishedName),
}

/// Why a client was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientRefusal {
    /// It has as many secrets as it may have.
    #[error("the client has {0} secrets already; delete one first")]
    TooManySecrets(usize),
    /// It has as many certificates as it may have.
    #[error("the client has {0} certificates already; take one away first")]
    TooManyCertificates(usize),
    /// It has no secret of that id.
    #[error("there is no secret {0}")]
    NoSecret(String),
    /// No certificate of that subject is the client's.
    #[error("there is no certificate {0}")]
    NoCertificate(DistinguishedName),
    /// Certificates of that subject are another client's, of whatever kind.
    #[error("the certificate is bound to another client: {0}")]
    Bound(DistinguishedName),
    /// It is both an application and a client with roles.
    #[error("the client is an application and has roles; a certificate is for one of both")]
    TwoKinds,
    /// It proves itself by keys.
    #[error("the client proves itself by its keys")]
    HasKeys,
}

impl ClientChange {
    /// Makes the change. Whether a certificate is another client's, the store sees.
    ///
    /// # Errors
    /// Why it is not made.
    pub fn apply(self, client: &mut Client) -> Result<(), ClientRefusal> {
        match self {
            Self::Enable(enabled) => client.enabled = enabled,
            Self::Tolerate(profile) => client.profile = profile,
            Self::AddSecret(secret) => {
                let most = match client.application {
                    Some(_) => MAX_APPLICATION_SECRETS,
                    None => MAX_SECRETS,
                };
                if client.account.is_some() {
                    return Err(ClientRefusal::HasKeys);
                }
                if client.secrets.len() >= most {
                    return Err(ClientRefusal::TooManySecrets(most));
                }
                client.secrets.push(secret);
            }
            Self::RemoveSecret(id) => {
                let found = client.secrets.iter().position(|it| it.id == id);
                client
                    .secrets
                    .remove(found.ok_or(ClientRefusal::NoSecret(id))?);
            }
            Self::Bind(subject) => {
                if !client.certificates.contains(&subject) {
                    client.certificates.push(subject);
                    client.certificates.sort();
                }
                client.check_certificates()?;
            }
            Self::Unbind(subject) => {
                let found = client.certificates.iter().position(|it| *it == subject);
                let found = found.ok_or(ClientRefusal::NoCertificate(subject))?;
                client.certificates.remove(found);
            }
        }
        Ok(())
    }
}

impl Client {
    /// Whether it may have the certificates that it has.
    ///
    /// # Errors
    /// Why not.
    pub fn check_certificates(&self) -> Result<(), ClientRefusal> {
        match self.certificates.len() {
            0 => Ok(()),
            _ if self.account.is_some() => Err(ClientRefusal::HasKeys),
            _ if self.application.is_some() && self.roles != Roles::NONE => {
                Err(ClientRefusal::TwoKinds)
            }
            1..=MAX_CERTIFICATES => Ok(()),
            _ => Err(ClientRefusal::TooManyCertificates(MAX_CERTIFICATES)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Application, Role};

    fn client() -> Client {
        Client {
            id: "a".into(),
            secrets: Vec::new(),
            certificates: Vec::new(),
            roles: Roles::NONE.with(Role::Read),
            enabled: true,
            profile: Profile::default(),
            account: None,
            application: None,
        }
    }

    fn application() -> Client {
        Client {
            roles: Roles::NONE,
            application: Some(Application {
                name: "A".into(),
                home: None,
            }),
            ..client()
        }
    }

    fn subject(number: usize) -> DistinguishedName {
        DistinguishedName::parse(&format!("CN={number}")).unwrap()
    }

    /// How many of these changes are made, and why the next one is not.
    fn made(mut client: Client, change: impl Fn(usize) -> ClientChange) -> (usize, ClientRefusal) {
        for number in 0.. {
            if let Err(refusal) = change(number).apply(&mut client) {
                return (number, refusal);
            }
        }
        unreachable!()
    }

    #[test]
    fn secrets_and_certificates_are_counted() {
        let secret = |number: usize| {
            ClientChange::AddSecret(Secret {
                id: number.to_string(),
                plain: false,
                ..Secret::plain("$".into())
            })
        };
        let bind = |number| ClientChange::Bind(subject(number));
        assert_eq!(
            made(client(), secret),
            (2, ClientRefusal::TooManySecrets(2))
        );
        let of_application = made(application(), secret);
        assert_eq!(of_application, (20, ClientRefusal::TooManySecrets(20)));
        for client in [client(), application()] {
            let refusal = ClientRefusal::TooManyCertificates(80);
            assert_eq!(made(client, bind), (80, refusal));
        }
    }

    #[test]
    fn what_is_bound_twice_is_bound_once() {
        let mut client = client();
        let bind = ClientChange::Bind(subject(1));
        for _ in 0..2 {
            assert_eq!(bind.clone().apply(&mut client), Ok(()));
        }
        assert_eq!(client.certificates, [subject(1)]);
        let unbind = ClientChange::Unbind(subject(1));
        assert_eq!(unbind.clone().apply(&mut client), Ok(()));
        let none = ClientRefusal::NoCertificate(subject(1));
        assert_eq!(unbind.apply(&mut client), Err(none));
        let none = ClientChange::RemoveSecret("1".into()).apply(&mut client);
        assert_eq!(none, Err(ClientRefusal::NoSecret("1".into())));
    }

    #[test]
    fn a_certificate_is_for_one_kind_of_caller() {
        let both = Client {
            roles: Roles::NONE.with(Role::Read),
            ..application()
        };
        let bind = ClientChange::Bind(subject(1));
        assert_eq!(bind.apply(&mut both.clone()), Err(ClientRefusal::TwoKinds));
    }
}
