//! Master data: the values that some attributes of users are chosen from.

mod lists;

use std::collections::HashMap;

use civitas_directory::{Directory, Error, Partition, Tenant, wording};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value};

use self::lists::List;
use super::texts::master_kind;
use crate::{
    country::COUNTRIES, door::Arrival, form, refusal::Refusal, reply::Reply, time_zone::TIME_ZONES,
};

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
    TimeZones,
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
            "timezones" => Self::TimeZones,
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
            Self::Countries => COUNTRIES,
            Self::StatesOfUs => lists::STATES_US,
            Self::StatesOfCanada => lists::STATES_CA,
            Self::TimeZones => TIME_ZONES,
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

    /// The list as an answer, values by keys: the tenant's own in the language that the query
    /// names, or the predefined one.
    pub(super) async fn answer(
        self,
        arrival: &Arrival<'_>,
        tenant: &Tenant,
    ) -> Result<Reply, Refusal> {
        let query = arrival.parts.uri.query().unwrap_or_default();
        let query = form::pairs(query).ok_or(Refusal::MalformedQuery)?;
        let locale = query.iter().find(|(name, _)| name == "locale");
        let locale = locale.map_or(wording::ENGLISH, |(_, value)| value);
        let directory = &arrival.app.directory;
        let own = match self.name() {
            Some(name) => {
                let kind = master_kind(name);
                directory.text(tenant.partition, &kind, locale).await?
            }
            None => None,
        };
        let pairs: Map<String, Value> = if let Some(own) = &own {
            let own = pairs(&own.content);
            own.map(|(key, value)| (key.to_owned(), value.into()))
                .collect()
        } else {
            let list = self.list().iter();
            list.map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
                .collect()
        };
        let body = Value::Object(pairs).to_string();
        Ok(Reply::new(StatusCode::OK, JSON, body))
    }

    /// The name that its texts are kept under; `None` of what tenants have no texts for.
    const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Salutations => "salutations",
            Self::Functions => "functions",
            Self::Departments => "departments",
            Self::Relationships => "relationships",
            Self::Industries => "industries",
            Self::Languages => "languages",
            Self::Countries => "countries",
            Self::StatesOfUs | Self::StatesOfCanada | Self::TimeZones => return None,
        })
    }
}

/// The pairs of a set, in their order.
fn pairs(content: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = content.lines().filter_map(|it| it.split_once('='));
    pairs.map(|(key, value)| (key.trim(), value.trim()))
}

/// What a tenant has of its own, besides the predefined lists.
#[derive(Default)]
pub(super) struct Own(HashMap<String, Vec<(String, String)>>);

impl Own {
    /// All lists of a tenant, in whatever language.
    pub(super) async fn of(directory: &Directory, of: Partition) -> Result<Self, Error> {
        let mut own = Self::default();
        for set in directory.texts(of).await? {
            let list = own.0.entry(set.kind).or_default();
            let pairs = pairs(&set.content);
            list.extend(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())));
        }
        Ok(own)
    }

    /// Whether a text is a key or a value of the list, predefined or the tenant's.
    pub(super) fn has(&self, data: Data, text: &str) -> bool {
        let own = data.name().and_then(|it| self.0.get(&master_kind(it)));
        let mut own = own.into_iter().flatten();
        data.has(text) || own.any(|(key, value)| key == text || value == text)
    }
}

/// Whether a text names a language of the list, in whatever variety: `DE`, `de`, `en-US`.
pub(super) fn is_language(text: &str) -> bool {
    let language = text.split(['-', '_']).next().unwrap_or_default();
    let mut known = lists::LANGUAGES.iter();
    known.any(|(key, value)| key.eq_ignore_ascii_case(language) || *value == text)
}
