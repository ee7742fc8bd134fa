//! Devices that make one-time codes (RFC 6238): how a user comes to have one, shows codes of it, and
//! gives it up. Nothing is kept of one that is offered: the offer is sealed in what is told of it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use civitas_directory::{
    Change, Error, Outcome, Timestamp, belonging,
    change::Proof,
    credential::{CredentialChange, HOUR_MS, Totp, Verdict, totp},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    call::Call,
    credential,
    fault::{Failure, Fault},
    id, resource,
};
use crate::{qr, reply::Reply};

const SCHEMAS: &str = "urn:ietf:params:scim:schemas:oracle:idcs:";

/// What names offers of devices.
const OFFER: &str = "oracle-device";

/// How long an offer is good, in milliseconds.
const OFFER_MS: i64 = HOUR_MS;

/// What apps name the account's issuer.
const ISSUER: &str = "Civitas";

/// The one factor that is there.
const TOTP: &str = "TOTP";

/// An operation on devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Factor {
    Enroller,
    Validator,
    Remover,
}

impl Factor {
    pub(super) const ALL: [Self; 3] = [Self::Enroller, Self::Validator, Self::Remover];

    /// The operation of that name in paths, and whether it is about the caller.
    pub(super) fn named(name: &str) -> Option<(Self, bool)> {
        let (bare, own) = match name.strip_prefix("My") {
            Some(bare) => (bare, true),
            None => (name, false),
        };
        let factor = Self::ALL.into_iter().find(|it| it.name() == bare)?;
        Some((factor, own))
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Enroller => "AuthenticationFactorEnroller",
            Self::Validator => "AuthenticationFactorValidator",
            Self::Remover => "AuthenticationFactorsRemover",
        }
    }
}

/// A device that a user may take over.
#[derive(Serialize, Deserialize)]
struct Offer {
    user: String,
    device: String,
    secret: Vec<u8>,
    until: i64,
}

/// Carries out an operation on the device of a user.
pub(super) async fn answer(call: &Call<'_>, factor: Factor, own: bool) -> Result<Reply, Failure> {
    let body = call.object()?;
    let body = body.as_object().cloned().unwrap_or_default();
    let schema = format!("{SCHEMAS}{}", factor.name());
    super::changer::check_schema(&schema, &body)?;
    let shown = match factor {
        Factor::Enroller => enrol(call, own, &body).await?,
        Factor::Validator => validate(call, own, &body).await?,
        Factor::Remover => remove(call, own, &body).await?,
    };
    let name = format!("{}{}", if own { "My" } else { "" }, factor.name());
    let mut answer = json!({
        "schemas": [schema],
        "meta": { "resourceType": name, "location": call.url(&name) },
    });
    if let (Value::Object(answer), Value::Object(shown)) = (&mut answer, shown) {
        answer.extend(shown);
    }
    Ok(Call::answer(Outcome::Created, &answer))
}

/// The user that the body names, as the administrator of it does, or the caller.
fn user_of(call: &Call<'_>, own: bool, body: &Map<String, Value>) -> Result<String, Failure> {
    if own {
        return resource::caller(call);
    }
    let named = body.get("user");
    let named = named.and_then(|it| it.get("value").or_else(|| it.get("ocid")));
    let named = named.and_then(Value::as_str);
    let named = named.ok_or_else(|| Fault::missing(&["user".to_owned()]))?;
    Ok(id::kept(named).into_owned())
}

fn unknown(factor: Factor, user: &str) -> Fault {
    Fault::no_referent(factor.name(), "user", "User", &id::shown(user))
}

fn text<'b>(body: &'b Map<String, Value>, name: &str) -> Option<&'b str> {
    body.get(name).and_then(Value::as_str)
}

/// Offers a device.
async fn enrol(call: &Call<'_>, own: bool, body: &Map<String, Value>) -> Result<Value, Failure> {
    let user = user_of(call, own, body)?;
    let found = credential::user(call, &user).await?;
    let found = found.ok_or_else(|| unknown(Factor::Enroller, &user))?;
    let factors = body.get("authnFactors").and_then(Value::as_array);
    let factors = factors.ok_or_else(|| Fault::missing(&["authnFactors".to_owned()]))?;
    match factors.as_slice() {
        [one] if one.as_str().is_some_and(|it| it.eq_ignore_ascii_case(TOTP)) => {}
        [Value::String(_)] => return Err(Fault::not_built().into()),
        _ => return Err(Fault::payload("authnFactors must hold one factor.").into()),
    }
    let secret = totp::new_secret().map_err(Error::Unavailable)?;
    let device = call.scope.ids.issue(call.scope.now);
    let device = id::shown(&device).into_owned();
    let offer = Offer {
        user,
        device: device.clone(),
        secret: secret.to_vec(),
        until: call.scope.now.0.saturating_add(OFFER_MS),
    };
    let offer = serde_json::to_vec(&offer).map_err(|it| Error::Unavailable(it.to_string()))?;
    let request = call.directory().close_secret(&call.scope, OFFER, &offer)?;
    let attributes = found.record.attributes();
    let account = attributes.get("userName").and_then(Value::as_str);
    let content = format!(
        "otpauth://totp/{issuer}:{account}?issuer={issuer}&period=30&algorithm=SHA1&digits={digits}\
         &secret={secret}&Deviceid={device}&RequestId={request}",
        issuer = qr::escaped(ISSUER),
        account = qr::escaped(account.unwrap_or_default()),
        digits = totp::DIGITS,
        secret = totp::encode_secret(&secret),
    );
    let mut shown = json!({
        "deviceId": device,
        "requestId": request,
        "mfaStatus": "UN_ENROLLED",
        "authnFactors": [TOTP],
        "displayName": body.get("displayName"),
        "qrCodeContent": STANDARD.encode(&content),
    });
    if let Some(image) = qr::png(&content) {
        shown["qrCodeImgType"] = "PNG".into();
        shown["qrCodeImgContent"] = STANDARD.encode(image).into();
    }
    Ok(shown)
}

