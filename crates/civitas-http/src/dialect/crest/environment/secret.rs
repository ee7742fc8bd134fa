//! Secrets and their versions. A value goes in and is never shown again: it is kept sealed.

use civitas_directory::Outcome;
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
const ENCODINGS: [&str; 4] = ["generic", "pem", "base64hmac", "base64aes"];

/// Most versions of a secret, those that were destroyed included.
const MAX_VERSIONS: usize = 100;

const ENABLED: &str = "ENABLED";
const DISABLED: &str = "DISABLED";
const DESTROYED: &str = "DESTROYED";

/// Answers a request to all secrets.
pub(in super::super) async fn secrets(call: &Call<'_>) -> Result<Reply, Failure> {
    match &call.request.verb {
        Verb::Read | Verb::Query => {
            let all = call.shelf().all(Kind::Secret).await?;
            list::page(call, all, shown)
        }
        _ => Err(unsupported(call, &Place::Secrets)),
    }
}

/// Answers a request to one.
pub(in super::super) async fn secret(call: &mut Call<'_>, id: &str) -> Result<Reply, Failure> {
    match call.request.verb.clone() {
        Verb::Read => {
            let object = find(call, id).await?;
            Ok(call.answer(Outcome::Answered, &shown(&object)))
        }
        Verb::CreateAs | Verb::Update | Verb::Upsert => create(call, id).await,
        Verb::Delete => {
            let dropped = call.shelf().delete(Kind::Secret, id).await?;
            let object = dropped.ok_or_else(missing)?;
            Ok(call.answer(Outcome::Answered, &shown(&object)))
        }
        Verb::Action(action) if action.eq_ignore_ascii_case("setDescription") => {
            let described = describe(call, Kind::Secret, id).await?;
            described.ok_or_else(missing)
        }
        _ => Err(unsupported(call, &Place::Secret(id.into()))),
    }
}

/// Answers a request to the versions of a secret.
pub(in super::super) async fn versions(call: &Call<'_>, id: &str) -> Result<Reply, Failure> {
    match &call.request.verb {
        Verb::Read => {
            let object = find(call, id).await?;
            let versions = Versions::of(&object);
            let shown: Vec<Value> = versions.0.iter().map(|it| it.shown(&object)).collect();
            Ok(call.answer(Outcome::Answered, &Value::from(shown)))
        }
        Verb::Create => {
            let sealed = sealed(call, id, &value(&call.request.body)?)?;
            let changed = call.shelf().change(Kind::Secret, id, |object| {
                let mut versions = Versions::of(object);
                versions.add(call, sealed.clone())?;
                versions.put(object);
                object.insert("loaded".into(), Value::from(false));
                stamp(call, object);
                Ok(())
            });
            let failed = || Fault::new(Outcome::NotFound, "Failed to create secret version");
            let object = changed.await?.ok_or_else(failed)?;
            let newest = Versions::of(&object).0.pop().ok_or_else(failed)?;
            Ok(call.answer(Outcome::Answered, &newest.shown(&object)))
        }
        _ => Err(unsupported(call, &Place::SecretVersions(id.into()))),
    }
}

