//! Operations on users that the service gives names of their own: setting a password, activating,
//! and what a user may do. Each is a change of the user, answered by what was asked.

use civitas_directory::{Error, Found, Outcome, credential::Verdict};
use civitas_scim::patch::{Op, Operation};
use serde_json::{Map, Value, json};

use super::{
    call::{Call, tag, tagged},
    fault::{Failure, Fault},
    id,
    kind::Kind,
    resource::{self, Item},
    schema::{CAPABILITIES, SELF_CHANGE},
    write::Sent,
};
use crate::{refusal::Refusal, reply::Reply};

/// What such operations have for their schema begins so.
const SCHEMAS: &str = "urn:ietf:params:scim:schemas:oracle:idcs:";

/// An operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changer {
    Password,
    Status,
    Capabilities,
    /// Of the caller's own password.
    MyPassword,
}

impl Changer {
    pub(super) const ALL: [Self; 4] = [
        Self::Password,
        Self::Status,
        Self::Capabilities,
        Self::MyPassword,
    ];

    /// The operation of that name in paths.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Password => "UserPasswordChanger",
            Self::Status => "UserStatusChanger",
            Self::Capabilities => "UserCapabilitiesChanger",
            Self::MyPassword => "MePasswordChanger",
        }
    }

    /// Whether it is about the caller, and so no user is named in its path.
    pub(super) const fn is_own(self) -> bool {
        matches!(self, Self::MyPassword)
    }

    /// What changes of the user.
    fn operations(self, body: &Map<String, Value>) -> Result<Vec<Operation>, Fault> {
        let named = |name: &str| body.get(name).filter(|it| !it.is_null());
        let required = |name: &str| named(name).ok_or_else(|| Fault::missing(&[name.to_owned()]));
        match self {
            Self::Password | Self::MyPassword => {
                let password = required("password")?;
                if !password.is_string() {
                    return Err(Fault::payload("password must be a string."));
                }
                Ok(vec![replace("password", password)])
            }
            Self::Status => match required("active")? {
                active @ Value::Bool(_) => Ok(vec![replace("active", active)]),
                _ => Err(Fault::payload("active must be true or false.")),
            },
            Self::Capabilities => {
                let known = Kind::User.extension(CAPABILITIES);
                let known = known.map_or(&[][..], |it| it.attributes).iter();
                let set = known.filter_map(|it| {
                    let path = format!("{CAPABILITIES}:{}", it.name);
                    Some(replace(&path, named(it.name)?))
                });
                Ok(set.collect())
            }
        }
    }

    /// What the answer tells of the user.
    fn shown(self, body: &Map<String, Value>) -> Vec<(String, Value)> {
        let tells = |name: &str| match self {
            Self::Password | Self::MyPassword => false,
            Self::Status => name == "active",
            Self::Capabilities => name.starts_with("canUse"),
        };
        let members = body.iter().filter(|(name, _)| tells(name));
        members
            .map(|(name, it)| (name.clone(), it.clone()))
            .collect()
    }
}

fn replace(path: &str, value: &Value) -> Operation {
    Operation {
        op: Op::Replace,
        path: Some(path.to_owned()),
        value: Some(value.clone()),
    }
}

/// Carries out an operation on the user of the path, or on the caller.
pub(super) async fn answer(
    call: &Call<'_>,
    changer: Changer,
    user: Option<&str>,
) -> Result<Reply, Failure> {
    let body = call.object()?;
    let body = body.as_object().cloned().unwrap_or_default();
    check_schemas(changer, &body)?;
    let mut operations = changer.operations(&body)?;
    let allowed = body
        .get(SELF_CHANGE)
        .and_then(|it| it.get("allowSelfChange"));
    let allowed = allowed.map(|it| replace(&format!("{SELF_CHANGE}:allowSelfChange"), it));
    operations.extend(allowed);
    let id = match user {
        Some(user) => id::kept(user).into_owned(),
        None => resource::caller(call)?,
    };
    let item = Item {
        kind: Kind::User,
        id: &id,
        me: changer.is_own(),
    };
    if changer == Changer::MyPassword {
        check_password(call, &id, &body).await?;
    }
    let sent = Sent::Operations(operations);
    let found = resource::changed(call, &item, &sent).await;
    let found = found.map_err(|failure| worded(changer, failure))?;
    Ok(told(call, changer, &body, &found))
}

fn check_schemas(changer: Changer, body: &Map<String, Value>) -> Result<(), Fault> {
    let urn = format!("{SCHEMAS}{}", changer.name());
    let schemas = body.get("schemas").and_then(Value::as_array);
    let schemas = schemas.ok_or_else(|| Fault::missing(&["schemas".to_owned()]))?;
    let is_named = |it: &Value| it.as_str().is_some_and(|it| it.eq_ignore_ascii_case(&urn));
    if schemas.iter().any(is_named) {
        return Ok(());
    }
    Err(Fault::payload(format!(
        "The schemas attribute must hold {urn}."
    )))
}

/// Whoever changes its own password shows the present one. What stands in the way of a logon with
/// it does not stand in the way of another.
async fn check_password(
    call: &Call<'_>,
    id: &str,
    body: &Map<String, Value>,
) -> Result<(), Failure> {
    let shown = body.get("oldPassword").and_then(Value::as_str);
    let shown = shown.ok_or_else(|| Fault::missing(&["oldPassword".to_owned()]))?;
    match call
        .directory()
        .log_on(&call.scope, Some(id), shown)
        .await?
    {
        Verdict::Accepted
        | Verdict::CodeMissing
        | Verdict::InitialExpired
        | Verdict::ChangeRequired
        | Verdict::ResetRequired => Ok(()),
        _ => {
            let id = "error.identity.passwordmgmt.invalidCurrentPassword";
            Err(Fault::invalid(id, "The current password is not right.").into())
        }
    }
}

/// A password that the rules refuse has a word of its own.
fn worded(changer: Changer, failure: Failure) -> Failure {
    match failure {
        Failure::Refusal(Refusal::Directory(Error::Invalid(invalid)))
            if matches!(changer, Changer::Password | Changer::MyPassword) =>
        {
            let id = "error.identity.passwordmgmt.pwdpolicyViolation";
            Fault::invalid(id, invalid.detail).into()
        }
        other => other,
    }
}

fn told(call: &Call<'_>, changer: Changer, body: &Map<String, Value>, found: &Found) -> Reply {
    let name = changer.name();
    let shown = id::shown(&found.record.id);
    let path = if changer.is_own() {
        name.to_owned()
    } else {
        format!("{name}/{shown}")
    };
    let mut answer = json!({
        "schemas": [format!("{SCHEMAS}{name}")],
        "id": shown,
        "ocid": id::ocid("user", &found.record.id),
        "meta": {
            "resourceType": name,
            "created": found.record.created.to_string(),
            "lastModified": found.record.modified.to_string(),
            "version": tag(found.record.version),
            "location": call.url(&path),
        },
    });
    if let Value::Object(answer) = &mut answer {
        answer.extend(changer.shown(body));
    }
    tagged(
        Call::answer(Outcome::Answered, &answer),
        found.record.version,
    )
}
