//! What people read: texts in their language, in templates for mails and pages.
//!
//! A text is found by a key: among those that the tenant has in the language, then among those
//! of the product in the language, then the same in English. A text may have markup of a tenant,
//! which was held against a list before it was kept; whatever is put into it is escaped.

mod properties;
mod template;

use std::collections::HashMap;

use serde::Serialize;

pub use properties::{Malformed, parse as parse_properties};
pub use template::{Unusable, check as check_template};

use crate::{link::Purpose, mail::Letter, text::TextSet};

/// The kind of the texts of a tenant.
pub const TEXTS: &str = "texts";

/// The language of those of whom none is known.
pub const ENGLISH: &str = "en";

/// The product's own texts, by language.
const PRODUCT: [(&str, &str); 2] = [
    ("en", include_str!("wording/en.properties")),
    ("de", include_str!("wording/de.properties")),
];

const LETTER_TEXT: &str = include_str!("wording/letter.txt");
const LETTER_HTML: &str = include_str!("wording/letter.html");

/// The kind of a tenant's own template of a letter.
pub fn template_kind(purpose: Purpose, form: Form) -> String {
    format!("template/{}/{}", purpose.name(), form.name())
}

/// In which form a letter is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Plain text.
    Text,
    /// HTML.
    Html,
}

impl Form {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Text, Self::Html];

    /// The name in the kinds of templates.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Html => "html",
        }
    }
}

/// Texts in one language, with the templates that a tenant has of its own.
pub struct Wording {
    language: String,
    /// What comes first, first.
    texts: Vec<HashMap<String, String>>,
    templates: HashMap<String, String>,
}

/// The languages whose sets are looked at for a language that somebody asked for, the best
/// first: `de_AT`, `de`.
pub fn candidates(asked: Option<&str>) -> Vec<String> {
    let Some((language, region)) = asked.and_then(parts) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    found.extend(region.map(|region| format!("{language}_{region}")));
    found.push(language);
    found
}

/// The parts of `XX`, `xx`, `xx-XX` or `xx_XX`.
fn parts(text: &str) -> Option<(String, Option<String>)> {
    let (language, region) = match text.split_once(['-', '_']) {
        Some((language, region)) => (language, Some(region)),
        None => (text, None),
    };
    let letters = |it: &str| it.len() == 2 && it.bytes().all(|it| it.is_ascii_alphabetic());
    (letters(language) && region.is_none_or(letters)).then(|| {
        let region = region.map(str::to_ascii_uppercase);
        (language.to_ascii_lowercase(), region)
    })
}

impl Wording {
    /// The wording in a language, with all that a tenant has of its own. A language of which
    /// there is nothing is English.
    pub fn new(asked: Option<&str>, own: &[TextSet]) -> Self {
        let wanted = candidates(asked);
        let is_there = |it: &String| {
            let is_own = |set: &TextSet| set.kind == TEXTS && set.locale == *it;
            product(it).is_some() || own.iter().any(is_own)
        };
        let language = wanted.iter().find(|it| is_there(it));
        let language = language.map_or(ENGLISH, String::as_str).to_owned();
        let mut order = wanted;
        if !order.iter().any(|it| it == ENGLISH) {
            order.push(ENGLISH.to_owned());
        }
        let mut texts = Vec::new();
        for locale in &order {
            let own = own
                .iter()
                .find(|it| it.kind == TEXTS && it.locale == *locale);
            let own = own.and_then(|it| properties::parse(&it.content).ok());
            texts.extend(own);
            texts.extend(product(locale).and_then(|it| properties::parse(it).ok()));
        }
        // Of those of a tenant the one in the best language.
        let mut templates = HashMap::new();
        for locale in order.iter().rev() {
            let found = own.iter().filter(|it| it.locale == *locale);
            let found = found.filter(|it| it.kind.starts_with("template/"));
            templates.extend(found.map(|it| (it.kind.clone(), it.content.clone())));
        }
        Self {
            language,
            texts,
            templates,
        }
    }

    /// The language as a tag (RFC 5646).
    pub fn tag(&self) -> String {
        self.language.replace('_', "-")
    }

    /// All texts, each as it is found.
    fn merged(&self) -> HashMap<String, String> {
        let texts = self.texts.iter().rev();
        texts
            .flatten()
            .map(|(key, text)| (key.clone(), text.clone()))
            .collect()
    }

    /// A text; nothing where there is none.
    pub fn text(&self, key: &str) -> &str {
        let mut texts = self.texts.iter();
        let found = texts.find_map(|it| it.get(key));
        found.map_or("", String::as_str)
    }

