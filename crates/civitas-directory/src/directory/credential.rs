//! What users prove themselves by: setting it, and judging what is shown.

use civitas_scim::{
    Attributes,
    filter::{self, Filter},
    tolerance::Tolerance,
};
use serde_json::Value;

use super::{Directory, write};
use crate::{
    change::{Change, Rejected, Touch},
    credential::{
        Code, CodeCheck, Credential, CredentialChange, Lockout, Logon, PasswordStatus, Policy,
        TooWeak, Totp, Verdict, totp,
    },
    error::Error,
    password,
    record::Found,
    scope::Scope,
    store::{Page, Selection, Want},
};

/// How often something is compared again that was replaced meanwhile.
const ATTEMPTS: usize = 5;

const USER: &str = "User";

impl Directory {
    /// The credentials of users, in the order asked.
    pub async fn credentials(
        &self,
        scope: &Scope,
        ids: &[String],
    ) -> Result<Vec<Option<Credential>>, Error> {
        Ok(self.store.credentials(scope.partition, ids).await?)
    }

    /// The credential of a user; an empty one when there is none.
    pub async fn credential(&self, scope: &Scope, id: &str) -> Result<Credential, Error> {
        let ids = [id.to_owned()];
        let mut found = self.credentials(scope, &ids).await?;
        Ok(found.pop().flatten().unwrap_or_default())
    }

    /// Whether there is room for one more logon: to find out costs less than to look for the
    /// user.
    ///
    /// # Errors
    /// [`Error::Overloaded`]
    pub fn check_room_for_logon(&self) -> Result<(), Error> {
        self.hasher.check_room()
    }

