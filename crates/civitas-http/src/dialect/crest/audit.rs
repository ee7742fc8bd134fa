//! `/openidm/audit/{topic}`: what happened, as far as the event log knows it: committed changes of
//! objects, of configurations, and of sessions. Each entry is one event.

use civitas_directory::{
    Outcome, Version,
    store::{Event, EventKind, Place, Position},
};
use serde_json::{Map, Value, json};

use super::{
    call::Call,
    fault::{Failure, Fault},
    fidelity,
    kept::Kind,
    listing, managed,
    parameters::Query,
    request::Verb,
};
use crate::reply::Reply;

type Entry = Map<String, Value>;

/// Events that are read at a time.
const AT_ONCE: usize = 1_000;
/// Most events that one request looks at.
const MAX_EXAMINED: usize = 100_000;
/// Most entries of an answer.
const MAX_ENTRIES: usize = 10_000;

/// What entries are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    Activity,
    Authentication,
    Config,
}

impl Topic {
    /// The topic of that name that the event log knows something of.
    fn of(name: &str) -> Option<Self> {
        match name {
            "activity" => Some(Self::Activity),
            "authentication" => Some(Self::Authentication),
            "config" => Some(Self::Config),
            _ => None,
        }
    }

    fn of_event(event: &Event) -> Self {
        let is = |kind: Kind| event.resource_type == kind.resource_type();
        if is(Kind::Session) {
            Self::Authentication
        } else if is(Kind::Configuration) {
            Self::Config
        } else {
            Self::Activity
        }
    }
}

/// Topics of the service of which the event log knows nothing.
const UNKNOWN: [&str; 3] = ["access", "recon", "sync"];

/// Answers a request to a topic.
pub(super) async fn topic(call: &Call<'_>, name: &str) -> Result<Reply, Failure> {
    let topic = known(call, name)?;
    match &call.request.verb {
        Verb::Query => query(call, topic).await,
        Verb::Create => {
            let text = "Entries are made by what happens, not by clients";
            Err(Fault::new(Outcome::NotBuilt, text).into())
        }
        Verb::Action(action) => {
            Err(Fault::invalid(format!("Action {action} is not supported.")).into())
        }
        verb => {
            let (path, participle) = (call.path, verb.participle());
            let text = format!("The resource collection {path} cannot be {participle}");
            Err(Fault::invalid(text).into())
        }
    }
}

/// Answers a request to an entry.
pub(super) async fn entry(call: &Call<'_>, name: &str, id: &str) -> Result<Reply, Failure> {
    let topic = known(call, name)?;
    if call.request.verb != Verb::Read {
        let (path, participle) = (call.path, call.request.verb.participle());
        let text = format!("The resource instance {path} cannot be {participle}");
        return Err(Fault::invalid(text).into());
    }
    let number = id.parse::<i64>().ok().filter(|it| *it > 0);
    let missing = || Fault::new(Outcome::NotFound, "Not Found");
    let number = number.ok_or_else(missing)?;
    let reach = call.directory().log_reach(call.tenant).await?;
    if number <= reach.pruned.0 {
        let text = "The log no longer reaches back to this entry";
        return Err(Fault::new(Outcome::Gone, text).into());
    }
    let directory = call.directory();
    let found = directory.history(&call.scope, Version(number - 1), 1);
    let found = found.await?.pop();
    let is_it = |it: &Event| it.version.0 == number && Topic::of_event(it) == topic;
    let event = found.filter(is_it).ok_or_else(missing)?;
    let shown = call.request.parameters.fields.select(shown(&event));
    Ok(call.answer(Outcome::Answered, &Value::Object(shown)))
}

/// The topic, if it is one that can be read here.
fn known(call: &Call<'_>, name: &str) -> Result<Topic, Fault> {
    let topic = Topic::of(name);
    let reads = matches!(call.request.verb, Verb::Query | Verb::Read);
    let is_closed = fidelity::audit(call.tenant.settings.fidelity).is_some();
    match topic {
        Some(_) if is_closed && reads => Err(not_supported(call)),
        Some(topic) => Ok(topic),
        None if UNKNOWN.contains(&name) && reads => Err(not_supported(call)),
        None if UNKNOWN.contains(&name) => {
            Err(Fault::new(Outcome::NotBuilt, "Nothing is kept of this"))
        }
        None => Err(Fault::no_resource(call.path)),
    }
}

fn not_supported(call: &Call<'_>) -> Fault {
    let what = match call.request.verb {
        Verb::Query => "Query",
        _ => "Read",
    };
    Fault::new(Outcome::NotBuilt, format!("{what} not supported on stdout"))
}

