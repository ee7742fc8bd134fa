//! Forgot Password: `POST /service/users/forgotPassword`. The user is written to, as often as it
//! may be.

use civitas_directory::{
    Change, Error, Outcome,
    change::Proof,
    credential::{CredentialChange, PasswordStatus, Policy},
    link::Purpose,
};
use http::StatusCode;

use super::{object, refused, text, user};
use crate::{
    dialect::sap::{call::Call, fault::Failure},
    letter::{self, Letter, Linked},
    page::Reset,
    reply::Reply,
};

pub(super) async fn ask(call: &Call<'_>) -> Result<Reply, Failure> {
    let body = object(call)?;
    let Some(user) = user(call, text(&body, "identifier")?).await? else {
        // Nobody learns who there is, and nobody is written to.
        return Ok(Reply::empty(StatusCode::OK));
    };
    if !user.record.is_active() {
        return Err(refused(Outcome::Invalid, "USER_INACTIVE"));
    }
    let scope = &call.scope;
    let credential = call.directory().credential(scope, &user.record.id).await?;
    let password = credential.password;
    let Some(password) = password.filter(|it| it.status != PasswordStatus::Disabled) else {
        return Err(refused(Outcome::Invalid, "PASSWORD_DISABLED"));
    };
    let policy = scope.password_policy.unwrap_or(Policy::STANDARD);
    let age = scope.now.0.saturating_sub(password.set.0);
    if age < policy.min_age_ms {
        return Err(refused(Outcome::Invalid, "PASSWORD_TOO_NEW"));
    }
    let attributes = user.record.attributes();
    let Some(email) = letter::address(&attributes) else {
        return Ok(Reply::empty(StatusCode::OK));
    };
    let language = letter::language(&attributes);
    let reset = Reset {
        email: email.clone(),
        language: language.clone(),
    };
    let id = &user.record.id;
    let linked = Linked {
        purpose: Purpose::Reset,
        subject: id,
        content: &reset,
    };
    let letter = Letter {
        to: &email,
        language: language.as_deref(),
        name: letter::called(&attributes),
        ..Letter::default()
    };
    let mut changes = vec![Change::Credential(Proof {
        id: id.clone(),
        change: CredentialChange::Mail(scope.now),
    })];
    changes.extend(letter::write(call.desk(), &linked, &letter).await?);
    match call.directory().commit_beside(scope, changes).await {
        // As if it had been written once more.
        Ok(()) | Err(Error::TooManyMails | Error::NotFound { .. }) => {
            Ok(Reply::empty(StatusCode::OK))
        }
        Err(error) => Err(error.into()),
    }
}
