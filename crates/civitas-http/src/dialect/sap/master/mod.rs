//! Master data: the values that some attributes of users are chosen from.

mod lists;

use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value};

use self::lists::List;
use crate::reply::Reply;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A list of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Data {
    Salutations,
    Functions,
    Departments,
    Relationships,
    Industries,
    Languages,
    Countries,
    StatesOfUs,
    StatesOfCanada,
}

impl Data {
    /// The list that is found under a name, such as `salutations` or `states/us`.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "salutations" => Self::Salutations,
            "functions" => Self::Functions,
            "departments" => Self::Departments,
            "relationships" => Self::Relationships,
            "industries" => Self::Industries,
            "languages" => Self::Languages,
            "countries" => Self::Countries,
            "states/us" => Self::StatesOfUs,
            "states/ca" => Self::StatesOfCanada,
            _ => return None,
        })
    }

    const fn list(self) -> List {
        match self {
            Self::Salutations => lists::SALUTATIONS,
            Self::Functions => lists::FUNCTIONS,
            Self::Departments => lists::DEPARTMENTS,
            Self::Relationships => lists::RELATIONSHIPS,
            Self::Industries => lists::INDUSTRIES,
            Self::Languages => lists::LANGUAGES,
            Self::Countries => lists::COUNTRIES,
            Self::StatesOfUs => lists::STATES_US,
            Self::StatesOfCanada => lists::STATES_CA,
        }
    }

    /// Whether a text is a key or a value of the list.
    pub(super) fn has(self, text: &str) -> bool {
        let mut list = self.list().iter();
        list.any(|(key, value)| *key == text || *value == text)
    }

    /// The key of a text that is a key or a value of the list.
    pub(super) fn key(self, text: &str) -> Option<&'static str> {
        let mut list = self.list().iter();
        let found = list.find(|(key, value)| *key == text || *value == text);
        found.map(|(key, _)| *key)
    }

    /// The list as an answer: values by keys.
    pub(super) fn answer(self) -> Reply {
        let pairs = self.list().iter();
        let pairs: Map<String, Value> = pairs
            .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
            .collect();
        Reply::new(StatusCode::OK, JSON, Value::Object(pairs).to_string())
    }
}

/// Whether a text names a language of the list, in whatever variety: `DE`, `de`, `en-US`.
pub(super) fn is_language(text: &str) -> bool {
    let language = text.split(['-', '_']).next().unwrap_or_default();
    let mut known = lists::LANGUAGES.iter();
    known.any(|(key, value)| key.eq_ignore_ascii_case(language) || *value == text)
}
