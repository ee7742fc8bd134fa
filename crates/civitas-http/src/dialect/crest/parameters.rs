//! The reserved parameters of a request, whose names begin with `_` and are compared without
//! case. Others are handed on to the resource.

use civitas_directory::Outcome;

use super::{fault::Fault, fields::Fields, filter::Filter, pointer::Pointer, version::Version};
use crate::{form, refusal::Refusal};

/// Most keys of an order.
pub(super) const MAX_SORT_KEYS: usize = 10;

/// The parameters in force.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Parameters {
    pub(super) fields: Fields,
    pub(super) pretty: bool,
    pub(super) mime_type: Option<String>,
    pub(super) query: Option<Query>,
    /// Those that are not reserved.
    pub(super) extra: Vec<(String, String)>,
}

/// What is asked of a collection.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Query {
    pub(super) selector: Selector,
    /// `None`: all at once.
    pub(super) page_size: Option<u64>,
    pub(super) cookie: Option<String>,
    pub(super) offset: u64,
    pub(super) sort: Vec<SortKey>,
    pub(super) total: bool,
    pub(super) count_only: bool,
}

impl Query {
    /// Everything that is selected, at once and in no stated order.
    pub(super) fn of(selector: Selector) -> Self {
        Self {
            selector,
            page_size: None,
            cookie: None,
            offset: 0,
            sort: Vec::new(),
            total: false,
            count_only: false,
        }
    }
}

/// Which objects.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Selector {
    Filter(Filter),
    /// A stored query by its name.
    Id(String),
    /// A query in the language of a store.
    Expression,
}

/// One key of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SortKey {
    pub(super) field: Pointer,
    pub(super) descending: bool,
}

/// A parameter as it was sent.
pub(super) struct Sent<'r> {
    pairs: form::Pairs<'r>,
}

const SINGLE: [&str; 11] = [
    "_prettyPrint",
    "_mimeType",
    "_queryFilter",
    "_queryId",
    "_queryExpression",
    "_pageSize",
    "_pagedResultsCookie",
    "_pagedResultsOffset",
    "_totalPagedResultsPolicy",
    "_countOnly",
    "_action",
];

/// The parameters that make a GET a query.
const SELECTORS: [&str; 3] = ["_queryFilter", "_queryId", "_queryExpression"];

