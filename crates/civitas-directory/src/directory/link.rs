//! Links that are sent to people: issued beside other changes, followed, and redeemed.

use super::{Directory, write};
use crate::{
    change::{Change, Rejected, Touch},
    credential::{CredentialChange, Password, PasswordStatus, Totp, totp},
    error::Error,
    link::{self, Link, LinkChange, Purpose, Token},
    password,
    record::Timestamp,
    scope::Scope,
};

const USER: &str = "User";

/// A link to issue.
pub struct NewLink {
    /// What it is good for.
    pub purpose: Purpose,
    /// Whom it is about.
    pub subject: String,
    /// What is to be known when it is followed.
    pub content: String,
    /// When it ends.
    pub expires: Timestamp,
}

impl Directory {
    /// A link as a change, and the token to tell, which is nowhere else.
    pub fn link(&self, new: NewLink) -> Result<(Change, String), Error> {
        let token = Token::issue().map_err(Error::Unavailable)?;
        let link = Link {
            id: token.id,
            purpose: new.purpose,
            hash: token.hash,
            subject: new.subject,
            content: new.content,
            expires: new.expires,
        };
        Ok((Change::Link(LinkChange::Issue(link)), token.text))
    }

    /// The link of a token, if it can be followed.
    ///
    /// # Errors
    /// [`Error::Spent`] of a token that never was one, was redeemed or ended, or has expired.
    pub async fn followed(
        &self,
        scope: &Scope,
        purpose: Purpose,
        token: &str,
    ) -> Result<Link, Error> {
        let (id, secret) = link::parts(token).ok_or(Error::Spent)?;
        let found = self.store.link(scope.partition, id).await?;
        let link = found.filter(|it| it.is_proven_by(secret));
        link.filter(|it| it.purpose == purpose && !it.has_expired(scope.now))
            .ok_or(Error::Spent)
    }

    /// The end of a link, as a change that is to be committed with what it was good for.
    pub fn redemption(scope: &Scope, link: &Link) -> Change {
        Change::Link(LinkChange::Redeem {
            id: link.id.clone(),
            at: scope.now,
        })
    }

    /// Commits mails and links that belong to no change of a resource.
    pub async fn commit_beside(&self, scope: &Scope, changes: Vec<Change>) -> Result<(), Error> {
        match self.commit(scope, changes.clone()).await {
            Err(Rejected::Outdated) => {
                self.commit(&self.renewed(scope).await?, changes).await?;
            }
            done => {
                done?;
            }
        }
        Ok(())
    }

    /// Sets the password that a user has chosen, which redeems the link that it was asked by.
    /// Changes `beside` are committed with it.
    pub async fn choose_password(
        &self,
        scope: &Scope,
        user: &str,
        clear: &str,
        link: &Link,
        beside: Vec<Change>,
    ) -> Result<(), Error> {
        let chosen = self.chosen(scope, Some(user), clear).await?;
        let mut changes = vec![
            Change::Touch(touch(user)),
            write::proof(user, CredentialChange::Password(chosen)),
            Self::redemption(scope, link),
        ];
        changes.extend(beside);
        self.commit_beside(scope, changes).await
    }

    /// A password that is set, held against the rules.
    pub(super) async fn chosen(
        &self,
        scope: &Scope,
        user: Option<&str>,
        clear: &str,
    ) -> Result<Password, Error> {
        let prepared = password::prepare(clear)?;
        if let Some(policy) = &scope.password_policy {
            policy
                .check(&prepared)
                .map_err(civitas_scim::Invalid::from)?;
            self.check_history(scope, user, policy, &prepared).await?;
        }
        Ok(Password {
            hash: self.hasher.hash(prepared, scope.patience).await?,
            set: scope.now,
            status: PasswordStatus::Enabled,
        })
    }

    /// Takes over a device whose secret and first code a user shows, which redeems the link that
    /// it was asked by. `false` if the code is none of it.
    pub async fn enrol_device(
        &self,
        scope: &Scope,
        user: &str,
        secret: &[u8],
        code: &str,
        link: &Link,
    ) -> Result<bool, Error> {
        let Some(step) = totp::matching(secret, code, scope.now) else {
            return Ok(false);
        };
        let device = Totp {
            spent: Some(step),
            ..self.device(scope, user, secret)?
        };
        let changes = vec![
            Change::Touch(touch(user)),
            write::proof(user, CredentialChange::Totp(Some(device))),
            Self::redemption(scope, link),
        ];
        self.commit_beside(scope, changes).await?;
        Ok(true)
    }

    /// A text that proves that a form was given out for it, each time another.
    pub fn seal_form(&self, parts: &[&str]) -> Result<String, Error> {
        let closed = self.seal.close(&[&["form"], parts].concat(), b"");
        closed.map_err(Error::Unavailable)
    }

    /// Whether a text was given out with a form for it.
    pub fn is_form(&self, parts: &[&str], text: &str) -> bool {
        self.seal.open(&[&["form"], parts].concat(), text).is_some()
    }
}

fn touch(user: &str) -> Touch {
    Touch {
        resource_type: USER.into(),
        id: user.to_owned(),
        expect: None,
    }
}