async fn query(call: &Call<'_>, topic: Topic) -> Result<Reply, Failure> {
    let Some(query) = &call.request.parameters.query else {
        return Err(Fault::invalid("A query needs a selector").into());
    };
    let walks = query.sort.is_empty() && query.offset == 0 && !query.total && !query.count_only;
    let (Some(size), true) = (query.page_size, walks) else {
        let all = Entries::read(call, topic, query, 0, MAX_ENTRIES + 1).await?;
        if all.next.is_some() || all.entries.len() > MAX_ENTRIES {
            let text = format!(
                "The query looks at more than {MAX_EXAMINED} entries or finds more than \
                 {MAX_ENTRIES}: ask for pages with _pageSize, in the order of the log"
            );
            return Err(Fault::invalid(text).into());
        }
        return listing::answer(call, all.entries, false);
    };
    let size = usize::try_from(size)
        .unwrap_or(MAX_ENTRIES)
        .min(MAX_ENTRIES);
    let begin = managed::open(call, query)?.map_or(0, |walk| walk.place.position.0);
    let mut page = Entries::read(call, topic, query, begin, size).await?;
    let ids_only = listing::select(&mut page.entries, &query.selector)?;
    let cookie = match page.next {
        Some(next) => {
            let place = Place {
                resource_type: String::new(),
                position: Position(next),
                key: None,
            };
            Some(managed::close(call, size, place)?)
        }
        None => None,
    };
    let fields = &call.request.parameters.fields;
    let shown = page.entries.into_iter().map(|mut entry| {
        if ids_only {
            entry.retain(|name, _| name == "_id");
        }
        fields.select(entry)
    });
    let (shown, cookie) = (shown.collect(), cookie.as_deref());
    Ok(managed::found(call, query, shown, 0, cookie))
}

/// Entries that a query selects, in the order of the log.
struct Entries {
    entries: Vec<Entry>,
    /// The last event that was looked at, where there are more.
    next: Option<i64>,
}

impl Entries {
    /// At most `count` of them, after an event.
    async fn read(
        call: &Call<'_>,
        topic: Topic,
        query: &Query,
        after: i64,
        count: usize,
    ) -> Result<Self, Failure> {
        let (mut entries, mut last) = (Vec::new(), after);
        let mut examined = 0;
        while examined < MAX_EXAMINED {
            let directory = call.directory();
            let events = directory
                .history(&call.scope, Version(last), AT_ONCE)
                .await?;
            let is_end = events.len() < AT_ONCE;
            for event in &events {
                last = event.version.0;
                if Topic::of_event(event) != topic {
                    continue;
                }
                let mut entry = vec![shown(event)];
                listing::select(&mut entry, &query.selector)?;
                entries.append(&mut entry);
                if entries.len() == count {
                    return Ok(Self {
                        entries,
                        next: Some(last),
                    });
                }
            }
            if is_end {
                return Ok(Self {
                    entries,
                    next: None,
                });
            }
            examined += events.len();
        }
        Ok(Self {
            entries,
            next: Some(last),
        })
    }
}

/// An event as an entry.
fn shown(event: &Event) -> Entry {
    let (_, actor) = event.actor.split_once(':').unwrap_or_default();
    let topic = Topic::of_event(event);
    let mut entry = json!({
        "_id": event.version.0.to_string(),
        "timestamp": event.at.to_string(),
        "eventName": name(event, topic),
        "transactionId": event.request_id,
        "userId": actor,
        "runAs": actor,
    });
    if topic == Topic::Authentication {
        entry["principal"] = json!([actor]);
        entry["result"] = "SUCCESSFUL".into();
    } else {
        let difference = event.difference.as_ref();
        let fields = difference.map(|it| it.attributes.clone());
        let fields = fields.unwrap_or_default();
        entry["objectId"] = object_id(event).into();
        entry["operation"] = operation(event).into();
        entry["passwordChanged"] = fields.iter().any(|it| it == "password").into();
        entry["changedFields"] = fields.into();
        entry["revision"] = event.version.0.to_string().into();
        entry["status"] = "SUCCESS".into();
    }
    entry.as_object().cloned().unwrap_or_default()
}

fn name(event: &Event, topic: Topic) -> &'static str {
    match (topic, event.kind) {
        (Topic::Activity, _) => "activity",
        (Topic::Config, _) => "CONFIG",
        (Topic::Authentication, EventKind::Deleted) => "LOGOUT",
        (Topic::Authentication, EventKind::Created | EventKind::Changed) => "LOGIN",
    }
}

fn operation(event: &Event) -> &'static str {
    match (event.kind, &event.difference) {
        (EventKind::Created, _) => "CREATE",
        (EventKind::Deleted, _) => "DELETE",
        (EventKind::Changed, Some(difference)) if !difference.whole => "PATCH",
        (EventKind::Changed, _) => "UPDATE",
    }
}

/// What an event is about, as a path below `/openidm` where there is one.
fn object_id(event: &Event) -> String {
    let Event {
        resource_type, id, ..
    } = event;
    let document = |kind: Kind, path: &str| {
        let is_it = resource_type == kind.resource_type();
        is_it.then(|| format!("{path}/{}", kind.name_of(id)))
    };
    managed::reference_of(resource_type, id)
        .or_else(|| document(Kind::Configuration, "config"))
        .or_else(|| document(Kind::Job, "scheduler/job"))
        .or_else(|| document(Kind::Variable, "environment/variables"))
        .or_else(|| document(Kind::Secret, "environment/secrets"))
        .unwrap_or_else(|| format!("{resource_type}/{id}"))
}