impl<'r> Sent<'r> {
    pub(super) fn read(query: &'r str) -> Result<Self, Refusal> {
        let pairs = form::pairs(query).ok_or(Refusal::MalformedQuery)?;
        Ok(Self { pairs })
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.pairs.iter();
        named
            .filter(move |(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_ref())
    }

    fn has(&self, name: &str) -> bool {
        self.named(name).next().is_some()
    }

    /// Whether a GET with these is a query.
    pub(super) fn selects(&self) -> bool {
        SELECTORS.iter().any(|name| self.has(name))
    }

    /// Whether a GET with these asks for a description of the interface.
    pub(super) fn describes(&self) -> bool {
        self.has("_crestapi") || self.has("_api")
    }

    /// The name of the action.
    pub(super) fn action(&self) -> Result<Option<&str>, Fault> {
        let mut values = self.named("_action");
        let first = values.next();
        if values.next().is_some() {
            return Err(repeated("_action"));
        }
        Ok(first)
    }

    /// The parameters, in the order in which they were sent; the first wrong one is told.
    pub(super) fn parameters(&self, queries: bool, protocol: Version) -> Result<Parameters, Fault> {
        let mut parameters = Parameters::default();
        let mut query = Query::of(Selector::Expression);
        for (at, (name, value)) in self.pairs.iter().enumerate() {
            let before = &self.pairs[..at];
            if before.iter().any(|(it, _)| it.eq_ignore_ascii_case(name)) {
                if is_single(name) {
                    return Err(repeated(name));
                }
                continue;
            }
            self.take(name, value, &mut parameters, &mut query, queries)?;
        }
        if parameters.mime_type.is_some() && parameters.fields.only().is_none() {
            return Err(Fault::malformed(
                "The mime type parameter requires only 1 field to be specified",
            ));
        }
        if queries {
            self.check_exclusive(&query)?;
            check_count_only(&query, protocol)?;
            parameters.query = Some(query);
        }
        Ok(parameters)
    }

    fn take(
        &self,
        name: &str,
        value: &str,
        parameters: &mut Parameters,
        query: &mut Query,
        queries: bool,
    ) -> Result<(), Fault> {
        let wrong = |what: &str| {
            Fault::malformed(format!(
                "The value '{value}' for parameter '{name}' could not be parsed as a {what}"
            ))
        };
        let integer = || value.parse::<u32>().map_err(|_| wrong("valid integer"));
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            "_fields" => {
                let fields = Fields::parse(self.named(name));
                let list = || wrong("comma separated list of JSON pointers");
                parameters.fields = fields.ok_or_else(list)?;
            }
            "_prettyprint" => parameters.pretty = value.eq_ignore_ascii_case("true"),
            "_mimetype" => parameters.mime_type = Some(mime_type(value)?),
            "_queryfilter" if queries => query.selector = Selector::Filter(Filter::parse(value)?),
            "_queryid" if queries => query.selector = Selector::Id(value.to_owned()),
            "_queryexpression" if queries => query.selector = Selector::Expression,
            "_pagesize" if queries => {
                query.page_size = Some(u64::from(integer()?)).filter(|it| *it > 0);
            }
            "_pagedresultscookie" if queries => {
                query.cookie = Some(value.to_owned()).filter(|it| !it.is_empty());
            }
            "_pagedresultsoffset" if queries => query.offset = u64::from(integer()?),
            "_sortkeys" if queries => {
                let keys = self.named(name).flat_map(|list| list.split(','));
                let keys: Option<Vec<SortKey>> = keys.map(sort_key).collect();
                let keys = keys.filter(|it| it.len() <= MAX_SORT_KEYS);
                query.sort = keys.ok_or_else(|| wrong("comma separated list of sort keys"))?;
            }
            "_totalpagedresultspolicy" if queries => {
                query.total = match value.to_ascii_uppercase().as_str() {
                    "NONE" => false,
                    "ESTIMATE" | "EXACT" => true,
                    _ => return Err(wrong("valid count policy")),
                };
            }
            "_countonly" if queries => query.count_only = value.eq_ignore_ascii_case("true"),
            "_action" => {}
            _ => parameters.extra.push((name.to_owned(), value.to_owned())),
        }
        Ok(())
    }

    fn check_exclusive(&self, query: &Query) -> Result<(), Fault> {
        let exclude = |one: &str, other: &str| {
            let message = format!("The parameters {one} and {other} are mutually exclusive");
            Err(Fault::malformed(message))
        };
        for (one, other) in [(1, 0), (1, 2), (0, 2)] {
            let (one, other) = (SELECTORS[one], SELECTORS[other]);
            if self.has(one) && self.has(other) {
                return exclude(one, other);
            }
        }
        if query.offset > 0 && query.cookie.is_some() {
            return exclude("_pagedResultsOffset", "_pagedResultsCookie");
        }
        Ok(())
    }
}

fn check_count_only(query: &Query, protocol: Version) -> Result<(), Fault> {
    if query.count_only && protocol < Version::new(2, 2) {
        return Err(Fault::malformed(
            "countOnly is only supported with protocolVersion 2.2 or higher",
        ));
    }
    Ok(())
}

fn is_single(name: &str) -> bool {
    let several = ["_fields", "_sortKeys"];
    !several.iter().any(|it| it.eq_ignore_ascii_case(name))
}

/// Names are told as they are documented.
fn repeated(name: &str) -> Fault {
    let known = SINGLE.iter().find(|it| it.eq_ignore_ascii_case(name));
    let name = known.copied().unwrap_or(name);
    Fault::new(
        Outcome::Malformed,
        format!("Multiple values provided for the single-valued request parameter '{name}'"),
    )
}