/// Answers a request to one version of a secret.
pub(in super::super) async fn version(
    call: &Call<'_>,
    id: &str,
    number: &str,
) -> Result<Reply, Failure> {
    let missing = || Fault::new(Outcome::NotFound, "Failed to get secret version");
    let status = match &call.request.verb {
        Verb::Read => {
            let kept = call.shelf().find(Kind::Secret, id).await?;
            let object = kept.ok_or_else(missing)?.object();
            let versions = Versions::of(&object);
            let version = versions.named(number).ok_or_else(missing)?;
            return Ok(call.answer(Outcome::Answered, &version.shown(&object)));
        }
        Verb::Delete => DESTROYED,
        Verb::Action(action) if action.eq_ignore_ascii_case("changestatus") => {
            let asked = text(&call.request.body, "status")?;
            let known = [ENABLED, DISABLED].into_iter();
            let mut found = known.filter(|it| asked.as_deref() == Some(*it));
            let wrong = || mismatch("status: not one of ENABLED, DISABLED");
            found.next().ok_or_else(wrong)?
        }
        _ => {
            let place = Place::SecretVersion(id.into(), number.into());
            return Err(unsupported(call, &place));
        }
    };
    let changed = call.shelf().change(Kind::Secret, id, |object| {
        let mut versions = Versions::of(object);
        versions.named(number).ok_or_else(missing)?;
        versions.set_status(number, status)?;
        versions.put(object);
        stamp(call, object);
        Ok(())
    });
    let object = changed.await?.ok_or_else(missing)?;
    let versions = Versions::of(&object);
    let version = versions.named(number).ok_or_else(missing)?;
    Ok(call.answer(Outcome::Answered, &version.shown(&object)))
}

async fn create(call: &mut Call<'_>, id: &str) -> Result<Reply, Failure> {
    check_id(id)?;
    let body = &call.request.body;
    let value = value(body)?;
    let description = description(body)?.unwrap_or_default();
    let encoding = text(body, "encoding")?.unwrap_or_else(|| "generic".into());
    if !ENCODINGS.contains(&encoding.as_str()) {
        let text = format!("encoding: not one of {}", ENCODINGS.join(", "));
        return Err(mismatch(&text).into());
    }
    let in_placeholders = match body.get("useInPlaceholders") {
        None | Some(Value::Null) => true,
        Some(Value::Bool(given)) => *given,
        Some(_) => return Err(mismatch("useInPlaceholders: not a boolean").into()),
    };
    kept::equip(&call.app.directory, &mut call.scope, Kind::Secret).await?;
    let call = &*call;
    let mut versions = Versions(Vec::new());
    versions.add(call, sealed(call, id, &value)?)?;
    let mut object = Object::new();
    for (name, value) in [
        ("name", Value::from(id)),
        ("description", Value::from(description)),
        ("encoding", Value::from(encoding)),
        ("useInPlaceholders", Value::from(in_placeholders)),
        ("loaded", Value::from(false)),
    ] {
        object.insert(name.to_owned(), value);
    }
    versions.put(&mut object);
    stamp(call, &mut object);
    if call
        .shelf()
        .create(Kind::Secret, id, object.clone())
        .await?
    {
        return Ok(call.answer(Outcome::Answered, &shown(&object)));
    }
    let text = "Failed to create secret, the secret already exists";
    Err(Fault::invalid(text).into())
}

/// The value in the form in which it is kept.
fn sealed(call: &Call<'_>, id: &str, value: &str) -> Result<String, Failure> {
    let sealed = call
        .directory()
        .close_secret(&call.scope, id, value.as_bytes());
    Ok(sealed?)
}

async fn find(call: &Call<'_>, id: &str) -> Result<Object, Failure> {
    let kept = call.shelf().find(Kind::Secret, id).await?;
    Ok(kept.ok_or_else(missing)?.object())
}

fn missing() -> Failure {
    let message = "The secret does not exist or does not have a version";
    Fault::new(Outcome::NotFound, message).into()
}

/// What a restart changes: the version in force is the newest that is enabled.
pub(super) fn take_up(object: &mut Object) {
    let active = Value::from(Versions::of(object).active());
    object.insert("loadedVersion".into(), active);
}

fn shown(object: &Object) -> Value {
    let member = |name: &str| member(object, name).clone();
    let text = |name: &str| object.get(name).cloned().unwrap_or_else(|| "".into());
    json!({
        "_id": member("name"),
        "activeVersion": Versions::of(object).active(),
        "description": text("description"),
        "encoding": member("encoding"),
        "lastChangeDate": member("lastChangeDate"),
        "lastChangedBy": member("lastChangedBy"),
        "loaded": member("loaded"),
        "loadedVersion": text("loadedVersion"),
        "useInPlaceholders": member("useInPlaceholders"),
    })
}