    /// The user whose value of one of the attributes a name is; `None` when there is none, or
    /// there are several of whom it is that of the first attribute that any has.
    pub async fn identify(
        &self,
        scope: &Scope,
        name: &str,
        attributes: &[&str],
    ) -> Result<Option<Found>, Error> {
        let Some(users) = scope.catalogue.resource_type(USER) else {
            return Ok(None);
        };
        for attribute in attributes {
            let text = format!("{attribute} eq {}", Value::from(name));
            let parsed = Filter::parse(&text, &filter::Limits::default());
            // A name that makes too long a filter is nobody's.
            let Ok(filter) = parsed else {
                return Ok(None);
            };
            let selection = Selection {
                resource_type: USER.into(),
                condition: Some(filter.resolve(users, &[], &Tolerance::generic())?),
                sort: None,
            };
            let two = Page::Index {
                offset: 0,
                count: 2,
            };
            let page = self.select(scope, selection, two, Want::default()).await?;
            let mut found = page.items;
            match found.len() {
                0 => {}
                1 => return Ok(found.pop()),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// What comes of a password that somebody shows as a user's; of no user's, if there is none.
    /// Where the user has a device, the code stands at its end. A user that is not there takes
    /// as long as a wrong password.
    pub async fn log_on(
        &self,
        scope: &Scope,
        id: Option<&str>,
        shown: &str,
    ) -> Result<Verdict, Error> {
        let Some(id) = id else {
            self.compare(shown, None).await?;
            self.commit_proof(scope, Change::Feint).await?;
            return Ok(Verdict::Wrong);
        };
        for _ in 0..ATTEMPTS {
            let credential = self.credential(scope, id).await?;
            if let Some(refused) = refused(&credential, scope) {
                return Ok(refused);
            }
            let logon = self.compared(scope, id, &credential, shown).await?;
            let change = write::proof(id, CredentialChange::Logon(logon));
            match self.commit_proof(scope, change).await? {
                Some(Verdict::Overtaken) => {}
                verdict => return Ok(verdict.unwrap_or(Verdict::Wrong)),
            }
        }
        Err(Error::Conflict)
    }

    /// What comes of a code that somebody shows as that of a user's device.
    pub async fn check_code(&self, scope: &Scope, id: &str, shown: &str) -> Result<Verdict, Error> {
        for _ in 0..ATTEMPTS {
            let credential = self.credential(scope, id).await?;
            let Some(device) = &credential.totp else {
                return Ok(Verdict::NoDevice);
            };
            let check = CodeCheck {
                at: scope.now,
                secret: Some(device.secret.clone()),
                code: self.compared_code(scope, id, device, shown)?,
            };
            let change = write::proof(id, CredentialChange::Code(check));
            match self.commit_proof(scope, change).await? {
                Some(Verdict::Overtaken) => {}
                verdict => return Ok(verdict.unwrap_or(Verdict::NoDevice)),
            }
        }
        Err(Error::Conflict)
    }

    /// A device of a user that shares this secret, as a credential holds it.
    pub fn device(&self, scope: &Scope, id: &str, secret: &[u8]) -> Result<Totp, Error> {
        let partition = scope.partition.raw().to_string();
        let sealed = self.seal.close(&["totp", &partition, id], secret);
        Ok(Totp {
            secret: sealed.map_err(Error::Unavailable)?,
            spent: None,
            attempts: Lockout::default(),
        })
    }

    /// Changes a user's credential, which makes a new version of the user.
    pub async fn change_credential(
        &self,
        scope: &Scope,
        id: &str,
        change: &CredentialChange,
    ) -> Result<(), Error> {
        let changes = |scope: &Scope| {
            let touch = Touch {
                resource_type: USER.into(),
                id: id.to_owned(),
                expect: None,
            };
            let changes = vec![Change::Touch(touch), write::proof(id, change.clone())];
            let scope = scope.clone();
            async move { self.commit(&scope, changes).await }
        };
        match changes(scope).await {
            Err(Rejected::Outdated) => changes(&self.renewed(scope).await?).await?,
            done => done?,
        };
        Ok(())
    }

    /// What a request that sets or clears the password of a user makes of the credential. Of a
    /// user that is to be created there is no `id`.
    pub(super) async fn password(
        &self,
        scope: &Scope,
        id: Option<&str>,
        secrets: &Attributes,
    ) -> Result<Option<CredentialChange>, Error> {
        match secrets.get("password") {
            None => Ok(None),
            Some(Value::String(clear)) => {
                let chosen = self.chosen(scope, id, clear).await?;
                Ok(Some(CredentialChange::Password(chosen)))
            }
            Some(_) => Ok(id.map(|_| CredentialChange::NoPassword)),
        }
    }

    pub(super) async fn check_history(
        &self,
        scope: &Scope,
        id: Option<&str>,
        policy: &Policy,
        prepared: &str,
    ) -> Result<(), Error> {
        let (Some(id), 1..) = (id, policy.history) else {
            return Ok(());
        };
        let credential = self.credential(scope, id).await?;
        let current = credential.password.map(|it| it.hash);
        let used = current.into_iter().chain(credential.history);
        for hash in used.take(policy.history) {
            if self.hasher.verify(prepared.to_owned(), Some(hash)).await? {
                let used = TooWeak::Used(policy.history);
                return Err(civitas_scim::Invalid::from(used).into());
            }
        }
        Ok(())
    }

    /// A password and code compared with what was read of the credential.
    async fn compared(
        &self,
        scope: &Scope,
        id: &str,
        credential: &Credential,
        shown: &str,
    ) -> Result<Logon, Error> {
        let device = credential.totp.as_ref();
        let (shown, code) = split(shown, device.is_some());
        let code = match (device, code) {
            (Some(device), Some(code)) => self.compared_code(scope, id, device, code)?,
            _ => Code::Missing,
        };
        let policy = scope.password_policy.unwrap_or(Policy::STANDARD);
        let hash = credential.password.as_ref().map(|it| it.hash.clone());
        let rules = scope.password_policy;
        Ok(Logon {
            at: scope.now,
            matches: self.compare(shown, hash.clone()).await?,
            meets_policy: rules.is_none_or(|it| it.check(&password::normalized(shown)).is_ok()),
            hash,
            secret: device.map(|it| it.secret.clone()),
            code,
            policy,
        })
    }

    /// Whether a text is the password that was hashed. It takes the same time whatever it is.
    async fn compare(&self, shown: &str, hash: Option<String>) -> Result<bool, Error> {
        let normalized = password::normalized(shown);
        if normalized.len() > password::MAX_PASSWORD_BYTES {
            // No password is so long.
            return self.hasher.verify(String::new(), None).await;
        }
        self.hasher.verify(normalized, hash).await
    }

    fn compared_code(
        &self,
        scope: &Scope,
        id: &str,
        device: &Totp,
        shown: &str,
    ) -> Result<Code, Error> {
        let partition = scope.partition.raw().to_string();
        let secret = self.seal.open(&["totp", &partition, id], &device.secret);
        let secret =
            secret.ok_or_else(|| Error::Unavailable("a device's secret does not open".into()))?;
        Ok(match totp::matching(&secret, shown, scope.now) {
            Some(step) => Code::Right(step),
            None => Code::Wrong,
        })
    }

    /// Counts what was shown; `None` when the user is gone.
    async fn commit_proof(&self, scope: &Scope, change: Change) -> Result<Option<Verdict>, Error> {
        let committed = match self.commit(scope, vec![change.clone()]).await {
            Err(Rejected::Outdated) => self.commit(&self.renewed(scope).await?, vec![change]).await,
            done => done,
        };
        match committed {
            Ok(committed) => Ok(committed.verdict),
            Err(Rejected::Missing { .. }) => Ok(None),
            Err(rejected) => Err(rejected.into()),
        }
    }
}

/// What can be said before anything is compared.
fn refused(credential: &Credential, scope: &Scope) -> Option<Verdict> {
    let status = credential.password.as_ref().map(|it| it.status);
    match status {
        None | Some(PasswordStatus::Disabled) => Some(Verdict::Disabled),
        _ => credential.is_locked(scope.now).then_some(Verdict::Locked),
    }
}

/// The password, and the code that stands at its end where there is a device.
fn split(shown: &str, has_device: bool) -> (&str, Option<&str>) {
    let at = shown.len().checked_sub(totp::DIGITS);
    let parts = at.and_then(|at| shown.split_at_checked(at));
    match parts {
        Some((password, code)) if has_device && totp::is_code(code) => (password, Some(code)),
        _ => (shown, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_split_off_where_there_is_a_device() {
        for (shown, has_device, expected) in [
            ("Blue7Kettle492039", true, ("Blue7Kettle", Some("492039"))),
            ("Blue7Kettle492039", false, ("Blue7Kettle492039", None)),
            ("Blue7Kettle", true, ("Blue7Kettle", None)),
            ("49203", true, ("49203", None)),
            ("ä92039", true, ("ä92039", None)),
            ("ü492039", true, ("ü", Some("492039"))),
        ] {
            assert_eq!(split(shown, has_device), expected, "{shown}");
        }
    }
}
