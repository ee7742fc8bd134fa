//! Members of the objects that a definition consists of, each read by its type.

use serde_json::Value;

use super::{MAX_NAME, MAX_TEXT};
use crate::{Attributes, Invalid, path};

/// One object of a definition. Every member has to be asked for: one that is not known is
/// refused rather than ignored, because a characteristic that is misspelt would otherwise
/// silently have its default.
pub(super) struct Members<'v> {
    /// Where the object stands, for errors.
    pub(super) at: String,
    members: &'v Attributes,
}

impl<'v> Members<'v> {
    /// The object, with no other members than the known ones, which are compared without case.
    pub(super) fn of(
        at: impl Into<String>,
        value: &'v Value,
        known: &[&str],
    ) -> Result<Self, Invalid> {
        let at = at.into();
        let Value::Object(members) = value else {
            return Err(Invalid::value(format!("{at} must be an object")));
        };
        let is_known = |name: &str| known.iter().any(|it| it.eq_ignore_ascii_case(name));
        match members.keys().find(|name| !is_known(name)) {
            Some(name) => Err(Invalid::value(format!(
                "{at}: {} is not known; known are {}",
                path::shown(name),
                known.join(", ")
            ))),
            None => Ok(Self { at, members }),
        }
    }

    /// The member; `null` counts as absent (RFC 7643 §2.5).
    pub(super) fn value(&self, name: &str) -> Option<&'v Value> {
        crate::messages::member(self.members, name).filter(|value| !value.is_null())
    }

    /// An error about a member.
    pub(super) fn wrong(&self, name: &str, what: &str) -> Invalid {
        Invalid::value(format!("{}.{name} {what}", self.at))
    }

    /// A truth value, written as one.
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, Invalid> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(self.wrong(name, "must be true or false")),
        }
    }

    /// A text for people or machines.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'v str>, Invalid> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= MAX_TEXT => Ok(Some(text)),
            Some(Value::String(_)) => {
                Err(self.wrong(name, &format!("is longer than {MAX_TEXT} bytes")))
            }
            Some(_) => Err(self.wrong(name, "must be a string")),
        }
    }

    /// A text that has to be there.
    pub(super) fn required_text(&self, name: &str) -> Result<&'v str, Invalid> {
        match self.text(name)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(self.wrong(name, "is required")),
        }
    }

    /// A name by the grammar of RFC 7643 §2.1. `$ref` is no name here: what it refers to is
    /// the server's to fill in, and of other schemas it does not know how.
    pub(super) fn name(&self) -> Result<&'v str, Invalid> {
        let name = self.required_text("name")?;
        if name.len() > MAX_NAME || name.starts_with('$') || !path::is_name(name) {
            return Err(self.wrong(
                "name",
                &format!(
                    "{} is no name: a letter, then letters, digits, $, - and _, at most \
                     {MAX_NAME} in all (RFC 7643 §2.1)",
                    path::shown(name)
                ),
            ));
        }
        Ok(name)
    }

    /// A keyword, spelled exactly.
    pub(super) fn keyword<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        keywords: &str,
    ) -> Result<Option<T>, Invalid> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let wrong = |_| {
            let shown = match value {
                Value::String(text) => path::shown(text),
                _ => "the value".into(),
            };
            self.wrong(name, &format!("{shown} is none of {keywords}"))
        };
        serde_json::from_value(value.clone())
            .map(Some)
            .map_err(wrong)
    }

    /// A list of at most so many texts.
    pub(super) fn texts(&self, name: &str, most: usize) -> Result<Vec<String>, Invalid> {
        let text = |value: &Value| match value {
            Value::String(text) if !text.is_empty() && text.len() <= MAX_TEXT => Ok(text.clone()),
            _ => Err(self.wrong(name, &format!("must hold strings of 1 to {MAX_TEXT} bytes"))),
        };
        self.list(name, most)?.iter().map(text).collect()
    }

    /// A list of at most so many values; an absent one is empty.
    pub(super) fn list(&self, name: &str, most: usize) -> Result<&'v [Value], Invalid> {
        match self.value(name) {
            None => Ok(&[]),
            Some(Value::Array(values)) if values.len() <= most => Ok(values),
            Some(Value::Array(_)) => Err(self.wrong(name, &format!("may have {most} at most"))),
            Some(_) => Err(self.wrong(name, "must be an array")),
        }
    }
}

/// Refuses two that are equal without case.
pub(super) fn refuse_repeated<'n>(
    at: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Result<(), Invalid> {
    let mut seen = std::collections::HashSet::new();
    for name in names {
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(Invalid::value(format!(
                "{at}: {} is defined twice",
                path::shown(name)
            )));
        }
    }
    Ok(())
}

/// The URI lists what the body is, the message's own URI among them.
pub(super) fn check_schemas(members: &Members<'_>, uri: &str) -> Result<(), Invalid> {
    let schemas = members.texts("schemas", super::MAX_EXTENSIONS);
    let named = |schemas: Vec<String>| schemas.iter().any(|it| it.eq_ignore_ascii_case(uri));
    match schemas {
        Ok(schemas) if named(schemas.clone()) => Ok(()),
        _ => Err(Invalid::syntax(format!("schemas must hold {uri}"))),
    }
}
