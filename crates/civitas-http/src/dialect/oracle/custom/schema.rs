//! The schema of such attributes: how it is told, changed and kept.

use civitas_directory::{Edit, Error, Expect, Found, Outcome, store::Want};
use civitas_scim::{
    schema::{ResourceType, urn},
    tolerance::Tolerance,
};
use http::Method;
use serde_json::{Map, Value, json};

use super::{URI, definition, of};
use crate::{
    dialect::oracle::{
        call::Call,
        fault::{Failure, Fault},
        kind::Kind,
        write,
    },
    own_type,
    refusal::Refusal,
    reply::Reply,
};

pub(super) const NAME: &str = "CustomUser";

/// The type of what keeps the definitions, and the `id` of the one that there is.
const TYPE: &str = "CustomUserSchema";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:extension:oracle:2.0:CustomUserSchema";
const RECORD: &str = "custom-user";
const DEFINITIONS: &str = "definitions";

/// How often a change is computed again when parallel changes overtake it.
const MAX_ATTEMPTS: usize = 10;

fn own() -> (Value, Value) {
    let definitions = json!({ "name": DEFINITIONS, "type": "string", "caseExact": true });
    let about = "What is said of attributes that administrators add";
    own_type::definition(TYPE, SCHEMA, about, &[definitions], &[])
}

fn own_of<'c>(call: &'c Call<'_>) -> Option<&'c ResourceType> {
    let known = call.scope.catalogue.resource_type(TYPE);
    known.filter(|it| it.schema.id == SCHEMA)
}

async fn record(call: &Call<'_>) -> Result<Option<Found>, Failure> {
    let Some(own) = own_of(call) else {
        return Ok(None);
    };
    let found = call
        .directory()
        .get(&call.scope, own, RECORD, Want::default());
    match found.await {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The definitions that are kept, of attributes that there are.
pub(super) async fn definitions(call: &Call<'_>) -> Result<Vec<Map<String, Value>>, Failure> {
    Ok(read(call, record(call).await?.as_ref()))
}

fn read(call: &Call<'_>, found: Option<&Found>) -> Vec<Map<String, Value>> {
    let attributes = found.map(|it| it.record.attributes());
    let text = attributes
        .as_ref()
        .and_then(|it| it.get(DEFINITIONS)?.as_str());
    let all: Vec<Map<String, Value>> = text
        .and_then(|it| serde_json::from_str(it).ok())
        .unwrap_or_default();
    let schema = of(&call.scope.catalogue);
    let is_there = |it: &Map<String, Value>| {
        let name = it.get("name").and_then(Value::as_str);
        let known = name.and_then(|it| schema?.attribute(it));
        known.is_some()
    };
    all.into_iter().filter(is_there).collect()
}

/// The schema as the service publishes it.
pub(in super::super) async fn shown(call: &Call<'_>) -> Result<Value, Failure> {
    Ok(document(call, &definitions(call).await?))
}

fn document(call: &Call<'_>, definitions: &[Map<String, Value>]) -> Value {
    let path = URI.replace(':', "%3A");
    json!({
        "schemas": [urn::SCHEMA],
        "id": URI,
        "name": NAME,
        "idcsResourceTypes": [Kind::User.name()],
        "attributes": definitions,
        "meta": {
            "resourceType": "TenantSchema",
            "location": call.url(&format!("TenantSchemas/{path}")),
        },
    })
}

/// The attributes as rows of a list of all attributes.
pub(in super::super) async fn rows(call: &Call<'_>) -> Result<Vec<Map<String, Value>>, Failure> {
    let mut rows = definitions(call).await?;
    for row in &mut rows {
        let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
        let name = format!("{URI}:{name}");
        for (member, value) in [
            ("resourceType", Value::from(Kind::User.name())),
            ("idcsSchemaUrn", URI.into()),
            ("idcsFullyQualifiedName", name.into()),
            ("idcsCustomAttribute", true.into()),
        ] {
            row.insert(member.to_owned(), value);
        }
    }
    Ok(rows)
}

/// `GET /Schemas/{urn}`
pub(in super::super) async fn answer(call: &Call<'_>) -> Result<Reply, Failure> {
    Ok(Call::answer(Outcome::Answered, &shown(call).await?))
}

/// `PUT` and `PATCH /Schemas/{urn}`: attributes come, change and go.
pub(in super::super) async fn change(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let body = call.object()?;
    for _ in 0..MAX_ATTEMPTS {
        let kept = record(call).await?;
        let old = read(call, kept.as_ref());
        let new = if *call.method == Method::PUT {
            definition::replaced(&old, &body)?
        } else {
            definition::patched(old, &write::operations(&body)?)?
        };
        redefine(call, &definition::kept(&new)).await?;
        if keep(call, kept, &new).await? {
            return Ok(Call::answer(Outcome::Answered, &document(call, &new)));
        }
    }
    Err(Error::Conflict.into())
}

/// Has the directory serve the attributes.
async fn redefine(call: &mut Call<'_>, schema: &Value) -> Result<(), Failure> {
    let (scope, directory) = (&call.scope, call.directory);
    let is_known = of(&scope.catalogue).is_some();
    let types: &[_] = if own_of(call).is_some() {
        &[]
    } else {
        &[own()]
    };
    let extensions: &[_] = if is_known {
        &[]
    } else {
        &[(Kind::User.name(), schema.clone())]
    };
    let mut catalogue = None;
    if !types.is_empty() || !extensions.is_empty() {
        let adopted = directory.adopt(scope, extensions, types).await;
        catalogue = Some(adopted.map_err(refused)?);
    }
    if is_known {
        let redefined = directory.redefine_schema(scope, URI, &Expect::Any, schema);
        catalogue = Some(redefined.await.map_err(refused)?);
    }
    if let Some(catalogue) = catalogue {
        call.scope.catalogue = catalogue;
    }
    Ok(())
}

/// Values that are there, or limits, stand in the way of a definition.
fn refused(error: Error) -> Failure {
    match error {
        Error::InUse(text) => {
            let id = "error.common.validation.invalidValue";
            Fault::invalid(id, text).into()
        }
        error => Refusal::from(error).into(),
    }
}

/// Keeps what is said of the attributes; `false` if another change has overtaken this one.
async fn keep(
    call: &Call<'_>,
    kept: Option<Found>,
    definitions: &[Map<String, Value>],
) -> Result<bool, Failure> {
    let own = own_of(call).ok_or(Error::Conflict)?;
    let text = serde_json::to_string(definitions);
    let text = text.map_err(|error| Error::Unavailable(error.to_string()))?;
    let body = json!({ "schemas": [SCHEMA], DEFINITIONS: text });
    let (directory, scope, tolerance) = (call.directory(), &call.scope, Tolerance::generic());
    let Some(old) = kept else {
        let id = RECORD.to_owned();
        let want = Want::default();
        let created = directory.create_as(scope, own, id, body, &tolerance, want, Vec::new());
        return match created.await {
            Ok(_) => Ok(true),
            Err(Error::Taken { .. } | Error::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        };
    };
    let expect = Expect::Match(vec![old.record.version.0.to_string()]);
    let edit = Edit {
        resource_type: own,
        id: RECORD,
        expect: &expect,
        self_service: false,
        body: Ok(body),
        tolerance: &tolerance,
        want: Want::default(),
        beside: Vec::new(),
    };
    match directory.supersede(scope, old, &edit, true).await {
        Ok(found) => Ok(found.is_some()),
        Err(Error::Stale) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
