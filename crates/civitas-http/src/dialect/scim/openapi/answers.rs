//! Answers: what successes carry, and the refusals that operations share.

use serde_json::{Map, Value, json};

use super::shapes::reference;

/// A header field of answers.
#[derive(Clone, Copy)]
pub(super) enum Header {
    ETag,
    Location,
    ContentLocation,
    PreferenceApplied,
}

impl Header {
    const fn name(self) -> &'static str {
        match self {
            Self::ETag => "ETag",
            Self::Location => "Location",
            Self::ContentLocation => "Content-Location",
            Self::PreferenceApplied => "Preference-Applied",
        }
    }
}

/// The header fields, as components.
pub(super) fn headers() -> Value {
    let field = |required: bool, description: &str| {
        json!({
            "description": description,
            "required": required,
            "schema": { "type": "string" },
        })
    };
    json!({
        "ETag": field(true, "Version of the resource (RFC 7644 section 3.14)."),
        "Location": field(true, "URL of the resource."),
        "Content-Location": field(true, "URL of what is represented."),
        "Preference-Applied": field(false, "Preferences that were honoured (RFC 7240)."),
        "X-Request-Id": field(true, "Correlates the answer with logs and events."),
        "Cache-Control": field(true, "What may be kept."),
        "Vary": field(true, "Request fields that chose the form of the answer."),
        "Retry-After": field(true, "Seconds to wait before trying again."),
        "WWW-Authenticate": field(true, "How to authenticate (RFC 6750, RFC 7617)."),
        "Allow": field(true, "Methods that are taken."),
        "Accept": field(false, "Media types that are taken."),
        "Accept-Encoding": field(false, "Content codings that are taken."),
    })
}

/// A success with content of one of the shapes.
pub(super) fn success(description: &str, shape: &Value, fields: &[Header]) -> Value {
    let mut answer = empty(description, fields);
    answer["content"] = content(shape);
    answer
}

/// A success without content.
pub(super) fn empty(description: &str, fields: &[Header]) -> Value {
    let named = fields.iter().map(|it| it.name());
    json!({ "description": description, "headers": fields_of(named) })
}

fn content(shape: &Value) -> Value {
    json!({
        "application/scim+json": { "schema": shape },
        "application/json": { "schema": shape },
    })
}

/// Those that every answer has, and these.
fn fields_of<'n>(names: impl IntoIterator<Item = &'n str>) -> Map<String, Value> {
    let everywhere = ["X-Request-Id", "Cache-Control", "Vary"];
    everywhere
        .into_iter()
        .chain(names)
        .map(|name| {
            let reference = format!("#/components/headers/{name}");
            (name.to_owned(), json!({ "$ref": reference }))
        })
        .collect()
}

/// Refusals of which any operation may meet each.
pub(super) const EVERYWHERE: &[&str] = &[
    "307", "308", "400", "401", "403", "404", "406", "429", "431", "500", "503",
];

/// Those that come with a request body.
pub(super) const OF_BODIES: &[&str] = &["408", "413", "415"];

/// Those of changes.
pub(super) const OF_WRITES: &[&str] = &["409", "412", "428"];

/// The refusals, as components named by status.
pub(super) fn refusals() -> Map<String, Value> {
    const REFUSALS: [(&str, &str, &[&str]); 18] = [
        ("307", "Another server takes changes.", &["Location"]),
        ("308", "The tenant is at another origin.", &["Location"]),
        ("400", "The request is malformed; scimType says how.", &[]),
        ("401", "No or bad credentials.", &["WWW-Authenticate"]),
        ("403", "The caller may not do this.", &[]),
        ("404", "There is no such resource.", &[]),
        ("405", "The method needs a definition here.", &["Allow"]),
        ("406", "None of the media types in Accept is offered.", &[]),
        ("408", "The body did not arrive in time.", &[]),
        (
            "409",
            "Another resource has the value, or changes overtake each other.",
            &[],
        ),
        ("412", "The precondition does not hold.", &[]),
        ("413", "The body is too large.", &[]),
        (
            "415",
            "Media type or coding of the body is not taken.",
            &["Accept", "Accept-Encoding"],
        ),
        ("428", "The client must name the version it changes.", &[]),
        ("429", "Too many requests of the tenant.", &["Retry-After"]),
        ("431", "The header fields are too large.", &[]),
        ("500", "A defect; the request id helps to find it.", &[]),
        ("503", "Overload or maintenance.", &["Retry-After"]),
    ];
    let shape = reference("Error");
    let refusals = REFUSALS.iter().map(|(status, description, fields)| {
        let refusal = json!({
            "description": description,
            "headers": fields_of(fields.iter().copied()),
            "content": content(&shape),
        });
        ((*status).to_owned(), refusal)
    });
    refusals.collect()
}

/// A reference to the refusal of a status.
pub(super) fn refusal(status: &str) -> Value {
    json!({ "$ref": format!("#/components/responses/{status}") })
}
