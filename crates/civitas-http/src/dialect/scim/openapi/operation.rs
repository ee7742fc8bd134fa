//! What each method does at each route.

use civitas_scim::schema::ResourceType;
use http::Method;
use serde_json::{Map, Value, json};

use super::{
    answers::{EVERYWHERE, Header, OF_BODIES, OF_WRITES, empty, refusal, success},
    shapes::{list, reference, taken},
};
use crate::router::Scim;

/// The operation of a method at a route; `None` where none is described.
pub(super) fn operation(route: &Scim<'_>, method: &Method) -> Option<Value> {
    let operation = match route {
        Scim::Root => read("queryAll", "Query every resource type", QUERY).answered(
            "200",
            success("The results.", &reference("Resources"), APPLIED),
        ),
        Scim::RootSearch => search("searchAll", "Query every resource type", "Resources"),
        Scim::Collection(kind) => collection(kind, method)?,
        Scim::CollectionSearch(kind) => {
            let id = format!("search{}", plural(kind));
            search(&id, &format!("Query {}", plural(kind)), &list(kind))
        }
        Scim::Resource(kind, _) => {
            let id = in_path("id", "Its identifier");
            resource(kind, method)?.parameter(id)
        }
        Scim::ProviderConfig => discovered(
            "readServiceProviderConfig",
            "What the provider can do; without credentials, how to authenticate",
            "ServiceProviderConfig",
        )
        .open_to_strangers(),
        Scim::Schemas => match *method {
            Method::POST => {
                defined("createSchema", "Define a schema", "Schema", "201").refused(WITHOUT_BODY)
            }
            _ => discovered("listSchemas", "All schemas", "Schemas"),
        },
        Scim::Schema(_) => match *method {
            Method::PUT => defined("replaceSchema", "Change a schema", "Schema", "200"),
            Method::DELETE => removed("deleteSchema", "Remove a schema"),
            _ => discovered("readSchema", "A schema", "Schema"),
        }
        .parameter(in_path("urn", "URI of the schema")),
        Scim::ResourceTypes => match *method {
            Method::POST => defined("createResourceType", "Define a type", "ResourceType", "201")
                .refused(WITHOUT_BODY),
            _ => discovered("listResourceTypes", "All types", "ResourceTypes"),
        },
        Scim::ResourceType(_) => match *method {
            Method::PUT => defined(
                "replaceResourceType",
                "Change a type",
                "ResourceType",
                "200",
            ),
            Method::DELETE => removed("deleteResourceType", "Remove a type"),
            _ => discovered("readResourceType", "A type", "ResourceType"),
        }
        .parameter(in_path("name", "Name of the resource type")),
        Scim::OpenApi => Operation::new("readOpenApi", "This document").answered(
            "200",
            json!({
                "description": "The document.",
                "content": { "application/json": { "schema": { "type": "object" } } },
            }),
        ),
        Scim::DeltaToken(kind) => discovered(
            &format!("readDeltaToken{}", of(*kind)),
            "Where changes begin from now on",
            "DeltaToken",
        ),
        Scim::Delta(kind) => {
            let id = format!("readDelta{}", of(*kind));
            Operation::new(&id, "What changed since a token")
                .takes("DeltaRequest")
                .answered("200", success("Changes.", &reference("Delta"), &[]))
        }
        Scim::Bulk => Operation::new("bulk", "Many operations in one request")
            .takes("BulkRequest")
            .refused(OF_WRITES)
            .answered(
                "200",
                success("Carried out.", &reference("BulkResponse"), &[]),
            )
            .answered(
                "202",
                empty(
                    "Accepted, to be carried out.",
                    &[Header::Location, Header::PreferenceApplied],
                ),
            ),
        // An alias of a user, with POST answered 501: a description could only say so of the
        // path as a whole.
        Scim::Me => return None,
    };
    Some(operation.described())
}

/// Discovery is read only for who brings no definition.
const WITHOUT_BODY: &[&str] = &["405"];

