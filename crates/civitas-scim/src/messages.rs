//! The messages of the protocol (RFC 7644 §3.1, §10.2): errors, searches, lists and PATCH
//! requests as they stand on the wire.

use serde_json::{Value, json};

use crate::{
    Attributes, Invalid, ScimType,
    patch::{Op, Operation},
    path::shown,
    tolerance::{Switch, Tolerance},
};

/// The URIs of the messages (RFC 7644 §10.2).
pub mod urn {
    /// A list of resources.
    pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
    /// A query in the body of a POST.
    pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
    /// A PATCH request.
    pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    /// A bulk request.
    pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
    /// The answer to a bulk request.
    pub const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
    /// An error.
    pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
}

/// Most operations of one PATCH request.
pub const MAX_OPERATIONS: usize = 1_000;

/// The body of an error response (RFC 7644 §3.12): `status` is the HTTP code, `detail` a
/// sentence for the caller.
pub fn error(status: u16, scim_type: Option<ScimType>, detail: &str) -> String {
    let mut body = json!({ "schemas": [urn::ERROR], "status": status.to_string() });
    if let Some(scim_type) = scim_type {
        body["scimType"] = Value::from(scim_type.keyword());
    }
    body["detail"] = Value::from(detail);
    body.to_string()
}

/// A `ListResponse` (RFC 7644 §3.4.2) around resources that are JSON texts already. All of its
/// counters are always there, `itemsPerPage` being the number of `resources`.
pub fn list_response<R: AsRef<[u8]>>(
    total_results: u64,
    start_index: u64,
    resources: impl IntoIterator<Item = R>,
) -> Vec<u8> {
    let mut list = format!(
        r#"{{"schemas":["{}"],"totalResults":{total_results},"startIndex":{start_index},"Resources":["#,
        urn::LIST_RESPONSE
    )
    .into_bytes();
    let mut items = 0_usize;
    for resource in resources {
        if items > 0 {
            list.push(b',');
        }
        list.extend_from_slice(resource.as_ref());
        items += 1;
    }
    list.extend_from_slice(format!(r#"],"itemsPerPage":{items}}}"#).as_bytes());
    list
}

/// A query as asked, in a URL or in a body (RFC 7644 §3.4.2, §3.4.3). Names and the filter
/// are not looked at yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchRequest {
    /// Names of what to return besides the minimum.
    pub attributes: Option<Vec<String>>,
    /// Names of what not to return.
    pub excluded_attributes: Option<Vec<String>>,
    /// The filter.
    pub filter: Option<String>,
    /// Path of the attribute to sort by.
    pub sort_by: Option<String>,
    /// Whether the order is descending; without meaning unless `sort_by` is given.
    pub descending: bool,
    /// Position of the first resource to return, counted from 1; without meaning where a
    /// cursor is given.
    pub start_index: u64,
    /// The cursor to go on from, empty for the first page; `None` for paging by index
    /// (RFC 9865 §2).
    pub cursor: Option<String>,
    /// Most resources to return; `None` leaves it to the provider. Never above `i64::MAX`,
    /// and neither is `start_index`.
    pub count: Option<u64>,
}

impl Default for SearchRequest {
    fn default() -> Self {
        Self {
            attributes: None,
            excluded_attributes: None,
            filter: None,
            sort_by: None,
            descending: false,
            start_index: 1,
            cursor: None,
            count: None,
        }
    }
}

impl SearchRequest {
    /// Reads the body of a POST to `.search` (RFC 7644 §3.4.3).
    ///
    /// # Errors
    ///
    /// `invalidSyntax` if it is no `SearchRequest`; `invalidFilter` for an empty filter;
    /// `invalidValue` for a member of the wrong type, and for unknown members unless they are
    /// tolerated.
    pub fn parse(body: &Value, tolerance: &Tolerance) -> Result<Self, Invalid> {
        Self::read(message(body, urn::SEARCH_REQUEST)?, &["schemas"], tolerance)
    }

    /// Reads the members of a message that holds a query, and others `beside` it.
    pub(crate) fn read(
        body: &Attributes,
        beside: &[&str],
        tolerance: &Tolerance,
    ) -> Result<Self, Invalid> {
        let is_beside = |name: &str| beside.iter().any(|it| it.eq_ignore_ascii_case(name));
        let mut request = Self::default();
        let (mut sort_order, mut starts) = (None, false);
        for (name, value) in body.iter().filter(|(_, value)| !value.is_null()) {
            match Parameter::named(name) {
                Some(Parameter::Attributes) => {
                    request.attributes = strings("attributes", value)?;
                }
                Some(Parameter::ExcludedAttributes) => {
                    request.excluded_attributes = strings("excludedAttributes", value)?;
                }
                Some(Parameter::Filter) => {
                    let filter = value.as_str();
                    request.filter = Some(filled_filter(filter.unwrap_or_default())?);
                }
                Some(Parameter::SortBy) => request.sort_by = Some(string("sortBy", value)?),
                Some(Parameter::SortOrder) => sort_order = Some(string("sortOrder", value)?),
                Some(Parameter::StartIndex) => {
                    starts = true;
                    request.start_index =
                        start_index(json_counter("startIndex", value, tolerance)?);
                }
                Some(Parameter::Cursor) => request.cursor = Some(string("cursor", value)?),
                Some(Parameter::Count) => {
                    request.count = Some(count(json_counter("count", value, tolerance)?));
                }
                None if is_beside(name) || tolerance.takes(Switch::UnknownIgnored) => {}
                None => return Err(Invalid::value(format!("unknown member: {}", shown(name)))),
            }
        }
        request.page_one_way(starts)?;
        request.order(sort_order.as_deref())?;
        Ok(request)
    }

    /// Reads decoded URL parameters (RFC 7644 §3.4.2). Unknown ones are ignored, repeated
    /// lists of names joined.
    ///
    /// # Errors
    ///
    /// `invalidFilter` for an empty filter; `invalidValue` for a counter that is no integer or
    /// beyond 64 bits, for a bad `sortOrder`, for a cursor with `startIndex`, and for any other
    /// parameter given twice.
    pub fn from_query<K: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, Invalid> {
        let mut request = Self::default();
        let mut sort_order = None;
        let mut seen = Vec::new();
        for (name, value) in pairs {
            let Some(parameter) = Parameter::named(name.as_ref()) else {
                continue;
            };
            let value = value.as_ref();
            if seen.contains(&parameter) && !parameter.is_list() {
                return Err(Invalid::value(format!(
                    "{} is given twice",
                    shown(name.as_ref())
                )));
            }
            seen.push(parameter);
            match parameter {
                Parameter::Attributes => join(&mut request.attributes, value),
                Parameter::ExcludedAttributes => join(&mut request.excluded_attributes, value),
                Parameter::Filter => request.filter = Some(filled_filter(value)?),
                Parameter::SortBy => request.sort_by = Some(value.to_owned()),
                Parameter::SortOrder => sort_order = Some(value.to_owned()),
                Parameter::StartIndex => {
                    request.start_index = start_index(counter("startIndex", value)?);
                }
                Parameter::Cursor => request.cursor = Some(value.to_owned()),
                Parameter::Count => request.count = Some(count(counter("count", value)?)),
            }
        }
        request.page_one_way(seen.contains(&Parameter::StartIndex))?;
        request.order(sort_order.as_deref())?;
        Ok(request)
    }

    /// A page is found by its index or by a cursor (S-9865-2.1-03).
    fn page_one_way(&self, starts: bool) -> Result<(), Invalid> {
        if starts && self.cursor.is_some() {
            return Err(Invalid::value("cursor and startIndex exclude each other"));
        }
        Ok(())
    }

    /// Without `sortBy` there is nothing to order, and `sortOrder` has no effect.
    fn order(&mut self, sort_order: Option<&str>) -> Result<(), Invalid> {
        let descending = match sort_order {
            None => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(_) => return Err(Invalid::value("sortOrder must be ascending or descending")),
        };
        self.descending = descending && self.sort_by.is_some();
        Ok(())
    }
}

/// What a query is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parameter {
    Attributes,
    ExcludedAttributes,
    Filter,
    SortBy,
    SortOrder,
    StartIndex,
    Cursor,
    Count,
}

