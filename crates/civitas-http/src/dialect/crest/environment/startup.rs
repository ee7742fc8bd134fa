//! What takes variables and secrets up: a restart, in which the tenant goes on being served.

use civitas_directory::Outcome;
use serde_json::{Value, json};

use super::{list, secret, unsupported};
use crate::{
    dialect::crest::{
        call::Call,
        fault::Failure,
        info,
        kept::{Kind, member},
        place::Place,
        request::Verb,
        scope,
    },
    reply::Reply,
};

/// `/environment/startup`
pub(in super::super) async fn startup(call: &Call<'_>) -> Result<Reply, Failure> {
    let status = match &call.request.verb {
        Verb::Read => "ready",
        Verb::Action(action) if action.eq_ignore_ascii_case("restart") => {
            take_up(call, Kind::Variable).await?;
            take_up(call, Kind::Secret).await?;
            "restarting"
        }
        _ => return Err(unsupported(call, &Place::Startup)),
    };
    let status = json!({ "restartStatus": status });
    Ok(call.answer(Outcome::Answered, &status))
}

/// Marks what has changed as loaded.
async fn take_up(call: &Call<'_>, kind: Kind) -> Result<(), Failure> {
    let all = call.shelf().all(kind).await?;
    for pending in all.iter().filter(|it| *member(it, "loaded") != true) {
        let name = member(pending, "name").as_str().unwrap_or_default();
        let taken = call.shelf().change(kind, name, |object| {
            object.insert("loaded".into(), Value::from(true));
            if kind == Kind::Secret {
                secret::take_up(object);
            }
            Ok(())
        });
        // One that was deleted meanwhile is no longer there to be loaded.
        taken.await?;
    }
    Ok(())
}

/// `/environment/count`
pub(in super::super) async fn count(call: &Call<'_>) -> Result<Reply, Failure> {
    let secrets = list::asked(call, call.shelf().all(Kind::Secret).await?).len();
    let variables = list::asked(call, call.shelf().all(Kind::Variable).await?).len();
    let count = json!({ "secrets": secrets, "variables": variables });
    info::read_only(call, &count)
}

/// `/environment/scopes/service-accounts`
pub(in super::super) fn scopes(call: &Call<'_>) -> Result<Reply, Failure> {
    info::read_only(call, &scope::described())
}