const APPLIED: &[Header] = &[Header::PreferenceApplied];
const IDENTIFIED: &[Header] = &[Header::ETag, Header::Location, Header::PreferenceApplied];
const REPRESENTED: &[Header] = &[
    Header::ETag,
    Header::Location,
    Header::ContentLocation,
    Header::PreferenceApplied,
];

/// Query parameters (RFC 7644 §3.4.2, §3.9; RFC 9865 §2).
const PROJECTION: &[Parameter] = &[
    (
        "attributes",
        "string",
        "Attributes to return, separated by commas.",
    ),
    (
        "excludedAttributes",
        "string",
        "Attributes to leave out, separated by commas.",
    ),
];
const QUERY: &[Parameter] = &[
    (
        "attributes",
        "string",
        "Attributes to return, separated by commas.",
    ),
    (
        "excludedAttributes",
        "string",
        "Attributes to leave out, separated by commas.",
    ),
    ("filter", "string", "A filter (RFC 7644 section 3.4.2.2)."),
    ("sortBy", "string", "Attribute to order by."),
    ("sortOrder", "string", "ascending or descending."),
    (
        "startIndex",
        "integer",
        "Position of the first result, from 1.",
    ),
    ("count", "integer", "Most results to return."),
    (
        "cursor",
        "string",
        "Where to go on; empty for the first page.",
    ),
];

/// Name, type and description.
type Parameter = (&'static str, &'static str, &'static str);

fn collection(kind: &ResourceType, method: &Method) -> Option<Operation> {
    let (name, plural) = (&kind.name, plural(kind));
    match *method {
        Method::GET => {
            let shape = reference(&list(kind));
            let answer = success("The results.", &shape, APPLIED);
            let id = format!("list{plural}");
            Some(read(&id, &format!("Query {plural}"), QUERY).answered("200", answer))
        }
        Method::POST => {
            let shape = reference(name);
            // Under `return=minimal` there is no content, and what is not there has no place.
            let created = success("Created.", &shape, IDENTIFIED);
            let operation = Operation::new(&format!("create{name}"), &format!("Create a {name}"));
            Some(
                operation
                    .queried(PROJECTION)
                    .preferring()
                    .takes(&taken(kind))
                    .refused(OF_WRITES)
                    .answered("201", created),
            )
        }
        _ => None,
    }
}

fn resource(kind: &ResourceType, method: &Method) -> Option<Operation> {
    let name = &kind.name;
    let shape = reference(name);
    let one = |verb: &str| {
        let (id, summary) = (format!("{verb}{name}"), format!("{verb} {name}"));
        Operation::new(&id, &capital(&summary))
    };
    let unchanged = empty("Not modified.", &[Header::ETag, Header::ContentLocation]);
    let done = || empty("Done.", IDENTIFIED);
    let shown = || success("The resource.", &shape, REPRESENTED);
    Some(match *method {
        Method::GET => {
            let either = json!({ "anyOf": [shape, reference(&list(kind))] });
            // With a filter, a list of the resource or of nothing (RFC 7644 §3.4.2.1).
            one("read")
                .queried(PROJECTION)
                .queried(&[(
                    "filter",
                    "string",
                    "Answer with a list, of the resource if it fits.",
                )])
                .parameter(condition("If-None-Match"))
                .answered("200", success("The resource.", &either, APPLIED))
                .answered("304", unchanged)
                .refused(&["412"])
        }
        Method::PUT => one("replace")
            .queried(PROJECTION)
            .preferring()
            .takes(&taken(kind))
            .refused(OF_WRITES)
            .answered("200", shown())
            .answered("204", done()),
        Method::PATCH => one("patch")
            .queried(PROJECTION)
            .preferring()
            .takes("PatchOp")
            .refused(OF_WRITES)
            .answered("200", shown())
            .answered("204", done()),
        Method::DELETE => one("delete")
            .parameter(condition("If-Match"))
            .refused(OF_WRITES)
            .answered("204", empty("Deleted.", &[])),
        _ => return None,
    })
}

fn read(id: &str, summary: &str, parameters: &[Parameter]) -> Operation {
    Operation::new(id, summary).queried(parameters)
}

fn search(id: &str, summary: &str, shape: &str) -> Operation {
    Operation::new(id, &format!("{summary} in the body"))
        .takes("SearchRequest")
        .answered("200", success("The results.", &reference(shape), APPLIED))
}

fn discovered(id: &str, summary: &str, shape: &str) -> Operation {
    let answer = success("As it is in force.", &reference(shape), &[]);
    Operation::new(id, summary).answered("200", answer)
}

/// The resources that a name is about.
fn of(kind: Option<&ResourceType>) -> &str {
    kind.map_or("", plural)
}

/// The definition of something that discovery shows.
fn defined(id: &str, summary: &str, shape: &str, status: &str) -> Operation {
    const DEFINED: &[Header] = &[Header::ETag, Header::Location, Header::ContentLocation];
    let answer = success("As it is in force.", &reference(shape), DEFINED);
    Operation::new(id, summary)
        .takes(&format!("{shape}Request"))
        .refused(OF_WRITES)
        .answered(status, answer)
}

fn removed(id: &str, summary: &str) -> Operation {
    Operation::new(id, summary)
        .parameter(condition("If-Match"))
        .refused(OF_WRITES)
        .answered("204", empty("Removed.", &[]))
}

fn plural(kind: &ResourceType) -> &str {
    kind.endpoint.trim_start_matches('/')
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

fn in_path(name: &str, description: &str) -> Value {
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": description,
        "schema": { "type": "string", "minLength": 1 },
    })
}