impl Parameter {
    fn named(name: &str) -> Option<Self> {
        const NAMES: [(&str, Parameter); 8] = [
            ("attributes", Parameter::Attributes),
            ("excludedAttributes", Parameter::ExcludedAttributes),
            ("filter", Parameter::Filter),
            ("sortBy", Parameter::SortBy),
            ("sortOrder", Parameter::SortOrder),
            ("startIndex", Parameter::StartIndex),
            ("cursor", Parameter::Cursor),
            ("count", Parameter::Count),
        ];
        let found = NAMES.iter().find(|(it, _)| it.eq_ignore_ascii_case(name));
        found.map(|(_, parameter)| *parameter)
    }

    fn is_list(self) -> bool {
        matches!(self, Self::Attributes | Self::ExcludedAttributes)
    }
}

/// A PATCH request (RFC 7644 §3.5.2).
#[derive(Debug, Clone, Copy)]
pub struct PatchRequest;

impl PatchRequest {
    /// Reads the operations of a PATCH body, 1 to [`MAX_OPERATIONS`] of them. Whether an
    /// operation needs a path or a value, and whether those make sense, is not looked at.
    ///
    /// # Errors
    ///
    /// `invalidSyntax` if the body is no `PatchOp` message or an operation is not one; unknown
    /// members of an operation are such an error unless they are tolerated.
    pub fn parse(body: &Value, tolerance: &Tolerance) -> Result<Vec<Operation>, Invalid> {
        let body = message(body, urn::PATCH_OP)?;
        let operations = match member(body, "Operations") {
            Some(Value::Array(operations)) if !operations.is_empty() => operations,
            _ => {
                return Err(Invalid::syntax(
                    "Operations must be an array that is not empty",
                ));
            }
        };
        if operations.len() > MAX_OPERATIONS {
            return Err(Invalid::syntax(format!(
                "a PATCH request holds at most {MAX_OPERATIONS} operations"
            )));
        }
        let numbered = operations.iter().enumerate();
        numbered
            .map(|(index, operation)| {
                self::operation(operation, tolerance)
                    .map_err(|what| Invalid::syntax(format!("operation {}: {what}", index + 1)))
            })
            .collect()
    }
}

