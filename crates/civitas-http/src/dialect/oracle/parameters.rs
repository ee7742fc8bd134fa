//! What a request asks beside its body: parameters of the query, or of a search message.

use civitas_scim::messages::urn::SEARCH_REQUEST;
use serde_json::Value;

use super::fault::{Failure, Fault};
use crate::{form, refusal::Refusal};

/// Entries of a page unless the client says how many.
pub(super) const DEFAULT_COUNT: usize = 50;
/// Most entries of a page. A larger number is lowered, not refused.
pub(super) const MAX_COUNT: usize = 1_000;

/// The parameters of a request. What the service does not know is passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a parameter of its own"
)]
pub(super) struct Parameters {
    /// Entries of `attributes`, as written.
    pub(super) attributes: Vec<String>,
    /// Entries of `attributeSets`, as written.
    pub(super) sets: Vec<String>,
    pub(super) filter: Option<String>,
    pub(super) sort_by: Option<String>,
    pub(super) descending: bool,
    /// Counted from 1; 0 is what was not given.
    pub(super) start_index: u64,
    pub(super) count: Option<i64>,
    /// Where an earlier answer said that the list goes on.
    pub(super) page: Option<String>,
    pub(super) force_delete: bool,
    /// Whether users who delete what is theirs as administrators do say that they mean to.
    pub(super) allow_self_change: bool,
    /// Whether the answer need not wait for the work.
    pub(super) detached: bool,
    /// A file that the request is about.
    pub(super) file_name: Option<String>,
}

impl Parameters {
    /// Reads the query of a URL.
    pub(super) fn read(query: &str) -> Result<Self, Failure> {
        let pairs = form::pairs(query).ok_or(Refusal::MalformedQuery)?;
        let (mut parameters, mut limit) = (Self::default(), None);
        for (name, value) in &pairs {
            match name.as_ref() {
                "attributes" => parameters.attributes.extend(entries(value)),
                "attributeSets" => parameters.sets.extend(entries(value)),
                "filter" => parameters.filter = Some(value.clone().into_owned()),
                "sortBy" => parameters.sort_by = Some(value.clone().into_owned()),
                "sortOrder" => parameters.descending = is_descending(value)?,
                "startIndex" => parameters.start_index = start(number("startIndex", value)?),
                "count" => parameters.count = Some(number("count", value)?),
                "limit" => limit = Some(number("limit", value)?),
                "fileName" => parameters.file_name = Some(value.clone().into_owned()),
                "page" => parameters.page = Some(value.clone().into_owned()),
                "forceDelete" => parameters.force_delete = flag("forceDelete", value)?,
                "allowSelfChange" => {
                    parameters.allow_self_change = flag("allowSelfChange", value)?;
                }
                "__detached" => parameters.detached = flag("__detached", value)?,
                _ => {}
            }
        }
        parameters.count = limit.or(parameters.count);
        Ok(parameters)
    }

    /// The same parameters, of which a query may add how its pages go on to a search message.
    pub(super) fn paged_by(self, query: &Self) -> Self {
        Self {
            count: query.count.or(self.count),
            page: query.page.clone(),
            ..self
        }
    }