/// The versions of a secret, the newest last.
struct Versions(Vec<Version>);

/// One of them, numbered from 1.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    #[serde(rename = "version")]
    number: String,
    status: String,
    create_date: String,
    /// The sealed value; none of one that was destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

impl Version {
    fn shown(&self, object: &Object) -> Value {
        let loaded = member(object, "loadedVersion") == self.number.as_str();
        json!({
            "version": self.number,
            "status": self.status,
            "createDate": self.create_date,
            "loaded": loaded,
        })
    }
}

impl Versions {
    fn of(object: &Object) -> Self {
        let texts = member(object, "versions").as_array().into_iter().flatten();
        let read = texts.filter_map(|it| serde_json::from_str(it.as_str()?).ok());
        Self(read.collect())
    }

    fn put(&self, object: &mut Object) {
        let texts = self
            .0
            .iter()
            .map(|it| serde_json::to_string(it).unwrap_or_default());
        object.insert("versions".into(), texts.collect());
    }

    fn named(&self, number: &str) -> Option<&Version> {
        self.0.iter().find(|it| it.number == number)
    }

    /// The number of the newest that is enabled.
    fn active(&self) -> &str {
        let mut newest = self.0.iter().rev();
        let enabled = newest.find(|it| it.status == ENABLED);
        enabled.map_or("", |it| it.number.as_str())
    }

    fn add(&mut self, call: &Call<'_>, sealed: String) -> Result<(), Fault> {
        if self.0.len() >= MAX_VERSIONS {
            let text = format!("A secret has {MAX_VERSIONS} versions at most");
            return Err(Fault::invalid(text));
        }
        self.0.push(Version {
            number: (self.0.len() + 1).to_string(),
            status: ENABLED.to_owned(),
            create_date: call.scope.now.to_string(),
            value: Some(sealed),
        });
        Ok(())
    }

    fn set_status(&mut self, number: &str, status: &str) -> Result<(), Fault> {
        let newest = self.0.last().is_some_and(|it| it.number == number);
        match status {
            DISABLED if newest => {
                return Err(Fault::invalid("Cannot disable latest secret version"));
            }
            DESTROYED if newest => {
                return Err(Fault::invalid("Cannot delete latest secret version"));
            }
            _ => {}
        }
        let Some(version) = self.0.iter_mut().find(|it| it.number == number) else {
            return Ok(());
        };
        if version.status == DESTROYED {
            return Err(Fault::invalid("The secret version is destroyed"));
        }
        status.clone_into(&mut version.status);
        if status == DESTROYED {
            version.value = None;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Versions {
        let version = |number: u8| Version {
            number: number.to_string(),
            status: ENABLED.to_owned(),
            create_date: String::new(),
            value: Some("sealed".to_owned()),
        };
        Versions((1..=3).map(version).collect())
    }

    #[test]
    fn the_newest_enabled_version_is_active_and_stays_enabled() {
        let mut versions = three();
        assert_eq!(versions.active(), "3");
        for status in [DISABLED, DESTROYED] {
            versions.set_status("3", status).unwrap_err();
        }
        versions.set_status("2", DISABLED).unwrap();
        versions.set_status("2", ENABLED).unwrap();
        assert_eq!(versions.active(), "3");
    }

    #[test]
    fn a_destroyed_version_has_no_value_and_does_not_come_back() {
        let mut versions = three();
        versions.set_status("1", DESTROYED).unwrap();
        versions.set_status("1", ENABLED).unwrap_err();
        let mut object = Object::new();
        versions.put(&mut object);
        let again = Versions::of(&object);
        let first = again.named("1").unwrap();
        assert_eq!((first.status.as_str(), &first.value), (DESTROYED, &None));
    }
}
