//! Forgot Password: `POST /service/users/forgotPassword`. What it refuses, it refuses; the mail
//! that would follow is not built.

use civitas_directory::{
    Outcome,
    credential::{PasswordStatus, Policy},
};
use http::StatusCode;

use super::{object, refused, text, user};
use crate::{
    dialect::sap::{
        call::Call,
        fault::{Failure, Fault},
    },
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
    Err(Fault::new(Outcome::NotBuilt, "Mail is not built yet.").into())
}
