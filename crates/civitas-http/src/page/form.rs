//! Forms: what is asked, what was sent, and what is wrong with it.

use civitas_directory::{Error, credential::Policy, password};
use http::StatusCode;
use serde::Serialize;

use super::{
    picture::Picture,
    view,
    visit::{CORRECT, Fields, Visit},
};
use crate::{refusal::Refusal, reply::Reply};

/// Why a form is not answered by a page of its own.
#[derive(Debug)]
pub(super) enum Refused {
    /// The link is no longer good.
    Spent,
    Refusal(Refusal),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Directory(Error::Spent) => Self::Spent,
            other => Self::Refusal(other),
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Refusal::from(error).into()
    }
}

/// Most characters of a field.
const MOST_CHARS: usize = 255;

/// A field of a form.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Field {
    name: &'static str,
    label: String,
    /// `text`, `password`, `code`, `fixed`.
    kind: &'static str,
    /// What a browser may fill in.
    autocomplete: &'static str,
    value: String,
    /// Whether something is wrong with it.
    wrong: bool,
    /// Whether the rules for passwords are about it.
    ruled: bool,
}

/// What is wrong with a form.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Mistake {
    /// The field; empty of the form as a whole.
    field: &'static str,
    text: String,
}

/// A form on a page.
#[derive(Debug, Serialize)]
pub(super) struct Form {
    pub(super) title: String,
    pub(super) intro: String,
    pub(super) action: String,
    pub(super) fields: Vec<Field>,
    pub(super) rules: Vec<String>,
    pub(super) picture: Option<Picture>,
    pub(super) key: Option<String>,
    pub(super) mistakes: Vec<Mistake>,
}

impl Form {
    pub(super) fn new(visit: &Visit<'_>, key: &str) -> Self {
        let text = |part: &str| visit.wording.line(&format!("page.{key}.{part}"), &[]);
        Self {
            title: text("title"),
            intro: text("intro"),
            action: text("action"),
            fields: Vec::new(),
            rules: Vec::new(),
            picture: None,
            key: None,
            mistakes: Vec::new(),
        }
    }

    /// The form with a field.
    pub(super) fn with(
        mut self,
        visit: &Visit<'_>,
        (name, kind, autocomplete): (&'static str, &'static str, &'static str),
        value: Option<&str>,
    ) -> Self {
        let sent = visit.sent.as_ref().and_then(|it| it.get(name));
        let sent = sent.filter(|_| kind == "text").map(String::as_str);
        self.fields.push(Field {
            name,
            label: visit.wording.line(&label(name), &[]),
            kind,
            autocomplete,
            value: sent.or(value).unwrap_or_default().to_owned(),
            wrong: false,
            ruled: false,
        });
        self
    }

    /// The form with the fields of a new password.
    pub(super) fn with_password(mut self, visit: &Visit<'_>, name: &'static str) -> Self {
        self = self
            .with(visit, (name, "password", "new-password"), None)
            .with(visit, ("repeat", "password", "new-password"), None);
        if let Some(field) = self.fields.iter_mut().find(|it| it.name == name) {
            field.ruled = true;
        }
        self.rules = rules(visit, &visit.policy());
        self
    }

    /// Notes what is wrong with a field.
    pub(super) fn mistake(
        &mut self,
        visit: &Visit<'_>,
        field: &'static str,
        key: &str,
        words: &[(&str, &str)],
    ) {
        let mut fields = self.fields.iter_mut();
        let mut all = words.to_vec();
        let mut label = String::new();
        if let Some(field) = fields.find(|it| it.name == field) {
            field.wrong = true;
            label.clone_from(&field.label);
        }
        all.push(("field", &label));
        let text = visit.wording.line(&format!("page.error.{key}"), &all);
        self.mistakes.push(Mistake { field, text });
    }

    /// What was sent, if the form is one's own; else it is shown again.
    pub(super) fn own<'v>(&mut self, visit: &'v Visit<'_>) -> Option<&'v Fields> {
        let fields = visit.sent.as_ref()?;
        if visit.is_own(fields) {
            return Some(fields);
        }
        self.mistake(visit, "", "form", &[]);
        None
    }

    /// A text that is to be there, is not too long, and has none of some characters.
    pub(super) fn text(
        &mut self,
        visit: &Visit<'_>,
        fields: &Fields,
        name: &'static str,
        (required, forbidden): (bool, &str),
    ) -> String {
        let text = fields.get(name).map(|it| it.trim()).unwrap_or_default();
        if text.is_empty() && required {
            self.mistake(visit, name, "required", &[]);
        } else if text.chars().count() > MOST_CHARS {
            self.mistake(visit, name, "long", &[]);
        } else if text.contains(|it| forbidden.contains(it)) {
            self.mistake(visit, name, "characters", &[("characters", forbidden)]);
        }
        text.to_owned()
    }

    /// A password that keeps the rules and was entered twice.
    pub(super) fn password(
        &mut self,
        visit: &Visit<'_>,
        fields: &Fields,
        name: &'static str,
    ) -> String {
        let of = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let (chosen, repeated) = (of(name), of("repeat"));
        let prepared = password::prepare(&chosen).ok();
        let keeps = prepared.is_some_and(|it| visit.policy().check(&it).is_ok());
        if !keeps {
            self.weak(visit, name);
        } else if chosen != repeated {
            self.mistake(visit, "repeat", "repeat", &[]);
        }
        chosen
    }

    /// The password does not keep the rules.
    pub(super) fn weak(&mut self, visit: &Visit<'_>, name: &'static str) {
        self.mistake(visit, name, "weak", &[]);
    }

    pub(super) fn is_right(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// The page with the form.
    pub(super) fn shown(&self, visit: &Visit<'_>) -> Result<Reply, Refused> {
        let (cookie, form) = visit.given_out()?;
        let status = if self.is_right() {
            StatusCode::OK
        } else {
            CORRECT
        };
        let page = view::Asked {
            path: visit.path(),
            token: &visit.token,
            form: &form,
            content: self,
        };
        let reply = view::form(&visit.wording, &page, status)?;
        Ok(visit.with_cookie(reply, &cookie))
    }
}

/// The key of a field's label.
fn label(name: &str) -> String {
    match name {
        "password" => "logon.ui.label.password".to_owned(),
        _ => format!("page.field.{name}"),
    }
}

fn rules(visit: &Visit<'_>, policy: &Policy) -> Vec<String> {
    let rule = |key: &str, count: usize| {
        let count = count.to_string();
        visit
            .wording
            .line(&format!("page.rule.{key}"), &[("count", &count)])
    };
    let mut rules = vec![rule("chars", policy.min_chars)];
    if policy.groups > 1 {
        rules.push(rule("groups", policy.groups));
    }
    if policy.history > 0 {
        rules.push(rule("history", policy.history));
    }
    rules
}
