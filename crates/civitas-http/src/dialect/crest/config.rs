//! `/openidm/config` and `/openidm/schema`: what is configured, which is the types of managed
//! objects, and how clients add properties to them.

use civitas_directory::Outcome;
use serde_json::{Map, Value, json};

use super::{
    call::Call,
    document,
    fault::{Failure, Fault},
    listing,
    managed::{self, definition},
    patch,
    place::Place,
    realm,
    request::Verb,
};
use crate::reply::Reply;

/// The configurations that there are.
const MANAGED: &str = "managed";
const SYNC: &str = "sync";

/// Answers a request to all configurations.
pub(super) async fn collection(call: &Call<'_>) -> Result<Reply, Failure> {
    let served = Place::Configurations.served();
    match &call.request.verb {
        Verb::Read => {
            let all = all(call).await?.into_iter();
            let named =
                all.map(|it| json!({ "_id": it["_id"], "pid": it["_id"], "factoryPid": null }));
            let all = json!({ "_id": "", "configurations": named.collect::<Value>() });
            Ok(call.versioned(call.answer(Outcome::Answered, &all), served))
        }
        Verb::Query => {
            let found = listing::answer(call, all(call).await?, true)?;
            Ok(call.versioned(found, served))
        }
        verb => {
            let (path, participle) = (call.path, verb.participle());
            let text = format!("The resource collection {path} cannot be {participle}");
            Err(Fault::invalid(text).into())
        }
    }
}

/// Every configuration, the service's own first.
async fn all(call: &Call<'_>) -> Result<Vec<Map<String, Value>>, Failure> {
    let own = [managed_objects(call).await?, mappings()].into_iter();
    let own = own.filter_map(|it| it.as_object().cloned());
    Ok(own.chain(document::all(call).await?).collect())
}

async fn managed_objects(call: &Call<'_>) -> Result<Value, Failure> {
    Ok(json!({ "_id": MANAGED, "objects": types(call).await? }))
}

/// The types of all realms.
async fn types(call: &Call<'_>) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::new();
    for realm in realm::ALL {
        let catalogue = call.catalogue_of(realm).await?;
        all.extend(definition::objects(realm, &catalogue));
    }
    Ok(all)
}

/// What is synchronized with systems, of which there are none.
fn mappings() -> Value {
    json!({ "_id": SYNC, "mappings": [] })
}

/// Answers a request to one configuration.
pub(super) async fn item(call: &mut Call<'_>, id: &str) -> Result<Reply, Failure> {
    let served = Place::Configurations.served();
    match (&call.request.verb, id) {
        (Verb::Read, MANAGED) => {}
        (Verb::Update | Verb::Upsert, MANAGED) => {
            let body = call.request.body.clone();
            configure(call, &body).await?;
        }
        (Verb::Patch, MANAGED) => {
            let mut object = managed_objects(call).await?;
            for operation in patch::read(&call.request.body)? {
                if let Some(members) = object.as_object_mut() {
                    operation.apply(members)?;
                }
            }
            configure(call, &object).await?;
        }
        (Verb::Read, SYNC) => {
            return Ok(call.versioned(call.answer(Outcome::Answered, &mappings()), served));
        }
        (Verb::Update | Verb::Upsert, SYNC) => {
            // Clients that write everything back write this back, too.
            if call.request.body["mappings"] != json!([]) {
                let text = "No system is connected here: mappings must be empty";
                return Err(Fault::new(Outcome::NotBuilt, text).into());
            }
            return Ok(call.versioned(call.answer(Outcome::Answered, &mappings()), served));
        }
        (Verb::Delete, MANAGED | SYNC) => {
            return Err(Fault::new(Outcome::NotAllowed, document::CLOSED).into());
        }
        (_, id) if id != MANAGED && id != SYNC => return document::item(call, id).await,
        _ => {
            let text = format!("The configuration {id} cannot be written here");
            return Err(Fault::new(Outcome::NotBuilt, text).into());
        }
    }
    let answer = call.answer(Outcome::Answered, &managed_objects(call).await?);
    Ok(call.versioned(answer, served))
}

/// Makes the properties of types those of a configuration, which may differ from the one in
/// force in those that clients add and in types that they add, and in nothing else.
async fn configure(call: &mut Call<'_>, body: &Value) -> Result<(), Failure> {
    let refuse = |what: &str| {
        let text = format!(
            "{what}: of the service's own types only properties custom_… can be changed here"
        );
        Failure::from(Fault::new(Outcome::NotBuilt, text))
    };
    let asked = body["objects"].as_array();
    let asked = asked
        .ok_or_else(|| Fault::invalid("objects must be an array"))?
        .clone();
    let now = types(call).await?;
    let named = |all: &[Value], name: &Value| all.iter().find(|it| it["name"] == *name).cloned();
    let (mut changes, mut gone) = (Vec::new(), Vec::new());
    for known in &now {
        let name = known["name"].as_str().unwrap_or_default();
        let is_added = definition::is_added(name);
        match named(&asked, &known["name"]) {
            None if is_added => gone.push(name.to_owned()),
            Some(given) if is_added && given != *known => changes.push(Change::Type(given)),
            Some(_) if is_added => {}
            Some(given) if shipped(&given) == shipped(known) => {
                if custom(&given) != custom(known) {
                    changes.push(Change::Properties(name.to_owned(), custom(&given)));
                }
            }
            _ => return Err(refuse(name)),
        }
    }
    let new = asked.iter().filter(|it| named(&now, &it["name"]).is_none());
    changes.extend(new.cloned().map(Change::Type));
    // What cannot be is refused before anything is changed.
    for change in &changes {
        if let Change::Type(definition) = change {
            managed::check_type(definition)?;
        }
    }
    // What follows goes on in the tenant's own realm.
    for realm in realm::ALL.into_iter().rev() {
        call.enter_realm(realm).await?;
        let is_here = |name: &str| realm::split(name).is_some_and(|it| it.0 == realm);
        for name in gone.iter().filter(|it| is_here(it)) {
            managed::retire(call, name).await?;
        }
        for change in changes.iter().filter(|it| is_here(it.name())) {
            match change {
                Change::Properties(name, wanted) => managed::customize(call, name, wanted).await?,
                Change::Type(definition) => managed::define(call, definition).await?,
            }
        }
    }
    Ok(())
}