    /// Reads a search message, which says the same.
    pub(super) fn of_message(body: &Value) -> Result<Self, Fault> {
        let member = |name: &str| body.get(name).filter(|it| !it.is_null());
        let schemas = member("schemas").and_then(Value::as_array);
        let is_search = |it: &Value| {
            let uri = it.as_str().unwrap_or_default();
            uri.eq_ignore_ascii_case(SEARCH_REQUEST)
        };
        match schemas {
            None => return Err(Fault::missing(&["schemas".to_owned()])),
            Some(schemas) if schemas.iter().any(is_search) => {}
            Some(_) => {
                let detail = format!("The schemas attribute must hold {SEARCH_REQUEST}.");
                return Err(Fault::payload(detail));
            }
        }
        let text = |name: &str| match member(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Fault::payload(format!("{name} must be a string."))),
        };
        let list = |name: &str| match member(name) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(entries(text)),
            Some(Value::Array(all)) => {
                let texts = all.iter().map(|it| it.as_str().map(entries));
                let texts: Option<Vec<_>> = texts.collect();
                let texts = texts.map(|it| it.into_iter().flatten().collect());
                texts.ok_or_else(|| Fault::payload(format!("{name} must be an array of strings.")))
            }
            Some(_) => Err(Fault::payload(format!(
                "{name} must be an array of strings."
            ))),
        };
        let integer = |name: &str| match member(name) {
            None => Ok(None),
            Some(Value::String(text)) => number(name, text).map(Some),
            Some(value) => {
                let not = || Fault::payload(format!("{name} must be an integer."));
                value.as_i64().map(Some).ok_or_else(not)
            }
        };
        let order = text("sortOrder")?;
        Ok(Self {
            attributes: list("attributes")?,
            sets: list("attributeSets")?,
            filter: text("filter")?,
            sort_by: text("sortBy")?,
            descending: order.as_deref().map_or(Ok(false), is_descending)?,
            start_index: start(integer("startIndex")?.unwrap_or(0)),
            count: integer("count")?,
            page: None,
            force_delete: false,
            allow_self_change: false,
            detached: false,
            file_name: None,
        })
    }

    /// Entries of a page: what is asked for, or else `default`, as far as `most` allows.
    pub(super) fn page_size(&self, default: usize, most: usize) -> usize {
        let asked = self.count.and_then(|it| usize::try_from(it).ok());
        asked.unwrap_or(default).min(MAX_COUNT).min(most)
    }

    /// Index of the first entry, counted from 1.
    pub(super) fn start(&self) -> u64 {
        self.start_index.max(1)
    }
}

fn start(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn number(name: &str, text: &str) -> Result<i64, Fault> {
    let not = |_| Fault::payload(format!("{name} must be an integer."));
    text.trim().parse().map_err(not)
}

fn flag(name: &str, text: &str) -> Result<bool, Fault> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Ok(true),
        _ if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(Fault::payload(format!("{name} must be true or false."))),
    }
}

fn is_descending(text: &str) -> Result<bool, Fault> {
    match text {
        _ if text.eq_ignore_ascii_case("descending") => Ok(true),
        _ if text.eq_ignore_ascii_case("ascending") => Ok(false),
        _ => Err(Fault::payload("sortOrder must be ascending or descending.")),
    }
}

/// The entries of a list: commas in brackets, parentheses or quotes do not separate.
fn entries(text: &str) -> Vec<String> {
    let (mut entries, mut entry) = (Vec::new(), String::new());
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for letter in text.chars() {
        match letter {
            ',' if depth == 0 && !quoted => entries.push(std::mem::take(&mut entry)),
            _ => entry.push(letter),
        }
        match letter {
            '"' if !escaped => quoted = !quoted,
            '[' | '(' if !quoted => depth += 1,
            ']' | ')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        escaped = letter == '\\' && !escaped;
    }
    entries.push(entry);
    let trimmed = entries.into_iter().map(|it| it.trim().to_owned());
    trimmed.filter(|it| !it.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_within_brackets_do_not_separate() {
        assert_eq!(
            entries(r#"a, b.c ,members[value eq "x,\"]"],count(*)"#),
            ["a", "b.c", r#"members[value eq "x,\"]"]"#, "count(*)"]
        );
        assert!(entries(" , ").is_empty());
    }

    #[test]
    fn pages_stay_within_their_limits() {
        for (query, size, start) in [
            ("", 50, 1),
            ("count=7&startIndex=0", 7, 1),
            ("count=-1&startIndex=-5", 50, 1),
            ("count=0&startIndex=3", 0, 3),
            ("count=2000&sortedBy=x", 1_000, 1),
            ("limit=9&count=7", 9, 1),
        ] {
            let parameters = Parameters::read(query).unwrap();
            let found = (
                parameters.page_size(DEFAULT_COUNT, 9_999),
                parameters.start(),
            );
            assert_eq!(found, (size, start), "{query}");
        }
        assert!(Parameters::read("count=abc").is_err());
        assert!(Parameters::read("sortOrder=up").is_err());
        assert!(Parameters::read("__detached=maybe").is_err());
    }
}
