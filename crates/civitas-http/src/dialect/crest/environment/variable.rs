//! Variables: texts that the configuration refers to, and that may be read.

use civitas_directory::{Error, Outcome};
use serde_json::{Value, json};

use super::{check_id, describe, description, list, mismatch, stamp, text, unsupported, value};
use crate::{
    dialect::crest::{
        call::Call,
        fault::{Failure, Fault},
        kept::{self, Kind, Object, member},
        place::Place,
        request::Verb,
    },
    reply::Reply,
};

/// What a value is taken for.
const TYPES: [&str; 9] = [
    "string",
    "list",
    "array",
    "object",
    "bool",
    "int",
    "number",
    "base64encodedinlined",
    "keyvaluelist",
];

/// Answers a request to all variables.
pub(in super::super) async fn variables(call: &Call<'_>) -> Result<Reply, Failure> {
    match &call.request.verb {
        Verb::Read | Verb::Query => {
            let all = call.shelf().all(Kind::Variable).await?;
            list::page(call, all, shown)
        }
        _ => Err(unsupported(call, &Place::Variables)),
    }
}

/// Answers a request to one.
pub(in super::super) async fn variable(call: &mut Call<'_>, id: &str) -> Result<Reply, Failure> {
    match call.request.verb.clone() {
        Verb::Read => {
            let kept = call.shelf().find(Kind::Variable, id).await?;
            let object = kept.ok_or_else(missing)?.object();
            Ok(call.answer(Outcome::Answered, &shown(&object)))
        }
        Verb::CreateAs | Verb::Update | Verb::Upsert => put(call, id).await,
        Verb::Delete => {
            let dropped = call.shelf().delete(Kind::Variable, id).await?;
            let object = dropped.ok_or_else(missing)?;
            Ok(call.answer(Outcome::Answered, &shown(&object)))
        }
        Verb::Action(action) if action.eq_ignore_ascii_case("setDescription") => {
            let described = describe(call, Kind::Variable, id).await?;
            described.ok_or_else(missing)
        }
        _ => Err(unsupported(call, &Place::Variable(id.into()))),
    }
}

async fn put(call: &mut Call<'_>, id: &str) -> Result<Reply, Failure> {
    check_id(id)?;
    let body = &call.request.body;
    let (value, description) = (value(body)?, description(body)?);
    let kind = text(body, "expressionType")?.filter(|it| !it.is_empty());
    if let Some(kind) = &kind
        && !TYPES.contains(&kind.as_str())
    {
        let text = format!("expressionType: not one of {}", TYPES.join(", "));
        return Err(mismatch(&text).into());
    }
    kept::equip(&call.app.directory, &mut call.scope, Kind::Variable).await?;
    let call = &*call;
    let set = |object: &mut Object| {
        object.insert("valueBase64".into(), Value::from(value.as_str()));
        if let Some(description) = &description {
            object.insert("description".into(), Value::from(description.as_str()));
        }
        object.insert("loaded".into(), Value::from(false));
        stamp(call, object);
    };
    let replaced = call.shelf().change(Kind::Variable, id, |object| {
        if kind.is_some() && member(object, "expressionType").as_str() != kind.as_deref() {
            let text = "Changing the type of an existing variable is not permitted";
            return Err(Fault::invalid(text).into());
        }
        set(object);
        Ok(())
    });
    if let Some(object) = replaced.await? {
        return Ok(call.answer(Outcome::Answered, &shown(&object)));
    }
    let kind = kind.as_deref().ok_or_else(|| {
        Fault::invalid(
            "Variable type required; expressionType cannot be empty when creating new variables",
        )
    })?;
    let mut object = Object::new();
    object.insert("name".into(), Value::from(id));
    object.insert("description".into(), Value::from(""));
    object.insert("expressionType".into(), Value::from(kind));
    set(&mut object);
    if !call
        .shelf()
        .create(Kind::Variable, id, object.clone())
        .await?
    {
        // Another request created it in between.
        return Err(Error::Conflict.into());
    }
    Ok(call.answer(Outcome::Answered, &shown(&object)))
}

fn missing() -> Failure {
    Fault::new(Outcome::NotFound, "The variable does not exist").into()
}

fn shown(object: &Object) -> Value {
    let member = |name: &str| member(object, name).clone();
    json!({
        "_id": member("name"),
        "description": object.get("description").cloned().unwrap_or_else(|| "".into()),
        "expressionType": member("expressionType"),
        "lastChangeDate": member("lastChangeDate"),
        "lastChangedBy": member("lastChangedBy"),
        "loaded": member("loaded"),
        "valueBase64": member("valueBase64"),
    })
}