/// What a configuration changes.
enum Change {
    /// The properties that are added to a type.
    Properties(String, Map<String, Value>),
    /// A type that is added.
    Type(Value),
}

impl Change {
    fn name(&self) -> &str {
        match self {
            Self::Properties(name, _) => name,
            Self::Type(definition) => definition["name"].as_str().unwrap_or_default(),
        }
    }
}

/// The properties that clients added.
fn custom(object: &Value) -> Map<String, Value> {
    let properties = object["schema"]["properties"].as_object();
    let properties = properties.into_iter().flatten();
    let custom = properties.filter(|(name, _)| definition::is_custom(name));
    custom
        .map(|(name, it)| (name.clone(), it.clone()))
        .collect()
}

/// The definition without them.
fn shipped(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(properties) = object["schema"]["properties"].as_object_mut() {
        properties.retain(|name, _| !definition::is_custom(name));
    }
    if let Some(order) = object["schema"]["order"].as_array_mut() {
        order.retain(|name| !name.as_str().is_some_and(definition::is_custom));
    }
    object
}

/// Answers a request to the schema of a type.
pub(super) fn schema(call: &Call<'_>, name: &str) -> Result<Reply, Failure> {
    let reply = super::info::read_only(call, &managed::schema(call, name)?)?;
    Ok(call.versioned(reply, Place::TypeSchema(name).served()))
}

/// Answers a request to one property of a schema.
pub(super) async fn property(
    call: &mut Call<'_>,
    name: &str,
    property: &str,
) -> Result<Reply, Failure> {
    let missing = || Failure::from(Fault::new(Outcome::NotFound, "Not Found"));
    let now = |call: &Call<'_>| -> Result<Map<String, Value>, Failure> {
        let schema = managed::schema(call, name)?;
        Ok(schema["properties"]
            .as_object()
            .cloned()
            .unwrap_or_default())
    };
    let before = now(call)?;
    let known = before.get(property).cloned();
    let reads = call.request.verb == Verb::Read;
    if !reads && !definition::may_add(call, name, property) {
        let names = json!([property]);
        let text = format!("Request content includes unprefixed attributes for {name}: {names}");
        return Err(Fault::invalid(text).into());
    }
    let mut wanted = before;
    wanted.retain(|property, _| definition::may_add(call, name, property));
    let (outcome, shown) = match call.request.verb.clone() {
        Verb::Read => (Outcome::Answered, known.ok_or_else(missing)?),
        Verb::CreateAs if known.is_some() => {
            let text = format!("The property {property} is there already");
            return Err(Fault::precondition(text).into());
        }
        Verb::Update if known.is_none() => return Err(missing()),
        Verb::CreateAs | Verb::Update | Verb::Upsert => {
            let body = call.request.body.clone();
            if known.as_ref().is_some_and(|it| it["type"] != body["type"]) {
                let text = format!("The type of {property} cannot be changed");
                return Err(Fault::invalid(text).into());
            }
            wanted.insert(property.to_owned(), body);
            managed::customize(call, name, &wanted).await?;
            let shown = now(call)?.remove(property).ok_or_else(missing)?;
            let outcome = match known {
                Some(_) => Outcome::Answered,
                None => Outcome::Created,
            };
            (outcome, shown)
        }
        Verb::Delete => {
            let shown = known.ok_or_else(missing)?;
            wanted.shift_remove(property);
            managed::customize(call, name, &wanted).await?;
            (Outcome::Answered, shown)
        }
        verb => {
            let (path, participle) = (call.path, verb.participle());
            let text = format!("The resource instance {path} cannot be {participle}");
            return Err(Fault::invalid(text).into());
        }
    };
    let reply = call.answer(outcome, &shown);
    Ok(call.versioned(reply, Place::TypeSchema(name).served()))
}

/// Answers a request to systems that objects are synchronized with, of which there are none.
pub(super) fn systems(call: &Call<'_>) -> Result<Reply, Failure> {
    match &call.request.verb {
        Verb::Action(action) if action == "testConnectorServers" => {
            let none = json!({ "openicf": [] });
            let served = Place::Systems.served();
            Ok(call.versioned(call.answer(Outcome::Answered, &none), served))
        }
        Verb::Action(action) if action == "test" => Ok(call.answer(Outcome::Answered, &json!([]))),
        Verb::Action(action) => {
            let text = format!("Action {action} is not supported.");
            Err(Fault::invalid(text).into())
        }
        verb => {
            let (path, participle) = (call.path, verb.participle());
            let text = format!("The resource collection {path} cannot be {participle}");
            Err(Fault::invalid(text).into())
        }
    }
}

/// `/environment/info`: what kind of place this is.
pub(super) fn environment(call: &Call<'_>) -> Result<Reply, Failure> {
    let domain = call.origin.split_once("://").map_or("", |(_, host)| host);
    let info = json!({
        "cloud": true,
        "domain_name": domain,
        "immutable": false,
        "locked": false,
        "region": "",
        "tier": "",
    });
    super::info::read_only(call, &info)
}