fn operation(written: &Value, tolerance: &Tolerance) -> Result<Operation, String> {
    let members = written.as_object().ok_or("it must be an object")?;
    let op = member(members, "op").and_then(Value::as_str);
    let op = op
        .and_then(|name| Op::named(name, tolerance))
        .ok_or("op must be add, remove or replace")?;
    let path = match member(members, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) => Some(path.clone()),
        Some(_) => return Err("path must be a string".to_owned()),
    };
    let is_known = |name: &str| {
        ["op", "path", "value"]
            .iter()
            .any(|it| it.eq_ignore_ascii_case(name))
    };
    match members.keys().find(|name| !is_known(name)) {
        Some(name) if !tolerance.takes(Switch::UnknownIgnored) => {
            Err(format!("unknown member: {}", shown(name)))
        }
        _ => Ok(Operation {
            op,
            path,
            value: member(members, "value").cloned(),
        }),
    }
}

impl Op {
    /// Large clients write `Add` (S-7644-3.5.2-03).
    fn named(name: &str, tolerance: &Tolerance) -> Option<Self> {
        [
            ("add", Self::Add),
            ("remove", Self::Remove),
            ("replace", Self::Replace),
        ]
        .into_iter()
        .find(|(it, _)| it.eq_ignore_ascii_case(name))
        .filter(|(it, _)| *it == name || tolerance.takes(Switch::OpCase))
        .map(|(_, op)| op)
    }
}

