//! Many operations in one request. Each is carried out by itself, in order, and fails by itself.

use civitas_directory::Outcome;
use civitas_scim::messages::urn::{BULK_REQUEST, BULK_RESPONSE};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{resource, show};
use crate::{
    dialect::sap::{
        api::Api,
        call::Call,
        fault::{Failure, Fault},
        kind::Kind,
        status,
    },
    reply::Reply,
};

/// Most operations of a request.
pub(super) const MAX_OPERATIONS: usize = 100;

/// Largest body in bytes that is told of. What is read is the server's to limit.
pub(super) const MAX_PAYLOAD: usize = 1_048_576;

/// An operation that can be carried out.
struct Operation<'o> {
    method: &'o str,
    kind: Kind,
    id: Option<&'o str>,
    data: Value,
}

/// `POST /scim/Bulk`
pub(super) async fn answer(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let body = call.object().map_err(|fault| match fault.scim_type {
        Some(_) => Fault::value("One of the request inputs is not valid!"),
        None => fault,
    })?;
    let operations = operations(&body)?;
    for kind in Kind::ALL {
        super::equip(call, kind).await?;
    }
    let mut seen = Vec::new();
    let mut answers = Vec::with_capacity(operations.len());
    for sent in operations {
        let answer = match read(sent, &mut seen) {
            Ok(operation) => {
                let outcome = carry_out(call, &operation).await;
                told(call, sent, Some(&operation), outcome)?
            }
            Err(fault) => told(call, sent, None, Err(fault.into()))?,
        };
        answers.push(answer);
    }
    let body = json!({ "schemas": [BULK_RESPONSE], "Operations": answers });
    Ok(Call::answer(Outcome::Answered, &body))
}

fn member<'b>(object: &'b Value, name: &str) -> Option<&'b Value> {
    let mut members = object.as_object()?.iter();
    let found = members.find(|(it, _)| it.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value).filter(|it| !it.is_null())
}

fn operations(body: &Value) -> Result<&[Value], Fault> {
    let schemas = member(body, "schemas").and_then(Value::as_array);
    let is_bulk = |it: &Value| {
        it.as_str()
            .is_some_and(|it| it.eq_ignore_ascii_case(BULK_REQUEST))
    };
    if schemas.is_none_or(Vec::is_empty) {
        return Err(Fault::value("Schemas cannot be null or empty!"));
    }
    if !schemas.into_iter().flatten().any(is_bulk) {
        return Err(Fault::plain("Invalid core schema"));
    }
    if let Some(most) = member(body, "failOnErrors")
        && most.as_i64().is_none_or(|it| it < 1)
    {
        let detail = "The attribute failOnErrors must be greater or equal to 1!";
        return Err(Fault::value(detail));
    }
    let operations = match member(body, "Operations") {
        Some(Value::Array(operations)) => operations.as_slice(),
        None => &[],
        Some(_) => return Err(Fault::unreadable()),
    };
    if operations.len() > MAX_OPERATIONS {
        let detail = "Bulk operations count exceeded the maximum value supported.";
        return Err(Fault {
            scim_type: Some("tooMany"),
            ..Fault::new(Outcome::TooLarge, detail)
        });
    }
    Ok(operations)
}

