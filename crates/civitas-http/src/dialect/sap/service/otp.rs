//! TOTP validation: `POST /service/users/otp`.

use civitas_directory::{Outcome, credential::Verdict};
use http::StatusCode;

use super::{object, refused, text, user};
use crate::{
    dialect::sap::{call::Call, fault::Failure},
    reply::Reply,
};

pub(super) async fn check(call: &Call<'_>) -> Result<Reply, Failure> {
    let body = object(call)?;
    let (name, code) = (text(&body, "userName")?, text(&body, "otpCode")?);
    let verdict = match user(call, name).await? {
        Some(user) => {
            let id = &user.record.id;
            call.directory().check_code(&call.scope, id, code).await?
        }
        None => Verdict::NoDevice,
    };
    let told = match verdict {
        Verdict::Accepted => return Ok(Reply::empty(StatusCode::OK)),
        Verdict::CodeLocked => "LOCKED_OTP_CODE",
        Verdict::CodeUsed => "USED_OTP_CODE",
        Verdict::CodeWrong => "INVALID_OTP_CODE",
        _ => "BAD_CREDENTIALS",
    };
    Err(refused(Outcome::Unauthenticated, told))
}