/// The member of that name, compared without case.
pub(crate) fn member<'v>(object: &'v Attributes, name: &str) -> Option<&'v Value> {
    object.get(name).or_else(|| {
        let mut members = object.iter();
        members
            .find(|(it, _)| it.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// The member of that name, compared without case, to be changed.
pub(crate) fn member_mut<'v>(object: &'v mut Attributes, name: &str) -> Option<&'v mut Value> {
    let mut members = object.iter_mut();
    members
        .find(|(it, _)| it.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// The members of a message whose `schemas` hold the given URI.
pub(crate) fn message<'v>(body: &'v Value, uri: &str) -> Result<&'v Attributes, Invalid> {
    let Value::Object(members) = body else {
        return Err(Invalid::syntax("the body must be a JSON object"));
    };
    named(members, uri).map(|()| members)
}

/// The members of such a message, taken out of it.
pub(crate) fn owned_message(body: Value, uri: &str) -> Result<Attributes, Invalid> {
    let Value::Object(members) = body else {
        return Err(Invalid::syntax("the body must be a JSON object"));
    };
    named(&members, uri).map(|()| members)
}

fn named(members: &Attributes, uri: &str) -> Result<(), Invalid> {
    let is_named = match member(members, "schemas") {
        Some(Value::Array(schemas)) => schemas
            .iter()
            .filter_map(Value::as_str)
            .any(|schema| schema.eq_ignore_ascii_case(uri)),
        _ => false,
    };
    if is_named {
        Ok(())
    } else {
        Err(Invalid::syntax(format!(
            "schemas must be an array that holds {uri}"
        )))
    }
}

pub(crate) fn string(name: &str, value: &Value) -> Result<String, Invalid> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| Invalid::value(format!("{name} must be a string")))
}

/// An empty list is none (RFC 7643 §2.5).
fn strings(name: &str, value: &Value) -> Result<Option<Vec<String>>, Invalid> {
    let elements = value
        .as_array()
        .ok_or_else(|| Invalid::value(format!("{name} must be an array of strings")))?;
    let texts: Result<Vec<_>, _> = elements.iter().map(|it| string(name, it)).collect();
    texts.map(|texts| (!texts.is_empty()).then_some(texts))
}

fn join(names: &mut Option<Vec<String>>, list: &str) {
    let more = crate::projection::names(list);
    if !more.is_empty() {
        names.get_or_insert_default().extend(more);
    }
}

fn filled_filter(filter: &str) -> Result<String, Invalid> {
    if filter.trim().is_empty() {
        return Err(Invalid::filter("filter must be text that is not empty"));
    }
    Ok(filter.to_owned())
}

fn json_counter(name: &str, value: &Value, tolerance: &Tolerance) -> Result<i64, Invalid> {
    match value {
        Value::String(text) if tolerance.takes(Switch::NumberStrings) => counter(name, text),
        value => value.as_i64().ok_or_else(|| not_a_counter(name)),
    }
}

fn counter(name: &str, text: &str) -> Result<i64, Invalid> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_err(|_| not_a_counter(name))
    } else {
        Err(not_a_counter(name))
    }
}

fn not_a_counter(name: &str) -> Invalid {
    Invalid::value(format!("{name} must be an integer of at most 64 bits"))
}

fn start_index(written: i64) -> u64 {
    u64::try_from(written).unwrap_or_default().max(1)
}

