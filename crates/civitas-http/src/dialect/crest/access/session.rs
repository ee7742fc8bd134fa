//! Sessions of users who have signed in: `…/sessions?_action=getSessionInfo` and `logout`. Each
//! is kept as a document of the tenant, so that it ends at every node at once.

use civitas_directory::{Caller, Error, Outcome, Scope, Tenant, Timestamp, store::Want};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ALPHA, COOKIE, Checked, Endpoint, acting, answer};
use crate::{
    cookie,
    dialect::crest::{
        fault::{Failure, Fault},
        kept::{self, Kind, Object, Shelf, member},
        version::Version,
    },
    door::Arrival,
    form,
    refusal::{Refusal, Unauthenticated},
    reply::Reply,
};

/// How long a session lasts.
const SESSION_MS: i64 = 120 * 60 * 1_000;
/// Sessions that a user has at a time; one more ends the oldest.
pub(super) const MAX_SESSIONS: usize = 5;
/// Sessions of a user that are looked at when it signs in, ended ones among them.
const LOOKED_AT: usize = 50;

const SESSIONS: Endpoint = Endpoint {
    allow: "POST, OPTIONS",
    served: &[
        Version::new(1, 2),
        Version::new(2, 1),
        Version::new(3, 1),
        Version::new(4, 0),
        Version::new(5, 0),
    ],
};

/// What the token of a session says to those who can open it.
#[derive(Serialize, Deserialize)]
struct Token {
    session: String,
    user: String,
}

/// A session that is going on.
struct Session {
    id: String,
    user: String,
    user_name: String,
    started: Timestamp,
    expires: Timestamp,
}

/// Answers a request to sessions.
pub(in super::super) async fn sessions(
    arrival: Arrival<'_>,
    tenant: &Tenant,
) -> Result<Reply, Failure> {
    if let Checked::Answered(reply) = SESSIONS.check(&arrival, tenant)? {
        return Ok(reply);
    }
    let query = arrival.parts.uri.query().unwrap_or_default();
    let pairs = form::pairs(query).unwrap_or_default();
    let mut actions = pairs.iter().filter(|(name, _)| name == "_action");
    let action = actions.next().map_or("", |(_, action)| action.as_ref());
    if !["getSessionInfo", "logout"].contains(&action) {
        let text = format!("Action {action} is not supported.");
        return Err(Fault::invalid(text).into());
    }
    let scope = arrival.scope(tenant, &Caller::nobody());
    let directory = &arrival.app.directory;
    let shelf = Shelf {
        directory,
        scope: &scope,
    };
    let session = find(shelf, &arrival.parts.headers).await?;
    let unknown = || Refusal::from(Unauthenticated::InvalidToken);
    let session = session.ok_or_else(unknown)?;
    if action == "getSessionInfo" {
        return Ok(answer(Outcome::Answered, &session.info()));
    }
    let own = arrival.scope(tenant, &acting(&session.user));
    let shelf = Shelf {
        directory,
        scope: &own,
    };
    shelf.delete(Kind::Session, &session.id).await?;
    let result = json!({ "result": "Successfully logged out" });
    Ok(answer(Outcome::Answered, &result))
}

impl Session {
    fn info(&self) -> Value {
        let Self { user, .. } = self;
        json!({
            "username": self.user_name,
            "universalId": format!("id={user},ou=user,o=alpha,ou=services,ou=am-config"),
            "realm": ALPHA,
            "latestAccessTime": self.started.to_string(),
            "maxIdleExpirationTime": self.expires.to_string(),
            "maxSessionExpirationTime": self.expires.to_string(),
            "properties": {},
        })
    }
}

/// Begins a session of a user, and gives its token.
pub(super) async fn begin(
    arrival: &Arrival<'_>,
    tenant: &Tenant,
    user: &str,
) -> Result<String, Failure> {
    let directory = &arrival.app.directory;
    let mut scope = arrival.scope(tenant, &acting(user));
    kept::equip(directory, &mut scope, Kind::Session).await?;
    let shelf = Shelf {
        directory,
        scope: &scope,
    };
    end_old(shelf, user).await?;
    let id = civitas_directory::id::issue(scope.now);
    let expires = Timestamp(scope.now.0.saturating_add(SESSION_MS));
    let session = Object::from_iter([
        ("user".to_owned(), Value::from(user)),
        ("started".to_owned(), scope.now.to_string().into()),
        ("expires".to_owned(), expires.to_string().into()),
    ]);
    if !shelf.create(Kind::Session, &id, session).await? {
        return Err(Error::Conflict.into());
    }
    let token = Token {
        session: id,
        user: user.to_owned(),
    };
    // Writing two texts as JSON cannot fail.
    let text = serde_json::to_vec(&token).unwrap_or_default();
    Ok(directory.close_secret(&scope, COOKIE, &text)?)
}

/// Ends sessions of a user that are over, and the oldest where there would be too many.
async fn end_old(shelf: Shelf<'_>, user: &str) -> Result<(), Failure> {
    let known = shelf.sessions(user, LOOKED_AT).await?;
    let (live, over): (Vec<_>, Vec<_>) = known.iter().partition(|it| is_live(it, shelf.scope));
    let too_many = (live.len() + 1).saturating_sub(MAX_SESSIONS);
    for session in over.into_iter().chain(live.into_iter().take(too_many)) {
        let name = member(session, "name").as_str().unwrap_or_default();
        shelf.delete(Kind::Session, name).await?;
    }
    Ok(())
}

fn instant(session: &Object, name: &str) -> Option<Timestamp> {
    Timestamp::parse(member(session, name).as_str()?)
}

fn is_live(session: &Object, scope: &Scope) -> bool {
    instant(session, "expires").is_some_and(|it| scope.now < it)
}

/// The session whose token a request shows.
async fn find(shelf: Shelf<'_>, headers: &HeaderMap) -> Result<Option<Session>, Failure> {
    let Some(shown) = shown(headers) else {
        return Ok(None);
    };
    let opened = shelf.directory.open_secret(shelf.scope, COOKIE, shown);
    let token = opened.and_then(|it| serde_json::from_slice::<Token>(&it).ok());
    let Some(Token { session, user }) = token else {
        return Ok(None);
    };
    let Some(kept) = shelf.find(Kind::Session, &session).await? else {
        return Ok(None);
    };
    let object = kept.object();
    if !is_live(&object, shelf.scope) {
        return Ok(None);
    }
    let Some(users) = shelf.scope.catalogue.resource_type("User") else {
        return Ok(None);
    };
    let found = shelf
        .directory
        .get(shelf.scope, users, &user, Want::default());
    let found = match found.await {
        Ok(found) => found,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if !found.record.is_active() {
        return Ok(None);
    }
    let attributes = found.record.attributes();
    let name = attributes.get("userName").and_then(Value::as_str);
    let times = instant(&object, "started").zip(instant(&object, "expires"));
    Ok(times.map(|(started, expires)| Session {
        id: session,
        user,
        user_name: name.unwrap_or_default().to_owned(),
        started,
        expires,
    }))
}

/// The token that a request shows, as a cookie or in a field of the cookie's name.
fn shown(headers: &HeaderMap) -> Option<&str> {
    if let Some(field) = headers.get(COOKIE) {
        return field.to_str().ok();
    }
    cookie::shown(headers, COOKIE)
}
