//! Credentials as they are kept: texts of the directory, changed by its rules alone.

use civitas_directory::{
    credential::{Credential, CredentialChange, Lockout, Verdict},
    store::{ReadError, RegistryError},
};

/// The credential that was kept.
pub(crate) fn read(text: Option<&str>) -> Result<Option<Credential>, ReadError> {
    let kept = text.map(Credential::from_text).transpose();
    let kept = kept.map_err(ReadError::Unavailable)?;
    Ok(kept.filter(|it| !it.is_empty()))
}

/// What a change makes of the credential that was kept: what came of what was shown, and the
/// text to keep, if it is another.
///
/// # Errors
/// The text of the failure, for the log.
pub(crate) fn apply(
    change: &CredentialChange,
    kept: Option<&str>,
) -> Result<(Option<Verdict>, Option<String>), String> {
    let before = kept.map(Credential::from_text).transpose()?;
    let before = before.unwrap_or_default();
    let mut after = before.clone();
    let verdict = change.apply(&mut after);
    let text = (after != before).then(|| after.to_text()).transpose()?;
    Ok((verdict, text))
}

/// The failures of a client that were kept.
pub(crate) fn lockout(text: Option<&str>) -> Result<Lockout, RegistryError> {
    let kept = text.map(serde_json::from_str).transpose();
    Ok(kept.map_err(unavailable)?.unwrap_or_default())
}

pub(crate) fn lockout_text(lockout: &Lockout) -> Result<String, RegistryError> {
    serde_json::to_string(lockout).map_err(unavailable)
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unavailable(error: serde_json::Error) -> RegistryError {
    RegistryError::Unavailable(format!("failures of a client: {error}"))
}
