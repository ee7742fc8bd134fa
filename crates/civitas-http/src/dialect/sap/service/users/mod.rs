//! User Management: the users of an application. One is the assignment of a user of the directory
//! to an application ([`assignment`]); what it is shown as is XML ([`xml`]).

mod assignment;
mod register;
mod xml;

use civitas_directory::{Error, Expect, Found, Outcome, store::Want};
use http::{HeaderValue, Method, StatusCode, header};

pub(super) use register::register;
pub(in crate::dialect::sap) use register::{activate, assign, assigned};
pub(super) use xml::{check_accepted, check_content};

use self::assignment::{Assignment, Status};
use crate::{
    dialect::sap::{
        call::Call,
        fault::{Failure, Fault},
        kind::Kind,
        number, status,
    },
    reply::Reply,
};

/// `GET /service/users?name_id=…`: where the user is found.
pub(super) async fn find(call: &Call<'_>) -> Result<Reply, Failure> {
    let client = application(call, call.parameter("applicationId"))?;
    let given = |name| call.parameter(name).filter(|it| !it.is_empty());
    let found = match (given("name_id"), given("mail")) {
        (Some(name), _) => named(call, client, name).await?,
        (None, Some(mail)) => {
            let user = call
                .directory()
                .identify(&call.scope, mail, &["emails.value"]);
            of_user(call, client, user.await?).await?
        }
        (None, None) => return Err(Fault::plain("").into()),
    };
    let found = found.ok_or_else(nothing)?;
    let reply = Reply::empty(status::of(Outcome::Canonical));
    Ok(located(call, reply, &found.id))
}

/// By the name that the application has for it, by User ID or by login name.
async fn named(call: &Call<'_>, client: &str, name: &str) -> Result<Option<Assignment>, Failure> {
    let found = assignment::named(call, client, name).await?;
    if found.is_some() {
        return Ok(found);
    }
    let (directory, scope) = (call.directory(), &call.scope);
    let user = match number::user(directory, scope, name, Want::default()).await? {
        Some(user) => Some(user),
        None => directory.identify(scope, name, &["userName"]).await?,
    };
    of_user(call, client, user).await
}

async fn of_user(
    call: &Call<'_>,
    client: &str,
    user: Option<Found>,
) -> Result<Option<Assignment>, Failure> {
    match user {
        Some(user) => assignment::of_user(call, client, &user.record.id).await,
        None => Ok(None),
    }
}

/// `/service/users/{id}`.
pub(super) async fn one(call: &Call<'_>, id: &str) -> Result<Reply, Failure> {
    let client = application(call, call.parameter("applicationId"))?;
    let found = assignment::read(call, client, id).await?;
    let (assignment, user) = found.ok_or_else(nothing)?;
    let reply = match *call.method {
        Method::PUT => {
            change(call, id, &user).await?;
            Reply::empty(StatusCode::OK)
        }
        Method::DELETE => return remove(call, assignment, &user).await,
        _ => xml::shown(call, &assignment, &user),
    };
    Ok(located(call, reply, id))
}

/// Takes over what is sent of what there is.
async fn change(call: &Call<'_>, id: &str, user: &Found) -> Result<(), Failure> {
    let sent = xml::read(&call.body).ok_or_else(Fault::unreadable)?;
    let status = match sent.get("status").map(String::as_str) {
        Some("active") => Some(Status::Active),
        Some("inactive") => Some(Status::Inactive),
        Some(_) => return Err(Fault::plain("").into()),
        None => None,
    };
    if status.is_none() && !sent.keys().any(|it| assignment::is_known(it)) {
        return Err(Fault::plain("").into());
    }
    if let Some(login_name) = sent.get("login_name") {
        let holder = call
            .directory()
            .identify(&call.scope, login_name, &["userName"]);
        let holder = holder.await?;
        if holder.is_some_and(|it| it.record.id != user.record.id) {
            return Err(Fault::taken().into());
        }
    }
    let now = call.scope.now;
    assignment::change(call, id, |it| {
        it.take(&sent);
        if let Some(status) = status {
            it.turn(status, now);
        }
    })
    .await
}

/// Ends the assignment, and with the last one a user that is not anybody's own.
async fn remove(call: &Call<'_>, gone: Assignment, user: &Found) -> Result<Reply, Failure> {
    assignment::delete(call, &gone.id).await?;
    let kind = user.record.attributes().get("userType").cloned();
    let is_public = kind.is_none_or(|it| it == "public");
    if is_public && assignment::is_without(call, &user.record.id).await? {
        let name = Kind::User.name();
        let users = call
            .scope
            .catalogue
            .resource_type(name)
            .ok_or(Error::Outdated)?;
        let id = &user.record.id;
        match call
            .directory()
            .delete(&call.scope, users, id, &Expect::Any)
            .await
        {
            // Somebody else was quicker.
            Ok(()) | Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Reply::empty(StatusCode::OK))
}

/// The application whose users are meant: the caller, which is subscribed to no other.
fn application<'c>(call: &'c Call<'_>, named: Option<&str>) -> Result<&'c str, Failure> {
    let own = call.caller.client_id.as_str();
    match named.filter(|it| !it.is_empty()) {
        Some(other) if !other.eq_ignore_ascii_case(own) => Err(nothing().into()),
        _ => Ok(own),
    }
}

fn nothing() -> Fault {
    Fault::new(Outcome::NotFound, "")
}

fn located(call: &Call<'_>, reply: Reply, id: &str) -> Reply {
    let url = format!("{}/service/users/{id}", call.origin);
    match HeaderValue::try_from(url) {
        Ok(url) => reply.with(header::LOCATION, url),
        Err(_) => reply,
    }
}