    /// A text as one line without markup, with words put into it: `{name}`.
    pub fn line(&self, key: &str, words: &[(&str, &str)]) -> String {
        let text = template::without_markup(self.text(key));
        let filled = template::filled(&text, |name| {
            let mut words = words.iter();
            let word = words.find(|(it, _)| *it == name)?;
            Some(word.1.to_owned())
        });
        filled.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Something made from a template and what it is about. The template finds texts by `t`.
    ///
    /// # Errors
    /// The text of the failure, for the log.
    pub fn page(
        &self,
        sources: &[(&str, &str)],
        name: &str,
        about: &impl Serialize,
    ) -> Result<String, Unusable> {
        template::render(self, sources, name, about)
    }

    /// A letter for a purpose: subject from the texts, content from the tenant's templates or the
    /// product's.
    ///
    /// # Errors
    /// The text of the failure, for the log.
    pub fn letter(
        &self,
        purpose: Purpose,
        to: &str,
        words: &[(&str, &str)],
        about: &impl Serialize,
    ) -> Result<Letter, Unusable> {
        let of = |form: Form, product: &'static str| {
            let own = self.templates.get(&template_kind(purpose, form));
            let source = own.map_or(product, String::as_str);
            let name = format!("letter.{}", form.name());
            self.page(&[(&name, source)], &name, about)
        };
        Ok(Letter {
            to: to.to_owned(),
            subject: self.line(&format!("mail.{}.subject", purpose.name()), words),
            text: of(Form::Text, LETTER_TEXT)?,
            html: of(Form::Html, LETTER_HTML)?,
        })
    }
}

fn product(language: &str) -> Option<&'static str> {
    let mut known = PRODUCT.iter();
    known
        .find(|(it, _)| *it == language)
        .map(|(_, texts)| *texts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn own(kind: &str, locale: &str, content: &str) -> TextSet {
        TextSet {
            kind: kind.into(),
            locale: locale.into(),
            media: "text/plain".into(),
            content: content.into(),
        }
    }

    #[test]
    fn languages_of_the_product_have_the_same_texts() {
        let sets = PRODUCT.map(|(_, texts)| properties::parse(texts).unwrap());
        for (language, set) in PRODUCT.iter().zip(&sets) {
            let keys = |it: &HashMap<String, String>| {
                let mut keys: Vec<String> = it.keys().cloned().collect();
                keys.sort();
                keys
            };
            assert_eq!(keys(set), keys(&sets[0]), "{}", language.0);
            let markup = set.values().find(|it| it.contains(['<', '&']));
            assert_eq!(markup, None, "{}", language.0);
        }
    }

    #[test]
    fn a_language_is_the_best_that_there_is() {
        let sets = [own(TEXTS, "fr", "a=un"), own(TEXTS, "de", "a=eins")];
        for (asked, tag, text) in [
            (Some("de"), "de", "eins"),
            (Some("DE"), "de", "eins"),
            (Some("de-AT"), "de", "eins"),
            (Some("fr_CA"), "fr", "un"),
            (Some("xx"), "en", ""),
            (Some("german"), "en", ""),
            (None, "en", ""),
        ] {
            let wording = Wording::new(asked, &sets);
            assert_eq!(
                (wording.tag().as_str(), wording.text("a")),
                (tag, text),
                "{asked:?}"
            );
            assert_ne!(wording.text("page.password.title"), "");
        }
        let product = Wording::new(Some("fr"), &sets);
        let english = Wording::new(None, &[]);
        let key = "page.password.title";
        assert_eq!(product.text(key), english.text(key));
    }

    #[test]
    fn letters_come_from_the_templates_of_the_tenant_or_the_product() {
        let about = json!({
            "purpose": "reset", "link": "https://a.example/x?y=1&z=2", "name": "Ann <b>",
            "hours": 2,
        });
        let wording = Wording::new(Some("de"), &[]);
        let letter = wording
            .letter(Purpose::Reset, "a@b.example", &[], &about)
            .unwrap();
        assert!(
            letter.text.contains("https://a.example/x?y=1&z=2"),
            "{}",
            letter.text
        );
        assert!(letter.text.contains("Ann <b>"), "{}", letter.text);
        assert!(letter.html.contains("Ann &lt;b&gt;"), "{}", letter.html);
        assert!(letter.html.contains("lang=\"de\""), "{}", letter.html);
        let kind = template_kind(Purpose::Reset, Form::Text);
        let sets = [
            own(&kind, "en", "{{ t('x') }}: {{ link }}"),
            own(TEXTS, "de", "x=Hier"),
        ];
        let wording = Wording::new(Some("de"), &sets);
        let letter = wording
            .letter(Purpose::Reset, "a@b.example", &[], &about)
            .unwrap();
        assert_eq!(letter.text, "Hier: https://a.example/x?y=1&z=2");
    }
}