fn read<'o>(sent: &'o Value, seen: &mut Vec<String>) -> Result<Operation<'o>, Fault> {
    let text = |name: &str| member(sent, name).and_then(Value::as_str);
    let bulk_id = text("bulkId");
    let refuse = |reason: &str| {
        let id = bulk_id.unwrap_or("null");
        let detail = format!("Invalid operation with bulkId: {id}. Reason: {reason}");
        Err(Fault::value(detail))
    };
    let method = text("method").unwrap_or_default();
    let methods = ["POST", "PUT", "PATCH", "DELETE"];
    let Some(method) = methods
        .into_iter()
        .find(|it| it.eq_ignore_ascii_case(method))
    else {
        return refuse("Invalid method name!, Valid methods: [POST, PUT, PATCH, DELETE]");
    };
    match bulk_id {
        None if method == "POST" => return refuse("bulkId is required for method: POST"),
        Some(id) if seen.iter().any(|it| it == id) => return refuse("bulkId is not unique"),
        Some(id) => seen.push(id.to_owned()),
        None => {}
    }
    let path = text("path").unwrap_or_default();
    let mut segments = path.trim_matches('/').split('/');
    let endpoint = segments.next().unwrap_or_default();
    let mut kinds = Kind::ALL.into_iter();
    let kind = kinds.find(|it| it.endpoint().eq_ignore_ascii_case(endpoint));
    let id = segments.next().filter(|it| !it.is_empty());
    let Some(kind) = kind.filter(|_| segments.next().is_none()) else {
        let id = bulk_id.unwrap_or("null");
        return refuse(&format!(
            "Invalid path endpoint for operation with bulkId: {id}. Path should start with either \
             Users or Groups endpoint."
        ));
    };
    if method != "POST" && id.is_none() {
        return refuse("Path should point to resource id for PUT and POST methods");
    }
    let data = member(sent, "data");
    if method != "DELETE" && data.is_none() {
        return refuse("The attribute data is required for POST, PUT or PATCH!");
    }
    Ok(Operation {
        method,
        kind,
        id: id.filter(|_| method != "POST"),
        data: data.cloned().unwrap_or_default(),
    })
}

/// What was done: the resource, where there is one left, by identifier and version.
type Done = (u16, Option<(String, String)>);

async fn carry_out(call: &mut Call<'_>, operation: &Operation<'_>) -> Result<Done, Failure> {
    let of = super::types(call, operation.kind)?;
    let id = operation.id.unwrap_or_default();
    let data = operation.data.clone();
    let named = |found: civitas_directory::Found| {
        let record = found.record;
        let version = show::version(&record.id, record.version);
        Some((record.id, version))
    };
    match operation.method {
        "POST" => {
            let found = resource::create(call, &of, data).await?;
            Ok((201, named(found)))
        }
        "PUT" => {
            let found = resource::replace(call, &of, id, data).await?;
            Ok((200, named(found)))
        }
        "PATCH" => {
            let found = resource::patch(call, &of, id, &data).await?;
            Ok((204, named(found)))
        }
        _ => {
            resource::delete(call, &of, id).await?;
            Ok((204, None))
        }
    }
}

/// What came of an operation.
fn told(
    call: &Call<'_>,
    sent: &Value,
    operation: Option<&Operation<'_>>,
    outcome: Result<Done, Failure>,
) -> Result<Value, Failure> {
    let mut told = Map::new();
    let method = member(sent, "method").cloned();
    told.insert("method".into(), method.unwrap_or_default());
    if let Some(id) = member(sent, "bulkId") {
        told.insert("bulkId".into(), id.clone());
    }
    let (code, resource, response) = match outcome {
        Ok((code, resource)) => (code, resource, None),
        Err(failure) => {
            let reply: Reply = match failure {
                Failure::Fault(fault) => status::fault(&fault, Api::Directory),
                Failure::Refusal(refusal) => {
                    let code = status::of(refusal.outcome());
                    // What has to do with the server has to do with all that follow.
                    if code.is_server_error() && code != StatusCode::NOT_IMPLEMENTED {
                        return Err(refusal.into());
                    }
                    status::word(&refusal, "/scim/Bulk")
                }
            };
            let response = serde_json::from_slice(&reply.body).unwrap_or_default();
            (reply.status.as_u16(), None, Some::<Value>(response))
        }
    };
    let id = resource.as_ref().map(|(id, _)| id.as_str());
    let id = id.or(operation.and_then(|it| it.id));
    if let Some((_, version)) = &resource {
        told.insert("version".into(), version.as_str().into());
    }
    if let Some((operation, id)) = operation.zip(id) {
        let location = show::location(call, operation.kind, id);
        told.insert("location".into(), location.into());
    }
    told.insert("status".into(), code.to_string().into());
    if let Some(response) = response {
        told.insert("response".into(), response);
    }
    Ok(Value::Object(told))
}