fn condition(name: &str) -> Value {
    json!({
        "name": name,
        "in": "header",
        "description": "Versions, or * (RFC 9110 section 13).",
        "schema": { "type": "string" },
    })
}

/// An operation being described.
struct Operation {
    id: String,
    summary: String,
    parameters: Vec<Value>,
    takes: Option<String>,
    responses: Map<String, Value>,
    anonymous: bool,
}

impl Operation {
    fn new(id: &str, summary: &str) -> Self {
        let operation = Self {
            id: id.to_owned(),
            summary: summary.to_owned(),
            parameters: Vec::new(),
            takes: None,
            responses: Map::new(),
            anonymous: false,
        };
        operation.refused(EVERYWHERE)
    }

    fn parameter(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    fn queried(mut self, parameters: &[Parameter]) -> Self {
        let parameters = parameters.iter().map(|(name, kind, description)| {
            json!({
                "name": name,
                "in": "query",
                "description": description,
                "schema": { "type": kind },
            })
        });
        self.parameters.extend(parameters);
        self
    }

    fn preferring(self) -> Self {
        self.parameter(json!({
            "name": "Prefer",
            "in": "header",
            "description": "return=minimal, return=representation, handling=strict (RFC 7240).",
            "schema": { "type": "string" },
        }))
    }

    /// Credentials are not needed.
    fn open_to_strangers(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// With a request body of the shape.
    fn takes(mut self, shape: &str) -> Self {
        self.takes = Some(shape.to_owned());
        self.refused(OF_BODIES)
    }

    fn answered(mut self, status: &str, answer: Value) -> Self {
        self.responses.insert(status.to_owned(), answer);
        self
    }

    fn refused(mut self, statuses: &[&str]) -> Self {
        for status in statuses {
            self.responses.insert((*status).to_owned(), refusal(status));
        }
        self
    }

    fn described(mut self) -> Value {
        self.responses.sort_keys();
        let mut operation = json!({
            "operationId": self.id,
            "summary": self.summary,
        });
        if !self.parameters.is_empty() {
            operation["parameters"] = Value::Array(self.parameters);
        }
        if let Some(shape) = &self.takes {
            let schema = json!({ "schema": reference(shape) });
            let content = json!({
                "application/scim+json": schema,
                "application/json": schema,
            });
            operation["requestBody"] = json!({ "required": true, "content": content });
        }
        if self.anonymous {
            operation["security"] = json!([{}, { "bearer": [] }, { "basic": [] }]);
        }
        operation["responses"] = Value::Object(self.responses);
        operation
    }
}