fn sort_key(text: &str) -> Option<SortKey> {
    let text = text.trim();
    let (descending, path) = match text.strip_prefix('-') {
        Some(path) => (true, path),
        // A plus sign that was not encoded arrives as a blank.
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let field = Pointer::parse(path).filter(|it| !it.names().is_empty())?;
    Some(SortKey { field, descending })
}

fn mime_type(value: &str) -> Result<String, Fault> {
    if value.contains(',') {
        return Err(Fault::malformed("Only one mime type value allowed"));
    }
    let token = |it: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        !it.is_empty() && it.bytes().all(plain)
    };
    match value.split_once('/') {
        Some((kind, subtype)) if token(kind) && token(subtype) => Ok(value.to_owned()),
        _ => Err(Fault::malformed(format!(
            "The mime type parameter '{value}' can't be parsed"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, protocol: Version) -> Result<Query, String> {
        let sent = Sent::read(query).map_err(|refusal| refusal.to_string())?;
        let parameters = sent.parameters(true, protocol);
        let parameters = parameters.map_err(|fault| fault.message)?;
        Ok(parameters.query.unwrap())
    }

    #[test]
    fn a_query_is_read() {
        let query = "_QUERYFILTER=true&_pageSize=10&_sortKeys=-sn,%2Bcn,a/b&_pagedResultsOffset=3\
                     &_totalPagedResultsPolicy=exact&_countOnly=true&x=1";
        let query = read(query, Version::new(2, 2)).unwrap();
        assert_eq!(query.selector, Selector::Filter(Filter::Constant(true)));
        assert_eq!((query.page_size, query.offset), (Some(10), 3));
        assert!(query.total && query.count_only);
        let keys = query.sort.iter();
        let keys: Vec<_> = keys
            .map(|it| (it.field.to_string(), it.descending))
            .collect();
        let key = |name: &str, descending| (name.to_owned(), descending);
        assert_eq!(
            keys,
            [key("/sn", true), key("/cn", false), key("/a/b", false)]
        );
        assert_eq!(
            read("_queryId=a&_pageSize=0", Version::new(2, 1))
                .unwrap()
                .page_size,
            None
        );
    }

    #[test]
    fn the_first_wrong_parameter_is_told() {
        for (query, told) in [
            (
                "_queryFilter=true&_queryFilter=true",
                "Multiple values provided for the single-valued request parameter '_queryFilter'",
            ),
            (
                "_queryFilter=true&x=1&x=2",
                "Multiple values provided for the single-valued request parameter 'x'",
            ),
            (
                "_queryFilter=true&_queryId=query-all",
                "The parameters _queryId and _queryFilter are mutually exclusive",
            ),
            (
                "_queryFilter=true&_pageSize=abc&_fields=a,,b",
                "The value 'abc' for parameter '_pageSize' could not be parsed as a valid integer",
            ),
            (
                "_queryFilter=true&_pageSize=-1",
                "The value '-1' for parameter '_pageSize' could not be parsed as a valid integer",
            ),
            (
                "_queryFilter=true&_fields=a,,b",
                "The value 'a,,b' for parameter '_fields' could not be parsed as a comma \
                 separated list of JSON pointers",
            ),
            (
                "_queryFilter=true&_sortKeys=",
                "The value '' for parameter '_sortKeys' could not be parsed as a comma separated \
                 list of sort keys",
            ),
            (
                "_queryFilter=true&_totalPagedResultsPolicy=MAYBE",
                "The value 'MAYBE' for parameter '_totalPagedResultsPolicy' could not be parsed \
                 as a valid count policy",
            ),
            (
                "_queryFilter=true&_countOnly=true",
                "countOnly is only supported with protocolVersion 2.2 or higher",
            ),
            (
                "_queryFilter=true&_pagedResultsOffset=1&_pagedResultsCookie=x",
                "The parameters _pagedResultsOffset and _pagedResultsCookie are mutually exclusive",
            ),
            (
                "_queryFilter=a+xx",
                "A value could not be parsed as a valid query filter",
            ),
            (
                "_queryFilter=true&_mimeType=text/plain",
                "The mime type parameter requires only 1 field to be specified",
            ),
            (
                "_queryFilter=true&_mimeType=x&_fields=a",
                "The mime type parameter 'x' can't be parsed",
            ),
        ] {
            let read = read(query, Version::new(2, 1));
            assert_eq!(read, Err(told.to_owned()), "{query}");
        }
    }
}