/// Judges a code: of the device that is offered, or of the one that the user has.
async fn validate(call: &Call<'_>, own: bool, body: &Map<String, Value>) -> Result<Value, Failure> {
    let names = ["authFactor", "scenario", "otpCode"];
    let missing = names.iter().filter(|it| text(body, it).is_none());
    let missing: Vec<String> = missing.map(|it| (*it).to_owned()).collect();
    if !missing.is_empty() {
        return Err(Fault::missing(&missing).into());
    }
    let of = |name: &str| text(body, name).unwrap_or_default();
    if !of("authFactor").eq_ignore_ascii_case(TOTP) {
        return Err(Fault::not_built().into());
    }
    let (user, device) = match of("scenario").to_ascii_uppercase().as_str() {
        "ENROLLMENT" => take_over(call, own, body, of("otpCode")).await?,
        "AUTHENTICATION" => {
            let user = user_of(call, own, body)?;
            let directory = call.directory();
            let verdict = directory.check_code(&call.scope, &user, of("otpCode"));
            match verdict.await? {
                Verdict::Accepted => (user, text(body, "deviceId").map(str::to_owned)),
                _ => return Err(wrong().into()),
            }
        }
        other => return Err(Fault::not_allowed_value(other, "scenario").into()),
    };
    let found = credential::user(call, &user).await?;
    let attributes = found.map(|it| it.record.attributes());
    let name = attributes.and_then(|it| it.get("displayName").cloned());
    Ok(json!({
        "status": "SUCCESS",
        "mfaStatus": "ENROLLED",
        "mfaPreferredDevice": device,
        "mfaPreferredAuthenticationFactor": TOTP,
        "securityQuestionsPresent": false,
        "emailFactorEnrolled": false,
        "devicesCount": 1,
        "displayName": name,
    }))
}

/// The user takes over the device that it was offered, whose first code it shows.
async fn take_over(
    call: &Call<'_>,
    own: bool,
    body: &Map<String, Value>,
    code: &str,
) -> Result<(String, Option<String>), Failure> {
    let request = text(body, "requestId");
    let request = request.ok_or_else(|| Fault::missing(&["requestId".to_owned()]))?;
    let offer = call.directory().open_secret(&call.scope, OFFER, request);
    let offer: Option<Offer> = offer.and_then(|it| serde_json::from_slice(&it).ok());
    let offer = offer.filter(|it| Timestamp(it.until) > call.scope.now);
    let of_caller = |it: &Offer| !own || call.caller.user.as_deref() == Some(&it.user);
    let offer = offer.filter(of_caller).ok_or_else(|| {
        let id = "error.ssocommon.auth.invalidRequestId";
        Fault::invalid(id, "The requestId is unknown or has expired: enroll again.")
    })?;
    let step = totp::matching(&offer.secret, code, call.scope.now).ok_or_else(wrong)?;
    let device = call
        .directory()
        .device(&call.scope, &offer.user, &offer.secret)?;
    let device = Totp {
        spent: Some(step),
        ..device
    };
    change(call, Factor::Validator, &offer.user, Some(device)).await?;
    Ok((offer.user, Some(offer.device)))
}

/// The user gives up its device.
async fn remove(call: &Call<'_>, own: bool, body: &Map<String, Value>) -> Result<Value, Failure> {
    let user = user_of(call, own, body)?;
    let of = text(body, "type").unwrap_or("ALL");
    match of.to_ascii_uppercase().as_str() {
        "MFA" | "ALL" => change(call, Factor::Remover, &user, None).await?,
        // Nothing of it is there.
        "KMSI" | "ACCOUNTRECOVERY" => {
            let found = credential::user(call, &user).await?;
            found.ok_or_else(|| unknown(Factor::Remover, &user))?;
        }
        other => return Err(Fault::not_allowed_value(other, "type").into()),
    }
    Ok(json!({ "user": { "value": id::shown(&user) }, "type": of }))
}

async fn change(
    call: &Call<'_>,
    factor: Factor,
    user: &str,
    device: Option<Totp>,
) -> Result<(), Failure> {
    let mut changes = belonging::made("User", user);
    changes.push(Change::Credential(Proof {
        id: user.to_owned(),
        change: CredentialChange::Totp(device),
    }));
    match call.directory().commit_beside(&call.scope, changes).await {
        Ok(()) => Ok(()),
        Err(Error::NotFound { .. }) => Err(unknown(factor, user).into()),
        Err(error) => Err(error.into()),
    }
}

fn wrong() -> Fault {
    let id = "error.ssocommon.auth.invalidPasscode";
    Fault::new(Outcome::Unauthenticated, id, "Invalid passcode.")
}
