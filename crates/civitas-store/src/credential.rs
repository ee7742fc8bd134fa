//! Credentials as they are kept: texts of the directory, changed by its rules alone.

use civitas_directory::{
    credential::{Credential, CredentialChange, Verdict},
    store::ReadError,
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
