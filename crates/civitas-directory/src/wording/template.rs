//! Templates (Jinja), and words that are put into texts.

use std::collections::HashMap;

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, HtmlEscape, State, UndefinedBehavior, Value,
    value::{Kwargs, Serde},
};
use serde::Serialize;

use super::Wording;

/// Steps that a template may take.
const FUEL: u64 = 50_000;

/// Why a template cannot be used: what is wrong and where. Nothing of what it was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(String);

impl From<Error> for Unusable {
    fn from(error: Error) -> Self {
        let line = error.line().map(|it| format!(" in line {it}"));
        let detail = error.detail().unwrap_or_default();
        Self(format!(
            "{}{}: {detail}",
            error.kind(),
            line.unwrap_or_default()
        ))
    }
}

/// Whether a text is a template.
///
/// # Errors
/// What is wrong with it, and in which line.
pub fn check(source: &str) -> Result<(), Unusable> {
    Environment::new().template_from_str(source)?;
    Ok(())
}

/// Renders one of the templates. Those whose name ends in `html` escape what they are given.
pub(super) fn render(
    wording: &Wording,
    sources: &[(&str, &str)],
    name: &str,
    about: &impl Serialize,
) -> Result<String, Unusable> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|name| {
        if name.ends_with("html") {
            AutoEscape::Html
        } else {
            AutoEscape::None
        }
    });
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_fuel(Some(FUEL));
    for (name, source) in sources {
        environment.add_template(name, source)?;
    }
    let texts: HashMap<String, String> = wording.merged();
    environment.add_function(
        "t",
        move |state: &State<'_, '_>, key: &str, words: Kwargs| {
            text(&texts, state.auto_escape(), key, &words)
        },
    );
    environment.add_global("language", wording.tag());
    let rendered = environment
        .get_template(name)?
        .render(Value::from(Serde(about)))?;
    Ok(rendered)
}

/// A text with words put into it: with its markup where it becomes HTML, else without.
fn text(
    texts: &HashMap<String, String>,
    escape: &AutoEscape,
    key: &str,
    words: &Kwargs,
) -> Result<Value, Error> {
    let text = texts.get(key).map_or("", String::as_str);
    let is_html = matches!(escape, AutoEscape::Html);
    let word = |name: &str| {
        let word: Value = words.get(name).ok()?;
        Some(if is_html {
            HtmlEscape(&word.to_string()).to_string()
        } else {
            word.to_string()
        })
    };
    let filled = if is_html {
        Value::from_safe_string(filled(text, word))
    } else {
        Value::from(filled(&without_markup(text), word))
    };
    words
        .assert_all_used()
        .or_else(|error| match error.kind() {
            // A tenant's text need not say everything.
            ErrorKind::TooManyArguments => Ok(()),
            _ => Err(error),
        })?;
    Ok(filled)
}

/// The text with `{name}` replaced where there is a word for it.
pub(super) fn filled(text: &str, word: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        filled.push_str(&rest[..open]);
        rest = &rest[open..];
        let close = rest.find('}');
        let word = close.and_then(|close| Some((close, word(&rest[1..close])?)));
        if let Some((close, word)) = word {
            filled.push_str(&word);
            rest = &rest[close + 1..];
        } else {
            filled.push('{');
            rest = &rest[1..];
        }
    }
    filled.push_str(rest);
    filled
}

/// The text without tags, as far as they are closed.
pub(super) fn without_markup(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        plain.push_str(&rest[..open]);
        if let Some(close) = rest[open..].find('>') {
            rest = &rest[open + close + 1..];
        } else {
            plain.push('<');
            rest = &rest[open + 1..];
        }
    }
    plain.push_str(rest);
    for (entity, character) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ] {
        plain = plain.replace(entity, character);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_put_in_once() {
        let word = |name: &str| (name == "a").then(|| "{b}".to_owned());
        assert_eq!(filled("x {a} {b} {a", word), "x {b} {b} {a");
    }

    #[test]
    fn markup_is_taken_off() {
        let plain = without_markup("a <b class=\"x\">c</b> &amp; 1 < 2");
        assert_eq!(plain, "a c & 1 < 2");
    }

    #[test]
    fn a_broken_template_is_refused_with_its_line() {
        assert_eq!(check("{{ a }}"), Ok(()));
        let refused = check("a\n{% if %}").unwrap_err().to_string();
        assert!(refused.contains("line 2"), "{refused}");
    }
}
