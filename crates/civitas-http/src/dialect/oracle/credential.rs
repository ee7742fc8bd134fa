//! What users prove themselves by beside passwords: keys that they sign requests with, and secrets
//! that the service makes and shows once. Each belongs to a user and ends with it.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use civitas_directory::{Error, Found, Outcome, belonging, public_key::PublicKey, store::Want};
use civitas_scim::Attributes;
use serde_json::{Map, Value};

use super::{
    call::Call,
    fault::{Failure, Fault},
    id,
    kind::Kind,
    object::{self, Object},
    projection::Projection,
    resource::{self, Item},
    rules,
    schema::{
        CAPABILITIES,
        credential::{ONCE, SLOT},
    },
    show::View,
    write::{self, Sent},
};
use crate::{refusal::Refusal, reply::Reply};

/// Longest identifier by which a credential names its user, in characters. Who knows the user by an
/// OCID names it so.
const MAX_USER: usize = 40;

/// Bytes of a secret, from chance.
const SECRET_BYTES: usize = 32;

impl Kind {
    /// Most credentials of the type that a user has.
    const fn quota(self) -> usize {
        match self {
            Self::ApiKey => 3,
            Self::OAuth2ClientCredential => 10,
            _ => 2,
        }
    }

    /// What the user must be capable of.
    const fn capability(self) -> &'static str {
        match self {
            Self::ApiKey => "canUseApiKeys",
            Self::CustomerSecretKey => "canUseCustomerSecretKeys",
            Self::SmtpCredential => "canUseSmtpCredentials",
            Self::OAuth2ClientCredential => "canUseOAuth2ClientCredentials",
            _ => "canUseAuthTokens",
        }
    }

    /// The attribute that shows the secret that the service makes.
    const fn secret(self) -> Option<&'static str> {
        match self {
            Self::AuthToken => Some("token"),
            Self::CustomerSecretKey => Some("secretKey"),
            Self::SmtpCredential => Some("password"),
            Self::OAuth2ClientCredential => Some("secret"),
            _ => None,
        }
    }
}

/// Makes a credential of the user that the body names, or of the caller.
pub(super) async fn create(call: &Call<'_>, kind: Kind, me: bool) -> Result<Reply, Failure> {
    // The answer to a larger request would not show the secret.
    if call.new_id.is_some() && kind.secret().is_some() {
        return Err(Fault::not_built().into());
    }
    let projection = Projection::read(kind, &call.parameters)?;
    let accepted = write::accepted(kind, call.object()?)?;
    let mut object = accepted.attributes;
    rules::check(kind, &Object::new(), &object)?;
    let owner = owner(call, me, object.shift_remove(object::OWNER).as_ref())?;
    if !me && call.caller.user.as_deref() == Some(&owner) {
        let said = write::says_self_change(&accepted.secrets);
        said.then_some(()).ok_or_else(Fault::self_change)?;
    }
    let user = user(call, &owner).await?;
    let user = user.ok_or_else(|| unknown_owner(kind, &owner))?;
    if !may_use(&user, kind.capability()) {
        return Err(Fault::not_supported("POST", kind.name(), &id::shown(&owner)).into());
    }
    let mut kept = write::kept(kind, &object, &call.scope.actor);
    kept.insert(belonging::ATTRIBUTE.to_owned(), owner.as_str().into());
    add_made(call, kind, &mut kept, &owner)?;
    let view = View {
        kind,
        projection: &projection,
        me,
    };
    let found = store(call, &view, &owner, kept).await?;
    let mut object = view.one(call, &found).await?;
    show_secret(kind, &projection, &mut object)?;
    Ok(resource::made(call, &view, &found, object))
}

/// Stores a credential in a place that the user has left for one of its type.
async fn store(
    call: &Call<'_>,
    view: &View<'_>,
    owner: &str,
    mut kept: Attributes,
) -> Result<Found, Failure> {
    let kind = view.kind;
    let quota = kind.quota();
    for number in 1..=quota {
        kept.insert(SLOT.to_owned(), format!("{owner} {number}").into());
        let beside = belonging::made(Kind::User.name(), owner);
        let body = Value::Object(kept.clone());
        match resource::store(call, view, &resource::new_id(call), body, beside).await? {
            Ok(found) => return Ok(found),
            Err(Error::Taken { path }) if path == SLOT => {}
            Err(Error::Taken { .. }) => {
                let id = "error.common.exception.duplicateResource";
                let detail = format!("{} with the same fingerprint already exists.", kind.name());
                return Err(Fault::new(Outcome::Taken, id, detail).into());
            }
            Err(Error::NotFound { .. }) => return Err(unknown_owner(kind, owner).into()),
            Err(error) => return Err(error.into()),
        }
    }
    let id = "error.identity.user.maxQuotaLimit";
    let endpoint = kind.endpoint();
    let detail = format!("The user has reached the maximum quota limit of {quota} for {endpoint}.");
    Err(Fault::invalid(id, detail).into())
}