fn count(written: i64) -> u64 {
    u64::try_from(written).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_7644_3_12_01_errors() {
        insta::assert_snapshot!(
            error(409, Some(ScimType::Uniqueness), "userName \"bj\" is in use"),
            @r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","scimType":"uniqueness","detail":"userName \"bj\" is in use"}"#
        );
        insta::assert_snapshot!(
            error(404, None, "not found"),
            @r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"not found"}"#
        );
    }

    #[test]
    fn s_7644_3_4_2_04_lists_have_all_members() {
        for (resources, length) in [(&[][..], 0), (&["{}"], 1), (&["{\"a\":1}", "{}"], 2)] {
            let list: Value = serde_json::from_slice(&list_response(25, 3, resources)).unwrap();
            assert_eq!(list["schemas"], json!([urn::LIST_RESPONSE]));
            assert_eq!(list["totalResults"], 25);
            assert_eq!(list["startIndex"], 3);
            assert_eq!(list["itemsPerPage"], length);
            assert_eq!(list["Resources"].as_array().unwrap().len(), length);
        }
    }

    #[test]
    fn s_7644_3_4_2_4_counters_in_urls() {
        for (id, query, start_index, count) in [
            ("T-PAGE-01", &[][..], 1, None),
            ("T-PAGE-02", &[("startIndex", "0")], 1, None),
            ("T-PAGE-02", &[("startIndex", "-5")], 1, None),
            ("T-PAGE-03", &[("count", "0")], 1, Some(0)),
            ("T-PAGE-04", &[("count", "-1")], 1, Some(0)),
            ("T-PAGE-05", &[("count", "1000")], 1, Some(1000)),
            (
                "T-PAGE-06",
                &[("startIndex", "3"), ("COUNT", "5")],
                3,
                Some(5),
            ),
            (
                "T-PAGE-10",
                &[("startIndex", "9223372036854775807")],
                i64::MAX as u64,
                None,
            ),
            ("S-7644-3.4.2-01", &[("aadOptscim062020", "")], 1, None),
        ] {
            let request = SearchRequest::from_query(query.iter().copied()).unwrap();
            assert_eq!(
                (request.start_index, request.count),
                (start_index, count),
                "{id}"
            );
        }
    }

    #[test]
    fn queries_in_urls_are_refused() {
        use ScimType::{InvalidFilter, InvalidValue};
        for (id, query, expected) in [
            ("T-PAGE-09", &[("startIndex", "abc")][..], InvalidValue),
            ("T-PAGE-09", &[("count", "1.5")], InvalidValue),
            ("T-PAGE-09", &[("count", "")], InvalidValue),
            ("T-PAGE-09", &[("count", "-")], InvalidValue),
            ("T-PAGE-09", &[("count", "+1")], InvalidValue),
            (
                "T-PAGE-10",
                &[("startIndex", "9223372036854775808")],
                InvalidValue,
            ),
            ("S-7644-3.6", &[("filter", "")], InvalidFilter),
            ("S-7644-3.6", &[("filter", " ")], InvalidFilter),
            (
                "S-7644-3.4.2.3-06",
                &[("sortBy", "id"), ("sortOrder", "up")],
                InvalidValue,
            ),
            ("twice", &[("count", "1"), ("count", "2")], InvalidValue),
            (
                "T-PAGE-17",
                &[("cursor", ""), ("startIndex", "1")],
                InvalidValue,
            ),
        ] {
            let refused = SearchRequest::from_query(query.iter().copied()).unwrap_err();
            assert_eq!(refused.scim_type, expected, "{id}: {query:?}");
        }
    }

    #[test]
    fn queries_in_urls_are_read() {
        let request = SearchRequest::from_query([
            ("attributes", "userName, name.givenName,"),
            ("Attributes", "title"),
            ("filter", "id pr"),
            ("sortBy", "id"),
            ("sortorder", "Descending"),
        ]);
        let expected = SearchRequest {
            attributes: Some(
                ["userName", "name.givenName", "title"]
                    .map(str::to_owned)
                    .into(),
            ),
            filter: Some("id pr".into()),
            sort_by: Some("id".into()),
            descending: true,
            ..SearchRequest::default()
        };
        assert_eq!(request, Ok(expected));
        let unsorted = SearchRequest::from_query([("sortOrder", "descending"), ("attributes", "")]);
        assert_eq!(unsorted, Ok(SearchRequest::default()));
        assert!(SearchRequest::from_query([("sortOrder", "up")]).is_err());
    }

    fn search(mut body: Value, tolerance: &Tolerance) -> Result<SearchRequest, Invalid> {
        body["schemas"] = json!([urn::SEARCH_REQUEST]);
        SearchRequest::parse(&body, tolerance)
    }

    #[test]
    fn s_7644_3_4_3_03_searches_are_read() {
        let body = json!({"ATTRIBUTES": ["userName"], "excludedAttributes": [], "filter": "id pr",
            "sortBy": "id", "sortOrder": "ascending", "startIndex": -1, "count": null, "cursor": null});
        let expected = SearchRequest {
            attributes: Some(vec!["userName".into()]),
            filter: Some("id pr".into()),
            sort_by: Some("id".into()),
            ..SearchRequest::default()
        };
        assert_eq!(search(body, &Tolerance::strict()), Ok(expected));
        let first = search(json!({"Cursor": ""}), &Tolerance::strict()).unwrap();
        assert_eq!(first.cursor.as_deref(), Some(""), "S-9865-3-01");
        let strings = json!({"startIndex": "2", "count": "-3", "other": 1});
        let request = search(strings, &Tolerance::generic()).unwrap();
        assert_eq!((request.start_index, request.count), (2, Some(0)));
    }

    #[test]
    fn s_7644_3_4_3_05_searches_are_refused() {
        use ScimType::{InvalidFilter, InvalidValue};
        for (body, expected) in [
            (json!({"count": "2"}), InvalidValue),
            (json!({"count": 2.0}), InvalidValue),
            (json!({"count": u64::MAX}), InvalidValue),
            (json!({"startIndex": [1]}), InvalidValue),
            (json!({"attributes": "userName"}), InvalidValue),
            (json!({"attributes": [1]}), InvalidValue),
            (json!({"filter": ""}), InvalidFilter),
            (json!({"filter": 1}), InvalidFilter),
            (json!({"other": 1}), InvalidValue),
            (json!({"cursor": 1}), InvalidValue),
            (json!({"cursor": "", "startIndex": 1}), InvalidValue),
        ] {
            let refused = search(body.clone(), &Tolerance::strict()).unwrap_err();
            assert_eq!(refused.scim_type, expected, "{body}");
        }
    }

    #[test]
    fn s_7644_3_4_3_02_messages_name_themselves() {
        for body in [
            json!([]),
            json!({}),
            json!({"schemas": []}),
            json!({"schemas": urn::SEARCH_REQUEST}),
            json!({"schemas": [urn::LIST_RESPONSE], "Operations": [{"op": "add"}]}),
        ] {
            let search = SearchRequest::parse(&body, &Tolerance::generic()).map(drop);
            let patch = PatchRequest::parse(&body, &Tolerance::generic()).map(drop);
            for refused in [search, patch] {
                let scim_type = refused.unwrap_err().scim_type;
                assert_eq!(scim_type, ScimType::InvalidSyntax, "{body}");
            }
        }
    }

    fn patch(operations: &Value, tolerance: &Tolerance) -> Result<Vec<Operation>, Invalid> {
        let body = json!({"schemas": [urn::PATCH_OP.to_uppercase()], "operations": operations});
        PatchRequest::parse(&body, tolerance)
    }

    #[test]
    fn s_7644_3_5_2_03_operations_are_read() {
        let operations = json!([
            {"op": "Add", "path": "title", "value": null},
            {"OP": "REMOVE", "Path": ""},
            {"op": "replace", "path": null, "value": {"a": 1}, "name": "x"},
        ]);
        let operation = |op, path: Option<&str>, value| Operation {
            op,
            path: path.map(str::to_owned),
            value,
        };
        let expected = vec![
            operation(Op::Add, Some("title"), Some(Value::Null)),
            operation(Op::Remove, Some(""), None),
            operation(Op::Replace, None, Some(json!({"a": 1}))),
        ];
        assert_eq!(patch(&operations, &Tolerance::generic()), Ok(expected));
        assert!(patch(&operations, &Tolerance::strict()).is_err());
    }

    #[test]
    fn s_7644_3_5_2_01_operations_are_refused() {
        for operations in [
            json!(null),
            json!([]),
            json!({"op": "add"}),
            json!(["add"]),
            json!([{"path": "title"}]),
            json!([{"op": "move", "path": "title"}]),
            json!([{"op": ["add"]}]),
            json!([{"op": "add", "path": 1}]),
            json!(vec![json!({"op": "add"}); MAX_OPERATIONS + 1]),
        ] {
            let refused = patch(&operations, &Tolerance::generic()).unwrap_err();
            assert_eq!(
                refused.scim_type,
                ScimType::InvalidSyntax,
                "{}",
                refused.detail
            );
        }
    }
}
