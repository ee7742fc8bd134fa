//! Operations on users that the service gives names of their own: setting a password, activating,
//! locking, and what a user may do. Each is a change of the user, answered by what was asked.

use civitas_directory::{Error, Found, Outcome, credential::Verdict};
use civitas_scim::patch::{Op, Operation};
use serde_json::{Map, Value, json};

use super::{
    call::{Call, tag, tagged},
    fault::{Failure, Fault},
    id,
    kind::Kind,
    reset,
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
    /// Nobody logs on by the password any more, and another is to be set.
    Reset,
    /// An administrator locks and unlocks. The body names the user.
    Lock,
    /// Of the caller's own password.
    MyPassword,
    /// A password that is set by a token.
    NewPassword,
}

impl Changer {
    pub(super) const ALL: [Self; 7] = [
        Self::Password,
        Self::Status,
        Self::Capabilities,
        Self::Reset,
        Self::Lock,
        Self::MyPassword,
        Self::NewPassword,
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
            Self::Reset => "UserPasswordResetter",
            Self::Lock => "UserLockedStateChanger",
            Self::MyPassword => "MePasswordChanger",
            Self::NewPassword => "MePasswordResetter",
        }
    }

    /// Whether its path names a user.
    pub(super) const fn takes_id(self) -> bool {
        !matches!(self, Self::MyPassword | Self::Lock | Self::NewPassword)
    }

    /// Whether it is asked for by POST, and not by PUT.
    pub(super) const fn is_posted(self) -> bool {
        matches!(self, Self::Lock | Self::NewPassword)
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
            // What they change clients do not.
            Self::Reset | Self::Lock | Self::NewPassword => Ok(Vec::new()),
        }
    }

    /// What the answer tells of the user.
    fn shown(self, body: &Map<String, Value>) -> Vec<(String, Value)> {
        let tells = |name: &str| match self {
            Self::Password | Self::MyPassword | Self::Reset | Self::NewPassword => false,
            Self::Lock => ["userId", "locked"].contains(&name),
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
    match changer {
        Changer::Lock => return lock(call, &body).await,
        Changer::NewPassword => return reset::redeem(call, &body).await,
        _ => {}
    }
    let mut operations = changer.operations(&body)?;
    let allowed = self_change(&body);
    operations.extend(allowed.map(|it| replace(&format!("{SELF_CHANGE}:allowSelfChange"), it)));
    let id = match user {
        Some(user) => id::kept(user).into_owned(),
        None => resource::caller(call)?,
    };
    let item = Item {
        kind: Kind::User,
        id: &id,
        me: changer.is_own(),
    };
    if changer == Changer::Reset {
        return reset::begin(call, &item, &body).await;
    }
    if changer == Changer::MyPassword {
        check_password(call, &id, &body).await?;
    }
    let sent = Sent::Operations(operations);
    let found = resource::changed(call, &item, &sent).await;
    let found = found.map_err(|failure| worded(changer, failure))?;
    Ok(told(call, changer, &body, &found))
}

/// What a body says of the caller's intention to change itself.
fn self_change(body: &Map<String, Value>) -> Option<&Value> {
    let within = body.get(SELF_CHANGE);
    let within = within.and_then(|it| it.get("allowSelfChange"));
    within.or_else(|| body.get(&format!("{SELF_CHANGE}:allowSelfChange")))
}

/// Refuses callers that change themselves and do not say so.
pub(super) fn check_self_change(
    call: &Call<'_>,
    user: &str,
    body: &Map<String, Value>,
) -> Result<(), Fault> {
    let is_self = call.caller.user.as_deref() == Some(user);
    if is_self && self_change(body) != Some(&Value::Bool(true)) {
        return Err(Fault::self_change());
    }
    Ok(())
}

/// Locks the user that the body names, or unlocks it.
async fn lock(call: &Call<'_>, body: &Map<String, Value>) -> Result<Reply, Failure> {
    let user = body.get("userId").and_then(Value::as_str);
    let locked = body.get("locked").filter(|it| !it.is_null());
    let (Some(user), Some(locked)) = (user, locked) else {
        let missing = [("userId", user.is_none()), ("locked", locked.is_none())];
        let missing = missing.iter().filter(|(_, it)| *it);
        let missing: Vec<String> = missing.map(|(name, _)| (*name).to_owned()).collect();
        return Err(Fault::missing(&missing).into());
    };
    let Value::Bool(locked) = locked else {
        return Err(Fault::payload("locked must be true or false.").into());
    };
    let id = id::kept(user);
    check_self_change(call, &id, body)?;
    let item = Item {
        kind: Kind::User,
        id: &id,
        me: false,
    };
    let name = Changer::Lock.name();
    match resource::changed(call, &item, &Sent::Lock(*locked)).await {
        Ok(found) => Ok(told(call, Changer::Lock, body, &found)),
        Err(Failure::Fault(fault)) if fault.outcome == Outcome::NotFound => {
            Err(Fault::no_referent(name, "userId", "User", user).into())
        }
        Err(failure) => Err(failure),
    }
}

fn check_schemas(changer: Changer, body: &Map<String, Value>) -> Result<(), Fault> {
    check_schema(&format!("{SCHEMAS}{}", changer.name()), body)
}

/// Refuses a body that does not name its schema.
pub(super) fn check_schema(urn: &str, body: &Map<String, Value>) -> Result<(), Fault> {
    let schemas = body.get("schemas").and_then(Value::as_array);
    let schemas = schemas.ok_or_else(|| Fault::missing(&["schemas".to_owned()]))?;
    let is_named = |it: &Value| it.as_str().is_some_and(|it| it.eq_ignore_ascii_case(urn));
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
            too_weak(invalid.detail).into()
        }
        other => other,
    }
}

/// A password that the rules refuse.
pub(super) fn too_weak(why: String) -> Fault {
    Fault::invalid("error.identity.passwordmgmt.pwdpolicyViolation", why)
}

/// The answer to an operation: what was asked, and which state the user has now.
pub(super) fn told(
    call: &Call<'_>,
    changer: Changer,
    body: &Map<String, Value>,
    found: &Found,
) -> Reply {
    told_with(call, changer, body, found, json!({}))
}

/// The same with what else is shown.
pub(super) fn told_with(
    call: &Call<'_>,
    changer: Changer,
    body: &Map<String, Value>,
    found: &Found,
    also: Value,
) -> Reply {
    let name = changer.name();
    let shown = id::shown(&found.record.id);
    let path = if changer.takes_id() {
        format!("{name}/{shown}")
    } else {
        name.to_owned()
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
        if let Value::Object(also) = also {
            answer.extend(also);
        }
    }
    let outcome = if changer.is_posted() {
        Outcome::Created
    } else {
        Outcome::Answered
    };
    tagged(Call::answer(outcome, &answer), found.record.version)
}