/// Who the credential is for, by `id` as it is kept.
fn owner(call: &Call<'_>, me: bool, named: Option<&Value>) -> Result<String, Failure> {
    let text = |name: &str| named.and_then(|it| it.get(name)).and_then(Value::as_str);
    let shown = match text("value") {
        _ if me => None,
        Some(value) if value.chars().count() > MAX_USER => {
            return Err(Fault::too_long("user.value", MAX_USER).into());
        }
        Some(value) => Some(value),
        None => text("ocid"),
    };
    match (shown, &call.caller.user) {
        (Some(shown), _) => Ok(id::kept(shown).into_owned()),
        (None, Some(caller)) => Ok(caller.clone()),
        (None, None) if me => resource::caller(call),
        (None, None) => Err(Fault::missing(&[object::OWNER.to_owned()]).into()),
    }
}

fn unknown_owner(kind: Kind, owner: &str) -> Fault {
    Fault::no_referent(kind.name(), object::OWNER, "User", &id::shown(owner))
}

/// The user of that `id`, if there is one.
pub(super) async fn user(call: &Call<'_>, id: &str) -> Result<Option<Found>, Failure> {
    let users = Kind::User.kept(&call.scope.catalogue);
    let users = users.ok_or(Refusal::UnknownPath)?;
    let found = call
        .directory()
        .get(&call.scope, &users, id, Want::default());
    match found.await {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether a user may have credentials of a type, which is so unless somebody has said otherwise.
fn may_use(user: &Found, capability: &str) -> bool {
    let kept = user.record.attributes();
    let capabilities = kept.get(CAPABILITIES);
    capabilities.and_then(|it| it.get(capability)) != Some(&Value::Bool(false))
}

/// Whether a user may prove itself by the keys that it has.
pub(super) fn may_sign(user: &Found) -> bool {
    let is_active = user.record.attributes().get("active") != Some(&Value::Bool(false));
    is_active && may_use(user, Kind::ApiKey.capability())
}

/// By what a key of a user is found.
pub(super) fn signer(user: &str, fingerprint: &str) -> String {
    format!("{user} {fingerprint}")
}

/// What the service makes of a new credential beside its secret.
fn add_made(
    call: &Call<'_>,
    kind: Kind,
    kept: &mut Map<String, Value>,
    owner: &str,
) -> Result<(), Failure> {
    match kind {
        Kind::ApiKey => {
            let key = kept.get("key").and_then(Value::as_str);
            let key = key.and_then(PublicKey::from_pem).ok_or_else(|| {
                let id = "error.identity.user.invalidHeaderFooter";
                Fault::invalid(id, "Invalid public key header or footer.")
            })?;
            let fingerprint = key.fingerprint();
            kept.insert(ONCE.to_owned(), signer(owner, &fingerprint).into());
            kept.insert("fingerprint".to_owned(), fingerprint.into());
        }
        Kind::CustomerSecretKey => {
            let key = chance::<20>()?.map(|it| format!("{it:02x}")).concat();
            kept.insert("accessKey".to_owned(), key.into());
        }
        Kind::SmtpCredential => {
            let user = id::ocid("user", owner);
            let part = chance::<4>()?.map(|it| format!("{it:02x}")).concat();
            let tenant = &call.tenant.name;
            let name = format!("{user}@ocid1.tenancy.oc1..{tenant}.{part}");
            kept.insert("userName".to_owned(), name.into());
        }
        _ => {}
    }
    Ok(())
}

/// Whether a change asks for a new secret.
pub(super) fn asks_secret(kind: Kind, sent: &Sent) -> bool {
    let (Kind::OAuth2ClientCredential, Sent::Operations(operations)) = (kind, sent) else {
        return false;
    };
    let is_asked = |name: &str| name.eq_ignore_ascii_case("isResetSecret");
    operations.iter().any(|operation| {
        let value = operation.value.as_ref();
        let mut members = value.and_then(Value::as_object).into_iter().flatten();
        let asked = match operation.path.as_deref() {
            Some(path) => value.filter(|_| is_asked(path)),
            None => members.find(|(name, _)| is_asked(name)).map(|(_, it)| it),
        };
        asked == Some(&Value::Bool(true))
    })
}

/// Shows a new secret, of which nothing is kept: nothing here asks for it again.
pub(super) fn show_secret(
    kind: Kind,
    projection: &Projection,
    object: &mut Object,
) -> Result<(), Failure> {
    if let Some(name) = kind.secret()
        && let Some(attribute) = kind.attribute(None, name)
        && projection.shows(attribute)
    {
        let secret = STANDARD.encode(chance::<SECRET_BYTES>()?);
        object.insert(name.to_owned(), secret.into());
    }
    Ok(())
}

/// A password that meets what a policy may ask of its letters.
pub(super) fn new_password() -> Result<String, Error> {
    let text = URL_SAFE_NO_PAD.encode(chance::<15>()?);
    Ok(format!("{text}-Aa1"))
}

fn chance<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Unavailable(error.to_string()))?;
    Ok(bytes)
}

/// Whoever changes its own credentials as an administrator does says so.
pub(super) fn check_self_change(
    call: &Call<'_>,
    item: &Item<'_>,
    kept: &Attributes,
    said: bool,
) -> Result<(), Fault> {
    let caller = call.caller.user.as_deref();
    let is_own = caller.is_some() && caller == object::owner(kept);
    if item.me || said || !is_own {
        return Ok(());
    }
    Err(Fault::self_change())
}
