//! What users prove themselves by, as the product's extension takes and shows it. Nothing of it
//! stands in the resource: a store keeps it beside, and a logon changes it.

use civitas_directory::{
    Timestamp,
    change::{Change, Proof},
    credential::{Credential, CredentialChange, Lockout, PasswordStatus, Policy, Totp, totp},
};
use serde_json::{Map, Value};

use super::{object::Object, schema::SAP_USER, show};
use crate::dialect::sap::{
    call::Call,
    fault::{Failure, Fault},
    kind::Kind,
};

/// The attribute with the state of the password.
pub(super) const DETAILS: &str = "passwordDetails";

/// Names of a device that comes from elsewhere.
const SECRET: &str = "totpSecret";
const FAILED: &str = "totpFailedAttempts";
const LOCKED: &str = "totpLockedTime";

const STATUSES: [(&str, PasswordStatus); 4] = [
    ("importedPassword", PasswordStatus::Imported),
    ("enabled", PasswordStatus::Enabled),
    ("initial", PasswordStatus::Initial),
    ("disabled", PasswordStatus::Disabled),
];

/// A device of a new user that was made elsewhere.
pub(super) struct Device {
    secret: Vec<u8>,
    attempts: Lockout,
}

/// Takes the device out of a body, which has no other place for it.
pub(super) fn device(body: &mut Value) -> Result<Option<Device>, Fault> {
    let extension = body.get_mut(SAP_USER).and_then(Value::as_object_mut);
    let Some(extension) = extension else {
        return Ok(None);
    };
    let mut take = |name: &str| {
        let mut names = extension.keys();
        let written = names.find(|it| it.eq_ignore_ascii_case(name)).cloned();
        written.and_then(|it| extension.shift_remove(&it))
    };
    let (secret, failed, locked) = (take(SECRET), take(FAILED), take(LOCKED));
    let Some(secret) = secret else {
        let alone = failed.or(locked).is_some();
        let told = || Fault::value(format!("Attribute with name {SECRET} is required."));
        return if alone { Err(told()) } else { Ok(None) };
    };
    let wrong = || Fault::value("The value data type is not correct");
    let secret = secret
        .as_str()
        .and_then(totp::decode_secret)
        .ok_or_else(wrong)?;
    let failed = failed.map_or(Some(0), |it| u32::try_from(it.as_u64()?).ok());
    let failed = failed.ok_or_else(wrong)?;
    let attempts = match locked {
        None => Lockout::after(failed),
        Some(at) => {
            let at = at.as_str().and_then(Timestamp::parse).ok_or_else(wrong)?;
            Lockout::until(failed, Timestamp(at.0.saturating_add(LOCK_MS)))
        }
    };
    Ok(Some(Device { secret, attempts }))
}

/// How long a lock lasts that came with a device.
const LOCK_MS: i64 = civitas_directory::credential::HOUR_MS;

/// The changes that a request makes of what a user proves itself by. A password that somebody
/// sets is to be changed at the first logon, unless it is said otherwise.
pub(super) fn changes(
    call: &Call<'_>,
    id: &str,
    object: &Object,
    password: Option<&Value>,
    device: Option<Device>,
) -> Result<Vec<Change>, Failure> {
    let details = object.get(SAP_USER).and_then(|it| it.get(DETAILS));
    let said = |name: &str| details.and_then(|it| it.get(name));
    let mut changes = Vec::new();
    let initial = password
        .is_some_and(Value::is_string)
        .then_some(PasswordStatus::Initial);
    let status = said("status").map(status).transpose()?;
    changes.extend(status.or(initial).map(CredentialChange::Status));
    if let Some(failed) = said("failedLoginAttempts").and_then(Value::as_u64) {
        changes.push(CredentialChange::Failed(failed as u32));
    }
    let policy = policy(call);
    if said("policy").is_some_and(|it| *it != *url(&policy)) {
        return Err(not_canonical("policy").into());
    }
    if let Some(Device { secret, attempts }) = device {
        let sealed = call.directory().device(&call.scope, id, &secret)?;
        let device = Totp { attempts, ..sealed };
        changes.push(CredentialChange::Totp(Some(device)));
    }
    let changes = changes.into_iter().map(|change| {
        let id = id.to_owned();
        Change::Credential(Proof { id, change })
    });
    Ok(changes.collect())
}

fn status(value: &Value) -> Result<PasswordStatus, Fault> {
    let known = STATUSES.iter().find(|(name, _)| value == name);
    known
        .map(|(_, it)| *it)
        .ok_or_else(|| not_canonical("status"))
}

fn not_canonical(name: &str) -> Fault {
    Fault::value(format!(
        "Provided value is not part of '{name}' canonical values"
    ))
}

/// The rules for passwords.
pub(super) fn policy(call: &Call<'_>) -> Policy {
    call.scope.password_policy.unwrap_or(Policy::STANDARD)
}

/// The name that the product has for a policy.
fn url(policy: &Policy) -> String {
    let path = match policy.name() {
        "standard" => "sap/web/1.1",
        "enterprise" => "sap/enterprise/1.0",
        _ => "custom/1.0",
    };
    format!("https://accounts.sap.com/policy/passwords/{path}")
}

/// What resources of a kind prove themselves by.
pub(super) async fn of(
    call: &Call<'_>,
    kind: Kind,
    ids: &[String],
) -> Result<Vec<Option<Credential>>, Failure> {
    match kind {
        Kind::User => Ok(call.directory().credentials(&call.scope, ids).await?),
        Kind::Group => Ok(vec![None; ids.len()]),
    }
}

/// Adds to what is shown of a user what it proves itself by, but for the proof.
pub(in crate::dialect::sap) fn add(call: &Call<'_>, object: &mut Object, credential: &Credential) {
    let Some(Value::Object(extension)) = object.get_mut(SAP_USER) else {
        return;
    };
    let last_logon = credential.last_logon.map(show::instant);
    if let Some(at) = &last_logon {
        extension.insert("loginTime".into(), at.as_str().into());
    }
    if credential.totp.is_some() {
        for name in ["mfaEnabled", "totpEnabled"] {
            extension.insert(name.into(), true.into());
        }
    }
    let Some(password) = &credential.password else {
        return;
    };
    let status = STATUSES.iter().find(|(_, it)| *it == password.status);
    let status = status.map_or("enabled", |(name, _)| name);
    let (attempts, now, policy) = (credential.attempts, call.scope.now, policy(call));
    let locked = attempts.locked_until(now).zip(policy.lock.lasts_ms);
    let locked = locked.map(|(until, lasts)| show::instant(Timestamp(until.0 - lasts)));
    let members: [(&str, Option<Value>); 6] = [
        ("loginTime", last_logon.clone().map(Value::from)),
        ("failedLoginAttempts", Some(attempts.failed(now).into())),
        ("setTime", Some(show::instant(password.set).into())),
        ("passwordLockedTime", locked.map(Value::from)),
        ("status", Some(status.into())),
        // A user has none before the first logon.
        ("policy", last_logon.map(|_| url(&policy).into())),
    ];
    let members = members.into_iter();
    let details: Map<String, Value> = members
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    extension.insert(DETAILS.into(), Value::Object(details));
}
