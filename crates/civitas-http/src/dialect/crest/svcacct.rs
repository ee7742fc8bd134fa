//! Service accounts: `/openidm/managed/svcacct`. They are clients of the tenant that prove
//! themselves by signed assertions; administrators make them, and each may read its own.

use civitas_directory::{Client, Outcome, Role, Roles, assertion::KeySet, client::Account};
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};

use super::{
    call::Call,
    fault::{Failure, Fault},
    filter::Filter,
    parameters::Selector,
    request::Verb,
    scope,
};
use crate::reply::Reply;

/// Answers a request to the collection.
pub(super) async fn collection(call: &Call<'_>) -> Result<Reply, Failure> {
    if !is_administrator(call) {
        return Err(Fault::forbidden().into());
    }
    match &call.request.verb {
        Verb::Create => create(call).await,
        Verb::Query => list(call).await,
        verb => {
            let (path, participle) = (call.path, verb.participle());
            let message = format!("The resource collection {path} cannot be {participle}");
            Err(Fault::invalid(message).into())
        }
    }
}

/// Answers a request to one of them.
pub(super) async fn item(call: &Call<'_>, id: &str) -> Result<Reply, Failure> {
    let is_own = call.caller.user.is_none() && call.caller.client_id == id;
    if !is_own && !is_administrator(call) {
        return Err(Fault::forbidden().into());
    }
    if call.request.verb != Verb::Read {
        let message = "Service accounts are created and read only";
        return Err(Fault::new(Outcome::NotBuilt, message).into());
    }
    match call.directory().account(call.tenant, id).await? {
        Some(client) => answer(call, Outcome::Answered, &client),
        None => Err(Fault::new(Outcome::NotFound, "Not Found").into()),
    }
}

/// Whether the caller is an administrator of the tenant, and not such an account itself.
fn is_administrator(call: &Call<'_>) -> bool {
    call.caller.scopes.is_none() && call.caller.roles.allow(Role::Administer)
}

async fn create(call: &Call<'_>) -> Result<Reply, Failure> {
    let body = call.request.body.as_object().cloned().unwrap_or_default();
    let account = read(&body)?;
    let id = call.scope.ids.issue(call.scope.now);
    let roles = Roles::NONE.with(Role::Administer);
    let directory = call.directory();
    let created = directory
        .create_account(call.tenant, id, account, roles)
        .await?;
    answer(call, Outcome::Created, &created)
}

fn read(body: &Map<String, Value>) -> Result<Account, Fault> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let lacking = |name: &str, why: &str| {
        let failed = json!({
            "policyRequirements": [{ "policyRequirement": why }], "property": name,
        });
        let detail = json!({ "result": false, "failedPolicyRequirements": [failed] });
        Fault::new(Outcome::NotAllowed, "Policy validation failed").with_detail(detail)
    };
    let name = text("name").filter(|it| !it.is_empty());
    let name = name.ok_or_else(|| lacking("name", "REQUIRED"))?;
    let keys = match body.get("jwks") {
        None | Some(Value::Null) => return Err(lacking("jwks", "REQUIRED")),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    if KeySet::read(&keys).is_none() {
        return Err(lacking("jwks", "VALID_TYPE"));
    }
    let scopes = body.get("scopes").and_then(Value::as_array);
    let scopes: Vec<String> = scopes
        .into_iter()
        .flatten()
        .filter_map(|it| it.as_str().map(str::to_owned))
        .collect();
    if scopes.is_empty() || !scopes.iter().all(|it| scope::is_known(it)) {
        return Err(lacking("scopes", "VALID_ENUM_VALUE"));
    }
    Ok(Account {
        signing_keys: Vec::new(),
        name,
        description: text("description").unwrap_or_default(),
        keys,
        scopes,
    })
}

async fn list(call: &Call<'_>) -> Result<Reply, Failure> {
    let query = call.request.parameters.query.as_ref();
    let all = query.is_some_and(|it| it.selector == Selector::Filter(Filter::Constant(true)));
    if !all {
        let message = "Service accounts are listed with the filter true only";
        return Err(Fault::new(Outcome::NotBuilt, message).into());
    }
    let accounts = call.directory().accounts(call.tenant).await?;
    let fields = &call.request.parameters.fields;
    let rows = accounts.iter().filter_map(object);
    let rows: Vec<Value> = rows.map(|it| Value::Object(fields.select(it))).collect();
    let envelope = json!({
        "resultCount": rows.len(),
        "result": rows,
        "pagedResultsCookie": null,
        "totalPagedResultsPolicy": "NONE",
        "totalPagedResults": -1,
        "remainingPagedResults": -1,
    });
    Ok(call.answer(Outcome::Answered, &envelope))
}

fn object(client: &Client) -> Option<Map<String, Value>> {
    let account = client.account.as_ref()?;
    let status = if client.enabled { "active" } else { "inactive" };
    let object = json!({
        "_id": client.id,
        "_rev": account.revision(),
        "name": account.name,
        "description": account.description,
        "accountStatus": status,
        "scopes": account.scopes,
        "jwks": account.keys,
        "maxCachingTime": "15",
        "maxIdleTime": "15",
        "maxSessionTime": "15",
        "quotaLimit": "5",
    });
    object.as_object().cloned()
}

fn answer(call: &Call<'_>, outcome: Outcome, client: &Client) -> Result<Reply, Failure> {
    let object = object(client).unwrap_or_default();
    let revision = object["_rev"].as_str().unwrap_or_default().to_owned();
    let shown = call.request.parameters.fields.select(object);
    let reply = call.object(outcome, &revision, shown)?;
    if outcome != Outcome::Created {
        return Ok(reply);
    }
    let location = format!("{}/openidm/managed/svcacct/{}", call.origin, client.id);
    Ok(match HeaderValue::try_from(location) {
        Ok(location) => reply.with(header::LOCATION, location),
        Err(_) => reply,
    })
}
